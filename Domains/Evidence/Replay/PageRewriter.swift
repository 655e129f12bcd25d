import Foundation

/// Turns a captured page into one that shows itself from its package alone (回放改写): addresses lead into the package, nothing runs.
///
/// What it lets through is shown in a sandbox without scripts and without any way out; the rewriting is for the picture, not for safety.
struct PageRewriter {
    /// Where an address of the page is found, or nil where the package does not hold it.
    let place: (String) -> String?
    private(set) var base: URL?

    init(base: String, place: @escaping (String) -> String?) {
        self.place = place
        self.base = URL(string: base)
    }

    /// An address as the page wrote it, made whole; nil where it is none of the web.
    func absolute(_ written: String) -> String? {
        let text = written.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty, !text.hasPrefix("#") else { return nil }
        let lower = text.prefix(12).lowercased()
        if lower.hasPrefix("data:") || lower.hasPrefix("javascript:") || lower.hasPrefix("blob:") || lower.hasPrefix("about:") || lower.hasPrefix("mailto:") { return nil }
        let bare = String(text.prefix { $0 != "#" })
        guard let url = URL(string: bare, relativeTo: base)?.absoluteURL, ["http", "https"].contains(url.scheme ?? "") else { return nil }
        return url.absoluteString
    }
    private func kept(_ written: String) -> String? { absolute(written).flatMap(place) }
    /// What stands for a resource that the package does not hold.
    private static let nothing = "data:,"
    private func resource(_ written: String) -> String {
        if written.trimmingCharacters(in: .whitespaces).lowercased().hasPrefix("data:") { return written }
        return kept(written) ?? PageRewriter.nothing
    }

    // MARK: Style sheets

    /// One pass over the bytes, whatever stands in them.
    func css(_ text: String) -> String {
        let b = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(b.count)
        func stands(_ word: StaticString, at i: Int) -> Bool {
            let n = word.utf8CodeUnitCount
            return i + n <= b.count && (0..<n).allSatisfy { b[i + $0] == word.utf8Start[$0] || ((65...90).contains(b[i + $0]) && b[i + $0] | 0x20 == word.utf8Start[$0]) }
        }
        func string(_ range: Range<Int>) -> String { String(decoding: b[range], as: UTF8.self) }
        let marks = CharacterSet(charactersIn: " \t\n\r\"'")
        var i = 0
        while i < b.count {
            if stands("url(", at: i) {
                let from = i + 4
                // An address that ends nowhere takes the rest with it.
                let end = b[from...].firstIndex(of: UInt8(ascii: ")")) ?? b.count
                out += Array("url(\"\(PageRewriter.quoted(resource(string(from..<end).trimmingCharacters(in: marks))))\")".utf8)
                i = min(end + 1, b.count)
            } else if stands("@import", at: i) {
                out += b[i..<(i + 7)]
                i += 7
                // `@import "a.css"`; with url( it is met above.
                var from = i
                while from < b.count, PageRewriter.isSpace(b[from]) { from += 1 }
                guard from < b.count, b[from] == UInt8(ascii: "\"") || b[from] == UInt8(ascii: "'") else { continue }
                let end = b[(from + 1)...].firstIndex(of: b[from]) ?? b.count
                out += Array(" \"\(PageRewriter.quoted(resource(string((from + 1)..<end))))\"".utf8)
                i = min(end + 1, b.count)
            } else {
                out.append(b[i])
                i += 1
            }
        }
        return String(decoding: out, as: UTF8.self)
    }
    private static func quoted(_ text: String) -> String { text.replacing("\\", with: "%5C").replacing("\"", with: "%22").replacing("\n", with: "") }

    // MARK: Pages

    /// Elements that are left out with all that is in them.
    private static let dropped: Set<String> = ["script", "noscript", "template", "object", "applet", "set", "animate", "animatemotion", "animatetransform"]
    /// Elements whose text is no markup.
    private static let raw: Set<String> = ["style", "textarea", "title", "xmp", "iframe"]

    mutating func html(_ text: String) -> String {
        let b = Array(text.utf8)
        var out: [UInt8] = []
        out.reserveCapacity(b.count)
        var i = 0
        func string(_ range: Range<Int>) -> String { String(decoding: b[range], as: UTF8.self) }
        func find(_ needle: String, from: Int) -> Int? {
            let n = Array(needle.utf8)
            guard n.count <= b.count, from <= b.count - n.count else { return nil }
            return (from...(b.count - n.count)).first { at in n.indices.allSatisfy { b[at + $0] == n[$0] || (b[at + $0] | 0x20 == n[$0] && n[$0] >= 97) } }
        }
        while i < b.count {
            guard b[i] == UInt8(ascii: "<"), i + 1 < b.count else {
                out.append(b[i])
                i += 1
                continue
            }
            if b[i...].starts(with: Array("<!--".utf8)) {
                i = find("-->", from: i + 4).map { $0 + 3 } ?? b.count
                continue
            }
            guard PageRewriter.isLetter(b[i + 1]) else {
                // An end tag, a doctype, or just a sign.
                guard b[i + 1] == UInt8(ascii: "/") || b[i + 1] == UInt8(ascii: "!") || b[i + 1] == UInt8(ascii: "?") else {
                    out += Array("&lt;".utf8)
                    i += 1
                    continue
                }
                let end = b[i...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? b.count
                let name = string(min(i + 2, end)..<end).prefix { !$0.isWhitespace && $0 != ">" && $0 != "/" }.lowercased()
                if b[i + 1] == UInt8(ascii: "/"), PageRewriter.isName(name), !PageRewriter.dropped.contains(name) { out += Array("</\(name)>".utf8) }
                if b[i + 1] == UInt8(ascii: "!"), name == "doctype" { out += Array("<!DOCTYPE html>".utf8) }
                i = end
                continue
            }
            var j = i + 1
            while j < b.count, !PageRewriter.isSpace(b[j]), b[j] != UInt8(ascii: ">"), b[j] != UInt8(ascii: "/") { j += 1 }
            let name = string((i + 1)..<j).lowercased()
            var attributes: [(name: String, value: String?)] = []
            var closes = false
            while j < b.count, b[j] != UInt8(ascii: ">") {
                if PageRewriter.isSpace(b[j]) || b[j] == UInt8(ascii: "/") {
                    closes = b[j] == UInt8(ascii: "/")
                    j += 1
                    continue
                }
                closes = false
                let start = j
                j += 1
                while j < b.count, !PageRewriter.isSpace(b[j]), b[j] != UInt8(ascii: "="), b[j] != UInt8(ascii: ">"), b[j] != UInt8(ascii: "/") { j += 1 }
                let key = string(start..<j).lowercased()
                var k = j
                while k < b.count, PageRewriter.isSpace(b[k]) { k += 1 }
                guard k < b.count, b[k] == UInt8(ascii: "=") else {
                    attributes.append((key, nil))
                    continue
                }
                k += 1
                while k < b.count, PageRewriter.isSpace(b[k]) { k += 1 }
                guard k < b.count else { j = k; break }
                if b[k] == UInt8(ascii: "\"") || b[k] == UInt8(ascii: "'") {
                    let end = b[(k + 1)...].firstIndex(of: b[k]) ?? b.count
                    attributes.append((key, PageRewriter.unescaped(string((k + 1)..<end))))
                    j = min(end + 1, b.count)
                } else {
                    let begin = k
                    while k < b.count, !PageRewriter.isSpace(b[k]), b[k] != UInt8(ascii: ">") { k += 1 }
                    attributes.append((key, PageRewriter.unescaped(string(begin..<k))))
                    j = k
                }
            }
            i = min(j + 1, b.count)
            guard PageRewriter.isName(name) else { continue }
            if PageRewriter.dropped.contains(name) {
                if !closes || name == "script" { i = find("</\(name)", from: i).flatMap { b[$0...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } } ?? b.count }
                continue
            }
            if name == "base" {
                if let href = attributes.first(where: { $0.name == "href" })?.value, let url = absolute(href) { base = URL(string: url) }
                continue
            }
            if name == "embed" || (name == "meta" && attributes.contains { $0.name == "http-equiv" }) { continue }
            out += Array(tag(name, attributes).utf8)
            if PageRewriter.raw.contains(name) {
                let end = find("</\(name)", from: i) ?? b.count
                if name == "style" { out += Array(css(string(i..<end)).utf8) } else if name != "iframe" { out += b[i..<end] }
                i = end
            }
        }
        return String(decoding: out, as: UTF8.self)
    }

    private func tag(_ name: String, _ attributes: [(name: String, value: String?)]) -> String {
        var out = "<\(name)"
        let sheet = name == "link" && (attributes.first { $0.name == "rel" }?.value ?? "").lowercased().contains("stylesheet")
        if name == "link", !sheet { return "" }
        for (key, value) in attributes {
            guard !key.isEmpty, key.utf8.allSatisfy({ PageRewriter.isLetter($0) || (48...58).contains($0) || $0 == 45 || $0 == 95 || $0 == 46 }), !key.hasPrefix("on") else {
                continue
            }
            guard let written = value else {
                out += " \(key)"
                continue
            }
            let fresh: String?
            switch key {
            case "integrity", "nonce", "crossorigin", "srcdoc", "target", "ping", "action", "formaction", "loading", "sandbox", "allow", "manifest", "background", "xlink:href",
                "autoplay",
                "download", "imagesrcset":
                fresh = nil
            case "src": fresh = ["iframe", "frame"].contains(name) ? kept(written).map { $0 + "&frame=1" } ?? PageRewriter.nothing : resource(written)
            case "poster": fresh = resource(written)
            case "data": fresh = nil
            case "href":
                fresh =
                    sheet
                    ? resource(written)
                    : name == "a" || name == "area"
                        ? (written.hasPrefix("#") ? written : nil) : name == "image" || name == "use" ? (written.hasPrefix("#") ? written : resource(written)) : nil
            case "srcset":
                fresh = written.split(separator: ",").compactMap { part -> String? in
                    let words = part.split(whereSeparator: \.isWhitespace).map(String.init)
                    return words.first.flatMap { first in kept(first).map { ([$0] + words.dropFirst()).joined(separator: " ") } }
                }.joined(separator: ", ")
            case "style": fresh = css(written)
            default: fresh = written
            }
            if let fresh { out += " \(key)=\"\(PageRewriter.escaped(fresh))\"" }
        }
        return out + ">"
    }

    private static func isName(_ text: String) -> Bool { !text.isEmpty && text.utf8.allSatisfy { isLetter($0) || (48...57).contains($0) || $0 == 45 } }
    private static func isLetter(_ c: UInt8) -> Bool { (65...90).contains(c) || (97...122).contains(c) }
    private static func isSpace(_ c: UInt8) -> Bool { c == 32 || (9...13).contains(c) }
    private static func escaped(_ text: String) -> String { text.replacing("&", with: "&amp;").replacing("\"", with: "&quot;").replacing("<", with: "&lt;") }
    private static func unescaped(_ text: String) -> String {
        guard text.utf8.contains(UInt8(ascii: "&")) else { return text }
        return text.replacing("&quot;", with: "\"").replacing("&#39;", with: "'").replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&nbsp;", with: "\u{A0}")
            .replacing(
                "&amp;", with: "&")
    }
}
