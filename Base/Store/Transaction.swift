import Kernel

/// One transaction on one engine (事务). It lives no longer than the body that was given it.
///
/// Bodies are synchronous: nothing can suspend inside a transaction. A write's body may run a second time when the
/// engine asks for it, so it must change nothing but the database.
package final class Transaction {
    package let dialect: Dialect
    private let execute: (SQL) throws -> (rows: [Row], changed: Int)
    private let each: (SQL, (Row) throws -> Void) throws -> Void
    private let copy: (String, [String], [[Value]]) throws -> Void
    private let post: (SQL) throws -> Void
    private var later: [(kind: any Later.Type, items: [any Later])] = []
    /// How many statements it has run: pages state how many they may.
    package private(set) var statements = 0

    init(
        dialect: Dialect, execute: @escaping (SQL) throws -> (rows: [Row], changed: Int), each: @escaping (SQL, (Row) throws -> Void) throws -> Void,
        copy: @escaping (String, [String], [[Value]]) throws -> Void, post: @escaping (SQL) throws -> Void
    ) {
        self.dialect = dialect
        self.execute = execute
        self.each = each
        self.copy = copy
        self.post = post
    }

    /// All rows of a query.
    package func all(_ sql: SQL) throws -> [Row] {
        statements += 1
        return try execute(sql).rows
    }
    /// The first row of a query, or nil.
    package func one(_ sql: SQL) throws -> Row? { try all(sql).first }
    /// The single integer of a query such as `SELECT count(*) AS n …`: the column must be called `n`.
    package func count(_ sql: SQL) throws -> Int { try one(sql).map { Int($0.int("n")) } ?? 0 }
    /// Runs a statement. Returns how many rows it changed.
    @discardableResult
    package func run(_ sql: SQL) throws -> Int {
        statements += 1
        return try execute(sql).changed
    }
    /// Runs a statement whose result nobody waits for: PostgreSQL gets it together with the next one that is waited for,
    /// and its failure is thrown there; SQLite runs it at once.
    package func send(_ sql: SQL) throws {
        statements += 1
        try post(sql)
    }
    /// Inserts and returns the new key: the statement ends in `RETURNING id`.
    package func insert(_ sql: SQL) throws -> Int64 { try inserted(sql).int("id") }
    /// Inserts and returns what was written: the statement ends in `RETURNING *`.
    package func inserted(_ sql: SQL) throws -> Row {
        guard let row = try one(sql) else { throw Fault("an insert returned nothing") }
        return row
    }
    /// Changes exactly one row, or says that somebody else was first.
    package func change(_ sql: SQL) throws {
        guard try run(sql) == 1 else {
            throw Refusal(.conflict, Text("刚刚已被他人处理，请刷新后再看", "Somebody else has just dealt with this: reload to see how it stands"))
        }
    }
    /// Many rows into one table at the engine's own speed: a prepared insert on SQLite, COPY on PostgreSQL.
    package func bulk(into table: String, _ columns: [String], _ rows: [[Value]]) throws {
        guard !rows.isEmpty else { return }
        statements += 1
        // A few rows are quicker as statements that are prepared already.
        if rows.count <= 2 {
            for row in rows { try post(.insert(into: table, columns, row)) }
            return
        }
        try copy(table, columns, rows)
    }
    /// The same into a table that is empty: what speeds up reading it is built once, afterwards.
    package func fill(_ table: String, _ columns: [String], _ rows: [[Value]]) throws {
        let indexes = try dialect.withoutIndexes(of: table, self)
        try bulk(into: table, columns, rows)
        for index in indexes { try run(index) }
    }
    /// Row by row, for what does not fit into memory. The body runs no statement of its own.
    package func forEach(_ sql: SQL, _ body: (Row) throws -> Void) throws {
        statements += 1
        try each(sql, body)
    }

    /// Back to a savepoint. What was sent and not waited for may fail only now: then that is undone as well, and nobody
    /// else hears of it.
    func undo(_ savepoint: String) throws {
        let back = SQL(stringLiteral: "ROLLBACK TO SAVEPOINT \(savepoint)")
        do { try run(back) } catch let failure as EngineFailure { throw failure } catch { try run(back) }
        try send(SQL(stringLiteral: "RELEASE SAVEPOINT \(savepoint)"))
    }

    /// Rows by their keys, whatever the number: lists of a few lengths only, so that a statement is prepared once for each.
    package func all(keys: some Collection<Int64>, _ query: (_ list: SQL) -> SQL) throws -> [Row] {
        let keys = keys.sorted()
        var rows: [Row] = []
        var start = 0
        while start < keys.count {
            let size = [256, 64, 16, 4, 1].first { $0 <= keys.count - start }!
            rows += try all(query("\(list: Array(keys[start..<start + size]))"))
            start += size
        }
        return rows
    }

    // MARK: What is done once before the commit

    /// Keeps something to be written with all of its kind, once, before the commit.
    package func atCommit<T: Later>(_ item: T) {
        if let i = later.firstIndex(where: { $0.kind == T.self }) { later[i].items.append(item) } else { later.append((T.self, [item])) }
    }
    /// Writes what was kept so far.
    package func settle() throws {
        let kept = later
        later = []
        for (kind, items) in kept { try settle(kind, items) }
    }
    private func settle<T: Later>(_ kind: T.Type, _ items: [any Later]) throws { try T.settle(items.compactMap { $0 as? T }, self) }

    /// How much was kept, and back to it: an act that fails takes along what it kept.
    var mark: [Int] { later.map(\.items.count) }
    func rewind(to mark: [Int]) {
        later = zip(later, mark).map { ($0.kind, Array($0.items.prefix($1))) }
    }
}

/// Something that is cheaper to write for all acts of a commit at once: ledger entries, search terms.
package protocol Later {
    static func settle(_ items: [Self], _ tx: Transaction) throws
}
