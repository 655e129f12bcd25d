import Kernel
import Statute
import Store

/// The running periods of a matter (期限计时): each lapses on a day that can be explained.
package struct RunningClock: Sendable {
    package let id: Int64
    package let matter: ID<Matter>
    package let duty: String
    package let startedAt: Moment
    package let receivedOn: Day
    package let due: Day
    package let dueAt: Moment?
    package let strict: Day
    package let incomplete: Bool
    package let extended: Bool
    package let stoppedAt: Moment?
    package let state: String
    /// The day that a decision set, where the law leaves the length to it.
    package let setTo: Day?

    package init(_ row: Row) {
        setTo = row.optionalDay("set_to")
        id = row.int("id")
        matter = row.id("matter")
        duty = row.string("duty")
        startedAt = row.moment("started_at")
        receivedOn = row.day("received_on")
        due = row.day("due")
        dueAt = row.optionalMoment("due_at")
        strict = row.day("strict")
        incomplete = row.bool("incomplete")
        extended = row.bool("extended")
        stoppedAt = row.optionalMoment("stopped_at")
        state = row.string("state")
    }
}

package enum Clocks {
    /// What counts as met in some days, of clocks called `c`: in the days of its end.
    package static func met(_ duty: String, in days: Range<Day>) -> SQL {
        "c.duty = \(duty) AND c.state = 'met' AND c.stopped_at >= \(Moment(days.lowerBound)) AND c.stopped_at < \(Moment(days.upperBound))"
    }
    /// What counts as late: once, in the days in which it fell due, whether it was ended later or still lies there, so that leaving it raises no
    /// figure. What is being tested is not due.
    package static func late(_ duty: String, in days: Range<Day>, today: Day) -> SQL {
        """
        c.duty = \(duty) AND c.state IN ('missed', 'open') AND c.due >= \(days.lowerBound) AND c.due < \(min(days.upperBound, today))
        AND (c.state = 'missed' OR NOT EXISTS (SELECT 1 FROM casework_pauses p WHERE p.clock = c.id AND p.to_day IS NULL))
        """
    }

    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> [RunningClock] {
        try tx.all("SELECT * FROM casework_clocks WHERE matter = \(matter) ORDER BY id").map(RunningClock.init)
    }
    package static func find(_ id: Int64, _ tx: Transaction) throws -> RunningClock {
        guard let row = try tx.one("SELECT * FROM casework_clocks WHERE id = \(id)") else { throw Refusal.notFound }
        return RunningClock(row)
    }

    /// Stretches that are not counted; one that has not ended yet is counted as paused through `today`.
    package static func pauses(_ clock: Int64, through today: Day, _ tx: Transaction) throws -> [ClosedRange<Day>] {
        try tx.all("SELECT from_day, to_day FROM casework_pauses WHERE clock = \(clock) ORDER BY id").map { row in
            let from = row.day("from_day")
            return from...max(from, row.optionalDay("to_day") ?? today)
        }
    }

    /// The clocks and notices of a matter as an act leaves them, for its entry in the ledger.
    static func seals(of matter: ID<Matter>) -> [Ledger.Seal] {
        ["casework_clocks", "casework_pauses", "casework_notices"].map { .init($0, of: "matter", matter.raw) }
    }

    static func start(_ duty: String, of matter: Matter, from moment: Moment, at now: Moment, _ engine: DeadlineEngine, _ tx: Transaction) throws {
        let deadline = try engine.deadline(duty, from: moment, received: matter.receivedAt.day, explain: false)
        // Starting the same duty anew ends the count that ran before: a return and a second dispatch.
        try tx.send("UPDATE casework_clocks SET state = 'void', stopped_at = \(now) WHERE matter = \(matter.id) AND duty = \(duty) AND state = 'open'")
        try tx.send(
            """
            INSERT INTO casework_clocks (matter, duty, started_at, received_on, due, due_at, strict, incomplete, state)
            VALUES (\(matter.id), \(duty), \(moment), \(matter.receivedAt.day), \(deadline.due), \(deadline.dueMoment), \(deadline.strict), \(deadline.calendarIncomplete), 'open')
            """)
    }

    static func stop(_ duty: String, of matter: ID<Matter>, late: String = "missed", at now: Moment, _ tx: Transaction) throws {
        try tx.send(
            """
            UPDATE casework_clocks SET stopped_at = \(now), state = CASE WHEN due < \(now.day) THEN \(late) ELSE 'met' END
            WHERE matter = \(matter) AND duty = \(duty) AND state = 'open'
            """)
    }

    /// A matter that is closed owes nothing more, but for duties that outlive it.
    static func voidAll(of matter: ID<Matter>, but outliving: Set<String>, at now: Moment, _ tx: Transaction) throws {
        try tx.send(
            "UPDATE casework_clocks SET stopped_at = \(now), state = 'void' WHERE matter = \(matter) AND state = 'open' AND duty NOT IN (\(list: outliving.isEmpty ? [""] : outliving.sorted()))"
        )
    }

    static func pause(_ duty: String, of matter: ID<Matter>, from day: Day, reason: String, _ tx: Transaction) throws {
        try tx.send(
            "INSERT INTO casework_pauses (matter, clock, from_day, reason) SELECT matter, id, \(day), \(reason) FROM casework_clocks WHERE matter = \(matter) AND duty = \(duty) AND state = 'open'"
        )
    }

    static func resume(_ duty: String, of matter: Matter, on day: Day, _ engine: DeadlineEngine, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT * FROM casework_clocks WHERE matter = \(matter.id) AND duty = \(duty) AND state = 'open'") else { return }
        let clock = RunningClock(row)
        if let set = clock.setTo, let paused = try tx.one("SELECT from_day FROM casework_pauses WHERE clock = \(clock.id) AND to_day IS NULL")?.day("from_day") {
            try tx.send("UPDATE casework_clocks SET set_to = \(set.adding(days: max(0, day - paused + 1))) WHERE id = \(clock.id)")
        }
        try tx.send("UPDATE casework_pauses SET to_day = \(day) WHERE clock = \(clock.id) AND to_day IS NULL")
        try write(compute(find(clock.id, tx), engine, today: day, tx), to: clock, tx)
    }

    package static func compute(_ clock: RunningClock, _ engine: DeadlineEngine, today: Day, explain: Bool = false, _ tx: Transaction) throws -> Deadline {
        let counted = try engine.deadline(
            clock.duty, from: clock.startedAt, received: clock.receivedOn, suspended: pauses(clock.id, through: today, tx), extended: clock.extended, explain: explain)
        return clock.setTo.map(counted.decided(until:)) ?? counted
    }

    /// Sets the last day of a period whose length the law leaves to a decision (暂缓缴纳、集体讨论决定继续延期). The act that decides it seals the clocks.
    /// - Errors: `conflict` where it does not run; a day that is not later than the one that stands.
    package static func set(_ duty: String, of matter: Matter, to day: Day, _ tx: Transaction) throws {
        guard let row = try tx.one("SELECT * FROM casework_clocks WHERE matter = \(matter.id) AND duty = \(duty) AND state = 'open'") else {
            throw Refusal(.conflict, Text("该期限未在计算", "This period is not running"))
        }
        let clock = RunningClock(row)
        guard day > clock.due else { throw Refusal.invalid("/until", Text("应晚于现在的届满日\(clock.due)", "It must be later than \(clock.due), the day that stands")) }
        try tx.send("UPDATE casework_clocks SET set_to = \(day), due = \(day), strict = \(day), incomplete = 0 WHERE id = \(clock.id)")
        try refreshNextDue(matter.id, tx)
    }

    private static func write(_ deadline: Deadline, to clock: RunningClock, _ tx: Transaction) throws {
        try tx.send(
            "UPDATE casework_clocks SET due = \(deadline.due), due_at = \(deadline.dueMoment), strict = \(deadline.strict), incomplete = \(deadline.calendarIncomplete) WHERE id = \(clock.id)"
        )
    }

    /// A period that began in another matter goes on here: what was granted, and what was not counted there, is not lost.
    static func carry(_ before: RunningClock, to clock: RunningClock, _ engine: DeadlineEngine, today: Day, _ tx: Transaction) throws {
        try tx.send(
            "UPDATE casework_clocks SET extended = (SELECT extended FROM casework_clocks WHERE id = \(before.id)), extended_by = (SELECT extended_by FROM casework_clocks WHERE id = \(before.id)) WHERE id = \(clock.id)"
        )
        try tx.send(
            "INSERT INTO casework_pauses (matter, clock, from_day, to_day, reason) SELECT \(clock.matter), \(clock.id), from_day, COALESCE(to_day, \(today)), reason FROM casework_pauses WHERE clock = \(before.id)"
        )
        try write(compute(find(clock.id, tx), engine, today: today, tx), to: clock, tx)
    }

    /// A longer period, by who may grant it, with a reason, before it has lapsed.
    package static func extend(_ clock: RunningClock, because reason: String?, by officer: Account, engine: DeadlineEngine, at now: Moment, _ tx: Transaction) throws {
        guard clock.state == "open", !clock.extended else { throw Refusal(.conflict, Text("该期限已结束或已延长过", "This period has ended or was extended before")) }
        guard let reason, reason.count <= 500 else { throw Refusal.invalid("/reason", Text("请填写延长的理由（500字以内）", "Give the reason in at most 500 characters")) }
        let running = try compute(clock, engine, today: now.day, tx)
        guard running.due >= now.day else { throw Refusal(.conflict, Text("该期限已于\(running.due)届满，不能再延长", "This period lapsed on \(running.due): it cannot be extended any more")) }
        let deadline = try engine.deadline(
            clock.duty, from: clock.startedAt, received: clock.receivedOn, suspended: pauses(clock.id, through: now.day, tx), extended: true, explain: false)
        try tx.send("UPDATE casework_clocks SET extended = 1, extended_by = \(officer.id) WHERE id = \(clock.id)")
        try write(deadline, to: clock, tx)
        try refreshNextDue(clock.matter, tx)
        let (matter, article) = (try tx.matter(clock.matter), deadline.rule.extension?.basis?.first)
        let written = try Casework.writeMove(
            matter, "extend", to: matter.state, .staff(officer), article,
            [("duty", .string(clock.duty)), ("until", .string(deadline.due.description)), ("reason", .string(reason))], now, tx)
        try tx.audit(
            "casework.extended", of: Reference(kind: "matter", id: clock.matter.raw), by: officer.mark, at: now, under: article,
            details: [("duty", .string(clock.duty)), ("due", .string(deadline.due.description)), ("reason", .string(reason))],
            sealing: [.init("casework_matters", clock.matter.raw), .init("casework_clocks", clock.id), .init("casework_moves", written)])
    }

    /// The queue sorts by what lapses first, so the matter carries it. The caller seals the matter's row afterwards.
    static func refreshNextDue(_ matter: ID<Matter>, _ tx: Transaction) throws {
        try tx.send("UPDATE casework_matters SET next_due = COALESCE((\(nextDue(of: matter))), \(Matter.nothingDue)) WHERE id = \(matter)")
    }
    package static func nextDue(of matter: ID<Matter>) -> SQL {
        """
        SELECT min(c.due) FROM casework_clocks c WHERE c.matter = \(matter) AND c.state = 'open'
        AND NOT EXISTS (SELECT 1 FROM casework_pauses p WHERE p.clock = c.id AND p.to_day IS NULL)
        """
    }

    // MARK: A new calendar

    package struct Change: Sendable {
        package let clock: Int64
        package let matter: Int64
        package let duty: String
        package let before: Day
        package let after: Day
        fileprivate let afterAt: Moment?
        fileprivate let strict: Day
        fileprivate let incomplete: Bool
    }

    /// Which open clocks another calendar would move. Reads only: shown before it is applied.
    package static func changes(under engine: DeadlineEngine, today: Day, _ tx: Transaction) throws -> (examined: Int, moved: [Change], learned: [Int64]) {
        var pausesByClock: [Int64: [ClosedRange<Day>]] = [:]
        // A pause that still runs moves its day every day: it is counted when it ends, under the calendar of then.
        var running: Set<Int64> = []
        try tx.forEach("SELECT p.clock AS clock, p.from_day AS from_day, p.to_day AS to_day FROM casework_pauses p JOIN casework_clocks c ON c.id = p.clock WHERE c.state = 'open'")
        { row in
            let from = row.day("from_day")
            if row.optionalDay("to_day") == nil { running.insert(row.int("clock")) }
            pausesByClock[row.int("clock"), default: []].append(from...max(from, row.optionalDay("to_day") ?? today))
        }
        var moved: [Change] = []
        var learned: [Int64] = []
        var examined = 0
        // Many clocks start on the same day under the same rule: each combination is computed once.
        struct Same: Hashable {
            let duty: String
            let start: Day
            let received: Day
            let extended: Bool
        }
        var known: [Same: Deadline] = [:]
        try tx.forEach("SELECT * FROM casework_clocks WHERE state = 'open'") { row in
            let clock = RunningClock(row)
            examined += 1
            guard !running.contains(clock.id), clock.setTo == nil else { return }
            let same = Same(duty: clock.duty, start: clock.startedAt.day, received: clock.receivedOn, extended: clock.extended)
            let pauses = pausesByClock[clock.id] ?? []
            let deadline: Deadline
            if pauses.isEmpty, clock.dueAt == nil, let found = known[same] {
                deadline = found
            } else {
                deadline = try engine.deadline(clock.duty, from: clock.startedAt, received: clock.receivedOn, suspended: pauses, extended: clock.extended, explain: false)
                if pauses.isEmpty, clock.dueAt == nil { known[same] = deadline }
            }
            if deadline.due != clock.due || deadline.strict != clock.strict {
                moved.append(
                    Change(
                        clock: clock.id, matter: clock.matter.raw, duty: clock.duty, before: clock.due, after: deadline.due, afterAt: deadline.dueMoment,
                        strict: deadline.strict, incomplete: deadline.calendarIncomplete))
            } else if deadline.calendarIncomplete != clock.incomplete {
                learned.append(clock.id)
            }
        }
        return (examined, moved, learned)
    }

    /// Applies what `changes` showed, in parts of 200: an entry of the ledger for each seals its clocks and their matters.
    package static func apply(_ moved: [Change], learned: [Int64], by actor: String, at now: Moment, _ tx: Transaction) throws {
        for start in stride(from: 0, to: moved.count, by: 200) {
            let part = moved[start..<min(start + 200, moved.count)]
            for c in part {
                try tx.send("UPDATE casework_clocks SET due = \(c.after), due_at = \(c.afterAt), strict = \(c.strict), incomplete = \(c.incomplete) WHERE id = \(c.clock)")
            }
            let matters = Set(part.map(\.matter)).sorted()
            for matter in matters { try refreshNextDue(ID(matter), tx) }
            try recomputed(part.map(\.clock), matters, actor, now, tx)
        }
        for start in stride(from: 0, to: learned.count, by: 200) {
            let part = Array(learned[start..<min(start + 200, learned.count)])
            for clock in part { try tx.send("UPDATE casework_clocks SET incomplete = 1 - incomplete WHERE id = \(clock)") }
            try recomputed(part, [], actor, now, tx)
        }
    }

    private static func recomputed(_ clocks: [Int64], _ matters: [Int64], _ actor: String, _ now: Moment, _ tx: Transaction) throws {
        try tx.audit(
            "casework.recomputed", of: Reference(kind: "calendar", id: 0), by: actor, at: now, details: [("clocks", .int(clocks.count))],
            sealing: matters.map { .init("casework_matters", $0) } + clocks.map { .init("casework_clocks", $0) })
    }
}
