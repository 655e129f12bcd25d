import Formats
import Foundation
import Kernel
import Logging
import Outbound
import Platform
import Store
import Synchronization

/// With what an installation captures (取证配置), told by whoever starts it.
package struct CaptureSettings: Sendable {
    package var chromium = "/usr/bin/chromium"
    /// Reads the words of pictures; where it is not there, they are not read.
    package var tesseract = "/usr/bin/tesseract"
    /// Hosts inside that may be captured, by name.
    package var allowedHosts: [String] = []
    package var authorities: [String] = []
    /// At once in one process: each is a browser.
    package var together = 2
    package init() {}
}

/// The captures that wait (取证队列): several at once, tried three times, never silent.
package final class CaptureQueue: Sendable {
    package let settings: CaptureSettings
    private let running = Mutex(0)
    static let job = "evidence.look"
    static let attempts = 3
    /// Seconds after which what a killed process had begun is begun again; a third of it between renewals.
    static let lease: Int64 = 30

    package init(_ settings: CaptureSettings) { self.settings = settings }

    static func number(_ now: Moment, _ tx: Transaction) throws -> String {
        let n = try tx.nextNumber("evidence.\(now.day.year)")
        return "DZ\(now.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
    }

    /// Asks for a capture.
    /// - Parameter actor: who does so, where it is not the officer under whose name it stands.
    package func ask(_ request: Asked, by officer: Account, actor: Actor? = nil, at now: Moment, _ tx: Transaction) throws -> EvidenceItem {
        let number = try CaptureQueue.number(now, tx)
        let id = try tx.insert(
            """
            INSERT INTO evidence_items (number, kind, matter, region, url, device, script, purpose, account, second, state, asked_at, attempts, title)
            VALUES (\(number), 'capture', \(request.matter?.id), \(request.matter?.region ?? officer.region), \(request.url), \(request.device.rawValue), \(request.script), \(request.purpose), \(officer.id),
            \(request.second), 'waiting', \(now), 0, '') RETURNING id
            """)
        let item = try EvidenceItem.find(id, tx)
        try Custody.record("asked", on: item, by: actor ?? .staff(officer), note: request.purpose, at: now, tx)
        try Jobs.add(CaptureQueue.job, [], at: now, tx)
        return item
    }
    package struct Asked: Sendable {
        package var url: String
        package var device = CaptureRequest.Device.desktop
        package var script = "scroll"
        package var purpose = ""
        package var matter: Matter?
        package var second: ID<Account>?
        package init(url: String) { self.url = url }

        /// - Errors: the address or the script is none, by field.
        package func check() throws(Refusal) {
            _ = try CaptureRequest(url)
            for line in script.split(whereSeparator: \.isNewline) { _ = try CaptureRequest.Step(String(line)) }
        }
    }

    /// Once more, of one that failed.
    func again(_ id: Int64, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard
            try tx.run("UPDATE evidence_items SET state = 'waiting', attempts = 0, failure = NULL, began_at = NULL WHERE id = \(id) AND state = 'failed' AND kind = 'capture'") == 1
        else {
            throw Refusal(.conflict, Text("只有未成功的取证可以重试", "Only what failed is tried again"))
        }
        try Custody.record("again", on: EvidenceItem.find(id, tx), by: .staff(officer), at: now, tx)
        try Jobs.add(CaptureQueue.job, [], at: now, tx)
    }

    /// Starts what waits, as far as there is room, and returns at once.
    package func look(_ desk: Desk) async throws {
        while true {
            let free = running.withLock { running -> Bool in
                guard running < settings.together else { return false }
                running += 1
                return true
            }
            guard free else { return }
            let owner = Crypto.hex(Crypto.random(8))
            let taken: EvidenceItem?
            do { taken = try await take(desk, owner) } catch {
                running.withLock { $0 -= 1 }
                throw error
            }
            guard let item = taken else {
                running.withLock { $0 -= 1 }
                return
            }
            Task {
                let renewing = Task {
                    while !Task.isCancelled {
                        try await Task.sleep(for: .seconds(CaptureQueue.lease / 3))
                        let until = desk.now.adding(seconds: CaptureQueue.lease)
                        _ = try? await desk.store.write { try $0.run("UPDATE evidence_leases SET until = \(until) WHERE item = \(item.id) AND owner = \(owner)") }
                    }
                }
                await self.run(item, desk)
                renewing.cancel()
                _ = try? await desk.store.write { try $0.run("DELETE FROM evidence_leases WHERE item = \(item.id) AND owner = \(owner)") }
                self.running.withLock { $0 -= 1 }
                try? await self.look(desk)
            }
        }
    }

    private func take(_ desk: Desk, _ owner: String) async throws -> EvidenceItem? {
        let now = desk.now
        let until = now.adding(seconds: CaptureQueue.lease)
        return try await desk.store.write { tx in
            guard
                let row = try tx.one(
                    """
                    SELECT id FROM evidence_items i WHERE ((state = 'waiting' AND (began_at IS NULL OR began_at <= \(now))) OR state = 'running')
                    AND NOT EXISTS (SELECT 1 FROM evidence_leases l WHERE l.item = i.id AND l.until > \(now)) ORDER BY id LIMIT 1
                    """),
                // Of two workers that look at once, one finds it taken.
                try tx.one(
                    """
                    INSERT INTO evidence_leases (item, until, owner) VALUES (\(row.int("id")), \(until), \(owner)) ON CONFLICT (item) DO UPDATE SET until = \(until), owner = \(owner)
                    WHERE evidence_leases.until <= \(now) RETURNING item
                    """) != nil,
                try tx.run("UPDATE evidence_items SET state = 'running', began_at = \(now), attempts = attempts + 1 WHERE id = \(row.int("id"))") == 1
            else { return nil }
            let item = try EvidenceItem.find(row.int("id"), tx)
            // One that was begun so often and never ended, takes the process with it: it is not begun again.
            if item.attempts > CaptureQueue.attempts {
                let failure = "取证进程多次异常终止\nThe process ended while it was captured, again and again"
                try tx.run("UPDATE evidence_items SET state = 'failed', failure = \(failure) WHERE id = \(item.id)")
                try Custody.record("failed", on: EvidenceItem.find(item.id, tx), by: .system, note: failure, at: now, tx)
                return nil
            }
            try tx.audit("evidence.begun", of: item.reference, by: "system", at: now, details: [("number", .string(item.number))], sealing: [.init("evidence_items", item.id)])
            return item
        }
    }

    /// Captures and seals one that was taken. Says what became of it, whatever that is.
    private func run(_ item: EvidenceItem, _ desk: Desk) async {
        do {
            let draft = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-\(item.number)-\(UInt64.random(in: 0 ... .max)).wacz")
            defer { try? FileManager.default.removeItem(at: draft) }
            var request = try CaptureRequest(item.url)
            (request.device, request.allowedHosts, request.chromium) = (item.device, settings.allowedHosts, settings.chromium)
            request.script = try item.script.split(whereSeparator: \.isNewline).map { line throws(Refusal) in try CaptureRequest.Step(String(line)) }
            let authorities = try TimestampAuthorities(settings.authorities, outbound: desk.outbound)
            var context = CaptureContext()
            context.software = "sinan \(SystemRoutes.version)"
            let (reference, officers) = try await desk.store.read { tx in (try item.matter.map { try tx.matter($0).number } ?? item.number, try item.officers(tx)) }
            (context.reference, context.officers, context.clock) = (reference, officers, await authorities.clock(desk.clock))
            let seen = try await Capture(request, clock: desk.clock).run()
            let packaging = Packaging(key: SealingKey(desk.keys), context: context, authorities: authorities)
            let receipt = try await packaging.seal(seen, to: draft, at: desk.now)
            let hash = try desk.files.keep([UInt8](Data(contentsOf: draft)))
            try await finish(item, receipt, seen, hash, desk)
        } catch {
            let text = (error as? Refusal)?.text ?? Text("\(error)", "\(error)")
            // What a rule refuses is refused again: only what may pass is tried again.
            let lasting = (error as? Refusal).map { $0.kind != .unavailable } ?? false
            let failure = "\(text.zh)\n\(text.en)"
            desk.logger.warning("capture", metadata: ["number": "\(item.number)", "error": "\(text.en)"])
            try? await fail(item, failure, lasting: lasting || item.attempts >= CaptureQueue.attempts, desk)
        }
    }

    private func finish(_ item: EvidenceItem, _ receipt: SealReceipt, _ seen: Captured, _ hash: String, _ desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            // Another that took it over meanwhile has it: what is sealed is never written over.
            try tx.change(
                """
                UPDATE evidence_items SET state = 'sealed', failure = NULL, title = \(String(seen.title.prefix(300))), final_url = \(String(seen.finalURL.prefix(4000))), file = \(hash),
                name = \("\(item.number).wacz"), size = \(Int64(receipt.bytes)), sm3 = \(Crypto.hex(receipt.digests.sm3)), digest = \(Crypto.hex(receipt.package.sha256)),
                digest_sm3 = \(Crypto.hex(receipt.package.sm3)), key = \(receipt.key), sealed_at = \(receipt.sealedAt)
                WHERE id = \(item.id) AND state = 'running' AND attempts = \(item.attempts)
                """)
            for stamp in receipt.stamps { try item.keep(stamp, tx) }
            try Custody.record("sealed", on: EvidenceItem.find(item.id, tx), by: .system, note: (receipt.notes + seen.notes).prefix(20).joined(separator: "; "), at: now, tx)
            // Its pictures are read, and its timestamp had, as soon as somebody looks.
            try Jobs.add(CaptureQueue.job, [], at: now, tx)
        }
        try? await CaptureQueue.locate(desk)
    }

    /// Finds the ledger's entries of what was sealed or taken in, and keeps where they are. The newest entries are looked at first.
    static func locate(_ desk: Desk) async throws {
        let found = try await desk.store.read { tx in
            try tx.all(
                "SELECT id, kind FROM evidence_items i WHERE state = 'sealed' AND NOT EXISTS (SELECT 1 FROM evidence_entries e WHERE e.item = i.id) ORDER BY id DESC LIMIT 20"
            ).compactMap { row -> (Int64, Int64)? in
                let act = row.string("kind") == "capture" ? "sealed" : "received"
                let pattern = "%\"act\":\"evidence.\(act)\",\"of\":\"evidence:\(row.int("id"))\"%"
                return try tx.one("SELECT idx FROM platform_ledger WHERE entry LIKE \(pattern) ORDER BY idx DESC LIMIT 1").map { (row.int("id"), $0.int("idx")) }
            }
        }
        guard !found.isEmpty else { return }
        try await desk.store.write { tx in
            for (item, index) in found { try tx.run("INSERT INTO evidence_entries (item, idx) VALUES (\(item), \(index)) ON CONFLICT (item) DO NOTHING") }
        }
    }

    private func fail(_ item: EvidenceItem, _ failure: String, lasting: Bool, _ desk: Desk) async throws {
        let now = desk.now
        let again = now.adding(seconds: Int64(30 << min(item.attempts, 6)))
        try await desk.store.write { tx in
            try tx.change(
                "UPDATE evidence_items SET state = \(lasting ? "failed" : "waiting"), failure = \(failure), began_at = \(again) WHERE id = \(item.id) AND state = 'running' AND attempts = \(item.attempts)"
            )
            try Custody.record("failed", on: EvidenceItem.find(item.id, tx), by: .system, note: failure, at: now, tx)
        }
    }
}
