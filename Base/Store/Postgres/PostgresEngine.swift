import Dispatch
import Foundation
import Kernel
import Logging
import Synchronization

/// PostgreSQL through libpq: a pool of connections for reading and one for writing.
///
/// Reads see one snapshot (REPEATABLE READ, READ ONLY). A write first takes the one lock of the ledger, so writers of
/// all processes follow each other as on SQLite. A connection that went away is opened again and the body run anew,
/// unless it broke at the commit itself.
final class PostgresEngine: Engine {
    let dialect = Dialect.postgres
    private let url: String
    private let logger: Logger
    private let writing: PostgresConnection
    private let pool: Mutex<Pool>

    private struct Pool {
        var free: [PostgresConnection]
        var waiting: [CheckedContinuation<PostgresConnection, Never>] = []
    }

    init(url: String, connections: Int, logger: Logger) throws {
        self.url = url
        self.logger = logger
        writing = PostgresConnection(url: url)
        pool = Mutex(Pool(free: (0..<connections).map { _ in PostgresConnection(url: url) }))
        do {
            try writing.queue.sync { [writing] in try writing.open() }
        } catch EngineFailure.connectionLost(let message) {
            throw Refusal(.unavailable, Text("无法连接 PostgreSQL：\(message)", "Cannot connect to PostgreSQL: \(message)"))
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        let connection = await take()
        defer { giveBack(connection) }
        return try await withCheckedThrowingContinuation { continuation in
            connection.queue.async {
                continuation.resume(
                    with: Result {
                        var value: T?
                        try self.attempt(connection, begin: PostgresEngine.snapshot) { value = try body($0) }
                        return value!
                    })
            }
        }
    }

    func readInPlace(_ body: (Transaction) throws -> Void) throws {
        let connection = PostgresConnection(url: url)
        try connection.queue.sync {
            defer { connection.close() }
            try attempt(connection, begin: PostgresEngine.snapshot, body)
        }
    }

    private static let snapshot = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

    func write(_ body: (Transaction) throws -> Void) throws {
        try writing.queue.sync {
            // The lock's table exists from the first migration on; before it, the transaction locks nothing.
            try attempt(
                writing, begin: "BEGIN; DO $$ BEGIN IF to_regclass('store_ledger_lock') IS NOT NULL THEN LOCK TABLE store_ledger_lock IN EXCLUSIVE MODE; END IF; END $$", body)
        }
    }

    private func attempt(_ connection: PostgresConnection, begin: String, _ body: (Transaction) throws -> Void) throws {
        var tries = 0
        while true {
            tries += 1
            var committing = false
            do {
                try connection.open()
                try connection.simple(begin)
                try body(transaction(connection))
                try connection.flush()
                committing = true
                try connection.simple("COMMIT")
                return
            } catch EngineFailure.connectionLost(let message) {
                connection.close()
                if committing { throw EngineFailure.unknown }
                guard tries < 6 else {
                    logger.error("PostgreSQL is away", metadata: ["reason": "\(message)"])
                    throw EngineFailure.away
                }
                Thread.sleep(forTimeInterval: 0.1 * Double(tries * tries))
            } catch EngineFailure.tryAgain(let message) {
                rollback(connection)
                guard tries < 8 else { throw Fault("gave up after \(tries) tries: \(message)") }
                Thread.sleep(forTimeInterval: 0.005 * Double(tries))
            } catch EngineFailure.full {
                rollback(connection)
                throw EngineFailure.diskFull
            } catch {
                rollback(connection)
                throw error
            }
        }
    }

    private func rollback(_ connection: PostgresConnection) {
        connection.forget()
        do { try connection.simple("ROLLBACK") } catch { connection.close() }
    }

    private func transaction(_ connection: PostgresConnection) -> Transaction {
        Transaction(
            dialect: .postgres, execute: { try connection.execute($0) }, each: { try connection.each($0, $1) },
            copy: { try connection.copy(into: $0, $1, $2) }, post: { try connection.post($0) })
    }

    private func take() async -> PostgresConnection {
        await withCheckedContinuation { continuation in
            let free = pool.withLock { pool -> PostgresConnection? in
                if let connection = pool.free.popLast() { return connection }
                pool.waiting.append(continuation)
                return nil
            }
            if let free { continuation.resume(returning: free) }
        }
    }

    private func giveBack(_ connection: PostgresConnection) {
        let next = pool.withLock { pool -> CheckedContinuation<PostgresConnection, Never>? in
            if pool.waiting.isEmpty {
                pool.free.append(connection)
                return nil
            }
            return pool.waiting.removeFirst()
        }
        next?.resume(returning: connection)
    }

    func backup(to path: String) throws { try PostgresTools.dump(url, to: path) }

    func close() {
        writing.queue.sync { [writing] in writing.close() }
        for connection in pool.withLock({ $0.free }) { connection.queue.sync { connection.close() } }
    }
}

/// PostgreSQL's own tools for a copy and back: pg_dump and pg_restore, found on the path.
package enum PostgresTools {
    package static func dump(_ url: String, to path: String) throws {
        try run(["pg_dump", "--format=custom", "--no-owner", "--file", path], url)
    }
    package static func restore(_ path: String, into url: String) throws {
        try run(["pg_restore", "--clean", "--if-exists", "--no-owner", "--exit-on-error", "--single-transaction", path], url)
    }
    /// The password goes by the environment: a command line can be read by everybody on the machine.
    private static func run(_ words: [String], _ url: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        var parts = URLComponents(string: url)
        var environment = ProcessInfo.processInfo.environment
        if let password = parts?.password { environment["PGPASSWORD"] = password }
        parts?.password = nil
        process.environment = environment
        process.arguments = [words[0], "--dbname", parts?.string ?? url] + words.dropFirst()
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let said = errors.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Fault("\(words[0]) failed: \(String(decoding: said, as: UTF8.self))") }
    }
}
