import Browser
import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// The pictures of an item (图片识读): words with their places, pictures that look alike, licences against the register, copies with something covered.
struct PicturePages: Sendable {
    let workbench: Workbench

    func routes() -> [Route] {
        [
            Route(.get, "/evidence/:id/pictures/:picture", .permitted("evidence.see")) { visit in try await show(visit, nil, nil) },
            Route(.get, "/evidence/:id/pictures/:picture/file", .permitted("evidence.see")) { visit in try await file(visit) },
            Route(.post, "/evidence/:id/pictures/:picture/redact", .permitted("evidence.capture")) { visit in try await redact(visit) },
            Route(.post, "/evidence/:id/reread", .permitted("evidence.capture")) { visit in try await reread(visit) },
        ]
    }

    private static func find(_ visit: Visit, _ tx: Transaction) throws -> (EvidenceItem, EvidencePicture) {
        let item = try ItemPages.find(visit, tx)
        guard let id = Int64(try visit.exchange.parameter("picture")),
            let picture = try tx.one("SELECT * FROM evidence_pictures WHERE id = \(id) AND item = \(item.id)").map(EvidencePicture.init)
        else { throw Refusal.notFound }
        return (item, picture)
    }

    // MARK: On the item's page

    struct Summary: Sendable {
        let pictures: [EvidencePicture]
        let alike: [Int64: Int]
        let licences: [(reading: LicenceReading, op: Operator?, named: Bool)]
        let done: Bool
        let attempts: Int
        let note: String
        let reader: String
    }
    static func load(_ item: EvidenceItem, _ visit: Visit, _ tx: Transaction) throws -> Summary {
        let pictures = try EvidencePicture.of(item.id, tx)
        let row = try tx.one("SELECT * FROM evidence_readings WHERE item = \(item.id)")
        let lines = pictures.filter { !$0.isView }.flatMap { $0.lines.map(\.text) }
        let all = lines.joined().filter { !$0.isWhitespace }
        let licences = try LicenceReading.codes(lines).prefix(5).map { code in
            let reading = try LicenceReading.check(code, tx)
            var op: Operator?
            if case .registered(let id) = reading.finding { op = try Operators.find(ID<Operator>(id), tx) }
            return (reading, op, op.map { all.contains($0.name.filter { !$0.isWhitespace }) } ?? false)
        }
        var alike: [Int64: Int] = [:]
        for picture in pictures.prefix(12) { alike[picture.id] = try others(like: picture, visit, tx).count }
        return Summary(
            pictures: pictures, alike: alike, licences: licences, done: row?.optionalMoment("done_at") != nil, attempts: row?.count("attempts") ?? 0,
            note: row?.string("note") ?? "", reader: row?.string("reader") ?? "")
    }
    /// Alike ones that whoever asks may see.
    static func others(like picture: EvidencePicture, _ visit: Visit, _ tx: Transaction) throws -> [(id: Int64, distance: Int, item: EvidenceItem)] {
        try picture.alike(tx).prefix(20).compactMap { one in
            let item = try EvidenceItem.find(one.item, tx)
            return try ItemPages.maySee(item, visit, visit.signedIn(), tx) ? (one.id, one.distance, item) : nil
        }
    }

    static func card(_ h: HTML, _ visit: Visit, _ item: EvidenceItem, _ found: Summary) {
        h.card(Text("图片识读", "Pictures"), id: "pictures") {
            if !found.done, found.attempts >= Analysis.attempts {
                h.p("text-muted", Text("图片识读多次未成功，可稍后重新识读。", "The pictures could not be read: try again later."))
            } else if !found.done {
                h.p("text-muted", Text("正在识读图片，稍后刷新本页。", "Pictures are being read: look again in a moment."))
            } else if found.pictures.isEmpty {
                h.p("text-muted mb-0", Text("没有可识读的图片。", "There is no picture to read."))
            }
            if let note = PicturePages.note(found.note) { h.p("small text-muted", note) }
            for licence in found.licences { self.licence(h, visit, licence) }
            h.element("ul", "picture-grid") {
                for picture in found.pictures.filter({ !$0.isView }) + found.pictures.filter(\.isView) {
                    h.li {
                        h.a("/evidence/\(item.id)/pictures/\(picture.id)", nil) {
                            h.void(
                                "img", nil,
                                [
                                    .init("src", "/evidence/\(item.id)/pictures/\(picture.id)/file"), .init("loading", "lazy"),
                                    .init("alt", h.say(picture.isView ? Text("网页长图", "View of the page") : Text("网页图片", "Picture of the page"))),
                                ])
                        }
                        h.div("small") {
                            h.text(picture.lines.isEmpty ? h.say(Text("没有识读到文字", "No words")) : String(picture.lines.map(\.text).joined(separator: " ").prefix(60)))
                        }
                        if let n = found.alike[picture.id], n > 0 { h.badge(Text("相似图片\(n)", "\(n) alike"), "amber") }
                    }
                }
            }
            h.div("d-flex gap-3 align-items-center small text-muted") {
                if !found.reader.isEmpty { h.span(nil, found.reader) }
                if found.done || found.attempts >= Analysis.attempts, visit.may("evidence.capture") {
                    visit.form(h, "/evidence/\(item.id)/reread") { h.button(Text("重新识读", "Read again"), "btn btn-sm btn-link p-0") }
                }
            }
        }
    }

    private static func licence(_ h: HTML, _ visit: Visit, _ licence: (reading: LicenceReading, op: Operator?, named: Bool)) {
        h.div("alert \(licence.op == nil || !licence.named || licence.op!.status != .active ? "alert-warning" : "alert-success") py-2") {
            h.element("strong", text: h.say(Text("证照核对：", "Licence: ")))
            h.element("code", text: licence.reading.code)
            h.text(" ")
            switch licence.reading.finding {
            case .wrong(let why):
                let lines = why.split(separator: "\n").map(String.init)
                h.text(
                    h.say(
                        Text(
                            "不是有效的统一社会信用代码：\(lines.first ?? "")。请对照图片，识读也可能有误。",
                            "Not a unified social credit code: \(lines.last ?? ""). Compare with the picture: it may have been misread.")))
            case .unknown: h.text(h.say(Text("校验位正确，但本市主体库中没有。", "Its check character is right, but it is not in the city's register.")))
            case .registered:
                if let op = licence.op {
                    h.a("/operators/\(op.id)", nil, op.name)
                    h.text("（\(op.status.title[visit.language])）")
                    h.text(
                        licence.named
                            ? h.say(Text("图中有登记的名称。", " Its name is in the picture.")) : h.say(Text("图中没有识读到登记的名称，请核对。", " Its name was not read in the picture: compare.")))
                }
            }
        }
    }

    /// What a reading left to say, in both languages.
    static func note(_ code: String) -> Text? {
        let words = code.split(separator: " ").map(String.init)
        switch words.first {
        case "no-reader": return Text("未安装 Tesseract，图片文字未识读", "Tesseract is not installed: words in pictures were not read")
        case "unread": return Text("\(words.last ?? "")张图片未能识读", "\(words.last ?? "") pictures could not be read")
        default: return nil
        }
    }

    // MARK: One picture

    private func show(_ visit: Visit, _ refusal: Refusal?, _ form: Form?) async throws -> Answer {
        let (item, picture, others, copies) = try await visit.desk.store.read { tx in
            let (item, picture) = try PicturePages.find(visit, tx)
            let copies = try tx.all(
                "SELECT i.* FROM evidence_derivatives d JOIN evidence_items i ON i.id = d.item WHERE d.original = \(item.id) AND d.place = \(picture.place) ORDER BY i.id"
            ).map(
                EvidenceItem.init)
            return (item, picture, try PicturePages.others(like: picture, visit, tx), copies)
        }
        let back = "/evidence/\(item.id)"
        return visit.page(Text("\(item.number)的图片", "A picture of \(item.number)"), status: refusal?.kind.status ?? 200, active: "/evidence") { h in
            h.div("page-head") {
                h.h1(picture.isView ? Text("网页长图", "View of the page") : Text("网页图片", "Picture of the page"))
                h.p("text-muted mb-0 text-break") {
                    h.a(back, nil, item.number)
                    h.text(" · \(picture.width) × \(picture.height) · \(picture.source)")
                }
            }
            h.errorSummary(refusal)
            h.div("row g-3") {
                h.div("col-lg-7") {
                    h.div("capture-view", .init("tabindex", "0"), .role("region"), .label(h.say(Text("图片", "Picture")))) {
                        h.div("picture-boxes") {
                            h.void(
                                "img", nil, [.init("src", "\(back)/pictures/\(picture.id)/file"), .init("alt", picture.lines.map(\.text).joined(separator: " ")), .id("picture")])
                            h.element("svg", nil, [.init("viewBox", "0 0 \(picture.width) \(picture.height)"), .init("aria-hidden", "true")]) {
                                for line in picture.lines {
                                    h.element(
                                        "rect", PersonalData.isIn(line.text) ? "personal" : nil,
                                        [.init("x", "\(line.box.x)"), .init("y", "\(line.box.y)"), .init("width", "\(line.box.width)"), .init("height", "\(line.box.height)")]
                                    ) {}
                                }
                            }
                        }
                    }
                }
                h.div("col-lg-5") {
                    h.card(Text("图中文字", "Its words")) {
                        if picture.lines.isEmpty {
                            h.p("text-muted mb-0", Text("没有识读到文字。", "No words were read."))
                        } else {
                            h.element("pre", "capture-text", text: picture.lines.map(\.text).joined(separator: "\n"))
                        }
                    }
                    if !picture.isView { self.alike(h, others) }
                    if visit.may("evidence.capture") { self.redaction(h, visit, back, picture, refusal, form) }
                    if !copies.isEmpty {
                        h.card(Text("遮盖副本", "Redacted copies")) { h.ul { for copy in copies { h.li { h.a("/evidence/\(copy.id)", nil, "\(copy.number) \(copy.purpose)") } } } }
                    }
                }
            }
        }
    }

    private func alike(_ h: HTML, _ others: [(id: Int64, distance: Int, item: EvidenceItem)]) {
        h.card(Text("相似图片", "Pictures that look alike")) {
            if others.isEmpty { h.p("text-muted mb-0", Text("其他证据中没有相似的图片。", "No other evidence has one like it.")) }
            h.ul {
                for (id, distance, item) in others {
                    h.li {
                        h.a("/evidence/\(item.id)/pictures/\(id)", nil, item.number)
                        h.text(
                            h.say(
                                distance == 0
                                    ? Text("　相同或几乎相同　", "  the same or nearly so  ") : Text("　相差\(distance)位（共64位）　", "  \(distance) of 64 bits apart  ")))
                        h.span("text-muted text-break", String(item.url.prefix(80)))
                    }
                }
            }
        }
    }

    private func redaction(_ h: HTML, _ visit: Visit, _ back: String, _ picture: EvidencePicture, _ refusal: Refusal?, _ form: Form?) {
        let errors = HTML.Errors(refusal)
        h.card(Text("制作遮盖副本", "Make a redacted copy"), id: "redact") {
            h.p("small text-muted", Text("原件不变；副本另行编号，注明来自原件。", "The original stays as it is; the copy has a number of its own and says what it is a copy of."))
            visit.form(h, "\(back)/pictures/\(picture.id)/redact") {
                if !picture.lines.isEmpty {
                    h.element("fieldset", "mb-3") {
                        h.element("legend", "form-label", text: h.say(Text("遮盖这些文字", "Cover these words")))
                        for (i, line) in picture.lines.prefix(60).enumerated() {
                            h.checkbox(
                                "line", Text(verbatim: String(line.text.prefix(80))), value: "\(i)",
                                checked: form.map { $0.all("line").contains("\(i)") } ?? PersonalData.isIn(line.text))
                        }
                    }
                }
                h.area(
                    "boxes", Text("其他区域", "Other places"), value: form?["boxes"], rows: 3,
                    hint: Text("在图上拖动画出，或每行填：左 上 宽 高（像素）", "Draw them on the picture, or a line each: left top width height, in pixels"), errors: errors, required: false)
                h.field("reason", Text("用途", "What for"), value: form?["reason"], errors: errors)
                h.button(Text("制作副本", "Make the copy"))
            }
        }
    }

    private func file(_ visit: Visit) async throws -> Answer {
        let (item, picture) = try await visit.desk.store.read { try PicturePages.find(visit, $0) }
        guard let bytes = try picture.bytes(item, visit.desk), let kind = PackagePictures.mediaType(bytes) else { throw Refusal.notFound }
        return Answer.file(bytes, type: kind, name: "\(item.number)-\(picture.id)", inline: true).enclosed
    }

    private func reread(_ visit: Visit) async throws -> Answer {
        _ = try visit.require("evidence.capture")
        try visit.checkForm(visit.exchange.form())
        let now = visit.desk.now
        let item = try await visit.desk.store.write { tx in
            let item = try ItemPages.findHere(visit, "id", tx)
            try Analysis.forget(item.id, tx)
            try tx.run("DELETE FROM evidence_readings WHERE item = \(item.id)")
            try Jobs.add(CaptureQueue.job, [], at: now, tx)
            return item
        }
        return visit.redirect("/evidence/\(item.id)", saying: Text("将重新识读图片", "Its pictures will be read again"))
    }

    private func redact(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        let form = try visit.exchange.form()
        try visit.checkForm(form)
        do {
            let (item, picture) = try await visit.desk.store.read { try PicturePages.find(visit, $0) }
            var wrong: [Refusal.Field] = []
            var boxes = form.all("line").compactMap { Int($0) }.filter { picture.lines.indices.contains($0) }.map { picture.lines[$0].box }
            for (n, line) in (form["boxes"] ?? "").split(whereSeparator: \.isNewline).prefix(200).enumerated() where !line.allSatisfy(\.isWhitespace) {
                let numbers = line.split { !$0.isNumber && $0 != "-" }.compactMap { Int($0) }
                if numbers.count == 4, numbers.allSatisfy({ (0...100_000).contains($0) }), numbers[2] > 0, numbers[3] > 0 {
                    boxes.append(.init(x: numbers[0], y: numbers[1], width: numbers[2], height: numbers[3]))
                } else {
                    wrong.append(.init("/boxes", Text("第\(n + 1)行应为四个数：左 上 宽 高", "Line \(n + 1) should be four numbers: left top width height")))
                }
            }
            if boxes.contains(where: { $0.x >= picture.width || $0.y >= picture.height }) {
                wrong.append(.init("/boxes", Text("要遮盖的区域不在图片内（\(picture.width) × \(picture.height)）", "A place lies outside the picture (\(picture.width) × \(picture.height))")))
            }
            let reason = (form["reason"] ?? "").trimmed
            if reason.count < 2 || reason.count > 200 { wrong.append(.init("/reason", Text("请写明用途（2至200字）", "Say what for, in 2 to 200 characters"))) }
            if boxes.isEmpty, wrong.isEmpty { wrong.append(.init("/boxes", Text("请选择或画出要遮盖的部分", "Choose or draw what is to be covered"))) }
            guard wrong.isEmpty else { throw Refusal.invalid(wrong) }
            guard let bytes = try picture.bytes(item, visit.desk), let copy = try await workbench.blacken(bytes, boxes) else { throw Refusal.notFound }
            let hash = try visit.desk.files.keep(copy)
            let (covered, digests, now) = (boxes, Digests(copy), visit.desk.now)
            let made = try await visit.desk.store.write { tx in
                let number = try CaptureQueue.number(now, tx)
                let made = try FileIntake.keep(
                    number: number, hash, named: "\(number).png", title: "遮盖副本：\(item.title.isEmpty ? item.number : String(item.title.prefix(200)))", size: copy.count, digests,
                    purpose: reason, matter: item.matter, region: item.region, by: officer, at: now, tx)
                try tx.run(
                    "INSERT INTO evidence_derivatives (item, original, place, hash, boxes) VALUES (\(made.id), \(item.id), \(picture.place), \(picture.hash), \(JSON.array(covered.map(\.json)).text))"
                )
                try Custody.record(
                    "received", on: made, by: .staff(officer), note: "\(item.number) \(picture.place)：\(reason)", at: now,
                    sealing: [.init("evidence_derivatives", key: "item", made.id)], tx)
                try Custody.record("derived", on: item, by: .staff(officer), note: "\(number)：\(reason)", at: now, tx)
                try Jobs.add(CaptureQueue.job, [], at: now, tx)
                return made
            }
            return visit.redirect("/evidence/\(made.id)", saying: Text("已制作遮盖副本\(made.number)", "Redacted copy \(made.number) is made"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await show(visit, refusal, form) }
    }
}

/// Opens pictures for whoever looks at a page (图片加工): one browser at a time, ended when it is done; what costs is kept.
actor Workbench {
    private let chromium: String
    private let cache: URL
    init(chromium: String, cache: URL) { (self.chromium, self.cache) = (chromium, cache) }
    private var last: Task<Void, Never>?

    /// One after the other.
    private func alone<T: Sendable>(_ work: @escaping @Sendable (PictureBench) async throws -> T) async throws -> T {
        let before = last
        let chromium = chromium
        let mine = Task { () async throws -> T in
            await before?.value
            let bench = try await PictureBench.open(chromium)
            defer { bench.close() }
            return try await work(bench)
        }
        last = Task { _ = try? await mine.value }
        return try await mine.value
    }

    func blacken(_ picture: [UInt8], _ boxes: [PictureBench.Box]) async throws -> [UInt8]? { try await alone { try await $0.blacken(picture, boxes) } }

    struct Difference: Sendable {
        let picture: [UInt8]
        let share: Double
        let places: Int
    }
    /// What differs between two views, kept by what they are.
    func difference(_ before: [UInt8], _ after: [UInt8]) async throws -> Difference? {
        let key = Crypto.hex(Crypto.sha256(Crypto.sha256(before) + Crypto.sha256(after)))
        let place = cache.appendingPathComponent("differs-\(key)")
        if let kept = try? Data(contentsOf: place), let end = kept.firstIndex(of: 10) {
            let numbers = String(decoding: kept[..<end], as: UTF8.self).split(separator: " ").compactMap { Int($0) }
            if numbers.count == 2 { return Difference(picture: [UInt8](kept[(end + 1)...]), share: Double(numbers[0]) / 1e6, places: numbers[1]) }
        }
        guard let found = try await alone({ try await $0.difference(before, after) }) else { return nil }
        try? FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
        try? (Data("\(Int(found.share * 1e6)) \(found.places.count)\n".utf8) + Data(found.picture)).write(to: place, options: .atomic)
        return Difference(picture: found.picture, share: found.share, places: found.places.count)
    }
}
