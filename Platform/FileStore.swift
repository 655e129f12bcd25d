import Formats
import Foundation
import Kernel

/// Files by their content (附件库): the name of a file is the SHA-256 of its bytes, so the same one is kept once.
package struct FileStore: Sendable {
    package let folder: URL
    package init(folder: String) { self.folder = URL(fileURLWithPath: folder) }

    /// On disk before it returns. Writing the same bytes again does nothing.
    package func keep(_ bytes: [UInt8]) throws -> String {
        let hash = Crypto.hex(Crypto.sha256(bytes))
        let target = place(hash)
        guard !FileManager.default.fileExists(atPath: target.path) else { return hash }
        try FileManager.default.createDirectory(at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
        let draft = target.appendingPathExtension(Crypto.hex(Crypto.random(6)))
        guard FileManager.default.createFile(atPath: draft.path, contents: nil, attributes: [.posixPermissions: 0o600]) else { throw full }
        do {
            let handle = try FileHandle(forWritingTo: draft)
            try handle.write(contentsOf: Data(bytes))
            try handle.synchronize()
            try handle.close()
            try FileManager.default.moveItem(at: draft, to: target)
        } catch {
            try? FileManager.default.removeItem(at: draft)
            if FileManager.default.fileExists(atPath: target.path) { return hash }
            throw full
        }
        return hash
    }

    package func read(_ hash: String) throws -> [UInt8] {
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit), let data = try? Data(contentsOf: place(hash)) else { throw Refusal.notFound }
        let bytes = [UInt8](data)
        guard Crypto.hex(Crypto.sha256(bytes)) == hash else { throw Fault("the file \(hash) no longer has its content") }
        return bytes
    }

    private func place(_ hash: String) -> URL { folder.appendingPathComponent(String(hash.prefix(2))).appendingPathComponent(hash) }
    private var full: Refusal { Refusal(.unavailable, Text("附件无法写入磁盘，未保存任何内容", "The file could not be written to disk: nothing was saved")) }
}
