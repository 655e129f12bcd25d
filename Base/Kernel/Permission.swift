/// One thing that an account may do (权限), named after its domain: `disputes.decide`.
package struct Permission: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let description: String
    package init(_ name: String) { description = name }
    package init(stringLiteral value: String) { description = value }
}
