import Formats
import Foundation
import Kernel
import Platform
import Store
import Web

/// Two captures of one page side by side (取证对比): before and after the shop changed it.
struct ComparisonPages: Sendable {
    let workbench: Workbench
    func routes() -> [Route] {
        [
            Route(.get, "/evidence/:id/compare/:other", .permitted("evidence.see")) { visit in try await compare(visit) },
            Route(.get, "/evidence/:id/compare/:other/view/:name", .permitted("evidence.see")) { visit in try await view(visit) },
        ]
    }
    /// Views that can be laid on each other: those that both have, the first four.
    private static func common(_ a: ZIPFile, _ b: ZIPFile) -> [String] {
        a.entries.map(\.name).filter { $0.hasPrefix("views/screenshot-") && b.entry($0) != nil }.prefix(4).map { $0 }
    }
    private func difference(_ name: String, _ a: ZIPFile, _ b: ZIPFile) async throws -> Workbench.Difference? {
        guard let before = a.entry(name).flatMap({ a.bytes($0) }), let after = b.entry(name).flatMap({ b.bytes($0) }) else { return nil }
        return try await workbench.difference(before, after)
    }
    private func view(_ visit: Visit) async throws -> Answer {
        let (a, b) = try await visit.desk.store.read { (try ItemPages.findHere(visit, "id", $0), try ItemPages.findHere(visit, "other", $0)) }
        let (before, after) = (try ItemPages.package(a, visit.desk), try ItemPages.package(b, visit.desk))
        let name = "views/" + (try visit.exchange.parameter("name"))
        guard ComparisonPages.common(before, after).contains(name), let found = try await difference(name, before, after) else { throw Refusal.notFound }
        return Answer.file(found.picture, type: "image/png", name: "\(a.number)-\(b.number).png", inline: true).enclosed
    }

    private func compare(_ visit: Visit) async throws -> Answer {
        let (a, b) = try await visit.desk.store.read { (try ItemPages.findHere(visit, "id", $0), try ItemPages.findHere(visit, "other", $0)) }
        guard a.state == .sealed, b.state == .sealed else { throw Refusal(.conflict, Text("两次取证都须已封存", "Both must be sealed")) }
        let (before, after) = (try ItemPages.package(a, visit.desk), try ItemPages.package(b, visit.desk))
        let changes = LineChanges.between(ItemPages.text(before), ItemPages.text(after))
        var marked: [(name: String, share: Double, places: Int)] = []
        var failed = false
        for name in ComparisonPages.common(before, after) where !failed {
            if let found = try? await difference(name, before, after) { marked.append((name, found.share, found.places)) } else { failed = true }
        }
        let (differences, notCompared) = (marked, failed)
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
            if !differences.isEmpty || notCompared {
                h.card(Text("画面差异", "As a picture"), id: "picture") {
                    if notCompared { h.p("text-muted", Text("画面未能全部比较，请稍后再试或对照下方长图。", "Not all of the picture could be compared: try again, or look at the two below.")) }
                    if !notCompared, differences.allSatisfy({ $0.share == 0 }) { h.p("text-muted mb-0", Text("画面没有变化。", "The picture did not change.")) }
                    for one in differences where one.share > 0 {
                        let percent = "\(Double(Int(one.share * 10_000 + 0.5)) / 100)"
                        h.p(
                            "mb-1",
                            Text(
                                "\(one.places)处不同，占画面\(percent)%，红色为后一次取证与前一次不同的部分。",
                                "\(one.places) places differ, \(percent)% of the picture: in red what the later capture shows otherwise."))
                        h.div("capture-view mb-2", .init("tabindex", "0"), .role("region"), .label(h.say(Text("画面差异", "As a picture")))) {
                            h.void(
                                "img", "img-fluid d-block",
                                [
                                    .init("src", "/evidence/\(a.id)/compare/\(b.id)/view/\(one.name.dropFirst(6))"),
                                    .init("alt", h.say(Text("标出差异的网页长图", "Picture of the page with differences marked"))),
                                ])
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
