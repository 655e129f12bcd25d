import Kernel
import Platform
import Statute
import Store
import Web

/// Preservation in advance, sealing, seizure (先行登记保存、查封、扣押): a matter of its own beside the case, with its own clock.
///
/// Law: PCD art. 33–42; AEL art. 18–28.
package struct Measure: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case registration, sealing, seizure
        package var title: Text {
            switch self {
            case .registration: Text("先行登记保存", "Preservation in advance")
            case .sealing: Text("查封", "Sealing")
            case .seizure: Text("扣押", "Seizure")
            }
        }
        var duty: String { self == .registration ? "P5" : "P6" }
        var form: String { self == .registration ? "registration-notice" : "coercion-decision" }
        var release: String { self == .registration ? "registration-release" : "coercion-release" }
    }
    /// One line of the list (清单).
    package struct Good: Sendable {
        package let name: String
        package let model: String
        package let quantity: String
        package let note: String
    }
    package let matter: Matter
    package let ofCase: ID<Matter>
    package let kind: Kind
    package let urgent: Bool
    package let goods: [Good]
    package let place: String
    package let basis: String
    package let takenAt: Moment
    package let takenBy: Int64
    package let disposal: String?

    init(_ matter: Matter, _ row: Row) throws {
        self.matter = matter
        ofCase = row.id("of_case")
        kind = Kind(rawValue: row.string("kind")) ?? .registration
        urgent = row.bool("urgent")
        goods = (try JSON(parsing: Array(row.string("goods").utf8)).array ?? []).map {
            Good(name: $0["name"]?.string ?? "", model: $0["model"]?.string ?? "", quantity: $0["quantity"]?.string ?? "", note: $0["note"]?.string ?? "")
        }
        place = row.string("place")
        basis = row.string("basis")
        takenAt = row.moment("taken_at")
        takenBy = row.int("taken_by")
        disposal = row.optionalString("disposal")
    }

    /// Reads a list as an officer types it: a line a thing, its parts by tabs or bars: name, model, quantity, remark.
    /// - Errors: the line that has no name or no quantity.
    static func read(_ text: String) throws(Refusal) -> [Good] {
        var goods: [Good] = []
        for (n, line) in text.split(whereSeparator: \.isNewline).enumerated() {
            let parts = line.split(omittingEmptySubsequences: false) { "\t|｜".contains($0) }.map { String($0).trimmed }
            guard parts.count >= 2, !parts[0].isEmpty, let quantity = parts.count == 2 ? parts[1] : parts.count > 2 ? parts[2] : nil, !quantity.isEmpty else {
                throw .invalid("/goods", Text("第\(n + 1)行应为“名称|规格|数量|备注”", "Line \(n + 1) reads “name|model|quantity|remark”"))
            }
            goods.append(Good(name: parts[0], model: parts.count > 2 ? parts[1] : "", quantity: quantity, note: parts.count > 3 ? parts[3] : ""))
        }
        guard !goods.isEmpty, goods.count <= 300 else { throw .invalid("/goods", Text("请填写1至300项", "Between 1 and 300 things")) }
        return goods
    }
    static func json(_ goods: [Good]) -> String {
        JSON.array(goods.map { .object([("name", .string($0.name)), ("model", .string($0.model)), ("quantity", .string($0.quantity)), ("note", .string($0.note))]) }).text
    }
}

extension Transaction {
    package func measure(_ matter: Matter) throws -> Measure {
        guard matter.kind == MeasureMoves.kind, let row = try one("SELECT * FROM enforcement_measures WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return try Measure(matter, row)
    }
    func measures(of id: ID<Matter>) throws -> [Measure] {
        try all("SELECT m.*, x.of_case, x.kind AS measure_kind FROM enforcement_measures x JOIN casework_matters m ON m.id = x.matter WHERE x.of_case = \(id) ORDER BY m.id").map {
            try measure(Matter($0))
        }
    }
}

/// The table of a measure (措施流转表).
package enum MeasureMoves {
    package static let kind = "measure"
    static let proposed = "proposed", urgent = "urgent", inForce = "in-force", testing = "testing", disposed = "disposed", released = "released", lapsed = "lapsed",
        refused = "refused"

    private static let officer: [Move.By] = [.staff("enforcement.investigate")]
    private static let head: [Move.By] = [.staff("enforcement.decide")]

    package static let table = MoveTable(
        kind: kind, title: Text("登记保存和强制措施", "Measure"),
        states: [
            State(proposed, "待批准", "Awaits approval", true, "amber"), State(urgent, "已当场采取，待补批", "Taken on the spot, approval to be made up", true, "red"),
            State(inForce, "实施中", "In force", true, "teal"), State(testing, "送检中", "Being tested", true, "violet"), State(disposed, "已处置", "Disposed of", false, "green"),
            State(released, "已解除", "Released", false, "grey"), State(lapsed, "期满自动解除", "Released by lapse", false, "grey"), State(refused, "不予批准", "Not approved", false, "grey"),
        ],
        moves: [
            Move("approve", Text("批准采取", "Approve"), from: [proposed], to: inForce, by: head, articles: ["PCD": "33(1)"]),
            Move("refuse", Text("不予批准", "Do not approve"), from: [proposed], to: refused, by: head, articles: ["PCD": "33(1)"]),
            Move("approve-late", Text("补办批准", "Make up the approval"), from: [urgent], to: inForce, by: head, articles: ["PCD": "33(2)"], stops: ["P4"]),
            Move("lift", Text("不应采取，立即解除", "Lift at once"), from: [urgent], to: released, by: head, articles: ["PCD": "33(2)"], stops: ["P4", "P5", "P6"]),
            Move("test", Text("送检（期间不计）", "Send for testing"), from: [inForce], to: testing, by: officer, articles: ["PCD": "38(3)"], pause: .begins("P6")),
            Move("tested", Text("收到检测结论", "Test result in"), from: [testing], to: inForce, by: officer, articles: ["PCD": "38(3)"], pause: .ends("P6")),
            Move("extend-notice", Text("延长并书面告知", "Extend and tell in writing"), from: [inForce], to: nil, by: head, articles: ["PCD": "38(2)"]),
            Move("dispose", Text("处置", "Dispose"), from: [inForce], to: disposed, by: officer, articles: ["PCD": "35"], stops: ["P5", "P6"]),
            Move("release", Text("解除", "Release"), from: [inForce, testing], to: released, by: head, articles: ["PCD": "42"], stops: ["P5", "P6"]),
            Move("lapse", Text("期满自动解除", "Released by lapse"), from: [inForce, urgent, testing], to: lapsed, by: [.system], articles: ["PCD": "35"], stops: []),
        ],
        filer: Text("当事人", "The party"), opening: Text("提出措施", "Measure proposed")
    ) { key, value, _ in
        switch key {
        case "reason": (Text("理由", "Reason"), Text(verbatim: value))
        case "disposal": (Text("处置方式", "Disposal"), MeasureHandling.disposals.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        case "body": (Text("机构", "Body"), Text(verbatim: value))
        case "who": (Text("执法人员", "Officers"), Text(verbatim: value))
        case "until": (Text("至", "Until"), Text(verbatim: value))
        case "result": (Text("结果", "Result"), Text(verbatim: value))
        default: nil
        }
    }
}

/// Taking and ending measures (措施办理).
package struct MeasureHandling: Sendable {
    let desk: Desk
    let casework: Casework
    let documents: CaseDocuments
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: MeasureMoves.table, desk: desk)
        documents = CaseDocuments(desk: desk)
    }
    static let disposals: [(String, Text)] = [
        ("recorded", Text("已复制、拍照、录像等保全", "Copied or recorded")), ("tested", Text("送交检测、检验、检疫、鉴定", "Sent for testing")),
        ("seized", Text("转为查封、扣押", "Sealed or seized")), ("confiscated", Text("作出处罚决定予以没收", "Confiscated by decision")), ("returned", Text("退还当事人", "Given back")),
    ]
    /// What officers may do by themselves. Giving back is a release, which the head approves (PCD art. 33(1), 36(1), 42).
    static func disposals(of kind: Measure.Kind) -> [(String, Text)] { disposals.filter { $0.0 == "confiscated" || (kind == .registration && $0.0 != "returned") } }

    /// Proposes a measure, or enters one that was taken on the spot, for a case in the officers' hands.
    ///
    /// Law: PCD art. 33, 36: the head approves before, or within 24 hours where it was urgent. Taken by two.
    package func take(_ input: Form, for c: Case, by officer: Account, at now: Moment, _ tx: Transaction) throws -> Matter {
        let people = try tx.people(of: c.matter.id).filter { $0.role == .officer && $0.until == nil }
        let verifying = c.matter.state == CaseMoves.clue
        guard c.decided == nil, !c.simple else { throw Refusal(.conflict, Text("本案已作出决定，不再采取措施", "The case is decided: no measure is taken any more")) }
        guard c.matter.open, verifying || people.contains(where: { $0.account == officer.id.raw }) else {
            throw Refusal(.forbidden, Text("只有本案办案人员可以采取措施", "Only an officer of this case may take a measure"))
        }
        // Law: AEL art. 18(2); PCD art. 22: by two with certificates, also before the case is filed.
        var both = Form([("officers", String(officer.id.raw))])
        if let second = input["second"] ?? people.first(where: { $0.account != officer.id.raw }).map({ String($0.account) }) { both.add("officers", second) }
        let act = CaseAct(handling: CaseHandling(desk: desk), c: c, name: "measure", input: both, actor: .staff(officer), now: now, tx: tx)
        let two: [(Account, Certificate)]
        do { two = try act.officers() } catch let refusal as Refusal where refusal.kind == .invalid {
            throw Refusal.invalid("/second", refusal.fields.first?.text ?? refusal.text)
        }
        let kind = Measure.Kind(rawValue: try input.chosen("kind", Measure.Kind.allCases.map(\.rawValue)))!
        let goods = try Measure.read(input.needed("goods", 20_000)), place = try input.needed("place", 200)
        let basis = try kind == .registration ? "《中华人民共和国行政处罚法》第五十六条" : input.needed("basis", 200)
        let urgent = input["urgent"] == "yes"
        let taken: Moment
        if urgent {
            guard let text = input["taken"], let at = Moment(text) else { throw Refusal.invalid("/taken", Text("请填写当场采取的时间", "Say when it was taken")) }
            guard at <= now, at >= now.adding(hours: -72) else { throw Refusal.invalid("/taken", Text("应为三日内已经发生的时间", "It lies in the last three days")) }
            taken = at
        } else {
            taken = now
        }
        let matter = try casework.open(
            .init(
                number: try tx.number("CS", "measure", in: now.day.year), state: urgent ? MeasureMoves.urgent : MeasureMoves.proposed,
                title: "\(kind.title.zh) · \(c.party.name)",
                regime: CaseMoves.regime, region: c.matter.region, operator: c.matter.operator, receivedAt: taken, competentAt: taken), tx)
        try tx.send(
            """
            INSERT INTO enforcement_measures (matter, of_case, kind, urgent, goods, place, basis, taken_at, taken_by)
            VALUES (\(matter.id), \(c.matter.id), \(kind.rawValue), \(urgent), \(Measure.json(goods)), \(place), \(basis), \(taken), \(officer.id))
            """)
        try casework.record(
            matter, as: "receive", by: .staff(officer), article: Article(law: "PCD", article: kind == .registration ? "33(1)" : "36(1)"),
            starting: urgent ? ["P4", kind.duty] : [],
            at: now, details: [("who", .string(two.map(\.0.name).joined(separator: "、")))], sealing: [.init("enforcement_measures", key: "matter", matter.id.raw)], tx)
        try Casework.link(matter, with: c.matter, why: kind.title.zh, by: .staff(officer), at: now, tx)
        if urgent {
            _ = try issue(kind.form, tx.measure(matter), c, by: .staff(officer), at: now, tx)
            try lapseLater(matter, kind, tx)
        }
        return matter
    }

    private func issue(_ form: String, _ m: Measure, _ c: Case, adding: [String: Any] = [:], by actor: Actor, at now: Moment, _ tx: Transaction) throws -> IssuedDocument {
        let clock = try Clocks.of(m.matter.id, tx).last { $0.duty == m.kind.duty }
        let number = try tx.one("SELECT number FROM casework_documents WHERE matter = \(m.matter.id) AND form = \(m.kind.form) ORDER BY id LIMIT 1")?.string("number") ?? ""
        var values: [String: Any] = [
            "place": m.place, "basis": m.basis, "measureTitle": m.kind.title.zh, "takenOn": Documents.chinese(m.takenAt.day), "measureNumber": number,
            "goodsList": m.goods.enumerated().map {
                ["ordinal": String($0.offset + 1), "name": $0.element.name, "model": $0.element.model, "quantity": $0.element.quantity, "note": $0.element.note]
            },
        ]
        if let clock { values["until"] = Documents.chinese(clock.due) }
        return try documents.issue(form, for: c, adding: values.merging(adding) { $1 }, by: actor, matter: m.matter, at: now, tx)
    }

    /// Preservation ends by itself; sealing and seizure must be lifted when their time is over, which is said, not done.
    private func lapseLater(_ matter: Matter, _ kind: Measure.Kind, _ tx: Transaction) throws {
        guard kind == .registration, let clock = try Clocks.of(matter.id, tx).last(where: { $0.duty == "P5" }) else { return }
        try Jobs.add(MeasureHandling.lapse, [("matter", .int(matter.id.raw))], at: Moment(clock.due.adding(days: 1)), tx)
    }
    static let lapse = "enforcement.lapse"

    /// Law: PCD art. 35(2): what was not disposed of in seven working days is released by itself.
    static func lapse(_ id: Int64, desk: Desk) async throws {
        let handling = MeasureHandling(desk: desk)
        let now = desk.now
        try await desk.store.write { tx in
            let m = try tx.measure(tx.matter(ID<Matter>(id)))
            guard m.kind == .registration, MeasureMoves.table.state(m.matter.state).open, m.matter.state != MeasureMoves.proposed,
                let clock = try Clocks.of(m.matter.id, tx).last(where: { $0.duty == "P5" && $0.state == "open" })
            else { return }
            // A new calendar may have moved the day.
            guard clock.due < now.day else { return try Jobs.add(MeasureHandling.lapse, [("matter", .int(id))], at: Moment(clock.due.adding(days: 1)), tx) }
            try handling.casework.perform("lapse", on: m.matter, by: .system, at: now, tx)
        }
    }

    @discardableResult
    package func apply(_ name: String, on m: Measure, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let step = try Act(name, on: m.matter, of: casework, row: "enforcement_measures", input, by: actor, at: now, tx)
        let c = try tx.penaltyCase(m.ofCase)
        let act = CaseAct(handling: CaseHandling(desk: desk), c: c, name: name, input: input, actor: actor, now: now, tx: tx)
        func move(_ details: [(String, String)] = []) throws -> Matter { try step.move(details, seals: [.init("enforcement_people", of: "matter", c.matter.id.raw)]) }
        // Law: PCD art. 35(2): over is over, whether or not the clock's hand has come round.
        if m.kind == .registration, name != "lapse", let running = try Clocks.of(m.matter.id, tx).last(where: { $0.duty == "P5" && $0.state == "open" }), running.due < now.day {
            throw Refusal(.conflict, Text("先行登记保存已于\(running.due)期满，自动解除", "Preservation ended by itself on \(running.due)"), article: Article(law: "PCD", article: "35(2)"))
        }
        if name.hasPrefix("approve"), actor.account?.id.raw == m.takenBy {
            throw Refusal(.forbidden, Text("提出人不能批准自己提出的措施", "Who proposed the measure cannot approve it"))
        }
        if name == "test", m.kind == .registration {
            throw Refusal(.conflict, Text("先行登记保存的期限不因送检而中止", "Testing does not stop the time of preservation"), article: Article(law: "PCD", article: "35"))
        }
        switch name {
        case "approve":
            _ = try act.approver()
            let after = try move()
            try casework.begin(m.kind.duty, of: after, at: now, tx)
            _ = try issue(m.kind.form, m, c, by: actor, at: now, tx)
            try lapseLater(after, m.kind, tx)
            return try tx.matter(m.matter.id)
        case "approve-late":
            _ = try act.approver()
            return try move([("reason", input["reason"] ?? "")])
        case "refuse":
            _ = try act.approver()
            return try move([("reason", input.needed("reason", 500))])
        case "lift":
            _ = try act.approver()
            let reason = try input.needed("reason", 500)
            _ = try issue(m.kind.release, m, c, adding: ["reason": reason], by: actor, at: now, tx)
            return try move([("reason", reason)])
        case "test":
            _ = try act.officer()
            let body = try input.needed("body", 120), until = try input.day("until", from: now.day, to: now.day.adding(months: 12))
            _ = try issue("testing-period", m, c, adding: ["body": body, "fromOn": Documents.chinese(now.day), "toOn": Documents.chinese(until)], by: actor, at: now, tx)
            return try move([("body", body), ("until", until.description)])
        case "tested":
            _ = try act.officer()
            return try move([("result", input.needed("result", 1000))])
        case "extend-notice":
            let head = try act.approver()
            guard m.kind != .registration, let clock = try Clocks.of(m.matter.id, tx).last(where: { $0.duty == "P6" }) else {
                throw Refusal(.conflict, Text("先行登记保存不得延长", "Preservation cannot be extended"), article: Article(law: "PCD", article: "35"))
            }
            let reason = try input.needed("reason", 500)
            try Clocks.extend(clock, because: reason, by: head, engine: desk.engine, at: now, tx)
            _ = try issue("coercion-extension", m, c, adding: ["reason": reason], by: actor, at: now, tx)
            return try move([("reason", reason)])
        case "dispose":
            _ = try act.officer()
            let disposal = try input.chosen("disposal", MeasureHandling.disposals(of: m.kind).map(\.0)), reason = try input.needed("reason", 1000)
            if disposal == "confiscated", c.decided?.goods.isEmpty ?? true {
                throw Refusal.invalid("/disposal", Text("本案没有没收物品的处罚决定", "There is no decision that confiscates goods"))
            }
            try tx.send("UPDATE enforcement_measures SET disposal = \(disposal), reason = \(reason) WHERE matter = \(m.matter.id)")
            return try move([("disposal", disposal), ("reason", reason)])
        case "release":
            _ = try act.approver()
            let reason = try input.needed("reason", 1000)
            try tx.send("UPDATE enforcement_measures SET disposal = 'returned', reason = \(reason) WHERE matter = \(m.matter.id)")
            _ = try issue(m.kind.release, m, c, adding: ["reason": reason], by: actor, at: now, tx)
            return try move([("reason", reason)])
        case "lapse": return try move()
        default: throw Fault("no handler for \(name)")
        }
    }
}
