import Formats
import Foundation
import Kernel

/// The draw (双随机抽取), pure: a list, a seed and a beacon give the objects and who visits them; the same for anybody who recomputes it.
///
/// Law: SPOT art. 4; DRN. The rule, `sinan-draw/1`: K = SHA-256(seed ‖ 0x0A ‖ beacon); objects of a list in the order of HMAC-SHA-256(K, "object|" + code), as many as
/// its quota; inspectors for each drawn object, in that order, two who cover its division, are not recused and have room, the least loaded first, ties by
/// HMAC-SHA-256(K, "inspector|" + code + "|" + certificate).
package struct DrawList: Sendable, Equatable {
    package struct Object: Sendable, Equatable {
        package let code: String
        package let name: String
        package let region: String
        /// Which of the lists it stands in: a mark without meaning outside.
        package let stratum: String
        package init(code: String, name: String, region: String, stratum: String) { (self.code, self.name, self.region, self.stratum) = (code, name, region, stratum) }
    }
    package struct Inspector: Sendable, Equatable {
        package let certificate: String
        package let region: String
        package init(certificate: String, region: String) { (self.certificate, self.region) = (certificate, region) }
    }
    package var number: String
    package var title: String
    package var items: [String]
    package var objects: [Object]
    package var quotas: [(stratum: String, quota: Int)]
    package var inspectors: [Inspector]
    /// Who stays away from whom.
    package var recusals: [(certificate: String, code: String)]
    package var limit: Int

    package init(
        number: String, title: String, items: [String], objects: [Object], quotas: [(stratum: String, quota: Int)], inspectors: [Inspector],
        recusals: [(certificate: String, code: String)], limit: Int
    ) {
        (self.number, self.title, self.items, self.objects, self.quotas, self.inspectors, self.recusals, self.limit) = (
            number, title, items, objects, quotas, inspectors, recusals, limit
        )
    }
    package static func == (a: DrawList, b: DrawList) -> Bool { a.bytes == b.bytes }

    /// The list as it is committed to and published: one way to write it.
    package var json: JSON {
        .object([
            ("format", .string("sinan-draw/1")), ("number", .string(number)), ("title", .string(title)), ("items", .array(items.map(JSON.string))), ("limit", .int(limit)),
            ("quotas", .array(quotas.map { .object([("list", .string($0.stratum)), ("quota", .int($0.quota))]) })),
            ("inspectors", .array(inspectors.map { .object([("certificate", .string($0.certificate)), ("region", .string($0.region))]) })),
            ("recusals", .array(recusals.map { .object([("certificate", .string($0.certificate)), ("code", .string($0.code))]) })),
            ("objects", .array(objects.map { .array([.string($0.code), .string($0.name), .string($0.region), .string($0.stratum)]) })),
        ])
    }
    package var bytes: [UInt8] { Array(json.text.utf8) }
    package var digest: String { Crypto.hex(Crypto.sha256(bytes)) }

    /// - Errors: what of the file is missing or odd.
    package init(_ json: JSON) throws(Refusal) {
        func odd(_ what: String) -> Refusal { .invalid("/\(what)", Text("抽查名单中的“\(what)”缺失或者有误", "“\(what)” of the list is missing or wrong")) }
        guard json["format"]?.string == "sinan-draw/1" else { throw odd("format") }
        guard let number = json["number"]?.string, let title = json["title"]?.string, let items = json["items"]?.array?.compactMap(\.string), let limit = json["limit"]?.int else {
            throw odd("number")
        }
        guard let quotas = json["quotas"]?.array, let inspectors = json["inspectors"]?.array, let recusals = json["recusals"]?.array, let objects = json["objects"]?.array else {
            throw odd("objects")
        }
        (self.number, self.title, self.items, self.limit) = (number, title, items, limit)
        self.quotas = quotas.compactMap { q in q["list"]?.string.flatMap { s in q["quota"]?.int.map { (s, $0) } } }
        self.inspectors = inspectors.compactMap { i in i["certificate"]?.string.flatMap { c in i["region"]?.string.map { Inspector(certificate: c, region: $0) } } }
        self.recusals = recusals.compactMap { r in r["certificate"]?.string.flatMap { c in r["code"]?.string.map { (c, $0) } } }
        self.objects = objects.compactMap { o in
            guard let a = o.array, a.count == 4, let code = a[0].string, let name = a[1].string, let region = a[2].string, let list = a[3].string else { return nil }
            return Object(code: code, name: name, region: region, stratum: list)
        }
        guard self.objects.count == objects.count, self.quotas.count == quotas.count, self.inspectors.count == inspectors.count, self.recusals.count == recusals.count else {
            throw odd("objects")
        }
        guard Set(self.objects.map(\.code)).count == objects.count else { throw odd("objects") }
    }
}

package struct DrawResult: Sendable, Equatable {
    package struct Chosen: Sendable, Equatable {
        package let code: String
        package let name: String
        package let region: String
        package let stratum: String
        package let certificates: [String]
    }
    package let chosen: [Chosen]

    package var json: JSON {
        .array(
            chosen.map {
                .object([
                    ("code", .string($0.code)), ("name", .string($0.name)), ("region", .string($0.region)), ("list", .string($0.stratum)),
                    ("inspectors", .array($0.certificates.map(JSON.string))),
                ])
            })
    }

    /// What a seed is committed to as.
    package static func commitment(_ seed: [UInt8]) -> String { Crypto.hex(Crypto.sha256(seed)) }

    /// Draws. Cost: one HMAC an object, and a sort.
    /// - Errors: an object for which there are no two inspectors, by its code.
    package static func draw(_ list: DrawList, seed: [UInt8], beacon: String) throws(Refusal) -> DrawResult {
        let key = Crypto.sha256(seed + [10] + Array(beacon.utf8))
        func mark(_ text: String) -> [UInt8] { Crypto.hmacSHA256(key: key, Array(text.utf8)) }
        var byStratum: [String: [(mark: [UInt8], object: DrawList.Object)]] = [:]
        for o in list.objects { byStratum[o.stratum, default: []].append((mark("object|\(o.code)"), o)) }
        var chosen: [(mark: [UInt8], object: DrawList.Object)] = []
        for (stratum, quota) in list.quotas {
            let all = (byStratum[stratum] ?? []).sorted { $0.mark.lexicographicallyPrecedes($1.mark) }
            chosen += all.prefix(quota)
        }
        chosen.sort { $0.mark.lexicographicallyPrecedes($1.mark) }
        let away = Dictionary(grouping: list.recusals, by: \.code).mapValues { Set($0.map(\.certificate)) }
        var covering: [String: [String]] = [:]
        var load: [String: Int] = [:]
        var out: [Chosen] = []
        for (_, o) in chosen {
            let near = covering[o.region] ?? list.inspectors.filter { o.region.hasPrefix($0.region) }.map(\.certificate)
            covering[o.region] = near
            let without = away[o.code] ?? []
            let may = near.filter { !without.contains($0) && (load[$0] ?? 0) < list.limit }
            let two = may.map { (load[$0] ?? 0, mark("inspector|\(o.code)|\($0)"), $0) }.sorted {
                $0.0 != $1.0 ? $0.0 < $1.0 : $0.1.lexicographicallyPrecedes($1.1)
            }.prefix(2).map(\.2)
            guard two.count == 2 else {
                throw .invalid(
                    "/inspectors", Text("“\(o.name)”（\(o.code)）没有两名可以派出的检查人员：请增加人员或者提高工作量上限", "“\(o.name)” (\(o.code)) has no two inspectors: add some, or raise the limit"))
            }
            for certificate in two { load[certificate, default: 0] += 1 }
            out.append(Chosen(code: o.code, name: o.name, region: o.region, stratum: o.stratum, certificates: two))
        }
        return DrawResult(chosen: out)
    }
}

/// What verifying a published draw found (抽取核验).
package struct DrawCheck: Sendable {
    package let findings: [Text]
    package let drawn: Int
    package var holds: Bool { findings.isEmpty }

    /// From the published file alone: the list's digest, the seed's commitment, and the draw computed anew.
    package static func run(_ file: JSON) throws(Refusal) -> DrawCheck {
        var findings: [Text] = []
        guard let listJSON = file["list"] else { throw .invalid("/list", Text("文件中没有名单", "The file has no list")) }
        let list = try DrawList(listJSON)
        guard let seedText = file["seed"]?.string, let seed = Crypto.bytes(hex: seedText) else {
            throw .invalid("/seed", Text("文件中没有揭示的种子：尚未抽取", "The file has no revealed seed: nothing is drawn yet"))
        }
        guard let beacon = file["beacon"]?["value"]?.string else { throw .invalid("/beacon", Text("文件中没有公共随机数", "The file has no beacon")) }
        if list.digest != file["listDigest"]?.string { findings.append(Text("名单与事先承诺的摘要不符", "The list does not fit the digest committed before")) }
        if DrawResult.commitment(seed) != file["commitment"]?.string { findings.append(Text("种子与事先承诺不符", "The seed does not fit its commitment")) }
        do {
            let again = try DrawResult.draw(list, seed: seed, beacon: beacon)
            if again.json.text != file["result"]?.text { findings.append(Text("重新抽取的结果与公布的不同", "The draw computed anew differs from what was published")) }
            return DrawCheck(findings: findings, drawn: again.chosen.count)
        } catch { return DrawCheck(findings: findings + [error.whole], drawn: 0) }
    }
}

extension Refusal {
    fileprivate var whole: Text { fields.first?.text ?? text }
}
