import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Checks of closed complaints, and the national platform's file against ours.
@Suite struct QualityTests {
    func closed(_ office: TestOffice, _ n: Int) async throws -> Matter {
        let c = try await office.file {
            $0.facts = "第\(n)件各不相同的经过\(n * 7919)"
            $0.respondentName = "福临超市"
            $0.externalNumber = "PT2026\(1000 + n)"
        }
        try await office.apply("accept", on: c, by: .lin)
        try await office.apply("agree", on: c, by: .wu, [("agreement", "退款"), ("form", "record")])
        return try await office.apply("close", on: c, by: .wu)
    }

    @Test(arguments: TestEngine.available)
    func whatIsDrawnIsCheckedByWhoDidNotHandleItAndCounts(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let all = [try await closed(office, 1), try await closed(office, 2), try await closed(office, 3)]
        let month = String(office.clock.now.day.description.prefix(7))
        #expect(try await office.post("/quality/draw", as: .lin, [("kind", "callback"), ("month", month), ("count", "2")]).status == 403)
        #expect(try await office.post("/quality/draw", as: .he, [("kind", "callback"), ("month", month), ("count", "0")]).status == 422)
        #expect(try await office.post("/quality/draw", as: .he, [("kind", "callback"), ("month", month), ("count", "2")]).status == 303)
        // Nothing is drawn twice for the same; then there is nothing left.
        #expect(try await office.post("/quality/draw", as: .he, [("kind", "callback"), ("month", month), ("count", "9")]).status == 303)
        #expect(try await office.post("/quality/draw", as: .he, [("kind", "callback"), ("month", month), ("count", "9")]).status == 409)
        let checks = try await office.desk.store.read { try $0.all("SELECT id, matter FROM disputes_checks ORDER BY id").map { ($0.int("id"), $0.int("matter")) } }
        #expect(Set(checks.map(\.1)) == Set(all.map(\.id.raw)))
        // Who handled it does not check it; dissatisfaction says why.
        #expect(try await office.post("/quality/\(checks[0].0)", as: .wu, [("result", "good")]).status == 403)
        #expect(try await office.post("/quality/\(checks[0].0)", as: .he, [("result", "poor")]).status == 422)
        #expect(try await office.post("/quality/\(checks[0].0)", as: .he, [("result", "poor"), ("note", "退款至今未到")]).status == 303)
        #expect(try await office.post("/quality/\(checks[0].0)", as: .he, [("result", "good")]).status == 409)
        #expect(try await office.post("/quality/\(checks[1].0)", as: .he, [("result", "good")]).status == 303)
        #expect(try await office.post("/quality/\(checks[2].0)", as: .he, [("result", "unreached")]).status == 303)
        let at = office.clock.now
        let counted = try await office.desk.store.read { try Efficacy.count(month: month, region: "", at: at, $0) }
        #expect(counted.indicators.first { $0.id == "E12" }.map { "\($0.numerator)/\($0.denominator)" } == "1/2")
        #expect(try await office.get("/quality?done=yes", as: .he).text.contains("退款至今未到"))
        #expect(try await office.get("/quality/export?done=yes", as: .he).bytes.starts(with: [0x50, 0x4B]))
        // Mediated again with both consents; it is not settled any more.
        let again = try #require(all.first { $0.id.raw == checks[0].1 })
        #expect(try await office.post("/disputes/\(again.id)/moves/again", as: .lin, [("reason", "退款未到")]).status == 422)
        #expect(try await office.post("/disputes/\(again.id)/moves/again", as: .lin, [("reason", "退款未到"), ("consent", "yes")]).status == 303)
        let now = try await office.desk.store.read { try $0.matter(again.id) }
        #expect(now.state == "mediating" && now.outcome == nil && now.open)
        #expect(try await office.verify().findings.isEmpty)
    }

    /// The clerks who leave what is due undone do not raise the figure by it.
    @Test func whatFellDueAndStillLiesThereIsNotOnTime() async throws {
        let office = try await TestOffice(.sqlite, at: "2026-10-12T09:00")
        for n in 0..<2 {
            _ = try await office.file {
                $0.facts = "第\(n)件各不相同\(n * 7919)"; $0.occurredOn = Day("2026-10-01")
            }
        }
        func figure(_ at: Moment) async throws -> String {
            let e = try await office.desk.store.read { try Efficacy.count(month: "2026-10", region: "", at: at, $0).indicators[0] }
            return "\(e.numerator)/\(e.denominator)"
        }
        #expect(try await figure(office.clock.now) == "0/0")
        office.clock.set("2026-11-03T09:00")
        #expect(try await figure(office.clock.now) == "0/2")
        // By quarter and by trade.
        let at = office.clock.now
        let quarter = try await office.desk.store.read { try Efficacy.count(month: "2026-Q4", region: "", at: at, $0).indicators[0].denominator }
        #expect(quarter == 2)
        #expect(try await office.desk.store.read { try Efficacy.count(month: "2026", region: "", trade: "Z", at: at, $0).indicators[0].denominator } == 0)
        await #expect(throws: Refusal.self) { try await office.desk.store.read { try Efficacy.count(month: "2026-Q5", region: "", at: at, $0) } }
    }

    @Test(arguments: TestEngine.available)
    func theNationalPlatformsFileIsComparedAndNothingIsChanged(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let (a, b, c) = (try await closed(office, 1), try await closed(office, 2), try await closed(office, 3))
        let day = office.clock.now.day
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("national\(UInt64.random(in: 0 ... .max)).csv")
        let text = """
            编号,办理状态,被投诉人,登记日期
            PT20261001,已办结,福临超市,\(day)
            PT20261002,办理中,福临大超市,\(day)
            PT20269999,已办结,别处的店,\(day)
            ,已办结,x,\(day)
            PT20261001,怪话,福临超市,2026-13-40
            """
        try Data(text.utf8).write(to: file)
        let batch = try await Reconciliation.kind.run(office.desk, file.path, { _, _ in })
        #expect((batch.same, batch.changed, batch.added, batch.rejects.count) == (1, 1, 1, 2))
        let found = try await office.desk.store.read {
            try $0.all("SELECT external, field FROM disputes_differences ORDER BY id").map { "\($0.string("external")) \($0.string("field"))" }
        }
        #expect(found == ["PT20261002 state", "PT20261002 respondentName", "PT20269999 missing-here", "PT20261003 missing-there"])
        let page = try await office.get("/national", as: .li).text
        #expect(page.contains("PT20269999") && page.contains("福临大超市") && page.contains(c.number))
        #expect(try await office.get("/national/export", as: .li).bytes.starts(with: [0x50, 0x4B]))
        #expect(try await office.get("/national", as: .wu).status == 403)
        #expect(try await office.desk.store.read { [try $0.matter(a.id).state, try $0.matter(b.id).state] } == ["closed", "closed"])
        #expect(try await office.verify().findings.isEmpty)
    }
}
