import Kernel
import Platform

/// The table of allowed moves of a case (案件办理流转表): verified, filed, investigated, reviewed, told, heard, decided, served, performed, closed, archived.
///
/// Law: PCD art. 17–20, 35–78; HR.
package enum CaseMoves {
    package static let kind = "case"
    package static let regime = "PCD"

    static let clue = "clue", clueTesting = "clue-testing", filing = "filing", notFiled = "not-filed", transferred = "transferred"
    static let investigating = "investigating", suspended = "suspended", testing = "testing", auditing = "auditing", audited = "audited"
    static let noticing = "noticing", announcing = "announcing", notified = "notified", hearing = "hearing", deciding = "deciding", refunding = "refunding"
    static let decided = "decided", served = "served", court = "court", closing = "closing", proposedClosing = "closing-proposed", closed = "closed", archived = "archived"
    static let simple = "simple"

    /// The stages as a line above the page, and as columns of the director's funnel.
    static let stages: [(Text, Set<String>)] = [
        (Text("核查立案", "Verification"), [clue, clueTesting, filing]), (Text("调查取证", "Investigation"), [investigating, suspended, testing]),
        (Text("审核", "Review"), [auditing, audited]), (Text("告知听证", "Notice and hearing"), [noticing, announcing, notified, hearing]),
        (Text("决定", "Decision"), [deciding, refunding, decided]), (Text("执行", "Performance"), [served, court, simple]),
        (Text("结案归档", "Closing"), [closing, proposedClosing, closed, archived]),
    ]
    package static let afterDecision: Set<String> = [decided, served, court, closing, proposedClosing, closed, archived]
    /// A fine on the spot is archived before it is paid (PCD art. 70).
    private static let payable: Set<String> = [served, court, simple, archived]
    private static let paidInCash = afterDecision.union([simple])
    private static let running: Set<String> = [investigating, suspended, testing, auditing, audited, noticing, announcing, notified, hearing, deciding, refunding]

    private static let undecided = running.union([clue, clueTesting, filing])

    private static let officer: [Move.By] = [.staff("enforcement.investigate")]
    private static let head: [Move.By] = [.staff("enforcement.decide")]
    private static let reviewer: [Move.By] = [.staff("enforcement.audit")]
    private static let host: [Move.By] = [.staff("enforcement.host")]

    private static func move(
        _ name: String, _ title: Text, _ from: Set<String>, _ to: String?, _ by: [Move.By], _ article: String?, starts: [String] = [], stops: [String] = [],
        awaits: [String] = [], pause: Move.Pause? = nil
    ) -> Move {
        Move(name, title, from: from, to: to, by: by, articles: article.map { ["PCD": $0] } ?? [:], starts: starts, stops: stops, awaits: awaits, pause: pause)
    }

    package static let table = MoveTable(
        kind: kind, title: Text("行政处罚案件", "Case"),
        states: [
            State(clue, "线索核查", "Clue being verified", true, "blue"), State(clueTesting, "核查检测中", "Being tested", true, "violet"),
            State(filing, "待立案审批", "Filing awaits approval", true, "amber"), State(notFiled, "不予立案", "Not filed", false, "grey"),
            State(transferred, "已移送", "Transferred", false, "grey"), State(investigating, "调查取证", "Being investigated", true, "teal"),
            State(suspended, "中止调查", "Suspended", true, "violet"), State(testing, "检测鉴定中", "Being tested", true, "violet"), State(auditing, "审核中", "In review", true, "blue"),
            State(audited, "审核完毕", "Reviewed", true, "teal"), State(noticing, "告知书待送达", "Notice to be served", true, "amber"),
            State(announcing, "告知书公告送达中", "Notice by publication", true, "violet"), State(notified, "已告知", "Party told", true, "amber"),
            State(hearing, "听证程序中", "Hearing", true, "violet"), State(deciding, "待作决定", "To be decided", true, "amber"),
            State(refunding, "责令退款中", "Refund ordered", true, "violet"), State(decided, "已决定，待送达", "Decided, to be served", true, "red"),
            State(served, "已送达，执行中", "Served, being performed", true, "red"), State(court, "已申请法院执行", "Before the court", true, "red"),
            State(closing, "待结案", "To be closed", true, "teal"), State(proposedClosing, "结案待审批", "Closing awaits approval", true, "amber"),
            State(closed, "已结案", "Closed", false, "green"), State(archived, "已归档", "Archived", false, "green"), State(simple, "当场处罚，待归档", "Fined on the spot", true, "red"),
        ],
        moves: beforeFiling + jurisdiction + investigation + telling + decision + performance + publication,
        filer: Text("当事人", "The party"), opening: Text("案件来源登记", "Source registered"), outliving: ["PUB1", "PUB2", "PUB4", "P12", "P14a", "P14b", "P17", "P17b"],
        remarks: [
            "measure": Text("采取措施", "Measure taken"), "document": Text("制作文书", "Document made"), "evidence": Text("登记证据", "Evidence entered"),
            "evidence-excluded": Text("排除证据", "Evidence excluded"), "leniency": Text("从宽审查", "Leniency examined"), "served-paper": Text("送达文书", "Paper served"),
            "published-ended": Text("停止公示", "No longer shown"), "published-again": Text("恢复公示", "Shown anew"), "shielded": Text("暂时屏蔽公示信息", "Shielded for a time"),
            "suit-over": Text("复议、诉讼期限届满", "The time for review and suit is over"),
        ],
        outcomes: [
            "not-filed": Text("不予立案", "not filed"), "transferred": Text("移送", "transferred"), "punish": Text("行政处罚", "punished"), "exempt": Text("不予处罚", "not punished"),
            "no-facts": Text("事实不成立", "no facts"), "other-agency": Text("移送其他部门", "other agency"), "judiciary": Text("移送司法", "judiciary"), "terminated": Text("终止调查", "terminated"),
        ], detail: detail)

    private static let beforeFiling: [Move] = [
        move("amend-party", Text("登记、更正当事人信息", "Amend who the party is"), [clue, investigating], nil, officer, "19"),
        move("test-clue", Text("送检（核查期限不计）", "Send for testing"), [clue], clueTesting, officer, "18(2)", pause: .begins("P1")),
        move("clue-tested", Text("收到检测结论", "Test result in"), [clueTesting], clue, officer, "18(2)", pause: .ends("P1")),
        move("propose-filing", Text("提请立案审批", "Propose what to do"), [clue], filing, officer, "19"),
        move("file", Text("批准立案", "File the case"), [filing], investigating, head, "19", starts: ["P9"], stops: ["P1"]),
        move("not-file", Text("批准不予立案", "Do not file"), [filing], notFiled, head, "20", stops: ["P1"]),
        move(
            "transfer-out", Text("移送有管辖权的部门", "Transfer to the competent authority"), [filing, investigating, auditing, audited], transferred, head, "14", stops: ["P1"],
            awaits: ["P7", "P9"]),
        move("send-back", Text("退回补充核查", "Send back"), [filing], clue, head, "18(1)"),
    ]

    private static let jurisdiction: [Move] = [
        move("dispute-jurisdiction", Text("登记管辖争议", "Jurisdiction disputed"), undecided, nil, officer + head, "13", starts: ["JD1"]),
        move("refer-jurisdiction", Text("报请指定管辖", "Ask the superior to designate"), undecided, nil, head, "16", starts: ["JD2"], stops: ["JD1"]),
        move("settle-jurisdiction", Text("登记管辖结果", "Jurisdiction settled"), undecided, nil, officer + head, "13", stops: ["JD1", "JD2"]),
    ]

    private static let investigation: [Move] = [
        move("suspend", Text("中止调查", "Suspend"), [investigating], suspended, head, "46", pause: .begins("P9")),
        move("resume", Text("恢复调查", "Resume"), [suspended], investigating, officer + head, "46", pause: .ends("P9")),
        move("test", Text("送检（办案期限不计）", "Send for testing"), [investigating], testing, officer, "64(2)", pause: .begins("P9")),
        move("tested", Text("收到检测结论", "Test result in"), [testing], investigating, officer, "64(2)", pause: .ends("P9")),
        move("replace-officers", Text("更换办案人员", "Replace the officers"), running.union(afterDecision).union([simple]), nil, head, "19(2)"),
        move("ask-recusal", Text("登记回避申请", "Recusal asked for"), running, nil, officer + head + reviewer, "4"),
        move("decide-recusal", Text("决定是否回避", "Decide on recusal"), running, nil, head, "4"),
        move("prolong", Text("集体讨论决定继续延期", "Prolong by collective decision"), running, nil, head, "64(1)"),
        move("conclude", Text("调查终结，送审", "Conclude and submit for review"), [investigating], auditing, officer, "48", starts: ["P7"]),
        move("terminate", Text("终止调查", "Terminate"), [investigating, suspended, testing], closing, head, "47", starts: ["P15"], stops: ["P9"]),
        move("prolong-review", Text("批准延长审核期限", "Prolong the review"), [auditing], nil, head, "55"),
        move("audit-agree", Text("审核同意", "Agree"), [auditing], audited, reviewer, "54", stops: ["P7"]),
        move("audit-return", Text("审核退回", "Return"), [auditing], investigating, reviewer, "54", stops: ["P7"]),
    ]

    private static let telling: [Move] = [
        move("approve-notice", Text("批准并制作告知书", "Approve and make the notice"), [audited], noticing, head, "56"),
        move("send-back-audited", Text("退回补充调查", "Send back"), [audited, deciding], investigating, head, "56"),
        move("announce", Text("公告送达告知书", "Serve the notice by publication"), [noticing], announcing, officer, "82", starts: ["P11"], pause: .begins("P9")),
        move("serve-notice", Text("登记告知书送达", "Notice served"), [noticing, announcing], notified, officer, "57(1)", awaits: ["P11"], pause: .ends("P9")),
        move("state", Text("记录陈述申辩", "Record the party's statement"), [notified, hearing, deciding], nil, officer, "58"),
        move("waive", Text("当事人书面放弃", "Waived in writing"), [notified], nil, officer, "57(2)", stops: ["P8"]),
        move("request-hearing", Text("当事人要求听证", "Hearing asked for"), [notified], hearing, officer, "57(2)", stops: ["P8"], pause: .begins("P9")),
        move("appoint-host", Text("指定听证主持人", "Appoint the host"), [hearing], nil, head, nil, starts: ["H1b"], stops: ["H1"]),
        move("hand-file", Text("向主持人移交案卷", "Hand the file to the host"), [hearing], nil, officer, nil, starts: ["H1c"], stops: ["H1b"]),
        move("schedule-hearing", Text("确定听证日期并通知", "Set the day and give notice"), [hearing], nil, host, nil, stops: ["H1b", "H1c"]),
        move("hearing-held", Text("登记听证举行", "Hearing held"), [hearing], nil, host, nil),
        move(
            "report-hearing", Text("提交听证报告", "Report on the hearing"), [hearing], auditing, host, "50(1)", starts: ["P7"], stops: ["H3"], awaits: ["H1b", "H1c"], pause: .ends("P9")
        ),
        move("withdraw-hearing", Text("当事人撤回听证要求", "Hearing withdrawn"), [hearing], notified, officer, nil, awaits: ["H1", "H1b", "H1c", "H3"], pause: .ends("P9")),
        move("to-decision", Text("复核意见，报请决定", "Reviewed: to be decided"), [notified, audited], deciding, officer, "58", awaits: ["P8"]),
    ]

    private static let decision: [Move] = [
        move("order-refund", Text("责令退还多收价款", "Order the refund"), [deciding], refunding, head, "59", pause: .begins("P9")),
        move("refunded", Text("登记退款情况", "Refund recorded"), [refunding], deciding, officer, "59", pause: .ends("P9")),
        move("discuss", Text("集体讨论", "Collective discussion"), [deciding, audited], nil, head, "60(2)"),
        move("decide", Text("作出行政处罚决定", "Decide on the penalty"), [deciding], decided, head, "60(1)(1)", starts: ["P10"], stops: ["P9"]),
        move("decide-unpunished", Text("作出不予行政处罚决定", "Decide not to punish"), [audited, deciding], decided, head, "60(1)", starts: ["P10"], stops: ["P9"]),
        move("decide-transfer", Text("决定移送", "Transfer"), [audited, deciding], closing, head, "60(1)", starts: ["P15"], stops: ["P9"]),
        move("announce-decision", Text("公告送达决定书", "Serve the decision by publication"), [decided], nil, officer, "82", starts: ["P11"], stops: ["P10"]),
        move("serve", Text("登记处罚决定书送达", "Penalty decision served"), [decided], served, officer, "81", stops: ["P10"], awaits: ["P11"]),
        move("serve-unpunished", Text("登记不予处罚决定书送达", "Decision served"), [decided], closing, officer, "81", starts: ["P15"], stops: ["P10"], awaits: ["P11"]),
    ]

    private static let performance: [Move] = [
        move("pay", Text("登记缴款", "Record a payment"), payable, nil, officer, "72"),
        move("hand-in", Text("当场收缴的罚款已上交", "Cash handed in"), paidInCash, nil, officer, "73", starts: ["P17b"], stops: ["P17"]),
        move("bank", Text("罚款已缴付银行", "Paid into the bank"), paidInCash, nil, officer, "73", stops: ["P17b"]),
        move("reverse-payment", Text("冲正缴款记录", "Take a payment back"), [served, court, simple], nil, head, nil),
        move("reverse-payment-closing", Text("冲正缴款记录", "Take a payment back"), [closing], served, head, nil),
        move("defer", Text("批准延期、分期缴纳", "Grant deferral or instalments"), [served], nil, head, "74"),
        move("demand", Text("催告履行", "Demand performance"), [served, archived], nil, officer, "76(1)", starts: ["P14a"]),
        move("challenge", Text("当事人申请复议、提起诉讼", "Review or suit begun"), afterDecision.union([simple]), nil, officer, nil),
        move("challenge-ended", Text("登记复议、诉讼结果", "Result of review or suit"), afterDecision.union([simple]), nil, officer, nil),
        move("apply-court", Text("申请法院强制执行", "Apply to the court"), [served, archived], court, head, "76(1)", stops: ["P14b"], awaits: ["P14a"]),
        move("perform", Text("执行完毕", "Performed"), [served, court], closing, officer + [.system], "77(1)", starts: ["P15"], awaits: ["P12", "P14a", "P14b"]),
        move("court-ended", Text("法院裁定终结执行", "Enforcement ended by the court"), [court], closing, officer, "77(2)", starts: ["P15"], awaits: ["P12", "P14a", "P14b"]),
        move("annul", Text("决定被撤销、变更或者确认违法", "Decision annulled or changed"), [served, court], closing, head, "63(2)", starts: ["P15"], awaits: ["P12", "P14a", "P14b"]),
        move("annul-late", Text("决定被撤销、变更或者确认违法", "Decision annulled or changed"), [closing, proposedClosing, closed, archived], nil, head, "63(2)"),
        move("propose-closing", Text("提请结案审批", "Propose to close"), [closing], proposedClosing, officer, "77"),
        move("send-back-closing", Text("退回", "Send back"), [proposedClosing], closing, head, "77"),
        move("close", Text("批准结案", "Close"), [proposedClosing], closed, head, "77", stops: ["P15"]),
        move("archive", Text("立卷归档", "Archive"), [closed], archived, officer, "78"),
        move("archive-simple", Text("材料归档", "Archive"), [simple], archived, officer, "70", stops: ["P16"]),
    ]

    private static let publication: [Move] = [
        move("prepare-publication", Text("拟制公示内容", "Prepare the publication"), afterDecision, nil, officer, "63(1)"),
        move("publish", Text("审核并公示", "Approve and publish"), afterDecision, nil, head, "63(1)", stops: ["PUB1", "PUB2"]),
        move("host-published", Text("登记对方已公示", "Published by the host"), afterDecision, nil, officer, "63(1)"),
        move("withdraw-publication", Text("撤回公示", "Withdraw the publication"), afterDecision, nil, head, "63(2)", stops: ["PUB4"]),
    ]

    /// Whether this person may make a move as an officer alone: then only in a case of the own. A head who makes it too makes it as the head.
    static func isAsOfficer(_ name: String, _ account: Account, _ permissions: PermissionTable) -> Bool {
        guard let move = table.moves.first(where: { $0.name == name }), move.by.contains(officer[0]) else { return false }
        return !move.by.contains {
            if $0 != officer[0], case .staff(let other) = $0 { permissions.allows(account.roles, other) } else { false }
        }
    }

    /// What the details of a move are called in the history.
    private static let details: [String: Text] = [
        "note": Text("说明", "Remark"), "reason": Text("理由", "Reason"), "cause": Text("案由", "Cause"), "findings": Text("核查情况", "Found"), "officers": Text("办案人员", "Officers"),
        "proposal": Text("意见", "Proposed"), "opinion": Text("审核意见", "Opinion"), "review": Text("审核类别", "Kind of review"), "way": Text("送达方式", "Served by"), "on": Text("日期", "On"),
        "served": Text("送达日期", "Served on"), "statement": Text("陈述申辩", "Statement"), "reviewed": Text("复核意见", "Reviewed"), "decision": Text("决定", "Decided"),
        "amount": Text("金额", "Amount"), "where": Text("移送至", "To"), "body": Text("机构", "Body"), "result": Text("结果", "Result"), "host": Text("主持人", "Host"),
        "reference": Text("凭证号", "Slip"), "members": Text("参加人员", "Members"), "who": Text("何人", "Who"), "granted": Text("回避决定", "Recusal"), "shown": Text("公示至", "Shown until"),
        "number": Text("文号", "Number"), "jurisdiction": Text("管辖依据", "Jurisdiction"), "class": Text("档案类别", "Class"), "until": Text("延长至", "Until"), "to": Text("推送至", "Pushed to"),
        "title": Text("名称", "Title"), "with": Text("争议部门", "Disputed with"), "competent": Text("由何部门管辖", "Who has it"), "party": Text("当事人", "Party"),
        "before": Text("原登记", "Before"),
    ]
    @Sendable static func detail(_ key: String, _ value: String, _ regime: String) -> (title: Text, value: Text)? {
        guard let title = details[key] else { return nil }
        let words: Text? =
            switch key {
            case "way": Service.ways.first { $0.0 == value }?.1
            case "jurisdiction": Jurisdiction.grounds.first { $0.0 == value }?.1
            case "proposal" where ["file", "not-file", "transfer"].contains(value):
                value == "file" ? Text("立案", "file") : value == "not-file" ? Text("不予立案", "do not file") : Text("移送", "transfer")
            case "granted": value == "yes" ? Text("准予回避", "granted") : Text("驳回申请", "refused")
            case "review": value == "legal" ? Text("法制审核", "legal review") : Text("案件审核", "audit of the file")
            default: nil
            }
        return (title, words ?? Text(verbatim: value))
    }
}

/// How papers reach the party (送达).
///
/// Law: PCD art. 82: electronic only with consent and a signed confirmation of the address; publication counts after thirty days.
package enum Service {
    package static let ways: [(String, Text)] = [
        ("direct", Text("直接送达", "In person")), ("present", Text("当场宣告并交付", "Announced and handed over")), ("retained", Text("留置送达", "Left with a witness or recording")),
        ("electronic", Text("电子送达", "Electronically")), ("mail", Text("邮寄送达", "By post")), ("entrusted", Text("委托送达", "By another authority")),
        ("public", Text("公告送达", "By publication")),
    ]
}
