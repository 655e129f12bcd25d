import Disputes
import Kernel
import Platform
import Statute
import Store
import TestSupport
import Testing
import Web

@Suite struct HandlingTests {
    func clocks(_ office: TestOffice, _ matter: Matter) async throws -> [String: RunningClock] {
        Dictionary(try await office.desk.store.read { try Clocks.of(matter.id, $0) }.map { ($0.duty, $0) }) { $1 }
    }

    @Test(arguments: TestEngine.available)
    func fromTheFormToAnAgreement(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-09-18T10:00")
        let matter = try await office.file()
        #expect(matter.state == "received" && matter.regime == "O121" && matter.region == "990101")
        #expect(try await clocks(office, matter)["C1"]?.due == Day("2026-09-29"))
        office.clock.set("2026-09-21T09:00")
        try await office.apply("accept", on: matter, by: .lin)
        let running = try await clocks(office, matter)
        #expect(running["C1"]?.state == "met" && running["C3"]?.due == Day("2026-11-20"))
        office.clock.set("2026-09-22T09:00")
        try await office.apply("arrange", on: matter, by: .wu, [("mode", "on-site"), ("consent", "yes"), ("mediators", "吴"), ("at", "2026-09-24T09:30"), ("place", "调解室")])
        try await office.apply("position", on: matter, by: .wu, [("party", "respondent"), ("body", "愿退一半"), ("offer", "199.50")])
        office.clock.set("2026-09-24T11:00")
        try await office.apply("agree", on: matter, by: .wu, [("agreement", "退还399元"), ("form", "paper")])
        let closed = try await office.apply("close", on: matter, by: .wu)
        #expect(closed.state == "closed" && !closed.open && closed.outcome == "agreed" && closed.nextDue == nil)
        let documents = try await office.desk.store.read { try Documents.of(matter.id, $0) }
        #expect(documents.map(\.form) == ["acceptance", "mediation", "agreement"])
        #expect(documents[0].number == "青市监投受〔2026〕1号" && documents[0].body.contains("青溪区福临超市"))
        #expect(try await clocks(office, matter)["C3"]?.state == "met")
    }

    @Test(arguments: TestEngine.available)
    func ofTwoOfficersWhoPressAtOnceOneWins(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        let wins = await withTaskGroup(of: Bool.self) { group in
            for move in ["accept", "withdraw", "accept", "accept"] {
                group.addTask { (try? await office.apply(move, on: matter, by: .lin)) != nil }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(wins == 1)
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_moves WHERE matter = \(matter.id)") } == 2)
    }

    @Test(arguments: TestEngine.available)
    func timeOfTestingIsAddedToThePeriodForMediation(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-05-06T09:00")
        let matter = try await office.file { $0.occurredOn = Day("2026-05-01") }
        try await office.apply("accept", on: matter, by: .lin)
        office.clock.set("2026-05-10T09:00")
        try await office.apply("test", on: matter, by: .wu, [("body", "检验所"), ("chosenBy", "authority")])
        office.clock.set("2026-05-19T09:00")
        try await office.apply("tested", on: matter, by: .wu, [("result", "不合格")])
        #expect(try await clocks(office, matter)["C3"]?.due == Day("2026-07-15"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func whileGoodsAreTestedThePeriodForMediationDoesNotLapse() async throws {
        let office = try await TestOffice(.sqlite, at: "2026-05-06T09:00")
        let matter = try await office.file { $0.occurredOn = Day("2026-05-01") }
        try await office.apply("accept", on: matter, by: .lin)
        office.clock.set("2026-05-10T09:00")
        try await office.apply("test", on: matter, by: .wu, [("body", "检验所"), ("chosenBy", "authority")])
        // Sixty days after acceptance, of which four only were counted.
        office.clock.set("2026-08-20T09:00")
        await #expect(throws: Refusal.self) { try await office.apply("end", on: matter, by: .wu, [("ground", "5"), ("reason", "期限届满")]) }
        try await office.apply("give-up", on: matter, by: nil)
        #expect(try await clocks(office, matter)["C3"]?.state == "met")
        #expect(try await office.verify().findings.isEmpty)
    }

    /// O121 art. 41: who lacks competence gives it back; a second dispatch would only begin the period anew.
    @Test(arguments: TestEngine.available)
    func aDistrictDoesNotDispatchButReturnsOrHandsToItsTownship(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file { $0.respondentAddress = "地址不详" }
        #expect(matter.region == "9901")
        let sent = try await office.apply("dispatch", on: matter, by: .li, [("region", "990101")])
        #expect(sent.region == "990101")
        let notice = try #require(try await office.desk.store.read { try Documents.of(matter.id, $0) }.first)
        // The notice is the city's, whose officers send it.
        #expect(notice.form == "dispatch" && notice.body.contains(office.desk.office(for: "9901").name) && !notice.number.hasPrefix("青市监"))
        let due = try await clocks(office, matter)["C1"]?.due
        office.clock.set("2026-11-25T10:00")
        for region in ["990101", "990102"] {
            await #expect { try await office.apply("dispatch", on: sent, by: .he, [("region", region)]) } throws: {
                ($0 as? Refusal)?.article == Article(law: "O121", article: "41(2)")
            }
        }
        await #expect(throws: Refusal.self) { try await office.apply("entrust", on: sent, by: .he, [("region", "990102")]) }
        let below = try await office.apply("entrust", on: sent, by: .he, [("region", "990101001")])
        #expect(below.region == "990101001")
        #expect(try await clocks(office, matter)["C1"]?.due == due)
        // The township's own people see it and work on it in the district's name.
        let (now, hash) = (office.clock.now, "scrypt$10$8$1$00$00")
        let station = try await office.desk.store.write { tx in
            try Accounts.add(.init(login: "station", name: "街道", roles: [.clerk], region: "990101001", password: ""), hash: hash, at: now, by: "test", tx)
            return try Accounts.find(login: "station", tx)!
        }
        #expect(station.covers(below.region) && !station.covers("990101"))
        let handling = office.handling
        try await office.desk.store.write { tx in
            try Casework.assign(below, to: station, by: office.account(.he), at: now, tx)
            try handling.apply("accept", on: tx.complaint(below.id), input: Form([]), by: .staff(station), at: now, tx)
        }
        #expect(try await office.desk.store.read { try Documents.of(matter.id, $0) }.last?.number.hasPrefix("青市监") == true)
        // What it cannot handle it hands back, with the reason; the district has nobody to hand back to.
        let back = try await office.desk.store.write { tx in
            try handling.apply("hand-back", on: tx.complaint(below.id), input: Form([("reason", "商家已迁出本街道")]), by: .staff(station), at: now, tx)
        }
        #expect(back.region == "990101" && back.assignee == nil)
        await #expect(throws: Refusal.self) { try await office.apply("hand-back", on: back, by: .lin, [("reason", "再交回")]) }
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoIsChallengedDoesNotDecideAndWhoIsRecusedDoesNotMediate(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        let (wu, he) = (office.account(.wu), office.account(.he))
        try await office.apply("arrange", on: matter, by: .wu, [("mode", "remote"), ("consent", "yes"), ("mediators", wu.name)])
        try await office.apply("recuse", on: matter, by: .wu, [("reason", "与商家有亲属关系")])
        // Granted without another mediator, or with the same one, it is not granted.
        await #expect(throws: Refusal.self) { try await office.apply("recusal-decided", on: matter, by: .lin, [("decision", "replaced")]) }
        await #expect(throws: Refusal.self) { try await office.apply("recusal-decided", on: matter, by: .lin, [("decision", "replaced"), ("mediators", wu.name)]) }
        let after = try await office.apply("recusal-decided", on: matter, by: .lin, [("decision", "replaced"), ("mediators", he.name)])
        #expect(after.assignee == nil)
        #expect(try await office.desk.store.read { try $0.complaint(matter.id).mediators } == he.name)
        let told = try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_notices WHERE matter = \(matter.id) AND title = '回避决定告知'") }
        #expect(told == 2)
        await #expect(throws: Refusal.self) { try await office.apply("agree", on: after, by: .wu, [("agreement", "退款"), ("form", "paper")]) }
        // The head, who mediates now, is challenged and cannot decide on that himself.
        try await office.apply("recuse", on: after, by: .he, [("reason", "偏袒商家")])
        await #expect(throws: Refusal.self) { try await office.apply("recusal-decided", on: after, by: .he, [("decision", "rejected")]) }
        try await office.apply("recusal-decided", on: after, by: .lin, [("decision", "rejected")])
        try await office.apply("agree", on: after, by: .he, [("agreement", "退款"), ("form", "performed")])
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func twoClaimsInOneWordAreTwoClaims() {
        let kinds = ComplaintImport.claims("退货退款", amount: Money(yuan: "188"))
        #expect(kinds.map(\.kind) == [.returnGoods, .refund])
        #expect(ComplaintImport.claims("三倍赔偿、精神安慰", amount: Money(yuan: "188")).compactMap(\.amount).count == 1)
    }

    @Test(arguments: TestEngine.available)
    func whatWasWrittenWrongIsAmendedAndWhatStoodThereStaysReadable(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let uscc = USCC.completing("92990101000000001")
        try await office.desk.store.write { tx in
            let id = try tx.insert(
                "INSERT INTO operators (uscc, name, kind, status, address, region, industry, representative, phone, initials, changed_at) VALUES (\(uscc), '青溪百味餐饮有限公司', 'enterprise', 'active', '青溪区中兴路12号', '990101', '', '', '', 'qxbwcyyxgs', 0) RETURNING id"
            )
            try tx.audit("operators.added", of: Reference(kind: "operator", id: id), by: "test", at: Moment("2026-01-01T09:00")!, sealing: [.init("operators", id)])
        }
        // Typed in full and held by just one: matched without a code.
        let known = try await office.file { $0.respondentName = "青溪百味餐饮有限公司" }
        #expect(known.operator != nil)
        let matter = try await office.file {
            $0.amount = Money(yuan: "399")
            $0.purchase = "电饭煲"
        }
        #expect(matter.operator == nil)
        let after = try await office.apply(
            "amend", on: matter, by: .lin,
            [("respondentName", "青溪百味餐饮有限公司"), ("amount", "1,299"), ("purchase", "空气炸锅"), ("facts", "更正：买的是空气炸锅，一周后漏电，商家不肯退货。"), ("reason", "电话核实")])
        #expect(after.operator == known.operator && after.title.contains("空气炸锅"))
        let c = try await office.desk.store.read { try $0.complaint(matter.id) }
        #expect(c.amount == Money(yuan: "1299") && c.facts.hasPrefix("更正") && c.purchase == "空气炸锅")
        let page = try await office.get("/disputes/\(matter.id)", as: .lin).text
        #expect(page.contains("电饭煲") && page.contains("399.00"))
        func refused(_ input: [(String, String)]) async -> [String] {
            do {
                try await office.apply("amend", on: after, by: .lin, input + [("reason", "核实")])
                return []
            } catch { return (error as? Refusal)?.fields.map(\.pointer) ?? ["?"] }
        }
        #expect(await refused([("amount", "-5"), ("occurredOn", "昨天"), ("phone", "12")]) == ["/occurredOn", "/amount", "/phone"])
        // The sum that was claimed follows; ticked claims take the place of all.
        #expect(c.claims.compactMap(\.amount).allSatisfy { $0 == Money(yuan: "1299") })
        try await office.apply("amend", on: after, by: .lin, [("claim", "return"), ("claim", "compensate"), ("reason", "核实")])
        #expect(try await office.desk.store.read { try $0.complaint(matter.id).claims.map(\.kind) } == [.returnGoods, .compensate])
        #expect(await refused([("amount", "1299.00")]) == ["/reason"])
        #expect(await refused([("shopURL", "javascript:alert(1)")]) == ["/shopURL"])
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func givenBackAndSentToTheSameOfficeAgainItsPeriodRunsOn(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-11-18T10:00")
        let matter = try await office.file { $0.respondentAddress = "地址不详" }
        let sent = try await office.apply("dispatch", on: matter, by: .li, [("region", "990101")])
        let due = try await clocks(office, matter)["C1"]?.due
        #expect(due == Day("2026-11-27"))
        office.clock.set("2026-11-23T10:00")
        let back = try await office.apply("return", on: sent, by: .lin, [("reason", "不属本区")])
        #expect(back.region == "9901")
        let again = try await office.apply("dispatch", on: back, by: .li, [("region", "990101")])
        #expect(try await clocks(office, matter)["C1"]?.due == due)
        // Another office receives it for the first time.
        let other = try await office.apply("return", on: again, by: .lin, [("reason", "确不属本区")])
        try await office.apply("dispatch", on: other, by: .li, [("region", "990102")])
        #expect(try await clocks(office, matter)["C1"]?.due == Day("2026-12-02"))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func aMoveThatCanOnlyFailIsNotOffered() async throws {
        let office = try await TestOffice(.sqlite)
        let (handling, desk) = (office.handling, office.desk)
        func offered(_ matter: Matter, _ persona: Persona) async throws -> Set<String> {
            let account = office.account(persona)
            return try await desk.store.read { tx in
                Set(handling.available(try tx.complaint(matter.id), to: .staff(account), clocks: try Clocks.of(matter.id, tx)).map(\.name))
            }
        }
        let matter = try await office.file { $0.respondentAddress = "地址不详" }
        #expect(try await offered(matter, .li).contains("dispatch"))
        let sent = try await office.apply("dispatch", on: matter, by: .li, [("region", "990101")])
        #expect(try await !offered(sent, .li).contains("dispatch"))
        try await office.apply("accept", on: sent, by: .lin)
        #expect(try await !offered(sent, .lin).contains("lead-decided"))
        try await office.apply("lead", on: sent, by: .wu, [("facts", "无证经营")])
        #expect(try await offered(sent, .lin).contains("lead-decided"))
    }

    @Test func aDayAfterThePeriodIsRefusedByItsField() async throws {
        let office = try await TestOffice(.sqlite, at: "2026-09-18T10:00")
        let matter = try await office.file()
        func refused(_ move: String, _ by: Persona, _ input: [(String, String)]) async -> [String] {
            do {
                try await office.apply(move, on: matter, by: by, input)
                return []
            } catch { return (error as? Refusal)?.fields.map(\.pointer) ?? ["?"] }
        }
        #expect(await refused("request", .lin, [("what", "身份证明"), ("due", "2026-09-30")]) == ["/due"])
        try await office.apply("accept", on: matter, by: .lin)
        let late = [("mode", "on-site"), ("consent", "yes"), ("mediators", "吴"), ("at", "2026-12-24T09:30"), ("place", "调解室")]
        #expect(await refused("arrange", .wu, late) == ["/at"])
    }

    @Test(arguments: TestEngine.available)
    func anImportedComplaintIsTakenUpOnceItsParticularsAreThere(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file {
            $0.source = "import"
            $0.complainantName = "（未提供）"
            $0.complainantPhone = "00000"
        }
        func refused(_ move: String, _ by: Persona, _ input: [(String, String)]) async -> [String] {
            do {
                try await office.apply(move, on: matter, by: by, input)
                return []
            } catch { return (error as? Refusal)?.fields.map(\.pointer) ?? ["?"] }
        }
        #expect(await refused("accept", .lin, []) == ["/channel"])
        #expect(await refused("accept", .lin, [("channel", "phone")]) == ["/name", "/phone"])
        #expect(await refused("amend", .lin, [("name", "陈小满")]) == ["/reason"])
        #expect(await refused("amend", .lin, [("phone", "abc"), ("reason", "电话核实")]) == ["/phone"])
        #expect(await refused("amend", .lin, [("name", "陈小满"), ("phone", "13812345678"), ("reason", "电话核实")]).isEmpty)
        #expect(await refused("accept", .lin, [("channel", "phone")]).isEmpty)
        let (notices, person) = try await office.desk.store.read { tx in
            (
                try tx.all("SELECT channel FROM casework_notices WHERE matter = \(matter.id)").map { $0.string("channel") },
                try tx.one("SELECT name FROM disputes_complainants WHERE matter = \(matter.id)")?.string("name")
            )
        }
        #expect(notices == ["phone"] && person == "陈小满")
        #expect(try await office.verify().findings.isEmpty)
        let page = try await office.get("/disputes/\(matter.id)", as: .lin).text
        #expect(page.contains("告知记录") && page.contains("更正项目：投诉人姓名、投诉人电话") && !page.contains("13812345678"))
    }

    /// The queue's search looks among open matters by a mark in the index, which goes when a matter is closed.
    @Test(arguments: TestEngine.available)
    func aClosedMatterIsFoundAmongTheClosedOnesOnly(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let matter = try await office.file { $0.facts = "买的蒸汽拖把漏水，商家不肯修。" }
        func found(closed: Bool) async throws -> [Int64] {
            var f = QueueFilter()
            (f.text, f.closed) = ("蒸汽拖把", closed)
            let (filter, account, today) = (f, office.account(.lin), office.clock.now.day)
            return try await office.desk.store.read { try Queue.page(filter, for: account, city: "9901", today: today, kinds: ["complaint"], $0) }.matters.map(\.id.raw)
        }
        func marks() async throws -> Int { try await office.desk.store.read { try Search.find("complaint", ["coo:"], limit: 5, $0) }.count }
        #expect(try await found(closed: false) == [matter.id.raw])
        #expect(try await found(closed: true).isEmpty)
        #expect(try await marks() == 1)
        try await office.apply("withdraw", on: matter, by: .lin)
        #expect(try await found(closed: false).isEmpty)
        #expect(try await found(closed: true) == [matter.id.raw])
        #expect(try await marks() == 0)
    }

    @Test func aMatterOfTheOldOrderLivesUnderTheOldOrder() async throws {
        let office = try await TestOffice(.sqlite, at: "2026-04-14T10:00")
        let matter = try await office.file { $0.occurredOn = Day("2026-04-01") }
        #expect(matter.regime == "O20")
        #expect(try await clocks(office, matter)["C1"]?.due == Day("2026-04-23"))
        office.clock.set("2026-04-20T10:00")
        try await office.apply("accept", on: matter, by: .lin)
        let c3 = try #require(try await clocks(office, matter)["C3"])
        let deadline = try office.desk.engine.deadline("C3", from: Moment("2026-04-20T10:00")!, received: Day("2026-04-14"))
        #expect(c3.due == deadline.due && deadline.rule.unit == .workday && deadline.rule.length == 45)
        #expect(Grounds.shared.refusal("O20").count == 6 && Grounds.shared.refusal("O121").count == 7)
        #expect(Grounds.shared.ending("O20").count == 7 && Grounds.shared.ending("O121").count == 8)
    }

    @Test func refusingNeedsAGroundAReasonAndForGroundThreeTheFactors() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        func fields(_ input: [(String, String)]) async -> [String] {
            do {
                try await office.apply("refuse", on: matter, by: .lin, input)
                return []
            } catch { return (error as? Refusal)?.fields.map(\.pointer) ?? ["?"] }
        }
        #expect(await fields([]) == ["/ground"])
        #expect(await fields([("ground", "9"), ("reason", "x")]) == ["/ground"])
        #expect(await fields([("ground", "3")]) == ["/reason"])
        #expect(await fields([("ground", "3"), ("reason", "x")]) == ["/factor"])
        #expect(await fields([("ground", "3"), ("reason", "购买数量明显不合常理"), ("factor", "1")]).isEmpty)
        let c = try await office.desk.store.read { try $0.complaint(matter.id) }
        #expect(c.matter.state == "refused" && c.refusalGround == "3")
        let document = try #require(try await office.desk.store.read { try Documents.of(matter.id, $0) }.first)
        #expect(document.body.contains("☑") && document.body.contains("购买数量明显不合常理") && document.body.contains("人民法院"))
    }

    @Test func delegationNeedsTheComplainantsConsentSinceTheRegulationsAreInForce() async throws {
        let input = [("mode", "delegated"), ("consent", "yes"), ("delegation-respondent", "yes"), ("mediators", "消协")]
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        await #expect { try await office.apply("arrange", on: matter, by: .wu, input) } throws: { ($0 as? Refusal)?.article == Article(law: "O121", article: "19") }
        // The Regulations ask for the same since 2024-07-01; Order 20 alone did not.
        let old = try await TestOffice(.sqlite, at: "2026-04-10T10:00")
        let before = try await old.file { $0.occurredOn = nil }
        try await old.apply("accept", on: before, by: .lin)
        await #expect { try await old.apply("arrange", on: before, by: .wu, input) } throws: { ($0 as? Refusal)?.article == Article(law: "CLR", article: "46(4)") }
        let older = try await TestOffice(.sqlite, at: "2024-05-10T10:00")
        let first = try await older.file { $0.occurredOn = nil }
        try await older.apply("accept", on: first, by: .lin)
        #expect(try await older.apply("arrange", on: first, by: .wu, input).state == "mediating")
    }

    @Test func mediationEndsByLapseOnlyWhenItHasLapsed() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        await #expect(throws: Refusal.self) { try await office.apply("end", on: matter, by: .wu, [("ground", "5"), ("reason", "期限届满")]) }
        office.clock.set("2027-02-01T10:00")
        #expect(try await office.apply("end", on: matter, by: .wu, [("ground", "5"), ("reason", "期限届满")]).state == "ended")
        #expect(try await clocks(office, matter)["C3"]?.state == "missed")
        #expect(try await office.apply("tell", on: matter, by: .wu, [("channel", "phone")]).state == "closed")
    }

    /// Every state with every move that the table does not have there: refused, and nothing written.
    @Test func whatTheTableDoesNotHaveCannotBeDone() async throws {
        let office = try await TestOffice(.sqlite)
        let table = ComplaintMoves.table
        for state in table.states {
            let matter = try await office.file()
            try await office.desk.store.write { try $0.run("UPDATE casework_matters SET state = \(state.name), open = \(state.open) WHERE id = \(matter.id)") }
            for move in table.moves where !move.from.contains(state.name) {
                for persona in [Persona.lin, .wu, .he, .li] {
                    await #expect(throws: Refusal.self) { try await office.apply(move.name, on: matter, by: persona, [("reason", "x"), ("ground", "1"), ("region", "990102")]) }
                }
            }
            #expect(try await office.desk.store.read { try $0.matter(matter.id).state } == state.name)
        }
        await #expect(throws: Refusal.self) { try await office.apply("explode", on: office.file(), by: .he) }
    }

    @Test func aMoveNeedsItsActor() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        for persona in [Persona.wu, .zhou, .qian, .sun, .wang] {
            await #expect { try await office.apply("accept", on: matter, by: persona) } throws: { ($0 as? Refusal)?.kind == .forbidden }
        }
        await #expect { try await office.apply("accept", on: matter, by: nil) } throws: { ($0 as? Refusal)?.kind == .forbidden }
        #expect(try await office.apply("withdraw", on: matter, by: nil).state == "withdrawn")
    }

    @Test func theTableNamesAnArticleOfBothOrdersForEveryMove() throws {
        let law = try LawBook.load()
        for move in ComplaintMoves.table.moves {
            for regime in ["O121", "O20"] {
                let article = try #require(move.article(under: regime), "\(move.name) \(regime)")
                #expect(law.register.gist(article) != nil, "\(article)")
            }
        }
    }

    /// Law: O121 art. 27: a lead is verified within fifteen working days whatever becomes of the mediation.
    @Test func aLeadOutlivesTheComplaint() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        try await office.apply("lead", on: matter, by: .wu, [("facts", "标签未标生产日期")])
        try await office.apply("end", on: matter, by: .wu, [("ground", "3"), ("reason", "无法达成一致")])
        let told = try await office.apply("tell", on: matter, by: .wu, [("channel", "phone")])
        #expect(told.state == "closed" && told.open && told.nextDue == Day("2026-12-09"))
        let done = try await office.apply("lead-decided", on: matter, by: .lin, [("decision", "filed"), ("reason", "涉嫌违法")])
        #expect(!done.open && done.nextDue == nil)
        #expect(try await clocks(office, matter)["C5"]?.state == "met")
    }

    @Test func aMediationPaperNeedsAMediation() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        await #expect(throws: Refusal.self) { try await office.apply("agree", on: matter, by: .wu, [("agreement", "退款"), ("form", "paper")]) }
        #expect(try await office.apply("agree", on: matter, by: .wu, [("agreement", "退款"), ("form", "performed")]).state == "agreed")
    }

    @Test func aDocumentForBothPartiesLeavesOutWhereTheComplainantLives() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        try await office.apply("arrange", on: matter, by: .wu, [("mode", "on-site"), ("consent", "yes"), ("mediators", "吴"), ("at", "2026-11-20T09:30"), ("place", "调解室")])
        try await office.apply("agree", on: matter, by: .wu, [("agreement", "退款"), ("form", "paper")])
        for document in try await office.desk.store.read({ try Documents.of(matter.id, $0) }) where document.form != "acceptance" {
            #expect(!document.body.contains("13812345678") && !document.body.contains("柳荫路8号"), "\(document.form)")
        }
    }

    @Test func dispatchStartsThePeriodAnew() async throws {
        let office = try await TestOffice(.sqlite)
        let matter = try await office.file { $0.respondentAddress = "网店" }
        #expect(matter.region == "9901")
        office.clock.set("2026-11-20T09:00")
        let moved = try await office.apply("dispatch", on: matter, by: .li, [("region", "990102")])
        #expect(moved.region == "990102" && moved.competentAt == office.clock.now)
        #expect(try await clocks(office, matter)["C1"]?.startedAt == office.clock.now)
        await #expect(throws: Refusal.self) { try await office.apply("dispatch", on: matter, by: .li, [("region", "123456")]) }
    }
}

@Suite struct FilingTests {
    @Test func everyFieldThatIsWrongIsNamedAtOnce() {
        let flaws = Filing().flaws(today: Day("2026-11-18")!)
        #expect(
            Set(flaws.map(\.pointer)) == [
                "/complainant/name", "/complainant/phone", "/complainant/address", "/respondent/name", "/respondent/address", "/facts", "/claims", "/consents/publication",
                "/consents/delegation",
            ])
        #expect(TestOffice.filing().flaws(today: Day("2026-11-18")!).isEmpty)
    }
    @Test(arguments: [
        ("/complainant/phone", "12"), ("/complainant/phone", "<script>"), ("/respondent/taxID", "91110000600037341M"), ("/respondent/shopURL", "javascript:alert(1)"),
    ])
    func aWrongValueIsRefusedByItsField(_ pointer: String, _ value: String) {
        let filing = TestOffice.filing {
            switch pointer {
            case "/complainant/phone": $0.complainantPhone = value
            case "/respondent/taxID": $0.respondentUSCC = value
            default: $0.shopURL = value
            }
        }
        #expect(filing.flaws(today: Day("2026-11-18")!).map(\.pointer) == [pointer])
    }
}
