/// A unified social credit code (统一社会信用代码): 18 characters, the last a check character.
///
/// Law: GB 32100-2015 (form and check); GB 11714 (positions 9–17, whose own check is reported but not required here,
/// since codes exist that do not follow it).
package struct USCC: Hashable, Sendable, CustomStringConvertible {
    package let description: String

    /// What is wrong with a code, in the order in which it is found.
    package enum Flaw: Error, Hashable, Sendable {
        case length(Int)
        case character(Character, position: Int)
        case authority(Character)
        case region(String)
        case check(expected: Character, found: Character)

        package var text: Text {
            switch self {
            case .length(let n): Text("应为18位，实为\(n)位", "must have 18 characters, has \(n)")
            case .character(let c, let p): Text("第\(p)位“\(c)”不是可用字符（不用 I、O、S、V、Z）", "character \(p), “\(c)”, is not allowed (I, O, S, V, Z are not used)")
            case .authority(let c): Text("第1位“\(c)”不是登记管理部门代码", "character 1, “\(c)”, names no registration authority")
            case .region(let r): Text("第3至8位“\(r)”应为6位数字的行政区划码", "characters 3 to 8, “\(r)”, must be a division code of six digits")
            case .check(let e, let f): Text("校验位应为“\(e)”，实为“\(f)”", "the check character must be “\(e)”, is “\(f)”")
            }
        }
    }

    static let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY")
    /// The value of each ASCII character; −1 where it is not allowed.
    private static let values: [Int] = (0..<128).map { c in alphabet.firstIndex(of: Character(UnicodeScalar(UInt8(c)))) ?? -1 }
    static let weights = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]

    /// Reads a code; letters may be small and blanks around it are dropped.
    package init(_ text: String) throws(Flaw) {
        if let plain = USCC.plain(text) {
            description = plain
            return
        }
        let code = Array(text.filter { !$0.isWhitespace }.uppercased())
        guard code.count == 18 else { throw .length(code.count) }
        var sum = 0
        for (i, c) in code.enumerated() {
            guard let ascii = c.asciiValue, USCC.values[Int(ascii)] >= 0 else { throw .character(c, position: i + 1) }
            if i < 17 { sum += USCC.values[Int(ascii)] * USCC.weights[i] }
        }
        // 1 机构编制 2 外交 3 司法 4 文化 5 民政 6 旅游 7 宗教 8 工会 9 工商 A 军委 N 农业 Y 其他
        guard "123456789ANY".contains(code[0]) else { throw .authority(code[0]) }
        guard code[2..<8].allSatisfy({ $0.isNumber }) else { throw .region(String(code[2..<8])) }
        let expected = USCC.alphabet[(31 - sum % 31) % 31]
        guard code[17] == expected else { throw .check(expected: expected, found: code[17]) }
        description = String(code)
    }

    /// A code that is written as it should be, read byte by byte: a register of 600,000 is nearly all such.
    private static func plain(_ text: String) -> String? {
        var text = text
        let good = text.withUTF8 { bytes -> Bool in
            guard bytes.count == 18, "123456789ANY".utf8.contains(bytes[0]), bytes[2..<8].allSatisfy({ (48...57).contains($0) }) else { return false }
            var sum = 0
            for i in 0..<17 {
                guard bytes[i] < 128, values[Int(bytes[i])] >= 0 else { return false }
                sum += values[Int(bytes[i])] * weights[i]
            }
            return bytes[17] < 128 && values[Int(bytes[17])] == (31 - sum % 31) % 31
        }
        return good ? text : nil
    }

    /// The code made of these first 17 characters.
    package static func completing(_ prefix: String) -> String {
        let sum = zip(prefix, weights).reduce(0) { $0 + (alphabet.firstIndex(of: $1.0) ?? 0) * $1.1 }
        return prefix + String(alphabet[(31 - sum % 31) % 31])
    }

    /// The division code it carries: where it was first registered, not necessarily where the operator is now.
    package var region: String { String(description.dropFirst(2).prefix(6)) }

    /// Whether a code was given in another province than that of a region. The state's own registration (10) names no province.
    package static func isOfAnotherProvince(_ code: String?, than region: String) -> Bool {
        guard let code, let read = try? USCC(code) else { return false }
        let province = read.region.prefix(2)
        return province != "10" && province != region.prefix(2)
    }
}
