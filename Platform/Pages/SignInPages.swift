import Formats
import Kernel
import Logging
import Store
import Web

/// Signing in and out, the second factor, one's own password and tokens (登录与账号安全).
package enum SignInPages {
    package static func routes(_ limit: RateLimit) -> [Route] {
        // Who sits at an open session guesses no faster than at the door.
        let guesses = RateLimit(burst: 5, perMinute: 1)
        return [
            Route(.get, "/signin", .anyone) { visit in visit.account.map { .redirect(Visit.home($0, visit.desk.permissions)) } ?? signIn(visit, nil, login: nil) },
            Route(.post, "/signin", .anyone) { visit in
                let form = try visit.exchange.form()
                do {
                    try limit.take("signin|" + visit.exchange.peer, at: visit.desk.now)
                    let token = try await attempt(visit, form)
                    return Answer.redirect(form["to"] ?? "/signin").setting(
                        cookie: Front.sessionCookie, to: token, maxAge: Int(SignIn.lifetime), secure: visit.desk.configuration.secureCookies)
                } catch let refusal as Refusal {
                    return signIn(visit, refusal, login: form["login"])
                }
            },
            Route(.post, "/signout", .anyone) { visit in
                if let token = visit.sessionToken { _ = try await visit.desk.store.write { try SignIn.close(session: token, $0) } }
                return Answer.redirect("/").setting(cookie: Front.sessionCookie, to: "", maxAge: 0, secure: visit.desk.configuration.secureCookies)
            },
            Route(.get, "/signin/oidc", .anyone) { visit in
                guard let openID = visit.desk.openID else { throw Refusal.notFound }
                try limit.take("signin|" + visit.exchange.peer, at: visit.desk.now)
                do { return try await openID.begin(visit, to: visit.exchange.query["to"] ?? "/signin", linking: nil) } catch let error where !(error is Refusal) {
                    return unreachable(visit, error)
                }
            },
            Route(.get, "/signin/oidc/back", .anyone) { visit in
                guard let openID = visit.desk.openID else { throw Refusal.notFound }
                try limit.take("signin|" + visit.exchange.peer, at: visit.desk.now)
                do { return try await openID.end(visit) } catch let refusal as Refusal { return signIn(visit, refusal, login: nil) } catch { return unreachable(visit, error) }
            },
            Route(.get, "/account/identity", .signedIn) { visit in
                guard let openID = visit.desk.openID else { throw Refusal.notFound }
                do { return try await openID.begin(visit, to: "/account", linking: try visit.signedIn()) } catch let error where !(error is Refusal) {
                    return unreachable(visit, error)
                }
            },
            Route(.post, "/account/identity", .signedIn) { visit in
                let (account, now) = (try visit.signedIn(), visit.desk.now)
                try await visit.desk.store.write { try OpenID.unbind(account, at: now, $0) }
                return visit.redirect("/account", saying: Text("已解除绑定", "No identity is bound any more"))
            },
            Route(.get, "/account", .signedIn) { visit in try await own(visit, nil) },
            Route(.post, "/account/password", .signedIn) { visit in try await changePassword(visit, guesses) },
            Route(.post, "/account/second-factor", .signedIn) { visit in try await secondFactor(visit, guesses) },
        ]
    }

    private static func attempt(_ visit: Visit, _ form: Form) async throws -> String {
        let wrong = Refusal(.unauthenticated, Text("登录名、密码或动态口令不正确", "Login, password or code is wrong"))
        guard let login = form["login"], let password = form["password"] else { throw wrong }
        let now = visit.desk.now
        let claim = try await visit.desk.store.read { try SignIn.claim(login, $0) }
        let verdict = SignIn.judge(claim, password: password, code: form["code"], at: now)
        let peer = visit.exchange.peer
        guard let token = try await visit.desk.store.write({ try SignIn.settle(claim, verdict, at: now, peer: peer, $0) }) else { throw wrong }
        return token
    }

    private static func unreachable(_ visit: Visit, _ error: any Error) -> Answer {
        visit.desk.logger.warning("the identity provider cannot be reached", metadata: ["error": "\(error)"])
        return signIn(visit, Refusal(.unavailable, Text("暂时无法连接统一身份认证，请用密码登录或稍后再试", "The identity provider cannot be reached: use the password or try again later")), login: nil)
    }

    private static func signIn(_ visit: Visit, _ refusal: Refusal?, login: String?) -> Answer {
        visit.page(Text("工作人员登录", "Staff sign-in"), status: refusal == nil ? 200 : refusal!.kind.status, active: "/signin") { h in
            h.div("narrow") {
                h.h1(Text("工作人员登录", "Staff sign-in"))
                h.errorSummary(refusal)
                if let openID = visit.desk.openID {
                    h.p {
                        h.a(
                            Link.query("/signin/oidc", [("to", visit.exchange.query["to"].map(Link.local))]), "btn btn-primary w-100",
                            Text("使用\(openID.title)登录", "Sign in with \(openID.title)"))
                    }
                }
                visit.form(h, "/signin", "card card-body") {
                    if let to = visit.exchange.query["to"] ?? (try? visit.exchange.form()["to"]) { h.hidden("to", Link.local(to)) }
                    h.field("login", Text("登录名", "Login"), value: login, autocomplete: "username")
                    h.field("password", Text("密码", "Password"), value: nil, type: "password", autocomplete: "current-password")
                    h.field(
                        "code", Text("动态口令", "Code"), value: nil, hint: Text("已启用双因素验证的账号请填写", "Only where a second factor is set up"), required: false,
                        autocomplete: "one-time-code", inputmode: "numeric")
                    h.button(Text("登录", "Sign in"))
                }
                if visit.desk.configuration.isDemo { h.p("mt-3") { h.a("/demo", nil, Text("演示：以各岗位身份直接进入", "Demonstration: enter as one of the roles")) } }
            }
        }
    }

    private static func own(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let account = try visit.signedIn()
        let (enabled, email, hasFeed, isBound) = try await visit.desk.store.read { tx in
            let own = try tx.one("SELECT email, feed FROM platform_addresses WHERE account = \(account.id)")
            return (
                try tx.one("SELECT totp FROM platform_accounts WHERE id = \(account.id)")?.optionalBlob("totp") != nil, own?.optionalString("email"),
                own?.optionalString("feed") != nil,
                try tx.one("SELECT account FROM platform_identities WHERE account = \(account.id)") != nil
            )
        }
        // The secret of a set-up that is not finished is derived, not stored: the same until the code is confirmed.
        let secret = pendingSecret(visit, account)
        return visit.page(Text("账号与安全", "Account and security"), status: refusal?.kind.status ?? 200) { h in
            h.h1(Text("账号与安全", "Account and security"))
            h.errorSummary(refusal)
            h.div("two-columns") {
                h.card(Text("修改密码", "Change the password")) {
                    visit.form(h, "/account/password") {
                        h.field("old", Text("当前密码", "Current password"), value: nil, type: "password", autocomplete: "current-password")
                        h.field("new", Text("新密码", "New password"), value: nil, type: "password", hint: Text("至少10位", "At least 10 characters"), autocomplete: "new-password")
                        h.button(Text("修改", "Change"))
                    }
                }
                h.card(Text("双因素验证", "Second factor")) {
                    if enabled {
                        h.p(nil, Text("已启用。登录时需要填写动态口令。", "Set up: signing in asks for a code."))
                        visit.form(h, "/account/second-factor") {
                            h.hidden("step", "remove")
                            h.field("code", Text("动态口令", "Code"), value: nil, autocomplete: "one-time-code", inputmode: "numeric")
                            h.button(Text("停用", "Remove"), "btn btn-outline-danger")
                        }
                    } else {
                        let name = Link.encode("司南:\(account.login)")
                        h.p(nil, Text("用验证器应用扫描二维码，再填写显示的六位动态口令。", "Scan the code with an authenticator app, then give the six digits it shows."))
                        h.qrCode("otpauth://totp/\(name)?secret=\(TOTP.base32(secret))&issuer=Sinan", label: Text("验证器二维码", "Code for the authenticator"))
                        h.p("small text-muted") {
                            h.text(Text("无法扫描时手工输入：", "If you cannot scan, type: "))
                            h.element("code", text: TOTP.base32(secret))
                        }
                        visit.form(h, "/account/second-factor") {
                            h.hidden("step", "confirm")
                            h.field("code", Text("动态口令", "Code"), value: nil, autocomplete: "one-time-code", inputmode: "numeric")
                            h.button(Text("启用", "Set up"))
                        }
                    }
                }
                DeliveryPages.own(h, visit, email, hasFeed)
                if let openID = visit.desk.openID {
                    h.card(Text(verbatim: openID.title)) {
                        if isBound {
                            h.p(nil, Text("已绑定，可以用它登录。", "Bound: it signs you in."))
                            visit.form(h, "/account/identity") { h.button(Text("解除绑定", "Remove it"), "btn btn-outline-danger") }
                        } else {
                            h.p(nil, Text("绑定后可以用单位的统一身份登录。", "Once bound, your office's identity signs you in."))
                            h.p { h.a("/account/identity", "btn btn-outline-primary", Text("绑定", "Bind it")) }
                        }
                    }
                }
            }
        }
    }

    private static func pendingSecret(_ visit: Visit, _ account: Account) -> [UInt8] {
        Array(Crypto.hmacSHA256(key: visit.desk.keys.secret, Array("totp|\(account.id)|\(visit.sessionToken ?? "")".utf8)).prefix(20))
    }

    private static func changePassword(_ visit: Visit, _ guesses: RateLimit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            guard let new = form["new"], new.count >= 10 else { throw Refusal.invalid("/new", Text("新密码至少10位", "The new password has at least 10 characters")) }
            try guesses.take(account.mark, at: now)
            let claim = try await visit.desk.store.read { try SignIn.claim(account.login, $0) }
            guard let claim, let old = form["old"], Crypto.password(old, matches: claim.stored) else {
                throw Refusal.invalid("/old", Text("当前密码不正确", "The current password is wrong"))
            }
            let hash = Crypto.passwordHash(new)
            let keep = visit.sessionToken.map(Accounts.hash) ?? ""
            try await visit.desk.store.write { tx in
                try tx.change("UPDATE platform_accounts SET password = \(hash) WHERE id = \(account.id)")
                try tx.run("DELETE FROM platform_sessions WHERE account = \(account.id) AND token <> \(keep)")
                try tx.audit(
                    "accounts.password", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now, sealing: [.init("platform_accounts", account.id.raw)])
            }
            return visit.redirect("/account", saying: Text("密码已修改，其他设备已退出登录", "The password is changed; other devices are signed out"))
        } catch let refusal as Refusal { return try await own(visit, refusal) }
    }

    private static func secondFactor(_ visit: Visit, _ guesses: RateLimit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            try guesses.take(account.mark, at: now)
            let code = form["code"] ?? ""
            let wrong = Refusal.invalid("/code", Text("动态口令不正确，请核对手机时间", "The code is wrong: check the phone's clock"))
            if form["step"] == "remove" {
                let claim = try await visit.desk.store.read { try SignIn.claim(account.login, $0) }
                // A code that was used to come in is not used again.
                guard let claim, let secret = claim.totp, let step = TOTP.step(of: code, secret: secret, at: now), step > claim.totpStep else { throw wrong }
                try await visit.desk.store.write { tx in
                    try tx.change("UPDATE platform_accounts SET totp = NULL, totp_step = \(step) WHERE id = \(account.id) AND totp_step < \(step)")
                    try tx.audit(
                        "accounts.factor-removed", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now,
                        sealing: [.init("platform_accounts", account.id.raw)])
                }
            } else {
                let secret = pendingSecret(visit, account)
                guard let step = TOTP.step(of: code, secret: secret, at: now) else { throw wrong }
                try await visit.desk.store.write { tx in
                    try tx.change("UPDATE platform_accounts SET totp = \(secret), totp_step = \(step) WHERE id = \(account.id)")
                    try tx.audit(
                        "accounts.factor-added", of: Reference(kind: "account", id: account.id.raw), by: account.mark, at: now,
                        sealing: [.init("platform_accounts", account.id.raw)])
                }
            }
            return .redirect("/account")
        } catch let refusal as Refusal { return try await own(visit, refusal) }
    }
}

extension HTML {
    /// A QR code as an image with its meaning in words.
    package func qrCode(_ text: String, label: Text) {
        guard let (path, size) = QRCode.svgPath(text) else { return }
        element(
            "svg", "qr",
            [.role("img"), .label(say(label)), .init("viewBox", "0 0 \(size) \(size)"), .init("width", "180"), .init("height", "180"), .init("shape-rendering", "crispEdges")]
        ) {
            element("path", nil, [.init("d", path), .init("fill", "#111")]) {}
        }
    }
}
