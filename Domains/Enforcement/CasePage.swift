import Kernel
import Platform
import Statute
import Store
import Web

/// One case at the desk (案件办理页): where it stands, what may be done now, its evidence, people, money, papers.
struct CasePage: Sendable {
    let handling: CaseHandling

    func routes() -> [Route] {
        [
            Route(.get, "/cases/:id", .permitted("enforcement.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/cases/:id/moves/:move", .permitted("enforcement.see")) { visit in try await move(visit) },
            Route(.post, "/cases/:id/evidence", .permitted("enforcement.investigate")) { visit in try await evidence(visit) },
            Route(.post, "/cases/:id/evidence/:evidence/exclude", .permitted("enforcement.investigate")) { visit in try await exclude(visit) },
            Route(.post, "/cases/:id/leniency", .permitted("enforcement.investigate")) { visit in try await leniency(visit) },
            Route(.post, "/cases/:id/measures", .permitted("enforcement.investigate")) { visit in try await measure(visit) },
            Route(.get, "/cases/:id/documents/new", .permitted("enforcement.investigate")) { visit in try await document(visit, nil, nil) },
            Route(.post, "/cases/:id/documents/new", .permitted("enforcement.investigate")) { visit in try await issue(visit) },
        ]
    }

    struct Shown: Sendable {
        let c: Case
        let file: MatterFile
        let op: Operator?
        let people: [CasePerson]
        let names: [Int64: String]
        let recusals: [(id: Int64, account: Int64, reason: String, granted: Bool?)]
        let evidence: [CaseEvidence]
        let measures: [Measure]
        let leniency: [LeniencyDesk.Record]
        let earlier: [Matter]
        let precedents: Precedents?
        let performance: Performance
        let publication: PublishedPenalty?
        let candidates: [(account: Account, certificate: Certificate?)]
        let hosts: [Account]
        let discussed: Int
        let hearing: (place: String?, notice: Day?)
        let draft: String?
    }

    func find(_ visit: Visit, _ tx: Transaction) throws -> Case {
        let c = try tx.penaltyCase(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        return c
    }

    /// What goes into the file after filing is put there by an officer of this very case.
    private func findAsOfficer(_ visit: Visit, _ account: Account, _ tx: Transaction) throws -> Case {
        let c = try find(visit, tx)
        if c.filedOn != nil {
            _ = try CaseAct(handling: handling, c: c, name: "", input: Form([]), actor: .staff(account), now: visit.desk.now, tx: tx).officer()
        }
        return c
    }

    private func load(_ visit: Visit, _ tx: Transaction) throws -> Shown {
        let desk = visit.desk
        let c = try find(visit, tx)
        let id = c.matter.id
        let people = try tx.people(of: id)
        let certificates = Dictionary(try tx.certificates().map { ($0.account, $0) }) { a, _ in a }
        let accounts = c.matter.open ? try Accounts.all(tx).filter { $0.mayTake(c.matter.region) } : []
        let row = try tx.one("SELECT hearing_place, hearing_notice_on FROM enforcement_cases WHERE matter = \(id)")
        let publication = try PublishedPenalty.of(id, tx)
        let decision = try c.decision.map { try Documents.find($0, tx).body }
        return Shown(
            c: c, file: try MatterFile.load(c.matter, desk: desk, tx), op: try c.matter.operator.map { try Operators.find($0, tx) }, people: people,
            names: try Accounts.names(people.map(\.account), tx),
            recusals: try tx.all("SELECT * FROM enforcement_recusals WHERE matter = \(id) ORDER BY id").map {
                ($0.int("id"), $0.int("account"), $0.string("reason"), $0.optionalInt("granted").map { $0 == 1 })
            },
            evidence: try CaseEvidence.of(id, tx), measures: try tx.measures(of: id), leniency: try LeniencyDesk.records(id, tx),
            earlier: try LeniencyDesk.earlier(c, years: CaseHandling.lookBack.value(tx), on: desk.today(), tx),
            precedents: c.decided == nil ? try Precedents.of(c.violation, except: id, party: c.party.kind, on: desk.today(), tx) : nil,
            performance: try Performance.of(c, on: desk.today(), tx), publication: publication,
            candidates: accounts.filter { desk.permissions.allows($0.roles, "enforcement.investigate") }.map { ($0, certificates[$0.id.raw]) },
            hosts: accounts.filter { desk.permissions.allows($0.roles, "enforcement.host") },
            discussed: try tx.count("SELECT count(*) AS n FROM enforcement_discussions WHERE matter = \(id)"),
            hearing: (row?.optionalString("hearing_place"), row?.optionalDay("hearing_notice_on")),
            draft: publication == nil ? decision.map { PublishedPenalty.redacted($0, c) } : nil)
    }

    func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let s = try await visit.desk.store.read { try load(visit, $0) }
        let c = s.c
        let state = CaseMoves.table.state(c.matter.state)
        let moves = handling.available(c, to: .staff(account), people: s.people, cash: s.performance.cash).filter {
            $0.name != "prepare-publication" || s.publication?.publishedOn == nil || s.publication?.ending == "withdrawn"
        }
        .filter { $0.name != "publish" || (s.publication != nil && s.publication?.publishedOn == nil && s.publication?.pushedOn == nil) }
        .filter { $0.name != "withdraw-publication" || (s.publication?.publishedOn != nil && s.publication?.endedOn == nil) }
        .filter { $0.name != "decide-recusal" || s.recusals.contains { $0.granted == nil } }
        .filter { $0.name != "host-published" || (s.publication?.pushedOn != nil && s.publication?.publishedOn == nil) }
        return visit.page(Text("案件 \(c.matter.number)", "Case \(c.matter.number)"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("page-head matter-head") {
                h.div {
                    h.p("crumbs") {
                        h.a("/cases", nil, Text("案件", "Cases"))
                        h.text(" / \(c.matter.number)")
                    }
                    h.h1(c.matter.title)
                    h.p("mb-0") {
                        h.badge(state.title, state.tone)
                        if c.simple { h.badge(Text("简易程序", "Simple procedure"), "grey") }
                        if c.annulled != nil { h.badge(Text("决定已被撤销或者变更", "Does not stand"), "red") }
                        h.span(
                            "text-muted ms-2", "\(visit.desk.regions.path(c.matter.region, in: visit.language)) · \(h.say(Sources.title(c.source))) · \(c.matter.receivedAt.day)")
                    }
                }
                h.div("head-due") { visit.headDue(h, s.file, matter: c.matter) }
            }
            if !c.simple { stages(h, c) }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if !moves.isEmpty { CaseForm(visit: visit, s: s).actions(h, moves, failed: failed, refusal, sent) }
                    let parts = CaseParts(visit: visit, s: s)
                    parts.content(h)
                    parts.proposal(h)
                    parts.evidence(h, failed == "evidence" ? HTML.Errors(refusal) : HTML.Errors(), sent)
                    parts.measures(h, failed == "measure" ? HTML.Errors(refusal) : HTML.Errors(), sent)
                    if c.decided == nil { parts.leniency(h, failed == "leniency" ? HTML.Errors(refusal) : HTML.Errors(), sent) }
                    if c.decided?.kind == .punish { parts.money(h) }
                    parts.publication(h)
                    visit.documents(h, s.file, replacing: false)
                    visit.files(h, s.file, matter: c.matter)
                    visit.notes(h, s.file, matter: c.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, s.file, matter: c.matter)
                    parts(h, visit, s)
                    visit.history(h, s.file, table: CaseMoves.table, regime: CaseMoves.regime)
                }
            }
        }
    }

    private func parts(_ h: HTML, _ visit: Visit, _ s: Shown) {
        let parts = CaseParts(visit: visit, s: s)
        parts.people(h)
        parts.precedents(h)
    }

    /// Where the case stands in the line of stages.
    private func stages(_ h: HTML, _ c: Case) {
        let now = CaseMoves.stages.firstIndex { $0.1.contains(c.matter.state) }
        h.element("ol", "stages", [.label(h.say(Text("办理阶段", "Stages")))]) {
            for (i, stage) in CaseMoves.stages.enumerated() {
                let isOver = now.map { i < $0 } ?? false
                h.element("li", i == now ? "now" : isOver ? "over" : "", i == now ? [.init("aria-current", "step")] : []) { h.text(stage.0) }
            }
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now) = (handling, visit.desk.now)
        do {
            let after = try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, tx) }
            guard visit.maySee(after) else { return .redirect("/cases") }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) {
            return try await show(visit, name, refusal, form)
        }
        return visit.redirect("/cases/\(try visit.exchange.parameter("id"))", saying: CaseMoves.table.done(name))
    }

    // MARK: Evidence, leniency, measures, papers

    private func evidence(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                let c = try findAsOfficer(visit, account, tx)
                guard c.matter.open, c.decided == nil else { throw Refusal(.conflict, Text("本案已作出决定", "The case is decided")) }
                let kind = try form.chosen("kind", CaseEvidence.kinds.map(\.0)), title = try form.needed("title", 200)
                guard let taken = Day(try form.needed("taken", 10)), taken <= now.day else { throw Refusal.invalid("/taken", Text("应为不晚于今天的日期", "A day not later than today")) }
                if let number = form["item"] {
                    guard
                        try tx.one(
                            "SELECT number FROM insight_evidence WHERE number = \(number.uppercased()) AND region >= \(account.region) AND region < \(account.region + "~") LIMIT 1"
                        ) != nil
                    else {
                        throw Refusal.invalid("/item", Text("没有编号为“\(number)”的电子证据", "There is no captured evidence “\(number)”"))
                    }
                }
                let attachment = try form["attachment"].flatMap { Int64($0) }.map { key -> Int64 in
                    guard try Attachments.find(ID(key), tx).matter == c.matter.id else { throw Refusal.invalid("/attachment", Text("不是本案附件", "Not a file of this case")) }
                    return key
                }
                let row = try tx.insert(
                    """
                    INSERT INTO enforcement_evidence (matter, kind, title, source, taken_on, original, proves, item, attachment, account, at) VALUES (\(c.matter.id), \(kind), \(title),
                    \(try form.needed("source", 200)), \(taken), \(form["original"] == "yes"), \(try form.needed("proves", 500)), \(form["item"]), \(attachment), \(account.id), \(now)) RETURNING id
                    """)
                try Casework.remark("evidence", on: c.matter, by: .staff(account), details: [("title", .string(title))], sealing: [.init("enforcement_evidence", row)], at: now, tx)
            }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, "evidence", refusal, form) }
        return visit.redirect("/cases/\(try visit.exchange.parameter("id"))#evidence", saying: Text("已登记证据", "Evidence entered"))
    }

    /// Evidence is never taken off the list: it is excluded, with the reason.
    ///
    /// Law: PCD art. 23(4).
    private func exclude(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        guard let key = Int64(try visit.exchange.parameter("evidence")) else { throw Refusal.notFound }
        do {
            try await visit.desk.store.write { tx in
                let c = try findAsOfficer(visit, account, tx)
                guard c.decided == nil else { throw Refusal(.conflict, Text("本案已作出决定", "The case is decided")) }
                let reason = try form.needed("reason", 500)
                guard try tx.run("UPDATE enforcement_evidence SET excluded = \(reason) WHERE id = \(key) AND matter = \(c.matter.id) AND excluded IS NULL") == 1 else {
                    throw Refusal.notFound
                }
                try Casework.remark(
                    "evidence-excluded", on: c.matter, by: .staff(account), details: [("reason", .string(reason))], sealing: [.init("enforcement_evidence", key)], at: now, tx)
            }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) {
            return visit.redirect("/cases/\(try visit.exchange.parameter("id"))", saying: refusal.whole, refused: true)
        }
        return .redirect("/cases/\(try visit.exchange.parameter("id"))#evidence")
    }

    private func leniency(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in try LeniencyDesk(desk: visit.desk).examine(findAsOfficer(visit, account, tx), input: form, by: account, at: now, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, "leniency", refusal, form) }
        return visit.redirect("/cases/\(try visit.exchange.parameter("id"))#leniency", saying: Text("已记录从宽审查", "Examination kept"))
    }

    private func measure(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { tx in try MeasureHandling(desk: desk).take(form, for: find(visit, tx), by: account, at: now, tx) }
            return .redirect("/measures/\(matter.id)")
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, "measure", refusal, form) }
    }

    private func document(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let c = try await visit.desk.store.read { try find(visit, $0) }
        let chosen = (sent?["form"] ?? visit.exchange.query["form"]).flatMap { CaseForms.shared[$0] }
        return visit.page(Text("制作文书", "Make a document"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("narrow") {
                h.p("crumbs") { h.a("/cases/\(c.matter.id)", nil, "\(c.matter.number) \(c.matter.title)") }
                h.h1(chosen?.title ?? Text("制作文书", "Make a document"))
                h.errorSummary(refusal)
                guard let form = chosen, !form.fields.isEmpty else {
                    h.p("text-muted", Text("立案、告知、决定等文书随办理步骤自动制作；其余文书在这里填写。", "Papers that belong to a step are made by it; the others are filled here."))
                    h.ul("form-list") { for form in CaseForms.shared.byHand { h.li { h.a("/cases/\(c.matter.id)/documents/new?form=\(form.name)", nil, form.title) } } }
                    return
                }
                visit.form(h, "/cases/\(c.matter.id)/documents/new", "card card-body") {
                    h.hidden("form", form.name)
                    h.part("", keeping: sent) {
                        for field in form.fields {
                            switch field.kind {
                            case "area": h.area(field.id, field.title, value: nil, rows: 4, errors: HTML.Errors(refusal), maxLength: 8000)
                            case "day", "optionalDay": h.field(field.id, field.title, value: nil, type: "date", errors: HTML.Errors(refusal), required: !field.isOptional)
                            default:
                                h.field(
                                    field.id, field.title, value: field.id == "recipient" ? c.party.name : nil, errors: HTML.Errors(refusal), required: !field.isOptional)
                            }
                        }
                    }
                    h.button(Text("制作", "Make"))
                }
            }
        }
    }

    private func issue(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let input = try visit.exchange.form()
        let now = visit.desk.now
        guard let form = try CaseForms.shared[input.needed("form", 60)], !form.fields.isEmpty else { throw Refusal.notFound }
        do {
            var values: [String: String] = [:]
            var wrong: [Refusal.Field] = []
            for field in form.fields {
                guard let text = input[field.id] else {
                    if !field.isOptional { wrong.append(.init("/\(field.id)", Text("请填写“\(field.title.zh)”", "Fill in: \(field.title.en)"))) }
                    continue
                }
                if field.kind.lowercased().hasSuffix("day") {
                    guard let day = Day(text) else {
                        wrong.append(.init("/\(field.id)", Text("“\(text)”不是日期", "“\(text)” is not a day")))
                        continue
                    }
                    values[field.id] = Documents.chinese(day)
                } else {
                    values[field.id] = String(text.prefix(8000))
                }
            }
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            let ready = values
            let made = try await visit.desk.store.write { tx -> IssuedDocument in
                let c = try findAsOfficer(visit, account, tx)
                guard c.matter.open else { throw Refusal(.conflict, Text("本案已结案", "The case is closed")) }
                let made = try handling.documents.issue(form.name, for: c, adding: ready, by: .staff(account), at: now, tx)
                try Casework.remark("document", on: c.matter, by: .staff(account), details: [("title", .string("\(made.title) \(made.number)"))], at: now, tx)
                return made
            }
            return .redirect("/documents/\(made.id)")
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await document(visit, refusal, input) }
    }
}
