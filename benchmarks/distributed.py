"""Training in several processes beside one: losses, speed, memory, stop, resume, merge.

Run: PYTHONPATH=. python benchmarks/distributed.py --json FILE [--seconds 280] [--only WORD …]
Each cell is a real training job on random weights of a known shape, written once. Cells that FILE
has are not run again, so a machine lent for minutes can be used several times. The loss of each
step is compared with that of one process, unsplit; tokens/s is the median step after warm-up.
On a machine without GPUs: --shapes tiny --cpu --rank 8.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from bisect import bisect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from core import dataset, run, studio
from core.config import writer
from core.config.schema import Config
from core.hardware import detect
from core.run import Run
from core.settings import Settings
from core.status import status
from core.tokens import ChatTokenizer
from core.work import encode

SHAPES: Final[dict[str, dict[str, int]]] = {
    "1.8b": {  # InternLM2-1.8B
        **{"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 24},
        **{"num_attention_heads": 16, "num_key_value_heads": 8, "vocab_size": 92_544},
    },
    "7b": {  # InternLM2-7B
        **{"hidden_size": 4096, "intermediate_size": 14_336, "num_hidden_layers": 32},
        **{"num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 92_544},
    },
    "135m": {  # the built-in model
        **{"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30},
        **{"num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49_152},
    },
    "tiny": {
        **{"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2},
        **{"num_attention_heads": 4, "num_key_value_heads": 2, "vocab_size": 4_096},
    },
}
WAYS: Final = ("none", "deepspeed_zero1", "deepspeed_zero2", "deepspeed_zero3")
TOLERANCE: Final = 0.02  # nats between a step's loss here and in one process; 16-bit sums differ
TOLERANCE_3: Final = 0.05  # stage 3 computes the layers as transformers does, not as the studio
_WARM: Final = 6  # steps that compile kernels and record graphs
_CHATML: Final = (
    "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


@dataclass(frozen=True)
class Cell:
    """One training; with `then`, stopped half-way, resumed so, and merged."""

    shape: str
    base: str  # nf4, nf4-packed (unpacked at every use) or bf16
    way: str
    processes: int
    then: tuple[str, int] | None = None

    @property
    def name(self) -> str:
        """As in the table, and for `--only`."""
        on = f", then {_short(self.then[0])} on {self.then[1]}" if self.then else ""
        return f"{self.shape} {self.base} {_short(self.way)} on {self.processes}{on}"

    @property
    def reference(self) -> str:
        """The cell whose losses this one's must equal; NF4 has the same numbers, packed or not."""
        return Cell(self.shape, self.base.removesuffix("-packed"), "none", 1).name


def _short(way: str) -> str:
    return way.removeprefix("deepspeed_")


def cells(shapes: Sequence[str], most: int) -> Iterator[Cell]:
    """What to run, the most telling first; `most`: processes to compare with one."""
    for number, shape in enumerate(shapes):
        for base in ("nf4", "bf16"):
            yield Cell(shape, base, "none", 1)
            for way in WAYS:
                yield Cell(shape, base, way, most)
            if number == 0 and base == "nf4":
                yield Cell(shape, base, "deepspeed_zero2", most, then=("none", 1))
                yield Cell(shape, base, "none", 1, then=("deepspeed_zero3", most))
    yield Cell(shapes[0], "bf16", "deepspeed_zero3", most, then=("deepspeed_zero1", most))
    yield Cell(shapes[0], "nf4", "deepspeed_zero2_offload", most)
    yield Cell(shapes[0], "nf4-packed", "none", most)
    yield Cell(shapes[0], "nf4-packed", "deepspeed_zero3", most)


def write_model(shape: str, folder: Path, rows: Path) -> None:
    """Config, random weights in 16 bits, and a byte-level BPE learned from the rows."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM

    folder.mkdir(parents=True, exist_ok=True)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=4_000,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator((m.content for r in dataset.load(rows) for m in r.messages), trainer)
    made.save(str(folder / "tokenizer.json"))
    names = {"bos_token": special[1], "eos_token": special[2], "pad_token": special[2]}
    (folder / "tokenizer_config.json").write_text(json.dumps(names), "utf-8")
    (folder / "chat_template.jinja").write_text(_CHATML, "utf-8")
    torch.manual_seed(0)
    config = LlamaConfig(
        **SHAPES[shape], max_position_embeddings=32_768, bos_token_id=1, eos_token_id=2
    )
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        model = LlamaForCausalLM._from_config(config, dtype=torch.bfloat16)
    model.save_pretrained(folder)
    (folder / "whole").touch()


def made_rows(count: int, seed: int = 0) -> list[dict[str, Any]]:
    """Records of made-up words, about as long as alpaca's: median 12 and 60, long tails."""
    rng = random.Random(seed)
    parts = ["ka", "mi", "no", "ra", "te", "shu", "lo", "en", "vi", "dor", "an", "pel"]
    words = ["".join(rng.choices(parts, k=rng.randint(1, 4))) for _ in range(3_000)]

    def sentence(median: int, spread: float) -> str:
        return " ".join(rng.choices(words, k=max(2, int(rng.lognormvariate(0, spread) * median))))

    return [
        {
            "messages": [
                {"role": "user", "content": sentence(12, 0.5)},
                {"role": "assistant", "content": sentence(60, 0.8)},
            ]
        }
        for _ in range(count)
    ]


def config_of(
    cell: Cell, model: Path, rank: int, at_once: int = 0, gpus: Sequence[int] = ()
) -> Config:
    """The cell's config: steps of 32,768 tokens in passes of half as many, so that two share."""
    tiny = cell.shape == "tiny"
    length, counts, most = (1_024, 32, 16_384)
    if cell.shape in ("tiny", "135m"):
        length, counts, most = (256, 8, 1_024)
    at_once = at_once or most
    return Config.model_validate(
        {
            "settings": {
                "pretrained_model_name_or_path": str(model),
                "max_length": length,
                "accumulative_counts": counts,
                "max_epochs": 1,
                "lr": 5e-3 if tiny else 2e-4,
                "evaluation_inputs": [],
                "save_total_limit": 1,
            },
            "model": {
                "quantization": "none" if cell.base == "bf16" else "nf4",
                "compute_dtype": "bfloat16",
                "lora_r": rank,
            },
            "runtime": {
                "deepspeed": cell.way,
                "processes": cell.processes,
                "gpus": tuple(gpus),
                # Stage 3 attends with a mask, whose cost grows with the square.
                "micro_batch_tokens": min(at_once, 4_096) if "zero3" in cell.name else at_once,
                "weight_cache": "off" if cell.base == "nf4-packed" else "auto",
            },
        }
    )


def enough(rows: Path, model: Path, config: Config, steps: int) -> list[dataset.Row]:
    """The first rows, as many as fill so many steps."""
    read = dataset.load(rows)
    lengths = encode(read, ChatTokenizer.load(model), config).lengths
    total = list(accumulate(lengths))
    # The rows all differ, so they are encoded in their order; packing leaves little room unused.
    return read[: bisect(total, 0.97 * steps * config.tokens_per_step)]


def wait(job: Run, what: str, limit: float, until_step: int = 0) -> None:
    """Wait for a job's end, or for a step; ended by force after `limit` seconds."""
    began = time.monotonic()
    while job.alive:
        if until_step and status(job, what).step >= until_step:
            return
        if time.monotonic() - began > limit:
            studio.stop(job, what)
            studio.stop(job, what)
            limit += 60
        time.sleep(0.1)


def measure(cell: Cell, settings: Settings, model: Path, rows: Path, asked: Any) -> dict[str, Any]:
    """Run a cell; losses, speed, memory (expected and of each process), seconds, or its problem."""
    began = time.monotonic()
    job = run.create(settings.runs, "cell")
    config = config_of(cell, model, asked.rank, asked.at_once, asked.gpus)
    studio.save_config(job, writer.dump(config))
    studio.save_dataset(job, enough(rows, model, config, asked.steps))
    plan = studio.train(job, settings)
    way = next(o for o in plan.options if o.name == cell.way)
    half = asked.steps // 2
    wait(job, "train", asked.cell_seconds, until_step=half if cell.then else 0)
    if cell.then and job.alive:
        studio.stop(job)
        wait(job, "train", asked.cell_seconds)
        if status(job).state == "stopped":
            studio.set_split(job, cell.then[0], cell.then[1])
            studio.train(job, settings, resume=True)
            wait(job, "train", asked.cell_seconds)
    events = [e for e in job.events() if e["job"] == "train"]
    steps = [e for e in events if e["kind"] == "stepped"]
    speeds = [e["tokens"] / e["seconds"] for e in steps[_WARM:] if not cell.then]
    found: dict[str, Any] = {
        "losses": [e["loss"] for e in steps],
        "steps": [e["step"] for e in steps],
        "tokens_per_second": round(statistics.median(speeds)) if speeds else 0,
        "rank": asked.rank,
        "step_seconds": [e["seconds"] for e in steps],
        "memory_gib": [round(g, 2) for e in events for g in e.get("ranks", [])],
        "expected_gib": [round(g, 2) for g in plan.memory_gib],
        "expected_state_gib": round(way.gib, 2),
        "tokens_at_once": plan["micro_batch_tokens"],
        "recorded": any(i.name == "cuda_graphs" and i.value for i in plan.items),
    }
    if cell.then and status(job).state == "finished":
        studio.merge(job, settings)
        wait(job, "merge", asked.cell_seconds)
        kl = [e["measured"] for e in job.events() if e["kind"] == "measured" and "KL" in e["name"]]
        found |= {"merged": job.is_merged, "merge_kl": kl[0] if kl else None}
    now = status(job)
    if now.state != "finished":
        log = job.log_of("train").read_text("utf-8", "replace")
        found["problem"] = f"{now.state}: {now.problem or ''}"
        print(log[-3_000:], flush=True)
    shutil.rmtree(job.path, ignore_errors=True)
    return {**found, "seconds": round(time.monotonic() - began, 1)}


def judged(cell: Cell, found: dict[str, Any], table: dict[str, Any]) -> dict[str, Any]:
    """The result beside one process's: largest difference of a loss, speed-up, verdict."""
    reference = table.get(cell.reference, found)
    ours, theirs = found["losses"], reference["losses"]
    if not ours or "problem" in found:
        return found
    gap = max(abs(a - b) for a, b in zip(ours, theirs, strict=False))
    limit = TOLERANCE_3 if "zero3" in cell.name else TOLERANCE
    whole = found["steps"] == list(range(1, len(theirs) + 1))
    ratio = found["tokens_per_second"] / max(1, reference["tokens_per_second"])
    return {
        **found,
        "gap": round(gap, 4),
        "equal": gap <= limit and whole,
        "times": round(ratio, 2),
    }


def line(cell: Cell, found: dict[str, Any]) -> str:
    """One row of the table."""
    if "problem" in found:
        return f"| {cell.name} | {found['problem']} |"
    low, high = found["expected_gib"]
    losses = found["losses"]
    cells = [
        cell.name,
        f"{losses[0]:.3f} → {losses[-1]:.3f}",
        f"{found['gap']:.4f} {'equal' if found['equal'] else 'DIFFERENT'}",
        f"{found['tokens_per_second']:,}" if found["tokens_per_second"] else "",
        f"{found['times']:.2f} ×" if found["tokens_per_second"] else "",
        " ".join(f"{g:.1f}" for g in found["memory_gib"]),
        f"{low:.1f}-{high:.1f}",
        f"KL {found['merge_kl']:.1e}" if found.get("merged") else "",
        f"{found['seconds']:.0f} s",
    ]
    return f"| {' | '.join(cells)} |"


HEAD: Final = (
    "| cell | loss, first → last | largest gap | tokens/s | against 1 | GiB of each | expected "
    "| merged | took |\n|---|---|---|---|---|---|---|---|---|"
)


def main() -> None:
    """Run what is missing within the budget, print the table, keep everything in the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, required=True, help="results; read, and added to")
    parser.add_argument("--shapes", nargs="+", choices=[*SHAPES], default=["1.8b", "7b"])
    parser.add_argument("--processes", type=int, default=2, help="to compare with one")
    parser.add_argument("--steps", type=int, default=16)
    parser.add_argument("--rank", type=int, default=64, help="of the adapter")
    parser.add_argument("--at-once", type=int, default=0, help="tokens of a pass")
    parser.add_argument(
        "--gpus", type=int, nargs="+", default=[], help="by number; any unless given"
    )
    parser.add_argument("--seconds", type=float, default=3_600, help="begin no cell after these")
    parser.add_argument("--cell-seconds", type=float, default=240, help="a cell is ended after")
    parser.add_argument(
        "--only", nargs="+", default=[], help="cells whose name has one of these; $ ends it"
    )
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "distributed")
    parser.add_argument("--cpu", action="store_true", help="allow a machine without GPUs")
    parser.add_argument("--list", action="store_true", help="only print the cells' names")
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    settings, rows = Settings("", 0, asked.home), asked.home / f"rows-{asked.steps}.json"
    if asked.write:
        return write_model(asked.write[0], Path(asked.write[1]), rows)
    plan = [
        c
        for c in cells(asked.shapes, asked.processes)
        if not asked.only or any(word in f"{c.name}$" for word in asked.only)
    ]
    if asked.list:
        return print("\n".join(c.name for c in plan))
    began, hardware = time.monotonic(), detect()
    if not hardware.gpus and not asked.cpu:
        sys.exit("No GPU is seen here (nvidia-smi). Add --cpu to go on without.")
    table = json.loads(asked.json.read_text("utf-8")) if asked.json.exists() else {}
    asked.home.mkdir(parents=True, exist_ok=True)
    if not rows.exists():
        rows.write_text(json.dumps(made_rows(400 * asked.steps)), "utf-8")
    print(f"{[g.name for g in hardware.gpus] or hardware.cores}\n{HEAD}", flush=True)
    for cell in plan:
        known = table.get(cell.name)
        if known is None or "problem" in known:
            if time.monotonic() - began > asked.seconds:
                continue
            model = asked.home / "models" / cell.shape
            if not (model / "whole").exists():
                own = [sys.executable, __file__, "--json", str(asked.json)]
                own += ["--home", str(asked.home), "--steps", str(asked.steps)]
                own += ["--write", cell.shape, str(model)]
                subprocess.run(own, check=True)
            known = measure(cell, settings, model, rows, asked)
            table[cell.name] = known = judged(cell, known, table)
            table["machine"] = {"gpus": [g.name for g in hardware.gpus], "cores": hardware.cores}
            asked.json.write_text(json.dumps(table, indent=1), "utf-8")
        print(line(cell, known), flush=True)


if __name__ == "__main__":
    main()
