import Foundation

/// Where the data files are at run time: beside the binary, found from any folder.
package enum DataFiles {
    package static let folder: URL = {
        // Beside the binary first: a copied installation must not depend on the folder that it was built in.
        let beside = Bundle.main.bundleURL.appendingPathComponent("sinan_DataFiles.resources")
        return FileManager.default.fileExists(atPath: beside.path) ? beside : Bundle.module.bundleURL
    }()
    package static func data(_ path: String) throws -> Data { try Data(contentsOf: folder.appendingPathComponent(path)) }
    package static func text(_ path: String) throws -> String { String(decoding: try data(path), as: UTF8.self) }
}
