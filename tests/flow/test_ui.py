"""The page over HTTP: what it shows, what it decides, and what a later run makes of that."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from html import unescape

import httpx
import pytest

from lake import refs
from lineage import guard
from pipelines.common.errors import BlockedError
from pipelines.gate import history_audit, review_notice, reviews
from pipelines.inquiry import overview
from pipelines.rounds import manifest, receipts, tables
from tests.flow.projects import Project
from tests.flow.served import Page, notice, serving

WHY = 'a planted limit, 1 < 2 & "known"'


@pytest.fixture
def page(blocked: Project) -> Iterator[Page]:
    with serving(blocked.lake()) as found:
        yield found


@pytest.fixture(scope="module")
def shown(still: Project) -> Iterator[Page]:
    with serving(still.lake()) as found:
        yield found


def test_a_blocked_round_is_approved_with_a_reason_and_adopted(
    blocked: Project, page: Page
) -> None:
    lake = blocked.lake()
    before = lake.head(refs.MAIN)
    lake.set_branch("tiny-r003", receipts.read("tiny", 3, "evaluate").commit)
    assert "stays here if a check blocks it" in page.text("/review/tiny/tiny-r003")
    refused = page.decide("tiny-r003", "approve")
    assert refused.status_code == 409
    assert notice(refused).startswith("The guard's answer is block (real_share")
    assert lake.head(refs.MAIN) == before
    asked = page.decide("tiny-r003", "approve", WHY)
    assert asked.status_code == 200  # the next step of the form, and no error
    assert notice(asked).startswith("The guard blocks this round (real_share), and nothing is")
    assert lake.head(refs.MAIN) == before
    assert 'name="against" value="real_share"' in asked.text
    assert "a planted limit, 1 &lt; 2" in asked.text
    other = page.decide("tiny-r003", "approve", WHY, against="leaks")
    assert (other.status_code, lake.head(refs.MAIN)) == (409, before)
    done = page.decide("tiny-r003", "approve", f"  {WHY} ", against="real_share")
    assert (done.status_code, done.headers["location"]) == (
        303,
        "/review/tiny/tiny-r003?done=approved",
    )
    merge = lake.resolve(refs.MAIN)
    assert merge.metadata["stemma.override"] == merge.metadata["stemma.review.reason"] == WHY
    assert lake.tags("tiny-v3") == {"tiny-v3": merge.id}
    answer = guard.read(manifest.read(lake, refs.MAIN, "tiny", 3)["guard"])
    assert (answer.verdict, answer.override) == ("override", WHY)
    log = list(lake.log(refs.MAIN, first_parent=True))[::-1]
    assert [step.wrong for step in history_audit.walk(lake, log, None) if step.wrong] == []
    lake.delete_branch("tiny-r003")
    shown = page.text(done.headers["location"])
    assert "Approved, and published as tiny-v3" in shown
    assert 'name="action"' not in shown
    for path in (done.headers["location"], "/"):
        said = page.text(path)
        assert "<b>Overridden</b>" in said
        assert re.search(r"20\d\d-\d\d-\d\d \d\d:\d\d UTC by [^<]+, against real share", said)
        assert "a planted limit, 1 &lt; 2" in said
    assert "published, overridden" in page.text("/")
    (told,) = re.findall(r"tiny-3 was (.*)", " ".join(blocked.stemma("status").out.split("\n")))
    assert told.startswith("published although the guard blocked it (real_share), by ")
    sample = tables.read_round(lake, refs.MAIN, "tiny", "samples", 3)["sample_id"][0].hex()
    audited = blocked.stemma("audit", sample).out
    assert "its round was published although the guard blocked it (real_share), by " in audited

    blocked.run("publish", "tiny-3")
    assert receipts.read("tiny", 3, "publish").commit == merge.id == lake.head(refs.MAIN)


@pytest.mark.slow
def test_a_rejected_round_is_not_published_until_somebody_overrules(
    blocked: Project, page: Page
) -> None:
    lake = blocked.lake()
    assert notice(page.decide("tiny-r003", "reject", " ")).startswith("A reason is needed")
    assert page.decide("tiny-r003", "reject", "<b>blurred</b>").status_code == 303
    (entry,) = overview.collect(lake, "tiny")["open"]
    assert (entry["state"], entry["rejected"]) == ("rejected", "<b>blurred</b>")
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(publish={}))
    with pytest.raises(BlockedError, match="a reviewer rejected tiny-3: <b>blurred</b>"):
        blocked.run("publish", "tiny-3")
    shown = page.text("/review/tiny/tiny-r003")
    assert "&lt;b&gt;blurred&lt;/b&gt;" in shown
    assert "<b>blurred" not in shown
    assert notice(page.decide("tiny-r003", "approve")).startswith("The round was rejected")
    assert page.decide("tiny-r003", "approve", "looked again").status_code == 303
    about = lake.resolve(refs.MAIN).metadata
    assert about[reviews.OVERRULED] == "<b>blurred</b>"
    assert "stemma.override" not in about
    blocked.run("publish", "tiny-3")
    assert receipts.read("tiny", 3, "publish").commit == lake.head(refs.MAIN)


@pytest.mark.slow
def test_candidates_made_anew_are_reviewed_anew(blocked: Project, page: Page) -> None:
    assert page.decide("tiny-r003", "reject", "too few").status_code == 303
    anew = {"generate": {"candidates": 20}, "publish": {}}
    blocked.edit(lambda found: found["rounds"]["tiny-3"].update(anew))
    blocked.round("tiny-3", "generate", "verify", "curate", "evaluate", "publish")
    assert overview.collect(blocked.lake(), "tiny")["open"] == []


@pytest.mark.usefixtures("still", "programs")
def test_the_command_prints_an_address_that_lets_in_once() -> None:
    words = ["stemma", "ui", "--port", "0", "--no-browser", "--json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            address = json.loads(b"".join(process.stdout.readline() for _ in range(3)))["url"]
            base = address.partition("/enter")[0]
            with httpx.Client(timeout=30) as browser:
                answer = browser.get(address)
                assert answer.headers["refresh"] == "0; url=/"
                cookie = answer.headers["set-cookie"]
                assert "HttpOnly" in cookie
                assert "SameSite=strict" in cookie
                assert "tiny-v2" in browser.get(base).text
            for place in (address, f"{base}/static/none"):
                stranger = httpx.get(place, timeout=30)
                assert stranger.status_code == 403
                assert "tiny" not in stranger.text
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(20) in (0, -signal.SIGINT, 130)


def test_only_what_was_seen_is_decided(still: Project, shown: Page) -> None:
    lake = still.lake()
    earlier = lake.resolve("tiny-r003").parents[0]
    for action in ("approve", "reject"):
        answer = shown.decide("tiny-r003", action, "fine", seen=earlier)
        assert answer.status_code == 409
        assert "review it as it is now" in notice(answer)
    assert "neither" in notice(shown.decide("tiny-r003", "merge", "fine"))
    long = shown.decide("tiny-r003", "reject", "x" * (reviews.LONGEST + 1))
    assert "the limit is 2,000" in notice(long)
    assert lake.resolve(refs.MAIN).metadata["stemma.round"] == "2"


def test_forms_of_other_pages_are_refused(still: Project, shown: Page) -> None:
    place, head = "/review/tiny/tiny-r003", still.lake().head("tiny-r003")
    assert shown.decide("tiny-r003", "reject", "fine", csrf="x").status_code == 400
    foreign = {"csrf": shown.session.csrf, "seen": str(head), "action": "reject", "reason": "fine"}
    for headers in ({"Origin": "http://evil.example"}, {}):
        answer = shown.client.post(f"{place}/decision", data=foreign, headers=headers)
        assert answer.status_code == 403
    large = foreign | {"reason": "x" * (1 << 17)}
    answer = shown.client.post(f"{place}/decision", data=large, headers={"Origin": shown.url})
    assert answer.status_code == 413
    assert still.lake().head("tiny-r003") == head


def test_every_page_and_filter_has_an_address(still: Project, shown: Page) -> None:
    whole = shown.text("/")
    assert [name in whole for name in ("tiny-v2", "blocked", "real share")] == [True] * 3
    assert "Round 1 " in shown.text("/?dataset=tiny&at=tiny-v1")
    listed = shown.text("/review/tiny/tiny-r003")
    assert len(re.findall(r"data-step", listed)) == 24
    assert "data:image/png;base64," in listed
    lake = still.lake()
    counts = manifest.read(lake, "tiny-r003", "tiny", 3)["counts"]
    kept = shown.text("/review/tiny/tiny-r003?decision=accepted")
    assert len(re.findall(r"data-step", kept)) == counts["accepted"]
    ones = shown.text("/review/tiny/tiny-r003?column=label&value=1")
    assert f"<b>{len(re.findall(r'data-step', ones))}</b> of 24" in ones
    second = shown.text("/review/tiny/tiny-r003?after=20")
    assert re.findall(r"/sample/tiny/3/(\d+)", second) == ["21", "22", "23"]
    part = shown.get("/review/tiny/tiny-r003?after=20", **{"HX-Request": "true"}).text
    assert part.lstrip().startswith('<div id="candidates"')
    assert shown.get("/review/tiny/tiny-r003?depth=x").status_code == 400
    assert shown.get("/review/tiny/tiny-r003?column=image&value=x").status_code == 400
    summary = shown.text("/review/tiny/tiny-r003/summary")
    assert f"<b>{counts['accepted']}</b> added" in summary
    added = shown.text("/review/tiny/tiny-r003/changes?change=added")
    assert f"{counts['accepted']} rows added" in added


def test_a_sample_a_chart_and_the_verifiers(shown: Page) -> None:
    sample = shown.text("/sample/tiny/3/0?ref=tiny-r003")
    assert "<svg" in sample
    assert "learned" in sample
    assert "diffusion/1" in sample
    (link,) = set(re.findall(r'<img src="(/payload/[^"]+)"', sample))
    whole = shown.get(unescape(link))
    assert whole.headers["content-type"] == "image/png"
    assert whole.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert "8 × 8 pixels" in sample
    assert shown.get(f"{unescape(link)}x").status_code == 404
    real = shown.text("/sample/tiny/0/0")
    assert "CC0-1.0" in real
    rates = shown.text("/verifiers/tiny")
    assert "label agrees" in rates
    link = re.findall(r'href="(/page/[^"]+data_docs)"', rates)[-1]
    docs = shown.get(link)
    assert docs.status_code == 200
    assert docs.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    chart = shown.get("/chart/tiny/downstream.svg?theme=dark")
    assert chart.headers["content-type"] == "image/svg+xml"
    assert "#8ab8ff" in chart.text
    for path in ("/nowhere", "/sample/tiny/9/0", "/review/tiny/tiny-r009", "/verifiers/none"):
        answer = shown.get(path)
        assert answer.status_code in (400, 404), path
        assert re.search("<h1>(Not found|This address cannot be used)</h1>", answer.text)


def test_a_round_that_no_guard_has_judged_says_so(blocked: Project) -> None:
    lake = blocked.lake()
    lake.set_branch("tiny-r003", receipts.read("tiny", 3, "evaluate").commit)
    with serving(lake) as page:
        told = page.text("/review/tiny/tiny-r003")
    assert "No guard has judged this round: it is judged when you publish it" in told
    assert "Every check passes" not in told
    assert '<button class="odd" name="action" value="approve">Judge and publish</button>' in told


def test_people_are_told_when_the_guard_blocks_a_round(
    blocked: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = blocked.root / "told.jsonl"
    program = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read() + '\\n')"
    command = shlex.join([sys.executable, "-c", program, str(place)])
    monkeypatch.setenv(review_notice.COMMAND, command)
    for _ in range(2):
        with pytest.raises(BlockedError, match="real_share"):
            blocked.run("publish", "tiny-3")
    (line,) = place.read_text(encoding="utf-8").splitlines()
    notice_sent = json.loads(line)
    assert (notice_sent["event"], notice_sent["branch"]) == ("review-waiting", "tiny-r003")
    assert notice_sent["commit"] == receipts.read("tiny", 3, "evaluate").commit
    assert "the guard blocks tiny-3 (real_share)" in notice_sent["reason"]
