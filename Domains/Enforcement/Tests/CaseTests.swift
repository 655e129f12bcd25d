import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// One case after another through the real rules, on both engines.
@Suite struct CaseTests {
    /// An office with two officers, a reviewer and two heads, and what drives a case there.
    struct Room {
        let office: TestOffice
        let handling: CaseHandling
        init(_ engine: TestEngine, at now: String = "2026-09-14T10:00") async throws {
            office = try await TestOffice(engine, at: now)
            handling = CaseHandling(desk: office.desk)
            let at = office.clock.now
            let people = [Persona.gao, .shen, .jiang].map { office.account($0).id.raw }
            try await office.desk.store.write { tx in
                for (i, account) in people.enumerated() {
                    try Certificates.save(account, number: "ZF99000\(i)", validTo: Day("2027-12-31")!, legal: i == 2, by: "test", at: at, tx)
                }
            }
        }
        func clue(_ violation: String = "M05", party: PartyKind = .organisation) async throws -> ID<Matter> {
            let (handling, now) = (handling, office.clock.now), actor = Actor.staff(office.account(.gao))
            return try await office.desk.store.write { tx in
                var new = NewCase(
                    cause: Penalties.shipped[violation]!.title.zh,
                    party: .init(kind: party, name: "青溪区福临超市", code: nil, address: "青溪区中兴路12号", head: "陈大为", phone: "13900001111"), region: "990101", clue: "网店宣传“全国第一”",
                    foundAt: now)
                (new.source, new.violation) = ("monitoring", violation)
                return try handling.register(new, by: actor, at: now, tx).id
            }
        }
        func c(_ id: ID<Matter>) async throws -> Case { try await office.desk.store.read { try $0.penaltyCase(id) } }
        @discardableResult
        func make(_ move: String, _ id: ID<Matter>, _ who: Persona?, _ fields: [(String, String)] = []) async throws -> Matter {
            let (handling, now) = (handling, office.clock.now), actor: Actor = who.map { .staff(office.account($0)) } ?? .system
            return try await office.desk.store.write { tx in try handling.apply(move, on: tx.penaltyCase(id), input: Form(fields), by: actor, at: now, tx) }
        }
        func officers() -> [(String, String)] { [Persona.gao, .shen].map { ("officers", String(office.account($0).id.raw)) } }
        func propose(_ id: ID<Matter>, ended: String = "2026-09-10") async throws {
            try await make(
                "propose-filing", id, .gao,
                [("findings", "经核查属实"), ("cause", "广告使用绝对化用语"), ("violation", "M05"), ("act-to", ended), ("jurisdiction", "actual"), ("proposal", "file")]
                    + (1...4).map { ("condition\($0)", "yes") })
        }
        func file(_ violation: String = "M05") async throws -> ID<Matter> {
            let id = try await clue(violation)
            try await propose(id)
            try await make("file", id, .he, officers())
            let at = office.clock.now
            try await office.desk.store.write { tx in
                let row = try tx.insert(
                    "INSERT INTO enforcement_evidence (matter, kind, title, source, taken_on, original, proves, account, at) VALUES (\(id), 'electronic', '网页截图', '当事人网店', '2026-09-10', 1, '绝对化用语', 1, \(at)) RETURNING id"
                )
                try tx.audit("test", of: Reference(kind: "case", id: id.raw), by: "test", at: at, sealing: [.init("enforcement_evidence", row)])
            }
            return id
        }
        static let light = [
            ("facts", "当事人在网店使用“全国第一”"), ("nature", "构成使用绝对化用语"), ("violation", "M05"), ("outcome", "punish"), ("fine", "200000"), ("tier", "lighter"), ("factor", "remedied"),
            ("reasons", "主动删除"),
        ]
        func told(fine: String = "200000") async throws -> ID<Matter> {
            let id = try await file()
            try await make("conclude", id, .gao, Self.light.map { $0.0 == "fine" ? ("fine", fine) : $0 })
            try await make("audit-agree", id, .jiang, Self.checks + [("opinion", "同意")])
            try await make("approve-notice", id, .he)
            return id
        }
        static let checks = ["jurisdiction", "party", "facts", "nature", "law", "procedure", "fit"].map { ("check", $0) }
        static func served(_ day: String) -> [(String, String)] { [("way", "direct"), ("served", day), ("receiver", "陈大为")] }
        func refused(_ kind: Refusal.Kind, _ move: String, _ id: ID<Matter>, _ who: Persona, _ fields: [(String, String)] = []) async {
            await #expect("\(move) by \(who)") { try await make(move, id, who, fields) } throws: { ($0 as? Refusal)?.kind == kind }
        }
        func clocks(_ id: ID<Matter>) async throws -> [String: RunningClock] {
            Dictionary(try await office.desk.store.read { try Clocks.of(id, $0) }.map { ($0.duty, $0) }) { $1 }
        }
    }

    @Test(arguments: TestEngine.available)
    func aCaseGoesFromTheClueToTheArchiveOnTimeAndTheLedgerHolds(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.told()
        // Found on 14 September; filed the same day; the fifteen working days would have passed over the October holiday.
        var clocks = try await room.clocks(id)
        #expect(clocks["P1"]?.state == "met")
        #expect(clocks["P9"]?.due == Day("2026-12-14"))
        #expect(try await room.c(id).hearing)
        // Served on 28 September: five working days end after the holiday, on 12 October; 10 October (Saturday) is worked.
        room.office.clock.set("2026-09-28T10:00")
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-28"))
        clocks = try await room.clocks(id)
        let last = try #require(clocks["P8"]?.due)
        #expect(last == Day("2026-10-10"))
        room.office.clock.now = Moment(last, hour: 17)
        await room.refused(.conflict, "to-decision", id, .gao)
        room.office.clock.now = Moment(last.adding(days: 1), hour: 9)
        await room.refused(.conflict, "request-hearing", id, .gao, [("on", "2026-10-11")])
        try await room.make("to-decision", id, .gao)
        // Not heavier than told; lighter needs its tier.
        await room.refused(.invalid, "decide", id, .he, [("fine", "200001")])
        try await room.make("decide", id, .he, [("fine", "150000"), ("tier", "reduced")])
        var c = try await room.c(id)
        #expect(c.fine == Money(yuan: "150000") && c.decisionNumber?.contains("处罚〔2026〕1号") == true)
        await room.refused(.forbidden, "serve", id, .wang, Room.served("2026-10-12"))
        room.office.clock.set("2026-10-12T10:00")
        try await room.make("serve", id, .gao, Room.served("2026-10-12"))
        c = try await room.c(id)
        #expect(c.payBy == Day("2026-10-27"))
        // Publication: prepared by one, approved by another.
        try await room.make("prepare-publication", id, .gao, [("body", "行政处罚决定书……")])
        await room.refused(.invalid, "prepare-publication", id, .gao, [("body", "电话13900001111")])
        try await room.make("publish", id, .he)
        #expect(try await room.clocks(id)["PUB1"]?.state == "met")
        #expect(try await room.office.get("/penalties").text.contains("福临超市"))
        // Paid in two, the second a day late.
        try await room.make("pay", id, .gao, [("kind", "fine"), ("amount", "100000"), ("on", "2026-10-12"), ("way", "bank"), ("reference", "R1")])
        room.office.clock.set("2026-10-28T10:00")
        await room.refused(.invalid, "pay", id, .gao, [("kind", "fine"), ("amount", "1"), ("on", "2026-10-28"), ("way", "bank"), ("reference", "R1")])
        await room.refused(.invalid, "pay", id, .gao, [("kind", "fine"), ("amount", "50000.01"), ("on", "2026-10-28"), ("way", "bank"), ("reference", "R2")])
        try await room.make("pay", id, .gao, [("kind", "fine"), ("amount", "50000"), ("on", "2026-10-28"), ("way", "bank"), ("reference", "R2")])
        #expect(try await room.c(id).matter.state == "served")
        let after = try await room.make("pay", id, .gao, [("kind", "surcharge"), ("amount", "1500"), ("on", "2026-10-28"), ("way", "bank"), ("reference", "R3")])
        #expect(after.state == "closing")
        try await room.make("propose-closing", id, .gao, [("ending", "1"), ("reason", "执行完毕")])
        await room.refused(.forbidden, "close", id, .gao)
        try await room.make("close", id, .he)
        try await room.make("archive", id, .shen, [("class", "30")])
        #expect(try await room.c(id).archiveNumber == "990101-2026-1")
        try await room.office.signInAgain()
        for path in ["/cases/\(id)", "/cases/\(id)/archive", "/cases/\(id)/archive/main", "/cases", "/cases?decided=yes&during=2026"] {
            #expect(try await room.office.get(path, as: .he).status == 200, "\(path)")
        }
        #expect(try await room.office.get("/cases/\(id)/archive/main", as: .he).text.contains("行政处罚决定书"))
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoHasOnePartInACaseIsKeptFromTheOthers(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.clue()
        await room.refused(.forbidden, "propose-filing", id, .lin)
        try await room.propose(id)
        // Two officers with certificates; a head who proposed it would not approve it; nobody approves a case of the own.
        await room.refused(.invalid, "file", id, .he, [("officers", String(room.office.account(.gao).id.raw))])
        await room.refused(.invalid, "file", id, .he, [Persona.gao, .wang].map { ("officers", String(room.office.account($0).id.raw)) })
        await room.refused(.forbidden, "file", id, .gao, room.officers())
        try await room.make("file", id, .he, room.officers())
        await room.refused(.forbidden, "conclude", id, .wang, Room.light)
        await room.refused(.invalid, "conclude", id, .gao, Room.light)
        // Recusal: asked, decided by somebody else, and then the person is out.
        try await room.make("ask-recusal", id, .gao, [("who", String(room.office.account(.shen).id.raw)), ("asked-by", "party"), ("reason", "与当事人系亲属")])
        let request = try await room.office.desk.store.read { try $0.one("SELECT id FROM enforcement_recusals")!.int("id") }
        await room.refused(.forbidden, "decide-recusal", id, .gao, [("recusal", String(request)), ("granted", "yes"), ("reason", "属实")])
        try await room.make("decide-recusal", id, .he, [("recusal", String(request)), ("granted", "yes"), ("reason", "属实")])
        await room.refused(.forbidden, "replace-officers", id, .he, room.officers() + [("reason", "回避")])
        await room.refused(.forbidden, "test", id, .shen, [("body", "检验所")])
        await room.refused(.conflict, "decide", id, .he)
        await room.refused(.conflict, "serve", id, .gao, Room.served("2026-09-14"))
        // By API the same.
        let token = try await room.office.bearer(.wang)
        let number = try await room.c(id).matter.number
        let reply = try await room.office.api(.post, "/api/v1/cases/\(number)/moves", token: token, .object([("move", .string("test")), ("body", .string("x"))]))
        #expect(reply.status == 403)
        #expect(try await room.office.api(.get, "/api/v1/cases/\(number)/moves", token: token).status == 200)
        #expect(try await room.office.get("/cases/\(id)", as: .lin).status == 403)
        #expect(try await room.office.get("/cases/\(id)", as: .far).status == 403)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aHearingHasItsOwnClocksAndItsReportGoesToLegalReview(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.told()
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-14"))
        try await room.make("request-hearing", id, .gao, [("on", "2026-09-14")])
        #expect(try await room.clocks(id)["H1"]?.due == Day("2026-09-17"))
        #expect(try await room.c(id).matter.state == "hearing")
        let (jiang, tang) = (String(room.office.account(.jiang).id.raw), String(room.office.account(.tang).id.raw))
        // The reviewer of the case does not host it.
        await room.refused(.invalid, "appoint-host", id, .he, [("host", jiang), ("clerk", tang)])
        try await room.make("appoint-host", id, .he, [("host", tang), ("clerk", String(room.office.account(.wang).id.raw))])
        await room.refused(.forbidden, "schedule-hearing", id, .he, [])
        // Seven working days before: for the 21st (Sunday the 20th is worked) the notice was due on the 11th; for the 22nd it is in time.
        let hearing = [("hearing-on", "2026-09-22"), ("time", "09:30"), ("place", "三楼听证室"), ("notice-on", "2026-09-14"), ("openly", "yes"), ("announced-on", "2026-09-16")]
        await room.refused(.invalid, "schedule-hearing", id, .tang, hearing.map { $0.0 == "hearing-on" ? ($0.0, "2026-09-21") : $0 })
        // An open one is announced three working days before; the file is with the host in three, the day set in five.
        await room.refused(.invalid, "schedule-hearing", id, .tang, hearing.map { $0.0 == "announced-on" ? ($0.0, "2026-09-19") : $0 })
        #expect(try await room.clocks(id)["H1b"]?.due == Day("2026-09-17"))
        try await room.make("hand-file", id, .gao)
        #expect(try await room.clocks(id)["H1c"]?.due == Day("2026-09-20"))
        try await room.make("schedule-hearing", id, .tang, hearing)
        #expect(try await room.clocks(id)["H1c"]?.state == "met")
        room.office.clock.set("2026-09-24T16:00")
        await room.refused(.invalid, "hearing-held", id, .tang, [("on", "2026-09-24"), ("record", "双方到场……")])
        try await room.make("hearing-held", id, .tang, [("on", "2026-09-22"), ("record", "双方到场……")])
        try await room.make("report-hearing", id, .tang, [("opinion", "事实清楚，建议维持")])
        // Two kinds of time are not counted in the ninety days: the ten days of the hearing.
        #expect(try await room.clocks(id)["P9"]!.due > Day("2026-12-14")!)
        #expect(try await room.c(id).needsLegalReview)
        try await room.make("audit-agree", id, .jiang, Room.checks + [("opinion", "同意")])
        await room.refused(.conflict, "decide", id, .he)
        await room.refused(.invalid, "to-decision", id, .gao)
        try await room.make("to-decision", id, .gao, [("reviewed", "听证意见不予采纳，理由……")])
        // After a hearing the heads decide together.
        await room.refused(.conflict, "decide", id, .he)
        let talk = [("held-on", "2026-09-24"), ("members", "何、唐、周"), ("record", "一致同意"), ("conclusion", "按告知内容处罚")]
        await room.refused(.invalid, "discuss", id, .he, talk.map { $0.0 == "members" ? ($0.0, "何、唐") : $0 })
        try await room.make("discuss", id, .he, talk)
        try await room.make("decide", id, .he)
        #expect(try await room.c(id).matter.outcome == "punish")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aDisputeOfJurisdictionHasSevenWorkingDaysAndHoldsUpTheDecision(_ engine: TestEngine) async throws {
        let room = try await Room(engine, at: "2026-09-28T09:00")
        let id = try await room.clue()
        let dispute = [("with", "邻市市场监督管理局"), ("reason", "实际经营地有争议"), ("on", "2026-09-28")]
        await room.refused(.invalid, "dispute-jurisdiction", id, .gao, dispute.dropLast() + [("on", "2026-09-29")])
        await room.refused(.conflict, "settle-jurisdiction", id, .gao, [])
        try await room.make("dispute-jurisdiction", id, .gao, dispute)
        // 29, 30, and 8, 9, 10 (a worked Saturday), 12, 13 October.
        #expect(try await room.clocks(id)["JD1"]?.due == Day("2026-10-13"))
        await room.refused(.conflict, "dispute-jurisdiction", id, .gao, dispute)
        await room.refused(.invalid, "settle-jurisdiction", id, .gao, [("way", "designated"), ("result", "ours"), ("reference", "指〔2026〕1号"), ("on", "2026-09-28")])
        await room.refused(.forbidden, "refer-jurisdiction", id, .gao, [("to", "省市场监督管理局"), ("on", "2026-09-28")])
        try await room.make("refer-jurisdiction", id, .he, [("to", "省市场监督管理局"), ("on", "2026-09-28")])
        #expect(try await room.clocks(id)["JD1"]?.state == "met")
        #expect(try await room.clocks(id)["JD2"]?.due == Day("2026-10-13"))
        // Filed meanwhile (whoever files first keeps it); an officer of another case settles nothing.
        try await room.propose(id)
        try await room.make("file", id, .he, room.officers())
        let theirs = [("way", "designated"), ("result", "theirs"), ("competent", "邻市市场监督管理局"), ("reference", "指〔2026〕1号"), ("on", "2026-09-28")]
        await room.refused(.forbidden, "settle-jurisdiction", id, .wang, theirs)
        await room.refused(.conflict, "terminate", id, .he, [("ground", "1"), ("reason", "x")])
        try await room.make("settle-jurisdiction", id, .gao, theirs)
        #expect(try await room.clocks(id)["JD2"]?.state == "met")
        await room.refused(.conflict, "terminate", id, .he, [("ground", "1"), ("reason", "x")])
        #expect(try await room.office.get("/cases/\(id)", as: .gao).text.contains("指〔2026〕1号"))
        try await room.make("transfer-out", id, .he, [("where", "邻市市场监督管理局"), ("reason", "上级指定")])
        #expect(try await room.c(id).matter.outcome == "transferred")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aFirstSlightViolationIsNotFiledOnceLeniencyWasExaminedAndAnOldActCannotBeFiled(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.clue()
        await room.refused(
            .invalid, "propose-filing", id, .gao,
            [("findings", "x"), ("cause", "y"), ("act-to", "2024-09-13"), ("jurisdiction", "actual"), ("proposal", "file")] + (1...4).map { ("condition\($0)", "yes") })
        try await room.make(
            "propose-filing", id, .gao,
            [("findings", "已改正"), ("cause", "广告使用绝对化用语"), ("violation", "M05"), ("act-to", "2026-09-10"), ("jurisdiction", "actual"), ("proposal", "not-file")])
        await room.refused(.invalid, "not-file", id, .he, [("ground", "2"), ("reason", "初次")])
        let form: [(String, String)] = [("rule", "absoluteFirst"), ("c-firstPublish", "yes"), ("c-slight", "yes"), ("c-corrected", "yes"), ("reasoning", "首次、浏览少、已删除")]
        #expect(try await room.office.post("/cases/\(id)/leniency", as: .gao, form.dropLast()).status == 422)
        #expect(try await room.office.post("/cases/\(id)/leniency", as: .gao, form).status == 303)
        try await room.make("not-file", id, .he, [("ground", "2"), ("reason", "初次违法，后果轻微，已改正")])
        #expect(try await room.c(id).matter.outcome == "not-filed")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatIsPreservedIsReleasedByItselfAfterSevenWorkingDaysOverTheHoliday(_ engine: TestEngine) async throws {
        let room = try await Room(engine, at: "2026-09-28T09:00")
        let id = try await room.clue()
        let measures = MeasureHandling(desk: room.office.desk)
        let now = room.office.clock.now, gao = room.office.account(.gao)
        let form = Form([("kind", "registration"), ("goods", "电饭煲|3L|20台|未拆封"), ("place", "当事人仓库"), ("second", "\(room.office.account(.shen).id)")])
        let m = try await room.office.desk.store.write { tx in try measures.take(form, for: tx.penaltyCase(id), by: gao, at: now, tx) }
        let he = Actor.staff(room.office.account(.he))
        try await room.office.desk.store.write { tx in try measures.apply("approve", on: tx.measure(tx.matter(m.id)), input: Form([]), by: he, at: now, tx) }
        let due = try #require(try await room.clocks(m.id)["P5"]?.due)
        #expect(due == Day("2026-10-13"))
        room.office.clock.now = Moment(due, hour: 23)
        try await room.office.work()
        #expect(try await room.office.desk.store.read { try $0.matter(m.id).state } == "in-force")
        room.office.clock.now = Moment(due.adding(days: 1), hour: 1)
        try await room.office.work()
        #expect(try await room.office.desk.store.read { try $0.matter(m.id).state } == "lapsed")
        try await room.office.signInAgain()
        #expect(try await room.office.get("/measures/\(m.id)", as: .gao).status == 200)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func anUrgentMeasureAwaitsTheHeadFor24HoursAndASeizureIsExtendedOnceInWriting(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.clue()
        let measures = MeasureHandling(desk: room.office.desk)
        var now = room.office.clock.now
        let gao = room.office.account(.gao), he = Actor.staff(room.office.account(.he))
        let form = Form([
            ("kind", "seizure"), ("goods", "奶粉|900g|30罐"), ("place", "本局仓库"), ("basis", "《中华人民共和国食品安全法》第一百一十条"), ("urgent", "yes"), ("taken", "2026-09-14T08:30"),
            ("second", "\(room.office.account(.shen).id)"),
        ])
        let at = now
        let m = try await room.office.desk.store.write { tx in try measures.take(form, for: tx.penaltyCase(id), by: gao, at: at, tx) }
        var clocks = try await room.clocks(m.id)
        #expect(clocks["P4"]?.dueAt == Moment("2026-09-15T09:00"))
        #expect(clocks["P6"]?.due == Day("2026-10-14"))
        try await room.office.desk.store.write { tx in try measures.apply("approve-late", on: tx.measure(tx.matter(m.id)), input: Form([]), by: he, at: at, tx) }
        room.office.clock.set("2026-10-13T10:00")
        now = room.office.clock.now
        let later = now
        try await room.office.desk.store.write { tx in
            try measures.apply("extend-notice", on: tx.measure(tx.matter(m.id)), input: Form([("reason", "案情复杂")]), by: he, at: later, tx)
        }
        clocks = try await room.clocks(m.id)
        #expect(clocks["P6"]?.due == Day("2026-11-13"))
        await #expect(throws: Refusal.self) {
            try await room.office.desk.store.write { tx in
                try measures.apply("extend-notice", on: tx.measure(tx.matter(m.id)), input: Form([("reason", "再延长")]), by: he, at: later, tx)
            }
        }
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func ofTwoWhoEnterTheSameSlipOneWins(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.told()
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-14"))
        try await room.make("waive", id, .gao, [("note", "书面放弃")])
        try await room.make("to-decision", id, .gao)
        try await room.make("decide", id, .he)
        try await room.make("serve", id, .gao, Room.served("2026-09-14"))
        let slip = [("kind", "fine"), ("amount", "1000"), ("on", "2026-09-14"), ("way", "bank"), ("reference", "SAME")]
        let wins = await withTaskGroup(of: Bool.self) { group in
            for who in [Persona.gao, .shen, .gao, .shen, .gao] { group.addTask { (try? await room.make("pay", id, who, slip)) != nil } }
            return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(wins == 1)
        #expect(try await room.office.desk.store.read { try $0.count("SELECT count(*) AS n FROM enforcement_payments") } == 1)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aFineOnTheSpotKeepsToItsSumsAndIsHandedInWithinTwoDays(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let form: [(String, String)] = [
            ("party-kind", "individual"), ("party", "王记面馆"), ("address", "柳荫路3号"), ("violation", "M11"), ("facts", "菜品未标明价格"), ("place", "店内"), ("fine", "200"),
            ("second", String(room.office.account(.shen).id.raw)), ("told", "yes"),
        ]
        #expect(try await room.office.post("/cases/spot", as: .gao, form.map { $0.0 == "fine" ? ("fine", "200.01") : $0 }).status == 422)
        #expect(try await room.office.post("/cases/spot", as: .gao, form.filter { $0.0 != "told" }).status == 422)
        let reply = try await room.office.post("/cases/spot", as: .gao, form)
        #expect(reply.status == 303)
        let id = try await room.office.desk.store.read { try ID<Matter>($0.one("SELECT matter FROM enforcement_cases WHERE simple = 1")!.int("matter")) }
        #expect(try await room.clocks(id)["P16"]?.due == Day("2026-09-22"))
        await room.refused(.invalid, "pay", id, .gao, [("kind", "fine"), ("amount", "200"), ("on", "2026-09-14"), ("way", "cash"), ("reference", "C1")])
        try await room.make("pay", id, .gao, [("kind", "fine"), ("amount", "200"), ("on", "2026-09-14"), ("way", "cash"), ("reference", "C1"), ("hard", "yes")])
        #expect(try await room.clocks(id)["P17"]?.due == Day("2026-09-16"))
        try await room.make("hand-in", id, .gao, [("on", "2026-09-14")])
        // The office pays it into the bank within two working days more, also when the file is in the archive already.
        #expect(try await room.clocks(id)["P17b"]?.due == Day("2026-09-16"))
        try await room.make("archive-simple", id, .gao, [("class", "10")])
        #expect(try await room.c(id).matter.open)
        await room.refused(.invalid, "bank", id, .gao, [("on", "2026-09-13")])
        try await room.make("bank", id, .gao, [("on", "2026-09-14")])
        #expect(try await !room.c(id).matter.open)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func anAnnulledDecisionIsWithdrawnFromThePublicWithinThreeWorkingDays(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.told()
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-14"))
        try await room.make("waive", id, .gao, [("note", "书面放弃")])
        try await room.make("to-decision", id, .gao)
        try await room.make("decide", id, .he)
        try await room.make("serve", id, .gao, Room.served("2026-09-14"))
        try await room.make("prepare-publication", id, .gao, [("body", "决定书")])
        try await room.make("publish", id, .he)
        let number = try await room.c(id).matter.number
        #expect(try await room.office.get("/penalties/\(number)").status == 200)
        try await room.make("annul", id, .he, [("reason", "复议撤销")])
        #expect(try await room.clocks(id)["PUB4"]?.due == Day("2026-09-17"))
        try await room.make("withdraw-publication", id, .he, [("reason", "复议决定撤销原处罚")])
        let gone = try await room.office.get("/penalties/\(number)")
        #expect(gone.status == 410 && gone.text.contains("复议决定撤销原处罚"))
        #expect(try await room.clocks(id)["PUB4"]?.state == "met")
        #expect(try await room.office.verify().findings.isEmpty)
    }
}
