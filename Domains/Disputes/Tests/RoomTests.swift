import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// The mediation's room: what one side sees of the other, and an agreement signed by both.
@Suite struct RoomTests {
    @Test(arguments: TestEngine.available)
    func bothSignTheSameTextOnTheirOwnPagesAndThenItStands(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (c, door, code, track) = try await OfferTests().invited(office)
        let (own, theirs) = (("code", TestOffice.code), ("code", code))
        try await office.apply("arrange", on: c, by: .wu, [("mode", "remote"), ("consent", "yes"), ("mediators", "武清"), ("at", "2026-11-24T09:30")])
        #expect(try await office.get("\(door)?code=\(code)").text.contains("session.ics"))
        try await office.apply("draft", on: c, by: .wu, [("agreement", "商家退款399元，消费者退回电饭煲。"), ("by", "2026-11-30")])
        func hash() async throws -> String {
            String(try #require(try await office.get("\(track)?code=\(TestOffice.code)").text.firstMatch(of: /name="hash"[^>]*value="([0-9a-f]{64})"/)?.1))
        }
        let first = try await hash()
        #expect(try await office.post("\(track)/sign", [own, ("hash", first), ("name", "陈小满")]).status == 422)
        #expect(try await office.post("\(track)/sign", [own, ("hash", first), ("name", "陈小满"), ("agree", "yes")]).status == 303)
        // Changed behind the first name: nobody has signed the new text.
        try await office.apply("draft", on: c, by: .wu, [("agreement", "商家退款300元，消费者保留电饭煲。"), ("by", "2026-11-30")])
        #expect(try await office.post("\(door)/sign", [theirs, ("hash", first), ("name", "福临超市店长王某"), ("agree", "yes")]).status == 409)
        let second = try await hash()
        #expect(second != first)
        #expect(try await office.post("\(door)/sign", [theirs, ("hash", second), ("name", "福临超市店长王某"), ("agree", "yes")]).status == 303)
        #expect(try await office.desk.store.read { try $0.matter(c.id).state } == "mediating")
        #expect(try await office.post("\(track)/sign", [own, ("hash", second), ("name", "陈小满"), ("agree", "yes")]).status == 303)
        let after = try await office.desk.store.read { (try $0.complaint(c.id), try Negotiation.promise(c.id, $0)) }
        #expect(after.0.matter.state == "agreed" && after.0.agreementForm == "online" && after.1?.due == Day("2026-11-30"))
        #expect(after.0.agreement?.contains("投诉人陈小满") == true && after.0.agreement?.contains("在线签署") == true)
        // The paper is on the merchant's page, and opens there.
        let page = try await office.get("\(door)?code=\(code)").text
        let paper = try #require(page.firstMatch(of: /\/respond\/TS\d+\/documents\/\d+/)?.output)
        #expect(try await office.get("\(paper)?code=\(code)").text.contains("商家退款300元"))
        #expect(try await office.get("\(paper)?code=WRONGONE").status == 404)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// A file goes across only when the mediator shows it, and comes back.
    @Test func aFileIsSeenByTheOtherSideOnlyWhileTheMediatorShowsIt() async throws {
        let office = try await TestOffice(.sqlite)
        let (c, door, code, track) = try await OfferTests().invited(office)
        let kept = try Attachments.keep("发票.pdf", Array("%PDF-1.4 x".utf8), office.desk.files)
        let now = office.clock.now
        let id = try await office.desk.store.write { tx in
            try Attachments.attach([kept], to: c, source: "complainant", by: "filer", at: now, tx)
            return try Attachments.of(c.id, tx)[0].id
        }
        let file = "\(door)/files/\(id)?code=\(code)"
        #expect(try await office.get(file).status == 404)
        #expect(try await office.post("/disputes/\(c.id)/shown", as: .lin, [("attachment", "\(id)"), ("shown", "yes")]).status == 403)
        #expect(try await office.post("/disputes/\(c.id)/shown", as: .wu, [("attachment", "\(id)"), ("shown", "yes")]).status == 303)
        #expect(try await office.get(file).status == 200)
        #expect(try await office.get("\(door)?code=\(code)").text.contains("材料1.pdf"))
        // One's own file is not among what the other side handed in.
        #expect(try await office.get("\(track)/files/\(id)?code=\(TestOffice.code)").status == 404)
        #expect(try await office.post("/disputes/\(c.id)/shown", as: .wu, [("attachment", "\(id)"), ("shown", "no")]).status == 303)
        #expect(try await office.get(file).status == 404)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// Recusal may be asked for by either side; mediation stands still until it is decided.
    @Test func eitherSideMayAskForAnotherMediatorAndNothingIsEndedMeanwhile() async throws {
        let office = try await TestOffice(.sqlite)
        let (c, door, code, track) = try await OfferTests().invited(office)
        try await office.apply("arrange", on: c, by: .wu, [("mode", "remote"), ("consent", "yes"), ("mediators", "武清")])
        #expect(try await office.post("\(door)/recuse", [("code", code)]).status == 422)
        #expect(try await office.post("\(door)/recuse", [("code", code), ("reason", "调解员是投诉人的表兄")]).status == 303)
        for name in ["end", "agree", "draft", "position"] {
            #expect(try await office.post("/disputes/\(c.id)/moves/\(name)", as: .wu, [("ground", "2"), ("reason", "x")]).status == 409, "\(name)")
        }
        try await office.apply("recusal-decided", on: c, by: .he, [("decision", "rejected")])
        // Each side once of the same mediators.
        #expect(try await office.post("\(door)/recuse", [("code", code), ("reason", "还是他")]).status == 409)
        #expect(try await office.post("\(track)/recuse", [("code", TestOffice.code), ("reason", "调解员与商家有生意往来")]).status == 303)
        #expect(try await office.desk.store.read { try $0.matter(c.id).state } == "recusal")
        // Granted: who was removed drafts nothing, shows nothing, invites nobody.
        let wu = try #require(office.accounts[.wu]?.name)
        try await office.apply("recusal-decided", on: c, by: .he, [("decision", "rejected")])
        try await office.apply("arrange", on: c, by: .wu, [("mode", "remote"), ("consent", "yes"), ("mediators", wu)])
        try await office.apply("recuse", on: c, by: .wu, [("reason", "亲属")])
        try await office.apply("recusal-decided", on: c, by: .he, [("decision", "replaced"), ("mediators", "另一人")])
        #expect(try await office.post("/disputes/\(c.id)/moves/draft", as: .wu, [("agreement", "x"), ("by", "2026-12-01")]).status == 403)
        #expect(try await office.post("/disputes/\(c.id)/invite", as: .wu, [("channel", "phone")]).status == 403)
        #expect(try await office.post("/disputes/\(c.id)/moves/arrange", as: .he, [("mode", "remote"), ("consent", "yes"), ("mediators", wu)]).status == 422)
    }

    /// Another draft carries nobody's name, be its words the same; what a fund paid is not agreed about again; a day that is past is none.
    @Test func aDraftIsSignedAsItStandsAndOnlyWhileItMakesSense() async throws {
        let office = try await TestOffice(.sqlite)
        let (c, door, code, track) = try await OfferTests().invited(office)
        func draft() async throws { try await office.apply("draft", on: c, by: .wu, [("agreement", "退款"), ("amount", "399"), ("by", "2026-11-30")]) }
        func hash() async throws -> String { try #require(try await office.desk.store.read { try Room.load(c.id, $0).draft?.hash }) }
        try await draft()
        let first = try await hash()
        #expect(try await office.post("\(track)/sign", [("code", TestOffice.code), ("hash", first), ("name", "陈小满"), ("agree", "yes")]).status == 303)
        office.clock.set("2026-11-24T09:00")
        try await office.signInAgain()
        try await draft()
        #expect(try await hash() != first)
        #expect(try await office.post("\(door)/sign", [("code", code), ("hash", hash()), ("name", "店长"), ("agree", "yes")]).status == 303)
        #expect(try await office.desk.store.read { try $0.matter(c.id).state } == "accepted")
        // Its day past, it is drafted anew.
        office.clock.set("2026-12-02T09:00")
        try await office.signInAgain()
        #expect(try await office.post("\(track)/sign", [("code", TestOffice.code), ("hash", hash()), ("name", "陈小满"), ("agree", "yes")]).status == 409)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// What a consumer wrote about itself into the facts does not reach the merchant.
    @Test(arguments: [
        ("我叫陈小满，电话13812345678，住明州市青溪区湖滨路8号2幢301室，买的电饭煲坏了。", ["陈小满", "13812345678", "湖滨路8号2幢301室"]),
        ("请送到湖滨路8号2幢；店在中兴路12号。", ["湖滨路8号2幢"]), ("座机0571-88886666找我。", ["0571-88886666"]),
    ])
    func whatNamesTheConsumerIsStruckOutOfTheFacts(_ facts: String, _ gone: [String]) async throws {
        let office = try await TestOffice(.sqlite)
        let (_, door, code, _) = try await OfferTests().invited(office) {
            $0.facts = facts
            ($0.complainantName, $0.complainantPhone, $0.complainantAddress) = ("陈小满", "0571-88886666", "明州市青溪区湖滨路8号2幢301室")
            ($0.respondentName, $0.respondentAddress) = ("福临超市", "明州市青溪区中兴路12号")
        }
        let page = try await office.get("\(door)?code=\(code)").text
        for word in gone { #expect(!page.contains(word), "\(word)") }
        if facts.contains("中兴路") { #expect(page.contains("中兴路12号")) }
    }
}
