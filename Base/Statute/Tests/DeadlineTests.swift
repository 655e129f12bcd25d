import DataFiles
import Foundation
import Kernel
import Statute
import Testing

@Suite struct DeadlineTests {
    let engine: DeadlineEngine

    init() throws {
        engine = DeadlineEngine(
            calendar: WorkCalendar(try CalendarFile.read([UInt8](DataFiles.data("calendar/cn.csv")))), catalogue: try DutyCatalogue(json: DataFiles.data("law/periods.json")))
    }

    func due(_ id: String, _ from: String, received: String? = nil, suspended: [ClosedRange<Day>] = [], extended: Bool = false) throws -> String {
        try engine.deadline(id, from: Moment(from)!, received: received.flatMap { Day($0) }, suspended: suspended, extended: extended).due.description
    }

    @Test(arguments: [
        ("2026-04-14", "2026-04-23"), ("2026-04-30", "2026-05-13"), ("2026-06-18", "2026-06-30"), ("2026-09-18", "2026-09-29"), ("2026-09-30", "2026-10-15"),
        ("2026-11-18", "2026-11-27"),
    ])
    func sevenWorkingDaysReachOverHolidaysAndMakeUpDays(_ from: String, _ expected: String) throws { #expect(try due("C1", from) == expected) }

    @Test(arguments: [
        ("2026-04-30", "2026-05-25", "2026-06-15"), ("2026-06-18", "2026-07-10", "2026-07-31"), ("2026-09-18", "2026-10-15", "2026-11-05"),
        ("2026-09-30", "2026-10-27", "2026-11-17"), ("2026-11-18", "2026-12-09", "2026-12-30"),
    ])
    func fifteenWorkingDaysAndFifteenMore(_ from: String, _ plain: String, _ extended: String) throws {
        #expect(try due("R1", from) == plain)
        #expect(try due("R1", from, extended: true) == extended)
    }

    @Test(arguments: [("2026-04-20", "2026-06-22", "2026-07-20"), ("2026-07-27", "2026-09-28", "2026-10-26"), ("2026-08-02", "2026-10-08", "2026-11-02")])
    func sixtyAndNinetyDaysRollOver(_ from: String, _ sixty: String, _ ninety: String) throws {
        #expect(try due("C3", from) == sixty)
        #expect(try due("P9", from) == ninety)
    }

    @Test func theRegimeFollowsTheDayOfReceipt() throws {
        #expect(try engine.deadline("C3", from: Moment("2026-04-20")!, received: Day("2026-04-14")).rule.regime == "O20")
        #expect(try engine.deadline("C3", from: Moment("2026-04-20")!, received: Day("2026-04-15")).rule.regime == "O121")
        #expect(try engine.deadline("C3", from: Moment("2026-04-20")!, received: Day("2026-04-14")).rule.unit == .workday)
    }

    @Test func aDutyThatIsNotInForceIsRefusedWithTheDayFromWhichItIs() {
        #expect { try engine.deadline("C1", from: Moment("2019-05-01")!) } throws: { ($0 as? Refusal)?.fields.first?.text.en.contains("2020-01-01") == true }
        #expect { try engine.deadline("CR1", from: Moment("2025-12-01")!) } throws: { ($0 as? Refusal)?.fields.first?.text.en.contains("2025-12-25") == true }
    }

    @Test func timeOfTestingIsNotCounted() throws {
        let plain = try engine.deadline("C3", from: Moment("2026-05-06")!)
        let paused = try engine.deadline("C3", from: Moment("2026-05-06")!, suspended: [Day("2026-05-10")!...Day("2026-05-19")!])
        #expect(plain.due == Day("2026-07-06"))
        #expect(paused.due == Day("2026-07-15"))
        #expect(paused.days.count { $0.why == .suspended } == 10)
        #expect(throws: Refusal.self) { try engine.deadline("C1", from: Moment("2026-05-06")!, suspended: [Day("2026-05-10")!...Day("2026-05-19")!]) }
    }

    @Test func whatCannotBeExtendedIsRefused() { #expect(throws: Refusal.self) { try engine.deadline("C1", from: Moment("2026-05-06")!, extended: true) } }

    @Test func everyDayIsAccountedForAndTheMakeUpSundayCounts() throws {
        let d = try engine.deadline("C1", from: Moment("2026-09-18")!)
        #expect(d.days.map(\.day.description) == (19...29).map { "2026-09-\($0)" })
        #expect(d.days.first { $0.day.description == "2026-09-20" }?.why == .makeUp)
        #expect(d.days.filter { !$0.counted }.map(\.day.dayOfMonth) == [19, 25, 26, 27])
        #expect(d.days.compactMap(\.ordinal) == Array(1...7))
    }

    @Test func aYearWithoutACalendarIsFlagged() throws {
        #expect(try engine.deadline("C1", from: Moment("2026-12-28")!).calendarIncomplete)
        #expect(try !engine.deadline("C1", from: Moment("2026-11-18")!).calendarIncomplete)
    }

    @Test func bothModesOfRollingOver() throws {
        let narrow = DeadlineEngine(calendar: engine.calendar, catalogue: engine.catalogue, rollOver: .statutoryHolidayBlockOnly)
        #expect(try narrow.deadline("P9", from: Moment("2026-07-27")!).due == Day("2026-10-25"))
        #expect(try engine.deadline("P9", from: Moment("2026-07-27")!).strict == Day("2026-10-25"))
        #expect(try narrow.deadline("C3", from: Moment("2026-08-02")!).due == Day("2026-10-08"))
    }

    @Test func hoursBackwardsWindowsMonthsAndAnchors() throws {
        #expect(try engine.deadline("P4", from: Moment("2026-09-18T10:30")!).dueMoment == Moment("2026-09-19T11:00"))
        #expect(try due("H2", "2026-10-15") == "2026-09-30")
        let window = try engine.deadline("AB4", from: Moment("2026-06-01")!)
        #expect(window.earliest == Day("2026-06-16") && window.due == Day("2026-07-01"))
        #expect(try due("PL6", "2026-03-02") == "2026-07-31")
        #expect(try due("PL6", "2026-08-02") == "2027-01-31")
        #expect(try due("AB1", "2026-03-01") == "2026-07-14")
        #expect(try due("LS", "2026-05-31") == "2026-11-30")
    }

    @Test func everyRowOfTheCatalogueComputes() throws {
        #expect(engine.catalogue.duties.count >= 60)
        for duty in engine.catalogue.duties {
            let d = try engine.deadline(duty.id, from: Moment("2026-09-18T09:00")!)
            #expect(d.rule.kind == .before || d.due >= Day("2026-09-18")!, "\(duty.id)")
            #expect(!d.days.isEmpty || d.rule.unit == .hour || d.rule.kind == .months, "\(duty.id)")
        }
    }

    /// Property: adding a working day to the period never makes it lapse earlier, and the last day of a period in working days is worked.
    @Test func periodsInWorkingDaysEndOnWorkedDaysAndGrow() throws {
        var day = Day("2025-01-01")!
        var before = Day("2024-01-01")!
        while day < Day("2026-11-30")! {
            let d = try engine.deadline("C1", from: Moment(day), received: Day("2026-05-01"))
            #expect(engine.calendar.isWorking(d.due) && d.due >= before)
            before = d.due
            day = day.adding(days: 1)
        }
    }

    /// The Regulations of 2024-07-01 set sixty days beside the forty-five working days of Order 20: the earlier is the stricter.
    @Test func aHigherLawsLimitRunsBesideTheOrders() throws {
        let after = try engine.deadline("C3", from: Moment("2026-03-02T10:00")!, received: Day("2026-03-02")!)
        #expect(after.beside == Day("2026-05-01") && after.strict == Day("2026-05-01") && after.due > after.strict)
        let before = try engine.deadline("C3", from: Moment("2024-06-03T10:00")!, received: Day("2024-06-03")!)
        #expect(before.beside == nil && before.strict == before.due)
    }

    @Test func anArticleIsCitedOnlyForMattersFromItsOwnDayOn() throws {
        func laws(_ day: String) throws -> [String] { try engine.deadline("C1", from: Moment("\(day)T10:00")!).basis.map(\.law) }
        #expect(try laws("2021-03-01") == ["O20", "CL"] && laws("2025-03-03") == ["O20", "CL", "CLR"])
    }

    @Test func daysThatAreNotCountedLengthenAPeriodInMonths() throws {
        let plain = try engine.deadline("LS", from: Moment("2026-01-05T10:00")!)
        let longer = try engine.deadline("LS", from: Moment("2026-01-05T10:00")!, suspended: [Day("2026-02-02")!...Day("2026-02-11")!])
        #expect(plain.due == Day("2026-07-06") && longer.due == Day("2026-07-15"))
        #expect(longer.days.filter { $0.why == .suspended }.count == 10)
    }
}

@Suite struct CalendarFileTests {
    @Test func aHolidayFileInJSONIsRead() throws {
        let table = try CalendarFile.read(Array("{\"year\":2027,\"days\":[{\"name\":\"元旦\",\"date\":\"2027-01-01\",\"isOffDay\":true}]}".utf8))
        #expect(table == [.init(day: Day("2027-01-01")!, name: "元旦", isOff: true)])
    }
    @Test func aYearsFileThatNamesDaysOfTheYearBeforeLeavesThatYearAlone() throws {
        let before = WorkCalendar([.init(day: Day("2026-10-01")!, name: "国庆节", isOff: true)])
        let table = try CalendarFile.read(
            Array("{\"year\":2027,\"days\":[{\"name\":\"元旦\",\"date\":\"2026-12-31\",\"isOffDay\":true},{\"name\":\"元旦\",\"date\":\"2027-01-01\",\"isOffDay\":true}]}".utf8))
        let after = before.replacing(with: table)
        #expect(!after.isWorking(Day("2026-10-01")!) && !after.isWorking(Day("2026-12-31")!) && after.years == [2026, 2027])
    }

    @Test(arguments: ["", "{\"days\":[]}", "year,name,date,isOffDay\n2027,元旦,2027-13-01,true", "{", "hello"])
    func aFileWithoutDaysIsRefused(_ text: String) { #expect(throws: Refusal.self) { try CalendarFile.read(Array(text.utf8)) } }
}

@Suite struct NumeralTests {
    @Test(arguments: [("15", "第十五条"), ("23(1)(5)", "第二十三条第一款第五项"), ("107", "第一百零七条"), ("10", "第十条"), ("205", "第二百零五条"), ("9.3", "第九条第三项"), ("20", "第二十条")])
    func articlesAreWrittenAsLawsWriteThem(_ reference: String, _ text: String) { #expect(Numerals.article(reference) == text) }

    @Test(arguments: [
        (#"{"year":2027,"days":[{"name":"元旦","date":"2027-01-01","isOffDay":true},{"name":"元旦","date":"2027-01-01","isOffDay":false}]}"#, "2027-01-01"),
        (#"{"year":2027,"days":[{"name":"元旦","date":"2026-01-01","isOffDay":true}]}"#, "2027"), (#"{"year":2027,"days":[{"date":"2027-01-01","isOffDay":true}]}"#, "name"),
        (#"{"hello":1}"#, "days"),
    ])
    func aYearsFileThatContradictsItselfIsRefusedInWords(_ text: String, _ named: String) {
        #expect { try CalendarFile.read(Array(text.utf8)) } throws: { error in
            let said = (error as? Refusal)?.fields.first?.text.zh ?? ""
            return said.contains(named) && !said.contains("DecodingError")
        }
    }
}
