import Kernel
import Platform
import Store

/// What other domains' matters change in an operator's sum (投诉、举报、线索): looked at twice a minute by the moves since the last look, so that a class
/// follows at once what the file itself does not hold.
package enum CompassFollow {
    static let migration = Migration("credit.3", ["CREATE TABLE credit_followed (id INTEGER PRIMARY KEY CHECK (id = 1), move INTEGER NOT NULL)"])
    /// Beyond this many moves all are counted, which takes seconds, instead of one after the other.
    package static let many: Int64 = 20_000

    package static func look(_ desk: Desk) async throws {
        let (known, to, operators) = try await desk.store.read { tx -> (Int64?, Int64, [Int64]) in
            let from = try tx.one("SELECT move FROM credit_followed WHERE id = 1")?.int("move")
            let to = try tx.one("SELECT COALESCE(max(id), 0) AS id FROM casework_moves")?.int("id") ?? 0
            guard let from, to > from, to - from <= many else { return (from, to, []) }
            // Only what was taken in and what ended: in between nothing of the sum changes.
            return (
                from, to,
                try tx.all(
                    """
                    SELECT DISTINCT m.operator AS operator FROM casework_moves v JOIN casework_matters m ON m.id = v.matter
                    WHERE v.id > \(from) AND v.id <= \(to) AND (m.kind || '') IN ('complaint', 'report', 'lead') AND m.operator IS NOT NULL AND (v.move = 'receive' OR m.open = 0)
                    """
                ).map { $0.int("operator") }
            )
        }
        // The first look only remembers where it stands: all are counted when the model is put in force.
        guard let from = known else { return try await desk.store.write { try $0.run("INSERT INTO credit_followed (id, move) VALUES (1, \(to)) ON CONFLICT (id) DO NOTHING") } }
        guard to > from else { return }
        let now = desk.now
        try await desk.store.write { tx in
            // Another worker may have looked meanwhile.
            guard try tx.run("UPDATE credit_followed SET move = \(to) WHERE id = 1 AND move = \(from)") == 1 else { return }
            if to - from > many {
                if try tx.one("SELECT id FROM platform_jobs WHERE kind = \(CompassRun.all) AND state = 'waiting' LIMIT 1") == nil { try Jobs.add(CompassRun.all, at: now, tx) }
                return
            }
            for key in operators { try Jobs.add(CompassRun.one, [("operator", .int(key))], at: now, tx) }
        }
    }
}
