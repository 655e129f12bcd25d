import HTTPTypes
import Hummingbird
import Kernel
import NIOCore

/// The methods that routes have; HEAD is GET without its body.
package enum Method: String, Sendable { case get = "GET", post = "POST", put = "PUT", delete = "DELETE" }

/// One request as handlers see it (请求): method, path, parameters, query, cookies, language, body within its cap.
package struct Exchange: Sendable {
    package let method: Method
    package let path: String
    package let query: Form
    package let headers: HTTPFields
    package let parameters: [String: String]
    package let cookies: [String: String]
    package let language: Language
    /// The visitor's address, as the proxy in front says where one is trusted.
    package let peer: String
    package var body: [UInt8]
    /// `https://host`, as the visitor wrote it: for codes that a phone reads.
    package let origin: String

    package init(
        method: Method, path: String, query: Form = Form(), headers: HTTPFields = [:], parameters: [String: String] = [:],
        cookies: [String: String] = [:], language: Language = .zh, peer: String = "127.0.0.1", body: [UInt8] = [], origin: String = ""
    ) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.parameters = parameters
        self.cookies = cookies
        self.language = language
        self.peer = peer
        self.body = body
        self.origin = origin
    }

    /// The body as a form, urlencoded or multipart.
    package func form() throws(Refusal) -> Form {
        let type = headers[.contentType] ?? ""
        if type.hasPrefix("multipart/form-data") {
            guard let boundary = type.split(separator: ";").map({ $0.trimmed }).first(where: { $0.hasPrefix("boundary=") }) else {
                throw Refusal(.invalid, Text("上传内容缺少分隔标记", "The upload names no boundary"))
            }
            return try Form(multipart: body, boundary: boundary.dropFirst("boundary=".count).filter { $0 != "\"" })
        }
        return try Form(urlencoded: body)
    }

    package func json() throws(Refusal) -> JSON {
        let value = try JSON(parsing: body)
        guard value.isObject else { throw Refusal.invalid("", Text("请求体应为 JSON 对象", "The body must be a JSON object")) }
        return value
    }

    package func header(_ name: String) -> String? { HTTPField.Name(name).flatMap { headers[$0] } }

    package func parameter(_ name: String) throws(Refusal) -> String {
        guard let value = parameters[name] else { throw .notFound }
        return value
    }
    package func id<E>(_ name: String = "id", of: E.Type = E.self) throws(Refusal) -> ID<E> {
        guard let id = ID<E>(try parameter(name)) else { throw .notFound }
        return id
    }

    /// Reads a `Cookie` header.
    package static func cookies(_ header: String?) -> [String: String] {
        var found: [String: String] = [:]
        for pair in (header ?? "").split(separator: ";") {
            guard let at = pair.firstIndex(of: "=") else { continue }
            found[pair[..<at].trimmed] = pair[pair.index(after: at)...].trimmed
        }
        return found
    }
}

/// What a handler answers (应答).
package struct Answer: Sendable {
    package var status: Int
    package var type: String
    package var bytes: [UInt8]
    /// Whether only pages of ours may show it in a frame.
    package var framesOnlyOurs = true
    package var headers: [(HTTPField.Name, String)] = []

    package init(status: Int = 200, type: String, bytes: [UInt8]) {
        self.status = status
        self.type = type
        self.bytes = bytes
    }
    package static func page(_ html: HTML, status: Int = 200) -> Answer { Answer(status: status, type: "text/html; charset=utf-8", bytes: html.bytes) }
    package static func json(_ json: JSON, status: Int = 200) -> Answer {
        var bytes: [UInt8] = []
        json.write(to: &bytes)
        return Answer(status: status, type: "application/json", bytes: bytes)
    }
    /// A sheet to print: it carries its own style and nothing else, no script, no frame, no fetch.
    package static func sheet(_ html: String) -> Answer {
        var answer = Answer(type: "text/html; charset=utf-8", bytes: Array(html.utf8))
        answer.headers.append((.contentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"))
        return answer
    }
    package static func text(_ text: String, status: Int = 200) -> Answer { Answer(status: status, type: "text/plain; charset=utf-8", bytes: Array(text.utf8)) }
    package static func redirect(_ to: String) -> Answer {
        var answer = Answer(status: 303, type: "text/plain; charset=utf-8", bytes: [])
        answer.headers.append((.location, Link.local(to)))
        return answer
    }
    /// To another site that an administrator named, never one that a request names.
    package static func away(_ url: String) -> Answer {
        var answer = Answer(status: 303, type: "text/plain; charset=utf-8", bytes: [])
        answer.headers.append((.location, url))
        return answer
    }
    /// A file to keep: the name may be Chinese (RFC 5987).
    package static func file(_ bytes: [UInt8], type: String, name: String, inline: Bool = false) -> Answer {
        var answer = Answer(type: type, bytes: bytes)
        answer.headers.append((.contentDisposition, "\(inline ? "inline" : "attachment"); filename*=UTF-8''\(Link.encode(name))"))
        return answer
    }
    /// What a stranger made: shown without scripts, in an origin of its own, fetching nothing.
    package var enclosed: Answer {
        var copy = self
        copy.headers.append((.contentSecurityPolicy, "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; sandbox"))
        return copy
    }
    /// What a stranger made, shown with its own pictures, styles and frames from our addresses alone: no script, no form, an origin of its own.
    package var replayed: Answer {
        var copy = self
        copy.headers.append(
            (
                .contentSecurityPolicy,
                "sandbox; default-src 'none'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; font-src 'self' data:; media-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'"
            ))
        // Fonts are asked for, and frames stand, in the sandbox, which is nobody's origin.
        copy.framesOnlyOurs = false
        copy.headers.append((.accessControlAllowOrigin, "*"))
        copy.headers.append((.cacheControl, "private, max-age=600"))
        return copy
    }
    package func setting(cookie name: String, to value: String, maxAge: Int, secure: Bool) -> Answer {
        var copy = self
        copy.headers.append((.setCookie, "\(name)=\(value); Path=/; HttpOnly; SameSite=Lax; Max-Age=\(maxAge)\(secure ? "; Secure" : "")"))
        return copy
    }

    /// RFC 9457: the same refusal for programs.
    package static func problem(_ refusal: Refusal, _ language: Language) -> Answer {
        var pairs: [(String, JSON)] = [
            ("type", .string("urn:sinan:problem:\(refusal.kind.rawValue)")), ("title", .string(refusal.text[language])), ("status", .int(refusal.kind.status)),
        ]
        if let article = refusal.article { pairs.append(("article", .string(article.description))) }
        if !refusal.fields.isEmpty {
            pairs.append(("errors", .array(refusal.fields.map { .object([("pointer", .string($0.pointer)), ("detail", .string($0.text[language]))]) })))
        }
        var answer = Answer.json(.object(pairs), status: refusal.kind.status)
        answer.type = "application/problem+json"
        return answer
    }
}

extension Link {
    /// A path of ours: an address elsewhere becomes the front page, so nobody can be sent away through us.
    package static func local(_ path: String) -> String {
        path.hasPrefix("/") && !path.hasPrefix("//") && !path.hasPrefix("/\\") && path.utf8.allSatisfy({ $0 > 32 && $0 != 127 && $0 != 92 }) ? path : "/"
    }
}
