import Foundation
import Kernel

/// Reads a year's table: CSV `year,name,date,isOffDay` or holiday-cn's JSON `{"year":…,"days":[{"name","date","isOffDay"}]}`.
package enum CalendarFile {
    /// - Errors: names the line or the day that is wrong; a file with no day in it is refused.
    package static func read(_ bytes: [UInt8]) throws(Refusal) -> [WorkCalendar.Exception] {
        let first = bytes.first { $0 > 32 && $0 != 0xEF && $0 != 0xBB && $0 != 0xBF }
        let table = first == UInt8(ascii: "{") ? try json(bytes) : try csv(String(decoding: bytes, as: UTF8.self))
        guard !table.isEmpty else {
            throw Refusal.invalid("/file", Text("文件中没有任何日期：该年度的放假通知可能尚未发布", "The file holds no day: the year's notice may not have been published yet"))
        }
        // A day that is said twice and differently, or a year of which no day is there, would count wrongly in silence.
        var seen: [Day: Bool] = [:]
        for entry in table {
            if let before = seen[entry.day], before != entry.isOff {
                throw Refusal.invalid("/file", Text("\(entry.day)出现两次且互相矛盾", "\(entry.day) stands there twice, off and worked"))
            }
            seen[entry.day] = entry.isOff
        }
        for year in Set(table.map(\.year)).sorted() where !table.contains(where: { $0.day.year == year }) {
            throw Refusal.invalid("/file", Text("文件称为\(year)年，却没有\(year)年的日期", "The file says \(year) and holds no day of it"))
        }
        return table
    }

    private struct File: Decodable {
        struct Entry: Decodable {
            let name: String
            let date: Day
            let isOffDay: Bool
        }
        let year: Int?
        let days: [Entry]
    }

    private static func json(_ bytes: [UInt8]) throws(Refusal) -> [WorkCalendar.Exception] {
        do {
            let file = try JSONDecoder().decode(File.self, from: Data(bytes))
            return file.days.map { .init(day: $0.date, name: $0.name, isOff: $0.isOffDay, year: file.year) }
        } catch {
            throw Refusal.invalid(
                "/file",
                Text(
                    "不是节假日 JSON 文件：应有 year 和 days，每天有 name、date（2027-01-01）、isOffDay\(place(error).zh)",
                    "Not a holiday file in JSON: it has year and days, each day name, date (2027-01-01) and isOffDay\(place(error).en)"))
        }
    }

    /// Where the file stops being one, in words.
    private static func place(_ error: any Error) -> (zh: String, en: String) {
        let path: [any CodingKey] =
            switch error as? DecodingError {
            case .keyNotFound(let key, let context)?: context.codingPath + [key]
            case .typeMismatch(_, let context)?, .valueNotFound(_, let context)?, .dataCorrupted(let context)?: context.codingPath
            default: []
            }
        let index = path.compactMap(\.intValue).first.map { $0 + 1 }
        let field = path.last { $0.intValue == nil }?.stringValue
        guard let field else { return ("", "") }
        return (index.map { "；第\($0)天的 \(field) 有误" } ?? "；\(field) 有误", index.map { "; day \($0): \(field)" } ?? "; \(field)")
    }

    private static func csv(_ text: String) throws(Refusal) -> [WorkCalendar.Exception] {
        var table: [WorkCalendar.Exception] = []
        for (index, line) in text.split(whereSeparator: \.isNewline).enumerated() where !line.hasPrefix("#") {
            let cells = line.split(separator: ",", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces.union(["\u{FEFF}"])) }
            if cells.first == "year" { continue }
            guard cells.count == 4, let day = Day(cells[2]), let year = Int(cells[0]), abs(day.year - year) <= 1,
                let off = ["true": true, "false": false][cells[3].lowercased()]
            else {
                throw Refusal.invalid("/file", Text("第\(index + 1)行应为“年,名称,日期,是否放假”：\(line)", "Line \(index + 1) must read year,name,date,isOffDay: \(line)"))
            }
            table.append(.init(day: day, name: cells[1], isOff: off, year: year))
        }
        return table
    }
}
