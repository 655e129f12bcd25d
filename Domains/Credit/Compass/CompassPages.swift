import Enforcement
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// The compass at the desk (指南针): classes by district, an operator's sum line by line, models and their trials. Never public.
struct CompassPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/compass", .permitted("compass.see")) { visit in try await home(visit) },
            Route(.get, "/compass/operators", .permitted("compass.see")) { visit in try await list(visit) },
            Route(.get, "/compass/operators/:id", .permitted("compass.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/compass/operators/:id/override", .permitted("compass.override")) { visit in try await override(visit) },
            Route(.post, "/compass/operators/:id/override/:override", .permitted("credit.decide")) { visit in try await approve(visit) },
            Route(.post, "/compass/operators/:id/contest", .permitted("compass.override")) { visit in try await contest(visit) },
            Route(.get, "/contests/:id", .permitted("compass.see")) { visit in try await contested(visit, nil) },
            Route(.post, "/contests/:id", .permitted("credit.decide")) { visit in try await answer(visit) },
            Route(.get, "/compass/models", .permitted("compass.see")) { visit in try await models(visit, nil, nil) },
            Route(.post, "/compass/models", .permitted("compass.model")) { visit in try await draft(visit) },
            Route(.get, "/compass/models/:id", .permitted("compass.see")) { visit in try await model(visit) },
            Route(.post, "/compass/models/:id/trial", .permitted("compass.model")) { visit in try await trial(visit) },
            Route(.post, "/compass/models/:id/activate", .permitted("credit.decide")) { visit in try await activate(visit) },
            Route(.post, "/compass/count", .permitted("compass.model")) { visit in
                let now = visit.desk.now
                try await visit.desk.store.write { try Jobs.add(CompassRun.all, at: now, $0) }
                return visit.redirect("/compass", saying: Text("已安排重新计算", "It will be counted anew"))
            },
        ]
    }

    private func home(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let own = account.region
        let (rows, active, counted) = try await visit.desk.store.read { tx in
            (
                try tx.all("SELECT substr(region, 1, 6) AS district, class, count(*) AS n FROM credit_classes WHERE region >= \(own) AND region < \(own + "~") GROUP BY 1, 2").map {
                    ($0.string("district"), $0.string("class"), $0.count("n"))
                }, try CompassRun.active(tx), try tx.one("SELECT max(counted_on) AS d FROM credit_classes")?.optionalString("d")
            )
        }
        return visit.page(Text("风险分类", "Risk classes"), active: "/credit") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/credit", nil, Text("信用监管", "Credit")) }
                    h.h1(Text("指南针：信用风险分类", "The compass: risk classes"))
                    h.p(
                        "text-muted mb-0",
                        Text(
                            "模型\(active?.version ?? "—")，计算于\(counted ?? "—")。结果仅供内部安排监管，不公开，不作为许可条件。",
                            "Model \(active?.version ?? "—"), counted \(counted ?? "—"). For the office's own planning; not published, no condition of a permit."))
                }
                h.div("d-flex gap-2") {
                    h.a("/compass/models", "btn btn-sm btn-outline-secondary", Text("模型", "Models"))
                    if visit.may("compass.model") {
                        visit.form(h, "/compass/count") { h.button(Text("重新计算", "Count anew"), "btn btn-sm btn-outline-primary") }
                    }
                }
            }
            guard !rows.isEmpty else {
                return h.empty(Text("尚未计算", "Not counted yet"), Text("后台每月计算一次，得知新情况时随时更新；也可以现在重新计算。", "Counted monthly and whenever something becomes known; or count now."))
            }
            let total = rows.reduce(0) { $0 + $1.2 }
            h.div("tiles") {
                for cls in CompassModel.Class.allCases {
                    let n = rows.filter { $0.1 == cls.rawValue }.reduce(0) { $0 + $1.2 }
                    h.figure(
                        cls.title, "\(n)", cls.tone, "/compass/operators?class=\(cls.rawValue)", Text("\(HTML.percent(n, total))的主体", "\(HTML.percent(n, total)) of operators"))
                }
            }
            h.card(Text("各辖区", "By district")) {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                h.th(Text("辖区", "District")); for c in CompassModel.Class.allCases { h.th(Text(verbatim: c.rawValue)) }
                            }
                        }
                        h.element("tbody") {
                            for district in Set(rows.map(\.0)).sorted() {
                                h.tr {
                                    h.td(nil, visit.region(district))
                                    for c in CompassModel.Class.allCases {
                                        let n = rows.first { $0.0 == district && $0.1 == c.rawValue }?.2 ?? 0
                                        h.td("number") { h.a("/compass/operators?class=\(c.rawValue)&region=\(district)", nil, "\(n)") }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let q = visit.exchange.query
        let cls = q["class"].flatMap { CompassModel.Class(rawValue: $0) } ?? .D
        let region = q["region"].map { $0.hasPrefix(account.region) ? $0 : account.region } ?? account.region
        let cursor = q["cursor"].flatMap { Int64($0) } ?? 0
        let changed = q["changed"] == "yes"
        let rows = try await visit.desk.store.read { tx in
            let only: SQL = changed ? "AND c.before_class IS NOT NULL AND c.before_class <> c.class" : ""
            return try tx.all(
                """
                SELECT c.*, o.name AS name, o.uscc AS uscc FROM credit_classes c JOIN operators o ON o.id = c.operator WHERE c.class = \(cls.rawValue) AND c.region >= \(region) AND c.region < \(region + "~")
                AND c.operator > \(cursor) \(only) ORDER BY c.operator LIMIT 41
                """
            ).map { ($0.int("operator"), $0.string("name"), $0.string("uscc"), $0.count("points"), $0.count("percentile"), $0.optionalString("before_class"), $0.string("lines")) }
        }
        let active = try await visit.desk.store.read { try CompassRun.active($0) }
        let shown = rows.prefix(40)
        return visit.page(cls.title, active: "/credit") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/compass", nil, Text("风险分类", "Risk classes")) }
                    h.h1(cls.title)
                }
                h.a(
                    Link.query("/compass/operators", [("class", cls.rawValue), ("region", q["region"]), ("changed", changed ? nil : "yes")]), "btn btn-sm btn-outline-secondary",
                    changed ? Text("全部", "All") : Text("只看类别有变化的", "Only those that changed"))
            }
            guard !shown.isEmpty else { return h.empty(Text("没有", "None"), Text("换一个类别或者辖区。", "Try another class or district.")) }
            h.div("table-wrap") {
                h.element("table", "table table-hover queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("名称", "Name"), Text("积分", "Points"), Text("同业百分位", "Among peers"), Text("上月", "Before"), Text("主要因素", "Mostly")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for (id, name, uscc, points, percentile, before, lines) in shown {
                            h.tr {
                                h.td {
                                    h.a("/compass/operators/\(id)", nil, name)
                                    h.span("d-block small text-muted", uscc)
                                }
                                h.td("number", "\(points)")
                                h.td("number", "\(percentile)%")
                                h.td(nil, before ?? "—")
                                h.td(
                                    nil,
                                    CompassModel.read(lines).sorted { $0.points > $1.points }.prefix(3).map { "\(active?.title(of: $0.id)[visit.language] ?? $0.id) \($0.points)" }
                                        .joined(separator: "；"))
                            }
                        }
                    }
                }
            }
            h.pager(
                previous: nil,
                next: rows.count > 40
                    ? Link.query(
                        "/compass/operators", [("class", cls.rawValue), ("region", q["region"]), ("changed", changed ? "yes" : nil), ("cursor", shown.last.map { "\($0.0)" })])
                    : nil, summary: "")
        }
    }

    // MARK: One operator

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let id = try visit.exchange.id(of: Operator.self)
        let today = visit.desk.today()
        let (op, row, model, overrides, contests) = try await visit.desk.store.read { tx in
            (
                try Operators.find(id, tx), try tx.one("SELECT * FROM credit_classes WHERE operator = \(id)"), try CompassRun.active(tx),
                try tx.all("SELECT v.*, a.name AS who FROM credit_overrides v JOIN platform_accounts a ON a.id = v.account WHERE v.operator = \(id) ORDER BY v.id DESC LIMIT 20"),
                try tx.all("SELECT m.* FROM credit_contests c JOIN casework_matters m ON m.id = c.matter WHERE m.operator = \(id) ORDER BY m.id DESC LIMIT 10").map(Matter.init)
            )
        }
        return visit.page(Text("风险分类 \(op.name)", "Risk class \(op.name)"), status: refusal?.kind.status ?? 200, active: "/credit") { h in
            h.div("page-head") {
                h.p("crumbs") {
                    h.a("/compass", nil, Text("风险分类", "Risk classes"))
                    h.text(" / ")
                    h.a("/operators/\(op.id)", nil, op.name)
                }
                h.h1(op.name)
            }
            h.errorSummary(refusal, part: failed ?? "")
            guard let row, let model else { return h.empty(Text("尚未计算", "Not counted yet"), Text("得知新情况或者月度计算后显示。", "It shows after the next count.")) }
            let cls = CompassModel.Class(rawValue: row.string("class")) ?? .A
            let lines = CompassModel.read(row.string("lines")),
                before = Dictionary(CompassModel.read(row.optionalString("before_lines") ?? "").map { ($0.id, $0.points) }) { a, _ in a }
            h.div("matter-grid") {
                h.div("matter-main") {
                    h.card(Text("积分明细", "The sum, line by line")) {
                        h.p("mb-2") {
                            h.badge(cls.title, cls.tone)
                            h.span("ms-2 fw-semibold", Text("\(row.count("points"))分", "\(row.count("points")) points"))
                            h.span("text-muted ms-2", Text("高于\(row.count("percentile"))%的同业主体", "more than \(row.count("percentile"))% of its trade"))
                        }
                        h.div("table-wrap") {
                            h.element("table", "table queue") {
                                h.element("thead") {
                                    h.tr { for t in [Text("类别", "Family"), Text("指标", "Indicator"), Text("分值", "Points"), Text("与上月相比", "Since last month")] { h.th(t) } }
                                }
                                h.element("tbody") {
                                    for line in lines {
                                        let family = model.indicator(line.id).flatMap { i in model.families.first { $0.id == i.family } }
                                        let change = row.optionalString("before_lines") == nil ? nil : line.points - (before[line.id] ?? 0)
                                        h.tr {
                                            h.td { h.text(family?.text ?? Text("硬规则", "Hard rule")) }
                                            h.td { h.text(model.title(of: line.id)) }
                                            h.td("number", line.id.hasPrefix("!") ? "—" : "\(line.points)")
                                            h.td("number", change.map { $0 == 0 ? "" : $0 > 0 ? "+\($0)" : "\($0)" } ?? "")
                                        }
                                    }
                                    for (gone, points) in before.sorted(by: { $0.key < $1.key }) where !lines.contains(where: { $0.id == gone }) {
                                        h.tr {
                                            h.td(nil, "")
                                            h.td { h.text(model.title(of: gone)) }
                                            h.td("number", "0")
                                            h.td("number", "-\(points)")
                                        }
                                    }
                                }
                            }
                        }
                        if lines.isEmpty { h.p("text-muted", Text("没有计分项", "No line counts")) }
                        if let was = row.optionalString("before_class") {
                            h.p(
                                "small text-muted mb-0",
                                Text(
                                    "上次（\(row.optionalString("before_on") ?? "")）：\(was)，\(row.optionalInt("before_points") ?? 0)分",
                                    "Before (\(row.optionalString("before_on") ?? "")): \(was), \(row.optionalInt("before_points") ?? 0) points"))
                        }
                    }
                    overrideCard(h, visit, op, overrides, today, failed == "override" ? HTML.Errors(refusal) : HTML.Errors(), sent)
                }
                h.element("aside", "matter-side") {
                    h.card(Text("异议", "Contested")) {
                        for m in contests {
                            h.p("mb-1") {
                                h.a("/contests/\(m.id)", nil, "\(m.number) "); h.badge(Contest.table.state(m.state).title, Contest.table.state(m.state).tone)
                            }
                        }
                        if visit.may("compass.override") {
                            let e = failed == "contest" ? HTML.Errors(refusal) : HTML.Errors()
                            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                                h.element("summary", text: h.say(Text("登记对分类的异议", "Enter an objection")))
                                visit.form(h, "/compass/operators/\(op.id)/contest", "mt-2") {
                                    h.part("contest", keeping: e.isEmpty ? nil : sent) {
                                        h.select(
                                            "line", Text("针对哪一项", "Against which line"),
                                            options: lines.map { ($0.id, model.title(of: $0.id)) } + [("all", Text("整体分类", "The class as a whole"))], value: nil, errors: e,
                                            empty: Text("请选择", "Choose"))
                                        h.area("said", Text("理由", "Why"), value: nil, rows: 3, errors: e, maxLength: 2000)
                                    }
                                    h.button(Text("登记", "Enter"), "btn btn-sm btn-outline-primary")
                                }
                            }
                        }
                    }
                    h.card(Text("信用档案", "Credit file")) { h.a("/credit/file/\(op.id)", nil, Text("逐条记录", "Line by line")) }
                }
            }
        }
    }

    private func overrideCard(_ h: HTML, _ visit: Visit, _ op: Operator, _ overrides: [Row], _ today: Day, _ e: HTML.Errors, _ sent: Form?) {
        h.card(Text("人工调整", "Set by hand")) {
            for v in overrides {
                let until = v.day("until")
                h.div("note") {
                    h.p("mb-1") {
                        h.badge(Text(verbatim: v.string("class")), CompassModel.Class(rawValue: v.string("class"))?.tone ?? "grey")
                        h.text(" \(v.string("reason"))")
                    }
                    h.p("small text-muted mb-1", "\(v.string("who")) · \(h.say(Text("至", "until"))) \(until)")
                    if v.optionalInt("approved_by") == nil {
                        h.badge(Text("待批准", "awaits approval"), "amber")
                        if visit.may("credit.decide") {
                            visit.form(h, "/compass/operators/\(op.id)/override/\(v.int("id"))") { h.button(Text("批准", "Approve"), "btn btn-sm btn-primary") }
                        }
                    } else if v.optionalInt("ended_at") != nil || until < today {
                        h.badge(Text("已失效", "over"), "grey")
                    }
                }
            }
            if overrides.isEmpty { h.p("text-muted", Text("没有", "None")) }
            guard visit.may("compass.override") else { return }
            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("提出调整", "Propose")))
                visit.form(h, "/compass/operators/\(op.id)/override", "mt-2") {
                    h.part("override", keeping: e.isEmpty ? nil : sent) {
                        h.select(
                            "class", Text("类别", "Class"), options: CompassModel.Class.allCases.map { ($0.rawValue, $0.title) }, value: nil, errors: e, empty: Text("请选择", "Choose"))
                        h.area("reason", Text("理由", "Reason"), value: nil, rows: 2, errors: e, maxLength: 1000)
                        h.field("until", Text("有效至（最长一年）", "Until, a year at most"), value: today.adding(months: 6).description, type: "date", errors: e)
                    }
                    h.button(Text("提出", "Propose"), "btn btn-sm btn-outline-primary")
                }
            }
        }
    }

    private func override(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let id = try visit.exchange.id(of: Operator.self)
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                let op = try Operators.find(id, tx)
                guard account.covers(op.region) else { throw Refusal.notFound }
                let cls = try form.chosen("class", CompassModel.Class.allCases.map(\.rawValue)), reason = try form.needed("reason", 1000)
                guard let until = Day(try form.needed("until", 10)), until > now.day, until <= now.day.adding(months: 12) else {
                    throw Refusal.invalid("/until", Text("应在一年以内", "Within a year"))
                }
                let row = try tx.insert(
                    "INSERT INTO credit_overrides (operator, class, reason, until, account, at) VALUES (\(id), \(cls), \(reason), \(until), \(account.id), \(now)) RETURNING id")
                try tx.audit(
                    "credit.override-proposed", of: Reference(kind: "operator", id: id.raw), by: account.mark, at: now, details: [("class", .string(cls))],
                    sealing: [.init("credit_overrides", row)])
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, "override", refusal, form) }
        return .redirect("/compass/operators/\(id)")
    }
    private func approve(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let id = try visit.exchange.id(of: Operator.self)
        let now = visit.desk.now
        guard let key = Int64(try visit.exchange.parameter("override")) else { throw Refusal.notFound }
        do {
            try await visit.desk.store.write { tx in
                guard account.covers(try Operators.find(id, tx).region) else { throw Refusal.notFound }
                guard let row = try tx.one("SELECT account FROM credit_overrides WHERE id = \(key) AND operator = \(id) AND approved_by IS NULL") else { throw Refusal.notFound }
                guard row.int("account") != account.id.raw else { throw Refusal(.forbidden, Text("提出人不能批准自己的调整", "Who proposed it cannot approve it")) }
                let before = try tx.all("SELECT id FROM credit_overrides WHERE operator = \(id) AND ended_at IS NULL AND id <> \(key)").map { $0.int("id") }
                try tx.send("UPDATE credit_overrides SET ended_at = \(now) WHERE operator = \(id) AND ended_at IS NULL AND id <> \(key)")
                try tx.send("UPDATE credit_overrides SET approved_by = \(account.id) WHERE id = \(key)")
                try tx.audit(
                    "credit.override-approved", of: Reference(kind: "operator", id: id.raw), by: account.mark, at: now,
                    sealing: ([key] + before).map { .init("credit_overrides", $0) })
                if let model = try CompassRun.active(tx) { try CompassRun.count(id, model, at: now, tx) }
            }
        } catch let refusal as Refusal where refusal.kind == .forbidden { return visit.redirect("/compass/operators/\(id)", saying: refusal.text, refused: true) }
        return .redirect("/compass/operators/\(id)")
    }

    // MARK: Contested

    private func contest(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let id = try visit.exchange.id(of: Operator.self)
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { tx in try Contest.open(form, of: Operators.find(id, tx), by: account, at: now, desk: desk, tx) }
            return .redirect("/contests/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, "contest", refusal, form) }
    }
    private func contested(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let (matter, row, file, model) = try await visit.desk.store.read { tx in
            let matter = try tx.matter(visit.exchange.id(of: Matter.self))
            guard matter.kind == Contest.kind, visit.maySee(matter), let row = try tx.one("SELECT * FROM credit_contests WHERE matter = \(matter.id)") else {
                throw Refusal.notFound
            }
            return (matter, row, try MatterFile.load(matter, desk: visit.desk, tx), try CompassRun.active(tx))
        }
        let state = Contest.table.state(matter.state)
        return visit.page(Text("分类异议 \(matter.number)", "Contest \(matter.number)"), status: refusal?.kind.status ?? 200, active: "/credit") { h in
            h.div("page-head") {
                h.p("crumbs") { if let op = matter.operator { h.a("/compass/operators/\(op)", nil, matter.title) } }
                h.h1(Text("对风险分类的异议", "A class contested"))
                h.p("mb-0") { h.badge(state.title, state.tone) }
            }
            h.errorSummary(refusal)
            h.card(Text("异议", "Objection")) {
                h.definitions {
                    h.definition(Text("针对", "Against"), row.string("line") == "all" ? h.say(Text("整体分类", "The class")) : model?.title(of: row.string("line"))[visit.language])
                    h.definition(Text("理由", "Why"), row.string("said"))
                    h.definition(Text("答复", "Answer"), row.optionalString("answer"))
                }
            }
            if matter.open, visit.may("credit.decide") {
                visit.form(h, "/contests/\(matter.id)", "card card-body mb-3") {
                    h.radios(
                        "result", Text("处理", "Result"),
                        options: [("upheld", Text("分类无误", "The class stands"), nil), ("changed", Text("数据有误或者应调整，另行更正", "To be corrected or set by hand"), nil)], value: nil,
                        errors: HTML.Errors(refusal), inline: true)
                    h.area("answer", Text("答复", "Answer"), value: nil, rows: 3, errors: HTML.Errors(refusal), maxLength: 2000)
                    h.button(Text("答复", "Answer"))
                }
            }
            visit.history(h, file, table: Contest.table, regime: matter.regime)
        }
    }
    private func answer(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            try await desk.store.write { tx in
                let matter = try tx.matter(visit.exchange.id(of: Matter.self))
                guard visit.maySee(matter) else { throw Refusal.notFound }
                try Contest.answer(form, matter, by: account, at: now, desk: desk, tx)
            }
        } catch let refusal as Refusal where refusal.kind == .invalid || refusal.kind == .conflict { return try await contested(visit, refusal) }
        return .redirect("/contests/\(try visit.exchange.parameter("id"))")
    }

    // MARK: Models

    private func models(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let rows = try await visit.desk.store.read { try $0.all("SELECT * FROM credit_models ORDER BY id DESC") }
        let body = rows.first { $0.string("state") == "active" }?.string("body")
        return visit.page(Text("分类模型", "Models"), status: refusal?.kind.status ?? 200, active: "/credit") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/compass", nil, Text("风险分类", "Risk classes")) }
                h.h1(Text("分类模型", "Models of classes"))
            }
            h.errorSummary(refusal)
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("版本", "Version"), Text("状态", "State"), Text("编制", "Made"), Text("启用", "Active since"), Text("说明", "Remark")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for row in rows {
                            let state = row.string("state")
                            h.tr {
                                h.td { h.a("/compass/models/\(row.int("id"))", nil, row.string("version")) }
                                h.td {
                                    h.badge(
                                        state == "active" ? Text("启用", "active") : state == "draft" ? Text("草稿", "draft") : Text("停用", "retired"),
                                        state == "active" ? "green" : state == "draft" ? "amber" : "grey")
                                }
                                h.td(nil, "\(row.moment("made_at").day)")
                                h.td(nil, row.optionalMoment("activated_at")?.day.description ?? "")
                                h.td(nil, row.string("note"))
                            }
                        }
                    }
                }
            }
            guard visit.may("compass.model") else { return }
            h.card(Text("新的草稿", "A new draft")) {
                h.p(
                    "small text-muted",
                    Text("修改版本号、权重、上限和分档后保存为草稿；试运行后由另一人启用。", "Change version, weights, caps and cuts, keep it as a draft; after a trial somebody else activates it."))
                visit.form(h, "/compass/models") {
                    h.part("", keeping: sent) {
                        h.area("body", Text("模型（JSON）", "Model (JSON)"), value: body, rows: 16, errors: HTML.Errors(refusal), maxLength: 60_000)
                        h.field("note", Text("修改说明", "What was changed"), value: nil, errors: HTML.Errors(refusal))
                    }
                    h.button(Text("保存草稿", "Keep the draft"))
                }
            }
        }
    }
    private func draft(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let body = try form.needed("body", 60_000), note = try form.needed("note", 500)
            let model = try CompassModel(json: Data(body.utf8))
            let id = try await visit.desk.store.write { tx -> Int64 in
                guard try tx.one("SELECT id FROM credit_models WHERE version = \(model.version)") == nil else {
                    throw Refusal.invalid("/body", Text("版本“\(model.version)”已存在，请改版本号", "Version “\(model.version)” exists: give another"))
                }
                let id = try tx.insert(
                    "INSERT INTO credit_models (version, state, body, made_by, made_at, note) VALUES (\(model.version), 'draft', \(body), \(account.mark), \(now), \(note)) RETURNING id"
                )
                try tx.audit(
                    "credit.model-drafted", of: Reference(kind: "credit-model", id: id), by: account.mark, at: now, details: [("version", .string(model.version))],
                    sealing: [.init("credit_models", id)])
                return id
            }
            return .redirect("/compass/models/\(id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await models(visit, refusal, form) }
    }

    private func model(_ visit: Visit) async throws -> Answer {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let (row, trial) = try await visit.desk.store.read { tx -> (Row, JSON?) in
            guard let row = try tx.one("SELECT * FROM credit_models WHERE id = \(id)") else { throw Refusal.notFound }
            return (row, try tx.one("SELECT body FROM credit_trials WHERE model = \(id) ORDER BY id DESC LIMIT 1").map { try JSON(parsing: Array($0.string("body").utf8)) })
        }
        let model = try CompassModel(json: Data(row.string("body").utf8))
        return visit.page(Text("模型 \(model.version)", "Model \(model.version)"), active: "/credit") { h in
            h.div("page-head") {
                h.div {
                    h.p("crumbs") { h.a("/compass/models", nil, Text("分类模型", "Models")) }
                    h.h1(Text("模型 \(model.version)", "Model \(model.version)"))
                    h.p("text-muted mb-0", model.remark)
                }
                h.div("d-flex gap-2") {
                    if visit.may("compass.model") {
                        visit.form(h, "/compass/models/\(id)/trial") { h.button(Text("试运行和回测", "Try it on the past"), "btn btn-sm btn-outline-primary") }
                    }
                    if row.string("state") == "draft", visit.may("credit.decide") {
                        visit.form(h, "/compass/models/\(id)/activate") {
                            h.button(
                                Text("启用", "Activate"), "btn btn-sm btn-danger", attributes: [h.confirming(Text("启用后按此模型计算全部主体，确定？", "All operators are counted by it. Activate?"))]
                            )
                        }
                    }
                }
            }
            if let trial { CompassTrialView.write(h, visit, trial) }
            h.card(Text("指标和权重", "Indicators and weights")) {
                h.p(
                    "small text-muted",
                    Text(
                        "衰减：一年内\(model.decay[0])、两年\(model.decay[1])、三年\(model.decay[2])、更早\(model.decay[3])；已修复的按\(model.repaired)计。分档：B≥\(model.cuts.B)，C≥\(model.cuts.C)，D≥\(model.cuts.D)。",
                        "Fading: \(model.decay.map { "\($0)" }.joined(separator: ", ")) by years; repaired count \(model.repaired). Cuts: B from \(model.cuts.B), C \(model.cuts.C), D \(model.cuts.D)."
                    ))
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                for t in [Text("类别（上限）", "Family (cap)"), Text("指标", "Indicator"), Text("每次分值", "Points each"), Text("上限", "Cap"), Text("衰减", "Fades")] { h.th(t) }
                            }
                        }
                        h.element("tbody") {
                            for i in model.indicators {
                                let f = model.families.first { $0.id == i.family }
                                h.tr {
                                    h.td { h.text("\(f?.text[visit.language] ?? "")（\(f?.cap ?? 0)）") }
                                    h.td { h.text(i.text) }
                                    h.td("number", "\(i.weight)")
                                    h.td("number", i.cap.map { "\($0)" } ?? "")
                                    h.td { h.text(i.fades == true ? Text("是", "yes") : Text("否", "no")) }
                                }
                            }
                            for r in model.rules {
                                h.tr {
                                    h.td { h.text(Text("硬规则", "Hard rule")) }
                                    h.td { h.text(r.text) }
                                    h.td(nil, "≥ \(r.atLeast.rawValue)")
                                    h.td(nil, "")
                                    h.td(nil, "")
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func trial(_ visit: Visit) async throws -> Answer {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        let trial = try await visit.desk.store.read { tx -> CompassTrial in
            guard let row = try tx.one("SELECT body FROM credit_models WHERE id = \(id)"), let active = try CompassRun.active(tx) else { throw Refusal.notFound }
            return try CompassTrial.run(active, CompassModel(json: Data(row.string("body").utf8)), asOf: now.day.adding(days: -182), until: now.day, tx)
        }
        try await visit.desk.store.write { try $0.run("INSERT INTO credit_trials (model, counted_at, body) VALUES (\(id), \(now), \(trial.json.text))") }
        return .redirect("/compass/models/\(id)")
    }

    private func activate(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                guard let row = try tx.one("SELECT * FROM credit_models WHERE id = \(id)") else { throw Refusal.notFound }
                guard row.string("state") == "draft" else { throw Refusal(.conflict, Text("只有草稿可以启用", "Only a draft is activated")) }
                guard row.string("made_by") != account.mark else { throw Refusal(.forbidden, Text("编制人不能启用自己的模型", "Who made it cannot activate it")) }
                guard try tx.one("SELECT id FROM credit_trials WHERE model = \(id)") != nil else { throw Refusal(.conflict, Text("请先试运行", "First try it")) }
                let old = try tx.all("SELECT id FROM credit_models WHERE state = 'active'").map { $0.int("id") }
                try tx.send("UPDATE credit_models SET state = 'retired' WHERE state = 'active'")
                try tx.send("UPDATE credit_models SET state = 'active', activated_by = \(account.mark), activated_at = \(now) WHERE id = \(id)")
                try tx.audit(
                    "credit.model-active", of: Reference(kind: "credit-model", id: id), by: account.mark, at: now, sealing: ([id] + old).map { .init("credit_models", $0) })
                try Jobs.add(CompassRun.all, at: now, tx)
            }
        } catch let refusal as Refusal where [.conflict, .forbidden].contains(refusal.kind) { return visit.redirect("/compass/models/\(id)", saying: refusal.text, refused: true) }
        return visit.redirect("/compass/models/\(id)", saying: Text("已启用，正在重新计算", "Active: everything is being counted anew"))
    }
}
