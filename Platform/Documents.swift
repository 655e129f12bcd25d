import Browser
import Formats
import Foundation
import Kernel
import Mustache
import Store
import Synchronization
import Web

/// A form of the official book (文书式样) that a domain brings: its template may be edited by the office.
package struct DocumentForm: Sendable {
    package let name: String
    package let title: Text
    /// The series in its number: 示市监〔2026〕… with 投受 between.
    package let series: String
    package let template: String
    /// Made-up values of a matter that does not exist, for trying a template.
    package let sample: @Sendable () -> [String: Any]
    package init(name: String, title: Text, series: String, template: String, sample: @escaping @Sendable () -> [String: Any] = { [:] }) {
        self.name = name
        self.title = title
        self.series = series
        self.template = template
        self.sample = sample
    }
}

/// A document that was issued (文书): its text is kept as it went out, under its number.
package struct IssuedDocument: Sendable {
    package let id: ID<IssuedDocument>
    package let matter: ID<Matter>
    package let form: String
    package let number: String
    package let title: String
    package let body: String
    package let hash: String
    package let at: Moment
    package init(_ row: Row) {
        id = row.id("id")
        matter = row.id("matter")
        form = row.string("form")
        number = row.string("number")
        title = row.string("title")
        body = row.string("body")
        hash = row.string("hash")
        at = row.moment("at")
    }
}

package enum Documents {
    /// Fills a template. An unknown tag prints nothing, so a template is tried before it is saved.
    package static func render(_ template: String, _ values: [String: Any]) throws(Refusal) -> String {
        do {
            return try parsed(template).render(values)
        } catch {
            let (zh, en) = Documents.flaw(error)
            throw Refusal.invalid("/body", Text("模板有误：\(zh)", "The template is wrong: \(en)"))
        }
    }

    /// What is wrong with a template, in words, with the line and column where the parser stopped.
    private static func flaw(_ error: any Error) -> (zh: String, en: String) {
        guard let found = error as? MustacheTemplate.ParserError else { return ("无法填写", "it cannot be filled") }
        let place = ("第\(found.context.lineNumber)行第\(found.context.columnNumber)列", "line \(found.context.lineNumber), column \(found.context.columnNumber)")
        let what: (String, String) =
            switch found.error as? MustacheTemplate.Error {
            case .sectionCloseNameIncorrect: ("结束标签与开始标签名称不一致", "the closing tag does not match the opening one")
            case .unfinishedName: ("标签没有写完，或缺少 }}", "a tag is not finished, or lacks }}")
            case .expectedSectionEnd: ("缺少结束标签 {{/…}}", "a closing tag {{/…}} is missing")
            default: ("标签写法有误", "a tag is not well formed")
            }
        return ("\(place.0)：\(what.0)", "\(place.1): \(what.1)")
    }

    /// Parsing costs five times what filling does, and an office has a dozen templates: each text is parsed once.
    private static let cache = Mutex<[String: MustacheTemplate]>([:])
    private static func parsed(_ text: String) throws -> MustacheTemplate {
        if let known = cache.withLock({ $0[text] }) { return known }
        let template = try MustacheTemplate(string: text)
        cache.withLock { all in
            if all.count > 100 { all = [:] }
            all[text] = template
        }
        return template
    }

    /// The office's own template, else the city's, else the official form.
    /// - Parameter office: the division code of the authority that issues it.
    package static func template(_ form: DocumentForm, office: String, _ tx: Transaction) throws -> String {
        let own = try tx.all("SELECT office, body FROM platform_office_templates WHERE form = \(form.name) AND office IN (\(list: [office, ""]))")
        return (own.first { $0.string("office") == office } ?? own.first)?.string("body") ?? form.template
    }

    /// Numbers, fills, keeps and seals a document. `values` lacks only `number` and `date`.
    package static func issue(
        _ form: DocumentForm, for matter: Matter, values: [String: Any], office: String, by actor: String, account: ID<Account>?, at now: Moment, _ tx: Transaction
    ) throws -> IssuedDocument {
        let year = now.day.year
        let n = try tx.nextNumber("document.\(office).\(form.name).\(year)")
        let number = "\(office)\(form.series)〔\(year)〕\(n)号"
        var values = values
        values["number"] = number
        values["date"] = chinese(now.day)
        let body = try render(template(form, office: String(matter.region.prefix(6)), tx), values)
        let hash = Crypto.hex(Crypto.sha256(Array(body.utf8)))
        let id = try tx.insert(
            """
            INSERT INTO casework_documents (matter, form, number, title, body, hash, account, at)
            VALUES (\(matter.id), \(form.name), \(number), \(form.title.zh), \(body), \(hash), \(account), \(now)) RETURNING id
            """)
        try tx.audit(
            "casework.issued", of: matter.reference, by: actor, at: now, details: [("form", .string(form.name)), ("sha256", .string(hash))],
            sealing: [.init("casework_documents", id)])
        return try find(ID(id), tx)
    }

    package static func find(_ id: ID<IssuedDocument>, _ tx: Transaction) throws -> IssuedDocument {
        guard let row = try tx.one("SELECT * FROM casework_documents WHERE id = \(id)") else { throw Refusal.notFound }
        return IssuedDocument(row)
    }
    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> [IssuedDocument] {
        try tx.all("SELECT * FROM casework_documents WHERE matter = \(matter) ORDER BY id").map(IssuedDocument.init)
    }

    /// 2026年11月23日.
    package static func chinese(_ day: Day) -> String { "\(day.year)年\(day.month)月\(day.dayOfMonth)日" }

    /// The sheet by itself, for the browser's own printing and for Chromium.
    /// - Parameter back: where one came from: a link that paper does not show.
    package static func sheet(_ body: String, title: String, style: String, back: (path: String, title: String)? = nil) -> String {
        let way = back.map { "<nav class=\"back\"><a href=\"\(escaped($0.path))\">\(escaped($0.title))</a></nav>" } ?? ""
        return """
            <!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"><title>\(escaped(title))</title><style>\(style)</style></head>\
            <body>\(way)<article class="document" lang="zh-CN">\(body)</article></body></html>
            """
    }
    private static func escaped(_ text: String) -> String {
        text.reduce(into: "") { out, c in
            switch c {
            case "<": out += "&lt;"
            case "\"": out += "&quot;"
            case ">": out += "&gt;"
            case "&": out += "&amp;"
            default: out.append(c)
            }
        }
    }
}

/// PDF by Chromium (文书打印). Pages are ours, without scripts and without a network.
package actor Printer {
    private let chromium: String
    /// A folder for what can be made again.
    package nonisolated let cache: URL
    private var running = false
    private var waiting: [CheckedContinuation<Void, Never>] = []
    package init(chromium: String, cache: URL) {
        self.chromium = chromium
        self.cache = cache
    }

    /// - Errors: says so where Chromium is missing or fails; the page can still be printed from the browser.
    package func pdf(_ html: String) async throws -> [UInt8] {
        let key = Crypto.hex(Crypto.sha256(Array(html.utf8)))
        let kept = cache.appendingPathComponent("\(key).pdf")
        if let data = try? Data(contentsOf: kept) { return [UInt8](data) }
        while running { await withCheckedContinuation { waiting.append($0) } }
        running = true
        defer {
            running = false
            if !waiting.isEmpty { waiting.removeFirst().resume() }
        }
        try FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-print-\(key.prefix(16))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let page = folder.appendingPathComponent("page.html")
        try Data(html.utf8).write(to: page)
        let out = folder.appendingPathComponent("page.pdf")
        let words = [
            "--headless", "--disable-gpu", "--no-first-run", "--disable-javascript", "--host-resolver-rules=MAP * ~NOTFOUND", "--user-data-dir=\(folder.path)/profile",
            "--no-pdf-header-footer", "--print-to-pdf=\(out.path)", "file://\(page.path)",
        ]
        try await run(words, in: folder)
        guard let data = try? Data(contentsOf: out), data.starts(with: Array("%PDF".utf8)) else {
            throw Refusal(.unavailable, Text("暂时无法生成 PDF，请使用浏览器打印", "The PDF could not be made: please print from the browser"))
        }
        try? data.write(to: kept)
        return [UInt8](data)
    }

    private func run(_ words: [String], in folder: URL) async throws {
        guard FileManager.default.isExecutableFile(atPath: chromium) else {
            throw Refusal(.unavailable, Text("服务器未安装 Chromium，请使用浏览器打印", "Chromium is not installed on the server: please print from the browser"))
        }
        let process = Launch.process(chromium, words, in: folder)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            // A browser that hangs must not keep everybody from printing.
            DispatchQueue.global().asyncAfter(deadline: .now() + 60) { if process.isRunning { process.terminate() } }
            do { try process.run() } catch { continuation.resume(throwing: error) }
        }
    }
}
