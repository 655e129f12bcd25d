import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import TestSupport
import Testing
import Web

@Suite struct SignInTests {
    @Test(arguments: TestEngine.available)
    func theRightPasswordOpensAFreshSessionAndWrongOnesLockTheDoor(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let hash = Crypto.passwordHash(TestOffice.password, cost: 10)
        try await office.desk.store.write { try $0.run("UPDATE platform_accounts SET password = \(hash) WHERE login = 'clerk'") }
        let good = try await office.post("/signin", [("login", "clerk"), ("password", TestOffice.password)], cookies: ["sinan_session": String(repeating: "a", count: 64)])
        #expect(good.status == 303)
        let token = try #require(good.cookie("sinan_session"))
        #expect(token != String(repeating: "a", count: 64) && token.count == 64)
        for _ in 0..<5 { #expect(try await office.post("/signin", [("login", "clerk"), ("password", "wrong")]).status == 401) }
        #expect(try await office.post("/signin", [("login", "clerk"), ("password", TestOffice.password)]).status == 429)
        office.clock.now = office.clock.now.adding(seconds: 31)
        #expect(try await office.post("/signin", [("login", "clerk"), ("password", TestOffice.password)]).status == 303)
    }

    @Test(arguments: TestEngine.available)
    func aSecondFactorIsAskedForAndACodeServesOnce(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let hash = Crypto.passwordHash(TestOffice.password, cost: 10)
        let secret = Array("12345678901234567890".utf8)
        try await office.desk.store.write { try $0.run("UPDATE platform_accounts SET password = \(hash), totp = \(secret) WHERE login = 'clerk'") }
        func attempt(_ code: String) async throws -> Int { try await office.post("/signin", [("login", "clerk"), ("password", TestOffice.password), ("code", code)]).status }
        #expect(try await attempt("000000") == 401)
        let code = TOTP.code(secret: secret, at: office.clock.now)
        #expect(try await attempt(code) == 303)
        #expect(try await attempt(code) == 401)
    }

    @Test func lockingDoublesUpToADay() {
        #expect((0...6).map { SignIn.lock(afterFailures: $0) } == [0, 0, 0, 0, 0, 30, 60])
        #expect(SignIn.lock(afterFailures: 60) == 86_400)
    }
}

@Suite struct DoorTests {
    @Test func aFormWithoutItsTokenIsRefusedAndChangesNothing() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        let path = "/disputes/\(matter.id)/moves/accept"
        #expect(try await office.post(path, as: .lin, [], token: "0").status == 403)
        #expect(try await office.post(path, as: .lin, [], token: office.formToken(.wu)).status == 403)
        #expect(try await office.desk.store.read { try $0.matter(matter.id).state } == "received")
    }
    @Test func everyPostOfAPageNeedsATokenOrAnAPIDoor() async throws {
        let office = try await TestOffice(.sqlite)
        for path in [
            "/signin", "/signout", "/account/password", "/desk/assign", "/desk/filters", "/matters/1/notes", "/disputes/1/moves/accept", "/disputes/new", "/admin/accounts",
            "/admin/calendar", "/complaints/new/what", "/track/TS1/withdraw",
        ] {
            let reply = try await office.send(.post, path, as: .sun, headers: [("Content-Type", "application/x-www-form-urlencoded")], body: Array("a=1".utf8))
            #expect(reply.status == 403, "\(path) answered \(reply.status)")
        }
    }
    @Test func anotherDistrictsMatterIsNotFoundByItsNumber() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        #expect(matter.region == "990101")
        #expect(try await office.get("/disputes/\(matter.id)", as: .lin).status == 200)
        #expect(try await office.get("/disputes/\(matter.id)", as: .far).status == 404)
        #expect(try await office.post("/disputes/\(matter.id)/moves/accept", as: .far, []).status == 404)
        let token = try await office.bearer(.far)
        #expect(try await office.api(.get, "/api/v1/complaints/\(matter.number)", token: token).status == 404)
    }
    @Test func withoutSigningInStaffPagesSendToTheDoor() async throws {
        let office = try await TestOffice(.sqlite)
        for path in ["/desk", "/operators", "/ledger", "/admin", "/insights", "/disputes/new"] {
            let reply = try await office.get(path)
            #expect(reply.status == 303 && reply.location?.hasPrefix("/signin") == true, "\(path)")
        }
    }
    @Test func aPageThatDoesNotExistSaysSoInBothLanguages() async throws {
        let office = try await TestOffice(.sqlite)
        let reply = try await office.get("/no/such/page")
        #expect(reply.status == 404 && reply.text.contains("没有找到"))
        #expect(try await office.get("/api/none").type == "application/problem+json")
    }
}

@Suite struct SearchTests {
    static let csv = """
        统一社会信用代码,名称,地址,登记状态,区划
        91990101000000011X,青溪区心斋堂商贸有限公司,青溪区中兴路8号,存续,990101001
        """

    @Test(arguments: TestEngine.available)
    func operatorsAreFoundByPartInitialsCodeAndAddress(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let now = office.clock.now
        let entries = [("福临超市", "中兴路12号"), ("心斋堂旗舰店", "柳荫路3号"), ("东方百货有限公司", "解放大道199号"), ("东方超市", "云水街道5号")].enumerated().map { i, e in
            OperatorImport.Entry(
                uscc: USCC.completing("9299010100000000\(i)"), name: e.0, kind: .individual, status: .active, address: e.1, region: "990101001", industry: "52",
                representative: "王", phone: "13800000000",
                registeredOn: nil, shop: nil)
        }
        try await office.desk.store.write { try OperatorImport.insert(entries, at: now, $0) }
        func names(_ typed: String) async throws -> [String] { try await office.desk.store.read { try Operators.search(typed, $0).map(\.name) } }
        #expect(try await Set(names("超市")) == ["福临超市", "东方超市"])
        #expect(try await Set(names("东方")) == ["东方百货有限公司", "东方超市"])
        #expect(try await names("斋堂旗") == ["心斋堂旗舰店"])
        #expect(try await names("dfcs") == ["东方超市"])
        #expect(try await names("XZT") == ["心斋堂旗舰店"])
        #expect(try await names("解放大道") == ["东方百货有限公司"])
        #expect(try await names(entries[0].uscc) == ["福临超市"])
        #expect(try await names("929901010000").count == 4)
        #expect(try await names("方东").isEmpty)
        #expect(try await names("'\" OR 1").isEmpty)
        #expect(try await names("东").isEmpty)
    }

    /// A word that is common in one kind and rare, or absent, in others goes both ways: the pages are what a look at every row gives.
    @Test(arguments: TestEngine.available, ["退款", "定金", "退款 定金", "无此词"])
    func aQueuesSearchGivesWhatALookAtEveryRowGives(_ engine: TestEngine, _ typed: String) async throws {
        let office = try await TestOffice(engine)
        let (start, director) = (office.clock.now.day, office.account(.qian))
        let rows = (0..<6000).map { i -> (id: Int64, kind: String, text: String, due: Day, open: Bool) in
            // Complaints speak of refunds two times in three, reports one time in forty; deposits are rare.
            // Contests and repairs share their marks in the index with complaints and reports.
            let kind = i % 50 == 7 ? "contest" : i % 50 == 9 ? "repair" : i % 3 == 0 ? "report" : "complaint"
            let text = (kind != "report" ? i % 3 != 2 || i % 2 == 0 : i % 120 == 0) ? "商家不退款" : "电饭煲不通电"
            return (Int64(10_000 + i), kind, i % 97 == 0 ? text + "定金" : text, start.adding(days: (i * 7919) % 400), i % 11 != 0)
        }
        try await office.desk.store.write { tx in
            for r in rows {
                try tx.run(
                    """
                    INSERT INTO casework_matters (id, kind, number, state, open, title, regime, region, received_at, competent_at, next_due, changed_at)
                    VALUES (\(r.id), \(r.kind), \("N\(r.id)"), 'received', \(r.open), \(r.text), 'O121', '990101', 0, 0, \(r.due), 0)
                    """)
                Search.index(r.kind, r.id, texts: [r.text], marks: r.open ? ["o:"] : [], tx)
            }
        }
        let terms = typed.split(separator: " ").map(String.init)
        for (kind, closed) in [(nil, false), ("complaint", false), ("contest", false), ("report", false), (nil, true)] as [(String?, Bool)] {
            var f = QueueFilter()
            (f.kind, f.text, f.closed) = (kind, typed, closed)
            let expected = rows.filter { r in r.open != closed && (kind == nil || r.kind == kind) && terms.allSatisfy { r.text.contains($0) } }
                .sorted { closed ? $0.id > $1.id : ($0.due, $0.id) < ($1.due, $1.id) }.map(\.id)
            var (found, cursor): ([Int64], String?) = ([], nil)
            for _ in 0..<3 {
                f.cursor = cursor
                let ready = f
                let page = try await office.desk.store.read {
                    try Queue.page(ready, for: director, city: "9901", today: start, kinds: ["complaint", "contest", "report", "repair", "lead", "case"], $0)
                }
                found += page.matters.map(\.id.raw)
                cursor = page.next
                if cursor == nil { break }
            }
            #expect(found == Array(expected.prefix(120)), "\(kind ?? "all") closed \(closed)")
        }
    }

    @Test(arguments: TestEngine.available)
    func anImportTakesTheGoodRowsSetsAsideTheBadAndIsIdempotent(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let good = USCC.completing("92990101000000001")
        let text =
            "序号,名称,统一社会信用代码,登记状态,网店平台,网店网址\n1,福临超市,\(good),存续,某平台,https://shop.example/1\n2,坏代码店,92990101000000001A,存续\n3,东方超市,\(USCC.completing("92990101000000002")),不知道\n4,,\(USCC.completing("92990101000000003")),存续\n"
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("import-\(UInt64.random(in: 0 ... .max)).csv").path
        try Data(Encodings.gb18030(text)).write(to: URL(fileURLWithPath: file))
        func run() async throws -> ImportBatch {
            try await ImportKind.operators.run(office.desk, file) { _, _ in }
        }
        let first = try await run()
        #expect(first.added == 1 && first.rejects.map(\.line) == [3, 4, 5] && first.rejects.map(\.column) == ["统一社会信用代码", "登记状态", "名称"])
        let rejected = try String(contentsOfFile: file + ".rejected.csv", encoding: .utf8)
        #expect(rejected.contains("坏代码店") && rejected.contains("3,统一社会信用代码,"))
        @Sendable func entries() async throws -> Int { try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM platform_ledger") } }
        let before = try await entries()
        let second = try await run()
        #expect(second.added == 0 && second.same == 1)
        #expect(try await entries() == before)
        let missing = file + "2"
        try Data("名称,地址\nx,y".utf8).write(to: URL(fileURLWithPath: missing))
        await #expect {
            try await ImportKind.operators.run(office.desk, missing) { _, _ in }
        } throws: {
            ($0 as? Refusal)?.fields.first?.text.zh.contains("统一社会信用代码") == true
        }
    }
}

@Suite struct ImportPageTests {
    /// A file that came by page is read in the background; its page shows how far, then what became of it.
    @Test(arguments: TestEngine.available)
    func aFileGoesInBehindThePageAndASecondLineOfTheSameCodeIsNamed(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let codes = (1...3).map { USCC.completing("9299010100000010\($0)") }
        let rows = codes.map { "福临店,\($0)" } + ["另一个名字,\(codes[0])", "坏,1"]
        let boundary = "xx"
        let body =
            "--xx\r\nContent-Disposition: form-data; name=\"form_token\"\r\n\r\n\(office.formToken(.sun))\r\n--xx\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\r\n名称,统一社会信用代码\n\(rows.joined(separator: "\n"))\r\n--xx--\r\n"
        let sent = try await office.send(
            .post, "/import/operators", as: .sun, headers: [("Content-Type", "multipart/form-data; boundary=\(boundary)")], body: Array(body.utf8))
        let page = try #require(sent.location)
        #expect(try await office.get(page, as: .sun).text.contains("http-equiv=\"refresh\""))
        try await office.work()
        let done = try await office.get(page, as: .sun).text
        #expect(done.contains("同一文件中重复") && done.contains("第6行") && !done.contains("http-equiv=\"refresh\""))
        #expect(try await office.desk.store.read { try $0.one("SELECT name FROM operators WHERE uscc = \(codes[0])")?.string("name") } == "福临店")
        #expect(try await office.get(page + "/rejected", as: .sun).text.contains("另一个名字"))
        #expect(try await office.get(page, as: .lin).status == 403)
    }

    /// What nothing refers to goes after a day; what a draft or a matter has stays.
    @Test func filesThatNothingRefersToAreSweptAway() async throws {
        let office = try await TestOffice(.sqlite)
        let (orphan, kept) = (try office.desk.files.keep(Array("%PDF-1 orphan".utf8)), try office.desk.files.keep(Array("%PDF-1 kept".utf8)))
        let matter = try await office.file()
        let now = office.clock.now
        try await office.desk.store.write {
            try Attachments.attach([.init(name: "a.pdf", kind: .pdf, size: 11, hash: kept, outsideHash: nil)], to: matter, source: "x", by: "x", at: now, $0)
        }
        let jobs = Jobs(desk: office.desk, domains: office.domains)
        office.clock.now = Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
        try await jobs.tidy()
        #expect(try office.desk.files.read(orphan).count > 0)
        office.clock.now = office.clock.now.adding(seconds: 2 * 86_400)
        try await jobs.tidy()
        #expect(throws: Refusal.self) { try office.desk.files.read(orphan) }
        #expect(try office.desk.files.read(kept).count > 0)
    }
}

@Suite struct SchemaTests {
    @Test(.enabled(if: TestEngine.available.contains(.postgres), "no PostgreSQL server is named"))
    func bothEnginesHaveTheSameSchema() async throws {
        let (a, b) = (try await TestOffice(.sqlite), try await TestOffice(.postgres))
        let one = try await a.desk.store.read { try $0.dialect.columns($0) }
        let two = try await b.desk.store.read { try $0.dialect.columns($0) }
        #expect(one.count > 100 && one == two, "\(Set(one).symmetricDifference(two).sorted())")
    }
}

@Suite struct CalendarUpdateTests {
    @Test(arguments: TestEngine.available)
    func aNewYearMovesOpenClocksOnlyWhenItIsApplied(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-12-28T10:00")
        let matter = try await office.file()
        let before = try await office.desk.store.read { try Clocks.of(matter.id, $0)[0] }
        #expect(before.due == Day("2027-01-06") && before.incomplete)
        let table = [
            WorkCalendar.Exception(day: Day("2027-01-01")!, name: "元旦", isOff: true), .init(day: Day("2027-01-02")!, name: "元旦", isOff: true),
            .init(day: Day("2027-01-03")!, name: "元旦", isOff: true),
        ]
        let shown = try await CalendarUpdate.run(table, desk: office.desk, by: "test", apply: false)
        #expect(shown.moved.map(\.after) == [Day("2027-01-07")])
        #expect(try await office.desk.store.read { try Clocks.of(matter.id, $0)[0].due } == Day("2027-01-06"))
        _ = try await CalendarUpdate.run(table, desk: office.desk, by: "test", apply: true)
        let after = try await office.desk.store.read { try Clocks.of(matter.id, $0)[0] }
        #expect(after.due == Day("2027-01-07") && !after.incomplete)
        #expect(try await office.desk.store.read { try CalendarUpdate.load($0).years.contains(2027) })
        #expect(try await office.verify().findings.isEmpty)
    }
}

@Suite struct AttachmentTests {
    @Test func whatIsNoPhotoOrPaperIsRefusedByName() throws {
        let files = FileStore(folder: FileManager.default.temporaryDirectory.appendingPathComponent("f\(UInt64.random(in: 0 ... .max))").path)
        #expect(throws: Refusal.self) { try Attachments.keep("photo.jpg", Array("<html>".utf8), files) }
        let kept = try Attachments.keep("a.pdf", Array("%PDF-1.4 x".utf8), files)
        #expect(try files.read(kept.hash) == Array("%PDF-1.4 x".utf8))
        #expect(throws: Refusal.self) { try files.read("../../etc/passwd") }
    }
}

@Suite struct PlanTests {
    /// On a city's database the difference is five against fifty thousand rows for every step of a matter.
    @Test func periodsOfOneMatterAreFoundByTheMatter() async throws {
        let office = try await TestOffice(.sqlite)
        try await office.desk.store.read { tx in
            func plan(_ sql: SQL) throws -> String { try tx.all("EXPLAIN QUERY PLAN \(sql)").map { $0.string("detail") }.joined(separator: "; ") }
            let named = try plan("SELECT * FROM casework_clocks WHERE matter = \(1) AND duty = \("TS1") AND state = 'open'"), next = try plan(Clocks.nextDue(of: ID<Matter>(1)))
            #expect(named.contains("casework_clocks_named (matter=? AND duty=? AND state=?)"))
            #expect(next.contains("casework_clocks_matter (matter=? AND state=?)"))
        }
    }

    @Test func sqliteCountsItsRowsOnceANight() async throws {
        let office = try await TestOffice(.sqlite, at: "2026-09-14T10:00")
        func isCounted() async throws -> Bool { try await office.desk.store.read { try $0.one("SELECT name FROM sqlite_master WHERE name = 'sqlite_stat1'") } != nil }
        func figures() async throws -> Int { try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM sqlite_stat1") } }
        try await Upkeep.look(office.desk)
        #expect(try await !isCounted())
        office.clock.set("2026-09-15T03:00")
        try await Upkeep.look(office.desk)
        #expect(try await figures() > 0)
        try await office.desk.store.write { try $0.run("DELETE FROM sqlite_stat1") }
        try await Upkeep.look(office.desk)
        #expect(try await figures() == 0)
        office.clock.set("2026-09-16T04:59")
        try await Upkeep.look(office.desk)
        #expect(try await figures() > 0)
        #expect(try await office.verify().findings.isEmpty)
    }
}
