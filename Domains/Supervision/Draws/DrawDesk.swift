import Credit
import Enforcement
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// A draw in three steps (抽取三步): the list is prepared; list, seed and beacon are committed to in the ledger; when the beacon is out, the seed is revealed.
package struct SupervisionDraw: Sendable {
    package let id: Int64
    package let number: String
    package let title: String
    package let region: String
    package let items: [String]
    package let state: String
    package let conditions: JSON
    package let strata: JSON
    package let listFile: String
    package let listDigest: String
    package let commitment: String?
    package let beacon: String?
    package let beaconAt: String?
    package let beaconValue: String?
    package let result: JSON?
    package let preparedBy: Int64
    package let committedBy: Int64?
    package let committedAt: Moment?
    package let ledgerEntry: Int64?
    package let drawnAt: Moment?
    let sealedSeed: String?
    init(_ row: Row) throws {
        id = row.int("id")
        number = row.string("number")
        title = row.string("title")
        region = row.string("region")
        items = row.string("items").split(separator: ",").map(String.init)
        state = row.string("state")
        conditions = try JSON(parsing: Array(row.string("conditions").utf8))
        strata = try JSON(parsing: Array(row.string("strata").utf8))
        listFile = row.string("list_file")
        listDigest = row.string("list_digest")
        sealedSeed = row.optionalString("seed")
        commitment = row.optionalString("commitment")
        beacon = row.optionalString("beacon")
        beaconAt = row.optionalString("beacon_at")
        beaconValue = row.optionalString("beacon_value")
        result = try row.optionalString("result").map { try JSON(parsing: Array($0.utf8)) }
        preparedBy = row.int("prepared_by")
        committedBy = row.optionalInt("committed_by")
        committedAt = row.optionalMoment("committed_at")
        ledgerEntry = row.optionalInt("ledger_entry")
        drawnAt = row.optionalMoment("drawn_at")
    }
    package static func find(_ id: Int64, _ tx: Transaction) throws -> SupervisionDraw {
        guard let row = try tx.one("SELECT * FROM supervision_draws WHERE id = \(id)") else { throw Refusal.notFound }
        return try SupervisionDraw(row)
    }
    package static func find(number: String, _ tx: Transaction) throws -> SupervisionDraw {
        guard let row = try tx.one("SELECT * FROM supervision_draws WHERE number = \(number)") else { throw Refusal.notFound }
        return try SupervisionDraw(row)
    }
}

package struct DrawDesk: Sendable {
    package let desk: Desk
    package init(desk: Desk) { self.desk = desk }

    /// Numbers that the office sets.
    static let capA = NumberSetting("supervision.cap.a", Text("A类每年检查上限（次）", "Visits a year: class A"), 1, 0...12),
        capB = NumberSetting("supervision.cap.b", Text("B类每年检查上限（次）", "Visits a year: class B"), 2, 0...24)
    static let capC = NumberSetting("supervision.cap.c", Text("C类每年检查上限（次）", "Visits a year: class C"), 4, 0...48),
        capD = NumberSetting("supervision.cap.d", Text("D类每年检查上限（次）", "Visits a year: class D"), 6, 0...48)
    static let months = NumberSetting("supervision.months", Text("两次计划检查最少间隔（月）", "Months between planned visits"), 6, 0...24)
    static let settings = [capA, capB, capC, capD, months]
    package static func bounds(_ tx: Transaction) throws -> Restraint.Bounds {
        var b = Restraint.Bounds()
        b.caps = [.A: try capA.value(tx), .B: try capB.value(tx), .C: try capC.value(tx), .D: try capD.value(tx)]
        b.months = try months.value(tx)
        return b
    }

    /// What a draw asks for.
    package struct Wanted: Sendable {
        package var title: String
        package var items: [String]
        package var region: String
        /// Percent of class B that is drawn; A half, C twice, D four times of it.
        package var percent: Double
        package var kind: String?
        package var trade: String?
        package var online = false
        package var limit = 20
        package var recusals: [(certificate: String, code: String)] = []
        package init(title: String, items: [String], region: String, percent: Double) { (self.title, self.items, self.region, self.percent) = (title, items, region, percent) }
    }
    static let weights: [CompassModel.Class: Double] = [.A: 0.5, .B: 1, .C: 2, .D: 4]

    /// Reads the pool: who is active, in the region and of the kind; not visited within the months, not over the cap. Freezes it as a file.
    package func prepare(_ w: Wanted, by account: Account, at now: Moment, _ tx: Transaction) throws -> Int64 {
        let today = now.day
        let all = try InspectionItem.all(tx)
        let items = try w.items.map { code -> InspectionItem in
            guard let item = all.first(where: { $0.code == code }), item.isInForce(on: today) else {
                throw Refusal.invalid("/items", Text("事项“\(code)”未公布，不能使用", "Item “\(code)” is not published: it cannot be used"))
            }
            return item
        }
        guard !items.isEmpty else { throw Refusal.invalid("/items", Text("请选择抽查事项", "Choose the items")) }
        guard w.percent > 0, w.percent <= 100 else { throw Refusal.invalid("/percent", Text("比例应大于0，不超过100", "A share above 0 and at most 100")) }
        if let cap = items.compactMap(\.cap).min(), w.percent > Double(cap) {
            throw Refusal(
                .invalid, Text("一般事项超过比例上限", "A general item beyond its cap"),
                fields: [.init("/percent", Text("所选一般检查事项的比例上限是\(cap)%", "General items among them are capped at \(cap) %"))],
                article: Article(law: "DRN", article: "1"))
        }
        guard account.covers(w.region) || account.region.hasPrefix(w.region) else { throw Refusal.invalid("/region", Text("不在您的辖区", "Not in your region")) }
        let bounds = try Self.bounds(tx)
        var visited: [Int64: [Day]] = [:]
        try tx.forEach("SELECT operator, on_day FROM credit_events WHERE kind = 'visit' AND on_day > \(today.adding(days: -730))") {
            visited[$0.int("operator"), default: []].append($0.day("on_day"))
        }
        let pending = Set(
            try tx.all("SELECT operator FROM casework_matters WHERE kind = \(InspectionMoves.kind) AND open = 1 AND operator IS NOT NULL AND state IN ('planned', 'approved')").map
            { $0.int("operator") })
        var pool: [(CompassModel.Class, DrawList.Object)] = []
        var (left, excluded) = (0, 0)
        var conditions: [SQL] = ["o.status = 'active'", "o.region >= \(w.region) AND o.region < \(w.region + "~")"]
        if let kind = w.kind { conditions.append("o.kind = \(kind)") }
        if let trade = w.trade { conditions.append("o.industry >= \(trade) AND o.industry < \(trade + "~")") }
        if w.online { conditions.append("o.online = 1") }
        try tx.forEach(
            "SELECT o.id AS id, o.uscc AS uscc, o.name AS name, o.region AS region, COALESCE(c.class, 'A') AS class FROM operators o LEFT JOIN credit_classes c ON c.operator = o.id WHERE \(SQL.all(conditions)) ORDER BY o.uscc"
        ) { row in
            left += 1
            let cls = CompassModel.Class(rawValue: row.string("class")) ?? .A
            var record = Restraint.Record()
            (record.cls, record.visits) = (cls, visited[row.int("id")] ?? [])
            if pending.contains(row.int("id")) || !Restraint.objections(.draw, record, on: today, bounds: bounds).isEmpty {
                excluded += 1
                return
            }
            pool.append((cls, .init(code: row.string("uscc"), name: row.string("name"), region: row.string("region"), stratum: "")))
        }
        guard !pool.isEmpty else {
            throw Refusal.invalid("/region", Text("没有符合条件的检查对象（\(left)户中\(excluded)户因已检查或者达到上限排除）", "Nobody fits: \(excluded) of \(left) are left out as visited or at their cap"))
        }
        // Lists under marks that say nothing: which class a mark stands for is not published.
        var marks = ["甲", "乙", "丙", "丁"]
        let random = Crypto.random(8)
        for i in marks.indices.reversed() where i > 0 { marks.swapAt(i, Int(random[i]) % (i + 1)) }
        let mark = Dictionary(uniqueKeysWithValues: zip(CompassModel.Class.allCases, marks))
        var quotas: [(String, Int)] = []
        var strata: [(String, JSON)] = []
        for cls in CompassModel.Class.allCases {
            let n = pool.count { $0.0 == cls }
            guard n > 0 else { continue }
            let quota = min(n, Int((Double(n) * min(100, w.percent * (Self.weights[cls] ?? 1)) / 100).rounded(.up)))
            quotas.append((mark[cls]!, quota))
            strata.append((mark[cls]!, .object([("class", .string(cls.rawValue)), ("pool", .int(n)), ("quota", .int(quota))])))
        }
        let inspectors = try tx.all(
            """
            SELECT c.number AS number, a.region AS region, a.roles AS roles FROM enforcement_certificates c JOIN platform_accounts a ON a.id = c.account WHERE c.valid_to >= \(today) ORDER BY c.number
            """
        ).compactMap { row -> DrawList.Inspector? in
            let region = row.string("region")
            guard region.hasPrefix(w.region) || w.region.hasPrefix(region), row.string("roles").contains("inspector") || row.string("roles").contains("officer") else { return nil }
            return .init(certificate: row.string("number"), region: region)
        }
        guard inspectors.count >= 2 else { throw Refusal.invalid("/region", Text("辖区内有执法证的检查人员不足两名", "Fewer than two inspectors with a certificate")) }
        let n = try tx.nextNumber("draw.\(today.year)")
        let number = "SJ\(today.year)\(String(10_000 + n).suffix(4))"
        let list = DrawList(
            number: number, title: w.title, items: w.items, objects: pool.map { .init(code: $0.1.code, name: $0.1.name, region: $0.1.region, stratum: mark[$0.0]!) },
            quotas: quotas.sorted { $0.0 < $1.0 }, inspectors: inspectors, recusals: w.recusals, limit: w.limit)
        let file = try desk.files.keep(list.bytes)
        let asked = JSON.object([
            ("percent", .number("\(w.percent)")), ("kind", .text(w.kind)), ("trade", .text(w.trade)), ("online", .bool(w.online)), ("considered", .int(left)),
            ("excluded", .int(excluded)), ("pool", .int(pool.count)),
            ("inspectors", .int(inspectors.count)),
        ])
        let id = try tx.insert(
            """
            INSERT INTO supervision_draws (number, title, region, items, state, conditions, strata, list_file, list_digest, prepared_by, prepared_at)
            VALUES (\(number), \(w.title), \(w.region), \(w.items.joined(separator: ",")), 'prepared', \(asked.text), \(JSON.object(strata).text), \(file), \(list.digest), \(account.id), \(now)) RETURNING id
            """)
        try tx.audit(
            "supervision.draw-prepared", of: Reference(kind: "draw", id: id), by: account.mark, at: now, details: [("number", .string(number)), ("list", .string(list.digest))],
            sealing: [.init("supervision_draws", id)])
        return id
    }

    private var key: [UInt8] { Crypto.hmacSHA256(key: desk.keys.secret, Array("draws".utf8)) }

    /// Commits to list, seed and beacon: all three stand in the ledger before the beacon is out.
    /// - Parameter beacon: a public number that nobody here can foresee, such as a closing index, and when it will be out.
    package func commit(_ id: Int64, beacon: String, at when: Moment, by account: Account, at now: Moment, _ tx: Transaction) throws {
        let d = try SupervisionDraw.find(id, tx)
        guard d.state == "prepared" else { throw Refusal(.conflict, Text("已承诺或者已抽取", "Committed or drawn already")) }
        guard beacon.count >= 4, beacon.count <= 200 else { throw Refusal.invalid("/beacon", Text("请写明使用哪一个公共随机数", "Say which public number")) }
        guard when > now.adding(seconds: 60) else { throw Refusal.invalid("/beacon-at", Text("公布时间应在承诺之后", "It comes out after the commitment")) }
        let seed = Crypto.random(32)
        let commitment = DrawResult.commitment(seed)
        let sealed = Crypto.hex(Crypto.seal(seed, key: key, context: Array(d.number.utf8)))
        let size = try tx.one("SELECT size FROM platform_ledger_head")?.int("size") ?? 0
        try tx.change(
            """
            UPDATE supervision_draws SET state = 'committed', seed = \(sealed), commitment = \(commitment), beacon = \(beacon), beacon_at = \(when.isoText), committed_by = \(account.id),
            committed_at = \(now), ledger_entry = \(size) WHERE id = \(id) AND state = 'prepared'
            """)
        try tx.audit(
            "supervision.draw-committed", of: Reference(kind: "draw", id: id), by: account.mark, at: now,
            details: [
                ("number", .string(d.number)), ("list", .string(d.listDigest)), ("commitment", .string(commitment)), ("beacon", .string(beacon)),
                ("beaconAt", .string(when.isoText)),
            ],
            sealing: [.init("supervision_draws", id)])
    }

    /// Reveals the seed and draws; an inspection is planned for each object. Who committed may not be alone: another draws.
    package func draw(_ id: Int64, value: String, by account: Account, at now: Moment, _ tx: Transaction) throws {
        let d = try SupervisionDraw.find(id, tx)
        guard d.state == "committed", let sealed = d.sealedSeed, let when = d.beaconAt.flatMap({ Moment($0) }) else {
            throw Refusal(.conflict, Text("尚未承诺或者已抽取", "Not committed, or drawn already"))
        }
        guard now >= when else { throw Refusal(.conflict, Text("公共随机数尚未公布（\(when.minuteText)）", "The beacon is not out before \(when.minuteText)")) }
        guard account.id.raw != d.committedBy else { throw Refusal(.forbidden, Text("抽取应由承诺人以外的人员实施", "Another than who committed draws")) }
        guard !value.isEmpty, value.count <= 200 else { throw Refusal.invalid("/value", Text("请填写公共随机数", "Give the beacon's value")) }
        guard let bytes = Crypto.bytes(hex: sealed), let seed = Crypto.open(bytes, key: key, context: Array(d.number.utf8)) else {
            throw Fault("the seed of \(d.number) cannot be opened with this key")
        }
        let list = try DrawList(JSON(parsing: desk.files.read(d.listFile)))
        let result = try DrawResult.draw(list, seed: seed, beacon: value)
        try tx.change(
            """
            UPDATE supervision_draws SET state = 'drawn', seed = \(Crypto.hex(seed)), beacon_value = \(value), result = \(result.json.text), drawn_by = \(account.id), drawn_at = \(now)
            WHERE id = \(id) AND state = 'committed'
            """)
        try tx.audit(
            "supervision.draw-drawn", of: Reference(kind: "draw", id: id), by: account.mark, at: now,
            details: [
                ("number", .string(d.number)), ("beacon", .string(value)), ("objects", .int(result.chosen.count)),
                ("result", .string(Crypto.hex(Crypto.sha256(Array(result.json.text.utf8))))),
            ],
            sealing: [.init("supervision_draws", id)])
        // Inspections follow as a job: five thousand of them are not one act.
        try Jobs.add(DrawDesk.plan, [("draw", .int(id)), ("from", .int(0))], at: now, tx)
    }
    static let plan = "supervision.plan"

    /// Plans inspections for what was drawn, two hundred at a time; told twice, it plans none twice.
    static func planInspections(_ id: Int64, from: Int, desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            let d = try SupervisionDraw.find(id, tx)
            let all = d.result?.array ?? []
            let handling = InspectionHandling(desk: desk)
            let certificates = Dictionary(try tx.certificates().map { ($0.number, $0.account) }) { a, _ in a }
            let done = Set(
                try tx.all("SELECT m.operator AS operator FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE i.draw = \(id)").map {
                    $0.int("operator")
                })
            for chosen in all.dropFirst(from).prefix(200) {
                guard let code = chosen["code"]?.string, let op = try Operators.find(uscc: code, tx), !done.contains(op.id.raw) else { continue }
                let inspectors = (chosen["inspectors"]?.array ?? []).compactMap { $0.string.flatMap { certificates[$0] } }
                _ = try handling.plan(
                    .init(cause: .draw, op: op, items: d.items, inspectors: inspectors, on: desk.calendar.value.workday(from: now.day.adding(days: 10)), draw: id), by: .system,
                    at: now, tx)
            }
            if from + 200 < all.count { try Jobs.add(DrawDesk.plan, [("draw", .int(id)), ("from", .int(from + 200))], at: now, tx) }
        }
    }

    /// The file that anybody may fetch and recompute.
    package func publication(_ d: SupervisionDraw) throws -> JSON {
        .object([
            ("format", .string("sinan-draw-result/1")), ("number", .string(d.number)), ("state", .string(d.state)), ("listDigest", .string(d.listDigest)),
            ("commitment", .text(d.commitment)),
            ("committedAt", .text(d.committedAt?.isoText)), ("ledgerEntry", d.ledgerEntry.map { .int($0) } ?? .null),
            ("beacon", .object([("what", .text(d.beacon)), ("at", .text(d.beaconAt)), ("value", .text(d.beaconValue))])), ("seed", .text(d.state == "drawn" ? d.sealedSeed : nil)),
            ("drawnAt", .text(d.drawnAt?.isoText)), ("list", try JSON(parsing: desk.files.read(d.listFile))), ("result", d.result ?? .null),
        ])
    }
}
