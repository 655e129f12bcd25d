import Kernel
import Platform
import Store

/// What is known of operators at a moment, as the sum asks for it (指标采集).
extension CompassRun {
    /// Facts of operators in the order of their keys.
    package struct Gathered: Sendable {
        package var ids: [Int64] = []
        package var facts: [CompassFacts] = []
        package var regions: [String] = []
        package var trades: [String] = []
        package var kinds: [String] = []
        fileprivate var phones: [String] = []
        /// Of those that stand on a list now: which telephone, and how often.
        fileprivate var listed: [String: Int32] = [:]

        /// Who shares a telephone with one that stands on a list is related to it.
        mutating func relate(_ listed: [String: Int32]) {
            guard !listed.isEmpty else { return }
            for (i, phone) in phones.enumerated() where !phone.isEmpty {
                if let n = listed[phone] { facts[i].related = n - facts[i].own }
            }
        }

        fileprivate func place(_ id: Int64) -> Int? {
            var (low, high) = (0, ids.count)
            while low < high {
                let middle = (low + high) / 2
                if ids[middle] < id { low = middle + 1 } else { high = middle }
            }
            return low < ids.count && ids[low] == id ? low : nil
        }
    }
    static let everybody: ClosedRange<Int64> = 0...Int64.max
    /// One is looked up by equality: a stretch of one would have the planner read all.
    private static func within(_ keys: ClosedRange<Int64>, _ column: String) -> SQL {
        keys.lowerBound == keys.upperBound ? "\(raw: column) = \(keys.lowerBound)" : "\(raw: column) BETWEEN \(keys.lowerBound) AND \(keys.upperBound)"
    }

    /// - Parameter moment: only what was known then.
    /// Cost: a pass over the register, the events and the matters that name an operator.
    package static func gather(only: ID<Operator>? = nil, at moment: Moment, _ tx: Transaction) throws -> Gathered {
        guard let only else {
            var all = try gather(everybody, at: moment, tx)
            all.relate(listed([all]))
            return all
        }
        var one = try gather(only.raw...only.raw, at: moment, tx)
        one.relate(listed([one]).merging(try listed(besides: only, at: moment, tx), uniquingKeysWith: +))
        return one
    }

    /// How often a telephone is that of one that stands on a list.
    static func listed(_ parts: [Gathered]) -> [String: Int32] { parts.reduce(into: [:]) { $0.merge($1.listed, uniquingKeysWith: +) } }
    private static func listed(besides one: ID<Operator>, at moment: Moment, _ tx: Transaction) throws -> [String: Int32] {
        var phones: [String: Int32] = [:]
        try tx.forEach(
            """
            SELECT o.phone AS phone, count(*) AS n FROM credit_events e JOIN operators o ON o.id = e.operator WHERE o.phone = (SELECT phone FROM operators WHERE id = \(one)) AND o.id <> \(one) AND o.phone <> ''
            AND (o.registered_on IS NULL OR o.registered_on <= \(moment.day)) AND e.kind IN ('abnormal', 'serious') AND e.known_at <= \(moment) AND COALESCE(e.until_day, '9999') >= \(moment.day)
            AND NOT EXISTS (SELECT 1 FROM credit_events c WHERE c.cancels = e.id AND c.known_at <= \(moment)) GROUP BY o.phone
            """
        ) { phones[$0.string("phone")] = Int32($0.count("n")) }
        return phones
    }

    /// A stretch of the register, so that several readers share the work.
    static func gather(_ keys: ClosedRange<Int64>, at moment: Moment, _ tx: Transaction) throws -> Gathered {
        var g = Gathered()
        let newer = moment.day.adding(days: -365).description
        var trades: [String: String] = [:]
        // By position: six hundred thousand rows by name cost a second of hashing. Who was registered later was not there then.
        try tx.forEach(
            """
            SELECT id, kind, (CASE status WHEN 'suspended' THEN 1 WHEN 'revoked' THEN 2 ELSE 0 END) + (CASE WHEN online = 0 THEN 0 ELSE 4 END) + (CASE WHEN registered_on > \(newer) THEN 8 ELSE 0 END), region, industry, phone
            FROM operators WHERE \(within(keys, "id")) AND (registered_on IS NULL OR registered_on <= \(moment.day)) ORDER BY id
            """
        ) { row in
            guard case .int(let id) = row.values[0], case .text(let kind) = row.values[1], case .int(let marks) = row.values[2], case .text(let region) = row.values[3],
                case .text(let industry) = row.values[4], case .text(let phone) = row.values[5]
            else { return }
            var f = CompassFacts()
            f.isSuspended = marks & 3 == 1
            f.isRevoked = marks & 3 == 2
            f.isOnline = marks & 4 != 0
            f.isNew = marks & 8 != 0
            f.industry = industry
            let trade = trades[industry] ?? String(industry.prefix(2))
            trades[industry] = trade
            g.ids.append(id)
            g.facts.append(f)
            g.regions.append(region)
            g.trades.append(trade)
            g.kinds.append(kind)
            g.phones.append(phone)
        }
        try events(keys, moment, &g, tx)
        try matters(keys, moment, &g, tx)
        return g
    }

    /// Lines that were cancelled, with what cancelled them; matters whose penalty was repaired.
    private static func undone(_ keys: ClosedRange<Int64>, _ moment: Moment, _ tx: Transaction) throws -> (lines: [Int64: String], repaired: Set<Int64>) {
        var lines: [Int64: String] = [:]
        var repaired = Set<Int64>()
        let which: SQL = "c.cancels IS NOT NULL AND c.known_at <= \(moment) AND \(within(keys, "e.operator"))"
        try tx.forEach("SELECT c.cancels AS line, min(c.kind) AS kind FROM credit_events c JOIN credit_events e ON e.id = c.cancels WHERE \(which) GROUP BY c.cancels") {
            lines[$0.int("line")] = $0.string("kind")
        }
        try tx.forEach(
            """
            SELECT DISTINCT e.matter FROM credit_events c JOIN credit_events e ON e.id = c.cancels WHERE \(which) AND c.kind = 'repaired' AND e.matter IS NOT NULL
            AND NOT EXISTS (SELECT 1 FROM credit_events v WHERE v.matter = c.matter AND v.kind = 'repair-revoked' AND v.known_at <= \(moment))
            """
        ) { repaired.insert($0.int("matter")) }
        return (lines, repaired)
    }

    private static func events(_ keys: ClosedRange<Int64>, _ moment: Moment, _ g: inout Gathered, _ tx: Transaction) throws {
        let today = moment.day, now = today.description
        let undone = try undone(keys, moment, tx)
        let places = ["abnormal-report", "abnormal-unreachable", "abnormal-other", "penalty", "large-fine", "exempt", "visit-problem", "visit-clean", "absent"].map {
            CompassFacts.index[$0]!
        }
        var ages: [String: Int] = [:]
        var (of, at) = (Int64(-1), Int?.none)
        try tx.forEach(
            """
            SELECT id, operator, kind, on_day, COALESCE(until_day, '9999'), COALESCE(amount, 0),
            CASE kind WHEN 'abnormal' THEN CASE WHEN detail LIKE '%年度报告%' AND detail NOT LIKE '%隐瞒%' THEN 0 WHEN detail LIKE '%无法联系%' THEN 1 ELSE 2 END
            WHEN 'visit' THEN CASE WHEN detail LIKE '未发现问题%' THEN 1 WHEN detail LIKE '未发现开展%' OR detail LIKE '已注销%' THEN 2 ELSE 0 END ELSE 0 END, COALESCE(matter, 0)
            FROM credit_events WHERE \(within(keys, "operator")) AND known_at <= \(moment) ORDER BY operator
            """
        ) { row in
            guard case .int(let line) = row.values[0], case .int(let id) = row.values[1], case .text(let kind) = row.values[2], case .text(let on) = row.values[3],
                case .text(let until) = row.values[4], case .int(let amount) = row.values[5], case .int(let detail) = row.values[6], case .int(let matter) = row.values[7]
            else { return }
            if id != of { (of, at) = (id, g.place(id)) }
            guard let at, let age = ages[on] ?? Day(on).map({ CompassFacts.age($0, on: today) }) else { return }
            ages[on] = age
            let cancelled = undone.lines[line]
            let stands = cancelled == nil && until >= now
            func add(_ source: Int, repaired: Bool = false) { g.facts[at].add(places[source], age: age, repaired: repaired) }
            func list() {
                g.facts[at].own += 1
                if !g.phones[at].isEmpty { g.listed[g.phones[at], default: 0] += 1 }
            }
            switch kind {
            case "penalty" where cancelled == nil:
                let repaired = undone.repaired.contains(matter)
                add(3, repaired: repaired)
                if amount >= 5_000_000 { add(4, repaired: repaired) }
            case "exempt": add(5)
            case "abnormal" where cancelled != "abnormal-corrected":
                // Taken off is as repaired.
                add(Int(detail), repaired: cancelled != nil)
                if stands {
                    g.facts[at].onAbnormal = true
                    list()
                }
            case "serious":
                if stands {
                    g.facts[at].onSerious = true
                    list()
                }
            case "visit":
                // Nobody was there to be looked at: that says nothing, for or against.
                if detail != 2 { add(detail == 1 ? 7 : 6) }
            case "absent": add(8)
            default: break
            }
        }
    }

    /// Complaints, reports and confirmed leads, by their age; found by the operator, never by their kind, of which there are half a million.
    private static func matters(_ keys: ClosedRange<Int64>, _ moment: Moment, _ g: inout Gathered, _ tx: Transaction) throws {
        let year: Int64 = 365 * 86_400_000
        try tx.forEach(
            """
            SELECT operator, kind, CASE WHEN closed_at <= \(moment) THEN outcome END AS outcome, CASE WHEN received_at > \(moment.milliseconds - year) THEN 0 WHEN received_at > \(moment.milliseconds - 2 * year) THEN 1
            WHEN received_at > \(moment.milliseconds - 3 * year) THEN 2 ELSE 3 END AS age, count(*) AS n FROM casework_matters
            WHERE \(within(keys, "operator")) AND (kind || '') IN ('complaint', 'report', 'lead') AND received_at <= \(moment) GROUP BY 1, 2, 3, 4
            """
        ) { row in
            guard let at = g.place(row.int("operator")) else { return }
            let (age, n) = (row.count("age"), Int32(row.count("n")))
            let outcome = row.optionalString("outcome")
            func add(_ source: String) { if let i = CompassFacts.index[source] { g.facts[at].add(i, age: age, n) } }
            switch row.string("kind") {
            case "complaint":
                // What was not taken up says nothing of the business.
                guard !["refused", "redirected", "withdrawn"].contains(outcome ?? "") else { return }
                add("complaint")
                if outcome == "ended" { add("ended") }
            case "report": add("report")
            default: if ["rectified", "guided", "proposed"].contains(outcome ?? "") { add("lead") }
            }
        }
    }
}
