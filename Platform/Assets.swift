import Formats
import Foundation
import HTTPTypes
import Kernel
import PublicFiles
import Web

/// Style sheets and scripts (静态资源): ours from the installation, third-party ones from Debian's packages, read once.
package struct Assets: Sendable {
    package struct Asset: Sendable {
        let bytes: [UInt8]
        let type: String
        let tag: String
    }
    private let files: [String: Asset]

    /// Third-party files under the system's JavaScript folder (libjs-bootstrap5, libjs-chart.js).
    static let vendor = [
        "bootstrap.min.css": "bootstrap5/css/bootstrap.min.css", "bootstrap.bundle.min.js": "bootstrap5/js/bootstrap.bundle.min.js", "chart.min.js": "chart.js/chart.min.js",
    ]

    /// What was not found, by path: `doctor` names it.
    package let missing: [String]

    package init(vendorFolder: String) {
        var files: [String: Asset] = [:]
        var missing: [String] = []
        func take(_ name: String, _ url: URL) {
            guard let data = try? Data(contentsOf: url) else { return missing.append(url.path) }
            let bytes = [UInt8](data)
            let type =
                name.hasSuffix(".css")
                ? "text/css; charset=utf-8" : name.hasSuffix(".js") ? "text/javascript; charset=utf-8" : name.hasSuffix(".svg") ? "image/svg+xml" : "application/octet-stream"
            files[name] = Asset(bytes: bytes, type: type, tag: Crypto.hex(Crypto.sha256(bytes).prefix(6)))
        }
        for (name, path) in Assets.vendor { take(name, URL(fileURLWithPath: vendorFolder).appendingPathComponent(path)) }
        for url in (try? FileManager.default.contentsOfDirectory(at: PublicFiles.folder, includingPropertiesForKeys: nil)) ?? [] { take(url.lastPathComponent, url) }
        self.files = files
        self.missing = missing
    }

    /// The address of a file, with its content in it, so that browsers may keep it for good.
    package func path(_ name: String) -> String { "/assets/\(name)?v=\(files[name]?.tag ?? "0")" }

    package func answer(_ name: String, ifNoneMatch: String?) throws(Refusal) -> Answer {
        guard let asset = files[name] else { throw .notFound }
        let tag = "\"\(asset.tag)\""
        var answer = ifNoneMatch == tag ? Answer(status: 304, type: asset.type, bytes: []) : Answer(type: asset.type, bytes: asset.bytes)
        answer.headers.append((.eTag, tag))
        answer.headers.append((.cacheControl, "public, max-age=31536000, immutable"))
        return answer
    }
}
