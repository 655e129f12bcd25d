import Kernel

/// The condition of a rule (条件): selections by name, joined.
///
/// Shape: `selection and not 1 of filter_*`; `and or not ( )`, `1 of`, `all of`, `them`, names with `*`.
indirect enum Condition: Equatable, Sendable {
    case selection(String)
    case not(Condition)
    case and([Condition])
    case or([Condition])
    /// `1 of` or `all of` the selections whose names fit; nil: `them`.
    case some(all: Bool, pattern: String?)

    struct Flaw: Error, Sendable {
        let what: String
    }

    init(parsing text: String) throws(Flaw) {
        var parser = Parser(text)
        self = try parser.or()
        if let rest = parser.peek { throw Flaw(what: "“\(rest)” is not expected in the condition") }
    }

    /// The names that it asks for, out of those that there are.
    /// - Errors: a name that no selection has.
    func names(_ all: [String]) throws(Flaw) -> [String] {
        switch self {
        case .selection(let name):
            guard all.contains(name) else { throw Flaw(what: "the condition names “\(name)”, and no selection is called so") }
            return [name]
        case .not(let inner): return try inner.names(all)
        case .and(let parts), .or(let parts):
            var names: [String] = []
            for part in parts { names += try part.names(all) }
            return names
        case .some(_, let pattern):
            let found = all.filter { Condition.fits($0, pattern) }
            guard !found.isEmpty else { throw Flaw(what: "no selection fits “\(pattern ?? "them")”") }
            return found
        }
    }

    /// `filter_*` fits `filter_brand`; `them` and other patterns leave out names that begin with an underscore.
    static func fits(_ name: String, _ pattern: String?) -> Bool {
        guard let pattern, pattern != "them" else { return !name.hasPrefix("_") }
        if name.hasPrefix("_"), !pattern.hasPrefix("_") { return false }
        let parts = pattern.split(separator: "*", omittingEmptySubsequences: false).map(String.init)
        guard parts.count > 1 else { return name == pattern }
        guard name.hasPrefix(parts[0]) else { return false }
        var rest = name.dropFirst(parts[0].count)
        for (i, part) in parts.enumerated().dropFirst() {
            if i == parts.count - 1 { return part.isEmpty || rest.hasSuffix(part) }
            guard !part.isEmpty else { continue }
            guard let range = rest.firstRange(of: part) else { return false }
            rest = rest[range.upperBound...]
        }
        return true
    }

    private struct Parser {
        private let words: [String]
        private var at = 0
        var peek: String? { at < words.count ? words[at] : nil }

        init(_ text: String) {
            var words: [String] = []
            var word = ""
            for c in text {
                if c == "(" || c == ")" || c.isWhitespace {
                    if !word.isEmpty { words.append(word) }
                    word = ""
                    if c == "(" || c == ")" { words.append(String(c)) }
                } else {
                    word.append(c)
                }
            }
            if !word.isEmpty { words.append(word) }
            self.words = words
        }

        private mutating func take(_ word: String) -> Bool {
            guard peek?.lowercased() == word else { return false }
            at += 1
            return true
        }
        mutating func or() throws(Flaw) -> Condition {
            var parts = [try and()]
            while take("or") { parts.append(try and()) }
            return parts.count == 1 ? parts[0] : .or(parts)
        }
        private mutating func and() throws(Flaw) -> Condition {
            var parts = [try not()]
            while take("and") { parts.append(try not()) }
            return parts.count == 1 ? parts[0] : .and(parts)
        }
        private mutating func not() throws(Flaw) -> Condition {
            if take("not") { return .not(try not()) }
            if take("(") {
                let inner = try or()
                guard take(")") else { throw Flaw(what: "a parenthesis of the condition is not closed") }
                return inner
            }
            guard let word = peek else { throw Flaw(what: "the condition ends too early") }
            at += 1
            if let all = ["1": false, "any": false, "all": true][word.lowercased()], take("of") {
                guard let pattern = peek else { throw Flaw(what: "“of” names nothing") }
                at += 1
                return .some(all: all, pattern: pattern.lowercased() == "them" ? nil : pattern)
            }
            guard !["and", "or", "of", ")", "not"].contains(word.lowercased()) else { throw Flaw(what: "“\(word)” is not expected in the condition") }
            guard word.allSatisfy({ $0 == "_" || $0 == "-" || $0.isLetter || $0.isNumber }) else { throw Flaw(what: "“\(word)” is no name of a selection") }
            return .selection(word)
        }
    }
}
