import Kernel
import Platform
import Statute

/// Who the party is (当事人): what thresholds ask for.
package enum PartyKind: String, Sendable, CaseIterable {
    case person, individual, organisation
    package var title: Text {
        switch self {
        case .person: Text("自然人", "Natural person")
        case .individual: Text("个体工商户", "Individual business")
        case .organisation: Text("法人或者其他组织", "Organisation")
        }
    }
    /// An individual business is treated as a person where the law names only persons and organisations: the reading that is kinder to it.
    package var isPerson: Bool { self != .organisation }
}

/// A party's name beside the register's (当事人名称).
package enum PartyName {
    /// - Errors: the name is another's, by its field.
    static func check(_ typed: String, of op: Operator) throws(Refusal) {
        guard !isSame(typed, op.name) else { return }
        throw .invalid("/party", Text("该信用代码登记的名称是“\(op.name)”，请核对代码或者名称", "This code is registered to “\(op.name)”: check code and name"))
    }
    /// Whether a typed name is a registered one: the same, or the one within the other, as a shop's name stands within its owner's.
    package static func isSame(_ typed: String, _ registered: String) -> Bool {
        let (a, b) = (typed.filter { !$0.isWhitespace }, registered.filter { !$0.isWhitespace })
        return a == b || (min(a.count, b.count) >= 4 && (a.contains(b) || b.contains(a)))
    }
}

/// What is proposed, told or decided (处理意见、拟处罚内容、处理决定).
///
/// Law: PCD art. 60(1): five outcomes.
package struct Outcome: Sendable, Equatable {
    package enum Kind: String, Sendable, CaseIterable {
        case punish, exempt, noFacts = "no-facts", otherAgency = "other-agency", judiciary
        package var title: Text {
            switch self {
            case .punish: Text("给予行政处罚", "Punished")
            case .exempt: Text("有违法行为，依法不予行政处罚", "Violation, lawfully not punished")
            case .noFacts: Text("违法事实不能成立，不予行政处罚", "Facts not established, not punished")
            case .otherAgency: Text("移送其他行政管理部门", "Transferred to another agency")
            case .judiciary: Text("移送司法机关", "Transferred to the judiciary")
            }
        }
        package var article: String { "60(1)(\((Kind.allCases.firstIndex(of: self) ?? 0) + 1))" }
        package var isTransfer: Bool { self == .otherAgency || self == .judiciary }
    }
    /// What beyond money and goods is taken (资格、行为处罚).
    package enum Restriction: String, Sendable, CaseIterable, Decodable {
        case none, suspension, restriction, downgrade, revocation, closure, ban
        package var title: Text {
            switch self {
            case .none: Text("无", "None")
            case .suspension: Text("责令停产停业", "Business suspended")
            case .restriction: Text("限制开展生产经营活动", "Business restricted")
            case .downgrade: Text("降低资质等级", "Qualification lowered")
            case .revocation: Text("吊销许可证件或者营业执照", "Permit or licence revoked")
            case .closure: Text("责令关闭", "Closed")
            case .ban: Text("限制从业", "Barred from the trade")
            }
        }
    }
    package var kind: Kind
    package var warning = false
    package var criticism = false
    package var fine = Money(fen: 0)
    package var confiscated = Money(fen: 0)
    /// What was charged too much and is to be given back before the decision (责令退还多收价款).
    package var refund = Money(fen: 0)
    package var goods = ""
    /// What confiscated goods are worth, for the thresholds.
    package var goodsValue = Money(fen: 0)
    package var restriction = Restriction.none
    package var restrictedUntil: Day?
    package var tier = Discretion.Tier.ordinary
    package var factors: [String] = []
    package var reasons = ""
    /// The rule of leniency on which nobody is punished.
    package var ground: String?
    /// To whom it is transferred.
    package var to = ""
    package init(_ kind: Kind) { self.kind = kind }

    package var json: JSON {
        .object([
            ("kind", .string(kind.rawValue)), ("warning", .bool(warning)), ("criticism", .bool(criticism)), ("fine", .int(fine.fen)), ("confiscated", .int(confiscated.fen)),
            ("refund", .int(refund.fen)), ("goods", .string(goods)), ("goodsValue", .int(goodsValue.fen)), ("restriction", .string(restriction.rawValue)),
            ("until", .text(restrictedUntil?.description)),
            ("tier", .string(tier.rawValue)), ("factors", .array(factors.map(JSON.string))), ("reasons", .string(reasons)), ("ground", .text(ground)), ("to", .string(to)),
        ])
    }
    package init?(_ json: JSON) {
        guard let kind = json["kind"]?.string.flatMap(Kind.init) else { return nil }
        self.init(kind)
        warning = json["warning"]?.bool ?? false
        criticism = json["criticism"]?.bool ?? false
        fine = Money(fen: Int64(json["fine"]?.int ?? 0))
        confiscated = Money(fen: Int64(json["confiscated"]?.int ?? 0))
        refund = Money(fen: Int64(json["refund"]?.int ?? 0))
        goods = json["goods"]?.string ?? ""
        goodsValue = Money(fen: Int64(json["goodsValue"]?.int ?? 0))
        restriction = json["restriction"]?.string.flatMap(Restriction.init) ?? .none
        restrictedUntil = json["until"]?.string.flatMap { Day($0) }
        tier = json["tier"]?.string.flatMap(Discretion.Tier.init) ?? .ordinary
        factors = json["factors"]?.array?.compactMap(\.string) ?? []
        reasons = json["reasons"]?.string ?? ""
        ground = json["ground"]?.string
        to = json["to"]?.string ?? ""
    }

    /// Nothing but a warning (仅警告).
    package var isWarningOnly: Bool { kind == .punish && warning && !criticism && fine.fen == 0 && confiscated.fen == 0 && goods.isEmpty && restriction == .none }
    /// What the party must pay.
    package var payable: Money { fine + confiscated }

    /// Whether another decision weighs more on the party than this one (加重): in any one respect.
    package func isLighter(than other: Outcome) -> Bool {
        guard other.kind == .punish else { return false }
        guard kind == .punish else { return true }
        return other.fine > fine || other.confiscated > confiscated || other.goodsValue > goodsValue || (goods.isEmpty && !other.goods.isEmpty)
            || (restriction == .none && other.restriction != .none) || (!criticism && other.criticism) || (!warning && other.warning && fine.fen == 0 && confiscated.fen == 0)
            || (other.restriction != restriction && other.restriction != .none)
    }

    /// The sanctions as a decision lists them.
    package func items(_ language: Language = .zh) -> [String] {
        guard kind == .punish else { return [] }
        var all: [Text] = []
        if warning { all.append(Text("警告", "warning")) }
        if criticism { all.append(Text("通报批评", "public criticism")) }
        if confiscated.fen > 0 { all.append(Text("没收违法所得\(confiscated.plain)元", "illegal income of ¥\(confiscated.grouped) confiscated")) }
        if !goods.isEmpty { all.append(Text("没收\(goods)", "confiscated: \(goods)")) }
        if fine.fen > 0 { all.append(Text("罚款\(fine.plain)元", "fine of ¥\(fine.grouped)")) }
        if restriction != .none {
            all.append(Text(restriction.title.zh + (restrictedUntil.map { "至\($0)" } ?? ""), restriction.title.en + (restrictedUntil.map { " until \($0)" } ?? "")))
        }
        return all.map { $0[language] }
    }
}

/// The gates of a decision (决定的前置程序).
package enum Gates {
    package struct Bounds: Sendable {
        package var person = Money(fen: 1_000_000)
        package var organisation = Money(fen: 10_000_000)
        package init(person: Money = Money(fen: 1_000_000), organisation: Money = Money(fen: 10_000_000)) { (self.person, self.organisation) = (person, organisation) }
    }

    /// Whether the party may ask for a hearing.
    ///
    /// Law: HR art. 5: fines, or confiscations together, from ¥10,000 for a person and ¥100,000 for others on, where the province has not set
    /// other sums; suspension, closing, barring; lowering or revocation.
    package static func hearing(_ outcome: Outcome, of party: PartyKind, bounds: Bounds = Bounds()) -> Bool {
        guard outcome.kind == .punish else { return false }
        let from = party.isPerson ? bounds.person : bounds.organisation
        return outcome.restriction != .none || outcome.fine >= from || outcome.confiscated + outcome.goodsValue >= from
    }

    /// Whether a legal review is asked for, not an audit of the file.
    ///
    /// Law: PCD art. 50(1): grave public interest; after a hearing; complex; where a law says so. Only what is to be punished.
    package static func legalReview(punishing: Bool, heard: Bool, publicInterest: Bool, complex: Bool) -> Bool { punishing && (heard || publicInterest || complex) }

    /// How long ago an act may be punished.
    ///
    /// Law: PPL art. 36: two years undiscovered; five where citizens' life or health, or financial security, is touched and harm was done; from
    /// the end of an act that went on.
    package static func limitation(ended: Day, discovered: Day, grave: Bool) -> (until: Day, passed: Bool) {
        let until = ended.adding(months: grave ? 60 : 24)
        return (until, discovered > until)
    }

    /// Law: PCD art. 66: a person ¥200, an organisation ¥3,000, or a warning.
    package static func simple(_ outcome: Outcome, of party: PartyKind) -> Bool {
        outcome.kind == .punish && outcome.confiscated.fen == 0 && outcome.goods.isEmpty && outcome.restriction == .none && !outcome.criticism
            && outcome.fine <= Money(fen: party.isPerson ? 20_000 : 300_000)
    }
    /// What may be taken in cash on the spot.
    ///
    /// Law: PCD art. 72(1), PPL art. 68, 69: of a fine on the spot, up to ¥100, or where it could not be had afterwards; of any fine, in remote places at
    /// the party's wish.
    package static func cash(_ fine: Money, simple: Bool, hardAfterwards: Bool, remote: Bool) -> Bool { remote || (simple && (fine <= Money(fen: 10_000) || hardAfterwards)) }

    /// What is added to a sum that is late: three per cent a day of what was unpaid on it, never more than the sum.
    ///
    /// Law: PCD art. 75; PPL art. 72; AEL art. 45(2); PRP art. 21: two per mille on illegal income under the price rules. What review or litigation took is not counted (PPL art. 73(3)).
    package static func surcharge(
        of fine: Money, paid: [(on: Day, amount: Money)], due: Day, on day: Day, perMille: Int64 = 30, notCounted: [ClosedRange<Day>] = []
    ) -> Money {
        guard day > due else { return Money(fen: 0) }
        var (sum, at) = (Int64(0), due.adding(days: 1))
        while at <= day, sum < fine.fen {
            let open = max(0, fine.fen - paid.reduce(0) { $1.on < at ? $0 + $1.amount.fen : $0 })
            if open == 0 { break }
            if !notCounted.contains(where: { $0.contains(at) }) { sum += open * perMille / 1000 }
            at = at.adding(days: 1)
        }
        return Money(fen: min(fine.fen, sum))
    }
}

/// Who may act in a case (职责分离): enforced, not advised.
///
/// Law: PCD art. 4, 19(2), 22, 49; HR art. 11.
package enum Separation {
    package enum Role: String, Sendable, CaseIterable {
        case officer, auditor, host, clerk, approver, preparer
        package var title: Text {
            switch self {
            case .officer: Text("办案人员", "Case officer")
            case .auditor: Text("审核人员", "Reviewer")
            case .host: Text("听证主持人", "Hearing host")
            case .clerk: Text("听证记录员", "Hearing clerk")
            case .approver: Text("审批负责人", "Approver")
            case .preparer: Text("公示经办人", "Prepared the publication")
            }
        }
    }
    /// The roles that one who had any of the others may not have in the same case.
    static func excluded(by role: Role) -> Set<Role> {
        switch role {
        case .officer: [.auditor, .host, .clerk, .approver]
        case .auditor: [.officer, .host]
        case .host, .clerk: [.officer, .auditor]
        case .approver: [.officer]
        case .preparer: []
        }
    }
    /// - Errors: `forbidden`, with what the person was in this case.
    package static func check(_ role: Role, held: Set<Role>, recused: Bool) throws(Refusal) {
        if recused { throw Refusal(.forbidden, Text("已决定回避，不能参与本案", "Recused: no part in this case"), article: Article(law: "PCD", article: "4")) }
        if let clash = Role.allCases.first(where: { held.contains($0) && excluded(by: role).contains($0) }) {
            throw Refusal(
                .forbidden, Text("本案\(clash.title.zh)不能再作\(role.title.zh)", "Who was \(clash.title.en.lowercased()) in this case cannot be its \(role.title.en.lowercased())"),
                article: role == .host || clash == .host ? Article(law: "HR", article: "11") : Article(law: "PCD", article: "49"))
        }
    }
}
