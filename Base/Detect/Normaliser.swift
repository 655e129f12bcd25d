import CNative
import Kernel

/// Text made comparable (文本归一): width, case, Traditional to Simplified, signs that cannot be seen, and signs put between
/// two characters so that a word is not found (最·佳). What it yields points back into the text as it stands.
///
/// Shape: UTF-16 units, one for each character of the basic plane. Cost: a table look-up a character.
package struct Normaliser: Sendable {
    enum Kind { static let other: UInt8 = 0, han: UInt8 = 1, trick: UInt8 = 2 }
    /// What becomes of each unit; 0: it is left out.
    let folded: Table<UInt16>
    /// The same without small letters: what expressions read.
    let kept: Table<UInt16>
    let kinds: Table<UInt8>

    /// Signs that are put between two Han characters to hide a word. Blanks, hyphens, slashes and commas are not among them:
    /// they part words that belong apart.
    static let tricks = "·•・‧∙⋅*★☆●○◆◇■□_~^|+♥❤✦✧"

    /// Whether full-width signs and variants are folded.
    let folds: Bool

    /// - Parameters:
    ///   - normalises: off, only ASCII letters are made small, as Sigma asks: for comparison with other engines.
    ///   - homographs: pairs of a look-alike and what it stands for, as a list names them.
    package init(normalises: Bool = true, homographs: [(Character, Character)] = []) {
        var kept = [UInt16](repeating: 0, count: 65_536)
        var kinds = [UInt8](repeating: Kind.other, count: 65_536)
        for c in 0..<65_536 { kept[c] = UInt16(c) }
        folds = normalises
        if normalises {
            _ = kept.withUnsafeMutableBufferPointer { sinan_simplified($0.baseAddress, 0x3400, 0x9FFF) }
            for c in 0xFF01...0xFF5E { kept[c] = UInt16(c - 0xFEE0) }
            kept[0x3000] = 0x20
            kept[0xA0] = 0x20
            for range in [0x200B...0x200F, 0x202A...0x202E, 0x2060...0x2064, 0xFE00...0xFE0F] { for c in range { kept[c] = 0 } }
            for c in [0xFEFF, 0xAD, 0x180E] { kept[c] = 0 }
            for (from, to) in homographs {
                if let a = from.utf16.first, let b = to.utf16.first, from.utf16.count == 1, to.utf16.count == 1 { kept[Int(a)] = kept[Int(b)] }
            }
            for range in [0x3400...0x4DBF, 0x4E00...0x9FFF] { for c in range { kinds[c] = Kind.han } }
            for c in Normaliser.tricks.utf16 { kinds[Int(kept[Int(c)])] = Kind.trick }
        }
        var folded = kept
        for c in 0..<65_536 where (65...90).contains(kept[c]) { folded[c] = kept[c] + 32 }
        (self.kept, self.folded, self.kinds) = (Table(kept), Table(folded), Table(kinds))
    }

    /// A phrase of a rule, as it is looked for.
    package func units(_ text: String, cased: Bool = false) -> [UInt16] {
        let buffer = TextBuffer()
        var text = text
        text.withUTF8 { _ = fill(buffer, $0, escaped: false, cased: cased) }
        return Array(UnsafeBufferPointer(start: buffer.units, count: buffer.count))
    }

    /// Fills a buffer with a text.
    /// - Parameter escaped: the bytes are the inside of a JSON string, with its escapes.
    /// - Returns: false where the bytes are no UTF-8 or an escape is none.
    func fill(_ buffer: TextBuffer, _ bytes: UnsafeBufferPointer<UInt8>, escaped: Bool, cased: Bool = false) -> Bool {
        buffer.reserve(bytes.count + 8)
        let (units, origin) = (buffer.units, buffer.origin)
        let (table, kinds) = (cased ? kept.p : folded.p, kinds.p)
        var n = 0
        func run() -> Bool {
            var p = 0
            var index: UInt32 = 0
            let end = bytes.count
            while p < end {
                let b = bytes[p]
                var c: UInt32
                if b < 0x80 {
                    if b == 92, escaped {
                        guard let (value, next) = JSONText.escape(bytes, p) else { return false }
                        (c, p) = (value, next)
                    } else {
                        c = UInt32(b)
                        p += 1
                    }
                } else if b < 0xE0 {
                    guard b >= 0xC2, p + 1 < end, bytes[p + 1] & 0xC0 == 0x80 else { return false }
                    c = UInt32(b & 0x1F) << 6 | UInt32(bytes[p + 1] & 0x3F)
                    p += 2
                } else if b < 0xF0 {
                    guard p + 2 < end, bytes[p + 1] & 0xC0 == 0x80, bytes[p + 2] & 0xC0 == 0x80 else { return false }
                    c = UInt32(b & 0x0F) << 12 | UInt32(bytes[p + 1] & 0x3F) << 6 | UInt32(bytes[p + 2] & 0x3F)
                    guard c >= 0x800, !(0xD800...0xDFFF).contains(c) else { return false }
                    p += 3
                } else {
                    guard b < 0xF5, p + 3 < end, bytes[p + 1] & 0xC0 == 0x80, bytes[p + 2] & 0xC0 == 0x80, bytes[p + 3] & 0xC0 == 0x80 else { return false }
                    c = UInt32(b & 0x07) << 18 | UInt32(bytes[p + 1] & 0x3F) << 12 | UInt32(bytes[p + 2] & 0x3F) << 6 | UInt32(bytes[p + 3] & 0x3F)
                    guard (0x10000...0x10FFFF).contains(c) else { return false }
                    p += 4
                }
                if c < 0x10000 {
                    let unit = table[Int(c)]
                    if unit != 0 {
                        if kinds[Int(unit)] == Kind.han, n > 1, kinds[Int(units[n - 1])] == Kind.trick {
                            var before = n - 1
                            while before > 0, kinds[Int(units[before - 1])] == Kind.trick { before -= 1 }
                            if before > 0, kinds[Int(units[before - 1])] == Kind.han { n = before }
                        }
                        units[n] = unit
                        origin[n] = index
                        n += 1
                    }
                } else {
                    let v = c - 0x10000
                    units[n] = UInt16(0xD800 + (v >> 10))
                    units[n + 1] = UInt16(0xDC00 + (v & 0x3FF))
                    origin[n] = index
                    origin[n + 1] = index
                    n += 2
                }
                index += 1
            }
            origin[n] = index
            return true
        }
        let good = run()
        for i in 0..<4 { units[n + i] = 0 }
        buffer.count = n
        return good
    }
}

/// A text on its way through the matcher: units, and for each the code point of the original that it came from.
/// Four zero units follow the last, so that looking ahead needs no bound.
final class TextBuffer {
    private(set) var units: UnsafeMutablePointer<UInt16>
    private(set) var origin: UnsafeMutablePointer<UInt32>
    private var capacity = 4096
    var count = 0

    init() {
        units = .allocate(capacity: capacity)
        origin = .allocate(capacity: capacity)
    }
    deinit {
        units.deallocate()
        origin.deallocate()
    }
    func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        capacity = wanted * 2
        units.deallocate()
        origin.deallocate()
        units = .allocate(capacity: capacity)
        origin = .allocate(capacity: capacity)
    }
    var slice: ArraySlice<UInt16> { ArraySlice(UnsafeBufferPointer(start: units, count: count)) }
}

/// A text as UTF-8, and for each byte the unit that it came from.
final class ByteBuffer {
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var unitOf: UnsafeMutablePointer<UInt32>
    private var capacity = 4096

    init() {
        bytes = .allocate(capacity: capacity)
        unitOf = .allocate(capacity: capacity)
    }
    deinit {
        bytes.deallocate()
        unitOf.deallocate()
    }
    func reserve(_ wanted: Int) {
        guard wanted > capacity else { return }
        capacity = wanted * 2
        bytes.deallocate()
        unitOf.deallocate()
        bytes = .allocate(capacity: capacity)
        unitOf = .allocate(capacity: capacity)
    }
}
