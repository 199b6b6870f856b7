"""The ways to split a training as the page shows them."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core import studio
from core.config import source
from core.errors import UserError, text
from core.hardware import Gpu
from core.plan import Item, Plan
from core.run import Run
from core.ui import split_views
from core.ui.speech import speaker
from core.ui.split_pane import chosen
from core.zero_advice import Option
from tests.ui.test_views import EVIL, visible

en, zh = speaker("en"), speaker("zh")
WAY = Option(
    "none", text("nothing: every process keeps everything"), 1.5, 0, 0, 0, "best", text("x")
)
ZERO3 = replace(
    WAY,
    name="deepspeed_zero3_offload",
    saved_gib=2.25,
    main_gib=1.04,
    slower=0.5,
    verdict="possible",
)
PLAN = Plan(
    (Item("processes", 2, text("Processes"), text("2"), text("x")),),
    *(9, (1.0, 2.0), (1.0, 2.0), 0.1, ()),
    command=("python", "-m", "core.jobs.train", "/runs/my run"),
    options=(WAY, ZERO3, replace(WAY, name="deepspeed_zero1", saved_gib=-0.2, verdict="pointless")),
)


def test_each_way_says_what_it_saves_costs_and_whether_to_take_it():
    html = split_views.table(PLAN, "deepspeed_zero1", "en", en)
    seen = visible(html)
    assert "Recommended here: Not split; x." in seen
    assert (
        "Not split nothing: every process keeps everything 1.5 GiB the fastest Recommended x"
        in seen
    )
    assert "saves 2.2 GiB, 1.0 GiB in main memory about 50 % slower Works" in seen
    assert (
        "ZeRO 1 nothing: every process keeps everything 0.2 GiB more hardly slower No gain" in seen
    )
    assert re.findall(r"<tr class='here' aria-current='true'><th scope='row'>([^<]+)", html) == [
        "ZeRO 1"
    ]


def test_where_nothing_fits_the_table_says_so_and_speaks_chinese():
    tight = replace(PLAN, options=tuple(replace(o, verdict="tight") for o in PLAN.options))
    assert "None of these makes it fit" in split_views.table(tight, "none", "en", en)
    seen = visible(split_views.table(tight, "none", "zh", zh))
    assert not re.search(r"[A-Za-z]{4,}", seen.replace("ZeRO", ""))


def test_the_command_is_shown_as_it_would_be_typed_and_never_executed():
    assert "core.jobs.train &#x27;/runs/my run&#x27;" in split_views.command(PLAN, en)
    assert "<img" not in split_views.command(replace(PLAN, command=(EVIL,)), en)
    assert "<img" not in split_views.table(PLAN, EVIL, "en", en)


def test_gpus_are_ticked_by_number_and_one_that_is_gone_can_be_unticked(tmp_path):
    here = [Gpu("H100", 80, 79, (9, 0), 1), Gpu("H100", 80, 12, (9, 0), 0)]
    assert split_views.gpus(here, [3]) == [
        ("0 · H100 · 12/80 GiB", 0),
        ("1 · H100 · 79/80 GiB", 1),
        ("3", 3),
    ]
    run = Run(tmp_path)
    run.config_file.write_text("settings:\n  lr: 1e-3  # mine\n")
    studio.set_split(run, None, gpus=(0, 1))
    assert chosen(run) == ("none", 0, (0, 1))
    studio.set_split(run, None, gpus=())
    assert chosen(run) == ("none", 0, ()) and "# mine" in run.config_file.read_text()


def test_a_file_of_one_s_own_goes_into_the_run_and_a_bad_one_changes_nothing(tmp_path):
    run = Run(tmp_path)
    run.config_file.write_text("settings:\n  lr: 1e-3  # mine\n")
    studio.set_split(run, "mine.json", 2, b'{"zero_optimization": {"stage": 2}}')
    assert chosen(run) == ("mine.json", 2, ())
    assert "# mine" in run.config_file.read_text()
    with pytest.raises(UserError, match="stage: 7"):
        studio.set_split(run, "bad.json", None, b'{"zero_optimization": {"stage": 7}}')
    assert source.load(run.config_file).runtime.deepspeed == "mine.json"
    assert run.deepspeed_file.read_bytes() == b'{"zero_optimization": {"stage": 2}}'
