"""Real complaints of a public platform, imported by the page and carried to an outcome: ten in the browser, ten by the API."""
import csv, json, os, urllib.parse, urllib.request
import pytest
from conftest import run
from test_journeys import action, shot

REAL = os.path.abspath("../shared/data/complaints/heimao2020_dev.csv")
pytestmark = pytest.mark.skipif(not os.path.exists(REAL), reason="the shared complaints are not here: heimao2020_dev.csv")


FATES = ["agree", "end", "refuse", "redirect", "agree", "end", "agree", "refuse", "end", "agree"]
ENDS = {"agree": "已办结", "end": "已办结", "refuse": "不予受理", "redirect": "已指引其他途径"}
PARTICULARS = {"name": "陈小满", "phone": "13812345678", "address": "柳荫路8号", "respondentAddress": "平台公示地址：中兴路12号", "reason": "按来电号码核实"}


def api(city, token, path, body=None):
    request = urllib.request.Request(city.url + path, headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"}, data=json.dumps(body).encode() if body else None)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())


@pytest.fixture(scope="module")
def imported(chromium, city):
    """Imports the file as an intake officer does, twice; returns the numbers that were given."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="zh-CN", base_url=city.url)
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/demo")
    page.locator("form:has(input[value='demo-intake']) button").click()
    page.wait_for_url("**/desk")
    found = []
    for _ in range(2):
        page.goto("/import/complaints")
        page.set_input_files("input[name=file]", REAL)
        page.click("button:has-text('导入')")
        # The page shows its progress and reloads until the background has read the file.
        page.wait_for_selector(".figure-n", timeout=60000)
        found.append([int(n) for n in page.locator(".figure-n").all_inner_texts()])
        shot(page, "import", city)
    context.close()
    rows = list(csv.DictReader(open(REAL, encoding="utf-8-sig")))
    added, changed, same, rejected = found[0]
    assert added + rejected == len(rows) and added >= 45, found
    assert found[1][:3] == [0, 0, added], found
    token = run("token", "create", "--login", "demo-intake", *city.options()).stdout.strip()
    numbers, cursor = [], ""
    while True:
        answer = api(city, token, f"/api/v1/complaints?state=received{cursor}")
        numbers += [item["number"] for item in answer["items"] if item["region"] == "9901"]
        if not answer.get("next"):
            break
        cursor = "&cursor=" + urllib.parse.quote(answer["next"])
    respondents = {row["respondent"] for row in rows}
    mine = [n for n in numbers if api(city, token, f"/api/v1/complaints/{n}")["respondent"]["name"] in respondents]
    assert len(mine) >= 20, len(mine)
    return token, mine


def open_matter(page, number):
    page.goto(f"/desk?q={number}")
    page.click(f"a:has-text('{number}')")


def send(page, name):
    page.locator(f"details.action-{name} button[type=submit]").click()


def test_ten_are_carried_to_an_outcome_in_the_browser(visit, city, imported):
    _, numbers = imported
    intake, clerk, mediator = visit(enter="intake"), visit(enter="clerk"), visit(enter="mediator")
    outcomes = []
    for number, fate in zip(numbers, FATES):
        open_matter(intake, number)
        if fate in ("agree", "end"):
            # The public list names nobody: who complains is asked by phone and written down before it is taken up.
            action(intake, "amend")
            for field, value in PARTICULARS.items():
                intake.fill(f"details.action-amend [name={field}]", value)
            send(intake, "amend")
            assert "更正登记信息" in intake.content()
        action(intake, "dispatch")
        intake.select_option("details.action-dispatch select[name=region]", "990101")
        send(intake, "dispatch")
        open_matter(clerk, number)
        if fate == "refuse":
            action(clerk, "refuse")
            clerk.locator("details.action-refuse input[name=ground]").first.check()
            clerk.fill("details.action-refuse textarea[name=reason]", "该事项应由其他行政机关处理。")
            clerk.select_option("details.action-refuse select[name=channel]", "phone")
            send(clerk, "refuse")
        elif fate == "redirect":
            action(clerk, "redirect")
            clerk.fill("details.action-redirect textarea", "请向平台住所地市场监管部门提出。")
            send(clerk, "redirect")
        else:
            action(clerk, "accept")
            clerk.select_option("details.action-accept select[name=channel]", "phone")
            send(clerk, "accept")
            open_matter(mediator, number)
            action(mediator, "arrange")
            mediator.check("#f-arrange-mode-remote")
            mediator.locator("details.action-arrange input[name=consent]").check()
            send(mediator, "arrange")
            action(mediator, fate)
            if fate == "agree":
                mediator.fill("details.action-agree textarea", "商家于七日内退款并致歉。")
                mediator.check("#f-agree-form-paper")
                send(mediator, "agree")
                action(mediator, "close")
                send(mediator, "close")
            else:
                mediator.locator("details.action-end input[name=ground]").nth(1).check()
                mediator.fill("details.action-end textarea[name=reason]", "双方分歧较大，未能达成一致。")
                send(mediator, "end")
                action(mediator, "tell")
                mediator.select_option("details.action-tell select[name=channel]", "phone")
                send(mediator, "tell")
        last = mediator if fate in ("agree", "end") else clerk
        outcomes.append(last.locator(".matter-head").inner_text())
    shot(mediator, "real-complaint", city)
    for words, text in zip([ENDS[fate] for fate in FATES], outcomes):
        assert words in text, (words, text)
    assert not mediator.faults and not clerk.faults and not intake.faults


def test_ten_are_carried_to_an_outcome_by_the_api(city, imported):
    intake, numbers = imported
    clerk = run("token", "create", "--login", "demo-clerk", *city.options()).stdout.strip()
    mediator = run("token", "create", "--login", "demo-mediator", *city.options()).stdout.strip()
    steps = {
        "agree": [(intake, {"move": "amend", **PARTICULARS}), (clerk, {"move": "accept", "channel": "phone"}), (mediator, {"move": "arrange", "mode": "remote", "consent": "yes", "mediators": "吴"}), (mediator, {"move": "agree", "agreement": "退款", "form": "record"}), (mediator, {"move": "close"})],
        "end": [(intake, {"move": "amend", **PARTICULARS}), (clerk, {"move": "accept", "channel": "mail"}), (mediator, {"move": "end", "ground": "2", "reason": "一方拒绝调解"}), (mediator, {"move": "tell", "channel": "phone"})],
        "refuse": [(clerk, {"move": "refuse", "ground": "1", "reason": "不属于本机关职责", "channel": "phone"})],
        "redirect": [(clerk, {"move": "redirect", "where": "请向平台住所地市场监管部门提出"})],
    }
    for number, fate in zip(numbers[10:20], FATES):
        path = f"/api/v1/complaints/{number}/moves"
        first = steps[fate][:1] if fate in ("agree", "end") else []
        # Amended by the intake officer while it is still the city's, then dispatched.
        for token, body in first + [(intake, {"move": "dispatch", "region": "990101"})] + steps[fate][len(first):]:
            answer = api(city, token, path, body)
        assert answer["state"] == {"refuse": "refused", "redirect": "redirected"}.get(fate, "closed"), answer
    report = run("audit", "verify", *city.options()).stdout
    assert "成立" in report or "holds" in report, report
