"""Local hosts for captures: a shop, pages that misbehave, a time-stamping authority by openssl ts."""
import http.server, io, os, sys, threading, time
from PIL import Image, ImageDraw, ImageFont

sys.path.insert(0, os.path.abspath("scripts"))
from demo_hosts import Authority  # noqa: E402, F401

SHOP = """<!doctype html><html lang="zh"><head><meta charset="utf-8"><title>福临旗舰店 电饭煲</title><link rel="stylesheet" href="/style.css"></head>
<body><h1>{headline}</h1><img src="/pot.png"><p>国家级品质，包治百病。</p><button id="more">展开</button><div id="d" hidden>销量：10万+</div>
<iframe src="/frame" title="评价"></iframe><div style="height:2500px"></div><p id="late">底部说明</p>
<script>document.getElementById('more').onclick=()=>{{document.getElementById('d').hidden=false;fetch('/sales.json').then(r=>r.json()).then(j=>document.getElementById('d').innerText+=' '+j.n)}}</script></body></html>"""
PIXEL = bytes.fromhex("89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082")


FONT = "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"


def picture(lines, kind="PNG", size=34, width=600, ground="white", ink="#222", scale=1.0):
    """A picture with words in it."""
    image = Image.new("RGB", (width, 60 + len(lines) * int(size * 1.7)), ground)
    pen, font = ImageDraw.Draw(image), ImageFont.truetype(FONT, size)
    for n, line in enumerate(lines):
        pen.text((30, 30 + n * int(size * 1.7)), line, font=font, fill=ink)
    if scale != 1:
        image = image.resize((int(image.width * scale), int(image.height * scale)))
    out = io.BytesIO()
    image.save(out, kind, **({"quality": 70} if kind == "JPEG" else {}))
    return out.getvalue()


class Shop(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self):
        self.headline = "全网第一 最佳电饭煲"
        self.elsewhere = ""
        self.seen = []
        # Pictures by their name, and pages `/with/a,b` that show them.
        self.pictures = {}
        super().__init__(("127.0.0.1", 0), Page)
        self.port = self.server_address[1]
        self.url = f"http://localhost:{self.port}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def say(self, body, kind="text/html; charset=utf-8", status=200, headers=()):
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        shop = self.server
        shop.seen.append(self.path)
        path = self.path.split("?")[0]
        if path == "/":
            self.say(SHOP.format(headline=shop.headline), headers=[("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")])
        elif path.startswith("/with/"):
            self.say("<title>图片页</title><h1>商品图片</h1>" + "".join(f"<img src='/pictures/{name}'>" for name in path[6:].split(",")))
        elif path.startswith("/pictures/") and path[10:] in shop.pictures:
            body = shop.pictures[path[10:]]
            self.say(body, "image/jpeg" if body[:2] == b"\xff\xd8" else "image/png")
        elif path == "/moved":
            self.say("", status=302, headers=[("Location", "/")])
        elif path == "/inside":
            self.say("", status=302, headers=[("Location", shop.elsewhere)])
        elif path == "/embeds":
            self.say(f"<title>x</title><h1>ok</h1><img src='{shop.elsewhere}/a.png'><iframe src='{shop.elsewhere}/f'></iframe><script>fetch('{shop.elsewhere}/steal')</script>")
        elif path == "/style.css":
            self.say("body{font-family:sans-serif;background:url(/pot.png)}", "text/css")
        elif path == "/pot.png":
            self.say(PIXEL, "image/png")
        elif path == "/frame":
            self.say("<p>评价：好</p><img src='/pot.png?frame'>")
        elif path == "/sales.json":
            self.say('{"n":123}', "application/json")
        elif path == "/rude":
            self.say(
                "<title>rude</title><h1>rude</h1><button id=o onclick=\"window.open('/popup')\">o</button><script>alert('一');confirm('二');prompt('三');print();onbeforeunload=()=>'stay';"
                "let a=document.createElement('a');a.href='/file';a.download='x.exe';document.body.append(a);a.click();new Audio('/pot.png').play().catch(()=>{});</script>")
        elif path == "/popup":
            self.say("<h1>popup</h1>")
        elif path == "/file":
            self.say(b"MZ" * 1000, "application/octet-stream", headers=[("Content-Disposition", "attachment; filename=x.exe")])
        elif path == "/endless":
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Connection", "close")
            self.end_headers()
            try:
                self.wfile.write(b"<title>endless</title><h1>endless</h1>")
                while True:
                    self.wfile.write(b"<p>more and more</p>\n" * 20)
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass
        elif path == "/huge":
            self.say("<title>huge</title><h1>huge</h1><script>fetch('/gigabyte').then(r=>r.arrayBuffer()).catch(()=>{})</script>")
        elif path == "/heavy":
            self.say("<title>heavy</title><script>(async()=>{for(let i=0;i<4;i++)await (await fetch('/block?'+i)).arrayBuffer()})()</script>")
        elif path == "/block":
            # Closed by the server right behind the last byte.
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Connection", "close")
            self.send_header("Content-Length", str(8 << 20))
            self.end_headers()
            self.wfile.write(b"x" * (8 << 20))
            self.close_connection = True
        elif path == "/gigabyte":
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.send_header("Content-Length", str(1 << 30))
            self.end_headers()
            try:
                for _ in range(1024):
                    self.wfile.write(b"\0" * (1 << 20))
            except OSError:
                pass
        else:
            self.say("not found", status=404)

    def log_message(self, *words):
        pass
