import Disputes
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// What the city's year has beside mediation (其他途径的一年): reports, stations and ODR enterprises, funds, offers kept and broken, people's
/// mediation, publication, an incident — each by the domain's own steps.
extension CityBuilder {
    func routes(staff: Staff, businesses: [[Business]], complaints: Int) async throws {
        try await reports(max(8, complaints / 8), staff, businesses)
        try await stations(max(6, Int(3923 * scale)), staff)
        try await settlingFirst(staff, businesses)
        try await offers(staff)
        try await funds(staff)
        try await peoples(staff)
        try await rooms(staff)
        try await checks(staff)
        try await incident(staff, businesses)
        try await publications(staff)
    }

    private func clerk(_ region: String, _ staff: Staff) -> Account { Staff.of(region, among: staff.clerks) }
    private func mediator(_ region: String, _ staff: Staff) -> Account { Staff.of(region, among: staff.mediators) }

    /// Complaints in a state, the latest first.
    private func matters(_ state: String, limit: Int) async throws -> [Matter] {
        try await desk.store.read { tx in
            try tx.all("SELECT * FROM casework_matters WHERE kind = \(ComplaintMoves.kind) AND state = \(state) AND operator IS NOT NULL ORDER BY id DESC LIMIT \(limit)").map(
                Matter.init)
        }
    }

    // MARK: Reports

    private func reports(_ count: Int, _ staff: Staff, _ businesses: [[Business]]) async throws {
        let clues: [(String, String)] = [
            ("food", "货架上的{goods}已过保质期，仍在销售。"), ("advertising", "店内海报宣称{goods}“全国销量第一”，没有依据。"), ("unlicensed", "没有看到营业执照，问店主说还没办。"), ("price", "{goods}没有标价，结账时才知道价格。"),
            ("quality", "{goods}没有生产厂家和合格证。"), ("competition", "商家要求写好评返现五元，卡片随货寄出。"), ("other", "商家要求只能用现金付款。"),
        ]
        let flat = businesses.flatMap { $0 }
        let (handling, desk, end) = (ReportHandling(desk: desk), desk, end)
        for n in 0..<count {
            let age = draw.low(0...120)
            let filed = Moment(end.day.adding(days: -age), hour: draw.int(8...17), minute: draw.int(0...59))
            guard filed <= end else { continue }
            let (area, text) = draw.pick(clues)
            let business = draw.pick(flat)
            let goods = draw.pick(draw.pick(data.trades).goods).name
            var report = ReportFiling()
            report.source = draw.weighted([("web", 0.5), ("phone", 0.4), ("12315", 0.1)])
            (report.area, report.clues) = (area, fill(text, goods: goods, amount: Money(fen: 0), date: filed.day, shop: business.name))
            (report.respondentName, report.respondentAddress, report.respondentUSCC) = (business.name, business.address, business.uscc)
            if !draw.chance(0.35) { report.reporter = Reporter(name: person(), phone: phone(), address: draw.pick(data.roads), idNumber: nil) }
            let filing = report
            let officer = clerk(business.region, staff)
            let (begins, decides, tells) = (draw.int(1...3), draw.int(4...14), draw.int(0...3))
            let files = draw.chance(0.35)
            try await desk.store.write { tx in
                let matter = try filing.register(by: .filer, desk: desk, at: filed, code: AccessCode.make(), tx)
                func step(_ name: String, _ days: Int, _ fields: [(String, String)] = []) throws {
                    let at = Moment(desk.calendar.value.workday(from: filed.day.adding(days: days)), hour: 10, minute: n % 60)
                    guard at <= end else { return }
                    let r = try tx.report(tx.matter(matter.id))
                    guard handling.available(r, to: .staff(officer)).contains(where: { $0.name == name }) else { return }
                    try handling.apply(name, on: r, input: Form(fields), by: .staff(officer), at: at, tx)
                }
                try step("begin", begins)
                try step(files ? "file" : "not-file", decides, [("reason", files ? "现场检查属实，决定立案" : "现场检查未发现举报所述情形")])
                try step("tell", decides + tells, [("result", files ? "经核查，举报属实，已立案调查。" : "经核查，未发现违法行为，不予立案。"), ("channel", "phone")])
                try step("close", decides + tells)
            }
        }
    }

    // MARK: Before the authority is asked

    private func stations(_ count: Int, _ staff: Staff) async throws {
        let kinds: [(Station.Kind, String)] = [(.mall, "购物广场"), (.supermarket, "超市"), (.market, "农贸市场"), (.enterprise, "电器城"), (.scenic, "景区")]
        var rows = ["站点编号,站点名称,类型,行政区划代码,地址,电话,站长,服务时间,设立日期,复核日期,经度,纬度"]
        // Districts lie around a middle, their stations around each; nothing is drawn for it, so that the rest of the city stays as it is.
        func place(_ code: String, _ n: Int) -> String {
            let i = Double(data.districts.firstIndex { $0.code == code } ?? 0)
            let (far, turn) = (0.06 + 0.022 * i, i * 2.4)
            let (near, spin) = (0.045 * Double((n * 7919) % 997) / 997, Double(n) * 2.39996)
            func degrees(_ value: Double) -> String { String(Double(Int(value * 100_000)) / 100_000) }
            return "\(degrees(120.2 + far * cos(turn) + near * cos(spin))),\(degrees(30.3 + far * sin(turn) + near * sin(spin)))"
        }
        for n in 0..<count {
            let (kind, suffix) = draw.pick(kinds)
            let district = draw.pick(data.districts)
            let opened = end.day.adding(days: -draw.int(60...1500))
            rows.append(
                "WQ\(String(10000 + n)),\(district.name)\(draw.pick(data.brandWords))\(suffix)维权服务站,\(kind.title.zh),\(draw.pick(district.towns).code),\(district.name)\(draw.pick(data.roads))\(draw.int(1...399))号,400\(draw.int(1_000_000...9_999_999)),\(person()),9:00-17:30,\(opened),\(end.day.adding(days: -draw.int(1...59))),\(place(district.code, n))"
            )
        }
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("stations-\(UInt64.random(in: 0 ... .max)).csv")
        try Data(rows.joined(separator: "\n").utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        _ = try await Stations.kind.run(desk, file.path) { _, _ in }
    }

    private func settlingFirst(_ staff: Staff, _ businesses: [[Business]]) async throws {
        let first = data.districts[0].code
        let shops = businesses.flatMap { $0 }.filter { $0.region == first && $0.isTrading }.prefix(3)
        let leader = Staff.of(first, among: staff.leaders)
        let (handling, desk, now) = (handling, desk, end)
        for shop in shops {
            let admitted = now.adding(seconds: -200 * 86_400)
            try await desk.store.write { tx in
                guard let op = try Operators.find(uscc: shop.uscc, tx) else { return }
                try ODR.admit(op, phone: "400\(1_000_000 + op.id.raw % 9_000_000)", about: "设有消费维权专员和投诉处理制度", code: AccessCode.make(), by: leader, at: admitted, tx)
            }
        }
        guard let shop = shops.first else { return }
        for n in 0..<6 {
            let filed = now.adding(seconds: -Int64(n * 4 + 1) * 86_400)
            guard var (filing, _) = story(shop, at: filed) else { continue }
            filing.way = .odr
            let ready = filing
            let settles = n % 3 != 0
            try await desk.store.write { tx in
                let receipt = try Registration.register(ready, by: .filer, desk: desk, casework: handling.casework, at: filed, code: AccessCode.make(), tx)
                guard settles else { return }
                let (offered, taken) = (filed.adding(seconds: 86_400), filed.adding(seconds: 90_000))
                guard taken <= now else { return }
                let negotiation = Negotiation(handling: handling)
                try negotiation.offer(
                    tx.complaint(receipt.matter.id), by: "respondent",
                    input: Form([("remedy", "refund"), ("amount", ready.amount?.plain ?? "100"), ("by", offered.day.adding(days: 5).description)]), at: offered, tx)
                guard let offer = try Negotiation.offers(receipt.matter.id, tx).last else { return }
                try negotiation.accept(offer.id, in: tx.complaint(receipt.matter.id), by: "complainant", at: taken, tx)
                if n > 2 { try negotiation.confirm(tx.complaint(receipt.matter.id), at: min(now, taken.adding(seconds: 3 * 86_400)), tx) }
            }
        }
        // What ran out of its ten working days is a complaint now.
        for matter in try await matters(ComplaintMoves.prior, limit: 20) where now.day - matter.receivedAt.day > 16 {
            try await desk.store.write { tx in try handling.apply("convert", on: tx.complaint(matter.id), input: Form([("reason", "十个工作日内未达成和解")]), by: .system, at: now, tx) }
        }
    }

    /// A complaint about one business.
    private func story(_ business: Business, at filed: Moment) -> (Filing, String)? {
        let trade = draw.pick(data.trades)
        let goods = draw.pick(trade.goods)
        let amount = Money(fen: Int64(draw.int(goods.low...max(goods.low, goods.high))) * 100)
        var f = Filing()
        (f.complainantName, f.complainantPhone, f.complainantAddress) = (person(), phone(), "\(data.name.zh)\(draw.pick(data.roads))\(draw.int(1...200))号")
        (f.respondentName, f.respondentAddress, f.respondentUSCC) = (business.name, business.address, business.uscc)
        (f.purchase, f.amount, f.occurredOn) = (goods.name, amount, filed.day.adding(days: -draw.int(1...20)))
        f.facts = fill(draw.pick(trade.problems), goods: goods.name, amount: amount, date: f.occurredOn!, shop: business.name)
        f.claims = [Claim(kind: .refund, amount: amount)]
        (f.publication, f.delegation) = (true, true)
        return (f, goods.name)
    }

    // MARK: Offers

    private func offers(_ staff: Staff) async throws {
        let negotiation = Negotiation(handling: handling)
        let (desk, now) = (desk, end)
        for (n, matter) in try await (matters(ComplaintMoves.accepted, limit: 10) + matters(ComplaintMoves.mediating, limit: 14)).enumerated() {
            let officer = mediator(matter.region, staff)
            let share = draw.int(50...100)
            let note = draw.pick(data.merchantReplies)
            try await desk.store.write { tx in
                let c = try tx.complaint(matter.id)
                try negotiation.invite(c, channel: "phone", code: AccessCode.make(), by: officer, at: min(now, matter.receivedAt.adding(seconds: 4 * 86_400)), tx)
                guard n % 4 != 3 else { return }
                let at = min(now, matter.receivedAt.adding(seconds: 6 * 86_400))
                if n % 4 == 2 { return try negotiation.answer(c, kind: "dispute", input: Form([("body", note)]), at: at, tx) }
                let sum = Money(fen: max(100, (c.amount?.fen ?? 10_000) * Int64(share) / 100))
                try negotiation.offer(c, by: "respondent", input: Form([("remedy", "refund"), ("amount", sum.plain), ("by", at.day.adding(days: 7).description)]), at: at, tx)
                guard n % 4 == 0, let offer = try Negotiation.offers(matter.id, tx).last else { return }
                try negotiation.accept(offer.id, in: tx.complaint(matter.id), by: "complainant", at: at, tx)
                if n % 8 == 0 { try negotiation.claimKept(tx.complaint(matter.id), input: Form([("note", "已原路退回")]), at: now, tx) }
            }
        }
    }

    // MARK: Funds

    private func funds(_ staff: Staff) async throws {
        let (desk, now) = (desk, end)
        let handling = FundHandling(desk: desk)
        let city = Staff.of(data.districts[0].code, among: staff.leaders)
        let opened = now.adding(seconds: -300 * 86_400)
        let (name, district, city0) = (data.name.zh, data.districts[0], data.region)
        let funds = try await desk.store.write { tx -> [ID<Fund>] in
            try [
                ("\(name)消费环节先行赔付资金", "\(name)消费者协会", Fund.Sponsor.government, city0, Int64(300_000), Int64(50_000_000), Int64(20_000_000)),
                ("\(district.name)中心商圈先行赔付金", "\(district.name)中心商圈管理有限公司", .operator, district.code, 100_000, 3_000_000, 1_000_000),
            ].map { title, holder, sponsor, region, cap, total, sum in
                let id = try Fund.open(
                    name: title, holder: holder, sponsor: sponsor, region: region, caseCap: Money(fen: cap), totalCap: Money(fen: total), by: city, at: opened, tx)
                try FundLedger.post(.contribute, Money(fen: sum), on: id, note: "首期缴存 凭证001", by: .staff(city), at: opened, tx)
                return id
            }
        }
        for (n, matter) in try await matters(ComplaintMoves.closed, limit: 120).filter({ $0.outcome == "ended" }).prefix(8).enumerated() {
            let (leader, payer, applicant) = (Staff.of(matter.region, among: staff.leaders), clerk(matter.region, staff), mediator(matter.region, staff))
            let cause = draw.pick(["refuses", "unreachable", "closed"])
            let at = min(now, (matter.closedAt ?? now).adding(seconds: 2 * 86_400))
            try await desk.store.write { tx in
                let c = try tx.complaint(matter.id)
                guard let loss = c.amount, loss.fen <= 300_000 else { return }
                let claim = try handling.apply(
                    for: c,
                    input: Form([
                        ("fund", funds[0].description), ("amount", loss.plain), ("liable", "finding"), ("cause", cause), ("basis", "购买凭证、终止调解决定书和联系商家记录"), ("evidence", "yes"),
                    ]),
                    by: .staff(applicant), at: at, tx)
                func make(_ name: String, _ fields: [(String, String)], _ account: Account) throws {
                    try handling.make(name, on: tx.fundClaim(tx.matter(claim.id)), input: Form(fields), by: .staff(account), at: at, tx)
                }
                guard n % 4 != 3 else { return }
                try make("approve", [("reason", "证据齐全，符合资金使用条件")], leader)
                guard n % 4 != 2 else { return }
                try make("pay", [("reference", "FK\(2026_000 + n)"), ("channel", "phone")], payer)
                if n % 4 == 1 { try make("told", [("channel", "mail")], payer) }
                if n % 4 == 0 { try make("recover", [("amount", Money(fen: max(1, loss.fen / 2)).plain), ("reference", "ZC\(2026_000 + n)")], payer) }
            }
        }
    }

    // MARK: People's mediation

    private func peoples(_ staff: Staff) async throws {
        let (desk, now, handling) = (desk, end, handling)
        // Old enough for what follows: in a large city the latest are all of these days.
        let old = try await matters(ComplaintMoves.mediating, limit: 4000).filter { $0.receivedAt < now.adding(seconds: -12 * 86_400) }
        for (n, matter) in old.prefix(4).enumerated() {
            let officer = mediator(matter.region, staff)
            let committee = "\(desk.regions.name(String(matter.region.prefix(6))))消费纠纷人民调解委员会"
            try await desk.store.write { tx in
                func step(_ name: String, _ at: Moment, _ fields: [(String, String)]) throws {
                    try handling.apply(name, on: tx.complaint(matter.id), input: Form(fields), by: .staff(officer), at: at, tx)
                }
                try step(
                    "hand-to-people", now.adding(seconds: -8 * 86_400),
                    [("committee", committee), ("consent-complainant", "yes"), ("consent-respondent", "yes"), ("channel", "phone")])
                guard n > 0 else { return }
                try step(
                    "people-agreed", now.adding(seconds: -5 * 86_400),
                    [("agreement", "商家于七日内退还货款，消费者退回商品。"), ("written", "written"), ("effectiveOn", now.adding(seconds: -6 * 86_400).day.description)])
                guard n > 1 else { return }
                try step(
                    "court-applied", now.adding(seconds: -2 * 86_400),
                    [("court", "\(desk.regions.name(String(matter.region.prefix(6))))人民法院"), ("appliedOn", now.adding(seconds: -2 * 86_400).day.description)])
            }
        }
    }

    // MARK: Agreements under way, and what was looked at again

    private func rooms(_ staff: Staff) async throws {
        let (desk, now, handling) = (desk, end, handling)
        for (n, matter) in try await matters(ComplaintMoves.mediating, limit: 4000).filter({ $0.receivedAt < now.adding(seconds: -4 * 86_400) }).prefix(3).enumerated() {
            let officer = mediator(matter.region, staff)
            let at = now.adding(seconds: -86_400)
            try await desk.store.write { tx in
                let c = try tx.complaint(matter.id)
                let sum = c.amount.map { "退还货款\($0.plain)元" } ?? "予以更换"
                try handling.apply(
                    "draft", on: c, input: Form([("agreement", "商家\(sum)，消费者退回商品，双方就此事再无其他争议。"), ("by", now.day.adding(days: 10).description)]), by: .staff(officer), at: at, tx)
                guard n > 0, let draft = try Room.load(c.matter.id, tx).draft else { return }
                try Room.sign(
                    tx.complaint(c.matter.id), by: "complainant", input: Form([("hash", draft.hash), ("name", "投诉人本人"), ("agree", "yes")]), handling: handling, at: at, tx)
            }
        }
    }

    private func checks(_ staff: Staff) async throws {
        let (desk, now) = (desk, end)
        let month = String(now.day.adding(months: -1).description.prefix(7))
        for district in data.districts.prefix(2) {
            let leader = Staff.of(district.code, among: staff.leaders)
            for (kind, n) in [(QualityCheck.Kind.callback, 12), (.spot, 4)] {
                // A small city may have closed nothing in that month.
                _ = try? await desk.store.write { try QualityCheck.draw(kind, month: month, region: district.code, count: n, seed: UInt64(n), by: leader, at: now, $0) }
            }
            let open = try await desk.store.read { tx in
                try tx.all(
                    "SELECT k.id, k.kind FROM disputes_checks k JOIN casework_matters m ON m.id = k.matter WHERE k.result IS NULL AND m.region LIKE \(district.code + "%") ORDER BY k.id"
                ).map {
                    ($0.int("id"), $0.string("kind"))
                }
            }
            for (i, check) in open.enumerated() where i % 3 != 2 {
                let (result, note) = i % 5 == 4 ? ("poor", check.1 == "callback" ? "退款至今没有到账" : "终止理由过于简单") : (i % 4 == 3 ? ("fair", "") : ("good", ""))
                // Who handled it may not: it stays to be done.
                _ = try? await desk.store.write {
                    try QualityCheck.finish(check.0, form: Form([("result", result), ("note", note)]), by: leader, sees: { _ in true }, at: now, $0)
                }
            }
        }
    }

    // MARK: An incident, and what the public sees

    private func incident(_ staff: Staff, _ businesses: [[Business]]) async throws {
        guard let shop = businesses.flatMap({ $0 }).first(where: { $0.isTrading && $0.region == data.districts[0].code }) else { return }
        let (desk, handling, now) = (desk, handling, end)
        for n in 0..<6 {
            let filed = now.adding(seconds: -Int64(n) * 70_000 - 3600)
            guard var (filing, _) = story(shop, at: filed) else { continue }
            filing.purchase = "健身年卡"
            filing.facts = "办理的健身年卡还剩\(n + 3)个月，\(filed.day.adding(days: -2).month)月到店发现门店已经关门，负责人电话无人接听，要求退还余额。"
            let ready = filing
            try await desk.store.write { tx in
                _ = try Registration.register(ready, by: .filer, desk: desk, casework: handling.casework, at: filed, code: AccessCode.make(), tx)
            }
        }
    }

    private func publications(_ staff: Staff) async throws {
        let publishing = Publishing(desk: desk)
        let (desk, now) = (desk, end)
        let closed = try await matters(ComplaintMoves.closed, limit: max(60, Int(20_000 * scale)))
        for (n, matter) in closed.enumerated() {
            let officer = clerk(matter.region, staff)
            let at = min(now, (matter.closedAt ?? now).adding(seconds: 86_400))
            try await desk.store.write { tx in
                let c = try tx.complaint(matter.id)
                guard Publishing.exclusion(c) == nil else { return }
                try publishing.notice(
                    c, category: GoodsCategory.suggested(purchase: c.purchase, facts: c.facts).id, channel: "phone", code: AccessCode.make(), by: officer, at: at, tx)
                if n % 23 == 0 { try publishing.object(tx.publication(matter.id), input: Form([("objection", "双方已另行和解，请核实后再决定是否公示。")]), at: at, tx) }
            }
        }
        try await publishing.run(at: now)
    }
}
