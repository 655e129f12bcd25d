import Formats
import Kernel
import Platform
import Statute
import Store

/// The efficacy evaluation of 12315 (效能评估): indicators of a month, each a numerator over a denominator, weighed.
///
/// The official list and weights were not seen: indicators and weights are ours (fact sheet §5), the weights are the office's to set.
package struct Efficacy: Sendable {
    package struct Indicator: Sendable {
        package let id: String
        package let title: Text
        package let formula: Text
        package let weight: Int
        package let numerator: Int
        package let denominator: Int
        /// The list behind it, where one can be asked for.
        let list: String?
        package var share: Double? { denominator == 0 ? nil : Double(numerator) / Double(denominator) }

        var json: JSON {
            .object([("id", .string(id)), ("weight", .int(weight)), ("numerator", .int(numerator)), ("denominator", .int(denominator))])
        }
    }
    package let month: String
    package let region: String
    package let indicators: [Indicator]
    /// Fen that consumers got back: offers taken, funds paid.
    package let recovered: Money
    /// Out of 100, over the indicators that have data.
    package var score: Double? {
        let counted = indicators.filter { $0.share != nil }
        let weights = counted.reduce(0) { $0 + $1.weight }
        return weights == 0 ? nil : counted.reduce(0) { $0 + Double($1.weight) * $1.share! } * 100 / Double(weights)
    }

    static let version = 2
    static let weights: [NumberSetting] = [
        ("E1", Text("按时初查率权重", "Weight: first review on time"), 10), ("E2", Text("按时办结率权重", "Weight: closing on time"), 12),
        ("E3", Text("按时核查率权重", "Weight: verification on time"), 12),
        ("E4", Text("调解成功率权重", "Weight: mediation success"), 12), ("E5", Text("按时告知率权重", "Weight: told on time"), 6), ("E6", Text("先行和解率权重", "Weight: settled first"), 8),
        ("E7", Text("ODR活跃度权重", "Weight: ODR activity"), 6), ("E8", Text("公示率权重", "Weight: publication"), 8), ("E9", Text("举报立案率权重", "Weight: cases from reports"), 6),
        ("E10", Text("满意率权重", "Weight: satisfaction"), 8), ("E11", Text("数据质量权重", "Weight: data quality"), 6),
        ("E12", Text("回访满意率权重", "Weight: satisfied when called back"), 6), ("E13", Text("抽查合格率权重", "Weight: spot checks passed"), 6),
    ].map { NumberSetting("efficacy.weight.\($0.0)", $0.1, $0.2, 0...100) }

    /// The days of a period: `2026-05`, `2026-Q2` or `2026`; the last is the day after it.
    package static func days(_ period: String) throws(Refusal) -> (from: Day, to: Day) {
        if let span = Day.span(period) { return (span.lowerBound, span.upperBound) }
        throw Refusal.invalid("/month", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026"))
    }

    /// Counts a period of a region, also of one trade; one not over yet is counted as it stands.
    /// - Parameters:
    ///   - month: the period, see `days`.
    ///   - trade: how the industry code of the businesses begins (行业门类、大类); empty: all.
    package static func count(month: String, region: String, trade: String = "", at now: Moment, _ tx: Transaction) throws -> Efficacy {
        let (first, last) = try days(month)
        // The list behind a figure: what it counted, no more and no less.
        func list(_ query: String) -> String {
            "/desk?\(query)" + (region.isEmpty ? "" : "&region=\(region)") + (trade.isEmpty ? "" : "&trade=\(trade)")
        }
        let (from, to) = (Moment(first), Moment(last))
        let end = region + "~"
        let inTrade: SQL = trade.isEmpty ? "1 = 1" : "m.operator IN (SELECT id FROM operators WHERE industry >= \(trade) AND industry < \(trade + "~"))"
        let here: SQL = "m.region >= \(region) AND m.region < \(end) AND \(inTrade)"
        func pair(_ query: SQL) throws -> (Int, Int) { try tx.one(query).map { ($0.count("a"), $0.count("b")) } ?? (0, 0) }
        func duty(_ name: String) throws -> (Int, Int) {
            let from: SQL = "SELECT count(*) AS n FROM casework_clocks c JOIN casework_matters m ON m.id = c.matter"
            let met = try tx.count("\(from) WHERE \(Clocks.met(name, in: first..<last)) AND \(here)")
            let late = try tx.count("\(from) WHERE \(Clocks.late(name, in: first..<last, today: now.day)) AND \(here)")
            return (met, met + late)
        }
        let closed: SQL = "m.kind = \(ComplaintMoves.kind) AND m.closed_at >= \(from) AND m.closed_at < \(to) AND \(here)"
        let weight = Dictionary(uniqueKeysWithValues: try weights.map { (String($0.name.dropFirst("efficacy.weight.".count)), try $0.value(tx)) })
        var all: [Indicator] = []
        func add(_ id: String, _ title: Text, _ formula: Text, _ counts: (Int, Int), _ list: String? = nil) {
            all.append(.init(id: id, title: title, formula: formula, weight: weight[id] ?? 0, numerator: counts.0, denominator: counts.1, list: list))
        }
        add(
            "E1", Text("按时初查率", "First review on time"),
            Text("七个工作日内决定并告知÷期内按时决定的和期内到期而逾期的投诉", "decided and told in seven working days ÷ those and what fell due in the period and is late"),
            try duty("C1"), list("duty=C1&during=\(month)"))
        add(
            "E2", Text("按时办结率", "Closed on time"),
            Text("六十日内（扣除检测）办结÷期内按时办结的和期内到期而逾期的投诉", "mediation ended in sixty days, testing not counted ÷ those and what fell due in the period and is late"), try duty("C3"),
            list("duty=C3&during=\(month)"))
        add(
            "E3", Text("举报按时核查率", "Reports verified on time"), Text("法定期限内决定是否立案÷期内按时决定的和期内到期而逾期的举报", "decided in time ÷ those and what fell due in the period and is late"),
            try duty("R1"), list("duty=R1&during=\(month)"))
        add(
            "E4", Text("调解成功率", "Mediation success"),
            Text("达成协议÷（达成协议＋终止），不含撤回（一）和受理后发现不符的（六）", "agreed ÷ (agreed + ended), without withdrawals (1) and those that should not have been taken up (6)"),
            try pair(
                "SELECT COALESCE(sum(CASE WHEN m.outcome = 'agreed' THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id WHERE \(closed) AND (m.outcome = 'agreed' OR (m.outcome = 'ended' AND c.ending_ground NOT IN ('1', '6')))"
            ), list("kind=complaint&outcome=agreed,ended&finished=\(month)"))
        add(
            "E5", Text("终止调解按时告知率", "Told on time"), Text("七个工作日内告知双方÷期内按时告知的和期内到期而逾期的终止调解", "both told in seven working days ÷ those and what fell due in the period and is late"),
            try duty("C4"), list("duty=C4&during=\(month)"))
        add(
            "E6", Text("先行和解率", "Settled first"), Text("和解÷（和解＋转为投诉），ODR企业", "settled ÷ (settled + made complaints), by ODR enterprises"),
            try pair(
                """
                SELECT COALESCE(sum(CASE WHEN p.converted_at IS NULL THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM disputes_priors p JOIN casework_matters m ON m.id = p.matter
                WHERE p.way = 'odr' AND m.state <> 'prior' AND m.changed_at >= \(from) AND m.changed_at < \(to) AND \(here)
                """))
        add(
            "E7", Text("ODR活跃度", "ODR activity"), Text("期内有答复的企业÷已发展的企业", "enterprises with an answer in the period ÷ those admitted"),
            try pair(
                """
                SELECT COALESCE(sum(CASE WHEN EXISTS (SELECT 1 FROM disputes_priors p JOIN casework_moves v ON v.matter = p.matter WHERE p.operator = d.operator AND v.actor = 'respondent' AND v.at >= \(from) AND v.at < \(to))
                THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM disputes_odr d JOIN operators o ON o.id = d.operator WHERE d.state = 'admitted' AND o.region >= \(region) AND o.region < \(end) AND o.industry >= \(trade) AND o.industry < \(trade + "~")
                """), "/odr")
        add(
            "E8", Text("公示率", "Publication"),
            Text("已公示÷期内办结且可以公示的投诉（不含撤回、投诉人不同意的）", "published ÷ closed in the period and for the public (without withdrawn ones and those without consent)"),
            try pair(
                """
                SELECT COALESCE(sum(CASE WHEN p.state = 'published' THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id LEFT JOIN disputes_publications p ON p.matter = m.id
                WHERE \(closed) AND m.outcome IN ('agreed', 'ended') AND COALESCE(c.ending_ground, '') <> '6' AND COALESCE(c.publication, 1) = 1
                """), "/publication?state=published")
        add(
            "E9", Text("举报立案率", "Cases from reports"), Text("立案÷期内决定的举报", "cases filed ÷ reports decided in the period"),
            try pair(
                """
                SELECT COALESCE(sum(CASE WHEN v.move = 'file' THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM casework_moves v JOIN casework_matters m ON m.id = v.matter
                WHERE m.kind = \(ReportMoves.kind) AND v.move IN ('file', 'not-file', 'hand-over') AND v.at >= \(from) AND v.at < \(to) AND \(here)
                """), list("kind=report&moved=file,not-file,hand-over&during=\(month)"))
        add(
            "E10", Text("满意率", "Satisfaction"), Text("满意÷期内作出评价的消费者", "satisfied ÷ consumers who said so in the period"),
            try pair(
                "SELECT COALESCE(sum(CASE WHEN r.score = 3 THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM disputes_ratings r JOIN casework_matters m ON m.id = r.matter WHERE r.at >= \(from) AND r.at < \(to) AND \(here)"
            ))
        add(
            "E11", Text("数据质量", "Data quality"), Text("与登记库匹配且写明商品和金额÷期内收到的投诉", "matched with the register, with goods and sum ÷ received in the period"),
            try pair(
                """
                SELECT COALESCE(sum(CASE WHEN m.operator IS NOT NULL AND c.purchase IS NOT NULL AND c.amount IS NOT NULL THEN 1 ELSE 0 END), 0) AS a, count(*) AS b
                FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id WHERE m.kind = \(ComplaintMoves.kind) AND m.received_at >= \(from) AND m.received_at < \(to) AND \(here)
                """), list("kind=complaint&received=\(month)"))
        for (id, kind, title, formula) in [
            (
                "E12", QualityCheck.Kind.callback, Text("回访满意率", "Satisfied when called back"),
                Text("满意÷期内回访到的消费者", "satisfied ÷ consumers reached in the period")
            ), ("E13", .spot, Text("抽查合格率", "Spot checks passed"), Text("合格÷期内完成的抽查", "passed ÷ spot checks done in the period")),
        ] {
            add(
                id, title, formula,
                try pair(
                    """
                    SELECT COALESCE(sum(CASE WHEN k.result = 'good' THEN 1 ELSE 0 END), 0) AS a, count(*) AS b FROM disputes_checks k JOIN casework_matters m ON m.id = k.matter
                    WHERE k.kind = \(kind) AND k.result IN ('good', 'fair', 'poor') AND k.done_at >= \(from) AND k.done_at < \(to) AND \(here)
                    """), "/quality?done=yes&kind=\(kind.rawValue)&during=\(month)" + (region.isEmpty ? "" : "&region=\(region)") + (trade.isEmpty ? "" : "&trade=\(trade)"))
        }
        let offers = try tx.one(
            "SELECT COALESCE(sum(o.amount), 0) AS fen FROM disputes_offers o JOIN disputes_promises p ON p.matter = o.matter JOIN casework_matters m ON m.id = o.matter WHERE o.id = (SELECT max(x.id) FROM disputes_offers x WHERE x.matter = o.matter AND x.state = 'accepted') AND p.state = 'kept' AND p.made_at >= \(from) AND p.made_at < \(to) AND \(here)"
        )?.int("fen")
        let funds = try tx.one(
            "SELECT COALESCE(sum(e.amount), 0) AS fen FROM disputes_postings p JOIN disputes_entries e ON e.posting = p.id JOIN casework_matters m ON m.id = p.matter WHERE p.kind = 'pay' AND e.ledger = 'receivable' AND NOT EXISTS (SELECT 1 FROM disputes_postings r WHERE r.reverses = p.id) AND p.at >= \(from) AND p.at < \(to) AND \(here)"
        )?.int("fen")
        return Efficacy(month: month, region: region, indicators: all, recovered: Money(fen: (offers ?? 0) + (funds ?? 0)))
    }

    // MARK: Frozen

    /// Keeps a month that is over as it was counted (月度快照): what is changed afterwards changes no figure that was reported.
    package static func freeze(month: String, region: String, at now: Moment, _ tx: Transaction) throws {
        guard month.count == 7, let first = Day(month + "-01"), first.adding(months: 1) <= now.day else { throw Refusal.invalid("/month", Text("该月尚未结束", "The month is not over")) }
        guard try tx.one("SELECT month FROM disputes_efficacy WHERE month = \(month) AND region = \(region)") == nil else { return }
        let counted = try count(month: month, region: region, at: now, tx)
        let body = JSON.object([
            ("version", .int(version)), ("score", .text(counted.score.map { String(($0 * 10).rounded() / 10) })), ("recovered", .string(counted.recovered.plain)),
            ("indicators", .array(counted.indicators.map(\.json))),
        ]).text
        let id = try tx.insert("INSERT INTO disputes_efficacy (month, region, body, at) VALUES (\(month), \(region), \(body), \(now)) RETURNING id")
        try tx.audit(
            "efficacy.frozen", of: Reference(kind: "efficacy", id: id), by: "system", at: now, details: [("month", .string(month))], sealing: [.init("disputes_efficacy", id)])
    }

    package static func frozen(region: String, _ tx: Transaction) throws -> [(month: String, body: JSON, at: Moment)] {
        try tx.all("SELECT month, body, at FROM disputes_efficacy WHERE region = \(region) ORDER BY month DESC LIMIT 24").map {
            ($0.string("month"), (try? JSON(parsing: Array($0.string("body").utf8))) ?? .null, $0.moment("at"))
        }
    }
}

/// What a consumer says once it is over (评价): three steps and a word; an unsatisfied one may be looked at again.
enum Ratings {
    static let scores: [(Int, Text)] = [(3, Text("满意", "Satisfied")), (2, Text("一般", "So so")), (1, Text("不满意", "Not satisfied"))]

    static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> (score: Int, comment: String)? {
        try tx.one("SELECT score, comment FROM disputes_ratings WHERE matter = \(matter)").map { ($0.count("score"), $0.string("comment")) }
    }
    static func rate(_ c: Complaint, score: Int?, comment: String, at now: Moment, _ tx: Transaction) throws {
        guard let score, scores.contains(where: { $0.0 == score }) else { throw Refusal.invalid("/score", Text("请选择评价", "Choose one")) }
        guard !ComplaintMoves.table.state(c.matter.state).open else { throw Refusal(.conflict, Text("办结后可以评价", "It is rated once it is closed")) }
        guard comment.count <= 500 else { throw Refusal.invalid("/comment", Text("不能超过500字", "At most 500 characters")) }
        try tx.run(
            "INSERT INTO disputes_ratings (matter, score, comment, at) VALUES (\(c.matter.id), \(score), \(comment), \(now)) ON CONFLICT (matter) DO UPDATE SET score = \(score), comment = \(comment), at = \(now)"
        )
        try Casework.remark(
            "rated", on: c.matter, by: .filer, details: [("rating", .string(String(score)))], sealing: [.init("disputes_ratings", key: "matter", c.matter.id.raw)], at: now, tx)
    }
}
