"""What goes out: mail over a real SMTP server, signed CloudEvents to a real receiver, the officer's calendar; on both engines."""
import datetime, email, email.policy, http.server, json, re, threading, time
import pytest
from aiosmtpd.controller import Controller
from cloudevents.v1.http import from_json
from icalendar import Calendar
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from conftest import ENGINES, Server, database, free_port, run
from test_disputes import said
from test_journeys import accessible


class Mailbox:
    """A real SMTP server that keeps what it is handed; it can be made to refuse for a time."""

    def __init__(self):
        self.messages, self.refuse = [], False
        self.controller = Controller(self, hostname="127.0.0.1", port=free_port())
        self.controller.start()
        self.address = f"127.0.0.1:{self.controller.port}"

    async def handle_DATA(self, server, session, envelope):
        if self.refuse:
            return "451 try again later"
        self.messages.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 ok"


class Receiver:
    """A real receiver of webhooks: the first so many answers are errors."""

    def __init__(self):
        self.got, self.failing = [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.append((dict(self.headers), body))
                status = 503 if outer.failing > 0 else 204
                outer.failing -= 1
                self.send_response(status)
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def until(what, seconds=75):
    for _ in range(seconds * 5):
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen in time")


@pytest.fixture(params=ENGINES)
def office(request, tmp_path, chromium):
    url = database(request.param, str(tmp_path))
    run("city", "--database", url, "--data", str(tmp_path), "--scale", "0.0001")
    mailbox, receiver = Mailbox(), Receiver()
    server = Server(
        url, str(tmp_path),
        env={"SINAN_ALLOW": f"{mailbox.address},{receiver.address}", "SINAN_SMTP": f"smtp://{mailbox.address}", "SINAN_MAIL_FROM": "sinan@office.example"})
    contexts = []

    def enter(who):
        context = chromium.new_context(base_url=server.url, locale="zh-CN", viewport={"width": 1440, "height": 900})
        contexts.append(context)
        page = context.new_page()
        page.on("dialog", lambda dialog: dialog.accept())
        page.goto("/demo")
        page.locator(f"form:has(input[value='demo-{who}']) button").click()
        return page

    yield server, mailbox, receiver, enter
    for context in contexts:
        context.close()
    server.stop()
    mailbox.controller.stop()
    receiver.server.shutdown()
    checked = run("audit", "verify", "--database", url, "--data", str(tmp_path), check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_mail_and_events_go_out_are_signed_tried_again_and_logged(office):
    server, mailbox, receiver, enter = office
    admin = enter("admin")
    admin.goto("/admin/deliveries")
    accessible(admin)
    admin.fill("form[action$='/mail'] input[name=to]", "clerk@office.example")
    admin.click("form[action$='/mail'] button")
    recipients, message = until(lambda: mailbox.messages and mailbox.messages.pop())
    assert recipients == ["clerk@office.example"] and message["Subject"] == "测试邮件" and "发信服务器可用" in message.get_content()
    assert datetime.datetime.strptime(message["Date"], "%a, %d %b %Y %H:%M:%S %z")

    # A subscriber: an address inside that nobody allowed is refused by name, an allowed one gets signed events.
    admin.goto("/admin/deliveries")
    admin.locator("details.card").evaluate("d => d.open = true")
    admin.fill("#f-name", "内网")
    admin.fill("#f-url", "http://127.0.0.1:1/")
    admin.click("form[action='/admin/deliveries'] button")
    admin.locator("form[action$='/test'] button").first.click()
    until(lambda: (admin.goto("/admin/deliveries?state=failed"), "not public" in admin.locator("main").inner_text())[1])
    admin.locator("form[action$='/end'] button").first.click()
    admin.locator("details.card").evaluate("d => d.open = true")
    admin.fill("#f-name", "短信网关")
    admin.fill("#f-url", f"http://{receiver.address}/hook")
    admin.locator("details.card input[value=contacts]").check()
    admin.click("form[action='/admin/deliveries'] button")
    secret = said(admin, r"whsec_[A-Za-z0-9+/=]+")
    # The receiver is down at first; what it missed comes again.
    receiver.failing = 1
    admin.locator("form[action$='/test'] button").first.click()
    until(lambda: len(receiver.got) >= 2)
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"]
    headers, body = receiver.got[1]
    Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace(b"test", b"tost"), headers)
    event = from_json(body)
    assert event["type"] == "org.sinan.test" and event["specversion"] == "1.0"

    # An act that tells somebody becomes an event with the phone that a gateway needs.
    clerk = enter("clerk")
    clerk.goto("/disputes/new")
    answer = clerk.context.request.post(
        "/api/v1/complaints",
        data=json.dumps({
            "complainant": {"name": "李明", "phone": "13812345678", "address": "青溪区大众路5号"},
            "respondent": {"name": "某电器店", "address": "青溪区大众路1号"}, "facts": "购买的电饭煲不通电", "claims": [{"kind": "refund"}], "boughtOn": "2026-11-01"}),
        headers={"Content-Type": "application/json"})
    assert answer.status in (200, 201), answer.text()
    number = answer.json()["number"]
    before = len(receiver.got)
    clerk.goto("/desk?q=" + number)
    clerk.locator("td.number a", has_text=number).first.click()
    clerk.locator("details.action-accept").evaluate("d => d.open = true")
    form = clerk.locator("details.action-accept form")
    if form.locator("select[name=channel]").count():
        form.locator("select[name=channel]").select_option("sms")
    form.locator("button[type=submit]").click()
    events = until(lambda: [e for e in (json.loads(b) for _, b in receiver.got[before:]) if e["type"] == "org.sinan.notice" and e.get("subject") == number])
    assert events[0]["data"]["recipient"] == "complainant" and events[0]["data"]["to"] == "13812345678"

    # A business is invited by mail: the link in it opens its page; the log keeps no word of it.
    mediator = enter("mediator")
    mediator.goto("/desk?q=" + number)
    mediator.locator("td.number a", has_text=number).first.click()
    form = mediator.locator("form[action$='/invite']")
    form.locator("select[name=channel]").select_option("email")
    form.locator("button").click()
    assert "请填写商家的邮箱" in mediator.locator("main .alert").first.inner_text()
    mailbox.refuse = True
    form = mediator.locator("form[action$='/invite']")
    form.locator("select[name=channel]").select_option("email")
    form.locator("input[name=email]").fill("boss@shop.example")
    form.locator("button").click()
    until(lambda: (admin.goto("/admin/deliveries?state=waiting"), "451" in admin.locator("main").inner_text())[1])
    mailbox.refuse = False
    recipients, message = until(lambda: mailbox.messages and mailbox.messages.pop())
    assert recipients == ["boss@shop.example"] and number in message["Subject"]
    link = re.search(r"http://\S+/respond/\S+", message.get_content()).group(0)
    assert mediator.context.request.get(link).status == 200
    admin.goto("/admin/deliveries?state=sent")
    assert "boss@shop.example" in admin.locator("main").inner_text() and "code=" not in admin.content()

    # By post: a letter with a code to scan, printed once.
    form = mediator.locator("form[action$='/invite']")
    form.locator("select[name=channel]").select_option("mail")
    form.locator("button").click()
    letter = mediator.locator("article.letter")
    assert "答复码" in letter.inner_text() and letter.locator("svg").count() == 1
    accessible(mediator)


def test_an_officers_calendar_is_opened_by_its_own_link_alone(office):
    server, _, _, enter = office
    mediator = enter("mediator")
    mediator.goto("/account")
    accessible(mediator)
    mediator.fill("#f-email", "not an address")
    mediator.locator("form[action='/account/address']").evaluate("f => f.noValidate = true")
    mediator.click("form[action='/account/address'] button")
    assert "不是邮箱地址" in mediator.locator("main .alert").inner_text()
    mediator.fill("#f-email", "mediator@office.example")
    mediator.click("form[action='/account/address'] button")
    assert "邮箱已保存" in mediator.locator("main .alert").inner_text()
    mediator.click("form[action='/account/feed'] button")
    feed = said(mediator, r"/feeds/[0-9a-f]+\.ics")
    answer = mediator.context.browser.new_context(base_url=server.url).request.get(feed)
    assert answer.status == 200 and answer.headers["content-type"].startswith("text/calendar")
    events = list(Calendar.from_ical(answer.body()).walk("VEVENT"))
    assert events and all("截止" in e["SUMMARY"] or "调解" in e["SUMMARY"] for e in events)
    assert any(isinstance(e.decoded("DTSTART"), datetime.date) for e in events)
    assert mediator.context.request.get(feed.replace("/feeds/", "/feeds/0")).status == 404
    mediator.goto("/account")
    mediator.click("form[action='/account/feed'] button")
    assert mediator.context.request.get(feed).status == 404
