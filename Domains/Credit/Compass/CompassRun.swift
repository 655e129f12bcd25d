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
        let shared: SQL = only.map { "o.phone = (SELECT phone FROM operators WHERE id = \($0)) AND" } ?? ""
        try tx.forEach(
            """
            SELECT o.phone AS phone, count(*) AS n FROM credit_events e JOIN operators o ON o.id = e.operator WHERE \(shared) e.kind IN ('abnormal', 'serious') AND e.known_at <= \(moment) AND o.phone <> '' AND COALESCE(e.until_day, '9999') >= \(today)
            AND NOT EXISTS (SELECT 1 FROM credit_events c WHERE c.cancels = e.id AND c.known_at <= \(moment)) GROUP BY o.phone
            """
        ) { listedPhones[$0.string("phone")] = Int32($0.count("n")) }
        // Who was registered later was not there then.
        let which: SQL = "WHERE (registered_on IS NULL OR registered_on <= \(today))" + (only.map { " AND id = \($0)" } ?? "")
        let newer = today.adding(days: -365).description
        // By position: six hundred thousand rows by name cost a second of hashing.
        try tx.forEach(
            "SELECT id, kind, status, region, industry, COALESCE(registered_on, ''), online, \(listedPhones.isEmpty ? "''" as SQL : "phone") FROM operators \(which) ORDER BY id"
        ) { row in
            guard case .int(let id) = row.values[0], case .text(let kind) = row.values[1], case .text(let status) = row.values[2], case .text(let region) = row.values[3],
                case .text(let industry) = row.values[4], case .text(let since) = row.values[5], case .int(let online) = row.values[6], case .text(let phone) = row.values[7]
            else { return }
            var f = CompassFacts()
            f.isSuspended = status == "suspended"
            f.isRevoked = status == "revoked"
            f.isOnline = online != 0
            f.industry = industry
            f.isNew = since > newer
            if !listedPhones.isEmpty, let n = listedPhones[phone] { f.related = n }
            place[id] = g.ids.count
            g.ids.append(id)
            g.facts.append(f)
            g.regions.append(region)
            g.trades.append(String(industry.prefix(2)))
            g.kinds.append(kind)
        }
        try events(only, moment, place, &g, tx)
        try matters(only, moment, place, &g, tx)
        return g
    }

    private static func events(_ only: ID<Operator>?, _ moment: Moment, _ place: [Int64: Int], _ g: inout Gathered, _ tx: Transaction) throws {
        let today = moment.day
        let which: SQL = only.map { "AND e.operator = \($0)" } ?? ""
        let now = today.description
        let places = ["abnormal-report", "abnormal-unreachable", "abnormal-other", "penalty", "large-fine", "exempt", "visit-problem", "visit-clean", "absent"].map {
            CompassFacts.index[$0]!
        }
        try tx.forEach(
            """
            SELECT e.operator, e.kind, e.on_day, COALESCE(e.until_day, '9999'), COALESCE(e.amount, 0),
            CASE WHEN e.detail LIKE '%年度报告%' AND e.detail NOT LIKE '%隐瞒%' THEN 0 WHEN e.detail LIKE '%无法联系%' THEN 1 ELSE 2 END, CASE WHEN e.detail LIKE '未发现问题%' THEN 1 ELSE 0 END,
            COALESCE((SELECT min(c.kind) FROM credit_events c WHERE c.cancels = e.id AND c.known_at <= \(moment)), ''),
            CASE WHEN e.kind <> 'penalty' THEN 0 ELSE (SELECT count(*) FROM credit_events r JOIN credit_events p ON p.id = r.cancels WHERE p.matter = e.matter AND r.kind = 'repaired'
            AND r.known_at <= \(moment) AND NOT EXISTS (SELECT 1 FROM credit_events v WHERE v.matter = r.matter AND v.kind = 'repair-revoked' AND v.known_at <= \(moment))) END FROM credit_events e WHERE e.known_at <= \(moment) \(which) ORDER BY e.operator
            """
        ) { row in
            guard case .int(let id) = row.values[0], let at = place[id], case .text(let kind) = row.values[1], case .text(let on) = row.values[2],
                case .text(let until) = row.values[3],
                case .int(let amount) = row.values[4], case .int(let ground) = row.values[5], case .int(let clean) = row.values[6], case .text(let cancelled) = row.values[7],
                case .int(let repaired) = row.values[8], let day = Day(on)
            else { return }
            let age = CompassFacts.age(day, on: today)
            let stands = cancelled.isEmpty && until >= now
            func add(_ source: Int, repaired: Bool = false) { g.facts[at].add(places[source], age: age, repaired: repaired) }
            switch kind {
            case "penalty" where cancelled.isEmpty:
                add(3, repaired: repaired > 0)
                if amount >= 5_000_000 { add(4, repaired: repaired > 0) }
            case "exempt": add(5)
            case "abnormal" where cancelled != "abnormal-corrected":
                // Taken off is as repaired.
                add(Int(ground), repaired: !cancelled.isEmpty)
                if stands {
                    g.facts[at].onAbnormal = true
                    g.facts[at].related = max(0, g.facts[at].related - 1)
                }
            case "serious":
                if stands {
                    g.facts[at].onSerious = true
                    g.facts[at].related = max(0, g.facts[at].related - 1)
                }
            case "visit": add(clean == 1 ? 7 : 6)
            case "absent": add(8)
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
            SELECT operator, kind, CASE WHEN closed_at <= \(moment) THEN outcome END AS outcome, CASE WHEN received_at > \(moment.milliseconds - year) THEN 0 WHEN received_at > \(moment.milliseconds - 2 * year) THEN 1
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
        let day: Day
        /// What is not as it stands: whole rows, or a rank alone.
        fileprivate let rows: [[Value]]
        fileprivate let ranks: [(operator: Int64, rank: Int)]
        /// The newest line of any file that was read.
        fileprivate let newest: Int64
        fileprivate let isFirst: Bool
        /// Classes set by hand that were looked at.
        fileprivate let overrides: [Int64: String]
    }
    private static let columns = [
        "operator", "class", "points", "lines", "percentile", "region", "trade", "counted_on", "before_class", "before_points", "before_lines", "before_on",
    ]

    /// What all operators come to, beside what stands: reads only, so that nobody who writes waits for it.
    ///
    /// Cost: a pass over register, events, matters and classes, about four seconds for 600,000 operators.
    package static func plan(_ model: CompassModel, at now: Moment, _ tx: Transaction) throws -> Counted {
        let newest = try tx.one("SELECT COALESCE(max(id), 0) AS id FROM credit_events")?.int("id") ?? 0
        let g = try gather(at: now, tx)
        let results = scores(model, g)
        let ranks = percentiles(g.trades, results.map(\.points))
        let overrides = try overrides(on: now.day, tx)
        var (rows, moved, changed) = ([[Value]](), [(operator: Int64, rank: Int)](), 0)
        var tally: [CompassModel.Class: Int] = [:]
        let (today, month) = (now.day.description, String(now.day.description.prefix(7)))
        /// The i-th operator beside its row.
        func compare(_ i: Int, _ was: Row?) {
            let (id, r) = (g.ids[i], results[i])
            let cls = set(overrides[id], r)
            tally[CompassModel.Class(rawValue: cls) ?? r.cls, default: 0] += 1
            let lines = r.text
            var before: [Value] = [.null, .null, .null, .null]
            if let was {
                guard case .text(let oldClass) = was.values[1], case .int(let points) = was.values[2], case .text(let oldLines) = was.values[3],
                    case .int(let rank) = was.values[4],
                    case .text(let region) = was.values[5], case .text(let trade) = was.values[6], case .text(let on) = was.values[7]
                else { return }
                if oldClass == cls, Int(points) == r.points, oldLines == lines, region == g.regions[i], trade == g.trades[i] {
                    if Int(rank) != ranks[i] { moved.append((id, ranks[i])) }
                    return
                }
                if oldClass != cls { changed += 1 }
                // What it was in an earlier month stays beside it, with its lines.
                before = on.hasPrefix(month) ? Array(was.values[8...11]) : [.text(oldClass), .int(points), .text(oldLines), .text(on)]
            }
            rows.append(
                [.int(id), .text(cls), .int(Int64(r.points)), .text(lines), .int(Int64(ranks[i])), .text(g.regions[i]), .text(g.trades[i]), .text(today)] + before)
        }
        // Both in the order of their keys, side by side.
        var at = 0
        try tx.forEach("SELECT \(raw: columns.joined(separator: ", ")) FROM credit_classes ORDER BY operator") { row in
            guard case .int(let id) = row.values[0] else { return }
            while at < g.ids.count, g.ids[at] < id {
                compare(at, nil)
                at += 1
            }
            if at < g.ids.count, g.ids[at] == id {
                compare(at, row)
                at += 1
            }
        }
        let isFirst = at == 0
        while at < g.ids.count {
            compare(at, nil)
            at += 1
        }
        return Counted(operators: g.ids.count, classes: tally, changed: changed, day: now.day, rows: rows, ranks: moved, newest: newest, isFirst: isFirst, overrides: overrides)
    }
    private static func overrides(on day: Day, _ tx: Transaction) throws -> [Int64: String] {
        Dictionary(
            try tx.all("SELECT operator, class FROM credit_overrides WHERE ended_at IS NULL AND approved_by IS NOT NULL AND until >= \(day) ORDER BY id").map {
                ($0.int("operator"), $0.string("class"))
            }
        ) { $1 }
    }
    /// The class set by hand, never below what the hard rules ask for; else the one that was counted.
    private static func set(_ hand: String?, _ r: CompassModel.Result) -> String {
        hand.flatMap(CompassModel.Class.init).map { max($0, r.floor).rawValue } ?? r.cls.rawValue
    }

    /// Writes what is not as it stands; what became known since the plan was made is counted once more.
    package static func write(_ counted: Counted, _ model: CompassModel, at now: Moment, _ tx: Transaction) throws {
        if counted.isFirst, try tx.one("SELECT operator FROM credit_classes LIMIT 1") == nil {
            try tx.bulk(into: "credit_classes", columns, counted.rows)
        } else {
            for row in counted.rows {
                let (c, b) = (row, Array(row[8...11]))
                try tx.send(
                    """
                    INSERT INTO credit_classes (operator, class, points, lines, percentile, region, trade, counted_on, before_class, before_points, before_lines, before_on)
                    VALUES (\(c[0]), \(c[1]), \(c[2]), \(c[3]), \(c[4]), \(c[5]), \(c[6]), \(c[7]), \(b[0]), \(b[1]), \(b[2]), \(b[3]))
                    ON CONFLICT (operator) DO UPDATE SET class = \(c[1]), points = \(c[2]), lines = \(c[3]), percentile = \(c[4]), region = \(c[5]), trade = \(c[6]),
                    counted_on = \(c[7]), before_class = \(b[0]), before_points = \(b[1]), before_lines = \(b[2]), before_on = \(b[3])
                    """)
            }
        }
        for (id, rank) in counted.ranks { try tx.send("UPDATE credit_classes SET percentile = \(rank) WHERE operator = \(id)") }
        var again = Set(try tx.all("SELECT DISTINCT operator FROM credit_events WHERE id > \(counted.newest)").map { $0.int("operator") })
        let overrides = try overrides(on: now.day, tx)
        for id in Set(overrides.keys).union(counted.overrides.keys) where overrides[id] != counted.overrides[id] { again.insert(id) }
        for id in again.sorted() { try count(ID(id), model, at: now, tx) }
        try tx.run("INSERT INTO credit_counts (counted_on, counted_at, operators, changed) VALUES (\(counted.day), \(now), \(counted.operators), \(counted.changed))")
    }

    /// All operators anew, in one transaction: for the synthetic city and for tests.
    @discardableResult
    package static func run(_ model: CompassModel, at now: Moment, _ tx: Transaction) throws -> Counted {
        let counted = try plan(model, at: now, tx)
        try write(counted, model, at: now, tx)
        return counted
    }

    /// When all were last counted.
    package static func last(_ tx: Transaction) throws -> Day? { try tx.one("SELECT max(counted_on) AS d FROM credit_counts")?.optionalDay("d") }

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
        let hand = try tx.one(
            "SELECT class FROM credit_overrides WHERE operator = \(op) AND ended_at IS NULL AND approved_by IS NOT NULL AND until >= \(now.day) ORDER BY id DESC LIMIT 1")?
            .string("class")
        let cls = set(hand, r)
        // Where it stands among its trade moves with everybody else's points: it is counted again with all, once a month.
        let was = try tx.one("SELECT * FROM credit_classes WHERE operator = \(op)")
        let sameMonth = was.map { ($0.day("counted_on").year, $0.day("counted_on").month) == (now.day.year, now.day.month) } ?? false
        let rank: Int64 = try was?.int("percentile") ?? Int64(place(r.points, in: g.trades[0], tx))
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

    /// The share of a trade with fewer points, by its index.
    private static func place(_ points: Int, in trade: String, _ tx: Transaction) throws -> Int {
        let n = try tx.count("SELECT count(*) AS n FROM credit_classes WHERE trade = \(trade)")
        return n > 1 ? try tx.count("SELECT count(*) AS n FROM credit_classes WHERE trade = \(trade) AND points < \(points)") * 100 / n : 0
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
