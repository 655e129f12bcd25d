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

    /// The persons of a list of mediators.
    static func names(_ list: String) -> [String] { list.split(whereSeparator: { "、，,；; ".contains($0) }).map(String.init).filter { $0.count > 1 } }

    /// Who was recused has no part in the matter any more, by whatever act.
    func refuseRemoved(_ account: Account?, _ c: Complaint, _ tx: Transaction) throws {
        guard let account, try removed(c, tx).contains(where: { Handling.names($0).contains(account.name) }) else { return }
        throw Refusal(
            .forbidden, Text("\(account.name)已回避本件调解，不能再办理", "\(account.name) was recused from this mediation"),
            article: Article(law: c.law, article: c.law == "O20" ? "19(2)" : "21(2)"))
    }

    /// 收到回避申请. A party challenges the same mediators once: each time mediation stands still.
    func askRecusal(_ s: Step) throws -> Matter {
        let reason = try s.text("reason", 500)
        // Of the mediators as they were arranged last.
        let asked = try s.tx.one(
            """
            SELECT id FROM casework_moves WHERE matter = \(s.c.matter.id) AND move = 'recuse' AND actor = \(s.actor.mark)
            AND id > (SELECT COALESCE(max(id), 0) FROM casework_moves WHERE matter = \(s.c.matter.id) AND move = 'arrange') LIMIT 1
            """)
        if s.actor.account == nil, asked != nil {
            throw Refusal(
                .conflict, Text("对同一调解人员的回避申请已作出决定；有新的理由请联系承办机关", "This was decided for these mediators; with new reasons please call the office"),
                article: Article(law: s.c.law, article: s.c.law == "O20" ? "19(2)" : "21(2)"))
        }
        return try move(s, "recuse", [("reason", reason)])
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
            guard !Handling.names(challenged).contains(where: people.contains) else {
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
