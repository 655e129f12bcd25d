import Kernel
import Platform

/// The table of allowed moves of a report (举报流转表): verified, decided, told only where a law says so.
///
/// Law: O121 ch. 3 (art. 28–37); PCD art. 18.
package enum ReportMoves {
    package static let kind = "report"

    package static let received = "received"
    package static let verifying = "verifying"
    package static let testing = "report-testing"
    package static let decided = "report-decided"
    package static let closed = "report-closed"
    package static let elsewhere = "elsewhere"
    package static let repeated = "repeated"
    package static let merged = "merged"

    private static let verify: [Move.By] = [.staff("reports.verify")]
    private static func by(_ o121: String, _ o20: String) -> [String: String] { ["O121": o121, "O20": o20] }

    package static let table = MoveTable(
        kind: kind, title: Text("举报", "Report"),
        states: [
            State(received, Text("待核查", "To be verified"), outside: Text("已收到", "Received"), open: true, tone: "blue"),
            State(verifying, Text("核查中", "Being verified"), outside: Text("正在依法处理", "Being dealt with"), open: true, tone: "teal"),
            State(testing, Text("检测鉴定中", "In testing"), outside: Text("正在依法处理", "Being dealt with"), open: true, tone: "violet"),
            State(decided, Text("已决定", "Decided"), outside: Text("正在依法处理", "Being dealt with"), open: true, tone: "amber"),
            State(closed, Text("已办结", "Closed"), outside: Text("已依法处理", "Dealt with"), open: false, tone: "green"),
            State(elsewhere, Text("无处理权限", "Not ours"), outside: Text("本机关没有处理权限，见下方说明", "Not within our competence: see below"), open: false, tone: "grey"),
            State(repeated, Text("重复举报", "Reported before"), outside: Text("与此前的举报相同，不再另行处理", "The same as an earlier report: it is not handled anew"), open: false, tone: "grey"),
            State(merged, Text("并入前件", "Merged"), outside: Text("已与此前的举报合并处理", "Dealt with together with an earlier report"), open: false, tone: "grey"),
        ],
        moves: [
            Move("dispatch", Text("分送", "Dispatch"), from: [received], to: received, by: [.staff("reports.dispatch")], articles: by("41(1)", "37(1)"), starts: ["R1"]),
            Move("begin", Text("开始核查", "Begin to verify"), from: [received], to: verifying, by: verify, articles: by("35(1)", "31(1)")),
            Move("test", Text("送检、鉴定", "Send for testing"), from: [verifying], to: testing, by: verify, articles: by("35(1)", "31(1)"), pause: .begins("R1")),
            Move("tested", Text("检测、鉴定结束", "Testing finished"), from: [testing], to: verifying, by: verify, articles: by("35(1)", "31(1)"), pause: .ends("R1")),
            Move("file", Text("立案", "File a case"), from: [verifying], to: decided, by: verify, articles: by("35(1)", "31(1)"), stops: ["R1"]),
            Move("not-file", Text("不予立案", "No case"), from: [verifying], to: decided, by: verify, articles: by("35(1)", "31(1)"), stops: ["R1"]),
            Move("hand-over", Text("作为线索移送", "Hand over as a lead"), from: [verifying], to: decided, by: verify, articles: by("35(1)", "31(1)"), stops: ["R1"]),
            Move(
                "elsewhere", Text("无处理权限并告知", "Not ours: tell"), from: [received, verifying], to: elsewhere, by: verify + [.staff("reports.dispatch")], articles: by("34", "29"),
                stops: ["R1"]),
            Move("repeat", Text("重复举报，不再另行处理", "Reported before"), from: [received, verifying], to: repeated, by: verify, articles: ["O121": "35(2)"], stops: ["R1"]),
            Move("merge", Text("补充新事实，并入前件", "New facts: merge"), from: [received, verifying], to: merged, by: verify, articles: ["O121": "35(2)"], stops: ["R1"]),
            // Law: O121 art. 35(2): the period is counted anew from the last report.
            Move(
                "new-facts", Text("收到新事实，重新计算期限", "New facts: counted anew"), from: [received, verifying, testing], to: verifying, by: [.system], articles: ["O121": "35(2)"],
                starts: ["R1"]),
            Move("tell", Text("告知举报人结果", "Tell the result"), from: [decided], to: closed, by: verify, articles: by("36", "31(2)"), stops: ["AD", "WB"]),
            Move("close", Text("办结（法律未要求告知）", "Close (no law asks to tell)"), from: [decided], to: closed, by: verify, articles: by("36", "31(2)")),
            Move("ask", Text("向举报人提问", "Ask the reporter"), from: [received, verifying, testing, decided], to: nil, by: verify, articles: by("28", "25")),
            Move("reply", Text("举报人补充", "The reporter adds"), from: [received, verifying, testing, decided], to: nil, by: [.filer], articles: by("28", "25")),
            // Proposed by who handled it, decided by another.
            Move("propose-reward", Text("提出奖励", "Propose a reward"), from: [decided, closed], to: nil, by: verify, articles: by("36", "31(2)")),
            Move("reward", Text("决定奖励", "Grant the reward"), from: [decided, closed], to: nil, by: [.staff("reports.reward")], articles: by("36", "31(2)")),
        ],
        filer: Text("举报人", "The reporter"),
        outcomes: [
            "filed": Text("立案", "a case was filed"), "not-filed": Text("不予立案", "no case"), "handed-over": Text("已移送", "handed over"), "elsewhere": Text("无处理权限", "not ours"),
            "repeated": Text("重复举报", "reported before"), "merged": Text("并入前件", "merged"),
        ]
    ) { key, value, _ in
        switch key {
        case "reason": (Text("理由", "Reason"), Text(verbatim: value))
        case "where": (Text("移送或者应去的机关", "Where it goes"), Text(verbatim: value))
        case "of": (Text("此前的举报", "Earlier report"), Text(verbatim: value))
        case "result": (Text("告知内容", "Told"), Text(verbatim: value))
        case "body": (Text("机构", "Body"), Text(verbatim: value))
        case "note": (Text("说明", "Remark"), Text(verbatim: value))
        case "amount": (Text("金额（元）", "Yuan"), Text(verbatim: value))
        case "tier": (Text("奖励等级", "Tier"), ReportRules.shared.tiers.first { $0.id == value }?.title ?? Text(verbatim: value))
        case "ground": (Text("重大违法情形", "Why it is a major one"), ReportRules.shared.rewardGrounds.first { $0.id == value }?.title ?? Text(verbatim: value))
        case "fined": (Text("罚没款（元）", "Fined and confiscated (yuan)"), Text(verbatim: value))
        case "decision": (Text("处罚决定书文号", "Number of the decision"), Text(verbatim: value))
        case "joint": (Text("与财政部门会商", "With the finance department"), Text(verbatim: value))
        case "channel": (Text("告知方式", "Told by"), Notice.channel(value))
        case "region": nil
        default: nil
        }
    }
}
