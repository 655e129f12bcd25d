import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Settling first: ODR enterprises and service stations, and what becomes of what fails.
@Suite struct RouteTests {
    static let uscc = USCC.completing("92990101000000001")

    /// An enterprise that applied and was admitted; its code.
    func admitted(_ office: TestOffice) async throws -> (id: ID<Operator>, code: String) {
        let now = office.clock.now
        try await office.desk.store.write {
            _ = try OperatorImport.insert(
                [
                    .init(
                        uscc: Self.uscc, name: "福临网上商城", kind: .enterprise, status: .active, address: "中兴路12号", region: "990101", industry: "52", representative: "王", phone: "",
                        registeredOn: nil, shop: nil)
                ],
                at: now, $0)
        }
        let conditions = ["premises", "worker", "computer", "phone", "rules"].map { ("condition", $0) }
        let form = [("uscc", Self.uscc), ("phone", "0539-1234567"), ("about", "设有消费维权专员"), ("undertaking", "yes")]
        #expect(try await office.post("/odr", form + conditions.dropLast()).status == 422)
        #expect(try await office.post("/odr", form + conditions).status == 303)
        #expect(try await office.post("/odr", form + conditions).status == 422)
        let id = try await office.desk.store.read { try Operators.find(uscc: Self.uscc, $0)!.id }
        #expect(try await office.post("/odr/\(id)/decide", as: .lin, [("to", "admit")]).status == 403)
        #expect(try await !office.get("/odr").text.contains("福临网上商城"))
        let said = try #require(try await office.post("/odr/\(id)/decide", as: .he, [("to", "admit")]).cookie("sinan_said"))
        let code = try #require(try await office.get("/odr", as: .he, cookies: ["sinan_said": said]).text.firstMatch(of: /查询码 ([A-Z0-9]{8})/)?.1)
        return (id, String(code))
    }
    func filed(_ office: TestOffice, _ n: Int = 0) async throws -> Matter {
        try await office.file {
            $0.respondentUSCC = Self.uscc
            $0.way = .odr
            $0.facts = "第\(n)件网购的电饭煲用了三天就不通电"
        }
    }
    func clocks(_ office: TestOffice, _ c: Matter) async throws -> [String] {
        try await office.desk.store.read { try Clocks.of(c.id, $0).map { "\($0.duty) \($0.state) \($0.due)" } }
    }
    func state(_ office: TestOffice, _ c: Matter) async throws -> (String, String?) {
        try await office.desk.store.read { tx in
            let m = try tx.matter(c.id)
            return (m.state, m.outcome)
        }
    }

    @Test(arguments: TestEngine.available)
    func anEnterpriseSettlesFirstWithItsOwnCode(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (id, code) = try await admitted(office)
        let c = try await filed(office)
        #expect(try await clocks(office, c) == ["ODR open 2026-12-02"])
        let list = try await office.get("/merchant/\(Self.uscc)?code=\(code)").text
        #expect(list.contains(c.number))
        let door = "/respond/\(c.number)"
        let key = [("code", code), ("of", Self.uscc)]
        #expect(try await office.post("\(door)/offer", key + [("remedy", "refund"), ("amount", "399"), ("by", "2026-11-25")]).status == 303)
        let offer = try await office.desk.store.read { try Negotiation.offers(c.id, $0)[0].id }
        #expect(try await office.post("/track/\(c.number)/accept-offer", [("code", TestOffice.code), ("offer", "\(offer)")]).status == 303)
        #expect(try await state(office, c) == ("first-settled", "first-settled"))
        #expect(try await office.post("/track/\(c.number)/confirm", [("code", TestOffice.code)]).status == 303)
        #expect(try await state(office, c) == ("closed", "first-settled"))
        let rate = try await office.desk.store.read { try ODR.rate(id, $0) }
        #expect(rate.received == 1 && rate.settled == 1 && rate.share == 1)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatIsNotSettledInTenWorkingDaysBecomesAComplaintOfThatDay(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (id, code) = try await admitted(office)
        let (c, other, kept) = (try await filed(office, 1), try await filed(office, 2), try await filed(office, 3))
        // One consumer does not wait.
        #expect(try await office.post("/track/\(other.number)/convert", [("code", TestOffice.code)]).status == 422)
        #expect(try await office.post("/track/\(other.number)/convert", [("code", TestOffice.code), ("reason", "商家不回复")]).status == 303)
        #expect(try await clocks(office, other) == ["ODR met 2026-12-02", "C1 open 2026-11-27"])
        // One takes an offer that is not kept.
        _ = try await office.post("/respond/\(kept.number)/offer", [("code", code), ("of", Self.uscc), ("remedy", "exchange"), ("by", "2026-11-20")])
        let offer = try await office.desk.store.read { try Negotiation.offers(kept.id, $0)[0].id }
        #expect(try await office.post("/track/\(kept.number)/accept-offer", [("code", TestOffice.code), ("offer", "\(offer)")]).status == 303)
        office.clock.set("2026-12-02T20:00")
        try await office.work()
        #expect(try await state(office, c).0 == "prior")
        office.clock.set("2026-12-03T09:00")
        try await office.work()
        #expect(try await state(office, c) == ("received", nil))
        #expect(try await clocks(office, c) == ["ODR missed 2026-12-02", "C1 open 2026-12-14"])
        #expect(try await office.desk.store.read { try $0.matter(c.id).receivedAt.day } == Day("2026-12-03"))
        #expect(try await office.post("/track/\(kept.number)/reopen", [("code", TestOffice.code), ("reason", "没有换货")]).status == 303)
        #expect(try await state(office, kept) == ("received", nil))
        let rate = try await office.desk.store.read { try ODR.rate(id, $0) }
        #expect(rate.received == 3 && rate.settled == 0 && rate.decided == 3)
        // Suspended, it gets no more.
        try await office.desk.store.write { _ = try $0.run("UPDATE disputes_odr SET state = 'suspended' WHERE operator = \(id)") }
        await #expect(throws: Refusal.self) { try await filed(office, 4) }
    }

    @Test(arguments: TestEngine.available)
    func aStationSettlesOrPassesItOn(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let csv = "站点编号,站点名称,类型,行政区划代码,地址,电话,服务时间\nWQ001,福临商场站,商场,990101,中兴路12号,0539-1111111,9:00-17:00\nWQ002,白石景区站,景区,990102,白石山,,\nWQ003,坏行,剧院,990101,x,,\n"
        let list = FileManager.default.temporaryDirectory.appendingPathComponent("stations-\(UInt64.random(in: 0 ... .max)).csv")
        try csv.data(using: .utf8)!.write(to: list)
        let first = try await Stations.kind.run(office.desk, list.path) { _, _ in }
        #expect(first.added == 2 && first.rejects.count == 1 && first.rejects[0].line == 4)
        #expect(try await Stations.kind.run(office.desk, list.path) { _, _ in }.same == 2)
        let page = try await office.get("/stations?region=990101").text
        #expect(page.contains("福临商场站") && !page.contains("白石景区站") && page.contains("共2个站点"))
        let station = try await office.desk.store.read { try Stations.all($0)[0].id }
        func file(_ n: Int) async throws -> Matter {
            try await office.file {
                $0.way = .station
                $0.station = station
                $0.source = "counter"
                $0.facts = "第\(n)件在商场买的鞋开胶"
            }
        }
        let (a, b) = (try await file(1), try await file(2))
        #expect(try await clocks(office, a).isEmpty)
        #expect(try await office.post("/disputes/\(a.id)/moves/settle-first", as: .wu, [("agreement", "当场换货")]).status == 303)
        #expect(try await office.post("/disputes/\(a.id)/moves/close", as: .wu, []).status == 303)
        #expect(try await state(office, a) == ("closed", "first-settled"))
        #expect(try await office.post("/disputes/\(b.id)/moves/convert", as: .wu, [("reason", "双方分歧较大")]).status == 303)
        #expect(try await clocks(office, b) == ["C1 open 2026-11-27"])
        let rate = try await office.desk.store.read { try ODR.rate(nil, way: .station, $0) }
        #expect(rate.settled == 1 && rate.decided == 2)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// The first rule that fits proposes; another may be chosen with a reason.
    @Test(
        arguments: [
            (Operator.Status.revoked, "商品有质量问题", false, "100", true, "fund"), (.active, "店已关门，老板失联", false, "100", true, "fund"), (.active, "卖的酸奶过期了", true, "100", true, "report"),
            (.active, "衣服开线", true, "100", true, "odr"), (.active, "装修质量差", false, "20000", true, "people"), (.active, "装修质量差", false, "20000", false, "mediation"),
            (.active, "衣服开线", false, "100", nil, "mediation"),
        ] as [(Operator.Status, String, Bool, String, Bool?, String)])
    func theFirstRuleThatFitsProposesTheRoute(_ status: Operator.Status, _ text: String, _ isODR: Bool, _ yuan: String, _ delegation: Bool?, _ expected: String) {
        var facts = RouteRule.Facts()
        (facts.status, facts.text, facts.isODR, facts.amount, facts.delegation) = (status, text, isODR, Money(yuan: yuan), delegation)
        #expect(RouteRule.proposed(facts).route == expected)
    }

    @Test func anotherRouteIsChosenWithAReason() async throws {
        let office = try await TestOffice(.sqlite)
        let c = try await office.file()
        #expect(try await office.get("/disputes/\(c.id)", as: .lin).text.contains("建议：行政调解"))
        #expect(try await office.post("/disputes/\(c.id)/route", as: .lin, [("route", "mediation")]).status == 303)
        let bare = try await office.post("/disputes/\(c.id)/route", as: .lin, [("route", "people")])
        #expect(bare.status == 303 && bare.cookie("sinan_said") != nil)
        #expect(try await office.desk.store.read { try $0.one("SELECT chosen FROM disputes_routes")?.string("chosen") } == "mediation")
        #expect(try await office.post("/disputes/\(c.id)/route", as: .lin, [("route", "people"), ("reason", "双方都要求人民调解")]).status == 303)
        #expect(try await office.get("/disputes/\(c.id)", as: .lin).text.contains("已选择：人民调解"))
        #expect(try await office.post("/disputes/\(c.id)/route", as: .wang, [("route", "people"), ("reason", "x")]).status == 403)
        #expect(try await office.verify().findings.isEmpty)
    }
}
