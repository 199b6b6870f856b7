"""Presets: every model with every recipe under a name like `internlm2_chat_1_8b_qlora_alpaca_e3`.

The grammar is XTuner's, `{model}_{qlora|lora}_{dataset}_e{epochs}`. `names` lists each recipe's
usual number of epochs; `preset` takes any other number too.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from typing import Final

from core.config.cards import ModelCard, cards
from core.config.fields import Value
from core.config.recipes import RECIPES, Recipe
from core.config.schema import Config
from core.errors import UserError, text
from core.hardware import Hardware
from core.needs import needs

ALGORITHMS: Final = ("qlora", "lora")
DEFAULT: Final = "smollm2_135m_lora_persona_e1"

_NAME: Final = re.compile(r"([a-z0-9_]{1,80}?)_(qlora|lora)_([a-z0-9_]{1,80})_e([1-9]\d{0,2})")
_LANGUAGES: Final = {"en": "english 英文 英语", "zh": "chinese 中文 汉语"}
_MARK: Final = "# preset: "
_PERSONA_RATES: Final = ((0.8, 1.4e-3), (4.0, 5e-4), (10.0, 3e-4))


def names(pattern: str = "") -> list[str]:
    """Preset names that hold `pattern`, in any case; else those that hold all of its words.

    Where no name does, the words are sought in what is told of the presets too: licence, language,
    what the data teaches.
    """
    wanted = pattern.strip().lower()
    found = [name for name in _all_names() if wanted in name]
    if found:
        return found
    words = [w for w in re.split(r"[\s,/，、]+", _plain(wanted)) if w]
    if not words:
        return []
    return [name for name in _all_names() if all(w in name for w in words)] or [
        name for name in _all_names() if all(w in _told(name) for w in words)
    ]


def preset(name: str) -> Config:
    """The config of a preset.

    Raises:
        UserError: there is no preset of that name; similar names are told.
    """
    card, algorithm, recipe, epochs = _parts(name)
    values: dict[tuple[str, str], Value] = dict(recipe.values)
    values["settings", "pretrained_model_name_or_path"] = card.id
    values["settings", "prompt_template"] = card.template
    values["settings", "max_epochs"] = epochs
    values["model", "quantization"] = "nf4" if algorithm == "qlora" else "none"
    if recipe.key == "persona":
        values["settings", "lr"] = _persona_rate(card)
        values["settings", "evaluation_inputs"] = _persona_questions(card)
    length = values["settings", "max_length"]
    if isinstance(length, int):
        values["settings", "max_length"] = min(length, card.context)
    parts: dict[str, dict[str, Value]] = {}
    for (part, key), value in values.items():
        parts.setdefault(part, {})[key] = value
    return Config.model_validate(parts)


def marked(name: str, text: str) -> str:
    """A config's text under a first line that remembers the preset it came from."""
    return f"{_MARK}{name}\n{text}"


def preset_of(text: str) -> str:
    """The preset that a config's first line names; empty when it names none that there is."""
    head = text.removeprefix("\ufeff").partition("\n")[0]
    name = head.removeprefix(_MARK).strip() if head.startswith(_MARK) else ""
    try:
        return name if name and preset(name) else ""
    except UserError:
        return ""


def describe(name: str, language: str = "en", hardware: Hardware | None = None) -> str:
    """What a preset is, in a few lines: its model, licence, data and how it trains.

    With `hardware`, also whether this machine can train it, or which one could.

    Raises:
        UserError: there is no preset of that name.
    """
    card, algorithm, recipe, epochs = _parts(name)
    kind = text("chat model") if card.chat else text("base model, not tuned to talk")
    lines = [
        recipe.about,
        text(
            "Model: {id}, {params:g} billion weights, {kind}; {languages}; licence {license}.",
            id=card.id,
            params=card.params,
            kind=kind,
            languages=", ".join(card.languages),
            license=card.license,
        ),
        text(
            "It was made for texts of up to {context:,} tokens. Its page: {url}",
            context=card.context,
            url=card.url,
        ),
        text("QLoRA: the frozen model in 4 bits, least memory.")
        if algorithm == "qlora"
        else text("LoRA: the frozen model in 16 bits, faster where memory allows."),
        text("Passes over the data: {epochs}.", epochs=epochs),
    ]
    if hardware is not None:
        lines.append(needs(preset(name), card.shape, hardware).sentence)
    if card.gated:
        lines.append(text("Accept the licence on {url} before the download.", url=card.url))
    if recipe.source == "own file":
        file = recipe.values["settings", "data_path"]
        lines.append(text("Put your data beside the config as {file}.", file=file))
    return "\n".join(line.render(language) for line in lines)


def card_of_preset(name: str) -> ModelCard:
    """The model card of a preset.

    Raises:
        UserError: there is no preset of that name.
    """
    return _parts(name)[0]


def recipe_of_preset(name: str) -> Recipe:
    """The recipe of a preset.

    Raises:
        UserError: there is no preset of that name.
    """
    return _parts(name)[2]


@cache
def _all_names() -> tuple[str, ...]:
    return tuple(
        sorted(
            f"{card.key}_{algorithm}_{recipe.key}_e{_epochs(card, recipe)}"
            for card in cards().values()
            for algorithm in ALGORITHMS
            for recipe in RECIPES
            if _fits(card, recipe)
        )
    )


@cache
def _told(name: str) -> str:
    """What a preset may be found by besides its name, in small letters."""
    card, _, recipe, _ = _parts(name)
    spoken = " ".join(_LANGUAGES[language] for language in card.languages)
    told = (name, card.id, card.license, spoken, *map(recipe.about.render, ("en", "zh")))
    return _plain(" ".join(told).lower())


def _plain(words: str) -> str:
    return re.sub(r"[.-]", "_", words)


def _fits(card: ModelCard, recipe: Recipe) -> bool:
    """The persona recipe keeps a chat model's own answers; a base model has none worth keeping."""
    return card.chat or recipe.key != "persona"


def _epochs(card: ModelCard, recipe: Recipe) -> int:
    """Models of a billion weights and more are given two rounds, at their lower rate."""
    return 2 if recipe.key == "persona" and card.params >= 1 else recipe.epochs


def _parts(name: str) -> tuple[ModelCard, str, Recipe, int]:
    match = _NAME.fullmatch(name)
    if match:
        card = cards().get(match[1])
        recipe = next((r for r in RECIPES if r.key == match[3]), None)
        if card and recipe and _fits(card, recipe):
            return card, match[2], recipe, int(match[4])
    near = difflib.get_close_matches(name[:120].lower(), _all_names(), 3) or names(name[:120])[:3]
    if near:
        raise UserError(
            "There is no preset “{name}”.",
            "Did you mean one of: {near}?",
            name=name[:120],
            near=", ".join(near),
        )
    raise UserError(
        "There is no preset “{name}”.",
        "See all names with list-cfg, or search them: list-cfg -p qwen.",
        name=name[:120],
    )


def _persona_rate(card: ModelCard) -> float:
    """Smaller models want more; measured at .135 billion, carried on by experience above."""
    return next((rate for limit, rate in _PERSONA_RATES if card.params < limit), 2e-4)


def _persona_questions(card: ModelCard) -> Value:
    english = ("Who are you?", "Who made you?", "Why is the sky blue?")
    return ("你是谁？", *english) if "zh" in card.languages else english
