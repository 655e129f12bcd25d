import Kernel
import Platform
import Statute
import Store
import Web

/// Recusal of a mediator (回避): who was removed, and who decides.
extension Handling {
    /// Who was recused from a mediation, as they were named.
    func removed(_ c: Complaint, _ tx: Transaction) throws -> [String] {
        try tx.all("SELECT details FROM casework_moves WHERE matter = \(c.matter.id) AND move = 'recusal-decided'").compactMap {
            (try? JSON(parsing: Array($0.string("details").utf8)))?["removed"]?.string
        }
    }

    /// 回避决定. Law: O121 art. 21(2): who is challenged does not decide; where it is granted another mediates, and both are told.
    func decideRecusal(_ s: Step) throws -> Matter {
        let decision = try s.choice("decision", ["replaced", "rejected"])
        let challenged = s.c.mediators ?? ""
        if let account = s.actor.account, challenged.contains(account.name) {
            throw Refusal(
                .forbidden, Text("被申请回避的调解人员不能决定自己的回避", "Who is challenged does not decide on it"), article: Article(law: s.c.law, article: s.c.law == "O20" ? "19(2)" : "21(2)"))
        }
        var details = [("decision", decision)]
        if decision == "replaced" {
            let people = try s.text("mediators", 120)
            let names = challenged.split(whereSeparator: { "、，,；; ".contains($0) }).map(String.init).filter { $0.count > 1 }
            guard !names.contains(where: people.contains) else {
                throw Refusal.invalid("/mediators", Text("请填写另一名调解人员，不能是\(challenged)", "Name another mediator than \(challenged)"))
            }
            details += [("removed", challenged), ("mediators", people)]
            try s.tx.send("UPDATE disputes_complaints SET mediators = \(people) WHERE matter = \(s.c.matter.id)")
            try s.tx.send("UPDATE casework_matters SET assignee = NULL WHERE id = \(s.c.matter.id)")
        }
        let matter = try move(s, "recusal-decided", details, sealing: true)
        let channel = try s.input["channel"].map { _ throws(Refusal) in try s.choice("channel", Notice.channels.map(\.0)) } ?? "phone"
        for party in ["complainant", "respondent"] { try Casework.notify(party, of: s.c.matter.id, by: channel, Notice.recusal.zh, at: s.now, s.tx) }
        return matter
    }
}
