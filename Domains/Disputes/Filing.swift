import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store

/// A complaint as it is filed (投诉材料), by whichever door: page, counter, API, import. One check for all.
///
/// Law: O121 art. 10(1): true name, phone and address of the complainant; name and address of the respondent; claim and facts.
package struct Filing: Sendable {
    package var complainantName = ""
    package var complainantPhone = ""
    package var complainantAddress = ""
    package var idType: String?
    package var idNumber: String?
    package var agent: String?
    package var respondentName = ""
    package var respondentAddress = ""
    package var respondentPhone: String?
    package var respondentUSCC: String?
    package var platform: String?
    package var shopURL: String?
    package var facts = ""
    package var purchase: String?
    package var occurredOn: Day?
    package var occurredPlace: String?
    package var amount: Money?
    package var claims: [Claim] = []
    package var publication: Bool?
    package var delegation: Bool?
    package var source = "web"
    package var externalNumber: String?
    package var importKey: String?
    package var region: String?
    package var receivedAt: Moment?
    /// Settled first by a station or online, where the consumer chose so.
    package var way: Prior.Way?
    package var station: Int64?
    package init() {}

    /// What is wrong, by JSON pointer. Shapes: phone 5–20 digits and signs; texts capped; the day not in the future.
    package func flaws(today: Day) -> [Refusal.Field] {
        var wrong: [Refusal.Field] = []
        func need(_ value: String, _ pointer: String, _ max: Int, _ what: Text) {
            if value.trimmed.isEmpty { wrong.append(.init(pointer, Text("请填写\(what.zh)", "Give \(what.en)"))) }
            if value.count > max { wrong.append(.init(pointer, Text("\(what.zh)不能超过\(max)字", "\(what.en) has at most \(max) characters"))) }
        }
        let forSelf = source == "web"
        need(complainantName, "/complainant/name", 60, forSelf ? Text("您的姓名", "your name") : Text("投诉人姓名", "the complainant's name"))
        need(complainantPhone, "/complainant/phone", 30, Text("联系电话", "a phone number"))
        let digits = complainantPhone.filter { $0.isASCII && $0.isNumber }
        if !complainantPhone.isEmpty, !complainantPhone.isPhone {
            wrong.append(.init("/complainant/phone", Text("电话号码格式不正确", "This is not a phone number")))
        } else if complainantPhone.phone.hasPrefix("1"), digits.count > 6, complainantPhone.phone.count != 11 {
            wrong.append(.init("/complainant/phone", Text("手机号码应为11位", "A mobile number has 11 digits")))
        }
        need(complainantAddress, "/complainant/address", 200, Text("通讯地址", "a postal address"))
        need(respondentName, "/respondent/name", 120, Text("商家名称", "the name of the business"))
        need(respondentAddress, "/respondent/address", 300, Text("商家地址（网店填平台和店铺）", "its address (for a web shop: platform and shop)"))
        if let code = respondentUSCC {
            do { _ = try USCC(code) } catch { wrong.append(.init("/respondent/taxID", Text("统一社会信用代码\(error.text.zh)", "The credit code \(error.text.en)"))) }
        }
        if source == "web" {
            for (value, pointer) in [(publication, "/consents/publication"), (delegation, "/consents/delegation")] where value == nil {
                let what = pointer.hasSuffix("publication") ? Text("公示投诉信息", "publication") : Text("委托调解", "delegated mediation")
                wrong.append(.init(pointer, Text("请选择是否同意\(what.zh)", "Choose yes or no: \(what.en)")))
            }
        }
        need(facts, "/facts", 5000, Text("事情经过", "what happened"))
        if claims.isEmpty { wrong.append(.init("/claims", Text("请至少选择一项诉求", "Choose at least one claim"))) }
        if claims.count > 20 { wrong.append(.init("/claims", Text("诉求过多", "Too many claims"))) }
        if let day = occurredOn, day > today { wrong.append(.init("/occurredOn", Text("日期不能晚于今天", "The day cannot be in the future"))) }
        if let day = occurredOn, day.year < 1990 { wrong.append(.init("/occurredOn", Text("日期过早，请核对", "The day is too long ago: please check"))) }
        for (value, pointer) in [
            (purchase, "/purchase"), (occurredPlace, "/occurredPlace"), (platform, "/respondent/platform"), (respondentPhone, "/respondent/phone"), (agent, "/agent"),
            (idNumber, "/complainant/idNumber"), (idType, "/complainant/idType"), (externalNumber, "/externalNumber"),
        ] where (value ?? "").count > 200 {
            wrong.append(.init(pointer, Text("不能超过200字", "At most 200 characters")))
        }
        if let url = shopURL, url.count > 1000 || !(url.hasPrefix("https://") || url.hasPrefix("http://")) {
            wrong.append(.init("/respondent/shopURL", Text("网店链接应以 https:// 开头", "A shop link begins with https://")))
        }
        return wrong
    }
}

/// Taking a filing in (登记): number, tracking code, region, first clock, ledger — or nothing at all.
package enum Registration {
    package struct Receipt: Sendable {
        package let matter: Matter
        package let trackingCode: String
    }

    /// The regime of a matter follows its day of receipt.
    package static func regime(on day: Day, _ catalogue: DutyCatalogue) throws(Refusal) -> String { try catalogue.duty("C1").rule(receivedOn: day).regime }

    /// The district that may handle it, as far as the data says: the operator's, one that the address names, else the city's intake.
    ///
    /// Law: O121 art. 13: the county-level authority of the respondent's actual place of business or domicile.
    package static func region(of filing: Filing, operator: Operator?, desk: Desk) -> String {
        if let region = filing.region, desk.regions.isKnown(region) || desk.configuration.cityRegion.isEmpty { return region }
        let city = desk.configuration.cityRegion
        if let code = `operator`?.region, code.hasPrefix(city) { return String(code.prefix(6)) }
        for district in desk.regions.districts(of: city) where filing.respondentAddress.contains(district.name) { return district.code }
        return city
    }

    /// - Errors: every wrong field by its pointer; nothing is saved then.
    package static func register(_ filing: Filing, files: [Attachments.Kept] = [], by actor: Actor, desk: Desk, casework: Casework, at now: Moment, code: String, _ tx: Transaction)
        throws -> Receipt
    {
        let received = filing.receivedAt ?? now
        let flaws = filing.flaws(today: now.day)
        guard flaws.isEmpty else { throw Refusal.invalid(flaws) }
        let regime = try regime(on: received.day, desk.law.catalogue)
        if let number = filing.externalNumber,
            let known = try tx.one(
                "SELECT m.number FROM disputes_complaints c JOIN casework_matters m ON m.id = c.matter WHERE c.external_number = \(number) AND c.respondent_name = \(filing.respondentName.trimmed)"
            )
        {
            throw Refusal.invalid(
                "/externalNumber", Text("该编号的投诉已登记为\(known.string("number"))", "This number was registered before, as \(known.string("number"))"))
        }
        let found = try respondent(of: filing, tx)
        try Prior.check(filing, found, tx)
        let n = try tx.nextNumber("complaint.\(received.day.year)")
        let number = "TS\(received.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
        let title = title(filing)
        let region = region(of: filing, operator: found, desk: desk)
        let matter = try casework.open(
            .init(
                number: number, state: filing.way == nil ? ComplaintMoves.received : ComplaintMoves.prior, title: title, regime: regime, region: region, operator: found?.id,
                receivedAt: received, competentAt: received),
            tx)
        try tx.send(
            """
            INSERT INTO disputes_complaints (matter, source, external_number, import_key, respondent_name, respondent_address, respondent_phone, respondent_uscc, platform, shop_url,
            facts, purchase, occurred_on, occurred_place, amount, publication, delegation, tracking)
            VALUES (\(matter.id), \(filing.source), \(filing.externalNumber), \(filing.importKey), \(filing.respondentName.trimmed), \(filing.respondentAddress.trimmed), \(filing.respondentPhone),
            \(filing.respondentUSCC?.uppercased()), \(filing.platform), \(filing.shopURL), \(filing.facts.trimmed), \(filing.purchase), \(filing.occurredOn), \(filing.occurredPlace),
            \(filing.amount ?? filing.claims.compactMap(\.amount).first), \(filing.publication), \(filing.delegation), \(AccessCode.hash(code, number)))
            """)
        // The salt keeps the row's digest in the ledger from being guessed by whoever knows names and phones.
        try tx.send(
            """
            INSERT INTO disputes_complainants (matter, name, phone, address, id_type, id_number, agent, salt)
            VALUES (\(matter.id), \(filing.complainantName.trimmed), \(filing.complainantPhone.phone), \(filing.complainantAddress.trimmed), \(filing.idType), \(filing.idNumber), \(filing.agent),
            \(Crypto.hex(Crypto.random(16))))
            """)
        for claim in filing.claims { try tx.send("INSERT INTO disputes_claims (matter, kind, amount) VALUES (\(matter.id), \(claim.kind), \(claim.amount))") }
        tx.atCommit(Likeness.Entry(matter.id, facts: filing.facts))
        index(matter, filing, tx)
        let duties = try Prior.begin(filing, matter, at: now, desk: desk, tx)
        try casework.record(
            matter, as: "receive", by: actor, article: Article(law: regime, article: regime == "O20" ? "9" : "10"), starting: duties, at: now,
            details: [("source", .string(filing.source))] + (matter.region.count >= 6 ? [("region", .string(matter.region))] : []),
            sealing: [
                .init("disputes_complaints", key: "matter", matter.id.raw), .init("disputes_complainants", key: "matter", matter.id.raw),
                .init("disputes_claims", of: "matter", matter.id.raw),
            ] + (filing.way == nil ? [] : [.init("disputes_priors", key: "matter", matter.id.raw)])
                + (filing.way == .odr ? [.init("disputes_invitations", key: "matter", matter.id.raw)] : []), tx)
        if filing.way == .odr { try Jobs.add(Prior.timeout, [("matter", .int(matter.id.raw))], at: Moment(now.day.adding(days: 10), hour: 8), tx) }
        try Attachments.attach(files, to: matter, source: "complainant", by: actor.mark, at: now, tx)
        return Receipt(matter: try tx.matter(matter.id), trackingCode: code)
    }

    /// What a search finds a complaint by: its numbers, what it is about, the business.
    static func index(_ matter: Matter, _ f: Filing, _ tx: Transaction) {
        Search.index(
            "complaint", matter.id.raw, texts: [matter.number, matter.title, f.respondentName, f.facts, f.respondentUSCC ?? "", f.externalNumber ?? ""],
            marks: matter.open ? ["o:"] : [], tx)
    }

    /// The business in the register: by its code, else its shop's address, else its name in full where just one has it.
    static func respondent(of filing: Filing, _ tx: Transaction) throws -> Operator? {
        if let code = filing.respondentUSCC { return try Operators.find(uscc: code.uppercased(), tx) }
        return try filing.shopURL.flatMap { try Operators.find(shopURL: $0, tx) } ?? Operators.find(onlyNamed: filing.respondentName.trimmed, tx)
    }

    static func title(_ filing: Filing) -> String {
        let what = filing.purchase ?? String(filing.facts.trimmed.prefix(18))
        return String("\(filing.respondentName.trimmed)：\(what.filter { !$0.isNewline })".prefix(60))
    }
}

extension String {
    /// A phone number as it is kept: without blanks, dashes, brackets and China's own prefix, so that one phone is one value.
    var phone: String {
        let plain = filter { !" -()".contains($0) }
        for prefix in ["+86", "0086", "86"] where plain.hasPrefix(prefix) && plain.count == prefix.count + 11 && plain.dropFirst(prefix.count).hasPrefix("1") {
            return String(plain.dropFirst(prefix.count))
        }
        return plain
    }
}
