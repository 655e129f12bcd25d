import Formats
import Kernel
import Web

/// What the last act came to (提示), carried over a redirect and shown once: in a cookie with our mark, for a minute.
extension Visit {
    private static var saidCookie: String { "sinan_said" }

    /// Goes on to another page and says there what happened.
    /// - Parameter refused: that it did not happen, and why.
    package func redirect(_ path: String, saying text: Text, refused: Bool = false) -> Answer {
        let said = Link.encode((refused ? "-" : "+") + text[language])
        return .redirect(path).setting(cookie: Visit.saidCookie, to: "\(seal("said", said)).\(said)", maxAge: 60, secure: desk.configuration.secureCookies)
    }

    private var said: String? {
        guard let parts = exchange.cookies[Visit.saidCookie]?.split(separator: ".", maxSplits: 1).map(String.init), parts.count == 2,
            Crypto.equal(Array(parts[0].utf8), Array(seal("said", parts[1]).utf8))
        else { return nil }
        return try? Form.decode(Array(parts[1].utf8)[...])
    }

    private func said(_ h: HTML) {
        guard let said else { return }
        h.element("div", said.hasPrefix("-") ? "alert alert-danger" : "alert alert-success", [.role(said.hasPrefix("-") ? "alert" : "status")], text: String(said.dropFirst()))
    }

    private func saidOnce(_ answer: Answer) -> Answer {
        said == nil ? answer : answer.setting(cookie: Visit.saidCookie, to: "", maxAge: 0, secure: desk.configuration.secureCookies)
    }
}

extension Refusal {
    /// In one line: what is wrong with each field, or the whole.
    package var whole: Text {
        fields.isEmpty ? text : Text(fields.map(\.text.zh).joined(separator: "；"), fields.map(\.text.en).joined(separator: "; "))
    }
}

/// The page around every page (版式): head, navigation, language switch, foot. Public pages are wide and quiet, staff pages dense.
extension Visit {
    package func page(_ title: Text, status: Int = 200, active: String = "", scripts: [String] = [], refresh: Int? = nil, body: (HTML) -> Void) -> Answer {
        let h = HTML(language)
        let city = desk.configuration.cityName
        h.document(title: "\(title[language]) · \(h.say(Text("司南", "Sinan")))") {
            h.void("link", nil, [.init("rel", "stylesheet"), .init("href", house.assets.path("bootstrap.min.css"))])
            h.void("link", nil, [.init("rel", "stylesheet"), .init("href", house.assets.path("sinan.css"))])
            if let refresh { h.void("meta", nil, [.init("http-equiv", "refresh"), .init("content", String(refresh))]) }
            h.void("link", nil, [.init("rel", "icon"), .type("image/svg+xml"), .init("href", house.assets.path("mark.svg"))])
            for script in scripts + ["sinan.js"] { h.element("script", nil, [.init("src", house.assets.path(script)), .init("defer", if: true)]) {} }
        } body: {
            h.a("#main", "skip", Text("跳到正文", "Skip to content"))
            if desk.configuration.isDemo {
                h.div("demo-bar") {
                    h.text(Text("演示环境：数据均为虚构。", "Demonstration: all data is invented."))
                    h.a("/demo", nil, Text("以…身份进入", "Enter as…"))
                }
            }
            h.element("header", account == nil ? "site-head" : "site-head staff") {
                h.div("container-xl head-row") {
                    h.a(account.map { Visit.home($0, desk.permissions) } ?? "/", "brand") {
                        h.void("img", nil, [.init("src", house.assets.path("mark.svg")), .init("alt", ""), .init("width", "34"), .init("height", "34")])
                        h.span("brand-name", Text("司南", "Sinan"))
                        h.span("brand-office", account == nil ? Text("\(city.zh)市场监管公共服务", "\(city.en) Market Regulation Services") : desk.configuration.office)
                    }
                    navigation(h, active)
                }
            }
            h.element("main", account == nil ? "site-main" : "site-main staff", [.id("main")]) {
                h.div("container-xl") {
                    said(h)
                    body(h)
                }
            }
            foot(h)
        }
        return saidOnce(.page(h, status: status))
    }

    /// Where this page can be asked for again: what a refused form answers with stands at the address it was sent from.
    private var home: String {
        guard exchange.method == .post else { return exchange.path }
        if let moves = exchange.path.firstRange(of: "/moves/") { return String(exchange.path[..<moves.lowerBound]) }
        guard let from = exchange.header("Referer"), from.hasPrefix(exchange.origin + "/") else { return "/" }
        let path = String(from.dropFirst(exchange.origin.count).prefix { $0 != "?" && $0 != "#" })
        return path == exchange.path ? "/" : path
    }

    private func navigation(_ h: HTML, _ active: String) {
        h.element("nav", "head-nav", [.label(h.say(Text("主导航", "Main")))]) {
            func item(_ path: String, _ text: Text) {
                h.a(path, "nav-item" + (path == active ? " active" : ""), path == active ? [.init("aria-current", "page")] : []) { h.text(text) }
            }
            if let account {
                if may("casework.see") { item("/desk", Text("工作台", "Queue")) }
                for entry in house.menu where may(entry.permission) { item(entry.path, entry.title) }
                if may("operators.see") { item("/operators", Text("经营主体", "Operators")) }
                if may("ledger.see") { item("/ledger", Text("操作日志", "Ledger")) }
                if may("calendar.change") || may("office.change") || may("accounts.change") || may("templates.change") { item("/admin", Text("管理", "Admin")) }
                h.element("details", "who") {
                    h.element("summary") { h.text(account.name) }
                    h.div("who-menu") {
                        h.p("small text-muted", account.roles.map { $0.title[language] }.sorted().joined(separator: " · ") + " · " + region(account.region))
                        h.a("/account", nil, Text("账号与安全", "Account and security"))
                        h.element("form", nil, [.init("method", "post"), .init("action", "/signout")]) {
                            h.hidden("form_token", formToken)
                            h.button(Text("退出", "Sign out"), "btn btn-sm btn-outline-secondary")
                        }
                    }
                }
            } else {
                item("/complaints/new", Text("我要投诉", "Complain"))
                item("/track", Text("进度查询", "Track"))
                item("/signin", Text("工作人员登录", "Staff"))
            }
            h.a(
                Link.query("/language", [("to", language.other.rawValue), ("back", home)]), "nav-item lang", [.init("lang", language.other.tag), .init("rel", "nofollow")]
            ) {
                h.text(language == .zh ? "English" : "中文")
            }
        }
    }

    private func foot(_ h: HTML) {
        h.element("footer", "site-foot") {
            h.div("container-xl") {
                h.span(nil, desk.configuration.office)
                h.span(nil, Text("消费者投诉举报热线 \(desk.configuration.hotline)", "Consumer hotline \(desk.configuration.hotline)"))
                h.a("/law", nil, Text("期限与法律依据", "Periods and their law"))
                h.a("/api/openapi.json", nil, Text("开放接口", "API"))
            }
        }
    }

    /// A form that carries its token.
    package func form(_ h: HTML, _ action: String, _ cls: String? = nil, multipart: Bool = false, attributes: [HTML.Attribute] = [], body: () -> Void) {
        h.element("form", cls, [.init("method", "post"), .init("action", action), .init("enctype", multipart ? "multipart/form-data" : nil)] + attributes) {
            h.hidden("form_token", formToken)
            body()
        }
    }
}
