import Formats
import Kernel
import Platform
import Store
import Web

/// A complaint that is being written (草稿): kept on the server under a random cookie, so a closed browser loses nothing.
/// Drafts are dropped after thirty days.
struct Draft: Sendable {
    static let cookie = "sinan_draft"
    static let lifetime: Int64 = 30 * 86_400

    var fields: Form
    var files: [Attachments.Kept]

    static func load(_ token: String?, at now: Moment, _ tx: Transaction) throws -> Draft {
        guard let token, token.count == 32,
            let row = try tx.one("SELECT fields, files FROM disputes_drafts WHERE token = \(Accounts.hash(token)) AND changed_at > \(now.adding(seconds: -lifetime))")
        else {
            return Draft(fields: Form(), files: [])
        }
        var fields: [(String, String)] = []
        if case .object(let pairs) = try JSON(parsing: Array(row.string("fields").utf8)) {
            for (key, value) in pairs { for item in value.array ?? [] { if let text = item.string { fields.append((key, text)) } } }
        }
        let files = (try JSON(parsing: Array(row.string("files").utf8)).array ?? []).compactMap(Attachments.Kept.init)
        return Draft(fields: Form(fields), files: files)
    }

    func save(_ token: String, at now: Moment, _ tx: Transaction) throws {
        var names: [String] = []
        for (name, _) in fields.fields where !names.contains(name) { names.append(name) }
        let body = JSON.object(names.map { name in (name, .array(fields.all(name).map(JSON.string))) }).text
        guard body.utf8.count < 60_000 else { throw Refusal(.tooLarge, Text("填写内容过长", "What you wrote is too long")) }
        let list = JSON.array(files.map(\.json)).text
        try tx.run("DELETE FROM disputes_drafts WHERE changed_at < \(now.adding(seconds: -Draft.lifetime))")
        try tx.run(
            """
            INSERT INTO disputes_drafts (token, fields, files, changed_at) VALUES (\(Accounts.hash(token)), \(body), \(list), \(now))
            ON CONFLICT (token) DO UPDATE SET fields = \(body), files = \(list), changed_at = \(now)
            """)
    }

    /// Every file that some draft has.
    @Sendable static func files(_ tx: Transaction) throws -> Set<String> {
        var all: Set<String> = []
        try tx.forEach("SELECT files FROM disputes_drafts") { row in
            for item in try JSON(parsing: Array(row.string("files").utf8)).array ?? [] {
                for key in ["hash", "outside"] { if let hash = item[key]?.string { all.insert(hash) } }
            }
        }
        return all
    }

    static func drop(_ token: String, _ tx: Transaction) throws { try tx.run("DELETE FROM disputes_drafts WHERE token = \(Accounts.hash(token))") }
}

extension Filing {
    /// Reads the fields of a page's form. Refusals collect: a number or a day that cannot be read is named, never dropped.
    init(form: Form, source: String) throws(Refusal) {
        self.init()
        self.source = source
        var wrong: [Refusal.Field] = []
        complainantName = form["name"] ?? ""
        complainantPhone = form["phone"] ?? ""
        complainantAddress = form["address"] ?? ""
        idType = form["idType"]
        idNumber = form["idNumber"]
        agent = form["agent"]
        respondentName = form["respondentName"] ?? ""
        respondentAddress = form["respondentAddress"] ?? ""
        respondentPhone = form["respondentPhone"]
        respondentUSCC = form["respondentUSCC"]?.uppercased()
        platform = form["platform"]
        shopURL = form["shopURL"]
        facts = form["facts"] ?? ""
        purchase = form["purchase"]
        occurredPlace = form["occurredPlace"]
        externalNumber = form["externalNumber"]
        way = form["way"].flatMap { Prior.Way(rawValue: $0) }
        if source != "web", let id = form["station"].flatMap({ Int64($0) }) { (way, station) = (.station, id) }
        if let text = form["occurredOn"] {
            occurredOn = Transfer.day(text)
            if occurredOn == nil { wrong.append(.init("/occurredOn", Text("日期应为 2026-11-23 形式", "A date reads 2026-11-23"))) }
        }
        if let text = form["amount"] {
            amount = Money(yuan: text)
            if amount == nil { wrong.append(.init("/amount", Money.shape)) }
        }
        for text in form.all("claim") {
            guard let kind = ClaimKind(rawValue: text) else {
                wrong.append(.init("/claims", Text("没有“\(text)”这项诉求", "There is no claim “\(text)”")))
                continue
            }
            claims.append(Claim(kind: kind, amount: kind.hasAmount ? amount : nil))
        }
        for name in ["publication", "delegation"] {
            guard let text = form[name] else { continue }
            guard text == "yes" || text == "no" else {
                wrong.append(.init("/\(name)", Text("请选择是或否", "Choose yes or no")))
                continue
            }
            if name == "publication" { publication = text == "yes" } else { delegation = text == "yes" }
        }
        if !wrong.isEmpty { throw .invalid(wrong) }
    }

    /// The pointer of a field as its form calls it.
    static func formName(_ pointer: String) -> String {
        [
            "/complainant/name": "name", "/complainant/phone": "phone", "/complainant/address": "address", "/respondent/name": "respondentName",
            "/respondent/address": "respondentAddress",
            "/respondent/taxID": "respondentUSCC", "/respondent/shopURL": "shopURL", "/respondent/phone": "respondentPhone", "/respondent/platform": "platform", "/claims": "claim",
            "/consents/publication": "publication", "/consents/delegation": "delegation",
        ][pointer] ?? String(pointer.dropFirst())
    }
    static func forForm(_ refusal: Refusal) -> Refusal {
        Refusal(refusal.kind, refusal.text, fields: refusal.fields.map { .init("/" + formName($0.pointer), $0.text) }, article: refusal.article)
    }
}
