import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Making the moves of a report (举报办理): what each needs, what it writes, who is told.
package struct ReportHandling: Sendable {
    let desk: Desk
    let casework: Casework

    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: ReportMoves.table, desk: desk)
    }

    /// The moves that can succeed now: told is who the law says is told, the others are closed.
    package func available(_ r: Report, to actor: Actor, proposed: RewardProposal? = nil) -> [Move] {
        ReportMoves.table.available(r.matter, to: actor, desk.permissions).filter { move in
            switch move.name {
            case "tell": r.telling != nil
            case "close": r.telling == nil
            case "propose-reward": r.mayBeRewarded
            case "reward": proposed != nil && r.mayBeRewarded
            case "repeat", "merge": r.matter.regime == "O121"
            default: true
            }
        }
    }

    /// - Parameter input: the move's fields by name.
    /// - Errors: fields that are missing or unknown by pointer; `conflict`, `forbidden` by the table.
    @discardableResult
    package func apply(_ name: String, on r: Report, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        _ = try ReportMoves.table.check(name, on: r.matter, by: actor, desk.permissions)
        let id = r.matter.id
        func move(_ details: [(String, String)] = [], outcome: String? = nil, seals: [Ledger.Seal] = []) throws -> Matter {
            try casework.perform(
                name, on: r.matter, by: actor, at: now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome,
                sealing: [.init("disputes_reports", key: "matter", id.raw)] + seals, tx)
        }
        switch name {
        case "dispatch":
            let region = try input.chosen("region", desk.regions.districts(of: desk.configuration.cityRegion).map(\.code))
            try tx.send("UPDATE casework_matters SET region = \(region), competent_at = \(now), assignee = NULL WHERE id = \(id)")
            return try move([("region", region)])
        case "begin":
            // Who begins handles it, and is the only one to whom the reporter is known from then on.
            guard let account = actor.account else { throw Refusal.forbidden("reports.verify") }
            try tx.send("UPDATE casework_matters SET assignee = COALESCE(assignee, \(account.id)) WHERE id = \(id)")
            if input["evidence"] == "yes" { try tx.send("UPDATE disputes_reports SET evidence = 1 WHERE matter = \(id)") }
            return try move([("note", input["note"] ?? "")])
        case "test": return try move([("body", input.needed("body", 120))])
        case "tested": return try move([("result", input.needed("result", 1000))])
        case "file", "not-file":
            // Who keeps cases hears of it, and registers the source.
            if name == "file" { try Jobs.add("enforcement.clue", [("matter", .int(id.raw)), ("result", .string(input.needed("reason", 2000)))], at: now, tx) }
            return try decide(move, r, input.needed("reason", 2000), outcome: name == "file" ? "filed" : "not-filed", tx)
        case "hand-over":
            let place = try input.needed("where", 200)
            return try decide(
                { details, outcome, seals in try move(details + [("where", place)], outcome: outcome, seals: seals) }, r, input.needed("reason", 2000), outcome: "handed-over", tx)
        case "elsewhere":
            let place = try input.needed("where", 500)
            let text = "本机关对该举报没有处理权限。\(place)"
            try tx.send("UPDATE disputes_reports SET told = \(text) WHERE matter = \(id)")
            try Casework.notify("reporter", of: id, by: r.named ? input.chosen("channel", Notice.channels.map(\.0)) : "portal", ReportDocuments.elsewhere.zh, at: now, tx)
            return try move([("where", place)], outcome: "elsewhere")
        case "repeat":
            let earlier = try earlier(r, input, tx)
            return try move([("of", earlier.number), ("reason", input.needed("reason", 1000))], outcome: "repeated")
        case "merge":
            let earlier = try earlier(r, input, tx)
            guard earlier.open else { throw Refusal.invalid("/number", Text("\(earlier.number)已办结，不能并入", "\(earlier.number) is closed: nothing is merged into it")) }
            let after = try move([("of", earlier.number)], outcome: "merged")
            try casework.perform("new-facts", on: earlier, by: .system, at: now, details: [("of", .string(r.matter.number))], since: r.matter.receivedAt, tx)
            if let account = actor.account { try Casework.link(r.matter, with: earlier, why: "补充新事实", by: .staff(account), at: now, tx) }
            return after
        case "tell":
            guard let telling = r.telling else {
                throw Refusal(.conflict, Text("没有法律、法规、规章要求告知这一举报的结果", "No law asks to tell the result of this report"), article: Article(law: "O121", article: "36"))
            }
            let result = try input.needed("result", 2000)
            let channel = r.named ? try input.chosen("channel", Notice.channels.map(\.0)) : "portal"
            try tx.send("UPDATE disputes_reports SET told = \(result) WHERE matter = \(id)")
            let document = try ReportDocuments.issue(r, result: result, under: telling.article, by: actor, at: now, desk: desk, tx)
            try Casework.notify("reporter", of: id, by: channel, document.title, document: document.id, at: now, tx)
            return try move([("result", result), ("channel", channel)])
        case "close":
            guard r.telling == nil else { throw Refusal(.conflict, Text("该举报的结果依法应当告知举报人", "The law asks to tell the result of this report"), article: r.telling?.article) }
            return try move([("note", input["note"] ?? "")])
        case "ask", "reply":
            let body = try input.needed("body", 2000)
            // Sealed as the reporter is: an answer may say who gives it.
            let sealed = Reporter.seal(body, for: id, desk.keys)
            let message = try tx.insert(
                "INSERT INTO disputes_messages (matter, sender, body, at, account) VALUES (\(id), \(name == "ask" ? "office" : "filer"), \(sealed), \(now), \(actor.account?.id)) RETURNING id"
            )
            return try move(seals: [.init("disputes_messages", message)])
        case "reward":
            guard r.named else { throw Refusal(.conflict, Text("匿名举报须先凭回执码补充身份", "A nameless reporter first says who it is, by the receipt's code")) }
            guard r.reward == nil else { throw Refusal(.conflict, Text("该举报已给予奖励", "This report was rewarded before")) }
            guard let proposal = try RewardProposal.of(id, tx) else { throw Refusal(.conflict, Text("尚未提出奖励", "No reward was proposed")) }
            guard r.mayBeRewarded else { throw Refusal(.conflict, Text("只有实名并且已立案或者移送的举报可以奖励", "Only a named report that led to a case or a transfer is rewarded")) }
            // What was read is what is decided: a later proposal is another one.
            guard input["proposal"] == String(proposal.id) else { throw Refusal(.conflict, Text("奖励建议已变更，请刷新页面后重新审阅", "The proposal has changed: read it anew")) }
            guard proposal.account != actor.account?.id else { throw Refusal(.forbidden, Text("须由提出人以外的人员决定", "Another than who proposed it decides")) }
            try tx.send("UPDATE disputes_reports SET reward = \(proposal.amount) WHERE matter = \(id)")
            return try move([("tier", proposal.tier), ("amount", proposal.amount.plain), ("note", input["note"] ?? "")])
        case "propose-reward":
            guard r.named else { throw Refusal(.conflict, Text("匿名举报须先凭回执码补充身份", "A nameless reporter first says who it is, by the receipt's code")) }
            guard r.reward == nil else { throw Refusal(.conflict, Text("该举报已给予奖励", "This report was rewarded before")) }
            guard r.mayBeRewarded else { throw Refusal(.conflict, Text("只有已立案或者移送的举报可以奖励", "Only a report that led to a case or a transfer is rewarded")) }
            let proposal = try RewardProposal(input)
            return try move(proposal.details)
        default: return try move([("note", input["note"] ?? "")])
        }
    }

    private func decide(_ move: ([(String, String)], String?, [Ledger.Seal]) throws -> Matter, _ r: Report, _ reason: String, outcome: String, _ tx: Transaction) throws -> Matter {
        try tx.send("UPDATE disputes_reports SET reason = \(reason) WHERE matter = \(r.matter.id)")
        return try move([("reason", reason)], outcome, [])
    }

    /// The earlier report that this one repeats or adds to: by the same person, about the same business.
    ///
    /// Law: O121 art. 35(2). A nameless one cannot be shown to be the same person's.
    private func earlier(_ r: Report, _ input: Form, _ tx: Transaction) throws -> Matter {
        let number = try input.needed("number", 20).uppercased()
        guard try same(r, tx).contains(where: { $0.number == number }) else {
            throw Refusal(
                .invalid, Text("只有同一举报人对同一被举报人的举报可以作为重复或合并处理", "Only the same person's report about the same business is a repeat or an addition"),
                fields: [.init("/number", Text("“\(number)”不是同一举报人对同一被举报人的举报", "“\(number)” is no report by the same person about the same business"))],
                article: Article(law: "O121", article: "35(2)"))
        }
        return try tx.matter(number: number)
    }

    /// Earlier reports by the same person about the same business, the newest first.
    func same(_ r: Report, _ tx: Transaction) throws -> [Matter] {
        guard r.named else { return [] }
        return try tx.all(
            """
            SELECT m.* FROM disputes_reporters p JOIN disputes_reporters own ON own.mark = p.mark JOIN disputes_reports o ON o.matter = p.matter JOIN casework_matters m ON m.id = p.matter
            WHERE own.matter = \(r.matter.id) AND p.matter < \(r.matter.id) AND (o.respondent_name = \(r.respondentName) OR (m.operator IS NOT NULL AND m.operator = \(r.matter.operator)))
            ORDER BY m.id DESC LIMIT 20
            """
        ).map(Matter.init)
    }

    func messages(_ matter: ID<Matter>, _ tx: Transaction) throws -> [(office: Bool, body: String, at: Moment)] {
        try tx.all("SELECT sender, body, at FROM disputes_messages WHERE matter = \(matter) ORDER BY id").map {
            ($0.string("sender") == "office", Reporter.unseal($0.string("body"), of: matter, desk.keys), $0.moment("at"))
        }
    }
}

/// A reward as it was proposed (奖励建议): why the violation is a major one, what was fined, which tier.
package struct RewardProposal: Sendable {
    let tier: String
    let ground: String
    let fined: Money
    let decision: String
    let joint: String
    package let amount: Money
    let account: ID<Account>?
    /// The step that proposed it; nil while it is written.
    package let id: Int64

    /// - Errors: each condition that is not met, by its field. None of them rests on a text of the rule: see `verified` in the table.
    init(_ input: Form) throws(Refusal) {
        let rules = ReportRules.shared
        var wrong: [Refusal.Field] = []
        ground = input["ground"] ?? ""
        if !rules.rewardGrounds.contains(where: { $0.id == input["ground"] }) {
            wrong.append(.init("/ground", Text("只奖励举报重大违法行为：请选择情形", "Only reports of major violations are rewarded: choose why it is one")))
        }
        tier = input["tier"] ?? ""
        let chosen = rules.tiers.first { $0.id == input["tier"] }
        if chosen == nil { wrong.append(.init("/tier", Text("请选择等级", "Choose the tier"))) }
        decision = input["decision"] ?? ""
        if decision.isEmpty || decision.count > 60 { wrong.append(.init("/decision", Text("请填写处罚决定书或者移送文书的文号", "Give the number of the decision or of the transfer"))) }
        fined = Money(yuan: input["fined"] ?? "") ?? Money(fen: -1)
        if fined.fen < 0 { wrong.append(.init("/fined", Money.shape)) }
        if fined.fen == 0, ground == "fine" { wrong.append(.init("/fined", Text("以罚没款数额为由的，应大于零", "Where the fine is the reason it is more than zero"))) }
        if input["person"] != "yes" { wrong.append(.init("/person", Text("只奖励自然人", "Only natural persons are rewarded"))) }
        let sum = fined
        joint = input["joint"] ?? ""
        amount = chosen.map { rules.reward($0, of: sum) } ?? Money(fen: 0)
        if amount >= rules.jointFrom, joint.isEmpty {
            wrong.append(
                .init("/joint", Text("¥\(rules.jointFrom.grouped)以上须与财政部门共同决定，请写明文号", "From ¥\(rules.jointFrom.grouped) on the finance department decides too: give its number")))
        }
        (account, id) = (nil, 0)
        if !wrong.isEmpty { throw .invalid(wrong) }
    }

    var details: [(String, String)] { [("ground", ground), ("tier", tier), ("fined", fined.plain), ("decision", decision), ("joint", joint), ("amount", amount.plain)] }

    /// The latest one; nil: none yet.
    static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> RewardProposal? {
        guard let row = try tx.one("SELECT id, account, details FROM casework_moves WHERE matter = \(matter) AND move = 'propose-reward' ORDER BY id DESC LIMIT 1"),
            let json = try? JSON(parsing: Array(row.string("details").utf8)), let amount = Money(yuan: json["amount"]?.string ?? "")
        else { return nil }
        return RewardProposal(json, amount, row.optionalID("account"), row.int("id"))
    }
    private init(_ json: JSON, _ amount: Money, _ account: ID<Account>?, _ id: Int64) {
        self.id = id
        tier = json["tier"]?.string ?? ""
        ground = json["ground"]?.string ?? ""
        fined = Money(yuan: json["fined"]?.string ?? "") ?? Money(fen: 0)
        decision = json["decision"]?.string ?? ""
        joint = json["joint"]?.string ?? ""
        (self.amount, self.account) = (amount, account)
    }

    var text: Text {
        let of = ReportRules.shared.tiers.first { $0.id == tier }?.title ?? Text(verbatim: tier)
        return Text("建议奖励¥\(amount.grouped)（\(of.zh)，罚没款¥\(fined.grouped)，\(decision)）", "Proposed: ¥\(amount.grouped) (\(of.en); ¥\(fined.grouped) fined; \(decision))")
    }
}

/// The official forms of a report (举报文书).
enum ReportDocuments {
    static let elsewhere = Text("无处理权限告知", "Notice of no competence")
    static let forms: [DocumentForm] = [
        DocumentForm(
            name: "report-registration", title: Text("举报登记表", "Registration of a report"), series: "举登", template: Grounds.shared.template("report-registration"),
            sample: { sample }),
        DocumentForm(
            name: "report-result", title: Text("举报处理结果告知书", "Notice of a report's result"), series: "举告", template: Grounds.shared.template("report-result"), sample: { sample }),
    ]

    private static var sample: [String: Any] {
        [
            "number": "示市监举告〔2026〕1号", "date": "2026年11月23日", "office": "示范市市场监督管理局", "reportNumber": "JB20260000001", "recipient": "举报人", "respondentName": "示范百货店",
            "respondentAddress": "示范街2号", "clues": "店内销售的进口食品没有中文标签。", "subject": "示范百货店涉嫌食品安全问题", "basis": "《中华人民共和国食品安全法》第一百一十五条",
            "result": "已立案调查。", "reporterName": "张三", "reporterPhone": "13800000000", "reporterAddress": "示范路1号", "registrar": "李四",
        ]
    }

    /// 举报处理结果告知书. It names the report, never the reporter: who may see the file is not told by a document.
    static func issue(_ r: Report, result: String, under article: Article, by actor: Actor, at now: Moment, desk: Desk, _ tx: Transaction) throws -> IssuedDocument {
        let values: [String: Any] = [
            "recipient": "举报人（举报编号\(r.matter.number)）", "subject": r.matter.title, "basis": desk.law.register.cite(article)[.zh], "result": result, "reportNumber": r.matter.number,
            "date": Documents.chinese(now.day),
        ]
        return try Documents.issue(
            forms[1], for: r.matter, values: values, office: desk.office(for: r.matter.region).short, by: actor.mark, account: actor.account?.id, at: now, tx)
    }

    /// 举报登记表, with the reporter: for whoever has just opened the identity.
    static func registration(_ r: Report, _ reporter: Reporter?, by account: Account, at now: Moment, desk: Desk, _ tx: Transaction) throws -> String {
        var values: [String: Any] = [
            "office": desk.office(for: r.matter.region).name, "reportNumber": r.matter.number, "respondentName": r.respondentName, "respondentAddress": r.respondentAddress,
            "clues": r.clues,
            "registrar": account.name, "date": Documents.chinese(now.day),
        ]
        if let reporter {
            values["reporterName"] = reporter.name
            values["reporterPhone"] = reporter.phone
            values["reporterAddress"] = reporter.address
            values["reporterID"] = reporter.idNumber
        } else {
            values["reporterName"] = "（匿名）"
        }
        return try Documents.render(Documents.template(forms[0], office: String(r.matter.region.prefix(6)), tx), values)
    }
}
