import Kernel
import Platform
import Statute
import Store
import Web

/// The forms of a case's moves (案件办理操作).
struct CaseForm {
    let visit: Visit
    let s: CasePage.Shown
    private var c: Case { s.c }
    private var today: String { visit.desk.today().description }

    func actions(_ h: HTML, _ moves: [Move], failed: String?, _ refusal: Refusal?, _ sent: Form?) {
        let final: Set<String> = [
            "not-file", "transfer-out", "terminate", "decide", "decide-unpunished", "decide-transfer", "apply-court", "annul", "annul-late", "close", "publish",
            "withdraw-publication", "file", "conclude", "approve-notice", "waive", "serve-notice", "serve", "serve-unpunished", "pay", "reverse-payment", "reverse-payment-closing",
            "archive",
            "archive-simple",
        ]
        // What leads the case on comes first.
        let main = [
            "propose-filing", "file", "conclude", "audit-agree", "approve-notice", "serve-notice", "report-hearing", "to-decision", "decide", "decide-unpunished", "serve",
            "serve-unpunished", "pay", "propose-closing", "close", "archive",
        ]
        let ordered = moves.enumerated().sorted { a, b in
            let (x, y) = (main.firstIndex(of: a.element.name) ?? 99, main.firstIndex(of: b.element.name) ?? 99)
            return (x, a.offset) < (y, b.offset)
        }.map(\.element)
        visit.actions(h, ordered, at: "/cases/\(c.matter.id)", under: CaseMoves.regime, final: final, leading: main, failed: failed, refusal, sent) { fields(h, $0.name, $1) }
    }

    private func area(_ h: HTML, _ name: String, _ label: Text, _ e: HTML.Errors, _ hint: Text? = nil, value: String? = nil, rows: Int = 3, required: Bool = true, most: Int = 4000)
    {
        h.area(name, label, value: value, rows: rows, hint: hint, errors: e, required: required, maxLength: most)
    }
    private func day(_ h: HTML, _ name: String, _ label: Text, _ e: HTML.Errors, value: String?, _ hint: Text? = nil, required: Bool = true) {
        h.field(name, label, value: value, type: "date", hint: hint, errors: e, required: required)
    }
    private func money(_ h: HTML, _ name: String, _ label: Text, _ e: HTML.Errors, value: Money? = nil, _ hint: Text? = nil, required: Bool = false) {
        h.field(name, label, value: value.flatMap { $0.fen > 0 ? $0.plain : nil }, hint: hint, errors: e, required: required, inputmode: "decimal")
    }

    private func fields(_ h: HTML, _ name: String, _ e: HTML.Errors) {
        switch name {
        case "test-clue", "test": h.field("body", Text("检测、鉴定机构", "Body"), value: nil, errors: e)
        case "amend-party":
            CasePages.party(h, c.party.open, e)
            h.p("small text-muted", Text("电话和身份证件号码不在此显示，留空则不变。", "Telephone and identity number are not shown here: left empty they stay."))
            area(h, "note", Text("说明", "Remark"), e, required: false, most: 500)
        case "clue-tested", "tested": area(h, "result", Text("结论", "Result"), e)
        case "propose-filing": proposal(h, e)
        case "file":
            officers(h, e)
            if e["other-act"] != nil { h.checkbox("other-act", Text("确属另一违法行为", "It is another act"), checked: false) }
        case "replace-officers":
            officers(h, e)
            area(h, "reason", Text("更换原因", "Why"), e)
        case "not-file":
            h.radios(
                "ground", Text("不予立案情形（第二十条）", "Ground (art. 20)"),
                options: [
                    ("1", Text("轻微并及时改正，没有造成危害后果", "Minor, corrected, no harm"), nil), ("2", Text("初次违法且危害后果轻微并及时改正", "First, slight, corrected"), nil),
                    ("3", Text("有证据足以证明没有主观过错", "Proof that there was no fault"), nil), ("4", Text("依法可以不予立案的其他情形", "Another lawful ground"), nil),
                ], value: nil, errors: e)
            area(h, "reason", Text("理由", "Reason"), e)
        case "transfer-out":
            h.field("where", Text("移送至", "To"), value: c.competent, errors: e)
            area(h, "reason", Text("移送理由", "Why"), e)
        case "dispute-jurisdiction", "refer-jurisdiction", "settle-jurisdiction": jurisdiction(h, name, e)
        case "suspend":
            h.select("ground", Text("中止情形（第四十六条）", "Ground (art. 46)"), options: CaseAct.suspensions, value: nil, errors: e, empty: Text("请选择", "Choose"))
            area(h, "reason", Text("具体理由", "Reason"), e)
        case "ask-recusal":
            h.select(
                "who", Text("申请谁回避", "Whose recusal"),
                options: s.people.filter { $0.until == nil }.map {
                    (String($0.account), Text("\(s.names[$0.account] ?? "")（\($0.role.title.zh)）", "\(s.names[$0.account] ?? "") (\($0.role.title.en))"))
                }, value: nil, errors: e, empty: Text("请选择", "Choose"))
            h.radios(
                "asked-by", Text("由谁提出", "Asked by"), options: [("party", Text("当事人申请", "The party"), nil), ("self", Text("本人申请", "The person"), nil)], value: "party", errors: e,
                inline: true)
            area(h, "reason", Text("理由", "Reason"), e)
        case "decide-recusal":
            h.select(
                "recusal", Text("回避申请", "Request"),
                options: s.recusals.filter { $0.granted == nil }.map { (String($0.id), Text(verbatim: "\(s.names[$0.account] ?? "")：\($0.reason)")) }, value: nil, errors: e,
                empty: Text("请选择", "Choose"))
            h.radios("granted", Text("决定", "Decision"), options: [("yes", Text("回避", "Recused"), nil), ("no", Text("驳回申请", "Refused"), nil)], value: nil, errors: e, inline: true)
            area(h, "reason", Text("理由", "Reason"), e)
        case "prolong":
            day(h, "until", Text("延长至（合理期限）", "Until, a reasonable time"), e, value: nil)
            discussion(h, e, conclusion: false)
            area(h, "reason", Text("理由", "Reason"), e)
        case "conclude": conclusion(h, e)
        case "audit-agree", "audit-return":
            h.element("fieldset", "mb-3", [.id(h.id("f", "check"))]) {
                h.element("legend", "form-label", text: h.say(Text("审核内容（第五十三条），符合的勾选", "What is examined (art. 53): tick what holds")))
                if let error = e["check"] { h.element("div", "text-danger small", text: h.say(error)) }
                for (key, title) in CaseAct.checks { h.checkbox("check", title, value: key, checked: false) }
            }
            if name == "audit-return" {
                h.radios(
                    "kind", Text("意见", "Opinion"), options: [("correct", Text("建议纠正", "To be put right"), nil), ("supplement", Text("建议补充调查", "To be investigated further"), nil)],
                    value: nil, errors: e, inline: true)
            }
            area(h, "opinion", Text("审核意见", "Opinion"), e)
        case "serve-notice", "serve", "serve-unpunished": service(h, e)
        case "announce", "announce-decision": area(h, "reason", Text("公告内容摘要和公告送达的原因", "What the announcement says and why"), e)
        case "state": area(h, "statement", Text("陈述、申辩内容", "What the party says"), e, rows: 5, most: 8000)
        case "request-hearing": day(h, "on", Text("提出要求日期", "Asked on"), e, value: today)
        case "appoint-host":
            let options = s.hosts.map { (String($0.id.raw), Text(verbatim: $0.name)) }
            h.select(
                "host", Text("听证主持人", "Host"), options: options, value: nil, hint: Text("办案人员、审核人员不能担任", "Not an officer or reviewer of the case"), errors: e,
                empty: Text("请选择", "Choose"))
            h.select("clerk", Text("记录员", "Clerk"), options: options, value: nil, errors: e, empty: Text("请选择", "Choose"))
        case "schedule-hearing":
            day(h, "hearing-on", Text("举行日期", "Day of the hearing"), e, value: nil)
            h.field("time", Text("时间", "Time"), value: "09:30", errors: e)
            h.field("place", Text("地点", "Place"), value: nil, errors: e)
            day(h, "announced-on", Text("公告日期（公开举行的）", "Announced on, where it is open"), e, value: today, Text("应在举行的三个工作日前", "Three working days before"), required: false)
            day(h, "notice-on", Text("听证通知送达日期", "Notice served on"), e, value: today, Text("应在举行的七个工作日前", "Seven working days before"))
            h.checkbox("openly", Text("公开举行", "In public"), checked: true)
        case "hearing-held":
            day(h, "on", Text("举行日期", "Held on"), e, value: c.hearingOn?.description ?? today)
            area(h, "record", Text("听证笔录", "Record"), e, rows: 8, most: 20_000)
        case "report-hearing": area(h, "opinion", Text("听证意见和建议", "Opinion"), e, rows: 5, most: 8000)
        case "to-decision":
            if c.statement != nil || c.heardOn != nil {
                area(h, "reviewed", Text("对当事人意见的复核（是否采纳及理由）", "What was made of it, and why"), e)
            } else {
                h.p("small text-muted", Text("当事人未提出意见。", "The party said nothing."))
            }
        case "order-refund":
            money(h, "amount", Text("多收价款", "Charged too much"), e, value: c.notified?.refund, required: true)
            h.field("days", Text("几日内退还", "Within how many days"), value: "10", errors: e, inputmode: "numeric")
        case "discuss": discussion(h, e, conclusion: true)
        case "decide": decide(h, e)
        case "decide-unpunished":
            if c.proposed?.kind == .exempt { area(h, "education", Text("教育内容（第六十一条）", "What the party is taught (art. 61)"), e) }
        case "decide-transfer": area(h, "reason", Text("移送理由", "Why"), e)
        case "reverse-payment", "reverse-payment-closing":
            h.select(
                "payment", Text("缴款记录", "Payment"),
                options: s.performance.payments.map {
                    (
                        String($0.id),
                        Text("\($0.on) \($0.kind.title.zh) ¥\($0.amount.grouped) \($0.reference)", "\($0.on) \($0.kind.title.en) ¥\($0.amount.grouped) \($0.reference)")
                    )
                },
                value: nil, errors: e, empty: Text("请选择", "Choose"))
            area(h, "reason", Text("冲正理由", "Why it is taken back"), e, rows: 2, most: 500)
        case "pay", "hand-in", "bank", "defer", "demand", "challenge", "challenge-ended", "apply-court", "perform", "court-ended": performance(h, name, e)
        case "propose-closing":
            h.select("ending", Text("结案情形（第七十七条）", "Ground (art. 77)"), options: CaseAct.endings, value: c.ending, errors: e, empty: Text("请选择", "Choose"))
            area(h, "reason", Text("办案人员意见", "Remark"), e)
        case "archive", "archive-simple":
            h.select("class", Text("保管期限", "Kept for"), options: CaseAct.archiveClasses, value: "30", hint: Text("按档案管理规定核定", "As the archive's rules say"), errors: e)
        case "prepare-publication":
            area(
                h, "body", Text("公示文本（已自动隐去个人信息，请核对商业秘密）", "Text for publication: personal data are taken out; look for trade secrets"), e, value: s.draft ?? s.publication?.body,
                rows: 14, most: 60_000)
        case "publish":
            h.p("small text-muted", Text("请先阅读“公示”栏的拟公示内容。", "Read the prepared text below first."))
            if c.isElsewhere {
                h.field(
                    "to", Text("推送至（登记地市场监督管理部门）", "Pushed to (office where the party is registered)"), value: nil,
                    hint: Text("当事人登记在外省：经本省市场监督管理部门推送，由登记地协助公示（公示规定第十条）", "Registered in another province: pushed through our province's office, published there (art. 10)"),
                    errors: e)
            }
        case "host-published": day(h, "on", Text("对方公示日期", "Published there on"), e, value: today)
        case "prolong-review":
            day(h, "until", Text("延长至", "Until"), e, value: nil)
            area(h, "reason", Text("理由", "Reason"), e)
        case "close", "resume", "hand-file": area(h, "note", Text("意见", "Remark"), e, required: false)
        case "waive", "withdraw-hearing": area(h, "note", Text("说明（书面材料）", "Remark"), e)
        case "refunded":
            money(h, "refunded", Text("已退还（元）", "Given back (yuan)"), e, required: true)
            area(h, "result", Text("退款情况", "What was refunded"), e)
        case "approve-notice":
            if let o = c.proposed { h.ul { for item in o.items(visit.language) { h.li { h.text(item) } } } }
            if let why = c.incomeUnknown {
                h.p("small mb-1", Text("违法所得无法查清：\(why)", "Illegal income cannot be found out: \(why)"))
                if let error = e["income-unknown"] { h.p("text-danger small", error) }
                h.checkbox("income-unknown", Text("主要负责人审批同意不单独计算违法所得（O118 第十四条）", "The principal head agrees not to reckon it (O118 art. 14)"), checked: false)
            }
        default: area(h, "reason", Text("理由", "Reason"), e)
        }
    }

    private func officers(_ h: HTML, _ e: HTML.Errors) {
        h.element("fieldset", "mb-3", [.id(h.id("f", "officers"))]) {
            h.element("legend", "form-label", text: h.say(Text("办案人员（两名以上，具有执法资格）", "Officers: two or more, with a certificate")))
            if let error = e["officers"] { h.element("div", "text-danger small", text: h.say(error)) }
            if s.candidates.isEmpty { h.p("small text-muted", Text("辖区内没有办案人员账号", "There are no officers here")) }
            for (account, certificate) in s.candidates {
                let valid = certificate.map { $0.validTo >= visit.desk.today() } ?? false
                h.checkbox(
                    "officers",
                    Text("\(account.name)\(valid ? "（\(certificate!.number)）" : "（无有效执法证）")", "\(account.name)\(valid ? " (\(certificate!.number))" : " (no valid certificate)")"),
                    value: String(account.id.raw), checked: false)
            }
            h.p("small mb-0") { h.a("/cases/people", nil, Text("执法人员和资格", "Officers and certificates")) }
        }
    }

    private func proposal(_ h: HTML, _ e: HTML.Errors) {
        area(h, "findings", Text("核查情况", "What was found"), e)
        h.select(
            "violation", Text("涉嫌违法行为", "Suspected violation"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: c.violation, errors: e, required: false,
            empty: Text("不在目录中", "None of these"))
        h.field("cause", Text("案由", "Cause"), value: c.cause, errors: e)
        day(h, "act-from", Text("行为开始", "Began"), e, value: c.actFrom?.description, required: false)
        day(h, "act-to", Text("行为终了（连续、继续的，以终了之日）", "Ended"), e, value: c.actTo?.description)
        h.checkbox("grave", Text("涉及公民生命健康安全、金融安全且有危害后果（追究期限五年）", "Life, health or financial security, with harm: five years"), checked: c.grave)
        h.select("jurisdiction", Text("管辖依据", "Jurisdiction"), options: Jurisdiction.grounds, value: c.jurisdiction ?? "conduct", errors: e)
        h.element("fieldset", "mb-3", [.id(h.id("f", "condition1"))]) {
            h.element("legend", "form-label", text: h.say(Text("立案条件（第十九条，全部符合方可立案）", "Conditions of filing (art. 19): all must hold")))
            if let error = e["condition1"] { h.element("div", "text-danger small", text: h.say(error)) }
            h.checkbox("condition1", Text("有证据初步证明存在违法行为", "Prima facie evidence"), checked: false)
            h.checkbox("condition2", Text("依法应当给予行政处罚", "A penalty is due by law"), checked: false)
            h.checkbox("condition3", Text("属于本部门管辖", "Within our competence"), checked: false)
            h.checkbox("condition4", Text("在给予行政处罚的法定期限内", "Within the time of limitation"), checked: false)
        }
        h.radios(
            "proposal", Text("建议", "Proposed"),
            options: [("file", Text("立案", "File"), nil), ("not-file", Text("不予立案", "Do not file"), nil), ("transfer", Text("移送", "Transfer"), nil)], value: nil, errors: e,
            inline: true)
    }

    private func conclusion(_ h: HTML, _ e: HTML.Errors) {
        let o = c.proposed
        if s.leniency.isEmpty {
            h.div(
                "alert alert-warning py-2",
                h.say(Text("本案尚未记录从宽审查：请先在“从宽审查”中逐项核对，或者在裁量理由中说明。", "No examination of leniency is on record: make it below first, or say in the reasons why there is none.")))
        }
        area(h, "facts", Text("调查认定的事实", "Facts established"), e, value: c.facts, rows: 6, most: 10_000)
        area(
            h, "nature", Text("案件性质", "Nature"), e, Text("完整的句子，如“当事人的上述行为构成发布使用绝对化用语的广告”", "A whole sentence: what the party's conduct amounts to"), value: c.nature)
        h.select(
            "violation", Text("违法行为", "Violation"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: c.violation, errors: e, required: false,
            empty: Text("不在目录中，另填条款", "None of these: give the articles"))
        if c.violation == nil || e["bans"] != nil || e["penalty"] != nil {
            h.field("bans", Text("违反的条款", "Articles broken"), value: c.bans, hint: Text("形如 AD-9(3)，多条用逗号分开", "As AD-9(3), several by commas"), errors: e, required: false)
            h.field("penalty", Text("处罚条款", "Penalty article"), value: c.penalty, errors: e, required: false)
        }
        h.radios("outcome", Text("处理意见（第六十条）", "Proposed (art. 60)"), options: Outcome.Kind.allCases.map { ($0.rawValue, $0.title, nil) }, value: o?.kind.rawValue, errors: e)
        h.element("details", "mb-3", [.init("open", if: true)]) {
            h.element("summary", text: h.say(Text("拟处罚内容", "Penalty proposed")))
            if let range = c.range() {
                h.p(
                    "small text-muted",
                    Text("法定幅度：¥\(range.lowerBound.grouped)至¥\(range.upperBound.grouped)", "The article allows ¥\(range.lowerBound.grouped) to ¥\(range.upperBound.grouped)"))
            }
            h.checkbox("warning", Text("警告", "Warning"), checked: o?.warning ?? false)
            h.checkbox("criticism", Text("通报批评", "Public criticism"), checked: o?.criticism ?? false)
            money(h, "fine", Text("罚款（元）", "Fine (yuan)"), e, value: o?.fine)
            h.select("tier", Text("裁量阶次", "Tier"), options: Discretion.Tier.allCases.map { ($0.rawValue, $0.title) }, value: o?.tier.rawValue ?? "ordinary", errors: e)
            money(h, "base", Text("罚款基数（广告费、货值、经营额）", "Base: advertising fee, goods, turnover"), e, value: c.base)
            h.select("income-kind", Text("违法所得的计算（O118）", "Illegal income (O118)"), options: IllegalIncome.Kind.allCases.map { ($0.rawValue, $0.title) }, value: "net", errors: e)
            money(h, "receipts", Text("收入", "Receipts"), e)
            money(h, "costs", Text("直接、合法、必要的支出（凭当事人提供的单证）", "Direct lawful costs, on the party's papers"), e)
            money(h, "taxes", Text("已缴直接相关税款", "Taxes paid"), e)
            money(h, "refunded", Text("已退赔（不没收，仍计入）", "Refunded: not confiscated, still counted"), e)
            money(h, "refund", Text("拟责令退还多收价款（第五十九条）", "To be given back before the decision (art. 59)"), e, value: o?.refund)
            area(
                h, "income-unknown", Text("违法所得无法查清的情况说明", "Why illegal income cannot be found out"), e,
                Text("经充分调查仍无法查清时填写，须主要负责人同意", "After full inquiry; the principal head must agree"),
                value: c.incomeUnknown, rows: 2, required: false)
            h.field("goods", Text("没收物品", "Goods confiscated"), value: o?.goods, errors: e, required: false)
            h.field(
                "goods-none", Text("没有可没收物品的情况", "Why there are no goods to confiscate"), value: nil,
                hint: Text("条款规定没收物品而没有的填写", "Where the article asks for it and there are none"),
                errors: e, required: false)
            money(h, "goods-value", Text("没收物品价值", "Their value"), e, value: o?.goodsValue)
            h.select(
                "restriction", Text("其他处罚", "Other"), options: Outcome.Restriction.allCases.map { ($0.rawValue, $0.title) }, value: o?.restriction.rawValue ?? "none", errors: e)
            h.select(
                "area", Text("公示领域（信用修复办法第八条）", "Field, for how long it is shown (O107 art. 8)"), options: Display.areas,
                value: c.area ?? c.violation.flatMap { Penalties.shipped[$0]?.area } ?? "none", errors: e)
            day(h, "restricted-until", Text("限制至", "Restricted until"), e, value: o?.restrictedUntil?.description, required: false)
            h.element("fieldset", "mb-3", [.id(h.id("f", "mitigating"))]) {
                h.element("legend", "form-label", text: h.say(Text("从轻、减轻情形（处罚法第三十二条）", "For a lighter penalty (PPL art. 32)")))
                if let error = e["mitigating"] { h.element("div", "text-danger small", text: h.say(error)) }
                for f in Leniency.shipped.mitigating { h.checkbox("factor", f.text, value: f.id, checked: o?.factors.contains(f.id) ?? false) }
            }
            h.element("fieldset", "mb-3", [.id(h.id("f", "aggravating"))]) {
                h.element("legend", "form-label", text: h.say(Text("从重情形", "For a heavier penalty")))
                if let error = e["aggravating"] { h.element("div", "text-danger small", text: h.say(error)) }
                for f in Leniency.shipped.aggravating { h.checkbox("factor", f.text, value: f.id, checked: o?.factors.contains(f.id) ?? false) }
            }
        }
        area(h, "reasons", Text("裁量理由", "Reasons"), e, value: o?.reasons)
        h.field("to", Text("移送至（移送时填写）", "Transfer to"), value: o?.to, errors: e, required: false)
        h.checkbox("serious", Text("情节严重", "Serious"), checked: c.serious)
        h.checkbox("public-interest", Text("涉及重大公共利益", "Grave public interest"), checked: c.publicInterest)
        h.checkbox("complex", Text("案情疑难复杂、涉及多个法律关系", "Complex"), checked: c.complex)
    }

    private func discussion(_ h: HTML, _ e: HTML.Errors, conclusion: Bool) {
        day(h, "held-on", Text("讨论日期", "Held on"), e, value: today)
        h.field("place", Text("地点", "Place"), value: nil, errors: e, required: false)
        h.field("members", Text("出席人员（三名以上，用顿号分开）", "Members: three or more, by commas"), value: nil, errors: e)
        area(h, "record", Text("讨论记录", "Record"), e, rows: 5, most: 8000)
        if conclusion { area(h, "conclusion", Text("处理意见", "Conclusion"), e) }
    }

    private func decide(_ h: HTML, _ e: HTML.Errors) {
        guard let told = c.notified else { return }
        h.p("small", Text("告知的内容：\(told.items().joined(separator: "；"))。可以减轻，不得加重。", "Told: \(told.items(.en).joined(separator: "; ")). It may be less, never more."))
        money(h, "fine", Text("罚款（元）", "Fine (yuan)"), e, value: told.fine)
        money(h, "confiscated", Text("没收违法所得（元）", "Illegal income (yuan)"), e, value: Money(fen: max(0, told.confiscated.fen - c.refunded.fen)))
        area(
            h, "confiscated-why", Text("没收数额少于告知的理由", "Why less is confiscated than was told"), e,
            Text("已责令退还并退还的自动扣除；其余减少须说明违法所得认定的变化", "What was given back is taken off by itself; anything else rests on what was found of the income"), rows: 2, required: false)
        h.select("tier", Text("裁量阶次", "Tier"), options: Discretion.Tier.allCases.map { ($0.rawValue, $0.title) }, value: told.tier.rawValue, errors: e)
        for f in Leniency.shipped.mitigating where !told.factors.contains(f.id) { h.checkbox("factor", f.text, value: f.id, checked: false) }
        area(h, "reasons", Text("裁量理由", "Reasons"), e, value: told.reasons)
    }

    private func service(_ h: HTML, _ e: HTML.Errors) {
        h.select("way", Text("送达方式", "How"), options: Service.ways, value: "direct", errors: e)
        day(h, "served", Text("送达日期（公告送达的以公告届满之日）", "Served on; by publication: the day its time ends"), e, value: today, required: false)
        h.field("receiver", Text("收件人（公告送达不填）", "Receiver; not for service by publication"), value: nil, errors: e, required: false)
        h.field("place", Text("送达地点", "Place"), value: c.party.address, errors: e, required: false)
        h.field("witness", Text("见证人（留置送达）", "Witness, where it was left"), value: nil, errors: e, required: false)
        h.checkbox("recorded", Text("已拍照、录像记录", "Recorded"), checked: false)
        h.checkbox("consent", Text("当事人同意电子送达，并已签订送达地址确认书", "The party agreed to electronic service"), checked: false)
        area(h, "note", Text("备注", "Remark"), e, required: false)
    }

    private func performance(_ h: HTML, _ name: String, _ e: HTML.Errors) {
        switch name {
        case "pay":
            h.select("kind", Text("款项", "What for"), options: Payment.Kind.allCases.map { ($0.rawValue, $0.title) }, value: "fine", errors: e)
            money(h, "amount", Text("金额（元）", "Amount (yuan)"), e, value: s.performance.unpaidFine, required: true)
            day(h, "on", Text("缴款日期", "Paid on"), e, value: today)
            h.select("way", Text("缴款方式", "How"), options: Payment.ways, value: "bank", errors: e)
            h.field("reference", Text("票据、流水号", "Slip"), value: nil, errors: e)
            if c.simple { h.checkbox("hard", Text("不当场收缴事后难以执行", "Hard to collect afterwards"), checked: false) }
            if c.fine.fen > 0 {
                h.checkbox("remote", Text("边远、水上、交通不便地区，当事人提出", "Remote, at the party's wish"), checked: false)
            }
        case "hand-in", "bank", "court-ended":
            if name != "court-ended" { day(h, "on", Text("上交日期", "On"), e, value: today) } else { h.field("number", Text("法院裁定文号", "Ruling"), value: nil, errors: e) }
        case "defer":
            day(h, "applied-on", Text("当事人书面申请日期", "Written application of"), e, value: today)
            for n in 1...6 {
                day(h, "due\(n)", Text("第\(n)期缴款日期", "Part \(n): by"), e, value: nil, required: n == 1)
                money(h, "amount\(n)", Text("第\(n)期金额", "Part \(n): yuan"), e, value: n == 1 ? s.performance.unpaidFine : nil, required: n == 1)
            }
        case "demand": day(h, "served", Text("催告书送达日期", "Demand served on"), e, value: today)
        case "challenge":
            h.radios("kind", Text("方式", "Which"), options: Challenge.Kind.allCases.map { ($0.rawValue, $0.title, nil) }, value: nil, errors: e, inline: true)
            day(h, "on", Text("受理日期", "Accepted on"), e, value: today)
        case "challenge-ended":
            h.radios(
                "result", Text("结果", "Result"),
                options: Challenge.Result.allCases.map { ($0.rawValue, $0.title, nil) }, value: nil, errors: e)
            day(h, "on", Text("收到复议决定、裁判生效日期", "Review decision received, judgment in force on"), e, value: today)
            money(h, "fine", Text("变更后的罚款（变更时填写）", "The fine as changed"), e, value: c.fine)
            money(h, "confiscated", Text("变更后的没收违法所得", "Illegal income as changed"), e, value: c.confiscated)
        case "apply-court": h.field("where", Text("法院", "Court"), value: nil, errors: e)
        default:
            h.checkbox("waived", Text("不再加处罚款", "The surcharge is dropped"), checked: false)
            area(h, "note", Text("说明", "Remark"), e, required: false)
        }
    }
}
