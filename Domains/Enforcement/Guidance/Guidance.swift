import Kernel
import Platform
import Statute
import Store
import Web

/// Guidance before punishment (行政指导): a prompt, advice, an interview, a warning meeting, an order to rectify; looked at again, with pictures
/// before and after. Beside a case, a lead, a visit, or by itself.
package struct Guidance: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case prompt, advice, interview, meeting, order
        package var isMeeting: Bool { self == .interview || self == .meeting }
        package var title: Text {
            switch self {
            case .prompt: Text("行政提示", "Prompt")
            case .advice: Text("行政建议", "Advice")
            case .interview: Text("行政约谈", "Interview")
            case .meeting: Text("告诫会", "Warning meeting")
            case .order: Text("责令改正", "Order to rectify")
            }
        }
    }
    /// On which an interview rests (约谈依据).
    static let interviews: [Article] = [
        Article(law: "O37", article: "38"), Article(law: "O117", article: "52"), Article(law: "O116", article: "38"), Article(law: "O110", article: "23"),
        Article(law: "AUCL", article: "18"),
        Article(law: "O81", article: "34"), Article(law: "FSL", article: "114"),
    ]
    package let matter: Matter
    package let ofMatter: ID<Matter>?
    package let kind: Kind
    package let violation: String?
    package let partyName: String
    package let partyAddress: String
    package let issues: String
    package let asked: String
    package let basis: String
    package let due: Day?
    package let heldAt: String?
    package let place: String?
    package let attended: String?
    package let absent: Bool
    package let rechecks: Int
    package let found: String?
    package let said: String?
    let code: String

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        ofMatter = row.optionalID("of_matter")
        kind = Kind(rawValue: row.string("kind")) ?? .prompt
        violation = row.optionalString("violation")
        partyName = row.string("party_name")
        partyAddress = row.string("party_address")
        issues = row.string("issues")
        asked = row.string("asked")
        basis = row.string("basis")
        due = row.optionalDay("due")
        heldAt = row.optionalString("held_at")
        place = row.optionalString("place")
        attended = row.optionalString("attended")
        absent = row.bool("absent")
        rechecks = row.count("rechecks")
        found = row.optionalString("found")
        said = row.optionalString("said")
        code = row.string("code")
    }
}

extension Transaction {
    package func guidance(_ matter: Matter) throws -> Guidance {
        guard matter.kind == GuidanceMoves.kind, let row = try one("SELECT * FROM enforcement_guidance WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Guidance(matter, row)
    }
}

/// The table of guidance (行政指导流转表).
package enum GuidanceMoves {
    package static let kind = "guidance"
    package static let issued = "issued", claimed = "claimed", unrectified = "unrectified", rectified = "rectified", escalated = "escalated", withdrawn = "withdrawn"
    private static let staff: [Move.By] = [.staff("enforcement.guide")]
    package static let table = MoveTable(
        kind: kind, title: Text("行政指导和责令改正", "Guidance"),
        states: [
            State(issued, "已发出，待改正", "Sent, to be corrected", true, "amber"), State(claimed, "当事人称已改正，待复查", "Said to be corrected", true, "blue"),
            State(unrectified, "复查未改正", "Not corrected", true, "red"), State(rectified, "已改正", "Corrected", false, "green"),
            State(escalated, "已转案件核查", "Turned into a case", false, "grey"), State(withdrawn, "已撤回", "Withdrawn", false, "grey"),
        ],
        moves: [
            Move("respond", Text("当事人反馈", "The party answered"), from: [issued, unrectified], to: claimed, by: [.respondent], articles: [:]),
            Move("attend", Text("登记约谈、会议情况", "Record the meeting"), from: [issued, claimed, unrectified], to: nil, by: staff, articles: [:]),
            Move("recheck", Text("复查：已改正", "Looked at again: corrected"), from: [issued, claimed, unrectified], to: rectified, by: staff, articles: [:]),
            Move("fail", Text("复查：未改正", "Looked at again: not corrected"), from: [issued, claimed], to: unrectified, by: staff, articles: [:]),
            Move("fail-again", Text("再次复查仍未改正", "Still not corrected"), from: [unrectified], to: nil, by: staff, articles: [:]),
            Move("escalate", Text("转入案件核查", "Turn into a case"), from: [issued, claimed, unrectified], to: escalated, by: staff, articles: ["PCD": "18(1)"]),
            Move("withdraw", Text("撤回", "Withdraw"), from: [issued, claimed, unrectified], to: withdrawn, by: [.staff("enforcement.decide")], articles: [:]),
        ],
        filer: Text("当事人", "The party"), opening: Text("发出", "Sent"), outcomes: ["rectified": Text("已改正", "corrected"), "escalated": Text("转案件", "case")]
    ) { key, value, _ in
        switch key {
        case "note", "found": (Text("情况", "Found"), Text(verbatim: value))
        case "said": (Text("当事人称", "The party said"), Text(verbatim: value))
        case "attended": (Text("到场", "Attended"), Text(verbatim: value))
        case "number": (Text("案件编号", "Case"), Text(verbatim: value))
        default: nil
        }
    }
}

/// Guiding, looking again, escalating (行政指导办理).
package struct GuidanceHandling: Sendable {
    package let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: GuidanceMoves.table, desk: desk)
    }

    /// What is sent.
    package struct New: Sendable {
        package var kind: Guidance.Kind
        package var partyName: String
        package var partyAddress: String
        package var issues: String
        package var asked: String
        package var basis: String
        package var due: Day?
        package var heldAt: String?
        package var place: String?
        package var violation: String?
        package var ofMatter: Matter?
        package var `operator`: ID<Operator>?
        package var region: String
        package init(_ kind: Guidance.Kind, party: String, address: String, issues: String, asked: String, basis: String, region: String) {
            (self.kind, partyName, partyAddress, self.issues, self.asked, self.basis, self.region) = (kind, party, address, issues, asked, basis, region)
        }
    }

    /// - Returns: the matter, and the code with which the party answers, shown once.
    package func open(_ new: New, pictures: [Attachments.Kept] = [], by actor: Actor, at now: Moment, code: String, _ tx: Transaction) throws -> Matter {
        let number = try tx.number("ZD", "guidance", in: now.day.year)
        let matter = try casework.open(
            .init(
                number: number, state: GuidanceMoves.issued, title: "\(new.kind.title.zh) · \(new.partyName)", regime: CaseMoves.regime, region: new.region, operator: new.operator,
                receivedAt: now, competentAt: now), tx)
        try tx.send(
            """
            INSERT INTO enforcement_guidance (matter, of_matter, kind, violation, party_name, party_address, issues, asked, basis, due, held_at, place, absent, rechecks, code)
            VALUES (\(matter.id), \(new.ofMatter?.id), \(new.kind.rawValue), \(new.violation), \(new.partyName), \(new.partyAddress), \(new.issues), \(new.asked), \(new.basis), \(new.due),
            \(new.heldAt), \(new.place), 0, 0, \(AccessCode.hash(code, number)))
            """)
        if let account = actor.account { try tx.send("UPDATE casework_matters SET assignee = \(account.id) WHERE id = \(matter.id)") }
        Search.index(GuidanceMoves.kind, matter.id.raw, texts: [number, new.partyName, new.issues], marks: ["o:"], tx)
        let seals = try picture(pictures, of: matter, stage: "before", byParty: false, by: actor, at: now, tx)
        if new.kind == .order { _ = try order(new, matter, by: actor, at: now, tx) }
        try casework.record(
            matter, as: "receive", by: actor, article: nil, starting: [], at: now, details: [("note", .string(new.issues))],
            sealing: [.init("enforcement_guidance", key: "matter", matter.id.raw)] + seals, tx)
        if let of = new.ofMatter { try Casework.link(matter, with: of, why: new.kind.title.zh, by: actor, at: now, tx) }
        return try tx.matter(matter.id)
    }

    private func order(_ new: New, _ matter: Matter, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> IssuedDocument {
        let office = desk.office(for: matter.region)
        var values: [String: Any] = [
            "office": office.name, "recipient": new.partyName, "act": new.issues, "banned": new.basis, "basis": new.basis, "change": new.asked, "contactAddress": office.name,
            "contactPhone": desk.configuration.hotline, "contactPerson": actor.account?.name ?? "",
            "reviewBody": (matter.region.count < 6 ? desk.configuration.cityName.zh : desk.regions.name(String(matter.region.prefix(6)))) + "人民政府", "courtName": "有管辖权的人民法院",
        ]
        if let due = new.due { values["dueOn"] = Documents.chinese(due) }
        return try Documents.issue(
            CaseForms.shared.document(CaseForms.shared["rectification-order"]!), for: matter, values: values, office: office.short, by: actor.mark, account: actor.account?.id,
            at: now,
            tx)
    }

    private func picture(_ kept: [Attachments.Kept], of matter: Matter, stage: String, byParty: Bool, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> [Ledger.Seal] {
        guard !kept.isEmpty else { return [] }
        let before = Set(try Attachments.of(matter.id, tx).map(\.id))
        try Attachments.attach(kept, to: matter, source: byParty ? "respondent" : "staff", by: actor.mark, at: now, tx)
        for a in try Attachments.of(matter.id, tx) where !before.contains(a.id) {
            try tx.send("INSERT INTO enforcement_pictures (matter, attachment, stage, by_party) VALUES (\(matter.id), \(a.id), \(stage), \(byParty))")
        }
        return [.init("enforcement_pictures", of: "matter", matter.id.raw)]
    }

    @discardableResult
    package func apply(_ name: String, on g: Guidance, input: Form, pictures: [Attachments.Kept] = [], by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: g.matter, of: casework, row: "enforcement_guidance", input, by: actor, at: now, tx)
        let seals = try picture(pictures, of: g.matter, stage: name == "attend" ? "before" : "after", byParty: actor == .respondent, by: actor, at: now, tx)
        func move(_ details: [(String, String)], outcome: String? = nil) throws -> Matter {
            let after = try act.move(details, outcome: outcome, seals: seals)
            if outcome != nil { try Jobs.add("guidance.ended", [("matter", .int(g.matter.id.raw)), ("outcome", .text(outcome))], at: now, tx) }
            return after
        }
        switch name {
        case "respond":
            let said = try input.needed("said", 2000)
            try act.set("said = \(said)")
            return try move([("said", said)])
        case "attend":
            guard g.kind.isMeeting else { throw Refusal(.conflict, Text("只有约谈和告诫会有到场情况", "Only an interview or a warning meeting is attended")) }
            let absent = input["absent"] == "yes"
            let attended = try absent ? "无正当理由未到场" : input.needed("attended", 300)
            try act.set("attended = \(attended), absent = \(absent)")
            return try move([("attended", attended), ("note", input["note"] ?? "")])
        case "recheck":
            let found = try input.needed("found", 2000)
            try act.set("found = \(found), rechecks = rechecks + 1")
            return try move([("found", found)], outcome: "rectified")
        case "fail", "fail-again":
            // Whether an order was followed is seen when its time is over.
            if g.kind == .order, let due = g.due, now.day <= due {
                throw Refusal(.conflict, Text("责令改正的期限至\(due)，其后方可认定未改正", "The order's time runs until \(due): that it was not followed is found after that"))
            }
            let found = try input.needed("found", 2000)
            try act.set("found = \(found), rechecks = rechecks + 1")
            return try move([("found", found)])
        case "escalate":
            let cause = try input.needed("cause", 100)
            let op = try g.matter.operator.map { try Operators.find($0, tx) }
            var new = NewCase(
                cause: cause,
                party: .init(
                    kind: op?.kind == .individual ? .individual : .organisation, name: g.partyName, code: op?.uscc, address: g.partyAddress, head: op?.representative, phone: nil),
                region: g.matter.region, clue: "\(g.matter.number)：\(g.issues)\n\(input["note"] ?? "")", foundAt: now)
            new.source = "inspection"
            new.sourceMatter = g.matter
            new.operator = g.matter.operator
            new.violation = g.violation.flatMap { Penalties.shipped[$0]?.id }
            let opened = try CaseHandling(desk: desk).register(new, by: actor, at: now, tx)
            return try move([("number", opened.number)], outcome: "escalated")
        case "withdraw": return try move([("note", input.needed("note", 500))])
        default: throw Fault("no handler for \(name)")
        }
    }
}
