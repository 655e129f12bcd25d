import Kernel
import Logging
import Platform
import Store

/// Captures that are asked for by the house itself (自动取证): a lead's page, sealed before anybody is told.
///
/// They stand under an account that nobody can sign in with, so that no officer's name is on what no officer did.
enum AutomaticCapture {
    /// A job of ours that others add: `matter`, `url`, `purpose`.
    static let job = "evidence.wanted"
    static let login = "automatic-capture"

    static func ask(_ payload: JSON, _ queue: CaptureQueue, _ desk: Desk) async throws {
        guard let matter = payload["matter"]?.int.map(Int64.init), let url = payload["url"]?.string else { return }
        var request = CaptureQueue.Asked(url: url)
        request.purpose = payload["purpose"]?.string ?? ""
        do { try request.check() } catch {
            desk.logger.notice("not captured by itself", metadata: ["url": "\(url.prefix(200))", "why": "\(error.text.en)"])
            return
        }
        let (asked, now, region) = (request, desk.now, desk.configuration.cityRegion)
        try await desk.store.write { tx in
            var request = asked
            request.matter = try tx.one("SELECT * FROM casework_matters WHERE id = \(matter)").map(Matter.init)
            // Once a page and matter: what is asked for again is asked for by people.
            guard let found = request.matter, try tx.one("SELECT id FROM evidence_items WHERE matter = \(found.id) AND url = \(url)") == nil else { return }
            _ = try queue.ask(request, by: account(region, at: now, tx), actor: .system, at: now, tx)
        }
    }

    private static func account(_ region: String, at now: Moment, _ tx: Transaction) throws -> Account {
        if let account = try Accounts.find(login: login, tx) { return account }
        let id = try Accounts.add(.init(login: login, name: "自动取证", roles: [], region: region, password: ""), hash: "", at: now, by: "system", tx)
        try Accounts.change(id, .init(active: false), hash: nil, by: "system", at: now, tx)
        guard let account = try Accounts.find(id, tx) else { throw Fault("no account for automatic captures") }
        return account
    }
}
