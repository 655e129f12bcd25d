import Browser
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

@testable import Evidence

/// What the room asks of a store, through the router, on both engines.
@Suite struct EvidenceRoomTests {
    /// A file taken in by a page of the room: its key.
    static func take(_ office: TestOffice, as persona: Persona, matter: String? = nil, purpose: String = "现场检查时拍摄") async throws -> Int64 {
        let reply = try await office.upload(
            "/evidence/files", as: persona, [("purpose", purpose), ("matter", matter ?? "")], file: Array("%PDF-1.4 \(purpose) \(UInt64.random(in: 0 ... .max))".utf8))
        #expect(reply.status == 303, "\(reply.text.prefix(3000))")
        return Int64(reply.location?.split(separator: "/").last ?? "") ?? 0
    }

    /// What a reading would have left, as rows.
    static func picture(_ office: TestOffice, of item: Int64, _ words: [String], bits: UInt64) async throws -> Int64 {
        let now = office.clock.now
        return try await office.desk.store.write { tx in
            let print = Fingerprint(bits: bits)
            let lines = JSON.array(words.enumerated().map { Reader.Line($1, .init(x: 0, y: $0 * 20, width: 100, height: 18), 90).json })
            let id = try tx.insert(
                """
                INSERT INTO evidence_pictures (item, place, source, width, height, hash, fingerprint, words, lines) VALUES (\(item), 'file', 'a', 600, 300, \("h\(bits)"), \(print.description),
                \(words.joined(separator: "\n")), \(lines.text)) RETURNING id
                """)
            for band in print.bands { try tx.run("INSERT INTO evidence_bands (band, picture) VALUES (\(band), \(id))") }
            try tx.run(
                "INSERT INTO evidence_readings (item, attempts, done_at, reader, note) VALUES (\(item), 1, \(now), 'tesseract', '') ON CONFLICT (item) DO UPDATE SET done_at = \(now)"
            )
            Search.index("evidence", item, texts: words, tx)
            return id
        }
    }

    @Test(arguments: TestEngine.available)
    func wordsOfPicturesAreSearchedAndPicturesThatLookAlikeAreFoundByWhoMaySeeThem(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (one, two, far) = (try await Self.take(office, as: .lin), try await Self.take(office, as: .lin), try await Self.take(office, as: .far))
        let picture = try await Self.picture(office, of: one, ["全网第一 销量冠军", "联系电话13812345678"], bits: 0xF0F0_1234_ABCD_0001)
        _ = try await Self.picture(office, of: two, ["同款"], bits: 0xF0F0_1234_ABCD_0004)
        _ = try await Self.picture(office, of: far, ["同款"], bits: 0xF0F0_1234_ABCD_0001)
        let found = try await office.get("/evidence?q=\(Link.encode("销量冠军"))", as: .lin)
        #expect(found.status == 200 && found.text.contains("/evidence/\(one)\"") && !found.text.contains("/evidence/\(two)\""))
        let page = try await office.get("/evidence/\(one)/pictures/\(picture)", as: .lin)
        #expect(page.status == 200 && page.text.contains("全网第一 销量冠军") && page.text.contains("/evidence/\(two)/pictures/"))
        #expect(!page.text.contains("/evidence/\(far)/pictures/"), "a picture of another district is not shown")
        // The line with a telephone number is ticked, and only that.
        #expect(page.text.components(separatedBy: "checked").count == 2, "\(page.text)")
        let item = try await office.get("/evidence/\(one)", as: .lin)
        #expect(item.status == 200 && item.text.contains("相似图片1"))
        #expect(try await office.get("/evidence/\(one)/pictures/\(picture + 1)", as: .lin).status == 404, "a picture of another item is not under this one")
        #expect(try await office.get("/evidence/\(one)", as: .far).status == 404)
    }

    @Test(arguments: TestEngine.available)
    func elementsAreCountedByPeopleAndTheCountCanBeUndone(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        let item = try await Self.take(office, as: .lin, matter: matter.number)
        let place = "/evidence/elements/\(matter.number)"
        let empty = try await office.get(place, as: .lin)
        #expect(empty.status == 200 && empty.text.contains("尚未选择违法行为"))
        let page = try await office.get("\(place)?violation=M05", as: .lin)
        #expect(page.text.contains("已认定0项") && page.text.contains("《中华人民共和国广告法》第九条"))
        let counted = try await office.post(place, as: .lin, [("violation", "M05"), ("element", "M05.term"), ("item", "\(item)")])
        #expect(counted.status == 303 && counted.location == "\(place)?violation=M05")
        // Counted twice is counted once; what was counted says the violation from then on.
        _ = try await office.post(place, as: .lin, [("violation", "M05"), ("element", "M05.term"), ("item", "\(item)")])
        #expect(try await office.get(place, as: .lin).text.contains("已认定1项"))
        for wrong in [[("element", "M05.none"), ("item", "\(item)")], [("element", "M05.term"), ("item", "999")], [("element", ""), ("item", "")]] {
            #expect([404, 422].contains(try await office.post(place, as: .lin, wrong).status))
        }
        #expect(try await office.get(place, as: .far).status == 404)
        let id = try await office.desk.store.read { try $0.one("SELECT id FROM evidence_elements")?.int("id") ?? 0 }
        #expect(try await office.post(place, as: .lin, [("remove", "\(id)")]).status == 303)
        #expect(try await office.get("\(place)?violation=M05", as: .lin).text.contains("已认定0项"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func evidenceIsKeptAsLongAsTheOfficeSaysHeldAndThenDestroyedWithItsRecordLeft(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let item = try await Self.take(office, as: .lin)
        let file = try await office.desk.store.read { try EvidenceItem.find(item, $0).file ?? "" }
        #expect(try await office.get("/evidence/\(item)", as: .he).text.contains("保存至2029-11-18"))
        // Too early, and not by whoever likes.
        #expect(try await office.post("/evidence/\(item)/dispose", as: .he, [("reason", "期限届满")]).status == 409)
        #expect(try await office.post("/evidence/\(item)/dispose", as: .lin, [("reason", "期限届满")]).status == 403)
        office.clock.set("2029-11-20T10:00")
        try await office.signInAgain()
        #expect(try await office.get("/evidence?kept=over", as: .he).text.contains("/evidence/\(item)\""))
        #expect(try await office.post("/evidence/\(item)/hold", as: .he, [("reason", "关联诉讼")]).status == 303)
        #expect(try await office.post("/evidence/\(item)/dispose", as: .he, [("reason", "期限届满")]).status == 409)
        #expect(try await !office.get("/evidence?kept=over", as: .he).text.contains("/evidence/\(item)\""))
        #expect(try await office.post("/evidence/\(item)/release", as: .he, []).status == 303)
        #expect(try await office.post("/evidence/\(item)/dispose", as: .he, [("reason", "期限届满")]).status == 303)
        #expect(try await office.post("/evidence/\(item)/dispose", as: .he, [("reason", "期限届满")]).status == 409)
        let page = try await office.get("/evidence/\(item)", as: .he)
        #expect(page.status == 200 && page.text.contains("到期销毁") && page.text.contains(file), "the record stays, with its hash")
        #expect(try await office.get("/evidence/\(item)/receipt", as: .he).status == 409)
        for path in ["record", "part/views/text.txt", "compare/\(item)"] { #expect(try await office.get("/evidence/\(item)/\(path)", as: .he).status == 409, "\(path)") }
        for path in ["verify", "export"] { #expect(try await office.post("/evidence/\(item)/\(path)", as: .he, [("note", "看看")]).status == 409, "\(path)") }
        // The sweep may take the file, and the check of files does not miss it.
        let wanted = try await office.desk.store.read { tx in try office.domains.reduce(into: Set<String>()) { $0.formUnion(try $1.files(tx)) } }
        #expect(!wanted.contains(file))
        #expect(try await office.verify().findings.isEmpty)
        // A destruction past the program is found.
        let other = try await Self.take(office, as: .lin)
        try await office.desk.store.write { tx in try tx.run("INSERT INTO evidence_disposals (item, reason, account, at) VALUES (\(other), 'x', 1, 1)") }
        #expect(try await !office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func evidenceOfAMatterIsKeptWhileThatIsOpen(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        let item = try await Self.take(office, as: .lin, matter: matter.number)
        #expect(try await office.get("/evidence/\(item)", as: .he).text.contains("事项办结前一直保存"))
        office.clock.set("2046-11-20T10:00")
        try await office.signInAgain()
        #expect(try await !office.get("/evidence?kept=over", as: .he).text.contains("/evidence/\(item)\""))
    }

    @Test(arguments: TestEngine.available)
    func leadsAreCapturedOnceAPageAndMatterUnderAnAccountThatNobodyHas(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        let now = office.clock.now
        let queue = CaptureQueue(CaptureSettings())
        for url in ["https://shop.example/a", "https://shop.example/a", "nothing", "https://shop.example/b"] {
            try await AutomaticCapture.ask(.object([("matter", .int(matter.id.raw)), ("url", .string(url)), ("purpose", .string("线索"))]), queue, office.desk)
        }
        try await AutomaticCapture.ask(.object([("matter", .int(99_999)), ("url", .string("https://shop.example/c"))]), queue, office.desk)
        let (items, account, custody) = try await office.desk.store.read { tx in
            (
                try tx.all("SELECT * FROM evidence_items ORDER BY id").map(EvidenceItem.init), try Accounts.find(login: AutomaticCapture.login, tx),
                try tx.all("SELECT actor FROM evidence_custody").map { $0.string("actor") }
            )
        }
        #expect(items.map(\.url) == ["https://shop.example/a", "https://shop.example/b"] && items.allSatisfy { $0.matter == matter.id && $0.account == account?.id })
        #expect(account?.active == false && account?.roles == [] && custody == ["system", "system"] && items.first?.askedAt == now)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: ["1-9223372036854775807-x", "1-1-x", "x", "--", "1--5-x", "9223372036854775808-1-x", "1-99999999999-"], TestEngine.available)
    func aMarkThatIsNoneShowsNothingAndStopsNothing(_ mark: String, _ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        #expect(try await office.get("/replay/\(mark)").status == 404)
        #expect(try await office.get("/replay/\(mark)/of?u=x").status == 404)
    }

    @Test(arguments: TestEngine.available)
    func handingOverAsksToWhomAndForWhatAndOnlyOfWhatOneMaySee(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let item = try await Self.take(office, as: .lin)
        let page = try await office.get("/evidence/handover?item=\(item)", as: .lin)
        #expect(page.status == 200 && page.text.contains("接收单位"))
        #expect(try await office.get("/evidence/handover?item=\(item)", as: .far).text.contains("没有可移交的证据"))
        let refused = try await office.post("/evidence/handover", as: .lin, [("item", "\(item)"), ("recipient", ""), ("purpose", "移送")])
        #expect(refused.status == 422 && refused.text.contains("请写明接收单位") && refused.text.contains("请选择要移交的证据") && refused.text.contains("移送"))
        #expect(try await office.post("/evidence/handover", as: .far, [("item", "\(item)"), ("pick", "\(item)"), ("recipient", "某局"), ("purpose", "移送")]).status == 422)
        #expect(try await office.get("/evidence/\(item)/custody.jsonld", as: .lin).status == 405, "an act of custody is no link")
        let graph = try await office.post("/evidence/\(item)/custody.jsonld", as: .lin, [])
        #expect(graph.status == 200 && graph.json["@graph"]?.array?.contains { $0["@type"]?.string == "case-investigation:ProvenanceRecord" } == true)
    }
}
