import Kernel
import Platform
import Statute
import Store
import Web

/// Making the moves of a case (案件办理): what each needs, who may make it in this very case, what it writes. Pages, API and jobs come through here.
package struct CaseHandling: Sendable {
    let desk: Desk
    package let casework: Casework
    let documents: CaseDocuments

    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: CaseMoves.table, desk: desk)
        documents = CaseDocuments(desk: desk)
    }

    /// What an office sets for itself: a province may set other sums for hearings; the look-back and the tolerance are policies.
    static let hearingPerson = NumberSetting(
        "enforcement.hearing.person", Text("听证：自然人、个体工商户的金额（元）", "Hearing: sum for persons and individual businesses (yuan)"), 10_000, 1...10_000_000)
    static let hearingOrganisation = NumberSetting("enforcement.hearing.organisation", Text("听证：法人和其他组织的金额（元）", "Hearing: sum for organisations (yuan)"), 100_000, 1...100_000_000)
    static let lookBack = NumberSetting("enforcement.first.years", Text("初次违法：回溯年数", "First violation: years looked back"), 5, 1...20)
    static let tolerance = NumberSetting("enforcement.tolerance.months", Text("包容期：自登记之日起月数（0为不设）", "Tolerance period: months from registration (0: none)"), 12, 0...60)
    static let settings = [hearingPerson, hearingOrganisation, lookBack, tolerance]

    func bounds(_ tx: Transaction) throws -> Gates.Bounds {
        Gates.Bounds(person: Money(fen: Int64(try Self.hearingPerson.value(tx)) * 100), organisation: Money(fen: Int64(try Self.hearingOrganisation.value(tx)) * 100))
    }

    /// A new source: registered, numbered, its first period begun.
    /// The fifteen working days run from when it was found or received: where a lead or a report was verified before, from then on.
    /// - Parameter region: where it is handled.
    package func register(_ new: NewCase, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let number = try tx.number("AJ", "case", in: now.day.year)
        let verified = try new.sourceMatter.flatMap { source in try Clocks.of(source.id, tx).last { ["P1", "R1"].contains($0.duty) } }
        let matter = try casework.open(
            .init(
                number: number, state: new.simple ? CaseMoves.simple : CaseMoves.clue, title: "\(new.party.name) · \(new.cause)", regime: CaseMoves.regime, region: new.region,
                operator: new.operator, receivedAt: new.foundAt, competentAt: now), tx)
        try tx.send(
            """
            INSERT INTO enforcement_cases (matter, source, source_matter, cause, violation, party_kind, party_name, party_code, party_address, party_head, party_phone, clue, act_from, act_to,
            grave, serious, public_interest, complex, hearing, legal_reviewed, fine, confiscated, deferred, simple)
            VALUES (\(matter.id), \(new.source), \(new.sourceMatter?.id), \(new.cause), \(new.violation), \(new.party.kind.rawValue), \(new.party.name), \(new.party.code), \(new.party.address),
            \(new.party.head), \(new.party.phone), \(new.clue), \(new.actFrom), \(new.actTo), \(new.grave), 0, 0, 0, 0, 0, 0, 0, 0, \(new.simple))
            """)
        Self.index(matter, new.party, new.cause, new.clue, tx)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: "PCD", article: "18"), starting: new.simple || verified != nil ? [] : ["P1"], since: new.foundAt, at: now,
            details: [("cause", .string(new.cause))], sealing: [.init("enforcement_cases", key: "matter", matter.id.raw)], tx)
        if let verified, !new.simple { try casework.begin("P1", of: matter, carrying: verified, at: now, tx) }
        if let source = new.sourceMatter { try Casework.link(matter, with: source, why: "案件来源", by: actor, under: Article(law: "PCD", article: "18"), at: now, tx) }
        return matter
    }

    /// What a case is found by.
    static func index(_ matter: Matter, _ party: Case.Party, _ cause: String, _ clue: String, _ tx: Transaction) {
        Search.index(CaseMoves.kind, matter.id.raw, texts: [matter.number, party.name, cause, clue, party.code ?? ""], marks: ["o:"], tx)
    }

    /// The moves that can succeed now, for the page: what the table allows, less what the case itself does not.
    package func available(_ c: Case, to actor: Actor, people: [CasePerson], cash: (toHandIn: Bool, toBank: Bool) = (true, true)) -> [Move] {
        let held = Set(people.filter { $0.account == actor.account?.id.raw }.map(\.role))
        let isOfficer = people.contains { $0.account == actor.account?.id.raw && $0.role == .officer && $0.until == nil }
        return CaseMoves.table.available(c.matter, to: actor, desk.permissions).filter { move in
            if c.filedOn != nil, !isOfficer, let account = actor.account, CaseMoves.isAsOfficer(move.name, account, desk.permissions) { return false }
            if ["audit-agree", "audit-return"].contains(move.name), !held.isDisjoint(with: Separation.excluded(by: .auditor)) { return false }
            switch move.name {
            case "file": return c.filingProposal == "file"
            case "dispute-jurisdiction": return c.disputed == nil && c.source != "transfer"
            case "refer-jurisdiction": return c.disputed?.referredOn == nil
            case "settle-jurisdiction": return c.disputed != nil
            case "approve-notice": return c.proposed?.kind == .punish && c.notified == nil
            case "to-decision": return c.matter.state != CaseMoves.audited || (c.notified != nil && c.proposed == c.notified)
            case "decide-unpunished": return c.proposed?.kind == .exempt || c.proposed?.kind == .noFacts
            case "decide-transfer": return c.proposed?.kind.isTransfer == true
            case "decide": return c.proposed?.kind == .punish
            case "serve": return c.decided?.kind == .punish
            case "serve-unpunished": return c.decided?.kind == .exempt || c.decided?.kind == .noFacts
            case "request-hearing": return c.hearing && c.heardOn == nil
            case "prepare-publication", "publish": return c.decided?.kind == .punish && !(c.decided?.isWarningOnly ?? true) && c.annulled == nil && !c.simple
            case "demand" where c.payBy.map({ $0 >= desk.today() }) ?? true: return false
            case "pay", "demand", "defer", "apply-court": return c.annulled == nil && c.fine.fen + c.confiscated.fen > 0 && (c.matter.state != CaseMoves.archived || c.simple)
            case "replace-officers": return c.decided == nil
            case "hand-in": return cash.toHandIn
            case "bank": return cash.toBank
            case "hand-file": return people.contains { $0.role == .host && $0.until == nil }
            case "challenge": return c.pending == nil && c.decided?.kind == .punish && c.annulled == nil
            case "challenge-ended": return c.pending != nil
            case "annul", "annul-late": return c.annulled == nil && c.decided?.kind == .punish
            default: return true
            }
        }
    }

    /// - Parameter input: the move's fields by name.
    /// - Errors: fields that are missing or unknown by pointer; `conflict`, `forbidden` by the table and by who had which part in the case.
    @discardableResult
    package func apply(_ name: String, on c: Case, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        _ = try CaseMoves.table.check(name, on: c.matter, by: actor, desk.permissions)
        let act = CaseAct(handling: self, c: c, name: name, input: input, actor: actor, now: now, tx: tx)
        // What officers do after filing is done by an officer of this very case, who was not recused.
        if c.filedOn != nil, let account = actor.account, CaseMoves.isAsOfficer(name, account, desk.permissions) { _ = try act.officer() }
        try act.checkJurisdiction()
        return try act.beforeFiling() ?? act.jurisdiction() ?? act.investigation() ?? act.telling() ?? act.decision() ?? act.performance() ?? act.challenge() ?? act.publication()
            ?? { throw Fault("no handler for \(name)") }()
    }
}

/// What registering a source needs (案源登记).
package struct NewCase: Sendable {
    package var source = "other"
    package var sourceMatter: Matter?
    package var cause: String
    package var violation: String?
    package var party: Case.Party
    package var `operator`: ID<Operator>?
    package var region: String
    package var clue: String
    package var actFrom: Day?
    package var actTo: Day?
    package var grave = false
    package var foundAt: Moment
    package var simple = false
    package init(cause: String, party: Case.Party, region: String, clue: String, foundAt: Moment) {
        (self.cause, self.party, self.region, self.clue, self.foundAt) = (cause, party, region, clue, foundAt)
    }
}

/// One move that is being made (一次办理): the case as it stood, what was sent, by whom, when.
struct CaseAct {
    let handling: CaseHandling
    let c: Case
    let name: String
    let input: Form
    let actor: Actor
    let now: Moment
    let tx: Transaction

    var desk: Desk { handling.desk }
    var id: ID<Matter> { c.matter.id }

    /// The move of the table, with the case's row sealed.
    func move(_ details: [(String, String)] = [], outcome: String? = nil, since: Moment? = nil, seals: [Ledger.Seal] = []) throws -> Matter {
        try handling.casework.perform(
            name, on: c.matter, by: actor, at: now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome, since: since,
            sealing: [.init("enforcement_cases", key: "matter", id.raw), .init("enforcement_people", of: "matter", id.raw)] + seals, tx)
    }
    func set(_ columns: SQL) throws { try tx.send("UPDATE enforcement_cases SET \(columns) WHERE matter = \(id)") }
    func account() throws -> Account {
        guard let account = actor.account else { throw Refusal.unauthenticated }
        return account
    }
    /// A day that was sent: needed, not later than today, not before `earliest`.
    func day(_ field: String, from earliest: Day? = nil, mayBeAhead: Bool = false) throws -> Day {
        try input.day(field, from: earliest, to: mayBeAhead ? nil : now.day)
    }
    func optionalDay(_ field: String) throws -> Day? { input[field] == nil ? nil : try day(field, mayBeAhead: true) }
    func money(_ field: String, required: Bool = false) throws -> Money {
        guard let text = input[field] else {
            if required { throw Refusal.invalid("/\(field)", Text("请填写金额", "Give the amount")) }
            return Money(fen: 0)
        }
        guard let amount = Money(yuan: text) else { throw Refusal.invalid("/\(field)", Money.shape) }
        return amount
    }

    // MARK: Who may, in this case

    /// The roles that this person has or had in the case, and whether recusal was granted.
    func held(_ account: Int64) throws -> (roles: Set<Separation.Role>, recused: Bool) { try tx.held(account, in: id) }
    /// Takes a part in the case, if the others that one had allow it; written once.
    func take(_ role: Separation.Role, _ person: Account, certificate: String? = nil) throws {
        let held = try held(person.id.raw)
        try Separation.check(role, held: held.roles, recused: held.recused)
        guard try tx.one("SELECT id FROM enforcement_people WHERE matter = \(id) AND account = \(person.id) AND role = \(role.rawValue) AND until IS NULL") == nil else { return }
        try tx.send(
            "INSERT INTO enforcement_people (matter, account, role, certificate, since) VALUES (\(id), \(person.id), \(role.rawValue), \(certificate), \(now))")
    }
    /// The head approves: nobody who handles the case.
    func approver() throws -> Account {
        let account = try account()
        // Who proposed it, or took the measure, does not approve it.
        if c.matter.state == CaseMoves.filing, account.id.raw == c.proposedBy {
            throw Refusal(.forbidden, Text("提请人不能批准自己的提请", "Who proposed it cannot approve it"))
        }
        try take(.approver, account)
        return account
    }
    /// One of the officers of this case, not just any officer.
    func officer() throws -> Account {
        let account = try account()
        guard try tx.people(of: id).contains(where: { $0.account == account.id.raw && $0.role == .officer && $0.until == nil }) else {
            throw Refusal(.forbidden, Text("只有本案办案人员可以办理", "Only an officer of this case may do this"), article: Article(law: "PCD", article: "19(2)"))
        }
        guard let certificate = try tx.certificate(of: account.id.raw), certificate.validTo >= now.day else {
            throw Refusal(.forbidden, Text("执法证已过期或者未登记", "Your certificate is over, or was not entered"), article: Article(law: "PCD", article: "22"))
        }
        return account
    }
    /// Two or more with a certificate that holds today.
    ///
    /// Law: PCD art. 19(2), 22.
    func officers(_ field: String = "officers") throws -> [(Account, Certificate)] {
        let keys = input.all(field).compactMap { Int64($0) }
        guard Set(keys).count >= 2 else { throw Refusal.invalid("/\(field)", Text("应指定两名以上办案人员", "Name two officers or more")) }
        return try Set(keys).sorted().map { key in
            guard let person = try Accounts.all(tx).first(where: { $0.id.raw == key && $0.active }), desk.permissions.allows(person.roles, "enforcement.investigate"),
                person.mayTake(c.matter.region)
            else { throw Refusal.invalid("/\(field)", Text("所选人员不能办理本案", "One of them cannot handle this case")) }
            guard let certificate = try tx.certificate(of: key), certificate.validTo >= now.day else {
                throw Refusal.invalid("/\(field)", Text("\(person.name)没有有效的执法证", "\(person.name) has no certificate that is valid today"))
            }
            let held = try held(key)
            try Separation.check(.officer, held: held.roles, recused: held.recused)
            return (person, certificate)
        }
    }

    /// The last day of a period of this case that runs or ran; nil: it never did.
    func clock(_ duty: String) throws -> RunningClock? { try Clocks.of(id, tx).last { $0.duty == duty } }
    func document(_ form: String, adding: [String: Any] = [:], of c: Case? = nil) throws -> IssuedDocument {
        try handling.documents.issue(form, for: c ?? self.c, adding: adding, by: actor, at: now, tx)
    }
    /// The case as it is now, after columns were set.
    func fresh() throws -> Case { try tx.penaltyCase(id) }
}

/// The first steps: verified, filed or not (核查与立案).
extension CaseAct {
    func beforeFiling() throws -> Matter? {
        switch name {
        case "test-clue": return try move([("body", input.needed("body", 120))])
        case "clue-tested": return try move([("result", input.needed("result", 1000))])
        case "propose-filing": return try proposeFiling()
        case "amend-party":
            let (party, op) = try CasePages.read(input, tx)
            // What the form does not show, it does not take away when it is left empty.
            let phone = party.phone ?? c.party.phone, code = party.code ?? (party.kind == .person && c.party.kind == .person ? c.party.code : nil)
            try set(
                "party_kind = \(party.kind.rawValue), party_name = \(party.name), party_code = \(code), party_address = \(party.address), party_head = \(party.head), party_phone = \(phone)"
            )
            try tx.send("UPDATE casework_matters SET operator = \(op?.id), title = \("\(party.name) · \(c.cause)") WHERE id = \(id)")
            CaseHandling.index(c.matter, party, c.cause, c.clue, tx)
            return try move([("before", c.party.shown), ("party", party.shown), ("note", input["note"] ?? "")])
        case "file": return try file()
        case "not-file":
            guard let ground = input["ground"], ["1", "2", "3", "4"].contains(ground) else { throw Refusal.invalid("/ground", Text("请选择不予立案的情形", "Choose the ground")) }
            let head = try approver()
            let reason = try input.needed("reason", 2000)
            // The first three grounds are the ladder of leniency: that very step must have been examined and met.
            if ground != "4", try !LeniencyDesk.standing(id, tx).contains(where: { Leniency.fits($0, ground: ground) }) {
                throw Refusal.invalid("/ground", Text("请先就这一情形完成从宽审查，且情形成立", "First examine leniency for this very ground: it must be met"))
            }
            try set("not_filed = \(ground)")
            _ = try document("filing-approval", adding: ["notFiled": true, "approver": head.name, "headOpinion": "不予立案。\(reason)", "verifiers": verifiers()])
            return try move([("reason", reason)], outcome: "not-filed")
        case "transfer-out":
            _ = try approver()
            // Law: PCD art. 14: what was transferred here is not passed on; where we have no jurisdiction the common superior designates.
            guard c.source != "transfer" || c.competent != nil else {
                throw Refusal(
                    .conflict, Text("本案系移送而来，不得再自行移送；应当报请共同的上一级部门指定管辖", "It was transferred here and is not passed on: ask the common superior to designate"),
                    article: Article(law: "PCD", article: "14"))
            }
            let place = try input.needed("where", 200), reason = try input.needed("reason", 1000)
            _ = try document("transfer", adding: ["recipient": place, "reason": reason, "transferArticle": "第十四条"])
            return try move([("where", place), ("reason", reason)], outcome: "transferred")
        case "send-back":
            _ = try approver()
            return try move([("reason", input.needed("reason", 1000))])
        default: return nil
        }
    }

    private func verifiers() throws -> String { try c.proposedBy.flatMap { try Accounts.names([$0], tx)[$0] } ?? "" }

    /// What was found, whether the four conditions hold, where the case belongs, whether it can still be punished.
    private func proposeFiling() throws -> Matter {
        let account = try account()
        let findings = try input.needed("findings", 4000), cause = try input.needed("cause", 100)
        let jurisdiction = try input.chosen("jurisdiction", Jurisdiction.grounds.map(\.0))
        let violation = input["violation"].flatMap { Penalties.shipped[$0]?.id }
        let ended = try day("act-to")
        let began = try optionalDay("act-from") ?? ended
        guard began <= ended else { throw Refusal.invalid("/act-from", Text("不能晚于行为终了之日", "It cannot be after the end")) }
        let grave = input["grave"] == "yes"
        let proposal = try input.chosen("proposal", ["file", "not-file", "transfer"])
        if proposal == "file" {
            try checkLimitation(ended: ended, grave: grave)
            for n in 1...4 where input["condition\(n)"] != "yes" {
                throw Refusal.invalid("/condition1", Text("立案应同时符合第十九条四项条件", "All four conditions of article 19 must hold"))
            }
        }
        try set(
            """
            findings = \(findings), cause = \(cause), violation = \(violation), jurisdiction = \(jurisdiction), act_from = \(began), act_to = \(ended), grave = \(grave), proposed_by = \(account.id), filing_proposal = \(proposal)
            """)
        try tx.send("UPDATE casework_matters SET title = \("\(c.party.name) · \(cause)"), assignee = COALESCE(assignee, \(account.id)) WHERE id = \(id)")
        return try move([("findings", findings), ("cause", cause), ("jurisdiction", jurisdiction), ("proposal", proposal)])
    }

    private func checkLimitation(ended: Day, grave: Bool) throws {
        let limit = Gates.limitation(ended: ended, discovered: c.matter.receivedAt.day, grave: grave)
        guard limit.passed else { return }
        throw Refusal(
            .invalid, Text("已超过追究期限", "The time in which it may be punished is over"),
            fields: [
                .init(
                    "/act-to",
                    Text("行为终了于\(ended)，应在\(limit.until)前发现；不能立案", "The act ended on \(ended) and had to be found by \(limit.until): it cannot be filed"))
            ], article: Article(law: "PPL", article: "36"))
    }

    private func file() throws -> Matter {
        let head = try approver()
        guard c.filingProposal == "file", let ended = c.actTo else {
            throw Refusal(.conflict, Text("提请的不是立案；不同意的，请退回补充核查", "To file was not proposed: send it back if you disagree"), article: Article(law: "PCD", article: "19"))
        }
        try checkLimitation(ended: ended, grave: c.grave)
        // The same violation of the same party: the authority that filed first has it.
        if let op = c.matter.operator, let violation = c.violation, input["other-act"] != "yes",
            let first = try tx.one(
                """
                SELECT m.number AS number FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter WHERE m.operator = \(op) AND e.violation = \(violation) AND e.matter <> \(id)
                AND e.filed_on IS NOT NULL AND m.open = 1 ORDER BY e.filed_on LIMIT 1
                """)?.string("number")
        {
            throw Refusal(
                .conflict, Text("\(first)已就同一当事人的同一违法行为立案，由最先立案的部门管辖", "\(first) is on file for the same violation of the same party: the first to file keeps it"),
                fields: [.init("/other-act", Text("确属另一违法行为的，请勾选", "Tick if it is another act"))], article: Article(law: "PCD", article: "12"))
        }
        let people = try officers()
        for (person, certificate) in people { try take(.officer, person, certificate: certificate.number) }
        try set("filed_on = \(now.day)")
        try tx.send("UPDATE casework_matters SET assignee = \(people[0].0.id) WHERE id = \(id)")
        let names = people.map(\.0.name).joined(separator: "、")
        _ = try document("filing-approval", adding: ["approver": head.name, "headOpinion": "同意立案。", "officers": names, "verifiers": verifiers()], of: fresh())
        return try move([("officers", names)])
    }
}
