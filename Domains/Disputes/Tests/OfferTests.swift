import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// The merchant's side: invited by a code, offers by rounds, promises followed to the end.
@Suite struct OfferTests {
    /// A complaint that was taken up and whose merchant was invited: the codes of both.
    func invited(_ office: TestOffice, _ change: @escaping @Sendable (inout Filing) -> Void = { _ in }) async throws -> (c: Matter, door: String, code: String, track: String) {
        let c = try await office.file(change)
        try await office.apply("accept", on: c, by: .lin)
        let sent = try await office.post("/disputes/\(c.id)/invite", as: .he, [("channel", "phone")])
        let said = try #require(sent.cookie("sinan_said"))
        let shown = try await office.get("/disputes/\(c.id)", as: .he, cookies: ["sinan_said": said]).text
        let code = try #require(shown.firstMatch(of: /respond\/TS\d+\?code=([A-Z0-9]{8})/)?.1, "no link")
        return (c, "/respond/\(c.number)", String(code), "/track/\(c.number)")
    }
    func state(_ office: TestOffice, _ c: Matter) async throws -> (String, String?) {
        try await office.desk.store.read { (try $0.matter(c.id).state, try Negotiation.promise(c.id, $0)?.state) }
    }
    func open(_ office: TestOffice, _ c: Matter) async throws -> String {
        try await office.desk.store.read { try Negotiation.offers(c.id, $0).last { $0.isOpen }.map { String($0.id) } ?? "" }
    }

    @Test(arguments: TestEngine.available)
    func offersGoByRoundsAndAPromiseIsFollowedToItsEnd(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (c, door, code, track) = try await invited(office)
        let own = ("code", TestOffice.code)
        // The merchant's first offer lacks its sum; the second stands; the consumer asks for more; the merchant takes it.
        #expect(try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("by", "2026-11-25")]).status == 422)
        #expect(try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "200"), ("by", "2026-11-25")]).status == 303)
        #expect(try await office.get("\(track)?code=\(TestOffice.code)").text.contains("¥200.00"))
        let first = try await open(office, c)
        #expect(try await office.post("\(track)/offer", [own, ("remedy", "refund"), ("amount", "399"), ("by", "2026-11-24")]).status == 303)
        // What was passed over cannot be taken any more, nor one's own.
        #expect(try await office.post("\(track)/accept-offer", [own, ("offer", first)]).status == 409)
        #expect(try await office.post("\(track)/accept-offer", [own, ("offer", open(office, c))]).status == 409)
        #expect(try await office.post("\(door)/accept", [("code", code), ("offer", open(office, c))]).status == 303)
        #expect(try await state(office, c) == ("agreed", "due"))
        #expect(try await office.desk.store.read { try $0.complaint(c.id).agreement } == "被投诉人应于2026-11-24前退款人民币399.00元。")
        // Done, says the merchant; yes, says the consumer: closed.
        #expect(try await office.post("\(door)/fulfilled", [("code", code), ("note", "已原路退回")]).status == 303)
        #expect(try await office.post("\(track)/confirm", [own]).status == 303)
        #expect(try await state(office, c) == ("closed", "kept"))
        #expect(try await office.post("\(door)/offer", [("code", code), ("remedy", "repair"), ("by", "2026-11-25")]).status == 409)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aPromiseThatIsNotKeptOpensTheComplaintAgain(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (c, door, code, track) = try await invited(office)
        let own = ("code", TestOffice.code)
        let due = try await office.desk.store.read { try Clocks.of(c.id, $0).first { $0.duty == "C3" }?.due }
        _ = try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "399"), ("by", "2026-11-20")])
        #expect(try await office.post("\(track)/accept-offer", [own, ("offer", open(office, c))]).status == 303)
        // Not before its day.
        #expect(try await office.post("\(track)/reopen", [own, ("reason", "没退")]).status == 409)
        office.clock.set("2026-11-21T09:00")
        try await office.work()
        #expect(try await state(office, c) == ("agreed", "broken"))
        #expect(try await office.get("\(track)?code=\(TestOffice.code)").text.contains("未按期履行"))
        #expect(try await office.post("\(track)/reopen", [own]).status == 422)
        #expect(try await office.post("\(track)/reopen", [own, ("reason", "没有收到退款")]).status == 303)
        #expect(try await state(office, c) == ("mediating", "broken"))
        // The sixty days count from the taking up, as before.
        let clocks = try await office.desk.store.read { try Clocks.of(c.id, $0).filter { $0.duty == "C3" } }
        #expect(clocks.map(\.state) == ["met", "open"] && clocks.last?.due == due)
        // A second round, kept late: the merchant's standing tells.
        _ = try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "399"), ("by", "2026-11-22")])
        #expect(try await office.post("\(track)/accept-offer", [own, ("offer", open(office, c))]).status == 303)
        #expect(try await office.post("\(track)/confirm", [own]).status == 303)
        #expect(try await state(office, c) == ("closed", "kept"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func theMerchantReadsTheClaimAndNothingOfThePerson() async throws {
        let office = try await TestOffice(.sqlite)
        let (c, door, code, _) = try await invited(office) { $0.facts = "我的电话13812345678，身份证110101199003078515，银行卡6222020200112233445，邮箱xm@example.com，电饭煲三天就坏。" }
        let page = try await office.get("\(door)?code=\(code)").text
        for secret in ["陈小满", "13812345678", "柳荫路8号", "110101199003078515", "6222020200112233445", "xm@example.com"] { #expect(!page.contains(secret), "\(secret)") }
        #expect(page.contains("电饭煲三天就坏"))
        for wrong in ["", "ABCDEFGH", TestOffice.code] { #expect(try await office.get("\(door)?code=\(wrong)").status == 404) }
        // Disputing and “not us” stand with the positions of both sides.
        #expect(try await office.post("\(door)/dispute", [("code", code), ("body", "")]).status == 422)
        #expect(try await office.post("\(door)/not-us", [("code", code), ("body", "该店已转让给他人")]).status == 303)
        #expect(try await office.get("/disputes/\(c.id)", as: .wu).text.contains("我方不是被投诉的经营者：该店已转让给他人"))
        // The invitation of another complaint opens this one no more than a guess does.
        let other = try await invited(office) { $0.facts = "另一件事情的经过，与前一件无关" }
        #expect(try await office.get("\(door)?code=\(other.code)").status == 404)
        #expect(try await office.post("/disputes/\(c.id)/invite", as: .far, [("channel", "phone")]).status == 403)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aMerchantAndItsHeadOfficeSeeTheirsAndNobodyElses(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let now = office.clock.now
        let codes = (1...3).map { USCC.completing("9299010100000000\($0)") }
        let entries = codes.enumerated().map { i, code in
            OperatorImport.Entry(
                uscc: code, name: "福临超市第\(i)店", kind: .individual, status: .active, address: "中兴路\(i)号", region: "990101", industry: "", representative: "王", phone: "",
                registeredOn: nil, shop: nil)
        }
        try await office.desk.store.write { _ = try OperatorImport.insert(entries, at: now, $0) }
        let operators = try await office.desk.store.read { tx in try codes.map { try Operators.find(uscc: $0, tx)! } }
        var doors: [(c: Matter, door: String, code: String, track: String)] = []
        for (i, code) in codes.enumerated() {
            doors.append(
                try await invited(office) {
                    $0.respondentUSCC = code
                    $0.facts = "第\(i)家店的事情，各不相同的经过"
                })
        }
        func issue(_ op: Operator) async throws -> String {
            let said = try #require(try await office.post("/operators/\(op.id)/merchant-code", as: .he, []).cookie("sinan_said"))
            return String(try #require(try await office.get("/operators/\(op.id)", as: .he, cookies: ["sinan_said": said]).text.firstMatch(of: /商家查询码 ([A-Z0-9]{8})/)?.1))
        }
        let (head, third) = (try await issue(operators[0]), try await issue(operators[2]))
        #expect(try await office.post("/operators/\(operators[0].id)/chain", as: .he, [("member", codes[1]), ("basis", "总部加盟证明")]).status == 303)
        let list = try await office.get("/merchant/\(codes[0])?code=\(head)").text
        #expect(list.contains(doors[0].c.number) && list.contains(doors[1].c.number) && !list.contains(doors[2].c.number))
        #expect(try await office.get("\(doors[1].door)?code=\(head)&of=\(codes[0])").status == 200)
        #expect(try await office.post("\(doors[1].door)/dispute", [("code", head), ("of", codes[0]), ("body", "已查，并无此事")]).status == 303)
        // Nobody else's: not by another merchant's code, not with a head's code for a shop that is not its own.
        for (door, code, of) in [(doors[2].door, head, codes[0]), (doors[0].door, third, codes[2]), (doors[1].door, third, codes[0])] {
            #expect(try await office.get("\(door)?code=\(code)&of=\(of)").status == 404)
        }
        #expect(try await office.get("/merchant/\(codes[0])?code=\(third)").status == 404)
        #expect(try await office.desk.store.read { try Standing.of(operators[1].id, at: now, $0) }.answered == 1)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// Closed as unkept, the consumer may still open it again; silence about what was said to be done is no breach.
    @Test func whatStaffCloseIsNotLostToTheConsumer() async throws {
        let office = try await TestOffice(.sqlite)
        let (c, door, code, track) = try await invited(office)
        let own = ("code", TestOffice.code)
        let now = office.clock.now.day
        #expect(try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "0"), ("by", now.description)]).status == 422)
        #expect(try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "100"), ("by", now.adding(days: 2).description)]).status == 303)
        #expect(try await office.post("\(track)/accept-offer", [own, ("offer", open(office, c))]).status == 303)
        let closing = "/disputes/\(c.id)/moves/close"
        #expect(try await office.post(closing, as: .wu, [("note", "结案")]).status == 422)
        #expect(try await office.post(closing, as: .wu, [("kept", "no"), ("note", "电话询问")]).status == 409)
        office.clock.set("\(now.adding(days: 4))T10:00:00+08:00")
        try await office.signInAgain()
        #expect(try await office.post(closing, as: .wu, [("kept", "unconfirmed"), ("note", "电话询问")]).status == 422)
        #expect(try await office.post(closing, as: .wu, [("kept", "no"), ("note", "电话询问")]).status == 303)
        #expect(try await state(office, c) == ("closed", "broken"))
        #expect(try await office.post("\(track)/reopen", [own, ("reason", "钱没有到")]).status == 303)
        #expect(try await state(office, c).0 == "mediating")
        #expect(try await office.desk.store.read { try $0.matter(c.id).outcome } == nil)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// The consumer takes an offer while the merchant sends another: one of the two stands.
    @Test(arguments: TestEngine.available)
    func ofATakingAndANewOfferAtOnceOneStands(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (c, door, code, track) = try await invited(office)
        _ = try await office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "100"), ("by", "2026-11-25")])
        let offer = try await open(office, c)
        async let taken = office.post("\(track)/accept-offer", [("code", TestOffice.code), ("offer", offer)]).status
        async let other = office.post("\(door)/offer", [("code", code), ("remedy", "refund"), ("amount", "50"), ("by", "2026-11-25")]).status
        let (a, b) = try await (taken, other)
        let offers = try await office.desk.store.read { try Negotiation.offers(c.id, $0) }
        let (now, _) = try await state(office, c)
        if a == 303 {
            #expect(now == "agreed" && offers.count { $0.state == "accepted" } == 1 && offers.first { $0.state == "accepted" }?.amount == Money(yuan: "100"))
        } else {
            #expect(a == 409 && b == 303 && now == "accepted" && offers.count { $0.isOpen } == 1)
        }
        #expect(try await office.verify().findings.isEmpty)
    }
}
