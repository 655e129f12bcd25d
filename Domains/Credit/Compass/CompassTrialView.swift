import Kernel
import Platform
import Web

/// A trial as a page shows it (试运行结果).
enum CompassTrialView {
    static func write(_ h: HTML, _ visit: Visit, _ t: JSON) {
        func n(_ j: JSON?) -> Int { j?.int ?? 0 }
        func auc(_ j: JSON?) -> String { if case .number(let text)? = j { text } else { "—" } }
        h.card(
            Text(
                "试运行：按\(t["asOf"]?.string ?? "")当时所知，看此后至\(t["until"]?.string ?? "")的结果",
                "Tried as of \(t["asOf"]?.string ?? ""), judged by what came until \(t["until"]?.string ?? "")")
        ) {
            h.p(
                "small text-muted",
                Text(
                    "“结果”指此后受到处罚、列入名录名单或者有违法行为不予处罚。结果来自监管发现，检查多的地方发现得多。登记状态、是否网络经营和电话只有现在的，没有当时的；演示城市的数据是模拟的，只说明方法。",
                    "An outcome is a penalty, a listing or a violation left unpunished afterwards. Outcomes are what was found, and more is found where one looks more. Status, trading online and telephone are known as they are now, not as they were then; the demonstration's city is synthetic and shows the method only."
                ))
            h.div("tiles") {
                for (title, value) in [
                    (Text("主体", "Operators"), "\(n(t["operators"]))"), (Text("此后有结果", "With an outcome"), "\(n(t["outcomes"]))"),
                    (Text("现行模型AUC", "AUC, active"), auc(t["active"]?["auc"])),
                    (Text("草稿AUC", "AUC, draft"), auc(t["draft"]?["auc"])), (Text("拟合模型AUC（另一半）", "AUC, fitted (other half)"), auc(t["fitted"])),
                ] {
                    h.div("tile tone-grey") {
                        h.span("tile-count", value)
                        h.span("tile-title", title)
                    }
                }
            }
            h.div("two-columns") {
                h.div {
                    h.h3(Text("各类别此后有结果的比例", "Outcomes by class"), "h6")
                    table(h, [Text("类别", "Class"), Text("现行：主体", "Active: n"), Text("有结果", "Outcome"), Text("草稿：主体", "Draft: n"), Text("有结果", "Outcome")]) {
                        let a = t["active"]?["classes"]?.array ?? [], d = t["draft"]?["classes"]?.array ?? []
                        for (x, y) in zip(a, d) {
                            h.tr {
                                h.td(nil, x["class"]?.string ?? "")
                                h.td("number", "\(n(x["n"]))")
                                h.td("number", HTML.percent(n(x["hits"]), n(x["n"])))
                                h.td("number", "\(n(y["n"]))")
                                h.td("number", HTML.percent(n(y["hits"]), n(y["n"])))
                            }
                        }
                    }
                }
                h.div {
                    h.h3(Text("类别迁移（行：现行；列：草稿）", "Migration (rows: active; columns: draft)"), "h6")
                    table(h, [Text("", "")] + CompassModel.Class.allCases.map { Text(verbatim: $0.rawValue) }) {
                        for (i, row) in (t["migration"]?.array ?? []).enumerated() {
                            h.tr {
                                h.td("fw-semibold", CompassModel.Class.allCases[i].rawValue)
                                for (k, cell) in (row.array ?? []).enumerated() { h.td("number" + (i == k ? " text-muted" : ""), "\(n(cell))") }
                            }
                        }
                    }
                }
            }
            h.element("details") {
                h.element("summary", text: h.say(Text("公平性：按辖区、类型、行业", "Fairness: by district, kind and trade")))
                table(
                    h,
                    [
                        Text("分组", "Group"), Text("主体", "Operators"), Text("现行C、D占比", "C and D, active"), Text("草稿C、D占比", "C and D, draft"),
                        Text("草稿C、D中此后无结果", "of those without outcome"),
                    ]
                ) {
                    for row in t["fairness"]?.array ?? [] {
                        let key = row["key"]?.string ?? ""
                        let name: String =
                            switch row["group"]?.string {
                            case "district": visit.region(key)
                            case "kind": Operator.Kind(rawValue: key)?.title[visit.language] ?? key
                            default: key.isEmpty ? "—" : visit.desk.law.industry(key)
                            }
                        h.tr {
                            h.td(nil, name)
                            h.td("number", "\(n(row["n"]))")
                            h.td("number", HTML.percent(n(row["active"]), n(row["n"])))
                            h.td("number", HTML.percent(n(row["draft"]), n(row["n"])))
                            h.td("number", HTML.percent(n(row["missed"]), n(row["draft"])))
                        }
                    }
                }
            }
        }
    }
    private static func table(_ h: HTML, _ heads: [Text], _ body: () -> Void) {
        h.div("table-wrap") {
            h.element("table", "table queue") {
                h.element("thead") { h.tr { for t in heads { h.th(t) } } }
                h.element("tbody") { body() }
            }
        }
    }
}
