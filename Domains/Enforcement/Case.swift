import Kernel
import Platform
import Store

/// A case of administrative penalty (行政处罚案件): from the clue that is verified to the file in the archive.
package struct Case: Sendable {
    package let matter: Matter
    package let source: String
    package let sourceMatter: ID<Matter>?
    package let cause: String
    package let violation: String?
    package let party: Party
    package let clue: String
    package let actFrom: Day?
    package let actTo: Day?
    package let grave: Bool
    package let jurisdiction: String?
    package let filedOn: Day?
    package let proposedBy: Int64?
    package let findings: String?
    package let facts: String?
    package let nature: String?
    package let bans: String?
    package let penalty: String?
    package let base: Money?
    package let serious: Bool
    package let publicInterest: Bool
    package let complex: Bool
    package let illegalIncome: Money?
    package let proposed: Outcome?
    package let notified: Outcome?
    package let decided: Outcome?
    package let statement: String?
    package let reviewed: String?
    package let noticeServedOn: Day?
    package let hearing: Bool
    package let heardOn: Day?
    package let hearingReport: String?
    package let discussedOn: Day?
    package let legalReviewed: Bool
    package let decisionNumber: String?
    package let decision: ID<IssuedDocument>?
    package let decidedOn: Day?
    package let servedOn: Day?
    package let fine: Money
    package let confiscated: Money
    package let payBy: Day?
    package let deferred: Bool
    package let demandServedOn: Day?
    package let challenges: [Challenge]
    package let disputes: [JurisdictionDispute]
    package let annulled: String?
    /// What was ordered to be given back before the decision, in all, and what was given back (责令退款).
    package let refundOrdered: Money?
    package let refunded: Money
    package let ending: String?
    package let archiveClass: String?
    package let archiveNumber: String?
    package let simple: Bool
    /// What who verified proposed: `file`, `not-file`, `transfer`.
    package let filingProposal: String?
    /// The field in which what is published is published longer (O107 art. 8(1)(1)).
    package let area: String?
    package let hearingOn: Day?
    /// Why the surcharge that is open is not collected.
    package let waived: String?
    /// Why illegal income is not reckoned by itself (O118 art. 14).
    package let incomeUnknown: String?

    /// The party (当事人).
    package struct Party: Sendable {
        package let kind: PartyKind
        package let name: String
        package let code: String?
        package let address: String
        package let head: String?
        package let phone: String?
        package init(kind: PartyKind, name: String, code: String?, address: String, head: String?, phone: String?) {
            (self.kind, self.name, self.code, self.address, self.head, self.phone) = (kind, name, code, address, head, phone)
        }
        /// As a page may show it: an identity number and a telephone are not for reading along.
        var open: Party { Party(kind: kind, name: name, code: kind == .person ? nil : code, address: address, head: head, phone: nil) }
        var shown: String { [name, open.code].compactMap { $0 }.joined(separator: " ") }
    }

    init(_ matter: Matter, _ row: Row, _ challenges: [Challenge], _ disputes: [JurisdictionDispute]) {
        (self.challenges, self.disputes) = (challenges, disputes)
        func outcome(_ column: String) -> Outcome? { row.optionalString(column).flatMap { try? JSON(parsing: Array($0.utf8)) }.flatMap(Outcome.init) }
        self.matter = matter
        source = row.string("source")
        sourceMatter = row.optionalID("source_matter")
        cause = row.string("cause")
        violation = row.optionalString("violation")
        party = Party(
            kind: PartyKind(rawValue: row.string("party_kind")) ?? .organisation, name: row.string("party_name"), code: row.optionalString("party_code"),
            address: row.string("party_address"), head: row.optionalString("party_head"), phone: row.optionalString("party_phone"))
        clue = row.string("clue")
        actFrom = row.optionalDay("act_from")
        actTo = row.optionalDay("act_to")
        grave = row.bool("grave")
        jurisdiction = row.optionalString("jurisdiction")
        filedOn = row.optionalDay("filed_on")
        proposedBy = row.optionalInt("proposed_by")
        findings = row.optionalString("findings")
        facts = row.optionalString("facts")
        nature = row.optionalString("nature")
        bans = row.optionalString("bans")
        penalty = row.optionalString("penalty")
        base = row.optionalMoney("base")
        serious = row.bool("serious")
        publicInterest = row.bool("public_interest")
        complex = row.bool("complex")
        illegalIncome = row.optionalMoney("illegal_income")
        (proposed, notified, decided) = (outcome("proposed"), outcome("notified"), outcome("decided"))
        statement = row.optionalString("statement")
        reviewed = row.optionalString("reviewed")
        noticeServedOn = row.optionalDay("notice_served_on")
        hearing = row.bool("hearing")
        heardOn = row.optionalDay("heard_on")
        hearingReport = row.optionalString("hearing_report")
        discussedOn = row.optionalDay("discussed_on")
        legalReviewed = row.bool("legal_reviewed")
        decisionNumber = row.optionalString("decision_number")
        decision = row.optionalID("decision")
        decidedOn = row.optionalDay("decided_on")
        servedOn = row.optionalDay("served_on")
        fine = row.money("fine")
        confiscated = row.money("confiscated")
        payBy = row.optionalDay("pay_by")
        deferred = row.bool("deferred")
        demandServedOn = row.optionalDay("demand_served_on")
        filingProposal = row.optionalString("filing_proposal")
        area = row.optionalString("area")
        hearingOn = row.optionalDay("hearing_on")
        waived = row.optionalString("waived")
        incomeUnknown = row.optionalString("income_unknown")
        annulled = row.optionalString("annulled")
        ending = row.optionalString("ending")
        refundOrdered = row.optionalMoney("refund_ordered")
        refunded = row.optionalMoney("refunded") ?? Money(fen: 0)
        archiveClass = row.optionalString("archive_class")
        archiveNumber = row.optionalString("archive_number")
        simple = row.bool("simple")
    }

    /// Whether the rule of legal review holds for what is proposed now.
    package var needsLegalReview: Bool {
        Gates.legalReview(punishing: proposed?.kind == .punish, heard: heardOn != nil, publicInterest: publicInterest, complex: complex)
    }
    /// Whether the party is registered in another province, whose office publishes (跨省协助公示): by its code, where our own register does not have it.
    package var isElsewhere: Bool { matter.operator == nil && party.kind != .person && USCC.isOfAnotherProvince(party.code, than: matter.region) }
    /// What the article allows for these facts; nil where the violation is none of those with a range on record.
    package func range() -> ClosedRange<Money>? {
        violation.flatMap { Penalties.shipped[$0] }.flatMap { try? Discretion.range($0, .init(base: base, isSerious: serious, isPerson: party.kind.isPerson)) }
    }
}

/// Who has or had a part in a case (参与人员).
package struct CasePerson: Sendable {
    package let account: Int64
    package let role: Separation.Role
    package let certificate: String?
    package let since: Moment
    package let until: Moment?
    init?(_ row: Row) {
        guard let role = Separation.Role(rawValue: row.string("role")) else { return nil }
        self.role = role
        account = row.int("account")
        certificate = row.optionalString("certificate")
        since = row.moment("since")
        until = row.optionalMoment("until")
    }
}

/// A certificate of law enforcement (执法证): whose, until when, whether for legal review too.
package struct Certificate: Sendable {
    package let account: Int64
    package let number: String
    package let validTo: Day
    package let legal: Bool
    init(_ row: Row) { (account, number, validTo, legal) = (row.int("account"), row.string("number"), row.day("valid_to"), row.bool("legal")) }
}

extension Transaction {
    package func penaltyCase(_ matter: Matter) throws -> Case {
        guard matter.kind == CaseMoves.kind, let row = try one("SELECT * FROM enforcement_cases WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return try Case(matter, row, Challenge.of(matter.id, self), JurisdictionDispute.of(matter.id, self))
    }
    package func penaltyCase(_ id: ID<Matter>) throws -> Case { try penaltyCase(matter(id)) }

    package func people(of id: ID<Matter>) throws -> [CasePerson] { try all("SELECT * FROM enforcement_people WHERE matter = \(id) ORDER BY id").compactMap(CasePerson.init) }
    /// The parts that somebody has or had in a case, and whether recusal was granted.
    func held(_ account: Int64, in id: ID<Matter>) throws -> (roles: Set<Separation.Role>, recused: Bool) {
        let recused = try one("SELECT id FROM enforcement_recusals WHERE matter = \(id) AND account = \(account) AND granted = 1 LIMIT 1") != nil
        return (Set(try people(of: id).filter { $0.account == account }.map(\.role)), recused)
    }
    /// - Errors: who has a part in the case that an approver must not have.
    func checkApprover(_ account: Account, of id: ID<Matter>) throws {
        let held = try held(account.id.raw, in: id)
        try Separation.check(.approver, held: held.roles, recused: held.recused)
    }
    package func certificates() throws -> [Certificate] { try all("SELECT * FROM enforcement_certificates ORDER BY number").map(Certificate.init) }
    package func certificate(of account: Int64) throws -> Certificate? { try one("SELECT * FROM enforcement_certificates WHERE account = \(account)").map(Certificate.init) }
}
