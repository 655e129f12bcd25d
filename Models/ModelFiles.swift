import Foundation

/// Where the monitoring models are at run time: beside the binary, found from any folder.
package enum ModelFiles {
    package static let folder: URL = {
        let beside = Bundle.main.bundleURL.appendingPathComponent("sinan_ModelFiles.resources")
        return FileManager.default.fileExists(atPath: beside.path) ? beside : Bundle.module.bundleURL
    }()
}
