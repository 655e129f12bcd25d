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
    package let keysFile: String
    /// Shares by risk class: which mark is whose is not published.
    package let isWeighted: Bool
    /// Whose each certificate was when the list was made.
    package let people: JSON
    let chosenText: String?
    let visitsText: String?
    /// Who is visited by whom; read where it is asked for, since it may be thousands.
    package var visits: [JSON] { visitsText.flatMap { try? JSON(parsing: Array($0.utf8)) }?.array ?? [] }
    package let preparedBy: Int64
    package let committedBy: Int64?
    package let committedAt: Moment?
    package let ledgerEntry: Int64?
    package let drawnAt: Moment?
    let sealedSeed: String?
    package let plan: Int64?
    package let unplanned: String?
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
        plan = row.optionalInt("plan")
        unplanned = row.optionalString("unplanned")
        commitment = row.optionalString("commitment")
        beacon = row.optionalString("beacon")
        beaconAt = row.optionalString("beacon_at")
        beaconValue = row.optionalString("beacon_value")
        keysFile = row.string("keys_file")
        isWeighted = row.bool("weighted")
        people = try JSON(parsing: Array(row.string("people").utf8))
        chosenText = row.optionalString("chosen")
        visitsText = row.optionalString("visits")
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
        /// Percent that is drawn: of class B, and A half, C twice, D four times of it; or of all alike.
        package var percent: Double
        package var isWeighted = true
        package var kind: String?
        package var trade: String?
        package var online = false
        package var limit = 20
        package var recusals: [(certificate: String, code: String)] = []
        /// The line of the year's plan that it carries out; or why it is outside the plan.
        package var plan: Int64?
        package var unplanned: String?
        package init(title: String, items: [String], region: String, percent: Double) { (self.title, self.items, self.region, self.percent) = (title, items, region, percent) }
    }
    static let weights: [CompassModel.Class: Double] = [.A: 0.5, .B: 1, .C: 2, .D: 4]

    /// What a list is made of, read before anything is written.
    package struct Gathered: Sendable {
        let wanted: Wanted
        var list: DrawList
        let keys: DrawKeys
        let strata: JSON
        let asked: JSON
        let people: [(String, Int64)]
    }

    /// Reads the pool: who is active, in the region and of the kind; not visited within the months, not over the cap. Writes nothing.
    package func gather(_ w: Wanted, by account: Account, at now: Moment, _ tx: Transaction) throws -> Gathered {
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
        guard account.covers(w.region) else { throw Refusal.invalid("/region", Text("不在您的辖区", "Not in your region")) }
        try YearPlan.check(w, on: today, tx)
        let (pool, left, excluded) = try pool(w, on: today, tx)
        guard !pool.isEmpty else {
            throw Refusal.invalid("/region", Text("没有符合条件的检查对象（\(left)户中\(excluded)户因已检查或者达到上限排除）", "Nobody fits: \(excluded) of \(left) are left out as visited or at their cap"))
        }
        // Lists under marks that say nothing.
        var names = ["甲", "乙", "丙", "丁"]
        let random = Crypto.random(8), salt = Crypto.random(32)
        for i in names.indices.reversed() where i > 0 { names.swapAt(i, Int(random[i]) % (i + 1)) }
        let groups: [(CompassModel.Class?, String, Double)] =
            w.isWeighted ? zip(CompassModel.Class.allCases, names).map { ($0, $1, w.percent * (Self.weights[$0] ?? 1)) } : [(nil, "全部", w.percent)]
        var quotas: [DrawList.Quota] = []
        var strata: [(String, JSON)] = []
        for (cls, name, percent) in groups {
            let n = cls.map { cls in pool.count { $0.0 == cls } } ?? pool.count
            guard n > 0 else { continue }
            let quota = min(n, Int((Double(n) * min(100, percent) / 100).rounded(.up)))
            quotas.append(.init(list: name, quota: quota))
            strata.append((name, .object([("class", .text(cls?.rawValue)), ("pool", .int(n)), ("quota", .int(quota))])))
        }
        try YearPlan.checkSum(w, drawing: quotas.map(\.quota), of: left, tx)
        if let cap = items.compactMap(\.cap).min() {
            // What the lists draw together is what the cap of a general item is about; one more than the share is what rounding up makes.
            let drawn = quotas.reduce(0) { $0 + $1.quota }
            guard (drawn - quotas.count) * 100 < cap * pool.count, w.percent <= Double(cap) else {
                throw Refusal(
                    .invalid, Text("一般事项超过比例上限", "A general item beyond its cap"),
                    fields: [
                        .init(
                            "/percent",
                            Text(
                                "所选一般检查事项的比例上限是\(cap)%，各层合计将抽\(drawn)户、共\(pool.count)户",
                                "General items among them are capped at \(cap) %; together \(drawn) of \(pool.count) would be drawn"))
                    ], article: Article(law: "DRN", article: "1"))
            }
        }
        let certificates = Dictionary(try tx.certificates().filter { $0.validTo >= today }.map { ($0.account, $0) }) { a, _ in a }
        let people = try Accounts.all(tx).filter {
            $0.active && certificates[$0.id.raw] != nil && desk.permissions.allows($0.roles, "supervision.inspect") && $0.mayTake(w.region)
        }.map { (certificates[$0.id.raw]!.number, $0) }.sorted { $0.0 < $1.0 }
        guard people.count >= 2 else { throw Refusal.invalid("/region", Text("辖区内有执法证的检查人员不足两名", "Fewer than two inspectors with a certificate")) }
        let list = Dictionary(uniqueKeysWithValues: groups.map { ($0.0, $0.1) })
        let objects = pool.map { (DrawKeys.mark($0.1.uscc, salt: salt), $0) }.sorted { $0.0 < $1.0 }
        let keys = DrawKeys(
            objects.map { .init(mark: $0.0, code: $0.1.1.uscc, name: $0.1.1.name, region: $0.1.1.region) },
            recusals: w.recusals.map { .init(certificate: $0.certificate, code: $0.code) })
        return Gathered(
            wanted: w,
            list: DrawList(
                number: "", title: w.title, items: w.items, keys: keys.digest,
                objects: objects.map { .init(mark: $0.0, list: list[w.isWeighted ? $0.1.0 : nil] ?? "") }, quotas: quotas.sorted { $0.list < $1.list },
                inspectors: people.map { .init(certificate: $0.0, region: $0.1.region) },
                limit: w.limit), keys: keys, strata: .object(strata),
            asked: .object([
                ("percent", .number("\(w.percent)")), ("kind", .text(w.kind)), ("trade", .text(w.trade)), ("online", .bool(w.online)), ("considered", .int(left)),
                ("excluded", .int(excluded)), ("pool", .int(pool.count)), ("inspectors", .int(people.count)),
            ]), people: people.map { ($0.0, $0.1.id.raw) })
    }

    private func pool(_ w: Wanted, on today: Day, _ tx: Transaction) throws -> (
        pool: [(CompassModel.Class, (uscc: String, name: String, region: String))], left: Int, excluded: Int
    ) {
        let bounds = try Self.bounds(tx)
        var visited: [Int64: [Day]] = [:]
        try tx.forEach("SELECT operator, on_day FROM credit_events WHERE kind = 'visit' AND on_day > \(today.adding(days: -730))") {
            visited[$0.int("operator"), default: []].append($0.day("on_day"))
        }
        let pending = Set(
            try tx.all("SELECT operator FROM casework_matters WHERE kind = \(InspectionMoves.kind) AND open = 1 AND operator IS NOT NULL AND state IN ('planned', 'approved')").map
            { $0.int("operator") })
        var pool: [(CompassModel.Class, (uscc: String, name: String, region: String))] = []
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
            pool.append((cls, (row.string("uscc"), row.string("name"), row.string("region"))))
        }
        return (pool, left, excluded)
    }

    package func number(at now: Moment, _ tx: Transaction) throws -> String { try tx.number("SJ", "draw", in: now.day.year, digits: 4) }

    /// List and keys as files, under the draw's number: on disk before a row says so.
    package struct Frozen: Sendable {
        let gathered: Gathered
        let file: String
        let keys: String
    }
    package func freeze(_ g: Gathered, as number: String) throws -> Frozen {
        var g = g
        g.list.number = number
        return Frozen(gathered: g, file: try desk.files.keep(g.list.bytes), keys: try desk.files.keep(g.keys.bytes))
    }

    package func keep(_ frozen: Frozen, by account: Account, at now: Moment, _ tx: Transaction) throws -> Int64 {
        let (g, file, keys) = (frozen.gathered, frozen.file, frozen.keys)
        let id = try tx.insert(
            """
            INSERT INTO supervision_draws (number, title, region, items, state, conditions, strata, list_file, list_digest, keys_file, weighted, people, plan, unplanned, prepared_by, prepared_at)
            VALUES (\(g.list.number), \(g.wanted.title), \(g.wanted.region), \(g.wanted.items.joined(separator: ",")), 'prepared', \(g.asked.text), \(g.strata.text), \(file), \(g.list.digest),
            \(keys), \(g.wanted.isWeighted), \(JSON.object(g.people.map { ($0.0, .int($0.1)) }).text), \(g.wanted.plan), \(g.wanted.unplanned), \(account.id), \(now)) RETURNING id
            """)
        try tx.audit(
            "supervision.draw-prepared", of: Reference(kind: "draw", id: id), by: account.mark, at: now,
            details: [("number", .string(g.list.number)), ("list", .string(g.list.digest))], sealing: [.init("supervision_draws", id)])
        return id
    }

    private var key: [UInt8] { Crypto.hmacSHA256(key: desk.keys.secret, Array("draws".utf8)) }

    /// Commits to list, seed and beacon: all three stand in the ledger before the beacon is out.
    /// - Parameter beacon: a public number that nobody here can foresee, such as a closing index, and when it will be out.
    package func commit(_ id: Int64, beacon: String, at when: Moment, by account: Account, at now: Moment, _ tx: Transaction) throws {
        let d = try SupervisionDraw.find(id, tx)
        guard account.covers(d.region) else { throw Refusal(.forbidden, Text("不在您的辖区", "Not in your region")) }
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

    /// What a draw gives, computed before anything is written. Who committed may not be alone: another draws.
    package func result(_ id: Int64, value: String, by account: Account, at now: Moment, _ tx: Transaction) throws -> (seed: [UInt8], result: DrawResult) {
        let d = try SupervisionDraw.find(id, tx)
        guard d.state == "committed", let sealed = d.sealedSeed, let when = d.beaconAt.flatMap({ Moment($0) }) else {
            throw Refusal(.conflict, Text("尚未承诺或者已抽取", "Not committed, or drawn already"))
        }
        guard account.covers(d.region) else { throw Refusal(.forbidden, Text("不在您的辖区", "Not in your region")) }
        guard now >= when else { throw Refusal(.conflict, Text("公共随机数尚未公布（\(when.minuteText)）", "The beacon is not out before \(when.minuteText)")) }
        guard account.id.raw != d.committedBy else { throw Refusal(.forbidden, Text("抽取应由承诺人以外的人员实施", "Another than who committed draws")) }
        guard !value.isEmpty, value.count <= 200 else { throw Refusal.invalid("/value", Text("请填写公共随机数", "Give the beacon's value")) }
        guard let bytes = Crypto.bytes(hex: sealed), let seed = Crypto.open(bytes, key: key, context: Array(d.number.utf8)) else {
            throw Fault("the seed of \(d.number) cannot be opened with this key")
        }
        let list = try DrawList(JSON(parsing: desk.files.read(d.listFile))), keys = try DrawKeys(JSON(parsing: desk.files.read(d.keysFile)))
        return (seed, try DrawResult.draw(list, keys: keys, seed: seed, beacon: value))
    }

    /// Reveals the seed with what it gave; an inspection is planned for each object.
    package func reveal(_ id: Int64, value: String, _ drawn: (seed: [UInt8], result: DrawResult), by account: Account, at now: Moment, _ tx: Transaction) throws {
        let (chosen, visits) = (DrawResult.json(drawn.result.chosen).text, DrawResult.json(drawn.result.visits).text)
        let number = try SupervisionDraw.find(id, tx).number
        guard
            try tx.run(
                """
                UPDATE supervision_draws SET state = 'drawn', seed = \(Crypto.hex(drawn.seed)), beacon_value = \(value), chosen = \(chosen), visits = \(visits), drawn_by = \(account.id), drawn_at = \(now)
                WHERE id = \(id) AND state = 'committed'
                """) == 1
        else { throw Refusal(.conflict, Text("尚未承诺或者已抽取", "Not committed, or drawn already")) }
        try tx.audit(
            "supervision.draw-drawn", of: Reference(kind: "draw", id: id), by: account.mark, at: now,
            details: [
                ("number", .string(number)), ("beacon", .string(value)), ("objects", .int(drawn.result.chosen.count)),
                ("result", .string(Crypto.hex(Crypto.sha256(Array((chosen + visits).utf8))))),
            ], sealing: [.init("supervision_draws", id)])
        // Inspections follow as a job: five thousand of them are not one act.
        try Jobs.add(DrawDesk.plan, [("draw", .int(id)), ("from", .int(0))], at: now, tx)
    }
    static let plan = "supervision.plan"

    /// Plans inspections for what was drawn, two hundred at a time; told twice, it plans none twice.
    static func planInspections(_ id: Int64, from: Int, desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            let d = try SupervisionDraw.find(id, tx)
            let all = d.visits
            let handling = InspectionHandling(desk: desk)
            let done = Set(
                try tx.all("SELECT m.operator AS operator FROM supervision_inspections i JOIN casework_matters m ON m.id = i.matter WHERE i.draw = \(id)").map {
                    $0.int("operator")
                })
            for chosen in all.dropFirst(from).prefix(200) {
                guard let code = chosen["code"]?.string, let op = try Operators.find(uscc: code, tx), !done.contains(op.id.raw) else { continue }
                let inspectors = (chosen["inspectors"]?.array ?? []).compactMap { $0.string.flatMap { d.people[$0]?.int }.map(Int64.init) }
                _ = try handling.plan(
                    .init(cause: .draw, op: op, items: d.items, inspectors: inspectors, on: desk.calendar.value.workday(from: now.day.adding(days: 10)), draw: id), by: .system,
                    at: now, tx)
            }
            if from + 200 < all.count { try Jobs.add(DrawDesk.plan, [("draw", .int(id)), ("from", .int(from + 200))], at: now, tx) }
        }
    }

    /// The file that anybody may fetch and recompute; with the keys for who audits, or where there is nothing to hide.
    package func publication(_ d: SupervisionDraw, withKeys: Bool, _ tx: Transaction) throws -> [UInt8] {
        let head = JSON.object([
            ("format", .string("sinan-draw-result/2")), ("number", .string(d.number)), ("state", .string(d.state)), ("weighted", .bool(d.isWeighted)),
            ("listDigest", .string(d.listDigest)), ("commitment", .text(d.commitment)), ("committedAt", .text(d.committedAt?.isoText)), ("ledger", try proof(d, tx)),
            ("beacon", .object([("what", .text(d.beacon)), ("at", .text(d.beaconAt)), ("value", .text(d.beaconValue))])),
            ("seed", .text(d.state == "drawn" ? d.sealedSeed : nil)), ("drawnAt", .text(d.drawnAt?.isoText)),
        ]).text
        // List and result are put in as they were written: tens of megabytes need not be read to be handed on.
        var bytes = Array(head.utf8.dropLast())
        bytes += Array(",\"chosen\":\(d.chosenText ?? "null"),\"visits\":\(d.visitsText ?? "null"),\"keys\":".utf8)
        bytes += withKeys || !d.isWeighted ? try desk.files.read(d.keysFile) : Array("null".utf8)
        bytes += Array(",\"list\":".utf8)
        bytes += try desk.files.read(d.listFile)
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    /// The commitment's entry in the ledger under the last signed checkpoint that holds it.
    private func proof(_ d: SupervisionDraw, _ tx: Transaction) throws -> JSON {
        // Acts that were committed together stand side by side: the entry is the one from there on that names this draw.
        guard let from = d.ledgerEntry,
            let row = try tx.one(
                "SELECT idx, entry FROM platform_ledger WHERE idx >= \(from) AND idx < \(from + 2000) AND entry LIKE \("%\"supervision.draw-committed\"%\"\(d.number)\"%") ORDER BY idx LIMIT 1"
            )
        else { return .null }
        let (index, entry) = (row.int("idx"), row.string("entry"))
        guard let point = try tx.one("SELECT size, note FROM platform_checkpoints WHERE size > \(index) ORDER BY size DESC LIMIT 1") else { return .null }
        return .object([
            ("index", .int(index)), ("entry", .string(entry)), ("size", .int(point.int("size"))),
            ("proof", .array(try Ledger.inclusion(index, size: point.int("size"), tx).map { .string(Data($0).base64EncodedString()) })),
            ("checkpoint", .string(point.string("note"))), ("key", .string(desk.keys.verifierKey)),
        ])
    }
}
