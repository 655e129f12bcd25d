import Kernel

extension Migration {
    /// The tables that these steps make, in their order: what refers to another comes after it.
    static func tables(_ migrations: [Migration], _ dialect: Dialect) -> [String] {
        let texts = migrations.flatMap { migration in
            migration.steps.flatMap { step in
                switch step {
                case .statement(let text): [text]
                case .search: dialect.searchSchema
                }
            }
        }
        func named(_ verb: String) -> [String] {
            texts.compactMap { text in
                let words = text.split(separator: " ", maxSplits: 3)
                return words.count > 2 && words[0] == verb && words[1] == "TABLE" ? String(words[2]) : nil
            }
        }
        let dropped = Set(named("DROP"))
        return named("CREATE").filter { !dropped.contains($0) }
    }
}

extension Store {
    /// Copies everything into another database, from one engine to either (迁库): one snapshot read, one transaction
    /// written, rows as they are, so the ledger holds there as it holds here. The other one has the schema and no rows.
    /// - Errors: `conflict` where the other database is not empty; then nothing is written.
    package func copy(to other: Store, _ migrations: [Migration], progress: @escaping @Sendable (String, Int) -> Void) async throws {
        let tables = Migration.tables(migrations, dialect)
        guard try await pending(migrations).isEmpty, try await other.pending(migrations).isEmpty else {
            throw Refusal(.conflict, Text("两个数据库的结构须先更新：运行 sinan migrate", "Bring both schemas up to date first: sinan migrate"))
        }
        try readBeside(other) { source, target in
            try source.dialect.takeYourTime(source)
            try target.dialect.takeYourTime(target)
            for table in tables where table != "platform_ledger_head" {
                guard try target.one("SELECT 1 AS n FROM \(raw: table) LIMIT 1") == nil else {
                    throw Refusal(.conflict, Text("目标数据库不是空的（\(table) 中已有数据）", "The other database is not empty: \(table) has rows"))
                }
            }
            let later = try target.dialect.withoutIndexes(target)
            for table in tables {
                try target.run("DELETE FROM \(raw: table)")
                var columns: [String] = []
                var rows: [[Value]] = []
                var count = 0
                try source.forEach("SELECT * FROM \(raw: table)") { row in
                    columns = row.columns.names
                    rows.append(row.values)
                    count += 1
                    guard rows.count == 5000 else { return }
                    try target.bulk(into: table, columns, rows)
                    rows = []
                    progress(table, count)
                }
                try target.bulk(into: table, columns, rows)
                progress(table, count)
                if columns.contains("id") { try target.dialect.numberOn(table, target) }
            }
            for statement in later { try target.run(statement) }
            try target.dialect.refillSearch(target)
        }
    }
}

extension Dialect {
    /// Takes away what only speeds up reading while everything is written, and returns the statements that bring it back.
    func withoutIndexes(of table: String? = nil, _ tx: Transaction) throws -> [SQL] {
        let which: SQL = table.map { self == .sqlite ? "AND tbl_name = \($0)" : "AND i.indrelid = to_regclass(\($0))" } ?? ""
        let query: SQL =
            self == .sqlite
            ? "SELECT name, sql AS text FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL \(which)"
            : """
            SELECT c.relname::text AS name, pg_get_indexdef(c.oid) AS text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = current_schema() AND NOT i.indisunique \(which)
            """
        let indexes = try tx.all(query).map { ($0.string("name"), $0.string("text")) }
        for (name, _) in indexes { try tx.run("DROP INDEX \(raw: name)") }
        return indexes.map { SQL(stringLiteral: $0.1) }
    }

    /// Lets a table's own numbering go on behind the last key.
    func numberOn(_ table: String, _ tx: Transaction) throws {
        guard self == .postgres, try tx.one("SELECT pg_get_serial_sequence(\(table), 'id') AS s")?.optionalString("s") != nil else { return }
        _ = try tx.one("SELECT setval(pg_get_serial_sequence(\(table), 'id'), COALESCE((SELECT max(id) FROM \(raw: table)), 0) + 1, false) AS n")
    }

    func refillSearch(_ tx: Transaction) throws {
        if self == .sqlite { try tx.run("INSERT INTO platform_search_text (platform_search_text) VALUES ('rebuild')") }
    }
}
