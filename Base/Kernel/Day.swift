/// A day of the civil calendar (日), without a time and without a zone.
///
/// Shape: `2026-11-23`, the extended form of ISO 8601; any other writing is refused.
package struct Day: Hashable, Comparable, Sendable, Codable, LosslessStringConvertible {
    /// Days since 1970-01-01.
    package let number: Int32

    package init(number: Int32) { self.number = number }

    /// The day of that year, month and day of month, or nil where the calendar has none (30 February).
    package init?(_ year: Int, _ month: Int, _ day: Int) {
        guard (1...9999).contains(year), (1...12).contains(month), day >= 1, day <= Day.length(ofMonth: month, in: year) else {
            return nil
        }
        // Howard Hinnant, "chrono-compatible low-level date algorithms": years begin in March, so the leap day is the last.
        let y = month <= 2 ? year - 1 : year
        let era = y / 400
        let yearOfEra = y - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        number = Int32(era * 146_097 + dayOfEra - 719_468)
    }

    package init?(_ text: String) {
        let b = Array(text.utf8)
        guard b.count == 10, b[4] == 45, b[7] == 45 else { return nil }
        func digits(_ range: Range<Int>) -> Int? {
            var value = 0
            for i in range {
                guard (48...57).contains(b[i]) else { return nil }
                value = value * 10 + Int(b[i] - 48)
            }
            return value
        }
        guard let y = digits(0..<4), let m = digits(5..<7), let d = digits(8..<10) else { return nil }
        self.init(y, m, d)
    }

    package var parts: (year: Int, month: Int, day: Int) {
        let z = Int(number) + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shifted + 2) / 5 + 1)
    }

    package var year: Int { parts.year }
    package var month: Int { parts.month }
    package var dayOfMonth: Int { parts.day }

    /// 1 is Monday, 7 is Sunday (ISO 8601).
    package var weekday: Int { (Int(number) % 7 + 7 + 3) % 7 + 1 }
    package var isWeekend: Bool { weekday > 5 }

    package func adding(days: Int) -> Day { Day(number: number + Int32(days)) }

    /// The same day of a later month, or that month's last day where it has no such day.
    package func adding(months: Int) -> Day {
        let (y, m, d) = parts
        let index = y * 12 + (m - 1) + months
        // A day that no calendar here has is the last or the first that it has: a far day typed by somebody stops nothing.
        guard (12..<120_000).contains(index) else { return Day(index < 12 ? 1 : 9999, index < 12 ? 1 : 12, index < 12 ? 1 : 31) ?? self }
        let (year, month) = (index / 12, index % 12 + 1)
        return Day(year, month, min(d, Day.length(ofMonth: month, in: year))) ?? self
    }

    /// The days of a period: `2026-05`, `2026-Q2` or `2026`; the last is the day after it. Nil where it is none.
    package static func span(_ period: String) -> Range<Day>? {
        let year = String(period.prefix(4))
        guard let n = Int(year), (1...9998).contains(n) else { return nil }
        if period.count == 4, let first = Day(year + "-01-01") { return first..<first.adding(months: 12) }
        if period.count == 7, period.dropFirst(4).hasPrefix("-Q"), let n = Int(period.suffix(1)), (1...4).contains(n), let first = Day("\(year)-01-01") {
            return first.adding(months: 3 * (n - 1))..<first.adding(months: 3 * n)
        }
        return period.count == 7 ? Day(period + "-01").map { $0..<$0.adding(months: 1) } : nil
    }

    package static func length(ofMonth month: Int, in year: Int) -> Int {
        switch month {
        case 2: (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    package static func < (a: Day, b: Day) -> Bool { a.number < b.number }
    package static func - (a: Day, b: Day) -> Int { Int(a.number) - Int(b.number) }

    package var description: String {
        let (y, m, d) = parts
        func pad(_ n: Int, _ width: Int) -> String {
            let text = String(n)
            return String(repeating: "0", count: max(0, width - text.count)) + text
        }
        return "\(pad(y, 4))-\(pad(m, 2))-\(pad(d, 2))"
    }

    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let day = Day(text) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "not a day: \(text)"))
        }
        self = day
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(description)
    }
}
