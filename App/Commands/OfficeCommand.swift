import ArgumentParser
import Kernel
import Platform
import Store

struct OfficeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "office", abstract: "What the city and its offices are called; without options it shows what is set.")
    @OptionGroup var database: DatabaseOptions
    @Option(help: "The city's name in Chinese") var city: String?
    @Option(name: .customLong("city-en"), help: "The city's name in English") var cityEnglish: String?
    @Option(help: "The city's division code, four digits") var region: String?
    @Option(help: "A district's code: name and short are then that district's authority") var district: String?
    @Option(help: "Full name of the authority, as documents print it") var name: String?
    @Option(help: "Short name in document numbers, such as 某市监") var short: String?
    @Option(name: .customLong("name-en"), help: "Name of the authority in English") var nameEnglish: String?
    @Option(help: "Hotline") var hotline: String?

    func run() async throws {
        for (option, code) in [("region", region), ("district", district)] {
            if let code, !code.allSatisfy({ $0.isASCII && $0.isNumber }) { throw Refusal.invalid("/\(option)", Text("区划代码应为数字", "A division code is digits")) }
        }
        let office = try await Opening.open(database, migrating: true)
        let end = district.map { ".\($0)" } ?? ""
        let changes = [
            ("city.zh", city), ("city.en", cityEnglish), ("city.region", region), ("office.name\(end)", name), ("office.short\(end)", short), ("office.en", nameEnglish),
            ("office.hotline", hotline),
        ].compactMap { key, value in value.map { (key, $0) } }
        let now = office.desk.now
        let shown = try await office.desk.store.write { tx in
            try Settings.set(changes, by: "command", at: now, tx)
            return try tx.all("SELECT name, value FROM platform_settings WHERE name LIKE 'city.%' OR name LIKE 'office.%' ORDER BY name").map {
                "\($0.string("name"))\t\($0.string("value"))"
            }
        }
        print(shown.joined(separator: "\n"))
        office.desk.store.close()
    }
}
