import Kernel
import Platform
import Statute
import Store
import Web

/// A letter by which another market regulator asks for help with its case (收到的协助调查函).
///
/// Law: PCD art. 45(2): done within fifteen working days of receipt, as far as it is within our competence; who needs longer says so before.
package enum IncomingLetterMoves {
    package static let kind = "assistance"
    static let received = "received", answered = "answered", declined = "declined"
    private static let officer: [Move.By] = [.staff("enforcement.investigate")]
    package static let table = MoveTable(
        kind: kind, title: Text("协助调查（来函）", "Help asked of us"),
        states: [
            State(received, "收到来函，待办理", "Received, to be done", true, "amber"), State(answered, "已复函", "Answered", false, "green"),
            State(declined, "不属于职权，已退回", "Not ours, returned", false, "grey"),
        ],
        moves: [
            Move("answer", Text("复函", "Answer"), from: [received], to: answered, by: officer, articles: ["PCD": "45(2)"], stops: ["P3"]),
            Move("tell-later", Text("告知需要延期", "Say that it takes longer"), from: [received], to: nil, by: officer, articles: ["PCD": "45(2)"]),
            Move("decline", Text("退回", "Return"), from: [received], to: declined, by: [.staff("enforcement.decide")], articles: ["PCD": "45(2)"], stops: ["P3"]),
        ],
        filer: Text("来函机关", "The authority"), opening: Text("收到协助调查函", "The letter arrived")
    ) { key, value, _ in
        switch key {
        case "reason", "note": (Text("说明", "Remark"), Text(verbatim: value))
        case "from": (Text("来函机关", "From"), Text(verbatim: value))
        case "told": (Text("告知日期", "Told on"), Text(verbatim: value))
        case "until": (Text("延期至", "Until"), Text(verbatim: value))
        default: nil
        }
    }
}

package struct IncomingLetter: Sendable {
    package let matter: Matter
    package let from: String
    package let reference: String
    package let about: String
    package let asked: String
    package let receivedOn: Day
    package let answer: String?
    package let answeredOn: Day?

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        from = row.string("sender")
        reference = row.string("reference")
        about = row.string("about")
        asked = row.string("asked")
        receivedOn = row.day("received_on")
        answer = row.optionalString("answer")
        answeredOn = row.optionalDay("answered_on")
    }
}

extension Transaction {
    package func incomingLetter(_ matter: Matter) throws -> IncomingLetter {
        guard matter.kind == IncomingLetterMoves.kind, let row = try one("SELECT * FROM enforcement_letters WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return IncomingLetter(matter, row)
    }
}

/// Taking a letter in and answering it (来函登记、复函).
package struct IncomingLetterHandling: Sendable {
    let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: IncomingLetterMoves.table, desk: desk)
    }

    /// - Errors: a letter that is here already, by its number and sender.
    package func receive(_ input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws -> Matter {
        try input.require("from", "reference", "received", "about", "asked")
        let received = try input.day("received", from: now.day.adding(months: -12), to: now.day)
        let from = try input.needed("from", 100), reference = try input.needed("reference", 60), about = try input.needed("about", 200), asked = try input.needed("asked", 4000)
        guard try tx.one("SELECT matter FROM enforcement_letters WHERE sender = \(from) AND reference = \(reference)") == nil else {
            throw Refusal(.conflict, Text("该文号的来函已登记", "This letter is here already"), fields: [.init("/reference", Text("已登记", "Here already"))])
        }
        let region = account.region.isEmpty ? desk.configuration.cityRegion : account.region
        let op = try input["code"].flatMap { try Operators.find(uscc: $0.uppercased(), tx) }
        if input["code"] != nil, op == nil { throw Refusal.invalid("/code", Text("登记库中没有这个主体，可以不填", "Not on the register: it may be left empty")) }
        let matter = try casework.open(
            .init(
                number: try tx.number("XD", "assistance", in: now.day.year), state: IncomingLetterMoves.received, title: String("\(from)：\(about)".prefix(80)), regime: "PCD",
                region: region, operator: op?.id, receivedAt: Moment(received), competentAt: Moment(received)), tx)
        try tx.send(
            "INSERT INTO enforcement_letters (matter, sender, reference, about, asked, received_on, account) VALUES (\(matter.id), \(from), \(reference), \(about), \(asked), \(received), \(account.id))"
        )
        Search.index(IncomingLetterMoves.kind, matter.id.raw, texts: [matter.number, from, reference, about], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: .staff(account), article: Article(law: "PCD", article: "45(2)"), starting: ["P3"], at: now, details: [("from", .string(from))],
            sealing: [.init("enforcement_letters", key: "matter", matter.id.raw)], tx)
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func apply(_ name: String, on asked: IncomingLetter, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: asked.matter, of: casework, row: "enforcement_letters", input, by: actor, at: now, tx)
        switch name {
        case "answer":
            let answer = try input.needed("answer", 10_000)
            try act.set("answer = \(answer), answered_on = \(now.day)")
            return try act.move([("note", String(answer.prefix(200)))], outcome: "answered")
        case "tell-later":
            guard let clock = try Clocks.of(asked.matter.id, tx).last(where: { $0.duty == "P3" && $0.state == "open" }) else { throw Fault("a letter without its period") }
            let told = try act.day("told", from: asked.receivedOn)
            guard told <= clock.due else {
                throw Refusal(
                    .invalid, Text("应当在期限届满前告知", "It is said before the time is over"), fields: [.init("/told", Text("期限至\(clock.due)", "The time ran until \(clock.due)"))],
                    article: Article(law: "PCD", article: "45(2)"))
            }
            // What is entered after the time names the letter by which it was said.
            let letter = clock.due < now.day ? try input.needed("letter", 100) : input["letter"] ?? ""
            let until = try act.day("until", from: clock.due.adding(days: 1), mayBeAhead: true), reason = try input.needed("reason", 1000)
            guard until <= clock.due.adding(months: 6) else { throw Refusal.invalid("/until", Text("应在期限届满后六个月以内", "Within six months of the day that stands")) }
            try Clocks.set("P3", of: asked.matter, to: until, tx)
            return try act.move([("told", told.description), ("until", until.description), ("reason", reason), ("note", letter)])
        case "decline": return try act.move([("reason", input.needed("reason", 1000))], outcome: "declined")
        default: throw Fault("no handler for \(name)")
        }
    }
}

/// Letters at the desk (来函页面).
struct IncomingLetterPages: Sendable {
    let handling: IncomingLetterHandling

    func routes() -> [Route] {
        [
            Route(.get, "/assistance", .permitted("enforcement.see")) { visit in try await list(visit) },
            Route(.get, "/assistance/new", .permitted("enforcement.investigate")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/assistance/new", .permitted("enforcement.investigate")) { visit in try await receive(visit) },
            Route(.get, "/assistance/:id", .permitted("enforcement.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/assistance/:id/moves/:move", .permitted("enforcement.see")) { visit in try await move(visit) },
        ]
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let rows = try await AssistPages.matters(of: IncomingLetterMoves.kind, visit)
        return visit.page(IncomingLetterMoves.table.title, active: "/cases") { h in
            h.div("page-head") {
                h.h1(IncomingLetterMoves.table.title)
                if visit.may("enforcement.investigate") { h.a("/assistance/new", "btn btn-sm btn-primary", Text("登记来函", "Enter a letter")) }
            }
            AssistPages.table(
                h, visit, rows, of: IncomingLetterMoves.table, at: "/assistance",
                empty: Text("其他市场监管部门请求协助调查的来函，自收到起十五个工作日内办理。", "Letters of other market regulators that ask for help are answered within fifteen working days of receipt."))
        }
    }

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let today = visit.desk.today().description
        return visit.formPage(Text("登记协助调查来函", "A letter that asks for help"), at: "/assistance/new", active: "/cases", Text("登记", "Enter"), refusal, sent) { h, e in
            h.field("from", Text("来函机关", "From"), value: nil, errors: e)
            h.field("reference", Text("来函文号", "Its number"), value: nil, errors: e)
            h.field("received", Text("收到日期", "Received on"), value: today, type: "date", errors: e)
            h.field("about", Text("事由（案件、当事人）", "About: case, party"), value: nil, errors: e)
            h.field("code", Text("涉及的本地主体信用代码", "Credit code of an operator here"), value: nil, errors: e, required: false)
            h.area("asked", Text("请求协助的事项", "What is asked for"), value: nil, rows: 5, errors: e, maxLength: 4000)
        }
    }
    private func receive(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let matter = try await visit.desk.store.write { try handling.receive(form, by: account, at: now, $0) }
            return .redirect("/assistance/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await new(visit, refusal, form) }
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> IncomingLetter {
        let letter = try tx.incomingLetter(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(letter.matter) else { throw Refusal.notFound }
        return letter
    }

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (letter, file) = try await visit.desk.store.read { tx in
            let letter = try find(visit, tx)
            return (letter, try MatterFile.load(letter.matter, desk: visit.desk, tx))
        }
        let table = IncomingLetterMoves.table, matter = letter.matter
        let moves = table.available(matter, to: .staff(account), visit.desk.permissions)
        return visit.page(Text("\(table.title.zh) \(matter.number)", "\(table.title.en) \(matter.number)"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            visit.matterHead(h, file, matter, of: table, home: "/assistance")
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    visit.actions(h, moves, at: "/assistance/\(matter.id)", under: matter.regime, final: ["answer", "decline"], failed: failed, refusal, sent) { move, e in
                        switch move.name {
                        case "answer": h.area("answer", Text("协查结果", "What was found"), value: nil, rows: 6, errors: e, maxLength: 10_000)
                        case "tell-later":
                            h.field("told", Text("告知来函机关的日期", "Told on"), value: visit.desk.today().description, type: "date", errors: e)
                            h.field("until", Text("延期至", "Until"), value: nil, type: "date", errors: e)
                            h.field("letter", Text("告知函文号（期满后登记的必填）", "Letter by which it was said; needed after the time"), value: nil, errors: e, required: false)
                            h.area("reason", Text("理由", "Reason"), value: nil, rows: 2, errors: e, maxLength: 1000)
                        default: h.area("reason", Text("理由（不属于本部门职权范围）", "Why it is not within our competence"), value: nil, rows: 2, errors: e, maxLength: 1000)
                        }
                    }
                    h.card(Text("来函", "The letter")) {
                        h.definitions {
                            h.definition(Text("来函机关", "From"), letter.from)
                            h.definition(Text("文号", "Number"), letter.reference)
                            h.definition(Text("收到日期", "Received on"), letter.receivedOn.description)
                            h.definition(Text("事由", "About"), letter.about)
                            if let op = matter.operator { h.definition(Text("涉及主体", "Operator")) { h.a("/operators/\(op)", nil, Text("经营主体页", "Its page")) } }
                        }
                        h.element("p", "pre mb-0 mt-2", text: letter.asked)
                    }
                    if let answer = letter.answer { h.card(Text("复函", "The answer")) { h.element("p", "pre mb-0", text: answer) } }
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
        return .redirect("/assistance/\(try visit.exchange.parameter("id"))")
    }
}
