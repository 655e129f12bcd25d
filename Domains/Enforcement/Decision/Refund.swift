import Kernel
import Platform
import Statute
import Store
import Web

/// What was charged too much, given back before the decision (责令退还多收价款).
///
/// Law: PCD art. 57(1), 59; PRP art. 16: told in the notice, ordered before the decision; what is not given back is confiscated.
extension CaseAct {
    func orderRefund() throws -> Matter {
        _ = try approver()
        guard let told = c.notified?.refund, told.fen > 0 else {
            throw Refusal(
                .conflict, Text("告知书没有告知拟责令退还的数额；确需责令退款的，退回重新提出并告知", "The notice named no sum to be given back: to order it, send back, propose and tell it"),
                article: Article(law: "PCD", article: "57(1)"))
        }
        let amount = try money("amount", required: true), ordered = c.refundOrdered ?? Money(fen: 0)
        guard amount.fen > 0, ordered + amount <= told else {
            throw Refusal.invalid(
                "/amount",
                Text(
                    "应大于零，与已责令的¥\(ordered.grouped)合计不超过告知的¥\(told.grouped)",
                    "More than zero, and with the ¥\(ordered.grouped) ordered before no more than the ¥\(told.grouped) told"))
        }
        guard let days = Int(try input.needed("days", 3)), (1...180).contains(days) else { throw Refusal.invalid("/days", Text("请填写1至180日", "Give 1 to 180 days")) }
        _ = try document("refund-order", adding: ["act": c.cause, "banned": c.bans.map { $0 } ?? "", "amount": amount.plain, "days": String(days)])
        try set("refund_ordered = \(ordered + amount)")
        return try move([("amount", amount.plain)])
    }

    func refunded() throws -> Matter {
        let back = try money("refunded", required: true), result = try input.needed("result", 1000)
        guard c.refunded + back <= c.refundOrdered ?? Money(fen: 0) else {
            throw Refusal.invalid(
                "/refunded", Text("不能超过责令退还的¥\((c.refundOrdered ?? Money(fen: 0)).grouped)", "No more than the ¥\((c.refundOrdered ?? Money(fen: 0)).grouped) ordered"))
        }
        try set("refunded = \(c.refunded + back)")
        return try move([("amount", back.plain), ("result", result)])
    }
}
