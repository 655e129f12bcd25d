import Kernel
import Store

/// What complaints, reports, leads, cases, applications and inspections share (事项): a number, a state, a region, people, clocks.
package struct Matter: Sendable {
    package let id: ID<Matter>
    package let kind: String
    package let number: String
    package let state: String
    package let open: Bool
    package let title: String
    package let regime: String
    package let region: String
    package let assignee: ID<Account>?
    package let `operator`: ID<Operator>?
    package let receivedAt: Moment
    /// When the authority that may handle it got it: the day from which its first period runs.
    package let competentAt: Moment
    package let closedAt: Moment?
    package let nextDue: Day?
    package let outcome: String?

    /// Stands where nothing runs, so that both engines sort it last.
    package static let nothingDue = "9999-12-31"

    package var reference: Reference { Reference(kind: kind, id: id.raw) }

    package init(_ row: Row) {
        id = row.id("id")
        kind = row.string("kind")
        number = row.string("number")
        state = row.string("state")
        open = row.bool("open")
        title = row.string("title")
        regime = row.string("regime")
        region = row.string("region")
        assignee = row.optionalID("assignee")
        `operator` = row.optionalID("operator")
        receivedAt = row.moment("received_at")
        competentAt = row.moment("competent_at")
        closedAt = row.optionalMoment("closed_at")
        nextDue = row.optionalDay("next_due").flatMap { $0.year == 9999 ? nil : $0 }
        outcome = row.optionalString("outcome")
    }
}

extension Transaction {
    package func matter(_ id: ID<Matter>) throws -> Matter {
        guard let row = try one("SELECT * FROM casework_matters WHERE id = \(id)") else { throw Refusal.notFound }
        return Matter(row)
    }
    package func matter(number: String) throws -> Matter {
        guard let row = try one("SELECT * FROM casework_matters WHERE number = \(number)") else { throw Refusal.notFound }
        return Matter(row)
    }
    /// The next number of a series, without gaps: `disputes.2026`.
    package func nextNumber(_ series: String, by count: Int64 = 1) throws -> Int64 {
        guard
            let row = try one(
                "INSERT INTO platform_counters (name, value) VALUES (\(series), \(count)) ON CONFLICT (name) DO UPDATE SET value = platform_counters.value + \(count) RETURNING value"
            )
        else {
            throw Fault("no counter \(series)")
        }
        return row.int("value") - count + 1
    }

    /// The next number of a kind of matter in a year (编号): a prefix, the year, at least so many digits, which grow before they repeat.
    package func number(_ prefix: String, _ series: String, in year: Int, digits: Int = 5) throws -> String {
        let n = String(try nextNumber("\(series).\(year)"))
        return "\(prefix)\(year)\(String(repeating: "0", count: max(0, digits - n.count)))\(n)"
    }
}
