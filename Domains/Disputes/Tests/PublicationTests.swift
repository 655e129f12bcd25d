import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Publication: the business first, two persons to withhold, never a person's identity or free text.
@Suite struct PublicationTests {
    func closed(_ office: TestOffice, agreed: Bool = true, _ change: @escaping @Sendable (inout Filing) -> Void = { _ in }) async throws -> Matter {
        let c = try await office.file(change)
        try await office.apply("accept", on: c, by: .lin)
        if agreed {
            try await office.apply("agree", on: c, by: .wu, [("agreement", "三日内退款399元"), ("form", "record")])
            return try await office.apply("close", on: c, by: .wu)
        }
        try await office.apply("end", on: c, by: .wu, [("ground", "3"), ("reason", "商家明确表示不同意")])
        return try await office.apply("tell", on: c, by: .wu, [("channel", "phone")])
    }
    /// Tells the business; its code.
    func noticed(_ office: TestOffice, _ c: Matter) async throws -> String {
        let sent = try await office.post("/publication/notices", as: .lin, [("pick", "\(c.id)"), ("category-\(c.id)", "appliances"), ("channel", "phone")])
        return String(try #require(sent.text.firstMatch(of: /objections\/TS\d+\?code=([A-Z0-9]{8})/)?.1, "\(sent.status)"))
    }
    func state(_ office: TestOffice, _ c: Matter) async throws -> Publication.State { try await office.desk.store.read { try $0.publication(c.id).state } }

    @Test(arguments: TestEngine.available)
    func whatNobodyObjectsToIsShownForItsTime(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let c = try await closed(office)
        _ = try await noticed(office, c)
        // Three working days, over a weekend: until Monday the 23rd.
        #expect(try await office.desk.store.read { try $0.publication(c.id).objectBy } == Day("2026-11-23"))
        #expect(try await office.post("/publication/\(c.id)/publish", as: .lin, [("reason", "早些公示")]).status == 409)
        office.clock.set("2026-11-23T09:00")
        try await office.work()
        #expect(try await state(office, c) == .noticed)
        office.clock.set("2026-11-24T09:00")
        try await office.work()
        #expect(try await state(office, c) == .published)
        let (home, csv, json) = (
            try await office.get("/publications?q=福临").text, try await office.get("/publications/data.csv").text, try await office.get("/publications/data.json")
        )
        #expect(home.contains("青溪区福临超市") && csv.contains("appliances") && json.json["items"]?.array?.count == 1)
        // Nothing of the person, nothing that anybody wrote.
        let own = try await office.get("/publications/of?name=\(Link.encode("青溪区福临超市"))").text
        for page in [home, csv, json.text, own] {
            for secret in ["陈小满", "13812345678", "柳荫路8号", "用了三天就不通电", "三日内退款399元", "电饭煲", c.number] { #expect(!page.contains(secret), "\(secret)") }
        }
        #expect(own.contains("100%"))
        office.clock.set("2027-11-25T09:00")
        try await office.work()
        #expect(try await state(office, c) == .withdrawn)
        #expect(try await !office.get("/publications?q=福临").text.contains("青溪区福临超市"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func anObjectionIsExaminedAndWithholdingTakesTwo(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (a, b) = (try await closed(office), try await closed(office, agreed: false) { $0.facts = "另一件事情的经过，与前一件无关" })
        let (codeA, codeB) = (try await noticed(office, a), try await noticed(office, b))
        #expect(try await office.get("/objections/\(a.number)?code=\(codeB)").status == 404)
        #expect(try await office.post("/objections/\(a.number)", [("code", codeA)]).status == 422)
        #expect(try await office.post("/objections/\(a.number)", [("code", codeA), ("objection", "该件并非我店所售")]).status == 303)
        #expect(try await office.post("/objections/\(a.number)", [("code", codeA), ("objection", "再提一次")]).status == 409)
        #expect(try await office.post("/objections/\(b.number)", [("code", codeB), ("objection", "涉及商业秘密")]).status == 303)
        #expect(try await office.post("/publication/\(a.id)/publish", as: .lin, [("reason", "经查确系该店销售")]).status == 303)
        #expect(try await state(office, a) == .published)
        // Upheld: one proposes, another confirms.
        #expect(try await office.post("/publication/\(b.id)/withhold", as: .lin, [("reason", "异议成立")]).status == 303)
        #expect(try await office.post("/publication/\(b.id)/confirm-withhold", as: .lin, [("reason", "同意")]).status == 403)
        #expect(try await office.post("/publication/\(b.id)/confirm-withhold", as: .he, [("reason", "同意")]).status == 303)
        #expect(try await state(office, b) == .withheld)
        // Corrected, then withdrawn; each with a reason.
        #expect(try await office.post("/publication/\(a.id)/correct", as: .lin, [("category", "electronics")]).status == 422)
        #expect(try await office.post("/publication/\(a.id)/correct", as: .lin, [("category", "electronics"), ("reason", "类别有误")]).status == 303)
        #expect(try await office.get("/publications/data.csv").text.contains("electronics"))
        #expect(try await office.post("/publication/\(a.id)/withdraw", as: .lin, [("reason", "当事人申请")]).status == 303)
        #expect(try await !office.get("/publications/data.csv").text.contains("electronics"))
        #expect(try await office.verify().findings.isEmpty)
    }

    /// What is never for the public says why.
    @Test func whatIsNotForThePublicIsRefusedWithItsReason() async throws {
        let office = try await TestOffice(.sqlite)
        let unwilling = try await closed(office) { $0.publication = false }
        let open = try await office.file { $0.facts = "还没有办结的一件投诉" }
        let withdrawn = try await office.file { $0.facts = "后来撤回的一件投诉" }
        try await office.apply("accept", on: withdrawn, by: .lin)
        try await office.apply("give-up", on: withdrawn, by: nil)
        try await office.apply("tell", on: withdrawn, by: .wu, [("channel", "phone")])
        for c in [unwilling, open, withdrawn] {
            #expect(try await office.post("/publication/notices", as: .lin, [("pick", "\(c.id)"), ("category-\(c.id)", "other"), ("channel", "phone")]).status == 409)
        }
        let list = try await office.get("/publication", as: .lin).text
        #expect(list.contains("投诉人不同意公示") && list.contains("撤回或者自行和解的"))
        #expect(try await office.get("/publication", as: .wu).status == 403)
    }

    @Test(
        arguments: [
            ("电饭煲", "用了三天", "appliances"), (nil, "在火锅店吃饭吃出异物", "catering"), ("年卡", "美容店关门，年卡不退", "prepaid"), (nil, "说不清楚的事情", "other"), ("金镶玉手镯", "", "jewellery"),
        ] as [(String?, String, String)])
    func aCategoryIsSuggestedByTheWordsOfThePurchase(_ purchase: String?, _ facts: String, _ expected: String) {
        #expect(GoodsCategory.suggested(purchase: purchase, facts: facts).id == expected)
    }
}
