import Kernel
import Synchronization

/// How often one address may do what anybody may (频次限制): a bucket that fills again with time.
package final class RateLimit: Sendable {
    private let capacity: Double
    private let perSecond: Double
    private let buckets = Mutex<[String: (level: Double, at: Moment)]>([:])
    package init(burst: Int, perMinute: Int) {
        capacity = Double(burst)
        perSecond = Double(perMinute) / 60
    }

    /// - Errors: `tooMany` with the seconds to wait.
    package func take(_ who: String, at now: Moment) throws(Refusal) {
        let wait: Double? = buckets.withLock { all in
            if all.count > 50_000 { all = all.filter { now.milliseconds - $0.value.at.milliseconds < 600_000 } }
            let bucket = all[who] ?? (capacity, now)
            let level = min(capacity, bucket.level + Double(max(0, now.milliseconds - bucket.at.milliseconds)) / 1000 * perSecond)
            guard level >= 1 else {
                all[who] = (level, now)
                return (1 - level) / perSecond
            }
            all[who] = (level - 1, now)
            return nil
        }
        if let wait {
            let seconds = Int(wait.rounded(.up))
            throw Refusal(.tooMany, Text("提交过于频繁，请\(seconds)秒后再试", "Too many at once: try again in \(seconds) s"))
        }
    }
}
