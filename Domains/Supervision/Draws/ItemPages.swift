import Credit
import Enforcement
import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// The list of items that may be inspected (抽查事项清单页面).
extension DrawPages {
    func items(_ visit: Visit, _ refusal: Refusal?, _ sent: Form?) async throws -> Answer {
        let items = try await visit.desk.store.read { try InspectionItem.all($0) }
        return visit.page(Text("抽查事项清单", "Items"), status: refusal?.kind.status ?? 200, active: "/supervision") { h in
            h.div("page-head") { h.h1(Text("抽查检查事项清单", "Items that may be inspected")) }
            h.errorSummary(refusal)
            for item in items {
                h.card(Text("\(item.code) \(item.title.zh)", "\(item.code) \(item.title.en)")) {
                    h.p("small text-muted mb-1") {
                        h.badge(item.isKey ? Text("重点事项", "Key") : Text("一般事项，比例上限\(item.cap ?? 100)%", "General, capped at \(item.cap ?? 100) %"), item.isKey ? "red" : "grey")
                        h.text(
                            " \(item.law.map { visit.desk.law.register.cite($0)[visit.language] }.joined(separator: "；")) · \(h.say(Text("公布于", "published"))) \(item.publishedOn)")
                    }
                    h.ul("mb-0") {
                        for check in item.checks {
                            h.li {
                                h.text(check.title)
                                if check.key { h.badge(Text("重点项", "key"), "red") }
                            }
                        }
                    }
                    if let ended = item.endedOn {
                        h.p("small text-muted mb-0 mt-2", Text("适用至\(ended)", "In use until \(ended)"))
                    } else if visit.may("supervision.approve") {
                        visit.form(h, "/supervision/items/\(item.id)/end", "mt-2") {
                            h.button(
                                Text("停止适用", "Take out of use"), "btn btn-sm btn-outline-danger",
                                attributes: [h.confirming(Text("确定停止适用“\(item.code)”？已经抽取的检查不受影响。", "Take “\(item.code)” out of use? Visits that are planned go on."))])
                        }
                    }
                }
            }
            guard visit.may("supervision.approve") else { return }
            let e = HTML.Errors(refusal)
            h.card(Text("公布新的事项", "Publish an item")) {
                visit.form(h, "/supervision/items") {
                    h.part("", keeping: sent) {
                        h.field("code", Text("代码", "Code"), value: nil, errors: e)
                        h.field("title", Text("名称", "Title"), value: nil, errors: e)
                        h.field("law", Text("依据", "Law"), value: nil, hint: Text("形如 O81-8，多条用逗号分开", "As O81-8, several by commas"), errors: e)
                        h.radios(
                            "kind", Text("类别", "Kind"), options: [("general", Text("一般", "General"), nil), ("key", Text("重点", "Key"), nil)], value: "general", errors: e,
                            inline: true)
                        h.field("cap", Text("一般事项比例上限（%）", "Cap of a general item (%)"), value: "5", errors: e, required: false, inputmode: "numeric")
                        h.area("checks", Text("检查项", "Checks"), value: nil, rows: 4, hint: Text("每行一项，重点项以 * 开头", "A line each; key ones begin with *"), errors: e, maxLength: 4000)
                    }
                    h.button(Text("公布", "Publish"))
                }
            }
        }
    }
    func endItem(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn(), now = visit.desk.now
        guard let key = Int64(try visit.exchange.parameter("id")) else { throw Refusal.notFound }
        try await visit.desk.store.write { tx in
            guard let code = try tx.one("SELECT code FROM supervision_items WHERE id = \(key)")?.string("code") else { throw Refusal.notFound }
            try tx.change("UPDATE supervision_items SET ended_on = \(now.day) WHERE id = \(key) AND ended_on IS NULL")
            try tx.audit(
                "supervision.item-ended", of: Reference(kind: "item", id: key), by: account.mark, at: now, details: [("code", .string(code))],
                sealing: [.init("supervision_items", key)])
        }
        return .redirect("/supervision/items")
    }
    func addItem(_ visit: Visit) async throws -> Answer {
        let account = try visit.signedIn()
        let form = try visit.exchange.form()
        let now = visit.desk.now
        do {
            let code = try form.needed("code", 8).uppercased(), title = try form.needed("title", 60), kind = try form.chosen("kind", ["general", "key"])
            let law = try form.needed("law", 200)
            for part in law.split(separator: ",") where Article(String(part).trimmed).flatMap({ visit.desk.law.register[$0.law] }) == nil {
                throw Refusal.invalid("/law", Text("“\(part)”不是登记的条款", "“\(part)” is no article on record"))
            }
            guard code.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) }) else { throw Refusal.invalid("/code", Text("代码只能是字母和数字", "Letters and digits only")) }
            let cap = kind == "general" ? Int(form["cap"] ?? "") : nil
            if kind == "general" { guard let cap, (1...100).contains(cap) else { throw Refusal.invalid("/cap", Text("应为1至100", "Between 1 and 100")) } }
            let lines = try form.needed("checks", 4000).split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }
            let checks = JSON.array(
                lines.enumerated().map { i, line in
                    .object([
                        ("id", .string("\(code)\(i + 1)")), ("title", .string(line.hasPrefix("*") ? String(line.dropFirst()).trimmed : line)), ("key", .bool(line.hasPrefix("*"))),
                    ])
                })
            try await visit.desk.store.write { tx in
                guard try tx.one("SELECT id FROM supervision_items WHERE code = \(code)") == nil else { throw Refusal.invalid("/code", Text("代码已有", "The code is taken")) }
                let id = try tx.insert(
                    "INSERT INTO supervision_items (code, title, title_en, law, kind, cap, checks, published_on) VALUES (\(code), \(title), \(title), \(law), \(kind), \(cap), \(checks.text), \(now.day)) RETURNING id"
                )
                try tx.audit(
                    "supervision.item", of: Reference(kind: "item", id: id), by: account.mark, at: now, details: [("code", .string(code))],
                    sealing: [.init("supervision_items", id)])
            }
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await items(visit, refusal, form) }
        return .redirect("/supervision/items")
    }
}
