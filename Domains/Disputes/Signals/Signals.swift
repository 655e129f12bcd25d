import Kernel
import Platform
import Store
import Web

/// Signals for a person to weigh (异常信号): many complaints about one business within days, one person against many with the same text.
/// None refuses anything.
///
/// Law: O121 art. 17 names what may be considered; art. 38 warnings to consumers.
package struct Signal: Sendable {
    package enum Kind: String, Sendable { case incident, claimant }
    package let kind: Kind
    package let subject: String
    package let `operator`: ID<Operator>?
    package let members: [Matter]
    package let total: Int
    /// Words that stand in most of them.
    package let common: [String]

    /// Days and numbers from which a signal shows: the office's own, not the law's.
    struct Bounds: Sendable {
        let incidentDays: Int
        let incidentLeast: Int
        let claimantDays: Int
        let claimantLeast: Int
        static let settings = [
            NumberSetting("signals.incident.days", Text("集中投诉：天数", "Incident: days"), 7, 1...90),
            NumberSetting("signals.incident.least", Text("集中投诉：件数", "Incident: complaints"), 5, 2...1000),
            NumberSetting("signals.claimant.days", Text("同一投诉人：天数", "One claimant: days"), 30, 1...365),
            NumberSetting("signals.claimant.least", Text("同一投诉人：件数", "One claimant: complaints"), 5, 2...1000),
        ]
        static func load(_ tx: Transaction) throws -> Bounds {
            let n = try settings.map { try $0.value(tx) }
            return Bounds(incidentDays: n[0], incidentLeast: n[1], claimantDays: n[2], claimantLeast: n[3])
        }
    }

    package static func all(region: String, at now: Moment, _ tx: Transaction) throws -> [Signal] {
        var found: [Signal] = []
        let bounds = try Bounds.load(tx)
        let (incidentDays, incidentLeast, claimantDays, claimantLeast) = (bounds.incidentDays, bounds.incidentLeast, bounds.claimantDays, bounds.claimantLeast)
        let end = region + "~"
        for row in try tx.all(
            """
            SELECT m.operator, o.name, count(*) AS n FROM casework_matters m JOIN operators o ON o.id = m.operator WHERE m.kind = \(ComplaintMoves.kind) AND m.received_at > \(now.adding(seconds: Int64(-incidentDays) * 86_400))
            AND m.region >= \(region) AND m.region < \(end) GROUP BY m.operator, o.name HAVING count(*) >= \(incidentLeast) ORDER BY n DESC LIMIT 30
            """)
        {
            let op: ID<Operator> = row.id("operator")
            let members = try tx.all(
                "SELECT m.*, c.facts FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id WHERE m.operator = \(op) AND m.kind = \(ComplaintMoves.kind) AND m.received_at > \(now.adding(seconds: Int64(-incidentDays) * 86_400)) AND m.region >= \(region) AND m.region < \(end) ORDER BY m.id DESC LIMIT 40"
            )
            found.append(
                Signal(
                    kind: .incident, subject: row.string("name"), operator: op, members: members.map(Matter.init), total: row.count("n"),
                    common: common(members.map { $0.string("facts") })))
        }
        for row in try tx.all(
            """
            SELECT p.phone, count(*) AS n, count(DISTINCT c.respondent_name) AS merchants FROM disputes_complainants p JOIN casework_matters m ON m.id = p.matter JOIN disputes_complaints c ON c.matter = m.id
            WHERE m.received_at > \(now.adding(seconds: Int64(-claimantDays) * 86_400)) AND m.region >= \(region) AND m.region < \(end) AND p.phone <> \(Protected.missing)
            GROUP BY p.phone HAVING count(*) >= \(claimantLeast) AND count(DISTINCT c.respondent_name) >= 3 ORDER BY n DESC LIMIT 30
            """)
        {
            let members = try tx.all(
                "SELECT m.*, c.facts FROM disputes_complainants p JOIN casework_matters m ON m.id = p.matter JOIN disputes_complaints c ON c.matter = m.id WHERE p.phone = \(row.string("phone")) AND m.received_at > \(now.adding(seconds: Int64(-claimantDays) * 86_400)) ORDER BY m.id DESC LIMIT 40"
            )
            let words = common(members.map { $0.string("facts") })
            guard !words.isEmpty else { continue }
            found.append(
                Signal(
                    kind: .claimant, subject: Protected.phone(row.string("phone")).description, operator: nil, members: members.map(Matter.init), total: row.count("n"),
                    common: words))
        }
        return found
    }

    /// Stretches of four characters and more that stand in three of five texts, the longest first, none within another.
    package static func common(_ texts: [String]) -> [String] {
        guard texts.count > 1 else { return [] }
        func pieces(_ text: String) -> [[Character]] { text.split(whereSeparator: { !($0.isLetter || $0.isNumber) }).map(Array.init).filter { $0.count >= 4 } }
        var counts: [String: Int] = [:]
        for text in texts {
            var own: Set<String> = []
            for piece in pieces(String(text.prefix(600))) {
                for length in 4...max(4, min(12, piece.count)) where piece.count >= length {
                    for i in 0...(piece.count - length) { own.insert(String(piece[i..<(i + length)])) }
                }
            }
            for one in own { counts[one, default: 0] += 1 }
        }
        let least = max(2, (texts.count * 3 + 4) / 5)
        var out: [String] = []
        for word in counts.filter({ $0.value >= least }).keys.sorted(by: { ($0.count, $1) > ($1.count, $0) }) where !out.contains(where: { $0.contains(word) }) {
            out.append(word)
            if out.count == 8 { break }
        }
        return out
    }
}

/// A warning to consumers (消费警示): drafted from a signal, issued by the head, shown to the public.
package struct Warning: Sendable {
    package let id: Int64
    package let title: String
    package let body: String
    package let state: String
    package let at: Moment
    init(_ row: Row) {
        id = row.int("id")
        title = row.string("title")
        body = row.string("body")
        state = row.string("state")
        at = row.moment("at")
    }
}

struct SignalPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/signals", .permitted("signals.see")) { visit in try await list(visit, nil) },
            Route(.post, "/signals/warnings", .permitted("signals.see")) { visit in try await draft(visit) },
            Route(.post, "/signals/warnings/:id/:act", .permitted("signals.issue")) { visit in try await decide(visit) },
            Route(.get, "/warnings", .anyone) { visit in try await shown(visit) },
        ]
    }

    private func list(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let account = try visit.signedIn()
        let (city, now) = (visit.desk.configuration.cityRegion, visit.desk.now)
        let region = account.region == city ? "" : account.region
        let (signals, warnings, bounds) = try await visit.desk.store.read { tx in
            (
                try Signal.all(region: region, at: now, tx), try tx.all("SELECT * FROM disputes_warnings WHERE state <> 'dropped' ORDER BY id DESC LIMIT 30").map(Warning.init),
                try Signal.Bounds.load(tx)
            )
        }
        let regime = (try? Registration.regime(on: visit.desk.today(), visit.desk.law.catalogue)) ?? "O121"
        return visit.page(Text("异常信号", "Signals"), status: refusal?.kind.status ?? 200, active: "/signals") { h in
            h.div("page-head") {
                h.h1(Text("异常信号", "Signals"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(bounds.incidentDays)天内同一商家\(bounds.incidentLeast)件以上，或者\(bounds.claimantDays)天内同一电话对多家商家提出内容相近的\(bounds.claimantLeast)件以上。只供人工判断，不影响受理。",
                        "\(bounds.incidentLeast) and more about one business in \(bounds.incidentDays) days, or \(bounds.claimantLeast) by one phone against several with like words in \(bounds.claimantDays) days. For a person to weigh: nothing is refused by it."
                    ))
            }
            h.errorSummary(refusal)
            if signals.isEmpty { h.empty(Text("没有异常信号", "No signal"), Text("出现集中投诉时会显示在这里。", "Complaints that come together show here.")) }
            for signal in signals { card(h, visit, signal, regime, bounds) }
            warningsCard(h, visit, warnings)
        }
    }

    private func card(_ h: HTML, _ visit: Visit, _ s: Signal, _ regime: String, _ bounds: Signal.Bounds) {
        h.element("article", "card card-body mb-3") {
            h.p("mb-1") {
                h.badge(s.kind == .incident ? Text("集中投诉", "incident") : Text("同一投诉人", "one claimant"), s.kind == .incident ? "red" : "amber")
                h.element("strong", "ms-2") { if let op = s.operator { h.a("/operators/\(op)", nil, s.subject) } else { h.text(s.subject) } }
                h.text(Text(" \(s.total)件", " \(s.total)"))
            }
            if !s.common.isEmpty { h.p("small mb-1", Text("共同的词语：\(s.common.joined(separator: "、"))", "Words in common: \(s.common.joined(separator: ", "))")) }
            h.element("details", "mb-2") {
                h.element("summary", text: h.say(Text("成员", "Members")))
                h.ul("plain") {
                    for m in s.members where visit.maySee(m) {
                        h.li {
                            h.a("/disputes/\(m.id)", nil, m.number)
                            h.text(" \(m.title) ")
                            h.badge(ComplaintMoves.table.state(m.state).title, ComplaintMoves.table.state(m.state).tone)
                        }
                    }
                }
            }
            if s.kind == .claimant {
                h.element("details") {
                    h.element("summary", text: h.say(Text("可以考虑的因素（第十七条）", "What may be considered (art. 17)")))
                    h.ul("small") { for factor in Grounds.shared.factors(regime) { h.li { h.text(factor.text) } } }
                }
            } else {
                h.element("details") {
                    h.element("summary", text: h.say(Text("起草消费警示", "Draft a warning")))
                    visit.form(h, "/signals/warnings", "mt-2") {
                        h.field("title", Text("标题", "Title"), value: "消费警示：注意\(s.subject)相关消费风险")
                        h.area(
                            "body", Text("内容", "Body"),
                            value:
                                "近期我局在\(bounds.incidentDays)天内收到有关\(s.subject)的消费投诉\(s.total)件\(s.common.isEmpty ? "" : "，主要涉及：\(s.common.prefix(3).joined(separator: "、"))")。请广大消费者谨慎消费，保留合同、付款记录和沟通记录；发生纠纷的，可以拨打\(visit.desk.configuration.hotline)或者在本平台投诉。",
                            rows: 5, maxLength: 2000)
                        h.button(Text("存为草稿", "Keep as a draft"), "btn btn-sm btn-outline-primary")
                    }
                }
            }
        }
    }

    private func warningsCard(_ h: HTML, _ visit: Visit, _ warnings: [Warning]) {
        guard !warnings.isEmpty else { return }
        h.card(Text("消费警示", "Warnings")) {
            for w in warnings {
                h.div("note") {
                    h.p("mb-1") {
                        h.element("strong", text: w.title)
                        h.badge(w.state == "issued" ? Text("已发布", "issued") : Text("草稿", "draft"), w.state == "issued" ? "green" : "grey")
                    }
                    h.p("pre mb-1", w.body)
                    if visit.may("signals.issue") {
                        for (act, title) in w.state == "draft" ? [("issue", Text("发布", "Issue")), ("drop", Text("不发布", "Drop"))] : [("drop", Text("撤下", "Withdraw"))] {
                            visit.form(h, "/signals/warnings/\(w.id)/\(act)", "d-inline me-2") {
                                h.button(title, "btn btn-sm btn-outline-primary", attributes: [h.confirming(Text("确定“\(title.zh)”？", "\(title.en)?"))])
                            }
                        }
                    }
                }
            }
        }
    }

    private func draft(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let (title, body) = (try form.needed("title", 80), try form.needed("body", 2000))
            try await visit.desk.store.write { tx in
                let id = try tx.insert("INSERT INTO disputes_warnings (title, body, state, account, at) VALUES (\(title), \(body), 'draft', \(account.id), \(now)) RETURNING id")
                try tx.audit("warning.drafted", of: Reference(kind: "warning", id: id), by: account.mark, at: now, sealing: [.init("disputes_warnings", id)])
            }
            return visit.redirect("/signals", saying: Text("已存为草稿，由负责人发布", "Kept: the head issues it"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await list(visit, refusal) }
    }

    private func decide(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("signals.issue")
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let (act, now) = (try visit.exchange.parameter("act"), visit.desk.now)
        guard let state = ["issue": "issued", "drop": "dropped"][act] else { throw Refusal.notFound }
        try await visit.desk.store.write { tx in
            try tx.change("UPDATE disputes_warnings SET state = \(state), at = \(now) WHERE id = \(id) AND state <> \(state)")
            try tx.audit("warning.\(state)", of: Reference(kind: "warning", id: id), by: account.mark, at: now, sealing: [.init("disputes_warnings", id)])
        }
        return visit.redirect("/signals", saying: Text("已保存", "Saved"))
    }

    private func shown(_ visit: Visit) async throws -> Answer {
        let warnings = try await visit.desk.store.read { try $0.all("SELECT * FROM disputes_warnings WHERE state = 'issued' ORDER BY at DESC LIMIT 50").map(Warning.init) }
        return visit.page(Text("消费警示", "Warnings")) { h in
            h.div("narrow") {
                h.h1(Text("消费警示", "Warnings to consumers"))
                if warnings.isEmpty { h.empty(Text("目前没有消费警示", "No warning now"), Text("有集中投诉等情况时在这里提示。", "They appear where complaints come together.")) }
                for w in warnings {
                    h.card(Text(verbatim: w.title)) {
                        h.p("pre mb-1", w.body)
                        h.p("text-muted small mb-0", w.at.day.description)
                    }
                }
            }
        }
    }
}
