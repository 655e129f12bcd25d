import Glibc
import Kernel

/// A line of JSON walked without building it (逐行读取): the values that rules ask for, and the whole checked as JSON.
///
/// Errors: `Flaw` with the byte at which the line stops being JSON. Cost: one pass, nothing allocated but the list of values.
struct JSONText {
    struct Flaw: Error {
        let at: Int
        let what: String
    }

    enum Kind: UInt8 { case string, number, bool, null, object, array }

    /// A value that a rule asks for: where its bytes are, and at which element of an array it stands.
    struct Occurrence {
        let slot: Int32
        let start: Int32
        let end: Int32
        let kind: Kind
        let escaped: Bool
        /// The element of the nearest array on the way; −1 where there is none.
        let index: Int32
    }

    /// Which fields are asked for, as a tree of names in plain memory.
    final class Tree: Sendable {
        struct Node {
            /// The field's number; −1 where only something below is asked for.
            var slot: Int32
            var first: Int32 = 0
            var count: Int32 = 0
        }
        struct Branch {
            let start: Int32
            let length: Int32
            let node: Int32
        }
        let nodes: Table<Node>
        let branches: Table<Branch>
        let names: Table<UInt8>

        /// - Parameter paths: dotted names with their numbers.
        init(_ paths: [(path: [Substring], slot: Int32)]) {
            var nodes: [Node] = []
            var branches: [Branch] = []
            var names: [UInt8] = []
            func make(_ paths: [(path: [Substring], slot: Int32)]) -> Int32 {
                let here = Int32(nodes.count)
                nodes.append(Node(slot: paths.first { $0.path.isEmpty }?.slot ?? -1))
                var order: [Substring] = []
                var below: [Substring: [(path: [Substring], slot: Int32)]] = [:]
                for (path, slot) in paths {
                    guard let name = path.first else { continue }
                    if below[name] == nil { order.append(name) }
                    below[name, default: []].append((Array(path.dropFirst()), slot))
                }
                let made = order.map { name -> Branch in
                    let start = Int32(names.count)
                    names += Array(name.utf8)
                    return Branch(start: start, length: Int32(name.utf8.count), node: make(below[name]!))
                }
                nodes[Int(here)].first = Int32(branches.count)
                nodes[Int(here)].count = Int32(made.count)
                branches += made
                return here
            }
            _ = make(paths)
            (self.nodes, self.branches, self.names) = (Table(nodes), Table(branches), Table(names))
        }
    }

    let bytes: UnsafeBufferPointer<UInt8>
    /// Strings that no rule names are given too, under −1: for keywords.
    let everything: Bool
    private let nodes: UnsafeMutablePointer<Tree.Node>
    private let branches: UnsafeMutablePointer<Tree.Branch>
    private let names: UnsafeMutablePointer<UInt8>
    var p = 0
    var found: [Occurrence] = []

    /// - Parameter tree: must outlive the walk.
    init(_ bytes: UnsafeBufferPointer<UInt8>, _ tree: Tree, everything: Bool, reusing: [Occurrence] = []) {
        (nodes, branches, names) = (tree.nodes.p, tree.branches.p, tree.names.p)
        self.bytes = bytes
        self.everything = everything
        found = reusing
        found.removeAll(keepingCapacity: true)
    }

    /// The node below by a name; −1 where nothing is asked for.
    @inline(__always)
    private func child(_ node: Int32, _ start: Int, _ end: Int) -> Int32 {
        guard node >= 0 else { return -1 }
        let length = Int32(truncatingIfNeeded: end - start)
        for i in Int(nodes[Int(node)].first)..<Int(nodes[Int(node)].first + nodes[Int(node)].count) where branches[i].length == length {
            if memcmp(names + Int(branches[i].start), bytes.baseAddress! + start, Int(length)) == 0 { return branches[i].node }
        }
        return -1
    }

    mutating func walk() throws(Flaw) {
        blanks()
        guard p < bytes.count, bytes[p] == 123 else { throw fail("an object is expected") }
        try value(0, -1, 0)
        blanks()
        guard p == bytes.count else { throw fail("something follows the object") }
    }

    private func fail(_ what: String) -> Flaw { Flaw(at: p, what: what) }

    @inline(__always)
    private mutating func blanks() {
        while p < bytes.count, bytes[p] == 32 || bytes[p] == 9 || bytes[p] == 10 || bytes[p] == 13 { p += 1 }
    }

    private mutating func value(_ node: Int32, _ index: Int32, _ depth: Int) throws(Flaw) {
        guard p < bytes.count else { throw fail("a value is missing") }
        guard depth < 64 else { throw fail("nested deeper than 64") }
        let start = p
        let slot = node >= 0 ? nodes[Int(node)].slot : -1
        switch bytes[p] {
        case 34:
            let (from, to, escaped) = try string()
            if slot >= 0 {
                found.append(.init(slot: slot, start: Int32(from), end: Int32(to), kind: .string, escaped: escaped, index: index))
            } else if everything {
                found.append(.init(slot: -1, start: Int32(from), end: Int32(to), kind: .string, escaped: escaped, index: index))
            }
        case 123:
            if slot >= 0 { found.append(.init(slot: slot, start: Int32(p), end: Int32(p), kind: .object, escaped: false, index: index)) }
            p += 1
            blanks()
            if p < bytes.count, bytes[p] == 125 {
                p += 1
                return
            }
            while true {
                blanks()
                guard p < bytes.count, bytes[p] == 34 else { throw fail("a name is expected") }
                let (from, to, _) = try string()
                blanks()
                guard p < bytes.count, bytes[p] == 58 else { throw fail("a colon is expected") }
                p += 1
                blanks()
                try value(child(node, from, to), index, depth + 1)
                blanks()
                guard p < bytes.count else { throw fail("the object is not closed") }
                if bytes[p] == 44 {
                    p += 1
                    continue
                }
                guard bytes[p] == 125 else { throw fail("a comma or } is expected") }
                p += 1
                return
            }
        case 91:
            p += 1
            blanks()
            if p < bytes.count, bytes[p] == 93 {
                p += 1
                return
            }
            var element: Int32 = 0
            while true {
                blanks()
                try value(node, element, depth + 1)
                element += 1
                blanks()
                guard p < bytes.count else { throw fail("the array is not closed") }
                if bytes[p] == 44 {
                    p += 1
                    continue
                }
                guard bytes[p] == 93 else { throw fail("a comma or ] is expected") }
                p += 1
                return
            }
        case 116:
            try word("true")
            if slot >= 0 { found.append(.init(slot: slot, start: Int32(start), end: Int32(p), kind: .bool, escaped: false, index: index)) }
        case 102:
            try word("false")
            if slot >= 0 { found.append(.init(slot: slot, start: Int32(start), end: Int32(p), kind: .bool, escaped: false, index: index)) }
        case 110: try word("null")
        default:
            try number()
            if slot >= 0 { found.append(.init(slot: slot, start: Int32(start), end: Int32(p), kind: .number, escaped: false, index: index)) }
        }
    }

    private mutating func word(_ word: StaticString) throws(Flaw) {
        let length = word.utf8CodeUnitCount
        guard p + length <= bytes.count else { throw fail("a value is cut off") }
        for i in 0..<length where bytes[p + i] != word.utf8Start[i] { throw fail("no value begins so") }
        p += length
    }

    private mutating func number() throws(Flaw) {
        let start = p
        func isDigit() -> Bool { p < bytes.count && bytes[p] >= 48 && bytes[p] <= 57 }
        if p < bytes.count, bytes[p] == 45 { p += 1 }
        guard isDigit() else {
            p = start
            throw fail("no value begins so")
        }
        let leading = bytes[p]
        p += 1
        if leading == 48, isDigit() { throw fail("a number does not begin with 0") }
        while isDigit() { p += 1 }
        if p < bytes.count, bytes[p] == 46 {
            p += 1
            guard isDigit() else { throw fail("digits are expected") }
            while isDigit() { p += 1 }
        }
        if p < bytes.count, bytes[p] | 32 == 101 {
            p += 1
            if p < bytes.count, bytes[p] == 43 || bytes[p] == 45 { p += 1 }
            guard isDigit() else { throw fail("digits are expected") }
            while isDigit() { p += 1 }
        }
    }

    /// The inside of a string, and whether it has escapes. The closing quote is looked for eight bytes at a time.
    @inline(__always)
    private mutating func string() throws(Flaw) -> (from: Int, to: Int, escaped: Bool) {
        let from = p + 1
        var i = from
        var escaped = false
        let count = bytes.count
        while true {
            while i + 8 <= count {
                let eight = UnsafeRawPointer(bytes.baseAddress! + i).loadUnaligned(as: UInt64.self)
                let quote = eight ^ 0x2222_2222_2222_2222, slash = eight ^ 0x5C5C_5C5C_5C5C_5C5C
                let low = eight &- 0x2020_2020_2020_2020 & ~eight
                let any = ((quote &- 0x0101_0101_0101_0101) & ~quote | (slash &- 0x0101_0101_0101_0101) & ~slash | low) & 0x8080_8080_8080_8080
                if any != 0 {
                    i += any.trailingZeroBitCount >> 3
                    break
                }
                i += 8
            }
            guard i < count else {
                p = count
                throw fail("a string is not closed")
            }
            let c = bytes[i]
            if c == 34 {
                p = i + 1
                return (from, i, escaped)
            }
            if c == 92 {
                escaped = true
                i += 2
            } else if c < 32 {
                p = i
                throw fail("a control character stands in a string")
            } else {
                i += 1
            }
        }
    }

    /// The character that an escape stands for, and where the text goes on; nil where it is none.
    static func escape(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> (UInt32, Int)? {
        guard at + 1 < bytes.count else { return nil }
        switch bytes[at + 1] {
        case 34: return (34, at + 2)
        case 92: return (92, at + 2)
        case 47: return (47, at + 2)
        case 98: return (8, at + 2)
        case 102: return (12, at + 2)
        case 110: return (10, at + 2)
        case 114: return (13, at + 2)
        case 116: return (9, at + 2)
        case 117:
            guard let high = four(bytes, at + 2) else { return nil }
            if (0xD800...0xDBFF).contains(high) {
                guard at + 7 < bytes.count, bytes[at + 6] == 92, bytes[at + 7] == 117, let low = four(bytes, at + 8), (0xDC00...0xDFFF).contains(low) else { return nil }
                return (0x10000 + (high - 0xD800) << 10 + (low - 0xDC00), at + 12)
            }
            return (0xDC00...0xDFFF).contains(high) ? nil : (high, at + 6)
        default: return nil
        }
    }
    private static func four(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> UInt32? {
        guard at + 4 <= bytes.count else { return nil }
        var value: UInt32 = 0
        for i in 0..<4 {
            let c = bytes[at + i]
            switch c {
            case 48...57: value = value << 4 | UInt32(c - 48)
            case 65...70: value = value << 4 | UInt32(c - 55)
            case 97...102: value = value << 4 | UInt32(c - 87)
            default: return nil
            }
        }
        return value
    }

    /// The text of a string as it stands, its escapes undone.
    static func text(_ bytes: UnsafeBufferPointer<UInt8>, escaped: Bool) -> String {
        guard escaped else { return String(decoding: bytes, as: UTF8.self) }
        var out = String.UnicodeScalarView()
        var p = 0
        var run = 0
        func flush() { if run < p { out.append(contentsOf: String(decoding: UnsafeBufferPointer(rebasing: bytes[run..<p]), as: UTF8.self).unicodeScalars) } }
        while p < bytes.count {
            guard bytes[p] == 92, let (value, next) = escape(bytes, p) else {
                p += 1
                continue
            }
            flush()
            if let scalar = Unicode.Scalar(value) { out.append(scalar) }
            p = next
            run = next
        }
        flush()
        return String(out)
    }
}
