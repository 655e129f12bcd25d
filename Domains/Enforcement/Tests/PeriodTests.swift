import Enforcement
import Kernel
import Platform
import Statute
import Store
import TestSupport
import Testing

/// Every period of cases, publication, credit and recourse at its boundary, over the October holiday of 2026. The days are counted by hand:
/// off are 25–27 September and 1–7 October, worked are Sunday 20 September and Saturday 10 October.
@Suite struct PeriodTests {
    /// The abnormal list's own measures (AB2, AB5) know no rule by which a last day moves on.
    /// What begins on 24 September, or so that it would end in the holiday, and its last day.
    static let boundaries: [(duty: String, from: String, last: String)] = [
        ("P1", "2026-09-24", "2026-10-22"), ("JD1", "2026-09-24", "2026-10-12"), ("JD2", "2026-09-24", "2026-10-12"), ("P3", "2026-09-24", "2026-10-22"),
        ("P5", "2026-09-24", "2026-10-12"), ("P6", "2026-09-04", "2026-10-08"), ("P7", "2026-09-24", "2026-10-15"), ("P8", "2026-09-24", "2026-10-09"),
        ("H1", "2026-09-24", "2026-09-30"), ("H1b", "2026-09-24", "2026-09-30"), ("H1c", "2026-09-24", "2026-10-09"), ("H3", "2026-09-24", "2026-10-09"),
        ("P9", "2026-07-09", "2026-10-08"), ("P10", "2026-09-24", "2026-10-12"), ("P11", "2026-09-02", "2026-10-08"), ("P12", "2026-09-18", "2026-10-08"),
        ("P14a", "2026-09-24", "2026-10-15"), ("P14b", "2026-07-03", "2026-10-08"), ("P15", "2026-09-24", "2026-10-22"), ("P16", "2026-09-24", "2026-10-12"),
        ("P17", "2026-09-24", "2026-09-29"), ("P17b", "2026-09-24", "2026-09-29"), ("PUB1", "2026-09-24", "2026-10-29"), ("PUB2", "2026-09-24", "2026-10-15"),
        ("PUB3", "2026-09-24", "2026-10-15"), ("PUB4", "2026-09-24", "2026-09-30"), ("AB2", "2026-09-22", "2026-10-02"), ("AB3", "2026-09-24", "2026-10-15"),
        ("AB5", "2026-09-03", "2026-10-03"), ("AB6", "2026-09-24", "2026-10-09"), ("AB7", "2026-09-24", "2026-10-29"), ("AB8", "2026-09-24", "2026-10-09"),
        ("SR1", "2026-09-24", "2026-10-29"), ("SR2", "2026-09-24", "2026-10-15"), ("SR3", "2026-09-24", "2026-10-15"), ("CR1", "2026-09-24", "2026-09-29"),
        ("CR2", "2026-09-24", "2026-09-29"), ("CR3", "2026-09-24", "2026-10-12"), ("CR4", "2026-09-24", "2026-09-30"), ("CR5", "2026-09-24", "2026-10-12"),
        ("SC1", "2026-09-24", "2026-10-29"), ("INF", "2026-09-24", "2026-10-29"), ("RV", "2026-08-04", "2026-10-08"), ("LS", "2026-04-03", "2026-10-08"),
        ("LS2", "2026-09-18", "2026-10-08"),
    ]

    /// What is done on the last day before midnight is in time, what is done at midnight is not: asked of each period on one matter's books.
    @Test(arguments: TestEngine.available)
    func eachPeriodIsKeptOnItsLastDayAndMissedAtMidnight(_ engine: TestEngine) async throws {
        let room = try await CaseTests.Room(engine, at: "2026-10-30T10:00")
        let id = try await room.file()
        let casework = room.handling.casework
        for (duty, from, last) in Self.boundaries {
            let last = try #require(Day(last))
            for (end, state) in [(Moment(milliseconds: Moment(last.adding(days: 1)).milliseconds - 1), "met"), (Moment(last.adding(days: 1)), "missed")] {
                let began = try #require(Moment("\(from)T16:30"))
                let (due, found) = try await room.office.desk.store.write { tx in
                    let matter = try tx.matter(id)
                    try casework.begin(duty, of: matter, since: began, at: began, tx)
                    let due = try Clocks.of(id, tx).last { $0.duty == duty }?.due
                    try casework.end(duty, of: matter, at: end, tx)
                    let state = try Clocks.of(id, tx).last { $0.duty == duty }?.state
                    return (due, state)
                }
                #expect(due == last, "\(duty) from \(from)")
                #expect(found == state, "\(duty) ended at \(end)")
            }
        }
        #expect(try await room.office.verify().findings.isEmpty)
    }

    @Test func whatMayBeProlongedIsAtItsOwnBoundaryAndWhatRunsBackwardsToo() throws {
        let engine = try DeadlineEngine(calendar: LawBook.calendar(), catalogue: LawBook.load().catalogue)
        func due(_ id: String, _ from: String, extended: Bool = false) throws -> String { try engine.deadline(id, from: Moment(from)!, extended: extended).due.description }
        #expect(try due("P1", "2026-09-24", extended: true) == "2026-11-12")
        // Thirty days, and thirty more.
        #expect(try due("P6", "2026-09-04", extended: true) == "2026-11-03")
        #expect(try due("P9", "2026-06-09", extended: true) == "2026-10-08")
        #expect(try due("CR2", "2026-09-24", extended: true) == "2026-10-19")
        #expect(try due("CR3", "2026-09-24", extended: true) == "2026-10-26")
        // Seven and three working days before a hearing on Monday 12 October: 10, 9, 8 October, 30, 29, 28 and 24 September.
        #expect(try due("H2", "2026-10-12") == "2026-09-24")
        #expect(try due("H2b", "2026-10-12") == "2026-10-08")
        // Twenty-four hours are hours, holiday or not; the hour in which it begins is not counted (PCD art. 80).
        #expect(try engine.deadline("P4", from: Moment("2026-09-30T18:00")!).dueMoment == Moment("2026-10-01T19:00"))
    }
}
