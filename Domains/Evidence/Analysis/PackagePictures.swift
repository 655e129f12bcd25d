import Formats
import Foundation
import Kernel

/// The pictures of a package (封存包内图片): those of the page as they came, and the views of the page.
enum PackagePictures {
    struct Place: Sendable {
        /// `archive/data.warc.gz@1234` or `views/screenshot-1.png`; `file` of a file that was taken in.
        let name: String
        /// The picture's address, or nothing.
        let source: String
        let hash: String
        var isView: Bool { name.hasPrefix("views/") }
    }
    struct Found: Sendable {
        let place: Place
        let bytes: [UInt8]
    }
    /// At most so many of the page's own, the first that came; views are read to 16,000 pixels.
    static let most = 60, views = 2

    static func all(_ zip: ZIPFile) -> [Found] {
        var (found, seen) = ([Found](), Set<String>())
        for entry in zip.entries where entry.name.hasPrefix("archive/") && entry.method == 0 {
            zip.data.withUnsafeBytes { all in
                _ = WARC.read(UnsafeRawBufferPointer(rebasing: all[entry.range]), limit: 64 << 20) { one in
                    guard found.count < most, one.record.type == "response", let body = picture(one.record), body.count > 200 else { return }
                    let hash = Crypto.hex(Crypto.sha256(body))
                    if seen.insert(hash).inserted { found.append(Found(place: .init(name: "\(entry.name)@\(one.offset)", source: one.record.uri ?? "", hash: hash), bytes: body)) }
                }
            }
        }
        for entry in zip.entries.filter({ $0.name.hasPrefix("views/screenshot-") }).prefix(views) {
            if let bytes = zip.bytes(entry) { found.append(Found(place: .init(name: entry.name, source: "", hash: Crypto.hex(Crypto.sha256(bytes))), bytes: bytes)) }
        }
        return found
    }

    /// One of them by its place.
    static func bytes(_ place: String, _ zip: ZIPFile) -> [UInt8]? {
        let parts = place.split(separator: "@").map(String.init)
        guard let entry = zip.entry(parts.first ?? "") else { return nil }
        guard parts.count == 2 else { return zip.bytes(entry) }
        return Int(parts[1]).flatMap { record(at: $0, of: entry, zip) }.flatMap(picture)
    }

    /// The one record of an archive that begins at an offset.
    static func record(at offset: Int, of archive: ZIPFile.Entry, _ zip: ZIPFile) -> WARC.Record? {
        guard offset >= 0, offset < archive.range.count, archive.method == 0 else { return nil }
        return zip.data.withUnsafeBytes { all in
            let rest = UnsafeRawBufferPointer(rebasing: all[(archive.range.lowerBound + offset)..<archive.range.upperBound])
            guard let (plain, _) = Deflate.inflate(rest, .gzip, limit: 64 << 20) else { return nil }
            var found: WARC.Record?
            plain.withUnsafeBytes { _ = WARC.read($0, limit: 64 << 20) { found = found ?? $0.record } }
            return found
        }
    }

    /// The body of an answer that says it is a picture.
    private static func picture(_ record: WARC.Record) -> [UInt8]? {
        let head = String(decoding: record.body.prefix(16 << 10), as: UTF8.self).lowercased()
        let headers = head.firstRange(of: "\r\n\r\n").map { head[..<$0.lowerBound] } ?? head[...]
        guard headers.split(separator: "\r\n").contains(where: { $0.hasPrefix("content-type:") && $0.contains("image/") && !$0.contains("svg") }) else { return nil }
        return WARC.payload(record.body)
    }

    /// How a picture is shown: as what its bytes are, or not at all.
    static func mediaType(_ bytes: [UInt8]) -> String? {
        if let kind = FileKind(sniffing: bytes), kind.isImage { return kind.mediaType }
        return bytes.starts(with: Array("GIF8".utf8)) ? "image/gif" : nil
    }
}
