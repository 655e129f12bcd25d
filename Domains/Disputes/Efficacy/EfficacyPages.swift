import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The evaluation by page (效能评估页): a month's indicators with their formulas, frozen months, what lapses next, endings that look arranged.
struct EfficacyPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/efficacy", .permitted("efficacy.see")) { visit in try await show(visit, nil) },
            Route(.post, "/efficacy/freeze", .permitted("efficacy.freeze")) { visit in try await freeze(visit) },
            Route(.get, "/efficacy/export", .permitted("efficacy.see")) { visit in try await export(visit) },
        ]
    }

    private func asked(_ visit: Visit) throws -> (month: String, region: String, trade: String) {
        let account = try visit.signedIn()
        let city = visit.desk.configuration.cityRegion
        let month = visit.exchange.query["month"] ?? String(visit.desk.today().description.prefix(7))
        let region = visit.exchange.query["region"] ?? (account.region == city ? "" : account.region)
        guard region.isEmpty ? account.region == city || account.region.isEmpty : account.covers(region) || account.region == city else {
            throw Refusal.invalid("/region", Text("不在您的辖区", "Not in your region"))
        }
        let trade = (visit.exchange.query["trade"] ?? "").uppercased()
        guard trade.count <= 5, trade.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else {
            throw Refusal.invalid("/trade", Text("行业应为门类或大类代码，如 F、F52", "A trade is an industry code such as F or F52"))
        }
        return (month, region, trade)
    }

    private struct Ahead: Sendable {
        let day: Day
        let n: Int
    }

    private func show(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let (month, region, trade) = try asked(visit)
        let (today, city) = (visit.desk.today(), visit.desk.configuration.cityRegion)
        let until = visit.desk.calendar.value.adding(workdays: 10, to: today)
        let (counted, frozen, ahead, arranged) = try await visit.desk.store.read { tx in
            let here: SQL = "m.region >= \(region) AND m.region < \(region + "~")"
            let ahead = try tx.all(
                "SELECT m.next_due AS day, count(*) AS n FROM casework_matters m WHERE m.open = 1 AND m.next_due >= \(today) AND m.next_due <= \(until) AND \(here) GROUP BY m.next_due ORDER BY m.next_due"
            ).map { Ahead(day: $0.day("day"), n: $0.count("n")) }
            // Of what was ended without agreement in ninety days: within three days of its last day, and withdrawn, by who handled it.
            let arranged = try tx.all(
                """
                SELECT a.name, count(*) AS n, COALESCE(sum(CASE WHEN m.outcome = 'settled-or-withdrawn' THEN 1 ELSE 0 END), 0) AS withdrawn,
                COALESCE(sum(CASE WHEN m.outcome = 'ended' AND EXISTS (SELECT 1 FROM casework_clocks c WHERE c.matter = m.id AND c.duty = 'C3' AND c.state = 'met' AND c.due_at - c.stopped_at < 259200000) THEN 1 ELSE 0 END), 0) AS last
                FROM casework_moves v JOIN casework_matters m ON m.id = v.matter LEFT JOIN platform_accounts a ON a.id = v.account
                WHERE m.kind = \(ComplaintMoves.kind) AND v.move IN ('agree', 'end', 'give-up') AND v.at > \(visit.desk.now.adding(seconds: -90 * 86_400)) AND \(here) GROUP BY a.name ORDER BY n DESC LIMIT 30
                """
            ).map { ($0.optionalString("name"), $0.count("n"), $0.count("withdrawn"), $0.count("last")) }
            return (try Efficacy.count(month: month, region: region, trade: trade, at: visit.desk.now, tx), try Efficacy.frozen(region: region, tx), ahead, arranged)
        }
        return visit.page(Text("效能评估", "Efficacy"), status: refusal?.kind.status ?? 200, active: "/efficacy") { h in
            h.div("page-head") {
                h.h1(Text("12315效能评估", "Efficacy of 12315"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "指标和权重由本机关设定，不是官方口径；点指标名称打开相关事项的清单（按月的限于该月，其余为您辖区全部）。",
                        "Indicators and weights are the office's own, not official ones; a name opens the matters it speaks of, of the month where it is one, else of all your region."
                    ))
            }
            h.errorSummary(refusal)
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/efficacy")]) {
                h.void(
                    "input", "form-control form-control-sm",
                    [
                        .name("month"), .value(month), .init("maxlength", "7"), .init("pattern", "[0-9]{4}(-(0[1-9]|1[0-2]|Q[1-4]))?"),
                        .label(h.say(Text("期间，如 2026-05、2026-Q2、2026", "Period, such as 2026-05, 2026-Q2, 2026"))),
                        .init("title", h.say(Text("期间，如 2026-05、2026-Q2、2026", "Period, such as 2026-05, 2026-Q2, 2026"))),
                    ])
                h.element("select", "form-select form-select-sm", [.name("region"), .label(h.say(Text("辖区", "Region")))]) {
                    let account = visit.account
                    if account?.region == city || account?.region.isEmpty == true {
                        h.element("option", nil, [.value(""), .selected(region.isEmpty)], text: h.say(Text("全市", "The whole city")))
                    }
                    for d in visit.desk.regions.districts(of: city) where account?.covers(d.code) == true || account?.region == city {
                        h.element("option", nil, [.value(d.code), .selected(d.code == region)], text: visit.region(d.code))
                        for office in visit.desk.regions.children(of: d.code) {
                            h.element("option", nil, [.value(office.code), .selected(office.code == region)], text: "　\(visit.region(office.code))")
                        }
                    }
                }
                h.void(
                    "input", "form-control form-control-sm",
                    [
                        .name("trade"), .value(trade), .init("maxlength", "5"), .init("placeholder", h.say(Text("行业代码", "Industry code"))),
                        .label(h.say(Text("行业代码，如 F、F52；空为全部", "Industry code such as F or F52; empty for all"))),
                    ])
                h.button(Text("查看", "Show"), "btn btn-sm btn-outline-primary")
                h.a(
                    Link.query("/efficacy/export", [("month", month), ("region", region.isEmpty ? nil : region), ("trade", trade.isEmpty ? nil : trade)]),
                    "btn btn-sm btn-outline-secondary", Text("导出Excel", "Export"))
            }
            indicators(h, counted)
            h.div("two-columns") {
                lapsing(h, ahead, until)
                self.arranged(h, arranged)
            }
            snapshots(h, visit, frozen, month, region)
        }
    }

    static func percent(_ share: Double?) -> String { share.map { "\(String(Double(Int(($0 * 10000).rounded())) / 100))%" } ?? "—" }

    private func indicators(_ h: HTML, _ e: Efficacy) {
        h.card(Text("\(e.month) 指标", "Indicators of \(e.month)")) {
            h.div("figures") {
                for (n, title) in [
                    (e.score.map { String(Double(Int(($0 * 10).rounded())) / 10) } ?? "—", Text("得分（满分100）", "Score of 100")),
                    ("¥\(e.recovered.grouped)", Text("挽回损失", "Got back")),
                ] {
                    h.div("figure") {
                        h.span("figure-n", n)
                        h.span("figure-t", title)
                    }
                }
            }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("指标", "Indicator"), Text("结果", "Result"), Text("分子/分母", "Of"), Text("权重", "Weight"), Text("口径", "Formula")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for i in e.indicators {
                            h.tr {
                                h.td("title") { if let list = i.list { h.a(list, nil, i.title) } else { h.text(i.title) } }
                                h.td("number", Self.percent(i.share))
                                h.element("td", "number", [.init("data-label", h.say(Text("分子/分母", "Of")))], text: "\(i.numerator)/\(i.denominator)")
                                h.element("td", "number", [.init("data-label", h.say(Text("权重", "Weight")))], text: String(i.weight))
                                h.td("small text-muted", h.say(i.formula))
                            }
                        }
                    }
                }
            }
            h.p("small text-muted mb-0", Text("没有数据的指标不计分，其权重由其余指标分担。", "An indicator without data is left out; its weight is borne by the others."))
        }
    }

    private func lapsing(_ h: HTML, _ ahead: [Ahead], _ until: Day) {
        h.card(Text("十个工作日内到期", "What lapses in ten working days")) {
            if ahead.isEmpty { h.p("text-muted mb-0", Text("没有即将到期的事项", "Nothing lapses soon")) }
            h.element("table", "table queue") {
                h.element("tbody") {
                    for one in ahead {
                        h.tr {
                            h.td(nil, one.day.description)
                            h.td("number", String(one.n))
                        }
                    }
                }
            }
            h.p("small text-muted mb-0", Text("至\(until)，如不办理即逾期", "Until \(until), if nothing is done"))
        }
    }

    private func arranged(_ h: HTML, _ rows: [(String?, Int, Int, Int)]) {
        h.card(Text("办结方式（近90天，供核查）", "How it was ended, ninety days: to be looked at")) {
            h.element("table", "table queue") {
                h.element("thead") { h.tr { for t in [Text("办理人", "By"), Text("结束", "Ended"), Text("撤回", "Withdrawn"), Text("临期终止", "Ended in the last 3 days")] { h.th(t) } } }
                h.element("tbody") {
                    for (name, n, withdrawn, last) in rows {
                        h.tr {
                            h.td(nil, name ?? h.say(Text("当事人", "a party")))
                            h.td("number", String(n))
                            h.element("td", "number", [.init("data-label", h.say(Text("撤回", "Withdrawn")))], text: String(withdrawn))
                            h.element("td", "number", [.init("data-label", h.say(Text("临期终止", "Last days")))], text: String(last))
                        }
                    }
                }
            }
            h.p("small text-muted mb-0", Text("撤回集中或者临期终止偏多的，请抽查回访，不能单凭数字认定。", "Many withdrawals or late endings call for a look and a call, not for a verdict."))
        }
    }

    private func snapshots(_ h: HTML, _ visit: Visit, _ frozen: [(month: String, body: JSON, at: Moment)], _ month: String, _ region: String) {
        h.card(Text("月度快照", "Frozen months")) {
            if frozen.isEmpty { h.p("text-muted", Text("还没有快照；月份结束后可以固定，以后不再变化", "None yet: a month that is over can be frozen, and then no longer changes")) }
            if !frozen.isEmpty {
                h.element("table", "table queue") {
                    h.element("thead") { h.tr { for t in [Text("月份", "Month"), Text("得分", "Score"), Text("挽回损失", "Got back"), Text("固定时间", "Frozen")] { h.th(t) } } }
                    h.element("tbody") {
                        for one in frozen {
                            h.tr {
                                h.td(nil, one.month)
                                h.td("number", one.body["score"]?.string ?? "—")
                                h.element("td", "number", [.init("data-label", h.say(Text("挽回损失", "Got back")))], text: one.body["recovered"]?.string ?? "")
                                h.td("nowrap", one.at.minuteText)
                            }
                        }
                    }
                }
            }
            let over = (visit.exchange.query["trade"] ?? "").isEmpty && Day(month + "-01").map { $0.adding(months: 1) <= visit.desk.today() } ?? false
            if visit.may("efficacy.freeze"), over, !frozen.contains(where: { $0.month == month }) {
                visit.form(h, "/efficacy/freeze") {
                    h.hidden("month", month)
                    h.hidden("region", region)
                    h.button(
                        Text("固定\(month)的数据", "Freeze \(month)"), "btn btn-sm btn-outline-primary",
                        attributes: [h.confirming(Text("固定后不再变化，确定？", "It will not change any more. Freeze?"))])
                }
            }
        }
    }

    private func freeze(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("efficacy.freeze")
        let form = try visit.exchange.form()
        let (month, region, now) = (form["month"] ?? "", form["region"] ?? "", visit.desk.now)
        guard account.region == visit.desk.configuration.cityRegion || account.covers(region), !region.isEmpty || account.region == visit.desk.configuration.cityRegion else {
            throw Refusal(.forbidden, Text("不在您的辖区", "Not in your region"))
        }
        do { try await visit.desk.store.write { try Efficacy.freeze(month: month, region: region, at: now, $0) } } catch let refusal as Refusal where refusal.kind == .invalid {
            return visit.redirect("/efficacy", saying: refusal.whole, refused: true)
        }
        return visit.redirect(Link.query("/efficacy", [("month", month), ("region", region.isEmpty ? nil : region)]), saying: Text("已固定", "Frozen"))
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let (month, region, trade) = try asked(visit)
        let e = try await visit.desk.store.read { try Efficacy.count(month: month, region: region, trade: trade, at: visit.desk.now, $0) }
        let language = visit.language
        let header = [
            Text("编号", "No."), Text("指标", "Indicator"), Text("结果", "Result"), Text("分子", "Numerator"), Text("分母", "Denominator"), Text("权重", "Weight"), Text("口径", "Formula"),
        ].map { $0[language] }
        let rows = e.indicators.map { [$0.id, $0.title[language], Self.percent($0.share), String($0.numerator), String($0.denominator), String($0.weight), $0.formula[language]] }
        return .file(
            try Transfer.xlsx(sheet: month, header: header, rows: rows), type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", name: "efficacy-\(month).xlsx")
    }
}
