import Foundation
import Kernel
import Statute

/// What the law says of reports beside their periods (举报规则), as data: areas, who is told of the result (O121 art. 36), rewards.
package struct ReportRules: Sendable, Decodable {
    /// What a report is about (举报领域).
    package struct Area: Sendable, Decodable {
        package let id: String
        let zh: String
        let en: String
        private let telling: Telling?
        package var title: Text { Text(zh, en) }

        /// The rule that binds for this report. A nameless reporter is told too, by the receipt's code, where the law does not ask for a name.
        package func telling(named: Bool, evidence: Bool) -> Telling? { telling.flatMap { (!$0.namedOnly || named) && (!$0.evidenceNeeded || evidence) ? $0 : nil } }
    }

    /// Why the result is told, and by when (告知规则).
    package struct Telling: Sendable, Decodable {
        private let law: String
        private let number: String
        /// The duty that counts from receipt; nil: promptly, without a number of days.
        package let duty: String?
        let namedOnly: Bool
        let evidenceNeeded: Bool
        package var article: Article { Article(law: law, article: number) }
        private enum CodingKeys: String, CodingKey { case law, number = "article", duty, namedOnly, evidenceNeeded }
    }

    /// A tier of the reward (奖励等级): a share of what was fined and confiscated, with a least sum.
    package struct Tier: Sendable, Decodable {
        package let id: String
        let zh: String
        let en: String
        let percent: Int64
        let leastFen: Int64
        package var title: Text {
            let least = Money(fen: leastFen).grouped
            return Text("\(zh)（\(percent)%，不少于\(least)元）", "\(en): \(percent) %, at least \(least) yuan")
        }
    }

    /// What makes a violation a major one (重大违法行为), and so a report one to be rewarded.
    package struct Ground: Sendable, Decodable {
        package let id: String
        let zh: String
        let en: String
        package var title: Text { Text(zh, en) }
    }

    private struct Rewards: Sendable, Decodable {
        let capFen: Int64
        let jointFen: Int64
        let grounds: [Ground]
        let tiers: [Tier]
    }

    package let areas: [Area]
    private let rewards: Rewards
    package var tiers: [Tier] { rewards.tiers }
    package var rewardGrounds: [Ground] { rewards.grounds }
    /// From this sum on the finance department decides too.
    package var jointFrom: Money { Money(fen: rewards.jointFen) }

    /// Fen of what was fined and confiscated → fen of reward.
    package func reward(_ tier: Tier, of fined: Money) -> Money { Money(fen: min(rewards.capFen, max(tier.leastFen, fined.fen * tier.percent / 100))) }
    package func area(_ id: String) -> Area? { areas.first { $0.id == id } }

    package static let shared: ReportRules = {
        do { return try JSONDecoder().decode(ReportRules.self, from: Data(contentsOf: Grounds.shared.folder.appendingPathComponent("reports.json"))) } catch {
            preconditionFailure("the rules of reports are missing beside the binary: \(error)")
        }
    }()
}
