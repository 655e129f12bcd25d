import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// What if a threshold were another (门槛试算): the numbers of a rule and of its trigger, changed and replayed on what was seen lately.
extension ModelPages {
    /// Looks that are replayed: a page waits for them.
    static let looks = 3000
    static let days = 90

    /// A number that a rule compares with: `field|gte: 4`.
    struct Threshold: Sendable {
        let field: String
        let order: String
        let value: String
        fileprivate let place: Range<String.Index>

        static func all(of rule: String) -> [Threshold] {
            rule.matches(of: /(?m)^[ -]*([A-Za-z0-9_.]+)\|(gte|gt|lte|lt):[ ]*(-?[0-9]+(?:\.[0-9]+)?)[ ]*$/).map { found in
                .init(field: String(found.1), order: String(found.2), value: String(found.3), place: found.3.startIndex..<found.3.endIndex)
            }
        }
        /// The rule with other numbers in the places of these.
        static func changed(_ rule: String, _ values: [(Threshold, String)]) -> String {
            var text = rule
            for (threshold, value) in values.reversed() { text.replaceSubrange(threshold.place, with: value) }
            return text
        }
        var sign: String { ["gt": ">", "gte": "≥", "lt": "<", "lte": "≤"][order] ?? order }
    }

    func whatIf(_ visit: Visit) async throws -> Answer {
        let id = try visit.exchange.parameter("id")
        let query = visit.exchange.query
        let desk = visit.desk
        let (editions, trigger) = try await desk.store.read { tx in
            (try tx.all("SELECT * FROM monitoring_editions WHERE model = \(id) ORDER BY id DESC").map(Edition.init), try LeadDesk.Trigger.of(id, tx))
        }
        guard let edition = editions.first(where: { $0.state == .active }) ?? editions.first(where: { $0.state == .shadow }) ?? editions.first else { throw Refusal.notFound }
        let rule = edition.files["rule.yml"] ?? ""
        let thresholds = Threshold.all(of: rule)
        let asked = query["minimum"] != nil
        var wrong: [Refusal.Field] = []
        let values = thresholds.enumerated().map { i, threshold in (threshold, query["t\(i)"] ?? threshold.value) }
        for (i, (_, value)) in values.enumerated() where value.wholeMatch(of: /-?[0-9]{1,9}(\.[0-9]{1,4})?/) == nil {
            wrong.append(.init("/t\(i)", Text("应为数字", "A number is needed")))
        }
        let minimum = query["minimum"].map { Int($0) ?? 0 } ?? trigger.minimum
        if !(1...1000).contains(minimum) { wrong.append(.init("/minimum", Text("应为1至1000的整数", "A whole number from 1 to 1000"))) }
        let altered = wrong.isEmpty ? Threshold.changed(rule, values) : rule
        var files = edition.files
        files["rule.yml"] = altered
        var results: (now: ModelLife.Backtest, then: ModelLife.Backtest)?
        if asked, wrong.isEmpty {
            let kinds = try await room.current(desk.store).permitKinds
            func run(_ files: [String: String]) async throws -> ModelLife.Backtest {
                try await ModelLife.backtest(
                    ModelLife.alone(files, folder: edition.folder, law: desk.law.register), model: id, since: desk.today().adding(days: -Self.days), newest: Self.looks, desk: desk,
                    permitKinds: kinds)
            }
            let now = try await run(edition.files)
            results = (now, altered == rule ? now : try await run(files))
        }
        let (refusal, shown, text) = (wrong.isEmpty ? nil : Refusal.invalid(wrong), results, altered)
        return visit.page(Text("门槛试算 \(id)", "What if: \(id)"), status: refusal?.kind.status ?? 200, active: "/monitoring") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/monitoring/models/\(id)", nil, "\(id) \(edition.title)") }
                h.h1(Text("假如改动门槛", "What if a threshold were another"))
                h.p(
                    "text-muted mb-0",
                    Text(
                        "在近\(Self.days)天留存的最近\(Self.looks)个版本和全部已判定线索（不限期间）上比较，不改变任何数据。已判定线索按其记录的命中次数适用触发门槛。",
                        "Compared on the newest \(Self.looks) versions kept in \(Self.days) days and on all judged leads of any time, the trigger by the hits on their record; nothing is changed."
                    ))
            }
            h.errorSummary(refusal)
            h.element("form", "card card-body mb-3", [.init("method", "get"), .init("action", "/monitoring/models/\(id)/what-if")]) {
                if thresholds.isEmpty { h.p("small text-muted", Text("该模型按文字判断，没有数值门槛；可试算触发次数。", "This model reads words and has no numbers; the trigger can be tried.")) }
                for (i, (threshold, value)) in values.enumerated() {
                    h.field(
                        "t\(i)", Text("\(Marked.measure(threshold.field).zh) \(threshold.sign)", "\(Marked.measure(threshold.field).en) \(threshold.sign)"), value: value,
                        hint: Text("现为 \(threshold.value)", "now \(threshold.value)"),
                        errors: HTML.Errors(refusal), inputmode: "decimal")
                }
                h.field(
                    "minimum", Text("同一店铺命中几次生成线索", "Hits of one shop that open a lead"), value: query["minimum"] ?? String(trigger.minimum),
                    hint: Text("现为 \(trigger.minimum)", "now \(trigger.minimum)"), errors: HTML.Errors(refusal), inputmode: "numeric")
                h.div { h.button(Text("试算", "Try")) }
            }
            if let shown { compare(h, visit, id, shown.now, trigger.minimum, shown.then, minimum, changed: text == rule ? nil : text) }
        }
    }

    private func compare(
        _ h: HTML, _ visit: Visit, _ id: String, _ now: ModelLife.Backtest, _ minimum: Int, _ then: ModelLife.Backtest, _ other: Int, changed: String?
    ) {
        func leads(_ report: ModelLife.Backtest, _ minimum: Int) -> Int { report.shops.values.count { $0 >= minimum } }
        let (rightNow, rightThen) = (now.judged(true, minimum: minimum), then.judged(true, minimum: other))
        let (wrongNow, wrongThen) = (now.judged(false, minimum: minimum), then.judged(false, minimum: other))
        h.card(Text("结果", "What comes of it")) {
            h.div("table-wrap") {
                h.element("table", "table") {
                    h.element("thead") {
                        h.tr { for t in [Text("项目", "What"), Text("现行", "As it is"), Text("假如", "What if"), Text("变化", "Change")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for (title, a, b) in [
                            (Text("重放的版本", "Versions replayed"), now.versions, then.versions), (Text("命中", "Hits"), now.hits, then.hits),
                            (Text("生成线索的店铺", "Shops with a lead"), leads(now, minimum), leads(then, other)),
                            (Text("已确认线索：保留", "Confirmed leads kept"), rightNow.open.count, rightThen.open.count),
                            (Text("已确认线索：丢失", "Confirmed leads lost"), rightNow.gone.count, rightThen.gone.count),
                            (Text("已排除线索：不再出现", "Dismissed leads gone"), wrongNow.gone.count, wrongThen.gone.count),
                            (Text("已排除线索：仍会出现", "Dismissed leads still there"), wrongNow.open.count, wrongThen.open.count),
                        ] {
                            h.tr {
                                h.td(nil, h.say(title))
                                h.td("number", String(a))
                                h.td("number", String(b))
                                h.td("number", a == b ? "—" : b > a ? "+\(b - a)" : "−\(a - b)")
                            }
                        }
                    }
                }
            }
            if now.versions == 0 { h.p("mb-0", Text("近期没有留存的商品信息", "Nothing was kept lately")) }
            let gone = rightThen.gone.filter { !rightNow.gone.contains($0) }
            if !gone.isEmpty { h.p("small text-danger", Text("将丢失：\(gone.prefix(10).joined(separator: "、"))", "Would be lost: \(gone.prefix(10).joined(separator: ", "))")) }
            if let changed, visit.may("monitoring.edit") {
                visit.form(h, "/monitoring/models/\(id)/edit") {
                    h.hidden("file-rule.yml", changed)
                    h.button(Text("按此修改规则", "Take these numbers into the rule"), "btn btn-outline-primary", name: "step", value: "try")
                }
            }
        }
    }
}
