"""Signing in through an identity provider: Canaille, a real OpenID provider, on this machine."""
import json, os, subprocess, sys, time, urllib.request
import pytest
from joserfc.jwk import RSAKey
from conftest import ENGINES, Server, database, free_port, run
from test_journeys import accessible

CANAILLE = os.path.join(os.path.dirname(sys.executable), "canaille")


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """The provider with two persons and one client whose way back is filled in when the port is known."""
    folder = tmp_path_factory.mktemp("provider")
    port, back = free_port(), free_port()
    key = RSAKey.generate_key(2048, parameters={"kid": "k1", "alg": "RS256", "use": "sig"}, auto_kid=False).as_dict(private=True)
    jwk = "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in key.items()) + " }"
    (folder / "canaille.toml").write_text(
        f'SECRET_KEY = "{"x" * 40}"\nSERVER_NAME = "127.0.0.1:{port}"\nPREFERRED_URL_SCHEME = "http"\n[CANAILLE]\nDATABASE = "sql"\n'
        f'[CANAILLE_SQL]\nDATABASE_URI = "sqlite:///{folder}/people.db"\nPASSWORD_SCHEMES = "pbkdf2_sha512"\n[CANAILLE_OIDC]\nACTIVE_JWKS = [{jwk}]\n')
    env = {**os.environ, "CONFIG": str(folder / "canaille.toml")}

    def canaille(*words):
        done = subprocess.run([CANAILLE, *words], env=env, capture_output=True, text=True, cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr

    canaille("install")
    for name in ("demo-clerk", "stranger"):
        canaille("create", "user", "--user-name", name, "--password", "correct horse battery", "--family-name", "Li", "--given-name", "Ming", "--emails", f"{name}@office.example")
    canaille(
        "create", "client", "--client-id", "sinan", "--client-secret", "s3cret&/=", "--client-name", "Sinan", "--redirect-uris", f"http://127.0.0.1:{back}/signin/oidc/back",
        "--grant-types", "authorization_code", "--response-types", "code", "--token-endpoint-auth-method", "client_secret_basic",
        "--scope", "openid", "--scope", "profile", "--scope", "email")
    canaille("set", "client", "sinan", "--audience", "sinan")
    log = open(folder / "run.log", "ab")
    process = subprocess.Popen([CANAILLE, "run", "--bind", f"127.0.0.1:{port}"], env=env, stdout=log, stderr=log, cwd=folder)
    for _ in range(150):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/.well-known/openid-configuration", timeout=2)
            break
        except OSError:
            time.sleep(0.1)
    yield f"127.0.0.1:{port}", back
    process.terminate()
    process.wait(20)


def settings(provider, **more):
    return {"SINAN_OIDC_ISSUER": f"http://{provider}", "SINAN_OIDC_CLIENT": "sinan", "SINAN_OIDC_SECRET": "s3cret&/=", "SINAN_OIDC_TITLE": "市统一身份", "SINAN_ALLOW": provider, **more}


def through(page, name):
    """The provider's own pages: who it is, the password, consent where it is asked."""
    page.fill("input[name=login], input[name=username]", name)
    page.locator("button[type=submit], input[type=submit]").last.click()
    page.fill("input[name=password]", "correct horse battery")
    page.locator("button[type=submit], input[type=submit]").last.click()
    accept = page.get_by_text("Accept", exact=True)
    for _ in range(75):
        if "/oauth" not in page.url.split("?")[0] and "/login" not in page.url.split("?")[0] and "/password" not in page.url.split("?")[0]:
            return
        if accept.count():
            accept.first.click()
        page.wait_for_timeout(200)


@pytest.fixture(params=ENGINES)
def office(request, tmp_path, chromium, provider):
    url = database(request.param, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.0001")
    address, port = provider
    contexts, servers = [], []

    def serve(**more):
        for old in servers:
            old.stop()
        server = Server.__new__(Server)
        server.database, server.folder, server.demo, server.env, server.port, server.url = url, str(tmp_path), True, settings(address, **more), port, f"http://127.0.0.1:{port}"
        server.start()
        servers.append(server)
        return server

    def fresh():
        context = chromium.new_context(base_url=f"http://127.0.0.1:{port}", locale="zh-CN")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15000)
        return page

    yield serve, fresh
    for context in contexts:
        context.close()
    for server in servers:
        server.stop()
    checked = run("audit", "verify", "--database", url, "--data", str(tmp_path), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_an_identity_signs_in_once_its_holder_bound_it_and_a_strangers_does_not(office):
    serve, fresh = office
    serve()
    page = fresh()
    page.goto("/signin")
    accessible(page)
    page.click("a:has-text('市统一身份')")
    through(page, "stranger")
    assert "没有绑定账号" in page.locator("main").inner_text()

    # Its holder, signed in here, binds it.
    page = fresh()
    page.goto("/demo")
    page.locator("form:has(input[value='demo-mediator']) button").click()
    page.goto("/account")
    page.click("a[href='/account/identity']")
    through(page, "stranger")
    assert "已绑定统一身份" in page.locator("main .alert").inner_text()
    page = fresh()
    page.goto("/signin?to=/account")
    page.click("a:has-text('市统一身份')")
    through(page, "stranger")
    assert page.url.endswith("/account") and "解除绑定" in page.locator("main").inner_text()

    # An answer that nobody here asked for, or another browser's, opens nothing.
    other = fresh()
    other.goto("/signin/oidc/back?code=x&state=y")
    assert "登录请求已失效" in other.locator("main").inner_text()
    page.locator("form[action='/account/identity'] button").click()
    assert "已解除绑定" in page.locator("main .alert").inner_text()


def test_logins_come_by_a_claim_where_the_administrator_named_one(office):
    serve, fresh = office
    serve(SINAN_OIDC_CLAIM="sub")
    page = fresh()
    page.goto("/signin?to=/account")
    page.click("a:has-text('市统一身份')")
    through(page, "demo-clerk")
    assert page.url.endswith("/account")
    # Where the provider cannot be reached the password still opens the door.
    serve(SINAN_OIDC_ISSUER="http://127.0.0.1:1", SINAN_ALLOW="127.0.0.1:1")
    page = fresh()
    page.goto("/signin")
    page.click("a:has-text('市统一身份')")
    assert "无法连接统一身份认证" in page.locator("main").inner_text() and page.locator("#f-password").count() == 1
