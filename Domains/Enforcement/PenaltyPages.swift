import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Published penalties, for everybody (行政处罚公示), and cases by API.
struct PenaltyPages: Sendable {
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/penalties", .anyone) { visit in try await list(visit) },
            Route(.get, "/penalties/:number", .anyone) { visit in try await show(visit) },
        ]
    }

    private func list(_ visit: Visit) async throws -> Answer {
        try limit.take("penalties|" + visit.exchange.peer, at: visit.desk.now)
        let today = visit.desk.today()
        let typed = visit.exchange.query["q"]
        // By day, the newest first; the cursor is the last row's day and key.
        let parts = (visit.exchange.query["cursor"] ?? "").split(separator: ".")
        let from = parts.count == 2 ? Day(String(parts[0])) : nil, key = parts.count == 2 ? Int64(parts[1]) ?? Int64.max : Int64.max
        let after: SQL = from.map { "(p.published_on < \($0) OR (p.published_on = \($0) AND p.matter < \(key)))" } ?? "1 = 1"
        let rows = try await visit.desk.store.read { tx in
            try tx.all(
                """
                SELECT p.*, m.number AS case_number FROM enforcement_publications p JOIN casework_matters m ON m.id = p.matter WHERE p.published_on IS NOT NULL AND p.ended_on IS NULL
                AND p.pushed_on IS NULL AND p.shielded_on IS NULL AND p.until >= \(today) AND \(after) AND (\(typed ?? "") = '' OR lower(p.summary) LIKE \("%" + (typed ?? "").lowercased().replacing("%", with: "").replacing("_", with: "") + "%")) ORDER BY p.published_on DESC, p.matter DESC LIMIT 31
                """
            ).map { (try PublishedPenalty($0), $0.string("case_number")) }
        }
        let shown = rows.prefix(30)
        return visit.page(Text("行政处罚公示", "Published penalties")) { h in
            h.h1(Text("行政处罚公示", "Published penalties"))
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/penalties"), .role("search")]) {
                h.void(
                    "input", "form-control",
                    [.type("search"), .name("q"), .value(typed), .label(h.say(Text("查找", "Find"))), .init("placeholder", h.say(Text("当事人、文号、违法行为", "Party, number, violation")))])
                h.button(Text("查找", "Find"))
            }
            guard !shown.isEmpty else {
                return h.empty(Text("没有公示信息", "Nothing is published"), Text("公示期满、修复或者撤回的信息不再显示。", "What is over, repaired or withdrawn is no longer shown."))
            }
            for (p, number) in shown {
                h.element("article", "card card-body mb-2") {
                    h.p("mb-1 fw-semibold") { h.a("/penalties/\(number)", nil, "\(p.summary["party"]?.string ?? "") · \(p.summary["violation"]?.string ?? "")") }
                    h.p("small mb-1", p.summary["penalty"]?.string ?? "")
                    h.p("small text-muted mb-0", "\(p.summary["number"]?.string ?? "") · \(p.summary["authority"]?.string ?? "") · \(p.summary["decidedOn"]?.string ?? "")")
                }
            }
            h.pager(
                previous: nil,
                next: rows.count > 30 ? Link.query("/penalties", [("q", typed), ("cursor", shown.last.map { "\($0.0.publishedOn?.description ?? "").\($0.0.matter)" })]) : nil,
                summary: "")
        }
    }

    private func show(_ visit: Visit) async throws -> Answer {
        let number = try visit.exchange.parameter("number")
        let p = try await visit.desk.store.read { tx -> PublishedPenalty? in
            try tx.one(
                "SELECT p.* FROM enforcement_publications p JOIN casework_matters m ON m.id = p.matter WHERE m.number = \(number) AND p.published_on IS NOT NULL AND p.pushed_on IS NULL"
            ).map(PublishedPenalty.init)
        }
        guard let p else { throw Refusal.notFound }
        if let shielded = p.shieldedOn, p.endedOn == nil {
            return visit.page(Text("行政处罚公示", "Published penalties"), status: 410) { h in h.div("narrow") { h.empty(PublishedPenalty.shield(since: shielded), Text("", "")) } }
        }
        if p.endedOn != nil || p.until.map({ $0 < visit.desk.today() }) ?? false {
            // Law: PUB art. 11: what was withdrawn says why.
            let why = p.ending == "withdrawn" ? Text("该行政处罚信息已撤回：\(p.reason ?? "")", "This was withdrawn: \(p.reason ?? "")") : Text("该信息已停止公示", "This is no longer shown")
            return visit.page(Text("行政处罚公示", "Published penalties"), status: 410) { h in h.div("narrow") { h.empty(why, Text("", "")) } }
        }
        return visit.page(Text(verbatim: p.summary["number"]?.string ?? "")) { h in
            h.div("narrow") {
                h.h1(Text("行政处罚信息", "Penalty"))
                h.card(Text("摘要", "Summary")) {
                    h.definitions {
                        for (key, title) in PublishedPenalty.columns where p.summary[key]?.string != nil { h.definition(title, p.summary[key]?.string) }
                        h.definition(Text("公示期", "Shown"), "\(p.publishedOn!) — \(p.until!)")
                    }
                }
                h.card(Text("决定书", "Decision")) { h.element("p", "pre mb-0", text: p.body) }
            }
        }
    }
}

/// Cases by API (案件接口): the same rule behind another door.
struct CaseAPI: Sendable {
    let handling: CaseHandling

    func routes() -> [Route] {
        [
            Route(.get, "/api/v1/cases/:number", .permitted("enforcement.see"), style: .api) { visit in
                let c = try await visit.desk.store.read { try find(visit, $0) }
                return .json(json(c))
            },
            Route(.get, "/api/v1/cases/:number/moves", .permitted("enforcement.see"), style: .api) { visit in
                let account = try visit.signedIn()
                let moves = try await visit.desk.store.read { tx -> [Move] in
                    let c = try find(visit, tx)
                    return handling.available(c, to: .staff(account), people: try tx.people(of: c.matter.id))
                }
                return .json(
                    .object([
                        (
                            "moves",
                            .array(
                                moves.map {
                                    .object([
                                        ("move", .string($0.name)), ("title", .string($0.title[visit.language])),
                                        ("article", .text($0.article(under: CaseMoves.regime)?.description)),
                                    ])
                                })
                        )
                    ]))
            },
            Route(.post, "/api/v1/cases/:number/moves", .permitted("enforcement.see"), style: .api) { visit in
                let account = try visit.signedIn()
                let form = try Form(json: visit.exchange.body)
                let name = try form.needed("move", 60)
                let now = visit.desk.now
                let once = try Idempotency(visit)
                let (status, answer) = try await visit.desk.store.write { tx in
                    try once.answer(at: now, tx) {
                        try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, tx)
                        return (200, json(try find(visit, tx)))
                    }
                }
                return .json(answer, status: status)
            },
        ]
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Case {
        let c = try tx.penaltyCase(tx.matter(number: visit.exchange.parameter("number")))
        guard visit.maySee(c.matter) else { throw Refusal.notFound }
        return c
    }
    private func json(_ c: Case) -> JSON {
        .object([
            ("number", .string(c.matter.number)), ("state", .string(c.matter.state)), ("cause", .string(c.cause)), ("party", .string(c.party.name)),
            ("region", .string(c.matter.region)),
            ("violation", .text(c.violation)), ("filedOn", .text(c.filedOn?.description)), ("decisionNumber", .text(c.decisionNumber)),
            ("decidedOn", .text(c.decidedOn?.description)),
            ("servedOn", .text(c.servedOn?.description)), ("fine", .string(c.fine.plain)), ("confiscated", .string(c.confiscated.plain)), ("outcome", .text(c.matter.outcome)),
            ("nextDue", .text(c.matter.nextDue?.description)),
        ])
    }
}
