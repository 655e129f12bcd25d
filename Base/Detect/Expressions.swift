import CVectorscan
import Foundation
import Kernel

/// Regular expressions of all rules in one database (正则匹配), by Vectorscan or Hyperscan, whichever is installed.
///
/// Cost: compiling takes some milliseconds an expression; a compiled database is kept by its content and version.
final class Expressions: @unchecked Sendable {
    // The database is only read after it was made; each thread has a scratch of its own.
    private let database: OpaquePointer
    let count: Int

    struct Source: Hashable, Sendable {
        let text: String
        /// An expression as it meets texts that are folded: its own full-width signs stand for the plain ones, `，` for `\,`.
        static func folded(_ text: String, _ normaliser: Normaliser) -> String {
            guard normaliser.folds, text.unicodeScalars.contains(where: { (0xFF01...0xFF5E).contains($0.value) }) else { return text }
            var out = String.UnicodeScalarView()
            for scalar in text.unicodeScalars {
                guard (0xFF01...0xFF5E).contains(scalar.value), let plain = Unicode.Scalar(scalar.value - 0xFEE0) else {
                    out.append(scalar)
                    continue
                }
                let isWord = plain.properties.isAlphabetic || ("0"..."9").contains(plain)
                // As a number where a bare sign would mean something: `[:` begins a named class.
                if isWord { out.append(plain) } else { out.append(contentsOf: "\\x\(String(plain.value, radix: 16))".unicodeScalars) }
            }
            return String(out)
        }
        let ignoresCase: Bool
        let multiline: Bool
        let dotAll: Bool
        var flags: UInt32 {
            UInt32(HS_FLAG_UTF8 | HS_FLAG_SOM_LEFTMOST | HS_FLAG_ALLOWEMPTY) | (ignoresCase ? UInt32(HS_FLAG_CASELESS) : 0) | (multiline ? UInt32(HS_FLAG_MULTILINE) : 0)
                | (dotAll ? UInt32(HS_FLAG_DOTALL) : 0)
        }
    }

    /// - Errors: which expression cannot be run, and why.
    init(_ sources: [Source], cache: URL?, key: (String) -> String) throws(SigmaRule.Flaw) {
        count = sources.count
        let name = key(
            sources.map { "\($0.flags) \($0.text)" }.joined(separator: "\n") + String(cString: hs_version()))
        if let file = cache?.appendingPathComponent("expressions-\(name).hs"), let data = try? Data(contentsOf: file) {
            var loaded: OpaquePointer?
            let status = data.withUnsafeBytes { hs_deserialize_database($0.bindMemory(to: CChar.self).baseAddress, data.count, &loaded) }
            if status == HS_SUCCESS, let loaded {
                database = loaded
                return
            }
        }
        var texts = sources.map { strdup($0.text) }
        defer { for text in texts { free(text) } }
        let flags = sources.map(\.flags)
        let ids = sources.indices.map { UInt32($0) }
        var made: OpaquePointer?
        var error: UnsafeMutablePointer<hs_compile_error_t>?
        let status = texts.withUnsafeMutableBufferPointer { pointers -> hs_error_t in
            pointers.withMemoryRebound(to: UnsafePointer<CChar>?.self) {
                hs_compile_multi($0.baseAddress, flags, ids, UInt32(sources.count), UInt32(HS_MODE_BLOCK), nil, &made, &error)
            }
        }
        guard status == HS_SUCCESS, let made else {
            let what = error.flatMap { $0.pointee.message }.map { String(cString: $0) } ?? "it cannot be compiled"
            let which = error.map { Int($0.pointee.expression) } ?? -1
            hs_free_compile_error(error)
            throw SigmaRule.Flaw(line: nil, what: "the expression “\(sources.indices.contains(which) ? sources[which].text : "?")” cannot be run: \(what)")
        }
        database = made
        if let cache {
            // What cannot be kept is compiled again the next time.
            var bytes: UnsafeMutablePointer<CChar>?
            var size = 0
            if hs_serialize_database(database, &bytes, &size) == HS_SUCCESS, let bytes {
                try? FileManager.default.createDirectory(at: cache, withIntermediateDirectories: true)
                try? Data(bytes: bytes, count: size).write(to: cache.appendingPathComponent("expressions-\(name).hs"), options: .atomic)
                free(bytes)
            }
        }
    }
    deinit { hs_free_database(database) }

    private static let most = 1024

    /// Where one thread works.
    final class Scratch {
        fileprivate var pointer: OpaquePointer?
        fileprivate var found: [(id: Int, from: Int, to: Int)] = []
        /// Where in `found` the last place of an expression stands; −1: nowhere.
        fileprivate var last: [Int]
        init?(_ expressions: Expressions) {
            last = Array(repeating: -1, count: expressions.count)
            guard hs_alloc_scratch(expressions.database, &pointer) == HS_SUCCESS else { return nil }
        }
        deinit { hs_free_scratch(pointer) }
    }

    /// The places of each expression that is found, in bytes: leftmost and longest, one behind the other, up to `most` in all beside the first of each.
    func scan(_ bytes: UnsafeBufferPointer<UInt8>, _ scratch: Scratch) -> [(id: Int, from: Int, to: Int)] {
        for place in scratch.found { scratch.last[place.id] = -1 }
        scratch.found.removeAll(keepingCapacity: true)
        let note: match_event_handler = { id, from, to, _, context in
            let scratch = Unmanaged<Scratch>.fromOpaque(context!).takeUnretainedValue()
            let (id, from, to) = (Int(id), Int(from), Int(to))
            let k = scratch.last[id]
            if k < 0 || (to > from && from >= scratch.found[k].to && scratch.found.count < Expressions.most) {
                scratch.last[id] = scratch.found.count
                scratch.found.append((id, from, to))
            } else if from < scratch.found[k].from || (from == scratch.found[k].from && to > scratch.found[k].to) {
                scratch.found[k] = (id, from, to)
            }
            return 0
        }
        _ = bytes.withMemoryRebound(to: CChar.self) {
            hs_scan(database, $0.baseAddress, UInt32(bytes.count), 0, scratch.pointer, note, Unmanaged.passUnretained(scratch).toOpaque())
        }
        return scratch.found
    }

    /// What stands between the `|` of an expression's own level.
    private static func alternatives(_ text: String) -> [String] {
        var parts: [String] = []
        var part = ""
        var (depth, inClass, escaped) = (0, false, false)
        for character in text {
            if escaped {
                escaped = false
            } else {
                switch character {
                case "\\": escaped = true
                case "[" where !inClass: inClass = true
                case "]": inClass = false
                case "(" where !inClass: depth += 1
                case ")" where !inClass: depth -= 1
                case "|" where depth == 0 && !inClass:
                    parts.append(part)
                    part = ""
                    continue
                default: break
                }
            }
            part.append(character)
        }
        return parts + [part]
    }

    /// Texts of which one must stand in whatever an expression fits (必含文字); nil where none can be named.
    ///
    /// Of an expression with alternatives, those of each; of a sequence, what tells most: a run of plain characters, or a group.
    static func needed(_ text: String) -> [String]? {
        let branches = alternatives(text)
        if branches.count > 1 {
            let each = branches.map(needed)
            return each.contains { $0 == nil } ? nil : Array(Set(each.flatMap { $0! })).sorted()
        }
        var best: [String]?
        func weigh(_ candidate: [String]) {
            // One Han character tells more than one letter: it stands in few texts.
            func weight(_ text: String) -> Int { text.unicodeScalars.reduce(0) { $0 + ($1.value > 0x2E80 ? 2 : 1) } }
            let (least, known) = (candidate.map(weight).min() ?? 0, best?.map(weight).min() ?? 0)
            // Of two that tell as much the one with fewer texts stands in fewer listings.
            guard least >= 2, least > known || (least == known && candidate.count < best?.count ?? 0) else { return }
            best = candidate
        }
        let c = Array(text)
        // What the characters since the last gap may read: alternatives of plain words multiply it.
        var runs = [""]
        var i = 0
        func quantifier(_ at: Int) -> (optional: Bool, next: Int)? {
            guard at < c.count else { return nil }
            switch c[at] {
            case "?", "*": return (true, at + 1)
            case "+": return (false, at + 1)
            case "{":
                guard let end = c[at...].firstIndex(of: "}") else { return nil }
                let least = String(c[(at + 1)..<end]).split(separator: ",", omittingEmptySubsequences: false).first.flatMap { Int($0) } ?? 0
                return (least == 0, end + 1)
            default: return nil
            }
        }
        func endRun() {
            weigh(runs)
            runs = [""]
        }
        while i < c.count {
            switch c[i] {
            case "|": return nil
            case "(":
                var depth = 0
                var j = i
                while j < c.count {
                    if c[j] == "\\" { j += 1 } else if c[j] == "(" { depth += 1 } else if c[j] == ")" { depth -= 1 }
                    if depth == 0 { break }
                    j += 1
                }
                guard j < c.count else { return best }
                var inner = String(c[(i + 1)..<j])
                if inner.hasPrefix("?:") { inner.removeFirst(2) } else if inner.hasPrefix("?") { return nil }
                let after = quantifier(j + 1)
                let words = inner.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                if after == nil, !inner.contains(where: { "\\^$.[](){}?*+".contains($0) }), words.count * runs.count <= 32 {
                    runs = runs.flatMap { run in words.map { run + $0 } }
                } else {
                    endRun()
                    if after?.optional != true, let inside = needed(inner) { weigh(inside) }
                }
                i = after?.next ?? j + 1
                continue
            case "[":
                endRun()
                var j = i + 1
                if j < c.count, c[j] == "^" { j += 1 }
                if j < c.count, c[j] == "]" { j += 1 }
                while j < c.count, c[j] != "]" { j += c[j] == "\\" ? 2 : 1 }
                i = quantifier(j + 1)?.next ?? j + 1
                continue
            case ".", "^", "$":
                endRun()
                i = c[i] == "." ? quantifier(i + 1)?.next ?? i + 1 : i + 1
                continue
            case "\\":
                guard i + 1 < c.count else { return best }
                if c[i + 1].isLetter || c[i + 1].isNumber {
                    endRun()
                    if "xpPuQEkgN".contains(c[i + 1]) { return best }
                    i = quantifier(i + 2)?.next ?? i + 2
                    continue
                }
                runs = runs.map { $0 + String(c[i + 1]) }
                i += 2
            default:
                runs = runs.map { $0 + String(c[i]) }
                i += 1
            }
            if let (optional, next) = quantifier(i) {
                if optional { runs = runs.map { String($0.dropLast()) } }
                endRun()
                i = next
                if i < c.count, c[i] == "?" { i += 1 }
            }
        }
        endRun()
        return best
    }
}
