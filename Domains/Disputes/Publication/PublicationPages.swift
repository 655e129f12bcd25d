import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The office's side of publication (公示管理): what may be published, what was objected to, what is shown, and why the rest is not.
struct PublicationPages: Sendable {
    let publishing: Publishing
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/publication", .permitted("publication.manage")) { visit in try await list(visit, nil) },
            Route(.post, "/publication/notices", .permitted("publication.manage")) { visit in try await notice(visit) },
            Route(.post, "/publication/:id/:act", .permitted("publication.manage")) { visit in try await decide(visit) },
            Route(.get, "/objections/:number", .anyone) { visit in try await door(visit, nil, nil) },
            Route(.post, "/objections/:number", .anyone, cap: 64 << 20) { visit in try await object(visit) },
        ]
    }

    private static let tabs: [(String, Text)] = [("candidates", Text("待告知", "To be told"))] + Publication.State.allCases.map { ($0.rawValue, $0.title) }

    private func list(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let account = try visit.signedIn()
        let tab = visit.exchange.query["state"] ?? "candidates"
        guard Self.tabs.contains(where: { $0.0 == tab }) else { throw Refusal.notFound }
        let region = account.region == visit.desk.configuration.cityRegion ? "" : account.region
        let (candidates, rows, counts, rules) = try await visit.desk.store.read { tx in
            let candidates: [(Complaint, Text?)] =
                try tab == "candidates"
                ? tx.all(
                    """
                    SELECT m.* FROM casework_matters m WHERE m.kind = \(ComplaintMoves.kind) AND m.open = 0 AND m.outcome IN ('agreed', 'ended', 'settled-or-withdrawn') AND m.region >= \(region) AND m.region < \(region + "~")
                    AND NOT EXISTS (SELECT 1 FROM disputes_publications p WHERE p.matter = m.id) ORDER BY m.id DESC LIMIT 40
                    """
                ).map { row in
                    let c = try tx.complaint(Matter(row))
                    return (c, Publishing.exclusion(c))
                } : []
            let rows =
                try tab == "candidates"
                ? []
                : tx.all(
                    "SELECT \(Publication.columns) FROM disputes_publications p JOIN casework_matters m ON m.id = p.matter WHERE p.state = \(tab) AND p.region >= \(region) AND p.region < \(region + "~") ORDER BY p.matter DESC LIMIT 100"
                ).map(Publication.init)
            let counts = Dictionary(
                try tx.all("SELECT state, count(*) AS n FROM disputes_publications WHERE region >= \(region) AND region < \(region + "~") GROUP BY state").map {
                    ($0.string("state"), $0.count("n"))
                }
            ) { a, _ in a }
            return (candidates, rows, counts, try PublicationRules.load(tx))
        }
        return visit.page(Text("投诉公示", "Publication"), status: refusal?.kind.status ?? 200, active: "/publication") { h in
            h.div("page-head") {
                h.h1(Text("投诉信息公示", "Publication of complaints"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "告知商家\(rules.objectionWorkdays)个工作日内可提异议，公示\(rules.displayMonths)个月；以上为本机关设定，不是法定期限。不公示投诉人信息和文字内容。",
                        "A business may object within \(rules.objectionWorkdays) working days; shown for \(rules.displayMonths) months. The periods are the office's own, not the law's. Nothing about the complainant, no free text."
                    ))
            }
            h.errorSummary(refusal)
            h.element("nav", "tabs", [.label(h.say(Text("状态", "States")))]) {
                for (name, title) in Self.tabs {
                    h.a("/publication?state=\(name)", "tab" + (name == tab ? " active" : "")) {
                        h.text(title)
                        if let n = counts[name] { h.span("badge tone-grey ms-1", String(n)) }
                    }
                }
            }
            if candidates.isEmpty, rows.isEmpty { return h.empty(Text("没有记录", "Nothing here"), Text("办结的投诉会出现在“待告知”里。", "Closed complaints appear under “To be told”.")) }
            if !candidates.isEmpty { self.candidates(h, visit, candidates) }
            for p in rows { item(h, visit, p) }
        }
    }

    /// What may be told is ticked and sent at once; what is not for the public says why.
    private func candidates(_ h: HTML, _ visit: Visit, _ all: [(Complaint, Text?)]) {
        let (open, out) = (all.filter { $0.1 == nil }.map(\.0), all.filter { $0.1 != nil })
        if !open.isEmpty {
            visit.form(h, "/publication/notices") {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                h.element("th", nil, [.init("scope", "col")]) {
                                    h.void("input", nil, [.type("checkbox"), .init("data-pick-all", if: true), .init("hidden", if: true), .label(h.say(Text("全选", "All")))])
                                }
                                for t in [Text("编号", "Number"), Text("事由", "About"), Text("结果", "Result"), Text("办结", "Closed"), Text("类别", "Category")] { h.th(t) }
                            }
                        }
                        h.element("tbody") {
                            for c in open {
                                h.tr {
                                    h.td("pick") { h.void("input", nil, [.type("checkbox"), .name("pick"), .value(c.matter.id.description), .label(c.matter.number)]) }
                                    h.td("number") { h.a("/disputes/\(c.matter.id)", nil, c.matter.number) }
                                    h.td("title", c.matter.title)
                                    h.td { h.badge(c.matter.outcome == "agreed" ? Text("调解成功", "settled") : Text("调解未成", "not settled"), "grey") }
                                    h.td("nowrap", c.matter.closedAt?.day.description ?? "")
                                    h.td {
                                        h.element("select", "form-select form-select-sm", [.name("category-\(c.matter.id)"), .label(h.say(Text("类别", "Category")))]) {
                                            let suggested = GoodsCategory.suggested(purchase: c.purchase, facts: c.facts).id
                                            for category in GoodsCategory.all {
                                                h.element("option", nil, [.value(category.id), .selected(category.id == suggested)], text: h.say(category.title))
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
                h.div("decide my-2") {
                    h.element("select", "form-select form-select-sm", [.name("channel"), .label(h.say(Text("告知方式", "Told by")))]) {
                        for (name, title) in Notice.channels where name != "portal" { h.element("option", nil, [.value(name)], text: h.say(title)) }
                    }
                    h.button(Text("告知选中的商家", "Tell the businesses picked"), "btn btn-sm btn-primary")
                }
            }
        }
        guard !out.isEmpty else { return }
        h.element("details", "card card-body mb-3") {
            h.element("summary", text: h.say(Text("不公示的（\(out.count)件）", "Not for the public (\(out.count))")))
            h.ul("plain mt-2") {
                for (c, why) in out {
                    h.li {
                        h.a("/disputes/\(c.matter.id)", nil, c.matter.number)
                        h.text(" \(c.matter.title) ")
                        if let why { h.span("text-muted small", why) }
                    }
                }
            }
        }
    }

    private func item(_ h: HTML, _ visit: Visit, _ p: Publication) {
        h.element("article", "card card-body mb-2") {
            h.p("mb-1") {
                h.a("/disputes/\(p.matter)", nil, p.number)
                h.text(" \(p.name) · \(h.say(p.categoryTitle)) · \(h.say(p.issuesTitle)) · ")
                h.badge(p.resultTitle, p.result == "agreed" ? "green" : "grey")
                h.badge(p.state.title, p.state.tone)
            }
            h.p("small text-muted mb-1") {
                h.text(Text("异议期至\(p.objectBy)", "Objections until \(p.objectBy)"))
                if let until = p.until { h.text(Text(" · 公示至\(until)", " · shown until \(until)")) }
                if let reason = p.reason { h.text(" · \(reason)") }
            }
            if let objection = p.objection { h.p("pre small mb-1", Text("异议：\(objection)", "Objection: \(objection)")) }
            let acts: [(String, Text)] =
                switch p.state {
                case .noticed: [("withhold", Text("拟不公示", "Withhold"))]
                case .objected: [("publish", Text("异议不成立，公示", "Overrule: publish")), ("withhold", Text("异议成立，拟不公示", "Uphold: withhold"))]
                case .withheldOnce: [("confirm-withhold", Text("复核同意不公示", "Confirm")), ("publish", Text("改为公示", "Publish instead"))]
                case .published: [("correct", Text("更正类别", "Correct the category")), ("withdraw", Text("撤下", "Withdraw"))]
                case .withdrawn: [("publish", Text("重新公示", "Publish again"))]
                case .withheld: []
                }
            if !acts.isEmpty {
                h.div("decide-row") {
                    for (act, title) in acts {
                        visit.form(h, "/publication/\(p.matter)/\(act)", "decide") {
                            if act == "correct" {
                                h.element("select", "form-select form-select-sm", [.name("category"), .label(h.say(Text("类别", "Category")))]) {
                                    for category in GoodsCategory.all {
                                        h.element("option", nil, [.value(category.id), .selected(category.id == p.category)], text: h.say(category.title))
                                    }
                                }
                            }
                            h.void(
                                "input", "form-control form-control-sm",
                                [
                                    .name("reason"), .init("maxlength", "500"), .init("required", if: true), .label(h.say(Text("理由", "Reason"))),
                                    .init("placeholder", h.say(Text("理由", "Reason"))),
                                ])
                            h.button(title, "btn btn-sm btn-outline-primary")
                        }
                    }
                }
            }
        }
    }

    private func complaint(_ visit: Visit, _ tx: Transaction) throws -> Complaint {
        let c = try tx.complaint(visit.exchange.id(of: Matter.self))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        return c
    }

    private func notice(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("publication.manage")
        let form = try visit.exchange.form()
        let (publishing, now) = (publishing, visit.desk.now)
        do {
            let picked = form.all("pick").compactMap { ID<Matter>($0) }
            guard !picked.isEmpty else { throw Refusal.invalid("/pick", Text("请先勾选要告知的投诉", "Tick what is to be told first")) }
            let channel = try form.chosen("channel", Notice.channels.map(\.0))
            let codes = picked.map { _ in AccessCode.make() }
            let told = try await visit.desk.store.write { tx in
                try zip(picked, codes).map { id, code -> (number: String, name: String, code: String) in
                    let c = try tx.complaint(id)
                    guard visit.maySee(c.matter) else { throw Refusal.notFound }
                    let category = try form.chosen("category-\(id)", GoodsCategory.all.map(\.id))
                    try publishing.notice(c, category: category, channel: channel, code: code, by: account, at: now, tx)
                    return (c.matter.number, c.respondentName, code)
                }
            }
            return visit.page(Text("已告知", "Told"), active: "/publication") { h in
                h.div("page-head") {
                    h.h1(Text("已告知\(told.count)家商家", "\(told.count) businesses told"))
                    h.p("text-muted mb-0", Text("请把各自的链接随告知发给商家：只显示这一次，可打印。", "Send each its link with the notice: shown once, to be printed."))
                }
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") { h.tr { for t in [Text("编号", "Number"), Text("商家", "Business"), Text("提出异议的链接", "Link to object")] { h.th(t) } } }
                        h.element("tbody") {
                            for one in told {
                                h.tr {
                                    h.td("number", one.number)
                                    h.td(nil, one.name)
                                    h.td(nil, visit.exchange.origin + Link.query("/objections/\(one.number)", [("code", one.code)]))
                                }
                            }
                        }
                    }
                }
                h.a("/publication", "btn btn-primary", Text("返回", "Back"))
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await list(visit, refusal) }
    }

    private func decide(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("publication.manage")
        let form = try visit.exchange.form()
        let act = try visit.exchange.parameter("act")
        let (publishing, now) = (publishing, visit.desk.now)
        do {
            try await visit.desk.store.write { tx in
                let c = try complaint(visit, tx)
                try publishing.decide(act, tx.publication(c.matter.id), input: form, by: account, at: now, tx)
            }
            return visit.redirect("/publication", saying: Text("已保存", "Saved"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict || refusal.kind == .forbidden { return try await list(visit, refusal) }
    }

    // MARK: The business objects

    private func own(_ visit: Visit, _ code: String) async throws -> Publication {
        try limit.take("objection|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT \(Publication.columns) FROM disputes_publications p JOIN casework_matters m ON m.id = p.matter WHERE m.number = \(number)"),
                AccessCode.fits(code, number, row.string("code"))
            else { throw Refusal(.notFound, Text("编号与查询码不符，请核对告知上的链接", "Number and code do not fit: please check the link")) }
            return Publication(row)
        }
    }

    private func door(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let p = try await own(visit, code)
        return visit.page(Notice.publication, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(Notice.publication)
                h.p("text-muted", "\(p.number) · \(visit.desk.configuration.office[visit.language])")
                h.errorSummary(refusal)
                h.card(Text("拟公示的内容", "What is to be published")) {
                    h.definitions {
                        h.definition(Text("商家", "Business"), p.name)
                        h.definition(Text("类别", "Category"), h.say(p.categoryTitle))
                        h.definition(Text("投诉问题", "Issue"), h.say(p.issuesTitle))
                        h.definition(Text("结果", "Result"), h.say(p.resultTitle))
                        h.definition(Text("办结日期", "Closed"), p.closedOn.description)
                    }
                    h.p("small text-muted mb-0", Text("不公示投诉人的任何信息和文字内容。", "Nothing about the complainant, no free text."))
                }
                h.p { h.badge(p.state.title, p.state.tone) }
                if let objection = p.objection { h.card(Text("您的异议", "Your objection")) { h.p("pre mb-0", objection) } }
                if p.state == .noticed, visit.desk.today() <= p.objectBy {
                    h.p("fw-semibold", Text("对公示有异议的，请于\(p.objectBy)前提出。", "Objections are made by \(p.objectBy)."))
                    visit.form(h, "/objections/\(p.number)", "card card-body") {
                        h.hidden("code", code)
                        h.area("objection", Text("异议和理由", "Objection, and why"), value: sent?["objection"], rows: 5, errors: HTML.Errors(refusal), maxLength: 2000)
                        h.div { h.button(Text("提出异议", "Object")) }
                    }
                }
            }
        }
    }

    private func object(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let code = form["code"] ?? ""
        let p = try await own(visit, code)
        let (publishing, now) = (publishing, visit.desk.now)
        do {
            try await visit.desk.store.write { try publishing.object($0.publication(p.matter), input: form, at: now, $0) }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await door(visit, refusal, form) }
        return visit.redirect(Link.query("/objections/\(p.number)", [("code", code)]), saying: Text("异议已收到，我们会审查", "Received: it will be examined"))
    }
}
