import Credit
import DataFiles
import Disputes
import Enforcement
import Evidence
import Foundation
import HTTPTypes
import Hummingbird
import Insights
import Kernel
import Logging
import Monitoring
import NIOCore
import NIOEmbedded
import Platform
import Statute
import Store
import Supervision
import Synchronization
import Web

/// The engines that every slice is tried on. PostgreSQL runs where SINAN_TEST_POSTGRES names a server (scripts/with-postgres).
package enum TestEngine: String, CaseIterable, Sendable {
    case sqlite, postgres
    package static let available: [TestEngine] = ProcessInfo.processInfo.environment["SINAN_TEST_POSTGRES"] == nil ? [.sqlite] : [.sqlite, .postgres]

    /// A store of its own: a file in a temporary folder, or a schema of its own.
    package func store() async throws -> Store {
        let name = "t" + String(UInt64.random(in: 0 ... .max), radix: 36)
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        switch self {
        case .sqlite:
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-test-\(name)")
            return try Store(url: "sqlite:\(folder.path)/test.db", logger: logger)
        case .postgres:
            let url = ProcessInfo.processInfo.environment["SINAN_TEST_POSTGRES"]!
            let root = try Store(url: url, logger: logger, connections: 1)
            try await root.write { try $0.run(SQL(stringLiteral: "CREATE SCHEMA \(name)")) }
            root.close()
            return try Store(url: "\(url)?options=-csearch_path%3D\(name)", logger: logger, connections: 3)
        }
    }
}

/// A clock that a test sets.
package final class TestClock: Sendable {
    private let moment: Mutex<Moment>
    package init(_ text: String) { moment = Mutex(Moment(text)!) }
    package var now: Moment {
        get { moment.withLock { $0 } }
        set { moment.withLock { $0 = newValue } }
    }
    package func set(_ text: String) { now = Moment(text)! }
    package var office: OfficeClock { OfficeClock { [self] in now } }
}

/// Named people, each with a role and a region: an office of two districts.
package enum Persona: String, CaseIterable, Sendable {
    case lin = "clerk", wu = "mediator", he = "leader", zhou = "director", qian = "auditor", sun = "admin", li = "intake", wang = "inspector", zhao = "analyst"
    /// Two who handle cases, one who reviews them, a second head.
    case gao = "officer", shen = "officer-two", jiang = "reviewer", tang = "leader-two"
    /// A clerk of the other district, who must not see the first one's matters.
    case far = "clerk-far"
    package var region: String {
        switch self {
        case .zhou, .qian, .sun, .li, .zhao: "9901"
        case .far: "990102"
        default: "990101"
        }
    }
    package var role: Role { Role(rawValue: rawValue.split(separator: "-").first.map(String.init)!)! }
}

/// An office as it runs, on a store of its own, with requests sent through the real router.
package final class TestOffice: Sendable {
    package let desk: Desk
    package let clock: TestClock
    package let migrations: [Migration]
    package let handling: Handling
    package let accounts: [Persona: Account]
    private let tokens: Mutex<[Persona: String]>
    package let domains: [Domain]
    package let room: ModelRoom
    private let responder: RouterResponder<FrontContext>
    package static let password = "correct horse battery"

    package init(_ engine: TestEngine, at now: String = "2026-11-18T10:00") async throws {
        let store = try await engine.store()
        clock = TestClock(now)
        let printer = Printer(chromium: "/usr/bin/chromium", cache: FileManager.default.temporaryDirectory.appendingPathComponent("sinan-test-pdf"))
        room = Monitoring.room(try LawBook.load().register, cache: nil)
        domains = [
            Disputes.domain(printer: printer), Monitoring.domain(room: room), Evidence.domain(CaptureSettings(), printer: printer),
            Enforcement.domain(printer: printer) { Grounds.shared.style }, Credit.domain(printer: printer) { Grounds.shared.style }, Supervision.domain(), Insights.domain,
        ]
        migrations = PlatformSchema.migrations + domains.flatMap(\.migrations)
        _ = try await store.migrate(migrations, at: clock.now)
        var configuration = Configuration()
        configuration.cityRegion = "9901"
        let regions = LiveRegions()
        try await store.write { tx in
            for (code, name) in [("9901", "试验市"), ("990101", "青溪区"), ("990102", "白石区"), ("990101001", "青溪街道")] {
                try tx.run("INSERT INTO platform_regions (code, name, parent) VALUES (\(code), \(name), NULL)")
            }
            try tx.audit("regions.changed", of: Reference(kind: "regions", id: 0), by: "test", at: Moment("2026-01-01T00:00")!, sealing: [.init(whole: "platform_regions")])
            try regions.load(tx)
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-test-files-\(UInt64.random(in: 0 ... .max))").path
        desk = Desk(
            store: store, clock: clock.office, law: try LawBook.load(), calendar: LiveCalendar(try LawBook.calendar()), files: FileStore(folder: folder),
            keys: Keys(origin: "sinan.test/ledger", seed: Array(repeating: 7, count: 32), secret: Array(repeating: 9, count: 32), evidence: Array(repeating: 5, count: 48)),
            permissions: PermissionTable(PlatformGrants.all + domains.flatMap(\.grants)), configuration: configuration,
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, regions: regions)
        handling = Handling(desk: desk)
        let metrics = Metrics()
        let desk = desk
        let routes =
            SystemRoutes.routes(desk, metrics: metrics) + SignInPages.routes(RateLimit(burst: 1000, perMinute: 1000)) + QueuePages.routes()
            + MatterRoutes.routes(printer: printer) { Grounds.shared.style } + OperatorPages.routes() + ImportPages.routes(domains) + LawPages.routes()
            + LedgerPages.routes()
            + MatterAPI.routes() + DeliveryPages.routes() + AdminPages(forms: domains.flatMap(\.forms), style: { "" }).routes()
            + domains.flatMap { $0.routes(desk) }
        let front = Front(desk: desk, house: House(domains: domains, assets: Assets(vendorFolder: "/usr/share/javascript")), metrics: metrics)
        responder = front.router(routes).buildResponder()
        // One cheap hash for all: tests of signing in make their own.
        let hash = "scrypt$10$8$1$00$00"
        let at = clock.now
        let (people, sessions) = try await store.write { tx in
            var accounts: [Persona: Account] = [:]
            var tokens: [Persona: String] = [:]
            for persona in Persona.allCases {
                try Accounts.add(
                    .init(login: persona.rawValue, name: "\(persona)", roles: [persona.role], region: persona.region, password: ""), hash: hash, at: at, by: "test", tx)
                let account = try Accounts.find(login: persona.rawValue, tx)!
                accounts[persona] = account
                tokens[persona] = try SignIn.open(account.id.raw, secondFactor: false, at: at, tx)
            }
            return (accounts, tokens)
        }
        accounts = people
        tokens = Mutex(sessions)
    }

    /// Signs all in anew: sessions end when the clock is set far ahead.
    package func signInAgain() async throws {
        let (people, at) = (accounts, clock.now)
        let fresh = try await desk.store.write { tx in try people.mapValues { try SignIn.open($0.id.raw, secondFactor: false, at: at, tx) } }
        tokens.withLock { $0 = fresh }
    }

    /// The ledger's own check, with every table that must be sealed.
    package func verify(witness: String? = nil) async throws -> LedgerCheck.Report {
        let keys = desk.keys
        let sealing = House(domains: domains, assets: Assets(vendorFolder: "/")).sealed
        return try await desk.store.read { try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, sealing: sealing, witness: witness, $0) }
    }

    /// Runs what the queue of jobs holds.
    package func work() async throws {
        let jobs = Jobs(desk: desk, domains: domains, kinds: [ImportPages.job(domains)])
        while try await jobs.runOne() {}
    }

    package func account(_ persona: Persona) -> Account { accounts[persona]! }
    package func session(_ persona: Persona) -> String { tokens.withLock { $0[persona]! } }

    // MARK: Requests

    package struct Reply: Sendable {
        package let status: Int
        package let headers: HTTPFields
        package let bytes: [UInt8]
        package var text: String { String(decoding: bytes, as: UTF8.self) }
        package var json: JSON { (try? JSON(parsing: bytes)) ?? .null }
        package var location: String? { headers[.location] }
        package var type: String? { headers[.contentType] }
        package func cookie(_ name: String) -> String? {
            headers[values: .setCookie].compactMap { Exchange.cookies($0.split(separator: ";").first.map(String.init))[name] }.last
        }
    }

    static let visitor = String(repeating: "ab", count: 16)

    package func send(_ method: Web.Method, _ path: String, as persona: Persona? = nil, headers: [(String, String)] = [], cookies: [String: String] = [:], body: [UInt8] = [])
        async throws -> Reply
    {
        var fields = HTTPFields()
        var jar = ["sinan_visitor": Self.visitor]
        if let persona { jar[Front.sessionCookie] = session(persona) }
        jar.merge(cookies) { $1 }
        fields[.cookie] = jar.map { "\($0.key)=\($0.value)" }.joined(separator: "; ")
        for (name, value) in headers { fields[.init(name)!] = value }
        let request = Request(
            head: .init(method: .init(method.rawValue)!, scheme: "http", authority: "localhost", path: path, headerFields: fields), body: .init(buffer: ByteBuffer(bytes: body)))
        let context = FrontContext(source: .init(channel: EmbeddedChannel(), logger: desk.logger))
        let response = try await responder.respond(to: request, context: context)
        let collector = Collector()
        try await response.body.write(collector)
        return Reply(status: response.status.code, headers: response.headers, bytes: collector.bytes.withLock { $0 })
    }

    package func get(_ path: String, as persona: Persona? = nil, headers: [(String, String)] = [], cookies: [String: String] = [:]) async throws -> Reply {
        try await send(.get, path, as: persona, headers: headers, cookies: cookies)
    }

    /// Posts a form with the token that its page would carry.
    package func post(_ path: String, as persona: Persona? = nil, _ fields: [(String, String)], token: String? = nil, cookies: [String: String] = [:]) async throws -> Reply {
        let all = fields + [("form_token", token ?? formToken(persona))]
        let body = all.map { "\(Link.encode($0.0))=\(Link.encode($0.1))" }.joined(separator: "&")
        return try await send(.post, path, as: persona, headers: [("Content-Type", "application/x-www-form-urlencoded")], cookies: cookies, body: Array(body.utf8))
    }

    /// A form with a file, as a browser sends it.
    package func upload(_ path: String, as persona: Persona? = nil, _ fields: [(String, String)], file bytes: [UInt8], named name: String = "a.pdf") async throws -> Reply {
        let edge = "edge-of-parts"
        var body: [UInt8] = []
        for (name, value) in fields + [("form_token", formToken(persona))] {
            body += Array("--\(edge)\r\nContent-Disposition: form-data; name=\"\(name)\"\r\n\r\n\(value)\r\n".utf8)
        }
        body += Array("--\(edge)\r\nContent-Disposition: form-data; name=\"files\"; filename=\"\(name)\"\r\nContent-Type: application/pdf\r\n\r\n".utf8)
        body += bytes + Array("\r\n--\(edge)--\r\n".utf8)
        return try await send(.post, path, as: persona, headers: [("Content-Type", "multipart/form-data; boundary=\(edge)")], body: body)
    }

    package func formToken(_ persona: Persona?) -> String {
        Visit(
            desk: desk, exchange: Exchange(method: .get, path: "/"), account: nil, sessionToken: persona.map(session), visitor: Self.visitor,
            house: House(domains: [], assets: Assets(vendorFolder: "/"))
        ).formToken
    }

    package func api(_ method: Web.Method, _ path: String, token: String? = nil, _ body: JSON? = nil, headers: [(String, String)] = []) async throws -> Reply {
        try await send(
            method, path, headers: [("Accept-Language", "en"), ("Content-Type", "application/json")] + (token.map { [("Authorization", "Bearer \($0)")] } ?? []) + headers,
            body: body.map { Array($0.text.utf8) } ?? [])
    }

    package func bearer(_ persona: Persona) async throws -> String {
        let now = clock.now
        return try await desk.store.write { try Accounts.token(for: persona.rawValue, label: "test", at: now, $0) }
    }

    // MARK: Builders

    /// A filing with every field defaulted.
    package static func filing(_ change: (inout Filing) -> Void = { _ in }) -> Filing {
        var f = Filing()
        f.complainantName = "陈小满"
        f.complainantPhone = "13812345678"
        f.complainantAddress = "试验市青溪区柳荫路8号"
        f.respondentName = "青溪区福临超市"
        f.respondentAddress = "青溪区中兴路12号"
        f.facts = "买的电饭煲用了三天就不通电，商家不肯退换。"
        f.purchase = "电饭煲"
        f.occurredOn = Day("2026-04-01")
        f.amount = Money(yuan: "399.00")
        f.claims = [Claim(kind: .refund, amount: Money(yuan: "399.00"))]
        f.publication = true
        f.delegation = false
        change(&f)
        return f
    }

    package static let code = "ABCD2345"

    @discardableResult
    package func file(_ change: @escaping @Sendable (inout Filing) -> Void = { _ in }) async throws -> Matter {
        let (handling, now) = (handling, clock.now)
        return try await desk.store.write {
            try Registration.register(TestOffice.filing(change), by: .filer, desk: handling.desk, casework: handling.casework, at: now, code: TestOffice.code, $0).matter
        }
    }

    /// A complaint against who has this credit code.
    package func file(against code: String) async throws -> Matter { try await file { $0.respondentUSCC = code } }

    @discardableResult
    package func apply(_ move: String, on matter: Matter, by persona: Persona?, _ fields: [(String, String)] = []) async throws -> Matter {
        let (handling, now) = (handling, clock.now)
        let actor: Actor = persona.map { .staff(account($0)) } ?? .filer
        return try await desk.store.write { tx in try handling.apply(move, on: tx.complaint(matter.id), input: Form(fields), by: actor, at: now, tx) }
    }
}

private final class Collector: ResponseBodyWriter, Sendable {
    let bytes = Mutex<[UInt8]>([])
    func write(_ buffer: ByteBuffer) async throws { bytes.withLock { $0 += Array(buffer: buffer) } }
    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
