import Credit
import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Draws at the desk, and for everybody (双随机页面).
struct DrawPages: Sendable {
    let draws: DrawDesk
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.get, "/supervision", .permitted("supervision.see")) { visit in try await home(visit) },
            Route(.get, "/supervision/items", .permitted("supervision.see")) { visit in try await items(visit, nil, nil) },
            Route(.post, "/supervision/items", .permitted("supervision.approve")) { visit in try await addItem(visit) },
            Route(.post, "/supervision/items/:id/end", .permitted("supervision.approve")) { visit in try await endItem(visit) },
            Route(.get, "/supervision/draws/new", .permitted("supervision.draw")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/supervision/draws/new", .permitted("supervision.draw")) { visit in try await prepare(visit) },
            Route(.get, "/supervision/draws/:id", .permitted("supervision.see")) { visit in try await show(visit, nil, nil) },
            Route(.post, "/supervision/draws/:id/commit", .permitted("supervision.draw")) { visit in try await commit(visit) },
            Route(.post, "/supervision/draws/:id/draw", .permitted("supervision.draw")) { visit in try await draw(visit) },
            Route(.get, "/supervision/draws/:id/file", .permitted("supervision.see")) { visit in try await file(visit) },
            Route(.get, "/draws", .anyone) { visit in try await published(visit) },
            Route(.get, "/draws/:number", .anyone) { visit in try await publishedDraw(visit) },
        ]
    }

    private func home(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let own = account.region, today = visit.desk.today()
        let (counts, late, list, matters) = try await visit.desk.store.read { tx in
            (
                Dictionary(
                    try tx.all("SELECT state, count(*) AS n FROM casework_matters WHERE kind = 'inspection' AND region >= \(own) AND region < \(own + "~") GROUP BY state").map {
                        ($0.string("state"), $0.count("n"))
                    }
                ) { a, _ in a },
                try tx.count(
                    "SELECT count(*) AS n FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE m.state = 'approved' AND i.planned_on < \(today) AND m.region >= \(own) AND m.region < \(own + "~")"
                ),
                try tx.all("SELECT * FROM supervision_draws WHERE region >= \(own) AND region < \(own + "~") OR \(own) LIKE region || '%' ORDER BY id DESC LIMIT 20").map(
                    SupervisionDraw.init),
                try tx.all(
                    "SELECT m.*, i.planned_on AS planned FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE m.open = 1 AND m.region >= \(own) AND m.region < \(own + "~") ORDER BY i.planned_on, m.id LIMIT 60"
                ).map { (Matter($0), $0.day("planned")) }
            )
        }
        return visit.page(Text("监督检查", "Supervision"), active: "/supervision") { h in
            h.div("page-head") {
                h.h1(Text("监督检查", "Supervision by risk"))
                h.div("d-flex gap-2 flex-wrap") {
                    if visit.may("supervision.inspect") { h.a("/supervision/mine", "btn btn-sm btn-primary", Text("我的检查（可离线）", "My visits (work offline)")) }
                    if visit.may("supervision.draw") { h.a("/supervision/draws/new", "btn btn-sm btn-outline-primary", Text("准备抽取", "Prepare a draw")) }
                    if visit.may("supervision.plan") { h.a("/supervision/inspections/new", "btn btn-sm btn-outline-primary", Text("安排检查", "Plan a visit")) }
                    h.a("/supervision/plan", "btn btn-sm btn-outline-secondary", Text("年度计划", "The year's plan"))
                    h.a("/supervision/items", "btn btn-sm btn-outline-secondary", Text("事项清单", "Items"))
                    h.a("/draws", "btn btn-sm btn-outline-secondary", Text("公示页面", "Public page"))
                }
            }
            h.div("tiles") {
                for (state, tone) in [("planned", "amber"), ("approved", "blue"), ("recorded", "teal"), ("published", "green")] {
                    h.a("/desk?kind=inspection&state=\(state)\(state == "published" ? "&closed=yes" : "")", "tile tone-\(tone)") {
                        h.span("tile-count", "\(counts[state] ?? 0)")
                        h.span("tile-title", InspectionMoves.table.state(state).title)
                    }
                }
                h.div("tile tone-\(late > 0 ? "red" : "green")") {
                    h.span("tile-count", "\(late)")
                    h.span("tile-title", Text("过了计划日期未检查", "Past their planned day"))
                }
            }
            h.card(Text("双随机抽取", "Draws")) {
                if list.isEmpty { h.p("text-muted mb-0", Text("还没有抽取。先准备名单，再承诺，公共随机数公布后抽取。", "No draw yet: prepare a list, commit to it, draw when the beacon is out.")) }
                h.ul("plain mb-0") {
                    for d in list {
                        h.li {
                            h.a("/supervision/draws/\(d.id)", "number", d.number)
                            h.text(" \(d.title) ")
                            Self.state(h, d.state)
                        }
                    }
                }
            }
            h.card(Text("待办检查", "Visits to be made")) {
                if matters.isEmpty { h.p("text-muted mb-0", Text("没有", "None")) }
                h.div("table-wrap") {
                    h.element("table", "table table-hover queue") {
                        h.element("thead") {
                            h.tr { for t in [Text("编号", "Number"), Text("对象", "Who"), Text("状态", "State"), Text("计划日期", "Planned"), Text("期限", "Due")] { h.th(t) } }
                        }
                        h.element("tbody") {
                            for (m, planned) in matters {
                                let s = InspectionMoves.table.state(m.state)
                                h.tr {
                                    h.td { h.a("/supervision/inspections/\(m.id)", "number", m.number) }
                                    h.td(nil, m.title)
                                    h.td { h.badge(s.title, s.tone) }
                                    h.td("number", planned.description)
                                    h.td { visit.urgency(h, m.nextDue, why: "/matters/\(m.id)/why") }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    static func state(_ h: HTML, _ state: String) {
        switch state {
        case "prepared": h.badge(Text("名单已备", "Prepared"), "grey")
        case "committed": h.badge(Text("已承诺，待抽取", "Committed"), "amber")
        case "drawn": h.badge(Text("已抽取", "Drawn"), "green")
        default: h.badge(Text("已作废", "Dropped"), "grey")
        }
    }

    // MARK: A draw

    /// The regions that an account may plan for.
    static func regions(_ visit: Visit, _ account: Account) -> [(String, Text)] {
        (account.region.count >= 6 ? [] : [(account.region, Text(verbatim: visit.region(account.region)))])
            + visit.desk.regions.districts(of: visit.desk.configuration.cityRegion).filter { account.covers($0.code) }.map { ($0.code, Text(verbatim: visit.region($0.code))) }
    }

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let e = HTML.Errors(refusal)
        let year = visit.desk.today().year
        let (items, plan) = try await visit.desk.store.read { tx in
            (try InspectionItem.all(tx), try YearPlan.of(year: year, in: account.region, tx).filter(\.isInForce))
        }
        return visit.page(Text("准备抽取", "Prepare a draw"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            h.div("narrow") {
                h.h1(Text("准备双随机抽取", "Prepare a draw"))
                h.p(
                    "text-muted",
                    Text(
                        "按条件形成检查对象名单：排除已安排、间隔不足和达到年度上限的，按风险类别分层。比例按B类填写，A类减半、C类加倍、D类四倍。",
                        "The list of objects: whoever is planned, was visited too recently or is at the cap is left out; strata by risk. The share is that of class B: A half, C twice, D four times."
                    ))
                h.errorSummary(refusal)
                visit.form(h, "/supervision/draws/new", "card card-body") {
                    h.part("", keeping: sent) {
                        h.field("title", Text("名称", "Title"), value: nil, errors: e)
                        h.select(
                            "plan", Text("年度计划任务", "Line of the year's plan"),
                            options: plan.map { line in
                                (
                                    String(line.id),
                                    Text(
                                        "\(line.month)月 \(line.title)（\(line.items.joined(separator: "、"))，\(YearPlan.share(line.percent))%，\(visit.region(line.region))）",
                                        "month \(line.month): \(line.title) (\(line.items.joined(separator: ", ")), \(YearPlan.share(line.percent)) %, \(visit.region(line.region)))"
                                    )
                                )
                            }, value: nil, errors: e, required: false, empty: Text("计划外", "Outside the plan"))
                        h.field("unplanned", Text("计划外抽取、调整实施月份的理由", "Why outside the plan, or in another month"), value: nil, errors: e, required: false)
                        h.element("fieldset", "mb-3", [.id(h.id("f", "items"))]) {
                            h.element("legend", "form-label", text: h.say(Text("抽查事项（多部门、多事项合并为一次）", "Items, in one visit")))
                            if let error = e["items"] { h.element("div", "text-danger small", text: h.say(error)) }
                            for item in items where item.isInForce(on: visit.desk.today()) {
                                h.checkbox("items", Text("\(item.code) \(item.title.zh)", "\(item.code) \(item.title.en)"), value: item.code, checked: false)
                            }
                        }
                        h.select("region", Text("辖区", "Region"), options: Self.regions(visit, account), value: nil, errors: e)
                        h.radios(
                            "shares", Text("比例", "Shares"),
                            options: [
                                (
                                    "risk", Text("按风险类别", "By risk class"),
                                    Text("名单以标记公布，不显示类别；对照表由审计核验", "The list is published under marks that show no class; the keys are for the auditor")
                                ),
                                ("same", Text("一律相同（不定向）", "The same for all"), Text("名单和对照表全部公布，任何人可核验到每一户", "List and keys are published: anybody checks each name")),
                            ], value: "risk", errors: e)
                        h.field("percent", Text("抽取比例（%）", "Share (%)"), value: "3", errors: e, inputmode: "decimal")
                        h.select(
                            "kind", Text("主体类型", "Kind"), options: Operator.Kind.allCases.map { ($0.rawValue, $0.title) }, value: nil, errors: e, required: false,
                            empty: Text("不限（不定向）", "Any"))
                        h.field("trade", Text("行业代码（定向）", "Trade code"), value: nil, errors: e, required: false)
                        h.checkbox("online", Text("只抽网络经营者", "Online traders only"), checked: false)
                        h.field("limit", Text("每名检查人员最多件数", "At most each inspector"), value: "40", errors: e, inputmode: "numeric")
                        h.area(
                            "recusals", Text("回避", "Recusals"), value: nil, rows: 2, hint: Text("每行：执法证号 信用代码", "A line each: certificate, credit code"), errors: e,
                            required: false, maxLength: 4000)
                    }
                    h.button(Text("形成名单", "Make the list"))
                }
            }
        }
    }

    private func prepare(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, draws) = (visit.desk.now, draws)
        do {
            guard let percent = Double(try form.needed("percent", 10)) else { throw Refusal.invalid("/percent", Text("应为数字", "A number")) }
            var w = DrawDesk.Wanted(title: try form.needed("title", 80), items: form.all("items"), region: try form.needed("region", 12), percent: percent)
            w.kind = form["kind"].flatMap { Operator.Kind(rawValue: $0)?.rawValue }
            w.trade = form["trade"]
            w.online = form["online"] == "yes"
            w.plan = try form["plan"].map { text in
                guard let key = Int64(text) else { throw Refusal.invalid("/plan", Text("没有这一项任务", "There is no such line")) }
                return key
            }
            w.unplanned = form["unplanned"]
            w.isWeighted = try form.chosen("shares", ["risk", "same"]) == "risk"
            guard let limit = Int(form["limit"] ?? ""), (1...10_000).contains(limit) else { throw Refusal.invalid("/limit", Text("应为1以上的整数", "A whole number from 1")) }
            w.limit = limit
            for (n, line) in (form["recusals"] ?? "").split(whereSeparator: \.isNewline).enumerated() {
                let parts = line.split(whereSeparator: { " \t,，".contains($0) })
                guard parts.count == 2 else { throw Refusal.invalid("/recusals", Text("第\(n + 1)行应为“执法证号 信用代码”", "Line \(n + 1) reads “certificate code”")) }
                w.recusals.append((String(parts[0]), String(parts[1]).uppercased()))
            }
            let ready = w
            // Six hundred thousand are read and written down before the store is asked to write a row.
            let gathered = try await visit.desk.store.read { tx in
                try tx.dialect.takeYourTime(tx)
                return try draws.gather(ready, by: account, at: now, tx)
            }
            let frozen = try draws.freeze(gathered, as: await visit.desk.store.write { try draws.number(at: now, $0) })
            let id = try await visit.desk.store.write { try draws.keep(frozen, by: account, at: now, $0) }
            return .redirect("/supervision/draws/\(id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await new(visit, refusal, form) }
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> SupervisionDraw {
        guard let id = Int64(try visit.exchange.parameter("id")), let account = visit.account else { throw Refusal.notFound }
        let d = try SupervisionDraw.find(id, tx)
        guard account.covers(d.region) || account.region.hasPrefix(d.region) else { throw Refusal.notFound }
        return d
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (d, planned, names) = try await visit.desk.store.read { tx in
            let d = try find(visit, tx)
            return (
                d, try tx.count("SELECT count(*) AS n FROM supervision_inspections WHERE draw = \(d.id)"),
                try Accounts.names([d.preparedBy] + (d.committedBy.map { [$0] } ?? []), tx)
            )
        }
        let e = HTML.Errors(refusal)
        return visit.page(Text("抽取 \(d.number)", "Draw \(d.number)"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/supervision", nil, Text("监督检查", "Supervision")) }
                    h.h1("\(d.number) \(d.title)")
                    h.p("mb-0") { Self.state(h, d.state) }
                }
            }
            h.errorSummary(refusal)
            h.card(Text("名单", "The list")) {
                h.definitions {
                    h.definition(Text("辖区", "Region"), visit.region(d.region))
                    h.definition(Text("事项", "Items"), d.items.joined(separator: "、"))
                    if d.plan != nil {
                        h.definition(Text("年度计划", "The year's plan")) { h.a("/supervision/plan", nil, Text("计划内任务", "A line of the plan")) }
                    }
                    if let why = d.unplanned { h.definition(d.plan == nil ? Text("计划外", "Outside the plan") : Text("调整理由", "Why not as planned"), why) }
                    h.definition(
                        Text("符合条件、排除、入库", "Considered, left out, in the pool"),
                        "\(d.conditions["considered"]?.int ?? 0)、\(d.conditions["excluded"]?.int ?? 0)、\(d.conditions["pool"]?.int ?? 0)")
                    h.definition(Text("检查人员", "Inspectors"), "\(d.conditions["inspectors"]?.int ?? 0)")
                    h.definition(Text("名单摘要（SHA-256）", "Digest of the list")) { h.element("code", "hash", text: d.listDigest) }
                }
                if account.covers(d.region) { h.h3(Text("分层（仅内部可见）", "Strata, for the office only"), "h6") }
                h.ul("mb-0") {
                    if account.covers(d.region), case .object(let pairs) = d.strata {
                        for (mark, s) in pairs {
                            h.li {
                                h.text(
                                    Text(
                                        "名单\(mark)：\(s["class"]?.string.map { "\($0)类，" } ?? "")\(s["pool"]?.int ?? 0)户，抽\(s["quota"]?.int ?? 0)户",
                                        "List \(mark): \(s["class"]?.string.map { "class \($0), " } ?? "")\(s["pool"]?.int ?? 0), draws \(s["quota"]?.int ?? 0)"))
                            }
                        }
                    }
                }
            }
            if d.state == "prepared", visit.may("supervision.draw"), account.covers(d.region) {
                h.card(Text("第一步：承诺", "First: commit")) {
                    h.p(
                        "small text-muted",
                        Text(
                            "承诺后，名单、种子的摘要和将使用的公共随机数记入操作日志，不能再改。公共随机数应当是本局无法预知的，例如某日收盘指数、福利彩票开奖号码。",
                            "List, digest of the seed and the beacon go into the ledger and cannot be changed. The beacon is a number that the office cannot foresee, such as a closing index or a lottery's numbers."
                        ))
                    visit.form(h, "/supervision/draws/\(d.id)/commit") {
                        h.part("", keeping: sent) {
                            h.field("beacon", Text("使用哪一个公共随机数", "Which public number"), value: nil, errors: e)
                            h.field("beacon-at", Text("何时公布", "When it is out"), value: nil, type: "datetime-local", errors: e)
                        }
                        h.button(Text("承诺", "Commit"), attributes: [h.confirming(Text("承诺后不能更改，确定？", "It cannot be changed afterwards. Commit?"))])
                    }
                }
            }
            if d.state != "prepared" {
                h.card(Text("承诺", "The commitment")) {
                    h.definitions {
                        h.definition(Text("承诺人、时间", "By, at"), "\(d.committedBy.flatMap { names[$0] } ?? "") \(d.committedAt?.minuteText ?? "")")
                        h.definition(Text("日志条目", "Entry of the ledger"), d.ledgerEntry.map(String.init))
                        h.definition(Text("种子的摘要", "Digest of the seed")) { h.element("code", "hash", text: d.commitment ?? "") }
                        h.definition(Text("公共随机数", "Beacon"), "\(d.beacon ?? "")（\(d.beaconAt.flatMap { Moment($0) }?.minuteText ?? "")）\(d.beaconValue.map { "：\($0)" } ?? "")")
                    }
                }
            }
            if d.state == "committed", visit.may("supervision.draw"), account.covers(d.region) {
                h.card(Text("第二步：抽取", "Second: draw")) {
                    if d.committedBy == account.id.raw { return h.p("text-warning-emphasis mb-0", Text("须由承诺人以外的人员抽取。", "Another than who committed draws.")) }
                    visit.form(h, "/supervision/draws/\(d.id)/draw") {
                        h.part("", keeping: sent) { h.field("value", Text("公共随机数（照公布的原样填写）", "The beacon, as published"), value: nil, errors: e) }
                        h.button(Text("揭示种子并抽取", "Reveal and draw"), "btn btn-danger", attributes: [h.confirming(Text("抽取只有一次，确定？", "There is one draw. Go on?"))])
                    }
                }
            }
            if d.state == "drawn" {
                h.card(Text("结果", "Result")) {
                    let drawn = d.visits.count
                    h.p(nil, Text("抽取\(drawn)户，已安排检查\(planned)件。", "\(drawn) drawn, \(planned) visits planned."))
                    if planned < drawn { h.p("text-muted", Text("正在安排，片刻后刷新本页。", "Visits are being planned: reload in a moment.")) }
                    h.p("mb-0") {
                        h.a("/draws/\(d.number)", nil, Text("公示页面", "Public page"))
                        h.text(" · ")
                        h.a("/draws/\(d.number).json", nil, Text("核验文件（任何人可用 sinan draw verify 重新计算）", "File for verification"))
                        if d.isWeighted, account.covers(d.region) {
                            h.text(" · ")
                            h.a("/supervision/draws/\(d.id)/file", nil, Text("含对照表的核验文件（审计用，不公开）", "With the keys, for the auditor"))
                        }
                    }
                }
            }
        }
    }

    private func file(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let (d, bytes) = try await visit.desk.store.read { tx in
            let d = try find(visit, tx)
            guard account.covers(d.region), d.state == "committed" || d.state == "drawn" else { throw Refusal.notFound }
            return (d, try draws.publication(d, withKeys: true, tx))
        }
        return .file(bytes, type: "application/json", name: "\(d.number)-keys.json", inline: false)
    }

    private func commit(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, draws) = (visit.desk.now, draws)
        do {
            let beacon = try form.needed("beacon", 200)
            guard let when = Moment(try form.needed("beacon-at", 40)) else { throw Refusal.invalid("/beacon-at", Text("不是时间", "Not a time")) }
            try await visit.desk.store.write { tx in try draws.commit(find(visit, tx).id, beacon: beacon, at: when, by: account, at: now, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict].contains(refusal.kind) { return try await show(visit, refusal, form) }
        return .redirect("/supervision/draws/\(try visit.exchange.parameter("id"))")
    }
    private func draw(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, draws) = (visit.desk.now, draws)
        do {
            let value = try form.needed("value", 200)
            let (id, drawn) = try await visit.desk.store.read { tx in
                let id = try find(visit, tx).id
                return (id, try draws.result(id, value: value, by: account, at: now, tx))
            }
            try await visit.desk.store.write { tx in try draws.reveal(id, value: value, drawn, by: account, at: now, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, refusal, form) }
        return .redirect("/supervision/draws/\(try visit.exchange.parameter("id"))")
    }
}
