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
            // The name is on disk too, and the folder that may be new.
            for place in [target.deletingLastPathComponent(), folder] { FileStore.synchronize(place) }
        } catch {
            try? FileManager.default.removeItem(at: draft)
            if FileManager.default.fileExists(atPath: target.path) { return hash }
            throw full
        }
        return hash
    }

    private static func synchronize(_ folder: URL) {
        let descriptor = open(folder.path, O_RDONLY)
        guard descriptor >= 0 else { return }
        fsync(descriptor)
        close(descriptor)
    }

    package func read(_ hash: String) throws -> [UInt8] {
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit) else { throw Refusal.notFound }
        guard let data = try? Data(contentsOf: place(hash)) else {
            throw Refusal(.unavailable, Text("文件不在存储中，请联系系统管理员核查（\(hash.prefix(12))）", "The file is missing from the store: tell the administrator (\(hash.prefix(12)))"))
        }
        let bytes = [UInt8](data)
        guard Crypto.hex(Crypto.sha256(bytes)) == hash else {
            throw Refusal(
                .unavailable,
                Text("文件内容已被改动，与登记的哈希不符，请联系系统管理员核查（\(hash.prefix(12))）", "The file was altered: it no longer has its hash; tell the administrator (\(hash.prefix(12)))"))
        }
        return bytes
    }
    /// The same without holding it in memory: checked against its hash, then read from disk where it is looked at.
    package func mapped(_ hash: String) throws -> Data {
        guard hash.count == 64, hash.allSatisfy(\.isHexDigit) else { throw Refusal.notFound }
        guard let data = try? Data(contentsOf: place(hash), options: .alwaysMapped) else { return Data(try read(hash)) }
        let digester = Digester()
        data.withUnsafeBytes { digester.update($0) }
        guard Crypto.hex(digester.finish().sha256) == hash else { return Data(try read(hash)) }
        return data
    }
    package func holds(_ hash: String) -> Bool { FileManager.default.fileExists(atPath: place(hash).path) }

    /// What became of files that must be there: gone, or no longer what their hash says. Cost: each is read once.
    package func check(_ hashes: some Collection<String>) -> [(hash: String, text: Text)] {
        hashes.sorted().compactMap { hash in
            guard let data = try? Data(contentsOf: place(hash)) else { return (hash, Text("附件缺失", "the file is missing")) }
            return Crypto.hex(Crypto.sha256([UInt8](data))) == hash ? nil : (hash, Text("附件内容已被改动", "the file was altered"))
        }
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
