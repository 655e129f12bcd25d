import Disputes
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// A year of complaints, event by event in the order of time (投诉的一年).
extension CityBuilder {
    enum Step: Sendable {
        case file(Filing, plan: Plan)
        case move(String, [(String, String)])
        /// Agreed or ended: which is known when the time has come.
        case outcome(agree: [(String, String)], end: [(String, String)])
    }
    /// What will become of a complaint, drawn when it is filed.
    struct Plan: Sendable {
        var fate: Fate
        var supplement = false
        var testing = false
        var recusal = false
        var lead = false
        var delay = 1
        var patience = 20
        /// A story worth opening: what happens when, written beforehand.
        var script: [(at: Moment, move: String, fields: [(String, String)])]?
    }
    enum Fate: Sendable { case refuse(String), redirect, withdraw, mediate, end(String), giveUp }

    struct Event: Sendable {
        let at: Moment
        let order: Int
        let matter: ID<Matter>?
        let region: String
        let plan: Plan
        let facts: Facts
        var step: Step
    }
    struct Facts: Sendable {
        let goods: String
        let amount: Money
        let shop: String
    }

    func live(complaints count: Int, staff: Staff, businesses: [[Business]]) async throws {
        // The heap moves keys only: an event is large, and stays where it is until its time comes.
        var heap = Heap<(at: Moment, order: Int)> { a, b in a.at != b.at ? a.at < b.at : a.order < b.order }
        var events: [Int: Event] = [:]
        var order = 0
        func push(_ event: Event) {
            heap.push((event.at, event.order))
            events[event.order] = event
            order += 1
        }
        for _ in 0..<count {
            let filed = moment()
            guard let (filing, facts) = filing(businesses, at: filed) else { continue }
            let plan = plan(filed: filed)
            push(Event(at: filed, order: order, matter: nil, region: "", plan: plan, facts: facts, step: .file(filing, plan: plan)))
        }
        for story in data.stories + rarities() {
            guard let event = event(of: story, businesses, order: order) else { continue }
            push(event)
        }
        var done = 0
        while !heap.isEmpty {
            // Events of one batch are of one transaction; what they lead to waits for a later one.
            var batch: [Event] = []
            while batch.count < 1500, let next = heap.peek, next.at <= end {
                if let first = batch.first, next.at.milliseconds - first.at.milliseconds > 3_600_000 * 6 { break }
                var event = events.removeValue(forKey: heap.pop()!.order)!
                // In the order of time, so that any stretch of it has the share the data names.
                if case .outcome(let agree, let end) = event.step { event.step = agreements.next(data.mediation.success) ? .move("agree", agree) : .move("end", end) }
                batch.append(event)
            }
            guard !batch.isEmpty else { break }
            let ready = batch
            let code = AccessCode.make
            let handling = handling
            let results: [(ID<Matter>, String)?] = try await desk.store.write { tx in
                try ready.map { event in try CityBuilder.perform(event, staff: staff, handling: handling, code: code(), tx) }
            }
            for (event, result) in zip(ready, results) {
                guard let (matter, region) = result else { continue }
                for next in follow(event, matter, region) {
                    push(Event(at: next.0, order: order, matter: matter, region: region, plan: event.plan, facts: event.facts, step: next.1))
                }
            }
            done += batch.count
            Terminal.progress("events \(done), \(batch.last!.at.day)")
        }
        Terminal.progressEnd()
    }

    private static func perform(_ event: Event, staff: Staff, handling: Handling, code: String, _ tx: Transaction) throws -> (ID<Matter>, String)? {
        switch event.step {
        case .file(let filing, _):
            let receipt = try Registration.register(filing, by: .filer, desk: handling.desk, casework: handling.casework, at: event.at, code: code, tx)
            return (receipt.matter.id, receipt.matter.region)
        case .outcome: return nil
        case .move(let name, let fields):
            let c = try tx.complaint(event.matter!)
            let region = c.matter.region
            let clerk = Staff.of(region, among: staff.clerks)
            let mediator = Staff.of(region, among: staff.mediators)
            let actor: Actor
            switch name {
            case "dispatch": actor = .staff(staff.intake!)
            case "entrust": actor = .staff(Staff.of(region, among: staff.leaders))
            case "withdraw", "give-up", "supply": actor = .filer
            case "request", "accept", "refuse", "redirect", "recusal-decided", "lead-decided": actor = .staff(clerk)
            default: actor = .staff(mediator)
            }
            // Two draws may meet (a withdrawal after an agreement): then the table says no, and life goes on.
            guard ComplaintMoves.table.available(c.matter, to: actor, handling.desk.permissions).contains(where: { $0.name == name }) else { return nil }
            if name == "accept", c.matter.assignee == nil { try Casework.assign(c.matter, to: mediator, by: clerk, at: event.at, tx) }
            try handling.apply(name, on: c, input: Form(under(c, name, fields)), by: actor, at: event.at, tx)
            return (c.matter.id, region)
        }
    }

    /// The fields of a move under the complaint's own order, and how somebody who did not come by page is told.
    private static func under(_ c: Complaint, _ name: String, _ fields: [(String, String)]) -> [(String, String)] {
        // Order 20 lists the same grounds in another order, and one fewer of each.
        let ending = ["2": "3", "3": "4", "4": "2", "7": "7", "8": "7"], refusal = ["6": "6", "7": "6"]
        var fields = fields.map { key, value in
            key == "ground" && c.law == "O20" ? (key, (name == "end" ? ending : refusal)[value] ?? value) : (key, value)
        }
        if ["accept", "refuse", "request"].contains(name), c.source != "web" { fields.append(("channel", c.source == "counter" ? "counter" : "phone")) }
        return fields
    }

    // MARK: Stories

    /// What chance seldom brings about stands in the first district in every city: an overdue decision, a recusal that is
    /// being decided, a lead that is being verified.
    private func rarities() -> [CityData.Story] {
        zip(["overdue", "recusal", "lead", "delegated"], data.stories).map { state, story in
            CityData.Story(
                title: story.title, trade: story.trade, facts: story.facts, purchase: story.purchase, amount: story.amount, claims: story.claims, state: state, positions: nil,
                note: nil, agreement: nil)
        }
    }

    /// A story as an event: filed some days ago in the first district, then carried to where it stands.
    private func event(of story: CityData.Story, _ businesses: [[Business]], order: Int) -> Event? {
        guard let trade = data.trades.firstIndex(where: { $0.id == story.trade }) ?? data.trades.indices.first else { return nil }
        guard let business = businesses[trade].first(where: { $0.region == data.districts[0].code }) ?? businesses[trade].first else { return nil }
        let ages = [
            "received": 2, "supplement": 4, "accepted": 8, "mediating": 24, "testing": 30, "agreed": 32, "ended": 28, "refused": 9, "closed": 40, "overdue": 16, "recusal": 12,
            "lead": 14, "delegated": 18,
        ]
        let age = ages[story.state] ?? 5
        func at(_ day: Int, _ hour: Int) -> Moment { Moment(desk.calendar.value.workday(from: end.day.adding(days: day - age)), hour: hour, minute: draw.int(0...59)) }
        let amount = story.amount.flatMap { Money(yuan: $0) } ?? Money(fen: 100_000)
        var f = Filing()
        f.complainantName = person()
        f.complainantPhone = phone()
        f.complainantAddress = "\(data.name.zh)\(data.districts[0].name)\(draw.pick(data.roads))\(draw.int(1...200))号"
        f.respondentName = business.name
        f.respondentAddress = business.address
        f.respondentUSCC = business.uscc
        f.purchase = story.title
        f.facts = story.facts
        f.occurredOn = end.day.adding(days: -age - 12)
        f.amount = amount
        f.claims = story.claims.compactMap { ClaimKind(rawValue: $0) }.map { Claim(kind: $0, amount: $0.hasAmount ? amount : nil) }
        f.publication = true
        f.delegation = true
        var script: [(at: Moment, move: String, fields: [(String, String)])] = []
        func then(_ day: Int, _ hour: Int, _ move: String, _ fields: [(String, String)] = []) { script.append((at(day, hour), move, fields)) }
        switch story.state {
        case "supplement": then(1, 10, "request", [("what", draw.pick(data.requests)), ("due", at(6, 10).day.description)])
        case "refused": then(3, 15, "refuse", [("ground", "2"), ("reason", draw.pick(data.refusalReasons["2"] ?? ["已由其他机构处理"]))])
        case "received", "overdue": break
        default:
            then(2, 9, "accept", [("note", story.note ?? "")])
            guard story.state != "accepted" else { break }
            then(
                4, 10, "arrange",
                [
                    ("mode", story.state == "delegated" ? "delegated" : "remote"), ("consent", "yes"), ("delegation-respondent", "yes"),
                    ("mediators", story.state == "delegated" ? "消费者协会" : person()),
                ])
            if story.state == "recusal" { then(8, 10, "recuse", [("reason", "调解员与商家负责人系亲属")]) }
            if story.state == "lead" { then(9, 10, "lead", [("facts", "调解中发现商品标签未标明生产日期和厂名厂址，涉嫌违法")]) }
            for (i, position) in (story.positions ?? []).enumerated() {
                then(6 + i, 11, "position", [("party", position.party), ("body", position.body)] + (position.offer.map { [("offer", $0)] } ?? []))
            }
            if story.state == "testing" { then(14, 10, "test", [("body", "\(data.name.zh)产品质量检验所"), ("chosenBy", "parties")]) }
            if story.state == "agreed" || story.state == "closed" { then(20, 16, "agree", [("agreement", story.agreement ?? "双方协商一致。"), ("form", "paper")]) }
            if story.state == "closed" { then(26, 10, "close", [("note", "已履行")]) }
            if story.state == "ended" { then(24, 16, "end", [("ground", "3"), ("reason", draw.pick(data.endingReasons["3"] ?? ["双方未能达成一致"]))]) }
        }
        let facts = Facts(goods: f.purchase ?? "", amount: amount, shop: business.name)
        return Event(at: at(0, 9), order: order, matter: nil, region: "", plan: Plan(fate: .mediate, script: script), facts: facts, step: .file(f, plan: Plan(fate: .mediate)))
    }

    // MARK: Drawing

    /// Seasons: more around 15 March, 18 June, the October holiday and 11 November; by day from morning to evening.
    private func moment() -> Moment {
        return Moment(end.day.adding(days: -draw.weighted(seasons)), hour: draw.int(8...20), minute: draw.int(0...59), second: draw.int(0...59))
    }

    private func filing(_ businesses: [[Business]], at filed: Moment) -> (Filing, Facts)? {
        let index = draw.weighted(data.trades.enumerated().filter { !businesses[$0.offset].isEmpty }.map { ($0.offset, $0.element.weight) })
        let trade = data.trades[index]
        // A few shops draw many complaints.
        let business = businesses[index][draw.low(0...(businesses[index].count - 1))]
        let goods = draw.pick(trade.goods)
        let amount = Money(fen: Int64(draw.low(goods.low...max(goods.low, goods.high))) * 100 - (draw.chance(0.3) ? 10 : 0))
        let bought = filed.day.adding(days: -draw.low(0...60))
        var f = Filing()
        f.complainantName = person()
        f.complainantPhone = phone()
        f.complainantAddress = "\(data.name.zh)\(draw.pick(data.districts).name)\(draw.pick(data.roads))\(draw.int(1...200))号"
        f.respondentName = business.name
        f.respondentAddress = business.address
        f.respondentUSCC = business.uscc
        if let shop = business.shop, draw.chance(0.6) {
            f.platform = shop.platform
            f.shopURL = shop.url
        }
        f.purchase = goods.name
        f.occurredOn = bought
        f.amount = amount
        f.facts = fill(draw.pick(trade.problems), goods: goods.name, amount: amount, date: bought, shop: business.name)
        let kind = ClaimKind(rawValue: draw.pick(trade.claims)) ?? .refund
        f.claims = [Claim(kind: kind, amount: kind.hasAmount ? amount : nil)]
        if draw.chance(0.15) { f.claims.append(Claim(kind: .compensate, amount: Money(fen: amount.fen / 2))) }
        f.publication = draw.chance(0.8)
        f.delegation = draw.chance(0.7)
        f.source = draw.weighted([("web", 0.45), ("phone", 0.35), ("counter", 0.08), ("12315", 0.12)])
        // One in thirty names no place that the intake can read: it waits to be dispatched.
        if draw.chance(0.033) {
            f.respondentUSCC = nil
            f.respondentAddress = "网店，地址未公示"
        }
        return (f, Facts(goods: goods.name, amount: amount, shop: business.name))
    }

    func fill(_ text: String, goods: String, amount: Money, date: Day, shop: String) -> String {
        var out = text
        for (mark, value) in [("{goods}", goods), ("{amount}", amount.plain), ("{date}", "\(date.month)月\(date.dayOfMonth)日"), ("{shop}", shop)] {
            out = out.split(separator: mark, omittingEmptySubsequences: false).joined(separator: value)
        }
        return out
    }

    private func plan(filed: Moment) -> Plan {
        let fate: Fate = draw.weighted([
            (.refuse(draw.weighted([("1", 0.3), ("2", 0.12), ("3", 0.3), ("4", 0.05), ("5", 0.2), ("6", 0.03)])), 0.13), (.redirect, 0.02), (.withdraw, 0.04), (.giveUp, 0.03),
            (.end("1"), 0.054), (.mediate, 0.726),
        ])
        return Plan(
            fate: fate, supplement: draw.chance(0.07), testing: draw.chance(0.03), recusal: draw.chance(0.01), lead: draw.chance(0.02),
            delay: draw.chance(0.015) ? draw.int(10...14) : draw.low(0...7),
            patience: draw.chance(data.mediation.late) ? draw.int(70...80) : draw.low(3...52))
    }

    /// A working hour some days later.
    private func later(_ from: Moment, days: Int) -> Moment {
        let day = desk.calendar.value.workday(from: from.day.adding(days: days))
        let at = Moment(day, hour: draw.int(9...16), minute: draw.int(0...59), second: draw.int(0...59))
        return at > from ? at : from.adding(seconds: Int64(draw.int(600...7200)))
    }

    /// The last day of work up to a day.
    private func workday(until day: Day) -> Day {
        var day = day
        while !desk.calendar.value.isWorking(day) { day = day.adding(days: -1) }
        return day
    }

    /// What comes after an event.
    private func follow(_ event: Event, _ matter: ID<Matter>, _ region: String) -> [(Moment, Step)] {
        let plan = event.plan
        let at = event.at
        switch event.step {
        case .file where plan.script != nil: return plan.script!.map { ($0.at, .move($0.move, $0.fields)) }
        case .move where plan.script != nil, .outcome: return []
        case .file:
            if region.count < 6 { return [(later(at, days: draw.int(0...2)), .move("dispatch", [("region", draw.pick(data.districts).code)]))] }
            return decision(at, plan)
        case .move(let name, _):
            switch name {
            case "dispatch": return decision(at, plan)
            case "request":
                return draw.chance(0.85)
                    ? [(later(at, days: draw.int(1...3)), .move("supply", [("note", "已补充")]))]
                    : [(later(at, days: 5), .move("refuse", [("ground", "5"), ("reason", draw.pick(data.refusalReasons["5"] ?? ["材料不全"]))]))]
            case "supply": return decision(at, Plan(fate: plan.fate, testing: plan.testing, delay: draw.int(0...2), patience: plan.patience))
            case "accept":
                // Some are handed to the township office of the place.
                let handed = region == data.districts[0].code && draw.chance(0.15)
                return (handed ? [(at.adding(seconds: 1800), .move("entrust", [("region", data.districts[0].towns[0].code)]))] : []) + taken(event)
            case "agree": return [(later(at, days: draw.low(0...7)), .move("close", [("note", "已履行")]))]
            case "end", "give-up":
                return [(later(at, days: draw.chance(0.02) ? 12 : draw.low(0...7)), .move("tell", [("channel", draw.pick(["portal", "phone", "sms", "mail"]))]))]
            case "lead": return [(later(at, days: draw.int(3...20)), .move("lead-decided", [("decision", draw.chance(0.4) ? "filed" : "not-filed"), ("reason", "经核查")]))]
            default: return []
            }
        }
    }

    private func decision(_ at: Moment, _ plan: Plan) -> [(Moment, Step)] {
        if plan.supplement { return [(later(at, days: draw.int(0...2)), .move("request", [("what", draw.pick(data.requests)), ("due", later(at, days: 4).day.description)]))] }
        let when = later(at, days: plan.delay)
        switch plan.fate {
        case .withdraw: return [(later(at, days: draw.int(0...3)), .move("withdraw", []))]
        case .redirect: return [(when, .move("redirect", [("where", "该事项属于政府信息公开申请，请向办公室提出")]))]
        case .refuse(let ground):
            return [(when, .move("refuse", [("ground", ground), ("reason", draw.pick(data.refusalReasons[ground] ?? ["不符合受理条件"])), ("factor", String(draw.int(1...4)))]))]
        default: return [(when, .move("accept", []))]
        }
    }

    private func taken(_ event: Event) -> [(Moment, Step)] {
        let plan = event.plan
        let at = event.at
        var steps: [(Moment, Step)] = []
        let meeting = later(at, days: draw.low(1...6))
        let held = later(meeting, days: 2)
        let mode = draw.weighted([("on-site", 0.3), ("remote", 0.7)])
        steps.append(
            (
                meeting,
                .move(
                    "arrange",
                    [("mode", mode), ("consent", "yes"), ("mediators", person())]
                        + (mode == "on-site" ? [("at", held.adding(seconds: 86_400).formText), ("place", "消费争议调解室")] : []))
            ))
        var end = later(meeting, days: max(2, plan.patience))
        for (party, text) in [("complainant", draw.pick(data.consumerReplies)), ("respondent", draw.pick(data.merchantReplies))] {
            steps.append(
                (
                    later(meeting, days: 1),
                    .move(
                        "position",
                        [("party", party), ("body", text)]
                            + (party == "respondent" && draw.chance(0.5) ? [("offer", Money(fen: event.facts.amount.fen * Int64(draw.int(2...9)) / 10).plain)] : []))
                ))
        }
        if draw.chance(0.4) {
            steps.append((later(meeting, days: 2), .move("position", [("party", "mediator"), ("body", draw.pick(data.mediatorProposals)), ("offer", event.facts.amount.plain)])))
        }
        var tested = 0
        if plan.testing {
            let (sent, back) = (later(meeting, days: 3), later(meeting, days: draw.int(12...30)))
            steps.append((sent, .move("test", [("body", "\(data.name.zh)产品质量检验所"), ("chosenBy", draw.pick(["parties", "authority"]))])))
            steps.append((back, .move("tested", [("result", "送检样品\(draw.pick(["符合", "不符合"]))明示的质量要求")])))
            end = later(end, days: 30)
            tested = back.day - sent.day
        }
        if plan.recusal {
            let (asked, decided) = (later(meeting, days: 1), later(meeting, days: 4))
            steps.append((asked, .move("recuse", [("reason", "调解员与商家负责人系同乡")])))
            steps.append((max(decided, asked.adding(seconds: 3600)), .move("recusal-decided", [("decision", "rejected")])))
            // Nothing is concluded while it is being decided.
            end = max(end, later(max(decided, asked), days: 2))
        }
        // Who is not drawn to be late ends in sixty days, testing not counted, on a day of work.
        if plan.patience <= 60 { end = min(end, Moment(workday(until: at.day.adding(days: 58 + tested)), hour: draw.int(9...16), minute: draw.int(0...59))) }
        if plan.lead { steps.append((later(meeting, days: 2), .move("lead", [("facts", "调解中发现商品标签未标明生产日期，涉嫌违法")]))) }
        func ending(_ ground: String) -> [(String, String)] { [("ground", ground), ("reason", draw.pick(data.endingReasons[ground] ?? ["双方未能达成一致"]))] }
        switch plan.fate {
        case .mediate:
            let text = fill(draw.pick(data.agreements), goods: event.facts.goods, amount: event.facts.amount, date: end.day.adding(days: 7), shop: event.facts.shop)
            let ground = draw.weighted([("2", 0.4), ("3", 0.47), ("4", 0.065), ("7", 0.065)])
            steps.append((end, .outcome(agree: [("agreement", text), ("form", draw.pick(["paper", "performed", "record"]))], end: ending(ground))))
        case .giveUp: steps.append((later(at, days: draw.int(1...10)), .move("give-up", [])))
        case .end(let ground): steps.append((end, .move("end", ending(ground))))
        default: break
        }
        return steps
    }
}

/// A binary heap: the smallest first.
struct Heap<T> {
    private var items: [T] = []
    private let less: (T, T) -> Bool
    init(_ less: @escaping (T, T) -> Bool) { self.less = less }
    var isEmpty: Bool { items.isEmpty }
    var peek: T? { items.first }

    mutating func push(_ item: T) {
        items.append(item)
        var i = items.count - 1
        while i > 0, less(items[i], items[(i - 1) / 2]) {
            items.swapAt(i, (i - 1) / 2)
            i = (i - 1) / 2
        }
    }
    mutating func pop() -> T? {
        guard !items.isEmpty else { return nil }
        items.swapAt(0, items.count - 1)
        let top = items.removeLast()
        var i = 0
        while true {
            var smallest = i
            for child in [2 * i + 1, 2 * i + 2] where child < items.count && less(items[child], items[smallest]) { smallest = child }
            if smallest == i { return top }
            items.swapAt(i, smallest)
            i = smallest
        }
    }
}
