import Kernel
import Platform
import Store
import Synchronization
import Web

/// What the city's own handled complaints suggest for a new one (智能建议): category and office, with the nearest handled ones. A person decides.
package final class Suggestions: Sendable {
    private struct Learned: Sendable {
        let category: TextModel?
        let office: TextModel?
        let at: Moment
    }
    private let kept = Mutex<Learned?>(nil)
    private let isLearning = Mutex(false)
    package init() {}

    /// Handled complaints that are read, the latest first.
    static let texts = 8000

    package struct Shown: Sendable {
        package let category: GoodsCategory
        /// Nil: by words alone, too few complaints were handled to learn from.
        package let categoryShare: Double?
        package let office: (code: String, share: Double)?
        package let learnedFrom: Int
        package let nearest: [Matter]
    }

    /// Learns anew from what was handled: some second of work, beside the first question and again once it is a day and a half old.
    package func learn(_ desk: Desk) async throws {
        let (rows, now) = (
            try await desk.store.read { tx in
                try tx.all(
                    """
                    SELECT c.purchase, c.facts, m.region, p.category FROM casework_matters m JOIN disputes_complaints c ON c.matter = m.id LEFT JOIN disputes_publications p ON p.matter = m.id
                    WHERE m.kind = \(ComplaintMoves.kind) AND m.open = 0 AND m.outcome IN ('agreed', 'ended', 'first-settled') ORDER BY m.id DESC LIMIT \(Suggestions.texts)
                    """
                ).map {
                    (
                        purchase: $0.optionalString("purchase") ?? "", facts: $0.string("facts"), region: String($0.string("region").prefix(6)),
                        category: $0.optionalString("category")
                    )
                }
            }, desk.now
        )
        let categories = rows.compactMap { row in row.category.map { TextModel.Example(title: row.purchase, text: row.facts, label: $0) } }
        let offices = rows.filter { $0.region.count == 6 }.map { TextModel.Example(title: $0.purchase, text: $0.facts, label: $0.region) }
        let learned = Learned(category: TextModel(categories, least: 60), office: TextModel(offices, least: 60), at: now)
        kept.withLock { $0 = learned }
    }

    /// Nobody waits for it: until it is done the words decide, or what was learned before.
    private func learnBeside(_ desk: Desk) {
        let begins = isLearning.withLock { busy in
            defer { busy = true }
            return !busy
        }
        guard begins else { return }
        Task {
            defer { isLearning.withLock { $0 = false } }
            // What could not be read now is tried again with the next question.
            try? await learn(desk)
        }
    }

    /// - Cost: under a millisecond beside the search for like ones.
    package func suggest(_ c: Complaint, _ desk: Desk) async throws -> Shown {
        let learned = kept.withLock { $0 }
        if learned.map({ desk.now.milliseconds - $0.at.milliseconds > 36 * 3_600_000 }) ?? true { learnBeside(desk) }
        let title = c.purchase ?? ""
        let category = learned?.category?.ranked(title: title, text: c.facts).first.flatMap { found in GoodsCategory.named(found.label).map { ($0, found.share) } }
        let office = learned?.office?.ranked(title: title, text: c.facts + c.respondentAddress).first
        let nearest = try await desk.store.read { tx -> [Matter] in
            guard let terms = Search.query("complaint", title.isEmpty ? String(c.facts.prefix(12)) : title) else { return [] }
            let keys = try Search.find("complaint", terms, limit: 60, tx).filter { $0 != c.matter.id.raw }
            return try tx.all(keys: keys) { "SELECT * FROM casework_matters WHERE id IN (\($0)) AND open = 0 ORDER BY id DESC" }.map(Matter.init)
        }
        return Shown(
            category: category?.0 ?? GoodsCategory.suggested(purchase: c.purchase, facts: c.facts), categoryShare: category?.1, office: office.map { ($0.label, $0.share) },
            learnedFrom: learned?.office?.examples ?? 0, nearest: Array(nearest.prefix(5)))
    }

    static func write(_ h: HTML, _ visit: Visit, _ s: Shown) {
        func percent(_ share: Double) -> String { "\(Int((share * 100).rounded()))%" }
        h.card(Text("建议（由人决定）", "Suggested: a person decides")) {
            h.p("mb-1") {
                h.text(Text("类别：\(s.category.title.zh)", "Category: \(s.category.title.en)"))
                h.span("text-muted small ms-2", s.categoryShare.map { Text("把握 \(percent($0))", "weight \(percent($0))") } ?? Text("按关键词", "by words"))
            }
            if let office = s.office {
                h.p("mb-1") {
                    h.text(Text("办理机关：\(visit.region(office.code))", "Office: \(visit.region(office.code))"))
                    h.span("text-muted small ms-2", Text("把握 \(percent(office.share))", "weight \(percent(office.share))"))
                }
            }
            let seen = s.nearest.filter { visit.maySee($0) }
            if !seen.isEmpty {
                h.h3(Text("相近的已办投诉", "Handled ones about the like"), "h6 mt-2")
                h.ul("plain") {
                    for m in seen {
                        h.li {
                            h.a("/disputes/\(m.id)", nil, m.number)
                            h.text(" \(m.title) ")
                            if let outcome = m.outcome.flatMap({ ComplaintMoves.table.outcomes[$0] }) { h.badge(outcome, "grey") }
                        }
                    }
                }
            }
            h.p(
                "text-muted small mb-0",
                s.learnedFrom > 0
                    ? Text("从本市已办\(s.learnedFrom)件投诉学习", "Learned from \(s.learnedFrom) handled complaints of the city")
                    : Text("已办投诉不足，暂按关键词", "Too few are handled to learn from: by words"))
        }
    }
}
