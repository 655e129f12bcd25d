import Kernel
import Platform
import Statute
import Store
import Web

/// Cases as a list, and a new source (案件列表、案源登记).
struct CasePages: Sendable {
    let handling: CaseHandling

    func routes() -> [Route] {
        [
            Route(.get, "/cases", .permitted("enforcement.see")) { visit in try await list(visit) },
            Route(.get, "/cases/export", .permitted("enforcement.see")) { visit in try await export(visit) },
            Route(.get, "/cases/new", .permitted("enforcement.register")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/cases/new", .permitted("enforcement.register")) { visit in try await register(visit) },
            Route(.get, "/cases/people", .permitted("enforcement.see")) { visit in try await people(visit, nil, nil) },
            Route(.post, "/cases/people", .permitted("enforcement.certify")) { visit in try await certify(visit) },
        ]
    }

    struct Line: Sendable {
        let matter: Matter
        let cause: String
        let party: String
        let filedOn: Day?
        let decidedOn: Day?
        let fine: Money
    }
    /// A page of forty, by what lapses first; a search looks among the newest thousand that hold the words.
    private func load(_ f: CaseFilter, _ account: Account, limit: Int, _ tx: Transaction) throws -> [Line] {
        var found: SQL = "1 = 1"
        if let text = f.text {
            let upper = text.uppercased()
            guard let terms = Search.query(CaseMoves.kind, text) else { return [] }
            let keys = try Search.find(CaseMoves.kind, terms, limit: 1000, tx)
            found = "(m.id IN (\(list: keys.isEmpty ? [0] : keys)) OR m.number = \(upper))"
        }
        let history = f.closed || f.outcome != nil || f.period != nil
        let after: SQL = f.cursor.map { history ? "m.id < \($0)" : "(m.next_due, m.id) > ((SELECT next_due FROM casework_matters WHERE id = \($0)), \($0))" } ?? "1 = 1"
        return try tx.all(
            """
            SELECT m.*, e.cause AS cause, e.party_name AS party, e.filed_on AS filed_on, e.decided_on AS decided_on, e.fine AS fine FROM casework_matters m
            JOIN enforcement_cases e ON e.matter = m.id WHERE \(f.conditions(account)) AND \(found) AND \(after) ORDER BY \(history ? "m.id DESC" as SQL : "m.next_due, m.id" as SQL) LIMIT \(limit)
            """
        ).map {
            Line(
                matter: Matter($0), cause: $0.string("cause"), party: $0.string("party"), filedOn: $0.optionalDay("filed_on"), decidedOn: $0.optionalDay("decided_on"),
                fine: $0.money("fine"))
        }
    }

    /// Open cases by stage: each stage is a count along one key, without anything to sort.
    private func stageCounts(_ account: Account, _ tx: Transaction) throws -> [Int] {
        let stages = CaseMoves.stages.map { _, states -> SQL in
            "(SELECT count(*) FROM casework_matters WHERE kind = 'case' AND open = 1 AND state IN (\(list: states.sorted())) AND \(Queue.within(account.region, byDue: false)))"
        }
        var all: SQL = "\(stages[0]) AS s0"
        for (i, stage) in stages.enumerated().dropFirst() { all = "\(all), \(stage) AS s\(raw: String(i))" }
        let row = try tx.one("SELECT \(all)")
        return stages.indices.map { row?.count("s\($0)") ?? 0 }
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let f = try CaseFilter(visit.exchange.query)
        let (lines, counts) = try await visit.desk.store.read { tx in (try load(f, account, limit: 41, tx), try stageCounts(account, tx)) }
        let shown = lines.prefix(40)
        return visit.page(Text("行政处罚案件", "Cases"), active: "/cases") { h in
            h.div("page-head") {
                h.h1(Text("行政处罚案件", "Cases"))
                h.div("d-flex gap-2 flex-wrap") {
                    if visit.may("enforcement.register") {
                        h.a("/cases/new", "btn btn-sm btn-primary", Text("登记案源", "New source"))
                        if visit.may("enforcement.investigate") { h.a("/cases/spot", "btn btn-sm btn-outline-primary", Text("当场处罚", "On the spot")) }
                    }
                    h.a("/guidance", "btn btn-sm btn-outline-secondary", Text("行政指导", "Guidance"))
                    h.a("/assist", "btn btn-sm btn-outline-secondary", Text("协助公示", "For other provinces"))
                    h.a("/assistance", "btn btn-sm btn-outline-secondary", Text("协助调查", "Help asked of us"))
                    h.a("/cases/people", "btn btn-sm btn-outline-secondary", Text("执法人员", "Officers"))
                    h.a(Link.query("/cases/export", f.pairs + [("format", "xlsx")]), "btn btn-sm btn-outline-secondary", Text("导出 Excel", "Export Excel"))
                }
            }
            h.div("tiles") {
                for (i, (title, _)) in CaseMoves.stages.enumerated() {
                    h.a(Link.query("/cases", [("stage", String(i))]), "tile tone-\(f.stage == i ? "teal" : "grey")") {
                        h.span("tile-count", String(counts[i]))
                        h.span("tile-title", title)
                    }
                }
            }
            filter(h, visit, f)
            guard !shown.isEmpty else {
                return h.empty(
                    Text("没有符合条件的案件", "No such case"),
                    Text("监测线索建议立案、举报移送或者自行登记案源后，案件出现在这里。", "Cases come from leads that propose one, from reports handed over, or from a source entered here."))
            }
            h.div("table-wrap") {
                h.element("table", "table table-hover queue") {
                    h.element("thead") {
                        h.tr {
                            for t in [
                                Text("编号", "Number"), Text("当事人", "Party"), Text("案由", "Cause"), Text("状态", "State"), Text("立案", "Filed"), Text("罚款", "Fine"), Text("辖区", "Region"),
                                Text("期限", "Due"),
                            ] { h.th(t) }
                        }
                    }
                    h.element("tbody") {
                        for line in shown {
                            let state = CaseMoves.table.state(line.matter.state)
                            h.tr {
                                h.td { h.a("/cases/\(line.matter.id)", "number", line.matter.number) }
                                h.td(nil, line.party)
                                h.td(nil, line.cause)
                                h.td { h.badge(state.title, state.tone) }
                                h.td("number", line.filedOn?.description ?? "")
                                h.td("number", line.fine.fen > 0 ? line.fine.grouped : "")
                                h.td(nil, visit.region(String(line.matter.region.prefix(6))))
                                h.td { visit.urgency(h, line.matter.nextDue, why: "/matters/\(line.matter.id)/why") }
                            }
                        }
                    }
                }
            }
            h.pager(
                previous: nil, next: lines.count > 40 ? Link.query("/cases", f.pairs + [("cursor", shown.last.map { String($0.matter.id.raw) })]) : nil,
                summary: h.say(Text("本页\(shown.count)件", "\(shown.count) here")))
        }
    }

    private func filter(_ h: HTML, _ visit: Visit, _ f: CaseFilter) {
        h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/cases"), .role("search")]) {
            h.void(
                "input", "form-control",
                [.type("search"), .name("q"), .value(f.text), .label(h.say(Text("查找案件", "Find a case"))), .init("placeholder", h.say(Text("编号、当事人、案由", "Number, party, cause")))])
            h.element("select", "form-select", [.name("whose"), .label(h.say(Text("谁的", "Whose")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("辖区全部", "All here")))
                h.element("option", nil, [.value("mine"), .selected(f.mine)], text: h.say(Text("我参与的", "Mine")))
            }
            h.element("select", "form-select", [.name("violation"), .label(h.say(Text("违法行为", "Violation")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部违法行为", "Any violation")))
                for v in Penalties.shipped.violations { h.element("option", nil, [.value(v.id), .selected(f.violation == v.id)], text: h.say(v.title)) }
            }
            h.element("select", "form-select", [.name("closed"), .label(h.say(Text("办理情况", "Open or closed")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("在办", "Open")))
                h.element("option", nil, [.value("yes"), .selected(f.closed)], text: h.say(Text("已结", "Closed")))
            }
            h.button(Text("查找", "Find"))
        }
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let f = try CaseFilter(visit.exchange.query)
        let lines = try await visit.desk.store.read { try load(f, account, limit: 20_000, $0) }
        let language = visit.language
        let header = [
            Text("编号", "Number"), Text("当事人", "Party"), Text("案由", "Cause"), Text("状态", "State"), Text("立案日期", "Filed"), Text("决定日期", "Decided"), Text("罚款", "Fine"),
            Text("期限", "Due"),
        ].map { $0[language] }
        let rows = lines.map { line in
            [
                line.matter.number, line.party, line.cause, CaseMoves.table.state(line.matter.state).title[language], line.filedOn?.description ?? "",
                line.decidedOn?.description ?? "",
                line.fine.plain, line.matter.nextDue?.description ?? "",
            ]
        }
        if visit.exchange.query["format"] == "xlsx" {
            return .file(
                try Transfer.xlsx(sheet: Text("案件", "Cases")[language], header: header, rows: rows), type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                name: "cases-\(visit.desk.today()).xlsx")
        }
        return .file(Transfer.csv(header: header, rows: rows), type: "text/csv; charset=utf-8", name: "cases-\(visit.desk.today()).csv")
    }

    // MARK: A new source

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let e = HTML.Errors(refusal)
        let from = sent?["from"] ?? visit.exchange.query["from"]
        let (source, op, violation) = try await visit.desk.store.read { tx -> (Matter?, Operator?, String?) in
            let matter = try from.flatMap { try tx.one("SELECT * FROM casework_matters WHERE number = \($0)") }.map(Matter.init).flatMap { visit.maySee($0) ? $0 : nil }
            let violation = try matter.flatMap { m in try visit.house.kinds[m.kind]?.violation(m.id, tx) }
            return (matter, try (matter?.operator).map { try Operators.find($0, tx) } ?? visit.exchange.query["code"].flatMap { try Operators.find(uscc: $0, tx) }, violation)
        }
        return visit.page(Text("登记案源", "New source"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("narrow") {
                h.h1(Text("案件来源登记", "Source of a case"))
                h.errorSummary(refusal)
                visit.form(h, "/cases/new", "card card-body") {
                    h.part("", keeping: sent) {
                        h.field(
                            "from", Text("来源事项编号", "Matter it comes from"), value: source?.number ?? from,
                            hint: Text("线索、举报、投诉、检查的编号", "Number of a lead, report, complaint or visit"), errors: e, required: false)
                        h.select("source", Text("来源", "Source"), options: Sources.all, value: source.map { Sources.of($0.kind) } ?? "inspection", errors: e)
                        party(h, op, e)
                        h.select(
                            "violation", Text("涉嫌违法行为", "Suspected violation"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: violation, errors: e,
                            required: false,
                            empty: Text("不在目录中", "None of these"))
                        h.field("cause", Text("案由", "Cause"), value: violation.flatMap { Penalties.shipped[$0]?.title.zh }, errors: e)
                        h.area("clue", Text("案源内容", "What is known"), value: source?.title, rows: 4, errors: e, maxLength: 4000)
                        h.field("found", Text("发现线索、收到材料日期", "Found or received on"), value: (source?.receivedAt.day ?? visit.desk.today()).description, type: "date", errors: e)
                    }
                    h.button(Text("登记并开始核查", "Register"))
                }
            }
        }
    }

    private func party(_ h: HTML, _ op: Operator?, _ e: HTML.Errors) {
        Self.party(
            h, op.map { .init(kind: $0.kind == .individual ? .individual : .organisation, name: $0.name, code: $0.uscc, address: $0.address, head: $0.representative, phone: nil) },
            e)
    }
    /// Who the party is, as a form: at registration, and where it turns out to be another.
    static func party(_ h: HTML, _ p: Case.Party?, _ e: HTML.Errors) {
        h.select(
            "party-kind", Text("当事人类型", "Party"), options: PartyKind.allCases.map { ($0.rawValue, $0.title) }, value: (p?.kind ?? .organisation).rawValue, errors: e)
        h.field("party", Text("名称（姓名）", "Name"), value: p?.name, errors: e)
        h.field("code", Text("统一社会信用代码（身份证件号码）", "Credit code (identity number)"), value: p?.code, errors: e, required: false)
        h.field("address", Text("住所（住址）", "Address"), value: p?.address, errors: e)
        h.field("head", Text("法定代表人（负责人）", "Representative"), value: p?.head, errors: e, required: false)
        h.field("phone", Text("联系电话", "Phone"), value: p?.phone, errors: e, required: false)
    }

    /// What a form says of the party, matched with the register by its code.
    static func read(_ form: Form, _ tx: Transaction) throws -> (party: Case.Party, op: Operator?) {
        let kind = PartyKind(rawValue: try form.chosen("party-kind", PartyKind.allCases.map(\.rawValue)))!
        var op: Operator?
        if let code = form["code"], kind != .person {
            do { _ = try USCC(code.uppercased()) } catch { throw Refusal.invalid("/code", Text("信用代码\(error.text.zh)", "The code \(error.text.en)")) }
            op = try Operators.find(uscc: code.uppercased(), tx)
            // A penalty lands on whom the code names: the name that was typed must be theirs.
            if let op, let name = form["party"] { try PartyName.check(name, of: op) }
        }
        if let phone = form["phone"], !phone.isPhone {
            throw Refusal.invalid("/phone", Text("电话号码格式不正确", "This is not a phone number"))
        }
        return (
            Case.Party(
                kind: kind, name: try form.needed("party", 100), code: form["code"]?.uppercased(), address: try form.needed("address", 200), head: form["head"],
                phone: form["phone"]), op
        )
    }

    private func register(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (handling, now) = (handling, visit.desk.now)
        do {
            try form.require("party-kind", "party", "address", "cause", "clue", "found", "source")
            let matter = try await visit.desk.store.write { tx in
                let (party, op) = try Self.read(form, tx)
                guard let found = Day(try form.needed("found", 10)), found <= now.day, found > now.day.adding(months: -120) else {
                    throw Refusal.invalid("/found", Text("应为十年以内、不晚于今天的日期", "A day of the last ten years, not later than today"))
                }
                var new = NewCase(
                    cause: try form.needed("cause", 100), party: party, region: account.region, clue: try form.needed("clue", 4000),
                    foundAt: Moment(found, hour: found == now.day ? 0 : 9))
                new.source = try form.chosen("source", Sources.all.map(\.0))
                new.violation = form["violation"].flatMap { Penalties.shipped[$0]?.id }
                new.operator = op?.id
                if let number = form["from"] {
                    guard let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(number)"), visit.maySee(Matter(row)) else {
                        throw Refusal.invalid("/from", Text("没有编号为“\(number)”的事项", "There is no matter “\(number)”"))
                    }
                    new.sourceMatter = Matter(row)
                    // The source's operator is the party only where it is the one that was typed.
                    if new.operator == nil, let known = try Matter(row).operator.map({ try Operators.find($0, tx) }), party.kind != .person,
                        party.code.map({ $0 == known.uscc }) ?? (party.name == known.name)
                    {
                        new.operator = known.id
                    }
                    if account.covers(Matter(row).region) { new.region = Matter(row).region }
                }
                return try handling.register(new, by: .staff(account), at: now, tx)
            }
            return .redirect("/cases/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await new(visit, refusal, form) }
    }

    // MARK: Who may handle cases

    private func people(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let today = visit.desk.today()
        let (accounts, certificates, loads) = try await visit.desk.store.read { tx in
            (
                try Accounts.all(tx).filter { visit.desk.permissions.allows($0.roles, "enforcement.investigate") || visit.desk.permissions.allows($0.roles, "enforcement.audit") },
                Dictionary(try tx.certificates().map { ($0.account, $0) }) { a, _ in a },
                Dictionary(
                    try tx.all(
                        "SELECT p.account AS account, count(*) AS n FROM enforcement_people p JOIN casework_matters m ON m.id = p.matter WHERE p.role = 'officer' AND p.until IS NULL AND m.open = 1 GROUP BY p.account"
                    ).map { ($0.int("account"), $0.count("n")) }
                ) { a, _ in a }
            )
        }
        let seen = accounts.filter { account.covers($0.region) || $0.region.isEmpty || account.region.hasPrefix($0.region) }
        return visit.page(Text("执法人员", "Officers"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("page-head") { h.h1(Text("执法人员和资格", "Officers and their certificates")) }
            h.errorSummary(refusal)
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr {
                            for t in [
                                Text("姓名", "Name"), Text("岗位", "Role"), Text("执法证号", "Certificate"), Text("有效期至", "Until"), Text("法制审核", "Legal review"), Text("在办案件", "Cases"),
                            ] { h.th(t) }
                        }
                    }
                    h.element("tbody") {
                        for a in seen {
                            let c = certificates[a.id.raw]
                            h.tr {
                                h.td(nil, a.name)
                                h.td(nil, a.roles.map { $0.title[visit.language] }.sorted().joined(separator: "、"))
                                h.td("number", c?.number ?? "—")
                                h.td { if let c { h.badge(Text(verbatim: c.validTo.description), c.validTo >= today ? "green" : "red") } }
                                h.td { if c?.legal == true { h.text(Text("具备", "yes")) } }
                                h.td("number", String(loads[a.id.raw] ?? 0))
                            }
                        }
                    }
                }
            }
            if visit.may("enforcement.certify") {
                let e = HTML.Errors(refusal)
                h.card(Text("登记执法证", "Enter a certificate")) {
                    visit.form(h, "/cases/people") {
                        h.part("", keeping: sent) {
                            h.select(
                                "account", Text("人员", "Who"), options: seen.map { (String($0.id.raw), Text(verbatim: $0.name)) }, value: nil, errors: e,
                                empty: Text("请选择", "Choose"))
                            h.field("number", Text("执法证号", "Number"), value: nil, errors: e)
                            h.field("valid", Text("有效期至", "Valid until"), value: nil, type: "date", errors: e)
                            h.checkbox("legal", Text("具有法制审核资格（初次从事的应有法律职业资格）", "May do legal reviews"), checked: false)
                        }
                        h.button(Text("保存", "Save"))
                    }
                }
            }
        }
    }

    private func certify(_ visit: Visit) async throws -> Answer {
        let by = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                guard let key = form["account"].flatMap({ Int64($0) }), try Accounts.all(tx).contains(where: { $0.id.raw == key && by.covers($0.region) }) else {
                    throw Refusal.invalid("/account", Text("请选择人员", "Choose somebody"))
                }
                let number = try form.needed("number", 40)
                guard let valid = Day(try form.needed("valid", 10)) else { throw Refusal.invalid("/valid", Text("不是日期", "Not a day")) }
                if try tx.one("SELECT account FROM enforcement_certificates WHERE number = \(number) AND account <> \(key)") != nil {
                    throw Refusal.invalid("/number", Text("证号已登记给他人", "The number is somebody else's"))
                }
                try Certificates.save(key, number: number, validTo: valid, legal: form["legal"] == "yes", by: by.mark, at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await people(visit, refusal, form) }
        return .redirect("/cases/people")
    }
}

/// Certificates of law enforcement (执法证).
package enum Certificates {
    package static func save(_ account: Int64, number: String, validTo: Day, legal: Bool, by actor: String, at now: Moment, _ tx: Transaction) throws {
        try tx.send(
            """
            INSERT INTO enforcement_certificates (account, number, valid_to, legal) VALUES (\(account), \(number), \(validTo), \(legal))
            ON CONFLICT (account) DO UPDATE SET number = \(number), valid_to = \(validTo), legal = \(legal)
            """)
        try tx.audit(
            "enforcement.certified", of: Reference(kind: "account", id: account), by: actor, at: now, details: [("number", .string(number))],
            sealing: [.init("enforcement_certificates", key: "account", account)])
    }
}
