import Enforcement
import Kernel
import Platform
import Statute
import Testing

/// The rules of a case, by tables.
@Suite struct RuleTests {
    private func yuan(_ n: Int) -> Money { Money(fen: Int64(n) * 100) }

    @Test func theDataIsReadAndItsViolationsHaveARange() throws {
        let all = try Penalties.load()
        #expect(all.violations.count >= 25)
        for v in all.violations { #expect(!v.ranges.isEmpty && !v.bans.isEmpty, "\(v.id)") }
        let law = try LawBook.load().register
        for v in all.violations { for a in v.bans + [v.penalty] { #expect(law[a.law] != nil, "\(v.id) cites \(a)") } }
        let lenient = try Leniency.load()
        for rule in lenient.rules { #expect(law[rule.article.law] != nil, "\(rule.id)") }
    }

    @Test(
        arguments: [
            ("M05", nil, false, false, 200_000, 1_000_000), ("M09", 10_000, false, false, 0, 50_000), ("M09", nil, false, false, 50_000, 500_000),
            ("M09", nil, false, true, 0, 100_000),
            ("M06", 5_000, false, false, 5_000, 15_000), ("M06", nil, true, false, 200_000, 1_000_000), ("X01", 9_999, false, false, 50_000, 100_000),
            ("X01", 10_000, false, false, 100_000, 200_000), ("M12", nil, true, false, 1_000_000, 2_000_000), ("M15", 1_000, false, false, 1_000, 5_000),
            ("M15", nil, false, false, 0, 300_000),
        ] as [(String, Int?, Bool, Bool, Int, Int)])
    func theRangeOfAFineFollowsItsArticle(id: String, base: Int?, serious: Bool, person: Bool, low: Int, high: Int) throws {
        let v = try #require(Penalties.shipped[id])
        let range = try Discretion.range(v, .init(base: base.map(yuan), isSerious: serious, isPerson: person))
        #expect(range == yuan(low)...yuan(high))
    }

    @Test func aFineOutsideItsTierIsRefusedAndALighterOneNeedsAGround() throws {
        let whole = yuan(200_000)...yuan(1_000_000)
        try Discretion.check(fine: yuan(200_000), tier: .lighter, in: whole, mitigating: ["remedied"], aggravating: [])
        try Discretion.check(fine: yuan(199_999), tier: .reduced, in: whole, mitigating: ["remedied"], aggravating: [])
        try Discretion.check(fine: yuan(600_000), tier: .ordinary, in: whole, mitigating: [], aggravating: [])
        #expect(throws: Refusal.self) { try Discretion.check(fine: yuan(200_000), tier: .lighter, in: whole, mitigating: [], aggravating: []) }
        #expect(throws: Refusal.self) { try Discretion.check(fine: yuan(200_000), tier: .ordinary, in: whole, mitigating: [], aggravating: []) }
        #expect(throws: Refusal.self) { try Discretion.check(fine: yuan(200_000), tier: .reduced, in: whole, mitigating: ["remedied"], aggravating: []) }
        #expect(throws: Refusal.self) { try Discretion.check(fine: yuan(990_000), tier: .heavier, in: whole, mitigating: [], aggravating: []) }
        #expect(throws: Refusal.self) { try Discretion.check(fine: yuan(10), tier: .reduced, in: yuan(0)...yuan(10_000), mitigating: ["remedied"], aggravating: []) }
    }

    @Test(
        arguments: [
            // violation, change, serious, tier, with a ground, the field that is refused
            ("M05", "fine0", false, "ordinary", true, "/fine"), ("M05", "fine0", false, "reduced", false, "/fine"), ("M05", "fine0", false, "reduced", true, nil),
            ("M12", "fine0", false, "reduced", true, nil), ("M12", "fine0", false, "lighter", true, "/fine"), ("M01", "fine0", false, "ordinary", false, nil),
            ("M17", "fine0", false, "ordinary", false, nil), ("M17", "fine0", true, "ordinary", false, "/fine"), ("X02", "criticism", false, "ordinary", false, "/criticism"),
            ("X02", "suspension", true, "ordinary", false, nil), ("X02", "suspension", false, "ordinary", false, "/restriction"),
            ("X02", "closure", true, "ordinary", false, "/restriction"), ("M05", "suspension", true, "ordinary", false, "/restriction"),
            ("M05", "revocation", true, "ordinary", false, nil), ("M11", "revocation", true, "ordinary", false, "/restriction"),
            ("M05", "goods", false, "ordinary", false, "/goods"),
            ("M12", "warning", false, "ordinary", false, "/warning"), ("M15", "warning", false, "ordinary", false, nil),
        ] as [(String, String, Bool, String, Bool, String?)])
    func aPenaltyIsOneTheArticleKnowsAndAFineThatIsDueIsNotLeftOut(id: String, change: String, serious: Bool, tier: String, ground: Bool, refused: String?) throws {
        let v = try #require(Penalties.shipped[id])
        var o = Outcome(.punish)
        (o.tier, o.fine) = (try #require(Discretion.Tier(rawValue: tier)), yuan(1))
        switch change {
        case "fine0": (o.fine, o.confiscated) = (yuan(0), yuan(1))
        case "criticism": o.criticism = true
        case "goods": o.goods = "一批"
        case "warning": o.warning = true
        default: o.restriction = try #require(Outcome.Restriction(rawValue: change))
        }
        do throws(Refusal) {
            try v.check(o, serious: serious, mitigating: ground ? ["remedied"] : [])
            #expect(refused == nil, "\(id) \(change) passed")
        } catch { #expect(error.fields.first?.pointer == refused, "\(id) \(change)") }
    }

    @Test func whatWasRefundedIsNotConfiscatedAndStillCounts() throws {
        let net = try IllegalIncome.reckon(.net, receipts: yuan(1000), costs: yuan(600), taxes: yuan(50), refunded: yuan(100))
        #expect(net.counted == yuan(350))
        #expect(net.confiscated == yuan(250))
        let over = try IllegalIncome.reckon(.overcharge, receipts: yuan(1000), costs: yuan(0), taxes: yuan(0), refunded: yuan(1000))
        #expect(over.counted == yuan(1000) && over.confiscated == yuan(0))
        #expect(throws: Refusal.self) { try IllegalIncome.reckon(.gross, receipts: yuan(1000), costs: yuan(1), taxes: yuan(0), refunded: yuan(0)) }
        #expect(throws: Refusal.self) { try IllegalIncome.reckon(.net, receipts: yuan(1000), costs: yuan(1001), taxes: yuan(0), refunded: yuan(0)) }
    }

    @Test func aHearingIsOfferedFromTheSumsOnWhoeverIsPunished() {
        func punish(_ change: (inout Outcome) -> Void) -> Outcome {
            var o = Outcome(.punish)
            change(&o)
            return o
        }
        #expect(Gates.hearing(punish { $0.fine = yuan(10_000) }, of: .person))
        #expect(!Gates.hearing(punish { $0.fine = Money(fen: 999_999) }, of: .person))
        #expect(Gates.hearing(punish { $0.fine = yuan(10_000) }, of: .individual))
        #expect(Gates.hearing(punish { $0.fine = yuan(100_000) }, of: .organisation))
        #expect(!Gates.hearing(punish { $0.fine = yuan(99_999) }, of: .organisation))
        #expect(
            Gates.hearing(
                punish {
                    $0.confiscated = yuan(60_000); $0.goodsValue = yuan(40_000)
                }, of: .organisation))
        #expect(
            !Gates.hearing(
                punish {
                    $0.fine = yuan(60_000); $0.confiscated = yuan(60_000)
                }, of: .organisation))
        #expect(Gates.hearing(punish { $0.restriction = .suspension }, of: .organisation))
    }

    @Test func anActIsPunishableForTwoYearsAndForFiveWhereItIsGrave() {
        let ended = Day("2024-03-01")!
        #expect(!Gates.limitation(ended: ended, discovered: Day("2026-03-01")!, grave: false).passed)
        #expect(Gates.limitation(ended: ended, discovered: Day("2026-03-02")!, grave: false).passed)
        #expect(!Gates.limitation(ended: ended, discovered: Day("2029-03-01")!, grave: true).passed)
        #expect(Gates.limitation(ended: Day("2024-02-29")!, discovered: Day("2026-03-01")!, grave: false).passed)
    }

    @Test func theSurchargeIsThreePerCentADayAndNeverMoreThanTheFine() {
        let (fine, due) = (yuan(10_000), Day("2026-11-02")!)
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: due).fen == 0)
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2026-11-03")!) == yuan(300))
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2026-12-05")!) == yuan(9900))
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2026-12-06")!) == fine)
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2028-01-01")!) == fine)
        // Half is paid on the second late day: two days of the whole, then of the half.
        // Illegal income under the price rules: two per mille a day (PRP art. 21).
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2026-11-03")!, perMille: 2) == yuan(20))
        #expect(Gates.surcharge(of: fine, paid: [(Day("2026-11-04")!, yuan(5000))], due: due, on: Day("2026-11-05")!) == yuan(750))
        #expect(Gates.surcharge(of: fine, paid: [], due: due, on: Day("2026-11-06")!, notCounted: [Day("2026-11-03")!...Day("2026-11-04")!]) == yuan(600))
    }

    @Test(arguments: [
        ("auditor", "officer", false), ("host", "officer", false), ("officer", "auditor", false), ("approver", "officer", false), ("approver", "auditor", true),
        ("host", "auditor", false),
        ("auditor", "approver", true), ("officer", "officer", true), ("preparer", "officer", true), ("clerk", "officer", false),
    ])
    func whoHadOnePartMayNotHaveTheOther(role: String, had: String, may: Bool) {
        let role = Separation.Role(rawValue: role)!, held = Set([Separation.Role(rawValue: had)!])
        if may {
            #expect(throws: Never.self) { try Separation.check(role, held: held, recused: false) }
        } else {
            #expect(throws: Refusal.self) { try Separation.check(role, held: held, recused: false) }
        }
        #expect(throws: Refusal.self) { try Separation.check(role, held: [], recused: true) }
    }

    @Test func leniencyIsMetOnlyWhenEveryConditionIsAndNothingExcludesIt() throws {
        let all = Leniency.shipped, rule = try #require(all["first"])
        let yes = ["first": true, "slight": true, "corrected": true]
        #expect(try all.assess(rule, answers: yes, earlier: 0, excluded: []).isMet)
        #expect(try !all.assess(rule, answers: ["first": true, "slight": false, "corrected": true], earlier: 0, excluded: []).isMet)
        #expect(try !all.assess(rule, answers: yes, earlier: 0, excluded: ["fraud"]).isMet)
        #expect(throws: Refusal.self) { try all.assess(rule, answers: yes, earlier: 1, excluded: []) }
        #expect(throws: Refusal.self) { try all.assess(rule, answers: ["first": true], earlier: 0, excluded: []) }
        // Lists and rules have their days.
        #expect(all.lists(on: Day("2025-02-06")!).isEmpty)
        #expect(all.lists(on: Day("2025-02-07")!).count == 2)
        // What held when the act was done is not taken from the party by a later day, and the other way round.
        #expect(all.lists(on: Day("2025-02-06")!, acted: Day("2025-02-07")!).count == 2)
        #expect(all.lists(on: Day("2025-02-07")!, acted: Day("2025-02-06")!).count == 2)
        #expect(!all.rules(for: "M12", on: Day("2025-10-14")!).contains { $0.id == "competition" })
        #expect(all.rules(for: "M12", on: Day("2025-10-15")!).contains { $0.id == "competition" })
        #expect(Leniency.tolerated(registered: Day("2026-01-10")!, on: Day("2027-01-10")!, months: 12))
        #expect(!Leniency.tolerated(registered: Day("2026-01-10")!, on: Day("2027-01-11")!, months: 12))
    }

    @Test func theTimeOfDisplayFollowsTheTier() {
        func punish(_ change: (inout Outcome) -> Void) -> Outcome {
            var o = Outcome(.punish)
            change(&o)
            return o
        }
        let day = Day("2026-03-31")!
        #expect(Display.tier(punish { $0.warning = true }, area: nil, party: .organisation) == .none)
        #expect(
            Display.tier(
                punish {
                    $0.fine = yuan(50_000); $0.tier = .lighter
                }, area: "food", party: .organisation) == .light)
        #expect(
            Display.tier(
                punish {
                    $0.fine = yuan(50_001); $0.tier = .lighter
                }, area: nil, party: .organisation) == .general)
        #expect(
            Display.tier(
                punish {
                    $0.fine = yuan(5_001); $0.tier = .lighter
                }, area: nil, party: .person) == .general)
        #expect(Display.tier(punish { $0.fine = yuan(1_000) }, area: "food", party: .organisation) == .seriousField)
        #expect(Display.tier(punish { $0.restriction = .suspension }, area: nil, party: .organisation) == .seriousRestriction)
        #expect(Display.tier(punish { $0.restriction = .revocation }, area: "food", party: .organisation) == .seriousRevocation)
        #expect(Display.days(.light, from: day, restrictedUntil: nil) == (nil, Day("2026-06-30")!))
        #expect(Display.days(.general, from: day, restrictedUntil: nil) == (Day("2026-06-30")!, Day("2027-03-31")!))
        let long = Display.days(.seriousRestriction, from: day, restrictedUntil: Day("2030-01-01")!)
        #expect(long.early == Day("2030-01-02")! && long.until == Day("2030-01-01")!)
        #expect(Display.days(.seriousRevocation, from: day, restrictedUntil: nil).early == nil)
    }
}
