/// Where time comes from. Tests run on any day; only App reads the real clock.
package struct OfficeClock: Sendable {
    private let read: @Sendable () -> Moment
    package init(_ read: @escaping @Sendable () -> Moment) { self.read = read }
    package static func fixed(_ moment: Moment) -> OfficeClock { OfficeClock { moment } }
    package var now: Moment { read() }
    package var today: Day { read().day }
}

/// Where randomness comes from: tokens from the system's generator, cities from a seed.
package struct SeededGenerator: RandomNumberGenerator, Sendable {
    private var state: UInt64
    package init(seed: UInt64) { state = seed }
    /// SplitMix64: the same numbers on every machine.
    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
