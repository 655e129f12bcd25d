import Kernel
import Store

/// What the database needs once a day (日常维护).
package enum Upkeep {
    /// Whether nobody did this today yet, whichever process asks first; from then on somebody did.
    static func isFirst(_ mark: String, on today: Day, _ tx: Transaction) throws -> Bool {
        if let last = try last(mark, tx) {
            return try last < today.description && tx.run("UPDATE platform_marks SET value = \(today.description) WHERE name = \(mark) AND value = \(last)") == 1
        }
        return try tx.run("INSERT INTO platform_marks (name, value) VALUES (\(mark), \(today.description)) ON CONFLICT (name) DO NOTHING") == 1
    }

    private static func last(_ mark: String, _ tx: Transaction) throws -> String? { try tx.one("SELECT value FROM platform_marks WHERE name = \(mark)")?.string("value") }

    /// SQLite keeps no account of its tables by itself: without figures it took half a million complaints of a kind for fewer rows than those of one operator.
    package static func look(_ desk: Desk) async throws {
        guard desk.store.dialect == .sqlite else { return }
        let now = desk.now, today = now.day, mark = "figures.last"
        // Whoever writes waits for it, so at night.
        guard now >= Moment(today, hour: 2), now < Moment(today, hour: 5) else { return }
        guard try await desk.store.read({ try last(mark, $0) }) ?? "" < today.description else { return }
        try await desk.store.write { tx in
            if try isFirst(mark, on: today, tx) { try tx.run(tx.dialect.analyze) }
        }
    }
}
