import Kernel
import Platform
import Statute
import Store

extension Handling {
    /// The moves that can succeed now: the table's, but for those that this matter's own standing rules out.
    package func available(_ c: Complaint, to actor: Actor, clocks: [RunningClock], people: PeoplesMediation? = nil, hasReport: Bool = false) -> [Move] {
        ComplaintMoves.table.available(c.matter, to: actor, desk.permissions).filter { move in
            switch move.name {
            case "split": !hasReport
            case "dispatch": c.matter.region.count < 6
            case "entrust": c.matter.region.count >= 6
            case "hand-back": c.matter.region.count > 6
            case "court-applied": c.agreementForm == "people" && !(people?.appliedOn != nil)
            case "court-decided": people?.appliedOn != nil && people?.result == nil
            case "lead-decided": clocks.contains { $0.duty == "C5" && $0.state == "open" }
            default: true
            }
        }
    }

    /// Both have agreed on their own pages: the promise runs, and where mediators were named the paper is made for both.
    func concluded(_ c: Complaint, _ draft: Room.Draft, by actor: Actor, at now: Moment, _ tx: Transaction) throws {
        let promised = draft.by
        // It stands among the offers as what was taken, with its sum.
        try tx.send("UPDATE disputes_offers SET state = 'superseded' WHERE matter = \(c.matter.id) AND state = 'open'")
        try tx.send(
            """
            INSERT INTO disputes_offers (matter, party, remedy, amount, by_day, note, state, at)
            VALUES (\(c.matter.id), 'respondent', \(draft.amount == nil ? "other" : "refund"), \(draft.amount), \(promised), '双方在线签署的协议', 'accepted', \(now))
            """)
        try tx.run(
            """
            INSERT INTO disputes_promises (matter, due, state, made_at) VALUES (\(c.matter.id), \(promised), 'due', \(now))
            ON CONFLICT (matter) DO UPDATE SET due = \(promised), state = 'due', claimed_at = NULL, made_at = \(now)
            """)
        try casework.perform(
            "settle", on: c.matter, by: actor, at: now, details: [("form", .string("online"))], outcome: "agreed",
            sealing: [
                .init("disputes_complaints", key: "matter", c.matter.id.raw), .init("disputes_promises", key: "matter", c.matter.id.raw),
                .init("disputes_offers", of: "matter", c.matter.id.raw),
            ]
                + Room.end(c.matter.id, tx), tx)
        try Jobs.add(Negotiation.reminder, [("matter", .int(c.matter.id.raw))], at: Moment(promised.adding(days: 1), hour: 8), tx)
        if c.mediators != nil {
            try ComplaintDocuments.issue("agreement", for: tx.complaint(c.matter.id), to: ["complainant", "respondent"], through: "portal", by: actor, at: now, desk: desk, tx)
        }
    }
}
