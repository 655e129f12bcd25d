import Foundation
import Kernel
import Platform
import Store

/// Counting classes (分类计算): all operators in one pass, or one when something became known.
package enum CompassRun {
    package static let one = "credit.count", all = "credit.count-all"

    /// Facts of all operators, or of one, as they were known at a moment.
    package struct Gathered: Sendable {
        package var ids: [Int64] = []
        package var facts: [CompassFacts] = []
        package var regions: [String] = []
        package var trades: [String] = []
        package var kinds: [String] = []
    }

    /// - Parameter moment: only what was known then.
    /// Cost: a pass over the register, the events and the matters that name an operator.
    package static func gather(only: ID<Operator>? = nil, at moment: Moment, _ tx: Transaction) throws -> Gathered {
        var g = Gathered()
        var place: [Int64: Int] = [:]
        let today = moment.day
        // Phones of those that stand on a list: who shares one is related.
        var listedPhones: [String: Int32] = [:]
        try tx.forEach(
            """
            SELECT o.phone AS phone, count(*) AS n FROM credit_events e JOIN operators o ON o.id = e.operator WHERE e.kind IN ('abnormal', 'serious') AND e.known_at <= \(moment) AND o.phone <> '' AND COALESCE(e.until_day, '9999') >= \(today)
            AND NOT EXISTS (SELECT 1 FROM credit_events c WHERE c.cancels = e.id AND c.known_at <= \(moment)) GROUP BY o.phone
            """
        ) { listedPhones[$0.string("phone")] = Int32($0.count("n")) }
        let which: SQL = only.map { "WHERE id = \($0)" } ?? ""
        try tx.forEach("SELECT id, kind, status, region, industry, registered_on, online, phone FROM operators \(which) ORDER BY id") { row in
            var f = CompassFacts()
            let status = row.string("status")
            f.isSuspended = status == "suspended"
            f.isRevoked = status == "revoked"
            f.isOnline = row.bool("online")
            f.industry = row.string("industry")
            if let since = row.optionalDay("registered_on") { f.isNew = today - since < 365 }
            if !listedPhones.isEmpty, let n = listedPhones[row.string("phone")] { f.related = n }
            let id = row.int("id")
            place[id] = g.ids.count
            g.ids.append(id)
            g.facts.append(f)
            g.regions.append(row.string("region"))
            g.trades.append(String(f.industry.prefix(2)))
            g.kinds.append(row.string("kind"))
        }
        try events(only, moment, place, &g, tx)
        try matters(only, moment, place, &g, tx)
        return g
    }

    private static func events(_ only: ID<Operator>?, _ moment: Moment, _ place: [Int64: Int], _ g: inout Gathered, _ tx: Transaction) throws {
        let today = moment.day
        let which: SQL = only.map { "AND e.operator = \($0)" } ?? ""
        try tx.forEach(
            """
            SELECT e.operator AS operator, e.kind AS kind, e.on_day AS on_day, e.until_day AS until_day, e.amount AS amount, e.detail AS detail,
            (SELECT min(c.kind) FROM credit_events c WHERE c.cancels = e.id AND c.known_at <= \(moment)) AS cancelled,
            (SELECT count(*) FROM credit_events r JOIN credit_events p ON p.id = r.cancels WHERE p.matter = e.matter AND r.kind = 'repaired' AND r.known_at <= \(moment)) AS repaired
            FROM credit_events e WHERE e.known_at <= \(moment) \(which) ORDER BY e.operator
            """
        ) { row in
            guard let at = place[row.int("operator")] else { return }
            let age = CompassFacts.age(row.day("on_day"), on: today)
            let cancelled = row.optionalString("cancelled")
            let stands = cancelled == nil && (row.optionalDay("until_day").map { today <= $0 } ?? true)
            func add(_ source: String, repaired: Bool = false) { if let i = CompassFacts.index[source] { g.facts[at].add(i, age: age, repaired: repaired) } }
            switch row.string("kind") {
            case "penalty" where cancelled == nil:
                let repaired = row.count("repaired") > 0
                add("penalty", repaired: repaired)
                if (row.optionalInt("amount") ?? 0) >= 5_000_000 { add("large-fine", repaired: repaired) }
            case "exempt": add("exempt")
            case "abnormal" where cancelled != "abnormal-corrected":
                let detail = row.string("detail")
                // Taken off is as repaired.
                add(
                    detail.contains("年度报告") && !detail.contains("隐瞒") ? "abnormal-report" : detail.contains("无法联系") ? "abnormal-unreachable" : "abnormal-other",
                    repaired: cancelled != nil)
                if stands {
                    g.facts[at].onAbnormal = true
                    g.facts[at].related = max(0, g.facts[at].related - 1)
                }
            case "serious":
                if stands {
                    g.facts[at].onSerious = true
                    g.facts[at].related = max(0, g.facts[at].related - 1)
                }
            case "visit": add(row.string("detail").hasPrefix("未发现问题") ? "visit-clean" : "visit-problem")
            case "absent": add("absent")
            default: break
            }
        }
    }

    /// Complaints, reports and confirmed leads, by their age.
    private static func matters(_ only: ID<Operator>?, _ moment: Moment, _ place: [Int64: Int], _ g: inout Gathered, _ tx: Transaction) throws {
        let year: Int64 = 365 * 86_400_000
        let which: SQL = only.map { "AND operator = \($0)" } ?? ""
        try tx.forEach(
            """
            SELECT operator, kind, outcome, CASE WHEN received_at > \(moment.milliseconds - year) THEN 0 WHEN received_at > \(moment.milliseconds - 2 * year) THEN 1
            WHEN received_at > \(moment.milliseconds - 3 * year) THEN 2 ELSE 3 END AS age, count(*) AS n FROM casework_matters
            WHERE operator IS NOT NULL AND kind IN ('complaint', 'report', 'lead') AND received_at <= \(moment) \(which) GROUP BY 1, 2, 3, 4
            """
        ) { row in
            guard let at = place[row.int("operator")] else { return }
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

    package struct Counted: Sendable {
        package let operators: Int
        package let classes: [CompassModel.Class: Int]
        package let changed: Int
    }

    /// All operators anew. What an operator's class was in an earlier month stays beside it, with its lines.
    package static func run(_ model: CompassModel, at now: Moment, _ tx: Transaction) throws -> Counted {
        let g = try gather(at: now, tx)
        let results = scores(model, g)
        let ranks = percentiles(g.trades, results.map(\.points))
        struct Before {
            let cls: String, points: Int64, lines: String, on: Day
            let before: (String, Int64, String, String)?
        }
        var old: [Int64: Before] = [:]
        old.reserveCapacity(g.ids.count)
        try tx.forEach("SELECT * FROM credit_classes") { row in
            old[row.int("operator")] = Before(
                cls: row.string("class"), points: row.int("points"), lines: row.string("lines"), on: row.day("counted_on"),
                before: row.optionalString("before_class").map {
                    ($0, row.optionalInt("before_points") ?? 0, row.optionalString("before_lines") ?? "", row.optionalString("before_on") ?? "")
                })
        }
        let overrides = Dictionary(
            try tx.all("SELECT operator, class FROM credit_overrides WHERE ended_at IS NULL AND approved_by IS NOT NULL AND until >= \(now.day) ORDER BY id").map {
                ($0.int("operator"), $0.string("class"))
            }
        ) { $1 }
        var (rows, changed) = ([[Value]](), 0)
        rows.reserveCapacity(g.ids.count)
        var tally: [CompassModel.Class: Int] = [:]
        let month = (now.day.year, now.day.month)
        for (i, id) in g.ids.enumerated() {
            let r = results[i]
            let cls = overrides[id] ?? r.cls.rawValue
            tally[CompassModel.Class(rawValue: cls) ?? r.cls, default: 0] += 1
            var before: (String, Int64, String, String)?
            if let was = old[id] {
                if was.cls != cls { changed += 1 }
                before = (was.on.year, was.on.month) == month ? was.before : (was.cls, was.points, was.lines, was.on.description)
            }
            rows.append([
                .int(id), .text(cls), .int(Int64(r.points)), .text(r.text), .int(Int64(ranks[i])), .text(g.regions[i]), .text(g.trades[i]), .text(now.day.description),
                before.map { .text($0.0) } ?? .null, before.map { .int($0.1) } ?? .null, before.map { .text($0.2) } ?? .null, before.map { .text($0.3) } ?? .null,
            ])
        }
        try tx.run("DELETE FROM credit_classes")
        try tx.bulk(
            into: "credit_classes",
            ["operator", "class", "points", "lines", "percentile", "region", "trade", "counted_on", "before_class", "before_points", "before_lines", "before_on"], rows)
        return Counted(operators: g.ids.count, classes: tally, changed: changed)
    }

    package static func scores(_ model: CompassModel, _ g: Gathered) -> [CompassModel.Result] { g.facts.map(model.score) }

    /// The share of peers of the same trade with fewer points, in percent.
    static func percentiles(_ trades: [String], _ points: [Int]) -> [Int] {
        var groups: [String: [Int]] = [:]
        for (i, trade) in trades.enumerated() { groups[trade, default: []].append(points[i]) }
        let sorted = groups.mapValues { $0.sorted() }
        return trades.enumerated().map { i, trade in
            guard let all = sorted[trade], all.count > 1 else { return 0 }
            var (low, high) = (0, all.count)
            while low < high {
                let middle = (low + high) / 2
                if all[middle] < points[i] { low = middle + 1 } else { high = middle }
            }
            return low * 100 / all.count
        }
    }

    /// One operator, when something became known of it.
    package static func count(_ op: ID<Operator>, _ model: CompassModel, at now: Moment, _ tx: Transaction) throws {
        let g = try gather(only: op, at: now, tx)
        guard let facts = g.facts.first else { return }
        let r = model.score(facts)
        let cls =
            try tx.one(
                "SELECT class FROM credit_overrides WHERE operator = \(op) AND ended_at IS NULL AND approved_by IS NOT NULL AND until >= \(now.day) ORDER BY id DESC LIMIT 1")?
            .string("class") ?? r.cls.rawValue
        let peers = try tx.one("SELECT count(*) AS n, COALESCE(sum(CASE WHEN points < \(r.points) THEN 1 ELSE 0 END), 0) AS under FROM credit_classes WHERE trade = \(g.trades[0])")
        let rank = (peers?.count("n") ?? 0) > 1 ? (peers?.count("under") ?? 0) * 100 / (peers?.count("n") ?? 1) : 0
        let was = try tx.one("SELECT * FROM credit_classes WHERE operator = \(op)")
        let sameMonth = was.map { ($0.day("counted_on").year, $0.day("counted_on").month) == (now.day.year, now.day.month) } ?? false
        let before: (String?, Int64?, String?, String?) =
            sameMonth
            ? (was?.optionalString("before_class"), was?.optionalInt("before_points"), was?.optionalString("before_lines"), was?.optionalString("before_on"))
            : (was?.string("class"), was?.int("points"), was?.string("lines"), was?.string("counted_on"))
        try tx.run(
            """
            INSERT INTO credit_classes (operator, class, points, lines, percentile, region, trade, counted_on, before_class, before_points, before_lines, before_on)
            VALUES (\(op), \(cls), \(r.points), \(r.text), \(rank), \(g.regions[0]), \(g.trades[0]), \(now.day), \(before.0), \(before.1), \(before.2), \(before.3))
            ON CONFLICT (operator) DO UPDATE SET class = \(cls), points = \(r.points), lines = \(r.text), percentile = \(rank), region = \(g.regions[0]), trade = \(g.trades[0]),
            counted_on = \(now.day), before_class = \(before.0), before_points = \(before.1), before_lines = \(before.2), before_on = \(before.3)
            """)
    }

    /// The model in force; the shipped one is put in force where there is none.
    package static func active(_ tx: Transaction) throws -> CompassModel? {
        try tx.one("SELECT body FROM credit_models WHERE state = 'active' ORDER BY id DESC LIMIT 1").map { try CompassModel(json: Data($0.string("body").utf8)) }
    }
    package static func takeInShipped(at now: Moment, _ tx: Transaction) throws {
        guard let shipped = CompassModel.shipped, try tx.one("SELECT id FROM credit_models LIMIT 1") == nil else { return }
        let body = String(decoding: try JSONEncoder().encode(shipped), as: UTF8.self)
        let id = try tx.insert(
            "INSERT INTO credit_models (version, state, body, made_by, made_at, activated_by, activated_at, note) VALUES (\(shipped.version), 'active', \(body), 'shipped', \(now), 'shipped', \(now), '') RETURNING id"
        )
        try tx.audit(
            "credit.model-active", of: Reference(kind: "credit-model", id: id), by: "system", at: now, details: [("version", .string(shipped.version))],
            sealing: [.init("credit_models", id)])
    }
}
