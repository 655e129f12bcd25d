import DataFiles
import Formats
import Foundation
import Kernel
import Logging
import Outbound
import Statute
import Store
import Synchronization

/// The laws and periods that the program ships with (法规与期限).
package struct LawBook: Sendable {
    package let register: LawRegister
    package let catalogue: DutyCatalogue
    /// Names of industries (国民经济行业分类) by code.
    private let industries: [String: String]
    package static func load() throws -> LawBook {
        let rows = try CSV.read(DataFiles.text("industries/gbt4754.csv").split(separator: "\n").drop { $0.hasPrefix("#") }.joined(separator: "\n"))
        return LawBook(
            register: try LawRegister(json: DataFiles.data("law/laws.json")), catalogue: try DutyCatalogue(json: DataFiles.data("law/periods.json")),
            industries: Dictionary(rows.dropFirst().filter { $0.cells.count == 2 }.map { ($0.cells[0], $0.cells[1]) }) { a, _ in a })
    }
    /// `5212 超级市场零售`; a code that the table lacks by its nearest group.
    package func industry(_ code: String) -> String {
        let digits = code.first.map { $0.isLetter && code.count > 1 } == true ? String(code.dropFirst()) : code
        for length in stride(from: digits.count, to: 0, by: -1) { if let name = industries[String(digits.prefix(length))] { return "\(code) \(name)" } }
        return code
    }
    package static func calendar() throws -> WorkCalendar { WorkCalendar(try CalendarFile.read([UInt8](DataFiles.data("calendar/cn.csv")))) }
}

/// The calendar in force, shared by all requests of a process and replaced when a new year is imported.
package final class LiveCalendar: Sendable {
    private let current: Mutex<WorkCalendar>
    package init(_ calendar: WorkCalendar) { current = Mutex(calendar) }
    package var value: WorkCalendar {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// What an installation is configured to (配置): no city's name stands in code.
package struct Configuration: Sendable {
    package var cityName = Text("示例市", "Example City")
    package var officeName = "示例市市场监督管理局"
    package var officeShort = "示市监"
    package var cityRegion = ""
    package var hotline = "12315"
    /// Names that an office set for its districts: `990101` → name and short name.
    package var offices: [String: (name: String, short: String)] = [:]
    package var officeNameEn = ""
    package var office: Text { Text(officeName, officeNameEn.isEmpty ? "\(cityName.en) Market Supervision Administration" : officeNameEn) }
    package var isDemo = false
    package var secureCookies = false
    package var trustsProxy = false
    package var rollOver = RollOver.anyNonWorkingDay
    package var vendorFolder = "/usr/share/javascript"
    package var chromium = "/usr/bin/chromium"
    package init() {}
}

/// The configuration in force, replaced when the office changes its settings.
package final class LiveConfiguration: Sendable {
    private let current: Mutex<Configuration>
    init(_ configuration: Configuration) { current = Mutex(configuration) }
    var value: Configuration {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }
}

/// What every handler and job stands at (工作台): store, clock, law, files, keys, who may do what.
package struct Desk: Sendable {
    package let store: Store
    package let clock: OfficeClock
    package let law: LawBook
    package let calendar: LiveCalendar
    package let files: FileStore
    package let keys: Keys
    package let permissions: PermissionTable
    private let live: LiveConfiguration
    package let logger: Logger
    package let regions: LiveRegions
    /// The way out, and the server that mail is handed to, if there is one.
    package let outbound: Outbound
    package let mailServer: Outbound.MailServer?
    /// The office's identity provider, if there is one.
    package let openID: OpenID?

    package init(
        store: Store, clock: OfficeClock, law: LawBook, calendar: LiveCalendar, files: FileStore, keys: Keys, permissions: PermissionTable, configuration: Configuration,
        logger: Logger,
        regions: LiveRegions, outbound: Outbound = Outbound(), mailServer: Outbound.MailServer? = nil, openID: OpenID? = nil
    ) {
        self.openID = openID
        self.outbound = outbound
        self.mailServer = mailServer
        self.store = store
        self.clock = clock
        self.law = law
        self.calendar = calendar
        self.files = files
        self.keys = keys
        self.permissions = permissions
        live = LiveConfiguration(configuration)
        self.logger = logger
        self.regions = regions
    }

    /// What the office is configured to; a change holds from the next request on.
    package var configuration: Configuration {
        get { live.value }
        nonmutating set { live.value = newValue }
    }
    package var engine: DeadlineEngine { DeadlineEngine(calendar: calendar.value, catalogue: law.catalogue, rollOver: configuration.rollOver) }
    /// The authority that acts in a matter: the county-level one of its region, the city's own where the region is the city.
    ///
    /// Law: O121 art. 13, 15: the authority with power to handle it decides.
    package func office(for region: String) -> (name: String, short: String) {
        guard region.count >= 6 else { return (configuration.officeName, configuration.officeShort) }
        let district = String(region.prefix(6))
        if let set = configuration.offices[district] { return set }
        let name = regions.name(district)
        return ("\(configuration.cityName.zh)\(name)市场监督管理局", "\(name.prefix(1))市监")
    }
    package var now: Moment { clock.now }
    package func today() -> Day { clock.today }
}
