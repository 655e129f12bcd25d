import Kernel
import Platform
import Statute
import Store
import Web

/// Performing, closing, archiving (执行、结案、归档).
enum CasePerformance {
    static let suitOver = "enforcement.suit-over"

    /// Looks again when the decision can no longer be challenged.
    static func askWhenFinal(_ c: Case, desk: Desk, _ tx: Transaction) throws {
        guard let final = try c.finalOn(desk.engine) else { return }
        try Jobs.add(suitOver, [("matter", .int(c.matter.id.raw))], at: Moment(final.adding(days: 1), hour: 1), tx)
    }

    /// When the time for review and suit is over and something is unpaid, the three months begin in which the court may be asked.
    ///
    /// Law: PCD art. 76; AEL art. 53.
    static func lookAfterSuit(_ id: Int64, desk: Desk) async throws {
        let handling = CaseHandling(desk: desk)
        let now = desk.now
        try await desk.store.write { tx in
            let c = try tx.penaltyCase(ID<Matter>(id))
            guard c.annulled == nil, [CaseMoves.served, CaseMoves.simple].contains(c.matter.state) || (c.simple && c.matter.state == CaseMoves.archived),
                let end = try c.finalOn(desk.engine), end < now.day,
                try !Performance.of(c, on: now.day, tx).isWhole, try Clocks.of(c.matter.id, tx).allSatisfy({ $0.duty != "P14b" || $0.state == "void" })
            else { return }
            // Deferral: from its end, not before.
            let since = c.deferred ? max(end, c.payBy ?? end) : end
            try handling.casework.begin("P14b", of: c.matter, since: Moment(since), at: now, tx)
            try Casework.remark("suit-over", on: c.matter, by: .system, at: now, tx)
        }
    }
}

extension CaseAct {
    static let endings: [(String, Text)] = [
        ("1", Text("行政处罚决定执行完毕", "Performed")), ("2", Text("人民法院裁定终结执行", "Enforcement ended by the court")), ("3", Text("案件终止调查", "Terminated")),
        ("4", Text("作出不予处罚或者移送决定", "Not punished, or transferred")), ("5", Text("其他应予结案的情形", "Another ground")),
    ]
    /// How long the archive keeps a file, until the archive bureau confirms: the office's own.
    static let archiveClasses: [(String, Text)] = [("permanent", Text("永久", "For ever")), ("30", Text("30年", "30 years")), ("10", Text("10年", "10 years"))]

    func performance() throws -> Matter? {
        switch name {
        case "pay": return try pay()
        case "hand-in":
            let taken = try tx.one("SELECT max(paid_on) AS d FROM enforcement_payments WHERE matter = \(id) AND way = 'cash' AND handed_on IS NULL AND reversed IS NULL")?
                .optionalDay("d")
            guard let taken else { throw Refusal(.conflict, Text("没有待上交的现金罚款", "There is no cash to hand in")) }
            let on = try day("on", from: taken)
            try tx.send("UPDATE enforcement_payments SET handed_on = \(on) WHERE matter = \(id) AND way = 'cash' AND handed_on IS NULL AND reversed IS NULL")
            return try move([("on", on.description)], since: Moment(on), seals: [.init("enforcement_payments", of: "matter", id.raw)])
        case "bank":
            let handed = try tx.one("SELECT max(handed_on) AS d FROM enforcement_payments WHERE matter = \(id) AND way = 'cash' AND banked_on IS NULL AND reversed IS NULL")?
                .optionalDay("d")
            guard let handed else { throw Refusal(.conflict, Text("没有待缴付的现金罚款", "There is no cash to pay in")) }
            let on = try day("on", from: handed)
            try tx.send(
                "UPDATE enforcement_payments SET banked_on = \(on) WHERE matter = \(id) AND way = 'cash' AND handed_on IS NOT NULL AND banked_on IS NULL AND reversed IS NULL")
            return try move([("on", on.description)], seals: [.init("enforcement_payments", of: "matter", id.raw)])
        case "reverse-payment", "reverse-payment-closing": return try reverse()
        case "defer": return try deferPayment()
        case "demand":
            _ = try officer()
            try checkStands()
            guard let by = c.payBy, by < now.day else { throw Refusal(.conflict, Text("缴款期限尚未届满", "The time to pay is not over"), article: Article(law: "PCD", article: "76(1)")) }
            let state = try Performance.of(c, on: now.day, tx)
            guard !state.isWhole else { throw Refusal(.conflict, Text("已经缴清", "Everything is paid")) }
            let served = try day("served", from: by)
            var adding: [String: Any] = ["unpaid": state.unpaid.plain]
            if state.unpaidSurcharge.fen > 0 { adding["surcharge"] = state.unpaidSurcharge.plain }
            _ = try document("demand-letter", adding: adding)
            try set("demand_served_on = \(served)")
            return try move([("served", served.description), ("amount", state.unpaid.plain)], since: Moment(served))
        case "apply-court": return try applyCourt()
        case "perform":
            if actor.account != nil { _ = try officer() }
            let state = try Performance.of(c, on: now.day, tx)
            guard state.unpaid.fen <= 0 else { throw Refusal(.conflict, Text("尚欠¥\(state.unpaid.grouped)", "¥\(state.unpaid.grouped) is unpaid")) }
            if state.unpaidSurcharge.fen > 0 {
                guard input["waived"] == "yes", let why = input["note"] else {
                    throw Refusal.invalid(
                        "/waived",
                        Text("尚有加处罚款¥\(state.unpaidSurcharge.grouped)；不再加处的，请勾选并说明", "A surcharge of ¥\(state.unpaidSurcharge.grouped) is open: tick and say why it is dropped"))
                }
                try set("waived = \(why)")
            }
            try set("ending = '1'")
            return try move([("note", input["note"] ?? "")])
        case "court-ended":
            try set("ending = '2'")
            return try move([("number", input.needed("number", 60))])
        case "annul", "annul-late": return try annul()
        case "propose-closing":
            _ = try officer()
            let ending = try input.chosen("ending", Self.endings.map(\.0))
            guard c.ending == nil || c.ending == ending || ending == "5" else {
                throw Refusal.invalid("/ending", Text("与案件情况不符：应为“\(Self.endings.first { $0.0 == c.ending }?.1.zh ?? "")”", "It does not fit the case"))
            }
            try set("ending = \(ending)")
            return try move([("reason", input.needed("reason", 2000))])
        case "send-back-closing":
            _ = try approver()
            return try move([("reason", input.needed("reason", 1000))])
        case "close":
            let head = try approver()
            let open = try tx.count("SELECT count(*) AS n FROM enforcement_measures x JOIN casework_matters m ON m.id = x.matter WHERE x.of_case = \(id) AND m.open = 1")
            guard open == 0 else { throw Refusal(.conflict, Text("还有\(open)项措施没有处置", "\(open) measures are not disposed of"), article: Article(law: "PCD", article: "42")) }
            var adding: [String: Any] = c.decided.map { handling.documents.outcome($0, of: c) } ?? [:]
            let proposal = try tx.one("SELECT details FROM casework_moves WHERE matter = \(id) AND move = 'propose-closing' ORDER BY id DESC LIMIT 1")?.string("details")
            adding["reason"] = proposal.flatMap { try? JSON(parsing: Array($0.utf8)) }?["reason"]?.string ?? ""
            adding.merge(["ending": Self.endings.first { $0.0 == c.ending }?.1.zh ?? "", "approver": head.name, "headOpinion": "同意结案。", "performed": c.ending == "1" ? "主动履行" : ""])
            { $1 }
            _ = try document("closing-approval", adding: adding)
            return try move([("note", input["note"] ?? "")])
        case "archive", "archive-simple":
            let kept = try input.chosen("class", Self.archiveClasses.map(\.0))
            let n = try tx.nextNumber("archive.\(c.matter.region.prefix(6)).\(now.day.year)")
            try set("archive_class = \(kept), archive_number = \("\(c.matter.region.prefix(6))-\(now.day.year)-\(n)")")
            return try move([("class", Self.archiveClasses.first { $0.0 == kept }!.1.zh), ("number", "\(c.matter.region.prefix(6))-\(now.day.year)-\(n)")])
        default: return nil
        }
    }

    private func checkStands() throws {
        guard c.annulled == nil else { throw Refusal(.conflict, Text("决定已被撤销，不再履行", "The decision does not stand: nothing is owed on it")) }
    }

    /// A payment, once: the slip's number is unique, and no more than is owed.
    ///
    /// Law: PCD art. 72, 73.
    private func pay() throws -> Matter {
        let account = try account()
        try checkStands()
        let kind = Payment.Kind(rawValue: try input.chosen("kind", Payment.Kind.allCases.map(\.rawValue)))!
        let amount = try money("amount", required: true)
        let on = try day("on", from: c.simple ? nil : c.decidedOn), way = try input.chosen("way", Payment.ways.map(\.0)), reference = try input.needed("reference", 60)
        let before = try Performance.of(c, on: on, tx)
        let open = kind == .fine ? before.unpaidFine : kind == .confiscated ? before.unpaidConfiscated : before.unpaidSurcharge
        guard amount.fen > 0, amount <= open else { throw Refusal.invalid("/amount", Text("未缴的\(kind.title.zh)是¥\(open.grouped)", "¥\(open.grouped) is open")) }
        if way == "cash" {
            guard kind == .fine, Gates.cash(c.fine, simple: c.simple, hardAfterwards: input["hard"] == "yes", remote: input["remote"] == "yes") else {
                throw Refusal(
                    .invalid, Text("不属于可以当场收缴的情形", "It may not be taken in cash"), fields: [.init("/way", Text("罚款决定与收缴分离", "Who fines does not collect"))],
                    article: Article(law: "PCD", article: "72(1)"))
            }
        }
        guard try tx.one("SELECT id FROM enforcement_payments WHERE reference = \(reference)") == nil else {
            throw Refusal.invalid("/reference", Text("凭证“\(reference)”已登记过", "The slip “\(reference)” was entered before"))
        }
        let row = try tx.insert(
            "INSERT INTO enforcement_payments (matter, kind, amount, paid_on, way, reference, account, at) VALUES (\(id), \(kind.rawValue), \(amount), \(on), \(way), \(reference), \(account.id), \(now)) RETURNING id"
        )
        var after = try move([("amount", "\(kind.title.zh) \(amount.plain)"), ("reference", reference), ("on", on.description)], seals: [.init("enforcement_payments", row)])
        // The two days run from the first that was not handed in.
        if way == "cash", try clock("P17")?.state != "open" {
            try handling.casework.begin("P17", of: after, since: Moment(on), at: now, tx)
            after = try tx.matter(id)
        }
        // Whether all is paid is asked of today: what was entered late may have left a surcharge.
        let state = try Performance.of(fresh(), on: now.day, tx)
        guard state.isWhole else {
            // The period shows the part that is due next (PCD art. 74).
            if let next = state.nextDue, let running = try clock("P12"), running.state == "open", running.due < next {
                try Clocks.set("P12", of: after, to: next, tx)
                return try tx.matter(id)
            }
            return after
        }
        if c.simple {
            for duty in ["P12", "P14a", "P14b"] { try handling.casework.end(duty, of: after, met: duty == "P12" && (c.payBy.map { on <= $0 } ?? true), at: now, tx) }
            return try tx.matter(id)
        }
        return try handling.apply("perform", on: fresh(), input: Form([]), by: .system, at: now, tx)
    }

    /// A payment that was entered wrongly (冲正): by the head, with the reason; it stays on record and does not count, and what was ended by it runs again.
    private func reverse() throws -> Matter {
        _ = try approver()
        guard let key = input["payment"].flatMap({ Int64($0) }),
            let row = try tx.one("SELECT * FROM enforcement_payments WHERE id = \(key) AND matter = \(id) AND reversed IS NULL").map(Payment.init)
        else { throw Refusal.invalid("/payment", Text("请选择缴款记录", "Choose the payment")) }
        guard row.bankedOn == nil || row.way != "cash" else { throw Refusal(.conflict, Text("该笔现金已缴付银行", "This cash was paid into the bank")) }
        let reason = try input.needed("reason", 500)
        // The slip's number is free again: it may be the right one of another payment.
        try tx.send("UPDATE enforcement_payments SET reversed = \(reason), reference = \("\(row.reference)（已冲正\(key)）") WHERE id = \(key)")
        if name == "reverse-payment-closing" { try set("ending = NULL, waived = NULL") }
        let after = try move([("amount", "\(row.kind.title.zh) \(row.amount.plain)"), ("reason", reason)], seals: [.init("enforcement_payments", key)])
        guard try !Performance.of(fresh(), on: now.day, tx).isWhole else { return after }
        try handling.casework.end("P15", of: after, met: false, at: now, tx)
        if try clock("P12")?.state != "open", let served = c.servedOn { try handling.casework.begin("P12", of: after, since: Moment(served), at: now, tx) }
        try CasePerformance.askWhenFinal(fresh(), desk: desk, tx)
        return try tx.matter(id)
    }

    /// Law: PCD art. 74: on a written application, with the head's approval, told in writing.
    private func deferPayment() throws -> Matter {
        _ = try approver()
        try checkStands()
        let applied = try day("applied-on", from: c.servedOn)
        let state = try Performance.of(c, on: now.day, tx)
        guard state.instalments.isEmpty else { throw Refusal(.conflict, Text("已批准过延期、分期", "It was granted before")) }
        var plan: [(due: Day, amount: Money)] = []
        for n in 1...12 {
            guard input["due\(n)"] != nil || input["amount\(n)"] != nil else { continue }
            let due = try day("due\(n)", from: plan.last.map { $0.due.adding(days: 1) } ?? now.day, mayBeAhead: true)
            guard due <= now.day.adding(months: 60) else { throw Refusal.invalid("/due\(n)", Text("应在五年以内", "Within five years")) }
            plan.append((due, try money("amount\(n)", required: true)))
        }
        guard let last = plan.last else { throw Refusal.invalid("/due1", Text("请填写至少一期的日期和金额", "Give at least one day and sum")) }
        let sum = plan.reduce(Money(fen: 0)) { $0 + $1.amount }
        guard sum == state.unpaidFine else {
            throw Refusal.invalid(
                "/amount1", Text("各期合计¥\(sum.grouped)，应等于未缴罚款¥\(state.unpaidFine.grouped)", "The parts make ¥\(sum.grouped), not the ¥\(state.unpaidFine.grouped) that is unpaid"))
        }
        for (i, part) in plan.enumerated() {
            try tx.send("INSERT INTO enforcement_instalments (matter, ordinal, due, amount) VALUES (\(id), \(i + 1), \(part.due), \(part.amount))")
        }
        if let first = plan.first, let running = try clock("P12"), first.due > running.due { try Clocks.set("P12", of: c.matter, to: first.due, tx) }
        try set("deferred = 1, pay_by = \(last.due)")
        _ = try document(
            "deferral-notice",
            adding: [
                "fine": c.fine.plain, "appliedOn": Documents.chinese(applied), "hasPlan": plan.count > 1, "until": Documents.chinese(last.due),
                "plan": plan.enumerated().map { ["ordinal": String($0.offset + 1), "due": Documents.chinese($0.element.due), "amount": $0.element.amount.plain] },
            ])
        let after = try move([("until", last.due.description)], seals: [.init("enforcement_instalments", of: "matter", id.raw)])
        // Law: PCD art. 76(2): the three months for the court run from the end of the deferral.
        if let window = try clock("P14b"), window.state == "open" {
            try handling.casework.begin("P14b", of: after, since: Moment(last.due), at: now, tx)
            return try tx.matter(id)
        }
        return after
    }

    /// Law: PCD art. 76; AEL art. 53, 54: after the time for review and suit, ten working days after the demand, within three months.
    private func applyCourt() throws -> Matter {
        _ = try approver()
        try checkStands()
        let article = Article(law: "PCD", article: "76(1)")
        guard c.pending == nil else { throw Refusal(.conflict, Text("复议或者诉讼尚未终结", "Review or suit has not ended"), article: article) }
        if c.deferred, let until = c.payBy, now.day <= until {
            throw Refusal(.conflict, Text("暂缓、分期缴纳的期限至\(until)", "Payment is deferred until \(until)"), article: Article(law: "PCD", article: "76(2)"))
        }
        guard let demand = try clock("P14a"), demand.due < now.day else {
            throw Refusal(.conflict, Text("催告书送达满十个工作日后方可申请", "Ten working days after the demand, not before"), article: article)
        }
        guard let window = try clock("P14b"), window.state == "open" else {
            throw Refusal(.conflict, Text("复议、诉讼的法定期限尚未届满", "The time for review and suit is not over"), article: article)
        }
        guard now.day <= window.due else { throw Refusal(.conflict, Text("申请期限已于\(window.due)届满", "The three months ended on \(window.due)"), article: article) }
        let state = try Performance.of(c, on: now.day, tx)
        guard !state.isWhole else { throw Refusal(.conflict, Text("已经缴清", "Everything is paid")) }
        var adding: [String: Any] = ["unpaid": state.unpaid.plain, "courtName": try input.needed("where", 100)]
        if state.unpaidSurcharge.fen > 0 { adding["surcharge"] = state.unpaidSurcharge.plain }
        _ = try document("court-application", adding: adding)
        return try move([("where", input["where"] ?? ""), ("amount", state.unpaid.plain)])
    }

    /// What was decided does not stand: what was published is withdrawn within three working days, lists that rest on it hear of it.
    private func annul() throws -> Matter {
        _ = try approver()
        let reason = try input.needed("reason", 2000)
        try set("annulled = \(reason)\(c.matter.state == CaseMoves.served || c.matter.state == CaseMoves.court ? ", ending = '5'" as SQL : "" as SQL)")
        let after = try move([("reason", reason)])
        if try tx.one("SELECT matter FROM enforcement_publications WHERE matter = \(id) AND published_on IS NOT NULL AND ended_on IS NULL") != nil {
            try handling.casework.begin("PUB4", of: after, at: now, tx)
        }
        // What does not stand is owed no more.
        for duty in ["PUB1", "PUB2", "P12", "P14a", "P14b"] { try handling.casework.end(duty, of: tx.matter(id), met: false, at: now, tx) }
        try Jobs.add("credit.annulled", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
        return try tx.matter(id)
    }
}
