import Kernel
import Platform
import Store
import Web

/// A line of the year's plan of visits (年度抽查检查计划): what is drawn or visited by plan, how many, when; approved, filed with the superior, public.
///
/// Law: DRN (annual plan, filed with the superior); INSP (visits by plan are in a plan). What is not in it needs a reason of its own.
package struct YearPlan: Sendable {
    package let id: Int64
    package let year: Int
    package let region: String
    package let title: String
    package let items: [String]
    /// Whom it is about, in words.
    package let objects: String
    package let percent: Double
    package let month: Int
    package let preparedBy: Int64
    package let approvedOn: Day?
    package let filed: String?
    package let filedOn: Day?
    package let droppedOn: Day?
    package let reason: String?

    init(_ row: Row) {
        id = row.int("id")
        year = row.count("year")
        region = row.string("region")
        title = row.string("title")
        items = row.string("items").split(separator: ",").map(String.init)
        objects = row.string("objects")
        percent = Double(row.string("percent")) ?? 0
        month = row.count("month")
        preparedBy = row.int("prepared_by")
        approvedOn = row.optionalDay("approved_on")
        filed = row.optionalString("filed")
        filedOn = row.optionalDay("filed_on")
        droppedOn = row.optionalDay("dropped_on")
        reason = row.optionalString("reason")
    }
    package var isInForce: Bool { approvedOn != nil && droppedOn == nil }

    package static func of(year: Int, in region: String, _ tx: Transaction) throws -> [YearPlan] {
        try tx.all("SELECT * FROM supervision_plans WHERE year = \(year) AND (region >= \(region) AND region < \(region + "~") OR \(region) LIKE region || '%') ORDER BY month, id")
            .map(
                YearPlan.init)
    }
    static func share(_ percent: Double) -> String { percent == percent.rounded() ? String(Int(percent)) : String(percent) }

    /// Whether a visit or a draw of these items in this region is what the line plans.
    func covers(_ items: [String], in region: String) -> Bool { isInForce && region.hasPrefix(self.region) && Set(items).isSubset(of: self.items) }

    /// - Errors: `invalid` where the line is none of this year's that are in force, or plans something else.
    static func check(_ w: DrawDesk.Wanted, on today: Day, _ tx: Transaction) throws {
        guard let key = w.plan else {
            guard w.unplanned != nil else {
                throw Refusal.invalid("/plan", Text("请选择年度计划中的任务；计划外的请写明理由", "Choose a line of the year's plan, or say why it is outside it"))
            }
            return
        }
        guard let line = try tx.one("SELECT * FROM supervision_plans WHERE id = \(key)").map(YearPlan.init), line.isInForce, line.year == today.year else {
            throw Refusal.invalid("/plan", Text("不是今年已批准的计划任务", "It is no approved line of this year's plan"))
        }
        guard line.covers(w.items, in: w.region) else {
            throw Refusal.invalid(
                "/items",
                Text(
                    "“\(line.title)”计划的事项是\(line.items.joined(separator: "、"))，或者不在该任务的辖区", "“\(line.title)” plans \(line.items.joined(separator: ", ")), or is for another region")
            )
        }
        guard today.month == line.month || w.unplanned != nil else {
            throw Refusal.invalid("/unplanned", Text("计划在\(line.month)月实施，请写明调整的理由", "It is planned for month \(line.month): say why it is made now"))
        }
        guard w.percent <= line.percent else {
            throw Refusal.invalid("/percent", Text("计划的比例是\(share(line.percent))%", "The plan says \(share(line.percent)) %"))
        }
    }

    /// What a line plans is its share of all whom it is about, in all its draws; each list may be one more by rounding up.
    ///
    /// - Errors: `invalid`, with what was drawn under the line before.
    static func checkSum(_ w: DrawDesk.Wanted, drawing quotas: [Int], of considered: Int, _ tx: Transaction) throws {
        guard let key = w.plan, let line = try tx.one("SELECT * FROM supervision_plans WHERE id = \(key)").map(YearPlan.init) else { return }
        let before = try tx.all("SELECT strata FROM supervision_draws WHERE plan = \(key) AND state <> 'dropped'").reduce(0) { sum, row in
            guard case .object(let lists) = try JSON(parsing: Array(row.string("strata").utf8)) else { return sum }
            return sum + lists.reduce(0) { $0 + ($1.1["quota"]?.int ?? 0) }
        }
        let now = quotas.reduce(0, +), most = Int((Double(considered) * line.percent / 100).rounded(.up)) + quotas.count
        guard before + now <= most else {
            throw Refusal.invalid(
                "/percent",
                Text(
                    "“\(line.title)”计划抽取约\(most)户，此前已抽\(before)户，本次将抽\(now)户；超出的请列为计划外并写明理由",
                    "“\(line.title)” plans about \(most); \(before) were drawn before and this would draw \(now): what goes beyond is outside the plan, with a reason"))
        }
    }

    package static func add(_ input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws -> Int64 {
        try input.require("year", "title", "items", "region", "objects", "percent", "month")
        let title = try input.needed("title", 80), objects = try input.needed("objects", 200), region = try input.needed("region", 12), items = input.all("items")
        guard let year = Int(try input.needed("year", 4)), (now.day.year...now.day.year + 1).contains(year) else {
            throw Refusal.invalid("/year", Text("应为今年或者明年", "This year or the next"))
        }
        guard let month = Int(try input.needed("month", 2)), (1...12).contains(month) else { throw Refusal.invalid("/month", Text("应为1至12", "Between 1 and 12")) }
        guard year > now.day.year || month >= now.day.month else { throw Refusal.invalid("/month", Text("这个月已经过去", "This month is over")) }
        guard let percent = Double(try input.needed("percent", 10)), percent > 0, percent <= 100 else {
            throw Refusal.invalid("/percent", Text("比例应大于0，不超过100", "A share above 0 and at most 100"))
        }
        guard account.covers(region) else { throw Refusal.invalid("/region", Text("不在您的辖区", "Not in your region")) }
        let known = try InspectionItem.all(tx).filter { $0.endedOn == nil }.map(\.code)
        guard !items.isEmpty, items.allSatisfy(known.contains) else { throw Refusal.invalid("/items", Text("请选择清单内的抽查事项", "Choose items of the list")) }
        let id = try tx.insert(
            """
            INSERT INTO supervision_plans (year, region, title, items, objects, percent, month, prepared_by, prepared_at)
            VALUES (\(year), \(region), \(title), \(items.joined(separator: ",")), \(objects), \(share(percent)), \(month), \(account.id), \(now)) RETURNING id
            """)
        try sealed("supervision.plan-added", id, title, by: account, at: now, tx)
        return id
    }

    /// What is done to a line: `approve`, `file`, `drop`.
    package static func act(_ name: String, _ id: Int64, input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws {
        guard let line = try tx.one("SELECT * FROM supervision_plans WHERE id = \(id)").map(YearPlan.init), account.covers(line.region) else { throw Refusal.notFound }
        guard line.droppedOn == nil else { throw Refusal(.conflict, Text("该任务已撤销", "This line was taken out")) }
        switch name {
        case "approve":
            guard line.approvedOn == nil else { throw Refusal(.conflict, Text("已批准", "Approved already")) }
            guard line.preparedBy != account.id.raw else { throw Refusal(.forbidden, Text("拟订人不能批准自己的计划", "Nobody approves the own plan")) }
            try tx.change("UPDATE supervision_plans SET approved_by = \(account.id), approved_on = \(now.day) WHERE id = \(id) AND approved_on IS NULL")
        case "file":
            guard line.approvedOn != nil, line.filedOn == nil else { throw Refusal(.conflict, Text("尚未批准，或者已报备", "Not approved yet, or filed already")) }
            let number = try input.needed("filed", 100)
            try tx.change("UPDATE supervision_plans SET filed = \(number), filed_on = \(now.day) WHERE id = \(id) AND filed_on IS NULL")
        case "drop":
            let reason = try input.needed("reason", 500)
            try tx.change("UPDATE supervision_plans SET dropped_on = \(now.day), reason = \(reason) WHERE id = \(id) AND dropped_on IS NULL")
        default: throw Refusal.notFound
        }
        try sealed("supervision.plan-\(name)", id, line.title, by: account, at: now, tx)
    }

    private static func sealed(_ act: String, _ id: Int64, _ title: String, by account: Account, at now: Moment, _ tx: Transaction) throws {
        try tx.audit(
            act, of: Reference(kind: "plan", id: id), by: account.mark, at: now, details: [("title", .string(title))], sealing: [.init("supervision_plans", id)])
    }
}

/// The plan at the desk (年度计划页面).
struct YearPlanPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/supervision/plan", .permitted("supervision.see")) { visit in try await show(visit, nil, nil) },
            Route(.post, "/supervision/plan", .permitted("supervision.draw")) { visit in try await add(visit) },
            Route(.post, "/supervision/plan/:id/:act", .permitted("supervision.approve")) { visit in try await act(visit) },
        ]
    }

    private func show(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn(), today = visit.desk.today()
        let year = visit.exchange.query["year"].flatMap { Int($0) } ?? today.year
        let (lines, items, done) = try await visit.desk.store.read { tx in
            (
                try YearPlan.of(year: year, in: account.region, tx), try InspectionItem.all(tx).filter { $0.endedOn == nil },
                Dictionary(
                    try tx.all(
                        """
                        SELECT d.plan AS plan, count(DISTINCT d.id) AS draws, count(i.matter) AS visits, COALESCE(sum(CASE WHEN i.ended_on IS NULL THEN 0 ELSE 1 END), 0) AS made
                        FROM supervision_draws d LEFT JOIN supervision_inspections i ON i.draw = d.id WHERE d.plan IS NOT NULL AND d.state = 'drawn' GROUP BY d.plan
                        """
                    ).map { ($0.int("plan"), (draws: $0.count("draws"), visits: $0.count("visits"), made: $0.count("made"))) }
                ) { a, _ in a }
            )
        }
        let e = HTML.Errors(refusal)
        return visit.page(Text("年度检查计划", "The year's plan"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/supervision", nil, Text("监督检查", "Supervision")) }
                    h.h1(Text("\(year)年度检查计划", "Plan of \(year)"))
                }
                h.div("d-flex gap-2") {
                    for other in [today.year - 1, today.year, today.year + 1] where other != year {
                        h.a("/supervision/plan?year=\(other)", "btn btn-sm btn-outline-secondary", "\(other)")
                    }
                }
            }
            h.errorSummary(refusal)
            if lines.isEmpty {
                h.empty(
                    Text("还没有计划任务", "Nothing is planned yet"),
                    Text("抽取和计划检查应当列入年度计划，经批准后报上级备案并公示。", "Draws and planned visits stand in the year's plan: approved, filed with the superior, public."))
            }
            let titles = Dictionary(items.map { ($0.code, $0.title) }) { a, _ in a }
            h.div("two-columns") { for line in lines { card(h, visit, line, titles, done[line.id] ?? (0, 0, 0)) } }
            guard visit.may("supervision.draw") else { return }
            h.element("details", "card", [.init("open", if: refusal != nil || lines.isEmpty)]) {
                h.element("summary", "card-header", text: h.say(Text("增加任务", "Add a line")))
                visit.form(h, "/supervision/plan", "card-body") {
                    h.part("", keeping: sent) {
                        h.field("year", Text("年度", "Year"), value: String(year), errors: e, inputmode: "numeric")
                        h.field("title", Text("任务名称", "Title"), value: nil, errors: e)
                        h.element("fieldset", "mb-3", [.id(h.id("f", "items"))]) {
                            h.element("legend", "form-label", text: h.say(Text("抽查事项", "Items")))
                            if let error = e["items"] { h.element("div", "text-danger small", text: h.say(error)) }
                            for item in items { h.checkbox("items", Text("\(item.code) \(item.title.zh)", "\(item.code) \(item.title.en)"), value: item.code, checked: false) }
                        }
                        h.select("region", Text("辖区", "Region"), options: DrawPages.regions(visit, account), value: nil, errors: e)
                        h.field("objects", Text("检查对象", "Whom"), value: nil, errors: e)
                        h.field("percent", Text("比例（%）", "Share (%)"), value: "3", errors: e, inputmode: "decimal")
                        h.field("month", Text("实施月份", "Month"), value: String(today.month), errors: e, inputmode: "numeric")
                    }
                    h.button(Text("增加", "Add"))
                }
            }
        }
    }

    private func card(_ h: HTML, _ visit: Visit, _ line: YearPlan, _ titles: [String: Text], _ done: (draws: Int, visits: Int, made: Int)) {
        h.card(Text("\(line.month)月　\(line.title)", "Month \(line.month): \(line.title)")) {
            h.p("mb-2") {
                if line.droppedOn != nil {
                    h.badge(Text("已撤销", "Taken out"), "grey")
                } else if line.approvedOn == nil {
                    h.badge(Text("待批准", "To be approved"), "amber")
                } else {
                    h.badge(Text("已批准", "Approved"), "green")
                    if line.filedOn != nil { h.badge(Text("已报备", "Filed"), "teal") }
                }
            }
            h.definitions {
                h.definition(Text("事项", "Items"), line.items.map { "\($0) \(titles[$0].map(h.say) ?? "")" }.joined(separator: "；"))
                h.definition(Text("辖区、对象", "Region, whom"), "\(visit.region(line.region)) · \(line.objects)")
                h.definition(Text("比例", "Share"), "\(YearPlan.share(line.percent))%")
                if let number = line.filed { h.definition(Text("报备", "Filed"), "\(number) \(line.filedOn?.description ?? "")") }
                if let reason = line.reason { h.definition(Text("撤销理由", "Why taken out"), reason) }
                if line.approvedOn != nil {
                    h.definition(
                        Text("完成", "Done"), h.say(Text("抽取\(done.draws)次，检查\(done.made)／\(done.visits)件", "\(done.draws) draws, \(done.made) of \(done.visits) visits made")))
                }
            }
            guard line.droppedOn == nil, visit.may("supervision.approve"), visit.account?.covers(line.region) == true else { return }
            if line.approvedOn == nil, line.preparedBy != visit.account?.id.raw {
                visit.form(h, "/supervision/plan/\(line.id)/approve", "d-inline-block mt-2 me-2") {
                    h.button(Text("批准", "Approve"), "btn btn-sm btn-primary", attributes: [h.confirming(Text("批准后在公示页面公布，确定？", "It goes onto the public page. Approve?"))])
                }
            }
            if line.approvedOn != nil, line.filedOn == nil {
                visit.form(h, "/supervision/plan/\(line.id)/file", "row g-2 mt-1") {
                    h.part("file-\(line.id)") { h.field("filed", Text("报上级备案文号", "Number under which it was filed with the superior"), value: nil) }
                    h.div { h.button(Text("登记报备", "Enter the filing"), "btn btn-sm btn-outline-primary") }
                }
            }
            h.element("details", "mt-2") {
                h.element("summary", "small", text: h.say(Text("撤销任务", "Take out")))
                visit.form(h, "/supervision/plan/\(line.id)/drop") {
                    h.part("drop-\(line.id)") { h.field("reason", Text("理由", "Reason"), value: nil) }
                    h.button(Text("撤销", "Take out"), "btn btn-sm btn-outline-danger", attributes: [h.confirming(Text("确定撤销该任务？", "Take this line out?"))])
                }
            }
        }
    }

    private func add(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form(), now = visit.desk.now
        do { _ = try await visit.desk.store.write { try YearPlan.add(form, by: account, at: now, $0) } } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await show(visit, refusal, form)
        }
        return .redirect("/supervision/plan?year=\(form["year"] ?? "")")
    }
    private func act(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), form = try visit.exchange.form(), now = visit.desk.now
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let name = try visit.exchange.parameter("act")
        do { try await visit.desk.store.write { try YearPlan.act(name, id, input: form, by: account, at: now, $0) } } catch let refusal as Refusal
            where [.invalid, .conflict, .forbidden].contains(refusal.kind)
        { return try await show(visit, refusal, form) }
        let year = try await visit.desk.store.read { try $0.one("SELECT year FROM supervision_plans WHERE id = \(id)")?.count("year") }
        return .redirect("/supervision/plan?year=\(year ?? now.day.year)")
    }
}
