import Formats
import Kernel
import Platform
import Store
import Web

/// The merchant's door (商家答复): by the invitation's code, or by the merchant's own; the claim without personal data, three answers, offers, promises.
struct RespondPages: Sendable {
    let negotiation: Negotiation
    let limit: RateLimit
    let printer: Printer

    func routes() -> [Route] {
        [
            Route(.get, "/respond/:number", .anyone) { visit in try await show(visit, nil, nil, nil) },
            Route(.get, "/respond/:number/files/:id", .anyone) { visit in try await Room.file(visit, of: own(visit, nil).complaint.matter.id, for: "respondent") },
            Route(.get, "/respond/:number/documents/:id", .anyone) { visit in try await document(visit) },
            Route(.post, "/respond/:number/:act", .anyone, cap: 64 << 20) { visit in try await act(visit) },
            Route(.post, "/disputes/:id/invite", .permitted("disputes.mediate")) { visit in try await invite(visit) },
            Route(.get, "/disputes/:id/invitation", .permitted("disputes.mediate")) { visit in
                let code = visit.exchange.query["code"] ?? ""
                let c = try await visit.desk.store.read { tx in
                    let c = try tx.complaint(visit.exchange.id(of: Matter.self))
                    guard visit.maySee(c.matter), let hash = try tx.one("SELECT code FROM disputes_invitations WHERE matter = \(c.matter.id)")?.string("code"),
                        AccessCode.fits(code, c.matter.number, hash)
                    else { throw Refusal.notFound }
                    return c
                }
                return Invitation.letter(visit, c, code)
            },
        ]
    }

    struct Found: Sendable {
        let complaint: Complaint
        let offers: [Offer]
        let promise: Promise?
        let answers: [(body: String, at: Moment)]
        let fund: (claim: FundClaim, fund: Fund)?
        let people: PeoplesMediation?
        let room: Room
        let documents: [(id: Int64, title: String, at: Moment)]
        /// A text without what would name the consumer.
        let hide: @Sendable (String) -> String
    }

    private func keys(_ visit: Visit, _ form: Form?) -> (code: String, of: String) {
        (form?["code"] ?? visit.exchange.query["code"] ?? "", form?["of"] ?? visit.exchange.query["of"] ?? "")
    }

    /// The complaint to which this merchant was invited; anything else is “not found”, as often as one may guess.
    private func own(_ visit: Visit, _ form: Form?) async throws -> Found {
        try limit.take("respond|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        let (code, of) = keys(visit, form)
        return try await visit.desk.store.read { tx in
            let missing = Refusal(.notFound, Text("编号与查询码不符，请核对邀请上的链接", "Number and code do not fit: please check the invitation"))
            guard let row = try tx.one("SELECT m.*, i.code AS invitation FROM disputes_invitations i JOIN casework_matters m ON m.id = i.matter WHERE m.number = \(number)") else {
                throw missing
            }
            let matter = Matter(row)
            guard try Self.opens(row, matter, code: code, of: of, tx) else { throw missing }
            let answers = try tx.all("SELECT body, at FROM disputes_positions WHERE matter = \(matter.id) AND party = 'respondent' ORDER BY id").map {
                ($0.string("body"), $0.moment("at"))
            }
            let complaint = try tx.complaint(matter)
            let hide = try Redaction.of(complaint, tx)
            return Found(
                complaint: complaint, offers: try Negotiation.offers(matter.id, tx).map { $0.hiding(hide) }, promise: try Negotiation.promise(matter.id, tx), answers: answers,
                fund: try FundClaim.standing(for: matter.id, tx), people: try PeoplesMediation.of(matter.id, tx), room: try Room.load(matter.id, tx),
                documents: try tx.all(
                    "SELECT document, title, max(at) AS at FROM casework_notices WHERE matter = \(matter.id) AND recipient = 'respondent' AND document IS NOT NULL GROUP BY document, title ORDER BY document DESC"
                ).map { ($0.int("document"), $0.string("title"), $0.moment("at")) },
                hide: hide)
        }
    }

    /// Whether a code opens a complaint: the invitation's own, or the merchant's.
    static func opens(_ row: Row, _ matter: Matter, code: String, of: String, _ tx: Transaction) throws -> Bool {
        let byMerchant = try of.isEmpty ? false : matter.operator.map { try Merchants.opens(of, code, $0, tx) } ?? false
        return byMerchant || AccessCode.fits(code, matter.number, row.string("invitation"))
    }

    /// A paper that was addressed to the business, as a page to print.
    private func document(_ visit: Visit) async throws -> Answer {
        let f = try await own(visit, nil)
        guard let id = ID<IssuedDocument>(try visit.exchange.parameter("id")), f.documents.contains(where: { $0.id == id.raw }) else { throw Refusal.notFound }
        let document = try await visit.desk.store.read { try Documents.find(id, $0) }
        let (code, of) = keys(visit, nil)
        let back = (
            Link.query("/respond/\(f.complaint.matter.number)", [("code", code), ("of", of.isEmpty ? nil : of)]), Text("← 返回答复页", "← Back to the answer")[visit.language]
        )
        return try await MatterRoutes.show(document, asPDF: false, printer: printer, style: Grounds.shared.style, back: back)
    }

    /// When and where both meet, and the papers for the business.
    private func session(_ h: HTML, _ visit: Visit, _ f: Found, _ code: String, _ of: String) {
        let c = f.complaint
        let query: [(String, String?)] = [("code", code), ("of", of.isEmpty ? nil : of)]
        if let at = c.mediationAt, c.matter.state == ComplaintMoves.mediating {
            h.card(Text("调解安排", "Mediation"), "asked") {
                h.p("mb-1 fw-semibold", Text("\(at)，\(c.mediationPlace ?? "—")", "\(at), \(c.mediationPlace ?? "—")"))
                h.p("mb-1", Text("调解人员：\(c.mediators ?? "—")", "By \(c.mediators ?? "—")"))
                h.a(Link.query("/respond/\(c.matter.number)/session.ics", query), "small", Text("加入日历", "Add to a calendar"))
            }
        }
        f.people?.writeForParties(h)
        f.room.writeForParty(h, visit, c, "respondent", base: "/respond/\(c.matter.number)", keys: query)
        guard !f.documents.isEmpty else { return }
        h.card(Text("给您的文书", "Documents for you")) {
            h.ul("plain") {
                for d in f.documents {
                    h.li {
                        h.a(Link.query("/respond/\(c.matter.number)/documents/\(d.id)", query), nil, visit.house.title(d.title))
                        h.span("text-muted small ms-2", d.at.minuteText)
                    }
                }
            }
        }
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let f = try await own(visit, sent)
        let c = f.complaint
        let (code, of) = keys(visit, sent)
        let state = ComplaintMoves.table.state(c.matter.state)
        let isOpen = Negotiation.isOpen(c)
        return visit.page(Text("商家答复 \(c.matter.number)", "Answer \(c.matter.number)"), status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                if !of.isEmpty { h.p("crumbs") { h.a(Link.query("/merchant/\(Link.encode(of))", [("code", code)]), nil, Text("全部投诉", "All complaints")) } }
                h.h1(Text("消费者投诉：请您答复", "A consumer's complaint: your answer"))
                h.p("text-muted") {
                    h.text("\(c.matter.number) · \(visit.desk.configuration.office[visit.language]) ")
                    h.badge(state.title, state.tone)
                }
                h.errorSummary(refusal, part: failed ?? "")
                h.card(Text("投诉内容", "The claim")) {
                    h.definitions {
                        h.definition(Text("被投诉人", "Business"), c.respondentName)
                        h.definition(Text("商品或服务", "Goods or service"), c.purchase.map(f.hide))
                        h.definition(Text("日期", "Day"), c.occurredOn?.description)
                        h.definition(Text("金额", "Amount"), c.amount.map { "¥\($0.grouped)" })
                        h.definition(Text("诉求", "Claims"), c.claimsText[visit.language])
                        h.definition(Text("经过", "Facts")) { h.element("p", "pre mb-0", text: f.hide(c.facts)) }
                    }
                    h.p(
                        "small text-muted mb-0",
                        Text("消费者的电话和地址不向您提供；姓名只在依法须载明的文书中出现。", "The consumer's phone and address are not given to you; the name stands only in papers that must carry it."))
                }
                if let (claim, fund) = f.fund { claim.writeForMerchant(h, fund) }
                session(h, visit, f, code, of)
                offersCard(h, f, mine: "respondent")
                if let promise = f.promise { promiseCard(h, visit, c, promise, code, of) }
                for answer in f.answers {
                    h.card(Text("您的答复", "Your answer")) {
                        h.p("pre mb-1", answer.body)
                        h.p("text-muted small mb-0", answer.at.minuteText)
                    }
                }
                if isOpen { answersCard(h, visit, f, failed, refusal, sent, code, of) }
                h.p("small text-muted", Text("和解和调解均出于自愿；不答复或者答复后未达成一致的，由调解员继续办理。", "Settling is of your own will; without an answer or an agreement the mediator goes on."))
            }
        }
    }

    /// The rounds so far, the latest first.
    private func offersCard(_ h: HTML, _ f: Found, mine: String) {
        guard !f.offers.isEmpty else { return }
        h.card(Text("往来方案", "Offers")) { OfferList.write(h, f.offers, mine: mine) }
    }

    private func promiseCard(_ h: HTML, _ visit: Visit, _ c: Complaint, _ promise: Promise, _ code: String, _ of: String) {
        h.card(Text("您的承诺", "Your promise")) {
            OfferList.promise(h, promise)
            guard promise.state == "due" || promise.state == "broken", c.matter.open else { return }
            visit.form(h, "/respond/\(c.matter.number)/fulfilled", multipart: true) {
                h.hidden("code", code)
                h.hidden("of", of)
                h.area("note", Text("履行说明", "What was done"), value: nil, rows: 2, required: false, maxLength: 500)
                h.void("input", "form-control mb-3", [.type("file"), .name("files"), .init("multiple", if: true), .label(h.say(Text("凭证（选填）", "Papers (optional)")))])
                h.button(Text("已履行，请消费者确认", "It is done: ask the consumer to confirm"))
            }
        }
    }

    private func answersCard(_ h: HTML, _ visit: Visit, _ f: Found, _ failed: String?, _ refusal: Refusal?, _ sent: Form?, _ code: String, _ of: String) {
        let number = f.complaint.matter.number
        func form(_ act: String, _ title: Text, open: Bool, _ fields: (HTML.Errors) -> Void) {
            h.element("details", "card mb-3", [.init("open", if: open || failed == act)]) {
                h.element("summary", "card-header", text: h.say(title))
                visit.form(h, "/respond/\(number)/\(act)", "card-body", multipart: act == "dispute") {
                    h.hidden("code", code)
                    h.hidden("of", of)
                    h.part(act, keeping: failed == act ? sent : nil) { fields(failed == act ? HTML.Errors(refusal) : HTML.Errors()) }
                    h.button(Text("提交", "Send"))
                }
            }
        }
        if let open = f.offers.last(where: { $0.isOpen && $0.party == "complainant" }) {
            h.card(Text("消费者的方案", "The consumer offers"), "asked") {
                h.p("fw-semibold", open.text)
                visit.form(h, "/respond/\(number)/accept", "d-inline") {
                    h.hidden("code", code)
                    h.hidden("of", of)
                    h.hidden("offer", String(open.id))
                    h.button(
                        Text("接受", "Accept"), "btn btn-primary", attributes: [h.confirming(Text("接受后即为双方协议，请按期履行。确定接受？", "Accepting makes it an agreement to be kept. Accept?"))])
                }
            }
        }
        form("offer", Text("接受诉求，提出解决方案", "Settle: make an offer"), open: f.offers.isEmpty && f.answers.isEmpty) { e in OfferList.fields(h, visit, e) }
        form("dispute", Text("不认可，说明理由并提供证据", "Dispute it, with evidence"), open: false) { e in
            h.area("body", Text("理由", "Why"), value: nil, rows: 5, errors: e, maxLength: 2000)
            h.void("input", "form-control mb-3", [.type("file"), .name("files"), .init("multiple", if: true), .label(h.say(Text("证据（照片、PDF）", "Evidence (photos, PDF)")))])
        }
        if f.complaint.matter.state == ComplaintMoves.mediating {
            form("recuse", Text("申请调解人员回避", "Ask for another mediator"), open: false) { e in
                h.area("reason", Text("理由（近亲属、利害关系等）", "Why (a relative, an interest)"), value: nil, rows: 3, errors: e, maxLength: 500)
            }
        }
        form("not-us", Text("不是我方", "It is not us"), open: false) { e in
            h.area("body", Text("请说明，知道是谁的也请写明", "Why, and who it is if you know"), value: nil, rows: 3, errors: e, maxLength: 2000)
        }
    }

    private func act(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let act = try visit.exchange.parameter("act")
        let f = try await own(visit, form)
        let (negotiation, now, id) = (negotiation, visit.desk.now, f.complaint.matter.id)
        let said: Text
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            said = try await visit.desk.store.write { tx in
                let c = try tx.complaint(id)
                let said: Text
                switch act {
                case "offer":
                    try negotiation.offer(c, by: "respondent", input: form, at: now, tx)
                    said = Text("方案已发给消费者", "The offer was sent to the consumer")
                case "accept":
                    guard let offer = form["offer"].flatMap({ Int64($0) }) else { throw Refusal.notFound }
                    try negotiation.accept(offer, in: c, by: "respondent", at: now, tx)
                    said = Text("已达成协议，请按期履行", "Agreed: please keep it in time")
                case "dispute", "not-us":
                    try negotiation.answer(c, kind: act, input: form, at: now, tx)
                    said = Text("答复已收到", "Your answer was received")
                case "sign":
                    try Room.sign(c, by: "respondent", input: form, handling: negotiation.handling, at: now, tx)
                    said = Text("已签署", "Signed")
                case "recuse":
                    try negotiation.handling.apply("recuse", on: c, input: form, by: .respondent, at: now, tx)
                    said = Text("申请已收到，调解中止，待决定", "Received: mediation stands still until it is decided")
                case "fulfilled":
                    try negotiation.claimKept(c, input: form, at: now, tx)
                    said = Text("已通知消费者确认", "The consumer is asked to confirm")
                default: throw Refusal.notFound
                }
                try Attachments.attach(kept, to: c.matter, source: "respondent", by: "respondent", at: now, tx)
                return said
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, act, refusal, form) }
        let (code, of) = keys(visit, form)
        return visit.redirect(Link.query("/respond/\(f.complaint.matter.number)", [("code", code), ("of", of.isEmpty ? nil : of)]), saying: said)
    }

    // MARK: The office invites

    private func invite(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("disputes.mediate")
        let form = try visit.exchange.form()
        let id = try visit.exchange.parameter("id")
        let (negotiation, now, code) = (negotiation, visit.desk.now, AccessCode.make())
        do {
            let channel = try form.chosen("channel", Notice.invitations.map(\.0))
            let email = form["email"] ?? ""
            if channel == "email" {
                guard visit.desk.mailServer != nil else {
                    throw Refusal.invalid("/channel", Text("尚未配置发信服务器，请改用其他方式", "There is no mail server yet: choose another way"))
                }
                guard MailMessage.isAddress(email) else { throw Refusal.invalid("/email", Text("请填写商家的邮箱", "Give the merchant's mail address")) }
            }
            let (origin, desk) = (visit.exchange.origin, visit.desk)
            let number = try await visit.desk.store.write { tx in
                let c = try tx.complaint(visit.exchange.id(of: Matter.self))
                guard visit.maySee(c.matter) else { throw Refusal.notFound }
                try negotiation.handling.refuseRemoved(account, c, tx)
                try negotiation.invite(c, channel: channel, code: code, by: account, at: now, tx)
                if channel == "email" {
                    let number = c.matter.number
                    try Outbox.mail(
                        email,
                        Invitation.mail(number, to: c.respondentName, link: origin + Link.query("/respond/\(number)", [("code", code)]), desk.office(for: c.matter.region).name),
                        event: "invitation-\(number)-\(now.milliseconds)", subject: number, desk: desk, at: now, tx)
                }
                return c.matter.number
            }
            if channel == "mail" || channel == "counter" { return .redirect(Link.query("/disputes/\(id)/invitation", [("code", code)])) }
            let path = visit.exchange.origin + Link.query("/respond/\(number)", [("code", code)])
            if channel == "email" { return visit.redirect("/disputes/\(id)", saying: Text("邀请邮件已排队发往\(email)", "The invitation is on its way to \(email)")) }
            return visit.redirect("/disputes/\(id)", saying: Text("已邀请。商家凭此链接答复（只显示一次）：\(path)", "Invited. The merchant's link, shown once: \(path)"))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return visit.redirect("/disputes/\(id)", saying: refusal.whole, refused: true)
        }
    }
}
