/// The key of a row of one kind: a complaint's cannot be given where an operator's is asked.
package struct ID<Entity>: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let raw: Int64
    package init(_ raw: Int64) { self.raw = raw }
    package init?(_ text: some StringProtocol) {
        guard let raw = Int64(text), raw > 0 else { return nil }
        self.raw = raw
    }
    package var description: String { String(raw) }
    package static func < (a: Self, b: Self) -> Bool { a.raw < b.raw }
}

/// A thing of another domain, held without importing it: what it is and its key.
package struct Reference: Hashable, Sendable {
    package let kind: String
    package let id: Int64
    package init(kind: String, id: Int64) {
        self.kind = kind
        self.id = id
    }
}
