import Enforcement
import Kernel
import Platform
import Store

/// What became known of an operator, when, and from which day it holds (信用记录). Nothing is changed or taken away: what falls is cancelled by a later line.
package struct CreditEvent: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case penalty, published, unpublished, annulled, exempt
        case abnormal, abnormalRemoved = "abnormal-removed", abnormalCorrected = "abnormal-corrected"
        case serious, seriousRemoved = "serious-removed"
        case repaired, repairRefused = "repair-refused", repairRevoked = "repair-revoked", shielded, unshielded
        case visit, absent, guided
        package var title: Text {
            switch self {
            case .penalty: Text("受到行政处罚", "Penalty")
            case .published: Text("处罚信息公示", "Penalty published")
            case .unpublished: Text("处罚信息停止公示", "Penalty no longer shown")
            case .annulled: Text("处罚被撤销或者变更", "Penalty annulled or changed")
            case .exempt: Text("有违法行为，不予处罚", "Violation, not punished")
            case .abnormal: Text("列入经营异常名录", "Put on the abnormal list")
            case .abnormalRemoved: Text("移出经营异常名录", "Taken off the abnormal list")
            case .abnormalCorrected: Text("列入有误，已更正", "Listing was wrong, corrected")
            case .serious: Text("列入严重违法失信名单", "Put on the serious list")
            case .seriousRemoved: Text("移出严重违法失信名单", "Taken off the serious list")
            case .repaired: Text("准予信用修复", "Credit repaired")
            case .repairRefused: Text("不予信用修复", "Repair refused")
            case .repairRevoked: Text("撤销信用修复", "Repair revoked")
            case .shielded: Text("临时信用修复（重整、和解执行中）", "Temporary repair: a plan is being carried out")
            case .unshielded: Text("临时信用修复结束", "Temporary repair over")
            case .visit: Text("抽查检查", "Visit")
            case .absent: Text("约谈无正当理由未到场", "Stayed away from an interview")
            case .guided: Text("行政指导", "Guidance")
            }
        }
        package var tone: String {
            switch self {
            case .penalty, .serious, .abnormal, .absent, .repairRevoked: "red"
            case .published, .repairRefused, .exempt: "amber"
            case .abnormalRemoved, .abnormalCorrected, .seriousRemoved, .repaired, .annulled, .unpublished: "green"
            case .visit, .guided, .shielded, .unshielded: "grey"
            }
        }
    }
    package let id: Int64
    package let `operator`: ID<Operator>
    package let kind: Kind
    package let knownAt: Moment
    package let on: Day
    package let until: Day?
    package let matter: ID<Matter>?
    package let cancels: Int64?
    package let violation: String?
    package let amount: Money?
    package let detail: String

    init?(_ row: Row) {
        guard let kind = Kind(rawValue: row.string("kind")) else { return nil }
        self.kind = kind
        id = row.int("id")
        `operator` = row.id("operator")
        knownAt = row.moment("known_at")
        on = row.day("on_day")
        until = row.optionalDay("until_day")
        matter = row.optionalID("matter")
        cancels = row.optionalInt("cancels")
        violation = row.optionalString("violation")
        amount = row.optionalMoney("amount")
        detail = row.string("detail")
    }

    /// Adds a line and seals it; the operator's class is counted anew soon after.
    @discardableResult
    package static func add(
        _ kind: Kind, of op: ID<Operator>, on day: Day, until: Day? = nil, matter: ID<Matter>? = nil, cancels: Int64? = nil, violation: String? = nil, amount: Money? = nil,
        _ detail: String,
        by actor: String, at now: Moment, _ tx: Transaction
    ) throws -> Int64 {
        let id = try tx.insert(
            """
            INSERT INTO credit_events (operator, kind, known_at, on_day, until_day, matter, cancels, violation, amount, detail)
            VALUES (\(op), \(kind.rawValue), \(now), \(day), \(until), \(matter), \(cancels), \(violation), \(amount), \(detail)) RETURNING id
            """)
        try tx.audit(
            "credit.known", of: Reference(kind: "operator", id: op.raw), by: actor, at: now, details: [("kind", .string(kind.rawValue))], sealing: [.init("credit_events", id)])
        try Jobs.add(CompassRun.one, [("operator", .int(op.raw))], at: now, tx)
        return id
    }

    /// A penalty that stops being shown before its time, with the line that says so.
    static func unpublish(_ matter: ID<Matter>, of op: ID<Operator>, ending: String, _ detail: String, by actor: String, at now: Moment, _ tx: Transaction) throws {
        guard try Penalty.stop(matter, why: ending, at: now, tx) else { return }
        let shown = try tx.one("SELECT id FROM credit_events WHERE matter = \(matter) AND kind = 'published' ORDER BY id DESC LIMIT 1")?.int("id")
        try add(.unpublished, of: op, on: now.day, matter: matter, cancels: shown, detail, by: actor, at: now, tx)
    }

    /// All that was known at a moment, the latest first.
    package static func known(of op: ID<Operator>, at moment: Moment, _ tx: Transaction) throws -> [CreditEvent] {
        try tx.all("SELECT * FROM credit_events WHERE operator = \(op) AND known_at <= \(moment) ORDER BY known_at DESC, id DESC LIMIT 500").compactMap(CreditEvent.init)
    }
}

/// How an operator stood at a moment (信用状态), from what was known then.
package struct CreditStanding: Sendable {
    package let events: [CreditEvent]
    package let abnormal: [CreditEvent]
    package let serious: [CreditEvent]
    package let shown: [CreditEvent]
    package let penalties: [CreditEvent]

    package init(_ events: [CreditEvent], on day: Day) {
        self.events = events
        let cancelled = Set(events.compactMap(\.cancels))
        func standing(_ kind: CreditEvent.Kind) -> [CreditEvent] { events.filter { $0.kind == kind && !cancelled.contains($0.id) && ($0.until.map { day <= $0 } ?? true) } }
        abnormal = standing(.abnormal)
        serious = standing(.serious)
        shown = standing(.published)
        penalties = events.filter { $0.kind == .penalty && !cancelled.contains($0.id) }
    }
    package static func of(_ op: ID<Operator>, at moment: Moment, _ tx: Transaction) throws -> CreditStanding {
        CreditStanding(try CreditEvent.known(of: op, at: moment, tx), on: moment.day)
    }
}
