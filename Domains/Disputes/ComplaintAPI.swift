import Formats
import Kernel
import Platform
import Statute
import Store
import Web

/// Complaints by API (投诉接口): the same rules as the pages, errors as RFC 9457.
struct ComplaintAPI: Sendable {
    let handling: Handling
    let limit: RateLimit

    func routes() -> [Route] {
        [
            Route(.post, "/api/v1/complaints", .anyone, style: .api) { visit in try await create(visit) },
            Route(.get, "/api/v1/complaints", .permitted("casework.see"), style: .api) { visit in try await list(visit) },
            Route(.get, "/api/v1/complaints/:number", .anyone, style: .api) { visit in try await get(visit) },
            Route(.get, "/api/v1/complaints/:number/moves", .anyone, style: .api) { visit in try await moves(visit) },
            Route(.post, "/api/v1/complaints/:number/moves", .anyone, style: .api) { visit in try await move(visit) },
        ]
    }

    // MARK: Reading a body

    static func filing(_ body: JSON) throws(Refusal) -> Filing {
        var filing = Filing()
        var wrong: [Refusal.Field] = []
        func text(_ value: JSON?, _ pointer: String) -> String? {
            guard let value, !value.isNull else { return nil }
            guard let s = value.string else {
                wrong.append(.init(pointer, Text("应为文本", "must be a string")))
                return nil
            }
            guard s.utf8.count < 40_000 else {
                wrong.append(.init(pointer, Text("过长", "is too long")))
                return nil
            }
            return s.trimmed.isEmpty ? nil : s
        }
        func object(_ key: String, required: Bool) -> JSON? {
            guard let value = body[key], !value.isNull else {
                if required { wrong.append(.init("/\(key)", Text("缺少此项", "is missing"))) }
                return nil
            }
            guard value.isObject else {
                wrong.append(.init("/\(key)", Text("应为对象", "must be an object")))
                return nil
            }
            return value
        }
        func money(_ value: JSON?, _ pointer: String) -> Money? {
            guard let value, !value.isNull else { return nil }
            guard case .number(let digits) = value, let money = Money(yuan: digits) else {
                wrong.append(.init(pointer, Text("应为最多两位小数的数字", "must be a number with at most two decimals")))
                return nil
            }
            return money
        }
        func flag(_ value: JSON?, _ pointer: String) -> Bool? {
            guard let value, !value.isNull else { return nil }
            if value.bool == nil { wrong.append(.init(pointer, Text("应为 true 或 false", "must be true or false"))) }
            return value.bool
        }
        if let person = object("complainant", required: true) {
            filing.complainantName = text(person["name"], "/complainant/name") ?? ""
            filing.complainantPhone = text(person["phone"], "/complainant/phone") ?? ""
            filing.complainantAddress = text(person["address"], "/complainant/address") ?? ""
            filing.idNumber = text(person["idNumber"], "/complainant/idNumber")
            filing.idType = text(person["idType"], "/complainant/idType")
        }
        if let business = object("respondent", required: true) {
            filing.respondentName = text(business["name"], "/respondent/name") ?? ""
            filing.respondentAddress = text(business["address"], "/respondent/address") ?? ""
            filing.respondentUSCC = text(business["taxID"], "/respondent/taxID")?.uppercased()
            filing.respondentPhone = text(business["phone"], "/respondent/phone")
            filing.platform = text(business["platform"], "/respondent/platform")
            filing.shopURL = text(business["shopURL"], "/respondent/shopURL")
        }
        filing.facts = text(body["facts"], "/facts") ?? ""
        filing.purchase = text(body["purchase"], "/purchase")
        filing.occurredPlace = text(body["occurredPlace"], "/occurredPlace")
        filing.externalNumber = text(body["externalNumber"], "/externalNumber")
        filing.amount = money(body["amount"], "/amount")
        if let day = text(body["occurredOn"], "/occurredOn") {
            filing.occurredOn = Day(day)
            if filing.occurredOn == nil { wrong.append(.init("/occurredOn", Text("日期应为 2026-11-23 形式", "must be a day like 2026-11-23"))) }
        }
        if let claims = body["claims"], !claims.isNull {
            guard let items = claims.array else { throw .invalid(wrong + [.init("/claims", Text("应为数组", "must be an array"))]) }
            for (i, item) in items.prefix(30).enumerated() {
                guard let kind = item["kind"]?.string.flatMap({ ClaimKind(rawValue: $0) }) else {
                    wrong.append(
                        .init(
                            "/claims/\(i)/kind",
                            Text("应为：\(ClaimKind.allCases.map(\.rawValue).joined(separator: "、"))", "must be one of \(ClaimKind.allCases.map(\.rawValue).joined(separator: ", "))"))
                    )
                    continue
                }
                filing.claims.append(Claim(kind: kind, amount: money(item["amount"], "/claims/\(i)/amount")))
            }
        }
        if let consents = object("consents", required: false) {
            filing.publication = flag(consents["publication"], "/consents/publication")
            filing.delegation = flag(consents["delegation"], "/consents/delegation")
        }
        filing.source = "api"
        let named = Set(wrong.map(\.pointer))
        if !wrong.isEmpty { throw .invalid(wrong + filing.flaws(today: Day(9998, 1, 1)!).filter { flaw in !named.contains { flaw.pointer.hasPrefix($0) } }) }
        return filing
    }

    private func create(_ visit: Visit) async throws -> Answer {
        if visit.account == nil { try limit.take(visit.exchange.peer, at: visit.desk.now) }
        let once = try Idempotency(visit)
        let filing = try Self.filing(visit.exchange.json())
        let handling = handling
        let now = visit.desk.now
        let code = AccessCode.make()
        let actor: Actor = visit.account.map { .staff($0) } ?? .filer
        let (status, body) = try await visit.desk.store.write { tx in
            try once.answer(at: now, tx) {
                let receipt = try Registration.register(filing, by: actor, desk: handling.desk, casework: handling.casework, at: now, code: code, tx)
                let clocks = try Clocks.of(receipt.matter.id, tx)
                let body = JSON.object([
                    ("number", .string(receipt.matter.number)), ("trackingCode", .string(receipt.trackingCode)), ("state", .string(receipt.matter.state)),
                    ("regime", .string(receipt.matter.regime)),
                    ("deadlines", .array(clocks.map(Self.deadline))),
                ])
                return (201, body)
            }
        }
        return .json(body, status: status)
    }

    private static func deadline(_ clock: RunningClock) -> JSON {
        .object([("id", .string(clock.duty)), ("due", .string(clock.due.description)), ("state", .string(clock.state)), ("calendarIncomplete", .bool(clock.incomplete))])
    }

    // MARK: Looking

    /// Who asks: staff as far as they may see, the filer by the code; everybody else learns nothing.
    private func who(_ visit: Visit, _ c: Complaint) throws(Refusal) -> Actor {
        if let account = visit.account {
            guard visit.maySee(c.matter) else { throw .notFound }
            return .staff(account)
        }
        let code = visit.exchange.query["code"] ?? ""
        guard Crypto.equal(Array(AccessCode.hash(code, c.matter.number).utf8), Array(c.tracking.utf8)) else { throw .notFound }
        return .filer
    }

    private func find(_ visit: Visit) async throws -> (Complaint, Actor) {
        let number = try visit.exchange.parameter("number")
        // One look costs the same whether the number exists, the code fits, or neither.
        if visit.account == nil { try limit.take("api-track|" + visit.exchange.peer, at: visit.desk.now) }
        let c = try await visit.desk.store.read { try $0.complaint(number: number) }
        return (c, try who(visit, c))
    }

    private func get(_ visit: Visit) async throws -> Answer {
        let (c, actor) = try await find(visit)
        let (clocks, person) = try await visit.desk.store.read { (try Clocks.of(c.matter.id, $0), try $0.complainant(of: c.matter.id)) }
        return .json(Self.json(c, clocks, person, language: visit.language, forStaff: actor != .filer))
    }

    static func json(_ c: Complaint, _ clocks: [RunningClock], _ person: Complainant, language: Language, forStaff: Bool) -> JSON {
        let state = ComplaintMoves.table.state(c.matter.state)
        var pairs: [(String, JSON)] = [
            ("number", .string(c.matter.number)), ("state", .string(c.matter.state)), ("stateTitle", .string((forStaff ? state.title : state.outside)[language])),
            ("regime", .string(c.law)),
            ("receivedAt", .string(c.matter.receivedAt.isoText)), ("closedAt", .text(c.matter.closedAt?.isoText)), ("outcome", .text(c.matter.outcome)),
            ("respondent", .object([("name", .string(c.respondentName)), ("address", .string(c.respondentAddress)), ("taxID", .text(c.respondentUSCC))])),
            ("facts", .string(c.facts)),
            ("claims", .array(c.claims.map { .object([("kind", .string($0.kind.rawValue)), ("amount", $0.amount.map { .number($0.plain) } ?? .null)]) })),
            ("occurredOn", .text(c.occurredOn?.description)), ("deadlines", .array(clocks.map(deadline))),
            ("refusalGround", .text(c.refusalGround)), ("endingGround", .text(c.endingGround)), ("reason", .text(c.reason)), ("agreement", .text(c.agreement)),
        ]
        if forStaff {
            // Masked, as on the page: the whole is looked at there, with a purpose, and logged.
            pairs += [
                ("region", .string(c.matter.region)), ("source", .string(c.source)), ("title", .string(c.matter.title)),
                (
                    "complainant",
                    .object([("name", .string(person.name.description)), ("phone", .string(person.phone.description)), ("address", .string(person.address.description))])
                ),
            ]
        }
        return .object(pairs)
    }

    private func list(_ visit: Visit) async throws -> Answer {
        let account = try visit.require("casework.see")
        let query = visit.exchange.query
        var filter = try QueueFilter { query[$0] }
        filter.kind = ComplaintMoves.kind
        if let state = filter.state {
            guard let known = ComplaintMoves.table.states.first(where: { $0.name == state }) else {
                throw Refusal.invalid("/state", Text("没有“\(state)”这个状态", "There is no state “\(state)”"))
            }
            filter.closed = !known.open
        }
        try filter.check(visit.desk.regions, states: ComplaintMoves.table.states.map(\.name), for: account)
        if let text = filter.text, text.count < 2 { throw Refusal.invalid("/q", Text("至少两个字", "has at least two characters")) }
        let wanted = filter
        let city = visit.desk.configuration.cityRegion
        let today = visit.desk.today()
        let page = try await visit.desk.store.read { try Queue.page(wanted, for: account, city: city, today: today, kinds: [ComplaintMoves.kind], limit: 50, $0) }
        return .json(
            .object([
                (
                    "items",
                    .array(
                        page.matters.map { m in
                            .object([
                                ("number", .string(m.number)), ("state", .string(m.state)), ("title", .string(m.title)), ("region", .string(m.region)),
                                ("regime", .string(m.regime)),
                                ("receivedAt", .string(m.receivedAt.isoText)), ("due", .text(m.nextDue?.description)),
                                ("dueIsEstimate", .bool(m.nextDue.map { !visit.desk.calendar.value.isKnown($0) } ?? false)),
                            ])
                        })
                ), ("next", .text(page.next)),
            ]))
    }

    private func moves(_ visit: Visit) async throws -> Answer {
        let (c, actor) = try await find(visit)
        let register = visit.desk.law.register
        let language = visit.language
        let available = handling.available(c, to: actor, clocks: try await visit.desk.store.read { try Clocks.of(c.matter.id, $0) })
        return .json(
            .object([
                ("state", .string(c.matter.state)),
                (
                    "moves",
                    .array(
                        available.map { move in
                            let article = move.article(under: c.law)
                            return .object([
                                ("move", .string(move.name)), ("title", .string(move.title[language])), ("to", .text(move.to)),
                                (
                                    "law",
                                    article.map { .object([("law", .string($0.law)), ("article", .string($0.article)), ("text", .string(register.cite($0)[language]))]) } ?? .null
                                ),
                                (
                                    "by",
                                    .array(
                                        move.by.map { by in
                                            switch by {
                                            case .staff(let permission): .string(permission.description)
                                            case .filer: .string("filer")
                                            case .respondent: .string("respondent")
                                            case .system: .string("system")
                                            }
                                        })
                                ),
                            ])
                        })
                ),
            ]))
    }

    private func move(_ visit: Visit) async throws -> Answer {
        let body = try visit.exchange.json()
        let (c, actor) = try await find(visit)
        guard let name = body["move"]?.string else { throw Refusal.invalid("/move", Text("请指明步骤", "Name the move")) }
        guard case .object(let pairs) = body else { throw Refusal.invalid("", Text("应为对象", "must be an object")) }
        var form = Form()
        for (key, value) in pairs where key != "move" {
            switch value {
            case .string(let s): form.add(key, s)
            case .number(let n): form.add(key, n)
            case .bool(let b): form.add(key, b ? "yes" : "no")
            case .array(let items):
                for item in items { if let s = item.string { form.add(key, s) } else { throw Refusal.invalid("/\(key)", Text("应为文本数组", "must be an array of strings")) } }
            case .null: continue
            case .object: throw Refusal.invalid("/\(key)", Text("应为文本", "must be a string"))
            }
        }
        let input = form
        let handling = handling
        let now = visit.desk.now
        let language = visit.language
        let once = try Idempotency(visit)
        let (status, answer) = try await visit.desk.store.write { tx in
            try once.answer(at: now, tx) {
                let fresh = try tx.complaint(c.matter.id)
                try handling.apply(name, on: fresh, input: input, by: actor, at: now, tx)
                return (
                    200,
                    Self.json(try tx.complaint(c.matter.id), try Clocks.of(c.matter.id, tx), try tx.complainant(of: c.matter.id), language: language, forStaff: actor != .filer)
                )
            }
        }
        return .json(answer, status: status)
    }
}
