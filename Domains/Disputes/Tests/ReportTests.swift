import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Reports: their own clocks, their secret, and who is told.
@Suite struct ReportTests {
    static let good = [
        ("area", "food"), ("respondentName", "青溪区福临超市"), ("respondentAddress", "青溪区中兴路12号"), ("clues", "货架上的酸奶已过期，仍在销售。"), ("named", "yes"), ("name", "陆知微"),
        ("phone", "13911112222"), ("address", "青溪区柳荫路8号"),
    ]

    /// A report by page; number and code are what its reporter got.
    func make(_ office: TestOffice, _ change: [(String, String)] = []) async throws -> (number: String, code: String, id: Int64) {
        let fields = Self.good.filter { pair in !change.contains { $0.0 == pair.0 } } + change
        let sent = try await office.post("/reports/new", fields)
        let found = try #require(sent.location?.firstMatch(of: /track\/(JB\d+)\?code=([A-Z0-9]{8})/), "\(sent.status) \(sent.text.prefix(0))")
        let number = String(found.1)
        return (number, String(found.2), try await office.desk.store.read { try $0.matter(number: number).id.raw })
    }
    func move(_ office: TestOffice, _ id: Int64, _ name: String, as persona: Persona = .lin, _ fields: [(String, String)] = []) async throws -> Int {
        try await office.post("/reports/\(id)/moves/\(name)", as: persona, fields).status
    }
    func state(_ office: TestOffice, _ id: Int64) async throws -> String { try await office.desk.store.read { try $0.matter(ID<Matter>(id)).state } }

    @Test(arguments: TestEngine.available)
    func aReportIsVerifiedDecidedAndToldWhereALawSaysSo(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let r = try await make(office)
        #expect(try await office.desk.store.read { try Clocks.of(ID<Matter>(r.id), $0).map { "\($0.duty) \($0.due)" } } == ["R1 2026-12-09"])
        #expect(try await move(office, r.id, "file", [("reason", "x")]) == 409)
        #expect(try await move(office, r.id, "begin") == 303)
        // Extended by the head alone.
        let clock = try await office.desk.store.read { try Clocks.of(ID<Matter>(r.id), $0)[0].id }
        #expect(try await office.post("/matters/\(r.id)/clocks/\(clock)/extend", as: .lin, [("reason", "需要送检")]).status == 403)
        #expect(try await office.post("/matters/\(r.id)/clocks/\(clock)/extend", as: .he, [("reason", "需要送检")]).status == 303)
        #expect(try await office.desk.store.read { try Clocks.of(ID<Matter>(r.id), $0)[0].due } == Day("2026-12-30"))
        #expect(try await move(office, r.id, "file", [("reason", "现场查见过期酸奶12盒")]) == 303)
        // Food: the law asks to answer, so it is not closed untold.
        #expect(try await move(office, r.id, "close") == 409)
        #expect(try await move(office, r.id, "tell", [("result", "已立案调查。"), ("channel", "portal")]) == 303)
        #expect(try await state(office, r.id) == "report-closed")
        #expect(try await office.get("/reports/track/\(r.number)?code=\(r.code)").text.contains("已立案调查。"))
        #expect(try await office.get("/reports/track/\(r.number)?code=ABCDEFGH").status == 404)
        // The head grants a reward by the tiers; a second one is refused.
        #expect(try await move(office, r.id, "reward", as: .he) == 409)
        #expect(try await move(office, r.id, "propose-reward", as: .lin, [("tier", "1"), ("fined", "0"), ("ground", "fine")]) == 422)
        #expect(
            try await move(office, r.id, "propose-reward", as: .lin, [("tier", "1"), ("fined", "20000000"), ("ground", "fine"), ("decision", "示市监罚〔2026〕9号"), ("person", "yes")])
                == 422)
        let proposal = [("tier", "1"), ("fined", "200000"), ("ground", "fine"), ("decision", "示市监罚〔2026〕9号"), ("person", "yes")]
        #expect(try await move(office, r.id, "propose-reward", as: .lin, proposal) == 303)
        #expect(try await move(office, r.id, "reward", as: .lin) == 403)
        // What the head read is what is granted: a later proposal is another one.
        func proposed() async throws -> String {
            try await office.desk.store.read { String(try $0.one("SELECT max(id) AS id FROM casework_moves WHERE move = 'propose-reward'")!.int("id")) }
        }
        let read = try await proposed()
        #expect(try await move(office, r.id, "propose-reward", as: .lin, proposal) == 303)
        #expect(try await move(office, r.id, "reward", as: .he, [("proposal", read)]) == 409)
        #expect(try await move(office, r.id, "reward", as: .he, [("proposal", proposed())]) == 303)
        #expect(try await office.desk.store.read { try $0.report($0.matter(ID<Matter>(r.id))).reward } == Money(fen: 1_000_000))
        #expect(try await move(office, r.id, "reward", as: .he) == 409)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func aRewardIsAtLeastItsTiersSumAndAtMostAMillion() {
        let tiers = ReportRules.shared.tiers
        for (tier, fined, reward) in [(0, 0, 500_000), (0, 20_000_000, 1_000_000), (1, 10_000_000, 300_000), (2, 50_000_000, 500_000), (0, 9_000_000_000, 100_000_000)]
            as [(Int, Int64, Int64)]
        {
            #expect(ReportRules.shared.reward(tiers[tier], of: Money(fen: fined)).fen == reward)
        }
    }

    /// Where the law asks for a name, a nameless one is not told; advertising has a count of its own.
    @Test(
        arguments: [
            ("food", true, true, "FSL"), ("food", false, false, "FSL"), ("competition", true, true, "AUCL"), ("competition", true, false, nil), ("competition", false, true, nil),
            ("unlicensed", true, false, "UNL"), ("unlicensed", false, false, nil), ("advertising", false, false, "AD"), ("public-information", true, false, "ENT"),
            ("annual-report", true, false, "R69"),
            ("association", true, false, "CLR"), ("quality", true, true, nil), ("other", true, true, nil),
        ] as [(String, Bool, Bool, String?)])
    func whoIsToldIsWhatTheLawSays(_ area: String, _ named: Bool, _ evidence: Bool, _ law: String?) {
        #expect(ReportRules.shared.area(area)?.telling(named: named, evidence: evidence)?.article.law == law)
    }

    /// Beside the router, where days pass between acts.
    func filed(_ office: TestOffice, _ change: [(String, String)] = []) async throws -> Matter {
        let form = Form(Self.good.filter { pair in !change.contains { $0.0 == pair.0 } } + change)
        let (desk, now) = (office.desk, office.clock.now)
        let filing = try ReportFiling(form: form, source: "web", today: now.day)
        return try await desk.store.write { try filing.register(by: .filer, desk: desk, at: now, code: TestOffice.code, $0) }
    }
    @discardableResult
    func applied(_ office: TestOffice, _ matter: Matter, _ name: String, _ fields: [(String, String)] = []) async throws -> Matter {
        let (desk, now, lin) = (office.desk, office.clock.now, office.account(.lin))
        return try await desk.store.write { tx in
            try ReportHandling(desk: desk).apply(name, on: tx.report(tx.matter(matter.id)), input: Form(fields), by: .staff(lin), at: now, tx)
        }
    }

    @Test(arguments: TestEngine.available)
    func aRepeatIsNotHandledAnewAndNewFactsRestartTheCount(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let first = try await filed(office)
        try await applied(office, first, "begin")
        office.clock.set("2026-11-25T09:00")
        let (again, more) = (try await filed(office), try await filed(office, [("clues", "又发现过期面包，有照片。")]))
        let (other, nameless) = (try await filed(office, [("phone", "13900000001"), ("name", "别人")]), try await filed(office, [("named", "no")]))
        for r in [again, more, other, nameless] { try await applied(office, r, "begin") }
        // Another person's, or a nameless one, is no repeat of it.
        for r in [other, nameless] {
            await #expect(throws: Refusal.self) { try await applied(office, r, "repeat", [("number", first.number), ("reason", "同一事实")]) }
        }
        #expect(try await applied(office, again, "repeat", [("number", first.number), ("reason", "同一事实")]).state == "repeated")
        #expect(try await applied(office, more, "merge", [("number", first.number)]).state == "merged")
        let clocks = try await office.desk.store.read { try Clocks.of(first.id, $0).map { "\($0.duty) \($0.state) \($0.due)" } }
        #expect(clocks == ["R1 void 2026-12-09", "R1 open 2026-12-16"])
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aMixedSubmissionIsTwoMattersWithTwoClocks(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-11-20T09:00")
        let complaint = try await office.file { $0.receivedAt = Moment("2026-11-18T10:00") }
        let split = try await office.post("/disputes/\(complaint.id)/moves/split", as: .lin, [("area", "quality"), ("clues", "电饭煲没有3C标志。")])
        #expect(split.status == 303)
        let report = try await office.desk.store.read { tx in
            try #require(try tx.one("SELECT m.* FROM casework_links l JOIN casework_matters m ON m.id = l.other WHERE l.matter = \(complaint.id)").map(Matter.init))
        }
        #expect(report.kind == "report" && report.receivedAt == complaint.receivedAt)
        // Both run: seven working days to decide, fifteen to verify, each from the day of receipt.
        let due = try await office.desk.store.read { tx in try [complaint.id, report.id].map { try Clocks.of($0, tx).map { "\($0.duty) \($0.due)" } } }
        #expect(due == [["C1 2026-11-27"], ["R1 2026-12-09"]])
        #expect(try await office.post("/disputes/\(complaint.id)/moves/split", as: .lin, [("area", "quality"), ("clues", "再拆一次")]).status == 409)
        // Accepting the one leaves the other.
        try await office.apply("accept", on: complaint, by: .lin)
        #expect(try await state(office, report.id.raw) == "received")
        #expect(try await office.verify().findings.isEmpty)
    }

    /// The mixed submission by page: one code opens both.
    @Test func aReportMadeWithAComplaintHasItsOwnNumber() async throws {
        let office = try await TestOffice(.sqlite)
        var jar: [String: String] = [:]
        for (step, fields) in [
            ("what", [("facts", "买的电饭煲三天就坏，商家不退。")]), ("who", [("respondentName", "福临超市"), ("respondentAddress", "中兴路12号")]),
            ("claim", [("purchase", "电饭煲"), ("occurredOn", "2026-11-10"), ("claim", "refund")]), ("evidence", []),
            ("you", [("name", "陆知微"), ("phone", "13911112222"), ("address", "柳荫路8号"), ("publication", "yes"), ("delegation", "no")]),
        ] {
            let sent = try await office.post("/complaints/new/\(step)", fields, cookies: jar)
            if let cookie = sent.cookie("sinan_draft") { jar["sinan_draft"] = cookie }
            #expect(sent.status == 303, "\(step)")
        }
        #expect(try await office.post("/complaints/new/check", [("report", "yes")], cookies: jar).status == 422)
        let done = try await office.post("/complaints/new/check", [("report", "yes"), ("reportArea", "quality")], cookies: jar)
        let path = try #require(done.location)
        let shown = try await office.get(path).text
        let report = try #require(shown.firstMatch(of: /JB\d{11}/)?.output)
        let code = try #require(path.firstMatch(of: /code=([A-Z0-9]{8})/)?.1)
        #expect(try await office.get("/reports/track/\(report)?code=\(code)").status == 200)
    }

    /// No role, page, list, search, export, ledger line or row shows who reported to whoever does not handle it.
    @Test(arguments: TestEngine.available)
    func nobodyButWhoHandlesItSeesWhoReported(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let secrets = ["陆知微", "13911112222", "柳荫路8号"]
        let r = try await make(office)
        #expect(try await move(office, r.id, "begin") == 303)
        #expect(try await office.post("/reports/\(r.id)/moves/ask", as: .lin, [("body", "在哪个货架？")]).status == 303)
        #expect(try await office.post("/reports/track/\(r.number)", [("code", r.code), ("body", "入口右手第二排")]).status == 303)
        let pages = [
            "/desk", "/desk?whose=mine", "/desk?q=福临超市", "/desk?kind=report", "/desk/export", "/reports/\(r.id)", "/matters/\(r.id)/why", "/operators?q=福临",
            "/ledger?q=\(r.number)", "/ledger", "/insights",
            "/reports/track/\(r.number)?code=WRONGONE", "/track?number=\(r.number)&code=x", "/admin",
        ]
        for persona in Persona.allCases {
            for page in pages {
                let answer = try await office.get(page, as: persona)
                for secret in secrets { #expect(!answer.text.contains(secret), "\(persona) reads \(secret) at \(page)") }
            }
            // Only who handles it opens it, and says for what.
            let opened = try await office.post("/reports/\(r.id)/reveal", as: persona, [("purpose", "contact")])
            #expect(opened.text.contains("陆知微") == (persona == .lin), "\(persona)")
            let form = try await office.post("/reports/\(r.id)/registration", as: persona, [])
            #expect(form.text.contains("13911112222") == (persona == .lin), "\(persona)")
        }
        // Roles that have nothing to do with reports do not find it at all.
        for persona in [Persona.wu, .wang, .zhao, .qian] {
            #expect(try await office.get("/reports/\(r.id)", as: persona).status == 403)
            #expect(try await !office.get("/desk", as: persona).text.contains(r.number))
            #expect(try await office.get("/matters/\(r.id)/why", as: persona).status == 404)
        }
        #expect(try await office.get("/reports/\(r.id)", as: .far).status == 404)
        // Not even in the database: whoever copies its tables has no key.
        let dump = try await office.desk.store.read { tx in
            var all = ""
            for (table, column) in [
                ("disputes_reports", "clues"), ("disputes_reporters", "sealed"), ("disputes_reporters", "mark"), ("disputes_messages", "body"), ("casework_matters", "title"),
                ("casework_moves", "details"), ("casework_notices", "title"), ("platform_search", "terms"), ("platform_ledger", "entry"),
            ] {
                for row in try tx.all(SQL(stringLiteral: "SELECT CAST(\(column) AS TEXT) AS value FROM \(table)")) { all += row.string("value") }
            }
            return all
        }
        for secret in secrets { #expect(!dump.contains(secret)) }
        let looks = try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM platform_ledger WHERE entry LIKE '%personal.revealed%'") }
        #expect(looks == 2)
    }
}
