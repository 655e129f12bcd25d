import Foundation
import Kernel

/// Web archives (WARC 1.1, ISO 28500): what a browser asked and what it was answered, a record each.
package enum WARC {
    package struct Record: Sendable {
        package var type: String
        package var uri: String?
        package var fields: [(String, String)]
        package var body: [UInt8]

        package subscript(_ name: String) -> String? { fields.last { $0.0.lowercased() == name.lowercased() }?.1 }
    }

    /// SHA-256 as WARC writes digests: base 32.
    package static func digest(_ bytes: some Collection<UInt8>) -> String { "sha256:" + TOTP.base32(Crypto.sha256(bytes)) + "====" }

    /// A record as bytes, compressed as one member: ids and dates come from whoever writes it.
    /// - Parameter payload: how many bytes of the body are HTTP headers before the payload; nil: the body is the payload.
    package static func encode(
        _ type: String, id: String, at: Moment, uri: String? = nil, contentType: String, fields: [(String, String)] = [], body: [UInt8], headers: Int? = nil, payload: Bool = false
    ) -> [UInt8] {
        var head = "WARC/1.1\r\n"
        func field(_ name: String, _ value: String) { head += "\(name): \(value.map { $0.isNewline ? " " : String($0) }.joined())\r\n" }
        field("WARC-Type", type)
        field("WARC-Record-ID", "<urn:uuid:\(id)>")
        field("WARC-Date", at.utcText)
        if let uri { field("WARC-Target-URI", uri) }
        for (name, value) in fields { field(name, value) }
        field("WARC-Block-Digest", digest(body))
        if payload { field("WARC-Payload-Digest", digest(body.dropFirst(headers ?? 0))) }
        field("Content-Type", contentType)
        field("Content-Length", String(body.count))
        let whole = Array((head + "\r\n").utf8) + body + [13, 10, 13, 10]
        return whole.withUnsafeBytes { Deflate.gzip($0) }
    }

    /// Where a record lies, and what is wrong with it.
    package struct Found: Sendable {
        package let offset: Int
        package let length: Int
        package let record: Record
        /// In a sentence each.
        package let faults: [Text]
    }

    /// Reads record by record, compressed member by member or plain.
    /// - Parameters:
    ///   - limit: bytes of one record once unpacked.
    ///   - budget: of all together.
    /// - Returns: whether the archive was read to its last byte; what could not be read is said by `fault`.
    package static func read(_ bytes: UnsafeRawBufferPointer, limit: Int = 300 << 20, budget: Int = .max, _ take: (Found) throws -> Void) rethrows -> (whole: Bool, fault: Text?) {
        var (at, made) = (0, 0)
        while at < bytes.count {
            guard made <= budget else { return (false, Text("展开后过大，请用 sinan verify 在本机核验", "Too large once unpacked: check it with sinan verify on your own machine")) }
            let rest = UnsafeRawBufferPointer(rebasing: bytes[at...])
            let compressed = rest.count > 2 && rest[0] == 0x1F && rest[1] == 0x8B
            let (record, length, faults): (Record, Int, [Text])
            if compressed {
                guard let (plain, used) = Deflate.inflate(rest, .gzip, limit: limit) else { return (false, broken(at)) }
                made += plain.count
                guard let (parsed, size, found) = plain.withUnsafeBytes({ parse($0) }) else { return (false, broken(at)) }
                (record, length, faults) = (parsed, used, size == plain.count ? found : found + [Text("记录之后有多余字节", "There are bytes after the record")])
            } else {
                guard let (parsed, size, found) = parse(rest) else { return (false, broken(at)) }
                (record, length, faults) = (parsed, size, found)
            }
            try take(Found(offset: at, length: length, record: record, faults: faults))
            at += length
        }
        return (true, nil)
    }
    private static func broken(_ at: Int) -> Text { Text("第\(at)字节起不是完整的记录", "From byte \(at) on there is no whole record") }

    private static func parse(_ bytes: UnsafeRawBufferPointer) -> (Record, Int, [Text])? {
        guard bytes.count > 10, bytes.starts(with: Array("WARC/".utf8)) else { return nil }
        var (at, lines) = (0, [String]())
        while true {
            guard at < bytes.count, at < 1 << 16 else { return nil }
            var end = at
            while end < bytes.count, bytes[end] != 10 { end += 1 }
            guard end < bytes.count else { return nil }
            let line = String(decoding: bytes[at..<(end > at && bytes[end - 1] == 13 ? end - 1 : end)], as: UTF8.self)
            at = end + 1
            if line.isEmpty { break }
            if let first = line.first, first == " " || first == "\t", let last = lines.popLast() { lines.append(last + line) } else { lines.append(line) }
        }
        let fields = lines.dropFirst().compactMap { line -> (String, String)? in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            return (String(line[..<colon]), line[line.index(after: colon)...].trimmed)
        }
        var record = Record(type: "", uri: nil, fields: fields, body: [])
        guard let length = record["Content-Length"].flatMap({ Int($0) }), length >= 0, length <= bytes.count - at else { return nil }
        record.type = record["WARC-Type"] ?? ""
        record.uri = record["WARC-Target-URI"].map { $0.hasPrefix("<") && $0.hasSuffix(">") ? String($0.dropFirst().dropLast()) : $0 }
        record.body = Array(bytes[at..<(at + length)])
        at += length
        var faults: [Text] = []
        if bytes.count - at >= 4, bytes[at..<(at + 4)].elementsEqual([13, 10, 13, 10]) {
            at += 4
        } else {
            faults.append(Text("记录结尾不完整", "The record's end is not whole"))
            while at < bytes.count, bytes[at] == 13 || bytes[at] == 10 { at += 1 }
        }
        if let said = record["WARC-Block-Digest"], let holds = matches(said, record.body), !holds { faults.append(Text("内容与记录的摘要不符", "The block is not what its digest says")) }
        if let said = record["WARC-Payload-Digest"], record.type != "revisit" {
            let http = record["Content-Type"]?.hasPrefix("application/http") ?? false
            if let holds = matches(said, http ? payload(record.body) : record.body), !holds { faults.append(Text("正文与记录的摘要不符", "The payload is not what its digest says")) }
        }
        return (record, at, faults)
    }

    /// What follows the headers of an HTTP message.
    package static func payload(_ message: [UInt8]) -> [UInt8] {
        guard let end = message.indices.first(where: { message[$0...].starts(with: [13, 10, 13, 10]) }) else { return [] }
        return Array(message[(end + 4)...])
    }

    /// Nil where the kind of digest is not one we know.
    private static func matches(_ said: String, _ bytes: [UInt8]) -> Bool? {
        let parts = said.split(separator: ":", maxSplits: 1)
        guard parts.count == 2 else { return nil }
        let sum: [UInt8]
        switch parts[0].lowercased() {
        case "sha256": sum = Crypto.sha256(bytes)
        case "sha1": sum = Crypto.sha1(bytes)
        default: return nil
        }
        let value = parts[1].uppercased()
        return value == TOTP.base32(sum).uppercased() || value.filter { $0 != "=" } == TOTP.base32(sum).uppercased() || value == Crypto.hex(sum).uppercased()
    }
}

/// The index of a web archive (CDXJ): a line a response, in the order of its keys.
package enum CDXJ {
    /// An address as indexes sort it: host backwards, then the path, in small letters (SURT).
    package static func key(_ url: String) -> String {
        guard let parts = URLComponents(string: url), let host = parts.host?.lowercased() else { return url.lowercased() }
        let labels = host.hasPrefix("www.") ? String(host.dropFirst(4)) : host
        var key = labels.split(separator: ".").reversed().joined(separator: ",")
        if labels.allSatisfy({ $0.isNumber || $0 == "." || $0 == ":" || $0 == "[" || $0 == "]" }) { key = labels }
        if let port = parts.port, !(parts.scheme == "http" && port == 80), !(parts.scheme == "https" && port == 443) { key += ":\(port)" }
        let path = parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath
        key += ")" + path.lowercased()
        if let query = parts.percentEncodedQuery, !query.isEmpty {
            key += "?" + query.lowercased().split(separator: "&", omittingEmptySubsequences: false).sorted().joined(separator: "&")
        }
        return key
    }
    package static func line(_ url: String, at: Moment, mime: String, status: Int, digest: String, offset: Int, length: Int, file: String) -> String {
        let stamp = at.utcText.filter(\.isNumber)
        let fields = JSON.object([
            ("url", .string(url)), ("mime", .string(mime)), ("status", .string(String(status))), ("digest", .string(digest)), ("length", .string(String(length))),
            ("offset", .string(String(offset))), ("filename", .string(file)),
        ])
        return "\(key(url)) \(stamp) \(fields.text)"
    }
}
