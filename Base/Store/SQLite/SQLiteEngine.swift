import Foundation
import GRDB
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
                    try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000; PRAGMA journal_size_limit = 67108864")
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

    private static func transaction(_ db: Database) -> Transaction {
        Transaction(
            dialect: .sqlite,
            execute: { sql in
                let statement = try prepare(sql, on: db)
                guard statement.columnCount > 0 else {
                    try statement.execute()
                    return ([], db.changesCount)
                }
                var rows: [Row] = []
                try fetch(statement) { rows.append($0) }
                return (rows, db.changesCount)
            },
            each: { sql, body in try fetch(prepare(sql, on: db), body) },
            copy: { table, columns, rows in
                let marks = columns.map { _ in "?" }.joined(separator: ", ")
                let statement = try db.cachedStatement(sql: "INSERT INTO \(table) (\(columns.joined(separator: ", "))) VALUES (\(marks))")
                for row in rows {
                    statement.setUncheckedArguments(StatementArguments(row.map(\.grdb)))
                    try statement.execute()
                }
            })
    }

    private static func prepare(_ sql: SQL, on db: Database) throws -> Statement {
        do {
            let statement = try db.cachedStatement(sql: sql.text { _ in "?" })
            statement.setUncheckedArguments(StatementArguments(sql.arguments.map(\.grdb)))
            return statement
        } catch let error as DatabaseError {
            throw translate(error)
        }
    }

    private static func fetch(_ statement: Statement, _ body: (Row) throws -> Void) throws {
        let columns = Row.Columns(statement.columnNames)
        let cursor = try GRDB.Row.fetchCursor(statement)
        while let row = try cursor.next() {
            var values: [Value] = []
            values.reserveCapacity(columns.names.count)
            for i in 0..<columns.names.count { values.append(Value(row, at: i)) }
            try body(Row(columns: columns, values: values))
        }
    }
}

extension Value {
    fileprivate var grdb: any DatabaseValueConvertible {
        switch self {
        case .null: DatabaseValue.null
        case .int(let i): i
        case .real(let d): d
        case .text(let t): t
        case .blob(let b): Data(b)
        }
    }
    fileprivate init(_ row: GRDB.Row, at index: Int) {
        let value: DatabaseValue = row[index]
        switch value.storage {
        case .null: self = .null
        case .int64(let i): self = .int(i)
        case .double(let d): self = .real(d)
        case .string(let s): self = .text(s)
        case .blob(let d): self = .blob([UInt8](d))
        }
    }
}
