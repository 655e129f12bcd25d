import Browser
import Evidence
import Formats
import Foundation
import Kernel
import Testing

/// A small page as a browser would have seen it, sealed without one.
struct Sealed {
    let url: URL
    let data: Data
    let receipt: SealReceipt

    static let key = SealingKey(scalar: Array(repeating: 5, count: 48), seed: Array(repeating: 7, count: 32))
    static func seen(_ body: String = "<h1>全网第一</h1>") -> Captured {
        let at = Moment("2026-11-26T10:00:00")!
        var page = Exchange(url: "https://shop.example/p/1", method: "GET", requestHeaders: [("Accept", "text/html")], at: at, kind: "Document")
        (page.status, page.reason, page.headers, page.mime, page.body) = (200, "OK", [("Content-Type", "text/html"), ("Content-Encoding", "gzip")], "text/html", Array(body.utf8))
        var moved = Exchange(url: "http://shop.example/p/1?spm=2", method: "GET", requestHeaders: [], at: at, kind: "Document")
        (moved.status, moved.headers, moved.body) = (302, [("Location", "https://shop.example/p/1")], [])
        return Captured(
            url: "http://shop.example/p/1?spm=2", finalURL: page.url, title: "电饭煲", startedAt: at, endedAt: at, exchanges: [moved, page], text: "全网第一", dom: body,
            pictures: [[1, 2, 3]],
            pdf: [4], browser: .object([]), passages: [], certificates: [], steps: [], notes: [], device: .desktop, viewport: (1440, 900))
    }

    init(_ seen: Captured = Sealed.seen()) async throws {
        url = FileManager.default.temporaryDirectory.appendingPathComponent("package-\(UInt64.random(in: 0 ... .max)).wacz")
        var context = CaptureContext()
        (context.software, context.officers) = ("sinan test", ["张三", "李四"])
        receipt = try await Packaging(key: Sealed.key, context: context).seal(seen, to: url, at: Moment("2026-11-26T10:00:01")!)
        data = try Data(contentsOf: url)
        try FileManager.default.removeItem(at: url)
    }
}

@Suite struct PackageTests {
    @Test func whatWasSealedHoldsAndSaysWhatItIs() async throws {
        let sealed = try await Sealed()
        let verification = Verification(sealed.data, key: Sealed.key.fingerprint)
        #expect(verification.holds && verification.isSigned, "\(verification.json.text)")
        #expect(verification.digest == Crypto.hex(sealed.receipt.package.sha256) && verification.title == "电饭煲")
        #expect(Crypto.hex(Crypto.sha256(sealed.data)) == Crypto.hex(sealed.receipt.digests.sha256))
    }

    @Test func aPackageByAnotherKeyIsNotTheOffices() async throws {
        let sealed = try await Sealed()
        let other = SealingKey(scalar: Array(repeating: 6, count: 48), seed: Array(repeating: 8, count: 32))
        let verification = Verification(sealed.data, key: other.fingerprint)
        #expect(verification.items.contains { $0.name == "signature" && $0.verdict == .failed })
    }

    @Test func eachByteThatIsChangedIsFound() async throws {
        var sealed = try await Sealed().data
        var missed: [Int] = []
        for i in sealed.indices {
            let old = sealed[i]
            sealed[i] = old ^ (UInt8(1) << UInt8(i % 8))
            if Verification(sealed).holds { missed.append(i) }
            sealed[i] = old
        }
        #expect(missed.isEmpty, "bytes \(missed.prefix(20)) of \(sealed.count)")
    }

    @Test func whatIsCutOffOrAddedIsFound() async throws {
        let sealed = try await Sealed().data
        for n in stride(from: 0, to: sealed.count, by: 97) { #expect(!Verification(sealed.prefix(n)).holds, "the first \(n) bytes") }
        for extra in [Data([0]), Data("PK".utf8), Data(repeating: 0, count: 22)] {
            #expect(!Verification(sealed + extra).holds)
            #expect(!Verification(extra + sealed).holds)
        }
    }

    @Test(arguments: ["archive/data.warc.gz", "views/screenshot-1.png", "record/record.json", "datapackage-digest.json", "datapackage.json"])
    func aPartThatIsRemovedIsNamed(_ name: String) async throws {
        let zip = try await ZIPFile(Sealed().data)
        let rest = try rebuilt(zip, names: zip.entries.map(\.name).filter { $0 != name })
        let verification = Verification(rest)
        #expect(
            verification.items.contains { $0.verdict == .failed && ($0.name == name || name == "datapackage-digest.json") }
                || (name == "datapackage-digest.json" && !verification.isSigned))
    }

    @Test func partsInAnotherOrderAreFound() async throws {
        let zip = try await ZIPFile(Sealed().data)
        var names = zip.entries.map(\.name)
        names.swapAt(0, 1)
        #expect(!Verification(try rebuilt(zip, names: names)).holds)
    }

    @Test func aPartThatIsAddedIsNamed() async throws {
        let zip = try await ZIPFile(Sealed().data)
        let verification = Verification(try rebuilt(zip, names: zip.entries.map(\.name), adding: ("views/more.png", [9])))
        #expect(verification.items.contains { $0.name == "views/more.png" && $0.verdict == .failed })
    }

    /// The same container written again with other parts.
    private func rebuilt(_ zip: ZIPFile, names: [String], adding: (String, [UInt8])? = nil) throws -> Data {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("again-\(UInt64.random(in: 0 ... .max)).zip")
        let writer = try StoredZIP.Writer(url, at: Moment("2026-11-26T10:00:00")!)
        for name in names { _ = try writer.add(name, zip.bytes(try #require(zip.entry(name))) ?? []) }
        if let adding { _ = try writer.add(adding.0, adding.1) }
        try writer.seal()
        defer { try? FileManager.default.removeItem(at: url) }
        return try Data(contentsOf: url)
    }

    @Test func randomBytesNeverBreakTheReaders() async throws {
        var generator = SystemRandomNumberGenerator()
        let sealed = try await Sealed().data
        for _ in 0..<400 {
            var bytes = sealed
            for _ in 0..<Int.random(in: 1...40, using: &generator) {
                let at = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + Int.random(in: 1...30, using: &generator)))
                default: bytes.insert(contentsOf: (0..<Int.random(in: 1...30, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }, at: at)
                }
            }
            #expect(!Verification(bytes).holds)
        }
        for _ in 0..<400 {
            let noise = (0..<Int.random(in: 0...600, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = Verification(Data(noise))
            _ = noise.withUnsafeBytes { WARC.read($0) { _ in } }
            _ = (Array("WARC/1.1\r\nContent-Length: 5\r\n\r\n".utf8) + noise).withUnsafeBytes { WARC.read($0) { _ in } }
            _ = try? Stamp.token(noise)
            _ = try? Stamp.verify(noise, of: Array(repeating: 0, count: 32))
        }
    }

    @Test func sharedExamplesGetTheVerdictOfTheStockTools() throws {
        let folder = URL(fileURLWithPath: "../shared/data/webarchives/py-wacz")
        guard FileManager.default.fileExists(atPath: folder.path) else { return print("skipped: sharedExamplesGetTheVerdictOfTheStockTools, no examples here") }
        for (name, holds) in [
            ("valid_example_1", true), ("valid_example_2", true), ("invalid_example_1", false), ("valid_signed_example_1", true), ("invalid_signed_example_1", false),
        ] {
            let verification = try Verification(folder.appendingPathComponent(name + ".wacz"))
            #expect(verification.holds == holds, "\(name): \(verification.json.text)")
        }
    }
}

@Suite struct HostilePackageTests {
    @Test func aBombIsNotUnpackedBeyondItsBudget() async throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("bomb-\(UInt64.random(in: 0 ... .max)).wacz")
        defer { try? FileManager.default.removeItem(at: url) }
        let member = WARC.encode(
            "resource", id: "00000000-0000-4000-8000-000000000000", at: Moment("2026-11-26T10:00:00")!, contentType: "text/plain", body: Array(repeating: 0, count: 1 << 20))
        let archive = Array(repeating: member, count: 40).flatMap { $0 }
        let writer = try StoredZIP.Writer(url, at: Moment("2026-11-26T10:00:00")!)
        _ = try writer.add("archive/data.warc.gz", archive)
        let list = "{\"resources\":[{\"path\":\"archive/data.warc.gz\",\"hash\":\"sha256:\(Crypto.hex(Crypto.sha256(archive)))\"}]}"
        _ = try writer.add("datapackage.json", Array(list.utf8))
        try writer.seal()
        let data = try Data(contentsOf: url)
        #expect(Verification(data).holds)
        let bounded = Verification(data, budget: 8 << 20)
        #expect(!bounded.holds && bounded.items.contains { $0.text.en.contains("Too large once unpacked") })
    }

    @Test func aDirectoryOfManyThousandsOfPartsIsAnsweredNotACrash() throws {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("many-\(UInt64.random(in: 0 ... .max)).wacz")
        defer { try? FileManager.default.removeItem(at: url) }
        let writer = try StoredZIP.Writer(url, at: Moment("2026-11-26T10:00:00")!)
        for n in 0..<66_000 { _ = try writer.add("x/\(n)", [] as [UInt8]) }
        _ = try writer.add("datapackage.json", Array("{\"software\":\"sinan\",\"created\":\"2026-11-26T10:00:00Z\",\"resources\":[]}".utf8))
        _ = try writer.add("datapackage-digest.json", Array("{}".utf8))
        try writer.seal()
        #expect(!Verification(try Data(contentsOf: url)).holds)
    }
}

extension HostilePackageTests {
    private func package(_ parts: [(String, [UInt8])]) throws -> Data {
        let url = FileManager.default.temporaryDirectory.appendingPathComponent("made-\(UInt64.random(in: 0 ... .max)).wacz")
        defer { try? FileManager.default.removeItem(at: url) }
        let writer = try StoredZIP.Writer(url, at: Moment("2026-11-26T10:00:00")!)
        for (name, bytes) in parts { _ = try writer.add(name, bytes) }
        try writer.seal()
        return try Data(contentsOf: url)
    }

    @Test(arguments: ["", ":", "::", "md5:00", "sha256", "sha256:"])
    func aHashThatIsNoneIsAnswered(_ hash: String) throws {
        let list = "{\"resources\":[{\"path\":\"a\",\"hash\":\"\(hash)\"},{},1,{\"path\":\"a\",\"hash\":\"\(hash)\"}]}"
        #expect(!Verification(try package([("a", [1]), ("datapackage.json", Array(list.utf8))])).holds)
    }

    @Test func aSealByAnotherKeyOverTheOfficesSignatureDoesNotHold() async throws {
        let sealed = try await Sealed()
        let zip = try ZIPFile(sealed.data)
        let document = try JSON(parsing: zip.bytes(try #require(zip.entry("datapackage-digest.json"))) ?? [])
        guard case .object(let pairs) = document else { return #expect(Bool(false)) }
        let seed = [UInt8](repeating: 3, count: 32)
        let open = JSON.object(Array(pairs.dropLast()))
        let seal = JSON.object([
            ("publicKey", .string(Data(try #require(Crypto.publicKey(seed: seed))).base64EncodedString())),
            ("signature", .string(Data(try #require(Crypto.sign(Array(open.text.utf8), seed: seed))).base64EncodedString())),
        ])
        let forged = JSON.object(Array(pairs.dropLast()) + [("seal", seal)])
        let parts = zip.entries.dropLast().map { ($0.name, zip.bytes($0) ?? []) } + [("datapackage-digest.json", Array(forged.text.utf8))]
        let verification = Verification(try package(parts), key: Sealed.key.fingerprint)
        #expect(verification.items.contains { $0.name == "seal" && $0.verdict == .failed })
    }

    @Test func oursWithoutItsSignatureDoesNotHold() async throws {
        let zip = try ZIPFile(try await Sealed().data)
        #expect(!Verification(try package(zip.entries.dropLast().map { ($0.name, zip.bytes($0) ?? []) })).holds)
    }
}
