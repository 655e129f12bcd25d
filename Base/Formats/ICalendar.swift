import Kernel

/// An appointment as iCalendar (RFC 5545): opened by any calendar; the same uid sent again replaces it.
package enum ICalendar {
    package struct Event: Sendable {
        package let uid: String
        package let title: String
        package let place: String
        package let text: String
        package let start: Moment
        package let minutes: Int
        /// A whole day: the last one of a period.
        package var day: Day?
        package init(uid: String, title: String, place: String = "", text: String = "", start: Moment, minutes: Int = 60) {
            (self.uid, self.title, self.place, self.text, self.start, self.minutes) = (uid, title, place, text, start, minutes)
        }
    }

    /// - Parameter at: when it was written.
    package static func file(_ events: [Event], at: Moment, name: String) -> [UInt8] {
        var lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Sinan//Casework//ZH", "CALSCALE:GREGORIAN", "METHOD:PUBLISH", "X-WR-CALNAME:\(escaped(name))"]
        for e in events {
            lines += [
                "BEGIN:VEVENT", "UID:\(escaped(e.uid))", "DTSTAMP:\(utc(at))",
                e.day.map { "DTSTART;VALUE=DATE:\($0.description.filter { $0 != "-" })" } ?? "DTSTART:\(utc(e.start))",
                e.day.map { "DTEND;VALUE=DATE:\($0.adding(days: 1).description.filter { $0 != "-" })" } ?? "DTEND:\(utc(e.start.adding(seconds: Int64(e.minutes * 60))))",
                "SUMMARY:\(escaped(e.title))",
            ]
            if !e.place.isEmpty { lines.append("LOCATION:\(escaped(e.place))") }
            if !e.text.isEmpty { lines.append("DESCRIPTION:\(escaped(e.text))") }
            if e.day == nil { lines.append("TRANSP:OPAQUE") } else { lines.append("TRANSP:TRANSPARENT") }
            lines += ["BEGIN:VALARM", "ACTION:DISPLAY", "DESCRIPTION:\(escaped(e.title))", "TRIGGER:-PT1H", "END:VALARM", "END:VEVENT"]
        }
        lines.append("END:VCALENDAR")
        return Array(lines.map(folded).joined(separator: "\r\n").utf8) + [13, 10]
    }

    /// `20261202T013000Z`.
    private static func utc(_ moment: Moment) -> String {
        let text = Moment(milliseconds: moment.milliseconds - 8 * 3_600_000).isoText
        return text.prefix(19).filter { $0 != "-" && $0 != ":" } + "Z"
    }
    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing(";", with: "\\;").replacing(",", with: "\\,").replacing("\r\n", with: "\\n").replacing("\n", with: "\\n").filter { $0 != "\r" }
    }
    /// A line of at most 75 octets; the rest follows behind a blank, never within a character.
    private static func folded(_ line: String) -> String {
        var (out, length) = ("", 0)
        for c in line {
            let size = c.utf8.count
            if length + size > 75 {
                out += "\r\n "
                length = 1
            }
            out.append(c)
            length += size
        }
        return out
    }
}
