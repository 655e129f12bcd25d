import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// The board of models (模型看板): a card each with hits, open leads, precision, twelve weeks, drift.
extension ModelPages {
    // MARK: Figures

    struct Figures: Sendable {
        var hits = 0
        var recent = 0
        var before = 0
        var leads = 0
        var open = 0
        var precision = Precision(right: 0, judged: 0)
        var weeks: [Int] = Array(repeating: 0, count: 12)

        /// Hits of thirty days against a month of the ninety before: 1 is as ever.
        var drift: Double? { before < 10 ? nil : Double(recent) / (Double(before) / 3) }
    }

    static func figures(_ model: String?, at now: Moment, _ tx: Transaction) throws -> [String: Figures] {
        let only: SQL = if let model { "model = \(model)" } else { "1 = 1" }
        let ofLeads: SQL = if let model { "l.model = \(model)" } else { "1 = 1" }
        let (month, four) = (now.adding(seconds: -30 * 86_400), now.adding(seconds: -120 * 86_400))
        var all: [String: Figures] = [:]
        for row in try tx.all(
            """
            SELECT model, count(*) AS hits, COALESCE(sum(CASE WHEN at > \(month) THEN 1 ELSE 0 END), 0) AS recent,
            COALESCE(sum(CASE WHEN at <= \(month) AND at > \(four) THEN 1 ELSE 0 END), 0) AS earlier FROM monitoring_hits WHERE \(only) GROUP BY model
            """)
        {
            var f = Figures()
            (f.hits, f.recent, f.before) = (row.count("hits"), row.count("recent"), row.count("earlier"))
            all[row.string("model")] = f
        }
        let first = now.adding(seconds: -12 * 7 * 86_400)
        for row in try tx.all(
            """
            SELECT model, week, count(*) AS n FROM (SELECT model, (at - \(first)) / 604800000 AS week FROM monitoring_hits WHERE \(only) AND at > \(first)) AS weeks GROUP BY model, week
            """)
        {
            let week = row.count("week")
            if (0..<12).contains(week) { all[row.string("model"), default: Figures()].weeks[week] = row.count("n") }
        }
        let since = now.adding(seconds: Int64(-Precision.days * 86_400))
        for row in try tx.all(
            """
            SELECT l.model AS model, count(*) AS leads, COALESCE(sum(m.open), 0) AS open, COALESCE(sum(CASE WHEN l.verdict IN ('right', 'wrong') AND m.changed_at > \(since) THEN 1 ELSE 0 END), 0) AS judged,
            COALESCE(sum(CASE WHEN l.verdict = 'right' AND m.changed_at > \(since) THEN 1 ELSE 0 END), 0) AS correct
            FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE \(ofLeads) GROUP BY l.model
            """)
        {
            var f = all[row.string("model")] ?? Figures()
            (f.leads, f.open) = (row.count("leads"), row.count("open"))
            f.precision = Precision(right: row.count("correct"), judged: row.count("judged"))
            all[row.string("model")] = f
        }
        return all
    }

    // MARK: The board

    func board(_ visit: Visit) async throws -> Answer {
        let now = visit.desk.now
        try await room.takeInShipped(visit.desk.store, at: now)
        let (editions, figures) = try await visit.desk.store.read { tx in
            (try tx.all("SELECT * FROM monitoring_editions ORDER BY model, id").map(Edition.init), try Self.figures(nil, at: now, tx))
        }
        var current: [(Edition, waiting: Bool)] = []
        for (_, versions) in Dictionary(grouping: editions, by: \.model).sorted(by: { $0.key < $1.key }) {
            let shown = versions.last { $0.state == .active } ?? versions.last { $0.state == .shadow } ?? versions.last!
            current.append((shown, versions.contains { $0.state == .draft && $0.id > shown.id }))
        }
        let law = visit.desk.law.register
        let models = current.map { try? ModelLife.model($0.0, law: law) }
        return visit.page(Text("监测模型", "Models"), active: "/monitoring") { h in
            h.div("page-head") {
                h.h1(Text("监测模型", "Models of monitoring"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(current.count)个模型；精度为近\(Precision.days)天人工判定中确认的比例",
                        "\(current.count) models; precision is the share confirmed of what persons judged in \(Precision.days) days"))
            }
            LeadPages.tabs(h, visit, active: "models")
            h.div("model-grid") {
                for ((edition, waiting), model) in zip(current, models) { card(h, visit, edition, model, figures[edition.model] ?? Figures(), waiting) }
            }
        }
    }

    private func card(_ h: HTML, _ visit: Visit, _ edition: Edition, _ model: Model?, _ f: Figures, _ waiting: Bool) {
        h.element("article", "model-card state-\(edition.state.rawValue)") {
            h.div("model-head") {
                h.a("/monitoring/models/\(edition.model)", "model-name", "\(edition.model) \(model?.title[visit.language] ?? edition.title)")
                h.badge(edition.state.title, edition.state.tone)
            }
            h.div("model-figures") {
                for (n, title) in [
                    (String(f.recent), Text("30天命中", "hits, 30 d")), (String(f.open), Text("在办线索", "open leads")), (f.precision.share.map(percent) ?? "—", Text("精度", "precision")),
                ] {
                    h.div {
                        h.span("figure-n", n)
                        h.span("figure-t", title)
                    }
                }
            }
            spark(h, f.weeks)
            h.p("small text-muted mb-0") {
                if let drift = f.drift, drift > 2 || drift < 0.5 {
                    h.badge(drift > 2 ? Text("命中突增", "rising") : Text("命中骤减", "falling"), "amber")
                }
                if waiting { h.badge(Text("有新版本待定", "a draft waits"), "violet") }
                if let model { h.text(model.card.lane == .notice ? Text("自行整改通知", "Notice") : Text("派发核查", "Dispatch")) }
            }
        }
    }

    /// Hits of twelve weeks as bars.
    func spark(_ h: HTML, _ weeks: [Int]) {
        let most = max(1, weeks.max() ?? 1)
        h.element(
            "svg", "spark",
            [
                .init("viewBox", "0 0 120 24"), .role("img"),
                .label(h.say(Text("十二周命中：\(weeks.map(String.init).joined(separator: "、"))", "Hits of twelve weeks: \(weeks.map(String.init).joined(separator: ", "))"))),
            ]
        ) {
            for (i, n) in weeks.enumerated() {
                let height = n == 0 ? 1 : max(2, n * 22 / most)
                h.element("rect", nil, [.init("x", String(i * 10)), .init("y", String(24 - height)), .init("width", "8"), .init("height", String(height))]) {}
            }
        }
    }

    func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }
}
