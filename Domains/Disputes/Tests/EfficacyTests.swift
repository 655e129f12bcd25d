import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// The evaluation: every figure is what its formula says of the data, and a frozen month stays.
@Suite struct EfficacyTests {
    func figure(_ e: Efficacy, _ id: String) -> String { e.indicators.first { $0.id == id }.map { "\($0.numerator)/\($0.denominator)" } ?? "-" }

    @Test(arguments: TestEngine.available)
    func aMonthsIndicatorsAreCountedFromWhatHappened(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine, at: "2026-10-12T09:00")
        func filed(_ n: Int, _ change: @escaping @Sendable (inout Filing) -> Void = { _ in }) async throws -> Matter {
            try await office.file {
                $0.facts = "第\(n)件各不相同的经过\(n * 7919)"
                $0.occurredOn = Day("2026-10-01")
                change(&$0)
            }
        }
        // Four end: two agreed, one without agreement, one withdrawn; a fifth is decided late.
        let (a, b, c, d, e) = (try await filed(1), try await filed(2), try await filed(3), try await filed(4), try await filed(5) { $0.purchase = nil })
        for m in [a, b, c, d] { try await office.apply("accept", on: m, by: .lin) }
        for m in [a, b] {
            try await office.apply("agree", on: m, by: .wu, [("agreement", "退款"), ("form", "record")])
            try await office.apply("close", on: m, by: .wu)
        }
        try await office.apply("end", on: c, by: .wu, [("ground", "3"), ("reason", "分歧较大")])
        try await office.apply("tell", on: c, by: .wu, [("channel", "phone")])
        try await office.apply("end", on: d, by: .wu, [("ground", "1"), ("reason", "撤回")])
        try await office.apply("tell", on: d, by: .wu, [("channel", "phone")])
        office.clock.set("2026-10-28T09:00")
        try await office.apply("refuse", on: e, by: .lin, [("ground", "1"), ("reason", "不属于职责"), ("channel", "phone")])
        let rated = try await office.post("/track/\(a.number)/rate", [("code", TestOffice.code), ("score", "3"), ("comment", "很快")])
        #expect(rated.status == 303)
        #expect(try await office.post("/track/\(b.number)/rate", [("code", TestOffice.code), ("score", "9")]).status == 422)
        #expect(try await office.post("/track/\(b.number)/rate", [("code", TestOffice.code), ("score", "1")]).status == 303)
        let at = office.clock.now
        let counted = try await office.desk.store.read { try Efficacy.count(month: "2026-10", region: "", at: at, $0) }
        #expect(["E1", "E2", "E4", "E5", "E8", "E10", "E11"].map { figure(counted, $0) } == ["4/5", "4/4", "2/3", "2/2", "0/3", "1/2", "0/5"])
        // Only what has data is weighed: 10, 12, 12, 6, 8, 8, 6.
        let parts: [Double] = [8, 12, 8, 6, 0, 4, 0]
        let expected: Double = parts.reduce(0, +) * 100 / 62
        #expect(abs((counted.score ?? 0) - expected) < 0.001)
        #expect(try await office.desk.store.read { try Efficacy.count(month: "2026-10", region: "990102", at: at, $0) }.score == nil)
        // Frozen once it is over; what changes afterwards changes nothing of it.
        office.clock.set("2026-11-02T09:00")
        let now = office.clock.now
        try await office.desk.store.write { try Efficacy.freeze(month: "2026-10", region: "", at: now, $0) }
        await #expect(throws: Refusal.self) { try await office.desk.store.write { try Efficacy.freeze(month: "2026-11", region: "", at: now, $0) } }
        _ = try await office.post("/track/\(b.number)/rate", [("code", TestOffice.code), ("score", "3")])
        let frozen = try await office.desk.store.read { try Efficacy.frozen(region: "", $0) }
        #expect(frozen.count == 1 && frozen[0].body["indicators"]?.array?.first { $0["id"]?.string == "E10" }?["numerator"]?.int == 1)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func theOfficeSetsItsOwnNumbersWithinTheirRange() async throws {
        let office = try await TestOffice(.sqlite)
        #expect(try await office.get("/efficacy", as: .zhou).status == 200)
        #expect(try await office.get("/efficacy", as: .lin).status == 403)
        let page = try await office.get("/admin", as: .sun).text
        #expect(page.contains("efficacy.weight.E4") && page.contains("monitoring.retention.days"))
        let wrong = try await office.post("/admin/parameters", as: .sun, [("efficacy.weight.E4", "101"), ("signals.incident.least", "3")])
        #expect(wrong.status == 422 && wrong.text.contains("应为0至100的整数"))
        #expect(try await office.post("/admin/parameters", as: .sun, [("efficacy.weight.E4", "20"), ("signals.incident.least", "3")]).status == 303)
        #expect(try await office.post("/admin/parameters", as: .lin, [("efficacy.weight.E4", "1")]).status == 403)
        let at = office.clock.now
        let counted = try await office.desk.store.read { try Efficacy.count(month: "2026-11", region: "", at: at, $0) }
        #expect(counted.indicators.first { $0.id == "E4" }?.weight == 20)
        #expect(try await office.get("/signals", as: .lin).text.contains("同一商家3件以上"))
        #expect(try await office.verify().findings.isEmpty)
    }
}
