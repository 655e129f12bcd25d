import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// Builds a synthetic city (模拟城市): divisions, staff, operators, a year of complaints, each lived through by the
/// domain's own rules, so that every state and every clock occurs. The same seed gives the same city.
final class CityBuilder {
    let data: CityData
    let desk: Desk
    let handling: Handling
    let scale: Double
    var draw: Draw
    var agreements = Share()
    let end: Moment
    let seasons: [(Int, Double)]

    struct Business: Sendable {
        let uscc: String
        let name: String
        let address: String
        let region: String
        let shop: (platform: String, url: String)?
        let isTrading: Bool
    }
    struct Staff: Sendable {
        var clerks: [String: Account] = [:]
        var mediators: [String: Account] = [:]
        var leaders: [String: Account] = [:]
        var reviewers: [String: Account] = [:]
        /// Two officers a district.
        var officers: [String: [Account]] = [:]
        /// Who may host hearings and keep their record, in the first district.
        var hosts: [Account] = []
        var intake: Account?

        func officers(of region: String) -> [Account] { officers[String(region.prefix(6))] ?? [] }

        /// Who works on a matter of that region: the township's own, else the district's.
        static func of(_ region: String, among people: [String: Account]) -> Account {
            people[region] ?? people[String(region.prefix(6))] ?? people.values.min { $0.id.raw < $1.id.raw }!
        }
    }

    init(desk: Desk, data: CityData, scale: Double, seed: UInt64, end: Moment) {
        self.desk = desk
        self.data = data
        self.scale = scale
        draw = Draw(seed: seed)
        self.end = end
        seasons = CityBuilder.seasons(until: end.day)
        handling = Handling(desk: desk)
    }

    /// How the days of the year weigh, by days back from its end.
    static func seasons(until end: Day) -> [(Int, Double)] {
        (0..<365).map { back in
            let day = end.adding(days: -back)
            var weight = day.isWeekend ? 0.7 : 1.0
            switch (day.month, day.dayOfMonth) {
            case (3, 10...22): weight *= 1.8
            case (6, 12...25): weight *= 1.5
            case (10, 1...12): weight *= 1.3
            case (11, 8...25): weight *= 1.9
            case (2, 8...20): weight *= 0.6
            default: break
            }
            return (back, weight)
        }
    }

    static let demoPassword = "sinan-demo-2026"

    // MARK: Who and where

    static func settle(_ data: CityData, desk: Desk, at now: Moment) async throws {
        let regions = desk.regions
        try await desk.store.write { tx in
            try Settings.set(
                [("city.zh", data.name.zh), ("city.en", data.name.en), ("office.name", data.office.zh), ("office.short", data.office.short), ("city.region", data.region)],
                by: "city", at: now, tx)
            var rows: [[Value]] = [[.text(data.region), .text(data.name.zh), .null]]
            for district in data.districts {
                rows.append([.text(district.code), .text(district.name), .text(data.region)])
                for town in district.towns { rows.append([.text(town.code), .text(town.name), .text(district.code)]) }
            }
            try tx.bulk(into: "platform_regions", ["code", "name", "parent"], rows)
            try tx.audit(
                "regions.changed", of: Reference(kind: "regions", id: 0), by: "city", at: now, details: [("count", .int(rows.count))], sealing: [.init(whole: "platform_regions")])
            try regions.load(tx)
        }
    }

    func person() -> String { draw.pick(data.surnames) + draw.pick(data.given) }
    func phone() -> String { "1" + ["3", "5", "7", "8", "9"][draw.int(0...4)] + String(draw.int(100_000_000...999_999_999)) }

    /// One login a role for the demonstration; a clerk and a mediator a district besides.
    func hire() async throws -> (Staff, [Accounts.New]) {
        let hash = Crypto.passwordHash(CityBuilder.demoPassword)
        let first = data.districts[0].code
        let roles: [(Role, String)] = [
            (.intake, data.region), (.clerk, first), (.mediator, first), (.leader, first), (.director, data.region), (.auditor, data.region), (.admin, data.region),
            (.analyst, data.region), (.examiner, data.region),
            (.officer, first), (.reviewer, first), (.inspector, first),
        ]
        var people = roles.map { role, region in Accounts.New(login: "demo-\(role.rawValue)", name: person(), roles: [role], region: region, password: CityBuilder.demoPassword) }
        // One township office of the first district has somebody of its own.
        people.append(Accounts.New(login: "demo-station", name: person(), roles: [.mediator], region: data.districts[0].towns[0].code, password: CityBuilder.demoPassword))
        // A case has two officers, a hearing a host of its own.
        people.append(Accounts.New(login: "demo-officer2", name: person(), roles: [.officer], region: first, password: CityBuilder.demoPassword))
        people.append(Accounts.New(login: "demo-leader2", name: person(), roles: [.leader], region: first, password: CityBuilder.demoPassword))
        let demo = people
        for district in data.districts.dropFirst() {
            people.append(Accounts.New(login: "officer2-\(district.code)", name: person(), roles: [.officer], region: district.code, password: CityBuilder.demoPassword))
            for role in [Role.clerk, .mediator, .leader, .officer, .reviewer, .inspector] {
                people.append(Accounts.New(login: "\(role.rawValue)-\(district.code)", name: person(), roles: [role], region: district.code, password: CityBuilder.demoPassword))
            }
        }
        let now = end.adding(seconds: -366 * 86_400)
        let all = people
        let accounts = try await desk.store.write { tx in
            for new in all { try Accounts.add(new, hash: hash, at: now, by: "city", tx) }
            return try Accounts.all(tx)
        }
        var staff = Staff()
        for account in accounts.sorted(by: { $0.id.raw < $1.id.raw }) {
            if account.roles.contains(.clerk) { staff.clerks[account.region] = account }
            if account.roles.contains(.mediator) { staff.mediators[account.region] = account }
            if account.roles.contains(.leader), account.login != "demo-leader2" { staff.leaders[account.region] = account }
            if account.roles.contains(.reviewer) { staff.reviewers[account.region] = account }
            if account.roles.contains(.officer) { staff.officers[account.region, default: []].append(account) }
            if account.login == "demo-leader2" || account.login == "demo-inspector" { staff.hosts.append(account) }
            if account.roles.contains(.intake) { staff.intake = account }
        }
        return (staff, demo)
    }

    // MARK: Operators

    func business(_ n: Int) -> (trade: Int, OperatorImport.Entry) {
        let index = draw.weighted(data.trades.enumerated().map { ($0.offset, $0.element.weight) })
        let trade = data.trades[index]
        let district = data.districts[min(data.districts.count - 1, draw.low(0...(data.districts.count - 1)))]
        let town = draw.pick(district.towns)
        let individual = draw.chance(0.72)
        let brand = draw.pick(data.brandWords) + (draw.chance(0.4) ? draw.pick(data.brandWords).prefix(1) : "")
        let suffix = draw.pick(trade.suffix)
        let name = individual ? "\(district.name)\(brand)\(suffix)" : "\(data.name.zh)\(brand)\(suffix)有限公司"
        let serial = String(n + 1_000_000_000).suffix(9)
        let code = USCC.completing((individual ? "92" : "91") + district.code + serial)
        let address = "\(district.name)\(town.name)\(draw.pick(data.roads))\(draw.int(1...399))号"
        let online = draw.chance(trade.online)
        let platform = draw.pick(data.platforms)
        let status: Operator.Status = draw.weighted([(.active, 0.93), (.suspended, 0.01), (.revoked, 0.02), (.deregistered, 0.04)])
        let opened = end.day.adding(days: -draw.low(30...5000))
        return (
            index,
            OperatorImport.Entry(
                uscc: code, name: name, kind: individual ? .individual : .enterprise, status: status, address: address, region: town.code, industry: trade.industry,
                representative: person(), phone: phone(),
                registeredOn: opened, shop: online ? (platform, "\(brand)\(suffix)", "https://shop.example/\(n)") : nil)
        )
    }

    func register(operators count: Int) async throws -> [[Business]] {
        var byTrade: [[Business]] = Array(repeating: [], count: data.trades.count)
        var n = 0
        let at = end.adding(seconds: -366 * 86_400)
        while n < count {
            var batch: [OperatorImport.Entry] = []
            while batch.count < 5000, n < count {
                let (trade, entry) = business(n)
                batch.append(entry)
                if byTrade[trade].count < 40_000 {
                    byTrade[trade].append(
                        Business(
                            uscc: entry.uscc, name: entry.name, address: entry.address, region: String(entry.region.prefix(6)), shop: entry.shop.map { ($0.platform, $0.url) },
                            isTrading: entry.status == .active)
                    )
                }
                n += 1
            }
            let ready = batch
            _ = try await desk.store.write { try OperatorImport.insert(ready, at: at, $0) }
            Terminal.progress("operators \(n)/\(count)")
        }
        try await desk.store.write { try Settings.set([("operators.count", String(count))], by: "city", at: at, $0) }
        return byTrade
    }
}
