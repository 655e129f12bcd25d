"""P9 and P10: a capture against Chromium alone, the check of a package against sha256sum. Medians; both sides in one run."""
import http.server, os, statistics, subprocess, sys, tempfile, threading, time

BINARY = os.environ.get("SINAN_BINARY", ".build/release/sinan")
CHROMIUM = os.environ.get("SINAN_CHROMIUM", "/usr/bin/chromium")
ROUNDS = int(os.environ.get("ROUNDS", "3"))
BIG = os.urandom(10 << 20)
PAGE = ("<!doctype html><meta charset=utf-8><title>店</title><h1>电饭煲</h1>" + "".join(f"<p>第{i}段：商品说明与参数，三升容量，十二小时预约。</p>" for i in range(200))).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"/": PAGE, "/big": BIG, "/bigpage": "<title>big</title><script>(async()=>{for(let i=0;i<10;i++)await (await fetch('/big?'+i)).arrayBuffer()})()</script>".encode()}.get(self.path.split("?")[0], b"")
        self.send_response(200)
        self.send_header("Content-Type", "application/octet-stream" if self.path.startswith("/big?") else "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass


def timed(work):
    began = time.time()
    work()
    return time.time() - began


def median(work, n=ROUNDS):
    return statistics.median(timed(work) for _ in range(n))


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_address[1]}"
with tempfile.TemporaryDirectory() as folder:
    os.chmod(folder, 0o777)
    count = iter(range(1000))

    def ours(path="/", more=()):
        out = f"{folder}/{next(count)}.wacz"
        subprocess.run([BINARY, "capture", url + path, "--out", out, "--data", f"{folder}/keys", "--allow-host", "127.0.0.1", *more], check=True, capture_output=True)
        return out

    def alone(flag):
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
        subprocess.run([*user, CHROMIUM, "--headless", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder}/p{next(count)}", flag, url + "/"],
                       check=True, capture_output=True, cwd=folder, env={"HOME": folder, "PATH": os.environ["PATH"]})

    capture = median(ours)
    pdf = median(lambda: alone(f"--print-to-pdf={folder}/x.pdf"))
    picture = median(lambda: alone(f"--screenshot={folder}/x.png"))
    print(f"  P9   capture to sealed package of a local page          {capture:.2f} s   Chromium alone, PDF {pdf:.2f} s, picture {picture:.2f} s   {capture / pdf:.2f} × its PDF, {capture / (pdf + picture):.2f} × both")
    from concurrent.futures import ThreadPoolExecutor
    with ThreadPoolExecutor(2) as two:
        many = timed(lambda: list(two.map(lambda _: ours(), range(12))))
    print(f"  P9   twelve captures, two at once                       {12 / many * 60:.0f} a minute")
    package = ours("/bigpage", ("--megabytes", "300", "--seconds", "120"))
    size = os.path.getsize(package) >> 20
    check = median(lambda: subprocess.run([BINARY, "verify", package], check=True, capture_output=True))
    summed = median(lambda: subprocess.run(["sha256sum", package], check=True, capture_output=True))
    print(f"  P10  verify of a package of {size} MB                       {check:.2f} s   sha256sum {summed:.2f} s   {check / summed:.2f} ×")
