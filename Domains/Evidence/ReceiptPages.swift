import Dispatch
import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// The receipt of a sealing and the page on which anybody checks a package (封存回执、公开核验).
struct ReceiptPages: Sendable {
    let printer: Printer
    /// Larger packages are checked by `sinan verify`, which needs no memory for them.
    static let cap = 64 << 20
    private static let checking = DispatchQueue(label: "verify")

    func routes() -> [Route] {
        [
            Route(.get, "/evidence/:id/receipt", .permitted("evidence.see")) { visit in
                let item = try await visit.desk.store.read { try ItemPages.find(visit, $0) }
                return try await show(visit, item)
            },
            Route(.get, "/receipts/:number", .anyone) { visit in try await show(visit, try await outside(visit)) },
            Route(.get, "/receipts/:number/pdf", .anyone) { visit in
                let item = try await outside(visit)
                return .file(try await printer.pdf(try await sheet(visit, item)), type: "application/pdf", name: "\(item.number)-回执.pdf")
            },
            Route(.get, "/verify", .anyone) { visit in form(visit, nil) },
            Route(.post, "/verify", .anyone, cap: ReceiptPages.cap + (1 << 16)) { visit in try await check(visit) },
        ]
    }

    /// Who has a receipt's code sees the receipt.
    private func outside(_ visit: Visit) async throws -> EvidenceItem {
        let number = try visit.exchange.parameter("number")
        let code = visit.exchange.query["code"] ?? ""
        guard Crypto.equal(Array(code.utf8), Array(ReceiptPages.code(visit, number).utf8)) else { throw Refusal.notFound }
        return try await visit.desk.store.read { tx in
            guard let row = try tx.one("SELECT * FROM evidence_items WHERE number = \(number) AND state = 'sealed'") else { throw Refusal.notFound }
            return EvidenceItem(row)
        }
    }
    private static func code(_ visit: Visit, _ number: String) -> String { visit.seal("receipt", number) }
    private static func path(_ visit: Visit, _ item: EvidenceItem, _ more: String = "") -> String { "/receipts/\(item.number)\(more)?code=\(code(visit, item.number))" }

    private struct Facts: Sendable {
        let item: EvidenceItem
        let officers: [String]
        let matter: String?
        let stamps: [(authority: String, at: Moment)]
        let verification: Verification?
        var holds: Bool { verification?.holds ?? true }
        let entry: Entry?
        struct Entry: Sendable {
            let index: Int64
            let text: String
            let size: Int64
            let proof: [[UInt8]]
            let root: [UInt8]?
            let signedSize: Int64
            var holds: Bool { root.map { Merkle.verify(inclusion: proof, of: Merkle.leaf(Array(text.utf8)), at: index, size: size, root: $0) } ?? false }
        }
    }

    private func facts(_ visit: Visit, _ item: EvidenceItem) async throws -> Facts {
        guard item.state == .sealed, let file = item.file else { throw Refusal(.conflict, Text("尚未封存，没有回执", "Not sealed yet: there is no receipt")) }
        if let gone = try await visit.desk.store.read({ try Keeping.of(item, $0) }).disposal {
            throw Refusal(.conflict, Text("保存期限届满，已于\(gone.at.minuteText)销毁", "Its time was over: it was destroyed on \(gone.at.minuteText)"))
        }
        // A file that was handed over is what its hash says, which the store checks; a package says more.
        let bytes = try visit.desk.files.read(file)
        let verification = item.kind == "capture" ? Verification(Data(bytes), key: item.key) : nil
        let (officers, matter, stamps, entry) = try await visit.desk.store.read { tx in
            (try item.officers(tx), try item.matter.map { try tx.matter($0).number }, try item.stamps(tx), try logged(item.id, tx))
        }
        return Facts(item: item, officers: officers, matter: matter, stamps: stamps, verification: verification, entry: entry)
    }

    /// The ledger's entry of the sealing, with the proof that the last signed checkpoint holds it.
    private func logged(_ item: Int64, _ tx: Transaction) throws -> Facts.Entry? {
        guard let index = try tx.one("SELECT idx FROM evidence_entries WHERE item = \(item)")?.int("idx"),
            let text = try tx.one("SELECT entry FROM platform_ledger WHERE idx = \(index)")?.string("entry")
        else { return nil }
        let note = try tx.one("SELECT note FROM platform_checkpoints ORDER BY size DESC LIMIT 1")?.string("note") ?? ""
        let lines = note.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        let size = lines.count > 2 ? Int64(lines[1]) ?? 0 : 0
        guard size > index, let root = Data(base64Encoded: lines[2]) else { return .init(index: index, text: text, size: 0, proof: [], root: nil, signedSize: size) }
        return .init(index: index, text: text, size: size, proof: try Ledger.inclusion(index, size: size, tx), root: [UInt8](root), signedSize: size)
    }

    private func show(_ visit: Visit, _ item: EvidenceItem) async throws -> Answer {
        let facts = try await facts(visit, item)
        return visit.page(Text("封存回执\(item.number)", "Receipt \(item.number)"), active: visit.account == nil ? "" : "/evidence") { h in
            h.div("page-head") {
                h.h1(Text("电子证据封存回执", "Receipt of sealed evidence"))
                h.p("text-muted mb-0", "\(item.number) · \(visit.desk.configuration.office[visit.language])")
            }
            h.div("card card-body") { self.body(h, visit, facts) }
            h.div("d-flex gap-2 flex-wrap mt-3 no-print") {
                h.a(ReceiptPages.path(visit, item, "/pdf"), "btn btn-primary", Text("下载 PDF", "Download as PDF"))
                h.a("/verify", "btn btn-outline-secondary", Text("自行核验封存包", "Check a package yourself"))
            }
        }
    }

    private func body(_ h: HTML, _ visit: Visit, _ f: Facts) {
        let item = f.item
        h.div(f.holds ? "alert alert-success" : "alert alert-danger") {
            h.text(
                f.holds
                    ? Text("封存包至今完整，未被改动（核验于\(visit.desk.now.minuteText)）", "The package is whole and unaltered (checked \(visit.desk.now.minuteText))")
                    : Text("封存包核验不成立，请联系本机关", "The package does not hold: ask this office"))
        }
        h.definitions {
            h.definition(item.kind == "capture" ? Text("网页", "Page") : Text("文件", "File"), item.title)
            if !item.url.isEmpty { h.definition(Text("网址", "Address")) { h.span("text-break", item.url) } }
            if let final = item.finalURL, final != item.url { h.definition(Text("最终网址", "Led to")) { h.span("text-break", final) } }
            h.definition(Text("封存时间", "Sealed"), item.sealedAt?.isoText)
            h.definition(Text("取证人员", "Officers"), f.officers.joined(separator: h.language == .zh ? "、" : ", "))
            h.definition(Text("事项编号", "Matter"), f.matter)
            for (name, value) in [
                (Text("文件 SHA-256", "File, SHA-256"), item.file), (Text("文件 SM3", "File, SM3"), item.sm3), (Text("清单 SHA-256", "Package, SHA-256"), item.digest),
                (Text("签名密钥指纹", "Key's fingerprint"), item.key),
            ] { h.definition(name) { h.element("code", "hash text-break", text: value ?? "") } }
            h.definition(Text("时间戳", "Timestamps")) {
                if f.stamps.isEmpty { h.span("text-muted", Text("无；以操作日志的签名检查点为时间依据", "None: the ledger's signed checkpoint vouches for the time")) }
                for stamp in f.stamps { h.div(nil, "\(stamp.at.isoText) \(stamp.authority)") }
            }
            h.definition(Text("操作日志", "Ledger")) {
                if let entry = f.entry {
                    h.div(nil, h.say(Text("第\(entry.index)条", "Entry \(entry.index)")))
                    h.element("code", "hash text-break", text: "leaf \(Crypto.hex(Merkle.leaf(Array(entry.text.utf8))))")
                    if entry.root != nil {
                        h.div(
                            "small",
                            h.say(
                                entry.holds
                                    ? Text(
                                        "包含证明成立：检查点\(entry.size)条，\(entry.proof.count)个哈希", "The inclusion proof holds: checkpoint of \(entry.size), \(entry.proof.count) hashes")
                                    : Text("包含证明不成立", "The inclusion proof does not hold")))
                        h.element("details", "small") {
                            h.element("summary", text: h.say(Text("包含证明", "Inclusion proof")))
                            for hash in entry.proof { h.element("code", "hash d-block text-break", text: Crypto.hex(hash)) }
                        }
                    } else {
                        h.div("small text-muted", h.say(Text("尚未被签名检查点覆盖，一分钟内完成", "The next signed checkpoint will hold it, within a minute")))
                    }
                } else {
                    h.span("text-muted", Text("正在定位", "Being looked for"))
                }
            }
        }
        let address = visit.exchange.origin + ReceiptPages.path(visit, item)
        h.div("mt-3") { h.qrCode(address, label: Text("回执二维码", "The receipt's code")) }
        h.p("small text-muted", Text("扫码可在线查看本回执并再次核验。", "Scan to see this receipt online and check again."))
    }

    func sheet(_ visit: Visit, _ item: EvidenceItem) async throws -> String {
        let facts = try await facts(visit, item)
        let h = HTML(.zh)
        h.h1(Text("电子证据封存回执", "Receipt of sealed evidence"))
        h.p("number", "\(item.number)　\(visit.desk.configuration.officeName)")
        body(h, visit, facts)
        let style = """
            body{font:14px/1.6 "Noto Serif CJK SC",serif;margin:2cm;color:#111}h1{text-align:center;font-size:22px}.number{text-align:center}dl{margin:0}.def{display:flex;border-bottom:1px solid #ccc;padding:4px 0}
            dt{flex:0 0 8em;font-weight:600}dd{margin:0;flex:1;word-break:break-all}code{font:12px monospace;word-break:break-all;display:block}.alert{border:1px solid #888;padding:6px 10px;margin:10px 0}svg{width:110px;height:110px}details>summary{list-style:none}
            """
        return Documents.sheet(String(decoding: h.bytes, as: UTF8.self), title: "电子证据封存回执 \(item.number)", style: style)
    }

    // MARK: Anybody's check

    private func form(_ visit: Visit, _ refusal: Refusal?) -> Answer {
        visit.page(Text("核验封存包", "Check a package"), status: refusal?.kind.status ?? 200) { h in
            h.div("narrow") {
                h.h1(Text("核验封存包", "Check a package"))
                h.p(
                    nil,
                    Text(
                        "上传网页证据封存包（.wacz），逐项核验其完整性、签名和时间戳。文件核验后即丢弃，不予保存。",
                        "Upload a package (.wacz): its parts, signature and timestamps are checked one by one. The file is not kept."))
                h.errorSummary(refusal)
                visit.form(h, "/verify", "card card-body", multipart: true) {
                    h.field(
                        "package", Text("封存包", "Package"), value: nil, type: "file",
                        hint: Text("不超过64MB；更大的文件用 sinan verify 在本机核验", "Up to 64 MB; larger ones with sinan verify on your own machine"), errors: HTML.Errors(refusal),
                        attributes: [.init("accept", ".wacz,.zip")])
                    h.button(Text("核验", "Check"))
                }
                h.p(
                    "small text-muted mt-3",
                    Text(
                        "封存包采用 WACZ 1.1.1 与 WARC 1.1 开放格式，也可用 wacz validate、warcio check、pywb、openssl ts 等工具独立核验。",
                        "Packages are WACZ 1.1.1 over WARC 1.1: wacz validate, warcio check, pywb and openssl ts check them too."))
            }
        }
    }

    private func check(_ visit: Visit) async throws -> Answer {
        let sent = try visit.exchange.form()
        try visit.checkForm(sent)
        guard let file = sent.files.first(where: { $0.field == "package" }), !file.bytes.isEmpty else {
            return form(visit, .invalid("/package", Text("请选择文件", "Choose a file")))
        }
        let bytes = file.bytes
        // One after another, apart from what serves pages.
        let verification = await withCheckedContinuation { done in
            ReceiptPages.checking.async { done.resume(returning: Verification(Data(bytes), budget: 512 << 20)) }
        }
        let isOurs = verification.key == SealingKey(visit.desk.keys).fingerprint
        let hash = Crypto.hex(Crypto.sha256(file.bytes))
        let known = try await visit.desk.store.read {
            try $0.one("SELECT number, sealed_at FROM evidence_items WHERE file = \(hash) AND state = 'sealed'").map { ($0.string("number"), $0.moment("sealed_at")) }
        }
        return visit.page(Text("核验结果", "Result"), status: 200) { h in
            h.div("narrow") {
                h.h1(Text("核验结果", "Result"))
                h.p("text-break", file.name)
                ReceiptPages.verdict(h, verification)
                if verification.isSigned {
                    h.div(
                        isOurs ? "alert alert-success" : "alert alert-warning",
                        h.say(
                            isOurs
                                ? Text("由本机关的密钥签名", "Signed by this office's key")
                                : Text("签名密钥不是本机关的：内容与签名一致，但不能证明由本机关封存", "The key is not this office's: the content fits its signature, but this office did not seal it")))
                }
                if let known {
                    h.div("alert alert-info", h.say(Text("与本机关\(known.1.minuteText)封存的\(known.0)完全一致", "The same as \(known.0), sealed by this office on \(known.1.minuteText)")))
                } else {
                    h.p("text-muted", Text("本机关没有登记与此完全相同的封存包。", "This office has no package that is the same."))
                }
                h.p { h.element("code", "hash text-break", text: "SHA-256 \(hash)") }
                h.a("/verify", "btn btn-outline-secondary", Text("再核验一个", "Check another"))
            }
        }
    }

    /// The verdict, item by item.
    static func verdict(_ h: HTML, _ verification: Verification) {
        h.div(!verification.holds ? "alert alert-danger" : verification.isSigned ? "alert alert-success" : "alert alert-warning", .role("status")) {
            h.text(
                !verification.holds
                    ? Text("不成立：有内容缺失、增加或被改动", "Does not hold: something is missing, added or altered")
                    : verification.isSigned
                        ? Text("完整，未改动", "Whole and unaltered")
                        : Text("各部分与清单一致，但没有签名：不能证明清单未被改动", "The parts fit the list, but nothing is signed: the list itself may have been altered"))
        }
        h.div("table-responsive") {
            h.element("table", "table table-sm") {
                h.element("thead") { h.tr { for title in [Text("项目", "Item"), Text("结果", "Result"), Text("说明", "Detail")] { h.th(title) } } }
                h.element("tbody") {
                    for item in verification.items.prefix(300) {
                        h.tr {
                            h.td("text-break") { h.element("code", "hash", text: item.name) }
                            h.td {
                                switch item.verdict {
                                case .ok: h.badge(Text("成立", "holds"), "green")
                                case .failed: h.badge(Text("不成立", "fails"), "red")
                                case .absent: h.badge(Text("没有", "none"), "grey")
                                }
                            }
                            h.td("text-break") { h.text(item.text) }
                        }
                    }
                }
            }
        }
    }
}
