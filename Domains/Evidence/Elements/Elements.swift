import DataFiles
import Foundation
import Kernel
import Statute

/// What must be proven of each violation (违法行为构成要素): a list to check evidence against, no verdict.
///
/// Data: `Data/law/elements.json`, each with the article on which it rests.
package struct Elements: Sendable {
    package struct Element: Sendable, Decodable {
        package let id: String
        private let titleZH: String, titleEN: String
        private let law: String?, number: String?
        /// What of the evidence speaks for it by itself: `capture`, `licence`, `times`.
        package let auto: String?
        private let hintZH: String?, hintEN: String?
        private enum CodingKeys: String, CodingKey {
            case id, law, auto
            case titleZH = "title", titleEN = "titleEn", number = "article", hintZH = "hint", hintEN = "hintEn"
        }
        package var title: Text { Text(titleZH, titleEN) }
        package var article: Article? { law.flatMap { law in number.map { Article(law: law, article: $0) } } }
        /// How it may be had.
        package var hint: Text? { hintZH.map { Text($0, hintEN ?? $0) } }
    }
    package struct Violation: Sendable, Decodable {
        /// Of the monitoring model that looks for it.
        package let id: String
        private let titleZH: String, titleEN: String
        package let elements: [Element]
        private enum CodingKeys: String, CodingKey {
            case id, elements
            case titleZH = "title", titleEN = "titleEn"
        }
        package var title: Text { Text(titleZH, titleEN) }
    }
    package let common: [Element]
    package let violations: [Violation]

    private struct File: Decodable {
        let common: [Element]
        let violations: [Violation]
    }
    /// As they ship; a test reads them whole.
    package static let shipped = (try? load()) ?? Elements(common: [], violations: [])
    package static func load() throws -> Elements {
        let file = try JSONDecoder().decode(File.self, from: DataFiles.data("law/elements.json"))
        return Elements(common: file.common, violations: file.violations)
    }
    package subscript(_ id: String) -> Violation? { violations.first { $0.id == id } }
    /// Those of a violation, then those that every violation has.
    package func all(_ violation: Violation) -> [(key: String, element: Element)] {
        violation.elements.map { ("\(violation.id).\($0.id)", $0) } + common.map { ("common.\($0.id)", $0) }
    }
}

/// How far the evidence of a matter goes (要素核对): of each element, who counted what for it, or what may speak for it.
struct ElementsMeter: Sendable {
    enum State: Sendable, Equatable {
        case counted, offered, missing
    }
    struct Line: Sendable {
        let key: String
        let element: Elements.Element
        /// What somebody counts for it.
        let counted: [Counted]
        /// Evidence that may speak for it.
        let offered: [EvidenceItem]
        var state: State { !counted.isEmpty ? .counted : !offered.isEmpty ? .offered : .missing }
    }
    struct Counted: Sendable {
        let id: Int64
        let item: Int64
        let account: Int64
    }
    let violation: Elements.Violation
    let lines: [Line]
    var proven: Int { lines.count { $0.state == .counted } }

    /// - Parameters:
    ///   - items: the matter's sealed evidence.
    ///   - licences: those of them in whose pictures a code stands that is registered.
    static func of(_ violation: Elements.Violation, _ elements: Elements, items: [EvidenceItem], licences: Set<Int64>, counted: [(key: String, counted: Counted)]) -> ElementsMeter
    {
        let pages = items.filter { $0.kind == "capture" }
        // A page that was captured on two days or more.
        let days = Dictionary(grouping: pages) { $0.url }.filter { Set($0.value.compactMap { $0.sealedAt?.day }).count > 1 }.values.flatMap { $0 }
        return ElementsMeter(
            violation: violation,
            lines: elements.all(violation).map { key, element in
                let offered: [EvidenceItem] =
                    switch element.auto {
                    case "capture": pages
                    case "licence": items.filter { licences.contains($0.id) }
                    case "times": days.sorted { $0.id < $1.id }
                    default: []
                    }
                return Line(key: key, element: element, counted: counted.filter { $0.key == key }.map(\.counted), offered: offered)
            })
    }
}
