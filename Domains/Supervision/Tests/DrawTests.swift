import Credit
import Enforcement
import Foundation
import Kernel
import Platform
import Store
import Supervision
import TestSupport
import Testing
import Web

/// Draws, the rules of restraint, inspections.
@Suite struct DrawTests {
    private func list(_ n: Int, quota: Int, inspectors: Int = 4, limit: Int = 100) -> (DrawList, DrawKeys) {
        let keys = DrawKeys(
            (0..<n).map { .init(mark: "M\($0)", code: "C\($0)", name: "店\($0)", region: "990101") },
            recusals: [.init(certificate: "Z0", code: "C2"), .init(certificate: "Z1", code: "C2")])
        return (
            DrawList(
                number: "SJ20260001", title: "试验", items: ["A1"], keys: keys.digest, objects: (0..<n).map { .init(mark: "M\($0)", list: $0 % 2 == 0 ? "甲" : "乙") },
                quotas: [.init(list: "甲", quota: quota), .init(list: "乙", quota: quota)], inspectors: (0..<inspectors).map { .init(certificate: "Z\($0)", region: "9901") },
                limit: limit), keys
        )
    }

    @Test func theSameListSeedAndBeaconGiveTheSameDrawAndAnyChangeAnother() throws {
        let seed = [UInt8](repeating: 7, count: 32), (l, keys) = list(200, quota: 10)
        let a = try DrawResult.draw(l, keys: keys, seed: seed, beacon: "3382.10")
        #expect(try DrawResult.draw(l, keys: keys, seed: seed, beacon: "3382.10") == a)
        #expect(try DrawResult.draw(l, keys: keys, seed: seed, beacon: "3382.11") != a)
        #expect(try DrawResult.draw(l, keys: keys, seed: [UInt8](repeating: 8, count: 32), beacon: "3382.10") != a)
        #expect(a.chosen.count == 20 && Set(a.chosen).count == 20 && a.visits.count == 20)
        #expect(a.chosen.count { Int($0.dropFirst())! % 2 == 0 } == 10)
        // Nobody is led from a name to its mark by the order.
        #expect(a.visits.map(\.code) == a.visits.map(\.code).sorted())
        for c in a.visits { #expect(Set(c.certificates).count == 2) }
        if let two = a.visits.first(where: { $0.code == "C2" }) { #expect(Set(two.certificates) == ["Z2", "Z3"]) }
        let loads = Dictionary(a.visits.flatMap(\.certificates).map { ($0, 1) }) { $0 + $1 }
        #expect(loads.values.max()! - loads.values.min()! <= 2)
        // Under other marks the same are visited by the same: nothing that is published of a visit rests on a mark.
        let other = DrawKeys(keys.objects.map { .init(mark: String($0.mark.reversed()) + "x", code: $0.code, name: $0.name, region: $0.region) }, recusals: keys.recusals)
        let all = DrawList(
            number: l.number, title: l.title, items: l.items, keys: other.digest, objects: other.objects.map { .init(mark: $0.mark, list: "全部") },
            quotas: [.init(list: "全部", quota: 200)], inspectors: l.inspectors, limit: 200)
        var plain = all
        plain.objects = keys.objects.map { .init(mark: $0.mark, list: "全部") }
        #expect(try DrawResult.draw(all, keys: other, seed: seed, beacon: "x").visits == DrawResult.draw(plain, keys: keys, seed: seed, beacon: "x").visits)
        // The list reads as it was written; less than nothing is not drawn.
        #expect(try DrawList(JSON(parsing: l.bytes)) == l)
        #expect(try DrawKeys(JSON(parsing: keys.bytes)) == keys)
        #expect(throws: Refusal.self) { try DrawList(JSON(parsing: Array(l.json.text.replacing("\"quota\":10", with: "\"quota\":-1").utf8))) }
        let (few, fewKeys) = list(200, quota: 10, inspectors: 1), (tired, tiredKeys) = list(200, quota: 100, inspectors: 4, limit: 50)
        #expect(throws: Refusal.self) { try DrawResult.draw(few, keys: fewKeys, seed: seed, beacon: "x") }
        #expect(throws: Refusal.self) { try DrawResult.draw(tired, keys: tiredKeys, seed: seed, beacon: "x") }
    }

    @Test func everyObjectOfAListIsDrawnAboutEquallyOften() {
        let (l, _) = list(20, quota: 2)
        var times: [String: Int] = [:]
        for n in 0..<500 { for mark in DrawResult.choose(l, seed: [UInt8](repeating: UInt8(n % 251), count: 32), beacon: "b\(n)") { times[mark, default: 0] += 1 } }
        // Two of ten, five hundred times: a hundred each, with a standard deviation of about nine.
        for mark in l.objects.map(\.mark) { #expect((60...140).contains(times[mark] ?? 0), "\(mark) \(times[mark] ?? 0)") }
    }

    @Test func theRulesOfRestraintSayNoInWords() {
        let day = Day("2026-09-14")!, bounds = Restraint.Bounds()
        func record(_ cls: CompassModel.Class, _ visits: [String], pending: String? = nil) -> Restraint.Record {
            var r = Restraint.Record()
            (r.cls, r.visits, r.pending) = (cls, visits.compactMap { Day($0) }, pending)
            return r
        }
        #expect(Restraint.objections(.draw, record(.B, []), on: day, bounds: bounds).isEmpty)
        #expect(Restraint.objections(.draw, record(.B, ["2026-03-14"]), on: day, bounds: bounds).isEmpty)
        #expect(Restraint.objections(.draw, record(.B, ["2026-03-15"]), on: day, bounds: bounds).count == 1)
        #expect(Restraint.objections(.draw, record(.A, ["2025-09-15"]), on: day, bounds: bounds).count == 1)
        #expect(Restraint.objections(.draw, record(.A, ["2025-09-14"]), on: day, bounds: bounds).isEmpty)
        #expect(Restraint.objections(.plan, record(.A, []), on: day, bounds: bounds).count == 1)
        #expect(Restraint.objections(.complaint, record(.A, ["2026-09-13"]), on: day, bounds: bounds).isEmpty)
        #expect(Restraint.objections(.complaint, record(.A, [], pending: "JC1"), on: day, bounds: bounds).count == 1)
    }

    @Test func whatAVisitFoundIsShownThreeMonthsOrAsLongAsWhatCameOfIt() {
        let until = Day("2026-12-14")!
        #expect(!ShownResults.isOver(until: until, on: until, .init()))
        #expect(ShownResults.isOver(until: until, on: until.adding(days: 1), .init()))
        // With the list or the penalty that came of it, not later; while another holds it, not yet.
        #expect(ShownResults.isOver(until: until, on: until.adding(days: -30), .init(hasEnded: true)))
        #expect(!ShownResults.isOver(until: until, on: until.adding(days: -30), .init(isListed: true, hasEnded: true)))
        for still in [ShownResults.Outcome(isPending: true), .init(isShownElsewhere: true), .init(isListed: true)] {
            #expect(!ShownResults.isOver(until: until, on: Day("2027-06-01")!, still))
        }
    }

    /// An office with an item, three operators, two inspectors with certificates.
    private func office(_ engine: TestEngine) async throws -> (TestOffice, [ID<Operator>]) {
        let o = try await TestOffice(engine, at: "2026-09-14T10:00")
        let now = o.clock.now, people = [Persona.wang, .gao, .shen].map { o.account($0).id.raw }
        let ids = try await o.desk.store.write { tx -> [ID<Operator>] in
            _ = try OperatorImport.insert(
                (0..<30).map { i in
                    OperatorImport.Entry(
                        uscc: USCC.completing("91990101" + String(100_000_000 + i)), name: "青溪区第\(i)百货有限公司", kind: .enterprise, status: .active, address: "青溪区柳荫路\(i + 1)号",
                        region: "990101001", industry: "5212",
                        representative: "陈", phone: "", registeredOn: Day("2020-01-01"), shop: nil)
                }, at: now, tx)
            for (i, account) in people.enumerated() { try Certificates.save(account, number: "ZF\(i)", validTo: Day("2027-12-31")!, legal: false, by: "test", at: now, tx) }
            try InspectionItem.takeInShipped(at: now, tx)
            return try tx.all("SELECT id FROM operators ORDER BY id").map { ID($0.int("id")) }
        }
        return (o, ids)
    }

    @Test(arguments: TestEngine.available)
    func aDrawIsCommittedBeforeTheBeaconAndAnybodyRecomputesIt(_ engine: TestEngine) async throws {
        let (o, _) = try await office(engine)
        let form: [(String, String)] = [
            ("title", "年报抽查"), ("items", "A1"), ("items", "B2"), ("region", "990101"), ("percent", "5"), ("limit", "40"), ("shares", "risk"), ("unplanned", "上级部署"),
        ]
        // What is in no plan says why.
        #expect(try await o.post("/supervision/draws/new", as: .he, form.filter { $0.0 != "unplanned" }).status == 422)
        #expect(try await o.post("/supervision/draws/new", as: .he, form.map { $0.0 == "percent" ? ("percent", "6") : $0 }).status == 422)
        #expect(try await o.post("/supervision/draws/new", as: .gao, form).status == 403)
        #expect(try await o.post("/supervision/draws/new", as: .he, form).status == 303)
        #expect(try await o.get("/draws/SJ20260001").status == 404)
        #expect(try await o.post("/supervision/draws/1/commit", as: .he, [("beacon", "上证综指当日收盘"), ("beacon-at", "2026-09-14T09:00")]).status == 422)
        #expect(try await o.post("/supervision/draws/1/commit", as: .he, [("beacon", "上证综指当日收盘"), ("beacon-at", "2026-09-14T15:30")]).status == 303)
        #expect(try await o.post("/supervision/draws/1/commit", as: .he, [("beacon", "上证综指当日收盘"), ("beacon-at", "2026-09-14T16:30")]).status == 409)
        // Not before it is out, and not by who committed.
        #expect(try await o.post("/supervision/draws/1/draw", as: .tang, [("value", "3382.10")]).status == 409)
        #expect(try await o.get("/draws/SJ20260001.json").json["seed"]?.string == nil)
        o.clock.set("2026-09-14T16:00")
        #expect(try await o.post("/supervision/draws/1/draw", as: .he, [("value", "3382.10")]).status == 403)
        #expect(try await o.post("/supervision/draws/1/draw", as: .tang, [("value", "3382.10")]).status == 303)
        #expect(try await o.post("/supervision/draws/1/draw", as: .tang, [("value", "9")]).status == 409)
        let now = o.clock.now
        _ = try await o.desk.store.write { try Ledger.checkpoint(keys: o.desk.keys, at: now, $0) }
        let file = try await o.get("/draws/SJ20260001.json").json
        let check = try DrawCheck.run(file)
        #expect(check.holds, "\(check.findings)")
        // The ledger shows that it was committed to before; whose the marks are is for the auditor.
        #expect(check.open.count == 1, "\(check.open)")
        #expect(file["keys"] == .null && !file.text.contains("\"A\""))
        let audited = try await o.get("/supervision/draws/1/file", as: .he).json
        #expect(try DrawCheck.run(audited).holds && DrawCheck.run(audited).open.isEmpty)
        #expect(try await o.get("/supervision/draws/1/file").status != 200)
        // Whatever is changed afterwards is found.
        let text = audited.text
        // Of one object in thirty another number may draw the same by chance; of four numbers hardly all.
        #expect(try ["3382.11", "1", "2", "3"].contains { try !DrawCheck.run(JSON(parsing: Array(text.replacing("3382.10", with: $0).utf8))).holds })
        for (from, to) in [("\"limit\":40", "\"limit\":41"), ("第1百货", "第X百货"), ("T15:30", "T09:30"), ("上证综指当日收盘", "另一指数")] {
            #expect(try !DrawCheck.run(JSON(parsing: Array(text.replacing(from, with: to).utf8))).holds, "\(from)")
        }
        #expect(try !DrawCheck.run(file, earlier: JSON(parsing: Array(text.replacing(file["listDigest"]!.string!, with: "00").utf8))).holds)
        try await o.work()
        try await o.work()
        #expect(try await o.desk.store.read { try $0.count("SELECT count(*) AS n FROM supervision_inspections") } == file["visits"]?.array?.count)
        for path in ["/supervision", "/supervision/draws/1", "/supervision/items"] { #expect(try await o.get(path, as: .he).status == 200, "\(path)") }
        #expect(try await o.get("/draws").text.contains("SJ20260001"))
        // Who was drawn is not in the next list.
        #expect(try await o.post("/supervision/draws/new", as: .he, form).status == 303)
        let conditions = try await o.desk.store.read { try $0.one("SELECT conditions FROM supervision_draws WHERE id = 2")!.string("conditions") }
        #expect(try JSON(parsing: Array(conditions.utf8))["excluded"]?.int == file["visits"]?.array?.count)
        // An item out of use is gone from the public list the next day; once.
        #expect(try await o.post("/supervision/items/1/end", as: .wang, []).status == 403)
        #expect(try await o.post("/supervision/items/1/end", as: .he, []).status == 303)
        #expect(try await o.post("/supervision/items/1/end", as: .he, []).status == 409)
        let code = try await o.desk.store.read { try $0.one("SELECT code FROM supervision_items WHERE id = 1")!.string("code") }
        #expect(try await o.get("/draws").text.contains(">\(code)<"))
        o.clock.now = o.clock.now.adding(hours: 24)
        try await o.signInAgain()
        #expect(try await !o.get("/draws").text.contains(">\(code)<"))
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aVisitIsApprovedMadeByTwoAndItsSheetIsTakenOnce(_ engine: TestEngine) async throws {
        let (o, ids) = try await office(engine)
        let uscc = try await o.desk.store.read { try Operators.find(ids[0], $0).uscc }
        let (wang, gao) = (String(o.account(.wang).id.raw), String(o.account(.gao).id.raw))
        let form: [(String, String)] = [
            ("code", uscc), ("cause", "statutory"), ("law", "FSL-109"), ("items", "C1"), ("inspectors", wang), ("inspectors", gao), ("on", "2026-09-16"),
        ]
        #expect(try await o.post("/supervision/inspections/new", as: .wang, form.filter { $0.1 != gao }).status == 422)
        #expect(try await o.post("/supervision/inspections/new", as: .wang, form.map { $0.0 == "cause" ? ("cause", "plan") : $0 }).status == 422)
        let reply = try await o.post("/supervision/inspections/new", as: .wang, form)
        #expect(reply.status == 303)
        #expect(try await o.post("/supervision/inspections/new", as: .wang, form).status == 422)
        let path = try #require(reply.location)
        let sheet: [(String, String)] = [
            ("client", "abcdef0123456789abcd"), ("taken", "2026-09-16T10:30"), ("result", "corrected"), ("summary", "货架有两件过期食品，已下架"), ("signed", "absent"), ("a-C11", "yes"),
            ("a-C12", "no"), ("n-C12", "两件饼干过期"),
            ("a-C13", "yes"), ("a-C14", "yes"), ("a-C15", "na"), ("wants", "json"),
        ]
        o.clock.set("2026-09-16T11:00")
        try await o.signInAgain()
        #expect(try await o.post(path + "/sheet", as: .wang, sheet).status == 409)
        #expect(try await o.post(path + "/moves/approve", as: .he, []).status == 303)
        #expect(try await o.post(path + "/sheet", as: .shen, sheet).status == 403)
        // A key check that failed is not "nothing found"; each check is answered.
        #expect(try await o.post(path + "/sheet", as: .wang, sheet.map { $0.0 == "result" ? ("result", "clean") : $0 }).status == 422)
        #expect(try await o.post(path + "/sheet", as: .wang, sheet.filter { $0.0 != "a-C14" }).status == 422)
        // Signed is what has a signature.
        #expect(try await o.post(path + "/sheet", as: .wang, sheet.map { $0.0 == "signed" ? ("signed", "yes") : $0 }).status == 422)
        #expect(try await o.post(path + "/sheet", as: .wang, sheet).json["state"]?.string == "taken")
        // Sent again it is the same; another is kept beside.
        #expect(try await o.post(path + "/sheet", as: .wang, sheet).json["state"]?.string == "taken")
        #expect(try await o.post(path + "/sheet", as: .gao, sheet.map { $0.0 == "client" ? ("client", "ffffff0123456789abcd") : $0 }).json["state"]?.string == "beside")
        // The same mark with other words is another sheet: kept beside, not lost.
        #expect(try await o.post(path + "/sheet", as: .wang, sheet.map { $0.0 == "summary" ? ("summary", "补充：另有一件") : $0 }).json["state"]?.string == "beside")
        // A phone whose clock is wrong by years is told so.
        #expect(try await o.post(path + "/sheet", as: .wang, sheet.map { $0.0 == "taken" ? ("taken", "0001-01-01T00:00+14:00") : $0 }).status == 422)
        #expect(try await o.desk.store.read { try $0.count("SELECT count(*) AS n FROM supervision_sheets") } == 3)
        let id = try await o.desk.store.read { try ID<Matter>($0.one("SELECT matter FROM supervision_inspections")!.int("matter")) }
        // Twenty working days from the end of the visit, over the holiday.
        #expect(try await o.desk.store.read { try Clocks.of(id, $0).last?.due } == Day("2026-10-20"))
        #expect(try await o.post(path + "/moves/order", as: .wang, [("issues", "过期食品"), ("asked", "下架并自查"), ("basis", "《食品安全法》第三十四条"), ("due", "2026-09-30")]).status == 303)
        #expect(try await o.post(path + "/moves/publish", as: .wang, []).status == 303)
        #expect(try await o.get("/draws").text.contains("发现问题已责令改正"))
        try await o.work()
        #expect(try await o.desk.store.read { try $0.count("SELECT count(*) AS n FROM credit_events WHERE kind = 'visit'") } == 1)
        for page in [path, path + "/sheet", "/supervision/mine", "/operators/\(ids[0])"] { #expect(try await o.get(page, as: .wang).status == 200, "\(page)") }
        #expect(try await o.get("/supervision/worker.js").type?.contains("javascript") == true)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func nobodyThereOpensAGroundForTheAbnormalListWithTheVisitAsItsProof(_ engine: TestEngine) async throws {
        let (o, ids) = try await office(engine)
        let uscc = try await o.desk.store.read { try Operators.find(ids[0], $0).uscc }
        let people = [Persona.wang, .gao].map { ("inspectors", String(o.account($0).id.raw)) }
        let path = try #require(
            try await o.post(
                "/supervision/inspections/new", as: .wang, [("code", uscc), ("cause", "statutory"), ("law", "SPOT-5"), ("items", "A1"), ("on", "2026-09-14")] + people
            ).location)
        _ = try await o.post(path + "/moves/approve", as: .he, [])
        let sheet: [(String, String)] = [
            ("client", "aaaaaa0123456789abcd"), ("taken", "2026-09-14T10:30"), ("result", "unreachable"), ("summary", "物业证明该公司已搬离一年"), ("signed", "absent"), ("wants", "json"),
        ]
        o.clock.set("2026-09-14T11:00")
        #expect(try await o.post(path + "/sheet", as: .wang, sheet).json["state"]?.string == "taken")
        let entry = try await o.desk.store.read { tx in try tx.one("SELECT matter FROM credit_abnormal").map { try tx.abnormal(tx.matter(ID<Matter>($0.int("matter")))) } }
        #expect(entry?.isShownUnreachable == true && entry?.ground == .unreachable)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func theYearsPlanIsApprovedByAnotherFiledPublicAndWhatIsDrawnKeepsToIt(_ engine: TestEngine) async throws {
        let (o, ids) = try await office(engine)
        let line: [(String, String)] = [
            ("year", "2026"), ("title", "年报抽查"), ("items", "A1"), ("items", "A2"), ("region", "990101"), ("objects", "企业"), ("percent", "4"), ("month", "9"),
        ]
        #expect(try await o.post("/supervision/plan", as: .gao, line).status == 403)
        for (field, wrong) in [("year", "2025"), ("month", "13"), ("percent", "0"), ("items", "Z9"), ("region", "990102")] {
            #expect(try await o.post("/supervision/plan", as: .he, line.map { $0.0 == field ? (field, wrong) : $0 }).status == 422, "\(field)")
        }
        #expect(try await o.post("/supervision/plan", as: .he, line).status == 303)
        let draw: [(String, String)] = [
            ("title", "抽查"), ("items", "A1"), ("region", "990101"), ("percent", "4"), ("limit", "40"), ("shares", "risk"), ("plan", "1"),
        ]
        #expect(try await o.post("/supervision/draws/new", as: .he, draw).status == 422)
        #expect(try await o.post("/supervision/plan/1/approve", as: .he, []).status == 403)
        #expect(try await o.post("/supervision/plan/1/file", as: .tang, [("filed", "x")]).status == 409)
        #expect(try await !o.get("/draws").text.contains("年报抽查"))
        #expect(try await o.post("/supervision/plan/1/approve", as: .tang, []).status == 303)
        #expect(try await o.post("/supervision/plan/1/approve", as: .tang, []).status == 409)
        #expect(try await o.post("/supervision/plan/1/file", as: .tang, [("filed", "试市监检〔2026〕1号")]).status == 303)
        #expect(try await o.get("/draws").text.contains("年报抽查"))
        // Not other items, not more than planned.
        #expect(try await o.post("/supervision/draws/new", as: .he, draw.map { $0.1 == "A1" ? ("items", "B2") : $0 }).status == 422)
        #expect(try await o.post("/supervision/draws/new", as: .he, draw.map { $0.1 == "4" ? ("percent", "4.5") : $0 }).status == 422)
        #expect(try await o.post("/supervision/draws/new", as: .he, draw).status == 303)
        #expect(try await o.desk.store.read { try SupervisionDraw.find(1, $0).plan } == 1)
        // A visit by plan is one that a line plans.
        let now = o.clock.now, people = [Persona.gao, .wang].map { o.account($0).id.raw }
        try await o.desk.store.write { tx in
            try tx.run(
                "INSERT INTO credit_classes (operator, class, points, lines, percentile, region, trade, counted_on) VALUES (\(ids[3]), 'C', 500, '[]', 50, '990101', '52', '2026-09-01')"
            )
        }
        let handling = InspectionHandling(desk: o.desk)
        for (items, may) in [(["C1"], false), (["A2"], true)] {
            do {
                _ = try await o.desk.store.write { tx in
                    try handling.plan(.init(cause: .plan, op: Operators.find(ids[3], tx), items: items, inspectors: people, on: now.day), by: .staff(o.account(.gao)), at: now, tx)
                }
                #expect(may)
            } catch let refusal as Refusal { #expect(!may && refusal.fields.first?.pointer == "/cause") }
        }
        // What is taken out plans nothing any more.
        #expect(try await o.post("/supervision/plan/1/drop", as: .tang, []).status == 422)
        #expect(try await o.post("/supervision/plan/1/drop", as: .tang, [("reason", "任务取消")]).status == 303)
        #expect(try await o.post("/supervision/draws/new", as: .he, draw).status == 422)
        #expect(try await o.get("/supervision/plan", as: .gao).text.contains("任务取消"))
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aCauseIsFreshIsUsedOnceAndWhatOthersHandOverHasTheirLetter(_ engine: TestEngine) async throws {
        let (o, ids) = try await office(engine)
        let uscc = try await o.desk.store.read { try Operators.find(ids[0], $0).uscc }
        let complaint = try await o.file(against: uscc)
        let people = [Persona.wang, .gao].map { ("inspectors", String(o.account($0).id.raw)) }
        func plan(_ cause: String, _ more: [(String, String)]) async throws -> Int {
            try await o.post("/supervision/inspections/new", as: .wang, [("code", uscc), ("cause", cause), ("items", "C1"), ("on", "2026-09-16")] + people + more).status
        }
        #expect(try await plan("transfer", []) == 422)
        #expect(try await plan("complaint", []) == 422)
        _ = try await o.apply("refuse", on: complaint, by: .lin, [("ground", "1"), ("reason", "不属于本部门职责"), ("channel", "phone")])
        // Closed and old: no cause any more.
        o.clock.set("2027-01-14T10:00")
        try await o.signInAgain()
        func later(_ cause: String, _ more: [(String, String)]) async throws -> Int {
            try await o.post("/supervision/inspections/new", as: .wang, [("code", uscc), ("cause", cause), ("items", "C1"), ("on", "2027-01-16")] + people + more).status
        }
        #expect(try await later("complaint", [("of", complaint.number)]) == 422)
        #expect(try await later("transfer", [("of", complaint.number)]) == 422)
        let fresh = try await o.file(against: uscc)
        #expect(try await later("complaint", [("of", fresh.number)]) == 303)
        let visit = try await o.desk.store.read { try ID<Matter>($0.one("SELECT matter FROM supervision_inspections")!.int("matter")) }
        #expect(try await o.post("/supervision/inspections/\(visit)/moves/cancel", as: .he, [("reason", "另行安排")]).status == 303)
        // A visit that was called off used nothing up; one that stands did.
        #expect(try await later("complaint", [("of", fresh.number)]) == 303)
        let second = try await o.desk.store.read { try ID<Matter>($0.one("SELECT max(matter) AS m FROM supervision_inspections")!.int("m")) }
        try await o.desk.store.write { tx in
            try tx.run("UPDATE casework_matters SET state = 'published', open = 0 WHERE id = \(second)")
            try tx.audit("test", of: Reference(kind: "inspection", id: second.raw), by: "test", at: o.clock.now, sealing: [.init("casework_matters", second.raw)])
        }
        #expect(try await later("complaint", [("of", fresh.number)]) == 422)
        #expect(try await later("transfer", [("law", "市监转办〔2027〕1号")]) == 303)
        #expect(try await o.verify().findings.isEmpty)
    }
}
