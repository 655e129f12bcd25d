import ArgumentParser
import Disputes
import Foundation
import Hummingbird
import Kernel
import Logging
import NIOCore
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
        let address = "http://\(host):\(port)"
        let application = try Composition.application(office, host: host, port: port) {
            FileHandle.standardError.write(Data("sinan \(SystemRoutes.version) \(address)\n".utf8))
        }
        let jobs = Jobs(desk: office.desk, domains: office.domains, kinds: [ImportPages.job(office.domains)])
        let work = worker ? Task { await jobs.work() } : nil
        defer {
            work?.cancel()
            office.desk.store.close()
        }
        do { try await application.runService() } catch let error as IOError where error.errnoCode == EADDRINUSE || error.errnoCode == EACCES {
            throw Refusal.invalid("/port", Text("端口 \(port) 已被占用或不允许使用，请用 --port 换一个", "The port \(port) is in use or not allowed: choose another with --port"))
        }
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
            + LedgerPages.routes() + MatterAPI.routes()
            + AdminPages(forms: office.domains.flatMap(\.forms), style: { Grounds.shared.style }).routes() + DeliveryPages.routes() + PortalPages.routes()
            + (desk.configuration.isDemo ? DemoPages.routes() : []) + OpenAPI.routes()
            + office.domains.flatMap { $0.routes(desk) }
    }

    static func router(_ office: Opening.Office) -> Router<FrontContext> {
        let assets = Assets(vendorFolder: office.desk.configuration.vendorFolder)
        let metrics = Metrics()
        let front = Front(desk: office.desk, house: House(domains: office.domains, assets: assets), metrics: metrics)
        return front.router(routes(office, metrics: metrics))
    }

    static func application(_ office: Opening.Office, host: String, port: Int, running: @escaping @Sendable () -> Void) throws -> some ApplicationProtocol {
        var logger = office.desk.logger
        logger.logLevel = .warning
        return Application(
            router: router(office),
            configuration: .init(address: .hostname(host, port: port), serverName: "sinan"), onServerRunning: { _ in running() }, logger: logger)
    }
}
