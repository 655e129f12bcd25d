import COpenSSL
import Kernel

/// Hashing, signing and passwords by OpenSSL's libcrypto (密码算法): bytes in, bytes out.
package enum Crypto {
    package static func sha256(_ bytes: some Collection<UInt8>) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        let done: Void? = bytes.withContiguousStorageIfAvailable { _ = SHA256($0.baseAddress, $0.count, &out) }
        if done == nil {
            let copy = Array(bytes)
            _ = SHA256(copy, copy.count, &out)
        }
        return out
    }

    /// Only to read what others wrote: archives of old carry it.
    package static func sha1(_ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 20)
        SHA1(bytes, bytes.count, &out)
        return out
    }
    package static func hmacSHA256(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] { hmac(EVP_sha256(), key, bytes) }
    package static func hmacSHA1(key: [UInt8], _ bytes: [UInt8]) -> [UInt8] { hmac(EVP_sha1(), key, bytes) }
    private static func hmac(_ digest: OpaquePointer?, _ key: [UInt8], _ bytes: [UInt8]) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 64)
        var length: UInt32 = 0
        _ = HMAC(digest, key, Int32(key.count), bytes, bytes.count, &out, &length)
        return Array(out.prefix(Int(length)))
    }

    /// Bytes from the system's generator.
    package static func random(_ count: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: count)
        guard RAND_bytes(&out, Int32(count)) == 1 else { preconditionFailure("the system's random generator failed") }
        return out
    }

    /// In a time that does not tell where two strings differ.
    package static func equal(_ a: [UInt8], _ b: [UInt8]) -> Bool { a.count == b.count && CRYPTO_memcmp(a, b, a.count) == 0 }

    // MARK: Sealing

    /// AES-256-GCM: nonce (12 bytes), tag (16), cipher text. The context is bound and not kept.
    package static func seal(_ plain: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8] {
        let nonce = random(12)
        var (out, tag, length) = ([UInt8](repeating: 0, count: plain.count + 16), [UInt8](repeating: 0, count: 16), Int32(0))
        let cipher = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(cipher) }
        let ok =
            key.count == 32 && EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1 && EVP_EncryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1
            && EVP_EncryptUpdate(cipher, &out, &length, plain, Int32(plain.count)) == 1
        let written = Int(length)
        var rest = [UInt8](repeating: 0, count: 16)
        precondition(ok && EVP_EncryptFinal_ex(cipher, &rest, &length) == 1 && EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, 16, &tag) == 1, "sealing failed")
        return nonce + tag + out.prefix(written)
    }

    /// What was sealed under this key and context; nil where a byte of it is another.
    package static func open(_ sealed: [UInt8], key: [UInt8], context: [UInt8]) -> [UInt8]? {
        guard sealed.count >= 28, key.count == 32 else { return nil }
        let (nonce, cipherText) = (Array(sealed[0..<12]), Array(sealed[28...]))
        var (tag, out, length) = (Array(sealed[12..<28]), [UInt8](repeating: 0, count: cipherText.count + 16), Int32(0))
        let cipher = EVP_CIPHER_CTX_new()
        defer { EVP_CIPHER_CTX_free(cipher) }
        guard EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), nil, key, nonce) == 1, EVP_DecryptUpdate(cipher, nil, &length, context, Int32(context.count)) == 1,
            EVP_DecryptUpdate(cipher, &out, &length, cipherText, Int32(cipherText.count)) == 1
        else { return nil }
        let written = Int(length)
        var rest = [UInt8](repeating: 0, count: 16)
        guard EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, 16, &tag) == 1, EVP_DecryptFinal_ex(cipher, &rest, &length) == 1 else { return nil }
        return Array(out.prefix(written))
    }

    // MARK: Passwords

    /// scrypt with N 2^15, r 8, p 1 (32 MB, OWASP's second choice): `scrypt$15$8$1$salt$key` in hexadecimal.
    package static func passwordHash(_ password: String, salt: [UInt8]? = nil, cost: Int = 15) -> String {
        let salt = salt ?? random(16)
        return "scrypt$\(cost)$8$1$\(hex(salt))$\(hex(scrypt(password, salt, cost)))"
    }
    package static func password(_ password: String, matches stored: String) -> Bool {
        let parts = stored.split(separator: "$")
        guard parts.count == 6, parts[0] == "scrypt", let cost = Int(parts[1]), (10...20).contains(cost), let salt = bytes(hex: parts[4]), let key = bytes(hex: parts[5]) else {
            return false
        }
        return equal(scrypt(password, salt, cost), key)
    }
    private static func scrypt(_ password: String, _ salt: [UInt8], _ cost: Int) -> [UInt8] {
        var out = [UInt8](repeating: 0, count: 32)
        let chars = password.utf8.map { CChar(bitPattern: $0) }
        let ok = EVP_PBE_scrypt(chars, chars.count, salt, salt.count, 1 << UInt64(cost), 8, 1, 256 << 20, &out, out.count)
        precondition(ok == 1, "scrypt failed")
        return out
    }

    // MARK: Ed25519

    package static func publicKey(seed: [UInt8]) -> [UInt8]? {
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count) else { return nil }
        defer { EVP_PKEY_free(key) }
        var out = [UInt8](repeating: 0, count: 32)
        var length = 32
        return EVP_PKEY_get_raw_public_key(key, &out, &length) == 1 ? out : nil
    }
    package static func sign(_ message: [UInt8], seed: [UInt8]) -> [UInt8]? {
        guard let key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nil, seed, seed.count), let context = EVP_MD_CTX_new() else { return nil }
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }
        var out = [UInt8](repeating: 0, count: 64)
        var length = 64
        guard EVP_DigestSignInit(context, nil, nil, nil, key) == 1, EVP_DigestSign(context, &out, &length, message, message.count) == 1 else { return nil }
        return out
    }
    package static func verify(_ signature: [UInt8], of message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard let key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nil, publicKey, publicKey.count), let context = EVP_MD_CTX_new() else { return false }
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_free(key)
        }
        return EVP_DigestVerifyInit(context, nil, nil, nil, key) == 1 && EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    // MARK: Writing bytes as text

    package static func hex(_ bytes: some Collection<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            out.append(digits[Int(byte >> 4)])
            out.append(digits[Int(byte & 15)])
        }
        return String(decoding: out, as: UTF8.self)
    }
    package static func bytes(hex text: some StringProtocol) -> [UInt8]? {
        let digits = text.utf8.map { Character(Unicode.Scalar($0)).hexDigitValue }
        guard digits.count % 2 == 0, !digits.contains(nil) else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0]! << 4 | digits[$0 + 1]!) }
    }
}

/// A one-time password by time (TOTP, 动态口令), RFC 6238: six digits, thirty seconds, SHA-1 as authenticator apps expect.
package enum TOTP {
    package static func code(secret: [UInt8], at moment: Moment, step offset: Int64 = 0) -> String {
        let counter = UInt64(bitPattern: moment.milliseconds / 30_000 + offset)
        let mac = Crypto.hmacSHA1(key: secret, (0..<8).map { UInt8(truncatingIfNeeded: counter >> UInt64(56 - 8 * $0)) })
        let at = Int(mac[19] & 15)
        let number = (UInt32(mac[at] & 0x7F) << 24 | UInt32(mac[at + 1]) << 16 | UInt32(mac[at + 2]) << 8 | UInt32(mac[at + 3])) % 1_000_000
        let text = String(number)
        return String(repeating: "0", count: 6 - text.count) + text
    }
    /// Accepts the step before and after, for clocks that differ. Returns the step that fits, so that it is used once.
    package static func step(of code: String, secret: [UInt8], at moment: Moment) -> Int64? {
        for offset: Int64 in [0, -1, 1] where Crypto.equal(Array(code.utf8), Array(TOTP.code(secret: secret, at: moment, step: offset).utf8)) {
            return moment.milliseconds / 30_000 + offset
        }
        return nil
    }
    /// RFC 4648 base 32, as authenticator apps take a secret.
    package static func base32(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
        var out = ""
        var buffer: UInt32 = 0
        var bits = 0
        for byte in bytes {
            buffer = buffer << 8 | UInt32(byte)
            bits += 8
            while bits >= 5 {
                bits -= 5
                out.append(alphabet[Int(buffer >> UInt32(bits) & 31)])
            }
        }
        if bits > 0 { out.append(alphabet[Int(buffer << UInt32(5 - bits) & 31)]) }
        return out
    }
}
