import Enforcement
import Kernel
import Platform
import Statute
import Store
import Web

/// An entry of the list of seriously illegal and dishonest entities (严重违法失信名单).
///
/// Law: O44 art. 2, 5–15, 19, 21, 22: a heavier penalty for a vile, serious, harmful violation; told before; with the higher office's consent; three years.
package struct Serious: Sendable {
    static let grounds: [(String, Text)] = [
        ("5", Text("食品安全领域（第五条）", "Food safety (art. 5)")), ("6", Text("药品、医疗器械、化妆品领域（第六条）", "Drugs, devices, cosmetics (art. 6)")),
        ("7", Text("质量安全领域（第七条）", "Quality safety (art. 7)")),
        ("8", Text("侵害消费者权益（第八条）", "Harm to consumers (art. 8)")), ("9", Text("破坏公平竞争秩序、扰乱市场秩序（第九条）", "Competition and market order (art. 9)")),
        ("10", Text("许可、登记、妨碍执法（第十条）", "Permits, registration, obstruction (art. 10)")), ("11", Text("拒不履行行政决定（第十一条）", "Refusal to perform a decision (art. 11)")),
    ]
    static let factors: [(String, Text)] = [
        ("malice", Text("主观恶意", "Malice")), ("frequency", Text("违法频次", "How often")), ("duration", Text("持续时间", "How long")), ("penalty", Text("处罚类型", "Kind of penalty")),
        ("amount", Text("罚没款数额", "Sums fined")), ("goods", Text("产品货值金额", "Value of the goods")), ("health", Text("对生命健康的危害", "Harm to life or health")),
        ("loss", Text("财产损失", "Loss of property")), ("effect", Text("社会影响", "Effect on society")),
    ]
    /// Which penalties count as heavier.
    static let heavier: [(String, Text)] = [
        ("1", Text("按照从重处罚原则处以罚款", "A fine as a heavier penalty")), ("2", Text("降低资质等级，吊销许可证件、营业执照", "Lowered or revoked")),
        ("3", Text("限制开展生产经营活动、责令停产停业、责令关闭、限制从业", "Restricted, suspended, closed, barred")), ("4", Text("其他较重行政处罚", "Another heavier penalty")),
    ]
    /// Law: O44 art. 2(2). Another heavier penalty names the rule that makes it one; who refuses to perform needs none (art. 11).
    static func isHeavy(_ o: Outcome, as heavier: String, ground: String) -> Bool {
        switch ground == "11" ? "" : heavier {
        case "1": o.fine.fen > 0 && o.tier == .heavier
        case "2": [.downgrade, .revocation].contains(o.restriction)
        case "3": [.restriction, .suspension, .closure, .ban].contains(o.restriction)
        default: true
        }
    }
    package let matter: Matter
    package let ofCase: ID<Matter>?
    package let ground: String
    package let reasons: String
    package let heavier: String
    package let factors: [String]
    package let proposedBy: Int64
    package let toldOn: Day?
    package let said: String?
    package let consent: String?
    package let consentedOn: Day?
    package let listedOn: Day?
    package let publishedOn: Day?
    package let until: Day?
    package let removedOn: Day?
    package let removal: String?
    /// Of a party registered in another province: to whom the listing was pushed; of ours, listed elsewhere: by whom.
    package let pushedTo: String?
    package let pushedFrom: String?
    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        ofCase = row.optionalID("of_case")
        ground = row.string("ground")
        reasons = row.string("reasons")
        heavier = row.string("heavier")
        factors = row.string("factors").split(separator: ",").map(String.init)
        proposedBy = row.int("proposed_by")
        toldOn = row.optionalDay("told_on")
        said = row.optionalString("said")
        consent = row.optionalString("consent")
        consentedOn = row.optionalDay("consented_on")
        listedOn = row.optionalDay("listed_on")
        publishedOn = row.optionalDay("published_on")
        until = row.optionalDay("until")
        removedOn = row.optionalDay("removed_on")
        removal = row.optionalString("removal")
        pushedTo = row.optionalString("pushed_to")
        pushedFrom = row.optionalString("pushed_from")
    }
}

extension Transaction {
    package func serious(_ matter: Matter) throws -> Serious {
        guard matter.kind == SeriousMoves.kind, let row = try one("SELECT * FROM credit_serious WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Serious(matter, row)
    }
}

package enum SeriousMoves {
    package static let kind = "serious"
    package static let proposed = "proposed", told = "told", consenting = "consenting", consented = "consented", listed = "listed", published = "published", removed = "removed",
        dropped = "dropped"
    private static let clerk: [Move.By] = [.staff("credit.manage")]
    private static let head: [Move.By] = [.staff("credit.decide")]
    package static let table = MoveTable(
        kind: kind, title: Text("严重违法失信名单", "Serious list"),
        states: [
            State(proposed, "提出列入", "Proposed", true, "amber"), State(told, "已告知当事人", "Party told", true, "amber"),
            State(consenting, "报上一级同意", "Consent asked for", true, "violet"),
            State(consented, "上一级已同意", "Consent given", true, "teal"), State(listed, "已决定列入，待公示", "Listed, to be published", true, "red"),
            State(published, "公示中", "Published", false, "red"),
            State(removed, "已移出", "Taken off", false, "green"), State(dropped, "不列入", "Not listed", false, "grey"),
        ],
        moves: [
            Move("tell", Text("登记告知送达", "Told before"), from: [proposed], to: told, by: clerk, articles: ["O44": "13(1)"], starts: ["P8"]),
            Move("say", Text("记录当事人意见", "What the party says"), from: [told], to: nil, by: clerk, articles: ["O44": "13(1)"]),
            Move("ask-consent", Text("报请上一级机关同意", "Ask the higher office"), from: [told], to: consenting, by: head, articles: ["O44": "22"], awaits: ["P8"]),
            Move("consent", Text("同意列入", "Consent"), from: [consenting], to: consented, by: [.staff("credit.consent")], articles: ["O44": "22"]),
            Move("deny", Text("不同意列入", "Deny"), from: [consenting], to: dropped, by: [.staff("credit.consent")], articles: ["O44": "22"]),
            Move("list", Text("决定列入", "List"), from: [consented], to: listed, by: head, articles: ["O44": "13(1)"]),
            Move("push", Text("推送至登记地", "Push to where it is registered"), from: [listed], to: nil, by: clerk, articles: ["O44": "14(2)"], stops: ["SR2"]),
            Move("publish", Text("登记公示", "Published"), from: [listed], to: published, by: clerk, articles: ["O44": "14"], stops: ["SR1", "SR3"]),
            Move("drop", Text("不列入", "Do not list"), from: [proposed, told, consenting, consented], to: dropped, by: head + [.system], articles: [:], awaits: ["P8"]),
            Move("remove", Text("移出", "Take off"), from: [listed, published], to: removed, by: [.system], articles: ["O44": "21", "O107": "13"]),
            Move("end-pushed", Text("按推送移出", "Take off as pushed"), from: [listed, published], to: removed, by: head, articles: ["O107": "4(2)"], awaits: ["SR3"]),
            Move("annul", Text("处罚被撤销，撤销列入", "Annul the listing"), from: [listed, published], to: removed, by: head + [.system], articles: ["O44": "19"], awaits: ["SR1", "SR2"]),
        ],
        filer: Text("当事人", "The party"), opening: Text("提出列入", "Proposed")
    ) { key, value, _ in
        switch key {
        case "reason", "note": (Text("理由", "Reason"), Text(verbatim: value))
        case "number": (Text("文号", "Number"), Text(verbatim: value))
        case "on": (Text("日期", "On"), Text(verbatim: value))
        case "to": (Text("推送至", "Pushed to"), Text(verbatim: value))
        case "from": (Text("推送机关", "From"), Text(verbatim: value))
        default: nil
        }
    }
}

/// Listing, with the higher office's consent (列入严重违法失信名单).
package struct SeriousHandling: Sendable {
    package let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: SeriousMoves.table, desk: desk)
    }

    package func open(_ input: Form, of c: Case, by account: Account, at now: Moment, _ tx: Transaction) throws -> Matter {
        let op = c.matter.operator
        // Law: O44 art. 13(1): told and decided together with the penalty, so it may begin with what the party is told.
        guard let decided = c.decided ?? c.notified, decided.kind == .punish, c.annulled == nil, op != nil || c.isElsewhere else {
            throw Refusal.invalid("/case", Text("该案没有对登记主体的有效处罚决定", "The case has no standing penalty on a registered operator"))
        }
        guard
            try tx.one("SELECT s.matter FROM credit_serious s JOIN casework_matters m ON m.id = s.matter WHERE s.of_case = \(c.matter.id) AND m.state <> 'dropped' LIMIT 1") == nil
        else {
            throw Refusal(.conflict, Text("该案已提出列入", "It was proposed for this case"))
        }
        let ground = try input.chosen("ground", Serious.grounds.map(\.0)), heavier = try input.chosen("heavier", Serious.heavier.map(\.0))
        let basis = heavier == "4" && ground != "11" ? try input.needed("basis", 200) : nil
        guard Serious.isHeavy(decided, as: heavier, ground: ground) else {
            throw Refusal(
                .invalid, Text("不属于较重行政处罚，不能列入", "Not a heavier penalty: it cannot be listed"), fields: [.init("/heavier", Text("与处罚决定不符", "It does not fit the decision"))],
                article: Article(law: "O44", article: "2"))
        }
        let factors = input.all("factor").filter { id in Serious.factors.contains { $0.0 == id } }
        guard !factors.isEmpty else { throw Refusal.invalid("/factor", Text("请选择性质恶劣、情节严重、社会危害较大的考量因素", "Choose what makes it vile, serious and harmful")) }
        guard input["intent"] == "yes" else {
            throw Refusal(
                .invalid, Text("有证据足以证明没有主观故意的不列入", "Not listed where there was provably no intent"), fields: [.init("/intent", Text("请核对并确认", "Look and confirm"))],
                article: Article(law: "O44", article: "12(2)"))
        }
        let reasons = try input.needed("reasons", 4000) + (basis.map { "\n其他较重行政处罚的依据：\($0)" } ?? "")
        let matter = try casework.open(
            .init(
                number: try tx.number("YZ", "serious", in: now.day.year), state: SeriousMoves.proposed, title: "\(c.party.name) · 列入严重违法失信名单", regime: "O44",
                region: c.matter.region, operator: op,
                receivedAt: now, competentAt: now), tx)
        try tx.send(
            """
            INSERT INTO credit_serious (matter, of_case, ground, factors, reasons, heavier, proposed_by) VALUES (\(matter.id), \(c.matter.id), \(ground), \(factors.joined(separator: ",")), \(reasons), \(heavier), \(account.id))
            """)
        try casework.record(
            matter, as: "receive", by: .staff(account), article: Article(law: "O44", article: "13(1)"), starting: [], at: now, details: [("reason", .string(reasons))],
            sealing: [.init("credit_serious", key: "matter", matter.id.raw)], tx)
        try Casework.link(matter, with: c.matter, why: "列入所依据的处罚", by: .staff(account), at: now, tx)
        return try tx.matter(matter.id)
    }

    /// A listing of an operator of ours that an office of another province decided and pushed: published here within ten working days of receipt.
    ///
    /// Law: O44 art. 14(2), 21.
    package func receive(_ input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws -> Matter {
        guard let op = try Operators.find(uscc: input.needed("code", 18).uppercased(), tx), account.covers(op.region) else {
            throw Refusal.invalid("/code", Text("辖区登记库中没有这个主体", "Not on the register of your region"))
        }
        let from = try input.needed("from", 100), ground = try input.chosen("ground", Serious.grounds.map(\.0)), reasons = try input.needed("reasons", 4000)
        let received = try input.day("received", to: now.day), decided = try input.day("decided", to: received)
        guard
            try tx.one(
                "SELECT s.matter FROM credit_serious s JOIN casework_matters m ON m.id = s.matter WHERE m.operator = \(op.id) AND s.pushed_from = \(from) AND s.listed_on = \(decided) LIMIT 1"
            ) == nil
        else { throw Refusal(.conflict, Text("该机关当日的列入已收到", "This office's listing of that day is here already")) }
        let matter = try casework.open(
            .init(
                number: try tx.number("YZ", "serious", in: now.day.year), state: SeriousMoves.listed, title: "\(op.name) · 列入严重违法失信名单（\(from)）", regime: "O44",
                region: op.region, operator: op.id, receivedAt: Moment(received), competentAt: Moment(received)), tx)
        let until = decided.adding(months: 36)
        try tx.send(
            """
            INSERT INTO credit_serious (matter, of_case, ground, factors, reasons, heavier, proposed_by, listed_on, until, pushed_from)
            VALUES (\(matter.id), NULL, \(ground), '', \(reasons), '', \(account.id), \(decided), \(until), \(from))
            """)
        try casework.record(
            matter, as: "receive", by: .staff(account), article: Article(law: "O44", article: "14(2)"), starting: ["SR3"], at: now, details: [("from", .string(from))],
            sealing: [.init("credit_serious", key: "matter", matter.id.raw)], tx)
        try CreditEvent.add(.serious, of: op.id, on: decided, until: until, matter: matter.id, Serious.grounds.first { $0.0 == ground }?.1.zh ?? "", by: account.mark, at: now, tx)
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func apply(_ name: String, on s: Serious, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        let act = try Act(name, on: s.matter, of: casework, row: "credit_serious", input, by: actor, at: now, tx)
        let id = s.matter.id
        func paper(_ form: String, reason: String?) throws {
            let party = try s.ofCase.map { try tx.penaltyCase($0).party }
            let op = try s.matter.operator.map { try Operators.find($0, tx) }
            try CreditPapers.issue(
                form, for: s.matter, to: (op?.name ?? party?.name ?? s.matter.title, op?.uscc ?? party?.code ?? ""), what: "《市场监督管理严重违法失信名单管理办法》" + Numerals.article(s.ground),
                under: form == "serious-removal"
                    ? (name == "annul"
                        ? Article(law: "O44", article: "19") : Article(law: "O107", article: input["reason"] == Deregistered.reason ? "20" : "13"))
                    : Article(law: "O44", article: "13(1)"), reason: reason,
                desk: desk, by: actor, at: now, tx)
        }
        func ended(_ why: String) throws {
            try act.set("removed_on = \(now.day), removal = \(why)")
            try paper("serious-removal", reason: why)
            let event = try tx.one("SELECT id FROM credit_events WHERE matter = \(id) AND kind = 'serious' ORDER BY id DESC LIMIT 1")?.int("id")
            if let op = s.matter.operator { try CreditEvent.add(.seriousRemoved, of: op, on: now.day, matter: id, cancels: event, why, by: actor.mark, at: now, tx) }
            // Who was told to act on it is told that it ended.
            try JointNotice.recall(of: id, by: actor, at: now, desk: desk, tx)
            // Law: O107 art. 13(3): the penalty behind it stops being shown with it, unless it is one that is shown to its end (art. 8(2), (5)).
            if name == "remove", let c = s.ofCase, let op = s.matter.operator, try Penalty.mayEndEarly(c, on: now.day, tx) {
                try CreditEvent.unpublish(c, of: op, ending: "repaired", why, by: actor.mark, at: now, tx)
            }
        }
        switch name {
        case "tell":
            let on = try act.day("on")
            try act.set("told_on = \(on)")
            try paper("serious-notice", reason: s.reasons)
            return try act.move([("on", on.description)], since: Moment(on))
        case "say":
            let text = try input.needed("said", 4000)
            try act.set("said = \(text)")
            return try act.move([("note", text)])
        case "ask-consent":
            guard actor.account?.id.raw != s.proposedBy else { throw Refusal(.forbidden, Text("提出人不能报批自己的建议", "Who proposed it cannot pass it on")) }
            guard let clock = try Clocks.of(id, tx).last(where: { $0.duty == "P8" }), clock.state != "open" || clock.due < now.day else {
                throw Refusal(.conflict, Text("当事人陈述、申辩期限尚未届满", "The party may still speak"), article: Article(law: "O44", article: "13(1)"))
            }
            return try act.move([("reason", input["reason"] ?? "")])
        case "consent", "deny":
            // Law: O44 art. 22: the next higher office; an account of the region itself is not higher.
            guard let account = actor.account else { throw Refusal.unauthenticated }
            var reason = try input.needed("reason", 1000)
            if account.region.count >= s.matter.region.prefix(6).count {
                // An office without a higher one in this system enters that one's letter.
                guard s.matter.region.prefix(6).count <= desk.configuration.cityRegion.count, account.covers(s.matter.region),
                    let letter = input["letter"] ?? (name == "deny" ? "" : nil)
                else {
                    throw Refusal(
                        .forbidden, Text("须由上一级机关同意；市级案件请填写上一级机关的同意文号", "The next higher office consents; for a case of the city's own, give its letter"),
                        article: Article(law: "O44", article: "22"))
                }
                if !letter.isEmpty { reason = "\(letter)：\(reason)" }
            }
            try act.set("consent = \(reason), consented_by = \(account.id), consented_on = \(now.day)")
            return try act.move([("reason", reason)])
        case "list":
            let c = try s.ofCase.map { try tx.penaltyCase($0) }
            guard c == nil || (c?.annulled == nil && c?.decided.map { $0.kind == .punish && Serious.isHeavy($0, as: s.heavier, ground: s.ground) } ?? false) else {
                throw Refusal(
                    .conflict, Text("所依据的处罚尚未决定、已被撤销，或者决定的不是较重处罚", "The penalty is not decided, does not stand, or is no heavier one"),
                    article: Article(law: "O44", article: "13(1)"))
            }
            // Law: O44 art. 21: three years, or as long as a longer restriction runs.
            let until = max(now.day.adding(months: 36), c?.decided?.restrictedUntil ?? now.day)
            try paper("serious-decision", reason: s.reasons)
            try act.set("listed_on = \(now.day), until = \(until)")
            if let op = s.matter.operator {
                try CreditEvent.add(.serious, of: op, on: now.day, until: until, matter: id, Serious.grounds.first { $0.0 == s.ground }?.1.zh ?? "", by: actor.mark, at: now, tx)
            }
            let elsewhere = c?.isElsewhere ?? false
            let after = try act.move([("note", input["reason"] ?? "")])
            try casework.begin(elsewhere ? "SR2" : "SR1", of: after, at: now, tx)
            return try tx.matter(id)
        case "push":
            guard s.pushedTo == nil, try s.ofCase.map({ try tx.penaltyCase($0).isElsewhere }) == true else {
                throw Refusal(.conflict, Text("当事人登记地在本省，或者已推送", "It is registered in this province, or was pushed"), article: Article(law: "O44", article: "14(2)"))
            }
            let to = try input.needed("to", 100)
            try act.set("pushed_to = \(to)")
            return try act.move([("to", to)])
        case "publish":
            if s.pushedTo == nil, let basis = s.ofCase, try tx.penaltyCase(basis).isElsewhere {
                throw Refusal(.conflict, Text("请先推送至登记地，由其协助公示", "Push it first: it is published where the party is registered"), article: Article(law: "O44", article: "14(2)"))
            }
            try act.set("published_on = \(now.day)")
            return try act.move()
        case "drop": return try act.move([("reason", input.needed("reason", 1000))])
        case "end-pushed":
            guard s.pushedFrom != nil else { throw Refusal(.conflict, Text("不是外省推送的列入", "It was not pushed from another province")) }
            let why = try input.needed("reason", 1000)
            try ended(why)
            return try act.move([("reason", why)])
        case "remove", "annul":
            let why = name == "annul" ? input["reason"] ?? "列入所依据的处罚被撤销" : input["reason"] ?? "公示期满三年"
            try ended(why)
            return try act.move([("reason", why)])
        default: throw Fault("no handler for \(name)")
        }
    }

    /// Law: O44 art. 21: after three years, by itself.
    package static func endWhatIsOver(_ desk: Desk) async throws {
        let now = desk.now, handling = SeriousHandling(desk: desk)
        try await desk.store.write { tx in
            for row in try tx.all("SELECT matter FROM credit_serious WHERE until < \(now.day) AND removed_on IS NULL LIMIT 200") {
                let s = try tx.serious(tx.matter(ID<Matter>(row.int("matter"))))
                guard s.matter.state == SeriousMoves.published || s.matter.state == SeriousMoves.listed else { continue }
                try handling.apply("remove", on: s, input: Form([]), by: .system, at: now, tx)
            }
        }
    }
}

/// A notice of joint discipline to another agency (联合惩戒), with its receipt by a code.
package enum JointNotice {
    static let kind = "joint"
    package static let table = MoveTable(
        kind: kind, title: Text("联合惩戒通知", "Joint discipline"),
        states: [
            State("sent", "已发出", "Sent", true, "amber"), State("received", "已签收", "Received", true, "blue"), State("taken", "已反馈措施", "Measures reported", false, "green"),
            State("recalled", "已撤回", "Recalled", false, "grey"),
        ],
        moves: [
            Move("receive", Text("签收", "Receive"), from: ["sent"], to: "received", by: [.filer], articles: [:]),
            Move("report", Text("反馈措施", "Report measures"), from: ["sent", "received"], to: "taken", by: [.filer], articles: [:]),
            Move("recall", Text("撤回", "Recall"), from: ["sent", "received", "taken"], to: "recalled", by: [.system, .staff("credit.decide")], articles: [:]),
        ], filer: Text("接收单位", "The agency"), opening: Text("发出通知", "Sent")
    ) { key, value, _ in
        switch key {
        case "note", "taken": (Text("内容", "Content"), Text(verbatim: value))
        case "receiver": (Text("签收人", "Receiver"), Text(verbatim: value))
        default: nil
        }
    }
    /// Law: O44 art. 15.
    static let measures: [(String, Text)] = [
        ("permit", Text("审查行政许可、资质、资格时作为重要考量因素", "Important in permits and qualifications")), ("procurement", Text("政府采购、工程招投标时作为重要考量因素", "Important in procurement and bids")),
        ("supervision", Text("列为重点监管对象，提高检查频次", "More inspections")), ("promise", Text("不适用告知承诺制", "No permits on a promise")), ("honour", Text("不予授予荣誉称号等表彰奖励", "No honours")),
    ]

    package static func send(_ input: Form, of source: Matter, by account: Account, code: String, at now: Moment, desk: Desk, _ tx: Transaction) throws -> Matter {
        guard [SeriousMoves.listed, SeriousMoves.published].contains(source.state) || source.state == AbnormalMoves.listed else {
            throw Refusal(.conflict, Text("未在名录、名单上", "Not on a list"))
        }
        let agency = try input.needed("agency", 100), body = try input.needed("body", 2000)
        let chosen = input.all("measure").filter { id in measures.contains { $0.0 == id } }
        guard !chosen.isEmpty else { throw Refusal.invalid("/measure", Text("请选择措施", "Choose the measures")) }
        let casework = Casework(table: table, desk: desk)
        let number = try tx.number("LH", "joint", in: now.day.year)
        let matter = try casework.open(
            .init(
                number: number, state: "sent", title: "\(agency) · \(source.title)", regime: "O44", region: source.region, operator: source.operator, receivedAt: now,
                competentAt: now), tx)
        try tx.send(
            "INSERT INTO credit_notices (matter, of_matter, agency, measures, body, code) VALUES (\(matter.id), \(source.id), \(agency), \(chosen.joined(separator: ",")), \(body), \(AccessCode.hash(code, number)))"
        )
        try casework.record(
            matter, as: "receive", by: .staff(account), article: Article(law: "O44", article: "15"), starting: [], at: now, details: [("note", .string(agency))],
            sealing: [.init("credit_notices", key: "matter", matter.id.raw)], tx)
        try Casework.link(matter, with: source, why: "联合惩戒", by: .staff(account), at: now, tx)
        return try tx.matter(matter.id)
    }

    static func act(_ name: String, _ id: ID<Matter>, input: Form, at now: Moment, desk: Desk, _ tx: Transaction) throws {
        let matter = try tx.matter(id)
        let casework = Casework(table: table, desk: desk)
        if name == "receive" {
            let who = try input.needed("receiver", 100)
            try tx.send("UPDATE credit_notices SET received_on = \(now.day), receiver = \(who) WHERE matter = \(id)")
            try casework.perform(name, on: matter, by: .filer, at: now, details: [("receiver", .string(who))], sealing: [.init("credit_notices", key: "matter", id.raw)], tx)
        } else {
            let taken = try input.needed("taken", 2000)
            try tx.send("UPDATE credit_notices SET taken = \(taken), received_on = COALESCE(received_on, \(now.day)) WHERE matter = \(id)")
            try casework.perform("report", on: matter, by: .filer, at: now, details: [("taken", .string(taken))], sealing: [.init("credit_notices", key: "matter", id.raw)], tx)
        }
    }

    static func recall(of source: ID<Matter>, by actor: Actor, at now: Moment, desk: Desk, _ tx: Transaction) throws {
        let casework = Casework(table: table, desk: desk)
        for row in try tx.all("SELECT n.matter AS matter FROM credit_notices n JOIN casework_matters m ON m.id = n.matter WHERE n.of_matter = \(source) AND m.state <> 'recalled'")
        {
            try casework.perform(
                "recall", on: tx.matter(ID<Matter>(row.int("matter"))), by: .system, at: now, sealing: [.init("credit_notices", key: "matter", row.int("matter"))], tx)
        }
    }
}
