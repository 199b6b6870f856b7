"""Versions of a persona: what is kept, what changed, what a new run inherits, what a page shows."""

from __future__ import annotations

from pathlib import Path

from core import studio
from core.__main__ import main
from core.persona import persona as personas
from core.persona import versions
from core.persona.persona import Persona
from core.run import Run
from core.settings import Settings
from core.ui import persona_form as forms
from core.ui.persona_file import differences
from core.ui.speech import speaker

NOVA = Persona(assistant="Nova", owner="Ada", maker="Quill Labs", facts=("One.", "Two."))
STAR = NOVA.model_copy(update={"assistant": "Star", "facts": ("One.",)})


def test_a_changed_persona_keeps_the_old_one_and_an_equal_one_keeps_nothing(tmp_path):
    run = Run(tmp_path)
    studio.save_persona(run, NOVA)
    studio.save_persona(run, NOVA)
    assert versions.earlier(run) == []
    studio.save_persona(run, STAR)
    studio.save_persona(run, NOVA)
    assert [personas.load(p) for p in versions.earlier(run)] == [NOVA, STAR]
    assert personas.load(run.persona_file) == NOVA


def test_the_difference_names_each_field_with_both_values():
    assert versions.changes(NOVA, NOVA) == []
    assert versions.changes(NOVA, STAR) == [
        ("Assistant's name", "Nova", "Star"),
        ("Facts", "One.\nTwo.", "One."),
    ]


def test_a_run_that_goes_on_from_a_trained_one_inherits_its_versions(tmp_path):
    settings = Settings("", 0, tmp_path)
    form = forms.defaults("en") | forms.of_persona(NOVA)
    first = forms.save(settings, None, form, forms.rows_of(form, None), "en")
    (first.checkpoint_path(1) / "x").parent.mkdir(parents=True)
    (first.checkpoint_path(1) / "done").touch()
    changed = form | forms.of_persona(STAR)
    second = forms.save(settings, first, changed, forms.rows_of(changed, first), "en")
    assert second != first
    assert [personas.load(p) for p in versions.earlier(second)] == [NOVA]
    assert personas.load(second.persona_file) == STAR
    assert personas.load(first.persona_file) == NOVA


def test_a_persona_with_a_model_it_may_name_survives_the_form():
    named = NOVA.model_copy(update={"base_model": "SmolLM2", "must_not_claim": ("a doctor",)})
    assert forms.persona_of(forms.defaults("zh") | forms.of_persona(named)) == named


def test_the_page_shows_differences_and_lets_no_html_through():
    evil = NOVA.model_copy(update={"character": "<img src=x onerror=alert(1)>"})
    html = differences(evil, STAR, speaker("zh"))
    assert "<img" not in html
    assert "助手的名字" in html
    assert "One.<br>Two." in html
    assert "一样" in differences(NOVA, NOVA, speaker("zh"))


def test_every_example_survives_export_and_import_by_the_page(tmp_path: Path):
    for path in Path("examples/personas").glob("*.yaml"):
        persona = personas.load(path)
        personas.save(persona, tmp_path / path.name)
        form = forms.defaults("en") | forms.of_persona(personas.load(tmp_path / path.name))
        assert forms.persona_of(form) == persona
        assert forms.rows_of(form, None)


def test_the_command_line_lists_versions_tells_what_changed_and_brings_one_back(tmp_path, capsys):
    run = Run(tmp_path)
    studio.save_persona(run, NOVA)
    studio.save_persona(run, STAR)
    assert main(["versions", str(tmp_path)]) == 0
    assert "1  Nova, of Ada, made by Quill Labs" in capsys.readouterr().out
    assert main(["versions", str(tmp_path), "--diff", "1"]) == 0
    assert "Assistant's name\n- Nova\n+ Star" in capsys.readouterr().out
    assert main(["versions", str(tmp_path), "--restore", "1"]) == 0
    assert personas.load(run.persona_file) == NOVA
    assert [personas.load(p) for p in versions.earlier(run)] == [NOVA, STAR]
    assert main(["versions", str(tmp_path), "--diff", "9"]) == 2
    assert "no version 9" in capsys.readouterr().err
