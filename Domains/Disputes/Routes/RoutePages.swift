import Formats
import Kernel
import Platform
import Store
import Web

/// Stations and ODR enterprises by page (服务站和ODR企业): the public's list, applications, admission, first-settlement rates.
struct RoutePages: Sendable {
    let limit: RateLimit
    let handling: Handling

    func routes() -> [Route] {
        [
            Route(.get, "/stations", .anyone) { visit in try await stations(visit) },
            Route(.get, "/odr", .anyone) { visit in try await enterprises(visit, nil, nil) },
            Route(.post, "/odr", .anyone) { visit in try await apply(visit) },
            Route(.post, "/disputes/:id/route", .signedIn) { visit in try await RouteChoice.choose(visit) },
            Route(.post, "/odr/:id/:act", .permitted("odr.admit")) { visit in try await decide(visit) },
        ]
    }

    // MARK: Stations

    private func stations(_ visit: Visit) async throws -> Answer {
        let query = visit.exchange.query
        let city = visit.desk.configuration.cityRegion
        let region = query["region"] ?? ""
        let typed = query["q"] ?? ""
        guard region.isEmpty || visit.desk.regions.isKnown(region) else { throw Refusal.invalid("/region", Text("没有这个区划", "There is no such division")) }
        let districts = visit.desk.regions.districts(of: city)
        let isMap = query["view"] == "map"
        let (found, counts, rate, points) = try await visit.desk.store.read { tx in
            let like = "%" + typed.replacing("%", with: "").replacing("_", with: "") + "%"
            return (
                try tx.all(
                    "SELECT * FROM disputes_stations WHERE closed_on IS NULL AND region >= \(region) AND region < \(region + "~") AND (name LIKE \(like) OR address LIKE \(like)) ORDER BY region, name LIMIT 200"
                ).map(Station.init),
                try tx.all("SELECT substr(region, 1, 6) AS district, count(*) AS n FROM disputes_stations WHERE closed_on IS NULL GROUP BY substr(region, 1, 6)").map {
                    ($0.string("district"), $0.count("n"))
                },
                try ODR.rate(nil, way: .station, tx), try isMap ? StationMap.load(region, like, tx) : []
            )
        }
        let total = counts.reduce(0) { $0 + $1.1 }
        return visit.page(Text("消费维权服务站", "Service stations")) { h in
            h.div("page-head") {
                h.h1(Text("消费维权服务站", "Service stations"))
                h.p("text-muted mb-0", Text("共\(total)个站点，就近解决消费纠纷；解决不了的转市场监管部门。", "\(total) stations settle disputes on the spot; what they cannot goes to the regulator."))
            }
            if visit.may("stations.manage") {
                h.p {
                    h.a("/import/stations", "btn btn-sm btn-outline-primary", Text("导入站点", "Import stations"))
                    if let share = rate.share {
                        h.span(
                            "text-muted ms-2",
                            Text(
                                "站点先行和解率 \(Int((share * 100).rounded()))%（\(rate.settled)/\(rate.decided)）",
                                "Settled at stations: \(Int((share * 100).rounded())) % (\(rate.settled)/\(rate.decided))"))
                    }
                }
            }
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/stations"), .role("search")]) {
                h.void(
                    "input", "form-control form-control-sm",
                    [.type("search"), .name("q"), .value(typed), .label(h.say(Text("名称或地址", "Name or address"))), .init("placeholder", h.say(Text("名称或地址", "Name or address")))])
                h.element("select", "form-select form-select-sm", [.name("region"), .label(h.say(Text("区县", "District")))]) {
                    h.element("option", nil, [.value("")], text: h.say(Text("全市", "The whole city")))
                    for d in districts {
                        h.element("option", nil, [.value(d.code), .selected(d.code == region)], text: "\(visit.region(d.code))（\(counts.first { $0.0 == d.code }?.1 ?? 0)）")
                    }
                }
                if isMap { h.hidden("view", "map") }
                h.button(Text("查找", "Find"), "btn btn-sm btn-outline-primary")
                h.a(
                    Link.query("/stations", [("q", typed.isEmpty ? nil : typed), ("region", region.isEmpty ? nil : region), ("view", isMap ? nil : "map")]),
                    "btn btn-sm btn-outline-secondary",
                    isMap ? Text("只看清单", "List alone") : Text("分布图", "Map"))
            }
            if isMap { StationMap.write(h, visit, points) }
            if found.isEmpty { return h.empty(Text("没有找到站点", "No station found"), Text("请换一个区县或名称。", "Try another district or name.")) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("站点", "Station"), Text("类型", "Kind"), Text("地址", "Address"), Text("电话", "Phone"), Text("服务时间", "Hours")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for s in found {
                            h.tr {
                                h.td("title") {
                                    h.text(s.name)
                                    h.span("d-block small text-muted", "\(s.sign) · \(visit.region(String(s.region.prefix(6))))")
                                }
                                h.td(nil, h.say(s.kind.title))
                                h.td(nil, s.address)
                                h.td("nowrap") { if !s.phone.isEmpty { h.a("tel:\(s.phone.filter { $0.isASCII && ($0.isNumber || $0 == "+") })", nil, s.phone) } }
                                h.td(nil, s.hours)
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: ODR enterprises

    private func enterprises(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let admits = visit.may("odr.admit")
        let rows = try await visit.desk.store.read { tx in
            try tx.all(
                "SELECT d.*, o.name, o.uscc, o.region FROM disputes_odr d JOIN operators o ON o.id = d.operator ORDER BY CASE d.state WHEN 'applied' THEN 0 WHEN 'admitted' THEN 1 ELSE 2 END, o.name LIMIT 500"
            ).filter { admits || $0.string("state") == "admitted" }.map { row in
                (
                    id: row.int("operator"), name: row.string("name"), uscc: row.string("uscc"), region: row.string("region"),
                    state: ODR.State(rawValue: row.string("state")) ?? .left,
                    phone: row.string("phone"), note: row.optionalString("reason") ?? "", rate: try ODR.rate(ID<Operator>(row.int("operator")), tx)
                )
            }
        }
        return visit.page(Text("ODR企业", "ODR enterprises"), status: refusal?.kind.status ?? 200) { h in
            h.div("page-head") {
                h.h1(Text("在线消费纠纷解决企业", "Enterprises that resolve disputes online"))
                h.p("text-muted mb-0", Text("先由企业在十个工作日内与您协商；未达成和解的转为投诉。", "The enterprise settles with you within ten working days; what fails becomes a complaint."))
            }
            h.errorSummary(refusal)
            if rows.isEmpty { h.empty(Text("还没有ODR企业", "None yet"), Text("企业可以在下方申请。", "An enterprise may apply below.")) }
            if !rows.isEmpty {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") { h.tr { for t in [Text("企业", "Enterprise"), Text("辖区", "Region"), Text("先行和解率", "Settled first"), Text("状态", "State")] { h.th(t) } } }
                        h.element("tbody") {
                            for r in rows {
                                h.tr {
                                    h.td("title") {
                                        h.text(r.name)
                                        h.span("d-block small text-muted", "\(r.uscc) · \(r.phone)")
                                    }
                                    h.td(nil, visit.region(String(r.region.prefix(6))))
                                    h.td(nil, r.rate.share.map { "\(Int(($0 * 100).rounded()))%（\(r.rate.settled)/\(r.rate.decided)）" } ?? "—")
                                    h.td {
                                        h.badge(r.state.title, r.state.tone)
                                        if !r.note.isEmpty { h.span("d-block small text-muted", r.note) }
                                        if admits { acts(h, visit, r.id, r.state) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            form(h, visit, sent, HTML.Errors(refusal), open: refusal != nil)
        }
    }

    private func acts(_ h: HTML, _ visit: Visit, _ id: Int64, _ state: ODR.State) {
        let acts: [(String, Text)] =
            switch state {
            case .applied: [("admit", Text("同意发展", "Admit")), ("refuse", Text("不同意", "Refuse"))]
            case .admitted: [("suspend", Text("暂停", "Suspend")), ("leave", Text("退出", "Remove"))]
            case .suspended: [("admit", Text("恢复", "Admit again")), ("leave", Text("退出", "Remove"))]
            case .refused, .left: []
            }
        guard !acts.isEmpty else { return }
        visit.form(h, "/odr/\(id)/decide", "decide") {
            h.void(
                "input", "form-control form-control-sm",
                [.name("reason"), .init("maxlength", "300"), .label(h.say(Text("理由", "Reason"))), .init("placeholder", h.say(Text("理由", "Reason")))])
            for (act, title) in acts {
                h.button(
                    title, "btn btn-sm btn-outline-primary", name: "to", value: act,
                    attributes: act == "leave" ? [h.confirming(Text("退出后，正在协商的诉求全部转为投诉。确定？", "What is being settled all becomes complaints. Sure?"))] : [])
            }
        }
    }

    private func form(_ h: HTML, _ visit: Visit, _ sent: Form?, _ e: HTML.Errors, open: Bool) {
        h.element("details", "card mt-3", [.init("open", if: open)]) {
            h.element("summary", "card-header", text: h.say(Text("企业申请", "Apply as an enterprise")))
            visit.form(h, "/odr", "card-body") {
                h.field("uscc", Text("统一社会信用代码", "Credit code"), value: sent?["uscc"], errors: e, autocomplete: "off")
                h.field("phone", Text("专用联系电话", "Phone for it"), value: sent?["phone"], type: "tel", errors: e)
                h.field("about", Text("消费维权工作情况", "What it does for consumers"), value: sent?["about"], errors: e)
                h.element("fieldset", "mb-3", [.id("f-condition")]) {
                    h.element("legend", "form-label", text: h.say(Text("具备的条件", "What it has")))
                    if let error = e["condition"] { h.element("div", "text-danger small", text: h.say(error)) }
                    for (name, title) in ODR.conditions { h.checkbox("condition", title, value: name, checked: sent?.all("condition").contains(name) ?? false) }
                }
                h.checkbox(
                    "undertaking",
                    Text("承诺在十个工作日内处理，如实录入结果，保守消费者信息", "It undertakes to deal with each in ten working days, to enter results truthfully and to keep consumers' data to itself"),
                    checked: false)
                if let error = e["undertaking"] { h.p("text-danger small", error) }
                h.div { h.button(Text("提交申请", "Apply")) }
            }
        }
    }

    private func apply(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try limit.take("odr|" + visit.exchange.peer, at: now)
            var wrong: [Refusal.Field] = []
            let (uscc, phone, about) = (form["uscc"]?.uppercased() ?? "", form["phone"] ?? "", String((form["about"] ?? "").prefix(1000)))
            do { _ = try USCC(uscc) } catch { wrong.append(.init("/uscc", Text("统一社会信用代码\(error.text.zh)", "The credit code \(error.text.en)"))) }
            if !(5...20).contains(phone.count) { wrong.append(.init("/phone", Text("请填写联系电话", "Give the phone"))) }
            if about.isEmpty { wrong.append(.init("/about", Text("请填写这一项", "This is needed"))) }
            let has = form.all("condition")
            if !ODR.conditions.allSatisfy({ has.contains($0.0) }) { wrong.append(.init("/condition", Text("须具备全部条件", "All of them are needed"))) }
            if form["undertaking"] != "yes" { wrong.append(.init("/undertaking", Text("请作出承诺", "The undertaking is needed"))) }
            guard wrong.isEmpty else { throw Refusal.invalid(wrong) }
            try await visit.desk.store.write { tx in
                guard let op = try Operators.find(uscc: uscc, tx) else { throw Refusal.invalid("/uscc", Text("登记库中没有这个代码的企业", "The register has no enterprise with this code")) }
                let known = try tx.one("SELECT state FROM disputes_odr WHERE operator = \(op.id)")?.string("state")
                guard known == nil || known == "refused" || known == "left" else { throw Refusal.invalid("/uscc", Text("该企业已申请或者已发展", "It has applied, or was admitted")) }
                try tx.run(
                    """
                    INSERT INTO disputes_odr (operator, state, phone, about, applied_at) VALUES (\(op.id), 'applied', \(phone), \(about), \(now))
                    ON CONFLICT (operator) DO UPDATE SET state = 'applied', phone = \(phone), about = \(about), applied_at = \(now), reason = NULL
                    """)
                try tx.audit("odr.applied", of: Reference(kind: "operator", id: op.id.raw), by: "filer", at: now, sealing: [.init("disputes_odr", key: "operator", op.id.raw)])
            }
            return visit.redirect("/odr", saying: Text("申请已收到，由所在区县局审核", "Received: the district office examines it"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await enterprises(visit, refusal, form) }
    }

    private func decide(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("odr.admit")
        let form = try visit.exchange.form()
        let (id, now, code) = (try visit.exchange.id(of: Operator.self), visit.desk.now, AccessCode.make())
        let handling = handling
        let states: [String: (to: String, from: [String])] = [
            "admit": ("admitted", ["applied", "suspended"]), "refuse": ("refused", ["applied"]), "suspend": ("suspended", ["admitted"]),
            "leave": ("left", ["admitted", "suspended"]),
        ]
        do {
            let act = try form.chosen("to", states.keys)
            let reason = act == "admit" ? form["reason"].map { String($0.prefix(300)) } : try form.needed("reason", 300)
            let uscc = try await visit.desk.store.write { tx -> String in
                let op = try Operators.find(id, tx)
                guard account.covers(String(op.region.prefix(6))) else { throw Refusal(.forbidden, Text("企业不在您的辖区", "The enterprise is not in your region")) }
                let (to, from) = states[act]!
                guard
                    try tx.run(
                        "UPDATE disputes_odr SET state = \(to), reason = \(reason), decided_by = \(account.id), decided_at = \(now) WHERE operator = \(id) AND state IN (\(list: from))"
                    ) == 1
                else {
                    throw Refusal(.conflict, Text("状态已变化，请刷新页面", "Its state has changed: reload the page"))
                }
                // Who leaves settles nothing any more: what is under way becomes complaints, received today.
                if act == "leave" {
                    for row in try tx.all(
                        "SELECT p.matter FROM disputes_priors p JOIN casework_matters m ON m.id = p.matter WHERE p.operator = \(id) AND p.way = 'odr' AND m.state = 'prior'")
                    {
                        try handling.apply("convert", on: tx.complaint(row.id("matter")), input: Form([("reason", "企业退出在线消费纠纷解决")]), by: .system, at: now, tx)
                    }
                }
                if act == "admit" { try Merchants.issue(op, code: code, by: account, at: now, tx) }
                try tx.audit(
                    "odr.\(act)", of: Reference(kind: "operator", id: id.raw), by: account.mark, at: now, details: [("reason", .string(reason ?? ""))],
                    sealing: [.init("disputes_odr", key: "operator", id.raw)])
                return op.uscc
            }
            return visit.redirect(
                "/odr",
                saying: act == "admit"
                    ? Text(
                        "已发展。企业在 \(visit.exchange.origin)/merchant 用 \(uscc) 和查询码 \(code) 进入（只显示一次）。",
                        "Admitted. It enters at \(visit.exchange.origin)/merchant with \(uscc) and the code \(code), shown once.") : Text("已保存", "Saved"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict || refusal.kind == .forbidden {
            return visit.redirect("/odr", saying: refusal.whole, refused: true)
        }
    }
}
