import Formats
import Kernel
import Store

/// Somebody who signs in (账号): roles and the region whose matters they see.
package struct Account: Sendable {
    package let id: ID<Account>
    package let login: String
    package let name: String
    package let roles: Set<Role>
    /// A division code: matters whose region begins with it are theirs to see.
    package let region: String
    package let active: Bool

    package func covers(_ region: String) -> Bool { region.hasPrefix(self.region) }
    /// Whether a matter of that region may be given to this account: it covers it, or works in an office below it.
    package func mayTake(_ region: String) -> Bool { covers(region) || self.region.hasPrefix(region) }
    package var mark: String { "account:\(id)" }

    init(_ row: Row) {
        id = row.id("id")
        login = row.string("login")
        name = row.string("name")
        roles = Set(row.string("roles").split(separator: ",").compactMap { Role(rawValue: String($0)) })
        region = row.string("region")
        active = row.bool("active")
    }
}

/// Making and finding accounts. A password is kept as its scrypt hash only.
package enum Accounts {
    package struct New: Sendable {
        package let login: String
        package let name: String
        package let roles: [Role]
        package let region: String
        package let password: String
        package init(login: String, name: String, roles: [Role], region: String, password: String) {
            self.login = login
            self.name = name
            self.roles = roles
            self.region = region
            self.password = password
        }
    }

    /// - Errors: a login that is taken or malformed, a password under ten characters, no role: each by its field.
    package static func check(_ new: New) throws(Refusal) {
        var wrong: [Refusal.Field] = []
        if !(2...32).contains(new.login.count) || !new.login.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }) {
            wrong.append(.init("/login", Text("登录名应为2至32位字母、数字、点、横线", "A login has 2 to 32 letters, digits, dots or dashes")))
        }
        if new.name.isEmpty || new.name.count > 60 { wrong.append(.init("/name", Text("请填写姓名（60字以内）", "Give a name of at most 60 characters"))) }
        if new.password.count < 10 { wrong.append(.init("/password", Text("密码至少10位", "A password has at least 10 characters"))) }
        if new.roles.isEmpty { wrong.append(.init("/role", Text("请至少选择一个岗位", "Choose at least one role"))) }
        if !new.region.allSatisfy(\.isNumber) { wrong.append(.init("/region", Text("辖区应为行政区划代码", "A region is a division code"))) }
        if !wrong.isEmpty { throw .invalid(wrong) }
    }

    /// What is to change of an account; nil stays as it is.
    package struct Change: Sendable {
        package var name: String?
        package var roles: [Role]?
        package var region: String?
        package var active: Bool?
        package var password: String?
        package var removesFactor: Bool
        package init(name: String? = nil, roles: [Role]? = nil, region: String? = nil, active: Bool? = nil, password: String? = nil, removesFactor: Bool = false) {
            self.name = name
            self.roles = roles
            self.region = region
            self.active = active
            self.password = password
            self.removesFactor = removesFactor
        }

        /// Checks all, and hashes the password before any transaction.
        /// - Errors: a name or role that is missing, a short password, by field.
        package func hash() throws(Refusal) -> String? {
            try Accounts.check(New(login: "any", name: name ?? "any", roles: roles ?? [.clerk], region: region ?? "", password: password ?? "0123456789"))
            return password.map { Crypto.passwordHash($0) }
        }
    }

    /// Changes an account; its sessions end, a new password lifts a lock-out.
    package static func change(_ id: ID<Account>, _ change: Change, hash: String?, by actor: String, at now: Moment, _ tx: Transaction) throws {
        if let name = change.name { try tx.change("UPDATE platform_accounts SET name = \(name) WHERE id = \(id)") }
        if let roles = change.roles { try tx.change("UPDATE platform_accounts SET roles = \(roles.map(\.rawValue).joined(separator: ",")) WHERE id = \(id)") }
        if let region = change.region { try tx.change("UPDATE platform_accounts SET region = \(region) WHERE id = \(id)") }
        if let active = change.active { try tx.change("UPDATE platform_accounts SET active = \(active) WHERE id = \(id)") }
        if let hash { try tx.change("UPDATE platform_accounts SET password = \(hash), failures = 0, locked_until = 0 WHERE id = \(id)") }
        if change.removesFactor { try tx.change("UPDATE platform_accounts SET totp = NULL WHERE id = \(id)") }
        try tx.run("DELETE FROM platform_sessions WHERE account = \(id)")
        var changed: [(String, JSON)] = []
        if let roles = change.roles { changed.append(("roles", .string(roles.map(\.rawValue).joined(separator: ",")))) }
        if let region = change.region { changed.append(("region", .string(region))) }
        if hash != nil { changed.append(("password", .bool(true))) }
        if change.removesFactor { changed.append(("factor", .string("removed"))) }
        try tx.audit("accounts.changed", of: Reference(kind: "account", id: id.raw), by: actor, at: now, details: changed, sealing: [.init("platform_accounts", id.raw)])
    }

    /// The hash is made before the transaction: it takes a tenth of a second on purpose.
    @discardableResult
    package static func add(_ new: New, hash: String, at now: Moment, by actor: String, _ tx: Transaction) throws -> ID<Account> {
        guard try tx.one("SELECT id FROM platform_accounts WHERE login = \(new.login)") == nil else {
            throw Refusal.invalid("/login", Text("登录名“\(new.login)”已被使用", "The login “\(new.login)” is taken"))
        }
        let id = try tx.insert(
            """
            INSERT INTO platform_accounts (login, name, roles, region, password, created_at)
            VALUES (\(new.login), \(new.name), \(new.roles.map(\.rawValue).joined(separator: ",")), \(new.region), \(hash), \(now)) RETURNING id
            """)
        try tx.audit(
            "accounts.added", of: Reference(kind: "account", id: id), by: actor, at: now,
            details: [("login", .string(new.login)), ("roles", .string(new.roles.map(\.rawValue).joined(separator: ",")))],
            sealing: [.init("platform_accounts", id)])
        return ID(id)
    }

    package static func all(_ tx: Transaction) throws -> [Account] { try tx.all("SELECT * FROM platform_accounts ORDER BY login").map(Account.init) }
    package static func find(login: String, _ tx: Transaction) throws -> Account? { try tx.one("SELECT * FROM platform_accounts WHERE login = \(login)").map(Account.init) }
    package static func find(_ id: ID<Account>, _ tx: Transaction) throws -> Account? { try tx.one("SELECT * FROM platform_accounts WHERE id = \(id)").map(Account.init) }

    /// Names by key, for lists.
    package static func names(_ ids: [Int64], _ tx: Transaction) throws -> [Int64: String] {
        guard !ids.isEmpty else { return [:] }
        return Dictionary(
            uniqueKeysWithValues: try tx.all("SELECT id, name FROM platform_accounts WHERE id IN (\(list: Array(Set(ids))))").map { ($0.int("id"), $0.string("name")) })
    }

    /// A bearer token for programs: shown once, kept as its hash.
    package static func token(for login: String, label: String, at now: Moment, _ tx: Transaction) throws -> String {
        guard let account = try find(login: login, tx), account.active else { throw Refusal.invalid("/login", Text("没有账号“\(login)”", "There is no account “\(login)”")) }
        let token = "sinan_" + Crypto.hex(Crypto.random(24))
        let id = try tx.insert("INSERT INTO platform_tokens (token, account, label, created_at) VALUES (\(hash(token)), \(account.id), \(label), \(now)) RETURNING id")
        try tx.audit("accounts.token", of: Reference(kind: "token", id: id), by: account.mark, at: now, sealing: [.init("platform_tokens", id)])
        return token
    }
    package static func hash(_ token: String) -> String { Crypto.hex(Crypto.sha256(Array(token.utf8))) }
}
