import Kernel
import Platform
import Statute
import Store
import Web

/// The cards of a case's page (案件页各部分).
struct CaseParts {
    let visit: Visit
    let s: CasePage.Shown
    var c: Case { s.c }
    private func cite(_ list: String?) -> Text? {
        guard let list else { return nil }
        let all = list.split(separator: ",").compactMap { Article(String($0)) }.map { visit.desk.law.register.cite($0) }
        return all.isEmpty ? nil : Text(all.map(\.zh).joined(separator: "；"), all.map(\.en).joined(separator: "; "))
    }

    func content(_ h: HTML) {
        h.card(Text("案情", "The case")) {
            h.definitions {
                h.definition(Text("当事人", "Party")) {
                    if let op = s.op { h.a("/operators/\(op.id)", nil, c.party.name) } else { h.text(c.party.name) }
                    h.span("d-block small text-muted", "\(h.say(c.party.kind.title))\(c.party.kind == .person ? "" : c.party.code.map { " · \($0)" } ?? "") · \(c.party.address)")
                }
                h.definition(Text("案由", "Cause"), c.cause)
                h.definition(Text("案源内容", "Source")) { h.element("p", "pre mb-0", text: c.clue) }
                if let violation = c.violation.flatMap({ Penalties.shipped[$0] }) {
                    h.definition(Text("违法行为", "Violation")) {
                        h.text(violation.title)
                        h.span("d-block small text-muted", cite(violation.bans.map(\.description).joined(separator: ",")) ?? Text("", ""))
                    }
                }
                if let to = c.actTo {
                    let limit = Gates.limitation(ended: to, discovered: c.matter.receivedAt.day, grave: c.grave)
                    h.definition(Text("行为时间", "When")) {
                        h.text(c.actFrom == c.actTo ? to.description : "\(c.actFrom?.description ?? "")—\(to)")
                        h.span("d-block small text-muted", Text("追究期限至\(limit.until)（处罚法第三十六条）", "Punishable if found by \(limit.until) (PPL art. 36)"))
                    }
                }
                if let findings = c.findings { h.definition(Text("核查情况", "Found")) { h.element("p", "pre mb-0", text: findings) } }
                if let place = c.jurisdiction { h.definition(Text("管辖依据", "Jurisdiction"), h.say(Jurisdiction.grounds.first { $0.0 == place }?.1 ?? Text(verbatim: place))) }
                jurisdiction(h)
                if let facts = c.facts { h.definition(Text("认定的事实", "Facts")) { h.element("p", "pre mb-0", text: facts) } }
                if let nature = c.nature { h.definition(Text("性质", "Nature")) { h.element("p", "pre mb-0", text: nature) } }
                if let statement = c.statement { h.definition(Text("陈述申辩", "The party said")) { h.element("p", "pre mb-0", text: statement) } }
                if let reviewed = c.reviewed { h.definition(Text("复核意见", "Reviewed")) { h.element("p", "pre mb-0", text: reviewed) } }
                if let report = c.hearingReport { h.definition(Text("听证意见", "Hearing")) { h.element("p", "pre mb-0", text: report) } }
            }
            if c.violation != nil, visit.may("evidence.see") {
                h.p("mb-0 mt-2") { h.a("/evidence?of=\(c.matter.number)", nil, Text("违法要件与证据核对", "Elements and evidence")) }
            }
        }
    }

    /// What is proposed, told, decided, side by side, so that nothing heavier slips in.
    func proposal(_ h: HTML) {
        let columns: [(Text, Outcome?)] = [(Text("处理意见", "Proposed"), c.proposed), (Text("告知内容", "Told"), c.notified), (Text("决定", "Decided"), c.decided)]
        guard columns.contains(where: { $0.1 != nil }) else { return }
        h.card(Text("处理", "Outcome")) {
            h.div("outcome-grid") {
                for (title, outcome) in columns {
                    guard let o = outcome else { continue }
                    h.div("outcome") {
                        h.h3(title, "h6")
                        h.p("fw-semibold mb-1", o.kind.title)
                        h.ul("mb-1") { for item in o.items(visit.language) { h.li { h.text(item) } } }
                        if o.kind == .punish { h.p("small mb-1", Text("裁量：\(o.tier.title.zh)", "Tier: \(o.tier.title.en)")) }
                        if !o.factors.isEmpty { h.p("small mb-1", o.factors.compactMap { Leniency.shipped.factor($0)?.text[visit.language] }.joined(separator: "；")) }
                        if !o.to.isEmpty { h.p("small mb-1", o.to) }
                        h.p("small text-muted pre mb-0", o.reasons)
                    }
                }
            }
            if let range = c.range() {
                h.p(
                    "small text-muted mb-0",
                    Text("法定幅度：¥\(range.lowerBound.grouped)至¥\(range.upperBound.grouped)", "The article allows ¥\(range.lowerBound.grouped) to ¥\(range.upperBound.grouped)"))
            }
            if let by = cite(c.penalty) { h.p("small text-muted mb-0", by) }
            if c.hearing { h.badge(Text("属于听证范围", "A hearing may be asked for"), "violet") }
            if c.needsLegalReview { h.badge(c.legalReviewed ? Text("已法制审核", "Legally reviewed") : Text("应当法制审核", "Needs legal review"), c.legalReviewed ? "green" : "amber") }
            if let number = c.decisionNumber {
                h.p(
                    "mb-0 mt-2",
                    Text(
                        "\(number)，\(c.decidedOn?.description ?? "")决定\(c.servedOn.map { "，\($0)送达" } ?? "")",
                        "\(number), decided \(c.decidedOn?.description ?? "")\(c.servedOn.map { ", served \($0)" } ?? "")"))
            }
        }
    }

    func evidence(_ h: HTML, _ e: HTML.Errors, _ sent: Form?) {
        h.card(Text("证据目录", "Evidence"), id: "evidence") {
            if s.evidence.isEmpty { h.p("text-muted", Text("尚未登记证据", "No evidence entered yet")) }
            if !s.evidence.isEmpty {
                h.div("table-wrap") {
                    h.element("table", "table queue") {
                        h.element("thead") {
                            h.tr {
                                for t in [Text("序号", "No."), Text("种类", "Kind"), Text("名称", "What"), Text("来源、日期", "Source, day"), Text("证明内容", "Proves"), Text("", "")] { h.th(t) }
                            }
                        }
                        h.element("tbody") {
                            for (i, item) in s.evidence.enumerated() {
                                h.tr(item.excluded == nil ? nil : "excluded") {
                                    h.td("number", String(i + 1))
                                    h.td { h.text(CaseEvidence.kinds.first { $0.0 == item.kind }?.1 ?? Text(verbatim: item.kind)) }
                                    h.td {
                                        if let key = item.attachment { h.a("/attachments/\(key)", nil, item.title) } else { h.text(item.title) }
                                        if let number = item.item { h.a("/evidence?of=\(c.matter.number)", "small ms-1", number) }
                                        h.span("d-block small text-muted", item.original ? Text("原件、原物", "original") : Text("复制件，经核对", "copy, verified"))
                                    }
                                    h.td(nil, "\(item.source) \(item.takenOn)")
                                    h.td(nil, item.proves)
                                    h.td {
                                        if let why = item.excluded {
                                            h.badge(Text("已排除：\(why)", "Excluded: \(why)"), "grey")
                                        } else if c.decided == nil, visit.may("enforcement.investigate") {
                                            exclusion(h, item)
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            guard visit.may("enforcement.investigate"), c.matter.open, c.decided == nil, !c.simple else { return }
            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("登记证据", "Enter evidence")))
                visit.form(h, "/cases/\(c.matter.id)/evidence", "mt-2") {
                    h.part("evidence", keeping: e.isEmpty ? nil : sent) {
                        h.select("kind", Text("证据种类（第二十三条）", "Kind (art. 23)"), options: CaseEvidence.kinds, value: "electronic", errors: e)
                        h.field("title", Text("名称", "What it is"), value: nil, errors: e)
                        h.field("source", Text("来源（提供人、出处）", "From whom or where"), value: nil, errors: e)
                        h.field("taken", Text("取得日期", "Taken on"), value: visit.desk.today().description, type: "date", errors: e)
                        h.field("proves", Text("证明内容", "What it proves"), value: nil, errors: e)
                        h.checkbox("original", Text("原件、原物、原始载体", "Original"), checked: false)
                        h.field("item", Text("电子证据编号", "Number of captured evidence"), value: nil, errors: e, required: false)
                        if !s.file.attachments.isEmpty {
                            h.select(
                                "attachment", Text("附件", "File"), options: s.file.attachments.map { (String($0.id.raw), Text(verbatim: $0.name)) }, value: nil, errors: e,
                                required: false, empty: Text("无", "None"))
                        }
                    }
                    h.button(Text("登记", "Enter"), "btn btn-sm btn-primary")
                }
            }
            h.p("mt-2 mb-0") { h.a("/cases/\(c.matter.id)/documents/new", nil, Text("制作笔录、通知书等文书", "Make records, notices and other papers")) }
        }
    }

    private func exclusion(_ h: HTML, _ item: CaseEvidence) {
        visit.form(h, "/cases/\(c.matter.id)/evidence/\(item.id)/exclude", "d-flex gap-1") {
            h.void(
                "input", "form-control form-control-sm",
                [.name("reason"), .required, .init("maxlength", "500"), .label(h.say(Text("排除理由", "Why excluded"))), .init("placeholder", h.say(Text("排除理由", "Why excluded")))])
            h.button(Text("排除", "Exclude"), "btn btn-sm btn-outline-secondary")
        }
    }

    func measures(_ h: HTML, _ e: HTML.Errors, _ sent: Form?) {
        let mayTake = visit.may("enforcement.investigate") && c.decided == nil && c.matter.open && !c.simple
        guard mayTake || !s.measures.isEmpty else { return }
        h.card(Text("登记保存和强制措施", "Measures"), id: "measures") {
            h.ul("plain") {
                for m in s.measures {
                    let state = MeasureMoves.table.state(m.matter.state)
                    h.li {
                        h.a("/measures/\(m.matter.id)", nil, "\(m.matter.number) \(h.say(m.kind.title))")
                        h.text(" ")
                        h.badge(state.title, state.tone)
                        if m.matter.open { visit.urgency(h, m.matter.nextDue) }
                        h.span("d-block small text-muted", m.goods.prefix(3).map { "\($0.name) \($0.quantity)" }.joined(separator: "、"))
                    }
                }
            }
            guard mayTake else { return }
            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("提出措施", "Propose a measure")))
                visit.form(h, "/cases/\(c.matter.id)/measures", "mt-2") {
                    h.part("measure", keeping: e.isEmpty ? nil : sent) {
                        h.radios("kind", Text("措施", "Measure"), options: Measure.Kind.allCases.map { ($0.rawValue, $0.title, nil) }, value: "registration", errors: e, inline: true)
                        h.area(
                            "goods", Text("清单", "List"), value: nil, rows: 4, hint: Text("每行一项：名称|规格|数量|备注", "A line each: name|model|quantity|remark"), errors: e,
                            maxLength: 20_000)
                        h.field("place", Text("存放地点", "Where kept"), value: nil, errors: e)
                        if c.filedOn == nil {
                            h.select(
                                "second", Text("另一名执法人员", "The second officer"),
                                options: s.candidates.filter { $0.certificate != nil && $0.account.id != visit.account?.id }.map {
                                    (String($0.account.id.raw), Text(verbatim: $0.account.name))
                                },
                                value: nil, errors: e, empty: Text("请选择", "Choose"))
                        }
                        h.field("basis", Text("查封、扣押的法律依据", "Law on which it rests"), value: nil, hint: Text("先行登记保存可不填", "Not for preservation"), errors: e, required: false)
                        h.checkbox("urgent", Text("情况紧急，已当场采取（24小时内补办批准）", "Urgent, taken on the spot (approval within 24 hours)"), checked: false)
                        h.field("taken", Text("当场采取的时间", "When taken"), value: nil, type: "datetime-local", errors: e, required: false)
                    }
                    h.button(Text("提出", "Propose"), "btn btn-sm btn-primary")
                }
            }
        }
    }

    func leniency(_ h: HTML, _ e: HTML.Errors, _ sent: Form?) {
        guard !c.simple else { return }
        let all = Leniency.shipped
        let today = visit.desk.today()
        h.card(Text("从宽审查", "Leniency"), id: "leniency") {
            if !s.earlier.isEmpty {
                h.p("mb-1 text-warning-emphasis") {
                    h.text(Text("此前同一性质的违法行为：", "The same before: "))
                    for m in s.earlier { h.a("/cases/\(m.id)", "me-2", m.number) }
                }
            }
            for record in s.leniency.reversed() {
                h.div("note") {
                    h.p("mb-1") {
                        h.badge(record.met ? Text("成立", "met") : Text("不成立", "not met"), record.met ? "green" : "grey")
                        h.span("ms-2", record.rule?.title ?? Text("", ""))
                        if record.tolerated { h.badge(Text("包容期内清单事项，指导在先", "In the tolerance period: guidance first"), "teal") }
                    }
                    if let rule = record.rule { h.p("small text-muted mb-1", visit.desk.law.register.cite(rule.article)) }
                    h.p("pre mb-1", record.reasoning)
                    h.p("small text-muted mb-0", record.at.minuteText)
                }
            }
            if s.leniency.isEmpty { h.p("text-muted", Text("每案均应核对是否具有不予处罚或者从轻、减轻的情形。", "Every case is looked at for grounds not to punish, or to punish less.")) }
            guard visit.may("enforcement.investigate"), c.matter.open else { return }
            h.element("details", nil, [.init("open", if: !e.isEmpty)]) {
                h.element("summary", text: h.say(Text("审查一种情形", "Examine a ground")))
                for rule in all.rules(for: c.violation, on: today) {
                    let isThis = sent?["rule"] == rule.id && !e.isEmpty
                    h.element("details", "ms-3 mt-1", [.init("open", if: isThis)]) {
                        h.element("summary", text: h.say(rule.title))
                        visit.form(h, "/cases/\(c.matter.id)/leniency", "mt-2") {
                            h.hidden("rule", rule.id)
                            h.part("l-\(rule.id)", keeping: isThis ? sent : nil) {
                                h.p("small", "\(h.say(rule.effect.title)) · \(h.say(visit.desk.law.register.cite(rule.article)))")
                                let errors = isThis ? e : HTML.Errors()
                                for condition in rule.conditions {
                                    h.radios(
                                        "c-\(condition.id)", condition.text, options: [("yes", Text("是", "Yes"), nil), ("no", Text("否", "No"), nil)], value: nil, errors: errors,
                                        inline: true)
                                }
                                let items = all.lists(on: today, acted: c.actTo).filter { $0.rule == rule.id }.flatMap(\.items).filter {
                                    $0.violations.map { c.violation.map($0.contains) ?? false } ?? true
                                }
                                if !items.isEmpty {
                                    h.select(
                                        "item", Text("清单事项", "Item of a list"), options: items.map { ($0.id, $0.text) }, value: nil, errors: errors, required: false,
                                        empty: Text("不在清单", "None"))
                                }
                                h.p("form-label mb-1", Text("不适用从宽的情形", "What excludes it"))
                                for x in all.exclusions { h.checkbox("excluded", x.text, value: x.id, checked: false) }
                                h.area("reasoning", Text("理由（写入案卷）", "Reasoning (kept in the file)"), value: nil, rows: 3, errors: errors, maxLength: 4000)
                            }
                            h.button(Text("记录审查", "Keep"), "btn btn-sm btn-primary")
                        }
                    }
                }
            }
            h.p("mt-2 mb-0") { h.a("/guidance/new?of=\(c.matter.number)", nil, Text("发出行政指导或者责令改正", "Send guidance or an order to rectify")) }
        }
    }

    func money(_ h: HTML) {
        let p = s.performance
        guard p.fine.fen + p.confiscated.fen > 0 else { return }
        h.card(Text("缴款", "Payment"), id: "money") {
            h.definitions {
                h.definition(Text("应缴罚款", "Fine"), "¥\(p.fine.grouped)")
                if p.confiscated.fen > 0 { h.definition(Text("没收违法所得", "Illegal income"), "¥\(p.confiscated.grouped)") }
                h.definition(Text("缴款期限", "To be paid by"), c.payBy?.description)
                h.definition(Text("未缴", "Unpaid"), "¥\(p.unpaid.grouped)")
                if p.surcharge.fen > 0 {
                    h.definition(Text("加处罚款（至今日）", "Surcharge (to this day)"), "¥\(p.surcharge.grouped)，\(h.say(Text("未缴", "unpaid"))) ¥\(p.unpaidSurcharge.grouped)")
                }
            }
            if !p.instalments.isEmpty {
                h.h3(Text("分期", "Instalments"), "h6")
                h.ul { for part in p.instalments { h.li { h.text("\(part.due) ¥\(part.amount.grouped)") } } }
            }
            if !p.payments.isEmpty || !p.reversed.isEmpty {
                h.h3(Text("缴款记录", "Payments"), "h6")
                h.ul("plain") {
                    for payment in p.payments {
                        h.li {
                            h.text(
                                "\(payment.on) \(h.say(payment.kind.title)) ¥\(payment.amount.grouped) · \(h.say(Payment.ways.first { $0.0 == payment.way }?.1 ?? Text("", ""))) · \(payment.reference)"
                            )
                        }
                    }
                    for payment in p.reversed {
                        h.li("text-muted") {
                            h.element("s", text: "\(payment.on) ¥\(payment.amount.grouped) · \(payment.reference)")
                            h.text(" \(payment.reversed ?? "")")
                        }
                    }
                }
            }
        }
    }

    func publication(_ h: HTML) {
        guard let p = s.publication else { return }
        h.card(Text("公示", "Publication"), id: "publication") {
            h.definitions {
                h.definition(Text("分类", "Tier"), h.say(p.tier.title))
                if let on = p.pushedOn { h.definition(Text("推送", "Pushed"), "\(on) \(p.pushedTo ?? "")") }
                h.definition(
                    Text("公示", "Shown"),
                    p.publishedOn.map { "\($0) — \(p.until?.description ?? "")" } ?? h.say(p.pushedOn == nil ? Text("待审核", "awaits approval") : Text("待对方公示", "awaits the host")))
                if let shielded = p.shieldedOn { h.definition(Text("暂时屏蔽", "Shielded"), h.say(PublishedPenalty.shield(since: shielded))) }
                if let early = p.earlyFrom { h.definition(Text("可以申请信用修复", "Repair from"), early.adding(days: 1).description) }
                if let ended = p.endedOn { h.definition(Text("停止公示", "Ended"), "\(ended) \(p.reason ?? "")") }
            }
            if p.publishedOn != nil, p.endedOn == nil, p.pushedOn == nil { h.p("mb-0") { h.a("/penalties/\(c.matter.number)", nil, Text("公示页面", "Public page")) } }
            if p.publishedOn == nil, p.pushedOn == nil {
                h.element("details") {
                    h.element("summary", text: h.say(Text("拟公示内容", "Prepared text"))); h.element("p", "pre small", text: p.body)
                }
            }
        }
    }

    func people(_ h: HTML) {
        h.card(Text("参与人员", "Who takes part")) {
            if s.people.isEmpty { h.p("text-muted mb-0", Text("立案时指定办案人员", "Officers are named when the case is filed")) }
            h.ul("plain") {
                for person in s.people {
                    h.li(person.until == nil ? nil : "text-muted") {
                        h.text("\(s.names[person.account] ?? "") · \(h.say(person.role.title))")
                        if let number = person.certificate { h.span("small text-muted ms-1", number) }
                        if person.until != nil { h.badge(Text("已退出", "left"), "grey") }
                    }
                }
            }
            for r in s.recusals {
                h.p("small mb-1") {
                    h.badge(r.granted.map { $0 ? Text("已回避", "recused") : Text("驳回", "refused") } ?? Text("回避申请待决定", "Recusal to be decided"), r.granted == nil ? "amber" : "grey")
                    h.text(" \(s.names[r.account] ?? "")：\(r.reason)")
                }
            }
            h.p("mb-0 mt-2") { h.a("/cases/\(c.matter.id)/archive", nil, Text("卷宗目录", "The file, in two volumes")) }
        }
    }

    func precedents(_ h: HTML) {
        guard let p = s.precedents else { return }
        h.card(Text("同类案件", "Similar cases")) {
            guard p.count > 0 else { return h.p("text-muted mb-0", Text("近三年没有同类处罚案件（不予处罚\(p.unpunished)件）", "None decided in three years (\(p.unpunished) unpunished)")) }
            h.p(
                "mb-1",
                Text(
                    "近三年\(p.count)件处罚，罚款中位数¥\(p.median!.grouped)，四分位¥\(p.lower!.grouped)至¥\(p.upper!.grouped)；不予处罚\(p.unpunished)件。",
                    "\(p.count) in three years: median ¥\(p.median!.grouped), quartiles ¥\(p.lower!.grouped) to ¥\(p.upper!.grouped); \(p.unpunished) unpunished."))
            h.ul("plain mb-0") {
                for other in p.latest {
                    h.li {
                        if visit.maySee(other.matter) { h.a("/cases/\(other.matter.id)", nil, other.matter.number) } else { h.text(other.matter.number) }
                        h.text(" ¥\(other.fine.grouped) \(h.say(Discretion.Tier(rawValue: other.tier)?.title ?? Text("", "")))")
                    }
                }
            }
        }
    }
}
