import Kernel
import Platform
import Statute
import Store
import Web

/// The simple procedure (简易程序): fined or warned on the spot, by two officers, told before.
///
/// Law: PCD art. 66–70.
struct SimplePages: Sendable {
    let handling: CaseHandling

    func routes() -> [Route] {
        [
            Route(.get, "/cases/spot", .permitted("enforcement.investigate")) { visit in try await page(visit, nil, nil) },
            Route(.post, "/cases/spot", .permitted("enforcement.investigate")) { visit in try await decide(visit) },
        ]
    }

    private func page(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let account = try visit.signedIn()
        let e = HTML.Errors(refusal)
        let others = try await visit.desk.store.read { tx in
            let certificates = Set(try tx.certificates().filter { $0.validTo >= visit.desk.today() }.map(\.account))
            return try Accounts.all(tx).filter {
                $0.id != account.id && certificates.contains($0.id.raw) && visit.desk.permissions.allows($0.roles, "enforcement.investigate") && $0.mayTake(account.region)
            }
        }
        return visit.page(Text("当场处罚", "On the spot"), status: refusal?.kind.status ?? 200, active: "/cases") { h in
            h.div("narrow") {
                h.h1(Text("当场行政处罚", "Penalty on the spot"))
                h.p(
                    "text-muted",
                    Text("警告，或者对自然人二百元以下、对法人和其他组织三千元以下罚款；事实确凿，有法定依据。", "A warning, or a fine up to ¥200 for a person and ¥3,000 for an organisation, on certain facts."))
                h.errorSummary(refusal)
                visit.form(h, "/cases/spot", "card card-body") {
                    h.part("", keeping: sent) {
                        h.select("party-kind", Text("当事人类型", "Party"), options: PartyKind.allCases.map { ($0.rawValue, $0.title) }, value: "individual", errors: e)
                        h.field("party", Text("名称（姓名）", "Name"), value: nil, errors: e)
                        h.field("code", Text("统一社会信用代码（身份证件号码）", "Credit code (identity number)"), value: nil, errors: e, required: false)
                        h.field("address", Text("住所（住址）", "Address"), value: nil, errors: e)
                        h.select("violation", Text("违法行为", "Violation"), options: Penalties.shipped.violations.map { ($0.id, $0.title) }, value: "M11", errors: e)
                        h.area("facts", Text("违法事实", "Facts"), value: nil, rows: 3, errors: e, maxLength: 2000)
                        h.field("place", Text("处罚地点", "Place"), value: nil, errors: e)
                        h.checkbox("warning", Text("警告", "Warning"), checked: false)
                        h.field("fine", Text("罚款（元）", "Fine (yuan)"), value: nil, errors: e, required: false, inputmode: "decimal")
                        h.select(
                            "second", Text("另一名执法人员", "The second officer"), options: others.map { (String($0.id.raw), Text(verbatim: $0.name)) }, value: nil, errors: e,
                            empty: Text("请选择", "Choose"))
                        h.checkbox("told", Text("已出示执法证件，告知内容、事实、理由、依据和陈述申辩权", "Certificates shown; told what, why and the right to speak"), checked: false)
                        h.area("statement", Text("当事人陈述申辩", "What the party said"), value: nil, rows: 2, errors: e, required: false, maxLength: 2000)
                        h.checkbox("signed", Text("当事人已签收", "The party signed"), checked: true)
                    }
                    h.button(Text("作出处罚决定", "Decide"), attributes: [h.confirming(Text("确定当场处罚？", "Fine on the spot?"))])
                }
            }
        }
    }

    private func decide(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let (handling, now) = (handling, visit.desk.now)
        do {
            let id = try await visit.desk.store.write { try Simple.decide(form, handling, by: account, at: now, $0) }
            return .redirect("/cases/\(id)")
        } catch let refusal as Refusal where [.invalid, .conflict, .forbidden].contains(refusal.kind) { return try await page(visit, refusal, form) }
    }
}

/// The decision on the spot (当场处罚决定).
package enum Simple {
    package static func decide(_ form: Form, _ handling: CaseHandling, by account: Account, at now: Moment, _ tx: Transaction) throws -> ID<Matter> {
        let (party, op) = try CasePages.read(form, tx)
        guard let v = Penalties.shipped[try form.needed("violation", 10)] else { throw Refusal.invalid("/violation", Text("请选择违法行为", "Choose the violation")) }
        var o = Outcome(.punish)
        o.warning = form["warning"] == "yes"
        if let text = form["fine"] {
            guard let fine = Money(yuan: text) else { throw Refusal.invalid("/fine", Money.shape) }
            o.fine = fine
        }
        guard o.warning || o.fine.fen > 0 else { throw Refusal.invalid("/fine", Text("请选择警告或者填写罚款", "A warning or a fine")) }
        guard Gates.simple(o, of: party.kind) else {
            throw Refusal(
                .invalid, Text("超出当场处罚的范围", "Beyond what may be decided on the spot"),
                fields: [.init("/fine", Text("自然人、个体工商户二百元以下，法人和其他组织三千元以下", "Up to ¥200 for persons and individual businesses, ¥3,000 for organisations"))],
                article: Article(law: "PCD", article: "66"))
        }
        // The article's own range holds on the spot too; an order that must come first cannot have come.
        guard v.orderFirst != true else {
            throw Refusal(.invalid, Text("须先责令改正，不能当场罚款", "An order to rectify comes first"), fields: [.init("/violation", Text("不适用简易程序", "Not on the spot"))], article: v.penalty)
        }
        try v.check(o, serious: false, mitigating: [])
        if o.fine.fen > 0 {
            let range = try Discretion.range(v, .init(isPerson: party.kind.isPerson))
            guard range.contains(o.fine) else {
                throw Refusal.invalid(
                    "/fine",
                    Text("该条规定的是¥\(range.lowerBound.grouped)至¥\(range.upperBound.grouped)", "The article says ¥\(range.lowerBound.grouped) to ¥\(range.upperBound.grouped)"))
            }
        }
        guard form["told"] == "yes" else {
            throw Refusal(
                .invalid, Text("须先告知当事人", "First the party is told"), fields: [.init("/told", Text("请确认已告知", "Confirm that it was"))], article: Article(law: "PCD", article: "69"))
        }
        let facts = try form.needed("facts", 2000), place = try form.needed("place", 200)
        var new = NewCase(cause: v.title.zh, party: party, region: op.map { account.covers($0.region) ? $0.region : account.region } ?? account.region, clue: facts, foundAt: now)
        (new.source, new.violation, new.operator, new.simple, new.actFrom, new.actTo) = ("inspection", v.id, op?.id, true, now.day, now.day)
        let matter = try handling.register(new, by: .staff(account), at: now, tx)
        var form = form
        form.set("officers", String(account.id.raw))
        form.add("officers", try form.needed("second", 20))
        let act = CaseAct(handling: handling, c: try tx.penaltyCase(matter), name: "spot", input: form, actor: .staff(account), now: now, tx: tx)
        for (person, certificate) in try act.officers() { try act.take(.officer, person, certificate: certificate.number) }
        let pays = o.fine.fen > 0
        let payBy = pays ? try handling.desk.engine.deadline("P12", from: now, received: now.day, explain: false).due : nil
        try act.set(
            """
            facts = \(facts), bans = \(v.bans.map(\.description).joined(separator: ",")), penalty = \(v.penalty.description), decided = \(o.json.text), decided_on = \(now.day), served_on = \(now.day),
            fine = \(o.fine), pay_by = \(payBy), filed_on = \(now.day), area = \(v.area)
            """)
        var adding = handling.documents.outcome(o, of: try act.fresh())
        adding["place"] = place
        adding["payWay"] = "自即日起十五日内通过指定银行或者电子支付系统缴纳"
        if let statement = form["statement"] { adding["statement"] = statement }
        let paper = try act.document("spot-decision", adding: adding, of: act.fresh())
        try act.set("decision = \(paper.id), decision_number = \(paper.number)")
        try tx.send("UPDATE casework_matters SET outcome = 'punish', assignee = \(account.id) WHERE id = \(matter.id)")
        try Casework.remark(
            "document", on: tx.matter(matter.id), by: .staff(account), details: [("title", .string("\(paper.title) \(paper.number)"))],
            sealing: [
                .init("enforcement_cases", key: "matter", matter.id.raw), .init("enforcement_people", of: "matter", matter.id.raw), .init("casework_matters", matter.id.raw),
            ], at: now, tx)
        try handling.casework.begin("P16", of: matter, at: now, tx)
        if pays {
            try handling.casework.begin("P12", of: matter, at: now, tx)
            try CasePerformance.askWhenFinal(act.fresh(), desk: handling.desk, tx)
        }
        try Jobs.add("credit.decided", [("matter", .int(matter.id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
        return matter.id
    }
}
