"""Journeys through the running product in a real browser, on both engines."""
import io, json, os, re
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SHOTS

AXE = Axe()


def shot(page, name, city):
    page.screenshot(path=os.path.join(SHOTS, f"{city.engine}-{name}-{page.viewport_size['width']}.png"), full_page=True)


def accessible(page):
    """WCAG 2.2 AA, as far as axe can see."""
    result = AXE.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
    found = [(v["id"], [n["html"][:120] for n in v["nodes"][:3]]) for v in result.response["violations"]]
    assert not found, found


FIRST = json.load(open("Data/city/city.json", encoding="utf-8"))["districts"][0]["name"]  # where the demonstration's clerk sits


def file_complaint(page, facts="在店里买的电饭煲用了三天就不通电，商家不肯退货。"):
    page.goto("/complaints/new")
    page.click("a.btn-primary")
    page.fill("#f-facts", facts)
    page.click("button.btn-primary")
    page.fill("#q", "超市")
    page.click("button:has-text('查找')")
    page.locator(f"button.found:has-text('{FIRST}')").first.click()
    page.fill("#f-purchase", "电饭煲")
    page.fill("#f-occurredOn", "2026-10-20")
    page.fill("#f-amount", "399.00")
    page.check("#f-claim-refund")
    page.click("button.btn-primary")
    page.set_input_files("#f-files", {"name": "小票.png", "mimeType": "image/png", "buffer": PNG})
    page.click("button.btn-primary")
    page.fill("#f-name", "陈小满")
    page.fill("#f-phone", "13812345678")
    page.fill("#f-address", "柳荫路8号")
    page.check("#f-publication-yes")
    page.check("#f-delegation-yes")
    page.click("button.btn-primary")
    assert page.locator(".review-part").count() == 5
    page.click("button.btn-primary")
    page.wait_for_url("**/track/TS*")
    number, code = page.locator(".receipt-number").all_inner_texts()
    return number, code


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63f8cfc000000301010018dd8db00000000049454e44ae426082")


def test_a_consumer_files_on_a_phone_without_scripts_and_follows_it(visit, city):
    page = visit(width=390, scripts=False)
    number, code = file_complaint(page)
    shot(page, "receipt", city)
    # A phone reads the code and lands on the tracking page, whatever host the office has.
    import PIL.Image, zxingcpp

    read = zxingcpp.read_barcodes(PIL.Image.open(io.BytesIO(page.locator("svg.qr").screenshot(scale="css"))).resize((540, 540)))
    assert [b.text for b in read] == [f"{city.url}/track/{number}?code={code}"], [b.text for b in read]
    assert page.locator("text=为什么是这一天").count() >= 1
    other = visit(width=390)
    other.goto("/track")
    other.fill("#f-number", number)
    other.fill("#f-code", "WRONG123")
    other.click("button.btn-primary")
    assert other.locator(".alert-danger").count() == 1
    other.fill("#f-code", code.lower())
    other.click("button.btn-primary")
    other.wait_for_url(f"**/track/{number}**")
    assert not [f for f in other.faults if "404" not in f]


def test_a_draft_survives_a_closed_browser(visit, city):
    page = visit(width=390)
    page.goto("/complaints/new/what")
    page.fill("#f-facts", "写到一半")
    page.click("button.btn-primary")
    page.goto("/complaints/new")
    assert page.locator("text=继续填写").count() == 1
    page.goto("/complaints/new/what")
    assert page.input_value("#f-facts") == "写到一半"


def action(page, name):
    """Opens the form of a move where it is not open yet."""
    details = page.locator(f"details.action-{name}")
    if details.get_attribute("open") is None:
        details.locator("summary").click()


def open_matter(page, number):
    page.goto(f"/desk?q={number}")
    page.click(f"a:has-text('{number}')")


def test_clerk_and_mediator_carry_it_to_an_agreement(visit, city):
    number, code = file_complaint(visit(width=390))
    clerk = visit(enter="clerk")
    open_matter(clerk, number)
    shot(clerk, "matter", city)
    assert "138****5678" in clerk.content() and "13812345678" not in clerk.content()
    clerk.select_option("select[name=purpose]", "contact")
    clerk.click("text=查看（将记入日志）")
    assert "13812345678" in clerk.content()
    open_matter(clerk, number)
    action(clerk, "accept")
    clerk.locator("details.action-accept button[type=submit]").click()
    assert "已受理" in clerk.locator(".matter-head").inner_text()
    mediator = visit(enter="mediator")
    open_matter(mediator, number)
    action(mediator, "arrange")
    form = mediator.locator("details.action-arrange")
    mediator.check("#f-arrange-mode-remote")
    form.locator("input[name=consent]").check()
    form.locator("button[type=submit]").click()
    assert "调解中" in mediator.locator(".matter-head").inner_text()
    action(mediator, "agree")
    mediator.fill("details.action-agree textarea", "商家于三日内退还399元。")
    mediator.check("#f-agree-form-paper")
    mediator.locator("details.action-agree button[type=submit]").click()
    assert "达成协议" in mediator.locator(".matter-head").inner_text()
    action(mediator, "close")
    mediator.locator("details.action-close button[type=submit]").click()
    consumer = visit(width=390)
    consumer.goto(f"/track/{number}?code={code}")
    assert "已办结" in consumer.content() and "退还399元" in consumer.content()
    links = consumer.locator("a:has-text('PDF')")
    assert links.count() >= 2
    pdf = consumer.context.request.get(city.url + links.first.get_attribute("href"))
    assert pdf.status == 200 and pdf.body().startswith(b"%PDF")


def test_a_clerk_refuses_with_a_ground_and_the_consumer_reads_why(visit, city):
    number, code = file_complaint(visit(width=390), "公司采购一百台电饭煲，要求退货。")
    clerk = visit(enter="clerk")
    open_matter(clerk, number)
    action(clerk, "refuse")
    clerk.check("#f-refuse-ground-3")
    clerk.fill("details.action-refuse textarea", "系单位采购，不是为生活消费需要。")
    clerk.locator("details.action-refuse button[type=submit]").click()
    assert "请勾选" in clerk.locator("#errors").inner_text()
    clerk.check("#f-refuse-ground-3")
    clerk.check("#f-refuse-factor-1")
    clerk.fill("details.action-refuse textarea", "系单位采购，不是为生活消费需要。")
    clerk.locator("details.action-refuse button[type=submit]").click()
    assert "不予受理" in clerk.locator(".matter-head").inner_text()
    consumer = visit(width=390)
    consumer.goto(f"/track/{number}?code={code}")
    assert "系单位采购" in consumer.content() and "人民法院" in consumer.content()


def test_a_director_opens_the_list_behind_a_figure(visit, city):
    page = visit(enter="director")
    page.goto("/insights")
    page.wait_for_selector("canvas")
    shot(page, "insights", city)
    count = int(page.locator(".tile .tile-count").first.inner_text())
    page.locator(".tile").first.click()
    page.wait_for_url("**/desk**")
    assert page.locator("table.queue tbody tr").count() == min(count, 40)
    assert not page.faults


PUBLIC = ["/", "/complaints/new", "/complaints/new/what", "/complaints/new/who?q=超市", "/complaints/new/claim", "/complaints/new/evidence", "/complaints/new/you", "/complaints/new/check", "/track", "/signin", "/law", "/law?duty=C1&from=2026-09-18", "/law/O121", "/demo"]
STAFF = [("clerk", "/desk"), ("clerk", "/desk?closed=yes"), ("clerk", "/disputes/new"), ("clerk", "/operators?q=超市"), ("director", "/insights"), ("auditor", "/ledger"), ("admin", "/admin"), ("admin", "/admin/templates/acceptance"), ("admin", "/import/operators"), ("intake", "/import/complaints"), ("station", "/desk"), ("clerk", "/account")]


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_public_pages_are_accessible_and_fit(visit, city, width, language):
    page = visit(width=width, language=language)
    for path in PUBLIC:
        page.goto(path)
        shot(page, language + re.sub(r"\W+", "-", path), city)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, path
        assert page.get_attribute("html", "lang") == language
        if language == "en":
            heading = page.locator("h1").first.inner_text()
            assert not re.search(r"[\u4e00-\u9fff]", heading) or path.startswith("/law/"), (path, heading)
    assert not page.faults


@pytest.mark.parametrize("width", [1440, 390])
def test_staff_pages_are_accessible_and_fit(visit, city, width):
    pages = {}
    for role, path in STAFF:
        page = pages.get(role) or visit(width=width, enter=role)
        pages[role] = page
        page.goto(path)
        shot(page, role + re.sub(r"\W+", "-", path), city)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= width + 1, path
    page = pages["clerk"]
    page.goto("/desk")
    page.locator("td.number a").first.click()
    for details in page.locator("details").all():
        details.evaluate("d => d.open = true")
    shot(page, "clerk-matter", city)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width + 1
    # What no address of its own leads to: why a day, handing out, what a consumer sees.
    page.goto("/desk")
    page.locator("td .due").first.click()
    shot(page, "clerk-why", city)
    accessible(page)
    page.goto("/desk")
    page.locator("input[name=matter]").first.check()
    page.click("button:has-text('将所选分派给')")
    shot(page, "clerk-assign", city)
    accessible(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= width + 1
    consumer = visit(width=width)
    number, code = file_complaint(consumer)
    accessible(consumer)
    consumer.goto(f"/track/{number}?code={code}")
    for details in consumer.locator("details").all():
        details.evaluate("d => d.open = true")
    shot(consumer, "track", city)
    accessible(consumer)
    assert consumer.evaluate("document.documentElement.scrollWidth") <= width + 1
    page.goto("/operators?q=超市")
    page.locator("td a").first.click()
    shot(page, "clerk-operator", city)
    accessible(page)
    assert not any(p.faults for p in pages.values()), [p.faults for p in pages.values()]
