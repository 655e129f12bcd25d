import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// A report of a breach of market-supervision law (举报). Who reports is not in here: see `Reporter`.
///
/// Law: O121 art. 3, 28.
package struct Report: Sendable {
    package let matter: Matter
    package let source: String
    package let named: Bool
    package let area: String
    package let hasEvidence: Bool
    package let respondentName: String
    package let respondentAddress: String
    package let respondentUSCC: String?
    package let shopURL: String?
    package let clues: String
    package let occurredOn: Day?
    package let reason: String?
    package let told: String?
    package let reward: Money?
    let tracking: String

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        source = row.string("source")
        named = row.bool("named")
        area = row.string("area")
        hasEvidence = row.bool("evidence")
        respondentName = row.string("respondent_name")
        respondentAddress = row.string("respondent_address")
        respondentUSCC = row.optionalString("respondent_uscc")
        shopURL = row.optionalString("shop_url")
        clues = row.string("clues")
        occurredOn = row.optionalDay("occurred_on")
        reason = row.optionalString("reason")
        told = row.optionalString("told")
        reward = row.optionalMoney("reward")
        tracking = row.string("tracking")
    }

    /// Whether a reward is open: somebody to thank, something that came of it, none given.
    var mayBeRewarded: Bool { named && reward == nil && ["filed", "handed-over"].contains(matter.outcome ?? "") }
    var areaTitle: Text { ReportRules.shared.area(area)?.title ?? Text(verbatim: area) }
    /// The rule that asks to tell the result; nil: none seen.
    package var telling: ReportRules.Telling? { ReportRules.shared.area(area)?.telling(named: named, evidence: hasEvidence) }
}

extension Transaction {
    package func report(_ matter: Matter) throws -> Report {
        guard matter.kind == ReportMoves.kind, let row = try one("SELECT * FROM disputes_reports WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Report(matter, row)
    }
}

/// Who reports (举报人): sealed under a key that is not in the database; opened only by who handles the report, with a purpose.
///
/// Law: O121 art. 37.
package struct Reporter: Sendable {
    package var name: String
    package var phone: String
    package var address: String
    package var idNumber: String?
    package init(name: String, phone: String, address: String, idNumber: String?) { (self.name, self.phone, self.address, self.idNumber) = (name, phone, address, idNumber) }

    /// Ours alone: from the installation's secret, for this use.
    private static func key(_ use: String, _ keys: Keys) -> [UInt8] { Crypto.hmacSHA256(key: keys.secret, Array("reporters|\(use)".utf8)) }

    func sealed(for matter: ID<Matter>, _ keys: Keys) -> String {
        let body = JSON.object([("name", .string(name)), ("phone", .string(phone)), ("address", .string(address)), ("id", .text(idNumber))]).text
        return Crypto.hex(Crypto.seal(Array(body.utf8), key: Reporter.key("identity", keys), context: Array("\(matter)".utf8)))
    }

    /// A message between office and reporter, sealed under the same secret.
    static func seal(_ text: String, for matter: ID<Matter>, _ keys: Keys) -> String {
        "sealed:" + Crypto.hex(Crypto.seal(Array(text.utf8), key: key("messages", keys), context: Array("\(matter)".utf8)))
    }
    /// - Returns: what older installations kept in the clear as it is; what another key sealed, as not to be read.
    static func unseal(_ stored: String, of matter: ID<Matter>, _ keys: Keys) -> String {
        guard stored.hasPrefix("sealed:") else { return stored }
        guard let bytes = Crypto.bytes(hex: String(stored.dropFirst(7))), let plain = Crypto.open(bytes, key: key("messages", keys), context: Array("\(matter)".utf8)) else {
            return "（密钥与写入时不同，无法解开）"
        }
        return String(decoding: plain, as: UTF8.self)
    }

    /// One person's mark over all reports: tells that two are by one phone, not whose it is.
    func mark(_ keys: Keys) -> String { Crypto.hex(Crypto.hmacSHA256(key: Reporter.key("mark", keys), Array(phone.utf8)).prefix(16)) }

    /// - Errors: `forbidden` for whoever does not handle the report; a purpose is needed, and written down.
    static func open(_ r: Report, purpose: String, by account: Account, desk: Desk, at now: Moment, _ tx: Transaction) throws -> Reporter {
        guard r.matter.assignee == account.id else {
            throw Refusal(.forbidden, Text("举报人信息只能由承办人查看", "Only who handles the report may see who made it"), article: Article(law: "O121", article: "37"))
        }
        _ = try Reveal.log(r.matter.reference, purpose: purpose, by: account, desk.permissions, at: now, tx)
        guard let row = try tx.one("SELECT sealed FROM disputes_reporters WHERE matter = \(r.matter.id)") else { throw Refusal.notFound }
        guard let bytes = Crypto.bytes(hex: row.string("sealed")), let plain = Crypto.open(bytes, key: key("identity", desk.keys), context: Array("\(r.matter.id)".utf8)),
            let json = try? JSON(parsing: plain), let name = json["name"]?.string, let phone = json["phone"]?.string
        else { throw Refusal(.unavailable, Text("举报人信息无法解开：密钥与登记时不同", "Who reported cannot be opened: the key is another than at registration")) }
        return Reporter(name: name, phone: phone, address: json["address"]?.string ?? "", idNumber: json["id"]?.string)
    }
}

/// A report as it is made (举报材料), by page or at the counter.
package struct ReportFiling: Sendable {
    package var source = "web"
    package var area = ""
    package var respondentName = ""
    package var respondentAddress = ""
    package var respondentUSCC: String?
    package var shopURL: String?
    package var clues = ""
    package var occurredOn: Day?
    /// Nil: nameless.
    package var reporter: Reporter?
    package var receivedAt: Moment?
    package init() {}

    /// Reads a form. Wrong fields are collected by their pointer.
    package init(form: Form, source: String, today: Day) throws(Refusal) {
        self.source = source
        var wrong: [Refusal.Field] = []
        func need(_ name: String, _ most: Int, _ what: Text) -> String {
            let value = form[name] ?? ""
            if value.isEmpty { wrong.append(.init("/\(name)", Text("请填写\(what.zh)", "Give \(what.en)"))) }
            if value.count > most { wrong.append(.init("/\(name)", Text("不能超过\(most)字", "At most \(most) characters"))) }
            return value
        }
        area = form["area"] ?? ""
        if ReportRules.shared.area(area) == nil { wrong.append(.init("/area", Text("请选择涉及领域", "Choose what it is about"))) }
        respondentName = need("respondentName", 120, Text("被举报的商家或个人", "who is reported"))
        respondentAddress = need("respondentAddress", 300, Text("地址（网店填平台和店铺）", "the address (a web shop: platform and shop)"))
        clues = need("clues", 5000, Text("具体线索和事实依据", "what you know and what shows it"))
        shopURL = form["shopURL"]
        if let url = shopURL, url.count > 1000 || !(url.hasPrefix("https://") || url.hasPrefix("http://")) {
            wrong.append(.init("/shopURL", Text("网址应以 https:// 开头", "An address begins with https://")))
        }
        if let text = form["respondentUSCC"] {
            respondentUSCC = text.uppercased()
            do { _ = try USCC(text.uppercased()) } catch { wrong.append(.init("/respondentUSCC", Text("统一社会信用代码\(error.text.zh)", "The credit code \(error.text.en)"))) }
        }
        if let text = form["occurredOn"] {
            occurredOn = Transfer.day(text)
            if occurredOn == nil || occurredOn! > today { wrong.append(.init("/occurredOn", Text("日期应为今天以前，形如 2026-11-23", "A day up to today, like 2026-11-23"))) }
        }
        switch form["named"] {
        case "yes":
            let phone = need("phone", 30, Text("联系电话", "a phone number")).phone
            if !phone.isEmpty, !phone.isPhone { wrong.append(.init("/phone", Text("电话号码格式不正确", "This is not a phone number"))) }
            reporter = Reporter(
                name: need("name", 60, Text("姓名", "a name")), phone: phone, address: String((form["address"] ?? "").prefix(200)),
                idNumber: form["idNumber"].map { String($0.prefix(30)) })
        case "no": reporter = nil
        default: wrong.append(.init("/named", Text("请选择实名或匿名", "Choose: with your name or without")))
        }
        if !wrong.isEmpty { throw .invalid(wrong) }
    }

    /// The report within a complaint: by the complainant, about the same business.
    package init(with filing: Filing, area: String, clues: String, source: String) {
        self.init()
        (self.source, self.area, self.clues) = (source, area, String(clues.prefix(5000)))
        (respondentName, respondentAddress, respondentUSCC, shopURL, occurredOn) = (
            filing.respondentName.trimmed, filing.respondentAddress.trimmed, filing.respondentUSCC, filing.shopURL, filing.occurredOn
        )
        reporter = Reporter(name: filing.complainantName.trimmed, phone: filing.complainantPhone.phone, address: filing.complainantAddress.trimmed, idNumber: filing.idNumber)
    }

    /// 拆分举报: what of a complaint is a report too. Its period runs from the day on which the material came. Law: O121 art. 9.
    static func split(from c: Complaint, named: Bool, area: String, clues: String, by actor: Actor, at now: Moment, desk: Desk, _ tx: Transaction) throws -> Matter {
        for linked in try tx.all("SELECT m.* FROM casework_links l JOIN casework_matters m ON m.id = l.other WHERE l.matter = \(c.matter.id)").map(Matter.init)
        where linked.kind == ReportMoves.kind {
            // Its number is for who may see reports.
            throw Refusal(.conflict, Text("已拆出举报\(named ? linked.number : "")", "Its report is handled apart already\(named ? ": \(linked.number)" : "")"))
        }
        let person = try tx.complainant(of: c.matter.id)
        var filing = Filing()
        (filing.complainantName, filing.complainantPhone, filing.complainantAddress) = (
            person.name.whole(.bySubject), person.phone.whole(.bySubject), person.address.whole(.bySubject)
        )
        (filing.respondentName, filing.respondentAddress, filing.respondentUSCC) = (c.respondentName, c.respondentAddress, c.respondentUSCC)
        (filing.shopURL, filing.occurredOn) = (c.shopURL, c.occurredOn)
        var report = ReportFiling(with: filing, area: area, clues: clues, source: "complaint")
        report.receivedAt = c.matter.receivedAt
        return try report.register(linked: c.matter, by: actor, desk: desk, at: now, code: AccessCode.make(), tx)
    }

    /// Takes a report in: number, code, sealed identity, first clocks, ledger — or nothing at all.
    /// - Parameter linked: the complaint that it was part of. Law: O121 art. 9.
    package func register(files: [Attachments.Kept] = [], linked: Matter? = nil, by actor: Actor, desk: Desk, at now: Moment, code: String, _ tx: Transaction) throws -> Matter {
        let received = receivedAt ?? now
        let casework = Casework(table: ReportMoves.table, desk: desk)
        let regime = try desk.law.catalogue.duty("R1").rule(receivedOn: received.day).regime
        let n = try tx.nextNumber("report.\(received.day.year)")
        let number = "JB\(received.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
        var place = Filing()
        (place.respondentName, place.respondentAddress, place.respondentUSCC, place.shopURL) = (respondentName, respondentAddress, respondentUSCC, shopURL)
        let found = try Registration.respondent(of: place, tx)
        let area = ReportRules.shared.area(area)
        let matter = try casework.open(
            .init(
                number: number, state: ReportMoves.received, title: String("\(respondentName)：涉嫌\(area?.zh ?? "")问题".prefix(60)), regime: regime,
                region: Registration.region(of: place, operator: found, desk: desk), operator: found?.id, receivedAt: received, competentAt: received), tx)
        try tx.send(
            """
            INSERT INTO disputes_reports (matter, source, named, area, evidence, respondent_name, respondent_address, respondent_uscc, shop_url, clues, occurred_on, tracking)
            VALUES (\(matter.id), \(source), \(reporter != nil), \(self.area), \(!files.isEmpty), \(respondentName), \(respondentAddress), \(respondentUSCC), \(shopURL), \(clues), \(occurredOn),
            \(AccessCode.hash(code, number)))
            """)
        if let reporter {
            try tx.send("INSERT INTO disputes_reporters (matter, sealed, mark) VALUES (\(matter.id), \(reporter.sealed(for: matter.id, desk.keys)), \(reporter.mark(desk.keys)))")
        }
        Search.index(ReportMoves.kind, matter.id.raw, texts: [number, matter.title, respondentName, clues, respondentUSCC ?? ""], marks: ["o:"], tx)
        let telling = area?.telling(named: reporter != nil, evidence: !files.isEmpty)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: regime, article: linked == nil ? (regime == "O20" ? "25" : "28") : (regime == "O20" ? "7" : "9")),
            starting: ["R1"] + [telling?.duty].compactMap { $0 }, at: now, details: [("source", .string(source))],
            sealing: [.init("disputes_reports", key: "matter", matter.id.raw)] + (reporter == nil ? [] : [.init("disputes_reporters", key: "matter", matter.id.raw)]), tx)
        try Attachments.attach(files, to: matter, source: "reporter", by: actor.mark, at: now, tx)
        if let linked {
            try Casework.link(matter, with: linked, why: "同时提出", by: actor, under: Article(law: regime, article: regime == "O20" ? "7" : "9"), at: now, tx)
        }
        return try tx.matter(matter.id)
    }
}
