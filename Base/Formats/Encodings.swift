import Glibc
import Kernel

/// Text files as offices save them (字符编码): UTF-8 with or without a mark, GB18030 (GBK, GB 2312 inside it), UTF-16 with a mark.
package enum Encodings {
    package enum Name: String, Sendable { case utf8 = "UTF-8", utf8BOM = "UTF-8 BOM", gb18030 = "GB18030", utf16LE = "UTF-16LE", utf16BE = "UTF-16BE" }

    /// Finds the encoding by itself and decodes. Cost: one pass for UTF-8, two otherwise.
    /// - Errors: bytes that are neither name the offset at which GB18030 fails.
    package static func decode(_ bytes: [UInt8]) throws(Refusal) -> (text: String, name: Name) {
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { if let t = String(validating: bytes.dropFirst(3), as: UTF8.self) { return (t, .utf8BOM) } }
        if bytes.starts(with: [0xFF, 0xFE]) { return (try convert(Array(bytes.dropFirst(2)), from: "UTF-16LE"), .utf16LE) }
        if bytes.starts(with: [0xFE, 0xFF]) { return (try convert(Array(bytes.dropFirst(2)), from: "UTF-16BE"), .utf16BE) }
        if let text = String(validating: bytes, as: UTF8.self) { return (text, .utf8) }
        return (try convert(bytes, from: "GB18030"), .gb18030)
    }

    /// By the system's iconv.
    package static func convert(_ bytes: [UInt8], from name: String) throws(Refusal) -> String {
        let (out, failedAt) = iconvBytes(bytes, from: name, to: "UTF-8")
        if let failedAt {
            throw Refusal.invalid(
                "/file",
                Text("无法识别文件编码（按 \(name) 在第\(failedAt)字节处出错），请另存为 UTF-8 或 GB18030", "Unknown encoding (as \(name) it fails at byte \(failedAt)): save it as UTF-8 or GB18030"))
        }
        return String(decoding: out, as: UTF8.self)
    }

    package static func gb18030(_ text: String) -> [UInt8] { iconvBytes(Array(text.utf8), from: "UTF-8", to: "GB18030").0 }

    private static func iconvBytes(_ bytes: [UInt8], from: String, to: String) -> ([UInt8], failedAt: Int?) {
        guard let converter = iconv_open(to, from), Int(bitPattern: converter) != -1 else { return ([], 0) }
        defer { iconv_close(converter) }
        var input = bytes.map { CChar(bitPattern: $0) }
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 3 / 2)
        var chunk = [CChar](repeating: 0, count: 65_536)
        return input.withUnsafeMutableBufferPointer { source in
            var from = source.baseAddress
            var left = source.count
            while left > 0 {
                var failure: Int32 = 0
                let produced = chunk.withUnsafeMutableBufferPointer { target -> Int in
                    var to = target.baseAddress
                    var room = target.count
                    if iconv(converter, &from, &left, &to, &room) == Int.max || room < 0 { failure = errno }
                    if left > 0, room == target.count || errno != E2BIG { failure = errno }
                    return target.count - room
                }
                out.append(contentsOf: chunk[..<produced].map { UInt8(bitPattern: $0) })
                if left > 0, failure != 0, failure != E2BIG { return (out, source.count - left) }
                if left > 0, produced == 0 { return (out, source.count - left) }
            }
            return (out, nil)
        }
    }
}
