import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Requests for co-investigation (协查): to a platform, or to another authority; sent, received, answered.
///
/// Law: COI (platforms); PCD art. 45 (authorities: fifteen working days from receipt, longer only if told before).
package enum RequestMoves {
    package static let kind = "request"
    static let letter = Text("协助调查函", "Letter of co-investigation")
    static let sent = "sent"
    static let received = "received"
    static let replied = "replied"
    static let closed = "closed"
    static let withdrawn = "withdrawn"

    private static let ours: [Move.By] = [.staff("monitoring.dispatch"), .staff("monitoring.verify")]

    package static let table = MoveTable(
        kind: kind, title: Text("协查请求", "Request"),
        states: [
            State(sent, Text("已发出", "Sent"), outside: Text("请签收并答复", "Please receive and answer"), open: true, tone: "amber"),
            State(received, Text("已签收", "Received"), outside: Text("已签收，等待答复", "Received: the answer is awaited"), open: true, tone: "blue"),
            State(replied, Text("已答复", "Answered"), outside: Text("已答复", "Answered"), open: true, tone: "teal"),
            State(closed, Text("已办结", "Closed"), outside: Text("已办结", "Closed"), open: false, tone: "green"),
            State(withdrawn, Text("已撤回", "Withdrawn"), outside: Text("已撤回，无需答复", "Withdrawn: no answer is needed"), open: false, tone: "grey"),
        ],
        moves: [
            Move("receive-letter", Text("签收", "Receive"), from: [sent], to: received, by: [.filer] + ours, articles: ["PCD": "45(2)"], starts: []),
            Move("reply", Text("答复", "Answer"), from: [sent, received], to: replied, by: [.filer] + ours, articles: ["PCD": "45(2)"], stops: ["P3"]),
            Move("remind", Text("催办", "Remind"), from: [sent, received], to: nil, by: ours, articles: [:]),
            Move("withdraw", Text("撤回", "Withdraw"), from: [sent, received], to: withdrawn, by: ours, articles: [:], stops: ["P3"]),
            Move("ask-again", Text("要求补充", "Ask for more"), from: [replied], to: received, by: ours, articles: [:]),
            Move("close", Text("办结", "Close"), from: [replied], to: closed, by: ours, articles: [:]),
        ],
        filer: Text("协查对象", "The recipient"), opening: Text("发出协查请求", "Request sent")
    ) { key, value, _ in
        switch key {
        case "note": (Text("说明", "Remark"), Text(verbatim: value))
        case "recipient": (Text("协查对象", "To"), Text(verbatim: value))
        default: nil
        }
    }

    /// How long a business has to answer: no law found says it, so the office does (law sheet: open question).
    static let answer = NumberSetting("monitoring.request.workdays", Text("协查：要求平台答复的工作日", "Co-investigation: working days that a platform is given"), 10, 1...60)

    /// To whom: the three kinds of the interim measures, and authorities.
    static let parties: [(String, Text)] = [
        ("platform", Text("网络交易平台经营者", "Platform operator")), ("service", Text("为网络交易提供场所、浏览、支付等服务的经营者", "Provider of space, browsing or payment")),
        ("support", Text("营销推广、支付结算、物流快递经营者", "Marketing, payment or logistics provider")), ("authority", Text("其他市场监管部门", "Another market regulator")),
    ]
    /// What may be asked without more: the standard fields.
    static let fields: [(String, Text)] = [
        ("identity", Text("平台内经营者身份信息（名称、信用代码、实际经营地址、联系方式）", "Identity of the merchant: name, code, address, contact")),
        ("shop", Text("网店名称、网址、入驻及变更时间", "Shop, address on the web, since when and what changed")), ("goods", Text("商品或者服务信息及其修改记录", "Goods and how their page was changed")),
        ("orders", Text("交易记录（时间、数量、金额）", "Transactions: time, number, amount")), ("logistics", Text("物流单号及收发信息", "Logistics")),
        ("payment", Text("支付结算信息", "Payment")), ("live", Text("直播回放、直播间运营者信息", "Replay and who runs the live room")),
        ("measures", Text("平台已采取的处置措施", "Measures taken by the platform")),
    ]
}

struct RequestPages: Sendable {
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/monitoring/requests", .permitted("monitoring.see")) { visit in try await list(visit, nil, nil) },
            Route(.post, "/monitoring/requests", .permitted("monitoring.see")) { visit in try await send(visit) },
            Route(.get, "/requests/:id", .permitted("monitoring.see")) { visit in try await show(visit, nil, nil) },
            Route(.post, "/requests/:id/moves/:move", .permitted("monitoring.see")) { visit in try await move(visit) },
            Route(.post, "/requests/:id/code", .permitted("monitoring.see")) { visit in try await newCode(visit) },
            Route(.get, "/letters/:number", .anyone) { visit in try await door(visit, nil, nil) },
            Route(.post, "/letters/:number/:move", .anyone, cap: 64 << 20) { visit in try await answer(visit) },
        ]
    }

    struct Request: Sendable {
        let matter: Matter
        let lead: Int64?
        let party: String
        let recipient: String
        let subject: String
        let asked: [String]
        let due: Day?
        let reply: String?
        let reminded: Int
        init(_ matter: Matter, _ row: Row) {
            self.matter = matter
            lead = row.optionalInt("lead")
            party = row.string("party")
            recipient = row.string("recipient")
            subject = row.string("subject")
            asked = row.string("asked").split(separator: ",").map(String.init)
            due = row.optionalDay("due")
            reply = row.optionalString("reply")
            reminded = row.count("reminded")
        }
    }

    func find(_ id: ID<Matter>, _ tx: Transaction) throws -> Request {
        let matter = try tx.matter(id)
        guard matter.kind == RequestMoves.kind, let row = try tx.one("SELECT * FROM monitoring_requests WHERE matter = \(id)") else { throw Refusal.notFound }
        return Request(matter, row)
    }

    // MARK: The office's side

    private func list(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let (all, days) = try await visit.desk.store.read { tx in
            (
                try tx.all(
                    "SELECT m.*, r.lead, r.party, r.recipient, r.subject, r.asked, r.due, r.reply, r.reminded FROM monitoring_requests r JOIN casework_matters m ON m.id = r.matter ORDER BY m.open DESC, m.id DESC LIMIT 100"
                ).map {
                    Request(Matter($0), $0)
                }.filter { visit.maySee($0.matter) }, try RequestMoves.answer.value(tx)
            )
        }
        let by = visit.desk.calendar.value.adding(workdays: days, to: visit.desk.today())
        let lead = sent?["lead"] ?? visit.exchange.query["lead"]
        return visit.page(Text("协查", "Co-investigation"), status: refusal?.kind.status ?? 200, active: "/monitoring") { h in
            h.div("page-head") { h.h1(Text("协查请求", "Requests for co-investigation")) }
            LeadPages.tabs(h, visit, active: "requests")
            h.errorSummary(refusal)
            if all.isEmpty {
                h.empty(Text("还没有协查请求", "No request yet"), Text("在下方向平台或其他部门发出第一件。", "Send the first one below, to a platform or another authority."))
            } else {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr { for t in [Text("编号", "Number"), Text("对象", "To"), Text("事由", "About"), Text("状态", "State"), Text("答复期限", "Due")] { h.th(t) } }
                        }
                        h.element("tbody") {
                            for r in all {
                                let state = RequestMoves.table.state(r.matter.state)
                                h.tr {
                                    h.td("number") { h.a("/requests/\(r.matter.id)", nil, r.matter.number) }
                                    h.td(nil, r.recipient)
                                    h.td("title", r.subject)
                                    h.td { h.badge(state.title, state.tone) }
                                    h.td("nowrap") {
                                        if let due = r.matter.nextDue ?? r.due { if r.matter.open { visit.urgency(h, due) } else { h.text(due.description) } } else { h.text("—") }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            if visit.may("monitoring.dispatch") || visit.may("monitoring.verify") {
                form(h, visit, lead, by, sent, HTML.Errors(refusal), open: refusal != nil || lead != nil || all.isEmpty)
            }
        }
    }

    private func form(_ h: HTML, _ visit: Visit, _ lead: String?, _ by: Day, _ sent: Form?, _ e: HTML.Errors, open: Bool) {
        h.element("details", "card mt-3", [.init("open", if: open)]) {
            h.element("summary", "card-header", text: h.say(Text("发出协查请求", "Send a request")))
            visit.form(h, "/monitoring/requests", "card-body") {
                h.select("party", Text("对象类别", "Kind of recipient"), options: RequestMoves.parties, value: sent?["party"], errors: e, empty: Text("请选择", "Choose"))
                h.field("recipient", Text("对象名称", "Recipient"), value: sent?["recipient"], errors: e)
                h.field("lead", Text("关联线索编号", "Number of the lead"), value: lead, errors: e, required: false)
                h.field("subject", Text("事由", "About"), value: sent?["subject"], errors: e)
                h.element("fieldset", "mb-3", [.id("f-asked")]) {
                    h.element("legend", "form-label", text: h.say(Text("请求提供（标准字段）", "What is asked for (standard fields)")))
                    if let error = e["asked"] { h.element("div", "text-danger small", text: h.say(error)) }
                    for (key, title) in RequestMoves.fields { h.checkbox("asked", title, value: key, checked: sent?.all("asked").contains(key) ?? false) }
                    h.p("small text-muted mb-0", Text("超出标准字段的须经省级市场监管部门同意，请写明依据并线下办理。", "Beyond these the provincial authority must consent: ask for that apart."))
                }
                h.field(
                    "due", Text("要求答复日期", "Answer wanted by"), value: sent?["due"] ?? by.description, type: "date",
                    hint: Text("致其他市场监管部门的，另依法自签收起十五个工作日计算", "For authorities fifteen working days from receipt run beside it, by law"), errors: e)
                h.button(Text("发出", "Send"))
            }
        }
    }

    private func send(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard visit.may("monitoring.dispatch") || visit.may("monitoring.verify") else { throw Refusal.forbidden("monitoring.dispatch") }
        let form = try visit.exchange.form()
        let (desk, now) = (visit.desk, visit.desk.now)
        do {
            var wrong: [Refusal.Field] = []
            let party = form["party"] ?? ""
            if !RequestMoves.parties.contains(where: { $0.0 == party }) { wrong.append(.init("/party", Text("请选择对象类别", "Choose the kind of recipient"))) }
            for (field, most) in [("recipient", 120), ("subject", 200)] {
                if form[field] == nil { wrong.append(.init("/\(field)", Text("请填写这一项", "This is needed"))) }
                if (form[field] ?? "").count > most { wrong.append(.init("/\(field)", Text("不能超过\(most)字", "At most \(most) characters"))) }
            }
            let asked = form.all("asked").filter { key in RequestMoves.fields.contains { $0.0 == key } }
            if asked.isEmpty { wrong.append(.init("/asked", Text("请至少选择一项", "Choose at least one"))) }
            let due = form["due"].flatMap { Day($0) }
            if due == nil || due! <= now.day { wrong.append(.init("/due", Text("答复日期应晚于今天", "The day is after today"))) }
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            let code = AccessCode.make()
            let (recipient, subject) = (form["recipient"]!, form["subject"]!)
            let id = try await desk.store.write { tx in
                var lead: ID<Matter>?
                if let number = form["lead"] {
                    guard try tx.one("SELECT id FROM casework_matters WHERE number = \(number.uppercased())") != nil else {
                        throw Refusal.invalid("/lead", Text("没有编号为“\(number)”的线索", "There is no lead “\(number)”"))
                    }
                    let matter = try tx.matter(number: number.uppercased())
                    guard visit.maySee(matter) else { throw Refusal.notFound }
                    lead = matter.id
                }
                let casework = Casework(table: RequestMoves.table, desk: desk)
                let n = try tx.nextNumber("request.\(now.day.year)")
                let number = "XC\(now.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
                let matter = try casework.open(
                    .init(
                        number: number, state: RequestMoves.sent, title: String("\(recipient)：\(subject)".prefix(60)), regime: "PCD",
                        region: account.region.isEmpty ? desk.configuration.cityRegion : account.region, operator: nil, receivedAt: now, competentAt: now), tx)
                try tx.send(
                    """
                    INSERT INTO monitoring_requests (matter, lead, party, recipient, subject, asked, due, code)
                    VALUES (\(matter.id), \(lead), \(party), \(recipient), \(subject), \(asked.joined(separator: ",")), \(due), \(AccessCode.hash(code, number)))
                    """)
                Search.index(RequestMoves.kind, matter.id.raw, texts: [number, recipient, subject], marks: ["o:"], tx)
                try casework.record(
                    matter, as: "receive", by: .staff(account), article: Article(law: "PCD", article: "45(1)"), starting: [], at: now,
                    details: [("recipient", .string(recipient))], sealing: [.init("monitoring_requests", key: "matter", matter.id.raw)], tx)
                try Casework.notify("recipient", of: matter.id, by: "mail", RequestMoves.letter.zh, at: now, tx)
                if let lead { try Casework.link(tx.matter(lead), with: matter, why: "协查", by: .staff(account), at: now, tx) }
                return matter.id
            }
            let number = try await desk.store.read { try $0.matter(id).number }
            let path = Link.query("/letters/\(number)", [("code", code)])
            return visit.redirect(
                "/requests/\(id)", saying: Text("已发出。对方凭此链接签收和答复：\(visit.exchange.origin)\(path)", "Sent. The recipient's link: \(visit.exchange.origin)\(path)"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await list(visit, refusal, form) }
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ failed: String?) async throws -> Answer {
        let account = try visit.signedIn()
        let (r, file, about) = try await visit.desk.store.read { tx in
            let r = try find(visit.exchange.id(of: Matter.self), tx)
            guard visit.maySee(r.matter) else { throw Refusal.notFound }
            return (r, try MatterFile.load(r.matter, desk: visit.desk, tx), try self.about(r, tx))
        }
        let moves = RequestMoves.table.available(r.matter, to: .staff(account), visit.desk.permissions)
        return visit.page(Text("协查 \(r.matter.number)", "Request \(r.matter.number)"), status: refusal?.kind.status ?? 200, active: "/monitoring") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/monitoring/requests", nil, Text("协查", "Co-investigation")) }
                h.h1(r.matter.title)
                h.p("mb-0") {
                    let state = RequestMoves.table.state(r.matter.state)
                    h.badge(state.title, state.tone)
                    h.span("text-muted ms-2", Text("催办\(r.reminded)次", "reminded \(r.reminded) times"))
                }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if !moves.isEmpty {
                        h.card(Text("可以办理", "What can be done now"), "actions") {
                            for move in moves {
                                h.element("details", "action", [.init("open", if: failed == move.name)]) {
                                    // What the recipient does by its own link may also come by post or phone: then it is put on record here.
                                    let title = ["receive-letter": Text("登记对方已签收", "Put its receipt on record"), "reply": Text("登记对方的答复", "Put its answer on record")][move.name]
                                    h.element("summary") { h.span("action-name", title ?? move.title) }
                                    visit.form(h, "/requests/\(r.matter.id)/moves/\(move.name)", "action-form") {
                                        h.part(move.name) { h.area("note", Text("说明", "Remark"), value: nil, rows: 2, required: move.name == "reply", maxLength: 4000) }
                                        h.button(title ?? move.title)
                                    }
                                }
                            }
                        }
                    }
                    letter(h, visit, r, about, inside: true)
                    if r.matter.open, visit.may("monitoring.dispatch") || visit.may("monitoring.verify") { LeadNotice.renew(h, visit, "/requests/\(r.matter.id)/code") }
                    if let reply = r.reply { h.card(Text("答复", "The answer")) { h.p("pre mb-0", reply) } }
                    visit.files(h, file, matter: r.matter)
                    visit.notes(h, file, matter: r.matter)
                }
                h.element("aside", "matter-side") {
                    if let due = r.due, r.party != "authority" {
                        h.card(Text("答复期限", "Answer due")) {
                            if r.reply == nil, r.matter.open { visit.urgency(h, due) } else { h.text(due.description) }
                            h.p("small text-muted mb-0", Text("函件要求的日期；法律未规定平台答复期限", "The day that the letter names: no law gives one for platforms"))
                        }
                    } else {
                        visit.clocks(h, file, matter: r.matter)
                    }
                    visit.history(h, file, table: RequestMoves.table, regime: "PCD")
                }
            }
        }
    }

    /// One way for both doors.
    func apply(_ name: String, _ r: Request, _ note: String?, by actor: Actor, _ desk: Desk, at now: Moment, _ tx: Transaction) throws {
        let casework = Casework(table: RequestMoves.table, desk: desk)
        let key = r.matter.id
        _ = try RequestMoves.table.check(name, on: r.matter, by: actor, desk.permissions)
        if name == "reply" {
            guard let note, note.count <= 4000 else { throw Refusal.invalid("/note", Text("请填写答复（4000字以内）", "Write the answer in at most 4,000 characters")) }
            try tx.send("UPDATE monitoring_requests SET reply = \(note), replied_at = \(now) WHERE matter = \(key)")
        }
        if name == "receive-letter" { try tx.send("UPDATE monitoring_requests SET received_at = \(now) WHERE matter = \(key)") }
        if name == "remind" { try tx.send("UPDATE monitoring_requests SET reminded = reminded + 1 WHERE matter = \(key)") }
        try casework.perform(
            name, on: r.matter, by: actor, at: now, details: name == "reply" ? [] : note.map { [("note", .string($0))] } ?? [],
            sealing: [.init("monitoring_requests", key: "matter", key.raw)], tx)
        // Law: PCD art. 45(2) counts for authorities from receipt; what a platform has is the day that the request names.
        if name == "receive-letter", r.party == "authority" { try casework.begin("P3", of: tx.matter(key), at: now, tx) }
        if name == "remind" { try Casework.notify("recipient", of: key, by: "mail", RequestMoves.letter.zh, at: now, tx) }
    }

    /// A lost link is replaced; the old one opens nothing any more.
    private func newCode(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard visit.may("monitoring.dispatch") || visit.may("monitoring.verify") else { throw Refusal.forbidden("monitoring.dispatch") }
        let (code, now) = (AccessCode.make(), visit.desk.now)
        let number = try await visit.desk.store.write { tx in
            let r = try find(visit.exchange.id(of: Matter.self), tx)
            guard visit.maySee(r.matter) else { throw Refusal.notFound }
            guard r.matter.open else { throw Refusal(.conflict, Text("该请求已办结", "This request is closed")) }
            try tx.send("UPDATE monitoring_requests SET code = \(AccessCode.hash(code, r.matter.number)) WHERE matter = \(r.matter.id)")
            try Casework.remark("new-code", on: r.matter, by: .staff(account), sealing: [.init("monitoring_requests", key: "matter", r.matter.id.raw)], at: now, tx)
            return r.matter.number
        }
        let path = Link.query("/letters/\(number)", [("code", code)])
        return visit.redirect(
            "/requests/\(try visit.exchange.parameter("id"))",
            saying: Text("新链接（原链接已失效）：\(visit.exchange.origin)\(path)", "The new link (the old one is void): \(visit.exchange.origin)\(path)"))
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (desk, now) = (visit.desk, visit.desk.now)
        do {
            try await desk.store.write { tx in
                let r = try find(visit.exchange.id(of: Matter.self), tx)
                guard visit.maySee(r.matter) else { throw Refusal.notFound }
                try apply(name, r, form["note"], by: .staff(account), desk, at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, refusal, name) }
        return .redirect("/requests/\(try visit.exchange.parameter("id"))")
    }
}
