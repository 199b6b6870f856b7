"""The importer's desk: values of an XTuner config by path, and the notes on what became of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from core.config.fields import Value, fields
from core.config.schema import Config
from core.config.xtuner_eval import Module, Symbol
from core.config.xtuner_names import VARIABLES
from core.errors import Text, UserError, text

_MAX_NOTES: Final = 200
_MAX_LEAVES: Final = 5000
_SECTIONS: Final = frozenset(
    "model train_dataloader optim_wrapper param_scheduler train_cfg custom_hooks default_hooks "
    "randomness strategy val_dataloader training_args lora".split()
)
JOINED: Final = ("datasets", "datasets_cfg", "datasets_kwargs")


@dataclass(frozen=True)
class Note:
    """What became of one of XTuner's values: its name there, its line, and a sentence."""

    name: str
    line: int | None
    text: Text

    @property
    def sentence(self) -> Text:
        """Line, name and sentence in one Text."""
        if self.line:
            return text(
                "Line {line}, {name}: {text}", line=self.line, name=self.name, text=self.text
            )
        return text("{name}: {text}", name=self.name, text=self.text)


class Reader:
    """Hands out the values of a config once each, so that what is left over can be told.

    Paths are dotted (`optim_wrapper.optimizer.lr`, `custom_hooks.1.type`); `{data}`, `{chat}`,
    `{llm}`, `{bits}` and `{lora}` stand for the sections of the dataset, the sample questions, the
    language model, its quantisation and the adapter.
    """

    def __init__(self, module: Module) -> None:
        self.values = module.values
        self.lines = module.lines
        self._key_lines = module.key_lines
        self.taken: list[Note] = []
        self.converted: list[Note] = []
        self.ignored: list[Note] = []
        self.unknown: list[Note] = []
        self.found: dict[tuple[str, str], Value] = {}
        self.places: dict[str, str] = {}
        self.places = self._places()
        self.leaves = self._leaves(module)

    def fill(self, path: str) -> str:
        """The path with the real names of its sections."""
        for name, place in self.places.items():
            path = path.replace(name, place)
        return path

    def at(self, path: str) -> Any:
        """The value at a path, None where there is none; it stays to be told."""
        value: Any = self.values
        for step in self.fill(path).split("."):
            if isinstance(value, dict):
                value = value.get(step)
            elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value

    def pop(self, *paths: str) -> tuple[str, Any]:
        """The first of these paths that has a value, and that value; all of them are done with."""
        found: tuple[str, Any] = (paths[0], None)
        for path in reversed(paths):
            value = self.at(path)
            found = (path, value) if value is not None else found
            self.done(path)
        return found

    def done(self, path: str) -> None:
        """Tell nothing more of this path and those below it."""
        real = self.fill(path)
        for leaf in [x for x in self.leaves if x == real or x.startswith(f"{real}.")]:
            del self.leaves[leaf]

    def take(self, place: tuple[str, str], value: Any, path: str, why: Text | None = None) -> None:
        """Use a value; with a reason it counts as converted. One that is not allowed is told."""
        field = fields()[place]
        value = tuple(value) if isinstance(value, list) else value
        key = f"{place[0]}.{place[1]}"
        try:
            if isinstance(value, bool) != (field.kind == "switch") or isinstance(value, Symbol):
                raise TypeError
            part = type(getattr(Config(), place[0])).model_validate({place[1]: value})
        except (ValidationError, TypeError):
            sentence = text(
                "{value} is not possible for {key}; {default} stays",
                value=_shown(value),
                key=key,
                default=field.default,
            )
            self.puzzle(path, sentence)
            return
        self.found[place] = getattr(part, place[1])
        told = text("{key} = {value}", key=key, value=_shown(self.found[place]))
        if why is None:
            self._note(self.taken, path, told)
        else:
            self._note(
                self.converted,
                path,
                text("{key} = {value}: {why}", key=key, value=_shown(self.found[place]), why=why),
            )

    def convert(self, path: str, why: Text) -> None:
        """Tell of a value that became something else."""
        self._note(self.converted, path, why)

    def ignore(self, path: str, why: Text) -> None:
        """Tell of a value that has no place here."""
        self._note(self.ignored, path, why)

    def puzzle(self, path: str, why: Text) -> None:
        """Tell of a value that is not understood."""
        self._note(self.unknown, path, why)

    def _note(self, notes: list[Note], path: str, sentence: Text) -> None:
        real = self.fill(path)
        if len(notes) < _MAX_NOTES:
            notes.append(Note(real, self._line(real), sentence))

    def _line(self, path: str) -> int | None:
        """Where a value stands: at the variable of its name, else at its key, as deep as known."""
        first, *rest = path.split(".")
        line, value = self.lines.get(first), self.values.get(first)
        if rest and rest[-1] in self.lines:
            return self.lines[rest[-1]]
        for step in rest:
            if isinstance(value, dict):
                line = self._key_lines.get(id(value), {}).get(step, line)
                value = value.get(step)
            elif isinstance(value, list | tuple) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
        return line

    def _places(self) -> dict[str, str]:
        data = (
            "train_dataloader.dataset" if self.at("train_dataloader.dataset") else "train_dataset"
        )
        for joined in JOINED:  # several datasets: the first
            several = self.at(f"{data}.{joined}")
            if isinstance(several, list | tuple | dict) and several:
                data = f"{data}.{joined}.{next(iter(several)) if isinstance(several, dict) else 0}"
                break
        hooks = self.values.get("custom_hooks")
        hooks = hooks if isinstance(hooks, list | tuple) else []
        chat = next(
            (
                i
                for i, hook in enumerate(hooks)
                if isinstance(hook, dict) and last_name(hook.get("type")) == "EvaluateChatHook"
            ),
            0,
        )
        plain = self.at("training_args") is not None  # for transformers' Trainer, not XTuner's
        llm, lora = ("model", "lora") if plain else ("model.llm", "model.lora")
        return {
            "{data}": data,
            "{chat}": f"custom_hooks.{chat}",
            "{llm}": llm,
            "{bits}": f"{llm}.quantization_config",
            "{lora}": "model.llm_lora" if self.at("model.llm_lora") else lora,
        }

    def _leaves(self, module: Module) -> dict[str, Any]:
        """Single values by path. Names that other names use are told there, not by themselves."""
        leaves: dict[str, Any] = {}
        for name, value in module.values.items():
            if name not in module.used and name not in VARIABLES:
                _flatten(name, value, leaves)
        if not any(isinstance(v, Symbol) for v in module.values.values()):
            # A dumped file: what was a variable once stands here again beside its use.
            inside = {_shown(v) for p, v in leaves.items() if p.partition(".")[0] in _SECTIONS}
            for path in [p for p in leaves if p.partition(".")[0] not in _SECTIONS]:
                if _shown(leaves[path]) in inside:
                    del leaves[path]
        return leaves


def last_name(value: Any) -> str:
    """`EvaluateChatHook` of a symbol, or of its dotted name as dumped files write it."""
    if isinstance(value, Symbol):
        return value.last
    return re.split(r"[.:]", value)[-1] if isinstance(value, str) else ""


def _flatten(path: str, value: Any, leaves: dict[str, Any]) -> None:
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            _flatten(f"{path}.{key}", inner, leaves)
    elif isinstance(value, list | tuple) and any(isinstance(x, dict) for x in value):
        for number, inner in enumerate(value):
            _flatten(f"{path}.{number}", inner, leaves)
    else:
        leaves[path] = value
    if len(leaves) > _MAX_LEAVES:
        raise UserError(
            "The config holds more than {most} values.",
            "Choose the config file itself; data belongs into its own file.",
            most=_MAX_LEAVES,
        )


def _shown(value: Any) -> str:
    shown = value.name if isinstance(value, Symbol) else str(value)
    return shown if len(shown) <= 80 else f"{shown[:79]}…"
