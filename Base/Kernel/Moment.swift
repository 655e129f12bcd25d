/// A point in time (时刻): milliseconds since 1970-01-01T00:00Z. Shown in the office's zone.
package struct Moment: Hashable, Comparable, Sendable, Codable {
    package let milliseconds: Int64

    package init(milliseconds: Int64) { self.milliseconds = milliseconds }

    /// The zone of every office: China has one, eight hours ahead of UTC, without summer time since 1992.
    package static let officeOffset: Int64 = 8 * 3_600_000

    package init(_ day: Day, hour: Int = 0, minute: Int = 0, second: Int = 0) {
        let local = Int64(day.number) * 86_400_000 + Int64(hour) * 3_600_000 + Int64(minute) * 60_000 + Int64(second) * 1000
        milliseconds = local - Moment.officeOffset
    }

    /// `2026-11-23`, `2026-11-23T10:30` or `2026-11-23T10:30:00`, optionally with `Z` or `+08:00`; the office's zone unless it says another.
    package init?(_ text: String) {
        guard let day = Day(String(text.prefix(10))) else { return nil }
        var rest = text.dropFirst(10)
        guard !rest.isEmpty else {
            self.init(day)
            return
        }
        guard rest.first == "T" || rest.first == " " else { return nil }
        rest = rest.dropFirst()
        var offset = Moment.officeOffset
        if rest.last == "Z" {
            offset = 0
            rest = rest.dropLast()
        } else if let sign = rest.lastIndex(where: { $0 == "+" || $0 == "-" }) {
            let zone = rest[sign...].dropFirst().split(separator: ":", omittingEmptySubsequences: false)
            guard zone.count == 2, let h = Int64(zone[0]), let m = Int64(zone[1]), (0...14).contains(h), (0..<60).contains(m) else { return nil }
            offset = (h * 60 + m) * 60_000 * (rest[sign] == "-" ? -1 : 1)
            rest = rest[..<sign]
        }
        let fields = rest.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(fields.count), let h = Int64(fields[0]), let m = Int64(fields[1]), (0..<24).contains(h), (0..<60).contains(m) else {
            return nil
        }
        var s: Int64 = 0
        if fields.count == 3 {
            guard let whole = Int64(fields[2].prefix { $0 != "." }), (0..<60).contains(whole) else { return nil }
            s = whole
        }
        self.init(milliseconds: Int64(day.number) * 86_400_000 + (h * 3600 + m * 60 + s) * 1000 - offset)
    }

    /// The office's day on which it falls.
    package var day: Day { Day(number: Int32(truncatingIfNeeded: local.quotientFloor(86_400_000))) }
    package var minuteOfDay: Int { Int(local.remainderFloor(86_400_000) / 60_000) }
    private var local: Int64 { milliseconds + Moment.officeOffset }

    package func adding(seconds: Int64) -> Moment { Moment(milliseconds: milliseconds + seconds * 1000) }
    package func adding(hours: Int) -> Moment { adding(seconds: Int64(hours) * 3600) }

    /// The next full hour: where an opening hour is not counted, counting begins there.
    package var nextHour: Moment { Moment(milliseconds: (milliseconds.quotientFloor(3_600_000) + 1) * 3_600_000) }

    package static func < (a: Moment, b: Moment) -> Bool { a.milliseconds < b.milliseconds }

    /// `2026-11-23 10:30` in the office's zone.
    package var minuteText: String { "\(day) \(clock)" }
    /// `2026-11-23T10:30` in the office's zone.
    package var formText: String { "\(day)T\(clock)" }
    /// `2026-11-23T10:30:07+08:00`.
    /// The same in UTC, as web archives write it: `2026-11-26T04:00:00Z`.
    package var utcText: String { String(Moment(milliseconds: milliseconds - Moment.officeOffset).isoText.dropLast(6)) + "Z" }
    package var isoText: String {
        let s = Int(local.remainderFloor(60_000) / 1000)
        return "\(day)T\(clock):\(s < 10 ? "0" : "")\(s)+08:00"
    }
    private var clock: String {
        let (h, m) = (minuteOfDay / 60, minuteOfDay % 60)
        return "\(h < 10 ? "0" : "")\(h):\(m < 10 ? "0" : "")\(m)"
    }
}

extension Int64 {
    func quotientFloor(_ d: Int64) -> Int64 { self >= 0 ? self / d : (self - d + 1) / d }
    func remainderFloor(_ d: Int64) -> Int64 { self - quotientFloor(d) * d }
}
