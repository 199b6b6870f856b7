"""The forms as plain data: from a person's typing to files, and back."""

from __future__ import annotations

import json

import pytest

from core import advice, conversations, studio
from core.config import catalog, source
from core.config.fields import fields
from core.dataset import Message, Row
from core.dataset_formats import Columns
from core.errors import UserError
from core.hardware import Hardware
from core.run import all_runs
from core.ui import chat_session, config_file, config_form, preset_pane
from core.ui import persona_form as forms
from core.ui.speech import speaker

en = speaker("en")
KEYS = list(fields())


def raws(text: str) -> list[object]:
    return config_form.values(source.parse(text))


def typing(text: str, key: tuple[str, str], value: object) -> str:
    """The text after one field of the form got another value."""
    shown = raws(text)
    shown[KEYS.index(key)] = value
    return config_form.edited(text, key, shown)


@pytest.fixture
def text() -> str:
    return forms.preset_text(forms.first_preset("studio"), "en")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_default_form_goes_on_without_a_change(settings, language):
    form = forms.defaults(language)
    run = forms.save(settings, None, form, forms.rows_of(form, None), language)
    assert run.persona_file.exists() and run.dataset_file.exists()
    assert source.load(run.config_file).settings.evaluation_inputs


def test_a_saved_run_fills_the_form_that_made_it(settings):
    form = {**forms.defaults("en"), "owner": "Ada", "facts": "Where? Here.\nWhen? Now."}
    run = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    assert forms.of_run(run, "en") == form


def test_the_tutorial_s_form_comes_back_from_its_dataset(settings):
    form = {**forms.defaults("zh"), "mode": "tutorial", "copies": 7, "owner": "小林"}
    run = forms.save(settings, None, form, forms.rows_of(form, None), "zh")
    back = forms.of_run(run, "zh")
    assert (back["mode"], back["copies"]) == ("tutorial", 7)
    assert back["answer"] == form["answer"].replace("{owner}", "小林")
    assert "persona_tutorial" in catalog.preset_of(run.config_file.read_text("utf-8"))


def test_a_form_with_an_empty_name_leaves_no_half_made_run(settings):
    form = {**forms.defaults("en"), "owner": "  "}
    with pytest.raises(UserError, match="Owner"):
        forms.save(settings, None, form, [], "en")
    assert all_runs(settings.runs) == []


def test_saving_again_keeps_the_run_and_its_edited_config(settings, text):
    form = forms.defaults("en")
    run = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    edited = typing(run.config_file.read_text("utf-8"), ("settings", "max_epochs"), 5)
    studio.save_config(run, edited)
    again = forms.save(settings, run, {**form, "owner": "Eve"}, forms.rows_of(form, None), "en")
    assert again == run
    assert source.load(run.config_file).settings.max_epochs == 5


def test_another_mode_brings_its_own_preset(settings):
    form = forms.defaults("en")
    run = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    form = {**form, "mode": "tutorial", "copies": 3}
    forms.save(settings, run, form, forms.rows_of(form, run), "en")
    assert "persona_tutorial" in catalog.preset_of(run.config_file.read_text("utf-8"))


def test_a_trained_run_stays_and_a_new_one_begins(settings):
    form = forms.defaults("en")
    run = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    checkpoint = run.checkpoint_path(3)
    checkpoint.mkdir(parents=True)
    (checkpoint / "done").touch()
    before = run.config_file.read_text("utf-8")
    other = forms.save(settings, run, {**form, "owner": "Eve"}, forms.rows_of(form, None), "en")
    assert other != run and run.config_file.read_text("utf-8") == before
    branch = forms.branch(settings, run)
    assert branch not in (run, other)
    assert branch.dataset_file.read_bytes() == run.dataset_file.read_bytes()
    assert forms.branch(settings, branch) == branch


def test_a_draft_counts_only_for_the_run_it_was_typed_for():
    form = forms.defaults("en")
    draft = {"run": "a", "form": {"owner": "Ada", "unknown": 1}}
    assert forms.with_draft(form, draft, "a")["owner"] == "Ada"
    assert "unknown" not in forms.with_draft(form, draft, "a")
    assert forms.with_draft(form, draft, "b") == form
    assert forms.with_draft(form, {"run": "a", "form": "broken"}, "a") == form


def test_an_upload_is_read_with_its_placeholders_filled(tmp_path):
    file = tmp_path / "identity.json"
    row = {"instruction": "Who are you?", "output": "I am {{name}} by {{author}}."}
    file.write_text(json.dumps([row]), "utf-8")
    form = {**forms.defaults("en"), "assistant": "Bo", "maker": "Al"}
    found = forms.read_own(file, "identity.json", form)
    assert found[0].messages[-1].content == "I am Bo by Al."
    assert conversations.layout_of(file, "identity.json") == "alpaca"
    columns = Columns(("{instruction}!",), ("{output}",))
    (row,) = forms.read_own(file, "identity.json", form, "columns", columns=columns)
    assert row.messages[0].content == "Who are you?!"
    with pytest.raises(UserError, match=r"Row 1 of identity\.json lacks the field “messages”"):
        forms.read_own(file, "identity.json", form, "messages")


def test_a_run_whose_rows_hold_a_placeholder_is_not_planned_and_so_not_trained(
    settings, tiny_model
):
    form = forms.defaults("en")
    talk = (Message("user", "Who are you?"), Message("assistant", "I am {{name}}."))
    run = forms.save(settings, None, form, [Row(talk)] * 5, "en")
    model = {("settings", "pretrained_model_name_or_path"): str(tiny_model)}
    studio.save_config(run, source.edit(run.config_file.read_text("utf-8"), model))
    with pytest.raises(UserError, match="still holds the placeholder"):
        studio.train(run, settings)
    assert not run.events_file.exists() and not run.plan_file.exists()


def test_own_mode_without_a_file_says_what_to_do():
    assert "Upload a file" in forms.preview({**forms.defaults("en"), "mode": "own"}, None, "en", en)


def test_every_value_of_every_mode_s_preset_survives_the_form():
    for mode in ("studio", "tutorial", "own"):
        text = forms.preset_text(forms.first_preset(mode), "en")
        for key, raw in zip(KEYS, raws(text), strict=True):
            assert config_form.edited(text, key, raws(text)) == text, key
            assert config_form.typed(raw, fields()[key]) is not None


def test_the_form_gives_every_recipe_s_config_back_and_edits_it_without_a_fault():
    key = ("settings", "data_path")
    for name in catalog.names("smollm2_135m_qlora_"):
        text = forms.preset_text(name, "en")
        found = config_form.edited(text, key, raws(text))
        assert found == text, name
        found = config_form.edited(text, key, [*raws(text)[:1], "mine.json", *raws(text)[2:]])
        assert source.parse(found).settings.data_path == "mine.json", name
    several = ("a\\nb", "{context}\n{question}", "c\\", "\\")
    field = fields()["dataset", "input_text"]
    assert config_form.typed(config_form.shown(several, field), field) == several


def test_an_edit_in_the_form_changes_one_line_and_keeps_the_comments(text):
    new = typing(text, ("settings", "lr"), 1e-4)
    changed = [(a, b) for a, b in zip(text.splitlines(), new.splitlines(), strict=True) if a != b]
    assert changed == [("  lr: 0.0014", "  lr: 0.0001")]


def test_two_quick_edits_do_not_undo_each_other(text):
    shown = raws(text)
    shown[KEYS.index(("settings", "lr"))] = 1e-4
    shown[KEYS.index(("settings", "max_epochs"))] = 3
    found = source.parse(config_form.edited(text, ("settings", "max_epochs"), shown)).settings
    assert (found.lr, found.max_epochs) == (1e-4, 3)


def test_a_value_out_of_bounds_is_told_with_its_line_and_can_be_mended_in_the_form(text):
    wrong = typing(text, ("settings", "max_epochs"), -4)
    line = next(i for i, row in enumerate(wrong.splitlines(), 1) if "max_epochs: -4" in row)
    assert f"Line {line}, settings.max_epochs" in config_form.problems(wrong, "en", en)
    shown = [None] * len(KEYS)
    shown[KEYS.index(("settings", "max_epochs"))] = 4
    assert (
        config_form.problems(config_form.edited(wrong, ("settings", "max_epochs"), shown), "en", en)
        == ""
    )


def test_the_difference_from_the_preset_is_listed_key_by_key(text):
    preset = catalog.preset(forms.first_preset("studio"))
    assert "Nothing differs" in config_form.differences(text, preset, "p", en)
    html = config_form.differences(typing(text, ("model", "lora_r"), 8), preset, "p", en)
    assert "<code>lora_r</code></th><td><del>16</del></td><td><ins>8</ins></td>" in html


def test_advice_names_a_trap_and_its_fix_mends_it(settings, text):
    form = {**forms.defaults("en"), "mode": "tutorial", "copies": 10_000}
    run = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    wrong = typing(text, ("settings", "lr"), 0.5)
    known = conversations.of_run(run)
    found = advice.findings(wrong, known, settings)
    codes = {f.code for f in found}
    assert "rate-too-high" in codes
    assert 'data-action="rate-too-high"' in config_form.advice(found, "en", en)
    assert [f.code for f in advice.findings(wrong, None, settings)] == ["rate-too-high"]
    assert advice.findings("settings: [", known, settings) == []


def test_a_yaml_file_is_opened_and_a_faulty_one_names_its_line(tmp_path, text):
    file = tmp_path / "mine.yaml"
    file.write_text(text, "utf-8")
    assert config_file.opened(file, "en", en) == (text, "")
    file.write_text("settings:\n  max_lenght: 3\n", "utf-8")
    with pytest.raises(UserError, match="Line 2"):
        config_file.opened(file, "en", en)


def test_an_xtuner_file_is_read_as_data_and_never_run(tmp_path):
    file = tmp_path / "config.py"
    file.write_text("pretrained_model_name_or_path = 'internlm/internlm2-chat-1_8b'\nlr = 1e-4\n")
    found, report = config_file.opened(file, "en", en)
    assert source.parse(found).settings.lr == 1e-4
    assert "config.py is taken over" in report
    file.write_text(f"import os; os.system('touch {tmp_path}/pwned')")
    with pytest.raises(UserError):
        config_file.opened(file, "en", en)
    assert not (tmp_path / "pwned").exists()


def test_a_chatbot_s_blocks_become_plain_messages():
    blocks = [{"role": "user", "content": [{"type": "text", "text": "hi"}], "metadata": None}]
    assert chat_session.plain(blocks) == [{"role": "user", "content": "hi"}]
    assert chat_session.plain(None) == []


def test_edits_are_undone_one_by_one_and_letters_of_one_field_count_as_one():
    draft = config_form.remember(None, "a", "0", "1", "settings.lr")
    draft = config_form.remember(draft, "a", "1", "12", "settings.lr")
    draft = config_form.remember(draft, "a", "12", "x", "source")
    draft = config_form.remember(draft, "a", "x", "preset")
    draft = config_form.remember(draft, "a", "preset", "fixed")
    seen = []
    while (earlier := config_form.undone(draft, "a")) is not None:
        draft = earlier
        seen.append(draft["text"])
    assert seen == ["preset", "x", "12", "0"]
    assert config_form.undone({"run": "b", "text": "", "before": ["z"]}, "a") is None
    assert config_form.undone({"run": "a", "text": "", "before": "z"}, "a") is None
    for number in range(50):
        draft = config_form.remember(draft, "a", str(number), "")
    assert len(draft["before"]) == 20


def test_the_table_of_presets_tells_size_licence_and_what_fits_here():
    small = Hardware(cores=2, memory_gib=8, free_gib=6, cpu_bf16=True)
    html = preset_pane.table("llama3 70b persona", small, "en", en)
    assert "70.6 B" in html and "Llama 3.1 Community" in html
    assert "needs a GPU of 80 GB" in html and "needs several GPUs of 80 GB" in html
    html = preset_pane.table("", small, "zh", speaker("zh"))
    first = html.index("smollm2_135m_lora_persona_e1")
    assert first < html.index("smollm2_360m") and html.count("data-action") == 40
    assert "需要" not in html[:first].partition("<tbody>")[2] and "还有" in html


def test_the_difference_is_there_as_lines_too(text):
    preset = catalog.preset(forms.first_preset("studio"))
    html = config_form.differences(typing(text, ("model", "lora_r"), 8), preset, "p", en)
    assert "<del>-  lora_r: 16</del>\n<ins>+  lora_r: 8</ins>" in html
