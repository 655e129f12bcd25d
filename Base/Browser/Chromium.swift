import Dispatch
import Foundation
import Kernel
import Synchronization

/// Debian's Chromium over its DevTools pipe (取证浏览器): a profile of its own that is thrown away, no privileges, no way out but the gate.
package final class Chromium: Sendable {
    /// What the browser tells without being asked.
    package struct Event: Sendable {
        package let method: String
        package let params: JSON
        package let session: String?
    }
    package struct Failure: Error, CustomStringConvertible, Sendable {
        package let description: String
        init(_ description: String) { self.description = description }
    }

    private struct State {
        var next = 0
        var waiting: [Int: CheckedContinuation<JSON, any Error>] = [:]
        var isOver = false
    }
    private let state = Mutex(State())
    private let process: Process
    private let input: FileHandle
    private let folder: URL
    /// All events, for one reader.
    package let events: AsyncStream<Event>
    private let tell: AsyncStream<Event>.Continuation

    /// Starts a browser.
    /// - Parameter port: of the gate on loopback.
    package init(_ executable: String, gate port: Int) throws {
        guard FileManager.default.isExecutableFile(atPath: executable) else {
            throw Refusal(.unavailable, Text("未安装 Chromium（\(executable)），无法取证", "Chromium is not installed (\(executable)): nothing can be captured"))
        }
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("sinan-browser-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        Chromium.sweep(beside: folder)
        let flags = [
            "--headless=new", "--remote-debugging-pipe", "--user-data-dir=\(folder.path)", "--no-first-run", "--no-default-browser-check", "--disable-background-networking",
            "--disable-component-update", "--disable-component-extensions-with-background-pages", "--disable-sync", "--disable-default-apps", "--disable-extensions",
            "--disable-quic",
            "--disable-domain-reliability", "--disable-client-side-phishing-detection", "--disable-breakpad", "--disable-crash-reporter", "--metrics-recording-only",
            "--mute-audio",
            "--hide-scrollbars", "--no-pings", "--disable-dev-shm-usage", "--disable-gpu", "--lang=zh-CN", "--js-flags=--max-old-space-size=512",
            "--disable-features=Translate,MediaRouter,OptimizationHints,AutofillServerCommunication,InterestFeedContentSuggestions,CertificateTransparencyComponentUpdater",
            "--force-webrtc-ip-handling-policy=disable_non_proxied_udp", "--autoplay-policy=user-gesture-required",
            "--proxy-server=socks5://127.0.0.1:\(port)", "--proxy-bypass-list=<-loopback>", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1", "about:blank",
        ]
        let (toBrowser, fromBrowser) = (Pipe(), Pipe())
        // The pipe is descriptors 3 and 4, which only a shell can arrange here.
        process = Launch.process(executable, flags, in: folder, throughShell: "exec \"$0\" \"$@\" 3<&0 4>&1 </dev/null >/dev/null 2>/dev/null")
        process.standardInput = toBrowser
        process.standardOutput = fromBrowser
        input = toBrowser.fileHandleForWriting
        (events, tell) = AsyncStream.makeStream(of: Event.self, bufferingPolicy: .bufferingOldest(200_000))
        signal(SIGPIPE, SIG_IGN)
        try process.run()
        let output = fromBrowser.fileHandleForReading
        Thread.detachNewThread { [self] in
            var rest: [UInt8] = []
            while true {
                let data = output.availableData
                if data.isEmpty { break }
                // Messages end in NUL; a picture comes in many pieces.
                var from = data.startIndex
                while let end = data[from...].firstIndex(of: 0) {
                    rest += data[from..<end]
                    take(rest)
                    rest.removeAll(keepingCapacity: rest.count < 1 << 20)
                    from = data.index(after: end)
                }
                rest += data[from...]
            }
            finish()
        }
    }

    /// Profiles that a killed process left behind: two hours older than this one.
    private static func sweep(beside folder: URL) {
        func age(_ url: URL) -> TimeInterval { (try? url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate?.timeIntervalSince1970) ?? .infinity }
        let now = age(folder)
        let parent = folder.deletingLastPathComponent()
        for name in (try? FileManager.default.contentsOfDirectory(atPath: parent.path)) ?? [] where name.hasPrefix("sinan-browser-") {
            let old = parent.appendingPathComponent(name)
            if age(old) + 7200 < now { try? FileManager.default.removeItem(at: old) }
        }
    }

    private func take(_ bytes: [UInt8]) {
        guard let message = try? JSON(parsing: bytes) else { return }
        if let id = message["id"]?.int {
            let waiting = state.withLock { $0.waiting.removeValue(forKey: id) }
            if let error = message["error"] {
                waiting?.resume(throwing: Failure(error["message"]?.string ?? error.text))
            } else {
                waiting?.resume(returning: message["result"] ?? .object([]))
            }
        } else if let method = message["method"]?.string {
            tell.yield(Event(method: method, params: message["params"] ?? .object([]), session: message["sessionId"]?.string))
        }
    }

    private func finish() {
        let waiting = state.withLock { state -> [CheckedContinuation<JSON, any Error>] in
            state.isOver = true
            let all = Array(state.waiting.values)
            state.waiting = [:]
            return all
        }
        for one in waiting { one.resume(throwing: Failure("the browser ended")) }
        tell.finish()
    }

    package var isOver: Bool { state.withLock { $0.isOver } }
    package var identifier: Int32 { process.processIdentifier }

    /// Calls a method and waits for its answer.
    /// - Errors: `Failure` where the browser refuses, ended, or does not answer in time.
    @discardableResult
    package func call(_ method: String, _ params: [(String, JSON)] = [], session: String? = nil, seconds: Double = 30) async throws -> JSON {
        let id = state.withLock { state -> Int in
            state.next += 1
            return state.next
        }
        var message: [(key: String, value: JSON)] = [("id", .int(id)), ("method", .string(method)), ("params", .object(params.map { (key: $0.0, value: $0.1) }))]
        if let session { message.append(("sessionId", .string(session))) }
        let bytes = Array(JSON.object(message).text.utf8) + [0]
        return try await withCheckedThrowingContinuation { continuation in
            let isOver = state.withLock {
                if !$0.isOver { $0.waiting[id] = continuation }
                return $0.isOver
            }
            guard !isOver else { return continuation.resume(throwing: Failure("the browser ended")) }
            do { try input.write(contentsOf: Data(bytes)) } catch { return fail(id, "the browser does not listen") }
            DispatchQueue.global().asyncAfter(deadline: .now() + seconds) { [weak self] in self?.fail(id, "\(method) took more than \(Int(seconds)) s") }
        }
    }
    private func fail(_ id: Int, _ why: String) { state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: Failure(why)) }

    /// Ends it and throws its profile away. Whatever it is doing.
    package func close() {
        try? input.close()
        if process.isRunning {
            process.terminate()
            let deadline = ContinuousClock.now + .seconds(2)
            while process.isRunning, ContinuousClock.now < deadline { usleep(20_000) }
            if process.isRunning { kill(process.processIdentifier, SIGKILL) }
        }
        finish()
        try? FileManager.default.removeItem(at: folder)
    }
    deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }
}
