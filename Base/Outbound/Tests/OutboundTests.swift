import Testing

@testable import Outbound

@Suite struct OutboundTests {
    @Test(arguments: [
        "127.0.0.1", "0.0.0.0", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "::1", "::",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "fe80::1", "fc00::1", "fd12::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2002:c0a8:101::", "2001:db8::1", "2001::1",
        "not an address",
    ])
    func whatIsInsideIsNotPublic(_ address: String) { #expect(!Outbound.isPublic(address)) }

    @Test(arguments: ["8.8.8.8", "1.1.1.1", "172.32.0.1", "192.169.0.1", "100.128.0.1", "2400:3200::1", "64:ff9b::808:808", "2002:808:808::"])
    func whatIsOutsideIs(_ address: String) { #expect(Outbound.isPublic(address)) }

    @Test(arguments: [
        "http://127.0.0.1:9/", "http://localhost:9/", "http://[::1]:9/", "http://0x7f000001:9/", "http://2130706433:9/", "http://127.1:9/", "http://[::ffff:127.0.0.1]:9/",
        "http://0.0.0.0:9/", "http://017700000001:9/",
    ])
    func noSpellingOfAnAddressLeadsInside(_ url: String) async throws {
        await #expect {
            _ = try await Outbound().request("GET", url, seconds: 5)
        } throws: { error in
            if case Outbound.Failure.inside = error { true } else { false }
        }
    }

    @Test(arguments: ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://example.com/", "http://a b/", "", "http://x\r\nHost: y"])
    func onlyHTTPIsSpoken(_ url: String) async throws { await #expect(throws: Outbound.Failure.self) { _ = try await Outbound().request("GET", url, seconds: 5) } }

    @Test func mailGoesToNoServerInside() async throws {
        let server = Outbound.MailServer(url: "smtp://127.0.0.1:9", user: nil, password: nil, from: "a@example.com", secure: false)
        await #expect(throws: Outbound.Failure.self) { try await Outbound().mail(Array("x".utf8), to: "b@example.com", by: server, seconds: 5) }
    }
}
