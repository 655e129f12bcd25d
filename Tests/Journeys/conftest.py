"""Starts the real binary on both engines, with a small city, and a real Chromium."""
import os, shutil, signal, socket, subprocess, time, urllib.request, uuid
import pytest
from playwright.sync_api import sync_playwright

BINARY = os.environ.get("SINAN_BINARY", os.path.abspath(".build/debug/sinan"))
POSTGRES = os.environ.get("SINAN_TEST_POSTGRES")
SHOTS = os.path.abspath("var/screenshots")
ENGINES = ["sqlite"] + (["postgres"] if POSTGRES else [])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(*words, check=True, **more):
    return subprocess.run([BINARY, *words], check=check, capture_output=True, text=True, timeout=300, **more)


class Server:
    """The binary, serving; `kill` is kill -9."""

    def __init__(self, database, folder, demo=True, env=None):
        self.database, self.folder, self.demo, self.env = database, folder, demo, env or {}
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = None
        self.start()

    def options(self):
        return ["--database", self.database, "--data", self.folder]

    def start(self):
        words = [BINARY, "serve", *self.options(), "--port", str(self.port)] + (["--demo"] if self.demo else [])
        self.log = open(os.path.join(self.folder, "serve.log"), "ab")
        self.process = subprocess.Popen(words, stdout=self.log, stderr=self.log, env={**os.environ, **self.env})
        for _ in range(200):
            try:
                urllib.request.urlopen(self.url + "/readyz", timeout=2)
                return
            except OSError:
                assert self.process.poll() is None, "the server ended: " + open(self.log.name).read()[-2000:]
                time.sleep(0.1)
        raise AssertionError("the server did not come up")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)


def database(engine, folder):
    if engine == "sqlite":
        return f"sqlite:{folder}/city.db"
    name = "j" + uuid.uuid4().hex[:12]
    subprocess.run(["psql", "-q", POSTGRES, "-c", f"CREATE DATABASE {name}"], check=True)
    return POSTGRES.rsplit("/", 1)[0] + "/" + name


@pytest.fixture(scope="session", params=ENGINES)
def city(request, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("city-" + request.param))
    url = database(request.param, folder)
    run("city", "--database", url, "--data", folder, "--scale", "0.0002")
    server = Server(url, folder)
    server.engine = request.param
    yield server
    server.stop()


@pytest.fixture(scope="session")
def chromium():
    os.makedirs(SHOTS, exist_ok=True)
    with sync_playwright() as p:
        browser = p.chromium.launch(executable_path=os.environ.get("SINAN_CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, city):
    """A new browser at a width, in a language; without JavaScript where asked."""
    contexts = []

    def open_page(width=1440, language="zh-CN", scripts=True, enter=None):
        context = chromium.new_context(viewport={"width": width, "height": 900}, locale=language, java_script_enabled=scripts, base_url=city.url)
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.set_default_timeout(15000)
        page.faults = []
        page.on("pageerror", lambda e: page.faults.append(str(e)))
        page.on("console", lambda m: page.faults.append(m.text) if m.type == "error" else None)
        if enter:
            page.goto("/demo")
            page.locator(f"form:has(input[value='demo-{enter}']) button").click()
            page.wait_for_url("**/admin" if enter == "admin" else "**/desk")
        return page

    yield open_page
    for context in contexts:
        context.close()
