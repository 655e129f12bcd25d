import Foundation
import Kernel

/// A duty of the catalogue (期限): by which day something must be done, under each regime that ever governed it.
package struct Duty: Sendable, Decodable {
    package let id: String
    package let name: String
    package let nameEn: String
    package let rules: [Period]

    package var title: Text { Text(name, nameEn) }

    /// The rule that governs a matter received on that day.
    /// - Errors: none was in force: names the day from which one is.
    package func rule(receivedOn day: Day) throws(Refusal) -> Period {
        if let rule = rules.first(where: { $0.isInForce(on: day) }) { return rule }
        let next = rules.compactMap(\.from).filter { $0 > day }.min()
        let last = rules.compactMap(\.to).max()
        let (zh, en) = next.map { ("自\($0)起施行", "is in force from \($0)") } ?? ("已于\(last.map(\.description) ?? "此前")失效", "ended on \(last.map(\.description) ?? "an earlier day")")
        throw Refusal.invalid("/received", Text("\(id)（\(name)）在\(day)尚无有效规定：\(zh)", "\(id) (\(nameEn)) has no rule in force on \(day): it \(en)"))
    }
}

/// A period as one regime sets it (期限规定): length, unit, how it starts, whether it rolls over, pauses or can be extended.
package struct Period: Sendable, Decodable {
    package enum Unit: String, Sendable, Decodable { case workday, day, hour, month }
    package enum Shape: String, Sendable, Decodable {
        /// Counted from an event.
        case after
        /// Counted backwards from an event: the last day on which a thing may still be done.
        case before
        /// Not before `earliest`, not after `length`.
        case window
        /// Due within each of `months`.
        case months
        /// Counted from a fixed day of the year.
        case anchored
    }
    package struct Event: Sendable, Decodable {
        package let event: String
        package let zh: String
        package let en: String
        package var text: Text { Text(zh, en) }
    }
    /// A longer period that somebody may grant (延长).
    package struct Extension: Sendable, Decodable {
        package let length: Int?
        package let unit: Unit?
        package let approver: String?
        package let approverZh: String?
        package let approverEn: String?
        package let basis: [Article]?
        package var by: Text { Text(approverZh ?? approver ?? "", approverEn ?? approver ?? "") }
    }
    /// Time that is not counted (不计入期限), such as testing.
    package struct Suspension: Sendable, Decodable {
        package let zh: String
        package let en: String
        package let basis: [Article]?
    }

    /// An article with the days from which and to which it governs.
    package struct Cited: Sendable, Decodable {
        package let law: String
        package let article: String
        package let from: Day?
        package let to: Day?
        package var place: Article { Article(law: law, article: article) }
    }
    package struct Beside: Sendable, Decodable {
        package let length: Int
        package let unit: Unit
        package let from: Day?
        package let basis: [Article]
    }
    /// What governs a matter received on that day.
    package func basis(on day: Day) -> [Article] {
        basis.filter { ($0.from.map { $0 <= day } ?? true) && ($0.to.map { day <= $0 } ?? true) }.map(\.place)
    }

    package let regime: String
    package let from: Day?
    package let to: Day?
    package let kind: Shape
    package let length: Int?
    package let earliest: Int?
    package let unit: Unit?
    package let anchor: String?
    package let months: [Int]?
    package let start: Event
    package let stop: Event
    /// Where counting begins: `nextDay`, `nextHour`, `fromMoment` (the very moment), `anchorDay` (that day is day one).
    package let startRule: String?
    package let rollOver: Bool
    package let `extension`: Extension?
    package let secondExtension: Extension?
    package let suspension: Suspension?
    /// The articles that govern, each with the days of receipt from which and to which it does.
    package let basis: [Cited]
    /// A limit of a higher law that runs beside this one (并行期限): what lapses first is heeded.
    package let beside: Beside?
    package let verified: Bool?
    package let note: String?
    package let noteEn: String?

    package func isInForce(on day: Day) -> Bool { (from.map { $0 <= day } ?? true) && (to.map { day <= $0 } ?? true) }
}

/// The catalogue of duties (期限目录).
package struct DutyCatalogue: Sendable {
    package let duties: [Duty]
    private let byID: [String: Duty]
    package init(_ duties: [Duty]) {
        self.duties = duties
        byID = Dictionary(duties.map { ($0.id, $0) }) { a, _ in a }
    }
    package init(json: Data) throws { self.init(try JSONDecoder().decode([Duty].self, from: json)) }

    package subscript(id: String) -> Duty? { byID[id] }

    package func duty(_ id: String) throws(Refusal) -> Duty {
        guard let duty = byID[id] ?? byID[id.uppercased()] else {
            throw Refusal.invalid("/id", Text("期限目录中没有“\(id)”", "The catalogue has no duty “\(id)”"))
        }
        return duty
    }
}
