import Kernel

/// One step of a domain's schema (迁移), written once in the shared dialect. Once applied it is never changed: its text
/// is kept with its hash, and a step that was altered is refused.
package struct Migration: Sendable {
    package enum Step: Sendable {
        case statement(String)
        /// What only Dialect knows how to write.
        case search
    }
    /// `disputes.1`: the domain and a number.
    package let id: String
    package let steps: [Step]
    package init(_ id: String, _ statements: [String]) {
        self.id = id
        steps = statements.map(Step.statement)
    }
    package init(_ id: String, steps: [Step]) {
        self.id = id
        self.steps = steps
    }
    var fingerprint: String {
        // FNV-1a, 64 bits: to notice a change, not to withstand an attacker.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for step in steps {
            for byte in "\(step)".utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        }
        return String(hash, radix: 16)
    }
}

extension Store {
    static let first = Migration("store.1", ["CREATE TABLE store_ledger_lock (singleton INTEGER PRIMARY KEY)"])

    /// Brings the schema up to date in one transaction. Returns the steps it applied.
    /// - Errors: a step that was applied and has changed since.
    package func migrate(_ migrations: [Migration], at now: Moment) async throws -> [String] {
        try await write { tx in
            try tx.dialect.takeYourTime(tx)
            try tx.run(
                SQL(
                    stringLiteral: "CREATE TABLE IF NOT EXISTS store_migrations (id TEXT PRIMARY KEY, fingerprint TEXT NOT NULL, applied_at BIGINT NOT NULL)"
                        .replacingBigint(for: tx.dialect)))
            let known = Dictionary(uniqueKeysWithValues: try tx.all("SELECT id, fingerprint FROM store_migrations").map { ($0.string("id"), $0.string("fingerprint")) })
            var applied: [String] = []
            for migration in [Store.first] + migrations {
                if let fingerprint = known[migration.id] {
                    guard fingerprint == migration.fingerprint else { throw Fault("migration \(migration.id) was changed after it had been applied") }
                    continue
                }
                for step in migration.steps {
                    switch step {
                    case .statement(let text): try tx.run(SQL(stringLiteral: tx.dialect.schema(text)))
                    case .search: for text in tx.dialect.searchSchema { try tx.run(SQL(stringLiteral: text)) }
                    }
                }
                try tx.run("INSERT INTO store_migrations (id, fingerprint, applied_at) VALUES (\(migration.id), \(migration.fingerprint), \(now))")
                applied.append(migration.id)
            }
            return applied
        }
    }

    /// The steps that are not applied yet; all of them where the database is new.
    package func pending(_ migrations: [Migration]) async throws -> [String] {
        try await read { tx in
            guard try tx.dialect.tables(tx).contains("store_migrations") else { return migrations.map(\.id) }
            let known = Set(try tx.all("SELECT id FROM store_migrations").map { $0.string("id") })
            return ([Store.first] + migrations).map(\.id).filter { !known.contains($0) }
        }
    }
}

extension String {
    fileprivate func replacingBigint(for dialect: Dialect) -> String {
        dialect == .sqlite ? self.split(separator: "BIGINT").joined(separator: "INTEGER") + " STRICT" : self
    }
}
