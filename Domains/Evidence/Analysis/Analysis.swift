import Browser
import Formats
import Foundation
import Kernel
import Logging
import Platform
import Store
import Synchronization

/// What is read out of evidence once it is sealed (证据分析): words in pictures with their places, what pictures look like, codes on licences.
///
/// One item at a time in the background; what was read can be read again, and is never part of what is sealed.
final class Analysis: Sendable {
    let settings: CaptureSettings
    private let busy = Mutex(false)
    static let attempts = 3
    /// For all pictures of an item.
    static let seconds = 300
    /// Pictures smaller than this are ornaments.
    static let least = 64

    init(_ settings: CaptureSettings) { self.settings = settings }

    /// Begins with the next item that was not read yet, and returns at once.
    func look(_ desk: Desk) async throws {
        let isFree = busy.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard isFree else { return }
        let taken: EvidenceItem?
        do { taken = try await take(desk) } catch {
            busy.withLock { $0 = false }
            throw error
        }
        guard let item = taken else { return busy.withLock { $0 = false } }
        Task {
            do { try await self.read(item, desk) } catch {
                let why = (error as? Refusal)?.text.en ?? "\(error)"
                desk.logger.warning("reading evidence", metadata: ["number": "\(item.number)", "error": "\(why)"])
                _ = try? await desk.store.write { try $0.run("UPDATE evidence_readings SET note = 'failed' WHERE item = \(item.id)") }
                // What is missing comes back, or is put there by somebody: not tried again at once.
                try? await Task.sleep(for: .seconds(20))
            }
            _ = try? await desk.store.write { try $0.run("DELETE FROM evidence_leases WHERE item = \(item.id)") }
            self.busy.withLock { $0 = false }
            try? await self.look(desk)
        }
    }

    private func take(_ desk: Desk) async throws -> EvidenceItem? {
        let now = desk.now
        let until = now.adding(seconds: Int64(Analysis.seconds) + 60)
        let query: SQL =
            """
            SELECT i.* FROM evidence_items i LEFT JOIN evidence_readings r ON r.item = i.id WHERE i.state = 'sealed' AND (r.item IS NULL OR (r.done_at IS NULL AND r.attempts < \(Analysis.attempts)))
            AND NOT EXISTS (SELECT 1 FROM evidence_leases l WHERE l.item = i.id AND l.until > \(now)) AND NOT EXISTS (SELECT 1 FROM evidence_disposals d WHERE d.item = i.id) ORDER BY i.id DESC LIMIT 1
            """
        guard try await desk.store.read({ try $0.one(query) }) != nil else { return nil }
        return try await desk.store.write { tx in
            guard let item = try tx.one(query).map(EvidenceItem.init),
                try tx.one(
                    """
                    INSERT INTO evidence_leases (item, until, owner) VALUES (\(item.id), \(until), 'reading') ON CONFLICT (item) DO UPDATE SET until = \(until), owner = 'reading'
                    WHERE evidence_leases.until <= \(now) RETURNING item
                    """) != nil
            else { return nil }
            try tx.run(
                """
                INSERT INTO evidence_readings (item, attempts, reader, note) VALUES (\(item.id), 1, '', '') ON CONFLICT (item) DO UPDATE SET attempts = evidence_readings.attempts + 1
                """)
            return item
        }
    }

    /// What is kept of a picture: its pixels are not.
    private struct Read: Sendable {
        let found: PackagePictures.Place
        let width, height: Int
        let fingerprint: Fingerprint?
        let lines: [Reader.Line]
        var words: String { lines.map(\.text).joined(separator: "\n") }
        /// Whether the page's own source names it, as far as addresses are written out.
        func stands(in dom: String) -> Bool {
            guard let parts = URLComponents(string: found.source) else { return false }
            let path = parts.percentEncodedPath + (parts.percentEncodedQuery.map { "?" + $0.replacing("&", with: "&amp;") } ?? "")
            return path.count > 1 && (dom.contains(path) || parts.path.split(separator: "/").last.map { dom.contains($0) } ?? false)
        }
    }

    private func read(_ item: EvidenceItem, _ desk: Desk) async throws {
        let pictures: [PackagePictures.Found]
        var (text, dom) = ("", "")
        if item.kind == "capture" {
            let zip = try ItemPages.package(item, desk)
            (pictures, text) = (PackagePictures.all(zip), ItemPages.text(zip))
            dom = zip.entry("views/dom.html").flatMap { zip.bytes($0) }.map { String(decoding: $0, as: UTF8.self) } ?? ""
        } else if let file = item.file, let bytes = try? desk.files.read(file), PackagePictures.mediaType(bytes) != nil {
            pictures = [.init(place: .init(name: "file", source: item.name ?? "", hash: file), bytes: bytes)]
        } else {
            pictures = []
        }
        let reader = Reader(settings.tesseract)
        let deadline = ContinuousClock.now + .seconds(Analysis.seconds)
        var (read, unread) = ([Read](), 0)
        var bench: PictureBench?
        defer { bench?.close() }
        for picture in pictures {
            // One that cannot be opened or read keeps nothing from the others; what is left when the time is up stays unread.
            guard ContinuousClock.now < deadline else {
                unread += 1
                continue
            }
            if bench == nil { bench = try await PictureBench.open(settings.chromium) }
            do {
                guard let look = try await bench?.look(picture.bytes), look.width >= Analysis.least, look.height >= Analysis.least else { continue }
                var lines: [Reader.Line] = []
                do { if reader.isThere { lines = try await reader.read(look) } } catch { unread += 1 }
                read.append(
                    Read(
                        found: picture.place, width: look.width, height: look.height,
                        fingerprint: Fingerprint(grey: look.grey),
                        lines: lines))
            } catch {
                unread += 1
                bench?.close()
                bench = nil
            }
        }
        let edition = pictures.isEmpty || !reader.isThere ? "" : await reader.edition()
        let note = !reader.isThere ? "no-reader" : unread > 0 ? "unread \(unread)" : ""
        try await keep(item, read, text, dom, edition, note, desk)
    }

    private func keep(_ item: EvidenceItem, _ read: [Read], _ text: String, _ dom: String, _ edition: String, _ note: String, _ desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            guard try tx.one("SELECT done_at FROM evidence_readings WHERE item = \(item.id) AND done_at IS NULL") != nil, try Keeping.of(item, tx).disposal == nil else { return }
            try Analysis.forget(item.id, tx)
            for one in read {
                let id = try tx.insert(
                    """
                    INSERT INTO evidence_pictures (item, place, source, width, height, hash, fingerprint, words, lines) VALUES (\(item.id), \(one.found.name), \(String(one.found.source.prefix(2000))),
                    \(Int64(one.width)), \(Int64(one.height)), \(one.found.hash), \(one.fingerprint?.description), \(one.words), \(JSON.array(one.lines.map(\.json)).text)) RETURNING id
                    """)
                if !one.found.isView { for band in one.fingerprint?.bands ?? [] { try tx.run("INSERT INTO evidence_bands (band, picture) VALUES (\(band), \(id))") } }
            }
            try tx.run("UPDATE evidence_readings SET done_at = \(now), reader = \(edition), note = \(note) WHERE item = \(item.id)")
            let pictures = read.filter { !$0.found.isView && !$0.words.isEmpty }
            Search.index("evidence", item.id, texts: [item.number, item.title, item.url, item.purpose, String(text.prefix(100_000))] + read.map(\.words), tx)
            // Monitoring reads a listing's pictures too, where the page is one it knows: those that stand in the page itself, not in its frames.
            // Where some could not be read, nothing is known of what is no longer there.
            if item.kind == "capture", note.isEmpty {
                let words = pictures.filter { $0.stands(in: dom) }.map { String($0.words.prefix(4000)) }
                try Jobs.add(
                    Analysis.wordsFound,
                    [
                        ("url", .string(item.url)), ("finalURL", .string(item.finalURL ?? item.url)), ("matter", item.matter.map { .int($0.raw) } ?? .null),
                        ("words", .array(words.prefix(40).map(JSON.string))), ("evidence", .string(item.number)), ("at", .string((item.sealedAt ?? now).isoText)),
                    ], at: now, tx)
            }
        }
    }
    /// A job of Monitoring's: words that stand in the pictures of a page.
    static let wordsFound = "monitoring.words"

    /// Takes away what was read of an item.
    static func forget(_ item: Int64, _ tx: Transaction) throws {
        try tx.run("DELETE FROM evidence_bands WHERE picture IN (SELECT id FROM evidence_pictures WHERE item = \(item))")
        try tx.run("DELETE FROM evidence_pictures WHERE item = \(item)")
    }
}

/// A picture of an item with what was read of it (图片).
struct EvidencePicture: Sendable {
    let id: Int64
    let item: Int64
    let place: String
    let source: String
    let width, height: Int
    let hash: String
    let fingerprint: Fingerprint?
    let lines: [Reader.Line]
    var isView: Bool { place.hasPrefix("views/") }

    init(_ row: Row) {
        (id, item, place, source) = (row.int("id"), row.int("item"), row.string("place"), row.string("source"))
        (width, height, hash) = (row.count("width"), row.count("height"), row.string("hash"))
        fingerprint = row.optionalString("fingerprint").flatMap { Fingerprint($0) }
        lines = ((try? JSON(parsing: Array(row.string("lines").utf8)))?.array ?? []).compactMap { Reader.Line($0) }
    }
    static func of(_ item: Int64, _ tx: Transaction) throws -> [EvidencePicture] {
        try tx.all("SELECT * FROM evidence_pictures WHERE item = \(item) ORDER BY id").map(EvidencePicture.init)
    }

    /// Pictures of other items that look like this one, the most alike first.
    ///
    /// Cost: those that share one of eight bands, some thirtieth of all; at most five hundred are compared.
    func alike(_ tx: Transaction) throws -> [(id: Int64, item: Int64, distance: Int)] {
        guard let fingerprint, !isView else { return [] }
        return try tx.all(
            """
            SELECT id, item, fingerprint FROM evidence_pictures WHERE item <> \(item) AND id IN (SELECT picture FROM evidence_bands WHERE band IN (\(list: fingerprint.bands))) ORDER BY id DESC LIMIT 500
            """
        ).compactMap { row in
            guard let distance = row.optionalString("fingerprint").flatMap({ Fingerprint($0) }).map({ fingerprint.distance($0) }), distance <= Fingerprint.near else { return nil }
            return (row.int("id"), row.int("item"), distance)
        }.sorted { ($0.2, $1.0) < ($1.2, $0.0) }
    }
    /// The picture's own bytes.
    func bytes(_ item: EvidenceItem, _ desk: Desk) throws -> [UInt8]? {
        place == "file" ? try item.file.map { try desk.files.read($0) } : PackagePictures.bytes(place, try ItemPages.package(item, desk))
    }
}
