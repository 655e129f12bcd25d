import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// What both sides of a mediation see (调解室): evidence that the mediator shows across, and the agreement that both sign on their pages.
///
/// Law: O121 art. 21, 24. Signing here is a statement by number and code, kept in the ledger; it is no reliable electronic signature of
/// the Electronic Signature Law, which needs a certificate.
package struct Room: Sendable {
    package struct Draft: Sendable {
        let text: String
        let amount: Money?
        let by: Day
        let at: Moment
        /// What is signed: this draft, its text, sum and day; another one carries nobody's name, be its words the same.
        package var hash: String { Crypto.hex(Crypto.sha256(Array("\(at.milliseconds)|\(amount?.fen ?? -1)|\(by)|\(text)".utf8))) }
    }
    /// Files that the other side may open.
    let shown: [Attachment]
    package let draft: Draft?
    /// Who signed the draft as it stands: party, name, when.
    let signatures: [(party: String, name: String, at: Moment)]

    package static func load(_ matter: ID<Matter>, _ tx: Transaction) throws -> Room {
        let draft = try tx.one("SELECT * FROM disputes_agreements WHERE matter = \(matter) AND ended IS NULL").map {
            Draft(text: $0.string("body"), amount: $0.optionalMoney("amount"), by: $0.day("by_day"), at: $0.moment("at"))
        }
        return Room(
            shown: try tx.all("SELECT a.* FROM disputes_shown s JOIN casework_attachments a ON a.id = s.attachment WHERE s.matter = \(matter) ORDER BY a.id").map(Attachment.init),
            draft: draft,
            signatures: try draft.map { draft in
                try tx.all("SELECT party, name, at FROM disputes_signatures WHERE matter = \(matter) AND hash = \(draft.hash) ORDER BY id").map {
                    ($0.string("party"), $0.string("name"), $0.moment("at"))
                }
            } ?? [])
    }

    static func title(_ party: String) -> Text { party == "respondent" ? Text("被投诉人", "The business") : Text("投诉人", "The complainant") }

    // MARK: The mediator

    /// 拟定协议: both sides read it on their pages from now on; what was signed of an earlier draft counts no more.
    static func draft(_ c: Complaint, input: Form, by account: Account?, at now: Moment, _ tx: Transaction) throws -> Ledger.Seal {
        let text = try input.needed("agreement", 4000)
        guard let by = input["by"].flatMap({ Day($0) }), by >= now.day, by <= now.day.adding(days: 366) else {
            throw Refusal.invalid("/by", Text("请填写今天起一年以内的履行日期", "A day within a year from today"))
        }
        var amount: Money?
        if let typed = input["amount"] {
            guard let sum = Money(yuan: typed), sum.fen > 0 else { throw Refusal.invalid("/amount", Money.shape) }
            amount = sum
        }
        try Negotiation.notPaid(c, tx)
        guard let account else { throw Refusal.forbidden("disputes.mediate") }
        try tx.run(
            """
            INSERT INTO disputes_agreements (matter, body, amount, by_day, at, account) VALUES (\(c.matter.id), \(text), \(amount), \(by), \(now), \(account.id))
            ON CONFLICT (matter) DO UPDATE SET body = \(text), amount = \(amount), ended = NULL, by_day = \(by), at = \(now), account = \(account.id)
            """)
        return .init("disputes_agreements", key: "matter", c.matter.id.raw)
    }

    /// Ends the draft: it was concluded, or something else was. What is to be sealed by it.
    static func end(_ matter: ID<Matter>, _ tx: Transaction) throws -> [Ledger.Seal] {
        try tx.run("UPDATE disputes_agreements SET ended = 1 WHERE matter = \(matter) AND ended IS NULL") == 0 ? [] : [.init("disputes_agreements", key: "matter", matter.raw)]
    }

    /// Shows a file to the other side, or takes it out of its sight.
    static func show(_ visit: Visit, _ handling: Handling) async throws -> Answer {
        let officer = try visit.require("disputes.mediate")
        let form = try visit.exchange.form()
        let now = visit.desk.now
        let path = "/disputes/\(try visit.exchange.parameter("id"))"
        guard let id = form["attachment"].flatMap({ ID<Attachment>($0) }) else { throw Refusal.notFound }
        let on = form["shown"] == "yes"
        try await visit.desk.store.write { tx in
            let c = try tx.complaint(visit.exchange.id(of: Matter.self))
            guard visit.maySee(c.matter) else { throw Refusal.notFound }
            try handling.refuseRemoved(officer, c, tx)
            let file = try Attachments.find(id, tx)
            guard file.matter == c.matter.id, ["complainant", "respondent"].contains(file.source) else { throw Refusal.notFound }
            // Photos go across without where they were taken; what cannot be cleaned does not.
            guard file.outsideHash != nil || !on else { throw Refusal(.conflict, Text("视频不能交对方阅看，请当面播放", "A video is not handed across: play it in the session")) }
            if on {
                try tx.run("INSERT INTO disputes_shown (attachment, matter, account, at) VALUES (\(id), \(c.matter.id), \(officer.id), \(now)) ON CONFLICT (attachment) DO NOTHING")
            } else {
                try tx.run("DELETE FROM disputes_shown WHERE attachment = \(id)")
            }
            try Casework.remark(on ? "shown" : "hidden", on: c.matter, by: .staff(officer), details: [("note", .string(file.name))], at: now, tx)
        }
        return visit.redirect(path, saying: on ? Text("对方现在可以在其页面查看", "The other side can open it now") : Text("对方不再能查看", "The other side cannot open it any more"))
    }

    /// On the complaint's page: whose files the other side sees, and who has signed.
    func write(_ h: HTML, _ visit: Visit, _ c: Complaint, _ files: [Attachment]) {
        let across = files.filter { $0.source == "complainant" || $0.source == "respondent" }
        let mediates = visit.may("disputes.mediate") && c.matter.open
        guard draft != nil || (!across.isEmpty && Negotiation.isOpen(c)) else { return }
        h.card(Text("调解室：双方可见的材料与协议", "The room: what both sides see and sign")) {
            if let draft {
                h.p("pre mb-1", draft.text)
                if let amount = draft.amount { h.p("mb-1", Text("金额 ¥\(amount.grouped)", "Sum ¥\(amount.grouped)")) }
                h.p("small text-muted mb-1", Text("履行日期\(draft.by)，\(draft.at.minuteText)拟定", "To be kept by \(draft.by), drafted \(draft.at.minuteText)"))
                for party in ["complainant", "respondent"] {
                    h.p("mb-1") {
                        h.text("\(h.say(Self.title(party))) ")
                        if let signed = signatures.first(where: { $0.party == party }) {
                            h.badge(Text("已签署", "signed"), "green")
                            h.span("small text-muted ms-2", "\(signed.name) · \(signed.at.minuteText)")
                        } else {
                            h.badge(Text("待签署", "to sign"), "amber")
                        }
                    }
                }
            }
            guard mediates, Negotiation.isOpen(c) else { return }
            if !across.isEmpty {
                h.p(
                    "small text-muted",
                    Text(
                        "交对方阅看前，请确认其中没有不应给对方的个人信息；PDF原样交付，照片去除拍摄位置。",
                        "Before a file goes across, see that it holds nothing personal that the other side should not have; a PDF goes as it is, a photo without where it was taken."
                    ))
            }
            for file in across {
                let on = shown.contains { $0.id == file.id }
                visit.form(h, "/disputes/\(c.matter.id)/shown", "decide") {
                    h.hidden("attachment", file.id.description)
                    h.span("me-2", "\(h.say(Self.title(file.source)))：\(file.name)")
                    if on { h.badge(Text("对方可见", "shown"), "green") }
                    h.button(on ? Text("收回", "Take back") : Text("交对方阅看", "Show to the other side"), "btn btn-sm btn-outline-secondary", name: "shown", value: on ? "no" : "yes")
                }
            }
        }
    }

    // MARK: The sides

    /// 在线签署. With the second name the agreement stands: the paper is made, the promise runs.
    package static func sign(_ c: Complaint, by party: String, input: Form, handling: Handling, at now: Moment, _ tx: Transaction) throws {
        guard Negotiation.isOpen(c) else { throw Refusal(.conflict, Text("投诉已不在调解中", "It is not in mediation any more")) }
        let room = try load(c.matter.id, tx)
        guard let draft = room.draft, input["hash"] == draft.hash else {
            throw Refusal(.conflict, Text("协议内容已变化，请阅读后重新签署", "The text has changed: read it and sign anew"))
        }
        let name = try input.needed("name", 60)
        guard input["agree"] == "yes" else { throw Refusal.invalid("/agree", Text("请确认已阅读并同意", "Confirm that you have read it and agree")) }
        guard draft.by >= now.day else { throw Refusal(.conflict, Text("履行日期\(draft.by)已过，请调解员重新拟定", "Its day, \(draft.by), is past: the mediator drafts it anew")) }
        try Negotiation.notPaid(c, tx)
        guard !room.signatures.contains(where: { $0.party == party }) else { throw Refusal(.conflict, Text("您已签署", "You have signed it")) }
        let id = try tx.insert(
            "INSERT INTO disputes_signatures (matter, party, name, hash, at) VALUES (\(c.matter.id), \(party), \(name), \(draft.hash), \(now)) RETURNING id")
        try Casework.remark(
            "signed", on: c.matter, by: party == "respondent" ? .respondent : .filer, details: [("note", .string(name))], sealing: [.init("disputes_signatures", id)], at: now, tx)
        let all = try load(c.matter.id, tx).signatures
        guard all.count == 2 else { return }
        let signed = all.map { "\(title($0.party).zh)\($0.name)于\($0.at.minuteText)在线签署" }.joined(separator: "；")
        try tx.send("UPDATE disputes_complaints SET agreement = \("\(draft.text)\n（\(signed)。）"), agreement_form = 'online' WHERE matter = \(c.matter.id)")
        try handling.concluded(c, draft, by: party == "respondent" ? .respondent : .filer, at: now, tx)
    }

    /// What a side sees of it, with the form to sign.
    /// - Parameter base: its page, as `/track/TS1`; `keys` open it.
    func writeForParty(_ h: HTML, _ visit: Visit, _ c: Complaint, _ party: String, base: String, keys: [(String, String?)]) {
        let theirs = shown.filter { $0.source != party }
        if !theirs.isEmpty {
            h.card(Text("对方提交的材料", "What the other side handed in")) {
                h.ul("plain mb-1") {
                    // Named by number: a file's own name may say whose it is.
                    for (n, file) in theirs.enumerated() {
                        h.li { h.a(Link.query("\(base)/files/\(file.id)", keys), nil, Text("材料\(n + 1).\(file.kind)", "File \(n + 1).\(file.kind)")) }
                    }
                }
                h.p("small text-muted mb-0", Text("由调解员交您阅看，仅供本次调解使用，请勿传播。", "Shown to you by the mediator for this mediation alone: do not pass it on."))
            }
        }
        guard let draft, Negotiation.isOpen(c) else { return }
        h.card(Text("调解协议：请阅读并签署", "The agreement: read and sign"), "asked") {
            h.p("pre", draft.text)
            h.p("mb-2", Text("\(draft.amount.map { "金额：¥\($0.grouped)；" } ?? "")履行日期：\(draft.by)", "\(draft.amount.map { "¥\($0.grouped), " } ?? "")to be kept by \(draft.by)"))
            for one in signatures { h.p("small mb-1", Text("\(Self.title(one.party).zh)已签署（\(one.at.minuteText)）", "\(Self.title(one.party).en) signed \(one.at.minuteText)")) }
            if signatures.contains(where: { $0.party == party }) {
                return h.p("mb-0", Text("您已签署，等待对方。双方签署后协议成立。", "You have signed. It stands once the other side has too."))
            }
            visit.form(h, "\(base)/sign") {
                for (name, value) in keys { if let value { h.hidden(name, value) } }
                h.hidden("hash", draft.hash)
                h.field("name", party == "respondent" ? Text("签署人姓名和职务", "Your name and post") : Text("签署人姓名", "Your name"), value: nil, autocomplete: "name")
                h.checkbox("agree", Text("我已阅读并自愿同意上述协议，按期履行", "I have read it, agree of my own will and keep it in time"), checked: false)
                h.button(Text("签署", "Sign"))
            }
        }
    }

    /// A file that was shown to this side, cleaned of where it was taken.
    static func file(_ visit: Visit, of matter: ID<Matter>, for party: String) async throws -> Answer {
        let id = try visit.exchange.id(of: Attachment.self)
        let room = try await visit.desk.store.read { try load(matter, $0) }
        guard let file = room.shown.first(where: { $0.id == id && $0.source != party }), let hash = file.outsideHash else { throw Refusal.notFound }
        let kind = FileKind(rawValue: file.kind)
        return .file(try visit.desk.files.read(hash), type: kind?.mediaType ?? "application/octet-stream", name: "material-\(file.id).\(file.kind)", inline: kind?.isImage ?? false)
    }
}
