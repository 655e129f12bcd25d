import Formats
import Foundation
import Kernel
import Platform
import Statute
import Store
import Web

/// What of goods and services a complaint is about (商品和服务类别): our own short list, for publication and figures.
package struct GoodsCategory: Sendable, Decodable {
    package let id: String
    let zh: String
    let en: String
    let words: [String]
    package var title: Text { Text(zh, en) }

    package static let all: [GoodsCategory] = {
        do { return try JSONDecoder().decode([GoodsCategory].self, from: Data(contentsOf: Grounds.shared.folder.appendingPathComponent("categories.json"))) } catch {
            preconditionFailure("the categories are missing beside the binary: \(error)")
        }
    }()
    package static func named(_ id: String) -> GoodsCategory? { all.first { $0.id == id } }
    /// By the words of the purchase, else of the facts: the longest word that stands there.
    package static func suggested(purchase: String?, facts: String) -> GoodsCategory {
        for text in [purchase ?? "", facts] {
            let found = all.compactMap { category in category.words.filter { text.contains($0) }.map(\.count).max().map { (category, $0) } }.max { $0.1 < $1.1 }
            if let found { return found.0 }
        }
        return all.last!
    }
}

/// The periods of publication (公示期限): the office's own, not the law's, set on the administration's page.
///
/// Law: CLR art. 29 and CPR ask for publication; their periods were not seen, so none is theirs.
package struct PublicationRules: Sendable {
    package let objectionWorkdays: Int
    package let displayMonths: Int
    static let settings = [
        NumberSetting("publication.objection.workdays", Text("公示异议期（工作日）", "Working days to object to publication"), 3, 1...30),
        NumberSetting("publication.display.months", Text("公示期（月）", "Months of publication"), 12, 1...60),
    ]

    static func load(_ tx: Transaction) throws -> PublicationRules {
        PublicationRules(objectionWorkdays: try settings[0].value(tx), displayMonths: try settings[1].value(tx))
    }
}

/// A complaint on its way to the public (投诉信息公示): the business is told first and may object; nobody's identity, no free text.
package struct Publication: Sendable {
    package enum State: String, Sendable, CaseIterable {
        case noticed, objected, published, withheldOnce = "withheld-once", withheld, withdrawn
        package var title: Text {
            switch self {
            case .noticed: Text("已告知商家", "Business told")
            case .objected: Text("商家提出异议", "Objected")
            case .published: Text("公示中", "Published")
            case .withheldOnce: Text("拟不公示，待复核", "To be withheld: second look")
            case .withheld: Text("不予公示", "Withheld")
            case .withdrawn: Text("已撤下", "Withdrawn")
            }
        }
        var tone: String {
            switch self {
            case .published: "green"
            case .objected, .withheldOnce: "amber"
            case .noticed: "blue"
            default: "grey"
            }
        }
    }
    package let matter: ID<Matter>
    package let number: String
    package let uscc: String?
    package let name: String
    package let category: String
    package let issues: [String]
    package let result: String
    package let closedOn: Day
    package let state: State
    package let objectBy: Day
    package let objection: String?
    package let reason: String?
    package let decidedBy: ID<Account>?
    package let until: Day?

    init(_ row: Row) {
        matter = row.id("matter")
        number = row.string("number")
        uscc = row.optionalString("uscc")
        name = row.string("name")
        category = row.string("category")
        issues = row.string("issues").split(separator: ",").map(String.init)
        result = row.string("result")
        closedOn = row.day("closed_on")
        state = State(rawValue: row.string("state")) ?? .withheld
        objectBy = row.day("object_by")
        objection = row.optionalString("objection")
        reason = row.optionalString("reason")
        decidedBy = row.optionalID("decided_by")
        until = row.optionalDay("until")
    }

    static let columns: SQL = "p.*, m.number"
    package var categoryTitle: Text { GoodsCategory.named(category)?.title ?? Text(verbatim: category) }
    package var issuesTitle: Text {
        let titles = issues.compactMap { ClaimKind(rawValue: $0)?.title }
        return Text(titles.map(\.zh).joined(separator: "、"), titles.map(\.en).joined(separator: ", "))
    }
    package var resultTitle: Text { result == "agreed" ? Text("调解成功", "settled") : Text("调解未成", "not settled") }
}

/// Publishing, objecting, withholding, withdrawing (公示办理).
package struct Publishing: Sendable {
    let desk: Desk
    package init(desk: Desk) { self.desk = desk }

    static let daily = "disputes.publication"

    /// Why a closed complaint is not for the public; nil: it may be published.
    package static func exclusion(_ c: Complaint) -> Text? {
        guard c.matter.closedAt != nil, let outcome = c.matter.outcome else { return Text("尚未办结", "not closed yet") }
        switch outcome {
        case "agreed", "ended": break
        case "first-settled": return Text("先行和解的，不是投诉", "settled first: no complaint")
        case "settled-or-withdrawn", "withdrawn": return Text("撤回或者自行和解的", "withdrawn, or settled between both")
        default: return Text("未受理的", "not taken up")
        }
        // Ending grounds that say the complaint was not a true one.
        if c.endingGround == "6" { return Text("终止情形为受理后发现不符合受理条件", "ended because it should not have been taken up") }
        if c.publication == false { return Text("投诉人不同意公示", "the complainant does not consent") }
        return nil
    }

    /// 公示前告知. The business gets a code with which it may object until the day that is said.
    package func notice(_ c: Complaint, category: String, channel: String, code: String, by account: Account, at now: Moment, _ tx: Transaction) throws {
        if let why = Publishing.exclusion(c) { throw Refusal(.conflict, Text("不公示：\(why.zh)", "Not published: \(why.en)")) }
        guard GoodsCategory.named(category) != nil else { throw Refusal.invalid("/category", Text("请选择类别", "Choose a category")) }
        guard try tx.one("SELECT matter FROM disputes_publications WHERE matter = \(c.matter.id)") == nil else {
            throw Refusal(.conflict, Text("已经进入公示流程", "It is on its way already"))
        }
        let rules = try PublicationRules.load(tx)
        let until = desk.calendar.value.adding(workdays: rules.objectionWorkdays, to: now.day)
        let op = try c.matter.operator.map { try Operators.find($0, tx) }
        try tx.send(
            """
            INSERT INTO disputes_publications (matter, operator, uscc, name, region, category, issues, result, closed_on, state, code, noticed_at, object_by)
            VALUES (\(c.matter.id), \(op?.id), \(op?.uscc ?? c.respondentUSCC), \(op?.name ?? c.respondentName), \(c.matter.region), \(category), \(c.claims.map(\.kind.rawValue).joined(separator: ",")),
            \(c.matter.outcome == "agreed" ? "agreed" : "ended"), \((c.matter.closedAt ?? now).day), 'noticed', \(AccessCode.hash(code, c.matter.number)), \(now), \(until))
            """)
        try Casework.notify("respondent", of: c.matter.id, by: channel, Notice.publication.zh, at: now, tx)
        try Jobs.add(Publishing.daily, at: Moment(until.adding(days: 1), hour: 8), tx)
        try audit("noticed", c.matter.id, by: account.mark, at: now, [("category", category)], tx)
    }

    package func object(_ p: Publication, input: Form, at now: Moment, _ tx: Transaction) throws {
        let text = try input.needed("objection", 2000)
        guard p.state == .noticed, now.day <= p.objectBy else {
            throw Refusal(.conflict, Text("异议期已于\(p.objectBy)届满，或者已提出异议", "The time to object ended on \(p.objectBy), or you have objected"))
        }
        try change(p, "state = 'objected', objection = \(text), objected_at = \(now)", from: [.noticed], tx)
        try audit("objected", p.matter, by: "respondent", at: now, [], tx)
    }

    /// A decision of the office. Withholding takes two persons; the second is another than the first.
    package func decide(_ act: String, _ p: Publication, input: Form, by account: Account, at now: Moment, _ tx: Transaction) throws {
        let reason = try input.needed("reason", 500)
        let rules = try PublicationRules.load(tx)
        switch act {
        case "publish":
            guard p.state == .objected || p.state == .withheldOnce || p.state == .withdrawn || (p.state == .noticed && now.day > p.objectBy) else {
                throw Refusal(
                    .conflict, Text("异议期至\(p.objectBy)，届满或者异议审查后方可公示", "The business may object until \(p.objectBy): published after that, or after its objection was examined"))
            }
            let until = now.day.adding(months: rules.displayMonths)
            try change(
                p, "state = 'published', reason = \(reason), decided_by = \(account.id), decided_at = \(now), published_at = \(now), until = \(until)",
                from: [.objected, .withheldOnce, .noticed, .withdrawn], tx)
            try Jobs.add(Publishing.daily, at: Moment(until.adding(days: 1), hour: 8), tx)
        case "withhold":
            try change(p, "state = 'withheld-once', reason = \(reason), decided_by = \(account.id), decided_at = \(now)", from: [.noticed, .objected], tx)
        case "confirm-withhold":
            guard p.decidedBy != account.id else { throw Refusal(.forbidden, Text("不予公示须由另一人复核", "Withholding is confirmed by another person")) }
            try change(p, "state = 'withheld', second_by = \(account.id)", from: [.withheldOnce], tx)
        case "withdraw":
            try change(p, "state = 'withdrawn', reason = \(reason), decided_by = \(account.id), decided_at = \(now)", from: [.published], tx)
        case "correct":
            let category = try input.chosen("category", GoodsCategory.all.map(\.id))
            try change(p, "category = \(category), reason = \(reason), decided_by = \(account.id), decided_at = \(now)", from: [.published], tx)
        default: throw Refusal.notFound
        }
        try audit(act, p.matter, by: account.mark, at: now, [("reason", reason)], tx)
    }

    /// On the mornings that a period ends: what nobody objected to is published; what was shown long enough is taken down.
    package func run(at now: Moment) async throws {
        let months = try await desk.store.read { try PublicationRules.load($0).displayMonths }
        while true {
            let done = try await desk.store.write { tx -> Int in
                let due = try tx.all("SELECT matter FROM disputes_publications WHERE state = 'noticed' AND object_by < \(now.day) ORDER BY matter LIMIT 200")
                for row in due {
                    let id: ID<Matter> = row.id("matter")
                    try tx.run(
                        "UPDATE disputes_publications SET state = 'published', published_at = \(now), until = \(now.day.adding(months: months)) WHERE matter = \(id) AND state = 'noticed'"
                    )
                    try audit("published", id, by: "system", at: now, [], tx)
                    try Jobs.add(Publishing.daily, at: Moment(now.day.adding(months: months).adding(days: 1), hour: 8), tx)
                }
                return due.count
            }
            if done == 0 { break }
        }
        while true {
            let done = try await desk.store.write { tx -> Int in
                let over = try tx.all("SELECT matter FROM disputes_publications WHERE state = 'published' AND until < \(now.day) ORDER BY matter LIMIT 200")
                for row in over {
                    let id: ID<Matter> = row.id("matter")
                    try tx.run("UPDATE disputes_publications SET state = 'withdrawn', reason = '公示期满' WHERE matter = \(id) AND state = 'published'")
                    try audit("expired", id, by: "system", at: now, [], tx)
                }
                return over.count
            }
            if done == 0 { break }
        }
    }

    private func change(_ p: Publication, _ set: SQL, from states: [Publication.State], _ tx: Transaction) throws {
        guard try tx.run("UPDATE disputes_publications SET \(set) WHERE matter = \(p.matter) AND state IN (\(list: states.map(\.rawValue)))") == 1 else {
            throw Refusal(.conflict, Text("当前状态为“\(p.state.title.zh)”，不能这样办理", "It is “\(p.state.title.en)” now: this is not possible"))
        }
    }
    private func audit(_ act: String, _ matter: ID<Matter>, by mark: String, at now: Moment, _ details: [(String, String)], _ tx: Transaction) throws {
        try tx.audit(
            "publication.\(act)", of: Reference(kind: ComplaintMoves.kind, id: matter.raw), by: mark, at: now, details: details.map { ($0.0, .string($0.1)) },
            sealing: [.init("disputes_publications", key: "matter", matter.raw), .init("casework_notices", of: "matter", matter.raw)])
    }
    package static let acts: [String: Text] = [
        "publication.noticed": Text("公示前告知商家", "Business told of publication"), "publication.objected": Text("商家提出公示异议", "Publication objected to"),
        "publication.publish": Text("决定公示", "Published by decision"),
        "publication.published": Text("期满无异议公示", "Published without objection"), "publication.withhold": Text("拟不公示", "To be withheld"),
        "publication.confirm-withhold": Text("复核不予公示", "Withheld"),
        "publication.withdraw": Text("撤下公示", "Withdrawn"), "publication.correct": Text("更正公示", "Corrected"), "publication.expired": Text("公示期满撤下", "Shown long enough"),
    ]
}

extension Transaction {
    package func publication(_ matter: ID<Matter>) throws -> Publication {
        guard let row = try one("SELECT \(Publication.columns) FROM disputes_publications p JOIN casework_matters m ON m.id = p.matter WHERE p.matter = \(matter)") else {
            throw Refusal.notFound
        }
        return Publication(row)
    }
}
