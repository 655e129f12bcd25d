import Formats
import Foundation
import Kernel
import Testing

@Suite struct MerkleTests {
    func tree(_ n: Int) -> (Merkle.Frontier, (Int, Int64) -> Merkle.Hash, [Merkle.Hash], [Merkle.Hash]) {
        var frontier = Merkle.Frontier()
        var stored: [String: Merkle.Hash] = [:]
        var leaves: [Merkle.Hash] = []
        var roots = [Merkle.emptyRoot]
        for i in 0..<n {
            let leaf = Merkle.leaf(Array("entry \(i)".utf8))
            leaves.append(leaf)
            for node in frontier.append(leaf) { stored["\(node.level)/\(node.index)"] = node.hash }
            roots.append(frontier.root)
        }
        let table = stored
        return (frontier, { table["\($0)/\($1)"]! }, leaves, roots)
    }

    /// RFC 6962's own example tree (CT reference vectors).
    @Test func rootsAreThoseOfTheReferenceImplementation() {
        let inputs = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
        var frontier = Merkle.Frontier()
        for input in inputs { _ = frontier.append(Merkle.leaf(Crypto.bytes(hex: input)!)) }
        #expect(Crypto.hex(frontier.root) == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
    }

    @Test func everyInclusionAndConsistencyProofHoldsAndNoOtherDoes() {
        let n = 70
        let (_, stored, leaves, roots) = tree(n)
        for size in 1...n {
            for index in 0..<size {
                let proof = Merkle.inclusion(Int64(index), size: Int64(size), stored)
                #expect(Merkle.verify(inclusion: proof, of: leaves[index], at: Int64(index), size: Int64(size), root: roots[size]))
                #expect(!Merkle.verify(inclusion: proof, of: leaves[(index + 1) % n], at: Int64(index), size: Int64(size), root: roots[size]))
            }
            for old in 1...size {
                let proof = Merkle.consistency(Int64(old), size: Int64(size), stored)
                #expect(Merkle.verify(consistency: proof, old: Int64(old), oldRoot: roots[old], size: Int64(size), root: roots[size]))
                if old < size { #expect(!Merkle.verify(consistency: proof, old: Int64(old), oldRoot: roots[size], size: Int64(size), root: roots[old])) }
            }
        }
    }

    @Test func aSignedCheckpointReadsBackAndAnAlteredOneDoesNot() throws {
        let seed = [UInt8](repeating: 3, count: 32)
        let key = Crypto.publicKey(seed: seed)!
        let note = Checkpoint(origin: "sinan.test/ledger", size: 5, root: Merkle.emptyRoot).signed(name: "sinan.test/ledger", seed: seed)!
        #expect(try Checkpoint(note: note, name: "sinan.test/ledger", publicKey: key).size == 5)
        #expect(throws: Refusal.self) { try Checkpoint(note: note.replacingOccurrences(of: "\n5\n", with: "\n6\n"), name: "sinan.test/ledger", publicKey: key) }
        #expect(throws: Refusal.self) { try Checkpoint(note: note, name: "other/ledger", publicKey: key) }
    }
}

@Suite struct CryptoTests {
    @Test func aPasswordFitsItsHashAndNoOther() {
        let hash = Crypto.passwordHash("正确的密码12", cost: 10)
        #expect(Crypto.password("正确的密码12", matches: hash))
        #expect(!Crypto.password("正确的密码13", matches: hash))
        #expect(!Crypto.password("x", matches: "garbage"))
    }
    /// RFC 6238, appendix B, SHA-1, cut to six digits.
    @Test(arguments: [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")])
    func codesAreThoseOfTheStandard(_ seconds: Int, _ code: String) {
        #expect(TOTP.code(secret: Array("12345678901234567890".utf8), at: Moment(milliseconds: Int64(seconds) * 1000)) == code)
    }
    /// NIST's case 14 of AES-256-GCM, then what was sealed here: no byte of it, nor the context, may be another.
    @Test func whatWasSealedOpensUnchangedOnly() {
        let zero = [UInt8](repeating: 0, count: 32)
        let vector = [UInt8](repeating: 0, count: 12) + Crypto.bytes(hex: "d0d1c8a799996bf0265b98b5d48ab919")! + Crypto.bytes(hex: "cea7403d4d606b6e074ec5d3baf39d18")!
        #expect(Crypto.open(vector, key: zero, context: []) == [UInt8](repeating: 0, count: 16))
        let (plain, key) = (Array("陆知微 13911112222".utf8), Crypto.random(32))
        let sealed = Crypto.seal(plain, key: key, context: [1])
        #expect(Crypto.open(sealed, key: key, context: [1]) == plain)
        #expect(
            Crypto.open(sealed, key: key, context: [2]) == nil && Crypto.open(sealed, key: zero, context: [1]) == nil
                && Crypto.open(Array(sealed.dropLast()), key: key, context: [1]) == nil)
        for i in sealed.indices {
            var other = sealed
            other[i] ^= 1
            #expect(Crypto.open(other, key: key, context: [1]) == nil)
        }
        #expect(Crypto.seal(plain, key: key, context: [1]) != sealed)
    }
    @Test func sha256OfABCIsTheStandards() { #expect(Crypto.hex(Crypto.sha256(Array("abc".utf8))) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad") }
}

@Suite struct EncodingTests {
    @Test func gb18030AndUTF8AreFoundByThemselves() throws {
        let text = "名称,地址\n福临超市,中兴路12号，㐂䶮"
        #expect(try Encodings.decode(Array(text.utf8)).name == .utf8)
        #expect(try Encodings.decode([0xEF, 0xBB, 0xBF] + Array(text.utf8)).text == text)
        let gb = Encodings.gb18030(text)
        let read = try Encodings.decode(gb)
        #expect(read.name == .gb18030 && read.text == text)
        #expect(throws: Refusal.self) { try Encodings.decode([0x41, 0xFF, 0xFF, 0xFF]) }
    }
    @Test func longGB18030TextsSurviveTheirChunks() throws {
        let text = String(repeating: "市场监督管理局龘", count: 40_000)
        #expect(try Encodings.decode(Encodings.gb18030(text)).text == text)
    }

    static let folder = "../shared/data/listings"
    @Test(.enabled(if: FileManager.default.fileExists(atPath: folder), "shared listings are not here"), arguments: ["taobao.csv", "taobao1.csv", "taobao_jiweiiu.csv"])
    func realFilesSavedByExcelAreRead(_ name: String) throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.folder).appendingPathComponent(name)))
        let (text, encoding) = try Encodings.decode(bytes)
        let records = try CSV.read(text)
        #expect(encoding == .gb18030 && records.count > 50)
        #expect(text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) } && !text.contains("\u{FFFD}"))
    }
}

@Suite struct CSVTests {
    @Test func quotesLinesAndSeparatorsAreRead() throws {
        let records = try CSV.read("a;b;c\r\n\"x;1\";\"he said \"\"hi\"\"\";\"two\nlines\"\r\n\r\n3;4;5")
        #expect(records.map(\.cells) == [["a", "b", "c"], ["x;1", "he said \"hi\"", "two\nlines"], ["3", "4", "5"]])
        #expect(records.map(\.line) == [1, 2, 5])
    }
    @Test func anUnclosedQuoteIsNamedByItsLine() { #expect(throws: Refusal.self) { try CSV.read("a,b\n1,\"2\n3,4") } }
    @Test func whatIsWrittenIsReadBack() throws {
        let cells = ["plain", "comma,here", "quote\"d", "line\nbreak", "", "-5"]
        #expect(try CSV.read(CSV.line(cells)).first?.cells == cells)
    }
    @Test func aCellThatASpreadsheetWouldRunIsDisarmed() { #expect(CSV.line(["=HYPERLINK(\"x\")", "-5", "+1"]).hasPrefix("\"'=HYPERLINK")) }
    @Test func randomTextNeverCrashes() {
        var generator = SeededGenerator(seed: 5)
        for _ in 0..<5000 {
            let text = String((0..<Int.random(in: 0...30, using: &generator)).map { _ in "\",;\t\r\na中".randomElement(using: &generator)! })
            _ = try? CSV.read(text)
        }
    }
}

@Suite struct XLSXTests {
    func path() -> String { FileManager.default.temporaryDirectory.appendingPathComponent("t\(UInt64.random(in: 0 ... .max)).xlsx").path }

    @Test func aWorkbookThatWasWrittenReadsBack() throws {
        let path = path()
        try XLSX.write(sheet: "名录", header: ["统一社会信用代码", "名称"], rows: [["91110000600037341L", "福临<超市>&\"商行\""], ["", "第二行"]], to: path)
        let rows = try XLSX.rows(of: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(rows == [["统一社会信用代码", "名称"], ["91110000600037341L", "福临<超市>&\"商行\""], ["", "第二行"]])
    }
    @Test(arguments: [[], [0x50, 0x4B, 3, 4], Array("not a workbook".utf8)] as [[UInt8]])
    func whatIsNoWorkbookIsRefused(_ bytes: [UInt8]) { #expect(throws: Refusal.self) { try XLSX.rows(of: bytes) } }
    @Test func aDamagedWorkbookNeverCrashes() throws {
        let path = path()
        try XLSX.write(sheet: "s", header: ["a"], rows: (0..<50).map { ["行\($0)"] }, to: path)
        let good = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
        var generator = SeededGenerator(seed: 11)
        for _ in 0..<300 {
            var bytes = good
            for _ in 0..<3 { bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator) }
            _ = try? XLSX.rows(of: bytes)
        }
    }
    @Test func aBombIsRefusedBeforeItUnpacks() throws {
        let path = path()
        try XLSX.write(sheet: "s", header: ["a"], rows: (0..<60_000).map { _ in [String(repeating: "0", count: 300)] + Array(repeating: "0", count: 20) }, to: path)
        var limits = XLSX.Limits()
        limits.unpacked = 1 << 20
        #expect { try XLSX.forEachRow(of: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), limits: limits) { _, _ in } } throws: { ($0 as? Refusal)?.kind == .tooLarge }
    }
}

@Suite struct FileKindTests {
    static let jpeg = "../shared/data/ocr/img_exif_orientation.jpg"
    @Test(.enabled(if: FileManager.default.fileExists(atPath: jpeg), "shared images are not here"))
    func aPhotoKeepsItsOrientationAndLosesTheRest() throws {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: Self.jpeg)))
        #expect(FileKind(sniffing: bytes) == .jpeg)
        let stripped = try #require(FileKind.withoutMetadata(bytes))
        #expect(FileKind(sniffing: stripped) == .jpeg && FileKind.carriesPosition(stripped) == false && stripped.count <= bytes.count)
    }
    @Test func theNameDoesNotMatterTheBytesDo() {
        #expect(FileKind(sniffing: Array("<html><script>".utf8)) == nil)
        #expect(FileKind(sniffing: Array("MZ\u{90}".utf8)) == nil)
        #expect(FileKind(sniffing: Array("%PDF-1.7".utf8)) == .pdf)
    }
}

@Suite struct PinyinTests {
    @Test(arguments: [("东方超市", "dfcs"), ("心斋堂旗舰店", "xztqjd"), ("VIP健身8号", "vipjs8h"), ("", "")])
    func initialsAreThoseOfTheCommonReading(_ text: String, _ initials: String) { #expect(Pinyin.initials(text) == initials) }
}
