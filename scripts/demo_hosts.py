"""Local hosts for the demonstration and the tests: a time-stamping authority by openssl, and a shop that changes its page."""
import http.server, os, subprocess, tempfile, threading


class Authority:
    """RFC 3161 over HTTP, by openssl ts; its root is `ca`."""

    def __init__(self, folder, port=0, name="Test Time-Stamping Authority"):
        self.folder, self.ca = folder, folder + "/ca.pem"
        self.refuses = False

        def sh(*words):
            return subprocess.run(words, check=True, capture_output=True, cwd=folder).stdout

        if not os.path.exists(self.ca):
            with open(folder + "/ext.cnf", "w") as f:
                f.write("[tsa]\nextendedKeyUsage=critical,timeStamping\nkeyUsage=critical,digitalSignature\nbasicConstraints=CA:FALSE\n")
            with open(folder + "/tsa.cnf", "w") as f:
                f.write(
                    f"[tsa]\ndefault_tsa=t\n[t]\nserial={folder}/serial\nsigner_cert={folder}/tsa.pem\ncerts={folder}/ca.pem\nsigner_key={folder}/tsa.key\nsigner_digest=sha256\n"
                    "default_policy=1.2.3.4\ndigests=sha256\nordering=no\ness_cert_id_alg=sha256\n")
            with open(folder + "/serial", "w") as f:
                f.write("01")
            sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "365", "-subj", "/CN=Test Root")
            sh("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", f"/CN={name}")
            sh("openssl", "x509", "-req", "-in", "tsa.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "365", "-out", "tsa.pem", "-extfile", "ext.cnf", "-extensions", "tsa")
        authority = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if authority.refuses:
                    self.send_error(503)
                    return
                with tempfile.NamedTemporaryFile() as question:
                    question.write(body)
                    question.flush()
                    out = sh("openssl", "ts", "-reply", "-config", "tsa.cnf", "-queryfile", question.name)
                self.send_response(200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.end_headers()
                self.wfile.write(out)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class DemoShop:
    """A shop whose owner thinks it over."""

    BEFORE = ("全网销量第一品牌 福临电压力锅 5L", "国家级品质，最佳口碑，全国销量第一。", ["全网第一 销量冠军", "一锅根治三高 祖传秘方"], "#b81c22", "#ffe9a8")
    AFTER = ("福临电压力锅 5L", "容量5升，一键预约，不粘内胆。", ["福临电压力锅", "一键预约 省时省力"], "#1f4e79", "#ffffff")

    def __init__(self, port, folder, chromium="/usr/bin/chromium"):
        self.now = self.BEFORE
        self.pictures = {which[0]: self.picture(which, os.path.join(folder, f"{n}.png"), chromium) for n, which in enumerate((self.BEFORE, self.AFTER))}
        shop = self

        class Page(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                title, words = shop.now[0], shop.now[1]
                if self.path == "/banner.png":
                    kind, body = "image/png", shop.pictures[title]
                elif self.path == "/":
                    kind = "text/html; charset=utf-8"
                    body = (
                        f"<!doctype html><html lang=zh><meta charset=utf-8><meta name=viewport content='width=device-width'><title>{title} - 福临厨具旗舰店</title>"
                        "<style>body{font:16px/1.7 sans-serif;max-width:760px;margin:2rem auto;padding:0 1rem;color:#222}img{width:100%;border-radius:6px}.price{color:#b81c22;font-size:1.6rem}</style>"
                        f"<h1>{title}</h1><img src=/banner.png alt=''><p class=price>￥299.00</p><p>{words}</p><p>月销 1,268 件 · 福临厨具旗舰店</p><p>七天无理由退货</p></html>").encode()
                else:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *words):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Page)
        self.url = f"http://localhost:{port}/"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @staticmethod
    def picture(which, path, chromium):
        """The shop's banner: words in a picture, as shops have them."""
        if not os.path.exists(path):
            page = path + ".html"
            with open(page, "w", encoding="utf-8") as f:
                lines = "".join(f"<div>{line}</div>" for line in which[2])
                f.write(f"<!doctype html><meta charset=utf-8><body style='margin:0;background:{which[3]};color:{which[4]};font:700 38px/1.7 sans-serif;padding:28px 36px'>{lines}")
            root = ["--no-sandbox"] if os.getuid() == 0 else []  # a page of our own, and nothing else
            subprocess.run(
                [chromium, "--headless", *root, "--disable-gpu", "--hide-scrollbars", "--window-size=720,190", f"--user-data-dir={path}.profile", f"--screenshot={path}", "file://" + os.path.abspath(page)],
                check=True, capture_output=True, timeout=60)
        with open(path, "rb") as f:
            return f.read()
