import Formats
import Kernel
import Platform
import Store
import Web

/// Public intake (网上投诉): one question a page, on a phone first, without JavaScript, in both languages.
struct IntakePages: Sendable {
    let handling: Handling
    let limit: RateLimit

    enum Step: String, CaseIterable {
        case what, who, claim, evidence, you, check

        var title: Text {
            switch self {
            case .what: Text("发生了什么？", "What happened?")
            case .who: Text("您要投诉哪个商家？", "Which business is it?")
            case .claim: Text("什么时候、买了什么、您希望怎样解决？", "What, when, and what do you ask for?")
            case .evidence: Text("有照片或凭证吗？", "Do you have photos or papers?")
            case .you: Text("怎样联系您？", "How can we reach you?")
            case .check: Text("请核对后提交", "Check your answers")
            }
        }
        var fields: [String] {
            switch self {
            case .what: ["facts"]
            case .who: ["respondentName", "respondentAddress", "respondentUSCC", "respondentPhone", "shopURL", "platform"]
            case .claim: ["purchase", "occurredOn", "occurredPlace", "amount", "claim"]
            case .evidence: []
            case .you: ["name", "phone", "address", "publication", "delegation"]
            case .check: ["way", "report", "reportArea", "reportClues"]
            }
        }
        /// The pointers whose flaws belong to this step.
        func owns(_ pointer: String) -> Bool {
            let name = Filing.formName(pointer)
            return fields.contains(name) || (self == .claim && name == "claim")
        }
        var number: Int { Step.allCases.firstIndex(of: self)! + 1 }
        var next: Step? { Step.allCases.dropFirst(number).first }
        var previous: Step? { number > 1 ? Step.allCases[number - 2] : nil }
        var path: String { "/complaints/new/\(rawValue)" }
    }

    /// How many businesses a search shows on a phone.
    private static let shown = 8

    func routes() -> [Route] {
        [
            Route(.get, "/complaints/new", .anyone) { visit in try await start(visit) },
            Route(.get, "/complaints/new/:step", .anyone) { visit in try await show(visit, step(visit), nil) },
            Route(.post, "/complaints/new/:step", .anyone) { visit in try await take(visit, step(visit)) },
            Route(.get, Step.evidence.path, .anyone) { visit in try await show(visit, .evidence, nil) },
            Route(.post, Step.evidence.path, .anyone, cap: 64 << 20) { visit in try await take(visit, .evidence) },
        ]
    }

    private func step(_ visit: Visit) throws -> Step {
        guard let step = Step(rawValue: try visit.exchange.parameter("step")) else { throw Refusal.notFound }
        return step
    }

    private func token(_ visit: Visit) -> String? { visit.exchange.cookies[Draft.cookie].flatMap { $0.count == 32 && $0.allSatisfy(\.isHexDigit) ? $0 : nil } }

    private func start(_ visit: Visit) async throws -> Answer {
        let now = visit.desk.now
        let token = token(visit)
        let draft = try await visit.desk.store.read { try Draft.load(token, at: now, $0) }
        let begun = draft.fields["facts"] != nil
        return visit.page(Text("我要投诉", "File a complaint"), active: "/complaints/new") { h in
            h.div("narrow intake") {
                h.h1(Text("我要投诉", "File a complaint"))
                h.p("lead", Text("为生活消费买了东西或服务，与商家发生争议，可以请市场监管部门调解。", "You bought something for your own use and disagree with the business: the market regulator can mediate."))
                h.element("ol", "steps-list") {
                    for (n, text) in [
                        (1, Text("回答六个简短的问题，约五分钟", "Six short questions, about five minutes")),
                        (2, Text("七个工作日内决定是否受理并告知您", "Within seven working days you are told whether it is taken up")),
                        (3, Text("受理后六十日内组织调解，您可随时凭编号查询进度", "Mediation within sixty days; follow it with your number at any time")),
                    ] {
                        h.li {
                            h.span("step-n", String(n)); h.text(text)
                        }
                    }
                }
                h.p(nil, Text("请准备：商家名称和地址、购买日期和金额、照片或凭证。", "Have ready: the name and address of the business, date and amount, photos or papers."))
                if begun {
                    h.div("alert alert-info", Text("您有一份未完成的投诉，内容已保存。", "You have an unfinished complaint; what you wrote was kept.")[visit.language])
                    h.a(Step.what.path, "btn btn-primary btn-lg w-100", Text("继续填写", "Go on"))
                } else {
                    h.a(Step.what.path, "btn btn-primary btn-lg w-100", Text("开始", "Begin"))
                }
                h.p("text-muted small mt-3") {
                    h.text(Text("举报违法线索请走", "To report a violation: "))
                    h.a("/reports/new", nil, Text("举报入口", "report it here"))
                    h.text(Text("；咨询、信息公开、行政复议等请通过相应渠道提出。", "; enquiries, information requests and administrative review have channels of their own."))
                }
            }
        }
    }

    private func show(_ visit: Visit, _ step: Step, _ refusal: Refusal?) async throws -> Answer {
        let now = visit.desk.now
        let token = token(visit)
        let typed = visit.exchange.query["q"]
        let (draft, found, online) = try await visit.desk.store.read { tx in
            let draft = try Draft.load(token, at: now, tx)
            return (draft, step == .who ? try typed.map { try Operators.search($0, limit: IntakePages.shown + 1, tx) } : nil, try step == .check && IntakePages.isOnline(draft, tx))
        }
        return render(visit, step, draft, found: found, online: online, refusal)
    }

    private func render(_ visit: Visit, _ step: Step, _ draft: Draft, found: [Operator]?, online: Bool = false, _ refusal: Refusal?) -> Answer {
        visit.page(step.title, status: refusal?.kind.status ?? 200, active: "/complaints/new") { h in
            h.div("narrow intake") {
                h.p("progress-text", Text("第\(step.number)步，共\(Step.allCases.count)步", "Step \(step.number) of \(Step.allCases.count)"))
                h.element("progress", "intake-progress", [.init("max", String(Step.allCases.count)), .value(String(step.number)), .label(h.say(Text("进度", "Progress")))]) {}
                h.h1(step.title)
                // At the last step each flaw leads back to the question that it belongs to.
                h.errorSummary(refusal) { field in step == .check ? Step.allCases.first { $0.owns("/" + field) }?.path ?? "" : "" }
                if step == .who { search(h, visit, found) }
                // Name and address may stay empty where a link says who it is: the server tells what is missing.
                visit.form(h, step.path, multipart: step == .evidence, attributes: [.init("novalidate", if: step == .who)]) {
                    fields(h, visit, step, draft, HTML.Errors(refusal), online: online)
                    h.div("intake-buttons") {
                        if let previous = step.previous { h.a(previous.path, "btn btn-outline-secondary", Text("上一步", "Back")) }
                        h.button(step == .check ? Text("确认并提交", "Send the complaint") : Text("下一步", "Next"), "btn btn-primary btn-lg")
                    }
                }
            }
        }
    }

    /// Whether the business of a draft settles disputes online.
    private static func isOnline(_ draft: Draft, _ tx: Transaction) throws -> Bool {
        var filing = Filing()
        (filing.respondentName, filing.respondentUSCC, filing.shopURL) = (draft.fields["respondentName"] ?? "", draft.fields["respondentUSCC"], draft.fields["shopURL"])
        return try Registration.respondent(of: filing, tx).map { try ODR.isAdmitted($0.id, tx) } ?? false
    }

    private func search(_ h: HTML, _ visit: Visit, _ found: [Operator]?) {
        h.element("form", "register-search card card-body mb-3", [.init("method", "get"), .init("action", Step.who.path), .role("search")]) {
            h.element("label", "form-label", [.for_("q")], text: h.say(Text("在登记库中查找商家", "Find it in the register")))
            h.div("d-flex gap-2") {
                h.void(
                    "input", "form-control",
                    [
                        .type("search"), .id("q"), .name("q"), .value(visit.exchange.query["q"]),
                        .init("placeholder", h.say(Text("名称、简称、信用代码或拼音首字母", "Name, part of it, code or initials"))),
                    ])
                h.button(Text("查找", "Find"), "btn btn-outline-primary")
            }
        }
        guard let found else { return }
        if found.isEmpty {
            h.empty(Text("没有找到", "Nothing found"), Text("请在下方填写名称和地址，我们会核实。", "Fill in name and address below: we will find out."))
        } else {
            visit.form(h, Step.who.path, "found-list") {
                for o in found.prefix(IntakePages.shown) {
                    h.element("button", "found", [.type("submit"), .name("choose"), .value(o.uscc)]) {
                        h.span("found-name", o.name)
                        h.span("found-place", o.address)
                        if o.status != .active { h.badge(o.status.title, "amber") }
                    }
                }
            }
            if found.count > IntakePages.shown {
                h.p("small", Text("还有更多同类名称，请把名称写得更完整再查找。", "There are more: type more of the name and search again."))
            }
            h.p("text-muted small", Text("点选您要投诉的商家；都不是的话请在下方填写。", "Pick the business; if none fits, fill in below."))
        }
    }

    private func fields(_ h: HTML, _ visit: Visit, _ step: Step, _ draft: Draft, _ errors: HTML.Errors, online: Bool) {
        let f = draft.fields
        switch step {
        case .what:
            h.area(
                "facts", Text("请按时间顺序说明经过", "Tell it in the order in which it happened"), value: f["facts"], rows: 9,
                hint: Text("何时何地、与谁、发生了什么、商家怎么答复。请不要写银行卡号等无关信息。", "When, where, with whom, what happened, what the business said. Leave out card numbers and the like."),
                errors: errors)
        case .who:
            h.field(
                "respondentName", Text("商家名称", "Name of the business"), value: f["respondentName"], hint: Text("营业执照、小票或店招上的名称", "As on the licence, the receipt or the sign"),
                errors: errors, autocomplete: "off")
            h.field(
                "respondentAddress", Text("商家地址", "Its address"), value: f["respondentAddress"],
                hint: Text("网店请填平台公示的地址，没有就写平台和店铺名", "For a web shop the address shown on the platform, or platform and shop"), errors: errors, autocomplete: "off")
            h.field(
                "shopURL", Text("网店或商品链接", "Link to the shop or the goods"), value: f["shopURL"], type: "url",
                hint: Text("登记过的网店只填链接即可，名称和地址自动带出", "For a shop on record the link is enough: name and address are filled in"), errors: errors, required: false)
            h.field("respondentUSCC", Text("统一社会信用代码", "Credit code"), value: f["respondentUSCC"], errors: errors, required: false)
            h.field("respondentPhone", Text("商家电话", "Its phone"), value: f["respondentPhone"], type: "tel", errors: errors, required: false)
        case .claim:
            h.field("purchase", Text("买的商品或服务", "Goods or service"), value: f["purchase"], errors: errors)
            h.field(
                "occurredOn", Text("购买或发生的日期", "Day of purchase or event"), value: f["occurredOn"], type: "date", errors: errors,
                attributes: [.init("max", visit.desk.today().description)])
            h.field("amount", Text("涉及金额（元）", "Amount (yuan)"), value: f["amount"], errors: errors, required: false, inputmode: "decimal")
            h.element("fieldset", "mb-3", [.id("f-claim")]) {
                h.element("legend", "form-label", text: h.say(Text("您的诉求（可多选）", "What you ask for (one or more)")))
                if let error = errors["claim"] { h.element("div", "text-danger small mb-1", [], text: h.say(error)) }
                for kind in ClaimKind.allCases { h.checkbox("claim", kind.title, value: kind.rawValue, checked: f.all("claim").contains(kind.rawValue)) }
            }
        case .evidence:
            h.p(
                "text-muted",
                Text(
                    "小票、订单截图、商品照片、聊天记录等。每个不超过20MB，最多\(Attachments.maximumCount)个。对外提供前会去除照片中的位置信息。",
                    "Receipts, order pages, photos, messages: up to 20 MB each, \(Attachments.maximumCount) in all. Where a photo was taken is removed before anyone outside sees it."
                ))
            h.element(
                "input", "form-control mb-3",
                [
                    .type("file"), .id("f-files"), .name("files"), .init("multiple", if: true), .init("accept", "image/jpeg,image/png,image/webp,application/pdf,video/mp4"),
                    .label(h.say(Text("选择文件", "Choose files"))),
                ]
            ) {}
            if !draft.files.isEmpty {
                h.ul("file-list") {
                    for (i, file) in draft.files.enumerated() {
                        h.li {
                            h.span(nil, "\(file.name)（\(max(1, file.size / 1024)) KB）")
                            h.button(Text("移除", "Remove"), "btn btn-sm btn-link", name: "remove", value: String(i))
                        }
                    }
                }
            }
        case .you:
            h.field("name", Text("您的姓名", "Your name"), value: f["name"], errors: errors, autocomplete: "name")
            h.field(
                "phone", Text("联系电话", "Phone"), value: f["phone"], type: "tel", hint: Text("受理和调解会联系这个号码", "We call this number about the complaint"), errors: errors,
                autocomplete: "tel")
            h.field(
                "address", Text("通讯地址", "Postal address"), value: f["address"], hint: Text("依规定需要提供（《投诉举报处理办法》第十条）", "The Measures ask for it (art. 10)"), errors: errors,
                autocomplete: "street-address")
            let options: [(String, Text, Text?)] = [("yes", Text("同意", "Yes"), nil), ("no", Text("不同意", "No"), nil)]
            h.radios(
                "publication", Text("是否同意公示投诉信息？（不含您的个人信息）", "May the complaint be published, without anything about you?"), options: options, value: f["publication"],
                errors: errors, inline: true)
            h.radios(
                "delegation", Text("是否同意委托消费者协会等组织调解？", "May a consumers' association or another body mediate for us?"), options: options, value: f["delegation"], errors: errors,
                inline: true)
            h.card(Text("商家会看到什么", "What the business will see"), "soft") {
                h.p("mb-1", Text("看得到：事情经过、诉求、金额，以及为组织调解所必需的信息。", "It sees: what happened, what you ask for, the amount, and what is indispensable for mediation."))
                h.p("mb-0", Text("看不到：您的电话、通讯地址、证件号码。", "It does not see: your phone, your postal address, your identity number."))
            }
        case .check:
            review(h, visit, draft)
            if online {
                h.checkbox(
                    "way", Text("先由商家在线与我协商（十个工作日内，不成再转投诉）", "Let the business settle it with me online first: ten working days, then it becomes a complaint"), value: "odr",
                    checked: draft.fields["way"] == "odr")
            }
            alsoReport(h, draft, errors)
        }
    }

    private func review(_ h: HTML, _ visit: Visit, _ draft: Draft) {
        let f = draft.fields
        func part(_ step: Step, _ rows: [(Text, String?)]) {
            h.element("section", "review-part") {
                h.div("review-head") {
                    h.h2(step.title, "h6")
                    h.a(step.path, nil, Text("修改", "Change"))
                }
                h.definitions { for (name, value) in rows { h.definition(name, value) } }
            }
        }
        let claims = f.all("claim").compactMap { ClaimKind(rawValue: $0)?.title[visit.language] }.joined(separator: visit.language == .zh ? "、" : ", ")
        func yes(_ name: String) -> String? { f[name].map { $0 == "yes" ? h.say(Text("同意", "Yes")) : h.say(Text("不同意", "No")) } }
        part(.what, [(Text("经过", "Facts"), f["facts"])])
        part(.who, [(Text("商家", "Business"), f["respondentName"]), (Text("地址", "Address"), f["respondentAddress"]), (Text("链接", "Link"), f["shopURL"])])
        part(
            .claim, [(Text("商品或服务", "Goods or service"), f["purchase"]), (Text("日期", "Day"), f["occurredOn"]), (Text("金额", "Amount"), f["amount"]), (Text("诉求", "Claims"), claims)])
        part(.evidence, [(Text("附件", "Files"), draft.files.isEmpty ? h.say(Text("没有", "None")) : draft.files.map(\.name).joined(separator: "、"))])
        part(
            .you,
            [
                (Text("姓名", "Name"), f["name"]), (Text("电话", "Phone"), f["phone"]), (Text("地址", "Address"), f["address"]), (Text("公示", "Publication"), yes("publication")),
                (Text("委托调解", "Delegation"), yes("delegation")),
            ])
        h.p("text-muted small", Text("提交即表示您对所提供材料的真实性负责。", "By sending it you answer for the truth of what you provide."))
    }

    /// What also breaks the law is a matter of its own. Law: O121 art. 9.
    private func alsoReport(_ h: HTML, _ draft: Draft, _ errors: HTML.Errors) {
        let f = draft.fields
        h.element("details", "card card-body mb-3", [.init("open", if: f["report"] == "yes" || !errors.isEmpty)]) {
            h.element("summary", text: h.say(Text("同时举报该商家违法（选填）", "Also report the business for a violation (optional)")))
            h.p(
                "small text-muted mt-2",
                Text("投诉解决您和商家的纠纷，举报由执法人员核查违法；两件分别编号、分别办理。", "The complaint settles your dispute, the report is verified by officers; each has a number and a course of its own."))
            h.checkbox("report", Text("我同时举报", "I also report it"), checked: f["report"] == "yes")
            h.select(
                "reportArea", Text("涉及领域", "What it is about"), options: ReportRules.shared.areas.filter { $0.id != "association" }.map { ($0.id, $0.title) },
                value: f["reportArea"], errors: errors,
                required: false, empty: Text("请选择", "Choose"))
            h.area(
                "reportClues", Text("违法线索和依据", "What is unlawful, and what shows it"), value: f["reportClues"], rows: 4,
                hint: Text("留空则使用上面的事情经过", "Left empty, the facts above are taken"),
                errors: errors, required: false)
        }
    }

    private func take(_ visit: Visit, _ step: Step) async throws -> Answer {
        let form = try visit.exchange.form()
        let now = visit.desk.now
        let known = token(visit)
        let token = known ?? Crypto.hex(Crypto.random(16))
        var draft = try await visit.desk.store.read { try Draft.load(known, at: now, $0) }
        if let code = form["choose"], step == .who {
            let chosen = try await visit.desk.store.read { try Operators.find(uscc: code, $0) }
            guard let chosen else { throw Refusal.notFound }
            draft.fields.set("respondentName", chosen.name)
            draft.fields.set("respondentAddress", chosen.address)
            draft.fields.set("respondentUSCC", chosen.uscc)
            // A link typed for another business does not go with this one.
            if let link = draft.fields["shopURL"], try await visit.desk.store.read({ try Operators.find(shopURL: link, $0) })?.id != chosen.id {
                draft.fields.remove("shopURL")
                draft.fields.remove("platform")
            }
            return try await keep(visit, draft, token, then: .redirect(Step.claim.path))
        }
        if let index = form["remove"].flatMap({ Int($0) }), step == .evidence, draft.files.indices.contains(index) {
            draft.files.remove(at: index)
            return try await keep(visit, draft, token, then: .redirect(Step.evidence.path))
        }
        for name in step.fields {
            draft.fields.remove(name)
            for value in form.all(name) where !value.trimmed.isEmpty { draft.fields.add(name, value.trimmed) }
        }
        if step == .who, let link = draft.fields["shopURL"], draft.fields["respondentName"] == nil || draft.fields["respondentAddress"] == nil {
            // A shop that the register knows by its address needs no name typed.
            if let known = try await visit.desk.store.read({ try Operators.find(shopURL: link, $0) }) {
                if draft.fields["respondentName"] == nil { draft.fields.set("respondentName", known.name) }
                if draft.fields["respondentAddress"] == nil { draft.fields.set("respondentAddress", known.address) }
                if draft.fields["respondentUSCC"] == nil { draft.fields.set("respondentUSCC", known.uscc) }
            }
        }
        var rejected: [Refusal.Field] = []
        do {
            if step == .evidence {
                guard draft.files.count + form.files.count <= Attachments.maximumCount else {
                    throw Refusal.invalid("/files", Text("最多\(Attachments.maximumCount)个附件", "At most \(Attachments.maximumCount) files"))
                }
                let files = visit.desk.files
                // What is good is kept, what is not is named.
                for file in form.files {
                    do { draft.files.append(try Attachments.keep(file.name, file.bytes, files)) } catch let refusal as Refusal where refusal.kind == .invalid {
                        rejected += refusal.fields
                    }
                }
            }
            let snapshot = draft
            try await visit.desk.store.write { try snapshot.save(token, at: now, $0) }
            if !rejected.isEmpty { throw Refusal.invalid(rejected) }
            if step == .check { return try await submit(visit, draft, token) }
            try check(draft, step, today: visit.desk.today())
        } catch let refusal as Refusal {
            let kept = draft
            let online = try await visit.desk.store.read { try step == .check && IntakePages.isOnline(kept, $0) }
            let answer = render(visit, step, draft, found: nil, online: online, Filing.forForm(refusal))
            return answer.setting(cookie: Draft.cookie, to: token, maxAge: Int(Draft.lifetime), secure: visit.desk.configuration.secureCookies)
        }
        return Answer.redirect(step.next!.path).setting(cookie: Draft.cookie, to: token, maxAge: Int(Draft.lifetime), secure: visit.desk.configuration.secureCookies)
    }

    private func keep(_ visit: Visit, _ draft: Draft, _ token: String, then answer: Answer) async throws -> Answer {
        let now = visit.desk.now
        try await visit.desk.store.write { try draft.save(token, at: now, $0) }
        return answer.setting(cookie: Draft.cookie, to: token, maxAge: Int(Draft.lifetime), secure: visit.desk.configuration.secureCookies)
    }

    /// The flaws of this step alone; the others are asked for when their page comes.
    private func check(_ draft: Draft, _ step: Step, today: Day) throws(Refusal) {
        let flaws: [Refusal.Field]
        do { flaws = try Filing(form: draft.fields, source: "web").flaws(today: today) } catch { throw error }
        let own = flaws.filter { step.owns($0.pointer) }
        if !own.isEmpty { throw .invalid(own) }
    }

    private func submit(_ visit: Visit, _ draft: Draft, _ token: String) async throws -> Answer {
        try limit.take(visit.exchange.peer, at: visit.desk.now)
        let filing = try Filing(form: draft.fields, source: "web")
        let handling = handling
        let now = visit.desk.now
        let code = AccessCode.make()
        var report: ReportFiling?
        if draft.fields["report"] == "yes" {
            guard let area = draft.fields["reportArea"], ReportRules.shared.area(area) != nil else {
                throw Refusal.invalid("/reportArea", Text("请选择举报涉及的领域", "Choose what the report is about"))
            }
            report = ReportFiling(with: filing, area: area, clues: draft.fields["reportClues"] ?? filing.facts, source: "complaint")
        }
        let also = report
        let receipt = try await visit.desk.store.write { tx in
            let receipt = try Registration.register(filing, files: draft.files, by: .filer, desk: handling.desk, casework: handling.casework, at: now, code: code, tx)
            // One code opens both: the number beside it tells them apart.
            _ = try also?.register(files: draft.files, linked: receipt.matter, by: .filer, desk: handling.desk, at: now, code: code, tx)
            try Draft.drop(token, tx)
            return receipt
        }
        return Answer.redirect(Link.query("/track/\(receipt.matter.number)", [("code", receipt.trackingCode), ("new", "yes")]))
            .setting(cookie: Draft.cookie, to: "", maxAge: 0, secure: visit.desk.configuration.secureCookies)
    }
}
