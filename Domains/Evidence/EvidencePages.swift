import Formats
import Kernel
import Platform
import Store
import Web

/// The evidence room's list and the form that asks for a capture (取证室).
struct EvidencePages: Sendable {
    let queue: CaptureQueue

    func routes() -> [Route] {
        [
            Route(.get, "/evidence", .permitted("evidence.see")) { visit in try await list(visit, nil, nil) },
            Route(.post, "/evidence", .permitted("evidence.capture")) { visit in try await ask(visit) },
            Route(.post, "/evidence/:id/again", .permitted("evidence.capture")) { visit in try await again(visit) },
            Route(.post, "/api/v1/evidence", .permitted("evidence.capture"), style: .api) { visit in try await call(visit) },
            Route(.get, "/api/v1/evidence/:id", .permitted("evidence.see"), style: .api) { visit in
                let item = try await visit.desk.store.read { try ItemPages.find(visit, $0) }
                return .json(EvidencePages.json(item))
            },
        ]
    }

    private func list(_ visit: Visit, _ refusal: Refusal?, _ form: Form?) async throws -> Answer {
        let account = try visit.require("evidence.see")
        let query = visit.exchange.query
        let state = query["state"].flatMap { EvidenceItem.State(rawValue: $0) }
        let text = query["q"]?.trimmed ?? ""
        let before = query["before"].flatMap { Int64($0) }
        let of = query["of"]?.trimmed.uppercased()
        let over = query["kept"] == "over"
        let limit = 30
        let (rows, counts, names, colleagues) = try await visit.desk.store.read { tx in
            let here: SQL = "region >= \(account.region) AND region < \(account.region + "~")"
            // As the item's page decides: one's own, what belongs to no matter, and what belongs to one that one may see as it lies now.
            let hidden = visit.house.hidden(from: account, visit.desk.permissions)
            let kinds: SQL = hidden.isEmpty ? "1 = 1" : "kind NOT IN (\(list: hidden))"
            let matters: SQL = "SELECT id FROM casework_matters WHERE ((\(here)) OR assignee = \(account.id)) AND \(kinds)"
            var conditions: [SQL] = ["(account = \(account.id) OR second = \(account.id) OR (matter IS NULL AND \(here)) OR matter IN (\(matters)))"]
            if let state { conditions.append("state = \(state.rawValue)") }
            if !text.isEmpty {
                // Words of the page and words in its pictures, once they were read.
                let found = try Search.query("evidence", text).map { try Search.find("evidence", $0, limit: 1000, tx) } ?? []
                let words: SQL = found.isEmpty ? "1 = 0" : "id IN (\(list: found))"
                conditions.append("(number = \(text.uppercased()) OR url = \(text) OR title LIKE \("%" + text + "%") OR file = \(text.lowercased()) OR \(words))")
            }
            if over { conditions.append(try Keeping.over(on: visit.desk.today(), tx)) }
            if let before { conditions.append("id < \(before)") }
            if let of {
                // All of a matter that one may see, whoever captured it.
                let matter = try tx.one("SELECT * FROM casework_matters WHERE number = \(of)").map(Matter.init)
                guard let matter, visit.maySee(matter) else { throw Refusal.notFound }
                conditions[0] = "matter = \(matter.id)"
            }
            let rows = try tx.all("SELECT * FROM evidence_items WHERE \(SQL.all(conditions)) ORDER BY id DESC LIMIT \(limit + 1)").map(EvidenceItem.init)
            let counts = try tx.all("SELECT state, count(*) AS n FROM evidence_items WHERE \(here) GROUP BY state").map { ($0.string("state"), $0.count("n")) }
            let names = try Accounts.names(rows.map(\.account.raw), tx)
            let colleagues = try EvidencePages.colleagues(account, of: of, visit, tx)
            return (rows, Dictionary(counts) { a, _ in a }, names, colleagues)
        }
        let shown = rows.prefix(limit)
        var start = query
        if let of { start.set("matter", of) }
        return visit.page(Text("电子证据", "Evidence"), status: refusal?.kind.status ?? 200, active: "/evidence") { h in
            h.div("page-head") {
                h.h1(Text("电子证据", "Evidence"))
                h.p("text-muted mb-0", Text("网页在独立浏览器中打开、封存并加盖时间戳；任何人都可以核验。", "Pages are opened in a browser of their own, sealed and stamped: anybody can check them."))
            }
            if let of {
                h.p {
                    h.text(Text("只列出\(of)的证据。", "Only those of \(of). "))
                    h.a("/evidence", "me-3", Text("全部证据", "All evidence"))
                    h.a("/evidence/elements/\(of)", "me-3", Text("要素核对", "What is proven"))
                    if visit.may("evidence.export"), !rows.isEmpty { h.a("/evidence/handover?of=\(of)", nil, Text("移交…", "Hand over…")) }
                }
            }
            h.errorSummary(refusal)
            h.element("nav", "tabs mb-3", [.label(h.say(Text("状态", "State")))]) {
                h.a("/evidence", state == nil && !over ? "tab active" : "tab", Text("全部", "All"))
                for one in EvidenceItem.State.allCases {
                    h.a(
                        "/evidence?state=\(one.rawValue)", state == one ? "tab active" : "tab",
                        Text("\(one.title.zh) \(counts[one.rawValue] ?? 0)", "\(one.title.en) \(counts[one.rawValue] ?? 0)"))
                }
                if visit.may("evidence.dispose") { h.a("/evidence?kept=over", over ? "tab active" : "tab", Text("期限已满", "Time is over")) }
            }
            if visit.may("evidence.capture") {
                h.element("details", "card card-body mb-3", [.init("open", if: refusal != nil || form != nil || query["url"] != nil || of != nil && rows.isEmpty || rows.isEmpty)])
                {
                    h.element("summary", text: h.say(Text("固定一个网页", "Capture a page")))
                    h.p("mt-2 mb-0") { h.a(Link.query("/evidence/files/new", [("of", of)]), nil, Text("或收取一个文件、照片或录像", "Or take in a file, a photo or a recording")) }
                    visit.form(h, "/evidence", "mt-3") { EvidencePages.fields(h, form ?? start, colleagues, refusal) }
                }
            }
            h.element("form", "filter-bar mb-2", [.init("method", "get"), .init("action", "/evidence"), .role("search")]) {
                h.void(
                    "input", "form-control form-control-sm",
                    [
                        .name("q"), .value(text), .label(h.say(Text("查找", "Find"))),
                        .init("placeholder", h.say(Text("编号、网址、网页或图片中的文字、SHA-256", "Number, address, words of the page or its pictures, SHA-256"))),
                    ])
                if let state { h.hidden("state", state.rawValue) }
                h.button(Text("查找", "Find"), "btn btn-sm btn-outline-secondary")
            }
            if shown.isEmpty {
                h.empty(
                    Text("这里还没有证据", "Nothing here yet"),
                    Text("填入网址即可固定一个网页，也可以在线索页上点“固定证据”。", "Enter an address to capture a page, or press “Capture the page” on a lead."))
            } else {
                EvidencePages.table(h, visit, Array(shown), names)
            }
            h.pager(
                previous: before == nil ? nil : "/evidence",
                next: rows.count > limit
                    ? Link.query(
                        "/evidence",
                        [("state", state?.rawValue), ("q", text.isEmpty ? nil : text), ("of", of), ("kept", over ? "over" : nil), ("before", shown.last?.id.description)]) : nil,
                summary: ""
            )
        }
    }

    /// Who may take part as the second officer: of a matter only who may see its kind.
    static func colleagues(_ account: Account, of number: String?, _ visit: Visit, _ tx: Transaction) throws -> [Account] {
        let kind = try number.flatMap { try tx.one("SELECT kind FROM casework_matters WHERE number = \($0)") }?.string("kind")
        let needed: [Permission] = ["evidence.capture"] + (kind.flatMap { visit.house.kinds[$0]?.permission }.map { [$0] } ?? [])
        return try Accounts.all(tx).filter { other in
            other.id != account.id && other.active && account.covers(other.region) && needed.allSatisfy { visit.desk.permissions.allows(other.roles, $0) }
        }
    }

    static func fields(_ h: HTML, _ form: Form, _ colleagues: [Account], _ refusal: Refusal?) {
        let errors = HTML.Errors(refusal)
        h.field("url", Text("网址", "Address"), value: form["url"], hint: Text("http:// 或 https:// 开头，完整复制", "From http:// or https:// on, copied whole"), errors: errors)
        h.radios(
            "device", Text("以何种设备打开", "Opened as on"), options: CaptureRequest.Device.allCases.map { ($0.rawValue, $0.title, nil) }, value: form["device"] ?? "desktop",
            errors: errors, inline: true)
        h.field(
            "matter", Text("事项编号", "Matter"), value: form["matter"], hint: Text("投诉、举报或线索的编号，可不填", "The number of a complaint, report or lead; may be left empty"), errors: errors,
            required: false)
        h.field("purpose", Text("取证事由", "Why"), value: form["purpose"], errors: errors)
        h.select(
            "second", Text("另一名执法人员", "The second officer"), options: [("", Text("无", "None"))] + colleagues.map { ($0.id.description, Text(verbatim: $0.name)) },
            value: form["second"],
            hint: Text("封存包和笔录写明两人；立案后取证应不少于两人", "Both are named in the package and the record; evidence for a case takes two"), errors: errors, required: false)
        h.area(
            "script", Text("页面操作", "Acts on the page"), value: form["script"] ?? "scroll", rows: 3,
            hint: Text("每行一项：scroll 滚动到底；click 选择器 点击展开；wait 秒数 等待", "A line each: scroll to the end; click SELECTOR to open; wait SECONDS"), errors: errors, required: false)
        h.button(Text("固定证据", "Capture"))
    }

    static func table(_ h: HTML, _ visit: Visit, _ items: [EvidenceItem], _ names: [Int64: String]) {
        h.div("table-responsive") {
            h.element("table", "table queue") {
                h.element("thead") {
                    h.tr { for title in [Text("编号", "Number"), Text("网页", "Page"), Text("状态", "State"), Text("取证人", "By"), Text("时间", "When")] { h.th(title) } }
                }
                h.element("tbody") {
                    for item in items {
                        h.tr {
                            h.td("number") { h.a("/evidence/\(item.id)", nil, item.number) }
                            h.td("title") {
                                h.div(nil, item.title.isEmpty ? (item.name ?? item.url) : item.title)
                                h.div("text-muted small text-break", String(item.url.prefix(120)))
                            }
                            h.td { h.badge(item.state.title, item.state.tone) }
                            h.td(nil, names[item.account.raw] ?? "")
                            h.td(nil, (item.sealedAt ?? item.askedAt).minuteText)
                        }
                    }
                }
            }
        }
    }

    // MARK: Asking

    private func ask(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        let form = try visit.exchange.form()
        try visit.checkForm(form)
        do {
            let number = (form["matter"] ?? "").trimmed.uppercased()
            let item = try await ask(
                visit, officer, url: form["url"] ?? "", device: form["device"] ?? "desktop", script: form["script"] ?? "scroll", purpose: form["purpose"] ?? "", number: number,
                second: form["second"].flatMap { ID<Account>($0) })
            return visit.redirect("/evidence/\(item.id)", saying: Text("已排队，编号\(item.number)", "Queued as \(item.number)"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await list(visit, refusal, form) }
    }

    private func ask(_ visit: Visit, _ officer: Account, url: String, device: String, script: String, purpose: String, number: String, second: ID<Account>?) async throws
        -> EvidenceItem
    {
        var asked = CaptureQueue.Asked(url: url.trimmed)
        var wrong: [Refusal.Field] = []
        guard let kind = CaptureRequest.Device(rawValue: device) else { throw Refusal.invalid("/device", Text("应为 desktop 或 phone", "desktop or phone")) }
        asked.device = kind
        asked.script = script.split(whereSeparator: \.isNewline).map { String($0).trimmed }.filter { !$0.isEmpty }.prefix(20).joined(separator: "\n")
        asked.purpose = purpose.trimmed
        do { try asked.check() } catch { wrong += error.fields }
        if asked.purpose.count < 2 || asked.purpose.count > 200 { wrong.append(.init("/purpose", Text("请写明取证事由（2至200字）", "Say why, in 2 to 200 characters"))) }
        let (ready, faults, now) = (asked, wrong, visit.desk.now)
        return try await visit.desk.store.write { tx in
            var (asked, wrong) = (ready, faults)
            asked.matter = try EvidencePages.matter(number, visit, &wrong, tx)
            asked.second = try EvidencePages.second(second, officer, of: asked.matter, visit, &wrong, tx)
            guard wrong.isEmpty else { throw Refusal.invalid(wrong) }
            return try queue.ask(asked, by: officer, at: now, tx)
        }
    }

    /// The matter that was typed, if it is there and whoever types may see it.
    static func matter(_ number: String, _ visit: Visit, _ wrong: inout [Refusal.Field], _ tx: Transaction) throws -> Matter? {
        guard !number.isEmpty else { return nil }
        if let row = try tx.one("SELECT * FROM casework_matters WHERE number = \(number)"), case let matter = Matter(row), visit.maySee(matter) { return matter }
        wrong.append(.init("/matter", Text("没有编号为“\(number)”的事项，或者您无权查看", "There is no matter “\(number)”, or it is not yours to see")))
        return nil
    }
    /// The second officer: another, of the region, who may capture.
    static func second(_ id: ID<Account>?, _ officer: Account, of matter: Matter?, _ visit: Visit, _ wrong: inout [Refusal.Field], _ tx: Transaction) throws -> ID<Account>? {
        guard let id else { return nil }
        if id != officer.id, let other = try Accounts.find(id, tx), other.active, visit.desk.permissions.allows(other.roles, "evidence.capture"), officer.covers(other.region),
            matter.flatMap({ visit.house.kinds[$0.kind] }).map({ visit.desk.permissions.allows(other.roles, $0.permission) }) ?? true
        {
            return id
        }
        wrong.append(.init("/second", Text("该人员不能一同取证", "This person cannot take part")))
        return nil
    }

    private func again(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        try visit.checkForm(visit.exchange.form())
        let now = visit.desk.now
        let item = try await visit.desk.store.write { tx in
            let item = try ItemPages.find(visit, tx)
            try queue.again(item.id, by: officer, at: now, tx)
            return item
        }
        return visit.redirect("/evidence/\(item.id)", saying: Text("已重新排队", "Queued again"))
    }

    private func call(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        let body = try visit.exchange.json()
        let item = try await ask(
            visit, officer, url: body["url"]?.string ?? "", device: body["device"]?.string ?? "desktop",
            script: (body["script"]?.array ?? [.string("scroll")]).compactMap(\.string).joined(separator: "\n"),
            purpose: body["purpose"]?.string ?? "", number: body["matter"]?.string ?? "", second: nil)
        return .json(EvidencePages.json(item), status: 202)
    }

    static func json(_ item: EvidenceItem) -> JSON {
        .object([
            ("id", .int(item.id)), ("number", .string(item.number)), ("state", .string(item.state.rawValue)), ("url", .string(item.url)), ("device", .string(item.device.rawValue)),
            ("title", .string(item.title)), ("askedAt", .string(item.askedAt.isoText)), ("sealedAt", .text(item.sealedAt?.isoText)), ("bytes", .int(item.size)),
            ("sha256", .text(item.file)),
            ("sm3", .text(item.sm3)), ("digest", .text(item.digest)), ("key", .text(item.key)), ("failure", .text(item.failure)),
        ])
    }
}
