import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// Evidence that leaves the house (移交): a bag with packages, receipts, records and the custody graph, to somebody, for something.
struct HandOver: Sendable {
    let printer: Printer
    /// All that goes into one bag, and how many items.
    static let most = 300 << 20, items = 50

    func routes() -> [Route] {
        [
            Route(.get, "/evidence/handover", .permitted("evidence.export")) { visit in try await form(visit, nil, visit.exchange.query) },
            Route(.post, "/evidence/handover", .permitted("evidence.export")) { visit in try await hand(visit) },
            Route(.post, "/evidence/:id/custody.jsonld", .permitted("evidence.export")) { visit in try await graph(visit) },
        ]
    }

    /// Which are meant: those of a matter, or the one.
    private func meant(_ visit: Visit, _ form: Form, _ tx: Transaction) throws -> (Matter?, [EvidenceItem]) {
        let account = try visit.require("evidence.export")
        var (matter, items): (Matter?, [EvidenceItem]) = (nil, [])
        if let of = form["of"]?.trimmed.uppercased(), !of.isEmpty {
            matter = try tx.one("SELECT * FROM casework_matters WHERE number = \(of)").map(Matter.init)
            guard let matter, visit.maySee(matter) else { throw Refusal.notFound }
            items = try EvidenceItem.of(matter.id, tx)
        } else if let id = form["item"].flatMap({ Int64($0) }) {
            items = [try EvidenceItem.find(id, tx)]
        }
        items = try items.filter { item in
            guard item.state == .sealed, try ItemPages.maySee(item, visit, account, tx) else { return false }
            return try Keeping.of(item, tx).disposal == nil
        }
        return (matter, items.sorted { $0.id < $1.id })
    }

    private func form(_ visit: Visit, _ refusal: Refusal?, _ sent: Form) async throws -> Answer {
        let (matter, items) = try await visit.desk.store.read { try meant(visit, sent, $0) }
        let picked = sent.all("pick")
        return visit.page(Text("移交证据", "Hand evidence over"), status: refusal?.kind.status ?? 200, active: "/evidence") { h in
            h.div("narrow") {
                h.h1(Text("移交证据", "Hand evidence over"))
                h.p(
                    "text-muted",
                    Text(
                        "生成移交包（BagIt）：封存包原件、回执、提取笔录和保管链图（CASE/UCO），接收方可用通用工具核对。每件证据记入保管链。",
                        "Makes a bag (BagIt): the packages as sealed, receipts, extraction records and the custody graph (CASE/UCO); whoever takes it over checks it with common tools. Each item's custody says so."
                    ))
                h.errorSummary(refusal)
                guard !items.isEmpty else {
                    return h.empty(Text("没有可移交的证据", "Nothing to hand over"), Text("从事项的证据列表或一件证据的页面进入。", "Come here from a matter's evidence or from the page of an item."))
                }
                visit.form(h, "/evidence/handover", "card card-body") {
                    let errors = HTML.Errors(refusal)
                    if let matter { h.hidden("of", matter.number) } else { h.hidden("item", "\(items[0].id)") }
                    h.element("fieldset", "mb-3") {
                        h.element("legend", "form-label", text: h.say(Text("移交哪些", "Which")))
                        for item in items.prefix(200) {
                            h.checkbox(
                                "pick", Text(verbatim: "\(item.number) \(item.title.prefix(60))"), value: "\(item.id)",
                                checked: picked.isEmpty ? refusal == nil : picked.contains("\(item.id)"))
                        }
                    }
                    h.field("recipient", Text("接收单位和接收人", "To whom"), value: sent["recipient"], errors: errors)
                    h.field("purpose", Text("移交用途", "What for"), value: sent["purpose"], errors: errors)
                    h.button(Text("生成移交包", "Make the bag"))
                }
            }
        }
    }

    private func hand(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.export")
        let sent = try visit.exchange.form()
        try visit.checkForm(sent)
        let recipient = (sent["recipient"] ?? "").trimmed, purpose = (sent["purpose"] ?? "").trimmed
        let (matter, all) = try await visit.desk.store.read { try meant(visit, sent, $0) }
        let items = all.filter { sent.all("pick").contains("\($0.id)") }
        var wrong: [Refusal.Field] = []
        if recipient.count < 2 || recipient.count > 100 { wrong.append(.init("/recipient", Text("请写明接收单位和接收人（2至100字）", "Say to whom, in 2 to 100 characters"))) }
        if purpose.count < 2 || purpose.count > 200 { wrong.append(.init("/purpose", Text("请写明移交用途（2至200字）", "Say what for, in 2 to 200 characters"))) }
        if items.isEmpty { wrong.append(.init("/pick", Text("请选择要移交的证据", "Choose what is handed over"))) }
        if items.count > HandOver.items || items.reduce(0, { $0 + $1.size }) > HandOver.most {
            wrong.append(.init("/pick", Text("一个移交包最多\(HandOver.items)件、300MB，请分次移交", "A bag holds \(HandOver.items) items and 300 MB at most: hand over in parts")))
        }
        guard wrong.isEmpty else { return try await form(visit, .invalid(wrong), sent) }
        let now = visit.desk.now
        // The bag says that it is handed over; the chain says so once the bag is whole.
        let note = "\(recipient)：\(purpose)"
        let pieces = try await visit.desk.store.read { tx in
            try items.map { item in
                var piece = try HandOver.piece(item, tx)
                piece.acts.append(Custody.Act("handed", by: officer, note: note, hash: item.file ?? "", at: now))
                return piece
            }
        }
        let name = "\(matter?.number ?? items[0].number)-\(now.isoText.prefix(16).filter(\.isNumber))"
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-bag-\(Crypto.hex(Crypto.random(8))).zip")
        defer { try? FileManager.default.removeItem(at: file) }
        var bag = try Bag(file, root: name, at: now)
        let receipts = ReceiptPages(printer: printer)
        for piece in pieces {
            let item = piece.item
            try bag.add(
                "\(item.number)/\(item.kind == "capture" ? "\(item.number).wacz" : "original/" + Bag.safe(item.name ?? item.number))", try visit.desk.files.read(item.file ?? ""))
            try bag.add("\(item.number)/receipt.pdf", try await printer.pdf(try await receipts.sheet(visit, item)))
            try bag.add("\(item.number)/extraction-record.pdf", try await printer.pdf(try await ItemPages.sheet(item, visit)))
        }
        try bag.add("custody.jsonld", Array(try await HandOver.graph(pieces, matter, visit).text.utf8))
        try bag.add("README.txt", Array(HandOver.readme.utf8))
        try bag.close([
            ("Source-Organization", visit.desk.configuration.officeName), ("Contact-Name", officer.name), ("External-Description", purpose),
            ("External-Identifier", matter?.number ?? items[0].number),
            ("Internal-Sender-Description", "to \(recipient)"), ("Bagging-Date", "\(now.day)"), ("Bag-Software-Agent", "sinan \(SystemRoutes.version)"),
        ])
        let bytes = [UInt8](try Data(contentsOf: file))
        let hash = Crypto.hex(Crypto.sha256(bytes))
        try await visit.desk.store.write { tx in
            for item in items {
                try Keeping.needsFile(item, tx)
                try Custody.record("handed", on: item, by: .staff(officer), note: "\(note)（移交包 SHA-256 \(hash)）", at: now, tx)
            }
        }
        return .file(bytes, type: "application/zip", name: "\(name).zip")
    }

    private func graph(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.export")
        try visit.checkForm(visit.exchange.form())
        let now = visit.desk.now
        let (piece, matter) = try await visit.desk.store.write { tx in
            let item = try ItemPages.find(visit, tx)
            try Custody.record("exported", on: item, by: .staff(officer), note: "custody.jsonld", at: now, tx)
            return (try HandOver.piece(item, tx), try item.matter.map { try tx.matter($0) })
        }
        return .file(Array(try await HandOver.graph([piece], matter, visit).text.utf8), type: "application/ld+json", name: "\(piece.item.number)-custody.jsonld")
    }

    private static func piece(_ item: EvidenceItem, _ tx: Transaction) throws -> CustodyGraph.Piece {
        CustodyGraph.Piece(
            item: item, acts: try Custody.of(item.id, tx), original: try tx.one("SELECT original FROM evidence_derivatives WHERE item = \(item.id)")?.int("original"))
    }
    private static func graph(_ pieces: [CustodyGraph.Piece], _ matter: Matter?, _ visit: Visit) async throws -> JSON {
        let names = try await visit.desk.store.read { try Accounts.names(pieces.flatMap { $0.acts.compactMap(\.account) }, $0) }
        return CustodyGraph.json(
            pieces, matter: matter?.number, office: visit.desk.configuration.officeName, names: names, software: "sinan \(SystemRoutes.version)", space: visit.exchange.origin)
    }

    private static let readme = """
        电子证据移交包（BagIt 1.0，RFC 8493）
        - 每件证据一个文件夹：封存包（.wacz）或原文件，封存回执（receipt.pdf），电子数据提取笔录（extraction-record.pdf）。
        - custody.jsonld：保管链图，CASE/UCO 本体，JSON-LD。
        核对：bagit.py --validate 本文件夹；封存包另用 sinan verify、wacz validate、warcio check 核验。

        Evidence handed over, as a bag (BagIt 1.0, RFC 8493)
        - A folder an item: the package (.wacz) or the file, its receipt, its extraction record.
        - custody.jsonld: what was done with it, in CASE/UCO, JSON-LD.
        To check: bagit.py --validate FOLDER; packages also with sinan verify, wacz validate, warcio check.

        """
}

extension Bag {
    /// A name that is one everywhere: no folders, nothing that a system reserves.
    static func safe(_ name: String) -> String {
        let plain = String(name.map { "/\\:*?\"<>|%".contains($0) || $0.isNewline || $0.unicodeScalars.first!.value < 32 ? "_" : $0 }.prefix(100))
        return plain.hasPrefix(".") || plain.isEmpty ? "file-" + plain.dropFirst() : plain
    }
}
