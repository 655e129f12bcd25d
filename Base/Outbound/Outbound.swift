import CNative
import Dispatch
import Foundation
import Kernel

/// The way out (对外连接): HTTP and mail to where an administrator pointed us, and to no address inside the office's own net.
///
/// What a name resolves to is looked at when the socket is opened, so that no redirect, second look-up or odd spelling of an
/// address leads inside; redirects are not followed. Addresses inside that are meant are named by who starts the program.
package struct Outbound: Sendable {
    /// Addresses that may be reached although they are not public, as `10.0.0.5:25` or `[fd00::1]:25`.
    package let allowed: [String]

    package init(allowing allowed: [String] = []) { self.allowed = allowed }

    package struct Answer: Sendable {
        package let status: Int
        package let body: [UInt8]
    }

    /// Why nothing came of it (连接失败).
    package enum Failure: Error, Sendable, CustomStringConvertible {
        /// The address is inside and not allowed: trying again changes nothing.
        case inside
        case tooLarge
        case failed(String)
        package var description: String {
            switch self {
            case .inside: "the address is not public and not among those allowed"
            case .tooLarge: "the answer is too large"
            case .failed(let why): why
            }
        }
    }

    /// One request. Blocks a thread of its own for up to `seconds`.
    /// - Errors: `Failure`; an answer of any status is no error.
    package func request(_ method: String, _ url: String, headers: [(String, String)] = [], body: [UInt8]? = nil, seconds: Int = 20, limit: Int = 1 << 20) async throws -> Answer {
        guard url.hasPrefix("https://") || url.hasPrefix("http://"), !url.utf8.contains(where: { $0 <= 32 }) else { throw Failure.failed("not an http address") }
        let lines = headers.map { "\($0.0): \($0.1)".filter { $0 != "\r" && $0 != "\n" && $0 != "\r\n" } }
        let allowed = allowed
        return try await Outbound.apart {
            var answer = sinan_answer()
            let code = withStrings(lines) { headers in
                withStrings(allowed) { allowed in sinan_request(method, url, headers, body, body?.count ?? 0, seconds * 1000, limit, allowed, &answer) }
            }
            return try Outbound.read(code, &answer)
        }
    }

    /// A mail server (发信服务器).
    package struct MailServer: Sendable {
        /// `smtp://host:587` (TLS where it offers it), `smtps://host:465`.
        package let url: String
        package let user: String?
        package let password: String?
        package let from: String
        /// Whether a connection without TLS is refused.
        package let secure: Bool
        package init(url: String, user: String?, password: String?, from: String, secure: Bool) {
            (self.url, self.user, self.password, self.from, self.secure) = (url, user, password, from, secure)
        }
    }

    /// Hands a message over. Blocks a thread of its own for up to `seconds`.
    package func mail(_ message: [UInt8], to recipient: String, by server: MailServer, seconds: Int = 60) async throws {
        guard !recipient.utf8.contains(where: { $0 <= 32 || $0 == 60 || $0 == 62 }) else { throw Failure.failed("not an address") }
        let allowed = allowed
        _ = try await Outbound.apart {
            var answer = sinan_answer()
            let code = withStrings(["<\(recipient)>"]) { to in
                withStrings(allowed) { allowed in
                    sinan_mail(
                        server.url, server.user, server.password ?? "", server.secure ? 1 : 0, "<\(server.from)>", to, message, message.count, seconds * 1000, allowed, &answer)
                }
            }
            return try Outbound.read(code, &answer)
        }
    }

    /// Whether an address, as digits, is one of the open net.
    package static func isPublic(_ address: String) -> Bool { sinan_is_public(address) == 1 }

    private static func read(_ code: Int32, _ answer: inout sinan_answer) throws(Failure) -> Answer {
        defer { free(answer.body) }
        switch code {
        case 0: return Answer(status: answer.status, body: answer.body.map { Array(UnsafeBufferPointer(start: $0, count: answer.size)) } ?? [])
        case 2: throw .inside
        case 3: throw .tooLarge
        default:
            let text = withUnsafeBytes(of: answer.error) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
            throw .failed((text.isEmpty ? "no connection" : text) + (answer.status > 0 ? " (\(answer.status))" : ""))
        }
    }

    /// libcurl waits: on a thread of its own, so that no other request does.
    private static func apart<R: Sendable>(_ work: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            DispatchQueue.global(qos: .utility).async { continuation.resume(with: Result { try work() }) }
        }
    }
}

/// Strings as C wants them: an array that ends with NULL.
private func withStrings<R>(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> R) -> R {
    let copies = strings.map { strdup($0) }
    defer { for copy in copies { free(copy) } }
    let pointers = copies.map { UnsafePointer<CChar>($0) } + [nil]
    return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
}
