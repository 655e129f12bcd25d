import Formats
import Foundation
import Kernel
import Logging
import Platform
import Statute
import Store
import Synchronization
import Web

/// The front door of Monitoring (网络交易监测): what it brings to the house.
package enum Monitoring {
    package static let grants: [Grant] = [
        Grant("monitoring.see", Text("查看监测", "See monitoring"), [.analyst, .officer, .inspector, .leader, .director, .auditor]),
        Grant("monitoring.intake", Text("采集商品信息", "Take listings in"), [.analyst, .admin]),
        Grant("monitoring.screen", Text("初筛线索", "Screen leads"), [.analyst, .leader]),
        Grant("monitoring.dispatch", Text("派发线索", "Dispatch leads"), [.analyst, .leader]),
        Grant("monitoring.verify", Text("核查线索", "Verify leads"), [.officer, .inspector, .leader]),
        Grant("monitoring.edit", Text("编写监测模型", "Write models"), [.analyst]),
        Grant("monitoring.approve", Text("批准监测模型", "Approve models"), [.leader]),
    ]

    package static func room(_ law: LawRegister, cache: URL?) -> ModelRoom { ModelRoom(law: law, cache: cache) }

    package static func domain(room: ModelRoom) -> Domain {
        let shop = RateLimit(burst: 60, perMinute: 60)
        return Domain(
            name: "monitoring", migrations: MonitoringSchema.migrations, grants: grants,
            routes: { desk in
                let intake = Intake(desk: desk, room: room)
                return LeadPages(leads: intake.leads, room: room).routes() + ListingPages(intake: intake).routes() + ModelPages(room: room).routes()
                    + NoticePages(leads: intake.leads, limit: shop).routes() + RequestPages(limit: shop).routes() + MonitoringAPI(intake: intake).routes()
            },
            jobs: [
                JobKind(LeadDesk.recheck) { desk, payload in
                    guard let lead = payload["lead"]?.int else { return }
                    try await LeadDesk(desk: desk).lookAgain(Int64(lead), room: room)
                },
                JobKind("monitoring.words") { desk, payload in try await PictureWords.take(payload, Intake(desk: desk, room: room)) },
                JobKind(ModelPages.backtest) { desk, payload in
                    guard let id = payload["id"]?.int else { return }
                    try await ModelPages.runBacktest(Int64(id), desk: desk, room: room)
                },
            ],
            menu: [("/monitoring", Text("监测", "Monitoring"), "monitoring.see")],
            operatorPanels: [OperatorLeads.panel], overviewPanels: [LeadFigures.panel],
            matterKinds: [
                MatterKind(
                    table: LeadMoves.table, permission: "monitoring.see", violation: { try $1.one("SELECT model FROM monitoring_leads WHERE matter = \($0)")?.string("model") }
                ) { "/leads/\($0.id)" },
                MatterKind(table: RequestMoves.table, permission: "monitoring.see") { "/requests/\($0.id)" },
            ],
            notices: [LeadNotice.title, LeadNotice.more, RequestMoves.letter],
            acts: [
                "lead.joined": Text("命中并入线索", "A hit joined a lead"), "monitoring.edition-added": Text("新增模型版本", "Model edition added"),
                "monitoring.edition-active": Text("启用模型", "Model activated"), "monitoring.edition-shadow": Text("模型转入试运行", "Model put in trial"),
                "monitoring.edition-retired": Text("停用模型", "Model retired"), "monitoring.edition-draft": Text("模型退回草稿", "Model back to draft"),
                "monitoring.excepted": Text("设置监测例外", "Exception made"), "monitoring.exception-ended": Text("终止监测例外", "Exception ended"),
                "monitoring.trigger": Text("设置触发条件", "Trigger set"), "monitoring.sellers": Text("登记平台身份信息", "Identity report taken in"),
                "monitoring.registers": Text("登记许可与名录", "Registers taken in"),
            ],
            sealed: [
                SealedTable("monitoring_leads", key: "matter"), SealedTable("monitoring_captures"), SealedTable("monitoring_editions"), SealedTable("monitoring_exceptions"),
                SealedTable("monitoring_requests", key: "matter"),
            ],
            files: { tx in
                Set(
                    try tx.all("SELECT body_hash, corrected_hash FROM monitoring_leads").flatMap { [$0.optionalString("body_hash"), $0.optionalString("corrected_hash")] }
                        .compactMap { $0 }
                ).union(try tx.all("SELECT DISTINCT after_hash FROM monitoring_hits WHERE after_hash IS NOT NULL").map { $0.string("after_hash") })
            },
            imports: imports(room),
            tick: { [retention = Retention()] desk in
                try await Inbox(intake: Intake(desk: desk, room: room)).look()
                try await retention.onceADay(desk)
            }, settings: [Retention.setting, RequestMoves.answer, LeadDesk.captures])
    }

    private static func imports(_ room: ModelRoom) -> [ImportKind] {
        [
            ImportKind(format: ListingFiles.format, title: Text("导入商品信息", "Import listings"), permission: "monitoring.intake") { desk, file, progress in
                try await room.takeInShipped(desk.store, at: desk.now)
                return try await ListingFiles.run(Intake(desk: desk, room: room), file: file, by: "import", progress: progress)
            },
            SellerImport.kind, RegisterImport.kind,
        ]
    }
}

/// A folder that is watched (监控文件夹): what a platform or a collector puts into `inbox` of the data folder is taken in and moved to
/// `inbox/done`; what could not be read goes to `inbox/failed`, with the rejected rows beside it.
struct Inbox: Sendable {
    let intake: Intake

    private var folder: URL { intake.desk.files.folder.deletingLastPathComponent().appendingPathComponent("inbox") }

    /// Takes the files that are there and whole. Several workers may look: a file is one's own once it is renamed.
    func look() async throws {
        try await intake.room.takeInShipped(intake.desk.store, at: intake.desk.now)
        let manager = FileManager.default
        guard let names = try? manager.contentsOfDirectory(atPath: folder.path) else { return }
        for name in names.sorted() where !name.hasPrefix(".") && name != "done" && name != "failed" {
            let file = folder.appendingPathComponent(name)
            guard let facts = try? manager.attributesOfItem(atPath: file.path), facts[.type] as? FileAttributeType == .typeRegular,
                // Still being written: it changed within the last seconds.
                let changed = facts[.modificationDate] as? Date, Int64(changed.timeIntervalSince1970 * 1000) < intake.desk.now.milliseconds - 3000
            else { continue }
            let mine = folder.appendingPathComponent(".\(Crypto.hex(Crypto.random(4)))-\(name)")
            guard (try? manager.moveItem(at: file, to: mine)) != nil else { continue }
            do {
                let batch = try await ListingFiles.run(intake, file: mine.path, by: "folder") { _, _ in }
                intake.desk.logger.notice(
                    "listings taken in from the folder",
                    metadata: ["file": "\(name)", "added": "\(batch.added)", "changed": "\(batch.changed)", "rejected": "\(batch.rejects.count)"])
                try put(mine, "done", name)
                if let rejected = batch.rejectedFile { try put(URL(fileURLWithPath: rejected), "failed", name + ".rejected.csv") }
            } catch let refusal as Refusal {
                intake.desk.logger.warning("a file of the folder cannot be read", metadata: ["file": "\(name)", "why": "\(refusal.fields.first?.text.en ?? refusal.text.en)"])
                try put(mine, "failed", name)
                let why = (refusal.fields.first?.text ?? refusal.text)
                try? Data("\(why.zh)\n\(why.en)\n".utf8).write(to: folder.appendingPathComponent("failed/\(name).error.txt"))
            }
        }
    }

    private func put(_ file: URL, _ place: String, _ name: String) throws {
        let manager = FileManager.default
        let target = folder.appendingPathComponent(place)
        try manager.createDirectory(at: target, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var to = target.appendingPathComponent(name)
        if manager.fileExists(atPath: to.path) { to = target.appendingPathComponent("\(Crypto.hex(Crypto.random(3)))-\(name)") }
        try manager.moveItem(at: file, to: to)
    }
}

/// What is no longer needed (保存期限): texts and prices older than the office keeps them; what a lead rests on stays.
package final class Retention: Sendable {
    /// Days that texts and prices are kept, if the office has not set `monitoring.retention.days`: its choice, not the law's.
    package static let days = 1096
    static let setting = NumberSetting("monitoring.retention.days", Text("商品历史保存天数", "Days that texts and prices of listings are kept"), days, 30...3660)
    private let last = Mutex<Day?>(nil)
    package init() {}

    /// Once a day of this process; others may do it too, there is then nothing left to do.
    func onceADay(_ desk: Desk) async throws {
        let today = desk.today()
        guard last.withLock({ $0 != today }) else { return }
        let keeping = try await desk.store.read { try Retention.setting.value($0) }
        let removed = try await Retention.run(desk.store, keeping: keeping, at: desk.now)
        if removed > 0 { desk.logger.notice("old versions and prices were removed", metadata: ["count": "\(removed)"]) }
        last.withLock { $0 = today }
    }

    package static func run(_ store: Store, keeping days: Int, at now: Moment) async throws -> Int {
        let before = now.adding(seconds: -Int64(days) * 86_400)
        return try await store.write { tx in
            try tx.run(
                """
                DELETE FROM monitoring_versions WHERE last_at < \(before)
                AND number < (SELECT version FROM monitoring_listings i WHERE i.id = monitoring_versions.listing)
                """) + tx.run("DELETE FROM monitoring_observations WHERE at < \(before)")
        }
    }
}

/// The identity reports of platforms in January and July (平台身份信息报送): who stands behind a shop.
///
/// Law: O37 art. 25; DR.
enum SellerImport {
    static let format = ImportFormat(
        kind: "sellers",
        columns: [
            .init("platform", ["平台", "平台名称"], required: true), .init("shop", ["网店名称", "店铺名称", "店铺"], required: true), .init("shopID", ["店铺ID", "店铺编号"]),
            .init("url", ["网店网址", "网址", "链接"]), .init("taxID", ["统一社会信用代码", "信用代码"]), .init("name", ["经营主体名称", "主体名称", "企业名称"]),
            .init("contact", ["联系方式", "联系电话", "电话"]), .init("region", ["区划", "行政区划"]), .init("unregistered", ["是否未登记", "未办理登记", "自然人"]),
            .init("reportedOn", ["报送日期", "报送时间"]),
        ])

    static let kind = ImportKind(format: format, title: Text("导入平台身份信息", "Import identity reports"), permission: "monitoring.intake") { desk, file, progress in
        let now = desk.now
        return try await Transfer.run(format, file: file, store: desk.store, progress: progress) { try write($0, at: now, $1) }
    }

    private static func write(_ records: [ImportRecord], at now: Moment, _ tx: Transaction) throws -> ImportBatch {
        var batch = ImportBatch()
        for r in records {
            do {
                var code: String?
                if !r["taxID"].isEmpty {
                    do { code = try USCC(r["taxID"].uppercased()).description } catch {
                        throw r.reject("taxID", Text("统一社会信用代码\(error.text.zh)", "the credit code \(error.text.en)"))
                    }
                }
                guard !r["platform"].isEmpty, !r["shop"].isEmpty else { throw r.reject(r["shop"].isEmpty ? "shop" : "platform", Text("不能为空", "must not be empty")) }
                var day: Day?
                if !r["reportedOn"].isEmpty {
                    day = Transfer.day(r["reportedOn"])
                    if day == nil { throw r.reject("reportedOn", Text("“\(r["reportedOn"])”不是日期", "“\(r["reportedOn"])” is not a date")) }
                }
                let unregistered = ["是", "1", "yes", "true", "未登记"].contains(r["unregistered"].lowercased())
                if unregistered, code != nil { throw r.reject("unregistered", Text("有信用代码的不能标为未登记", "has a credit code and says it is not registered")) }
                let ref = "\(r["platform"])|\(r["shopID"].isEmpty ? r["shop"] : r["shopID"])"
                let found = try code.flatMap { try Operators.find(uscc: $0, tx) }
                let contact = r["contact"].isEmpty ? nil : Intake.mark(r["contact"])
                if let old = try tx.one("SELECT id, uscc, contact, unregistered, reported_on FROM monitoring_sellers WHERE ref = \(ref)") {
                    let isSame =
                        old.optionalString("uscc") == code && old.optionalString("contact") == contact && old.bool("unregistered") == unregistered
                        && old.optionalDay("reported_on") == day
                    if isSame {
                        batch.same += 1
                        continue
                    }
                    try tx.send(
                        """
                        UPDATE monitoring_sellers SET name = \(r["shop"]), uscc = \(code), operator = COALESCE(\(found?.id), operator), contact = COALESCE(\(contact), contact), unregistered = \(unregistered),
                        reported_on = \(day), region = CASE WHEN \(r["region"]) = '' THEN region ELSE \(r["region"]) END, changed_at = \(now) WHERE id = \(old.int("id"))
                        """)
                    batch.changed += 1
                } else {
                    try tx.send(
                        """
                        INSERT INTO monitoring_sellers (ref, platform, name, uscc, operator, region, contact, unregistered, reported_on, changed_at)
                        VALUES (\(ref), \(r["platform"]), \(r["shop"]), \(code), \(found?.id), \(r["region"]), \(contact), \(unregistered), \(day), \(now))
                        """)
                    batch.added += 1
                }
            } catch let reject as ImportReject { batch.rejects.append(reject) }
        }
        if batch.added + batch.changed > 0 {
            try tx.audit(
                "monitoring.sellers", of: Reference(kind: "import", id: 0), by: "import", at: now, details: [("added", .int(batch.added)), ("changed", .int(batch.changed))])
        }
        return batch
    }
}

/// Numbers that others issue (许可、证书、不合格名录): permits and certificates with their holders and days, goods that failed a check.
enum RegisterImport {
    static let kinds = ["food", "drug", "device", "publication", "certificate", "failed"]
    static let format = ImportFormat(
        kind: "registers",
        columns: [
            .init("kind", ["类别", "名录"], required: true), .init("number", ["编号", "许可证编号", "证书编号", "批号"], required: true), .init("holder", ["持有人代码", "统一社会信用代码", "信用代码"]),
            .init("detail", ["说明", "产品", "名称"]), .init("validTo", ["有效期至", "失效日期"]),
        ])

    static let kind = ImportKind(format: format, title: Text("导入许可与名录", "Import registers"), permission: "monitoring.intake") { desk, file, progress in
        let now = desk.now
        return try await Transfer.run(format, file: file, store: desk.store, progress: progress) { records, tx in
            var batch = ImportBatch()
            for r in records {
                guard kinds.contains(r["kind"]) else {
                    batch.rejects.append(r.reject("kind", Text("应为 \(kinds.joined(separator: "、")) 之一", "is one of \(kinds.joined(separator: ", "))")))
                    continue
                }
                let day = r["validTo"].isEmpty ? nil : Transfer.day(r["validTo"])
                guard !r["number"].isEmpty else {
                    batch.rejects.append(r.reject("number", Text("不能为空", "must not be empty")))
                    continue
                }
                guard day != nil || r["validTo"].isEmpty else {
                    batch.rejects.append(r.reject("validTo", Text("“\(r["validTo"])”不是日期", "“\(r["validTo"])” is not a date")))
                    continue
                }
                let holder = r["holder"].uppercased()
                if let old = try tx.one("SELECT id, detail, valid_to FROM monitoring_registers WHERE kind = \(r["kind"]) AND number = \(r["number"]) AND holder = \(holder)") {
                    if old.string("detail") == r["detail"], old.optionalDay("valid_to") == day {
                        batch.same += 1
                        continue
                    }
                    try tx.send("UPDATE monitoring_registers SET detail = \(r["detail"]), valid_to = \(day) WHERE id = \(old.int("id"))")
                    batch.changed += 1
                } else {
                    try tx.send(
                        "INSERT INTO monitoring_registers (kind, number, holder, detail, valid_to) VALUES (\(r["kind"]), \(r["number"]), \(holder), \(r["detail"]), \(day))")
                    batch.added += 1
                }
            }
            if batch.added + batch.changed > 0 {
                try tx.audit(
                    "monitoring.registers", of: Reference(kind: "import", id: 0), by: "import", at: now, details: [("added", .int(batch.added)), ("changed", .int(batch.changed))])
            }
            return batch
        }
    }
}
