import Detect
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// Editing a model (模型编辑): its rule, lists and cases as text, tried against pasted listings and its own cases before it is kept as a draft.
struct ModelEditor: Sendable {
    let room: ModelRoom

    func routes() -> [Route] {
        [
            Route(.get, "/monitoring/models/:id/edit", .permitted("monitoring.edit")) { visit in
                let edition = try await latest(visit)
                return page(visit, edition, edition.files, "", nil, nil)
            },
            Route(.post, "/monitoring/models/:id/edit", .permitted("monitoring.edit"), cap: 8 << 20) { visit in try await take(visit) },
        ]
    }

    private func latest(_ visit: Visit) async throws -> Edition {
        let id = try visit.exchange.parameter("id")
        guard let row = try await visit.desk.store.read({ try $0.one("SELECT * FROM monitoring_editions WHERE model = \(id) ORDER BY id DESC LIMIT 1") }) else {
            throw Refusal.notFound
        }
        return try Edition(row)
    }

    private static func label(_ name: String) -> Text {
        switch name {
        case "rule.yml": Text("规则（rule.yml）", "Rule (rule.yml)")
        case "cases.ndjson": Text("用例（cases.ndjson，每行一条）", "Cases (cases.ndjson, one a line)")
        default: Text("词表 \(name)", "List \(name)")
        }
    }

    private func take(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("monitoring.edit")
        let edition = try await latest(visit)
        let form = try visit.exchange.form()
        var files: [String: String] = [:]
        for name in edition.files.keys {
            files[name] = form["file-\(name)"].map { $0.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).joined(separator: "\n") + "\n" } ?? edition.files[name]
        }
        // A list may come as a file: its first column, whatever its encoding.
        for file in form.files where file.field.hasPrefix("upload-") {
            let name = String(file.field.dropFirst("upload-".count))
            guard name.hasSuffix(".csv"), let old = files[name] else { continue }
            let (header, rows) = try Transfer.rows(file.bytes)
            let words = ([header[0]] + rows.compactMap(\.cells.first)).map(\.trimmed).filter { !$0.isEmpty && $0 != "phrase" && $0 != "词语" && !$0.hasPrefix("#") }
            let remarks = old.split(whereSeparator: \.isNewline).filter { $0.hasPrefix("#") }.map(String.init)
            var seen: Set<String> = []
            files[name] = (remarks + ["phrase"] + words.filter { seen.insert($0).inserted }).joined(separator: "\n") + "\n"
        }
        let pasted = form["pasted"] ?? ""
        let law = visit.desk.law.register
        do {
            let alone = try ModelLife.alone(files, folder: edition.folder, law: law)
            guard alone.model.id == edition.model else {
                throw Refusal.invalid("/rule", Text("sinan.id 应为 \(edition.model)", "sinan.id must be \(edition.model)"))
            }
            let report = try ModelLife.cases(files, folder: edition.folder, law: law)
            if form["step"] == "save" {
                let note = form["note"] ?? ""
                guard !note.isEmpty, note.count <= 300 else { throw Refusal.invalid("/note", Text("请说明改了什么（300字以内）", "Say what you changed, in at most 300 characters")) }
                let (model, title, folder, texts, now) = (edition.model, alone.model.title.zh, edition.folder, files, visit.desk.now)
                guard Edition.hash(texts) != edition.edition else { throw Refusal.invalid("/note", Text("内容没有变化", "Nothing is different")) }
                try await visit.desk.store.write {
                    try ModelRoom.add(model, title, folder, texts, state: .draft, by: officer.mark, at: now, note: note, $0)
                }
                return visit.redirect("/monitoring/models/\(model)", saying: Text("已存为草稿，可先回溯测试，再由负责人转入试运行", "Kept as a draft: back-test it, then the head puts it in trial"))
            }
            var found: [(line: Int, hit: Hit?, json: JSON?)] = []
            let matcher = Matcher(alone.program)
            for (i, line) in pasted.split(whereSeparator: \.isNewline).enumerated().prefix(50) where !line.allSatisfy(\.isWhitespace) {
                let json = (try? JSON(parsing: Array(line.utf8))) ?? .object([("id", .string("\(i + 1)")), ("name", .string(String(line)))])
                found.append((i + 1, ModelLife.matched(json["id"] == nil ? json.setting("id", .string("\(i + 1)")) : json, matcher), json))
            }
            return page(visit, edition, files, pasted, nil, (report, found), note: form["note"])
        } catch let refusal as Refusal where refusal.kind == .invalid {
            return page(visit, edition, files, pasted, refusal, nil, note: form["note"])
        }
    }

    private func page(
        _ visit: Visit, _ edition: Edition, _ files: [String: String], _ pasted: String, _ refusal: Refusal?,
        _ tried: (ModelCases.Report, [(line: Int, hit: Hit?, json: JSON?)])?, note: String? = nil
    ) -> Answer {
        let e = HTML.Errors(refusal)
        let order = files.keys.sorted { a, b in
            func rank(_ name: String) -> Int { name == "rule.yml" ? 0 : name == "cases.ndjson" ? 2 : 1 }
            return (rank(a), a) < (rank(b), b)
        }
        return visit.page(Text("修改模型 \(edition.model)", "Edit the model \(edition.model)"), status: refusal?.kind.status ?? 200, active: "/monitoring") { h in
            h.div("page-head") {
                h.p("crumbs") { h.a("/monitoring/models/\(edition.model)", nil, "\(edition.model) \(edition.title)") }
                h.h1(Text("修改并试用", "Edit and try"))
            }
            h.errorSummary(refusal)
            if let (report, found) = tried { result(h, report, found) }
            visit.form(h, "/monitoring/models/\(edition.model)/edit", multipart: true) {
                h.div("two-columns") {
                    h.card(Text("内容", "Texts")) {
                        for name in order {
                            h.element("details", "mb-2", [.init("open", if: name == "rule.yml")]) {
                                h.element("summary", text: h.say(Self.label(name)))
                                h.element(
                                    "textarea", "form-control code-area",
                                    [
                                        .name("file-\(name)"), .id(name == "rule.yml" ? "f-rule" : "f-\(name)"), .init("rows", name == "rule.yml" ? "24" : "10"),
                                        .label(h.say(Self.label(name))),
                                    ],
                                    text: files[name] ?? "")
                                if name.hasSuffix(".csv") {
                                    h.void(
                                        "input", "form-control form-control-sm mt-1",
                                        [
                                            .type("file"), .name("upload-\(name)"), .init("accept", ".csv,.xlsx,.txt"),
                                            .label(h.say(Text("用文件替换词表（第一列）", "Take the list from a file (first column)"))),
                                        ])
                                }
                            }
                        }
                    }
                    h.card(Text("试用", "Try")) {
                        h.area(
                            "pasted", Text("粘贴商品信息", "Paste listings"), value: pasted, rows: 12,
                            hint: Text("每行一条：JSON，或直接写商品名称", "One a line: JSON, or just the name of the goods"), errors: e, required: false, maxLength: 200_000)
                        h.button(Text("试用", "Try"), "btn btn-primary", name: "step", value: "try")
                        h.field("note", Text("改了什么", "What was changed"), value: note, errors: e, required: false)
                        h.button(Text("存为草稿", "Keep as a draft"), "btn btn-outline-primary", name: "step", value: "save")
                    }
                }
            }
        }
    }

    private func result(_ h: HTML, _ report: ModelCases.Report, _ found: [(line: Int, hit: Hit?, json: JSON?)]) {
        h.card(Text("试用结果", "What came of it"), "found-text") {
            h.p("mb-1") {
                h.badge(
                    report.failures.isEmpty ? Text("用例全部通过", "all cases pass") : Text("\(report.failures.count)个用例不符", "\(report.failures.count) cases fail"),
                    report.failures.isEmpty ? "green" : "red")
                h.text(Text(" 应命中\(report.positive)个，不应命中\(report.negative)个", " \(report.positive) must hit, \(report.negative) must not"))
            }
            if !report.failures.isEmpty { h.ul("small") { for failure in report.failures.prefix(10) { h.li { h.text(failure) } } } }
            for (line, hit, json) in found {
                h.element("section", "hit") {
                    h.p("mb-1") {
                        h.text(Text("第\(line)行 ", "Line \(line) "))
                        h.badge(hit == nil ? Text("未命中", "no hit") : Text("命中", "hit"), hit == nil ? "grey" : "red")
                    }
                    if let hit, let json {
                        Marked.fields(
                            h, json, .array(hit.matches.map { .object([("field", .string($0.field)), ("start", .int($0.start)), ("end", .int($0.end))]) }))
                    }
                }
            }
        }
    }
}
