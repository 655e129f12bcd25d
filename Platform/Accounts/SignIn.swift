import Formats
import Kernel
import Store

/// Signing in (登录): password, second factor, lock-out that doubles.
package enum SignIn {
    package static let lifetime: Int64 = 12 * 3600
    static let freeTries = 4

    /// How long an account is locked after so many failures in a row: 30 s after the fifth, doubling to a day.
    package static func lock(afterFailures n: Int) -> Int64 {
        guard n > freeTries else { return 0 }
        return min(86_400, 30 << Int64(min(12, n - freeTries - 1)))
    }

    package struct Claim: Sendable {
        let id: Int64
        let stored: String
        let totp: [UInt8]?
        let totpStep: Int64
        let lockedUntil: Moment
        let active: Bool
    }

    /// A hash that no password has, so that an unknown login takes as long as a known one.
    private static let nobody = Crypto.passwordHash("\u{1}", salt: [UInt8](repeating: 7, count: 16))

    package static func claim(_ login: String, _ tx: Transaction) throws -> Claim? {
        try tx.one("SELECT * FROM platform_accounts WHERE login = \(login)").map {
            Claim(
                id: $0.int("id"), stored: $0.string("password"), totp: $0.optionalBlob("totp"), totpStep: $0.int("totp_step"), lockedUntil: $0.moment("locked_until"),
                active: $0.bool("active"))
        }
    }

    /// Pure but for the time a hash takes: whether password and code are right.
    package static func judge(_ claim: Claim?, password: String, code: String?, at now: Moment) -> (ok: Bool, step: Int64?) {
        let right = Crypto.password(password, matches: claim?.stored ?? nobody)
        guard let claim, claim.active, right else { return (false, nil) }
        guard let secret = claim.totp else { return (true, nil) }
        guard let code, let step = TOTP.step(of: code, secret: secret, at: now), step > claim.totpStep else { return (false, nil) }
        return (true, step)
    }

    /// Writes down what came of it. Returns the new session's token.
    package static func settle(_ claim: Claim?, _ verdict: (ok: Bool, step: Int64?), at now: Moment, peer: String, _ tx: Transaction) throws -> String? {
        guard let earlier = claim, let row = try tx.one("SELECT * FROM platform_accounts WHERE id = \(earlier.id)") else { return nil }
        // As it is now: guesses that ran beside this one have been counted, a code that was used has been marked.
        let claim = Claim(
            id: earlier.id, stored: row.string("password"), totp: row.optionalBlob("totp"), totpStep: row.int("totp_step"), lockedUntil: row.moment("locked_until"),
            active: row.bool("active"))
        var verdict = verdict
        if claim.stored != earlier.stored || (verdict.step ?? .max) <= claim.totpStep { verdict = (false, nil) }
        if claim.lockedUntil > now {
            let minutes = max(1, (claim.lockedUntil.milliseconds - now.milliseconds + 59_999) / 60_000)
            throw Refusal(.tooMany, Text("多次登录失败，请\(minutes)分钟后再试", "Too many failures: try again in \(minutes) min"))
        }
        guard verdict.ok else {
            let failures = Int(try tx.one("UPDATE platform_accounts SET failures = failures + 1 WHERE id = \(claim.id) RETURNING failures")?.int("failures") ?? 0)
            let until = now.adding(seconds: lock(afterFailures: failures))
            try tx.run("UPDATE platform_accounts SET locked_until = \(until) WHERE id = \(claim.id)")
            try tx.audit(
                "accounts.refused", of: Reference(kind: "account", id: claim.id), by: "visitor", at: now, details: [("from", .string(peer))],
                sealing: [.init("platform_accounts", claim.id)])
            return nil
        }
        try tx.run("UPDATE platform_accounts SET failures = 0, locked_until = 0, totp_step = \(verdict.step ?? claim.totpStep) WHERE id = \(claim.id)")
        return try open(claim.id, secondFactor: verdict.step != nil, at: now, tx)
    }

    /// A fresh session: signing in never keeps the token that a visitor came with.
    package static func open(_ account: Int64, secondFactor: Bool, at now: Moment, _ tx: Transaction) throws -> String {
        let token = Crypto.hex(Crypto.random(32))
        try tx.run("DELETE FROM platform_sessions WHERE expires_at < \(now)")
        try tx.run(
            """
            INSERT INTO platform_sessions (token, account, second_factor, created_at, seen_at, expires_at)
            VALUES (\(Accounts.hash(token)), \(account), \(secondFactor), \(now), \(now), \(now.adding(seconds: lifetime)))
            """)
        try tx.audit("accounts.signed-in", of: Reference(kind: "account", id: account), by: "account:\(account)", at: now, sealing: [.init("platform_accounts", account)])
        return token
    }

    package static func account(session token: String, at now: Moment, _ tx: Transaction) throws -> Account? {
        try tx.one(
            """
            SELECT a.* FROM platform_sessions s JOIN platform_accounts a ON a.id = s.account
            WHERE s.token = \(Accounts.hash(token)) AND s.expires_at > \(now) AND a.active = 1
            """
        ).map(Account.init)
    }
    package static func account(bearer token: String, _ tx: Transaction) throws -> Account? {
        try tx.one(
            """
            SELECT a.* FROM platform_tokens t JOIN platform_accounts a ON a.id = t.account
            WHERE t.token = \(Accounts.hash(token)) AND t.revoked_at IS NULL AND a.active = 1
            """
        ).map(Account.init)
    }
    package static func close(session token: String, _ tx: Transaction) throws {
        try tx.run("DELETE FROM platform_sessions WHERE token = \(Accounts.hash(token))")
    }
}
