import Formats
import Foundation
import Kernel
import Platform
import Store

/// Something that was seen or handed over, kept as evidence (电子证据).
package struct EvidenceItem: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case waiting, running, sealed, failed
        package var title: Text {
            switch self {
            case .waiting: Text("排队中", "Waiting")
            case .running: Text("取证中", "Being captured")
            case .sealed: Text("已封存", "Sealed")
            case .failed: Text("未成功", "Failed")
            }
        }
        var tone: String {
            switch self {
            case .waiting: "grey"
            case .running: "blue"
            case .sealed: "green"
            case .failed: "red"
            }
        }
    }
    package let id: Int64
    package let number: String
    package let kind: String
    package let matter: ID<Matter>?
    package let region: String
    package let url: String
    package let device: CaptureRequest.Device
    package let script: String
    package let purpose: String
    package let account: ID<Account>
    package let second: ID<Account>?
    package let state: State
    package let askedAt: Moment
    package let attempts: Int
    package let failure: String?
    package let title: String
    package let finalURL: String?
    /// SHA-256 of the file: its name in the store.
    package let file: String?
    package let name: String?
    package let size: Int
    package let sm3: String?
    package let digest: String?
    package let key: String?
    package let sealedAt: Moment?

    init(_ row: Row) {
        id = row.int("id")
        number = row.string("number")
        kind = row.string("kind")
        matter = row.optionalID("matter")
        region = row.string("region")
        url = row.string("url")
        device = CaptureRequest.Device(rawValue: row.string("device")) ?? .desktop
        script = row.string("script")
        purpose = row.string("purpose")
        account = row.id("account")
        second = row.optionalID("second")
        state = State(rawValue: row.string("state")) ?? .failed
        askedAt = row.moment("asked_at")
        attempts = row.count("attempts")
        failure = row.optionalString("failure")
        title = row.string("title")
        finalURL = row.optionalString("final_url")
        file = row.optionalString("file")
        name = row.optionalString("name")
        size = Int(row.optionalInt("size") ?? 0)
        sm3 = row.optionalString("sm3")
        digest = row.optionalString("digest")
        key = row.optionalString("key")
        sealedAt = row.optionalMoment("sealed_at")
    }
    var reference: Reference { Reference(kind: "evidence", id: id) }

    /// Who captured it, and the second.
    func officers(_ tx: Transaction) throws -> [String] {
        let people = [account.raw] + (second.map { [$0.raw] } ?? [])
        let names = try Accounts.names(people, tx)
        return people.compactMap { names[$0] }
    }
    func stamps(_ tx: Transaction) throws -> [(authority: String, at: Moment)] {
        try tx.all("SELECT authority, at FROM evidence_stamps WHERE item = \(id) ORDER BY id").map { ($0.string("authority"), $0.moment("at")) }
    }
    func keep(_ issued: IssuedStamp, _ tx: Transaction) throws {
        let s = issued.stamp
        try tx.run("INSERT INTO evidence_stamps (item, authority, at, token, trusted) VALUES (\(id), \("\(s.authority) \(issued.url)"), \(s.at), \(issued.token), \(s.trusted))")
    }

    package static func find(_ id: Int64, _ tx: Transaction) throws -> EvidenceItem {
        guard let row = try tx.one("SELECT * FROM evidence_items WHERE id = \(id)") else { throw Refusal.notFound }
        return EvidenceItem(row)
    }
    package static func of(_ matter: ID<Matter>, _ tx: Transaction) throws -> [EvidenceItem] {
        try tx.all("SELECT * FROM evidence_items WHERE matter = \(matter) ORDER BY id DESC").map(EvidenceItem.init)
    }
}

/// What is done with evidence, each act with who, why and the item's hash (保管链).
package enum Custody {
    static let acts: [(String, Text)] = [
        ("asked", Text("提出取证", "Capture asked for")), ("sealed", Text("封存", "Sealed")), ("failed", Text("取证未成功", "Capture failed")),
        ("again", Text("重新取证", "Capture asked for again")),
        ("received", Text("收取", "Taken in")), ("opened", Text("查阅", "Opened")), ("exported", Text("导出", "Exported")), ("handed", Text("移交", "Handed over")),
        ("derived", Text("制作遮盖副本", "Redacted copy made")), ("held", Text("暂停销毁", "Held")), ("released", Text("解除暂停", "Hold lifted")), ("disposed", Text("到期销毁", "Destroyed")),
        ("counted", Text("认定证明要素", "Counted for elements")), ("uncounted", Text("撤销要素认定", "Count undone")), ("stamped", Text("补加时间戳", "Timestamp added")),
        ("verified", Text("核验", "Verified")),
    ]
    static func title(_ act: String) -> Text { acts.first { $0.0 == act }?.1 ?? Text(verbatim: act) }

    /// Writes an act down: in the chain, in the ledger, with the row as it now stands.
    static func record(_ act: String, on item: EvidenceItem, by actor: Actor, note: String = "", at now: Moment, sealing: [Ledger.Seal] = [], _ tx: Transaction) throws {
        let hash = item.file ?? ""
        let id = try tx.insert(
            """
            INSERT INTO evidence_custody (item, act, actor, account, note, hash, at) VALUES (\(item.id), \(act), \(actor.mark), \(actor.account?.id), \(note), \(hash), \(now)) RETURNING id
            """)
        try tx.audit(
            "evidence.\(act)", of: item.reference, by: actor.mark, at: now,
            details: [("number", .string(item.number)), ("sha256", .text(item.file)), ("digest", .text(item.digest))] + (note.isEmpty ? [] : [("note", .string(note))]),
            sealing: [.init("evidence_items", item.id), .init("evidence_custody", id)] + sealing)
    }

    struct Act: Sendable {
        let act: String
        let actor: String
        let account: Int64?
        let note: String
        let hash: String
        let at: Moment
        init(_ row: Row) {
            (act, actor, account) = (row.string("act"), row.string("actor"), row.optionalInt("account"))
            (note, hash, at) = (row.string("note"), row.string("hash"), row.moment("at"))
        }
        init(_ act: String, by officer: Account, note: String, hash: String, at: Moment) {
            (self.act, actor, account, self.note, self.hash, self.at) = (act, officer.mark, officer.id.raw, note, hash, at)
        }
    }
    static func of(_ item: Int64, _ tx: Transaction) throws -> [Act] { try tx.all("SELECT * FROM evidence_custody WHERE item = \(item) ORDER BY id").map(Act.init) }
}

extension SealingKey {
    package init(_ keys: Keys) { self.init(scalar: keys.evidence, seed: keys.seed) }
}
