import Kernel
import Platform

/// The table of allowed moves of a complaint (投诉流转表), with the article of each under both orders.
package enum ComplaintMoves {
    package static let kind = "complaint"

    package static let prior = "prior"
    package static let firstSettled = "first-settled"
    package static let received = "received"
    package static let supplement = "supplement"
    package static let accepted = "accepted"
    package static let mediating = "mediating"
    package static let testing = "testing"
    package static let people = "people"
    package static let recusal = "recusal"
    package static let agreed = "agreed"
    package static let ended = "ended"
    package static let refused = "refused"
    package static let redirected = "redirected"
    package static let withdrawn = "withdrawn"
    package static let closed = "closed"

    private static let beforeDecision: Set<String> = [received, supplement]
    private static let inHand: Set<String> = [accepted, mediating, testing, recusal, people]

    private static func by(_ o121: String, _ o20: String) -> [String: String] { ["O121": o121, "O20": o20] }

    package static let table = MoveTable(
        kind: kind, title: Text("投诉", "Complaint"),
        states: [
            State(prior, Text("先行和解中", "Settling first"), outside: Text("正在先行和解", "Being settled before it is a complaint"), open: true, tone: "violet"),
            State(firstSettled, Text("先行和解成功", "Settled first"), outside: Text("已达成先行和解", "Settled"), open: true, tone: "green"),
            State(received, Text("待受理", "To be decided"), outside: Text("已收到，等待受理决定", "Received: the decision to take it up is due"), open: true, tone: "blue"),
            State(supplement, Text("待补充材料", "Awaiting material"), outside: Text("请您补充材料", "We need something more from you"), open: true, tone: "amber"),
            State(accepted, Text("已受理", "Taken up"), outside: Text("已受理，准备调解", "Taken up: mediation is being prepared"), open: true, tone: "teal"),
            State(mediating, Text("调解中", "In mediation"), outside: Text("正在调解", "In mediation"), open: true, tone: "teal"),
            State(testing, Text("鉴定检测中", "In testing"), outside: Text("正在鉴定检测，时间不计入调解期限", "Goods are being tested: that time is not counted"), open: true, tone: "violet"),
            State(recusal, Text("中止（回避审查）", "Paused (recusal)"), outside: Text("正在审查回避申请", "An application for recusal is being decided"), open: true, tone: "violet"),
            State(people, Text("人民调解中", "In people's mediation"), outside: Text("正在由人民调解委员会调解", "In people's mediation"), open: true, tone: "teal"),
            State(agreed, Text("达成协议", "Agreed"), outside: Text("双方已达成协议", "You and the business have agreed"), open: true, tone: "green"),
            State(ended, Text("终止调解（待告知）", "Ended (to be told)"), outside: Text("调解已终止", "Mediation has ended"), open: true, tone: "grey"),
            State(refused, Text("不予受理", "Not taken up"), outside: Text("不予受理", "Not taken up"), open: false, tone: "grey"),
            State(redirected, Text("已指引其他途径", "Redirected"), outside: Text("请通过其他途径提出", "This belongs elsewhere"), open: false, tone: "grey"),
            State(withdrawn, Text("已撤回", "Withdrawn"), outside: Text("您已撤回投诉", "You have withdrawn it"), open: false, tone: "grey"),
            State(closed, Text("已办结", "Closed"), outside: Text("已办结", "Closed"), open: false, tone: "green"),
        ],
        moves: [
            Move("accept", Text("受理", "Take up"), from: beforeDecision, to: accepted, by: [.staff("disputes.decide")], articles: by("15(1)", "14"), starts: ["C3"], stops: ["C1"]),
            Move("refuse", Text("不予受理", "Refuse"), from: beforeDecision, to: refused, by: [.staff("disputes.decide")], articles: by("16", "15"), stops: ["C1"]),
            Move("request", Text("要求补充身份或材料", "Ask for identity or material"), from: [received], to: supplement, by: [.staff("disputes.decide")], articles: by("10(3)", "9")),
            Move("supply", Text("补充材料", "Supply material"), from: [supplement], to: received, by: [.filer, .staff("disputes.decide")], articles: by("10", "9")),
            Move("dispatch", Text("分送", "Dispatch"), from: beforeDecision, to: received, by: [.staff("disputes.dispatch")], articles: by("41(1)", "37(1)"), starts: ["C1"]),
            Move(
                "amend", Text("更正登记信息", "Amend particulars"), from: beforeDecision.union(inHand).union([agreed, ended]), to: nil,
                by: [.staff("disputes.register"), .staff("disputes.decide"), .staff("disputes.mediate")], articles: by("10(1)", "9")),
            // Law: O121 art. 41: an office below acts for the county-level authority, which has received it already.
            Move(
                "entrust", Text("交派出机构办理", "Hand to a township office"), from: beforeDecision.union(inHand), to: nil, by: [.staff("disputes.dispatch")],
                articles: by("41(1)", "37(1)")),
            // Law: O121 art. 9: what is also a report is handled apart.
            Move(
                "split", Text("拆出举报另行处理", "Handle the report in it apart"), from: beforeDecision.union(inHand).union([agreed, ended]), to: nil,
                by: [.staff("disputes.register"), .staff("disputes.decide"), .staff("disputes.mediate")], articles: by("9", "7")),
            Move(
                "hand-back", Text("交回区县局", "Hand back to the district"), from: beforeDecision.union(inHand), to: nil,
                by: [.staff("disputes.decide"), .staff("disputes.mediate")], articles: by("41(1)", "37(1)")),
            Move("return", Text("退回接收机构", "Return to intake"), from: beforeDecision, to: received, by: [.staff("disputes.decide")], articles: by("41(2)", "37(2)")),
            Move("redirect", Text("指引其他途径", "Redirect"), from: beforeDecision, to: redirected, by: [.staff("disputes.decide")], articles: by("44", "39(2)"), stops: ["C1"]),
            Move(
                "withdraw", Text("撤回投诉", "Withdraw"), from: beforeDecision, to: withdrawn, by: [.filer, .staff("disputes.decide")], articles: by("23(1)(1)", "21(1)(1)"),
                stops: ["C1"]),
            Move("arrange", Text("安排调解", "Arrange mediation"), from: [accepted, mediating], to: mediating, by: [.staff("disputes.mediate")], articles: by("20", "18")),
            Move("position", Text("记录双方意见", "Note a position"), from: [mediating], to: nil, by: [.staff("disputes.mediate")], articles: by("21", "19")),
            Move(
                "draft", Text("拟定协议，请双方在线签署", "Draft the agreement for both to sign"), from: [accepted, mediating], to: nil, by: [.staff("disputes.mediate")],
                articles: by("24", "22")),
            Move(
                "agree", Text("达成调解协议", "Record the agreement"), from: [accepted, mediating], to: agreed, by: [.staff("disputes.mediate")], articles: by("24", "22"), stops: ["C3"]),
            // Law: O121 art. 21(2): mediation stands still until recusal is decided.
            Move(
                "end", Text("终止调解", "End mediation"), from: inHand.subtracting([recusal]), to: ended, by: [.staff("disputes.mediate")], articles: by("23(1)", "21(1)"),
                starts: ["C4"], stops: ["C3"]),
            Move(
                "give-up", Text("撤回投诉（受理后）", "Withdraw after taking up"), from: inHand, to: ended, by: [.filer], articles: by("23(1)(1)", "21(1)(1)"), starts: ["C4"], stops: ["C3"]
            ),
            Move(
                "test", Text("开始鉴定检测", "Begin testing"), from: [accepted, mediating], to: testing, by: [.staff("disputes.mediate")], articles: by("22", "20"), pause: .begins("C3")),
            Move(
                "tested", Text("鉴定检测结束", "Testing finished"), from: [testing], to: mediating, by: [.staff("disputes.mediate")], articles: by("22(3)", "20(3)"), pause: .ends("C3")),
            Move(
                "recuse", Text("收到回避申请", "Recusal asked for"), from: [mediating], to: recusal, by: [.staff("disputes.mediate"), .filer, .respondent], articles: by("21(2)", "19(2)")
            ),
            Move("recusal-decided", Text("作出回避决定", "Decide on recusal"), from: [recusal], to: mediating, by: [.staff("disputes.decide")], articles: by("21(2)", "19(2)")),
            Move("tell", Text("告知双方并办结", "Tell both and close"), from: [ended], to: closed, by: [.staff("disputes.mediate")], articles: by("23(2)", "21(2)"), stops: ["C4"]),
            // Law: PML art. 28, 31–33; with both consents as O121 art. 19 asks.
            Move(
                "hand-to-people", Text("移交人民调解", "Hand to people's mediation"), from: [accepted, mediating], to: people, by: [.staff("disputes.mediate")], articles: by("19", "17")),
            Move(
                "people-agreed", Text("人民调解达成协议", "Agreed in people's mediation"), from: [people], to: agreed, by: [.staff("disputes.mediate")], articles: by("19", "17"),
                stops: ["C3"]),
            Move("people-failed", Text("人民调解未成，继续调解", "Not agreed there: go on"), from: [people], to: mediating, by: [.staff("disputes.mediate")], articles: by("19", "17")),
            Move(
                "court-applied", Text("登记司法确认申请", "Record the application to the court"), from: [agreed, closed], to: nil, by: [.staff("disputes.mediate")],
                articles: by("19", "17")),
            Move("court-decided", Text("登记司法确认结果", "Record the court's ruling"), from: [agreed, closed], to: nil, by: [.staff("disputes.mediate")], articles: by("19", "17")),
            // What both agree between themselves, by number and code. Law: O121 art. 18 encourages it.
            Move("settle", Text("双方在线和解", "Settled between both"), from: [accepted, mediating], to: agreed, by: [.filer, .respondent], articles: by("18", "16"), stops: ["C3"]),
            Move(
                "confirm-kept", Text("消费者确认已履行", "The consumer confirms"), from: [agreed, firstSettled, accepted, mediating, closed], to: closed, by: [.filer],
                articles: by("24", "22"),
                stops: ["C3"]),
            // Law: O121 art. 6; CLR art. 44: settling first is encouraged. What fails is received by the authority on that day.
            Move(
                "settle-first", Text("先行和解成功", "Settled first"), from: [prior], to: firstSettled, by: [.filer, .respondent, .staff("disputes.mediate")], articles: by("6", "6"),
                stops: ["ODR"]),
            Move(
                "convert", Text("转为投诉", "Make it a complaint"), from: [prior, firstSettled], to: received, by: [.filer, .staff("disputes.mediate"), .system],
                articles: by("10", "9"), starts: ["C1"],
                stops: ["ODR"]),
            Move("reopen", Text("未履行，继续调解", "Not kept: mediation goes on"), from: [agreed, closed], to: mediating, by: [.filer], articles: by("23(1)", "21(1)"), starts: ["C3"]),
            // What a call-back found wanting, with both consents; no period of the law runs a second time.
            Move(
                "again", Text("回访不满意，再次调解", "Not satisfied: mediate again"), from: [closed], to: mediating, by: [.staff("disputes.decide")], articles: by("18", "16"),
                starts: ["C3"]),
            Move("close", Text("办结", "Close"), from: [agreed, firstSettled], to: closed, by: [.staff("disputes.mediate")], articles: by("24", "22")),
            Move(
                "lead", Text("发现违法线索", "Note a lead"), from: inHand.union([agreed, ended]), to: nil, by: [.staff("disputes.mediate")], articles: by("27(1)", "23(1)"),
                starts: ["C5"]),
            Move(
                "lead-decided", Text("线索核查完毕", "Lead verified"), from: inHand.union([agreed, ended, closed]), to: nil, by: [.staff("disputes.decide")],
                articles: by("27(1)", "23(1)"),
                stops: ["C5"]),
        ],
        // Law: O121 art. 27: a lead is verified whatever becomes of the mediation.
        outliving: ["C5"],
        remarks: [
            "confirmation-reminded": Text("提醒申请司法确认", "Reminded of confirmation"),
            "checked": Text("回访或抽查", "Called back or checked"), "shown": Text("交对方阅看材料", "Shown to the other side"), "hidden": Text("收回材料", "Taken out of sight"),
            "signed": Text("在线签署协议", "Signed the agreement"),
            "route": Text("选择解决路径", "Route chosen"), "rated": Text("消费者评价", "Rated by the consumer"), "invited": Text("邀请商家在线答复", "Merchant invited"),
            "offered": Text("提出方案", "Offer made"),
            "declined": Text("未接受方案", "Offer declined"),
            "fulfilled": Text("商家称已履行", "Said to be done"), "promise-late": Text("承诺到期未确认", "Promise past its day"),
        ],
        outcomes: [
            "agreed": Text("达成协议", "agreed"), "first-settled": Text("先行和解", "settled first"), "ended": Text("调解未成", "no agreement"),
            "settled-or-withdrawn": Text("和解或撤回", "settled or withdrawn"),
            "refused": Text("不予受理", "not taken up"), "redirected": Text("已指引", "redirected"), "withdrawn": Text("已撤回", "withdrawn"),
        ], detail: detail)

    /// What a move says beside its name, in words.
    @Sendable static func detail(_ key: String, _ value: String, _ regime: String) -> (title: Text, value: Text)? {
        func coded(_ title: Text, _ values: [(String, Text)]) -> (title: Text, value: Text) { (title, values.first { $0.0 == value }?.1 ?? Text(verbatim: value)) }
        let plain: [String: Text] = [
            "reason": Text("理由", "Reason"), "note": Text("说明", "Remark"), "what": Text("需补充", "Needed"), "due": Text("提交期限", "By"), "facts": Text("线索", "Found"),
            "result": Text("结论", "Result"), "where": Text("途径", "Where"), "at": Text("时间", "When"), "place": Text("地点", "Place"), "mediators": Text("调解人员", "Mediators"),
            "body": Text("鉴定检测机构", "Testing body"), "changed": Text("更正项目", "Amended"), "removed": Text("回避人员", "Recused"), "before": Text("原内容", "It was"),
            "report": Text("举报编号", "Report"), "offer": Text("方案", "Offer"), "committee": Text("人民调解委员会", "Committee"), "effective": Text("生效日期", "Effective"),
            "apply-by": Text("司法确认截止", "Confirmation until"),
            "court": Text("法院", "Court"), "on": Text("日期", "Day"), "ruling": Text("裁定书文号", "Number of the ruling"),
        ]
        if key == "at", let moment = Moment(value) { return (Text("时间", "When"), Text(verbatim: moment.minuteText)) }
        if let title = plain[key] { return (title, Text(verbatim: value)) }
        switch key {
        case "ground":
            let all = Grounds.shared.refusal(regime) + Grounds.shared.ending(regime)
            return all.first { $0.article == value }.map { (Text("法定情形", "Ground"), $0.text) }
        case "factors":
            let names = value.split(separator: ",").compactMap { id in Grounds.shared.factors(regime).first { $0.id == id }?.text }
            return names.isEmpty ? nil : (Text("考虑的因素", "Factors"), Text(names.map(\.zh).joined(separator: "；"), names.map(\.en).joined(separator: "; ")))
        case "channel": return (Text("告知方式", "Told by"), Notice.channel(value))
        case "mode":
            return coded(
                Text("方式", "How"),
                [("on-site", Text("现场调解", "on site")), ("remote", Text("非现场调解", "by phone, video or the like")), ("delegated", Text("委托调解", "delegated"))])
        case "chosenBy": return coded(Text("确定方式", "Chosen by"), [("parties", Text("双方协商", "both parties")), ("authority", Text("本机关指定", "the authority"))])
        case "decision":
            return coded(
                Text("决定", "Decision"),
                [
                    ("replaced", Text("同意回避，更换调解人员", "granted: another mediator")), ("rejected", Text("驳回申请", "rejected")), ("filed", Text("立案", "a case is filed")),
                    ("not-filed", Text("不予立案", "no case")),
                ])
        case "form":
            return coded(
                Text("记载方式", "Recorded as"),
                [
                    ("paper", Text("调解书", "a mediation paper")), ("performed", Text("已即时履行", "performed at once")), ("record", Text("调解记录", "a record")),
                    ("online", Text("双方在线签署", "signed by both on their pages")),
                    ("people", Text("人民调解协议", "an agreement of people's mediation")),
                ])
        case "party":
            return coded(
                Text("一方", "Party"), [("complainant", Text("投诉人", "complainant")), ("respondent", Text("被投诉人", "business")), ("mediator", Text("调解员", "mediator"))])
        case "court-result": return coded(Text("裁定", "Ruling"), PeoplesMediation.results)
        case "route": return coded(Text("路径", "Route"), RouteRule.routes)
        case "check": return coded(Text("方式", "Kind"), QualityCheck.Kind.allCases.map { ($0.rawValue, $0.title) })
        case "kept":
            return coded(
                Text("履行情况", "Kept"),
                [
                    ("yes", Text("消费者确认已履行", "the consumer confirms it")), ("no", Text("到期未履行", "not kept")),
                    ("unconfirmed", Text("商家称已履行，消费者未确认", "said to be done, not confirmed")),
                ])
        case "rating": return (Text("评价", "Rating"), Ratings.scores.first { String($0.0) == value }?.1 ?? Text(verbatim: value))
        case "source": return (Text("来源", "From"), Notice.source(value))
        default: return nil
        }
    }
}
