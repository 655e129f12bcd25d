extension StringProtocol {
    /// Without blanks and line ends at either end, the ideographic blank included.
    package var trimmed: String {
        // Most texts have none: their ends are looked at, not read.
        let isInk = { (scalar: Unicode.Scalar?) in scalar.map { $0.value > 32 && $0.value < 0x7F || $0.value >= 0x4E00 && $0.value < 0xA000 } ?? true }
        if isInk(unicodeScalars.first), isInk(unicodeScalars.last) { return String(self) }
        var s = self[...]
        while let c = s.first, c.isWhitespace { s = s.dropFirst() }
        while let c = s.last, c.isWhitespace { s = s.dropLast() }
        return String(s)
    }
}

extension String {
    /// Whether it can be a telephone number: five to fifteen figures, however they are set apart; a masked one too.
    package var isPhone: Bool { (5...15).contains(count { $0.isASCII && $0.isNumber }) && allSatisfy { ($0.isASCII && $0.isNumber) || "+-() *".contains($0) } }
}
