import Kernel
import Platform
import Statute
import Store
import Web

/// Guidance at the desk, and the party's own door (行政指导页面、当事人反馈页).
struct GuidancePages: Sendable {
    let handling: GuidanceHandling
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/guidance", .permitted("enforcement.see")) { visit in try await list(visit) },
            Route(.get, "/guidance/new", .permitted("enforcement.guide")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/guidance/new", .permitted("enforcement.guide"), cap: 64 << 20) { visit in try await send(visit) },
            Route(.post, "/guidance/:id/code", .permitted("enforcement.guide")) { visit in try await newCode(visit) },
            Route(.get, "/guidance/:id", .permitted("enforcement.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/guidance/:id/moves/:move", .permitted("enforcement.guide"), cap: 64 << 20) { visit in try await move(visit) },
            Route(.get, "/rectify/:number", .anyone) { visit in try await door(visit, nil, nil) },
            Route(.post, "/rectify/:number", .anyone, cap: 64 << 20) { visit in try await respond(visit) },
        ]
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Guidance {
        let g = try tx.guidance(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(g.matter) else { throw Refusal.notFound }
        return g
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let all = visit.exchange.query["closed"] == "yes"
        let rows = try await visit.desk.store.read { tx in
            try tx.all(
                """
                SELECT m.*, g.due AS guidance_due FROM enforcement_guidance g JOIN casework_matters m ON m.id = g.matter WHERE m.open = \(all ? 0 : 1) AND m.region >= \(account.region)
                AND m.region < \(account.region + "~") ORDER BY COALESCE(g.due, '9999'), m.id DESC LIMIT 200
                """
            ).map { (Matter($0), $0.optionalDay("guidance_due")) }
        }
        return visit.page(Text("行政指导", "Guidance"), active: "/cases") { h in
            h.div("page-head") {
                h.h1(Text("行政指导和责令改正", "Guidance and orders to rectify"))
                if visit.may("enforcement.guide") { h.a("/guidance/new", "btn btn-sm btn-primary", Text("发出", "New")) }
            }
            h.p("crumbs") {
                h.a("/guidance", nil, Text("未办结", "Open"))
                h.text(" · ")
                h.a("/guidance?closed=yes", nil, Text("已办结", "Closed"))
            }
            guard !rows.isEmpty else {
                return h.empty(
                    Text("没有", "None"), Text("行政提示、建议、约谈、告诫会和责令改正在这里跟踪到改正。", "Prompts, advice, interviews, meetings and orders are followed here until all is corrected."))
            }
            h.div("table-wrap") {
                h.element("table", "table table-hover queue") {
                    h.element("thead") { h.tr { for t in [Text("编号", "Number"), Text("事项", "What"), Text("状态", "State"), Text("改正期限", "By"), Text("辖区", "Region")] { h.th(t) } } }
                    h.element("tbody") {
                        for (m, due) in rows {
                            h.tr {
                                h.td { h.a("/guidance/\(m.id)", nil, m.number) }
                                h.td(nil, m.title)
                                h.td { h.badge(GuidanceMoves.table.state(m.state).title, GuidanceMoves.table.state(m.state).tone) }
                                h.td { if let due { h.text(due.description) } }
                                h.td(nil, visit.region(String(m.region.prefix(6))))
                            }
                        }
                    }
                }
            }
        }
    }

    // MARK: New

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let from = sent?["of"] ?? visit.exchange.query["of"], uscc = visit.exchange.query["code"]
        let (source, op) = try await visit.desk.store.read { tx -> (Matter?, Operator?) in
            let matter = try from.flatMap { try tx.one("SELECT * FROM casework_matters WHERE number = \($0)") }.map(Matter.init).flatMap { visit.maySee($0) ? $0 : nil }
            return (matter, try matter?.operator.map { try Operators.find($0, tx) } ?? uscc.flatMap { try Operators.find(uscc: $0, tx) })
        }
        return visit.formPage(Text("发出行政指导、责令改正", "Guidance or an order to rectify"), at: "/guidance/new", active: "/cases", Text("发出", "Send"), multipart: true, refusal, sent) {
            h, e in
            h.radios("kind", Text("方式", "How"), options: Guidance.Kind.allCases.map { ($0.rawValue, $0.title, nil) }, value: "prompt", errors: e, inline: true)
            h.field("of", Text("所属事项编号", "Matter it belongs to"), value: source?.number ?? from, errors: e, required: false)
            h.field("code", Text("统一社会信用代码", "Credit code"), value: op?.uscc ?? uscc, errors: e, required: false)
            h.field("party", Text("当事人名称", "Party"), value: op?.name, errors: e)
            h.field("address", Text("地址", "Address"), value: op?.address, errors: e)
            h.select(
                "violation", Text("涉及的违法行为", "Violation it is about"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: nil,
                hint: Text("以后判断是否初次违法时查询", "Asked for when a later one is said to be the first"), errors: e, required: false, empty: Text("不在目录中", "None of these"))
            h.area("issues", Text("发现的问题", "What was found"), value: nil, rows: 4, errors: e, maxLength: 4000)
            h.area("asked", Text("要求和建议", "What is asked"), value: nil, rows: 4, errors: e, maxLength: 4000)
            h.field("basis", Text("依据", "Under"), value: nil, hint: Text("责令改正、约谈须写明法律、法规、规章的条款", "An order or an interview names its provision"), errors: e)
            h.field(
                "due", Text("改正期限", "By"), value: visit.desk.calendar.value.workday(from: visit.desk.today().adding(days: 15)).description, type: "date", errors: e,
                required: false)
            h.field("held", Text("约谈、会议时间", "Time of the meeting"), value: nil, errors: e, required: false)
            h.field("place", Text("约谈、会议地点", "Place of the meeting"), value: nil, errors: e, required: false)
            h.field(
                "files", Text("整改前照片", "Pictures before"), value: nil, type: "file", errors: e, required: false,
                attributes: [.init("multiple", if: true), .init("accept", "image/*")])
        }
    }

    private func send(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, handling, desk) = (visit.desk.now, handling, visit.desk)
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            let kind = Guidance.Kind(rawValue: try form.chosen("kind", Guidance.Kind.allCases.map(\.rawValue)))!
            var new = GuidanceHandling.New(
                kind, party: try form.needed("party", 100), address: try form.needed("address", 200), issues: try form.needed("issues", 4000),
                asked: try form.needed("asked", 4000),
                basis: try form.needed("basis", 300), region: account.region)
            if let text = form["due"] {
                guard let day = Day(text), day >= now.day else { throw Refusal.invalid("/due", Text("应为今天或者以后的日期", "A day from today on")) }
                new.due = day
            }
            if kind.isMeeting {
                new.heldAt = try form.needed("held", 60)
                new.place = try form.needed("place", 200)
            }
            let code = AccessCode.make()
            let ready = new
            let matter = try await desk.store.write { tx in
                var new = ready
                if let number = form["of"] {
                    guard let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(number)"), visit.maySee(Matter(row)) else {
                        throw Refusal.invalid("/of", Text("没有编号为“\(number)”的事项", "There is no matter “\(number)”"))
                    }
                    let source = Matter(row)
                    (new.ofMatter, new.operator, new.region) = (source, source.operator, source.region)
                    if source.kind == CaseMoves.kind { new.violation = try tx.penaltyCase(source).violation }
                }
                if let chosen = form["violation"].flatMap({ Penalties.shipped[$0]?.id }) { new.violation = chosen }
                if let uscc = form["code"] {
                    guard let op = try Operators.find(uscc: uscc.uppercased(), tx) else { throw Refusal.invalid("/code", Text("登记库中没有这个代码", "This code is not on the register")) }
                    try PartyName.check(new.partyName, of: op)
                    new.operator = op.id
                    if new.ofMatter == nil, account.covers(op.region) { new.region = op.region }
                }
                return try handling.open(new, pictures: kept, by: .staff(account), at: now, code: code, tx)
            }
            let path = visit.exchange.origin + Link.query("/rectify/\(matter.number)", [("code", code)])
            return visit.redirect(
                "/guidance/\(matter.id)", saying: Text("已发出。当事人凭此链接反馈：\(path)（只显示这一次）", "Sent. The party answers by this link, shown this once: \(path)"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await new(visit, refusal, form) }
    }

    // MARK: The page

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (g, file, pictures) = try await visit.desk.store.read { tx in
            let g = try find(visit, tx)
            return (g, try MatterFile.load(g.matter, desk: visit.desk, tx), try Self.pictures(g.matter.id, tx))
        }
        let moves = GuidanceMoves.table.available(g.matter, to: .staff(account), visit.desk.permissions).filter { $0.name != "attend" || g.kind.isMeeting }
        let state = GuidanceMoves.table.state(g.matter.state)
        return visit.page(Text("行政指导 \(g.matter.number)", "Guidance \(g.matter.number)"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/guidance", nil, Text("行政指导", "Guidance"))
                        h.text(" / \(g.matter.number)")
                    }
                    h.h1(g.matter.title)
                    h.p("mb-0") { h.badge(state.title, state.tone) }
                }
                h.div("head-due") { if g.matter.open { visit.urgency(h, g.due) } }
            }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    visit.actions(h, moves, at: "/guidance/\(g.matter.id)", under: CaseMoves.regime, multipart: true, failed: failed, refusal, sent) {
                        Self.fields(h, g, $0.name, $1)
                    }
                    h.card(Text("内容", "What it says")) {
                        h.definitions {
                            h.definition(Text("当事人", "Party")) {
                                if let op = g.matter.operator { h.a("/operators/\(op)", nil, g.partyName) } else { h.text(g.partyName) }
                                h.span("d-block small text-muted", g.partyAddress)
                            }
                            h.definition(Text("发现的问题", "Found")) { h.element("p", "pre mb-0", text: g.issues) }
                            h.definition(Text("要求", "Asked")) { h.element("p", "pre mb-0", text: g.asked) }
                            h.definition(Text("依据", "Under"), g.basis)
                            h.definition(Text("改正期限", "By"), g.due?.description)
                            if let held = g.heldAt { h.definition(Text("约谈、会议", "Meeting"), "\(held) \(g.place ?? "")") }
                            if let attended = g.attended { h.definition(Text("到场情况", "Attended"), attended) }
                            if let said = g.said { h.definition(Text("当事人反馈", "The party said"), said) }
                            if let found = g.found { h.definition(Text("复查情况（第\(g.rechecks)次）", "Looked at again (\(g.rechecks))"), found) }
                        }
                    }
                    if g.matter.open {
                        visit.form(h, "/guidance/\(g.matter.id)/code", "mb-3") {
                            h.button(
                                Text("换发当事人反馈链接", "Make a new link for the party"), "btn btn-sm btn-outline-secondary",
                                attributes: [h.confirming(Text("原链接将失效，确定换发？", "The old link becomes void: make a new one?"))])
                        }
                    }
                    Self.compare(h, pictures)
                    visit.documents(h, file, replacing: false)
                    visit.notes(h, file, matter: g.matter)
                }
                h.element("aside", "matter-side") { visit.history(h, file, table: GuidanceMoves.table, regime: g.matter.regime) }
            }
        }
    }

    static func pictures(_ id: ID<Matter>, _ tx: Transaction) throws -> [(attachment: Int64, stage: String, byParty: Bool)] {
        try tx.all("SELECT attachment, stage, by_party FROM enforcement_pictures WHERE matter = \(id) ORDER BY id").map {
            ($0.int("attachment"), $0.string("stage"), $0.bool("by_party"))
        }
    }
    /// Before and after, side by side.
    private static func compare(_ h: HTML, _ pictures: [(attachment: Int64, stage: String, byParty: Bool)]) {
        guard !pictures.isEmpty else { return }
        h.card(Text("整改前后对比", "Before and after")) {
            h.div("compare-pair") {
                for (stage, title) in [("before", Text("整改前", "Before")), ("after", Text("整改后", "After"))] {
                    h.div {
                        h.h3(title, "h6")
                        for picture in pictures where picture.stage == stage {
                            h.a("/attachments/\(picture.attachment)", "d-block mb-2") {
                                h.void("img", "img-fluid rounded", [.init("src", "/attachments/\(picture.attachment)"), .init("alt", h.say(title)), .init("loading", "lazy")])
                            }
                            if picture.byParty { h.p("small text-muted", Text("当事人提供", "From the party")) }
                        }
                    }
                }
            }
        }
    }

    private static func fields(_ h: HTML, _ g: Guidance, _ name: String, _ e: HTML.Errors) {
        func files() {
            h.field(
                "files", Text("照片", "Pictures"), value: nil, type: "file", errors: e, required: false,
                attributes: [.init("multiple", if: true), .init("accept", "image/*"), .init("capture", "environment")])
        }
        switch name {
        case "attend":
            h.field("attended", Text("到场人员", "Who came"), value: nil, errors: e, required: false)
            h.checkbox("absent", Text("无正当理由未到场（记入信用档案）", "Nobody came, without good reason (goes to the credit file)"), checked: false)
            h.area("note", Text("情况", "What was said"), value: nil, rows: 3, errors: e, required: false, maxLength: 2000)
        case "recheck", "fail", "fail-again":
            h.area("found", Text("复查情况", "What was found"), value: nil, rows: 3, errors: e, maxLength: 2000)
            files()
        case "escalate":
            h.field("cause", Text("案由", "Cause"), value: nil, errors: e)
            h.area("note", Text("说明", "Remark"), value: nil, rows: 2, errors: e, required: false, maxLength: 1000)
        default: h.area("note", Text("说明", "Remark"), value: nil, rows: 2, errors: e, maxLength: 500)
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now) = (handling, visit.desk.now)
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, pictures: kept, by: .staff(account), at: now, tx) }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await show(visit, name, refusal, form) }
        return visit.redirect("/guidance/\(try visit.exchange.parameter("id"))", saying: GuidanceMoves.table.done(name))
    }

    /// A lost link is replaced; the old one opens nothing any more.
    private func newCode(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let (code, now) = (AccessCode.make(), visit.desk.now)
        let number = try await visit.desk.store.write { tx in
            let g = try find(visit, tx)
            guard g.matter.open else { throw Refusal(.conflict, Text("已办结", "It is closed")) }
            try tx.send("UPDATE enforcement_guidance SET code = \(AccessCode.hash(code, g.matter.number)) WHERE matter = \(g.matter.id)")
            try Casework.remark("new-code", on: g.matter, by: .staff(account), sealing: [.init("enforcement_guidance", key: "matter", g.matter.id.raw)], at: now, tx)
            return g.matter.number
        }
        let path = visit.exchange.origin + Link.query("/rectify/\(number)", [("code", code)])
        return visit.redirect(
            "/guidance/\(try visit.exchange.parameter("id"))", saying: Text("新链接（原链接已失效，只显示这一次）：\(path)", "The new link, shown this once (the old one is void): \(path)"))
    }

    // MARK: The party's door

    private func found(_ visit: Visit, _ code: String) async throws -> Guidance {
        try limit.take("rectify|" + visit.exchange.peer, at: visit.desk.now)
        let number = try visit.exchange.parameter("number")
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT m.* FROM enforcement_guidance g JOIN casework_matters m ON m.id = g.matter WHERE m.number = \(number)") else {
                throw Refusal(.notFound, Text("编号与查询码不符，请核对链接", "Number and code do not fit: please check the link"))
            }
            let g = try tx.guidance(Matter(row))
            guard AccessCode.fits(code, number, g.code) else { throw Refusal(.notFound, Text("编号与查询码不符，请核对链接", "Number and code do not fit: please check the link")) }
            return g
        }
    }

    private func door(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let code = sent?["code"] ?? visit.exchange.query["code"] ?? ""
        let g = try await found(visit, code)
        let mayAnswer = GuidanceMoves.table.available(g.matter, to: .respondent, visit.desk.permissions).contains { $0.name == "respond" }
        return visit.page(g.kind.title, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(g.kind.title)
                h.p("text-muted", "\(g.matter.number) · \(visit.desk.office(for: g.matter.region).name)")
                h.errorSummary(refusal)
                h.card(Text("内容", "What it says")) {
                    h.definitions {
                        h.definition(Text("发现的问题", "Found")) { h.element("p", "pre mb-0", text: g.issues) }
                        h.definition(Text("请您改正", "Please correct")) { h.element("p", "pre mb-0", text: g.asked) }
                        h.definition(Text("依据", "Under"), g.basis)
                        if let due = g.due { h.definition(Text("期限", "By"), due.description) }
                        if let held = g.heldAt { h.definition(Text("约谈、会议", "Meeting"), "\(held) \(g.place ?? "")") }
                    }
                }
                if let said = g.said { h.card(Text("您的反馈", "Your answer")) { h.element("p", "pre mb-0", text: said) } }
                guard mayAnswer else { return h.div("alert alert-info", h.say(GuidanceMoves.table.state(g.matter.state).title)) }
                visit.form(h, "/rectify/\(g.matter.number)", "card card-body", multipart: true) {
                    h.hidden("code", code)
                    h.area("said", Text("改正情况或者意见", "What you corrected, or why you object"), value: sent?["said"], rows: 4, errors: HTML.Errors(refusal), maxLength: 2000)
                    h.field(
                        "files", Text("改正后的照片", "Pictures after"), value: nil, type: "file", errors: HTML.Errors(refusal), required: false,
                        attributes: [.init("multiple", if: true), .init("accept", "image/*"), .init("capture", "environment")])
                    h.button(Text("提交", "Send"))
                }
            }
        }
    }

    private func respond(_ visit: Visit) async throws -> Answer {
        let form = try visit.exchange.form()
        let g = try await found(visit, form["code"] ?? "")
        let (handling, now) = (handling, visit.desk.now)
        do {
            let (kept, wrong) = Attachments.take(form, visit)
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            try await visit.desk.store.write { tx in
                try handling.apply("respond", on: tx.guidance(tx.matter(g.matter.id)), input: form, pictures: kept, by: .respondent, at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await door(visit, refusal, form) }
        return visit.redirect(Link.query("/rectify/\(g.matter.number)", [("code", form["code"])]), saying: Text("已收到，将安排复查。", "Received: it will be looked at again."))
    }
}
