/// A constraint of the schema was hurt (约束冲突): a second row with the same key, a missing parent.
package struct Clash: Error, CustomStringConvertible, Sendable {
    package let description: String
    package let isUnique: Bool
    package init(description: String, isUnique: Bool) {
        self.description = description
        self.isUnique = isUnique
    }
}
