import Kernel

/// What a consumer asks for (投诉请求), as the registration form lists it.
package enum ClaimKind: String, Sendable, CaseIterable {
    case repair, redo, replace, returnGoods = "return", makeUp = "make-up", refund, compensate, explain, other

    package var title: Text {
        switch self {
        case .repair: Text("修理", "Repair")
        case .redo: Text("重作", "Redo the work")
        case .replace: Text("更换", "Replace")
        case .returnGoods: Text("退货", "Return the goods")
        case .makeUp: Text("补足数量", "Make up the quantity")
        case .refund: Text("退还货款或服务费", "Refund")
        case .compensate: Text("赔偿损失", "Compensation")
        case .explain: Text("赔礼道歉或说明", "Apology or explanation")
        case .other: Text("其他", "Something else")
        }
    }
    package var hasAmount: Bool { self == .refund || self == .compensate || self == .returnGoods || self == .other }
}

package struct Claim: Sendable, Equatable {
    package let kind: ClaimKind
    package let amount: Money?
    package init(kind: ClaimKind, amount: Money?) {
        self.kind = kind
        self.amount = amount
    }
    package var text: Text {
        guard let amount else { return kind.title }
        return Text("\(kind.title.zh) \(amount.grouped) 元", "\(kind.title.en) ¥\(amount.grouped)")
    }
}
