import ArgumentParser
import Foundation
import Kernel
import Supervision

/// Draws of double-random supervision (双随机抽取): verified by anybody from the published file.
struct DrawCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "draw", abstract: "Double-random draws: verify a published one.", subcommands: [DrawVerify.self])
}

struct DrawVerify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Recomputes a draw from its published file: list, commitment, seed, beacon, result.",
        discussion: "The file is fetched from /draws/NUMBER.json of any installation. Exit status 1 where it does not hold.")
    @Argument(help: "NUMBER.json as it was published") var file: String
    @Option(help: "The file as it was published after the commitment, before the draw, where somebody kept it") var committed: String?
    @Flag(help: "One JSON document on standard output") var json = false

    func run() async throws {
        let published = try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: file))))
        let earlier = try committed.map { try JSON(parsing: [UInt8](Data(contentsOf: URL(fileURLWithPath: $0)))) }
        let check = try DrawCheck.run(published, earlier: earlier)
        if json {
            print(
                JSON.object([
                    ("number", .text(published["number"]?.string)), ("holds", .bool(check.holds)), ("drawn", .int(check.drawn)),
                    ("objects", .int(published["list"]?["objects"]?.array?.count ?? 0)),
                    ("open", .array(check.open.map { .string(Terminal.say($0)) })), ("findings", .array(check.findings.map { .string(Terminal.say($0)) })),
                ]).text)
        } else {
            for finding in check.findings + check.open { print(Terminal.say(finding)) }
            let n = published["list"]?["objects"]?.array?.count ?? 0
            print(
                Terminal.say(
                    check.holds
                        ? Text(
                            "抽取成立：\(n)户中抽取\(check.drawn)户，名单、种子与事先承诺一致，结果可以重新算出",
                            "It holds: \(check.drawn) of \(n) drawn; list and seed fit what was committed, the result computes anew")
                        : Text("抽取不成立", "It does not hold")))
        }
        if !check.holds { throw ExitCode(1) }
    }
}
