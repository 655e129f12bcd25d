import Kernel
import Platform
import Statute
import Store
import Synchronization
import Web

/// The director's first page (局长驾驶舱): figures that exist so far, each opening the list behind it and its formula.
///
/// Reads matters, clocks and the `insight_*` views that domains declare; it imports no domain.
package enum Insights {
    package static let domain = Domain(
        name: "insights", migrations: KeptFigures.migrations, grants: [Grant("insights.see", Text("查看全局指标", "See the figures"), [.director, .leader, .auditor])],
        routes: { _ in
            [
                Route(.get, "/insights", .permitted("insights.see")) { visit in try await show(visit) },
                Route(.get, "/insights/funnel", .permitted("insights.see")) { visit in try await FunnelPage.show(visit) },
            ]
        },
        jobs: [KeptFigures.kind],
        menu: [("/insights", Text("全局", "Overview"), "insights.see")])

    private static func show(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("insights.see")
        guard let (figures, counted) = try await KeptFigures.figures(region: account.region, desk: visit.desk) else {
            return visit.page(Text("全局", "Overview"), active: "/insights", refresh: 2) { h in
                h.h1(Text("全局", "Overview"))
                h.empty(Text("正在统计……", "Counting …"), Text("首次打开需要几秒钟，页面会自动刷新。", "The first time takes some seconds: this page reloads by itself."))
            }
        }
        let panels = try await visit.desk.store.read { tx in try visit.house.overviews.map { try $0.write(visit, tx) } }
        return visit.page(Text("全局", "Overview"), active: "/insights", scripts: ["chart.min.js", "charts.js"]) { h in
            h.div("page-head") {
                h.h1(Text("全局", "Overview"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(visit.region(account.region)) · 近一年 · 数据截至\(counted.minuteText)，后台持续更新",
                        "\(visit.region(account.region)) · the last year · counted at \(counted.minuteText), again in the background"))
            }
            h.p("mb-2") { h.a("/insights/funnel", "btn btn-sm btn-outline-primary", Text("线索到罚款", "From lead to fine")) }
            h.div("tiles") {
                h.figure(Text("在办", "Open"), "\(figures.open)", "blue", "/desk", Text("尚未办结的事项数", "Matters not yet closed"))
                h.figure(
                    Text("已逾期", "Overdue"), "\(figures.overdue)", figures.overdue > 0 ? "red" : "green", "/desk?due=overdue",
                    Text("最近一个未结期限早于今天的在办事项", "Open matters whose next day has passed"))
                h.figure(Text("七天内到期", "Due in 7 days"), "\(figures.week)", "amber", "/desk?due=week", Text("今天起七天内有期限届满的在办事项", "Open matters with a day in the next seven"))
                h.figure(
                    Text("按时率", "On time"), HTML.percent(figures.met, figures.met + figures.missed), "green", "/desk?late=yes",
                    Text("近一年已停止的法定期限中按时完成的比例：按时÷（按时＋逾期）；点开为逾期的事项", "Of the periods that ended in a year: on time ÷ (on time + late); opens those that were late"))
                h.figure(
                    Text("调解成功率", "Mediation success"), HTML.percent(figures.agreed, figures.agreed + figures.ended), "teal", "/desk?outcome=agreed,ended",
                    Text("近一年：达成协议÷（达成协议＋终止调解）", "In a year: agreed ÷ (agreed + ended)"))
                // With several kinds of matter each has its own figure.
                if visit.house.kinds.count > 1 {
                    for (kind, n) in figures.kinds {
                        guard let title = visit.house.kinds[kind]?.table.title else { continue }
                        h.figure(
                            Text("\(title.zh)在办", "\(title.en): open"), "\(n)", "teal", "/desk?kind=\(kind)",
                            Text("尚未办结的\(title.zh)", "Not yet closed, of this kind"))
                    }
                }
                h.figure(Text("近一年收到", "Received in a year"), "\(figures.received)", "grey", "/desk?received=year", Text("收到日期在近365天内的事项", "Matters received in the last 365 days"))
            }
            for panel in panels { panel(h) }
            h.div("two-columns") {
                h.card(Text("每月收到与办结", "Received and closed by month")) {
                    chart(
                        h, "months", figures.months.map { ($0.0, [($0.1, "/desk?received=\($0.0)"), ($0.2, "/desk?finished=\($0.0)")]) },
                        [Text("收到", "Received"), Text("办结", "Closed")])
                }
                h.card(Text("各辖区在办与逾期", "Open and overdue by district")) {
                    h.div("table-wrap") {
                        h.element("table", "table queue") {
                            h.element("thead") {
                                h.tr {
                                    for t in [Text("辖区", "District"), Text("在办", "Open"), Text("逾期", "Overdue"), Text("近一年", "In a year"), Text("调解成功率", "Success")] { h.th(t) }
                                }
                            }
                            h.element("tbody") {
                                for d in figures.districts {
                                    // The city's own row is what it has not sent on to a district.
                                    let isCity = d.code == visit.desk.configuration.cityRegion
                                    let list = isCity ? "/desk?whose=city" : "/desk?region=\(d.code)"
                                    let name = isCity ? visit.language == .zh ? "市局（未分送）" : "City office (not dispatched)" : visit.region(d.code)
                                    h.tr {
                                        h.td { h.a(list, nil, name) }
                                        h.element("td", "number", [.init("data-label", h.say(Text("在办", "Open")))]) { h.a(list, nil, "\(d.open)") }
                                        h.element("td", "number", [.init("data-label", h.say(Text("逾期", "Overdue")))]) {
                                            if d.overdue > 0 { h.a(list + "&due=overdue", "text-danger", "\(d.overdue)") } else { h.text("0") }
                                        }
                                        h.element("td", "number", [.init("data-label", h.say(Text("近一年", "In a year")))]) {
                                            h.a(list + "&received=year", nil, "\(d.received)")
                                        }
                                        h.element("td", "number", [.init("data-label", h.say(Text("成功率", "Success")))]) {
                                            h.a(list + "&outcome=agreed,ended", nil, HTML.percent(d.agreed, d.agreed + d.ended))
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            h.p("text-muted small", Text("每个数字都可点开查看背后的清单。", "Every figure opens the list behind it."))
        }
    }

    /// A table that a script draws as a chart; without the script it stays a table.
    private static func chart(_ h: HTML, _ id: String, _ rows: [(String, [(n: Int, list: String)])], _ series: [Text]) {
        guard rows.contains(where: { $0.1.contains { $0.n > 0 } }) else {
            return h.empty(Text("还没有数据", "No data yet"), Text("收到第一件事项后这里会显示", "It shows once something was received"))
        }
        h.element("table", "table queue chart-data", [.id(id), .init("data-chart", "bar")]) {
            h.element("thead") {
                h.tr {
                    h.th(Text("月份", "Month"))
                    for s in series { h.th(s) }
                }
            }
            h.element("tbody") {
                for (label, values) in rows {
                    h.tr {
                        h.td(nil, label)
                        for v in values { h.td("number") { h.a(v.list, nil, String(v.n)) } }
                    }
                }
            }
        }
    }
}

/// The figures of a region, counted in the background and kept: the page shows what was counted and says when.
///
/// Whoever opens the page asks for its region; a region that was asked for in two days is counted again and again, each
/// minute or, where a count takes long, less often.
enum KeptFigures {
    static let job = "insights.count"
    static let fresh: Int64 = 60_000
    /// Where no worker runs the page counts by itself.
    static let stale: Int64 = 300_000

    static let migrations = [
        Migration("insights.1", ["CREATE TABLE insights_figures (region TEXT PRIMARY KEY, figures TEXT NOT NULL, counted_at INTEGER NOT NULL, asked_at INTEGER NOT NULL)"])
    ]
    static let kind = JobKind(job) { desk, payload in
        let region = payload["region"]?.string ?? ""
        let started = desk.now
        _ = try await counting.figures(region, desk)
        // A count that takes six seconds is made every two minutes, not every one.
        let pause = max(fresh, 20 * (desk.now.milliseconds - started.milliseconds)) / 1000
        let now = desk.now
        try await desk.store.write { tx in
            guard let row = try tx.one("SELECT asked_at FROM insights_figures WHERE region = \(region)"), row.int("asked_at") > now.milliseconds - 2 * 86_400_000 else { return }
            try Jobs.add(job, [("region", .string(region))], at: now.adding(seconds: pause), tx)
        }
    }

    /// One count at a time for a region, whoever asks.
    private actor Counting {
        private var running: [String: Task<Figures, any Error>] = [:]
        func figures(_ region: String, _ desk: Desk) async throws -> Figures {
            if let task = running[region] { return try await task.value }
            let task = Task { try await count(region, desk) }
            running[region] = task
            defer { running[region] = nil }
            return try await task.value
        }
    }
    private static let counting = Counting()

    /// nil: the first count has begun and takes longer than a page may.
    static func figures(region: String, desk: Desk) async throws -> (Figures, Moment)? {
        let now = desk.now
        let kept = try await load(region, desk)
        if let kept, now.milliseconds - kept.asked > 3_600_000 { try await ask(region, at: now, desk) }
        if let kept, now.milliseconds - kept.at.milliseconds < stale, kept.at.day == now.day { return (kept.figures, kept.at) }
        let counted = await ends(within: 250) { _ = try? await counting.figures(region, desk) }
        if counted, let fresh = try await load(region, desk) {
            try await ask(region, at: now, desk)
            return (fresh.figures, fresh.at)
        }
        return kept.map { ($0.figures, $0.at) }
    }

    /// Whether work that goes on by itself ends within so many milliseconds.
    private static func ends(within milliseconds: Int, _ work: @escaping @Sendable () async -> Void) async -> Bool {
        let answered = Mutex(false)
        return await withCheckedContinuation { continuation in
            let answer: @Sendable (Bool) -> Void = { ended in
                let first = answered.withLock { done in
                    defer { done = true }
                    return !done
                }
                if first { continuation.resume(returning: ended) }
            }
            Task {
                await work()
                answer(true)
            }
            Task {
                try? await Task.sleep(for: .milliseconds(milliseconds))
                answer(false)
            }
        }
    }

    private static func load(_ region: String, _ desk: Desk) async throws -> (figures: Figures, at: Moment, asked: Int64)? {
        guard let row = try await desk.store.read({ try $0.one("SELECT figures, counted_at, asked_at FROM insights_figures WHERE region = \(region)") }),
            let figures = Figures(row.string("figures"))
        else { return nil }
        return (figures, row.moment("counted_at"), row.int("asked_at"))
    }

    private static func ask(_ region: String, at now: Moment, _ desk: Desk) async throws {
        try await desk.store.write { tx in
            try tx.run("UPDATE insights_figures SET asked_at = \(now) WHERE region = \(region)")
            let payload = JSON.object([("region", .string(region))]).text
            guard try tx.one("SELECT id FROM platform_jobs WHERE kind = \(job) AND payload = \(payload) AND state = 'waiting'") == nil else { return }
            try Jobs.add(job, [("region", .string(region))], at: now.adding(seconds: fresh / 1000), tx)
        }
    }

    private static func count(_ region: String, _ desk: Desk) async throws -> Figures {
        let (now, today) = (desk.now, desk.today())
        let city = desk.configuration.cityRegion
        let figures = try await desk.store.read { tx in
            try tx.dialect.takeYourTime(tx)
            return try Figures.load(region: region, city: city, today: today, tx)
        }
        try await desk.store.write { tx in
            try tx.run(
                """
                INSERT INTO insights_figures (region, figures, counted_at, asked_at) VALUES (\(region), \(figures.json.text), \(now), 0)
                ON CONFLICT (region) DO UPDATE SET figures = \(figures.json.text), counted_at = \(now)
                """)
        }
        return figures
    }
}

/// The figures of a region. Cost: four statements, each one pass over the year's matters or clocks.
struct Figures: Sendable {
    struct District: Sendable {
        let code: String
        var open = 0
        var overdue = 0
        var received = 0
        var agreed = 0
        var ended = 0
    }
    var open = 0
    var overdue = 0
    var week = 0
    var met = 0
    var missed = 0
    /// Open matters by kind.
    var kinds: [(String, Int)] = []
    var months: [(String, Int, Int)] = []
    var districts: [District] = []
    var agreed: Int { districts.reduce(0) { $0 + $1.agreed } }
    var ended: Int { districts.reduce(0) { $0 + $1.ended } }
    var received: Int { districts.reduce(0) { $0 + $1.received } }

    private init() {}

    var json: JSON {
        .object([
            ("open", .int(open)), ("overdue", .int(overdue)), ("week", .int(week)), ("met", .int(met)), ("missed", .int(missed)),
            ("kinds", .array(kinds.map { .array([.string($0.0), .int($0.1)]) })),
            ("months", .array(months.map { .array([.string($0.0), .int($0.1), .int($0.2)]) })),
            ("districts", .array(districts.map { .array([.string($0.code), .int($0.open), .int($0.overdue), .int($0.received), .int($0.agreed), .int($0.ended)]) })),
        ])
    }
    init?(_ text: String) {
        guard let json = try? JSON(parsing: Array(text.utf8)) else { return nil }
        func int(_ key: String) -> Int { json[key]?.int ?? 0 }
        (open, overdue, week, met, missed) = (int("open"), int("overdue"), int("week"), int("met"), int("missed"))
        kinds = (json["kinds"]?.array ?? []).compactMap { row in row.array.flatMap { $0.count == 2 ? ($0[0].string ?? "", $0[1].int ?? 0) : nil } }
        months = (json["months"]?.array ?? []).compactMap { row in
            row.array.flatMap { $0.count == 3 ? ($0[0].string ?? "", $0[1].int ?? 0, $0[2].int ?? 0) : nil }
        }
        districts = (json["districts"]?.array ?? []).compactMap { row in
            guard let v = row.array, v.count == 6 else { return nil }
            return District(code: v[0].string ?? "", open: v[1].int ?? 0, overdue: v[2].int ?? 0, received: v[3].int ?? 0, agreed: v[4].int ?? 0, ended: v[5].int ?? 0)
        }
    }

    static func load(region: String, city: String, today: Day, _ tx: Transaction) throws -> Figures {
        var f = Figures()
        let since = Moment(today.adding(days: -365))
        let whole = region.isEmpty || region == city
        let scope: SQL = whole ? "1 = 1" : "region >= \(region) AND region < \(region + "~")"
        var districts: [String: District] = [:]
        for row in try tx.all(
            """
            SELECT substr(region, 1, 6) AS code, count(*) AS open, COALESCE(sum(CASE WHEN next_due < \(today) THEN 1 ELSE 0 END), 0) AS overdue,
            COALESCE(sum(CASE WHEN next_due >= \(today) AND next_due <= \(today.adding(days: 7)) THEN 1 ELSE 0 END), 0) AS week
            FROM casework_matters WHERE open = 1 AND \(scope) GROUP BY substr(region, 1, 6)
            """)
        {
            let code = row.string("code")
            districts[code, default: District(code: code)].open = row.count("open")
            districts[code]?.overdue = row.count("overdue")
            f.open += row.count("open")
            f.overdue += row.count("overdue")
            f.week += row.count("week")
        }
        f.kinds = try tx.all("SELECT kind, count(*) AS n FROM casework_matters WHERE open = 1 AND \(scope) GROUP BY kind ORDER BY kind").map { ($0.string("kind"), $0.count("n")) }
        let join: SQL = whole ? "" : "JOIN casework_matters m ON m.id = c.matter"
        for row in try tx.all(
            "SELECT c.state AS state, count(*) AS n FROM casework_clocks c \(join) WHERE c.state IN ('met', 'missed') AND c.stopped_at > \(since) AND \(scope) GROUP BY c.state"
        ) {
            if row.string("state") == "met" { f.met = row.count("n") } else { f.missed = row.count("n") }
        }
        let first = Day(today.year, today.month, 1)!.adding(months: -11)
        for i in 0..<12 { f.months.append((String(first.adding(months: i).description.prefix(7)), 0, 0)) }
        func month(_ day: Day) -> Int { (day.year - first.year) * 12 + day.month - first.month }
        // By days of the office: a day is so many milliseconds from the first one's beginning.
        let start = min(Moment(first), since)
        for row in try tx.all(
            """
            SELECT substr(region, 1, 6) AS code, (received_at - \(start)) / 86400000 AS day, COALESCE(outcome, '') AS outcome, count(*) AS n
            FROM casework_matters WHERE received_at >= \(start) AND \(scope) GROUP BY 1, 2, 3
            """)
        {
            let (code, n) = (row.string("code"), row.count("n"))
            let day = start.day.adding(days: row.count("day"))
            if (0..<12).contains(month(day)) { f.months[month(day)].1 += n }
            guard Moment(day) > since else { continue }
            districts[code, default: District(code: code)].received += n
            if row.string("outcome") == "agreed" { districts[code]?.agreed += n }
            if row.string("outcome") == "ended" { districts[code]?.ended += n }
        }
        for row in try tx.all(
            "SELECT (closed_at - \(start)) / 86400000 AS day, count(*) AS n FROM casework_matters WHERE closed_at >= \(start) AND \(scope) GROUP BY 1")
        {
            let i = month(start.day.adding(days: row.count("day")))
            if (0..<12).contains(i) { f.months[i].2 += row.count("n") }
        }
        f.districts = districts.values.sorted { $0.code < $1.code }
        return f
    }
}
