import ArgumentParser
import Formats
import Foundation
import Kernel
import Platform
import Store

struct User: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Accounts of staff.", subcommands: [Add.self, List.self])

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
    static let configuration = CommandConfiguration(abstract: "Bearer tokens for the API.", subcommands: [Create.self])
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
}
