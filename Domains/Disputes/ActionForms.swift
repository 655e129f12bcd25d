import Kernel
import Platform
import Statute
import Web

/// The forms of a complaint's moves (办理操作): what may be done now, each with its article and its fields.
extension ComplaintPages {
    func actions(_ h: HTML, _ visit: Visit, _ c: Complaint, _ promise: Promise?, _ moves: [Move], failed: String?, _ sent: Form?, _ errors: HTML.Errors) {
        h.card(Text("可以办理", "What can be done now"), "actions") {
            for (index, move) in moves.enumerated() {
                let isOpen = failed == move.name || (failed == nil && index == 0 && moves.count < 4)
                h.element("details", "action action-\(move.name)", [.init("open", if: isOpen)]) {
                    h.element("summary") {
                        h.span("action-name", move.title)
                        if let article = move.article(under: c.law) { h.span("action-law", visit.desk.law.register.cite(article)) }
                    }
                    visit.form(h, "/disputes/\(c.matter.id)/moves/\(move.name)", "action-form") {
                        h.part(move.name, keeping: failed == move.name ? sent : nil) { fields(h, visit, c, promise, move.name, failed == move.name ? errors : HTML.Errors()) }
                        let isFinal = ["refuse", "end", "withdraw", "redirect"].contains(move.name)
                        h.button(
                            move.title, isFinal ? "btn btn-danger" : "btn btn-primary",
                            attributes: isFinal ? [h.confirming(Text("确定“\(move.title.zh)”？办理后不能撤销。", "\(move.title.en)? This cannot be undone."))] : [])
                    }
                }
            }
        }
    }

    private func fields(_ h: HTML, _ visit: Visit, _ c: Complaint, _ promise: Promise?, _ name: String, _ e: HTML.Errors) {
        func area(_ name: String, _ label: Text, _ hint: Text? = nil, required: Bool = true) {
            h.area(name, label, value: nil, rows: 3, hint: hint, errors: e, required: required, maxLength: 2000)
        }
        switch name {
        case "dispatch":
            let districts = visit.desk.regions.districts(of: visit.desk.configuration.cityRegion)
            h.select(
                "region", Text("分送至", "Dispatch to"), options: districts.map { ($0.code, Text(verbatim: visit.region($0.code))) }, value: suggested(visit, c),
                hint: Text("依据被投诉人实际经营地或住所地；平台内经营者依公示地址", "By the business's actual place or domicile; for a merchant on a platform its published address"), errors: e,
                empty: Text("请选择", "Choose"))
            h.field(
                "due", Text("处理结果报告日期", "Result to be reported by"), value: nil, type: "date", hint: Text("写入通知书；留空则由经办人手填", "Goes into the notice; a blank is left otherwise"),
                errors: e, required: false)
            h.field("pages", Text("所附材料页数", "Pages that come with it"), value: nil, errors: e, required: false, inputmode: "numeric")
        case "entrust":
            let district = String(c.matter.region.prefix(6))
            let offices = [district] + visit.desk.regions.children(of: district).map(\.code)
            h.select(
                "region", Text("交由", "Hand to"), options: offices.filter { $0 != c.matter.region }.map { ($0, Text(verbatim: visit.region($0))) }, value: nil,
                hint: Text("派出机构以区县局名义办理，期限照常计算", "It acts in the district's name; the periods go on running"), errors: e, empty: Text("请选择", "Choose"))
        case "amend":
            h.p("text-muted small", Text("只填需要更正的项目，留空的不变。更正记入日志。", "Fill in only what changes; what is left empty stays. It goes into the ledger."))
            for field in Amendment.fields {
                if field.name == "claim" {
                    h.element("fieldset", "mb-3", [.id(h.id("f", "claim"))]) {
                        h.element("legend", "form-label", text: h.say(Text("诉求（勾选则整体替换）", "Claims (ticked ones take the place of all)")))
                        h.div("claim-grid") { for kind in ClaimKind.allCases { h.checkbox("claim", kind.title, value: kind.rawValue, checked: false) } }
                    }
                } else if field.name == "facts" {
                    area(field.name, field.title, required: false)
                } else {
                    h.field(field.name, field.title, value: nil, type: field.name == "occurredOn" ? "date" : "text", errors: e, required: false, autocomplete: "off")
                }
            }
            area("reason", Text("更正理由", "Reason"))
        case "split":
            h.p("text-muted small", Text("另立一件举报，期限自收到材料之日起算；投诉照常办理。", "A report of its own, counted from the day the material came; the complaint goes on."))
            h.select("area", Text("涉及领域", "What it is about"), options: ReportRules.shared.areas.map { ($0.id, $0.title) }, value: nil, errors: e, empty: Text("请选择", "Choose"))
            area("clues", Text("违法线索和依据", "What is unlawful, and what shows it"))
        case "hand-to-people":
            h.field("committee", Text("人民调解委员会", "Committee"), value: nil, errors: e)
            h.checkbox("consent-complainant", Text("投诉人同意", "The complainant consents"), checked: false)
            h.checkbox("consent-respondent", Text("被投诉人同意", "The business consents"), checked: false)
            if let error = e["consent"] { h.element("p", "text-danger small", text: h.say(error)) }
            h.select("channel", Text("告知双方的方式", "How both are told"), options: Notice.channels, value: nil, errors: e, empty: Text("请选择", "Choose"))
        case "people-agreed":
            area("agreement", Text("协议内容", "What was agreed"))
            h.radios(
                "written", Text("形式", "Form"), options: [("written", Text("调解协议书", "Written"), nil), ("oral", Text("口头协议，已记录", "Oral, recorded"), nil)], value: nil, errors: e,
                inline: true)
            h.field(
                "effectiveOn", Text("生效日期", "Effective on"), value: visit.desk.today().description, type: "date",
                hint: Text("双方签字之日，口头协议为达成之日；司法确认自此三十日", "Signed by both, or reached; thirty days to confirm run from it"),
                errors: e)
        case "people-failed": area("reason", Text("未成的原因", "Why not"))
        case "court-applied":
            h.field("court", Text("法院", "Court"), value: nil, errors: e)
            h.field("appliedOn", Text("共同申请日期", "Applied on"), value: visit.desk.today().description, type: "date", errors: e)
        case "court-decided":
            h.radios("result", Text("结果", "Result"), options: PeoplesMediation.results.map { ($0.0, $0.1, nil) }, value: nil, errors: e, inline: true)
            h.field("ruling", Text("裁定书文号", "Number of the ruling"), value: nil, errors: e)
        case "settle-first": area("agreement", Text("和解内容", "What was settled"), Text("写明谁在何时做什么、金额多少", "Who does what, when, how much"))
        case "convert": area("reason", Text("未能和解的原因", "Why it was not settled"), Text("转为投诉后自今日起计算受理期限", "The period to decide runs from today"))
        case "hand-back": area("reason", Text("交回原因", "Why it is handed back"))
        case "return": area("reason", Text("退回原因", "Why it is returned"))
        case "request":
            area("what", Text("需要补充的材料", "What is needed"), Text("例如：身份证明、购买凭证。等待期间受理期限照常计算。", "Such as proof of identity or purchase. The period to decide goes on running."))
            h.checkbox("identity", Text("要求提供身份证明（制作限期提供身份证明材料通知书）", "Proof of identity is asked for (the official form is issued)"), checked: false)
            h.field("due", Text("提交期限", "To be sent by"), value: visit.desk.calendar.value.workday(from: visit.desk.today().adding(days: 3)).description, type: "date", errors: e)
            channel(h, c, e)
        case "accept":
            h.p("text-muted small", Text("受理后自动生成受理决定书并告知投诉人，开始计算调解期限。", "The decision is issued and told to the complainant; the period for mediation begins."))
            area("note", Text("说明", "Remark"), required: false)
            channel(h, c, e)
        case "refuse": refusal(h, c, e)
        case "redirect": area("where", Text("应通过的途径", "Where it belongs"), Text("例如：信息公开申请请向办公室提出", "Such as: information requests go to the general office"))
        case "arrange": arrange(h, visit, c, e)
        case "position":
            h.radios(
                "party", Text("谁的意见", "Whose"),
                options: [
                    ("complainant", Text("投诉人", "Complainant"), nil), ("respondent", Text("被投诉人", "Business"), nil), ("mediator", Text("调解员方案", "Mediator's proposal"), nil),
                ], value: nil, errors: e, inline: true)
            area("body", Text("内容", "What they say"))
            h.field("offer", Text("提出的金额（元）", "Amount offered (yuan)"), value: nil, errors: e, required: false, inputmode: "decimal")
        case "test":
            h.field("body", Text("鉴定检测机构", "Testing body"), value: nil, errors: e)
            h.radios(
                "chosenBy", Text("如何确定", "How it was chosen"),
                options: [("parties", Text("双方协商确定", "Agreed by both"), nil), ("authority", Text("本机关指定", "Designated by us"), nil)], value: nil, errors: e, inline: true)
            h.p("text-muted small", Text("鉴定检测所需时间不计入调解期限。", "The time of testing is not counted."))
        case "tested": area("result", Text("鉴定检测结论", "Result"))
        case "recuse": area("reason", Text("回避申请的理由", "Reason given"))
        case "recusal-decided":
            h.radios(
                "decision", Text("决定", "Decision"), options: [("replaced", Text("同意回避，更换调解人员", "Granted: another mediator"), nil), ("rejected", Text("驳回申请", "Rejected"), nil)],
                value: nil, errors: e)
            h.field("mediators", Text("更换后的调解人员", "The other mediator"), value: nil, hint: Text("同意回避时必填", "Needed where it is granted"), errors: e, required: false)
            h.select("channel", Text("告知双方的方式", "How both are told"), options: Notice.channels, value: "phone", errors: e)
        case "again":
            area("reason", Text("回访中消费者的意见", "What the consumer said"))
            h.checkbox("consent", Text("双方同意再次调解", "Both sides consent to it"), checked: false)
            if let error = e["consent"] { h.element("p", "text-danger small", text: h.say(error)) }
        case "draft":
            area("agreement", Text("协议内容", "What is agreed"), Text("双方在各自页面阅读、签署；改动后须重新签署", "Both read and sign it on their pages; a changed text is signed anew"))
            h.field("amount", Text("金额（元，选填）", "Sum (yuan, optional)"), value: nil, errors: e, required: false, inputmode: "decimal")
            h.field("by", Text("履行日期", "To be kept by"), value: visit.desk.today().adding(days: 7).description, type: "date", errors: e)
        case "agree":
            area("agreement", Text("协议内容", "What was agreed"), Text("写明谁在何时做什么、金额多少", "Who does what, when, how much"))
            h.radios(
                "form", Text("如何记载", "How it is recorded"),
                options: [
                    ("paper", Text("制作调解书", "A mediation paper"), nil), ("performed", Text("已即时履行", "Performed at once"), nil),
                    ("record", Text("双方同意不制作，留存调解记录", "Both do without; a record is kept"), nil),
                ], value: nil, errors: e)
            h.select("channel", Text("调解书如何交付双方", "How the paper reaches both"), options: Notice.onPaper, value: "counter", errors: e)
        case "end": ending(h, visit, c, e)
        case "tell":
            h.select("channel", Text("告知方式", "How both are told"), options: Notice.channels, value: nil, errors: e, empty: Text("请选择", "Choose"))
        case "lead": area("facts", Text("线索内容", "What was found"), Text("自发现之日起十五个工作日内核查", "To be verified within fifteen working days of discovery"))
        case "lead-decided":
            h.radios(
                "decision", Text("核查结果", "Result"), options: [("filed", Text("立案", "A case is filed"), nil), ("not-filed", Text("不予立案", "No case"), nil)], value: nil, errors: e,
                inline: true)
            area("reason", Text("理由", "Reason"))
        case "close":
            guard let promise, promise.state != "kept" else { return area("note", Text("说明", "Remark"), required: false) }
            h.radios(
                "kept", Text("承诺履行了吗", "Was the promise kept?"),
                options: [
                    ("yes", Text("消费者确认已履行", "The consumer confirms that it was"), nil),
                    ("no", Text("到期未履行", "Not by its day"), Text("承诺日期\(promise.due)；消费者以后仍可要求继续调解", "It was due \(promise.due); the consumer may still open it again")),
                    ("unconfirmed", Text("商家称已履行，消费者未确认", "Said to be done, and the consumer does not answer"), nil),
                ], value: nil, errors: e)
            area("note", Text("怎样得知", "How this is known"))
        default: area("note", Text("说明", "Remark"), required: false)
        }
    }

    private func suggested(_ visit: Visit, _ c: Complaint) -> String? {
        visit.desk.regions.districts(of: visit.desk.configuration.cityRegion).first { c.respondentAddress.contains($0.name) }?.code
            ?? (c.matter.region.count >= 6 ? String(c.matter.region.prefix(6)) : nil)
    }

    private func refusal(_ h: HTML, _ c: Complaint, _ e: HTML.Errors) {
        h.radios(
            "ground", Text("法定情形", "Statutory ground"),
            options: Grounds.shared.refusal(c.law).map { ($0.id, Text("（\($0.ordinal ?? $0.id)）\($0.text.zh)", "(\($0.id)) \($0.text.en)"), nil) }, value: nil, errors: e)
        let factors = Grounds.shared.factors(c.law)
        if !factors.isEmpty {
            h.element("fieldset", "mb-3 factors", [.id(h.id("f", "factor"))]) {
                h.element("legend", "form-label", text: h.say(Text("适用第三项时考虑的因素（第十七条）", "Factors considered for ground 3 (art. 17)")))
                if let error = e["factor"] { h.element("div", "text-danger small", text: h.say(error)) }
                for factor in factors { h.checkbox("factor", factor.text, value: factor.id, checked: false) }
            }
        }
        h.area("reason", Text("具体理由（将写入决定书）", "Reason in words (goes into the decision)"), value: nil, rows: 3, errors: e, maxLength: 1000)
        channel(h, c, e)
    }

    /// How the complainant is told of a decision: by page where it came by page, else to be chosen.
    private func channel(_ h: HTML, _ c: Complaint, _ e: HTML.Errors) {
        h.select(
            "channel", Text("告知投诉人的方式", "How the complainant is told"), options: Notice.channels, value: c.source == "web" || c.source == "api" ? "portal" : nil, errors: e,
            empty: Text("请选择", "Choose"))
    }

    private func arrange(_ h: HTML, _ visit: Visit, _ c: Complaint, _ e: HTML.Errors) {
        h.radios(
            "mode", Text("调解方式", "How"),
            options: [
                ("on-site", Text("现场调解", "On site"), nil), ("remote", Text("电话、视频等非现场调解", "By phone, video or the like"), nil),
                ("delegated", Text("委托调解", "Delegated"), c.delegation == true ? nil : Text("投诉人未同意委托调解", "The complainant has not consented")),
            ], value: nil, errors: e)
        h.field("at", Text("时间", "When"), value: nil, type: "datetime-local", hint: Text("现场调解必填", "Needed for on site"), errors: e, required: false)
        h.field("place", Text("地点", "Where"), value: nil, hint: Text("现场调解必填", "Needed for on site"), errors: e, required: false)
        h.field("mediators", Text("调解人员", "Mediators"), value: visit.account?.name, errors: e)
        h.select(
            "channel", Text("通知被投诉人的方式", "How the business is told"),
            options: Notice.channels.filter { $0.0 != "portal" }, value: "phone", errors: e)
        h.checkbox("delegation-respondent", Text("委托调解的：被投诉人也同意委托", "Where delegated: the business consents too"), checked: false)
        if let error = e["delegation-respondent"] { h.element("p", "text-danger small", text: h.say(error)) }
        h.checkbox("consent", Text("已确认双方同意调解", "Both sides have consented to mediation"), checked: false)
        if let error = e["consent"] { h.element("p", "text-danger small", text: h.say(error)) }
    }

    private func ending(_ h: HTML, _ visit: Visit, _ c: Complaint, _ e: HTML.Errors) {
        h.radios(
            "ground", Text("法定情形", "Statutory ground"),
            options: Grounds.shared.ending(c.law).map { ($0.id, Text("（\($0.ordinal ?? $0.id)）\($0.text.zh)", "(\($0.id)) \($0.text.en)"), nil) }, value: nil, errors: e)
        h.area("reason", Text("具体理由（将写入决定书）", "Reason in words (goes into the decision)"), value: nil, rows: 3, errors: e, maxLength: 1000)
    }
}
