import Kernel
import Platform
import Statute
import Store
import Web

/// The meter of a matter's evidence (要素核对表), and the hand that counts an item for an element.
struct ElementPages: Sendable {
    let elements: Elements

    func routes() -> [Route] {
        [
            Route(.get, "/evidence/elements/:number", .permitted("evidence.see")) { visit in try await show(visit, nil) },
            Route(.post, "/evidence/elements/:number", .permitted("evidence.capture")) { visit in try await count(visit) },
        ]
    }

    static func matter(_ visit: Visit, _ tx: Transaction) throws -> Matter {
        let number = try visit.exchange.parameter("number").uppercased()
        guard let matter = try tx.one("SELECT * FROM casework_matters WHERE number = \(number)").map(Matter.init), visit.maySee(matter) else { throw Refusal.notFound }
        return matter
    }

    private struct Facts: Sendable {
        let matter: Matter
        let items: [EvidenceItem]
        let meter: ElementsMeter?
        let names: [Int64: String]
    }
    private func facts(_ visit: Visit, _ chosen: String?, _ tx: Transaction) throws -> Facts {
        let matter = try ElementPages.matter(visit, tx)
        let items = try EvidenceItem.of(matter.id, tx).filter { $0.state == .sealed }.sorted { $0.id < $1.id }
        let counted = try tx.all("SELECT * FROM evidence_elements WHERE matter = \(matter.id) AND removed_at IS NULL ORDER BY id").map { row in
            (key: row.string("element"), counted: ElementsMeter.Counted(id: row.int("id"), item: row.int("item"), account: row.int("account")))
        }
        // What was chosen, what its domain says, what was counted before.
        let key = try chosen ?? visit.house.kinds[matter.kind]?.violation(matter.id, tx) ?? counted.map { String($0.key.prefix { $0 != "." }) }.first { $0 != "common" }
        var licences: Set<Int64> = []
        for item in items {
            let lines = try EvidencePicture.of(item.id, tx).filter { !$0.isView }.flatMap { $0.lines.map(\.text) }
            if try LicenceReading.codes(lines).contains(where: { if case .registered = try LicenceReading.check($0, tx).finding { true } else { false } }) {
                licences.insert(item.id)
            }
        }
        let meter = key.flatMap { elements[$0] }.map { ElementsMeter.of($0, elements, items: items, licences: licences, counted: counted) }
        return Facts(matter: matter, items: items, meter: meter, names: try Accounts.names(counted.map(\.counted.account), tx))
    }

    private func show(_ visit: Visit, _ refusal: Refusal?) async throws -> Answer {
        let chosen = visit.exchange.query["violation"].flatMap { elements[$0]?.id }
        let f = try await visit.desk.store.read { try facts(visit, chosen, $0) }
        let place = "/evidence/elements/\(f.matter.number)"
        return visit.page(Text("要素核对\(f.matter.number)", "Elements of \(f.matter.number)"), status: refusal?.kind.status ?? 200, active: "/evidence") { h in
            h.div("page-head") {
                h.h1(Text("要素核对", "What is proven, and what is not"))
                h.p("mb-0") {
                    h.a(visit.house.path(f.matter), nil, f.matter.number)
                    h.text(" · ")
                    h.a("/evidence?of=\(f.matter.number)", nil, Text("本事项的证据\(f.items.count)件", "\(f.items.count) items of evidence"))
                }
            }
            h.errorSummary(refusal)
            h.element("form", "filter-bar mb-3", [.init("method", "get"), .init("action", place)]) {
                h.element("select", "form-select form-select-sm violation", [.name("violation"), .label(h.say(Text("违法行为", "Violation")))]) {
                    h.element("option", nil, [.value("")], text: h.say(Text("选择违法行为", "Choose the violation")))
                    for one in self.elements.violations { h.element("option", nil, [.value(one.id), .selected(one.id == f.meter?.violation.id)], text: h.say(one.title)) }
                }
                h.button(Text("核对", "Check"), "btn btn-sm btn-outline-secondary")
            }
            guard let meter = f.meter else {
                return h.empty(
                    Text("尚未选择违法行为", "No violation is chosen"), Text("选择后逐项列出需要证明的要素，以及已有和缺少的证据。", "Then each element is listed with the evidence there is and what is missing."))
            }
            h.card(Text("\(meter.violation.title.zh)：已认定\(meter.proven)项，共\(meter.lines.count)项", "\(meter.violation.title.en): \(meter.proven) of \(meter.lines.count) counted")) {
                h.element("progress", "w-100 mb-2", [.value("\(meter.proven)"), .init("max", "\(meter.lines.count)"), .label(h.say(Text("已认定的要素", "Elements counted")))]) {}
                h.div("table-responsive") {
                    h.element("table", "table align-middle elements") {
                        h.element("thead") { h.tr { for title in [Text("要素", "Element"), Text("情况", "State"), Text("证据", "Evidence")] { h.th(title) } } }
                        h.element("tbody") { for line in meter.lines { self.row(h, visit, place, meter, line, f) } }
                    }
                }
                h.p("small text-muted mb-0", Text("要素清单供核对使用，依据所列条文拟定，不代替法律判断。", "The list helps to check; it rests on the articles named and is no legal judgement."))
            }
        }
    }

    private func row(_ h: HTML, _ visit: Visit, _ place: String, _ meter: ElementsMeter, _ line: ElementsMeter.Line, _ f: Facts) {
        func named(_ id: Int64) -> String { f.items.first { $0.id == id }.map { "\($0.number) \($0.title.prefix(30))" } ?? "#\(id)" }
        h.tr {
            h.td {
                h.div(nil, h.say(line.element.title))
                if let article = line.element.article { h.div("small text-muted") { h.text(visit.desk.law.register.cite(article)) } }
            }
            h.td {
                switch line.state {
                case .counted: h.badge(Text("已认定", "counted"), "green")
                case .offered: h.badge(Text("有材料，待认定", "to be decided"), "blue")
                case .missing: h.badge(Text("缺少", "missing"), "amber")
                }
                if line.state == .missing, let hint = line.element.hint { h.div("small text-muted") { h.text(hint) } }
            }
            h.td {
                for counted in line.counted {
                    h.div("d-flex gap-2 align-items-center flex-wrap") {
                        h.a("/evidence/\(counted.item)", nil, named(counted.item))
                        h.span("small text-muted", f.names[counted.account] ?? "")
                        if visit.may("evidence.capture") {
                            visit.form(h, place) {
                                h.hidden("violation", meter.violation.id)
                                h.hidden("remove", "\(counted.id)")
                                h.button(
                                    Text("撤销", "Undo"), "btn btn-sm btn-link p-0",
                                    attributes: [.label(h.say(Text("撤销对“\(line.element.title.zh)”的认定", "Undo for “\(line.element.title.en)”")))])
                            }
                        }
                    }
                }
                let left = f.items.filter { item in !line.counted.contains { $0.item == item.id } }
                if visit.may("evidence.capture"), !left.isEmpty {
                    visit.form(h, place, "d-flex gap-2 flex-wrap") {
                        h.hidden("violation", meter.violation.id)
                        h.hidden("element", line.key)
                        h.element(
                            "select", "form-select form-select-sm element-item",
                            [.name("item"), .label(h.say(Text("证明“\(line.element.title.zh)”的证据", "Evidence for “\(line.element.title.en)”")))]
                        ) {
                            for item in left.sorted(by: { a, b in line.offered.contains { $0.id == a.id } && !line.offered.contains { $0.id == b.id } }) {
                                h.element("option", nil, [.value("\(item.id)")], text: named(item.id))
                            }
                        }
                        h.button(Text("认定", "Count"), "btn btn-sm btn-outline-secondary")
                    }
                }
            }
        }
    }

    private func count(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        let form = try visit.exchange.form()
        try visit.checkForm(form)
        let now = visit.desk.now
        let (matter, said) = try await visit.desk.store.write { tx -> (Matter, Text) in
            let matter = try ElementPages.matter(visit, tx)
            if let remove = form["remove"].flatMap({ Int64($0) }) {
                guard
                    let row = try tx.one(
                        "UPDATE evidence_elements SET removed_at = \(now) WHERE id = \(remove) AND matter = \(matter.id) AND removed_at IS NULL RETURNING item, element")
                else { throw Refusal.notFound }
                try Custody.record(
                    "uncounted", on: EvidenceItem.find(row.int("item"), tx), by: .staff(officer), note: "\(matter.number) \(title(row.string("element")))", at: now,
                    sealing: [.init("evidence_elements", remove)], tx)
                return (matter, Text("已撤销", "Undone"))
            }
            let key = form["element"] ?? ""
            guard let title = Optional(title(key)), !title.isEmpty else { throw Refusal.invalid("/element", Text("没有这项要素", "There is no such element")) }
            guard let item = try form["item"].flatMap({ Int64($0) }).map({ try EvidenceItem.find($0, tx) }), item.matter == matter.id, item.state == .sealed else {
                throw Refusal.invalid("/item", Text("请选择本事项已封存的证据", "Choose sealed evidence of this matter"))
            }
            try Keeping.needsFile(item, tx)
            let counted = try tx.one(
                """
                INSERT INTO evidence_elements (item, matter, element, account, at) VALUES (\(item.id), \(matter.id), \(key), \(officer.id), \(now))
                ON CONFLICT (item, matter, element) DO UPDATE SET removed_at = NULL, account = \(officer.id), at = \(now) WHERE evidence_elements.removed_at IS NOT NULL RETURNING id
                """)
            if let counted {
                try Custody.record(
                    "counted", on: item, by: .staff(officer), note: "\(matter.number) \(title)", at: now, sealing: [.init("evidence_elements", counted.int("id"))], tx)
            }
            return (matter, Text("已认定：\(title)", "Counted"))
        }
        return visit.redirect("/evidence/elements/\(matter.number)" + (form["violation"].flatMap { elements[$0] }.map { "?violation=\($0.id)" } ?? ""), saying: said)
    }

    private func title(_ key: String) -> String {
        let parts = key.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2 else { return "" }
        let list = parts[0] == "common" ? elements.common : elements[parts[0]]?.elements ?? []
        return list.first { $0.id == parts[1] }?.title.zh ?? ""
    }
}
