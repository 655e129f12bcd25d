import Foundation
import Glibc
import Kernel

/// Who works on an installation (占用): any number of processes share it; a restore has it alone, or refuses.
///
/// A lock of the system on a file in the data folder: it ends with the process, however that ends.
struct Occupancy {
    private let descriptor: Int32

    /// - Parameter alone: nobody else may be there.
    /// - Errors: `conflict` where somebody is.
    init(folder: String, alone: Bool) throws {
        let path = URL(fileURLWithPath: folder).appendingPathComponent("in-use").path
        descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Refusal(.unavailable, Text("无法写入 \(path)", "Cannot write \(path)")) }
        guard flock(descriptor, (alone ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0 else {
            close(descriptor)
            throw Refusal(
                .conflict,
                alone
                    ? Text("\(folder) 正在使用中：请先停止 sinan serve 和 sinan work，再恢复", "\(folder) is in use: stop sinan serve and sinan work, then restore")
                    : Text("\(folder) 正在恢复，请稍后再试", "\(folder) is being restored: try again later"))
        }
    }

    func end() { close(descriptor) }
}
