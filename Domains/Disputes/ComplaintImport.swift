import Formats
import Kernel
import Platform
import Statute
import Store

/// Import of complaints (投诉导入): lists of other systems as CSV or XLSX. A row that came in before is known by its number
/// or, without one, by its content, so a second run adds nothing.
package enum ComplaintImport {
    /// Stands for a phone that the file does not have; it is asked for before a decision.
    static let noPhone = "00000"

    package static let format = ImportFormat(
        kind: "complaints",
        columns: [
            .init("externalNumber", ["编号", "工单号", "平台编号", "id"]), .init("name", ["投诉人", "投诉人姓名", "姓名"]), .init("phone", ["投诉人电话", "联系电话", "电话"]),
            .init("address", ["投诉人地址", "通讯地址"]), .init("respondentName", ["被投诉人", "被投诉人名称", "商家", "企业名称", "respondent"], required: true),
            .init("respondentAddress", ["被投诉人地址", "商家地址"]), .init("respondentUSCC", ["统一社会信用代码", "信用代码"]), .init("facts", ["事实", "投诉内容", "内容", "事由", "text"], required: true),
            .init("title", ["标题", "主题"]), .init("purchase", ["商品", "商品或服务"]), .init("claims", ["诉求", "投诉请求", "demands"]), .init("amount", ["金额", "涉及金额"]),
            .init("occurredOn", ["发生日期", "购买日期"]), .init("receivedOn", ["收到日期", "登记日期", "投诉日期"]), .init("region", ["区划", "行政区划"]),
        ])

    package static let kind = ImportKind(format: format, title: Text("导入投诉", "Import complaints"), permission: "disputes.import") { desk, file, progress in
        let (handling, now) = (Handling(desk: desk), desk.now)
        return try await Transfer.run(format, file: file, store: desk.store, progress: progress) { try write($0, handling: handling, at: now, $1) }
    }

    /// What other systems write for claims. Words that fit none are kept as "other".
    package static func claims(_ text: String, amount: Money?) -> [Claim] {
        let table: [(String, ClaimKind)] = [
            ("退货", .returnGoods), ("退款", .refund), ("退还", .refund), ("退费", .refund), ("赔偿", .compensate), ("补偿", .compensate), ("修", .repair), ("换", .replace), ("重作", .redo),
            ("重做", .redo), ("补足", .makeUp),
            ("道歉", .explain), ("解释", .explain), ("说明", .explain),
        ]
        var kinds: [ClaimKind] = []
        for part in text.split(whereSeparator: { ",，、;；/".contains($0) }) {
            // “退货退款” asks for two things.
            let known = ClaimKind(rawValue: part.trimmed).map { [$0] } ?? table.filter { part.contains($0.0) }.map(\.1)
            for kind in known.isEmpty ? [.other] : known where !kinds.contains(kind) { kinds.append(kind) }
        }
        // A sum stands with the first claim that has one: nobody asks for it twice.
        let first = kinds.first { $0.hasAmount && $0 != .other } ?? kinds.first(where: \.hasAmount)
        return kinds.map { Claim(kind: $0, amount: $0 == first ? amount : nil) }
    }

    static func filing(_ r: ImportRecord, today: Day) throws(ImportReject) -> Filing {
        var f = Filing()
        f.source = "import"
        // Lists from elsewhere often come without the person: what is missing is said so, and asked for at acceptance.
        f.complainantName = r["name"].isEmpty ? Protected.missing : r["name"]
        f.complainantPhone = r["phone"].isEmpty ? noPhone : r["phone"]
        f.complainantAddress = r["address"].isEmpty ? Protected.missing : r["address"]
        f.respondentName = r["respondentName"]
        f.respondentAddress = r["respondentAddress"].isEmpty ? Protected.missing : r["respondentAddress"]
        f.respondentUSCC = r["respondentUSCC"].isEmpty ? nil : r["respondentUSCC"].uppercased()
        f.facts = String(r["facts"].prefix(5000))
        f.purchase = r["purchase"].isEmpty ? (r["title"].isEmpty ? nil : String(r["title"].prefix(100))) : r["purchase"]
        f.externalNumber = r["externalNumber"].isEmpty ? nil : r["externalNumber"]
        f.region = r["region"].isEmpty ? nil : r["region"]
        if !r["amount"].isEmpty {
            guard let money = Money(yuan: r["amount"]) else { throw r.reject("amount", Money.shape) }
            f.amount = money
        }
        f.claims = claims(r["claims"].isEmpty ? "other" : r["claims"], amount: f.amount)
        for (name, value) in [("occurredOn", r["occurredOn"]), ("receivedOn", r["receivedOn"])] where !value.isEmpty {
            guard let day = Transfer.day(value) else { throw r.reject(name, Text("“\(value)”不是日期", "“\(value)” is not a date")) }
            guard day <= today else { throw r.reject(name, Text("日期不能晚于今天", "the day cannot be in the future")) }
            if name == "occurredOn" { f.occurredOn = day } else { f.receivedAt = Moment(day, hour: 9) }
        }
        let key = f.externalNumber.map { "n|\($0)|\(f.respondentName)" } ?? "c|\(f.respondentName)|\(f.complainantPhone)|\(f.facts)"
        f.importKey = Crypto.hex(Crypto.sha256(Array(key.utf8)).prefix(16))
        if let flaw = f.flaws(today: today).first { throw r.reject(column(flaw.pointer), flaw.text) }
        // What the list asked for in words that we have no kind for stays readable.
        let asked = r["claims"]
        let ours = Set(f.claims.flatMap { [$0.kind.rawValue, $0.kind.title.zh] })
        let theirs = asked.split(whereSeparator: { ",，、;；/".contains($0) }).map { String($0).trimmed }.filter { !["退货", "退款", "赔偿", "维修", "换货"].contains($0) }
        if theirs.contains(where: { !ours.contains($0) }) {
            let note = "\n（诉求原文：\(asked)）"
            f.facts = String(f.facts.prefix(max(0, 5000 - note.count))) + note
        }
        return f
    }

    /// A division by its code or by its name; an unknown one would be taken for none.
    private static func known(_ region: String, _ record: ImportRecord, _ desk: Desk) throws(ImportReject) -> String {
        if desk.regions.isKnown(region) || desk.configuration.cityRegion.isEmpty { return region }
        let districts = desk.regions.districts(of: desk.configuration.cityRegion)
        if let named = (districts + districts.flatMap { desk.regions.children(of: $0.code) }).first(where: { $0.name == region }) { return named.code }
        if region == desk.configuration.cityRegion || region == desk.configuration.cityName.zh { return desk.configuration.cityRegion }
        throw record.reject("region", Text("没有代码或名称为“\(region)”的区划", "there is no division with the code or name “\(region)”"))
    }

    /// The column behind a field that was refused.
    static func column(_ pointer: String) -> String {
        let name = Filing.formName(pointer)
        return name == "claim" ? "claims" : name
    }

    package static func write(_ records: [ImportRecord], handling: Handling, at now: Moment, _ tx: Transaction) throws -> ImportBatch {
        var batch = ImportBatch()
        for record in records {
            do {
                var filing = try filing(record, today: now.day)
                if let region = filing.region { filing.region = try known(region, record, handling.desk) }
                if try tx.one("SELECT matter FROM disputes_complaints WHERE import_key = \(filing.importKey)") != nil {
                    batch.same += 1
                    continue
                }
                _ = try Registration.register(filing, by: .system, desk: handling.desk, casework: handling.casework, at: now, code: AccessCode.make(), tx)
                batch.added += 1
            } catch let reject as ImportReject {
                batch.rejects.append(reject)
            } catch let refusal as Refusal {
                batch.rejects.append(record.reject(refusal.fields.first.map { column($0.pointer) } ?? "", refusal.fields.first?.text ?? refusal.text))
            }
        }
        return batch
    }
}
