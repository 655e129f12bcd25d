import Kernel
import Platform

/// The table of allowed moves of a monitoring lead (监测线索流转表): found, screened by a person, sent or noticed, verified, fed back, closed.
///
/// Law: PCD art. 18: a lead is verified within fifteen working days, longer by another fifteen with the head's approval.
package enum LeadMoves {
    package static let kind = "lead"
    package static let regime = "PCD"

    package static let detected = "detected"
    package static let screened = "screened"
    package static let notified = "notified"
    package static let verifying = "verifying"
    package static let guided = "guided"
    package static let rectified = "rectified"
    package static let proposed = "proposed"
    package static let notFound = "not-found"
    package static let transferred = "transferred"
    package static let fedBack = "fed-back"
    package static let dismissed = "dismissed"
    package static let closed = "closed"

    private static let verified: Set<String> = [guided, rectified, proposed, notFound, transferred]
    private static let screen: [Move.By] = [.staff("monitoring.screen")]
    private static let verify: [Move.By] = [.staff("monitoring.verify")]
    private static let law = ["PCD": "18(1)"]

    package static let table = MoveTable(
        kind: kind, title: Text("监测线索", "Lead"),
        states: [
            state(detected, Text("待初筛", "To be screened"), true, "blue"), state(screened, Text("已确认", "Confirmed"), true, "teal"),
            state(notified, Text("已通知整改", "Shop told to correct"), true, "amber"), state(verifying, Text("核查中", "Being verified"), true, "violet"),
            state(guided, Text("已行政指导", "Guided"), true, "green"), state(rectified, Text("已整改", "Corrected"), true, "green"),
            state(proposed, Text("建议立案", "Case proposed"), true, "red"), state(notFound, Text("未发现违法", "Nothing found"), true, "grey"),
            state(transferred, Text("已移送", "Transferred"), true, "grey"), state(fedBack, Text("已反馈", "Fed back"), true, "teal"),
            state(dismissed, Text("已排除", "Dismissed"), false, "grey"), state(closed, Text("已办结", "Closed"), false, "green"),
        ],
        moves: [
            Move("confirm", Text("确认线索", "Confirm"), from: [detected], to: screened, by: screen, articles: law),
            Move("dismiss", Text("排除", "Dismiss"), from: [detected, screened], to: dismissed, by: screen, articles: law),
            Move("snooze", Text("稍后再看", "Put aside"), from: [detected, screened], to: nil, by: screen, articles: [:]),
            Move("reopen", Text("撤销排除", "Take up again"), from: [dismissed], to: detected, by: screen, articles: law),
            Move("notice", Text("通知商家自行整改", "Tell the shop to correct"), from: [screened], to: notified, by: screen, articles: [:]),
            Move("doubt", Text("复查存疑，请人工核对", "In doubt when looked at again"), from: [notified], to: nil, by: [.system], articles: [:]),
            Move("corrected", Text("确认已整改", "Corrected"), from: [notified], to: rectified, by: screen + [.system], articles: [:]),
            Move("escalate", Text("逾期未改，转派核查", "Not corrected: to be dispatched"), from: [notified], to: screened, by: screen + [.system], articles: law),
            Move("dispatch", Text("派发核查", "Dispatch"), from: [screened], to: verifying, by: [.staff("monitoring.dispatch")], articles: law, starts: ["P1"]),
            Move("give-back", Text("退回重派", "Give back"), from: [verifying], to: screened, by: verify, articles: law, stops: ["P1"]),
            Move("guide", Text("已行政指导", "Guided"), from: [verifying], to: guided, by: verify, articles: law, stops: ["P1"]),
            Move("rectify", Text("已责令改正并复查", "Ordered to correct and checked"), from: [verifying], to: rectified, by: verify, articles: law, stops: ["P1"]),
            Move("propose", Text("建议立案", "Propose a case"), from: [verifying], to: proposed, by: verify, articles: ["PCD": "19"], stops: ["P1"]),
            Move("clear", Text("未发现违法", "Nothing found"), from: [verifying], to: notFound, by: verify, articles: law, stops: ["P1"]),
            Move("transfer", Text("移送其他部门", "Transfer"), from: [verifying], to: transferred, by: verify, articles: ["PCD": "17"], stops: ["P1"]),
            Move("feed-back", Text("反馈结果", "Feed back"), from: verified, to: fedBack, by: verify + screen, articles: law),
            Move("close", Text("办结", "Close"), from: [fedBack], to: closed, by: screen, articles: law),
        ],
        filer: Text("商家", "The shop"), opening: Text("监测发现", "Found by monitoring"),
        outcomes: [
            "guided": Text("行政指导", "guided"), "rectified": Text("已整改", "corrected"), "proposed": Text("建议立案", "case proposed"), "not-found": Text("未发现违法", "nothing found"),
            "transferred": Text("移送", "transferred"), "dismissed": Text("排除", "dismissed"),
        ], detail: detail)

    private static func state(_ name: String, _ title: Text, _ open: Bool, _ tone: String) -> State { State(name, title, outside: title, open: open, tone: tone) }

    /// Why a hit is no lead, in words that feed the precision of its model.
    static let reasons: [(String, Text)] = [
        ("exempt", Text("属于豁免情形", "An exemption applies")), ("not-goods", Text("用语不指向所售商品", "The words do not point at the goods")),
        ("misread", Text("文义理解有误（引用、否定、谐音等）", "Misread: quotation, negation, other sense")), ("data", Text("采集数据有误", "The data were wrong")),
        ("duplicate", Text("与已有线索重复", "Same as another lead")), ("other", Text("其他", "Other")),
    ]
    /// What came of looking again, told by the system.
    static let again: [(String, Text)] = [
        ("clean", Text("商品信息均不再命中", "none of the listings hits any more")),
        ("still", Text("期限已过，仍然命中", "the day is past and it still hits")),
        ("unseen", Text("期限已过，通知后未再采集到该商品信息，请人工核查", "the day is past and the listing was not seen since the notice: a person must look")),
        (
            "excused",
            Text("词语仍在，只因处于否定、引用等除外语境而不命中，请人工核对", "the words still stand there, only in a passage that the model excuses (denial, quotation): a person must look")
        ),
        ("late", Text("期限已过，词语仍在除外语境中，请人工核对", "the day is past, and the words still stand in an excused passage: a person must look")),
    ]
    static let places: [(String, Text)] = [
        ("actual", Text("实际经营地", "Actual place of business")), ("domicile", Text("住所地", "Domicile")), ("platform", Text("平台经营者所在地", "Seat of the platform")),
    ]

    @Sendable static func detail(_ key: String, _ value: String, _ regime: String) -> (title: Text, value: Text)? {
        switch key {
        case "note": (Text("说明", "Remark"), Text(verbatim: value))
        case "reason":
            (Text("理由", "Reason"), reasons.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        case "change": (Text("应改正内容", "To be changed"), Text(verbatim: value))
        case "aside": (Text("到这一天再看", "Until"), Text(verbatim: value))
        case "due": (Text("改正期限", "By"), Text(verbatim: value))
        case "place": (Text("派发依据", "By"), places.first { $0.0 == value }?.1 ?? Text(verbatim: value))
        case "result": (Text("结果", "Result"), Text(verbatim: value))
        case "where": (Text("移送至", "To"), Text(verbatim: value))
        case "model": (Text("模型", "Model"), Text(verbatim: value))
        case "again":
            (
                Text("复查", "Looked at again"),
                again.first { $0.0 == value }?.1 ?? Text(verbatim: value)
            )
        case "listing": (Text("商品", "Listing"), Text(verbatim: value))
        case "words": (Text("词语", "Words"), Text(verbatim: value))
        case "exemptions": (Text("已核对的豁免情形", "Exemptions looked at"), Text(verbatim: value))
        default: nil
        }
    }
}
