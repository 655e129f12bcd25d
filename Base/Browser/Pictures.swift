import Foundation
import Kernel

/// The bench on which pictures of strangers are opened (图片工作台): by Chromium in its sandbox, without any way out.
///
/// What the service itself handles afterwards are numbers and PNGs that Chromium wrote.
package final class PictureBench: Sendable {
    private let browser: Chromium
    private let session: String

    /// A rectangle of a picture, in its own pixels from the upper left corner.
    package struct Box: Sendable, Equatable {
        package var x, y, width, height: Int
        package init(x: Int, y: Int, width: Int, height: Int) { (self.x, self.y, self.width, self.height) = (x, y, width, height) }
        package var json: JSON { .array([.int(x), .int(y), .int(width), .int(height)]) }
        package init?(_ json: JSON?) {
            guard let n = json?.array?.compactMap(\.int), n.count == 4 else { return nil }
            self.init(x: n[0], y: n[1], width: n[2], height: n[3])
        }
    }
    package struct Look: Sendable {
        package let width, height: Int
        /// 32 × 32 in shades of grey.
        package let grey: [UInt8]
        /// For reading: grey, on a ground that sets its words off, and the same twice as large where it is not large already.
        package let plain: [UInt8]
        package let large: [UInt8]?
    }

    /// - Errors: `Refusal` where Chromium is missing.
    package static func open(_ chromium: String) async throws -> PictureBench {
        // Nothing listens at the discard port: no picture can fetch anything.
        let browser = try Chromium(chromium, gate: 9)
        do {
            let target = try await browser.call("Target.createTarget", [("url", .string("about:blank"))])["targetId"] ?? .null
            let session = try await browser.call("Target.attachToTarget", [("targetId", target), ("flatten", .bool(true))])["sessionId"]?.string ?? ""
            let bench = PictureBench(browser, session)
            _ = try await bench.evaluate(PictureBench.tools)
            return bench
        } catch {
            browser.close()
            throw error
        }
    }
    private init(_ browser: Chromium, _ session: String) { (self.browser, self.session) = (browser, session) }
    package func close() { browser.close() }

    private func evaluate(_ script: String) async throws -> JSON {
        let answer = try await browser.call(
            "Runtime.evaluate", [("expression", .string(script)), ("returnByValue", .bool(true)), ("awaitPromise", .bool(true)), ("timeout", .int(60_000))], session: session,
            seconds: 90)
        if let failure = answer["exceptionDetails"] { throw Fault("picture: \(failure["exception"]?["description"]?.string ?? failure["text"]?.string ?? "failed")") }
        return answer["result"]?["value"] ?? .null
    }
    private static func coded(_ bytes: [UInt8]) -> String { "'\(Data(bytes).base64EncodedString())'" }
    private static func bytes(_ json: JSON?) -> [UInt8] { json?.string.flatMap { Data(base64Encoded: $0) }.map { [UInt8]($0) } ?? [] }

    /// - Returns: nil where it is no picture that a browser shows, or one of more than 60 million pixels.
    package func look(_ picture: [UInt8]) async throws -> Look? {
        let found = try await evaluate("look(\(PictureBench.coded(picture)))")
        guard let width = found["w"]?.int, let height = found["h"]?.int else { return nil }
        return Look(
            width: width, height: height, grey: PictureBench.bytes(found["grey"]), plain: PictureBench.bytes(found["plain"]), large: found["large"].map { PictureBench.bytes($0) })
    }

    /// The later of two pictures, pale, with what differs from the earlier marked.
    /// - Returns: the picture, its share of pixels that differ, and where.
    package func difference(_ before: [UInt8], _ after: [UInt8]) async throws -> (picture: [UInt8], share: Double, places: [Box])? {
        let found = try await evaluate("differ(\(PictureBench.coded(before)), \(PictureBench.coded(after)))")
        guard let share = found["share"]?.int else { return nil }
        return (PictureBench.bytes(found["picture"]), Double(share) / 1e6, (found["places"]?.array ?? []).compactMap { Box($0) })
    }

    /// A copy as PNG in which the boxes are black: nothing of what was there is left in it.
    package func blacken(_ picture: [UInt8], _ boxes: [Box]) async throws -> [UInt8]? {
        let found = try await evaluate("blacken(\(PictureBench.coded(picture)), \(JSON.array(boxes.map(\.json)).text))")
        return found.isNull ? nil : PictureBench.bytes(found)
    }

    private static let tools = """
        const open_ = async text => { try { return await createImageBitmap(new Blob([Uint8Array.from(atob(text), c => c.charCodeAt(0))])); } catch { return null; } };
        const png = async canvas => { const bytes = new Uint8Array(await (await canvas.convertToBlob({type: 'image/png'})).arrayBuffer());
          let text = ''; for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768)); return btoa(text); };
        const sheet = (w, h, often) => { const canvas = new OffscreenCanvas(w, h); const pen = canvas.getContext('2d', {willReadFrequently: !!often}); pen.imageSmoothingQuality = 'high'; return [canvas, pen]; };
        globalThis.look = async text => {
          const picture = await open_(text); if (!picture || picture.width * picture.height > 6e7) return null;
          const w = picture.width, h = picture.height;
          const [, small] = sheet(32, 32, true); small.drawImage(picture, 0, 0, 32, 32);
          const data = small.getImageData(0, 0, 32, 32).data;
          // What is see-through stands on the ground that sets its words off.
          let seen = 0, light = 0; const shade = i => 0.299 * data[i] + 0.587 * data[i + 1] + 0.114 * data[i + 2];
          for (let i = 0; i < data.length; i += 4) { seen += data[i + 3]; light += shade(i) * data[i + 3]; }
          const ground = seen < 255 * 1024 * 0.97 && seen > 0 && light / seen > 150 ? 0 : 255;
          let grey = ''; for (let i = 0; i < data.length; i += 4) { const a = data[i + 3] / 255; grey += String.fromCharCode(Math.round(shade(i) * a + ground * (1 - a))); }
          const drawn = async scale => {
            const [canvas, pen] = sheet(w * scale, h * scale);
            pen.filter = ground ? 'grayscale(1)' : 'grayscale(1) invert(1)'; pen.drawImage(picture, 0, 0, w * scale, h * scale);
            pen.filter = 'none'; pen.globalCompositeOperation = 'destination-over'; pen.fillStyle = '#fff'; pen.fillRect(0, 0, w * scale, h * scale);
            return png(canvas); };
          const found = {w, h, grey: btoa(grey), plain: await drawn(1)};
          if (w * h < 3e6 && w < 8000 && h < 8000) found.large = await drawn(2);
          return found; };
        globalThis.differ = async (one, other) => {
          const [a, b] = [await open_(one), await open_(other)]; if (!a || !b) return null;
          const w = Math.max(a.width, b.width), h = Math.max(a.height, b.height); if (w * h > 6e7) return null;
          const read = picture => { const [, pen] = sheet(w, h, true); pen.fillStyle = '#fff'; pen.fillRect(0, 0, w, h); pen.drawImage(picture, 0, 0); return pen.getImageData(0, 0, w, h); };
          const [x, y] = [read(a).data, read(b)], z = y.data, cell = 24, across = Math.ceil(w / cell), cells = new Map(); let n = 0;
          for (let i = 0, p = 0; i < z.length; i += 4, p++) {
            const far = Math.abs(x[i] - z[i]) + Math.abs(x[i + 1] - z[i + 1]) + Math.abs(x[i + 2] - z[i + 2]) > 60;
            if (far) { n++; const k = Math.floor(Math.floor(p / w) / cell) * across + Math.floor(p % w / cell); cells.set(k, (cells.get(k) || 0) + 1); z[i] = z[i] * 0.5 + 105; z[i + 1] = z[i + 1] * 0.5 + 8; z[i + 2] = z[i + 2] * 0.5 + 8; z[i + 3] = 255; }
            else { for (let c = 0; c < 3; c++) z[i + c] = 255 - (255 - z[i + c]) * 0.45; z[i + 3] = 255; } }
          const left = new Set(cells.keys()), places = [];
          while (left.size && places.length < 200) { const first = left.values().next().value; left.delete(first); const heap = [first]; let [x0, y0, x1, y1] = [1e9, 1e9, -1, -1];
            while (heap.length) { const k = heap.pop(), cx = k % across, cy = Math.floor(k / across); x0 = Math.min(x0, cx); x1 = Math.max(x1, cx); y0 = Math.min(y0, cy); y1 = Math.max(y1, cy);
              for (let dy = -1; dy <= 1; dy++) for (let dx = -1; dx <= 1; dx++) { const m = (cy + dy) * across + cx + dx; if (cx + dx >= 0 && cx + dx < across && left.delete(m)) heap.push(m); } }
            places.push([x0 * cell, y0 * cell, (x1 - x0 + 1) * cell, (y1 - y0 + 1) * cell]); }
          const [canvas, pen] = sheet(w, h); pen.putImageData(y, 0, 0); pen.strokeStyle = '#c81e1e'; pen.lineWidth = 3; for (const [px, py, pw, ph] of places) pen.strokeRect(px + 1.5, py + 1.5, pw - 3, ph - 3);
          return {share: Math.round(n / (w * h) * 1e6), places, picture: await png(canvas)}; };
        globalThis.blacken = async (text, boxes) => {
          const picture = await open_(text); if (!picture || picture.width * picture.height > 6e7) return null;
          const [canvas, pen] = sheet(picture.width, picture.height); pen.drawImage(picture, 0, 0); pen.fillStyle = '#000'; for (const [x, y, w, h] of boxes) pen.fillRect(x, y, w, h); return await png(canvas); };
        true
        """
}
