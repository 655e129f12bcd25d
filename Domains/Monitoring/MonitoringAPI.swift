import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Listings in, leads out by program (监测接口).
struct MonitoringAPI: Sendable {
    let intake: Intake

    /// Listings of one call.
    static let most = 1000

    func routes() -> [Route] {
        [
            Route(.post, "/api/v1/listings", .permitted("monitoring.intake"), style: .api, cap: 16 << 20) { visit in try await take(visit) },
            Route(.get, "/api/v1/leads", .permitted("monitoring.see"), style: .api) { visit in try await list(visit) },
            Route(.get, "/api/v1/leads/:number", .permitted("monitoring.see"), style: .api) { visit in try await get(visit) },
            Route(.post, "/api/v1/leads/:number/moves", .permitted("monitoring.see"), style: .api) { visit in try await move(visit) },
        ]
    }

    private func take(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.intake")
        let once = try Idempotency(visit)
        let body = try visit.exchange.json()
        guard let items = body["items"]?.array else { throw Refusal.invalid("/items", Text("请提供数组 items", "an array of items is needed")) }
        guard (1...Self.most).contains(items.count) else { throw Refusal.invalid("/items", Text("每次1至\(Self.most)条", "1 to \(Self.most) at a time")) }
        let now = visit.desk.now
        var listings: [Listing] = []
        var rejected: [JSON] = []
        for (i, item) in items.enumerated() {
            do { listings.append(try Listing(item, at: now)) } catch {
                for field in error.fields.isEmpty ? [Refusal.Field("", error.text)] : error.fields {
                    rejected.append(.object([("pointer", .string("/items/\(i)\(field.pointer)")), ("detail", .string(field.text[visit.language]))]))
                }
            }
        }
        // What is good goes in; what is not is named. Listings know themselves, so a second call adds nothing.
        let outcome = try await intake.take(listings, by: account.mark)
        let answer = JSON.object([
            ("added", .int(outcome.added)), ("changed", .int(outcome.changed)), ("same", .int(outcome.same)), ("hits", .int(outcome.hits)), ("leads", .int(outcome.leads)),
            ("rejected", .array(rejected)),
        ])
        let (status, said) = try await visit.desk.store.write { tx in try once.answer(at: now, tx) { (200, answer) } }
        return .json(said, status: status)
    }

    private func find(_ visit: Visit, _ tx: Transaction) throws -> Lead {
        let lead = try tx.lead(tx.matter(number: visit.exchange.parameter("number")))
        guard visit.maySee(lead.matter) else { throw Refusal.notFound }
        return lead
    }

    private func json(_ lead: Lead, _ clocks: [RunningClock], hits: [(listing: String, matches: JSON)]? = nil, _ language: Language) -> JSON {
        let m = lead.matter
        var pairs: [(String, JSON)] = [
            ("number", .string(m.number)), ("state", .string(m.state)), ("stateTitle", .string(LeadMoves.table.state(m.state).title[language])), ("title", .string(m.title)),
            ("model", .string(lead.model)), ("edition", .string(lead.edition)), ("level", .string(lead.level)), ("lane", .string(lead.lane)), ("hits", .int(lead.hits)),
            ("score", .int(lead.score)), ("region", .string(m.region)), ("foundAt", .string(m.receivedAt.isoText)), ("closedAt", .text(m.closedAt?.isoText)),
            ("outcome", .text(m.outcome)),
            ("correctBy", .text(lead.correctBy?.description)), ("snapshot", .string(lead.bodyHash)),
            ("deadlines", .array(clocks.map { .object([("id", .string($0.duty)), ("due", .string($0.due.description)), ("state", .string($0.state))]) })),
        ]
        if let hits { pairs.append(("found", .array(hits.map { .object([("listing", .string($0.listing)), ("matches", $0.matches)]) }))) }
        return .object(pairs)
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.see")
        let query = visit.exchange.query
        var conditions: [SQL] = ["m.kind = \(LeadMoves.kind)"]
        if let state = query["state"] {
            guard LeadMoves.table.states.contains(where: { $0.name == state }) else { throw Refusal.invalid("/state", Text("没有“\(state)”这个状态", "There is no state “\(state)”")) }
            conditions.append("m.state = \(state)")
        }
        if let model = query["model"] { conditions.append("l.model = \(model)") }
        let city = visit.desk.configuration.cityRegion
        if account.region != city, !account.region.isEmpty { conditions.append("m.region >= \(account.region) AND m.region < \(account.region + "~")") }
        if let cursor = query["cursor"] {
            let parts = cursor.split(separator: ".").compactMap { Int64($0) }
            guard parts.count == 2 else { throw Refusal.invalid("/cursor", Text("翻页标记无效", "The cursor is not valid")) }
            conditions.append("(l.score < \(parts[0]) OR (l.score = \(parts[0]) AND l.matter < \(parts[1])))")
        }
        let all = conditions
        let leads = try await visit.desk.store.read { tx in
            try tx.all(
                """
                SELECT \(Lead.columns) FROM monitoring_leads l JOIN casework_matters m ON m.id = l.matter WHERE \(SQL.all(all)) ORDER BY l.score DESC, l.matter DESC LIMIT 51
                """
            ).map { Lead(Matter($0), $0) }
        }
        let next = leads.count > 50 ? "\(leads[49].score).\(leads[49].matter.id)" : nil
        return .json(.object([("items", .array(leads.prefix(50).map { json($0, [], visit.language) })), ("next", .text(next))]))
    }

    private func get(_ visit: Visit) async throws -> Answer {
        let (lead, clocks, hits) = try await visit.desk.store.read { tx in
            let lead = try find(visit, tx)
            let hits = try tx.all(
                "SELECT i.ref, h.matches FROM monitoring_hits h JOIN monitoring_listings i ON i.id = h.listing WHERE h.lead = \(lead.matter.id) ORDER BY h.id LIMIT 100"
            ).map {
                ($0.string("ref"), try JSON(parsing: Array($0.string("matches").utf8)))
            }
            return (lead, try Clocks.of(lead.matter.id, tx), hits)
        }
        return .json(json(lead, clocks, hits: hits, visit.language))
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("monitoring.see")
        let body = try visit.exchange.json()
        guard case .object(let pairs) = body, let name = body["move"]?.string else { throw Refusal.invalid("/move", Text("请指明步骤", "Name the move")) }
        var form = Form()
        for (key, value) in pairs where key != "move" && key != "code" {
            switch value {
            case .string(let s): form.add(key, s)
            case .number(let n): form.add(key, n)
            case .bool(let b): form.add(key, b ? "yes" : "no")
            case .array(let items):
                for item in items {
                    if let s = item.string ?? item.int.map(String.init) {
                        form.add(key, s)
                    } else {
                        throw Refusal.invalid("/\(key)", Text("应为文本数组", "must be an array of strings"))
                    }
                }
            case .null: continue
            case .object: throw Refusal.invalid("/\(key)", Text("应为文本", "must be a string"))
            }
        }
        let code = AccessCode.make()
        if name == "notice" { form.set("code", code) }
        let (input, leads, now, language) = (form, intake.leads, visit.desk.now, visit.language)
        let once = try Idempotency(visit)
        let (status, answer) = try await visit.desk.store.write { tx in
            try once.answer(at: now, tx) {
                let lead = try find(visit, tx)
                try leads.apply(name, on: lead, input: input, by: .staff(account), at: now, tx)
                let after = json(try tx.lead(lead.matter.id), try Clocks.of(lead.matter.id, tx), language)
                return (200, name == "notice" ? after.setting("noticeCode", .string(code)) : after)
            }
        }
        return .json(answer, status: status)
    }
}
