import Foundation
import Kernel
import Monitoring
import Platform
import Statute
import Store
import Synchronization
import Web

/// What the city's shops offer online (模拟商品信息): seen five times in four months, with prices that move and, now and then, a violation;
/// taken in by the domain's own intake, screened by the analyst as the days go by.
extension CityBuilder {
    /// A clock that the builder moves.
    private final class Days: Sendable {
        private let at: Mutex<Moment>
        init(_ moment: Moment) { at = Mutex(moment) }
        var now: Moment {
            get { at.withLock { $0 } }
            set { at.withLock { $0 = newValue } }
        }
    }

    private struct Offer {
        let ref: String
        let business: Business
        let platform: String
        let category: String
        let goods: String
        var fen: Int64
        var sold: Int
        let sin: Sin?
        let from: Int
        let prefix: String
    }

    /// Goods that need a certificate, and mostly have one.
    private var certified: [String] { ["童车", "儿童安全座椅", "电动自行车", "移动电源", "插座", "电热毯"] }

    /// What may be wrong with a listing, by model; the words are those of real trade.
    private enum Sin: String, CaseIterable {
        case absolute, cure, noPrice, cashback, noReturn, terms, counterfeit, prize, fakeDiscount, bait, brushing, unlicensed, renewal, certificate, label
        var weight: Double {
            switch self {
            case .absolute: 9
            case .noReturn, .terms: 6
            case .fakeDiscount: 7
            case .cashback, .noPrice: 3
            default: 2
            }
        }
    }

    /// - Parameter count: listings; each is seen five times.
    func offer(listings count: Int, businesses: [[Business]], room: ModelRoom, staff: Staff) async throws {
        let clock = Days(end.adding(seconds: -125 * 86_400))
        let past = Desk(
            store: desk.store, clock: OfficeClock { clock.now }, law: desk.law, calendar: desk.calendar, files: desk.files, keys: desk.keys, permissions: desk.permissions,
            configuration: desk.configuration, logger: desk.logger, regions: desk.regions)
        try await room.takeInShipped(desk.store, at: clock.now)
        try await approve(at: clock.now, staff: staff)
        let intake = Intake(desk: past, room: room)
        var offers = offers(count, businesses)
        try await permits(offers)
        for (look, back) in [120, 90, 60, 30, 1].enumerated() {
            let day = end.adding(seconds: Int64(-back) * 86_400)
            clock.now = day
            for start in stride(from: 0, to: offers.count, by: 2000) {
                var part: [Listing] = []
                for i in start..<min(start + 2000, offers.count) { part.append(try Listing(listing(&offers[i], look: look, at: day), at: day)) }
                _ = try await intake.take(part, by: "city")
                Terminal.progress("listings \(look + 1)/5 \(min(start + 2000, offers.count))/\(offers.count)")
            }
            try await screen(past, until: look == 4 ? end : day.adding(seconds: 25 * 86_400), last: look == 4)
        }
    }

    /// The head has approved most models; the youngest are still in trial.
    private func approve(at now: Moment, staff: Staff) async throws {
        let head = Staff.of(data.districts[0].code, among: staff.leaders)
        try await desk.store.write { tx in
            for row in try tx.all("SELECT id, model FROM monitoring_editions WHERE state = 'shadow' ORDER BY id") where !["M08", "M14"].contains(row.string("model")) {
                try ModelLife.decide(row.int("id"), to: .active, note: "用例全部通过，回溯正常", by: head.mark, at: now, tx)
            }
        }
    }

    private func offers(_ count: Int, _ businesses: [[Business]]) -> [Offer] {
        let online = businesses.enumerated().flatMap { trade, all in all.filter { $0.shop != nil }.map { (trade, $0) } }
        guard !online.isEmpty else { return [] }
        let food: Set<String> = ["grocery", "fresh", "takeaway", "infant"]
        return (0..<count).map { n in
            let (index, business) = draw.pick(online)
            let trade = data.trades[index]
            let goods = draw.pick(trade.goods)
            let fen = Int64(draw.low(goods.low...max(goods.low, goods.high))) * 100 - (draw.chance(0.5) ? 10 : 0)
            let sin = draw.chance(0.045) ? draw.weighted(Sin.allCases.map { ($0, $0.weight) }) : nil
            return Offer(
                ref: "\(business.shop!.platform):\(100_000 + n)", business: business, platform: business.shop!.platform,
                category: food.contains(trade.id) ? "食品/\(goods.name)" : trade.id == "pharmacy" ? "保健食品/\(goods.name)" : "\(trade.suffix[0])/\(goods.name)", goods: goods.name,
                fen: max(100, fen),
                sold: business.isTrading || draw.chance(0.04) ? draw.low(1...900) : 0, sin: sin, from: draw.int(0...4), prefix: draw.pick(["新款", "正品", "家用", "热卖", "当季"]))
        }
    }

    /// Who sells food holds a permit, but for a few.
    private func permits(_ offers: [Offer]) async throws {
        var codes: [String] = []
        var seen: Set<String> = []
        for offer in offers where offer.category.contains("食品") && seen.insert(offer.business.uscc).inserted { if draw.chance(0.985) { codes.append(offer.business.uscc) } }
        let until = end.day.adding(days: 900)
        let goods = offers.filter { offer in offer.sin != .certificate && certified.contains { offer.category.contains($0) } }
        let certificates: [[Value]] = goods.map { [.text("certificate"), .text("2025\($0.ref.suffix(6))"), .text($0.business.uscc), .text($0.goods), .text(until.description)] }
        let rows: [[Value]] = codes.enumerated().map { i, code in [.text("food"), .text("JY1\(1_000_000_000_000 + i)"), .text(code), .text("食品经营许可"), .text(until.description)] }
        try await desk.store.write { try $0.bulk(into: "monitoring_registers", ["kind", "number", "holder", "detail", "valid_to"], rows + certificates) }
    }

    private func listing(_ o: inout Offer, look: Int, at day: Moment) -> JSON {
        // Prices move a little; sales more.
        if look > 0, draw.chance(0.4) { o.fen = max(100, o.fen + Int64(draw.int(-8...8)) * o.fen / 100) }
        if o.sold > 0 { o.sold = max(1, o.sold + draw.int(-40...45)) }
        let sin = look >= o.from ? o.sin : nil
        var name = o.prefix + o.goods
        var description = "\(o.goods)，支持七日无理由退货，下单后48小时内发货。"
        var terms: [String] = ["商品以实物为准，请核对规格后下单"]
        var images: [String] = ["品质保证"]
        // What the category asks for is there, as it mostly is.
        if o.category.hasPrefix("保健食品") { images.append("本品不能代替药物") }
        var more: [(String, JSON)] = []
        var price = o.fen
        var list: Int64?
        switch sin {
        case .absolute: name = "\(["全网销量第一", "全国第一品牌", "国家级品质", "行业第一"][o.from % 4])\(o.goods)"
        case .cure: description = "\(o.goods)，调理高血压、糖尿病，三个疗程根治，无效退款。"
        case .noPrice: (description, price) = ("一物一价，价格私聊，勿直接拍。", 100)
        case .cashback: images = ["收货后五星好评并晒图，联系客服返现5元"]
        case .noReturn: terms = ["一经售出概不退换，拆封后不支持七日无理由退货"]
        case .terms: terms = ["本店保留最终解释权", "贵重物品遗失概不负责"]
        case .counterfeit: name = "高仿\(o.goods) 1:1复刻 原单尾货"
        case .prize: description = "购物抽奖，一等奖价值8万元，最终解释权归本店所有。"
        case .fakeDiscount: list = o.fen * 2
        case .bait:
            more.append(
                (
                    "offers",
                    .object([
                        ("lowPrice", .number("9.90")),
                        (
                            "offers",
                            .array([
                                .object([("name", .string("补差价链接")), ("price", .number("9.90"))]),
                                .object([("name", .string("标准款")), ("price", .number(Money(fen: o.fen).plain))]),
                                .object([("name", .string("升级款")), ("price", .number(Money(fen: o.fen * 2).plain))]),
                            ])
                        ),
                    ])
                ))
        case .brushing: description = "承接刷单、补单资源，拍A发B，真人操作。"
        case .unlicensed: (description, name) = ("家庭自制，没有许可证，同城自提。", "私房\(o.goods)")
        case .renewal: description = "开通会员享折扣，连续包月自动续费，到期自动扣款。"
        case .certificate: more.append(("certificate", .string("2019\(o.sold)0000")))
        case .label:
            more += [("food", .object([("ingredients", .string("小麦粉、白砂糖、食用盐"))])), ("label", .object([("ingredients", .string("小麦粉、白砂糖、食用盐、山梨酸钾"))]))]
        case nil: break
        }
        if sin != .certificate, certified.contains(where: o.category.contains) { more.append(("certificate", .string("2025\(o.ref.suffix(6))"))) }
        if !more.contains(where: { $0.0 == "offers" }) {
            var offers: [(String, JSON)] = [("price", .number(Money(fen: price).plain)), ("priceCurrency", .string("CNY"))]
            if let list { offers.append(("listPrice", .number(Money(fen: list).plain))) }
            more.append(("offers", .object(offers)))
        }
        return .object(
            [
                ("id", .string(o.ref)), ("platform", .string(o.platform)), ("kind", .string("listing")), ("url", .string("https://shop.example/item/\(o.ref.suffix(6))")),
                ("name", .string(name)), ("description", .string(description)), ("category", .string(o.category)), ("imageText", .array(images.map(JSON.string))),
                ("terms", .array(terms.map(JSON.string))), ("sales", .object([("count30d", .int(o.sold))])),
                (
                    "seller",
                    .object([
                        ("id", .string(o.business.uscc)), ("name", .string(o.business.name)), ("taxID", .string(o.business.uscc)), ("licenceShown", .bool(true)),
                        ("region", .string(o.business.region)),
                    ])
                ), ("observedAt", .string(day.isoText)),
            ] + more)
    }

    // MARK: The analyst's days

    /// Most leads are judged within days; of what was found last many still wait.
    private func screen(_ past: Desk, until: Moment, last: Bool) async throws {
        let leads = LeadDesk(desk: past)
        let people = try await past.store.read { try Accounts.all($0) }
        guard let analyst = people.first(where: { $0.roles.contains(.analyst) }) else { return }
        let heads = Dictionary(people.filter { $0.roles.contains(.leader) }.map { ($0.region, $0) }) { a, _ in a }
        let found = try await past.store.read { try $0.all("SELECT * FROM casework_matters WHERE kind = 'lead' AND state = 'detected' ORDER BY id").map(Matter.init) }
        for matter in found where !last || draw.chance(0.55) {
            var at = matter.receivedAt.adding(seconds: Int64(draw.int(3600...5 * 86_400)))
            if at > until { at = until }
            func step(_ move: String, _ fields: [(String, String)], by account: Account, at moment: Moment) async throws {
                try await past.store.write { tx in try leads.apply(move, on: tx.lead(matter.id), input: Form(fields), by: .staff(account), at: moment, tx) }
            }
            if draw.chance(0.14) {
                try await step("dismiss", [("reason", draw.pick(["exempt", "not-goods", "misread"]))], by: analyst, at: at)
                continue
            }
            let (lane, elements) = try await past.store.read { tx in
                let lead = try tx.lead(matter.id)
                return (lead.lane, try leads.edition(lead, tx)?.card.elements.count ?? 0)
            }
            try await step("confirm", (0..<elements).map { ("element", String($0)) } + [("exempt", "none")], by: analyst, at: at)
            if last, draw.chance(0.3) { continue }
            at = min(until, at.adding(seconds: 3600))
            if lane == "notice", draw.chance(0.8) {
                let due = at.day.adding(days: 7)
                try await step("notice", [("change", "请删除或者更正涉嫌违法的内容"), ("due", due.description), ("channel", "platform"), ("code", "CITY2345")], by: analyst, at: at)
                let done = Moment(due, hour: 15)
                guard done < until else { continue }
                if draw.chance(0.85) {
                    try await step("corrected", [("note", "复查已改正")], by: analyst, at: done)
                    try await step("feed-back", [("result", "已自行改正")], by: analyst, at: done)
                    try await step("close", [], by: analyst, at: done)
                    continue
                }
                try await step("escalate", [("note", "期限已过，仍然命中")], by: analyst, at: done)
                at = done
            }
            let region = try await past.store.read {
                try $0.one("SELECT s.region FROM monitoring_leads l JOIN monitoring_sellers s ON s.id = l.seller WHERE l.matter = \(matter.id)")?.string("region")
            }
            let district = region.flatMap { r in data.districts.first { r.hasPrefix($0.code) }?.code } ?? data.districts[0].code
            try await step("dispatch", [("region", district), ("place", "actual")], by: analyst, at: min(until, at.adding(seconds: 3600)))
            at = at.adding(seconds: Int64(draw.int(3...18)) * 86_400)
            guard at < until, let head = heads[district] else { continue }
            let (move, fields) = draw.weighted([
                (("guide", [("result", "已行政指导，商家承诺整改")]), 3.0), (("rectify", [("result", "已责令改正并复查合格")]), 4), (("propose", [("result", "查证属实，建议立案")]), 4),
                (("clear", [("result", "经查未发现违法")]), 1), (("transfer", [("where", "省级主管部门"), ("result", "不属本部门管辖")]), 0.3),
            ])
            try await step(move, fields, by: head, at: at)
            if draw.chance(0.8) {
                try await step("feed-back", [("result", "结果已反馈监测岗")], by: head, at: min(until, at.adding(seconds: 7200)))
                try await step("close", [], by: analyst, at: min(until, at.adding(seconds: 10_800)))
            }
        }
    }
}
