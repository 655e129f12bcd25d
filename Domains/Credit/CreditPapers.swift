import Kernel
import Platform
import Statute
import Store

/// The papers of lists and repair (列入、移出、修复的决定和告知): what the party is told in writing. The rules prescribe what they say, no form; an office may change them under templates.
///
/// Law: ABN art. 5, 10, 12; O44 art. 13; O107 art. 14(4), 17, 23.
enum CreditPapers {
    private static let remedy = "如不服本决定，可以依法申请行政复议或者提起行政诉讼。"
    private static func form(_ name: String, _ title: Text, _ series: String, _ body: String) -> DocumentForm {
        DocumentForm(
            name: name, title: title, series: series,
            template: """
                <h1 class="title">\(title.zh)</h1><p class="number">{{number}}</p><p class="recipient">{{name}}：</p><p>\(body)</p>\
                {{#reason}}<p class="text">{{reason}}</p>{{/reason}}<div class="closing"><p>{{office}}（印章）</p><p>{{date}}</p></div>
                """,
            sample: {
                [
                    "number": "示市监信〔2026〕1号", "name": "示范百货店", "uscc": "91…", "what": "未按规定期限公示年度报告", "article": "《企业经营异常名录管理办法》第六条", "reason": "经核实，情况属实。",
                    "date": "2026年7月8日", "office": "示范区市场监督管理局",
                ]
            })
    }
    static let forms: [String: DocumentForm] = Dictionary(
        uniqueKeysWithValues: [
            form(
                "abnormal-listing", Text("列入经营异常名录决定书", "Decision to list as abnormal"), "异列",
                "经查，你（单位）（统一社会信用代码：{{uscc}}）{{what}}。依据{{article}}的规定，本局决定自{{date}}起将你（单位）列入经营异常名录，并通过国家企业信用信息公示系统公示。你（单位）对列入有异议的，可以自公示之日起三十日内向本局提出书面申请并提交相关证明材料；符合移出条件的，可以依照《市场监督管理信用修复管理办法》申请移出。\(remedy)"
            ),
            form(
                "abnormal-removal", Text("移出经营异常名录决定书", "Decision to take off the abnormal list"), "异移",
                "你（单位）（统一社会信用代码：{{uscc}}）因{{what}}被列入经营异常名录。依据{{article}}的规定，本局决定自{{date}}起将你（单位）移出经营异常名录。"),
            form(
                "abnormal-objection", Text("经营异常名录异议处理告知书", "What came of the objection"), "异议", "你（单位）对因{{what}}被列入经营异常名录提出的异议，依据{{article}}的规定，本局处理结果如下：\(remedy)"),
            form(
                "serious-notice", Text("列入严重违法失信名单告知书", "Notice before a serious listing"), "严告",
                "你（单位）（统一社会信用代码：{{uscc}}）涉嫌属于{{what}}规定的情形，性质恶劣、情节严重、社会危害较大。依据{{article}}的规定，本局拟将你（单位）列入严重违法失信名单，通过国家企业信用信息公示系统公示，并实施相应管理措施，期限三年。你（单位）依法享有陈述、申辩的权利，可以自收到本告知书之日起五个工作日内提出；逾期未提出的，视为放弃。"
            ),
            form(
                "serious-decision", Text("列入严重违法失信名单决定书", "Decision of a serious listing"), "严列",
                "你（单位）（统一社会信用代码：{{uscc}}）属于{{what}}规定的情形。依据{{article}}的规定，经上一级市场监督管理部门同意，本局决定自{{date}}起将你（单位）列入严重违法失信名单，通过国家企业信用信息公示系统公示；公示期满一年且符合条件的，可以申请信用修复提前移出。\(remedy)"
            ),
            form(
                "serious-removal", Text("移出严重违法失信名单决定书", "Decision to take off the serious list"), "严移",
                "你（单位）（统一社会信用代码：{{uscc}}）被列入严重违法失信名单。依据{{article}}的规定，本局决定自{{date}}起将你（单位）移出。"),
            form("repair-supplement", Text("信用修复申请补正告知书", "What is missing in an application for repair"), "修补", "你（单位）关于“{{what}}”的信用修复申请收悉。依据{{article}}的规定，请补正以下内容："),
            form("repair-not-accepted", Text("信用修复申请不予受理决定书", "Application for repair not taken up"), "修不受", "你（单位）关于“{{what}}”的信用修复申请，依据{{article}}的规定，本局决定不予受理，理由如下。\(remedy)"),
            form("repair-granted", Text("准予信用修复决定书", "Repair granted"), "修准", "你（单位）关于“{{what}}”的信用修复申请，经核实符合条件。依据{{article}}的规定，本局决定准予信用修复，将自作出决定之日起三个工作日内停止公示或者移出。"),
            form("repair-refused", Text("不予信用修复决定书", "Repair refused"), "修不准", "你（单位）关于“{{what}}”的信用修复申请，依据{{article}}的规定，本局决定不予信用修复，理由如下。\(remedy)"),
            form(
                "repair-revoked", Text("撤销信用修复决定书", "Repair revoked"), "修撤",
                "你（单位）在“{{what}}”的信用修复中故意隐瞒真实情况、弄虚作假。依据{{article}}的规定，本局决定撤销准予信用修复的决定，恢复公示，公示期自本决定之日起重新计算，三年内不得申请信用修复。\(remedy)"),
        ].map { ($0.name, $0) })

    @discardableResult
    static func issue(
        _ name: String, for matter: Matter, to party: (name: String, code: String), what: String, under article: Article, reason: String? = nil, desk: Desk, by actor: Actor,
        at now: Moment,
        _ tx: Transaction
    ) throws -> IssuedDocument {
        guard let form = forms[name] else { throw Fault("no paper \(name)") }
        let office = desk.office(for: matter.region)
        var values: [String: Any] = [
            "name": party.name, "uscc": party.code, "what": what, "office": office.name,
            "article": "《\(desk.law.register[article.law]?.title ?? "")》\(Numerals.article(article.article))",
        ]
        if let reason, !reason.isEmpty { values["reason"] = reason }
        return try Documents.issue(form, for: matter, values: values, office: office.short, by: actor.mark, account: actor.account?.id, at: now, tx)
    }
}
