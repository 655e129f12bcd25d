import ArgumentParser
import Disputes
import Foundation
import Hummingbird
import Kernel
import Logging
import Platform
import Store
import Web

struct Serve: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Serves pages, API and, unless told not to, background jobs, in one process.")
    @OptionGroup var database: DatabaseOptions
    @Option(help: "Address to listen on") var host = "127.0.0.1"
    @Option(help: "Port to listen on") var port = 8080
    @Flag(inversion: .prefixedNo, help: "Run background jobs in this process") var worker = true
    @Flag(help: "Shows “Enter as…” buttons: for invented data only") var demo = false

    func run() async throws {
        let office = try await Opening.open(database, migrating: true, demo: demo)
        let application = try Composition.application(office, host: host, port: port)
        let jobs = Jobs(desk: office.desk, domains: office.domains, kinds: [ImportPages.job(office.domains)])
        let work = worker ? Task { await jobs.work() } : nil
        FileHandle.standardError.write(Data("sinan \(SystemRoutes.version) http://\(host):\(port)\n".utf8))
        try await application.runService()
        work?.cancel()
        office.desk.store.close()
    }
}

struct Work: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Runs background jobs only; any number of these against one PostgreSQL.")
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let office = try await Opening.open(database, migrating: false)
        await Jobs(desk: office.desk, domains: office.domains, kinds: [ImportPages.job(office.domains)]).work()
    }
}

/// The house put together: all routes behind one front door.
enum Composition {
    static func routes(_ office: Opening.Office, metrics: Metrics) -> [Route] {
        let desk = office.desk
        let signing = RateLimit(burst: 20, perMinute: 20)
        return SystemRoutes.routes(desk, metrics: metrics) + SignInPages.routes(signing) + QueuePages.routes()
            + MatterRoutes.routes(printer: office.printer) { Grounds.shared.style } + OperatorPages.routes() + ImportPages.routes(office.domains) + LawPages.routes()
            + LedgerPages.routes()
            + AdminPages(forms: office.domains.flatMap(\.forms)).routes() + PortalPages.routes() + (desk.configuration.isDemo ? DemoPages.routes() : []) + OpenAPI.routes()
            + office.domains.flatMap { $0.routes(desk) }
    }

    static func router(_ office: Opening.Office) -> Router<FrontContext> {
        let assets = Assets(vendorFolder: office.desk.configuration.vendorFolder)
        let metrics = Metrics()
        let front = Front(desk: office.desk, house: House(domains: office.domains, assets: assets), metrics: metrics)
        return front.router(routes(office, metrics: metrics))
    }

    static func application(_ office: Opening.Office, host: String, port: Int) throws -> some ApplicationProtocol {
        var logger = office.desk.logger
        logger.logLevel = .warning
        return Application(
            router: router(office),
            configuration: .init(address: .hostname(host, port: port), serverName: "sinan"), logger: logger)
    }
}
