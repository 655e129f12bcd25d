import Kernel
import Testing
import Web

@Suite struct HTMLTests {
    @Test func textAndAttributesAreEscaped() {
        let h = HTML(.zh)
        h.element("p", "a\"b", [.title("<x>")], text: "<script>alert('1') & \"</script>")
        #expect(String(decoding: h.bytes, as: UTF8.self) == "<p class=\"a&quot;b\" title=\"&lt;x&gt;\">&lt;script&gt;alert(&#39;1&#39;) &amp; &quot;&lt;/script&gt;</p>")
    }
    @Test(arguments: ["javascript:alert(1)", "JAVASCRIPT:x", "data:text/html,x", " javascript:x", "vbscript:x"])
    func linksNeverRun(_ href: String) { #expect(Link.safe(href) == "#") }
    @Test(arguments: ["//evil.example", "https://evil.example", "/\\evil", "/a\nb"])
    func nobodyIsSentAwayThroughUs(_ path: String) { #expect(Link.local(path) == "/") }
}

@Suite struct FormTests {
    @Test func urlencodedFieldsAreRead() throws {
        let form = try Form(urlencoded: Array("a=1&b=%E4%B8%AD+x&a=2&c".utf8))
        #expect(form["a"] == "1" && form.all("a") == ["1", "2"] && form["b"] == "中 x" && form["c"] == nil)
    }
    @Test(arguments: ["a=%FF", "a=%00", "%C3%28=1"])
    func bytesThatAreNotTextAreRefused(_ body: String) { #expect(throws: Refusal.self) { try Form(urlencoded: Array(body.utf8)) } }

    @Test func multipartFilesKeepTheirBytesAndLoseTheirPaths() throws {
        let bytes =
            Array("--XX\r\nContent-Disposition: form-data; name=\"f\"; filename=\"..\\..\\/etc/pass wd.jpg\"\r\n\r\n".utf8) + [0, 255, 13, 10, 45]
            + Array("\r\n--XX\r\nContent-Disposition: form-data; name=\"t\"\r\n\r\n值\r\n--XX--\r\n".utf8)
        let form = try Form(multipart: bytes, boundary: "XX")
        #expect(form.files.first?.name == "pass wd.jpg" && form.files.first?.bytes == [0, 255, 13, 10, 45] && form["t"] == "值")
    }

    @Test func brokenMultipartNeverCrashes() {
        let good = Array("--B\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\nabc\r\n--B--".utf8)
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<4000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                switch Int.random(in: 0...2, using: &generator) {
                case 0 where !bytes.isEmpty: bytes.remove(at: Int.random(in: 0..<bytes.count, using: &generator))
                case 1 where !bytes.isEmpty: bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: Int.random(in: 0...bytes.count, using: &generator))
                }
            }
            _ = try? Form(multipart: bytes, boundary: "B")
        }
    }
}
