import Formats
import Kernel
import Store

/// A business in the one register (经营主体): an enterprise or an individual business, by its unified social credit code.
package struct Operator: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case enterprise, individual, cooperative, other
        package var title: Text {
            switch self {
            case .enterprise: Text("企业", "Enterprise")
            case .individual: Text("个体工商户", "Individual business")
            case .cooperative: Text("农民专业合作社", "Farmers' cooperative")
            case .other: Text("其他组织", "Other organisation")
            }
        }
        package init?(named text: String) {
            if let kind = Kind(rawValue: text.lowercased()) {
                self = kind
            } else if let kind = Kind.allCases.first(where: { $0.title.zh == text }) {
                self = kind
            } else if text.hasSuffix("公司") {
                self = .enterprise
            } else {
                return nil
            }
        }
    }
    /// The state of its registration (登记状态).
    package enum Status: String, Sendable, CaseIterable {
        case active, suspended, revoked, deregistered
        package var title: Text {
            switch self {
            case .active: Text("存续", "Active")
            case .suspended: Text("歇业", "Suspended")
            case .revoked: Text("吊销", "Licence revoked")
            case .deregistered: Text("注销", "Deregistered")
            }
        }
        package init?(named text: String) {
            if let status = Status(rawValue: text.lowercased()) {
                self = status
            } else if ["存续", "在业", "开业", "正常", "在营"].contains(where: text.hasPrefix) {
                self = .active
            } else if text.hasPrefix("歇业") {
                self = .suspended
            } else if text.hasPrefix("吊销") {
                self = .revoked
            } else if text.hasPrefix("注销") {
                self = .deregistered
            } else {
                return nil
            }
        }
    }

    package let id: ID<Operator>
    package let uscc: String
    package let name: String
    package let kind: Kind
    package let status: Status
    package let address: String
    package let region: String
    package let industry: String
    package let representative: String
    package let phone: String
    package let registeredOn: Day?
    package let online: Bool

    package init(_ row: Row) {
        id = row.id("id")
        uscc = row.string("uscc")
        name = row.string("name")
        kind = Kind(rawValue: row.string("kind")) ?? .other
        status = Status(rawValue: row.string("status")) ?? .active
        address = row.string("address")
        region = row.string("region")
        industry = row.string("industry")
        representative = row.string("representative")
        phone = row.string("phone")
        registeredOn = row.optionalDay("registered_on")
        online = row.bool("online")
    }
}

/// A shop or account on a platform (网店).
package struct Shop: Sendable {
    package let platform: String
    package let shop: String
    package let name: String
    package let url: String
    init(_ row: Row) {
        platform = row.string("platform")
        shop = row.string("shop")
        name = row.string("name")
        url = row.string("url")
    }
}

package enum Operators {
    package static func find(_ id: ID<Operator>, _ tx: Transaction) throws -> Operator {
        guard let row = try tx.one("SELECT * FROM operators WHERE id = \(id)") else { throw Refusal.notFound }
        return Operator(row)
    }
    package static func find(uscc: String, _ tx: Transaction) throws -> Operator? { try tx.one("SELECT * FROM operators WHERE uscc = \(uscc)").map(Operator.init) }
    /// The operator behind a shop of a platform, by the shop's name, where it is on record.
    package static func find(shopNamed name: String, on platform: String, _ tx: Transaction) throws -> Operator? {
        let rows = try tx.all(
            "SELECT o.* FROM operators_shops s JOIN operators o ON o.id = s.operator WHERE s.name = \(name) AND s.platform = \(platform) ORDER BY s.id LIMIT 2")
        return rows.count == 1 ? Operator(rows[0]) : nil
    }
    /// The one operator that has just this name; nil where none has, or several.
    package static func find(onlyNamed name: String, _ tx: Transaction) throws -> Operator? {
        let rows = try tx.all("SELECT * FROM operators WHERE name = \(name) LIMIT 2")
        return rows.count == 1 ? Operator(rows[0]) : nil
    }
    package static func shops(_ id: ID<Operator>, _ tx: Transaction) throws -> [Shop] {
        try tx.all("SELECT * FROM operators_shops WHERE operator = \(id) ORDER BY platform, name").map(Shop.init)
    }

    /// The operator behind a shop's address, however the address was copied: with or without what follows `?` and `#`, a last slash, TLS.
    package static func find(shopURL: String, _ tx: Transaction) throws -> Operator? {
        let bare = String(shopURL.prefix { $0 != "#" })
        let plain = String(bare.prefix { $0 != "?" })
        var written: [String] = []
        for base in [bare, plain] {
            guard let at = base.firstRange(of: "://")?.upperBound else { continue }
            let rest = base[at...].hasSuffix("/") ? String(base[at...].dropLast()) : String(base[at...])
            for scheme in ["https://", "http://"] { written += [scheme + rest, scheme + rest + "/"] }
        }
        guard !written.isEmpty else { return nil }
        return try tx.one("SELECT o.* FROM operators_shops s JOIN operators o ON o.id = s.operator WHERE s.url IN (\(list: written)) ORDER BY s.id").map(Operator.init)
    }

    /// Instant search: a code or its beginning, a name or two characters of it, pinyin initials, an address.
    package static func search(_ typed: String, region: String = "", limit: Int = 20, _ tx: Transaction) throws -> [Operator] {
        let text = typed.filter { !$0.isWhitespace }
        guard text.count >= 2 else { return [] }
        let ascii = text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
        let upper = text.uppercased()
        if ascii, text.count >= 6, text.contains(where: \.isNumber) {
            let rows = try tx.all("SELECT * FROM operators WHERE uscc >= \(upper) AND uscc < \(upper + "~") AND region LIKE \(region + "%") ORDER BY uscc LIMIT \(limit)")
            if !rows.isEmpty { return rows.map(Operator.init) }
        }
        let lower = text.lowercased()
        // What begins with it first, by index: a newer name that merely contains it must not push it out.
        var found = try tx.all("SELECT * FROM operators WHERE name >= \(text) AND name < \(text + "\u{10FFFD}") AND region LIKE \(region + "%") ORDER BY name LIMIT \(limit)").map(
            Operator.init)
        if ascii {
            found += try tx.all("SELECT * FROM operators WHERE initials >= \(lower) AND initials < \(lower + "~") AND region LIKE \(region + "%") ORDER BY initials LIMIT \(limit)")
                .map(Operator.init)
        }
        func add(_ more: [Operator]) { found += more.filter { o in !found.contains { $0.id == o.id } } }
        if found.count < limit { add(try candidates(Search.query("operator", text), region, limit, tx) { $0.name.lowercased().holds(lower) || $0.address.holds(text) }) }
        if ascii, found.count < limit, !text.contains(where: \.isNumber) {
            add(try candidates(Search.query("operator", text, asInitials: true), region, limit, tx) { Pinyin.initials($0.name).holds(lower) })
        }
        return found.map { (rank($0, lower), $0) }.sorted { $0.0 < $1.0 }.prefix(limit).map(\.1)
    }

    private static func candidates(_ terms: [String]?, _ region: String, _ limit: Int, _ tx: Transaction, _ fits: (Operator) -> Bool) throws -> [Operator] {
        guard let terms else { return [] }
        let keys = try Search.find("operator", terms + (region.count >= 6 ? ["opr:" + region.prefix(6)] : []), limit: limit * 5, tx)
        guard !keys.isEmpty else { return [] }
        return try tx.all("SELECT * FROM operators WHERE id IN (\(list: keys))").map(Operator.init).filter { $0.region.hasPrefix(region) && fits($0) }
    }

    private static func rank(_ o: Operator, _ typed: String) -> Int {
        let name = o.name.lowercased()
        return (name == typed ? 0 : name.hasPrefix(typed) ? 100 : name.contains(typed) ? 200 : 300) + (o.status == .active ? 0 : 50) + min(49, name.count)
    }

    /// What an index must know of an operator: names, address, initials, region.
    package static func searchTerms(name: String, address: String, initials: String, region: String) -> String {
        var cutter = Search.Cutter("operator")
        cutter.mark("r:" + region.prefix(6))
        cutter.add(name)
        cutter.add(address)
        cutter.add(initials: initials)
        return cutter.terms
    }
}
