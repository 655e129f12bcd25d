import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// What an outsider found and was mended: where a period begins, who may give back, what may be printed, on both engines.
@Suite struct CaseBoundsTests {
    private typealias Room = CaseTests.Room

    @Test(arguments: TestEngine.available)
    func aClueIsVerifiedWithinFifteenWorkingDaysOfWhenItWasFoundWhoeverThePartyTurnsOutToBe(_ engine: TestEngine) async throws {
        let room = try await Room(engine, at: "2026-09-28T09:00")
        let (handling, now, gao) = (room.handling, room.office.clock.now, Actor.staff(room.office.account(.gao)))
        let id = try await room.office.desk.store.write { tx in
            try handling.register(
                NewCase(
                    cause: "广告使用绝对化用语", party: .init(kind: .organisation, name: "某网店", code: nil, address: "待查", head: nil, phone: nil), region: "990101", clue: "全国第一",
                    foundAt: Moment("2026-09-14T10:00")!), by: gao, at: now, tx
            ).id
        }
        // 15–18, 20 (a worked Sunday), 21–24, 28–30 September, 8, 9, 10 (a worked Saturday) October.
        #expect(try await room.clocks(id)["P1"]?.due == Day("2026-10-10"))
        let party = [("party-kind", "organisation"), ("party", "青溪区福临超市"), ("address", "中兴路12号")]
        await room.refused(.forbidden, "amend-party", id, .lin, party)
        await room.refused(.invalid, "amend-party", id, .gao, party + [("code", "91990101000000000X")])
        try await room.make("amend-party", id, .gao, party)
        let c = try await room.c(id)
        #expect(c.party.name == "青溪区福临超市" && c.matter.title.hasPrefix("青溪区福临超市"))
        #expect(try await room.office.get("/cases/\(id)", as: .gao).text.contains("某网店"))
        // A person's numbers are not read along: not in the form, not in the history; left empty they stay.
        let person = [("party-kind", "person"), ("party", "张三"), ("address", "中兴路12号")]
        try await room.make("amend-party", id, .gao, person + [("code", "37010219800101123X"), ("phone", "13812345678")])
        try await room.make("amend-party", id, .gao, person)
        let page = try await room.office.get("/cases/\(id)", as: .gao).text
        #expect(!page.contains("37010219800101123X") && !page.contains("13812345678"))
        let kept = try await room.c(id).party
        #expect(kept.code == "37010219800101123X" && kept.phone == "13812345678")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whatWasGrantedToTheLeadIsNotLostToTheCaseNorGrantedTwice(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let lead = try await room.clue()
        let (desk, handling, he) = (room.office.desk, room.handling, room.office.account(.he))
        let first = room.office.clock.now
        try await desk.store.write { tx in
            try Clocks.extend(Clocks.of(lead, tx).first { $0.duty == "P1" }!, because: "案情复杂", by: he, engine: desk.engine, at: first, tx)
        }
        // After the first fifteen working days, within the second.
        room.office.clock.set("2026-10-14T10:00")
        let now = room.office.clock.now
        let id = try await desk.store.write { tx in
            var new = NewCase(
                cause: "x", party: .init(kind: .organisation, name: "福临超市", code: nil, address: "y", head: nil, phone: nil), region: "990101", clue: "z", foundAt: first)
            new.sourceMatter = try tx.matter(lead)
            return try handling.register(new, by: .system, at: now, tx).id
        }
        let (before, after) = (try await room.clocks(lead)["P1"]!, try await room.clocks(id)["P1"]!)
        #expect(after.due == before.due && after.due > now.day && after.extended && after.startedAt == before.startedAt)
        #expect(try await room.c(id).matter.nextDue == before.due)
        _ = try await room.office.post("/matters/\(id)/clocks/\(after.id)/extend", as: .he, [("reason", "再延")])
        #expect(try await room.clocks(id)["P1"]?.due == before.due)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func seizedGoodsGoBackByTheHeadAloneAndASeizureIsProlongedOnlyInWriting(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.file()
        let measures = MeasureHandling(desk: room.office.desk), now = room.office.clock.now, gao = room.office.account(.gao)
        let form = Form([
            ("kind", "seizure"), ("goods", "电饭煲|3L|20台|未拆封"), ("place", "仓库"), ("basis", "《中华人民共和国广告法》第四十九条"), ("second", "\(room.office.account(.shen).id)"),
        ])
        let m = try await room.office.desk.store.write { tx in try measures.take(form, for: tx.penaltyCase(id), by: gao, at: now, tx) }
        func act(_ move: String, _ who: Persona, _ fields: [(String, String)]) async throws {
            let actor = Actor.staff(room.office.account(who))
            try await room.office.desk.store.write { tx in try measures.apply(move, on: tx.measure(tx.matter(m.id)), input: Form(fields), by: actor, at: now, tx) }
        }
        try await act("approve", .he, [])
        for disposal in ["returned", "recorded", "seized"] {
            await #expect { try await act("dispose", .gao, [("disposal", disposal), ("reason", "x")]) } throws: { ($0 as? Refusal)?.kind == .invalid }
        }
        let clock = try #require(try await room.clocks(m.id)["P6"])
        _ = try await room.office.post("/matters/\(m.id)/clocks/\(clock.id)/extend", as: .he, [("reason", "案情复杂")])
        #expect(try await room.clocks(m.id)["P6"]?.extended == false)
        await #expect { try await act("test", .gao, [("body", "检验所")]) } throws: { ($0 as? Refusal)?.kind == .invalid }
        try await act("extend-notice", .he, [("reason", "案情复杂")])
        #expect(try await room.clocks(m.id)["P6"]?.extended == true)
        try await act("test", .gao, [("body", "检验所"), ("until", "2026-09-30")])
        #expect(
            try await room.office.desk.store.read {
                try $0.count("SELECT count(*) AS n FROM casework_documents WHERE matter = \(m.id) AND form IN ('testing-period', 'coercion-extension')")
            } == 2)
        try await act("release", .he, [("reason", "不再需要")])
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoseCertificateIsOverDoesNothingInACase(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.file()
        let at = room.office.clock.now, key = room.office.account(.gao).id.raw
        try await room.office.desk.store.write { try Certificates.save(key, number: "ZF990000", validTo: Day("2026-09-13")!, legal: false, by: "test", at: at, $0) }
        await room.refused(.forbidden, "test", id, .gao, [("body", "检验所")])
        try await room.make("test", id, .shen, [("body", "检验所")])
        // Who keeps certificates keeps those of the own region.
        let far = room.office.account(.far).id.raw
        #expect(try await room.office.post("/cases/people", as: .he, [("account", "\(far)"), ("number", "X1"), ("valid", "2027-01-01")]).status == 422)
    }

    @Test func anArticleHoldsForActsThatEndedOnOrAfterItsDay() throws {
        let later = try #require(Penalties.shipped.violations.first { $0.from != nil })
        let from = try #require(later.from)
        #expect(throws: Refusal.self) { try later.check(ended: from.adding(days: -1)) }
        try later.check(ended: from)
        try later.check(ended: nil)
    }

    @Test(arguments: [
        ("消费者电话13812345678", true), ("身份证37010219800101123X", true), ("卡号 6222 0212 3456 7890 123", true), ("统一社会信用代码92990101000000378N", false), ("罚款200000元", false),
    ])
    func whatIsPublishedHoldsNobodysNumbers(_ line: String, _ personal: Bool) {
        #expect((PersonalData.line(of: "第一行\n\(line)", but: ["92990101000000378N"])?.number == 2) == personal)
    }
}
