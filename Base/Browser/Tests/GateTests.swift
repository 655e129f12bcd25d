import Foundation
import Kernel
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Browser

/// Says good day to whoever asks, and closes.
private final class Greeter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        context.writeAndFlush(NIOAny(ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")), promise: nil)
    }
}

@Suite struct GateTests {
    private static let chromium = ProcessInfo.processInfo.environment["SINAN_CHROMIUM"] ?? "/usr/bin/chromium"

    @Test func aBrowserGoesOutThroughTheGateAloneAndNotInside() async throws {
        guard FileManager.default.isExecutableFile(atPath: GateTests.chromium) else { return print("skipped: aBrowserGoesOutThroughTheGateAloneAndNotInside, no Chromium here") }
        let gate = try await Gate.open(allowing: [], limit: 1 << 20, clock: .fixed(Moment("2026-11-26T10:00:00")!))
        let browser = try Chromium(GateTests.chromium, gate: gate.port)
        let target = try await browser.call("Target.createTarget", [("url", .string("about:blank"))])["targetId"] ?? .null
        let session = try await browser.call("Target.attachToTarget", [("targetId", target), ("flatten", .bool(true))])["sessionId"]?.string
        for url in [
            "http://127.0.0.1:8081/", "http://localhost:8081/", "http://[::1]:8081/", "http://[::ffff:127.0.0.1]:8081/", "http://0x7f000001:8081/", "http://10.1.2.3/",
            "http://169.254.169.254/",
        ] {
            let answer = try await browser.call("Page.navigate", [("url", .string(url))], session: session)
            #expect(answer["errorText"]?.string?.contains("ERR_SOCKS_CONNECTION_FAILED") == true, "\(url): \(answer.text)")
        }
        #expect(gate.passages.filter { !$0.isErrand }.count >= 7 && gate.passages.allSatisfy { $0.address == nil })
        browser.close()
        await #expect(throws: Chromium.Failure.self) { try await browser.call("Browser.getVersion") }
        await gate.close()
    }

    /// A name that leads elsewhere each time it is asked for: what was checked is what is connected to, and each connection is checked.
    @Test func aNameThatChangesBetweenCheckAndUseGainsNothing() async throws {
        guard FileManager.default.isExecutableFile(atPath: GateTests.chromium) else { return print("skipped: aNameThatChangesBetweenCheckAndUseGainsNothing, no Chromium here") }
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton).childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Greeter()) }
        }.bind(host: "127.0.0.1", port: 0).get()
        let port = listener.localAddress?.port ?? 0
        let asked = Mutex<[String: Int]>([:])
        let gate = try await Gate.open(allowing: ["ours.example"], limit: 1 << 20, clock: .fixed(Moment("2026-11-26T10:00:00")!)) { host, _ in
            let n = asked.withLock { all -> Int in
                all[host, default: 0] += 1
                return all[host]!
            }
            switch host {
            // Nobody listens at the second address: only one look-up and it is reached.
            case "ours.example": return [n == 1 ? "127.0.0.1" : "127.0.0.9"]
            // First outside, then inside; and both at once.
            case "rebind.example": return [n == 1 ? "93.184.215.14" : "127.0.0.1"]
            case "both.example": return ["93.184.215.14", "127.0.0.1"]
            default: return []
            }
        }
        let verdicts = ["rebind.example", "rebind.example", "both.example"].map { gate.resolve($0, port) }
        #expect(verdicts.map(\.refused) == [false, true, true] && verdicts.map(\.address) == ["93.184.215.14", nil, nil])
        let browser = try Chromium(GateTests.chromium, gate: gate.port)
        let target = try await browser.call("Target.createTarget", [("url", .string("about:blank"))])["targetId"] ?? .null
        let session = try await browser.call("Target.attachToTarget", [("targetId", target), ("flatten", .bool(true))])["sessionId"]?.string
        func go(_ host: String) async throws -> String {
            try await browser.call("Page.navigate", [("url", .string("http://\(host):\(port)/"))], session: session)["errorText"]?.string ?? ""
        }
        #expect(try await go("ours.example").isEmpty, "the address that was checked is the one that is connected to")
        #expect(asked.withLock { $0["ours.example"] } == gate.passages.count { $0.host == "ours.example" }, "one look-up a connection")
        for host in ["rebind.example", "both.example"] { #expect(try await go(host).contains("ERR_SOCKS_CONNECTION_FAILED"), "\(host)") }
        #expect(gate.passages.filter { $0.host == "rebind.example" || $0.host == "both.example" }.allSatisfy { $0.refused && $0.address == nil })
        browser.close()
        await gate.close()
        try await listener.close()
    }

    @Test func aBrowserThatIsKilledFailsWhatWaits() async throws {
        guard FileManager.default.isExecutableFile(atPath: GateTests.chromium) else { return print("skipped: aBrowserThatIsKilledFailsWhatWaits, no Chromium here") }
        let gate = try await Gate.open(allowing: [], limit: 1 << 20, clock: .fixed(Moment("2026-11-26T10:00:00")!))
        let browser = try Chromium(GateTests.chromium, gate: gate.port)
        _ = try await browser.call("Browser.getVersion")
        let waiting = Task { try await browser.call("Runtime.evaluate", [("expression", .string("1"))], session: "none") }
        kill(browser.identifier, SIGKILL)
        await #expect(throws: Chromium.Failure.self) { _ = try await waiting.value }
        while !browser.isOver { try await Task.sleep(for: .milliseconds(20)) }
        await #expect(throws: Chromium.Failure.self) { try await browser.call("Browser.getVersion") }
        browser.close()
        await gate.close()
    }

    @Test func noBrowserIsSaidAsSuch() async throws {
        let gate = try await Gate.open(allowing: [], limit: 1, clock: .fixed(Moment("2026-11-26T10:00:00")!))
        #expect(throws: Refusal.self) { try Chromium("/nowhere/chromium", gate: gate.port) }
        await gate.close()
    }
}
