import DataFiles
import Foundation
import Kernel

/// When nobody is punished, or less (包容审慎、轻微不罚、首违不罚): the ladder of the law and the lists with their days.
///
/// Data: `Data/law/leniency.json`.
package struct Leniency: Sendable {
    package enum Effect: String, Sendable, Decodable {
        case shallNot, mayNot, mitigate
        package var title: Text {
            switch self {
            case .shallNot: Text("应当不予处罚", "Shall not be punished")
            case .mayNot: Text("可以不予处罚", "May go unpunished")
            case .mitigate: Text("从轻或者减轻", "A lighter or reduced penalty")
            }
        }
    }
    package struct Condition: Sendable, Decodable {
        package let id: String
        private let title: String, titleEn: String
        package var text: Text { Text(title, titleEn) }
    }
    package struct Rule: Sendable, Decodable {
        package let id: String
        package let effect: Effect
        private let law: String, number: String, titleZH: String, titleEN: String
        package let conditions: [Condition]
        package let violations: [String]?
        package let from: Day?
        private enum CodingKeys: String, CodingKey {
            case id, effect, law, conditions, violations, from
            case number = "article", titleZH = "title", titleEN = "titleEn"
        }
        package var article: Article { Article(law: law, article: number) }
        package var title: Text { Text(titleZH, titleEN) }
    }
    package struct Item: Sendable, Decodable {
        package let id: String
        package let kind: String
        private let title: String, titleEn: String
        package let violations: [String]?
        package var text: Text { Text(title, titleEn) }
    }
    package struct List: Sendable, Decodable {
        package let id: String
        private let title: String, titleEn: String
        package let rule: String
        package let from: Day
        package let to: Day?
        package let verified: Bool
        package let items: [Item]
        package var text: Text { Text(title, titleEn) }
        package func isInForce(on day: Day) -> Bool { from <= day && (to.map { day <= $0 } ?? true) }
    }
    package struct Factor: Sendable, Decodable {
        package let id: String
        private let title: String, titleEn: String
        private let law: String?, article: String?
        package var text: Text { Text(title, titleEn) }
        package var place: Article? { law.flatMap { law in article.map { Article(law: law, article: $0) } } }
    }
    package let rules: [Rule]
    package let exclusions: [Condition]
    package let lists: [List]
    package let mitigating: [Factor]
    package let aggravating: [Factor]

    private struct File: Decodable {
        let rules: [Rule], exclusions: [Condition], lists: [List], mitigating: [Factor], aggravating: [Factor]
    }
    package static let shipped = (try? load()) ?? Leniency(rules: [], exclusions: [], lists: [], mitigating: [], aggravating: [])
    package static func load() throws -> Leniency {
        let file = try JSONDecoder().decode(File.self, from: DataFiles.data("law/leniency.json"))
        return Leniency(rules: file.rules, exclusions: file.exclusions, lists: file.lists, mitigating: file.mitigating, aggravating: file.aggravating)
    }
    package subscript(_ id: String) -> Rule? { rules.first { $0.id == id } }
    package func item(_ id: String) -> (Item, List)? { lists.lazy.flatMap { list in list.items.map { ($0, list) } }.first { $0.0.id == id } }
    package func factor(_ id: String) -> Factor? { (mitigating + aggravating).first { $0.id == id } }

    /// The rules that may be asked of a violation on a day: general ones, and those of its field.
    package func rules(for violation: String?, on day: Day) -> [Rule] {
        rules.filter { rule in (rule.violations.map { list in violation.map(list.contains) ?? false } ?? true) && (rule.from.map { $0 <= day } ?? true) }
    }
    /// Whether a rule is that of a ground on which a case is not filed.
    ///
    /// Law: PCD art. 20(1)–(3).
    package static func fits(_ rule: Rule, ground: String) -> Bool {
        switch ground {
        case "1": rule.effect == .shallNot && rule.id != "noFault"
        case "2": rule.effect == .mayNot
        case "3": rule.id == "noFault"
        default: false
        }
    }
    /// The lists that hold: of the day of the decision, and, where it is kinder, of the day of the act.
    ///
    /// Law: PPL art. 37: what held when the act was done applies; what is new does where it is lighter.
    package func lists(on day: Day, acted: Day? = nil) -> [List] { lists.filter { list in list.isInForce(on: day) || acted.map(list.isInForce(on:)) == true } }

    /// What the answers to a rule's conditions come to.
    package struct Assessment: Sendable, Equatable {
        package let rule: String
        package let isMet: Bool
        /// Conditions that were answered no.
        package let missing: [String]
    }
    /// - Parameters:
    ///   - answers: each condition, yes or no.
    ///   - earlier: violations of the same nature found within the office's look-back, for "first".
    ///   - excluded: why leniency does not apply at all.
    /// - Errors: a condition without an answer, by its field; "first" answered yes against the record.
    package func assess(_ rule: Rule, answers: [String: Bool], earlier: Int, excluded: [String]) throws(Refusal) -> Assessment {
        var wrong: [Refusal.Field] = []
        var missing: [String] = []
        for condition in rule.conditions {
            switch answers[condition.id] {
            case nil:
                wrong.append(.init("/c-\(condition.id)", Text("请逐项回答：\(condition.text.zh)", "Answer each: \(condition.text.en)")))
            case true? where (condition.id == "first" || condition.id == "firstPublish") && earlier > 0:
                wrong.append(
                    .init(
                        "/c-\(condition.id)", Text("查到此前\(earlier)次同一性质的违法行为，不是初次", "The record has \(earlier) of the same nature before: not the first")))
            case true?: break
            case false?: missing.append(condition.id)
            }
        }
        if !wrong.isEmpty { throw .invalid(wrong) }
        return Assessment(rule: rule.id, isMet: missing.isEmpty && excluded.isEmpty, missing: missing + excluded)
    }

    /// Whether somebody is still in the office's tolerance period (包容期): a local policy, no law. It opens the way to guidance first for what
    /// stands on the lists; it never opens it for what is excluded.
    package static func tolerated(registered: Day?, on day: Day, months: Int) -> Bool {
        guard months > 0, let registered else { return false }
        return day <= registered.adding(months: months)
    }
}
