import Formats
import Kernel
import Platform

/// What somebody offers online (网络商品信息), as `scan`, `import listings` and the API take it: one JSON object, names of schema.org.
///
/// Only `id` is asked for. What we read is typed here; the object itself is kept as it came, unknown fields too.
package struct Listing: Sendable {
    package let id: String
    package let platform: String
    package let kind: String
    package let url: String
    package let name: String
    package let category: String
    package let price: Money?
    package let listPrice: Money?
    package let sold: Int?
    package let turnover: Money?
    package let seller: Seller?
    package let observedAt: Moment
    /// As it came, without the features that we compute.
    package let json: JSON

    package struct Seller: Sendable {
        package let ref: String
        package let platform: String
        package let name: String
        package let taxID: String?
        package let region: String
        package let contact: String?
        package let licenceShown: Bool?
    }

    static let kinds: Set<String> = ["listing", "shop", "live", "page"]
    /// Bytes of one listing.
    package static let maximumSize = 1 << 20

    /// - Errors: every field that is of the wrong shape, by JSON pointer.
    package init(_ json: JSON, at now: Moment) throws(Refusal) {
        guard case .object(let pairs) = json else { throw Refusal.invalid("", Text("应为 JSON 对象", "must be an object")) }
        var wrong: [Refusal.Field] = []
        func text(_ object: JSON?, _ key: String, _ pointer: String, _ most: Int) -> String? {
            guard let value = object?[key], !value.isNull else { return nil }
            guard let string = value.string else {
                // An id that is a number is its digits.
                if case .number(let n) = value, key == "id" { return n }
                wrong.append(.init(pointer, Text("应为文本", "must be a string")))
                return nil
            }
            guard string.count <= most, !string.contains("\0") else {
                wrong.append(.init(pointer, Text("不能超过\(most)字", "has at most \(most) characters")))
                return nil
            }
            return string
        }
        func money(_ object: JSON?, _ key: String, _ pointer: String) -> Money? {
            guard let value = object?[key], !value.isNull else { return nil }
            let written: String? =
                switch value {
                case .number(let n): n
                case .string(let s): s
                default: nil
                }
            guard let written, let money = Money(yuan: written) else {
                wrong.append(.init(pointer, Text("金额应为不小于0、最多两位小数的数字", "an amount is a number from 0 with at most two decimals")))
                return nil
            }
            return money
        }
        let id = (text(json, "id", "/id", 200) ?? "").trimmed
        if id.isEmpty { wrong.append(.init("/id", Text("请提供 id", "an id is needed"))) }
        kind = text(json, "kind", "/kind", 20) ?? "listing"
        if !Listing.kinds.contains(kind) { wrong.append(.init("/kind", Text("应为 listing、shop、live 或 page", "is listing, shop, live or page"))) }
        platform = (text(json, "platform", "/platform", 60) ?? "").trimmed
        url = text(json, "url", "/url", 1000) ?? ""
        name = text(json, "name", "/name", 1000) ?? ""
        category = text(json, "category", "/category", 200) ?? ""
        let offers = json["offers"]
        if let offers, !offers.isNull, !offers.isObject { wrong.append(.init("/offers", Text("应为对象", "must be an object"))) }
        price = money(offers, "price", "/offers/price")
        listPrice = money(offers, "listPrice", "/offers/listPrice")
        let sales = json["sales"]
        var sold: Int?
        if let count = sales?["count30d"], !count.isNull {
            sold = count.int.flatMap { $0 >= 0 ? $0 : nil }
            if sold == nil { wrong.append(.init("/sales/count30d", Text("应为不小于0的整数", "is a whole number from 0"))) }
        }
        self.sold = sold
        turnover = money(sales, "amount30d", "/sales/amount30d")
        seller = Listing.seller(json["seller"], platform, text)
        if let written = text(json, "observedAt", "/observedAt", 40) {
            let moment = Moment(written)
            if moment == nil { wrong.append(.init("/observedAt", Text("时间应为 2026-11-20T08:30:00+08:00 形式", "reads 2026-11-20T08:30:00+08:00"))) }
            // A clock that runs ahead by a day is somebody else's zone; more is a mistake.
            if let moment, moment > now.adding(seconds: 86_400) { wrong.append(.init("/observedAt", Text("时间不能晚于现在", "cannot be in the future"))) }
            observedAt = moment ?? now
        } else {
            observedAt = now
        }
        self.id = id
        self.json = .object(pairs.filter { $0.key != Features.key })
        if !wrong.isEmpty { throw .invalid(wrong) }
    }

    private static func seller(_ object: JSON?, _ platform: String, _ text: (JSON?, String, String, Int) -> String?) -> Seller? {
        guard let object, object.isObject else { return nil }
        let name = (text(object, "name", "/seller/name", 200) ?? "").trimmed
        let id = (text(object, "id", "/seller/id", 200) ?? "").trimmed
        guard !(id + name).isEmpty else { return nil }
        return Seller(
            ref: "\(platform)|\(id.isEmpty ? name : id)", platform: platform, name: name, taxID: text(object, "taxID", "/seller/taxID", 40).map { $0.trimmed.uppercased() },
            region: text(object, "region", "/seller/region", 12) ?? "", contact: text(object, "telephone", "/seller/telephone", 60)?.trimmed,
            licenceShown: object["licenceShown"]?.bool)
    }

    /// What its reader reads: name, description, terms, words in pictures, speech. Prices and sales are not among it.
    var text: String {
        var parts = [name]
        func add(_ value: JSON?) {
            switch value {
            case .string(let s)?: parts.append(s)
            case .array(let items)?: for item in items { add(item.string.map(JSON.string) ?? item["text"]) }
            default: break
            }
        }
        for key in ["description", "terms", "imageText", "transcript", "brand"] { add(json[key]) }
        return parts.joined(separator: "\n")
    }
    /// Two platforms may give one number to different things.
    var key: String { "\(platform)|\(id)" }
    var hash: String { Crypto.hex(Crypto.sha256(Array(json.text.utf8)).prefix(16)) }
    var textHash: String { Crypto.hex(Crypto.sha256(Array(text.utf8)).prefix(16)) }
}

extension JSON {
    /// The object with one field set, at its end.
    func setting(_ key: String, _ value: JSON) -> JSON {
        guard case .object(let pairs) = self else { return self }
        return .object(pairs.filter { $0.key != key } + [(key, value)])
    }
    /// A number as written, for arithmetic that may be inexact: ratios, scores.
    var double: Double? { if case .number(let n) = self { Double(n) } else { nil } }
}
