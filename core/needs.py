"""Which machine a model's training needs, and whether this one will do: told before a download."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from core.config.cards import card_of
from core.config.schema import Config
from core.errors import Text, UserError, text
from core.estimate import SHARE, least_gib
from core.hardware import Hardware
from core.models import Shape
from core.origin import origin

_GPUS_GB: Final = (8, 12, 16, 24, 32, 48, 80, 141)


@dataclass(frozen=True)
class Needs:
    """Memory in GiB: of the GPU, or of a machine without one. `machine` is one that would do."""

    gib: float
    here: float
    machine: Text

    @property
    def fits(self) -> bool:
        """Whether this machine has it."""
        return self.gib <= SHARE * self.here

    @property
    def sentence(self) -> Text:
        """What it takes, what there is, and what would do."""
        if self.fits:
            told = "Training takes {gib:.1f} GiB of memory or more: it fits here."
            return text(told, gib=self.gib)
        return text(
            "Training takes {gib:.1f} GiB of memory or more, and this machine has {here:.0f}: it "
            "needs {machine}.",
            gib=self.gib,
            here=self.here,
            machine=self.machine,
        )


def needs(config: Config, shape: Shape, hardware: Hardware) -> Needs:
    """What the thriftiest training of a config takes."""
    half = bool(hardware.gpus) or hardware.cpu_bf16
    on_gpu = least_gib(config, shape, "cuda", "bfloat16") / SHARE * 2**30 / 1e9
    card = next((size for size in _GPUS_GB if on_gpu <= size), None)
    return Needs(
        gib=least_gib(config, shape, hardware.device, "bfloat16" if half else "float32"),
        here=max((g.memory_gib for g in hardware.gpus), default=hardware.memory_gib),
        machine=text("a GPU of {size} GB", size=card)
        if card
        else text("several GPUs of 80 GB and DeepSpeed ZeRO-3"),
    )


def not_ready(config: Config, hardware: Hardware) -> UserError:
    """Why training on a config's model cannot begin yet, and whether it is worth the download."""
    model = config.settings.pretrained_model_name_or_path
    found, card = origin(model), card_of(model)
    if not found.remote:
        return UserError(
            "The model {model} has to be converted once.",
            "Press “Convert the model” in the Train tab; the command train does it by itself.",
            model=model,
        )
    size = text("its size is told once it begins")
    if card:
        size = text("about {gib:.1f} GiB", gib=2e9 * card.params / 2**30)
    return UserError(
        "The model {model} is not on this machine yet; it has to be downloaded once ({size}). "
        "{needs}",
        "Press “Get the model” in the Train tab; the command train does it by itself.",
        model=model,
        size=size,
        needs=needs(config, card.shape, hardware).sentence if card else "",
    )
