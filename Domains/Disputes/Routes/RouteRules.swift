import Foundation
import Kernel
import Platform
import Store
import Web

/// Which route is proposed for a complaint (路径建议表): the first rule that fits, as data. A person may choose another, and says why.
package struct RouteRule: Sendable, Decodable {
    package let id: String
    package let route: String
    private let zh: String
    private let en: String
    private let status: [String]?
    private let words: [String]?
    private let odr: Bool?
    private let leastYuan: Int64?
    private let delegation: Bool?
    package var why: Text { Text(zh, en) }

    package static let all: [RouteRule] = {
        do { return try JSONDecoder().decode([RouteRule].self, from: Data(contentsOf: Grounds.shared.folder.appendingPathComponent("routes.json"))) } catch {
            preconditionFailure("the table of routes is missing beside the binary: \(error)")
        }
    }()
    package static let routes: [(String, Text)] = [
        ("mediation", Text("行政调解", "Mediation by the authority")), ("people", Text("人民调解", "People's mediation")), ("fund", Text("先行赔付", "A fund pays first")),
        ("odr", Text("ODR先行和解", "Settling online first")),
        ("report", Text("拆出举报", "Handle the report apart")),
    ]

    /// What a rule looks at.
    package struct Facts: Sendable {
        package var status: Operator.Status?
        package var text = ""
        package var isODR = false
        package var amount: Money?
        package var delegation: Bool?
        package init() {}
    }

    func fits(_ f: Facts) -> Bool {
        if let status { guard f.status.map({ status.contains($0.rawValue) }) == true else { return false } }
        if let words { guard words.contains(where: f.text.contains) else { return false } }
        if let odr { guard f.isODR == odr else { return false } }
        if let leastYuan { guard let amount = f.amount, amount.fen >= leastYuan * 100 else { return false } }
        if let delegation { guard f.delegation == delegation else { return false } }
        return true
    }
    /// The last rule fits everything.
    package static func proposed(_ facts: Facts) -> RouteRule { all.first { $0.fits(facts) } ?? all.last! }
}

/// The proposal on a complaint's page, and what somebody chose.
struct RouteChoice: Sendable {
    let rule: RouteRule
    let chosen: (route: String, reason: String, by: String)?

    static func load(_ c: Complaint, _ op: Operator?, _ tx: Transaction) throws -> RouteChoice {
        var facts = RouteRule.Facts()
        (facts.status, facts.text, facts.amount, facts.delegation) = (op?.status, c.facts, c.amount, c.delegation)
        facts.isODR = try op.map { try ODR.isAdmitted($0.id, tx) } ?? false
        let chosen = try tx.one("SELECT r.chosen, r.reason, a.name FROM disputes_routes r JOIN platform_accounts a ON a.id = r.account WHERE r.matter = \(c.matter.id)").map {
            (route: $0.string("chosen"), reason: $0.string("reason"), by: $0.string("name"))
        }
        return RouteChoice(rule: RouteRule.proposed(facts), chosen: chosen)
    }

    func write(_ h: HTML, _ visit: Visit, _ c: Complaint) {
        func title(_ route: String) -> Text { RouteRule.routes.first { $0.0 == route }?.1 ?? Text(verbatim: route) }
        h.card(Text("解决路径", "Route")) {
            h.p("mb-1") {
                h.text(Text("建议：\(title(rule.route).zh)", "Proposed: \(title(rule.route).en)"))
                h.span("d-block small text-muted", rule.why)
            }
            if let chosen {
                h.p("mb-1") {
                    h.text(Text("已选择：\(title(chosen.route).zh)", "Chosen: \(title(chosen.route).en)"))
                    h.span("d-block small text-muted", "\(chosen.by)\(chosen.reason.isEmpty ? "" : "：\(chosen.reason)")")
                }
            }
            guard visit.may("disputes.mediate") || visit.may("disputes.decide"), c.matter.open else { return }
            h.element("details") {
                h.element("summary", text: h.say(Text("选择路径", "Choose")))
                visit.form(h, "/disputes/\(c.matter.id)/route", "mt-2") {
                    h.select("route", Text("路径", "Route"), options: RouteRule.routes, value: chosen?.route ?? rule.route)
                    h.field("reason", Text("与建议不同的，请说明理由", "Why, where it is another than proposed"), value: nil, required: false)
                    h.button(Text("保存", "Save"), "btn btn-sm btn-outline-primary")
                }
            }
        }
    }

    static func choose(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard visit.may("disputes.mediate") || visit.may("disputes.decide") else { throw Refusal.forbidden("disputes.mediate") }
        let form = try visit.exchange.form()
        let now = visit.desk.now
        let path = "/disputes/\(try visit.exchange.parameter("id"))"
        do {
            let route = try form.chosen("route", RouteRule.routes.map(\.0))
            let reason = form["reason"].map { String($0.prefix(300)) } ?? ""
            try await visit.desk.store.write { tx in
                let c = try tx.complaint(visit.exchange.id(of: Matter.self))
                guard visit.maySee(c.matter) else { throw Refusal.notFound }
                let proposed = try load(c, c.matter.operator.map { try Operators.find($0, tx) }, tx).rule
                guard route == proposed.route || !reason.isEmpty else { throw Refusal.invalid("/reason", Text("与建议不同的，请说明理由", "Say why it is another than proposed")) }
                try tx.run(
                    """
                    INSERT INTO disputes_routes (matter, proposed, chosen, reason, account, at) VALUES (\(c.matter.id), \(proposed.id), \(route), \(reason), \(account.id), \(now))
                    ON CONFLICT (matter) DO UPDATE SET proposed = \(proposed.id), chosen = \(route), reason = \(reason), account = \(account.id), at = \(now)
                    """)
                try Casework.remark(
                    "route", on: c.matter, by: .staff(account), details: [("route", .string(route)), ("reason", .string(reason))].filter { $0.1 != .string("") },
                    sealing: [.init("disputes_routes", key: "matter", c.matter.id.raw)], at: now, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return visit.redirect(path, saying: refusal.whole, refused: true) }
        return visit.redirect(path, saying: Text("已保存", "Saved"))
    }
}
