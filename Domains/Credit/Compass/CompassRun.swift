import Foundation
import Kernel
import Platform
import Store

/// Counting classes (分类计算): all operators in one pass, or one when something became known.
package enum CompassRun {
    package static let one = "credit.count", all = "credit.count-all"

    package struct Counted: Sendable {
        package var operators = 0
        package var classes: [CompassModel.Class: Int] = [:]
        package var changed = 0
        fileprivate let before: Before
        /// What is not as it stands: whole rows, or a rank alone.
        fileprivate var rows: [[Value]] = []
        fileprivate var ranks: [(operator: Int64, rank: Int)] = []
        fileprivate var isFirst = true
    }
    /// What is read before the register is.
    fileprivate struct Before: Sendable {
        let day: Day
        /// The newest line of any file.
        let newest: Int64
        let lastKey: Int64
        /// Classes set by hand.
        let overrides: [Int64: String]
    }
    /// A stretch of the register with its sums.
    private struct Part: Sendable {
        let keys: ClosedRange<Int64>
        let g: Gathered
        let results: [CompassModel.Result]
        let ranks: ArraySlice<Int>
    }
    private static let columns = [
        "operator", "class", "points", "lines", "percentile", "region", "trade", "counted_on", "before_class", "before_points", "before_lines", "before_on",
    ]

    /// What all operators come to, beside what stands: reads only, so that nobody who writes waits for it; two readers, each half of the register.
    ///
    /// What becomes known between their snapshots is counted once more when this is written.
    /// Cost: a pass over register, events, matters and classes, about two seconds for 600,000 operators.
    package static func plan(_ model: CompassModel, at now: Moment, in store: Store) async throws -> Counted {
        let before = try await store.read { try self.before(at: now, $0) }
        let middle = before.lastKey / 2
        let halves = middle > 0 ? [0...middle, (middle + 1)...Int64.max] : [everybody]
        let stretches = try await beside(halves, store) { try gather($0, at: now, $1) }
        let listed = self.listed(stretches)
        let parts = try await ranked(halves, beside(stretches) { scored($0, listed, model) })
        var counted = Counted(before: before)
        for found in try await beside(parts, store, { try compare($0, before, $1) }) {
            counted.operators += found.operators
            counted.classes.merge(found.classes, uniquingKeysWith: +)
            counted.changed += found.changed
            counted.rows += found.rows
            counted.ranks += found.ranks
            counted.isFirst = counted.isFirst && found.isFirst
        }
        return counted
    }
    private static func beside<I: Sendable, O: Sendable>(_ items: [I], _ body: @escaping @Sendable (I) async throws -> O) async throws -> [O] {
        try await withThrowingTaskGroup(of: (Int, O).self) { group in
            for (i, item) in items.enumerated() { group.addTask { (i, try await body(item)) } }
            var all: [(Int, O)] = []
            for try await found in group { all.append(found) }
            return all.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
    private static func beside<I: Sendable, O: Sendable>(_ items: [I], _ store: Store, _ body: @escaping @Sendable (I, Transaction) throws -> O) async throws -> [O] {
        try await beside(items) { item in
            try await store.read { tx in
                try tx.dialect.takeYourTime(tx)
                return try body(item, tx)
            }
        }
    }

    private static func before(at now: Moment, _ tx: Transaction) throws -> Before {
        try Before(
            day: now.day, newest: tx.one("SELECT COALESCE(max(id), 0) AS id FROM credit_events")?.int("id") ?? 0,
            lastKey: tx.one("SELECT COALESCE(max(id), 0) AS id FROM operators")?.int("id") ?? 0, overrides: overrides(on: now.day, tx))
    }
    private static func scored(_ g: Gathered, _ listed: [String: Int32], _ model: CompassModel) -> (Gathered, [CompassModel.Result]) {
        var g = g
        g.relate(listed)
        return (g, scores(model, g))
    }
    /// Where each operator stands among its trade, over all stretches.
    private static func ranked(_ keys: [ClosedRange<Int64>], _ stretches: [(g: Gathered, results: [CompassModel.Result])]) -> [Part] {
        let ranks = percentiles(stretches.flatMap(\.g.trades), stretches.flatMap { $0.results.map(\.points) })
        var from = 0
        return zip(keys, stretches).map { keys, s in
            defer { from += s.results.count }
            return Part(keys: keys, g: s.g, results: s.results, ranks: ranks[from..<from + s.results.count])
        }
    }

    /// A stretch beside the rows that stand.
    private static func compare(_ part: Part, _ before: Before, _ tx: Transaction) throws -> Counted {
        var counted = Counted(before: before)
        let g = part.g
        counted.operators = g.ids.count
        let (today, month) = (before.day.description, String(before.day.description.prefix(7)))
        /// The i-th operator beside its row.
        func compare(_ i: Int, _ was: Row?) {
            let (id, r, rank) = (g.ids[i], part.results[i], part.ranks[part.ranks.startIndex + i])
            let cls = set(before.overrides[id], r)
            counted.classes[cls, default: 0] += 1
            var earlier: [Value] = [.null, .null, .null, .null]
            if let was {
                guard case .text(let oldClass) = was.values[1], case .int(let points) = was.values[2], case .text(let oldLines) = was.values[3],
                    case .int(let oldRank) = was.values[4],
                    case .text(let region) = was.values[5], case .text(let trade) = was.values[6], case .text(let on) = was.values[7]
                else { return }
                if oldClass == cls.rawValue, Int(points) == r.points, oldLines == r.text, region == g.regions[i], trade == g.trades[i] {
                    if Int(oldRank) != rank { counted.ranks.append((id, rank)) }
                    return
                }
                if oldClass != cls.rawValue { counted.changed += 1 }
                // What it was in an earlier month stays beside it, with its lines.
                earlier = on.hasPrefix(month) ? Array(was.values[8...11]) : [.text(oldClass), .int(points), .text(oldLines), .text(on)]
            }
            counted.rows.append(
                [.int(id), .text(cls.rawValue), .int(Int64(r.points)), .text(r.text), .int(Int64(rank)), .text(g.regions[i]), .text(g.trades[i]), .text(today)] + earlier)
        }
        // Both in the order of their keys, side by side.
        var at = 0
        try tx.forEach(
            "SELECT \(raw: columns.joined(separator: ", ")) FROM credit_classes WHERE operator BETWEEN \(part.keys.lowerBound) AND \(part.keys.upperBound) ORDER BY operator"
        ) { row in
            guard case .int(let id) = row.values[0] else { return }
            counted.isFirst = false
            while at < g.ids.count, g.ids[at] < id {
                compare(at, nil)
                at += 1
            }
            if at < g.ids.count, g.ids[at] == id {
                compare(at, row)
                at += 1
            }
        }
        while at < g.ids.count {
            compare(at, nil)
            at += 1
        }
        return counted
    }
    private static func overrides(on day: Day, _ tx: Transaction) throws -> [Int64: String] {
        Dictionary(
            try tx.all("SELECT operator, class FROM credit_overrides WHERE ended_at IS NULL AND approved_by IS NOT NULL AND until >= \(day) ORDER BY id").map {
                ($0.int("operator"), $0.string("class"))
            }
        ) { $1 }
    }
    /// The class set by hand, never below what the hard rules ask for; else the one that was counted.
    private static func set(_ hand: String?, _ r: CompassModel.Result) -> CompassModel.Class { hand.flatMap(CompassModel.Class.init).map { max($0, r.floor) } ?? r.cls }

    /// Writes what is not as it stands; what became known since the plan was made is counted once more.
    package static func write(_ counted: Counted, _ model: CompassModel, at now: Moment, _ tx: Transaction) throws {
        if counted.isFirst, try tx.one("SELECT operator FROM credit_classes LIMIT 1") == nil {
            try tx.fill("credit_classes", columns, counted.rows)
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
        var again = Set(try tx.all("SELECT DISTINCT operator FROM credit_events WHERE id > \(counted.before.newest)").map { $0.int("operator") })
        let overrides = try overrides(on: now.day, tx)
        for id in Set(overrides.keys).union(counted.before.overrides.keys) where overrides[id] != counted.before.overrides[id] { again.insert(id) }
        for id in again.sorted() { try count(ID(id), model, at: now, tx) }
        try tx.run("INSERT INTO credit_counts (counted_on, counted_at, operators, changed) VALUES (\(counted.before.day), \(now), \(counted.operators), \(counted.changed))")
    }

    /// All operators anew, in one transaction: for the synthetic city and for tests.
    @discardableResult
    package static func run(_ model: CompassModel, at now: Moment, _ tx: Transaction) throws -> Counted {
        let before = try before(at: now, tx)
        let all = try gather(everybody, at: now, tx)
        let counted = try compare(ranked([everybody], [scored(all, listed([all]), model)])[0], before, tx)
        try write(counted, model, at: now, tx)
        return counted
    }

    /// When all were last counted.
    package static func last(_ tx: Transaction) throws -> Day? { try tx.one("SELECT max(counted_on) AS d FROM credit_counts")?.optionalDay("d") }

    /// Most operators have no line in their file: what a trade and its marks come to is summed once.
    package static func scores(_ model: CompassModel, _ g: Gathered) -> [CompassModel.Result] {
        var blank: [CompassFacts.Marks: CompassModel.Result] = [:]
        return g.facts.map { f in
            guard let marks = f.marks else { return model.score(f) }
            if let known = blank[marks] { return known }
            let r = model.score(f)
            blank[marks] = r
            return r
        }
    }

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
        let cls = set(hand, r).rawValue
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
