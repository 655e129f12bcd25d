import Foundation

/// By which pictures that look alike are found (图片感知哈希): 64 bits of its low frequencies, little moved by another size, quality or a mark in a corner.
package struct Fingerprint: Sendable, Hashable, CustomStringConvertible {
    package let bits: UInt64
    package init(bits: UInt64) { self.bits = bits }
    package init?(_ hex: String) {
        guard hex.count == 16, let bits = UInt64(hex, radix: 16) else { return nil }
        self.bits = bits
    }
    package var description: String {
        let hex = String(bits, radix: 16)
        return String(repeating: "0", count: 16 - hex.count) + hex
    }
    /// So many bits apart are pictures still taken for alike: of 64, two of different things are some 32 apart.
    package static let near = 7
    package func distance(_ other: Fingerprint) -> Int { (bits ^ other.bits).nonzeroBitCount }
    /// Two that are at most seven bits apart share one of the eight.
    package var bands: [String] { (0..<8).map { "\($0)\(String(bits >> UInt64($0 * 8) & 255, radix: 16))" } }

    /// - Parameter grey: 32 × 32 shades, row by row.
    /// - Returns: nil where the picture is all but one colour: such are alike without being the same.
    package init?(grey: [UInt8]) {
        guard grey.count == 1024 else { return nil }
        let shades = grey.map(Double.init)
        let mean = shades.reduce(0, +) / 1024
        let spread = shades.map { ($0 - mean) * ($0 - mean) }.reduce(0, +) / 1024
        guard spread > 40 else { return nil }
        // The discrete cosine transform's first eight by eight, the constant left out.
        let wave: [[Double]] = (0...8).map { u in (0..<32).map { x in cos(Double((2 * x + 1) * u) * Double.pi / 64) } }
        func sum(_ values: [Double], _ u: Int) -> Double { zip(values, wave[u]).map { $0 * $1 }.reduce(0, +) }
        let rows: [[Double]] = (0..<32).map { y in (0...8).map { u in sum(Array(shades[(y * 32)..<(y * 32 + 32)]), u) } }
        var values: [Double] = []
        for v in 0..<8 { for u in 1...8 { values.append(sum(rows.map { $0[u] }, v)) } }
        let sorted = values.sorted()
        let median = (sorted[31] + sorted[32]) / 2
        bits = values.enumerated().reduce(0) { $1.element > median ? $0 | 1 << UInt64($1.offset) : $0 }
    }
}
