import Formats
import Foundation
import Kernel

/// What more than one listing tells (比对特征): computed when a listing is taken in, then plain fields to the rules under `features`.
///
/// Pure: history and registers come in, an object goes out. Shares and scores have at most four decimals; prices are yuan.
package enum Features {
    package static let key = "features"

    /// A price and sales as they once were, oldest first.
    package struct Past: Sendable {
        package let at: Moment
        package let price: Money?
        package let sold: Int?
        package init(at: Moment, price: Money?, sold: Int?) { (self.at, self.price, self.sold) = (at, price, sold) }
    }

    /// What the registers know of who sells.
    package struct SellerFacts: Sendable {
        /// Its state in the register of operators; nil: not found there.
        package var status: String?
        package var registeredName: String?
        /// What all shops of the same operator or contact took in twelve months.
        package var turnover12m: Money?
        /// Shops under the same contact, this one too.
        package var shopsByContact = 0
        /// Kinds of permit on record, with the day until which each holds.
        package var permits: [(kind: String, number: String, until: Day?)] = []
        package init() {}
    }

    /// A word of a category and the permit that its goods need.
    package struct PermitKind: Sendable {
        package let word: String
        package let kind: String
        package init(word: String, kind: String) { (self.word, self.kind) = (word, kind) }
    }

    package static func of(_ l: Listing, past: [Past], seller: SellerFacts, failedGoods: Set<String> = [], certificates: [String: Day?]? = nil, permitKinds: [PermitKind] = [])
        -> JSON
    {
        var groups: [(String, JSON)] = []
        func add(_ name: String, _ pairs: [(String, JSON?)]) {
            let known = pairs.compactMap { pair in pair.1.map { (pair.0, $0) } }
            if !known.isEmpty { groups.append((name, .object(known))) }
        }
        add("price", prices(l, past))
        add("sales", sales(l, past))
        add("reviews", reviews(l))
        add("seller", about(l, seller))
        add("licence", licence(l, seller))
        add("permit", permit(l, seller, permitKinds))
        add("live", live(l))
        add("product", product(l, failedGoods, certificates))
        return .object(groups)
    }

    static func number(_ value: Double) -> JSON {
        let scaled = (value * 10_000).rounded()
        guard scaled.isFinite, abs(scaled) < 1e15 else { return .null }
        let whole = Int64(abs(scaled))
        let (head, tail) = (whole / 10_000, whole % 10_000)
        let decimals = String(repeating: "0", count: 4 - String(tail).count) + String(tail)
        return .number("\(scaled < 0 ? "-" : "")\(head).\(decimals)")
    }

    // MARK: Price

    /// Law: O56 art. 16(2): without details a compared price is at most the lowest of the seven days before, else the last one before.
    private static func prices(_ l: Listing, _ past: [Past]) -> [(String, JSON?)] {
        let before = past.filter { $0.at < l.observedAt && $0.price != nil }
        let week = before.filter { $0.at >= l.observedAt.adding(seconds: -7 * 86_400) }
        let base = week.compactMap(\.price).min() ?? before.last?.price
        var pairs: [(String, JSON?)] = [("low7", week.compactMap(\.price).min().map { .number($0.plain) }), ("base", base.map { .number($0.plain) })]
        if let base, let list = l.listPrice, let price = l.price, list > price, base.fen > 0 {
            pairs.append(("listOverBase", number(Double(list.fen - base.fen) / Double(base.fen))))
        }
        // The rise within fifteen days before a cut, and the cut itself.
        let recent = before.filter { $0.at >= l.observedAt.adding(seconds: -15 * 86_400) }.compactMap(\.price)
        if let price = l.price, let last = recent.last, last > price, last.fen > 0 {
            pairs.append(("cut", number(Double(last.fen - price.fen) / Double(last.fen))))
            if let low = recent.min(), low.fen > 0 { pairs.append(("riseBeforeCut", number(Double(last.fen - low.fen) / Double(low.fen)))) }
            if let low = recent.min() { pairs.append(("cutBelowLow", .bool(price < low))) }
        }
        return pairs + variants(l)
    }

    /// A range whose lower end nobody can buy: the cheapest variant is sold out, or is no variant of the goods at all.
    private static func variants(_ l: Listing) -> [(String, JSON?)] {
        guard let offers = l.json["offers"], let items = offers["offers"]?.array, items.count >= 2 else { return [] }
        let all = items.compactMap { item -> (name: String, price: Money, open: Bool)? in
            guard case .number(let n)? = item["price"], let price = Money(yuan: n) else { return nil }
            return (item["name"]?.string ?? "", price, !(item["availability"]?.string ?? "InStock").hasSuffix("OutOfStock"))
        }
        guard all.count >= 2 else { return [] }
        let open = all.filter(\.open)
        var pairs: [(String, JSON?)] = []
        let shown = offers["lowPrice"].flatMap { value -> Money? in if case .number(let n) = value { Money(yuan: n) } else { nil } } ?? l.price
        if let shown, let lowest = open.map(\.price).min() { pairs.append(("lowNotObtainable", .bool(shown < lowest))) }
        let rest = open.sorted { $0.price < $1.price }
        if let bait = rest.first, rest.count >= 2 {
            let others = rest.dropFirst().map(\.price.fen).sorted()
            let median = others[others.count / 2]
            let odd = ["差价", "补差", "邮费", "运费", "定金", "样品", "小样", "配件", "链接", "勿拍", "咨询", "客服", "包装袋", "赠品"].contains { bait.name.contains($0) }
            pairs.append(("baitVariant", .bool(odd && median > 0 && Double(bait.price.fen) < 0.3 * Double(median))))
        }
        return pairs
    }

    // MARK: Sales and reviews

    private static func sales(_ l: Listing, _ past: [Past]) -> [(String, JSON?)] {
        let before = past.filter { $0.at < l.observedAt }.compactMap(\.sold).suffix(60)
        guard let now = l.sold, before.count >= 5 else { return [] }
        let mean = Double(before.reduce(0, +)) / Double(before.count)
        let variance = before.reduce(0) { $0 + pow(Double($1) - mean, 2) } / Double(before.count)
        // A shop that always sold the same has no spread: a tenth of its mean, and one at least, stands for it.
        let spread = max(variance.squareRoot(), mean / 10, 1)
        return [("z", number((Double(now) - mean) / spread)), ("growth", mean > 0 ? number(Double(now) / mean) : nil), ("history", .int(before.count))]
    }

    private static func reviews(_ l: Listing) -> [(String, JSON?)] {
        guard let items = l.json["reviews"]?.array, items.count >= 5 else { return [] }
        var days: [String: Int] = [:]
        var texts: [String: Int] = [:]
        var written = 0
        for item in items {
            if let at = item["at"]?.string { days[String(at.prefix(10)), default: 0] += 1 }
            let plain = String((item["text"]?.string ?? "").unicodeScalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil }.map(Character.init))
            // Short praise is alike by nature.
            guard plain.count >= 8 else { continue }
            written += 1
            texts[plain, default: 0] += 1
        }
        let repeated = texts.values.filter { $0 > 1 }.reduce(0, +)
        return [
            ("count", .int(items.count)), ("duplicateShare", written >= 5 ? number(Double(repeated) / Double(written)) : nil),
            ("dayShare", days.values.max().map { number(Double($0) / Double(items.count)) }),
        ]
    }

    // MARK: Who sells

    private static func about(_ l: Listing, _ s: SellerFacts) -> [(String, JSON?)] {
        guard l.seller != nil else { return [] }
        return [
            ("status", .string(s.status ?? "unknown")), ("turnover12m", s.turnover12m.map { .number($0.plain) }),
            ("shopsByContact", s.shopsByContact > 0 ? .int(s.shopsByContact) : nil),
        ]
    }

    /// Law: EC art. 15: the licence is shown at the front page; what is shown equals the register.
    private static func licence(_ l: Listing, _ s: SellerFacts) -> [(String, JSON?)] {
        guard let seller = l.seller, l.kind == "shop" || seller.licenceShown != nil else { return [] }
        let shown = seller.licenceShown ?? (seller.taxID != nil)
        var state = shown ? "shown" : "missing"
        if shown, let code = seller.taxID {
            if (try? USCC(code)) == nil {
                state = "wrong-code"
            } else if s.status == nil {
                state = "not-in-register"
            } else if let legal = l.json["seller"]?["legalName"]?.string, let name = s.registeredName, plain(legal) != plain(name) {
                state = "name-differs"
            } else {
                state = "equal"
            }
        }
        return [("state", .string(state))]
    }
    private static func plain(_ name: String) -> String { name.filter { $0.isLetter || $0.isNumber }.lowercased() }

    /// Which permit the goods need, by category, and whether it is there.
    ///
    /// Which category needs which permit is a list, `Models/lists/permit_categories.csv`, with the article of each.
    private static func permit(_ l: Listing, _ s: SellerFacts, _ kinds: [PermitKind]) -> [(String, JSON?)] {
        guard let kind = kinds.first(where: { l.category.contains($0.word) })?.kind else { return [] }
        let day = l.observedAt.day
        let held = s.permits.filter { $0.kind == kind }
        let shown = l.json["seller"]?["permits"]?.array?.compactMap { $0["kind"]?.string == kind ? $0["number"]?.string : nil } ?? []
        let state: String =
            if held.contains(where: { $0.until ?? day >= day }) {
                shown.isEmpty || shown.contains { number in held.contains { $0.number == number } } ? "valid" : "number-differs"
            } else if !held.isEmpty {
                "expired"
            } else {
                shown.isEmpty ? "missing" : "not-on-record"
            }
        return [("kind", .string(kind)), ("state", .string(state))]
    }
    // MARK: Live

    private static func live(_ l: Listing) -> [(String, JSON?)] {
        guard l.kind == "live" else { return [] }
        var pairs: [(String, JSON?)] = []
        let n = l.json["interaction"]
        func value(_ name: String) -> Double? { n?[name]?.double }
        if let orders = value("orders"), let cancelled = value("cancelled24h"), orders >= 20 { pairs.append(("cancelledShare", number(cancelled / orders))) }
        if let viewers = value("viewers"), let comments = value("comments"), viewers >= 1000 { pairs.append(("viewersPerComment", number(viewers / max(1, comments)))) }
        if let likes = value("likes"), let viewers = value("viewers"), viewers >= 100 { pairs.append(("likesPerViewer", number(likes / viewers))) }
        if let turnover = value("turnover"), let paid = value("paidOrders"), let price = l.price, price.fen > 0, paid >= 1 {
            pairs.append(("turnoverPerOrderOverPrice", number(turnover / paid / (Double(price.fen) / 100))))
        }
        // What was said against what is written: the first price after each “只要、到手、仅需”.
        if let price = l.price, let said = l.json["transcript"]?.array?.compactMap({ $0["text"]?.string.flatMap(spoken) }), let lowest = said.min() {
            pairs.append(("lowestPriceSaid", .number(lowest.plain)))
            pairs.append(("saidBelowListed", .bool(lowest < price)))
        }
        pairs.append(("gaps", l.json["transcript"]?.array.map { items in .int(items.count { $0["gap"]?.bool == true }) }))
        return pairs
    }

    /// A price that a speaker names: digits before 元 or 块 after a word that offers.
    static func spoken(_ text: String) -> Money? {
        guard let match = text.firstMatch(of: /(?:只要|只需|到手|仅需|一共|价格是|直播价|今天)[^0-9]{0,6}([0-9]{1,6}(?:\.[0-9]{1,2})?)(?:元|块)/) else { return nil }
        return Money(yuan: String(match.1))
    }

    // MARK: Goods

    private static func product(_ l: Listing, _ failed: Set<String>, _ certificates: [String: Day?]?) -> [(String, JSON?)] {
        var pairs: [(String, JSON?)] = []
        let numbers = [l.json["gtin"]?.string, l.json["batch"]?.string, l.json["model"]?.string].compactMap { $0 }
        if !failed.isEmpty { pairs.append(("failed", .bool(numbers.contains(where: failed.contains)))) }
        if let certificates, let number = l.json["certificate"]?.string {
            let state: String =
                switch certificates[number] {
                case nil: "not-found"
                case .some(let until): until.map { $0 < l.observedAt.day } ?? false ? "expired" : "valid"
                }
            pairs.append(("certificate", .string(state)))
        }
        // The label as it is photographed against what the page says.
        if let label = l.json["label"], label.isObject {
            let differing = ["name", "ingredients", "producer", "shelfLife", "netContent"].filter { key in
                guard let a = l.json["food"]?[key]?.string ?? (key == "name" ? nil : l.json[key]?.string), let b = label[key]?.string else { return false }
                return plain(a) != plain(b)
            }
            pairs.append(("labelDiffers", .array(differing.map(JSON.string))))
        }
        return pairs
    }
}
