import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// A claim on a fund (先行赔付申请): applied for with a complaint, examined by the fund's conditions, paid, recovered from the merchant.
package enum FundClaimMoves {
    package static let kind = "fund-claim"
    package static let applied = "applied"
    package static let approved = "approved"
    package static let paid = "paid"
    package static let recovered = "recovered"
    package static let writtenOff = "written-off"
    package static let refused = "fund-refused"

    package static let table = MoveTable(
        kind: kind, title: Text("先行赔付", "Advance compensation"),
        states: [
            State(applied, Text("待审核", "To be examined"), outside: Text("正在审核", "Being examined"), open: true, tone: "blue"),
            State(approved, Text("待支付", "To be paid"), outside: Text("审核通过，等待支付", "Granted: payment follows"), open: true, tone: "amber"),
            State(paid, Text("已赔付，追偿中", "Paid, being recovered"), outside: Text("已赔付", "Paid"), open: true, tone: "teal"),
            State(recovered, Text("已追回", "Recovered"), outside: Text("已赔付", "Paid"), open: false, tone: "green"),
            State(writtenOff, Text("已核销", "Written off"), outside: Text("已赔付", "Paid"), open: false, tone: "grey"),
            State(refused, Text("不予赔付", "Refused"), outside: Text("不符合先行赔付条件", "The fund's conditions are not met"), open: false, tone: "grey"),
        ],
        moves: [
            Move("approve", Text("审核通过", "Grant"), from: [applied], to: approved, by: [.staff("funds.approve")], articles: ["O121": "6"]),
            Move("refuse", Text("不予赔付", "Refuse"), from: [applied, approved], to: refused, by: [.staff("funds.approve")], articles: ["O121": "6"]),
            Move("pay", Text("支付", "Pay"), from: [approved], to: paid, by: [.staff("funds.pay")], articles: ["O121": "6"]),
            Move("recover", Text("登记追偿收回", "Record a recovery"), from: [paid], to: nil, by: [.staff("funds.pay")], articles: [:]),
            Move("settled", Text("全部追回", "All recovered"), from: [paid], to: recovered, by: [.system], articles: [:]),
            // What was recorded wrongly is taken back by another than who recorded it; the book keeps both.
            Move("void-payment", Text("冲正支付", "Take the payment back"), from: [paid], to: approved, by: [.staff("funds.approve")], articles: [:]),
            Move("void-recovery", Text("冲正最后一笔追偿", "Take the last recovery back"), from: [paid, recovered], to: paid, by: [.staff("funds.approve")], articles: [:]),
            Move("void-write-off", Text("冲正核销", "Take the write-off back"), from: [writtenOff], to: paid, by: [.staff("funds.pay")], articles: [:]),
            Move("told", Text("登记追偿通知送达", "Record that the recovery notice was sent"), from: [paid], to: nil, by: [.staff("funds.pay")], articles: [:]),
            Move("write-off", Text("核销未追回部分", "Write the rest off"), from: [paid], to: writtenOff, by: [.staff("funds.approve")], articles: [:]),
        ],
        opening: Text("提出先行赔付申请", "Applied for"), outcomes: ["paid": Text("已赔付", "paid"), "refused": Text("不予赔付", "refused")]
    ) { key, value, _ in
        switch key {
        case "reason": (Text("理由", "Reason"), Text(verbatim: value))
        case "amount": (Text("金额（元）", "Yuan"), Text(verbatim: value))
        case "basis": (Text("依据的材料", "Papers"), Text(verbatim: value))
        case "channel": (Text("告知方式", "Told by"), Notice.channel(value))
        case "reference": (Text("凭证号", "Voucher"), Text(verbatim: value))
        case "liable": (Text("责任依据", "Liability"), liabilities.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        case "cause": (Text("商家未赔付的原因", "Why the merchant does not pay"), causes.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        default: nil
        }
    }

    /// What shows that the merchant is liable.
    static let liabilities: [(String, Text)] = [
        ("admitted", Text("商家认可责任", "The merchant admits it")), ("agreement", Text("调解协议已约定", "An agreement says so")),
        ("finding", Text("市场监管部门或者消费者组织已认定", "An authority or association found it")),
    ]
    static let causes: [(String, Text)] = [
        ("refuses", Text("拒不赔付或者逾期", "It refuses, or is late")), ("unreachable", Text("无法联系", "It cannot be reached")),
        ("closed", Text("已关停、注销或者转让", "It is closed, deregistered or sold")),
    ]
}

package struct FundClaim: Sendable {
    package let matter: Matter
    package let fund: ID<Fund>
    package let complaint: ID<Matter>
    package let amount: Money
    package let liable: String
    package let cause: String
    package let recovered: Money
    package let approvedBy: ID<Account>?

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        fund = row.id("fund")
        complaint = row.id("complaint")
        amount = row.money("amount")
        liable = row.string("liable")
        cause = row.string("cause")
        recovered = row.money("recovered")
        approvedBy = row.optionalID("approved_by")
    }
}

extension Transaction {
    package func fundClaim(_ matter: Matter) throws -> FundClaim {
        guard matter.kind == FundClaimMoves.kind, let row = try one("SELECT * FROM disputes_fund_claims WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return FundClaim(matter, row)
    }
}

/// Applying, examining, paying, recovering (先行赔付办理).
package struct FundHandling: Sendable {
    let desk: Desk
    let casework: Casework
    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: FundClaimMoves.table, desk: desk)
    }

    /// Why a fund does not pay now (不重复赔付): what the merchant still does by itself, says it has done, or has done.
    private static func stopped(_ complaint: ID<Matter>, at now: Moment, _ tx: Transaction) throws -> Text? {
        guard let promise = try Negotiation.promise(complaint, tx) else { return nil }
        if promise.state == "kept" { return Text("消费者已确认商家履行，不再赔付", "The consumer confirmed that the merchant paid") }
        if promise.state == "claimed" {
            return Text("商家称已履行，请先由消费者确认或者要求继续调解", "The merchant says that it paid: the consumer confirms that, or opens it again, first")
        }
        return now.day > promise.due ? nil : Text("商家承诺\(promise.due)前履行，届时未履行再赔付", "The merchant has until \(promise.due): a fund pays if it is not kept")
    }

    /// - Errors: each condition of the fund that is not met, by its field; `conflict` where the complaint has a claim already.
    @discardableResult
    package func apply(for c: Complaint, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        guard
            ![ComplaintMoves.prior, ComplaintMoves.received, ComplaintMoves.supplement, ComplaintMoves.refused, ComplaintMoves.redirected, ComplaintMoves.withdrawn].contains(
                c.matter.state)
        else {
            throw Refusal(.conflict, Text("未受理的投诉不能申请先行赔付", "Only a complaint that was taken up may lead to a claim"))
        }
        guard let id = input["fund"].flatMap({ ID<Fund>($0) }) else { throw Refusal.invalid("/fund", Text("请选择资金", "Choose the fund")) }
        let fund = try tx.fund(id)
        var wrong: [Refusal.Field] = []
        let amount = Money(yuan: input["amount"] ?? "")
        if let amount {
            if amount.fen <= 0 { wrong.append(.init("/amount", Text("金额应大于零", "The amount is more than zero"))) }
            if amount > fund.caseCap { wrong.append(.init("/amount", Text("超过每件上限¥\(fund.caseCap.grouped)", "More than the cap of ¥\(fund.caseCap.grouped) a claim"))) }
            // Actual loss alone: nothing that punishes is paid first.
            if let loss = c.amount, amount > loss {
                wrong.append(.init("/amount", Text("超过投诉涉及的金额¥\(loss.grouped)：只赔付实际损失", "More than the ¥\(loss.grouped) in dispute: only the actual loss is paid")))
            }
            if c.amount == nil { wrong.append(.init("/amount", Text("投诉未登记金额，请先更正登记", "The complaint names no amount: amend it first"))) }
        } else {
            wrong.append(.init("/amount", Money.shape))
        }
        if fund.closedAt != nil { wrong.append(.init("/fund", Text("该资金已停止使用", "This fund is closed"))) }
        if !c.matter.region.hasPrefix(fund.region) { wrong.append(.init("/fund", Text("该资金不覆盖投诉所在辖区", "This fund does not cover the complaint's region"))) }
        let (liable, cause) = (input["liable"] ?? "", input["cause"] ?? "")
        if !FundClaimMoves.liabilities.contains(where: { $0.0 == liable }) { wrong.append(.init("/liable", Text("请选择商家责任的依据", "Choose what shows the merchant's liability"))) }
        if liable == "agreement", c.agreement == nil { wrong.append(.init("/liable", Text("该投诉没有调解协议", "This complaint has no agreement"))) }
        if !FundClaimMoves.causes.contains(where: { $0.0 == cause }) { wrong.append(.init("/cause", Text("请选择商家未赔付的原因", "Choose why the merchant does not pay"))) }
        if liable == "admitted",
            // An offer of its own, or what the mediator noted of it; that it denies is no admission.
            try tx.one("SELECT id FROM disputes_offers WHERE matter = \(c.matter.id) AND party = 'respondent' LIMIT 1") == nil,
            try tx.one("SELECT id FROM disputes_positions WHERE matter = \(c.matter.id) AND party = 'respondent' AND account IS NOT NULL LIMIT 1") == nil
        {
            wrong.append(.init("/liable", Text("卷内没有商家的答复或意见，请先记录", "The file holds no answer of the merchant: record it first")))
        }
        if let why = try FundHandling.stopped(c.matter.id, at: now, tx) { wrong.append(.init("/cause", why)) }
        let basis = input["basis"] ?? ""
        if basis.count < 4 || basis.count > 500 {
            wrong.append(.init("/basis", Text("请写明依据的材料名称和编号（4至500字）", "Name the papers that show it, in 4 to 500 characters")))
        }
        if input["evidence"] != "yes" { wrong.append(.init("/evidence", Text("证据齐全方可申请", "The evidence is complete before one applies"))) }
        guard wrong.isEmpty, let amount else { throw Refusal.invalid(wrong) }
        if let known = try tx.one("SELECT m.number FROM disputes_fund_claims f JOIN casework_matters m ON m.id = f.matter WHERE f.complaint = \(c.matter.id) AND f.active = 1") {
            throw Refusal(.conflict, Text("该投诉已有先行赔付申请\(known.string("number"))", "This complaint has a claim already: \(known.string("number"))"))
        }
        let n = try tx.nextNumber("fund-claim.\(now.day.year)")
        let number = "PF\(now.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
        let matter = try casework.open(
            .init(
                number: number, state: FundClaimMoves.applied, title: String("\(c.respondentName)：先行赔付¥\(amount.plain)".prefix(60)), regime: "O121", region: c.matter.region,
                operator: c.matter.operator, receivedAt: now, competentAt: now), tx)
        // One claim a complaint, at whatever moment two are made: the pair is unique while it stands.
        try tx.send(
            """
            INSERT INTO disputes_fund_claims (matter, fund, complaint, amount, liable, cause, recovered, active)
            VALUES (\(matter.id), \(fund.id), \(c.matter.id), \(amount), \(liable), \(cause), 0, 1)
            """)
        Search.index(FundClaimMoves.kind, matter.id.raw, texts: [number, matter.title, c.matter.number], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: "O121", article: "6"), starting: [], at: now,
            details: [("amount", .string(amount.plain)), ("liable", .string(liable)), ("cause", .string(cause)), ("basis", .string(basis))],
            sealing: [.init("disputes_fund_claims", key: "matter", matter.id.raw)], tx)
        try Casework.link(matter, with: c.matter, why: "先行赔付", by: actor, at: now, tx)
        return try tx.matter(matter.id)
    }

    @discardableResult
    package func make(_ name: String, on claim: FundClaim, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        _ = try FundClaimMoves.table.check(name, on: claim.matter, by: actor, desk.permissions)
        let id = claim.matter.id
        func move(_ name: String, by actor: Actor, _ details: [(String, String)] = [], outcome: String? = nil) throws -> Matter {
            try casework.perform(
                name, on: claim.matter, by: actor, at: now, details: details.map { ($0.0, .string($0.1)) }, outcome: outcome,
                sealing: [.init("disputes_fund_claims", key: "matter", id.raw)], tx)
        }
        switch name {
        case "approve":
            try tx.send("UPDATE disputes_fund_claims SET approved_by = \(actor.account?.id) WHERE matter = \(id)")
            return try move(name, by: actor, [("reason", input.needed("reason", 1000))])
        case "refuse":
            try tx.send("UPDATE disputes_fund_claims SET active = NULL WHERE matter = \(id)")
            return try move(name, by: actor, [("reason", input.needed("reason", 1000))], outcome: "refused")
        case "pay":
            guard claim.approvedBy != actor.account?.id else {
                throw Refusal(.forbidden, Text("审核人不能同时支付", "Who granted it does not pay it"))
            }
            let reference = try input.needed("reference", 60)
            if let why = try FundHandling.stopped(claim.complaint, at: now, tx) { throw Refusal(.conflict, why) }
            let channel = try input.chosen("channel", Notice.channels.map(\.0))
            // The state changes first: of two that pay at once the second finds it paid, before any money moves.
            let after = try move(name, by: actor, [("amount", claim.amount.plain), ("reference", reference), ("channel", channel)], outcome: "paid")
            try FundLedger.post(.pay, claim.amount, on: claim.fund, matter: claim.matter, note: "\(claim.matter.number) \(reference)", by: actor, at: now, tx)
            try Casework.notify("complainant", of: id, by: channel, FundClaim.paidNotice.zh, at: now, tx)
            return after
        case "told":
            let channel = try input.chosen("channel", Notice.channels.map(\.0).filter { $0 != "portal" })
            try Casework.notify("respondent", of: id, by: channel, FundClaim.recoveryNotice.zh, at: now, tx)
            return try move(name, by: actor, [("channel", channel)])
        case "void-payment":
            guard claim.recovered.fen == 0 else { throw Refusal(.conflict, Text("已有追偿收回，请先冲正追偿", "Something was recovered: take that back first")) }
            return try void(.pay, claim, by: actor, at: now, tx) { try move(name, by: actor, [("reason", input.needed("reason", 1000)), ("amount", $0.plain)]) }
        case "void-recovery":
            return try void(.recover, claim, by: actor, at: now, tx) { sum in
                try tx.change("UPDATE disputes_fund_claims SET recovered = recovered - \(sum) WHERE matter = \(id) AND recovered = \(claim.recovered)")
                return try move(name, by: actor, [("reason", input.needed("reason", 1000)), ("amount", sum.plain)])
            }
        case "void-write-off":
            return try void(.writeOff, claim, by: actor, at: now, tx) { try move(name, by: actor, [("reason", input.needed("reason", 1000)), ("amount", $0.plain)]) }
        case "recover":
            guard let sum = Money(yuan: try input.needed("amount", 20)) else { throw Refusal.invalid("/amount", Money.shape) }
            let left = Money(fen: claim.amount.fen - claim.recovered.fen)
            guard sum.fen > 0, sum <= left else { throw Refusal.invalid("/amount", Text("应在0.01至\(left.plain)元之间", "Between 0.01 and \(left.plain) yuan")) }
            let reference = try input.needed("reference", 60)
            // Guarded by what was read: two recoveries of the same rest do not both count.
            try tx.change("UPDATE disputes_fund_claims SET recovered = recovered + \(sum) WHERE matter = \(id) AND recovered = \(claim.recovered)")
            try FundLedger.post(.recover, sum, on: claim.fund, matter: claim.matter, note: "\(claim.matter.number) \(reference)", by: actor, at: now, tx)
            let after = try move(name, by: actor, [("amount", sum.plain), ("reference", reference)])
            return sum == left ? try move("settled", by: .system) : after
        case "write-off":
            let left = Money(fen: claim.amount.fen - claim.recovered.fen)
            let reason = try input.needed("reason", 1000)
            let after = try move(name, by: actor, [("amount", left.plain), ("reason", reason)])
            try FundLedger.post(.writeOff, left, on: claim.fund, matter: claim.matter, note: "\(claim.matter.number) \(reason)", by: actor, at: now, tx)
            return after
        default: return try move(name, by: actor)
        }
    }

    /// Takes the claim's last standing posting of a kind back, and the claim's state with it.
    private func void(_ kind: FundLedger.Kind, _ claim: FundClaim, by actor: Actor, at now: Moment, _ tx: Transaction, _ move: (Money) throws -> Matter) throws -> Matter {
        guard
            let row = try tx.one(
                """
                SELECT p.id, p.actor, (SELECT max(e.amount) FROM disputes_entries e WHERE e.posting = p.id) AS amount FROM disputes_postings p
                WHERE p.matter = \(claim.matter.id) AND p.kind = \(kind) AND NOT EXISTS (SELECT 1 FROM disputes_postings r WHERE r.reverses = p.id) ORDER BY p.id DESC LIMIT 1
                """)
        else { throw Refusal(.conflict, Text("没有可以冲正的“\(kind.title.zh)”", "There is no “\(kind.title.en)” to take back")) }
        guard row.string("actor") != actor.mark else { throw Refusal(.forbidden, Text("须由经办人以外的人员冲正", "Another than who posted it takes it back")) }
        let after = try move(row.money("amount"))
        try FundLedger.reverse(row.int("id"), on: claim.fund, claim: claim.matter, note: "\(claim.matter.number) 冲正", by: actor, at: now, tx)
        return after
    }

    /// The moves that can succeed now.
    package func available(_ claim: FundClaim, to actor: Actor) -> [Move] {
        FundClaimMoves.table.available(claim.matter, to: actor, desk.permissions).filter { move in
            switch move.name {
            case "void-payment": claim.recovered.fen == 0
            case "void-recovery": claim.recovered.fen > 0
            default: true
            }
        }
    }
}

extension FundClaim {
    /// The claim that stands for a complaint; nil: none, or it was refused.
    package static func standing(for complaint: ID<Matter>, _ tx: Transaction) throws -> (claim: FundClaim, fund: Fund)? {
        guard let row = try tx.one("SELECT matter FROM disputes_fund_claims WHERE complaint = \(complaint) AND active = 1") else { return nil }
        let claim = try tx.fundClaim(tx.matter(row.id("matter")))
        return (claim, try tx.fund(claim.fund))
    }
    package var isPaid: Bool { [FundClaimMoves.paid, FundClaimMoves.recovered, FundClaimMoves.writtenOff].contains(matter.state) }
    package var owed: Money { Money(fen: matter.state == FundClaimMoves.writtenOff ? 0 : amount.fen - recovered.fen) }

    /// What the consumer reads of it (先行赔付进度).
    func writeForConsumer(_ h: HTML, _ fund: Fund) {
        h.card(Text("先行赔付", "Advance compensation")) {
            h.p(
                "mb-1",
                isPaid
                    ? Text("“\(fund.name)”已向您先行赔付¥\(amount.grouped)，再由该资金向商家追偿。", "“\(fund.name)” has paid you ¥\(amount.grouped) and recovers it from the business.")
                    : Text("已为您向“\(fund.name)”申请先行赔付¥\(amount.grouped)：\(state.outside.zh)。", "¥\(amount.grouped) was asked of “\(fund.name)” for you: \(state.outside.en)."))
            h.p("small text-muted mb-0", matter.number)
        }
    }
    /// What the merchant reads of it (追偿).
    func writeForMerchant(_ h: HTML, _ fund: Fund) {
        guard isPaid else { return }
        h.card(Text("先行赔付与追偿", "Paid by a fund"), "asked") {
            h.p(
                "mb-1 fw-semibold",
                Text("“\(fund.name)”（\(fund.holder)）已向消费者先行赔付¥\(amount.grouped)。", "“\(fund.name)” (\(fund.holder)) has paid the consumer ¥\(amount.grouped)."))
            h.p(
                "mb-0",
                owed.fen == 0
                    ? Text("该笔款项已结清，不必再支付。", "Nothing is owed any more.")
                    : Text("请向该资金偿还¥\(owed.grouped)，不必再向消费者支付这一款项。", "Pay ¥\(owed.grouped) back to the fund, not to the consumer again."))
        }
    }
    private var state: State { FundClaimMoves.table.state(matter.state) }
    static let paidNotice = Text("先行赔付支付告知", "Notice of payment")
    static let recoveryNotice = Text("先行赔付追偿通知", "Notice of recovery")
}
