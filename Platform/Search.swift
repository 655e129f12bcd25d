import Kernel
import Store

/// Full text over Chinese (全文检索), the same on both engines: Han in pairs, words and numbers whole, initials in pairs.
///
/// A search finds two characters and more; what an index of pairs finds too much is taken out by looking at the text.
package enum Search {
    /// Terms of a text: `心斋堂` gives 心斋 斋堂; `VIP卡` gives vip.
    package static func terms(_ text: String, into terms: inout Set<String>) {
        var han: [Character] = []
        var word = ""
        func flushHan() {
            if han.count > 1 { for i in 0..<(han.count - 1) { terms.insert(String(han[i]) + String(han[i + 1])) } }
            han = []
        }
        func flushWord() {
            if !word.isEmpty { terms.insert(String(word.prefix(40))) }
            word = ""
        }
        for c in text {
            if c.isHan {
                flushWord()
                han.append(c)
            } else if c.isASCII, c.isLetter || c.isNumber {
                flushHan()
                word += c.lowercased()
            } else {
                flushHan()
                flushWord()
            }
        }
        flushHan()
        flushWord()
    }

    /// Initials as pairs, marked so that they meet no word: `xzt` gives `y:xz` and `y:zt`.
    package static func initialTerms(_ initials: String, into terms: inout Set<String>) {
        let letters = Array(initials.utf8)
        guard letters.count > 1 else { return }
        for i in 0..<(letters.count - 1) { terms.insert("y:" + String(decoding: letters[i...(i + 1)], as: UTF8.self)) }
    }

    /// Each term carries its kind in front (`op心斋`): a search among operators never walks through the complaints.
    package static func body(_ kind: String, _ terms: Set<String>) -> String { terms.map { kind.prefix(2) + $0 }.sorted().joined(separator: " ") }

    package static func index(_ kind: String, _ ref: Int64, texts: [String], initials: String? = nil, marks: [String] = [], _ tx: Transaction) {
        var terms: Set<String> = []
        for text in texts { Search.terms(text, into: &terms) }
        if let initials { initialTerms(initials, into: &terms) }
        terms.formUnion(marks)
        tx.atCommit(Dialect.Found(kind: kind, ref: ref, terms: body(kind, terms)))
    }

    /// What a visitor typed, as terms: nil where it is too short to look for.
    package static func query(_ kind: String, _ typed: String, asInitials: Bool = false) -> [String]? {
        var terms: Set<String> = []
        if asInitials {
            initialTerms(typed.lowercased(), into: &terms)
        } else {
            Search.terms(typed, into: &terms)
        }
        return terms.isEmpty ? nil : terms.sorted().map { kind.prefix(2) + $0 }
    }

    /// Keys that hold all terms, newest first.
    package static func find(_ terms: [String], limit: Int, _ tx: Transaction) throws -> [Int64] {
        try tx.all(tx.dialect.searchQuery(terms: terms, limit: limit)).map { $0.int("ref") }
    }
}

extension Character {
    package var isHan: Bool {
        guard let scalar = unicodeScalars.first?.value else { return false }
        return (0x4E00...0x9FFF).contains(scalar) || (0x3400...0x4DBF).contains(scalar) || (0x20000...0x323AF).contains(scalar) || scalar == 0x3007
    }
}
