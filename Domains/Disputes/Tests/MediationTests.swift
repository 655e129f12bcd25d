import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// People's mediation to the court's ruling, appointments for calendars, what became of like cases.
@Suite struct MediationTests {
    @Test(arguments: TestEngine.available)
    func peoplesMediationLeadsToJudicialConfirmationWithinThirtyDays(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let c = try await office.file()
        try await office.apply("accept", on: c, by: .lin)
        await #expect(throws: Refusal.self) { try await office.apply("hand-to-people", on: c, by: .wu, [("committee", "青溪区消费纠纷人民调解委员会"), ("consent-complainant", "yes")]) }
        try await office.apply(
            "hand-to-people", on: c, by: .wu, [("committee", "青溪区消费纠纷人民调解委员会"), ("consent-complainant", "yes"), ("consent-respondent", "yes"), ("channel", "phone")])
        // The sixty days go on running.
        #expect(try await office.desk.store.read { try Clocks.of(c.id, $0).first { $0.duty == "C3" }?.state } == "open")
        await #expect(throws: Refusal.self) {
            try await office.apply("people-agreed", on: c, by: .wu, [("agreement", "退款"), ("written", "written"), ("effectiveOn", "2026-11-30")])
        }
        try await office.apply("people-agreed", on: c, by: .wu, [("agreement", "商家三日内退款399元"), ("written", "written"), ("effectiveOn", "2026-11-18")])
        let row = try #require(try await office.desk.store.read { try PeoplesMediation.of(c.id, $0) })
        #expect(row.applyBy == Day("2026-12-18"))
        try await office.apply("close", on: c, by: .wu)
        // Reminded on the 7th and the 20th day, not after the application.
        office.clock.set("2026-12-08T09:00")
        try await office.work()
        func reminded() async throws -> Int {
            try await office.desk.store.read {
                try $0.count("SELECT count(*) AS n FROM casework_notices WHERE matter = \(c.id) AND title = '司法确认提醒' AND recipient = 'complainant'")
            }
        }
        #expect(try await reminded() == 2)
        await #expect(throws: Refusal.self) { try await office.apply("court-decided", on: c, by: .wu, [("result", "confirmed"), ("ruling", "（2026）鲁01民特1号")]) }
        try await office.apply("court-applied", on: c, by: .wu, [("court", "青溪区人民法院"), ("appliedOn", "2026-12-08")])
        office.clock.set("2026-12-15T09:00")
        try await office.work()
        #expect(try await reminded() == 2)
        try await office.apply("court-decided", on: c, by: .wu, [("result", "confirmed"), ("ruling", "（2026）鲁01民特1号")])
        #expect(try await office.desk.store.read { try PeoplesMediation.of(c.id, $0)?.result } == "confirmed")
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func anApplicationAfterThirtyDaysIsRefused() async throws {
        let office = try await TestOffice(.sqlite)
        let c = try await office.file()
        try await office.apply("accept", on: c, by: .lin)
        try await office.apply("hand-to-people", on: c, by: .wu, [("committee", "委员会"), ("consent-complainant", "yes"), ("consent-respondent", "yes"), ("channel", "phone")])
        try await office.apply("people-agreed", on: c, by: .wu, [("agreement", "退款"), ("written", "oral"), ("effectiveOn", "2026-11-18")])
        let sheet = try await office.post("/disputes/\(c.id)/confirmation", as: .wu, [("purpose", "serve")])
        #expect(sheet.status == 200 && sheet.text.contains("2026年12月18日") && sheet.text.contains("陈小满"))
        office.clock.set("2026-12-19T09:00")
        await #expect(throws: Refusal.self) { try await office.apply("court-applied", on: c, by: .wu, [("court", "法院"), ("appliedOn", "2026-12-19")]) }
        try await office.apply("court-applied", on: c, by: .wu, [("court", "法院"), ("appliedOn", "2026-12-18")])
    }

    @Test func theAppointmentOpensInACalendarAndNamesNeitherSide() async throws {
        let office = try await TestOffice(.sqlite)
        let c = try await office.file()
        try await office.apply("accept", on: c, by: .lin)
        #expect(try await office.get("/track/\(c.number)/session.ics?code=\(TestOffice.code)").status == 404)
        try await office.apply(
            "arrange", on: c, by: .wu,
            [("mode", "on-site"), ("at", "2026-12-02T09:30"), ("place", "青溪区市场监管局一楼调解室，进门左转"), ("mediators", "吴敏"), ("channel", "phone"), ("consent", "yes")])
        let file = try await office.get("/track/\(c.number)/session.ics?code=\(TestOffice.code)")
        #expect(file.status == 200 && file.type?.hasPrefix("text/calendar") == true)
        let unfolded = file.text.replacingOccurrences(of: "\r\n ", with: "")
        #expect(unfolded.contains("DTSTART:20261202T013000Z\r\n") && unfolded.contains("LOCATION:青溪区市场监管局一楼调解室，进门左转\r\n"))
        #expect(file.text.components(separatedBy: "\r\n").allSatisfy { $0.utf8.count <= 75 })
        for secret in ["陈小满", "福临超市"] { #expect(!unfolded.contains(secret)) }
        #expect(try await office.get("/track/\(c.number)/session.ics?code=ABCDEFGH").status == 404)
        #expect(try await office.get("/disputes/\(c.id)/session.ics", as: .wu).status == 200)
        #expect(try await office.get("/disputes/\(c.id)/session.ics", as: .far).status == 404)
    }

    @Test(arguments: TestEngine.available)
    func likeCasesTellTheirNumberAndWhatTheyGave(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        for i in 0..<6 {
            let c = try await office.file { $0.facts = "第\(i)台电饭煲的经过，各不相同：\(i * 7919)" }
            try await office.apply("accept", on: c, by: .lin)
            if i < 4 {
                try await office.apply("agree", on: c, by: .wu, [("agreement", "退款"), ("form", "record")])
                try await office.apply("close", on: c, by: .wu)
            } else {
                try await office.apply("end", on: c, by: .wu, [("ground", "3"), ("reason", "分歧较大")])
                try await office.apply("tell", on: c, by: .wu, [("channel", "phone")])
            }
        }
        let open = try await office.file { $0.facts = "又一台电饭煲的经过" }
        try await office.apply("accept", on: open, by: .lin)
        let page = try await office.get("/disputes/\(open.id)", as: .wu).text
        #expect(page.contains("同类商品已结投诉6件，调解成功66%") && page.contains("可比的和解金额不足五件"))
    }
}
