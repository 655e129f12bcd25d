import Foundation

/// How other programs are started (启动外部程序): as nobody where the service is root, in a folder that is nobody's; Chromium in its sandbox.
package enum Launch {
    /// A program that reads what strangers made: no more memory and time than this, and it cannot write a file.
    package static func tool(_ program: String, _ words: [String], in folder: URL, megabytes: Int, seconds: Int) -> Process {
        let limits = ["/usr/bin/prlimit", "--as=\(megabytes << 20)", "--cpu=\(seconds)", "--fsize=0", "--core=0", program]
        return process(limits + words, in: folder)
    }

    /// - Parameters:
    ///   - words: switches of Chromium.
    ///   - folder: its home and profile; what lies in it is given to nobody where the service is root.
    ///   - throughShell: a line of shell that `exec`s it as `"$0" "$@"`, where descriptors must be arranged.
    package static func process(_ chromium: String, _ words: [String], in folder: URL, throughShell line: String? = nil) -> Process {
        // Without its sandbox only where an operator says so, in a container that allows none.
        let switches = (ProcessInfo.processInfo.environment["SINAN_CHROMIUM_NO_SANDBOX"] == "1" ? ["--no-sandbox"] : []) + words
        return process((line.map { ["/bin/sh", "-c", $0] } ?? []) + [chromium] + switches, in: folder)
    }

    private static func process(_ words: [String], in folder: URL) -> Process {
        var command = words
        if getuid() == 0, let nobody = getpwnam("nobody")?.pointee {
            for name in [""] + ((try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []) {
                chown(folder.appendingPathComponent(name).path, nobody.pw_uid, nobody.pw_gid)
            }
            command = ["/usr/bin/setpriv", "--reuid=\(nobody.pw_uid)", "--regid=\(nobody.pw_gid)", "--clear-groups"] + command
        }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: command[0])
        process.arguments = Array(command.dropFirst())
        // One thread for Tesseract: two of them are slower than one.
        process.environment = ["OMP_THREAD_LIMIT": "1", "HOME": folder.path, "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "TZ": "Asia/Shanghai"]
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        return process
    }
}
