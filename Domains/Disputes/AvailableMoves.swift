import Platform

extension Handling {
    /// The moves that can succeed now: the table's, but for those that this matter's own standing rules out.
    package func available(_ c: Complaint, to actor: Actor, clocks: [RunningClock], people: PeoplesMediation? = nil, hasReport: Bool = false) -> [Move] {
        ComplaintMoves.table.available(c.matter, to: actor, desk.permissions).filter { move in
            switch move.name {
            case "split": !hasReport
            case "dispatch": c.matter.region.count < 6
            case "entrust": c.matter.region.count >= 6
            case "hand-back": c.matter.region.count > 6
            case "court-applied": c.agreementForm == "people" && !(people?.appliedOn != nil)
            case "court-decided": people?.appliedOn != nil && people?.result == nil
            case "lead-decided": clocks.contains { $0.duty == "C5" && $0.state == "open" }
            default: true
            }
        }
    }
}
