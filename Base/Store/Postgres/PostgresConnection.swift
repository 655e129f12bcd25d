import CPostgres
import Dispatch
import Glibc
import Kernel

/// One connection to PostgreSQL, used by one thread at a time: libpq blocks, so it has a queue of its own.
final class PostgresConnection: @unchecked Sendable {
    // Everything below is touched on `queue` only.
    let queue = DispatchQueue(label: "store.postgres")
    private let url: String
    private var handle: OpaquePointer?
    private var prepared: [String: String] = [:]
    /// Statements that nobody waits for; they go out with the next one that somebody does.
    private var posted: [SQL] = []

    init(url: String) { self.url = url }

    var isOpen: Bool { handle != nil && PQstatus(handle) == CONNECTION_OK }

    func open() throws {
        if isOpen { return }
        close()
        setenv("PGCONNECT_TIMEOUT", "10", 0)
        handle = PQconnectdb(url)
        guard isOpen else {
            let message = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "no memory"
            close()
            throw EngineFailure.connectionLost(message)
        }
        PQsetNoticeProcessor(handle, { _, _ in }, nil)
        PQsetClientEncoding(handle, "UTF8")
        try simple("SET synchronous_commit = on; SET statement_timeout = '60s'; SET idle_in_transaction_session_timeout = '120s'")
    }

    func close() {
        if let handle { PQfinish(handle) }
        handle = nil
        prepared = [:]
        posted = []
    }

    func post(_ sql: SQL) throws {
        posted.append(sql)
        if posted.count >= 100 { try flush() }
    }

    /// Forgets what was not sent: the transaction is given up.
    func forget() { posted = [] }

    /// Runs text without parameters; several statements may stand in it.
    func simple(_ text: String) throws {
        try flush()
        let result = PQexec(handle, text)
        defer { PQclear(result) }
        try check(result, text)
    }

    func execute(_ sql: SQL) throws -> (rows: [Row], changed: Int) {
        let result = try send(sql)
        defer { PQclear(result) }
        let changed = PQcmdTuples(result).flatMap { Int(String(cString: $0)) } ?? 0
        guard PQresultStatus(result) == PGRES_TUPLES_OK else { return ([], changed) }
        let columns = PostgresConnection.columns(result)
        let types = (0..<PQnfields(result)).map { PQftype(result, $0) }
        var rows: [Row] = []
        rows.reserveCapacity(Int(PQntuples(result)))
        for r in 0..<PQntuples(result) { rows.append(try PostgresConnection.row(result, r, columns, types)) }
        return (rows, changed)
    }

    /// Row by row, without holding the whole result.
    func each(_ sql: SQL, _ body: (Row) throws -> Void) throws {
        try flush()
        makeRoom(for: 1)
        let (name, values) = try prepare(sql)
        let sent = withParameters(values) { n, texts, lengths, formats in PQsendQueryPrepared(handle, name, n, texts, lengths, formats, 0) }
        guard sent == 1, PQsetSingleRowMode(handle) == 1 else { throw lost() }
        var failure: (any Error)?
        var columns: Row.Columns?
        var types: [Oid] = []
        while let result = PQgetResult(handle) {
            defer { PQclear(result) }
            guard failure == nil else { continue }
            if PQresultStatus(result) == PGRES_SINGLE_TUPLE {
                let header = columns ?? PostgresConnection.columns(result)
                if columns == nil {
                    columns = header
                    types = (0..<PQnfields(result)).map { PQftype(result, $0) }
                }
                do { try body(PostgresConnection.row(result, 0, header, types)) } catch {
                    failure = error
                    if let cancel = PQgetCancel(handle) {
                        var message = [CChar](repeating: 0, count: 256)
                        _ = PQcancel(cancel, &message, 256)
                        PQfreeCancel(cancel)
                    }
                }
            } else {
                do { try check(result, name) } catch { failure = error }
            }
        }
        if let failure { throw failure }
    }

    func copy(into table: String, _ columns: [String], _ rows: [[Value]]) throws {
        try self.flush()
        let text = "COPY \(table) (\(columns.joined(separator: ", "))) FROM STDIN"
        let start = PQexec(handle, text)
        defer { PQclear(start) }
        guard PQresultStatus(start) == PGRES_COPY_IN else { return try check(start, text) }
        var buffer: [UInt8] = []
        func flush() throws {
            let sent = buffer.withUnsafeBytes { PQputCopyData(handle, $0.bindMemory(to: CChar.self).baseAddress, Int32($0.count)) }
            guard sent == 1 else { throw lost() }
            buffer.removeAll(keepingCapacity: true)
        }
        for row in rows {
            for (i, value) in row.enumerated() {
                if i > 0 { buffer.append(9) }
                value.appendForCopy(to: &buffer)
            }
            buffer.append(10)
            if buffer.count > 1 << 18 { try flush() }
        }
        if !buffer.isEmpty { try flush() }
        guard PQputCopyEnd(handle, nil) == 1 else { throw lost() }
        var failure: (any Error)?
        while let result = PQgetResult(handle) {
            do { try check(result, text) } catch { failure = failure ?? error }
            PQclear(result)
        }
        if let failure { throw failure }
    }

    // MARK: Inside

    private func send(_ sql: SQL) throws -> OpaquePointer? {
        guard posted.isEmpty else { return try pipeline(with: sql) }
        makeRoom(for: 1)
        let (name, values) = try prepare(sql)
        let result = withParameters(values) { n, texts, lengths, formats in PQexecPrepared(handle, name, n, texts, lengths, formats, 0) }
        do { try check(result, name) } catch {
            PQclear(result)
            throw error
        }
        return result
    }

    /// Sends what was posted and waits for it.
    func flush() throws { if !posted.isEmpty { PQclear(try pipeline(with: nil)) } }

    /// Sends all that was posted, and one more, in one go; the first failure is thrown when all answers are in.
    /// Returns the last one's result.
    private func pipeline(with last: SQL?) throws -> OpaquePointer? {
        let all = posted + (last.map { [$0] } ?? [])
        posted = []
        makeRoom(for: all.count)
        let ready = try all.map(prepare)
        guard PQenterPipelineMode(handle) == 1 else { throw lost() }
        for (name, values) in ready {
            let sent = withParameters(values) { n, texts, lengths, formats in PQsendQueryPrepared(handle, name, n, texts, lengths, formats, 0) }
            guard sent == 1 else { throw lost() }
        }
        guard PQpipelineSync(handle) == 1 else { throw lost() }
        var failure: (any Error)?
        var kept: OpaquePointer?
        for (i, (name, _)) in ready.enumerated() {
            while let result = PQgetResult(handle) {
                if failure == nil { do { try check(result, name) } catch { failure = error } }
                if i == ready.count - 1, last != nil, failure == nil, kept == nil { kept = result } else { PQclear(result) }
                guard isOpen else { throw failure ?? lost() }
            }
        }
        let end = PQgetResult(handle)
        let synced = PQresultStatus(end) == PGRES_PIPELINE_SYNC
        PQclear(end)
        guard synced, PQexitPipelineMode(handle) == 1 else {
            PQclear(kept)
            throw failure ?? lost()
        }
        if let failure {
            PQclear(kept)
            throw failure
        }
        return kept
    }

    private func makeRoom(for count: Int) {
        guard prepared.count + count > 800 else { return }
        PQclear(PQexec(handle, "DEALLOCATE ALL"))
        prepared = [:]
    }

    private func prepare(_ sql: SQL) throws -> (String, [Value]) {
        var key = sql.text
        for argument in sql.arguments { key += argument.oidMark }
        if let name = prepared[key] { return (name, sql.arguments) }
        var text = ""
        var n = 0
        for piece in sql.text.split(separator: "?", omittingEmptySubsequences: false) {
            if n > 0 { text += "$\(n)" }
            text += piece
            n += 1
        }
        let name = "s\(prepared.count)"
        var types = sql.arguments.map(\.oid)
        let result = PQprepare(handle, name, text, Int32(types.count), &types)
        defer { PQclear(result) }
        try check(result, text)
        prepared[key] = name
        return (name, sql.arguments)
    }

    private func withParameters<T>(_ values: [Value], _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T) -> T {
        let formats = values.map { value -> Int32 in if case .blob = value { 1 } else { 0 } }
        var lengths: [Int32] = []
        var all: [UInt8] = []
        var offsets: [Int?] = []
        for value in values {
            let start = all.count
            offsets.append(value == .null ? nil : start)
            value.append(to: &all)
            lengths.append(Int32(all.count - start))
            all.append(0)
        }
        return all.withUnsafeBytes { raw in
            let base = raw.bindMemory(to: CChar.self).baseAddress
            let pointers: [UnsafePointer<CChar>?] = offsets.map { $0.flatMap { offset in base.map { $0 + offset } } }
            return pointers.withUnsafeBufferPointer { texts in
                lengths.withUnsafeBufferPointer { l in
                    formats.withUnsafeBufferPointer { f in body(Int32(values.count), texts.baseAddress, l.baseAddress, f.baseAddress) }
                }
            }
        }
    }

    private func check(_ result: OpaquePointer?, _ text: String) throws {
        switch PQresultStatus(result) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_SINGLE_TUPLE, PGRES_COPY_IN: return
        default: break
        }
        guard let result, let state = PQresultErrorField(result, Int32(UInt8(ascii: "C"))).map({ String(cString: $0) }) else { throw lost() }
        let message = PQresultErrorMessage(result).map { String(cString: $0) } ?? ""
        switch state {
        case "40001", "40P01", "55P03": throw EngineFailure.tryAgain(message)
        // Full, out of memory, or not to be written (58030): nothing was saved, and a person must see to it.
        case "53100", "53200", "58030": throw EngineFailure.full(message)
        // A plan made before another process changed the schema: a fresh connection knows the new one.
        case "0A000" where message.contains("cached plan"), "26000": throw EngineFailure.connectionLost(message)
        case "57P01", "57P02", "57P03", "08006", "08003", "25P03": throw EngineFailure.connectionLost(message)
        case let s where s.hasPrefix("23"): throw Clash(description: message, isUnique: s == "23505")
        default: throw isOpen ? Fault("\(state) \(message) in: \(text)") : lost()
        }
    }

    private func lost() -> EngineFailure {
        let message = handle.flatMap { PQerrorMessage($0) }.map { String(cString: $0) } ?? "closed"
        close()
        return .connectionLost(message)
    }

    private static func columns(_ result: OpaquePointer?) -> Row.Columns {
        Row.Columns((0..<PQnfields(result)).map { PQfname(result, $0).map { String(cString: $0) } ?? "" })
    }

    private static func row(_ result: OpaquePointer?, _ r: Int32, _ columns: Row.Columns, _ types: [Oid]) throws -> Row {
        var values: [Value] = []
        values.reserveCapacity(types.count)
        for (c, type) in types.enumerated() {
            guard PQgetisnull(result, r, Int32(c)) == 0, let pointer = PQgetvalue(result, r, Int32(c)) else {
                values.append(.null)
                continue
            }
            let length = Int(PQgetlength(result, r, Int32(c)))
            let text = String(decoding: UnsafeRawBufferPointer(start: pointer, count: length), as: UTF8.self)
            switch type {
            case 20, 21, 23, 26: values.append(.int(Int64(text) ?? 0))
            case 16: values.append(.int(text == "t" ? 1 : 0))
            case 700, 701: values.append(.real(Double(text) ?? 0))
            // A sum of integers is a numeric here and an integer on SQLite.
            case 1700: values.append(Int64(text).map(Value.int) ?? .real(Double(text) ?? 0))
            case 17: values.append(.blob(hex(text)))
            default: values.append(.text(text))
            }
        }
        return Row(columns: columns, values: values)
    }

    private static func hex(_ text: String) -> [UInt8] {
        let digits = Array(text.utf8.dropFirst(2))
        func nibble(_ c: UInt8) -> UInt8 { c <= 57 ? c - 48 : c - 87 }
        return stride(from: 0, to: digits.count - 1, by: 2).map { nibble(digits[$0]) << 4 | nibble(digits[$0 + 1]) }
    }
}

extension Value {
    fileprivate var oid: Oid {
        switch self {
        case .null: 0
        case .int: 20
        case .real: 701
        case .text: 25
        case .blob: 17
        }
    }
    fileprivate var oidMark: String {
        switch self {
        case .null: "n"
        case .int: "i"
        case .real: "r"
        case .text: "t"
        case .blob: "b"
        }
    }
    /// The parameter's bytes; PostgreSQL's text cannot hold a NUL, so one inside is dropped.
    fileprivate func append(to bytes: inout [UInt8]) {
        switch self {
        case .null: break
        case .int(let i): bytes += String(i).utf8
        case .real(let d): bytes += String(d).utf8
        case .text(let t): bytes += t.utf8.lazy.filter { $0 != 0 }
        case .blob(let b): bytes += b
        }
    }
    fileprivate func appendForCopy(to buffer: inout [UInt8]) {
        switch self {
        case .null: buffer += [92, 78]
        case .int(let i): buffer += Array(String(i).utf8)
        case .real(let d): buffer += Array(String(d).utf8)
        case .text(let t):
            for byte in t.utf8 {
                switch byte {
                case 0: continue
                case 92: buffer += [92, 92]
                case 9: buffer += [92, 116]
                case 10: buffer += [92, 110]
                case 13: buffer += [92, 114]
                default: buffer.append(byte)
                }
            }
        case .blob(let b):
            buffer += [92, 92, 120]
            let digits = Array("0123456789abcdef".utf8)
            for byte in b {
                buffer.append(digits[Int(byte >> 4)])
                buffer.append(digits[Int(byte & 15)])
            }
        }
    }
}
