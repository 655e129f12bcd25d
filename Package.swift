// swift-tools-version: 6.2
import PackageDescription

let swift: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .treatAllWarnings(as: .error),
]

/// A target of ours: sources in `path`, its card and its tests beside them.
func room(
    _ name: String, _ path: String, _ needs: [Target.Dependency], resources: [Resource] = [], testing: [Target.Dependency] = [],
    tested: Bool = true, card: Bool = false
) -> [Target] {
    let house: [Target] = [
        .target(
            name: name, dependencies: needs, path: path, exclude: (tested ? ["Tests"] : []) + (card ? ["README.md"] : []),
            resources: resources, swiftSettings: swift)
    ]
    guard tested else { return house }
    return house + [
        .testTarget(
            name: name + "Tests", dependencies: [.byName(name: name), "TestSupport"] + needs + testing,
            path: path + "/Tests", swiftSettings: swift)
    ]
}

let hummingbird = Target.Dependency.product(name: "Hummingbird", package: "hummingbird")
let grdb = Target.Dependency.product(name: "GRDB", package: "GRDB.swift")
let sqlite = Target.Dependency.product(name: "GRDBSQLite", package: "GRDB.swift")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let embedded = Target.Dependency.product(name: "NIOEmbedded", package: "swift-nio")
let nio: [Target.Dependency] = [.product(name: "NIOCore", package: "swift-nio"), .product(name: "NIOPosix", package: "swift-nio")]
let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let jwt = Target.Dependency.product(name: "JWTKit", package: "jwt-kit")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")

/// The monitoring models that ship: a folder each.
let models = [
    "M01-licence-display",
    "M02-permit-gap",
    "M03-unregistered-seller",
    "M04-dead-entity-trading",
    "M05-absolute-terms",
    "M06-medical-claims",
    "M07-unreviewed-ads",
    "M08-unmarked-ads",
    "M09-fake-discount",
    "M10-bait-price",
    "M11-no-price",
    "M12-fake-trades",
    "M13-bought-reviews",
    "M14-live-traffic",
    "M15-return-refused",
    "M16-unfair-terms",
    "M17-default-ticked",
    "M18-banned-goods",
    "M19-counterfeit",
    "M20-product-quality",
    "M21-food-information",
    "M22-live-room",
    "M23-prize-sales",
]

let package = Package(
    name: "sinan",
    products: [.executable(name: "sinan", targets: ["sinan"])],
    dependencies: [
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // Debian's C libraries, one module each in one module map: libpq, libcrypto, libxlsxwriter, libzip, expat, qrencode.
        .systemLibrary(name: "CLibraries", path: "Base/CLibraries"),
        .target(name: "CNative", path: "Base/CNative", linkerSettings: [.linkedLibrary("exiv2"), .linkedLibrary("icui18n"), .linkedLibrary("icuuc"), .linkedLibrary("curl")]),
    ]
        + room("Kernel", "Base/Kernel", [])
        + room("Statute", "Base/Statute", ["Kernel"], testing: ["DataFiles"])
        + room("Formats", "Base/Formats", ["Kernel", "CLibraries", "CNative"])
        + room("Outbound", "Base/Outbound", ["Kernel", "CNative"])
        + room("Browser", "Base/Browser", ["Kernel", "Outbound"] + nio)
        + room("Detect", "Base/Detect", ["Kernel", "CLibraries", "CNative", yams])
        + room("Store", "Base/Store", ["Kernel", "CLibraries", grdb, sqlite, logging])
        + room("Web", "Base/Web", ["Kernel", "CLibraries", hummingbird, logging])
        + room("DataFiles", "Data", [], resources: [.copy("calendar"), .copy("law"), .copy("regions"), .copy("industries"), .copy("city"), .copy("credit")], tested: false)
        + room("PublicFiles", "Public", [], resources: [.copy("assets")], tested: false)
        + room(
            "Platform", "Platform",
            ["PublicFiles", "Kernel", "Statute", "Formats", "Outbound", "Browser", "Store", "Web", "DataFiles", "CLibraries", mustache, hummingbird, logging, jwt],
            testing: ["Disputes"], card: true)
        + room("Disputes", "Domains/Disputes", ["Kernel", "Statute", "Formats", "Store", "Web", "Platform", hummingbird], resources: [.copy("Documents")], card: true)
        + room("ModelFiles", "Models", [], resources: models.map { .copy($0) } + [.copy("lists")], tested: false)
        + room(
            "Monitoring", "Domains/Monitoring", ["Kernel", "Statute", "Formats", "Detect", "Store", "Web", "Platform", "ModelFiles", hummingbird, logging], testing: ["DataFiles"],
            card: true)
        + room("Evidence", "Domains/Evidence", ["DataFiles", "Kernel", "Statute", "Formats", "Browser", "Outbound", "Store", "Web", "Platform", hummingbird, logging], card: true)
        + room(
            "Enforcement", "Domains/Enforcement", ["DataFiles", "Kernel", "Statute", "Formats", "Store", "Web", "Platform", hummingbird], resources: [.copy("Documents")],
            card: true)
        + room(
            "Credit", "Domains/Credit", ["DataFiles", "Kernel", "Statute", "Formats", "Store", "Web", "Platform", "Enforcement", hummingbird, logging], card: true)
        + room(
            "Supervision", "Domains/Supervision",
            ["DataFiles", "PublicFiles", "Kernel", "Statute", "Formats", "Store", "Web", "Platform", "Enforcement", "Credit", hummingbird, logging], card: true)
        + room("Insights", "Domains/Insights", ["Kernel", "Statute", "Store", "Web", "Platform", hummingbird], tested: false, card: true)
        + room(
            "TestSupport", "Tests/Testing",
            [
                "Kernel", "Statute", "Outbound", "Store", "Web", "Platform", "Disputes", "Insights", "Monitoring", "Evidence", "Enforcement", "Credit", "Supervision", "DataFiles",
                hummingbird, embedded, logging,
            ],
            tested: false)
        + [
            .executableTarget(
                name: "sinan",
                dependencies: [
                    "Kernel", "Statute", "Formats", "Outbound", "Store", "Web", "Platform", "Disputes", "Insights", "Monitoring", "Evidence", "Enforcement", "Credit",
                    "Supervision", "Detect", "DataFiles", hummingbird,
                    arguments,
                    logging,
                ],
                path: "App", swiftSettings: swift),
            .testTarget(name: "HouseTests", dependencies: ["Kernel", "Statute", "DataFiles"], path: "Tests/House", swiftSettings: swift),
        ],
    cxxLanguageStandard: .cxx17
)
