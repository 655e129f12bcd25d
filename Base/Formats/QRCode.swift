import CQRCode
import Glibc
import Kernel

/// A QR code (二维码) as rows of dark and light, by libqrencode, error correction M.
package enum QRCode {
    package static func modules(_ text: String) -> [[Bool]]? {
        guard let code = QRcode_encodeString(text, 0, QR_ECLEVEL_M, QR_MODE_8, 1) else { return nil }
        defer { QRcode_free(code) }
        let width = Int(code.pointee.width)
        return (0..<width).map { y in (0..<width).map { x in code.pointee.data[y * width + x] & 1 == 1 } }
    }
    /// The path of an SVG in units of modules, with the four quiet ones around.
    package static func svgPath(_ text: String) -> (path: String, size: Int)? {
        guard let rows = modules(text) else { return nil }
        var path = ""
        for (y, row) in rows.enumerated() {
            for (x, dark) in row.enumerated() where dark { path += "M\(x + 4) \(y + 4)h1v1h-1z" }
        }
        return (path, rows.count + 8)
    }
}
