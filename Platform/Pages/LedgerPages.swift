import Formats
import Foundation
import Kernel
import Statute
import Store
import Web

/// The ledger of acts for auditors (操作日志): entries, the signed checkpoint, verification on the spot, proofs.
package enum LedgerPages {
    package static func routes() -> [Route] {
        [
            Route(.get, "/ledger", .permitted("ledger.see")) { visit in try await show(visit, nil) },
            Route(.post, "/ledger/verify", .permitted("ledger.see")) { visit in
                let (keys, sealing) = (visit.desk.keys, visit.house.sealed)
                let report = try await visit.desk.store.read {
                    try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, sealing: sealing, witness: keys.remembered, $0)
                }
                return try await show(visit, report)
            },
            Route(.get, "/checkpoint", .anyone, style: .api) { visit in
                let note = try await visit.desk.store.read { try $0.one("SELECT note FROM platform_checkpoints ORDER BY size DESC LIMIT 1")?.string("note") }
                guard let note else { throw Refusal.notFound }
                return .text(note)
            },
            Route(.get, "/ledger/proof/:index", .permitted("ledger.see"), style: .page) { visit in
                guard let index = Int64(try visit.exchange.parameter("index")), index >= 0 else { throw Refusal.notFound }
                let (entry, size, proof, note) = try await visit.desk.store.read { tx in
                    guard let point = try tx.one("SELECT size, note FROM platform_checkpoints WHERE size > \(index) ORDER BY size DESC LIMIT 1"),
                        let row = try tx.one("SELECT entry FROM platform_ledger WHERE idx = \(index)")
                    else {
                        throw Refusal.notFound
                    }
                    return (row.string("entry"), point.int("size"), try Ledger.inclusion(index, size: point.int("size"), tx), point.string("note"))
                }
                return .json(
                    .object([
                        ("index", .int(index)), ("size", .int(size)), ("entry", .string(entry)), ("proof", .array(proof.map { .string(Data($0).base64EncodedString()) })),
                        ("checkpoint", .string(note)),
                        ("key", .string(visit.desk.keys.verifierKey)),
                    ]))
            },
        ]
    }

    /// The account's key in `account:12`.
    private static func account(_ mark: String) -> Int64? { mark.hasPrefix("account:") ? Int64(mark.dropFirst("account:".count)) : nil }

    private static func show(_ visit: Visit, _ report: LedgerCheck.Report?) async throws -> Answer {
        let before = visit.exchange.query["before"].flatMap { Int64($0) } ?? Int64.max
        let (rows, names, note, size) = try await visit.desk.store.read { tx in
            let rows = try tx.all("SELECT idx, entry FROM platform_ledger WHERE idx < \(before) ORDER BY idx DESC LIMIT 50")
            let people = rows.compactMap { (try? JSON(parsing: Array($0.string("entry").utf8)))?["actor"]?.string.flatMap(account) }
            return (
                rows, try Accounts.names(people, tx),
                try tx.one("SELECT note FROM platform_checkpoints ORDER BY size DESC LIMIT 1")?.string("note"),
                try tx.one("SELECT size FROM platform_ledger_head")?.int("size") ?? 0
            )
        }
        let signed = note?.split(separator: "\n").dropFirst().first.flatMap { Int64($0) } ?? 0
        return visit.page(Text("操作日志", "Ledger of acts"), active: "/ledger") { h in
            h.div("page-head") {
                h.h1(Text("操作日志", "Ledger of acts"))
                h.p("text-muted mb-0", Text("共\(size)条。每条都是一棵只增不改的哈希树的叶子，检查点由本机构密钥签名。", "\(size) entries. Each is a leaf of a hash tree that only grows; checkpoints are signed."))
            }
            if let report {
                h.element("div", report.holds ? "alert alert-success" : "alert alert-danger", [.role("status")]) {
                    h.p(
                        "mb-1",
                        report.holds
                            ? Text(
                                "核验通过：\(report.entries)条日志、\(report.checkpoints)个检查点、\(report.rows)行数据均未被改动。",
                                "It holds: \(report.entries) entries, \(report.checkpoints) checkpoints, \(report.rows) rows are unaltered.") : Text("核验未通过：", "It does not hold:"))
                    h.ul { for finding in report.findings { h.li { h.text(finding.text) } } }
                }
            }
            visit.form(h, "/ledger/verify", "mb-3") { h.button(Text("立即核验", "Verify now"), "btn btn-primary btn-sm") }
            if let note { h.element("pre", "checkpoint", text: note) }
            h.div("table-wrap") {
                h.element("table", "table queue") {
                    h.element("thead") {
                        h.tr { for t in [Text("序号", "No."), Text("时间", "When"), Text("行为", "Act"), Text("对象", "Of"), Text("行为人", "By"), Text("依据", "Law")] { h.th(t) } }
                    }
                    h.element("tbody") {
                        for row in rows {
                            let entry = try? JSON(parsing: Array(row.string("entry").utf8))
                            h.tr {
                                h.td("number") {
                                    // A proof reaches to the last checkpoint; newer entries wait for the next.
                                    if row.int("idx") < signed { h.a("/ledger/proof/\(row.int("idx"))", nil, String(row.int("idx"))) } else { h.text(String(row.int("idx"))) }
                                }
                                h.td("nowrap", String((entry?["at"]?.string ?? "").prefix(19)).split(separator: "T").joined(separator: " "))
                                h.td { h.text(visit.house.act(entry?["act"]?.string ?? "")) }
                                h.td {
                                    h.text([entry?["of"]?.string, entry?["details"]?["number"]?.string].compactMap { $0 }.joined(separator: " "))
                                    if let purpose = entry?["details"]?["purpose"]?.string { h.span("d-block small text-muted", Text("用途：\(purpose)", "for: \(purpose)")) }
                                }
                                let actor = entry?["actor"]?.string ?? ""
                                h.td(nil, account(actor).flatMap { names[$0] }.map { "\($0)（\(actor)）" } ?? actor)
                                h.td { if let article = entry?["law"]?.string.flatMap({ Article($0) }) { h.text(visit.desk.law.register.cite(article)) } }
                            }
                        }
                    }
                }
            }
            h.pager(previous: before == .max ? nil : "/ledger", next: rows.last.flatMap { $0.int("idx") > 0 ? "/ledger?before=\($0.int("idx"))" : nil }, summary: "")
        }
    }
}
