import Kernel
import Store

/// A number that the office sets for itself (业务参数): no law's; what it is until somebody sets it.
package struct NumberSetting: Sendable {
    package let name: String
    package let title: Text
    package let initial: Int
    package let range: ClosedRange<Int>
    package init(_ name: String, _ title: Text, _ initial: Int, _ range: ClosedRange<Int>) { (self.name, self.title, self.initial, self.range) = (name, title, initial, range) }

    package func value(_ tx: Transaction) throws -> Int {
        guard let text = try tx.one("SELECT value FROM platform_settings WHERE name = \(name)")?.string("value"), let n = Int(text), range.contains(n) else { return initial }
        return n
    }
}

/// What an installation calls itself (机构设置): rows of data, so no city's name stands in code.
package enum Settings {
    /// What the database says, over what the process was started with.
    package static func load(_ store: Store, over started: Configuration = Configuration()) async throws -> Configuration {
        var c = started
        let values = try await store.read { tx in
            Dictionary(uniqueKeysWithValues: try tx.all("SELECT name, value FROM platform_settings").map { ($0.string("name"), $0.string("value")) })
        }
        c.offices = [:]
        if let zh = values["city.zh"] { c.cityName = Text(zh, values["city.en"] ?? zh) }
        if let office = values["office.name"] { c.officeName = office }
        if let short = values["office.short"] { c.officeShort = short }
        if let region = values["city.region"] { c.cityRegion = region }
        for (key, value) in values where key.hasPrefix("office.name.") {
            let region = String(key.dropFirst("office.name.".count))
            c.offices[region] = (value, values["office.short.\(region)"] ?? c.officeShort)
        }
        if let en = values["office.en"] { c.officeNameEn = en }
        if let hotline = values["office.hotline"] { c.hotline = hotline }
        return c
    }

    /// One ledger, one key: the first key that opens a database is the key of its ledger, and another is refused.
    package static func hold(_ keys: Keys, at now: Moment, _ store: Store) async throws {
        let known = try await store.read { try $0.one("SELECT value FROM platform_settings WHERE name = 'ledger.key'")?.string("value") }
        guard let known else { return try await store.write { try set([("ledger.key", keys.verifierKey)], by: "system", at: now, $0) } }
        guard known == keys.verifierKey else {
            throw Refusal(
                .unavailable,
                Text(
                    "密钥与此数据库的日志不符：请用 --data 指明原来的数据目录，或从备份恢复 keys 目录",
                    "These keys are not those of this database's ledger: name the folder that has them with --data, or restore keys from a backup"))
        }
    }

    package static func set(_ values: [(String, String)], by actor: String, at now: Moment, _ tx: Transaction) throws {
        guard !values.isEmpty else { return }
        for (name, value) in values { try tx.send("INSERT INTO platform_settings (name, value) VALUES (\(name), \(value)) ON CONFLICT (name) DO UPDATE SET value = \(value)") }
        try tx.audit(
            "office.changed", of: Reference(kind: "office", id: 0), by: actor, at: now, details: values.map { ($0.0, .string($0.1)) },
            sealing: [.init(whole: "platform_settings")])
    }
}
