import Kernel

/// A value that both engines store: TEXT, INTEGER, REAL, BLOB or NULL.
package enum Value: Hashable, Sendable {
    case null
    case int(Int64)
    case real(Double)
    case text(String)
    case blob([UInt8])
}

/// What may be bound to a parameter.
package protocol Bindable {
    var value: Value { get }
}
extension Value: Bindable { package var value: Value { self } }
extension Int: Bindable { package var value: Value { .int(Int64(self)) } }
extension Int64: Bindable { package var value: Value { .int(self) } }
extension Bool: Bindable { package var value: Value { .int(self ? 1 : 0) } }
extension Double: Bindable { package var value: Value { .real(self) } }
extension String: Bindable { package var value: Value { .text(self) } }
extension [UInt8]: Bindable { package var value: Value { .blob(self) } }
extension Day: Bindable { package var value: Value { .text(description) } }
extension Moment: Bindable { package var value: Value { .int(milliseconds) } }
extension Money: Bindable { package var value: Value { .int(fen) } }
extension ID: Bindable { package var value: Value { .int(raw) } }
extension Optional: Bindable where Wrapped: Bindable {
    package var value: Value { self?.value ?? .null }
}

/// SQL text with its parameters (语句). `"… WHERE id = \(id)"` binds; nothing is ever pasted but what says `raw:`.
package struct SQL: ExpressibleByStringInterpolation, Sendable {
    /// The text with `?` where a parameter stands; no literal of ours holds a question mark.
    package private(set) var text: String
    package private(set) var arguments: [Value]

    package init(stringLiteral value: String) {
        text = value
        arguments = []
    }

    package struct StringInterpolation: StringInterpolationProtocol {
        var text = ""
        var arguments: [Value] = []
        package init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount * 2)
            arguments.reserveCapacity(interpolationCount)
        }
        package mutating func appendLiteral(_ literal: String) { text += literal }
        package mutating func appendInterpolation(_ value: some Bindable) { bind(value.value) }
        package mutating func appendInterpolation<B: Bindable>(_ value: B?) { bind(value?.value ?? .null) }
        /// A state, a kind: an enum over strings is bound as its raw value.
        package mutating func appendInterpolation<E: RawRepresentable>(_ value: E) where E.RawValue == String { bind(.text(value.rawValue)) }
        package mutating func appendInterpolation<E: RawRepresentable>(_ value: E?) where E.RawValue == String { bind(value.map { .text($0.rawValue) } ?? .null) }
        /// A list for `IN (…)`; an empty one matches nothing on either engine.
        package mutating func appendInterpolation(list values: [some Bindable]) {
            guard !values.isEmpty else { return appendLiteral("NULL") }
            for (i, value) in values.enumerated() {
                if i > 0 { text += ", " }
                bind(value.value)
            }
        }
        /// Text of our own, never a visitor's: a column, a direction.
        package mutating func appendInterpolation(raw text: String) { self.text += text }
        /// A piece of SQL with its own parameters.
        package mutating func appendInterpolation(_ piece: SQL) {
            text += piece.text
            arguments += piece.arguments
        }
        private mutating func bind(_ value: Value) {
            arguments.append(value)
            text += "?"
        }
    }

    package init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        arguments = stringInterpolation.arguments
    }

    package static func + (a: SQL, b: SQL) -> SQL { "\(a)\(b)" }

    /// Conditions joined by AND; `1 = 1` where there is none.
    package static func all(_ conditions: [SQL]) -> SQL {
        guard var sum = conditions.first else { return "1 = 1" }
        for condition in conditions.dropFirst() { sum = "\(sum) AND \(condition)" }
        return sum
    }

    /// An insert of one row.
    static func insert(into table: String, _ columns: [String], _ row: [Value]) -> SQL {
        var sql: SQL = "INSERT INTO \(raw: table) (\(raw: columns.joined(separator: ", "))) VALUES (\(list: row))"
        if row.isEmpty { sql = "INSERT INTO \(raw: table) DEFAULT VALUES" }
        return sql
    }
}
