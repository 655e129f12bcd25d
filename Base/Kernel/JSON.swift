/// A JSON value (RFC 8259) with numbers kept as they were written: money never passes through binary floating point.
package enum JSON: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSON])
    case object([(key: String, value: JSON)])

    package static func == (a: JSON, b: JSON) -> Bool { a.text == b.text }
    package func hash(into hasher: inout Hasher) { hasher.combine(text) }

    package subscript(_ key: String) -> JSON? {
        if case .object(let pairs) = self { return pairs.last { $0.key == key }?.value }
        return nil
    }
    package var string: String? { if case .string(let s) = self { s } else { nil } }
    package var bool: Bool? { if case .bool(let b) = self { b } else { nil } }
    package var array: [JSON]? { if case .array(let a) = self { a } else { nil } }
    package var isNull: Bool { if case .null = self { true } else { false } }
    package var int: Int? { if case .number(let n) = self { Int(n) } else { nil } }
    package var isObject: Bool { if case .object = self { true } else { false } }

    package static func int(_ i: some BinaryInteger) -> JSON { .number(String(i)) }
    package static func text(_ s: String?) -> JSON { s.map(JSON.string) ?? .null }

    /// Compact, keys in the order given, slashes not escaped.
    package var text: String {
        var out: [UInt8] = []
        write(to: &out)
        return String(decoding: out, as: UTF8.self)
    }

    package func write(to out: inout [UInt8]) {
        switch self {
        case .null: out += Array("null".utf8)
        case .bool(let b): out += Array((b ? "true" : "false").utf8)
        case .number(let n): out += Array(n.utf8)
        case .string(let s): JSON.quote(s, to: &out)
        case .array(let a):
            out.append(UInt8(ascii: "["))
            for (i, value) in a.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                value.write(to: &out)
            }
            out.append(UInt8(ascii: "]"))
        case .object(let pairs):
            out.append(UInt8(ascii: "{"))
            for (i, pair) in pairs.enumerated() {
                if i > 0 { out.append(UInt8(ascii: ",")) }
                JSON.quote(pair.key, to: &out)
                out.append(UInt8(ascii: ":"))
                pair.value.write(to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
    }

    private static func quote(_ s: String, to out: inout [UInt8]) {
        out.append(34)
        for byte in s.utf8 {
            switch byte {
            case 34: out += [92, 34]
            case 92: out += [92, 92]
            case 10: out += [92, 110]
            case 13: out += [92, 114]
            case 9: out += [92, 116]
            case 0..<32:
                let digits = Array("0123456789abcdef".utf8)
                out += [92, 117, 48, 48, digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            default: out.append(byte)
            }
        }
        out.append(34)
    }

    /// - Errors: `Refusal` with the byte at which it stops being JSON. At most 64 levels deep.
    package init(parsing bytes: [UInt8]) throws(Refusal) {
        var parser = Parser(bytes: bytes)
        self = try parser.document()
    }

    private struct Parser {
        let bytes: [UInt8]
        var at = 0
        init(bytes: [UInt8]) { self.bytes = bytes }

        mutating func document() throws(Refusal) -> JSON {
            if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
            let value = try value(depth: 0)
            blanks()
            guard at == bytes.count else { throw bad() }
            return value
        }

        func bad() -> Refusal { Refusal.invalid("", Text("第\(at)字节起不是有效的 JSON", "Not valid JSON from byte \(at)")) }
        var next: UInt8? { at < bytes.count ? bytes[at] : nil }
        mutating func blanks() { while let c = next, c == 32 || c == 10 || c == 13 || c == 9 { at += 1 } }
        mutating func word(_ text: StaticString) throws(Refusal) {
            for i in 0..<text.utf8CodeUnitCount {
                guard next == text.utf8Start[i] else { throw bad() }
                at += 1
            }
        }

        mutating func value(depth: Int) throws(Refusal) -> JSON {
            guard depth < 64 else { throw bad() }
            blanks()
            guard let c = next else { throw bad() }
            switch c {
            case UInt8(ascii: "n"):
                try word("null")
                return .null
            case UInt8(ascii: "t"):
                try word("true")
                return .bool(true)
            case UInt8(ascii: "f"):
                try word("false")
                return .bool(false)
            case 34: return .string(try string())
            case UInt8(ascii: "["): return try list(depth)
            case UInt8(ascii: "{"): return try pairs(depth)
            default: return try number()
            }
        }

        mutating func list(_ depth: Int) throws(Refusal) -> JSON {
            at += 1
            var items: [JSON] = []
            blanks()
            if next == UInt8(ascii: "]") {
                at += 1
                return .array([])
            }
            while true {
                items.append(try value(depth: depth + 1))
                blanks()
                guard let c = next else { throw bad() }
                at += 1
                if c == UInt8(ascii: "]") { return .array(items) }
                guard c == UInt8(ascii: ",") else { throw bad() }
            }
        }

        mutating func pairs(_ depth: Int) throws(Refusal) -> JSON {
            at += 1
            var pairs: [(key: String, value: JSON)] = []
            blanks()
            if next == UInt8(ascii: "}") {
                at += 1
                return .object([])
            }
            while true {
                blanks()
                guard next == 34 else { throw bad() }
                let key = try string()
                blanks()
                guard next == UInt8(ascii: ":") else { throw bad() }
                at += 1
                pairs.append((key, try value(depth: depth + 1)))
                blanks()
                guard let c = next else { throw bad() }
                at += 1
                if c == UInt8(ascii: "}") { return .object(pairs) }
                guard c == UInt8(ascii: ",") else { throw bad() }
            }
        }

        mutating func number() throws(Refusal) -> JSON {
            let start = at
            if next == UInt8(ascii: "-") { at += 1 }
            let first = at
            while let c = next, (48...57).contains(c) { at += 1 }
            guard at > first, bytes[first] != 48 || at == first + 1 else { throw bad() }
            if next == UInt8(ascii: ".") {
                at += 1
                let fraction = at
                while let c = next, (48...57).contains(c) { at += 1 }
                guard at > fraction else { throw bad() }
            }
            if let c = next, c == UInt8(ascii: "e") || c == UInt8(ascii: "E") {
                at += 1
                if let s = next, s == UInt8(ascii: "+") || s == UInt8(ascii: "-") { at += 1 }
                let exponent = at
                while let c = next, (48...57).contains(c) { at += 1 }
                guard at > exponent else { throw bad() }
            }
            return .number(String(decoding: bytes[start..<at], as: UTF8.self))
        }

        mutating func string() throws(Refusal) -> String {
            at += 1
            var out: [UInt8] = []
            while let c = next {
                at += 1
                switch c {
                case 34:
                    guard let text = String(validating: out, as: UTF8.self) else { throw bad() }
                    return text
                case 0..<32: throw bad()
                case 92: try escape(&out)
                default: out.append(c)
                }
            }
            throw bad()
        }

        mutating func escape(_ out: inout [UInt8]) throws(Refusal) {
            guard let e = next else { throw bad() }
            at += 1
            switch e {
            case 34, 92, 47: out.append(e)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "b"): out.append(8)
            case UInt8(ascii: "f"): out.append(12)
            case UInt8(ascii: "u"):
                var unit = try hex()
                if (0xD800..<0xDC00).contains(unit) {
                    guard next == 92, at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u") else { throw bad() }
                    at += 2
                    let low = try hex()
                    guard (0xDC00..<0xE000).contains(low) else { throw bad() }
                    unit = 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
                }
                // U+0000 is refused: no engine's text can hold it.
                guard unit > 0, let scalar = Unicode.Scalar(unit) else { throw bad() }
                out += Array(String(Character(scalar)).utf8)
            default: throw bad()
            }
        }

        mutating func hex() throws(Refusal) -> UInt32 {
            var value: UInt32 = 0
            for _ in 0..<4 {
                guard let c = next, let digit = Character(Unicode.Scalar(c)).hexDigitValue, c < 128 else { throw bad() }
                value = value << 4 | UInt32(digit)
                at += 1
            }
            return value
        }
    }
}
