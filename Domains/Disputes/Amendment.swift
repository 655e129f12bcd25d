import Kernel
import Platform
import Store
import Web

/// Correcting who complains and about whom (更正登记信息): what a filing lacked or had wrong, with a reason, in the ledger.
///
/// Law: O121 art. 10(1): true name, phone and address of the complainant, name and address of the respondent.
enum Amendment {
    static let fields: [(field: String, title: Text)] = [
        ("name", Text("投诉人姓名", "The complainant's name")), ("phone", Text("投诉人电话", "The complainant's phone")), ("address", Text("投诉人地址", "The complainant's address")),
        ("respondentName", Text("被投诉人名称", "The name of the business")), ("respondentAddress", Text("被投诉人地址", "The address of the business")),
        ("respondentPhone", Text("被投诉人电话", "The phone of the business")), ("respondentUSCC", Text("统一社会信用代码", "The credit code")),
        ("externalNumber", Text("全国平台编号", "The national number")),
    ]

    /// Writes what was given and differs; what was left empty stays. Returns what changed.
    /// - Errors: every wrong field by its name; nothing to change.
    static func make(on c: Complaint, input: Form, desk: Desk, at now: Moment, _ tx: Transaction) throws -> [Text] {
        let person = try tx.complainant(of: c.matter.id)
        var f = Filing()
        f.source = c.source
        (f.publication, f.delegation) = (c.publication ?? false, c.delegation ?? false)
        f.complainantName = person.name.whole(.bySubject)
        f.complainantPhone = person.phone.whole(.bySubject)
        f.complainantAddress = person.address.whole(.bySubject)
        f.respondentName = c.respondentName
        f.respondentAddress = c.respondentAddress
        f.respondentPhone = c.respondentPhone
        f.respondentUSCC = c.respondentUSCC
        f.externalNumber = c.externalNumber
        f.facts = c.facts
        f.claims = c.claims
        var changed: [Text] = []
        func take(_ field: String, _ now: String?, _ set: (String) -> Void) {
            guard let new = input[field]?.trimmed, !new.isEmpty, new != now else { return }
            set(new)
            changed.append(fields.first { $0.field == field }!.title)
        }
        take("name", f.complainantName) { f.complainantName = $0 }
        take("phone", f.complainantPhone) { f.complainantPhone = $0 }
        take("address", f.complainantAddress) { f.complainantAddress = $0 }
        take("respondentName", f.respondentName) { f.respondentName = $0 }
        take("respondentAddress", f.respondentAddress) { f.respondentAddress = $0 }
        take("respondentPhone", f.respondentPhone) { f.respondentPhone = $0 }
        take("respondentUSCC", f.respondentUSCC) { f.respondentUSCC = $0.uppercased() }
        take("externalNumber", f.externalNumber) { f.externalNumber = $0 }
        let flaws = f.flaws(today: now.day)
        if !flaws.isEmpty { throw Filing.forForm(.invalid(flaws)) }
        guard !changed.isEmpty else { throw Refusal.invalid("/name", Text("没有需要更正的内容", "Nothing is different")) }
        try tx.send("UPDATE disputes_complainants SET name = \(f.complainantName), phone = \(f.complainantPhone), address = \(f.complainantAddress) WHERE matter = \(c.matter.id)")
        try tx.send(
            """
            UPDATE disputes_complaints SET respondent_name = \(f.respondentName), respondent_address = \(f.respondentAddress), respondent_phone = \(f.respondentPhone),
            respondent_uscc = \(f.respondentUSCC), external_number = \(f.externalNumber) WHERE matter = \(c.matter.id)
            """)
        if let code = f.respondentUSCC, let found = try Operators.find(uscc: code, tx) {
            try tx.send("UPDATE casework_matters SET operator = \(found.id) WHERE id = \(c.matter.id)")
        }
        Registration.index(c.matter, f, tx)
        return changed
    }
}

extension Transaction {
    /// What the law asks of a complaint and this one does not have yet: an imported list often lacks it.
    func missing(in c: Complaint) throws -> [(String, Text)] {
        let person = try complainant(of: c.matter.id)
        func lacks(_ value: String) -> Bool { value == Protected.missing || value == ComplaintImport.noPhone }
        return [
            ("name", Text("投诉人姓名", "The complainant's name"), person.name.whole(.bySubject)), ("phone", Text("投诉人电话", "The complainant's phone"), person.phone.whole(.bySubject)),
            ("address", Text("投诉人地址", "The complainant's address"), person.address.whole(.bySubject)),
            ("respondentAddress", Text("被投诉人地址", "The address of the business"), c.respondentAddress),
        ].filter { lacks($0.2) }.map { ($0.0, $0.1) }
    }
}
