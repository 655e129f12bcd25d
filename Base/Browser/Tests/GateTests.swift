import Browser
import Foundation
import Kernel
import Testing

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
