import Formats
import Foundation
import Kernel

/// Evidence and what was done with it, as others read it (保管链图): CASE 1 over UCO 1, in JSON-LD.
enum CustodyGraph {
    struct Piece: Sendable {
        let item: EvidenceItem
        var acts: [Custody.Act]
        let original: Int64?
    }

    /// A key that is the same for the same thing.
    static func key(_ kind: String, _ name: String) -> String {
        // RFC 9562, version 5, in the namespace of addresses.
        let space: [UInt8] = [0x6B, 0xA7, 0xB8, 0x11, 0x9D, 0xAD, 0x11, 0xD1, 0x80, 0xB4, 0x00, 0xC0, 0x4F, 0xD4, 0x30, 0xC8]
        var b = Array(Crypto.sha1(space + Array("\(kind) \(name)".utf8)).prefix(16))
        (b[6], b[8]) = (b[6] & 0x0F | 0x50, b[8] & 0x3F | 0x80)
        let hex = Array(Crypto.hex(b))
        return "kb:\(kind)-" + [0..<8, 8..<12, 12..<16, 16..<20, 20..<32].map { String(hex[$0]) }.joined(separator: "-")
    }

    static func json(_ pieces: [Piece], matter: String?, office: String, names: [Int64: String], software: String, space: String) -> JSON {
        func at(_ id: String) -> JSON { .object([("@id", .string(id))]) }
        func typed(_ type: String, _ value: String) -> JSON { .object([("@type", .string(type)), ("@value", .string(value))]) }
        func time(_ moment: Moment) -> JSON { typed("xsd:dateTime", moment.isoText) }
        var graph: [JSON] = []
        let bureau = key("organization", office)
        graph.append(.object([("@id", .string(bureau)), ("@type", .string("uco-identity:Organization")), ("uco-core:name", .string(office))]))
        let tool = key("tool", software)
        let words = software.split(separator: " ").map(String.init)
        graph.append(
            .object([
                ("@id", .string(tool)), ("@type", .string("uco-tool:Tool")), ("uco-core:name", .string(words.first ?? software)),
                ("uco-tool:version", .string(words.dropFirst().joined(separator: " "))),
            ]))
        var people: Set<Int64> = []
        var parts: [String] = []
        for piece in pieces {
            let item = piece.item
            let (object, record) = (key("file", item.number), key("provenance", item.number))
            parts += [record]
            func hash(_ method: JSON, _ value: String) -> JSON {
                .object([
                    ("@id", .string(key("hash", value))), ("@type", .string("uco-types:Hash")), ("uco-types:hashMethod", method),
                    ("uco-types:hashValue", typed("xsd:hexBinary", value)),
                ])
            }
            let hashes = [item.file.map { hash(.string("SHA256"), $0) }, item.sm3.map { hash(.string("SM3"), $0) }].compactMap { $0 }
            let facets: [JSON] = [
                .object([
                    ("@id", .string(key("file-facet", item.number))), ("@type", .string("uco-observable:FileFacet")),
                    ("uco-observable:fileName", .string(item.name ?? item.number)),
                    ("uco-observable:sizeInBytes", typed("xsd:integer", "\(item.size)")),
                ]),
                .object([("@id", .string(key("content-facet", item.number))), ("@type", .string("uco-observable:ContentDataFacet")), ("uco-observable:hash", .array(hashes))]),
            ]
            graph.append(.object([("@id", .string(object)), ("@type", .string("uco-observable:File")), ("uco-core:hasFacet", .array(facets))]))
            var inputs: [JSON] = []
            if !item.url.isEmpty {
                let url = key("url", item.url)
                inputs = [at(url)]
                if !parts.contains(url) {
                    parts.append(url)
                    graph.append(
                        .object([
                            ("@id", .string(url)), ("@type", .string("uco-observable:URL")),
                            (
                                "uco-core:hasFacet",
                                .object([
                                    ("@id", .string(key("url-facet", item.url))), ("@type", .string("uco-observable:URLFacet")), ("uco-observable:fullValue", .string(item.url)),
                                ])
                            ),
                        ]))
                }
            }
            graph.append(
                .object([
                    ("@id", .string(record)), ("@type", .string("case-investigation:ProvenanceRecord")), ("case-investigation:exhibitNumber", .string(item.number)),
                    ("uco-core:name", .string(item.title.isEmpty ? item.number : item.title)), ("uco-core:description", .array([.string(item.purpose)])),
                    ("uco-core:object", .array([at(object)])),
                ]))
            if let original = piece.original.flatMap({ id in pieces.first { $0.item.id == id } }) {
                let relation = key("relationship", "\(item.number) \(original.item.number)")
                parts.append(relation)
                graph.append(
                    .object([
                        ("@id", .string(relation)), ("@type", .string("uco-core:Relationship")), ("uco-core:source", at(object)),
                        ("uco-core:target", at(key("file", original.item.number))),
                        ("uco-core:kindOfRelationship", .string("Redacted_Copy_Of")), ("uco-core:isDirectional", typed("xsd:boolean", "true")),
                    ]))
            }
            for (n, act) in piece.acts.enumerated() {
                let action = key("action", "\(item.number) \(n)")
                parts.append(action)
                let performer: String
                if let account = act.account {
                    performer = key("person", "\(account)")
                    if people.insert(account).inserted {
                        graph.append(.object([("@id", .string(performer)), ("@type", .string("uco-identity:Person")), ("uco-core:name", .string(names[account] ?? "\(account)"))]))
                    }
                } else {
                    performer = bureau
                }
                let makes = ["sealed", "received"].contains(act.act)
                graph.append(
                    .object([
                        ("@id", .string(action)), ("@type", .string("case-investigation:InvestigativeAction")), ("uco-core:name", .string(act.act)),
                        ("uco-core:description", .array([.string(Custody.title(act.act).zh + (act.note.isEmpty ? "" : "：" + act.note))])), ("uco-action:startTime", time(act.at)),
                        ("uco-action:endTime", time(act.at)), ("uco-action:performer", at(performer)), ("uco-action:instrument", .array([at(tool)])),
                        ("uco-action:object", .array(makes ? inputs.isEmpty ? [at(object)] : inputs : [at(act.act == "asked" && !inputs.isEmpty ? key("url", item.url) : object)])),
                        ("uco-action:result", .array(makes ? [at(record), at(object)] : [])),
                    ]))
            }
        }
        if let matter {
            graph.append(
                .object([
                    ("@id", .string(key("investigation", matter))), ("@type", .string("case-investigation:Investigation")), ("uco-core:name", .string(matter)),
                    ("uco-core:object", .array(Set(parts).sorted().map(at))),
                ]))
        }
        let names: [(String, JSON)] = [
            ("kb", .string(space + "/kb/")), ("case-investigation", .string("https://ontology.caseontology.org/case/investigation/")),
            ("uco-action", .string("https://ontology.unifiedcyberontology.org/uco/action/")), ("uco-core", .string("https://ontology.unifiedcyberontology.org/uco/core/")),
            ("uco-identity", .string("https://ontology.unifiedcyberontology.org/uco/identity/")),
            ("uco-observable", .string("https://ontology.unifiedcyberontology.org/uco/observable/")),
            ("uco-tool", .string("https://ontology.unifiedcyberontology.org/uco/tool/")), ("uco-types", .string("https://ontology.unifiedcyberontology.org/uco/types/")),
            ("xsd", .string("http://www.w3.org/2001/XMLSchema#")),
        ]
        return .object([("@context", .object(names)), ("@graph", .array(graph))])
    }
}
