import Formats
import Kernel
import Platform
import Store

/// Complaints that read alike (疑似重复投诉): found by MinHash over pairs of characters, then compared exactly.
///
/// Cost: a filing writes eight keys; a search reads at most 25 candidates a key and compares each. What it shows is for a
/// person to judge: the ground "already taken up" is theirs to apply, never ours to infer.
package enum Likeness {
    /// The keys of a new complaint, written with all of its commit.
    struct Entry: Later {
        let matter: Int64
        let keys: [Int64]
        init(_ matter: ID<Matter>, facts: String) { (self.matter, keys) = (matter.raw, Shingles.keys(Shingles.pairs(facts))) }
        static func settle(_ items: [Entry], _ tx: Transaction) throws {
            try tx.bulk(into: "disputes_likeness", ["hash", "matter"], items.flatMap { item in Set(item.keys).map { [.int($0), .int(item.matter)] } })
        }
    }

    /// Drops the keys of facts that are about to change.
    static func forget(_ matter: ID<Matter>, facts: String, _ tx: Transaction) throws {
        for key in Shingles.keys(Shingles.pairs(facts)) { try tx.run("DELETE FROM disputes_likeness WHERE hash = \(key) AND matter = \(matter)") }
    }

    package struct Like: Sendable {
        package let matter: Matter
        /// Shared pairs of characters in a hundred of all.
        package let percent: Int
        package let samePhone: Bool
        package let sameBusiness: Bool
    }

    /// The complaints of the last year that read like this one, the nearest first.
    package static func of(_ c: Complaint, limit: Int = 5, _ tx: Transaction) throws -> [Like] {
        let mine = Shingles.pairs(c.facts)
        var near: Set<Int64> = []
        for key in Shingles.keys(mine) {
            for row in try tx.all("SELECT matter FROM disputes_likeness WHERE hash = \(key) ORDER BY matter DESC LIMIT 25") { near.insert(row.int("matter")) }
        }
        near.remove(c.matter.id.raw)
        let year = c.matter.receivedAt.adding(seconds: -365 * 86_400)
        var found: [Like] = []
        for row in try tx.all(
            """
            SELECT m.*, d.facts AS facts, d.respondent_name AS respondent, CASE WHEN p.phone = o.phone AND p.phone <> \(ComplaintImport.noPhone) THEN 1 ELSE 0 END AS same_phone
            FROM disputes_complaints d JOIN casework_matters m ON m.id = d.matter JOIN disputes_complainants p ON p.matter = d.matter
            JOIN disputes_complainants o ON o.matter = \(c.matter.id) WHERE d.matter IN (\(list: near.sorted())) AND m.received_at > \(year)
            """)
        {
            let other = Shingles.pairs(row.string("facts"))
            let shared = mine.intersection(other).count
            let percent = shared * 100 / max(1, mine.count + other.count - shared)
            guard percent >= 50 else { continue }
            let matter = Matter(row)
            let same = c.matter.operator.map { $0 == matter.operator } ?? (row.string("respondent") == c.respondentName)
            found.append(Like(matter: matter, percent: percent, samePhone: row.bool("same_phone"), sameBusiness: same))
        }
        return Array(found.sorted { ($0.sameBusiness ? 1 : 0, $0.percent, $0.matter.id.raw) > ($1.sameBusiness ? 1 : 0, $1.percent, $1.matter.id.raw) }.prefix(limit))
    }
}

/// What else is known of the same phone and the same business (相关投诉).
struct Similar: Sendable {
    let samePhone: Int
    /// nil where the business is not in the register: then nothing can be counted.
    let sameRespondent: Int?
    let likes: [Likeness.Like]

    static func of(_ c: Complaint, _ tx: Transaction) throws -> Similar {
        let year = c.matter.receivedAt.adding(seconds: -365 * 86_400)
        let phone = try tx.count(
            """
            SELECT count(*) AS n FROM disputes_complainants p JOIN casework_matters m ON m.id = p.matter
            WHERE p.phone = (SELECT phone FROM disputes_complainants WHERE matter = \(c.matter.id)) AND p.phone <> \(ComplaintImport.noPhone) AND p.matter <> \(c.matter.id) AND m.received_at > \(year)
            """)
        let respondent = try c.matter.operator.map { try tx.count("SELECT count(*) AS n FROM casework_matters WHERE operator = \($0) AND open = 1 AND id <> \(c.matter.id)") }
        // Looked for while it is being decided whether to take it up: later nobody asks.
        let likes = [ComplaintMoves.received, ComplaintMoves.supplement].contains(c.matter.state) ? try Likeness.of(c, tx) : []
        return Similar(samePhone: phone, sameRespondent: respondent, likes: likes)
    }
}
