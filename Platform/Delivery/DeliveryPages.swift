import Formats
import Kernel
import Outbound
import Store
import Web

/// Where the office's events go, and the log of what went (对外投递管理).
package struct DeliveryPages: Sendable {
    package static func routes() -> [Route] {
        [
            Route(.get, "/admin/deliveries", .permitted("office.change")) { visit in try await list(visit, nil, nil) },
            Route(.post, "/admin/deliveries", .permitted("office.change")) { visit in try await subscribe(visit) },
            Route(.post, "/admin/deliveries/mail", .permitted("office.change")) { visit in try await testMail(visit) },
            Route(.post, "/admin/hooks/:id/test", .permitted("office.change")) { visit in try await test(visit) },
            Route(.post, "/admin/hooks/:id/end", .permitted("office.change")) { visit in try await end(visit) },
            Route(.post, "/admin/deliveries/:id/again", .permitted("office.change")) { visit in try await again(visit) },
            Route(.post, "/account/address", .signedIn) { visit in try await address(visit) },
            Route(.post, "/account/feed", .signedIn) { visit in try await makeFeed(visit) },
            Route(.get, "/feeds/:token", .anyone) { visit in try await Reminders.feed(try visit.exchange.parameter("token").replacing(".ics", with: ""), visit) },
        ]
    }

    private static let states: [(String, Text, String)] = [
        ("waiting", Text("等待投递", "waiting"), "amber"), ("sent", Text("已送达", "delivered"), "green"), ("failed", Text("投递失败", "failed"), "red"),
    ]

    private static func list(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let chosen = visit.exchange.query["state"]
        let (hooks, rows, counts, names) = try await visit.desk.store.read { tx in
            let filter: SQL = chosen == nil ? "1 = 1" : "state = \(chosen)"
            let hooks = try Outbox.Hook.all(tx)
            return (
                hooks,
                try tx.all(
                    "SELECT id, hook, address, type, subject, state, attempts, status, error, made_at, done_at FROM platform_deliveries WHERE \(filter) ORDER BY id DESC LIMIT 100"),
                try tx.all("SELECT state, count(*) AS n FROM platform_deliveries GROUP BY state").map { ($0.string("state"), $0.count("n")) },
                Dictionary(hooks.map { ($0.id, $0.name) }) { a, _ in a }
            )
        }
        let totals = Dictionary(counts) { a, _ in a }
        return visit.page(Text("对外投递", "Deliveries"), status: refusal?.kind.status ?? 200, active: "/admin") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/admin", nil, Text("系统管理", "Administration")) }
                h.h1(Text("对外投递", "Deliveries"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "通知和办理动态以 CloudEvents 签名推送到订阅地址（短信网关等），邮件经发信服务器发出。失败后逐步延长间隔重试\(Jobs.attempts)次。",
                        "Notices and acts go to subscribers (an SMS gateway, say) as signed CloudEvents, mail by the office's server; up to \(Jobs.attempts) tries with growing pauses."
                    ))
            }
            h.errorSummary(refusal)
            mail(h, visit)
            subscriptions(h, visit, hooks)
            form(h, visit, sent, HTML.Errors(refusal), open: refusal != nil || hooks.isEmpty)
            h.card(Text("投递记录", "The log")) {
                h.element("nav", "tabs mb-2", [.label(h.say(Text("状态", "State")))]) {
                    h.a("/admin/deliveries", chosen == nil ? "tab active" : "tab", Text("全部", "All"))
                    for (state, title, _) in states {
                        h.a(
                            "/admin/deliveries?state=\(state)", chosen == state ? "tab active" : "tab",
                            Text("\(title.zh)（\(totals[state] ?? 0)）", "\(title.en) (\(totals[state] ?? 0))"))
                    }
                }
                log(h, visit, rows, names)
            }
        }
    }

    private static func mail(_ h: HTML, _ visit: Visit) {
        h.card(Text("发信服务器", "Mail server")) {
            if let server = visit.desk.mailServer {
                h.p("mb-2", Text("\(server.url)，发件人 \(server.from)", "\(server.url), from \(server.from)"))
                visit.form(h, "/admin/deliveries/mail", "d-flex gap-2 align-items-end") {
                    h.div("flex-grow-1") { h.field("to", Text("发一封测试邮件到", "Send a test to"), value: nil, type: "email") }
                    h.button(Text("发送", "Send"), "btn btn-outline-primary mb-3")
                }
            } else {
                h.p(
                    "mb-0 text-muted",
                    Text(
                        "未配置。启动时用环境变量 SINAN_SMTP（如 smtp://mail.example.cn:587）和 SINAN_MAIL_FROM 指定，用户名、密码用 SINAN_SMTP_USER、SINAN_SMTP_PASSWORD。",
                        "None. Start with SINAN_SMTP (such as smtp://mail.example.cn:587) and SINAN_MAIL_FROM; user and password by SINAN_SMTP_USER and SINAN_SMTP_PASSWORD."))
            }
        }
    }

    private static func subscriptions(_ h: HTML, _ visit: Visit, _ hooks: [Outbox.Hook]) {
        h.card(Text("订阅", "Subscriptions")) {
            if hooks.isEmpty { h.p("text-muted mb-0", Text("还没有订阅", "None yet")) }
            for hook in hooks {
                h.div("d-flex flex-wrap gap-2 align-items-center mb-2") {
                    h.span("fw-semibold", hook.name)
                    h.element("code", "text-break", text: hook.url)
                    if hook.notices { h.badge(Text("通知", "notices"), "blue") }
                    if hook.acts { h.badge(Text("办理动态", "acts"), "teal") }
                    if hook.contacts { h.badge(Text("含电话", "with phones"), "amber") }
                    if let ended = hook.endedAt {
                        h.badge(Text("已于\(ended.day)停用", "ended \(ended.day)"), "grey")
                    } else {
                        visit.form(h, "/admin/hooks/\(hook.id)/test") { h.button(Text("试投", "Test"), "btn btn-sm btn-outline-secondary") }
                        visit.form(h, "/admin/hooks/\(hook.id)/end") {
                            h.button(
                                Text("停用", "End"), "btn btn-sm btn-outline-danger",
                                attributes: [h.confirming(Text("停用后不再推送，等待中的一并取消。确定停用？", "Nothing more is sent, what waits is dropped. End it?"))])
                        }
                    }
                }
            }
        }
    }

    private static func form(_ h: HTML, _ visit: Visit, _ sent: Form?, _ e: HTML.Errors, open: Bool) {
        h.element("details", "card mb-3", [.init("open", if: open)]) {
            h.element("summary", "card-header", text: h.say(Text("新增订阅", "Add a subscription")))
            visit.form(h, "/admin/deliveries", "card-body") {
                h.field("name", Text("名称", "Name"), value: sent?["name"], hint: Text("如：短信网关", "Such as: SMS gateway"), errors: e)
                h.field(
                    "url", Text("接收地址", "Address"), value: sent?["url"], type: "url",
                    hint: Text("https 地址；内网地址须由系统管理员在启动时用 SINAN_ALLOW 放行", "https; an address inside must be allowed with SINAN_ALLOW when the program is started"), errors: e)
                h.element("fieldset", "mb-3", [.id("f-about")]) {
                    h.element("legend", "form-label", text: h.say(Text("推送内容", "What is sent")))
                    if let error = e["about"] { h.element("div", "text-danger small", text: h.say(error)) }
                    h.checkbox("about", Text("通知（事项编号、对象、方式、标题）", "Notices: number, whom, how, title"), value: "notices", checked: sent?.all("about").contains("notices") ?? true)
                    h.checkbox(
                        "about", Text("办理动态（操作日志的每一条，不含个人信息）", "Acts: each entry of the ledger, without personal data"), value: "acts",
                        checked: sent?.all("about").contains("acts") ?? false)
                    h.checkbox(
                        "about", Text("通知中附对象的电话（短信网关需要；属于个人信息，请确认接收方有权处理）", "Phones of those who are told (a gateway needs them; personal data: be sure who receives it)"),
                        value: "contacts", checked: sent?.all("about").contains("contacts") ?? false)
                }
                h.button(Text("新增", "Add"))
            }
        }
    }

    private static func log(_ h: HTML, _ visit: Visit, _ rows: [Row], _ names: [Int64: String]) {
        if rows.isEmpty {
            return h.empty(Text("没有投递记录", "Nothing was sent"), Text("新增订阅或配置发信服务器后，这里显示每一次投递。", "With a subscription or a mail server each delivery shows here."))
        }
        h.div("table-wrap") {
            h.element("table", "table queue") {
                h.element("thead") {
                    h.tr {
                        for t in [
                            Text("时间", "Time"), Text("去向", "To"), Text("事件", "Event"), Text("状态", "State"), Text("次数", "Tries"), Text("回应", "Answer"), Text("操作", "Act"),
                        ] { h.th(t) }
                    }
                }
                h.element("tbody") {
                    for row in rows {
                        let state = states.first { $0.0 == row.string("state") } ?? states[0]
                        h.tr {
                            h.td("nowrap", row.moment("made_at").minuteText)
                            h.td(nil, row.int("hook") == 0 ? row.string("address") : names[row.int("hook")] ?? "")
                            h.td(nil, "\(row.string("type")) \(row.string("subject"))")
                            h.td { h.badge(state.1, state.2) }
                            h.td("number", String(row.count("attempts")))
                            h.td(nil, [row.optionalInt("status").map(String.init), row.optionalString("error")].compactMap { $0 }.joined(separator: " · "))
                            h.td {
                                if row.string("state") == "failed" {
                                    visit.form(h, "/admin/deliveries/\(row.int("id"))/again") { h.button(Text("重试", "Again"), "btn btn-sm btn-outline-primary") }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: Acts

    private static func subscribe(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("office.change")
        let form = try visit.exchange.form()
        var wrong: [Refusal.Field] = []
        let (name, url, about) = (form["name"] ?? "", form["url"] ?? "", Set(form.all("about")))
        if name.isEmpty || name.count > 60 { wrong.append(.init("/name", Text("请填写名称（60字以内）", "Give a name of at most 60 characters"))) }
        if url.wholeMatch(of: /https?:\/\/[!-~]{3,400}/) == nil || url.contains("@") {
            wrong.append(.init("/url", Text("请填写 http 或 https 地址，不含用户名", "An http or https address without a user in it")))
        }
        if !about.contains("notices"), !about.contains("acts") { wrong.append(.init("/about", Text("请至少选择一类内容", "Choose notices or acts"))) }
        guard wrong.isEmpty else { return try await list(visit, .invalid(wrong), form) }
        let (desk, now) = (visit.desk, visit.desk.now)
        let secret = try await desk.store.write { tx in
            try Outbox.subscribe(
                name, url: url, notices: about.contains("notices"), acts: about.contains("acts"), contacts: about.contains("contacts"), by: officer, desk: desk, at: now, tx)
        }
        return visit.redirect(
            "/admin/deliveries", saying: Text("已新增。接收方用此密钥校验签名（只显示一次）：\(secret)", "Added. The receiver checks signatures with this secret, shown once: \(secret)"))
    }

    private static func hook(_ visit: Visit, _ tx: Transaction) throws -> Outbox.Hook {
        guard let id = Int64(try visit.exchange.parameter("id")), let row = try tx.one("SELECT * FROM platform_hooks WHERE id = \(id)") else { throw Refusal.notFound }
        return Outbox.Hook(row)
    }

    private static func test(_ visit: Visit) async throws -> Answer {
        _ = try visit.require("office.change")
        let (desk, now) = (visit.desk, visit.desk.now)
        try await desk.store.write { tx in try Outbox.test(hook(visit, tx), desk: desk, at: now, tx) }
        return visit.redirect("/admin/deliveries", saying: Text("已排队，稍后在投递记录中查看结果", "Queued: see the log in a moment"))
    }

    private static func end(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("office.change")
        let now = visit.desk.now
        try await visit.desk.store.write { tx in try Outbox.end(hook(visit, tx).id, by: officer, at: now, tx) }
        return visit.redirect("/admin/deliveries", saying: Text("订阅已停用", "The subscription has ended"))
    }

    private static func again(_ visit: Visit) async throws -> Answer {
        _ = try visit.require("office.change")
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        try await visit.desk.store.write { try Outbox.again(id, at: now, $0) }
        return visit.redirect("/admin/deliveries", saying: Text("已重新排队", "Queued again"))
    }

    private static func testMail(_ visit: Visit) async throws -> Answer {
        _ = try visit.require("office.change")
        let to = try visit.exchange.form()["to"] ?? ""
        guard MailMessage.isAddress(to) else { return try await list(visit, .invalid("/to", Text("请填写邮箱地址", "Give a mail address")), nil) }
        let (desk, now) = (visit.desk, visit.desk.now)
        try await desk.store.write { tx in
            try Outbox.mail(
                to, .init(subject: "测试邮件", text: "这是一封测试邮件，收到即表示发信服务器可用。\n\nThis is a test: mail works."), event: "test-\(now.milliseconds)", subject: "", desk: desk,
                at: now, tx)
        }
        return visit.redirect("/admin/deliveries", saying: Text("已排队，稍后在投递记录中查看结果", "Queued: see the log in a moment"))
    }

    // MARK: An officer's own

    /// The cards of the account's page: where reminders go, and the calendar.
    static func own(_ h: HTML, _ visit: Visit, _ email: String?, _ hasFeed: Bool) {
        h.card(Text("邮件提醒", "Reminders by mail")) {
            visit.form(h, "/account/address") {
                h.field(
                    "email", Text("邮箱", "Mail address"), value: email, type: "email",
                    hint: visit.desk.mailServer == nil
                        ? Text("单位尚未配置发信服务器，配置后生效", "The office has no mail server yet: it will be used when it has")
                        : Text("每个工作日上午发送本人临期事项；留空即停止", "Your matters that lapse soon, each working morning; empty to stop"), required: false)
                h.button(Text("保存", "Save"))
            }
        }
        h.card(Text("日历订阅", "Calendar")) {
            h.p(nil, Text("用手机或电脑的日历订阅本人事项的期限和调解日程（iCalendar）。", "Subscribe with any calendar to the periods of your matters and your appointments (iCalendar)."))
            if hasFeed { h.p("small text-muted", Text("已生成过订阅链接；重新生成后原链接失效。", "A link exists; a new one ends it.")) }
            visit.form(h, "/account/feed") { h.button(hasFeed ? Text("重新生成链接", "Make a new link") : Text("生成订阅链接", "Make the link"), "btn btn-outline-primary") }
        }
    }

    private static func address(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let email = try visit.exchange.form()["email"]
        guard email.map(MailMessage.isAddress) ?? true else {
            return visit.redirect("/account", saying: Text("“\(email!.prefix(60))”不是邮箱地址，未保存", "“\(email!.prefix(60))” is no mail address: nothing was saved"), refused: true)
        }
        let now = visit.desk.now
        try await visit.desk.store.write { tx in
            try tx.run("INSERT INTO platform_addresses (account, email) VALUES (\(account.id), \(email)) ON CONFLICT (account) DO UPDATE SET email = \(email)")
            try tx.audit("accounts.address", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now)
        }
        return visit.redirect("/account", saying: email == nil ? Text("已停止邮件提醒", "No more reminders by mail") : Text("邮箱已保存", "The address is saved"))
    }

    private static func makeFeed(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let now = visit.desk.now
        let token = try await visit.desk.store.write { try Reminders.makeFeed(account, at: now, $0) }
        return visit.redirect(
            "/account",
            saying: Text(
                "在日历中订阅此地址（只显示一次，请勿转发）：\(visit.exchange.origin)/feeds/\(token).ics",
                "Subscribe to this address; it is shown once, keep it to yourself: \(visit.exchange.origin)/feeds/\(token).ics"))
    }
}
