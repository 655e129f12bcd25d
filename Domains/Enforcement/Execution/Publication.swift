import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Publishing penalties (行政处罚信息公示): prepared by one, approved by another, shown for its tier's time, withdrawn where it falls.
/// One of a party that is registered in another province is pushed there, and counts as shown once the office there says so.
///
/// Law: PUB art. 2–15; PCD art. 63.
package struct PublishedPenalty: Sendable {
    let matter: ID<Matter>
    let summary: JSON
    let body: String
    let tier: Display.Tier
    let preparedBy: Int64
    package let publishedOn: Day?
    let earlyFrom: Day?
    package let until: Day?
    package let endedOn: Day?
    package let ending: String?
    package let reason: String?
    let pushedOn: Day?
    let pushedTo: String?
    let shieldedOn: Day?
    init(_ row: Row) throws {
        matter = row.id("matter")
        summary = try JSON(parsing: Array(row.string("summary").utf8))
        body = row.string("body")
        tier = Display.Tier(rawValue: row.string("tier")) ?? .general
        preparedBy = row.int("prepared_by")
        publishedOn = row.optionalDay("published_on")
        earlyFrom = row.optionalDay("early_from")
        until = row.optionalDay("until")
        endedOn = row.optionalDay("ended_on")
        ending = row.optionalString("ending")
        reason = row.optionalString("reason")
        pushedOn = row.optionalDay("pushed_on")
        pushedTo = row.optionalString("pushed_to")
        shieldedOn = row.optionalDay("shielded_on")
    }
    /// Law: O107 art. 22(1).
    static func shield(since day: Day) -> Text { Text("重整计划或者和解协议执行中（\(day)起暂时屏蔽）", "A reorganisation plan or settlement is being carried out: shielded since \(day)") }
    package var decidedOn: Day? { summary["decidedOn"]?.string.flatMap { Day($0) } }
    package static func of(_ id: ID<Matter>, _ tx: Transaction) throws -> PublishedPenalty? {
        try tx.one("SELECT * FROM enforcement_publications WHERE matter = \(id)").map(PublishedPenalty.init)
    }

    /// The summary's columns, as they are shown.
    static let columns: [(String, Text)] = [
        ("number", Text("决定书文号", "Number")), ("party", Text("当事人", "Party")), ("code", Text("统一社会信用代码", "Credit code")), ("violation", Text("违法行为类型", "Violation")),
        ("penalty", Text("行政处罚内容", "Penalty")), ("authority", Text("作出决定机关", "Authority")), ("decidedOn", Text("决定日期", "Decided on")),
    ]
    /// What is published beside the text: number, party, kind of violation, penalty, authority, day.
    static func summary(_ c: Case, office: String) -> JSON {
        .object([
            ("number", .text(c.decisionNumber)), ("party", .string(name(c))), ("code", .text(c.party.kind == .person ? nil : c.party.code)), ("violation", .string(c.cause)),
            ("penalty", .string(c.decided?.items().joined(separator: "；") ?? "")), ("authority", .string(office)), ("decidedOn", .text(c.decidedOn?.description)),
        ])
    }
    /// Persons by their family name alone.
    static func name(_ c: Case) -> String { c.party.kind == .person ? "\(c.party.name.prefix(1))某" : c.party.name }

    /// The decision's text without what is personal, as a beginning for who prepares it.
    package static func redacted(_ html: String, _ c: Case) -> String {
        var text = ""
        var isTag = false
        let lines = html.replacing("</p>", with: "\n</p>").replacing("</h1>", with: "\n</h1>").replacing("</tr>", with: "\n</tr>").replacing("</td>", with: " </td>")
        for c in lines {
            if c == "<" { isTag = true } else if c == ">" { isTag = false } else if !isTag { text.append(c) }
        }
        for (entity, character) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")] { text = text.replacing(entity, with: character) }
        for secret in secrets(c) { text = text.replacing(secret, with: "***") }
        if c.party.kind == .person { text = text.replacing(c.party.name, with: name(c)) }
        return text.split(separator: "\n", omittingEmptySubsequences: true).map { String($0).trimmed }.filter { !$0.isEmpty }.joined(separator: "\n")
    }
    static func personal(_ found: (number: Int, text: String)) -> Refusal {
        Refusal(
            .invalid, Text("公示内容含有个人信息", "It holds personal data"),
            fields: [
                .init(
                    "/body",
                    Text(
                        "第\(found.number)行有电话、身份证件或者银行卡号码：“\(found.text.prefix(12))…”",
                        "Line \(found.number) holds the number of a telephone, an identity card or a bank card: “\(found.text.prefix(12))…”"))
            ], article: Article(law: "PUB", article: "6"))
    }
    static func secrets(_ c: Case) -> [String] {
        [c.party.phone, c.party.kind == .person ? c.party.code : nil, c.party.kind == .person ? c.party.address : nil].compactMap { $0 }.filter { $0.count >= 4 }
    }

    /// What is over stops being shown, once a day.
    static func endWhatIsOver(_ desk: Desk) async throws {
        let now = desk.now
        let over = try await desk.store.read {
            try $0.all("SELECT matter FROM enforcement_publications WHERE published_on IS NOT NULL AND ended_on IS NULL AND until < \(now.day) LIMIT 5000").map { $0.int("matter") }
        }
        for id in over {
            try await desk.store.write { tx in
                let matter = try tx.matter(ID<Matter>(id))
                if matter.kind == AssistMoves.kind {
                    if matter.state == AssistMoves.published { try AssistHandling(desk: desk).apply("end", on: matter, input: Form([]), by: .system, at: now, tx) }
                    return
                }
                guard try tx.run("UPDATE enforcement_publications SET ended_on = \(now.day), ending = 'over' WHERE matter = \(id) AND ended_on IS NULL") == 1 else { return }
                try Casework.remark("published-ended", on: matter, by: .system, sealing: [.init("enforcement_publications", key: "matter", id)], at: now, tx)
            }
        }
    }
}

extension CaseAct {
    func publication() throws -> Matter? {
        let seals: [Ledger.Seal] = [.init("enforcement_publications", key: "matter", id.raw)]
        switch name {
        case "prepare-publication":
            let account = try account()
            guard let decided = c.decided, decided.kind == .punish, !c.simple else { throw Refusal(.conflict, Text("没有应当公示的处罚决定", "There is no penalty to publish")) }
            let tier = Display.tier(decided, area: c.area, party: c.party.kind)
            guard tier != .none else { throw Refusal(.conflict, Text("仅受到警告的不予公示", "A warning alone is not published"), article: Article(law: "O107", article: "7")) }
            let old = try PublishedPenalty.of(id, tx)
            // What is over or was repaired is not shown again; what was withdrawn may be, once it is right.
            guard old?.publishedOn == nil || old?.ending == "withdrawn" else { throw Refusal(.conflict, Text("已经公示，或者公示期满、已修复", "It is published, over, or repaired")) }
            let body = try input.needed("body", 60_000)
            if let secret = PublishedPenalty.secrets(c).first(where: { body.contains($0) }) {
                throw Refusal(
                    .invalid, Text("公示内容含有个人信息", "It holds personal data"), fields: [.init("/body", Text("请删去“\(secret.prefix(3))…”", "Take out “\(secret.prefix(3))…”"))],
                    article: Article(law: "PUB", article: "6"))
            }
            if let found = PersonalData.line(of: body, but: c.party.kind == .person ? [] : [c.party.code, c.decisionNumber].compactMap { $0 }) {
                throw PublishedPenalty.personal(found)
            }
            let summary = PublishedPenalty.summary(c, office: desk.office(for: c.matter.region).name).text
            try tx.send(
                """
                INSERT INTO enforcement_publications (matter, summary, body, tier, prepared_by, prepared_at) VALUES (\(id), \(summary), \(body), \(tier.rawValue), \(account.id), \(now))
                ON CONFLICT (matter) DO UPDATE SET summary = \(summary), body = \(body), tier = \(tier.rawValue), prepared_by = \(account.id), prepared_at = \(now), published_on = NULL,
                published_by = NULL, early_from = NULL, until = NULL, ended_on = NULL, ending = NULL, reason = NULL, pushed_on = NULL, pushed_to = NULL, shielded_on = NULL
                """)
            return try move([], seals: seals)
        case "publish":
            let head = try approver()
            guard let ready = try PublishedPenalty.of(id, tx), ready.publishedOn == nil, ready.pushedOn == nil else {
                throw Refusal(.conflict, Text("没有待审核的公示内容", "Nothing is prepared for publication"))
            }
            guard ready.preparedBy != head.id.raw else { throw Refusal(.forbidden, Text("拟制人不能审核自己的内容", "Who prepared it cannot approve it")) }
            guard c.annulled == nil else { throw Refusal(.conflict, Text("决定已被撤销或者变更，不能公示", "The decision does not stand: it is not published")) }
            guard c.servedOn != nil else { throw Refusal(.conflict, Text("决定书尚未送达", "The decision is not served"), article: Article(law: "PUB", article: "8")) }
            guard c.isElsewhere else { return try show(ready, from: now.day, by: head) }
            let to = try input.needed("to", 100)
            try tx.send("UPDATE enforcement_publications SET pushed_on = \(now.day), pushed_to = \(to), published_by = \(head.id) WHERE matter = \(id)")
            return try move([("to", to)], seals: seals)
        case "host-published":
            guard let pushed = try PublishedPenalty.of(id, tx), let on = pushed.pushedOn, pushed.publishedOn == nil else {
                throw Refusal(.conflict, Text("没有已推送、待对方公示的信息", "Nothing was pushed that waits for the host"))
            }
            return try show(pushed, from: day("on", from: on), by: officer())
        case "withdraw-publication":
            _ = try approver()
            let reason = try input.needed("reason", 1000)
            guard
                try tx.run(
                    "UPDATE enforcement_publications SET ended_on = \(now.day), ending = 'withdrawn', reason = \(reason) WHERE matter = \(id) AND published_on IS NOT NULL AND ended_on IS NULL"
                ) == 1
            else { throw Refusal(.conflict, Text("没有正在公示的信息", "Nothing is published")) }
            try Jobs.add("credit.withdrawn", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
            return try move([("reason", reason)], seals: seals)
        default: return nil
        }
    }

    private func show(_ ready: PublishedPenalty, from day: Day, by account: Account) throws -> Matter {
        let days = Display.days(ready.tier, from: day, restrictedUntil: c.decided?.restrictedUntil)
        try tx.change(
            """
            UPDATE enforcement_publications SET published_on = \(day), published_by = \(account.id), early_from = \(days.early), until = \(days.until)
            WHERE matter = \(id) AND published_on IS NULL
            """)
        try Jobs.add("credit.published", [("matter", .int(id.raw)), ("at", .int(now.milliseconds))], at: now, tx)
        return try move([("shown", days.until.description)], seals: [.init("enforcement_publications", key: "matter", id.raw)])
    }
}

/// Ending and restoring the display of a penalty, for credit repair (信用修复).
package enum Penalty {
    /// Hides or shows again all that is published of an operator, while it carries out a reorganisation plan (临时信用修复).
    ///
    /// Law: O107 art. 22.
    package static func shield(_ op: ID<Operator>, since day: Day?, at now: Moment, _ tx: Transaction) throws {
        // All of them: what was withdrawn under the shield must not come back hidden.
        let shown = try tx.all(
            "SELECT p.matter AS matter FROM enforcement_publications p JOIN casework_matters m ON m.id = p.matter WHERE m.operator = \(op) AND p.published_on IS NOT NULL AND \(day == nil ? "p.shielded_on IS NOT NULL" as SQL : "p.ended_on IS NULL")"
        ).map { ID<Matter>($0.int("matter")) }
        for id in shown {
            try tx.send("UPDATE enforcement_publications SET shielded_on = \(day) WHERE matter = \(id)")
            try Casework.remark(
                day == nil ? "published-again" : "shielded", on: tx.matter(id), by: .system, sealing: [.init("enforcement_publications", key: "matter", id.raw)], at: now, tx)
        }
    }
    /// Whether a penalty's display may end before its time: not where something was lowered, revoked or closed, nor while a restriction runs.
    ///
    /// Law: O107 art. 8(1)(3), 8(5).
    package static func mayEndEarly(_ id: ID<Matter>, on day: Day, _ tx: Transaction) throws -> Bool {
        guard let p = try PublishedPenalty.of(id, tx) else { return true }
        if p.tier == .seriousRevocation { return false }
        return try (tx.penaltyCase(id).decided?.restrictedUntil).map { $0 < day } ?? true
    }
    /// - Returns: whether it was shown.
    @discardableResult
    package static func stop(_ id: ID<Matter>, why: String, at now: Moment, _ tx: Transaction) throws -> Bool {
        guard try tx.run("UPDATE enforcement_publications SET ended_on = \(now.day), ending = \(why) WHERE matter = \(id) AND published_on IS NOT NULL AND ended_on IS NULL") == 1
        else { return false }
        try Casework.remark("published-ended", on: tx.matter(id), by: .system, sealing: [.init("enforcement_publications", key: "matter", id.raw)], at: now, tx)
        return true
    }
    /// Shown anew for its whole time, with no early end.
    package static func restore(_ id: ID<Matter>, at now: Moment, _ tx: Transaction) throws {
        guard let p = try PublishedPenalty.of(id, tx), p.endedOn != nil else { return }
        let restricted = try? tx.penaltyCase(id).decided?.restrictedUntil
        let days = Display.days(p.tier, from: now.day, restrictedUntil: restricted)
        try tx.send("UPDATE enforcement_publications SET published_on = \(now.day), early_from = NULL, until = \(days.until), ended_on = NULL, ending = NULL WHERE matter = \(id)")
        try Casework.remark("published-again", on: tx.matter(id), by: .system, sealing: [.init("enforcement_publications", key: "matter", id.raw)], at: now, tx)
    }
}
