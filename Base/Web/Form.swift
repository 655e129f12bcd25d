import Kernel

/// What a form sent (表单): fields in order, files apart. Reads urlencoded and multipart bodies.
package struct Form: Sendable {
    package struct File: Sendable {
        package let field: String
        package let name: String
        package let bytes: [UInt8]
    }
    package private(set) var fields: [(name: String, value: String)] = []
    package private(set) var files: [File] = []

    package init() {}
    package init(_ fields: [(String, String)]) { self.fields = fields.map { ($0.0, $0.1) } }

    /// The first value of a field, blanks at its ends dropped; nil where it is missing or empty.
    package subscript(_ name: String) -> String? {
        guard let value = fields.first(where: { $0.name == name })?.value else { return nil }
        let trimmed = value.trimmed
        return trimmed.isEmpty ? nil : trimmed
    }
    package func all(_ name: String) -> [String] { fields.filter { $0.name == name }.map(\.value) }
    package func has(_ name: String) -> Bool { fields.contains { $0.name == name } }

    /// A field that must be there, of at most so many characters.
    /// - Errors: by its pointer.
    package func needed(_ name: String, _ most: Int) throws(Refusal) -> String {
        guard let value = self[name] else { throw .invalid("/\(name)", Text("请填写这一项", "This is needed")) }
        guard value.count <= most else { throw .invalid("/\(name)", Text("不能超过\(most)字", "At most \(most) characters")) }
        return value
    }
    /// All of these must be there: every one that is missing is named, not the first alone.
    package func require(_ names: String...) throws(Refusal) {
        let missing = names.filter { self[$0] == nil }
        if !missing.isEmpty { throw .invalid(missing.map { .init("/\($0)", Text("请填写这一项", "This is needed")) }) }
    }
    /// A field that must be one of some.
    package func chosen(_ name: String, _ allowed: some Collection<String>) throws(Refusal) -> String {
        guard let value = self[name] else { throw .invalid("/\(name)", Text("请选择一项", "Choose one")) }
        guard allowed.contains(value) else { throw .invalid("/\(name)", Text("没有“\(value)”这个选项", "There is no option “\(value)”")) }
        return value
    }

    package mutating func remove(_ name: String) { fields.removeAll { $0.name == name } }
    package mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }
    package mutating func set(_ name: String, _ value: String) {
        fields.removeAll { $0.name == name }
        fields.append((name, value))
    }

    package init(urlencoded bytes: [UInt8]) throws(Refusal) {
        guard bytes.count(where: { $0 == UInt8(ascii: "&") }) < 2000 else { throw Refusal(.tooLarge, Text("表单字段过多", "The form has too many fields")) }
        for pair in bytes.split(separator: UInt8(ascii: "&")) {
            let at = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
            let name = try Form.decode(pair[..<at])
            let value = at == pair.endIndex ? "" : try Form.decode(pair[(at + 1)...])
            fields.append((name, value))
        }
    }

    /// Percent-decoding; bytes that are not UTF-8 are refused, never replaced silently.
    package static func decode(_ bytes: ArraySlice<UInt8>) throws(Refusal) -> String {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var i = bytes.startIndex
        func nibble(_ c: UInt8) -> UInt8? {
            switch c {
            case 48...57: c - 48
            case 65...70: c - 55
            case 97...102: c - 87
            default: nil
            }
        }
        while i < bytes.endIndex {
            if bytes[i] == UInt8(ascii: "%"), i + 2 < bytes.endIndex, let h = nibble(bytes[i + 1]), let l = nibble(bytes[i + 2]) {
                out.append(h << 4 | l)
                i += 3
            } else {
                out.append(bytes[i] == UInt8(ascii: "+") ? 32 : bytes[i])
                i += 1
            }
        }
        return try text(out)
    }

    static func text(_ bytes: [UInt8]) throws(Refusal) -> String {
        guard let text = String(validating: bytes, as: UTF8.self), !bytes.contains(0) else {
            throw Refusal(.invalid, Text("内容不是有效的 UTF-8 文本", "The content is not valid UTF-8 text"))
        }
        return text
    }

    /// RFC 7578. Parts are cut at the boundary; a part without a name is refused.
    package init(multipart bytes: [UInt8], boundary: String) throws(Refusal) {
        let malformed = Refusal(.invalid, Text("上传内容格式有误，请重新提交", "The upload is malformed: please send it again"))
        let mark = Array("--\(boundary)".utf8)
        guard !boundary.isEmpty, boundary.utf8.count <= 70, bytes.starts(with: mark) else { throw malformed }
        var at = mark.count
        while true {
            if bytes[at...].starts(with: [45, 45]) { return }
            guard bytes[at...].starts(with: [13, 10]) else { throw malformed }
            at += 2
            guard let head = Form.find([13, 10, 13, 10], in: bytes, from: at), head - at < 4096 else { throw malformed }
            guard let end = Form.find([13, 10] + mark, in: bytes, from: head + 2) else { throw malformed }
            guard fields.count + files.count < 500 else { throw malformed }
            try take(headers: Form.text(Array(bytes[at..<head])), body: head + 4 <= end ? bytes[(head + 4)..<end] : [], malformed)
            at = end + 2 + mark.count
        }
    }

    private mutating func take(headers: String, body: ArraySlice<UInt8>, _ malformed: Refusal) throws(Refusal) {
        guard let disposition = headers.split(separator: "\r\n").first(where: { $0.lowercased().hasPrefix("content-disposition:") }),
            let name = Form.parameter("name", of: String(disposition))
        else { throw malformed }
        if let file = Form.parameter("filename", of: String(disposition)) {
            if !body.isEmpty { files.append(File(field: name, name: Form.bare(file), bytes: Array(body))) }
        } else {
            fields.append((name, try Form.text(Array(body))))
        }
    }

    static func parameter(_ name: String, of header: String) -> String? {
        guard let start = header.range(of: "; \(name)=\"") else { return nil }
        let rest = header[start.upperBound...]
        return rest.firstIndex(of: "\"").map { String(rest[..<$0]) }
    }

    /// The file's name without any path: `..\x\a.jpg` is `a.jpg`.
    static func bare(_ name: String) -> String {
        let last = name.split(whereSeparator: { $0 == "/" || $0 == "\\" }).last.map(String.init) ?? ""
        let clean = String(last.filter { !$0.isNewline && $0 != "\0" && $0 != "\"" }.prefix(120))
        return clean.isEmpty || clean == "." || clean == ".." ? "file" : clean
    }

    static func find(_ needle: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= needle.count else { return nil }
        return bytes.withUnsafeBufferPointer { b in
            var i = start
            while i <= b.count - needle.count {
                if b[i] == needle[0], (1..<needle.count).allSatisfy({ b[i + $0] == needle[$0] }) { return i }
                i += 1
            }
            return nil
        }
    }
}

extension StringProtocol {
    fileprivate func range(of other: String) -> Range<Index>? {
        var i = startIndex
        while i < endIndex {
            if self[i...].hasPrefix(other) { return i..<index(i, offsetBy: other.count) }
            i = index(after: i)
        }
        return nil
    }
}
