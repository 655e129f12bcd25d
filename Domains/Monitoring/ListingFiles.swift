import Formats
import Foundation
import Kernel
import Platform
import Store

/// Files of listings (商品信息文件): NDJSON, a JSON array, CSV and XLSX of platforms, saved pages with schema.org JSON-LD.
package enum ListingFiles {
    /// The columns under which platforms and shops' tools write them.
    package static let format = ImportFormat(
        kind: "listings",
        columns: [
            .init("id", ["商品ID", "商品编号", "宝贝ID", "item_id", "itemId", "nid", "编号"]),
            .init("name", ["商品名称", "标题", "宝贝标题", "商品标题", "title", "raw_title", "itemName", "goods", "名称"], required: true), .init("platform", ["平台", "平台名称"]),
            .init("url", ["链接", "网址", "商品链接", "商品网址", "item_url", "宝贝链接"]), .init("category", ["类目", "分类", "商品类目", "品类", "item_type", "itemsort", "sort"]),
            .init("brand", ["品牌", "品牌名"]), .init("price", ["价格", "现价", "售价", "商品价格", "成交价", "销售价", "view_price"]),
            .init("listPrice", ["原价", "划线价", "标价", "吊牌价", "市场价"]),
            .init("sold", ["销量", "月销量", "30天销量", "付款人数", "商品销量", "销售量", "view_sales", "deal", "sale_volume", "sales"]),
            .init("turnover", ["销售额", "月销售额", "30天销售额", "成交额", "sale_amount", "itemSaleAmount"]),
            .init("shop", ["店铺", "店铺名称", "店名", "商家", "网店名称", "店铺名", "store", "storeName", "nick", "name"]), .init("shopID", ["店铺ID", "店铺编号", "卖家ID", "seller_id"]),
            .init("taxID", ["统一社会信用代码", "信用代码", "商家信用代码"]), .init("region", ["区划", "行政区划"]), .init("phone", ["联系电话", "电话"]),
            .init("description", ["描述", "商品描述", "详情", "商品详情"]), .init("terms", ["须知", "服务条款", "购买须知", "条款"]),
            .init("seen", ["采集时间", "日期", "采集日期", "时间", "月份", "month"]),
        ])

    /// A row of a table as a listing.
    static func json(_ r: ImportRecord) -> JSON {
        func s(_ name: String) -> String? { r[name].isEmpty ? nil : r[name] }
        // `123+人付款`, `1.2万`: counts as marketplaces write them.
        func count(_ text: String?) -> JSON? {
            guard let text, let match = text.firstMatch(of: /([0-9]+(?:\.[0-9]+)?)\s*(万)?/), let n = Double(match.1) else { return nil }
            return .int(Int((n * (match.2 == nil ? 1 : 10_000)).rounded()))
        }
        func money(_ text: String?) -> JSON? { text.map { Money(yuan: $0).map { .number($0.plain) } ?? .string($0) } }
        func object(_ pairs: [(String, JSON?)]) -> JSON? {
            let known = pairs.compactMap { pair in pair.1.map { (pair.0, $0) } }
            return known.isEmpty ? nil : .object(known)
        }
        // Without a number of its own a row is known by its shop and its name.
        let id = s("id") ?? Crypto.hex(Crypto.sha256(Array("\(r["platform"])|\(r["shop"])|\(r["name"])".utf8)).prefix(8))
        return object([
            ("id", .string(id)), ("platform", s("platform").map(JSON.string)), ("url", s("url").map(JSON.string)), ("name", s("name").map(JSON.string)),
            ("description", s("description").map(JSON.string)), ("category", s("category").map(JSON.string)), ("brand", s("brand").map(JSON.string)),
            ("offers", object([("price", money(s("price"))), ("listPrice", money(s("listPrice"))), ("priceCurrency", s("price") == nil ? nil : .string("CNY"))])),
            ("sales", object([("count30d", count(s("sold"))), ("amount30d", money(s("turnover")))])),
            (
                "seller",
                object([
                    ("id", s("shopID").map(JSON.string)), ("name", s("shop").map(JSON.string)), ("taxID", s("taxID").map(JSON.string)), ("region", s("region").map(JSON.string)),
                    ("telephone", s("phone").map(JSON.string)),
                ])
            ), ("terms", s("terms").map { .array([.string($0)]) }), ("observedAt", s("seen").flatMap(moment).map { .string($0.isoText) }),
        ])!
    }

    /// An object of somebody else's, with their names for things, is read like a row of their table; ours stays as it is.
    static func known(_ json: JSON) -> JSON {
        guard case .object(let pairs) = json, json["id"] == nil else { return json }
        func plain(_ value: JSON) -> String {
            switch value {
            case .string(let s): s.trimmed
            case .number(let n): n
            case .array(let items): items.lazy.map(plain).first { !$0.isEmpty } ?? ""
            default: ""
            }
        }
        guard let map = try? format.map(header: pairs.map(\.key)) else { return json }
        return self.json(ImportRecord(line: 0, cells: pairs.map { plain($0.value) }, map: map))
    }

    /// A day, a month or a time as tables write them.
    private static func moment(_ text: String) -> Moment? {
        if let exact = Moment(text.split(separator: "/").joined(separator: "-")) { return exact }
        if let day = Transfer.day(text) { return Moment(day, hour: 12) }
        let digits = text.filter(\.isNumber)
        if digits.count == 6, let day = Day("\(digits.prefix(4))-\(digits.suffix(2))-01") { return Moment(day, hour: 12) }
        return nil
    }

    /// Reads a file of any of these forms and takes it in by batches; what is wrong goes to `FILE.rejected.csv`.
    package static func run(_ intake: Intake, file: String, by actor: String, progress: @escaping ImportKind.Progress) async throws -> ImportBatch {
        guard let data = try? Data(contentsOf: URL(fileURLWithPath: file), options: .mappedIfSafe) else {
            throw Refusal.invalid("/file", Text("无法读取文件 \(file)", "Cannot read the file \(file)"))
        }
        let head = data.prefix(4096)
        guard let start = head.first(where: { !" \t\r\n".utf8.contains($0) && ![0xEF, 0xBB, 0xBF].contains($0) }) else {
            throw Refusal.invalid("/file", Text("文件是空的", "The file is empty"))
        }
        let now = intake.desk.now
        switch start {
        case UInt8(ascii: "{"): return try await lines(data, intake, actor, file, progress)
        case UInt8(ascii: "["):
            let json = try JSON(parsing: Array(try Encodings.decode([UInt8](data)).text.utf8))
            return try await take((json.array ?? []).enumerated().map { ($0.offset + 1, known($0.element)) }, intake, actor, file, now, progress)
        case UInt8(ascii: "<"):
            let found = JSONLD.listings(in: try Encodings.decode([UInt8](data)).text, url: nil)
            guard !found.isEmpty else {
                throw Refusal.invalid("/file", Text("页面中没有 schema.org 商品信息（JSON-LD）", "The page holds no schema.org product (JSON-LD)"))
            }
            return try await take(found.enumerated().map { ($0.offset + 1, $0.element) }, intake, actor, file, now, progress)
        default:
            return try await Transfer.run(
                format, file: file, progress: progress, batchSize: Intake.batchSize, key: { "\($0["platform"])|\(json($0)["id"]?.string ?? "")|\($0["seen"])" }
            ) {
                records in
                try await write(records.map { ($0, json($0)) }, intake, actor, now)
            }
        }
    }

    private static func write(_ items: [(record: ImportRecord, json: JSON)], _ intake: Intake, _ actor: String, _ now: Moment) async throws -> ImportBatch {
        var batch = ImportBatch()
        var listings: [Listing] = []
        for (record, json) in items {
            do { listings.append(try Listing(json, at: now)) } catch {
                let field = error.fields.first
                batch.rejects.append(record.reject(column(field?.pointer ?? ""), field?.text ?? error.text))
            }
        }
        let outcome = try await intake.take(listings, by: actor)
        (batch.added, batch.changed, batch.same) = (outcome.added, outcome.changed, outcome.same)
        return batch
    }

    /// The table's column behind a field of a listing.
    private static func column(_ pointer: String) -> String {
        [
            "/offers/price": "price", "/offers/listPrice": "listPrice", "/sales/count30d": "sold", "/sales/amount30d": "turnover", "/seller/name": "shop", "/seller/taxID": "taxID",
            "/observedAt": "seen",
        ][pointer] ?? String(pointer.dropFirst())
    }

    private static func lines(_ data: Data, _ intake: Intake, _ actor: String, _ file: String, _ progress: @escaping ImportKind.Progress) async throws -> ImportBatch {
        var total = ImportBatch()
        var part: [(Int, [UInt8])] = []
        var number = 0
        let whole = data.count
        var done = 0
        let now = intake.desk.now
        func flush() async throws {
            guard !part.isEmpty else { return }
            let batch = try await take(
                part.map { ($0.0, read($0.1).map(known) ?? .null) }, intake, actor, nil, now, { _, _ in })
            total.add(batch)
            part.removeAll(keepingCapacity: true)
            try await progress(done >> 10, whole >> 10)
        }
        for line in data.split(separator: 10, omittingEmptySubsequences: false) {
            number += 1
            done += line.count + 1
            guard line.contains(where: { !" \t\r".utf8.contains($0) }) else { continue }
            part.append((number, [UInt8](line)))
            if part.count == Intake.batchSize { try await flush() }
        }
        try await flush()
        total.rejectedFile = try Transfer.rejected(total.rejects, header: ["listing"], beside: file)
        return total
    }

    /// A line in UTF-8, or in GB18030, whose bytes hold no line feed either.
    private static func read(_ line: [UInt8]) -> JSON? {
        if let json = try? JSON(parsing: line) { return json }
        return (try? Encodings.decode(line)).flatMap { try? JSON(parsing: Array($0.text.utf8)) }
    }

    private static func take(
        _ items: [(line: Int, json: JSON)], _ intake: Intake, _ actor: String, _ file: String?, _ now: Moment, _ progress: ImportKind.Progress
    ) async throws -> ImportBatch {
        var batch = ImportBatch()
        var listings: [Listing] = []
        for (line, json) in items {
            do { listings.append(try Listing(json, at: now)) } catch {
                let field = error.fields.first
                let why = json.isNull ? Text("不是有效的 JSON", "is no valid JSON") : field?.text ?? error.text
                batch.rejects.append(ImportReject(line: line, column: field?.pointer ?? "", reason: why, cells: [String(json.text.prefix(2000))]))
            }
        }
        let outcome = try await intake.take(listings, by: actor)
        (batch.added, batch.changed, batch.same) = (outcome.added, outcome.changed, outcome.same)
        try await progress(items.count, items.count)
        if let file { batch.rejectedFile = try Transfer.rejected(batch.rejects, header: ["listing"], beside: file) }
        return batch
    }
}

/// Products in a page's JSON-LD (结构化数据): schema.org Product with its offers, as shops publish them for search engines.
package enum JSONLD {
    /// Every product in the page, in our shape. What is no product is passed over.
    package static func listings(in html: String, url: String?) -> [JSON] {
        var found: [JSON] = []
        for match in html.matches(of: /<script[^>]*application\/ld\+json[^>]*>(?<body>[\s\S]*?)<\/script>/.ignoresCase()) {
            guard let json = try? JSON(parsing: Array(String(match.body).utf8)) else { continue }
            walk(json, 0) { found.append(listing($0, url)) }
        }
        return found
    }

    private static func walk(_ json: JSON, _ depth: Int, _ take: (JSON) -> Void) {
        guard depth < 8 else { return }
        if let items = json.array { for item in items { walk(item, depth + 1, take) } }
        guard json.isObject else { return }
        let types = json["@type"]?.array?.compactMap(\.string) ?? [json["@type"]?.string].compactMap { $0 }
        if types.contains("Product") || types.contains("ProductGroup") { return take(json) }
        for key in ["@graph", "mainEntity", "itemListElement", "item"] { if let inner = json[key] { walk(inner, depth + 1, take) } }
    }

    private static func listing(_ p: JSON, _ url: String?) -> JSON {
        // Sizes and colours of one product: each has its price, and the lowest that can be had is what the page shows.
        let items = p["offers"]?.array ?? p["offers"]?["offers"]?.array ?? []
        let offers = p["offers"]?.array?.first ?? p["offers"]
        func number(_ value: JSON?) -> JSON? {
            switch value {
            case .number?: value
            case .string(let s)?: Money(yuan: s).map { .number($0.plain) }
            default: nil
            }
        }
        func lowest() -> JSON? {
            let prices = items.filter { !($0["availability"]?.string ?? "").hasSuffix("OutOfStock") }.compactMap {
                number($0["price"]).flatMap { if case .number(let n) = $0 { Money(yuan: n) } else { nil } }
            }
            return prices.min { $0.fen < $1.fen }.map { .number($0.plain) }
        }
        /// The price that is struck through, where the page says so; the dearest of several sizes is none.
        func struck(_ o: JSON) -> JSON? {
            let all = o["priceSpecification"]?.array ?? o["priceSpecification"].map { [$0] } ?? []
            return all.first { ["ListPrice", "StrikethroughPrice", "SRP"].contains($0["priceType"]?.string?.split(separator: "/").last.map(String.init) ?? "") }.flatMap {
                number($0["price"])
            }
        }
        let page = p["url"]?.string ?? offers?["url"]?.string ?? url
        let sku = p["sku"]?.string ?? p["productID"]?.string ?? p["gtin13"]?.string
        let seller = offers?["seller"] ?? p["seller"]
        let name = p["name"]?.string
        // An article number is the shop's own: another shop's A001 is another thing.
        let shop = [seller?["@id"]?.string, seller?["name"]?.string, page.flatMap { URL(string: $0)?.host }].lazy.compactMap { $0 }.first
        let id = sku.map { number in shop.map { "\($0):\(number)" } ?? number } ?? page ?? Crypto.hex(Crypto.sha256(Array((name ?? p.text).utf8)).prefix(8))
        let pictures = p["image"]?.array ?? p["image"].map { [$0] }
        let parts: [(String, JSON?)] = [
            ("id", .string(id)), ("url", page.map(JSON.string)), ("kind", .string("listing")), ("name", name.map(JSON.string)), ("description", p["description"]),
            ("category", p["category"]?.string.map(JSON.string)), ("brand", (p["brand"]?["name"] ?? p["brand"])?.string.map(JSON.string)),
            ("image", pictures.map { .array($0.compactMap { $0.string.map(JSON.string) ?? $0["url"] }) }),
            (
                "offers",
                offers.map { o in
                    .object(
                        [
                            ("price", number(o["lowPrice"]) ?? lowest() ?? number(o["price"])), ("listPrice", struck(o)), ("priceCurrency", o["priceCurrency"]),
                            (
                                "offers",
                                items.count < 2
                                    ? nil
                                    : .array(
                                        items.map { i in
                                            .object(
                                                [("name", i["name"] ?? i["sku"]), ("price", number(i["price"])), ("availability", i["availability"])].compactMap { pair in
                                                    pair.1.map { (pair.0, $0) }
                                                })
                                        })
                            ),
                        ].compactMap { pair in
                            pair.1.map { (pair.0, $0) }
                        })
                }
            ),
            (
                "seller",
                seller.map { s in
                    .object(
                        [("id", s["@id"] ?? s["url"]), ("name", s["name"]), ("taxID", s["taxID"]), ("telephone", s["telephone"])].compactMap { pair in pair.1.map { (pair.0, $0) } }
                    )
                }
            ), ("gtin", p["gtin13"] ?? p["gtin"]),
        ]
        return .object(parts.compactMap { pair in pair.1.map { (pair.0, $0) } })
    }
}

/// What was said in a live session (直播话术): SRT, WebVTT or JSON with times; a silence of more than half a minute is shown as a gap.
package enum Transcript {
    package struct Line: Sendable, Equatable {
        package let start: Double
        package let end: Double
        package let text: String
    }
    static let gap = 30.0

    /// - Errors: a file in which no line has a time.
    package static func read(_ text: String) throws(Refusal) -> [Line] {
        var lines: [Line] = []
        let plain = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        if plain.first(where: { !$0.trimmed.isEmpty })?.trimmed.hasPrefix("[") == true || plain.first?.hasPrefix("{") == true {
            guard let json = try? JSON(parsing: Array(text.utf8)), let items = json.array ?? json["segments"]?.array ?? json["transcript"]?.array else {
                throw Refusal.invalid("/file", Text("不是有效的 JSON 话术文件", "is no valid transcript in JSON"))
            }
            for item in items {
                guard let body = item["text"]?.string, let at = item["t"]?.double ?? item["start"]?.double else { continue }
                lines.append(Line(start: at, end: item["end"]?.double ?? at, text: body))
            }
        } else {
            var at: (Double, Double)?
            var body: [String] = []
            func flush() {
                if let at, !body.isEmpty { lines.append(Line(start: at.0, end: at.1, text: body.joined(separator: " "))) }
                (at, body) = (nil, [])
            }
            for line in plain {
                if let times = line.firstMatch(of: /([0-9:.,]+)\s*-->\s*([0-9:.,]+)/), let start = seconds(String(times.1)), let end = seconds(String(times.2)) {
                    flush()
                    at = (start, end)
                } else if line.trimmed.isEmpty {
                    flush()
                } else if at != nil {
                    body.append(line.replacing(/<[^>]*>/, with: "").trimmed)
                }
            }
            flush()
        }
        guard !lines.isEmpty else { throw Refusal.invalid("/file", Text("没有带时间的话术（SRT、WebVTT 或 JSON）", "no line with a time (SRT, WebVTT or JSON)")) }
        return lines.sorted { $0.start < $1.start }
    }

    /// `01:02:03,500` or `02:03.5`.
    private static func seconds(_ text: String) -> Double? {
        let parts = text.replacingOccurrences(of: ",", with: ".").split(separator: ":").map { Double($0) }
        guard (2...3).contains(parts.count), parts.allSatisfy({ $0 != nil }) else { return nil }
        return parts.reduce(0) { $0 * 60 + $1! }
    }

    /// The `transcript` of a listing: gaps stand in it with where they begin and how long they last.
    package static func json(_ lines: [Line]) -> JSON {
        var out: [JSON] = []
        var last = 0.0
        for line in lines {
            if line.start - last > gap { out.append(.object([("t", Features.number(last)), ("gap", .bool(true)), ("seconds", Features.number(line.start - last))])) }
            out.append(.object([("t", Features.number(line.start)), ("text", .string(line.text))]))
            last = max(last, line.end)
        }
        return .array(out)
    }
}
