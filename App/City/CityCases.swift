import Enforcement
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// What became of violations in the city's year (案件的一年): cases in every stage, fined on the spot, guided, preserved; each by the domain's own steps.
extension CityBuilder {
    /// What is told of one case: which violation, how it goes, how far it got.
    struct CasePlan: Sendable {
        let violation: String
        let facts: String
        let fine: Int64
        let tier: String
        let factor: String?
        let target: String
        let filed: Day
        let business: Business
        /// The lead or report that it came from.
        var source: Matter?
    }

    /// Certificates of those who handle and review cases.
    func certify() async throws {
        let at = end.adding(seconds: -365 * 86_400)
        let until = end.day.adding(days: 900)
        try await desk.store.write { tx in
            for (n, account) in try Accounts.all(tx).enumerated() where account.roles.contains(.officer) || account.roles.contains(.reviewer) || account.roles.contains(.inspector)
            {
                try Certificates.save(
                    account.id.raw, number: "ZF\(account.region.prefix(6))\(100 + n)", validTo: until, legal: account.roles.contains(.reviewer), by: "city", at: at, tx)
            }
        }
    }

    func cases(_ count: Int, staff: Staff, businesses: [[Business]]) async throws {
        let kinds: [(String, String, Int64, String, String?)] = [
            ("M05", "当事人在网店商品标题使用“全国第一”等绝对化用语", 200_000, "lighter", "remedied"), ("M09", "当事人虚构原价，标示的划线价在此前七日内没有成交", 60_000, "lighter", "remedied"),
            ("M11", "当事人销售的商品未标明价格", 800, "lighter", "remedied"), ("M21", "当事人销售的预包装食品标签未标注生产日期", 8000, "lighter", "confessed"),
            ("M16", "当事人在店堂告示中规定“最终解释权归本店所有”", 30_000, "lighter", "remedied"), ("X01", "当事人货架陈列销售超过保质期的食品", 70_000, "ordinary", nil),
            ("M12", "当事人组织刷单，编造交易量", 150_000, "lighter", "confessed"), ("M01", "当事人未在店铺首页公示营业执照信息", 1500, "lighter", "remedied"),
        ]
        let flat = businesses.flatMap { $0 }.filter(\.isTrading)
        guard !flat.isEmpty else { return }
        // One of each stage first, in the first district, so that every stage is there in the smallest city.
        let stages = [
            "clue", "filing", "investigating", "suspended", "auditing", "audited", "noticing", "notified", "hearing", "deciding", "decided", "served", "served-late", "court",
            "closing", "closed", "clue-testing", "testing", "announcing", "refunding", "closing-proposed",
            "archived", "not-filed", "exempt", "transferred",
        ]
        let first = flat.filter { $0.region == data.districts[0].code }
        var plans: [CasePlan] = []
        func plan(_ target: String, _ business: Business, _ kind: (String, String, Int64, String, String?), daysAgo: Int) -> CasePlan {
            CasePlan(
                violation: kind.0, facts: kind.1, fine: kind.2, tier: kind.3, factor: kind.4, target: target,
                filed: desk.calendar.value.workday(from: end.day.adding(days: -daysAgo)),
                business: business)
        }
        let ages = [
            "clue": 4, "filing": 10, "investigating": 20, "suspended": 40, "auditing": 30, "audited": 34, "noticing": 36, "notified": 34, "hearing": 40, "deciding": 50,
            "decided": 52, "served": 60,
            "clue-testing": 12, "testing": 35, "announcing": 45, "refunding": 60, "closing-proposed": 90, "served-late": 110, "court": 400, "closing": 80, "closed": 100,
            "archived": 150, "not-filed": 30, "exempt": 70, "transferred": 25,
        ]
        for (i, target) in stages.enumerated() {
            plans.append(
                plan(
                    target, first.isEmpty ? draw.pick(flat) : draw.pick(first), kinds[["hearing", "court"].contains(target) ? 0 : target == "refunding" ? 1 : i % kinds.count],
                    daysAgo: ages[target] ?? 60))
        }
        for _ in 0..<count {
            let target = draw.weighted([
                ("archived", 0.42), ("closed", 0.1), ("served", 0.06), ("investigating", 0.08), ("not-filed", 0.12), ("exempt", 0.08), ("clue", 0.03), ("auditing", 0.02),
                ("notified", 0.02),
                ("decided", 0.02), ("closing", 0.03), ("served-late", 0.02),
            ])
            plans.append(plan(target, draw.pick(flat), draw.pick(kinds), daysAgo: max(ages[target] ?? 60, draw.low(10...330))))
        }
        // Leads for which a case was proposed: what monitoring found goes on to a decision.
        let online: [(String, String, Int64, String, String?)] =
            kinds + [
                ("M13", "当事人以返现诱导好评，编造用户评价", 20_000, "lighter", "remedied"),
                ("M15", "当事人在商品页面标示“不支持七日无理由退货”", 5000, "lighter", "remedied"), ("M17", "当事人将搭售商品作为默认同意的选项", 60_000, "lighter", "remedied"),
                ("M23", "当事人有奖销售所设奖项、兑奖条件不明确", 60_000, "lighter", "remedied"),
            ]
        let proposed = try await desk.store.read { tx in
            try tx.all(
                """
                SELECT m.*, l.model AS model, o.uscc AS uscc FROM casework_matters m JOIN insight_leads l ON l.matter = m.id JOIN operators o ON o.id = m.operator
                WHERE m.kind = 'lead' AND m.outcome = 'proposed' ORDER BY m.id
                """
            ).map { (Matter($0), $0.string("model"), $0.string("uscc")) }
        }
        for (lead, model, uscc) in proposed {
            guard let kind = online.first(where: { $0.0 == model }), let business = flat.first(where: { $0.uscc == uscc }) else { continue }
            let target = draw.weighted([("archived", 0.35), ("closed", 0.15), ("served", 0.15), ("investigating", 0.15), ("notified", 0.1), ("not-filed", 0.1)])
            plans.append(
                CasePlan(
                    violation: model, facts: kind.1, fine: kind.2, tier: kind.3, factor: kind.4, target: target,
                    filed: desk.calendar.value.workday(from: (lead.closedAt ?? lead.receivedAt).day), business: business, source: lead))
        }
        let handling = CaseHandling(desk: desk)
        for (n, part) in stride(from: 0, to: plans.count, by: 20).map({ plans[$0..<min($0 + 20, plans.count)] }).enumerated() {
            let ready = Array(part), stop = end, desk = desk
            try await desk.store.write { tx in for p in ready { try CityBuilder.run(p, handling, staff: staff, until: stop, desk: desk, tx) } }
            if n % 10 == 0 { Terminal.progress("cases \(n * 20)/\(plans.count)") }
        }
        Terminal.progressEnd()
        try await beside(staff: staff, flat)
    }

    /// Lives a case through to where its plan says; a step that would lie after the city's end is not made.
    private static func run(_ p: CasePlan, _ handling: CaseHandling, staff: Staff, until end: Moment, desk: Desk, _ tx: Transaction) throws {
        let region = p.business.region
        let officers = staff.officers(of: region)
        guard officers.count >= 2, let reviewer = staff.reviewers[region] ?? staff.reviewers.values.first else { return }
        let head = Staff.of(region, among: staff.leaders)
        let officer = officers[0]
        let op = try Operators.find(uscc: p.business.uscc, tx)
        var at = Moment(p.filed, hour: 9, minute: 10)
        func on(_ days: Int) { at = Moment(desk.calendar.value.workday(from: at.day.adding(days: days)), hour: 10 + days % 6, minute: Int(p.fine / 100) % 60) }
        var new = NewCase(
            cause: Penalties.shipped[p.violation]!.title.zh,
            party: .init(
                kind: op?.kind == .individual ? .individual : .organisation, name: p.business.name, code: p.business.uscc, address: p.business.address, head: op?.representative,
                phone: op?.phone),
            region: op?.region ?? region, clue: p.facts, foundAt: at)
        (new.source, new.violation, new.operator) = (p.violation.hasPrefix("M") ? "monitoring" : "inspection", p.violation, op?.id)
        new.sourceMatter = p.source
        let id = try handling.register(new, by: .staff(officer), at: at, tx).id
        func make(_ move: String, _ who: Account, _ fields: [(String, String)] = []) throws {
            guard at <= end else { return }
            let c = try tx.penaltyCase(id)
            guard CaseMoves.table.moves.first(where: { $0.name == move })?.from.contains(c.matter.state) == true else { return }
            // What a rule does not allow on that day is not done: the case stays where it is.
            do { try handling.apply(move, on: c, input: Form(fields), by: .staff(who), at: at, tx) } catch let refusal as Refusal where refusal.kind == .conflict {}
        }
        if p.target == "clue" { return }
        if p.target == "clue-testing" {
            on(2)
            return try make("test-clue", officer, [("body", "市产品质量检验研究院")])
        }
        on(4)
        let found: [(String, String)] = [
            ("findings", "经核查：\(p.facts)。"), ("cause", new.cause), ("violation", p.violation), ("act-to", p.filed.description),
            ("jurisdiction", p.violation.hasPrefix("M") ? "actual" : "conduct"),
        ]
        if ["not-filed", "exempt"].contains(p.target) {
            try examine(id, officer, at: at, desk: desk, tx)
        }
        let proposal = p.target == "not-filed" ? "not-file" : p.target == "transferred" ? "transfer" : "file"
        try make("propose-filing", officer, found + [("proposal", proposal)] + (1...4).map { ("condition\($0)", "yes") })
        if p.target == "filing" { return }
        on(2)
        if p.target == "not-filed" { return try make("not-file", head, [("ground", "1"), ("reason", "违法行为轻微并及时改正，没有造成危害后果")]) }
        if p.target == "transferred" { return try make("transfer-out", head, [("where", "\(desk.configuration.cityName.zh)文化市场综合行政执法支队"), ("reason", "属于文化市场管理职责")]) }
        try make("file", head, [("other-act", "yes")] + officers.prefix(2).map { ("officers", String($0.id.raw)) })
        for (kind, title, proves) in [("electronic", "网页截图及取证包", "违法行为的表现"), ("party", "询问笔录", "当事人承认上述事实"), ("documentary", "营业执照复印件", "当事人的主体身份")] {
            let row = try tx.insert(
                "INSERT INTO enforcement_evidence (matter, kind, title, source, taken_on, original, proves, account, at) VALUES (\(id), \(kind), \(title), '当事人', \(at.day), 1, \(proves), \(officer.id), \(at)) RETURNING id"
            )
            try Casework.remark("evidence", on: tx.matter(id), by: .staff(officer), details: [("title", .string(title))], sealing: [.init("enforcement_evidence", row)], at: at, tx)
        }
        on(6)
        if p.target == "suspended" { return try make("suspend", head, [("ground", "4"), ("reason", "当事人下落不明，暂时无法调查")]) }
        if p.target == "testing" { return try make("test", officer, [("body", "市产品质量检验研究院")]) }
        if p.target == "investigating" { return }
        var report: [(String, String)] = [
            ("facts", p.facts + "。"), ("nature", "上述行为违反规定，构成\(new.cause)。"), ("violation", p.violation), ("outcome", p.target == "exempt" ? "exempt" : "punish"),
            ("reasons", p.factor == nil ? "综合违法事实、性质、情节和社会危害程度。" : "当事人主动整改，消除危害后果。"),
        ]
        // Persons are fined less for price fraud, and so is who gives back what was charged too much.
        let fine = p.target == "refunding" ? 9000 : p.violation == "M09" && op?.kind == .individual ? 20_000 : p.fine
        if p.target != "exempt" {
            report += [("fine", String(fine)), ("tier", p.tier)] + (p.factor.map { [("factor", $0)] } ?? [])
            if ["M21", "X01"].contains(p.violation) { report.append(("base", "900")) }
            if p.target == "hearing" { report.append(("public-interest", "yes")) }
            let v = Penalties.shipped[p.violation]
            if v?.goods == true { report += [("goods", "涉案商品12件"), ("goods-value", "240")] }
            // What was charged too much is to be given back; else nothing was earned by it, which is said.
            if p.target == "refunding" {
                report += [("income-kind", "overcharge"), ("receipts", "8000"), ("refund", "8000")]
            } else if let v = Penalties.shipped[p.violation], v.base == "income" || v.confiscate == true {
                report.append(("receipts", "0"))
            }
        }
        try make("conclude", officer, report)
        if p.target == "auditing" { return }
        on(4)
        try make("audit-agree", reviewer, ["jurisdiction", "party", "facts", "nature", "law", "procedure", "fit"].map { ("check", $0) } + [("opinion", "同意案件处理意见")])
        if p.target == "audited" { return }
        on(2)
        func serve(_ move: String) throws { try make(move, officer, [("way", "direct"), ("served", at.day.description), ("receiver", p.business.name)]) }
        if p.target == "exempt" {
            try make("decide-unpunished", head, [("education", "讲解有关规定，要求健全自查制度。")])
            on(1)
            try serve("serve-unpunished")
            on(3)
            try make("propose-closing", officer, [("ending", "4"), ("reason", "不予处罚决定已送达")])
            on(2)
            return try make("close", head)
        }
        try make("approve-notice", head)
        if p.target == "noticing" { return }
        if p.target == "announcing" {
            on(2)
            return try make("announce", officer, [("reason", "当事人下落不明，其他方式无法送达")])
        }
        on(1)
        try serve("serve-notice")
        if p.target == "notified" { return }
        if p.target == "hearing" {
            on(1)
            try make("request-hearing", officer, [("on", at.day.description)])
            return try make(
                "appoint-host", head,
                [("host", String(staff.hosts.first { $0.roles.contains(.leader) }!.id.raw)), ("clerk", String(staff.hosts.first { $0.roles.contains(.inspector) }!.id.raw))])
        }
        on(9)
        // What the party may say comes first, however the holidays lie.
        if let last = try Clocks.of(id, tx).last(where: { $0.duty == "P8" })?.due, at.day <= last {
            at = Moment(desk.calendar.value.workday(from: last.adding(days: 1)), hour: 10)
        }
        try make("to-decision", officer)
        if p.target == "deciding" { return }
        if p.target == "refunding" { return try make("order-refund", head, [("amount", "8000"), ("days", "15")]) }
        on(1)
        try make("decide", head)
        if p.target == "decided" { return }
        on(2)
        try serve("serve")
        on(4)
        let c = try tx.penaltyCase(id)
        if let paper = c.decision, c.decided?.isWarningOnly == false {
            try make("prepare-publication", officer, [("body", PublishedPenalty.redacted(try Documents.find(paper, tx).body, c))])
        }
        on(1)
        try make("publish", head)
        if p.target == "served" || p.target == "served-late" || p.target == "court" {
            if p.target == "served" { return }
            on(20)
            try make("demand", officer, [("served", at.day.description)])
            let now = try tx.penaltyCase(id)
            guard p.target == "court", let served = now.servedOn else { return }
            // Half a year later nothing can be brought against it any more: the court is asked.
            let last = try desk.engine.deadline("LS", from: Moment(served), explain: false).due
            at = Moment(desk.calendar.value.workday(from: last.adding(days: 8)), hour: 10)
            guard at <= end else { return }
            try handling.casework.begin("P14b", of: now.matter, since: Moment(last), at: at, tx)
            return try make("apply-court", head, [("where", "\(desk.configuration.cityName.zh)青溪区人民法院")])
        }
        try make("pay", officer, [("kind", "fine"), ("amount", String(fine)), ("on", at.day.description), ("way", "bank"), ("reference", "FS\(id)")])
        if p.target == "closing" { return }
        on(3)
        try make("propose-closing", officer, [("ending", "1"), ("reason", "行政处罚决定执行完毕")])
        if p.target == "closing-proposed" { return }
        on(2)
        try make("close", head)
        if p.target == "closed" { return }
        on(8)
        try make("archive", officer, [("class", "10")])
    }

    private static func examine(_ id: ID<Matter>, _ officer: Account, at: Moment, desk: Desk, _ tx: Transaction) throws {
        let c = try tx.penaltyCase(id)
        let form = Form([("rule", "minor"), ("c-minor", "yes"), ("c-corrected", "yes"), ("c-noHarm", "yes"), ("reasoning", "持续时间短，当日改正，没有消费者受损。")])
        try LeniencyDesk(desk: desk).examine(c, input: form, by: officer, at: at, tx)
    }

    /// Beside the cases: goods preserved and seized, fined on the spot, guided and looked at again.
    private func beside(staff: Staff, _ flat: [Business]) async throws {
        let (desk, end) = (desk, end)
        let (measures, guidance, handling) = (MeasureHandling(desk: desk), GuidanceHandling(desk: desk), CaseHandling(desk: desk))
        let region = data.districts[0].code
        let officers = staff.officers(of: region)
        guard officers.count >= 2 else { return }
        let head = Staff.of(region, among: staff.leaders)
        let shops = (0..<9).map { _ in draw.pick(flat.filter { $0.region == region }.isEmpty ? flat : flat.filter { $0.region == region }) }
        let codes = (0..<9).map { _ in AccessCode.make() }
        try await desk.store.write { tx in
            if let open = try tx.one(
                "SELECT m.id AS id FROM casework_matters m JOIN enforcement_people p ON p.matter = m.id WHERE m.kind = 'case' AND m.state = 'investigating' AND p.role = 'officer' AND p.account = \(officers[0].id) ORDER BY m.id LIMIT 1"
            )?
            .int("id") {
                let c = try tx.penaltyCase(ID<Matter>(open))
                let at = Moment(desk.calendar.value.workday(from: end.day.adding(days: -3)), hour: 9)
                let kept = try measures.take(
                    Form([("kind", "registration"), ("goods", "电热水壶|1.7L|36个|未拆封\n充电器|5V2A|120个|无认证标志"), ("place", "当事人仓库")]), for: c, by: officers[0], at: at, tx)
                try measures.apply("approve", on: tx.measure(tx.matter(kept.id)), input: Form([]), by: .staff(head), at: at, tx)
                _ = try measures.take(
                    Form([("kind", "seizure"), ("goods", "儿童玩具|混装|80件|"), ("place", "本局罚没物品仓库"), ("basis", "《中华人民共和国产品质量法》第十八条")]), for: c, by: officers[0], at: at, tx)
            }
            for (i, shop) in shops.prefix(2).enumerated() {
                let at = Moment(desk.calendar.value.workday(from: end.day.adding(days: -5 - i)), hour: 15)
                _ = try Simple.decide(
                    Form([
                        ("party-kind", "individual"), ("party", shop.name), ("code", shop.uscc), ("address", shop.address), ("violation", i == 0 ? "M11" : "M16"),
                        ("facts", i == 0 ? "店内销售的商品未标明价格" : "店内张贴“特价商品概不退换”"),
                        ("place", "店内"),
                        i == 0 ? ("fine", "150") : ("warning", "yes"), ("second", String(officers[1].id.raw)), ("told", "yes"),
                    ]), handling, by: officers[0], at: at, tx)
            }
            // Another province asks for help with its case.
            let asked = Moment(desk.calendar.value.workday(from: end.day.adding(days: -6)), hour: 9)
            _ = try IncomingLetterHandling(desk: desk).receive(
                Form([
                    ("from", "外省市场监督管理局"), ("reference", "外市监协〔\(asked.day.year)〕18号"), ("received", asked.day.description), ("about", "某电子商务公司涉嫌虚假宣传案"),
                    ("asked", "请协助调取该公司在贵市仓库的进货记录、发货记录，并制作现场笔录。"),
                ]), by: officers[0], at: asked, tx)
            for (i, kind) in Guidance.Kind.allCases.enumerated() {
                let shop = shops[2 + i]
                let at = Moment(desk.calendar.value.workday(from: end.day.adding(days: -12 + i)), hour: 10)
                let op = try Operators.find(uscc: shop.uscc, tx)
                var new = GuidanceHandling.New(
                    kind, party: shop.name, address: shop.address, issues: "店铺首页未公示营业执照信息", asked: "请在首页显著位置持续公示营业执照信息或者其链接标识", basis: "《中华人民共和国电子商务法》第十五条",
                    region: op?.region ?? region)
                (new.operator, new.due, new.violation) = (op?.id, at.day.adding(days: 15), "M01")
                if kind.isMeeting { (new.heldAt, new.place) = ("\(at.day.adding(days: 3)) 09:30", "本局二楼会议室") }
                let matter = try guidance.open(new, by: .staff(officers[0]), at: at, code: codes[i], tx)
                let later = at.adding(hours: 72)
                guard later <= end else { continue }
                if i == 0 {
                    try guidance.apply("recheck", on: tx.guidance(matter), input: Form([("found", "已在首页公示")]), by: .staff(officers[0]), at: later, tx)
                } else if i == 1 {
                    try guidance.apply("respond", on: tx.guidance(matter), input: Form([("said", "已补充公示，请复查")]), by: .respondent, at: later, tx)
                } else if kind == .interview {
                    try guidance.apply("attend", on: tx.guidance(matter), input: Form([("attended", "法定代表人到场"), ("note", "承诺七日内改正")]), by: .staff(officers[0]), at: later, tx)
                }
            }
        }
    }
}
