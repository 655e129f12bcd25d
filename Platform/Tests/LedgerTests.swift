import Disputes
import Foundation
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
        try await office.verify()
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
        let findings = try await other.verify(witness: note).findings
        #expect(findings.map(\.what).contains("witness"))
    }

    /// The worker signs only what continues the checkpoint that it keeps outside the database.
    @Test(arguments: TestEngine.available)
    func aLedgerThatDoesNotContinueTheLastCheckpointIsNotSigned(_ engine: TestEngine) async throws {
        let office = try await lived(engine)
        let now = office.clock.now
        let witness = FileManager.default.temporaryDirectory.appendingPathComponent("witness-\(UInt64.random(in: 0 ... .max))").path
        let keys = Keys(origin: office.desk.keys.origin, seed: office.desk.keys.seed, secret: office.desk.keys.secret, evidence: office.desk.keys.evidence, witness: witness)
        let note = try #require(try await office.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) })
        try keys.remember(note)
        try await office.file()
        #expect(try await office.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) } != nil)
        // Another history of the same length and more, with its own nodes and head.
        let other = try await TestOffice(engine, at: "2026-11-17T10:00")
        for _ in 0..<12 { try await other.file() }
        await #expect(throws: (any Error).self) { try await other.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) } }
    }

    @Test(arguments: TestEngine.available)
    func aSignedCheckpointThatWasRemovedIsMissed(_ engine: TestEngine) async throws {
        let office = try await lived(engine)
        let (keys, now) = (office.desk.keys, office.clock.now)
        let note = try #require(try await office.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) })
        try await office.desk.store.write { try $0.run("DELETE FROM platform_checkpoints WHERE size > 0") }
        #expect(try await office.verify(witness: note).findings.map(\.what).contains { $0.hasPrefix("platform_checkpoints/") })
    }

    /// A table that the ledger does not name yet may hold nothing.
    @Test(arguments: TestEngine.available)
    func aRowInATableThatWasNeverSealedIsNamed(_ engine: TestEngine) async throws {
        let found = try await spoil(
            lived(engine), "INSERT INTO platform_tokens (token, account, label, created_at) VALUES ('x', 1, 'x', 0)",
            "INSERT INTO platform_calendar (day, name, is_off, year) VALUES ('2026-12-01', 'x', 1, 2026)")
        #expect(found.sorted() == ["platform_calendar/*", "platform_tokens/1"])
    }

    @Test func aDigestTellsALineBreakInATextFromAnotherColumn() {
        var digest = Ledger.Digest(["agreement", "agreement_form"])
        #expect(digest([.text("X\nagreement_form=5:paper"), .null]) != digest([.text("X"), .text("paper")]))
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
        let sealing = House(domains: office.domains, assets: Assets(vendorFolder: "/")).sealed
        let report = try await other.read { try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, sealing: sealing, $0) }
        #expect(report.holds && report.rows > 10, "\(report.findings)")
        #expect(try await other.read { try Search.find("complaint", ["co电饭"], limit: 5, $0) } == [matter.id.raw])
        let second = try await other.write { try $0.insert("INSERT INTO casework_notes (matter, account, body, at) VALUES (\(matter.id), 1, 'x', 0) RETURNING id") }
        #expect(second == 1)
        // A second copy finds it filled and leaves it alone.
        await #expect(throws: Refusal.self) { try await office.desk.store.copy(to: other, migrations) { _, _ in } }
    }
}
