"""Traps that a right config can still hold, told before they cost a training.

A fault makes a config unusable (`source.faults`); a finding lets it train, and says what people
regretted afterwards. Where a value mends it, `fix` holds it, ready for `source.edit`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from core.config.facts import Facts
from core.config.fields import Value
from core.config.schema import Config
from core.errors import Text, text

Fix = Mapping[tuple[str, str], Value]

_FAMILIES: Final[Mapping[str, tuple[str, ...]]] = {
    "internlm2_chat": ("internlm2", "internlm3"),
    "qwen_chat": ("qwen2", "qwen3"),
    "llama3_chat": ("llama3",),
    "phi3_chat": ("phi",),
    "gemma": ("gemma",),
    "mistral": ("mistral",),
    "mixtral": ("mistral",),
    "zephyr": ("mistral",),
    "minicpm3": ("minicpm3",),
}
"""The families of the catalog that a template suits; none for the other named ones."""
_LOW_RATE: Final = 5e-5
_HIGH_RATE: Final = 5e-3
_USUAL_RATE: Final = 2e-4
_LEAST_WORK: Final = 0.004
"""Optimizer steps × lr below which an adapter hardly moves: the tutorial's 48 steps at 2e-4 make
0.0096 and are just enough; 91 rows at 5e-5 make under 0.001 and change nothing."""
_MANY_COPIES: Final = 300
_FEW_COPIES: Final = 100
_THIN_SHARE: Final = 0.05


@dataclass(frozen=True)
class Finding:
    """One trap: a stable code, the sentence, and the values that mend it, if values can."""

    code: str
    text: Text
    fix: Fix | None = None


def lint(config: Config, facts: Facts) -> list[Finding]:
    """Every trap that the config holds with these facts, the worst first."""
    checks = (_template, _rate, _amount, _length, _system, _intervals, _replay)
    return [finding for check in checks for finding in check(config, facts)]


def _template(config: Config, facts: Facts) -> Iterator[Finding]:
    template = config.settings.prompt_template
    own: Fix = {("settings", "prompt_template"): "auto"}
    if facts.chat and template == "default":
        yield Finding(
            "chat-model-default-template",
            text(
                "This is a chat model, but the template “default” is for models that cannot chat "
                "yet. It would learn to answer only in a form that nobody uses with it."
            ),
            own,
        )
    anyone = template in ("auto", "default")
    if not anyone and facts.family and facts.family not in _FAMILIES.get(template, ()):
        yield Finding(
            "template-of-another-family",
            text(
                "The template “{name}” belongs to other models than {family}.",
                name=template,
                family=facts.family,
            ),
            own if facts.chat else {("settings", "prompt_template"): "default"},
        )


def _rate(config: Config, facts: Facts) -> Iterator[Finding]:
    rate = config.settings.lr
    fix: Fix = {("settings", "lr"): _USUAL_RATE}
    if rate > _HIGH_RATE:
        yield Finding(
            "rate-too-high",
            text(
                "A learning rate of {rate:g} breaks the model: above {high:g} the answers become "
                "noise.",
                rate=rate,
                high=_HIGH_RATE,
            ),
            fix,
        )
    elif rate < _LOW_RATE:
        yield Finding(
            "rate-too-low",
            text(
                "A learning rate of {rate:g} suits full training. An adapter needs {low:g} or "
                "more, else almost nothing is learned.",
                rate=rate,
                low=_LOW_RATE,
            ),
            fix,
        )


def _amount(config: Config, facts: Facts) -> Iterator[Finding]:
    s, steps = config.settings, facts.most_steps
    if facts.rows is None or facts.unique_rows is None:
        return
    if steps is not None and steps * s.lr < _LEAST_WORK and s.lr <= _HIGH_RATE:
        yield Finding(
            "too-little-training",
            text(
                "{rows:,} rows make only {steps} steps, too few to change the model at a learning "
                "rate of {rate:g}.",
                rows=facts.rows,
                steps=facts.steps_shown,
                rate=s.lr,
            ),
            _more_training(config, steps),
        )
    copies = facts.rows / max(1, facts.unique_rows)
    if copies >= _MANY_COPIES:
        yield Finding(
            "copied-to-death",
            text(
                "Each row is there about {copies:,.0f} times. The model will repeat it word for "
                "word, also to other questions: use different rows instead of copies, or fewer.",
                copies=copies,
            ),
            {("dataset", "max_copies"): _FEW_COPIES},
        )
    if facts.persona_share is not None and facts.persona_share < _THIN_SHARE:
        yield Finding(
            "persona-diluted",
            text(
                "Only {share:.1%} of the rows teach the persona; it will hardly be learned. A "
                "third to a half works well.",
                share=facts.persona_share,
            ),
            {("dataset", "max_replay"): 1.0},
        )


def _more_training(config: Config, steps: int) -> Fix:
    """Smaller steps first, as they cost nothing; then a usual rate; then more rounds."""
    s = config.settings
    missing = _LEAST_WORK / max(steps * s.lr, 1e-12)
    if s.accumulative_counts >= missing:
        return {("settings", "accumulative_counts"): max(1, int(s.accumulative_counts / missing))}
    fix: dict[tuple[str, str], Value] = {}
    if s.accumulative_counts > 1:
        fix["settings", "accumulative_counts"] = 1
        missing /= s.accumulative_counts
    if s.lr < _USUAL_RATE:
        fix["settings", "lr"] = _USUAL_RATE
        missing /= _USUAL_RATE / s.lr
    if missing > 1:
        fix["settings", "max_epochs"] = min(50, max(s.max_epochs + 1, int(s.max_epochs * missing)))
    return fix


def _length(config: Config, facts: Facts) -> Iterator[Finding]:
    length, p95 = config.settings.max_length, facts.tokens_p95
    if p95 is not None and length < p95:
        enough = min(131_072, -(-p95 // 128) * 128)
        yield Finding(
            "rows-cut-short",
            text(
                "More than 5 in 100 rows are longer than max_length = {length} tokens and lose "
                "their end; {p95} would hold them.",
                length=length,
                p95=p95,
            ),
            {("settings", "max_length"): enough},
        )


def _system(config: Config, facts: Facts) -> Iterator[Finding]:
    if config.settings.SYSTEM and facts.has_system_turn is False:
        yield Finding(
            "system-in-no-row",
            text(
                "SYSTEM is put before every row, though no row has a system text of its own. The "
                "assistant may then know itself only where the same text is given in the chat."
            ),
            {("settings", "SYSTEM"): ""},
        )


def _intervals(config: Config, facts: Facts) -> Iterator[Finding]:
    steps, most = facts.total_steps, facts.most_steps
    if not steps or not most:
        return
    quarter = max(1, steps // 4)
    if config.settings.save_steps > most:
        yield Finding(
            "saves-after-the-end",
            text(
                "A checkpoint every {every:,} steps never comes: the training has {steps} "
                "steps, and only its end is saved.",
                every=config.settings.save_steps,
                steps=facts.steps_shown,
            ),
            {("settings", "save_steps"): quarter},
        )
    if config.settings.evaluation_freq > most:
        yield Finding(
            "answers-after-the-end",
            text(
                "Sample answers every {every:,} steps never come: the training has {steps} steps.",
                every=config.settings.evaluation_freq,
                steps=facts.steps_shown,
            ),
            {("settings", "evaluation_freq"): quarter},
        )


def _replay(config: Config, facts: Facts) -> Iterator[Finding]:
    weight = config.dataset.kl_weight
    if facts.replay_rows and weight == 0:
        yield Finding(
            "replay-without-weight",
            text(
                "kl_weight is 0: {rows:,} replay rows are learned word for word, and hold the "
                "model's other answers less well.",
                rows=facts.replay_rows,
            ),
            {("dataset", "kl_weight"): 3.0},
        )
    if facts.replay_rows == 0 and weight > 0:
        yield Finding(
            "weight-without-replay",
            text(
                "kl_weight = {weight:g} holds the model to its former answers on replay rows, but "
                "the dataset has none: other answers may change.",
                weight=weight,
            ),
        )
    if config.dataset.kl_reverse > 0 and weight == 0:
        yield Finding(
            "reverse-without-weight",
            text(
                "kl_reverse = {share:g} is a share of the hold that kl_weight sets, and kl_weight "
                "is 0: it does nothing.",
                share=config.dataset.kl_reverse,
            ),
            {("dataset", "kl_reverse"): 0.0},
        )
