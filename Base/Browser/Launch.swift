import Foundation

/// How Chromium is started, whatever for (启动浏览器): in its sandbox, as nobody where the service is root, in a folder that is nobody's.
package enum Launch {
    /// - Parameters:
    ///   - words: switches of Chromium.
    ///   - folder: its home and profile; what lies in it is given to nobody where the service is root.
    ///   - throughShell: a line of shell that `exec`s it as `"$0" "$@"`, where descriptors must be arranged.
    package static func process(_ chromium: String, _ words: [String], in folder: URL, throughShell line: String? = nil) -> Process {
        // Without its sandbox only where an operator says so, in a container that allows none.
        let switches = (ProcessInfo.processInfo.environment["SINAN_CHROMIUM_NO_SANDBOX"] == "1" ? ["--no-sandbox"] : []) + words
        var command = (line.map { ["/bin/sh", "-c", $0] } ?? []) + [chromium] + switches
        if getuid() == 0, let nobody = getpwnam("nobody")?.pointee {
            for name in [""] + ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []) {
                chown(folder.appendingPathComponent(name).path, nobody.pw_uid, nobody.pw_gid)
            }
            command = ["/usr/bin/setpriv", "--reuid=\(nobody.pw_uid)", "--regid=\(nobody.pw_gid)", "--clear-groups"] + command
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        process.environment = ["HOME": folder.path, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "Asia/Shanghai"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}
