import Detect
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The analyst's queue (线索队列): leads by rank, by state and model; `LeadPage` shows one.
struct LeadPages: Sendable {
    let leads: LeadDesk
    let room: ModelRoom

    func routes() -> [Route] {
        [
            Route(.get, "/monitoring", .permitted("monitoring.see")) { visit in try await queue(visit) },
            Route(.get, "/monitoring/export", .permitted("monitoring.see")) { visit in try await export(visit) },
            Route(.get, "/leads/:id", .permitted("monitoring.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/leads/:id/moves/:move", .permitted("monitoring.see")) { visit in try await move(visit) },
            Route(.post, "/leads/:id/code", .permitted("monitoring.screen")) { visit in try await newCode(visit) },
            Route(.get, "/leads/:id/snapshot", .permitted("monitoring.see")) { visit in try await snapshot(visit) },
        ]
    }

    // MARK: The queue

    /// What the list shows: a state, a model, a level, by rank.
    struct Filter {
        let state: String
        let model: String?
        let text: String?
        let mine: Bool
        /// What came in a period, in a district: what the funnel opens.
        let period: String?
        let region: String?
        /// Only what the region itself has, not its districts.
        let exact: Bool
        let cursor: String?

        init(_ query: Form) throws(Refusal) {
            let asked = query["state"] ?? LeadMoves.detected
            guard asked == "all" || LeadMoves.table.states.contains(where: { $0.name == asked }) else {
                throw .invalid("/state", Text("没有“\(asked)”这个状态", "There is no state “\(asked)”"))
            }
            state = asked
            model = query["model"]
            text = query["q"]
            mine = query["whose"] == "mine"
            period = query["during"]
            if let period, Day.span(period) == nil { throw .invalid("/during", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026")) }
            region = query["region"]
            exact = query["exact"] == "yes"
            cursor = query["cursor"]
        }
        var pairs: [(String, String?)] {
            [("state", state), ("model", model), ("q", text), ("whose", mine ? "mine" : nil), ("during", period), ("region", region), ("exact", exact ? "yes" : nil)]
        }

        func conditions(_ account: Account, city: String, today: Day) throws -> [SQL] {
            var all: [SQL] = ["m.kind = \(LeadMoves.kind)"]
            if state != "all" { all.append("m.state = \(state)") }
            if let model { all.append("l.model = \(model)") }
            // What was put aside comes back on its day; a search for all of them shows it.
            if state == LeadMoves.detected || state == LeadMoves.screened { all.append("(l.snoozed_until IS NULL OR l.snoozed_until <= \(today))") }
            if mine { all.append("m.assignee = \(account.id)") }
            if let span = period.flatMap(Day.span) { all.append("m.received_at >= \(Moment(span.lowerBound)) AND m.received_at < \(Moment(span.upperBound))") }
            if let region { all.append(exact ? "m.region = \(region)" : "m.region >= \(region) AND m.region < \(region + "~")") }
            if account.region != city, !account.region.isEmpty { all.append("m.region >= \(account.region) AND m.region < \(account.region + "~")") }
            if let cursor {
                let parts = cursor.split(separator: ".").compactMap { Int64($0) }
                guard parts.count == 2 else { throw Refusal.invalid("/cursor", Text("翻页标记无效", "The cursor is not valid")) }
                all.append("(l.score < \(parts[0]) OR (l.score = \(parts[0]) AND l.matter < \(parts[1])))")
            }
            return all
        }
    }

    struct Item: Sendable {
        let lead: Lead
        let listing: String
        let shop: String
    }

    func load(_ f: Filter, _ account: Account, city: String, limit: Int, _ tx: Transaction) throws -> [Item] {
        var conditions = try f.conditions(account, city: city, today: leads.desk.today())
        if let text = f.text {
            let keys = try Search.query(LeadMoves.kind, text).map { try Search.find(LeadMoves.kind, $0, limit: 2000, tx) } ?? []
            guard !keys.isEmpty else { return [] }
            conditions.append("m.id IN (\(list: keys))")
        }
        return try tx.all(
            """
            SELECT \(Lead.columns), i.name AS listing_name, COALESCE(s.name, '') AS shop_name FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter JOIN monitoring_listings i ON i.id = l.listing
            LEFT JOIN monitoring_sellers s ON s.id = l.seller WHERE \(SQL.all(conditions)) ORDER BY l.score DESC, l.matter DESC LIMIT \(limit)
            """
        ).map { Item(lead: Lead(Matter($0), $0), listing: $0.string("listing_name"), shop: $0.string("shop_name")) }
    }

    /// A lead's title in the reader's language: it is kept in Chinese, with the model's name in it.
    static func title(_ matter: Matter, _ model: Text?, _ language: Language) -> String {
        guard language == .en, let model else { return matter.title }
        return matter.title.replacing("：\(model.zh)", with: ": \(model.en)")
    }

    private func queue(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.see")
        let filter = try Filter(visit.exchange.query)
        let city = visit.desk.configuration.cityRegion
        let (items, counts, models, names) = try await visit.desk.store.read { tx in
            let items = try load(filter, account, city: city, limit: 41, tx)
            let region: SQL = account.region == city || account.region.isEmpty ? "1 = 1" : "region >= \(account.region) AND region < \(account.region + "~")"
            let counts = try tx.all("SELECT state, count(*) AS n FROM casework_matters WHERE kind = \(LeadMoves.kind) AND \(region) GROUP BY state").map {
                ($0.string("state"), $0.count("n"))
            }
            return (
                items, Dictionary(counts) { a, _ in a },
                try tx.all("SELECT DISTINCT model, title FROM monitoring_editions ORDER BY model").map { ($0.string("model"), $0.string("title")) },
                try Accounts.names(items.compactMap { $0.lead.matter.assignee?.raw }, tx)
            )
        }
        let titles = Dictionary(try await room.current(visit.desk.store).library.models.map { ($0.id, $0.title) }) { a, _ in a }
        return visit.page(Text("监测线索", "Leads"), active: "/monitoring") { h in
            h.div("page-head") {
                h.h1(Text("监测线索", "Leads of monitoring"))
                h.p("text-muted mb-0", Text("按违法可能性、危害和新鲜程度排序", "Ordered by likelihood, harm and freshness"))
            }
            Self.tabs(h, visit, active: "leads")
            h.element("nav", "tiles", [.label(h.say(Text("线索状态", "States")))]) {
                for (state, tone) in [
                    (LeadMoves.detected, "blue"), (LeadMoves.screened, "teal"), (LeadMoves.notified, "amber"), (LeadMoves.verifying, "violet"), (LeadMoves.proposed, "red"),
                    (LeadMoves.closed, "green"),
                ] {
                    h.a(Link.query("/monitoring", [("state", state)]), "tile tone-\(tone)\(filter.state == state ? " active" : "")") {
                        h.span("tile-count", String(counts[state] ?? 0))
                        h.span("tile-title", LeadMoves.table.state(state).title)
                    }
                }
            }
            bar(h, visit, filter, models.map { ($0.0, titles[$0.0]?[visit.language] ?? $0.1) })
            if items.isEmpty {
                h.empty(
                    Text("这里没有线索", "No lead here"),
                    counts.isEmpty
                        ? Text("导入商品信息，或在“检查商品信息”中粘贴一条试试。", "Import listings, or paste one under “Check a listing”.") : Text("换一个状态或模型看看。", "Try another state or model."))
            } else {
                list(h, visit, Array(items.prefix(40)), names, titles)
            }
            h.pager(
                previous: filter.cursor == nil ? nil : Link.query("/monitoring", filter.pairs),
                next: items.count > 40 ? Link.query("/monitoring", filter.pairs + [("cursor", "\(items[39].lead.score).\(items[39].lead.matter.id)")]) : nil,
                summary: h.say(Text("本页\(min(40, items.count))件", "\(min(40, items.count)) on this page")))
        }
    }

    /// The ways through monitoring, the same on each of its pages.
    static func tabs(_ h: HTML, _ visit: Visit, active: String) {
        h.element("nav", "tabs", [.label(h.say(Text("监测", "Monitoring")))]) {
            for (name, path, title) in [
                ("leads", "/monitoring", Text("线索", "Leads")), ("check", "/monitoring/check", Text("检查商品信息", "Check a listing")),
                ("models", "/monitoring/models", Text("模型", "Models")), ("requests", "/monitoring/requests", Text("协查", "Co-investigation")),
            ] { h.a(path, name == active ? "tab active" : "tab", title) }
            if visit.may("monitoring.intake") { h.a("/import/listings", "tab", Text("导入", "Import")) }
        }
    }

    private func bar(_ h: HTML, _ visit: Visit, _ f: Filter, _ models: [(String, String)]) {
        h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/monitoring"), .role("search")]) {
            h.void(
                "input", "form-control form-control-sm",
                [
                    .type("search"), .name("q"), .value(f.text), .label(h.say(Text("编号、店铺、商品", "Number, shop, goods"))),
                    .init("placeholder", h.say(Text("编号、店铺、商品", "Number, shop, goods"))),
                ])
            h.element("select", "form-select form-select-sm", [.name("state"), .label(h.say(Text("状态", "State")))]) {
                h.element("option", nil, [.value("all"), .selected(f.state == "all")], text: h.say(Text("全部状态", "Any state")))
                for state in LeadMoves.table.states { h.element("option", nil, [.value(state.name), .selected(f.state == state.name)], text: h.say(state.title)) }
            }
            h.element("select", "form-select form-select-sm", [.name("model"), .label(h.say(Text("模型", "Model")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部模型", "Any model")))
                for (id, title) in models { h.element("option", nil, [.value(id), .selected(f.model == id)], text: "\(id) \(title)") }
            }
            h.button(Text("筛选", "Filter"), "btn btn-sm btn-primary")
            h.a(Link.query("/monitoring/export", f.pairs), "btn btn-sm btn-outline-secondary", Text("导出 Excel", "Export Excel"))
        }
    }

    private func list(_ h: HTML, _ visit: Visit, _ items: [Item], _ names: [Int64: String], _ titles: [String: Text]) {
        h.div("table-wrap") {
            h.element("table", "table table-hover queue") {
                h.element("thead") {
                    h.tr {
                        for t in [
                            Text("编号", "Number"), Text("线索", "Lead"), Text("模型", "Model"), Text("命中", "Hits"), Text("等级", "Level"), Text("状态", "State"), Text("发现", "Found"),
                            Text("承办", "With"),
                        ] { h.th(t) }
                    }
                }
                h.element("tbody") {
                    for item in items {
                        let m = item.lead.matter
                        let state = LeadMoves.table.state(m.state)
                        h.tr {
                            h.td("number") { h.a("/leads/\(m.id)", nil, m.number) }
                            h.td("title") {
                                h.text(Self.title(m, titles[item.lead.model], visit.language))
                                h.span("d-block small text-muted", item.listing)
                            }
                            h.td("nowrap") { h.a("/monitoring/models/\(item.lead.model)", nil, item.lead.model) }
                            h.element("td", "number", [.init("data-label", h.say(Text("命中", "Hits")))], text: String(item.lead.hits))
                            h.td { h.badge(Self.level(item.lead.level).title, Self.level(item.lead.level).tone) }
                            h.td {
                                h.badge(state.title, state.tone)
                                if m.state == LeadMoves.notified, let by = item.lead.correctBy { h.span("d-block small", Text("\(by)前改正", "by \(by)")) }
                                if m.state == LeadMoves.verifying, let due = m.nextDue { visit.left(h, due) }
                            }
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("发现", "Found")))], text: m.receivedAt.day.description)
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("承办", "With")))], text: m.assignee.flatMap { names[$0.raw] } ?? "—")
                        }
                    }
                }
            }
        }
    }

    static func level(_ name: String) -> (title: Text, tone: String) {
        switch name {
        case "critical": (Text("特急", "critical"), "red")
        case "high": (Text("高", "high"), "red")
        case "medium": (Text("中", "medium"), "amber")
        case "low": (Text("低", "low"), "grey")
        default: (Text("提示", "note"), "grey")
        }
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.see")
        let filter = try Filter(visit.exchange.query)
        let city = visit.desk.configuration.cityRegion
        let items = try await visit.desk.store.read { try load(filter, account, city: city, limit: 100_000, $0) }
        let language = visit.language
        let header = [
            Text("编号", "Number"), Text("线索", "Lead"), Text("模型", "Model"), Text("店铺", "Shop"), Text("商品", "Listing"), Text("命中", "Hits"), Text("等级", "Level"), Text("状态", "State"),
            Text("结果", "Outcome"), Text("辖区", "Region"), Text("发现时间", "Found"),
        ].map { $0[language] }
        let rows = items.map { item in
            let m = item.lead.matter
            return [
                m.number, m.title, item.lead.model, item.shop, item.listing, String(item.lead.hits), Self.level(item.lead.level).title[language],
                LeadMoves.table.state(m.state).title[language], m.outcome.map { LeadMoves.table.outcomes[$0]?[language] ?? $0 } ?? "", visit.region(m.region),
                m.receivedAt.minuteText,
            ]
        }
        return .file(
            try Transfer.xlsx(sheet: Text("线索", "Leads")[language], header: header, rows: rows), type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            name: "leads-\(visit.desk.today()).xlsx")
    }
}
