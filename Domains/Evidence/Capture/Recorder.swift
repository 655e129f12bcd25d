import Browser
import Foundation
import Kernel

/// One request and what was answered (请求与响应).
package struct Exchange: Sendable {
    package var url: String
    package var method: String
    package var requestHeaders: [(String, String)]
    package var requestBody: [UInt8]
    package let at: Moment
    package var kind: String
    package var status = 0
    package var reason = ""
    package var headers: [(String, String)] = []
    package var mime = ""
    package var version = "HTTP/1.1"
    package var body: [UInt8]?
    /// Why there is no answer, or not the whole of it.
    package var failure: String?
    package var security: JSON = .null
    fileprivate var isOver = false
    package var isAnswered: Bool { status > 0 }

    package init(url: String, method: String, requestHeaders: [(String, String)], requestBody: [UInt8] = [], at: Moment, kind: String) {
        (self.url, self.method, self.requestHeaders, self.requestBody, self.at, self.kind) = (url, method, requestHeaders, requestBody, at, kind)
    }
}

/// What the browser tells of its network and its pages, put in order (网络记录).
actor Recorder {
    private let browser: Chromium
    private let limits: CaptureLimits
    /// By session and request; a redirected request has several.
    private var order: [(key: String, hop: Int)] = []
    private var hops: [String: [Exchange]] = [:]
    private var asked: [String: [[(String, String)]]] = [:]
    private var answered: [String: [(Int, [(String, String)])]] = [:]
    private var sizes: [String: Int] = [:]
    private var fetches: [Task<Void, Never>] = []
    private var lifecycle: Set<String> = []
    private(set) var notes: [String] = []
    private(set) var lastActivity = ContinuousClock.now

    private let clock: OfficeClock

    init(_ browser: Chromium, _ limits: CaptureLimits, _ clock: OfficeClock) { (self.browser, self.limits, self.clock) = (browser, limits, clock) }

    func note(_ text: String) { if notes.count < 200 { notes.append(text) } }
    func reached(_ loader: String, _ name: String) -> Bool { lifecycle.contains(loader + name) }
    var inFlight: Int { hops.values.reduce(0) { $0 + ($1.last.map { $0.isOver ? 0 : 1 } ?? 0) } }

    func take(_ event: Chromium.Event) async {
        let p = event.params
        let key = (event.session ?? "") + " " + (p["requestId"]?.string ?? "")
        switch event.method {
        case "Network.requestWillBeSent": begin(key, p)
        case "Network.requestWillBeSentExtraInfo": asked[key, default: []].append(pairs(p["headers"]))
        case "Network.responseReceivedExtraInfo": answered[key, default: []].append((p["statusCode"]?.int ?? 0, pairs(p["headers"])))
        case "Network.responseReceived": answer(key, p["response"] ?? .null)
        case "Network.dataReceived":
            lastActivity = ContinuousClock.now
            sizes[key, default: 0] += p["dataLength"]?.int ?? 0
            if let n = sizes[key], n > limits.body, let i = hops[key]?.indices.last, hops[key]![i].failure == nil {
                hops[key]![i].failure = "longer than \(limits.body) bytes: not kept"
                hops[key]![i].isOver = true
                note("cut off: \(hops[key]![i].url.prefix(200))")
            }
        case "Network.loadingFinished": fetch(key, p["requestId"]?.string ?? "", event.session)
        case "Network.loadingFailed":
            lastActivity = ContinuousClock.now
            guard let i = hops[key]?.indices.last else { return }
            hops[key]![i].failure = hops[key]![i].failure ?? p["errorText"]?.string ?? "failed"
            hops[key]![i].isOver = true
        case "Page.lifecycleEvent": lifecycle.insert((p["loaderId"]?.string ?? "") + (p["name"]?.string ?? ""))
        case "Page.javascriptDialogOpening":
            note("the page asked: \(p["type"]?.string ?? "") “\(p["message"]?.string?.prefix(200) ?? "")”: answered no")
            let session = event.session
            Task { _ = try? await browser.call("Page.handleJavaScriptDialog", [("accept", .bool(false))], session: session) }
        case "Browser.downloadWillBegin", "Page.downloadWillBegin": note("the page offered a file: \(p["url"]?.string?.prefix(200) ?? ""): refused")
        case "Target.attachedToTarget" where event.session != nil: attach(p)
        case "Target.targetCreated":
            guard let info = p["targetInfo"], info["type"]?.string == "page", info["openerId"]?.string != nil else { return }
            note("the page opened a window: \(info["url"]?.string?.prefix(200) ?? ""): closed")
            let target = info["targetId"] ?? .null
            Task { _ = try? await browser.call("Target.closeTarget", [("targetId", target)]) }
        case "Inspector.targetCrashed": note("the page crashed the browser's tab")
        default: break
        }
    }

    private func pairs(_ value: JSON?) -> [(String, String)] {
        guard case .object(let pairs) = value else { return [] }
        // A header that came several times is one value with line ends between.
        return pairs.flatMap { pair in (pair.value.string ?? "").split(separator: "\n", omittingEmptySubsequences: false).map { (pair.key, String($0)) } }
    }

    private func begin(_ key: String, _ p: JSON) {
        lastActivity = ContinuousClock.now
        if let redirect = p["redirectResponse"], !redirect.isNull, let i = hops[key]?.indices.last {
            fill(&hops[key]![i], redirect)
            hops[key]![i].body = []
            hops[key]![i].isOver = true
        }
        guard order.count < limits.requests, let request = p["request"], let url = request["url"]?.string, url.hasPrefix("http") else { return }
        let at = p["wallTime"].flatMap { value -> Double? in if case .number(let n) = value { Double(n) } else { nil } } ?? Double(clock.now.milliseconds) / 1000
        let exchange = Exchange(
            url: url.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).first.map(String.init) ?? url, method: request["method"]?.string ?? "GET",
            requestHeaders: pairs(request["headers"]), requestBody: Array((request["postData"]?.string ?? "").utf8), at: Moment(milliseconds: Int64(at * 1000)),
            kind: p["type"]?.string ?? "")
        order.append((key, hops[key]?.count ?? 0))
        hops[key, default: []].append(exchange)
    }

    private func fill(_ exchange: inout Exchange, _ response: JSON) {
        exchange.status = response["status"]?.int ?? 0
        exchange.reason = response["statusText"]?.string ?? ""
        exchange.headers = pairs(response["headers"])
        exchange.mime = response["mimeType"]?.string ?? ""
        exchange.version = response["protocol"]?.string ?? ""
        exchange.security = response["securityDetails"] ?? .null
    }
    private func answer(_ key: String, _ response: JSON) {
        lastActivity = ContinuousClock.now
        guard let i = hops[key]?.indices.last else { return }
        fill(&hops[key]![i], response)
    }

    private func fetch(_ key: String, _ request: String, _ session: String?) {
        lastActivity = ContinuousClock.now
        guard let i = hops[key]?.indices.last, !hops[key]![i].isOver else { return }
        fetches.append(
            Task {
                do {
                    let answer = try await browser.call("Network.getResponseBody", [("requestId", .string(request))], session: session)
                    let text = answer["body"]?.string ?? ""
                    let bytes = answer["base64Encoded"]?.bool == true ? Data(base64Encoded: text).map { [UInt8]($0) } ?? [] : Array(text.utf8)
                    kept(key, i, bytes, nil)
                } catch { kept(key, i, nil, "\(error)") }
            })
    }
    private func kept(_ key: String, _ i: Int, _ bytes: [UInt8]?, _ failure: String?) {
        guard hops[key]?.indices.contains(i) == true else { return }
        // An answer without a body has none to give; one that had a body and lost it is said to be missing.
        let isEmpty = sizes[key, default: 0] == 0 && failure.map { $0.contains("No data found") || $0.contains("No resource") } == true
        hops[key]![i].body = bytes ?? (isEmpty ? [] : nil)
        if hops[key]![i].body == nil { hops[key]![i].failure = failure }
        hops[key]![i].isOver = true
    }

    /// A frame or a worker of the page is recorded like it.
    private func attach(_ p: JSON) {
        guard let session = p["sessionId"]?.string else { return }
        Task {
            _ = try? await browser.call("Network.enable", [], session: session)
            _ = try? await browser.call("Runtime.runIfWaitingForDebugger", [], session: session)
        }
    }

    /// Waits for the bodies that are on their way, then gives all in the order in which they were asked for.
    func finish() async -> [Exchange] {
        for task in fetches { await task.value }
        var all: [Exchange] = []
        for (key, hop) in order {
            guard var exchange = hops[key]?[hop] else { continue }
            let count = hops[key]!.count
            // What went over the wire, where the browser told it for each hop: cookies and all.
            if let wire = asked[key], wire.count == count { exchange.requestHeaders = wire[hop] }
            if let wire = answered[key], wire.count == count, wire[hop].0 == exchange.status { exchange.headers = wire[hop].1 }
            if !exchange.isOver { exchange.failure = exchange.failure ?? "not finished when the time was up" }
            all.append(exchange)
        }
        return all
    }
}
