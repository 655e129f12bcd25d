import Credit
import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Draws and results for everybody (双随机公示页面).
extension DrawPages {
    // MARK: For everybody

    func published(_ visit: Visit) async throws -> Answer {
        let today = visit.desk.today()
        let city = visit.desk.configuration.cityRegion
        let (list, results, items, cap, plan) = try await visit.desk.store.read { tx in
            (
                try tx.all("SELECT number, title, state FROM supervision_draws WHERE state IN ('committed', 'drawn') ORDER BY id DESC LIMIT 50").map {
                    (number: $0.string("number"), title: $0.string("title"), state: $0.string("state"))
                },
                try tx.all(
                    """
                    SELECT o.name AS name, o.uscc AS uscc, i.result AS result, i.ended_on AS ended_on, i.items AS items FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter
                    JOIN operators o ON o.id = m.operator WHERE i.published_on IS NOT NULL AND i.hidden_on IS NULL ORDER BY i.published_on DESC, i.matter DESC LIMIT 100
                    """), try InspectionItem.all(tx).filter { $0.isInForce(on: today) }, try DrawDesk.bounds(tx),
                try YearPlan.of(year: today.year, in: city, tx).filter(\.isInForce)
            )
        }
        return visit.page(Text("双随机、一公开", "Draws and results")) { h in
            h.h1(Text("双随机、一公开", "Random draws, public results"))
            // Law: INSP: what may be inspected, on what ground and how often, is published before anybody is visited.
            h.card(Text("抽查事项清单", "What may be inspected")) {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr { for t in [Text("代码", "Code"), Text("事项", "Item"), Text("依据", "Law"), Text("类别", "Kind"), Text("公布日期", "Published")] { h.th(t) } }
                        }
                        h.element("tbody") {
                            for item in items {
                                h.tr {
                                    h.td("number", item.code)
                                    h.td { h.text(item.title) }
                                    h.td { for article in item.law { h.span("d-block small", visit.desk.law.register.cite(article)) } }
                                    h.td {
                                        h.text(
                                            item.isKey ? Text("重点", "key") : Text("一般\(item.cap.map { "，不高于\($0)%" } ?? "")", "general\(item.cap.map { ", at most \($0)%" } ?? "")")
                                        )
                                    }
                                    h.td("number", item.publishedOn.description)
                                }
                            }
                        }
                    }
                }
                let caps = CompassModel.Class.allCases.compactMap { c in cap.caps[c].map { "\(c.rawValue) \($0)" } }.joined(separator: " · ")
                h.p(
                    "small text-muted mb-0",
                    Text(
                        "同一主体每年检查次数上限（按风险分类）：\(caps)；两次计划检查至少间隔\(cap.months)个月。",
                        "Visits a year at most, by risk class: \(caps); at least \(cap.months) months between two planned ones."))
            }
            h.card(Text("\(today.year)年度检查计划", "Plan of \(today.year)")) {
                if plan.isEmpty { h.p("text-muted mb-0", Text("尚未公布", "Not published yet")) }
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        if !plan.isEmpty {
                            h.element("thead") {
                                h.tr { for t in [Text("月份", "Month"), Text("任务", "Task"), Text("事项", "Items"), Text("辖区、对象", "Region, whom"), Text("比例", "Share")] { h.th(t) } }
                            }
                        }
                        h.element("tbody") {
                            for line in plan {
                                h.tr {
                                    func cell(_ label: Text, _ text: String) { h.element("td", nil, [.init("data-label", h.say(label))], text: text) }
                                    cell(Text("月份", "Month"), "\(line.month)")
                                    h.td(nil, line.title)
                                    cell(Text("事项", "Items"), line.items.joined(separator: "、"))
                                    h.td(nil, "\(visit.region(line.region)) · \(line.objects)")
                                    cell(Text("比例", "Share"), "\(YearPlan.share(line.percent))%")
                                }
                            }
                        }
                    }
                }
            }
            h.card(Text("抽取", "Draws")) {
                if list.isEmpty { h.p("text-muted mb-0", Text("还没有公布的抽取", "No draws yet")) }
                h.ul("plain mb-0") {
                    for d in list {
                        h.li {
                            h.a("/draws/\(d.number)", nil, "\(d.number) \(d.title)")
                            h.text(" ")
                            Self.state(h, d.state)
                        }
                    }
                }
            }
            h.card(Text("检查结果", "Results")) {
                if results.isEmpty { h.p("text-muted mb-0", Text("还没有公示的结果", "No results yet")) }
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr { for t in [Text("名称", "Name"), Text("信用代码", "Code"), Text("事项", "Items"), Text("结果", "Result"), Text("检查日期", "Visited")] { h.th(t) } }
                        }
                        h.element("tbody") {
                            for r in results {
                                h.tr {
                                    h.td(nil, r.string("name"))
                                    h.td("number", r.string("uscc"))
                                    h.td(nil, r.string("items"))
                                    h.td { h.text(Inspection.results.first { $0.0 == r.string("result") }?.1 ?? Text("", "")) }
                                    h.td("number", r.string("ended_on"))
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    func publishedDraw(_ visit: Visit) async throws -> Answer {
        let raw = try visit.exchange.parameter("number")
        let isFile = raw.hasSuffix(".json")
        let number = isFile ? String(raw.dropLast(5)) : raw
        if isFile { try limit.take("draw|" + visit.exchange.peer, at: visit.desk.now) }
        let (d, file) = try await visit.desk.store.read { tx in
            let d = try SupervisionDraw.find(number: number, tx)
            guard d.state == "committed" || d.state == "drawn" else { throw Refusal.notFound }
            return (d, isFile ? try draws.publication(d, withKeys: false, tx) : [])
        }
        if isFile { return .file(file, type: "application/json", name: "\(number).json", inline: false) }
        let visits = d.visits
        return visit.page(Text("抽取 \(d.number)", "Draw \(d.number)")) { h in
            h.div("page-head") {
                h.div {
                    h.h1("\(d.number) \(d.title)")
                    h.p("mb-0") { Self.state(h, d.state) }
                }
            }
            h.card(Text("事先承诺", "Committed before")) {
                h.definitions {
                    h.definition(Text("承诺时间", "At"), d.committedAt?.minuteText)
                    h.definition(Text("名单摘要", "Digest of the list")) { h.element("code", "hash", text: d.listDigest) }
                    h.definition(Text("种子摘要", "Digest of the seed")) { h.element("code", "hash", text: d.commitment ?? "") }
                    h.definition(Text("公共随机数", "Beacon"), "\(d.beacon ?? "")（\(d.beaconAt.flatMap { Moment($0) }?.minuteText ?? "")）")
                }
            }
            guard d.state == "drawn" else {
                h.p { h.a("/draws/\(d.number).json", "btn btn-sm btn-outline-primary", Text("下载承诺文件（留存后可核对）", "The committed file: keep it to compare")) }
                return h.empty(Text("尚未抽取", "Not drawn yet"), Text("公共随机数公布后抽取，届时公布种子和结果。", "It is drawn when the beacon is out; seed and result are then published."))
            }
            h.card(Text("抽取结果（\(visits.count)户）", "Drawn: \(visits.count)")) {
                h.definitions {
                    h.definition(Text("公共随机数", "Beacon"), d.beaconValue)
                    h.definition(Text("种子", "Seed")) { h.element("code", "hash", text: d.sealedSeed ?? "") }
                }
                h.p { h.a("/draws/\(d.number).json", "btn btn-sm btn-outline-primary", Text("下载核验文件", "File for verification")) }
                h.p(
                    "small text-muted",
                    Text(
                        "核验：sinan draw verify \(d.number).json。规则：K＝SHA-256(种子‖换行‖公共随机数)；各名单按 HMAC-SHA-256(K, \"object|标记\") 从小到大取足数额。\(d.isWeighted ? "名单以标记公布，不显示风险类别。" : "")",
                        "Verify: sinan draw verify \(d.number).json. K = SHA-256(seed ‖ LF ‖ beacon); each list in the order of HMAC-SHA-256(K, \"object|mark\"), as many as its quota.\(d.isWeighted ? " Marks say nothing of risk classes." : "")"
                    ))
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") { h.tr { for t in [Text("序号", "No."), Text("名称", "Name"), Text("信用代码", "Code"), Text("检查人员（执法证号）", "Inspectors")] { h.th(t) } } }
                        h.element("tbody") {
                            for (i, c) in visits.prefix(1000).enumerated() {
                                h.tr {
                                    h.td("number", "\(i + 1)")
                                    h.td(nil, c["name"]?.string ?? "")
                                    h.td("number", c["code"]?.string ?? "")
                                    h.td("number", (c["inspectors"]?.array ?? []).compactMap(\.string).joined(separator: "、"))
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
