import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// One piece of evidence (证据详情): what was seen beside its record, its hashes, who had it in hand; two captures compared.
struct ItemPages: Sendable {
    let printer: Printer

    func routes() -> [Route] {
        [
            Route(.get, "/evidence/:id", .permitted("evidence.see")) { visit in try await show(visit) },
            Route(.get, "/evidence/:id/part/:folder/:name", .permitted("evidence.see")) { visit in try await part(visit) },
            Route(.post, "/evidence/:id/export", .permitted("evidence.export")) { visit in try await export(visit) },
            Route(.post, "/evidence/:id/verify", .permitted("evidence.see")) { visit in try await verify(visit) },
            Route(.get, "/evidence/:id/replay", .permitted("evidence.see")) { visit in try await replay(visit) },
            Route(.get, "/evidence/:id/record", .permitted("evidence.see")) { visit in .sheet(try await record(visit)) },
            Route(.get, "/evidence/:id/record.pdf", .permitted("evidence.see")) { visit in
                .file(try await printer.pdf(try await record(visit)), type: "application/pdf", name: "电子数据证据提取笔录.pdf")
            },
        ]
    }

    /// The item of an address, if whoever asks may see it.
    static func find(_ visit: Visit, _ name: String = "id", _ tx: Transaction) throws -> EvidenceItem {
        let account = try visit.require("evidence.see")
        guard let id = Int64(try visit.exchange.parameter(name)) else { throw Refusal.notFound }
        let item = try EvidenceItem.find(id, tx)
        guard try maySee(item, visit, account, tx) else { throw Refusal.notFound }
        return item
    }
    static func maySee(_ item: EvidenceItem, _ visit: Visit, _ account: Account, _ tx: Transaction) throws -> Bool {
        if item.account == account.id || item.second == account.id { return true }
        return try item.matter.map { visit.maySee(try tx.matter($0)) } ?? account.covers(item.region)
    }
    static func find(_ visit: Visit, _ tx: Transaction) throws -> EvidenceItem { try find(visit, "id", tx) }
    /// The same, where its file is needed.
    static func findHere(_ visit: Visit, _ name: String = "id", _ tx: Transaction) throws -> EvidenceItem {
        let item = try find(visit, name, tx)
        try Keeping.needsFile(item, tx)
        return item
    }

    /// The package, read from the store, which checks its hash.
    static func package(_ item: EvidenceItem, _ desk: Desk) throws -> ZIPFile {
        guard let file = item.file, item.kind == "capture" else { throw Refusal.notFound }
        return try ZIPFile(desk.files.mapped(file))
    }
    private static func json(_ zip: ZIPFile, _ name: String) -> JSON { zip.entry(name).flatMap { zip.bytes($0) }.flatMap { try? JSON(parsing: $0) } ?? .null }
    static func text(_ zip: ZIPFile) -> String { zip.entry("views/text.txt").flatMap { zip.bytes($0) }.map { String(decoding: $0, as: UTF8.self) } ?? "" }

    private func show(_ visit: Visit) async throws -> Answer {
        let now = visit.desk.now
        let account = try visit.signedIn()
        let (item, matter, acts, names, stamps, others, original, fate) = try await visit.desk.store.write { tx in
            let item = try ItemPages.find(visit, tx)
            // Looked at by somebody new, or on another day: written down.
            if item.state == .sealed {
                let last = try tx.one("SELECT max(at) AS at FROM evidence_custody WHERE item = \(item.id) AND act = 'opened' AND account = \(account.id)")?.optionalMoment("at")
                if last?.day != now.day { try Custody.record("opened", on: item, by: .staff(account), at: now, tx) }
            }
            let acts = try Custody.of(item.id, tx)
            let people = acts.compactMap(\.account) + [item.account.raw] + (item.second.map { [$0.raw] } ?? [])
            let stamps = try item.stamps(tx)
            let others = try tx.all("SELECT * FROM evidence_items WHERE url = \(item.url) AND id <> \(item.id) AND state = 'sealed' ORDER BY id DESC LIMIT 20").map(
                EvidenceItem.init
            )
            .filter { try !item.url.isEmpty && ItemPages.maySee($0, visit, account, tx) && Keeping.of($0, tx).disposal == nil }
            let original = try tx.one("SELECT i.* FROM evidence_derivatives d JOIN evidence_items i ON i.id = d.original WHERE d.item = \(item.id)").map(EvidenceItem.init)
            return (
                item, try item.matter.map { try tx.matter($0) }, acts, try Accounts.names(people, tx), stamps, others, original,
                try Keeping.of(item, tx)
            )
        }
        let here = item.state == .sealed && fate.disposal == nil
        let pictures = try await visit.desk.store.read { try PicturePages.load(item, visit, $0) }
        let zip = here && item.kind == "capture" ? try ItemPages.package(item, visit.desk) : nil
        let record = zip.map { ItemPages.json($0, "record/record.json") } ?? .null
        let views = zip?.entries.map(\.name).filter { $0.hasPrefix("views/screenshot-") } ?? []
        let words = zip.map(ItemPages.text) ?? ""
        let hasPDF = zip?.entry("views/page.pdf") != nil
        let waits = item.state == .waiting || item.state == .running
        return visit.page(Text("证据\(item.number)", "Evidence \(item.number)"), active: "/evidence", refresh: waits ? 3 : nil) { h in
            h.div("page-head") {
                h.h1(item.title.isEmpty ? item.number : item.title)
                h.p("mb-0") {
                    if fate.disposal != nil { h.badge(Text("已销毁", "Destroyed"), "grey") } else { h.badge(item.state.title, item.state.tone) }
                    h.span("ms-2 text-muted text-break", "\(item.number) · \(item.url)")
                }
            }
            if waits { h.div("alert alert-info", visit.language == .zh ? "正在取证，完成后页面自动更新。" : "Being captured: this page updates itself.") }
            if let original {
                h.div("alert alert-info") {
                    h.text(h.say(Text("这是遮盖副本，原件为", "A redacted copy; the original is ")))
                    h.a("/evidence/\(original.id)", nil, original.number)
                }
            }
            if let failure = item.failure, item.state != .sealed { self.failed(h, visit, item, failure) }
            h.div("row g-3") {
                h.div("col-lg-7") {
                    if let zip { self.seen(h, visit, item, views, words, hasPDF, zip) }
                    if here { PicturePages.card(h, visit, item, pictures) }
                    h.card(Text("保管链", "Custody"), id: "custody") { self.custody(h, acts, names) }
                }
                h.div("col-lg-5") {
                    self.facts(h, visit, item, matter, names)
                    self.checklist(h, visit, Checklist.of(item, record: record, stamped: !stamps.isEmpty))
                    if item.state == .sealed { self.hashes(h, visit, item, stamps, here) }
                    Keeping.card(h, visit, item, fate)
                    if !record.isNull { self.surroundings(h, record) }
                    if !others.isEmpty {
                        h.card(Text("同一网页的其他取证", "Other captures of this page")) {
                            h.ul {
                                for other in others {
                                    h.li {
                                        h.a("/evidence/\(other.id)", nil, other.number)
                                        h.text(" \(other.sealedAt?.minuteText ?? "") · ")
                                        h.a("/evidence/\(min(item.id, other.id))/compare/\(max(item.id, other.id))", nil, Text("对比", "Compare"))
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    private func failed(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ failure: String) {
        let lines = failure.split(separator: "\n").map(String.init)
        h.div("alert alert-danger") {
            h.p("mb-1", visit.language == .zh ? lines.first ?? failure : lines.last ?? failure)
            if item.state == .failed, visit.may("evidence.capture") {
                visit.form(h, "/evidence/\(item.id)/again") { h.button(Text("重新取证", "Try again"), "btn btn-sm btn-primary") }
            } else if item.state == .waiting {
                h.p("small mb-0", Text("稍后自动重试（第\(item.attempts)次未成功）", "It is tried again by itself (\(item.attempts) so far)"))
            }
        }
    }

    private func seen(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ pictures: [String], _ words: String, _ hasPDF: Bool, _ zip: ZIPFile) {
        h.card(Text("所见网页", "The page as seen")) {
            h.div("capture-view", .init("tabindex", "0"), .role("region"), .label(h.say(Text("网页长图", "Full-length picture")))) {
                for (i, name) in pictures.enumerated() {
                    h.void(
                        "img", "img-fluid d-block",
                        [
                            .init("src", "/evidence/\(item.id)/part/\(name)"), .init("alt", h.say(Text("网页长图第\(i + 1)段", "Picture of the page, part \(i + 1)"))),
                            .init("loading", i == 0 ? nil : "lazy"),
                        ])
                }
            }
            h.p("mt-2 mb-0") {
                for (i, name) in pictures.enumerated() {
                    h.a("/evidence/\(item.id)/part/\(name)", "me-3", Text("长图\(pictures.count > 1 ? "\(i + 1)" : "")", "Picture\(pictures.count > 1 ? " \(i + 1)" : "")"))
                }
                h.a("/evidence/\(item.id)/replay", "me-3", Text("回放", "Replay"))
                if hasPDF { h.a("/evidence/\(item.id)/part/views/page.pdf", "me-3", Text("PDF", "PDF")) }
                h.a("/evidence/\(item.id)/part/views/text.txt", "me-3", Text("文字", "Text"))
                h.a("/evidence/\(item.id)/part/views/dom.html", "me-3", Text("网页源码", "Source"))
            }
        }
        h.card(Text("网页文字", "Its text")) { h.element("pre", "capture-text", text: words.isEmpty ? h.say(Text("网页没有文字", "The page has no text")) : String(words.prefix(20_000))) }
    }

    private func facts(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ matter: Matter?, _ names: [Int64: String]) {
        h.card(Text("取证情况", "The capture")) {
            h.definitions {
                if !item.url.isEmpty { h.definition(Text("网址", "Address")) { h.span("text-break", item.url) } }
                if let final = item.finalURL, final != item.url { h.definition(Text("最终网址", "Led to")) { h.span("text-break", final) } }
                if item.kind == "capture" { h.definition(Text("设备", "Device"), item.device.title[visit.language]) }
                h.definition(
                    Text("取证人", "By"), ([item.account.raw] + (item.second.map { [$0.raw] } ?? [])).compactMap { names[$0] }.joined(separator: visit.language == .zh ? "、" : ", "))
                h.definition(Text("事由", "Why"), item.purpose)
                h.definition(Text("事项", "Matter")) {
                    if let matter {
                        h.a(visit.house.path(matter), "me-3", matter.number)
                        h.a("/evidence/elements/\(matter.number)", nil, Text("要素核对", "Elements"))
                    } else {
                        h.span("text-muted", Text("未关联", "None"))
                    }
                }
                h.definition(Text("提出时间", "Asked for"), item.askedAt.minuteText)
                if let at = item.sealedAt { h.definition(Text("封存时间", "Sealed"), at.isoText) }
            }
        }
    }

    private func checklist(_ h: HTML, _ visit: Visit, _ lines: [Checklist.Line]) {
        h.card(Text("要件核对", "Fit for a case")) {
            h.ul("list-unstyled small mb-0") {
                for line in lines {
                    h.element("li", "mb-1") {
                        switch line.holds {
                        case true?: h.badge(Text("具备", "yes"), "green")
                        case false?: h.badge(Text("缺少", "missing"), "amber")
                        case nil: h.badge(Text("待定", "open"), "grey")
                        }
                        h.text(" \(line.title[visit.language]) ")
                        if let article = line.article { h.span("text-muted", visit.desk.law.register.cite(article)) }
                        if line.holds == false { h.div("text-muted", line.mend[visit.language]) }
                    }
                }
            }
        }
    }

    private func hashes(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ stamps: [(authority: String, at: Moment)], _ here: Bool) {
        h.card(Text("封存", "The seal")) {
            h.definitions {
                for (name, value) in [("SHA-256", item.file), ("SM3", item.sm3)] { h.definition(Text(verbatim: name)) { h.element("code", "hash", text: value ?? "") } }
                if let digest = item.digest { h.definition(Text("清单哈希", "Package digest")) { h.element("code", "hash", text: digest) } }
                if let key = item.key { h.definition(Text("签名密钥", "Key")) { h.element("code", "hash", text: key) } }
                h.definition(Text("时间戳", "Timestamp")) {
                    if stamps.isEmpty { h.span("text-muted", Text("未配置时间戳服务；以操作日志的记录为准", "No authority is configured: the ledger's entry stands")) }
                    for (authority, at) in stamps { h.div(nil, "\(at.isoText) \(authority)") }
                }
                h.definition(Text("大小", "Size"), item.size < 1 << 20 ? "\(max(1, item.size / 1024)) KB" : "\(item.size >> 20) MB")
            }
            guard here else { return }
            h.div("d-flex gap-2 flex-wrap mt-3") {
                h.a("/evidence/\(item.id)/receipt", "btn btn-sm btn-primary", Text("封存回执", "Receipt"))
                h.a("/evidence/\(item.id)/record", "btn btn-sm btn-outline-secondary", Text("提取笔录", "Extraction record"))
                visit.form(h, "/evidence/\(item.id)/verify") { h.button(Text("核验", "Verify"), "btn btn-sm btn-outline-secondary") }
            }
            if visit.may("evidence.export") {
                h.div("d-flex gap-3 flex-wrap mt-3") {
                    h.a("/evidence/handover?item=\(item.id)", nil, Text("移交…", "Hand over…"))
                    visit.form(h, "/evidence/\(item.id)/custody.jsonld") { h.button(Text("保管链图（CASE/UCO）", "Custody graph (CASE/UCO)"), "btn btn-sm btn-link p-0") }
                }
                visit.form(h, "/evidence/\(item.id)/export", "mt-3") {
                    h.field("note", Text("导出用途", "What for"), value: nil)
                    h.button(Text("导出封存包", "Export the package"), "btn btn-sm btn-outline-secondary")
                }
            }
        }
    }

    private func surroundings(_ h: HTML, _ record: JSON) {
        h.card(Text("取证环境", "Surroundings")) {
            h.ul("list-unstyled small mb-2") {
                for check in record["environment"]?.array ?? [] {
                    h.li {
                        h.badge(check["holds"]?.bool == true ? Text("符合", "yes") : Text("未符合", "no"), check["holds"]?.bool == true ? "green" : "amber")
                        h.text(" \(CaptureRecord.title(check["check"]?.string ?? "")[h.language]) ")
                        h.span("text-muted", CaptureRecord.detail(check["detail"]?.string ?? ""))
                    }
                }
            }
            h.definitions {
                h.definition(Text("浏览器", "Browser"), record["browser"]?["product"]?.string)
                h.definition(Text("响应", "Answers"), (record["requests"]?["kept"]?.int).map(String.init))
                for act in record["acts"]?.array ?? [] { h.definition(CaptureRecord.act(act["act"]?.string ?? ""), CaptureRecord.detail(act["result"]?.string ?? "")[h.language]) }
            }
            for note in record["notes"]?.array ?? [] { h.p("small text-muted mb-1", note.string ?? "") }
        }
    }

    private func custody(_ h: HTML, _ acts: [Custody.Act], _ names: [Int64: String]) {
        h.element("ol", "timeline") {
            for act in acts {
                h.li {
                    h.span("timeline-at", act.at.minuteText)
                    h.span("ms-2", Custody.title(act.act))
                    h.span("ms-2 text-muted", act.account.flatMap { names[$0] } ?? h.say(Text("系统", "System")))
                    if !act.note.isEmpty { h.div("small text-muted text-break", String(act.note.prefix(300))) }
                }
            }
        }
    }

    /// The page shown again from its package, beside its record.
    private func replay(_ visit: Visit) async throws -> Answer {
        let (item, names) = try await visit.desk.store.read { tx in
            let item = try ItemPages.find(visit, tx)
            guard item.state == .sealed, item.kind == "capture", try Keeping.of(item, tx).disposal == nil else { throw Refusal.notFound }
            return (item, try item.officers(tx))
        }
        let record = ItemPages.json(try ItemPages.package(item, visit.desk), "record/record.json")
        return visit.page(Text("回放\(item.number)", "Replay of \(item.number)"), active: "/evidence") { h in
            h.div("page-head") {
                h.h1(Text("网页回放", "The page, shown again"))
                h.p("text-muted mb-0 text-break") {
                    h.a("/evidence/\(item.id)", nil, item.number)
                    h.text(" · \(item.finalURL ?? item.url) · \(item.sealedAt?.isoText ?? "")")
                }
            }
            h.div("row g-3") {
                h.div("col-lg-9") {
                    h.p("small text-muted mb-2", Text("仅由封存包内的内容重现，不访问网络，不运行脚本。", "Shown from the package alone: nothing is fetched, no script runs."))
                    h.element(
                        "iframe", item.device == .phone ? "replay-frame replay-phone" : "replay-frame",
                        [.init("src", Replay.path(item, visit)), .init("title", h.say(Text("网页回放", "Replay"))), .init("sandbox", "")]
                    ) {}
                }
                h.div("col-lg-3") {
                    h.card(Text("取证情况", "The capture")) {
                        h.definitions {
                            h.definition(Text("标题", "Title"), item.title)
                            h.definition(Text("设备", "Device"), item.device.title[visit.language])
                            h.definition(Text("取证人", "By"), names.joined(separator: visit.language == .zh ? "、" : ", "))
                            h.definition(Text("事由", "Why"), item.purpose)
                            h.definition(Text("封存时间", "Sealed"), item.sealedAt?.isoText)
                            h.definition(Text("响应", "Answers"), (record["requests"]?["kept"]?.int).map(String.init))
                            for act in record["acts"]?.array ?? [] {
                                h.definition(CaptureRecord.act(act["act"]?.string ?? ""), CaptureRecord.detail(act["result"]?.string ?? "")[h.language])
                            }
                            h.definition(Text(verbatim: "SHA-256")) { h.element("code", "hash", text: item.file ?? "") }
                        }
                    }
                    let missing = record["requests"]?["missing"]?.array ?? []
                    if !missing.isEmpty {
                        h.card(Text("未取得的内容", "What was not had")) {
                            h.ul { for one in missing.prefix(20) { h.li { h.span("small text-break", "\(one["url"]?.string ?? "") \(one["why"]?.string ?? "")") } } }
                        }
                    }
                }
            }
        }
    }

    // MARK: Parts, export, verification

    private static let kinds = [
        "png": "image/png", "pdf": "application/pdf", "txt": "text/plain; charset=utf-8", "html": "text/plain; charset=utf-8", "json": "application/json",
        "pem": "text/plain; charset=utf-8",
    ]

    /// A part of the package; a page's source as text only, never as a page of ours.
    private func part(_ visit: Visit) async throws -> Answer {
        let item = try await visit.desk.store.read { try ItemPages.findHere(visit, "id", $0) }
        let (folder, name) = (try visit.exchange.parameter("folder"), try visit.exchange.parameter("name"))
        let zip = try ItemPages.package(item, visit.desk)
        guard ["views", "record", "certificates"].contains(folder), let entry = zip.entry("\(folder)/\(name)"), let bytes = zip.bytes(entry, limit: 200 << 20),
            let kind = ItemPages.kinds[name.split(separator: ".").last.map(String.init) ?? ""]
        else { throw Refusal.notFound }
        return Answer.file(bytes, type: kind, name: "\(item.number)-\(name)", inline: true).enclosed
    }

    private func export(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.export")
        let form = try visit.exchange.form()
        try visit.checkForm(form)
        let note = try form.needed("note", 200)
        let now = visit.desk.now
        let item = try await visit.desk.store.write { tx in
            let item = try ItemPages.findHere(visit, "id", tx)
            guard item.file != nil else { throw Refusal(.conflict, Text("尚未封存", "Not sealed yet")) }
            try Custody.record("exported", on: item, by: .staff(officer), note: note, at: now, tx)
            return item
        }
        return .file(
            try visit.desk.files.read(item.file!), type: item.kind == "capture" ? "application/wacz" : "application/octet-stream", name: item.name ?? "\(item.number).wacz")
    }

    private func verify(_ visit: Visit) async throws -> Answer {
        let officer = try visit.signedIn()
        try visit.checkForm(visit.exchange.form())
        let item = try await visit.desk.store.read { try ItemPages.findHere(visit, "id", $0) }
        guard let file = item.file else { throw Refusal(.conflict, Text("尚未封存", "Not sealed yet")) }
        let bytes = try visit.desk.files.read(file)
        guard item.kind == "capture" else {
            let now = visit.desk.now
            try await visit.desk.store.write { try Custody.record("verified", on: item, by: .staff(officer), note: "哈希一致", at: now, $0) }
            return visit.redirect("/evidence/\(item.id)", saying: Text("文件与登记的哈希一致", "The file is what its hash says"))
        }
        let verification = Verification(Data(bytes), key: item.key)
        let now = visit.desk.now
        try await visit.desk.store.write { try Custody.record("verified", on: item, by: .staff(officer), note: verification.holds ? "完整" : "不成立", at: now, $0) }
        return visit.page(Text("核验\(item.number)", "Verification of \(item.number)"), active: "/evidence") { h in
            h.h1(Text("核验\(item.number)", "Verification of \(item.number)"))
            ReceiptPages.verdict(h, verification)
            h.a("/evidence/\(item.id)", "btn btn-outline-secondary", Text("返回", "Back"))
        }
    }

    private func record(_ visit: Visit) async throws -> String { try await ItemPages.sheet(visit.desk.store.read { try ItemPages.findHere(visit, "id", $0) }, visit) }

    /// Form 12 of an item.
    static func sheet(_ item: EvidenceItem, _ visit: Visit) async throws -> String {
        guard item.state == .sealed else { throw Refusal(.conflict, Text("封存后才有笔录", "There is a record once it is sealed")) }
        let (officers, matter, stamps) = try await visit.desk.store.read { tx in (try item.officers(tx), try item.matter.map { try tx.matter($0).number }, try item.stamps(tx)) }
        let zip = item.kind == "capture" ? try ItemPages.package(item, visit.desk) : nil
        let listed = zip.map { ItemPages.json($0, "datapackage.json")["resources"]?.array ?? [] } ?? []
        return ExtractionRecord.sheet(
            item, record: zip.map { ItemPages.json($0, "record/record.json") } ?? .null, parts: listed.map { ($0["path"]?.string ?? "", $0["hash"]?.string ?? "") },
            officers: officers,
            matter: matter, stamps: stamps, office: visit.desk.configuration.officeName)
    }
}
