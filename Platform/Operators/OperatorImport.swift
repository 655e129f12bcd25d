import Formats
import Kernel
import Store
import Synchronization

/// Import of the register (经营主体导入): CSV or XLSX, any order of columns, Chinese or English titles. Rows that are
/// wrong are set aside with line, column and reason; the rest goes in; a second run changes nothing.
package enum OperatorImport {
    package static let format = ImportFormat(
        kind: "operators",
        columns: [
            .init("uscc", ["统一社会信用代码", "信用代码", "统一代码"], required: true), .init("name", ["名称", "企业名称", "主体名称", "字号名称"], required: true),
            .init("kind", ["类型", "主体类型", "市场主体类型"]), .init("status", ["状态", "登记状态", "经营状态"]), .init("address", ["地址", "住所", "经营场所", "住所（经营场所）"]),
            .init("region", ["区划", "行政区划", "区划代码"]), .init("industry", ["行业", "行业代码", "行业门类"]), .init("representative", ["法定代表人", "负责人", "经营者", "法定代表人（负责人）"]),
            .init("phone", ["电话", "联系电话"]), .init("registeredOn", ["成立日期", "登记日期", "注册日期"]), .init("shopPlatform", ["网店平台"]), .init("shopName", ["网店名称"]),
            .init("shopUrl", ["网店网址", "网址"]),
        ])

    /// An operator on its way in.
    package struct Entry: Sendable {
        package let uscc: String
        package let name: String
        package let kind: Operator.Kind
        package let status: Operator.Status
        package let address: String
        package let region: String
        package let industry: String
        package let representative: String
        package let phone: String
        package let registeredOn: Day?
        package let shop: (platform: String, name: String, url: String)?
        /// Made when the entry is: beside the transaction, not in it.
        let initials: String
        let terms: String

        package init(
            uscc: String, name: String, kind: Operator.Kind, status: Operator.Status, address: String, region: String, industry: String, representative: String, phone: String,
            registeredOn: Day?,
            shop: (platform: String, name: String, url: String)?
        ) {
            self.uscc = uscc
            self.name = name
            self.kind = kind
            self.status = status
            self.address = address
            self.region = region
            self.industry = industry
            self.representative = representative
            self.phone = phone
            self.registeredOn = registeredOn
            self.shop = shop
            initials = Pinyin.initials(name)
            terms = Operators.searchTerms(name: name, address: address, initials: initials, region: region)
        }

        /// What a file does not speak of stays as it was.
        func keeping(_ old: Operator, _ present: Set<String>) -> Entry {
            Entry(
                uscc: uscc, name: name, kind: present.contains("kind") ? kind : old.kind, status: present.contains("status") ? status : old.status,
                address: present.contains("address") ? address : old.address,
                region: present.contains("region") ? region : old.region, industry: present.contains("industry") ? industry : old.industry,
                representative: present.contains("representative") ? representative : old.representative, phone: present.contains("phone") ? phone : old.phone,
                registeredOn: present.contains("registeredOn") ? registeredOn : old.registeredOn, shop: shop)
        }
    }

    static func entry(_ r: ImportRecord) throws(ImportReject) -> Entry {
        let uscc: USCC
        do { uscc = try USCC(r["uscc"]) } catch { throw r.reject("uscc", error.text) }
        let name = r["name"]
        guard (2...120).contains(name.count) else { throw r.reject("name", Text("名称应为2至120字", "a name has 2 to 120 characters")) }
        let region = r["region"].isEmpty ? uscc.region : r["region"]
        guard region.allSatisfy({ $0.isASCII && $0.isNumber }), [4, 6, 9, 12].contains(region.count) else {
            throw r.reject("region", Text("行政区划代码应为4、6、9或12位数字", "a division code has 4, 6, 9 or 12 digits"))
        }
        var kind = Operator.Kind.enterprise
        if !r["kind"].isEmpty {
            guard let known = Operator.Kind(named: r["kind"]) else { throw r.reject("kind", Text("不认识的主体类型“\(r["kind"])”", "unknown kind “\(r["kind"])”")) }
            kind = known
        } else if uscc.description.hasPrefix("92") {
            kind = .individual
        }
        var status = Operator.Status.active
        if !r["status"].isEmpty {
            guard let known = Operator.Status(named: r["status"]) else { throw r.reject("status", Text("不认识的登记状态“\(r["status"])”", "unknown status “\(r["status"])”")) }
            status = known
        }
        var registered: Day?
        if !r["registeredOn"].isEmpty {
            guard let day = Transfer.day(r["registeredOn"]) else { throw r.reject("registeredOn", Text("日期应为 2026-11-23 形式", "a date reads 2026-11-23")) }
            registered = day
        }
        let shop = r["shopUrl"].isEmpty ? nil : (r["shopPlatform"], r["shopName"].isEmpty ? name : r["shopName"], r["shopUrl"])
        return Entry(
            uscc: uscc.description, name: name, kind: kind, status: status, address: String(r["address"].prefix(300)), region: region, industry: r["industry"].uppercased(),
            representative: r["representative"], phone: r["phone"], registeredOn: registered, shop: shop)
    }

    /// Rows as they were read and judged, before the database is asked.
    package struct Prepared: Sendable {
        var entries: [Entry] = []
        var rejects: [ImportReject] = []
        /// The columns that the file has.
        var present: Set<String> = []
    }

    /// The codes of one file, so that a second line with the same one is named instead of overwriting the first.
    package final class Seen: Sendable {
        private let codes = Mutex<Set<String>>([])
        package init() {}
        func first(_ code: String) -> Bool { codes.withLock { $0.insert(code).inserted } }
    }

    package static func prepare(_ records: [ImportRecord], _ seen: Seen) -> Prepared {
        var prepared = Prepared()
        prepared.present = records.first.map { r in Set(format.columns.map(\.name).filter { r.has($0) }) } ?? []
        for record in records {
            do throws(ImportReject) {
                let entry = try entry(record)
                guard seen.first(entry.uscc) else { throw record.reject("uscc", Text("同一文件中重复，以先出现的为准", "twice in the file: the first one holds")) }
                prepared.entries.append(entry)
            } catch {
                prepared.rejects.append(error)
            }
        }
        return prepared
    }

    /// One batch in one transaction. Returns how many were new, changed, the same.
    package static func write(_ prepared: Prepared, at now: Moment, _ tx: Transaction) throws -> ImportBatch {
        var batch = ImportBatch()
        batch.rejects = prepared.rejects
        let (entries, present) = (prepared.entries, prepared.present)
        var fresh: [Entry] = []
        let known = try Dictionary(uniqueKeysWithValues: tx.all("SELECT * FROM operators WHERE uscc IN (\(list: entries.map(\.uscc)))").map { ($0.string("uscc"), Operator($0)) })
        var shops: [Int64: Set<String>] = [:]
        for row in try tx.all(keys: known.values.map(\.id.raw), { "SELECT operator, platform, name, url FROM operators_shops WHERE operator IN (\($0))" }) {
            shops[row.int("operator"), default: []].insert([row.string("platform"), row.string("name"), row.string("url")].joined(separator: "\n"))
        }
        var touched: [Int64] = []
        for entry in entries {
            guard let old = known[entry.uscc] else {
                fresh.append(entry)
                continue
            }
            let entry = entry.keeping(old, present)
            let changed = batch.changed
            if old.name == entry.name, old.kind == entry.kind, old.status == entry.status, old.address == entry.address, old.region == entry.region, old.industry == entry.industry,
                old.phone == entry.phone, old.representative == entry.representative, old.registeredOn == entry.registeredOn
            {
                batch.same += 1
            } else {
                try tx.run(
                    """
                    UPDATE operators SET name = \(entry.name), kind = \(entry.kind), status = \(entry.status), address = \(entry.address), region = \(entry.region), industry = \(entry.industry),
                    registered_on = \(entry.registeredOn), representative = \(entry.representative), phone = \(entry.phone), initials = \(entry.initials), changed_at = \(now) WHERE id = \(old.id)
                    """)
                tx.atCommit(Dialect.Found(kind: "operator", ref: old.id.raw, terms: entry.terms))
                batch.changed += 1
            }
            let newShop = entry.shop.flatMap { shops[old.id.raw]?.contains([$0.platform, $0.name, $0.url].joined(separator: "\n")) == true ? nil : $0 }
            if let newShop { try attach(newShop, to: old.id.raw, tx) }
            if newShop != nil || batch.changed > changed { touched.append(old.id.raw) }
        }
        try insert(fresh, at: now, tx)
        batch.added = fresh.count
        if !touched.isEmpty {
            try tx.audit(
                "operators.changed", of: Reference(kind: "operators", id: 0), by: "import", at: now, details: [("changed", .int(batch.changed))],
                sealing: touched.flatMap { [.init("operators", $0), .init("operators_shops", of: "operator", $0)] })
        }
        return batch
    }

    private static let columns = [
        "id", "uscc", "name", "kind", "status", "address", "region", "industry", "representative", "phone", "registered_on", "initials", "online", "changed_at",
    ]

    /// New rows by bulk insert: keys are taken from a counter, so rows and their search terms go in together.
    /// Returns the first key; the others follow it.
    @discardableResult
    package static func insert(_ fresh: [Entry], at now: Moment, _ tx: Transaction) throws -> Int64 {
        guard !fresh.isEmpty else { return 0 }
        let first = try tx.dialect.takeKeys("operators", fresh.count, tx)
        var rows: [[Value]] = []
        var found: [(ref: Int64, terms: String)] = []
        for (i, e) in fresh.enumerated() {
            let id = first + Int64(i)
            rows.append([
                .int(id), .text(e.uscc), .text(e.name), .text(e.kind.rawValue), .text(e.status.rawValue), .text(e.address), .text(e.region), .text(e.industry),
                .text(e.representative), .text(e.phone),
                e.registeredOn.value, .text(e.initials), .int(e.shop == nil ? 0 : 1), now.value,
            ])
            found.append((id, e.terms))
        }
        try tx.bulk(into: "operators", columns, rows)
        try tx.dialect.addToSearch(tx, kind: "operator", found)
        var seals: [Ledger.Seal] = []
        var digest = Ledger.Digest(columns)
        for (i, row) in rows.enumerated() { seals.append(.init("operators", first + Int64(i), digest: digest(row))) }
        for (i, e) in fresh.enumerated() {
            guard let shop = e.shop else { continue }
            try attach(shop, to: first + Int64(i), tx)
            seals.append(.init("operators_shops", of: "operator", first + Int64(i)))
        }
        try tx.audit("operators.added", of: Reference(kind: "operators", id: first), by: "import", at: now, details: [("added", .int(fresh.count))], sealing: seals)
        return first
    }

    private static func attach(_ shop: (platform: String, name: String, url: String), to id: Int64, _ tx: Transaction) throws {
        try tx.send(
            "INSERT INTO operators_shops (operator, platform, shop, name, url) VALUES (\(id), \(shop.platform), \(shop.url), \(shop.name), \(shop.url)) ON CONFLICT (platform, shop) DO UPDATE SET operator = \(id), name = \(shop.name)"
        )
        try tx.send("UPDATE operators SET online = 1 WHERE id = \(id) AND online = 0")
    }
}
