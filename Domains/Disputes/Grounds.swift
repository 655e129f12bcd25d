import Foundation
import Kernel
import Platform

/// The statutory grounds (法定情形) of both orders, as the orders list them: data beside the forms.
package struct Ground: Sendable, Decodable {
    package let id: String
    package let ordinal: String?
    package let zh: String
    package let en: String
    package let article: String
    package var text: Text { Text(zh.trimmingCharacters(in: CharacterSet(charactersIn: "；。;.")), en) }
}

package struct Grounds: Sendable {
    private struct File: Decodable {
        struct Identity: Decodable {
            let identityArticle: String
            let materialArticle: String
            let falsity: Bool
        }
        let refusal: [String: [Ground]]
        let ending: [String: [Ground]]
        let factors: [String: [Ground]]
        let remedies: [Ground]
        let identity: [String: Identity]
    }
    private let file: File
    let folder: URL

    package static let shared: Grounds = {
        do { return try Grounds() } catch { preconditionFailure("the documents of Disputes are missing beside the binary: \(error)") }
    }()

    private init() throws {
        let beside = Bundle.main.bundleURL.appendingPathComponent("sinan_Disputes.resources")
        folder = (FileManager.default.fileExists(atPath: beside.path) ? beside : Bundle.module.bundleURL).appendingPathComponent("Documents")
        file = try JSONDecoder().decode(File.self, from: Data(contentsOf: folder.appendingPathComponent("grounds.json")))
    }

    package func refusal(_ regime: String) -> [Ground] { file.refusal[regime] ?? [] }
    package func ending(_ regime: String) -> [Ground] { file.ending[regime] ?? [] }
    package func factors(_ regime: String) -> [Ground] { file.factors[regime] ?? [] }
    package var remedies: [Ground] { file.remedies }
    func identity(_ regime: String) -> (article: String, material: String, falsity: Bool) {
        file.identity[regime].map { ($0.identityArticle, $0.materialArticle, $0.falsity) } ?? ("", "", true)
    }
    func template(_ name: String) -> String {
        do { return try String(contentsOf: folder.appendingPathComponent("\(name).mustache"), encoding: .utf8) } catch {
            preconditionFailure("the template \(name) is missing: \(error)")
        }
    }
    /// The style sheet of printed documents.
    package var style: String { (try? String(contentsOf: folder.appendingPathComponent("document.css"), encoding: .utf8)) ?? "" }
}
