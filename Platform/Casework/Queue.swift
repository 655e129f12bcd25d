import Kernel
import Store

/// The work queue of staff (待办队列): open matters of a region, what lapses first on top.
package struct QueueFilter: Sendable, Equatable {
    package enum Whose: String, Sendable, CaseIterable { case office, mine, unassigned }
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
    package var cursor: String?
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
        closed = value("closed") == "yes"
        outcome = value("outcome")
        late = value("late") == "yes"
        year = value("received") == "year"
        cursor = value("cursor")
    }

    /// Lists of what was: the newest first.
    var isHistory: Bool { closed || late || year || outcome != nil }

    package var pairs: [(String, String?)] {
        [
            ("whose", whose == .office ? nil : whose.rawValue), ("due", due?.rawValue), ("kind", kind), ("state", state), ("region", region), ("q", text),
            ("closed", closed ? "yes" : nil), ("outcome", outcome), ("late", late ? "yes" : nil), ("received", year ? "year" : nil),
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

    static func conditions(_ f: QueueFilter, for account: Account, today: Day) -> [SQL] {
        // Who asks for what ended or was late means all of it, still open or not.
        var all: [SQL] = f.late || f.year || f.outcome != nil ? [] : ["open = \(!f.closed)"]
        let year = Moment(today.adding(days: -365))
        if let outcome = f.outcome { all.append("outcome IN (\(list: outcome.split(separator: ",").prefix(10).map(String.init))) AND received_at > \(year)") }
        if f.year { all.append("received_at > \(year)") }
        if f.late {
            all.append("EXISTS (SELECT 1 FROM casework_clocks c WHERE c.matter = casework_matters.id AND c.state = 'missed' AND c.stopped_at > \(year))")
        }
        let region = f.region.map { $0.hasPrefix(account.region) ? $0 : account.region } ?? account.region
        if f.whose == .mine {
            all.append("assignee = \(account.id)")
        } else if !region.isEmpty {
            all.append("region >= \(region) AND region < \(region + "~")")
        }
        if f.whose == .unassigned { all.append("assignee IS NULL") }
        if let kind = f.kind { all.append("kind = \(kind)") }
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
    package static func page(_ f: QueueFilter, for account: Account, today: Day, kinds: [String], limit: Int = 40, _ tx: Transaction) throws -> Page {
        var all = conditions(f, for: account, today: today)
        if let text = f.text {
            // The search runs inside the query, so that region and state narrow it before anything is cut off.
            let hits = (f.kind.map { [$0] } ?? kinds).compactMap { Search.query($0, text) }.map { tx.dialect.searchQuery(terms: $0, limit: 50_000) }
            all.append(
                hits.isEmpty ? "1 = 0" : hits.dropFirst().reduce("(id IN (SELECT ref FROM (\(hits[0])) AS hits)") { "\($0) OR id IN (SELECT ref FROM (\($1)) AS hits)" } + ")")
        }
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
        let rows = try tx.all("SELECT * FROM casework_matters WHERE \(SQL.all(all)) ORDER BY \(order) LIMIT \(limit + 1)").map(Matter.init)
        let shown = Array(rows.prefix(limit))
        let next = rows.count > limit ? shown.last.map { "\($0.nextDue?.description ?? Matter.nothingDue).\($0.id)" } : nil
        return Page(matters: shown, next: next)
    }

    package static func counts(for account: Account, today: Day, _ tx: Transaction) throws -> Counts {
        var f = QueueFilter()
        f.whose = .office
        let row = try tx.one(
            """
            SELECT count(*) AS open, COALESCE(sum(CASE WHEN assignee = \(account.id) THEN 1 ELSE 0 END), 0) AS mine, COALESCE(sum(CASE WHEN assignee IS NULL THEN 1 ELSE 0 END), 0) AS unassigned,
            COALESCE(sum(CASE WHEN next_due < \(today) THEN 1 ELSE 0 END), 0) AS overdue, COALESCE(sum(CASE WHEN next_due = \(today) THEN 1 ELSE 0 END), 0) AS today,
            COALESCE(sum(CASE WHEN next_due >= \(today) AND next_due <= \(today.adding(days: 7)) THEN 1 ELSE 0 END), 0) AS week
            FROM casework_matters WHERE \(SQL.all(conditions(f, for: account, today: today)))
            """)
        guard let row else { throw Fault("no counts") }
        return Counts(
            open: row.count("open"), mine: row.count("mine"), unassigned: row.count("unassigned"), overdue: row.count("overdue"), today: row.count("today"), week: row.count("week")
        )
    }
}
