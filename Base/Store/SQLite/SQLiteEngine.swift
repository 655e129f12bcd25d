import Foundation
import GRDB
import GRDBSQLite
import Kernel

/// SQLite through GRDB: WAL, one writer, readers beside it; a commit is on disk before it is acknowledged.
final class SQLiteEngine: Engine {
    let dialect = Dialect.sqlite
    private let pool: any DatabaseWriter

    init(path: String) throws {
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(10)
        configuration.maximumReaderCount = 6
        configuration.prepareDatabase { db in
            try db.execute(sql: "PRAGMA cache_size = -12288; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 67108864")
        }
        if path == ":memory:" {
            pool = try DatabaseQueue(configuration: configuration)
        } else {
            let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                let pool = try DatabasePool(path: path, configuration: configuration)
                // WAL's NORMAL may lose the last commits when power fails; what was acknowledged must be on disk.
                try pool.writeWithoutTransaction { db in
                    try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 8000; PRAGMA journal_size_limit = 67108864")
                }
                self.pool = pool
            } catch let error as DatabaseError {
                throw Refusal(.unavailable, Text("无法打开数据库 \(path)：\(error.message ?? "")", "Cannot open the database \(path): \(error.message ?? "")"))
            }
        }
    }

    func read<T: Sendable>(_ body: @escaping @Sendable (Transaction) throws -> T) async throws -> T {
        do {
            return try await pool.read { db in try body(SQLiteEngine.transaction(db)) }
        } catch let error as DatabaseError {
            throw SQLiteEngine.translate(error)
        }
    }

    func readInPlace(_ body: (Transaction) throws -> Void) throws {
        do {
            try pool.read { db in try body(SQLiteEngine.transaction(db)) }
        } catch let error as DatabaseError {
            throw SQLiteEngine.translate(error)
        }
    }

    func write(_ body: (Transaction) throws -> Void) throws {
        do {
            try pool.writeWithoutTransaction { db in
                try db.inTransaction(.immediate) {
                    do {
                        try body(SQLiteEngine.transaction(db))
                    } catch let error as DatabaseError {
                        throw SQLiteEngine.translate(error)
                    }
                    return .commit
                }
            }
        } catch let error as DatabaseError {
            throw SQLiteEngine.translate(error)
        } catch EngineFailure.full {
            throw EngineFailure.diskFull
        }
    }

    func backup(to path: String) throws {
        let destination = try DatabaseQueue(path: path)
        try pool.backup(to: destination)
        try destination.close()
    }

    func close() { try? pool.close() }

    private static func translate(_ error: DatabaseError) -> any Error {
        switch error.resultCode {
        case .SQLITE_FULL, .SQLITE_IOERR, .SQLITE_READONLY: EngineFailure.diskFull
        case .SQLITE_CONSTRAINT:
            Clash(description: error.description, isUnique: error.extendedResultCode == .SQLITE_CONSTRAINT_UNIQUE || error.extendedResultCode == .SQLITE_CONSTRAINT_PRIMARYKEY)
        default: Fault(error.description)
        }
    }

    /// Statements are prepared and kept by GRDB; they are bound, stepped and read here, straight on SQLite's own interface.
    private static func transaction(_ db: Database) -> Transaction {
        Transaction(
            dialect: .sqlite,
            execute: { sql in
                let statement = try prepare(sql, on: db)
                var rows: [Row] = []
                if statement.isQuery { try step(statement, db) { rows.append($0) } } else { try step(statement, db) { _ in } }
                return (rows, db.changesCount)
            },
            each: { sql, body in try step(prepare(sql, on: db), db, body) },
            copy: { table, columns, rows in
                guard let first = rows.first else { return }
                let statement = try prepare(.insert(into: table, columns, first), on: db)
                for row in rows {
                    bind(row, to: statement.handle)
                    try step(statement, db) { _ in }
                }
            },
            post: { sql in try step(prepare(sql, on: db), db) { _ in } })
    }

    private struct Prepared {
        let statement: Statement
        /// What changes the schema or the transaction is run by GRDB, which keeps account of both.
        let isPlain: Bool
        var handle: OpaquePointer { statement.sqliteStatement }
        var isQuery: Bool { sqlite3_column_count(statement.sqliteStatement) > 0 }
    }

    private static func prepare(_ sql: SQL, on db: Database) throws -> Prepared {
        do {
            let plain = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains { sql.text.hasPrefix($0) }
            let prepared = Prepared(statement: try db.cachedStatement(sql: sql.text), isPlain: plain)
            bind(sql.arguments, to: prepared.handle)
            return prepared
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    private static func bind(_ values: [Value], to handle: OpaquePointer) {
        // SQLITE_TRANSIENT: SQLite takes a copy of its own.
        let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
        sqlite3_reset(handle)
        for (i, value) in values.enumerated() {
            let n = Int32(i + 1)
            switch value {
            case .null: sqlite3_bind_null(handle, n)
            case .int(let int): sqlite3_bind_int64(handle, n, int)
            case .real(let double): sqlite3_bind_double(handle, n, double)
            case .text(var text):
                text.withUTF8 { utf8 in
                    _ = utf8.withMemoryRebound(to: CChar.self) { sqlite3_bind_text64(handle, n, $0.baseAddress ?? emptyText, sqlite3_uint64($0.count), copied, UInt8(SQLITE_UTF8)) }
                }
            case .blob(let bytes):
                bytes.withUnsafeBytes { raw in
                    _ = raw.isEmpty ? sqlite3_bind_zeroblob(handle, n, 0) : sqlite3_bind_blob64(handle, n, raw.baseAddress, sqlite3_uint64(raw.count), copied)
                }
            }
        }
    }
    nonisolated(unsafe) private static let emptyText: UnsafePointer<CChar> = UnsafePointer(strdup(""))

    private static func step(_ prepared: Prepared, _ db: Database, _ body: (Row) throws -> Void) throws {
        guard prepared.isPlain || prepared.isQuery else {
            do { return try prepared.statement.execute() } catch let error as DatabaseError { throw translate(error) }
        }
        let handle = prepared.handle
        defer { sqlite3_reset(handle) }
        var columns: Row.Columns?
        while true {
            switch sqlite3_step(handle) {
            case SQLITE_ROW:
                let count = sqlite3_column_count(handle)
                let header = columns ?? Row.Columns((0..<count).map { String(cString: sqlite3_column_name(handle, $0)) })
                columns = header
                var values: [Value] = []
                values.reserveCapacity(Int(count))
                for i in 0..<count { values.append(Value(handle, column: i)) }
                try body(Row(columns: header, values: values))
            case SQLITE_DONE: return
            default:
                throw translate(
                    DatabaseError(
                        resultCode: ResultCode(rawValue: sqlite3_extended_errcode(db.sqliteConnection)), message: String(cString: sqlite3_errmsg(db.sqliteConnection)),
                        sql: String(cString: sqlite3_sql(handle))))
            }
        }
    }
}

extension Value {
    fileprivate init(_ handle: OpaquePointer, column: Int32) {
        switch sqlite3_column_type(handle, column) {
        case SQLITE_INTEGER: self = .int(sqlite3_column_int64(handle, column))
        case SQLITE_FLOAT: self = .real(sqlite3_column_double(handle, column))
        case SQLITE_TEXT:
            let bytes = UnsafeBufferPointer(start: sqlite3_column_text(handle, column), count: Int(sqlite3_column_bytes(handle, column)))
            self = .text(String(decoding: bytes, as: UTF8.self))
        case SQLITE_BLOB:
            let count = Int(sqlite3_column_bytes(handle, column))
            self = .blob(sqlite3_column_blob(handle, column).map { Array(UnsafeRawBufferPointer(start: $0, count: count)) } ?? [])
        default: self = .null
        }
    }
}
