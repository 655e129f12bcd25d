import Kernel
import Platform
import Store
import Web

/// Correcting who complains, about whom and about what (更正登记信息): what a filing lacked or had wrong, with a reason, in the ledger.
///
/// Law: O121 art. 10(1): true name, phone and address of the complainant, name and address of the respondent, claim and facts.
enum Amendment {
    /// Personal ones do not leave their old value in the history, which more people read.
    static let fields: [(name: String, title: Text, personal: Bool)] = [
        ("name", Text("投诉人姓名", "The complainant's name"), true), ("phone", Text("投诉人电话", "The complainant's phone"), true),
        ("address", Text("投诉人地址", "The complainant's address"), true),
        ("respondentName", Text("被投诉人名称", "The name of the business"), false), ("respondentAddress", Text("被投诉人地址", "The address of the business"), false),
        ("respondentPhone", Text("被投诉人电话", "The phone of the business"), false), ("respondentUSCC", Text("统一社会信用代码", "The credit code"), false),
        ("platform", Text("平台", "The platform"), false), ("shopURL", Text("网店链接", "The shop's link"), false),
        ("purchase", Text("商品或服务", "Goods or service"), false), ("occurredOn", Text("发生日期", "Day of the event"), false), ("amount", Text("金额（元）", "The amount (yuan)"), false),
        ("claim", Text("诉求", "The claims"), false),
        ("facts", Text("事实经过", "The facts"), false), ("externalNumber", Text("全国平台编号", "The national number"), false),
    ]

    /// Writes what was given and differs; what was left empty stays. Returns what changed, and what stood there before.
    /// - Errors: every wrong field by its name; nothing to change.
    static func make(on c: Complaint, input: Form, desk: Desk, at now: Moment, _ tx: Transaction) throws -> (titles: [Text], before: String) {
        let person = try tx.complainant(of: c.matter.id)
        let old: [String: String] = [
            "name": person.name.whole(.bySubject), "phone": person.phone.whole(.bySubject), "address": person.address.whole(.bySubject), "respondentName": c.respondentName,
            "respondentAddress": c.respondentAddress, "respondentPhone": c.respondentPhone ?? "", "respondentUSCC": c.respondentUSCC ?? "", "platform": c.platform ?? "",
            "shopURL": c.shopURL ?? "", "purchase": c.purchase ?? "", "occurredOn": c.occurredOn?.description ?? "", "amount": c.amount?.plain ?? "", "facts": c.facts,
            "externalNumber": c.externalNumber ?? "",
        ]
        var form = Form()
        var changed: [(title: Text, before: String?)] = []
        for field in fields where field.name != "claim" {
            let was = old[field.name] ?? ""
            let new = input[field.name].map { field.name == "respondentUSCC" ? $0.uppercased() : field.name == "phone" ? $0.phone : $0 } ?? was
            // The same sum in other words is no change.
            let differs = field.name == "amount" ? Money(yuan: new)?.plain != Money(yuan: was)?.plain || (Money(yuan: new) == nil && !new.isEmpty) : new != was
            if differs { changed.append((field.title, field.personal || was.isEmpty ? nil : was)) }
            form.add(field.name, new)
        }
        for kind in input.all("claim") { form.add("claim", kind) }
        // All that is wrong at once: what cannot be read, and what is read and does not hold.
        var unread: [Refusal.Field] = []
        var f = Filing()
        do { f = try Filing(form: form, source: c.source) } catch {
            unread = error.fields
            var rest = form
            for field in unread { rest.remove(Filing.formName(field.pointer)) }
            f = (try? Filing(form: rest, source: c.source)) ?? f
        }
        (f.publication, f.delegation) = (c.publication ?? false, c.delegation ?? false)
        if f.claims.isEmpty {
            // A sum that was claimed as it stood follows the amount.
            f.claims = c.claims.map { claim in Claim(kind: claim.kind, amount: claim.amount == c.amount && claim.amount != nil ? f.amount : claim.amount) }
        }
        if f.claims != c.claims, unread.isEmpty { changed.append((fields.first { $0.name == "claim" }!.title, c.claimsText.zh)) }
        let flaws = unread + f.flaws(today: now.day).filter { flaw in !unread.contains { $0.pointer == flaw.pointer } }
        if !flaws.isEmpty { throw Filing.forForm(.invalid(flaws)) }
        guard !changed.isEmpty else { throw Refusal.invalid("/reason", Text("没有需要更正的内容：请在上面填写要更正的项目", "Nothing is different: fill in what changes above")) }
        try tx.send("UPDATE disputes_complainants SET name = \(f.complainantName), phone = \(f.complainantPhone), address = \(f.complainantAddress) WHERE matter = \(c.matter.id)")
        try tx.send(
            """
            UPDATE disputes_complaints SET respondent_name = \(f.respondentName), respondent_address = \(f.respondentAddress), respondent_phone = \(f.respondentPhone),
            respondent_uscc = \(f.respondentUSCC), external_number = \(f.externalNumber), platform = \(f.platform), shop_url = \(f.shopURL), facts = \(f.facts), purchase = \(f.purchase),
            occurred_on = \(f.occurredOn), amount = \(f.amount) WHERE matter = \(c.matter.id)
            """)
        if f.claims != c.claims {
            // Rows that the ledger seals are never removed: one that is not asked for any more says so.
            let rows = try tx.all("SELECT id FROM disputes_claims WHERE matter = \(c.matter.id) ORDER BY id").map { $0.int("id") }
            for (i, id) in rows.enumerated() {
                let claim = i < f.claims.count ? f.claims[i] : nil
                try tx.send("UPDATE disputes_claims SET kind = \(claim?.kind.rawValue ?? "dropped"), amount = \(claim?.amount) WHERE id = \(id)")
            }
            for claim in f.claims.dropFirst(rows.count) {
                try tx.send("INSERT INTO disputes_claims (matter, kind, amount) VALUES (\(c.matter.id), \(claim.kind), \(claim.amount))")
            }
        }
        let names = ["respondentName", "respondentUSCC", "shopURL"]
        let found = names.contains(where: { input[$0] != nil }) ? try Registration.respondent(of: f, tx)?.id : c.matter.operator
        try tx.send("UPDATE casework_matters SET operator = \(found), title = \(Registration.title(f)) WHERE id = \(c.matter.id)")
        if f.facts != c.facts {
            try Likeness.forget(c.matter.id, facts: c.facts, tx)
            tx.atCommit(Likeness.Entry(c.matter.id, facts: f.facts))
        }
        Registration.index(try tx.matter(c.matter.id), f, tx)
        let before = changed.compactMap { change in change.before.map { "\(change.title.zh)：\($0)" } }.joined(separator: "；")
        return (changed.map(\.title), before)
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
