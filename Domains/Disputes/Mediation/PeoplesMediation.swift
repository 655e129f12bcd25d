import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// People's mediation joined to the authority's (人民调解): handed over with both consents, its agreement, and judicial confirmation within
/// thirty days.
///
/// Law: PML art. 28, 31–33; CPL art. 205; O121 art. 19 for the consents.
package struct PeoplesMediation: Sendable {
    package let committee: String
    package let written: Bool?
    package let effectiveOn: Day?
    /// The last day on which both may apply to the court together.
    package let applyBy: Day?
    package let appliedOn: Day?
    package let court: String?
    package let result: String?
    package let ruling: String?

    init(_ row: Row) {
        committee = row.string("committee")
        written = row.optionalInt("written").map { $0 == 1 }
        effectiveOn = row.optionalDay("effective_on")
        applyBy = row.optionalDay("apply_by")
        appliedOn = row.optionalDay("applied_on")
        court = row.optionalString("court")
        result = row.optionalString("result")
        ruling = row.optionalString("ruling")
    }

    static let reminder = "disputes.confirmation"
    /// Days after the agreement on which both are reminded.
    static let reminders = [7, 20, 27]
    static let results: [(String, Text)] = [("confirmed", Text("裁定有效", "confirmed")), ("rejected", Text("裁定驳回", "rejected")), ("withdrawn", Text("撤回申请", "application withdrawn"))]

    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> PeoplesMediation? {
        try tx.one("SELECT * FROM disputes_people WHERE matter = \(matter)").map(PeoplesMediation.init)
    }

    /// The moves that belong to it; nil: none of them.
    static func apply(_ name: String, on c: Complaint, input: Form, by actor: Actor, at now: Moment, _ handling: Handling, _ tx: Transaction) throws -> Matter? {
        let id = c.matter.id
        func move(_ details: [(String, String)] = [], outcome: String? = nil) throws -> Matter {
            try handling.casework.perform(
                name, on: c.matter, by: actor, at: now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome,
                sealing: [.init("disputes_people", key: "matter", id.raw), .init("disputes_complaints", key: "matter", id.raw)], tx)
        }
        switch name {
        case "hand-to-people":
            let committee = try input.needed("committee", 120)
            guard input["consent-complainant"] == "yes", input["consent-respondent"] == "yes" else {
                throw Refusal.invalid("/consent", Text("移交人民调解须双方同意", "Both sides must consent"))
            }
            try tx.run("INSERT INTO disputes_people (matter, committee) VALUES (\(id), \(committee)) ON CONFLICT (matter) DO UPDATE SET committee = \(committee)")
            let channel = try input.chosen("channel", Notice.channels.map(\.0))
            for party in ["complainant", "respondent"] { try Casework.notify(party, of: id, by: channel, Notice.people.zh, at: now, tx) }
            return try move([("committee", committee), ("channel", channel)])
        case "people-agreed":
            let text = try input.needed("agreement", 4000)
            let form = try input.chosen("written", ["written", "oral"])
            guard let day = input["effectiveOn"].flatMap({ Day($0) }), day <= now.day, day >= c.matter.receivedAt.day else {
                throw Refusal.invalid("/effectiveOn", Text("生效日期应在收到投诉之后、今天以前", "The day lies between receipt and today"))
            }
            let applyBy = try handling.desk.engine.deadline("JC1", from: Moment(day, hour: 12), received: day, explain: false).due
            try tx.send("UPDATE disputes_people SET written = \(form == "written"), effective_on = \(day), apply_by = \(applyBy) WHERE matter = \(id)")
            try tx.send("UPDATE disputes_complaints SET agreement = \(text), agreement_form = 'people' WHERE matter = \(id)")
            for n in reminders { try Jobs.add(reminder, [("matter", .int(id.raw))], at: Moment(day.adding(days: n), hour: 8), tx) }
            return try move([("effective", day.description), ("apply-by", applyBy.description)], outcome: "agreed")
        case "people-failed": return try move([("reason", input.needed("reason", 1000))])
        case "court-applied":
            guard let row = try of(id, tx), row.applyBy != nil, row.appliedOn == nil else {
                throw Refusal(.conflict, Text("没有可以申请司法确认的人民调解协议", "There is no agreement that could be confirmed"))
            }
            guard let day = input["appliedOn"].flatMap({ Day($0) }), day <= now.day else { throw Refusal.invalid("/appliedOn", Text("申请日期不能晚于今天", "The day is not in the future")) }
            guard day >= row.effectiveOn! else {
                throw Refusal.invalid("/appliedOn", Text("申请日期不能早于协议生效日\(row.effectiveOn!)", "Not before the agreement took effect on \(row.effectiveOn!)"))
            }
            guard day <= row.applyBy! else {
                throw Refusal.invalid("/appliedOn", Text("已超过\(row.applyBy!)，法院不受理", "After \(row.applyBy!): the court does not take it"))
            }
            let court = try input.needed("court", 120)
            try tx.send("UPDATE disputes_people SET applied_on = \(day), court = \(court) WHERE matter = \(id)")
            return try move([("court", court), ("on", day.description)])
        case "court-decided":
            guard let row = try of(id, tx), row.appliedOn != nil, row.result == nil else { throw Refusal(.conflict, Text("没有等待裁定的申请", "No application waits for a ruling")) }
            let result = try input.chosen("result", results.map(\.0))
            let ruling = try input.needed("ruling", 60)
            try tx.send("UPDATE disputes_people SET result = \(result), ruling = \(ruling) WHERE matter = \(id)")
            return try move([("court-result", result), ("ruling", ruling)])
        default: return nil
        }
    }

    /// Both are reminded while nobody has applied and the time runs.
    static func remind(_ key: Int64, desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            let matter = try tx.matter(ID<Matter>(key))
            guard let row = try of(matter.id, tx), row.appliedOn == nil, let until = row.applyBy, now.day <= until else { return }
            for party in ["complainant", "respondent"] { try Casework.notify(party, of: matter.id, by: "portal", Notice.confirmation.zh, at: now, tx) }
            try Casework.remark(
                "confirmation-reminded", on: matter, by: .system, details: [("apply-by", .string(until.description))], sealing: [.init("casework_notices", of: "matter", key)],
                at: now, tx)
        }
    }

    /// 司法确认申请书: for both to sign; our own form, the court may have another.
    static func application(_ c: Complaint, _ desk: Desk, at now: Moment, _ tx: Transaction) throws -> String {
        guard let row = try of(c.matter.id, tx), let day = row.effectiveOn else { throw Refusal.notFound }
        let person = try tx.complainant(of: c.matter.id)
        let values: [String: Any] = [
            "complainantName": person.name.whole(.bySubject), "complainantPhone": person.phone.whole(.bySubject), "complainantAddress": person.address.whole(.bySubject),
            "respondentName": c.respondentName, "respondentAddress": c.respondentAddress, "committee": row.committee, "effectiveOn": Documents.chinese(day),
            "agreementText": c.agreement ?? "", "applyBy": row.applyBy.map(Documents.chinese) ?? "", "court": row.court ?? "", "date": Documents.chinese(now.day),
        ]
        return try Documents.render(Grounds.shared.template("confirmation"), values)
    }

    /// What both sides read of it: the court confirms what they apply for together, within thirty days.
    func writeForParties(_ h: HTML) {
        h.card(Text("人民调解", "People's mediation")) {
            h.p("mb-1", Text("由\(committee)调解。", "By \(committee)."))
            guard let applyBy else { return }
            if let result {
                h.p(
                    "mb-0", Text("司法确认：\(Self.results.first { $0.0 == result }?.1.zh ?? result)", "Judicial confirmation: \(Self.results.first { $0.0 == result }?.1.en ?? result)")
                )
            } else if let appliedOn {
                h.p("mb-0", Text("双方已于\(appliedOn)向\(court ?? "法院")申请司法确认。", "Both applied to \(court ?? "the court") on \(appliedOn)."))
            } else {
                h.p(
                    "mb-0",
                    Text(
                        "协议自\(effectiveOn?.description ?? "")起生效。双方可以在\(applyBy)前共同向人民法院申请司法确认，不收费；确认后一方不履行的，对方可以申请强制执行。",
                        "In force from \(effectiveOn?.description ?? ""). Both may ask the court together until \(applyBy) to confirm it, free of charge; what is confirmed can be enforced."
                    ))
            }
        }
    }

    func write(_ h: HTML, _ visit: Visit, _ c: Complaint) {
        h.card(Text("人民调解", "People's mediation")) {
            h.definitions {
                h.definition(Text("人民调解委员会", "Committee"), committee)
                h.definition(Text("协议生效日期", "Effective"), effectiveOn?.description)
                h.definition(Text("形式", "Form"), written.map { h.say($0 ? Text("书面协议", "written") : Text("口头协议（已记录）", "oral, recorded")) })
                if let applyBy {
                    h.definition(Text("司法确认", "Judicial confirmation")) {
                        if let appliedOn {
                            h.text(Text("\(appliedOn)向\(court ?? "")申请", "Applied to \(court ?? "") on \(appliedOn)"))
                            if let result { h.badge(Self.results.first { $0.0 == result }?.1 ?? Text(verbatim: result), result == "confirmed" ? "green" : "grey") }
                            if let ruling { h.span("small text-muted ms-2", ruling) }
                        } else {
                            h.text(Text("双方可在\(applyBy)前共同申请（三十日，不收费）", "Both may apply together until \(applyBy): thirty days, no fee"))
                        }
                    }
                }
            }
            if effectiveOn != nil, visit.may("personal.reveal") {
                visit.form(h, "/disputes/\(c.matter.id)/confirmation", "decide align-items-end") {
                    h.select(
                        "purpose", Text("申请书含双方完整信息，用途", "It holds full particulars: for what purpose"),
                        options: [("serve", Text("送达文书", "To serve a document")), ("contact", Text("联系当事人", "To contact them"))], value: nil, empty: Text("请选择", "Choose"))
                    h.button(Text("打印司法确认申请书（将记入日志）", "Print the application (this is logged)"), "btn btn-sm btn-outline-secondary")
                }
            }
        }
    }
}
