import Kernel
import Store

/// The work queue of staff (待办队列): open matters of a region, what lapses first on top.
package struct QueueFilter: Sendable, Equatable {
    package enum Whose: String, Sendable, CaseIterable { case office, mine, unassigned, city }
    package enum Due: String, Sendable, CaseIterable { case overdue, today, week }
    package var whose = Whose.office
    package var due: Due?
    package var kind: String?
    package var state: String?
    package var region: String?
    package var text: String?
    /// Closed ones instead of open ones.
    package var closed = false
    /// How they ended; several with commas between.
    package var outcome: String?
    /// Only those of which a period was met late in the last year.
    package var late = false
    /// All that was received in the last year.
    package var year = false
    /// All that was received, or closed, in a period: `2026-05`, `2026-Q2`, `2026`.
    package var receivedIn: String?
    package var closedIn: String?
    /// All of which a period of this duty counts as on time or as late in `during`, as the efficacy evaluation counts it.
    package var duty: String?
    /// All that one of these acts was done to in `during`; several with commas between.
    package var moved: String?
    package var during: String?
    /// How the industry code of the business begins.
    package var trade: String?
    package var cursor: String?
    /// Kinds that whoever asks may not see.
    package var hidden: [String] = []
    package init() {}

    /// Reads a query. An unknown value is refused, never taken for none.
    package init(_ value: (String) -> String?) throws(Refusal) {
        func known<E: RawRepresentable>(_ name: String, _: E.Type) throws(Refusal) -> E? where E.RawValue == String {
            guard let text = value(name) else { return nil }
            guard let found = E(rawValue: text) else { throw .invalid("/\(name)", Text("没有“\(text)”这个选项", "There is no option “\(text)”")) }
            return found
        }
        whose = try known("whose", Whose.self) ?? .office
        due = try known("due", Due.self)
        kind = value("kind")
        state = value("state")
        region = value("region")
        text = value("q")
        func yes(_ name: String) throws(Refusal) -> Bool {
            guard let text = value(name) else { return false }
            guard text == "yes" || text == "no" else { throw .invalid("/\(name)", Text("应为 yes 或 no", "is yes or no")) }
            return text == "yes"
        }
        closed = try yes("closed")
        outcome = value("outcome")
        late = try yes("late")
        func period(_ name: String) throws(Refusal) -> String? {
            guard let text = value(name) else { return nil }
            guard Day.span(text) != nil else { throw .invalid("/\(name)", Text("期间应为 2026-05、2026-Q2 或 2026 形式", "A period reads 2026-05, 2026-Q2 or 2026")) }
            return text
        }
        year = value("received") == "year"
        receivedIn = year ? nil : try period("received")
        closedIn = try period("finished")
        (duty, moved, during, trade) = (value("duty"), value("moved"), try period("during"), value("trade"))
        guard (duty == nil && moved == nil) == (during == nil) else {
            throw .invalid("/during", Text("期限或动作须与期间一起给出", "A duty or an act is given with a period"))
        }
        cursor = value("cursor")
    }

    /// Refuses a region or a state that does not exist: an empty list would look like an answer.
    package func check(_ regions: LiveRegions, states: some Sequence<String>, for account: Account) throws(Refusal) {
        if let region {
            guard regions.isKnown(region) else { throw .invalid("/region", Text("没有代码为“\(region)”的区划", "There is no region with the code “\(region)”")) }
            guard region.hasPrefix(account.region) || account.region.hasPrefix(region) else {
                throw .invalid("/region", Text("“\(region)”不在您的辖区", "“\(region)” is not in your region"))
            }
        }
        if let state, !states.contains(where: { $0 == state }) { throw .invalid("/state", Text("没有“\(state)”这个状态", "There is no state “\(state)”")) }
    }

    /// What the tiles count: open matters of the region, by the index that holds all they ask for.
    func counted(for account: Account, city: String) -> [SQL] {
        (account.region.isEmpty || account.region == city ? ["open = 1"] : ["open = 1", "region >= \(account.region) AND region < \(account.region + "~")"])
            + (hidden.isEmpty ? [] : ["kind NOT IN (\(list: hidden))"])
    }
    /// Lists of what was: the newest first.
    var isHistory: Bool { closed || isAccount }
    /// What was in a time, still open or not.
    var isAccount: Bool { late || year || outcome != nil || receivedIn != nil || closedIn != nil || during != nil }

    package var pairs: [(String, String?)] {
        [
            ("whose", whose == .office ? nil : whose.rawValue), ("due", due?.rawValue), ("kind", kind), ("state", state), ("region", region), ("q", text),
            ("closed", closed ? "yes" : nil), ("outcome", outcome), ("late", late ? "yes" : nil), ("received", year ? "year" : receivedIn), ("finished", closedIn),
            ("duty", duty), ("moved", moved), ("during", during), ("trade", trade),
        ]
    }
}

package enum Queue {
    package struct Page: Sendable {
        package let matters: [Matter]
        package let next: String?
    }
    package struct Counts: Sendable {
        package let open: Int
        package let mine: Int
        package let unassigned: Int
        package let overdue: Int
        package let today: Int
        package let week: Int
    }

    /// Whether a matter lies in a region. A district is met often enough on the way through what lapses first; a township is looked up.
    package static func within(_ region: String, _ column: String = "region", byDue: Bool) -> SQL {
        let column = byDue && region.count <= 6 ? "(\(column) || '')" : column
        return "\(raw: column) >= \(region) AND \(raw: column) < \(region + "~")"
    }

    /// - Parameter city: the region of the whole installation, in which every matter lies.
    static func conditions(_ f: QueueFilter, for account: Account, city: String, today: Day) -> [SQL] {
        // Who asks for what ended or was late means all of it, still open or not.
        var all: [SQL] = f.isAccount ? [] : ["open = \(!f.closed)"]
        let year = Moment(today.adding(days: -365))
        if let outcome = f.outcome {
            all.append("outcome IN (\(list: outcome.split(separator: ",").prefix(10).map(String.init)))")
            if f.closedIn == nil { all.append("received_at > \(year)") }
        }
        if let span = f.during.flatMap(Day.span) {
            let (from, to) = (Moment(span.lowerBound), Moment(span.upperBound))
            if let duty = f.duty {
                all.append("id IN (SELECT c.matter FROM casework_clocks c WHERE (\(Clocks.met(duty, in: span))) OR (\(Clocks.late(duty, in: span, today: today))))")
            }
            if let moved = f.moved {
                all.append(
                    "id IN (SELECT matter FROM casework_moves WHERE move IN (\(list: moved.split(separator: ",").prefix(10).map(String.init))) AND at >= \(from) AND at < \(to))")
            }
        }
        if let trade = f.trade { all.append("operator IN (SELECT id FROM operators WHERE industry >= \(trade) AND industry < \(trade + "~"))") }
        if f.year { all.append("received_at > \(year)") }
        for (month, column) in [(f.receivedIn, "received_at"), (f.closedIn, "closed_at")] {
            guard let span = month.flatMap(Day.span) else { continue }
            all.append("\(raw: column) >= \(Moment(span.lowerBound)) AND \(raw: column) < \(Moment(span.upperBound))")
        }
        if f.late {
            all.append("EXISTS (SELECT 1 FROM casework_clocks c WHERE c.matter = casework_matters.id AND c.state = 'missed' AND c.stopped_at > \(year))")
        }
        let region = f.region.map { $0.hasPrefix(account.region) ? $0 : account.region } ?? account.region
        if f.whose == .mine {
            all.append("assignee = \(account.id)")
        } else if f.whose == .city {
            // What no district has yet.
            all.append("region = \(city)")
            if !city.hasPrefix(account.region) { all.append("region = \(account.region)") }
        } else if !region.isEmpty, region != city {
            all.append(Queue.within(region, byDue: !f.isHistory))
        }
        if f.whose == .unassigned { all.append("assignee IS NULL") }
        if let kind = f.kind { all.append("kind = \(kind)") }
        if !f.hidden.isEmpty { all.append("kind NOT IN (\(list: f.hidden))") }
        if let state = f.state { all.append("state = \(state)") }
        switch f.due {
        case .overdue: all.append("next_due < \(today)")
        case .today: all.append("next_due = \(today)")
        case .week: all.append("next_due >= \(today) AND next_due <= \(today.adding(days: 7))")
        case nil: break
        }
        return all
    }

    /// - Parameter limit: rows a page; the cursor of the next is the last row's day and key.
    package static func page(_ f: QueueFilter, for account: Account, city: String, today: Day, kinds: [String], limit: Int = 40, _ tx: Transaction) throws -> Page {
        var all = conditions(f, for: account, city: city, today: today)
        if let cursor = f.cursor {
            let parts = cursor.split(separator: ".")
            guard parts.count == 2, let key = Int64(parts[1]) else { throw Refusal.invalid("/cursor", Text("翻页标记无效", "The cursor is not valid")) }
            let day = String(parts[0])
            if f.isHistory {
                all.append("id < \(key)")
            } else {
                all.append("(next_due > \(day) OR (next_due = \(day) AND id > \(key)))")
            }
        }
        let order: SQL = f.isHistory ? "id DESC" : "next_due, id"
        let rows: [Matter]
        if let text = f.text {
            rows = try search(text, f.kind.map { [$0] } ?? kinds, all, history: f.isHistory, order, limit + 1, tx)
        } else {
            rows = try tx.all("SELECT * FROM casework_matters WHERE \(SQL.all(all)) ORDER BY \(order) LIMIT \(limit + 1)").map(Matter.init)
        }
        let shown = Array(rows.prefix(limit))
        let next = rows.count > limit ? shown.last.map { "\($0.nextDue?.description ?? Matter.nothingDue).\($0.id)" } : nil
        return Page(matters: shown, next: next)
    }

    /// How many a list over a time holds; nil: more than `limit`, which nobody pages through.
    package static func total(_ f: QueueFilter, for account: Account, city: String, today: Day, limit: Int = 100_000, _ tx: Transaction) throws -> Int? {
        let all = conditions(f, for: account, city: city, today: today)
        let n = try tx.count("SELECT count(*) AS n FROM (SELECT id FROM casework_matters WHERE \(SQL.all(all)) LIMIT \(limit + 1)) AS found")
        return n > limit ? nil : n
    }

    /// The period behind each matter's place in the list: what lapses next, or what was late and by how many days.
    package static func periods(of matters: [Matter], late: Bool, _ tx: Transaction) throws -> [Int64: [(duty: String, daysLate: Int)]] {
        guard !matters.isEmpty else { return [:] }
        var found: [Int64: [(String, Int)]] = [:]
        let due = Dictionary(matters.map { ($0.id.raw, $0.nextDue) }) { a, _ in a }
        for row in try tx.all(
            "SELECT matter, duty, due, stopped_at FROM casework_clocks WHERE matter IN (\(list: matters.map(\.id.raw))) AND state = \(late ? "missed" : "open") ORDER BY due, id")
        {
            let (matter, day) = (row.int("matter"), row.day("due"))
            if late {
                found[matter, default: []].append((row.string("duty"), max(0, (row.optionalMoment("stopped_at")?.day ?? day) - day)))
            } else if found[matter] == nil, due[matter] == day {
                found[matter] = [(row.string("duty"), 0)]
            }
        }
        return found
    }

    /// From how many hits on a word is common: the way through the list is tried first.
    private static let commonFrom = 1000
    private typealias Words = (kind: String, terms: [String])

    /// A common word is met soon on the way through the list; a rare one has few hits in the index, and fewer among what is still
    /// open. Each is quick one way and slow the other, so the way through the list is tried for some rows first. Where the index can
    /// tell which is which, a word that is common in one kind and rare in the others goes both ways.
    private static func search(_ text: String, _ kinds: [String], _ conditions: [SQL], history: Bool, _ order: SQL, _ limit: Int, _ tx: Transaction) throws -> [Matter] {
        let all: [Words] = kinds.compactMap { kind in Search.query(kind, text).map { (kind, $0) } }
        guard !all.isEmpty else { return [] }
        func open(_ words: Words) -> [String] { history ? words.terms : words.terms + [Search.openMark(words.kind)] }
        let tells = !history && tx.dialect == .sqlite
        var found: [Matter] = [], rest: [Words] = [], common: [[Words]] = tells ? [] : [all]
        if tells {
            for words in all {
                switch try tx.dialect.hits(open(words), limit: commonFrom, tx) {
                case 0?: break
                case let n? where n < commonFrom: rest.append(words)
                default: common.append([words])
                }
            }
        }
        for group in common {
            let near = try near(group, conditions + (tells ? ["kind = \(group[0].kind)"] : []), history: history, order, limit, tx)
            if near.isAll || near.matters.count == limit { found += near.matters } else { rest += group }
        }
        if !rest.isEmpty {
            // One list of keys: with several, SQLite walks through all that is open and asks each. Two kinds may share their mark in the index.
            let hits = rest.map { tx.dialect.searchQuery(terms: open($0), limit: history ? 20_000 : 50_000) }
            var keys: SQL = "SELECT ref FROM (\(hits[0])) AS hits"
            for more in hits.dropFirst() { keys = "\(keys) UNION ALL SELECT ref FROM (\(more)) AS hits" }
            found += try tx.all(
                "SELECT * FROM casework_matters WHERE \(SQL.all(conditions + ["id IN (\(keys))", "(kind || '') IN (\(list: rest.map(\.kind)))"])) ORDER BY \(order) LIMIT \(limit)"
            ).map(Matter.init)
        }
        func due(_ m: Matter) -> String { m.nextDue?.description ?? Matter.nothingDue }
        return Array(found.sorted { history ? $0.id.raw > $1.id.raw : (due($0), $0.id.raw) < (due($1), $1.id.raw) }.prefix(limit))
    }

    /// Those of the list's first six hundred that hold the words; whether those are all that there are.
    private static func near(_ words: [Words], _ conditions: [SQL], history: Bool, _ order: SQL, _ limit: Int, _ tx: Transaction) throws -> (matters: [Matter], isAll: Bool) {
        let holds = words.map { kind, terms -> SQL in "(s.kind = \(kind) AND \(SQL.all(terms.map { tx.dialect.searchHolds("s.terms", $0) })))" }
        var any: SQL = holds[0]
        for more in holds.dropFirst() { any = "\(any) OR \(more)" }
        let held: SQL = "EXISTS (SELECT 1 FROM platform_search s WHERE s.kind = casework_matters.kind AND s.ref = casework_matters.id AND (\(any)))"
        let last = try tx.one("SELECT \(raw: history ? "id" : "next_due") AS last FROM casework_matters WHERE \(SQL.all(conditions)) ORDER BY \(order) LIMIT 1 OFFSET 600")
        let bound: SQL = last.map { history ? "id >= \($0.int("last"))" : "next_due <= \($0.string("last"))" } ?? "1 = 1"
        return (
            try tx.all("SELECT * FROM casework_matters WHERE \(SQL.all(conditions + [bound, held])) ORDER BY \(order) LIMIT \(limit)").map(Matter.init), last == nil
        )
    }

    /// The office's figures as they were some seconds ago at most, counted once for all who ask together; one's own as they are.
    package actor KeptCounts {
        private var byRegion: [String: (counts: Counts, at: Moment)] = [:]
        private var counting: [String: Task<Counts, any Error>] = [:]
        package init() {}

        package func counts(for account: Account, hiding hidden: [String], desk: Desk) async throws -> Counts {
            let (now, today, city, id) = (desk.now, desk.today(), desk.configuration.cityRegion, account.id)
            let office: Counts
            let whose = ([account.region] + hidden).joined(separator: "|")
            let kept = byRegion[whose].flatMap { $0.at.day == today ? $0 : nil }
            let age = kept.map { abs(now.milliseconds - $0.at.milliseconds) } ?? .max
            // Who asks while it is counted again gets what is kept, for some seconds.
            if let kept, age < 3000 {
                office = kept.counts
                if age >= 1000 { _ = count(account, whose, hidden, city: city, today: today, desk) }
            } else {
                office = try await count(account, whose, hidden, city: city, today: today, desk).value
            }
            let mine = try await desk.store.read { try $0.count("SELECT count(*) AS n FROM casework_matters WHERE assignee = \(id) AND open = 1") }
            return Counts(open: office.open, mine: mine, unassigned: office.unassigned, overdue: office.overdue, today: office.today, week: office.week)
        }

        private func count(_ account: Account, _ whose: String, _ hidden: [String], city: String, today: Day, _ desk: Desk) -> Task<Counts, any Error> {
            if let task = counting[whose] { return task }
            let task = Task {
                defer { counting[whose] = nil }
                let counts = try await desk.store.read { try Queue.counts(for: account, hiding: hidden, city: city, today: today, $0) }
                byRegion[whose] = (counts, desk.now)
                return counts
            }
            counting[whose] = task
            return task
        }
    }

    package static func counts(for account: Account, hiding hidden: [String] = [], city: String, today: Day, _ tx: Transaction) throws -> Counts {
        var f = QueueFilter()
        f.hidden = hidden
        f.whose = .office
        let row = try tx.one(
            """
            SELECT count(*) AS open, COALESCE(sum(CASE WHEN assignee = \(account.id) THEN 1 ELSE 0 END), 0) AS mine, COALESCE(sum(CASE WHEN assignee IS NULL THEN 1 ELSE 0 END), 0) AS unassigned,
            COALESCE(sum(CASE WHEN next_due < \(today) THEN 1 ELSE 0 END), 0) AS overdue, COALESCE(sum(CASE WHEN next_due = \(today) THEN 1 ELSE 0 END), 0) AS today,
            COALESCE(sum(CASE WHEN next_due >= \(today) AND next_due <= \(today.adding(days: 7)) THEN 1 ELSE 0 END), 0) AS week
            FROM casework_matters WHERE \(SQL.all(f.counted(for: account, city: city)))
            """)
        guard let row else { throw Fault("no counts") }
        return Counts(
            open: row.count("open"), mine: row.count("mine"), unassigned: row.count("unassigned"), overdue: row.count("overdue"), today: row.count("today"), week: row.count("week")
        )
    }
}
