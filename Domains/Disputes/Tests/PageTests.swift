import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

@Suite struct IntakePageTests {
    /// Goes through all six pages as a browser without scripts would; returns where it ends.
    func fill(_ office: TestOffice, facts: String = "买的电饭煲三天就坏") async throws -> String {
        var cookies: [String: String] = [:]
        let steps: [(String, [(String, String)])] = [
            ("what", [("facts", facts)]), ("who", [("respondentName", "福临超市"), ("respondentAddress", "青溪区中兴路12号")]),
            ("claim", [("purchase", "电饭煲"), ("occurredOn", "2026-09-01"), ("amount", "399"), ("claim", "refund")]), ("evidence", []),
            ("you", [("name", "陈小满"), ("phone", "13812345678"), ("address", "柳荫路8号"), ("publication", "yes"), ("delegation", "no")]), ("check", []),
        ]
        var last = ""
        for (step, fields) in steps {
            let reply = try await office.post("/complaints/new/\(step)", fields, cookies: cookies)
            #expect(reply.status == 303, "\(step): \(reply.text.prefix(400))")
            if let draft = reply.cookie("sinan_draft"), !draft.isEmpty { cookies["sinan_draft"] = draft }
            last = reply.location ?? ""
        }
        return last
    }

    @Test(arguments: TestEngine.available)
    func sixPagesLeadToANumberAndADateWithItsReason(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-09-18T10:00")
        let location = try await fill(office)
        #expect(location.hasPrefix("/track/TS2026"))
        let page = try await office.get(location)
        #expect(page.status == 200 && page.text.contains("2026-09-29") && page.text.contains("为什么是这一天") && page.text.contains("第十五条") && page.text.contains("<svg"))
        let wrong = try await office.get(location.replacingOccurrences(of: "code=", with: "code=X"))
        #expect(wrong.status == 404)
    }

    @Test func aMissingAnswerIsNamedAndTheRestIsKept() async throws {
        let office = try await TestOffice(.sqlite)
        let reply = try await office.post("/complaints/new/who", [("respondentName", "福临超市")])
        #expect(reply.status == 422 && reply.text.contains("f-respondentAddress") && reply.text.contains("福临超市"))
    }

    @Test(arguments: [("13812345678", "13812345678"), ("+86 138-1234-5678", "13812345678"), ("0571-88881234", "057188881234"), ("12315", "12315")])
    func aPhoneIsOneValueHoweverItIsWritten(_ typed: String, _ kept: String) async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file { $0.complainantPhone = typed }
        #expect(try await office.desk.store.read { try $0.one("SELECT phone FROM disputes_complainants WHERE matter = \(matter.id)")?.string("phone") } == kept)
        await #expect(throws: Refusal.self) { try await office.file { $0.complainantPhone = "1381234567" } }
    }

    @Test(arguments: ["https://shop.example/3", "https://shop.example/3/", "http://shop.example/3?spm=2014#pics", "https://shop.example/4"])
    func aShopIsFoundHoweverItsAddressWasCopied(_ typed: String) async throws {
        let office = try await TestOffice(.sqlite)
        let found = try await office.desk.store.write { tx in
            let id = try tx.insert(
                """
                INSERT INTO operators (uscc, name, kind, status, address, region, industry, representative, phone, initials, changed_at)
                VALUES ('91990101MA00000000', '三号店', 'enterprise', 'active', '青溪区', '990101', '', '', '', 'shd', 0) RETURNING id
                """)
            try tx.run("INSERT INTO operators_shops (operator, platform, shop, name, url) VALUES (\(id), '商城', '3', '三号店', 'https://shop.example/3')")
            return try Operators.find(shopURL: typed, tx)
        }
        #expect((found == nil) == typed.hasSuffix("/4"))
    }

    @Test func aStoredScriptComesOutAsText() async throws {
        let office = try await TestOffice(.sqlite)
        let evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
        let matter = try await office.file {
            $0.facts = evil
            $0.respondentName = evil
            $0.respondentAddress = "青溪区" + evil
            $0.purchase = evil
            $0.complainantName = evil
            $0.complainantAddress = evil
        }
        try await office.apply("accept", on: matter, by: .lin, [("note", evil)])
        let document = try await office.desk.store.read { try Documents.of(matter.id, $0)[0].id }
        for (path, persona) in [("/disputes/\(matter.id)", Persona.lin), ("/desk", .lin), ("/documents/\(document)", .lin), ("/insights", .zhou), ("/ledger", .qian)] {
            let reply = try await office.get(path, as: persona)
            #expect(reply.status == 200 && !reply.text.contains("<script>alert") && !reply.text.contains("<img src=x"), "\(path)")
        }
    }
}

@Suite struct StaffPageTests {
    @Test(arguments: TestEngine.available)
    func theQueueShowsWhatLapsesFirstAndAssignsInBulk(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let next = try await office.file()
        let late = try await office.file { $0.receivedAt = Moment("2026-11-13T10:00") }
        let page = try await office.get("/desk", as: .he)
        let (a, b) = (try #require(page.text.range(of: late.number)), try #require(page.text.range(of: next.number)))
        #expect(a.lowerBound < b.lowerBound)
        let reply = try await office.post("/desk/assign", as: .he, [("matter", "\(late.id)"), ("matter", "\(next.id)"), ("assignee", "\(office.account(.lin).id)")])
        #expect(reply.status == 303)
        #expect(try await office.get("/desk?whose=mine", as: .lin).text.contains(late.number))
        #expect(try await office.get("/desk?due=nonsense", as: .lin).status == 422)
        #expect(try await office.get("/desk?q=\(Link.encode("电饭煲"))", as: .lin).text.contains(next.number))
        #expect(try await office.get("/desk/export?format=xlsx", as: .lin).bytes.starts(with: [0x50, 0x4B]))
        #expect(try await office.get("/desk/export", as: .lin).bytes.starts(with: [0xEF, 0xBB, 0xBF]))
    }

    @Test(arguments: TestEngine.available)
    func pickedMattersAreAssignedInTwoStepsAndADateOpensItsReason(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        let choose = try await office.post("/desk/assign", as: .he, [("matter", "\(matter.id)")])
        #expect(choose.status == 200 && choose.text.contains(matter.number) && choose.text.contains("name=\"assignee\""))
        // Who cannot carry it on as it stands is not offered it: a mediator before it is taken up, an auditor ever.
        func offers(_ page: TestOffice.Reply, _ persona: Persona) -> Bool { page.text.contains("id=\"f-assignee-\(office.account(persona).id)\"") }
        #expect(offers(choose, .lin) && !offers(choose, .wu) && !offers(choose, .wang))
        let early = try await office.post("/desk/assign", as: .he, [("matter", "\(matter.id)"), ("assignee", "\(office.account(.wu).id)")])
        #expect(early.status == 422 && early.text.contains("待受理"))
        try await office.apply("accept", on: matter, by: .lin)
        #expect(offers(try await office.post("/desk/assign", as: .he, [("matter", "\(matter.id)")]), .wu))
        #expect(try await office.post("/desk/assign", as: .he, [("matter", "\(matter.id)"), ("assignee", "\(office.account(.wu).id)")]).status == 303)
        #expect(try await office.get("/disputes/\(matter.id)", as: .he).text.contains("分派承办人"))
        let why = try await office.get("/matters/\(matter.id)/why", as: .lin)
        #expect(why.status == 200 && why.text.contains("day-strip"))
        #expect(try await office.get("/desk", as: .lin).text.contains("/matters/\(matter.id)/why"))
        #expect(try await office.get("/matters/\(matter.id)/why", as: .far).status == 404)
    }

    @Test(arguments: TestEngine.available)
    func theListsBehindTheDirectorsFiguresHoldWhatTheyCount(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let late = try await office.file { $0.receivedAt = Moment("2026-10-13T10:00") }
        let quick = try await office.file()
        let open = try await office.file()
        try await office.apply("withdraw", on: quick, by: nil)
        try await office.apply("refuse", on: late, by: .lin, [("ground", "1"), ("reason", "不属于本局职责")])
        func numbers(_ query: String) async throws -> [Bool] {
            let page = try await office.get("/desk?\(query)", as: .zhou).text
            return [late, quick, open].map { page.contains($0.number) }
        }
        #expect(try await numbers("late=yes") == [true, false, false])
        #expect(try await numbers("outcome=refused,agreed") == [true, false, false])
        #expect(try await numbers("received=year") == [true, true, true])
        #expect(try await numbers("") == [false, false, true])
    }

    @Test func anOfficeRenamesItselfAndTheNextPageShowsIt() async throws {
        let office = try await TestOffice(.sqlite)
        let fields = [
            ("city", "新河市"), ("cityEnglish", "Xinhe"), ("officeName", "新河市市场监督管理局"), ("officeShort", "新市监"), ("officeEnglish", ""), ("hotline", "12345"),
        ]
        #expect(try await office.post("/admin/office", as: .lin, fields).status == 403)
        #expect(try await office.post("/admin/office", as: .sun, [("city", "")]).status == 422)
        #expect(try await office.post("/admin/office", as: .sun, fields).status == 303)
        #expect(try await office.get("/admin", as: .sun).text.contains("新河市市场监督管理局"))
    }

    @Test func englishPagesNameDistrictsAndDocumentsInEnglish() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        let english = [("Accept-Language", "en")]
        let page = try await office.get("/disputes/\(matter.id)", as: .lin, headers: english)
        #expect(page.text.contains("Qingxi District") && page.text.contains("Decision to take up"))
        let desk = try await office.get("/desk", as: .lin, headers: english)
        #expect(desk.text.contains("Qingxi District") && !desk.text.contains("青溪区<"))
    }

    @Test func personalDataIsMaskedAndALookIsWrittenDown() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        let page = try await office.get("/disputes/\(matter.id)", as: .lin)
        #expect(page.text.contains("138****5678") && !page.text.contains("13812345678") && !page.text.contains("陈小满"))
        #expect(try await office.post("/disputes/\(matter.id)/reveal", as: .lin, []).location == "/disputes/\(matter.id)")
        let seen = try await office.post("/disputes/\(matter.id)/reveal", as: .lin, [("purpose", "contact")])
        #expect(seen.status == 200 && seen.text.contains("13812345678"))
        #expect(try await office.get("/ledger", as: .qian).text.contains("查看个人信息"))
        #expect(try await office.post("/disputes/\(matter.id)/reveal", as: .qian, [("purpose", "contact")]).status == 403)
    }

    @Test func aRefusedMoveShowsItsFieldsAgain() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        let reply = try await office.post("/disputes/\(matter.id)/moves/refuse", as: .lin, [("ground", "1")])
        #expect(reply.status == 422 && reply.text.contains("errors"))
        // What was typed is still there, and only in the form that was refused.
        let kept = try await office.post(
            "/disputes/\(matter.id)/moves/refuse", as: .lin, [("ground", "3"), ("reason", "多次就同一事项投诉")])
        #expect(kept.status == 422 && kept.text.components(separatedBy: "多次就同一事项投诉").count == 2)
        #expect(kept.text.contains("id=\"f-refuse-ground-3\" name=\"ground\" value=\"3\" checked"))
        let gone = try await office.post("/disputes/\(matter.id)/moves/close", as: .wu, [])
        #expect(gone.status == 409 && gone.text.contains("当前状态"))
    }

    @Test func anActThatIsRefusedEndsOnTheMattersPageAndSaysWhy() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        let reply = try await office.post("/matters/\(matter.id)/links", as: .lin, [("number", "TS0"), ("why", "同一商家")])
        #expect(reply.status == 303 && reply.location == "/disputes/\(matter.id)")
        let said = try #require(reply.cookie("sinan_said"))
        let page = try await office.get("/disputes/\(matter.id)", as: .lin, cookies: ["sinan_said": said])
        #expect(page.text.contains("没有编号为“TS0”的事项") && page.cookie("sinan_said") == "")
        // Words that are not ours are not shown.
        let forged = try await office.get("/disputes/\(matter.id)", as: .lin, cookies: ["sinan_said": "00000000000000000000000000000000.%2BPay%20here"])
        #expect(!forged.text.contains("Pay here"))
    }

    @Test func whoGivesAMatterBackReturnsToTheQueue() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        let reply = try await office.post("/disputes/\(matter.id)/moves/return", as: .lin, [("reason", "不属本区")])
        #expect(reply.status == 303 && reply.location == "/desk")
    }

    /// A page may not ask the database more often because a city is larger.
    @Test func thePagesStateHowManyStatementsTheyRun() async throws {
        let office = try await TestOffice(.sqlite)
        for _ in 0..<30 { try await office.file() }
        let account = office.account(.lin)
        let today = office.clock.now.day
        let queue = try await office.desk.store.read { tx in
            _ = try Queue.page(QueueFilter(), for: account, city: "9901", today: today, kinds: ["complaint"], tx)
            _ = try Queue.counts(for: account, city: "9901", today: today, tx)
            return tx.statements
        }
        #expect(queue == 2)
        let desk = office.desk
        let matter = try await office.file()
        let file = try await office.desk.store.read { tx in
            _ = try MatterFile.load(matter, desk: desk, tx)
            return tx.statements
        }
        #expect(file <= 8, "\(file)")
    }
}

@Suite struct ComplaintAPITests {
    static let body = JSON.object([
        ("complainant", .object([("name", .string("陈小满")), ("phone", .string("13812345678")), ("address", .string("柳荫路8号"))])),
        ("respondent", .object([("name", .string("福临超市")), ("address", .string("青溪区中兴路12号"))])), ("facts", .string("电饭煲坏了")),
        ("claims", .array([.object([("kind", .string("refund")), ("amount", .number("129.00"))])])), ("occurredOn", .string("2026-11-01")),
        ("consents", .object([("publication", .bool(true)), ("delegation", .bool(false))])),
    ])

    @Test(arguments: TestEngine.available)
    func aComplaintIsFiledTrackedAndCarriedToItsOutcome(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let filed = try await office.api(.post, "/api/v1/complaints", Self.body)
        #expect(filed.status == 201 && filed.json["deadlines"]?.array?.first?["due"]?.string == "2026-11-27")
        let number = try #require(filed.json["number"]?.string)
        let code = try #require(filed.json["trackingCode"]?.string)
        #expect(try await office.api(.get, "/api/v1/complaints/\(number)").status == 404)
        let own = try await office.api(.get, "/api/v1/complaints/\(number)?code=\(code)")
        #expect(own.status == 200 && own.json["complainant"] == nil)
        let (clerk, mediator) = (try await office.bearer(.lin), try await office.bearer(.wu))
        let staff = try await office.api(.get, "/api/v1/complaints/\(number)", token: clerk)
        #expect(staff.json["complainant"]?["phone"]?.string == "138****5678")
        let moves = try await office.api(.get, "/api/v1/complaints/\(number)/moves", token: clerk)
        #expect(moves.json["moves"]?.array?.contains { $0["move"]?.string == "accept" && $0["law"]?["article"]?.string == "15(1)" } == true)
        #expect(try await office.api(.post, "/api/v1/complaints/\(number)/moves", token: mediator, .object([("move", .string("accept"))])).status == 403)
        #expect(try await office.api(.post, "/api/v1/complaints/\(number)/moves", token: clerk, .object([("move", .string("close"))])).status == 403)
        #expect(try await office.api(.post, "/api/v1/complaints/\(number)/moves", token: clerk, .object([("move", .string("accept"))])).status == 200)
        #expect(try await office.api(.post, "/api/v1/complaints/\(number)/moves", token: clerk, .object([("move", .string("accept"))])).status == 409)
        #expect(try await office.api(.post, "/api/v1/complaints/\(number)/moves", token: clerk, .object([("move", .string("nonsense"))])).status == 409)
        let ended = try await office.api(.post, "/api/v1/complaints/\(number)/moves?code=\(code)", .object([("move", .string("give-up"))]))
        #expect(ended.status == 200 && ended.json["state"]?.string == "ended")
        let list = try await office.api(.get, "/api/v1/complaints?state=ended", token: clerk)
        #expect(list.json["items"]?.array?.first?["number"]?.string == number)
        #expect(try await office.api(.get, "/api/v1/complaints").status == 401)
    }

    @Test func theSameKeyGivesTheSameAnswer() async throws {
        let office = try await TestOffice(.sqlite)
        let one = try await office.api(.post, "/api/v1/complaints", Self.body, headers: [("Idempotency-Key", "k1")])
        let two = try await office.api(.post, "/api/v1/complaints", Self.body, headers: [("Idempotency-Key", "k1")])
        #expect(one.json == two.json && two.status == 201)
        #expect(try await office.api(.post, "/api/v1/complaints", .object([("facts", .string("x"))]), headers: [("Idempotency-Key", "k1")]).status != 201)
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_matters") } == 1)
    }

    @Test func wrongFieldsAreNamedByPointer() async throws {
        let office = try await TestOffice(.sqlite)
        let reply = try await office.api(
            .post, "/api/v1/complaints", .object([("complainant", .object([("name", .number("5"))])), ("claims", .array([.object([("kind", .string("money"))])]))]))
        #expect(reply.status == 422 && reply.type == "application/problem+json")
        let pointers = reply.json["errors"]?.array?.compactMap { $0["pointer"]?.string } ?? []
        for pointer in ["/complainant/name", "/complainant/phone", "/respondent", "/claims/0/kind", "/facts"] { #expect(pointers.contains(pointer), "\(pointer)") }
        for body in ["", "{", "[]", "null", "\"x\"", "{\"a\":\u{FF}}"] {
            #expect(try await office.send(.post, "/api/v1/complaints", body: Array(body.utf8)).status == 422)
        }
        #expect(try await office.send(.post, "/api/v1/complaints", body: [UInt8](repeating: 32, count: 2 << 20)).status == 413)
    }

    @Test func theIntakeIsRateLimited() async throws {
        let office = try await TestOffice(.sqlite)
        var statuses: [Int] = []
        for _ in 0..<12 { statuses.append(try await office.api(.post, "/api/v1/complaints", Self.body).status) }
        #expect(statuses.prefix(10).allSatisfy { $0 == 201 } && statuses.last == 429)
    }
}

@Suite struct ComplaintImportTests {
    static let real = "../shared/data/complaints/heimao2020_dev.csv"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: real), "shared complaints are not here"), arguments: TestEngine.available)
    func realComplaintsComeInOnceAndAreCarriedToAnOutcome(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let copy = FileManager.default.temporaryDirectory.appendingPathComponent("h\(UInt64.random(in: 0 ... .max)).csv").path
        try FileManager.default.copyItem(atPath: Self.real, toPath: copy)
        func run() async throws -> ImportBatch { try await ComplaintImport.kind.run(office.desk, copy) { _, _ in } }
        #expect(try await run().added == 49)
        #expect(try await run().same == 49)
        let matters = try await office.desk.store.read { try $0.all("SELECT * FROM casework_matters ORDER BY id LIMIT 10").map(Matter.init) }
        for (i, matter) in matters.enumerated() {
            try await office.apply("dispatch", on: matter, by: .li, [("region", "990101")])
            if i % 3 == 0 {
                #expect(try await office.apply("refuse", on: matter, by: .lin, [("ground", "5"), ("reason", "未提供姓名、电话、地址"), ("channel", "phone")]).state == "refused")
                continue
            }
            try await office.apply(
                "amend", on: matter, by: .li,
                [("name", "陈小满"), ("phone", "13812345678"), ("address", "柳荫路8号"), ("respondentAddress", "平台公示地址：青溪区中兴路1号"), ("reason", "电话核实")])
            try await office.apply("accept", on: matter, by: .lin, [("channel", "phone")])
            try await office.apply("arrange", on: matter, by: .wu, [("mode", "remote"), ("consent", "yes"), ("mediators", "吴")])
            if i % 3 == 1 {
                try await office.apply("agree", on: matter, by: .wu, [("agreement", "退款"), ("form", "performed")])
                #expect(try await office.apply("close", on: matter, by: .wu).outcome == "agreed")
            } else {
                try await office.apply("end", on: matter, by: .wu, [("ground", "3"), ("reason", "双方各执一词")])
                #expect(try await office.apply("tell", on: matter, by: .wu, [("channel", "phone")]).state == "closed")
            }
        }
    }
}
