import Browser
import Foundation
import Kernel

/// How long, how much, how many (取证上限).
package struct CaptureLimits: Sendable {
    package var seconds = 60
    /// Of all connections together, and of one body.
    package var bytes = 200 << 20
    package var body = 50 << 20
    package var requests = 2000
    /// Of the picture, in pixels of the page.
    package var height = 60_000
    package init() {}
}

/// What is asked to be captured (取证请求).
package struct CaptureRequest: Sendable {
    package enum Device: String, Sendable, CaseIterable {
        case desktop, phone
        package var title: Text { self == .desktop ? Text("电脑", "Desktop") : Text("手机", "Phone") }
        var width: Int { self == .desktop ? 1440 : 390 }
        var height: Int { self == .desktop ? 900 : 844 }
    }
    /// One act on the page (页面操作).
    package enum Step: Sendable, Equatable {
        /// Down to the end and back, so that what loads late is there.
        case scroll
        /// Everything that this CSS selector finds, at most twenty.
        case click(String)
        case wait(seconds: Int)

        /// `scroll`, `click SELECTOR`, `wait SECONDS`: a line each.
        package init(_ line: String) throws(Refusal) {
            let parts = line.split(separator: " ", maxSplits: 1).map(String.init)
            switch (parts.first, parts.count) {
            case ("scroll", 1): self = .scroll
            case ("click", 2): self = .click(parts[1])
            case ("wait", 2):
                guard let n = Int(parts[1]), (1...300).contains(n) else { throw .invalid("/script", Text("等待应为1至300秒：“\(line)”", "A wait takes 1 to 300 seconds: “\(line)”")) }
                self = .wait(seconds: n)
            default: throw .invalid("/script", Text("不认识的操作“\(line)”，应为 scroll、click 选择器 或 wait 秒数", "Unknown step “\(line)”: scroll, click SELECTOR or wait SECONDS"))
            }
        }
        package var line: String {
            switch self {
            case .scroll: "scroll"
            case .click(let selector): "click \(selector)"
            case .wait(let n): "wait \(n)"
            }
        }
    }
    package let url: String
    package var device = Device.desktop
    package var script: [Step] = [.scroll]
    package var limits = CaptureLimits()
    /// Hosts that may be reached although their address is inside.
    package var allowedHosts: [String] = []
    package var chromium = "/usr/bin/chromium"

    /// - Errors: `Refusal` where the address is not one of the web.
    package init(_ url: String) throws(Refusal) {
        let url = url.trimmed
        guard let parts = URLComponents(string: url), let host = parts.host, !host.isEmpty, ["http", "https"].contains(parts.scheme?.lowercased() ?? ""), parts.user == nil,
            url.utf8.count <= 4000,
            !url.utf8.contains(where: { $0 <= 32 })
        else { throw .invalid("/url", Text("应为 http:// 或 https:// 开头的网址", "An address begins with http:// or https://")) }
        self.url = url
    }
}

/// What was seen (取证结果), still in memory.
package struct Captured: Sendable {
    package var url: String
    package var finalURL: String
    package var title: String
    package var startedAt: Moment
    package var endedAt: Moment
    package var exchanges: [Exchange]
    package var text: String
    package var dom: String
    /// From the top down, each of at most 8,000 pixels of the page.
    package var pictures: [[UInt8]]
    package var pdf: [UInt8]
    package var browser: JSON
    package var passages: [Gate.Passage]
    package var certificates: [(origin: String, chain: [[UInt8]])]
    package var steps: [(line: String, result: String)]
    package var notes: [String]
    package var device: CaptureRequest.Device
    package var viewport: (width: Int, height: Int)

    package init(
        url: String, finalURL: String, title: String, startedAt: Moment, endedAt: Moment, exchanges: [Exchange], text: String, dom: String, pictures: [[UInt8]], pdf: [UInt8],
        browser: JSON,
        passages: [Gate.Passage], certificates: [(origin: String, chain: [[UInt8]])], steps: [(line: String, result: String)], notes: [String], device: CaptureRequest.Device,
        viewport: (width: Int, height: Int)
    ) {
        (self.url, self.finalURL, self.title, self.startedAt, self.endedAt, self.exchanges, self.text, self.dom) = (url, finalURL, title, startedAt, endedAt, exchanges, text, dom)
        (self.pictures, self.pdf, self.browser, self.passages, self.certificates, self.steps) = (pictures, pdf, browser, passages, certificates, steps)
        (self.notes, self.device, self.viewport) = (notes, device, viewport)
    }
}

/// Opens a page in a browser of its own and keeps what came and what was seen (网页取证).
package struct Capture: Sendable {
    package let request: CaptureRequest
    private let clock: OfficeClock
    package init(_ request: CaptureRequest, clock: OfficeClock) { (self.request, self.clock) = (request, clock) }

    /// Takes from a second to `limits.seconds` and some for the pictures. The browser is ended whatever happens.
    /// - Errors: `Refusal` where the address is inside, does not answer, or is no page; `Fault` where the browser fails.
    package func run(progress: @Sendable (String) -> Void = { _ in }) async throws -> Captured {
        let limits = request.limits
        let started = clock.now
        let gate = try await Gate.open(allowing: request.allowedHosts, limit: limits.bytes, clock: clock)
        do {
            let browser = try Chromium(request.chromium, gate: gate.port)
            let recorder = Recorder(browser, limits, clock)
            let listening = Task { for await event in browser.events { await recorder.take(event) } }
            // Whatever hangs, hangs no longer than this.
            let guardian = Task {
                try await Task.sleep(for: .seconds(limits.seconds * 2 + 60))
                browser.close()
            }
            defer {
                guardian.cancel()
                listening.cancel()
                browser.close()
            }
            do {
                let captured = try await see(browser, recorder, gate, started, progress)
                await gate.close()
                return captured
            } catch let failure as Chromium.Failure {
                if gate.passages.contains(where: \.refused), await recorder.notes.isEmpty, gate.passages.count == 1 { throw Capture.inside(gate) }
                throw Fault("\(failure)")
            }
        } catch {
            await gate.close()
            throw error
        }
    }

    private static func inside(_ gate: Gate) -> Refusal {
        let host = gate.passages.first { $0.refused }?.host ?? ""
        return Refusal(
            .forbidden,
            Text("“\(host)”指向内网或本机地址，未获允许，不予访问", "“\(host)” leads to an address inside, which is not allowed: name the host as allowed where it is meant"))
    }

    private func see(_ browser: Chromium, _ recorder: Recorder, _ gate: Gate, _ started: Moment, _ progress: @Sendable (String) -> Void) async throws -> Captured {
        let limits = request.limits
        let deadline = ContinuousClock.now + .seconds(limits.seconds)
        var version = try await browser.call("Browser.getVersion")
        try await browser.call("Browser.setDownloadBehavior", [("behavior", .string("deny")), ("eventsEnabled", .bool(true))])
        let target = try await browser.call("Target.createTarget", [("url", .string("about:blank"))])["targetId"] ?? .null
        let session = try await browser.call("Target.attachToTarget", [("targetId", target), ("flatten", .bool(true))])["sessionId"]?.string ?? ""
        @Sendable func call(_ method: String, _ params: [(String, JSON)] = [], seconds: Double = 30) async throws -> JSON {
            try await browser.call(method, params, session: session, seconds: seconds)
        }
        _ = try await call("Target.setAutoAttach", [("autoAttach", .bool(true)), ("waitForDebuggerOnStart", .bool(true)), ("flatten", .bool(true))])
        _ = try await browser.call("Target.setDiscoverTargets", [("discover", .bool(true))])
        _ = try await call(
            "Network.enable", [("maxTotalBufferSize", .int(limits.bytes * 2)), ("maxResourceBufferSize", .int(limits.body + 1024)), ("maxPostDataSize", .int(1 << 20))])
        _ = try await call("Network.setCacheDisabled", [("cacheDisabled", .bool(true))])
        _ = try await call("Page.enable")
        _ = try await call("Page.setLifecycleEventsEnabled", [("enabled", .bool(true))])
        // A page that prints itself would keep us from printing it. Nothing else of the page's surroundings is changed.
        _ = try await call("Page.addScriptToEvaluateOnNewDocument", [("source", .string("window.print = () => {}"))])
        let device = request.device
        _ = try await call(
            "Emulation.setDeviceMetricsOverride",
            [("width", .int(device.width)), ("height", .int(device.height)), ("deviceScaleFactor", .int(device == .phone ? 2 : 1)), ("mobile", .bool(device == .phone))])
        // As the same browser shows itself with a window: the word for without one is not one a shop expects.
        var agent = (version["userAgent"]?.string ?? "").split(separator: "Headless", omittingEmptySubsequences: false).joined()
        if device == .phone {
            let chrome = agent.split(separator: " ").first { $0.hasPrefix("Chrome/") } ?? "Chrome/120.0.0.0"
            agent = "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) \(chrome) Mobile Safari/537.36"
            _ = try await call("Emulation.setTouchEmulationEnabled", [("enabled", .bool(true))])
        }
        _ = try await call("Emulation.setUserAgentOverride", [("userAgent", .string(agent)), ("acceptLanguage", .string("zh-CN,zh;q=0.9"))])
        if case .object(let pairs) = version { version = .object(pairs + [("userAgentSent", .string(agent))]) }

        progress("loading")
        let navigation: JSON
        do {
            navigation = try await call("Page.navigate", [("url", .string(request.url))], seconds: Double(limits.seconds))
        } catch { throw gate.passages.contains(where: \.refused) ? Capture.inside(gate) : error }
        if let failure = navigation["errorText"]?.string, !failure.isEmpty {
            if gate.passages.contains(where: \.refused) { throw Capture.inside(gate) }
            // That it offers a file is told a moment later.
            if failure == "net::ERR_ABORTED" { try await Task.sleep(for: .milliseconds(400)) }
            let offered = await recorder.notes.contains { $0.contains("offered a file") }
            throw Refusal(
                .unavailable,
                offered
                    ? Text("该网址提供的是下载文件，不是网页，请作为文件收取", "The address gives a file, not a page: take it in as a file")
                    : Text("网页打不开：\(failure)", "The page does not open: \(failure)"))
        }
        let loader = navigation["loaderId"]?.string ?? ""
        // Loaded, and nothing on its way for 300 ms; the browser's own word for it comes after 500.
        func isStill() async -> Bool {
            if await recorder.reached(loader, "networkIdle") { return true }
            guard await recorder.reached(loader, "load"), await recorder.inFlight == 0 else { return false }
            return ContinuousClock.now - (await recorder.lastActivity) > .milliseconds(300)
        }
        var still = await isStill()
        while !still, ContinuousClock.now < deadline, !browser.isOver, !gate.isOver {
            try await Task.sleep(for: .milliseconds(25))
            still = await isStill()
        }
        if !still { await recorder.note("the network was never still in \(limits.seconds) s: taken as it stood") }

        var steps: [(line: String, result: String)] = []
        for step in request.script where !browser.isOver {
            progress(step.line)
            guard ContinuousClock.now < deadline else {
                steps.append((step.line, "not done: the time was up"))
                continue
            }
            let began = ContinuousClock.now
            do { steps.append((step.line, try await act(step, call, deadline))) } catch { steps.append((step.line, "failed: \(error)")) }
            let ended = ContinuousClock.now
            let quiet = min(deadline, ended + .seconds(5))
            while ContinuousClock.now < quiet {
                let (flight, last) = (await recorder.inFlight, await recorder.lastActivity)
                // An act that asked for nothing is given a moment to do so.
                if flight == 0, ContinuousClock.now - max(last, ended) > .milliseconds(last > began ? 250 : 120) { break }
                try await Task.sleep(for: .milliseconds(25))
            }
        }

        progress("pictures")
        // In a world of our own, where the page has redefined nothing; the first twenty million characters.
        let frame = navigation["frameId"] ?? .null
        let world = try await call("Page.createIsolatedWorld", [("frameId", frame), ("worldName", .string("sinan"))])["executionContextId"] ?? .null
        func evaluate(_ expression: String) async throws -> String {
            try await call(
                "Runtime.evaluate",
                [("expression", .string("(\(expression)).slice(0, 20000000)")), ("contextId", world), ("returnByValue", .bool(true)), ("timeout", .int(5000))])["result"]?["value"]?
                .string ?? ""
        }
        // Loading ends here: what is seen from now on is what is kept.
        _ = try? await call("Page.stopLoading")
        let finalURL = try await evaluate("location.href")
        let title = try await evaluate("document.title")
        let dom = try await evaluate("(document.doctype ? new XMLSerializer().serializeToString(document.doctype) + '\\n' : '') + document.documentElement.outerHTML")
        let text = try await evaluate("document.body ? document.body.innerText : ''")
        let size = try await call("Page.getLayoutMetrics")["cssContentSize"]
        let (width, whole) = (max(device.width, size?["width"]?.int ?? 0), max(device.height, size?["height"]?.int ?? 0))
        let height = min(whole, limits.height)
        if height < whole { await recorder.note("the picture ends at \(height) of \(whole) pixels") }
        var pictures: [[UInt8]] = []
        var top = 0
        while top < height {
            let slice = min(8000, height - top)
            let clip = JSON.object([("x", .int(0)), ("y", .int(top)), ("width", .int(min(width, 4000))), ("height", .int(slice)), ("scale", .int(1))])
            let picture = try await call(
                "Page.captureScreenshot", [("format", .string("png")), ("captureBeyondViewport", .bool(true)), ("clip", clip), ("optimizeForSpeed", .bool(true))], seconds: 60)
            pictures.append(Data(base64Encoded: picture["data"]?.string ?? "").map { [UInt8]($0) } ?? [])
            top += slice
        }
        progress("PDF")
        var pdf: [UInt8] = []
        do {
            let printed = try await call("Page.printToPDF", [("printBackground", .bool(true)), ("preferCSSPageSize", .bool(true))], seconds: 60)
            pdf = Data(base64Encoded: printed["data"]?.string ?? "").map { [UInt8]($0) } ?? []
        } catch { await recorder.note("no PDF: \(error)") }
        let exchanges = await recorder.finish()
        var certificates: [(origin: String, chain: [[UInt8]])] = []
        for origin in Set(
            exchanges.compactMap { $0.url.hasPrefix("https://") && $0.isAnswered ? URLComponents(string: $0.url) : nil }.map {
                "https://\($0.host ?? "")\($0.port.map { ":\($0)" } ?? "")"
            }
        )
        .sorted().prefix(50) {
            if let chain = try? await call("Network.getCertificate", [("origin", .string(origin))])["tableNames"]?.array {
                certificates.append((origin, chain.compactMap { $0.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } }))
            }
        }
        if gate.isOver { await recorder.note("more than \(limits.bytes) bytes: cut off") }
        for refused in Set(gate.passages.filter(\.refused).map(\.host)).sorted() { await recorder.note("refused: “\(refused)” leads to an address inside") }
        guard exchanges.contains(where: \.isAnswered) else { throw Refusal(.unavailable, Text("没有得到任何响应", "Nothing was answered")) }
        return Captured(
            url: request.url, finalURL: finalURL, title: title, startedAt: started, endedAt: clock.now, exchanges: exchanges, text: text, dom: dom, pictures: pictures,
            pdf: pdf,
            browser: version, passages: gate.passages, certificates: certificates, steps: steps, notes: await recorder.notes, device: device,
            viewport: (device.width, device.height))
    }

    /// Does one step, says what came of it.
    private func act(_ step: CaptureRequest.Step, _ call: (String, [(String, JSON)], Double) async throws -> JSON, _ deadline: ContinuousClock.Instant) async throws -> String {
        func evaluate(_ expression: String) async throws -> JSON? {
            try await call(
                "Runtime.evaluate",
                [("expression", .string(expression)), ("returnByValue", .bool(true)), ("awaitPromise", .bool(true)), ("userGesture", .bool(true)), ("timeout", .int(20_000))], 30)[
                    "result"]?[
                    "value"]
        }
        switch step {
        case .scroll:
            let n = try await evaluate(
                """
                (async () => { let n = 0, last = -1;
                while (n < 60 && scrollY !== last) { last = scrollY; scrollBy(0, innerHeight); n++; await new Promise(r => setTimeout(r, n < 8 ? 34 : 25)); }
                scrollTo(0, 0); return n; })()
                """)
            return "\(n?.int ?? 0) screens"
        case .click(let selector):
            let n = try await evaluate(
                """
                (async () => { const all = [...document.querySelectorAll(\(JSON.string(selector).text))].slice(0, 20);
                for (const one of all) { one.scrollIntoView({block: 'center'}); one.click(); await new Promise(r => setTimeout(r, 120)); } return all.length; })()
                """)
            guard let n = n?.int else { return "failed: not a selector" }
            return n == 0 ? "nothing found" : "\(n) clicked"
        case .wait(let seconds):
            let until = min(deadline, ContinuousClock.now + .seconds(seconds))
            while ContinuousClock.now < until { try await Task.sleep(for: .milliseconds(100)) }
            return "waited"
        }
    }
}
