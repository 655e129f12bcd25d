import Foundation
import Kernel
import Platform
import Store

/// A lead (监测线索): what a model found at a shop, for a person to judge. It is a matter of casework; this is what it has beside.
package struct Lead: Sendable {
    package let matter: Matter
    package let model: String
    package let edition: String
    package let seller: Int64?
    package let lane: String
    package let level: String
    package let hits: Int
    package let score: Int
    package let listing: Int64
    package let bodyHash: String
    package let verdict: String?
    package let reason: String?
    package let correctBy: Day?
    package let notice: String?
    package let rechecks: Int
    package let correctedHash: String?

    /// What a query of leads `l` with their matters `m` selects.
    static let columns: SQL =
        "m.*, l.model, l.edition, l.seller, l.lane, l.level, l.hits, l.score, l.listing, l.body_hash, l.verdict, l.reason, l.correct_by, l.notice, l.rechecks, l.corrected_hash"

    init(_ matter: Matter, _ row: Row) {
        self.matter = matter
        model = row.string("model")
        edition = row.string("edition")
        seller = row.optionalInt("seller")
        lane = row.string("lane")
        level = row.string("level")
        hits = row.count("hits")
        score = row.count("score")
        listing = row.int("listing")
        bodyHash = row.string("body_hash")
        verdict = row.optionalString("verdict")
        reason = row.optionalString("reason")
        correctBy = row.optionalDay("correct_by")
        notice = row.optionalString("notice")
        rechecks = row.count("rechecks")
        correctedHash = row.optionalString("corrected_hash")
    }
}

extension Transaction {
    package func lead(_ matter: Matter) throws -> Lead {
        guard matter.kind == LeadMoves.kind, let row = try one("SELECT * FROM monitoring_leads WHERE matter = \(matter.id)") else { throw Refusal.notFound }
        return Lead(matter, row)
    }
    package func lead(_ id: ID<Matter>) throws -> Lead { try lead(matter(id)) }
}

/// What orders the queue of leads (线索排序): how likely a violation is, how much harm it may do, how fresh it is.
///
/// All age alike, so the order of two leads never changes: log₂ of likelihood times harm, plus one for each fourteen days by which a lead
/// is younger. In thousandths. The weights are ours, not the law's.
package enum Ranking {
    package static let halfLife = 14.0
    static func harm(level: String, sold: Int?) -> Double {
        let weight: Double =
            switch level {
            case "critical": 8
            case "high": 4
            case "medium": 2
            default: 1
            }
        return weight * (1 + log10(Double(max(0, sold ?? 0)) + 1))
    }
    package static func score(likelihood: Double, level: String, sold: Int?, at moment: Moment) -> Int {
        let days = Double(moment.milliseconds) / 86_400_000
        return Int(((log2(max(0.01, likelihood) * harm(level: level, sold: sold)) + days / halfLife) * 1000).rounded())
    }
}

/// How often a model is right (精度): of what persons have judged in ninety days, the share they confirmed, with Wilson's interval at 95 %.
package struct Precision: Sendable {
    package let right: Int
    package let judged: Int
    package init(right: Int, judged: Int) { (self.right, self.judged) = (right, judged) }

    package static let days = 90
    /// Judgements before a model's floor is looked at.
    package static let enough = 20

    package var share: Double? { judged == 0 ? nil : Double(right) / Double(judged) }
    package var interval: ClosedRange<Double>? {
        guard judged > 0 else { return nil }
        let (n, p, z) = (Double(judged), Double(right) / Double(judged), 1.959964)
        let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        let half = z * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot() / (1 + z * z / n)
        return max(0, middle - half)...min(1, middle + half)
    }
    /// What a lead of this model is worth before anybody judged it: two of three, until there is something to go by.
    package var likelihood: Double { (Double(right) + 2) / (Double(judged) + 3) }
    /// Surely below: the upper end of the interval is under the floor.
    package func isBelow(_ floor: Int) -> Bool { judged >= Precision.enough && (interval?.upperBound ?? 1) * 100 < Double(floor) }

    /// Of a model, or of one of its editions alone: what a mended edition replaced says nothing against it.
    package static func of(_ model: String, edition: String? = nil, at now: Moment, _ tx: Transaction) throws -> Precision {
        let only: SQL = if let edition { "l.edition = \(edition)" } else { "1 = 1" }
        let since = now.adding(seconds: Int64(-days * 86_400))
        let row = try tx.one(
            """
            SELECT count(*) AS judged, COALESCE(sum(CASE WHEN l.verdict = 'right' THEN 1 ELSE 0 END), 0) AS correct FROM monitoring_leads l
            JOIN casework_matters m ON m.id = l.matter WHERE l.model = \(model) AND \(only) AND l.verdict IN ('right', 'wrong') AND m.changed_at > \(since)
            """)
        return Precision(right: row?.count("correct") ?? 0, judged: row?.count("judged") ?? 0)
    }
}
