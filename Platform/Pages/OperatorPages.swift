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
        ]
    }

    private static func search(_ visit: Visit) async throws -> Answer {
        let typed = visit.exchange.query["q"]
        let region = visit.exchange.query["region"] ?? ""
        let (found, total) = try await visit.desk.store.read { tx in
            (
                try typed.map { try Operators.search($0, region: region, limit: 40, tx) },
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
        }
    }

    private static func show(_ visit: Visit) async throws -> Answer {
        let id = try visit.exchange.id(of: Operator.self)
        let (o, shops, panels) = try await visit.desk.store.read { tx in
            (try Operators.find(id, tx), try Operators.shops(id, tx), try visit.house.panels.map { try $0.write(id, visit, tx) })
        }
        return visit.page(Text(verbatim: o.name), active: "/operators") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/operators", nil, Text("经营主体", "Operators")) }
                h.h1(o.name)
                h.p("mb-0") {
                    h.badge(o.status.title, o.status == .active ? "green" : "amber")
                    h.span("text-muted ms-2", "\(o.uscc) · \(h.say(o.kind.title))")
                }
            }
            h.div("matter-grid") {
                h.div("matter-main") { for panel in panels { panel(h) } }
                h.element("aside", "matter-side") {
                    h.card(Text("登记信息", "Registration")) {
                        h.definitions {
                            h.definition(Text("住所", "Address"), o.address)
                            h.definition(Text("辖区", "Region"), visit.desk.regions.path(o.region, in: visit.language))
                            h.definition(Text("行业", "Industry"), o.industry)
                            h.definition(Text("负责人", "Representative"), o.representative.isEmpty ? nil : Protected.name(o.representative).description)
                            h.definition(Text("联系电话", "Phone"), o.phone.isEmpty ? nil : Protected.phone(o.phone).description)
                            h.definition(Text("登记日期", "Registered"), o.registeredOn?.description)
                        }
                    }
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
