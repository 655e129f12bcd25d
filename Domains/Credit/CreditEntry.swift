import Enforcement
import Kernel
import Platform
import Statute
import Store
import Web

/// What an entry's page shows and asks, by its kind (名录、名单、修复各事项).
enum CreditEntry: Sendable {
    case abnormal(Abnormal)
    case serious(Serious, Case?)
    case repair(Repair, Repairable?, Applicant, [Repairable])
    case joint(agency: String, measures: [String], body: String, receivedOn: Day?, receiver: String?, taken: String?)

    static func load(_ matter: Matter, on day: Day, _ tx: Transaction) throws -> CreditEntry {
        switch matter.kind {
        case AbnormalMoves.kind: return .abnormal(try tx.abnormal(matter))
        case SeriousMoves.kind:
            let s = try tx.serious(matter)
            return .serious(s, try s.ofCase.map { try tx.penaltyCase($0) })
        case RepairMoves.kind:
            let r = try tx.repair(matter)
            let applicant = try Applicant.of(r, tx)
            let items = try Repairable.of(applicant, on: day, tx)
            return .repair(r, items.first { $0.matter.id == r.ofMatter }, applicant, items)
        default:
            guard let row = try tx.one("SELECT * FROM credit_notices WHERE matter = \(matter.id)") else { throw Refusal.notFound }
            return .joint(
                agency: row.string("agency"), measures: row.string("measures").split(separator: ",").map(String.init), body: row.string("body"),
                receivedOn: row.optionalDay("received_on"),
                receiver: row.optionalString("receiver"), taken: row.optionalString("taken"))
        }
    }

    /// Moves that this very entry does not have.
    func allows(_ move: String) -> Bool {
        switch self {
        case .serious(let s, let c):
            switch move {
            case "push": return c?.isElsewhere == true && s.pushedTo == nil
            case "publish": return c?.isElsewhere != true || s.pushedTo != nil
            case "end-pushed": return s.pushedFrom != nil
            case "annul": return s.pushedFrom == nil
            default: return true
            }
        case .repair(let r, _, _, _):
            let temporary: Set<String> = ["shield", "deny-shield", "plan-done", "plan-failed"]
            return (r.target == .reorganisation) == temporary.contains(move)
        case .joint: return true
        case .abnormal(let a): return Self.allows(move, a)
        }
    }
    private static func allows(_ move: String, _ a: Abnormal) -> Bool {
        switch move {
        case "order": return a.ground == .order
        case "letter", "visit": return a.ground == .unreachable
        case "verify": return a.ground != .report && (a.ground != .unreachable || a.isShownUnreachable)
        default: return true
        }
    }
    var isListed: Bool {
        switch self {
        case .abnormal(let a): a.matter.state == AbnormalMoves.listed
        case .serious(let s, _): [SeriousMoves.listed, SeriousMoves.published].contains(s.matter.state)
        default: false
        }
    }

    func content(_ h: HTML, _ visit: Visit) {
        switch self {
        case .abnormal(let a):
            h.card(Text("情形", "Ground")) {
                h.definitions {
                    h.definition(Text("情形", "Ground"), h.say(a.ground.title))
                    if !a.years.isEmpty { h.definition(Text("年度", "Years"), a.years.map(String.init).joined(separator: "、")) }
                    h.definition(Text("发现情况", "Found"), a.found)
                    if let due = a.orderDue { h.definition(Text("责令公示至", "Ordered until"), due.description) }
                    if let first = a.firstLetter { h.definition(Text("第一封专用信函", "First letter"), "\(first)\(a.firstBack.map { "，\($0)无人签收退回" } ?? "")") }
                    if let second = a.secondLetter { h.definition(Text("第二封专用信函", "Second letter"), "\(second)\(a.secondBack.map { "，\($0)无人签收退回" } ?? "")") }
                    if let first = a.firstLetter, a.secondLetter == nil {
                        h.definition(Text("第二封可以寄出的时间", "The second may be sent"), "\(first.adding(days: 15)) — \(first.adding(days: 30))")
                    }
                    if let visited = a.visitedOn { h.definition(Text("实地核查", "Visit"), "\(visited) \(a.proof ?? "")") }
                    if let listed = a.listedOn { h.definition(Text("列入日期", "Listed"), "\(listed)\(a.shownUntil.map { "，公示至\($0)" } ?? "")") }
                    if a.markedOn != nil { h.definition(Text("另册管理", "Separate register"), h.say(Text("列入满两年，特别标注", "Two years on the list: specially marked"))) }
                    if let objection = a.objection { h.definition(Text("异议", "Objection"), objection) }
                    if let removed = a.removedOn { h.definition(Text("移出日期", "Taken off"), "\(removed) \(a.removal ?? "")") }
                }
                if let op = a.matter.operator { h.p("mb-0 mt-2") { h.a("/operators/\(op)", nil, Text("经营主体", "The operator")) } }
            }
        case .serious(let s, let c):
            h.card(Text("列入事由", "Why")) {
                h.definitions {
                    h.definition(Text("情形", "Ground"), h.say(Serious.grounds.first { $0.0 == s.ground }?.1 ?? Text("", "")))
                    if let c {
                        h.definition(Text("依据的处罚", "The penalty")) {
                            h.a("/cases/\(c.matter.id)", nil, "\(c.decisionNumber ?? c.matter.number) \(c.decided?.items(visit.language).joined(separator: "；") ?? "")")
                        }
                    }
                    h.definition(Text("考量因素", "Factors"), s.factors.compactMap { id in Serious.factors.first { $0.0 == id }?.1[visit.language] }.joined(separator: "、"))
                    h.definition(Text("理由", "Reasons"), s.reasons)
                    if let said = s.said { h.definition(Text("当事人意见", "The party said"), said) }
                    if let consent = s.consent { h.definition(Text("上一级意见", "The higher office"), "\(s.consentedOn?.description ?? "") \(consent)") }
                    if let listed = s.listedOn { h.definition(Text("列入", "Listed"), "\(listed) — \(s.until?.description ?? "")") }
                    if let from = s.pushedFrom { h.definition(Text("推送机关", "Pushed by"), from) }
                    if let to = s.pushedTo { h.definition(Text("推送至", "Pushed to"), to) }
                    if let removed = s.removedOn { h.definition(Text("移出", "Taken off"), "\(removed) \(s.removal ?? "")") }
                }
            }
        case .repair(let r, let item, let applicant, _):
            h.card(Text("修复条件", "Conditions")) {
                h.p("mb-1") {
                    if let op = applicant.operator {
                        h.a("/operators/\(op.id)", nil, op.name)
                    } else {
                        h.text("\(applicant.name)（\(applicant.code)，\(h.say(Text("登记在外地", "registered elsewhere")))）")
                    }
                }
                if let item {
                    RepairWizard.conditions(h, item)
                } else if let ruling = r.ruling {
                    h.definitions { h.definition(Text("法院裁定", "Court's ruling"), ruling) }
                } else {
                    h.p("text-muted mb-0", Text("该信息已停止公示或者已移出", "It is no longer shown or listed"))
                }
            }
            h.card(Text("申请", "Application")) {
                h.definitions {
                    h.definition(Text("联系人", "Contact"), r.contact.description)
                    h.definition(Text("电话", "Phone"), r.phone.description)
                    if visit.may("credit.manage"), visit.may("personal.reveal") {
                        h.definition(Text("查看", "Look")) {
                            visit.form(h, "/credit/\(r.matter.id)/contact", "d-inline") {
                                h.hidden("purpose", "verify")
                                h.button(Text("查看联系方式（记入日志）", "Show the contact (logged)"), "btn btn-sm btn-outline-secondary")
                            }
                        }
                    }
                    h.definition(Text("整改情况", "What was put right")) { h.element("p", "pre mb-0", text: r.statement) }
                    if let found = r.verification { h.definition(Text("核实", "Verified"), "\(r.verifiedOn?.description ?? "") \(found)") }
                    if let reason = r.reason { h.definition(Text("理由", "Reason"), reason) }
                }
            }
        case .joint(let agency, let measures, let body, let receivedOn, let receiver, let taken):
            h.card(Text("通知", "Notice")) {
                h.definitions {
                    h.definition(Text("接收单位", "Agency"), agency)
                    h.definition(Text("措施", "Measures"), measures.compactMap { id in JointNotice.measures.first { $0.0 == id }?.1[visit.language] }.joined(separator: "；"))
                    h.definition(Text("内容", "Content"), body)
                    h.definition(Text("签收", "Received"), receivedOn.map { "\($0) \(receiver ?? "")" })
                    h.definition(Text("反馈", "Reported"), taken)
                }
            }
        }
    }

    func fields(_ h: HTML, _ move: String, _ e: HTML.Errors, today: Day) {
        func area(_ name: String, _ label: Text, required: Bool = true) { h.area(name, label, value: nil, rows: 3, errors: e, required: required, maxLength: 4000) }
        func day(_ label: Text) { h.field("on", label, value: today.description, type: "date", errors: e) }
        switch (self, move) {
        case (_, "order"): day(Text("责令公示文书送达日期", "Order served on"))
        case (_, "letter"):
            h.select(
                "what", Text("登记", "What"),
                options: [
                    ("first", Text("寄出第一封", "First sent")), ("first-back", Text("第一封无人签收退回", "First came back")), ("second", Text("寄出第二封", "Second sent")),
                    ("second-back", Text("第二封无人签收退回", "Second came back")), ("signed", Text("有人签收", "Signed for")),
                ], value: nil, errors: e, empty: Text("请选择", "Choose"))
            day(Text("日期", "On"))
        case (_, "visit"):
            day(Text("核查日期", "Visited on"))
            area("proof", Text("证明材料（产权人、物业出具的证明，或者地址不存在）", "Proof: by the owner or manager, or that the address does not exist"))
        case (_, "tell"): day(Text("告知书送达日期", "Told on"))
        case (_, "say"): area("said", Text("当事人意见", "What the party says"))
        case (_, "object"):
            day(Text("收到异议日期", "Objection arrived on"))
            area("objection", Text("异议内容和材料", "Objection and papers"))
        case (_, "verify"):
            if case .repair = self {
                area("found", Text("核实方式和情况（网上、书面、实地）", "How it was verified, and what was found"))
            } else {
                if case .abnormal(let a) = self, a.ground == .name { day(Text("变更登记期限届满之日", "The time to change the name ended on")) }
                area("note", Text("说明", "Remark"), required: false)
            }
        case (_, "refuse"):
            area("reason", Text("不予修复的理由", "Why"))
            h.checkbox("fraud", Text("故意隐瞒真实情况、弄虚作假（三年内不得申请）", "Fraud: no application for three years"), checked: false)
        case (_, "consent"):
            area("reason", Text("意见", "Remark"))
            h.field("letter", Text("上一级机关同意文号（市级案件）", "The higher office's letter, for the city's own cases"), value: nil, errors: e, required: false)
        case (_, "push"): h.field("to", Text("推送至（登记地市场监督管理部门）", "Pushed to (office where it is registered)"), value: nil, errors: e)
        case (_, "shield"): area("note", Text("意见", "Remark"), required: false)
        case (_, "plan-done"):
            h.field("ruling", Text("确认执行完毕的裁定书文号", "Ruling that it was carried out"), value: nil, errors: e)
            h.p("small text-muted mb-1", Text("已经纠正、履行或者整改的，勾选后停止公示；其余恢复公示", "What was corrected, performed, put right is ticked and ends; the rest is shown again"))
            if case .repair(_, _, _, let items) = self { for item in items { h.checkbox("item", Text(verbatim: item.title), value: "\(item.matter.id)", checked: false) } }
        case (.repair(_, _, let applicant, _), "execute") where applicant.operator == nil:
            h.field("told", Text("通知登记地停止公示的文号、日期", "How the office where it is registered was told: number, day"), value: nil, errors: e)
        case (_, "complete"): area("statement", Text("补正内容", "What is added"))
        case (_, "list"), (_, "accept"), (_, "grant"), (_, "publish"), (_, "execute"), (_, "accept-objection"):
            area(move == "list" ? "reason" : "note", Text("意见", "Remark"), required: false)
        default: area("reason", Text("理由", "Reason"))
        }
    }
}
