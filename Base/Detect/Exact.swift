import Kernel

/// A number read exactly (精确数值): digits and the place of the point, never binary floating point.
package struct Exact: Sendable, Hashable {
    /// Value = units / 10^places, places at most 12.
    let units: Int64
    let places: Int

    /// Reads `12`, `-3.50`, `1e3`; nil where it is no number or has more digits than fit.
    package init?(_ text: some Collection<UInt8>) {
        var units: Int64 = 0
        var places = 0
        var negative = false
        var digits = 0
        var seenPoint = false
        var exponent = 0
        var i = text.startIndex
        if i < text.endIndex, text[i] == 45 || text[i] == 43 {
            negative = text[i] == 45
            i = text.index(after: i)
        }
        loop: while i < text.endIndex {
            let c = text[i]
            switch c {
            case 48...57:
                guard digits < 17 else { return nil }
                units = units * 10 + Int64(c - 48)
                if units != 0 { digits += 1 }
                if seenPoint { places += 1 }
            case 46 where !seenPoint: seenPoint = true
            case 69, 101:
                guard let value = Int(String(decoding: text[text.index(after: i)...], as: UTF8.self)), abs(value) < 18 else { return nil }
                exponent = value
                break loop
            default: return nil
            }
            i = text.index(after: i)
        }
        guard !text.isEmpty else { return nil }
        places -= exponent
        while places < 0 {
            let (more, over) = units.multipliedReportingOverflow(by: 10)
            guard !over else { return nil }
            units = more
            places += 1
        }
        while places > 0, units % 10 == 0 {
            units /= 10
            places -= 1
        }
        guard places <= 17 else { return nil }
        self.units = negative ? -units : units
        self.places = places
    }

    init(_ count: Int) { (units, places) = (Int64(count), 0) }
    private init(units: Int64, places: Int) { (self.units, self.places) = (units, places) }

    /// nil where it has more digits than fit.
    static func sum(_ numbers: [Exact]) -> Exact? {
        let places = numbers.map(\.places).max() ?? 0
        var total: Int64 = 0
        for number in numbers {
            var units = number.units
            for _ in number.places..<places {
                let (more, over) = units.multipliedReportingOverflow(by: 10)
                guard !over else { return nil }
                units = more
            }
            let (sum, over) = total.addingReportingOverflow(units)
            guard !over else { return nil }
            total = sum
        }
        return Exact(units: total, places: places)
    }

    package static func < (a: Exact, b: Exact) -> Bool { compare(a, b) < 0 }
    /// −1, 0, 1.
    static func compare(_ a: Exact, _ b: Exact) -> Int {
        if a.places == b.places { return a.units == b.units ? 0 : a.units < b.units ? -1 : 1 }
        func scaled(_ x: Exact, _ places: Int) -> (high: Int64, low: UInt64) {
            var factor: Int64 = 1
            for _ in x.places..<places { factor *= 10 }
            let (high, low) = x.units.multipliedFullWidth(by: factor)
            return (high, low)
        }
        let places = max(a.places, b.places)
        let (x, y) = (scaled(a, places), scaled(b, places))
        if x.high != y.high { return x.high < y.high ? -1 : 1 }
        return x.low == y.low ? 0 : x.low < y.low ? -1 : 1
    }
}
