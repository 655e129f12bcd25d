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
                let (keys, house) = (visit.desk.keys, visit.house)
                let (checked, hashes) = try await visit.desk.store.read {
                    (try LedgerCheck.run(publicKey: keys.publicKey, origin: keys.origin, sealing: house.sealed, witness: keys.remembered, $0), try house.files($0))
                }
                var report = checked
                report.add(visit.desk.files.check(hashes), of: hashes.count)
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

    /// What is looked for in the ledger: a matter, a person, a kind of act. Each is a piece of an entry's own text.
    private struct Search {
        let number: String?
        let login: String?
        let act: String?
        /// What an entry's text must hold; nil: what is asked for does not exist.
        let pieces: [String]?

        init(_ query: Form, _ tx: Transaction) throws {
            (number, login, act) = (query["number"]?.uppercased(), query["login"], query["act"])
            var found: [String]? = []
            if let number {
                if let row = try tx.one("SELECT kind, id FROM casework_matters WHERE number = \(number)") {
                    found?.append("\"of\":\"\(row.string("kind")):\(row.int("id"))\"")
                } else {
                    found = nil
                }
            }
            if let login {
                let row = try tx.one("SELECT id FROM platform_accounts WHERE lower(login) = \(login.lowercased()) OR name = \(login) ORDER BY id")
                if let row { found?.append("\"actor\":\"account:\(row.int("id"))\"") } else { found = nil }
            }
            if let act, act.allSatisfy({ $0.isASCII && ($0.isLetter || $0 == "." || $0 == "-") }) { found?.append("\"act\":\"\(act)\"") }
            pieces = found
        }
        var isEmpty: Bool { number == nil && login == nil && act == nil }
        var pairs: [(String, String?)] { [("number", number), ("login", login), ("act", act)] }
    }

    /// Entries that one look goes through where something is looked for: about a second's work.
    private static let reach: Int64 = 200_000

    private static func show(_ visit: Visit, _ report: LedgerCheck.Report?) async throws -> Answer {
        let typed = visit.exchange.query["before"].flatMap { Int64($0) }
        let query = visit.exchange.query
        let (rows, names, matters, logins, note, size, search, floor) = try await visit.desk.store.read { tx in
            let size = try tx.one("SELECT size FROM platform_ledger_head")?.int("size") ?? 0
            let before = min(typed ?? size, size)
            let search = try Search(query, tx)
            let floor = search.isEmpty ? 0 : max(0, before - reach)
            var conditions: [SQL] = ["idx < \(before)", "idx >= \(floor)"]
            for piece in search.pieces ?? [] { conditions.append("entry LIKE \("%" + piece + "%")") }
            let rows = search.pieces == nil ? [] : try tx.all("SELECT idx, entry FROM platform_ledger WHERE \(SQL.all(conditions)) ORDER BY idx DESC LIMIT 50")
            let entries = rows.map { (index: $0.int("idx"), entry: try? JSON(parsing: Array($0.string("entry").utf8))) }
            let people = entries.compactMap { $0.entry?["actor"]?.string.flatMap(account) }
            let keys = entries.compactMap { $0.entry?["of"]?.string.flatMap { thing($0) } }.filter { visit.house.kinds[$0.kind] != nil || $0.kind == "matter" }.map(\.id)
            let matters = keys.isEmpty ? [] : try tx.all("SELECT * FROM casework_matters WHERE id IN (\(list: Array(Set(keys))))").map(Matter.init)
            let accounts = entries.compactMap { $0.entry?["of"]?.string.flatMap { thing($0) } }.filter { $0.kind == "account" }.map(\.id)
            let logins =
                accounts.isEmpty
                ? [:]
                : Dictionary(try tx.all("SELECT id, login FROM platform_accounts WHERE id IN (\(list: Array(Set(accounts))))").map { ($0.int("id"), $0.string("login")) }) { a, _ in
                    a
                }
            return (
                entries, try Accounts.names(people, tx), Dictionary(matters.map { ($0.id.raw, $0) }) { a, _ in a }, logins,
                try tx.one("SELECT note FROM platform_checkpoints ORDER BY size DESC LIMIT 1")?.string("note"), size, search, floor
            )
        }
        let signed = note?.split(separator: "\n").dropFirst().first.flatMap { Int64($0) } ?? 0
        return visit.page(Text("操作日志", "Ledger of acts"), active: "/ledger") { h in
            h.div("page-head") {
                h.h1(Text("操作日志", "Ledger of acts"))
                h.p("text-muted mb-0", Text("共\(size)条。每条都是一棵只增不改的哈希树的叶子，检查点由本机构密钥签名。", "\(size) entries. Each is a leaf of a hash tree that only grows; checkpoints are signed."))
            }
            if let report { verdict(h, report) }
            visit.form(h, "/ledger/verify", "mb-3") { h.button(Text("立即核验", "Verify now"), "btn btn-primary btn-sm") }
            if let note { h.element("pre", "checkpoint", text: note) }
            filter(h, visit, search)
            if rows.isEmpty {
                h.empty(
                    Text("没有符合条件的记录", "No entry fits"),
                    search.pieces == nil
                        ? Text("没有这个编号或人员，请核对。", "There is no such number or person: please check.")
                        : Text("已查到第\(floor)条，可继续向前查找。", "Looked back to entry \(floor): you may go on."))
            } else {
                table(h, visit, rows, names, matters, logins, signed)
            }
            let last = rows.count == 50 ? rows.last?.index : floor
            h.pager(
                previous: typed == nil ? nil : Link.query("/ledger", search.pairs),
                next: last.flatMap { $0 > 0 && search.pieces != nil ? Link.query("/ledger", search.pairs + [("before", String($0))]) : nil },
                summary: search.isEmpty ? "" : h.say(Text("已查到第\(last ?? 0)条", "back to entry \(last ?? 0)")))
        }
    }

    private static func verdict(_ h: HTML, _ report: LedgerCheck.Report) {
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

    private static func filter(_ h: HTML, _ visit: Visit, _ search: Search) {
        h.element("form", "filter-bar", [.init("method", "get"), .init("action", "/ledger"), .role("search")]) {
            for (name, value, label) in [
                ("number", search.number, Text("事项编号", "Number of a matter")), ("login", search.login, Text("登录名或姓名", "Login or name of a person")),
            ] {
                h.void("input", "form-control form-control-sm", [.type("search"), .name(name), .value(value), .label(h.say(label)), .init("placeholder", h.say(label))])
            }
            h.element("select", "form-select form-select-sm", [.name("act"), .label(h.say(Text("行为", "Act")))]) {
                h.element("option", nil, [.value("")], text: h.say(Text("全部行为", "Any act")))
                for (name, title) in visit.house.allActs {
                    h.element("option", nil, [.value(name), .selected(name == search.act)], text: h.say(title))
                }
            }
            h.button(Text("查找", "Find"), "btn btn-sm btn-primary")
            if !search.isEmpty { h.a("/ledger", "btn btn-sm btn-outline-secondary", Text("全部", "All")) }
        }
    }

    private static func table(
        _ h: HTML, _ visit: Visit, _ rows: [(index: Int64, entry: JSON?)], _ names: [Int64: String], _ matters: [Int64: Matter], _ logins: [Int64: String], _ signed: Int64
    ) {
        h.div("table-wrap") {
            h.element("table", "table queue") {
                h.element("thead") {
                    h.tr { for t in [Text("序号", "No."), Text("时间", "When"), Text("行为", "Act"), Text("对象", "Of"), Text("行为人", "By"), Text("依据", "Law")] { h.th(t) } }
                }
                h.element("tbody") {
                    for (index, entry) in rows {
                        h.tr {
                            h.td("number") {
                                // A proof reaches to the last checkpoint; newer entries wait for the next.
                                if index < signed { h.a("/ledger/proof/\(index)", nil, String(index)) } else { h.text(String(index)) }
                            }
                            h.td("nowrap", String((entry?["at"]?.string ?? "").prefix(19)).split(separator: "T").joined(separator: " "))
                            h.td { h.text(visit.house.act(entry?["act"]?.string ?? "")) }
                            h.td {
                                object(h, visit, entry, matters, logins)
                                if let purpose = entry?["details"]?["purpose"]?.string {
                                    let words = Reveal.purposes[purpose] ?? Text(verbatim: purpose)
                                    h.span("d-block small text-muted", Text("用途：\(words.zh)", "For: \(words.en)"))
                                }
                            }
                            h.td(nil, actor(entry?["actor"]?.string ?? "", names, visit.language))
                            h.td { if let article = entry?["law"]?.string.flatMap({ Article($0) }) { h.text(visit.desk.law.register.cite(article)) } }
                        }
                    }
                }
            }
        }
    }

    /// `complaint:12` in its parts.
    private static func thing(_ reference: String) -> (kind: String, id: Int64)? {
        let parts = reference.split(separator: ":").map(String.init)
        return parts.count == 2 ? Int64(parts[1]).map { (parts[0], $0) } : nil
    }

    /// What the act was about, in words, with the way to it where the reader may go there.
    private static func object(_ h: HTML, _ visit: Visit, _ entry: JSON?, _ matters: [Int64: Matter], _ logins: [Int64: String]) {
        let details = entry?["details"]
        guard let (kind, id) = entry?["of"]?.string.flatMap(thing) else { return }
        if let matter = matters[id], visit.house.kinds[kind] != nil || kind == "matter" {
            if visit.maySee(matter) { return h.a(visit.house.path(matter), nil, matter.number) }
            return h.text(matter.number)
        }
        let name = Ledger.things[kind] ?? Text(verbatim: kind)
        if kind == "account", let login = logins[id] { return h.text("\(h.say(name)) \(login)") }
        let more = (details?["login"] ?? details?["form"] ?? details?["file"] ?? details?["number"])?.string ?? (id == 0 ? "" : String(id))
        switch kind {
        case "operator": h.a("/operators/\(id)", nil, Text("\(name.zh) \(id)", "\(name.en) \(id)"))
        default: h.text(Text("\(name.zh) \(more)", "\(name.en) \(more)"))
        }
    }

    private static func actor(_ mark: String, _ names: [Int64: String], _ language: Language) -> String {
        if let name = account(mark).flatMap({ names[$0] }) { return name }
        return (Ledger.actors[mark] ?? Text(verbatim: mark))[language]
    }
}
