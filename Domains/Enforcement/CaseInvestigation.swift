import Kernel
import Platform
import Statute
import Store
import Web

/// Investigating and reviewing (调查取证、审核).
extension CaseAct {
    static let suspensions: [(String, Text)] = [
        ("1", Text("须以其他案件的裁判或者行政决定为依据", "Rests on another judgment or decision")), ("2", Text("法律适用送请有权机关解释", "Interpretation asked for")),
        ("3", Text("不可抗力", "Force majeure")), ("4", Text("当事人下落不明", "The party cannot be found")), ("5", Text("其他应当中止的情形", "Another ground")),
    ]
    /// What a reviewer looks at.
    ///
    /// Law: PCD art. 53.
    static let checks: [(String, Text)] = [
        ("jurisdiction", Text("具有管辖权", "Jurisdiction")), ("party", Text("当事人基本情况清楚", "The party is clear")), ("facts", Text("事实清楚、证据充分", "Facts and evidence")),
        ("nature", Text("定性准确", "Rightly qualified")), ("law", Text("适用依据正确", "Right provisions")), ("procedure", Text("程序合法", "Lawful procedure")),
        ("fit", Text("处理适当", "Fitting outcome")),
    ]

    func investigation() throws -> Matter? {
        switch name {
        case "suspend":
            _ = try approver()
            let ground = try input.chosen("ground", Self.suspensions.map(\.0)), reason = try input.needed("reason", 1000)
            return try move([("reason", "\(Self.suspensions.first { $0.0 == ground }!.1.zh)：\(reason)")])
        case "resume": return try move([("note", input["note"] ?? "")])
        case "test":
            _ = try officer()
            return try move([("body", input.needed("body", 120))])
        case "tested":
            _ = try officer()
            return try move([("result", input.needed("result", 1000))])
        case "replace-officers":
            _ = try approver()
            let people = try officers()
            let stay = Set(people.map(\.0.id.raw))
            for person in try tx.people(of: id) where person.role == .officer && person.until == nil && !stay.contains(person.account) {
                try tx.send("UPDATE enforcement_people SET until = \(now) WHERE matter = \(id) AND account = \(person.account) AND role = 'officer' AND until IS NULL")
            }
            for (person, certificate) in people { try take(.officer, person, certificate: certificate.number) }
            try tx.send("UPDATE casework_matters SET assignee = \(people[0].0.id) WHERE id = \(id)")
            return try move([("officers", people.map(\.0.name).joined(separator: "、")), ("reason", input.needed("reason", 500))])
        case "ask-recusal": return try askRecusal()
        case "decide-recusal": return try decideRecusal()
        case "prolong":
            _ = try approver()
            guard let running = try clock("P9"), running.state == "open", running.extended, running.due >= now.day else {
                throw Refusal(.conflict, Text("须先经负责人批准延长三十日", "First the head extends by thirty days"), article: Article(law: "PCD", article: "64(1)"))
            }
            let until = try day("until", from: running.due.adding(days: 1), mayBeAhead: true)
            guard until <= now.day.adding(months: 60) else { throw Refusal.invalid("/until", Text("应在五年以内", "Within five years")) }
            let row = try discussion(.init(heldOn: day("held-on"), conclusion: "继续延期至\(until)"))
            try Clocks.set("P9", of: c.matter, to: until, tx)
            return try move([("until", until.description), ("reason", input.needed("reason", 1000))], seals: [.init("enforcement_discussions", row)])
        case "prolong-review":
            _ = try approver()
            guard let running = try clock("P7"), running.state == "open", running.due >= now.day else {
                throw Refusal(.conflict, Text("审核期限不在计算或者已经届满", "The time to review does not run, or is over"), article: Article(law: "PCD", article: "55"))
            }
            let until = try day("until", from: running.due.adding(days: 1), mayBeAhead: true)
            guard until <= now.day.adding(months: 12) else { throw Refusal.invalid("/until", Text("应在一年以内", "Within a year")) }
            try Clocks.set("P7", of: c.matter, to: until, tx)
            return try move([("until", until.description), ("reason", input.needed("reason", 1000))])
        case "conclude": return try conclude()
        case "terminate":
            _ = try approver()
            try set("ending = '3'")
            return try move([("reason", input.needed("reason", 1000))], outcome: "terminated")
        case "audit-agree", "audit-return": return try review()
        default: return nil
        }
    }

    // MARK: Recusal

    private func askRecusal() throws -> Matter {
        guard let key = input["who"].flatMap({ Int64($0) }), let person = try tx.people(of: id).first(where: { $0.account == key && $0.until == nil }) else {
            throw Refusal.invalid("/who", Text("请选择参与本案的人员", "Choose somebody who has a part in the case"))
        }
        let by = try input.chosen("asked-by", ["party", "self"]), reason = try input.needed("reason", 1000)
        let row = try tx.insert(
            "INSERT INTO enforcement_recusals (matter, account, asked_by, reason, asked_at) VALUES (\(id), \(person.account), \(by), \(reason), \(now)) RETURNING id")
        let who = try Accounts.names([person.account], tx)[person.account] ?? ""
        return try move([("who", who), ("reason", reason)], seals: [.init("enforcement_recusals", row)])
    }

    /// Until it is decided the investigation goes on; who must stay away has no further part, and the officers are named anew.
    ///
    /// Law: PCD art. 4. The head decides on others; on the head itself, others do.
    private func decideRecusal() throws -> Matter {
        let head = try approver()
        guard let key = input["recusal"].flatMap({ Int64($0) }),
            let row = try tx.one("SELECT * FROM enforcement_recusals WHERE id = \(key) AND matter = \(id) AND granted IS NULL")
        else { throw Refusal.invalid("/recusal", Text("请选择尚未决定的回避申请", "Choose a request that is not decided yet")) }
        let person = row.int("account")
        guard person != head.id.raw else { throw Refusal(.forbidden, Text("不能决定本人的回避", "Nobody decides on the own recusal"), article: Article(law: "PCD", article: "4")) }
        let granted = try input.chosen("granted", ["yes", "no"]) == "yes"
        if granted {
            try tx.send("UPDATE enforcement_people SET until = \(now) WHERE matter = \(id) AND account = \(person) AND until IS NULL")
            try tx.send("UPDATE casework_matters SET assignee = NULL WHERE id = \(id) AND assignee = \(person)")
        }
        try tx.send("UPDATE enforcement_recusals SET granted = \(granted ? 1 : 0), decided_by = \(head.id), decided_at = \(now) WHERE id = \(key)")
        let who = try Accounts.names([person], tx)[person] ?? ""
        return try move([("who", who), ("granted", granted ? "yes" : "no"), ("reason", input.needed("reason", 500))], seals: [.init("enforcement_recusals", key)])
    }

    // MARK: Report and review

    /// The report on the investigation, with what is proposed.
    ///
    /// Law: PCD art. 48.
    private func conclude() throws -> Matter {
        let officer = try officer()
        guard try tx.people(of: id).filter({ $0.role == .officer && $0.until == nil }).count >= 2 else {
            throw Refusal(.conflict, Text("办案人员不足两人，请先更换办案人员", "There are fewer than two officers: name them anew"), article: Article(law: "PCD", article: "22"))
        }
        let facts = try input.needed("facts", 10_000), nature = try input.needed("nature", 4000)
        let evidence = try CaseEvidence.of(id, tx).filter { $0.excluded == nil }
        // An empty field that was sent says that it is none of the list.
        let key = input.has("violation") ? input["violation"] : c.violation
        let violation = key.flatMap { Penalties.shipped[$0] }
        if let key, violation == nil { throw Refusal.invalid("/violation", Text("目录中没有“\(key)”", "The list has no “\(key)”")) }
        let (bans, penalty) = try provisions(violation)
        let flags = (serious: input["serious"] == "yes", interest: input["public-interest"] == "yes", complex: input["complex"] == "yes")
        let proposal = try proposed(violation, serious: flags.serious)
        if proposal.outcome.kind == .punish || proposal.outcome.kind == .exempt, evidence.isEmpty {
            throw Refusal.invalid("/facts", Text("证据目录为空，不能认定违法事实", "There is no evidence: no violation can be established"))
        }
        let area = try input["area"].map { _ in try input.chosen("area", Display.areas.map(\.0)) } ?? violation?.area
        // What was told rests on other facts, or other provisions: the party is told anew.
        let isSame = c.notified == proposal.outcome && c.facts == facts && c.violation == violation?.id && c.bans == bans && c.penalty == penalty
        if !isSame {
            try set(
                "notified = NULL, notice_served_on = NULL, hearing = 0, heard_on = NULL, hearing_on = NULL, hearing_report = NULL, reviewed = NULL, discussed_on = NULL, legal_reviewed = 0"
            )
            // What was given back before stands in the new reckoning (refunded): it is not taken off twice.
            try set("refund_ordered = NULL, refunded = NULL")
        }
        try set(
            """
            facts = \(facts), nature = \(nature), violation = \(violation?.id), bans = \(bans), penalty = \(penalty), base = \(proposal.base), serious = \(flags.serious),
            public_interest = \(flags.interest), complex = \(flags.complex), illegal_income = \(proposal.income), proposed = \(proposal.outcome.json.text),
            area = \(area), income_unknown = \(proposal.outcome.kind == .punish ? input["income-unknown"] : nil)
            """)
        let now = try fresh()
        _ = try document("investigation-report", adding: handling.documents.outcome(proposal.outcome, of: now), of: now)
        return try move([("proposal", Self.line(proposal.outcome)), ("who", officer.name)])
    }

    private func provisions(_ v: Penalties.Violation?) throws -> (String, String) {
        if let v { return (v.bans.map(\.description).joined(separator: ","), v.penalty.description) }
        let register = desk.law.register
        func read(_ field: String) throws -> String {
            let text = try input.needed(field, 200)
            for part in text.split(separator: ",") {
                guard let article = Article(String(part).trimmed), register[article.law] != nil else {
                    throw Refusal.invalid("/\(field)", Text("“\(part)”不是登记的条款，形如 AD-57", "“\(part)” is no article on record; write it as AD-57"))
                }
            }
            return text.filter { $0 != " " }
        }
        return (try read("bans"), try read("penalty"))
    }

    static func line(_ o: Outcome) -> String { o.kind == .punish ? o.items().joined(separator: "；") : o.kind.title.zh }

    /// Reads and checks what is proposed: the sums against the article, leniency against what was examined.
    func proposed(_ v: Penalties.Violation?, serious: Bool) throws -> (outcome: Outcome, base: Money?, income: Money?) {
        let kind = Outcome.Kind(rawValue: try input.chosen("outcome", Outcome.Kind.allCases.map(\.rawValue)))!
        var o = Outcome(kind)
        o.reasons = try input.needed("reasons", 4000)
        switch kind {
        case .noFacts: return (o, nil, nil)
        case .otherAgency, .judiciary:
            o.to = try input.needed("to", 200)
            return (o, nil, nil)
        case .exempt:
            guard let rule = try LeniencyDesk.standing(id, tx).filter({ $0.effect != .mitigate }).min(by: { $0.effect == .shallNot && $1.effect != .shallNot }) else {
                throw Refusal.invalid("/outcome", Text("不予处罚须先完成从宽审查，且情形成立", "First examine leniency: a rule must be met"))
            }
            o.ground = rule.id
            return (o, nil, nil)
        case .punish: break
        }
        try v?.check(ended: c.actTo)
        let base = try money("base"), hasBase = input["base"] != nil
        var income: Money?
        if input["receipts"] != nil {
            let kind = input["income-kind"].flatMap(IllegalIncome.Kind.init) ?? .net
            let reckoned = try IllegalIncome.reckon(
                kind, receipts: money("receipts"), costs: money("costs"), taxes: money("taxes"), refunded: money("refunded"))
            (income, o.confiscated) = (reckoned.counted, reckoned.confiscated)
            if let v, v.confiscate != true { o.confiscated = Money(fen: 0) }
        } else if v?.base == "income" || v?.confiscate == true, input["income-unknown"] == nil {
            throw Refusal(
                .invalid, Text("请填写违法所得的收入，没有违法所得的填0", "Give the receipts; 0 where there was no illegal income"),
                fields: [.init("/receipts", Text("经充分调查仍无法查清的，请写明情况", "Where it cannot be found out after full inquiry, say so below"))],
                article: Article(law: "O118", article: "14"))
        }
        o.refund = try money("refund")
        // Law: PRP art. 16(1): what is given back is illegal income that others paid too much; what was given back before is not ordered again.
        guard o.refund.fen == 0 || (input["income-kind"] == IllegalIncome.Kind.overcharge.rawValue && o.refund <= o.confiscated) else {
            throw Refusal(
                .invalid, Text("只能责令退还多收、尚未退还的价款", "Only what was charged too much and not given back yet can be ordered back"),
                fields: [.init("/refund", Text("违法所得应按“多收、少付的价款”计算，且不超过未退赔的部分", "Reckon the income as charged too much; no more than what was not given back"))],
                article: Article(law: "PRP", article: "16(1)"))
        }
        o.warning = input["warning"] == "yes"
        o.criticism = input["criticism"] == "yes"
        o.fine = try money("fine")
        o.goods = input["goods"] ?? ""
        o.goodsValue = try money("goods-value")
        // Law: FSL art. 122, 124, 125, AUCL art. 23: unlawful goods are confiscated; where there are none left, that is said.
        if v?.goods == true, o.goods.isEmpty {
            guard let none = input["goods-none"] else {
                throw Refusal(
                    .invalid, Text("该条规定没收物品", "The article asks for goods to be confiscated"),
                    fields: [.init("/goods", Text("请填写没收的物品；没有的，写明情况", "Name them; where there are none, say why"))], article: v?.penalty)
            }
            o.reasons += "\n没有可以没收的物品：\(String(none.prefix(500)))"
        }
        o.restriction = input["restriction"].flatMap(Outcome.Restriction.init) ?? .none
        o.restrictedUntil = try optionalDay("restricted-until")
        // Law: PUB art. 14(2): what is shown depends on when the restriction ends.
        if [.restriction, .ban].contains(o.restriction), o.restrictedUntil == nil { throw Refusal.invalid("/restricted-until", Text("请填写限制至何日", "Until when is it restricted?")) }
        o.factors = input.all("factor").filter { Leniency.shipped.factor($0) != nil }
        o.tier = input["tier"].flatMap(Discretion.Tier.init) ?? .ordinary
        guard o.warning || o.criticism || o.payable.fen > 0 || !o.goods.isEmpty || o.restriction != .none else {
            throw Refusal.invalid("/fine", Text("没有提出任何处罚", "No penalty is proposed"))
        }
        let light = Leniency.shipped.mitigating.map(\.id), heavy = Leniency.shipped.aggravating.map(\.id)
        try v?.check(o, serious: serious, isPerson: c.party.kind.isPerson, hasBase: (income?.fen ?? 0) > 0, mitigating: o.factors.filter(light.contains))
        guard let v, o.fine.fen > 0 else { return (o, hasBase ? base : nil, income) }
        if v.orderFirst == true, try !wasOrderedInVain(v) {
            throw Refusal(
                .invalid, Text("须先责令改正，逾期不改的方可罚款", "A fine comes only after an order to rectify was not followed"),
                fields: [.init("/fine", Text("没有期限已过、复查未改正的责令改正", "There is no order to rectify whose time is over and which was found not to be followed"))], article: v.penalty)
        }
        let ofIncome = v.base == "income" ? income : nil
        let reckonedFrom = ofIncome.flatMap { $0.fen > 0 ? $0 : nil } ?? (hasBase ? base : nil)
        let range = try Discretion.range(v, .init(base: reckonedFrom, isSerious: serious, isPerson: c.party.kind.isPerson))
        try Discretion.check(fine: o.fine, tier: o.tier, in: range, mitigating: o.factors.filter(light.contains), aggravating: o.factors.filter(heavy.contains))
        return (o, reckonedFrom, income)
    }

    /// An order to rectify to this party, about this violation, whose time is over and that was looked at again afterwards and not followed: beside the case, or
    /// what the case came from.
    private func wasOrderedInVain(_ v: Penalties.Violation) throws -> Bool {
        let rows = try tx.all(
            """
            SELECT g.due AS due, g.violation AS violation, g.party_name AS party, m.operator AS operator, (SELECT max(w.at) FROM casework_moves w WHERE w.matter = g.matter AND w.move IN ('fail', 'fail-again')) AS failed
            FROM enforcement_guidance g JOIN casework_matters m ON m.id = g.matter WHERE g.kind = 'order' AND g.due IS NOT NULL AND m.state <> 'withdrawn'
            AND (g.of_matter = \(id) OR g.matter = \(c.sourceMatter) OR g.of_matter = \(c.sourceMatter))
            """)
        return rows.contains { row in
            let isTheirs = row.optionalInt("operator").map { $0 == c.matter.operator?.raw } ?? (row.string("party") == c.party.name)
            let isThis = row.optionalString("violation").map { $0 == v.id } ?? true
            return isTheirs && isThis && row.optionalMoment("failed").map { $0.day > row.day("due") } == true
        }
    }

    /// Law: PCD art. 49–55: others than the officers; legal review where article 50 asks for it, by who is qualified.
    private func review() throws -> Matter {
        let reviewer = try account()
        try take(.auditor, reviewer)
        let legal = c.needsLegalReview
        if legal {
            guard let certificate = try tx.certificate(of: reviewer.id.raw), certificate.legal, certificate.validTo >= now.day else {
                throw Refusal(
                    .forbidden, Text("本案应当进行法制审核，由具有法制审核资格的人员进行", "This case needs a legal review by somebody qualified for it"), article: Article(law: "PCD", article: "51(2)"))
            }
        }
        let opinion = try input.needed("opinion", 2000)
        let fine = Set(input.all("check"))
        let wanting = Self.checks.filter { !fine.contains($0.0) }
        if name == "audit-agree", !wanting.isEmpty {
            throw Refusal.invalid("/check", Text("尚有未通过的审核内容：\(wanting.map(\.1.zh).joined(separator: "、"))", "Not passed: \(wanting.map(\.1.en).joined(separator: ", "))"))
        }
        let how = name == "audit-return" ? try input.chosen("kind", ["correct", "supplement"]) : "agree"
        let said = how == "agree" ? "同意" : how == "correct" ? "建议纠正" : "建议补充调查"
        let whole = opinion.hasPrefix(said) ? Wording.sentence(opinion) : "\(said)。\(Wording.sentence(opinion))"
        _ = try document(
            "review-form",
            adding: [
                "reviewTitle": legal ? "法制审核" : "案件审核", "sentOn": try clock("P7").map { Documents.chinese($0.startedAt.day) } ?? "", "reviewer": reviewer.name,
                "opinion": whole, "checks": Self.checks.map { "\($0.1.zh)：\(fine.contains($0.0) ? "是" : "否")" }.joined(separator: "；"),
            ])
        if how == "agree", legal { try set("legal_reviewed = 1") }
        return try move([("review", legal ? "legal" : "audit"), ("opinion", whole)])
    }

    struct Discussion {
        let heldOn: Day
        let conclusion: String
    }
    /// Law: PCD art. 60(2), 64(1): the heads discuss together. At least three, as the office's own minimum.
    func discussion(_ d: Discussion) throws -> Int64 {
        let head = try account()
        let members = try input.needed("members", 500)
        let names = members.split(whereSeparator: { "、,， \n".contains($0) })
        guard names.count >= 3 else { throw Refusal.invalid("/members", Text("请填写三名以上参加人员", "Name three members or more")) }
        let record = try input.needed("record", 8000)
        let place = input["place"] ?? ""
        _ = try document(
            "discussion-record",
            adding: [
                "heldOn": Documents.chinese(d.heldOn), "place": place, "chair": head.name, "members": members, "recorder": input["recorder"] ?? head.name, "record": record,
                "conclusion": d.conclusion,
            ])
        return try tx.insert(
            """
            INSERT INTO enforcement_discussions (matter, held_on, chair, members, record, conclusion, account, at)
            VALUES (\(id), \(d.heldOn), \(head.name), \(members), \(record), \(d.conclusion), \(head.id), \(now)) RETURNING id
            """)
    }
}
