import Formats
import Kernel
import Store
import Web

/// The staff desk (工作台): the queue, its filters, counts, bulk assignment, export.
package enum QueuePages {
    package static func routes() -> [Route] {
        [
            Route(.get, "/desk", .permitted("casework.see")) { visit in try await show(visit) },
            Route(.post, "/desk/assign", .permitted("casework.assign")) { visit in try await assign(visit) },
            Route(.post, "/desk/filters", .permitted("casework.see")) { visit in try await saveFilter(visit) },
            Route(.get, "/desk/export", .permitted("casework.see")) { visit in try await export(visit) },
        ]
    }

    private static func show(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let filter = try QueueFilter { visit.exchange.query[$0] }
        let today = visit.desk.today()
        let kinds = visit.house.kinds.keys.sorted()
        // Four statements, whatever the city's size: counts, page, names, saved filters (and colleagues to assign to).
        let (counts, page, names, filters, staff) = try await visit.desk.store.read { tx in
            let page = try Queue.page(filter, for: account, today: today, kinds: kinds, tx)
            return (
                try Queue.counts(for: account, today: today, tx), page, try Accounts.names(page.matters.compactMap { $0.assignee?.raw }, tx),
                try tx.all("SELECT name, query FROM platform_filters WHERE account = \(account.id) ORDER BY name").map { ($0.string("name"), $0.string("query")) },
                visit.may("casework.assign")
                    ? try tx.all("SELECT * FROM platform_accounts WHERE active = 1 AND region LIKE \(account.region + "%") ORDER BY name LIMIT 300").map(Account.init) : []
            )
        }
        return visit.page(Text("工作台", "Queue"), active: "/desk") { h in
            h.div("page-head") {
                h.h1(Text("待办事项", "Work queue"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(account.name) · \(visit.desk.regions.name(account.region)) · 最先到期的在前",
                        "\(account.name) · \(visit.desk.regions.name(account.region)) · what lapses first comes first"))
            }
            tiles(h, filter, counts)
            filterBar(h, visit, filter, filters)
            if page.matters.isEmpty {
                h.empty(Text("这里没有事项", "Nothing here"), Text("换一个筛选条件，或稍后再来。", "Try another filter, or come back later."))
            } else {
                visit.form(h, "/desk/assign") {
                    h.hidden("back", Link.query("/desk", filter.pairs))
                    list(h, visit, page.matters, names, selectable: !staff.isEmpty)
                    if !staff.isEmpty { assignBar(h, staff) }
                }
                h.pager(
                    previous: filter.cursor == nil ? nil : Link.query("/desk", filter.pairs), next: page.next.map { Link.query("/desk", filter.pairs + [("cursor", $0)]) },
                    summary: h.say(Text("本页\(page.matters.count)件", "\(page.matters.count) on this page")))
            }
        }
    }

    private static func tiles(_ h: HTML, _ filter: QueueFilter, _ counts: Queue.Counts) {
        func tile(_ title: Text, _ count: Int, _ tone: String, _ change: (inout QueueFilter) -> Void) {
            var to = QueueFilter()
            change(&to)
            var bare = filter
            bare.cursor = nil
            h.a(Link.query("/desk", to.pairs), "tile tone-\(tone)\(to == bare ? " active" : "")") {
                h.span("tile-count", String(count))
                h.span("tile-title", title)
            }
        }
        h.element("nav", "tiles", [.label(h.say(Text("队列", "Queues")))]) {
            tile(Text("我的", "Mine"), counts.mine, "blue") { $0.whose = .mine }
            tile(Text("本辖区全部", "All of the office"), counts.open, "grey") { _ in }
            tile(Text("未分派", "Unassigned"), counts.unassigned, "grey") { $0.whose = .unassigned }
            tile(Text("已逾期", "Overdue"), counts.overdue, "red") { $0.due = .overdue }
            tile(Text("今天到期", "Due today"), counts.today, "amber") { $0.due = .today }
            tile(Text("七天内到期", "Due in 7 days"), counts.week, "green") { $0.due = .week }
        }
    }

    private static func filterBar(_ h: HTML, _ visit: Visit, _ filter: QueueFilter, _ saved: [(String, String)]) {
        h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/desk"), .role("search")]) {
            h.void(
                "input", "form-control form-control-sm",
                [
                    .type("search"), .name("q"), .value(filter.text), .label(h.say(Text("搜索编号、商家、事实", "Search number, business, facts"))),
                    .init("placeholder", h.say(Text("编号、商家、事实", "Number, business, facts"))),
                ])
            h.element("select", "form-select form-select-sm", [.name("state"), .label(h.say(Text("状态", "State")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部状态", "Any state")))
                for kind in visit.house.kinds.values {
                    for state in kind.table.states { h.element("option", nil, [.value(state.name), .selected(state.name == filter.state)], text: h.say(state.title)) }
                }
            }
            h.element("select", "form-select form-select-sm", [.name("region"), .label(h.say(Text("辖区", "Region")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部辖区", "Any region")))
                for region in visit.desk.regions.children(of: visit.account?.region ?? "") {
                    h.element("option", nil, [.value(region.code), .selected(region.code == filter.region)], text: region.name)
                }
            }
            h.element("select", "form-select form-select-sm", [.name("closed"), .label(h.say(Text("办理情况", "Open or closed")))]) {
                h.element("option", nil, [.value(""), .selected(!filter.closed)], text: h.say(Text("在办", "Open")))
                h.element("option", nil, [.value("yes"), .selected(filter.closed)], text: h.say(Text("已结", "Closed")))
            }
            if filter.whose != .office { h.hidden("whose", filter.whose.rawValue) }
            if let due = filter.due { h.hidden("due", due.rawValue) }
            h.button(Text("筛选", "Filter"), "btn btn-sm btn-primary")
            h.a(Link.query("/desk/export", filter.pairs + [("format", "xlsx")]), "btn btn-sm btn-outline-secondary", Text("导出 Excel", "Export Excel"))
        }
        h.div("saved") {
            for (name, query) in saved { h.a("/desk" + query, "chip", name) }
            visit.form(h, "/desk/filters", "d-inline-flex gap-1") {
                h.hidden("query", String(Link.query("", filter.pairs)))
                h.void(
                    "input", "form-control form-control-sm",
                    [
                        .name("name"), .required, .init("maxlength", "20"), .label(h.say(Text("筛选名称", "Name of the filter"))),
                        .init("placeholder", h.say(Text("保存当前筛选为…", "Save this filter as…"))),
                    ])
                h.button(Text("保存", "Save"), "btn btn-sm btn-outline-secondary")
            }
        }
    }

    package static func list(_ h: HTML, _ visit: Visit, _ matters: [Matter], _ names: [Int64: String], selectable: Bool) {
        h.div("table-wrap") {
            h.element("table", "table table-hover queue") {
                h.element("thead") {
                    h.tr {
                        if selectable { h.th(Text("选", "✓"), "pick") }
                        h.th(Text("编号", "Number"))
                        h.th(Text("事由", "Matter"))
                        h.th(Text("状态", "State"))
                        h.th(Text("到期", "Due"))
                        h.th(Text("辖区", "Region"))
                        h.th(Text("承办", "With"))
                        h.th(Text("收到", "Received"))
                    }
                }
                h.element("tbody") {
                    for matter in matters {
                        let state = visit.house.kinds[matter.kind]?.table.state(matter.state)
                        h.tr {
                            if selectable {
                                h.td("pick") {
                                    h.void(
                                        "input", "form-check-input",
                                        [.type("checkbox"), .name("matter"), .value(matter.id.description), .label(h.say(Text("选择 \(matter.number)", "Pick \(matter.number)")))])
                                }
                            }
                            h.td("number") { h.a(visit.house.path(matter), nil, matter.number) }
                            h.td("title", matter.title)
                            h.td { if let state { h.badge(state.title, state.tone) } }
                            h.td("nowrap") { matter.open ? visit.urgency(h, matter.nextDue) : h.text(matter.closedAt?.day.description ?? "") }
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("辖区", "Region")))], text: visit.desk.regions.name(matter.region))
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("承办", "With")))], text: matter.assignee.flatMap { names[$0.raw] } ?? "—")
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("收到", "Received")))], text: matter.receivedAt.day.description)
                        }
                    }
                }
            }
        }
    }

    private static func assignBar(_ h: HTML, _ staff: [Account]) {
        h.div("assign-bar") {
            h.element("select", "form-select form-select-sm", [.name("assignee"), .required, .label(h.say(Text("分派给", "Assign to")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("将所选分派给…", "Assign the picked to…")))
                for account in staff {
                    h.element("option", nil, [.value(account.id.description)], text: "\(account.name)（\(account.roles.map { h.say($0.title) }.sorted().joined(separator: "、"))）")
                }
            }
            h.button(Text("分派", "Assign"), "btn btn-sm btn-primary")
        }
    }

    private static func assign(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("casework.assign")
        let form = try visit.exchange.form()
        let ids = form.all("matter").compactMap { ID<Matter>($0) }
        guard !ids.isEmpty else { throw Refusal.invalid("/matter", Text("请先勾选事项", "Pick at least one matter")) }
        guard let assignee = form["assignee"].flatMap({ ID<Account>($0) }) else { throw Refusal.invalid("/assignee", Text("请选择分派给谁", "Choose whom to assign to")) }
        let now = visit.desk.now
        try await visit.desk.store.write { tx in
            guard let account = try Accounts.find(assignee, tx), account.active else { throw Refusal.notFound }
            for id in ids.prefix(200) {
                let matter = try tx.matter(id)
                guard visit.maySee(matter) else { throw Refusal.notFound }
                try Casework.assign(matter, to: account, by: officer, at: now, tx)
            }
        }
        return .redirect(form["back"] ?? "/desk")
    }

    private static func saveFilter(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        guard let name = form["name"], name.count <= 20 else { throw Refusal.invalid("/name", Text("请给筛选起一个20字以内的名称", "Name the filter in at most 20 characters")) }
        let query = form["query"] ?? ""
        guard query.isEmpty || query.hasPrefix("?"), query.count < 500 else { throw Refusal.invalid("/query", Text("筛选无效", "The filter is not valid")) }
        try await visit.desk.store.write { tx in
            try tx.run("INSERT INTO platform_filters (account, name, query) VALUES (\(account.id), \(name), \(query)) ON CONFLICT (account, name) DO UPDATE SET query = \(query)")
        }
        return .redirect("/desk" + query)
    }

    private static func export(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let filter = try QueueFilter { visit.exchange.query[$0] }
        let today = visit.desk.today()
        let kinds = visit.house.kinds.keys.sorted()
        let (matters, names) = try await visit.desk.store.read { tx in
            let matters = try Queue.page(filter, for: account, today: today, kinds: kinds, limit: 10_000, tx).matters
            return (matters, try Accounts.names(matters.compactMap { $0.assignee?.raw }, tx))
        }
        let language = visit.language
        let header = [Text("编号", "Number"), Text("事由", "Matter"), Text("状态", "State"), Text("到期日", "Due"), Text("辖区", "Region"), Text("承办人", "With"), Text("收到时间", "Received")].map
        { $0[language] }
        let rows = matters.map { m in
            [
                m.number, m.title, visit.house.kinds[m.kind]?.table.state(m.state).title[language] ?? m.state, m.nextDue?.description ?? "", visit.desk.regions.path(m.region),
                m.assignee.flatMap { names[$0.raw] } ?? "", m.receivedAt.minuteText,
            ]
        }
        if visit.exchange.query["format"] == "xlsx" {
            return .file(
                try Transfer.xlsx(sheet: Text("待办", "Queue")[language], header: header, rows: rows), type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                name: "queue-\(today).xlsx")
        }
        return .file(Transfer.csv(header: header, rows: rows), type: "text/csv; charset=utf-8", name: "queue-\(today).csv")
    }
}
