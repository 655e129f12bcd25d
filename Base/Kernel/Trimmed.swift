extension StringProtocol {
    /// Without blanks and line ends at either end, the ideographic blank included.
    package var trimmed: String {
        var s = self[...]
        while let c = s.first, c.isWhitespace { s = s.dropFirst() }
        while let c = s.last, c.isWhitespace { s = s.dropLast() }
        return String(s)
    }
}
