import Detect
import Dispatch
import Foundation
import Kernel
import Statute

/// Listings as NDJSON in, hits as NDJSON out (批量检测): in input order whatever the number of threads; a line that is no
/// listing is reported with its number and counted, never fatal.
package struct Scan: Sendable {
    let library: ModelLibrary
    let program: Program
    let modelOf: [Int]
    /// What a hit says of its rule: how it begins, and how it ends from which day on.
    let heads: [(head: [UInt8], tails: [(from: Day?, tail: [UInt8])])]

    /// Whether what was found only in excused passages is written too, marked as such.
    private let excused: Bool
    /// What was looked at on no day that a line tells was looked at now.
    private let today: Day

    package struct Counts: Sendable {
        package var listings = 0
        package var hits = 0
        package var bad = 0
        package var bytes = 0
        package init() {}
    }

    package init(_ library: ModelLibrary, law: LawRegister, today: Day, plain: Bool = false, excused: Bool = false, cache: URL? = nil) throws {
        self.excused = excused
        self.today = today
        self.library = library
        (program, modelOf) = try library.program(plain: plain, cache: cache)
        // What a hit says of its rule is the same every time: it is written once.
        heads = zip(program.rules, modelOf).map { rule, m in
            let model = library.models[m]
            let head = JSON.object([("model", .string(model.id)), ("rule", .string(rule.id)), ("title", .string(rule.title)), ("level", .string(rule.level))]).text
            func tail(_ basis: [Model.Card.Basis]) -> [UInt8] {
                let text = JSON.object([
                    ("law", .array(basis.map { .object([("law", .string(law.shortTitle($0.article.law))), ("article", .string($0.article.brackets))]) })),
                    ("exemptions", .array(model.card.exemptions.map { .string($0.zh) })),
                ]).text
                return Array(text.dropFirst().dropLast().utf8)
            }
            // Only articles that bind on the listing's day are cited; the days on which one begins or has ended part the time.
            let days = Set(model.card.law.flatMap { [$0.from, $0.to.map { $0.adding(days: 1) }].compactMap { $0 } }).sorted()
            let first = model.card.law.filter { $0.from == nil }
            let tails = [(from: Day?.none, tail: tail(first))] + days.map { (from: $0, tail: tail(model.card.law(on: $0))) }
            return (Array(head.dropFirst().dropLast().utf8), tails)
        }
    }

    /// What came of a stretch of lines.
    struct Part: Sendable {
        var out: [UInt8] = []
        /// Where correlations ask for it: what each listing with a hit was, and how far the output went then.
        var events: [(at: Int, result: Matcher.Result)] = []
        var bad: [(line: Int, what: String)] = []
        var lines = 0
        var listings = 0
        var hits = 0
    }

    /// - Parameters:
    ///   - read: yields more bytes, or none at the end.
    ///   - write: takes hits in input order.
    ///   - complain: a line that is no listing.
    package func run(threads: Int, read: () throws -> Data?, write: ([UInt8]) throws -> Void, complain: (Int, String) -> Void) throws -> Counts {
        var correlator = program.correlator
        let matchers = (0..<max(1, threads)).map { _ in Box(Matcher(program)) }
        var counts = Counts()
        var rest = Data()
        var line = 1
        var ended = false
        while !ended {
            // A round: whole lines for each thread.
            var pieces: [Data] = []
            while pieces.count < matchers.count {
                guard let more = try read(), !more.isEmpty else {
                    ended = true
                    if !rest.isEmpty { pieces.append(rest) }
                    rest = Data()
                    break
                }
                guard let last = more.lastIndex(of: 10) else {
                    rest.append(more)
                    guard rest.count < 1 << 28 else { throw Refusal.invalid("/line", Text("第\(line)行超过256MB", "Line \(line) is longer than 256 MB")) }
                    continue
                }
                var piece = rest
                piece.append(more[...last])
                pieces.append(piece)
                rest = Data(more[(last + 1)...])
            }
            guard !pieces.isEmpty else { break }
            let ready = pieces
            let parts = Parts(count: ready.count)
            if ready.count == 1 {
                parts.set(0, part(ready[0], matchers[0].matcher))
            } else {
                DispatchQueue.concurrentPerform(iterations: ready.count) { i in parts.set(i, part(ready[i], matchers[i].matcher)) }
            }
            for (i, part) in parts.all.enumerated() {
                for (n, what) in part.bad { complain(line + n, what) }
                line += part.lines
                counts.listings += part.listings
                counts.hits += part.hits
                // Correlations see the listings one after another, and their hits stand behind that of the last one.
                var done = 0
                for (at, result) in part.events {
                    guard let moment = result.observedAt.flatMap({ Moment($0) }) else { continue }
                    let event = Correlator.Event(seconds: moment.milliseconds / 1000, hits: result.hits, values: result.values)
                    let more = correlator.take(event) { rule in [program.rules[rule].id, program.rules[rule].name, program.rules[rule].title].compactMap { $0 } }
                    guard !more.isEmpty else { continue }
                    try write(Array(part.out[done..<at]))
                    done = at
                    var extra = Part()
                    for hit in more { self.write(hit, result, to: &extra) }
                    counts.hits += extra.hits
                    try write(extra.out)
                }
                try write(done == 0 ? part.out : Array(part.out[done...]))
                counts.bad += part.bad.count
                counts.bytes += ready[i].count
            }
        }
        return counts
    }

    private func part(_ data: Data, _ matcher: Matcher) -> Part {
        var part = Part()
        data.withUnsafeBytes { raw in
            let bytes = raw.bindMemory(to: UInt8.self)
            var start = 0
            while start < bytes.count {
                let rest = bytes.count - start
                let found = memchr(bytes.baseAddress! + start, 10, rest)
                let end = found.map { UnsafeRawPointer($0) - UnsafeRawPointer(bytes.baseAddress!) } ?? bytes.count
                var stop = end
                if stop > start, bytes[stop - 1] == 13 { stop -= 1 }
                if stop > start {
                    do throws(Matcher.Bad) {
                        let result = try matcher.scan(UnsafeBufferPointer(rebasing: bytes[start..<stop]))
                        part.listings += 1
                        for hit in result.hits where !program.correlator.silent.contains(hit.rule) { write(hit, result, to: &part) }
                        if excused { for hit in result.excused { write(hit, result, excused: true, to: &part) } }
                        if !program.correlator.isEmpty, !result.hits.isEmpty { part.events.append((part.out.count, result)) }
                    } catch { part.bad.append((part.lines, error.description)) }
                }
                part.lines += 1
                start = end + 1
            }
        }
        return part
    }

    private func write(_ hit: Hit, _ result: Matcher.Result, excused: Bool = false, to part: inout Part) {
        if !excused { part.hits += 1 }
        part.out += Array("{\"listing\":".utf8)
        JSON.string(result.id).write(to: &part.out)
        part.out.append(44)
        part.out += heads[hit.rule].head
        part.out += Array(",\"matches\":[".utf8)
        for (i, match) in hit.matches.enumerated() {
            if i > 0 { part.out.append(44) }
            JSON.object([
                ("selection", .string(match.selection)), ("field", .string(match.field)), ("start", .int(match.start)), ("end", .int(match.end)), ("text", .string(match.text)),
            ]).write(to: &part.out)
        }
        part.out += Array("],".utf8)
        let day = result.observedAt.flatMap { Moment($0)?.day } ?? today
        part.out += heads[hit.rule].tails.last { tail in tail.from.map { $0 <= day } ?? true }?.tail ?? []
        if excused { part.out += Array(",\"excused\":true".utf8) }
        part.out += Array(",\"observedAt\":".utf8)
        JSON.text(result.observedAt).write(to: &part.out)
        part.out += [125, 10]
    }

    /// A matcher belongs to one thread of a round.
    private struct Box: @unchecked Sendable {
        let matcher: Matcher
        init(_ matcher: Matcher) { self.matcher = matcher }
    }
    /// Parts written by index, each by one thread.
    private final class Parts: @unchecked Sendable {
        private(set) var all: [Part]
        private let lock = NSLock()
        init(count: Int) { all = Array(repeating: Part(), count: count) }
        func set(_ i: Int, _ part: Part) { lock.withLock { all[i] = part } }
    }
}
