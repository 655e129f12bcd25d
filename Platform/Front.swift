import Formats
import HTTPTypes
import Hummingbird
import Kernel
import Logging
import NIOCore
import Statute
import Store
import Synchronization
import Web

/// The request's context: the router's own, with the peer's address.
package struct FrontContext: RequestContext {
    package var coreContext: CoreRequestContextStorage
    package let peer: String
    package init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        peer = source.channel.remoteAddress?.ipAddress ?? "local"
    }
}

/// Answers what no route answers in the same form as everything else.
private struct NothingHere: RouterMiddleware {
    typealias Context = FrontContext
    let front: Front

    func handle(_ request: Request, context: FrontContext, next: (Request, FrontContext) async throws -> Response) async throws -> Response {
        do { return try await next(request, context) } catch let error as HTTPError where error.status == .notFound {
            let style: Route.Style = request.uri.path.hasPrefix("/api/") ? .api : .page
            return await front.respond(request, context, Route(.get, "", .anyone, style: style) { _ in throw Refusal.notFound }).response
        }
    }
}

/// The front door (总入口): finds who comes, checks door and form token, runs the handler, turns refusals into answers.
package struct Front: Sendable {
    let desk: Desk
    let house: House
    let metrics: Metrics
    /// Large bodies from people who have not signed in, before a byte of them is read.
    private let uploads = RateLimit(burst: 40, perMinute: 20)
    package static let sessionCookie = "sinan_session"
    package static let visitorCookie = "sinan_visitor"
    package static let languageCookie = "sinan_language"

    package init(desk: Desk, house: House, metrics: Metrics) {
        self.desk = desk
        self.house = house
        self.metrics = metrics
    }

    package func router(_ routes: [Route]) -> Router<FrontContext> {
        let router = Router(context: FrontContext.self)
        router.add(middleware: NothingHere(front: self))
        for route in routes {
            if route.method == .get {
                router.head(RouterPath(route.path)) { request, context in await respond(request, context, route).withoutBody.response }
            }
            router.on(RouterPath(route.path), method: .init(route.method.rawValue)!) { request, context in
                await respond(request, context, route).response
            }
        }
        // Everything else answers in the same form: a known address by another method 405, an unknown one 404.
        var known: [String: Set<String>] = [:]
        for route in routes { known[route.path, default: []].insert(route.method.rawValue) }
        for (path, methods) in known {
            let allowed = methods.union(methods.contains("GET") ? ["HEAD"] : [])
            for method in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] where !methods.contains(method) {
                router.on(RouterPath(path), method: .init(method)!) { request, context in
                    let style: Route.Style = path.hasPrefix("/api/") ? .api : .page
                    var answer = await respond(
                        request, context,
                        Route(.get, path, .anyone, style: style) { _ in throw Refusal(.notAllowed, Text("此地址不支持 \(method)", "This address does not take \(method)")) })
                    answer.headers.append((.allow, allowed.sorted().joined(separator: ", ")))
                    return answer.response
                }
            }
        }
        return router
    }

    func respond(_ request: Request, _ context: FrontContext, _ route: Route) async -> Answer {
        let started = ContinuousClock.now
        let cookies = Exchange.cookies(request.headers[.cookie])
        let chosen = cookies[Front.languageCookie].flatMap { Language(rawValue: $0) }
        let language = chosen ?? Language(accepting: request.headers[.acceptLanguage])
        let known = cookies[Front.visitorCookie].flatMap { $0.count == 32 && $0.allSatisfy(\.isHexDigit) ? $0 : nil }
        let visitor = known ?? Crypto.hex(Crypto.random(16))
        var visit = Visit(
            desk: desk, exchange: Exchange(method: route.method, path: request.uri.path, language: language), account: nil, sessionToken: nil, visitor: visitor, house: house)
        var answer: Answer
        do {
            visit = try await self.visit(request, context, route, cookies, language, visitor)
            answer = try await route.handle(visit)
        } catch let refusal as Refusal {
            answer = refused(refusal, route, visit)
        } catch {
            let number = Crypto.hex(Crypto.random(4))
            desk.logger.error("fault", metadata: ["number": "\(number)", "path": "\(request.uri.path)", "error": "\(error)"])
            answer = failed(number, route, visit)
        }
        if known == nil, route.style == .page { answer = answer.setting(cookie: Front.visitorCookie, to: visitor, maxAge: 86_400 * 30, secure: desk.configuration.secureCookies) }
        metrics.count(status: answer.status, seconds: started.duration(to: .now))
        return answer
    }

    private func visit(_ request: Request, _ context: FrontContext, _ route: Route, _ cookies: [String: String], _ language: Language, _ visitor: String) async throws -> Visit {
        var query = Form()
        if let text = request.uri.query { query = try Form(urlencoded: Array(text.utf8)) }
        let parameters = Dictionary(context.parameters.map { (String($0.key), String($0.value)) }) { a, _ in a }
        let peer = desk.configuration.trustsProxy ? request.headers[.init("X-Forwarded-For")!]?.split(separator: ",").last.map { String($0).trimmed } ?? context.peer : context.peer
        let now = desk.now
        var account: Account?
        var token: String?
        if route.style == .api {
            if let header = request.headers[.authorization], header.lowercased().hasPrefix("bearer ") {
                let bearer = String(header.dropFirst(7)).trimmed
                account = try await desk.store.read { try SignIn.account(bearer: bearer, $0) }
                guard account != nil else { throw Refusal(.unauthenticated, Text("令牌无效或已撤销", "The token is not valid or was revoked")) }
            }
        } else if let session = cookies[Front.sessionCookie], session.count == 64 {
            account = try await desk.store.read { try SignIn.account(session: session, at: now, $0) }
            token = account == nil ? nil : session
        }
        let head = Exchange(
            method: route.method, path: request.uri.path, query: query, headers: request.headers, parameters: parameters, cookies: cookies, language: language, peer: peer,
            origin: origin(request))
        // Nobody's body is read before it is known that they may come in.
        var visit = Visit(desk: desk, exchange: head, account: account, sessionToken: token, visitor: visitor, house: house)
        switch route.door {
        case .anyone: break
        case .signedIn: _ = try visit.signedIn()
        case .permitted(let permission): try visit.require(permission)
        }
        if route.method != .get {
            if route.cap > 4 << 20, account == nil { try uploads.take(peer, at: now) }
            do { visit.exchange.body = Array(buffer: try await request.body.collect(upTo: route.cap)) } catch is NIOTooManyBytesError {
                throw Refusal(.tooLarge, Text("内容超过\(max(1, route.cap >> 20))MB上限", "The content is larger than \(max(1, route.cap >> 20)) MB"))
            }
        }
        if route.style == .page, route.method == .post { try visit.checkForm(visit.exchange.form()) }
        return visit
    }

    /// `https://host` as the visitor wrote it, for codes that a phone reads: empty where the host is not a plain name.
    private func origin(_ request: Request) -> String {
        let host = request.head.authority ?? ""
        guard !host.isEmpty, host.utf8.count < 254,
            host.utf8.allSatisfy({ c in (48...57).contains(c) || (65...90).contains(c) || (97...122).contains(c) || ".-:[]".utf8.contains(c) })
        else { return "" }
        let forwarded = desk.configuration.trustsProxy ? request.headers[.init("X-Forwarded-Proto")!] : nil
        return (desk.configuration.secureCookies || forwarded == "https" ? "https://" : "http://") + host
    }

    private func refused(_ refusal: Refusal, _ route: Route, _ visit: Visit) -> Answer {
        if route.style == .api { return .problem(refusal, visit.language) }
        if refusal.kind == .unauthenticated, visit.exchange.method == .get {
            return .redirect(Link.query("/signin", [("to", visit.exchange.path)]))
        }
        // A page names the permission in words; programs get its key.
        let missing = visit.desk.permissions.grants.first { refusal.text.zh.hasSuffix("（\($0.permission)）") }
        let text = missing.map { Text("您没有“\($0.title.zh)”的权限", "You may not do this: \($0.title.en)") } ?? refusal.text
        return visit.page(text, status: refusal.kind.status) { h in
            h.section("notice-page") {
                h.h1(Text(verbatim: String(refusal.kind.status)), "notice-code")
                h.p("lead", text)
                if !refusal.fields.isEmpty { h.ul { for field in refusal.fields { h.li { h.text(field.text) } } } }
                if let article = refusal.article { h.p("text-muted", visit.desk.law.register.cite(article)) }
                h.a("/", "btn btn-outline-secondary", Text("回到首页", "To the front page"))
            }
        }
    }

    private func failed(_ number: String, _ route: Route, _ visit: Visit) -> Answer {
        let text = Text("系统出现故障，编号 \(number)，已记录。您可以稍后再试。", "Something failed on our side, number \(number), and was written down. Please try again later.")
        if route.style == .api {
            var answer = Answer.json(
                .object([("type", .string("urn:sinan:problem:fault")), ("title", .string(text[visit.language])), ("status", .int(500)), ("number", .string(number))]), status: 500)
            answer.type = "application/problem+json"
            return answer
        }
        return visit.page(Text("系统故障", "Fault"), status: 500) { h in
            h.section("notice-page") {
                h.h1(Text(verbatim: "500"), "notice-code")
                h.p("lead", text)
            }
        }
    }
}

extension Answer {
    var withoutBody: Answer {
        var copy = self
        copy.bytes = []
        return copy
    }

    package var response: Response {
        var fields = HTTPFields()
        fields[.contentType] = type
        for (name, value) in headers { fields.append(HTTPField(name: name, value: value)) }
        fields[.contentLength] = String(bytes.count)
        fields[.xContentTypeOptions] = "nosniff"
        fields[.init("Referrer-Policy")!] = "same-origin"
        if framesOnlyOurs { fields[.init("X-Frame-Options")!] = "SAMEORIGIN" }
        if fields[.cacheControl] == nil { fields[.cacheControl] = "no-store" }
        if fields[.contentSecurityPolicy] == nil {
            fields[.contentSecurityPolicy] =
                "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
        }
        return Response(status: .init(code: status), headers: fields, body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}

/// Counts for `/metrics` in Prometheus' text form (运行指标).
package final class Metrics: Sendable {
    private struct Figures {
        var byStatus: [Int: Int] = [:]
        var seconds: Double = 0
        var buckets = [Int](repeating: 0, count: Metrics.bounds.count)
    }
    private static let bounds: [Double] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
    private let figures = Mutex(Figures())
    package init() {}

    func count(status: Int, seconds duration: Duration) {
        let seconds = Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
        figures.withLock { f in
            f.byStatus[status, default: 0] += 1
            f.seconds += seconds
            for (i, bound) in Metrics.bounds.enumerated() where seconds <= bound { f.buckets[i] += 1 }
        }
    }

    package func text(gauges: [(String, Int)]) -> String {
        figures.withLock { f in
            var out = "# TYPE sinan_requests_total counter\n"
            for (status, n) in f.byStatus.sorted(by: { $0.key < $1.key }) { out += "sinan_requests_total{status=\"\(status)\"} \(n)\n" }
            let total = f.byStatus.values.reduce(0, +)
            out += "# TYPE sinan_request_seconds histogram\n"
            for (bound, n) in zip(Metrics.bounds, f.buckets) { out += "sinan_request_seconds_bucket{le=\"\(bound)\"} \(n)\n" }
            out += "sinan_request_seconds_bucket{le=\"+Inf\"} \(total)\nsinan_request_seconds_sum \(f.seconds)\nsinan_request_seconds_count \(total)\n"
            for (name, n) in gauges { out += "# TYPE sinan_\(name) gauge\nsinan_\(name) \(n)\n" }
            return out
        }
    }
}
