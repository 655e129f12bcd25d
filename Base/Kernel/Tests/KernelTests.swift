import Foundation
import Kernel
import Testing

@Suite struct DayTests {
    /// What somebody types, a day that no calendar here has, stops nothing.
    @Test func beyondTheLastYearThereIsNoSpanAndNoCrash() {
        #expect(Day.span("9999") == nil && Day.span("9999-Q4") == nil && Day.span("9999-12") == nil && Day.span("0000") == nil)
        #expect(Day.span("2026-Q4") == Day("2026-10-01")!..<Day("2027-01-01")!)
        #expect(Day("9999-12-31")!.adding(months: 3) == Day("9999-12-31") && Day("0001-01-01")!.adding(months: -3) == Day("0001-01-01"))
    }

    @Test func everyDayOfFourCenturiesReadsBackAsItself() {
        var day = Day(1900, 1, 1)!
        while day.year < 2300 {
            let (y, m, d) = day.parts
            #expect(Day(y, m, d) == day)
            #expect(Day(day.description) == day)
            day = day.adding(days: 17)
        }
    }
    @Test func weekdaysFollowTheCalendar() {
        #expect(Day("2026-11-23")!.weekday == 1)
        #expect(Day("2026-09-20")!.weekday == 7)
        #expect(Day("1970-01-01")!.weekday == 4)
    }
    @Test(arguments: ["2026-02-30", "2026-13-01", "2026-1-1", "20260101", "", "abcd-ef-gh", "2026-11-31", "2025-02-29"])
    func whatIsNotADayIsRefused(_ text: String) { #expect(Day(text) == nil) }
    @Test func aMonthLaterEndsWithTheMonth() {
        #expect(Day("2026-01-31")!.adding(months: 1) == Day("2026-02-28"))
        #expect(Day("2023-12-31")!.adding(months: 2) == Day("2024-02-29"))
        #expect(Day("2026-11-15")!.adding(months: 6) == Day("2027-05-15"))
    }
}

@Suite struct MomentTests {
    @Test func aMomentIsReadInTheOfficesZone() {
        #expect(Moment("2026-11-23T00:30")!.day == Day("2026-11-23"))
        #expect(Moment("2026-11-22T16:30Z")!.day == Day("2026-11-23"))
        #expect(Moment("2026-11-23T00:30:07+08:00")!.isoText == "2026-11-23T00:30:07+08:00")
    }
    @Test func theOpeningHourIsLeftOut() {
        #expect(Moment("2026-11-23T10:30")!.nextHour == Moment("2026-11-23T11:00"))
        #expect(Moment("2026-11-23T10:00")!.nextHour == Moment("2026-11-23T11:00"))
    }
    @Test(arguments: ["2026-11-23T25:00", "2026-11-23 10", "x", "2026-11-23T10:61", "2026-11-23T10:00+99:00"])
    func whatIsNoMomentIsRefused(_ text: String) { #expect(Moment(text) == nil) }
}

@Suite struct MoneyTests {
    @Test(arguments: [("129", 12_900), ("129.5", 12_950), ("0.01", 1), ("1,580.00", 158_000), ("¥39", 3_900), ("39元", 3_900)])
    func moneyIsReadExactly(_ text: String, _ fen: Int) { #expect(Money(yuan: text)?.fen == Int64(fen)) }
    @Test(arguments: ["", "1.234", "-3", "1e5", "abc", "1.", ".", "9999999999999"])
    func whatIsNoAmountIsRefused(_ text: String) { #expect(Money(yuan: text) == nil) }
    @Test func moneyIsGroupedByThousands() { #expect(Money(fen: 123_456_789).grouped == "1,234,567.89") }
}

@Suite struct USCCTests {
    /// ../shared holds official test vectors; where it is absent the test is skipped, by name.
    static let vectors = "../shared/data/reference/uscc_test_vectors.csv"

    @Test(.enabled(if: FileManager.default.fileExists(atPath: vectors), "shared test vectors are not here"))
    func allSharedVectorsAreJudgedRight() throws {
        let lines = try String(contentsOfFile: Self.vectors, encoding: .utf8).split(whereSeparator: \.isNewline).dropFirst()
        #expect(lines.count > 50)
        for line in lines {
            let cells = line.split(separator: ",", maxSplits: 2).map(String.init)
            let valid = (try? USCC(cells[0])) != nil
            #expect(valid == (cells[1] == "1"), "\(line)")
        }
    }
    @Test func theFlawIsNamed() {
        #expect(throws: USCC.Flaw.length(4)) { try USCC("1234") }
        #expect(throws: USCC.Flaw.character("I", position: 18)) { try USCC("91110000600037341I") }
        #expect(throws: USCC.Flaw.check(expected: "L", found: "M")) { try USCC("91110000600037341M") }
    }
    @Test func aCompletedPrefixIsValid() throws { #expect(try USCC(USCC.completing("92990101123456789")).region == "990101") }
}

@Suite struct JSONTests {
    @Test(arguments: ["{\"a\":1.10,\"b\":[true,null,\"x/y\"]}", "[]", "\"\\n\\\"\"", "-0.5e+3"])
    func whatIsReadIsWrittenTheSame(_ text: String) throws { #expect(try JSON(parsing: Array(text.utf8)).text == text) }
    @Test(arguments: ["", "{", "[1,]", "{\"a\":1,}", "01", "1.", "nul", "\"\u{1}\"", "\"\\u0000\"", "[1] x", "\"\\ud800\"", "+1", "'a'"])
    func whatIsNotJSONIsRefused(_ text: String) { #expect(throws: Refusal.self) { try JSON(parsing: Array(text.utf8)) } }
    @Test func depthIsCapped() { #expect(throws: Refusal.self) { try JSON(parsing: Array(String(repeating: "[", count: 100_000).utf8)) } }
    @Test func randomBytesNeverCrash() {
        var generator = SeededGenerator(seed: 42)
        for _ in 0..<3000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in Array("{}[]\",:0123eE+-.truefalsn\\u \u{FF}".utf8).randomElement(using: &generator)! }
            _ = try? JSON(parsing: bytes)
        }
    }
}

@Suite struct LanguageTests {
    @Test(arguments: [(nil, Language.zh), ("en-US,en;q=0.9", .en), ("zh-CN,zh;q=0.9,en;q=0.8", .zh), ("fr", .zh), ("fr,en;q=0.5", .en), (";;q=x,,", .zh)] as [(String?, Language)])
    func chineseUnlessEnglishIsPreferred(_ header: String?, _ language: Language) { #expect(Language(accepting: header) == language) }
}
