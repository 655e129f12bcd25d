import Formats
import Foundation
import Kernel
import Statute
import Store
import Web

/// Administration (系统管理): the calendar with its difference shown first, accounts, document templates.
package struct AdminPages: Sendable {
    let forms: [DocumentForm]
    /// The style of a document, for previews.
    let style: @Sendable () -> String
    package init(forms: [DocumentForm], style: @escaping @Sendable () -> String) {
        self.forms = forms
        self.style = style
    }

    package func routes() -> [Route] {
        [
            Route(.get, "/admin", .signedIn) { visit in try await overview(visit, nil) },
            Route(.post, "/admin/office", .permitted("office.change")) { visit in try await office(visit) },
            Route(.post, "/admin/parameters", .permitted("office.change")) { visit in try await parameters(visit) },
            Route(.post, "/admin/calendar", .permitted("calendar.change"), cap: 1 << 20) { visit in try await calendar(visit) },
            Route(.post, "/admin/accounts", .permitted("accounts.change")) { visit in try await addAccount(visit) },
            Route(.get, "/admin/accounts/:id", .permitted("accounts.change")) { visit in try await account(visit, nil, nil) },
            Route(.post, "/admin/accounts/:id", .permitted("accounts.change")) { visit in try await changeAccount(visit) },
            Route(.post, "/admin/accounts/:id/active", .permitted("accounts.change")) { visit in try await setActive(visit) },
            Route(.get, "/admin/templates/:form", .permitted("templates.change")) { visit in try await template(visit, nil, body: nil) },
            Route(.post, "/admin/templates/:form", .permitted("templates.change"), cap: 1 << 20) { visit in try await saveTemplate(visit) },
        ]
    }

    func overview(_ visit: Visit, _ refusal: Refusal?, of part: String = "", _ sent: Form? = nil) async throws -> Answer {
        guard visit.may("calendar.change") || visit.may("office.change") || visit.may("accounts.change") || visit.may("templates.change") else {
            throw Refusal.forbidden("calendar.change")
        }
        let calendar = visit.desk.calendar.value
        let accounts = visit.may("accounts.change") ? try await visit.desk.store.read { try Accounts.all($0) } : []
        let numbers = try await visit.desk.store.read { tx in try visit.house.settings.map { ($0, try $0.value(tx)) } }
        return visit.page(Text("系统管理", "Administration"), status: refusal?.kind.status ?? 200, active: "/admin") { h in
            h.div("page-head") { h.h1(Text("系统管理", "Administration")) }
            h.errorSummary(refusal, part: part)
            func form(_ name: String, _ write: (HTML.Errors) -> Void) {
                let isThis = name == part
                h.part(name, keeping: isThis ? sent : nil) { write(HTML.Errors(isThis ? refusal : nil)) }
            }
            if visit.may("office.change") { form("office") { officeCard(h, visit, $0) } }
            if visit.may("office.change"), !numbers.isEmpty { form("parameters") { parametersCard(h, visit, numbers, $0) } }
            if visit.may("office.change") {
                h.card(Text("对外投递", "Deliveries")) {
                    h.p("mb-0") { h.a("/admin/deliveries", nil, Text("发信服务器、订阅（CloudEvents）和投递记录", "Mail server, subscriptions (CloudEvents) and the log")) }
                }
            }
            if visit.may("calendar.change") {
                h.card(Text("工作日历", "Working-day calendar")) {
                    h.p(
                        nil,
                        Text(
                            "已载入年度：\(calendar.years.sorted().map(String.init).joined(separator: "、"))。未载入的年度按周一至周五计算并处处标明。",
                            "Loaded: \(calendar.years.sorted().map(String.init).joined(separator: ", ")). Other years are counted Monday to Friday, and say so everywhere."))
                    visit.form(h, "/admin/calendar", "d-flex gap-2", multipart: true) {
                        h.hidden("step", "preview")
                        h.void(
                            "input", "form-control",
                            [.type("file"), .name("file"), .required, .init("accept", ".json,.csv"), .label(h.say(Text("年度放假安排文件", "The year's holiday file")))])
                        h.button(Text("预览影响", "Show what changes"), "btn btn-primary text-nowrap")
                    }
                }
            }
            if visit.may("templates.change") {
                h.card(Text("文书模板", "Document templates")) { h.ul("plain") { for form in forms { h.li { h.a("/admin/templates/\(form.name)", nil, form.title) } } } }
            }
            if visit.may("accounts.change") { form("account") { accountList(h, visit, accounts, $0) } }
        }
    }

    // MARK: The office

    /// What the office calls itself: field, setting, title, how long it may be.
    private static let settings: [(field: String, setting: String, title: Text, max: Int)] = [
        ("city", "city.zh", Text("城市", "City, in Chinese"), 20), ("cityEnglish", "city.en", Text("城市英文名", "City, in English"), 40),
        ("officeName", "office.name", Text("机关全称（用于文书）", "Full name of the authority (on documents)"), 40),
        ("officeShort", "office.short", Text("机关代字（用于文号）", "Short form (in document numbers)"), 10),
        ("officeEnglish", "office.en", Text("机关英文名", "Name in English"), 80), ("hotline", "office.hotline", Text("咨询电话", "Telephone"), 20),
    ]

    private func officeCard(_ h: HTML, _ visit: Visit, _ errors: HTML.Errors) {
        let c = visit.desk.configuration
        let now = [
            "city": c.cityName.zh, "cityEnglish": c.cityName.en, "officeName": c.officeName, "officeShort": c.officeShort, "officeEnglish": c.officeNameEn, "hotline": c.hotline,
        ]
        h.card(Text("机构设置", "The office")) {
            visit.form(h, "/admin/office") {
                h.div("three-columns") {
                    for s in Self.settings { h.div { h.field(s.field, s.title, value: now[s.field], errors: errors, required: s.field != "officeEnglish") } }
                }
                h.p("text-muted small", Text("修改后立即用于新的页面和文书；已发出的文书不变。", "A change holds for new pages and documents at once; what was issued stays as it is."))
                h.button(Text("保存设置", "Save"), "btn btn-primary btn-sm")
            }
        }
    }

    /// Numbers that no law fixes, each with what it is now.
    private func parametersCard(_ h: HTML, _ visit: Visit, _ numbers: [(NumberSetting, Int)], _ errors: HTML.Errors) {
        h.element("details", "card mb-3", [.init("open", if: !errors.isEmpty)]) {
            h.element("summary", "card-header", text: h.say(Text("业务参数（本机关设定，不是法定数值）", "Numbers of the office's own, not the law's")))
            visit.form(h, "/admin/parameters", "card-body") {
                h.div("three-columns") {
                    for (setting, value) in numbers {
                        h.div {
                            h.field(
                                setting.name, setting.title, value: String(value),
                                hint: Text(
                                    "\(setting.range.lowerBound)–\(setting.range.upperBound)，初始为\(setting.initial)",
                                    "\(setting.range.lowerBound)–\(setting.range.upperBound), at first \(setting.initial)"),
                                errors: errors, inputmode: "numeric")
                        }
                    }
                }
                h.button(Text("保存参数", "Save"), "btn btn-primary btn-sm")
            }
        }
    }

    private func parameters(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("office.change")
        let form = try visit.exchange.form()
        var (wrong, values): ([Refusal.Field], [(String, String)]) = ([], [])
        for setting in visit.house.settings where form.has(setting.name) {
            guard let n = form[setting.name].flatMap({ Int($0) }), setting.range.contains(n) else {
                wrong.append(
                    .init(
                        "/\(setting.name)",
                        Text("应为\(setting.range.lowerBound)至\(setting.range.upperBound)的整数", "A whole number from \(setting.range.lowerBound) to \(setting.range.upperBound)")))
                continue
            }
            values.append((setting.name, String(n)))
        }
        guard wrong.isEmpty else { return try await overview(visit, .invalid(wrong), of: "parameters", form) }
        let (now, set) = (visit.desk.now, values)
        try await visit.desk.store.write { try Settings.set(set, by: officer.mark, at: now, $0) }
        return visit.redirect("/admin", saying: Text("业务参数已保存", "The numbers are saved"))
    }

    private func office(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("office.change")
        let form = try visit.exchange.form()
        var wrong: [Refusal.Field] = []
        var values: [(String, String)] = []
        for s in Self.settings {
            let value = form[s.field]?.trimmed ?? ""
            if value.isEmpty, s.field != "officeEnglish" { wrong.append(.init("/\(s.field)", Text("请填写这一项", "This is needed"))) }
            if s.field == "hotline", value.contains(where: { !($0.isASCII && $0.isNumber) && !"+- ()".contains($0) }) {
                wrong.append(.init("/hotline", Text("电话只能有数字、加号、横线、括号和空格", "A telephone has digits, plus, dashes, brackets and blanks only")))
            }
            if s.field == "officeShort", value.contains(where: { !$0.isLetter }) {
                wrong.append(.init("/officeShort", Text("机关代字只能是汉字或字母", "The short form has letters or Han only")))
            }
            if value.count > s.max { wrong.append(.init("/\(s.field)", Text("不能超过\(s.max)字", "At most \(s.max) characters"))) }
            values.append((s.setting, value))
        }
        guard wrong.isEmpty else { return try await overview(visit, .invalid(wrong), of: "office", form) }
        let (now, set) = (visit.desk.now, values)
        try await visit.desk.store.write { try Settings.set(set, by: officer.mark, at: now, $0) }
        visit.desk.configuration = try await Settings.load(visit.desk.store, over: visit.desk.configuration)
        return visit.redirect("/admin", saying: Text("机构设置已保存", "The settings are saved"))
    }

    // MARK: Calendar

    private func calendar(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("calendar.change")
        let form = try visit.exchange.form()
        do {
            let bytes: [UInt8]
            if let file = form.files.first {
                bytes = file.bytes
            } else if let text = form["table"] {
                bytes = Array(text.utf8)
            } else {
                throw Refusal.invalid("/file", Text("请选择文件", "Choose a file"))
            }
            let table = try CalendarFile.read(bytes)
            let apply = form["step"] == "apply"
            let change = try await CalendarUpdate.run(table, desk: visit.desk, by: officer.mark, apply: apply)
            return show(visit, table, change, applied: apply)
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return try await overview(visit, refusal)
        }
    }

    private func show(_ visit: Visit, _ table: [WorkCalendar.Exception], _ change: CalendarUpdate.Outcome, applied: Bool) -> Answer {
        visit.page(Text("工作日历更新", "Calendar update"), active: "/admin") { h in
            h.div("page-head") { h.h1(applied ? Text("工作日历已更新", "The calendar was updated") : Text("更新前请核对影响", "Check what changes before you apply it")) }
            h.p(
                "lead",
                Text(
                    "\(table.count)个日期；重算\(change.examined)个未结期限，\(change.moved.count)个日期变动，\(change.learned)个不再是估算。",
                    "\(table.count) days; \(change.examined) open periods counted again, \(change.moved.count) days move, \(change.learned) are no longer estimates."))
            if !change.moved.isEmpty {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") { h.tr { for t in [Text("期限", "Period"), Text("事项", "Matter"), Text("原届满日", "Before"), Text("新届满日", "After")] { h.th(t) } } }
                        h.element("tbody") {
                            for moved in change.moved.prefix(200) {
                                h.tr {
                                    h.td(nil, visit.desk.law.catalogue[moved.duty]?.title[visit.language] ?? moved.duty)
                                    h.td(nil, change.numbers[moved.matter] ?? "")
                                    h.td(nil, moved.before.description)
                                    h.td(nil, moved.after.description)
                                }
                            }
                        }
                    }
                }
            }
            if !applied {
                visit.form(h, "/admin/calendar") {
                    h.hidden("step", "apply")
                    h.hidden(
                        "table",
                        CSV.line(["year", "name", "date", "isOffDay"])
                            + table.map { CSV.line([String($0.year), $0.name, $0.day.description, $0.isOff ? "true" : "false"]) }.joined())
                    h.button(Text("确认更新", "Apply"))
                    h.a("/admin", "btn btn-outline-secondary ms-2", Text("取消", "Cancel"))
                }
            }
        }
    }

    // MARK: Templates

    private func form(_ visit: Visit) throws -> DocumentForm {
        let name = try visit.exchange.parameter("form")
        guard let form = forms.first(where: { $0.name == name }) else { throw Refusal.notFound }
        return form
    }

    private func template(_ visit: Visit, _ refusal: Refusal?, body: String?) async throws -> Answer {
        let form = try form(visit)
        let office = try templateOffice(visit)
        let current = try await visit.desk.store.read { try Documents.template(form, office: office, $0) }
        return visit.page(form.title, status: refusal?.kind.status ?? 200, active: "/admin") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/admin", nil, Text("系统管理", "Administration")) }
                h.h1(form.title)
                h.p(
                    "text-muted mb-0",
                    office.isEmpty
                        ? Text("全市通用；区县自有模板的以其模板为准", "For the whole city, but for districts that have their own")
                        : Text("仅用于\(visit.region(office))", "For \(visit.region(office)) only"))
            }
            h.errorSummary(refusal)
            visit.form(h, "/admin/templates/\(form.name)") {
                h.area(
                    "body", Text("模板（Mustache）", "Template (Mustache)"), value: body ?? current, rows: 26,
                    hint: Text("保存前会先试填；变量见文书说明。", "It is tried before it is saved; the variables are in the documents' card."), errors: HTML.Errors(refusal), maxLength: 60_000)
                h.button(Text("保存", "Save"), name: "step", value: "save")
                h.button(
                    Text("预览", "Preview"), "btn btn-outline-primary ms-2", name: "step", value: "preview",
                    attributes: [.init("formtarget", "_blank")])
                h.button(
                    Text("恢复为官方式样", "Back to the official form"), "btn btn-outline-secondary ms-2", name: "step", value: "reset",
                    attributes: [h.confirming(Text("本机关的改动将丢失，确定恢复？", "Your changes are lost. Restore it?"))])
            }
            h.card(Text("可用变量", "Variables")) {
                h.p("small text-muted", Text("写作 {{变量名}}；预览时以下列示例填充。", "Written {{name}}; the preview fills in these examples."))
                h.definitions {
                    for (name, value) in form.sample().sorted(by: { $0.key < $1.key }) { if let text = value as? String { h.definition(Text(verbatim: name), text) } }
                }
            }
        }
    }

    /// Whose template it is: the city's, or that of the district in which one works.
    private func templateOffice(_ visit: Visit) throws -> String {
        let region = try visit.signedIn().region
        return region.count < 6 ? "" : String(region.prefix(6))
    }

    /// A template that can be a document: text and layout only, with variables in it.
    private func checked(_ body: String) throws(Refusal) -> String {
        let lower = body.lowercased()
        guard
            !["<script", "<iframe", "<object", "<embed", "<link", "<meta", "<base", "<form", "<img", "javascript:", "url(", " on"].contains(where: {
                lower.contains($0) && ($0 != " on" || lower.contains("=\"") && lower.range(of: #"\son[a-z]+\s*="#, options: .regularExpression) != nil)
            })
        else {
            throw Refusal.invalid("/body", Text("模板中只能有文字和版式，不能有脚本、框架、图片或外部内容", "A template holds text and layout only: no script, frame, image or outside content"))
        }
        guard body.contains("{{") else {
            throw Refusal.invalid("/body", Text("模板中没有任何变量，制作的文书将没有编号和当事人", "The template has no variable: documents would have no number and no parties"))
        }
        return body
    }

    private func saveTemplate(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("templates.change")
        let form = try form(visit)
        let input = try visit.exchange.form()
        let now = visit.desk.now
        let body = input["body"] ?? ""
        let office = try templateOffice(visit)
        do {
            if input["step"] == "preview" {
                var values = form.sample()
                values["office"] = visit.desk.office(for: office.isEmpty ? visit.desk.configuration.cityRegion : office).name
                values["preview"] = true
                let filled = try Documents.render(try checked(body), values)
                return .sheet(Documents.sheet(filled, title: "\(form.title.zh)（预览）", style: style()))
            }
            if input["step"] == "reset" {
                try await visit.desk.store.write { tx in
                    try tx.run("DELETE FROM platform_office_templates WHERE office = \(office) AND form = \(form.name)")
                    try tx.audit(
                        "templates.reset", of: Reference(kind: "template", id: 0), by: officer.mark, at: now, details: [("office", .string(office)), ("form", .string(form.name))],
                        sealing: [.init(whole: "platform_office_templates")])
                }
            } else {
                _ = try checked(body)
                _ = try Documents.render(body, ["office": visit.desk.configuration.officeName, "number": "×〔2026〕1号"])
                try await visit.desk.store.write { tx in
                    try tx.run(
                        """
                        INSERT INTO platform_office_templates (office, form, body, changed_by, changed_at) VALUES (\(office), \(form.name), \(body), \(officer.id), \(now))
                        ON CONFLICT (office, form) DO UPDATE SET body = \(body), changed_by = \(officer.id), changed_at = \(now)
                        """
                    )
                    try tx.audit(
                        "templates.changed", of: Reference(kind: "template", id: 0), by: officer.mark, at: now,
                        details: [("office", .string(office)), ("form", .string(form.name)), ("sha256", .string(Crypto.hex(Crypto.sha256(Array(body.utf8)))))],
                        sealing: [.init(whole: "platform_office_templates")])
                }
            }
            return visit.redirect("/admin/templates/\(form.name)", saying: Text("式样已保存", "The form is saved"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await template(visit, refusal, body: body) }
    }
}

/// A new year's calendar (日历更新): computed, shown, then applied to all open periods in one act.
package enum CalendarUpdate {
    package struct Outcome: Sendable {
        package let examined: Int
        package let moved: [Clocks.Change]
        package let learned: Int
        package let numbers: [Int64: String]
    }

    package static func run(_ table: [WorkCalendar.Exception], desk: Desk, by actor: String, apply: Bool) async throws -> Outcome {
        let (today, now) = (desk.today(), desk.now)
        let work: @Sendable (Transaction) throws -> (Outcome, WorkCalendar) = { tx in
            // From what the database holds now, not from what this process read when it started.
            let next = try load(tx).replacing(with: table)
            let engine = DeadlineEngine(calendar: next, catalogue: desk.law.catalogue, rollOver: desk.configuration.rollOver)
            let (examined, moved, learned) = try Clocks.changes(under: engine, today: today, tx)
            if apply {
                try save(table, tx)
                try tx.audit(
                    "calendar.changed", of: Reference(kind: "calendar", id: Int64(table.first?.day.year ?? 0)), by: actor, at: now, details: [("days", .int(table.count))],
                    sealing: [.init(whole: "platform_calendar")])
                try Clocks.apply(moved, learned: learned, by: actor, at: now, tx)
            }
            // A day that stays and only its stricter reading moves is written, and is no change to look at.
            let visible = moved.filter { $0.before != $0.after }
            let shown = Array(Set(visible.prefix(200).map(\.matter)))
            let numbers =
                try shown.isEmpty
                ? [:] : Dictionary(uniqueKeysWithValues: tx.all("SELECT id, number FROM casework_matters WHERE id IN (\(list: shown))").map { ($0.int("id"), $0.string("number")) })
            return (Outcome(examined: examined, moved: visible, learned: learned.count, numbers: numbers), next)
        }
        let (outcome, next) = apply ? try await desk.store.write(work) : try await desk.store.read(work)
        if apply { desk.calendar.value = next }
        return outcome
    }

    static func save(_ table: [WorkCalendar.Exception], _ tx: Transaction) throws {
        for year in Set(table.map(\.year)) { try tx.run("DELETE FROM platform_calendar WHERE year = \(year)") }
        for e in table {
            try tx.run(
                """
                INSERT INTO platform_calendar (day, name, is_off, year) VALUES (\(e.day), \(e.name), \(e.isOff), \(e.year))
                ON CONFLICT (day) DO UPDATE SET name = \(e.name), is_off = \(e.isOff), year = \(e.year)
                """)
        }
    }

    /// What ships, with what this installation imported on top.
    package static func load(_ tx: Transaction) throws -> WorkCalendar {
        let imported = try tx.all("SELECT day, name, is_off, year FROM platform_calendar").map {
            WorkCalendar.Exception(day: $0.day("day"), name: $0.string("name"), isOff: $0.bool("is_off"), year: $0.count("year"))
        }
        return try LawBook.calendar().replacing(with: imported)
    }
}
