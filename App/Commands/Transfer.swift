import ArgumentParser
import Disputes
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store

struct Import: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Imports a file; the encoding is found by itself, rejects go to FILE.rejected.csv, the rest goes in; a second run adds nothing.")
    enum Kind: String, ExpressibleByArgument, CaseIterable { case operators, complaints, listings, sellers, registers, calendar, regions }
    @Argument(help: "\(Kind.allCases.map(\.rawValue).joined(separator: ", "))") var kind: Kind
    @Argument(help: "CSV or XLSX; JSON for a calendar; for listings NDJSON, JSON or a page with schema.org products too") var file: String
    @OptionGroup var database: DatabaseOptions
    @Flag(name: .customLong("dry-run"), help: "Calendar: show which open periods would move, and change nothing") var dryRun = false
    @Flag(help: "One JSON document") var json = false

    func run() async throws {
        guard !dryRun || kind == .calendar else {
            throw Refusal.invalid(
                "/dry-run", Text("--dry-run 只用于工作日历：其他导入可重复运行，有误的行会单独列出", "--dry-run is for calendars only: other imports may be run again, wrong rows come back"))
        }
        let office = try await Opening.open(database, migrating: true)
        let desk = office.desk
        defer { desk.store.close() }
        switch kind {
        case .calendar: return try await calendar(desk)
        case .regions: return try await regions(desk)
        default: break
        }
        guard let kind = ImportPages.kinds(office.domains).first(where: { $0.format.kind == kind.rawValue }) else { throw Fault("nobody imports \(kind.rawValue)") }
        let started = Date()
        let batch = try await kind.run(desk, file) { done, of in Terminal.progress("\(done)/\(of) (\(Int(Double(done) / max(0.001, Date().timeIntervalSince(started))))/s)") }
        report(batch)
    }

    private func report(_ batch: ImportBatch) {
        Terminal.progressEnd()
        if json {
            print(
                JSON.object([
                    ("added", .int(batch.added)), ("changed", .int(batch.changed)), ("same", .int(batch.same)), ("rejected", .int(batch.rejects.count)),
                    ("rejectedFile", .text(batch.rejectedFile)),
                    (
                        "rejects",
                        .array(
                            batch.rejects.prefix(1000).map {
                                .object([("line", .int($0.line)), ("column", .string($0.column)), ("zh", .string($0.reason.zh)), ("en", .string($0.reason.en))])
                            })
                    ),
                ]).text)
        } else {
            print(
                Terminal.say(
                    Text(
                        "新增\(batch.added)，更新\(batch.changed)，未变\(batch.same)，拒绝\(batch.rejects.count)",
                        "\(batch.added) added, \(batch.changed) changed, \(batch.same) the same, \(batch.rejects.count) rejected")))
            for reject in batch.rejects.prefix(5) { print("  \(Terminal.say(Text("第\(reject.line)行", "line \(reject.line)"))) \(reject.column): \(Terminal.say(reject.reason))") }
            if batch.rejects.count > 5 { print("  " + Terminal.say(Text("……另有\(batch.rejects.count - 5)行", "… and \(batch.rejects.count - 5) more"))) }
            if let path = batch.rejectedFile { print("  → \(path)") }
        }
    }

    private func calendar(_ desk: Desk) async throws {
        let table = try CalendarFile.read([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
        let started = Date()
        let change = try await CalendarUpdate.run(table, desk: desk, by: "command", apply: !dryRun)
        if json {
            let moved = change.moved.map { m in
                JSON.object([
                    ("matter", .text(change.numbers[m.matter])), ("duty", .string(m.duty)), ("before", .string(m.before.description)), ("after", .string(m.after.description)),
                ])
            }
            return print(
                JSON.object([
                    ("days", .int(table.count)), ("examined", .int(change.examined)), ("moved", .array(moved)), ("noLongerEstimates", .int(change.learned)),
                    ("saved", .bool(!dryRun)),
                ]).text)
        }
        print(
            Terminal.say(
                Text(
                    "\(table.count)个日期；重算\(change.examined)个未结期限，用时\(String(format: "%.1f", Date().timeIntervalSince(started)))秒；\(change.moved.count)个变动，\(change.learned)个不再是估算\(dryRun ? "（未保存）" : "")",
                    "\(table.count) days; \(change.examined) open periods counted in \(String(format: "%.1f", Date().timeIntervalSince(started))) s; \(change.moved.count) move, \(change.learned) no longer estimates\(dryRun ? " (nothing saved)" : "")"
                )))
        for moved in change.moved.prefix(20) { print("  \(change.numbers[moved.matter] ?? "") \(moved.duty) \(moved.before) → \(moved.after)") }
    }

    private func regions(_ desk: Desk) async throws {
        let (header, records) = try Transfer.rows([UInt8](try Data(contentsOf: URL(fileURLWithPath: file))))
        guard let code = header.firstIndex(of: "code"), let name = header.firstIndex(of: "name") else {
            throw Refusal.invalid("/file", Text("应有 code 和 name 两列", "The file needs the columns code and name"))
        }
        let now = desk.now
        try await desk.store.write { tx in
            for record in records where record.cells.count > max(code, name) {
                let (key, title) = (record.cells[code], record.cells[name])
                try tx.run(
                    "INSERT INTO platform_regions (code, name, parent) VALUES (\(key), \(title), \(String(key.prefix(key.count > 6 ? 6 : 4)))) ON CONFLICT (code) DO UPDATE SET name = \(title)"
                )
            }
            try tx.audit(
                "regions.changed", of: Reference(kind: "regions", id: 0), by: "command", at: now, details: [("count", .int(records.count))],
                sealing: [.init(whole: "platform_regions")])
        }
        print(json ? JSON.object([("divisions", .int(records.count))]).text : Terminal.say(Text("\(records.count)个区划", "\(records.count) divisions")))
    }
}

struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Exports as CSV (UTF-8 with a mark, for Excel), XLSX or NDJSON.")
    enum Kind: String, ExpressibleByArgument, CaseIterable { case operators, complaints, listings }
    enum Format: String, ExpressibleByArgument, CaseIterable { case csv, xlsx, ndjson }
    @Argument(help: "\(Kind.allCases.map(\.rawValue).joined(separator: ", "))") var kind: Kind
    @Option(help: "csv, xlsx or ndjson") var format: Format = .csv
    @Option(help: "File to write; standard output if not given") var out: String?
    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        let office = try await Opening.open(database, migrating: false)
        let store = office.desk.store
        defer { store.close() }
        let (header, rows): ([String], [[String]])
        switch kind {
        case .operators:
            header = ["统一社会信用代码", "名称", "类型", "状态", "地址", "区划", "行业", "成立日期"]
            rows = try await store.read { tx in
                try tx.all("SELECT * FROM operators ORDER BY id").map(Operator.init).map {
                    [$0.uscc, $0.name, $0.kind.title.zh, $0.status.title.zh, $0.address, $0.region, $0.industry, $0.registeredOn?.description ?? ""]
                }
            }
        case .listings:
            header = ["商品ID", "平台", "商品名称", "类目", "价格", "划线价", "店铺", "统一社会信用代码", "链接", "采集时间"]
            rows =
                format == .ndjson
                ? []
                : try await store.read { tx in
                    try tx.all(
                        "SELECT i.ref, i.platform, i.name, i.category, i.price, i.list_price, i.url, i.last_at, s.name AS shop, s.uscc FROM monitoring_listings i LEFT JOIN monitoring_sellers s ON s.id = i.seller ORDER BY i.id"
                    ).map { row in
                        [
                            row.string("ref"), row.string("platform"), row.string("name"), row.string("category"), row.optionalMoney("price")?.plain ?? "",
                            row.optionalMoney("list_price")?.plain ?? "", row.optionalString("shop") ?? "", row.optionalString("uscc") ?? "", row.string("url"),
                            row.moment("last_at").minuteText,
                        ]
                    }
                }
        case .complaints:
            header = ["编号", "状态", "收到时间", "被投诉人", "被投诉人地址", "金额", "事实", "区划", "结果"]
            rows = try await store.read { tx in
                try tx.all(
                    "SELECT m.*, c.respondent_name, c.respondent_address, c.amount, c.facts FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id ORDER BY m.id"
                ).map { row in
                    let m = Matter(row)
                    return [
                        m.number, ComplaintMoves.table.state(m.state).title.zh, m.receivedAt.minuteText, row.string("respondent_name"), row.string("respondent_address"),
                        row.optionalMoney("amount")?.plain ?? "", row.string("facts"), m.region, m.outcome.map { ComplaintMoves.table.outcomes[$0]?.zh ?? $0 } ?? "",
                    ]
                }
            }
        }
        // As they came: what is exported can be scanned, or imported elsewhere.
        if kind == .listings, format == .ndjson { return try await listings(store) }
        let bytes: [UInt8]
        switch format {
        case .csv: bytes = Transfer.csv(header: header, rows: rows)
        case .xlsx: bytes = try Transfer.xlsx(sheet: kind.rawValue, header: header, rows: rows)
        case .ndjson: bytes = Array(rows.map { row in JSON.object(zip(header, row).map { ($0, .string($1)) }).text + "\n" }.joined().utf8)
        }
        if let out { try Data(bytes).write(to: URL(fileURLWithPath: out)) } else { FileHandle.standardOutput.write(Data(bytes)) }
    }

    /// Listings as they were last seen, in parts: there may be millions.
    private func listings(_ store: Store) async throws {
        let handle: FileHandle
        if let out {
            _ = FileManager.default.createFile(atPath: out, contents: nil)
            guard let opened = FileHandle(forWritingAtPath: out) else { throw Refusal.invalid("/out", Text("无法写入 \(out)", "Cannot write \(out)")) }
            handle = opened
        } else {
            handle = .standardOutput
        }
        var last: Int64 = 0
        while true {
            let after = last
            let rows = try await store.read { try $0.all("SELECT id, body, last_at FROM monitoring_listings WHERE id > \(after) ORDER BY id LIMIT 2000") }
            guard let end = rows.last?.int("id") else { break }
            last = end
            try handle.write(contentsOf: Data(rows.map { $0.string("body") + "\n" }.joined().utf8))
        }
    }
}
