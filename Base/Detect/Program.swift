import Foundation
import Kernel

/// All rules compiled into one matcher (检测程序): read once, shared by any number of threads.
package final class Program: Sendable {
    /// How a phrase's place decides whether a test holds.
    enum Shape: UInt8 { case contains, starts, ends, equals, pattern, expression }

    /// What finding a phrase in a field means.
    struct Use: Sendable {
        let slot: Int32
        let atom: Int32
        let shape: Shape
        /// The pattern or the expression that decides; −1 where the place alone does.
        let more: Int32
    }

    enum Order: String { case gt, gte, lt, lte, eq }

    /// A field that some rule asks for.
    struct Slot: Sendable {
        let path: String
        /// Set where the field is there and not null.
        var present: [Int32] = []
        var numbers: [(order: Order, value: Exact, atom: Int32)] = []
        var bools: [(value: Bool, atom: Int32)] = []
        var empty: [Int32] = []
        /// Patterns without a phrase to find them by: tried on every value.
        var patterns: [(pattern: Int32, atom: Int32)] = []
        /// Expressions without a text that they need.
        var expressions: [(expression: Int32, atom: Int32)] = []
        var hasText = false
        var isReferred = false
        /// Something is asked of it beside its text.
        var hasMore: Bool { !numbers.isEmpty || !bools.isEmpty || !empty.isEmpty }
    }

    /// Two fields compared.
    struct Reference: Sendable {
        let a: Int32
        let b: Int32
        let shape: Shape
        let cased: Bool
        let atom: Int32
    }

    /// A test, a map, a selection, a condition: what is true of a listing.
    indirect enum Expr: Sendable {
        case atom(Int32)
        case not(Expr)
        case and([Expr])
        case or([Expr])

        func holds(_ atoms: UnsafeMutablePointer<UInt8>) -> Bool {
            switch self {
            case .atom(let i): return atoms[Int(i)] != 0
            case .not(let inner): return !inner.holds(atoms)
            case .and(let parts):
                for part in parts where !part.holds(atoms) { return false }
                return true
            case .or(let parts):
                for part in parts where part.holds(atoms) { return true }
                return false
            }
        }

        /// Atoms of which one must be set for it to hold; nil where it may hold with none.
        var needed: [Int32]? {
            switch self {
            case .atom(let i): return [i]
            case .not: return nil
            case .and(let parts): return parts.compactMap(\.needed).min { $0.count < $1.count }
            case .or(let parts):
                var all: [Int32] = []
                for part in parts {
                    guard let some = part.needed else { return nil }
                    all += some
                }
                return all
            }
        }
    }

    struct Compiled: Sendable {
        let rule: Int
        let condition: Expr
        let selections: [(name: String, expr: Expr, positive: Bool)]
    }

    package let rules: [SigmaRule]
    /// As it begins: whoever reads listings in order feeds a copy of it.
    package let correlator: Correlator
    /// Fields that correlations ask for.
    let captured: [(name: String, slot: Int32)]
    let normaliser: Normaliser
    let compiled: [Compiled]
    let slots: Table<Slot>
    let root: JSONText.Tree
    let everything: Bool
    let atoms: Int
    /// The rule and the selection that an atom belongs to.
    let owners: [(rule: Int32, selection: Int32)]
    /// Passages in which nothing of a rule counts, looked for only where the rule found something; the rule of each expression.
    let excuses: Expressions?
    let excusing: [Int32]
    let isExcusing: [Bool]
    /// Rules to look at when an atom is set, and those to look at always; positions in `compiled`.
    let wakes: [[Int32]]
    let always: [Int32]
    let phrases: Phrases
    let uses: Table<Use>
    let usesOf: Table<Int32>
    let patterns: [(pattern: Pattern, cased: Bool)]
    let expressions: Expressions?
    let references: [Reference]
    package let phraseCount: Int
    package var expressionCount: Int { expressions?.count ?? 0 }

    /// - Parameters:
    ///   - lists: word lists for `expand`, by the name between the percent signs, for each rule.
    ///   - excuses: whether passages of `sinan.excused` are left out; without, the rules mean what any engine reads in them.
    ///   - cache: where compiled expressions are kept; nil: nowhere.
    ///   - digest: the name of a content, for the cache.
    /// - Errors: what a rule asks and this engine cannot do, by rule and name.
    package init(
        _ rules: [SigmaRule], lists: (_ rule: Int, _ name: String) -> [String]? = { _, _ in nil }, normaliser: Normaliser = Normaliser(), excuses: Bool = true,
        cache: URL? = nil,
        digest: (String) -> String = { _ in "" }
    ) throws(SigmaRule.Flaw) {
        var builder = Builder(normaliser)
        var compiled: [Compiled] = []
        for (i, rule) in rules.enumerated() {
            guard case .detection(let selections, let condition) = rule.body else { continue }
            builder.rule = i
            do { compiled.append(try builder.compile(i, selections, condition) { lists(i, $0) }) } catch {
                throw SigmaRule.Flaw(line: error.line, what: "\(rule.title): \(error.what)")
            }
        }
        let correlator = try Correlator(rules)
        captured = correlator.fields.map { (name: $0, slot: builder.slot($0)) }
        self.correlator = correlator
        self.rules = rules
        self.normaliser = normaliser
        self.compiled = compiled
        slots = Table(builder.slots)
        everything = builder.everything
        root = JSONText.Tree(builder.slots.enumerated().map { ($0.element.path.split(separator: "."), Int32($0.offset)) })
        atoms = builder.owners.count
        owners = builder.owners
        var wakes: [[Int32]] = Array(repeating: [], count: builder.owners.count)
        var always: [Int32] = []
        for (i, rule) in compiled.enumerated() {
            guard let needed = rule.condition.needed else {
                always.append(Int32(i))
                continue
            }
            for atom in Set(needed) { wakes[Int(atom)].append(Int32(i)) }
        }
        (self.wakes, self.always) = (wakes, always)
        phrases = Phrases(builder.phrases)
        phraseCount = builder.phrases.count
        var uses: [Use] = []
        var usesOf: [Int32] = [0]
        for some in builder.uses {
            uses += some
            usesOf.append(Int32(uses.count))
        }
        (self.uses, self.usesOf) = (Table(uses), Table(usesOf))
        patterns = builder.patterns
        references = builder.references
        expressions = builder.sources.isEmpty ? nil : try Expressions(builder.sources, cache: cache, key: digest)
        var passages: [(rule: Int32, source: Expressions.Source)] = []
        if excuses {
            for rule in compiled {
                passages += rules[rule.rule].excused.map {
                    (Int32(rule.rule), .init(text: Expressions.Source.folded($0, normaliser), ignoresCase: false, multiline: false, dotAll: false))
                }
            }
        }
        excusing = passages.map(\.rule)
        let which = Set(excusing)
        isExcusing = rules.indices.map { which.contains(Int32($0)) }
        self.excuses = passages.isEmpty ? nil : try Expressions(passages.map(\.source), cache: cache, key: digest)
    }
}

/// Puts rules together: each test becomes atoms, each phrase is kept once for all rules.
private struct Builder {
    let normaliser: Normaliser
    var rule = 0
    var selection = 0
    /// The listing's own fields come first, always there.
    var slots: [Program.Slot] = [.init(path: "id"), .init(path: "observedAt")]
    private var slotOf: [String: Int32] = ["id": 0, "observedAt": 1]
    var owners: [(rule: Int32, selection: Int32)] = []
    var phrases: [[UInt16]] = []
    private var phraseOf: [[UInt16]: Int] = [:]
    var uses: [[Program.Use]] = []
    var patterns: [(pattern: Pattern, cased: Bool)] = []
    var sources: [Expressions.Source] = []
    private var sourceOf: [Expressions.Source: Int32] = [:]
    var references: [Program.Reference] = []
    var everything = false

    init(_ normaliser: Normaliser) { self.normaliser = normaliser }

    mutating func compile(_ index: Int, _ selections: [(name: String, selection: SigmaRule.Selection)], _ condition: Condition, _ list: (String) -> [String]?) throws(SigmaRule
        .Flaw)
        -> Program.Compiled
    {
        var exprs: [String: Program.Expr] = [:]
        let positive = condition.positives(selections.map(\.name))
        for (i, (name, chosen)) in selections.enumerated() {
            selection = i
            exprs[name] = try expr(chosen, list)
        }
        let whole = condition.expr(selections.map(\.name), exprs)
        return .init(rule: index, condition: whole, selections: selections.map { ($0.name, exprs[$0.name]!, positive.contains($0.name)) })
    }

    private mutating func atom() -> Int32 {
        owners.append((Int32(rule), Int32(selection)))
        return Int32(owners.count - 1)
    }
    mutating func slot(_ path: String) -> Int32 {
        if let known = slotOf[path] { return known }
        slots.append(.init(path: path))
        slotOf[path] = Int32(slots.count - 1)
        return Int32(slots.count - 1)
    }
    private mutating func exists(_ slot: Int32) -> Program.Expr {
        let atom = atom()
        // Every rule has an atom of its own, so that a hit is told to the rule that asked.
        slots[Int(slot)].present.append(atom)
        return .atom(atom)
    }
    private mutating func phrase(_ units: [UInt16], _ use: Program.Use) {
        if let known = phraseOf[units] { return uses[known].append(use) }
        phraseOf[units] = phrases.count
        phrases.append(units)
        uses.append([use])
    }

    private mutating func expr(_ selection: SigmaRule.Selection, _ list: (String) -> [String]?) throws(SigmaRule.Flaw) -> Program.Expr {
        switch selection {
        case .keywords(let values):
            everything = true
            let shared = atom()
            for value in values {
                guard case .text(let text) = value else { throw .init(line: nil, what: "a keyword must be a text") }
                try place(Pattern(text, normaliser, before: true, behind: true), -1, shared, cased: false)
            }
            return .atom(shared)
        case .maps(let maps):
            var any: [Program.Expr] = []
            for tests in maps {
                var all: [Program.Expr] = []
                for test in tests { all.append(try expr(test, list)) }
                any.append(all.count == 1 ? all[0] : .and(all))
            }
            return any.count == 1 ? any[0] : .or(any)
        }
    }

    private mutating func expr(_ test: SigmaRule.Test, _ list: (String) -> [String]?) throws(SigmaRule.Flaw) -> Program.Expr {
        let slot = slot(test.field)
        var values = test.values
        if test.has("expand") {
            var expanded: [SigmaRule.Value] = []
            for value in values {
                guard case .text(let text) = value, text.hasPrefix("%"), text.hasSuffix("%"), text.count > 2 else {
                    throw .init(line: test.line, what: "\(test.field): expand reads %name%")
                }
                let name = String(text.dropFirst().dropLast())
                guard let words = list(name) else { throw .init(line: test.line, what: "\(test.field): there is no word list “\(name)”") }
                expanded += words.map { .text($0) }
            }
            guard !expanded.isEmpty else { throw .init(line: test.line, what: "\(test.field): the word list is empty") }
            values = expanded
        }
        var parts: [Program.Expr] = []
        // Of several values that may each stand, one atom tells of all; where all must, each has its own.
        let all = test.has("all")
        var shared: Int32?
        func own() -> Int32? { all ? nil : shared }
        for value in values {
            let known = own()
            let before = owners.count
            let part = try self.part(test, value, slot, known)
            parts.append(part)
            if !all, shared == nil, case .atom(let made) = part, owners.count == before + 1 { shared = made }
        }
        var unique: [Program.Expr] = []
        var seen: Set<Int32> = []
        for part in parts {
            if case .atom(let i) = part, !seen.insert(i).inserted { continue }
            unique.append(part)
        }
        let joined: Program.Expr = unique.count == 1 ? unique[0] : all ? .and(unique) : .or(unique)
        return test.has("neq") ? .not(joined) : joined
    }

    /// One value of a test.
    private mutating func part(_ test: SigmaRule.Test, _ value: SigmaRule.Value, _ slot: Int32, _ shared: Int32?) throws(SigmaRule.Flaw) -> Program.Expr {
        if test.has("exists") {
            let there = exists(slot)
            return value == .bool(true) ? there : .not(there)
        }
        if let order = ["gt", "gte", "lt", "lte"].first(where: test.has).flatMap(Program.Order.init), case .number(let text) = value, let number = Exact(Array(text.utf8)) {
            let atom = atom()
            slots[Int(slot)].numbers.append((order, number, atom))
            return .atom(atom)
        }
        if test.has("fieldref"), case .text(let other) = value {
            let (b, atom) = (self.slot(other), atom())
            slots[Int(slot)].isReferred = true
            slots[Int(b)].isReferred = true
            let shape: Program.Shape = test.has("contains") ? .contains : test.has("startswith") ? .starts : test.has("endswith") ? .ends : .equals
            references.append(.init(a: slot, b: b, shape: shape, cased: test.has("cased"), atom: atom))
            return .atom(atom)
        }
        switch value {
        case .null: return .not(exists(slot))
        case .bool(let flag):
            let atom = shared ?? atom()
            slots[Int(slot)].bools.append((flag, atom))
            try place(Pattern(flag ? "true" : "false", normaliser), slot, atom, cased: false)
            return .atom(atom)
        case .number(let text), .text(let text):
            let atom = shared ?? atom()
            if test.has("re") {
                try expression(.init(text: Expressions.Source.folded(text, normaliser), ignoresCase: test.has("i"), multiline: test.has("m"), dotAll: test.has("s")), slot, atom)
                return .atom(atom)
            }
            let (contains, starts, ends) = (test.has("contains"), test.has("startswith"), test.has("endswith"))
            if case .number = value, !contains, !starts, !ends, let number = Exact(Array(text.utf8)) { slots[Int(slot)].numbers.append((.eq, number, atom)) }
            let cased = test.has("cased")
            try place(Pattern(text, normaliser, before: contains || ends, behind: contains || starts), slot, atom, cased: cased, text: text, test)
            return .atom(atom)
        }
    }

    /// Where a pattern is looked for, and what it sets.
    private mutating func place(_ pattern: Pattern, _ slot: Int32, _ atom: Int32, cased: Bool, text: String = "", _ test: SigmaRule.Test? = nil) throws(SigmaRule.Flaw) {
        if slot >= 0 { slots[Int(slot)].hasText = true }
        if pattern.pieces.isEmpty {
            guard slot >= 0 else { return }
            return slots[Int(slot)].empty.append(atom)
        }
        if pattern.pieces == [.any] {
            guard slot >= 0 else { return }
            return slots[Int(slot)].present.append(atom)
        }
        if !cased, let (units, before, behind) = pattern.simple {
            let shape: Program.Shape = before ? (behind ? .contains : .ends) : behind ? .starts : .equals
            return phrase(units, .init(slot: slot, atom: atom, shape: shape, more: -1))
        }
        let number = Int32(patterns.count)
        if cased, let test {
            let exact = Pattern(text, normaliser, before: test.has("contains") || test.has("endswith"), behind: test.has("contains") || test.has("startswith"), cased: true)
            patterns.append((exact, true))
        } else {
            patterns.append((pattern, false))
        }
        if let longest = pattern.longest {
            phrase(longest, .init(slot: slot, atom: atom, shape: .pattern, more: number))
        } else if slot >= 0 {
            slots[Int(slot)].patterns.append((number, atom))
        }
    }

    private mutating func expression(_ source: Expressions.Source, _ slot: Int32, _ atom: Int32) throws(SigmaRule.Flaw) {
        slots[Int(slot)].hasText = true
        let number: Int32
        if let known = sourceOf[source] {
            number = known
        } else {
            number = Int32(sources.count)
            sourceOf[source] = number
            sources.append(source)
        }
        let needed = Expressions.needed(source.text)?.map { normaliser.units($0) }
        guard let needed, !needed.contains([]) else { return slots[Int(slot)].expressions.append((number, atom)) }
        for units in needed { phrase(units, .init(slot: slot, atom: atom, shape: .expression, more: number)) }
    }
}

extension Condition {
    /// Selections that count for it, not against.
    func positives(_ all: [String], _ sign: Bool = true) -> Set<String> {
        switch self {
        case .selection(let name): return sign ? [name] : []
        case .not(let inner): return inner.positives(all, !sign)
        case .and(let parts), .or(let parts): return parts.reduce(into: []) { $0.formUnion($1.positives(all, sign)) }
        case .some(_, let pattern): return sign ? Set(all.filter { Condition.fits($0, pattern) }) : []
        }
    }

    func expr(_ all: [String], _ exprs: [String: Program.Expr]) -> Program.Expr {
        switch self {
        case .selection(let name): return exprs[name]!
        case .not(let inner): return .not(inner.expr(all, exprs))
        case .and(let parts): return .and(parts.map { $0.expr(all, exprs) })
        case .or(let parts): return .or(parts.map { $0.expr(all, exprs) })
        case .some(let every, let pattern):
            let some = all.filter { Condition.fits($0, pattern) }.map { exprs[$0]! }
            return every ? .and(some) : .or(some)
        }
    }
}
