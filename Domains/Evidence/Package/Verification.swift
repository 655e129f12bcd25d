import Dispatch
import Formats
import Foundation
import Kernel
import Synchronization

/// Whether a package is whole, unaltered, signed and stamped, item by item (封存包核验). Trusts nothing but the bytes.
///
/// Reads any WACZ; of our own packages it also checks that every byte follows from the parts, so that nothing can be
/// changed, added, removed or moved unseen.
package struct Verification: Sendable {
    package enum Verdict: String, Sendable {
        case ok, failed
        /// Nothing to check it against.
        case absent
    }
    package struct Item: Sendable {
        /// A file of the package, or what is checked: `container`, `signature`, `seal`, `timestamp 1`, `contents`.
        package let name: String
        package let verdict: Verdict
        package let text: Text
    }
    private var budget = Int.max
    package private(set) var items: [Item] = []
    package private(set) var title = "", url = "", software = ""
    package private(set) var created: String?
    /// Of `datapackage.json`.
    package private(set) var digest: String?
    package private(set) var key: String?
    package private(set) var signer: String?
    package private(set) var stamps: [Stamp] = []
    package var holds: Bool { !items.contains { $0.verdict == .failed } }
    package var isSigned: Bool { items.contains { $0.name == "signature" && $0.verdict == .ok } }

    static let tooLarge = Text("展开后过大，请用 sinan verify 在本机核验", "Too large once unpacked: check it with sinan verify on your own machine")
    private mutating func say(_ name: String, _ verdict: Verdict, _ zh: String, _ en: String) { items.append(Item(name: name, verdict: verdict, text: Text(zh, en))) }

    /// - Parameters:
    ///   - key: the office's key as it published it, by fingerprint: a package signed by another fails.
    ///   - roots: PEM of the authorities that are trusted; the machine's own if nil.
    /// - Errors: `Refusal` where there is no such file.
    package init(_ file: URL, key: String? = nil, roots: String? = nil) throws {
        guard FileManager.default.fileExists(atPath: file.path) else { throw Refusal(.notFound, Text("没有文件“\(file.path)”", "There is no file “\(file.path)”")) }
        try self.init(Data(contentsOf: file, options: .alwaysMapped), key: key, roots: roots)
    }
    /// - Parameter budget: bytes that may be unpacked, for what strangers send.
    package init(_ data: Data, key: String? = nil, roots: String? = nil, budget: Int = .max) {
        self.budget = budget
        guard let zip = try? ZIPFile(data) else {
            say("container", .failed, "不是有效的 ZIP 文件，或已截断", "Not a ZIP file, or cut short")
            return
        }
        for fault in zip.faults { items.append(Item(name: "container", verdict: .failed, text: fault)) }
        guard let entry = zip.entry("datapackage.json"), let bytes = zip.bytes(entry, limit: 8 << 20), let package = try? JSON(parsing: bytes),
            let resources = package["resources"]?.array
        else {
            say("datapackage.json", .failed, "缺失或无法读取：没有文件清单，无从核验", "Missing or unreadable: without the list of parts nothing can be checked")
            return
        }
        // What overlaps or is there twice is not read any further, nor what lists more than any page has.
        guard !zip.isTangled, resources.count <= 10_000, zip.entries.count <= 20_000 else {
            say("container", .failed, "各部分重叠、同名或过多，不再核验", "Its parts overlap, are there twice, or are too many: not checked further")
            return
        }
        (title, url, software, created) = (package["title"]?.string ?? "", package["mainPageUrl"]?.string ?? "", package["software"]?.string ?? "", package["created"]?.string)
        let sums = Digests(bytes)
        digest = Crypto.hex(sums.sha256)
        let ahead = budget == .max ? Ahead(zip) : nil
        var checked: [String: Digests] = [:]
        listed(zip, resources, &checked)
        let document = signed(zip, sums, package, expected: key, roots)
        if let document { sealed(zip, document, sums, bytes, package) }
        contents(zip, checked, roots, ahead: ahead?.wait() ?? [:])
        if items.allSatisfy({ $0.name != "container" }) { say("container", .ok, "容器完整，没有多余字节", "The container is whole, with nothing beside its parts") }
    }

    /// Every part against the list, and the list against what is there.
    private mutating func listed(_ zip: ZIPFile, _ resources: [JSON], _ checked: inout [String: Digests]) {
        var names: Set<String> = ["datapackage.json", "datapackage-digest.json"]
        for resource in resources {
            // Before 1.1 the hash stood apart from its kind.
            let old = resource["stats"]?["hash"]?.string.map { (resource["hashing"]?.string ?? "sha256") + ":" + $0 }
            guard let path = resource["path"]?.string, let hash = resource["hash"]?.string ?? old else {
                say("datapackage.json", .failed, "清单中有一项没有路径或哈希", "An item of the list has no path or no hash")
                continue
            }
            guard names.insert(path).inserted else {
                say(path, .failed, "清单中重复列出", "It is listed twice")
                continue
            }
            guard let entry = zip.entry(path) else {
                say(path, .failed, "清单中有，包内没有：已被移除", "Listed, but not there: it was removed")
                continue
            }
            let digester = Digester()
            // All that is unpacked or hashed comes out of one budget.
            budget -= min(budget, entry.range.count)
            guard budget > 0 else { return say(path, .failed, Verification.tooLarge.zh, Verification.tooLarge.en) }
            guard zip.read(entry, limit: budget, { digester.update($0) }) else {
                say(path, .failed, "内容已被改动（CRC 或长度不符）", "It was altered: not what the container says (CRC or length)")
                continue
            }
            if entry.method != 0 { budget -= min(budget, digester.count) }
            let digests = digester.finish()
            let parts = hash.split(separator: ":").map(String.init)
            guard parts.count == 2, parts[0] == "sha256" else {
                say(path, .failed, "哈希算法“\(parts.first ?? "")”不受支持", "The kind of hash “\(parts.first ?? "")” is not supported")
                continue
            }
            guard parts[1] == Crypto.hex(digests.sha256) else {
                say(path, .failed, "内容已被改动：SHA-256 不符", "It was altered: its SHA-256 is another")
                continue
            }
            if let sm3 = resource["sm3"]?.string, sm3 != "sm3:" + Crypto.hex(digests.sm3) {
                say(path, .failed, "SM3 不符", "Its SM3 is another")
                continue
            }
            if let size = (resource["bytes"] ?? resource["stats"]?["bytes"])?.int, size != entry.size {
                say(path, .failed, "长度不符", "Its length is another")
                continue
            }
            checked[path] = digests
            say(
                path, .ok, "\(entry.size)字节，SHA-256 \(parts[1].prefix(16))…\(resource["sm3"] == nil ? "" : "，SM3 一致")",
                "\(entry.size) bytes, SHA-256 \(parts[1].prefix(16))…\(resource["sm3"] == nil ? "" : ", SM3 too")")
        }
        for entry in zip.entries where !names.contains(entry.name) && !entry.name.hasSuffix("/") {
            say(entry.name, .failed, "包内有，清单中没有：后来加入", "There, but not listed: it was added")
        }
    }

    /// The signature over the list, and its timestamps; gives the document they stand in.
    private mutating func signed(_ zip: ZIPFile, _ sums: Digests, _ package: JSON, expected: String?, _ roots: String?) -> JSON? {
        guard let entry = zip.entry("datapackage-digest.json") else {
            // Ours are never without one.
            say("signature", expected == nil && !software.hasPrefix("sinan") ? .absent : .failed, "没有签名", "Not signed")
            return nil
        }
        guard let bytes = zip.bytes(entry), let document = try? JSON(parsing: bytes) else {
            say("datapackage-digest.json", .failed, "已被改动或无法读取", "Altered or unreadable")
            return nil
        }
        let hash = "sha256:" + Crypto.hex(sums.sha256)
        guard document["path"]?.string == "datapackage.json", document["hash"]?.string == hash else {
            say("datapackage.json", .failed, "与 datapackage-digest.json 中的哈希不符：文件清单已被改动", "Not what datapackage-digest.json says: the list of parts was altered")
            return document
        }
        say("datapackage.json", .ok, "SHA-256 \(Crypto.hex(sums.sha256))", "SHA-256 \(Crypto.hex(sums.sha256))")
        guard let signed = document["signedData"] else {
            say("signature", expected == nil ? .absent : .failed, "没有签名", "Not signed")
            return document
        }
        let signature = signed["signature"]?.string.flatMap(PackageDigest.bytes) ?? []
        stamped(signed, sums, roots)
        let then = stamps.first?.at ?? created.flatMap { Moment($0) } ?? Moment(milliseconds: 0)
        let certificate = signed["domainCert"]?.string.flatMap { PackageKey.certificate($0, at: then, roots: roots) }
        let publicKey = certificate?.key ?? signed["publicKey"]?.string.flatMap(PackageDigest.bytes) ?? []
        key = Crypto.hex(Crypto.sha256(publicKey))
        signer = certificate?.subject
        if signed["hash"]?.string == hash, PackageKey.verify(signature, of: Array(hash.utf8), publicKey: publicKey) {
            if let expected, expected.lowercased() != key {
                say("signature", .failed, "签名有效，但不是指定的密钥（\(key!.prefix(16))…）", "The signature holds, but is by another key than expected (\(key!.prefix(16))…)")
            } else {
                say("signature", .ok, "签名有效，密钥\(key!.prefix(16))…\(signer.map { "，" + $0 } ?? "")", "The signature holds, key \(key!.prefix(16))…\(signer.map { ", " + $0 } ?? "")")
            }
        } else {
            say("signature", .failed, "签名无效", "The signature does not hold")
        }
        if let certificate, !certificate.trusted {
            say("certificate", .failed, "“\(certificate.subject)”的证书不由可信机构签发，或当时已失效", "The certificate of “\(certificate.subject)” did not lead to a trusted root at that time")
        }
        return document
    }

    private mutating func stamped(_ signed: JSON, _ sums: Digests, _ roots: String?) {
        var tokens = (signed["timestamps"]?.array ?? []).prefix(20).map { ($0["token"]?.string.flatMap(PackageDigest.bytes) ?? [], sums.sha256, nil as String?) }
        // As authsigner writes it: the time of the signature, as an answer of the authority or as its token.
        if let text = signed["timeSignature"]?.string, let reply = PackageDigest.bytes(text) {
            tokens.append(((try? Stamp.token(reply)) ?? reply, Crypto.sha256(Array((signed["signature"]?.string ?? "").utf8)), signed["timestampCert"]?.string))
        }
        guard !tokens.isEmpty else { return say("timestamp", .absent, "没有时间戳", "No timestamp") }
        for (n, (token, digest, certificates)) in tokens.enumerated() {
            do {
                let stamp = try Stamp.verify(token, of: digest, certificates: certificates, roots: roots)
                stamps.append(stamp)
                say(
                    "timestamp \(n + 1)", stamp.trusted ? .ok : .absent, "\(stamp.at.isoText)，\(stamp.authority)\(stamp.trusted ? "，根证书可信" : "；根证书不在信任列表")",
                    "\(stamp.at.isoText), \(stamp.authority)\(stamp.trusted ? ", by a trusted root" : "; its root is not among those trusted")")
            } catch { say("timestamp \(n + 1)", .failed, "时间戳无效：\(error)", "The timestamp does not hold: \(error)") }
        }
    }

    /// Of our own packages: the seal over the document of signatures, and that each byte follows from the parts.
    private mutating func sealed(_ zip: ZIPFile, _ document: JSON, _ sums: Digests, _ package: [UInt8], _ parsed: JSON) {
        guard document["seal"] != nil || software.hasPrefix("sinan") else { return }
        // The seal's key stands in the list of parts, which the signature covers: no other key can seal it again.
        guard let (open, key, signature) = PackageDigest.sealed(document), parsed["sealKey"]?.string == PackageDigest.base64(key),
            Crypto.verify(signature, of: open, publicKey: key),
            document["sm3"]?.string == "sm3:" + Crypto.hex(sums.sm3),
            let entry = zip.entry("datapackage-digest.json"), zip.bytes(entry) == Array(document.text.utf8), package == Array(parsed.text.utf8)
        else { return say("seal", .failed, "datapackage-digest.json 已被改动：封印不成立", "datapackage-digest.json was altered: the seal does not hold") }
        guard let at = created.flatMap({ Moment($0) }), zip.entries.dropLast().last?.name == "datapackage.json", zip.entries.last?.name == "datapackage-digest.json" else {
            return say("container", .failed, "各部分的次序已被改动", "The order of the parts was altered")
        }
        // Parts stand in the container in the order in which they are listed.
        let order = (parsed["resources"]?.array ?? []).compactMap { $0["path"]?.string } + ["datapackage.json", "datapackage-digest.json"]
        if order != zip.entries.map(\.name) { say("container", .failed, "各部分的次序与清单不符", "The parts are not in the order of the list") }
        for name in zip.differences(at: at) { say("container", .failed, "“\(name)”的容器记录已被改动", "What the container writes of “\(name)” was altered") }
        say("seal", .ok, "封印成立，密钥\(Crypto.hex(Crypto.sha256(key)).prefix(16))…", "The seal holds, key \(Crypto.hex(Crypto.sha256(key)).prefix(16))…")
    }

    /// What the archives themselves say: each record against its digests, the index against the records, stamps of archives.
    private mutating func contents(_ zip: ZIPFile, _ checked: [String: Digests], _ roots: String?, ahead: [String: Archive]) {
        let index = index(zip)
        for entry in zip.entries where entry.name.hasPrefix("archive/") && checked[entry.name] != nil {
            let found: Archive
            if let read = ahead[entry.name] {
                found = read
            } else if entry.method == 0 {
                found = zip.data.withUnsafeBytes { Verification.archive(entry.name, UnsafeRawBufferPointer(rebasing: $0[entry.range]), budget: budget) }
            } else if budget > 0, let bytes = zip.bytes(entry, limit: min(budget, 1 << 30)) {
                budget -= min(budget, bytes.count)
                found = bytes.withUnsafeBytes { Verification.archive(entry.name, $0, budget: budget) }
            } else {
                continue
            }
            budget -= min(budget, found.unpacked)
            items += found.items
            let records = found.places
            if let index { indexed(index, entry.name, records) }
        }
        for entry in zip.entries.filter({ $0.name.hasPrefix("timestamps/") && checked[$0.name] != nil }).prefix(20) {
            let archive = "archive/" + entry.name.dropFirst("timestamps/".count).prefix(while: { $0 != "-" })
            guard let token = zip.bytes(entry, limit: 1 << 20), let digests = checked[archive] else { continue }
            do {
                let stamp = try Stamp.verify(token, of: digests.sha256, roots: roots)
                say(entry.name, stamp.trusted ? .ok : .absent, "\(archive)：\(stamp.at.isoText)，\(stamp.authority)", "\(archive): \(stamp.at.isoText), \(stamp.authority)")
            } catch { say(entry.name, .failed, "时间戳无效：\(error)", "The timestamp does not hold: \(error)") }
        }
    }

    /// What the records of an archive say of themselves.
    private struct Archive: Sendable {
        var places: [Int: (Int, String)] = [:]
        var items: [Item] = []
        var unpacked = 0
    }
    private static func archive(_ name: String, _ bytes: UnsafeRawBufferPointer, budget: Int) -> Archive {
        var (found, count, wrong) = (Archive(), 0, [(Int, Text)]())
        let (whole, fault) = WARC.read(bytes, limit: min(300 << 20, max(1, budget)), budget: budget) { one in
            count += 1
            found.unpacked += one.record.body.count
            found.places[one.offset] = (one.length, one.record.uri ?? "")
            for fault in one.faults where wrong.count < 20 { wrong.append((one.offset, fault)) }
        }
        found.items = wrong.map { offset, fault in
            Item(name: name, verdict: .failed, text: Text("第\(offset)字节的记录：\(fault.zh)", "Record at byte \(offset): \(fault.en)"))
        }
        if !whole, let fault { found.items.append(Item(name: name, verdict: .failed, text: fault)) }
        if whole, wrong.isEmpty {
            found.items.append(Item(name: name, verdict: .ok, text: Text("\(count)条记录，各与其摘要一致", "\(count) records, each as its digest says")))
        }
        return found
    }

    /// Records are read on a thread of their own while the parts are hashed: of what one checks on one's own machine, where memory is one's own.
    private final class Ahead: Sendable {
        private let found = Mutex<[String: Archive]>([:])
        private let done = DispatchGroup()
        init(_ zip: ZIPFile) {
            let entries = zip.entries.filter { $0.name.hasPrefix("archive/") && $0.method == 0 }
            DispatchQueue.global(qos: .userInitiated).async(group: done) { [self] in
                for entry in entries {
                    let archive = zip.data.withUnsafeBytes { Verification.archive(entry.name, UnsafeRawBufferPointer(rebasing: $0[entry.range]), budget: .max) }
                    found.withLock { $0[entry.name] = archive }
                }
            }
        }
        func wait() -> [String: Archive] {
            done.wait()
            return found.withLock { $0 }
        }
    }

    /// The lines of the index, once for all archives: 64 MB of them at most.
    private mutating func index(_ zip: ZIPFile) -> (name: String, lines: [Substring])? {
        guard let entry = zip.entry("indexes/index.cdx.gz") ?? zip.entry("indexes/index.cdx"), let raw = zip.bytes(entry) else { return nil }
        var lines: [UInt8] = []
        if entry.name.hasSuffix(".gz") {
            var at = 0
            while at < raw.count {
                guard let (piece, used) = raw.withUnsafeBytes({ Deflate.inflate(UnsafeRawBufferPointer(rebasing: $0[at...]), .gzip, limit: (64 << 20) - lines.count) }) else {
                    say(entry.name, .failed, "索引无法解压，或过大", "The index cannot be unpacked, or is too large")
                    return nil
                }
                lines += piece
                at += used
            }
        } else {
            lines = raw
        }
        return (entry.name, String(decoding: lines, as: UTF8.self).split(separator: "\n"))
    }

    /// The index leads to records that are there, and are of that address.
    private mutating func indexed(_ index: (name: String, lines: [Substring]), _ archive: String, _ records: [Int: (Int, String)]) {
        let file = String(archive.dropFirst("archive/".count))
        var (good, bad) = (0, 0)
        for line in index.lines {
            guard let start = line.firstIndex(of: "{"), let fields = try? JSON(parsing: Array(line[start...].utf8)), fields["filename"]?.string == file else { continue }
            let (offset, length) = (fields["offset"]?.string.flatMap { Int($0) } ?? -1, fields["length"]?.string.flatMap { Int($0) } ?? -1)
            if let found = records[offset], found.0 == length, found.1 == fields["url"]?.string { good += 1 } else { bad += 1 }
        }
        if bad > 0 { say(index.name, .failed, "\(bad)条索引指向不存在的记录", "\(bad) lines of the index lead to no such record") }
        if bad == 0, good > 0 { say(index.name, .ok, "\(good)条索引与记录一致", "\(good) lines, each leading to its record") }
    }

    /// As `verify --json` writes it.
    package var json: JSON {
        .object([
            ("holds", .bool(holds)), ("title", .string(title)), ("url", .string(url)), ("software", .string(software)), ("created", .text(created)), ("digest", .text(digest)),
            ("key", .text(key)),
            ("signer", .text(signer)), ("signed", .bool(isSigned)),
            ("timestamps", .array(stamps.map { .object([("at", .string($0.at.isoText)), ("authority", .string($0.authority)), ("trusted", .bool($0.trusted))]) })),
            ("items", .array(items.map { .object([("item", .string($0.name)), ("verdict", .string($0.verdict.rawValue)), ("detail", .string($0.text.en))]) })),
        ])
    }
}
