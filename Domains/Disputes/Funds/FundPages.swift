import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The funds and their claims by page (先行赔付页): balance and statement, reconciled; a claim with its conditions and steps.
struct FundPages: Sendable {
    let handling: FundHandling

    func routes() -> [Route] {
        [
            Route(.get, "/funds", .permitted("funds.see")) { visit in try await list(visit, nil, nil) },
            Route(.post, "/funds", .permitted("funds.manage")) { visit in try await open(visit) },
            Route(.get, "/funds/:id", .permitted("funds.see")) { visit in try await show(visit, nil, nil) },
            Route(.get, "/funds/:id/export", .permitted("funds.see")) { visit in try await export(visit) },
            Route(.post, "/funds/:id/orders/:order", .permitted("funds.see")) { visit in try await order(visit) },
            Route(.post, "/funds/:id/:act", .permitted("funds.manage")) { visit in try await act(visit) },
            Route(.get, "/disputes/:id/fund-claim", .permitted("funds.apply")) { visit in try await form(visit, nil, nil) },
            Route(.post, "/disputes/:id/fund-claim", .permitted("funds.apply")) { visit in try await apply(visit) },
            Route(.get, "/fund-claims/:id", .permitted("funds.see")) { visit in try await claim(visit, nil, nil, nil) },
            Route(.get, "/fund-claims/:id/letter", .permitted("funds.see")) { visit in try await letter(visit) },
            Route(.post, "/fund-claims/:id/moves/:move", .permitted("funds.see")) { visit in try await move(visit) },
        ]
    }

    // MARK: All funds

    private func list(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let funds = try await visit.desk.store.read { try $0.all("SELECT * FROM disputes_funds ORDER BY id").map(Fund.init) }.filter {
            $0.region.hasPrefix(account.region) || account.region.hasPrefix($0.region)
        }
        return visit.page(Text("先行赔付资金", "Funds"), status: refusal?.kind.status ?? 200, active: "/funds") { h in
            h.div("page-head") {
                h.h1(Text("先行赔付资金", "Funds for advance compensation"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "商家拒不赔付、失联或者关停时，由资金先行赔付实际损失，再向商家追偿。额度和条件由本机关设定。",
                        "Where a merchant refuses, is gone or closed, a fund pays the actual loss first and recovers it. Caps and conditions are the office's own."))
            }
            h.errorSummary(refusal)
            if funds.isEmpty {
                h.empty(Text("还没有资金", "No fund yet"), Text("由负责人在下方设立第一笔资金。", "The head sets up the first one below."))
            } else {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                for t in [
                                    Text("资金", "Fund"), Text("持有单位", "Holder"), Text("辖区", "Region"), Text("余额（元）", "Balance"), Text("已赔付未追回", "Paid, not recovered"),
                                    Text("累计上限", "Cap in all"),
                                ] { h.th(t) }
                            }
                        }
                        h.element("tbody") {
                            for fund in funds {
                                h.tr {
                                    h.td("title") {
                                        h.a("/funds/\(fund.id)", nil, fund.name)
                                        if fund.closedAt != nil { h.badge(Text("已停用", "closed"), "grey") }
                                    }
                                    h.td(nil, fund.holder)
                                    h.td(nil, visit.region(fund.region))
                                    h.element("td", "number", [.init("data-label", h.say(Text("余额", "Balance")))], text: fund.balance.grouped)
                                    h.element("td", "number", [.init("data-label", h.say(Text("未追回", "Not recovered")))], text: fund.paid.grouped)
                                    h.element("td", "number", [.init("data-label", h.say(Text("上限", "Cap")))], text: fund.totalCap.grouped)
                                }
                            }
                        }
                    }
                }
            }
            if visit.may("funds.manage") { opening(h, visit, sent, HTML.Errors(refusal), open: refusal != nil || funds.isEmpty) }
        }
    }

    private func opening(_ h: HTML, _ visit: Visit, _ sent: Form?, _ e: HTML.Errors, open: Bool) {
        h.element("details", "card mt-3", [.init("open", if: open)]) {
            h.element("summary", "card-header", text: h.say(Text("设立资金", "Set up a fund")))
            visit.form(h, "/funds", "card-body") {
                h.field("name", Text("名称", "Name"), value: sent?["name"], errors: e)
                h.field("holder", Text("持有单位", "Holder"), value: sent?["holder"], hint: Text("商场、市场、行业协会、消费者协会等", "A mall, a market, an association"), errors: e)
                h.select(
                    "sponsor", Text("出资方式", "Who pays into it"), options: Fund.Sponsor.allCases.map { ($0.rawValue, $0.title) }, value: sent?["sponsor"], errors: e,
                    empty: Text("请选择", "Choose"))
                h.select("region", Text("覆盖辖区", "Region"), options: regions(visit), value: sent?["region"], errors: e)
                h.field("caseCap", Text("每件上限（元）", "Cap a claim (yuan)"), value: sent?["caseCap"], errors: e, inputmode: "decimal")
                h.field("totalCap", Text("累计赔付未追回上限（元）", "Cap of what is paid and not recovered (yuan)"), value: sent?["totalCap"], errors: e, inputmode: "decimal")
                h.button(Text("设立", "Set up"))
            }
        }
    }

    /// What this office may set a fund up for.
    private func regions(_ visit: Visit) -> [(String, Text)] {
        let city = visit.desk.configuration.cityRegion
        return ([(city, Text("全市", "The whole city"))] + visit.desk.regions.districts(of: city).map { ($0.code, Text(verbatim: visit.region($0.code))) }).filter {
            visit.account?.covers($0.0) == true
        }
    }

    private func open(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("funds.manage")
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            var wrong: [Refusal.Field] = []
            func collect<T>(_ body: () throws -> T) -> T? {
                do { return try body() } catch let refusal as Refusal { wrong += refusal.fields } catch {}
                return nil
            }
            func money(_ name: String) throws(Refusal) -> Money {
                guard let sum = Money(yuan: try form.needed(name, 20)), sum.fen > 0 else { throw .invalid("/\(name)", Money.shape) }
                return sum
            }
            let (name, holder) = (collect { try form.needed("name", 60) }, collect { try form.needed("holder", 120) })
            let sponsor = collect { try form.chosen("sponsor", Fund.Sponsor.allCases.map(\.rawValue)) }
            let region = collect { try form.chosen("region", regions(visit).map(\.0)) }
            let (caseCap, totalCap) = (collect { try money("caseCap") }, collect { try money("totalCap") })
            if let caseCap, let totalCap, caseCap > totalCap { wrong.append(.init("/caseCap", Text("每件上限不能超过累计上限", "The cap a claim is at most the cap in all"))) }
            guard wrong.isEmpty, let name, let holder, let sponsor, let region, let caseCap, let totalCap else { throw Refusal.invalid(wrong) }
            let id = try await visit.desk.store.write { tx in
                guard try tx.one("SELECT id FROM disputes_funds WHERE name = \(name)") == nil else {
                    throw Refusal.invalid("/name", Text("已有同名资金", "There is a fund of this name"))
                }
                return try Fund.open(
                    name: name, holder: holder, sponsor: Fund.Sponsor(rawValue: sponsor)!, region: region, caseCap: caseCap, totalCap: totalCap, by: officer, at: now, tx)
            }
            return visit.redirect("/funds/\(id)", saying: Text("已设立，请登记首笔缴存", "It is set up: record the first contribution"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await list(visit, refusal, form) }
    }

    // MARK: One fund

    /// A fund is seen by offices that it covers or that lie above it, and kept by those that cover all of its region.
    private func find(_ visit: Visit, keeping: Bool = false, _ tx: Transaction) throws -> Fund {
        let fund = try tx.fund(visit.exchange.id(of: Fund.self))
        guard let account = visit.account, account.covers(fund.region) || (!keeping && account.region.hasPrefix(fund.region)) else { throw Refusal.notFound }
        return fund
    }
    private func keeps(_ visit: Visit, _ fund: Fund) -> Bool { visit.may("funds.manage") && visit.account?.covers(fund.region) == true }

    private func order(_ visit: Visit) async throws -> Answer {
        let officer = try visit.signedIn()
        guard visit.may("funds.manage") || visit.may("funds.pay") else { throw Refusal.forbidden("funds.manage") }
        let form = try visit.exchange.form()
        guard let order = Int64(try visit.exchange.parameter("order")) else { throw Refusal.notFound }
        let now = visit.desk.now
        do {
            let granted = try form.chosen("decision", ["grant", "drop"]) == "grant"
            let id = try await visit.desk.store.write { tx in
                let fund = try find(visit, keeping: true, tx)
                try FundOrder.decide(order, granted: granted, on: fund, by: officer, at: now, tx)
                return fund.id
            }
            return visit.redirect("/funds/\(id)", saying: granted ? Text("已入账", "Posted") : Text("未办理", "Dropped"))
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, refusal, nil) }
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ part: String?) async throws -> Answer {
        let (fund, postings, check, claims, orders) = try await visit.desk.store.read { tx in
            let fund = try find(visit, tx)
            let id = fund.id
            let claims = try tx.all("SELECT m.* FROM disputes_fund_claims c JOIN casework_matters m ON m.id = c.matter WHERE c.fund = \(id) ORDER BY m.id DESC LIMIT 50").map(
                Matter.init)
            return (fund, try FundLedger.statement(id, tx), try FundLedger.reconcile(fund, tx), claims, try FundOrder.open(id, tx))
        }
        return visit.page(Text(verbatim: fund.name), status: refusal?.kind.status ?? 200, active: "/funds") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/funds", nil, Text("先行赔付资金", "Funds")) }
                h.h1(fund.name)
                h.p("mb-0") {
                    h.span("text-muted", "\(fund.holder) · \(h.say(fund.sponsor.title)) · \(visit.region(fund.region))")
                    if fund.closedAt != nil { h.badge(Text("已停用", "closed"), "grey") }
                }
            }
            h.errorSummary(refusal, part: part ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    h.card(Text("余额", "Balance")) {
                        h.div("figures") {
                            for (n, title) in [
                                (fund.balance.grouped, Text("余额（元）", "Balance (yuan)")), (fund.paid.grouped, Text("已赔付未追回", "Paid, not recovered")),
                                (fund.caseCap.grouped, Text("每件上限", "Cap a claim")), (fund.totalCap.grouped, Text("累计上限", "Cap in all")),
                            ] {
                                h.div("figure") {
                                    h.span("figure-n", n)
                                    h.span("figure-t", title)
                                }
                            }
                        }
                    }
                    statement(h, visit, fund, postings, check)
                }
                h.element("aside", "matter-side") {
                    FundOrder.write(h, visit, fund, orders)
                    if keeps(visit, fund), fund.closedAt == nil { acts(h, visit, fund, part, HTML.Errors(refusal)) }
                    h.card(Text("赔付事项", "Claims")) {
                        if claims.isEmpty { h.p("text-muted mb-0", Text("还没有申请；在投诉页提出", "None yet: apply on a complaint's page")) }
                        h.ul("plain") {
                            for m in claims where visit.maySee(m) {
                                h.li {
                                    h.a("/fund-claims/\(m.id)", nil, m.number)
                                    h.text(" \(m.title) ")
                                    h.badge(FundClaimMoves.table.state(m.state).title, FundClaimMoves.table.state(m.state).tone)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func statement(_ h: HTML, _ visit: Visit, _ fund: Fund, _ postings: [FundLedger.Posting], _ check: FundLedger.Reconciliation) {
        h.card(Text("账目", "Statement")) {
            h.p("mb-2") {
                h.badge(check.agrees ? Text("账实相符", "reconciled") : Text("账目不符，请立即核查", "does not agree: look into it at once"), check.agrees ? "green" : "red")
                h.span(
                    "small text-muted ms-2",
                    check.sums.map { "\(h.say($0.account.title)) \(Money(fen: $0.account == .contributions ? -$0.fen : $0.fen).grouped)" }.joined(separator: " · "))
                h.a("/funds/\(fund.id)/export", "ms-2 small", Text("导出Excel", "Export to Excel"))
            }
            if postings.isEmpty { h.p("text-muted mb-0", Text("还没有账目", "Nothing posted yet")) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("序号", "No."), Text("时间", "When"), Text("事由", "What"), Text("金额", "Sum"), Text("余额", "Balance"), Text("经办", "By")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for p in postings.reversed().prefix(200) {
                            h.tr {
                                h.td("number", String(p.id))
                                h.td("nowrap", p.at.minuteText)
                                h.td("title") {
                                    h.text(p.kind.title)
                                    if let of = p.reverses { h.text(Text("（冲正第\(of)笔）", " (of no. \(of))")) }
                                    if let by = p.reversedBy { h.badge(Text("已由第\(by)笔冲正", "reversed by no. \(by)"), "grey") }
                                    if let matter = p.matter { h.a("/fund-claims/\(matter)", "d-block small", p.note) } else { h.span("d-block small text-muted", p.note) }
                                }
                                h.element("td", "number", [.init("data-label", h.say(Text("金额", "Sum")))], text: p.signed)
                                h.element("td", "number", [.init("data-label", h.say(Text("余额", "Balance")))], text: p.balance.grouped)
                                h.td("nowrap", p.by)
                            }
                        }
                    }
                }
            }
        }
    }

    private func acts(_ h: HTML, _ visit: Visit, _ fund: Fund, _ part: String?, _ errors: HTML.Errors) {
        h.card(Text("入账", "Post"), "actions") {
            for (act, title) in [
                ("contribute", Text("登记缴存", "Record a contribution")), ("withdraw", Text("退还出资", "Return money to sponsors")), ("reverse", Text("冲正", "Reverse a posting")),
                ("close", Text("停止使用", "Close the fund")),
            ] {
                let e = part == act ? errors : HTML.Errors()
                h.element("details", "action", [.init("open", if: part == act)]) {
                    h.element("summary") { h.span("action-name", title) }
                    visit.form(h, "/funds/\(fund.id)/\(act)", "action-form") {
                        h.part(act) {
                            switch act {
                            case "reverse": h.field("posting", Text("冲正哪一笔（序号）", "Which posting (number)"), value: nil, errors: e, inputmode: "numeric")
                            case "close": h.p("small text-muted", Text("余额为零后方可停用。", "Only with nothing in it."))
                            default: h.field("amount", Text("金额（元）", "Sum (yuan)"), value: nil, errors: e, inputmode: "decimal")
                            }
                            if act == "withdraw" || act == "reverse" { h.p("small text-muted", Text("由另一人复核后入账。", "Posted once another person agrees.")) }
                            h.field("note", Text("凭证号和说明", "Voucher and remark"), value: nil, errors: e)
                        }
                        h.button(
                            title, act == "contribute" ? "btn btn-primary" : "btn btn-danger",
                            attributes: [h.confirming(Text("确定“\(title.zh)”？入账后不能修改，只能冲正。", "\(title.en)? It cannot be edited, only reversed."))])
                    }
                }
            }
        }
    }

    private func act(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("funds.manage")
        let form = try visit.exchange.form()
        let (id, act, now) = (try visit.exchange.id(of: Fund.self), try visit.exchange.parameter("act"), visit.desk.now)
        do {
            let note = try form.needed("note", 200)
            try await visit.desk.store.write { tx in
                let actor = Actor.staff(officer)
                let fund = try find(visit, keeping: true, tx)
                switch act {
                case "withdraw", "reverse": try FundOrder.ask(act, form, on: fund, note: note, by: officer, at: now, tx)
                case "contribute":
                    guard let sum = Money(yuan: try form.needed("amount", 20)) else { throw Refusal.invalid("/amount", Money.shape) }
                    try FundLedger.post(.contribute, sum, on: id, note: note, by: actor, at: now, tx)
                case "close":
                    let claims = try tx.count(
                        "SELECT count(*) AS n FROM disputes_fund_claims f JOIN casework_matters m ON m.id = f.matter WHERE f.fund = \(id) AND m.state IN ('applied', 'approved', 'paid')"
                    )
                    guard claims == 0 else { throw Refusal(.conflict, Text("还有\(claims)件赔付未了结，不能停用", "Claims not yet settled: \(claims)")) }
                    guard try FundOrder.open(id, tx).isEmpty else { throw Refusal(.conflict, Text("还有等待复核的申请", "Something waits for a second person")) }
                    guard try tx.run("UPDATE disputes_funds SET closed_at = \(now) WHERE id = \(id) AND closed_at IS NULL AND balance = 0") == 1 else {
                        throw Refusal(.conflict, Text("还有余额，不能停用", "It still holds money"))
                    }
                    try tx.audit(
                        "fund.closed", of: Reference(kind: "fund", id: id.raw), by: officer.mark, at: now, details: [("note", .string(note))],
                        sealing: [.init("disputes_funds", id.raw)])
                default: throw Refusal.notFound
                }
            }
            let asked = act == "withdraw" || act == "reverse"
            return visit.redirect("/funds/\(id)", saying: asked ? Text("已提出，请另一人复核办理", "Asked for: another person carries it out") : Text("已入账", "Posted"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, refusal, act) }
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let (fund, postings) = try await visit.desk.store.read { tx in
            let fund = try find(visit, tx)
            return (fund, try FundLedger.statement(fund.id, tx))
        }
        let language = visit.language
        let header = [
            Text("序号", "No."), Text("时间", "When"), Text("事由", "What"), Text("金额（元）", "Sum (yuan)"), Text("余额（元）", "Balance (yuan)"), Text("冲正", "Reverses"), Text("说明", "Remark"),
            Text("经办", "By"),
        ]
        .map { $0[language] }
        let rows = postings.map {
            [
                String($0.id), $0.at.minuteText, $0.kind.title[language], Money(fen: $0.cash == 0 ? $0.amount.fen : $0.cash).plain, $0.balance.plain,
                $0.reverses.map(String.init) ?? "", $0.note, $0.by,
            ]
        }
        return .file(
            try Transfer.xlsx(sheet: Text("账目", "Statement")[language], header: header, rows: rows), type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            name: "fund-\(fund.id)-\(visit.desk.today()).xlsx")
    }
}
