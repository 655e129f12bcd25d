import Kernel
import Platform
import Store
import Web

/// Money that leaves a fund, or a posting that is taken back, needs two (双人办理): one asks, another carries it out.
package struct FundOrder: Sendable {
    package let id: Int64
    package let act: String
    package let amount: Money?
    package let posting: Int64?
    package let note: String
    package let askedBy: ID<Account>
    package let asker: String
    package let askedAt: Moment

    init(_ row: Row) {
        id = row.int("id")
        act = row.string("act")
        amount = row.optionalMoney("amount")
        posting = row.optionalInt("posting")
        note = row.string("note")
        askedBy = row.id("asked_by")
        asker = row.string("name")
        askedAt = row.moment("asked_at")
    }

    package var text: Text {
        act == "withdraw"
            ? Text("退还出资¥\(amount?.grouped ?? "")", "Return ¥\(amount?.grouped ?? "") to sponsors") : Text("冲正第\(posting ?? 0)笔", "Reverse posting no. \(posting ?? 0)")
    }

    package static func open(_ fund: ID<Fund>, _ tx: Transaction) throws -> [FundOrder] {
        try tx.all("SELECT o.*, a.name FROM disputes_fund_orders o JOIN platform_accounts a ON a.id = o.asked_by WHERE o.fund = \(fund) AND o.state = 'open' ORDER BY o.id").map(
            FundOrder.init)
    }

    /// - Errors: by field where it could not be carried out as things stand.
    static func ask(_ act: String, _ form: Form, on fund: Fund, note: String, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        var (amount, posting): (Money?, Int64?) = (nil, nil)
        if act == "withdraw" {
            guard let sum = Money(yuan: try form.needed("amount", 20)) else { throw Refusal.invalid("/amount", Money.shape) }
            guard sum.fen > 0, sum <= fund.balance else {
                throw Refusal.invalid("/amount", Text("应在0.01至\(fund.balance.plain)元之间", "Between 0.01 and \(fund.balance.plain) yuan"))
            }
            amount = sum
        } else {
            guard let number = Int64(try form.needed("posting", 20)) else { throw Refusal.invalid("/posting", Text("请填写序号", "Give its number")) }
            try FundLedger.checkReversal(number, on: fund.id, ofClaim: false, tx)
            posting = number
        }
        let id = try tx.insert(
            """
            INSERT INTO disputes_fund_orders (fund, act, amount, posting, note, asked_by, asked_at, state)
            VALUES (\(fund.id), \(act), \(amount), \(posting), \(note), \(officer.id), \(now), 'open') RETURNING id
            """)
        try tx.audit(
            "fund.asked", of: Reference(kind: "fund", id: fund.id.raw), by: officer.mark, at: now, details: [("order", .string("\(id)"))],
            sealing: [.init("disputes_fund_orders", id)])
    }

    /// Carried out by another than who asked for it; taken back by anybody who keeps the fund.
    static func decide(_ id: Int64, granted: Bool, on fund: Fund, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard let order = try open(fund.id, tx).first(where: { $0.id == id }) else { throw Refusal(.conflict, Text("该申请已处理，请刷新页面", "This was decided before: reload the page")) }
        if granted, order.askedBy == officer.id { throw Refusal(.forbidden, Text("须由申请人以外的人员复核办理", "Another than who asked carries it out")) }
        let state = granted ? "done" : "dropped"
        try tx.change("UPDATE disputes_fund_orders SET state = \(state), decided_by = \(officer.id), decided_at = \(now) WHERE id = \(id) AND state = 'open'")
        if granted {
            let note = "\(order.note)（\(order.asker)申请）"
            if let sum = order.amount { try FundLedger.post(.withdraw, sum, on: fund.id, note: note, by: .staff(officer), at: now, tx) }
            if let posting = order.posting { try FundLedger.reverse(posting, on: fund.id, note: note, by: .staff(officer), at: now, tx) }
        }
        try tx.audit(
            granted ? "fund.granted" : "fund.dropped", of: Reference(kind: "fund", id: fund.id.raw), by: officer.mark, at: now, details: [("order", .string("\(id)"))],
            sealing: [.init("disputes_fund_orders", id)])
    }

    static func write(_ h: HTML, _ visit: Visit, _ fund: Fund, _ orders: [FundOrder]) {
        guard !orders.isEmpty, visit.may("funds.manage") || visit.may("funds.pay") else { return }
        h.card(Text("等待复核", "Waiting for a second person"), "asked") {
            for order in orders {
                h.p("mb-1 fw-semibold", order.text)
                h.p("small text-muted mb-1", "\(order.note) · \(order.asker) · \(order.askedAt.minuteText)")
                visit.form(h, "/funds/\(fund.id)/orders/\(order.id)", "mb-2") {
                    if order.askedBy != visit.account?.id {
                        h.button(
                            Text("复核同意，入账", "Agree: post it"), "btn btn-sm btn-primary", name: "decision", value: "grant",
                            attributes: [h.confirming(Text("确定“\(order.text.zh)”？入账后不能修改，只能冲正。", "\(order.text.en)? It cannot be edited, only reversed."))])
                    }
                    h.button(Text("不办理", "Drop it"), "btn btn-sm btn-outline-secondary", name: "decision", value: "drop")
                }
            }
        }
    }
}
