import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Making a report (网上举报), with a name or without, and following it by number and code: what the office asks, what the reporter adds.
struct ReportIntake: Sendable {
    let desk: Desk
    let filing: RateLimit
    let tracking: RateLimit
    let printer: Printer

    func routes() -> [Route] {
        [
            Route(.get, "/reports/new", .anyone) { visit in page(visit, Form(), nil, []) },
            Route(.post, "/reports/new", .anyone, cap: 64 << 20) { visit in try await take(visit, source: "web") },
            Route(.get, "/reports/register", .permitted("reports.register")) { visit in page(visit, Form(), nil, []) },
            Route(.post, "/reports/register", .permitted("reports.register"), cap: 64 << 20) { visit in try await take(visit, source: nil) },
            Route(.get, "/reports/track/:number", .anyone) { visit in try await follow(visit, nil) },
            Route(.post, "/reports/track/:number", .anyone, cap: 64 << 20) { visit in try await add(visit) },
        ]
    }

    static let sources: [(String, Text)] = [
        ("phone", Text("电话", "Phone")), ("counter", Text("窗口", "Counter")), ("mail", Text("信函", "Letter")), ("12315", Text("全国平台", "National platform")),
        ("association", Text("消费者组织移送", "Consumers' association")),
    ]

    // MARK: Taking in

    private func take(_ visit: Visit, source: String?) async throws -> Answer {
        let form = try visit.exchange.form()
        let (kept, wrongFiles) = Attachments.take(form, visit)
        do {
            if source != nil { try filing.take("report|" + visit.exchange.peer, at: visit.desk.now) }
            let source = try source ?? form.chosen("source", Self.sources.map(\.0))
            let report: ReportFiling
            do { report = try ReportFiling(form: form, source: source, today: visit.desk.today()) } catch {
                throw Refusal.invalid(error.fields + wrongFiles)
            }
            guard wrongFiles.isEmpty else { throw Refusal.invalid(wrongFiles) }
            let actor = source == "web" ? Actor.filer : .staff(try visit.signedIn())
            let (desk, now, code) = (desk, visit.desk.now, AccessCode.make())
            let matter = try await desk.store.write { try report.register(files: kept, by: actor, desk: desk, at: now, code: code, $0) }
            if source == "web" { return .redirect(Link.query("/reports/track/\(matter.number)", [("code", code), ("new", "yes")])) }
            return visit.redirect(
                "/reports/register",
                saying: Text("已登记 \(matter.number)，查询码 \(code)：请将编号和查询码告知举报人。", "Registered \(matter.number), code \(code): tell the reporter both."))
        } catch let refusal as Refusal where refusal.kind == .invalid { return page(visit, form, refusal, kept) }
    }

    private func page(_ visit: Visit, _ f: Form, _ refusal: Refusal?, _ kept: [Attachments.Kept]) -> Answer {
        let atCounter = visit.exchange.path == "/reports/register"
        let e = HTML.Errors(refusal)
        return visit.page(Text("举报违法行为", "Report a violation"), status: refusal?.kind.status ?? 200, active: atCounter ? "/reports/register" : "/reports/new") { h in
            h.div(atCounter ? "narrow" : "narrow intake") {
                h.h1(atCounter ? Text("举报登记", "Register a report") : Text("举报违法行为", "Report a violation"))
                if !atCounter {
                    h.p("lead", Text("发现商家违反市场监管法律法规，可以实名或者匿名举报。", "You know of a breach of market law: report it, with your name or without."))
                    h.p(nil) {
                        h.text(Text("自己买的东西有纠纷、想要退款赔偿的，请走", "A dispute over something you bought, a refund: "))
                        h.a("/complaints/new", nil, Text("我要投诉", "file a complaint"))
                        h.text(Text("；两样都有的，可在投诉最后一步一并举报。", "; for both, add the report on the complaint's last step."))
                    }
                }
                h.errorSummary(refusal)
                visit.form(h, visit.exchange.path, "card card-body", multipart: true) {
                    if atCounter { h.select("source", Text("来源", "From"), options: Self.sources, value: f["source"] ?? "phone", errors: e) }
                    h.select(
                        "area", Text("涉及领域", "What it is about"), options: ReportRules.shared.areas.filter { atCounter || $0.id != "association" }.map { ($0.id, $0.title) },
                        value: f["area"],
                        errors: e, empty: Text("请选择", "Choose"))
                    h.field("respondentName", Text("被举报的商家或个人", "Who is reported"), value: f["respondentName"], errors: e, autocomplete: "off")
                    h.field(
                        "respondentAddress", Text("地址", "Address"), value: f["respondentAddress"],
                        hint: Text("网店填平台和店铺名；无证摊点写明位置", "For a web shop platform and shop; for a stall where it stands"),
                        errors: e, autocomplete: "off")
                    h.field("shopURL", Text("网址", "Web address"), value: f["shopURL"], type: "url", errors: e, required: false)
                    h.field("respondentUSCC", Text("统一社会信用代码", "Credit code"), value: f["respondentUSCC"], errors: e, required: false)
                    h.field(
                        "occurredOn", Text("发生日期", "Day"), value: f["occurredOn"], type: "date", errors: e, required: false,
                        attributes: [.init("max", visit.desk.today().description)])
                    h.area(
                        "clues", Text("具体线索和事实依据", "What you know and what shows it"), value: f["clues"], rows: 7,
                        hint: Text("何时何地、卖什么、怎样违法。请不要在这里写自己的姓名和电话。", "When, where, what was sold, what was wrong. Leave your own name and phone out of here."), errors: e)
                    h.element("label", "form-label", [.for_("f-files")], text: h.say(Text("照片、凭证（选填）", "Photos and papers (optional)")))
                    if let error = e["files"] { h.element("div", "text-danger small", text: h.say(error)) }
                    visit.keptFiles(h, kept)
                    h.void(
                        "input", "form-control mb-3",
                        [.type("file"), .id("f-files"), .name("files"), .init("multiple", if: true), .init("accept", "image/jpeg,image/png,image/webp,application/pdf,video/mp4")])
                    h.radios(
                        "named", Text("实名还是匿名", "With your name or without"),
                        options: [
                            ("yes", Text("实名举报", "With my name"), Text("法律规定告知结果或者奖励的，可以联系到您", "Where a law gives an answer or a reward we can reach you")),
                            ("no", Text("匿名举报", "Without"), Text("不留任何身份信息；凭回执码查看提问和告知", "Nothing about you is kept; the receipt's code shows questions and answers")),
                        ], value: f["named"], errors: e)
                    h.element("fieldset", "mb-3", [.id("f-reporter")]) {
                        h.element("legend", "form-label", text: h.say(Text("举报人（实名时填写）", "Reporter (with your name)")))
                        h.field("name", Text("姓名", "Name"), value: f["name"], errors: e, required: false, autocomplete: "name")
                        h.field("phone", Text("联系电话", "Phone"), value: f["phone"], type: "tel", errors: e, required: false, autocomplete: "tel")
                        h.field("address", Text("联系地址", "Address"), value: f["address"], errors: e, required: false, autocomplete: "street-address")
                    }
                    h.p(
                        "small text-muted",
                        Text(
                            "举报人信息加密另存，只有承办人因工作需要才能查看，每次查看都有记录；不会告诉被举报人（《投诉举报处理办法》第三十七条）。",
                            "Who you are is kept apart, encrypted; only who handles the report may open it, each look is recorded, and it is never told to who is reported (Measures, art. 37)."
                        ))
                    h.button(atCounter ? Text("登记", "Register") : Text("提交举报", "Send the report"), "btn btn-primary btn-lg")
                }
            }
        }
    }

    // MARK: The reporter's door

    private func own(_ visit: Visit, _ code: String) async throws -> (Report, [(office: Bool, body: String, at: Moment)]) {
        try tracking.take("report|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        let handling = ReportHandling(desk: desk)
        return try await desk.store.read { tx in
            let missing = Refusal(.notFound, Text("编号与查询码不符，请核对后再试", "Number and code do not fit: please check them"))
            guard let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(number) AND kind = \(ReportMoves.kind)") else { throw missing }
            let report = try tx.report(Matter(row))
            guard AccessCode.fits(code, number, report.tracking) else { throw missing }
            return (report, try handling.messages(report.matter.id, tx))
        }
    }

    private func follow(_ visit: Visit, _ refusal: Refusal?, _ sent: Form? = nil) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let (r, messages) = try await own(visit, code)
        let isNew = visit.exchange.query["new"] == "yes"
        let state = ReportMoves.table.state(r.matter.state)
        return visit.page(Text("举报 \(r.matter.number)", "Report \(r.matter.number)"), status: refusal?.kind.status ?? 200, active: "/track") { h in
            h.div("narrow") {
                if isNew {
                    h.div("alert alert-success") {
                        h.h1(Text("已收到您的举报", "Your report was received"), "h4")
                        h.p("receipt-number mb-1", r.matter.number)
                        h.p("mb-1") {
                            h.text(Text("查询码 ", "Code "))
                            h.element("strong", text: code)
                        }
                        h.p(
                            "mb-0",
                            Text("请保存编号和查询码：它们只显示这一次，凭它们查看提问、补充材料和查看告知。", "Keep both: they are shown this once. With them you see questions, add material and read answers."))
                    }
                } else {
                    h.h1(Text("举报 \(r.matter.number)", "Report \(r.matter.number)"))
                }
                h.errorSummary(refusal)
                h.card(Text("办理情况", "Where it stands")) {
                    h.p("mb-1") { h.badge(state.outside, state.tone) }
                    h.p("small mb-0", Text("\(r.matter.receivedAt.minuteText)收到", "Received \(r.matter.receivedAt.minuteText)"))
                    if let told = r.told { h.p("pre mt-2 mb-0", told) }
                    if r.telling == nil {
                        h.p(
                            "small text-muted mt-2 mb-0",
                            Text("该类举报没有法律、法规、规章要求告知处理结果；有需要时我们会在这里向您提问。", "No law asks to tell the result of this kind of report; questions to you appear here."))
                    } else if r.told == nil, let telling = r.telling {
                        h.p(
                            "small text-muted mt-2 mb-0",
                            Text(
                                "处理结果将依照\(visit.desk.law.register.cite(telling.article).zh)告知您。",
                                "You will be told the result under \(visit.desk.law.register.cite(telling.article).en)."))
                    }
                }
                h.card(Text("往来", "Messages")) {
                    if messages.isEmpty { h.p("text-muted", Text("还没有往来", "None yet")) }
                    for message in messages {
                        h.div("note") {
                            h.p("small fw-semibold mb-1", message.office ? Text("市场监管部门", "The authority") : Text("您", "You"))
                            h.p("pre mb-1", message.body)
                            h.p("text-muted small mb-0", message.at.minuteText)
                        }
                    }
                    if r.matter.open {
                        visit.form(h, "/reports/track/\(r.matter.number)", multipart: true) {
                            h.hidden("code", code)
                            h.area("body", Text("补充线索或回答", "Add to it, or answer"), value: sent?["body"], rows: 4, errors: HTML.Errors(refusal), maxLength: 2000)
                            h.element("label", "form-label", [.for_("f-files")], text: h.say(Text("照片、凭证（选填）", "Photos and papers (optional)")))
                            h.void("input", "form-control mb-3", [.type("file"), .id("f-files"), .name("files"), .init("multiple", if: true)])
                            h.button(Text("提交", "Send"))
                        }
                    }
                }
            }
        }
    }

    private func add(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let code = form["code"] ?? ""
        let (report, _) = try await own(visit, code)
        let (desk, now) = (desk, visit.desk.now)
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            try await desk.store.write { tx in
                let fresh = try tx.report(tx.matter(report.matter.id))
                try ReportHandling(desk: desk).apply("reply", on: fresh, input: form, by: .filer, at: now, tx)
                try Attachments.attach(kept, to: fresh.matter, source: "reporter", by: "filer", at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await follow(visit, refusal, form) }
        return visit.redirect(Link.query("/reports/track/\(report.matter.number)", [("code", code)]), saying: Text("已收到", "Received"))
    }
}
