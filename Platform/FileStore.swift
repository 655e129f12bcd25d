import Formats
import Foundation
import Kernel

/// Files by their content (附件库): the name of a file is the SHA-256 of its bytes, so the same one is kept once.
package struct FileStore: Sendable {
    package let folder: URL
    package init(folder: String) { self.folder = URL(fileURLWithPath: folder) }

    /// On disk before it returns. Writing the same bytes again does nothing.
    /// - Errors: refused while a last part of the disk is still free: files must not keep complaints from being taken in.
    package func keep(_ bytes: [UInt8]) throws -> String {
        let hash = Crypto.hex(Crypto.sha256(bytes))
        let target = place(hash)
        guard !FileManager.default.fileExists(atPath: target.path) else {
            // Used again: young again, so that nobody sweeps it away before it is attached.
            utimes(target.path, nil)
            return hash
        }
        try leaveRoom(for: bytes.count)
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

    /// Removes files that nothing refers to and that are older than a day. Returns how many.
    package func sweep(keeping used: Set<String>, olderThan: Moment) throws -> Int {
        var removed = 0
        for part in (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)) ?? [] {
            for file in (try? FileManager.default.contentsOfDirectory(at: part, includingPropertiesForKeys: [.contentModificationDateKey])) ?? []
            where !used.contains(String(file.lastPathComponent.prefix(64))) {
                guard let changed = try file.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate,
                    changed.timeIntervalSince1970 * 1000 < Double(olderThan.milliseconds)
                else { continue }
                try FileManager.default.removeItem(at: file)
                removed += 1
            }
        }
        return removed
    }

    private func leaveRoom(for size: Int) throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let disk = try FileManager.default.attributesOfFileSystem(forPath: folder.path)
        guard let free = (disk[.systemFreeSize] as? NSNumber)?.int64Value, let total = (disk[.systemSize] as? NSNumber)?.int64Value else { return }
        guard free - Int64(size) > min(512 << 20, total / 20) else { throw full }
    }

    private func place(_ hash: String) -> URL { folder.appendingPathComponent(String(hash.prefix(2))).appendingPathComponent(hash) }
    private var full: Refusal { Refusal(.unavailable, Text("附件无法写入磁盘，未保存任何内容", "The file could not be written to disk: nothing was saved")) }
}
