import Formats
import Foundation
import Kernel

/// `datapackage-digest.json`: wacz-auth's signature and timestamps over the list of parts, and one signature over all of that.
///
/// wacz-auth signs the hash alone. `seal` signs the whole document, so that no byte of it can be changed unseen either.
enum PackageDigest {
    static let version = "0.1.0"

    static func make(_ sums: Digests, created: Moment, software: String, key: SealingKey, stamps: [IssuedStamp]) throws -> JSON {
        let hash = "sha256:" + Crypto.hex(sums.sha256)
        guard let signature = PackageKey.sign(Array(hash.utf8), key.scalar) else { throw Fault("the package could not be signed") }
        var signed: [(key: String, value: JSON)] = [
            ("hash", .string(hash)), ("created", .string(created.utcText)), ("software", .string(software)), ("signature", .string(base64(signature))),
            ("publicKey", .string(base64(key.publicKey))), ("version", .string(version)),
        ]
        if !stamps.isEmpty {
            signed.append(
                ("timestamps", .array(stamps.map { .object([("authority", .string($0.url)), ("token", .string(base64($0.token)))]) })))
        }
        let open: [(key: String, value: JSON)] = [
            ("path", .string("datapackage.json")), ("hash", .string(hash)), ("sm3", .string("sm3:" + Crypto.hex(sums.sm3))), ("signedData", .object(signed)),
        ]
        guard let seal = Crypto.sign(Array(JSON.object(open).text.utf8), seed: key.seed), let publicKey = Crypto.publicKey(seed: key.seed) else {
            throw Fault("the package could not be sealed")
        }
        return .object(open + [("seal", .object([("publicKey", .string(base64(publicKey))), ("signature", .string(base64(seal)))]))])
    }

    /// The document without its seal, as it was signed; nil where it has none.
    static func sealed(_ document: JSON) -> (open: [UInt8], key: [UInt8], signature: [UInt8])? {
        guard case .object(let pairs) = document, pairs.last?.key == "seal", let key = pairs.last?.value["publicKey"]?.string.flatMap(bytes),
            let signature = pairs.last?.value["signature"]?.string.flatMap(bytes)
        else { return nil }
        return (Array(JSON.object(Array(pairs.dropLast())).text.utf8), key, signature)
    }

    static func base64(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }
    static func bytes(_ text: String) -> [UInt8]? { Data(base64Encoded: text).map { [UInt8]($0) } }
}
