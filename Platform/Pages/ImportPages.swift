import Formats
import Foundation
import Kernel
import Store
import Web

/// Import by page (网上导入): a file goes in, what was set aside comes back as a file with line, column and reason.
package enum ImportPages {
    /// One kind of import: who may, how a batch is written.
    package struct Kind: Sendable {
        package let format: ImportFormat
        package let title: Text
        package let permission: Permission
        package let write: @Sendable (Desk, [ImportRecord], Moment, Transaction) throws -> ImportBatch
        package init(format: ImportFormat, title: Text, permission: Permission, write: @escaping @Sendable (Desk, [ImportRecord], Moment, Transaction) throws -> ImportBatch) {
            self.format = format
            self.title = title
            self.permission = permission
            self.write = write
        }
    }

    package static let operators = Kind(format: OperatorImport.format, title: Text("导入经营主体", "Import operators"), permission: "operators.import") { _, records, now, tx in
        try OperatorImport.write(OperatorImport.prepare(records), at: now, tx)
    }

    package static func routes(_ kinds: [Kind]) -> [Route] {
        kinds.flatMap { kind in
            [
                Route(.get, "/import/\(kind.format.kind)", .permitted(kind.permission)) { visit in page(visit, kind, nil) },
                Route(.post, "/import/\(kind.format.kind)", .permitted(kind.permission), cap: 96 << 20) { visit in
                    do { return try await run(visit, kind) } catch let refusal as Refusal where refusal.kind == .invalid { return page(visit, kind, refusal) }
                },
                Route(.get, "/import/\(kind.format.kind)/rejected/:hash", .permitted(kind.permission)) { visit in
                    // The address was made by us for this account: no other file can be asked for by its hash.
                    let hash = try visit.exchange.parameter("hash")
                    guard visit.exchange.query["seal"] == visit.seal("reject|\(try visit.signedIn().id)", hash) else { throw Refusal.notFound }
                    return .file(try visit.desk.files.read(hash), type: "text/csv; charset=utf-8", name: "rejected.csv")
                },
            ]
        }
    }

    private static func page(_ visit: Visit, _ kind: Kind, _ refusal: Refusal?) -> Answer {
        visit.page(kind.title, status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(kind.title)
                h.errorSummary(refusal)
                h.p(
                    nil,
                    Text(
                        "CSV（UTF-8 或 GB18030，自动识别）或 Excel（.xlsx）。第一行是列名，顺序不限；有误的行会单独列出原因，其余照常导入；重复导入不会增加。",
                        "CSV (UTF-8 or GB18030, found by itself) or Excel (.xlsx). The first row names the columns, in any order; wrong rows come back with their reasons, the rest goes in; a second run adds nothing."
                    ))
                visit.form(h, "/import/\(kind.format.kind)", "card card-body", multipart: true) {
                    h.void(
                        "input", "form-control mb-3", [.type("file"), .name("file"), .required, .init("accept", ".csv,.xlsx,.txt"), .label(h.say(Text("选择文件", "Choose a file")))])
                    h.button(Text("导入", "Import"))
                }
                h.h2(Text("可识别的列", "Columns that are read"), "h6 mt-4")
                h.definitions {
                    for column in kind.format.columns { h.definition(Text(verbatim: column.name), column.titles.joined(separator: "、") + (column.required ? " *" : "")) }
                }
            }
        }
    }

    private static func run(_ visit: Visit, _ kind: Kind) async throws -> Answer {
        let account = try visit.require(kind.permission)
        guard let file = try visit.exchange.form().files.first else { throw Refusal.invalid("/file", Text("请选择文件", "Choose a file")) }
        let (desk, now) = (visit.desk, visit.desk.now)
        let path = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-import-\(Crypto.hex(Crypto.random(8)))").path
        try Data(file.bytes).write(to: URL(fileURLWithPath: path))
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: path + ".rejected.csv")
        }
        let batch = try await Transfer.run(kind.format, file: path, store: desk.store) { try kind.write(desk, $0, now, $1) }
        let rejected = batch.rejects.isEmpty ? nil : try desk.files.keep([UInt8](Data(contentsOf: URL(fileURLWithPath: path + ".rejected.csv"))))
        try await desk.store.write { tx in
            try tx.audit(
                "import.\(kind.format.kind)", of: Reference(kind: "import", id: 0), by: account.mark, at: now,
                details: [("file", .string(file.name)), ("added", .int(batch.added)), ("changed", .int(batch.changed)), ("rejected", .int(batch.rejects.count))])
        }
        return visit.page(kind.title) { h in
            h.div("narrow") {
                h.h1(kind.title)
                h.div("figures") {
                    for (title, n) in [
                        (Text("新增", "Added"), batch.added), (Text("更新", "Changed"), batch.changed), (Text("未变", "The same"), batch.same),
                        (Text("拒绝", "Rejected"), batch.rejects.count),
                    ] {
                        h.div("figure") {
                            h.span("figure-n", String(n))
                            h.span("figure-t", title)
                        }
                    }
                }
                if let rejected {
                    h.p(nil, Text("以下各行未导入，请更正后再次导入：", "These rows stayed outside; correct them and import again:"))
                    h.ul {
                        for reject in batch.rejects.prefix(20) {
                            h.li { h.text(Text("第\(reject.line)行 \(reject.column)：\(reject.reason.zh)", "line \(reject.line), \(reject.column): \(reject.reason.en)")) }
                        }
                    }
                    h.a(
                        "/import/\(kind.format.kind)/rejected/\(rejected)?seal=\(visit.seal("reject|\(account.id)", rejected))", "btn btn-outline-primary",
                        Text("下载全部被拒行", "Download all rejected rows"))
                }
                h.a("/import/\(kind.format.kind)", "btn btn-outline-secondary ms-2", Text("再导入一个文件", "Import another file"))
            }
        }
    }
}
