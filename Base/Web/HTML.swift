import Kernel

/// Writes HTML into one buffer (页面书写器). Text is escaped by construction; an element is closed by its closure.
///
/// Cost: one pass over the text, no tree.
package final class HTML {
    package private(set) var bytes: [UInt8] = []
    package let language: Language
    /// The form that is being written, where a page has several.
    var part = ""
    /// What that form sent, when it is shown again because something in it was refused.
    var kept: Form?

    package init(_ language: Language) {
        self.language = language
        bytes.reserveCapacity(16_384)
    }

    /// An attribute: its value is escaped; a nil value leaves it out.
    package struct Attribute: Sendable {
        let name: StaticString
        let value: String?
        let isSet: Bool
        package init(_ name: StaticString, _ value: String?) {
            self.name = name
            self.value = value
            isSet = value != nil
        }
        /// `checked`, `required`: there or not.
        package init(_ name: StaticString, if isSet: Bool) {
            self.name = name
            value = nil
            self.isSet = isSet
        }
        package static func id(_ v: String) -> Attribute { .init("id", v) }
        package static func name(_ v: String) -> Attribute { .init("name", v) }
        package static func type(_ v: String) -> Attribute { .init("type", v) }
        package static func value(_ v: String?) -> Attribute { .init("value", v) }
        package static func role(_ v: String) -> Attribute { .init("role", v) }
        package static func title(_ v: String?) -> Attribute { .init("title", v) }
        package static func for_(_ v: String) -> Attribute { .init("for", v) }
        package static func label(_ v: String) -> Attribute { .init("aria-label", v) }
        package static func describedBy(_ v: String?) -> Attribute { .init("aria-describedby", v) }
        package static let required = Attribute("required", if: true)
        package static func checked(_ on: Bool) -> Attribute { .init("checked", if: on) }
        package static func selected(_ on: Bool) -> Attribute { .init("selected", if: on) }
        package static let hidden = Attribute("hidden", if: true)
    }

    // MARK: Writing

    private func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    private func escaped(_ text: String) {
        var text = text
        text.withUTF8 { utf8 in
            var start = 0
            for (i, byte) in utf8.enumerated() {
                let entity: StaticString
                switch byte {
                case UInt8(ascii: "<"): entity = "&lt;"
                case UInt8(ascii: ">"): entity = "&gt;"
                case UInt8(ascii: "&"): entity = "&amp;"
                case UInt8(ascii: "\""): entity = "&quot;"
                case UInt8(ascii: "'"): entity = "&#39;"
                default: continue
                }
                bytes.append(contentsOf: utf8[start..<i])
                raw(entity)
                start = i + 1
            }
            bytes.append(contentsOf: utf8[start...])
        }
    }

    private func open(_ tag: StaticString, _ cls: String?, _ attributes: [Attribute]) {
        raw("<")
        raw(tag)
        if let cls, !cls.isEmpty {
            raw(" class=\"")
            escaped(cls)
            raw("\"")
        }
        for attribute in attributes where attribute.isSet {
            raw(" ")
            raw(attribute.name)
            if let value = attribute.value {
                raw("=\"")
                escaped(value)
                raw("\"")
            }
        }
        raw(">")
    }

    package func element(_ tag: StaticString, _ cls: String? = nil, _ attributes: [Attribute] = [], _ body: () -> Void) {
        open(tag, cls, attributes)
        body()
        raw("</")
        raw(tag)
        raw(">")
    }
    package func element(_ tag: StaticString, _ cls: String? = nil, _ attributes: [Attribute] = [], text: String) {
        element(tag, cls, attributes) { escaped(text) }
    }
    /// An element without content: `<input>`, `<br>`, `<img>`.
    package func void(_ tag: StaticString, _ cls: String? = nil, _ attributes: [Attribute] = []) { open(tag, cls, attributes) }

    package func text(_ text: String) { escaped(text) }
    package func text(_ text: Text) { escaped(text[language]) }
    /// The text of a string in the visitor's language.
    package func say(_ text: Text) -> String { text[language] }

    /// HTML that another writer or a template of ours made: escaped already, by its maker.
    package func fragment(_ html: SafeHTML) { bytes.append(contentsOf: html.bytes) }

    package func document(title: String, head: () -> Void, body: () -> Void) {
        raw("<!doctype html>")
        element("html", nil, [.init("lang", language.tag)]) {
            element("head") {
                void("meta", nil, [.init("charset", "utf-8")])
                void("meta", nil, [.name("viewport"), .init("content", "width=device-width, initial-scale=1")].map { $0 })
                element("title", text: title)
                head()
            }
            element("body", nil) { body() }
        }
    }

    // MARK: The elements that pages use most

    package func div(_ cls: String? = nil, _ attributes: Attribute..., body: () -> Void) { element("div", cls, attributes, body) }
    package func div(_ cls: String? = nil, _ text: String) { element("div", cls, text: text) }
    package func span(_ cls: String? = nil, _ text: String) { element("span", cls, text: text) }
    package func span(_ cls: String? = nil, _ text: Text) { element("span", cls, text: text[language]) }
    package func p(_ cls: String? = nil, _ text: String) { element("p", cls, text: text) }
    package func p(_ cls: String? = nil, _ text: Text) { element("p", cls, text: text[language]) }
    package func p(_ cls: String? = nil, body: () -> Void) { element("p", cls, [], body) }
    package func h1(_ text: Text, _ cls: String? = nil) { element("h1", cls, text: text[language]) }
    package func h1(_ text: String, _ cls: String? = nil) { element("h1", cls, text: text) }
    package func h2(_ text: Text, _ cls: String? = nil) { element("h2", cls, text: text[language]) }
    package func h3(_ text: Text, _ cls: String? = nil) { element("h3", cls, text: text[language]) }
    package func a(_ href: String, _ cls: String? = nil, _ text: Text) { element("a", cls, [.init("href", Link.safe(href))], text: text[language]) }
    package func a(_ href: String, _ cls: String? = nil, _ text: String) { element("a", cls, [.init("href", Link.safe(href))], text: text) }
    package func a(_ href: String, _ cls: String? = nil, _ attributes: [Attribute] = [], body: () -> Void) {
        element("a", cls, [.init("href", Link.safe(href))] + attributes, body)
    }
    package func section(_ cls: String? = nil, _ attributes: Attribute..., body: () -> Void) { element("section", cls, attributes, body) }
    package func ul(_ cls: String? = nil, body: () -> Void) { element("ul", cls, [], body) }
    package func li(_ cls: String? = nil, body: () -> Void) { element("li", cls, [], body) }
    package func tr(_ cls: String? = nil, body: () -> Void) { element("tr", cls, [], body) }
    package func td(_ cls: String? = nil, _ text: String) { element("td", cls, text: text) }
    package func td(_ cls: String? = nil, body: () -> Void) { element("td", cls, [], body) }
    package func th(_ text: Text, _ cls: String? = nil) { element("th", cls, [.init("scope", "col")], text: text[language]) }
}

/// HTML made by this writer or by a template whose values it escaped.
package struct SafeHTML: Sendable {
    package let bytes: [UInt8]
    package init(madeBy html: HTML) { bytes = html.bytes }
    /// From a template engine that escapes; the caller vouches for it.
    package init(fromTemplate text: String) { bytes = Array(text.utf8) }
}

/// Addresses in pages: our own paths and http(s) only, never `javascript:`.
package enum Link {
    package static func safe(_ href: String) -> String {
        if href.hasPrefix("/") || href.hasPrefix("#") || href.hasPrefix("?") || href.isEmpty { return href }
        let lower = href.lowercased()
        return ["http://", "https://", "tel:", "mailto:"].contains { lower.hasPrefix($0) } ? href : "#"
    }

    /// `key=value` pairs of a query, escaped; empty values are left out.
    package static func query(_ path: String, _ pairs: [(String, String?)]) -> String {
        let parts = pairs.compactMap { key, value in value.flatMap { $0.isEmpty ? nil : "\(encode(key))=\(encode($0))" } }
        return parts.isEmpty ? path : path + "?" + parts.joined(separator: "&")
    }

    package static func encode(_ text: String) -> String {
        var out = ""
        let digits = Array("0123456789ABCDEF")
        for byte in text.utf8 {
            switch byte {
            case 48...57, 65...90, 97...122, 45, 46, 95, 126: out.unicodeScalars.append(Unicode.Scalar(byte))
            default: out += "%\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
            }
        }
        return out
    }
}
