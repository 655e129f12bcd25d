import Formats
import Kernel
import Platform
import Store
import Web

/// A service station of consumers' rights (消费维权服务站): where a host settles complaints before the authority is asked.
///
/// Law: O121 art. 6, CLR art. 44 encourage settling first; the rest is the office's own rule.
package struct Station: Sendable {
    package enum Kind: String, Sendable, CaseIterable {
        case mall, supermarket, market, enterprise, scenic = "scenic-spot"
        package var title: Text {
            switch self {
            case .mall: Text("商场", "Mall")
            case .supermarket: Text("超市", "Supermarket")
            case .market: Text("市场", "Market")
            case .enterprise: Text("企业", "Enterprise")
            case .scenic: Text("景区", "Scenic spot")
            }
        }
        init?(named text: String) {
            if let kind = Kind(rawValue: text.lowercased()) {
                self = kind
            } else if let kind = Kind.allCases.first(where: { $0.title.zh == text }) {
                self = kind
            } else {
                return nil
            }
        }
    }
    package let id: Int64
    package let sign: String
    package let name: String
    package let kind: Kind
    package let host: String?
    package let region: String
    package let address: String
    package let phone: String
    package let staff: String
    package let hours: String
    package let openedOn: Day
    package let reviewedOn: Day?
    package let closedOn: Day?

    /// Who settles it, and how to reach them.
    func write(_ h: HTML, _ received: Day, workdays: Int, _ until: Day) {
        h.card(Text("消费维权服务站", "Service station")) {
            h.p("mb-1 fw-semibold", name)
            h.p("mb-1 small", "\(address)\(phone.isEmpty ? "" : " · \(phone)") · \(hours)")
            h.p("small text-muted mb-0", Text("应在\(workdays)个工作日内和解，至\(until)；不成的转为投诉。", "To be settled in \(workdays) working days, by \(until); else it becomes a complaint."))
        }
    }

    init(_ row: Row) {
        id = row.int("id")
        sign = row.string("sign")
        name = row.string("name")
        kind = Kind(rawValue: row.string("kind")) ?? .enterprise
        host = row.optionalString("host")
        region = row.string("region")
        address = row.string("address")
        phone = row.string("phone")
        staff = row.string("staff")
        hours = row.string("hours")
        openedOn = row.day("opened_on")
        reviewedOn = row.optionalDay("reviewed_on")
        closedOn = row.optionalDay("closed_on")
    }
}

package enum Stations {
    package static func all(region: String = "", _ tx: Transaction) throws -> [Station] {
        try tx.all("SELECT * FROM disputes_stations WHERE region >= \(region) AND region < \(region + "~") ORDER BY region, name").map(Station.init)
    }

    /// 导入服务站: by the number of its sign; what is there already is brought up to date.
    static let format = ImportFormat(
        kind: "stations",
        columns: [
            .init("sign", ["站点编号", "编号", "牌号"], required: true), .init("name", ["站点名称", "名称"], required: true), .init("kind", ["类型", "站点类型"], required: true),
            .init("region", ["行政区划代码", "区划代码", "区划"], required: true), .init("address", ["地址"], required: true), .init("phone", ["联系电话", "电话"]),
            .init("staff", ["站长", "负责人", "联系人"]),
            .init("hours", ["服务时间", "开放时间"]), .init("host", ["主办单位信用代码", "统一社会信用代码", "信用代码"]), .init("openedOn", ["设立日期", "建站日期"]), .init("reviewedOn", ["复核日期"]),
            .init("closedOn", ["撤销日期"]), .init("lon", ["经度"]), .init("lat", ["纬度"]),
        ])

    private static func host(_ r: ImportRecord) throws -> String? {
        guard !r["host"].isEmpty else { return nil }
        do { return try USCC(r["host"].uppercased()).description } catch { throw r.reject("host", Text("统一社会信用代码\(error.text.zh)", "the credit code \(error.text.en)")) }
    }

    /// Degrees, both or neither; millionths of a degree.
    private static func place(_ r: ImportRecord) throws -> (lon: Int64, lat: Int64)? {
        if r["lon"].isEmpty, r["lat"].isEmpty { return nil }
        func degrees(_ field: String, _ range: ClosedRange<Double>) throws -> Int64 {
            guard let value = Double(r[field]), range.contains(value) else {
                throw r.reject(field, Text("应为\(range.lowerBound)至\(range.upperBound)之间的度数", "degrees between \(range.lowerBound) and \(range.upperBound)"))
            }
            return Int64((value * 1_000_000).rounded())
        }
        return (try degrees("lon", 73...136), try degrees("lat", 3...54))
    }

    package static let kind = ImportKind(format: format, title: Text("导入维权服务站", "Import stations"), permission: "stations.manage") { desk, file, progress in
        let (regions, now) = (desk.regions, desk.now)
        return try await Transfer.run(format, file: file, store: desk.store, progress: progress) { records, tx in
            var batch = ImportBatch()
            for r in records {
                do {
                    for field in ["sign", "name", "address"] where r[field].isEmpty { throw r.reject(field, Text("不能为空", "must not be empty")) }
                    guard let kind = Station.Kind(named: r["kind"]) else {
                        throw r.reject(
                            "kind",
                            Text(
                                "应为\(Station.Kind.allCases.map(\.title.zh).joined(separator: "、"))之一", "is one of \(Station.Kind.allCases.map(\.rawValue).joined(separator: ", "))")
                        )
                    }
                    guard regions.isKnown(r["region"]) else { throw r.reject("region", Text("没有代码为“\(r["region"])”的区划", "there is no division “\(r["region"])”")) }
                    func day(_ field: String) throws -> Day? {
                        guard !r[field].isEmpty else { return nil }
                        guard let day = Transfer.day(r[field]) else { throw r.reject(field, Text("日期应为 2026-11-23 形式", "a date reads 2026-11-23")) }
                        return day
                    }
                    let (host, place) = (try host(r), try place(r))
                    let (opened, reviewed, closed) = (try day("openedOn") ?? now.day, try day("reviewedOn"), try day("closedOn"))
                    let known = try tx.one("SELECT * FROM disputes_stations WHERE sign = \(r["sign"])").map(Station.init)
                    if let known, known.name == r["name"], known.kind == kind, known.address == r["address"], known.region == r["region"], known.phone == r["phone"],
                        known.staff == r["staff"], known.hours == r["hours"],
                        known.closedOn == closed, known.reviewedOn == reviewed,
                        try place == nil || StationMap.place(known.id, tx).map({ $0.lon == place!.lon && $0.lat == place!.lat }) == true
                    {
                        batch.same += 1
                        continue
                    }
                    let id = try tx.insert(
                        """
                        INSERT INTO disputes_stations (sign, name, kind, host, region, address, phone, staff, hours, opened_on, reviewed_on, closed_on)
                        VALUES (\(r["sign"]), \(r["name"]), \(kind), \(host), \(r["region"]), \(r["address"]), \(r["phone"]), \(r["staff"]), \(r["hours"]), \(opened), \(reviewed), \(closed))
                        ON CONFLICT (sign) DO UPDATE SET name = \(r["name"]), kind = \(kind), host = \(host), region = \(r["region"]), address = \(r["address"]), phone = \(r["phone"]), staff = \(r["staff"]),
                        hours = \(r["hours"]), reviewed_on = \(reviewed), closed_on = \(closed) RETURNING id
                        """)
                    if let place {
                        try tx.run(
                            "INSERT INTO disputes_places (station, lon, lat) VALUES (\(id), \(place.lon), \(place.lat)) ON CONFLICT (station) DO UPDATE SET lon = \(place.lon), lat = \(place.lat)"
                        )
                    }
                    try tx.audit(
                        "station.saved", of: Reference(kind: "station", id: id), by: "import", at: now, details: [("sign", .string(r["sign"]))],
                        sealing: [.init("disputes_stations", id)] + (place == nil ? [] : [.init("disputes_places", key: "station", id)]))
                    if known == nil { batch.added += 1 } else { batch.changed += 1 }
                } catch let reject as ImportReject { batch.rejects.append(reject) }
            }
            return batch
        }
    }
}
