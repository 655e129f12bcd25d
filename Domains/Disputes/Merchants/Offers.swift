import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// What one side offers the other in a complaint (和解方案): a remedy, a sum, a day; several rounds until one is taken.
package struct Offer: Sendable {
    package enum Remedy: String, Sendable, CaseIterable {
        case refund, exchange, repair, compensation, performance, other
        package var title: Text {
            switch self {
            case .refund: Text("退款", "Refund")
            case .exchange: Text("换货", "Exchange")
            case .repair: Text("修理", "Repair")
            case .compensation: Text("补偿", "Compensation")
            case .performance: Text("继续履行", "Perform as agreed")
            case .other: Text("其他", "Other")
            }
        }
    }
    package let id: Int64
    package let party: String
    package let remedy: Remedy
    package let amount: Money?
    package let by: Day
    package private(set) var note: String
    package let state: String
    package let at: Moment

    init(_ row: Row) {
        id = row.int("id")
        party = row.string("party")
        remedy = Remedy(rawValue: row.string("remedy")) ?? .other
        amount = row.optionalMoney("amount")
        by = row.day("by_day")
        note = row.string("note")
        state = row.string("state")
        at = row.moment("at")
    }

    /// As the other side reads it.
    func hiding(_ hide: (String) -> String) -> Offer {
        var shown = self
        shown.note = hide(note)
        return shown
    }
    package var isOpen: Bool { state == "open" }
    package var text: Text {
        Text(
            "\(by)前\(remedy.title.zh)\(amount.map { "¥\($0.plain)" } ?? "")\(note.isEmpty ? "" : "：\(note)")",
            "\(remedy.title.en)\(amount.map { " ¥\($0.plain)" } ?? "") by \(by)\(note.isEmpty ? "" : ": \(note)")")
    }
    /// The agreement that taking it makes, in the words of a record.
    var agreement: String { "被投诉人应于\(by)前\(remedy.title.zh)\(amount.map { "人民币\($0.plain)元" } ?? "")。\(note)" }
}

/// A promise that was taken (承诺履行): followed until the consumer confirms it, or opens the complaint again.
package struct Promise: Sendable {
    package let due: Day
    /// `due`, `claimed` by the merchant, `kept` as the consumer says, `broken`.
    package let state: String
    package let claimedAt: Moment?
    init(_ row: Row) {
        due = row.day("due")
        state = row.string("state")
        claimedAt = row.optionalMoment("claimed_at")
    }
}

/// The merchant's and the consumer's own acts in a complaint (双方在线协商): invited by a code, offers and answers, promises kept.
package struct Negotiation: Sendable {
    let handling: Handling
    package init(handling: Handling) { self.handling = handling }

    /// Reminded on the morning after a promise's day.
    static let reminder = "disputes.promise"

    /// Whether both may still offer: settling first, or after the taking up.
    package static func isOpen(_ c: Complaint) -> Bool { [ComplaintMoves.prior, ComplaintMoves.accepted, ComplaintMoves.mediating].contains(c.matter.state) }
    package static func offers(_ matter: ID<Matter>, _ tx: Transaction) throws -> [Offer] {
        try tx.all("SELECT * FROM disputes_offers WHERE matter = \(matter) ORDER BY id").map(Offer.init)
    }
    package static func promise(_ matter: ID<Matter>, _ tx: Transaction) throws -> Promise? {
        try tx.one("SELECT * FROM disputes_promises WHERE matter = \(matter)").map(Promise.init)
    }

    /// A promise begins, or begins anew; the morning after its day it is looked at.
    static func promise(_ due: Day, in matter: ID<Matter>, at now: Moment, _ tx: Transaction) throws {
        try tx.run(
            """
            INSERT INTO disputes_promises (matter, due, state, made_at) VALUES (\(matter), \(due), 'due', \(now))
            ON CONFLICT (matter) DO UPDATE SET due = \(due), state = 'due', claimed_at = NULL, made_at = \(now)
            """)
        try Jobs.add(reminder, [("matter", .int(matter.raw))], at: Moment(due.adding(days: 1), hour: 8), tx)
    }

    /// 邀请商家在线答复. The complaint was taken up; the code is shown once, an earlier one ends.
    package func invite(_ c: Complaint, channel: String, code: String, by account: Account, at now: Moment, _ tx: Transaction) throws {
        guard Negotiation.isOpen(c) else {
            throw Refusal(.conflict, Text("受理后、达成协议前可以邀请商家", "A merchant is invited after the complaint was taken up and before an agreement"))
        }
        let hash = AccessCode.hash(code, c.matter.number)
        try tx.run(
            """
            INSERT INTO disputes_invitations (matter, code, at, account) VALUES (\(c.matter.id), \(hash), \(now), \(account.id))
            ON CONFLICT (matter) DO UPDATE SET code = \(hash), account = \(account.id)
            """)
        try Casework.notify("respondent", of: c.matter.id, by: channel, Notice.invitation.zh, at: now, tx)
        try Casework.remark(
            "invited", on: c.matter, by: .staff(account), details: [("channel", .string(channel))],
            sealing: [.init("disputes_invitations", key: "matter", c.matter.id.raw), .init("casework_notices", of: "matter", c.matter.id.raw)], at: now, tx)
    }

    /// An offer of one side; the other side's open one is passed over by it.
    package func offer(_ c: Complaint, by party: String, input: Form, at now: Moment, _ tx: Transaction) throws {
        guard Negotiation.isOpen(c) else { throw closed(c) }
        try Negotiation.notPaid(c, tx)
        var wrong: [Refusal.Field] = []
        let remedy = input["remedy"].flatMap { Offer.Remedy(rawValue: $0) }
        if remedy == nil { wrong.append(.init("/remedy", Text("请选择解决方式", "Choose the remedy"))) }
        let by = input["by"].flatMap { Day($0) }
        if by == nil || by! < now.day || by! > now.day.adding(days: 366) { wrong.append(.init("/by", Text("请填写今天起一年以内的日期", "A day within a year from today"))) }
        var amount: Money?
        if let text = input["amount"] {
            amount = Money(yuan: text)
            if amount == nil { wrong.append(.init("/amount", Money.shape)) }
            if let amount, amount.fen <= 0 { wrong.append(.init("/amount", Text("金额应大于零；不涉及金额的请留空", "More than zero; leave it empty where no money is paid"))) }
        } else if remedy == .refund || remedy == .compensation {
            wrong.append(.init("/amount", Text("请填写金额", "Give the sum")))
        }
        let note = input["note"] ?? ""
        if note.count > 500 { wrong.append(.init("/note", Text("不能超过500字", "At most 500 characters"))) }
        if remedy == .other, note.isEmpty { wrong.append(.init("/note", Text("请写明怎样解决", "Say how"))) }
        guard wrong.isEmpty, let remedy, let by else { throw Refusal.invalid(wrong) }
        guard try tx.count("SELECT count(*) AS n FROM disputes_offers WHERE matter = \(c.matter.id)") < 30 else {
            throw Refusal(.conflict, Text("往返次数过多，请由调解员组织调解", "Too many rounds: let the mediator take it on"))
        }
        try tx.send("UPDATE disputes_offers SET state = 'superseded' WHERE matter = \(c.matter.id) AND state = 'open'")
        try tx.send(
            "INSERT INTO disputes_offers (matter, party, remedy, amount, by_day, note, state, at) VALUES (\(c.matter.id), \(party), \(remedy), \(amount), \(by), \(note), 'open', \(now))"
        )
        try remark("offered", c, [], by: party, at: now, tx)
    }

    /// The merchant disputes it, or says that it is somebody else.
    package func answer(_ c: Complaint, kind: String, input: Form, at now: Moment, _ tx: Transaction) throws {
        guard Negotiation.isOpen(c) else { throw closed(c) }
        let body = try input.needed("body", 2000)
        let text = kind == "not-us" ? "我方不是被投诉的经营者：\(body)" : body
        try tx.send("INSERT INTO disputes_positions (matter, party, body, at) VALUES (\(c.matter.id), 'respondent', \(text), \(now))")
        try remark("answered", c, [("note", kind == "not-us" ? "称并非被投诉的经营者" : "不认可诉求")], by: "respondent", at: now, tx)
    }

    /// Takes the other side's offer: the complaint is agreed, the promise runs.
    /// - Errors: `conflict` where it is no longer open: somebody was first, or another offer came.
    package func accept(_ offer: Int64, in c: Complaint, by party: String, at now: Moment, _ tx: Transaction) throws {
        try Negotiation.notPaid(c, tx)
        guard let found = try Negotiation.offers(c.matter.id, tx).first(where: { $0.id == offer }), found.isOpen, found.party != party else {
            throw Refusal(.conflict, Text("该方案已不在等待答复，请刷新页面", "This offer is not open any more: reload the page"))
        }
        guard found.by >= now.day else { throw Refusal(.conflict, Text("方案的履行日期\(found.by)已过，请重新提出", "The day of this offer, \(found.by), is past: make it anew")) }
        try tx.change("UPDATE disputes_offers SET state = 'accepted' WHERE id = \(offer) AND state = 'open'")
        try tx.send("UPDATE disputes_complaints SET agreement = \(found.agreement), agreement_form = 'record' WHERE matter = \(c.matter.id)")
        try Negotiation.promise(found.by, in: c.matter.id, at: now, tx)
        try handling.casework.perform(
            c.matter.state == ComplaintMoves.prior ? "settle-first" : "settle", on: c.matter, by: Negotiation.actor(party), at: now, details: [("offer", .string(found.text.zh))],
            outcome: c.matter.state == ComplaintMoves.prior ? "first-settled" : "agreed",
            sealing: [.init("disputes_complaints", key: "matter", c.matter.id.raw), .init("disputes_promises", key: "matter", c.matter.id.raw)] + seals(c), tx)
    }

    package func decline(_ offer: Int64, in c: Complaint, by party: String, input: Form, at now: Moment, _ tx: Transaction) throws {
        guard try tx.run("UPDATE disputes_offers SET state = 'declined' WHERE id = \(offer) AND matter = \(c.matter.id) AND state = 'open' AND party <> \(party)") == 1 else {
            throw Refusal(.conflict, Text("该方案已不在等待答复，请刷新页面", "This offer is not open any more: reload the page"))
        }
        try remark("declined", c, [("note", input["note"].map { String($0.prefix(500)) } ?? "")], by: party, at: now, tx)
    }

    /// The merchant says that it has done what it promised.
    package func claimKept(_ c: Complaint, input: Form, at now: Moment, _ tx: Transaction) throws {
        guard try tx.run("UPDATE disputes_promises SET state = 'claimed', claimed_at = \(now) WHERE matter = \(c.matter.id) AND state IN ('due', 'broken')") == 1 else {
            throw Refusal(.conflict, Text("没有等待履行的承诺", "No promise is waiting"))
        }
        try remark("fulfilled", c, [("note", input["note"].map { String($0.prefix(500)) } ?? "")], by: "respondent", at: now, promise: true, tx)
    }

    /// The consumer confirms: the complaint is closed.
    package func confirm(_ c: Complaint, at now: Moment, _ tx: Transaction) throws {
        guard try tx.run("UPDATE disputes_promises SET state = 'kept' WHERE matter = \(c.matter.id) AND state IN ('due', 'claimed', 'broken')") == 1 else {
            throw Refusal(.conflict, Text("没有等待确认的承诺", "No promise is waiting"))
        }
        try handling.casework.perform(
            "confirm-kept", on: c.matter, by: .filer, at: now, outcome: c.matter.state == ComplaintMoves.firstSettled ? "first-settled" : "agreed",
            sealing: [.init("disputes_promises", key: "matter", c.matter.id.raw)], tx)
    }

    /// The consumer says that it was not done: mediation goes on, by the day that counted from the taking up.
    ///
    /// Law: O121 art. 23(1)(5): sixty days from acceptance, whatever was agreed between.
    package func reopen(_ c: Complaint, input: Form, at now: Moment, _ tx: Transaction) throws {
        let reason = try input.needed("reason", 1000)
        guard let promise = try Negotiation.promise(c.matter.id, tx), promise.state != "kept" else {
            throw Refusal(.conflict, Text("没有可以重新打开的承诺", "There is no promise to reopen"))
        }
        guard promise.state == "claimed" || now.day > promise.due else {
            throw Refusal(.conflict, Text("承诺的履行日期是\(promise.due)，届时未履行可以重新打开", "The promise runs until \(promise.due): open it again after that"))
        }
        // A promise said to be kept before its day still runs until that day.
        let state = now.day > promise.due ? "broken" : "due"
        try tx.send("UPDATE disputes_promises SET state = \(state), claimed_at = NULL WHERE matter = \(c.matter.id)")
        // What was taken is not what is owed any more, nor is it settled, whatever was counted before.
        try tx.send("UPDATE disputes_offers SET state = 'broken' WHERE matter = \(c.matter.id) AND state = 'accepted'")
        try tx.send("UPDATE casework_matters SET outcome = NULL WHERE id = \(c.matter.id)")
        // What was settled first goes to the authority now.
        if c.matter.state == ComplaintMoves.firstSettled {
            try handling.apply("convert", on: c, input: input, by: .filer, at: now, tx)
            return
        }
        let accepted = try tx.one("SELECT min(at) AS at FROM casework_moves WHERE matter = \(c.matter.id) AND move = 'accept'")?.optionalMoment("at") ?? now
        try handling.casework.perform(
            "reopen", on: c.matter, by: .filer, at: now, details: [("reason", .string(reason))], since: accepted,
            sealing: [.init("disputes_promises", key: "matter", c.matter.id.raw), .init("disputes_offers", of: "matter", c.matter.id.raw)] + Room.end(c.matter.id, tx), tx)
    }

    /// The day after a promise's: one that nobody kept or confirmed is marked, and both sides read so.
    static func remind(_ key: Int64, desk: Desk) async throws {
        let now = desk.now
        try await desk.store.write { tx in
            let matter = try tx.matter(ID<Matter>(key))
            guard let promise = try Negotiation.promise(matter.id, tx), promise.state == "due", now.day > promise.due,
                [ComplaintMoves.agreed, ComplaintMoves.firstSettled, ComplaintMoves.accepted, ComplaintMoves.mediating].contains(matter.state)
            else { return }
            try tx.send("UPDATE disputes_promises SET state = 'broken' WHERE matter = \(key)")
            try Casework.notify("complainant", of: matter.id, by: "portal", Notice.overdue.zh, at: now, tx)
            try Casework.remark(
                "promise-late", on: matter, by: .system,
                sealing: [.init("disputes_promises", key: "matter", key), .init("casework_notices", of: "matter", key)], at: now, tx)
        }
    }

    /// What was open is passed over once something else is agreed, or the mediation ends.
    static func closeOffers(_ matter: ID<Matter>, _ tx: Transaction) throws -> [Ledger.Seal] {
        try tx.run("UPDATE disputes_offers SET state = 'superseded' WHERE matter = \(matter) AND state = 'open'") == 0 ? [] : [.init("disputes_offers", of: "matter", matter.raw)]
    }
    private func seals(_ c: Complaint) -> [Ledger.Seal] { [.init("disputes_offers", of: "matter", c.matter.id.raw), .init("disputes_positions", of: "matter", c.matter.id.raw)] }
    /// Who acts for a side.
    private static func actor(_ party: String) -> Actor { party == "respondent" ? .respondent : .filer }
    private func remark(_ name: String, _ c: Complaint, _ details: [(String, String)], by party: String, at now: Moment, promise: Bool = false, _ tx: Transaction) throws {
        try Casework.remark(
            name, on: c.matter, by: Negotiation.actor(party), details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) },
            sealing: seals(c) + (promise ? [.init("disputes_promises", key: "matter", c.matter.id.raw)] : []), at: now, tx)
    }
    /// What a fund has paid is owed to the fund: no second agreement about it.
    static func notPaid(_ c: Complaint, _ tx: Transaction) throws {
        guard let (claim, fund) = try FundClaim.standing(for: c.matter.id, tx), claim.isPaid else { return }
        throw Refusal(
            .conflict,
            Text("“\(fund.name)”已先行赔付¥\(claim.amount.grouped)，商家应向该资金偿还，不再另行和解", "“\(fund.name)” has paid ¥\(claim.amount.grouped): the business pays it back to the fund"))
    }
    private func closed(_ c: Complaint) -> Refusal {
        let state = ComplaintMoves.table.state(c.matter.state).title
        return Refusal(.conflict, Text("投诉目前为“\(state.zh)”，不能再提方案", "The complaint is “\(state.en)” now: nothing more can be offered"))
    }
}

/// How a merchant stands by its own complaints (商家表现): answers in time, promises kept, beside all merchants of the city.
package struct Standing: Sendable {
    package let invited: Int
    package let answered: Int
    package let promises: Int
    package let kept: Int
    package let cityAnswered: Double?
    package let cityKept: Double?
    /// The same of businesses of its industry; nil where the register names none, or fewer than five were asked.
    package let tradeAnswered: Double?
    package let tradeKept: Double?
    package var answeredShare: Double? { invited == 0 ? nil : Double(answered) / Double(invited) }
    package var keptShare: Double? { promises == 0 ? nil : Double(kept) / Double(promises) }

    /// Promises count once the consumer confirmed them or their day is past; a bare claim of the merchant's is neither.
    package static func of(_ op: ID<Operator>, at now: Moment, _ tx: Transaction) throws -> Standing {
        func counts(_ which: SQL) throws -> (Int, Int, Int, Int) {
            let asked = try tx.one(
                """
                SELECT count(*) AS invited, COALESCE(sum(CASE WHEN EXISTS (SELECT 1 FROM casework_moves v WHERE v.matter = m.id AND v.actor = 'respondent' AND v.move IN ('answered', 'offered', 'settle', 'settle-first')) THEN 1 ELSE 0 END), 0) AS answered
                FROM disputes_invitations i JOIN casework_matters m ON m.id = i.matter WHERE \(which)
                """)
            let made = try tx.one(
                """
                SELECT count(*) AS promises, COALESCE(sum(CASE WHEN p.state = 'kept' THEN 1 ELSE 0 END), 0) AS kept FROM disputes_promises p JOIN casework_matters m ON m.id = p.matter
                WHERE \(which) AND (p.state IN ('kept', 'broken') OR (p.state = 'due' AND p.due < \(now.day)))
                """)
            return (asked?.count("invited") ?? 0, asked?.count("answered") ?? 0, made?.count("promises") ?? 0, made?.count("kept") ?? 0)
        }
        let (own, city) = (try counts("m.operator = \(op)"), try counts("1 = 1"))
        let trade = String(try Operators.find(op, tx).industry.prefix(3))
        let like = trade.isEmpty ? (0, 0, 0, 0) : try counts("m.operator IN (SELECT id FROM operators WHERE industry >= \(trade) AND industry < \(trade + "~"))")
        return Standing(
            invited: own.0, answered: own.1, promises: own.2, kept: own.3, cityAnswered: city.0 == 0 ? nil : Double(city.1) / Double(city.0),
            cityKept: city.2 == 0 ? nil : Double(city.3) / Double(city.2), tradeAnswered: like.0 < 5 ? nil : Double(like.1) / Double(like.0),
            tradeKept: like.2 < 5 ? nil : Double(like.3) / Double(like.2))
    }
}
