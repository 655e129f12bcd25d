import Kernel
import Platform
import Statute
import Store
import Web

/// Telling, hearing, deciding (告知、听证、决定).
extension CaseAct {
    func telling() throws -> Matter? {
        switch name {
        case "approve-notice":
            _ = try approver()
            guard let proposed = c.proposed, proposed.kind == .punish else { throw Refusal(.conflict, Text("没有拟给予处罚的意见", "No penalty is proposed")) }
            if c.needsLegalReview, !c.legalReviewed {
                throw Refusal(.conflict, Text("未经法制审核，不得告知", "Without the legal review nobody is told"), article: Article(law: "PCD", article: "50(1)"))
            }
            if c.incomeUnknown != nil, input["income-unknown"] != "yes" {
                throw Refusal(
                    .invalid, Text("违法所得无法查清的，应当经主要负责人审批同意", "That illegal income cannot be found out is approved by the principal head"),
                    fields: [.init("/income-unknown", Text("请审阅说明并勾选同意", "Read the reasons and tick"))], article: Article(law: "O118", article: "14(3)"))
            }
            let hearing = try Gates.hearing(proposed, of: c.party.kind, bounds: handling.bounds(tx))
            try set("notified = \(proposed.json.text), hearing = \(hearing), statement = NULL, reviewed = NULL, discussed_on = NULL")
            let now = try fresh()
            _ = try document("penalty-notice", adding: handling.documents.outcome(proposed, of: now), of: now)
            return try move([("proposal", Self.line(proposed))])
        case "send-back-audited":
            _ = try approver()
            return try move([("reason", input.needed("reason", 1000))])
        case "announce":
            _ = try officer()
            return try announce("penalty-notice", rights: "你（单位）有权进行陈述、申辩\(c.hearing ? "，并可以要求听证" : "")；自公告期满之日起五个工作日内未行使的，视为放弃此权利。")
        case "serve-notice":
            _ = try officer()
            guard let paper = try lastDocument("penalty-notice") else { throw Refusal(.conflict, Text("没有告知书", "There is no notice")) }
            let served = try serve(paper)
            try set("notice_served_on = \(served.on)")
            // Law: PCD art. 64(2): the time of a publication is not counted until it ends, not until it is entered.
            let after = try move([("way", served.way), ("served", served.on.description)], since: Moment(served.on), seals: [.init("enforcement_services", served.row)])
            try handling.casework.begin("P8", of: after, since: Moment(served.on), at: now, tx)
            return try tx.matter(id)
        case "state":
            let text = try input.needed("statement", 8000)
            let all = [c.statement, text].compactMap { $0 }.joined(separator: "\n")
            try set("statement = \(all), reviewed = NULL, discussed_on = NULL")
            return try move([("statement", text)])
        case "waive":
            _ = try officer()
            return try move([("note", input.needed("note", 500))])
        case "request-hearing":
            guard c.hearing else { throw Refusal(.conflict, Text("拟处罚内容不属于听证范围", "The penalty is not one on which a hearing is held"), article: Article(law: "HR", article: "5")) }
            let asked = try day("on", from: c.noticeServedOn)
            guard let running = try clock("P8"), running.state == "open", asked <= running.due else {
                throw Refusal(.conflict, Text("已超过要求听证的期限或者已放弃", "The time for asking is over, or it was waived"), article: Article(law: "PCD", article: "57(2)"))
            }
            let after = try move([("on", asked.description)])
            try handling.casework.begin("H1", of: after, since: Moment(asked), at: now, tx)
            return try tx.matter(id)
        case "appoint-host": return try appoint()
        case "hand-file":
            guard try clock("H1b")?.state == "open" else { throw Refusal(.conflict, Text("案卷已移交", "The file was handed over")) }
            return try move([("note", input["note"] ?? "")])
        case "schedule-hearing": return try schedule()
        case "hearing-held": return try held()
        case "report-hearing": return try report()
        case "withdraw-hearing": return try move([("note", input.needed("note", 500))])
        case "to-decision": return try toDecision()
        default: return nil
        }
    }

    func lastDocument(_ form: String) throws -> IssuedDocument? {
        try tx.one("SELECT * FROM casework_documents WHERE matter = \(id) AND form = \(form) ORDER BY id DESC LIMIT 1").map(IssuedDocument.init)
    }

    // MARK: Service

    /// Enters how a paper reached the party, with a receipt.
    ///
    /// Law: PCD art. 82.
    func serve(_ paper: IssuedDocument) throws -> (row: Int64, way: String, on: Day) {
        let officer = try account()
        let way = try input.chosen("way", Service.ways.map(\.0))
        var served = try way == "public" ? now.day : day("served", from: paper.at.day)
        switch way {
        case "retained":
            if input["witness"] == nil, input["recorded"] != "yes" {
                throw Refusal(
                    .invalid, Text("留置送达须有见证人，或者拍照、录像记录", "Leaving it needs a witness or a recording"),
                    fields: [.init("/witness", Text("请填写见证人，或者勾选已拍照、录像", "Name the witness, or tick that it was recorded"))], article: Article(law: "PCD", article: "82"))
            }
        case "electronic":
            guard try tx.one("SELECT id FROM casework_documents WHERE matter = \(id) AND form = 'address-confirmation' LIMIT 1") != nil, input["consent"] == "yes" else {
                throw Refusal(
                    .invalid, Text("电子送达须经当事人同意并签订送达地址确认书", "Electronic service needs consent and a signed confirmation of the address"),
                    fields: [.init("/way", Text("没有送达地址确认书或者未确认同意", "There is no confirmation, or no consent"))], article: Article(law: "PCD", article: "82"))
            }
        case "public":
            guard let running = try clock("P11"), running.state == "open", let announced = Optional(running.startedAt.day), announced >= paper.at.day else {
                throw Refusal.invalid("/way", Text("请先发布送达公告", "First publish the announcement"))
            }
            guard running.due < now.day else {
                throw Refusal.invalid("/way", Text("公告期至\(running.due)届满，其后视为送达", "The announcement runs until \(running.due): it counts as served after that"))
            }
            served = running.due
        default: break
        }
        let receiver = way == "public" ? "公告" : try input.needed("receiver", 100)
        let place = input["place"] ?? c.party.address
        let witness = input["witness"] ?? (input["recorded"] == "yes" ? "拍照、录像记录" : "")
        _ = try document(
            "service-receipt",
            adding: [
                "paper": "\(paper.title) \(paper.number)", "servedOn": Documents.chinese(served), "place": place, "way": Service.ways.first { $0.0 == way }!.1.zh,
                "receiver": receiver,
                "witness": witness, "note": input["note"] ?? "",
            ])
        let row = try tx.insert(
            """
            INSERT INTO enforcement_services (matter, document, way, sent_on, served_on, place, receiver, witness, note, account, at)
            VALUES (\(id), \(paper.id), \(way), \(input["served"].flatMap { Day($0) } ?? served), \(served), \(place), \(receiver), \(witness), \(input["note"] ?? ""), \(officer.id), \(now)) RETURNING id
            """)
        return (row, way, served)
    }

    func announce(_ form: String, rights: String) throws -> Matter {
        guard let paper = try lastDocument(form) else { throw Refusal(.conflict, Text("没有可送达的文书", "There is nothing to serve")) }
        let reason = try input.needed("reason", 500)
        _ = try document("service-announcement", adding: ["paper": "\(paper.title)（\(paper.number)）", "content": reason, "rights": rights])
        return try move([("reason", reason)])
    }

    // MARK: Hearing

    private func appoint() throws -> Matter {
        let head = try approver()
        func person(_ field: String, _ role: Separation.Role) throws -> Account {
            guard let key = input[field].flatMap({ Int64($0) }), let person = try Accounts.all(tx).first(where: { $0.id.raw == key && $0.active && $0.mayTake(c.matter.region) })
            else {
                throw Refusal.invalid("/\(field)", Text("请选择人员", "Choose somebody"))
            }
            do { try take(role, person) } catch let refusal as Refusal {
                throw Refusal(.invalid, refusal.text, fields: [.init("/\(field)", refusal.text)], article: refusal.article)
            }
            return person
        }
        let host = try person("host", .host), clerk = try person("clerk", .clerk)
        guard desk.permissions.allows(host.roles, "enforcement.host") else { throw Refusal.invalid("/host", Text("所选人员不能主持听证", "This person cannot host a hearing")) }
        guard host.id != clerk.id, host.id != head.id else { throw Refusal.invalid("/clerk", Text("主持人、记录员应为不同人员", "Host and clerk are two people")) }
        return try move([("host", "\(host.name)，记录员\(clerk.name)")])
    }

    private func hosting() throws -> (host: String, clerk: String) {
        let account = try account()
        let people = try tx.people(of: id).filter { $0.until == nil }
        guard people.contains(where: { $0.account == account.id.raw && $0.role == .host }) else {
            throw Refusal(.forbidden, Text("只有本案听证主持人可以办理", "Only this case's host may do this"), article: Article(law: "HR", article: "18"))
        }
        let names = try Accounts.names(people.map(\.account), tx)
        return (account.name, people.last { $0.role == .clerk }.flatMap { names[$0.account] } ?? "")
    }

    /// Law: HR art. 20: notice seven working days before; art. 22: a public hearing is announced three working days before.
    private func schedule() throws -> Matter {
        let (host, clerk) = try hosting()
        let on = try day("hearing-on", from: now.day, mayBeAhead: true)
        // It is written now: it reaches the party today at the earliest.
        let served = try day("notice-on", from: now.day, mayBeAhead: true)
        let last = try desk.engine.deadline("H2", from: Moment(on), received: c.matter.receivedAt.day, explain: false).due
        guard served <= last else {
            throw Refusal(
                .invalid, Text("听证通知应在举行听证的七个工作日前送达", "The notice is served seven working days before the hearing"),
                fields: [.init("/hearing-on", Text("\(on)举行的，通知最迟应于\(last)送达", "For a hearing on \(on) the notice had to be served by \(last)"))],
                article: Article(law: "HR", article: "20"))
        }
        let place = try input.needed("place", 200), time = try input.needed("time", 20)
        let open = input["openly"] == "yes"
        if open {
            let latest = try desk.engine.deadline("H2b", from: Moment(on), received: c.matter.receivedAt.day, explain: false).due
            let announced = try day("announced-on", from: now.day, mayBeAhead: true)
            guard announced <= latest else {
                throw Refusal(
                    .invalid, Text("公开举行的，应在三个工作日前公告", "An open hearing is announced three working days before"),
                    fields: [.init("/announced-on", Text("最迟应于\(latest)公告", "By \(latest) at the latest"))], article: Article(law: "HR", article: "22"))
            }
        }
        try set("hearing_on = \(on), hearing_notice_on = \(served), hearing_place = \(place), hearing_open = \(open)")
        _ = try document(
            "hearing-notice", adding: ["hearingAt": "\(Documents.chinese(on)) \(time)", "hearingPlace": place, "openly": open ? "公开" : "不公开", "host": host, "clerk": clerk])
        return try move([("on", "\(on) \(time)")])
    }

    private func held() throws -> Matter {
        let (host, clerk) = try hosting()
        guard try tx.one("SELECT hearing_notice_on FROM enforcement_cases WHERE matter = \(id)")?.optionalDay("hearing_notice_on") != nil else {
            throw Refusal(.conflict, Text("尚未送达听证通知", "No notice of the hearing was served"))
        }
        let on = try day("on", from: c.noticeServedOn)
        guard on == c.hearingOn else {
            throw Refusal.invalid(
                "/on",
                Text("通知的举行日期是\(c.hearingOn?.description ?? "")；改期的，请重新确定并通知", "The notice says \(c.hearingOn?.description ?? ""): for another day, set it and give notice anew"))
        }
        let record = try input.needed("record", 20_000)
        try set("heard_on = \(on)")
        let place = try tx.one("SELECT hearing_place FROM enforcement_cases WHERE matter = \(id)")?.optionalString("hearing_place") ?? ""
        _ = try document("hearing-record", adding: ["hearingAt": Documents.chinese(on), "hearingPlace": place, "host": host, "clerk": clerk, "record": record])
        let after = try move([("on", on.description)])
        try handling.casework.begin("H3", of: after, since: Moment(on), at: now, tx)
        return try tx.matter(id)
    }

    private func report() throws -> Matter {
        let (host, clerk) = try hosting()
        guard let on = c.heardOn else { throw Refusal(.conflict, Text("尚未举行听证", "The hearing was not held")) }
        let opinion = try input.needed("opinion", 8000)
        // What is discussed and decided rests on this report (PCD art. 60).
        try set("hearing_report = \(opinion), legal_reviewed = 0, discussed_on = NULL")
        _ = try document("hearing-report", adding: ["hearingAt": Documents.chinese(on), "host": host, "clerk": clerk, "record": input["record"] ?? "见听证笔录", "opinion": opinion])
        return try move([("opinion", opinion)])
    }

    private func toDecision() throws -> Matter {
        _ = try officer()
        guard c.notified != nil, c.notified == c.proposed else {
            throw Refusal(.conflict, Text("尚未就现在的意见告知当事人", "The party was not told what is proposed now"), article: Article(law: "PCD", article: "57(1)"))
        }
        if c.matter.state == CaseMoves.notified {
            guard let running = try clock("P8"), running.state != "open" || running.due < now.day else {
                let due = try clock("P8")?.due.description ?? ""
                throw Refusal(
                    .conflict, Text("陈述、申辩期限至\(due)届满，此前不得作出决定", "The party may speak until \(due): no decision before that"), article: Article(law: "PCD", article: "57(2)"))
            }
        }
        var reviewed: String?
        if c.statement != nil || c.heardOn != nil {
            reviewed = try input.needed("reviewed", 4000)
        }
        let waived = try tx.one("SELECT id FROM casework_moves WHERE matter = \(id) AND move = 'waive' AND at >= \(Moment(c.noticeServedOn ?? now.day)) LIMIT 1") != nil
        let silence = waived ? "当事人书面放弃陈述、申辩\(c.hearing ? "和要求听证" : "")的权利。" : "当事人在法定期限内未提出陈述、申辩\(c.hearing ? "，未要求听证" : "")。"
        try set("reviewed = \(reviewed ?? silence)")
        return try move([("reviewed", reviewed ?? "")])
    }

    // MARK: Decision

    func decision() throws -> Matter? {
        switch name {
        case "order-refund": return try orderRefund()
        case "refunded": return try refunded()
        case "discuss":
            _ = try approver()
            let on = try day("held-on")
            let row = try discussion(.init(heldOn: on, conclusion: input.needed("conclusion", 2000)))
            try set("discussed_on = \(on)")
            return try move([("members", input["members"] ?? ""), ("decision", input["conclusion"] ?? "")], seals: [.init("enforcement_discussions", row)])
        case "decide": return try decide()
        case "decide-unpunished": return try decideUnpunished()
        case "decide-transfer":
            let head = try approver()
            guard let proposed = c.proposed, proposed.kind.isTransfer else { throw Refusal(.conflict, Text("没有移送的意见", "No transfer is proposed")) }
            let reason = try input.needed("reason", 2000)
            _ = try document(
                proposed.kind == .judiciary ? "crime-transfer" : "transfer",
                adding: ["recipient": proposed.to, "reason": reason, "transferArticle": "第十七条", "approver": head.name])
            try set("decided = \(proposed.json.text), decided_on = \(now.day), ending = '4'")
            return try move([("where", proposed.to), ("reason", reason)], outcome: proposed.kind.rawValue)
        case "announce-decision":
            _ = try officer()
            return try announce(c.decided?.kind == .punish ? "penalty-decision" : "no-penalty-decision", rights: "如不服本决定，可以自公告期满之日起依法申请行政复议或者提起行政诉讼。")
        case "serve": return try serveDecision()
        case "serve-unpunished":
            _ = try officer()
            guard let paper = try lastDocument("no-penalty-decision") else { throw Refusal(.conflict, Text("没有决定书", "There is no decision")) }
            let served = try serve(paper)
            try set("served_on = \(served.on), ending = '4'")
            return try move([("way", served.way), ("served", served.on.description)], seals: [.init("enforcement_services", served.row)])
        default: return nil
        }
    }

    /// The penalty: told before, not heavier than told, reviewed and discussed where the law asks for it.
    ///
    /// Law: PCD art. 50, 57, 58, 60.
    private func decide() throws -> Matter {
        let head = try approver()
        guard let notified = c.notified, c.proposed?.kind == .punish else {
            throw Refusal(.conflict, Text("尚未告知当事人", "The party was not told"), article: Article(law: "PCD", article: "57(1)"))
        }
        guard c.reviewed != nil else { throw Refusal(.conflict, Text("尚未复核当事人的意见", "What the party said was not reviewed"), article: Article(law: "PCD", article: "58")) }
        if c.needsLegalReview, !c.legalReviewed {
            throw Refusal(.conflict, Text("未经法制审核或者审核未通过，不得作出决定", "No decision without the legal review"), article: Article(law: "PCD", article: "50(1)"))
        }
        if c.needsLegalReview, c.discussedOn == nil {
            throw Refusal(.conflict, Text("本案应当由负责人集体讨论决定", "This case is decided by the heads together"), article: Article(law: "PCD", article: "60(2)"))
        }
        if notified.refund.fen > 0, c.refundOrdered == nil {
            throw Refusal(
                .conflict, Text("告知拟责令退还多收价款的，作出决定前应先责令退款", "What was told to be given back is ordered back before the decision"), article: Article(law: "PCD", article: "59"))
        }
        var decided = notified
        // Law: PRP art. 16(2): what was not given back is confiscated; what was is not.
        decided.confiscated = Money(fen: max(0, notified.confiscated.fen - c.refunded.fen))
        let most = decided.confiscated
        // What was cleared is not taken for what was told: nothing is a nought.
        for (field, told) in [("fine", decided.fine), ("confiscated", decided.confiscated)] where told.fen > 0 && input.has(field) && input[field] == nil {
            throw Refusal.invalid("/\(field)", Text("请填写数额；没有的填0", "Give the sum; 0 for none"))
        }
        if input["fine"] != nil { decided.fine = try money("fine") }
        if input["confiscated"] != nil { decided.confiscated = try money("confiscated") }
        if input["tier"] != nil { decided.tier = Discretion.Tier(rawValue: try input.chosen("tier", Discretion.Tier.allCases.map(\.rawValue)))! }
        if let reasons = input["reasons"] { decided.reasons = reasons }
        let light = Set(Leniency.shipped.mitigating.map(\.id))
        decided.factors = Array(Set(decided.factors + input.all("factor").filter(light.contains))).sorted()
        guard decided.confiscated <= most else {
            throw Refusal.invalid(
                "/confiscated", Text("已退还¥\(c.refunded.grouped)，没收不得超过¥\(most.grouped)", "¥\(c.refunded.grouped) was given back: no more than ¥\(most.grouped) is confiscated"))
        }
        if decided.confiscated < most {
            // It is no penalty that discretion lowers: less only where what the party said shows that less was earned.
            let why = try input.needed("confiscated-why", 1000)
            decided.reasons += "\n没收违法所得数额调整：\(why)"
        }
        guard !notified.isLighter(than: decided) else {
            throw Refusal(
                .invalid, Text("不得因当事人陈述、申辩或者要求听证而给予更重的处罚", "No heavier penalty because of a defence"),
                fields: [.init("/fine", Text("告知的是¥\(notified.fine.grouped)；确需加重的，退回重新告知", "¥\(notified.fine.grouped) was told: to go beyond it, send back and tell anew"))],
                article: Article(law: "PCD", article: "58"))
        }
        guard decided.warning || decided.criticism || decided.payable.fen > 0 || !decided.goods.isEmpty || decided.restriction != .none else {
            throw Refusal.invalid("/fine", Text("没有任何处罚；不予处罚的请退回重新提出", "Nothing would be left of the penalty: if nobody is to be punished, send it back"))
        }
        if let v = c.violation.flatMap({ Penalties.shipped[$0] }) {
            try v.check(decided, serious: c.serious, isPerson: c.party.kind.isPerson, hasBase: (c.base?.fen ?? 0) > 0, mitigating: decided.factors.filter(light.contains))
        }
        if decided.fine.fen > 0, decided.fine != notified.fine || decided.tier != notified.tier, let range = c.range() {
            let heavy = Set(Leniency.shipped.aggravating.map(\.id))
            try Discretion.check(
                fine: decided.fine, tier: decided.tier, in: range, mitigating: decided.factors.filter(light.contains), aggravating: decided.factors.filter(heavy.contains))
        }
        let told =
            "本局于\(c.noticeServedOn.map(Documents.chinese) ?? "")向当事人送达行政处罚告知书。\(c.statement.map { "当事人提出：\($0)\n" } ?? "")\(c.heardOn.map { "本局于\(Documents.chinese($0))举行听证。" } ?? "")\(c.reviewed ?? "")"
        try set("decided = \(decided.json.text), decided_on = \(now.day), fine = \(decided.fine), confiscated = \(decided.confiscated)")
        var adding = handling.documents.outcome(decided, of: try fresh()).merging([
            "told": told, "approver": head.name, "headOpinion": "同意。", "heard": c.heardOn == nil ? "经复核" : "经听证",
        ]) { $1 }
        _ = try document("decision-approval", adding: adding, of: fresh())
        if !decided.isWarningOnly { adding["published"] = true }
        let paper = try document("penalty-decision", adding: adding, of: fresh())
        try set("decision = \(paper.id), decision_number = \(paper.number)")
        try Jobs.add("credit.decided", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
        let after = try move([("decision", Self.line(decided)), ("number", paper.number)], outcome: "punish")
        // Law: PUB art. 2, 9, 10: a warning alone is not published; a party registered in another province is published there.
        if !decided.isWarningOnly { try handling.casework.begin(c.isElsewhere ? "PUB2" : "PUB1", of: after, at: now, tx) }
        return try tx.matter(id)
    }

    private func decideUnpunished() throws -> Matter {
        let head = try approver()
        guard let proposed = c.proposed, proposed.kind == .exempt || proposed.kind == .noFacts else {
            throw Refusal(.conflict, Text("没有不予处罚的意见", "Not to punish was not proposed"))
        }
        var adding = handling.documents.outcome(proposed, of: c)
        adding["approver"] = head.name
        adding["headOpinion"] = "同意不予行政处罚。"
        var decided = proposed
        if proposed.kind == .exempt {
            let education = try input.needed("education", 2000)
            adding["education"] = education
            if let rule = proposed.ground.flatMap({ Leniency.shipped[$0] }) { adding["groundArticle"] = desk.law.register.cite(rule.article).zh }
            decided.reasons = proposed.reasons
        } else {
            adding["groundArticle"] = desk.law.register.cite(Article(law: "PCD", article: "60(1)(3)")).zh
        }
        try set("decided = \(decided.json.text), decided_on = \(now.day)")
        _ = try document("decision-approval", adding: adding, of: fresh())
        let paper = try document("no-penalty-decision", adding: adding, of: fresh())
        try set("decision = \(paper.id), decision_number = \(paper.number)")
        if proposed.kind == .exempt { try Jobs.add("credit.decided", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx) }
        return try move([("decision", proposed.kind.title.zh), ("number", paper.number)], outcome: proposed.kind.rawValue)
    }

    private func serveDecision() throws -> Matter {
        _ = try officer()
        guard c.decided?.kind == .punish, let paper = try lastDocument("penalty-decision") else { throw Refusal(.conflict, Text("没有处罚决定书", "There is no penalty decision")) }
        let served = try serve(paper)
        let pays = c.fine.fen + c.confiscated.fen > 0
        let payBy = pays ? try desk.engine.deadline("P12", from: Moment(served.on), received: c.matter.receivedAt.day, explain: false).due : nil
        try set("served_on = \(served.on), pay_by = \(payBy)")
        let after = try move([("way", served.way), ("served", served.on.description)], seals: [.init("enforcement_services", served.row)])
        if pays {
            try handling.casework.begin("P12", of: after, since: Moment(served.on), at: now, tx)
            try CasePerformance.askWhenFinal(fresh(), desk: desk, tx)
        }
        return try tx.matter(id)
    }
}
