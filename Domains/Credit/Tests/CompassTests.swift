import Credit
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// The sum behind a class, and how it is counted.
@Suite struct CompassTests {
    private func facts(_ change: (inout CompassFacts) -> Void) -> CompassFacts {
        var f = CompassFacts()
        change(&f)
        return f
    }
    private func at(_ source: String) -> Int { CompassFacts.order.firstIndex(of: source)! }

    @Test func theShippedModelIsReadAndAnOddOneIsRefusedByName() throws {
        let shipped = try #require(CompassModel.shipped)
        #expect(shipped.families.map(\.cap).reduce(0, +) == 1000)
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        let body = String(decoding: try encoder.encode(shipped), as: UTF8.self)
        #expect(throws: Refusal.self) { try CompassModel(json: Data(body.replacing("\"source\":\"lead\"", with: "\"source\":\"moon\"").utf8)) }
        #expect(throws: Refusal.self) { try CompassModel(json: Data("{}".utf8)) }
        #expect(throws: Refusal.self) { try CompassModel(json: Data(body.replacing("\"cuts\":{\"B\":60", with: "\"cuts\":{\"B\":600").utf8)) }
    }

    @Test func linesAddUpFadeAndStopAtTheirCaps() throws {
        let m = try #require(CompassModel.shipped)
        let one = m.score(facts { $0.add(at("penalty"), age: 0) })
        #expect(one.points == 90 && one.cls == .B && one.text == "penalty:90")
        #expect(m.score(facts { $0.add(at("penalty"), age: 1) }).points == 54)
        #expect(m.score(facts { $0.add(at("penalty"), age: 3) }).points == 14)
        #expect(m.score(facts { $0.add(at("penalty"), age: 0, repaired: true) }).points == 18)
        let many = m.score(
            facts {
                $0.add(at("penalty"), age: 0, 10); $0.add(at("large-fine"), age: 0, 10)
            })
        #expect(many.points == 350 && many.lines.reduce(0) { $0 + $1.points } == 350)
        #expect(m.score(facts { $0.add(at("complaint"), age: 0, 100) }).points == 120)
        let clean = m.score(
            facts {
                $0.add(at("visit-clean"), age: 0, 9); $0.add(at("complaint"), age: 0, 10)
            })
        #expect(clean.points == 20)
    }

    @Test func aHardRuleRaisesTheClassAndSaysSo() throws {
        let m = try #require(CompassModel.shipped)
        #expect(m.score(facts { $0.onSerious = true }).cls == .D)
        let abnormal = m.score(facts { $0.onAbnormal = true })
        #expect(abnormal.cls == .C && abnormal.lines.contains { $0.id == "!abnormal" })
        #expect(m.score(facts { $0.isRevoked = true }).cls == .C)
        #expect(m.score(facts { _ in }).cls == .A)
    }

    @Test func theAreaUnderTheCurveIsKnownForSmallCases() {
        #expect(CompassTrial.auc([1, 2, 3, 4], [false, false, true, true]) == 1)
        #expect(CompassTrial.auc([4, 3, 2, 1], [false, false, true, true]) == 0)
        #expect(CompassTrial.auc([1, 1, 1, 1], [false, true, false, true]) == 0.5)
        #expect(CompassTrial.auc([1, 2], [true, true]) == nil)
    }

    @Test(arguments: TestEngine.available)
    func oneCountedAloneIsAsWhenAllAreCounted(_ engine: TestEngine) async throws {
        let office = try await CreditTests.office(engine)
        let (o, now) = (office, office.clock.now)
        let ids = try await CreditTests.operators(o)
        try await o.desk.store.write { tx in
            try CreditEvent.add(.penalty, of: ids[0], on: now.day.adding(days: -400), amount: Money(yuan: "60000"), "处罚", by: "test", at: now.adding(seconds: -400 * 86_400), tx)
            try CreditEvent.add(.abnormal, of: ids[1], on: now.day, "通过登记的住所（经营场所）无法联系", by: "test", at: now, tx)
            // The third has the second's telephone, and the second stands on a list.
            try tx.run("UPDATE operators SET phone = '0531-0000001' WHERE id IN (\(ids[1]), \(ids[2]))")
            try CompassRun.takeInShipped(at: now, tx)
            let model = try CompassRun.active(tx)!
            let counted = try CompassRun.run(model, at: now, tx)
            #expect(counted.operators == 3)
            let all = try tx.all("SELECT operator, class, points, lines FROM credit_classes ORDER BY operator").map {
                "\($0.int("operator")) \($0.string("class")) \($0.count("points")) \($0.string("lines"))"
            }
            for id in ids { try CompassRun.count(id, model, at: now, tx) }
            let each = try tx.all("SELECT operator, class, points, lines FROM credit_classes ORDER BY operator").map {
                "\($0.int("operator")) \($0.string("class")) \($0.count("points")) \($0.string("lines"))"
            }
            #expect(all == each)
            #expect(all[2].contains("related:") && !all[1].contains("related:"))
            #expect(all[0].contains("penalty:54") && all[0].contains("fine:36") && all[1].contains("!abnormal"))
            // What was not known then does not count.
            let then = try CompassRun.gather(at: now.adding(seconds: -500 * 86_400), tx)
            #expect(CompassRun.scores(model, then).allSatisfy { !$0.text.contains("penalty") })
        }
        // Two readers come to the same as one, on an empty table and beside what stands.
        func rows() async throws -> [String] { try await o.desk.store.read { try $0.all("SELECT * FROM credit_classes ORDER BY operator").map { "\($0.values)" } } }
        func indexes() async throws -> [String] {
            try await o.desk.store.read { tx in
                try tx.all(
                    tx.dialect == .sqlite
                        ? "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'credit_classes' ORDER BY name"
                        : "SELECT indexname::text AS name FROM pg_indexes WHERE tablename = 'credit_classes' AND schemaname = current_schema() ORDER BY indexname"
                ).map { $0.string("name") }
            }
        }
        let (before, built) = (try await rows(), try await indexes())
        let model = try await o.desk.store.read { try #require(try CompassRun.active($0)) }
        for isEmpty in [true, false] {
            if isEmpty { try await o.desk.store.write { try $0.run("DELETE FROM credit_classes") } }
            let counted = try await CompassRun.plan(model, at: now, in: o.desk.store)
            #expect(counted.operators == 3 && counted.classes.values.reduce(0, +) == 3 && counted.changed == 0)
            try await o.desk.store.write { try CompassRun.write(counted, model, at: now, $0) }
            #expect(try await rows() == before)
            #expect(try await indexes() == built && built.count >= 2)
        }
        #expect(try await o.get("/compass", as: .he).status == 200)
        #expect(try await o.get("/compass/operators?class=C", as: .he).text.contains("第二"))
        #expect(try await o.get("/compass/operators/\(ids[0])", as: .he).text.contains("行政处罚"))
        #expect(try await o.get("/compass", as: .lin).status == 403)
        #expect(try await o.get("/compass").status == 303)
    }

    @Test(arguments: TestEngine.available)
    func aClassSetByHandNeedsAnotherPersonAndEnds(_ engine: TestEngine) async throws {
        let o = try await CreditTests.office(engine)
        let ids = try await CreditTests.operators(o)
        let now = o.clock.now
        try await o.desk.store.write { tx in
            try CompassRun.takeInShipped(at: now, tx)
            _ = try CompassRun.run(CompassRun.active(tx)!, at: now, tx)
        }
        #expect(try await o.post("/compass/operators/\(ids[0])/override", as: .he, [("class", "D"), ("reason", "群众反映强烈"), ("until", "2026-12-31")]).status == 303)
        let key = try await o.desk.store.read { try $0.one("SELECT id FROM credit_overrides")!.int("id") }
        _ = try await o.post("/compass/operators/\(ids[0])/override/\(key)", as: .he, [])
        #expect(try await o.desk.store.read { try $0.one("SELECT class FROM credit_classes WHERE operator = \(ids[0])")!.string("class") } == "A")
        _ = try await o.post("/compass/operators/\(ids[0])/override/\(key)", as: .tang, [])
        #expect(try await o.desk.store.read { try $0.one("SELECT class FROM credit_classes WHERE operator = \(ids[0])")!.string("class") } == "D")
        let later = Moment("2027-01-01T09:00")!
        try await o.desk.store.write { try CompassRun.count(ids[0], CompassRun.active($0)!, at: later, $0) }
        #expect(try await o.desk.store.read { try $0.one("SELECT class FROM credit_classes WHERE operator = \(ids[0])")!.string("class") } == "A")
        // A draft is tried before it is activated, and by another.
        let body = try await o.desk.store.read { try $0.one("SELECT body FROM credit_models")!.string("body") }.replacing("\"version\":\"2026-1\"", with: "\"version\":\"2026-2\"")
        #expect(try await o.post("/compass/models", as: .he, [("body", body), ("note", "试")]).status == 303)
        _ = try await o.post("/compass/models/2/activate", as: .tang, [])
        #expect(try await o.desk.store.read { try $0.one("SELECT state FROM credit_models WHERE id = 2")!.string("state") } == "draft")
        #expect(try await o.post("/compass/models/2/trial", as: .he, []).status == 303)
        #expect(try await o.get("/compass/models/2", as: .he).text.contains("公平性"))
        _ = try await o.post("/compass/models/2/activate", as: .tang, [])
        #expect(try await o.desk.store.read { try $0.one("SELECT state FROM credit_models WHERE id = 2")!.string("state") } == "active")
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aComplaintMovesTheSumWhenItComesAndAgainWhenItIsNotTakenUp(_ engine: TestEngine) async throws {
        let o = try await CreditTests.office(engine), ids = try await CreditTests.operators(o)
        let shop = try await o.desk.store.read { try Operators.find(ids[0], $0) }
        func points() async throws -> Int? {
            try await CompassFollow.look(o.desk)
            try await o.work()
            return try await o.desk.store.read { try $0.one("SELECT points FROM credit_classes WHERE operator = \(ids[0])")?.count("points") }
        }
        _ = try await points()
        let complaint = try await o.file(against: shop.uscc)
        #expect(try await o.desk.store.read { try $0.matter(complaint.id).operator } == ids[0])
        let with = try #require(try await points())
        #expect(with > 0)
        #expect(try await points() == with)
        _ = try await o.apply("refuse", on: complaint, by: .lin, [("ground", "1"), ("reason", "不属于本部门职责"), ("channel", "phone")])
        #expect(try await points() ?? 0 < with)
        #expect(try await o.verify().findings.isEmpty)
    }
}
