import Detect
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The lead's page (线索初筛): the words marked where they stand, the rule in plain words, the law, the checklist, what is known of the shop,
/// prices, and a decision by one key.
extension LeadPages {
    /// All that the page shows of a lead.
    struct Shown: Sendable {
        let lead: Lead
        let file: MatterFile
        let model: Model?
        let hits: [Marked.Found]
        let seller: (name: String, platform: String, uscc: String?, shops: Int, region: String)?
        let op: Operator?
        let others: [(Matter, String)]
        /// Leads of the same model in which the same words stood, and what persons made of them.
        let similar: [(matter: Matter, words: String, verdict: String?)]
        let prices: [(at: Moment, price: Money?, list: Money?)]
        let capture: (hash: String, url: String, at: Moment)?
        let loads: [String: Int]
        let answers: [(body: String, at: Moment)]
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Lead {
        let lead = try tx.lead(visit.exchange.id(of: Matter.self))
        guard visit.maySee(lead.matter) else { throw Refusal.notFound }
        return lead
    }

    private func load(_ visit: Visit, _ tx: Transaction) throws -> Shown {
        let desk = visit.desk
        let lead = try find(visit, tx)
        let key = lead.matter.id
        let hits = try Marked.found(lead, desk.files, tx)
        let seller = try lead.seller.flatMap { try tx.one("SELECT * FROM monitoring_sellers WHERE id = \($0)") }
        let contact = seller?.optionalString("contact")
        let shops = try contact.map { try tx.count("SELECT count(*) AS n FROM monitoring_sellers WHERE contact = \($0)") } ?? 1
        let others: [(Matter, String)] =
            try lead.seller.map { seller in
                try tx.all(
                    "SELECT m.*, l.model AS lead_model FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE l.seller = \(seller) AND l.matter <> \(key) ORDER BY m.id DESC LIMIT 8"
                ).map { (Matter($0), $0.string("lead_model")) }
            } ?? []
        let similar = try alike(lead, Set(hits.flatMap { ($0.matches.array ?? []).compactMap(written) }), tx)
        let prices = try tx.all("SELECT at, price, list_price FROM monitoring_observations WHERE listing = \(lead.listing) ORDER BY at DESC LIMIT 180").reversed().map {
            ($0.moment("at"), $0.optionalMoney("price"), $0.optionalMoney("list_price"))
        }
        let capture = try tx.one("SELECT * FROM monitoring_captures WHERE matter = \(key) ORDER BY id LIMIT 1").map {
            ($0.string("body_hash"), $0.string("url"), $0.moment("queued_at"))
        }
        let loads = try tx.all("SELECT region, count(*) AS n FROM casework_matters WHERE kind = \(LeadMoves.kind) AND state = \(LeadMoves.verifying) GROUP BY region").map {
            ($0.string("region"), $0.count("n"))
        }
        let file = try MatterFile.load(lead.matter, desk: desk, tx)
        return Shown(
            lead: lead, file: file, model: try leads.edition(lead, tx), hits: hits,
            seller: seller.map { ($0.string("name"), $0.string("platform"), $0.optionalString("uscc"), shops, $0.string("region")) },
            op: try lead.matter.operator.map { try Operators.find($0, tx) }, others: others, similar: similar, prices: prices, capture: capture,
            loads: Dictionary(loads) { a, _ in a },
            answers: file.notices.isEmpty ? [] : try NoticePages.answers(of: key, tx))
    }

    /// The words of a match, where somebody wrote them.
    private func written(_ match: JSON) -> String? {
        guard let field = match["field"]?.string, Marked.isWritten(field), let text = match["text"]?.string?.trimmed, !text.isEmpty else { return nil }
        return text
    }

    /// Among the last three hundred hits of the model: what has most words in common, five of them.
    private func alike(_ lead: Lead, _ words: Set<String>, _ tx: Transaction) throws -> [(matter: Matter, words: String, verdict: String?)] {
        guard !words.isEmpty else { return [] }
        let rows = try tx.all(
            """
            SELECT m.*, h.matches AS hit_matches, l.verdict AS lead_verdict FROM monitoring_hits h JOIN monitoring_leads l ON l.matter = h.lead JOIN casework_matters m ON m.id = l.matter
            WHERE h.model = \(lead.model) AND h.lead <> \(lead.matter.id) ORDER BY h.id DESC LIMIT 300
            """)
        var best: [Int64: (Matter, Set<String>, String?)] = [:]
        for row in rows {
            let common = Set((try JSON(parsing: Array(row.string("hit_matches").utf8)).array ?? []).compactMap(written)).intersection(words)
            let matter = Matter(row)
            if common.count > (best[matter.id.raw]?.1.count ?? 0) { best[matter.id.raw] = (matter, common, row.optionalString("lead_verdict")) }
        }
        return best.values.sorted { ($0.1.count, $0.0.id.raw) > ($1.1.count, $1.0.id.raw) }.prefix(5).map { ($0.0, $0.1.sorted().joined(separator: "、"), $0.2) }
    }

    func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let shown = try await visit.desk.store.read { try load(visit, $0) }
        let lead = shown.lead
        let moves = leads.available(lead, to: .staff(account))
        let state = LeadMoves.table.state(lead.matter.state)
        return visit.page(
            Text("线索 \(lead.matter.number)", "Lead \(lead.matter.number)"), status: refusal?.kind.status ?? 200, active: "/monitoring", scripts: ["chart.min.js", "charts.js"]
        ) { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/monitoring", nil, Text("监测线索", "Leads"))
                        h.text(" / \(lead.matter.number)")
                    }
                    h.h1(Self.title(lead.matter, shown.model?.title, visit.language))
                    h.p("mb-0") {
                        h.badge(state.title, state.tone)
                        h.badge(Self.level(lead.level).title, Self.level(lead.level).tone)
                        h.span(
                            "text-muted ms-2",
                            Text(
                                "\(visit.region(lead.matter.region)) · 命中\(lead.hits)次 · \(lead.matter.receivedAt.minuteText)发现",
                                "\(visit.region(lead.matter.region)) · \(lead.hits) hits · found \(lead.matter.receivedAt.minuteText)"))
                    }
                }
                h.div("head-due") {
                    if lead.matter.state == LeadMoves.notified, let by = lead.correctBy { visit.urgency(h, by) } else { visit.headDue(h, shown.file, matter: lead.matter) }
                }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if lead.matter.state == LeadMoves.notified, shown.file.moves.last(where: { $0.move == "doubt" || $0.move == "notice" })?.move == "doubt" {
                        h.div("alert alert-warning", h.say(LeadMoves.again.first { $0.0 == "excused" }!.1))
                    }
                    if !moves.isEmpty { LeadForms(visit: visit, shown: shown).actions(h, moves, failed: failed, sent, HTML.Errors(refusal)) }
                    found(h, visit, shown)
                    rule(h, visit, shown)
                    if shown.prices.count > 1 { prices(h, shown) }
                    visit.files(h, shown.file, matter: lead.matter)
                    visit.notices(h, shown.file, channel: LeadNotice.channel)
                    if lead.matter.state == LeadMoves.notified, visit.may("monitoring.screen") { LeadNotice.renew(h, visit, "/leads/\(lead.matter.id)/code") }
                    visit.notes(h, shown.file, matter: lead.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, shown.file, matter: lead.matter)
                    seller(h, visit, shown)
                    alike(h, shown)
                    evidence(h, visit, shown)
                    visit.history(h, shown.file, table: LeadMoves.table, regime: LeadMoves.regime)
                }
            }
        }
    }

    private func found(_ h: HTML, _ visit: Visit, _ s: Shown) {
        h.card(Text("命中内容", "What was found"), "found-text") {
            for hit in s.hits {
                h.element("section", "hit") {
                    h.h3(Text(verbatim: hit.name), "h6 mb-1")
                    h.p("small text-muted mb-1") {
                        h.a("/monitoring/listings/\(hit.listing)", nil, Text("商品页", "Listing"))
                        h.text(" · \(hit.at.minuteText)")
                        if let url = hit.body["url"]?.string, url.hasPrefix("http") {
                            h.text(" · ")
                            h.a(url, nil, [.init("rel", "noreferrer noopener nofollow")]) { h.text(Text("原网页", "Web page")) }
                        }
                    }
                    Marked.fields(h, hit.body, hit.matches, later: hit.later)
                }
            }
            if s.hits.isEmpty { h.p("mb-0", Text("命中记录已清理，见留存的快照。", "The hits are gone: see the snapshot kept.")) }
            if s.lead.hits > s.hits.count { h.p("small text-muted mb-0", Text("另有\(s.lead.hits - s.hits.count)次命中未列出", "\(s.lead.hits - s.hits.count) more hits")) }
        }
    }

    private func rule(_ h: HTML, _ visit: Visit, _ s: Shown) {
        guard let model = s.model else { return }
        h.card(Text("依据与要件", "Law and elements")) {
            h.p("mb-1") {
                h.a("/monitoring/models/\(model.id)", nil, "\(model.id) \(model.title[visit.language])")
                h.span("text-muted small ms-2", Text("版本 \(s.lead.edition)", "edition \(s.lead.edition)"))
            }
            h.p("small", model.description)
            h.h3(Text("法律依据", "Law"), "h6")
            h.ul { for basis in model.card.law(on: s.hits.first?.at.day ?? s.lead.matter.receivedAt.day) { h.li { h.text(visit.desk.law.register.cite(basis.article)) } } }
            h.h3(Text("违法要件（逐项核对）", "Elements to look at"), "h6")
            h.ul { for element in model.card.elements { h.li { h.text(element) } } }
            if !model.card.exemptions.isEmpty {
                h.h3(Text("豁免情形", "Exemptions"), "h6")
                h.ul("mb-0") { for exemption in model.card.exemptions { h.li { h.text(exemption) } } }
            }
        }
    }

    private func prices(_ h: HTML, _ s: Shown) {
        h.card(Text("价格历史", "History of the price")) { PriceTable.write(h, s.prices) }
    }

    private func seller(_ h: HTML, _ visit: Visit, _ s: Shown) {
        h.card(Text("商家", "The shop")) {
            h.definitions {
                if let seller = s.seller {
                    h.definition(Text("店铺", "Shop"), seller.name)
                    h.definition(Text("平台", "Platform"), seller.platform.isEmpty ? nil : seller.platform)
                    h.definition(Text("信用代码", "Credit code"), seller.uscc)
                    if seller.shops > 1 { h.definition(Text("同一联系方式的店铺", "Shops under the same contact"), String(seller.shops)) }
                }
                h.definition(Text("经营主体", "Operator")) {
                    if let op = s.op {
                        h.a("/operators/\(op.id)", nil, op.name)
                        h.badge(op.status.title, op.status == .active ? "green" : "amber")
                        h.span("d-block small text-muted", op.address)
                    } else {
                        h.span("text-warning-emphasis", Text("未与登记库匹配", "Not matched with the register"))
                    }
                }
            }
            if !s.others.isEmpty {
                h.h3(Text("该店其他线索", "Other leads of this shop"), "h6 mt-3")
                h.ul("plain") {
                    for (m, model) in s.others {
                        h.li {
                            h.a("/leads/\(m.id)", nil, m.number)
                            h.text(" \(model) ")
                            h.badge(LeadMoves.table.state(m.state).title, LeadMoves.table.state(m.state).tone)
                        }
                    }
                }
            }
        }
    }

    private func alike(_ h: HTML, _ s: Shown) {
        guard !s.similar.isEmpty else { return }
        h.card(Text("用词相同的线索", "Leads with the same words")) {
            h.ul("plain") {
                for (matter, words, verdict) in s.similar {
                    h.li {
                        h.a("/leads/\(matter.id)", nil, matter.number)
                        h.text(" \(words) ")
                        switch verdict {
                        case "right": h.badge(Text("已确认", "confirmed"), "green")
                        case "wrong": h.badge(Text("已排除", "dismissed"), "grey")
                        default: h.badge(LeadMoves.table.state(matter.state).title, LeadMoves.table.state(matter.state).tone)
                        }
                    }
                }
            }
        }
    }

    private func evidence(_ h: HTML, _ visit: Visit, _ s: Shown) {
        h.card(Text("证据留存", "What was kept")) {
            if let capture = s.capture {
                h.p("mb-1", Text("发现时的商品信息已留存（\(capture.at.minuteText)）", "The listing's fields were kept as found, \(capture.at.minuteText)"))
                h.p("small mb-1") {
                    h.text("SHA-256 ")
                    h.element("code", "hash", text: capture.hash)
                }
                h.p("small mb-1") {
                    h.a("/leads/\(s.lead.matter.id)/snapshot", nil, Text("查看留存内容", "Show what was kept"))
                    if s.lead.correctedHash != nil {
                        h.text(" · ")
                        h.a("/leads/\(s.lead.matter.id)/snapshot?of=after", nil, Text("复查时的内容", "As it was when looked at again"))
                    }
                }
            }
            // One press: the listing's page, for this lead.
            if let url = s.capture?.url, url.hasPrefix("http"), visit.may("evidence.capture") {
                visit.form(h, "/evidence", "mt-2") {
                    for (name, value) in [("url", url), ("matter", s.lead.matter.number), ("purpose", "线索\(s.lead.matter.number)的网页"), ("device", "desktop"), ("script", "scroll")]
                    { h.hidden(name, value) }
                    h.button(Text("固定证据（E）", "Capture the page (E)"), "btn btn-sm btn-outline-primary", attributes: [.init("data-key", "e")])
                }
            }
            for answer in s.answers {
                h.div("note mt-2") {
                    h.p("mb-0", Text("商家答复：\(answer.body)", "The shop answered: \(answer.body)"))
                    h.p("text-muted small mb-0", answer.at.minuteText)
                }
            }
        }
    }

    func snapshot(_ visit: Visit) async throws -> Answer {
        let lead = try await visit.desk.store.read { try find(visit, $0) }
        guard let hash = visit.exchange.query["of"] == "after" ? lead.correctedHash : lead.bodyHash else { throw Refusal.notFound }
        return .file(try visit.desk.files.read(hash), type: "application/json", name: "\(lead.matter.number)-\(hash.prefix(12)).json", inline: false)
    }

    func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        var form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let now = visit.desk.now
        // The shop's way to its notice: made here, shown once.
        let code = name == "notice" ? AccessCode.make() : ""
        if !code.isEmpty { form.set("code", code) }
        let (input, leads) = (form, leads)
        do {
            let after = try await visit.desk.store.write { tx in try leads.apply(name, on: find(visit, tx), input: input, by: .staff(account), at: now, tx) }
            guard visit.maySee(after) else { return .redirect("/monitoring") }
            if !code.isEmpty {
                return visit.redirect("/leads/\(after.id)", saying: LeadPages.link(visit, after.number, code, Text("已通知。", "Noticed. ")))
            }
            // One key after another: after a decision the next of the queue opens.
            if name == "confirm" || name == "dismiss", input["next"] == "yes", let next = try await nextUp(visit, account) {
                return visit.redirect("/leads/\(next)", saying: Text("\(after.number)已处理，这是下一件", "\(after.number) is done; this is the next"))
            }
            return .redirect("/leads/\(after.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return try await show(visit, name, refusal, input)
        }
    }

    func newCode(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.screen")
        let (code, now) = (AccessCode.make(), visit.desk.now)
        let number = try await visit.desk.store.write { tx in
            let lead = try find(visit, tx)
            guard lead.matter.state == LeadMoves.notified else { throw Refusal(.conflict, Text("该线索没有等待商家改正的通知", "No notice of this lead waits for the shop")) }
            try tx.send("UPDATE monitoring_leads SET notice_code = \(AccessCode.hash(code, lead.matter.number)) WHERE matter = \(lead.matter.id)")
            try Casework.remark("new-code", on: lead.matter, by: .staff(account), sealing: [.init("monitoring_leads", key: "matter", lead.matter.id.raw)], at: now, tx)
            return lead.matter.number
        }
        return visit.redirect("/leads/\(try visit.exchange.parameter("id"))", saying: LeadPages.link(visit, number, code, Text("原链接已失效。", "The old link is void. ")))
    }

    /// What the officer passes on to the shop, shown once.
    private static func link(_ visit: Visit, _ number: String, _ code: String, _ first: Text) -> Text {
        let path = visit.exchange.origin + Link.query("/notices/\(number)", [("code", code)])
        return Text("\(first.zh)商家凭此链接查看和答复：\(path)", "\(first.en)The shop's link to read and answer: \(path)")
    }

    private func nextUp(_ visit: Visit, _ account: Account) async throws -> Int64? {
        let city = visit.desk.configuration.cityRegion
        let filter = try Filter(Form([]))
        return try await visit.desk.store.read { try load(filter, account, city: city, limit: 1, $0).first?.lead.matter.id.raw }
    }
}
