import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// Files, photos and recordings that an officer brings (收取文件): sniffed, capped and hashed at the door, then kept as they came.
struct FileIntake: Sendable {
    func routes() -> [Route] {
        [
            Route(.get, "/evidence/files/new", .permitted("evidence.capture")) { visit in try await form(visit, nil, nil) },
            Route(.post, "/evidence/files", .permitted("evidence.capture"), cap: Attachments.maximumSize + (1 << 20)) { visit in try await take(visit) },
        ]
    }

    /// The row of a file that is in the store already; its act of custody is the caller's.
    static func keep(
        number: String, _ hash: String, named name: String, title: String, size: Int, _ digests: Digests, purpose: String, matter: ID<Matter>?, region: String, by officer: Account,
        second: ID<Account>? = nil, at now: Moment, _ tx: Transaction
    ) throws -> EvidenceItem {
        let id = try tx.insert(
            """
            INSERT INTO evidence_items (number, kind, matter, region, url, device, script, purpose, account, second, state, asked_at, attempts, title, file, name, size, sm3, sealed_at)
            VALUES (\(number), 'file', \(matter), \(region), '', 'desktop', '', \(purpose), \(officer.id), \(second), 'sealed', \(now), 0, \(title),
            \(hash), \(name), \(Int64(size)), \(Crypto.hex(digests.sm3)), \(now)) RETURNING id
            """)
        return try EvidenceItem.find(id, tx)
    }

    private func form(_ visit: Visit, _ refusal: Refusal?, _ form: Form?) async throws -> Answer {
        let account = try visit.require("evidence.capture")
        let start = form ?? visit.exchange.query, of = (start["matter"] ?? start["of"])?.trimmed.uppercased()
        let colleagues = try await visit.desk.store.read { try EvidencePages.colleagues(account, of: of, visit, $0) }
        return visit.page(Text("收取文件", "Take a file in"), status: refusal?.kind.status ?? 200, active: "/evidence") { h in
            h.div("narrow") {
                h.h1(Text("收取文件作为证据", "Take a file in as evidence"))
                h.errorSummary(refusal)
                visit.form(h, "/evidence/files", "card card-body", multipart: true) {
                    let errors = HTML.Errors(refusal)
                    h.field(
                        "files", Text("文件", "File"), value: nil, type: "file",
                        hint: Text("照片 JPG、PNG、WebP，PDF 或 MP4，不超过20MB；按原样保存，收取时即计算哈希", "Photo as JPG, PNG or WebP, PDF or MP4, up to 20 MB; kept as it is, hashed at once"),
                        errors: errors, attributes: [.init("accept", "image/jpeg,image/png,image/webp,application/pdf,video/mp4")])
                    h.field("purpose", Text("来源和取得方式", "Where it is from and how it was had"), value: start["purpose"], errors: errors)
                    h.field("matter", Text("事项编号", "Matter"), value: start["matter"] ?? start["of"], errors: errors, required: false)
                    h.select(
                        "second", Text("另一名执法人员", "The second officer"), options: [("", Text("无", "None"))] + colleagues.map { ($0.id.description, Text(verbatim: $0.name)) },
                        value: start["second"], errors: errors, required: false)
                    h.button(Text("收取", "Take in"))
                }
            }
        }
    }

    private func take(_ visit: Visit) async throws -> Answer {
        let officer = try visit.require("evidence.capture")
        let sent = try visit.exchange.form()
        try visit.checkForm(sent)
        do {
            var wrong: [Refusal.Field] = []
            var kept: Attachments.Kept?
            var bytes: [UInt8] = []
            if let file = sent.files.first(where: { $0.field == "files" }), !file.bytes.isEmpty {
                bytes = file.bytes
                do { kept = try Attachments.keep(file.name, file.bytes, visit.desk.files) } catch let refusal as Refusal { wrong += refusal.fields }
            } else {
                wrong.append(.init("/files", Text("请选择文件", "Choose a file")))
            }
            let purpose = (sent["purpose"] ?? "").trimmed
            if purpose.count < 2 || purpose.count > 200 { wrong.append(.init("/purpose", Text("请写明来源和取得方式（2至200字）", "Say where it is from, in 2 to 200 characters"))) }
            let digests = Digests(bytes)
            let (file, faults, now) = (kept, wrong, visit.desk.now)
            let number = (sent["matter"] ?? "").trimmed.uppercased()
            let second = sent["second"].flatMap { ID<Account>($0) }
            let item = try await visit.desk.store.write { tx in
                var wrong = faults
                let matter = try EvidencePages.matter(number, visit, &wrong, tx)
                let other = try EvidencePages.second(second, officer, of: matter, visit, &wrong, tx)
                guard wrong.isEmpty, let file else { throw Refusal.invalid(wrong) }
                let item = try FileIntake.keep(
                    number: CaptureQueue.number(now, tx), file.hash, named: file.name, title: file.name, size: file.size, digests, purpose: purpose, matter: matter?.id,
                    region: matter?.region ?? officer.region, by: officer, second: other, at: now, tx)
                try Custody.record("received", on: item, by: .staff(officer), note: purpose, at: now, tx)
                try Jobs.add(CaptureQueue.job, [], at: now, tx)
                return item
            }
            return visit.redirect("/evidence/\(item.id)", saying: Text("已收取，编号\(item.number)", "Taken in as \(item.number)"))
        } catch let refusal as Refusal where refusal.kind == .invalid { return try await form(visit, refusal, sent) }
    }
}

/// Timestamps for what was sealed while no authority could be reached (补加时间戳): of files, and of packages from a closed network.
struct LateStamps: Sendable {
    let authorities: [String]

    func look(_ desk: Desk) async throws {
        guard !authorities.isEmpty else { return }
        let asked = try TimestampAuthorities(authorities, outbound: desk.outbound)
        let since = desk.now.adding(seconds: -30 * 86_400)
        let open = try await desk.store.read { tx in
            try tx.all(
                "SELECT * FROM evidence_items i WHERE i.state = 'sealed' AND i.sealed_at > \(since) AND NOT EXISTS (SELECT 1 FROM evidence_stamps s WHERE s.item = i.id) ORDER BY i.id LIMIT 50"
            ).map(EvidenceItem.init)
        }
        for item in open {
            // Of a package what its signature signs, of a file the file.
            guard let digest = (item.digest ?? item.file).flatMap({ Crypto.bytes(hex: $0) }) else { continue }
            // Where none answers, all are asked again in half a minute.
            guard let issued = try? await asked.stamp(digest) else { return }
            let now = desk.now
            try await desk.store.write { tx in
                for one in issued {
                    try item.keep(one, tx)
                    try Custody.record("stamped", on: item, by: .system, note: "\(one.stamp.at.isoText) \(one.stamp.authority)", at: now, tx)
                }
            }
        }
    }
}
