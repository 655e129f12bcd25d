import Kernel
import Platform
import Store

/// What was paid on a decision (罚没款缴纳).
package struct Payment: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case fine, confiscated, surcharge
        package var title: Text {
            switch self {
            case .fine: Text("罚款", "Fine")
            case .confiscated: Text("没收违法所得", "Illegal income")
            case .surcharge: Text("加处罚款", "Surcharge")
            }
        }
    }
    package static let ways: [(String, Text)] = [("bank", Text("指定银行", "Bank")), ("electronic", Text("电子支付系统", "Electronic payment")), ("cash", Text("当场收缴", "Cash on the spot"))]
    package let id: Int64
    package let kind: Kind
    package let amount: Money
    package let on: Day
    package let way: String
    package let reference: String
    package let handedOn: Day?
    package let bankedOn: Day?
    /// Why it does not count: it was entered wrongly (冲正).
    package let reversed: String?
    init(_ row: Row) {
        id = row.int("id")
        reversed = row.optionalString("reversed")
        kind = Kind(rawValue: row.string("kind")) ?? .fine
        amount = row.money("amount")
        on = row.day("paid_on")
        way = row.string("way")
        reference = row.string("reference")
        handedOn = row.optionalDay("handed_on")
        bankedOn = row.optionalDay("banked_on")
    }
}

/// How a decision is being performed (履行情况) on a day: what is paid, what is open, what was added for being late.
package struct Performance: Sendable {
    package let payments: [Payment]
    /// Entered wrongly and taken back.
    package let reversed: [Payment]
    package let instalments: [(due: Day, amount: Money)]
    package let fine: Money
    package let confiscated: Money
    package let surcharge: Money
    package let isWaived: Bool

    private func paid(_ kind: Payment.Kind) -> Money { payments.filter { $0.kind == kind }.reduce(Money(fen: 0)) { $0 + $1.amount } }
    package var unpaidFine: Money { Money(fen: fine.fen - paid(.fine).fen) }
    package var unpaidConfiscated: Money { Money(fen: confiscated.fen - paid(.confiscated).fen) }
    package var unpaidSurcharge: Money { isWaived ? Money(fen: 0) : Money(fen: max(0, surcharge.fen - paid(.surcharge).fen)) }
    package var unpaid: Money { unpaidFine + unpaidConfiscated }
    package var isWhole: Bool { unpaid.fen <= 0 && unpaidSurcharge.fen == 0 }

    package static func of(_ c: Case, on day: Day, _ tx: Transaction) throws -> Performance {
        let entered = try tx.all("SELECT * FROM enforcement_payments WHERE matter = \(c.matter.id) ORDER BY paid_on, id").map(Payment.init)
        let payments = entered.filter { $0.reversed == nil }
        let instalments = try tx.all("SELECT due, amount FROM enforcement_instalments WHERE matter = \(c.matter.id) ORDER BY ordinal").map { ($0.day("due"), $0.money("amount")) }
        let notCounted = c.challenges.map { $0.days(through: day) }
        let late = reckon(c.fine, payBy: c.payBy, instalments: instalments, payments.filter { $0.kind == .fine }, notCounted: notCounted, on: day)
        // Law: PRP art. 21: illegal income under the price rules, two per mille a day.
        let income =
            c.isReviewFirst
            ? reckon(c.confiscated, perMille: 2, payBy: c.payBy, instalments: [], payments.filter { $0.kind == .confiscated }, notCounted: notCounted, on: day) : Money(fen: 0)
        return Performance(
            payments: payments, reversed: entered.filter { $0.reversed != nil }, instalments: instalments, fine: c.fine, confiscated: c.confiscated, surcharge: late + income,
            isWaived: c.waived != nil)
    }

    /// Whether cash is still to be handed in to the office, and paid into the bank.
    package var cash: (toHandIn: Bool, toBank: Bool) {
        let all = payments.filter { $0.way == "cash" }
        return (all.contains { $0.handedOn == nil }, all.contains { $0.handedOn != nil && $0.bankedOn == nil })
    }

    /// When the first part that is not paid yet is due.
    package var nextDue: Day? {
        // What was paid before the plan is not in it.
        var left = paid(.fine).fen - max(0, fine.fen - instalments.reduce(0) { $0 + $1.amount.fen })
        for part in instalments where unpaidFine.fen > 0 {
            if left < part.amount.fen { return part.due }
            left -= part.amount.fen
        }
        return nil
    }

    /// Payments fill the instalments in their order; each that is late is added to by itself, all together never more than the sum that is owed.
    static func reckon(
        _ owed: Money, perMille: Int64 = 30, payBy: Day?, instalments: [(due: Day, amount: Money)], _ payments: [Payment], notCounted: [ClosedRange<Day>], on day: Day
    ) -> Money {
        guard let payBy, owed.fen > 0 else { return Money(fen: 0) }
        // What was changed on review is less than its parts: the last ones fall away.
        var room = owed.fen
        let parts = (instalments.isEmpty ? [(due: payBy, amount: owed)] : instalments).map { part in
            let amount = Money(fen: min(part.amount.fen, room))
            room -= amount.fen
            return (due: part.due, amount: amount)
        }
        var left = payments.map { ($0.on, $0.amount.fen) }
        var sum: Int64 = 0
        for part in parts {
            var need = part.amount.fen
            var paid: [(on: Day, amount: Money)] = []
            for i in left.indices where need > 0 && left[i].1 > 0 {
                let used = min(need, left[i].1)
                paid.append((left[i].0, Money(fen: used)))
                left[i].1 -= used
                need -= used
            }
            sum += Gates.surcharge(of: part.amount, paid: paid, due: part.due, on: day, perMille: perMille, notCounted: notCounted).fen
        }
        return Money(fen: min(owed.fen, sum))
    }
}
