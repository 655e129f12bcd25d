import Browser
import Formats
import Foundation
import Kernel

/// With what an office seals (封存密钥): wacz-auth's signature, and one over everything that stands beside it.
package struct SealingKey: Sendable {
    /// P-384, for stock tools; 48 bytes.
    let scalar: [UInt8]
    /// Ed25519, the ledger's own; 32 bytes.
    let seed: [UInt8]
    package init(scalar: [UInt8], seed: [UInt8]) { (self.scalar, self.seed) = (scalar, seed) }
    package var publicKey: [UInt8] { PackageKey.publicKey(scalar) ?? [] }
    /// By which a key is compared: SHA-256 of its SubjectPublicKeyInfo.
    package var fingerprint: String { Crypto.hex(Crypto.sha256(publicKey)) }
}

/// Who captured what for what (取证说明).
package struct CaptureContext: Sendable {
    /// A matter's number.
    package var reference = ""
    package var officers: [String] = []
    package var software = ""
    /// Milliseconds by which a reference clock was ahead of ours, and whose it was.
    package var clock: (source: String, offset: Int64)?
    package init() {}
}

/// What a sealed package is known by (封存回执).
package struct SealReceipt: Sendable {
    package let file: String
    package let bytes: Int
    /// Of the whole file.
    package let digests: Digests
    /// Of `datapackage.json`, which holds the hash of every part: what is signed and stamped.
    package let package: Digests
    package let sealedAt: Moment
    package let key: String
    /// Of that list; none where no authority answered.
    package let stamps: [IssuedStamp]
    package let notes: [String]
}

/// Writes what was seen as a package that others can open and check (WACZ 1.1.1 over WARC 1.1).
package struct Packaging: Sendable {
    package let key: SealingKey
    package let context: CaptureContext
    /// None on a closed network.
    package let authorities: TimestampAuthorities

    package init(key: SealingKey, context: CaptureContext, authorities: TimestampAuthorities = TimestampAuthorities([])) {
        (self.key, self.context, self.authorities) = (key, context, authorities)
    }

    static let archive = "archive/data.warc.gz"

    private struct Resource {
        let path: String
        let size: Int
        let digests: Digests
    }

    /// - Returns: what the package is known by, once it is whole, on disk and in its place.
    /// - Errors: whatever goes wrong, there is no file at `url` that was not there before.
    package func seal(_ seen: Captured, to url: URL, at sealedAt: Moment) async throws -> SealReceipt {
        // Whole seconds: what the container's clock and the texts say is one time.
        let at = Moment(milliseconds: sealedAt.milliseconds / 2000 * 2000)
        let writer = try StoredZIP.Writer(url, at: at)
        var resources: [Resource] = []
        func add(_ path: String, _ bytes: [UInt8]) throws {
            let (size, digests) = try writer.add(path, bytes)
            resources.append(.init(path: path, size: size, digests: digests))
        }
        func words(_ text: String) -> [UInt8] { Array(text.utf8) }

        try writer.begin(Packaging.archive)
        let index = try archive(seen, at: at, writer)
        let (size, digests) = try writer.end()
        resources.append(.init(path: Packaging.archive, size: size, digests: digests))

        let lines = index.sorted { Array($0.utf8).lexicographicallyPrecedes(Array($1.utf8)) }
        let cdx = words(lines.joined(separator: "\n") + "\n").withUnsafeBytes { Deflate.gzip($0) }
        try add("indexes/index.cdx.gz", cdx)
        let first = lines.first.map { $0.split(separator: " ").prefix(2).joined(separator: " ") } ?? ""
        let block = JSON.object([
            ("offset", .int(0)), ("length", .int(cdx.count)), ("digest", .string("sha256:" + Crypto.hex(Crypto.sha256(cdx)))), ("filename", .string("index.cdx.gz")),
        ])
        try add("indexes/index.idx", words("!meta 0 {\"format\": \"cdxj-gzip-1.0\", \"filename\": \"index.cdx.gz\"}\n\(first) \(block.text)\n"))
        let page = JSON.object([
            ("id", .string(Crypto.hex(Crypto.sha256(words(seen.url))).prefix(20).description)), ("url", .string(mainURL(seen))), ("ts", .string(seen.startedAt.utcText)),
            ("title", .string(seen.title)),
            ("text", .string(String(seen.text.prefix(100_000)))),
        ])
        try add("pages/pages.jsonl", words("{\"format\": \"json-pages-1.0\", \"id\": \"pages\", \"title\": \"All Pages\"}\n\(page.text)\n"))

        for (i, picture) in seen.pictures.enumerated() { try add("views/screenshot-\(i + 1).png", picture) }
        if !seen.pdf.isEmpty { try add("views/page.pdf", seen.pdf) }
        try add("views/text.txt", words(seen.text))
        try add("views/dom.html", words(seen.dom))
        for (i, one) in seen.certificates.enumerated() {
            let pem = one.chain.map {
                "-----BEGIN CERTIFICATE-----\n\(Data($0).base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed]))\n-----END CERTIFICATE-----\n"
            }
            try add("certificates/\(i + 1).pem", words("# \(one.origin)\n" + pem.joined()))
        }
        try add("record/record.json", words(CaptureRecord.json(seen, context).text))

        var notes: [String] = []
        func stamped(_ digest: [UInt8]) async -> [IssuedStamp] {
            do { return try await authorities.stamp(digest) } catch {
                notes.append("no timestamp: \(error)")
                return []
            }
        }
        for (i, one) in await stamped(digests.sha256).enumerated() { try add("timestamps/data.warc.gz-\(i + 1).tst", one.token) }

        let package = words(
            JSON.object([
                ("profile", .string("data-package")),
                (
                    "resources",
                    .array(
                        resources.map { r in
                            .object([
                                ("name", .string(Packaging.name(r.path))), ("path", .string(r.path)), ("hash", .string("sha256:" + Crypto.hex(r.digests.sha256))),
                                ("sm3", .string("sm3:" + Crypto.hex(r.digests.sm3))), ("bytes", .int(r.size)),
                            ])
                        })
                ), ("created", .string(at.utcText)), ("wacz_version", .string("1.1.1")), ("software", .string(context.software)), ("title", .string(seen.title)),
                ("sealKey", .string(PackageDigest.base64(Crypto.publicKey(seed: key.seed) ?? []))),
                ("mainPageUrl", .string(mainURL(seen))), ("mainPageDate", .string(seen.startedAt.utcText)),
            ]).text)
        let (_, sums) = try writer.add("datapackage.json", package)
        let stamps = await stamped(sums.sha256)
        let digest = try PackageDigest.make(sums, created: at, software: context.software, key: key, stamps: stamps)
        _ = try writer.add("datapackage-digest.json", words(digest.text))
        try writer.seal()

        let whole = Digester()
        let data = try Data(contentsOf: url, options: .alwaysMapped)
        data.withUnsafeBytes { whole.update($0) }
        return SealReceipt(
            file: url.lastPathComponent, bytes: data.count, digests: whole.finish(), package: sums, sealedAt: at, key: key.fingerprint,
            stamps: stamps, notes: notes)
    }

    /// Frictionless wants names in small letters that are unique.
    static func name(_ path: String) -> String { path.split(separator: "/").joined(separator: "-").lowercased() }

    private func mainURL(_ seen: Captured) -> String {
        // As the browser wrote it: with a path, so that players find it in the index.
        seen.exchanges.first { $0.isAnswered && $0.kind == "Document" }?.url ?? seen.url
    }

    // MARK: The archive

    private func archive(_ seen: Captured, at: Moment, _ writer: StoredZIP.Writer) throws -> [String] {
        var (offset, index) = (0, [String]())
        func write(_ record: [UInt8]) throws {
            try writer.write(record)
            offset += record.count
        }
        let about =
            "software: \(context.software)\r\nformat: WARC File Format 1.1\r\nconformsTo: http://iipc.github.io/warc-specifications/specifications/warc-format/warc-1.1/\r\n"
        try write(
            WARC.encode(
                "warcinfo", id: id(), at: at, contentType: "application/warc-fields", fields: [("WARC-Filename", "data.warc.gz")], body: Array(about.utf8)))
        let addresses = Dictionary(seen.passages.compactMap { p in p.address.map { ("\(p.host):\(p.port)", $0) } }) { a, _ in a }
        for e in seen.exchanges {
            guard e.isAnswered, let body = e.body, let parts = URLComponents(string: e.url) else { continue }
            let port = parts.port ?? (parts.scheme == "https" ? 443 : 80)
            let host = parts.host ?? ""
            let there = addresses["\(host):\(port)"].map { [("WARC-IP-Address", $0)] } ?? []
            let path = (parts.percentEncodedPath.isEmpty ? "/" : parts.percentEncodedPath) + (parts.percentEncodedQuery.map { "?" + $0 } ?? "")
            // Bodies are kept as they read: what told how they were packed on the way is kept under another name.
            let packing: Set<String> = ["content-encoding", "transfer-encoding", "content-length"]
            let headers = e.headers.map { packing.contains($0.0.lowercased()) ? ("X-Archive-Orig-\($0.0)", $0.1) : $0 } + [("Content-Length", String(body.count))]
            let head = Packaging.message("HTTP/1.1 \(e.status) \(Packaging.reason(e))", headers)
            let (answer, question) = (id(), id())
            let response = WARC.encode(
                "response", id: answer, at: e.at, uri: e.url, contentType: "application/http; msgtype=response", fields: there + [("WARC-Protocol", e.version)], body: head + body,
                headers: head.count,
                payload: true)
            index.append(
                CDXJ.line(
                    e.url, at: e.at, mime: e.mime.isEmpty ? "unk" : e.mime, status: e.status, digest: WARC.digest(body), offset: offset, length: response.count,
                    file: "data.warc.gz"))
            try write(response)
            let asked = Packaging.message("\(e.method) \(path) HTTP/1.1", e.requestHeaders.filter { !$0.0.hasPrefix(":") }, host: host + (parts.port.map { ":\($0)" } ?? ""))
            try write(
                WARC.encode(
                    "request", id: question, at: e.at, uri: e.url, contentType: "application/http; msgtype=request", fields: [("WARC-Concurrent-To", "<urn:uuid:\(answer)>")],
                    body: asked + e.requestBody, headers: asked.count, payload: true))
        }
        return index
    }

    private static func reason(_ e: Exchange) -> String { e.reason.isEmpty ? (e.status == 200 ? "OK" : "Status") : e.reason }
    private static func message(_ first: String, _ headers: [(String, String)], host: String? = nil) -> [UInt8] {
        let named = headers.contains { $0.0.lowercased() == "host" }
        let all = (host != nil && !named ? [("Host", host!)] : []) + headers
        let lines = all.filter { !$0.0.isEmpty && !$0.0.hasPrefix(":") }.map { "\($0.0): \($0.1.map { $0.isNewline ? " " : String($0) }.joined())" }
        return Array((([first] + lines).joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    /// A random one (RFC 9562, version 4).
    private func id() -> String {
        var b = Crypto.random(16)
        (b[6], b[8]) = (b[6] & 0x0F | 0x40, b[8] & 0x3F | 0x80)
        let hex = Array(Crypto.hex(b))
        return [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }
}

extension SealReceipt {
    /// As `capture --json` writes it.
    package func json(_ seen: Captured) -> JSON {
        .object([
            ("file", .string(file)), ("bytes", .int(bytes)), ("sha256", .string(Crypto.hex(digests.sha256))), ("sm3", .string(Crypto.hex(digests.sm3))),
            ("digest", .string(Crypto.hex(self.package.sha256))), ("key", .string(key)), ("sealedAt", .string(sealedAt.isoText)), ("url", .string(seen.url)),
            ("finalURL", .string(seen.finalURL)), ("title", .string(seen.title)), ("answers", .int(seen.exchanges.count(where: \.isAnswered))),
            (
                "timestamps",
                .array(stamps.map { .object([("at", .string($0.stamp.at.isoText)), ("authority", .string($0.stamp.authority)), ("trusted", .bool($0.stamp.trusted))]) })
            ),
            ("notes", .array((notes + seen.notes).map(JSON.string))),
        ])
    }
}
