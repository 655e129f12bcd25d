import Disputes
import Kernel
import Platform
import Store
import TestSupport
import Testing

@Suite struct LedgerTests {
    func lived(_ engine: TestEngine) async throws -> TestOffice {
        let office = try await TestOffice(engine)
        for i in 0..<3 {
            let matter = try await office.file { $0.complainantName = "投诉人\(i)" }
            try await office.apply("accept", on: matter, by: .lin)
        }
        let (keys, now) = (office.desk.keys, office.clock.now)
        try await office.desk.store.write { _ = try Ledger.checkpoint(keys: keys, at: now, $0) }
        let more = try await office.file()
        try await office.apply("accept", on: more, by: .lin)
        return office
    }
    func check(_ office: TestOffice) async throws -> LedgerCheck.Report {
        let keys = office.desk.keys
        return try await office.desk.store.read { try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, $0) }
    }
    func spoil(_ office: TestOffice, _ statements: String...) async throws -> [String] {
        try await office.desk.store.write { tx in for s in statements { try tx.run(SQL(stringLiteral: s)) } }
        return try await check(office).findings.map(\.what)
    }

    @Test(arguments: TestEngine.available)
    func aLedgerThatNobodyTouchedHolds(_ engine: TestEngine) async throws {
        let report = try await check(lived(engine))
        #expect(report.holds && report.entries > 10 && report.rows > 10 && report.checkpoints == 1)
    }
    @Test(arguments: TestEngine.available)
    func anAlteredEntryIsNamed(_ engine: TestEngine) async throws {
        #expect(try await spoil(lived(engine), "UPDATE platform_ledger SET entry = replace(entry, 'account', 'accounт') WHERE idx = 9").contains("platform_ledger/9"))
    }
    @Test(arguments: TestEngine.available)
    func aRemovedEntryIsNamed(_ engine: TestEngine) async throws {
        #expect(try await spoil(lived(engine), "DELETE FROM platform_ledger WHERE idx = 10").contains("platform_ledger/10"))
    }
    @Test(arguments: TestEngine.available)
    func twoEntriesThatChangedPlacesAreFound(_ engine: TestEngine) async throws {
        let found = try await spoil(
            lived(engine), "UPDATE platform_ledger SET idx = -1 WHERE idx = 9", "UPDATE platform_ledger SET idx = 9 WHERE idx = 10",
            "UPDATE platform_ledger SET idx = 10 WHERE idx = -1")
        #expect(found.contains { $0.hasPrefix("platform_ledger_nodes") || $0.hasPrefix("platform_checkpoints") || $0 == "platform_ledger_head" })
    }
    /// Whoever rewrites entries, nodes, head and checkpoints alike still does not fit the checkpoint kept outside.
    @Test func aRewrittenHistoryDoesNotFitTheCheckpointKeptOutside() async throws {
        let office = try await lived(.sqlite)
        let (keys, now) = (office.desk.keys, office.clock.now)
        let note = try #require(try await office.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) })
        let other = try await TestOffice(.sqlite, at: "2026-11-17T10:00")
        for _ in 0..<12 { try await other.file() }
        let findings = try await other.desk.store.read { try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, witness: note, $0) }.findings
        #expect(findings.map(\.what) == ["witness"])
    }

    @Test(arguments: TestEngine.available)
    func aRowChangedPastTheProgramIsNamed(_ engine: TestEngine) async throws {
        #expect(try await spoil(lived(engine), "UPDATE casework_matters SET state = 'closed' WHERE id = 2") == ["casework_matters/2"])
    }
    @Test(arguments: TestEngine.available)
    func aRowPutInPastTheProgramIsNamed(_ engine: TestEngine) async throws {
        let found = try await spoil(
            lived(engine), "INSERT INTO casework_moves (matter, move, from_state, to_state, actor, at, details) VALUES (1, 'accept', 'received', 'accepted', 'x', 0, '{}')")
        #expect(found.count == 1 && found[0].hasPrefix("casework_moves/"))
    }
    @Test(arguments: TestEngine.available)
    func aRowRemovedPastTheProgramIsNamed(_ engine: TestEngine) async throws {
        #expect(try await spoil(lived(engine), "DELETE FROM casework_moves WHERE id = 1").contains("casework_moves/1"))
    }
}
