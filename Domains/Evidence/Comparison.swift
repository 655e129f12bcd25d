import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// Two captures of one page side by side (取证对比): before and after the shop changed it.
struct ComparisonPages: Sendable {
    func routes() -> [Route] { [Route(.get, "/evidence/:id/compare/:other", .permitted("evidence.see")) { visit in try await compare(visit) }] }

    private func compare(_ visit: Visit) async throws -> Answer {
        let (a, b) = try await visit.desk.store.read { (try ItemPages.find(visit, "id", $0), try ItemPages.find(visit, "other", $0)) }
        guard a.state == .sealed, b.state == .sealed else { throw Refusal(.conflict, Text("两次取证都须已封存", "Both must be sealed")) }
        let (before, after) = (try ItemPages.package(a, visit.desk), try ItemPages.package(b, visit.desk))
        let changes = LineChanges.between(ItemPages.text(before), ItemPages.text(after))
        return visit.page(Text("对比\(a.number)与\(b.number)", "\(a.number) against \(b.number)"), active: "/evidence") { h in
            h.div("page-head") {
                h.h1(Text("两次取证的差异", "What changed between two captures"))
                h.p("text-muted mb-0 text-break", a.url)
            }
            h.card(Text("文字差异", "Text")) {
                if changes.allSatisfy({ $0.kind == .same }) {
                    h.empty(Text("文字没有变化", "The text did not change"), Text("两次取证时网页上的文字完全相同。", "The words on the page were the same both times."))
                } else {
                    h.element("pre", "capture-text") {
                        for change in LineChanges.shortened(changes) {
                            switch change.kind {
                            case .same: h.text("  \(change.line)\n")
                            case .removed: h.element("del", "line-removed", text: "- \(change.line)\n")
                            case .added: h.element("ins", "line-added", text: "+ \(change.line)\n")
                            }
                        }
                    }
                }
            }
            h.div("row g-3") {
                for (item, zip) in [(a, before), (b, after)] {
                    h.div("col-md-6") {
                        h.card(Text("\(item.number)　\(item.sealedAt?.minuteText ?? "")", "\(item.number)  \(item.sealedAt?.minuteText ?? "")")) {
                            h.p("small") { h.a("/evidence/\(item.id)", nil, Text("打开", "Open")) }
                            h.div("capture-view", .init("tabindex", "0"), .role("region"), .label(item.number)) {
                                for name in zip.entries.map(\.name) where name.hasPrefix("views/screenshot-") {
                                    h.void(
                                        "img", "img-fluid d-block", [.init("src", "/evidence/\(item.id)/part/\(name)"), .init("alt", h.say(Text("网页长图", "Picture of the page")))])
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What changed between two texts, line by line (文字差异).
package enum LineChanges {
    package enum Kind: Sendable { case same, removed, added }
    package struct Change: Sendable {
        package let kind: Kind
        package let line: String
    }

    /// Cost: the standard library's difference, lines up to 5,000 a side.
    package static func between(_ a: String, _ b: String) -> [Change] {
        func lines(_ text: String) -> [String] { text.split(whereSeparator: \.isNewline).map { $0.trimmed }.filter { !$0.isEmpty }.prefix(5000).map { $0 } }
        let (old, new) = (lines(a), lines(b))
        let difference = new.difference(from: old)
        let removed = Set(difference.removals.compactMap { if case .remove(let at, _, _) = $0 { at } else { nil } })
        let added = Set(difference.insertions.compactMap { if case .insert(let at, _, _) = $0 { at } else { nil } })
        var (all, i, j) = ([Change](), 0, 0)
        while i < old.count || j < new.count {
            if i < old.count, removed.contains(i) {
                all.append(.init(kind: .removed, line: old[i]))
                i += 1
            } else if j < new.count, added.contains(j) {
                all.append(.init(kind: .added, line: new[j]))
                j += 1
            } else {
                all.append(.init(kind: .same, line: new[j]))
                (i, j) = (i + 1, j + 1)
            }
        }
        return all
    }

    /// Only what changed, with two lines about it.
    static func shortened(_ all: [Change]) -> [Change] {
        var near: Set<Int> = []
        for (i, change) in all.enumerated() where change.kind != .same { for n in max(0, i - 2)...min(all.count - 1, i + 2) { near.insert(n) } }
        var (out, last) = ([Change](), -1)
        for i in near.sorted() {
            if i > last + 1 { out.append(.init(kind: .same, line: "……")) }
            out.append(all[i])
            last = i
        }
        return out
    }
}
