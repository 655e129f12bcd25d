import Kernel

/// How long a published penalty is shown (公示期): three tiers, one engine for publication and for credit repair.
///
/// Law: O107 art. 7–9; PUB art. 13–15.
package enum Display {
    package enum Tier: String, Sendable, CaseIterable {
        /// Nothing but a warning: not published at all.
        case none
        case light, general
        /// Food, drugs and the other fields of art. 8(1)(1).
        case seriousField = "serious-field"
        /// Business or trade restricted (art. 8(1)(2)).
        case seriousRestriction = "serious-restriction"
        /// Lowered, revoked, closed (art. 8(1)(3)): no early repair.
        case seriousRevocation = "serious-revocation"
        package var title: Text {
            switch self {
            case .none: Text("不予公示（仅警告）", "Not published (a warning alone)")
            case .light: Text("轻微", "Light")
            case .general: Text("一般", "General")
            case .seriousField: Text("严重（重点领域）", "Serious (field)")
            case .seriousRestriction: Text("严重（限制、停业、限制从业）", "Serious (restriction)")
            case .seriousRevocation: Text("严重（吊销、降级、关闭）", "Serious (revocation)")
            }
        }
        package var article: String {
            switch self {
            case .none, .light: "7"
            case .general: "9"
            case .seriousField, .seriousRestriction, .seriousRevocation: "8"
            }
        }
    }

    /// The fields whose penalties are shown longer.
    ///
    /// Law: O107 art. 8(1)(1); PUB art. 14(1).
    package static let areas: [(String, Text)] = [
        ("none", Text("不属于以下领域", "None of these")), ("food", Text("食品", "Food")), ("drug", Text("药品", "Drugs")), ("device", Text("医疗器械", "Medical devices")),
        ("cosmetics", Text("化妆品", "Cosmetics")), ("equipment", Text("特种设备", "Special equipment")), ("industrial", Text("重点工业产品", "Key industrial products")),
    ]
    /// - Parameter area: the violation's field, where it is one of those of art. 8(1)(1).
    package static func tier(_ o: Outcome, area: String?, party: PartyKind) -> Tier {
        switch o.restriction {
        case .downgrade, .revocation, .closure: return .seriousRevocation
        case .suspension, .restriction, .ban: return .seriousRestriction
        case .none: break
        }
        if o.isWarningOnly { return .none }
        let onlyFineOrCriticism = !o.warning && o.confiscated.fen == 0 && o.goods.isEmpty
        let low = Money(fen: party == .person ? 500_000 : 5_000_000)
        if onlyFineOrCriticism, o.fine.fen == 0 || (o.fine <= low && (o.tier == .lighter || o.tier == .reduced)) { return .light }
        return area == nil || area == "none" ? .general : .seriousField
    }

    /// - Returns: `early`: from when repair may be asked for, nil: never; `until`: when it stops by itself.
    package static func days(_ tier: Tier, from published: Day, restrictedUntil: Day?) -> (early: Day?, until: Day) {
        switch tier {
        case .none: (nil, published)
        case .light: (nil, published.adding(months: 3))
        case .general: (published.adding(months: 3), published.adding(months: 12))
        case .seriousField: (published.adding(months: 12), published.adding(months: 36))
        case .seriousRestriction:
            (max(published.adding(months: 12), restrictedUntil.map { $0.adding(days: 1) } ?? published), max(published.adding(months: 36), restrictedUntil ?? published))
        case .seriousRevocation: (nil, published.adding(months: 36))
        }
    }
}
