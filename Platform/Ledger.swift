import Formats
import Foundation
import Kernel
import Store

/// The ledger of acts (操作日志): every act, in its own transaction, as an entry of a Merkle tree that grows at one end.
///
/// An entry also seals the rows that the act left behind, so that a row changed past the program is found by its name.
package enum Ledger {
    package struct Entry: Later, Sendable {
        let act: String
        let of: Reference
        let actor: String
        let at: Moment
        let article: Article?
        let details: [(String, JSON)]
        let sealing: [Seal]

        /// The leaf's text: one line of JSON, keys in this order; `rows` are the digests of the rows that the act left behind.
        func text(_ rows: [(String, String)]) -> String {
            var pairs: [(String, JSON)] = [("at", .string(at.isoText)), ("actor", .string(actor)), ("act", .string(act)), ("of", .string("\(of.kind):\(of.id)"))]
            if let article { pairs.append(("law", .string(article.description))) }
            if !details.isEmpty { pairs.append(("details", .object(details))) }
            if !rows.isEmpty { pairs.append(("rows", .object(rows.map { ($0.0, .string($0.1)) }))) }
            return JSON.object(pairs).text
        }

        package static func settle(_ items: [Entry], _ tx: Transaction) throws { try Ledger.append(items, tx) }
    }

    /// Rows that an act leaves behind.
    package struct Seal: Hashable, Sendable {
        enum Which: Hashable, Sendable {
            /// The row with this key.
            case one(Int64)
            /// All rows whose column holds this: the claims of a matter.
            case of(String, Int64)
            /// A small table as a whole: the calendar, the settings.
            case whole
            /// The digest is at hand: rows that were written in bulk.
            case known(Int64, String)
        }
        let table: String
        let key: String
        let which: Which

        package init(_ table: String, key: String = "id", _ id: Int64) { (self.table, self.key, which) = (table, key, .one(id)) }
        package init(_ table: String, of column: String, _ id: Int64) { (self.table, key, which) = (table, "id", .of(column, id)) }
        package init(whole table: String) { (self.table, key, which) = (table, "id", .whole) }
        package init(_ table: String, _ id: Int64, digest: String) { (self.table, key, which) = (table, "id", .known(id, digest)) }

        /// How a row is called in an entry: `table/12`, `table.key/12` where the key is not `id`, `table/*` for a whole table.
        static func name(_ table: String, _ key: String, _ id: Int64) -> String { key == "id" ? "\(table)/\(id)" : "\(table).\(key)/\(id)" }
        /// Reads a name back; only names that could be of ours. No id: the whole table.
        static func read(_ name: some StringProtocol) -> (table: String, key: String, id: Int64?)? {
            let parts = name.split(separator: "/")
            guard parts.count == 2, parts[1] == "*" || Int64(parts[1]) != nil else { return nil }
            let words = parts[0].split(separator: ".")
            guard (1...2).contains(words.count), words.allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") } }) else { return nil }
            return (String(words[0]), words.count == 2 ? String(words[1]) : "id", Int64(parts[1]))
        }
    }

    /// What the house's own acts are called.
    static let acts: [String: Text] = [
        "accounts.added": Text("新增账号", "Account added"), "accounts.activated": Text("启用账号", "Account activated"), "accounts.deactivated": Text("停用账号", "Account deactivated"),
        "accounts.changed": Text("变更账号", "Account changed"), "accounts.password": Text("修改密码", "Password changed"), "accounts.refused": Text("登录被拒", "Sign-in refused"),
        "accounts.signed-in": Text("登录", "Signed in"), "accounts.token": Text("签发接口令牌", "API token issued"), "accounts.tokens-revoked": Text("撤销接口令牌", "API tokens revoked"),
        "accounts.factor-added": Text("启用动态口令", "Second factor added"), "accounts.factor-removed": Text("停用动态口令", "Second factor removed"),
        "calendar.changed": Text("更新工作日历", "Calendar changed"), "office.changed": Text("变更机构设置", "Office settings changed"), "regions.changed": Text("变更行政区划", "Divisions changed"),
        "templates.changed": Text("修改文书模板", "Template changed"), "templates.reset": Text("恢复官方文书式样", "Template reset"),
        "operators.added": Text("登记经营主体", "Operators added"), "operators.changed": Text("变更经营主体", "Operators changed"),
        "operators.contact-added": Text("添加联系人", "Contact added"), "operators.contact-removed": Text("移除联系人", "Contact removed"),
        "casework.assigned": Text("分派事项", "Matter assigned"), "casework.attached": Text("上传附件", "File attached"), "casework.extended": Text("延长期限", "Period extended"),
        "casework.issued": Text("制作文书", "Document issued"), "casework.linked": Text("关联事项", "Matters linked"), "casework.noted": Text("添加备注", "Note added"),
        "casework.recomputed": Text("重算期限", "Period counted again"), "casework.begun": Text("开始计算期限", "Period begun"), "casework.ended": Text("期限终止计算", "Period ended"),
        "casework.opened": Text("查阅文书", "Document opened"),
        "personal.revealed": Text("查看个人信息", "Personal data looked at"),
    ]

    /// What an entry is about, where it is no matter.
    static let things: [String: Text] = [
        "operator": Text("经营主体", "Operator"), "account": Text("账号", "Account"), "calendar": Text("工作日历", "Calendar"), "template": Text("文书模板", "Template"),
        "import": Text("导入文件", "Imported file"), "office": Text("机构设置", "Settings"), "regions": Text("行政区划", "Divisions"), "token": Text("接口令牌", "API token"),
        "operators": Text("经营主体", "Operators"),
    ]
    /// Who acts, where it is no account.
    static let actors: [String: Text] = [
        "filer": Text("投诉人本人", "the filer"), "respondent": Text("商家", "the business"), "system": Text("系统", "the system"), "command": Text("命令行", "the command line"),
        "import": Text("导入", "an import"),
        "visitor": Text("未登录者", "a visitor"), "folder": Text("监控文件夹", "the watched folder"),
    ]

    /// Columns that say when something was last used: they change with every use and are nobody's act.
    static let unsealed: Set<String> = ["used_at", "read_at"]

    /// Digests the rows of one shape: SHA-256 over `name=length:value` lines in the order of the names, its first half in hex.
    /// The length keeps a text with a line break in it from being read as two columns.
    package struct Digest {
        private let order: [(at: Int, name: [UInt8])]
        private var bytes: [UInt8] = []

        package init(_ columns: [String]) {
            order = columns.enumerated().filter { !unsealed.contains($0.element) }.sorted { $0.element < $1.element }.map { ($0.offset, Array("\($0.element)=".utf8)) }
        }
        package mutating func callAsFunction(_ values: [Value]) -> String {
            bytes.removeAll(keepingCapacity: true)
            for (at, name) in order {
                // What is not there is not sealed, so a later step of the schema may add a column.
                if case .null = values[at] { continue }
                bytes += name
                switch values[at] {
                case .null: break
                case .int(let i): add(String(i).utf8)
                case .real(let d): add(String(d).utf8)
                case .text(let t): add(t.utf8)
                case .blob(let b): add(b)
                }
                bytes.append(10)
            }
            return Crypto.hex(Crypto.sha256(bytes).prefix(16))
        }
        private mutating func add(_ value: some Collection<UInt8>) {
            bytes += String(value.count).utf8
            bytes.append(58)
            bytes += value
        }
    }

    /// The digest of a small table: its rows' digests, sorted.
    static func digest(whole table: String, _ tx: Transaction) throws -> String {
        var rows: [String] = []
        var digest: Digest?
        try tx.forEach("SELECT * FROM \(raw: table)") { row in
            if digest == nil { digest = Digest(row.columns.names) }
            rows.append(digest!(row.values))
        }
        return Crypto.hex(Crypto.sha256(Array(rows.sorted().joined(separator: "\n").utf8)).prefix(16))
    }

    /// The digests of all that these entries seal, a statement for each table and column.
    private static func rows(_ entries: [Entry], _ tx: Transaction) throws -> (Seal) throws -> [(String, String)] {
        struct Group: Hashable {
            let table: String
            let key: String
            let column: String
        }
        var wanted: [Group: Set<Int64>] = [:]
        var found: [Group: [Int64: [(String, String)]]] = [:]
        var wholes: [String: String] = [:]
        for seal in entries.lazy.flatMap(\.sealing) {
            switch seal.which {
            case .one(let id): wanted[Group(table: seal.table, key: seal.key, column: seal.key), default: []].insert(id)
            case .of(let column, let id): wanted[Group(table: seal.table, key: seal.key, column: column), default: []].insert(id)
            case .whole: if wholes[seal.table] == nil { wholes[seal.table] = try digest(whole: seal.table, tx) }
            case .known: break
            }
        }
        for (group, ids) in wanted {
            var rows: [Int64: [(String, String)]] = [:]
            var digest: Digest?
            let order: SQL = group.column == group.key ? "" : " ORDER BY \(raw: group.key)"
            for row in try tx.all(keys: ids, { "SELECT * FROM \(raw: group.table) WHERE \(raw: group.column) IN (\($0))\(order)" }) {
                if digest == nil { digest = Digest(row.columns.names) }
                rows[row.int(group.column), default: []].append((Seal.name(group.table, group.key, row.int(group.key)), digest!(row.values)))
            }
            found[group] = rows
        }
        return { [found, wholes] seal in
            switch seal.which {
            case .one(let id):
                guard let rows = found[Group(table: seal.table, key: seal.key, column: seal.key)]?[id] else { throw Fault("cannot seal \(seal.table)/\(id): no such row") }
                return rows
            case .of(let column, let id): return found[Group(table: seal.table, key: seal.key, column: column)]?[id] ?? []
            case .whole: return [("\(seal.table)/*", wholes[seal.table] ?? "")]
            case .known(let id, let digest): return [(Seal.name(seal.table, seal.key, id), digest)]
            }
        }
    }

    static func frontier(_ tx: Transaction) throws -> Merkle.Frontier {
        guard let head = try tx.one("SELECT size, roots FROM platform_ledger_head WHERE singleton = 1") else { throw Fault("the ledger has no head") }
        let bytes = head.blob("roots")
        return .init(size: head.int("size"), roots: stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<min($0 + 32, bytes.count)]) })
    }

    /// Appends entries in order; those of all acts that are committed together cost one pass.
    private static func append(_ entries: [Entry], _ tx: Transaction) throws {
        guard !entries.isEmpty else { return }
        var tree = try frontier(tx)
        let first = tree.size
        let rows = try rows(entries, tx)
        var leaves: [[Value]] = []
        var nodes: [[Value]] = []
        for entry in entries {
            let text = entry.text(try entry.sealing.flatMap(rows))
            let leaf = Merkle.leaf(Array(text.utf8))
            leaves.append([.int(tree.size), .text(text), .blob(leaf)])
            for node in tree.append(leaf) where node.level > 0 { nodes.append([.int(Int64(node.level)), .int(node.index), .blob(node.hash)]) }
        }
        try tx.bulk(into: "platform_ledger", ["idx", "entry", "leaf"], leaves)
        try tx.bulk(into: "platform_ledger_nodes", ["level", "idx", "hash"], nodes)
        try tx.change("UPDATE platform_ledger_head SET size = \(tree.size), roots = \(Array(tree.roots.joined())) WHERE singleton = 1 AND size = \(first)")
    }

    static func stored(_ tx: Transaction) -> (Int, Int64) throws -> Merkle.Hash {
        { level, index in
            let row =
                level == 0
                ? try tx.one("SELECT leaf AS hash FROM platform_ledger WHERE idx = \(index)")
                : try tx.one("SELECT hash FROM platform_ledger_nodes WHERE level = \(level) AND idx = \(index)")
            guard let row else { throw Fault("the ledger lacks node \(level)/\(index)") }
            return row.blob("hash")
        }
    }

    package static func inclusion(_ index: Int64, size: Int64, _ tx: Transaction) throws -> [Merkle.Hash] { try Merkle.inclusion(index, size: size, stored(tx)) }
    package static func consistency(_ old: Int64, size: Int64, _ tx: Transaction) throws -> [Merkle.Hash] { try Merkle.consistency(old, size: size, stored(tx)) }

    /// Signs what the ledger is now, if it has grown since the last time, and only if what was signed before is still its beginning.
    ///
    /// Errors: a ledger that does not continue the checkpoint kept outside the database is not signed.
    @discardableResult
    package static func checkpoint(keys: Keys, at now: Moment, _ tx: Transaction) throws -> String? {
        try tx.settle()
        let tree = try frontier(tx)
        if let note = keys.remembered, !(try continues(Checkpoint(note: note, name: keys.origin, publicKey: keys.publicKey), tree, tx)) {
            throw Fault("the ledger of \(tree.size) entries does not continue the checkpoint kept outside the database: nothing is signed; run sinan audit verify")
        }
        if let last = try tx.one("SELECT note FROM platform_checkpoints WHERE size = \(tree.size)") { return last.string("note") }
        guard let note = Checkpoint(origin: keys.origin, size: tree.size, root: tree.root).signed(name: keys.origin, seed: keys.seed) else {
            throw Fault("cannot sign a checkpoint")
        }
        try tx.run("INSERT INTO platform_checkpoints (size, note, signed_at) VALUES (\(tree.size), \(note), \(now))")
        return note
    }
}

extension Ledger {
    /// Whether a tree begins with what a checkpoint signed (RFC 6962 §2.1.2).
    static func continues(_ old: Checkpoint, _ tree: Merkle.Frontier, _ tx: Transaction) throws -> Bool {
        guard old.size <= tree.size else { return false }
        return Merkle.verify(consistency: try consistency(old.size, size: tree.size, tx), old: old.size, oldRoot: old.root, size: tree.size, root: tree.root)
    }
}

extension Transaction {
    /// Writes an act into the ledger at the end of this transaction. `sealing` names the rows that it leaves behind.
    ///
    /// Cost: for all acts of a commit together, one statement for each sealed table, four for the tree.
    package func audit(
        _ act: String, of thing: Reference, by actor: String, at now: Moment, under article: Article? = nil, details: [(String, JSON)] = [],
        sealing: [Ledger.Seal] = []
    ) throws {
        atCommit(Ledger.Entry(act: act, of: thing, actor: actor, at: now, article: article, details: details, sealing: sealing))
    }
}
