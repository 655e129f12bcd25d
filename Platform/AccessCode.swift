import Formats
import Kernel

/// The code beside a number (查询码), with which somebody without an account opens what is theirs: shown once, kept as a hash.
package enum AccessCode {
    /// Letters and digits that are not taken for each other: 30 signs, eight of them, about 39 bits.
    private static let alphabet = Array("23456789ABCDEFGHJKMNPQRSTVWXYZ")
    package static func make() -> String { String(Crypto.random(8).map { alphabet[Int($0) % alphabet.count] }) }
    package static func hash(_ code: String, _ number: String) -> String { Crypto.hex(Crypto.sha256(Array("\(number)|\(code.uppercased())".utf8)).prefix(16)) }
    /// Compared in constant time.
    package static func fits(_ code: String, _ number: String, _ hash: String) -> Bool { Crypto.equal(Array(hash.utf8), Array(AccessCode.hash(code, number).utf8)) }
}
