import Foundation
import Kernel

/// A law of the register (法规): what it is called, who made it, from when to when it is in force, what its articles say.
package struct Law: Sendable, Decodable {
    package struct Gist: Sendable, Decodable {
        package let gist: String
        package let gistEn: String
    }
    package let id: String
    package let title: String
    package let titleEn: String?
    package let issuer: String?
    /// Such as 令第121号.
    package let number: String?
    package let promulgated: String?
    package let from: Day?
    package let to: Day?
    package let replaces: String?
    package let verified: Bool?
    package let articles: [String: Gist]

    package func isInForce(on day: Day) -> Bool { (from.map { $0 <= day } ?? true) && (to.map { day <= $0 } ?? true) }
    package var name: Text { Text("《\(title)》", titleEn ?? title) }
}

/// The register of laws (法规库). Periods, grounds, forms and moves point into it.
package struct LawRegister: Sendable {
    package let laws: [Law]
    private let byID: [String: Law]

    package init(_ laws: [Law]) {
        self.laws = laws
        byID = Dictionary(laws.map { ($0.id, $0) }) { a, _ in a }
    }
    package init(json: Data) throws { self.init(try JSONDecoder().decode([Law].self, from: json)) }

    package subscript(id: String) -> Law? { byID[id] }

    /// `《市场监督管理投诉举报处理办法》第十五条`, or in English `… , art. 15`.
    package func cite(_ article: Article) -> Text {
        let law = byID[article.law]?.name ?? Text(verbatim: article.law)
        return Text(law.zh + Numerals.article(article.article), "\(law.en), art. \(article.article.replacing(".", with: " item "))")
    }
    /// What people call it: 广告法 of 中华人民共和国广告法.
    package func shortTitle(_ id: String) -> String {
        guard let title = byID[id]?.title else { return id }
        let state = "中华人民共和国"
        return title.hasPrefix(state) ? String(title.dropFirst(state.count)) : title
    }
    package func gist(_ article: Article) -> Text? {
        byID[article.law]?.articles[article.number].map { Text($0.gist, $0.gistEn) }
    }
}

/// Chinese numerals as laws write them (条文序号).
package enum Numerals {
    /// 1…9999 in Chinese: 15 is 十五, 107 一百零七.
    package static func chinese(_ n: Int) -> String {
        guard n > 0, n < 10_000 else { return String(n) }
        let digits = Array("零一二三四五六七八九")
        let units = ["", "十", "百", "千"]
        var text = ""
        var pendingZero = false
        let figures = Array(String(n))
        for (i, c) in figures.enumerated() {
            let value = c.wholeNumberValue!
            if value == 0 {
                pendingZero = !text.isEmpty
            } else {
                if pendingZero { text.append("零") }
                pendingZero = false
                text.append(digits[value])
                text += units[figures.count - 1 - i]
            }
        }
        return n >= 10 && n < 20 ? String(text.dropFirst()) : text
    }

    /// `15` is 第十五条; `23(1)(5)` is 第二十三条第一款第五项; `9.3` is 第九条第三项, of an article that has items alone.
    package static func article(_ reference: String) -> String {
        let parts = reference.split(whereSeparator: { "()".contains($0) }).map(String.init)
        guard let first = parts.first.flatMap({ Int($0.prefix { $0.isNumber }) }) else { return reference }
        if parts.count == 1, reference.contains("."), let item = reference.split(separator: ".").last.flatMap({ Int($0) }) {
            return "第\(reference.split(separator: ".").first.flatMap { Int($0) }.map(chinese) ?? reference)条第\(chinese(item))项"
        }
        let levels = ["款", "项"]
        var text = "第\(chinese(first))条"
        for (part, level) in zip(parts.dropFirst(), levels) { text += "第\(Int(part).map(chinese) ?? part)\(level)" }
        return text
    }
}
