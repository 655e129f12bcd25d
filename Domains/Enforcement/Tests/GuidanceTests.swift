import Enforcement
import Kernel
import Platform
import Store
import TestSupport
import Testing
import Web

/// Guidance from the first word to what was found when it was looked at again, on both engines.
@Suite struct GuidanceTests {
    private func open(_ kind: Guidance.Kind, _ room: CaseTests.Room) async throws -> ID<Matter> {
        let handling = GuidanceHandling(desk: room.office.desk), now = room.office.clock.now, gao = Actor.staff(room.office.account(.gao))
        return try await room.office.desk.store.write { tx in
            try handling.open(
                .init(kind, party: "福临超市", address: "中兴路12号", issues: "未公示营业执照", asked: "请公示", basis: "《电子商务法》第十五条", region: "990101"), by: gao, at: now, code: "ABCD2345", tx
            ).id
        }
    }
    @discardableResult
    private func make(_ move: String, _ id: ID<Matter>, _ room: CaseTests.Room, _ by: Persona?, _ fields: [(String, String)] = []) async throws -> Matter {
        let handling = GuidanceHandling(desk: room.office.desk), now = room.office.clock.now, actor: Actor = by.map { .staff(room.office.account($0)) } ?? .respondent
        return try await room.office.desk.store.write { tx in try handling.apply(move, on: tx.guidance(tx.matter(id)), input: Form(fields), by: actor, at: now, tx) }
    }
    private func refused(_ kind: Refusal.Kind, _ body: () async throws -> Void) async {
        await #expect { try await body() } throws: { ($0 as? Refusal)?.kind == kind }
    }

    @Test(arguments: TestEngine.available)
    func anAdviceIsAnsweredLookedAtAgainTwiceAndBecomesACase(_ engine: TestEngine) async throws {
        let room = try await CaseTests.Room(engine)
        let id = try await open(.advice, room)
        // Nobody is summoned by an advice, so nobody can be absent.
        await refused(.conflict) { try await make("attend", id, room, .gao, [("absent", "yes")]) }
        await refused(.forbidden) { try await make("recheck", id, room, .lin, [("found", "已改正")]) }
        await refused(.forbidden) { try await make("withdraw", id, room, .gao, [("note", "误发")]) }
        await refused(.forbidden) { try await make("respond", id, room, .gao, [("said", "已改正")]) }
        try await make("respond", id, room, nil, [("said", "已改正")])
        await refused(.invalid) { try await make("fail", id, room, .gao) }
        try await make("fail", id, room, .gao, [("found", "仍未公示")])
        try await make("fail-again", id, room, .gao, [("found", "仍未公示")])
        #expect(try await room.office.desk.store.read { try $0.guidance($0.matter(id)).rechecks } == 2)
        let ended = try await make("escalate", id, room, .gao, [("cause", "未公示营业执照信息"), ("note", "两次复查未改正")])
        #expect(ended.outcome == "escalated" && !ended.open)
        await refused(.conflict) { try await make("recheck", id, room, .gao, [("found", "x")]) }
        let source = try await room.office.desk.store.read { try $0.one("SELECT source_matter FROM enforcement_cases")?.optionalInt("source_matter") }
        #expect(source == id.raw)
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test(arguments: TestEngine.available)
    func whoStaysAwayFromAnInterviewIsOnRecordAndCorrectionEndsIt(_ engine: TestEngine) async throws {
        let room = try await CaseTests.Room(engine)
        let id = try await open(.interview, room)
        await refused(.invalid) { try await make("attend", id, room, .gao) }
        try await make("attend", id, room, .gao, [("absent", "yes")])
        #expect(try await room.office.desk.store.read { try $0.guidance($0.matter(id)).absent })
        let ended = try await make("recheck", id, room, .gao, [("found", "已公示")])
        #expect(ended.outcome == "rectified")
        #expect(try await room.office.desk.store.read { try $0.one("SELECT matter FROM enforcement_cases") } == nil)
        #expect(try await room.office.get("/guidance/\(id)", as: .gao).text.contains("无正当理由未到场"))
        #expect(try await room.office.verify().findings.isEmpty)
    }
}
