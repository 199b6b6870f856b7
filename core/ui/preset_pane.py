"""The presets as a table that can be searched: a part of the Config tab."""

from __future__ import annotations

import re
from html import escape
from typing import Any, Final

import gradio as gr

from core.config import catalog
from core.config.recipes import RECIPES
from core.hardware import Hardware, detect
from core.needs import needs
from core.ui.frame import CLICKS, Frame
from core.ui.speech import Language, Say

_EVENT: Final[dict[str, Any]] = {"api_visibility": "private", "show_progress": "hidden"}
_SHOWN: Final = 40
_LINK: Final = r'<a href="\g<0>" target="_blank" rel="noopener noreferrer">\g<0></a>'


class PresetPane:
    """The preset's description, and the accordion to choose another; `name_tb` holds its name."""

    def __init__(self, frame: Frame, preset: str) -> None:
        t = self._t = frame.t
        self._language = frame.language
        self.name_tb = gr.Textbox(preset, visible=False)
        self.about_html = gr.HTML(self.about(preset), elem_id="config-about")
        with gr.Accordion(t("Choose another preset"), open=False, elem_id="config-presets") as box:
            search_tb = gr.Textbox(
                label=t("Find a preset"),
                placeholder=t("for example: qwen persona"),
                info=t("Words of the model, the method or the data. A choice replaces all values."),
                elem_id="config-search",
            )
            self.table_html = gr.HTML("", js_on_load=CLICKS, elem_id="config-table")

        def searched(pattern: str | None) -> str:
            return table(pattern or "", detect(), self._language, t)

        # The memory that is free now is looked at when the table is, not when the page starts.
        gr.on(
            [box.expand, search_tb.change],
            frame.guard(searched),
            [search_tb],
            [self.table_html],
            trigger_mode="always_last",
            queue=False,
            **_EVENT,
        )

    def about(self, name: str) -> str:
        """What a preset is, as HTML; "" is a config that was made from none."""
        if not name:
            return f'<p class="facts">{self._t("This config was not made from a preset.")}</p>'
        told = escape(catalog.describe(name, self._language, detect()))
        lines = re.sub(r"https://\S+", _LINK, told).splitlines()
        head = f"<p><code>{escape(name)}</code></p>"
        return f'<div class="about">{head}{"".join(f"<p>{line}</p>" for line in lines)}</div>'


def table(pattern: str, machine: Hardware, language: Language, t: Say) -> str:
    """The presets that match, our own recipe and small models first, with what they need here."""
    found = catalog.names(pattern)
    if not found:
        return f'<div class="empty">{t("No preset matches. Try fewer words.")}</div>'
    found.sort(key=_rank)
    heads = (t("Preset"), t("Size"), t("Licence"), t("Memory needed here"), "")
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
    rows = "".join(_row(name, machine, language, t) for name in found[:_SHOWN])
    rest = len(found) - _SHOWN
    more = t("{n} more: add a word to the search.", n=f"{rest:,}") if rest > 0 else ""
    return (
        f'<div class="presets"><table class="runs"><thead><tr>{head}</tr></thead>'
        f'<tbody>{rows}</tbody></table></div><p class="facts">{more}</p>'
    )


def _rank(name: str) -> tuple[int, float, str]:
    card, recipe = catalog.card_of_preset(name), catalog.recipe_of_preset(name)
    return RECIPES.index(recipe), card.params, name


def _row(name: str, machine: Hardware, language: Language, t: Say) -> str:
    card, recipe = catalog.card_of_preset(name), catalog.recipe_of_preset(name)
    needed = needs(catalog.preset(name), card.shape, machine)
    size = f"{card.params:g} B" if card.params >= 1 else f"{card.params * 1000:.0f} M"
    memory = t("about {n} GiB", n=f"{needed.gib:.1f}")
    if not needed.fits:
        memory += f"<br>{t('needs {machine}', machine=needed.machine)}"
    cells = (
        (t("Size"), size),
        (t("Licence"), escape(card.license)),
        (t("Memory needed here"), f'<span class="{"" if needed.fits else "bad"}">{memory}</span>'),
    )
    told = "".join(f'<td data-label="{label}">{cell}</td>' for label, cell in cells)
    return (
        f"<tr><td><code>{escape(name)}</code><small>{escape(recipe.about.render(language))}</small></td>"
        f'{told}<td class="acts"><button type="button" data-action="pick" data-run="{escape(name)}">'
        f"{t('Choose')}</button></td></tr>"
    )
