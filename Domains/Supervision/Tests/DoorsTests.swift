import Credit
import Enforcement
import Kernel
import Platform
import Store
import Supervision
import TestSupport
import Testing
import Web

/// What may not be done is refused at every door: the page, the API, a job; for each kind of matter that the law's loop knows, on both engines.
@Suite struct DoorsTests {
    /// One of each kind, some a step further.
    private func matters(_ o: TestOffice) async throws -> [Matter] {
        let (desk, now) = (o.desk, o.clock.now), gao = o.account(.gao), he = o.account(.he)
        let people = [Persona.gao, .shen].map { o.account($0).id.raw }
        return try await desk.store.write { tx in
            let codes = (0..<3).map { USCC.completing("91990101" + String(100_000_000 + $0)) }
            _ = try OperatorImport.insert(
                codes.map { code in
                    OperatorImport.Entry(
                        uscc: code, name: "青溪区\(code.suffix(4))百货有限公司", kind: .enterprise, status: .active, address: "青溪区柳荫路1号", region: "990101001", industry: "5212",
                        representative: "陈", phone: "", registeredOn: Day("2020-01-01"), shop: nil)
                }, at: now, tx)
            for (i, account) in people.enumerated() { try Certificates.save(account, number: "ZF\(i)", validTo: Day("2027-12-31")!, legal: false, by: "test", at: now, tx) }
            try InspectionItem.takeInShipped(at: now, tx)
            let ops = try codes.map { try Operators.find(uscc: $0, tx)! }
            let cases = CaseHandling(desk: desk), officer = Actor.staff(gao), head = Actor.staff(he)
            var all: [Matter] = []
            let new = NewCase(
                cause: "广告使用绝对化用语", party: .init(kind: .organisation, name: "福临超市", code: nil, address: "中兴路12号", head: nil, phone: nil), region: "990101", clue: "x", foundAt: now)
            all.append(try cases.register(new, by: officer, at: now, tx))
            let filed = try cases.register(new, by: officer, at: now, tx).id
            let proposal: [(String, String)] =
                [("findings", "属实"), ("cause", "x"), ("violation", "M05"), ("act-to", "2026-09-10"), ("jurisdiction", "actual"), ("proposal", "file")]
                + (1...4).map { ("condition\($0)", "yes") }
            try cases.apply("propose-filing", on: tx.penaltyCase(filed), input: Form(proposal), by: officer, at: now, tx)
            all.append(try cases.apply("file", on: tx.penaltyCase(filed), input: Form(people.map { ("officers", String($0)) }), by: head, at: now, tx))
            let goods = Form([("kind", "seizure"), ("goods", "电饭煲|3L|20台|未拆封"), ("place", "仓库"), ("basis", "《中华人民共和国广告法》第四十九条"), ("second", "\(people[1])")])
            all.append(try MeasureHandling(desk: desk).take(goods, for: tx.penaltyCase(filed), by: gao, at: now, tx))
            all.append(
                try GuidanceHandling(desk: desk).open(
                    .init(.advice, party: "福临超市", address: "中兴路12号", issues: "x", asked: "y", basis: "《电子商务法》第十五条", region: "990101"), by: officer, at: now, code: "ABCD2345", tx))
            let pushed: [(String, String)] = [("code", codes[0]), ("from", "外省市场监督管理局"), ("decided", "2026-09-10"), ("received", "2026-09-14")]
            all.append(
                try AssistHandling(desk: desk).receive(
                    Form(pushed + [("number", "外市监处罚〔2026〕5号"), ("violation", "虚假宣传"), ("penalty", "罚款"), ("tier", "general"), ("body", "全文")]), by: gao, at: now, tx))
            all.append(
                try IncomingLetterHandling(desk: desk).receive(
                    Form([("from", "外省市场监督管理局"), ("reference", "外市监协〔2026〕1号"), ("received", "2026-09-14"), ("about", "x"), ("asked", "y")]), by: gao, at: now, tx))
            all.append(try SeriousHandling(desk: desk).receive(Form(pushed + [("ground", "9"), ("reasons", "组织虚假交易")]), by: gao, at: now, tx))
            let abnormal = AbnormalHandling(desk: desk)
            all.append(try abnormal.open(.unreachable, of: ops[1], found: "x", by: officer, at: now, tx))
            let listed = try abnormal.open(.report, of: ops[1], years: [2025], found: "未年报", by: officer, at: now, tx)
            all.append(try abnormal.apply("list", on: tx.abnormal(listed), input: Form([]), by: head, at: now, tx))
            try tx.run("INSERT INTO credit_reports (operator, year, reported_on) VALUES (\(ops[1].id), 2025, '2026-09-14')")
            let item = try Repairable.of(ops[1], on: now.day, tx)[0]
            all.append(
                try RepairHandling(desk: desk).apply(
                    for: item, of: Applicant(ops[1]), input: Form([("contact", "陈"), ("phone", "13900000001"), ("statement", "已补报"), ("promise", "yes")]), by: officer,
                    code: "ABCD2345",
                    at: now, tx))
            all.append(
                try JointNotice.send(
                    Form([("agency", "税务局"), ("body", "x"), ("measure", "honour")]), of: tx.matter(listed.id), by: he, code: "ABCD2345", at: now, desk: desk, tx))
            var plan = InspectionHandling.Plan(cause: .statutory, op: ops[2], items: ["C1"], inspectors: people, on: Day("2026-09-16")!)
            plan.law = "FSL-109"
            all.append(try InspectionHandling(desk: desk).plan(plan, by: officer, at: now, tx))
            return try all.map { try tx.matter($0.id) }
        }
    }

    @Test(arguments: TestEngine.available)
    func whatTheTableDoesNotAllowIsRefusedByPageApiAndJobAndChangesNothing(_ engine: TestEngine) async throws {
        let o = try await TestOffice(engine, at: "2026-09-14T10:00")
        let all = try await matters(o)
        let kinds = House(domains: o.domains, assets: Assets(vendorFolder: "")).kinds
        #expect(Set(all.map(\.kind)).count == 10)
        func state() async throws -> [String] {
            try await o.desk.store.read { tx in
                try all.map { try tx.matter($0.id).state } + [
                    String(tx.count("SELECT count(*) AS n FROM casework_moves")), String(tx.count("SELECT count(*) AS n FROM casework_documents")),
                ]
            }
        }
        let before = try await state(), now = o.clock.now, desk = o.desk
        var tried = 0
        for who in [Persona.lin, .gao, .he, .far] {
            let token = try await o.bearer(who), actor = Actor.staff(o.account(who))
            for m in all {
                let kind = try #require(kinds[m.kind]), table = kind.table, path = kind.path(m)
                let open = o.account(who).covers(m.region) ? Set(table.available(m, to: actor, desk.permissions).map(\.name)) : []
                for move in table.moves where !open.contains(move.name) {
                    let api = try await o.api(.post, "/api/v1/matters/\(m.number)/moves", token: token, .object([("move", .string(move.name))])).status
                    let page = try await o.post("\(path)/moves/\(move.name)", as: who, []).status
                    #expect([403, 404, 409].contains(api), "\(m.kind) \(move.name) by \(who) through the API: \(api)")
                    #expect([403, 404, 409].contains(page), "\(m.kind) \(move.name) by \(who) on the page: \(page)")
                    tried += 2
                }
            }
        }
        for m in all {
            let kind = try #require(kinds[m.kind]), act = try #require(kind.act)
            let open = Set(kind.table.available(m, to: .system, desk.permissions).map(\.name))
            for move in kind.table.moves where !open.contains(move.name) {
                await #expect("\(m.kind) \(move.name) by a job") {
                    try await desk.store.write { tx in _ = try act(move.name, tx.matter(m.id), Form([]), .system, now, desk, tx) }
                } throws: { [.forbidden, .conflict].contains(($0 as? Refusal)?.kind) }
                tried += 1
            }
        }
        #expect(tried > 800)
        #expect(try await state() == before)
        #expect(try await o.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func aMoveByTheApiIsThePagesMoveAndIsMadeOnceForOneKey(_ engine: TestEngine) async throws {
        let o = try await TestOffice(engine, at: "2026-09-14T10:00")
        let all = try await matters(o), token = try await o.bearer(.gao)
        let guidance = try #require(all.first { $0.kind == "guidance" }), at = "/api/v1/matters/\(guidance.number)"
        let moves = try await o.api(.get, at + "/moves", token: token).json["moves"]?.array?.compactMap { $0["move"]?.string } ?? []
        #expect(moves.contains("recheck") && !moves.contains("withdraw"))
        #expect(try await o.api(.post, at + "/moves", token: token, .object([("move", .string("fail"))])).status == 422)
        let body = JSON.object([("move", .string("fail")), ("found", .string("仍未公示"))]), key = [("Idempotency-Key", "k1")]
        for _ in 0..<2 {
            let reply = try await o.api(.post, at + "/moves", token: token, body, headers: key)
            #expect(reply.status == 200 && reply.json["state"]?.string == "unrectified")
        }
        #expect(try await o.desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_moves WHERE matter = \(guidance.id) AND move = 'fail'") } == 1)
        // The party's own door is told to who ordered, once.
        let visit = try #require(all.first { $0.kind == "inspection" })
        #expect(try await o.api(.get, "/api/v1/matters/\(visit.number)", token: token).json["kind"]?.string == "inspection")
        #expect(try await o.api(.get, "/api/v1/matters/\(visit.number)").status == 401)
        #expect(try await o.api(.get, "/api/v1/matters/\(visit.number)", token: o.bearer(.far)).status == 404)
        let complaint = try await o.file()
        #expect(try await o.api(.post, "/api/v1/matters/\(complaint.number)/moves", token: o.bearer(.lin), .object([("move", .string("accept"))])).status == 409)
        #expect(try await o.verify().findings.isEmpty)
    }
}
