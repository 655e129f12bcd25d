import Credit
import Enforcement
import Kernel
import Platform
import Store

/// How long what a visit found is shown (抽查检查结果负面信息的公示期).
///
/// Law: O107 art. 10: three months where nothing or a light penalty came of it; else as long as the penalty, the list that it led to; the longest of them.
package enum ShownResults {
    /// What came of a visit, as far as it prolongs the display.
    package struct Outcome: Sendable {
        /// A case of it is not decided yet.
        package var isPending = false
        /// A penalty beyond the light tier that is shown, or will be.
        package var isShownElsewhere = false
        package var isListed = false
        /// The penalty or the list that came of it is over.
        package var hasEnded = false
        /// The party was deregistered.
        package var isGone = false
        package init(isPending: Bool = false, isShownElsewhere: Bool = false, isListed: Bool = false, hasEnded: Bool = false, isGone: Bool = false) {
            (self.isPending, self.isShownElsewhere, self.isListed, self.hasEnded, self.isGone) = (isPending, isShownElsewhere, isListed, hasEnded, isGone)
        }
    }
    package static func isOver(until: Day, on day: Day, _ outcome: Outcome) -> Bool {
        // Law: O107 art. 20(1); art. 10(2), (3): it goes with what came of it, at the same time.
        if outcome.isGone { return true }
        return (day > until || outcome.hasEnded) && !outcome.isPending && !outcome.isShownElsewhere && !outcome.isListed
    }

    static func outcome(_ i: Inspection, on day: Day, _ tx: Transaction) throws -> Outcome {
        var o = Outcome()
        o.isGone = try i.matter.operator.map { try Operators.find($0, tx).status == .deregistered } ?? false
        if let id = i.caseMatter {
            let c = try tx.penaltyCase(id)
            o.isPending = c.matter.open && c.decided == nil
            if let decided = c.decided, decided.kind == .punish, c.annulled == nil, ![.none, .light].contains(Display.tier(decided, area: c.area, party: c.party.kind)) {
                let shown = try PublishedPenalty.of(id, tx)
                o.isShownElsewhere = shown?.endedOn == nil
                o.hasEnded = shown?.endedOn != nil
            }
            o.isListed = try tx.one("SELECT matter FROM credit_serious WHERE of_case = \(id) AND listed_on IS NOT NULL AND removed_on IS NULL LIMIT 1") != nil
        }
        for row in try tx.all(
            """
            SELECT a.removed_on AS removed_on FROM credit_abnormal a JOIN casework_links l ON (l.matter = \(i.matter.id) AND l.other = a.matter) OR (l.other = \(i.matter.id) AND l.matter = a.matter)
            WHERE a.listed_on IS NOT NULL
            """)
        {
            if row.optionalDay("removed_on") == nil { o.isListed = true } else { o.hasEnded = true }
        }
        return o
    }

    /// Once a day: what is over is hidden.
    static func hideWhatIsOver(_ desk: Desk) async throws {
        let now = desk.now
        var after: Int64 = 0
        while true {
            let batch = try await desk.store.read { [after] tx in
                try tx.all(
                    "SELECT matter FROM supervision_inspections WHERE published_on IS NOT NULL AND hidden_on IS NULL AND shown_until IS NOT NULL AND matter > \(after) ORDER BY matter LIMIT 500"
                ).map { $0.int("matter") }
            }
            guard let last = batch.last else { return }
            try await desk.store.write { tx in
                for key in batch {
                    let i = try tx.inspection(tx.matter(ID<Matter>(key)))
                    guard let until = i.shownUntil, isOver(until: until, on: now.day, try outcome(i, on: now.day, tx)) else { continue }
                    try tx.send("UPDATE supervision_inspections SET hidden_on = \(now.day) WHERE matter = \(key)")
                    try Casework.remark("result-hidden", on: i.matter, by: .system, sealing: [.init("supervision_inspections", key: "matter", key)], at: now, tx)
                }
            }
            after = last
        }
    }
}
