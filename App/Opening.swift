import ArgumentParser
import Credit
import DataFiles
import Disputes
import Enforcement
import Evidence
import Formats
import Foundation
import Insights
import Kernel
import Logging
import Monitoring
import Outbound
import Platform
import Statute
import Store
import Supervision

/// Which database, and where its files and keys are.
struct DatabaseOptions: ParsableArguments {
    @Option(help: "sqlite:PATH or postgres://user@host:port/name") var database = ProcessInfo.processInfo.environment["SINAN_DATABASE"] ?? "sqlite:var/sinan.db"
    @Option(help: "Folder of attachments and keys; the SQLite file's path without its ending, or var/NAME of a PostgreSQL database") var data: String?

    /// Each database has a folder of its own: the last checkpoint kept there belongs to this ledger and no other.
    var folder: String {
        if let data { return data }
        if database.hasPrefix("sqlite:"), database != "sqlite::memory:" {
            let file = URL(fileURLWithPath: String(database.dropFirst("sqlite:".count)))
            return file.pathExtension.isEmpty ? file.path + ".data" : file.deletingPathExtension().path
        }
        let name = URLComponents(string: database)?.path.split(separator: "/").last.map(String.init) ?? "sinan"
        return "var/" + name.filter { $0.isLetter || $0.isNumber || "-_".contains($0) }
    }
}

/// Opening an installation (启动): store, schema, keys, law, calendar, settings, the list of domains.
enum Opening {
    static let printerCache = "pdf"

    static func logger(_ label: String = "sinan") -> Logger {
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = ProcessInfo.processInfo.environment["SINAN_LOG"].flatMap { Logger.Level(rawValue: $0) } ?? .notice
        return logger
    }

    static func domains(printer: Printer, room: ModelRoom) -> [Domain] {
        [
            Disputes.domain(printer: printer), Monitoring.domain(room: room), Evidence.domain(captures, printer: printer),
            Enforcement.domain(printer: printer) { Grounds.shared.style }, Credit.domain(printer: printer) { Grounds.shared.style }, Supervision.domain(), Insights.domain,
        ]
    }
    /// Captures, told by the environment: hosts inside that may be captured, time-stamping authorities.
    private static var captures: CaptureSettings {
        let environment = ProcessInfo.processInfo.environment
        func list(_ name: String) -> [String] { environment[name]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? [] }
        var settings = CaptureSettings()
        settings.chromium = environment["SINAN_CHROMIUM"] ?? settings.chromium
        settings.tesseract = environment["SINAN_TESSERACT"] ?? settings.tesseract
        (settings.allowedHosts, settings.authorities) = (list("SINAN_CAPTURE_HOSTS"), list("SINAN_TSA"))
        return settings
    }
    static func migrations(_ domains: [Domain]) -> [Migration] { PlatformSchema.migrations + domains.flatMap(\.migrations) }
    static func printer(_ options: DatabaseOptions) -> Printer {
        Printer(
            chromium: ProcessInfo.processInfo.environment["SINAN_CHROMIUM"] ?? "/usr/bin/chromium", cache: URL(fileURLWithPath: options.folder).appendingPathComponent(printerCache)
        )
    }

    /// The real one, read here alone.
    static let clock = OfficeClock { Moment(milliseconds: Int64(Date().timeIntervalSince1970 * 1000)) }

    /// Addresses inside that may be reached, as `10.0.0.5:25`, by commas.
    private static var allowed: [String] { ProcessInfo.processInfo.environment["SINAN_ALLOW"]?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) } ?? [] }

    /// The office's mail server, told by the environment so that no password stands in a command line.
    private static func mailServer() throws -> Outbound.MailServer? {
        let environment = ProcessInfo.processInfo.environment
        guard let url = environment["SINAN_SMTP"], !url.isEmpty else { return nil }
        guard url.hasPrefix("smtp://") || url.hasPrefix("smtps://") else {
            throw Refusal.invalid("/SINAN_SMTP", Text("SINAN_SMTP 应形如 smtp://mail.example.cn:587", "SINAN_SMTP reads like smtp://mail.example.cn:587"))
        }
        guard let from = environment["SINAN_MAIL_FROM"], MailMessage.isAddress(from) else {
            throw Refusal.invalid("/SINAN_MAIL_FROM", Text("请用 SINAN_MAIL_FROM 指定发件邮箱", "Name the sender's mail address with SINAN_MAIL_FROM"))
        }
        let user = environment["SINAN_SMTP_USER"]
        // A password never travels in the open, unless who starts the program says so.
        return .init(
            url: url, user: user, password: environment["SINAN_SMTP_PASSWORD"], from: from, secure: user != nil && environment["SINAN_SMTP_PLAIN"] != "1")
    }

    /// The office's identity provider, told by the environment.
    private static func openID() throws -> OpenID? {
        let environment = ProcessInfo.processInfo.environment
        guard let issuer = environment["SINAN_OIDC_ISSUER"], !issuer.isEmpty else { return nil }
        guard let client = environment["SINAN_OIDC_CLIENT"], let secret = environment["SINAN_OIDC_SECRET"] else {
            throw Refusal.invalid("/SINAN_OIDC_CLIENT", Text("还需要 SINAN_OIDC_CLIENT 和 SINAN_OIDC_SECRET", "SINAN_OIDC_CLIENT and SINAN_OIDC_SECRET are needed too"))
        }
        return OpenID(issuer: issuer, client: client, secret: secret, claim: environment["SINAN_OIDC_CLAIM"], title: environment["SINAN_OIDC_TITLE"] ?? "统一身份认证")
    }

    struct Office {
        let desk: Desk
        let domains: [Domain]
        let printer: Printer
        let room: ModelRoom
    }

    /// - Parameter migrating: brings the schema up to date; otherwise a schema that is behind is refused.
    static func open(_ options: DatabaseOptions, migrating: Bool, demo: Bool = false) async throws -> Office {
        let logger = logger()
        let file = String(options.database.dropFirst("sqlite:".count))
        if !migrating, options.database.hasPrefix("sqlite:"), file != ":memory:", !FileManager.default.fileExists(atPath: file) {
            throw Refusal(.notFound, Text("没有数据库 \(file)：请检查路径，或先运行 sinan migrate", "There is no database \(file): check the path, or run sinan migrate first"))
        }
        if options.database != "sqlite::memory:" {
            try FileManager.default.createDirectory(atPath: options.folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
            _ = try Occupancy(folder: options.folder, alone: false)
        }
        let store = try Store(url: options.database, logger: logger)
        let printer = printer(options)
        let law = try LawBook.load()
        let room = Monitoring.room(law.register, cache: ModelOptions.cache)
        let domains = domains(printer: printer, room: room)
        let pending = try await store.pending(migrations(domains))
        if !pending.isEmpty {
            guard migrating else {
                throw Refusal(
                    .unavailable,
                    Text(
                        "数据库结构未更新，请先运行 sinan migrate（缺少 \(pending.joined(separator: "、"))）",
                        "The schema is behind: run sinan migrate first (missing \(pending.joined(separator: ", ")))"))
            }
            _ = try await store.migrate(migrations(domains), at: clock.now)
        }
        let calendar = try await store.read { try CalendarUpdate.load($0) }
        let regions = LiveRegions()
        try await store.read { try regions.load($0) }
        var configuration = try await Settings.load(store)
        configuration.isDemo = demo
        configuration.secureCookies = ProcessInfo.processInfo.environment["SINAN_SECURE_COOKIES"] == "1"
        configuration.trustsProxy = ProcessInfo.processInfo.environment["SINAN_TRUST_PROXY"] == "1"
        if let folder = ProcessInfo.processInfo.environment["SINAN_JAVASCRIPT"] { configuration.vendorFolder = folder }
        let folder = URL(fileURLWithPath: options.folder)
        let keys = try Keys.open(folder: folder.appendingPathComponent("keys").path)
        try await Settings.hold(keys, at: clock.now, store)
        let desk = Desk(
            store: store, clock: clock, law: law, calendar: LiveCalendar(calendar), files: FileStore(folder: folder.appendingPathComponent("files").path),
            keys: keys, permissions: PermissionTable(PlatformGrants.all + domains.flatMap(\.grants)),
            configuration: configuration,
            logger: logger, regions: regions, outbound: Outbound(allowing: allowed), mailServer: try mailServer(), openID: try openID())
        return Office(desk: desk, domains: domains, printer: printer, room: room)
    }
}
