import Foundation
import Kernel

/// A ZIP of parts that are stored as they are, written in one canonical way (封存包容器): the same parts give the same bytes.
///
/// One header a part, in the order written, nothing between, no extra fields, no comments, one time for all: so that of a
/// package every byte is either a part's, or follows from the parts.
package enum StoredZIP {
    package struct Part: Sendable, Equatable {
        package let name: String
        package let crc: UInt32
        package let size: Int
        package let offset: Int
    }

    /// The date and time fields of ZIP, in UTC, to two seconds.
    static func clock(_ at: Moment) -> (time: UInt16, date: UInt16) {
        let text = at.utcText
        func n(_ from: Int, _ count: Int) -> UInt16 { UInt16(text.dropFirst(from).prefix(count)) ?? 0 }
        let (year, month, day) = (max(1980, n(0, 4)), n(5, 2), n(8, 2))
        return (n(11, 2) << 11 | n(14, 2) << 5 | n(17, 2) / 2, (year - 1980) << 9 | month << 5 | day)
    }

    static func local(_ part: Part, at: Moment) -> [UInt8] {
        let (time, date) = clock(at)
        var b = Bytes()
        b.u32(0x0403_4B50)
        for n: UInt16 in [20, 0x0800, 0, time, date] { b.u16(n) }
        for n in [part.crc, UInt32(truncatingIfNeeded: part.size), UInt32(truncatingIfNeeded: part.size)] { b.u32(n) }
        for n in [UInt16(truncatingIfNeeded: part.name.utf8.count), 0] { b.u16(n) }
        return b.all + Array(part.name.utf8)
    }
    static func directory(_ parts: [Part], at: Moment, start: Int) -> [UInt8] {
        let (time, date) = clock(at)
        var b = Bytes()
        for part in parts {
            b.u32(0x0201_4B50)
            for n: UInt16 in [0x0314, 20, 0x0800, 0, time, date] { b.u16(n) }
            for n in [part.crc, UInt32(truncatingIfNeeded: part.size), UInt32(truncatingIfNeeded: part.size)] { b.u32(n) }
            for n: UInt16 in [UInt16(truncatingIfNeeded: part.name.utf8.count), 0, 0, 0, 0] { b.u16(n) }
            b.u32(0o100644 << 16)
            b.u32(UInt32(truncatingIfNeeded: part.offset))
            b.all += Array(part.name.utf8)
        }
        let length = b.all.count
        b.u32(0x0605_4B50)
        for n: UInt16 in [0, 0, UInt16(truncatingIfNeeded: parts.count), UInt16(truncatingIfNeeded: parts.count)] { b.u16(n) }
        b.u32(UInt32(truncatingIfNeeded: length))
        b.u32(UInt32(truncatingIfNeeded: start))
        b.u16(0)
        return b.all
    }

    private struct Bytes {
        var all: [UInt8] = []
        mutating func u16(_ n: UInt16) { all += [UInt8(n & 255), UInt8(n >> 8)] }
        mutating func u32(_ n: UInt32) { for shift in [0, 8, 16, 24] as [UInt32] { all.append(UInt8(n >> shift & 255)) } }
    }

    /// Writes a package beside its place and moves it there once it is whole and on disk: there is none, or a whole one.
    package final class Writer {
        private let url: URL, draft: URL, file: FileHandle, at: Moment
        private let limit: Int
        private var parts: [Part] = []
        private var offset = 0
        private var open: (name: String, crc: UInt32, size: Int, digester: Digester)?

        /// - Parameter limit: no more bytes than this, at most 4 GB.
        package init(_ url: URL, at: Moment, limit: Int = 2 << 30) throws {
            (self.url, self.at, self.limit) = (url, at, min(limit, Int(UInt32.max) - (1 << 20)))
            draft = url.deletingLastPathComponent().appendingPathComponent(".\(url.lastPathComponent).\(Crypto.hex(Crypto.random(4))).part")
            guard FileManager.default.createFile(atPath: draft.path, contents: nil, attributes: [.posixPermissions: 0o640]) else {
                throw Refusal(.unavailable, Text("无法写入“\(url.path)”", "Cannot write “\(url.path)”"))
            }
            file = try FileHandle(forUpdating: draft)
        }
        deinit {
            try? file.close()
            try? FileManager.default.removeItem(at: draft)
        }

        package func begin(_ name: String) throws {
            precondition(open == nil, "a part is open")
            open = (name, 0, 0, Digester())
            try file.write(contentsOf: StoredZIP.local(.init(name: name, crc: 0, size: 0, offset: offset), at: at))
        }
        package func write(_ bytes: some Sequence<UInt8>) throws {
            let data = Data(bytes)
            guard offset + open!.size + data.count < limit else { throw Refusal(.tooLarge, Text("封存包超过大小上限", "The package would be larger than allowed")) }
            try file.write(contentsOf: data)
            data.withUnsafeBytes {
                open!.crc = Deflate.crc32($0, from: open!.crc)
                open!.digester.update($0)
            }
            open!.size += data.count
        }
        /// Ends the part that is open.
        package func end() throws -> (size: Int, digests: Digests) {
            let (name, crc, size, digester) = open!
            open = nil
            let part = Part(name: name, crc: crc, size: size, offset: offset)
            let header = StoredZIP.local(part, at: at)
            try file.seek(toOffset: UInt64(offset))
            try file.write(contentsOf: header)
            offset += header.count + size
            try file.seek(toOffset: UInt64(offset))
            parts.append(part)
            return (size, digester.finish())
        }
        package func add(_ name: String, _ bytes: some Sequence<UInt8>) throws -> (size: Int, digests: Digests) {
            try begin(name)
            try write(bytes)
            return try end()
        }
        /// Ends the package and puts it in its place.
        package func seal() throws {
            try file.write(contentsOf: StoredZIP.directory(parts, at: at, start: offset))
            try file.synchronize()
            try file.close()
            guard rename(draft.path, url.path) == 0 else { throw Fault("cannot move the package to its place: \(errno)") }
            let folder = Foundation.open(url.deletingLastPathComponent().path, O_RDONLY)
            if folder >= 0 {
                fsync(folder)
                close(folder)
            }
        }
    }
}

/// Any ZIP as it lies there, read without trust: what its directory says, what its headers say, and what lies between.
package struct ZIPFile: Sendable {
    package struct Entry: Sendable {
        package let name: String
        package let method: UInt16
        package let crc: UInt32
        package let size: Int
        /// Where its bytes lie, as they are stored.
        package let range: Range<Int>
        let offset: Int
    }
    package let data: Data
    package let entries: [Entry]
    private let places: [String: Int]
    /// Parts overlap, or two have one name.
    package let isTangled: Bool
    /// What is odd about the container, each in a sentence.
    package let faults: [Text]

    package init(_ url: URL) throws { try self.init(Data(contentsOf: url, options: .alwaysMapped)) }

    /// - Errors: `Refusal` where there is no directory to read.
    package init(_ data: Data) throws {
        self.data = data
        var faults: [Text] = []
        let bad = Refusal.invalid("", Text("不是有效的 ZIP 文件", "Not a ZIP file"))
        guard data.count >= 22 else { throw bad }
        func u16(_ at: Int) -> Int { at >= 0 && at + 2 <= data.count ? Int(data[data.startIndex + at]) | Int(data[data.startIndex + at + 1]) << 8 : 0 }
        func u32(_ at: Int) -> Int { u16(at) | u16(at + 2) << 16 }
        func u64(_ at: Int) -> Int {
            let high = u32(at + 4)
            return high < 1 << 30 ? u32(at) | high << 32 : Int.max
        }
        var end = data.count - 22
        while end >= 0, end >= data.count - 22 - 65_535, !(u32(end) == 0x0605_4B50 && end + 22 + u16(end + 20) == data.count) { end -= 1 }
        guard end >= 0, u32(end) == 0x0605_4B50, end + 22 + u16(end + 20) == data.count else { throw bad }
        if u16(end + 20) > 0 { faults.append(Text("文件末尾附有注释", "A comment follows the end")) }
        var (count, length, start) = (u16(end + 10), u32(end + 12), u32(end + 16))
        var finish = end
        if end >= 20, u32(end - 20) == 0x0706_4B50 {
            let wide = u64(end - 12)
            guard wide < end, u32(wide) == 0x0606_4B50 else { throw bad }
            (count, length, start, finish) = (u64(wide + 32), u64(wide + 40), u64(wide + 48), wide)
        }
        guard count <= 100_000, length <= data.count, start <= data.count, start + length <= finish else { throw bad }
        if start + length != finish { faults.append(Text("目录之后有多余字节", "There are bytes after the directory")) }
        var (at, entries) = (start, [Entry]())
        for _ in 0..<count {
            guard at + 46 <= start + length, u32(at) == 0x0201_4B50 else { throw bad }
            let (names, extras, comment) = (u16(at + 28), u16(at + 30), u16(at + 32))
            guard at + 46 + names + extras + comment <= start + length else { throw bad }
            guard let name = String(validating: data[(data.startIndex + at + 46)..<(data.startIndex + at + 46 + names)], as: UTF8.self) else { throw bad }
            var (packed, size, offset) = (u32(at + 20), u32(at + 24), u32(at + 42))
            var extra = at + 46 + names
            while extra + 4 <= at + 46 + names + extras {
                if u16(extra) == 1 {
                    var field = extra + 4
                    for wide in [\Bounds.size, \.packed, \.offset] {
                        var bounds = Bounds(size: size, packed: packed, offset: offset)
                        guard bounds[keyPath: wide] == 0xFFFF_FFFF else { continue }
                        bounds[keyPath: wide] = u64(field)
                        (size, packed, offset) = (bounds.size, bounds.packed, bounds.offset)
                        field += 8
                    }
                }
                extra += 4 + u16(extra + 2)
            }
            guard offset < start, u32(offset) == 0x0403_4B50 else { throw bad }
            let body = offset + 30 + u16(offset + 26) + u16(offset + 28)
            guard packed <= data.count, body + packed <= start else { throw bad }
            let said = data[(data.startIndex + offset + 30)..<(data.startIndex + offset + 30 + u16(offset + 26))]
            if !said.elementsEqual(name.utf8) { faults.append(Text("“\(name)”在文件头中另有名称", "“\(name)” has another name in its header")) }
            entries.append(Entry(name: name, method: UInt16(u16(at + 10)), crc: UInt32(u32(at + 16)), size: size, range: body..<(body + packed), offset: offset))
            at += 46 + names + extras + comment
        }
        if at != start + length { faults.append(Text("目录中有多余字节", "There are bytes left in the directory")) }
        var tangled = Set(entries.map(\.name)).count != entries.count
        if tangled { faults.append(Text("有同名的文件", "Two parts have one name")) }
        var place = 0
        for entry in entries.sorted(by: { $0.offset < $1.offset }) {
            if entry.offset < place { tangled = true }
            if entry.offset < place { faults.append(Text("“\(entry.name)”与前一部分重叠", "“\(entry.name)” overlaps what is before it")) }
            if entry.offset > place { faults.append(Text("“\(entry.name)”之前有多余字节", "There are bytes before “\(entry.name)” that belong to nothing")) }
            place = entry.range.upperBound
            // A descriptor may follow, with or without its mark, of four or eight bytes a size.
            if u16(entry.offset + 6) & 8 != 0 {
                let marked = u32(place) == 0x0807_4B50 ? 4 : 0
                place += marked + 4 + (u32(place + marked + 4) == entry.range.count ? 8 : 16)
            }
        }
        if place != start { faults.append(Text("目录之前有多余字节", "There are bytes before the directory that belong to nothing")) }
        (self.entries, self.faults, isTangled) = (entries, faults, tangled)
        places = Dictionary(entries.enumerated().map { ($1.name, $0) }) { a, _ in a }
    }
    private struct Bounds {
        var size: Int
        var packed: Int
        var offset: Int
    }

    package func entry(_ name: String) -> Entry? { places[name].map { entries[$0] } }

    /// Gives an entry's own bytes, a piece at a time. False where they cannot be had as the directory says, CRC and length included.
    package func read(_ entry: Entry, limit: Int = 4 << 30, _ take: (UnsafeRawBufferPointer) -> Void) -> Bool {
        data.withUnsafeBytes { all in
            let packed = UnsafeRawBufferPointer(rebasing: all[entry.range])
            var (crc, size): (UInt32, Int) = (0, 0)
            func piece(_ bytes: UnsafeRawBufferPointer) {
                crc = Deflate.crc32(bytes, from: crc)
                size += bytes.count
                take(bytes)
            }
            switch entry.method {
            case 0:
                var at = 0
                while at < packed.count {
                    let n = min(1 << 20, packed.count - at)
                    piece(UnsafeRawBufferPointer(rebasing: packed[at..<(at + n)]))
                    at += n
                }
            case 8:
                guard let (used, _) = Deflate.inflate(packed, .raw, limit: min(limit, entry.size), piece), used == packed.count else { return false }
            default: return false
            }
            return crc == entry.crc && size == entry.size
        }
    }
    package func bytes(_ entry: Entry, limit: Int = 64 << 20) -> [UInt8]? {
        guard entry.size <= limit else { return nil }
        var out: [UInt8] = []
        out.reserveCapacity(min(entry.size, entry.range.count * 4))
        return read(entry, limit: limit, { out += $0 }) ? out : nil
    }

    /// Whether every byte of the container follows from its parts, as `StoredZIP` writes it: the names of those where one does not.
    package func differences(at: Moment) -> [String] {
        guard entries.allSatisfy({ $0.method == 0 && $0.size == $0.range.count }) else { return ["ZIP"] }
        var (offset, parts, wrong) = (0, [StoredZIP.Part](), [String]())
        for entry in entries {
            let part = StoredZIP.Part(name: entry.name, crc: entry.crc, size: entry.size, offset: offset)
            let header = StoredZIP.local(part, at: at)
            if entry.range.lowerBound != offset + header.count || !data[(data.startIndex + offset)...].prefix(header.count).elementsEqual(header) { wrong.append(entry.name) }
            offset += header.count + entry.size
            parts.append(part)
        }
        if offset > data.count || !data[(data.startIndex + offset)...].elementsEqual(StoredZIP.directory(parts, at: at, start: offset)) { wrong.append("ZIP") }
        return wrong
    }
}
