import ArgumentParser
import Formats
import Foundation
import Kernel
import Platform
import Store

struct Audit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The ledger of acts.", subcommands: [Verify.self, ExportLog.self])

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Checks every entry, node, checkpoint and sealed row.")
        @OptionGroup var database: DatabaseOptions
        @Flag(help: "One JSON document") var json = false

        func run() async throws {
            let office = try await Opening.open(database, migrating: false)
            let keys = office.desk.keys
            let house = House(domains: office.domains, assets: Assets(vendorFolder: office.desk.configuration.vendorFolder))
            var report = try await office.desk.store.read {
                try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, sealing: house.sealed, witness: keys.remembered, $0)
            }
            let hashes = try await office.desk.store.read { try house.files($0) }
            report.add(office.desk.files.check(hashes), of: hashes.count)
            if json {
                print(
                    JSON.object([
                        ("holds", .bool(report.holds)), ("entries", .int(report.entries)), ("checkpoints", .int(report.checkpoints)), ("rows", .int(report.rows)),
                        ("files", .int(report.files)),
                        ("root", .string(report.root)),
                        ("findings", .array(report.findings.map { .object([("what", .string($0.what)), ("zh", .string($0.text.zh)), ("en", .string($0.text.en))]) })),
                    ]).text)
            } else {
                print(
                    Terminal.say(
                        Text(
                            "\(report.entries)条日志，\(report.checkpoints)个签名检查点，\(report.rows)行受保护数据，\(report.files)个文件",
                            "\(report.entries) entries, \(report.checkpoints) signed checkpoints, \(report.rows) sealed rows, \(report.files) files")))
                for finding in report.findings { print("✗ \(finding.what): \(Terminal.say(finding.text))") }
                print(report.holds ? Terminal.say(Text("核验通过", "It holds")) : Terminal.say(Text("核验未通过", "It does not hold")))
            }
            office.desk.store.close()
            if !report.holds { throw ExitCode(1) }
        }
    }

    struct ExportLog: AsyncParsableCommand {
        static let configuration = CommandConfiguration(commandName: "export", abstract: "Writes the ledger as C2SP tlog-tiles: checkpoint, tiles, entry bundles, key.")
        @OptionGroup var database: DatabaseOptions
        @Option(help: "Folder to write to") var out = "ledger"

        func run() async throws {
            let office = try await Opening.open(database, migrating: false)
            let (keys, now) = (office.desk.keys, office.desk.now)
            let note = try await office.desk.store.write { try Ledger.checkpoint(keys: keys, at: now, $0) }
            if let note { try keys.remember(note) }
            let folder = URL(fileURLWithPath: out)
            let size = try await office.desk.store.read { try LedgerExport.write(to: folder, $0) }
            try Data((note ?? "").utf8).write(to: folder.appendingPathComponent("checkpoint"))
            try Data((keys.verifierKey + "\n").utf8).write(to: folder.appendingPathComponent("key.vkey"))
            print(Terminal.say(Text("已导出\(size)条到 \(out)", "\(size) entries written to \(out)")))
            office.desk.store.close()
        }
    }
}
