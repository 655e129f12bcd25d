/// A rule said no (拒绝): what, about which field, under which article. Never a fault of ours.
package struct Refusal: Error, Hashable, Sendable {
    /// The stable word for programs; `status` is what the web answers.
    package enum Kind: String, Sendable {
        case invalid, unauthenticated, forbidden, notFound = "not-found", notAllowed = "not-allowed", conflict, tooLarge = "too-large", tooMany = "too-many", unavailable

        package var status: Int {
            switch self {
            case .invalid: 422
            case .unauthenticated: 401
            case .forbidden: 403
            case .notFound: 404
            case .notAllowed: 405
            case .conflict: 409
            case .tooLarge: 413
            case .tooMany: 429
            case .unavailable: 503
            }
        }
    }

    /// One field that is wrong: its JSON pointer (`/complainant/phone`) and what is wrong with it.
    package struct Field: Hashable, Sendable {
        package let pointer: String
        package let text: Text
        package init(_ pointer: String, _ text: Text) {
            self.pointer = pointer
            self.text = text
        }
    }

    package let kind: Kind
    package let text: Text
    package let fields: [Field]
    package let article: Article?

    package init(_ kind: Kind, _ text: Text, fields: [Field] = [], article: Article? = nil) {
        self.kind = kind
        self.text = text
        self.fields = fields
        self.article = article
    }

    package static func invalid(_ fields: [Field]) -> Refusal {
        Refusal(.invalid, Text("有\(fields.count)处需要更正", fields.count == 1 ? "One thing needs correcting" : "\(fields.count) things need correcting"), fields: fields)
    }
    package static func invalid(_ pointer: String, _ text: Text) -> Refusal { .invalid([Field(pointer, text)]) }
    package static let notFound = Refusal(.notFound, Text("没有找到，或者您无权查看", "Not found, or not yours to see"))
    package static let unauthenticated = Refusal(.unauthenticated, Text("请先登录", "Please sign in first"))
    package static func forbidden(_ permission: Permission) -> Refusal {
        Refusal(.forbidden, Text("您没有此项权限（\(permission)）", "You may not do this (\(permission))"))
    }
}

/// We failed (故障): told to the visitor as a number, to the log in full.
package struct Fault: Error, CustomStringConvertible, Sendable {
    package let description: String
    package init(_ description: String) { self.description = description }
}
