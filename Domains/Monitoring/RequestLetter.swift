import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The letter itself, and the recipient's door to it (协查函与对方查看、答复).
extension RequestPages {
    /// Whom a request is about, and who sent it: what its recipient needs to answer.
    struct About: Sendable {
        let lead: Matter?
        let shop: (name: String, platform: String, uscc: String?)?
        let listings: [(name: String, url: String, ref: String)]
        let officer: String?
    }

    func about(_ r: Request, _ tx: Transaction) throws -> About {
        let lead = try r.lead.map { try tx.matter(ID<Matter>($0)) }
        let shop = try r.lead.flatMap {
            try tx.one("SELECT s.name, s.platform, s.uscc FROM monitoring_leads l JOIN monitoring_sellers s ON s.id = l.seller WHERE l.matter = \($0)")
        }
        let listings = try r.lead.map {
            try tx.all(
                "SELECT DISTINCT i.id, i.name, i.url, i.ref FROM monitoring_hits h JOIN monitoring_listings i ON i.id = h.listing WHERE h.lead = \($0) ORDER BY i.id LIMIT 20")
        }
        let officer = try tx.one(
            "SELECT a.name FROM casework_moves v JOIN platform_accounts a ON a.id = v.account WHERE v.matter = \(r.matter.id) AND v.move = 'receive' ORDER BY v.id LIMIT 1")
        return About(
            lead: lead, shop: shop.map { ($0.string("name"), $0.string("platform"), $0.optionalString("uscc")) },
            listings: listings?.map { ($0.string("name"), $0.string("url"), $0.string("ref")) } ?? [], officer: officer?.string("name"))
    }

    func letter(_ h: HTML, _ visit: Visit, _ r: Request, _ about: About, inside: Bool) {
        h.card(RequestMoves.letter) {
            h.definitions {
                h.definition(Text("来函机关", "From"), visit.desk.office(for: r.matter.region).name)
                h.definition(Text("承办人", "Officer"), about.officer)
                h.definition(Text("协查对象", "To"), r.recipient)
                h.definition(Text("类别", "Kind"), RequestMoves.parties.first { $0.0 == r.party }.map { h.say($0.1) })
                h.definition(Text("事由", "About"), r.subject)
                h.definition(Text("请求提供", "Asked for")) {
                    h.ul("mb-0") { for key in r.asked { if let field = RequestMoves.fields.first(where: { $0.0 == key }) { h.li { h.text(field.1) } } } }
                }
                if let due = r.due { h.definition(Text("要求答复日期", "Answer wanted by"), due.description) }
                if let shop = about.shop {
                    h.definition(Text("涉及的商家", "The merchant"), shop.name)
                    h.definition(Text("平台", "Platform"), shop.platform.isEmpty ? nil : shop.platform)
                    h.definition(Text("信用代码", "Credit code"), shop.uscc)
                }
                if !about.listings.isEmpty {
                    h.definition(Text("涉及的商品", "The listings")) {
                        h.ul("mb-0") {
                            for listing in about.listings {
                                h.li {
                                    h.text("\(listing.name)（\(listing.ref)）")
                                    if listing.url.hasPrefix("http") { h.span("d-block small text-muted", listing.url) }
                                }
                            }
                        }
                    }
                }
                if let lead = about.lead {
                    h.definition(Text("我局线索编号", "Our lead")) { if inside { h.a("/leads/\(lead.id)", nil, lead.number) } else { h.text(lead.number) } }
                }
                h.definition(
                    Text("依据", "Under"),
                    r.party == "authority"
                        ? h.say(visit.desk.law.register.cite(Article(law: "PCD", article: "45(1)"))) : h.say(visit.desk.law.register["COI"]?.name ?? Text(verbatim: "COI")))
            }
        }
    }

    // MARK: The recipient's door

    private func own(_ visit: Visit, _ code: String) async throws -> Request {
        try limit.take("letter|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT r.* FROM monitoring_requests r JOIN casework_matters m ON m.id = r.matter WHERE m.number = \(number)"),
                AccessCode.fits(code, number, row.string("code"))
            else { throw Refusal(.notFound, Text("编号与查询码不符，请核对函件上的链接", "Number and code do not fit: please check the link")) }
            return try find(ID(row.int("matter")), tx)
        }
    }

    func door(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let r = try await own(visit, code)
        let (clocks, about) = try await visit.desk.store.read { tx in (try Clocks.of(r.matter.id, tx).filter { $0.state == "open" }, try self.about(r, tx)) }
        return visit.page(RequestMoves.letter, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(RequestMoves.letter)
                h.p("text-muted", "\(r.matter.number) · \(visit.desk.configuration.office[visit.language])")
                h.errorSummary(refusal)
                h.div("alert alert-info", h.say(RequestMoves.table.state(r.matter.state).outside))
                letter(h, visit, r, about, inside: false)
                for clock in clocks { h.p("fw-semibold", Text("请于\(clock.due)前答复", "To be answered by \(clock.due)")) }
                if let reply = r.reply { h.card(Text("您的答复", "Your answer")) { h.p("pre mb-0", reply) } }
                if r.matter.state == RequestMoves.sent {
                    visit.form(h, "/letters/\(r.matter.number)/receive-letter", "mb-3") {
                        h.hidden("code", code)
                        h.button(Text("签收", "Receive"), "btn btn-outline-primary")
                    }
                }
                if r.matter.state == RequestMoves.sent || r.matter.state == RequestMoves.received {
                    visit.form(h, "/letters/\(r.matter.number)/reply", "card card-body", multipart: true) {
                        h.hidden("code", code)
                        h.area("note", Text("答复内容", "Answer"), value: sent?["note"], rows: 6, errors: HTML.Errors(refusal), maxLength: 4000)
                        h.element("label", "form-label", [.for_("f-files")], text: h.say(Text("附件（照片、PDF）", "Files (photos, PDF)")))
                        h.void("input", "form-control mb-3", [.type("file"), .id("f-files"), .name("files"), .init("multiple", if: true)])
                        h.button(Text("提交答复", "Send the answer"))
                    }
                }
            }
        }
    }

    func answer(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let code = form["code"] ?? ""
        let r = try await own(visit, code)
        guard name == "receive-letter" || name == "reply" else { throw Refusal.notFound }
        let (desk, now) = (visit.desk, visit.desk.now)
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            try await desk.store.write { tx in
                let fresh = try find(r.matter.id, tx)
                try apply(name, fresh, form["note"], by: .filer, desk, at: now, tx)
                try Attachments.attach(kept, to: fresh.matter, source: "recipient", by: "filer", at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await door(visit, refusal, form) }
        return visit.redirect(
            Link.query("/letters/\(r.matter.number)", [("code", code)]), saying: name == "reply" ? Text("答复已收到", "The answer was received") : Text("已签收", "Received"))
    }
}
