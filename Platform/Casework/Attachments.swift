import Formats
import Kernel
import Store
import Web

/// Files of a matter (附件): kept by hash, known by their bytes, capped, and shown outside only without where a photo was taken.
package struct Attachment: Sendable {
    package let id: ID<Attachment>
    package let matter: ID<Matter>
    package let name: String
    package let kind: String
    package let size: Int
    package let hash: String
    package let outsideHash: String?
    package let source: String
    package let at: Moment

    package init(_ row: Row) {
        id = row.id("id")
        matter = row.id("matter")
        name = row.string("name")
        kind = row.string("kind")
        size = row.count("size")
        hash = row.string("hash")
        outsideHash = row.optionalString("outside_hash")
        source = row.string("source")
        at = row.moment("at")
    }
}

package enum Attachments {
    package static let maximumSize = 20 << 20
    package static let maximumCount = 20

    /// A file that was looked at and is on disk, not yet attached.
    package struct Kept: Sendable {
        package let name: String
        package let kind: FileKind
        package let size: Int
        package let hash: String
        package let outsideHash: String?
        package init(name: String, kind: FileKind, size: Int, hash: String, outsideHash: String?) {
            self.name = name
            self.kind = kind
            self.size = size
            self.hash = hash
            self.outsideHash = outsideHash
        }

        package var json: JSON {
            .object([("name", .string(name)), ("kind", .string(kind.rawValue)), ("size", .int(size)), ("hash", .string(hash)), ("outside", .text(outsideHash))])
        }
        package init?(_ json: JSON) {
            guard let name = json["name"]?.string, let kind = json["kind"]?.string.flatMap({ FileKind(rawValue: $0) }), let size = json["size"]?.int,
                let hash = json["hash"]?.string
            else { return nil }
            self.init(name: name, kind: kind, size: size, hash: hash, outsideHash: json["outside"]?.string)
        }
    }

    /// Takes in the files of a form: those that an earlier, refused sending of it brought, and those that came now. Both lists
    /// together may be shown again by `keptFiles`, so that nobody chooses a file twice.
    /// - Errors: in `wrong`, by file; what is good is kept whatever else is wrong.
    package static func take(_ form: Form, _ visit: Visit) -> (kept: [Kept], wrong: [Refusal.Field]) {
        var kept = form.all("kept").compactMap { sealed -> Kept? in
            let parts = sealed.split(separator: "|", maxSplits: 1).map(String.init)
            guard parts.count == 2, Crypto.equal(Array(parts[0].utf8), Array(visit.seal("kept-file", parts[1]).utf8)) else { return nil }
            return (try? JSON(parsing: Array(parts[1].utf8))).flatMap(Kept.init)
        }
        var wrong: [Refusal.Field] = []
        for file in form.files where file.field == "files" {
            do {
                let new = try keep(file.name, file.bytes, visit.desk.files)
                if !kept.contains(where: { $0.hash == new.hash }) { kept.append(new) }
            } catch let refusal as Refusal { wrong += refusal.fields.isEmpty ? [.init("/files", refusal.text)] : refusal.fields } catch {
                wrong.append(.init("/files", Text("“\(file.name)”无法保存", "“\(file.name)” could not be kept")))
            }
        }
        if kept.count > maximumCount { wrong.append(.init("/files", Text("最多\(maximumCount)个附件", "At most \(maximumCount) files"))) }
        return (kept, wrong)
    }

    /// Sniffs, caps, keeps. Unit: bytes.
    /// - Errors: says which file and why; nothing is attached then.
    package static func keep(_ name: String, _ bytes: [UInt8], _ files: FileStore) throws -> Kept {
        func refuse(_ zh: String, _ en: String) -> Refusal { Refusal.invalid("/files", Text("“\(name)”\(zh)", "“\(name)” \(en)")) }
        guard bytes.count <= maximumSize else { throw refuse("超过20MB", "is larger than 20 MB") }
        guard !bytes.isEmpty else { throw refuse("是空文件", "is empty") }
        guard let kind = FileKind(sniffing: bytes) else { throw refuse("不是可接收的类型（照片 JPG、PNG、WebP，PDF 或 MP4）", "is not of an accepted type (photo as JPG, PNG or WebP, PDF, MP4)") }
        let outside: String? = kind.isImage ? try FileKind.withoutMetadata(bytes).map { try files.keep($0) } : kind == .pdf ? try files.keep(bytes) : nil
        return Kept(name: name, kind: kind, size: bytes.count, hash: try files.keep(bytes), outsideHash: outside)
    }

    package static func attach(_ kept: [Kept], to matter: Matter, source: String, by actor: String, at now: Moment, _ tx: Transaction) throws {
        let already = try tx.count("SELECT count(*) AS n FROM casework_attachments WHERE matter = \(matter.id)")
        guard already + kept.count <= maximumCount else { throw Refusal.invalid("/files", Text("每件最多\(maximumCount)个附件", "At most \(maximumCount) files each")) }
        for file in kept {
            let id = try tx.insert(
                """
                INSERT INTO casework_attachments (matter, name, kind, size, hash, outside_hash, source, at)
                VALUES (\(matter.id), \(file.name), \(file.kind), \(file.size), \(file.hash), \(file.outsideHash), \(source), \(now)) RETURNING id
                """)
            try tx.audit("casework.attached", of: matter.reference, by: actor, at: now, details: [("sha256", .string(file.hash))], sealing: [.init("casework_attachments", id)])
        }
    }

    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> [Attachment] {
        try tx.all("SELECT * FROM casework_attachments WHERE matter = \(matter) ORDER BY id").map(Attachment.init)
    }
    /// Every file that some matter has.
    package static func hashes(_ tx: Transaction) throws -> Set<String> {
        var all: Set<String> = []
        try tx.forEach("SELECT hash, outside_hash FROM casework_attachments") { row in
            all.insert(row.string("hash"))
            if let outside = row.optionalString("outside_hash") { all.insert(outside) }
        }
        return all
    }
    package static func find(_ id: ID<Attachment>, _ tx: Transaction) throws -> Attachment {
        guard let row = try tx.one("SELECT * FROM casework_attachments WHERE id = \(id)") else { throw Refusal.notFound }
        return Attachment(row)
    }
}
