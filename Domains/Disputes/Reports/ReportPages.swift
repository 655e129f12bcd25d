import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// A report at the desk (举报办理页): what was reported, what may be done, who else reported it; the reporter only for who handles it.
struct ReportPages: Sendable {
    let handling: ReportHandling

    func routes() -> [Route] {
        [
            Route(.get, "/reports/:id", .permitted("reports.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/reports/:id/moves/:move", .permitted("reports.see")) { visit in try await move(visit) },
            Route(.post, "/reports/:id/reveal", .permitted("reports.verify")) { visit in try await reveal(visit) },
            Route(.post, "/reports/:id/code", .permitted("reports.verify")) { visit in try await newCode(visit) },
            Route(.post, "/reports/:id/registration", .permitted("reports.verify")) { visit in try await registration(visit) },
        ]
    }

    private static let purposes: [(String, Text)] = [
        ("contact", Text("联系举报人核实", "To ask the reporter")), ("verify", Text("核验身份", "To verify identity")), ("serve", Text("告知结果或者奖励", "To tell a result or a reward")),
    ]

    private struct Shown: Sendable {
        let report: Report
        let file: MatterFile
        let op: Operator?
        let messages: [(office: Bool, body: String, at: Moment)]
        let same: [Matter]
        let others: [Matter]
        let proposal: RewardProposal?
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Report {
        let matter = try tx.matter(visit.exchange.id(of: Matter.self))
        guard visit.maySee(matter) else { throw Refusal.notFound }
        return try tx.report(matter)
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?, reporter: Reporter? = nil) async throws -> Answer {
        let account = try visit.signedIn()
        let desk = visit.desk
        let s = try await desk.store.read { tx -> Shown in
            let r = try find(visit, tx)
            let others = try tx.all(
                "SELECT m.* FROM disputes_reports o JOIN casework_matters m ON m.id = o.matter WHERE o.respondent_name = \(r.respondentName) AND o.matter <> \(r.matter.id) ORDER BY m.id DESC LIMIT 10"
            ).map(Matter.init)
            return Shown(
                report: r, file: try MatterFile.load(r.matter, desk: desk, tx), op: try r.matter.operator.map { try Operators.find($0, tx) },
                messages: try handling.messages(r.matter.id, tx), same: try handling.same(r, tx), others: others, proposal: try RewardProposal.of(r.matter.id, tx))
        }
        let r = s.report
        let moves = handling.available(r, to: .staff(account), proposed: s.proposal)
        let state = ReportMoves.table.state(r.matter.state)
        return visit.page(Text("举报 \(r.matter.number)", "Report \(r.matter.number)"), status: refusal?.kind.status ?? 200, active: "/desk") { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/desk", nil, Text("待办", "Queue"))
                        h.text(" / \(r.matter.number)")
                    }
                    h.h1(r.matter.title)
                    h.p("mb-0") {
                        h.badge(state.title, state.tone)
                        h.badge(r.named ? Text("实名", "named") : Text("匿名", "nameless"), "grey")
                        h.span(
                            "text-muted ms-2", "\(desk.regions.path(r.matter.region, in: visit.language)) · \(h.say(Notice.source(r.source))) · \(r.matter.receivedAt.minuteText)")
                    }
                }
                h.div("head-due") { visit.headDue(h, s.file, matter: r.matter) }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if !moves.isEmpty { actions(h, visit, s, moves, failed, sent, HTML.Errors(refusal)) }
                    content(h, visit, s)
                    messages(h, s, mine: r.matter.assignee == account.id)
                    visit.files(h, s.file, matter: r.matter)
                    visit.documents(h, s.file)
                    visit.notices(h, s.file, channel: Notice.channel)
                    visit.notes(h, s.file, matter: r.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, s.file, matter: r.matter)
                    identity(h, visit, r, account, reporter)
                    told(h, visit, r)
                    others(h, visit, s)
                    visit.history(h, s.file, table: ReportMoves.table, regime: r.matter.regime)
                }
            }
        }
    }

    private func content(_ h: HTML, _ visit: Visit, _ s: Shown) {
        let r = s.report
        h.card(Text("举报内容", "What is reported")) {
            h.definitions {
                h.definition(Text("领域", "About"), h.say(r.areaTitle))
                h.definition(Text("被举报人", "Reported")) {
                    if let op = s.op { h.a("/operators/\(op.id)", nil, op.name) } else { h.text(r.respondentName) }
                    h.span("d-block text-muted small", r.respondentAddress)
                    if let url = r.shopURL { h.a(url, "d-block small", [.init("rel", "noreferrer noopener nofollow")]) { h.text(url) } }
                }
                h.definition(Text("发生日期", "Day"), r.occurredOn?.description)
                h.definition(Text("线索和依据", "Clues")) { h.element("p", "pre mb-0", text: r.clues) }
                if let reason = r.reason { h.definition(Text("处理理由", "Reason"), reason) }
                if let told = r.told { h.definition(Text("告知内容", "Told"), told) }
                if let reward = r.reward { h.definition(Text("奖励", "Reward"), "¥\(reward.grouped)") }
            }
        }
    }

    private func messages(_ h: HTML, _ s: Shown, mine: Bool) {
        guard !s.messages.isEmpty else { return }
        h.card(Text("与举报人的往来", "Messages with the reporter")) {
            guard mine else {
                return h.p("text-muted mb-0", Text("共\(s.messages.count)条，加密留存，只有承办人可以查看", "Messages: \(s.messages.count), encrypted; only who handles the report reads them"))
            }
            for message in s.messages {
                h.div("note") {
                    h.p("small fw-semibold mb-1", message.office ? Text("本机关", "We") : Text("举报人", "The reporter"))
                    h.p("pre mb-1", message.body)
                    h.p("text-muted small mb-0", message.at.minuteText)
                }
            }
        }
    }

    private func identity(_ h: HTML, _ visit: Visit, _ r: Report, _ account: Account, _ reporter: Reporter?) {
        h.card(Text("举报人", "Reporter")) {
            guard r.named else { return h.p("mb-0", Text("匿名，没有留存身份信息；可通过“向举报人提问”联系", "Nameless: nothing about the person is kept; ask by the message channel")) }
            if let reporter {
                h.definitions {
                    h.definition(Text("姓名", "Name"), reporter.name)
                    h.definition(Text("电话", "Phone"), reporter.phone)
                    h.definition(Text("地址", "Address"), reporter.address.isEmpty ? nil : reporter.address)
                    h.definition(Text("证件号码", "Identity number"), reporter.idNumber)
                }
                visit.form(h, "/reports/\(r.matter.id)/registration", "mt-2") { h.button(Text("打印举报登记表", "Print the registration form"), "btn btn-sm btn-outline-secondary") }
                return
            }
            guard r.matter.assignee == account.id else {
                return h.p("text-muted mb-0", Text("加密留存，只有承办人可以查看（第三十七条）", "Encrypted: only who handles the report may open it (art. 37)"))
            }
            visit.form(h, "/reports/\(r.matter.id)/reveal") {
                h.select("purpose", Text("查看用途", "For what purpose"), options: Self.purposes, value: nil, empty: Text("请选择", "Choose"))
                h.button(Text("查看（将记入日志）", "Show (this is logged)"), "btn btn-sm btn-outline-secondary")
            }
            visit.form(h, "/reports/\(r.matter.id)/code", "mt-2") {
                h.button(
                    Text("重发查询码", "Give a new tracking code"), "btn btn-sm btn-outline-secondary",
                    attributes: [h.confirming(Text("旧查询码将立即失效，确定重发？", "The old code ends at once. Give a new one?"))])
            }
        }
    }

    private func told(_ h: HTML, _ visit: Visit, _ r: Report) {
        h.card(Text("是否告知结果", "Is the result told?")) {
            if let telling = r.telling {
                h.p("mb-1", Text("应当告知", "Yes"))
                h.p("small mb-0", Text("依据：\(visit.desk.law.register.cite(telling.article).zh)", "Under \(visit.desk.law.register.cite(telling.article).en)"))
            } else {
                h.p("mb-0", Text("未见法律、法规、规章要求告知；不主动告知。", "No law seen asks for it: it is not told."))
            }
        }
    }

    private func others(_ h: HTML, _ visit: Visit, _ s: Shown) {
        guard !s.same.isEmpty || !s.others.isEmpty else { return }
        func list(_ matters: [Matter]) {
            h.ul("plain") {
                for m in matters where visit.maySee(m) {
                    h.li {
                        h.a("/reports/\(m.id)", nil, m.number)
                        h.text(" ")
                        h.badge(ReportMoves.table.state(m.state).title, ReportMoves.table.state(m.state).tone)
                    }
                }
            }
        }
        h.card(Text("相关举报", "Related reports")) {
            if !s.same.isEmpty {
                h.h3(Text("同一举报人对同一被举报人", "The same reporter, the same business"), "h6")
                list(s.same)
            }
            let rest = s.others.filter { other in !s.same.contains { $0.id == other.id } }
            if !rest.isEmpty {
                h.h3(Text("同一被举报人的其他举报", "Others about the same business"), "h6")
                list(rest)
            }
        }
    }

    // MARK: Moves

    private func actions(_ h: HTML, _ visit: Visit, _ s: Shown, _ moves: [Move], _ failed: String?, _ sent: Form?, _ errors: HTML.Errors) {
        let r = s.report
        h.card(Text("可以办理", "What can be done now"), "actions") {
            for (index, move) in moves.enumerated() {
                h.element("details", "action action-\(move.name)", [.init("open", if: failed == move.name || (failed == nil && index == 0 && moves.count < 4))]) {
                    h.element("summary") {
                        h.span("action-name", move.title)
                        if let article = move.name == "tell" ? r.telling?.article : move.article(under: r.matter.regime) {
                            h.span("action-law", visit.desk.law.register.cite(article))
                        }
                    }
                    visit.form(h, "/reports/\(r.matter.id)/moves/\(move.name)", "action-form") {
                        h.part(move.name, keeping: failed == move.name ? sent : nil) { fields(h, visit, s, move.name, failed == move.name ? errors : HTML.Errors()) }
                        let isFinal = ["elsewhere", "repeat", "merge", "not-file", "close"].contains(move.name)
                        h.button(
                            move.title, isFinal ? "btn btn-danger" : "btn btn-primary",
                            attributes: isFinal ? [h.confirming(Text("确定“\(move.title.zh)”？办理后不能撤销。", "\(move.title.en)? This cannot be undone."))] : [])
                    }
                }
            }
        }
    }

    private func fields(_ h: HTML, _ visit: Visit, _ s: Shown, _ name: String, _ e: HTML.Errors) {
        func area(_ name: String, _ label: Text, _ hint: Text? = nil, required: Bool = true) {
            h.area(name, label, value: nil, rows: 3, hint: hint, errors: e, required: required, maxLength: 2000)
        }
        func channel() {
            guard s.report.named else { return h.p("small text-muted", Text("匿名举报在查询页告知", "A nameless reporter reads it on the tracking page")) }
            h.select(
                "channel", Text("告知方式", "How the reporter is told"), options: Notice.channels, value: s.report.source == "web" ? "portal" : nil, errors: e,
                empty: Text("请选择", "Choose"))
        }
        switch name {
        case "dispatch":
            let districts = visit.desk.regions.districts(of: visit.desk.configuration.cityRegion)
            h.select(
                "region", Text("分送至", "Dispatch to"), options: districts.map { ($0.code, Text(verbatim: visit.region($0.code))) }, value: String(s.report.matter.region.prefix(6)),
                hint: Text("由被举报行为发生地处理", "Where the conduct took place"), errors: e, empty: Text("请选择", "Choose"))
        case "begin":
            h.p("small text-muted", Text("开始核查即由您承办，此后只有您可以查看举报人信息。", "You handle it from here on, and only you may open who reported."))
            h.checkbox("evidence", Text("附有事实依据和证据", "It comes with facts and evidence"), checked: s.report.hasEvidence)
            area("note", Text("说明", "Remark"), required: false)
        case "test": h.field("body", Text("检测、鉴定机构", "Body"), value: nil, errors: e)
        case "tested": area("result", Text("结论", "Result"))
        case "file", "not-file":
            area("reason", name == "file" ? Text("核查情况和立案理由", "What was found, and why a case is filed") : Text("核查情况和不予立案理由", "What was found, and why there is no case"))
        case "hand-over":
            h.field("where", Text("移送至", "To"), value: nil, hint: Text("有管辖权的机关，或者本局的监测、办案部门", "The competent authority, or our own monitoring or case unit"), errors: e)
            area("reason", Text("核查情况", "What was found"))
        case "elsewhere":
            area("where", Text("告知举报人应向哪里提出", "Where the reporter should go"), Text("属于市场监管职责的，写明有处理权限的市场监管部门", "Where it is market supervision: which authority is competent"))
            channel()
        case "repeat", "merge":
            if s.same.isEmpty {
                h.p("small text-muted", Text("没有同一举报人对同一被举报人的其他举报，不能这样办理。", "There is no earlier report by the same person about the same business."))
            } else {
                h.select(
                    "number", Text("此前的举报", "Earlier report"), options: s.same.map { ($0.number, Text(verbatim: "\($0.number) \($0.title)")) }, value: nil, errors: e,
                    empty: Text("请选择", "Choose"))
            }
            if name == "repeat" { area("reason", Text("为何是同一违法事实", "Why it is the same facts")) }
        case "tell":
            area("result", Text("处理结果", "Result"), Text("写入告知书；不要写举报人的姓名", "Goes into the notice; leave the reporter's name out"))
            channel()
        case "ask", "reply": area("body", Text("内容", "What you ask"), Text("举报人凭编号和查询码看到", "The reporter reads it with number and code"))
        case "reward":
            if let proposal = s.proposal {
                h.p("fw-semibold", proposal.text)
                h.hidden("proposal", String(proposal.id))
            }
            area("note", Text("意见", "Remark"), required: false)
            h.p("small text-muted", Text("档次和数额应与本省规定核对；由负责人决定。", "Check tiers and sums against the province's own rule; the head decides."))
        case "propose-reward":
            h.radios(
                "ground", Text("重大违法情形", "Why it is a major violation"), options: ReportRules.shared.rewardGrounds.map { ($0.id, $0.title, nil) }, value: nil, errors: e)
            h.radios("tier", Text("奖励等级", "Tier"), options: ReportRules.shared.tiers.map { ($0.id, $0.title, nil) }, value: nil, errors: e)
            h.field("fined", Text("罚没款（元）", "Fined and confiscated (yuan)"), value: nil, errors: e, inputmode: "decimal")
            h.field("decision", Text("处罚决定书文号", "Number of the decision"), value: nil, errors: e)
            h.field(
                "joint", Text("与财政部门会商文号", "Number of the finance department's consent"), value: nil,
                hint: Text("奖励¥\(ReportRules.shared.jointFrom.grouped)以上时填写", "For rewards from ¥\(ReportRules.shared.jointFrom.grouped) on"), errors: e, required: false)
            h.checkbox("person", Text("举报人是自然人，不是依职责举报", "The reporter is a natural person, not one whose duty it was"), checked: false)
            if let error = e["person"] { h.p("text-danger small", error) }
        default: area("note", Text("说明", "Remark"), required: false)
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now) = (handling, visit.desk.now)
        do {
            let after = try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, tx) }
            guard visit.maySee(after) else { return .redirect("/desk") }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict {
            return try await show(visit, name, refusal, form)
        }
        return .redirect("/reports/\(try visit.exchange.parameter("id"))")
    }

    // MARK: Who reported

    private func reveal(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard let purpose = try visit.exchange.form()["purpose"], Self.purposes.contains(where: { $0.0 == purpose }) else {
            return visit.redirect("/reports/\(try visit.exchange.parameter("id"))", saying: Text("请先选择查看用途", "Choose first for what purpose you look"), refused: true)
        }
        let (desk, now) = (visit.desk, visit.desk.now)
        let reporter = try await desk.store.write { try Reporter.open(find(visit, $0), purpose: purpose, by: account, desk: desk, at: now, $0) }
        return try await show(visit, nil, nil, nil, reporter: reporter)
    }

    /// For a reporter who lost the code, or whose report was split from a complaint: shown once, the old one ends.
    private func newCode(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let (code, now) = (AccessCode.make(), visit.desk.now)
        let number = try await visit.desk.store.write { tx in
            let r = try find(visit, tx)
            guard r.matter.assignee == account.id else { throw Refusal(.forbidden, Text("只有承办人可以重发查询码", "Only who handles the report may do this")) }
            try tx.send("UPDATE disputes_reports SET tracking = \(AccessCode.hash(code, r.matter.number)) WHERE matter = \(r.matter.id)")
            try Casework.remark("new-code", on: r.matter, by: .staff(account), sealing: [.init("disputes_reports", key: "matter", r.matter.id.raw)], at: now, tx)
            return r.matter.number
        }
        return visit.redirect(
            "/reports/\(try visit.exchange.parameter("id"))", saying: Text("\(number)的新查询码：\(code)，只显示这一次。", "The new code of \(number): \(code), shown this once."))
    }

    private func registration(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let (desk, now) = (visit.desk, visit.desk.now)
        let body = try await desk.store.write { tx in
            let r = try find(visit, tx)
            let reporter = try r.named ? Reporter.open(r, purpose: "registration form", by: account, desk: desk, at: now, tx) : nil
            return try ReportDocuments.registration(r, reporter, by: account, at: now, desk: desk, tx)
        }
        return .sheet(Documents.sheet(body, title: "举报登记表", style: Grounds.shared.style))
    }
}
