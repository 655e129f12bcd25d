import Formats
import Foundation
import Kernel
import Store

/// The ledger of acts (操作日志): every act, in its own transaction, as an entry of a Merkle tree that grows at one end.
///
/// An entry also seals the rows that the act left behind, so that a row changed past the program is found by its name.
package enum Ledger {
    package struct Entry: Sendable {
        package let act: String
        package let of: Reference
        package let actor: String
        package let at: Moment
        package let article: Article?
        package let details: [(String, JSON)]
        /// `casework_matters/12` → the digest of that row after the act.
        package let rows: [(String, String)]

        package init(_ act: String, of: Reference, by actor: String, at: Moment, article: Article? = nil, details: [(String, JSON)] = [], rows: [(String, String)] = []) {
            self.act = act
            self.of = of
            self.actor = actor
            self.at = at
            self.article = article
            self.details = details
            self.rows = rows
        }

        /// The leaf's text: one line of JSON, keys in this order.
        package var text: String {
            var pairs: [(String, JSON)] = [("at", .string(at.isoText)), ("actor", .string(actor)), ("act", .string(act)), ("of", .string("\(of.kind):\(of.id)"))]
            if let article { pairs.append(("law", .string(article.description))) }
            if !details.isEmpty { pairs.append(("details", .object(details))) }
            if !rows.isEmpty { pairs.append(("rows", .object(rows.map { ($0.0, .string($0.1)) }))) }
            return JSON.object(pairs).text
        }
    }

    /// A row that an act leaves behind, by its table and key; named `table/12`, or `table.key/12` where the key is not `id`.
    package struct Seal: Sendable {
        let table: String
        let key: String
        let id: Int64
        package init(_ table: String, key: String = "id", _ id: Int64) {
            self.table = table
            self.key = key
            self.id = id
        }
        var name: String { key == "id" ? "\(table)/\(id)" : "\(table).\(key)/\(id)" }
        /// Reads a name back; only names that could be of ours.
        init?(name: some StringProtocol) {
            let parts = name.split(separator: "/")
            guard parts.count == 2, let id = Int64(parts[1]) else { return nil }
            let words = parts[0].split(separator: ".")
            guard (1...2).contains(words.count), words.allSatisfy({ $0.allSatisfy { $0.isASCII && ($0.isLetter || $0 == "_") } }) else { return nil }
            self.init(String(words[0]), key: words.count == 2 ? String(words[1]) : "id", id)
        }
    }

    /// The digest of a row: SHA-256 over `name=value` lines in the order of the names.
    package static func digest(_ columns: [String], _ values: [Value]) -> String {
        var bytes: [UInt8] = []
        for (name, value) in zip(columns, values).sorted(by: { $0.0 < $1.0 }) {
            // What is not there is not sealed, so a later step of the schema may add a column.
            if case .null = value { continue }
            bytes += Array(name.utf8)
            bytes.append(UInt8(ascii: "="))
            switch value {
            case .null: bytes.append(0)
            case .int(let i): bytes += Array(String(i).utf8)
            case .real(let d): bytes += Array(String(d).utf8)
            case .text(let t): bytes += Array(t.utf8)
            case .blob(let b): bytes += b
            }
            bytes.append(10)
        }
        return Crypto.hex(Crypto.sha256(bytes).prefix(16))
    }

    static func frontier(_ tx: Transaction) throws -> Merkle.Frontier {
        guard let head = try tx.one("SELECT size, roots FROM platform_ledger_head WHERE singleton = 1") else { throw Fault("the ledger has no head") }
        let bytes = head.blob("roots")
        return .init(size: head.int("size"), roots: stride(from: 0, to: bytes.count, by: 32).map { Array(bytes[$0..<min($0 + 32, bytes.count)]) })
    }

    /// Appends entries in order; many at once cost one pass.
    package static func append(_ entries: [Entry], _ tx: Transaction) throws {
        guard !entries.isEmpty else { return }
        var tree = try frontier(tx)
        let first = tree.size
        var leaves: [[Value]] = []
        var nodes: [[Value]] = []
        for entry in entries {
            let text = entry.text
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

    /// Signs what the ledger is now, if it has grown since the last time.
    @discardableResult
    package static func checkpoint(keys: Keys, at now: Moment, _ tx: Transaction) throws -> String? {
        let tree = try frontier(tx)
        if let last = try tx.one("SELECT note FROM platform_checkpoints WHERE size = \(tree.size)") { return last.string("note") }
        guard let note = Checkpoint(origin: keys.origin, size: tree.size, root: tree.root).signed(name: keys.origin, seed: keys.seed) else {
            throw Fault("cannot sign a checkpoint")
        }
        try tx.run("INSERT INTO platform_checkpoints (size, note, signed_at) VALUES (\(tree.size), \(note), \(now))")
        return note
    }
}

extension Transaction {
    /// Writes an act into the ledger, in this transaction. `sealing` names the rows that it leaves behind.
    package func audit(
        _ act: String, of thing: Reference, by actor: String, at now: Moment, under article: Article? = nil, details: [(String, JSON)] = [],
        sealing: [Ledger.Seal] = []
    ) throws {
        let rows = try sealing.map { seal in
            guard let row = try one("SELECT * FROM \(raw: seal.table) WHERE \(raw: seal.key) = \(seal.id)") else { throw Fault("cannot seal \(seal.name): no such row") }
            return (seal.name, Ledger.digest(row.columns.names, row.values))
        }
        try Ledger.append([Ledger.Entry(act, of: thing, by: actor, at: now, article: article, details: details, rows: rows)], self)
    }
}
