import Kernel
import Platform
import Statute
import Store
import Web

/// Settling before the authority is asked (先行和解): by a station, or by an ODR enterprise within ten working days; what fails becomes a complaint
/// with its own clock, received on that day.
package struct Prior: Sendable {
    package enum Way: String, Sendable {
        case station, odr
        package var title: Text { self == .odr ? Text("在线消费纠纷解决（ODR）", "Online dispute resolution") : Text("消费维权服务站", "Service station") }
    }
    package let way: Way
    package let station: Int64?
    package let convertedAt: Moment?

    init(_ row: Row) {
        way = Way(rawValue: row.string("way")) ?? .odr
        station = row.optionalInt("station")
        convertedAt = row.optionalMoment("converted_at")
    }

    /// 服务站先行和解期限: the office's own number, no law's.
    static let stationDays = NumberSetting("station.settle.workdays", Text("服务站先行和解期限（工作日）", "Working days for a station to settle"), 10, 1...60)
    static let timeout = "disputes.odr-timeout"

    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> Prior? {
        try tx.one("SELECT way, station, converted_at FROM disputes_priors WHERE matter = \(matter)").map(Prior.init)
    }

    /// The station that settles it; nil: none does.
    static func station(of matter: Matter, _ desk: Desk, _ tx: Transaction) throws -> (Station, workdays: Int, until: Day)? {
        guard matter.state == ComplaintMoves.prior,
            let row = try tx.one("SELECT s.* FROM disputes_priors p JOIN disputes_stations s ON s.id = p.station WHERE p.matter = \(matter.id)")
        else { return nil }
        let days = try stationDays.value(tx)
        return (Station(row), days, desk.calendar.value.adding(workdays: days, to: matter.receivedAt.day))
    }

    /// What a registration writes beside the complaint, and the duties that it starts.
    static func begin(_ filing: Filing, _ matter: Matter, at now: Moment, desk: Desk, _ tx: Transaction) throws -> [String] {
        guard let way = filing.way else { return ["C1"] }
        try tx.send("INSERT INTO disputes_priors (matter, way, station, operator) VALUES (\(matter.id), \(way), \(filing.station), \(matter.operator))")
        guard way == .odr else {
            // A station that has not settled it by its day hands it on, as an enterprise does.
            let until = desk.calendar.value.adding(workdays: try stationDays.value(tx), to: now.day)
            try Jobs.add(timeout, [("matter", .int(matter.id.raw))], at: Moment(until.adding(days: 1), hour: 8), tx)
            return []
        }
        // The enterprise opens it with its own code; nobody has this one.
        try tx.send("INSERT INTO disputes_invitations (matter, code, at, account) VALUES (\(matter.id), \(AccessCode.hash(AccessCode.make(), matter.number)), \(now), 0)")
        return ["ODR"]
    }

    /// - Errors: a way that is not open to this business or region, by its field.
    static func check(_ filing: Filing, _ op: Operator?, _ tx: Transaction) throws {
        switch filing.way {
        case .odr?:
            guard let op, try ODR.isAdmitted(op.id, tx) else {
                throw Refusal.invalid("/way", Text("该商家不是在线消费纠纷解决企业，请直接投诉", "This business takes no part in online resolution: file a complaint"))
            }
        case .station?:
            guard let id = filing.station, try tx.one("SELECT id FROM disputes_stations WHERE id = \(id) AND closed_on IS NULL") != nil else {
                throw Refusal.invalid("/station", Text("没有这个服务站，或者已撤销", "There is no such station, or it was closed"))
            }
        case nil: break
        }
    }

    /// The ten working days are over: it becomes a complaint by itself.
    static func lapse(_ key: Int64, handling: Handling) async throws {
        let now = handling.desk.now
        try await handling.desk.store.write { tx in
            let c = try tx.complaint(ID<Matter>(key))
            guard c.matter.state == ComplaintMoves.prior else { return }
            if let (station, _, until) = try station(of: c.matter, handling.desk, tx) {
                guard now.day > until else { return try Jobs.add(timeout, [("matter", .int(key))], at: Moment(until.adding(days: 1), hour: 8), tx) }
                try handling.apply("convert", on: c, input: Form([("reason", "\(station.name)未在期限内达成和解")]), by: .system, at: now, tx)
                return
            }
            guard let clock = try Clocks.of(c.matter.id, tx).last(where: { $0.duty == "ODR" && $0.state == "open" }) else { return }
            guard now.day > clock.due else { return try Jobs.add(timeout, [("matter", .int(key))], at: Moment(clock.due.adding(days: 1), hour: 8), tx) }
            try handling.apply("convert", on: c, input: Form([("reason", "十个工作日内未达成和解")]), by: .system, at: now, tx)
        }
    }
}

/// Online dispute resolution by enterprises (ODR企业): applied for, admitted by the county office, left or removed.
package enum ODR {
    package enum State: String, Sendable, CaseIterable {
        case applied, admitted, refused, suspended, left
        var title: Text {
            switch self {
            case .applied: Text("待审核", "Applied")
            case .admitted: Text("已发展", "Admitted")
            case .refused: Text("未通过", "Refused")
            case .suspended: Text("暂停", "Suspended")
            case .left: Text("已退出", "Left")
            }
        }
        var tone: String { self == .admitted ? "green" : self == .applied || self == .suspended ? "amber" : "grey" }
    }
    /// What an enterprise has to have, as authorities describe it; no text of a rule was seen.
    static let conditions: [(String, Text)] = [
        ("premises", Text("有相对固定的办公场所", "Fairly fixed premises")), ("worker", Text("有一名以上专（兼）职工作人员", "One worker or more, full or part time")),
        ("computer", Text("有可以联网的电脑", "A computer on the Internet")), ("phone", Text("有专用联系电话", "A phone of its own for it")),
        ("rules", Text("有成文的投诉处理制度", "Written rules for complaints")),
    ]

    /// A row as it is after an application was examined: for the synthetic city, and beside the page's own steps.
    package static func admit(_ op: Operator, phone: String, about: String, code: String, by leader: Account, at now: Moment, _ tx: Transaction) throws {
        try tx.run(
            """
            INSERT INTO disputes_odr (operator, state, phone, about, applied_at, decided_by, decided_at) VALUES (\(op.id), 'admitted', \(phone), \(about), \(now), \(leader.id), \(now))
            ON CONFLICT (operator) DO UPDATE SET state = 'admitted', decided_by = \(leader.id), decided_at = \(now)
            """)
        try Merchants.issue(op, code: code, by: leader, at: now, tx)
        try tx.audit("odr.admit", of: Reference(kind: "operator", id: op.id.raw), by: leader.mark, at: now, sealing: [.init("disputes_odr", key: "operator", op.id.raw)])
    }

    package static func isAdmitted(_ op: ID<Operator>, _ tx: Transaction) throws -> Bool {
        try tx.one("SELECT operator FROM disputes_odr WHERE operator = \(op) AND state = 'admitted'") != nil
    }

    /// 先行和解率: of what an enterprise received and is decided, the settled. Nil where nothing is decided yet.
    package struct Rate: Sendable {
        package let received: Int
        package let settled: Int
        package let decided: Int
        package var share: Double? { decided == 0 ? nil : Double(settled) / Double(decided) }
    }
    package static func rate(_ op: ID<Operator>?, way: Prior.Way = .odr, _ tx: Transaction) throws -> Rate {
        let which: SQL = if let op { "p.operator = \(op)" } else { "1 = 1" }
        let row = try tx.one(
            """
            SELECT count(*) AS received, COALESCE(sum(CASE WHEN m.outcome = 'first-settled' AND p.converted_at IS NULL THEN 1 ELSE 0 END), 0) AS settled,
            COALESCE(sum(CASE WHEN m.state <> 'prior' THEN 1 ELSE 0 END), 0) AS decided
            FROM disputes_priors p JOIN casework_matters m ON m.id = p.matter WHERE p.way = \(way) AND \(which)
            """)
        return Rate(received: row?.count("received") ?? 0, settled: row?.count("settled") ?? 0, decided: row?.count("decided") ?? 0)
    }
}
