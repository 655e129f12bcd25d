/// An amount of renminbi (金额). Unit: fen, a hundredth of a yuan, so sums are exact.
package struct Money: Hashable, Comparable, Sendable {
    package let fen: Int64

    package init(fen: Int64) { self.fen = fen }

    /// Reads `129`, `129.5`, `129.00`, `1,580.00`, `¥129`; never through binary floating point. At most twelve digits of yuan.
    package init?(yuan text: String) {
        var body = text.filter { $0 != "," && $0 != "，" && $0 != " " }[...]
        if let first = body.first, "¥￥".contains(first) { body = body.dropFirst() }
        if body.last == "元" { body = body.dropLast() }
        let parts = body.split(separator: ".", omittingEmptySubsequences: false)
        guard (1...2).contains(parts.count), (1...12).contains(parts[0].utf8.count) else { return nil }
        let cents = parts.count == 2 ? parts[1] : ""
        guard cents.utf8.count <= 2, parts.count == 1 || !cents.isEmpty else { return nil }
        guard parts[0].utf8.allSatisfy({ (48...57).contains($0) }), cents.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        guard let yuan = Int64(parts[0]), let fen = Int64(cents.isEmpty ? "0" : cents) else { return nil }
        self.fen = yuan * 100 + (cents.utf8.count == 1 ? fen * 10 : fen)
    }

    /// What a sum must look like, said of one that does not.
    package static let shape = Text("金额应为0元以上的数字，整数最多12位，小数最多两位", "An amount is a number from 0, with at most 12 digits and two decimals")

    /// `1580.00`.
    package var plain: String {
        let (sign, value) = (fen < 0 ? "-" : "", abs(fen))
        return "\(sign)\(value / 100).\(value % 100 < 10 ? "0" : "")\(value % 100)"
    }
    /// `1,580.00`.
    package var grouped: String {
        let text = plain
        let dot = text.firstIndex(of: ".")!
        var digits = ""
        for (i, c) in text[..<dot].reversed().enumerated() {
            if i > 0, i % 3 == 0, c != "-" { digits.append(",") }
            digits.append(c)
        }
        return String(digits.reversed()) + text[dot...]
    }

    package static func < (a: Money, b: Money) -> Bool { a.fen < b.fen }
    package static func + (a: Money, b: Money) -> Money { Money(fen: a.fen + b.fen) }
}
