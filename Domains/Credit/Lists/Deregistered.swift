import Enforcement
import Kernel
import Platform
import Store
import Web

/// What ends with a party that was deregistered (当事人依法注销): its penalties stop being shown, it is taken off both lists. What visits found
/// is hidden by Supervision.
///
/// Law: O107 art. 20(1). One register serves all offices here: nobody is left to be told (the article's second sentence).
package enum Deregistered {
    static let reason = "当事人依法注销"

    /// Once a day, of the register as it was brought in last.
    package static func end(_ desk: Desk) async throws {
        let now = desk.now
        let gone = try await desk.store.read { tx in
            try tx.all(
                """
                SELECT m.id AS id FROM operators o JOIN casework_matters m ON m.operator = o.id JOIN enforcement_publications p ON p.matter = m.id
                WHERE o.status = 'deregistered' AND p.published_on IS NOT NULL AND p.ended_on IS NULL
                UNION SELECT m.id FROM operators o JOIN casework_matters m ON m.operator = o.id JOIN credit_abnormal a ON a.matter = m.id
                WHERE o.status = 'deregistered' AND a.listed_on IS NOT NULL AND a.removed_on IS NULL
                UNION SELECT m.id FROM operators o JOIN casework_matters m ON m.operator = o.id JOIN credit_serious s ON s.matter = m.id
                WHERE o.status = 'deregistered' AND s.listed_on IS NOT NULL AND s.removed_on IS NULL LIMIT 5000
                """
            ).map { ID<Matter>($0.int("id")) }
        }
        let input = Form([("reason", reason)])
        for id in gone {
            try await desk.store.write { tx in
                let matter = try tx.matter(id)
                switch matter.kind {
                case AssistMoves.kind: try AssistHandling(desk: desk).apply("end", on: matter, input: input, by: .system, at: now, tx)
                case AbnormalMoves.kind:
                    // What is being put right is put right.
                    guard matter.state != AbnormalMoves.correcting else { return }
                    try AbnormalHandling(desk: desk).apply("remove", on: tx.abnormal(matter), input: input, by: .system, at: now, tx)
                case SeriousMoves.kind: try SeriousHandling(desk: desk).apply("remove", on: tx.serious(matter), input: input, by: .system, at: now, tx)
                default:
                    guard let op = matter.operator else { return }
                    try CreditEvent.unpublish(id, of: op, ending: "deregistered", reason, by: "system", at: now, tx)
                }
            }
        }
    }
}
