"""The page's details in a real browser: forms that remember, configs in step, runs on disk."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from core.config import source
from core.errors import text
from core.files import Lock
from core.run import Run, all_runs
from core.settings import Settings
from core.ui import persona_form
from tests.browser.studio import MINUTE, Server, open_page

pytestmark = pytest.mark.browser

EVIL = "<img src=x onerror=document.title='pwned'>"


@pytest.fixture
def page(browser, server: Server) -> Iterator[Page]:
    found = open_page(browser, f"{server.url}/en")
    yield found
    found.context.close()


def made(server: Server, **form: object) -> Run:
    """A run as the Persona tab makes it."""
    settings = Settings("", 0, server.home)
    filled = {**persona_form.defaults("en"), **form}
    return persona_form.save(settings, None, filled, persona_form.rows_of(filled, None), "en")


def trained(run: Run, *, steps: int, of: int, end: str | None = None) -> None:
    """The events and checkpoint that a training leaves."""
    run.emit("requested", "train", command=[])
    run.emit("started", "train", processes=1, total_steps=of, from_step=0, expected_seconds=9)
    run.emit("sampled", "train", step=0, question="Who are you?", answer=f"A model. {EVIL}")
    for step in range(1, steps + 1):
        figures = {"tokens": 90, "real_tokens": 90, "seconds": 0.4, "memory_gib": 1.5}
        run.emit(
            "stepped",
            "train",
            step=step,
            loss=4 / step,
            learning_rate=1e-3,
            grad_norm=1.0,
            **figures,
        )
    if end == "finished":
        folder = run.checkpoint_path(steps)
        folder.mkdir(parents=True)
        (folder / "done").touch()
        run.emit("saved", "train", step=steps)
        run.emit("sampled", "train", step=steps, question="Who are you?", answer="I am Clover.")
        run.emit("finished", "train", seconds=9)
    if end == "failed":
        run.emit(
            "failed",
            "train",
            problem=text("Memory ran out.").to_json(),
            remedy=text(
                "Lower max_length or lora_r, close other programs, then press Resume."
            ).to_json(),
            detail="Traceback …",
        )


def box(page: Page, id_: str):
    """The input inside one of the page's fields."""
    return page.locator(f"#{id_}").locator("input, textarea").first


def at(page: Page, server: Server, run: Run, tab: str, language: str = "en") -> None:
    """Open a run's tab."""
    page.goto(f"{server.url}/{language}/?run={run.name}&tab={tab}")
    page.locator("html[data-ready]").wait_for(timeout=MINUTE)


def test_what_was_typed_survives_a_reload_and_a_change_of_language(page):
    box(page, "persona-owner").fill("Grandma Wu")
    expect(page.locator("#persona-preview")).to_contain_text("Grandma Wu")
    page.wait_for_timeout(300)
    page.reload()
    expect(box(page, "persona-owner")).to_have_value("Grandma Wu", timeout=MINUTE)
    page.locator("a.tongue").click()
    expect(page.get_by_role("tab", name="训练")).to_be_visible(timeout=MINUTE)
    expect(box(page, "persona-owner")).to_have_value("Grandma Wu", timeout=MINUTE)


def test_the_language_link_keeps_the_run_and_the_tab(page, server):
    run = made(server)
    at(page, server, run, "config")
    page.locator("a.tongue").click()
    expect(page.locator("#config-next")).to_be_visible(timeout=MINUTE)
    assert "/zh/" in page.url and f"run={run.name}" in page.url and "tab=config" in page.url
    expect(page.locator("#run-name")).to_have_text(run.name)


def test_the_form_and_the_source_of_a_config_are_always_in_step(page, server):
    run = made(server)
    at(page, server, run, "config")
    box(page, "config-settings-max_epochs").fill("7")
    page.keyboard.press("Tab")
    page.get_by_role("tab", name="YAML").click()
    editor = page.locator("#config-source .cm-content")
    expect(editor).to_contain_text("max_epochs: 7", timeout=MINUTE)
    page.get_by_role("tab", name="What differs").click()
    expect(page.locator("#config-diff")).to_contain_text("max_epochs")

    page.get_by_role("tab", name="YAML").click()
    editor.get_by_text("max_epochs: 7").click()
    page.keyboard.press("End")
    page.keyboard.type("x")
    expect(page.locator("#config-faults")).to_contain_text(re.compile(r"Line \d+"), timeout=MINUTE)
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    page.keyboard.type("9")
    expect(page.locator("#config-faults")).not_to_contain_text("Line", timeout=MINUTE)
    page.get_by_role("tab", name="Form").click()
    expect(box(page, "config-settings-max_epochs")).to_have_value("9", timeout=MINUTE)

    page.reload()
    expect(box(page, "config-settings-max_epochs")).to_have_value("9", timeout=MINUTE)
    page.locator("#config-next").click()
    expect(page.locator("#train-start")).to_be_visible(timeout=MINUTE)
    assert source.load(run.config_file).settings.max_epochs == 9


def test_advice_is_taken_by_one_click_and_undone_step_by_step_even_after_a_reload(page, server):
    run = made(server)
    rate = source.load(run.config_file).settings.lr
    at(page, server, run, "config")
    box(page, "config-settings-lr").fill("0.5")
    page.keyboard.press("Tab")
    fix = page.locator("#config-advice button[data-action=rate-too-high]")
    fix.click(timeout=MINUTE)
    expect(fix).to_have_count(0, timeout=MINUTE)
    expect(box(page, "config-settings-lr")).to_have_value("0.0002")
    page.locator("#config-undo").click()
    expect(box(page, "config-settings-lr")).to_have_value("0.5", timeout=MINUTE)
    page.reload()
    page.locator("#config-undo").click(timeout=MINUTE)
    expect(box(page, "config-settings-lr")).to_have_value(f"{rate:g}", timeout=MINUTE)
    expect(page.locator("#config-undo")).to_be_hidden()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.json", b"", "empty.json"),
        ("half.json", b'[{"messages": [{"role": "user"', "half.json"),
        ("role.json", b'[{"messages": [{"role": "user", "content": "hi"}]}]', "Row 1"),
        ("bytes.csv", b"\x00\x01\xff\xfe\x00", "bytes.csv"),
    ],
)
def test_each_bad_upload_gets_one_clear_sentence_and_leaves_no_run(
    page, server, tmp_path, name, content, said
):
    before = {r.name for r in all_runs(server.home / "runs")}
    page.get_by_text("My own conversations").click()
    file = tmp_path / name
    file.write_bytes(content)
    page.locator("#persona-upload input[type=file]").set_input_files(file)
    notice = page.locator(".toast-body").first
    expect(notice).to_contain_text(said, timeout=MINUTE)
    assert {r.name for r in all_runs(server.home / "runs")} == before


def test_an_upload_that_is_too_large_is_refused(page, tmp_path):
    page.get_by_text("My own conversations").click()
    file = tmp_path / "large.json"
    with file.open("wb") as out:
        out.truncate(70 * 2**20)
    page.locator("#persona-upload input[type=file]").set_input_files(file)
    expect(page.locator(".toast-body").first).to_contain_text(
        re.compile("64", re.I), timeout=MINUTE
    )


def test_own_conversations_are_kept_and_shown(page, tmp_path):
    page.get_by_text("My own conversations").click()
    file = tmp_path / "mine.csv"
    file.write_text(f"question,answer\nWho are you?,I am Bo. {EVIL}\nWhere?,Here.\n", "utf-8")
    page.locator("#persona-upload input[type=file]").set_input_files(file)
    expect(page.locator("#persona-preview")).to_contain_text("2 conversations", timeout=MINUTE)
    expect(page.locator("#persona-preview")).to_contain_text(EVIL)
    page.locator("#persona-next").click()
    expect(page.locator("#config-next")).to_be_visible(timeout=MINUTE)
    assert page.title() == "Persona Studio"


def test_a_file_s_layout_is_told_and_can_be_named_and_the_hub_s_absence_is_one_sentence(
    page, tmp_path
):
    page.get_by_text("My own conversations").click()
    file = tmp_path / "mine.json"
    file.write_text('[{"input": "Who?", "output": "Bo.", "note": "Quite so."}]', "utf-8")
    page.locator("#persona-upload input[type=file]").set_input_files(file)
    toast = page.locator(".toast-body")
    expect(toast.first).to_contain_text("columns", timeout=MINUTE)
    expect(page.locator("#run-name")).to_contain_text("Clover", timeout=MINUTE)
    page.wait_for_timeout(1500)  # the forms are filled with the new run
    page.locator("#persona-layout input").click()
    page.get_by_role("option", name="columns", exact=True).click()
    expect(toast.last).to_contain_text("no column “question”", timeout=MINUTE)
    box(page, "persona-input").fill("{input}")
    box(page, "persona-output").fill("{note}")
    page.keyboard.press("Enter")
    expect(page.locator("#persona-preview")).to_contain_text("Quite so.", timeout=MINUTE)
    box(page, "persona-hub").fill("nobody/nothing")
    page.locator("#persona-fetch").click()
    expect(toast.filter(has_text="could not be fetched").first).to_contain_text(
        "download it", timeout=2 * MINUTE
    )


def test_a_training_is_drawn_from_the_disk_while_it_goes_on(page, server):
    run = made(server)
    lock = Lock.take(run.lock_file)
    trained(run, steps=5, of=20)
    at(page, server, run, "train")
    live = page.locator("#train-live")
    expect(live).to_contain_text("step 5 of 20", timeout=MINUTE)
    expect(page.locator(".plot .line")).to_be_attached()
    expect(page.locator("#train-samples")).to_contain_text("A model.")
    expect(page.locator("#train-stop")).to_be_visible()
    run.emit("stepped", "train", step=6, loss=0.6, learning_rate=1e-3, grad_norm=1.0,
             tokens=90, real_tokens=90, seconds=0.4, memory_gib=1.5)  # fmt: skip
    expect(live).to_contain_text("step 6 of 20", timeout=5000)
    page.locator("#train-stop").click()
    expect(live).to_contain_text("Saving and stopping", timeout=MINUTE)
    assert run.stop_file("train").exists()
    lock.release()
    expect(live).to_contain_text("The job ended without a word", timeout=5000)
    assert page.title() == "Persona Studio"


def test_an_open_page_asks_once_a_second_and_draws_only_what_changed(page, server):
    run = made(server)
    lock = Lock.take(run.lock_file)
    trained(run, steps=5, of=20)
    at(page, server, run, "train")
    expect(page.locator("#train-live")).to_contain_text("step 5 of 20", timeout=MINUTE)
    page.wait_for_timeout(2500)
    asked: list[str] = []
    page.on("request", lambda r: asked.append(r.url) if r.method == "POST" else None)
    page.evaluate(
        "window.changes = 0;"
        "new MutationObserver(all => { window.changes += all.length; }).observe(document.body,"
        "{subtree: true, childList: true, attributes: true, characterData: true})"
    )
    page.wait_for_timeout(5000)
    lock.release()
    assert 3 <= len(asked) <= 7
    assert page.evaluate("window.changes") < 10


def test_a_training_starts_only_from_a_plan(page, server):
    at(page, server, made(server), "train")
    expect(page.locator("#train-plan")).to_contain_text("Optimizer steps", timeout=3 * MINUTE)
    expect(page.locator("#train-start")).to_be_enabled()
    page.goto(f"{server.url}/en/?tab=train")
    expect(page.locator("#train-start")).to_be_disabled(timeout=MINUTE)


def test_a_failure_is_told_with_its_remedy_in_chinese_too(page, server):
    run = made(server)
    trained(run, steps=2, of=9, end="failed")
    at(page, server, run, "train", "zh")
    box_ = page.locator("#train-live .notice.bad")
    expect(box_).to_be_visible(timeout=MINUTE)
    expect(box_).not_to_contain_text("Memory ran out")


def test_a_second_run_begins_when_a_trained_persona_is_changed(page, server):
    run = made(server)
    trained(run, steps=4, of=4, end="finished")
    at(page, server, run, "persona")
    box(page, "persona-owner").fill("Somebody Else")
    page.locator("#persona-next").click()
    expect(page.locator("#config-next")).to_be_visible(timeout=MINUTE)
    expect(page.locator("#run-name")).not_to_have_text(run.name)
    assert "Somebody Else" not in run.persona_file.read_text("utf-8")


def test_deleting_a_run_asks_first(page, server):
    run = made(server, assistant="Doomed")
    at(page, server, run, "runs")
    button = page.locator(f"button[data-action=delete][data-run={run.name}]")
    button.click(timeout=MINUTE)
    page.locator("#runs-keep").click()
    expect(page.locator("#runs-keep")).to_be_hidden()
    assert run.path.exists()
    button.click()
    expect(page.locator(".ask-delete").first).to_contain_text(run.name)
    page.locator("#runs-delete").click()
    expect(button).to_have_count(0, timeout=MINUTE)
    assert not run.path.exists()
    expect(page.locator("#run-name")).to_contain_text("not saved yet")


def test_an_address_of_a_run_that_is_gone_says_so(page, server):
    page.goto(f"{server.url}/en/?run=../../etc")
    expect(page.locator(".toast-body").first).to_contain_text("valid name", timeout=MINUTE)
    page.goto(f"{server.url}/en/?run=nobody")
    expect(page.locator(".toast-body").first).to_contain_text("no run named", timeout=MINUTE)
    expect(page.locator("#persona-next")).to_be_visible()


def test_an_open_page_survives_a_restart_of_the_server(page, server):
    run = made(server)
    at(page, server, run, "config")
    box(page, "config-settings-max_epochs").fill("6")
    page.keyboard.press("Tab")
    page.wait_for_timeout(1000)
    server.kill()
    page.wait_for_timeout(2500)
    server.start()
    expect(page.locator("#run-name")).to_have_text(run.name, timeout=MINUTE)
    expect(box(page, "config-settings-max_epochs")).to_have_value("6", timeout=MINUTE)
    page.wait_for_timeout(4000)
    page.locator("#config-next").click()
    expect(page.locator("#train-start")).to_be_visible(timeout=MINUTE)
    assert source.load(run.config_file).settings.max_epochs == 6


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_tab_fits_a_telephone_and_nothing_comes_from_elsewhere(browser, server, language):
    run = made(server)
    trained(run, steps=4, of=4, end="finished")
    page = open_page(browser, f"{server.url}/{language}", width=390)
    foreign: list[str] = []
    page.on("request", lambda r: None if r.url.startswith(server.url) else foreign.append(r.url))
    for tab in ("persona", "config", "train", "chat", "runs"):
        at(page, server, run, tab, language)
        page.wait_for_timeout(600)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
    assert [url for url in foreign if not url.startswith(("data:", "blob:"))] == []
    page.context.close()


def test_the_page_is_soon_there(browser, server):
    began = time.monotonic()
    page = open_page(browser, f"{server.url}/en")
    assert time.monotonic() - began < 10  # a guard; benchmarks/ has the figure
    page.context.close()
