import Kernel
import Platform
import Statute
import Store
import Web

/// An entry of the abnormal list (经营异常名录): its ground, what was done to verify it, when it was listed and taken off.
///
/// Law: ABN art. 4–12; R69 art. 13–17 (individual businesses); O103 art. 32 (separate register after two years).
package struct Abnormal: Sendable {
    package enum Ground: String, Sendable, CaseIterable {
        /// 1: annual report; 2: not published within the ordered time; 3: name not changed; 4: cannot be reached; 5: false report (individual businesses).
        case report, order, name, unreachable, falseReport = "false-report"
        package var title: Text {
            switch self {
            case .report: Text("未按规定期限公示年度报告", "Annual report not published")
            case .order: Text("未在责令的期限内公示有关信息", "Not published within the ordered time")
            case .name: Text("未依法办理名称变更登记", "Name not changed as required")
            case .unreachable: Text("通过登记的住所（经营场所）无法联系", "Cannot be reached at the registered address")
            case .falseReport: Text("年度报告隐瞒真实情况、弄虚作假", "False annual report")
            }
        }
        /// For whom the ground exists.
        func fits(_ kind: Operator.Kind) -> Bool {
            switch self {
            case .report, .unreachable: true
            case .order, .name: kind != .individual
            // Law: ABN lost this ground in 2025; R69 art. 14 keeps it for individual businesses.
            case .falseReport: kind == .individual
            }
        }
        /// Law: R69 art. 13: an individual business's missing report is shown until 30 June of the next year.
        package func shownUntil(_ kind: Operator.Kind, listed day: Day) -> Day? {
            kind == .individual && self == .report ? Day(day.month >= 7 ? day.year + 1 : day.year, 6, 30) : nil
        }
        func article(_ kind: Operator.Kind) -> Article {
            switch self {
            case .report: kind == .individual ? Article(law: "R69", article: "13") : Article(law: "ABN", article: "6")
            case .order: Article(law: "ABN", article: "7")
            case .name: Article(law: "ABN", article: "8")
            case .unreachable: kind == .individual ? Article(law: "R69", article: "15") : Article(law: "ABN", article: "9")
            case .falseReport: Article(law: "R69", article: "14")
            }
        }
    }
    package let matter: Matter
    package let ground: Ground
    package let years: [Int]
    package let found: String?
    package let orderDue: Day?
    package let firstLetter: Day?
    package let firstBack: Day?
    package let secondLetter: Day?
    package let secondBack: Day?
    package let visitedOn: Day?
    package let proof: String?
    package let verifiedOn: Day?
    package let listedOn: Day?
    package let shownUntil: Day?
    package let removedOn: Day?
    package let removal: String?
    package let markedOn: Day?
    package let objection: String?
    package let objectionOn: Day?

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        ground = Ground(rawValue: row.string("ground")) ?? .report
        years = row.string("years").split(separator: ",").compactMap { Int($0) }
        found = row.optionalString("found")
        orderDue = row.optionalDay("order_due")
        firstLetter = row.optionalDay("first_letter")
        firstBack = row.optionalDay("first_back")
        secondLetter = row.optionalDay("second_letter")
        secondBack = row.optionalDay("second_back")
        visitedOn = row.optionalDay("visited_on")
        proof = row.optionalString("proof")
        verifiedOn = row.optionalDay("verified_on")
        listedOn = row.optionalDay("listed_on")
        shownUntil = row.optionalDay("shown_until")
        removedOn = row.optionalDay("removed_on")
        removal = row.optionalString("removal")
        markedOn = row.optionalDay("marked_on")
        objection = row.optionalString("objection")
        objectionOn = row.optionalDay("objection_on")
    }

    /// Whether two letters or a visit show that nobody is there.
    ///
    /// Law: ABN art. 9(2): two special letters, unsigned, not less than 15 and not more than 30 days apart; SPOT art. 14: a visit with proof.
    package var isShownUnreachable: Bool {
        if visitedOn != nil, proof != nil { return true }
        guard let a = firstLetter, let b = secondLetter, firstBack != nil, secondBack != nil else { return false }
        return (15...30).contains(b - a)
    }
}

extension Transaction {
    package func abnormal(_ matter: Matter) throws -> Abnormal {
        guard matter.kind == AbnormalMoves.kind, let row = try one("SELECT * FROM credit_abnormal WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Abnormal(matter, row)
    }
}

/// The table of an entry (列入和移出流转表).
package enum AbnormalMoves {
    package static let kind = "abnormal"
    package static let checking = "checking", ordered = "ordered", verified = "verified", listed = "listed", objected = "objected", examining = "examining",
        correcting = "correcting"
    package static let removed = "removed", corrected = "corrected", dropped = "dropped"
    private static let clerk: [Move.By] = [.staff("credit.manage")]
    private static let head: [Move.By] = [.staff("credit.decide")]
    package static let table = MoveTable(
        kind: kind, title: Text("经营异常名录", "Abnormal list"),
        states: [
            State(checking, "核查中", "Being verified", true, "blue"), State(ordered, "已责令公示", "Ordered to publish", true, "amber"),
            State(verified, "已查实，待列入", "Verified, to be listed", true, "red"), State(listed, "已列入", "Listed", false, "red"), State(objected, "提出异议", "Objected", true, "amber"),
            State(examining, "异议核实中", "Objection examined", true, "violet"), State(correcting, "列入有误，待更正", "Wrong, to be corrected", true, "red"),
            State(removed, "已移出", "Taken off", false, "green"), State(corrected, "已更正", "Corrected", false, "green"), State(dropped, "不列入", "Not listed", false, "grey"),
        ],
        moves: [
            Move("order", Text("责令限期公示", "Order to publish"), from: [checking], to: ordered, by: clerk, articles: ["ABN": "7"], starts: ["AB2"]),
            Move("letter", Text("登记专用信函", "Enter a special letter"), from: [checking], to: nil, by: clerk, articles: ["ABN": "9(2)"]),
            Move("visit", Text("登记实地核查", "Enter a visit"), from: [checking], to: nil, by: clerk + [.system], articles: ["ABN": "9(1)"]),
            Move("verify", Text("查实", "Verified"), from: [checking, ordered], to: verified, by: clerk, articles: [:], starts: ["AB3"], awaits: ["AB2"]),
            Move("drop", Text("不列入", "Do not list"), from: [checking, ordered, verified], to: dropped, by: clerk, articles: [:], awaits: ["AB2"]),
            Move("list", Text("决定列入", "List"), from: [verified], to: listed, by: head, articles: ["ABN": "5", "R69": "13"], stops: ["AB1", "AB3"]),
            Move("object", Text("登记异议", "Enter an objection"), from: [listed], to: objected, by: clerk, articles: ["ABN": "12(1)"], starts: ["AB6"]),
            Move("accept-objection", Text("受理异议", "Take it up"), from: [objected], to: examining, by: clerk, articles: ["ABN": "12(1)"], starts: ["AB7"], stops: ["AB6"]),
            Move("refuse-objection", Text("不予受理异议", "Do not take it up"), from: [objected], to: listed, by: head, articles: ["ABN": "12(1)"], stops: ["AB6"]),
            Move("uphold", Text("异议不成立", "The listing stands"), from: [examining], to: listed, by: clerk, articles: ["ABN": "12(1)"], stops: ["AB7"]),
            Move("wrong", Text("列入错误", "The listing was wrong"), from: [examining], to: correcting, by: clerk, articles: ["ABN": "12(2)"], starts: ["AB8"], stops: ["AB7"]),
            Move("correct", Text("更正", "Correct"), from: [correcting], to: corrected, by: head, articles: ["ABN": "12(2)"], stops: ["AB8"]),
            Move("remove", Text("移出", "Take off"), from: [listed, objected, examining], to: removed, by: [.system], articles: ["O107": "12"]),
        ],
        filer: Text("经营者", "The operator"), opening: Text("发现情形", "Ground found"),
        remarks: ["year-added": Text("增加未报年度", "A further year not reported"), "restored": Text("恢复列入", "Listed anew")],
        outcomes: ["listed": Text("列入", "listed"), "dropped": Text("不列入", "not listed")]
    ) { key, value, _ in
        switch key {
        case "note", "reason": (Text("说明", "Remark"), Text(verbatim: value))
        case "on": (Text("日期", "On"), Text(verbatim: value))
        case "number": (Text("文号", "Number"), Text(verbatim: value))
        case "ground": (Text("情形", "Ground"), Abnormal.Ground(rawValue: value)?.title ?? Text(verbatim: value))
        default: nil
        }
    }
}

/// Listing and taking off (列入、异议、移出).
package struct AbnormalHandling: Sendable {
    package let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: AbnormalMoves.table, desk: desk)
    }
    /// A further year that was not reported, while one stands: the entry ends only when all are (ABN art. 6; O107 art. 12(1)(1)).
    private func adding(_ years: [Int], to op: Operator, found: String, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter? {
        guard
            let row = try tx.one(
                "SELECT m.* FROM credit_abnormal a JOIN casework_matters m ON m.id = a.matter WHERE m.operator = \(op.id) AND a.ground = 'report' AND m.state = \(AbnormalMoves.listed) LIMIT 1"
            )
        else { return nil }
        let standing = try tx.abnormal(Matter(row)), more = Set(years).subtracting(standing.years)
        guard !more.isEmpty else { return nil }
        let all = more.union(standing.years).sorted().map(String.init).joined(separator: ",")
        try tx.send("UPDATE credit_abnormal SET years = \(all) WHERE matter = \(standing.matter.id)")
        try Casework.remark(
            "year-added", on: standing.matter, by: actor, details: [("note", .string("\(more.sorted().map(String.init).joined(separator: "、"))年度 \(found)"))],
            sealing: [.init("credit_abnormal", key: "matter", standing.matter.id.raw)], at: now, tx)
        return try tx.matter(standing.matter.id)
    }

    /// A ground that was found.
    /// - Parameter since: the event from which the time to list runs, for annual reports the end of the reporting time.
    package func open(_ ground: Abnormal.Ground, of op: Operator, years: [Int] = [], found: String, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        guard op.status != .deregistered else { throw Refusal.invalid("/code", Text("\(op.name)已注销，不再列入", "\(op.name) is deregistered: it is listed no more")) }
        guard ground.fits(op.kind) else { throw Refusal.invalid("/ground", Text("该情形不适用于\(op.kind.title.zh)", "This ground is not one for: \(op.kind.title.en)")) }
        if ground == .report, let standing = try adding(years, to: op, found: found, by: actor, at: now, tx) { return standing }
        guard
            try tx.one(
                "SELECT m.id FROM credit_abnormal a JOIN casework_matters m ON m.id = a.matter WHERE m.operator = \(op.id) AND a.ground = \(ground.rawValue) AND m.state NOT IN ('removed', 'corrected', 'dropped') LIMIT 1"
            )
                == nil
        else { throw Refusal(.conflict, Text("该情形已在办理或者已列入", "This ground is being handled, or listed")) }
        let isReport = ground == .report
        let regime = op.kind == .individual ? "R69" : "ABN"
        let matter = try casework.open(
            .init(
                number: try tx.number("YC", "abnormal", in: now.day.year, digits: 6), state: isReport ? AbnormalMoves.verified : AbnormalMoves.checking,
                title: "\(op.name) · \(ground.title.zh)", regime: regime,
                region: op.region, operator: op.id, receivedAt: now, competentAt: isReport ? Moment(Day((years.max() ?? now.day.year - 1) + 1, 7, 1) ?? now.day) : now), tx)
        try tx.send(
            "INSERT INTO credit_abnormal (matter, ground, years, found, verified_on) VALUES (\(matter.id), \(ground.rawValue), \(years.map(String.init).joined(separator: ",")), \(found), \(isReport ? now.day : nil))"
        )
        Search.index(AbnormalMoves.kind, matter.id.raw, texts: [matter.number, op.name, op.uscc], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: actor, article: ground.article(op.kind), starting: isReport ? ["AB1"] : [], at: now,
            details: [("ground", .string(ground.rawValue)), ("note", .string(found))],
            sealing: [.init("credit_abnormal", key: "matter", matter.id.raw)], tx)
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func apply(_ name: String, on a: Abnormal, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: a.matter, of: casework, row: "credit_abnormal", input, by: actor, at: now, tx)
        let id = a.matter.id
        guard let op = try a.matter.operator.map({ try Operators.find($0, tx) }) else { throw Fault("an entry without an operator") }
        switch name {
        case "order":
            guard a.ground == .order else { throw Refusal(.conflict, Text("该情形不需要责令公示", "This ground needs no order")) }
            let served = try act.day("on")
            try act.set("order_due = \(desk.engine.deadline("AB2", from: Moment(served), explain: false).due)")
            return try act.move([("on", served.description)], since: Moment(served))
        case "letter":
            guard a.ground == .unreachable else { throw Refusal(.conflict, Text("该情形不需要邮寄专用信函", "This ground needs no letters")) }
            return try letter(a, act)
        case "visit":
            let on = try act.day("on")
            let proof = try input.needed("proof", 1000)
            try act.set("visited_on = \(on), proof = \(proof)")
            return try act.move([("on", on.description), ("note", proof)])
        case "verify":
            if a.ground == .order {
                guard let due = a.orderDue, due < now.day else {
                    throw Refusal(.conflict, Text("责令期限尚未届满", "The ordered time is not over"), article: Article(law: "ABN", article: "7"))
                }
            }
            if a.ground == .unreachable, !a.isShownUnreachable {
                throw Refusal(
                    .conflict, Text("须实地核查并有证明材料，或者两次邮寄专用信函无人签收，间隔15至30日", "A visit with proof, or two unsigned letters 15 to 30 days apart"),
                    article: Article(law: "ABN", article: "9(2)"))
            }
            // Law: ABN art. 8: from the end of the time in which the name had to be changed.
            let since = a.ground == .order ? a.orderDue! : a.ground == .name ? try act.day("on") : now.day
            try act.set("verified_on = \(now.day)")
            return try act.move([("note", input["note"] ?? "")], since: Moment(since))
        case "drop": return try act.move([("reason", input.needed("reason", 1000))], outcome: "dropped")
        case "list": return try list(a, op, act, tx)
        case "object":
            // In time is what arrived in time, whenever it is entered.
            let on = try act.input["on"] == nil ? now.day : act.day("on")
            guard let listed = a.listedOn, on >= listed, on <= (try desk.engine.deadline("AB5", from: Moment(listed), explain: false).due) else {
                throw Refusal(.conflict, Text("已超过提出异议的三十日", "The thirty days for an objection are over"), article: Article(law: "ABN", article: "12(1)"))
            }
            let text = try input.needed("objection", 4000)
            try act.set("objection = \(text), objection_on = \(on)")
            return try act.move([("reason", text), ("on", on.description)], since: Moment(on))
        case "accept-objection", "refuse-objection", "uphold":
            if name != "accept-objection" {
                let reason = try input.needed("reason", 1000)
                try act.set("objection_result = \(reason)")
                try CreditPapers.issue(
                    "abnormal-objection", for: a.matter, to: (op.name, op.uscc), what: a.ground.title.zh, under: Article(law: "ABN", article: "12"),
                    reason: "\(name == "uphold" ? "异议不成立" : "不予受理")。\(reason)", desk: desk, by: actor, at: now, tx)
            }
            return try act.move([("reason", input["reason"] ?? "")])
        case "wrong":
            try act.set("objection_result = \(input.needed("reason", 1000))")
            return try act.move([("reason", input["reason"] ?? "")])
        case "correct":
            try act.set("removed_on = \(now.day), removal = 'wrong'")
            let event = try tx.one("SELECT id FROM credit_events WHERE matter = \(id) AND kind = 'abnormal' ORDER BY id DESC LIMIT 1")?.int("id")
            try CreditPapers.issue(
                "abnormal-objection", for: a.matter, to: (op.name, op.uscc), what: a.ground.title.zh, under: Article(law: "ABN", article: "12(2)"),
                reason: "列入有误，予以更正。\(input["reason"] ?? "")",
                desk: desk, by: actor, at: now, tx)
            try CreditEvent.add(.abnormalCorrected, of: op.id, on: now.day, matter: id, cancels: event, a.ground.title.zh, by: actor.mark, at: now, tx)
            try JointNotice.recall(of: id, by: actor, at: now, desk: desk, tx)
            return try act.move([("reason", input["reason"] ?? "")])
        case "remove":
            try act.set("removed_on = \(now.day), removal = \(input["reason"] ?? "repaired")")
            let event = try tx.one("SELECT id FROM credit_events WHERE matter = \(id) AND kind = 'abnormal' ORDER BY id DESC LIMIT 1")?.int("id")
            try CreditPapers.issue(
                "abnormal-removal", for: a.matter, to: (op.name, op.uscc), what: a.ground.title.zh,
                under: Article(law: "O107", article: input["reason"] == Deregistered.reason ? "20" : "12"), desk: desk, by: actor, at: now, tx)
            try CreditEvent.add(.abnormalRemoved, of: op.id, on: now.day, matter: id, cancels: event, a.ground.title.zh, by: actor.mark, at: now, tx)
            // Law: O107 art. 2: what other agencies do because of it ends with it.
            try JointNotice.recall(of: id, by: actor, at: now, desk: desk, tx)
            return try act.move([("reason", input["reason"] ?? "")])
        default: throw Fault("no handler for \(name)")
        }
    }

    /// Law: ABN art. 9(2): the second 15 to 30 days after the first; each says whether anybody signed.
    private func letter(_ a: Abnormal, _ act: Act) throws -> Matter {
        let what = try act.input.chosen("what", ["first", "first-back", "second", "second-back", "signed"])
        let on = try act.day("on")
        switch what {
        case "first":
            guard a.firstLetter == nil else { throw Refusal(.conflict, Text("第一封已登记", "The first letter was entered")) }
            try act.set("first_letter = \(on)")
        case "first-back":
            guard a.firstLetter != nil else { throw Refusal(.conflict, Text("尚未登记第一封专用信函", "No first letter was entered")) }
            guard let sent = a.firstLetter, on >= sent else { throw Refusal.invalid("/on", Text("应不早于寄出之日", "Not before it was sent")) }
            try act.set("first_back = \(on)")
        case "second":
            guard let first = a.firstLetter, a.firstBack != nil else { throw Refusal(.conflict, Text("第一封无人签收退回后方可寄第二封", "The second follows the first that came back unsigned")) }
            guard (15...30).contains(on - first) else {
                throw Refusal(
                    .invalid, Text("两次邮寄间隔不得少于15日、不得超过30日", "Between 15 and 30 days apart"),
                    fields: [.init("/on", Text("应在\(first.adding(days: 15))至\(first.adding(days: 30))之间", "Between \(first.adding(days: 15)) and \(first.adding(days: 30))"))],
                    article: Article(law: "ABN", article: "9(2)"))
            }
            try act.set("second_letter = \(on)")
        case "second-back":
            guard a.secondLetter != nil else { throw Refusal(.conflict, Text("尚未登记第二封专用信函", "No second letter was entered")) }
            guard let sent = a.secondLetter, on >= sent else { throw Refusal.invalid("/on", Text("应不早于寄出之日", "Not before it was sent")) }
            try act.set("second_back = \(on)")
        default: return try act.move([("note", "有人签收，可以取得联系"), ("on", on.description)])
        }
        let names = ["first": "寄出第一封专用信函", "first-back": "第一封无人签收退回", "second": "寄出第二封专用信函", "second-back": "第二封无人签收退回"]
        return try act.move([("note", names[what] ?? ""), ("on", on.description)])
    }

    private func list(_ a: Abnormal, _ op: Operator, _ act: Act, _ tx: Transaction) throws -> Matter {
        let (actor, now) = (act.actor, act.now)
        // What was made good before the decision is not listed.
        if a.ground == .report, !a.years.isEmpty {
            let reported = Set(try tx.all("SELECT year FROM credit_reports WHERE operator = \(op.id)").map { $0.count("year") })
            guard a.years.contains(where: { !reported.contains($0) }) else { throw Refusal(.conflict, Text("已补报年度报告，不列入", "The report was made up for: not listed")) }
        }
        let until = a.ground.shownUntil(op.kind, listed: now.day)
        try act.set("listed_on = \(now.day), shown_until = \(until)")
        let paper = try CreditPapers.issue(
            "abnormal-listing", for: a.matter, to: (op.name, op.uscc), what: a.ground.title.zh, under: a.ground.article(op.kind), reason: a.found, desk: desk, by: actor, at: now,
            tx)
        try CreditEvent.add(.abnormal, of: op.id, on: now.day, until: until, matter: a.matter.id, a.ground.title.zh, by: actor.mark, at: now, tx)
        return try act.move([("number", paper.number)], outcome: "listed")
    }

    /// Law: O103 art. 32: two full years on the list: a separate register, specially marked, until taken off.
    static func markSeparate(_ desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            for row in try tx.all(
                """
                SELECT a.matter AS matter FROM credit_abnormal a JOIN casework_matters m ON m.id = a.matter JOIN operators o ON o.id = m.operator
                WHERE a.listed_on <= \(now.day.adding(months: -24)) AND a.removed_on IS NULL AND a.marked_on IS NULL AND o.kind = 'individual' LIMIT 500
                """)
            {
                try tx.send("UPDATE credit_abnormal SET marked_on = \(now.day) WHERE matter = \(row.int("matter"))")
                try tx.audit(
                    "credit.separate", of: Reference(kind: AbnormalMoves.kind, id: row.int("matter")), by: "system", at: now, under: Article(law: "O103", article: "32"),
                    sealing: [.init("credit_abnormal", key: "matter", row.int("matter"))])
            }
        }
    }
}
