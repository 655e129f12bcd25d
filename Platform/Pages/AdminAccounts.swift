import Formats
import Kernel
import Store
import Web

/// Accounts in the administration (账号管理): added, changed, given a new password, deactivated.
extension AdminPages {
    func accountList(_ h: HTML, _ visit: Visit, _ accounts: [Account], _ errors: HTML.Errors) {
        h.card(Text("账号", "Accounts")) {
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") { h.tr { for t in [Text("登录名", "Login"), Text("姓名", "Name"), Text("岗位", "Roles"), Text("辖区", "Region"), Text("状态", "State")] { h.th(t) } } }
                    h.element("tbody") {
                        for account in accounts {
                            h.tr {
                                h.td("number") { h.a("/admin/accounts/\(account.id)", nil, account.login) }
                                h.td(nil, account.name)
                                h.td(nil, account.roles.map { h.say($0.title) }.sorted().joined(separator: "、"))
                                h.td(nil, visit.region(account.region))
                                h.td {
                                    visit.form(h, "/admin/accounts/\(account.id)/active") {
                                        h.hidden("active", account.active ? "no" : "yes")
                                        h.button(
                                            account.active ? Text("停用", "Deactivate") : Text("启用", "Activate"), "btn btn-sm btn-outline-secondary",
                                            attributes: account.active
                                                ? [h.confirming(Text("停用后\(account.name)立即退出登录，确定停用？", "\(account.name) is signed out at once. Deactivate?"))] : [])
                                    }
                                }
                            }
                        }
                    }
                }
            }
            h.element("details", nil, [.init("open", if: !errors.isEmpty)]) {
                h.element("summary", text: h.say(Text("新增账号", "Add an account")))
                visit.form(h, "/admin/accounts", "mt-3") {
                    h.field("login", Text("登录名", "Login"), value: nil, errors: errors, autocomplete: "off")
                    h.field("name", Text("姓名", "Name"), value: nil, errors: errors, autocomplete: "off")
                    h.field("password", Text("初始密码", "First password"), value: nil, type: "password", errors: errors, autocomplete: "new-password")
                    h.select("role", Text("岗位", "Role"), options: Role.allCases.map { ($0.rawValue, $0.title) }, value: nil, errors: errors, empty: Text("请选择", "Choose"))
                    region(h, visit, visit.desk.configuration.cityRegion, errors)
                    h.button(Text("新增", "Add"))
                }
            }
        }
    }

    func addAccount(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("accounts.change")
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let new = Accounts.New(
                login: form["login"] ?? "", name: form["name"] ?? "", roles: [form["role"].flatMap { Role(rawValue: $0) }].compactMap { $0 }, region: form["region"] ?? "",
                password: form["password"] ?? "")
            try Accounts.check(new)
            let hash = Crypto.passwordHash(new.password)
            try await visit.desk.store.write { try Accounts.add(new, hash: hash, at: now, by: officer.mark, $0) }
            return visit.redirect("/admin", saying: Text("已新增账号\(new.login)", "The account \(new.login) was added"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await overview(visit, refusal, of: "account", form) }
    }

    func setActive(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("accounts.change")
        let id = try visit.exchange.id(of: Account.self)
        let on = try visit.exchange.form()["active"] == "yes"
        guard on || id != officer.id else { throw Refusal(.conflict, Text("不能停用自己的账号", "You cannot deactivate your own account")) }
        let now = visit.desk.now
        try await visit.desk.store.write { tx in
            try tx.change("UPDATE platform_accounts SET active = \(on) WHERE id = \(id)")
            if !on { try tx.run("DELETE FROM platform_sessions WHERE account = \(id)") }
            try tx.audit(
                on ? "accounts.activated" : "accounts.deactivated", of: Reference(kind: "account", id: id.raw), by: officer.mark, at: now,
                sealing: [.init("platform_accounts", id.raw)])
        }
        return .redirect("/admin")
    }

    private func region(_ h: HTML, _ visit: Visit, _ value: String, _ errors: HTML.Errors) {
        let (city, regions) = (visit.desk.configuration.cityRegion, visit.desk.regions)
        let below = regions.districts(of: city).flatMap { [$0.code] + regions.children(of: $0.code).map(\.code) }
        h.select(
            "region", Text("辖区", "Region"),
            options: [(city, Text(verbatim: visit.region(city)))] + below.map { ($0, Text(regions.path($0, in: .zh), regions.path($0, in: .en))) }, value: value, errors: errors)
    }

    func account(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let id = try visit.exchange.id(of: Account.self)
        guard let account = try await visit.desk.store.read({ try Accounts.find(id, $0) }) else { throw Refusal.notFound }
        let errors = HTML.Errors(refusal)
        return visit.page(Text(verbatim: account.name), status: refusal?.kind.status ?? 200, active: "/admin") { h in
            h.div("narrow") {
                h.p("crumbs") { h.a("/admin", nil, Text("系统管理", "Administration")) }
                h.h1(Text("变更账号 \(account.login)", "Change the account \(account.login)"))
                h.errorSummary(refusal)
                visit.form(h, "/admin/accounts/\(account.id)", "card card-body") {
                    h.field("name", Text("姓名", "Name"), value: sent?["name"] ?? account.name, errors: errors, autocomplete: "off")
                    h.element("fieldset", "mb-3", [.id("f-role")]) {
                        h.element("legend", "form-label", text: h.say(Text("岗位", "Roles")))
                        if let error = errors["role"] { h.element("div", "text-danger small", text: h.say(error)) }
                        h.div("claim-grid") {
                            for role in Role.allCases {
                                h.checkbox("role", role.title, value: role.rawValue, checked: sent?.all("role").contains(role.rawValue) ?? account.roles.contains(role))
                            }
                        }
                    }
                    region(h, visit, sent?["region"] ?? account.region, errors)
                    h.field(
                        "password", Text("新密码", "New password"), value: nil, type: "password", hint: Text("留空则不变；至少10位", "Left empty it stays; at least 10 characters"),
                        errors: errors, required: false, autocomplete: "new-password")
                    h.checkbox("factor", Text("停用其动态口令（手机遗失时）", "Remove the second factor (a lost phone)"), value: "remove", checked: false)
                    h.p("text-muted small", Text("保存后该账号的登录立即失效，需重新登录。", "Its sessions end at once: the person signs in again."))
                    h.button(Text("保存", "Save"))
                    h.a("/admin", "btn btn-outline-secondary mt-2", Text("取消", "Cancel"))
                }
            }
        }
    }

    func changeAccount(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("accounts.change")
        let id = try visit.exchange.id(of: Account.self)
        let form = try visit.exchange.form()
        let (now, roles) = (visit.desk.now, form.all("role").compactMap { Role(rawValue: $0) })
        do {
            guard id != officer.id || roles.contains(.admin) else { throw Refusal.invalid("/role", Text("不能取消自己的管理员岗位", "You cannot take the administrator's role from yourself")) }
            let regions = visit.desk.regions
            guard let region = form["region"], region == visit.desk.configuration.cityRegion || regions.isKnown(region) else {
                throw Refusal.invalid("/region", Text("请选择辖区", "Choose a region"))
            }
            let change = Accounts.Change(
                name: form["name"] ?? "", roles: roles, region: region, password: form["password"], removesFactor: form["factor"] == "remove")
            let hash = try change.hash()
            try await visit.desk.store.write { try Accounts.change(id, change, hash: hash, by: officer.mark, at: now, $0) }
            return visit.redirect("/admin", saying: Text("账号已变更", "The account was changed"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await account(visit, refusal, form) }
    }
}
