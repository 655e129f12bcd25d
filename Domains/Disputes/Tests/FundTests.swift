import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Funds: to the fen, never below zero, never edited, never paid twice.
@Suite struct FundTests {
    func fund(_ office: TestOffice, holding yuan: String = "1000", caseCap: String = "500", totalCap: String = "100000", region: String = "990101") async throws -> ID<Fund> {
        let made = try await office.post(
            "/funds", as: .he,
            [("name", "F\(UInt64.random(in: 0 ... .max))"), ("holder", "福临商场"), ("sponsor", "operator"), ("region", region), ("caseCap", caseCap), ("totalCap", totalCap)])
        let id = try #require(made.location?.split(separator: "/").last.flatMap { ID<Fund>(String($0)) }, "\(made.text)")
        if yuan != "0" { #expect(try await office.post("/funds/\(id)/contribute", as: .he, [("amount", yuan), ("note", "首笔")]).status == 303) }
        return id
    }
    /// A complaint that was taken up, and what its claim says.
    func complaint(_ office: TestOffice, amount: String = "399.00", _ n: Int = 0) async throws -> Matter {
        let c = try await office.file {
            $0.amount = Money(yuan: amount)
            $0.facts = "第\(n)台电饭煲用了三天就不通电，商家不肯退换。"
        }
        return try await office.apply("accept", on: c, by: .lin)
    }
    static func claim(_ fund: ID<Fund>, _ amount: String = "399.00", _ change: [(String, String)] = []) -> [(String, String)] {
        [("fund", "\(fund)"), ("amount", amount), ("liable", "finding"), ("cause", "unreachable"), ("evidence", "yes"), ("basis", "电话三次未接，现场已关门，询问笔录1份")].filter { pair in
            !change.contains { $0.0 == pair.0 }
        }
            + change
    }
    func applied(_ office: TestOffice, _ fund: ID<Fund>, _ n: Int = 0) async throws -> String {
        let c = try await complaint(office, n)
        return try #require(try await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund)).location)
    }
    func state(_ office: TestOffice, _ fund: ID<Fund>) async throws -> (balance: String, paid: String, agrees: Bool) {
        try await office.desk.store.read { tx in
            let f = try tx.fund(fund)
            return (f.balance.plain, f.paid.plain, try FundLedger.reconcile(f, tx).agrees)
        }
    }

    @Test(arguments: TestEngine.available)
    func aClaimIsGrantedByOnePaidByAnotherAndRecovered(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let fund = try await fund(office)
        let path = try await applied(office, fund)
        // The head grants; the head cannot pay; the clerk pays, once.
        #expect(try await office.post("\(path)/moves/approve", as: .wu, [("reason", "符合")]).status == 403)
        #expect(try await office.post("\(path)/moves/approve", as: .he, [("reason", "符合")]).status == 303)
        #expect(try await office.post("\(path)/moves/pay", as: .he, [("reference", "A1"), ("channel", "phone")]).status == 403)
        #expect(try await office.post("\(path)/moves/pay", as: .lin, [("reference", "A1"), ("channel", "phone")]).status == 303)
        #expect(try await office.post("\(path)/moves/pay", as: .lin, [("reference", "A1"), ("channel", "phone")]).status == 409)
        #expect(try await state(office, fund) == ("601.00", "399.00", true))
        #expect(try await office.post("\(path)/moves/recover", as: .lin, [("amount", "399.01"), ("reference", "B1")]).status == 422)
        #expect(try await office.post("\(path)/moves/recover", as: .lin, [("amount", "100.50"), ("reference", "B1")]).status == 303)
        #expect(try await state(office, fund) == ("701.50", "298.50", true))
        #expect(try await office.post("\(path)/moves/recover", as: .lin, [("amount", "298.50"), ("reference", "B2")]).status == 303)
        #expect(try await state(office, fund) == ("1000.00", "0.00", true))
        #expect(try await office.get(path, as: .lin).text.contains("已追回"))
        let book = try await office.get("/funds/\(fund)/export", as: .qian)
        #expect(book.status == 200 && book.bytes.starts(with: [0x50, 0x4B]))
        #expect(try await office.verify().findings.isEmpty)
    }

    /// Each condition that is not met is named; nothing is saved.
    @Test func aClaimThatMeetsNoConditionIsRefusedByEachField() async throws {
        let office = try await TestOffice(.sqlite)
        let fund = try await fund(office)
        let zhou = try #require(office.accounts[.zhou])
        let elsewhere = try await office.desk.store.write { tx in
            try Fund.open(
                name: "别处", holder: "商会", sponsor: .merchants, region: "990102", caseCap: Money(fen: 50_000), totalCap: Money(fen: 500_000), by: zhou, at: office.clock.now, tx)
        }
        // Not the other district's: neither seen, nor kept, nor exported.
        for path in ["/funds/\(elsewhere)", "/funds/\(elsewhere)/export"] { #expect(try await office.get(path, as: .he).status == 404) }
        #expect(try await office.post("/funds/\(elsewhere)/contribute", as: .he, [("amount", "1"), ("note", "x")]).status == 404)
        let c = try await complaint(office, amount: "600.00")
        for (change, field) in [
            ([("amount", "501")], "amount"), ([("amount", "0")], "amount"), ([("amount", "abc")], "amount"), ([("liable", "agreement")], "liable"), ([("cause", "other")], "cause"),
            ([("evidence", "no")], "evidence"), ([("basis", "无")], "basis"), ([("liable", "admitted")], "liable"), ([("fund", "\(elsewhere)")], "fund"),
        ] as [([(String, String)], String)] {
            let answer = try await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund, "400", change))
            #expect(answer.status == 422 && answer.text.contains("#f-\(field)"), "\(change)")
        }
        // Only the loss itself, and only where the complaint was taken up.
        let small = try await complaint(office, amount: "88.00", 1)
        #expect(try await office.post("/disputes/\(small.id)/fund-claim", as: .wu, Self.claim(fund, "88.01")).text.contains("只赔付实际损失"))
        let fresh = try await office.file { $0.facts = "还没有受理的一件投诉" }
        #expect(try await office.post("/disputes/\(fresh.id)/fund-claim", as: .wu, Self.claim(fund)).status == 409)
        #expect(try await office.desk.store.read { try $0.count("SELECT count(*) AS n FROM disputes_fund_claims") } == 0)
        // One claim a complaint; after a refusal another may be made.
        let path = try #require(try await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund)).location)
        #expect(try await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund)).status == 409)
        #expect(try await office.post("\(path)/moves/refuse", as: .he, [("reason", "证据不足")]).status == 303)
        #expect(try await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund)).status == 303)
    }

    /// A hundred at once on money for forty: forty are paid, the balance ends at what is left, nothing is lost or paid twice.
    @Test(arguments: TestEngine.available)
    func aHundredClaimsAtOnceNeverTakeMoreThanThereIs(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let fund = try await fund(office, holding: "4050.00")
        let (desk, now, lin) = (office.desk, office.clock.now, office.account(.lin))
        let paid = await withTaskGroup(of: Bool.self) { group in
            for i in 0..<100 {
                group.addTask {
                    (try? await desk.store.write { tx in try FundLedger.post(.pay, Money(fen: 10_000), on: fund, note: "第\(i)件", by: .staff(lin), at: now, tx) }) != nil
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(paid == 40)
        #expect(try await state(office, fund) == ("50.00", "4000.00", true))
        #expect(try await desk.store.read { try FundLedger.statement(fund, $0) }.allSatisfy { $0.balance.fen >= 0 })
        #expect(try await office.verify().findings.isEmpty)
    }

    /// Ten press pay on one claim, ten apply for one complaint: one of each goes through.
    @Test(arguments: TestEngine.available)
    func oneClaimIsPaidOnceHoweverManyPress(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let fund = try await fund(office)
        let c = try await complaint(office)
        let statuses = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<10 { group.addTask { (try? await office.post("/disputes/\(c.id)/fund-claim", as: .wu, Self.claim(fund)).status) ?? 0 } }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(statuses.filter { $0 == 303 }.count == 1 && statuses.filter { $0 == 409 }.count == 9, "\(statuses)")
        let id = try await office.desk.store.read { try $0.one("SELECT matter FROM disputes_fund_claims WHERE active = 1")!.int("matter") }
        #expect(try await office.post("/fund-claims/\(id)/moves/approve", as: .he, [("reason", "符合")]).status == 303)
        let pays = await withTaskGroup(of: Int.self) { group in
            for i in 0..<10 { group.addTask { (try? await office.post("/fund-claims/\(id)/moves/pay", as: .lin, [("reference", "P\(i)"), ("channel", "phone")]).status) ?? 0 } }
            return await group.reduce(into: [Int]()) { $0.append($1) }
        }
        #expect(pays.filter { $0 == 303 }.count == 1 && pays.filter { $0 == 409 }.count == 9, "\(pays)")
        #expect(try await state(office, fund) == ("601.00", "399.00", true))
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aPostingIsReversedOnceAndNeverEdited(_ engine: TestEngine) async throws {
        let office = try await TestOffice(engine)
        let fund = try await fund(office)
        let first = try await office.desk.store.read { try FundLedger.statement(fund, $0)[0].id }
        #expect(try await office.post("/funds/\(fund)/withdraw", as: .he, [("amount", "1000.01"), ("note", "x")]).status == 422)
        #expect(try await office.post("/funds/\(fund)/close", as: .he, [("note", "x")]).status == 409)
        // Asked for by one, carried out by another: until then nothing moves.
        #expect(try await office.post("/funds/\(fund)/reverse", as: .he, [("posting", "\(first)"), ("note", "录错")]).status == 303)
        #expect(try await state(office, fund) == ("1000.00", "0.00", true))
        let order = try await office.desk.store.read { try FundOrder.open(fund, $0)[0].id }
        #expect(try await office.post("/funds/\(fund)/orders/\(order)", as: .he, [("decision", "grant")]).status == 403)
        #expect(try await office.post("/funds/\(fund)/orders/\(order)", as: .wu, [("decision", "grant")]).status == 403)
        #expect(try await office.post("/funds/\(fund)/orders/\(order)", as: .lin, [("decision", "grant")]).status == 303)
        #expect(try await office.post("/funds/\(fund)/orders/\(order)", as: .lin, [("decision", "grant")]).status == 409)
        #expect(try await state(office, fund) == ("0.00", "0.00", true))
        #expect(try await office.post("/funds/\(fund)/reverse", as: .he, [("posting", "\(first)"), ("note", "录错")]).status == 409)
        #expect(try await office.post("/funds/\(fund)/reverse", as: .he, [("posting", "\(first + 1)"), ("note", "录错")]).status == 409)
        #expect(try await office.post("/funds/\(fund)/close", as: .he, [("note", "停用")]).status == 303)
        #expect(try await office.post("/funds/\(fund)/contribute", as: .he, [("amount", "1"), ("note", "x")]).status == 409)
        // Whoever changes an entry behind the ledger's back is found.
        _ = try await office.desk.store.write { try $0.run("UPDATE disputes_entries SET amount = amount + 1 WHERE id = (SELECT min(id) FROM disputes_entries)") }
        #expect(try await !state(office, fund).agrees)
        #expect(try await !office.verify().findings.isEmpty)
    }

    /// A payment recorded wrongly is taken back by another; nobody is compensated twice; both sides read it.
    @Test func aWrongPaymentIsTakenBackAndNothingIsPaidTwice() async throws {
        let office = try await TestOffice(.sqlite)
        let fund = try await fund(office)
        let path = try await applied(office, fund)
        #expect(try await office.post("\(path)/moves/approve", as: .he, [("reason", "符合")]).status == 303)
        #expect(try await office.post("\(path)/moves/pay", as: .lin, [("reference", "A"), ("channel", "phone")]).status == 303)
        #expect(try await office.post("\(path)/moves/recover", as: .lin, [("amount", "99"), ("reference", "B")]).status == 303)
        #expect(try await office.post("\(path)/moves/void-payment", as: .he, [("reason", "付错")]).status == 409)
        #expect(try await office.post("\(path)/moves/void-recovery", as: .lin, [("reason", "记错")]).status == 403)
        #expect(try await office.post("\(path)/moves/void-recovery", as: .he, [("reason", "记错")]).status == 303)
        #expect(try await state(office, fund) == ("601.00", "399.00", true))
        #expect(try await office.get("\(path)/letter", as: .lin).text.contains("追偿人民币399.00元"))
        #expect(try await office.post("\(path)/moves/void-payment", as: .he, [("reason", "付错")]).status == 303)
        #expect(try await state(office, fund) == ("1000.00", "0.00", true))
        // The merchant promises meanwhile: the fund waits.
        let c = try await office.desk.store.read { tx in try tx.complaint(tx.matter(tx.one("SELECT complaint FROM disputes_fund_claims")!.id("complaint"))) }
        let now = office.clock.now
        let negotiation = Negotiation(handling: office.handling)
        try await office.desk.store.write { tx in
            try negotiation.offer(c, by: "respondent", input: Form([("remedy", "refund"), ("amount", "399"), ("by", now.day.adding(days: 3).description)]), at: now, tx)
            try negotiation.accept(Negotiation.offers(c.matter.id, tx)[0].id, in: c, by: "complainant", at: now, tx)
        }
        let refused = try await office.post("\(path)/moves/pay", as: .lin, [("reference", "C"), ("channel", "phone")])
        #expect(refused.status == 409 && refused.text.contains("届时未履行再赔付"))
        // It does not keep it: the fund pays, and the merchant settles nothing more.
        office.clock.set("\(now.day.adding(days: 5))T10:00:00+08:00")
        try await office.signInAgain()
        #expect(try await office.post("\(path)/moves/pay", as: .lin, [("reference", "C"), ("channel", "phone")]).status == 303)
        // Money is still owed: the fund stays open for it.
        #expect(try await office.post("/funds/\(fund)/close", as: .he, [("note", "停用")]).text.contains("赔付未了结"))
        #expect(try await office.post("/disputes/\(c.matter.id)/moves/draft", as: .wu, [("agreement", "再退一次"), ("by", "2026-12-30")]).status == 409)
        #expect(try await office.verify().findings.isEmpty)
    }

    @Test func whatIsPaidAndNotRecoveredStaysUnderTheCapInAll() async throws {
        let office = try await TestOffice(.sqlite)
        let fund = try await fund(office, holding: "5000", caseCap: "500", totalCap: "600")
        var paths: [String] = []
        for n in 0..<2 {
            paths.append(try await applied(office, fund, n))
            #expect(try await office.post("\(paths[n])/moves/approve", as: .he, [("reason", "符合")]).status == 303)
        }
        #expect(try await office.post("\(paths[0])/moves/pay", as: .lin, [("reference", "A"), ("channel", "phone")]).status == 303)
        #expect(try await office.post("\(paths[1])/moves/pay", as: .lin, [("reference", "B"), ("channel", "phone")]).status == 409)
        // Written off it still counts; recovered it does not.
        #expect(try await office.post("\(paths[0])/moves/recover", as: .lin, [("amount", "399"), ("reference", "C")]).status == 303)
        #expect(try await office.post("\(paths[1])/moves/pay", as: .lin, [("reference", "B"), ("channel", "phone")]).status == 303)
        #expect(try await office.post("\(paths[1])/moves/write-off", as: .he, [("reason", "商家注销")]).status == 303)
        #expect(try await state(office, fund) == ("4601.00", "399.00", true))
    }
}
