import CNative
import Kernel

/// Initials of Mandarin readings (拼音首字母), by ICU's Han-Latin table: the commonest reading of each character.
package enum Pinyin {
    /// One byte for each of U+4E00…U+9FFF; 0 where there is no reading. Made once, in about a tenth of a second.
    private static let table: [UInt8] = {
        var table = [UInt8](repeating: 0, count: 0x9FFF - 0x4E00 + 1)
        precondition(sinan_pinyin_initials(&table, table.count) == 0, "ICU has no Han-Latin transliterator")
        return table
    }()

    /// `心斋堂旗舰店` is `xztqjd`; letters and digits stay, everything else falls away.
    package static func initials(_ text: String) -> String {
        var out: [UInt8] = []
        for scalar in text.unicodeScalars {
            switch scalar.value {
            case 0x4E00...0x9FFF:
                let letter = table[Int(scalar.value) - 0x4E00]
                if letter != 0 { out.append(letter) }
            case 48...57, 97...122: out.append(UInt8(scalar.value))
            case 65...90: out.append(UInt8(scalar.value + 32))
            default: continue
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    /// Kinds of divisions and what they are called in English; the longest ending is taken.
    private static let divisions = [
        ("自治州", "Autonomous Prefecture"), ("自治县", "Autonomous County"), ("开发区", "Development Zone"), ("高新区", "High-tech Zone"), ("新区", "New Area"), ("街道", "Subdistrict"),
        ("地区", "Prefecture"), ("市", "City"), ("区", "District"), ("县", "County"), ("镇", "Town"), ("乡", "Township"), ("盟", "League"), ("旗", "Banner"),
    ]

    /// A division's name for readers of English: `青溪区` is Qingxi District.
    package static func place(_ name: String) -> String {
        let ending = divisions.first { name.hasSuffix($0.0) && name.count > $0.0.count }
        let stem = String(name.dropLast(ending?.0.count ?? 0))
        var buffer = [UInt8](repeating: 0, count: stem.utf8.count * 8 + 16)
        let count = Array(stem.utf8).withUnsafeBytes { text in
            buffer.withUnsafeMutableBytes { out in
                sinan_romanized(text.bindMemory(to: CChar.self).baseAddress, text.count, out.bindMemory(to: CChar.self).baseAddress, out.count)
            }
        }
        guard count > 0 else { return name }
        let letters = String(decoding: buffer.prefix(count), as: UTF8.self).filter { $0 != " " && $0 != "'" }
        return [letters.prefix(1).uppercased() + letters.dropFirst(), ending?.1].compactMap { $0 }.joined(separator: " ")
    }
}
