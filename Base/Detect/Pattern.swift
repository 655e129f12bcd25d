import Kernel

/// A text of a rule with its wildcards (通配): `*` any run, `?` one character; `\*`, `\?`, `\\` stand for themselves.
struct Pattern: Sendable, Hashable {
    enum Piece: Sendable, Hashable {
        case text([UInt16])
        case any
        case one
    }
    let pieces: [Piece]

    /// - Parameter shape: `contains`, `startswith`, `endswith` put a wildcard on the sides where they ask for none.
    init(_ text: String, _ normaliser: Normaliser, before: Bool = false, behind: Bool = false, cased: Bool = false) {
        var pieces: [Piece] = before ? [.any] : []
        var run = ""
        func flush() {
            if !run.isEmpty { pieces.append(.text(normaliser.units(run, cased: cased))) }
            run = ""
        }
        var escaped = false
        for c in text {
            if escaped {
                if c != "*" && c != "?" && c != "\\" { run.append("\\") }
                run.append(c)
                escaped = false
            } else if c == "\\" {
                escaped = true
            } else if c == "*" {
                flush()
                if pieces.last != .any { pieces.append(.any) }
            } else if c == "?" {
                flush()
                pieces.append(.one)
            } else {
                run.append(c)
            }
        }
        if escaped { run.append("\\") }
        flush()
        if behind, pieces.last != .any { pieces.append(.any) }
        self.pieces = pieces.filter { $0 != .text([]) }
    }

    /// Only a text, perhaps with something before or behind it: found by a phrase alone.
    var simple: (text: [UInt16], before: Bool, behind: Bool)? {
        var inner = pieces[...]
        let before = inner.first == .any
        if before { inner = inner.dropFirst() }
        let behind = inner.last == .any
        if behind { inner = inner.dropLast() }
        guard inner.count == 1, case .text(let units) = inner.first else { return nil }
        return (units, before, behind)
    }

    /// The longest text that must stand in whatever it fits.
    var longest: [UInt16]? {
        pieces.compactMap { if case .text(let units) = $0 { units } else { nil } }.max { $0.count < $1.count }
    }

    /// Whether it fits the whole of a text, and which part of it the pieces themselves took.
    func fits(_ units: UnsafeMutablePointer<UInt16>, _ count: Int) -> Range<Int>? {
        // The usual walk with one way back: the last `*` takes one more.
        var (i, k) = (0, 0)
        var star: (piece: Int, unit: Int)?
        var began: Int?
        var ended = 0
        while true {
            if k < pieces.count {
                switch pieces[k] {
                case .any:
                    star = (k, i)
                    k += 1
                    continue
                case .one where i < count:
                    if began == nil { began = i }
                    // One character: both halves where it is outside the basic plane.
                    i += 0xD800...0xDBFF ~= units[i] && i + 1 < count ? 2 : 1
                    ended = i
                    k += 1
                    continue
                case .text(let text) where i + text.count <= count && (0..<text.count).allSatisfy({ units[i + $0] == text[$0] }):
                    if began == nil { began = i }
                    i += text.count
                    ended = i
                    k += 1
                    continue
                default: break
                }
            } else if i == count || pieces.last == .any {
                return (began ?? 0)..<ended
            }
            guard let back = star, back.unit < count else { return nil }
            star = (back.piece, back.unit + 1)
            (k, i) = (back.piece + 1, back.unit + 1)
            if !pieces[..<back.piece].contains(where: { $0 != .any }) { began = nil }
        }
    }
}
