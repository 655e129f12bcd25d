import Kernel
import Store

/// Full text over Chinese (全文检索), the same on both engines: Han in pairs, words and numbers whole, initials in pairs.
///
/// A search finds two characters and more; what an index of pairs finds too much is taken out by looking at the text.
package enum Search {
    /// Cuts texts into terms, each with its kind in front (`op心斋`): a search among operators never walks through the
    /// complaints. Works on bytes: a register of 600,000 is cut in seconds.
    package struct Cutter {
        private let kind: [UInt8]
        private var out: [UInt8] = []

        package init(_ kind: String) { self.kind = Array(kind.utf8.prefix(2)) }
        package var terms: String { String(decoding: out, as: UTF8.self) }

        private mutating func begin() {
            if !out.isEmpty { out.append(32) }
            out += kind
        }
        package mutating func mark(_ term: String) {
            begin()
            out += term.utf8
        }
        /// Terms of a text: `心斋堂` gives 心斋 斋堂; `VIP卡` gives vip.
        package mutating func add(_ text: String) {
            var text = text
            text.withUTF8 { bytes in
                var last: Range<Int>?
                var word = 0
                var i = 0
                while i < bytes.count {
                    let c = bytes[i]
                    if c < 0x80 {
                        last = nil
                        if let letter = Search.lower(c) {
                            if word == 0 { begin() }
                            if word < 40 { out.append(letter) }
                            word += 1
                        } else {
                            word = 0
                        }
                        i += 1
                        continue
                    }
                    word = 0
                    let length = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4
                    let end = min(bytes.count, i + length)
                    if Search.isHan(bytes[i..<end]) {
                        if let last {
                            begin()
                            out += bytes[last]
                            out += bytes[i..<end]
                        }
                        last = i..<end
                    } else {
                        last = nil
                    }
                    i = end
                }
            }
        }
        /// Initials as pairs, marked so that they meet no word: `xzt` gives `y:xz` and `y:zt`.
        package mutating func add(initials: String) {
            var last: UInt8?
            for letter in initials.utf8 {
                if let last {
                    begin()
                    out += [UInt8(ascii: "y"), UInt8(ascii: ":"), last, letter]
                }
                last = letter
            }
        }
    }

    private static func lower(_ c: UInt8) -> UInt8? {
        switch c {
        case 48...57, 97...122: c
        case 65...90: c + 32
        default: nil
        }
    }

    /// Whether these bytes are one Han character.
    private static func isHan(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        let value = bytes.dropFirst().reduce(UInt32(bytes.first!) & (bytes.count == 2 ? 0x1F : bytes.count == 3 ? 0x0F : 0x07)) { $0 << 6 | UInt32($1 & 0x3F) }
        return (0x4E00...0x9FFF).contains(value) || (0x3400...0x4DBF).contains(value) || (0x20000...0x323AF).contains(value) || value == 0x3007
    }

    package static func index(_ kind: String, _ ref: Int64, texts: [String], marks: [String] = [], _ tx: Transaction) {
        var cutter = Cutter(kind)
        for mark in marks { cutter.mark(mark) }
        for text in texts { cutter.add(text) }
        tx.atCommit(Dialect.Found(kind: kind, ref: ref, terms: cutter.terms))
    }

    /// What a visitor typed, as terms: nil where it is too short to look for.
    package static func query(_ kind: String, _ typed: String, asInitials: Bool = false) -> [String]? {
        var cutter = Cutter(kind)
        if asInitials { cutter.add(initials: typed.lowercased()) } else { cutter.add(typed) }
        let terms = Set(cutter.terms.split(separator: " ").map(String.init))
        return terms.isEmpty ? nil : terms.sorted()
    }

    /// Keys of a kind that hold all terms, newest first.
    package static func find(_ kind: String, _ terms: [String], limit: Int, _ tx: Transaction) throws -> [Int64] {
        try tx.dialect.search(kind, terms: terms, limit: limit, tx)
    }

    /// What the index holds of a matter that is still open: the queue's searches look among these first of all.
    static func openMark(_ kind: String) -> String { kind.utf8.prefix(2).reduce(into: "") { $0.append(Character(UnicodeScalar($1))) } + "o:" }

    /// Puts the mark of an open matter, or takes it away, when the act is committed.
    static func mark(_ matter: Matter, open: Bool, _ tx: Transaction) {
        tx.atCommit(Dialect.Marked(kind: matter.kind, ref: matter.id.raw, mark: openMark(matter.kind), on: open))
    }
}
