import DataFiles
import Foundation
import Kernel

/// What each violation may be punished with (处罚幅度): the article, the base, the range.
///
/// Data: `Data/law/penalties.json`, in yuan, each read against the text of its article.
package struct Penalties: Sendable {
    package struct Range: Sendable, Decodable {
        package enum When: String, Sendable, Decodable {
            case always
            /// A base for a multiple was found, or not.
            case base, noBase
            /// The base is under, or from, the violation's threshold on.
            case baseUnder, baseFrom
        }
        package let when: When
        private let min: Int64?, max: Int64?
        package let times: [Int64]?
        package let serious: Bool?

        /// - Parameter base: what a multiple is taken of.
        func sum(of base: Money?) -> ClosedRange<Money>? {
            if let times { return base.map { Money(fen: $0.fen * times[0])...Money(fen: $0.fen * times[1]) } }
            guard let min, let max else { return nil }
            return Money(fen: min * 100)...Money(fen: max * 100)
        }
    }
    package struct Violation: Sendable, Decodable {
        /// The monitoring model that looks for it, or one of ours (`X01`).
        package let id: String
        private let titleZH: String, titleEN: String
        package let bans: [Article]
        package let penalty: Article
        package let ranges: [Range]
        /// Of what a multiple is taken: `income`, `adFee`, `goods`, `turnover`.
        package let base: String?
        private let limit: Int64?
        /// `food` and the other fields in which what is published is published longer (O107 art. 8(1)(1)).
        package let area: String?
        package let confiscate: Bool?
        /// Unlawful goods may be confiscated.
        package let goods: Bool?
        package let warning: Bool?
        package enum Fine: String, Sendable, Decodable {
            /// 处、并处; 可以处、单处或者并处; due where the act is serious only.
            case must, may, serious
        }
        /// Whether a fine is due wherever the article applies; nil where its text is not at hand.
        package let fine: Fine?
        /// What the article takes beyond money and goods where the act is serious (情节严重); nil where its text is not at hand.
        package let severe: [Outcome.Restriction]?
        /// A fine only where an order to rectify was not followed in time.
        package let orderFirst: Bool?
        private let personLimit: Int64?
        /// The ground on which a heavier penalty may lead to the serious list.
        package let serious: Article?
        package let from: Day?
        private enum CodingKeys: String, CodingKey {
            case id, bans, penalty, ranges, base, area, confiscate, goods, warning, fine, severe, orderFirst, serious, from
            case titleZH = "title", titleEN = "titleEn", limit = "threshold", personLimit = "personMax"
        }
        package var title: Text { Text(titleZH, titleEN) }
        /// - Errors: the article was not in force yet when the act ended.
        package func check(ended: Day?) throws(Refusal) {
            guard let from, let ended, ended < from else { return }
            throw Refusal(
                .invalid, Text("该条自\(from)起施行，行为终了于\(ended)", "The article holds from \(from); the act ended on \(ended)"),
                fields: [.init("/violation", Text("适用行为时的规定：请选“不在目录中”并写明条款", "What held then applies: choose “None of these” and name it"))], article: penalty)
        }
        /// Refuses a sanction the article does not know, and leaving out the fine it asks for without a ground for less.
        ///
        /// Law: PPL art. 4, 16: what no law provides for is not imposed; art. 32: a fine that is due and left out is a reduced penalty.
        package func check(_ o: Outcome, serious: Bool, isPerson: Bool = false, hasBase: Bool = false, mitigating: [String]) throws(Refusal) {
            func refuse(_ field: String, _ text: Text, _ hint: Text) -> Refusal { Refusal(.invalid, text, fields: [.init(field, hint)], article: penalty) }
            if goods != true, !o.goods.isEmpty { throw refuse("/goods", Text("该条没有规定没收物品", "The article does not let goods be confiscated"), Text("请删去", "Take them off")) }
            if warning != true, o.warning { throw refuse("/warning", Text("该条没有规定警告", "The article knows no warning"), Text("请取消警告", "Take it off")) }
            if let severe {
                if o.criticism { throw refuse("/criticism", Text("该条没有规定通报批评", "The article knows no public criticism"), Text("请取消", "Take it off")) }
                if o.restriction != .none, !severe.contains(o.restriction) {
                    throw refuse(
                        "/restriction", Text("该条没有规定\(o.restriction.title.zh)", "The article does not know this: \(o.restriction.title.en.lowercased())"),
                        severe.isEmpty
                            ? Text("请选“无”", "Choose none")
                            : Text(
                                "情节严重的，可以\(severe.map(\.title.zh).joined(separator: "或者"))", "Where serious: \(severe.map { $0.title.en.lowercased() }.joined(separator: " or "))"))
                }
                if o.restriction != .none, !serious {
                    throw refuse(
                        "/restriction", Text("该处罚只适用于情节严重的", "This is for serious acts"), Text("请写明并勾选情节严重，或者选“无”", "Tick that the act is serious and say why, or choose none"))
                }
            }
            // Law: PRP art. 11: a person who earned nothing by it may be fined, or not.
            if isPerson, personMax != nil, !hasBase { return }
            guard fine == .must || (fine == .serious && serious), o.fine.fen == 0 else { return }
            guard o.tier == .reduced, !mitigating.isEmpty else {
                throw refuse(
                    "/fine", Text("该条规定应当罚款", "The article asks for a fine"),
                    Text(
                        "不罚款属于减轻处罚：请选择“减轻”，并具有《行政处罚法》第三十二条的情形", "To leave it out is a reduced penalty: choose “Reduced”, with a situation of article 32"))
            }
        }
        package var threshold: Money? { limit.map { Money(fen: $0 * 100) } }
        package var personMax: Money? { personLimit.map { Money(fen: $0 * 100) } }
    }

    package let violations: [Violation]
    private struct File: Decodable { let violations: [Violation] }
    /// As they ship; a test reads them whole.
    package static let shipped = (try? load()) ?? Penalties(violations: [])
    package static func load() throws -> Penalties {
        Penalties(violations: try JSONDecoder().decode(File.self, from: DataFiles.data("law/penalties.json")).violations)
    }
    package subscript(_ id: String) -> Violation? { violations.first { $0.id == id } }
}

/// How much may be fined (裁量): the range of the article, cut by what speaks for and against the party.
package enum Discretion {
    /// How heavy (裁量阶次). Reduced is below the article's least, lighter and heavier are its ends.
    package enum Tier: String, Sendable, CaseIterable {
        case reduced, lighter, ordinary, heavier
        package var title: Text {
            switch self {
            case .reduced: Text("减轻", "Reduced")
            case .lighter: Text("从轻", "Lighter")
            case .ordinary: Text("一般", "Ordinary")
            case .heavier: Text("从重", "Heavier")
            }
        }
    }
    /// The share of a range that counts as lighter, and as heavier, in percent: the office's own, until its province's table says otherwise.
    static let share = 30

    package struct Facts: Sendable {
        /// What a multiple is taken of; nil: none, or not to be found.
        package var base: Money?
        package var isSerious = false
        package var isPerson = false
        package init(base: Money? = nil, isSerious: Bool = false, isPerson: Bool = false) { (self.base, self.isSerious, self.isPerson) = (base, isSerious, isPerson) }
    }

    /// The whole range of the article for these facts.
    /// - Errors: none of the article's cases fits: the base is missing.
    package static func range(_ v: Penalties.Violation, _ facts: Facts) throws(Refusal) -> ClosedRange<Money> {
        let hasBase = (facts.base?.fen ?? 0) > 0
        func fits(_ r: Penalties.Range) -> Bool {
            switch r.when {
            case .always: true
            case .base: hasBase
            case .noBase: !hasBase
            case .baseUnder: (facts.base?.fen ?? 0) < (v.threshold?.fen ?? 0)
            case .baseFrom: facts.base != nil && facts.base! >= (v.threshold ?? Money(fen: 0))
            }
        }
        let all = v.ranges.filter(fits)
        let chosen = all.first { ($0.serious ?? false) == facts.isSerious } ?? all.first
        guard let found = chosen?.sum(of: facts.base) else {
            throw .invalid("/base", Text("请填写计算罚款的基数", "Give the base from which the fine is reckoned"))
        }
        guard facts.isPerson, !hasBase, let most = v.personMax, most < found.upperBound else { return found }
        return Money(fen: 0)...most
    }

    /// The part of it that a tier stands for. Reduced: anything under the least.
    package static func part(_ whole: ClosedRange<Money>, _ tier: Tier) -> ClosedRange<Money> {
        let (low, high) = (whole.lowerBound.fen, whole.upperBound.fen)
        let (a, b) = (low + (high - low) * Int64(share) / 100, high - (high - low) * Int64(share) / 100)
        return switch tier {
        case .reduced: Money(fen: 0)...Money(fen: low)
        case .lighter: Money(fen: low)...Money(fen: a)
        case .ordinary: Money(fen: a)...Money(fen: b)
        case .heavier: Money(fen: b)...Money(fen: high)
        }
    }

    /// Refuses a fine outside its tier, a reduced one without a ground of PPL art. 32, a heavier one without a reason.
    package static func check(fine: Money, tier: Tier, in whole: ClosedRange<Money>, mitigating: [String], aggravating: [String]) throws(Refusal) {
        let part = part(whole, tier)
        var wrong: [Refusal.Field] = []
        // Reduced is under the least; the least itself is lighter.
        if tier == .reduced, fine >= whole.lowerBound, whole.lowerBound.fen > 0 {
            wrong.append(.init("/fine", Text("减轻处罚应低于¥\(whole.lowerBound.grouped)", "Reduced means under ¥\(whole.lowerBound.grouped)")))
        } else if tier == .reduced, whole.lowerBound.fen == 0 {
            wrong.append(.init("/tier", Text("该条没有下限，不存在减轻，请选择从轻", "The article has no least: choose lighter")))
        } else if tier != .reduced, !part.contains(fine) {
            wrong.append(
                .init(
                    "/fine",
                    Text(
                        "“\(tier.title.zh)”对应¥\(part.lowerBound.grouped)至¥\(part.upperBound.grouped)",
                        "“\(tier.title.en)” stands for ¥\(part.lowerBound.grouped) to ¥\(part.upperBound.grouped)")))
        }
        if tier == .reduced || tier == .lighter, mitigating.isEmpty {
            wrong.append(.init("/mitigating", Text("从轻、减轻处罚应具有《行政处罚法》第三十二条的情形", "A lighter penalty needs a situation of article 32")))
        }
        if tier == .heavier, aggravating.isEmpty { wrong.append(.init("/aggravating", Text("从重处罚应写明情形", "A heavier penalty needs its reasons"))) }
        if !wrong.isEmpty { throw .invalid(wrong) }
    }
}

/// Illegal income (违法所得): what the act brought in, less what was directly spent for it.
///
/// Law: O118 art. 3–5, 7–11, 14, 15. Money that was refunded is not confiscated and still counts.
package struct IllegalIncome: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        /// Receipts less purchase price and other direct, lawful, necessary costs.
        case net
        /// Price violations: what was charged too much.
        case overcharge
        /// Pyramid selling, or making a violation possible: all receipts.
        case gross
        package var title: Text {
            switch self {
            case .net: Text("收入扣除直接合法必要支出（第四、五条）", "Receipts less direct costs (art. 4, 5)")
            case .overcharge: Text("多收、少付的价款（第七条）", "What was charged too much (art. 7)")
            case .gross: Text("全部收入（第八、九条）", "All receipts (art. 8, 9)")
            }
        }
    }
    package let counted: Money
    package let confiscated: Money

    /// Taxes on it that were paid before are deducted from every kind (O118 art. 10).
    /// - Errors: costs or refunds beyond what came in.
    package static func reckon(_ kind: Kind, receipts: Money, costs: Money, taxes: Money, refunded: Money) throws(Refusal) -> IllegalIncome {
        if kind != .net, costs.fen > 0 {
            throw .invalid("/costs", Text("这一类违法所得不扣除支出", "Nothing is deducted from this kind of income"))
        }
        guard costs + taxes <= receipts else { throw .invalid("/costs", Text("扣除的支出不能超过收入", "Costs cannot exceed the receipts")) }
        let counted = Money(fen: receipts.fen - costs.fen - taxes.fen)
        guard refunded <= receipts else { throw .invalid("/refunded", Text("退赔款不能超过收入", "Refunds cannot exceed the receipts")) }
        return IllegalIncome(counted: counted, confiscated: Money(fen: max(0, counted.fen - refunded.fen)))
    }
}
