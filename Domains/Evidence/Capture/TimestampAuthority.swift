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

/// The authorities that an office asks, all of them each time (时间戳服务列表).
package struct TimestampAuthorities: Sendable {
    package let all: [TimestampAuthority]
    package init(_ urls: [String], outbound: Outbound) throws(Refusal) {
        all = try urls.map { url throws(Refusal) in try TimestampAuthority(url, outbound: outbound) }
    }
    package init(_ all: [TimestampAuthority]) { self.all = all }

    /// What each gave, checked; those that fail are left out as long as one answers.
    /// - Errors: the last failure, where none answered.
    package func stamp(_ digest: [UInt8]) async throws -> [IssuedStamp] {
        var (issued, failure): ([IssuedStamp], (any Error)?) = ([], nil)
        for authority in all {
            do {
                let token = try await authority.stamp(digest)
                issued.append(IssuedStamp(url: authority.url, token: token, stamp: try Stamp.verify(token, of: digest)))
            } catch { failure = error }
        }
        if issued.isEmpty, let failure { throw failure }
        return issued
    }

    /// How far our clock is off, by the first of them; nil where it does not answer.
    package func clock(_ clock: OfficeClock) async -> (source: String, offset: Int64)? {
        guard let first = all.first, let offset = try? await first.offset(clock) else { return nil }
        return (first.url, offset)
    }
}

/// A timestamp as an authority gave it.
package struct IssuedStamp: Sendable {
    package let url: String
    package let token: [UInt8]
    package let stamp: Stamp
}
