import Formats
import Kernel
import Platform
import Store
import Web

/// What the public sees of complaints (投诉公示查询): an operator's, hot goods and issues, open data with its definitions.
struct PublicPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/publications", .anyone) { visit in try await home(visit) },
            Route(.get, "/publications/of", .anyone) { visit in try await one(visit) },
            Route(.get, "/publications/data.csv", .anyone) { visit in try await data(visit, csv: true) },
            Route(.get, "/publications/data.json", .anyone) { visit in try await data(visit, csv: false) },
        ]
    }

    private struct Line: Sendable {
        let name: String
        let uscc: String?
        let n: Int
        let agreed: Int
    }

    private func home(_ visit: Visit) async throws -> Answer {
        let today = visit.desk.today()
        let (year, month, before) = (today.adding(months: -12), today.adding(days: -30), today.adding(days: -60))
        let typed = visit.exchange.query["q"].map { String($0.prefix(60)) }
        let (found, hot, issues, total) = try await visit.desk.store.read { tx in
            func lines(_ which: SQL, _ limit: Int) throws -> [Line] {
                try tx.all(
                    """
                    SELECT name, uscc, count(*) AS n, COALESCE(sum(CASE WHEN result = 'agreed' THEN 1 ELSE 0 END), 0) AS agreed FROM disputes_publications
                    WHERE state = 'published' AND closed_on > \(year) AND \(which) GROUP BY name, uscc ORDER BY n DESC, name LIMIT \(limit)
                    """
                ).map { Line(name: $0.string("name"), uscc: $0.optionalString("uscc"), n: $0.count("n"), agreed: $0.count("agreed")) }
            }
            let found = try typed.map { typed -> [Line] in
                let like = "%" + typed.replacing("%", with: "").replacing("_", with: "") + "%"
                return try lines("(name LIKE \(like) OR uscc = \(typed.uppercased()))", 30)
            }
            let hot = try tx.all(
                """
                SELECT category, COALESCE(sum(CASE WHEN closed_on > \(month) THEN 1 ELSE 0 END), 0) AS n, COALESCE(sum(CASE WHEN closed_on <= \(month) THEN 1 ELSE 0 END), 0) AS before
                FROM disputes_publications WHERE state = 'published' AND closed_on > \(before) GROUP BY category ORDER BY n DESC, category LIMIT 8
                """
            ).map { ($0.string("category"), $0.count("n"), $0.count("before")) }
            var issues: [String: Int] = [:]
            for row in try tx.all("SELECT issues, count(*) AS n FROM disputes_publications WHERE state = 'published' AND closed_on > \(month) GROUP BY issues") {
                for issue in row.string("issues").split(separator: ",") { issues[String(issue), default: 0] += row.count("n") }
            }
            return (found, hot, issues, try tx.count("SELECT count(*) AS n FROM disputes_publications WHERE state = 'published'"))
        }
        return visit.page(Text("投诉公示", "Published complaints")) { h in
            h.div("page-head") {
                h.h1(Text("消费投诉公示", "Published complaints"))
                h.p(
                    "text-muted mb-0",
                    Text("公示中的投诉\(total)件。只公示商家、类别、问题和结果；数量多不等于违法。", "\(total) are shown: business, category, issue and result. Many are not by themselves a violation."))
            }
            h.element("form", "card card-body mb-3", [.init("method", "get"), .init("action", "/publications"), .role("search")]) {
                h.field("q", Text("查一家商家", "Look up a business"), value: typed, hint: Text("名称或者统一社会信用代码", "Name or credit code"), required: false, autocomplete: "off")
                h.div { h.button(Text("查询", "Look")) }
            }
            if let found {
                if found.isEmpty {
                    h.empty(
                        Text("没有公示中的投诉", "No published complaint"), Text("请核对名称；没有公示不等于没有投诉。", "Check the name; nothing published does not mean that nothing was complained of."))
                } else {
                    h.card(Text("查询结果（近12个月）", "Found (twelve months)")) {
                        h.ul("plain") {
                            for line in found {
                                h.li {
                                    h.a(Link.query("/publications/of", [("uscc", line.uscc), ("name", line.uscc == nil ? line.name : nil)]), nil, line.name)
                                    h.span("text-muted ms-2", Text("\(line.n)件，调解成功\(line.agreed)件", "\(line.n), of which \(line.agreed) settled"))
                                }
                            }
                        }
                    }
                }
            }
            h.div("two-columns") {
                h.card(Text("近30天投诉较多的类别", "Categories of the last thirty days")) {
                    if hot.isEmpty { h.p("text-muted mb-0", Text("近期没有公示", "Nothing was published lately")) }
                    h.element("table", "table queue") {
                        h.element("tbody") {
                            for (category, n, before) in hot {
                                h.tr {
                                    h.td(nil, GoodsCategory.named(category).map { h.say($0.title) } ?? category)
                                    h.td("number", String(n))
                                    h.td("text-muted small", before == 0 ? "" : h.say(Text("上个30天\(before)件", "\(before) in the thirty days before")))
                                }
                            }
                        }
                    }
                }
                h.card(Text("近30天投诉较多的问题", "Issues of the last thirty days")) {
                    if issues.isEmpty { h.p("text-muted mb-0", Text("近期没有公示", "Nothing was published lately")) }
                    h.element("table", "table queue") {
                        h.element("tbody") {
                            for (issue, n) in issues.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(8) {
                                h.tr {
                                    h.td(nil, ClaimKind(rawValue: issue).map { h.say($0.title) } ?? issue)
                                    h.td("number", String(n))
                                }
                            }
                        }
                    }
                }
            }
            h.card(Text("开放数据", "Open data")) {
                h.p("mb-1") {
                    h.a("/publications/data.csv", nil, Text(verbatim: "CSV"))
                    h.text(" · ")
                    h.a("/publications/data.json", nil, Text(verbatim: "JSON"))
                }
                h.ul("small mb-0") {
                    for (name, text) in Self.definitions {
                        h.li {
                            h.element("code", text: name); h.text(Text("：\(text.zh)", ": \(text.en)"))
                        }
                    }
                }
            }
        }
    }

    /// What each column of the open data means.
    static let definitions: [(String, Text)] = [
        ("name", Text("被投诉的经营者", "the business complained of")), ("uscc", Text("统一社会信用代码；未与登记库匹配的为空", "its credit code; empty where the register has no match")),
        ("region", Text("办理机关所在区划代码（六位）", "six digits of the division that handled it")), ("category", Text("商品和服务类别（本系统的简表）", "goods or service, by our own short list")),
        ("issues", Text("诉求，多项以竖线分隔", "claims, with | between")), ("result", Text("agreed 调解成功，ended 调解未成", "agreed: settled; ended: not")),
        ("closedOn", Text("办结日期", "day of closing")),
        ("until", Text("公示至", "shown until")),
    ]

    private func one(_ visit: Visit) async throws -> Answer {
        let (uscc, name) = (visit.exchange.query["uscc"]?.uppercased(), visit.exchange.query["name"])
        guard uscc != nil || name != nil else { throw Refusal.notFound }
        let which: SQL = if let uscc { "p.uscc = \(uscc)" } else { "p.uscc IS NULL AND p.name = \(name ?? "")" }
        let today = visit.desk.today()
        let (year, before) = (today.adding(months: -12), today.adding(months: -24))
        let (rows, earlier, first) = try await visit.desk.store.read { tx in
            (
                try tx.all(
                    "SELECT \(Publication.columns) FROM disputes_publications p JOIN casework_matters m ON m.id = p.matter WHERE p.state = 'published' AND \(which) AND p.closed_on > \(year) ORDER BY p.closed_on DESC LIMIT 500"
                ).map(Publication.init),
                try tx.count(
                    "SELECT count(*) AS n FROM disputes_publications p WHERE p.state IN ('published', 'withdrawn') AND \(which) AND p.closed_on <= \(year) AND p.closed_on > \(before)"
                ),
                // Of an ODR enterprise: what it settled before it was a complaint.
                try uscc.flatMap { try Operators.find(uscc: $0, tx) }.flatMap { op in try ODR.isAdmitted(op.id, tx) ? ODR.rate(op.id, tx) : nil }
            )
        }
        guard let latest = rows.first else { throw Refusal.notFound }
        let agreed = rows.count { $0.result == "agreed" }
        return visit.page(Text(verbatim: latest.name)) { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/publications", nil, Text("投诉公示", "Published complaints")) }
                h.h1(latest.name)
                if let uscc { h.p("text-muted mb-0", uscc) }
            }
            h.card(Text("近12个月", "Twelve months")) {
                h.div("figures") {
                    for (n, title) in [
                        (String(rows.count), Text("投诉", "Complaints")),
                        (earlier == 0 ? "—" : "\(rows.count >= earlier ? "+" : "−")\(abs(rows.count - earlier) * 100 / earlier)%", Text("较上个12个月", "Against the twelve before")),
                        ("\(agreed * 100 / rows.count)%", Text("调解成功率", "Settled")),
                    ] + (first?.share.map { [("\(Int(($0 * 100).rounded()))%", Text("先行和解率", "Settled first"))] } ?? []) {
                        h.div("figure") {
                            h.span("figure-n", n)
                            h.span("figure-t", title)
                        }
                    }
                }
                h.p("small text-muted mb-0", Text("只计公示中的投诉；调解成功率＝调解成功÷（成功＋未成）；先行和解率只计ODR企业。", "Of what is published; settled ÷ (settled + not settled)."))
            }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") { h.tr { for t in [Text("办结日期", "Closed"), Text("类别", "Category"), Text("问题", "Issue"), Text("结果", "Result")] { h.th(t) } } }
                    h.element("tbody") {
                        for p in rows.prefix(100) {
                            h.tr {
                                h.td("nowrap", p.closedOn.description)
                                h.td(nil, h.say(p.categoryTitle))
                                h.td(nil, h.say(p.issuesTitle))
                                h.td { h.badge(p.resultTitle, p.result == "agreed" ? "green" : "grey") }
                            }
                        }
                    }
                }
            }
        }
    }

    private func data(_ visit: Visit, csv: Bool) async throws -> Answer {
        let rows = try await visit.desk.store.read { tx in
            try tx.all(
                "SELECT \(Publication.columns), p.region AS at_region FROM disputes_publications p JOIN casework_matters m ON m.id = p.matter WHERE p.state = 'published' ORDER BY p.closed_on DESC, p.matter DESC LIMIT 50000"
            ).map {
                (Publication($0), String($0.string("at_region").prefix(6)))
            }
        }
        func cells(_ p: Publication, _ region: String) -> [String] {
            [p.name, p.uscc ?? "", region, p.category, p.issues.joined(separator: "|"), p.result, p.closedOn.description, p.until?.description ?? ""]
        }
        let names = Self.definitions.map(\.0)
        if csv {
            let text = "\u{FEFF}" + ([CSV.line(names)] + rows.map { CSV.line(cells($0.0, $0.1)) }).joined()
            return .file(Array(text.utf8), type: "text/csv; charset=utf-8", name: "complaints-published.csv")
        }
        let items = rows.map { JSON.object(zip(names, cells($0.0, $0.1).map(JSON.string)).map { ($0, $1) }) }
        let body = JSON.object([("definitions", .object(Self.definitions.map { ($0.0, .string($0.1.zh)) })), ("items", .array(items))])
        return .file(Array(body.text.utf8), type: "application/json; charset=utf-8", name: "complaints-published.json", inline: true)
    }
}
