import Kernel
import Platform
import Statute
import Store
import Web

/// Review of, or suit against, a decision (行政复议、行政诉讼): one after the other, each with its result.
package struct Challenge: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case review, suit
        package var title: Text { self == .review ? Text("行政复议", "Review") : Text("行政诉讼", "Suit") }
    }
    package enum Result: String, Sendable, CaseIterable {
        case upheld, withdrawn, changed, annulled
        package var title: Text {
            switch self {
            case .upheld: Text("维持", "Upheld")
            case .withdrawn: Text("撤回", "Withdrawn")
            case .changed: Text("变更", "Changed")
            case .annulled: Text("撤销或者确认违法（另行办理撤销）", "Annulled: enter that too")
            }
        }
    }
    package let kind: Kind
    package let on: Day
    package let result: Result?
    package let endedOn: Day?
    init(_ row: Row) {
        kind = Kind(rawValue: row.string("kind")) ?? .review
        on = row.day("on_day")
        result = row.optionalString("result").flatMap(Result.init)
        endedOn = row.optionalDay("ended_on")
    }
    static func of(_ id: ID<Matter>, _ tx: Transaction) throws -> [Challenge] {
        try tx.all("SELECT * FROM enforcement_challenges WHERE matter = \(id) ORDER BY id").map(Challenge.init)
    }
    /// The days that do not count for what is added to a late payment.
    ///
    /// Law: PPL art. 73(3).
    func days(through today: Day) -> ClosedRange<Day> { on...max(on, endedOn ?? today) }
}

extension Case {
    /// Review or suit that has not ended.
    package var pending: Challenge? { challenges.last { $0.endedOn == nil } }
    /// Decisions under the price rules go to review before they go to court.
    ///
    /// Law: PRP art. 20.
    package var isReviewFirst: Bool { (penalty ?? "").hasPrefix("PRP") }

    /// The last day on which the decision could still be challenged; nil while it is, or before it is served.
    ///
    /// Law: AR art. 20; AL art. 45, 46; PRP art. 20.
    func finalOn(_ engine: DeadlineEngine) throws -> Day? {
        guard pending == nil, let served = servedOn else { return nil }
        guard let last = challenges.last, let ended = last.endedOn else { return try engine.deadline(isReviewFirst ? "RV" : "LS", from: Moment(served), explain: false).due }
        guard last.kind == .review else { return ended }
        // Who withdrew has no decision on review: the time for a suit against the penalty itself goes on (AL art. 46).
        if last.result == .withdrawn { return max(ended, try engine.deadline(isReviewFirst ? "RV" : "LS", from: Moment(served), explain: false).due) }
        return try engine.deadline("LS2", from: Moment(ended), explain: false).due
    }
}

extension CaseAct {
    func challenge() throws -> Matter? {
        let seals: [Ledger.Seal] = [.init("enforcement_challenges", of: "matter", id.raw)]
        switch name {
        case "challenge":
            guard c.decided?.kind == .punish, c.annulled == nil else { throw Refusal(.conflict, Text("没有有效的处罚决定", "There is no penalty that stands")) }
            guard c.servedOn != nil else { throw Refusal(.conflict, Text("处罚决定尚未送达", "The decision is not served yet")) }
            guard c.pending == nil else { throw Refusal(.conflict, Text("前一次复议或者诉讼尚未终结", "The one before has not ended")) }
            let kind = Challenge.Kind(rawValue: try input.chosen("kind", Challenge.Kind.allCases.map(\.rawValue)))!
            let on = try day("on", from: c.challenges.last?.endedOn ?? c.decidedOn)
            if kind == .suit, c.isReviewFirst, !c.challenges.contains(where: { $0.kind == .review && $0.endedOn != nil }) {
                throw Refusal(
                    .invalid, Text("价格处罚应先申请复议", "Price penalties go to review first"), fields: [.init("/kind", Text("没有已办结的复议", "No review that has ended is on record"))],
                    article: Article(law: "PRP", article: "20"))
            }
            try tx.send("INSERT INTO enforcement_challenges (matter, kind, on_day, account, at) VALUES (\(id), \(kind.rawValue), \(on), \(try account().id), \(now))")
            let after = try move([("result", kind.title.zh), ("on", on.description)], seals: seals)
            // The three months for the court begin anew when it is over (AEL art. 53).
            guard try clock("P14b")?.state == "open" else { return after }
            try handling.casework.end("P14b", of: after, met: false, at: now, tx)
            return try tx.matter(id)
        case "challenge-ended":
            guard let pending = c.pending else { throw Refusal(.conflict, Text("没有尚未终结的复议或者诉讼", "No review or suit is pending")) }
            let result = Challenge.Result(rawValue: try input.chosen("result", Challenge.Result.allCases.map(\.rawValue)))!
            let on = try day("on", from: pending.on)
            if result == .changed { try change() }
            try tx.send("UPDATE enforcement_challenges SET result = \(result.rawValue), ended_on = \(on) WHERE matter = \(id) AND ended_on IS NULL")
            let after = try move([("result", result.title.zh), ("on", on.description)], seals: seals)
            if result == .changed {
                if try tx.one("SELECT matter FROM enforcement_publications WHERE matter = \(id) AND published_on IS NOT NULL AND ended_on IS NULL") != nil {
                    try handling.casework.begin("PUB4", of: after, at: now, tx)
                }
                try Jobs.add("credit.changed", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
            }
            // A fine on the spot that is paid in full as changed is owed no more; other cases are found performed by the next step.
            if result == .changed, c.simple, try Performance.of(fresh(), on: now.day, tx).isWhole {
                for duty in ["P12", "P14a", "P14b"] { try handling.casework.end(duty, of: tx.matter(id), met: false, at: now, tx) }
            }
            if result != .annulled { try CasePerformance.askWhenFinal(fresh(), desk: desk, tx) }
            return try tx.matter(id)
        default: return nil
        }
    }

    /// What review or court put in the decision's place: never more than was decided.
    ///
    /// Law: AR art. 63(2).
    private func change() throws {
        guard var o = c.decided else { return }
        (o.fine, o.confiscated) = (try money("fine", required: true), input["confiscated"] == nil ? c.confiscated : try money("confiscated"))
        guard o.fine <= c.fine, o.confiscated <= c.confiscated else {
            throw Refusal.invalid(
                "/fine", Text("变更后不得多于原决定的¥\(c.fine.grouped)、¥\(c.confiscated.grouped)", "Not more than ¥\(c.fine.grouped) and ¥\(c.confiscated.grouped) that were decided"))
        }
        try set("decided = \(o.json.text), fine = \(o.fine), confiscated = \(o.confiscated)")
    }
}
