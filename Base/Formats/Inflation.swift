import CZlib
import Kernel

/// zlib's two directions, with a limit on what comes out.
package enum Deflate {
    /// One gzip member, the same bytes from the same bytes: no time, no name in it.
    package static func gzip(_ bytes: UnsafeRawBufferPointer, level: Int32 = 6) -> [UInt8] {
        var stream = z_stream()
        guard deflateInit2_(&stream, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return [] }
        defer { deflateEnd(&stream) }
        let room = Int(deflateBound(&stream, UInt(bytes.count))) + 64
        return [UInt8](unsafeUninitializedCapacity: room) { out, count in
            stream.next_in = UnsafeMutablePointer(mutating: bytes.bindMemory(to: UInt8.self).baseAddress)
            stream.avail_in = UInt32(bytes.count)
            stream.next_out = out.baseAddress
            stream.avail_out = UInt32(room)
            precondition(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate found no room")
            count = room - Int(stream.avail_out)
        }
    }

    package enum Shape: Int32, Sendable {
        case raw = -15
        case gzip = 31
    }
    /// Inflates from the start of `bytes` to the end of the member, a piece at a time.
    /// - Returns: how many bytes went in and came out; nil where they are not in that shape, end early, or give more than `limit`.
    package static func inflate(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, limit: Int, _ take: (UnsafeRawBufferPointer) -> Void) -> (used: Int, made: Int)? {
        var stream = z_stream()
        guard inflateInit2_(&stream, shape.rawValue, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return nil }
        defer { inflateEnd(&stream) }
        let piece = 1 << 16
        let out = UnsafeMutableRawBufferPointer.allocate(byteCount: piece, alignment: 16)
        defer { out.deallocate() }
        guard let base = bytes.bindMemory(to: UInt8.self).baseAddress else { return nil }
        var (used, made) = (0, 0)
        while true {
            let give = min(bytes.count - used, 1 << 30)
            stream.next_in = UnsafeMutablePointer(mutating: base + used)
            stream.avail_in = UInt32(give)
            stream.next_out = out.bindMemory(to: UInt8.self).baseAddress
            stream.avail_out = UInt32(piece)
            let status = CZlib.inflate(&stream, Z_NO_FLUSH)
            let (came, went) = (piece - Int(stream.avail_out), give - Int(stream.avail_in))
            used += went
            made += came
            guard made <= limit else { return nil }
            if came > 0 { take(UnsafeRawBufferPointer(rebasing: out[0..<came])) }
            if status == Z_STREAM_END { return (used, made) }
            guard status == Z_OK || status == Z_BUF_ERROR, came > 0 || went > 0 else { return nil }
        }
    }
    package static func inflate(_ bytes: UnsafeRawBufferPointer, _ shape: Shape, limit: Int) -> (bytes: [UInt8], used: Int)? {
        var out: [UInt8] = []
        guard let (used, _) = inflate(bytes, shape, limit: limit, { out += $0 }) else { return nil }
        return (out, used)
    }

    /// CRC-32 as ZIP and gzip have it.
    package static func crc32(_ bytes: UnsafeRawBufferPointer, from crc: UInt32 = 0) -> UInt32 {
        var (crc, at) = (UInt(crc), 0)
        while at < bytes.count {
            let n = min(bytes.count - at, 1 << 30)
            crc = CZlib.crc32(crc, bytes.bindMemory(to: UInt8.self).baseAddress! + at, UInt32(n))
            at += n
        }
        return UInt32(crc)
    }
}
