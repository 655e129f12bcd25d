import Kernel

/// A row as an engine gave it (行): values by column name, typed at the door.
package struct Row: Sendable {
    package final class Columns: Sendable {
        package let names: [String]
        private let index: [String: Int]
        package init(_ names: [String]) {
            self.names = names
            index = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
        }
        func position(_ name: String) -> Int? { index[name] }
    }

    package let columns: Columns
    package let values: [Value]
    package init(columns: Columns, values: [Value]) {
        self.columns = columns
        self.values = values
    }

    /// The column's value; a column that the statement does not have is an error of ours and stops the request.
    package subscript(_ name: String) -> Value {
        guard let position = columns.position(name) else { preconditionFailure("no column \(name) among \(columns.names)") }
        return values[position]
    }

    package func int(_ name: String) -> Int64 { int(at: self[name], name) }
    package func optionalInt(_ name: String) -> Int64? {
        if case .null = self[name] { return nil }
        return int(name)
    }
    package func count(_ name: String) -> Int { Int(int(name)) }
    package func bool(_ name: String) -> Bool { int(name) != 0 }
    package func string(_ name: String) -> String {
        guard case .text(let text) = self[name] else { preconditionFailure("column \(name) holds \(self[name]), not text") }
        return text
    }
    package func optionalString(_ name: String) -> String? {
        if case .text(let text) = self[name] { return text }
        return nil
    }
    package func double(_ name: String) -> Double {
        switch self[name] {
        case .real(let d): d
        case .int(let i): Double(i)
        default: preconditionFailure("column \(name) holds \(self[name]), not a number")
        }
    }
    package func blob(_ name: String) -> [UInt8] {
        guard case .blob(let bytes) = self[name] else { preconditionFailure("column \(name) holds no bytes") }
        return bytes
    }
    package func optionalBlob(_ name: String) -> [UInt8]? {
        if case .blob(let bytes) = self[name] { return bytes }
        return nil
    }
    package func day(_ name: String) -> Day {
        guard let day = Day(string(name)) else { preconditionFailure("column \(name) holds \(string(name)), not a day") }
        return day
    }
    package func optionalDay(_ name: String) -> Day? { optionalString(name).flatMap { Day($0) } }
    package func moment(_ name: String) -> Moment { Moment(milliseconds: int(name)) }
    package func optionalMoment(_ name: String) -> Moment? { optionalInt(name).map { Moment(milliseconds: $0) } }
    package func money(_ name: String) -> Money { Money(fen: int(name)) }
    package func optionalMoney(_ name: String) -> Money? { optionalInt(name).map { Money(fen: $0) } }
    package func id<E>(_ name: String, _: E.Type = E.self) -> ID<E> { ID(int(name)) }
    package func optionalID<E>(_ name: String, _: E.Type = E.self) -> ID<E>? { optionalInt(name).map { ID($0) } }

    private func int(at value: Value, _ name: String) -> Int64 {
        guard case .int(let i) = value else { preconditionFailure("column \(name) holds \(value), not an integer") }
        return i
    }
}
