import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Publishing for an office of another province (协助公示): a penalty on an operator of ours, pushed by who decided it.
///
/// Law: PUB art. 10; O107 art. 4(2).
package enum AssistMoves {
    package static let kind = "assist"
    static let received = "received", published = "published", ended = "ended", returned = "returned"
    private static let officer: [Move.By] = [.staff("enforcement.investigate")]
    private static let head: [Move.By] = [.staff("enforcement.decide")]
    package static let table = MoveTable(
        kind: kind, title: Text("协助公示处罚信息", "Publication for another province"),
        states: [
            State(received, "收到推送，待公示", "Received, to be published", true, "amber"), State(published, "公示中", "Shown", false, "teal"),
            State(ended, "已停止公示", "No longer shown", false, "grey"), State(returned, "已退回", "Returned", false, "grey"),
        ],
        moves: [
            Move("publish", Text("审核并公示", "Approve and publish"), from: [received], to: published, by: head, articles: ["PUB": "10"], stops: ["PUB3"]),
            Move("return", Text("退回推送机关", "Return to the sender"), from: [received], to: returned, by: head, articles: [:], awaits: ["PUB3"]),
            Move("end", Text("按推送停止公示", "End as pushed"), from: [published], to: ended, by: officer + [.system], articles: ["PUB": "11"]),
        ],
        filer: Text("推送机关", "The sender"), opening: Text("收到推送", "Received"),
        remarks: [
            "published-ended": Text("停止公示", "No longer shown"), "published-again": Text("恢复公示", "Shown anew"), "shielded": Text("暂时屏蔽公示信息", "Shielded for a time"),
        ]
    ) { key, value, _ in
        switch key {
        case "reason": (Text("理由", "Reason"), Text(verbatim: value))
        case "from": (Text("推送机关", "From"), Text(verbatim: value))
        case "shown": (Text("公示至", "Shown until"), Text(verbatim: value))
        default: nil
        }
    }
}

/// Taking in, publishing, ending what others push (协助公示办理).
package struct AssistHandling: Sendable {
    let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: AssistMoves.table, desk: desk)
    }
    private func seal(_ id: ID<Matter>) -> [Ledger.Seal] { [.init("enforcement_publications", key: "matter", id.raw)] }

    /// - Errors: fields by pointer; a number of the same sender that is here already.
    package func receive(_ input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws -> Matter {
        guard let op = try Operators.find(uscc: input.needed("code", 18).uppercased(), tx), account.covers(op.region) else {
            throw Refusal.invalid("/code", Text("辖区登记库中没有这个主体；不属于本地登记的请退回推送机关", "Not on the register of your region: return it to the sender"))
        }
        let received = try input.day("received", to: now.day), decided = try input.day("decided", to: received)
        let from = try input.needed("from", 100), number = try input.needed("number", 60)
        guard
            try tx.one(
                "SELECT p.matter FROM enforcement_publications p JOIN casework_matters m ON m.id = p.matter WHERE m.kind = \(AssistMoves.kind) AND m.operator = \(op.id) AND m.title LIKE \("%" + number.replacing("%", with: "") + "%") LIMIT 1"
            ) == nil
        else { throw Refusal(.conflict, Text("该文号的信息已收到", "This number is here already"), fields: [.init("/number", Text("已收到", "Here already"))]) }
        let tier = Display.Tier(rawValue: try input.chosen("tier", Display.Tier.allCases.filter { $0 != .none }.map(\.rawValue)))!
        let summary = JSON.object([
            ("number", .string(number)), ("party", .string(op.name)), ("code", .string(op.uscc)), ("violation", .string(try input.needed("violation", 100))),
            ("penalty", .string(try input.needed("penalty", 500))), ("authority", .string(from)), ("decidedOn", .string(decided.description)),
        ])
        let body = try input.needed("body", 60_000)
        if let found = PersonalData.line(of: body, but: [input["code"]?.uppercased()].compactMap { $0 }) { throw PublishedPenalty.personal(found) }
        let matter = try casework.open(
            .init(
                number: try tx.number("XZ", "assist", in: now.day.year), state: AssistMoves.received, title: "\(op.name) · \(number)", regime: "PUB", region: op.region,
                operator: op.id, receivedAt: Moment(received), competentAt: Moment(received)), tx)
        try tx.send(
            """
            INSERT INTO enforcement_publications (matter, summary, body, tier, prepared_by, prepared_at) VALUES (\(matter.id), \(summary.text), \(body), \(tier.rawValue), \(account.id), \(now))
            """)
        try casework.record(
            matter, as: "receive", by: .staff(account), article: Article(law: "PUB", article: "10"), starting: ["PUB3"], at: now, details: [("from", .string(from))],
            sealing: seal(matter.id), tx)
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func apply(_ name: String, on matter: Matter, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: matter, of: casework, row: "enforcement_publications", input, by: actor, at: now, tx)
        guard let p = try PublishedPenalty.of(matter.id, tx) else { throw Refusal.notFound }
        switch name {
        case "publish":
            guard let account = actor.account, p.preparedBy != account.id.raw else { throw Refusal(.forbidden, Text("登记人不能审核自己的内容", "Who entered it cannot approve it")) }
            let days = Display.days(p.tier, from: now.day, restrictedUntil: nil)
            try act.set("published_on = \(now.day), published_by = \(account.id), early_from = NULL, until = \(days.until)")
            try tell("credit.assisted", matter, at: now, tx)
            return try act.move([("shown", days.until.description)])
        case "return": return try act.move([("reason", input.needed("reason", 500))])
        case "end":
            let reason = actor.account == nil ? input["reason"] ?? "公示期满" : try input.needed("reason", 500)
            try act.set("ended_on = \(now.day), ending = \(actor.account == nil ? "over" : "pushed"), reason = \(reason)")
            try tell("credit.assist-ended", matter, at: now, tx)
            return try act.move([("reason", reason)])
        default: throw Fault("no handler for \(name)")
        }
    }
    private func tell(_ job: String, _ matter: Matter, at now: Moment, _ tx: Transaction) throws {
        try Jobs.add(job, [("matter", .int(matter.id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
    }
}

/// Assisted publication at the desk (协助公示页面).
struct AssistPages: Sendable {
    let handling: AssistHandling

    func routes() -> [Route] {
        [
            Route(.get, "/assist", .permitted("enforcement.see")) { visit in try await list(visit) },
            Route(.get, "/assist/new", .permitted("enforcement.investigate")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/assist/new", .permitted("enforcement.investigate")) { visit in try await receive(visit) },
            Route(.get, "/assist/:id", .permitted("enforcement.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/assist/:id/moves/:move", .permitted("enforcement.see")) { visit in try await move(visit) },
        ]
    }

    /// All of a kind in the account's region, what lapses first on top.
    static func matters(of kind: String, _ visit: Visit) async throws -> [Matter] {
        let region = try visit.signedIn().region
        return try await visit.desk.store.read { tx in
            try tx.all("SELECT * FROM casework_matters WHERE kind = \(kind) AND region >= \(region) AND region < \(region + "~") ORDER BY open DESC, next_due, id DESC LIMIT 200")
                .map(Matter.init)
        }
    }
    static func table(_ h: HTML, _ visit: Visit, _ rows: [Matter], of table: MoveTable, at home: String, empty: Text) {
        guard !rows.isEmpty else { return h.empty(Text("没有", "None"), empty) }
        h.div("table-wrap") {
            h.element("table", "table table-hover queue") {
                h.element("thead") { h.tr { for t in [Text("编号", "Number"), Text("事项", "What"), Text("状态", "State"), Text("期限", "Due")] { h.th(t) } } }
                h.element("tbody") {
                    for m in rows {
                        let state = table.state(m.state)
                        h.tr {
                            h.td { h.a("\(home)/\(m.id)", "number", m.number) }
                            h.td(nil, m.title)
                            h.td { h.badge(state.title, state.tone) }
                            h.td { if m.open { visit.urgency(h, m.nextDue, why: "/matters/\(m.id)/why") } }
                        }
                    }
                }
            }
        }
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let rows = try await Self.matters(of: AssistMoves.kind, visit)
        return visit.page(AssistMoves.table.title, active: "/cases") { h in
            h.div("page-head") {
                h.h1(AssistMoves.table.title)
                if visit.may("enforcement.investigate") { h.a("/assist/new", "btn btn-sm btn-primary", Text("登记收到的推送", "Enter what was pushed")) }
            }
            Self.table(
                h, visit, rows, of: AssistMoves.table, at: "/assist",
                empty: Text(
                    "外省机关对本地登记主体的处罚信息，收到后十个工作日内在这里公示。", "Penalties by offices of other provinces on operators registered here are published within ten working days of receipt."
                ))
        }
    }

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let today = visit.desk.today().description
        return visit.formPage(
            Text("登记外省推送的处罚信息", "A penalty pushed from another province"), at: "/assist/new", active: "/cases", Text("登记", "Enter"), refusal, sent
        ) { h, e in
            h.field("code", Text("统一社会信用代码", "Credit code"), value: visit.exchange.query["code"], errors: e)
            h.field("from", Text("推送（作出决定）机关", "Sent by (who decided)"), value: nil, errors: e)
            h.field("number", Text("决定书文号", "Number of the decision"), value: nil, errors: e)
            h.field("decided", Text("决定日期", "Decided on"), value: nil, type: "date", errors: e)
            h.field("received", Text("收到日期", "Received on"), value: today, type: "date", errors: e)
            h.field("violation", Text("违法行为类型", "Violation"), value: nil, errors: e)
            h.field("penalty", Text("行政处罚内容", "Penalty"), value: nil, errors: e)
            h.select(
                "tier", Text("公示分类", "Tier"), options: Display.Tier.allCases.filter { $0 != .none }.map { ($0.rawValue, $0.title) }, value: nil, errors: e,
                empty: Text("请选择", "Choose"))
            h.area("body", Text("公示文本", "Text for publication"), value: nil, rows: 8, errors: e, maxLength: 60_000)
        }
    }
    private func receive(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let matter = try await visit.desk.store.write { try handling.receive(form, by: account, at: now, $0) }
            return .redirect("/assist/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await new(visit, refusal, form) }
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Matter {
        let matter = try tx.matter(visit.exchange.id(of: Matter.self))
        guard matter.kind == AssistMoves.kind, visit.maySee(matter) else { throw Refusal.notFound }
        return matter
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (matter, file, p) = try await visit.desk.store.read { tx in
            let matter = try find(visit, tx)
            return (matter, try MatterFile.load(matter, desk: visit.desk, tx), try PublishedPenalty.of(matter.id, tx))
        }
        guard let p else { throw Refusal.notFound }
        let table = AssistMoves.table
        let moves = table.available(matter, to: .staff(account), visit.desk.permissions).filter { $0.name != "publish" || p.preparedBy != account.id.raw }
        return visit.page(Text("\(table.title.zh) \(matter.number)", "\(table.title.en) \(matter.number)"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            visit.matterHead(h, file, matter, of: table, home: "/assist")
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    visit.actions(h, moves, at: "/assist/\(matter.id)", under: matter.regime, final: Set(moves.map(\.name)), failed: failed, refusal, sent) { move, e in
                        if move.name != "publish" { h.area("reason", Text("理由", "Reason"), value: nil, rows: 2, errors: e, maxLength: 500) }
                    }
                    h.card(Text("推送内容", "What was pushed")) {
                        h.definitions {
                            for (key, title) in PublishedPenalty.columns where p.summary[key]?.string != nil { h.definition(title, p.summary[key]?.string) }
                            h.definition(Text("分类", "Tier"), h.say(p.tier.title))
                            if let on = p.publishedOn { h.definition(Text("公示", "Shown"), "\(on) — \(p.until?.description ?? "")") }
                            if let ended = p.endedOn { h.definition(Text("停止公示", "Ended"), "\(ended) \(p.reason ?? "")") }
                        }
                        h.element("p", "pre small mb-0 mt-2", text: p.body)
                    }
                    visit.files(h, file, matter: matter)
                    visit.notes(h, file, matter: matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, file, matter: matter)
                    visit.history(h, file, table: table, regime: matter.regime)
                }
            }
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move"), now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, name, refusal, form) }
        return .redirect("/assist/\(try visit.exchange.parameter("id"))")
    }
}
