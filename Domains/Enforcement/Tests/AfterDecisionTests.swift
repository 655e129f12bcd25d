import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// What follows a decision: review and suit, instalments, other provinces, on both engines.
@Suite struct AfterDecisionTests {
    private typealias Room = CaseTests.Room

    private func decided(_ room: CaseTests.Room, serving: Bool = true) async throws -> ID<Matter> {
        let id = try await room.told()
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-14"))
        try await room.make("waive", id, .gao, [("note", "书面放弃")])
        try await room.make("to-decision", id, .gao)
        try await room.make("decide", id, .he)
        if serving { try await room.make("serve", id, .gao, Room.served("2026-09-14")) }
        return id
    }

    @Test(arguments: TestEngine.available)
    func afterAReviewThatUpheldItTheCourtIsAskedWithinThreeMonthsOfTheLastDayToSue(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await decided(room)
        room.office.clock.set("2026-10-20T10:00")
        try await room.make("challenge", id, .gao, [("kind", "review"), ("on", "2026-10-19")])
        await room.refused(.conflict, "challenge", id, .gao, [("kind", "suit"), ("on", "2026-10-20")])
        await room.refused(.invalid, "challenge-ended", id, .gao, [("result", "upheld"), ("on", "2026-10-18")])
        // While it is reviewed nothing is added to what is late: four days before it, and none of the month that it took.
        room.office.clock.set("2026-11-20T10:00")
        let before = try await room.office.desk.store.read { try Performance.of($0.penaltyCase(id), on: Day("2026-10-18")!, $0).unpaidSurcharge }
        try await room.make("challenge-ended", id, .gao, [("result", "upheld"), ("on", "2026-11-19")])
        #expect(try await room.office.desk.store.read { try Performance.of($0.penaltyCase(id), on: Day("2026-11-19")!, $0).unpaidSurcharge } == before)
        // Fifteen days to sue, to Friday 4 December; then three months.
        room.office.clock.set("2026-12-04T23:00")
        try await room.office.work()
        #expect(try await room.clocks(id)["P14b"] == nil)
        room.office.clock.set("2026-12-05T02:00")
        try await room.office.work()
        #expect(try await room.clocks(id)["P14b"]?.due == Day("2027-03-04"))
        try await room.make("demand", id, .gao, [("served", "2026-12-05")])
        await room.refused(.conflict, "apply-court", id, .he, [("where", "青溪区人民法院")])
        room.office.clock.set("2026-12-21T10:00")
        try await room.make("apply-court", id, .he, [("where", "青溪区人民法院")])
        #expect(try await room.c(id).matter.state == "court")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatAReviewChangedIsOwedAndTheOldTextIsWithdrawn(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await decided(room)
        try await room.make("prepare-publication", id, .gao, [("body", "行政处罚决定书……")])
        try await room.make("publish", id, .he)
        try await room.make("challenge", id, .gao, [("kind", "review"), ("on", "2026-09-14")])
        await room.refused(.invalid, "challenge-ended", id, .gao, [("result", "changed"), ("on", "2026-09-14"), ("fine", "200001")])
        try await room.make("challenge-ended", id, .gao, [("result", "changed"), ("on", "2026-09-14"), ("fine", "100000")])
        #expect(try await room.c(id).fine == Money(yuan: "100000"))
        #expect(try await room.clocks(id)["PUB4"]?.due == Day("2026-09-17"))
        try await room.make("withdraw-publication", id, .he, [("reason", "复议变更")])
        #expect(try await room.clocks(id)["PUB4"]?.state == "met")
        // It is shown anew as it is now; what is over is not.
        try await room.make("prepare-publication", id, .gao, [("body", "行政处罚决定书（变更后）……")])
        try await room.make("publish", id, .he)
        #expect(try await room.office.get("/penalties").text.contains("福临超市"))
        // Paid as changed: a later review can still be entered.
        try await room.make("pay", id, .gao, [("kind", "fine"), ("amount", "100000"), ("on", "2026-09-14"), ("way", "bank"), ("reference", "Q1")])
        #expect(try await room.c(id).matter.state == "closing")
        try await room.make("challenge", id, .gao, [("kind", "suit"), ("on", "2026-09-14")])
        #expect(try await room.c(id).pending?.kind == .suit)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aFineOnTheSpotIsOwedAfterItsFileIsInTheArchiveUntilItIsPaidOrDoesNotStand(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let form: [(String, String)] = [
            ("party-kind", "individual"), ("party", "王记面馆"), ("address", "柳荫路3号"), ("violation", "M11"), ("facts", "菜品未标明价格"), ("place", "店内"), ("fine", "200"),
            ("second", String(room.office.account(.shen).id.raw)), ("told", "yes"),
        ]
        // The article's own bounds hold on the spot too, and what needs an order first is not fined there.
        #expect(try await room.office.post("/cases/spot", as: .gao, form.map { $0.0 == "violation" ? ("violation", "M05") : $0 }).status == 422)
        #expect(try await room.office.post("/cases/spot", as: .gao, form.map { $0.0 == "violation" ? ("violation", "M22") : $0 }).status == 422)
        let path = try #require(try await room.office.post("/cases/spot", as: .gao, form).location)
        let id = ID<Matter>(Int64(path.split(separator: "/").last!)!)
        try await room.make("archive-simple", id, .gao, [("class", "10")])
        #expect(try await room.c(id).matter.open)
        #expect(try await room.clocks(id)["P12"]?.state == "open")
        try await room.make("annul-late", id, .he, [("reason", "认定事实不清")])
        #expect(try await room.clocks(id)["P12"]?.state == "void")
        #expect(try await !room.c(id).matter.open)
        await room.refused(.conflict, "pay", id, .gao, [("kind", "fine"), ("amount", "200"), ("on", "2026-09-14"), ("way", "bank"), ("reference", "Z1")])
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func thePeriodToPayShowsThePartThatIsDueNext(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await decided(room)
        await room.refused(.invalid, "defer", id, .he, [("applied-on", "2026-09-14"), ("due1", "9999-12-31"), ("amount1", "200000")])
        try await room.make(
            "defer", id, .he,
            [
                ("applied-on", "2026-09-14"), ("due1", "2026-10-30"), ("amount1", "50000"), ("due2", "2026-11-30"), ("amount2", "50000"), ("due3", "2026-12-31"),
                ("amount3", "100000"),
            ])
        #expect(try await room.clocks(id)["P12"]?.due == Day("2026-10-30"))
        func pay(_ amount: String, _ slip: String) async throws {
            try await room.make("pay", id, .gao, [("kind", "fine"), ("amount", amount), ("on", "2026-09-14"), ("way", "bank"), ("reference", slip)])
        }
        try await pay("49999.99", "D1")
        #expect(try await room.clocks(id)["P12"]?.due == Day("2026-10-30"))
        try await pay("0.01", "D2")
        #expect(try await room.clocks(id)["P12"]?.due == Day("2026-11-30"))
        try await pay("60000", "D3")
        #expect(try await room.clocks(id)["P12"]?.due == Day("2026-12-31"))
        try await pay("90000", "D4")
        #expect(try await room.clocks(id)["P12"]?.state == "met")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoIsRegisteredInAnotherProvinceIsPublishedThere(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await decided(room, serving: false)
        // As if its code were of another province: the test's party has none.
        let code = USCC.completing("91370102" + "000000001"), at = room.office.clock.now
        #expect(
            USCC.isOfAnotherProvince(code, than: "990101") && !USCC.isOfAnotherProvince(code, than: "3702")
                && !USCC.isOfAnotherProvince(USCC.completing("91100000" + "000000001"), than: "3702"))
        let other = try await room.office.desk.store.write { tx -> ID<Matter> in
            var new = NewCase(
                cause: "广告使用绝对化用语", party: .init(kind: .organisation, name: "外省某商贸有限公司", code: code, address: "外省", head: "李", phone: nil), region: "990101", clue: "x", foundAt: at
            )
            (new.source, new.violation) = ("monitoring", "M05")
            return try room.handling.register(new, by: .staff(room.office.account(.gao)), at: at, tx).id
        }
        let here = try await room.clocks(id)
        #expect(here["PUB1"] != nil && here["PUB2"] == nil)
        try await room.propose(other)
        try await room.make("file", other, .he, room.officers())
        try await room.office.desk.store.write { tx in
            let row = try tx.insert(
                "INSERT INTO enforcement_evidence (matter, kind, title, source, taken_on, original, proves, account, at) VALUES (\(other), 'electronic', '截图', '网店', '2026-09-10', 1, '用语', 1, \(at)) RETURNING id"
            )
            try tx.audit("test", of: Reference(kind: "case", id: other.raw), by: "test", at: at, sealing: [.init("enforcement_evidence", row)])
        }
        try await room.make("conclude", other, .gao, Room.light)
        try await room.make("audit-agree", other, .jiang, Room.checks + [("opinion", "同意")])
        try await room.make("approve-notice", other, .he)
        try await room.make("serve-notice", other, .gao, Room.served("2026-09-14"))
        try await room.make("waive", other, .gao, [("note", "书面放弃")])
        try await room.make("to-decision", other, .gao)
        try await room.make("decide", other, .he)
        try await room.make("serve", other, .gao, Room.served("2026-09-14"))
        // Ten working days from 14 September: the make-up Sunday counts, Mid-Autumn does not.
        let there = try await room.clocks(other)
        #expect(there["PUB2"]?.due == Day("2026-09-28") && there["PUB1"] == nil)
        try await room.make("prepare-publication", other, .gao, [("body", "决定书")])
        await room.refused(.invalid, "publish", other, .he)
        try await room.make("publish", other, .he, [("to", "外省市场监督管理局")])
        #expect(try await room.clocks(other)["PUB2"]?.state == "met")
        #expect(try await !room.office.get("/penalties").text.contains("外省某商贸"))
        try await room.make("host-published", other, .gao, [("on", "2026-09-14")])
        #expect(try await room.office.desk.store.read { try PublishedPenalty.of(other, $0)?.until } == Day("2027-09-14"))
        #expect(try await room.office.get("/cases/\(other)", as: .gao).status == 200)
        // The party's own door: from when a repair may be asked for there; nothing for a code that nobody fined.
        let o = room.office
        let door = try await o.get("/repair?code=\(code)").text
        #expect(door.contains("登记在外地的经营主体") && door.contains("2026-12-15") && !door.contains("name=\"statement\""))
        #expect(try await room.office.get("/repair?code=\(USCC.completing("91370102" + "000000002"))").text.contains("登记库中没有"))
        // It applies by the page once the least time is over and all is paid; the office where it is shown is told.
        let form: [(String, String)] = [("code", code), ("item", "\(other)"), ("contact", "陈"), ("phone", "13900000001"), ("statement", "已缴清，已整改"), ("promise", "yes")]
        let licence = Array("%PDF-1.4 licence".utf8)
        #expect(try await o.upload("/repair", form, file: licence).status == 422)
        try await room.make("pay", other, .gao, [("kind", "fine"), ("amount", "200000"), ("on", "2026-09-14"), ("way", "bank"), ("reference", "R1")])
        o.clock.set("2026-12-15T10:00")
        try await o.signInAgain()
        #expect(try await o.upload("/repair", form, file: licence).status == 303)
        #expect(try await o.upload("/repair", form, file: licence).status == 409)
        let repair = try await o.desk.store.read { try ID<Matter>($0.one("SELECT matter FROM credit_repairs")!.int("matter")) }
        let path = "/credit/\(repair)/moves/"
        #expect(try await room.clocks(repair)["CR1"]?.due == Day("2026-12-17"))
        #expect(try await o.post(path + "accept", as: .gao, []).status == 303)
        #expect(try await room.clocks(repair)["CR3"]?.due == Day("2026-12-24"))
        #expect(try await o.post(path + "grant", as: .he, []).status == 303)
        #expect(try await o.post(path + "execute", as: .gao, []).status == 422)
        #expect(try await o.post(path + "execute", as: .gao, [("told", "试市监函〔2026〕9号")]).status == 303)
        #expect(try await o.desk.store.read { try PublishedPenalty.of(other, $0)?.endedOn } == Day("2026-12-15"))
        #expect(try await o.get("/credit/\(repair)", as: .he).text.contains("试市监函〔2026〕9号"))
        // Fraud: shown anew, named for three years, and no application for as long.
        #expect(try await o.post(path + "revoke", as: .he, [("reason", "缴款凭证系伪造")]).status == 303)
        #expect(try await o.desk.store.read { try PublishedPenalty.of(other, $0)?.until } == Day("2027-12-15"))
        #expect(try await o.get("/repair/fraud").text.contains(code))
        #expect(try await o.upload("/repair", form, file: licence).status == 422)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aPenaltyPushedFromAnotherProvinceIsPublishedWithinTenWorkingDaysOfReceipt(_ engine: TestEngine) async throws {
        let room = try await Room(engine, at: "2026-09-28T10:00")
        let o = room.office, now = o.clock.now
        let code = USCC.completing("91990101" + "000000001")
        try await o.desk.store.write { tx in
            _ = try OperatorImport.insert(
                [
                    OperatorImport.Entry(
                        uscc: code, name: "青溪区远行百货有限公司", kind: .enterprise, status: .active, address: "柳荫路1号", region: "990101001", industry: "5212", representative: "陈",
                        phone: "",
                        registeredOn: Day("2020-01-01"), shop: nil)
                ], at: now, tx)
        }
        let form: [(String, String)] = [
            ("code", code), ("from", "外省市场监督管理局"), ("number", "外市监处罚〔2026〕5号"), ("decided", "2026-09-20"), ("received", "2026-09-28"), ("violation", "虚假宣传"), ("penalty", "罚款二万元"),
            ("tier", "general"), ("body", "决定书全文"),
        ]
        #expect(try await o.post("/assist/new", as: .gao, form.map { $0.0 == "received" ? ("received", "2026-09-29") : $0 }).status == 422)
        #expect(try await o.post("/assist/new", as: .lin, form).status == 403)
        let path = try #require(try await o.post("/assist/new", as: .gao, form).location)
        #expect(try await o.post("/assist/new", as: .gao, form).status == 409)
        let id = ID<Matter>(Int64(path.split(separator: "/").last!)!)
        #expect(try await room.clocks(id)["PUB3"]?.due == Day("2026-10-16"))
        #expect(try await o.post(path + "/moves/publish", as: .gao, []).status == 403)
        #expect(try await o.post(path + "/moves/publish", as: .he, []).status == 303)
        #expect(try await o.get("/penalties").text.contains("远行百货"))
        #expect(try await room.clocks(id)["PUB3"]?.state == "met")
        #expect(try await o.post(path + "/moves/end", as: .gao, [("reason", "原机关准予信用修复")]).status == 303)
        #expect(try await !o.get("/penalties").text.contains("远行百货"))
        for page in ["/assist", path] { #expect(try await o.get(page, as: .gao).status == 200) }
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aLetterThatAsksForHelpIsAnsweredInFifteenWorkingDaysAndWhoNeedsLongerSaysSoBefore(_ engine: TestEngine) async throws {
        let room = try await CaseTests.Room(engine, at: "2026-09-24T10:00"), o = room.office
        let form: [(String, String)] = [
            ("from", "外省市场监督管理局"), ("reference", "外市监协〔2026〕1号"), ("received", "2026-09-24"), ("about", "某公司虚假宣传案"), ("asked", "请调取进货记录"),
        ]
        #expect(try await o.post("/assistance/new", as: .lin, form).status == 403)
        #expect(try await o.post("/assistance/new", as: .gao, form.map { $0.0 == "received" ? ("received", "2026-09-25") : $0 }).status == 422)
        let path = try #require(try await o.post("/assistance/new", as: .gao, form).location)
        #expect(try await o.post("/assistance/new", as: .gao, form).status == 409)
        let id = ID<Matter>(Int64(path.split(separator: "/").last!)!)
        #expect(try await room.clocks(id)["P3"]?.due == Day("2026-10-22"))
        #expect(try await o.post(path + "/moves/decline", as: .gao, [("reason", "x")]).status == 403)
        o.clock.set("2026-10-22T20:00")
        try await o.signInAgain()
        let later: [(String, String)] = [("told", "2026-10-22"), ("until", "2026-11-05"), ("reason", "须向仓库调取")]
        #expect(try await o.post(path + "/moves/tell-later", as: .gao, later.map { $0.0 == "until" ? ("until", "2026-10-22") : $0 }).status == 422)
        #expect(try await o.post(path + "/moves/tell-later", as: .gao, later).status == 303)
        #expect(try await room.clocks(id)["P3"]?.due == Day("2026-11-05"))
        o.clock.set("2026-11-06T09:00")
        try await o.signInAgain()
        #expect(try await o.post(path + "/moves/tell-later", as: .gao, [("told", "2026-11-06"), ("until", "2026-11-20"), ("reason", "x")]).status == 422)
        #expect(try await o.post(path + "/moves/answer", as: .gao, []).status == 422)
        #expect(try await o.post(path + "/moves/answer", as: .gao, [("answer", "已调取，附后")]).status == 303)
        #expect(try await room.clocks(id)["P3"]?.state == "missed")
        for page in ["/assistance", path] { #expect(try await o.get(page, as: .gao).text.contains("已复函")) }
        #expect(try await o.verify().findings.isEmpty)
    }
}
