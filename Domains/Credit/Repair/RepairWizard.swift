import Enforcement
import Kernel
import Platform
import Statute
import Store
import Web

/// The operator's own door (信用修复自助页): what of it is on record, which conditions are met and which is missing, and the application.
///
/// What it shows is public already: penalties that are published, and the lists.
struct RepairWizard: Sendable {
    let desk: Desk
    let limit: RateLimit
    let printer: Printer
    let style: @Sendable () -> String

    func routes() -> [Route] {
        [
            Route(.get, "/repair", .anyone) { visit in try await show(visit, nil, nil) },
            Route(.post, "/repair", .anyone, cap: 64 << 20) { visit in try await apply(visit) },
            Route(.get, "/repair/fraud", .anyone) { visit in try await fraud(visit) },
            Route(.get, "/repair/track", .anyone) { visit in
                .redirect(Link.query("/repair/\(Link.encode((visit.exchange.query["number"] ?? "0").uppercased()))", [("code", visit.exchange.query["code"]?.uppercased())]))
            },
            Route(.get, "/repair/:number", .anyone) { visit in try await track(visit, nil, nil) },
            Route(.get, "/repair/:number/decision", .anyone) { visit in try await decision(visit) },
            Route(.post, "/repair/:number", .anyone) { visit in try await complete(visit) },
            Route(.get, "/joint/:number", .anyone) { visit in try await joint(visit, nil) },
            Route(.post, "/joint/:number", .anyone) { visit in try await answerJoint(visit) },
        ]
    }

    static func conditions(_ h: HTML, _ item: Repairable, toAnybody: Bool = false) {
        h.ul("conditions") {
            for c in item.conditions {
                h.li(c.met == true ? "met" : c.met == false ? "missing" : "asked") {
                    h.span("condition-mark", c.met == true ? "✓" : c.met == false ? "✗" : "…")
                    h.span("fw-semibold", c.text)
                    h.span("d-block small text-muted", toAnybody && c.isPrivate ? Text("详情在申请后由办理人员告知", "The details are told to who applies") : c.detail)
                }
            }
        }
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let typed = (sent?["code"] ?? visit.exchange.query["code"])?.uppercased()
        if typed != nil { try limit.take("repair|" + visit.exchange.peer, at: visit.desk.now) }
        let today = visit.desk.today()
        let (applicant, items) = try await visit.desk.store.read { tx -> (Applicant?, [Repairable]) in
            guard let typed, let applicant = try Applicant.find(typed, tx) else { return (nil, []) }
            return (applicant, try Repairable.of(applicant, on: today, tx).filter(\.isPublic))
        }
        return visit.page(Text("信用修复", "Credit repair"), status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(Text("信用修复", "Credit repair"))
                h.p(
                    "text-muted",
                    Text("输入统一社会信用代码，查看可以修复的信息、已经具备和还缺少的条件，并在线申请。", "Give your credit code to see what can be repaired, which conditions are met and which is missing, and apply."))
                h.errorSummary(refusal)
                h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/repair")]) {
                    h.void(
                        "input", "form-control",
                        [
                            .name("code"), .value(typed), .init("maxlength", "18"), .label(h.say(Text("统一社会信用代码", "Credit code"))),
                            .init("placeholder", h.say(Text("统一社会信用代码（18位）", "Credit code, 18 signs"))),
                        ])
                    h.button(Text("查看", "Look"))
                }
                if typed == nil {
                    h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/repair/track")]) {
                        for (name, label) in [("number", Text("申请编号", "Number of an application")), ("code", Text("查询码", "Its code"))] {
                            h.void("input", "form-control", [.name(name), .label(h.say(label)), .init("placeholder", h.say(label)), .init("required", if: true)])
                        }
                        h.button(Text("查询申请", "Track"))
                    }
                }
                h.p("small") { h.a("/repair/fraud", nil, Text("信用修复弄虚作假公示", "Fraud in credit repair")) }
                guard let typed else { return }
                guard let applicant else { return h.empty(Text("登记库中没有“\(typed)”", "“\(typed)” is not on the register"), Text("请核对代码。", "Please check the code.")) }
                h.h2(Text(verbatim: applicant.name), "h5")
                // Law: O107 art. 8, 9: asked for where the penalty was decided, wherever the party is registered.
                if applicant.operator == nil {
                    h.p(
                        nil,
                        Text(
                            "登记在外地的经营主体：以下处罚由本市作出，在登记地公示。在这里申请；准予修复后由作出决定的部门通知登记地停止公示。",
                            "Registered elsewhere: these penalties were decided here and are shown where you are registered. Apply here; the office that decided tells the other one to end the display."
                        ))
                }
                guard !items.isEmpty else {
                    return h.empty(Text("没有公示中的失信信息", "Nothing to repair"), Text("没有公示中的处罚，也不在经营异常名录和严重违法失信名单上。", "No penalty is shown, and it is on neither list."))
                }
                for item in items {
                    h.card(Text("\(item.tier.zh)：\(item.title)", "\(item.tier.en): \(item.title)")) {
                        if let until = item.until { h.p("small text-muted", Text("期满自动停止公示：\(until)", "Stops by itself on \(until)")) }
                        Self.conditions(h, item, toAnybody: true)
                        if item.pending != nil { return h.p("text-muted mb-0", Text("修复申请正在办理。", "An application for it is being handled.")) }
                        guard item.mayApply else { return h.p("text-warning-emphasis mb-0", Text("条件具备后可以申请。", "Apply once the conditions are met.")) }
                        application(h, visit, applicant.code, "\(item.matter.id)", Text("申请修复", "Apply"), refusal, sent)
                    }
                }
                if let op = applicant.operator, op.kind != .individual {
                    h.card(Text("正在执行重整计划或者和解协议", "A reorganisation plan or a settlement is being carried out")) {
                        h.p(
                            "small text-muted",
                            Text(
                                "凭人民法院批准重整计划或者认可和解协议的裁定书，可以申请暂时屏蔽以上信息（第二十二条）。",
                                "With the court's ruling that approves it you may ask that all of the above be hidden for the time (art. 22)."))
                        application(h, visit, op.uscc, "plan", Text("申请临时信用修复", "Apply for a temporary repair"), refusal, sent)
                    }
                }
            }
        }
    }

    /// Who hid the truth or cheated in a repair is shown for three years.
    ///
    /// Law: O107 art. 23(2).
    private func fraud(_ visit: Visit) async throws -> Answer {
        try limit.take("repair-fraud|" + visit.exchange.peer, at: visit.desk.now)
        let since = visit.desk.today().adding(months: -36)
        let rows = try await visit.desk.store.read { tx in
            try tx.all(
                """
                SELECT o.name AS name, o.uscc AS uscc, e.kind AS kind, e.on_day AS on_day FROM credit_events e JOIN operators o ON o.id = e.operator
                WHERE e.kind IN ('repair-refused', 'repair-revoked') AND e.detail LIKE '弄虚作假%' AND e.on_day > \(since)
                UNION ALL SELECT c.party_name, c.party_code, 'repair-' || m.state, COALESCE(r.revoked_on, r.decided_on) FROM credit_repairs r JOIN casework_matters m ON m.id = r.matter
                JOIN enforcement_cases c ON c.matter = r.of_matter WHERE m.operator IS NULL AND m.state IN ('refused', 'revoked') AND r.reason LIKE '弄虚作假%' AND COALESCE(r.revoked_on, r.decided_on) > \(since)
                ORDER BY on_day DESC LIMIT 200
                """)
        }
        return visit.page(Text("信用修复弄虚作假公示", "Fraud in credit repair")) { h in
            h.h1(Text("信用修复弄虚作假公示", "Fraud in credit repair"))
            h.p("text-muted", Text("因弄虚作假不予修复或者撤销修复的，公示三年，其间不得申请修复。", "Refused or revoked for fraud: shown for three years, without a new application."))
            guard !rows.isEmpty else { return h.empty(Text("没有", "None"), Text("三年内没有因弄虚作假被拒绝或者撤销修复的主体。", "Nobody in three years.")) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") { h.tr { for t in [Text("名称", "Name"), Text("信用代码", "Code"), Text("决定", "Decision"), Text("日期", "On")] { h.th(t) } } }
                    h.element("tbody") {
                        for r in rows {
                            h.tr {
                                h.td(nil, r.string("name"))
                                h.td("number", r.string("uscc"))
                                h.td { h.text(CreditEvent.Kind(rawValue: r.string("kind"))?.title ?? Text("", "")) }
                                h.td("number", r.string("on_day"))
                            }
                        }
                    }
                }
            }
        }
    }

    private func application(_ h: HTML, _ visit: Visit, _ applicant: String, _ item: String, _ title: Text, _ refusal: Refusal?, _ sent: Form?) {
        let isThis = sent?["item"] == item
        h.element("details", nil, [.init("open", if: isThis)]) {
            h.element("summary", text: h.say(title))
            visit.form(h, "/repair", "mt-2", multipart: true) {
                h.hidden("code", applicant)
                h.hidden("item", item)
                h.part("i\(item)", keeping: isThis ? sent : nil) {
                    let e = isThis ? HTML.Errors(refusal) : HTML.Errors()
                    if item == "plan" { h.field("ruling", Text("裁定书文号和法院", "The ruling's number and court"), value: nil, errors: e) }
                    h.field("contact", Text("联系人", "Contact"), value: nil, errors: e)
                    h.field("phone", Text("联系电话", "Phone"), value: nil, type: "tel", errors: e)
                    h.area("statement", Text("履行义务、纠正和整改情况", "What was performed, corrected, put right"), value: nil, rows: 4, errors: e, maxLength: 4000)
                    h.field(
                        "files", Text("主体资格文件（营业执照）和证明材料", "Licence of the applicant, and papers"), value: nil, type: "file", errors: e,
                        attributes: [.init("multiple", if: true)])
                    h.checkbox(
                        "promise",
                        Text(
                            "守信承诺：所提供的情况真实，今后守法诚信经营；弄虚作假的，愿意承担撤销修复、三年内不得申请的后果",
                            "We promise: what we say is true, and we keep the law; fraud leads to revocation and three years without application"), checked: false)
                    if let error = e["promise"] { h.p("text-danger small", error) }
                    h.checkbox("electronic", Text("同意以电子方式送达决定", "The decision may be sent electronically"), checked: true)
                }
                h.button(title)
            }
        }
    }

    private func apply(_ visit: Visit) async throws -> Answer {
        try limit.take("repair-apply|" + visit.exchange.peer, at: visit.desk.now)
        let form = try visit.exchange.form()
        let (now, desk, code) = (visit.desk.now, visit.desk, AccessCode.make())
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            let matter = try await desk.store.write { tx in
                guard let applicant = try Applicant.find(form.needed("code", 18).uppercased(), tx) else {
                    throw Refusal.invalid("/code", Text("登记库中没有这个代码", "This code is not on the register"))
                }
                if form["item"] == "plan", let op = applicant.operator {
                    return try RepairHandling(desk: desk).applyForPlan(of: op, input: form, files: kept, by: .filer, code: code, at: now, tx)
                }
                guard let item = try Repairable.of(applicant, on: now.day, tx).first(where: { $0.isPublic && "\($0.matter.id)" == form["item"] }) else {
                    throw Refusal.invalid("/item", Text("没有可以修复的这条信息", "There is no such item"))
                }
                return try RepairHandling(desk: desk).apply(for: item, of: applicant, input: form, files: kept, by: .filer, code: code, at: now, tx)
            }
            return visit.redirect(
                Link.query("/repair/\(matter.number)", [("code", code)]),
                saying: Text("申请已收到，编号\(matter.number)，查询码\(code)。请保存本页链接。", "Received: \(matter.number), code \(code). Keep this page's link."))
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, refusal, form) }
    }

    private func find(_ visit: Visit, _ code: String) async throws -> (Repair, [(Text, Day)]) {
        try limit.take("repair-track|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT m.* FROM credit_repairs r JOIN casework_matters m ON m.id = r.matter WHERE m.number = \(number)") else {
                throw Refusal(.notFound, Text("编号与查询码不符", "Number and code do not fit"))
            }
            let r = try tx.repair(Matter(row))
            guard AccessCode.fits(code, number, r.code) else { throw Refusal(.notFound, Text("编号与查询码不符", "Number and code do not fit")) }
            let clocks = try Clocks.of(r.matter.id, tx).filter { $0.state == "open" }.map { (visit.desk.law.catalogue[$0.duty]?.title ?? Text(verbatim: $0.duty), $0.due) }
            return (r, clocks)
        }
    }

    private func track(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let (r, clocks) = try await find(visit, code)
        let state = RepairMoves.table.state(r.matter.state)
        return visit.page(Text("信用修复申请", "Credit repair"), status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(Text("信用修复申请 \(r.matter.number)", "Application \(r.matter.number)"))
                h.p { h.badge(state.title, state.tone) }
                h.p("text-muted", r.matter.title)
                for (title, due) in clocks { h.p("mb-1", Text("\(title.zh)：至\(due)", "\(title.en): by \(due)")) }
                if let reason = r.reason { h.card(Text("告知内容", "What you are told")) { h.element("p", "pre mb-0", text: reason) } }
                if r.decidedOn != nil {
                    h.p {
                        h.a(
                            Link.query("/repair/\(r.matter.number)/decision", [("code", code)]), "btn btn-sm btn-outline-primary",
                            Text("查看、下载决定书", "The decision, to read and keep"))
                    }
                }
                if r.matter.state == "supplement" {
                    h.errorSummary(refusal)
                    visit.form(h, "/repair/\(r.matter.number)", "card card-body") {
                        h.hidden("code", code)
                        h.area("statement", Text("补正内容", "What you add"), value: sent?["statement"], rows: 4, errors: HTML.Errors(refusal), maxLength: 4000)
                        h.button(Text("提交补正", "Send"))
                    }
                }
                h.p("small text-muted", Text("如不服信用修复决定，可以依法申请行政复议或者提起行政诉讼。", "Against a decision you may ask for review or sue."))
            }
        }
    }

    /// The decision on it, for who applied.
    ///
    /// Law: O107 art. 19(2): electronic papers can be downloaded.
    private func decision(_ visit: Visit) async throws -> Answer {
        let code = visit.exchange.query["code"] ?? ""
        let (r, _) = try await find(visit, code)
        let papers = try await visit.desk.store.read { try Documents.of(r.matter.id, $0) }
        guard let paper = papers.last(where: { ["repair-granted", "repair-refused", "repair-revoked"].contains($0.form) }) else {
            throw Refusal(.notFound, Text("还没有决定书", "There is no decision yet"))
        }
        let back = (Link.query("/repair/\(r.matter.number)", [("code", code)]), Text("← 返回申请", "← Back to the application")[visit.language])
        return try await MatterRoutes.show(paper, asPDF: visit.exchange.query["pdf"] == "yes", printer: printer, style: style(), back: back)
    }

    private func complete(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let (r, _) = try await find(visit, form["code"] ?? "")
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            try await desk.store.write { tx in try RepairHandling(desk: desk).apply("complete", on: tx.repair(tx.matter(r.matter.id)), input: form, by: .filer, at: now, tx) }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await track(visit, refusal, form) }
        return visit.redirect(Link.query("/repair/\(r.matter.number)", [("code", form["code"])]), saying: Text("补正已收到", "Received"))
    }

    // MARK: An agency's receipt

    private func notice(_ visit: Visit, _ code: String) async throws -> (Matter, Row) {
        try limit.take("joint|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT n.* FROM credit_notices n JOIN casework_matters m ON m.id = n.matter WHERE m.number = \(number)"),
                AccessCode.fits(code, number, row.string("code"))
            else {
                throw Refusal(.notFound, Text("编号与查询码不符", "Number and code do not fit"))
            }
            return (try tx.matter(ID<Matter>(row.int("matter"))), row)
        }
    }
    private func joint(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let code = visit.exchange.query["code"] ?? (try? visit.exchange.form()["code"]) ?? ""
        let (matter, row) = try await notice(visit, code)
        let state = JointNotice.table.state(matter.state)
        return visit.page(JointNotice.table.title, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(JointNotice.table.title)
                h.p { h.badge(state.title, state.tone) }
                h.errorSummary(refusal)
                h.card(Text("通知内容", "What it says")) {
                    h.definitions {
                        h.definition(Text("主体", "Operator"), matter.title)
                        h.definition(
                            Text("措施", "Measures"),
                            row.string("measures").split(separator: ",").compactMap { id in JointNotice.measures.first { $0.0 == id }?.1[visit.language] }.joined(separator: "；"))
                        h.definition(Text("内容", "Content"), row.string("body"))
                    }
                }
                if matter.state == "sent" {
                    visit.form(h, "/joint/\(matter.number)", "card card-body mb-3") {
                        h.hidden("code", code)
                        h.hidden("act", "receive")
                        h.field("receiver", Text("签收人", "Received by"), value: nil, errors: HTML.Errors(refusal))
                        h.button(Text("签收", "Receive"))
                    }
                }
                if ["sent", "received"].contains(matter.state) {
                    visit.form(h, "/joint/\(matter.number)", "card card-body") {
                        h.hidden("code", code)
                        h.hidden("act", "report")
                        h.area("taken", Text("已采取的措施", "Measures taken"), value: nil, rows: 3, errors: HTML.Errors(refusal), maxLength: 2000)
                        h.button(Text("反馈", "Report"))
                    }
                }
            }
        }
    }
    private func answerJoint(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let (matter, _) = try await notice(visit, form["code"] ?? "")
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let act = try form.chosen("act", ["receive", "report"])
            try await desk.store.write { tx in try JointNotice.act(act, matter.id, input: form, at: now, desk: desk, tx) }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await joint(visit, refusal) }
        return visit.redirect(Link.query("/joint/\(matter.number)", [("code", form["code"])]), saying: Text("已收到", "Received"))
    }
}
