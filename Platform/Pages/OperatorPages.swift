import Kernel
import Store
import Web

/// The register's pages (经营主体): instant search, one page an operator, each domain adding its panel.
package enum OperatorPages {
    package static func routes() -> [Route] {
        [
            Route(.get, "/operators", .permitted("operators.see")) { visit in try await search(visit) },
            Route(.get, "/operators/suggest", .permitted("operators.see")) { visit in
                let typed = visit.exchange.query["q"] ?? ""
                let found = try await visit.desk.store.read { try Operators.search(typed, limit: 8, $0) }
                return .json(.array(found.map { .object([("uscc", .string($0.uscc)), ("name", .string($0.name)), ("address", .string($0.address))]) }))
            },
            Route(.get, "/operators/:id", .permitted("operators.see")) { visit in try await show(visit) },
            Route(.post, "/operators/:id/reveal", .permitted("personal.reveal")) { visit in try await reveal(visit) },
            Route(.post, "/operators/:id/contacts", .permitted("operators.contact")) { visit in try await contact(visit) },
        ]
    }

    private static func search(_ visit: Visit) async throws -> Answer {
        let typed = visit.exchange.query["q"]
        let region = visit.exchange.query["region"] ?? ""
        let (found, total) = try await visit.desk.store.read { tx in
            (
                try typed.map { try Operators.search($0, region: region, limit: Self.shown, tx) },
                try tx.one("SELECT value FROM platform_settings WHERE name = 'operators.count'")?.string("value")
            )
        }
        return visit.page(Text("经营主体", "Operators"), active: "/operators") { h in
            h.div("page-head") {
                h.h1(Text("经营主体", "Operators"))
                if visit.may("operators.import") { h.a("/import/operators", "btn btn-sm btn-outline-secondary", Text("导入", "Import")) }
            }
            h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/operators"), .role("search")]) {
                h.void(
                    "input", "form-control",
                    [
                        .type("search"), .name("q"), .value(typed), .init("autofocus", if: typed == nil), .label(h.say(Text("查找经营主体", "Find an operator"))),
                        .init("placeholder", h.say(Text("名称或其中两字以上、统一社会信用代码、拼音首字母、地址", "Name or part of it, credit code, pinyin initials, address"))),
                    ])
                h.element("select", "form-select", [.name("region"), .label(h.say(Text("辖区", "Region")))]) {
                    h.element("option", nil, [.value("")], text: h.say(Text("全部辖区", "Any region")))
                    for r in visit.desk.regions.districts(of: visit.desk.configuration.cityRegion) {
                        h.element("option", nil, [.value(r.code), .selected(r.code == region)], text: visit.region(r.code))
                    }
                }
                h.button(Text("查找", "Find"))
            }
            guard let found else {
                return h.empty(
                    Text("输入关键词查找", "Type to find"), Text(total.map { "登记库共\($0)户。例：“东方超市”“dfcs”“91…”“解放路”" } ?? "例：“东方超市”“dfcs”“91…”“解放路”", "Such as “东方超市”, “dfcs”, “91…”, “解放路”")
                )
            }
            guard !found.isEmpty else {
                return h.empty(
                    Text("没有找到“\(typed ?? "")”", "Nothing found for “\(typed ?? "")”"),
                    Text("至少输入两个字；可换用名称的其他部分、信用代码或地址。", "Type at least two characters; try another part of the name, the code or the address."))
            }
            h.div("table-wrap") {
                h.element("table", "table table-hover queue") {
                    h.element("thead") {
                        h.tr {
                            for title in [
                                Text("名称", "Name"), Text("统一社会信用代码", "Credit code"), Text("类型", "Kind"), Text("状态", "Status"), Text("地址", "Address"), Text("辖区", "Region"),
                            ] { h.th(title) }
                        }
                    }
                    h.element("tbody") {
                        for o in found {
                            h.tr {
                                h.td { h.a("/operators/\(o.id)", nil, o.name) }
                                h.td("number", o.uscc)
                                h.td { h.text(o.kind.title) }
                                h.td { h.badge(o.status.title, o.status == .active ? "green" : "amber") }
                                h.td(nil, o.address)
                                h.td(nil, visit.desk.regions.path(o.region, in: visit.language))
                            }
                        }
                    }
                }
            }
            if found.count == Self.shown {
                h.p("text-muted small", Text("仅显示前\(Self.shown)家，请补充关键词或选择辖区。", "The first \(Self.shown) are shown: add to what you typed, or choose a region."))
            }
        }
    }
    private static let shown = 40

    /// Names and phones, once somebody has said what for; it is written down.
    private static func reveal(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("personal.reveal")
        let id = try visit.exchange.id(of: Operator.self)
        guard let purpose = try visit.exchange.form()["purpose"], purposes.contains(where: { $0.0 == purpose }) else {
            return visit.redirect("/operators/\(id)", saying: Text("请先选择查看联系人的用途", "Choose first for what purpose you look"), refused: true)
        }
        let (now, permissions) = (visit.desk.now, visit.desk.permissions)
        let receipt = try await visit.desk.store.write { tx in
            _ = try Operators.find(id, tx)
            return try Reveal.log(Reference(kind: "operator", id: id.raw), purpose: purpose, by: account, permissions, at: now, tx)
        }
        return try await show(visit, revealed: receipt)
    }
    private static let purposes = [
        ("contact", Text("联系经营者", "To contact them")), ("serve", Text("送达文书", "To serve a document")), ("verify", Text("核对登记信息", "To check the register")),
    ]

    private static func contact(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("operators.contact")
        let id = try visit.exchange.id(of: Operator.self)
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try await visit.desk.store.write { tx in
                if let key = form["remove"].flatMap({ Int64($0) }) {
                    try Operators.removeContact(key, of: id, by: account.mark, at: now, tx)
                } else {
                    try Operators.addContact(form["name"] ?? "", form["duty"] ?? "", form["phone"] ?? "", form["note"] ?? "", to: id, by: account.mark, at: now, tx)
                }
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, refusal: refusal) }
        return .redirect("/operators/\(id)")
    }

    private static func contacts(_ h: HTML, _ visit: Visit, _ o: Operator, _ contacts: [Contact], _ revealed: Reveal?, _ errors: HTML.Errors) {
        h.card(Text("联系人", "Contacts")) {
            if contacts.isEmpty { h.p("text-muted", Text("没有登记的联系人", "No contacts on record")) }
            h.ul("plain") {
                for contact in contacts {
                    h.li {
                        h.text("\(contact.duty) \(revealed.map { contact.name.whole($0) } ?? contact.name.description) ")
                        h.span("text-muted", revealed.map { contact.phone.whole($0) } ?? contact.phone.description)
                        if !contact.note.isEmpty { h.span("d-block small text-muted", contact.note) }
                        if visit.may("operators.contact") {
                            visit.form(h, "/operators/\(o.id)/contacts", "d-inline") {
                                h.button(
                                    Text("移除", "Remove"), "btn btn-sm btn-link", name: "remove", value: String(contact.id),
                                    attributes: [h.confirming(Text("确定移除“\(contact.name.description)”？", "Remove \(contact.name.description)?"))])
                            }
                        }
                    }
                }
            }
            if revealed == nil, visit.may("personal.reveal"), !contacts.isEmpty || !o.phone.isEmpty {
                visit.form(h, "/operators/\(o.id)/reveal", "mt-2") {
                    h.select("purpose", Text("查看完整姓名电话的用途", "For what purpose"), options: purposes, value: nil, empty: Text("请选择", "Choose"))
                    h.button(Text("查看（将记入日志）", "Show (this is logged)"), "btn btn-sm btn-outline-secondary")
                }
            }
            guard visit.may("operators.contact") else { return }
            h.element("details", "mt-3", [.init("open", if: !errors.isEmpty)]) {
                h.element("summary", text: h.say(Text("添加联系人", "Add a contact")))
                visit.form(h, "/operators/\(o.id)/contacts", "mt-2") {
                    h.field("name", Text("姓名", "Name"), value: nil, errors: errors, autocomplete: "off")
                    h.field("duty", Text("职务", "Duty"), value: nil, hint: Text("如：店长、客服", "Such as manager, service desk"), errors: errors, required: false, autocomplete: "off")
                    h.field("phone", Text("电话", "Phone"), value: nil, type: "tel", errors: errors, autocomplete: "off")
                    h.field("note", Text("备注", "Remark"), value: nil, errors: errors, required: false, autocomplete: "off")
                    h.button(Text("添加", "Add"), "btn btn-sm btn-primary")
                }
            }
        }
    }

    private static func show(_ visit: Visit, refusal: Refusal? = nil, revealed: Reveal? = nil) async throws -> Answer {
        let id = try visit.exchange.id(of: Operator.self)
        let (o, shops, people, panels) = try await visit.desk.store.read { tx in
            (try Operators.find(id, tx), try Operators.shops(id, tx), try Operators.contacts(id, tx), try visit.house.panels.map { try $0.write(id, visit, tx) })
        }
        return visit.page(Text(verbatim: o.name), status: refusal?.kind.status ?? 200, active: "/operators") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/operators", nil, Text("经营主体", "Operators")) }
                h.h1(o.name)
                h.p("mb-0") {
                    h.badge(o.status.title, o.status == .active ? "green" : "amber")
                    h.span("text-muted ms-2", "\(o.uscc) · \(h.say(o.kind.title))")
                }
            }
            h.errorSummary(refusal)
            h.div("matter-grid") {
                h.div("matter-main") { for panel in panels { panel(h) } }
                h.element("aside", "matter-side") {
                    let whole: (Protected) -> String = { data in revealed.map { data.whole($0) } ?? data.description }
                    h.card(Text("登记信息", "Registration")) {
                        h.definitions {
                            h.definition(Text("住所", "Address"), o.address)
                            h.definition(Text("辖区", "Region"), visit.desk.regions.path(o.region, in: visit.language))
                            h.definition(Text("行业", "Industry"), o.industry.isEmpty ? nil : visit.desk.law.industry(o.industry))
                            h.definition(Text("负责人", "Representative"), o.representative.isEmpty ? nil : whole(.name(o.representative)))
                            h.definition(Text("联系电话", "Phone"), o.phone.isEmpty ? nil : whole(.phone(o.phone)))
                            h.definition(Text("登记日期", "Registered"), o.registeredOn?.description)
                        }
                    }
                    contacts(h, visit, o, people, revealed, HTML.Errors(refusal))
                    h.card(Text("网店与账号", "Shops and accounts")) {
                        if shops.isEmpty { h.p("text-muted mb-0", Text("没有登记的网店", "No shops on record")) }
                        h.ul("plain") {
                            for shop in shops {
                                h.li {
                                    h.text("\(shop.platform) · ")
                                    h.a(shop.url, nil, [.init("rel", "noreferrer noopener nofollow")]) { h.text(shop.name) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
