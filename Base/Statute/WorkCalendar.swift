import Kernel

/// The working-day calendar (工作日历): Monday to Friday, less published days off, plus published make-up working days.
///
/// Law: the State Council's yearly notice on the arrangement of holidays (节假日安排的通知). A year whose notice is not
/// loaded is computed on Monday to Friday, and everything that touches it says so.
package struct WorkCalendar: Sendable, Equatable {
    private static let english = [
        "元旦": "New Year", "春节": "Spring Festival", "清明节": "Qingming", "劳动节": "Labour Day", "端午节": "Dragon Boat Festival", "中秋节": "Mid-Autumn Festival",
        "国庆节": "National Day", "抗日战争暨世界反法西斯战争胜利70周年纪念日": "Victory Day, 70 years",
    ]
    /// A holiday as the notice calls it, in both languages; a name that is not known stays Chinese.
    package static func title(_ name: String) -> Text {
        Text(name, name.split(separator: "、").map { english[String($0)] ?? String($0) }.joined(separator: ", "))
    }

    /// A day that the notice names (调休): off, or worked although it is a weekend.
    package struct Exception: Sendable, Hashable {
        package let day: Day
        package let name: String
        package let isOff: Bool
        /// The year whose notice names it: the last days of December stand in the notice of the year after.
        package let year: Int
        package init(day: Day, name: String, isOff: Bool, year: Int? = nil) {
            self.day = day
            self.name = name
            self.isOff = isOff
            self.year = year ?? day.year
        }
    }

    /// What a day is, and so why it counts or not.
    package enum Kind: Sendable, Equatable {
        case workday, makeUp(String), weekend, holiday(String)
        package var isWorking: Bool {
            switch self {
            case .workday, .makeUp: true
            case .weekend, .holiday: false
            }
        }
    }

    package private(set) var exceptions: [Day: Exception] = [:]
    /// The years whose notice is loaded.
    package private(set) var years: Set<Int> = []

    package init() {}

    package init(_ exceptions: some Sequence<Exception>) {
        for exception in exceptions { insert(exception) }
    }

    package mutating func insert(_ exception: Exception) {
        exceptions[exception.day] = exception
        years.insert(exception.year)
    }

    /// The calendar with these years replaced by what the new tables say.
    package func replacing(with table: [Exception]) -> WorkCalendar {
        let replaced = Set(table.map(\.year))
        return WorkCalendar(exceptions.values.filter { !replaced.contains($0.year) } + table)
    }

    package func kind(of day: Day) -> Kind {
        if let exception = exceptions[day] { return exception.isOff ? .holiday(exception.name) : .makeUp(exception.name) }
        return day.isWeekend ? .weekend : .workday
    }
    package func isWorking(_ day: Day) -> Bool {
        if let exception = exceptions[day] { return !exception.isOff }
        return !day.isWeekend
    }
    package func isKnown(_ day: Day) -> Bool { years.contains(day.year) }

    /// The first working day that is not before `day`.
    package func workday(from day: Day) -> Day {
        var d = day
        while !isWorking(d) { d = d.adding(days: 1) }
        return d
    }

    /// The n-th working day after `day`, for periods that an office sets itself; those of laws are the engine's.
    package func adding(workdays n: Int, to day: Day) -> Day {
        var (d, left) = (day, n)
        while left > 0 {
            d = d.adding(days: 1)
            if isWorking(d) { left -= 1 }
        }
        return d
    }

    /// The first day after a published holiday that `day` falls into; `day` itself outside one.
    package func dayAfterHoliday(_ day: Day) -> Day {
        var d = day
        while let exception = exceptions[d], exception.isOff { d = d.adding(days: 1) }
        return d
    }
}
