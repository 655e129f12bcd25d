import ArgumentParser
import Foundation
import Kernel
import Platform
import Statute
import Store

struct Backup: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "A consistent copy of the database, its files and keys, while serving.")
    @OptionGroup var database: DatabaseOptions
    @Option(help: "File to write (a tar archive)") var out: String

    func run() async throws {
        guard !FileManager.default.fileExists(atPath: out) else { throw Refusal(.conflict, Text("\(out) 已存在，请换一个文件名", "\(out) exists already: choose another name")) }
        let place = URL(fileURLWithPath: out).deletingLastPathComponent().path
        guard FileManager.default.isWritableFile(atPath: place) else {
            throw Refusal.invalid("/out", Text("不能写入文件夹 \(place)", "The folder \(place) cannot be written to"))
        }
        let office = try await Opening.open(database, migrating: false)
        let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-backup-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: temporary) }
        try Data(office.desk.store.dialect.rawValue.utf8).write(to: temporary.appendingPathComponent("engine"))
        // Keys first: the checkpoint beside them is then never ahead of the database. Files last: what a row names is there.
        func take(_ name: String) throws {
            let source = URL(fileURLWithPath: database.folder).appendingPathComponent(name)
            if FileManager.default.fileExists(atPath: source.path) { try FileManager.default.copyItem(at: source, to: temporary.appendingPathComponent(name)) }
        }
        try take("keys")
        try office.desk.store.backup(to: temporary.appendingPathComponent("database").path)
        try take("files")
        try Archive.run(["tar", "-cf", out + ".part", "-C", temporary.path, "."])
        try FileManager.default.moveItem(atPath: out + ".part", toPath: out)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: out)
        print(Terminal.say(Text("已备份到 \(out)（其中有签名密钥，请妥善保管）", "Backed up to \(out) (it holds the signing key: keep it safe)")))
        office.desk.store.close()
    }
}

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Brings a copy back into an empty place; an existing database is kept aside.")
    @Argument(help: "A file that backup wrote") var file: String
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        guard FileManager.default.isReadableFile(atPath: file) else { throw Refusal.invalid("/file", Text("没有文件 \(file)", "There is no file \(file)")) }
        let temporary = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-restore-\(ProcessInfo.processInfo.processIdentifier)")
        try FileManager.default.createDirectory(at: temporary, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        defer { try? FileManager.default.removeItem(at: temporary) }
        do { try Archive.run(["tar", "-xf", file, "-C", temporary.path]) } catch { throw Refusal.invalid("/file", Text("\(file) 不是有效的备份", "\(file) is not a backup")) }
        guard let engine = try? String(contentsOf: temporary.appendingPathComponent("engine"), encoding: .utf8) else {
            throw Refusal.invalid("/file", Text("\(file) 不是有效的备份", "\(file) is not a backup"))
        }
        let copy = temporary.appendingPathComponent("database")
        // Everything that must be there is looked at before anything that is there is moved.
        guard FileManager.default.fileExists(atPath: copy.path) else { throw Refusal.invalid("/file", Text("\(file) 中没有数据库", "\(file) holds no database")) }
        let fits = engine == Dialect.sqlite.rawValue ? database.database.hasPrefix("sqlite:") : database.database.hasPrefix("postgres")
        guard fits else {
            throw Refusal.invalid("/database", Text("这是 \(engine) 的备份，请指定同类数据库", "This is a backup of \(engine): name a database of that kind"))
        }
        try FileManager.default.createDirectory(atPath: database.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let occupancy = try Occupancy(folder: database.folder, alone: true)
        defer { occupancy.end() }
        let stamp = "before-restore-\(Int(Date().timeIntervalSince1970))"
        if engine == Dialect.sqlite.rawValue {
            let target = String(database.database.dropFirst("sqlite:".count))
            try FileManager.default.createDirectory(at: URL(fileURLWithPath: target).deletingLastPathComponent(), withIntermediateDirectories: true)
            for suffix in ["", "-wal", "-shm"] where FileManager.default.fileExists(atPath: target + suffix) {
                let aside = "\(target)\(suffix).\(stamp)"
                try FileManager.default.moveItem(atPath: target + suffix, toPath: aside)
            }
            try FileManager.default.copyItem(atPath: copy.path, toPath: target)
        } else {
            try PostgresTools.restore(copy.path, into: database.database)
        }
        for name in ["files", "keys"] {
            let source = temporary.appendingPathComponent(name)
            let target = URL(fileURLWithPath: database.folder).appendingPathComponent(name)
            guard FileManager.default.fileExists(atPath: source.path) else { continue }
            if FileManager.default.fileExists(atPath: target.path) {
                let aside = "\(target.path).\(stamp)"
                try FileManager.default.moveItem(atPath: target.path, toPath: aside)
            }
            try FileManager.default.copyItem(at: source, to: target)
        }
        print(Terminal.say(Text("已恢复；请运行 sinan audit verify 核验", "Restored; run sinan audit verify to check it")))
    }
}

struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies an installation into an empty database of either engine.",
        discussion: "From SQLite to PostgreSQL when an office grows, or back. Attachments and keys stay in the data folder; the ledger holds on both sides.")
    @OptionGroup var database: DatabaseOptions
    @Option(help: "The empty database: sqlite:PATH or postgres://user@host:port/name") var to: String

    func run() async throws {
        // What a running server writes meanwhile would stay behind.
        try Occupancy(folder: database.folder, alone: true).end()
        let from = try await Opening.open(database, migrating: false)
        let migrations = Opening.migrations(from.domains)
        let other = try Store(url: to, logger: Opening.logger())
        _ = try await other.migrate(migrations, at: from.desk.now)
        try await from.desk.store.copy(to: other, migrations) { table, rows in Terminal.progress("\(table) \(rows)") }
        Terminal.progressEnd()
        _ = try await other.write { try $0.run($0.dialect.analyze) }
        print(
            Terminal.say(
                Text(
                    "已复制到 \(to.split(separator: "@").last ?? "")；请运行 sinan audit verify 核验", "Copied to \(to.split(separator: "@").last ?? ""): run sinan audit verify to check it")
            ))
        other.close()
        from.desk.store.close()
    }
}

/// Debian's own tools, called by name.
enum Archive {
    static func run(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw Fault("\(words.joined(separator: " ")) failed") }
    }
}

struct Doctor: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "What is missing or wrong here, and how to mend it.")
    @OptionGroup var database: DatabaseOptions
    @Flag(help: "One JSON document") var json = false

    func run() async throws {
        var lines: [(ok: Bool, what: String, text: Text)] = []
        func say(_ ok: Bool, _ what: String, _ text: Text) { lines.append((ok, what, text)) }
        do {
            let office = try await Opening.open(database, migrating: false)
            let desk = office.desk
            say(true, "database", Text("可以打开（\(desk.store.dialect.rawValue)）", "opens (\(desk.store.dialect.rawValue))"))
            let (size, failed, overdue) = try await desk.store.read { tx in
                (
                    try tx.count(tx.dialect.sizeQuery), try tx.count("SELECT count(*) AS n FROM platform_jobs WHERE state = 'failed'"),
                    try tx.count("SELECT count(*) AS n FROM platform_accounts WHERE active = 1")
                )
            }
            say(true, "size", Text("\(size >> 20) MB", "\(size >> 20) MB"))
            say(
                failed == 0, "jobs",
                failed == 0
                    ? Text("没有失败的后台任务", "no failed jobs") : Text("\(failed)个后台任务失败：查看 platform_jobs 的 error 列", "\(failed) jobs failed: see the error column of platform_jobs"))
            say(overdue > 0, "accounts", overdue > 0 ? Text("\(overdue)个账号", "\(overdue) accounts") : Text("没有账号：运行 sinan user add", "no account: run sinan user add"))
            let hashes = try await desk.store.read { tx in try Attachments.hashes(tx).union(office.domains.reduce(into: Set<String>()) { $0.formUnion(try $1.files(tx)) }) }
            let gone = hashes.filter { !desk.files.holds($0) }
            say(
                gone.isEmpty, "files",
                gone.isEmpty
                    ? Text("\(hashes.count)个附件都在", "all \(hashes.count) files are there")
                    : Text(
                        "缺少\(gone.count)个附件，如 \(gone.sorted()[0])：从备份恢复 files 文件夹",
                        "\(gone.count) files are missing, such as \(gone.sorted()[0]): bring the folder files back from a backup"))
            let years = desk.calendar.value.years
            let next = desk.today().year + (desk.today().month >= 11 ? 1 : 0)
            say(
                years.contains(next), "calendar",
                years.contains(next)
                    ? Text("已载入\(next)年", "\(next) is loaded")
                    : Text("\(next)年放假安排未载入，期限按周一至周五估算：下载后运行 sinan import calendar 文件", "\(next) is not loaded, periods into it are estimates: run sinan import calendar FILE"))
            let missing = Assets(vendorFolder: desk.configuration.vendorFolder).missing
            say(
                missing.isEmpty, "assets",
                missing.isEmpty
                    ? Text("页面资源齐全", "style sheets and scripts found")
                    : Text(
                        "缺少 \(missing.joined(separator: "、"))：apt-get install libjs-bootstrap5 libjs-chart.js",
                        "missing \(missing.joined(separator: ", ")): apt-get install libjs-bootstrap5 libjs-chart.js"))
            desk.store.close()
        } catch let refusal as Refusal { say(false, "database", refusal.fields.first?.text ?? refusal.text) } catch { say(false, "database", Text(verbatim: "\(error)")) }
        let chromium = ProcessInfo.processInfo.environment["SINAN_CHROMIUM"] ?? "/usr/bin/chromium"
        let hasChromium = FileManager.default.isExecutableFile(atPath: chromium)
        say(
            hasChromium, "chromium",
            hasChromium
                ? Text("可以生成 PDF", "PDF can be made")
                : Text("没有 Chromium，不能生成 PDF：apt-get install chromium fonts-noto-cjk", "no Chromium, no PDF: apt-get install chromium fonts-noto-cjk"))
        if json {
            print(JSON.array(lines.map { .object([("check", .string($0.what)), ("ok", .bool($0.ok)), ("zh", .string($0.text.zh)), ("en", .string($0.text.en))]) }).text)
        } else {
            for line in lines { print("\(line.ok ? "✓" : "✗") \(line.what): \(Terminal.say(line.text))") }
        }
        if lines.contains(where: { !$0.ok }) { throw ExitCode(1) }
    }
}
