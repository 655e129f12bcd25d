import Kernel
import Platform
import Statute
import Store
import Web

/// What follows an agreement (履行与再次调解): closing with the promise's end written down, mediating again.
extension Handling {
    /// 办结. A promise is not lost with the file, and silence of the consumer is no breach of the merchant's.
    func closing(_ s: Step) throws -> Matter {
        let id = s.c.matter.id
        guard let promise = try Negotiation.promise(id, s.tx), promise.state != "kept" else { return try move(s, "close", [("note", s.optional("note") ?? "")]) }
        let kept = try s.choice("kept", ["yes", "no", "unconfirmed"])
        let note = try s.text("note", 500)
        guard kept == "yes" || s.now.day > promise.due else {
            throw Refusal(.conflict, Text("商家承诺\(promise.due)前履行，届满前不能按未履行办结", "The promise runs until \(promise.due): it is not closed as unkept before"))
        }
        let state = kept == "yes" ? "kept" : kept == "no" ? "broken" : promise.state == "claimed" ? "claimed" : "broken"
        guard kept != "unconfirmed" || promise.state == "claimed" else {
            throw Refusal.invalid("/kept", Text("商家没有称已履行，请选择“到期未履行”", "The merchant has not said that it was done: choose “not by its day”"))
        }
        try s.tx.send("UPDATE disputes_promises SET state = \(state) WHERE matter = \(id)")
        return try move(s, "close", [("kept", kept), ("note", note)], seals: [.init("disputes_promises", key: "matter", id.raw)])
    }

    /// 再次调解, with both consents. What was agreed, promised and published of the first round ends; the period of sixty days runs anew so
    /// that it stands in the queue: that is the office's own choice, no law speaks of a second round.
    func again(_ s: Step) throws -> Matter {
        let id = s.c.matter.id
        guard let outcome = s.c.matter.outcome, ["agreed", "ended", "settled-or-withdrawn"].contains(outcome) else {
            throw Refusal(.conflict, Text("只有经过调解的投诉可以再次调解", "Only what was mediated is mediated again"))
        }
        guard s.input["consent"] == "yes" else { throw Refusal.invalid("/consent", Text("须双方同意", "Both sides must consent")) }
        let reason = try s.text("reason", 500)
        try s.tx.send("UPDATE casework_matters SET outcome = NULL WHERE id = \(id)")
        try s.tx.send("UPDATE disputes_complaints SET ending_ground = NULL, reason = NULL, agreement = NULL, agreement_form = NULL WHERE matter = \(id)")
        try s.tx.send("UPDATE disputes_promises SET state = 'broken' WHERE matter = \(id)")
        try s.tx.send(
            "UPDATE disputes_publications SET state = 'withdrawn', reason = '再次调解' WHERE matter = \(id) AND state IN ('noticed', 'objected', 'published', 'withheld-once')")
        var seals: [Ledger.Seal] = try Room.end(id, s.tx)
        if try Negotiation.promise(id, s.tx) != nil { seals.append(.init("disputes_promises", key: "matter", id.raw)) }
        if try s.tx.one("SELECT matter FROM disputes_publications WHERE matter = \(id)") != nil { seals.append(.init("disputes_publications", key: "matter", id.raw)) }
        return try move(s, "again", [("reason", reason)], sealing: true, seals: seals)
    }

    /// Both have agreed on their own pages: the promise runs, and where mediators were named the paper is made for both.
    func concluded(_ c: Complaint, _ draft: Room.Draft, by actor: Actor, at now: Moment, _ tx: Transaction) throws {
        let promised = draft.by
        // It stands among the offers as what was taken, with its sum.
        _ = try Negotiation.closeOffers(c.matter.id, tx)
        try tx.send(
            """
            INSERT INTO disputes_offers (matter, party, remedy, amount, by_day, note, state, at)
            VALUES (\(c.matter.id), 'respondent', \(draft.amount == nil ? "other" : "refund"), \(draft.amount), \(promised), '双方在线签署的协议', 'accepted', \(now))
            """)
        try Negotiation.promise(promised, in: c.matter.id, at: now, tx)
        try casework.perform(
            "settle", on: c.matter, by: actor, at: now, details: [("form", .string("online"))], outcome: "agreed",
            sealing: [
                .init("disputes_complaints", key: "matter", c.matter.id.raw), .init("disputes_promises", key: "matter", c.matter.id.raw),
                .init("disputes_offers", of: "matter", c.matter.id.raw),
            ]
                + Room.end(c.matter.id, tx), tx)
        if c.mediators != nil {
            try ComplaintDocuments.issue("agreement", for: tx.complaint(c.matter.id), to: ["complainant", "respondent"], through: "portal", by: actor, at: now, desk: desk, tx)
        }
    }
}
