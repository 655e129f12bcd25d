import Foundation
import Kernel
import Platform
import Store

/// A draft beside the model in force, on what was known at an earlier day, judged by what came after (回测): migration, hits, fairness.
///
/// Honest about its ground: what came after is what the office found, so visits steer what is found; the synthetic city is named as such.
package struct CompassTrial: Sendable {
    package struct Side: Sendable {
        package let version: String
        /// For each class how many, and how many of them had an outcome afterwards.
        package let classes: [(cls: CompassModel.Class, n: Int, hits: Int)]
        package let auc: Double?
    }
    package let asOf: Day
    package let until: Day
    package let operators: Int
    package let outcomes: Int
    package let active: Side
    package let draft: Side
    /// `migration[a][d]`: from the active class to the draft's.
    package let migration: [[Int]]
    /// A logistic model fitted to the five sums on one half of the operators, and judged on the other.
    package let fitted: Double?
    /// By district, kind and trade: operators, the share in C and D under each, and how many of those had nothing afterwards.
    package let fairness: [(group: String, key: String, n: Int, active: Int, draft: Int, missed: Int)]

    /// - Parameters:
    ///   - months: how long afterwards is looked at.
    package static func run(_ active: CompassModel, _ draft: CompassModel, asOf: Day, until: Day, _ tx: Transaction) throws -> CompassTrial {
        let g = try CompassRun.gather(at: Moment(asOf, hour: 23, minute: 59), tx)
        let (a, d) = (CompassRun.scores(active, g), CompassRun.scores(draft, g))
        var hit = Set<Int64>()
        try tx.forEach(
            "SELECT DISTINCT operator FROM credit_events WHERE kind IN ('penalty', 'abnormal', 'serious', 'exempt') AND on_day > \(asOf) AND on_day <= \(until)"
        ) { hit.insert($0.int("operator")) }
        let labels = g.ids.map(hit.contains)
        func side(_ m: CompassModel, _ r: [CompassModel.Result]) -> Side {
            Side(
                version: m.version,
                classes: CompassModel.Class.allCases.map { cls in
                    let of = r.indices.filter { r[$0].cls == cls }
                    return (cls, of.count, of.count { labels[$0] })
                }, auc: auc(r.map { Double($0.points) }, labels))
        }
        var migration = [[Int]](repeating: [0, 0, 0, 0], count: 4)
        let order = CompassModel.Class.allCases
        for i in g.ids.indices { migration[order.firstIndex(of: a[i].cls)!][order.firstIndex(of: d[i].cls)!] += 1 }
        return CompassTrial(
            asOf: asOf, until: until, operators: g.ids.count, outcomes: labels.count { $0 }, active: side(active, a), draft: side(draft, d), migration: migration,
            fitted: fit(active, a, labels), fairness: fairness(g, a, d, labels))
    }

    /// How often of two operators the one with an outcome has more points. nil where all or none had one.
    package static func auc(_ points: [Double], _ labels: [Bool]) -> Double? {
        let order = points.indices.sorted { points[$0] < points[$1] }
        let positive = labels.count { $0 }
        guard positive > 0, positive < labels.count else { return nil }
        var (sum, i) = (0.0, 0)
        while i < order.count {
            var j = i
            while j < order.count, points[order[j]] == points[order[i]] { j += 1 }
            // Ties share their middle rank.
            let rank = Double(i + j + 1) / 2
            for k in i..<j where labels[order[k]] { sum += rank }
            i = j
        }
        let p = Double(positive), n = Double(labels.count - positive)
        return (sum - p * (p + 1) / 2) / (p * n)
    }

    /// Logistic regression on the sums of the families, by gradient descent; judged on the half it did not see.
    private static func fit(_ model: CompassModel, _ results: [CompassModel.Result], _ labels: [Bool]) -> Double? {
        let families = model.families.map(\.id)
        let byIndicator = Dictionary(model.indicators.map { ($0.id, families.firstIndex(of: $0.family)!) }) { a, _ in a }
        let rows = results.map { r -> [Double] in
            var x = [Double](repeating: 0, count: families.count + 1)
            x[families.count] = 1
            for line in r.lines { if let f = byIndicator[line.id] { x[f] += Double(line.points) / 100 } }
            return x
        }
        let train = rows.indices.filter { $0 % 2 == 0 }, test = rows.indices.filter { $0 % 2 == 1 }
        guard train.contains(where: { labels[$0] }), test.contains(where: { labels[$0] }) else { return nil }
        var w = [Double](repeating: 0, count: families.count + 1)
        let positives = Double(train.count { labels[$0] }), weight = (Double(train.count) - positives) / max(1, positives)
        for step in 0..<60 {
            var gradient = [Double](repeating: 0, count: w.count)
            for i in train {
                let x = rows[i]
                let z = zip(w, x).reduce(0) { $0 + $1.0 * $1.1 }
                let error = (1 / (1 + exp(-z)) - (labels[i] ? 1 : 0)) * (labels[i] ? weight : 1)
                for k in w.indices { gradient[k] += error * x[k] }
            }
            let rate = 1.0 / (1 + Double(step) / 20) / Double(train.count)
            for k in w.indices { w[k] -= rate * gradient[k] }
        }
        return auc(test.map { i in zip(w, rows[i]).reduce(0) { $0 + $1.0 * $1.1 } }, test.map { labels[$0] })
    }

    private static func fairness(
        _ g: CompassRun.Gathered, _ a: [CompassModel.Result], _ d: [CompassModel.Result], _ labels: [Bool]
    ) -> [(group: String, key: String, n: Int, active: Int, draft: Int, missed: Int)] {
        var all: [String: (String, String, Int, Int, Int, Int)] = [:]
        func add(_ group: String, _ key: String, _ i: Int) {
            var row = all["\(group)|\(key)"] ?? (group, key, 0, 0, 0, 0)
            row.2 += 1
            if a[i].cls >= .C { row.3 += 1 }
            if d[i].cls >= .C {
                row.4 += 1
                if !labels[i] { row.5 += 1 }
            }
            all["\(group)|\(key)"] = row
        }
        for i in g.ids.indices {
            add("district", String(g.regions[i].prefix(6)), i)
            add("kind", g.kinds[i], i)
            add("trade", g.trades[i], i)
        }
        return all.values.map { ($0.0, $0.1, $0.2, $0.3, $0.4, $0.5) }.sorted { ($0.0, -$0.2) < ($1.0, -$1.2) }
    }

    package var json: JSON {
        func number(_ x: Double?) -> JSON { x.map { .number(String(format: "%.4f", $0)) } ?? .null }
        func side(_ s: Side) -> JSON {
            .object([
                ("version", .string(s.version)), ("auc", number(s.auc)),
                ("classes", .array(s.classes.map { .object([("class", .string($0.cls.rawValue)), ("n", .int($0.n)), ("hits", .int($0.hits))]) })),
            ])
        }
        return .object([
            ("asOf", .string(asOf.description)), ("until", .string(until.description)), ("operators", .int(operators)), ("outcomes", .int(outcomes)), ("active", side(active)),
            ("draft", side(draft)),
            ("migration", .array(migration.map { .array($0.map { .int($0) }) })), ("fitted", number(fitted)),
            (
                "fairness",
                .array(
                    fairness.map {
                        .object([
                            ("group", .string($0.group)), ("key", .string($0.key)), ("n", .int($0.n)), ("active", .int($0.active)), ("draft", .int($0.draft)),
                            ("missed", .int($0.missed)),
                        ])
                    })
            ),
        ])
    }
}
