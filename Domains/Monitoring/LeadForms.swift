import Kernel
import Platform
import Statute
import Store
import Web

/// The forms of a lead's moves (线索办理操作): the checklist to confirm, reasons to dismiss, the notice, the district.
struct LeadForms {
    let visit: Visit
    let shown: LeadPages.Shown

    func actions(_ h: HTML, _ moves: [Move], failed: String?, _ sent: Form?, _ errors: HTML.Errors) {
        h.card(Text("可以办理", "What can be done now"), "actions") {
            let lane = shown.lead.lane == "notice" ? "notice" : "dispatch"
            // The lane of the model comes first: a notice for what a shop can put right, an office for what it cannot.
            let ordered = moves.sorted { ($0.name == lane ? 0 : 1) < ($1.name == lane ? 0 : 1) }
            for (index, move) in ordered.enumerated() {
                let isOpen = failed == move.name || (failed == nil && index == 0)
                h.element("details", "action action-\(move.name)", [.init("open", if: isOpen)]) {
                    h.element("summary") {
                        h.span("action-name", move.title)
                        if let article = move.article(under: LeadMoves.regime) { h.span("action-law", visit.desk.law.register.cite(article)) }
                    }
                    visit.form(h, "/leads/\(shown.lead.matter.id)/moves/\(move.name)", "action-form") {
                        h.part(move.name, keeping: failed == move.name ? sent : nil) { fields(h, move.name, failed == move.name ? errors : HTML.Errors()) }
                        submit(h, move)
                    }
                }
            }
        }
        if moves.contains(where: { $0.name == "dismiss" }), shown.lead.matter.state == LeadMoves.detected {
            h.p("small text-muted keys", Text("快捷键：Y 逐项勾选，全部勾选后确认；1–6 按理由排除。", "Keys: Y ticks the next item, and confirms when all are ticked; 1–6 dismiss by reason."))
        }
    }

    private func submit(_ h: HTML, _ move: Move) {
        switch move.name {
        case "confirm":
            h.hidden("next", "yes")
            h.button(
                move.title, "btn btn-primary",
                attributes: [.init("data-key", "y"), h.confirming(Text("已逐项核对要件和豁免情形，确认为线索？", "All elements and exemptions looked at: confirm?"))])
        case "dismiss": break
        case "clear", "transfer", "propose", "escalate":
            h.button(move.title, "btn btn-primary", attributes: [h.confirming(Text("确定“\(move.title.zh)”？", "\(move.title.en)?"))])
        default: h.button(move.title)
        }
    }

    private func fields(_ h: HTML, _ name: String, _ e: HTML.Errors) {
        func area(_ name: String, _ label: Text, _ hint: Text? = nil, value: String? = nil, required: Bool = true) {
            h.area(name, label, value: value, rows: 3, hint: hint, errors: e, required: required, maxLength: 2000)
        }
        switch name {
        case "confirm": checklist(h, e)
        case "dismiss": dismissal(h, e)
        case "snooze":
            h.field("until", Text("到哪一天再看", "Until"), value: visit.desk.today().adding(days: 7).description, type: "date", errors: e)
            area("note", Text("理由", "Reason"))
        case "reopen", "corrected", "escalate": area("note", Text("说明", "Remark"), required: false)
        case "notice":
            area(
                "change", Text("请商家改正什么", "What the shop is to change"), Text("商家会看到这段话、命中的词语和法律依据", "The shop reads this, the words that hit and the law"),
                value: suggestion)
            h.field(
                "due", Text("改正期限", "To be corrected by"), value: visit.desk.calendar.value.workday(from: visit.desk.today().adding(days: 7)).description, type: "date",
                hint: Text("到期次日自动复查；商品信息更新时提前复查", "Looked at again on the day after, or when the listing changes"), errors: e)
            h.select("channel", Text("通知方式", "How the shop is told"), options: LeadNotice.channels, value: "platform", errors: e)
        case "dispatch": dispatch(h, e)
        case "give-back": area("note", Text("退回原因", "Why it is given back"))
        case "transfer":
            h.field("where", Text("移送至", "To which authority"), value: nil, errors: e)
            area("result", Text("移送理由", "Why"))
        case "guide", "rectify", "propose", "clear": area("result", Text("核查情况", "What was found"))
        case "feed-back": area("result", Text("反馈内容", "What is fed back"), Text("反馈给监测人员，用于改进模型", "For the analysts, to better the model"))
        default: area("note", Text("说明", "Remark"), required: false)
        }
    }

    /// What the notice says to begin with: the words and the model.
    private var suggestion: String {
        // Which listing, which field, which words: a shop need not guess. The officer adds what may stand there instead.
        let lines = shown.hits.prefix(8).compactMap { hit -> String? in
            let matches = (hit.matches.array ?? []).filter { Marked.isWritten($0["field"]?.string ?? "") }
            let words = Marked.whole(matches.compactMap { $0["text"]?.string }).prefix(5)
            guard !words.isEmpty else { return nil }
            let fields = Set(matches.compactMap { $0["field"]?.string }.map { Marked.name($0).zh }).sorted().joined(separator: "、")
            return "“\(hit.name.prefix(40))”的\(fields)：“\(words.joined(separator: "”“"))”"
        }
        let what = shown.model?.title.zh ?? ""
        guard !lines.isEmpty else { return "请自查店铺中涉嫌\(what)的内容，删除或者更正。" }
        return "下列内容涉嫌\(what)，请删除或者更正，并自查店铺的其他商品：\n" + lines.joined(separator: "\n")
    }

    private func checklist(_ h: HTML, _ e: HTML.Errors) {
        guard let model = shown.model else { return }
        h.element("fieldset", "mb-2 factors", [.id(h.id("f", "element"))]) {
            h.element("legend", "form-label", text: h.say(Text("违法要件（全部具备方可确认）", "Elements: all must be there")))
            if let error = e["element"] { h.element("div", "text-danger small", text: h.say(error)) }
            for (i, element) in model.card.elements.enumerated() { box(h, "element", String(i), element) }
        }
        if !model.card.exemptions.isEmpty {
            h.element("fieldset", "mb-2", [.id(h.id("f", "exempt"))]) {
                h.element("legend", "form-label", text: h.say(Text("豁免情形", "Exemptions")))
                if let error = e["exempt"] { h.element("div", "text-danger small", text: h.say(error)) }
                h.ul("small") { for exemption in model.card.exemptions { h.li { h.text(exemption) } } }
                box(h, "exempt", "none", Text("已核对，均不具备", "Looked at: none applies"))
            }
        }
        h.area("note", Text("说明", "Remark"), value: nil, rows: 2, errors: e, required: false, maxLength: 1000)
    }

    private func box(_ h: HTML, _ name: String, _ value: String, _ label: Text) {
        let id = h.id("f", "\(name)-\(value)")
        h.div("form-check mb-1") {
            h.void("input", "form-check-input", [.type("checkbox"), .id(id), .name(name), .value(value), .init("data-with-key", if: true)])
            h.element("label", "form-check-label", [.for_(id)], text: h.say(label))
        }
    }

    /// Each reason is a button: one look, one key.
    private func dismissal(_ h: HTML, _ e: HTML.Errors) {
        h.hidden("next", "yes")
        if let error = e["reason"] ?? e["note"] { h.element("p", "text-danger small", text: h.say(error)) }
        h.area("note", Text("说明（选“其他”时必填）", "Remark (needed for “other”)"), value: nil, rows: 2, errors: e, required: false, maxLength: 1000)
        h.div("reason-grid") {
            for (i, (key, title)) in LeadMoves.reasons.enumerated() {
                h.button(
                    Text("\(i + 1) \(title.zh)", "\(i + 1) \(title.en)"), "btn btn-sm btn-outline-secondary", name: "reason", value: key,
                    attributes: [.init("data-key", String(i + 1))])
            }
        }
    }

    private func dispatch(_ h: HTML, _ e: HTML.Errors) {
        let city = visit.desk.configuration.cityRegion
        // Law: by the actual place of business, else the domicile, else the platform's seat. The register knows the domicile.
        let known = shown.op.map { String($0.region.prefix(6)) }.flatMap { $0.hasPrefix(city) && $0.count == 6 ? $0 : nil }
        let actual = shown.seller.map { String($0.region.prefix(6)) }.flatMap { visit.desk.regions.isKnown($0) && $0.hasPrefix(city) && $0.count == 6 ? $0 : nil }
        h.select(
            "region", Text("派发至（括号内为在办核查件数）", "To which district (leads in hand)"),
            options: visit.desk.regions.districts(of: city).map { district in
                let n = shown.loads[district.code] ?? 0
                return (district.code, Text(verbatim: "\(visit.region(district.code))（\(n)）"))
            }, value: actual ?? known,
            hint: Text("先按实际经营地，其次住所地，再次平台所在地", "By the actual place of business, else the domicile, else the platform's seat"), errors: e, empty: Text("请选择", "Choose"))
        h.select("place", Text("派发依据", "By"), options: LeadMoves.places, value: actual != nil ? "actual" : known != nil ? "domicile" : nil, errors: e, empty: Text("请选择", "Choose"))
        h.area("note", Text("说明", "Remark"), value: nil, rows: 2, errors: e, required: false, maxLength: 1000)
    }
}

/// What Monitoring knows of an operator (经营主体页·监测).
enum OperatorLeads {
    static let panel = OperatorPanel { id, visit, tx in
        guard visit.may("monitoring.see") else { return { _ in } }
        let leads = try tx.all("SELECT * FROM casework_matters WHERE operator = \(id) AND kind = \(LeadMoves.kind) ORDER BY id DESC LIMIT 8").map(Matter.init)
        let shops = try tx.all(
            "SELECT s.name, s.platform, count(i.id) AS n FROM monitoring_sellers s LEFT JOIN monitoring_listings i ON i.seller = s.id WHERE s.operator = \(id) GROUP BY s.id, s.name, s.platform ORDER BY s.id LIMIT 10"
        ).map { ($0.string("name"), $0.string("platform"), $0.count("n")) }
        return { h in
            h.card(Text("网络交易监测", "Monitoring of online trade")) {
                if shops.isEmpty, leads.isEmpty { h.p("text-muted mb-0", Text("没有采集到网店", "No shop of it was seen")) }
                if !shops.isEmpty {
                    h.ul("plain mb-2") {
                        for (name, platform, n) in shops { h.li { h.text(Text("\(platform) \(name)：\(n)条商品信息", "\(platform) \(name): \(n) listings")) } }
                    }
                }
                h.ul("plain") {
                    for m in leads {
                        h.li {
                            h.a("/leads/\(m.id)", nil, m.number)
                            h.text(" \(m.title) ")
                            h.badge(LeadMoves.table.state(m.state).title, LeadMoves.table.state(m.state).tone)
                        }
                    }
                }
            }
        }
    }
}
