import Kernel
import Store

/// What an installation calls itself (机构设置): rows of data, so no city's name stands in code.
package enum Settings {
    package static func load(_ store: Store) async throws -> Configuration {
        var c = Configuration()
        let values = try await store.read { tx in
            Dictionary(uniqueKeysWithValues: try tx.all("SELECT name, value FROM platform_settings").map { ($0.string("name"), $0.string("value")) })
        }
        if let zh = values["city.zh"] { c.cityName = Text(zh, values["city.en"] ?? zh) }
        if let office = values["office.name"] { c.officeName = office }
        if let short = values["office.short"] { c.officeShort = short }
        if let region = values["city.region"] { c.cityRegion = region }
        if let hotline = values["office.hotline"] { c.hotline = hotline }
        return c
    }

    package static func set(_ name: String, _ value: String, _ tx: Transaction) throws {
        try tx.run("INSERT INTO platform_settings (name, value) VALUES (\(name), \(value)) ON CONFLICT (name) DO UPDATE SET value = \(value)")
    }
}
