import Kernel
import Web

/// A listing's texts with the words marked that hit (标注): by code points, so that what the engine counted is what is shown.
enum Marked {
    static func fields(_ h: HTML, _ body: JSON, _ matches: JSON) {
        var byField: [(String, [(Int, Int)])] = []
        for match in matches.array ?? [] {
            guard let field = match["field"]?.string, let start = match["start"]?.int, let end = match["end"]?.int else { continue }
            if let i = byField.firstIndex(where: { $0.0 == field }) { byField[i].1.append((start, end)) } else { byField.append((field, [(start, end)])) }
        }
        if byField.isEmpty { h.p("small text-muted mb-0", Text("按数值或缺失项命中，见商品页。", "Hit by numbers or by what is missing: see the listing.")) }
        h.definitions {
            for (field, places) in byField {
                guard let value = value(of: field, in: body) else { continue }
                h.definition(name(field)) { mark(h, value, places) }
            }
        }
    }

    static func mark(_ h: HTML, _ text: String, _ places: [(Int, Int)]) {
        let scalars = Array(text.unicodeScalars)
        func part(_ range: Range<Int>) -> String {
            var s = String.UnicodeScalarView()
            s.append(contentsOf: scalars[range])
            return String(s)
        }
        // A long text is shown around what hit.
        var at = 0
        for (start, end) in merged(places, scalars.count) {
            if start > at { h.text(start - at > 160 && at > 0 || start > 160 && at == 0 ? "…" + part(max(at, start - 80)..<start) : part(at..<start)) }
            h.element("mark", text: part(start..<end))
            at = end
        }
        if at < scalars.count { h.text(scalars.count - at > 160 ? part(at..<at + 80) + "…" : part(at..<scalars.count)) }
    }

    private static func merged(_ places: [(Int, Int)], _ count: Int) -> [(Int, Int)] {
        var out: [(Int, Int)] = []
        for (start, end) in places.map({ (max(0, min($0.0, count)), max(0, min($0.1, count))) }).filter({ $0.0 < $0.1 }).sorted(by: { $0 < $1 }) {
            if let last = out.last, start <= last.1 { out[out.count - 1].1 = max(last.1, end) } else { out.append((start, end)) }
        }
        return out
    }

    /// `imageText[2]`, `transcript[1].text`, `features.price.base`.
    static func value(of field: String, in body: JSON) -> String? {
        var json: JSON? = body
        for part in field.split(separator: ".") {
            let name = part.prefix { $0 != "[" }
            json = json?[String(name)]
            if let open = part.firstIndex(of: "["), let i = Int(part[part.index(after: open)...].dropLast()), let items = json?.array { json = i < items.count ? items[i] : nil }
        }
        switch json {
        case .string(let s)?: return s
        case .number(let n)?: return n
        case .bool(let b)?: return b ? "true" : "false"
        default: return nil
        }
    }

    /// What a field is called on the page.
    static func name(_ field: String) -> Text {
        let head = String(field.prefix { $0 != "[" && $0 != "." })
        let words: [String: Text] = [
            "name": Text("名称", "Name"), "description": Text("描述", "Description"), "imageText": Text("图片文字", "Words in a picture"), "terms": Text("须知条款", "Terms"),
            "transcript": Text("直播话术", "Speech"), "reviews": Text("评价", "Review"), "offers": Text("价格", "Price"), "category": Text("类目", "Category"),
            "seller": Text("商家", "Seller"),
            "brand": Text("品牌", "Brand"), "features": Text("比对特征", "Compared"), "checkout": Text("结算页", "Checkout"), "label": Text("标签", "Label"), "sales": Text("销量", "Sales"),
        ]
        guard let known = words[head] else { return Text(verbatim: field) }
        return head == "features" ? Text("\(known.zh) \(field.dropFirst(9))", "\(known.en) \(field.dropFirst(9))") : known
    }
}

/// Prices as a table that a script draws as a line.
enum PriceTable {
    static func write(_ h: HTML, _ prices: [(at: Moment, price: Money?, list: Money?)]) {
        h.element("table", "table queue chart-data", [.init("data-chart", "line")]) {
            h.element("thead") {
                h.tr {
                    h.th(Text("日期", "Day"))
                    h.th(Text("售价（元）", "Price (yuan)"))
                    h.th(Text("划线价（元）", "Compared price (yuan)"))
                }
            }
            h.element("tbody") {
                for entry in prices {
                    h.tr {
                        h.td(nil, entry.at.day.description)
                        h.td("number", entry.price?.plain ?? "")
                        h.td("number", entry.list?.plain ?? "")
                    }
                }
            }
        }
    }
}
