import DataFiles
import Foundation
import Kernel

/// What a synthetic city is made of (模拟城市素材): names, trades, texts, each invented.
struct CityData: Decodable, Sendable {
    struct Name: Decodable { let zh: String, en: String }
    struct Office: Decodable { let zh: String, short: String }
    struct Place: Decodable { let code: String, name: String }
    struct District: Decodable {
        let code: String
        let name: String
        let towns: [Place]
    }
    struct Goods: Decodable {
        let name: String
        let low: Int
        let high: Int
    }
    struct Trade: Decodable {
        let id: String
        let industry: String
        let weight: Double
        let online: Double
        let suffix: [String]
        let goods: [Goods]
        let problems: [String]
        let claims: [String]
    }
    struct Position: Decodable {
        let party: String
        let body: String
        let offer: String?
    }
    struct Story: Decodable {
        let title: String
        let trade: String
        let facts: String
        let purchase: String?
        let amount: String?
        let claims: [String]
        let state: String
        let positions: [Position]?
        let note: String?
        let agreement: String?
    }
    /// What a year of mediation comes to: agreed of those agreed or failed (the article's city: 72.49 %), ended after the sixty days.
    struct Mediation: Decodable {
        let success: Double
        let late: Double
    }
    let name: Name
    let office: Office
    let region: String
    let districts: [District]
    let roads: [String]
    let surnames: [String]
    let given: [String]
    let brandWords: [String]
    let platforms: [String]
    let trades: [Trade]
    let refusalReasons: [String: [String]]
    let endingReasons: [String: [String]]
    let agreements: [String]
    let merchantReplies: [String]
    let consumerReplies: [String]
    let mediatorProposals: [String]
    let requests: [String]
    let stories: [Story]
    let mediation: Mediation

    static func load() throws -> CityData { try JSONDecoder().decode(CityData.self, from: DataFiles.data("city/city.json")) }
}

/// Drawing from distributions, the same from the same seed.
struct Draw: Sendable {
    var generator: SeededGenerator
    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &generator) }
    mutating func chance(_ p: Double) -> Bool { Double.random(in: 0..<1, using: &generator) < p }
    mutating func pick<T>(_ items: [T]) -> T { items[Int.random(in: 0..<items.count, using: &generator)] }
    mutating func weighted<T>(_ items: [(T, Double)]) -> T {
        var x = Double.random(in: 0..<items.reduce(0) { $0 + $1.1 }, using: &generator)
        for (item, weight) in items {
            x -= weight
            if x < 0 { return item }
        }
        return items[items.count - 1].0
    }
    /// Skewed to the low end, as prices and delays are.
    mutating func low(_ range: ClosedRange<Int>) -> Int {
        let u = Double.random(in: 0..<1, using: &generator)
        return range.lowerBound + Int(Double(range.upperBound - range.lowerBound + 1) * u * u)
    }
}

/// Says yes to a share of the times it is asked, evenly: a share of two digits is met by a hundred askings, not about met by a million.
struct Share: Sendable {
    private var owed = 0.5
    mutating func next(_ share: Double) -> Bool {
        owed += share
        guard owed >= 1 else { return false }
        owed -= 1
        return true
    }
}
