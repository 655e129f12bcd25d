/// Texts compared by their pairs of characters (相似度): MinHash keys to find candidates, the share of pairs to judge them.
package enum Shingles {
    package static let bands = 8
    package static let rows = 3

    /// The pairs of letters, digits and Han of a text, in small letters, as numbers.
    package static func pairs(_ text: String) -> Set<UInt64> {
        var pairs: Set<UInt64> = []
        var last: UInt32?
        for scalar in text.unicodeScalars where scalar.properties.isAlphabetic || scalar.properties.numericType != nil {
            let value = scalar.isASCII ? UInt32(scalar.properties.lowercaseMapping.unicodeScalars.first!.value) : scalar.value
            if let last { pairs.insert(UInt64(last) << 32 | UInt64(value)) }
            last = value
        }
        return pairs
    }

    /// Eight keys: two texts that share a share s of their pairs share at least one key with probability 1 − (1 − s³)⁸.
    package static func keys(_ pairs: Set<UInt64>) -> [Int64] {
        guard pairs.count >= 8 else { return [] }
        return (0..<bands).map { band in
            var key = UInt64(band)
            for row in 0..<rows {
                let salt = mix(UInt64(band * rows + row + 1))
                key = mix(key ^ pairs.reduce(UInt64.max) { min($0, mix($1 ^ salt)) })
            }
            return Int64(bitPattern: key)
        }
    }

    /// SplitMix64's finaliser.
    private static func mix(_ value: UInt64) -> UInt64 {
        var z = value &+ 0x9E37_79B9_7F4A_7C15
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// Shared pairs of all: 1 is the same text, 0 nothing in common. Two texts without a pair are the same.
    package static func share(_ a: Set<UInt64>, _ b: Set<UInt64>) -> Double {
        let common = a.count < b.count ? a.count(where: b.contains) : b.count(where: a.contains)
        let all = a.count + b.count - common
        return all == 0 ? 1 : Double(common) / Double(all)
    }
}
