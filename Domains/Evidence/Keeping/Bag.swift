import Formats
import Foundation
import Kernel

/// A bag (移交包): BagIt 1.0 (RFC 8493) in one ZIP, so that whoever takes it over checks it with tools of their own.
struct Bag {
    private let writer: StoredZIP.Writer
    private let root: String
    private var sums: [(path: String, hash: String)] = []
    private var (octets, streams) = (0, 0)
    private var made: Set<String> = []

    /// - Parameter root: the one folder that the ZIP holds.
    init(_ url: URL, root: String, at: Moment) throws {
        (self.root, writer) = (root, try StoredZIP.Writer(url, at: at, limit: 3 << 30))
    }
    mutating func add(_ path: String, _ bytes: [UInt8]) throws {
        let path = "data/" + path
        guard made.insert(path).inserted else { throw Fault("two parts of a bag are called \(path)") }
        let (size, digests) = try writer.add("\(root)/\(path)", bytes)
        sums.append((path, Crypto.hex(digests.sha256)))
        (octets, streams) = (octets + size, streams + 1)
    }
    /// - Parameter facts: lines of `bag-info.txt`, values of one line each.
    mutating func close(_ facts: [(String, String)]) throws {
        func lines(_ all: [(path: String, hash: String)]) -> [UInt8] { Array(all.map { "\($0.hash)  \($0.path)\n" }.joined().utf8) }
        let info = (facts + [("Payload-Oxum", "\(octets).\(streams)")]).map { "\($0): \($1.map { $0.isNewline ? " " : String($0) }.joined())\n" }.joined()
        var tags: [(path: String, hash: String)] = []
        for (name, bytes) in [
            ("bagit.txt", Array("BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n".utf8)), ("bag-info.txt", Array(info.utf8)), ("manifest-sha256.txt", lines(sums)),
        ] {
            let (_, digests) = try writer.add("\(root)/\(name)", bytes)
            tags.append((name, Crypto.hex(digests.sha256)))
        }
        _ = try writer.add("\(root)/tagmanifest-sha256.txt", lines(tags))
        try writer.seal()
    }
}
