import Enforcement
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// One operator's class, line by line, set by hand, contested (主体分类页).
extension CompassPages {
    // MARK: One operator

    func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let id = try visit.exchange.id(of: Operator.self)
        let today = visit.desk.today()
        let account = try visit.signedIn()
        let (op, row, model, overrides, contests) = try await visit.desk.store.read { tx in
            guard account.covers(try Operators.find(id, tx).region) else { throw Refusal.notFound }
            return (
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

    func overrideCard(_ h: HTML, _ visit: Visit, _ op: Operator, _ overrides: [Row], _ today: Day, _ e: HTML.Errors, _ sent: Form?) {
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

    func override(_ visit: Visit) async throws -> Answer {
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
    func approve(_ visit: Visit) async throws -> Answer {
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
                // When it ends the class is what was counted, the next day.
                if let until = try tx.one("SELECT until FROM credit_overrides WHERE id = \(key)")?.optionalDay("until") {
                    try Jobs.add(CompassRun.one, [("operator", .int(id.raw))], at: Moment(until.adding(days: 1)), tx)
                }
            }
        } catch let refusal as Refusal where refusal.kind == .forbidden { return visit.redirect("/compass/operators/\(id)", saying: refusal.text, refused: true) }
        return .redirect("/compass/operators/\(id)")
    }

    // MARK: Contested

    func contest(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let id = try visit.exchange.id(of: Operator.self)
        let (now, desk) = (visit.desk.now, visit.desk)
        do {
            let matter = try await desk.store.write { tx in try Contest.open(form, of: Operators.find(id, tx), by: account, at: now, desk: desk, tx) }
            return .redirect("/contests/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, "contest", refusal, form) }
    }
    func contested(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
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
    func answer(_ visit: Visit) async throws -> Answer {
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
}
