import Formats
import Kernel
import Store
import Web

/// The same write asked for twice (幂等): with the same `Idempotency-Key`, the second gets the first one's answer.
package struct Idempotency: Sendable {
    private let token: String?
    private let request: String

    /// - Errors: a key that is empty or longer than 200 characters.
    package init(_ visit: Visit) throws(Refusal) {
        let key = visit.exchange.header("Idempotency-Key")
        if let key, key.isEmpty || key.count > 200 { throw .invalid("/Idempotency-Key", Text("应为1至200个字符", "has 1 to 200 characters")) }
        // A key is its owner's: an account's, or an address's where nobody signed in; and it belongs to one address of ours.
        token = key.map { Crypto.hex(Crypto.sha256(Array("\(visit.account?.mark ?? visit.exchange.peer)|\(visit.exchange.path)|\($0)".utf8)).prefix(16)) }
        request = Crypto.hex(Crypto.sha256(visit.exchange.body).prefix(16))
    }

    /// Runs the act once, in the act's own transaction.
    /// - Errors: `conflict` where the same key comes with another body.
    package func answer(at now: Moment, _ tx: Transaction, _ act: () throws -> (Int, JSON)) throws -> (Int, JSON) {
        guard let token else { return try act() }
        if let old = try tx.one("SELECT request, status, body FROM platform_idempotency WHERE token = \(token)") {
            guard old.string("request") == request else { throw Refusal(.conflict, Text("同一幂等键用于不同内容", "The same idempotency key came with another body")) }
            return (old.count("status"), try JSON(parsing: Array(old.string("body").utf8)))
        }
        let (status, body) = try act()
        try tx.run("INSERT INTO platform_idempotency (token, request, status, body, at) VALUES (\(token), \(request), \(status), \(body.text), \(now))")
        return (status, body)
    }
}
