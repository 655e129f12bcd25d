import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// A captured page, shown again from its package alone (网页回放): as it stood when it was sealed, in a sandbox, without scripts, fetching nothing.
///
/// Who sees it has shown on the item's page that they may: the frame's address carries a mark that holds for an hour, since a
/// sandbox has no session.
actor Replay {
    /// A package that is being looked at, mapped, with where each answer lies.
    private struct Opened: Sendable {
        let zip: ZIPFile
        let places: [String: Place]
    }
    private struct Place: Sendable {
        let offset: Int
        let status: Int
        let mime: String
    }
    private var opened: [(hash: String, package: Opened)] = []
    static let seconds: Int64 = 3600
    /// Bytes of one part that is shown.
    static let most = 60 << 20

    nonisolated func routes() -> [Route] {
        [
            Route(.get, "/replay/:mark", .anyone) { visit in try await self.page(visit) },
            Route(.get, "/replay/:mark/of", .anyone) { visit in try await self.part(visit) },
        ]
    }

    /// The address under which an item is shown again.
    static func path(_ item: EvidenceItem, _ visit: Visit) -> String { "/replay/" + mark(item, until: visit.desk.now.adding(seconds: seconds).milliseconds / 1000, visit) }
    private static func mark(_ item: EvidenceItem, until: Int64, _ visit: Visit) -> String {
        let value = "\(item.id)-\(until)"
        return value + "-" + visit.seal("replay", "\(value) \(item.file ?? "")")
    }

    private nonisolated func item(_ visit: Visit) async throws -> (EvidenceItem, String) {
        let mark = try visit.exchange.parameter("mark")
        let parts = mark.split(separator: "-").map(String.init)
        guard parts.count == 3, let id = Int64(parts[0]), let until = Int64(parts[1]), until > visit.desk.now.milliseconds / 1000 else { throw Refusal.notFound }
        let item = try await visit.desk.store.read { tx in
            let item = try EvidenceItem.find(id, tx)
            guard try Keeping.of(item, tx).disposal == nil else { throw Refusal.notFound }
            return item
        }
        guard item.state == .sealed, item.kind == "capture", Crypto.equal(Array(mark.utf8), Array(Replay.mark(item, until: until, visit).utf8)) else { throw Refusal.notFound }
        return (item, mark)
    }

    private func package(_ item: EvidenceItem, _ desk: Desk) throws -> Opened {
        let hash = item.file ?? ""
        if let found = opened.first(where: { $0.hash == hash }) { return found.package }
        let zip = try ZIPFile(desk.files.mapped(hash))
        var places: [String: Place] = [:]
        if let entry = zip.entry("indexes/index.cdx.gz"), let raw = zip.bytes(entry), let (text, _) = raw.withUnsafeBytes({ Deflate.inflate($0, .gzip, limit: 32 << 20) }) {
            for line in String(decoding: text, as: UTF8.self).split(separator: "\n") {
                guard let start = line.firstIndex(of: "{"), let fields = try? JSON(parsing: Array(line[start...].utf8)), let url = fields["url"]?.string,
                    let offset = fields["offset"]?.string.flatMap({ Int($0) })
                else { continue }
                let place = Place(offset: offset, status: fields["status"]?.string.flatMap { Int($0) } ?? 0, mime: fields["mime"]?.string ?? "")
                // Of several answers the good one.
                if let other = places[url], other.status == 200 || place.status != 200 { continue }
                places[url] = place
            }
        }
        let package = Opened(zip: zip, places: places)
        opened = [(hash, package)] + opened.prefix(2)
        return package
    }

    private static func place(_ url: String, _ mark: String, _ package: Opened) -> String? {
        guard package.places[url] != nil else { return nil }
        return "/replay/\(mark)/of?u=\(Link.encode(url))"
    }
    private static func answer(_ bytes: [UInt8], _ type: String) -> Answer { Answer(type: type, bytes: bytes).replayed }

    /// The page as it stood: its document after all acts.
    private nonisolated func page(_ visit: Visit) async throws -> Answer {
        let (item, mark) = try await item(visit)
        let package = try await package(item, visit.desk)
        guard let entry = package.zip.entry("views/dom.html"), let bytes = package.zip.bytes(entry, limit: Replay.most) else { throw Refusal.notFound }
        var rewriter = PageRewriter(base: item.finalURL ?? item.url) { Replay.place($0, mark, package) }
        return Replay.answer(Array(rewriter.html(String(decoding: bytes, as: UTF8.self)).utf8), "text/html; charset=utf-8")
    }

    /// One of the answers that the page was given.
    private nonisolated func part(_ visit: Visit) async throws -> Answer {
        let (item, mark) = try await item(visit)
        let package = try await package(item, visit.desk)
        var url = visit.exchange.query["u"] ?? ""
        guard let archive = package.zip.entry(Packaging.archive) else { throw Refusal.notFound }
        for _ in 0..<5 {
            guard let place = package.places[url], let record = PackagePictures.record(at: place.offset, of: archive, package.zip) else { throw Refusal.notFound }
            var rewriter = PageRewriter(base: url) { Replay.place($0, mark, package) }
            if (300..<400).contains(place.status) {
                let head = String(decoding: record.body.prefix(16 << 10), as: UTF8.self)
                let location = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("location:") }?.dropFirst("location:".count)
                guard let next = location.flatMap({ rewriter.absolute(String($0)) }) else { throw Refusal.notFound }
                url = next
                continue
            }
            let body = WARC.payload(record.body)
            guard body.count <= Replay.most else { throw Refusal.notFound }
            let mime = place.mime.lowercased()
            if mime.contains("css") || mime.contains("html") {
                let text = (try? Encodings.decode(body).text) ?? String(decoding: body, as: UTF8.self)
                return mime.contains("css")
                    ? Replay.answer(Array(rewriter.css(text).utf8), "text/css; charset=utf-8") : Replay.answer(Array(rewriter.html(text).utf8), "text/html; charset=utf-8")
            }
            if let picture = PackagePictures.mediaType(body) { return Replay.answer(body, picture) }
            guard ["image/", "font/", "video/", "audio/", "application/font", "application/x-font", "application/vnd.ms-fontobject"].contains(where: { mime.hasPrefix($0) }) else {
                throw Refusal.notFound
            }
            return Replay.answer(body, mime)
        }
        throw Refusal.notFound
    }
}
