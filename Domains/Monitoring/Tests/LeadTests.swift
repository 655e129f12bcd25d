import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

@testable import Monitoring

@Suite struct LeadTests {
    static func listing(
        _ id: String, _ name: String, shop: String = "青溪家电旗舰店", price: String? = nil, list: String? = nil, at: String = "2026-11-20T08:30:00+08:00", more: String = ""
    ) throws -> Listing {
        let offers = [price.map { "\"price\":\($0)" }, list.map { "\"listPrice\":\($0)" }].compactMap { $0 }.joined(separator: ",")
        let text =
            "{\"id\":\"\(id)\",\"platform\":\"某平台\",\"url\":\"https://shop.example/\(id)\",\"name\":\"\(name)\",\"seller\":{\"name\":\"\(shop)\"}\(offers.isEmpty ? "" : ",\"offers\":{\(offers)}")\(more),\"observedAt\":\"\(at)\"}"
        return try Listing(JSON(parsing: Array(text.utf8)), at: Moment("2027-12-31")!)
    }

    /// An office with the shipped models active.
    static func office(_ engine: TestEngine, at now: String = "2026-11-23T10:00") async throws -> (TestOffice, Intake) {
        let office = try await TestOffice(engine, at: now)
        try await office.room.takeInShipped(office.desk.store, at: office.clock.now)
        let at = office.clock.now
        try await office.desk.store.write { tx in
            for row in try tx.all("SELECT id FROM monitoring_editions") { try ModelLife.decide(row.int("id"), to: .active, note: "", by: "test", at: at, tx) }
        }
        return (office, Intake(desk: office.desk, room: office.room))
    }

    static func leads(_ office: TestOffice) async throws -> [Lead] {
        try await office.desk.store.read { tx in try tx.all("SELECT * FROM casework_matters WHERE kind = 'lead' ORDER BY id").map { try tx.lead(Matter($0)) } }
    }

    /// A move as the page makes it, for when the sessions of the test's beginning have ended.
    @discardableResult
    static func apply(_ office: TestOffice, _ move: String, on id: ID<Matter>, by persona: Persona, _ fields: [(String, String)] = []) async throws -> Matter {
        let (desk, now, account) = (LeadDesk(desk: office.desk), office.clock.now, office.account(persona))
        return try await office.desk.store.write { tx in try desk.apply(move, on: tx.lead(id), input: Form(fields), by: .staff(account), at: now, tx) }
    }

    @Test(arguments: TestEngine.available)
    func hitsOfOneShopAndModelAreOneLeadAndTheSameTextAddsNothing(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        let first = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲"), Self.listing("a2", "全国第一品牌 电压力锅"), Self.listing("a3", "家用电饭煲 3升")], by: "test")
        #expect(first.added == 3 && first.leads == 1 && first.hits == 2)
        let again = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        #expect(again.same == 1 && again.leads == 0)
        let other = try await intake.take([Self.listing("b1", "全国第一品牌 炒锅", shop: "另一家店")], by: "test")
        #expect(other.leads == 1)
        let all = try await Self.leads(office)
        #expect(all.count == 2 && all[0].hits == 2 && all[0].model == "M05" && all[0].matter.state == LeadMoves.detected)
        // The listing's fields are on disk under their hash, with the page queued for capture, before anybody is told.
        let bytes = try office.desk.files.read(all[0].bodyHash)
        #expect(String(decoding: bytes, as: UTF8.self).contains("全网销量第一品牌"))
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM monitoring_captures WHERE state = 'waiting'") } == 2)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aLeadIsScreenedNoticedCorrectedLookedAtAgainAndClosed(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        var lead = try await Self.leads(office)[0]
        let path = "/leads/\(lead.matter.id)"
        let page = try await office.get(path, as: .zhao)
        #expect(page.status == 200 && page.text.contains("<mark>") && page.text.contains("广告法") && page.text.contains("豁免情形"))
        // Without the checklist it is not confirmed; who is no analyst may not at all.
        #expect(try await office.post(path + "/moves/confirm", as: .zhao, []).status == 422)
        #expect(try await office.post(path + "/moves/confirm", as: .qian, [("element", "0")]).status == 403)
        let ticks = (0..<3).map { ("element", String($0)) } + [("exempt", "none")]
        #expect(try await office.post(path + "/moves/confirm", as: .zhao, ticks).status == 303)
        let noticed = try await office.post(path + "/moves/notice", as: .zhao, [("change", "请删除“第一”用语"), ("due", "2026-11-30"), ("channel", "platform")])
        #expect(noticed.status == 303)
        let said = noticed.cookie("sinan_said")?.removingPercentEncoding?.removingPercentEncoding ?? ""
        let code = try #require(said.firstMatch(of: /code=([A-Z0-9]{8})/)?.1)
        // The shop reads what it is told with its code, and nobody without; its answer stands in the history.
        #expect(try await office.get("/notices/\(lead.matter.number)?code=ZZZZZZZZ").status == 404)
        let notice = try await office.get("/notices/\(lead.matter.number)?code=\(code)")
        #expect(notice.status == 200 && notice.text.contains("请删除“第一”用语") && notice.text.contains("2026-11-30"))
        #expect(try await office.post("/notices/\(lead.matter.number)", [("code", String(code)), ("answer", "已改正标题")]).status == 303)
        #expect(try await office.get(path, as: .zhao).text.contains("已改正标题"))
        // It changes: seen again, it is looked at at once and found corrected.
        office.clock.set("2026-11-25T09:00")
        _ = try await intake.take([Self.listing("a1", "家用电饭煲 大容量", at: "2026-11-25T08:00:00+08:00")], by: "test")
        try await office.work()
        lead = try await Self.leads(office)[0]
        #expect(lead.matter.state == LeadMoves.rectified && lead.matter.outcome == "rectified" && lead.correctedHash != nil)
        try await Self.apply(office, "feed-back", on: lead.matter.id, by: .zhao, [("result", "已改正")])
        #expect(try await Self.apply(office, "close", on: lead.matter.id, by: .zhao).state == LeadMoves.closed)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatIsNotCorrectedComesBackToBeDispatchedAndItsClockRuns(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        let lead = try await Self.leads(office)[0]
        let path = "/leads/\(lead.matter.id)"
        _ = try await office.post(path + "/moves/confirm", as: .zhao, (0..<3).map { ("element", String($0)) } + [("exempt", "none")])
        _ = try await office.post(path + "/moves/notice", as: .zhao, [("change", "请删除"), ("due", "2026-11-25"), ("channel", "platform")])
        office.clock.set("2026-11-26T09:00")
        try await office.work()
        #expect(try await Self.leads(office)[0].matter.state == LeadMoves.screened)
        let said = try await office.desk.store.read { try $0.one("SELECT details FROM casework_moves WHERE move = 'escalate'")?.string("details") }
        #expect(said?.contains("still") == true)
        await #expect(throws: Refusal.self) { try await Self.apply(office, "dispatch", on: lead.matter.id, by: .zhao, [("region", "990101")]) }
        try await Self.apply(office, "dispatch", on: lead.matter.id, by: .zhao, [("region", "990101"), ("place", "domicile")])
        let clock = try #require(try await office.desk.store.read { try Clocks.of(lead.matter.id, $0) }.first)
        // Law: PCD art. 18(1): fifteen working days; the head may give another fifteen, into a year whose calendar is not there yet.
        #expect(clock.duty == "P1" && clock.due == Day("2026-12-17"))
        let (now, head, engine) = (office.clock.now, office.account(.he), office.desk.engine)
        try await office.desk.store.write { try Clocks.extend(clock, because: "需要鉴定", by: head, engine: engine, at: now, $0) }
        #expect(try await office.desk.store.read { try Clocks.of(lead.matter.id, $0).first?.due } == Day("2027-01-07"))
        try await Self.apply(office, "propose", on: lead.matter.id, by: .he, [("result", "查明属实，建议立案")])
        let after = try await Self.leads(office)[0]
        #expect(after.matter.state == LeadMoves.proposed && after.matter.region == "990101" && after.matter.outcome == "proposed")
        #expect(try await office.verify().findings.isEmpty)
    }

    /// Tells a shop by page and returns its code.
    static func notice(_ office: TestOffice, _ lead: Lead, due: String) async throws -> String {
        let path = "/leads/\(lead.matter.id)"
        _ = try await office.post(path + "/moves/confirm", as: .zhao, (0..<3).map { ("element", String($0)) } + [("exempt", "none")])
        let noticed = try await office.post(path + "/moves/notice", as: .zhao, [("change", "请删除"), ("due", due), ("channel", "sms")])
        let said = noticed.cookie("sinan_said")?.removingPercentEncoding?.removingPercentEncoding ?? ""
        return String(try #require(said.firstMatch(of: /code=([A-Z0-9]{8})/)?.1))
    }

    @Test(arguments: TestEngine.available)
    func wordsThatOnlyAnExcuseHidesAreNotClosedByTheMachine(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        let lead = try await Self.leads(office)[0]
        _ = try await Self.notice(office, lead, due: "2026-11-30")
        office.clock.set("2026-11-25T09:00")
        _ = try await intake.take([Self.listing("a1", "不敢说全网销量第一 电饭煲", at: "2026-11-25T08:00:00+08:00")], by: "test")
        try await office.work()
        #expect(try await Self.leads(office)[0].matter.state == LeadMoves.notified)
        try await office.signInAgain()
        let page = try await office.get("/leads/\(lead.matter.id)", as: .zhao)
        #expect(page.text.contains("请人工核对") && page.text.contains("复查存疑"))
        // The day past, a person has it before them with the reason.
        office.clock.set("2026-12-01T09:00")
        try await office.work()
        let after = try await Self.leads(office)[0]
        #expect(after.matter.state == LeadMoves.screened)
        #expect(try await office.desk.store.read { try $0.one("SELECT details FROM casework_moves WHERE move = 'escalate'")?.string("details") }?.contains("late") == true)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatComesBackAfterItWasCorrectedIsANewLeadAndWhatStaysIsNotCountedAgain(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        // Seen on the next days as it was: one hit.
        for day in 21...22 { _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲", at: "2026-11-\(day)T08:30:00+08:00")], by: "test") }
        var all = try await Self.leads(office)
        #expect(all.count == 1 && all[0].hits == 1)
        let code = try await Self.notice(office, all[0], due: "2026-11-30")
        // Another listing of the shop joins what it was told, on record, and it is told of that too.
        _ = try await intake.take([Self.listing("a2", "全国第一品牌 电压力锅", at: "2026-11-23T12:00:00+08:00")], by: "test")
        let page = try await office.get("/leads/\(all[0].matter.id)", as: .zhao)
        #expect(page.text.contains("又有命中") && page.text.contains("自行整改通知（补充）"))
        #expect(try await office.get("/notices/\(all[0].matter.number)?code=\(code)").text.contains("电压力锅"))
        office.clock.set("2026-11-25T09:00")
        _ = try await intake.take(
            [
                Self.listing("a1", "家用电饭煲 大容量", at: "2026-11-25T08:00:00+08:00"),
                Self.listing("a2", "电压力锅 6升", at: "2026-11-25T08:00:00+08:00"),
            ], by: "test")
        try await office.work()
        all = try await Self.leads(office)
        #expect(all[0].matter.state == LeadMoves.rectified)
        // A week on the old words are back: what was looked at again stays on the old lead, the new one points to it.
        office.clock.set("2026-12-01T09:00")
        _ = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲", at: "2026-12-01T08:30:00+08:00")], by: "test")
        all = try await Self.leads(office)
        #expect(all.count == 2 && all[1].matter.state == LeadMoves.detected && all[1].hits == 1)
        try await office.signInAgain()
        let old = try await office.get("/leads/\(all[0].matter.id)", as: .zhao).text
        #expect(old.contains("复查时（2026-11-25") && old.contains("家用电饭煲 大容量"))
        #expect(try await office.get("/leads/\(all[1].matter.id)", as: .zhao).text.contains("整改后再次出现"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func aModelThatIsSurelyBelowItsFloorGoesBackIntoTrialAndSaysSo() async throws {
        let (office, intake) = try await Self.office(.sqlite)
        for i in 0..<24 { _ = try await intake.take([Self.listing("x\(i)", "全网销量第一品牌 电饭煲\(i)", shop: "店铺\(i)")], by: "test") }
        for lead in try await Self.leads(office) {
            _ = try await office.post("/leads/\(lead.matter.id)/moves/dismiss", as: .zhao, [("reason", "misread")])
        }
        let states = try await office.desk.store.read {
            try $0.all("SELECT state, note FROM monitoring_editions WHERE model = 'M05'").map { ($0.string("state"), $0.string("note")) }
        }
        #expect(states.count == 1 && states[0].0 == "shadow" && states[0].1.contains("精度低于下限"))
        // In trial it still hits, and opens nothing.
        let outcome = try await intake.take([Self.listing("y", "全网销量第一品牌 电饭煲", shop: "新店")], by: "test")
        #expect(outcome.hits == 1 && outcome.leads == 0)
        #expect(try await office.get("/monitoring/models", as: .zhao).text.contains("试运行"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func anEditionInTrialRunsBesideTheActiveOneAndOpensNothing(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        let now = office.clock.now
        try await office.desk.store.write { tx in
            let active = try Edition(tx.one("SELECT * FROM monitoring_editions WHERE model = 'M05'")!)
            var files = active.files
            files["rule.yml"]! += "# another\n"
            let id = try ModelRoom.add("M05", active.title, active.folder, files, state: .draft, by: "test", at: now, note: "试", tx)
            try ModelLife.decide(id, to: .shadow, note: "", by: "test", at: now, tx)
        }
        let outcome = try await intake.take([Self.listing("a1", "全网销量第一品牌 电饭煲")], by: "test")
        #expect(outcome.hits == 2 && outcome.leads == 1)
        let hits = try await office.desk.store.read {
            try $0.all("SELECT shadow, lead FROM monitoring_hits ORDER BY shadow").map { ($0.bool("shadow"), $0.optionalInt("lead") != nil) }
        }
        #expect(hits.count == 2 && hits[0] == (false, true) && hits[1] == (true, false))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func pricesOfTheDaysBeforeDecideWhatAComparedPriceMayBe() throws {
        func features(_ price: String, _ list: String?, _ past: [(String, String)]) throws -> JSON {
            let listing = try Self.listing("a", "羽绒服", price: price, list: list, at: "2026-11-20T10:00:00+08:00")
            return Features.of(listing, past: past.map { Features.Past(at: Moment($0.0)!, price: Money(yuan: $0.1), sold: nil) }, seller: .init())
        }
        // The lowest of the seven days before; what was asked earlier does not count.
        let week = try features("399", "999", [("2026-10-01", "299"), ("2026-11-15", "499"), ("2026-11-18", "459")])["price"]
        #expect(week?["base"]?.text == "459.00" && week?["listOverBase"]?.double.map { abs($0 - 1.1765) < 0.0001 } == true)
        // Nothing in seven days: the last price before.
        #expect(try features("399", "999", [("2026-10-01", "299"), ("2026-10-20", "599")])["price"]?["base"]?.text == "599.00")
        // A rise within fifteen days and then a “discount”.
        let raised = try features("450", nil, [("2026-11-08", "400"), ("2026-11-19", "600")])["price"]
        #expect(raised?["riseBeforeCut"]?.text == "0.5000" && raised?["cut"]?.text == "0.2500" && raised?["cutBelowLow"]?.bool == false)
        #expect(try features("399", "999", [])["price"] == nil)
    }

    @Test func aTranscriptShowsItsGapsAndReadsEachForm() throws {
        let srt = try Transcript.read("1\n00:00:01,000 --> 00:00:03,500\n欢迎来到直播间\n\n2\n00:01:10,000 --> 00:01:12,000\n今天只要99元\n")
        #expect(srt.map(\.start) == [1, 70] && srt[1].text == "今天只要99元")
        let vtt = try Transcript.read("WEBVTT\n\n00:01.000 --> 00:03.500\n<v 主播>欢迎</v>\n")
        #expect(vtt == [Transcript.Line(start: 1, end: 3.5, text: "欢迎")])
        #expect(try Transcript.read(#"{"segments":[{"start":2,"end":4,"text":"好"}]}"#) == [Transcript.Line(start: 2, end: 4, text: "好")])
        let json = Transcript.json(srt).array ?? []
        #expect(json.count == 3 && json[1]["gap"]?.bool == true && json[1]["seconds"]?.text == "66.5000")
        #expect(throws: Refusal.self) { try Transcript.read("没有时间的一行") }
        #expect(Features.spoken("宝宝们到手价只要129.9元") == Money(yuan: "129.9"))
    }

    @Test func triggersAndExceptionsDecideWhatOpensALead() async throws {
        let (office, intake) = try await Self.office(.sqlite)
        #expect(
            try await office.post("/monitoring/models/M05/trigger", as: .he, [("opens", "yes"), ("minimum", "3"), ("level", "medium"), ("floor", "50"), ("account", "")]).status
                == 303)
        func take(_ id: String, _ shop: String, at: String = "2026-11-20") async throws -> Int {
            try await intake.take([Self.listing(id, "全网销量第一品牌 锅\(id)", shop: shop, at: "\(at)T08:30:00+08:00")], by: "test").leads
        }
        #expect(try await take("1", "甲店") == 0)
        #expect(try await take("2", "甲店") == 0)
        #expect(try await take("3", "甲店") == 1)
        #expect(try await Self.leads(office)[0].hits == 3)
        #expect(try await office.post("/monitoring/models/M05/exceptions", as: .zhao, [("shop", "没见过"), ("reason", "x"), ("until", "2026-12-31")]).status == 422)
        _ = try await take("4", "乙店")
        #expect(try await office.post("/monitoring/models/M05/exceptions", as: .zhao, [("shop", "乙店"), ("reason", "注册商标"), ("until", "2026-12-31")]).status == 303)
        for i in 5..<9 { #expect(try await take("\(i)", "乙店") == 0) }
        office.clock.set("2027-01-04T09:00")
        for (id, opened) in [("9", 0), ("10", 0), ("11", 1)] { #expect(try await take(id, "乙店", at: "2027-01-03") == opened) }
    }

    @Test func whatIsNoListingIsNamedByItsField() throws {
        func pointers(_ text: String) -> [String] {
            do {
                _ = try Listing(JSON(parsing: Array(text.utf8)), at: Moment("2026-11-23T10:00")!)
                return []
            } catch { return error.fields.map(\.pointer) }
        }
        #expect(pointers(#"{"id":"a"}"#) == [])
        #expect(pointers(#"{"id":7}"#) == [])
        #expect(pointers(#"{"name":"x"}"#) == ["/id"])
        #expect(pointers(#"{"id":"a","offers":{"price":1.999}}"#) == ["/offers/price"])
        #expect(pointers(#"{"id":"a","offers":{"price":1e3}}"#) == ["/offers/price"])
        #expect(pointers(#"{"id":"a","kind":"thing","sales":{"count30d":-1}}"#) == ["/kind", "/sales/count30d"])
        #expect(pointers(#"{"id":"a","observedAt":"2027-11-23T10:00:00Z"}"#) == ["/observedAt"])
        #expect(pointers("[]") == [""])
    }

    // MARK: Words of pictures

    private static func words(_ texts: [String], of url: String, leadingTo: String? = nil, for matter: Int64? = nil, at: String, _ intake: Intake) async throws {
        try await PictureWords.take(
            .object([
                ("url", .string(url)), ("finalURL", .string(leadingTo ?? url)), ("matter", matter.map { .int($0) } ?? .null), ("words", .array(texts.map(JSON.string))),
                ("evidence", .string("DZ20260000001")), ("at", .string(at)),
            ]), intake)
    }

    @Test(arguments: TestEngine.available)
    func wordsOfPicturesAreMatchedBesideTheListingWhichStaysAsItsPlatformSaidIt(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        let listing = try Self.listing("w1", "家用按摩枕", price: "199")
        _ = try await intake.take([listing], by: "test")
        func state() async throws -> (String, Int, Int64) {
            try await office.desk.store.read { tx in
                let row = try tx.one("SELECT body, last_at FROM monitoring_listings WHERE ref = 'w1'")!
                return (row.string("body"), try tx.count("SELECT count(*) AS n FROM monitoring_observations"), row.int("last_at"))
            }
        }
        let before = try await state()
        #expect(try await Self.leads(office).isEmpty)
        try await Self.words(["全网第一 销量冠军"], of: "https://shop.example/w1", at: "2026-11-22T09:00:00+08:00", intake)
        let (lead, after) = (try #require(try await Self.leads(office).first), try await state())
        #expect(lead.model == "M05" && after == before, "fields, prices and times are the platform's")
        // The same words again, and the listing again without them: nothing new, nothing gone.
        try await Self.words(["全网第一 销量冠军"], of: "https://shop.example/w1", at: "2026-11-22T10:00:00+08:00", intake)
        _ = try await intake.take([try Self.listing("w1", "家用按摩枕", price: "199", at: "2026-11-22T11:00:00+08:00")], by: "test")
        #expect(try await Self.leads(office).count == 1)
        // Told to correct, and the platform sends the listing as ever: the picture still stands.
        try await Self.apply(office, "confirm", on: lead.matter.id, by: .zhao, (0..<3).map { ("element", String($0)) } + [("exempt", "none")])
        try await Self.apply(office, "notice", on: lead.matter.id, by: .zhao, [("change", "请更换图片"), ("due", "2026-11-30"), ("channel", "platform")])
        office.clock.set("2026-11-24T10:00")
        _ = try await intake.take([try Self.listing("w1", "家用按摩枕 新款", price: "199", at: "2026-11-24T09:30:00+08:00")], by: "test")
        try await office.work()
        #expect(try await Self.leads(office).first?.matter.state == LeadMoves.notified, "an import takes no picture away")
        // A capture that led elsewhere found none of them: that says nothing of this page.
        try await Self.words([], of: "https://shop.example/w1", leadingTo: "https://shop.example/home", for: lead.matter.id.raw, at: "2026-11-24T09:40:00+08:00", intake)
        try await office.work()
        #expect(try await Self.leads(office).first?.matter.state == LeadMoves.notified)
        // Captured again without: then it is corrected.
        try await Self.words([], of: "https://shop.example/w1", at: "2026-11-24T09:45:00+08:00", intake)
        try await office.work()
        #expect(try await Self.leads(office).first?.matter.state != LeadMoves.notified)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aPageThatLeadsElsewhereGivesItsPicturesToNobody(_ engine: TestEngine) async throws {
        let (office, intake) = try await Self.office(engine)
        _ = try await intake.take([try Self.listing("victim", "电饭煲"), try Self.listing("asked", "电水壶")], by: "test")
        try await Self.words(["全国销量第一"], of: "https://shop.example/redir", leadingTo: "https://shop.example/victim", at: "2026-11-22T09:00:00+08:00", intake)
        try await Self.words(["全国销量第一"], of: "https://shop.example/asked", leadingTo: "https://shop.example/victim", at: "2026-11-22T09:00:00+08:00", intake)
        #expect(try await Self.leads(office).isEmpty)
    }
}
