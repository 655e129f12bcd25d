import Formats
import Foundation
import Kernel

/// What a draw is made from (抽取名单): marks in lists, and how many of each list are drawn. It is committed to and published.
///
/// Lists follow the risk classes, which are not published (law of the compass), so an object stands here under a mark that says nothing of it; which mark is whose
/// stands in `DrawKeys`, whose digest is part of the list. A draw with one share for all has nothing to hide and publishes its keys.
package struct DrawList: Sendable, Equatable {
    package struct Object: Sendable, Equatable {
        package let mark: String
        package let list: String
        package init(mark: String, list: String) { (self.mark, self.list) = (mark, list) }
    }
    package struct Inspector: Sendable, Equatable {
        package let certificate: String
        package let region: String
        package init(certificate: String, region: String) { (self.certificate, self.region) = (certificate, region) }
    }
    package struct Quota: Sendable, Equatable {
        package let list: String
        package let quota: Int
        package init(list: String, quota: Int) { (self.list, self.quota) = (list, quota) }
    }
    package var number: String
    package var title: String
    package var items: [String]
    package var keys: String
    package var objects: [Object]
    package var quotas: [Quota]
    package var inspectors: [Inspector]
    package var limit: Int

    package init(
        number: String, title: String, items: [String], keys: String, objects: [Object], quotas: [Quota], inspectors: [Inspector], limit: Int
    ) {
        (self.number, self.title, self.items, self.keys, self.objects) = (number, title, items, keys, objects)
        (self.quotas, self.inspectors, self.limit) = (quotas, inspectors, limit)
    }

    /// The list as it is committed to and published: one way to write it.
    package var json: JSON {
        .object([
            ("format", .string("sinan-draw/3")), ("number", .string(number)), ("title", .string(title)), ("items", .array(items.map(JSON.string))), ("limit", .int(limit)),
            ("keys", .string(keys)), ("quotas", .array(quotas.map { .object([("list", .string($0.list)), ("quota", .int($0.quota))]) })),
            ("inspectors", .array(inspectors.map { .object([("certificate", .string($0.certificate)), ("region", .string($0.region))]) })),
            ("objects", .array(objects.map { .array([.string($0.mark), .string($0.list)]) })),
        ])
    }
    package var bytes: [UInt8] { Array(json.text.utf8) }
    package var digest: String { Crypto.hex(Crypto.sha256(bytes)) }

    /// - Errors: what of the file is missing or odd.
    package init(_ json: JSON) throws(Refusal) {
        func odd(_ what: String) -> Refusal { .invalid("/\(what)", Text("抽查名单中的“\(what)”缺失或者有误", "“\(what)” of the list is missing or wrong")) }
        guard json["format"]?.string == "sinan-draw/3" else { throw odd("format") }
        guard let number = json["number"]?.string, let title = json["title"]?.string, let items = json["items"]?.array?.compactMap(\.string), let limit = json["limit"]?.int,
            let keys = json["keys"]?.string
        else { throw odd("number") }
        guard let quotas = json["quotas"]?.array, let inspectors = json["inspectors"]?.array, let objects = json["objects"]?.array else {
            throw odd("objects")
        }
        (self.number, self.title, self.items, self.limit, self.keys) = (number, title, items, limit, keys)
        self.quotas = quotas.compactMap { q in q["list"]?.string.flatMap { l in q["quota"]?.int.flatMap { $0 >= 0 ? Quota(list: l, quota: $0) : nil } } }
        self.inspectors = inspectors.compactMap { i in i["certificate"]?.string.flatMap { c in i["region"]?.string.map { Inspector(certificate: c, region: $0) } } }
        self.objects = objects.compactMap { o in
            guard let a = o.array, a.count == 2, let mark = a[0].string, let list = a[1].string else { return nil }
            return Object(mark: mark, list: list)
        }
        guard self.quotas.count == quotas.count else { throw odd("quotas") }
        guard self.objects.count == objects.count, self.inspectors.count == inspectors.count else { throw odd("objects") }
        guard Set(self.objects.map(\.mark)).count == objects.count, Set(self.quotas.map(\.list)).count == quotas.count else { throw odd("objects") }
    }
}

/// Whose the marks of a list are (名单对照): kept by the office and shown to who audits it; published where nothing is to be hidden.
package struct DrawKeys: Sendable, Equatable {
    package struct Object: Sendable, Equatable {
        package let mark: String
        package let code: String
        package let name: String
        package let region: String
        package init(mark: String, code: String, name: String, region: String) { (self.mark, self.code, self.name, self.region) = (mark, code, name, region) }
    }
    /// Who stays away from whom. It stands here and not in the list: a pair that gives way would lead from a name to its mark.
    package struct Recusal: Sendable, Equatable {
        package let certificate: String
        package let code: String
        package init(certificate: String, code: String) { (self.certificate, self.code) = (certificate, code) }
    }
    package let objects: [Object]
    package let recusals: [Recusal]
    package init(_ objects: [Object], recusals: [Recusal] = []) { (self.objects, self.recusals) = (objects, recusals) }

    /// The mark of a code under a draw's own salt: sixteen bytes of HMAC-SHA-256.
    package static func mark(_ code: String, salt: [UInt8]) -> String { Crypto.hex(Array(Crypto.hmacSHA256(key: salt, Array(code.utf8)).prefix(16))) }

    package var json: JSON {
        .object([
            ("format", .string("sinan-draw-keys/2")),
            ("recusals", .array(recusals.map { .array([.string($0.certificate), .string($0.code)]) })),
            ("objects", .array(objects.map { .array([.string($0.mark), .string($0.code), .string($0.name), .string($0.region)]) })),
        ])
    }
    package var bytes: [UInt8] { Array(json.text.utf8) }
    package var digest: String { Crypto.hex(Crypto.sha256(bytes)) }

    package init(_ json: JSON) throws(Refusal) {
        guard json["format"]?.string == "sinan-draw-keys/2", let all = json["objects"]?.array, let away = json["recusals"]?.array else {
            throw .invalid("/keys", Text("对照表格式有误", "The keys are malformed"))
        }
        recusals = away.compactMap { r in
            guard let a = r.array, a.count == 2, let certificate = a[0].string, let code = a[1].string else { return nil }
            return Recusal(certificate: certificate, code: code)
        }
        objects = all.compactMap { o in
            guard let a = o.array, a.count == 4, let mark = a[0].string, let code = a[1].string, let name = a[2].string, let region = a[3].string else { return nil }
            return Object(mark: mark, code: code, name: name, region: region)
        }
        guard objects.count == all.count, recusals.count == away.count else { throw .invalid("/keys", Text("对照表格式有误", "The keys are malformed")) }
    }
}

/// The draw (双随机抽取), pure: a list, a seed and a beacon give the objects and who visits them; the same for anybody who recomputes it.
///
/// Law: SPOT art. 4; DRN. The rule, `sinan-draw/3`: K = SHA-256(seed ‖ 0x0A ‖ beacon); objects of a list in the order of HMAC-SHA-256(K, "object|" + mark), as many as
/// its quota; inspectors for the drawn objects in the order of their codes, two each who cover its division, are not recused and have room, the least loaded first, ties by
/// HMAC-SHA-256(K, "inspector|" + code + "|" + certificate): nothing of it rests on a mark, so nobody is led back from a pair of inspectors to one, and to its class.
package struct DrawResult: Sendable, Equatable {
    package struct Visit: Sendable, Equatable {
        package let code: String
        package let name: String
        package let region: String
        package let certificates: [String]
    }
    /// Marks in the order of the draw.
    package let chosen: [String]
    /// Who is visited by whom, in the order of their codes, so that nobody is led back from a name to a mark.
    package let visits: [Visit]

    package static func json(_ chosen: [String]) -> JSON { .array(chosen.map(JSON.string)) }
    package static func json(_ visits: [Visit]) -> JSON {
        .array(
            visits.map {
                .object([("code", .string($0.code)), ("name", .string($0.name)), ("region", .string($0.region)), ("inspectors", .array($0.certificates.map(JSON.string)))])
            })
    }

    /// What a seed is committed to as.
    package static func commitment(_ seed: [UInt8]) -> String { Crypto.hex(Crypto.sha256(seed)) }
    private static func key(_ seed: [UInt8], _ beacon: String) -> [UInt8] { Crypto.sha256(seed + [10] + Array(beacon.utf8)) }

    /// Draws marks. Cost: one HMAC an object, and a sort.
    package static func choose(_ list: DrawList, seed: [UInt8], beacon: String) -> [String] {
        let key = key(seed, beacon)
        var lists: [String: [(order: [UInt8], mark: String)]] = [:]
        for o in list.objects { lists[o.list, default: []].append((Crypto.hmacSHA256(key: key, Array("object|\(o.mark)".utf8)), o.mark)) }
        var chosen: [(order: [UInt8], mark: String)] = []
        for q in list.quotas { chosen += (lists[q.list] ?? []).sorted { $0.order.lexicographicallyPrecedes($1.order) }.prefix(q.quota) }
        return chosen.sorted { $0.order.lexicographicallyPrecedes($1.order) }.map(\.mark)
    }

    /// Draws, and gives each object its two inspectors.
    /// - Errors: an object for which there are no two inspectors, by its code; a mark without a key.
    package static func draw(_ list: DrawList, keys: DrawKeys, seed: [UInt8], beacon: String) throws(Refusal) -> DrawResult {
        let chosen = choose(list, seed: seed, beacon: beacon), key = key(seed, beacon)
        let objects = Dictionary(keys.objects.map { ($0.mark, $0) }) { a, _ in a }
        let away = Dictionary(grouping: keys.recusals, by: \.code).mapValues { Set($0.map(\.certificate)) }
        var covering: [String: [String]] = [:]
        var load: [String: Int] = [:]
        var visits: [Visit] = []
        var drawn: [DrawKeys.Object] = []
        for mark in chosen {
            guard let o = objects[mark] else { throw .invalid("/keys", Text("对照表中没有标记“\(mark)”", "The keys have no mark “\(mark)”")) }
            drawn.append(o)
        }
        for o in drawn.sorted(by: { $0.code < $1.code }) {
            let near = covering[o.region] ?? list.inspectors.filter { o.region.hasPrefix($0.region) }.map(\.certificate)
            covering[o.region] = near
            let without = away[o.code] ?? []
            let may = near.filter { !without.contains($0) && (load[$0] ?? 0) < list.limit }
            let two = may.map { (load[$0] ?? 0, Crypto.hmacSHA256(key: key, Array("inspector|\(o.code)|\($0)".utf8)), $0) }.sorted {
                $0.0 != $1.0 ? $0.0 < $1.0 : $0.1.lexicographicallyPrecedes($1.1)
            }.prefix(2).map(\.2)
            guard two.count == 2 else {
                throw .invalid(
                    "/inspectors", Text("“\(o.name)”（\(o.code)）没有两名可以派出的检查人员：请增加人员或者提高工作量上限", "“\(o.name)” (\(o.code)) has no two inspectors: add some, or raise the limit"))
            }
            for certificate in two { load[certificate, default: 0] += 1 }
            visits.append(Visit(code: o.code, name: o.name, region: o.region, certificates: two))
        }
        return DrawResult(chosen: chosen, visits: visits)
    }
}

/// What verifying a published draw found (抽取核验).
package struct DrawCheck: Sendable {
    package let findings: [Text]
    package let drawn: Int
    /// What could not be checked from this file.
    package var open: [Text] = []
    package var holds: Bool { findings.isEmpty }

    /// From the published file alone: the list's digest, the seed's commitment, the ledger's entry that committed to both before the beacon, and the draw computed anew.
    /// - Parameter earlier: the file as it was published after the commitment, where somebody kept it.
    package static func run(_ file: JSON, earlier: JSON? = nil) throws(Refusal) -> DrawCheck {
        var findings: [Text] = [], open: [Text] = []
        guard let listJSON = file["list"] else { throw .invalid("/list", Text("文件中没有名单", "The file has no list")) }
        let list = try DrawList(listJSON)
        guard let seedText = file["seed"]?.string, let seed = Crypto.bytes(hex: seedText) else {
            throw .invalid("/seed", Text("文件中没有揭示的种子：尚未抽取", "The file has no revealed seed: nothing is drawn yet"))
        }
        guard let beacon = file["beacon"]?["value"]?.string else { throw .invalid("/beacon", Text("文件中没有公共随机数", "The file has no beacon")) }
        if list.digest != file["listDigest"]?.string { findings.append(Text("名单与事先承诺的摘要不符", "The list does not fit the digest committed before")) }
        if DrawResult.commitment(seed) != file["commitment"]?.string { findings.append(Text("种子与事先承诺不符", "The seed does not fit its commitment")) }
        try ledger(file, &findings, &open)
        if let earlier {
            for field in ["number", "listDigest", "commitment"] where earlier[field]?.string != file[field]?.string {
                findings.append(Text("与抽取前公布的文件不同：\(field)", "It differs from the file that was published before the draw: \(field)"))
            }
        }
        let chosen = DrawResult.choose(list, seed: seed, beacon: beacon)
        let different = Text("重新抽取的结果与公布的不同", "The draw computed anew differs from what was published")
        if DrawResult.json(chosen).text != file["chosen"]?.text { findings.append(different) }
        guard let keys = file["keys"], keys != .null else {
            if file["visits"]?.array?.count != chosen.count { findings.append(different) }
            open.append(Text("标记与检查对象的对应，由持有对照表的审计人员核验", "Whose the marks are is checked by who holds the keys"))
            return DrawCheck(findings: findings, drawn: chosen.count, open: open)
        }
        do {
            let read = try DrawKeys(keys)
            if read.digest != list.keys { findings.append(Text("对照表与名单中的摘要不符", "The keys do not fit the digest in the list")) }
            if DrawResult.json(try DrawResult.draw(list, keys: read, seed: seed, beacon: beacon).visits).text != file["visits"]?.text { findings.append(different) }
        } catch { findings.append(error.fields.first?.text ?? error.text) }
        return DrawCheck(findings: findings, drawn: chosen.count, open: open)
    }

    /// The entry of the ledger in which list, seed and beacon were committed to, before the beacon came out, under a signed checkpoint.
    private static func ledger(_ file: JSON, _ findings: inout [Text], _ open: inout [Text]) throws(Refusal) {
        guard let ledger = file["ledger"], let entry = ledger["entry"]?.string, let index = ledger["index"]?.int, let size = ledger["size"]?.int, let key = ledger["key"]?.string,
            let note = ledger["checkpoint"]?.string, let read = try? JSON(parsing: Array(entry.utf8))
        else {
            return open.append(Text("文件中没有操作日志的证明：不能核验承诺的先后", "The file has no proof from the ledger: when it was committed to is not shown"))
        }
        let details = read["details"]
        for (field, value) in [("number", file["number"]), ("list", file["listDigest"]), ("commitment", file["commitment"]), ("beacon", file["beacon"]?["what"])]
        where details?[field]?.string == nil || details?[field]?.string != value?.string {
            findings.append(Text("操作日志中的承诺与文件不符：\(field)", "What the ledger has of the commitment does not fit the file: \(field)"))
        }
        guard let at = read["at"]?.string.flatMap({ Moment($0) }), let out = details?["beaconAt"]?.string.flatMap({ Moment($0) }), at < out else {
            return findings.append(Text("承诺不在公共随机数公布之前", "It was not committed to before the beacon came out"))
        }
        let proof = (ledger["proof"]?.array ?? []).compactMap { $0.string.flatMap { Data(base64Encoded: $0) } }.map { [UInt8]($0) }
        let words = key.split(separator: "+", maxSplits: 2).map(String.init)
        guard words.count == 3, let bytes = Data(base64Encoded: words[2]), bytes.count == 33 else {
            throw .invalid("/ledger/key", Text("密钥格式有误", "The key is malformed"))
        }
        do {
            let point = try Checkpoint(note: note, name: words[0], publicKey: Array(bytes.dropFirst()))
            guard index >= 0, size > index, point.size == Int64(size),
                Merkle.verify(inclusion: proof, of: Merkle.leaf(Array(entry.utf8)), at: Int64(index), size: Int64(size), root: point.root)
            else { return findings.append(Text("操作日志的证明不成立", "The ledger's proof does not hold")) }
        } catch { findings.append(error.fields.first?.text ?? error.text) }
    }
}
