import Formats
import Foundation
import Kernel

/// The installation's secrets (密钥): the ledger's signing key and the key of form tokens, in files apart from the
/// database, readable by their owner alone.
package struct Keys: Sendable {
    /// The name under which checkpoints are signed, as C2SP asks: a name like a domain, chosen once.
    package let origin: String
    package let seed: [UInt8]
    package let secret: [UInt8]
    /// Of evidence packages, P-384: 48 bytes.
    package let evidence: [UInt8]
    package var publicKey: [UInt8] { Crypto.publicKey(seed: seed) ?? [] }
    package var verifierKey: String { Checkpoint.verifierKey(name: origin, publicKey: publicKey) }

    /// Where the last checkpoint is kept outside the database: whoever rewrites the database does not rewrite this.
    package let witness: String?

    package init(origin: String, seed: [UInt8], secret: [UInt8], evidence: [UInt8], witness: String? = nil) {
        self.evidence = evidence
        self.witness = witness
        self.origin = origin
        self.seed = seed
        self.secret = secret
    }

    /// Reads the keys of a folder, or makes them there the first time.
    package static func open(folder: String) throws -> Keys {
        let url = URL(fileURLWithPath: folder)
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        func key(_ name: String, _ count: Int) throws -> [UInt8] {
            let file = url.appendingPathComponent(name)
            if FileManager.default.fileExists(atPath: file.path) {
                let text = try String(contentsOf: file, encoding: .utf8)
                guard let bytes = Crypto.bytes(hex: text.filter { !$0.isWhitespace }), bytes.count == count else { throw Fault("\(file.path) is not a key of \(count) bytes") }
                return bytes
            }
            // Several processes may begin in one folder at once: the first whole file counts, for all of them.
            let draft = url.appendingPathComponent(".\(name).\(Crypto.hex(Crypto.random(6)))")
            guard FileManager.default.createFile(atPath: draft.path, contents: Data(Crypto.hex(Crypto.random(count)).utf8), attributes: [.posixPermissions: 0o600]) else {
                throw Fault("cannot write \(file.path)")
            }
            defer { try? FileManager.default.removeItem(at: draft) }
            guard link(draft.path, file.path) == 0 || errno == EEXIST else { throw Fault("cannot write \(file.path)") }
            return try key(name, count)
        }
        return Keys(
            origin: "sinan.ledger/\(Crypto.hex(Crypto.sha256(try key("ledger.key", 32)).prefix(4)))", seed: try key("ledger.key", 32), secret: try key("forms.key", 32),
            evidence: try key("evidence.key", 48), witness: url.appendingPathComponent("ledger.checkpoint").path)
    }

    /// Keeps a checkpoint outside, if it is newer than what is there.
    package func remember(_ note: String) throws {
        guard let witness else { return }
        func size(_ note: String) -> Int64 { note.split(separator: "\n").dropFirst().first.flatMap { Int64($0) } ?? -1 }
        if let old = remembered, size(old) >= size(note) { return }
        try Data(note.utf8).write(to: URL(fileURLWithPath: witness), options: .atomic)
    }
    package var remembered: String? { witness.flatMap { try? String(contentsOfFile: $0, encoding: .utf8) } }
}
