import Kernel

/// When a duty lapses (届满), and why: every day between, counted or not, with its reason.
package struct Deadline: Sendable {
    /// What became of one day of the count.
    package enum Why: String, Sendable {
        case workday, makeUp = "make-up workday", weekend, holiday, day, suspended, rolled, notCounted = "not counted"
        package var text: Text {
            switch self {
            case .workday: Text("工作日", "working day")
            case .makeUp: Text("调休上班日", "make-up working day")
            case .weekend: Text("周末", "weekend")
            case .holiday: Text("法定节假日", "public holiday")
            case .day: Text("自然日", "calendar day")
            case .suspended: Text("不计入期限", "time not counted")
            case .rolled: Text("届满日顺延", "the last day moves on")
            case .notCounted: Text("不计", "not counted")
            }
        }
    }
    package struct Step: Sendable {
        package let day: Day
        package let counted: Bool
        package let why: Why
        /// The holiday's name, where it is one.
        package let name: String?
        package var title: Text? { name.map(WorkCalendar.title) }
        /// Which day of the period it is, where it is counted.
        package let ordinal: Int?
    }

    package let duty: String
    package let rule: Period
    package let from: Day
    package let received: Day
    package private(set) var due: Day
    /// For periods in hours: the moment itself.
    package let dueMoment: Moment?
    /// The stricter reading of the law's end rule, or what a higher law asks beside it; staff see it, equal to `due` where there is no doubt.
    package private(set) var strict: Day
    /// The last day of the limit that a higher law sets beside this one.
    package let beside: Day?
    package let strictMoment: Moment?
    /// For a window: the first day on which the thing may be done.
    package let earliest: Day?
    package let extended: Bool
    package let days: [Step]
    /// The articles that govern this matter.
    package var basis: [Article] { rule.basis(on: received) }
    /// A day of the count lies in a year whose calendar is not loaded.
    package private(set) var calendarIncomplete: Bool

    /// The day that a person set where the law leaves the length to a decision: a deferral, a second extension.
    package private(set) var decided = false
    package func decided(until day: Day) -> Deadline {
        var d = self
        (d.due, d.strict, d.decided, d.calendarIncomplete) = (day, day, true, false)
        return d
    }
}

/// How a last day on a day off moves on (顺延). O121 art. 45 speaks of 法定节假日 and leaves weekends open.
package enum RollOver: String, Sendable, CaseIterable {
    case anyNonWorkingDay, statutoryHolidayBlockOnly
}

/// Computes deadlines (期限计算). Pure: the same calendar, rule and dates give the same answer.
package struct DeadlineEngine: Sendable {
    package let calendar: WorkCalendar
    package let catalogue: DutyCatalogue
    package let rollOver: RollOver

    package init(calendar: WorkCalendar, catalogue: DutyCatalogue, rollOver: RollOver = .anyNonWorkingDay) {
        self.calendar = calendar
        self.catalogue = catalogue
        self.rollOver = rollOver
    }

    /// - Parameters:
    ///   - from: the event from which the period runs; its own day or hour is not counted.
    ///   - received: the day of receipt, which picks the regime; the event's day where it is not given.
    ///   - suspended: stretches not counted, both ends included.
    /// - Errors: a duty that does not exist or was not in force; a suspension or extension that its law does not know.
    package func deadline(
        _ id: String, from: Moment, received: Day? = nil, suspended: [ClosedRange<Day>] = [], extended: Bool = false, explain: Bool = true
    ) throws(Refusal) -> Deadline {
        let duty = try catalogue.duty(id)
        let rule = try duty.rule(receivedOn: received ?? from.day)
        if !suspended.isEmpty, rule.suspension == nil {
            throw Refusal.invalid("/suspended", Text("\(duty.id)（\(duty.name)）的规定没有不计入期限的时间", "The rule of \(duty.id) (\(duty.nameEn)) knows no time that is not counted"))
        }
        if extended, rule.extension?.length == nil {
            let text =
                rule.extension == nil
                ? Text("\(duty.id)（\(duty.name)）依法不得延长", "\(duty.id) (\(duty.nameEn)) cannot be extended")
                : Text(
                    "\(duty.id)（\(duty.name)）的延长没有法定长度，由\(rule.extension!.by.zh)决定",
                    "The extension of \(duty.id) (\(duty.nameEn)) has no length in law; \(rule.extension!.by.en) decides")
            throw Refusal.invalid("/extended", text)
        }
        var count = Count(engine: self, rule: rule, suspended: suspended, explain: explain)
        return try count.run(duty.id, from: from, received: received ?? from.day, extended: extended)
    }
}

/// One count, day by day.
private struct Count {
    let engine: DeadlineEngine
    let rule: Period
    let suspended: [ClosedRange<Day>]
    let explain: Bool
    var steps: [Deadline.Step] = []
    var unknown = false
    var ordinal = 0

    init(engine: DeadlineEngine, rule: Period, suspended: [ClosedRange<Day>], explain: Bool) {
        self.engine = engine
        self.rule = rule
        self.suspended = suspended
        self.explain = explain
    }

    mutating func run(_ id: String, from: Moment, received: Day, extended: Bool) throws(Refusal) -> Deadline {
        let start = from.day
        switch rule.kind {
        case .months:
            let due = nextReportMonth(after: start)
            return result(id, from: start, received: received, due: due, strict: due, earliest: Day(due.year, due.month, 1))
        case .anchored:
            let anchor = anchorDay(notBefore: start)
            let before = rule.startRule == "anchorDay" ? anchor.adding(days: -1) : anchor
            let due = advance(from: before, by: rule.length ?? 0, unit: rule.unit ?? .workday)
            return result(id, from: anchor, received: received, due: due, strict: due)
        case .before:
            let due = retreat(from: start, by: rule.length ?? 0)
            return result(id, from: start, received: received, due: due, strict: due)
        case .after, .window:
            if rule.unit == .hour {
                let length = rule.length ?? 0
                let due = (rule.startRule == "fromMoment" ? from : from.nextHour).adding(hours: length)
                return result(id, from: start, received: received, due: due.day, strict: due.day, dueMoment: due, strictMoment: from.adding(hours: length))
            }
            var last = advance(from: start, by: rule.length ?? 0, unit: rule.unit ?? .day)
            if extended, let more = rule.extension, let length = more.length {
                last = advance(from: last, by: length, unit: more.unit ?? rule.unit ?? .day)
            }
            let earliest = rule.earliest.map { start.adding(days: $0) }
            let beside = rule.beside.flatMap { ($0.from ?? received) <= received ? apart(from: start, by: $0.length, unit: $0.unit) : nil }
            guard rule.rollOver, rule.unit != .workday else {
                return result(id, from: start, received: received, due: last, strict: min(last, beside ?? last), beside: beside, earliest: earliest, extended: extended)
            }
            let narrow = engine.calendar.dayAfterHoliday(last)
            let due = engine.rollOver == .anyNonWorkingDay ? engine.calendar.workday(from: last) : narrow
            if due > last {
                note(last.adding(days: 1), through: due)
            }
            return result(id, from: start, received: received, due: due, strict: min(narrow, due, beside ?? due), beside: beside, earliest: earliest, extended: extended)
        }
    }

    private func result(
        _ id: String, from: Day, received: Day, due: Day, strict: Day, beside: Day? = nil, earliest: Day? = nil, extended: Bool = false,
        dueMoment: Moment? = nil, strictMoment: Moment? = nil
    ) -> Deadline {
        Deadline(
            duty: id, rule: rule, from: from, received: received, due: due, dueMoment: dueMoment, strict: strict, beside: beside, strictMoment: strictMoment,
            earliest: earliest, extended: extended, days: steps,
            calendarIncomplete: unknown || ((rule.unit == .workday || rule.rollOver) && !engine.calendar.isKnown(due)))
    }

    /// Counts forward from the day after `day`.
    private mutating func advance(from day: Day, by length: Int, unit: Period.Unit) -> Day {
        if unit == .month {
            // Days that are not counted are added at the end; those among the added ones are added again.
            var last = day.adding(months: length)
            var d = day.adding(days: 1)
            while d <= last {
                if suspended.contains(where: { $0.contains(d) }) {
                    append(d, counted: false, .suspended)
                    last = last.adding(days: 1)
                } else {
                    append(d, counted: true, .day)
                }
                d = d.adding(days: 1)
            }
            return last
        }
        var d = day
        var left = length
        while left > 0 {
            d = d.adding(days: 1)
            if suspended.contains(where: { $0.contains(d) }) {
                append(d, counted: false, .suspended)
                continue
            }
            if unit == .workday {
                if !engine.calendar.isKnown(d) { unknown = true }
                let kind = engine.calendar.kind(of: d)
                if kind.isWorking { left -= 1 }
                append(d, kind)
            } else {
                left -= 1
                append(d, counted: true, .day)
            }
        }
        return d
    }

    /// A count of its own that leaves no steps.
    private func apart(from day: Day, by length: Int, unit: Period.Unit) -> Day {
        var count = Count(engine: engine, rule: rule, suspended: suspended, explain: false)
        return count.advance(from: day, by: length, unit: unit)
    }

    private mutating func retreat(from day: Day, by length: Int) -> Day {
        var d = day
        var left = length
        while left > 0 {
            d = d.adding(days: -1)
            if rule.unit == .workday {
                if !engine.calendar.isKnown(d) { unknown = true }
                let kind = engine.calendar.kind(of: d)
                if kind.isWorking { left -= 1 }
                append(d, kind)
            } else {
                left -= 1
                append(d, counted: true, .day)
            }
        }
        return d
    }

    private mutating func append(_ day: Day, _ kind: WorkCalendar.Kind) {
        switch kind {
        case .workday: append(day, counted: true, .workday)
        case .makeUp(let name): append(day, counted: true, .makeUp, name: name)
        case .weekend: append(day, counted: false, .weekend)
        case .holiday(let name): append(day, counted: false, .holiday, name: name)
        }
    }

    private mutating func append(_ day: Day, counted: Bool, _ why: Deadline.Why, name: String? = nil) {
        guard explain else { return }
        if counted { ordinal += 1 }
        steps.append(.init(day: day, counted: counted, why: why, name: name, ordinal: counted ? ordinal : nil))
    }

    private mutating func note(_ first: Day, through last: Day) {
        var d = first
        while d <= last {
            let name: String? = if case .holiday(let n) = engine.calendar.kind(of: d) { n } else { nil }
            append(d, counted: false, .rolled, name: name)
            d = d.adding(days: 1)
        }
    }

    private func nextReportMonth(after day: Day) -> Day {
        let months = (rule.months ?? [1]).sorted()
        let month = months.first { $0 >= day.month } ?? months[0]
        let year = months.contains { $0 >= day.month } ? day.year : day.year + 1
        return Day(year, month, Day.length(ofMonth: month, in: year))!
    }

    private func anchorDay(notBefore day: Day) -> Day {
        let parts = (rule.anchor ?? "01-01").split(separator: "-").compactMap { Int($0) }
        let here = Day(day.year, parts[0], parts[1])!
        return here >= day ? here : Day(day.year + 1, parts[0], parts[1])!
    }
}
