import DataFiles
import Foundation
import Kernel
import Platform
import Store

/// What may be inspected (抽查事项清单): published before it is used; key items without an upper ratio, general ones capped.
///
/// Law: DRN; INSP.
package struct InspectionItem: Sendable {
    package struct Check: Sendable {
        package let id: String
        package let title: Text
        /// A key check: one that fails fails the visit.
        package let key: Bool
    }
    package let id: Int64
    package let code: String
    package let title: Text
    package let law: [Article]
    package let isKey: Bool
    package let cap: Int?
    package let checks: [Check]
    package let publishedOn: Day
    package let endedOn: Day?

    init(_ row: Row) throws {
        id = row.int("id")
        code = row.string("code")
        title = Text(row.string("title"), row.string("title_en"))
        law = row.string("law").split(separator: ",").compactMap { Article(String($0)) }
        isKey = row.string("kind") == "key"
        cap = row.optionalInt("cap").map(Int.init)
        checks = (try JSON(parsing: Array(row.string("checks").utf8)).array ?? []).compactMap { c in
            c["id"]?.string.map { Check(id: $0, title: Text(c["title"]?.string ?? "", c["titleEn"]?.string ?? c["title"]?.string ?? ""), key: c["key"]?.bool ?? false) }
        }
        publishedOn = row.day("published_on")
        endedOn = row.optionalDay("ended_on")
    }
    package func isInForce(on day: Day) -> Bool { publishedOn <= day && (endedOn.map { day <= $0 } ?? true) }

    package static func all(_ tx: Transaction) throws -> [InspectionItem] { try tx.all("SELECT * FROM supervision_items ORDER BY code").map(InspectionItem.init) }

    /// The shipped list, published on the day it is taken in.
    package static func takeInShipped(at now: Moment, _ tx: Transaction) throws {
        guard try tx.one("SELECT id FROM supervision_items LIMIT 1") == nil, let file = try JSON(parsing: Array(DataFiles.data("credit/items.json")))["items"]?.array else {
            return
        }
        for item in file {
            let law = (item["law"]?.array ?? []).map { "\($0["law"]?.string ?? "")-\($0["article"]?.string ?? "")" }.joined(separator: ",")
            let id = try tx.insert(
                """
                INSERT INTO supervision_items (code, title, title_en, law, kind, cap, checks, published_on) VALUES (\(item["code"]?.string ?? ""), \(item["title"]?.string ?? ""), \(item["titleEn"]?.string ?? ""),
                \(law), \(item["kind"]?.string ?? "general"), \(item["cap"]?.int), \(item["checks"]?.text ?? "[]"), \(now.day)) RETURNING id
                """)
            try tx.audit("supervision.item", of: Reference(kind: "item", id: id), by: "system", at: now, sealing: [.init("supervision_items", id)])
        }
    }
}
