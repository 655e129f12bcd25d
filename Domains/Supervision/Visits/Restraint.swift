import Credit
import Kernel

/// The rules that keep visits to enterprises few (涉企行政检查的约束).
///
/// Law: INSP (国办发〔2024〕54号): items published before use, an approval before each visit, an annual cap by class, combined visits; none by who has no certificate.
/// The numbers are the office's own.
package enum Restraint {
    /// Why somebody is visited. A planned visit gives way to the caps; a cause of its own does not.
    package enum Cause: String, Sendable, CaseIterable {
        case draw, plan, complaint, report, lead, transfer, statutory
        package var title: Text {
            switch self {
            case .draw: Text("双随机抽查", "Double-random draw")
            case .plan: Text("计划检查", "Planned")
            case .complaint: Text("投诉", "Complaint")
            case .report: Text("举报", "Report")
            case .lead: Text("监测线索", "Lead")
            case .transfer: Text("转办、交办", "Transferred")
            case .statutory: Text("法律法规规定的检查", "Asked for by law")
            }
        }
        /// Which kinds of matter may be its cause; empty: any.
        package var kinds: Set<String> {
            switch self {
            case .complaint: ["complaint"]
            case .report: ["report"]
            case .lead: ["lead"]
            default: []
            }
        }
        package var isPlanned: Bool { self == .draw || self == .plan }
    }
    /// How old a closed matter may be that is the cause of a visit, in days: the office's own.
    package static let causeDays: Int64 = 90

    package struct Bounds: Sendable {
        /// Visits a year by class.
        package var caps: [CompassModel.Class: Int] = [.A: 1, .B: 2, .C: 4, .D: 6]
        /// Months that lie between two planned visits.
        package var months = 6
        package init() {}
    }
    package struct Record: Sendable {
        package var cls: CompassModel.Class = .A
        /// Days of visits in the last year, whatever their cause.
        package var visits: [Day] = []
        /// A visit that is planned and not yet made.
        package var pending: String?
        package init() {}
    }

    /// Why a visit may not be planned; empty: it may.
    package static func objections(_ cause: Cause, _ r: Record, on day: Day, bounds: Bounds) -> [Text] {
        var all: [Text] = []
        if let number = r.pending { all.append(Text("已有待实施的检查\(number)，应合并为一次（综合查一次）", "\(number) is planned already: make it one visit")) }
        guard cause.isPlanned else { return all }
        let cap = bounds.caps[r.cls] ?? 1
        let year = r.visits.filter { day - $0 < 365 }
        if year.count >= cap { all.append(Text("一年内已检查\(year.count)次，达到该类主体年度上限\(cap)次", "Visited \(year.count) times in a year: the cap of its class is \(cap)")) }
        if let last = r.visits.max(), last.adding(months: bounds.months) > day {
            all.append(Text("\(last)检查过，未满\(bounds.months)个月", "Visited on \(last), less than \(bounds.months) months ago"))
        }
        // Low risk: visited when drawn or for a cause, not by plan.
        if cause == .plan, r.cls == .A { all.append(Text("低风险主体原则上不主动实施计划检查", "A low risk is not visited by plan")) }
        return all
    }
}
