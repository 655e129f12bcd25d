import Kernel
import Logging
import Store
import TestSupport
import Testing

@Suite struct StoreTests {
    static let table = Migration("test.1", ["CREATE TABLE things (id KEY, name TEXT NOT NULL UNIQUE, amount INTEGER, ratio REAL, bytes BLOB, day TEXT)"])

    func open(_ engine: TestEngine) async throws -> Store {
        let store = try await engine.store()
        _ = try await store.migrate([Self.table], at: Moment("2026-11-18T10:00")!)
        return store
    }

    @Test(arguments: TestEngine.available)
    func valuesComeBackAsTheyWentIn(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        let nasty = "'; DROP TABLE things; -- 中文 🧧 \\ \" \n\t"
        let id = try await store.write {
            try $0.insert("INSERT INTO things (name, amount, ratio, bytes, day) VALUES (\(nasty), \(Int64.max), \(0.25), \([UInt8](0...255)), \(Day("2026-11-18")!)) RETURNING id")
        }
        let row = try #require(try await store.read { try $0.one("SELECT * FROM things WHERE id = \(id)") })
        #expect(
            row.string("name") == nasty && row.int("amount") == .max && row.double("ratio") == 0.25 && row.blob("bytes") == [UInt8](0...255) && row.day("day") == Day("2026-11-18"))
        let empty = try await store.write { try $0.insert("INSERT INTO things (name, amount) VALUES ('x', \(nil as Int64?)) RETURNING id") }
        #expect(try await store.read { try $0.one("SELECT amount FROM things WHERE id = \(empty)")?.optionalInt("amount") } == nil)
    }

    @Test(arguments: TestEngine.available)
    func aBodyThatThrowsLeavesNothingBehind(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        await #expect(throws: Refusal.self) {
            try await store.write { tx in
                try tx.run("INSERT INTO things (name) VALUES ('half')")
                throw Refusal.notFound
            }
        }
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 0)
    }

    @Test(arguments: TestEngine.available)
    func writersThatWaitTogetherAreCommittedTogetherButFailApart(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        let outcomes = await withTaskGroup(of: Bool.self) { group in
            for i in 0..<60 {
                group.addTask {
                    do {
                        try await store.write { tx in
                            try tx.run("INSERT INTO things (name) VALUES (\("n\(i)"))")
                            if i % 3 == 0 { throw Refusal.notFound }
                        }
                        return true
                    } catch { return false }
                }
            }
            return await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
        }
        #expect(outcomes == 40)
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 40)
    }

    @Test(arguments: TestEngine.available)
    func aStatementNobodyWaitedForFailsItsOwnActAndNoOther(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        try await store.write { try $0.run("INSERT INTO things (name) VALUES ('taken')") }
        let failed = await withTaskGroup(of: Int?.self) { group in
            for i in 0..<40 {
                group.addTask {
                    do {
                        try await store.write { tx in
                            try tx.send("INSERT INTO things (name) VALUES (\(i % 4 == 0 ? "taken" : "n\(i)"))")
                            // A refusal while a failing statement is still on its way.
                            if i % 8 == 0 { throw Refusal.notFound }
                        }
                        return nil
                    } catch { return i }
                }
            }
            return await group.reduce(into: Set<Int>()) { if let i = $1 { $0.insert(i) } }
        }
        #expect(failed == Set((0..<40).filter { $0 % 4 == 0 }))
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 31)
    }

    @Test(arguments: TestEngine.available)
    func aSecondRowWithTheSameKeyIsAClash(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        try await store.write { try $0.run("INSERT INTO things (name) VALUES ('a')") }
        await #expect { try await store.write { try $0.run("INSERT INTO things (name) VALUES ('a')") } } throws: { ($0 as? Clash)?.isUnique == true }
        #expect(try await store.write { try $0.run("INSERT INTO things (name) VALUES ('b')") } == 1)
    }

    @Test(arguments: TestEngine.available)
    func bulkRowsArriveWhole(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        let rows: [[Value]] = (0..<5000).map { [.text("行\t\($0)\n\\x"), .int(Int64($0)), .null, .blob([0, 9, 10, 92, UInt8($0 % 256)])] }
        try await store.write { try $0.bulk(into: "things", ["name", "amount", "day", "bytes"], rows) }
        let row = try #require(try await store.read { try $0.one("SELECT * FROM things WHERE amount = 4999") })
        #expect(row.string("name") == "行\t4999\n\\x" && row.blob("bytes") == [0, 9, 10, 92, UInt8(4999 % 256)])
    }

    @Test(arguments: TestEngine.available)
    func readersCannotWrite(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        await #expect(throws: (any Error).self) { try await store.read { try $0.run("INSERT INTO things (name) VALUES ('r')") } }
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 0)
    }

    @Test(arguments: TestEngine.available)
    func migratingTwiceDoesNothingAndAChangedStepIsRefused(_ engine: TestEngine) async throws {
        let store = try await open(engine)
        #expect(try await store.migrate([Self.table], at: Moment("2026-11-18")!).isEmpty)
        await #expect(throws: Fault.self) { try await store.migrate([Migration("test.1", ["CREATE TABLE others (id KEY)"])], at: Moment("2026-11-18")!) }
    }

    @Test(.enabled(if: TestEngine.available.contains(.postgres), "no PostgreSQL server is named"))
    func aConnectionThatWentAwayIsOpenedAgain() async throws {
        let store = try await open(.postgres)
        try await store.write { try $0.run("INSERT INTO things (name) VALUES ('before')") }
        let other = try await TestEngine.postgres.store()
        // The server ends every connection of ours in the middle of its life.
        _ = try await other.write {
            try $0.all(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%before%' OR (state = 'idle' AND pid <> pg_backend_pid() AND query = 'COMMIT')"
            )
        }
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 1)
        try await store.write { try $0.run("INSERT INTO things (name) VALUES ('after')") }
        #expect(try await store.read { try $0.count("SELECT count(*) AS n FROM things") } == 2)
    }

    @Test func anUnknownAddressIsRefusedInWords() {
        #expect(throws: Refusal.self) { try Store(url: "mysql://x", logger: .init(label: "t")) }
    }
}
