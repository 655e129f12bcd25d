import Kernel
import Platform
import Store

/// A fund that pays a consumer first and recovers from the merchant (先行赔付金). All rules of it are the office's own, not the law's.
///
/// Law: O121 art. 6; CLR art. 44 encourage it; for food FSL art. 148(1) demands it of the trader.
package struct Fund: Sendable {
    package enum Sponsor: String, Sendable, CaseIterable {
        case government, `operator`, merchants
        package var title: Text {
            switch self {
            case .government: Text("财政出资", "Government")
            case .operator: Text("市场开办者、平台出资", "Market or platform operator")
            case .merchants: Text("经营者共同出资", "Merchants together")
            }
        }
    }
    package let id: ID<Fund>
    package let name: String
    package let holder: String
    package let sponsor: Sponsor
    package let region: String
    /// Fen that one claim may get at most.
    package let caseCap: Money
    /// Fen that may be paid and not recovered, over all claims.
    package let totalCap: Money
    package let balance: Money
    package let paid: Money
    package let closedAt: Moment?

    /// Sets up a fund with nothing in it.
    package static func open(
        name: String, holder: String, sponsor: Sponsor, region: String, caseCap: Money, totalCap: Money, by officer: Account, at now: Moment, _ tx: Transaction
    ) throws -> ID<Fund> {
        let id = try tx.insert(
            """
            INSERT INTO disputes_funds (name, holder, sponsor, region, case_cap, total_cap, balance, paid, opened_at)
            VALUES (\(name), \(holder), \(sponsor), \(region), \(caseCap), \(totalCap), 0, 0, \(now)) RETURNING id
            """)
        try tx.audit("fund.opened", of: Reference(kind: "fund", id: id), by: officer.mark, at: now, details: [("name", .string(name))], sealing: [.init("disputes_funds", id)])
        return ID(id)
    }

    init(_ row: Row) {
        id = row.id("id")
        name = row.string("name")
        holder = row.string("holder")
        sponsor = Sponsor(rawValue: row.string("sponsor")) ?? .government
        region = row.string("region")
        caseCap = row.money("case_cap")
        totalCap = row.money("total_cap")
        balance = row.money("balance")
        paid = row.money("paid")
        closedAt = row.optionalMoment("closed_at")
    }
}

/// The double-entry ledger of the funds (复式账): every posting's entries sum to zero; nothing is edited, only reversed; the balance cannot go below
/// zero, whoever else pays at the same time.
package enum FundLedger {
    /// Accounts; a debit is positive.
    package enum Account: String, Sendable, CaseIterable {
        case cash, receivable, contributions, loss
        package var title: Text {
            switch self {
            case .cash: Text("资金", "Cash")
            case .receivable: Text("应收追偿款", "To be recovered")
            case .contributions: Text("出资", "Contributions")
            case .loss: Text("核销损失", "Written off")
            }
        }
    }
    package enum Kind: String, Sendable, CaseIterable {
        case contribute, withdraw, pay, recover, writeOff = "write-off", reverse
        package var title: Text {
            switch self {
            case .contribute: Text("缴存", "Contribution")
            case .withdraw: Text("退还出资", "Returned to sponsors")
            case .pay: Text("先行赔付", "Paid to the consumer")
            case .recover: Text("追偿收回", "Recovered")
            case .writeOff: Text("核销", "Written off")
            case .reverse: Text("冲正", "Reversal")
            }
        }
        /// Debit and credit.
        var accounts: (debit: Account, credit: Account)? {
            switch self {
            case .contribute: (.cash, .contributions)
            case .withdraw: (.contributions, .cash)
            case .pay: (.receivable, .cash)
            case .recover: (.cash, .receivable)
            case .writeOff: (.loss, .receivable)
            case .reverse: nil
            }
        }
    }

    /// A line of the statement.
    package struct Posting: Sendable {
        package let id: Int64
        package let kind: Kind
        package let amount: Money
        package let matter: Int64?
        package let reverses: Int64?
        package let reversedBy: Int64?
        package let note: String
        package let by: String
        package let at: Moment
        /// What it does to the cash, in fen; a write-off does nothing.
        package let cash: Int64
        /// Cash after it.
        package let balance: Money
        /// In or out, as a book shows it.
        package var signed: String { cash == 0 ? amount.grouped : "\(cash > 0 ? "+" : "−")\(Money(fen: abs(cash)).grouped)" }
    }

    /// Posts a sum, or nothing.
    /// - Errors: `conflict` where the fund is closed, holds too little, or its cap would be passed; nothing is written then.
    @discardableResult
    package static func post(_ kind: Kind, _ amount: Money, on fund: ID<Fund>, matter: Matter? = nil, note: String, by actor: Actor, at now: Moment, _ tx: Transaction) throws
        -> Int64
    {
        guard let (debit, credit) = kind.accounts else { throw Fault("a reversal is posted by reverse") }
        guard amount.fen > 0 else { throw Refusal.invalid("/amount", Text("金额应大于零", "The amount is more than zero")) }
        return try write(kind, [(debit, amount.fen), (credit, -amount.fen)], on: fund, matter: matter?.id.raw, reverses: nil, note: note, by: actor, at: now, tx)
    }

    /// Whether a posting may be taken back: once, a reversal never; what a claim rests on only by the claim's own steps.
    package static func checkReversal(_ posting: Int64, on fund: ID<Fund>, ofClaim: Bool, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT kind, matter FROM disputes_postings WHERE id = \(posting) AND fund = \(fund)") else { throw Refusal.notFound }
        guard row.string("kind") != Kind.reverse.rawValue else { throw Refusal(.conflict, Text("冲正不能再冲正，请重新入账", "A reversal is not reversed: post it anew")) }
        // What a claim rests on is taken back by the claim's own steps.
        guard ofClaim || row.optionalInt("matter") == nil else { throw Refusal(.conflict, Text("该笔属于赔付事项，请在事项中办理", "This belongs to a claim: use the claim's own steps")) }
        guard try tx.one("SELECT id FROM disputes_postings WHERE reverses = \(posting)") == nil else { throw Refusal(.conflict, Text("该笔已冲正", "It was reversed before")) }
    }

    /// Takes a posting back by its opposite (冲正).
    /// - Parameter claim: the claim whose own step this is.
    @discardableResult
    package static func reverse(_ posting: Int64, on fund: ID<Fund>, claim: Matter? = nil, note: String, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Int64 {
        try checkReversal(posting, on: fund, ofClaim: claim != nil, tx)
        let entries = try tx.all("SELECT ledger, amount FROM disputes_entries WHERE posting = \(posting) ORDER BY id").map {
            (Account(rawValue: $0.string("ledger"))!, -$0.int("amount"))
        }
        return try write(.reverse, entries, on: fund, matter: claim?.id.raw, reverses: posting, note: note, by: actor, at: now, tx)
    }

    private static func write(
        _ kind: Kind, _ entries: [(Account, Int64)], on fund: ID<Fund>, matter: Int64?, reverses: Int64?, note: String, by actor: Actor, at now: Moment, _ tx: Transaction
    ) throws -> Int64 {
        func sum(_ accounts: Set<Account>) -> Int64 { entries.reduce(0) { $0 + (accounts.contains($1.0) ? $1.1 : 0) } }
        let (cash, owed) = (sum([.cash]), sum([.receivable, .loss]))
        // One statement decides: of two that take the last yuan at once, one is refused.
        let done = try tx.run(
            """
            UPDATE disputes_funds SET balance = balance + \(cash), paid = paid + \(owed) WHERE id = \(fund) AND closed_at IS NULL AND balance + \(cash) >= 0
            AND (\(owed) <= 0 OR paid + \(owed) <= total_cap)
            """)
        guard done == 1 else {
            guard let known = try tx.one("SELECT * FROM disputes_funds WHERE id = \(fund)").map(Fund.init) else { throw Refusal.notFound }
            if known.closedAt != nil { throw Refusal(.conflict, Text("该资金已停止使用", "This fund is closed")) }
            if known.balance.fen + cash < 0 {
                throw Refusal(.conflict, Text("余额不足：现有¥\(known.balance.grouped)", "Not enough: it holds ¥\(known.balance.grouped)"))
            }
            throw Refusal(
                .conflict,
                Text(
                    "超过累计赔付上限：上限¥\(known.totalCap.grouped)，已赔付未追回¥\(known.paid.grouped)",
                    "Beyond its cap in all: ¥\(known.totalCap.grouped), of which ¥\(known.paid.grouped) is paid and not recovered"))
        }
        let posting = try tx.insert(
            "INSERT INTO disputes_postings (fund, kind, matter, reverses, note, actor, at) VALUES (\(fund), \(kind), \(matter), \(reverses), \(note), \(actor.mark), \(now)) RETURNING id"
        )
        for (account, amount) in entries { try tx.send("INSERT INTO disputes_entries (posting, fund, ledger, amount) VALUES (\(posting), \(fund), \(account), \(amount))") }
        try tx.audit(
            "fund.\(kind.rawValue)", of: Reference(kind: "fund", id: fund.raw), by: actor.mark, at: now,
            details: [("posting", .string("\(posting)")), ("amount", .string(Money(fen: abs(cash == 0 ? owed : cash)).plain))],
            sealing: [.init("disputes_funds", fund.raw), .init("disputes_postings", posting), .init("disputes_entries", of: "posting", posting)])
        return posting
    }

    /// All postings, the oldest first, each with the cash after it.
    package static func statement(_ fund: ID<Fund>, _ tx: Transaction) throws -> [Posting] {
        let cash = Dictionary(
            try tx.all("SELECT posting, ledger, amount FROM disputes_entries WHERE fund = \(fund)").map { ($0.int("posting"), [($0.string("ledger"), $0.int("amount"))]) }
        ) { $0 + $1 }
        var balance: Int64 = 0
        let names = Dictionary(
            try tx.all("SELECT DISTINCT p.actor, a.name FROM disputes_postings p JOIN platform_accounts a ON p.actor = 'account:' || a.id WHERE p.fund = \(fund)").map {
                ($0.string("actor"), $0.string("name"))
            }
        ) { a, _ in a }
        let rows = try tx.all("SELECT p.*, r.id AS reversed_by FROM disputes_postings p LEFT JOIN disputes_postings r ON r.reverses = p.id WHERE p.fund = \(fund) ORDER BY p.id")
        return rows.map { row in
            let entries = cash[row.int("id")] ?? []
            let cash = entries.filter { $0.0 == Account.cash.rawValue }.reduce(0) { $0 + $1.1 }
            balance += cash
            return Posting(
                id: row.int("id"), kind: Kind(rawValue: row.string("kind")) ?? .reverse, amount: Money(fen: entries.map(\.1).filter { $0 > 0 }.reduce(0, +)),
                matter: row.optionalInt("matter"),
                reverses: row.optionalInt("reverses"), reversedBy: row.optionalInt("reversed_by"), note: row.string("note"), by: names[row.string("actor")] ?? row.string("actor"),
                at: row.moment("at"), cash: cash,
                balance: Money(fen: balance))
        }
    }

    /// 对账: the sum of each account; what the fund's own row says must be what its entries say.
    package struct Reconciliation: Sendable {
        package let sums: [(account: Account, fen: Int64)]
        /// Postings whose entries do not sum to zero.
        package let uneven: Int
        package let agrees: Bool
    }
    package static func reconcile(_ fund: Fund, _ tx: Transaction) throws -> Reconciliation {
        let found = Dictionary(
            try tx.all("SELECT ledger, sum(amount) AS total FROM disputes_entries WHERE fund = \(fund.id) GROUP BY ledger").map { ($0.string("ledger"), $0.int("total")) }
        ) { a, _ in a }
        let sums = Account.allCases.map { ($0, found[$0.rawValue] ?? 0) }
        let uneven = try tx.count(
            "SELECT count(*) AS n FROM (SELECT posting FROM disputes_entries WHERE fund = \(fund.id) GROUP BY posting HAVING sum(amount) <> 0) AS uneven")
        let (cash, owed) = (found["cash"] ?? 0, (found["receivable"] ?? 0) + (found["loss"] ?? 0))
        return Reconciliation(sums: sums, uneven: uneven, agrees: uneven == 0 && cash == fund.balance.fen && owed == fund.paid.fen)
    }
}

extension Transaction {
    package func fund(_ id: ID<Fund>) throws -> Fund {
        guard let row = try one("SELECT * FROM disputes_funds WHERE id = \(id)") else { throw Refusal.notFound }
        return Fund(row)
    }
}
