import ArgumentParser
import Foundation
import Kernel
import Platform
import Statute
import Store

struct DeadlineCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "deadline", abstract: "When a duty of the catalogue lapses, and why, day by day.")
    @Argument(help: "The duty: C1, C3, R1, P9 …; “list” shows all") var id: String
    @Option(help: "The event from which the period runs: DATE or DATETHH:MM") var from: String?
    @Option(help: "The day of receipt, which picks the regime; the event's day if not given") var received: String?
    @Option(help: "Time not counted: DATE..DATE, both included; may be repeated") var suspended: [String] = []
    @Flag(help: "With the extension that the law allows") var extended = false
    @Option(name: .customLong("roll-over"), help: "anyNonWorkingDay or statutoryHolidayBlockOnly") var rollOver: RollOver = .anyNonWorkingDay
    @Option(help: "A database whose imported calendar is used as well") var database: String?
    @Flag(help: "One JSON document") var json = false

    func run() async throws {
        let law = try LawBook.load()
        if id == "list" { return list(law) }
        var calendar = try LawBook.calendar()
        if let database {
            let store = try Store(url: database, logger: Opening.logger(), connections: 1)
            calendar = try await store.read { try CalendarUpdate.load($0) }
            store.close()
        }
        guard let text = from else { throw Refusal.invalid("/from", Text("请用 --from 给出起算日期", "Give --from, the day of the event")) }
        guard let moment = Moment(text) else {
            throw Refusal.invalid("/from", Text("“\(text)”不是日期，应为 2026-11-23 或 2026-11-23T10:30", "“\(text)” is not a date: write 2026-11-23 or 2026-11-23T10:30"))
        }
        let day = try received.map { text throws(Refusal) -> Day in
            guard let day = Day(text) else { throw .invalid("/received", Text("“\(text)”不是日期", "“\(text)” is not a date")) }
            return day
        }
        let pauses = try suspended.map(Self.range)
        let engine = DeadlineEngine(calendar: calendar, catalogue: law.catalogue, rollOver: rollOver)
        let deadline = try engine.deadline(id, from: moment, received: day, suspended: pauses, extended: extended)
        if json { print(Self.json(deadline, from: moment, law).text) } else { show(deadline, law) }
    }

    private static func range(_ text: String) throws(Refusal) -> ClosedRange<Day> {
        let ends = text.split(separator: ".", omittingEmptySubsequences: true).compactMap { Day(String($0)) }
        guard ends.count == 2, ends[0] <= ends[1], text.contains("..") else { throw .invalid("/suspended", Text("“\(text)”应为 起日..止日", "“\(text)” must read DATE..DATE")) }
        return ends[0]...ends[1]
    }

    private func list(_ law: LawBook) {
        for duty in law.catalogue.duties {
            for rule in duty.rules {
                print(
                    "\(duty.id)\t\(rule.regime)\t\(rule.length.map(String.init) ?? "-")\t\(rule.unit?.rawValue ?? "-")\t\(rule.from?.description ?? "")..\(rule.to?.description ?? "")\t\(Terminal.say(duty.title))"
                )
            }
        }
    }

    static func json(_ d: Deadline, from: Moment, _ law: LawBook) -> JSON {
        var pairs: [(String, JSON)] = [
            ("id", .string(d.duty)), ("name", .string(law.catalogue[d.duty]?.name ?? "")), ("regime", .string(d.rule.regime)),
            ("from", .string(d.dueMoment == nil ? d.from.description : from.formText)), ("due", .string(d.dueMoment?.formText ?? d.due.description)),
            ("strict", .string(d.strictMoment?.formText ?? d.strict.description)),
            ("length", d.rule.length.map { .int($0) } ?? .null), ("unit", .text(d.rule.unit?.rawValue)), ("extended", .bool(d.extended)),
            ("calendarIncomplete", .bool(d.calendarIncomplete)),
        ]
        if let earliest = d.earliest { pairs.append(("earliest", .string(earliest.description))) }
        pairs.append(("basis", .array(d.basis.map { .object([("law", .string($0.law)), ("title", .text(law.register[$0.law]?.title)), ("article", .string($0.article))]) })))
        if d.extended, let more = d.rule.extension {
            pairs.append(
                (
                    "extension",
                    .object([
                        ("length", more.length.map { .int($0) } ?? .null), ("unit", .text((more.unit ?? d.rule.unit)?.rawValue)), ("approver", .string(more.by.zh)),
                        ("basis", .array((more.basis ?? []).map { .object([("law", .string($0.law)), ("article", .string($0.article))]) })),
                    ])
                ))
        }
        if let day = d.beside, let beside = d.rule.beside {
            pairs.append(
                (
                    "beside",
                    .object([
                        ("due", .string(day.description)), ("length", .int(beside.length)), ("unit", .string(beside.unit.rawValue)),
                        ("basis", .array(beside.basis.map { .object([("law", .string($0.law)), ("article", .string($0.article))]) })),
                    ])
                ))
        }
        pairs.append(("verified", .bool(d.rule.verified ?? true)))
        if let note = d.rule.note { pairs.append(("note", .string(note))) }
        pairs.append(
            (
                "days",
                .array(
                    d.days.map { step in
                        var day: [(String, JSON)] = [("date", .string(step.day.description)), ("counted", .bool(step.counted)), ("why", .string(step.why.rawValue))]
                        if let name = step.name { day.append(("name", .string(name))) }
                        return .object(day)
                    })
            ))
        return .object(pairs)
    }

    private func show(_ d: Deadline, _ law: LawBook) {
        let duty = law.catalogue[d.duty]
        print("\(d.duty) \(duty.map { Terminal.say($0.title) } ?? "") [\(d.rule.regime)]")
        print("→ \(d.dueMoment?.minuteText ?? d.due.description)\(d.calendarIncomplete ? Terminal.say(Text("（估算：涉及未载入的年度日历）", " (estimated: a year without a calendar)")) : "")")
        if let earliest = d.earliest { print(Terminal.say(Text("最早 \(earliest)", "not before \(earliest)"))) }
        if d.strict != d.due { print(Terminal.say(Text("从严理解 \(d.strict)", "read strictly \(d.strict)"))) }
        for article in d.basis { print("  " + Terminal.say(law.register.cite(article))) }
        if d.extended, let more = d.rule.extension {
            print("  " + Terminal.say(Text("延长由\(more.by.zh)批准", "extended by \(more.by.en)")))
            for article in more.basis ?? [] { print("  " + Terminal.say(law.register.cite(article))) }
        }
        if let day = d.beside, let beside = d.rule.beside {
            print("  " + Terminal.say(Text("并行期限 \(day)：", "beside it, \(day): ")) + beside.basis.map { Terminal.say(law.register.cite($0)) }.joined(separator: "; "))
        }
        for step in d.days {
            print(
                "  \(step.day) \(step.counted ? "+" : " ") \(step.ordinal.map { "\($0)." } ?? "  ") \(Terminal.say(step.why.text))\(step.title.map { " \(Terminal.say($0))" } ?? "")"
            )
        }
    }
}

extension RollOver: ExpressibleByArgument {}

struct USCCCommand: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "uscc", abstract: "Checks unified social credit codes and says what is wrong.")
    @Argument(help: "Codes to check") var codes: [String]
    @Flag(help: "One JSON document") var json = false

    func run() throws {
        var wrong = 0
        var items: [JSON] = []
        for code in codes {
            do throws(USCC.Flaw) {
                let good = try USCC(code)
                items.append(.object([("code", .string(good.description)), ("valid", .bool(true)), ("region", .string(good.region))]))
                if !json { print("\(good) ✓ \(good.region)") }
            } catch {
                wrong += 1
                items.append(.object([("code", .string(code)), ("valid", .bool(false)), ("zh", .string(error.text.zh)), ("en", .string(error.text.en))]))
                if !json { print("\(code) ✗ \(Terminal.say(error.text))") }
            }
        }
        if json { print(JSON.array(items).text) }
        if wrong > 0 { throw ExitCode(1) }
    }
}
