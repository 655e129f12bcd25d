import Formats
import Foundation
import Kernel
import Store

/// A table of which every row is sealed in the ledger (受保护的表): row by row under its key, or as a whole where it has none.
package struct SealedTable: Sendable {
    let name: String
    let key: String?
    package init(_ name: String, key: String? = "id") { (self.name, self.key) = (name, key) }

    /// The Platform's own.
    package static let platform: [SealedTable] =
        [
            "platform_accounts", "platform_tokens", "operators", "operators_shops", "operators_contacts", "casework_matters", "casework_moves", "casework_clocks",
            "casework_pauses",
            "casework_notes", "casework_attachments", "casework_links", "casework_documents", "casework_notices", "platform_hooks",
        ].map { SealedTable($0) } + ["platform_settings", "platform_regions", "platform_office_templates", "platform_calendar"].map { SealedTable($0, key: nil) }
}

/// Checks the ledger (日志核验): every entry, every node, the head, every signed checkpoint, every sealed row.
package enum LedgerCheck {
    package struct Finding: Sendable {
        package let what: String
        package let text: Text
    }
    package struct Report: Sendable {
        /// What was found wrong with the files that rows refer to is found here too.
        package mutating func add(_ files: [(hash: String, text: Text)], of count: Int) {
            self.files = count
            findings += files.prefix(100).map { Finding(what: "files/\($0.hash)", text: $0.text) }
        }
        package var files = 0
        package var entries: Int64 = 0
        package var checkpoints = 0
        package var rows = 0
        package var root = ""
        package var findings: [Finding] = []
        package var holds: Bool { findings.isEmpty }
    }

    /// - Parameters:
    ///   - sealing: the tables of which every row must appear in the ledger, whether it names them yet or not.
    ///   - witness: the last checkpoint, as it was kept outside the database.
    package static func run(publicKey: [UInt8], origin: String, sealing: [SealedTable], witness: String? = nil, _ tx: Transaction) throws -> Report {
        try tx.dialect.takeYourTime(tx)
        var report = Report()
        var tree = Merkle.Frontier()
        var seals = Seals()
        var nodes: [[(Int64, Merkle.Hash)]] = []
        var roots: [Int64: Merkle.Hash] = [:]
        let checkpoints = try tx.all("SELECT size, note FROM platform_checkpoints ORDER BY size")
        var wanted = Set(checkpoints.map { $0.int("size") })
        let outside = try witness.map { try Checkpoint(note: $0, name: origin, publicKey: publicKey) }
        if let outside { wanted.insert(outside.size) }
        let points = wanted
        if points.contains(0) { roots[0] = Merkle.emptyRoot }

        func add(_ what: String, _ zh: String, _ en: String) {
            if report.findings.count < 100 { report.findings.append(Finding(what: what, text: Text(zh, en))) }
        }

        try tx.forEach("SELECT idx, entry, leaf FROM platform_ledger ORDER BY idx") { row in
            let index = row.int("idx")
            if index != tree.size { add("platform_ledger/\(tree.size)", "日志缺少第\(tree.size)条（其后为第\(index)条）", "entry \(tree.size) is missing (entry \(index) follows)") }
            let text = row.string("entry")
            let leaf = Merkle.leaf(Array(text.utf8))
            if leaf != row.blob("leaf") { add("platform_ledger/\(index)", "日志第\(index)条被改动", "entry \(index) was altered") }
            for node in tree.append(row.blob("leaf")) where node.level > 0 {
                while nodes.count < node.level { nodes.append([]) }
                nodes[node.level - 1].append((node.index, node.hash))
            }
            if points.contains(tree.size) { roots[tree.size] = tree.root }
            if let start = text.range(of: "\"rows\":{") {
                for pair in text[start.upperBound...].dropLast(2).split(separator: ",") {
                    let words = pair.split(separator: "\"")
                    if words.count >= 3 { seals.note(words[0], words[2], index) }
                }
            }
        }
        report.entries = tree.size
        report.root = Data(tree.root).base64EncodedString()
        try checkNodes(nodes, tx, add)
        let head = try Ledger.frontier(tx)
        if head.size != tree.size || head.root != tree.root {
            add("platform_ledger_head", "日志头记录\(head.size)条，实有\(tree.size)条或根哈希不符", "the head says \(head.size) entries, there are \(tree.size), or the root differs")
        }
        for row in checkpoints {
            report.checkpoints += 1
            let size = row.int("size")
            do {
                let checkpoint = try Checkpoint(note: row.string("note"), name: origin, publicKey: publicKey)
                if checkpoint.size != size || checkpoint.root != roots[size] {
                    add(
                        "platform_checkpoints/\(size)", "第\(size)条处的签名检查点与日志内容不符：其前有条目被改动、删除或调换",
                        "the signed checkpoint at \(size) does not fit: an entry before it was altered, removed or re-ordered")
                }
            } catch {
                add("platform_checkpoints/\(size)", "第\(size)条处：\(error.text.zh)", "at \(size): \(error.text.en)")
            }
        }
        if let outside, outside.size > tree.size || roots[outside.size] != outside.root {
            add(
                "witness", "日志与保存在数据库之外的检查点（\(outside.size)条）不符：历史被改写",
                "the ledger does not fit the checkpoint kept outside the database (\(outside.size) entries): history was rewritten")
        }
        if let outside, outside.size > 0, !checkpoints.contains(where: { $0.int("size") == outside.size }) {
            add(
                "platform_checkpoints/\(outside.size)", "签名检查点（\(outside.size)条）已从数据库中删除",
                "the signed checkpoint at \(outside.size) was removed from the database")
        }
        for table in sealing { seals.expect(table) }
        report.rows = try checkRows(seals, tx, add)
        return report
    }

    private static func checkNodes(_ expected: [[(Int64, Merkle.Hash)]], _ tx: Transaction, _ add: (String, String, String) -> Void) throws {
        var position = [Int](repeating: 0, count: expected.count)
        var seen = 0
        try tx.forEach("SELECT level, idx, hash FROM platform_ledger_nodes ORDER BY level, idx") { row in
            let level = Int(row.int("level")) - 1
            guard level < expected.count, position[level] < expected[level].count else {
                return add("platform_ledger_nodes/\(level + 1)/\(row.int("idx"))", "多出日志树节点", "a node too many")
            }
            let (index, hash) = expected[level][position[level]]
            position[level] += 1
            seen += 1
            if index != row.int("idx") || hash != row.blob("hash") { add("platform_ledger_nodes/\(level + 1)/\(row.int("idx"))", "日志树节点被改动", "a node was altered") }
        }
        let total = expected.reduce(0) { $0 + $1.count }
        if seen != total { add("platform_ledger_nodes", "日志树节点应有\(total)个，实有\(seen)个", "\(total) nodes expected, \(seen) found") }
    }

    /// The last seal of each row. A city's year has ten million: sixteen bytes a digest, one dictionary a table.
    struct Seals {
        struct Seal: Equatable {
            let high: UInt64
            let low: UInt64
            let entry: Int64
        }
        private(set) var tables: [String: (key: String, rows: [Int64: Seal])] = [:]
        private(set) var wholes: [String: (digest: String, entry: Int64)] = [:]
        private(set) var strange: [(name: String, entry: Int64)] = []
        private var names: [Substring: (table: String, key: String)] = [:]

        /// A table whose rows must all be sealed: one that the ledger does not name yet may hold nothing.
        mutating func expect(_ table: SealedTable) {
            if let key = table.key {
                if tables[table.name] == nil { tables[table.name] = (key, [:]) }
            } else if wholes[table.name] == nil {
                wholes[table.name] = ("", -1)
            }
        }

        mutating func note(_ name: Substring, _ digest: Substring, _ entry: Int64) {
            let slash = name.firstIndex(of: "/") ?? name.endIndex
            let place: (table: String, key: String)
            if let known = names[name[..<slash]] {
                place = known
            } else {
                guard let read = Ledger.Seal.read(name) else { return strange.append((String(name), entry)) }
                place = (read.table, read.key)
                names[Substring(String(name[..<slash]))] = place
            }
            if name.hasSuffix("/*") {
                wholes[place.table] = (String(digest), entry)
            } else if let id = Int64(name[slash...].dropFirst()), let high = UInt64(digest.prefix(16), radix: 16), let low = UInt64(digest.dropFirst(16), radix: 16) {
                tables[place.table, default: (place.key, [:])].rows[id] = Seal(high: high, low: low, entry: entry)
            } else {
                strange.append((String(name), entry))
            }
        }
    }

    /// Returns how many rows fit their seals.
    private static func checkRows(_ seals: Seals, _ tx: Transaction, _ add: (String, String, String) -> Void) throws -> Int {
        // The ledger itself says which tables it seals, and by which key.
        let tables = Set(try tx.dialect.tables(tx))
        var found = 0
        for (name, entry) in seals.strange { add(name, "日志第\(entry)条的封存标记无法识读：\(name)", "entry \(entry) holds a seal that cannot be read: \(name)") }
        for (table, sealed) in seals.tables.sorted(by: { $0.key < $1.key }) {
            guard tables.contains(table) else {
                add(table, "日志所封存的表 \(table) 已不存在", "the table \(table) that the ledger seals is gone")
                continue
            }
            var missing = Set(sealed.rows.keys)
            var digester: Ledger.Digest?
            try tx.forEach("SELECT * FROM \(raw: table)") { row in
                let id = row.int(sealed.key)
                let name = Ledger.Seal.name(table, sealed.key, id)
                guard let seal = sealed.rows[id] else { return add(name, "\(name) 没有对应的操作记录", "\(name) appears in no entry of the ledger") }
                missing.remove(id)
                found += 1
                if digester == nil { digester = Ledger.Digest(row.columns.names) }
                let digest = digester!(row.values)
                if UInt64(digest.prefix(16), radix: 16) != seal.high || UInt64(digest.dropFirst(16), radix: 16) != seal.low {
                    add(name, "\(name) 在日志第\(seal.entry)条之后被改动", "\(name) was altered after entry \(seal.entry)")
                }
            }
            for id in missing.sorted() {
                let name = Ledger.Seal.name(table, sealed.key, id)
                let entry = sealed.rows[id]?.entry ?? 0
                add(name, "\(name)（日志第\(entry)条）已被删除", "\(name) (entry \(entry)) was removed")
            }
        }
        for (table, seal) in seals.wholes.sorted(by: { $0.key < $1.key }) {
            if seal.entry < 0 {
                if tables.contains(table), try tx.one("SELECT 1 AS n FROM \(raw: table) LIMIT 1") != nil {
                    add("\(table)/*", "\(table) 中有数据而没有对应的操作记录", "\(table) holds rows that appear in no entry of the ledger")
                }
                continue
            }
            guard tables.contains(table), try Ledger.digest(whole: table, tx) == seal.digest else {
                add("\(table)/*", "\(table) 在日志第\(seal.entry)条之后被改动", "\(table) was altered after entry \(seal.entry)")
                continue
            }
            found += 1
        }
        return found
    }
}
