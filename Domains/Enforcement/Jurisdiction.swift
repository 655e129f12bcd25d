import Kernel
import Platform
import Statute
import Store
import Web

/// Which authority has the case (管辖).
///
/// Law: PCD art. 7, 10, 11, 12; O117 art. 47.
package enum Jurisdiction {
    package static let grounds: [(String, Text)] = [
        ("conduct", Text("违法行为发生地（第七条）", "Place of the conduct (art. 7)")), ("actual", Text("平台内经营者的实际经营地（第十条）", "Actual place of business (art. 10)")),
        ("domicile", Text("平台、自建网站经营者的住所地（第十条）", "Domicile of a platform or own site (art. 10)")),
        ("platform", Text("平台住所地先行发现（第十条）", "Seat of the platform, first to find (art. 10)")),
        ("publisher", Text("广告发布者所在地（第十一条）", "Seat of the publisher (art. 11)")), ("advertiser", Text("广告主所在地（第十一条）", "Seat of the advertiser (art. 11)")),
        ("live", Text("直播间运营者、主播的实际经营地或者直播平台住所地（直播办法第四十七条）", "Live commerce: place of business, or the platform's seat (O117 art. 47)")),
        ("assigned", Text("上级指定或者交办（第十三、十五条）", "Assigned by the superior (art. 13, 15)")),
    ]
}

/// Two authorities that both want a case, or neither (管辖争议): seven working days to agree, else the common superior designates in seven.
///
/// Law: PCD art. 13, 14, 16.
package struct JurisdictionDispute: Sendable {
    enum Way: String, Sendable, CaseIterable {
        case agreed, designated
        var title: Text { self == .agreed ? Text("协商一致", "Agreed") : Text("上级指定", "Designated") }
    }
    package let with: String
    package let reason: String
    package let on: Day
    package let referredTo: String?
    package let referredOn: Day?
    package let settledOn: Day?
    let way: Way?
    /// Whoever has the case, where that is not this office.
    package let competent: String?
    package let reference: String?
    init(_ row: Row) {
        with = row.string("other")
        reason = row.string("reason")
        on = row.day("on_day")
        referredTo = row.optionalString("referred_to")
        referredOn = row.optionalDay("referred_on")
        settledOn = row.optionalDay("settled_on")
        way = row.optionalString("way").flatMap(Way.init)
        competent = row.optionalString("competent")
        reference = row.optionalString("reference")
    }
    static func of(_ id: ID<Matter>, _ tx: Transaction) throws -> [JurisdictionDispute] {
        try tx.all("SELECT * FROM enforcement_disputes WHERE matter = \(id) ORDER BY id").map(JurisdictionDispute.init)
    }
}

extension Case {
    /// A dispute that is not settled.
    package var disputed: JurisdictionDispute? { disputes.last { $0.settledOn == nil } }
    /// Who was found to have the case instead of this office.
    package var competent: String? { disputes.last?.competent }
}

extension CaseAct {
    func jurisdiction() throws -> Matter? {
        let seals: [Ledger.Seal] = [.init("enforcement_disputes", of: "matter", id.raw)]
        switch name {
        case "dispute-jurisdiction":
            guard c.disputed == nil else { throw Refusal(.conflict, Text("前一争议尚未解决", "The one before is not settled")) }
            guard c.source != "transfer" else {
                throw Refusal(
                    .conflict, Text("受移送的案件对管辖权有异议的，直接报请指定管辖", "A case that was transferred here: ask the superior to designate at once"),
                    article: Article(law: "PCD", article: "14"))
            }
            let other = try input.needed("with", 200), reason = try input.needed("reason", 2000), on = try day("on", from: c.matter.receivedAt.day)
            try tx.send("INSERT INTO enforcement_disputes (matter, other, reason, on_day, account, at) VALUES (\(id), \(other), \(reason), \(on), \(try account().id), \(now))")
            return try move([("with", other), ("reason", reason), ("on", on.description)], since: Moment(on), seals: seals)
        case "refer-jurisdiction":
            guard c.disputed?.referredOn == nil else { throw Refusal(.conflict, Text("已报请指定管辖", "The superior was asked already")) }
            let to = try input.needed("to", 200), on = try day("on", from: c.disputed?.on ?? c.matter.receivedAt.day)
            if c.disputed == nil {
                let other = try input.needed("with", 200), reason = try input.needed("reason", 2000)
                try tx.send(
                    "INSERT INTO enforcement_disputes (matter, other, reason, on_day, referred_to, referred_on, account, at) VALUES (\(id), \(other), \(reason), \(on), \(to), \(on), \(try account().id), \(now))"
                )
            } else {
                try tx.send("UPDATE enforcement_disputes SET referred_to = \(to), referred_on = \(on) WHERE matter = \(id) AND settled_on IS NULL")
            }
            return try move([("to", to), ("on", on.description)], since: Moment(on), seals: seals)
        case "settle-jurisdiction":
            guard let dispute = c.disputed else { throw Refusal(.conflict, Text("没有尚未解决的管辖争议", "No dispute is open")) }
            let way = JurisdictionDispute.Way(rawValue: try input.chosen("way", JurisdictionDispute.Way.allCases.map(\.rawValue)))!
            if way == .designated, dispute.referredOn == nil { throw Refusal.invalid("/way", Text("尚未报请指定管辖", "The superior was not asked yet")) }
            let isOurs = try input.chosen("result", ["ours", "theirs"]) == "ours"
            let competent = isOurs ? nil : try input.needed("competent", 200)
            let reference = way == .designated ? try input.needed("reference", 100) : nil
            let on = try day("on", from: dispute.referredOn ?? dispute.on)
            try tx.send(
                "UPDATE enforcement_disputes SET settled_on = \(on), way = \(way.rawValue), competent = \(competent), reference = \(reference) WHERE matter = \(id) AND settled_on IS NULL"
            )
            if isOurs, way == .designated { try set("jurisdiction = 'assigned'") }
            return try move(
                [("result", way.title.zh), ("competent", competent ?? desk.office(for: c.matter.region).name), ("number", reference ?? ""), ("on", on.description)], seals: seals)
        default: return nil
        }
    }
    /// What ends a case waits until it is known whose it is; a case that another authority has is passed to it.
    ///
    /// Law: PCD art. 13, 14.
    func checkJurisdiction() throws {
        guard ["approve-notice", "decide", "decide-unpunished", "decide-transfer", "terminate"].contains(name) else { return }
        if c.disputed != nil {
            throw Refusal(.conflict, Text("管辖争议尚未解决", "It is not settled who has jurisdiction"), article: Article(law: "PCD", article: "13"))
        }
        if let other = c.competent {
            throw Refusal(.conflict, Text("本案由\(other)管辖，应当移送", "\(other) has this case: transfer it"), article: Article(law: "PCD", article: "14"))
        }
    }
}

extension CaseForm {
    func jurisdiction(_ h: HTML, _ name: String, _ e: HTML.Errors) {
        func dispute() {
            h.field("with", Text("争议部门", "With which authority"), value: nil, errors: e)
            h.area("reason", Text("争议的理由", "What is disputed, and why"), value: nil, rows: 3, errors: e, maxLength: 2000)
        }
        let today = visit.desk.today().description
        switch name {
        case "dispute-jurisdiction":
            dispute()
            h.field("on", Text("发生争议日期", "Since"), value: today, type: "date", hint: Text("七个工作日内协商解决", "To be agreed within seven working days"), errors: e)
        case "refer-jurisdiction":
            if s.c.disputed == nil { dispute() }
            h.field("to", Text("共同的上一级部门", "The common superior"), value: nil, errors: e)
            h.field("on", Text("报送材料收到日期", "Papers received there on"), value: today, type: "date", hint: Text("收到后七个工作日内确定", "It decides within seven working days"), errors: e)
        default:
            h.radios("way", Text("如何确定", "How"), options: JurisdictionDispute.Way.allCases.map { ($0.rawValue, $0.title, nil) }, value: nil, errors: e, inline: true)
            h.radios(
                "result", Text("由谁管辖", "Who has it"), options: [("ours", Text("本部门", "This office"), nil), ("theirs", Text("其他部门", "Another"), nil)], value: nil, errors: e,
                inline: true)
            h.field("competent", Text("其他部门的名称", "The other's name"), value: s.c.disputed?.with, errors: e, required: false)
            h.field("reference", Text("指定管辖通知书文号", "Number of the designation"), value: nil, errors: e, required: false)
            h.field("on", Text("确定日期", "Settled on"), value: today, type: "date", errors: e)
        }
    }
}

extension CaseParts {
    func jurisdiction(_ h: HTML) {
        for d in c.disputes {
            h.definition(Text("管辖争议", "Jurisdiction disputed")) {
                h.text("\(d.with)：\(d.reason)")
                h.span("d-block small text-muted", Text("自\(d.on)", "since \(d.on)"))
                if let to = d.referredTo, let on = d.referredOn { h.span("d-block small text-muted", Text("\(on) 报请\(to)指定管辖", "\(on): \(to) asked to designate")) }
                if let way = d.way, let on = d.settledOn {
                    let who = Text(d.competent ?? "本部门", d.competent ?? "this office")
                    h.span(
                        "d-block small",
                        Text("\(on) \(way.title.zh)：由\(who.zh)管辖\(d.reference.map { "（\($0)）" } ?? "")", "\(on), \(way.title.en): \(who.en)\(d.reference.map { " (\($0))" } ?? "")")
                    )
                }
            }
        }
    }
}
