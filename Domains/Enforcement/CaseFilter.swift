import Kernel
import Platform
import Store
import Web

/// What a list asks for. Empty: what is open in one's region.
struct CaseFilter: Sendable {
    var stage: Int?
    var mine = false
    var closed = false
    var outcome: String?
    var violation: String?
    var region: String?
    /// Only what the region itself has, not its districts.
    var exact = false
    var period: String?
    var unpaid = false
    var filed = false
    var decided = false
    var paid = false
    /// Cases that came from leads of a model (`any`: of any; `none`: from elsewhere), and when those leads came in: what the funnel opens.
    var model: String?
    var leads: String?
    var text: String?
    var cursor: Int64?
    init(_ form: Form) throws(Refusal) {
        stage = form["stage"].flatMap { Int($0) }.flatMap { CaseMoves.stages.indices.contains($0) ? $0 : nil }
        mine = form["whose"] == "mine"
        closed = form["closed"] == "yes"
        outcome = form["outcome"]
        violation = form["violation"]
        region = form["region"]
        exact = form["exact"] == "yes"
        period = form["during"]
        if let period, Day.span(period) == nil { throw .invalid("/during", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026")) }
        (unpaid, filed, decided, paid) = (form["unpaid"] == "yes", form["filed"] == "yes", form["decided"] == "yes", form["paid"] == "yes")
        (model, leads) = (form["model"], form["leads"])
        if let leads, Day.span(leads) == nil { throw .invalid("/leads", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026")) }
        text = form["q"]
        cursor = form["cursor"].flatMap { Int64($0) }
    }
    var pairs: [(String, String?)] {
        [
            ("stage", stage.map(String.init)), ("whose", mine ? "mine" : nil), ("closed", closed ? "yes" : nil), ("outcome", outcome), ("violation", violation),
            ("region", region), ("exact", exact ? "yes" : nil),
            ("during", period), ("unpaid", unpaid ? "yes" : nil), ("filed", filed ? "yes" : nil), ("decided", decided ? "yes" : nil),
            ("paid", paid ? "yes" : nil), ("model", model), ("leads", leads), ("q", text),
        ]
    }

    func conditions(_ account: Account) -> SQL {
        var all: [SQL] = ["m.kind = 'case'"]
        let own = region.map { $0.hasPrefix(account.region) ? $0 : account.region } ?? account.region
        let isAccount = outcome != nil || period != nil || filed || decided || unpaid || paid || model != nil
        if exact, let region { all.append("m.region = \(region)") }
        if !own.isEmpty { all.append(Queue.within(own, "m.region", byDue: !closed && !isAccount)) }
        if !isAccount { all.append("m.open = \(closed ? 0 : 1)") }
        if let stage { all.append("m.state IN (\(list: CaseMoves.stages[stage].1.sorted()))") }
        if mine { all.append("m.id IN (SELECT matter FROM enforcement_people WHERE account = \(account.id) AND until IS NULL)") }
        if let outcome { all.append("m.outcome = \(outcome)") }
        if let violation { all.append("e.violation = \(violation)") }
        if filed { all.append("e.filed_on IS NOT NULL") }
        if decided { all.append("e.decided_on IS NOT NULL") }
        if paid { all.append("e.matter IN (SELECT matter FROM insight_cases WHERE fine + confiscated > 0 AND paid >= fine + confiscated)") }
        if let model {
            let span = leads.flatMap(Day.span).map {
                "\(raw: model == "none" ? "m" : "s").received_at >= \(Moment($0.lowerBound)) AND \(raw: model == "none" ? "m" : "s").received_at < \(Moment($0.upperBound))" as SQL
            }
            if model == "none" {
                all.append("NOT EXISTS (SELECT 1 FROM insight_leads l WHERE l.matter = e.source_matter)")
                if let span { all.append(span) }
            } else {
                let which: SQL = model == "any" ? "1 = 1" : "l.model = \(model)"
                all.append("EXISTS (SELECT 1 FROM insight_leads l JOIN casework_matters s ON s.id = l.matter WHERE l.matter = e.source_matter AND \(which) AND \(span ?? "1 = 1"))")
            }
        }
        if unpaid { all.append("m.state IN ('served', 'court') AND e.fine + e.confiscated > 0") }
        if let span = period.flatMap(Day.span) {
            if decided {
                all.append("e.decided_on >= \(span.lowerBound) AND e.decided_on < \(span.upperBound)")
            } else if filed {
                all.append("e.filed_on >= \(span.lowerBound) AND e.filed_on < \(span.upperBound)")
            } else {
                all.append("m.received_at >= \(Moment(span.lowerBound)) AND m.received_at < \(Moment(span.upperBound))")
            }
        }
        return SQL.all(all)
    }
}
