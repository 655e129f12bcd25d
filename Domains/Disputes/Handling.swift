import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Making the moves of a complaint (投诉办理): what each needs, what it writes, which document and notice follow.
/// Page, API and job come through here, so the same rule is asked once.
package struct Handling: Sendable {
    package let desk: Desk
    package let casework: Casework

    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: ComplaintMoves.table, desk: desk)
    }

    /// - Parameter input: the move's fields by name, from a form or from JSON.
    /// - Errors: fields that are missing or unknown by pointer; `conflict`, `forbidden` by the table.
    @discardableResult
    package func apply(_ name: String, on c: Complaint, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        // The table first: who may not do it at all learns nothing about the fields.
        _ = try ComplaintMoves.table.check(name, on: c.matter, by: actor, desk.permissions)
        let step = Step(c: c, input: input, actor: actor, now: now, tx: tx)
        try refuseRemoved(actor.account, c, tx)
        if let after = try PeoplesMediation.apply(name, on: c, input: input, by: actor, at: now, self, tx) { return after }
        switch name {
        case "dispatch": return try dispatch(step)
        case "entrust": return try entrust(step)
        case "hand-back": return try handBack(step)
        case "return": return try giveBack(step)
        case "request": return try request(step)
        case "amend":
            let reason = try step.text("reason", 500)
            let changed = try Amendment.make(on: c, input: input, desk: desk, at: now, tx)
            return try move(
                step, name, [("changed", changed.titles.map(\.zh).joined(separator: "、")), ("before", changed.before), ("reason", reason)], sealing: true,
                seals: [.init("disputes_complainants", key: "matter", c.matter.id.raw), .init("disputes_claims", of: "matter", c.matter.id.raw)])
        case "split":
            // Its number is for those who may see reports: they find it among the links.
            _ = try ReportFiling.split(
                from: c, named: actor.account.map { desk.permissions.allows($0.roles, "reports.see") } ?? false, area: step.choice("area", ReportRules.shared.areas.map(\.id)),
                clues: step.text("clues", 4000), by: actor, at: now, desk: desk, tx)
            return try move(step, name)
        case "accept": return try accept(step)
        case "refuse": return try refuse(step)
        case "redirect": return try move(step, name, [("where", step.text("where", 500))], outcome: "redirected")
        case "withdraw": return try move(step, name, outcome: "withdrawn")
        case "arrange": return try arrange(step)
        case "position": return try position(step)
        case "test": return try move(step, name, [("body", step.text("body", 120)), ("chosenBy", step.choice("chosenBy", ["parties", "authority"]))])
        case "tested": return try move(step, name, [("result", step.text("result", 1000))])
        case "recuse": return try askRecusal(step)
        case "recusal-decided": return try decideRecusal(step)
        case "agree": return try agree(step)
        case "draft": return try move(step, name, seals: [Room.draft(c, input: input, by: actor.account, at: now, tx)])
        case "end": return try end(step, ground: step.ground(Grounds.shared.ending(c.law)), reason: step.text("reason", 1000), name)
        case "close": return try closing(step)
        case "again": return try again(step)
        case "give-up": return try end(step, ground: Grounds.shared.ending(c.law)[0], reason: Notice.withdrawn.zh, name)
        case "tell": return try tell(step)
        case "supply":
            let note = step.optional("note") ?? ""
            guard !note.isEmpty || input["attached"] == "yes" else { throw Refusal.invalid("/note", Text("请填写补充内容或上传材料", "Write what you add, or attach a file")) }
            guard note.count <= 4000 else { throw Refusal.invalid("/note", Text("不能超过4000字", "At most 4,000 characters")) }
            return try move(step, name, [("note", note)])
        case "settle-first":
            let text = try step.text("agreement", 4000)
            try tx.send("UPDATE disputes_complaints SET agreement = \(text), agreement_form = 'record' WHERE matter = \(c.matter.id)")
            return try move(step, name, outcome: "first-settled", sealing: true)
        case "convert":
            // The authority receives it on the day on which settling failed. Law: O121 art. 15.
            let reason = try step.text("reason", 1000)
            try tx.send("UPDATE casework_matters SET received_at = \(now), competent_at = \(now), outcome = NULL WHERE id = \(c.matter.id)")
            try tx.send("UPDATE disputes_priors SET converted_at = \(now) WHERE matter = \(c.matter.id)")
            return try move(step, name, [("reason", reason)], seals: [.init("disputes_priors", key: "matter", c.matter.id.raw)])
        case "settle", "confirm-kept", "reopen":
            throw Refusal(.conflict, Text("请在查询页的协商中办理", "This is done among the offers, on the tracking page"))
        case "lead": return try move(step, name, [("facts", step.text("facts", 2000))])
        case "lead-decided" where !(try Clocks.of(c.matter.id, tx).contains { $0.duty == "C5" && $0.state == "open" }):
            throw Refusal(.conflict, Text("没有待核查的线索", "No lead is waiting to be verified"))
        case "lead-decided":
            let decision = try step.choice("decision", ["filed", "not-filed"]), reason = try step.text("reason", 1000)
            // Who keeps cases hears of it, and registers the source.
            if decision == "filed" { try Jobs.add("enforcement.clue", [("matter", .int(c.matter.id.raw)), ("result", .string(reason))], at: step.now, step.tx) }
            return try move(step, name, [("decision", decision), ("reason", reason)])
        default: return try move(step, name, [("note", step.optional("note") ?? "")])
        }
    }

    /// One step and its fields; a missing or unknown value is refused by name.
    struct Step {
        let c: Complaint
        let input: Form
        let actor: Actor
        let now: Moment
        let tx: Transaction

        func optional(_ name: String) -> String? { input[name] }
        func text(_ name: String, _ max: Int) throws(Refusal) -> String { try input.needed(name, max) }
        func choice(_ name: String, _ allowed: [String]) throws(Refusal) -> String { try input.chosen(name, allowed) }
        func ground(_ grounds: [Ground]) throws(Refusal) -> Ground {
            let id = try choice("ground", grounds.map(\.id))
            return grounds.first { $0.id == id }!
        }
    }

    @discardableResult
    func move(_ s: Step, _ name: String, _ details: [(String, String)] = [], outcome: String? = nil, since: Moment? = nil, sealing: Bool = false, seals: [Ledger.Seal] = [])
        throws -> Matter
    {
        try casework.perform(
            name, on: s.c.matter, by: s.actor, at: s.now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome, since: since,
            sealing: (sealing ? [.init("disputes_complaints", key: "matter", s.c.matter.id.raw)] : []) + seals, s.tx)
    }

    @discardableResult
    private func issue(_ form: String, _ s: Step, _ more: [String: Any] = [:], to recipients: [String], by channel: String = "portal") throws -> IssuedDocument {
        try ComplaintDocuments.issue(form, for: s.tx.complaint(s.c.matter.id), adding: more, to: recipients, through: channel, by: s.actor, at: s.now, desk: desk, s.tx)
    }

    /// How somebody is told (告知方式). A complaint that did not come by page has nobody who looks at one: there the way is named.
    private func channel(_ s: Step, among ways: [String] = Notice.channels.map(\.0)) throws(Refusal) -> String {
        if s.input["channel"] == nil, s.c.source == "web" || s.c.source == "api" { return "portal" }
        return try s.choice("channel", ways)
    }

    // MARK: Before the decision

    private func dispatch(_ s: Step) throws -> Matter {
        let region = try known(s, "region")
        let (from, to) = (s.c.matter.region.prefix(6), region.prefix(6))
        // Who lacks competence gives it back to the unit that received it and passes nothing on; a second count of the same
        // office would only hide that the first one has lapsed.
        guard from.count < 6 else {
            throw Refusal(
                .conflict, Text("已分送\(desk.regions.name(String(from)))，无权处理的应当退回接收机构", "It is with \(desk.regions.name(String(from))): who lacks competence returns it to intake"),
                article: Article(law: s.c.law, article: s.c.law == "O20" ? "37(2)" : "41(2)"))
        }
        guard region.count == 6 else { throw Refusal.invalid("/region", Text("请选择区县：派出机构由区县局另行交办", "Choose a district: it hands on to its own offices")) }
        // The notice is the sender's: under its name and in its series.
        try issue(
            "dispatch", s, ["dispatchTo": desk.office(for: region).name, "attachmentCount": String(Attachments.of(s.c.matter.id, s.tx).count)].merging(dispatchDetails(s)) { $1 },
            to: ["office:\(region)"], by: "inside")
        // Law: O121 art. 15(1) counts from the day on which the competent office received it: one that gave it back has received it already.
        let since = try earlierReceipt(s, by: String(to)) ?? s.now
        try s.tx.send("UPDATE casework_matters SET region = \(region), competent_at = \(since), assignee = NULL WHERE id = \(s.c.matter.id)")
        return try move(s, "dispatch", [("region", region)], since: since)
    }

    /// What the dispatch notice asks beside the matter itself: by when it is reported back, how many pages come with it.
    private func dispatchDetails(_ s: Step) throws -> [String: String] {
        var details: [String: String] = [:]
        if let text = s.optional("due") {
            guard let day = Day(text), day >= s.now.day else { throw Refusal.invalid("/due", Text("请填写不早于今天的日期", "Give a day that is not in the past")) }
            details["dueOn"] = Documents.chinese(day)
        }
        if let text = s.optional("pages") {
            guard let pages = Int(text), (0...9999).contains(pages) else { throw Refusal.invalid("/pages", Text("页数应为0至9999的整数", "Pages are a whole number up to 9999")) }
            details["attachmentPages"] = String(pages)
        }
        return details
    }

    /// When an office that gave a matter back had first received it; nil where it never had it.
    private func earlierReceipt(_ s: Step, by district: String) throws -> Moment? {
        try s.tx.all("SELECT details FROM casework_moves WHERE matter = \(s.c.matter.id) AND move = 'return' ORDER BY id").lazy
            .compactMap { try? JSON(parsing: Array($0.string("details").utf8)) }
            .first { $0["by"]?.string?.hasPrefix(district) == true }?["since"]?.string.flatMap { Moment($0) }
    }

    /// 交派出机构: to an office of the same district, or back up to it; no period begins anew.
    private func entrust(_ s: Step) throws -> Matter {
        let region = try known(s, "region")
        guard region.count >= 6, region.prefix(6) == s.c.matter.region.prefix(6), region != s.c.matter.region else {
            throw Refusal.invalid("/region", Text("请选择本区县的其他机构", "Choose another office of this district"))
        }
        try s.tx.send("UPDATE casework_matters SET region = \(region), assignee = NULL WHERE id = \(s.c.matter.id)")
        return try move(s, "entrust", [("region", region)])
    }

    /// 交回区县局: an office below that cannot handle it gives it back to its district, with the reason.
    private func handBack(_ s: Step) throws -> Matter {
        let reason = try s.text("reason", 500)
        guard s.c.matter.region.count > 6 else { throw Refusal(.conflict, Text("该投诉不在派出机构", "It is not with an office below the district")) }
        let district = String(s.c.matter.region.prefix(6))
        try s.tx.send("UPDATE casework_matters SET region = \(district), assignee = NULL WHERE id = \(s.c.matter.id)")
        return try move(s, "hand-back", [("region", district), ("reason", reason)])
    }

    private func open(_ duty: String, _ s: Step) throws -> RunningClock? {
        try Clocks.of(s.c.matter.id, s.tx).last { $0.duty == duty && $0.state == "open" }
    }

    private func known(_ s: Step, _ field: String) throws -> String {
        guard let region = s.optional(field) else { throw Refusal.invalid("/\(field)", Text("请选择区划", "Choose a division")) }
        guard desk.regions.isKnown(region) else { throw Refusal.invalid("/\(field)", Text("没有代码为“\(region)”的区划", "There is no region with the code “\(region)”")) }
        return region
    }

    private func giveBack(_ s: Step) throws -> Matter {
        let reason = try s.text("reason", 500)
        try s.tx.send("UPDATE casework_matters SET region = \(desk.configuration.cityRegion), assignee = NULL WHERE id = \(s.c.matter.id)")
        return try move(s, "return", [("reason", reason), ("by", s.c.matter.region), ("since", s.c.matter.competentAt.isoText)])
    }

    private func request(_ s: Step) throws -> Matter {
        let what = try s.text("what", 1000)
        let channel = try channel(s)
        guard let due = s.optional("due").flatMap({ Day($0) }), due >= s.now.day else { throw Refusal.invalid("/due", Text("请填写不早于今天的日期", "Give a day that is not in the past")) }
        if let decided = try open("C1", s)?.due, due > decided, decided >= s.now.day {
            throw Refusal.invalid("/due", Text("受理期限\(decided)届满，提交期限不能晚于该日", "The period to decide ends on \(decided): ask for it by then"))
        }
        let matter = try move(s, "request", [("what", what), ("due", due.description), ("channel", channel)])
        // The official form asks for proof of identity; anything else is asked for without a form.
        if s.input["identity"] == "yes" {
            try issue("identity", s, ["identityMaterials": what, "dueOn": Documents.chinese(due)], to: ["complainant"], by: channel)
        } else {
            try Casework.notify("complainant", of: s.c.matter.id, by: channel, Notice.supplement.zh, at: s.now, s.tx)
        }
        return matter
    }

    /// 受理: O121 art. 15; O20 art. 14.
    private func accept(_ s: Step) throws -> Matter {
        let channel = try channel(s)
        let missing = try s.tx.missing(in: s.c)
        guard missing.isEmpty else {
            throw Refusal(
                .invalid, Text("登记信息不全，请先更正", "Particulars are missing: amend them first"),
                fields: missing.map { .init("/\($0.0)", Text("缺少\($0.1.zh)", "\($0.1.en) is missing")) },
                article: Article(law: s.c.law, article: s.c.law == "O20" ? "9" : "10(1)"))
        }
        let matter = try move(s, "accept", [("note", s.optional("note") ?? ""), ("channel", channel)])
        try issue("acceptance", s, to: ["complainant"], by: channel)
        return matter
    }

    /// 不予受理: the ground, the reason in words, and the other ways of Consumer Law art. 39.
    private func refuse(_ s: Step) throws -> Matter {
        let grounds = Grounds.shared.refusal(s.c.law)
        let ground = try s.ground(grounds)
        let reason = try s.text("reason", 1000)
        let channel = try channel(s)
        let factors = s.input.all("factor").filter { id in Grounds.shared.factors(s.c.law).contains { $0.id == id } }
        // Ground 3 is judged by a person on the factors of art. 17: at least one is named, never inferred.
        if s.c.law == "O121", ground.id == "3", factors.isEmpty {
            throw Refusal(
                .invalid, Text("适用第三项时请勾选所考虑的因素", "Ground 3 needs the factors that were considered"), fields: [.init("/factor", Text("请至少勾选一项", "Tick at least one"))],
                article: Article(law: "O121", article: "17"))
        }
        try s.tx.send("UPDATE disputes_complaints SET refusal_ground = \(ground.id), reason = \(reason) WHERE matter = \(s.c.matter.id)")
        let matter = try move(
            s, "refuse", [("ground", ground.article), ("reason", reason), ("factors", factors.joined(separator: ",")), ("channel", channel)], outcome: "refused", sealing: true)
        try issue(
            "refusal", s,
            [
                "reason": reason
                    + (factors.isEmpty
                        ? "" : "（考虑的因素：" + factors.compactMap { id in Grounds.shared.factors(s.c.law).first { $0.id == id }?.text.zh }.joined(separator: "；") + "）"),
                "grounds": ComplaintDocuments.checklist(grounds, chosen: ground.id), "remedies": Grounds.shared.remedies.map { ["text": $0.zh] },
            ], to: ["complainant"], by: channel)
        return matter
    }

    // MARK: Mediation

    /// 调解安排. Law: O121 art. 18 (both consent), 19 (delegation), 20 (on site: told beforehand of time, place, people).
    private func arrange(_ s: Step) throws -> Matter {
        let mode = try s.choice("mode", ["on-site", "remote", "delegated"])
        guard s.input["consent"] == "yes" else {
            throw Refusal(
                .invalid, Text("调解须经双方同意", "Mediation needs the consent of both sides"), fields: [.init("/consent", Text("请确认双方同意调解", "Confirm that both sides consent"))],
                article: Article(law: s.c.law, article: s.c.law == "O20" ? "16" : "18"))
        }
        // O121 art. 19; before it the Regulations art. 46(4), in force since 2024-07-01, ask for the same.
        let regulations = s.c.matter.receivedAt.day >= Day(2024, 7, 1)!
        if mode == "delegated", s.c.law == "O121" || regulations, s.c.delegation != true {
            throw Refusal(
                .invalid, Text("投诉人未同意委托调解", "The complainant has not consented to delegated mediation"), fields: [.init("/mode", Text("请选择其他方式", "Choose another way"))],
                article: s.c.law == "O121" ? Article(law: "O121", article: "19") : Article(law: "CLR", article: "46(4)"))
        }
        if mode == "delegated", s.input["delegation-respondent"] != "yes" {
            throw Refusal(
                .invalid, Text("委托调解须被投诉人也同意", "Delegated mediation needs the business's consent too"),
                fields: [.init("/delegation-respondent", Text("请确认被投诉人同意委托调解", "Confirm that the business consents to it"))],
                article: s.c.law == "O121" ? Article(law: "O121", article: "19") : Article(law: "CLR", article: "46(4)"))
        }
        let people = try s.text("mediators", 120)
        if let gone = try removed(s.c, s.tx).first(where: { names in Handling.names(names).contains(where: people.contains) }) {
            throw Refusal.invalid("/mediators", Text("\(gone)已回避本件调解", "\(gone) was recused from this mediation"))
        }
        let at = mode == "on-site" ? try s.text("at", 40) : s.optional("at") ?? ""
        let place = mode == "on-site" ? try s.text("place", 200) : s.optional("place") ?? ""
        if !at.isEmpty {
            guard let moment = Moment(at), moment > s.now else { throw Refusal.invalid("/at", Text("时间应晚于现在", "The time must be in the future")) }
            if let ends = try open("C3", s)?.due, moment.day > ends, ends >= s.now.day {
                throw Refusal.invalid("/at", Text("调解期限\(ends)届满，时间不能晚于该日", "The period for mediation ends on \(ends): choose a day by then"))
            }
        }
        let shown = Moment(at).map { "\(Documents.chinese($0.day)) \($0.minuteText.suffix(5))" }
        try s.tx.send(
            "UPDATE disputes_complaints SET mediation_mode = \(mode), mediation_at = \(shown), mediation_place = \(place.isEmpty ? nil : place), mediators = \(people) WHERE matter = \(s.c.matter.id)"
        )
        let matter = try move(s, "arrange", [("mode", mode), ("at", at), ("place", place), ("mediators", people)], sealing: true)
        // The official notice speaks of a place and an hour; by phone or video both are told without it.
        let channel = try s.input["channel"].map { _ throws(Refusal) in try s.choice("channel", Notice.channels.map(\.0).filter { $0 != "portal" }) } ?? "phone"
        if mode == "on-site" {
            let document = try issue("mediation", s, ["recusalDays": "3", "recipients": "\(s.c.respondentName)、投诉人", "bring": "购买凭证及其他证据"], to: ["complainant"])
            try Casework.notify("respondent", of: s.c.matter.id, by: channel, Notice.mediation.zh, document: document.id, at: s.now, s.tx)
        } else {
            try Casework.notify("respondent", of: s.c.matter.id, by: channel, Notice.mediation.zh, at: s.now, s.tx)
        }
        return matter
    }

    private func position(_ s: Step) throws -> Matter {
        let party = try s.choice("party", ["complainant", "respondent", "mediator"])
        let body = try s.text("body", 2000)
        var offer: Money?
        if let text = s.optional("offer") {
            guard let money = Money(yuan: text) else { throw Refusal.invalid("/offer", Money.shape) }
            offer = money
        }
        let id = try s.tx.insert(
            "INSERT INTO disputes_positions (matter, party, body, offer, at, account) VALUES (\(s.c.matter.id), \(party), \(body), \(offer), \(s.now), \(s.actor.account?.id)) RETURNING id"
        )
        return try move(s, "position", [("party", party)], seals: [.init("disputes_positions", id)])
    }

    /// 达成协议. Law: O121 art. 24: a paper for on-site mediation, unless performed at once or both do without.
    private func agree(_ s: Step) throws -> Matter {
        let text = try s.text("agreement", 4000)
        let form = try s.choice("form", ["paper", "performed", "record"])
        if form == "paper", s.c.mediators == nil {
            throw Refusal(
                .invalid, Text("调解书须载明调解人员，请先安排调解", "A mediation paper names the mediators: arrange the mediation first"),
                fields: [.init("/form", Text("尚未安排调解", "No mediation was arranged"))], article: Article(law: s.c.law, article: s.c.law == "O20" ? "22" : "24"))
        }
        try Negotiation.notPaid(s.c, s.tx)
        try s.tx.send("UPDATE disputes_complaints SET agreement = \(text), agreement_form = \(form) WHERE matter = \(s.c.matter.id)")
        let matter = try move(s, "agree", [("form", form)], outcome: "agreed", sealing: true, seals: Negotiation.closeOffers(s.c.matter.id, s.tx) + Room.end(s.c.matter.id, s.tx))
        // One copy each (O121 art. 24): signed on the spot, unless it is said that they went by post.
        if form == "paper" {
            let channel = s.input["channel"] == nil ? "counter" : try s.choice("channel", Notice.onPaper.map(\.0))
            try issue("agreement", s, to: ["complainant", "respondent"], by: channel)
        }
        return matter
    }

    private func end(_ s: Step, ground: Ground, reason: String, _ name: String) throws -> Matter {
        if ground.id == "5", let clock = try Clocks.of(s.c.matter.id, s.tx).last(where: { $0.duty == "C3" && $0.state == "open" }),
            // Counted as of today: while goods are tested its last day moves on with every day.
            case let running = try Clocks.compute(clock, desk.engine, today: s.now.day, s.tx), min(running.due, running.beside ?? running.due) >= s.now.day
        {
            throw Refusal(
                .invalid, Text("调解期限\(running.due)才届满，不能以此为由终止", "The period for mediation ends on \(running.due) only: this ground does not hold yet"),
                fields: [.init("/ground", Text("期限未满", "Not lapsed yet"))], article: Article(law: s.c.law, article: s.c.law == "O20" ? "21(1)(5)" : "23(1)(5)"))
        }
        try s.tx.send("UPDATE disputes_complaints SET ending_ground = \(ground.id), reason = \(reason) WHERE matter = \(s.c.matter.id)")
        let matter = try move(
            s, name, [("ground", ground.article), ("reason", reason)], outcome: ground.id == "1" ? "settled-or-withdrawn" : "ended", sealing: true,
            seals: Negotiation.closeOffers(s.c.matter.id, s.tx) + Room.end(s.c.matter.id, s.tx))
        try issue("ending", s, ["grounds": ComplaintDocuments.checklist(Grounds.shared.ending(s.c.law), chosen: ground.id), "recipients": "投诉人、\(s.c.respondentName)"], to: [])
        return matter
    }

    /// 告知: the decision reaches both within seven working days.
    private func tell(_ s: Step) throws -> Matter {
        let channel = try s.choice("channel", Notice.channels.map(\.0))
        guard let document = try Documents.of(s.c.matter.id, s.tx).last(where: { $0.form == "ending" }) else { throw Fault("no ending document") }
        for recipient in ["complainant", "respondent"] {
            try Casework.notify(recipient, of: s.c.matter.id, by: channel, document.title, document: document.id, at: s.now, s.tx)
        }
        return try move(s, "tell", [("channel", channel)])
    }
}
