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
                }, try CompassRun.active(tx), try CompassRun.last(tx)?.description
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

}
