import Formats
import Foundation
import Kernel
import Store

/// The ledger as files that stock verifiers read (日志导出): C2SP tlog-tiles, height 8.
///
/// Shape: `tile/0/000` holds 256 leaf hashes, `tile/1/000` the roots of 256 such tiles, `tile/entries/000` the entries
/// themselves, each behind its length in two bytes, big-endian; a partial tile ends in `.p/N`.
package enum LedgerExport {
    package static func write(to folder: URL, _ tx: Transaction) throws -> Int64 {
        try tx.dialect.takeYourTime(tx)
        guard let size = try tx.one("SELECT size FROM platform_ledger_head")?.int("size") else { throw Fault("no ledger") }
        var hashes: [UInt8] = []
        var entries: [UInt8] = []
        var index: Int64 = 0
        try tx.forEach("SELECT idx, entry, leaf FROM platform_ledger ORDER BY idx") { row in
            let text = Array(row.string("entry").utf8)
            guard text.count < 65_536 else { throw Fault("entry \(index) is too long for a bundle") }
            hashes += row.blob("leaf")
            entries += [UInt8(text.count >> 8), UInt8(text.count & 255)] + text
            index += 1
            if index % 256 == 0 || index == size {
                let width = index % 256 == 0 ? 256 : index % 256
                let n = (index - 1) / 256
                try put(hashes, folder, "tile/0/\(path(n, width))")
                try put(entries, folder, "tile/entries/\(path(n, width))")
                hashes = []
                entries = []
            }
        }
        var level: Int64 = 1
        var count = size / 256
        while count > 0 {
            var tile: [UInt8] = []
            for i in 0..<count {
                guard let row = try tx.one("SELECT hash FROM platform_ledger_nodes WHERE level = \(level * 8) AND idx = \(i)") else {
                    throw Fault("the ledger lacks node \(level * 8)/\(i)")
                }
                tile += row.blob("hash")
                if (i + 1) % 256 == 0 || i + 1 == count {
                    try put(tile, folder, "tile/\(level)/\(path(i / 256, (i + 1) % 256 == 0 ? 256 : (i + 1) % 256))")
                    tile = []
                }
            }
            level += 1
            count /= 256
        }
        return size
    }

    /// 1234067 is `x001/x234/067`.
    static func path(_ n: Int64, _ width: Int64) -> String {
        func three(_ v: Int64) -> String { String(String(v + 1000).suffix(3)) }
        var text = three(n % 1000)
        var rest = n / 1000
        while rest > 0 {
            text = "x\(three(rest % 1000))/\(text)"
            rest /= 1000
        }
        return width == 256 ? text : "\(text).p/\(width)"
    }

    private static func put(_ bytes: [UInt8], _ folder: URL, _ path: String) throws {
        let url = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }
}
