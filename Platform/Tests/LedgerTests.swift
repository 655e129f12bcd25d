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

@Suite struct CopyTests {
    @Test(.enabled(if: TestEngine.available.contains(.postgres), "no PostgreSQL server is named"), arguments: TestEngine.available)
    func aCopyOnTheOtherEngineHoldsAndGoesOnNumbering(_ from: TestEngine) async throws {
        let office = try await TestOffice(from)
        let matter = try await office.file()
        try await office.apply("accept", on: matter, by: .lin)
        let now = office.clock.now
        let keys = office.desk.keys
        try await office.desk.store.write { _ = try Ledger.checkpoint(keys: keys, at: now, $0) }
        let other = try await (from == .sqlite ? TestEngine.postgres : .sqlite).store()
        let migrations = office.migrations
        _ = try await other.migrate(migrations, at: now)
        try await office.desk.store.copy(to: other, migrations) { _, _ in }
        let report = try await other.read { try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, $0) }
        #expect(report.holds && report.rows > 10, "\(report.findings)")
        #expect(try await other.read { try Search.find(["co电饭"], limit: 5, $0) } == [matter.id.raw])
        let second = try await other.write { try $0.insert("INSERT INTO casework_notes (matter, account, body, at) VALUES (\(matter.id), 1, 'x', 0) RETURNING id") }
        #expect(second == 1)
        // A second copy finds it filled and leaves it alone.
        await #expect(throws: Refusal.self) { try await office.desk.store.copy(to: other, migrations) { _, _ in } }
    }
}
