import CNative
import COpenSSL
import Foundation
import Kernel

/// SHA-256 and SM3 of one stream of bytes, in one pass.
package struct Digests: Sendable, Hashable {
    package let sha256: [UInt8]
    package let sm3: [UInt8]
    package init(sha256: [UInt8], sm3: [UInt8]) { (self.sha256, self.sm3) = (sha256, sm3) }
    package init(_ bytes: some Collection<UInt8>) {
        let digester = Digester()
        if bytes.withContiguousStorageIfAvailable({ digester.update(UnsafeRawBufferPointer($0)) }) == nil { Array(bytes).withUnsafeBytes { digester.update($0) } }
        self = digester.finish()
    }
}

/// Takes bytes as they come; `finish` gives the digests once.
package final class Digester {
    private let contexts: [OpaquePointer]
    package private(set) var count = 0
    package init() {
        contexts = [EVP_sha256(), EVP_sm3()].map { kind in
            let context = EVP_MD_CTX_new()!
            precondition(EVP_DigestInit_ex(context, kind, nil) == 1, "no digest")
            return context
        }
    }
    deinit { for context in contexts { EVP_MD_CTX_free(context) } }
    package func update(_ bytes: UnsafeRawBufferPointer) {
        count += bytes.count
        for context in contexts { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
    }
    package func finish() -> Digests {
        let sums = contexts.map { context -> [UInt8] in
            var out = [UInt8](repeating: 0, count: 32)
            var length: UInt32 = 0
            EVP_DigestFinal_ex(context, &out, &length)
            return out
        }
        return Digests(sha256: sums[0], sm3: sums[1])
    }
}

/// The office's signature over an evidence package (wacz-auth): ECDSA, P-384, SHA-256.
package enum PackageKey {
    package static func publicKey(_ scalar: [UInt8]) -> [UInt8]? {
        guard scalar.count == 48 else { return nil }
        return Native.bytes { sinan_p384_public(scalar, $0, $1) }
    }
    package static func sign(_ message: [UInt8], _ scalar: [UInt8]) -> [UInt8]? {
        var out = [UInt8](repeating: 0, count: 96)
        return scalar.count == 48 && sinan_p384_sign(scalar, message, message.count, &out) == 1 ? out : nil
    }
    /// - Parameter publicKey: SubjectPublicKeyInfo of P-256 or P-384.
    package static func verify(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
        !signature.isEmpty && sinan_ecdsa_verify(publicKey, publicKey.count, message, message.count, signature, signature.count) == 1
    }
    package struct Certificate: Sendable {
        package let key: [UInt8]
        package let subject: String
        /// Whether it led to a trusted root at the time asked for.
        package let trusted: Bool
    }
    /// A certificate in PEM, its chain behind it.
    /// - Parameter roots: PEM that is trusted; the machine's own if nil.
    package static func certificate(_ pem: String, at: Moment, roots: String? = nil) -> Certificate? {
        var subject = [CChar](repeating: 0, count: 512)
        var trusted: Int32 = 0
        guard let key = Native.bytes({ sinan_certificate(pem, pem.utf8.count, at.milliseconds / 1000, roots, $0, $1, &subject, subject.count, &trusted) }) else { return nil }
        return Certificate(key: key, subject: Native.string(subject), trusted: trusted == 1)
    }
}

/// A time that an authority vouches for (时间戳, RFC 3161).
package struct Stamp: Sendable {
    package let at: Moment
    package let authority: String
    /// Whether its certificate leads to a root that whoever checks trusts.
    package let trusted: Bool

    package static func request(_ digest: [UInt8], nonce: [UInt8]) -> [UInt8]? {
        digest.count == 32 ? Native.bytes { sinan_stamp_request(digest, nonce, nonce.count, $0, $1) } : nil
    }
    /// The token of an authority's answer.
    package static func token(_ reply: [UInt8]) throws -> [UInt8] {
        var why = [CChar](repeating: 0, count: 128)
        guard let token = Native.bytes({ sinan_stamp_token(reply, reply.count, $0, $1, &why, why.count) }) else { throw Fault(Native.string(why)) }
        return token
    }
    /// Checks a token: signature, purpose of the certificate, what it stamps.
    /// - Parameters:
    ///   - certificates: PEM that came beside the token.
    ///   - roots: PEM that is trusted; the machine's own if nil.
    /// - Errors: `Fault` that says why it does not hold.
    package static func verify(_ token: [UInt8], of digest: [UInt8], nonce: [UInt8] = [], certificates: String? = nil, roots: String? = nil) throws -> Stamp {
        guard digest.count == 32 else { throw Fault("not a SHA-256 digest") }
        var stamp = sinan_stamp()
        let holds = sinan_stamp_verify(token, token.count, digest, nonce, nonce.count, certificates, roots, &stamp) == 1
        guard holds else { throw Fault(withUnsafeBytes(of: stamp.why) { Native.string($0) }) }
        return Stamp(at: Moment(milliseconds: stamp.seconds * 1000), authority: withUnsafeBytes(of: stamp.authority) { Native.string($0) }, trusted: stamp.trusted == 1)
    }
}

/// Bytes and texts that C hands over.
enum Native {
    static func bytes(_ make: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>, UnsafeMutablePointer<Int>) -> Int32) -> [UInt8]? {
        var (out, length): (UnsafeMutablePointer<UInt8>?, Int) = (nil, 0)
        guard make(&out, &length) == 1, let out else { return nil }
        defer { free(out) }
        return Array(UnsafeBufferPointer(start: out, count: length))
    }
    static func string(_ characters: [CChar]) -> String { characters.withUnsafeBytes { string($0) } }
    static func string(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
}
