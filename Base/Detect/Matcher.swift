import Kernel

/// What a rule found in a listing (命中).
package struct Hit: Sendable {
    package struct Match: Sendable, Hashable {
        package let selection: String
        /// `name`, `imageText[2]`.
        package let field: String
        /// Unicode code points from the start of the field's value, as in the W3C text position selector.
        package let start: Int
        package let end: Int
        package let text: String
        package init(selection: String, field: String, start: Int, end: Int, text: String) {
            (self.selection, self.field, self.start, self.end, self.text) = (selection, field, start, end, text)
        }
    }
    package let rule: Int
    package let matches: [Match]
}

/// One thread's place to match listings (匹配器): buffers that are used again, so that a listing costs no allocation.
package final class Matcher {
    package struct Result: Sendable {
        package let id: String
        package let observedAt: String?
        package let hits: [Hit]
        /// What a rule would have found, had nothing been excused (除外语境中的命中): for a person who wants to be sure.
        package let excused: [Hit]
        /// Of the fields that correlations ask for, the first value of each; empty where nothing was hit.
        package let values: [String: String]
    }
    /// A line that is no listing.
    package struct Bad: Error, Sendable, CustomStringConvertible {
        package let description: String
    }

    private let program: Program
    // Plain memory of the program's, which lives as long as this does.
    private let slots: UnsafeMutablePointer<Program.Slot>
    private let uses: UnsafeMutablePointer<Program.Use>
    private let usesOf: UnsafeMutablePointer<Int32>
    private let folded = TextBuffer()
    private let kept = TextBuffer()
    private let atoms: UnsafeMutablePointer<UInt8>
    private var dirty: [Int32] = []
    private var spare: [JSONText.Occurrence] = []
    private typealias Note = (atom: Int32, occurrence: Int32, start: UInt32, end: UInt32)
    private var notes: [Note] = []
    private var excused: [Note] = []
    private var woken: [UInt32]
    private var round: UInt32 = 0
    private var scratch: Expressions.Scratch?
    private var excuseScratch: Expressions.Scratch?
    private let text = ByteBuffer()
    private var wanted: [(expression: Int32, atom: Int32)] = []
    private var tried: [Int32] = []
    /// A listing that hits everywhere is told with so many places.
    private static let most = 400

    package init(_ program: Program) {
        self.program = program
        (slots, uses, usesOf) = (program.slots.p, program.uses.p, program.usesOf.p)
        atoms = .allocate(capacity: max(1, program.atoms))
        atoms.initialize(repeating: 0, count: max(1, program.atoms))
        woken = Array(repeating: 0, count: program.compiled.count)
        scratch = program.expressions.flatMap { Expressions.Scratch($0) }
        excuseScratch = program.excuses.flatMap { Expressions.Scratch($0) }
    }
    deinit { atoms.deallocate() }

    /// Matches one listing against all rules.
    /// - Errors: where the line is no JSON object, no UTF-8, or has no id.
    package func scan(_ line: UnsafeBufferPointer<UInt8>) throws(Bad) -> Result {
        guard line.count < Int(Int32.max) else { throw Bad(description: "the line is too long") }
        var walk = JSONText(line, program.root, everything: program.everything, reusing: spare)
        do { try walk.walk() } catch { throw Bad(description: "no JSON at byte \(error.at): \(error.what)") }
        let found = walk.found
        defer {
            spare = found
            for atom in dirty { atoms[Int(atom)] = 0 }
            dirty.removeAll(keepingCapacity: true)
            notes.removeAll(keepingCapacity: true)
            excused.removeAll(keepingCapacity: true)
        }
        var id: String?
        var observed: String?
        for (i, occurrence) in found.enumerated() {
            let slice = UnsafeBufferPointer(rebasing: line[Int(occurrence.start)..<Int(occurrence.end)])
            // Marketplaces number what they sell: a number is its digits.
            if occurrence.slot == 0, occurrence.index < 0, occurrence.kind == .string || occurrence.kind == .number { id = JSONText.text(slice, escaped: occurrence.escaped) }
            if occurrence.slot == 1, occurrence.index < 0, occurrence.kind == .string { observed = JSONText.text(slice, escaped: occurrence.escaped) }
            try look(occurrence, Int32(i), slice)
        }
        guard let id, !id.isEmpty else { throw Bad(description: "id is missing, or neither text nor a number") }
        for reference in program.references { refer(reference, found, line) }
        excuse(found, line)
        let hits = judge(found, line)
        var values: [String: String] = [:]
        if !hits.isEmpty {
            for (name, slot) in program.captured {
                guard let o = found.first(where: { $0.slot == slot && $0.kind != .object }) else { continue }
                values[name] = JSONText.text(UnsafeBufferPointer(rebasing: line[Int(o.start)..<Int(o.end)]), escaped: o.escaped)
            }
        }
        return Result(id: id, observedAt: observed, hits: hits, excused: excused.isEmpty ? [] : spared(hits, found, line), values: values)
    }

    // MARK: One value

    private func set(_ atom: Int32, _ occurrence: Int32, _ start: UInt32, _ end: UInt32) {
        if atoms[Int(atom)] == 0 {
            atoms[Int(atom)] = 1
            dirty.append(atom)
        }
        if notes.count < Matcher.most { notes.append((atom, occurrence, start, end)) }
    }

    private func look(_ o: JSONText.Occurrence, _ index: Int32, _ slice: UnsafeBufferPointer<UInt8>) throws(Bad) {
        guard o.slot >= 0 else { return try read(o, index, slice, nil) }
        let slot = slots + Int(o.slot)
        if !slot.pointee.present.isEmpty { for atom in slot.pointee.present { set(atom, index, 0, 0) } }
        guard o.kind != .object else { return }
        if slot.pointee.hasMore { ask(o, index, slice, slot.pointee) }
        guard slot.pointee.hasText || program.everything else { return }
        try read(o, index, slice, slot)
    }

    /// What is asked of a value beside its text: its size, whether it is true, whether it is empty.
    private func ask(_ o: JSONText.Occurrence, _ index: Int32, _ slice: UnsafeBufferPointer<UInt8>, _ slot: Program.Slot) {
        if !slot.numbers.isEmpty, o.kind == .number || o.kind == .string, let value = Exact(slice) {
            for (order, limit, atom) in slot.numbers {
                // A text that reads as a number is compared in size, but equals a number only as a number.
                let sign = Exact.compare(value, limit)
                let holds =
                    switch order {
                    case .gt: sign > 0
                    case .gte: sign >= 0
                    case .lt: sign < 0
                    case .lte: sign <= 0
                    case .eq: sign == 0 && o.kind == .number
                    }
                if holds { set(atom, index, 0, UInt32(slice.count)) }
            }
        }
        if o.kind == .bool { for (flag, atom) in slot.bools where flag == (slice.first == 116) { set(atom, index, 0, UInt32(slice.count)) } }
        if slice.isEmpty { for atom in slot.empty { set(atom, index, 0, 0) } }
    }

    private func read(_ o: JSONText.Occurrence, _ index: Int32, _ slice: UnsafeBufferPointer<UInt8>, _ slot: UnsafeMutablePointer<Program.Slot>?) throws(Bad) {
        guard program.normaliser.fill(folded, slice, escaped: o.escaped) else { throw Bad(description: "a text at byte \(o.start) is no UTF-8, or an escape is none") }
        wanted.removeAll(keepingCapacity: true)
        tried.removeAll(keepingCapacity: true)
        let (units, origin, count) = (folded.units, folded.origin, folded.count)
        let (uses, usesOf) = (uses, usesOf)
        let slotNumber = o.slot
        var keptFilled = false
        func fillKept() { if !keptFilled { keptFilled = program.normaliser.fill(kept, slice, escaped: o.escaped, cased: true) } }
        func fit(_ number: Int32, _ atom: Int32) {
            let (pattern, cased) = program.patterns[Int(number)]
            if cased { fillKept() }
            let buffer = cased ? kept : folded
            guard let range = pattern.fits(buffer.units, buffer.count) else { return }
            set(atom, index, buffer.origin[range.lowerBound], range.isEmpty ? buffer.origin[range.lowerBound] : buffer.origin[range.upperBound - 1] + 1)
        }
        program.phrases.scan(units, count) { id, from, to in
            for u in Int(usesOf[id])..<Int(usesOf[id + 1]) {
                let use = uses[u]
                guard use.slot == slotNumber || use.slot < 0 else { continue }
                switch use.shape {
                case .contains: break
                case .starts: if from != 0 { continue }
                case .ends: if to != count { continue }
                case .equals: if from != 0 || to != count { continue }
                case .pattern:
                    if !tried.contains(use.more) {
                        tried.append(use.more)
                        fit(use.more, use.atom)
                    }
                    continue
                case .expression:
                    if !wanted.contains(where: { $0.expression == use.more && $0.atom == use.atom }) { wanted.append((use.more, use.atom)) }
                    continue
                }
                set(use.atom, index, origin[from], origin[to - 1] + 1)
            }
        }
        guard let slot else { return }
        if !slot.pointee.patterns.isEmpty { for (number, atom) in slot.pointee.patterns { fit(number, atom) } }
        if !slot.pointee.expressions.isEmpty { wanted += slot.pointee.expressions }
        if !wanted.isEmpty {
            fillKept()
            express(index)
        }
    }

    private func express(_ index: Int32) {
        guard let expressions = program.expressions, let scratch else { return }
        for (id, start, end) in places(expressions, scratch) { for (expression, atom) in wanted where Int(expression) == id { set(atom, index, start, end) } }
    }

    /// Where expressions stand in `kept`, the text with its letters as they are: written as UTF-8 anew, places lead back by units.
    private func places(_ expressions: Expressions, _ scratch: Expressions.Scratch) -> [(id: Int, start: UInt32, end: UInt32)] {
        let count = kept.count
        text.reserve(count * 3 + 8)
        let (units, bytes, unitOf) = (kept.units, text.bytes, text.unitOf)
        var n = 0
        var i = 0
        @inline(__always) func put(_ byte: UInt32, _ mark: Int) {
            bytes[n] = UInt8(truncatingIfNeeded: byte)
            unitOf[n] = UInt32(mark)
            n += 1
        }
        while i < count {
            let (unit, mark) = (UInt32(units[i]), i)
            if unit < 0x80 {
                put(unit, mark)
            } else if unit < 0x800 {
                put(0xC0 | unit >> 6, mark)
                put(0x80 | unit & 0x3F, mark)
            } else if (0xD800...0xDBFF).contains(unit), i + 1 < count {
                let c = 0x10000 + (unit - 0xD800) << 10 + (UInt32(units[i + 1]) - 0xDC00)
                put(0xF0 | c >> 18, mark)
                put(0x80 | c >> 12 & 0x3F, mark)
                put(0x80 | c >> 6 & 0x3F, mark)
                put(0x80 | c & 0x3F, mark)
                i += 1
            } else {
                put(0xE0 | unit >> 12, mark)
                put(0x80 | unit >> 6 & 0x3F, mark)
                put(0x80 | unit & 0x3F, mark)
            }
            i += 1
        }
        return expressions.scan(UnsafeBufferPointer(start: bytes, count: n), scratch).map { id, from, to in
            let start = from < n ? kept.origin[Int(unitOf[from])] : kept.origin[kept.count]
            return (id, start, to > from ? kept.origin[Int(unitOf[to - 1])] + 1 : start)
        }
    }

    /// Two fields of one listing, each value of one with each of the other.
    private func refer(_ r: Program.Reference, _ found: [JSONText.Occurrence], _ line: UnsafeBufferPointer<UInt8>) {
        func slice(_ o: JSONText.Occurrence) -> UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(rebasing: line[Int(o.start)..<Int(o.end)]) }
        func units(_ o: JSONText.Occurrence) -> [UInt16] {
            _ = program.normaliser.fill(kept, slice(o), escaped: o.escaped, cased: r.cased)
            return Array(kept.slice)
        }
        for (i, a) in found.enumerated() where a.slot == r.a && a.kind != .object {
            for b in found where b.slot == r.b && b.kind != .object {
                let holds: Bool
                if r.shape == .equals, a.kind == .number, b.kind == .number, let x = Exact(slice(a)), let y = Exact(slice(b)) {
                    holds = Exact.compare(x, y) == 0
                } else {
                    let (x, y) = (units(a), units(b))
                    holds =
                        switch r.shape {
                        case .starts: x.starts(with: y)
                        case .ends: x.count >= y.count && x.suffix(y.count).elementsEqual(y)
                        case .contains: y.isEmpty || (x.count >= y.count && (0...(x.count - y.count)).contains { x[$0..<($0 + y.count)].elementsEqual(y) })
                        default: x == y
                        }
                }
                if holds { set(r.atom, Int32(i), 0, 0) }
            }
        }
    }

    /// Takes back what was found in a passage that the rule excuses: what touches one does not count.
    private func excuse(_ found: [JSONText.Occurrence], _ line: UnsafeBufferPointer<UInt8>) {
        guard let excuses = program.excuses, let excuseScratch, notes.contains(where: { $0.end > $0.start && program.isExcusing[Int(program.owners[Int($0.atom)].rule)] }) else {
            return
        }
        var passages: [(rule: Int32, occurrence: Int32, start: UInt32, end: UInt32)] = []
        for index in Set(notes.lazy.filter { $0.end > $0.start }.map(\.occurrence)).sorted() {
            let o = found[Int(index)]
            guard program.normaliser.fill(kept, UnsafeBufferPointer(rebasing: line[Int(o.start)..<Int(o.end)]), escaped: o.escaped, cased: true) else { continue }
            for (id, start, end) in places(excuses, excuseScratch) { passages.append((program.excusing[id], index, start, end)) }
        }
        guard !passages.isEmpty else { return }
        var taken: Set<Int32> = []
        notes.removeAll { note in
            guard note.end > note.start else { return false }
            let rule = program.owners[Int(note.atom)].rule
            let touched = passages.contains { $0.rule == rule && $0.occurrence == note.occurrence && $0.start < note.end && note.start < $0.end }
            if touched {
                taken.insert(note.atom)
                excused.append(note)
            }
            return touched
        }
        for atom in taken where !notes.contains(where: { $0.atom == atom }) { atoms[Int(atom)] = 0 }
    }

    /// The rules that found nothing, but would have in what was excused; told with what they would have found.
    private func spared(_ hits: [Hit], _ found: [JSONText.Occurrence], _ line: UnsafeBufferPointer<UInt8>) -> [Hit] {
        for note in excused { atoms[Int(note.atom)] = 1 }
        notes += excused
        let rules = Set(excused.map { Int(program.owners[Int($0.atom)].rule) })
        return program.compiled.filter { rule in rules.contains(rule.rule) && !hits.contains { $0.rule == rule.rule } && rule.condition.holds(atoms) }.map { hit($0, found, line) }
    }

    // MARK: All rules

    private func judge(_ found: [JSONText.Occurrence], _ line: UnsafeBufferPointer<UInt8>) -> [Hit] {
        guard !dirty.isEmpty || !program.always.isEmpty else { return [] }
        round &+= 1
        if round == 0 {
            for i in woken.indices { woken[i] = 0 }
            round = 1
        }
        var fired: [Int32] = []
        func tryRule(_ i: Int32) {
            guard woken[Int(i)] != round else { return }
            woken[Int(i)] = round
            if program.compiled[Int(i)].condition.holds(atoms) { fired.append(i) }
        }
        for atom in dirty { for rule in program.wakes[Int(atom)] { tryRule(rule) } }
        for rule in program.always { tryRule(rule) }
        guard !fired.isEmpty else { return [] }
        return fired.sorted().map { hit(program.compiled[Int($0)], found, line) }
    }

    private func hit(_ rule: Program.Compiled, _ found: [JSONText.Occurrence], _ line: UnsafeBufferPointer<UInt8>) -> Hit {
        var matches: Set<Hit.Match> = []
        for note in notes {
            let owner = program.owners[Int(note.atom)]
            guard Int(owner.rule) == rule.rule else { continue }
            let selection = rule.selections[Int(owner.selection)]
            guard selection.positive, selection.expr.holds(atoms) else { continue }
            let o = found[Int(note.occurrence)]
            let path = o.slot >= 0 ? program.slots[Int(o.slot)].path : "*"
            let text = Array(JSONText.text(UnsafeBufferPointer(rebasing: line[Int(o.start)..<Int(o.end)]), escaped: o.escaped).unicodeScalars)
            let (start, end) = (min(Int(note.start), text.count), min(Int(note.end), text.count))
            var part = String.UnicodeScalarView()
            part.append(contentsOf: text[start..<max(start, end)])
            matches.insert(.init(selection: selection.name, field: Matcher.name(path, o.index), start: start, end: end, text: String(part)))
        }
        return Hit(
            rule: rule.rule, matches: matches.sorted { a, b in (a.selection, a.field, a.start, a.end) < (b.selection, b.field, b.start, b.end) })
    }

    /// `imageText[2]`, `transcript[3].text`: the element stands behind the first part of the name.
    private static func name(_ path: String, _ index: Int32) -> String {
        guard index >= 0 else { return path }
        let parts = path.split(separator: ".", maxSplits: 1)
        return parts.count == 1 ? "\(path)[\(index)]" : "\(parts[0])[\(index)].\(parts[1])"
    }
}
