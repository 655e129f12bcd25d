import Credit
import Enforcement
import Formats
import Foundation
import Kernel
import Platform
import PublicFiles
import Statute
import Store
import Web

/// Inspections at the desk and on the phone (检查页面): planned, approved, made with a sheet that works without signal, published.
struct InspectionPages: Sendable {
    let handling: InspectionHandling

    func routes() -> [Route] {
        [
            Route(.get, "/supervision/inspections/new", .permitted("supervision.plan")) { visit in try await new(visit, nil, nil) },
            Route(.post, "/supervision/inspections/new", .permitted("supervision.plan")) { visit in try await plan(visit) },
            Route(.get, "/supervision/inspections/:id", .permitted("supervision.see")) { visit in try await show(visit, nil, nil, nil) },
            Route(.post, "/supervision/inspections/:id/moves/:move", .permitted("supervision.see")) { visit in try await move(visit) },
            Route(.get, "/supervision/mine", .permitted("supervision.inspect")) { visit in try await mine(visit) },
            Route(.get, "/supervision/inspections/:id/sheet", .permitted("supervision.inspect")) { visit in try await sheet(visit, nil, nil) },
            Route(.post, "/supervision/inspections/:id/sheet", .permitted("supervision.inspect"), cap: 128 << 20) { visit in try await take(visit) },
            // A form that was filled without signal gets a token of the session that sends it.
            Route(.get, "/supervision/token", .permitted("supervision.inspect")) { visit in
                .json(.object([("token", .string(visit.formToken)), ("account", .string(try visit.signedIn().mark))]))
            },
            Route(.get, "/supervision/worker.js", .anyone) { _ in
                let text = try Data(contentsOf: PublicFiles.folder.appendingPathComponent("visits-worker.js"))
                return Answer(type: "text/javascript; charset=utf-8", bytes: [UInt8](text))
            },
        ]
    }

    func find(_ visit: Visit, _ tx: Transaction) throws -> Inspection {
        let i = try tx.inspection(tx.matter(visit.exchange.id(of: Matter.self)))
        guard visit.maySee(i.matter) || i.inspectors.contains(visit.account?.id.raw ?? -1) else { throw Refusal.notFound }
        return i
    }
    private static func inspectors(_ visit: Visit, _ tx: Transaction) throws -> [Account] {
        let certified = Set(try tx.certificates().filter { $0.validTo >= visit.desk.today() }.map(\.account))
        return try Accounts.all(tx).filter {
            certified.contains($0.id.raw) && $0.active && visit.desk.permissions.allows($0.roles, "supervision.inspect") && $0.mayTake(visit.account?.region ?? "")
        }
    }

    private func new(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let e = HTML.Errors(refusal)
        let code = sent?["code"] ?? visit.exchange.query["code"]
        let (items, people, op, record) = try await visit.desk.store.read { tx in
            let op = try code.flatMap { try Operators.find(uscc: $0.uppercased(), tx) }
            return (try InspectionItem.all(tx), try Self.inspectors(visit, tx), op, try op.map { try InspectionHandling.record(of: $0, on: visit.desk.today(), tx) })
        }
        return visit.page(Text("安排检查", "Plan a visit"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            h.div("narrow") {
                h.h1(Text("安排现场检查", "Plan a visit"))
                h.p(
                    "text-muted",
                    Text(
                        "检查事项须已公布；同一主体待实施的检查合并为一次；计划检查受年度上限和间隔约束，因投诉、举报、线索的除外。",
                        "Items are published before; one visit where several are due; planned visits keep to caps and intervals, those with a cause do not."))
                if let op, let record {
                    h.div(
                        "alert alert-info",
                        h.say(
                            Text(
                                "\(op.name)：近一年检查\(record.visits.filter { visit.desk.today() - $0 < 365 }.count)次\(record.visits.max().map { "，最近\($0)" } ?? "")",
                                "\(op.name): \(record.visits.filter { visit.desk.today() - $0 < 365 }.count) visits in a year\(record.visits.max().map { ", last \($0)" } ?? "")")))
                }
                h.errorSummary(refusal)
                visit.form(h, "/supervision/inspections/new", "card card-body") {
                    h.part("", keeping: sent) {
                        h.field("code", Text("统一社会信用代码", "Credit code"), value: code, errors: e)
                        h.select("cause", Text("事由", "Cause"), options: Restraint.Cause.allCases.filter { $0 != .draw }.map { ($0.rawValue, $0.title) }, value: "plan", errors: e)
                        h.field("of", Text("投诉、举报、线索编号", "Number of the matter that is its cause"), value: nil, errors: e, required: false)
                        h.field(
                            "law", Text("要求检查的条款，转办交办文号", "Provision that asks for it, or letter of who handed it over"), value: nil,
                            hint: Text("法律法规规定的检查填写条款，形如 FSL-110；转办、交办填写来函文号", "For a visit that a law asks for, as FSL-110; else the letter's number"),
                            errors: e,
                            required: false)
                        h.element("fieldset", "mb-3", [.id(h.id("f", "items"))]) {
                            h.element("legend", "form-label", text: h.say(Text("检查事项", "Items")))
                            if let error = e["items"] { h.element("div", "text-danger small", text: h.say(error)) }
                            for item in items where item.isInForce(on: visit.desk.today()) {
                                h.checkbox("items", Text("\(item.code) \(item.title.zh)", "\(item.code) \(item.title.en)"), value: item.code, checked: false)
                            }
                        }
                        h.element("fieldset", "mb-3", [.id(h.id("f", "inspectors"))]) {
                            h.element("legend", "form-label", text: h.say(Text("检查人员（两名以上）", "Inspectors: two or more")))
                            if let error = e["inspectors"] { h.element("div", "text-danger small", text: h.say(error)) }
                            for person in people { h.checkbox("inspectors", Text(verbatim: person.name), value: String(person.id.raw), checked: false) }
                        }
                        h.area(
                            "joined", Text("联合检查的其他部门和事项（综合查一次）", "Other agencies that come along, and for what"), value: nil, rows: 2, errors: e, required: false, maxLength: 500)
                        h.field(
                            "on", Text("计划日期", "Planned for"), value: visit.desk.calendar.value.workday(from: visit.desk.today().adding(days: 3)).description, type: "date",
                            errors: e)
                    }
                    h.button(Text("报请审批", "Ask for approval"))
                }
            }
        }
    }

    private func plan(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (handling, now) = (handling, visit.desk.now)
        do {
            try form.require("code", "cause", "items", "inspectors", "on")
            let matter = try await visit.desk.store.write { tx in
                guard let op = try Operators.find(uscc: form.needed("code", 18).uppercased(), tx) else {
                    throw Refusal.invalid("/code", Text("登记库中没有这个代码", "This code is not on the register"))
                }
                guard account.covers(op.region) || op.region.hasPrefix(account.region) else { throw Refusal.invalid("/code", Text("该主体不在您的辖区", "Not in your region")) }
                guard let on = Day(try form.needed("on", 10)), on >= now.day else { throw Refusal.invalid("/on", Text("应为今天或者以后的日期", "A day from today on")) }
                var p = InspectionHandling.Plan(
                    cause: Restraint.Cause(rawValue: try form.chosen("cause", Restraint.Cause.allCases.filter { $0 != .draw }.map(\.rawValue)))!, op: op, items: form.all("items"),
                    inspectors: form.all("inspectors").compactMap { Int64($0) }, on: on)
                (p.joined, p.law) = (form["joined"].map { String($0.prefix(500)) }, form["law"].map { String($0.prefix(200)) })
                if let number = form["of"] {
                    guard let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(number)"), visit.maySee(Matter(row)) else {
                        throw Refusal.invalid("/of", Text("没有编号为“\(number)”的事项", "There is no matter “\(number)”"))
                    }
                    p.causeMatter = Matter(row)
                }
                return try handling.plan(p, by: .staff(account), at: now, tx)
            }
            return .redirect("/supervision/inspections/\(matter.id)")
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await new(visit, refusal, form) }
    }

    // MARK: One inspection

    private func show(_ visit: Visit, _ failed: String?, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let (i, file, items, names, sheets, people) = try await visit.desk.store.read { tx in
            let i = try find(visit, tx)
            return (
                i, try MatterFile.load(i.matter, desk: visit.desk, tx), try InspectionItem.all(tx).filter { i.items.contains($0.code) }, try Accounts.names(i.inspectors, tx),
                try tx.all("SELECT * FROM supervision_sheets WHERE matter = \(i.matter.id) ORDER BY id"), try Self.inspectors(visit, tx)
            )
        }
        let moves = InspectionMoves.table.available(i.matter, to: .staff(account), visit.desk.permissions).filter { m in
            m.name != "record" && !(m.name == "order" && i.guidance != nil) && !(m.name == "open-case" && i.caseMatter != nil)
                && !(["order", "open-case"].contains(m.name) && ["clean", "gone", "none"].contains(i.result ?? ""))
        }
        return visit.page(Text("检查 \(i.matter.number)", "Visit \(i.matter.number)"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            visit.matterHead(h, file, i.matter, of: InspectionMoves.table, home: "/supervision", Text("监督检查", "Supervision")) { h.badge(i.cause.title, "grey") }
            h.errorSummary(refusal, part: failed ?? "")
            h.div("matter-grid") {
                h.div("matter-main") {
                    if i.matter.state == "approved", i.inspectors.contains(account.id.raw) {
                        h.p { h.a("/supervision/inspections/\(i.matter.id)/sheet", "btn btn-primary", Text("填写检查记录", "Fill the sheet")) }
                    }
                    visit.actions(h, moves, at: "/supervision/inspections/\(i.matter.id)", under: "SPOT", failed: failed, refusal, sent) {
                        fields(h, visit, i, $0.name, people, $1)
                    }
                    h.card(Text("检查", "The visit")) {
                        h.definitions {
                            h.definition(Text("对象", "Who")) { if let op = i.matter.operator { h.a("/operators/\(op)", nil, i.matter.title) } }
                            h.definition(Text("地点", "Where"), i.place)
                            h.definition(Text("事项", "Items"), items.map { "\($0.code) \($0.title[visit.language])" }.joined(separator: "；"))
                            if let law = i.law { h.definition(Text("依据", "Under"), Article(law.trimmed).map { h.say(visit.desk.law.register.cite($0)) } ?? law) }
                            if let joined = i.joined { h.definition(Text("联合检查部门", "With"), joined) }
                            h.definition(Text("检查人员", "Inspectors"), i.inspectors.compactMap { names[$0] }.joined(separator: "、"))
                            h.definition(Text("计划日期", "Planned"), i.plannedOn.description)
                            if let draw = i.draw { h.definition(Text("抽取", "Draw")) { h.a("/supervision/draws/\(draw)", nil, Text("双随机抽取", "The draw")) } }
                            if let result = i.result {
                                h.definition(Text("结果", "Result"), "\(i.endedOn?.description ?? "") \(h.say(Inspection.results.first { $0.0 == result }?.1 ?? Text("", "")))")
                            }
                            if let summary = i.summary { h.definition(Text("情况", "What was found")) { h.element("p", "pre mb-0", text: summary) } }
                            if let signed = i.signed {
                                h.definition(
                                    Text("当事人签字", "Signed"),
                                    h.say(
                                        signed == "yes"
                                            ? Text("已签字", "yes") : signed == "refused" ? Text("拒绝签字，已注明", "refused, noted") : Text("无法取得签字，已注明", "could not be had, noted")))
                            }
                            if let g = i.guidance { h.definition(Text("责令改正", "Ordered")) { h.a("/guidance/\(g)", nil, Text("改正跟踪", "Followed here")) } }
                            if let c = i.caseMatter { h.definition(Text("案件", "Case")) { h.a("/cases/\(c)", nil, Text("案件", "The case")) } }
                            if let published = i.publishedOn {
                                h.definition(Text("公示", "Published"), "\(published)\(i.hiddenOn.map { " — \($0)" } ?? i.shownUntil.map { " — \($0)" } ?? "")")
                            }
                        }
                        if let findings = i.findings?.array, !findings.isEmpty { checks(h, visit, items, findings) }
                    }
                    if sheets.count > 1 {
                        h.card(Text("全部检查记录（\(sheets.count)份）", "All sheets: \(sheets.count)")) {
                            h.ul("plain mb-0") {
                                for s in sheets {
                                    h.li {
                                        h.text("\(s.moment("taken_at").minuteText) ");
                                        h.badge(s.bool("taken") ? Text("作为结果", "the record") : Text("另存", "beside"), s.bool("taken") ? "green" : "grey")
                                    }
                                }
                            }
                        }
                    }
                    visit.files(h, file, matter: i.matter)
                    visit.notes(h, file, matter: i.matter)
                }
                h.element("aside", "matter-side") {
                    visit.clocks(h, file, matter: i.matter)
                    visit.history(h, file, table: InspectionMoves.table, regime: "SPOT")
                }
            }
        }
    }

    private func checks(_ h: HTML, _ visit: Visit, _ items: [InspectionItem], _ findings: [JSON]) {
        let byID = Dictionary(findings.compactMap { f in f["id"]?.string.map { ($0, f) } }) { a, _ in a }
        h.div("table-wrap mt-2") {
            h.element("table", "table queue") {
                h.element("tbody") {
                    for item in items {
                        for check in item.checks {
                            let f = byID[check.id]
                            h.tr {
                                h.td {
                                    h.text(check.title)
                                    if check.key { h.badge(Text("重点项", "key"), "red") }
                                }
                                h.td {
                                    switch f?["answer"]?.string {
                                    case "yes": h.badge(Text("符合", "yes"), "green")
                                    case "no": h.badge(Text("不符合", "no"), "red")
                                    default: h.badge(Text("不适用", "n/a"), "grey")
                                    }
                                }
                                h.td(nil, f?["note"]?.string ?? "")
                            }
                        }
                    }
                }
            }
        }
    }

    private func fields(_ h: HTML, _ visit: Visit, _ i: Inspection, _ name: String, _ people: [Account], _ e: HTML.Errors) {
        switch name {
        case "approve": h.area("note", Text("意见", "Remark"), value: nil, rows: 2, errors: e, required: false, maxLength: 500)
        case "notice": h.field("on", Text("通知日期", "Given on"), value: visit.desk.today().description, type: "date", errors: e)
        case "replace":
            h.element("fieldset", "mb-3", [.id(h.id("f", "inspectors"))]) {
                if let error = e["inspectors"] { h.element("div", "text-danger small", text: h.say(error)) }
                for person in people { h.checkbox("inspectors", Text(verbatim: person.name), value: String(person.id.raw), checked: i.inspectors.contains(person.id.raw)) }
            }
            h.area("reason", Text("更换原因", "Why"), value: nil, rows: 2, errors: e, maxLength: 500)
        case "order":
            h.area("issues", Text("违法行为", "What was found"), value: i.summary, rows: 3, errors: e, maxLength: 4000)
            h.area("asked", Text("改正内容及要求", "What is to be changed"), value: nil, rows: 3, errors: e, maxLength: 4000)
            h.field("basis", Text("依据", "Under"), value: nil, errors: e)
            h.field("due", Text("改正期限", "By"), value: visit.desk.calendar.value.workday(from: visit.desk.today().adding(days: 15)).description, type: "date", errors: e)
        case "open-case":
            h.select(
                "violation", Text("涉嫌违法行为", "Suspected violation"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: nil, errors: e, required: false,
                empty: Text("不在目录中", "None of these"))
            h.field("cause", Text("案由", "Cause"), value: nil, errors: e)
        case "publish": h.p("small text-muted", Text("公示：对象、事项、结果、检查日期。", "Published: who, items, result, day."))
        default: h.area("reason", Text("理由", "Reason"), value: nil, rows: 2, errors: e, maxLength: 500)
        }
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let name = try visit.exchange.parameter("move")
        let (handling, now, code) = (handling, visit.desk.now, AccessCode.make())
        do {
            try await visit.desk.store.write { tx in try handling.apply(name, on: find(visit, tx), input: form, by: .staff(account), at: now, code: code, tx) }
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await show(visit, name, refusal, form) }
        let id = try visit.exchange.parameter("id")
        guard name == "order" else { return visit.redirect("/supervision/inspections/\(id)", saying: InspectionMoves.table.done(name)) }
        let number = try await visit.desk.store.read { tx in try find(visit, tx).guidance.map { try tx.matter($0).number } ?? "" }
        let path = visit.exchange.origin + Link.query("/rectify/\(number)", [("code", code)])
        return visit.redirect(
            "/supervision/inspections/\(id)", saying: Text("已责令改正。当事人凭此链接反馈整改照片：\(path)（只显示这一次）", "Ordered. The party sends pictures by this link, shown this once: \(path)"))
    }
}
