import Formats
import Foundation
import Kernel
import Store
import Web

/// Import by page (网上导入): a file goes in and is read in the background, with its progress shown; what was set aside
/// comes back as a file with line, column and reason.
package enum ImportPages {
    package static func kinds(_ domains: [Domain]) -> [ImportKind] { [.operators] + domains.flatMap(\.imports) }

    package static func routes(_ domains: [Domain]) -> [Route] {
        kinds(domains).flatMap { kind in
            let path = "/import/\(kind.format.kind)"
            return [
                Route(.get, path, .permitted(kind.permission)) { visit in try await page(visit, kind, nil) },
                Route(.post, path, .permitted(kind.permission), cap: 96 << 20) { visit in
                    do { return try await take(visit, kind) } catch let refusal as Refusal where refusal.kind == .invalid { return try await page(visit, kind, refusal) }
                },
                Route(.get, path + "/:id", .permitted(kind.permission)) { visit in try await show(visit, kind) },
                Route(.get, path + "/:id/rejected", .permitted(kind.permission)) { visit in
                    let run = try await find(visit, kind)
                    guard let hash = run.rejectedHash else { throw Refusal.notFound }
                    return .file(try visit.desk.files.read(hash), type: "text/csv; charset=utf-8", name: "\(run.name).rejected.csv")
                },
            ]
        }
    }

    /// One file on its way in, or as it went.
    struct Run: Sendable {
        let id: Int64
        let kind: String
        let name: String
        let hash: String?
        let account: Int64
        let at: Moment
        let state: String
        let done: Int
        let total: Int
        let counts: [Int]
        let rejectedHash: String?
        let said: String

        init(_ row: Row) {
            id = row.int("id")
            kind = row.string("kind")
            name = row.string("name")
            hash = row.optionalString("hash")
            account = row.int("account")
            at = row.moment("at")
            state = row.string("state")
            done = row.count("done")
            total = row.count("total")
            counts = ["added", "changed", "same", "rejected"].map { row.count($0) }
            rejectedHash = row.optionalString("rejected_hash")
            said = row.string("said")
        }
    }

    /// What an import said, in both languages, as one column keeps it.
    private struct Said {
        let zh: String
        let en: String
        init(zh: String, en: String) { (self.zh, self.en) = (zh, en) }
        init(_ text: String) {
            let parts = text.split(separator: "\u{1E}", omittingEmptySubsequences: false).map(String.init)
            (zh, en) = (parts[0], parts.count > 1 ? parts[1] : parts[0])
        }
        var text: String { zh + "\u{1E}" + en }
        subscript(_ language: Language) -> String { language == .zh ? zh : en }
    }

    private static func find(_ visit: Visit, _ kind: ImportKind) async throws -> Run {
        guard let id = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        let row = try await visit.desk.store.read { try $0.one("SELECT * FROM platform_imports WHERE id = \(id) AND kind = \(kind.format.kind)") }
        guard let row else { throw Refusal.notFound }
        return Run(row)
    }

    private static func page(_ visit: Visit, _ kind: ImportKind, _ refusal: Refusal?) async throws -> Answer {
        let path = "/import/\(kind.format.kind)"
        let runs = try await visit.desk.store.read { try $0.all("SELECT * FROM platform_imports WHERE kind = \(kind.format.kind) ORDER BY id DESC LIMIT 10").map(Run.init) }
        return visit.page(kind.title, status: refusal?.kind.status ?? 200, active: path) { h in
            h.div("narrow") {
                h.h1(kind.title)
                h.errorSummary(refusal)
                h.p(
                    nil,
                    Text(
                        "CSV（UTF-8 或 GB18030，自动识别）或 Excel（.xlsx）。第一行是列名，顺序不限；有误的行会单独列出原因，其余照常导入；重复导入不会增加。",
                        "CSV (UTF-8 or GB18030, found by itself) or Excel (.xlsx). The first row names the columns, in any order; wrong rows come back with their reasons, the rest goes in; a second run adds nothing."
                    ))
                visit.form(h, path, "card card-body", multipart: true) {
                    h.void(
                        "input", "form-control mb-3", [.type("file"), .name("file"), .required, .init("accept", ".csv,.xlsx,.txt"), .label(h.say(Text("选择文件", "Choose a file")))])
                    h.button(Text("导入", "Import"))
                }
                if !runs.isEmpty {
                    h.h2(Text("最近的导入", "Recent imports"), "h6 mt-4")
                    h.ul("plain") {
                        for run in runs {
                            h.li {
                                h.a("\(path)/\(run.id)", nil, run.name)
                                h.span("text-muted small ms-2", run.at.minuteText)
                                h.span("ms-2 small", summary(run))
                            }
                        }
                    }
                }
                h.h2(Text("可识别的列", "Columns that are read"), "h6 mt-4")
                h.definitions {
                    for column in kind.format.columns {
                        h.definition(
                            Text(verbatim: (column.titles.first ?? column.name) + (column.required ? " *" : "")), (column.titles.dropFirst() + [column.name]).joined(separator: "、")
                        )
                    }
                }
            }
        }
    }

    private static func summary(_ run: Run) -> Text {
        switch run.state {
        case "done": Text("新增\(run.counts[0])，更新\(run.counts[1])，拒绝\(run.counts[3])", "\(run.counts[0]) added, \(run.counts[1]) changed, \(run.counts[3]) rejected")
        case "failed": Text("未导入", "failed")
        default: Text("进行中", "in progress")
        }
    }

    /// Keeps the file and hands it to the background: a page does not wait for six hundred thousand rows.
    private static func take(_ visit: Visit, _ kind: ImportKind) async throws -> Answer {
        let account = try visit.require(kind.permission)
        guard let file = try visit.exchange.form().files.first else { throw Refusal.invalid("/file", Text("请选择文件", "Choose a file")) }
        let (now, hash) = (visit.desk.now, try visit.desk.files.keep(file.bytes))
        let id = try await visit.desk.store.write { tx in
            let id = try tx.insert(
                "INSERT INTO platform_imports (kind, name, hash, account, at) VALUES (\(kind.format.kind), \(String(file.name.prefix(120))), \(hash), \(account.id), \(now)) RETURNING id"
            )
            try Jobs.add("import", [("id", .int(id))], at: now, tx)
            return id
        }
        return .redirect("/import/\(kind.format.kind)/\(id)")
    }

    private static func show(_ visit: Visit, _ kind: ImportKind) async throws -> Answer {
        let run = try await find(visit, kind)
        let path = "/import/\(kind.format.kind)"
        let running = run.state == "waiting" || run.state == "running"
        return visit.page(kind.title, active: path, refresh: running ? 1 : nil) { h in
            h.div("narrow") {
                h.h1(kind.title)
                h.p("text-muted", "\(run.name) · \(run.at.minuteText)")
                if running {
                    h.element("div", nil, [.role("status")]) {
                        h.p(
                            nil,
                            run.total > 0
                                ? Text("已处理\(run.done)行，共\(run.total)行。可以离开本页，导入继续进行。", "\(run.done) of \(run.total) rows. You may leave this page: the import goes on.")
                                : Text("等待后台开始……", "Waiting for the background to begin …"))
                        h.element(
                            "progress", "w-100", [.init("max", String(max(1, run.total))), .value(String(run.done)), .label(h.say(Text("导入进度", "Progress of the import")))]
                        ) {}
                    }
                } else if run.state == "failed" {
                    h.div("alert alert-danger") { h.text(Said(run.said)[visit.language]) }
                } else {
                    result(h, run, path)
                }
                h.a(path, "btn btn-outline-secondary", Text("再导入一个文件", "Import another file"))
            }
        }
    }

    private static func result(_ h: HTML, _ run: Run, _ path: String) {
        h.div("figures") {
            for (title, n) in zip([Text("新增", "Added"), Text("更新", "Changed"), Text("未变", "The same"), Text("拒绝", "Rejected")], run.counts) {
                h.div("figure") {
                    h.span("figure-n", String(n))
                    h.span("figure-t", title)
                }
            }
        }
        guard run.rejectedHash != nil else { return }
        h.p(nil, Text("以下各行未导入，请更正后再次导入：", "These rows stayed outside; correct them and import again:"))
        h.ul { for line in Said(run.said)[h.language].split(separator: "\n") { h.li { h.text(String(line)) } } }
        h.p { h.a("\(path)/\(run.id)/rejected", "btn btn-outline-primary", Text("下载全部被拒行", "Download all rejected rows")) }
    }

    // MARK: In the background

    /// Reads one file that came by page. A worker that died is followed by another: what went in does not go in twice.
    package static func job(_ domains: [Domain]) -> JobKind {
        let kinds = kinds(domains)
        return JobKind("import") { desk, payload in
            guard let id = payload["id"]?.int.map(Int64.init), let row = try await desk.store.read({ try $0.one("SELECT * FROM platform_imports WHERE id = \(id)") }) else {
                return
            }
            let run = Run(row)
            guard let hash = run.hash, let kind = kinds.first(where: { $0.format.kind == run.kind }) else { return }
            do { try await work(run, kind, hash, payload, desk) } catch let refusal as Refusal where refusal.kind == .invalid {
                let why = refusal.fields.first?.text ?? refusal.text
                let text = Said(zh: why.zh, en: why.en).text
                try await desk.store.write { try $0.run("UPDATE platform_imports SET state = 'failed', hash = NULL, said = \(text) WHERE id = \(id)") }
            }
        }
    }

    private static func work(_ run: Run, _ kind: ImportKind, _ hash: String, _ payload: JSON, _ desk: Desk) async throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-import-\(run.id)-\(Crypto.hex(Crypto.random(4)))").path
        try Data(try desk.files.read(hash)).write(to: URL(fileURLWithPath: path))
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".rejected.csv")
        }
        let batch = try await kind.run(desk, path) { done, total in
            let lease = desk.now.adding(seconds: 300)
            try await desk.store.write { tx in
                try tx.send("UPDATE platform_imports SET state = 'running', done = \(done), total = \(total) WHERE id = \(run.id)")
                try tx.send("UPDATE platform_jobs SET due_at = \(lease) WHERE kind = 'import' AND payload = \(payload.text)")
            }
        }
        let rejected = try batch.rejectedFile.map { try desk.files.keep([UInt8](Data(contentsOf: URL(fileURLWithPath: $0)))) }
        // Both languages are kept, one block each: who reads it later chooses.
        let first = batch.rejects.prefix(20)
        let said = Said(
            zh: first.map { "第\($0.line)行“\($0.column)”：\($0.reason.zh)" }.joined(separator: "\n"),
            en: first.map { "Line \($0.line), “\($0.column)”: \($0.reason.en)" }.joined(separator: "\n")
        ).text
        let now = desk.now
        try await desk.store.write { tx in
            try tx.run(
                """
                UPDATE platform_imports SET state = 'done', hash = NULL, rejected_hash = \(rejected), said = \(said), added = \(batch.added), changed = \(batch.changed), same = \(batch.same),
                rejected = \(batch.rejects.count) WHERE id = \(run.id)
                """)
            try tx.audit(
                "import.\(run.kind)", of: Reference(kind: "import", id: run.id), by: "account:\(run.account)", at: now,
                details: [("file", .string(run.name)), ("added", .int(batch.added)), ("changed", .int(batch.changed)), ("rejected", .int(batch.rejects.count))])
        }
    }

    /// Files that imports still need.
    static func files(_ tx: Transaction) throws -> Set<String> {
        Set(try tx.all("SELECT hash, rejected_hash FROM platform_imports").flatMap { [$0.optionalString("hash"), $0.optionalString("rejected_hash")] }.compactMap { $0 })
    }
}
