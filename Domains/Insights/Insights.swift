import Kernel
import Platform
import Statute
import Store
import Web

/// The director's first page (局长驾驶舱): figures that exist so far, each opening the list behind it and its formula.
///
/// Reads matters and clocks only; it imports no domain.
package enum Insights {
    package static let domain = Domain(
        name: "insights", migrations: [], grants: [Grant("insights.see", Text("查看全局指标", "See the figures"), [.director, .leader, .auditor])],
        routes: { _ in
            let kept = KeptFigures()
            return [Route(.get, "/insights", .permitted("insights.see")) { visit in try await show(visit, kept) }]
        },
        menu: [("/insights", Text("全局", "Overview"), "insights.see")])

    private static func show(_ visit: Visit, _ kept: KeptFigures) async throws -> Answer {
        let account = try visit.require("insights.see")
        let today = visit.desk.today()
        let (figures, counted) = try await kept.figures(region: account.region, today: today, desk: visit.desk)
        return visit.page(Text("全局", "Overview"), active: "/insights", scripts: ["chart.min.js", "charts.js"]) { h in
            h.div("page-head") {
                h.h1(Text("全局", "Overview"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(visit.desk.regions.name(account.region)) · 近一年 · 截至\(counted.minuteText)，至多一分钟前",
                        "\(visit.desk.regions.name(account.region)) · the last year · counted at \(counted.minuteText), at most a minute ago"))
            }
            h.div("tiles") {
                tile(h, Text("在办", "Open"), "\(figures.open)", "blue", "/desk", Text("尚未办结的事项数", "Matters not yet closed"))
                tile(
                    h, Text("已逾期", "Overdue"), "\(figures.overdue)", figures.overdue > 0 ? "red" : "green", "/desk?due=overdue",
                    Text("最近一个未结期限早于今天的在办事项", "Open matters whose next day has passed"))
                tile(h, Text("七天内到期", "Due in 7 days"), "\(figures.week)", "amber", "/desk?due=week", Text("今天起七天内有期限届满的在办事项", "Open matters with a day in the next seven"))
                tile(
                    h, Text("按时率", "On time"), percent(figures.met, figures.met + figures.missed), "green", "/desk?closed=yes",
                    Text("近一年已停止的法定期限中按时完成的比例：按时÷（按时＋逾期）", "Of the periods that ended in a year: on time ÷ (on time + late)"))
                tile(
                    h, Text("调解成功率", "Mediation success"), percent(figures.agreed, figures.agreed + figures.ended), "teal", "/desk?closed=yes",
                    Text("近一年：达成协议÷（达成协议＋终止调解）", "In a year: agreed ÷ (agreed + ended)"))
                tile(h, Text("近一年收到", "Received in a year"), "\(figures.received)", "grey", "/desk", Text("收到日期在近365天内的事项", "Matters received in the last 365 days"))
            }
            h.div("two-columns") {
                h.card(Text("每月收到与办结", "Received and closed by month")) {
                    chart(h, "months", figures.months.map { ($0.0, [$0.1, $0.2]) }, [Text("收到", "Received"), Text("办结", "Closed")])
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
                                    h.tr {
                                        h.td { h.a("/desk?region=\(d.code)", nil, visit.desk.regions.name(d.code)) }
                                        h.element("td", "number", [.init("data-label", h.say(Text("在办", "Open")))], text: "\(d.open)")
                                        h.td("number") { if d.overdue > 0 { h.a("/desk?region=\(d.code)&due=overdue", "text-danger", "\(d.overdue)") } else { h.text("0") } }
                                        h.element("td", "number", [.init("data-label", h.say(Text("近一年", "In a year")))], text: "\(d.received)")
                                        h.element("td", "number", [.init("data-label", h.say(Text("成功率", "Success")))], text: percent(d.agreed, d.agreed + d.ended))
                                    }
                                }
                            }
                        }
                    }
                }
            }
            h.p("text-muted small", Text("每个数字都可点开查看背后的清单；把指针停在数字上可看计算公式。", "Every figure opens the list behind it; rest on it to see its formula."))
        }
    }

    static func percent(_ a: Int, _ b: Int) -> String { b == 0 ? "—" : "\((a * 1000 + b / 2) / b / 10).\((a * 1000 + b / 2) / b % 10)%" }

    private static func tile(_ h: HTML, _ title: Text, _ value: String, _ tone: String, _ path: String, _ formula: Text) {
        h.a(path, "tile tone-\(tone)", [.title(h.say(formula))]) {
            h.span("tile-count", value)
            h.span("tile-title", title)
            h.span("tile-formula", formula)
        }
    }

    /// A table that a script draws as a chart; without the script it stays a table.
    private static func chart(_ h: HTML, _ id: String, _ rows: [(String, [Int])], _ series: [Text]) {
        guard rows.contains(where: { $0.1.contains { $0 > 0 } }) else {
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
                        for v in values { h.td("number", String(v)) }
                    }
                }
            }
        }
    }
}

/// Figures are counted at most once a minute for a region: the page says when.
private actor KeptFigures {
    private var byRegion: [String: (figures: Figures, at: Moment)] = [:]

    func figures(region: String, today: Day, desk: Desk) async throws -> (Figures, Moment) {
        let now = desk.now
        if let kept = byRegion[region], now.milliseconds - kept.at.milliseconds < 60_000, kept.at.day == now.day { return kept }
        let fresh = try await desk.store.read { try Figures.load(region: region, today: today, $0) }
        byRegion[region] = (fresh, now)
        return (fresh, now)
    }
}

/// The figures of a region. Cost: five statements over indexes of the last year.
struct Figures: Sendable {
    struct District: Sendable {
        let code: String
        let open: Int
        let overdue: Int
        let received: Int
        let agreed: Int
        let ended: Int
    }
    var open = 0
    var overdue = 0
    var week = 0
    var met = 0
    var missed = 0
    var agreed = 0
    var ended = 0
    var received = 0
    var months: [(String, Int, Int)] = []
    var districts: [District] = []

    static func load(region: String, today: Day, _ tx: Transaction) throws -> Figures {
        var f = Figures()
        let since = Moment(today.adding(days: -365))
        let scope: SQL = region.isEmpty ? "1 = 1" : "region >= \(region) AND region < \(region + "~")"
        if let row = try tx.one(
            """
            SELECT count(*) AS open, COALESCE(sum(CASE WHEN next_due < \(today) THEN 1 ELSE 0 END), 0) AS overdue,
            COALESCE(sum(CASE WHEN next_due >= \(today) AND next_due <= \(today.adding(days: 7)) THEN 1 ELSE 0 END), 0) AS week FROM casework_matters WHERE open = 1 AND \(scope)
            """)
        {
            (f.open, f.overdue, f.week) = (row.count("open"), row.count("overdue"), row.count("week"))
        }
        for row in try tx.all(
            "SELECT c.state AS state, count(*) AS n FROM casework_clocks c JOIN casework_matters m ON m.id = c.matter WHERE c.state IN ('met', 'missed') AND c.stopped_at > \(since) AND \(scope) GROUP BY c.state"
        ) {
            if row.string("state") == "met" { f.met = row.count("n") } else { f.missed = row.count("n") }
        }
        let districts = try tx.all(
            """
            SELECT substr(region, 1, 6) AS code, sum(open) AS open, sum(CASE WHEN open = 1 AND next_due < \(today) THEN 1 ELSE 0 END) AS overdue,
            sum(CASE WHEN received_at > \(since) THEN 1 ELSE 0 END) AS received, sum(CASE WHEN outcome = 'agreed' AND received_at > \(since) THEN 1 ELSE 0 END) AS agreed,
            sum(CASE WHEN outcome = 'ended' AND received_at > \(since) THEN 1 ELSE 0 END) AS ended
            FROM casework_matters WHERE \(scope) GROUP BY substr(region, 1, 6) ORDER BY code
            """)
        f.districts = districts.map {
            District(
                code: $0.string("code"), open: $0.count("open"), overdue: $0.count("overdue"), received: $0.count("received"), agreed: $0.count("agreed"), ended: $0.count("ended"))
        }
        f.received = f.districts.reduce(0) { $0 + $1.received }
        f.agreed = f.districts.reduce(0) { $0 + $1.agreed }
        f.ended = f.districts.reduce(0) { $0 + $1.ended }
        // Months are thirty-day steps back from today's month; one statement each way, grouped by index range.
        var month = Day(today.year, today.month, 1)!.adding(months: -11)
        for _ in 0..<12 {
            let next = month.adding(months: 1)
            let received = try tx.count("SELECT count(*) AS n FROM casework_matters WHERE received_at >= \(Moment(month)) AND received_at < \(Moment(next)) AND \(scope)")
            let closed = try tx.count("SELECT count(*) AS n FROM casework_matters WHERE closed_at >= \(Moment(month)) AND closed_at < \(Moment(next)) AND \(scope)")
            f.months.append((String(month.description.prefix(7)), received, closed))
            month = next
        }
        return f
    }
}
