import ArgumentParser
import Formats
import Foundation
import Kernel
import Platform
import Store

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Accounts of staff.", subcommands: [Add.self, Set.self, List.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Adds an account; the password is made and shown once, or read from standard input.")
        @OptionGroup var database: DatabaseOptions
        @Option(help: "Login") var login: String
        @Option(help: "Name") var name: String
        @Option(help: "Role; may be repeated: \(Role.allCases.map(\.rawValue).joined(separator: ", "))") var role: [Role]
        @Option(help: "Division code whose matters the account sees") var region = ""
        @Flag(name: .customLong("password-stdin"), help: "Read the password from standard input") var passwordFromInput = false

        func run() async throws {
            let office = try await Opening.open(database, migrating: true)
            let made = passwordFromInput ? nil : Crypto.hex(Crypto.random(8))
            let password = made ?? readLine(strippingNewline: true) ?? ""
            let new = Platform.Accounts.New(login: login, name: name, roles: role, region: region, password: password)
            try Platform.Accounts.check(new)
            let hash = Crypto.passwordHash(password)
            let now = office.desk.now
            try await office.desk.store.write { try Platform.Accounts.add(new, hash: hash, at: now, by: "command", $0) }
            print("\(login)\(made.map { "\t\($0)" } ?? "")")
            office.desk.store.close()
        }
    }

    struct Set: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Changes an account; its sessions end.")
        @OptionGroup var database: DatabaseOptions
        @Option(help: "Login") var login: String
        @Option(help: "New roles; may be repeated") var role: [Role] = []
        @Option(help: "New division code") var region: String?
        @Option(help: "yes or no") var active: String?
        @Flag(name: .customLong("password-stdin"), help: "Read a new password from standard input") var passwordFromInput = false
        @Flag(name: .customLong("remove-second-factor"), help: "For somebody who lost the phone") var removeFactor = false

        func run() async throws {
            guard active == nil || active == "yes" || active == "no" else { throw Refusal.invalid("/active", Text("--active 应为 yes 或 no", "--active is yes or no")) }
            let office = try await Opening.open(database, migrating: false)
            let change = Platform.Accounts.Change(
                roles: role.isEmpty ? nil : role, region: region, active: active.map { $0 == "yes" }, password: passwordFromInput ? readLine(strippingNewline: true) ?? "" : nil,
                removesFactor: removeFactor)
            let hash = try change.hash()
            let (now, login) = (office.desk.now, login)
            try await office.desk.store.write { tx in
                guard let account = try Platform.Accounts.find(login: login, tx) else { throw Refusal.invalid("/login", Text("没有账号“\(login)”", "There is no account “\(login)”")) }
                try Platform.Accounts.change(account.id, change, hash: hash, by: "command", at: now, tx)
            }
            office.desk.store.close()
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the accounts.")
        @OptionGroup var database: DatabaseOptions
        @Flag(help: "One JSON document") var json = false
        func run() async throws {
            let office = try await Opening.open(database, migrating: false)
            let accounts = try await office.desk.store.read { try Platform.Accounts.all($0) }
            if json {
                print(
                    JSON.array(
                        accounts.map {
                            .object([
                                ("login", .string($0.login)), ("name", .string($0.name)), ("roles", .array($0.roles.map(\.rawValue).sorted().map(JSON.string))),
                                ("region", .string($0.region)), ("active", .bool($0.active)),
                            ])
                        }
                    ).text)
            } else {
                for a in accounts { print("\(a.login)\t\(a.name)\t\(a.roles.map(\.rawValue).sorted().joined(separator: ","))\t\(a.region)\t\(a.active ? "" : "inactive")") }
            }
            office.desk.store.close()
        }
    }
}
extension Role: ExpressibleByArgument {}

struct Token: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Bearer tokens for the API.", subcommands: [Create.self, Revoke.self])
    struct Create: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Makes a token of an account; it is shown once.")
        @OptionGroup var database: DatabaseOptions
        @Option(help: "Login of the account") var login: String
        @Option(help: "What it is for") var label = "command line"
        func run() async throws {
            let office = try await Opening.open(database, migrating: true)
            let now = office.desk.now
            print(try await office.desk.store.write { try Platform.Accounts.token(for: login, label: label, at: now, $0) })
            office.desk.store.close()
        }
    }

    struct Revoke: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ends all tokens of an account.")
        @OptionGroup var database: DatabaseOptions
        @Option(help: "Login of the account") var login: String
        func run() async throws {
            let office = try await Opening.open(database, migrating: false)
            let (now, login) = (office.desk.now, login)
            let count = try await office.desk.store.write { tx in
                guard let account = try Platform.Accounts.find(login: login, tx) else { throw Refusal.invalid("/login", Text("没有账号“\(login)”", "There is no account “\(login)”")) }
                let count = try tx.run("UPDATE platform_tokens SET revoked_at = \(now) WHERE account = \(account.id) AND revoked_at IS NULL")
                try tx.audit(
                    "accounts.tokens-revoked", of: Reference(kind: "account", id: account.id.raw), by: "command", at: now, details: [("count", .int(count))],
                    sealing: [.init("platform_tokens", of: "account", account.id.raw)])
                return count
            }
            print(Terminal.say(Text("已撤销\(count)个令牌", "\(count) tokens revoked")))
            office.desk.store.close()
        }
    }
}
