import Credit
import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// What ends by itself with a party or with a list, on both engines.
@Suite struct DeregisteredTests {
    /// A decided case with its penalty shown, as Enforcement leaves it.
    private func shown(_ o: TestOffice, _ op: ID<Operator>, tier: Display.Tier) async throws -> ID<Matter> {
        let (desk, now, gao) = (o.desk, o.clock.now, o.account(.gao))
        return try await desk.store.write { tx in
            var new = NewCase(
                cause: "经营超过保质期的食品", party: .init(kind: .organisation, name: "青溪区第一百货有限公司", code: nil, address: "柳荫路1号", head: nil, phone: nil), region: "990101", clue: "x",
                foundAt: now)
            new.operator = op
            let id = try CaseHandling(desk: desk).register(new, by: .staff(gao), at: now, tx).id
            var outcome = Outcome(.punish)
            (outcome.fine, outcome.tier) = (Money(yuan: "100000")!, .heavier)
            try tx.run(
                "UPDATE enforcement_cases SET decided = \(outcome.json.text), decided_on = \(now.day), fine = \(outcome.fine), decision_number = '示市监处罚〔2026〕9号' WHERE matter = \(id)"
            )
            try tx.run("UPDATE casework_matters SET outcome = 'punish' WHERE id = \(id)")
            try tx.run(
                "INSERT INTO enforcement_publications (matter, summary, body, tier, prepared_by, prepared_at, published_on, until) VALUES (\(id), '{}', 'x', \(tier.rawValue), \(gao.id), \(now), \(now.day), '2029-09-14')"
            )
            try tx.audit(
                "test", of: Reference(kind: "case", id: id.raw), by: "test", at: now,
                sealing: [
                    .init("enforcement_cases", key: "matter", id.raw), .init("casework_matters", id.raw), .init("enforcement_publications", key: "matter", id.raw),
                ])
            for job in ["credit.decided", "credit.published"] { try Jobs.add(job, [("matter", .int(id.raw))], at: now, tx) }
            return id
        }
    }
    private func listed(_ o: TestOffice, _ op: ID<Operator>) async throws -> ID<Matter> {
        let (desk, now) = (o.desk, o.clock.now), gao = Actor.staff(o.account(.gao)), he = Actor.staff(o.account(.he))
        return try await desk.store.write { tx in
            let m = try AbnormalHandling(desk: desk).open(.report, of: Operators.find(op, tx), years: [2025], found: "未年报", by: gao, at: now, tx)
            return try AbnormalHandling(desk: desk).apply("list", on: tx.abnormal(m), input: Form([]), by: he, at: now, tx).id
        }
    }

    @Test(arguments: TestEngine.available)
    func whoIsDeregisteredIsTakenOffTheListsAndNoLongerShown(_ engine: TestEngine) async throws {
        let o = try await CreditTests.office(engine), ids = try await CreditTests.operators(o), desk = o.desk
        let penalty = try await shown(o, ids[0], tier: .seriousRevocation), list = try await listed(o, ids[0])
        try await o.work()
        try await Deregistered.end(desk)
        #expect(try await desk.store.read { try $0.matter(list).state } == "listed")
        try await desk.store.write { tx in
            try tx.run("UPDATE operators SET status = 'deregistered' WHERE id = \(ids[0])")
            try tx.audit("test", of: Reference(kind: "operator", id: ids[0].raw), by: "test", at: o.clock.now, sealing: [.init("operators", ids[0].raw)])
        }
        for _ in 0..<2 { try await Deregistered.end(desk) }
        #expect(try await desk.store.read { try $0.matter(list).state } == "removed")
        let p = try #require(try await desk.store.read { try PublishedPenalty.of(penalty, $0) })
        #expect(p.endedOn == o.clock.now.day && p.ending == "deregistered")
        #expect(try await desk.store.read { try $0.count("SELECT count(*) AS n FROM credit_events WHERE kind IN ('unpublished', 'abnormal-removed')") } == 2)
        try await o.signInAgain()
        #expect(try await !o.get("/penalties").text.contains("第一百货"))
        #expect(try await o.get("/credit/\(list)", as: .he).text.contains("注销"))
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aPenaltyStopsBeingShownWithTheSeriousListUnlessItIsOneThatIsShownToItsEnd(_ engine: TestEngine) async throws {
        let o = try await CreditTests.office(engine), ids = try await CreditTests.operators(o), desk = o.desk, now = o.clock.now, gao = o.account(.gao)
        let tiers: [(Display.Tier, Bool)] = [(.seriousField, true), (.seriousRevocation, false)]
        for (i, (tier, ends)) in tiers.enumerated() {
            let penalty = try await shown(o, ids[i * 2], tier: tier)
            try await o.work()
            let input = Form([("ground", "5"), ("heavier", "1"), ("factor", "health"), ("factor", "goods"), ("intent", "yes"), ("reasons", "多次销售过期食品")])
            let id = try await desk.store.write { tx in
                let s = try SeriousHandling(desk: desk).open(input, of: tx.penaltyCase(penalty), by: gao, at: now, tx)
                try tx.run("UPDATE casework_matters SET state = 'published' WHERE id = \(s.id)")
                try tx.run("UPDATE credit_serious SET listed_on = \(now.day), published_on = \(now.day), until = \(now.day) WHERE matter = \(s.id)")
                try tx.audit(
                    "test", of: Reference(kind: "serious", id: s.id.raw), by: "test", at: now,
                    sealing: [.init("casework_matters", s.id.raw), .init("credit_serious", key: "matter", s.id.raw)])
                return s.id
            }
            try await desk.store.write { tx in try SeriousHandling(desk: desk).apply("remove", on: tx.serious(tx.matter(id)), input: Form([]), by: .system, at: now, tx) }
            #expect(try await desk.store.read { try PublishedPenalty.of(penalty, $0)?.endedOn != nil } == ends)
        }
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: [("2026-09-14", "2027-06-30"), ("2026-06-30", "2026-06-30"), ("2026-07-01", "2027-06-30")])
    func aMissingReportOfAnIndividualBusinessIsShownUntilTheNextEndOfJune(_ listed: String, _ until: String) {
        #expect(Abnormal.Ground.report.shownUntil(.individual, listed: Day(listed)!) == Day(until))
        #expect(Abnormal.Ground.report.shownUntil(.enterprise, listed: Day(listed)!) == nil)
    }
}
