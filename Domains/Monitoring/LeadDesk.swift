import Detect
import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// Leads opened, joined and carried on (线索办理). Pages, jobs and intake come through here.
package struct LeadDesk: Sendable {
    let desk: Desk
    let casework: Casework

    package init(desk: Desk) {
        self.desk = desk
        casework = Casework(table: LeadMoves.table, desk: desk)
    }

    // MARK: From hit to lead

    /// What opens a lead of a model by itself (触发条件). Without a row of its own every hit of an active model opens one.
    package struct Trigger: Sendable {
        package var opens = true
        package var minimum = 1
        package var level = "low"
        package var account: ID<Account>?
        /// Percent under which a model goes back into trial.
        package var floor = 50
        package init() {}

        package static func of(_ model: String, _ tx: Transaction) throws -> Trigger {
            var t = Trigger()
            guard let row = try tx.one("SELECT * FROM monitoring_triggers WHERE model = \(model)") else { return t }
            t.opens = row.bool("opens")
            t.minimum = row.count("minimum")
            t.level = row.string("level")
            t.account = row.optionalID("account")
            t.floor = row.count("floor")
            return t
        }
    }
    package static let levels = ["informational", "low", "medium", "high", "critical"]

    /// Keeps a hit, once for as long as the same is found in a listing; joins the open lead of the same shop and model, or opens one where the trigger says so.
    /// Returns whether a lead was opened.
    func take(_ hit: Intake.Found, listing l: Listing, id: Int64, seller: Int64?, hash: String, features: JSON, by actor: String, at now: Moment, _ tx: Transaction) throws -> Bool
    {
        let last = try tx.one(
            "SELECT id, lead, matches, body_hash FROM monitoring_hits WHERE listing = \(id) AND model = \(hit.model.id) AND edition = \(hit.edition) ORDER BY id DESC LIMIT 1")
        var before: Int64?
        if let last, last.string("matches") == hit.matches.text || last.string("body_hash") == hash {
            // Found again as it was: told once, unless it had been corrected in between.
            guard let lead = last.optionalInt("lead"), try relapsed(lead, seen: l.observedAt, tx) else { return false }
            before = lead
        }
        let excepted = try LeadDesk.excepts(hit, listing: id, seller: seller, on: now.day, tx)
        let key = try tx.insert(
            """
            INSERT INTO monitoring_hits (listing, seller, model, edition, level, body_hash, matches, at, shadow)
            VALUES (\(id), \(seller), \(hit.model.id), \(hit.edition), \(hit.level), \(before.map { "\(hash)~\($0)" } ?? hash), \(hit.matches.text), \(l.observedAt), \(hit.shadow || excepted)) RETURNING id
            """)
        guard !hit.shadow, !excepted else { return false }
        let same: SQL = seller == nil ? "l.listing = \(id)" : "l.seller = \(seller)"
        let open = try tx.one(
            """
            SELECT l.matter AS matter, l.hits AS hits FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter
            WHERE \(same) AND l.model = \(hit.model.id) AND m.state IN (\(list: [LeadMoves.detected, LeadMoves.screened, LeadMoves.notified, LeadMoves.verifying])) ORDER BY m.id DESC LIMIT 1
            """)
        if let open {
            let matter = open.int("matter")
            try tx.send("UPDATE monitoring_hits SET lead = \(matter) WHERE id = \(key)")
            try tx.send("UPDATE monitoring_leads SET hits = hits + 1 WHERE matter = \(matter)")
            try join(Reference(kind: LeadMoves.kind, id: matter), l, at: now, tx)
            return false
        }
        let trigger = try Trigger.of(hit.model.id, tx)
        let (rank, least) = (LeadDesk.levels.firstIndex(of: hit.level) ?? 2, LeadDesk.levels.firstIndex(of: trigger.level) ?? 0)
        guard trigger.opens, rank >= least else { return false }
        let loose: SQL = seller == nil ? "listing = \(id)" : "seller = \(seller)"
        let waiting = try tx.all(
            "SELECT id FROM monitoring_hits WHERE \(loose) AND model = \(hit.model.id) AND lead IS NULL AND shadow = 0 AND at > \(now.adding(seconds: -30 * 86_400))"
        ).map {
            $0.int("id")
        }
        guard waiting.count >= trigger.minimum else { return false }
        try self.open(hit, listing: l, id: id, seller: seller, features: features, hits: waiting, trigger: trigger, before: before, at: now, tx)
        return true
    }

    /// Whether a lead had been settled as corrected before the same was seen again (再次出现).
    private func relapsed(_ lead: Int64, seen: Moment, _ tx: Transaction) throws -> Bool {
        try tx.one("SELECT max(at) AS at FROM casework_moves WHERE matter = \(lead) AND move IN ('corrected', 'guide', 'rectify')")?.optionalMoment("at").map { $0 < seen } ?? false
    }

    /// One more listing of a lead in hand: a shop that was told is told of it too.
    private func join(_ lead: Reference, _ l: Listing, at now: Moment, _ tx: Transaction) throws {
        let matter = try tx.matter(ID<Matter>(lead.id))
        let sealing: [Ledger.Seal] = [.init("monitoring_leads", key: "matter", lead.id)]
        guard matter.state == LeadMoves.notified else {
            try tx.audit("lead.joined", of: lead, by: "system", at: now, details: [("listing", .string(l.id))], sealing: sealing)
            return
        }
        try Casework.remark("joined", on: matter, by: .system, details: [("listing", .string(String(l.name.prefix(80))))], sealing: sealing, at: now, tx)
        let channel = try tx.one("SELECT channel FROM casework_notices WHERE matter = \(lead.id) ORDER BY id DESC LIMIT 1")?.string("channel") ?? "platform"
        try Casework.notify("respondent", of: matter.id, by: channel, LeadNotice.more.zh, at: now, tx)
    }

    /// How many pages of leads a day are captured without being asked for; none until the office says so, since it sends a browser out.
    static let captures = NumberSetting("monitoring.capture.daily", Text("每日自动取证的线索数", "Leads a day whose pages are captured by themselves"), 0, 0...5000)

    /// The listing's fields are on disk under their hash before the lead exists: a listing that makes one is queued for capture first.
    private func open(
        _ hit: Intake.Found, listing l: Listing, id: Int64, seller: Int64?, features: JSON, hits: [Int64], trigger: Trigger, before: Int64?, at now: Moment, _ tx: Transaction
    ) throws {
        let snapshot = try desk.files.keep(Array(l.json.setting(Features.key, features).text.utf8))
        let n = try tx.nextNumber("lead.\(now.day.year)")
        let number = "XS\(now.day.year)\(String(repeating: "0", count: max(0, 7 - String(n).count)))\(n)"
        let words = Marked.whole(hit.words).prefix(2).joined(separator: "、")
        let who = l.seller?.name.isEmpty == false ? l.seller!.name : l.name
        let title = String("\(who.prefix(24))：\(hit.model.title.zh)\(words.isEmpty ? "" : "（\(words.prefix(20))）")".prefix(60))
        let row = try seller.flatMap { try tx.one("SELECT operator FROM monitoring_sellers WHERE id = \($0)") }
        let matter = try casework.open(
            .init(
                number: number, state: LeadMoves.detected, title: title, regime: LeadMoves.regime, region: desk.configuration.cityRegion,
                operator: row?.optionalID("operator"), receivedAt: now, competentAt: now), tx)
        let precision = try Precision.of(hit.model.id, at: now, tx)
        let score = Ranking.score(likelihood: precision.likelihood, level: hit.level, sold: l.sold, at: l.observedAt)
        try tx.send(
            """
            INSERT INTO monitoring_leads (matter, model, edition, seller, lane, level, hits, score, listing, body_hash)
            VALUES (\(matter.id), \(hit.model.id), \(hit.edition), \(seller), \(hit.model.card.lane), \(hit.level), \(hits.count), \(score), \(id), \(snapshot))
            """)
        try tx.send("UPDATE monitoring_hits SET lead = \(matter.id) WHERE id IN (\(list: hits))")
        try tx.send(
            "INSERT INTO monitoring_captures (matter, listing, url, body_hash, state, queued_at) VALUES (\(matter.id), \(id), \(l.url), \(snapshot), 'waiting', \(now))")
        // The first of a day are captured by themselves, as many as the office says.
        let daily = try LeadDesk.captures.value(tx)
        if daily > 0, l.url.hasPrefix("http"), try tx.nextNumber("monitoring.captures.\(now.day)") <= Int64(daily) {
            try Jobs.add("evidence.wanted", [("matter", .int(matter.id.raw)), ("url", .string(l.url)), ("purpose", .string("线索\(number)自动固定：\(hit.model.title.zh)"))], at: now, tx)
        }
        if let account = trigger.account { try tx.send("UPDATE casework_matters SET assignee = \(account) WHERE id = \(matter.id)") }
        Search.index(
            LeadMoves.kind, matter.id.raw, texts: [number, title, who, l.name, l.seller?.taxID ?? "", l.id], marks: ["o:"], tx)
        try casework.record(
            matter, as: "receive", by: .system, article: hit.model.card.law(on: l.observedAt.day).first?.article, starting: [], at: now,
            details: [("model", .string("\(hit.model.id) \(hit.model.title.zh)"))],
            sealing: [.init("monitoring_leads", key: "matter", matter.id.raw), .init("monitoring_captures", of: "matter", matter.id.raw)], tx)
        if let before { try Casework.link(matter, with: tx.matter(ID<Matter>(before)), why: "整改后再次出现", by: .system, at: now, tx) }
    }

    // MARK: Exceptions

    /// 例外: what a person set aside for a time, with a reason: a shop, a listing, a phrase.
    static func excepts(_ hit: Intake.Found, listing: Int64, seller: Int64?, on day: Day, _ tx: Transaction) throws -> Bool {
        try tx.all("SELECT seller, listing, phrase FROM monitoring_exceptions WHERE model = \(hit.model.id) AND until >= \(day) AND ended_at IS NULL").contains { row in
            if let one = row.optionalInt("listing") { return one == listing }
            if let one = row.optionalInt("seller"), one != seller { return false }
            if let phrase = row.optionalString("phrase") { return !hit.texts.isEmpty && hit.texts.allSatisfy { phrase.contains($0) } }
            return row.optionalInt("seller") != nil
        }
    }

    package static func except(
        model: String, seller: Int64?, listing: Int64?, phrase: String?, reason: String?, until: Day?, by officer: Account, at now: Moment, _ tx: Transaction
    ) throws {
        guard seller != nil || listing != nil || phrase != nil else { throw Refusal.invalid("/phrase", Text("请指明店铺、商品或词语", "Name a shop, a listing or a phrase")) }
        guard let reason, reason.count <= 500 else { throw Refusal.invalid("/reason", Text("请填写理由（500字以内）", "Give the reason in at most 500 characters")) }
        guard let until, until >= now.day, until <= now.day.adding(days: 366) else {
            throw Refusal.invalid("/until", Text("到期日应在今天之后一年以内", "It ends within a year from today"))
        }
        let id = try tx.insert(
            """
            INSERT INTO monitoring_exceptions (model, seller, listing, phrase, owner, reason, until, made_at)
            VALUES (\(model), \(seller), \(listing), \(phrase), \(officer.id), \(reason), \(until), \(now)) RETURNING id
            """)
        try tx.audit(
            "monitoring.excepted", of: Reference(kind: "model", id: id), by: officer.mark, at: now, details: [("number", .string(model)), ("reason", .string(reason))],
            sealing: [.init("monitoring_exceptions", id)])
    }

    // MARK: Moves

    /// The moves that can succeed now: the two lanes part after confirmation.
    package func available(_ lead: Lead, to actor: Actor) -> [Move] { LeadMoves.table.available(lead.matter, to: actor, desk.permissions) }

    /// - Errors: fields that are missing or unknown by pointer; `conflict`, `forbidden` by the table.
    @discardableResult
    package func apply(_ name: String, on lead: Lead, input: Form, by actor: Actor, at now: Moment, _ tx: Transaction) throws -> Matter {
        _ = try LeadMoves.table.check(name, on: lead.matter, by: actor, desk.permissions)
        func text(_ field: String, _ most: Int) throws(Refusal) -> String { try input.needed(field, most) }
        func choice(_ field: String, _ allowed: [String]) throws(Refusal) -> String { try input.chosen(field, allowed) }
        func move(_ details: [(String, String)] = [], outcome: String? = nil) throws -> Matter {
            try casework.perform(
                name, on: lead.matter, by: actor, at: now, details: details.filter { !$0.1.isEmpty }.map { ($0.0, .string($0.1)) }, outcome: outcome,
                sealing: [.init("monitoring_leads", key: "matter", lead.matter.id.raw)], tx)
        }
        let id = lead.matter.id
        switch name {
        case "confirm":
            // A person looks at each element and each exemption: the machine only found words or numbers.
            guard let model = try edition(lead, tx) else { throw Fault("no edition \(lead.edition) of \(lead.model)") }
            let ticked = Set(input.all("element"))
            guard (0..<model.card.elements.count).allSatisfy({ ticked.contains(String($0)) }) else {
                throw Refusal.invalid("/element", Text("确认前请逐项核对构成要件，全部具备方可确认", "Look at each element: all must be there to confirm"))
            }
            guard model.card.exemptions.isEmpty || input["exempt"] == "none" else {
                throw Refusal.invalid("/exempt", Text("请核对豁免情形，不具备方可确认", "Look at the exemptions: none may apply"))
            }
            try tx.send("UPDATE monitoring_leads SET verdict = 'right', reason = NULL WHERE matter = \(id)")
            let after = try move([("note", input["note"] ?? ""), ("exemptions", model.card.exemptions.isEmpty ? "" : "均不具备")])
            try judge(lead, at: now, tx)
            return after
        case "dismiss":
            let reason = try choice("reason", LeadMoves.reasons.map(\.0))
            let note = reason == "other" ? try text("note", 1000) : input["note"] ?? ""
            // A duplicate or wrong data says nothing of the model.
            let verdict = reason == "duplicate" || reason == "data" ? "void" : "wrong"
            try tx.send("UPDATE monitoring_leads SET verdict = \(verdict), reason = \(reason) WHERE matter = \(id)")
            let after = try move([("reason", reason), ("note", note)], outcome: "dismissed")
            try judge(lead, at: now, tx)
            return after
        case "snooze":
            let note = try text("note", 500)
            guard let until = input["until"].flatMap({ Day($0) }), until > now.day, until <= now.day.adding(days: 90) else {
                throw Refusal.invalid("/until", Text("请填写今天之后90天以内的日期", "Give a day within 90 days from today"))
            }
            try tx.send("UPDATE monitoring_leads SET snoozed_until = \(until) WHERE matter = \(id)")
            return try move([("note", note), ("aside", until.description)])
        case "reopen":
            try tx.send("UPDATE monitoring_leads SET verdict = NULL, reason = NULL WHERE matter = \(id)")
            return try move([("note", input["note"] ?? "")])
        case "notice":
            let change = try text("change", 1000)
            guard let due = input["due"].flatMap({ Day($0) }), due > now.day else { throw Refusal.invalid("/due", Text("改正期限应晚于今天", "The day to correct by is after today")) }
            let channel = try choice("channel", LeadNotice.channels.map(\.0))
            try tx.send(
                "UPDATE monitoring_leads SET notice = \(change), correct_by = \(due), notice_code = \(AccessCode.hash(input["code"] ?? "", lead.matter.number)) WHERE matter = \(id)"
            )
            let after = try move([("change", change), ("due", due.description)])
            try Casework.notify("respondent", of: id, by: channel, LeadNotice.title.zh, at: now, tx)
            // Looked at again on the day after the last one; a listing that changes before is looked at then.
            try Jobs.add(LeadDesk.recheck, [("lead", .int(id.raw))], at: Moment(due.adding(days: 1), hour: 8), tx)
            return after
        case "corrected", "escalate", "doubt":
            var details = [("note", input["note"] ?? "")]
            if case .system = actor { details = [("again", input["again"] ?? ""), ("words", input["words"] ?? "")] }
            return try move(details, outcome: name == "corrected" ? "rectified" : nil)
        case "dispatch":
            let region = try choice("region", desk.regions.districts(of: desk.configuration.cityRegion).map(\.code))
            let place = try choice("place", LeadMoves.places.map(\.0))
            try tx.send("UPDATE casework_matters SET region = \(region), competent_at = \(now), assignee = NULL WHERE id = \(id)")
            let after = try move([("region", region), ("place", place), ("note", input["note"] ?? "")])
            return after
        case "give-back":
            let note = try text("note", 500)
            try tx.send("UPDATE casework_matters SET region = \(desk.configuration.cityRegion), assignee = NULL WHERE id = \(id)")
            return try move([("note", note)])
        case "guide", "rectify", "propose", "clear":
            // Who keeps cases hears of it, and registers the source.
            if name == "propose" {
                try Jobs.add("enforcement.clue", [("matter", .int(id.raw)), ("result", .string(text("result", 2000))), ("violation", .string(lead.model))], at: now, tx)
            }
            return try move([("result", try text("result", 2000))], outcome: ["guide": "guided", "rectify": "rectified", "propose": "proposed", "clear": "not-found"][name])
        case "transfer": return try move([("where", try text("where", 200)), ("result", try text("result", 2000))], outcome: "transferred")
        case "feed-back": return try move([("result", try text("result", 2000))])
        default: return try move([("note", input["note"] ?? "")])
        }
    }

    /// The model as it ran, from the texts of its edition.
    package func edition(_ lead: Lead, _ tx: Transaction) throws -> Model? {
        guard let row = try tx.one("SELECT * FROM monitoring_editions WHERE model = \(lead.model) AND edition = \(lead.edition)") else { return nil }
        return try ModelLife.model(Edition(row), law: desk.law.register)
    }

    /// Every decision feeds the model's precision; one that is surely under its floor goes back into trial by itself, and says so.
    private func judge(_ lead: Lead, at now: Moment, _ tx: Transaction) throws {
        let precision = try Precision.of(lead.model, edition: lead.edition, at: now, tx)
        guard precision.isBelow(try Trigger.of(lead.model, tx).floor) else { return }
        for row in try tx.all("SELECT id FROM monitoring_editions WHERE model = \(lead.model) AND edition = \(lead.edition) AND state = 'active'") {
            let note = "近\(Precision.days)天判定\(precision.judged)件，确认\(precision.right)件，精度低于下限，自动转为试运行"
            try ModelLife.decide(row.int("id"), to: .shadow, note: note, by: "system", at: now, tx)
        }
    }

    // MARK: Looking again

    static let recheck = "monitoring.recheck"

    /// Looks at the shop's listings again: nothing hits any more → corrected; the day is past → a person sends an office; else later.
    /// Words that only an excuse keeps from hitting are for a person: the machine closes nothing by them.
    package func lookAgain(_ key: Int64, room: ModelRoom) async throws {
        let set = try await room.current(desk.store)
        let (lead, bodies) = try await desk.store.read { tx -> (Lead?, [(id: Int64, body: String, at: Moment)]) in
            guard let row = try tx.one("SELECT * FROM casework_matters WHERE id = \(key)") else { return (nil, []) }
            let lead = try tx.lead(Matter(row))
            return (
                lead,
                try tx.all("SELECT DISTINCT i.id, i.body, i.last_at FROM monitoring_hits h JOIN monitoring_listings i ON i.id = h.listing WHERE h.lead = \(key)").map {
                    ($0.int("id"), $0.string("body"), $0.moment("last_at"))
                }
            )
        }
        guard let lead, lead.matter.state == LeadMoves.notified, let due = lead.correctBy else { return }
        let now = desk.now
        let listings = bodies.compactMap { row in (try? JSON(parsing: Array(row.body.utf8))).flatMap { try? Listing($0, at: desk.now) } }
        let context = try await desk.store.read { try Intake.Context(listings, $0) }
        let matcher = Matcher(set.program)
        let read = Dictionary(bodies.compactMap { row in (try? Listing(JSON(parsing: Array(row.body.utf8)), at: now)).map { (row.id, context.reading($0).json.text) } }) { a, _ in a
        }
        let looks = listings.map { ModelLife.hits(lead.model, Intake.enriched($0, context, set.permitKinds), set, matcher) }
        let (still, words) = (looks.contains { $0.hit }, Marked.whole(looks.flatMap(\.excused)))
        // Seen again since the shop was told: what was not looked at since proves nothing.
        let told = try await desk.store.read { try $0.one("SELECT max(at) AS at FROM casework_moves WHERE matter = \(key) AND move = 'notice'")?.optionalMoment("at") } ?? now
        let seen = bodies.allSatisfy { $0.at > told }
        let files = desk.files
        try await desk.store.write { tx in
            let fresh = try tx.lead(lead.matter.id)
            guard fresh.matter.state == LeadMoves.notified else { return }
            var own: String?
            for listing in bodies {
                let hash = try files.keep(Array((read[listing.id] ?? listing.body).utf8))
                if listing.id == lead.listing { own = hash }
                try tx.send("UPDATE monitoring_hits SET after_hash = \(hash), after_at = \(listing.at) WHERE lead = \(key) AND listing = \(listing.id)")
            }
            try tx.send("UPDATE monitoring_leads SET rechecks = rechecks + 1, corrected_hash = \(own) WHERE matter = \(key)")
            func tell(_ name: String, _ again: String) throws {
                try apply(name, on: fresh, input: Form([("again", again), ("words", words.prefix(5).joined(separator: "、"))]), by: .system, at: now, tx)
            }
            if !still, seen, words.isEmpty {
                try tell("corrected", "clean")
            } else if now.day > due {
                try tell("escalate", still ? "still" : seen ? "late" : "unseen")
            } else {
                if !still, seen { try tell("doubt", "excused") }
                try Jobs.add(LeadDesk.recheck, [("lead", .int(key))], at: Moment(due.adding(days: 1), hour: 8), tx)
            }
        }
    }
}

/// What a shop is told (自行整改通知).
enum LeadNotice {
    static let title = Text("自行整改通知", "Notice to correct")
    static let more = Text("自行整改通知（补充）", "Notice to correct: more was found")
    static let channels: [(String, Text)] = [
        ("platform", Text("平台站内信", "Message through the platform")), ("sms", Text("短信", "SMS")), ("phone", Text("电话", "Phone")), ("mail", Text("邮寄", "Post")),
        ("counter", Text("当面", "In person")),
    ]
    static func channel(_ name: String) -> Text { channels.first { $0.0 == name }?.1 ?? Text(verbatim: name) }

    /// A lost link can be made anew; the old one then opens nothing any more.
    static func renew(_ h: HTML, _ visit: Visit, _ action: String) {
        visit.form(h, action, "mb-3") {
            h.button(
                Text("重新生成查询链接", "Make a new link"), "btn btn-sm btn-outline-secondary",
                attributes: [h.confirming(Text("原链接将失效，确定重新生成？", "The old link becomes void: make a new one?"))])
        }
    }
}
