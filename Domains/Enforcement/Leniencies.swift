import Kernel
import Platform
import Store
import Web

/// Examining leniency in a case (从宽审查): each condition answered, the record looked at, the reasoning kept; whatever comes of it.
package struct LeniencyDesk: Sendable {
    let desk: Desk
    package init(desk: Desk) { self.desk = desk }

    /// Violations of the same nature that were decided, or left unpunished, in the office's look-back.
    static func earlier(_ c: Case, years: Int, on day: Day, _ tx: Transaction) throws -> [Matter] {
        guard let violation = c.violation, c.matter.operator != nil || c.party.code != nil else { return [] }
        let since = day.adding(months: -12 * years)
        // Whom it is about: by the register, or by the code where the register does not have it.
        let who: SQL = c.matter.operator.map { "m.operator = \($0)" } ?? "e.party_code = \(c.party.code ?? "")"
        let cases = try tx.all(
            """
            SELECT m.* FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter WHERE \(who) AND e.violation = \(violation) AND e.matter <> \(c.matter.id) AND e.annulled IS NULL
            AND ((m.outcome IN ('punish', 'exempt') AND e.decided_on > \(since)) OR (m.outcome = 'not-filed' AND e.not_filed IN ('1', '2', '3') AND m.closed_at > \(Moment(since)))) ORDER BY m.id
            """
        ).map(Matter.init)
        guard let op = c.matter.operator else { return cases }
        // Guidance for the same violation was given because there was one; what belongs to this very case is not earlier.
        return cases
            + (try tx.all(
                """
                SELECT m.* FROM enforcement_guidance g JOIN casework_matters m ON m.id = g.matter WHERE m.operator = \(op) AND g.violation = \(violation) AND m.state <> 'withdrawn'
                AND m.received_at > \(Moment(since)) AND m.received_at < \(c.matter.receivedAt) AND (g.of_matter IS NULL OR g.of_matter NOT IN (\(c.matter.id), \(c.sourceMatter ?? c.matter.id))) ORDER BY m.id
                """
            ).map(Matter.init)).filter { $0.id != c.sourceMatter }
    }
    /// The rules that stand as met: of each, its latest examination counts.
    static func standing(_ id: ID<Matter>, _ tx: Transaction) throws -> [Leniency.Rule] {
        var latest: [String: Record] = [:]
        for record in try records(id, tx) { if let rule = record.rule { latest[rule.id] = record } }
        return latest.values.filter(\.met).compactMap(\.rule).sorted { $0.id < $1.id }
    }

    struct Record: Sendable {
        let rule: Leniency.Rule?
        let item: String?
        let met: Bool
        let earlier: Int
        let tolerated: Bool
        let reasoning: String
        let account: Int64
        let at: Moment
        init(_ row: Row) {
            rule = Leniency.shipped[row.string("rule")]
            item = row.optionalString("item")
            met = row.bool("met")
            earlier = row.count("earlier")
            tolerated = row.bool("tolerated")
            reasoning = row.string("reasoning")
            account = row.int("account")
            at = row.moment("at")
        }
    }
    static func records(_ id: ID<Matter>, _ tx: Transaction) throws -> [Record] {
        try tx.all("SELECT * FROM enforcement_leniency WHERE matter = \(id) ORDER BY id").map(Record.init)
    }

    /// Keeps one examination. Nothing is decided by it: the head decides, on it.
    package func examine(_ c: Case, input: Form, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard c.matter.open, c.decided == nil else { throw Refusal(.conflict, Text("本案已作出决定", "The case is decided")) }
        let all = Leniency.shipped
        guard let rule = all[try input.needed("rule", 40)], all.rules(for: c.violation, on: now.day).contains(where: { $0.id == rule.id }) else {
            throw Refusal.invalid("/rule", Text("该情形不适用于本案违法行为", "This rule does not apply to this violation"))
        }
        var item: Leniency.Item?
        if let id = input["item"] {
            guard let (found, list) = all.item(id), all.lists(on: now.day, acted: c.actTo).contains(where: { $0.id == list.id }), list.rule == rule.id else {
                throw Refusal.invalid("/item", Text("清单项目与所选情形不符，或者清单未施行", "The list's item does not go with the rule, or is not in force"))
            }
            if let only = found.violations, let violation = c.violation, !only.contains(violation) {
                throw Refusal.invalid("/item", Text("清单项目不是本案的违法行为", "The list's item is another violation"))
            }
            item = found
        }
        let excluded = input.all("excluded").filter { id in all.exclusions.contains { $0.id == id } }
        let answers = Dictionary(
            rule.conditions.compactMap { condition in input["c-\(condition.id)"].flatMap { ["yes": true, "no": false][$0] }.map { (condition.id, $0) } }
        ) { a, _ in a }
        let earlier = try Self.earlier(c, years: CaseHandling.lookBack.value(tx), on: now.day, tx)
        let assessed = try all.assess(rule, answers: answers, earlier: earlier.count, excluded: excluded)
        let op = try c.matter.operator.map { try Operators.find($0, tx) }
        let tolerated = try Leniency.tolerated(registered: op?.registeredOn, on: now.day, months: CaseHandling.tolerance.value(tx)) && item != nil && excluded.isEmpty
        let reasoning = try input.needed("reasoning", 4000)
        let kept = JSON.object(answers.sorted { $0.key < $1.key }.map { ($0.key, .bool($0.value)) } + [("excluded", .array(excluded.map(JSON.string)))])
        let row = try tx.insert(
            """
            INSERT INTO enforcement_leniency (matter, rule, item, answers, earlier, tolerated, met, reasoning, education, account, at)
            VALUES (\(c.matter.id), \(rule.id), \(item?.id), \(kept.text), \(earlier.count), \(tolerated), \(assessed.isMet), \(reasoning), \(input["education"] ?? ""), \(officer.id), \(now)) RETURNING id
            """)
        try Casework.remark(
            "leniency", on: c.matter, by: .staff(officer),
            details: [("title", .string("\(rule.title.zh)：\(assessed.isMet ? "成立" : "不成立")")), ("reason", .string(reasoning))], sealing: [.init("enforcement_leniency", row)],
            at: now, tx)
    }
}

/// Decided cases of the same violation (类案): how much was fined, in what tier.
struct Precedents: Sendable {
    let count: Int
    let median: Money?
    let lower: Money?
    let upper: Money?
    let unpunished: Int
    let latest: [(matter: Matter, fine: Money, tier: String)]

    /// Of the last three years, not annulled, by the day of decision.
    static func of(_ violation: String?, except id: ID<Matter>, party: PartyKind, on day: Day, _ tx: Transaction) throws -> Precedents? {
        guard let violation else { return nil }
        let rows = try tx.all(
            """
            SELECT m.*, e.fine AS fine, e.decided AS decided FROM enforcement_cases e JOIN casework_matters m ON m.id = e.matter WHERE e.violation = \(violation) AND e.decided_on > \(day.adding(months: -36))
            AND e.matter <> \(id) AND e.annulled IS NULL AND e.simple = 0 ORDER BY e.decided_on DESC LIMIT 2000
            """)
        let punished = rows.compactMap { row -> (Matter, Money, String)? in
            guard row.optionalString("outcome") == "punish", let json = try? JSON(parsing: Array(row.string("decided").utf8)), let o = Outcome(json) else { return nil }
            return (Matter(row), row.money("fine"), o.tier.rawValue)
        }
        let fines = punished.map(\.1).filter { $0.fen > 0 }.sorted()
        func quantile(_ q: Double) -> Money? { fines.isEmpty ? nil : fines[Int((Double(fines.count - 1) * q).rounded())] }
        return Precedents(
            count: fines.count, median: quantile(0.5), lower: quantile(0.25), upper: quantile(0.75), unpunished: rows.count { $0.optionalString("outcome") == "exempt" },
            latest: Array(punished.prefix(6)))
    }
}
