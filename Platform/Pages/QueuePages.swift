import Formats
import Kernel
import Statute
import Store
import Web

/// The staff desk (工作台): the queue, its filters, counts, bulk assignment, export.
package enum QueuePages {
    /// What a spreadsheet still opens with ease.
    static let exportLimit = 100_000

    package static func routes() -> [Route] {
        [
            Route(.get, "/desk", .permitted("casework.see")) { [kept = Queue.KeptCounts()] visit in try await show(visit, kept) },
            Route(.post, "/desk/assign", .permitted("casework.assign")) { visit in try await assign(visit) },
            Route(.post, "/desk/filters", .permitted("casework.see")) { visit in try await saveFilter(visit) },
            Route(.get, "/desk/export", .permitted("casework.see")) { visit in try await export(visit) },
        ]
    }

    private static func filter(_ visit: Visit, _ account: Account) throws -> QueueFilter {
        var filter = try QueueFilter { visit.exchange.query[$0] }
        filter.hidden = visit.house.hidden(from: account, visit.desk.permissions)
        return filter
    }

    private static func show(_ visit: Visit, _ kept: Queue.KeptCounts) async throws -> Answer {
        let account = try visit.signedIn()
        let filter = try filter(visit, account)
        try filter.check(visit.desk.regions, states: visit.house.kinds.values.flatMap { $0.table.states.map(\.name) }, for: account)
        let today = visit.desk.today()
        let kinds = visit.house.kinds.keys.sorted()
        let city = visit.desk.configuration.cityRegion
        let counts = try await kept.counts(for: account, hiding: filter.hidden, desk: visit.desk)
        // Four statements, whatever the city's size: page, its periods, names, saved filters; one's own count, and the office's once a second.
        let (page, periods, total, names, filters) = try await visit.desk.store.read { tx in
            let page = try Queue.page(filter, for: account, city: city, today: today, kinds: kinds, tx)
            // A list behind a figure says how many it holds.
            let counts = filter.isHistory && filter.text == nil && page.next != nil
            return (
                page, try Queue.periods(of: page.matters, late: filter.late, tx),
                counts ? try Queue.total(filter, for: account, city: city, today: today, tx) : filter.text == nil && filter.cursor == nil ? page.matters.count : nil,
                try Accounts.names(page.matters.compactMap { $0.assignee?.raw }, tx),
                try tx.all("SELECT name, query FROM platform_filters WHERE account = \(account.id) ORDER BY name").map { ($0.string("name"), $0.string("query")) }
            )
        }
        // What was is read, not handed out.
        let assigns = visit.may("casework.assign") && !filter.isHistory
        return visit.page(Text("工作台", "Queue"), active: "/desk") { h in
            h.div("page-head") {
                h.h1(filter.isHistory ? Text("事项清单", "List of matters") : Text("待办事项", "Work queue"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "\(account.name) · \(visit.region(account.region)) · \(filter.isHistory ? "最近收到的在前" : "最先到期的在前")",
                        "\(account.name) · \(visit.region(account.region)) · \(filter.isHistory ? "the newest first" : "what lapses first comes first")"))
            }
            tiles(h, filter, counts)
            filterBar(h, visit, filter, filters)
            if filter.isAccount {
                h.p("small") {
                    h.text(
                        filter.late
                            ? Text("近一年有期限逾期完成的事项，最近收到的在前。", "Matters of which a period was met late in the last year, the newest first.")
                            : filter.receivedIn.map { Text("\($0)收到的事项，最近收到的在前。", "Matters received in \($0), the newest first.") }
                                ?? filter.during.map { Text("\($0)该项指标计入的事项，最近收到的在前。", "Matters that the figure counts in \($0), the newest first.") }
                                ?? filter.closedIn.map { Text("\($0)办结的事项，最近收到的在前。", "Matters closed in \($0), the newest first.") }
                                ?? Text("近一年按办理结果列出的事项，最近收到的在前。", "Matters of the last year by how they ended, the newest first."))
                    h.a("/desk", "ms-2", Text("返回待办", "Back to the queue"))
                }
            }
            if page.matters.isEmpty {
                h.empty(
                    Text("这里没有事项", "Nothing here"),
                    filter.text.map { $0.count < 2 } ?? false
                        ? Text("搜索至少需要两个字。", "A search needs two characters.") : Text("换一个筛选条件，或稍后再来。", "Try another filter, or come back later."))
            } else {
                visit.form(h, "/desk/assign") {
                    h.hidden("back", Link.query("/desk", filter.pairs))
                    list(
                        h, visit, page.matters, names, selectable: assigns, dates: filter.isHistory ? Text("到期或办结", "Due or closed") : Text("到期", "Due"), periods: periods,
                        outcomes: filter.isHistory)
                    if assigns {
                        h.div("assign-bar") {
                            h.button(Text("将所选分派给…", "Assign the picked to…"), "btn btn-sm btn-primary")
                            if page.matters.contains(where: { visit.house.kinds[$0.kind]?.table.concerns(account, in: $0.state, visit.desk.permissions) ?? false }) {
                                h.button(Text("由我承办", "Assign to me"), "btn btn-sm btn-outline-secondary", name: "assignee", value: account.id.description)
                            }
                        }
                    }
                }
                h.pager(
                    previous: filter.cursor == nil ? nil : Link.query("/desk", filter.pairs), next: page.next.map { Link.query("/desk", filter.pairs + [("cursor", $0)]) },
                    summary: h.say(
                        !filter.isHistory
                            ? Text("本页\(page.matters.count)件", "\(page.matters.count) on this page")
                            : total.map { Text("共\($0)件，本页\(page.matters.count)件", "\($0) in all, \(page.matters.count) on this page") }
                                ?? Text("本页\(page.matters.count)件，共10万件以上", "\(page.matters.count) on this page of more than 100,000")))
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
            if visit.house.kinds.count > 1 {
                h.element("select", "form-select form-select-sm", [.name("kind"), .label(h.say(Text("类型", "Kind")))]) {
                    h.element("option", nil, [.value("")], text: h.say(Text("全部类型", "Any kind")))
                    for kind in visit.house.kinds.values.sorted(by: { $0.table.kind < $1.table.kind }) where !filter.hidden.contains(kind.table.kind) {
                        h.element("option", nil, [.value(kind.table.kind), .selected(kind.table.kind == filter.kind)], text: h.say(kind.table.title))
                    }
                }
            }
            h.element("select", "form-select form-select-sm", [.name("state"), .label(h.say(Text("状态", "State")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部状态", "Any state")))
                for kind in visit.house.kinds.values.sorted(by: { $0.table.kind < $1.table.kind })
                where !filter.hidden.contains(kind.table.kind) && (filter.kind == nil || filter.kind == kind.table.kind) {
                    h.element("optgroup", nil, [.init("label", h.say(kind.table.title))]) {
                        for state in kind.table.states { h.element("option", nil, [.value(state.name), .selected(state.name == filter.state)], text: h.say(state.title)) }
                    }
                }
            }
            h.element("select", "form-select form-select-sm", [.name("region"), .label(h.say(Text("辖区", "Region")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部辖区", "Any region")))
                for region in visit.desk.regions.children(of: visit.account?.region ?? "") where (visit.account?.region.count ?? 0) < 9 {
                    h.element("option", nil, [.value(region.code), .selected(region.code == filter.region)], text: visit.region(region.code))
                }
            }
            // What is asked for over a time holds both.
            if !filter.isAccount {
                h.element("select", "form-select form-select-sm", [.name("closed"), .label(h.say(Text("办理情况", "Open or closed")))]) {
                    h.element("option", nil, [.value(""), .selected(!filter.closed)], text: h.say(Text("在办", "Open")))
                    h.element("option", nil, [.value("yes"), .selected(filter.closed)], text: h.say(Text("已结", "Closed")))
                }
            }
            if filter.whose != .office { h.hidden("whose", filter.whose.rawValue) }
            if let due = filter.due { h.hidden("due", due.rawValue) }
            if let outcome = filter.outcome { h.hidden("outcome", outcome) }
            if filter.late { h.hidden("late", "yes") }
            if let received = filter.year ? "year" : filter.receivedIn { h.hidden("received", received) }
            for (name, value) in filter.pairs where ["finished", "duty", "moved", "during", "trade"].contains(name) { if let value { h.hidden(name, value) } }
            h.button(Text("筛选", "Filter"), "btn btn-sm btn-primary")
            h.a(Link.query("/desk/export", filter.pairs + [("format", "xlsx")]), "btn btn-sm btn-outline-secondary", Text("导出 Excel", "Export Excel"))
        }
        h.div("saved") {
            if !saved.isEmpty {
                visit.form(h, "/desk/filters", "d-inline-flex gap-1 flex-wrap") {
                    h.hidden("query", String(Link.query("", filter.pairs)))
                    for (name, query) in saved {
                        h.element("span", "chip") {
                            h.a("/desk" + query, nil, name)
                            h.button(
                                Text(verbatim: "×"), "chip-x", name: "remove", value: name,
                                attributes: [.label(h.say(Text("删除筛选“\(name)”", "Remove the filter “\(name)”")))])
                        }
                    }
                }
            }
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

    package static func list(
        _ h: HTML, _ visit: Visit, _ matters: [Matter], _ names: [Int64: String], selectable: Bool, dates: Text = Text("到期", "Due"),
        periods: [Int64: [(duty: String, daysLate: Int)]] = [:], outcomes: Bool = false
    ) {
        h.div("table-wrap") {
            h.element("table", "table table-hover queue") {
                h.element("thead") {
                    h.tr {
                        if selectable {
                            h.element("th", "pick", [.init("scope", "col")]) {
                                h.void(
                                    "input", "form-check-input",
                                    [.type("checkbox"), .init("data-pick-all", if: true), .init("hidden", if: true), .label(h.say(Text("全选本页", "Pick all of this page")))])
                            }
                        }
                        h.th(Text("编号", "Number"))
                        h.th(Text("事由", "Matter"))
                        h.th(Text("状态", "State"))
                        h.th(dates)
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
                            h.td {
                                if let state { h.badge(state.title, state.tone) }
                                // A closed state does not say how it ended.
                                if outcomes, let outcome = matter.outcome, outcome != matter.state, let title = visit.house.kinds[matter.kind]?.table.outcomes[outcome],
                                    title != state?.title
                                {
                                    h.span("d-block small", title)
                                }
                            }
                            h.td("nowrap") {
                                matter.open
                                    ? visit.urgency(h, matter.nextDue, why: "/matters/\(matter.id)/why")
                                    : h.text(matter.closedAt.map { Text("\($0.day) 办结", "closed \($0.day)") } ?? Text("", ""))
                                for period in periods[matter.id.raw] ?? [] {
                                    let name = visit.desk.law.catalogue[period.duty].map { Text($0.name, $0.nameEn) } ?? Text(verbatim: period.duty)
                                    h.span(
                                        "d-block small text-muted",
                                        period.daysLate > 0 ? Text("\(name.zh)逾期\(period.daysLate)天", "\(name.en): \(period.daysLate) d late") : name)
                                }
                            }
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("辖区", "Region")))], text: visit.region(matter.region))
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("承办", "With")))], text: matter.assignee.flatMap { names[$0.raw] } ?? "—")
                            h.element("td", "nowrap", [.init("data-label", h.say(Text("收到", "Received")))], text: matter.receivedAt.day.description)
                        }
                    }
                }
            }
        }
    }

    /// Without a person yet: the picked matters stay picked, and colleagues are shown with what they have in hand.
    private static func choose(_ visit: Visit, _ officer: Account, _ ids: [ID<Matter>], back: String, _ refusal: Refusal? = nil) async throws -> Answer {
        let (matters, staff, loads) = try await visit.desk.store.read { tx in
            let matters = try ids.map { try tx.matter($0) }.filter(visit.maySee)
            let staff = try tx.all("SELECT * FROM platform_accounts WHERE active = 1 AND region LIKE \(officer.region + "%") ORDER BY region, name").map(Account.init)
            let loads = try tx.all("SELECT assignee, count(*) AS n FROM casework_matters WHERE open = 1 AND assignee IS NOT NULL GROUP BY assignee")
            return (matters, staff, Dictionary(loads.map { ($0.int("assignee"), $0.count("n")) }) { a, _ in a })
        }
        // Only who covers their regions and may carry them on as they stand.
        let able = staff.filter { account in
            matters.allSatisfy { account.mayTake($0.region) && (visit.house.kinds[$0.kind]?.table.concerns(account, in: $0.state, visit.desk.permissions) ?? false) }
        }
        return visit.page(Text("分派", "Assign"), status: refusal?.kind.status ?? 200, active: "/desk") { h in
            h.div("narrow") {
                h.h1(Text("将\(matters.count)件事项分派给…", "Assign \(matters.count) matters to…"))
                h.errorSummary(refusal)
                h.ul { for matter in matters.prefix(10) { h.li { h.text("\(matter.number) \(matter.title)") } } }
                if matters.count > 10 { h.p("text-muted", Text("……等\(matters.count)件", "… \(matters.count) in all")) }
                if able.isEmpty {
                    h.empty(Text("没有能承办全部所选事项的人员", "Nobody covers all of these"), Text("请按辖区分别选择。", "Pick the matters of one district at a time."))
                } else {
                    visit.form(h, "/desk/assign", "card card-body") {
                        h.hidden("back", back)
                        for id in ids { h.hidden("matter", id.description) }
                        h.radios(
                            "assignee", Text("承办人（括号内为在办件数）", "Officer (with matters in hand)"),
                            options: able.map { account in
                                let roles = account.roles.map { h.say($0.title) }.sorted().joined(separator: "、")
                                return (
                                    account.id.description, Text(verbatim: "\(account.name)（\(loads[account.id.raw] ?? 0)）"),
                                    Text(verbatim: "\(visit.region(account.region)) · \(roles)")
                                )
                            }, value: nil, errors: HTML.Errors(refusal))
                        h.button(Text("分派", "Assign"))
                        h.a(back, "btn btn-outline-secondary", Text("取消", "Cancel"))
                    }
                }
            }
        }
    }

    private static func assign(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("casework.assign")
        let form = try visit.exchange.form()
        let back = form["back"].flatMap { $0.hasPrefix("/desk") ? $0 : nil } ?? "/desk"
        let ids = Array(form.all("matter").compactMap { ID<Matter>($0) }.prefix(200))
        guard !ids.isEmpty else { return visit.redirect(back, saying: Text("请先勾选事项", "Pick at least one matter"), refused: true) }
        guard let assignee = form["assignee"].flatMap({ ID<Account>($0) }) else { return try await choose(visit, officer, ids, back: back) }
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                guard let account = try Accounts.find(assignee, tx), account.active else { throw Refusal.notFound }
                for id in ids {
                    let matter = try tx.matter(id)
                    guard visit.maySee(matter) else { throw Refusal.notFound }
                    guard let table = visit.house.kinds[matter.kind]?.table, table.concerns(account, in: matter.state, visit.desk.permissions) else {
                        let state = visit.house.kinds[matter.kind]?.table.state(matter.state).title ?? Text(verbatim: matter.state)
                        throw Refusal.invalid(
                            "/assignee",
                            Text("\(account.name)的岗位不能办理处于“\(state.zh)”的\(matter.number)", "\(account.name)'s role cannot carry on \(matter.number), which is “\(state.en)”"))
                    }
                    try Casework.assign(matter, to: account, by: officer, at: now, tx)
                }
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await choose(visit, officer, ids, back: back, refusal) }
        return .redirect(back)
    }

    private static func saveFilter(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let query = form["query"] ?? ""
        guard query.isEmpty || query.hasPrefix("?"), query.count < 500 else { throw Refusal.invalid("/query", Text("筛选无效", "The filter is not valid")) }
        if let gone = form["remove"] {
            try await visit.desk.store.write { try $0.run("DELETE FROM platform_filters WHERE account = \(account.id) AND name = \(gone)") }
            return visit.redirect("/desk" + query, saying: Text("已删除筛选“\(gone)”", "The filter “\(gone)” is gone"))
        }
        guard let name = form["name"], name.count <= 20 else {
            return visit.redirect("/desk" + query, saying: Text("请给筛选起一个20字以内的名称", "Name the filter in at most 20 characters"), refused: true)
        }
        try await visit.desk.store.write { tx in
            try tx.run("INSERT INTO platform_filters (account, name, query) VALUES (\(account.id), \(name), \(query)) ON CONFLICT (account, name) DO UPDATE SET query = \(query)")
        }
        return .redirect("/desk" + query)
    }

    private static func export(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let filter = try filter(visit, account)
        try filter.check(visit.desk.regions, states: visit.house.kinds.values.flatMap { $0.table.states.map(\.name) }, for: account)
        let today = visit.desk.today()
        let kinds = visit.house.kinds.keys.sorted()
        let city = visit.desk.configuration.cityRegion
        let (matters, names) = try await visit.desk.store.read { tx in
            let page = try Queue.page(filter, for: account, city: city, today: today, kinds: kinds, limit: exportLimit, tx)
            guard page.next == nil else {
                throw Refusal(.invalid, Text("超过\(exportLimit)件，请缩小筛选范围后分次导出", "More than \(exportLimit) matters: narrow the filter and export in parts"))
            }
            let matters = page.matters
            return (matters, try Accounts.names(matters.compactMap { $0.assignee?.raw }, tx))
        }
        let language = visit.language
        let header = [
            Text("编号", "Number"), Text("事由", "Matter"), Text("状态", "State"), Text("到期日", "Due"), Text("到期日为估算", "Due is an estimate"), Text("辖区", "Region"), Text("承办人", "With"),
            Text("收到时间", "Received"), Text("办结时间", "Closed"), Text("结果", "Outcome"),
        ].map { $0[language] }
        let rows = matters.map { m in
            [
                m.number, m.title, visit.house.kinds[m.kind]?.table.state(m.state).title[language] ?? m.state, m.nextDue?.description ?? "",
                m.nextDue.map { visit.desk.calendar.value.isKnown($0) ? "" : Text("是", "yes")[language] } ?? "", visit.desk.regions.path(m.region, in: visit.language),
                m.assignee.flatMap { names[$0.raw] } ?? "", m.receivedAt.minuteText, m.closedAt?.minuteText ?? "",
                m.outcome.map { visit.house.kinds[m.kind]?.table.outcomes[$0]?[language] ?? $0 } ?? "",
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
