import Credit
import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// An inspection on the spot (现场检查): planned within the rules of restraint, approved, made by two, its result recorded and published.
package struct Inspection: Sendable {
    package let matter: Matter
    package let draw: Int64?
    package let cause: Restraint.Cause
    package let items: [String]
    package let inspectors: [Int64]
    package let plannedOn: Day
    package let place: String
    package let noticeOn: Day?
    package let endedOn: Day?
    package let result: String?
    package let summary: String?
    package let findings: JSON?
    package let signed: String?
    package let guidance: ID<Matter>?
    package let caseMatter: ID<Matter>?
    package let publishedOn: Day?
    package let shownUntil: Day?
    package let hiddenOn: Day?
    /// Other agencies that come with us, and for what (综合查一次).
    package let joined: String?
    /// The provision that asks for this visit.
    package let law: String?
    init(_ matter: Matter, _ row: Row) throws {
        self.matter = matter
        draw = row.optionalInt("draw")
        cause = Restraint.Cause(rawValue: row.string("cause")) ?? .plan
        items = row.string("items").split(separator: ",").map(String.init)
        inspectors = row.string("inspectors").split(separator: ",").compactMap { Int64($0) }
        plannedOn = row.day("planned_on")
        place = row.string("place")
        noticeOn = row.optionalDay("notice_on")
        endedOn = row.optionalDay("ended_on")
        result = row.optionalString("result")
        summary = row.optionalString("summary")
        findings = try row.optionalString("findings").map { try JSON(parsing: Array($0.utf8)) }
        signed = row.optionalString("signed")
        guidance = row.optionalID("guidance")
        caseMatter = row.optionalID("case_matter")
        publishedOn = row.optionalDay("published_on")
        shownUntil = row.optionalDay("shown_until")
        hiddenOn = row.optionalDay("hidden_on")
        joined = row.optionalString("joined")
        law = row.optionalString("law")
    }

    /// Results that count as negative information (抽查检查结果负面信息).
    static let negative: Set<String> = ["publicity", "false", "unreachable", "corrected", "pending", "refused"]
    /// Results as the national system codes them.
    package static let results: [(String, Text)] = [
        ("clean", Text("未发现问题", "Nothing found")), ("publicity", Text("未按规定公示应当公示的信息", "Not published what had to be")), ("false", Text("公示信息隐瞒真实情况、弄虚作假", "False information")),
        ("unreachable", Text("通过登记的住所（经营场所）无法联系", "Cannot be reached")), ("corrected", Text("发现问题已责令改正", "Problems found, ordered to correct")),
        ("pending", Text("发现问题待后续处理", "Problems found, to be followed up")), ("refused", Text("不配合检查情节严重", "Refused to cooperate")),
        ("none", Text("未发现开展本次抽查涉及的经营活动", "No such business")),
        ("gone", Text("已注销或者停业", "Closed")),
    ]
}

extension Transaction {
    package func inspection(_ matter: Matter) throws -> Inspection {
        guard matter.kind == InspectionMoves.kind, let row = try one("SELECT * FROM supervision_inspections WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return try Inspection(matter, row)
    }
}

package enum InspectionMoves {
    package static let kind = "inspection"
    private static let inspector: [Move.By] = [.staff("supervision.inspect")]
    private static let head: [Move.By] = [.staff("supervision.approve")]
    package static let table = MoveTable(
        kind: kind, title: Text("现场检查", "Inspection"),
        states: [
            State("planned", "待审批", "Awaits approval", true, "amber"), State("approved", "待检查", "To be made", true, "blue"),
            State("recorded", "已检查，待公示", "Made, to be published", true, "teal"),
            State("published", "已公示", "Published", false, "green"), State("cancelled", "已取消", "Cancelled", false, "grey"),
        ],
        moves: [
            Move("approve", Text("批准检查", "Approve"), from: ["planned"], to: "approved", by: head, articles: ["INSP": "1"]),
            Move("cancel", Text("取消", "Cancel"), from: ["planned", "approved"], to: "cancelled", by: head, articles: [:]),
            Move("notice", Text("登记检查通知", "Notice given"), from: ["approved"], to: nil, by: inspector, articles: [:]),
            Move("replace", Text("更换检查人员", "Replace the inspectors"), from: ["planned", "approved"], to: nil, by: head, articles: ["SPOT": "9"]),
            Move("record", Text("登记检查结果", "Record"), from: ["approved"], to: "recorded", by: inspector, articles: ["SPOT": "9"], starts: ["SC1"]),
            Move("order", Text("责令改正", "Order to rectify"), from: ["recorded", "published"], to: nil, by: inspector, articles: [:]),
            Move("open-case", Text("转入案件核查", "Turn into a case"), from: ["recorded", "published"], to: nil, by: inspector, articles: ["PCD": "18(1)"]),
            Move("publish", Text("公示结果", "Publish"), from: ["recorded"], to: "published", by: inspector + head, articles: ["SPOT": "12"], stops: ["SC1"]),
        ],
        filer: Text("经营者", "The operator"), opening: Text("列入检查计划", "Planned"),
        remarks: ["result-hidden": Text("结果停止公示", "Result no longer shown"), "sheet-beside": Text("又收到一份检查记录，另存备查", "Another sheet came in, kept beside")]
    ) { key, value, _ in
        switch key {
        case "result": (Text("结果", "Result"), Inspection.results.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        case "note", "reason": (Text("说明", "Remark"), Text(verbatim: value))
        case "on": (Text("日期", "On"), Text(verbatim: value))
        case "number": (Text("编号", "Number"), Text(verbatim: value))
        case "who": (Text("检查人员", "Inspectors"), Text(verbatim: value))
        default: nil
        }
    }
}

/// Planning, making and publishing inspections (检查办理).
package struct InspectionHandling: Sendable {
    package let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: InspectionMoves.table, desk: desk)
    }

    package struct Plan: Sendable {
        package var cause: Restraint.Cause
        package var op: Operator
        package var items: [String]
        package var inspectors: [Int64]
        package var on: Day
        package var draw: Int64?
        package var causeMatter: Matter?
        package var joined: String?
        package var law: String?
        package init(cause: Restraint.Cause, op: Operator, items: [String], inspectors: [Int64], on: Day, draw: Int64? = nil) {
            (self.cause, self.op, self.items, self.inspectors, self.on, self.draw) = (cause, op, items, inspectors, on, draw)
        }
    }

    /// Who may visit: two or more, in service, of that region, with the right and a certificate that holds on the day.
    private func check(_ inspectors: [Int64], on day: Day, region: String, _ tx: Transaction) throws {
        guard Set(inspectors).count >= 2 else {
            throw Refusal(
                .invalid, Text("检查人员不得少于两人", "Two inspectors or more"), fields: [.init("/inspectors", Text("请选择两名以上", "Choose two or more"))],
                article: Article(law: "SPOT", article: "9"))
        }
        for key in Set(inspectors) {
            guard let person = try Accounts.find(ID(key), tx), person.active, person.mayTake(region), desk.permissions.allows(person.roles, "supervision.inspect") else {
                throw Refusal.invalid("/inspectors", Text("有人不是本辖区的检查人员", "One of them is no inspector of this region"))
            }
            guard let certificate = try tx.certificate(of: key), certificate.validTo >= day else {
                throw Refusal(
                    .invalid, Text("没有执法资格的人员不得检查", "Nobody without a certificate inspects"),
                    fields: [.init("/inspectors", Text("有人没有有效的执法证", "One of them has no valid certificate"))], article: Article(law: "INSP", article: "1"))
            }
        }
    }

    package static func record(of op: Operator, on day: Day, _ tx: Transaction) throws -> Restraint.Record {
        var r = Restraint.Record()
        r.cls = try tx.one("SELECT class FROM credit_classes WHERE operator = \(op.id)").flatMap { CompassModel.Class(rawValue: $0.string("class")) } ?? .A
        r.visits = try tx.all("SELECT on_day FROM credit_events WHERE operator = \(op.id) AND kind = 'visit' AND on_day > \(day.adding(days: -730))").map { $0.day("on_day") }
        r.pending = try tx.one("SELECT number FROM casework_matters WHERE operator = \(op.id) AND kind = \(InspectionMoves.kind) AND state IN ('planned', 'approved') LIMIT 1")?
            .string("number")
        return r
    }

    /// - Errors: each rule of restraint that says no. What was drawn was looked at when its list was made.
    package func plan(_ p: Plan, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let all = try InspectionItem.all(tx)
        for code in p.items {
            guard let item = all.first(where: { $0.code == code }), item.isInForce(on: now.day) else {
                throw Refusal.invalid("/items", Text("事项“\(code)”未公布", "Item “\(code)” is not published"))
            }
        }
        guard !p.items.isEmpty else { throw Refusal.invalid("/items", Text("请选择检查事项", "Choose the items")) }
        // Between the list and the draw something may have happened: such a visit waits for the head, with the reason, and the others go on.
        var doubts: [Text] = []
        do { try check(p.inspectors, on: p.on, region: p.op.region, tx) } catch let refusal as Refusal where p.cause == .draw {
            doubts.append(refusal.fields.first?.text ?? refusal.text)
        }
        let objections = Restraint.objections(p.cause, try Self.record(of: p.op, on: now.day, tx), on: now.day, bounds: try DrawDesk.bounds(tx))
        if p.cause == .draw {
            doubts += objections
        } else {
            if !objections.isEmpty {
                throw Refusal(
                    .invalid, Text("不符合涉企检查的约束规则", "The rules of restraint say no"), fields: objections.map { .init("/code", $0) }, article: Article(law: "INSP", article: "1"))
            }
            if p.cause == .plan, try !YearPlan.of(year: p.on.year, in: p.op.region, tx).contains(where: { $0.covers(p.items, in: p.op.region) }) {
                throw Refusal(
                    .invalid, Text("计划检查须列入已批准的年度计划", "A visit by plan stands in an approved plan of the year"),
                    fields: [.init("/cause", Text("年度计划中没有这些事项的任务", "No line of the year's plan is about these items"))], article: Article(law: "INSP", article: "1"))
            }
            if p.cause == .statutory, p.law == nil {
                throw Refusal.invalid("/law", Text("请写明要求检查的法律、法规条款", "Name the provision that asks for the visit"))
            }
            // It lifts the caps, so it is an article on record and not any word.
            if p.cause == .statutory, let law = p.law, Article(law.trimmed).flatMap({ desk.law.register[$0.law] }) == nil {
                throw Refusal.invalid("/law", Text("“\(law)”不是登记的条款，形如 FSL-110", "“\(law)” is no article on record: write FSL-110"))
            }
            // What others handed over has no matter here: their letter is the cause.
            if p.cause == .transfer, p.law == nil, p.causeMatter == nil {
                throw Refusal.invalid("/law", Text("转办、交办的，请填写来函或者交办文号", "Handed over by others: give the number of their letter"))
            }
            if !p.cause.isPlanned, p.cause != .statutory, p.cause != .transfer || p.causeMatter != nil {
                guard let cause = p.causeMatter, cause.operator == p.op.id, p.cause.kinds.isEmpty || p.cause.kinds.contains(cause.kind) else {
                    throw Refusal.invalid("/of", Text("请填写关于该主体的投诉、举报或者线索编号", "Give the complaint, report or lead about this operator that is its cause"))
                }
                guard cause.open || cause.receivedAt > now.adding(seconds: -Restraint.causeDays * 86_400) else {
                    throw Refusal.invalid(
                        "/of",
                        Text(
                            "\(cause.number)已办结，收到超过\(Restraint.causeDays)日，不能作为检查的事由",
                            "\(cause.number) is closed and older than \(Restraint.causeDays) days: it is no cause any more"))
                }
                if let earlier = try tx.one(
                    "SELECT m.number AS number FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE i.cause_matter = \(cause.id) AND m.state <> 'cancelled' LIMIT 1"
                ) {
                    throw Refusal.invalid("/of", Text("\(cause.number)已作为\(earlier.string("number"))的事由", "\(cause.number) was the cause of \(earlier.string("number")) already"))
                }
            }
        }
        let matter = try casework.open(
            .init(
                number: try tx.number("JC", "inspection", in: now.day.year, digits: 6), state: p.cause == .draw && doubts.isEmpty ? "approved" : "planned",
                title: "\(p.op.name) · \(p.cause.title.zh)",
                regime: "SPOT", region: p.op.region,
                operator: p.op.id, receivedAt: now, competentAt: now), tx)
        try tx.send(
            """
            INSERT INTO supervision_inspections (matter, draw, cause, cause_matter, items, inspectors, planned_on, place, joined, law) VALUES (\(matter.id), \(p.draw), \(p.cause.rawValue), \(p.causeMatter?.id),
            \(p.items.joined(separator: ",")), \(p.inspectors.map(String.init).joined(separator: ",")), \(p.on), \(p.op.address), \(p.joined), \(p.law))
            """)
        if let first = p.inspectors.first { try tx.send("UPDATE casework_matters SET assignee = \(first) WHERE id = \(matter.id)") }
        Search.index(InspectionMoves.kind, matter.id.raw, texts: [matter.number, p.op.name, p.op.uscc], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: "INSP", article: "1"), starting: [], at: now,
            details: [("on", .string(p.on.description))] + (doubts.isEmpty ? [] : [("reason", .string(doubts.map(\.zh).joined(separator: "；")))]),
            sealing: [.init("supervision_inspections", key: "matter", matter.id.raw)], tx)
        if let cause = p.causeMatter { try Casework.link(matter, with: cause, why: p.cause.title.zh, by: actor, at: now, tx) }
        return try tx.matter(matter.id)
    }

    /// A sheet as a phone filled it: each check, the result, a signature.
    package struct Sheet: Sendable {
        package let client: String
        package let takenAt: Moment
        package let result: String
        package let findings: [(id: String, answer: String, note: String)]
        package let summary: String
        package let signed: String

        /// - Errors: what is missing, by its field; a key check that failed under "nothing found".
        package init(_ form: Form, checks: [InspectionItem.Check], at now: Moment) throws {
            client = try form.needed("client", 64)
            guard client.count >= 16, client.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") }) else {
                throw Refusal.invalid("/client", Text("记录编号无效", "The sheet's mark is not valid"))
            }
            // A phone whose clock is fast wrote a time to come: it was now at the latest.
            guard let at = Moment(try form.needed("taken", 40)).map({ min($0, now) }), at > now.adding(hours: -24 * 60) else {
                throw Refusal.invalid("/taken", Text("检查时间无效", "The time is not valid"))
            }
            takenAt = at
            result = try form.chosen("result", Inspection.results.map(\.0))
            summary = try form.needed("summary", 4000)
            signed = try form.chosen("signed", ["yes", "refused", "absent"])
            var wrong: [Refusal.Field] = []
            var all: [(String, String, String)] = []
            let met = !["unreachable", "gone", "none", "refused"].contains(result)
            for check in checks {
                let answer = form["a-\(check.id)"]
                guard let answer, ["yes", "no", "na"].contains(answer) else {
                    if met { wrong.append(.init("/a-\(check.id)", Text("请逐项填写：\(check.title.zh)", "Answer each: \(check.title.en)"))) }
                    continue
                }
                let note = form["n-\(check.id)"] ?? ""
                if answer == "no", note.isEmpty { wrong.append(.init("/n-\(check.id)", Text("不符合的请说明：\(check.title.zh)", "Say what is wrong: \(check.title.en)"))) }
                if answer == "no", check.key, result == "clean" {
                    wrong.append(.init("/result", Text("重点项不符合，结果不能是“未发现问题”：\(check.title.zh)", "A key check failed, so something was found: \(check.title.en)")))
                }
                all.append((check.id, answer, String(note.prefix(1000))))
            }
            if !wrong.isEmpty { throw Refusal.invalid(wrong) }
            findings = all
        }
        var json: JSON {
            .object([
                ("result", .string(result)), ("summary", .string(summary)), ("signed", .string(signed)), ("taken", .string(takenAt.isoText)),
                ("findings", .array(findings.map { .object([("id", .string($0.id)), ("answer", .string($0.answer)), ("note", .string($0.note))]) })),
            ])
        }
    }

    /// Takes a sheet in, once: the same one sent twice is the same; a second one for an inspection that is recorded is kept beside it.
    /// - Returns: whether it became the record.
    package func take(_ sheet: Sheet, for i: Inspection, files: [Attachments.Kept], by account: Account, at now: Moment, _ tx: Transaction) throws -> Bool {
        let digest = Crypto.hex(Crypto.sha256(Array(sheet.json.text.utf8)))
        if let before = try tx.one("SELECT taken FROM supervision_sheets WHERE client = \(sheet.client) AND digest = \(digest)") { return before.bool("taken") }
        guard i.inspectors.contains(account.id.raw) else {
            throw Refusal(.forbidden, Text("您不是这次检查的检查人员", "You are not one of the inspectors"), article: Article(law: "SPOT", article: "9"))
        }
        guard sheet.takenAt.day >= i.matter.receivedAt.day else { throw Refusal.invalid("/taken", Text("检查时间早于安排检查之日", "The visit lies before it was planned")) }
        let becomes = i.matter.state == "approved"
        // That they could visit is asked of the day of the visit: who has left since was there all the same.
        if becomes {
            for key in i.inspectors {
                guard let certificate = try tx.certificate(of: key), certificate.validTo >= sheet.takenAt.day else {
                    throw Refusal(
                        .conflict, Text("检查当日有人没有有效的执法证，请先更换检查人员", "One of the inspectors had no valid certificate on the day: replace them first"),
                        article: Article(law: "INSP", article: "1"))
                }
            }
        }
        guard becomes || ["recorded", "published"].contains(i.matter.state) else { throw Refusal(.conflict, Text("该检查尚未批准或者已取消", "Not approved, or cancelled")) }
        let row = try tx.insert(
            """
            INSERT INTO supervision_sheets (matter, client, body, taken_at, received_at, account, taken, digest) VALUES (\(i.matter.id), \(sheet.client), \(sheet.json.text), \(sheet.takenAt), \(now), \(account.id),
            \(becomes), \(digest)) RETURNING id
            """)
        try Attachments.attach(files, to: i.matter, source: "staff", by: account.mark, at: now, tx)
        guard becomes else {
            try Casework.remark(
                "sheet-beside", on: i.matter, by: .staff(account), details: [("result", .string(sheet.result))], sealing: [.init("supervision_sheets", row)], at: now, tx)
            return false
        }
        try tx.send(
            """
            UPDATE supervision_inspections SET ended_on = \(sheet.takenAt.day), result = \(sheet.result), summary = \(sheet.summary), findings = \(sheet.json["findings"]?.text ?? "[]"), signed = \(sheet.signed)
            WHERE matter = \(i.matter.id)
            """)
        try casework.perform(
            "record", on: i.matter, by: .staff(account), at: now, details: [("result", .string(sheet.result)), ("note", .string(sheet.summary))], since: Moment(sheet.takenAt.day),
            sealing: [.init("supervision_inspections", key: "matter", i.matter.id.raw), .init("supervision_sheets", row)], tx)
        if let op = i.matter.operator {
            let title = Inspection.results.first { $0.0 == sheet.result }!.1.zh
            try CreditEvent.add(.visit, of: op, on: sheet.takenAt.day, matter: i.matter.id, title, by: account.mark, at: now, tx)
            try unreachable(sheet, i, op, by: account, at: now, tx)
        }
        return true
    }

    /// Nobody there: the ground for the abnormal list is opened with this visit as its proof.
    ///
    /// Law: SPOT art. 13, 14; ABN art. 9.
    private func unreachable(_ sheet: Sheet, _ i: Inspection, _ id: ID<Operator>, by account: Account, at now: Moment, _ tx: Transaction) throws {
        guard sheet.result == "unreachable" else { return }
        let handling = AbnormalHandling(desk: desk), op = try Operators.find(id, tx)
        do {
            let entry = try handling.open(.unreachable, of: op, found: "现场检查\(i.matter.number)：\(sheet.summary)", by: .staff(account), at: now, tx)
            try handling.apply(
                "visit", on: tx.abnormal(entry), input: Form([("on", sheet.takenAt.day.description), ("proof", "\(i.matter.number)现场检查记录")]), by: .system, at: now, tx)
            try Casework.link(i.matter, with: entry, why: "无法联系", by: .staff(account), at: now, tx)
        } catch let refusal as Refusal where refusal.kind == .conflict {
            // It is being handled already.
        }
    }

    @discardableResult
    package func apply(_ name: String, on i: Inspection, input: Form, by actor: Actor, at now: Moment, code: String = "", _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: i.matter, of: casework, row: "supervision_inspections", input, by: actor, at: now, tx)
        switch name {
        case "approve":
            try check(i.inspectors, on: max(i.plannedOn, now.day), region: i.matter.region, tx)
            if let account = actor.account, i.inspectors.contains(account.id.raw) { throw Refusal(.forbidden, Text("检查人员不能批准自己的检查", "An inspector cannot approve the own visit")) }
            // What has happened since its list was made: it goes on all the same only for a reason.
            if i.cause == .draw, let op = try i.matter.operator.map({ try Operators.find($0, tx) }) {
                var record = try Self.record(of: op, on: now.day, tx)
                if record.pending == i.matter.number { record.pending = nil }
                let objections = Restraint.objections(.draw, record, on: now.day, bounds: try DrawDesk.bounds(tx))
                if !objections.isEmpty, input["note"] == nil {
                    throw Refusal(
                        .invalid, Text("不符合涉企检查的约束规则", "The rules of restraint say no"),
                        fields: [.init("/note", objections[0])] + objections.dropFirst().map { .init("/note", $0) },
                        article: Article(law: "INSP", article: "1"))
                }
            }
            return try act.move([("note", input["note"] ?? "")])
        case "cancel": return try act.move([("reason", input.needed("reason", 500))])
        case "notice":
            let on = try act.day("on", mayBeAhead: true)
            try act.set("notice_on = \(on)")
            return try act.move([("on", on.description)])
        case "replace":
            let people = input.all("inspectors").compactMap { Int64($0) }
            try check(people, on: max(i.plannedOn, now.day), region: i.matter.region, tx)
            try act.set("inspectors = \(people.map(String.init).joined(separator: ","))")
            let names = try Accounts.names(people, tx)
            return try act.move([("who", people.compactMap { names[$0] }.joined(separator: "、")), ("reason", input.needed("reason", 500))])
        case "record": throw Refusal(.conflict, Text("请在检查记录中登记", "This is done by the sheet"))
        case "order":
            guard i.guidance == nil else { throw Refusal(.conflict, Text("已责令改正", "Ordered already")) }
            let op = try Operators.find(i.matter.operator!, tx)
            var new = GuidanceHandling.New(
                .order, party: op.name, address: op.address, issues: try input.needed("issues", 4000), asked: try input.needed("asked", 4000),
                basis: try input.needed("basis", 300), region: i.matter.region)
            guard let due = Day(try input.needed("due", 10)), due >= now.day else { throw Refusal.invalid("/due", Text("应为今天或者以后的日期", "A day from today on")) }
            (new.operator, new.due, new.ofMatter) = (op.id, due, i.matter)
            let opened = try GuidanceHandling(desk: desk).open(new, by: actor, at: now, code: code, tx)
            try act.set("guidance = \(opened.id)")
            return try act.move([("number", opened.number)])
        case "open-case":
            guard i.caseMatter == nil else { throw Refusal(.conflict, Text("已转入案件核查", "A case was opened already")) }
            let op = try Operators.find(i.matter.operator!, tx)
            var new = NewCase(
                cause: try input.needed("cause", 100),
                party: .init(kind: op.kind == .individual ? .individual : .organisation, name: op.name, code: op.uscc, address: op.address, head: op.representative, phone: nil),
                region: i.matter.region,
                clue: "\(i.matter.number)：\(i.summary ?? "")", foundAt: now)
            (new.source, new.sourceMatter, new.operator) = ("inspection", i.matter, op.id)
            new.violation = input["violation"].flatMap { Penalties.shipped[$0]?.id }
            let opened = try CaseHandling(desk: desk).register(new, by: actor, at: now, tx)
            try act.set("case_matter = \(opened.id)")
            return try act.move([("number", opened.number)])
        case "publish":
            // Law: O107 art. 10: what went unpunished stops being shown after three months, unless something heavier came of it (`ShownResults`).
            let until = Inspection.negative.contains(i.result ?? "") ? now.day.adding(months: 3) : nil
            try act.set("published_on = \(now.day), shown_until = \(until)")
            return try act.move([("result", i.result ?? "")], outcome: i.result)
        default: throw Fault("no handler for \(name)")
        }
    }
}
