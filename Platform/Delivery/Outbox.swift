import Formats
import Foundation
import Kernel
import Outbound
import Store

/// What goes out to other programs and to mailboxes (对外投递): written in the act's own transaction, sent by a worker, tried again with
/// growing pauses, kept in a log.
///
/// Subscribers get CloudEvents 1.0 (structured, JSON) signed as Standard Webhooks asks; an SMS gateway is one of them.
package enum Outbox {
    package static let job = "delivery.send"
    package static let kind = JobKind(job) { desk, payload in if let id = payload["id"]?.int { try await send(Int64(id), desk) } }

    /// Where events go (订阅).
    struct Hook: Sendable {
        let id: Int64
        let name: String
        let url: String
        let notices: Bool
        let acts: Bool
        let contacts: Bool
        let madeAt: Moment
        let endedAt: Moment?
        fileprivate let sealed: [UInt8]

        init(_ row: Row) {
            id = row.int("id")
            name = row.string("name")
            url = row.string("url")
            notices = row.bool("notices")
            acts = row.bool("acts")
            contacts = row.bool("contacts")
            madeAt = row.moment("made_at")
            endedAt = row.optionalMoment("ended_at")
            sealed = row.blob("secret")
        }
        static func all(_ tx: Transaction) throws -> [Hook] { try tx.all("SELECT * FROM platform_hooks ORDER BY id").map(Hook.init) }
        func secret(_ keys: Keys) -> [UInt8] { Crypto.open(sealed, key: Outbox.key(keys), context: Array("hook".utf8)) ?? [] }
    }

    /// What waits to be sent must not lie open beside the hashes of its codes.
    private static func key(_ keys: Keys) -> [UInt8] { Crypto.hmacSHA256(key: keys.secret, Array("deliveries".utf8)) }

    // MARK: What is to be sent

    /// A message to a mailbox, with the act that it tells of. Nothing is written where the office has no mail server.
    /// - Parameter event: names what it tells of; the same event is sent to an address once.
    package static func mail(_ address: String, _ message: MailMessage, event: String, subject: String, desk: Desk, at now: Moment, _ tx: Transaction) throws {
        guard let server = desk.mailServer else { return }
        let id = Crypto.hex(Crypto.sha256(Array("\(event)|\(address)".utf8)).prefix(16))
        let body = message.bytes(from: server.from, called: desk.configuration.officeName, to: address, id: id, at: now)
        try add(hook: 0, address: address, event: "\(event)|\(id)", type: "mail", subject: subject, body: body, desk.keys, at: now, tx)
    }

    private static func add(hook: Int64, address: String, event: String, type: String, subject: String, body: [UInt8], _ keys: Keys, at now: Moment, _ tx: Transaction) throws {
        let sealed = Crypto.seal(body, key: key(keys), context: Array(event.utf8))
        let row = try tx.one(
            """
            INSERT INTO platform_deliveries (hook, address, event, type, subject, body, state, made_at) VALUES (\(hook), \(address), \(event), \(type), \(subject), \(sealed), 'waiting', \(now))
            ON CONFLICT (hook, event) DO NOTHING RETURNING id
            """)
        if let row { try Jobs.add(job, [("id", .int(Int(row.int("id"))))], at: now, tx) }
    }

    /// Subscribes an address (新增订阅). Returns the secret with which it checks what it gets; it is shown once.
    static func subscribe(_ name: String, url: String, notices: Bool, acts: Bool, contacts: Bool, by officer: Account, desk: Desk, at now: Moment, _ tx: Transaction) throws
        -> String
    {
        let secret = Crypto.random(32)
        let sealed = Crypto.seal(secret, key: key(desk.keys), context: Array("hook".utf8))
        let notice = try tx.one("SELECT max(id) AS n FROM casework_notices")?.optionalInt("n") ?? 0
        let entry = try tx.one("SELECT size FROM platform_ledger_head")?.int("size") ?? 0
        let id = try tx.insert(
            """
            INSERT INTO platform_hooks (name, url, secret, notices, acts, contacts, made_by, made_at)
            VALUES (\(name), \(url), \(sealed), \(notices), \(acts), \(contacts), \(officer.id), \(now)) RETURNING id
            """)
        try stand(id, "notices", at: notice, tx)
        try stand(id, "entries", at: entry, tx)
        try tx.audit(
            "delivery.subscribed", of: Reference(kind: "hook", id: id), by: officer.mark, at: now,
            details: [("name", .string(name)), ("url", .string(url)), ("contacts", .bool(contacts))], sealing: [.init("platform_hooks", id)])
        return "whsec_" + Data(secret).base64EncodedString()
    }

    /// How far a subscription has come, beside its row: that one is sealed.
    private static func stand(_ hook: Int64, _ what: String, at n: Int64, _ tx: Transaction) throws {
        try tx.run(
            "INSERT INTO platform_marks (name, value) VALUES (\("hook.\(hook).\(what)"), \(String(n))) ON CONFLICT (name) DO UPDATE SET value = \(String(n))")
    }
    private static func stands(_ hook: Int64, _ what: String, _ tx: Transaction) throws -> Int64 {
        try tx.one("SELECT value FROM platform_marks WHERE name = \("hook.\(hook).\(what)")").flatMap { Int64($0.string("value")) } ?? 0
    }

    static func end(_ id: Int64, by officer: Account, at now: Moment, _ tx: Transaction) throws {
        guard try tx.run("UPDATE platform_hooks SET ended_at = \(now) WHERE id = \(id) AND ended_at IS NULL") == 1 else {
            throw Refusal(.conflict, Text("该订阅已停用", "This subscription has ended"))
        }
        try tx.run("UPDATE platform_deliveries SET state = 'failed', error = 'the subscription ended', body = NULL WHERE hook = \(id) AND state = 'waiting'")
        try tx.audit("delivery.ended", of: Reference(kind: "hook", id: id), by: officer.mark, at: now, sealing: [.init("platform_hooks", id)])
    }

    /// 试投: one event that says it is a test.
    static func test(_ hook: Hook, desk: Desk, at now: Moment, _ tx: Transaction) throws {
        let id = "test-\(now.milliseconds)"
        let body = event(id, "org.sinan.test", "", at: now, .object([("name", .string(hook.name))]), desk)
        try add(hook: hook.id, address: "", event: id, type: "org.sinan.test", subject: "", body: body, desk.keys, at: now, tx)
    }

    private static func event(_ id: String, _ type: String, _ subject: String, at: Moment, _ data: JSON, _ desk: Desk) -> [UInt8] {
        Array(
            JSON.object(
                [
                    ("specversion", .string("1.0")), ("id", .string(id)), ("source", .string("/\(desk.keys.origin)")), ("type", .string(type)),
                    ("time", .string(at.isoText)), ("datacontenttype", .string("application/json")), ("data", data),
                ] + (subject.isEmpty ? [] : [("subject", .string(subject))])
            ).text.utf8)
    }

    // MARK: Looking for what is new

    /// Numbers may be given out of order by transactions that end in another order: so many are looked at again.
    private static let overlap: Int64 = 200
    private static let batch = 300

    /// Turns new notices and acts into deliveries, for each subscription from where it stands.
    static func look(_ desk: Desk, _ kinds: [String: MatterKind]) async throws {
        let now = desk.now
        let hooks = try await desk.store.read { try Hook.all($0).filter { $0.endedAt == nil } }
        for hook in hooks {
            try await desk.store.write { tx in
                if hook.notices {
                    let from = try stands(hook.id, "notices", tx)
                    let rows = try tx.all(
                        """
                        SELECT n.id, n.matter, n.recipient, n.channel, n.title, n.at, m.number, m.kind FROM casework_notices n JOIN casework_matters m ON m.id = n.matter
                        WHERE n.id > \(from - overlap) AND n.at >= \(hook.madeAt) ORDER BY n.id LIMIT \(batch + Int(overlap))
                        """)
                    for row in rows {
                        let to = try hook.contacts ? kinds[row.string("kind")]?.contact(ID(row.int("matter")), row.string("recipient"), tx) : nil
                        let data = JSON.object(
                            [
                                ("matter", .string(row.string("number"))), ("kind", .string(row.string("kind"))), ("recipient", .string(row.string("recipient"))),
                                ("channel", .string(row.string("channel"))), ("title", .string(row.string("title"))),
                            ] + (to.map { [("to", .string($0))] } ?? []))
                        let id = "notice-\(row.int("id"))"
                        try add(
                            hook: hook.id, address: "", event: id, type: "org.sinan.notice", subject: row.string("number"),
                            body: event(id, "org.sinan.notice", row.string("number"), at: row.moment("at"), data, desk), desk.keys, at: now, tx)
                    }
                    if let last = rows.last?.int("id"), last > from { try stand(hook.id, "notices", at: last, tx) }
                }
                if hook.acts {
                    // The ledger grows at one end: what it holds stands in order.
                    let rows = try tx.all("SELECT idx, entry FROM platform_ledger WHERE idx >= \(try stands(hook.id, "entries", tx)) ORDER BY idx LIMIT \(batch)")
                    for row in rows {
                        let entry = try JSON(parsing: Array(row.string("entry").utf8))
                        let id = "entry-\(row.int("idx"))"
                        let act = entry["act"]?.string ?? "act"
                        try add(
                            hook: hook.id, address: "", event: id, type: "org.sinan.act.\(act)", subject: entry["of"]?.string ?? "",
                            body: event(id, "org.sinan.act.\(act)", entry["of"]?.string ?? "", at: entry["at"]?.string.flatMap { Moment($0) } ?? now, entry, desk), desk.keys,
                            at: now, tx)
                    }
                    if let last = rows.last?.int("idx") { try stand(hook.id, "entries", at: last + 1, tx) }
                }
            }
        }
    }

    // MARK: Sending

    /// Sends one; throws where it is to be tried again.
    private static func send(_ id: Int64, _ desk: Desk) async throws {
        let (row, hook) = try await desk.store.read { tx in
            let row = try tx.one("SELECT * FROM platform_deliveries WHERE id = \(id) AND state = 'waiting'")
            return (row, try row.flatMap { try tx.one("SELECT * FROM platform_hooks WHERE id = \($0.int("hook"))").map(Hook.init) })
        }
        guard let row, let sealed = row.optionalBlob("body"), let body = Crypto.open(sealed, key: key(desk.keys), context: Array(row.string("event").utf8)) else { return }
        let attempt = row.count("attempts") + 1
        var (status, failure, final): (Int?, String?, Bool) = (nil, nil, false)
        do {
            if row.int("hook") == 0 {
                guard let server = desk.mailServer else { throw Outbound.Failure.failed("no mail server is configured") }
                try await desk.outbound.mail(body, to: row.string("address"), by: server)
            } else if let hook, hook.endedAt == nil {
                let now = desk.now.milliseconds / 1000
                let signed = Crypto.hmacSHA256(key: hook.secret(desk.keys), Array("\(row.string("event")).\(now).".utf8) + body)
                let answer = try await desk.outbound.request(
                    "POST", hook.url,
                    headers: [
                        ("Content-Type", "application/cloudevents+json; charset=utf-8"), ("User-Agent", "sinan"), ("webhook-id", row.string("event")),
                        ("webhook-timestamp", String(now)), ("webhook-signature", "v1,\(Data(signed).base64EncodedString())"),
                    ], body: body)
                status = answer.status
                if !(200..<300).contains(answer.status) {
                    failure = "answered \(answer.status)"
                    // Who says that it is gone, or that it will not have this, is not asked again.
                    final = answer.status == 410
                }
            }
        } catch Outbound.Failure.inside {
            (failure, final) = (Outbound.Failure.inside.description, true)
        } catch let error as Outbound.Failure { failure = error.description }
        let (done, told, now) = (failure == nil, failure.map { String($0.prefix(300)) }, desk.now)
        let state = done ? "sent" : final || attempt >= Jobs.attempts ? "failed" : "waiting"
        let code = status
        // What was delivered is not kept: the log says what and when, not with which words.
        try await desk.store.write { tx in
            try tx.run(
                """
                UPDATE platform_deliveries SET state = \(state), attempts = \(attempt), status = \(code.map(Int64.init)), error = \(told), done_at = \(state == "waiting" ? nil : now),
                body = \(state == "sent" ? nil : sealed) WHERE id = \(id)
                """)
        }
        if let failure, state == "waiting" { throw Fault("delivery \(id): \(failure)") }
    }

    /// 重新投递 of what failed.
    static func again(_ id: Int64, at now: Moment, _ tx: Transaction) throws {
        guard
            try tx.run("UPDATE platform_deliveries SET state = 'waiting', attempts = 0, error = NULL, done_at = NULL WHERE id = \(id) AND state = 'failed' AND body IS NOT NULL")
                == 1
        else { throw Refusal(.conflict, Text("该投递不能重试", "This cannot be sent again")) }
        try Jobs.add(job, [("id", .int(Int(id)))], at: now, tx)
    }
}
