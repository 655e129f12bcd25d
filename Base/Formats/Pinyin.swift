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
}
