import Foundation
import Kernel
import Platform
import Statute
import Store

/// The official documents of a case (行政处罚文书): the book's forms, each with the fields that an officer fills where no act brings them.
package struct CaseForms: Sendable {
    package struct Field: Sendable, Decodable {
        package let id: String
        private let zh: String, en: String
        /// `line`, `area`, `day`; `optional` and `optionalDay` may be left out.
        package let kind: String
        package var title: Text { Text(zh, en) }
        package var isOptional: Bool { kind.hasPrefix("optional") }
    }
    package struct Form: Sendable, Decodable {
        /// Its place in the book of 2021.
        package let number: Int
        package let name: String
        private let titleZH: String, titleEN: String
        package let series: String
        /// `main` or `sub`: the volume of the archive into which it goes.
        package let volume: String
        package let fields: [Field]
        private enum CodingKeys: String, CodingKey {
            case number, name, series, volume, fields
            case titleZH = "title", titleEN = "titleEn"
        }
        package var title: Text { Text(titleZH, titleEN) }
    }
    package let all: [Form]
    private let folder: URL

    package static let shared: CaseForms = {
        do { return try CaseForms() } catch { preconditionFailure("the documents of Enforcement are missing beside the binary: \(error)") }
    }()
    private init() throws {
        let beside = Bundle.main.bundleURL.appendingPathComponent("sinan_Enforcement.resources")
        folder = (FileManager.default.fileExists(atPath: beside.path) ? beside : Bundle.module.bundleURL).appendingPathComponent("Documents")
        all = try JSONDecoder().decode([Form].self, from: Data(contentsOf: folder.appendingPathComponent("forms.json")))
    }
    package subscript(_ name: String) -> Form? { all.first { $0.name == name } }
    private func template(_ name: String) -> String {
        do { return try String(contentsOf: folder.appendingPathComponent("\(name).mustache"), encoding: .utf8) } catch {
            preconditionFailure("the template \(name) is missing: \(error)")
        }
    }
    /// As the house knows them: their templates may be edited by the office.
    package var forms: [DocumentForm] { all.map(document) }
    func document(_ form: Form) -> DocumentForm {
        DocumentForm(name: form.name, title: form.title, series: form.series, template: template(form.name), sample: { CaseDocuments.sample })
    }
    /// What an officer makes from the case's page, since no act of the table brings it.
    package var byHand: [Form] { all.filter { !$0.fields.isEmpty } }
}

/// Fills the documents of a case from the case (文书填写).
package struct CaseDocuments: Sendable {
    let desk: Desk

    /// What every form may print. A missing value is left out: the form prints a blank.
    func values(_ c: Case, by officer: Account?, _ tx: Transaction) throws -> [String: Any] {
        let register = desk.law.register
        let office = desk.office(for: c.matter.region).name
        var v: [String: Any] = [
            "office": office, "unit": office, "caseName": name(c), "cause": c.cause, "partyName": c.party.name, "partyAddress": c.party.address, "recipient": c.party.name,
            "clue": c.clue, "foundOn": Documents.chinese(c.matter.receivedAt.day), "sourceTitle": Sources.title(c.source).zh,
            "contactPhone": desk.configuration.hotline,
            "reviewBody": (c.matter.region.count < 6 ? desk.configuration.cityName.zh : desk.regions.name(String(c.matter.region.prefix(6)))) + "人民政府",
            "courtName": "有管辖权的人民法院",
        ]
        func set(_ key: String, _ value: String?) { if let value, !value.isEmpty { v[key] = value } }
        set("partyCode", c.party.code)
        set("partyHead", c.party.head)
        set("partyPhone", c.party.phone)
        set("contactPerson", officer?.name)
        set("filedOn", c.filedOn.map(Documents.chinese))
        set("findings", c.findings)
        set("facts", c.facts)
        set("nature", c.nature.map(Wording.nature))
        set("statement", c.statement)
        set("reviewed", c.reviewed)
        set("decisionNumber", c.decisionNumber)
        set("decidedOn", c.decidedOn.map(Documents.chinese))
        set("servedOn", c.servedOn.map(Documents.chinese))
        set("demandServedOn", c.demandServedOn.map(Documents.chinese))
        set("bannedBy", c.bans.map { cite($0, register) })
        set("penalisedBy", c.penalty.map { cite($0, register) })
        v["reviewFirst"] = (c.penalty ?? "").hasPrefix("PRP")
        let people = try tx.people(of: c.matter.id).filter { $0.role == .officer && $0.until == nil }
        let names = try Accounts.names(people.map(\.account), tx)
        if !people.isEmpty {
            v["officers"] = people.compactMap { names[$0.account] }.joined(separator: "、")
            v["contactPerson"] = v["officers"]
            v["officerList"] = people.map { ["name": names[$0.account] ?? "", "certificate": $0.certificate ?? ""] }
        }
        let evidence = try CaseEvidence.of(c.matter.id, tx).filter { $0.excluded == nil }
        v["hasEvidence"] = !evidence.isEmpty
        v["evidence"] = evidence.enumerated().map { ["ordinal": String($0.offset + 1), "title": $0.element.title, "proves": $0.element.proves] }
        set("course", try course(c, officers: v["officers"] as? String, tx))
        return v
    }

    private func cite(_ list: String, _ register: LawRegister) -> String {
        list.split(separator: ",").compactMap { Article(String($0)) }.map { article in
            let title = register[article.law]?.title ?? article.law
            return "《\(title)》\(Numerals.article(article.article))"
        }.joined(separator: "、")
    }

    /// What a decision prints of an outcome.
    func outcome(_ outcome: Outcome, of c: Case) -> [String: Any] {
        var v: [String: Any] = [
            "items": outcome.items().enumerated().map { ["ordinal": String($0.offset + 1), "text": $0.element] }, "proposal": outcome.kind.title.zh, "hearing": c.hearing,
        ]
        if outcome.payable.fen > 0 { v["payable"] = outcome.payable.plain }
        if outcome.refund.fen > 0 { v["refund"] = outcome.refund.plain }
        if !outcome.reasons.isEmpty { v["discretion"] = discretion(outcome) }
        return v
    }
    private func discretion(_ o: Outcome) -> String {
        let factors = o.factors.compactMap { Leniency.shipped.factor($0)?.text.zh }
        return (factors.isEmpty ? "" : "具有\(factors.joined(separator: "、"))情形，") + "\(o.kind == .punish ? "按\(o.tier.title.zh)幅度裁量。" : "")" + Wording.sentence(o.reasons)
    }
    package func name(_ c: Case) -> String { "\(c.party.name)涉嫌\(c.cause)案" }

    /// How the case went so far, for the report and the decision.
    private func course(_ c: Case, officers: String?, _ tx: Transaction) throws -> String? {
        guard let filed = c.filedOn else { return nil }
        var text = "本局于\(Documents.chinese(c.matter.receivedAt.day))通过\(Sources.title(c.source).zh)发现线索，经核查，于\(Documents.chinese(filed))予以立案"
        if let officers { text += "，指定\(officers)为办案人员" }
        text += "。"
        for row in try tx.all(
            "SELECT x.kind AS kind, x.taken_at AS taken_at FROM enforcement_measures x WHERE x.of_case = \(c.matter.id) ORDER BY x.taken_at")
        {
            text += "\(Documents.chinese(row.moment("taken_at").day))采取\(Measure.Kind(rawValue: row.string("kind"))?.title.zh ?? "")措施。"
        }
        return text
    }

    @discardableResult
    func issue(_ name: String, for c: Case, adding more: [String: Any] = [:], by actor: Actor, matter: Matter? = nil, at now: Moment, _ tx: Transaction) throws -> IssuedDocument {
        guard let form = CaseForms.shared[name] else { throw Fault("no form \(name)") }
        let values = try values(c, by: actor.account, tx).merging(more) { $1 }
        return try Documents.issue(
            CaseForms.shared.document(form), for: matter ?? c.matter, values: values, office: desk.office(for: c.matter.region).short, by: actor.mark,
            account: actor.account?.id, at: now, tx)
    }

    /// A case that does not exist, for trying a template.
    static var sample: [String: Any] {
        [
            "number": "示市监罚告〔2026〕1号", "date": "2026年11月23日", "office": "示范区市场监督管理局", "caseName": "示范百货店涉嫌价格欺诈案", "cause": "价格欺诈", "partyName": "示范百货店",
            "recipient": "示范百货店", "partyCode": "92371300MA3XXXXXX1", "partyAddress": "示范街2号", "partyHead": "李四", "contactPerson": "王五", "contactPhone": "12315",
            "contactAddress": "示范路100号", "filedOn": "2026年10月8日", "foundOn": "2026年9月20日", "facts": "当事人在网店使用虚构的原价。", "nature": "当事人的行为构成价格欺诈。",
            "bannedBy": "《明码标价和禁止价格欺诈规定》第十六条", "penalisedBy": "《价格违法行为行政处罚规定》第七条", "officers": "王五、赵六", "payable": "50000.00", "fine": "50000.00",
            "items": [["ordinal": "1", "text": "罚款50000.00元"]], "hasEvidence": true, "evidence": [["ordinal": "1", "title": "网页截图", "proves": "虚构原价"]], "hearing": false,
            "decisionNumber": "示市监处罚〔2026〕1号", "decidedOn": "2026年11月20日", "unpaid": "50000.00",
            "goodsList": [["ordinal": "1", "name": "电热水壶", "model": "1.7L", "quantity": "3个", "note": ""]],
        ]
    }
}

/// Where a case comes from (案件来源).
///
/// Law: PCD art. 18.
package enum Sources {
    package static let all: [(String, Text)] = [
        ("inspection", Text("监督检查", "Inspection")), ("complaint", Text("投诉", "Complaint")), ("report", Text("举报", "Report")), ("monitoring", Text("监测线索", "Monitoring lead")),
        ("transfer", Text("其他部门移送", "Transfer from another agency")), ("assigned", Text("上级交办", "Assigned by a superior")), ("other", Text("其他", "Other")),
    ]
    package static func title(_ source: String) -> Text { all.first { $0.0 == source }?.1 ?? Text(verbatim: source) }
    /// What a matter of another kind is as a source.
    static func of(_ kind: String) -> String {
        switch kind {
        case "lead": "monitoring"
        case "complaint": "complaint"
        case "report": "report"
        case "inspection": "inspection"
        default: "other"
        }
    }
}

/// A piece of evidence (证据), of one of the eight kinds.
///
/// Law: PCD art. 23–26.
package struct CaseEvidence: Sendable {
    package static let kinds: [(String, Text)] = [
        ("documentary", Text("书证", "Documents")), ("physical", Text("物证", "Things")), ("audiovisual", Text("视听资料", "Audio and video")),
        ("electronic", Text("电子数据", "Electronic data")),
        ("witness", Text("证人证言", "Witnesses")), ("party", Text("当事人的陈述", "The party's statement")), ("expert", Text("鉴定意见", "Expert opinion")),
        ("scene", Text("勘验笔录、现场笔录", "Records of the scene")),
    ]
    package let id: Int64
    package let kind: String
    package let title: String
    package let source: String
    package let takenOn: Day
    package let original: Bool
    package let proves: String
    package let item: String?
    package let attachment: Int64?
    package let excluded: String?
    init(_ row: Row) {
        id = row.int("id")
        kind = row.string("kind")
        title = row.string("title")
        source = row.string("source")
        takenOn = row.day("taken_on")
        original = row.bool("original")
        proves = row.string("proves")
        item = row.optionalString("item")
        attachment = row.optionalInt("attachment")
        excluded = row.optionalString("excluded")
    }
    static func of(_ id: ID<Matter>, _ tx: Transaction) throws -> [CaseEvidence] {
        try tx.all("SELECT * FROM enforcement_evidence WHERE matter = \(id) ORDER BY id").map(CaseEvidence.init)
    }
}

/// How what was typed stands in a document (文书用语).
enum Wording {
    /// What was typed as a whole sentence: with its full stop, and a predicate where it is only the name of a violation.
    static func sentence(_ text: String) -> String {
        let text = text.trimmed
        guard let last = text.last else { return text }
        return "。；！？.".contains(last) ? text : text + "。"
    }
    static func nature(_ text: String) -> String {
        sentence(["构成", "违反", "属于", "系", "是", "已"].contains { text.contains($0) } ? text : "当事人的上述行为属于\(text.trimmed)")
    }
}
