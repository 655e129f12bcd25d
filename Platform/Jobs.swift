import Foundation
import Kernel
import Logging
import Store

/// A kind of background work (后台任务): its name and what runs it.
package struct JobKind: Sendable {
    package let name: String
    package let run: @Sendable (Desk, JSON) async throws -> Void
    package init(_ name: String, _ run: @escaping @Sendable (Desk, JSON) async throws -> Void) {
        self.name = name
        self.run = run
    }
}

/// The queue of jobs: a row written in the act's own transaction, taken by one worker at a time, tried again with
/// growing pauses, kept with its error where it failed for good.
package struct Jobs: Sendable {
    let desk: Desk
    let kinds: [String: JobKind]
    static let attempts = 14

    private let ticks: [@Sendable (Desk) async throws -> Void]
    private let files: [@Sendable (Transaction) throws -> Set<String>]

    package init(desk: Desk, domains: [Domain], kinds: [JobKind] = []) {
        self.desk = desk
        self.kinds = Dictionary((kinds + [Outbox.kind] + domains.flatMap(\.jobs)).map { ($0.name, $0) }) { a, _ in a }
        files = domains.map(\.files)
        let matters = Dictionary(domains.flatMap(\.matterKinds).map { ($0.table.kind, $0) }) { a, _ in a }
        ticks =
            domains.compactMap(\.tick) + [{ desk in try await Outbox.look(desk, matters) }, { desk in try await Reminders.look(desk) }, { desk in try await Upkeep.look(desk) }]
    }

    /// What nobody needs any more (清理): answers kept for a repeated request, files that nothing refers to.
    /// Drafts and sessions go when the next one comes.
    package func tidy() async throws {
        let yesterday = desk.now.adding(seconds: -86_400)
        _ = try await desk.store.write { try $0.run("DELETE FROM platform_idempotency WHERE at < \(yesterday)") }
        let files = files
        let used = try await desk.store.read { tx in try files.reduce(into: Attachments.hashes(tx).union(ImportPages.files(tx))) { $0.formUnion(try $1(tx)) } }
        let removed = try desk.files.sweep(keeping: used, olderThan: yesterday)
        if removed > 0 { desk.logger.notice("files that nothing refers to were removed", metadata: ["count": "\(removed)"]) }
    }

    package static func add(_ kind: String, _ payload: [(String, JSON)] = [], at due: Moment, _ tx: Transaction) throws {
        try tx.run("INSERT INTO platform_jobs (kind, payload, due_at) VALUES (\(kind), \(JSON.object(payload).text), \(due))")
    }

    /// Takes and runs one job. Returns false where nothing is due.
    package func runOne() async throws -> Bool {
        let now = desk.now
        let taken = try await desk.store.write { tx -> (Int64, String, String, Int)? in
            let query: SQL = "SELECT id, kind, payload, attempts FROM platform_jobs WHERE state = 'waiting' AND due_at <= \(now) ORDER BY due_at, id LIMIT 1"
            guard let row = try tx.one(query + tx.dialect.skippingLocked) else { return nil }
            // While it runs it is not due for anybody else; a worker that dies gives it back by itself.
            try tx.run("UPDATE platform_jobs SET attempts = attempts + 1, due_at = \(now.adding(seconds: 300)) WHERE id = \(row.int("id"))")
            return (row.int("id"), row.string("kind"), row.string("payload"), row.count("attempts") + 1)
        }
        guard let (id, kind, payload, attempt) = taken else { return false }
        do {
            guard let runner = kinds[kind] else { throw Fault("nobody runs jobs of kind \(kind)") }
            try await runner.run(desk, JSON(parsing: Array(payload.utf8)))
            // A job that is done leaves nothing behind: some come again every minute.
            _ = try await desk.store.write { try $0.run("DELETE FROM platform_jobs WHERE id = \(id)") }
        } catch {
            desk.logger.warning("job failed", metadata: ["kind": "\(kind)", "attempt": "\(attempt)", "error": "\(error)"])
            let pause = Int64(1) << Int64(min(attempt, 10)) * 15
            let later = desk.now.adding(seconds: pause)
            let text = String("\(error)".prefix(500))
            _ = try await desk.store.write {
                try $0.run("UPDATE platform_jobs SET due_at = \(later), error = \(text), state = \(attempt >= Jobs.attempts ? "failed" : "waiting") WHERE id = \(id)")
            }
        }
        return true
    }

    /// Works until cancelled; signs a checkpoint of the ledger when it has grown.
    package func work() async {
        var sinceCheckpoint = 0
        var tidyAt = desk.now
        while !Task.isCancelled {
            do {
                if desk.now >= tidyAt {
                    tidyAt = desk.now.adding(seconds: 6 * 3600)
                    try await tidy()
                }
                if sinceCheckpoint == 0 {
                    // Another process may have imported a year or a division.
                    desk.calendar.value = try await desk.store.read { try CalendarUpdate.load($0) }
                    let regions = desk.regions
                    try await desk.store.read { try regions.load($0) }
                    desk.configuration = try await Settings.load(desk.store, over: desk.configuration)
                    let now = desk.now
                    let keys = desk.keys
                    let size = try await desk.store.read { try $0.one("SELECT size FROM platform_ledger_head")?.int("size") ?? 0 }
                    let signed = try await desk.store.read { try $0.one("SELECT max(size) AS n FROM platform_checkpoints")?.optionalInt("n") ?? -1 }
                    if size != signed, let note = try await desk.store.write({ try Ledger.checkpoint(keys: keys, at: now, $0) }) { try keys.remember(note) }
                }
                if sinceCheckpoint == 0 { for tick in ticks { try await tick(desk) } }
                sinceCheckpoint = (sinceCheckpoint + 1) % 30
                if try await runOne() { continue }
            } catch is CancellationError { break } catch {
                desk.logger.error("worker", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
