import Credit
import Enforcement
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Lists, repair, the file as of a day, on both engines.
@Suite struct CreditTests {
    static func office(_ engine: TestEngine, at now: String = "2026-09-14T10:00") async throws -> TestOffice { try await TestOffice(engine, at: now) }
    static func operators(_ o: TestOffice) async throws -> [ID<Operator>] {
        let now = o.clock.now
        return try await o.desk.store.write { tx in
            let names: [(String, Operator.Kind)] = [("青溪区第一百货有限公司", .enterprise), ("青溪区第二小吃店", .individual), ("青溪区第三超市有限公司", .enterprise)]
            _ = try OperatorImport.insert(
                names.enumerated().map { i, n in
                    OperatorImport.Entry(
                        uscc: USCC.completing((n.1 == .individual ? "92" : "91") + "990101" + "00000000\(i)"), name: n.0, kind: n.1, status: .active, address: "青溪区柳荫路\(i + 1)号",
                        region: "990101001", industry: "5212",
                        representative: "陈\(i)", phone: "1390000000\(i)", registeredOn: Day("2020-01-01"), shop: nil)
                }, at: now, tx)
            return try tx.all("SELECT id FROM operators ORDER BY id").map { ID($0.int("id")) }
        }
    }
    private func op(_ o: TestOffice, _ id: ID<Operator>) async throws -> Operator { try await o.desk.store.read { try Operators.find(id, $0) } }
    private func clocks(_ o: TestOffice, _ id: ID<Matter>) async throws -> [String: RunningClock] {
        Dictionary(try await o.desk.store.read { try Clocks.of(id, $0) }.map { ($0.duty, $0) }) { $1 }
    }
    private func abnormal(_ o: TestOffice, _ move: String, _ id: ID<Matter>, _ who: Persona, _ fields: [(String, String)] = []) async throws {
        let (desk, now, actor) = (o.desk, o.clock.now, Actor.staff(o.account(who)))
        try await desk.store.write { tx in try AbnormalHandling(desk: desk).apply(move, on: tx.abnormal(tx.matter(id)), input: Form(fields), by: actor, at: now, tx) }
    }

    @Test(arguments: TestEngine.available)
    func twoUnsignedLettersBetweenFifteenAndThirtyDaysApartShowThatNobodyIsThere(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine, at: "2026-08-03T10:00")
        let shop = try await op(o, Self.operators(o)[0])
        let (desk, gao) = (o.desk, Actor.staff(o.account(.gao)))
        let start = o.clock.now
        let id = try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(.unreachable, of: shop, found: "电话停机，上门无人", by: gao, at: start, tx).id }
        await #expect(throws: Refusal.self) { try await abnormal(o, "verify", id, .gao) }
        try await abnormal(o, "letter", id, .gao, [("what", "first"), ("on", "2026-08-03")])
        await #expect(throws: Refusal.self) { try await abnormal(o, "letter", id, .gao, [("what", "second"), ("on", "2026-08-03")]) }
        o.clock.set("2026-09-28T10:00")
        try await abnormal(o, "letter", id, .gao, [("what", "first-back"), ("on", "2026-08-07")])
        for day in ["2026-08-17", "2026-09-03"] { await #expect(throws: Refusal.self) { try await abnormal(o, "letter", id, .gao, [("what", "second"), ("on", day)]) } }
        try await abnormal(o, "letter", id, .gao, [("what", "second"), ("on", "2026-08-18")])
        try await abnormal(o, "letter", id, .gao, [("what", "second-back"), ("on", "2026-08-25")])
        try await abnormal(o, "verify", id, .gao)
        // Ten working days from 28 September pass over the holiday; Saturday 10 October is worked.
        #expect(try await clocks(o, id)["AB3"]?.due == Day("2026-10-16"))
        await #expect(throws: Refusal.self) { try await abnormal(o, "list", id, .gao) }
        try await abnormal(o, "list", id, .he)
        #expect(try await clocks(o, id)["AB3"]?.state == "met")
        // Objection: thirty days, five working days to take it up, twenty to look.
        o.clock.set("2026-10-29T10:00")
        await #expect(throws: Refusal.self) { try await abnormal(o, "object", id, .gao, [("objection", "有人办公")]) }
        // What arrived on the last day is in time, though it is entered the day after.
        try await abnormal(o, "object", id, .gao, [("objection", "有人办公"), ("on", "2026-10-28")])
        o.clock.set("2026-10-28T10:00")
        #expect(try await clocks(o, id)["AB6"]?.due == Day("2026-11-04"))
        try await abnormal(o, "accept-objection", id, .gao)
        try await abnormal(o, "wrong", id, .gao, [("reason", "核实确有人员")])
        #expect(try await clocks(o, id)["AB8"]?.due == Day("2026-11-04"))
        try await abnormal(o, "correct", id, .he, [("reason", "更正")])
        // As of a day: what was known then.
        let (then, now) = (Moment("2026-10-01T12:00")!, o.clock.now)
        let (listed, later) = try await desk.store.read { (try CreditStanding.of(shop.id, at: then, $0), try CreditStanding.of(shop.id, at: now, $0)) }
        #expect(listed.abnormal.count == 1 && later.abnormal.isEmpty)
        try await o.signInAgain()
        #expect(try await o.get("/credit/file/\(shop.id)?on=2026-10-01", as: .he).text.contains("列入经营异常名录"))
        #expect(try await o.get("/credit/\(id)", as: .he).status == 200)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoReportsWhatWasMissingIsTakenOffWithinTwoWorkingDaysOfAcceptance(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine, at: "2026-07-06T10:00")
        let shop = try await op(o, Self.operators(o)[1])
        let (desk, gao) = (o.desk, Actor.staff(o.account(.gao)))
        let start = o.clock.now
        let id = try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(.report, of: shop, years: [2025], found: "未公示2025年度报告", by: gao, at: start, tx).id }
        // Ten working days from the end of June.
        #expect(try await clocks(o, id)["AB1"]?.due == Day("2026-07-14"))
        try await abnormal(o, "list", id, .he)
        #expect(try await desk.store.read { try $0.abnormal($0.matter(id)).shownUntil } == Day("2027-06-30"))
        // A further year joins the entry that stands; what it says already is not entered twice.
        let more = try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(.report, of: shop, years: [2024], found: "未公示2024年度报告", by: gao, at: start, tx).id }
        #expect(more == id)
        await #expect(throws: Refusal.self) {
            try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(.report, of: shop, years: [2024], found: "x", by: gao, at: start, tx).id }
        }
        let he = o.account(.he)
        let notice = try await desk.store.write { tx in
            try JointNotice.send(
                Form([("agency", "税务局"), ("body", "已列入经营异常名录"), ("measure", "honour")]), of: tx.matter(id), by: he, code: "ABCD2345", at: start, desk: desk, tx
            ).id
        }
        // The wizard says what is missing, and refuses.
        let page = try await o.get("/repair?code=\(shop.uscc)")
        #expect(page.text.contains("尚未补报：2024、2025年度"))
        let form: [(String, String)] = [("code", shop.uscc), ("item", "\(id)"), ("contact", "陈一"), ("phone", "13900000001"), ("statement", "已补报"), ("promise", "yes")]
        let licence = Array("%PDF-1.4 licence".utf8)
        #expect(try await o.upload("/repair", form, file: licence).status == 422)
        try await desk.store.write { try $0.run("INSERT INTO credit_reports (operator, year, reported_on) VALUES (\(shop.id), 2025, '2026-07-06')") }
        #expect(try await o.upload("/repair", form, file: licence).status == 422)
        try await desk.store.write { try $0.run("INSERT INTO credit_reports (operator, year, reported_on) VALUES (\(shop.id), 2024, '2026-07-06')") }
        #expect(try await o.post("/repair", form.filter { $0.0 != "promise" }).status == 422)
        // Who applies shows its licence.
        #expect(try await o.post("/repair", form).status == 422)
        let sent = try await o.upload("/repair", form, file: licence)
        #expect(sent.status == 303)
        let twice = try await o.upload("/repair", form, file: licence).status
        #expect(twice == 409)
        let repair = try await desk.store.read { try ID<Matter>($0.one("SELECT matter FROM credit_repairs")!.int("matter")) }
        #expect(try await clocks(o, repair)["CR1"]?.due == Day("2026-07-08"))
        func step(_ move: String, _ who: Persona, _ fields: [(String, String)] = []) async throws {
            let (now, actor) = (o.clock.now, Actor.staff(o.account(who)))
            try await desk.store.write { tx in try RepairHandling(desk: desk).apply(move, on: tx.repair(tx.matter(repair)), input: Form(fields), by: actor, at: now, tx) }
        }
        try await step("accept", .gao)
        #expect(try await clocks(o, repair)["CR2"]?.due == Day("2026-07-08"))
        await #expect(throws: Refusal.self) { try await step("grant", .gao) }
        try await step("grant", .he)
        #expect(try await clocks(o, repair)["CR4"]?.due == Day("2026-07-09"))
        try await step("execute", .gao)
        #expect(try await desk.store.read { try $0.matter(id).state } == "removed")
        // What other agencies were asked for is called back with it.
        #expect(try await desk.store.read { try $0.matter(notice).state } == "recalled")
        // Fraud: back on the list, the time anew, and nothing for three years.
        try await step("revoke", .he, [("reason", "补报内容虚假")])
        #expect(try await desk.store.read { try $0.matter(id).state } == "listed")
        // What is not public, that one may not apply and until when, is not told to anybody who has the code.
        let anybody = try await o.get("/repair?code=\(shop.uscc)").text
        #expect(anybody.contains("三年内没有因弄虚作假") && !anybody.contains("不得申请（"))
        #expect(try await o.get("/repair/fraud").text.contains(shop.uscc))
        #expect(try await o.get("/credit/\(repair)", as: .he).status == 200)
        #expect(try await o.get(sent.location!).status == 200)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aGroundThatIsNoneForThisKindOfOperatorIsRefusedAndAnOrderWaitsForItsTenDays(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine)
        let ids = try await Self.operators(o)
        let (desk, gao, now) = (o.desk, Actor.staff(o.account(.gao)), o.clock.now)
        let (company, stall) = (try await op(o, ids[0]), try await op(o, ids[1]))
        for (ground, who) in [(Abnormal.Ground.order, stall), (.name, stall), (.falseReport, company)] {
            await #expect(throws: Refusal.self) { try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(ground, of: who, found: "x", by: gao, at: now, tx) } }
        }
        let id = try await desk.store.write { tx in try AbnormalHandling(desk: desk).open(.order, of: company, found: "未公示股权变更", by: gao, at: now, tx).id }
        try await abnormal(o, "order", id, .gao, [("on", "2026-09-14")])
        #expect(try await clocks(o, id)["AB2"]?.due == Day("2026-09-24"))
        o.clock.set("2026-09-24T17:00")
        await #expect(throws: Refusal.self) { try await abnormal(o, "verify", id, .gao) }
        o.clock.set("2026-09-25T09:00")
        try await abnormal(o, "verify", id, .gao)
        // From the end of the ordered time, not from the day on which somebody looked: 24 September, ten working days over the holiday.
        #expect(try await clocks(o, id)["AB3"]?.due == Day("2026-10-15"))
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func theSeriousListNeedsAHeavierPenaltyAndTheHigherOffice(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine)
        let ids = try await Self.operators(o)
        let desk = o.desk
        // A case that was decided, as Enforcement leaves it.
        let now = o.clock.now, gao = o.account(.gao)
        let (light, heavy) = try await desk.store.write { tx -> (ID<Matter>, ID<Matter>) in
            func decided(_ tier: Discretion.Tier) throws -> ID<Matter> {
                var new = NewCase(
                    cause: "经营超过保质期的食品", party: .init(kind: .organisation, name: "青溪区第一百货有限公司", code: nil, address: "柳荫路1号", head: nil, phone: nil), region: "990101", clue: "x",
                    foundAt: now)
                new.operator = ids[0]
                let id = try CaseHandling(desk: desk).register(new, by: .staff(gao), at: now, tx).id
                var outcome = Outcome(.punish)
                (outcome.fine, outcome.tier) = (Money(yuan: "100000")!, tier)
                try tx.run(
                    "UPDATE enforcement_cases SET decided = \(outcome.json.text), decided_on = \(now.day), fine = \(outcome.fine), decision_number = '示市监处罚〔2026〕9号' WHERE matter = \(id)"
                )
                try tx.run("UPDATE casework_matters SET outcome = 'punish' WHERE id = \(id)")
                try tx.audit(
                    "test", of: Reference(kind: "case", id: id.raw), by: "test", at: now,
                    sealing: [.init("enforcement_cases", key: "matter", id.raw), .init("casework_matters", id.raw)])
                try Jobs.add("credit.decided", [("matter", .int(id.raw))], at: now, tx)
                return id
            }
            return (try decided(.ordinary), try decided(.heavier))
        }
        try await o.work()
        #expect(try await desk.store.read { try CreditStanding.of(ids[0], at: now, $0).penalties.count } == 2)
        // Published, withdrawn to be put right, published again: one line stands at a time.
        try await desk.store.write { tx in
            try tx.run(
                "INSERT INTO enforcement_publications (matter, summary, body, tier, prepared_by, prepared_at, published_on, until) VALUES (\(light), '{}', 'x', 'general', \(gao.id), \(now), \(now.day), '2027-09-14')"
            )
            try tx.audit("test", of: Reference(kind: "case", id: light.raw), by: "test", at: now, sealing: [.init("enforcement_publications", key: "matter", light.raw)])
        }
        for (job, shown) in [("credit.published", 1), ("credit.published", 1), ("credit.withdrawn", 0), ("credit.withdrawn", 0), ("credit.published", 1)] {
            try await desk.store.write { try Jobs.add(job, [("matter", .int(light.raw))], at: now, $0) }
            try await o.work()
            let standing = try await desk.store.read {
                try $0.count(
                    "SELECT count(*) AS n FROM credit_events p WHERE p.matter = \(light) AND p.kind = 'published' AND NOT EXISTS (SELECT 1 FROM credit_events c WHERE c.cancels = p.id)"
                )
            }
            #expect(standing == shown)
        }
        let form: [(String, String)] = [("ground", "5"), ("heavier", "1"), ("factor", "health"), ("factor", "goods"), ("intent", "yes"), ("reasons", "多次销售过期食品，社会影响恶劣")]
        let input = Form(form)
        await #expect(throws: Refusal.self) { try await desk.store.write { tx in try SeriousHandling(desk: desk).open(input, of: tx.penaltyCase(light), by: gao, at: now, tx) } }
        let id = try await desk.store.write { tx in try SeriousHandling(desk: desk).open(input, of: tx.penaltyCase(heavy), by: gao, at: now, tx).id }
        func step(_ move: String, _ who: Persona, _ fields: [(String, String)] = []) async throws {
            let (at, actor) = (o.clock.now, Actor.staff(o.account(who)))
            try await desk.store.write { tx in try SeriousHandling(desk: desk).apply(move, on: tx.serious(tx.matter(id)), input: Form(fields), by: actor, at: at, tx) }
        }
        try await step("tell", .gao, [("on", "2026-09-14")])
        await #expect(throws: Refusal.self) { try await step("ask-consent", .he) }
        o.clock.set("2026-09-22T09:00")
        try await step("ask-consent", .he)
        await #expect(throws: Refusal.self) { try await step("list", .he) }
        await #expect(throws: Refusal.self) { try await step("consent", .he, [("reason", "同意")]) }
        try await step("consent", .zhou, [("reason", "同意列入")])
        try await step("list", .he)
        #expect(try await clocks(o, id)["SR1"]?.due == Day("2026-10-27"))
        try await step("publish", .gao)
        // Another agency is told, signs for it, and hears when it ends.
        try await o.signInAgain()
        let reply = try await o.post("/credit/\(id)/joint", as: .gao, [("agency", "市公共资源交易中心"), ("measure", "procurement"), ("body", "请按规定实施")])
        #expect(reply.status == 303)
        let said = reply.cookie("sinan_said").flatMap { $0.removingPercentEncoding }?.removingPercentEncoding ?? ""
        let path = String(said.drop { $0 != "/" }.prefix { $0 != "（" && $0 != "(" })
        let code = String(path.split(separator: "=").last ?? "")
        #expect(try await o.get(path).status == 200)
        let number = try await desk.store.read { try $0.one("SELECT number FROM casework_matters WHERE kind = 'joint'")!.string("number") }
        #expect(try await o.post("/joint/\(number)", [("code", "WRONG234"), ("act", "receive"), ("receiver", "x")]).status == 404)
        #expect(try await o.post("/joint/\(number)", [("code", code), ("act", "receive"), ("receiver", "王科长")]).status == 303)
        // After three years it ends by itself; the agency's notice is recalled.
        o.clock.set("2029-09-23T09:00")
        try await SeriousHandling.endWhatIsOver(o.desk)
        #expect(try await desk.store.read { try $0.matter(id).state } == "removed")
        #expect(try await desk.store.read { try $0.one("SELECT state FROM casework_matters WHERE kind = 'joint'")!.string("state") } == "recalled")
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aListingPushedFromAnotherProvinceIsPublishedWithinTenWorkingDaysAndTakenOffAsPushed(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine, at: "2026-09-28T10:00")
        let ids = try await Self.operators(o), desk = o.desk, gao = o.account(.gao), now = o.clock.now
        let code = try await op(o, ids[0]).uscc
        let form = Form([("code", code), ("from", "外省市场监督管理局"), ("ground", "9"), ("reasons", "组织虚假交易"), ("decided", "2026-09-21"), ("received", "2026-09-28")])
        let id = try await desk.store.write { try SeriousHandling(desk: desk).receive(form, by: gao, at: now, $0).id }
        #expect(try await clocks(o, id)["SR3"]?.due == Day("2026-10-16"))
        #expect(try await o.get("/credit/serious/pushed", as: .gao).status == 200)
        let again = [("code", code), ("from", "外省市场监督管理局"), ("ground", "9"), ("reasons", "x"), ("decided", "2026-09-21"), ("received", "2026-09-28")]
        #expect(try await o.post("/credit/serious/pushed", as: .gao, again).status == 409)
        #expect(try await o.post("/credit/serious/pushed", as: .gao, again.map { $0.0 == "decided" ? ("decided", "2026-09-29") : $0 }).status == 422)
        func step(_ move: String, _ who: Persona, _ fields: [(String, String)] = []) async throws {
            let actor = Actor.staff(o.account(who))
            try await desk.store.write { tx in try SeriousHandling(desk: desk).apply(move, on: tx.serious(tx.matter(id)), input: Form(fields), by: actor, at: now, tx) }
        }
        await #expect(throws: Refusal.self) { try await step("push", .gao, [("to", "x")]) }
        try await step("publish", .gao)
        #expect(try await clocks(o, id)["SR3"]?.state == "met")
        #expect(try await desk.store.read { try CreditStanding.of(ids[0], at: now, $0).serious.count } == 1)
        #expect(try await desk.store.read { try $0.serious($0.matter(id)).until } == Day("2029-09-21"))
        try await step("end-pushed", .he, [("reason", "原机关准予信用修复")])
        #expect(try await desk.store.read { try CreditStanding.of(ids[0], at: now, $0).serious.isEmpty })
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whileAPlanIsCarriedOutWhatIsShownIsHiddenAndComesBackWhereItFails(_ engine: TestEngine) async throws {
        let o = try await Self.office(engine, at: "2026-09-28T10:00")
        let ids = try await Self.operators(o), desk = o.desk, now = o.clock.now
        let shop = try await op(o, ids[0]), stall = try await op(o, ids[1]), gao = Actor.staff(o.account(.gao)), he = Actor.staff(o.account(.he))
        for one in [shop, stall] {
            try await desk.store.write { tx in
                let m = try AbnormalHandling(desk: desk).open(.report, of: one, years: [2025], found: "未年报", by: gao, at: now, tx)
                try AbnormalHandling(desk: desk).apply("list", on: tx.abnormal(m), input: Form([]), by: he, at: now, tx)
            }
        }
        let form: [(String, String)] = [
            ("code", shop.uscc), ("item", "plan"), ("ruling", "（2026）示01破3号，示例市中级人民法院"), ("contact", "管理人"), ("phone", "13900000001"), ("statement", "重整计划已获批准"),
            ("promise", "yes"),
        ]
        #expect(try await o.post("/repair", form).status == 422)
        let ruling = Array("%PDF-1.4 ruling".utf8)
        // For enterprises, not for individual businesses.
        #expect(try await o.upload("/repair", form.map { $0.0 == "code" ? ("code", stall.uscc) : $0 }, file: ruling).status == 422)
        #expect(try await o.upload("/repair", form, file: ruling).status == 303)
        #expect(try await o.upload("/repair", form, file: ruling).status == 409)
        let id = try await desk.store.read { try ID<Matter>($0.one("SELECT matter FROM credit_repairs")!.int("matter")) }
        // Seven working days from 28 September, over the holiday.
        #expect(try await clocks(o, id)["CR5"]?.due == Day("2026-10-13"))
        func step(_ move: String, _ actor: Actor, _ fields: [(String, String)] = []) async throws {
            try await desk.store.write { tx in try RepairHandling(desk: desk).apply(move, on: tx.repair(tx.matter(id)), input: Form(fields), by: actor, at: now, tx) }
        }
        await #expect(throws: Refusal.self) { try await step("grant", he) }
        await #expect(throws: Refusal.self) { try await step("accept", gao) }
        try await step("shield", he)
        #expect(try await clocks(o, id)["CR5"]?.state == "met")
        #expect(try await desk.store.read { try $0.matter(id).state } == "shielded")
        #expect(try await o.get("/credit/\(id)", as: .he).status == 200)
        // Carried out: what was put right ends, with the court's word for it.
        let item = try await desk.store.read { try $0.one("SELECT matter FROM credit_abnormal ORDER BY matter LIMIT 1")!.int("matter") }
        try await step("plan-done", he, [("ruling", "（2026）示01破3号之二"), ("item", "\(item)")])
        #expect(try await desk.store.read { try $0.matter(ID(item)).state } == "removed")
        #expect(try await o.verify().findings.isEmpty)
    }
}
