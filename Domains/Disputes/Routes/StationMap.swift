import Kernel
import Platform
import Store
import Web

/// Where the stations are (站点分布图): a plot of the imported coordinates, drawn by us as SVG; no map service is asked, so nothing about a visitor leaves.
enum StationMap {
    struct Point: Sendable {
        let lon: Int64
        let lat: Int64
        let kind: Station.Kind
        let name: String
        let district: String
    }

    static func place(_ station: Int64, _ tx: Transaction) throws -> (lon: Int64, lat: Int64)? {
        try tx.one("SELECT lon, lat FROM disputes_places WHERE station = \(station)").map { ($0.int("lon"), $0.int("lat")) }
    }

    static func load(_ region: String, _ typed: String, _ tx: Transaction) throws -> [Point] {
        try tx.all(
            """
            SELECT p.lon, p.lat, s.kind, s.name, s.address, s.region FROM disputes_places p JOIN disputes_stations s ON s.id = p.station
            WHERE s.closed_on IS NULL AND s.region >= \(region) AND s.region < \(region + "~") AND (s.name LIKE \(typed) OR s.address LIKE \(typed)) ORDER BY s.id LIMIT 10000
            """
        ).map {
            Point(
                lon: $0.int("lon"), lat: $0.int("lat"), kind: Station.Kind(rawValue: $0.string("kind")) ?? .enterprise, name: "\($0.string("name")) \($0.string("address"))",
                district: String($0.string("region").prefix(6)))
        }
    }

    private static let colours: [Station.Kind: String] = [.mall: "#1a4f8b", .supermarket: "#2e7d5b", .market: "#b07b2c", .enterprise: "#7a4fa3", .scenic: "#b0413e"]

    static func write(_ h: HTML, _ visit: Visit, _ points: [Point]) {
        guard let west = points.map(\.lon).min(), let east = points.map(\.lon).max(), let south = points.map(\.lat).min(), let north = points.map(\.lat).max() else {
            return h.empty(Text("没有坐标", "No coordinates"), Text("导入站点时填写“经度”“纬度”两列，分布图即会出现。", "Fill the columns “经度” and “纬度” when stations are imported."))
        }
        // A degree of longitude is shorter than one of latitude; at thirty degrees by an eighth.
        let squeeze = 0.866
        let (wide, high) = (max(1, Double(east - west) * squeeze), max(1, Double(north - south)))
        let scale = min(900 / wide, 520 / high)
        let (w, t) = (Int(wide * scale) + 160, Int(high * scale) + 80)
        func x(_ lon: Int64) -> Int { 80 + Int(Double(lon - west) * squeeze * scale) }
        func y(_ lat: Int64) -> Int { 45 + Int(Double(north - lat) * scale) }
        h.div("card card-body mb-3") {
            h.p("small mb-2") {
                for kind in Station.Kind.allCases {
                    let n = points.count { $0.kind == kind }
                    if n > 0 {
                        h.element("span", "me-3") {
                            h.element("svg", nil, [.init("width", "10"), .init("height", "10"), .init("aria-hidden", "true")]) {
                                h.element("circle", nil, [.init("cx", "5"), .init("cy", "5"), .init("r", "5"), .init("fill", colours[kind] ?? "#555")]) {}
                            }
                            h.text(" \(h.say(kind.title)) \(n)")
                        }
                    }
                }
            }
            h.element(
                "svg", "station-map",
                [
                    .init("viewBox", "0 0 \(w) \(t)"), .role("img"), .init("width", "100%"), .init("height", "560"),
                    .label(h.say(Text("\(points.count)个站点的分布，北在上", "\(points.count) stations, north is up"))),
                ]
            ) {
                for p in points {
                    h.element(
                        "circle", nil,
                        [
                            .init("cx", String(x(p.lon))), .init("cy", String(y(p.lat))), .init("r", points.count > 500 ? "2.5" : "4"), .init("fill", colours[p.kind] ?? "#555"),
                            .init("fill-opacity", "0.75"),
                        ]
                    ) {
                        h.element("title", nil, text: p.name)
                    }
                }
                // The name of each district at the middle of its stations.
                for (code, members) in Dictionary(grouping: points, by: \.district).sorted(by: { $0.key < $1.key }) {
                    let (lon, lat) = (members.reduce(0) { $0 + $1.lon } / Int64(members.count), members.reduce(0) { $0 + $1.lat } / Int64(members.count))
                    h.element(
                        "text", nil,
                        [
                            .init("x", String(x(lon))), .init("y", String(y(lat) - 12)), .init("text-anchor", "middle"), .init("font-size", "14"), .init("font-weight", "600"),
                            .init("fill", "#1b2a3a"),
                            .init("stroke", "#fff"), .init("stroke-width", "3"), .init("paint-order", "stroke"),
                        ], text: "\(visit.region(code)) \(members.count)")
                }
            }
            h.p(
                "small text-muted mb-0",
                Text("按导入的经纬度绘制，不是测绘地图；指向圆点显示名称和地址，下方清单可检索。", "Drawn from imported coordinates, no survey; point at a dot for its name, the list below can be searched."))
        }
    }
}
