import Formats
import Foundation
import JWTKit
import Kernel
import Logging
import Outbound
import Store
import Synchronization
import Web

/// Signing in through the office's own identity provider (统一身份认证): OpenID Connect, the code flow with PKCE and a nonce.
///
/// Who somebody is here stands in this database alone: a subject of the provider is bound to an account by its holder, who signed in
/// with the password, or at the first sign-in where the administrator named a claim that carries logins.
package struct OpenID: Sendable {
    package let issuer: String
    package let client: String
    package let secret: String
    /// The claim whose value is a login here; nil: only bound subjects come in.
    package let claim: String?
    package let title: String
    private let cache = OpenIDCache()

    package init(issuer: String, client: String, secret: String, claim: String?, title: String) {
        (self.issuer, self.client, self.secret, self.claim, self.title) = (issuer, client, secret, claim, title)
    }

    static let cookie = "sinan_oidc"
    private static let lifetime: Int64 = 600

    /// What the provider publishes of itself.
    struct Provider: Sendable {
        let authorization: String
        let token: String
        let keys: String
    }

    /// For whom a token is: one name, or a list. The library's own type ends the program where a list is empty.
    private struct Audience: Codable {
        let all: [String]
        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            all = try (try? [value.decode(String.self)]) ?? value.decode([String].self)
        }
        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            try value.encode(all)
        }
    }
    private struct Claims: JWTPayload {
        let iss: String
        let aud: Audience
        let exp: ExpirationClaim
        let sub: String
        let nonce: String?
        let azp: String?
        func verify(using algorithm: some JWTAlgorithm) async throws {}
    }

    private func fetch(_ url: String, _ way: Outbound) async throws -> JSON {
        let answer = try await way.request("GET", url, headers: [("Accept", "application/json")])
        guard answer.status == 200, let json = try? JSON(parsing: answer.body) else { throw Fault("\(url) answered \(answer.status)") }
        return json
    }

    private func provider(_ desk: Desk) async throws -> Provider {
        if let known = cache.provider(at: desk.now) { return known }
        let json = try await fetch(issuer.trimmingSuffix("/") + "/.well-known/openid-configuration", desk.outbound)
        guard json["issuer"]?.string?.trimmingSuffix("/") == issuer.trimmingSuffix("/"), let authorization = json["authorization_endpoint"]?.string,
            let token = json["token_endpoint"]?.string, let keys = json["jwks_uri"]?.string
        else { throw Fault("the provider's configuration is not that of \(issuer)") }
        let provider = Provider(authorization: authorization, token: token, keys: keys)
        cache.keep(provider, at: desk.now)
        return provider
    }

    /// 转往统一身份认证. What belongs to this one attempt goes into a sealed cookie of this browser.
    func begin(_ visit: Visit, to: String, linking account: Account?) async throws -> Answer {
        let desk = visit.desk
        let provider = try await provider(desk)
        let (state, nonce, verifier) = (Crypto.hex(Crypto.random(16)), Crypto.hex(Crypto.random(16)), Crypto.hex(Crypto.random(32)))
        let kept = JSON.object([
            ("state", .string(state)), ("nonce", .string(nonce)), ("verifier", .string(verifier)), ("to", .string(Link.local(to))),
            ("until", .int(Int(desk.now.milliseconds / 1000 + Self.lifetime))),
            ("link", .string(account.map { String($0.id.raw) } ?? "")),
        ])
        let sealed = Crypto.seal(Array(kept.text.utf8), key: key(desk), context: Array("oidc".utf8))
        let challenge = Data(Crypto.sha256(Array(verifier.utf8))).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
        let url = Link.query(
            provider.authorization,
            [
                ("response_type", "code"), ("client_id", client), ("redirect_uri", back(visit)), ("scope", "openid profile email"), ("state", state), ("nonce", nonce),
                ("code_challenge", challenge), ("code_challenge_method", "S256"),
            ])
        return Answer.away(url).setting(cookie: Self.cookie, to: Crypto.hex(sealed), maxAge: Int(Self.lifetime), secure: desk.configuration.secureCookies)
    }

    private func back(_ visit: Visit) -> String { visit.exchange.origin + "/signin/oidc/back" }
    private func key(_ desk: Desk) -> [UInt8] { Crypto.hmacSHA256(key: desk.keys.secret, Array("oidc".utf8)) }

    /// 认证返回. Returns where to go, with a session or, for one who binds, without.
    func end(_ visit: Visit) async throws -> Answer {
        let (desk, query) = (visit.desk, visit.exchange.query)
        let stale = Refusal(.unauthenticated, Text("登录请求已失效，请重新登录", "This sign-in has lapsed: please begin again"))
        guard let sealed = visit.exchange.cookies[Self.cookie].flatMap({ Crypto.bytes(hex: $0) }), let plain = Crypto.open(sealed, key: key(desk), context: Array("oidc".utf8)),
            let kept = try? JSON(parsing: plain), let state = kept["state"]?.string, query["state"] == state, Int64(kept["until"]?.int ?? 0) > desk.now.milliseconds / 1000
        else { throw stale }
        guard let code = query["code"] else {
            throw Refusal(.unauthenticated, Text("统一身份认证未通过：\(query["error"] ?? "")", "The identity provider refused: \(query["error"] ?? "")"))
        }
        let subject = try await identify(code, verifier: kept["verifier"]?.string ?? "", nonce: kept["nonce"]?.string ?? "", visit)
        let now = desk.now
        let clear: @Sendable (Answer) -> Answer = { $0.setting(cookie: Self.cookie, to: "", maxAge: 0, secure: desk.configuration.secureCookies) }
        if let link = kept["link"]?.string.flatMap({ Int64($0) }) {
            // Who binds is who began to: the same browser, still signed in.
            guard let account = visit.account, account.id.raw == link else { throw stale }
            try await desk.store.write { try bind(subject.sub, to: account, at: now, $0) }
            return clear(visit.redirect("/account", saying: Text("已绑定统一身份", "Bound to your identity")))
        }
        let (issuer, claim) = (issuer, claim)
        let token = try await desk.store.write { tx -> String in
            if let row = try tx.one(
                "SELECT p.* FROM platform_identities i JOIN platform_accounts p ON p.id = i.account WHERE i.issuer = \(issuer) AND i.subject = \(subject.sub) AND p.active = 1")
            {
                return try SignIn.open(row.int("id"), secondFactor: false, at: now, tx)
            }
            guard claim != nil, let login = subject.login, let account = try Accounts.find(login: login, tx), account.active else {
                throw Refusal(
                    .unauthenticated,
                    Text(
                        "该统一身份没有绑定账号。请先用密码登录，在“账号与安全”中绑定；或者请管理员开通。",
                        "No account is bound to this identity. Sign in with the password and bind it under “Account”, or ask an administrator."))
            }
            try bind(subject.sub, to: account, at: now, tx)
            return try SignIn.open(account.id.raw, secondFactor: false, at: now, tx)
        }
        let answer = Answer.redirect(kept["to"]?.string ?? "/signin").setting(
            cookie: Front.sessionCookie, to: token, maxAge: Int(SignIn.lifetime), secure: desk.configuration.secureCookies)
        return clear(answer)
    }

    private func bind(_ subject: String, to account: Account, at now: Moment, _ tx: Transaction) throws {
        if let row = try tx.one("SELECT account FROM platform_identities WHERE issuer = \(issuer) AND subject = \(subject)") {
            guard row.int("account") == account.id.raw else { throw Refusal(.conflict, Text("该统一身份已绑定其他账号", "This identity is bound to another account")) }
            return
        }
        try tx.run("INSERT INTO platform_identities (issuer, subject, account, at) VALUES (\(issuer), \(subject), \(account.id), \(now))")
        try tx.audit("accounts.identity-bound", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now, details: [("issuer", .string(issuer))])
    }

    static func unbind(_ account: Account, at now: Moment, _ tx: Transaction) throws {
        guard try tx.run("DELETE FROM platform_identities WHERE account = \(account.id)") > 0 else { return }
        try tx.audit("accounts.identity-removed", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now)
    }

    /// The code for a token, the token for who it speaks of: signature, issuer, audience, time and nonce are all looked at.
    private func identify(_ code: String, verifier: String, nonce: String, _ visit: Visit) async throws -> (sub: String, login: String?) {
        let (desk, refused) = (visit.desk, Refusal(.unauthenticated, Text("统一身份认证未通过，请重试", "The identity provider's answer does not hold: please try again")))
        let provider = try await provider(desk)
        let form = Link.query(
            "", [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", back(visit)), ("code_verifier", verifier)]
        ).dropFirst()
        let basic = Data("\(Link.encode(client)):\(Link.encode(secret))".utf8).base64EncodedString()
        let answer = try await desk.outbound.request(
            "POST", provider.token, headers: [("Authorization", "Basic \(basic)"), ("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json")],
            body: Array(form.utf8))
        guard answer.status == 200, let json = try? JSON(parsing: answer.body), let token = json["id_token"]?.string else {
            desk.logger.warning("sign-in by OpenID failed", metadata: ["status": "\(answer.status)"])
            throw refused
        }
        let jwks = try await fetch(provider.keys, desk.outbound)
        let claims: Claims
        do {
            let keys = JWTKeyCollection()
            try await keys.add(jwks: JSONDecoder().decode(JWKS.self, from: Data(OpenID.withAlgorithms(jwks).text.utf8)))
            claims = try await keys.verify(token, as: Claims.self)
        } catch {
            desk.logger.warning("an OpenID token does not hold", metadata: ["error": "\(error)"])
            throw refused
        }
        let now = Double(desk.now.milliseconds) / 1000
        guard claims.iss.trimmingSuffix("/") == issuer.trimmingSuffix("/"), claims.aud.all.contains(client), claims.aud.all.count == 1 || claims.azp == client,
            claims.nonce == nonce,
            claims.exp.value.timeIntervalSince1970 > now - 60, !claims.sub.isEmpty
        else { throw refused }
        // Claims that carry a login are read from the part that was just verified.
        let body = token.split(separator: ".").dropFirst().first.map(String.init) ?? ""
        let padded = body.replacing("-", with: "+").replacing("_", with: "/") + String(repeating: "=", count: (4 - body.count % 4) % 4)
        let payload = Data(base64Encoded: padded).flatMap { try? JSON(parsing: Array($0)) }
        return (claims.sub, claim.flatMap { payload?[$0]?.string })
    }

    /// A key set may leave out what a key is for; RSA and P-256 keys then sign as nearly all providers do.
    private static func withAlgorithms(_ jwks: JSON) -> JSON {
        .object([
            (
                "keys",
                .array(
                    (jwks["keys"]?.array ?? []).filter { ["RSA", "EC", "OKP"].contains($0["kty"]?.string ?? "") && $0["use"]?.string != "enc" }.map { key in
                        guard key["alg"] == nil, case .object(let pairs) = key else { return key }
                        let algorithm = ["RSA": "RS256", "EC": "ES256", "OKP": "EdDSA"][key["kty"]?.string ?? ""] ?? "RS256"
                        return .object(pairs + [("alg", .string(algorithm))])
                    })
            )
        ])
    }
}

/// What was fetched of the provider, for ten minutes.
private final class OpenIDCache: Sendable {
    private let kept = Mutex<(OpenID.Provider, Moment)?>(nil)
    func provider(at now: Moment) -> OpenID.Provider? { kept.withLock { $0.flatMap { now.milliseconds - $0.1.milliseconds < 600_000 ? $0.0 : nil } } }
    func keep(_ provider: OpenID.Provider, at now: Moment) { kept.withLock { $0 = (provider, now) } }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> String { hasSuffix(suffix) ? String(dropLast(suffix.count)) : self }
}
