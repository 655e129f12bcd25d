import Formats
import Foundation
import Kernel
import Outbound

/// A time-stamping authority over HTTP (时间戳服务, RFC 3161).
package struct TimestampAuthority: Sendable {
    package let url: String
    package let outbound: Outbound
    package init(_ url: String, outbound: Outbound) throws(Refusal) {
        guard url.hasPrefix("http://") || url.hasPrefix("https://") else {
            throw .invalid("/tsa", Text("时间戳服务应为 http:// 或 https:// 开头的网址", "A time-stamping authority is an http:// or https:// address"))
        }
        (self.url, self.outbound) = (url, outbound)
    }

    /// A token of a digest, checked against what was asked.
    /// - Errors: `Fault` that says what is wrong, and of which authority.
    package func stamp(_ digest: [UInt8]) async throws -> [UInt8] {
        let nonce = [UInt8(1)] + Crypto.random(7)
        guard let question = Stamp.request(digest, nonce: nonce) else { throw Fault("no request for a timestamp could be made") }
        do {
            let answer = try await outbound.request(
                "POST", url, headers: [("Content-Type", "application/timestamp-query"), ("Accept", "application/timestamp-reply")], body: question, seconds: 15, limit: 1 << 20)
            guard answer.status == 200 else { throw Fault("answered \(answer.status)") }
            let token = try Stamp.token(answer.body)
            _ = try Stamp.verify(token, of: digest, nonce: nonce)
            return token
        } catch { throw Fault("\(url): \(error)") }
    }

    /// Milliseconds by which its clock is ahead of ours, as far as a time to the second can tell.
    package func offset(_ clock: OfficeClock) async throws -> Int64 {
        let digest = Crypto.random(32)
        let before = clock.now.milliseconds
        let stamp = try Stamp.verify(await stamp(digest), of: digest)
        let middle = (before + clock.now.milliseconds) / 2
        return stamp.at.milliseconds + 500 - middle
    }
}
