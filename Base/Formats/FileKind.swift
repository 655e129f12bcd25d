import CNative
import Glibc
import Kernel

/// What a file is by its first bytes (文件类型), whatever its name says; and photos without where they were taken.
package enum FileKind: String, Sendable, CaseIterable {
    case jpeg, png, webp, pdf, mp4

    package init?(sniffing b: [UInt8]) {
        func has(_ text: StaticString, at offset: Int) -> Bool {
            b.count >= offset + text.utf8CodeUnitCount && (0..<text.utf8CodeUnitCount).allSatisfy { b[offset + $0] == text.utf8Start[$0] }
        }
        if b.starts(with: [0xFF, 0xD8, 0xFF]) {
            self = .jpeg
        } else if b.starts(with: [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A]) {
            self = .png
        } else if has("RIFF", at: 0), has("WEBP", at: 8) {
            self = .webp
        } else if has("%PDF-", at: 0) {
            self = .pdf
        } else if has("ftypisom", at: 4) || has("ftypmp4", at: 4) || has("ftypqt", at: 4) || has("ftypMSNV", at: 4) {
            self = .mp4
        } else {
            return nil
        }
    }

    package var mediaType: String {
        switch self {
        case .jpeg: "image/jpeg"
        case .png: "image/png"
        case .webp: "image/webp"
        case .pdf: "application/pdf"
        case .mp4: "video/mp4"
        }
    }
    package var isImage: Bool { self == .jpeg || self == .png || self == .webp }

    /// The image without metadata but its orientation; nil where it cannot be rewritten, and then it is not shown outside.
    package static func withoutMetadata(_ image: [UInt8]) -> [UInt8]? {
        var out: UnsafeMutablePointer<UInt8>?
        var count = 0
        guard sinan_strip_image(image, image.count, &out, &count) == 0, let out else { return nil }
        defer { free(out) }
        return Array(UnsafeBufferPointer(start: out, count: count))
    }
    /// Whether a photo says where it was taken; nil where that cannot be read.
    package static func carriesPosition(_ image: [UInt8]) -> Bool? {
        switch sinan_image_has_position(image, image.count) {
        case 0: false
        case 1: true
        default: nil
        }
    }
}
