import Detect
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Listings by page (商品信息): one pasted and checked, or taken in; one as it was and is.
struct ListingPages: Sendable {
    let intake: Intake

    func routes() -> [Route] {
        [
            Route(.get, "/monitoring/check", .permitted("monitoring.see")) { visit in page(visit, Form(), nil, nil, nil) },
            Route(.post, "/monitoring/check", .permitted("monitoring.see"), cap: 4 << 20) { visit in try await check(visit) },
            Route(.get, "/monitoring/listings/:id", .permitted("monitoring.see")) { visit in try await show(visit) },
        ]
    }

    // MARK: Pasted

    private static let fields: [(name: String, title: Text, rows: Int)] = [
        ("name", Text("名称", "Name"), 1), ("description", Text("描述、详情", "Description"), 4), ("imageText", Text("图片中的文字", "Words in pictures"), 2),
        ("terms", Text("购买须知、条款", "Terms"), 2),
    ]

    /// What was typed as a listing: the object as pasted, or one made of the fields.
    private func listing(_ f: Form, at now: Moment) throws(Refusal) -> Listing {
        if let text = f["json"] {
            let first = text.split(whereSeparator: \.isNewline).first.map(String.init) ?? text
            guard let json = (try? JSON(parsing: Array(text.utf8))) ?? (try? JSON(parsing: Array(first.utf8))) else {
                throw .invalid("/json", Text("不是有效的 JSON 对象", "This is no valid JSON object"))
            }
            return try Listing(json, at: now)
        }
        guard f["name"] != nil else { throw .invalid("/name", Text("请填写名称，或粘贴 JSON", "Give a name, or paste JSON")) }
        var offers: [(String, JSON)] = []
        for (field, key) in [("price", "price"), ("listPrice", "listPrice")] {
            guard let text = f[field] else { continue }
            guard let money = Money(yuan: text) else { throw .invalid("/\(field)", Money.shape) }
            offers.append((key, .number(money.plain)))
        }
        var seller: [(String, JSON)] = []
        if let shop = f["shop"] { seller.append(("name", .string(shop))) }
        if let code = f["taxID"] { seller.append(("taxID", .string(code.uppercased()))) }
        let id = f["id"] ?? f["url"] ?? "paste:" + Crypto.hex(Crypto.sha256(Array("\(f["platform"] ?? "")|\(f["shop"] ?? "")|\(f["name"]!)".utf8)).prefix(6))
        var pairs: [(String, JSON)] = [("id", .string(String(id.prefix(200)))), ("kind", .string("listing"))]
        for (key, field) in [("platform", "platform"), ("url", "url"), ("name", "name"), ("description", "description"), ("category", "category")] {
            if let text = f[field] { pairs.append((key, .string(text))) }
        }
        for key in ["imageText", "terms"] { if let text = f[key] { pairs.append((key, .array(text.split(whereSeparator: \.isNewline).map { .string(String($0)) }))) } }
        if !offers.isEmpty { pairs.append(("offers", .object(offers))) }
        if !seller.isEmpty { pairs.append(("seller", .object(seller))) }
        return try Listing(.object(pairs), at: now)
    }

    private func check(_ visit: Visit) async throws -> Answer {
        var form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            // A transcript file beside the fields makes it a live session.
            if let file = form.files.first(where: { $0.field == "transcript" }) {
                let lines = try Transcript.read(Encodings.decode(file.bytes).text)
                let base = try listing(form, at: now)
                form.set("json", base.json.setting("kind", .string("live")).setting("transcript", Transcript.json(lines)).text)
            }
            let listing = try listing(form, at: now)
            let (intake, set) = (intake, try await intake.room.current(visit.desk.store))
            let context = try await visit.desk.store.read { try Intake.Context([listing], $0) }
            let enriched = Intake.enriched(listing, context, set.permitKinds)
            let found = try intake.match(context.reading(listing), enriched[Features.key] ?? .object([]), set, Matcher(set.program))
            let excused = try intake.match(context.reading(listing), enriched[Features.key] ?? .object([]), set, Matcher(set.program), excused: true)
            if form["step"] == "take" {
                let account = try visit.require("monitoring.intake")
                let outcome = try await intake.take([listing], by: account.mark)
                let lead = try await visit.desk.store.read {
                    try $0.one(
                        "SELECT h.lead FROM monitoring_hits h JOIN monitoring_listings i ON i.id = h.listing WHERE i.ref = \(listing.id) AND i.platform = \(listing.platform) AND h.lead IS NOT NULL ORDER BY h.id DESC LIMIT 1"
                    )?
                    .optionalInt("lead")
                }
                if let lead, outcome.hits > 0 { return visit.redirect("/leads/\(lead)", saying: Text("已采集，命中\(outcome.hits)个模型", "Taken in: \(outcome.hits) models hit")) }
                let row = try await visit.desk.store.read {
                    try $0.one("SELECT id FROM monitoring_listings WHERE ref = \(listing.id) AND platform = \(listing.platform)")?.int("id")
                }
                return visit.redirect(
                    row.map { "/monitoring/listings/\($0)" } ?? "/monitoring/check",
                    saying: outcome.hits > 0
                        ? Text(
                            "已采集并记录命中；模型在试运行、有例外或者未达到触发条件，未生成线索",
                            "Taken in, the hit is kept: the model is in trial, an exception holds or its trigger is not reached, so no lead was opened")
                        : Text("已采集，没有命中", "Taken in: nothing hit"))
            }
            return page(visit, form, nil, (listing, enriched, found, excused), set)
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return page(visit, form, refusal, nil, nil)
        }
    }

    private func page(_ visit: Visit, _ f: Form, _ refusal: Refusal?, _ result: (Listing, JSON, [Intake.Found], [Intake.Found])?, _ set: ModelRoom.Set?) -> Answer {
        let e = HTML.Errors(refusal)
        return visit.page(Text("检查商品信息", "Check a listing"), status: refusal?.kind.status ?? 200, active: "/monitoring") { h in
            h.div("page-head") { h.h1(Text("检查商品信息", "Check a listing")) }
            LeadPages.tabs(h, visit, active: "check")
            h.errorSummary(refusal)
            if let (listing, enriched, found, excused) = result {
                self.result(h, visit, listing, enriched, found)
                self.excused(h, visit, enriched, excused)
            }
            visit.form(h, "/monitoring/check", "counter-form", multipart: true, attributes: [.init("data-submit-on", "ctrl-enter")]) {
                h.div("two-columns") {
                    h.card(Text("商品信息", "The listing")) {
                        for field in Self.fields {
                            if field.rows == 1 {
                                h.field(field.name, field.title, value: f[field.name], errors: e, required: false)
                            } else {
                                h.area(field.name, field.title, value: f[field.name], rows: field.rows, errors: e, required: false, maxLength: 20_000)
                            }
                        }
                        h.field("price", Text("售价（元）", "Price (yuan)"), value: f["price"], errors: e, required: false, inputmode: "decimal")
                        h.field("listPrice", Text("划线价（元）", "Compared price (yuan)"), value: f["listPrice"], errors: e, required: false, inputmode: "decimal")
                    }
                    h.card(Text("来源", "Where it stands")) {
                        h.field("platform", Text("平台", "Platform"), value: f["platform"], errors: e, required: false)
                        h.field("shop", Text("店铺", "Shop"), value: f["shop"], errors: e, required: false)
                        h.field("taxID", Text("统一社会信用代码", "Credit code"), value: f["taxID"], errors: e, required: false)
                        h.field("url", Text("链接", "Link"), value: f["url"], type: "url", errors: e, required: false)
                        h.field("category", Text("类目", "Category"), value: f["category"], errors: e, required: false)
                        h.element(
                            "label", "form-label", [.for_("f-transcript")],
                            text: h.say(Text("直播话术文件（SRT、WebVTT、JSON，选填）", "Transcript of a live session (SRT, WebVTT, JSON; optional)")))
                        h.void("input", "form-control mb-3", [.type("file"), .id("f-transcript"), .name("transcript"), .init("accept", ".srt,.vtt,.json,.txt")])
                        h.area(
                            "json", Text("或粘贴一条 JSON", "Or paste one as JSON"), value: f["json"], rows: 6,
                            hint: Text("填写后以此为准，格式同 sinan scan", "Counts before the fields; the format of sinan scan"),
                            errors: e, required: false, maxLength: 200_000)
                    }
                }
                h.button(Text("检查", "Check"), "btn btn-primary", name: "step", value: "check")
                if visit.may("monitoring.intake") { h.button(Text("采集入库", "Take it in"), "btn btn-outline-primary ms-2", name: "step", value: "take") }
            }
        }
    }

    private func result(_ h: HTML, _ visit: Visit, _ listing: Listing, _ enriched: JSON, _ found: [Intake.Found]) {
        h.card(found.isEmpty ? Text("没有命中", "Nothing hit") : Text("命中\(found.count)个模型", "\(found.count) models hit"), "found-text") {
            if found.isEmpty { h.p("mb-0", Text("在用的模型都没有命中这条信息。", "None of the models in force hits this.")) }
            for hit in found {
                h.element("section", "hit") {
                    h.p("mb-1") {
                        h.a("/monitoring/models/\(hit.model.id)", "fw-semibold", "\(hit.model.id) \(hit.model.title[visit.language])")
                        h.badge(LeadPages.level(hit.level).title, LeadPages.level(hit.level).tone)
                        if hit.shadow { h.badge(Edition.State.shadow.title, Edition.State.shadow.tone) }
                    }
                    Marked.fields(h, enriched, hit.matches)
                    h.p("small text-muted mb-0", hit.model.card.law(on: listing.observedAt.day).map { h.say(visit.desk.law.register.cite($0.article)) }.joined(separator: "；"))
                }
            }
        }
    }

    /// Words that a model looks for, in a passage in which it lets them pass: said, so that nobody takes silence for absence.
    private func excused(_ h: HTML, _ visit: Visit, _ enriched: JSON, _ excused: [Intake.Found]) {
        guard !excused.isEmpty else { return }
        h.card(Text("按除外语境未计入", "Not counted: excused by its context"), "found-text") {
            for hit in excused {
                h.element("section", "hit") {
                    h.p("mb-1") { h.a("/monitoring/models/\(hit.model.id)", "fw-semibold", "\(hit.model.id) \(hit.model.title[visit.language])") }
                    Marked.fields(h, enriched, hit.matches)
                }
            }
            h.p("small text-muted mb-0", Text("模型认为这些词语处于否定、引用等语境；是否如此，请人工判断。", "The model reads these as denied or quoted: a person judges."))
        }
    }

    // MARK: One listing

    private func show(_ visit: Visit) async throws -> Answer {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let (row, versions, prices, hits, seller) = try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT * FROM monitoring_listings WHERE id = \(id)") else { throw Refusal.notFound }
            return (
                row, try tx.all("SELECT * FROM monitoring_versions WHERE listing = \(id) ORDER BY number DESC LIMIT 30"),
                try tx.all("SELECT at, price, list_price FROM monitoring_observations WHERE listing = \(id) ORDER BY at DESC LIMIT 365").reversed().map {
                    ($0.moment("at"), $0.optionalMoney("price"), $0.optionalMoney("list_price"))
                }, try tx.all("SELECT model, at, lead, shadow, matches FROM monitoring_hits WHERE listing = \(id) ORDER BY id DESC LIMIT 50"),
                try row.optionalInt("seller").flatMap { try tx.one("SELECT name, platform, operator FROM monitoring_sellers WHERE id = \($0)") }
            )
        }
        let body = try JSON(parsing: Array(row.string("body").utf8))
        return visit.page(Text(verbatim: row.string("name")), active: "/monitoring", scripts: ["chart.min.js", "charts.js"]) { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/monitoring", nil, Text("监测", "Monitoring")) }
                h.h1(row.string("name").isEmpty ? row.string("ref") : row.string("name"))
                h.p("text-muted mb-0", "\(row.string("platform")) · \(seller?.string("name") ?? "") · \(row.string("ref"))")
            }
            h.div("matter-grid") {
                h.div("matter-main") {
                    h.card(Text("商品信息", "The listing")) { fields(h, body) }
                    if prices.count > 1 { h.card(Text("价格历史", "History of the price")) { PriceTable.write(h, prices) } }
                    h.card(Text("版本（\(versions.count)）", "Versions (\(versions.count))")) { self.versions(h, versions) }
                }
                h.element("aside", "matter-side") {
                    h.card(Text("命中", "Hits")) {
                        if hits.isEmpty { h.p("text-muted mb-0", Text("没有模型命中过", "No model ever hit")) }
                        h.ul("plain") {
                            for hit in hits {
                                h.li {
                                    h.a("/monitoring/models/\(hit.string("model"))", nil, hit.string("model"))
                                    h.span("text-muted small ms-2", hit.moment("at").minuteText)
                                    if let lead = hit.optionalInt("lead") { h.a("/leads/\(lead)", "ms-2 small", Text("线索", "Lead")) }
                                    if hit.bool("shadow") { h.badge(Edition.State.shadow.title, Edition.State.shadow.tone) }
                                }
                            }
                        }
                    }
                    h.card(Text("来源", "Where it stands")) {
                        h.definitions {
                            h.definition(Text("首次采集", "First seen"), row.moment("first_at").minuteText)
                            h.definition(Text("最近采集", "Last seen"), row.moment("last_at").minuteText)
                            if let op = seller?.optionalInt("operator") { h.definition(Text("经营主体", "Operator")) { h.a("/operators/\(op)", nil, Text("打开", "Open")) } }
                            if row.string("url").hasPrefix("http") {
                                h.definition(Text("网页", "Web page")) {
                                    h.a(row.string("url"), nil, [.init("rel", "noreferrer noopener nofollow")]) { h.text(row.string("url")) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func fields(_ h: HTML, _ body: JSON) {
        h.definitions {
            guard case .object(let pairs) = body else { return }
            for (key, value) in pairs where !["id", "image"].contains(key) {
                let text: String =
                    switch value {
                    case .string(let s): s
                    case .array(let items) where items.allSatisfy({ $0.string != nil || $0["text"] != nil }):
                        items.map { item in item.string ?? "\(item["t"].map { "[\($0.text)] " } ?? "")\(item["text"]?.string ?? "……")" }.joined(separator: "\n")
                    case .object: Marked.flat(value, h)
                    default: value.text
                    }
                h.definition(Marked.name(key)) { h.element("p", "pre mb-0", text: String(text.prefix(4000))) }
            }
        }
    }

    private func versions(_ h: HTML, _ versions: [Row]) {
        h.ul("plain") {
            for version in versions {
                h.li {
                    h.element("details") {
                        h.element("summary") {
                            h.text(Text("第\(version.int("number"))版", "Version \(version.int("number"))"))
                            h.span("text-muted small ms-2", "\(version.moment("first_at").minuteText) – \(version.moment("last_at").minuteText)")
                            if version.int("folded") > 0 {
                                h.span("text-muted small ms-2", Text("含\(version.int("folded"))次近似改动", "\(version.int("folded")) near-duplicates folded"))
                            }
                        }
                        if let json = try? JSON(parsing: Array(version.string("body").utf8)) { fields(h, json) }
                    }
                }
            }
        }
    }
}

/// The shop's door (商家查看通知): by number and code, what to change, under which law, by when; and its answer.
struct NoticePages: Sendable {
    let leads: LeadDesk
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/notices/:number", .anyone) { visit in try await show(visit, nil, nil) },
            Route(.post, "/notices/:number", .anyone) { visit in try await answer(visit) },
        ]
    }

    private struct Found: Sendable {
        let lead: Lead
        let model: Model?
        let hits: [Marked.Found]
        let answers: [(body: String, at: Moment)]
    }

    /// The lead whose number and code fit; anything else is “not found”, as often as one may guess.
    private func find(_ visit: Visit, _ code: String) async throws -> Found {
        try limit.take("notice|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        let leads = leads
        return try await visit.desk.store.read { tx in
            guard
                let row = try tx.one(
                    "SELECT l.matter, l.notice_code FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE m.number = \(number) AND l.notice_code IS NOT NULL"),
                AccessCode.fits(code, number, row.string("notice_code"))
            else { throw Refusal(.notFound, Text("编号与查询码不符，请核对通知上的链接", "Number and code do not fit: please check the link")) }
            let lead = try tx.lead(ID(row.int("matter")))
            return Found(
                lead: lead, model: try leads.edition(lead, tx), hits: try Marked.found(lead, leads.desk.files, tx), answers: try NoticePages.answers(of: lead.matter.id, tx))
        }
    }

    /// What the shop answered: kept as moves beside the table, nothing of the state changes by it.
    static func answers(of matter: ID<Matter>, _ tx: Transaction) throws -> [(body: String, at: Moment)] {
        try tx.all("SELECT details, at FROM casework_moves WHERE matter = \(matter) AND move = 'answered' ORDER BY id").compactMap { row in
            (try? JSON(parsing: Array(row.string("details").utf8)))?["note"]?.string.map { ($0, row.moment("at")) }
        }
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let found = try await find(visit, code)
        let lead = found.lead
        return visit.page(LeadNotice.title, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(LeadNotice.title)
                h.p("text-muted", "\(lead.matter.number) · \(visit.desk.configuration.office[visit.language])")
                h.errorSummary(refusal)
                if lead.matter.state == LeadMoves.notified {
                    h.card(Text("请您改正", "Please correct"), "asked") {
                        h.p("pre", lead.notice ?? "")
                        if let due = lead.correctBy { h.p("mb-0 fw-semibold", Text("请于\(due)前改正。到期后将复查。", "By \(due). It will be looked at again then.")) }
                    }
                } else {
                    let state = LeadMoves.table.state(lead.matter.state)
                    h.div("alert alert-info", h.say(Text("该通知目前的状态：\(state.title.zh)", "This notice stands at: \(state.title.en)")))
                }
                h.card(Text("涉及的内容", "What it is about"), "found-text") {
                    for hit in found.hits {
                        h.element("section", "hit") {
                            h.h3(Text(verbatim: hit.name), "h6")
                            Marked.fields(h, hit.body, hit.matches, later: hit.later)
                        }
                    }
                }
                if let model = found.model {
                    h.card(Text("法律依据", "Law")) {
                        h.ul { for basis in model.card.law(on: lead.matter.receivedAt.day) { h.li { h.text(visit.desk.law.register.cite(basis.article)) } } }
                        if !model.card.exemptions.isEmpty {
                            h.p("mb-1", Text("如果属于下列情形，请在答复中说明并提供依据：", "If one of these applies, say so below with what shows it:"))
                            h.ul("mb-0") { for exemption in model.card.exemptions { h.li { h.text(exemption) } } }
                        }
                    }
                }
                for answer in found.answers {
                    h.card(Text("您的答复", "Your answer")) {
                        h.p("pre mb-1", answer.body)
                        h.p("text-muted small mb-0", answer.at.minuteText)
                    }
                }
                if lead.matter.open {
                    visit.form(h, "/notices/\(lead.matter.number)", "card card-body") {
                        h.hidden("code", code)
                        h.area(
                            "answer", Text("答复", "Answer"), value: sent?["answer"], rows: 4, hint: Text("已改正的请说明改了什么；有异议的请说明理由", "What you changed; or why you object"),
                            errors: HTML.Errors(refusal), maxLength: 2000)
                        h.button(Text("提交答复", "Send the answer"))
                    }
                }
                h.p("small text-muted", Text("本通知是提示和指导，不是行政处罚。", "This notice guides; it is no penalty."))
            }
        }
    }

    private func answer(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let code = form["code"] ?? ""
        let found = try await find(visit, code)
        do {
            guard let body = form["answer"], body.count <= 2000 else { throw Refusal.invalid("/answer", Text("请填写答复（2000字以内）", "Write an answer of at most 2,000 characters")) }
            guard found.answers.count < 10 else { throw Refusal.invalid("/answer", Text("答复已达10次，请直接联系我们", "There are ten answers: please call us")) }
            let now = visit.desk.now
            try await visit.desk.store.write { tx in
                let lead = try tx.lead(found.lead.matter.id)
                guard lead.matter.open else { throw Refusal(.conflict, Text("该通知已办结", "This notice is closed")) }
                try Casework.remark("answered", on: lead.matter, by: .filer, details: [("note", .string(body))], at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, refusal, form) }
        return visit.redirect(Link.query("/notices/\(found.lead.matter.number)", [("code", code)]), saying: Text("答复已收到", "Your answer was received"))
    }
}
