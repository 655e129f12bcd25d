import Kernel
import Platform
import Store
import Web

/// A listing's texts with the words marked that hit (标注): by code points, so that what the engine counted is what is shown.
enum Marked {
    /// The text as it was when it was hit, of hits `h` on listings `i`: where that version was kept, else as it is now.
    static let body: SQL = "COALESCE(v.body, i.body)"
    static let versions: SQL = "LEFT JOIN monitoring_versions v ON v.listing = h.listing AND v.hash = substr(h.body_hash, 1, 32)"

    /// What a listing reads later than when it was hit: when it was looked at again, or as it is.
    struct Later: Sendable {
        let body: JSON
        let at: Moment
        let again: Bool
        var title: Text { again ? Text("复查时（\(at.minuteText)）", "when looked at again, \(at.minuteText)") : Text("目前（\(at.minuteText)采集）", "now, as seen \(at.minuteText)") }
    }
    /// A hit as pages show it.
    struct Found: Sendable {
        let listing: Int64
        let name: String
        let body: JSON
        let matches: JSON
        let at: Moment
        let later: Later?
    }

    /// The hits of a lead, each with what its listing reads since: while the shop may still correct as it is now, after that as it was looked at again.
    static func found(_ lead: Lead, _ files: FileStore, _ tx: Transaction) throws -> [Found] {
        // What was compared stands in what was kept when the lead was found.
        let kept = (try? files.read(lead.bodyHash)).flatMap { try? JSON(parsing: $0) }
        let isOpen = [LeadMoves.detected, LeadMoves.screened, LeadMoves.notified, LeadMoves.verifying].contains(lead.matter.state)
        return try tx.all(
            """
            SELECT h.listing, h.matches, h.at, h.after_hash, h.after_at, i.name, i.last_at, i.body AS now_body, \(Marked.body) AS body, (SELECT words FROM monitoring_words w WHERE w.listing = h.listing) AS words
            FROM monitoring_hits h JOIN monitoring_listings i ON i.id = h.listing \(Marked.versions) WHERE h.lead = \(lead.matter.id) ORDER BY h.id LIMIT 20
            """
        ).map { row in
            let listing = row.int("listing")
            let after = (try row.optionalString("after_hash").map { try JSON(parsing: files.read($0)) }).flatMap { body in
                row.optionalMoment("after_at").map { Later(body: body, at: $0, again: true) }
            }
            let words = row.optionalString("words").map(PictureWords.list) ?? []
            let now = (try? JSON(parsing: Array(row.string("now_body").utf8))).map { Later(body: PictureWords.merged($0, words), at: row.moment("last_at"), again: false) }
            let written = try PictureWords.merged(JSON(parsing: Array(row.string("body").utf8)), words)
            let body = listing == lead.listing ? kept ?? written : written
            return Found(
                listing: listing, name: body["name"]?.string ?? row.string("name"), body: body, matches: try JSON(parsing: Array(row.string("matches").utf8)), at: row.moment("at"),
                later: isOpen ? now : after ?? now)
        }
    }

    /// - Parameter later: what was hit then stands beside what is there since.
    static func fields(_ h: HTML, _ body: JSON, _ matches: JSON, later: Later? = nil) {
        var byField: [(String, [(Int, Int)])] = []
        var gone: [(String, String)] = []
        for match in matches.array ?? [] {
            guard let field = match["field"]?.string, let start = match["start"]?.int, let end = match["end"]?.int else { continue }
            // A page that has changed since has other words there: what stood there is shown, nothing else is marked.
            if isWritten(field), let was = match["text"]?.string, value(of: field, in: body).map({ part($0, start..<end) }) != was {
                gone.append((field, was))
                continue
            }
            if let i = byField.firstIndex(where: { $0.0 == field }) { byField[i].1.append((start, end)) } else { byField.append((field, [(start, end)])) }
        }
        if byField.isEmpty, gone.isEmpty { h.p("small text-muted mb-0", Text("按数值或缺失项命中，见商品页。", "Hit by numbers or by what is missing: see the listing.")) }
        h.definitions {
            for (field, places) in byField {
                guard let value = value(of: field, in: body) else { continue }
                if field.hasPrefix("features."), let (title, words) = feature(String(field.dropFirst("features.".count)), value) {
                    h.definition(title) { h.element("mark", text: h.say(words)) }
                    continue
                }
                h.definition(name(field)) {
                    mark(h, value, places)
                    if let later, isWritten(field) { compared(h, value, Marked.value(of: field, in: later.body), later.title) }
                }
            }
            for (i, (field, was)) in gone.enumerated() where !gone[..<i].contains(where: { $0 == (field, was) }) {
                h.definition(name(field)) {
                    h.element("mark", text: was)
                    h.text(Text("（当时的文字，页面已改变）", " (as it read then: the page has changed)"))
                }
            }
            // A claim may have moved: what else was rewritten since is shown too.
            guard let later else { return }
            for field in ["name", "description"] where !byField.contains(where: { $0.0 == field }) {
                guard let now = value(of: field, in: later.body), let was = value(of: field, in: body), now != was else { continue }
                h.definition(Text("\(name(field).zh)（也有改动）", "\(name(field).en) (changed as well)")) { compared(h, was, now, later.title) }
            }
        }
    }

    /// What is there later, where it is another text than was hit (整改前后对照): from where the two begin to differ.
    private static func compared(_ h: HTML, _ was: String, _ now: String?, _ title: Text) {
        guard now != was else { return }
        h.element("p", "now mb-0") {
            h.badge(title, "teal")
            guard let now else { return h.text(Text("已删除", "gone")) }
            let same = zip(was.unicodeScalars, now.unicodeScalars).prefix { $0 == $1 }.count
            let (from, count) = (max(0, same - 40), now.unicodeScalars.count)
            h.text((from > 0 ? "…" : "") + part(now, from..<min(count, from + 240)) + (count > from + 240 ? "…" : ""))
        }
    }

    /// An object as lines that a person reads: `售价：99`.
    static func flat(_ json: JSON, _ h: HTML) -> String {
        guard case .object(let pairs) = json else { return json.string ?? json.text }
        return pairs.map { key, value in
            let text: String =
                switch value {
                case .string(let s): s
                case .bool(let b): h.say(b ? Text("是", "yes") : Text("否", "no"))
                case .null: "—"
                default: value.text
                }
            return "\(h.say(name(key)))\(h.say(Text("：", ": ")))\(text)"
        }.joined(separator: "\n")
    }

    /// Code points of a text; what lies outside it is left out.
    private static func part(_ text: String, _ range: Range<Int>) -> String {
        var s = String.UnicodeScalarView()
        s.append(contentsOf: text.unicodeScalars.dropFirst(range.lowerBound).prefix(range.count))
        return String(s)
    }

    static func mark(_ h: HTML, _ text: String, _ places: [(Int, Int)]) {
        let scalars = Array(text.unicodeScalars)
        func part(_ range: Range<Int>) -> String { Marked.part(text, range) }
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

    /// The words that hit, without those that are part of another.
    static func whole(_ words: [String]) -> [String] {
        let all = Set(words.map(\.trimmed).filter { !$0.isEmpty })
        return all.filter { word in !all.contains { $0 != word && $0.contains(word) } }.sorted()
    }

    /// Whether a field is text that somebody wrote, not a number or a state.
    static func isWritten(_ field: String) -> Bool {
        ["name", "description", "imageText", "terms", "transcript", "reviews", "brand"].contains(String(field.prefix { $0 != "[" && $0 != "." }))
    }

    /// What was compared, in words: the feature's name, and its value as a person reads it.
    private static func feature(_ path: String, _ value: String) -> (title: Text, value: Text)? {
        func percent() -> Text { Double(value).map { Text(verbatim: "\(Int(($0 * 100).rounded()))%") } ?? Text(verbatim: value) }
        func yuan() -> Text { Text(verbatim: "¥\(value)") }
        func times() -> Text { Double(value).map { Text(verbatim: String(Int($0.rounded()))) } ?? Text(verbatim: value) }
        func yes(_ text: Text) -> Text { value == "true" ? text : Text("否", "no") }
        let states: [String: Text] = [
            "revoked": Text("吊销", "revoked"), "deregistered": Text("注销", "deregistered"), "unknown": Text("登记库中没有", "not in the register"), "missing": Text("没有", "none"),
            "expired": Text("已过期", "expired"), "not-on-record": Text("公示的编号没有记录", "the number shown is not on record"), "number-differs": Text("编号不一致", "another number"),
            "wrong-code": Text("信用代码有误", "a wrong credit code"), "not-in-register": Text("登记库中没有", "not in the register"),
            "name-differs": Text("名称与登记不一致", "another name than the register's"),
            "not-found": Text("查无此证书", "no such certificate"), "ingredients": Text("配料", "ingredients"), "producer": Text("生产者", "producer"),
            "shelfLife": Text("保质期", "shelf life"),
            "netContent": Text("净含量", "net content"), "name": Text("名称", "name"),
        ]
        func state() -> Text { states[value] ?? Text(verbatim: value) }
        switch path {
        case "price.listOverBase": return (Text("划线价高于比较基准", "Compared price above its base"), percent())
        case "price.riseBeforeCut": return (Text("降价前十五日内涨幅", "Rise in 15 days before the cut"), percent())
        case "price.cut": return (Text("本次降幅", "This cut"), percent())
        case "price.base": return (Text("比较基准（前七日最低价或最后一次价格）", "Base: lowest of 7 days, or the last price"), yuan())
        case "price.low7": return (Text("前七日最低价", "Lowest of 7 days"), yuan())
        case "price.lowNotObtainable": return (Text("展示的最低价", "Lowest price shown"), yes(Text("买不到", "cannot be had")))
        case "price.baitVariant": return (Text("最低价对应的选项", "What the lowest price is for"), yes(Text("不是商品本身", "not the goods")))
        case "seller.status": return (Text("登记状态", "In the register"), state())
        case "seller.turnover12m": return (Text("十二个月成交额", "Turnover of 12 months"), yuan())
        case "licence.state": return (Text("营业执照公示", "Licence shown"), state())
        case "permit.state": return (Text("许可", "Permit"), state())
        case "product.certificate": return (Text("认证证书", "Certificate"), state())
        case "product.failed": return (Text("不合格或者召回名录", "List of failing or recalled goods"), yes(Text("在列", "on it")))
        case "sales.z": return (Text("销量偏离（标准差倍数）", "Sales, in standard deviations"), times())
        case "reviews.duplicateShare": return (Text("重复评价比例", "Share of copied reviews"), percent())
        case "live.cancelledShare": return (Text("24小时取消订单比例", "Orders cancelled in 24 h"), percent())
        case "live.saidBelowListed": return (Text("口播价", "Price said"), yes(Text("低于链接价", "below the price listed")))
        default:
            if path.hasPrefix("product.labelDiffers") { return (Text("与标签不一致", "Differs from the label"), state()) }
            return nil
        }
    }

    /// What a number that a rule compares with is called on the page (指标名称).
    static func measure(_ field: String) -> Text {
        if field.hasPrefix("features."), let (title, _) = feature(String(field.dropFirst("features.".count)), "0") { return title }
        let words = field.split(separator: ".").map { name(String($0)) }
        return Text(words.map(\.zh).joined(separator: "·"), words.map(\.en).joined(separator: ", "))
    }

    /// What a field is called on the page.
    static func name(_ field: String) -> Text {
        let head = String(field.prefix { $0 != "[" && $0 != "." })
        let words: [String: Text] = [
            "name": Text("名称", "Name"), "description": Text("描述", "Description"), "imageText": Text("图片文字", "Words in a picture"), "terms": Text("须知条款", "Terms"),
            "transcript": Text("直播话术", "Speech"), "reviews": Text("评价", "Review"), "offers": Text("价格", "Price"), "category": Text("类目", "Category"),
            "seller": Text("商家", "Seller"),
            "price": Text("售价", "Price"), "listPrice": Text("划线价", "Compared price"), "lowPrice": Text("最低价", "Lowest price"), "priceCurrency": Text("币种", "Currency"),
            "id": Text("编号", "Id"), "taxID": Text("统一社会信用代码", "Credit code"), "licenceShown": Text("已亮照", "Licence shown"), "region": Text("地区", "Region"),
            "count30d": Text("近30天销量", "Sold in 30 days"), "amount30d": Text("近30天销售额", "Turnover of 30 days"), "platform": Text("平台", "Platform"), "url": Text("网址", "Address"),
            "kind": Text("类别", "Kind"), "observedAt": Text("采集时间", "Seen at"), "sku": Text("货号", "SKU"), "telephone": Text("电话", "Telephone"), "address": Text("地址", "Address"),
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
