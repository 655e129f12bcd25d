import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Tracking (进度查询): by number and code, like a parcel; the consumer's own moves; the dates with their reasons.
struct TrackPages: Sendable {
    let handling: Handling
    let limit: RateLimit
    let printer: Printer

    func routes() -> [Route] {
        Self.acts.map { act in Route(.post, "/track/:number/\(act)", .anyone) { visit in try await negotiate(visit, act) } } + [
            Route(.get, "/track", .anyone) { visit in try await find(visit) },
            Route(.get, "/track/:number", .anyone) { visit in try await show(visit, nil) },
            Route(.post, "/track/:number/:move", .anyone) { visit in try await move(visit, visit.exchange.parameter("move")) },
            Route(.post, "/track/:number/supply", .anyone, cap: 64 << 20) { visit in try await move(visit, "supply") },
            Route(.get, "/track/:number/files/:id", .anyone) { visit in
                let c = try await own(visit, number: visit.exchange.parameter("number"), code: visit.exchange.query["code"])
                return try await Room.file(visit, of: c.matter.id, for: "complainant")
            },
            Route(.get, "/track/:number/documents/:id", .anyone) { visit in try await document(visit) },
        ]
    }

    private func find(_ visit: Visit) async throws -> Answer {
        var refusal: Refusal?
        if let number = visit.exchange.query["number"] {
            let code = visit.exchange.query["code"] ?? ""
            // A report has a page of its own, with the same two keys.
            if number.uppercased().hasPrefix("JB") { return .redirect(Link.query("/reports/track/\(Link.encode(number.uppercased()))", [("code", code.uppercased())])) }
            do {
                _ = try await own(visit, number: number.uppercased(), code: code)
                return .redirect(Link.query("/track/\(Link.encode(number.uppercased()))", [("code", code.uppercased())]))
            } catch let refused as Refusal { refusal = refused }
        }
        return visit.page(Text("进度查询", "Track a complaint"), status: refusal?.kind.status ?? 200, active: "/track") { h in
            h.div("narrow") {
                h.h1(Text("进度查询", "Track a complaint"))
                h.errorSummary(refusal)
                h.element("form", "card card-body", [.init("method", "get"), .init("action", "/track")]) {
                    h.field(
                        "number", Text("编号", "Number"), value: visit.exchange.query["number"],
                        hint: Text("投诉形如 TS20260000001，举报形如 JB20260000001", "A complaint's is like TS20260000001, a report's like JB20260000001"), autocomplete: "off")
                    h.field("code", Text("查询码", "Code"), value: nil, hint: Text("提交时给您的八位字母和数字", "The eight letters and digits that you were given"), autocomplete: "off")
                    h.button(Text("查询", "Look"))
                }
            }
        }
    }

    /// The complaint whose number and code fit; anything else is "not found", as often as one may guess.
    func own(_ visit: Visit, number: String, code: String?) async throws -> Complaint {
        try limit.take("track|" + visit.exchange.peer, at: visit.desk.now)
        var complaint: Complaint?
        do { complaint = try await visit.desk.store.read { try $0.complaint(number: number) } } catch let refusal as Refusal where refusal.kind == .notFound {}
        let given = AccessCode.hash(code ?? "", number)
        guard let complaint, Crypto.equal(Array(given.utf8), Array(complaint.tracking.utf8)) else {
            throw Refusal(.notFound, Text("编号与查询码不符，请核对后再试", "Number and code do not fit: please check them"))
        }
        return complaint
    }

    func show(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let number = try visit.exchange.parameter("number")
        let code = visit.exchange.query["code"] ?? (visit.exchange.method == .post ? try? visit.exchange.form()["code"] : nil) ?? ""
        let c = try await own(visit, number: number, code: code)
        let desk = visit.desk
        let (file, notices, person, report, offers, promise, rating, fund, people, station, room) = try await desk.store.read { tx in
            (
                try MatterFile.load(c.matter, desk: desk, tx),
                try tx.all("SELECT title, document, at FROM casework_notices WHERE matter = \(c.matter.id) AND recipient = 'complainant' ORDER BY id DESC").map {
                    ($0.string("title"), $0.optionalInt("document"), $0.moment("at"))
                },
                try tx.complainant(of: c.matter.id),
                // The report that was made with it, where the same code opens it.
                try tx.all(
                    "SELECT m.number, r.tracking FROM casework_links l JOIN casework_matters m ON m.id = l.other JOIN disputes_reports r ON r.matter = m.id WHERE l.matter = \(c.matter.id)"
                ).first { AccessCode.fits(code, $0.string("number"), $0.string("tracking")) }?.string("number"),
                try Negotiation.offers(c.matter.id, tx), try Negotiation.promise(c.matter.id, tx), try Ratings.of(c.matter.id, tx),
                try FundClaim.standing(for: c.matter.id, tx), try PeoplesMediation.of(c.matter.id, tx), try Prior.station(of: c.matter, desk, tx),
                try Room.load(c.matter.id, tx)
            )
        }
        let state = ComplaintMoves.table.state(c.matter.state)
        // What the offers ask for stands with them.
        let moves = ComplaintMoves.table.available(c.matter, to: .filer, desk.permissions).filter { ["supply", "recuse", "withdraw", "give-up"].contains($0.name) }
        let fresh = visit.exchange.query["new"] == "yes"
        return visit.page(Text("投诉 \(number)", "Complaint \(number)"), status: refusal?.kind.status ?? 200, active: "/track") { h in
            h.div("narrow track") {
                if fresh { receipt(h, visit, c, code) }
                h.errorSummary(refusal)
                h.div("track-state") {
                    h.badge(state.title, state.tone)
                    h.h1(headline(c, state), "h3")
                    h.p("text-muted mb-0", c.matter.title)
                }
                asked(h, c, file)
                self.offers(h, visit, c, offers, promise, code)
                if let (claim, fund) = fund { claim.writeForConsumer(h, fund) }
                people?.writeForParties(h)
                room.writeForParty(h, visit, c, "complainant", base: "/track/\(number)", keys: [("code", code)])
                if let station { station.0.write(h, c.matter.receivedAt.day, workdays: station.workdays, station.until) }
                waiting(h, visit, c, file, code)
                if !notices.isEmpty {
                    h.card(Text("给您的文书", "Documents for you")) {
                        h.ul("plain") {
                            for (title, document, at) in notices {
                                h.li {
                                    if let document {
                                        h.a(Link.query("/track/\(number)/documents/\(document)", [("code", code)]), nil, visit.house.title(title))
                                        h.a(Link.query("/track/\(number)/documents/\(document).pdf", [("code", code)]), "ms-2 small", Text(verbatim: "PDF"))
                                    } else {
                                        h.text(visit.house.title(title))
                                    }
                                    h.span("text-muted small ms-2", at.minuteText)
                                }
                            }
                        }
                    }
                }
                if let report {
                    h.card(Text("同时提出的举报", "The report made with it")) {
                        h.a(Link.query("/reports/track/\(report)", [("code", code)]), nil, report)
                        h.p("small text-muted mb-0", Text("另行核查，同一查询码可以查看。", "Verified apart; the same code opens it."))
                    }
                }
                outcome(h, visit, c)
                self.rating(h, visit, c, rating, code)
                visit.publicHistory(h, file)
                own(h, visit, c, person, file)
                ownMoves(h, visit, c, moves, code)
            }
        }
    }

    private func receipt(_ h: HTML, _ visit: Visit, _ c: Complaint, _ code: String) {
        h.element("section", "receipt card mb-3", [.role("status")]) {
            h.div("card-body") {
                h.h2(Text("提交成功", "Sent"), "h4")
                h.div("receipt-row") {
                    h.div {
                        h.p("mb-1", Text("投诉编号", "Number"))
                        h.p("receipt-number", c.matter.number)
                        h.p("mb-1", Text("查询码", "Code"))
                        h.p("receipt-number", code)
                    }
                    h.qrCode(
                        visit.exchange.origin + Link.query("/track/\(c.matter.number)", [("code", code)]),
                        label: Text("查询进度的二维码", "Code to track it"))
                }
                h.p("text-muted small mb-0", Text("请截图或记下编号和查询码，凭此查询进度。查询码不会再次显示。", "Take a picture or write both down: you need them to follow it. The code is not shown again."))
            }
        }
    }

    /// A closed complaint says how it ended.
    private func headline(_ c: Complaint, _ state: State) -> Text {
        guard c.matter.state == ComplaintMoves.closed else { return state.outside }
        return c.agreement == nil ? Text("调解未成，已办结", "Closed without agreement") : Text("双方已达成协议，已办结", "Closed: you and the business have agreed")
    }

    /// What the complainant was asked for, in the office's own words, and by when.
    private func asked(_ h: HTML, _ c: Complaint, _ file: MatterFile) {
        guard c.matter.state == ComplaintMoves.supplement, let request = file.moves.last(where: { $0.move == "request" }),
            let details = try? JSON(parsing: Array(request.details.utf8)), let what = details["what"]?.string
        else { return }
        h.card(Text("请您补充", "What we need from you"), "asked") {
            h.p("pre mb-1", what)
            if let due = details["due"]?.string { h.p("mb-0 fw-semibold", Text("请于\(due)前提交（见本页下方“补充材料”）", "By \(due), below on this page")) }
        }
    }

    /// What happens next and by when, with the reason.
    private func waiting(_ h: HTML, _ visit: Visit, _ c: Complaint, _ file: MatterFile, _ code: String) {
        let running = file.clocks.filter { $0.0.state == "open" && $0.0.duty != "C5" }
        guard !running.isEmpty else { return }
        h.card(Text("接下来", "What comes next")) {
            for (clock, deadline) in running {
                h.p("mb-1", visit.desk.law.catalogue[clock.duty].map { Text("\($0.name)，不晚于：", "\($0.nameEn), by:") } ?? Text(verbatim: clock.duty))
                if let deadline { visit.date(h, deadline) }
            }
            if let at = c.mediationAt, c.matter.state == ComplaintMoves.mediating {
                h.p(
                    "mt-2 mb-0",
                    Text("调解时间：\(at)；地点：\(c.mediationPlace ?? "—")；调解人员：\(c.mediators ?? "—")", "Mediation: \(at), \(c.mediationPlace ?? "—"), by \(c.mediators ?? "—")"))
                h.a(Link.query("/track/\(c.matter.number)/session.ics", [("code", code)]), "small", Text("加入日历", "Add to a calendar"))
            }
        }
    }

    private func outcome(_ h: HTML, _ visit: Visit, _ c: Complaint) {
        if let ground = c.refusalGround.flatMap({ id in Grounds.shared.refusal(c.law).first { $0.id == id } }) {
            h.card(Text("不予受理的理由", "Why it was not taken up")) {
                h.p(nil, ground.text)
                if let reason = c.reason { h.p(nil, reason) }
                h.p("mb-1", Text("您还可以通过以下途径解决（《消费者权益保护法》第三十九条）：", "You can still (Consumer Law art. 39):"))
                h.ul { for remedy in Grounds.shared.remedies { h.li { h.text(remedy.text) } } }
            }
        }
        if let ground = c.endingGround.flatMap({ id in Grounds.shared.ending(c.law).first { $0.id == id } }) {
            h.card(Text("终止调解的理由", "Why mediation ended")) {
                h.p(nil, ground.text)
                if let reason = c.reason { h.p(nil, reason) }
                h.p("mb-0", Text("您可以依法通过诉讼、仲裁等其他途径解决。", "You may go to court or arbitration, or use another way."))
            }
        }
        if let agreement = c.agreement { h.card(Text("调解协议", "What was agreed")) { h.p("pre mb-0", agreement) } }
    }

    private func own(_ h: HTML, _ visit: Visit, _ c: Complaint, _ person: Complainant, _ file: MatterFile) {
        h.element("details", "card mb-3") {
            h.element("summary", "card-header", text: h.say(Text("我提交的内容", "What I sent")))
            h.div("card-body") {
                h.definitions {
                    h.definition(Text("商家", "Business"), "\(c.respondentName)，\(c.respondentAddress)")
                    h.definition(Text("经过", "Facts"), c.facts)
                    h.definition(Text("商品或服务", "Goods or service"), c.purchase)
                    h.definition(Text("日期", "Day"), c.occurredOn?.description)
                    h.definition(Text("金额", "Amount"), c.amount.map { "¥\($0.grouped)" })
                    h.definition(Text("诉求", "Claims"), c.claimsText[visit.language])
                    h.definition(Text("附件", "Files"), file.attachments.isEmpty ? h.say(Text("没有", "None")) : file.attachments.map(\.name).joined(separator: "、"))
                    h.definition(Text("同意公示", "Consent to publication"), c.publication.map { $0 ? h.say(Text("是", "Yes")) : h.say(Text("否", "No")) })
                    h.definition(Text("同意委托调解", "Consent to delegated mediation"), c.delegation.map { $0 ? h.say(Text("是", "Yes")) : h.say(Text("否", "No")) })
                    h.definition(Text("姓名", "Name"), person.name.description)
                    h.definition(Text("电话", "Phone"), person.phone.description)
                }
            }
        }
    }

    private func ownMoves(_ h: HTML, _ visit: Visit, _ c: Complaint, _ moves: [Move], _ code: String) {
        for move in moves {
            let path = "/track/\(c.matter.number)/\(move.name)"
            h.element("details", "card mb-3", [.init("open", if: move.name == "supply")]) {
                h.element("summary", "card-header", text: h.say(move.name == "recuse" ? Text("申请调解人员回避", "Ask for another mediator") : move.title))
                h.div("card-body") {
                    visit.form(h, path, multipart: move.name == "supply") {
                        h.hidden("code", code)
                        if move.name == "supply" {
                            h.area("note", Text("补充说明", "What you add"), value: nil, rows: 4)
                            h.void("input", "form-control mb-3", [.type("file"), .name("files"), .init("multiple", if: true), .label(h.say(Text("选择文件", "Choose files")))])
                            h.button(Text("提交补充材料", "Send"))
                        } else if move.name == "recuse" {
                            h.area("reason", Text("理由（近亲属、利害关系等）", "Why (a relative, an interest)"), value: nil, rows: 3, maxLength: 500)
                            h.button(Text("申请回避", "Ask for another mediator"), "btn btn-outline-primary")
                        } else {
                            h.p(nil, Text("撤回后本次投诉终止，不能恢复。确定要撤回吗？", "Withdrawing ends this complaint for good. Are you sure?"))
                            h.checkbox("sure", Text("我确定撤回", "Yes, withdraw it"), checked: false)
                            h.button(move.title, "btn btn-outline-danger")
                        }
                    }
                }
            }
        }
    }

    private func move(_ visit: Visit, _ name: String) async throws -> Answer {
        let form = try visit.exchange.form()
        let number = try visit.exchange.parameter("number")
        let code = form["code"] ?? ""
        let c = try await own(visit, number: number, code: code)
        do {
            if name == "withdraw" || name == "give-up" { guard form["sure"] == "yes" else { throw Refusal.invalid("/sure", Text("请勾选确认后再撤回", "Tick the box to withdraw")) } }
            guard form.files.count <= Attachments.maximumCount else {
                throw Refusal.invalid("/files", Text("最多\(Attachments.maximumCount)个附件", "At most \(Attachments.maximumCount) files"))
            }
            let files = visit.desk.files
            let kept = try form.files.map { try Attachments.keep($0.name, $0.bytes, files) }
            var fields = form
            fields.set("attached", kept.isEmpty ? "no" : "yes")
            let input = fields
            let now = visit.desk.now
            let handling = handling
            try await visit.desk.store.write { tx in
                let fresh = try tx.complaint(c.matter.id)
                try handling.apply(name, on: fresh, input: input, by: .filer, at: now, tx)
                try Attachments.attach(kept, to: fresh.matter, source: "complainant", by: "filer", at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await show(visit, refusal)
        }
        let path = Link.query("/track/\(number)", [("code", code)])
        return visit.redirect(
            path,
            saying: name == "supply"
                ? Text("补充材料已收到", "What you added was received")
                : name == "recuse" ? Text("申请已收到，调解中止，待决定", "Received: mediation stands still until it is decided") : Text("投诉已撤回", "The complaint was withdrawn"))
    }

    private func document(_ visit: Visit) async throws -> Answer {
        let c = try await own(visit, number: visit.exchange.parameter("number"), code: visit.exchange.query["code"])
        let raw = try visit.exchange.parameter("id")
        let isPDF = raw.hasSuffix(".pdf")
        guard let id = ID<IssuedDocument>(isPDF ? String(raw.dropLast(4)) : raw) else { throw Refusal.notFound }
        let document = try await visit.desk.store.read { tx in
            let found = try Documents.find(id, tx)
            // Only what was addressed to the complainant, only of this complaint.
            guard found.matter == c.matter.id, try tx.one("SELECT id FROM casework_notices WHERE document = \(id) AND recipient = 'complainant'") != nil else {
                throw Refusal.notFound
            }
            return found
        }
        let code = visit.exchange.query["code"] ?? ""
        let back = (Link.query("/track/\(c.matter.number)", [("code", code)]), Text("← 返回进度查询", "← Back to the complaint")[visit.language])
        return try await MatterRoutes.show(document, asPDF: isPDF, printer: printer, style: Grounds.shared.style, back: back)
    }
}

extension Visit {
    /// What a step is called to the one whom it concerns: what happened, not what to do.
    private static let told: [String: Text] = [
        "receive": Text("已收到您的投诉", "Your complaint was received"), "request": Text("请您补充材料", "You were asked for material"), "supply": Text("您补充了材料", "You sent material"),
        "accept": Text("已受理", "Taken up"), "refuse": Text("决定不予受理", "Not taken up"), "redirect": Text("已指引其他途径", "You were told where it belongs"),
        "withdraw": Text("您撤回了投诉", "You withdrew it"), "arrange": Text("已安排调解", "Mediation was arranged"), "test": Text("开始鉴定检测", "Testing began"),
        "tested": Text("鉴定检测结束", "Testing finished"), "agree": Text("双方达成协议", "You and the business agreed"), "end": Text("调解终止", "Mediation ended"),
        "give-up": Text("您撤回了投诉", "You withdrew it"), "tell": Text("已告知双方并办结", "Both were told; closed"), "close": Text("已办结", "Closed"),
        "invited": Text("已邀请商家答复", "The business was invited to answer"), "settle": Text("双方达成和解", "You and the business settled"),
        "hand-to-people": Text("已移交人民调解", "Handed to people's mediation"), "people-agreed": Text("人民调解达成协议", "Agreed in people's mediation"),
        "people-failed": Text("人民调解未成，继续调解", "Not agreed there: mediation goes on"), "settle-first": Text("先行和解成功", "Settled first"), "convert": Text("转为投诉", "Made a complaint"),
        "confirm-kept": Text("您确认商家已履行", "You confirmed that it was done"), "reopen": Text("您要求继续调解", "You asked for mediation to go on"),
    ]

    /// The history as the filer sees it: what and when, no names of staff.
    func publicHistory(_ h: HTML, _ file: MatterFile) {
        h.card(Text("办理进度", "Progress")) {
            h.element("ol", "timeline") {
                for entry in file.moves.reversed() {
                    guard let title = Visit.told[entry.move] else { continue }
                    h.li {
                        h.div("t-head") {
                            h.span("t-what", title)
                            h.element("time", "t-when", [.init("datetime", entry.at.isoText)], text: entry.at.minuteText)
                        }
                        if let article = entry.article.flatMap({ Article($0) }) { h.span("t-law", desk.law.register.cite(article)) }
                        let details = try? JSON(parsing: Array(entry.details.utf8))
                        if let what = details?[["request": "what", "redirect": "where"][entry.move] ?? "-"]?.string { h.p("t-note", what) }
                        if entry.move == "request", let due = details?["due"]?.string { h.p("t-note", Text("请于\(due)前提交", "To be sent by \(due)")) }
                    }
                }
            }
        }
    }
}
