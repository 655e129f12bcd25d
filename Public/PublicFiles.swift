import Foundation

/// Our own style sheets and scripts at run time.
package enum PublicFiles {
    package static let folder: URL = {
        let beside = Bundle.main.bundleURL.appendingPathComponent("sinan_PublicFiles.resources")
        let bundle = FileManager.default.fileExists(atPath: beside.path) ? beside : Bundle.module.bundleURL
        return bundle.appendingPathComponent("assets")
    }()
}
