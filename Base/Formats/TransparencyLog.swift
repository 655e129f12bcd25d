import Foundation
import Kernel

/// A Merkle tree over a log (透明日志), RFC 6962: hashes of leaves and nodes, roots, proofs.
package enum Merkle {
    package typealias Hash = [UInt8]
    package static func leaf(_ entry: [UInt8]) -> Hash { Crypto.sha256([0] + entry) }
    package static func node(_ left: Hash, _ right: Hash) -> Hash { Crypto.sha256([1] + left + right) }
    package static let emptyRoot = Crypto.sha256([UInt8]())

    /// The right edge of a tree that grows: the roots of its whole subtrees, largest first. Adding a leaf costs at most
    /// log2 n hashes.
    package struct Frontier: Sendable, Equatable {
        package private(set) var size: Int64
        package private(set) var roots: [Hash]
        package init(size: Int64 = 0, roots: [Hash] = []) {
            self.size = size
            self.roots = roots
        }
        /// Appends a leaf. Returns the nodes that became whole, as (level, index, hash), the leaf first.
        package mutating func append(_ leaf: Hash) -> [(level: Int, index: Int64, hash: Hash)] {
            var done: [(level: Int, index: Int64, hash: Hash)] = [(0, size, leaf)]
            var hash = leaf
            var level = 0
            var index = size
            while index & 1 == 1 {
                hash = Merkle.node(roots.removeLast(), hash)
                level += 1
                index >>= 1
                done.append((level, index, hash))
            }
            roots.append(hash)
            size += 1
            return done
        }
        package var root: Hash {
            guard var hash = roots.last else { return Merkle.emptyRoot }
            for left in roots.dropLast().reversed() { hash = Merkle.node(left, hash) }
            return hash
        }
    }

    /// The hash of entries `start..<end`, out of stored whole subtrees.
    static func range(_ start: Int64, _ end: Int64, _ stored: (Int, Int64) throws -> Hash) rethrows -> Hash {
        let count = end - start
        if count & (count - 1) == 0, start % count == 0 { return try stored(count.trailingZeroBitCount, start / count) }
        let split = start + largestPowerOfTwo(below: count)
        return node(try range(start, split, stored), try range(split, end, stored))
    }
    private static func largestPowerOfTwo(below n: Int64) -> Int64 {
        var k: Int64 = 1
        while k * 2 < n { k *= 2 }
        return k
    }

    /// The path from entry `index` to the root of the first `size` entries (RFC 6962 §2.1.1).
    package static func inclusion(_ index: Int64, size: Int64, _ stored: (Int, Int64) throws -> Hash) rethrows -> [Hash] {
        func path(_ start: Int64, _ end: Int64) throws -> [Hash] {
            guard end - start > 1 else { return [] }
            let split = start + largestPowerOfTwo(below: end - start)
            return index < split
                ? try path(start, split) + [try range(split, end, stored)]
                : try path(split, end) + [try range(start, split, stored)]
        }
        return try path(0, size)
    }

    /// That the first `old` entries are the beginning of the first `size` (RFC 6962 §2.1.2).
    package static func consistency(_ old: Int64, size: Int64, _ stored: (Int, Int64) throws -> Hash) rethrows -> [Hash] {
        func proof(_ m: Int64, _ start: Int64, _ end: Int64, _ whole: Bool) throws -> [Hash] {
            if m == end - start { return whole ? [] : [try range(start, end, stored)] }
            let k = largestPowerOfTwo(below: end - start)
            return m <= k
                ? try proof(m, start, start + k, whole) + [try range(start + k, end, stored)]
                : try proof(m - k, start + k, end, false) + [try range(start, start + k, stored)]
        }
        return old == 0 || old == size ? [] : try proof(old, 0, size, true)
    }

    package static func verify(inclusion proof: [Hash], of leaf: Hash, at index: Int64, size: Int64, root: Hash) -> Bool {
        guard index >= 0, index < size else { return false }
        var (fn, sn) = (index, size - 1)
        var hash = leaf
        for p in proof {
            guard sn > 0 else { return false }
            if fn & 1 == 1 || fn == sn {
                hash = node(p, hash)
                while fn & 1 == 0, fn != 0 {
                    fn >>= 1
                    sn >>= 1
                }
            } else {
                hash = node(hash, p)
            }
            fn >>= 1
            sn >>= 1
        }
        return sn == 0 && hash == root
    }

    package static func verify(consistency proof: [Hash], old: Int64, oldRoot: Hash, size: Int64, root: Hash) -> Bool {
        if old == size { return proof.isEmpty && oldRoot == root }
        if old == 0 { return proof.isEmpty }
        guard old < size, !proof.isEmpty else { return false }
        var path = proof
        if old & (old - 1) == 0 { path.insert(oldRoot, at: 0) }
        var (fn, sn) = (old - 1, size - 1)
        while fn & 1 == 1 {
            fn >>= 1
            sn >>= 1
        }
        var (fr, sr) = (path[0], path[0])
        for c in path.dropFirst() {
            guard sn > 0 else { return false }
            if fn & 1 == 1 || fn == sn {
                fr = node(c, fr)
                sr = node(c, sr)
                while fn & 1 == 0, fn != 0 {
                    fn >>= 1
                    sn >>= 1
                }
            } else {
                sr = node(sr, c)
            }
            fn >>= 1
            sn >>= 1
        }
        return sn == 0 && fr == oldRoot && sr == root
    }
}

/// A signed note (C2SP signed-note) that holds a checkpoint (C2SP tlog-checkpoint): origin, size, root, signatures.
package struct Checkpoint: Sendable, Equatable {
    package let origin: String
    package let size: Int64
    package let root: Merkle.Hash
    package init(origin: String, size: Int64, root: Merkle.Hash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    package var body: String { "\(origin)\n\(size)\n\(Data(root).base64EncodedString())\n" }

    /// The first four bytes of SHA-256(name ‖ 0x0A ‖ 0x01 ‖ key): 0x01 says Ed25519.
    package static func keyID(name: String, publicKey: [UInt8]) -> [UInt8] {
        Array(Crypto.sha256(Array(name.utf8) + [0x0A, 0x01] + publicKey).prefix(4))
    }
    /// The key as verifiers take it: `name+hash+base64(0x01 ‖ key)`.
    package static func verifierKey(name: String, publicKey: [UInt8]) -> String {
        "\(name)+\(Crypto.hex(keyID(name: name, publicKey: publicKey)))+\(Data([1] + publicKey).base64EncodedString())"
    }

    package func signed(name: String, seed: [UInt8]) -> String? {
        guard let key = Crypto.publicKey(seed: seed), let signature = Crypto.sign(Array(body.utf8), seed: seed) else { return nil }
        let mark = Data(Checkpoint.keyID(name: name, publicKey: key) + signature).base64EncodedString()
        return "\(body)\n— \(name) \(mark)\n"
    }

    /// Reads a note and checks its signature by that key.
    /// - Errors: says what does not hold.
    package init(note: String, name: String, publicKey: [UInt8]) throws(Refusal) {
        func bad(_ zh: String, _ en: String) -> Refusal { Refusal.invalid("/checkpoint", Text(zh, en)) }
        guard let gap = note.range(of: "\n\n") else { throw bad("检查点格式有误", "the checkpoint is malformed") }
        let lines = note[..<gap.lowerBound].split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.count >= 3, let size = Int64(lines[1]), size >= 0, let root = Data(base64Encoded: lines[2]), root.count == 32 else {
            throw bad("检查点格式有误", "the checkpoint is malformed")
        }
        let text = Array((note[..<gap.lowerBound] + "\n").utf8)
        let id = Checkpoint.keyID(name: name, publicKey: publicKey)
        let signatures = note[gap.upperBound...].split(separator: "\n").compactMap { line -> [UInt8]? in
            let words = line.split(separator: " ")
            guard words.count == 3, words[0] == "—", words[1] == name, let bytes = Data(base64Encoded: String(words[2])), bytes.count == 68, Array(bytes.prefix(4)) == id else {
                return nil
            }
            return Array(bytes.dropFirst(4))
        }
        guard let signature = signatures.first else { throw bad("检查点没有本机构密钥的签名", "the checkpoint carries no signature by this key") }
        guard Crypto.verify(signature, of: text, publicKey: publicKey) else { throw bad("检查点签名不成立", "the checkpoint's signature does not hold") }
        self.init(origin: lines[0], size: size, root: Array(root))
    }
}
