import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Income, refunds, payments that were entered wrongly, orders that come first; on both engines.
@Suite struct CaseMoneyTests {
    private typealias Room = CaseTests.Room
    private func told(_ room: Room, _ violation: String, _ fields: [(String, String)]) async throws -> ID<Matter> {
        let id = try await room.file(violation)
        try await room.make("conclude", id, .gao, fields)
        try await room.make("audit-agree", id, .jiang, Room.checks + [("opinion", "同意")])
        try await room.make("approve-notice", id, .he)
        try await room.make("serve-notice", id, .gao, Room.served("2026-09-14"))
        try await room.make("waive", id, .gao, [("note", "书面放弃")])
        try await room.make("to-decision", id, .gao)
        return id
    }
    private static let price: [(String, String)] = [
        ("facts", "多收价款"), ("nature", "价格欺诈"), ("violation", "M09"), ("outcome", "punish"), ("fine", "20000"), ("tier", "lighter"), ("factor", "remedied"), ("reasons", "主动整改"),
        ("income-kind", "overcharge"), ("receipts", "20000"), ("refund", "20000"),
    ]

    @Test(arguments: TestEngine.available)
    func whatWasToldToBeGivenBackIsOrderedBeforeTheDecisionOnceAndNotConfiscatedBeside(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await told(room, "M09", Self.price)
        let notice = try await room.office.desk.store.read { try $0.one("SELECT body FROM casework_documents WHERE matter = \(id) AND form = 'penalty-notice'")?.string("body") }
        #expect(notice?.contains("拟责令退还多收价款：20000") == true)
        await room.refused(.conflict, "decide", id, .he)
        await room.refused(.invalid, "order-refund", id, .he, [("amount", "20000.01"), ("days", "10")])
        try await room.make("order-refund", id, .he, [("amount", "20000"), ("days", "10")])
        await room.refused(.invalid, "refunded", id, .gao, [("refunded", "20000.01"), ("result", "x")])
        try await room.make("refunded", id, .gao, [("refunded", "15000"), ("result", "退还三十名消费者")])
        await room.refused(.invalid, "order-refund", id, .he, [("amount", "1"), ("days", "10")])
        // What was given back is not taken again; less than the rest needs its reason.
        await room.refused(.invalid, "decide", id, .he, [("confiscated", "5000.01")])
        await room.refused(.invalid, "decide", id, .he, [("confiscated", "0")])
        await room.refused(.invalid, "decide", id, .he, [("fine", "")])
        try await room.make("decide", id, .he)
        let c = try await room.c(id)
        #expect(c.confiscated == Money(yuan: "5000") && c.fine == Money(yuan: "20000"))
        let decision = try await room.office.desk.store.read {
            try $0.one("SELECT body FROM casework_documents WHERE matter = \(id) AND form = 'penalty-decision'")?.string("body")
        }
        // The waiver is said, and what was typed as a name is a sentence.
        #expect(decision?.contains("当事人书面放弃陈述、申辩") == true && decision?.contains("当事人的上述行为属于价格欺诈。") == true)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whereTheArticleTakesIncomeAndGoodsTheyAreAskedForWhateverTheFineIsReckonedFrom(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.file("X01")
        let base: [(String, String)] = [
            ("facts", "经营超过保质期的食品"), ("nature", "x"), ("violation", "X01"), ("outcome", "punish"), ("fine", "70000"), ("tier", "ordinary"), ("base", "900"), ("reasons", "y"),
        ]
        func field(_ more: [(String, String)]) async -> String? {
            do { try await room.make("conclude", id, .gao, base + more) } catch { return (error as? Refusal)?.fields.first?.pointer }
            return nil
        }
        #expect(await field([]) == "/receipts")
        #expect(await field([("receipts", "0")]) == "/goods")
        #expect(await field([("receipts", "0"), ("goods-none", "已全部售出"), ("violation", "M99")]) == nil)
        #expect(try await room.c(id).proposed?.reasons.contains("没有可以没收的物品：已全部售出") == true)
    }

    @Test(arguments: TestEngine.available)
    func anArticleThatIsYoungerThanTheActIsLeftByChoosingNoneOfTheList(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await room.file("M05")
        try await room.office.desk.store.write { tx in
            try tx.run("UPDATE enforcement_cases SET violation = 'M20' WHERE matter = \(id)")
            try tx.audit("test", of: Reference(kind: "case", id: id.raw), by: "test", at: room.office.clock.now, sealing: [.init("enforcement_cases", key: "matter", id.raw)])
        }
        let none = Room.light.map { $0.0 == "violation" ? ("violation", "") : $0 }
        await room.refused(.invalid, "conclude", id, .gao, none)
        await room.refused(.invalid, "conclude", id, .gao, none.map { $0.0 == "violation" ? ("violation", "M99") : $0 } + [("bans", "AD-9"), ("penalty", "AD-57")])
        try await room.make("conclude", id, .gao, none + [("bans", "AD-9(3)"), ("penalty", "AD-57")])
        let c = try await room.c(id)
        #expect(c.violation == nil && c.penalty == "AD-57")
    }

    @Test(arguments: TestEngine.available)
    func aPaymentThatWasEnteredWronglyIsTakenBackByTheHeadAndTheTimeToPayRunsAgain(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let id = try await told(room, "M05", Room.light)
        try await room.make("decide", id, .he)
        try await room.make("serve", id, .gao, Room.served("2026-09-14"))
        let slip: [(String, String)] = [("kind", "fine"), ("amount", "200000"), ("on", "2026-09-14"), ("way", "bank"), ("reference", "R1")]
        try await room.make("pay", id, .gao, slip)
        #expect(try await room.c(id).matter.state == "closing")
        let payment = try await room.office.desk.store.read { try $0.one("SELECT id FROM enforcement_payments")!.int("id") }
        await room.refused(.forbidden, "reverse-payment-closing", id, .gao, [("payment", "\(payment)"), ("reason", "他案缴款")])
        await room.refused(.invalid, "reverse-payment-closing", id, .he, [("payment", "\(payment)")])
        try await room.make("reverse-payment-closing", id, .he, [("payment", "\(payment)"), ("reason", "他案缴款")])
        await room.refused(.conflict, "reverse-payment-closing", id, .he, [("payment", "\(payment)"), ("reason", "x")])
        await room.refused(.invalid, "reverse-payment", id, .he, [("payment", "\(payment)"), ("reason", "x")])
        let c = try await room.c(id)
        #expect(c.matter.state == "served" && c.ending == nil)
        let clocks = try await room.clocks(id)
        #expect(clocks["P12"]?.state == "open" && clocks["P15"]?.state == "void")
        let open = try await room.office.desk.store.read { try Performance.of(c, on: Day("2026-09-14")!, $0) }
        #expect(open.unpaidFine == Money(yuan: "200000") && open.reversed.count == 1)
        #expect(try await room.office.desk.store.read { try $0.one("SELECT paid FROM insight_cases WHERE matter = \(id)")!.int("paid") } == 0)
        #expect(try await room.office.get("/cases/\(id)", as: .he).text.contains("他案缴款"))
        // The slip is free for the payment whose it is.
        try await room.make("pay", id, .gao, slip)
        #expect(try await room.c(id).matter.state == "closing")
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func anOrderCountsAsNotFollowedOnceItWasLookedAtAfterItsTime(_ engine: TestEngine) async throws {
        let room = try await Room(engine)
        let guidance = GuidanceHandling(desk: room.office.desk), gao = Actor.staff(room.office.account(.gao)), at = room.office.clock.now
        let id = try await room.file("M22")
        let order = try await room.office.desk.store.write { tx in
            var new = GuidanceHandling.New(.order, party: "青溪区福临超市", address: "中兴路12号", issues: "未展示", asked: "展示", basis: "《直播电商监督管理办法》第五十八条", region: "990101")
            (new.due, new.violation, new.ofMatter) = (Day("2026-09-20"), "M22", try tx.matter(id))
            return try guidance.open(new, by: gao, at: at, code: "ABCD2345", tx).id
        }
        func look(_ move: String) async throws {
            let now = room.office.clock.now
            try await room.office.desk.store.write { tx in try guidance.apply(move, on: tx.guidance(tx.matter(order)), input: Form([("found", "仍未展示")]), by: gao, at: now, tx) }
        }
        let fields: [(String, String)] = [
            ("facts", "x"), ("nature", "y"), ("violation", "M22"), ("outcome", "punish"), ("fine", "5000"), ("tier", "ordinary"), ("reasons", "逾期不改正"),
        ]
        await room.refused(.invalid, "conclude", id, .gao, fields)
        // Within its time nobody can say that it was not followed.
        room.office.clock.set("2026-09-20T16:00")
        await #expect { try await look("fail") } throws: { ($0 as? Refusal)?.kind == .conflict }
        room.office.clock.set("2026-09-21T09:00")
        await room.refused(.invalid, "conclude", id, .gao, fields)
        try await look("fail")
        try await room.make("conclude", id, .gao, fields)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: [
        ("青溪区福临超市", "青溪区福临超市", true), ("福临超市", "青溪区福临超市", true), ("青溪区 福临超市", "青溪区福临超市", true), ("晨光食品有限公司", "青溪区福临超市", false), ("超市", "青溪区福临超市", false),
    ])
    func aCodeBelongsToTheNameThatIsRegistered(_ typed: String, _ registered: String, _ same: Bool) { #expect(PartyName.isSame(typed, registered) == same) }
}
