import Kernel
import Platform
import Store
import Web

/// From a lead to the money (线索到罚款的漏斗): leads of a period, the cases that came of them, what was decided and paid, by model and by district.
///
/// A cohort: a case counts in the period in which its lead came in, whenever it was decided. Reads the views `insight_leads` and
/// `insight_cases`. Cost: three statements, each one pass over the period's leads or cases.
struct Funnel: Sendable {
    struct Line: Sendable {
        var leads = 0
        var filed = 0
        var decided = 0
        /// Decided with a sum to pay, and paid in full.
        var owing = 0
        var paid = 0
        var money = Money(fen: 0)

        static func += (a: inout Line, b: Line) {
            a.leads += b.leads
            a.filed += b.filed
            a.decided += b.decided
            a.owing += b.owing
            a.paid += b.paid
            a.money = a.money + b.money
        }
    }
    /// By model of the lead.
    var models: [String: Line] = [:]
    /// By district: of the lead for leads, of the case for the rest.
    var districts: [String: Line] = [:]
    /// Cases that came from elsewhere (reports, complaints, inspections), registered in the period.
    var others = Line()
    var all: Line { models.values.reduce(into: Line()) { $0 += $1 } }

    static func load(_ span: Range<Day>, region: String, _ tx: Transaction) throws -> Funnel {
        var funnel = Funnel()
        let (from, to) = (Moment(span.lowerBound), Moment(span.upperBound))
        let scope: SQL = region.isEmpty ? "1 = 1" : "m.region >= \(region) AND m.region < \(region + "~")"
        for row in try tx.all(
            """
            SELECT l.model AS model, substr(m.region, 1, 6) AS district, count(*) AS n FROM insight_leads l JOIN casework_matters m ON m.id = l.matter
            WHERE m.received_at >= \(from) AND m.received_at < \(to) AND \(scope) GROUP BY 1, 2
            """)
        {
            funnel.models[row.string("model"), default: Line()].leads += row.count("n")
            funnel.districts[row.string("district"), default: Line()].leads += row.count("n")
        }
        let counts: SQL = """
            COALESCE(sum(CASE WHEN c.filed_on IS NULL THEN 0 ELSE 1 END), 0) AS filed, COALESCE(sum(CASE WHEN c.decided_on IS NULL THEN 0 ELSE 1 END), 0) AS decided,
            COALESCE(sum(CASE WHEN c.decided_on IS NOT NULL AND c.fine + c.confiscated > 0 THEN 1 ELSE 0 END), 0) AS owing,
            COALESCE(sum(CASE WHEN c.fine + c.confiscated > 0 AND c.paid >= c.fine + c.confiscated THEN 1 ELSE 0 END), 0) AS paid, COALESCE(sum(c.paid), 0) AS money
            """
        func counted(_ r: Row) -> Line {
            Line(filed: r.count("filed"), decided: r.count("decided"), owing: r.count("owing"), paid: r.count("paid"), money: r.money("money"))
        }
        for r in try tx.all(
            """
            SELECT l.model AS model, substr(m.region, 1, 6) AS district, \(counts) FROM insight_cases c JOIN casework_matters m ON m.id = c.matter
            JOIN insight_leads l ON l.matter = c.source JOIN casework_matters o ON o.id = l.matter
            WHERE o.received_at >= \(from) AND o.received_at < \(to) AND \(scope) GROUP BY 1, 2
            """)
        {
            funnel.models[r.string("model"), default: Line()] += counted(r)
            funnel.districts[r.string("district"), default: Line()] += counted(r)
        }
        if let r = try tx.one(
            """
            SELECT \(counts) FROM insight_cases c JOIN casework_matters m ON m.id = c.matter
            WHERE m.received_at >= \(from) AND m.received_at < \(to) AND \(scope) AND NOT EXISTS (SELECT 1 FROM insight_leads l WHERE l.matter = c.source)
            """)
        {
            funnel.others = counted(r)
        }
        return funnel
    }
}

/// Counts that took long, kept for a minute and made once for all who ask; quick ones are made at each visit.
actor KeptFunnels {
    static let shared = KeptFunnels()
    /// Longer counts, in milliseconds, are kept, for as long.
    static let slow: Int64 = 100, fresh: Int64 = 60_000
    private struct Key: Hashable {
        let store: ObjectIdentifier, region: String, period: Range<Day>
    }
    private var kept: [Key: (funnel: Funnel, at: Moment)] = [:]
    private var running: [Key: Task<Funnel, any Error>] = [:]

    func funnel(_ period: Range<Day>, region: String, desk: Desk) async throws -> (Funnel, Moment) {
        let key = Key(store: ObjectIdentifier(desk.store), region: region, period: period), now = desk.now
        kept = kept.filter { now.milliseconds - $0.value.at.milliseconds < Self.fresh && $0.value.at <= now }
        if let found = kept[key] { return found }
        if let task = running[key] { return (try await task.value, now) }
        let task = Task {
            try await desk.store.read { tx in
                try tx.dialect.takeYourTime(tx)
                return try Funnel.load(period, region: region, tx)
            }
        }
        running[key] = task
        defer { running[key] = nil }
        let began = ContinuousClock.now
        let funnel = try await task.value
        if ContinuousClock.now - began >= .milliseconds(Self.slow) { kept[key] = (funnel, now) }
        return (funnel, now)
    }
}

/// The funnel's page (全局·线索到罚款).
enum FunnelPage {
    static func show(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("insights.see")
        let today = visit.desk.today()
        let period = visit.exchange.query["during"] ?? String(today.year)
        guard let span = Day.span(period) else { throw Refusal.invalid("/during", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026")) }
        let own = account.region == visit.desk.configuration.cityRegion ? "" : account.region
        let hidden = visit.house.kinds.filter { !visit.may($0.value.permission) }.map(\.key)
        let (funnel, counted) = try await KeptFunnels.shared.funnel(span, region: own, desk: visit.desk)
        let (names, next) = try await visit.desk.store.read { tx in
            let unseen: SQL = hidden.isEmpty ? "1 = 1" : "kind NOT IN (\(list: hidden))"
            let scope: SQL = own.isEmpty ? "1 = 1" : "region >= \(own) AND region < \(own + "~")"
            return (
                try tx.all("SELECT DISTINCT model, title FROM insight_models").map { ($0.string("model"), $0.string("title")) },
                try tx.all("SELECT * FROM casework_matters WHERE open = 1 AND next_due >= \(today) AND \(unseen) AND \(scope) ORDER BY next_due, id LIMIT 12").map { Matter($0) }
            )
        }
        let titles = Dictionary(names) { a, _ in a }
        return visit.page(Text("线索到罚款", "From lead to fine"), active: "/insights") { h in
            h.div("page-head") {
                h.h1(Text("线索到罚款", "From lead to fine"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(visit.region(account.region)) · 按线索发现的时间归期：\(period)内发现的线索，其后立案、决定、缴清的都算在内 · 数据截至\(counted.minuteText)",
                        "\(visit.region(account.region)) · by when the lead was found: of the leads of \(period), what was filed, decided and paid since · counted at \(counted.minuteText)"
                    ))
            }
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/insights/funnel"), .role("search")]) {
                h.element("select", "form-select", [.name("during"), .label(h.say(Text("期间", "Period")))]) {
                    for p in periods(today, and: period) { h.element("option", nil, [.value(p), .selected(p == period)], text: p) }
                }
                h.button(Text("查看", "Show"))
            }
            let all = funnel.all
            h.div("funnel") {
                step(h, Text("线索", "Leads"), all.leads, of: nil, Link.query("/monitoring", [("state", "all"), ("during", period)]))
                step(h, Text("立案", "Filed"), all.filed, of: all.leads, cases("any", period, "filed"))
                step(h, Text("决定", "Decided"), all.decided, of: all.filed, cases("any", period, "decided"))
                step(h, Text("缴清", "Paid"), all.paid, of: all.owing, cases("any", period, "paid"))
            }
            h.p(
                "text-muted small",
                Text(
                    "立案率＝立案÷线索；决定率＝决定÷立案；缴清率＝罚没款全部缴清÷有罚没款的决定。已缴罚没款\(all.money.grouped)元。",
                    "Filed ÷ leads; decided ÷ filed; paid in full ÷ decisions with a sum to pay. Paid so far: \(all.money.grouped) yuan."))
            h.div("two-columns") {
                h.card(Text("各模型", "By model")) {
                    table(
                        h, Text("模型", "Model"),
                        funnel.models.sorted { ($0.value.leads, $1.key) > ($1.value.leads, $0.key) }.map { id, row in
                            (
                                "\(id) \(visit.language == .zh ? titles[id] ?? "" : "")", row, Link.query("/monitoring", [("state", "all"), ("model", id), ("during", period)]),
                                { cases(id, period, $0) }
                            )
                        })
                    if funnel.others.filed > 0 {
                        h.p("small mb-0") {
                            h.text(h.say(Text("其他来源（举报、投诉、检查、自行发现）：", "From elsewhere (reports, complaints, visits, own finds): ")))
                            for (label, n, what) in [
                                (Text("立案", "filed"), funnel.others.filed, "filed"), (Text("决定", "decided"), funnel.others.decided, "decided"),
                                (Text("缴清", "paid"), funnel.others.paid, "paid"),
                            ] {
                                h.text(h.say(label) + " ")
                                h.a(cases("none", period, what), "me-2", "\(n)")
                            }
                        }
                    }
                }
                h.card(Text("各辖区", "By district")) {
                    table(
                        h, Text("辖区", "District"),
                        funnel.districts.sorted { $0.key < $1.key }.map { code, row in
                            (
                                visit.region(code), row,
                                Link.query("/monitoring", [("state", "all"), ("region", code), ("exact", code.count < 6 ? "yes" : nil), ("during", period)]),
                                // What no district has yet is counted apart from what they have.
                                { cases("any", period, $0) + "&region=\(code)\(code.count < 6 ? "&exact=yes" : "")" }
                            )
                        })
                }
            }
            h.card(Text("接下来到期的", "What lapses next")) {
                if next.isEmpty { h.empty(Text("没有即将到期的事项", "Nothing lapses soon"), Text("在办事项的期限会按日期列在这里。", "The periods of open matters stand here by date.")) }
                h.div("table-wrap") {
                    h.element("table", "table queue mb-0") {
                        h.element("thead") {
                            h.tr { for t in [Text("期限", "Due"), Text("编号", "Number"), Text("事项", "Matter"), Text("状态", "State"), Text("辖区", "Region")] { h.th(t) } }
                        }
                        h.element("tbody") {
                            for matter in next {
                                let state = visit.house.kinds[matter.kind]?.table.state(matter.state)
                                h.tr {
                                    h.td { visit.urgency(h, matter.nextDue, why: "/matters/\(matter.id)/why") }
                                    h.td { h.a(visit.house.path(matter), "number", matter.number) }
                                    h.td(nil, matter.title)
                                    h.td { if let state { h.badge(state.title, state.tone) } }
                                    h.td(nil, visit.region(String(matter.region.prefix(6))))
                                }
                            }
                        }
                    }
                }
                h.p("small mb-0 mt-2") { h.a("/desk?due=week", nil, Text("七天内到期的全部", "All that is due in seven days")) }
            }
        }
    }

    private static func cases(_ model: String, _ period: String, _ what: String) -> String {
        Link.query("/cases", [("model", model), ("leads", period), (what, "yes")])
    }

    /// This year and the last, their quarters, and whatever was asked for.
    private static func periods(_ today: Day, and asked: String) -> [String] {
        let quarter = (today.month - 1) / 3 + 1
        var all = [String(today.year)] + (1...quarter).reversed().map { "\(today.year)-Q\($0)" } + [String(today.year - 1)]
        if !all.contains(asked) { all.append(asked) }
        return all
    }

    private static func step(_ h: HTML, _ title: Text, _ n: Int, of whole: Int?, _ list: String) {
        h.a(list, "funnel-step") {
            h.span("funnel-title", title)
            h.span("funnel-count", "\(n)")
            if let whole { h.span("funnel-share", HTML.percent(n, whole)) }
        }
    }

    private static func table(_ h: HTML, _ what: Text, _ rows: [(String, Funnel.Line, String, (String) -> String)]) {
        guard !rows.isEmpty else {
            return h.empty(Text("这一期间没有线索", "No leads in this period"), Text("导入网店信息、扫描之后线索出现在这里。", "Leads appear once listings were brought in and scanned."))
        }
        h.div("table-wrap") {
            h.element("table", "table queue") {
                h.element("thead") {
                    h.tr { for t in [what, Text("线索", "Leads"), Text("立案", "Filed"), Text("决定", "Decided"), Text("缴清", "Paid"), Text("已缴（元）", "Yuan paid")] { h.th(t) } }
                }
                h.element("tbody") {
                    for (name, row, leads, cases) in rows {
                        h.tr {
                            h.td(nil, name)
                            number(h, Text("线索", "Leads"), row.leads, leads)
                            number(h, Text("立案", "Filed"), row.filed, cases("filed"))
                            number(h, Text("决定", "Decided"), row.decided, cases("decided"))
                            number(h, Text("缴清", "Paid"), row.paid, cases("paid"))
                            h.element("td", "number", [.init("data-label", h.say(Text("已缴（元）", "Yuan paid")))], text: row.money.grouped)
                        }
                    }
                }
            }
        }
    }
    private static func number(_ h: HTML, _ label: Text, _ n: Int, _ list: String) {
        h.element("td", "number", [.init("data-label", h.say(label))]) { if n > 0 { h.a(list, nil, "\(n)") } else { h.text("0") } }
    }
}
