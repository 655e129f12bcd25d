import Formats
import Kernel
import Platform
import Store
import Web

/// What the national platform's export says against what we hold (全国12315平台对账). Nothing of ours is changed by it: differences are listed.
///
/// Law: O121 art. 40: all handling runs through the national platform, so both have to agree.
package enum Reconciliation {
    package static let format = ImportFormat(
        kind: "national",
        columns: [
            .init("externalNumber", ["编号", "工单号", "平台编号", "登记编号", "投诉编号"], required: true), .init("state", ["状态", "办理状态", "处理状态"]),
            .init("respondentName", ["被投诉人", "被投诉人名称", "企业名称", "商家"]), .init("receivedOn", ["收到日期", "登记日期", "投诉日期", "接收日期"]),
            .init("closedOn", ["办结日期", "办结时间", "终结日期"]), .init("amount", ["金额", "涉及金额", "争议金额"]),
        ])

    /// What the words of the platform mean in ours. A word that is not among them is not compared, and said so.
    private static let states: [(String, String)] = [
        ("不予受理", "refused"), ("未受理", "refused"), ("待受理", "received"), ("待处理", "received"), ("已受理", "handling"), ("调解中", "handling"), ("处理中", "handling"), ("办理中", "handling"),
        ("已办结", "closed"), ("未办结", "handling"), ("受理", "handling"),
        ("办结", "closed"), ("终止", "closed"), ("终止调解", "closed"), ("已终止", "closed"), ("已撤回", "withdrawn"), ("已撤诉", "withdrawn"), ("调解成功", "closed"), ("调解失败", "closed"),
        ("撤回", "withdrawn"), ("撤销", "withdrawn"), ("待补充", "received"), ("已分送", "received"),
    ]
    private static func meaning(_ word: String) -> String? { states.first { word == $0.0 }?.1 }
    private static func meaning(of m: Matter) -> String {
        switch m.state {
        case ComplaintMoves.refused: "refused"
        case ComplaintMoves.withdrawn: "withdrawn"
        case ComplaintMoves.closed: m.outcome == "settled-or-withdrawn" ? "withdrawn" : "closed"
        case ComplaintMoves.received, ComplaintMoves.supplement, ComplaintMoves.prior, ComplaintMoves.firstSettled: "received"
        case ComplaintMoves.redirected: "refused"
        default: "handling"
        }
    }
    static let fields: [(String, Text)] = [
        ("missing-here", Text("本系统没有", "Not here")), ("missing-there", Text("平台文件中没有", "Not in the file")), ("state", Text("状态不同", "State")),
        ("respondentName", Text("被投诉人不同", "Business")),
        ("receivedOn", Text("收到日期不同", "Received")), ("closedOn", Text("办结日期不同", "Closed")), ("amount", Text("金额不同", "Amount")), ("unknown-state", Text("状态无法对应", "Unknown state")),
    ]

    package static let kind = ImportKind(format: format, title: Text("全国平台对账", "Reconcile with the national platform"), permission: "disputes.import") { desk, file, progress in
        let now = desk.now
        let run = try await desk.store.write { tx in try tx.insert("INSERT INTO disputes_reconciliations (at, rows, same) VALUES (\(now), 0, 0) RETURNING id") }
        let batch = try await Transfer.run(format, file: file, store: desk.store, progress: progress) { try compare($0, run: run, today: now.day, $1) }
        try await desk.store.write { tx in try finish(run, at: now, tx) }
        return batch
    }

    private static func note(_ run: Int64, _ external: String, _ matter: Int64?, _ field: String, _ theirs: String, _ ours: String, _ tx: Transaction) throws {
        try tx.send("INSERT INTO disputes_differences (run, external, matter, field, theirs, ours) VALUES (\(run), \(external), \(matter), \(field), \(theirs), \(ours))")
    }

    static func compare(_ records: [ImportRecord], run: Int64, today: Day, _ tx: Transaction) throws -> ImportBatch {
        var batch = ImportBatch()
        for r in records {
            let external = r["externalNumber"]
            guard !external.isEmpty, external.count <= 60 else {
                batch.rejects.append(r.reject("externalNumber", Text("编号是空的或者过长", "the number is empty or too long")))
                continue
            }
            var days: [String: Day] = [:]
            var isWrong = false
            for name in ["receivedOn", "closedOn"] where !r[name].isEmpty {
                guard let day = Transfer.day(r[name]) else {
                    batch.rejects.append(r.reject(name, Text("“\(r[name])”不是日期", "“\(r[name])” is not a date")))
                    isWrong = true
                    break
                }
                days[name] = day
            }
            if !isWrong, !r["amount"].isEmpty, Money(yuan: r["amount"]) == nil {
                batch.rejects.append(r.reject("amount", Money.shape))
                isWrong = true
            }
            if !isWrong, try tx.one("SELECT run FROM disputes_seen WHERE run = \(run) AND external = \(external)") != nil {
                batch.rejects.append(r.reject("externalNumber", Text("编号在文件中重复", "the number stands twice in the file")))
                isWrong = true
            }
            if isWrong { continue }
            guard
                let row = try tx.one(
                    "SELECT m.*, c.respondent_name, c.amount FROM disputes_complaints c JOIN casework_matters m ON m.id = c.matter WHERE c.external_number = \(external) ORDER BY m.id LIMIT 1"
                )
            else {
                try note(run, external, nil, "missing-here", r["respondentName"], "", tx)
                try tx.send("INSERT INTO disputes_seen (run, external, matter) VALUES (\(run), \(external), NULL)")
                batch.added += 1
                continue
            }
            let m = Matter(row)
            try tx.send("INSERT INTO disputes_seen (run, external, matter) VALUES (\(run), \(external), \(m.id))")
            var differs = false
            func differ(_ field: String, _ theirs: String, _ ours: String) throws {
                try note(run, external, m.id.raw, field, theirs, ours, tx)
                differs = true
            }
            if !r["state"].isEmpty {
                let shown = ComplaintMoves.table.state(m.state).title.zh
                if let theirs = meaning(r["state"]) {
                    let ours = meaning(of: m)
                    // What was withdrawn in mediation is closed as well.
                    if theirs != ours, !(ours == "withdrawn" && theirs == "closed") { try differ("state", r["state"], shown) }
                } else {
                    try differ("unknown-state", r["state"], shown)
                }
            }
            if !r["respondentName"].isEmpty, r["respondentName"] != row.string("respondent_name") {
                try differ("respondentName", r["respondentName"], row.string("respondent_name"))
            }
            if let day = days["receivedOn"], day != m.receivedAt.day { try differ("receivedOn", day.description, m.receivedAt.day.description) }
            if let day = days["closedOn"], day != m.closedAt?.day { try differ("closedOn", day.description, m.closedAt?.day.description ?? "—") }
            if !r["amount"].isEmpty, let theirs = Money(yuan: r["amount"]), theirs != row.optionalMoney("amount") {
                try differ("amount", theirs.plain, row.optionalMoney("amount")?.plain ?? "—")
            }
            if differs { batch.changed += 1 } else { batch.same += 1 }
        }
        return batch
    }

    /// What we hold of the same days and the file does not name.
    static func finish(_ run: Int64, at now: Moment, _ tx: Transaction) throws {
        let span = try tx.one(
            "SELECT min(m.received_at) AS first, max(m.received_at) AS last FROM disputes_seen s JOIN casework_matters m ON m.id = s.matter WHERE s.run = \(run)")
        if let first = span?.optionalMoment("first"), let last = span?.optionalMoment("last") {
            // Of the districts that the file speaks of: one district's own export says nothing of the others.
            let districts = try tx.all("SELECT DISTINCT substr(m.region, 1, 6) AS code FROM disputes_seen s JOIN casework_matters m ON m.id = s.matter WHERE s.run = \(run)").map {
                $0.string("code")
            }
            for row in try tx.all(
                """
                SELECT m.id, m.state, c.external_number FROM disputes_complaints c JOIN casework_matters m ON m.id = c.matter WHERE c.external_number IS NOT NULL AND m.received_at >= \(first) AND m.received_at <= \(last)
                AND substr(m.region, 1, 6) IN (\(list: districts))
                AND NOT EXISTS (SELECT 1 FROM disputes_seen s WHERE s.run = \(run) AND s.matter = m.id) ORDER BY m.id LIMIT 10000
                """)
            { try note(run, row.string("external_number"), row.int("id"), "missing-there", "", ComplaintMoves.table.state(row.string("state")).title.zh, tx) }
        }
        let rows = try tx.count("SELECT count(*) AS n FROM disputes_seen WHERE run = \(run)")
        let different = try tx.count("SELECT count(DISTINCT external) AS n FROM disputes_differences WHERE run = \(run) AND field <> 'missing-there'")
        try tx.send("UPDATE disputes_reconciliations SET rows = \(rows), same = \(rows - different) WHERE id = \(run)")
        // What was seen is kept for the latest run alone.
        try tx.send("DELETE FROM disputes_seen WHERE run < \(run)")
        try tx.audit(
            "national.reconciled", of: Reference(kind: "reconciliation", id: run), by: "system", at: now,
            details: [("rows", .string("\(rows)")), ("same", .string("\(rows - different)"))])
    }
}

/// The differences by page (对账差异): by kind, each with both sides' words, to Excel.
struct ReconciliationPages: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/national", .permitted("disputes.import")) { visit in try await show(visit) },
            Route(.get, "/national/export", .permitted("disputes.import")) { visit in try await export(visit) },
        ]
    }

    private struct Difference: Sendable {
        let external: String
        let matter: Int64?
        let number: String?
        let field: String
        let theirs: String
        let ours: String
        var title: Text { Reconciliation.fields.first { $0.0 == field }?.1 ?? Text(verbatim: field) }
    }

    private func load(_ visit: Visit, limit: Int, _ tx: Transaction) throws -> (run: (id: Int64, at: Moment, rows: Int, same: Int)?, counts: [(String, Int)], rows: [Difference]) {
        let asked = visit.exchange.query["run"].flatMap { Int64($0) }
        let which: SQL = asked.map { "id = \($0)" } ?? "1 = 1"
        guard let run = try tx.one("SELECT * FROM disputes_reconciliations WHERE \(which) ORDER BY id DESC LIMIT 1") else { return (nil, [], []) }
        let id = run.int("id")
        let account = try visit.signedIn()
        // Numbers of other regions' matters are not this officer's; what nobody here has is everybody's.
        let here: SQL = "(d.matter IS NULL OR (m.region >= \(account.region) AND m.region < \(account.region + "~")))"
        let field: SQL = visit.exchange.query["field"].map { "d.field = \($0)" } ?? "1 = 1"
        let counts = try tx.all(
            "SELECT d.field, count(*) AS n FROM disputes_differences d LEFT JOIN casework_matters m ON m.id = d.matter WHERE d.run = \(id) AND \(here) GROUP BY d.field"
        ).map {
            ($0.string("field"), $0.count("n"))
        }
        let rows = try tx.all(
            "SELECT d.*, m.number FROM disputes_differences d LEFT JOIN casework_matters m ON m.id = d.matter WHERE d.run = \(id) AND \(here) AND \(field) ORDER BY d.id LIMIT \(limit)"
        ).map {
            Difference(
                external: $0.string("external"), matter: $0.optionalInt("matter"), number: $0.optionalString("number"), field: $0.string("field"), theirs: $0.string("theirs"),
                ours: $0.string("ours"))
        }
        return ((id, run.moment("at"), run.count("rows"), run.count("same")), counts, rows)
    }

    private func show(_ visit: Visit) async throws -> Answer {
        let (run, counts, rows) = try await visit.desk.store.read { try load(visit, limit: 500, $0) }
        return visit.page(Text("全国平台对账", "Reconciliation"), active: "/national") { h in
            h.div("page-head") {
                h.h1(Text("全国12315平台对账", "Against the national platform"))
                h.p(
                    "text-muted mb-0",
                    Text("上传平台导出的文件，按平台编号逐件比对；只列出差异，不改动本系统的登记。", "Upload the platform's export: compared by its numbers. Differences are listed, nothing here is changed."))
            }
            h.p { h.a("/import/national", "btn btn-sm btn-primary", Text("上传平台文件", "Upload the export")) }
            guard let run else { return h.empty(Text("还没有对过账", "Not reconciled yet"), Text("请先上传平台导出的CSV或者Excel文件。", "Upload the platform's CSV or Excel file first.")) }
            h.p(nil, Text("最近一次：\(run.at.minuteText)，\(run.rows)件，一致\(run.same)件", "Last: \(run.at.minuteText); \(run.rows) rows, \(run.same) agree"))
            h.element("nav", "filter-bar") {
                h.a("/national", "btn btn-sm btn-outline-primary", Text("全部", "All"))
                for (field, title) in Reconciliation.fields {
                    if let n = counts.first(where: { $0.0 == field })?.1 {
                        h.a(Link.query("/national", [("field", field)]), "btn btn-sm btn-outline-primary", Text("\(title.zh) \(n)", "\(title.en) \(n)"))
                    }
                }
                h.a(Link.query("/national/export", [("field", visit.exchange.query["field"])]), "btn btn-sm btn-outline-secondary", Text("导出Excel", "Export"))
            }
            if rows.isEmpty { return h.empty(Text("没有差异", "No differences"), Text("平台和本系统一致。", "Both agree.")) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr {
                            for t in [Text("平台编号", "Platform's number"), Text("本系统", "Here"), Text("差异", "Difference"), Text("平台", "Platform"), Text("本系统内容", "Ours")] { h.th(t) }
                        }
                    }
                    h.element("tbody") {
                        for d in rows {
                            h.tr {
                                h.td("number", d.external)
                                h.td("number") { if let matter = d.matter, let number = d.number { h.a("/disputes/\(matter)", nil, number) } else { h.text("—") } }
                                h.td("nowrap", h.say(d.title))
                                h.element("td", nil, [.init("data-label", h.say(Text("平台", "Platform")))], text: d.theirs)
                                h.element("td", nil, [.init("data-label", h.say(Text("本系统", "Ours")))], text: d.ours)
                            }
                        }
                    }
                }
            }
            if rows.count == 500 { h.p("small text-muted", Text("只显示前500条，全部请导出", "The first 500; export for all")) }
        }
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let (_, _, rows) = try await visit.desk.store.read { try load(visit, limit: 100_000, $0) }
        let language = visit.language
        let header = [Text("平台编号", "Platform's number"), Text("本系统编号", "Our number"), Text("差异", "Difference"), Text("平台", "Platform"), Text("本系统", "Ours")].map { $0[language] }
        return .file(
            try Transfer.xlsx(
                sheet: Text("差异", "Differences")[language], header: header, rows: rows.map { [$0.external, $0.number ?? "", $0.title[language], $0.theirs, $0.ours] }),
            type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", name: "reconciliation-\(visit.desk.today()).xlsx")
    }
}
