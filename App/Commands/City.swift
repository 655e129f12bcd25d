import ArgumentParser
import Foundation
import Kernel
import Platform
import Store

struct City: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Fills an empty database with a synthetic city.",
        discussion: "Scale 1 is 600,000 operators and 550,000 complaints of a year; the demonstration uses 0.001. The same seed gives the same city.")
    @OptionGroup var database: DatabaseOptions
    @Option(help: "1 is a city of 600,000 operators") var scale = 0.001
    @Option(help: "The same number, the same city") var seed: UInt64 = 1
    @Option(help: "Listings of online shops, each seen five times; a million times the scale, at most 20,000, if not given") var listings: Int?
    @Option(help: "The day on which the city's year ends; today if not given") var until: String?

    func run() async throws {
        guard scale > 0, scale <= 100 else { throw Refusal.invalid("/scale", Text("规模应大于0，不超过100", "A scale is above 0 and at most 100")) }
        let data = try CityData.load()
        let first = try await Opening.open(database, migrating: true)
        let end: Moment
        if let until {
            guard let day = Day(until) else { throw Refusal.invalid("/until", Text("“\(until)”不是日期", "“\(until)” is not a date")) }
            end = Moment(day, hour: 17)
        } else {
            end = first.desk.now
        }
        guard try await first.desk.store.read({ try $0.count("SELECT count(*) AS n FROM operators") + $0.count("SELECT count(*) AS n FROM platform_accounts") }) == 0 else {
            throw Refusal(.conflict, Text("数据库中已有数据，模拟城市只能建在空库中", "The database is not empty: a city is built in an empty one"))
        }
        try await CityBuilder.settle(data, desk: first.desk, at: end)
        first.desk.store.close()
        // Opened again, so that the city's own name and region are in force from the first act on.
        let office = try await Opening.open(database, migrating: false)
        let started = Date()
        let builder = CityBuilder(desk: office.desk, data: data, scale: scale, seed: seed, end: end)
        let (staff, demo) = try await builder.hire()
        let operators = max(data.trades.count * 4, Int((600_000 * scale).rounded()))
        let complaints = max(40, Int((550_000 * scale).rounded()))
        let businesses = try await builder.register(operators: operators)
        try await builder.live(complaints: complaints, staff: staff, businesses: businesses)
        _ = try await office.desk.store.write { try $0.run($0.dialect.analyze) }
        let offers = listings ?? min(20_000, Int((1_000_000 * scale).rounded()))
        try await builder.offer(listings: offers, businesses: businesses, room: office.room, staff: staff)
        try await builder.routes(staff: staff, businesses: businesses, complaints: complaints)
        try await builder.certify()
        try await builder.cases(Int(8000 * scale), staff: staff, businesses: businesses)
        try await builder.credit(staff: staff, domains: office.domains)
        let keys = office.desk.keys
        try await office.desk.store.write { tx in
            if let note = try Ledger.checkpoint(keys: keys, at: end, tx) { try keys.remember(note) }
            try tx.run(tx.dialect.analyze)
        }
        print(
            Terminal.say(
                Text(
                    "\(data.name.zh)：\(operators)户经营主体，\(complaints)件投诉，\(offers)条商品信息，用时\(Int(Date().timeIntervalSince(started)))秒",
                    "\(data.name.en): \(operators) operators, \(complaints) complaints, \(offers) listings, in \(Int(Date().timeIntervalSince(started))) s")))
        for new in demo { print("  \(new.login)\t\(CityBuilder.demoPassword)\t\(new.roles.first.map { Terminal.say($0.title) } ?? "")\t\(new.name)") }
        office.desk.store.close()
    }
}
