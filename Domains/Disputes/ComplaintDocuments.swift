import Kernel
import Platform
import Statute
import Store

/// What is told without a document (告知): how such notices are titled.
enum Notice {
    static let supplement = Text("补充材料通知", "Request for more material")
    static let mediation = Text("调解通知", "Notice of mediation")
    static let invitation = Text("邀请商家答复", "Invitation to answer")
    static let people = Text("移交人民调解告知", "Handed to people's mediation")
    static let confirmation = Text("司法确认提醒", "Reminder of judicial confirmation")
    static let publication = Text("投诉信息公示告知", "Notice before publication")
    static let overdue = Text("商家承诺到期提醒", "A promise is past its day")
    static let recusal = Text("回避决定告知", "Decision on recusal")
    /// The reason that a withdrawal by the filer carries.
    static let withdrawn = Text("投诉人撤回投诉", "Withdrawn by the complainant")

    /// How somebody may be told.
    static let channels: [(String, Text)] = [
        ("portal", Text("网上查询页", "Tracking page")), ("phone", Text("电话", "Phone")), ("sms", Text("短信", "SMS")), ("mail", Text("邮寄", "Post")), ("counter", Text("当面", "In person")),
    ]
    /// How a business is invited: by what reaches it.
    static let invitations = [("email", Text("电子邮件", "E-mail"))] + channels.filter { $0.0 != "portal" }
    /// The phone of who is told of a complaint, for a gateway that an administrator trusted with it.
    @Sendable static func phone(_ matter: ID<Matter>, _ recipient: String, _ tx: Transaction) throws -> String? {
        switch recipient {
        case "complainant": try tx.one("SELECT phone FROM disputes_complainants WHERE matter = \(matter)")?.string("phone")
        case "respondent": try tx.one("SELECT respondent_phone FROM disputes_complaints WHERE matter = \(matter)")?.optionalString("respondent_phone")
        default: nil
        }
    }
    /// How a signed paper reaches somebody.
    static let onPaper = channels.filter { $0.0 == "counter" || $0.0 == "mail" }
    /// Where a complaint came from.
    static func source(_ name: String) -> Text {
        switch name {
        case "web": Text("网上提交", "filed on the web")
        case "counter": Text("窗口登记", "at the counter")
        case "phone": Text("电话登记", "by phone")
        case "mail": Text("信函登记", "by letter")
        case "12315": Text("全国12315平台", "national platform")
        case "api": Text("接口提交", "by API")
        case "import": Text("批量导入", "imported")
        case "association": Text("消费者组织移送", "referred by a consumers' association")
        case "complaint": Text("随投诉一并提出", "made with a complaint")
        default: Text(verbatim: name)
        }
    }
    /// Between the authority's own units nothing is sent out.
    static func channel(_ name: String) -> Text {
        name == "inside" ? Text("内部流转", "within the authority") : (channels + invitations).first { $0.0 == name }?.1 ?? Text(verbatim: name)
    }
}

/// The official forms of a complaint (投诉文书), filled from the matter.
package enum ComplaintDocuments {
    package static let forms: [DocumentForm] = [
        ("registration", Text("投诉登记表", "Registration of a complaint"), "投登"), ("dispatch", Text("投诉分送通知书", "Dispatch notice"), "投分"),
        ("identity", Text("限期提供身份证明材料通知书", "Request for proof of identity"), "投证"), ("acceptance", Text("投诉受理决定书", "Decision to take up"), "投受"),
        ("refusal", Text("投诉不予受理决定书", "Decision not to take up"), "投不受"), ("mediation", Text("投诉调解通知书", "Notice of mediation"), "投调"),
        ("ending", Text("投诉终止调解决定书", "Decision to end mediation"), "投终"), ("agreement", Text("投诉调解书", "Mediation agreement"), "投书"),
    ].map { name, title, series in DocumentForm(name: name, title: title, series: series, template: Grounds.shared.template(name), sample: { sample }) }

    /// A complaint that does not exist, for trying a template.
    private static var sample: [String: Any] {
        let grounds = Grounds.shared.identity("O121")
        return [
            "number": "示市监〔2026〕1号", "date": "2026年11月23日", "complaintNumber": "TS20260000001", "receivedOn": "2026年11月20日", "complainantName": "张三",
            "complainantPhone": "13800000000", "complainantAddress": "示范路1号", "respondentName": "示范百货店", "respondentAddress": "示范街2号", "respondentPhone": "01088880000",
            "facts": "购买的电热水壶三天后漏水，商家拒绝退货。", "claims": "退货；退款", "purchase": "电热水壶", "amount": "199.00元", "occurredOn": "2026年11月18日",
            "occurredPlace": "示范街2号", "subject": "示范百货店（电热水壶）", "matterKind": "投诉", "lawTitle": "市场监督管理投诉举报处理办法", "contactAddress": "示范路100号",
            "contactPhone": "12315", "contactPerson": "李四", "dispatchTo": "示范区市场监督管理局", "dueOn": "2026年12月1日", "attachmentCount": "2", "attachmentPages": "5",
            "identityMaterials": "身份证件复印件", "identityArticle": grounds.article, "materialArticle": grounds.material, "refusalArticle": "第十六条",
            "endingArticle": "第二十三条", "reason": "投诉事项不属于市场监督管理部门职责。", "mediationTime": "2026年12月2日 09:30", "mediationPlace": "一楼调解室", "mediators": "王五",
            "recusalDays": "3", "recipients": "张三、示范百货店", "bring": "购买凭证及其他证据", "agreementText": "被投诉人于2026年12月5日前退款199元。", "registrar": "李四",
            "grounds": checklist(Grounds.shared.refusal("O121"), chosen: "1"), "remedies": Grounds.shared.remedies.map { ["text": $0.zh] },
        ]
    }

    static func form(_ name: String) -> DocumentForm { forms.first { $0.name == name }! }

    /// What every form may print. A missing value is left out: the form prints a blank.
    static func values(_ c: Complaint, _ tx: Transaction, desk: Desk) throws -> [String: Any] {
        let person = try tx.complainant(of: c.matter.id)
        var v: [String: Any] = [
            "office": desk.office(for: c.matter.region).name, "complaintNumber": c.matter.number, "receivedOn": Documents.chinese(c.matter.receivedAt.day),
            "complainantName": person.name.whole(.bySubject), "complainantPhone": person.phone.whole(.bySubject), "complainantAddress": person.address.whole(.bySubject),
            "respondentName": c.respondentName, "respondentAddress": c.respondentAddress, "facts": c.facts, "claims": c.claimsText.zh, "matterKind": "投诉",
            "lawTitle": desk.law.register[c.law]?.title ?? c.law, "contactAddress": desk.office(for: c.matter.region).name, "contactPhone": desk.configuration.hotline,
            "subject": "\(c.respondentName)\(c.purchase.map { "（\($0)）" } ?? "")",
        ]
        let grounds = Grounds.shared.identity(c.law)
        v["identityArticle"] = grounds.article
        v["materialArticle"] = grounds.material
        v["withoutFalsity"] = !grounds.falsity
        let articles = c.law == "O20" ? ("第十五条", "第二十一条") : ("第十六条", "第二十三条")
        v["refusalArticle"] = articles.0
        v["endingArticle"] = articles.1
        func set(_ key: String, _ value: String?) { if let value, !value.isEmpty { v[key] = value } }
        set("complainantIDType", person.idType)
        set("complainantIDNumber", person.idNumber?.whole(.bySubject))
        set("agentName", person.agent)
        set("respondentPhone", c.respondentPhone)
        set("respondentHead", try c.matter.operator.map { try Operators.find($0, tx).representative })
        set("occurredOn", c.occurredOn.map(Documents.chinese))
        set("occurredPlace", c.occurredPlace)
        set("purchase", c.purchase)
        set("amount", c.amount.map { "\($0.plain)元" })
        set("reason", c.reason)
        set("mediationTime", c.mediationAt)
        set("mediationPlace", c.mediationPlace)
        set("mediators", c.mediators)
        set("agreementText", c.agreement)
        if let yes = c.publication { v[yes ? "publicationConsent" : "publicationRefusal"] = true }
        if let yes = c.delegation { v[yes ? "delegationConsent" : "delegationRefusal"] = true }
        return v
    }

    static func checklist(_ grounds: [Ground], chosen: String?) -> [[String: Any]] {
        grounds.map { ["ordinal": $0.ordinal ?? Numerals.chinese(Int($0.id) ?? 0), "text": $0.zh, "chosen": $0.id == chosen] }
    }

    /// Issues a form and tells the parties, by the channel that was named.
    /// The forms that the business receives too: they go out without the complainant's phone, address and identity.
    static let forBoth: Set<String> = ["mediation", "ending", "agreement"]

    @discardableResult
    static func issue(
        _ name: String, for c: Complaint, adding more: [String: Any] = [:], to recipients: [String], through channel: String, by actor: Actor, at now: Moment, desk: Desk,
        _ tx: Transaction
    )
        throws -> IssuedDocument
    {
        var values = try values(c, tx, desk: desk).merging(more) { $1 }
        if forBoth.contains(name) {
            let hide = try Redaction.of(c, tx)
            for key in ["facts", "purchase", "subject"] { if let text = values[key] as? String { values[key] = hide(text) } }
            for key in ["complainantPhone", "complainantAddress", "complainantIDType", "complainantIDNumber"] { values[key] = nil }
        }
        if let officer = actor.account { values["contactPerson"] = officer.name }
        let document = try Documents.issue(
            form(name), for: c.matter, values: values, office: desk.office(for: c.matter.region).short, by: actor.mark, account: actor.account?.id, at: now, tx)
        for recipient in recipients {
            try Casework.notify(recipient, of: c.matter.id, by: channel, document.title, document: document.id, at: now, tx)
        }
        return document
    }
}
