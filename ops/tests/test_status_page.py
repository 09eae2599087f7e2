"""The status page in a real browser: before, during and after an outage, and what may go wrong.

The screenshots are left in ops/target/status-page.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Playwright, Route, expect, sync_playwright

from harness.relay import Relay
from harness.topics import read_topic
from harness.waiting import eventually
from outbox_client import Outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.broker import Broker

SCREENSHOTS = Path(__file__).parents[1] / "target" / "status-page"
# It loads nothing but our own page, and whoever runs the tests may be root or in a container.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Liveness only, as everywhere.
WITHIN = 60_000.0
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 360, "height": 740}
SECRET = "hunter2"
HOSTILE = "<img src=x onerror=document.title='owned'>\"'&<script>document.title='owned'</script>"
EVENTS = 60


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=WITHIN)
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture
def settings() -> dict[str, str]:
    return {"KAFKA_SSL_KEY_PASSWORD": SECRET}


@pytest.fixture
def relay(
    outbox: Path, broker: Broker, tmp_path: Path, settings: dict[str, str]
) -> Iterator[Relay]:
    """A relay for the test's outbox, not started."""
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log", settings=settings) as relay:
        yield relay


class Looker:
    """A page in a browser's window, and what the browser complained about meanwhile."""

    def __init__(self, browser: Browser, relay: Relay, *, scripts: bool = True) -> None:
        self.origin = f"http://127.0.0.1:{relay.port}/"
        self.context = browser.new_context(viewport=DESKTOP, java_script_enabled=scripts)  # type: ignore[arg-type]
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(WITHIN)
        self.complaints: list[str] = []
        self.asked: set[str] = set()
        self.page.on("console", lambda line: self.complaints.append(f"{line.type}: {line.text}"))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.add(request.url))

    def open(self, fragment: str = "") -> Page:
        self.page.goto(self.origin + fragment)
        return self.page

    def shoot(self, name: str) -> None:
        """In light, in dark, and as wide as a phone, where nothing may be cut off."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for variant, scheme, size in (
            ("light", "light", DESKTOP),
            ("dark", "dark", DESKTOP),
            ("phone", "light", PHONE),
        ):
            self.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            self.page.set_viewport_size(size)  # type: ignore[arg-type]
            self.page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
            self.page.screenshot(path=SCREENSHOTS / f"{name}-{variant}.png", full_page=True)
            if size is DESKTOP:
                # Contrast differs; width does not matter to it.
                self.check_accessible()
        self.page.emulate_media(color_scheme="light")
        self.page.set_viewport_size(DESKTOP)  # type: ignore[arg-type]

    def check_accessible(self) -> None:
        results = Axe().run(self.page)
        assert results.violations_count == 0, results.generate_report()

    def check_quiet(self) -> None:
        assert self.complaints == []
        assert {url for url in self.asked if not url.startswith(self.origin)} == set()

    def value(self, term: str) -> str:
        """What stands beside a term now."""
        return self.page.locator(f"[data-term='{term}'] .value").inner_text()

    def chart(self, title: str) -> str:
        """What a screen reader says instead of a chart."""
        found = self.page.locator(f"[role=img][aria-label^='{title}']").get_attribute("aria-label")
        assert found is not None
        return found


@pytest.fixture
def look(browser: Browser, relay: Relay) -> Iterator[Callable[..., Looker]]:
    """Opens windows, and closes them."""
    lookers: list[Looker] = []

    def opened(*, scripts: bool = True) -> Looker:
        lookers.append(Looker(browser, relay, scripts=scripts))
        return lookers[-1]

    yield opened
    for looker in lookers:
        looker.context.close()


def test_before_during_and_after_an_outage(
    broker: Broker, relay: Relay, outbox: Path, topic: str, look: Callable[..., Looker]
) -> None:
    relay.start()
    looker = look()
    with Outbox(outbox) as client:
        assert client.wait_delivered(client.append("v", topic=topic), 60) == "DELIVERED"
        page = looker.open()
        state = page.locator("#state")
        news = page.locator("#news")
        expect(state).to_contain_text("All events are settled; nothing waits.")
        expect(page.locator("#outbox-name")).to_have_text(str(outbox))
        expect(page.locator("canvas")).to_have_count(4)
        assert page.title() == "Outbox Relay"
        assert looker.value("Events wait") == "0"
        expect(news).to_have_text("")
        looker.shoot("1-before")

        broker.kill()
        for _ in range(EVENTS):
            client.append("v" * 500, topic=topic)
        expect(state).to_contain_text("Events wait: Kafka does not answer.")
        expect(state).to_contain_text("Since ")
        expect(state).to_contain_text("nothing is lost")
        expect(state).to_have_attribute("data-level", "waiting")
        assert looker.value("Events wait") == str(EVENTS)
        expect(page).to_have_title(f"{EVENTS} wait - Outbox Relay")
        expect(news).to_have_text(f"{outbox}: Events wait: Kafka does not answer.")
        eventually(
            "a sample of the outage is kept",
            lambda: EVENTS in json.loads(relay.http("/history.json")[1])["lag_events"],
        )
        looker.shoot("2-outage")

        broker.start()
        expect(state).to_have_attribute("data-level", "ok")
        expect(state).to_contain_text("All events are settled; nothing waits.")
        expect(news).to_contain_text("settled")
    assert looker.value("Events wait") == "0"
    looker.check_quiet()

    # Who opens the page now sees what was before.
    late = look()
    late.open()
    expect(late.page.locator("canvas")).to_have_count(4)
    assert f"now 0, at most {EVENTS} at " in late.chart("Events that wait")
    late.page.get_by_text("The last hour as a table").click()
    waited = late.page.locator("#hour tbody td:nth-child(2)").filter(has_text=str(EVENTS))
    expect(waited.first).to_be_visible()
    late.shoot("3-after")
    late.check_quiet()


def counts_of(relay: Relay) -> tuple[int, int]:
    """How many outboxes are served, and how many are on hold."""
    told = json.loads(relay.http("/status.json")[1])
    return len(told["outboxes"]), len(told["on_hold"])


def test_several_outboxes_before_during_and_after_an_outage_and_one_of_them_poisoned(
    broker: Broker, browser: Browser, topic: str, tmp_path: Path
) -> None:
    pods = tmp_path / "pods"
    busy, calm, poisoned = outboxes = [pods / name / "outbox" for name in ("a", "b", "c")]
    for outbox in outboxes:
        outbox.parent.mkdir(parents=True)
        with Outbox(outbox) as client:
            client.append("v", topic=topic)
    (poisoned / "relay.position").write_bytes(b"\x01" * 8192)
    settings = {"OUTBOX_DIR": "", "OUTBOX_DIRS": f"{pods}/*/outbox"}
    log = tmp_path / "relay.log"
    with Relay(pods, broker.bootstrap, log=log, settings=settings) as relay:
        relay.start()
        # The page stays with the one that was the worst when it was opened.
        eventually("each was tried", lambda: counts_of(relay) == (2, 1))
        looker = Looker(browser, relay)
        page = looker.open()
        state = page.locator("#state")
        # Worst first, as someone has to act; the two that are fine are in the order of their names.
        rows = page.locator("#fleet tbody tr")
        expect(rows).to_have_text(
            [
                re.compile(f"^Act{re.escape(str(poisoned))}$"),
                re.compile(rf"^Fine{re.escape(str(busy))}0\d.*(bytes|iB)$"),
                re.compile(rf"^Fine{re.escape(str(calm))}0\d.*(bytes|iB)$"),
            ]
        )
        expect(page).to_have_title("0 wait - Outbox Relay")
        expect(page.locator("#outbox-name")).to_have_text(str(poisoned))
        expect(state).to_contain_text("Can't be served now (needs-operator).")
        expect(page.locator("#served")).to_be_hidden()

        broker.kill()
        for outbox, count in ((busy, EVENTS), (calm, EVENTS // 2)):
            with Outbox(outbox) as client:
                for _ in range(count):
                    client.append("v" * 500, topic=topic)
        for outbox, count in ((busy, EVENTS), (calm, EVENTS // 2)):
            row = rows.filter(has_text=str(outbox))
            expect(row.locator(".level")).to_have_text("Waits")
            expect(row.locator("td").nth(1)).to_have_text(str(count))
        expect(page).to_have_title(f"{EVENTS + EVENTS // 2} wait - Outbox Relay")
        expect(rows.first).to_contain_text(str(poisoned))
        rows.filter(has_text=str(calm)).get_by_role("link").click()
        expect(page.locator("#outbox-name")).to_have_text(str(calm))
        expect(state).to_contain_text("Events wait: Kafka does not answer.")
        assert looker.value("Events wait") == str(EVENTS // 2)
        expect(page.locator("canvas")).to_have_count(4)
        looker.shoot("7-several-outage")

        broker.start()
        for outbox in (busy, calm):
            row = rows.filter(has_text=str(outbox))
            expect(row.locator(".level")).to_have_text("Fine")
            expect(row.locator("td").nth(1)).to_have_text("0")
        expect(page).to_have_title("0 wait - Outbox Relay")
        expect(state).to_contain_text("All events are settled; nothing waits.")
        expect(rows.first).to_contain_text("Act")
        assert looker.value("Events wait") == "0"
        looker.check_quiet()
        looker.context.close()
        assert relay.stop() == 0


def test_dead_letters_are_shown_with_their_reasons_and_secrets_and_values_never(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str, look: Callable[..., Looker]
) -> None:
    topic = broker.create_topic(topic_name, config={"max.message.bytes": "2000"})
    relay.start()
    with Outbox(outbox) as client:
        dead = client.append("payload-" + "x" * 3000, topic=topic, key="key-of-it")
        assert client.wait_delivered(dead, 60) == "DEAD"
    looker = look()
    page = looker.open()
    letters = page.locator("#dead-letters tbody tr")
    expect(letters).to_have_count(1)
    expect(letters).to_contain_text("too-large")
    expect(letters).to_contain_text(topic)
    expect(letters).to_contain_text(str(dead.event_id))
    expect(page.locator("#dead-letter-reasons")).to_contain_text("too-large: 1")
    expect(page.locator("#notices")).to_contain_text("Events moved to the dead letters: 1")
    page.get_by_text("Settings, secrets masked").click()
    settings = page.locator("#configuration tbody")
    expect(settings).to_contain_text("OUTBOX_DIR")
    expect(settings.locator("tr", has_text="ssl.key.password")).to_contain_text("***")
    looker.shoot("4-dead-letter")
    looker.check_quiet()
    told = [page.content()]
    told += [relay.http(url.removeprefix(looker.origin[:-1]))[1] for url in looker.asked]
    for text in told:
        assert SECRET not in text
        assert "payload-" not in text
        assert "key-of-it" not in text
    broker.set_topic_config(topic, {"max.message.bytes": "1000000"})
    assert relay.cli("dead-letters", "replay", "--all").returncode == 0
    expect(letters).to_have_count(0, timeout=WITHIN)
    expect(page.locator("#dead-letter-reasons")).to_contain_text("There are none.")
    with Outbox(outbox) as client:
        assert client.wait_delivered(dead, 60) == "DELIVERED"


def test_topics_that_are_missing_are_listed_until_they_are_there(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str, look: Callable[..., Looker]
) -> None:
    first, second, third = (f"{topic_name}-{number}" for number in (1, 2, 3))
    relay.start()
    with Outbox(outbox) as client:
        for topic in (first, second, third):
            client.append("waits", topic=topic)
    looker = look()
    page = looker.open()
    barred = page.locator("#barred-topics")
    rows = barred.locator("tbody tr")
    row = rows.filter(has_text=first)
    expect(row).to_contain_text("topic-missing")
    expect(row).to_contain_text("create the topic")
    expect(page.locator("#state")).to_have_attribute("data-level", "action")
    expect(page.locator("#state")).to_contain_text("can't be written")
    [told] = [it for it in relay.status()["barred_topics"]["topics"] if it["topic"] == first]
    assert told["attempts"] > 0
    assert told["reason"] == "topic-missing"

    broker.create_topic(first)
    expect(row).to_have_count(0)
    expect(rows.filter(has_text=second)).to_contain_text("topic-missing")
    for topic in (second, third):
        broker.create_topic(topic)
    expect(barred).to_be_hidden()
    expect(page.locator("#state")).to_contain_text("All events are settled; nothing waits.")
    assert relay.status()["barred_topics"] == {"total": 0, "by_reason": {}, "topics": []}
    log = relay.output()
    for topic in (first, second):
        assert re.search(f"topic can't be written.* topic={topic} ", log)
        assert re.search(f"topic can be written again.* topic={topic} ", log)
    looker.check_quiet()


def test_parked_topics_are_shown_until_what_is_parked_of_them_is_delivered(
    broker: Broker, relay: Relay, outbox: Path, topic_name: str, look: Callable[..., Looker]
) -> None:
    first, second, third = (f"{topic_name}-{number}" for number in (1, 2, 3))
    relay.start()
    with Outbox(outbox) as client:
        for topic, count in ((first, 3), (second, 2)):
            for number in range(count):
                client.append(f"{number}", topic=topic)
        eventually("both are parked", lambda: relay.status()["parked"]["events"] == 5)
        client.append("waits", topic=third)
        eventually("it is barred", lambda: relay.status()["barred_topics"]["total"] == 3)
    looker = look()
    page = looker.open()
    barred = page.locator("#barred-topics")
    rows = barred.locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text=first).locator("td").nth(1)).to_have_text("3")
    expect(rows.filter(has_text=second).locator("td").nth(1)).to_have_text("2")
    expect(barred.locator("p")).to_contain_text("topic-missing: 3. Parked: ")
    parked = relay.status()["parked"]
    assert [(of["topic"], of["events"]) for of in parked["of"][:2]] == [(first, 3), (second, 2)]
    assert parked["oldest_age_ms"] > 0
    assert parked["bytes"] == sum(of["bytes"] for of in parked["of"])
    log = relay.output()
    assert re.search(f"topic is parked.* topic={first} ", log)
    looker.shoot("9-parked-topics")

    broker.create_topic(first)
    expect(rows.filter(has_text=first)).to_have_count(0)
    expect(rows.filter(has_text=second)).to_contain_text("topic-missing")
    eventually("its lane is empty", lambda: resumed(relay, first))
    for topic in (second, third):
        broker.create_topic(topic)
    expect(barred).to_be_hidden()
    expect(page.locator("#state")).to_contain_text("All events are settled; nothing waits.")
    assert relay.status()["parked"] == {
        "topics": 0,
        "events": 0,
        "bytes": 0,
        "of": [],
        "oldest_age_ms": 0,
    }
    assert values(broker, first) == [b"0", b"1", b"2"]
    looker.check_quiet()


def resumed(relay: Relay, topic: str) -> bool:
    return re.search(f"parked events are delivered.* topic={topic} ", relay.output()) is not None


def values(broker: Broker, topic: str) -> list[bytes | None]:
    return [record.value for record in read_topic(broker.bootstrap, topic)]


def test_of_many_topics_the_oldest_are_listed_until_they_can_be_written(
    relay: Relay, look: Callable[..., Looker]
) -> None:
    relay.start()
    reasons = {"orders": "topic-missing", "bills": "topic-forbidden", "mails": "no-leader"}
    many = 10_000

    def answer(route: Route) -> None:
        """The relay's own, with topics that it does not have."""
        told: Any = route.fetch().json()
        told["outboxes"][0]["barred_topics"] = {
            "total": many,
            "by_reason": {"topic-missing": many - 2, "topic-forbidden": 1, "no-leader": 1},
            "topics": [
                {
                    "topic": topic,
                    "reason": reason,
                    "do": f"mend {topic}",
                    "error": f"Kafka does not take {topic}",
                    "since": told["now"] - 90_000,
                    "attempts": 1_234,
                }
                for topic, reason in reasons.items()
            ],
        }
        told["outboxes"][0]["parked"] = {
            "topics": many,
            "events": 1_000_000,
            "bytes": 2_048,
            "of": [
                {"topic": topic, "events": events, "bytes": 100}
                for topic, events in (("orders", 5_000), ("drains", 700))
            ],
        }
        route.fulfill(json=told)

    looker = look()
    page = looker.page
    page.route("**/status.json", answer)
    looker.open()
    barred = page.locator("#barred-topics")
    rows = barred.locator("tbody tr")
    expect(rows).to_have_count(4)
    expect(barred.locator("p")).to_have_text(
        "topic-missing: 9,998, topic-forbidden: 1, no-leader: 1. "
        "The 3 that wait for longest, and 9,997 more: "
        "Parked: 1,000,000 events of 10,000 topics, 2.0 KiB."
    )
    expect(rows.nth(0)).to_contain_text("orderstopic-missing5,000")
    expect(rows.nth(1)).to_have_text(
        re.compile(
            r"^billstopic-forbiddenat most 700\D*\d.*1,234mend billsKafka does not take bills$"
        )
    )
    # Of the many that can't be written it may be one that is not named.
    expect(rows.nth(3)).to_have_text("drains700")
    looker.shoot("8-barred-topics")

    del reasons["bills"]
    many = len(reasons)
    expect(rows).to_have_count(3)
    expect(rows.filter(has_text="bills")).to_have_count(0)
    expect(rows.nth(2)).to_have_text("drainscan be written, is delivered700")
    expect(barred.locator("p")).not_to_contain_text("more")
    page.unroute("**/status.json")
    expect(barred).to_be_hidden()
    looker.check_quiet()


def test_a_relay_that_does_not_answer_is_said_to_and_what_is_shown_is_said_to_be_old(
    relay: Relay, topic: str, look: Callable[..., Looker]
) -> None:
    relay.start()
    looker = look()
    page = looker.open()
    stale = page.locator("#stale")
    expect(page.locator("#state")).to_contain_text("nothing waits")
    expect(stale).to_be_hidden()
    relay.kill()
    expect(stale.get_by_role("alert")).to_contain_text("The relay does not answer.")
    expect(stale.get_by_role("alert")).to_contain_text("What you see is as of ")
    expect(stale).to_contain_text(" s ago.")
    expect(page).to_have_title("No answer - Outbox Relay")
    looker.shoot("5-no-answer")
    relay.start()
    expect(stale).to_be_hidden(timeout=WITHIN)
    expect(page).to_have_title("Outbox Relay")


def test_whatever_a_text_holds_it_stays_text(
    tmp_path: Path, broker: Broker, browser: Browser
) -> None:
    outbox = tmp_path / "<img src=x onerror=document.title='owned'>"
    with Relay(outbox, broker.bootstrap, log=tmp_path / "relay.log") as relay:
        relay.start()
        looker = Looker(browser, relay)
        page = looker.page
        page.route("**/*.json*", spoiled)
        looker.open()
        expect(page.locator("#state")).to_contain_text(HOSTILE)
        expect(page.locator("#state .error")).to_contain_text(HOSTILE)
        expect(page.locator("#outbox-name")).to_have_text(str(outbox))
        expect(page.locator("#notices")).to_contain_text(HOSTILE)
        expect(page.locator("#barred-topics tbody")).to_contain_text(HOSTILE)
        expect(page.locator("#dead-letters")).to_contain_text(HOSTILE)
        page.get_by_text("Settings, secrets masked").click()
        expect(page.locator("#configuration tbody")).to_contain_text(HOSTILE)
        assert page.locator("main img, main script").count() == 0
        assert "owned" not in page.title()
        looker.check_quiet()
        looker.context.close()


def spoiled(route: Route) -> None:
    """The relay's answer, with a text that would be markup wherever somebody else has a say."""
    answer: Any = route.fetch().json()
    for outbox in answer.get("outboxes", []):
        outbox["summary"]["text"] = outbox["summary"]["do"] = HOSTILE
        outbox["notices"] = [{"text": HOSTILE, "do": HOSTILE}]
        outbox["trouble"] = {"error": HOSTILE, "attempts": 1}
        topic = dict.fromkeys(("topic", "reason", "error", "do"), HOSTILE)
        outbox["barred_topics"] = {
            "total": 1,
            "by_reason": {HOSTILE: 1},
            "topics": [{"since": 0, "attempts": 1, **topic}],
        }
        parked = {"topic": HOSTILE + "2", "events": 1, "bytes": 1}
        outbox["parked"] = {"topics": 1, "events": 1, "bytes": 1, "of": [parked]}
    if "latest" in answer:
        letter = dict.fromkeys(("reason", "error", "topic", "event_id"), HOSTILE)
        answer["latest"] = [{"number": 1, "at": None, "sequence": None, "appended": None, **letter}]
        answer |= {"total": 1, "reasons": {HOSTILE: 1}}
    if "kafka" in answer:
        answer["kafka"] = {HOSTILE: HOSTILE}
    route.fulfill(json=answer)


def test_of_several_outboxes_the_worst_comes_first_and_each_can_be_chosen_by_keyboard(
    relay: Relay, outbox: Path, topic: str, look: Callable[..., Looker]
) -> None:
    relay.start()
    looker = look()
    page = looker.page

    def several(route: Route) -> None:
        answer: Any = route.fetch().json()
        [served] = answer["outboxes"]
        waiting = {"level": "waiting", "text": "Events wait: so.", "since": 1, "do": "Wait."}
        failed = {
            "level": "action",
            "text": "Can't be served now (failed).",
            "since": 1,
            "do": "So.",
        }
        answer["outboxes"] += [
            {**served, "outbox": "/o/little", "summary": waiting, "oldest_age_ms": 5},
            {**served, "outbox": "/o/much", "summary": waiting, "oldest_age_ms": 900},
        ]
        answer["on_hold"] = [
            {"outbox": "/o/failed", "summary": failed, "error": "by another", "attempts": 2}
        ]
        route.fulfill(json=answer)

    page.route("**/status.json", several)
    looker.open()
    names = page.locator("#fleet tbody th")
    expect(names).to_have_text(["/o/failed", "/o/much", "/o/little", str(outbox)])
    expect(page.locator("#outbox-name")).to_have_text("/o/failed")
    expect(page.locator("#state")).to_contain_text("by another (attempts: 2)")
    expect(page.locator("#served")).to_be_hidden()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the outbox")).to_be_focused()
    names.last.get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#outbox-name")).to_have_text(str(outbox))
    expect(page.locator("#outbox")).to_be_focused()
    expect(page.locator("#fleet [aria-current]")).to_have_text(str(outbox))
    expect(page.locator("canvas")).to_have_count(4)
    # The address names it: a reload and a bookmark show the same.
    page.reload()
    expect(page.locator("#outbox-name")).to_have_text(str(outbox))
    looker.shoot("6-several")
    looker.check_quiet()


def test_without_javascript_the_page_says_where_to_look(
    relay: Relay, topic: str, look: Callable[..., Looker]
) -> None:
    relay.start()
    page = look(scripts=False).open()
    told = page.locator("noscript p")
    expect(told).to_be_visible()
    assert "/status.json" in told.inner_text()
    assert "java -jar outbox-relay.jar status" in told.inner_text()
