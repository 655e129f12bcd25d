import ArgumentParser
import Foundation
import Kernel
import Platform

/// 司南: the market regulator's platform, one binary.
@main
struct Sinan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sinan", abstract: "司南: the market regulator's platform. One binary, one closed loop.", version: SystemRoutes.version,
        subcommands: [
            Serve.self, Work.self, Migrate.self, City.self, User.self, Token.self, OfficeCommand.self, DeadlineCommand.self, USCCCommand.self, Import.self, Export.self, Audit.self,
            ScanCommand.self, Models.self, CaptureCommand.self, VerifyCommand.self, DrawCommand.self,
            Backup.self, Restore.self, Copy.self,
            Doctor.self,
        ])

    /// Exit status: 0 done and holds; 1 done and does not hold; 2 wrong usage or input; 70 our fault.
    static func main() async {
        // What this program writes is its owner's alone.
        umask(0o077)
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand { try await asynchronous.run() } else { try command.run() }
        } catch let refusal as Refusal {
            complain(refusal.text.zh, refusal.text.en)
            for field in refusal.fields { complain("  \(field.pointer) \(field.text.zh)", "  \(field.pointer) \(field.text.en)") }
            Foundation.exit(refusal.kind == .unavailable ? 70 : 2)
        } catch let error as CocoaError {
            // A path of the command line that cannot be read or written.
            let path = error.filePath ?? error.url?.path ?? ""
            complain("无法读写文件 \(path)：请检查路径和权限", "Cannot read or write \(path): check the path and its permissions")
            Foundation.exit(2)
        } catch let code as ExitCode {
            Foundation.exit(code.rawValue)
        } catch {
            let code = exitCode(for: error)
            if code == .success || code == .validationFailure {
                let text = fullMessage(for: error)
                if code == .success { print(text) } else { FileHandle.standardError.write(Data((text + "\n").utf8)) }
                Foundation.exit(code == .success ? 0 : 2)
            }
            complain("故障：\(error)", "Fault: \(error)")
            Foundation.exit(70)
        }
    }

    static func complain(_ zh: String, _ en: String) {
        FileHandle.standardError.write(Data(((Terminal.speaksChinese ? zh : en) + "\n").utf8))
    }
}

/// What the terminal is and speaks.
enum Terminal {
    static let speaksChinese = ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { ProcessInfo.processInfo.environment[$0] }.first { !$0.isEmpty }.map { $0.hasPrefix("zh") } ?? false
    static func say(_ text: Text) -> String { speaksChinese ? text.zh : text.en }
    /// A line that is written over, where somebody watches.
    static func progress(_ text: String) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        FileHandle.standardError.write(Data("\r\u{1B}[K\(text)".utf8))
    }
    static func progressEnd() { if isatty(STDERR_FILENO) == 1 { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) } }
}
