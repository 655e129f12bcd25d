/// A place in a law (条款): the law by its short name in the register, the article as lawyers cite it, `23(1)(5)`.
package struct Article: Hashable, Sendable, Codable, CustomStringConvertible {
    package let law: String
    package let article: String
    package init(law: String, article: String) {
        self.law = law
        self.article = article
    }
    /// Reads `O121-15`.
    package init?(_ text: String) {
        guard let dash = text.firstIndex(of: "-"), dash != text.startIndex else { return nil }
        self.init(law: String(text[..<dash]), article: String(text[text.index(after: dash)...]))
    }
    /// As lawyers cite it, an item of an article without paragraphs too: `9(3)` of `9.3`.
    package var brackets: String {
        let parts = article.split(separator: ".")
        return (parts.first ?? "") + parts.dropFirst().map { "(\($0))" }.joined()
    }
    package var description: String { "\(law)-\(article)" }
    /// The article's number without paragraph and item: `23` of `23(1)(5)`.
    package var number: String { String(article.prefix { $0.isNumber }) }
}
