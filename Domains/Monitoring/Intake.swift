import Detect
import Formats
import Foundation
import Kernel
import Platform
import Store

/// Taking listings in (信息采集): what is new is kept, compared with what was, matched against the models in force, and what hits
/// becomes a lead — in one transaction a batch, by page, file, API and folder alike.
///
/// Idempotent: the same listing with the same content and time changes nothing. Cost: a handful of statements a batch and three a
/// listing that changed.
package struct Intake: Sendable {
    let desk: Desk
    let room: ModelRoom
    let leads: LeadDesk

    package init(desk: Desk, room: ModelRoom) {
        self.desk = desk
        self.room = room
        leads = LeadDesk(desk: desk)
    }

    package struct Outcome: Sendable {
        package var added = 0
        package var changed = 0
        package var same = 0
        package var hits = 0
        package var leads = 0
        /// The references of what hit, with their models.
        package var found: [(listing: String, model: String)] = []
        package init() {}
        mutating func add(_ o: Outcome) {
            added += o.added
            changed += o.changed
            same += o.same
            hits += o.hits
            leads += o.leads
            found += o.found
        }
    }

    /// Listings of one transaction.
    static let batchSize = 400

    /// Takes listings in, in order; the last of the same reference and time counts.
    package func take(_ all: [Listing], by actor: String) async throws -> Outcome {
        let set = try await room.current(desk.store)
        var outcome = Outcome()
        // A list without times of its own may name a thing twice: the last one counts.
        struct Seen: Hashable {
            let key: String
            let at: Moment
        }
        var last: [Seen: Int] = [:]
        for (i, listing) in all.enumerated() { last[Seen(key: listing.key, at: listing.observedAt)] = i }
        let listings = all.enumerated().filter { last[Seen(key: $0.element.key, at: $0.element.observedAt)] == $0.offset }.map(\.element)
        outcome.same += all.count - listings.count
        for start in stride(from: 0, to: listings.count, by: Intake.batchSize) {
            outcome.add(try await batch(Array(listings[start..<min(start + Intake.batchSize, listings.count)]), set, by: actor))
        }
        return outcome
    }

    /// What a listing is kept as, with what its matching found.
    private struct Ready: Sendable {
        let listing: Listing
        /// With the words of its pictures.
        let reading: Listing
        let hash: String
        let textHash: String
        let features: JSON
        let hits: [Found]
    }
    struct Found: Sendable {
        let model: Model
        let edition: String
        let shadow: Bool
        let level: String
        let matches: JSON
        let count: Int
        let texts: [String]
        /// Of those the ones that somebody wrote, for titles.
        let words: [String]
    }

    private func batch(_ listings: [Listing], _ set: ModelRoom.Set, by actor: String) async throws -> Outcome {
        // Compared and matched outside the transaction: reading is cheap to repeat, matching is not.
        let context = try await desk.store.read { try Context(listings, $0) }
        let matcher = Matcher(set.program)
        let trials = set.trials.map { ($0, Matcher($0.program)) }
        var ready: [Ready] = []
        // What the same batch says earlier about the same listing is history to what comes later.
        var past = context.past
        for listing in listings {
            let facts = context.facts(of: listing)
            let features = Features.of(
                listing, past: past[listing.key] ?? [], seller: facts, failedGoods: context.failedGoods, certificates: context.certificates, permitKinds: set.permitKinds)
            past[listing.key, default: []].append(.init(at: listing.observedAt, price: listing.price, sold: listing.sold))
            let reading = context.reading(listing)
            ready.append(
                Ready(
                    listing: listing, reading: reading, hash: listing.hash, textHash: listing.textHash, features: features,
                    hits: try match(reading, features, set, matcher) + trials.flatMap { try match(reading, features, $0.0, $0.1) }))
        }
        let (items, desk, leads) = (ready, desk, leads)
        return try await desk.store.write { tx in try Intake.write(items, desk: desk, leads: leads, by: actor, tx) }
    }

    /// What the models find in a listing with its features.
    /// - Parameter excused: what they would find, had nothing been excused, and do not.
    func match(_ listing: Listing, _ features: JSON, _ set: ModelRoom.Set, _ matcher: Matcher, excused: Bool = false) throws -> [Found] {
        let bytes = Array(listing.json.setting(Features.key, features).text.utf8)
        let result: Matcher.Result
        do { result = try bytes.withUnsafeBufferPointer { bytes throws(Matcher.Bad) in try matcher.scan(bytes) } } catch {
            throw Refusal.invalid("", Text("无法识读：\(error)", "cannot be read: \(error)"))
        }
        var found: [Found] = []
        for hit in excused ? result.excused : result.hits where !set.program.correlator.silent.contains(hit.rule) {
            let model = set.library.models[set.modelOf[hit.rule]]
            guard !found.contains(where: { $0.model.id == model.id }), let edition = set.editions[model.id] else { continue }
            let matches = JSON.array(
                hit.matches.map {
                    .object([("selection", .string($0.selection)), ("field", .string($0.field)), ("start", .int($0.start)), ("end", .int($0.end)), ("text", .string($0.text))])
                })
            found.append(
                Found(
                    model: model, edition: edition.edition, shadow: edition.shadow, level: set.program.rules[hit.rule].level, matches: matches, count: hit.matches.count,
                    texts: hit.matches.map(\.text), words: hit.matches.filter { Marked.isWritten($0.field) }.map(\.text)))
        }
        return found
    }

    /// A listing as the models read it: with its features, as of when it was seen.
    static func enriched(_ listing: Listing, _ context: Context, _ kinds: [Features.PermitKind]) -> JSON {
        let past = (context.past[listing.key] ?? []).filter { $0.at < listing.observedAt }
        return context.reading(listing).json.setting(
            Features.key,
            Features.of(
                listing, past: past, seller: context.facts(of: listing), failedGoods: context.failedGoods, certificates: context.certificates, permitKinds: kinds))
    }

    /// Matches listings anew of which the pictures say something else; their own fields, prices and times stay as they are.
    func look(at ids: [Int64], by actor: String) async throws {
        guard !ids.isEmpty else { return }
        let set = try await room.current(desk.store)
        let matcher = Matcher(set.program)
        let now = desk.now
        let rows = try await desk.store.read { tx in
            try tx.all(keys: ids) { "SELECT id, seller, body FROM monitoring_listings WHERE id IN (\($0))" }.map { ($0.int("id"), $0.optionalInt("seller"), $0.string("body")) }
        }
        let listings = rows.compactMap { id, seller, body in (try? Listing(JSON(parsing: Array(body.utf8)), at: now)).map { (id, seller, $0) } }
        let context = try await desk.store.read { try Context(listings.map { $0.2 }, $0) }
        let found = try listings.map { id, seller, listing in
            let (reading, features) = (context.reading(listing), Intake.enriched(listing, context, set.permitKinds)[Features.key] ?? .object([]))
            return (id: id, seller: seller, reading: reading, features: features, hits: try match(reading, features, set, matcher))
        }
        let leads = leads
        try await desk.store.write { tx in
            for one in found {
                for hit in one.hits {
                    _ = try leads.take(hit, listing: one.reading, id: one.id, seller: one.seller, hash: one.reading.hash, features: one.features, by: actor, at: now, tx)
                }
            }
        }
    }

    // MARK: Writing

    private static func write(_ items: [Ready], desk: Desk, leads: LeadDesk, by actor: String, _ tx: Transaction) throws -> Outcome {
        var outcome = Outcome()
        var sellers: [String: Int64] = [:]
        let now = desk.now
        for item in items {
            let l = item.listing
            let seller = try l.seller.map { try known($0, at: now, &sellers, tx) }
            let old = try tx.one("SELECT id, hash, text_hash, version, last_at, price, list_price FROM monitoring_listings WHERE ref = \(l.id) AND platform = \(l.platform)")
            let id: Int64
            if let old {
                id = old.int("id")
                let isNew = try observe(id, l, tx)
                guard l.observedAt >= old.moment("last_at") else {
                    // What comes late is history: it does not take the place of what was seen after it.
                    if isNew { outcome.changed += 1 } else { outcome.same += 1 }
                    continue
                }
                if old.string("hash") == item.hash {
                    // Seen again as it was: what it is compared with may be another by now.
                    outcome.same += 1
                    if l.observedAt > old.moment("last_at") {
                        try tx.send("UPDATE monitoring_listings SET last_at = \(l.observedAt) WHERE id = \(id)")
                        try tx.send("UPDATE monitoring_versions SET last_at = \(l.observedAt) WHERE listing = \(id) AND number = \(old.count("version"))")
                    }
                    for hit in item.hits where try leads.take(hit, listing: item.reading, id: id, seller: seller, hash: item.hash, features: item.features, by: actor, at: now, tx)
                    {
                        outcome.leads += 1
                    }
                    continue
                }
                var version = old.count("version")
                if old.string("text_hash") != item.textHash {
                    version = try keep(l, id, after: version, item.hash, tx)
                } else {
                    try tx.send("UPDATE monitoring_versions SET last_at = \(l.observedAt) WHERE listing = \(id) AND number = \(version)")
                }
                try tx.run(
                    """
                    UPDATE monitoring_listings SET kind = \(l.kind), url = \(l.url), seller = \(seller), name = \(l.name), category = \(l.category), price = \(l.price),
                    list_price = \(l.listPrice), body = \(l.json.text), hash = \(item.hash), text_hash = \(item.textHash), version = \(version), last_at = \(l.observedAt) WHERE id = \(id)
                    """)
                outcome.changed += 1
                // A shop that was told to correct is looked at as soon as its listing is another.
                if old.string("text_hash") != item.textHash || old.optionalMoney("price") != l.price || old.optionalMoney("list_price") != l.listPrice {
                    for row in try tx.all(
                        "SELECT DISTINCT h.lead FROM monitoring_hits h JOIN casework_matters m ON m.id = h.lead WHERE h.listing = \(id) AND m.state = \(LeadMoves.notified)")
                    {
                        try Jobs.add(LeadDesk.recheck, [("lead", .int(row.int("lead")))], at: now, tx)
                    }
                }
            } else {
                id = try tx.insert(
                    """
                    INSERT INTO monitoring_listings (ref, platform, kind, url, seller, name, category, price, list_price, body, hash, text_hash, version, first_at, last_at)
                    VALUES (\(l.id), \(l.platform), \(l.kind), \(l.url), \(seller), \(l.name), \(l.category), \(l.price), \(l.listPrice), \(l.json.text), \(item.hash), \(item.textHash), 1,
                    \(l.observedAt), \(l.observedAt)) RETURNING id
                    """)
                try tx.send(
                    "INSERT INTO monitoring_versions (listing, number, hash, body, first_at, last_at) VALUES (\(id), 1, \(item.hash), \(l.json.text), \(l.observedAt), \(l.observedAt))"
                )
                try observe(id, l, tx)
                outcome.added += 1
            }
            if let seller, let turnover = l.turnover {
                let month = String(l.observedAt.day.description.prefix(7))
                try tx.send(
                    """
                    INSERT INTO monitoring_turnover (seller, month, listing, amount) VALUES (\(seller), \(month), \(id), \(turnover))
                    ON CONFLICT (seller, month, listing) DO UPDATE SET amount = \(turnover)
                    """)
            }
            for hit in item.hits {
                outcome.hits += 1
                outcome.found.append((l.id, hit.model.id))
                if try leads.take(hit, listing: item.reading, id: id, seller: seller, hash: item.hash, features: item.features, by: actor, at: now, tx) { outcome.leads += 1 }
            }
        }
        return outcome
    }

    /// Keeps price and sales: what is as it was is kept once a day. Returns whether that is new.
    @discardableResult
    private static func observe(_ id: Int64, _ l: Listing, _ tx: Transaction) throws -> Bool {
        guard l.price != nil || l.listPrice != nil || l.sold != nil || l.turnover != nil else { return false }
        let before = try tx.one(
            "SELECT at, price, list_price, sold, turnover FROM monitoring_observations WHERE listing = \(id) AND at <= \(l.observedAt) ORDER BY at DESC LIMIT 1")
        if let before, before.moment("at").day == l.observedAt.day, before.optionalMoney("price") == l.price, before.optionalMoney("list_price") == l.listPrice,
            before.optionalInt("sold").map(Int.init) == l.sold, before.optionalMoney("turnover") == l.turnover
        {
            return false
        }
        try tx.send(
            """
            INSERT INTO monitoring_observations (listing, at, price, list_price, sold, turnover) VALUES (\(id), \(l.observedAt), \(l.price), \(l.listPrice), \(l.sold), \(l.turnover))
            ON CONFLICT (listing, at) DO UPDATE SET price = \(l.price), list_price = \(l.listPrice), sold = \(l.sold), turnover = \(l.turnover)
            """)
        return true
    }

    /// A text that is nearly the one before is folded into it: nineteen of twenty pairs of characters are the same.
    private static let near = 0.95
    /// Returns the number of the version that it belongs to.
    private static func keep(_ l: Listing, _ id: Int64, after number: Int, _ hash: String, _ tx: Transaction) throws -> Int {
        if let row = try tx.one("SELECT body FROM monitoring_versions WHERE listing = \(id) AND number = \(number)"),
            let before = try? JSON(parsing: Array(row.string("body").utf8)),
            let old = try? Listing(before, at: l.observedAt), Shingles.share(Shingles.pairs(old.text), Shingles.pairs(l.text)) >= near
        {
            try tx.send("UPDATE monitoring_versions SET folded = folded + 1, last_at = \(l.observedAt) WHERE listing = \(id) AND number = \(number)")
            return number
        }
        try tx.send(
            "INSERT INTO monitoring_versions (listing, number, hash, body, first_at, last_at) VALUES (\(id), \(number + 1), \(hash), \(l.json.text), \(l.observedAt), \(l.observedAt))"
        )
        return number + 1
    }

    private static func known(_ s: Listing.Seller, at now: Moment, _ cache: inout [String: Int64], _ tx: Transaction) throws -> Int64 {
        if let id = cache[s.ref] { return id }
        let found = try s.taxID.flatMap { try Operators.find(uscc: $0, tx) } ?? (s.name.isEmpty ? nil : Operators.find(shopNamed: s.name, on: s.platform, tx))
        if let row = try tx.one("SELECT id, uscc, operator, region, contact, licence_shown, name FROM monitoring_sellers WHERE ref = \(s.ref)") {
            let id = row.int("id")
            let region = s.region.isEmpty ? row.string("region") : s.region
            let contact = s.contact.map(mark) ?? row.optionalString("contact")
            if row.optionalString("uscc") != (s.taxID ?? row.optionalString("uscc")) || row.optionalInt("operator") != (found?.id.raw ?? row.optionalInt("operator"))
                || row.string("region") != region || row.optionalString("contact") != contact
                || (s.licenceShown != nil && row.optionalInt("licence_shown") != (s.licenceShown! ? 1 : 0))
                || (!s.name.isEmpty && row.string("name") != s.name)
            {
                try tx.send(
                    """
                    UPDATE monitoring_sellers SET name = \(s.name.isEmpty ? row.string("name") : s.name), uscc = \(s.taxID ?? row.optionalString("uscc")), operator = \(found?.id ?? row.optionalID("operator")),
                    region = \(region), contact = \(contact), licence_shown = COALESCE(\(s.licenceShown), licence_shown), changed_at = \(now) WHERE id = \(id)
                    """)
            }
            cache[s.ref] = id
            return id
        }
        let id = try tx.insert(
            """
            INSERT INTO monitoring_sellers (ref, platform, name, uscc, operator, region, contact, licence_shown, changed_at)
            VALUES (\(s.ref), \(s.platform), \(s.name), \(s.taxID), \(found?.id), \(s.region), \(s.contact.map(mark)), \(s.licenceShown), \(now)) RETURNING id
            """)
        cache[s.ref] = id
        return id
    }

    /// A phone is kept as its hash: shops that share it are found, nobody is called by it.
    static func mark(_ contact: String) -> String { Crypto.hex(Crypto.sha256(Array(contact.filter { !" -()".contains($0) }.utf8)).prefix(16)) }

    // MARK: What is known beforehand

    /// History and registers for a batch, read at once.
    struct Context: Sendable {
        var past: [String: [Features.Past]] = [:]
        /// What was read in the pictures of those that were captured.
        private var words: [String: [String]] = [:]
        private var sellers: [String: (facts: Features.SellerFacts, contact: String?)] = [:]
        let failedGoods: Set<String>
        let certificates: [String: Day?]?

        init(_ listings: [Listing], _ tx: Transaction) throws {
            let refs = Array(Set(listings.map(\.id)))
            let rows = try tx.all("SELECT id, ref, platform FROM monitoring_listings WHERE ref IN (\(list: refs))")
            let names = Dictionary(rows.map { ($0.int("id"), "\($0.string("platform"))|\($0.string("ref"))") }) { a, _ in a }
            // The days that the longest comparison reaches back, and enough entries for the spread of sales.
            let since = listings.map(\.observedAt).min().map { $0.adding(seconds: -400 * 86_400) } ?? Moment(milliseconds: 0)
            for row in try tx.all(
                keys: names.keys, { "SELECT listing, at, price, sold FROM monitoring_observations WHERE listing IN (\($0)) AND at >= \(since) ORDER BY listing, at" })
            {
                past[names[row.int("listing")]!, default: []].append(.init(at: row.moment("at"), price: row.optionalMoney("price"), sold: row.optionalInt("sold").map(Int.init)))
            }
            for row in try tx.all(keys: names.keys, { "SELECT listing, words FROM monitoring_words WHERE listing IN (\($0))" }) {
                words[names[row.int("listing")]!] = PictureWords.list(row.string("words"))
            }
            var facts: [String: (Features.SellerFacts, String?)] = [:]
            for listing in listings {
                guard let s = listing.seller, facts[s.ref] == nil else { continue }
                facts[s.ref] = try Context.facts(s, at: listing.observedAt, tx)
            }
            sellers = facts.mapValues { (facts: $0.0, contact: $0.1) }
            let numbers = Set(listings.flatMap { l in ["gtin", "batch", "model"].compactMap { l.json[$0]?.string } })
            failedGoods =
                numbers.isEmpty
                ? [] : Set(try tx.all("SELECT number FROM monitoring_registers WHERE kind = 'failed' AND number IN (\(list: numbers.sorted()))").map { $0.string("number") })
            let shown = Set(listings.compactMap { $0.json["certificate"]?.string })
            if shown.isEmpty {
                certificates = nil
            } else {
                certificates = Dictionary(
                    try tx.all("SELECT number, valid_to FROM monitoring_registers WHERE kind = 'certificate' AND number IN (\(list: shown.sorted()))").map {
                        ($0.string("number"), $0.optionalDay("valid_to"))
                    }
                ) { a, _ in a }
            }
        }

        /// A listing with the words of its pictures.
        func reading(_ l: Listing) -> Listing {
            guard let words = words[l.key], !words.isEmpty else { return l }
            return (try? Listing(PictureWords.merged(l.json, words), at: l.observedAt)) ?? l
        }
        func facts(of l: Listing) -> Features.SellerFacts { l.seller.flatMap { sellers[$0.ref]?.facts } ?? .init() }

        private static func facts(_ s: Listing.Seller, at moment: Moment, _ tx: Transaction) throws -> (Features.SellerFacts, String?) {
            var facts = Features.SellerFacts()
            let row = try tx.one("SELECT id, operator, uscc, contact FROM monitoring_sellers WHERE ref = \(s.ref)")
            let code = s.taxID ?? row?.optionalString("uscc")
            let found =
                try code.flatMap { try Operators.find(uscc: $0, tx) } ?? row?.optionalID("operator", Operator.self).map { try Operators.find($0, tx) }
                ?? (s.name.isEmpty ? nil : Operators.find(shopNamed: s.name, on: s.platform, tx))
            facts.status = found?.status.rawValue
            facts.registeredName = found?.name
            if let code {
                facts.permits = try tx.all("SELECT kind, number, valid_to FROM monitoring_registers WHERE holder = \(code) AND kind NOT IN ('failed', 'certificate')").map {
                    ($0.string("kind"), $0.string("number"), $0.optionalDay("valid_to"))
                }
            }
            let contact = s.contact.map(mark) ?? row?.optionalString("contact")
            var shops: [Int64] = row.map { [$0.int("id")] } ?? []
            if let contact {
                shops = try tx.all("SELECT id FROM monitoring_sellers WHERE contact = \(contact)").map { $0.int("id") }
                facts.shopsByContact = Set(shops + (row.map { [$0.int("id")] } ?? [])).count + (row == nil ? 1 : 0)
            }
            // Turnover counts only where nobody is registered: what a registered one earns is no matter of ours here.
            if found == nil, !shops.isEmpty {
                let from = String(moment.day.adding(days: -365).description.prefix(7))
                let sum = try tx.count("SELECT COALESCE(sum(amount), 0) AS n FROM monitoring_turnover WHERE seller IN (\(list: shops)) AND month > \(from)")
                if sum > 0 { facts.turnover12m = Money(fen: Int64(sum)) }
            }
            return (facts, contact)
        }
    }
}
