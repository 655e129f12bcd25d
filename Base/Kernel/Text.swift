/// The two languages that every visible string has.
package enum Language: String, Sendable, CaseIterable, Codable {
    case zh, en
    package var other: Language { self == .zh ? .en : .zh }
    /// The value of the `lang` attribute.
    package var tag: String { self == .zh ? "zh-CN" : "en" }

    /// The visitor's choice out of an `Accept-Language` header: Chinese unless English is preferred.
    package init(accepting header: String?) {
        var best: (Language, Double) = (.zh, 0)
        for part in (header ?? "").split(separator: ",").prefix(20) {
            let fields = part.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let tag = fields.first?.lowercased() else { continue }
            let quality = fields.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            let language: Language? = tag.hasPrefix("zh") ? .zh : tag.hasPrefix("en") ? .en : nil
            if let language, quality > best.1 { best = (language, quality) }
        }
        self = best.0
    }
}

/// A visible string in both languages. A missing one does not compile.
package struct Text: Hashable, Sendable {
    package let zh: String
    package let en: String
    package init(_ zh: String, _ en: String) {
        self.zh = zh
        self.en = en
    }
    /// The same in both: a name, a number.
    package init(verbatim: String) { self.init(verbatim, verbatim) }
    package subscript(_ language: Language) -> String { language == .zh ? zh : en }
}
