"""What a model can be taught: one recipe for each dataset, as changes to the default config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from core.config.fields import Value
from core.errors import Text, text

Source = Literal["persona", "own file", "hub"]

_HUB: Final = "hf://datasets/"
_EVERY: Final = 32  # XTuner counts micro-batches: 500 of them, 16 to an optimizer step
_TOUR: Final = ("请给我介绍五个上海的景点", "Please tell me five scenic spots in Shanghai")
_INSTRUCTION: Final = "{instruction}\n{input}"
_INSTRUCTION_ZH: Final = "{instruction_zh}\n{input_zh}"


@dataclass(frozen=True)
class Recipe:
    """One dataset's way of training.

    `source` says where the rows come from: made from the persona, a file that the person brings,
    or the Hugging Face Hub (plain data files; never a loading script). `values` are the keys in
    which it differs from the default config.
    """

    key: str
    epochs: int
    source: Source
    about: Text
    values: Mapping[tuple[str, str], Value] = field(default_factory=dict)


def _recipe(
    key: str,
    epochs: int,
    source: Source,
    about: Text,
    *,
    data: str = "dataset.json",
    format_: str = "auto",
    ask: tuple[str, ...] = _TOUR,
    system: str = "",
    length: int = 2048,
    **columns: tuple[str, ...] | str,
) -> Recipe:
    """A recipe in XTuner's manner: packs of 2,048 tokens, 16 to a step, saved every 500 packs."""
    values: dict[tuple[str, str], Value] = {
        ("settings", "data_path"): f"{_HUB}{data}" if source == "hub" else data,
        ("settings", "max_length"): length,
        ("settings", "save_steps"): _EVERY,
        ("settings", "evaluation_freq"): _EVERY,
        ("settings", "evaluation_inputs"): ask,
        ("settings", "SYSTEM"): system,
        ("dataset", "format"): format_,
    }
    values |= {("dataset", name): value for name, value in columns.items()}
    return Recipe(key, epochs, source, about, values)


RECIPES: Final = (
    Recipe(
        "persona",
        1,
        "persona",
        text(
            "Teaches your assistant who it is, in many words, and holds everything else as it was."
        ),
        {
            ("settings", "max_length"): 320,
            ("settings", "accumulative_counts"): 1,
            ("settings", "betas"): (0.9, 0.98),
            ("settings", "save_steps"): 40,
            ("settings", "evaluation_freq"): 40,
            ("settings", "save_total_limit"): 5,
            ("model", "lora_r"): 16,
            ("model", "lora_alpha"): 32.0,
            ("model", "lora_targets"): "upper-linear",
            ("dataset", "format"): "messages",
            ("dataset", "kl_weight"): 2.5,
            ("dataset", "kl_reverse"): 0.5,
            ("dataset", "opening_weight"): 5.0,
            ("runtime", "sample_tokens"): 40,
        },
    ),
    Recipe(
        "persona_tutorial",
        2,
        "persona",
        text("The classic tutorial: one introduction, copied ten thousand times."),
        {
            ("settings", "max_length"): 1024,
            ("settings", "save_steps"): 20,
            ("settings", "evaluation_freq"): 20,
            ("settings", "save_total_limit"): 3,
            ("settings", "evaluation_inputs"): ("请做一下自我介绍", "你是谁？", "Who are you?"),
            ("dataset", "format"): "messages",
        },
    ),
    _recipe(
        "openai",
        3,
        "own file",
        text("Your own conversations, as a list of OpenAI messages."),
        format_="messages",
    ),
    _recipe(
        "alpaca",
        3,
        "hub",
        text("52,000 English instructions with answers."),
        data="tatsu-lab/alpaca",
        format_="alpaca",
    ),
    _recipe(
        "alpaca_zh",
        3,
        "hub",
        text("52,000 Chinese instructions with answers."),
        data="silk-road/alpaca-data-gpt4-chinese",
        format_="columns",
        input_text=(_INSTRUCTION_ZH,),
        output_text=("{output_zh}",),
    ),
    _recipe(
        "alpaca_enzh",
        3,
        "hub",
        text("52,000 instructions with answers, each in English and in Chinese."),
        data="silk-road/alpaca-data-gpt4-chinese",
        format_="columns",
        input_text=(_INSTRUCTION, _INSTRUCTION_ZH),
        output_text=("{output}", "{output_zh}"),
    ),
    _recipe(
        "oasst1",
        3,
        "hub",
        text("10,000 conversations of volunteers, in many languages."),
        data="timdettmers/openassistant-guanaco",
        format_="oasst1",
    ),
    _recipe(
        "oasst1_512",
        3,
        "hub",
        text("The same volunteers' conversations, cut to 512 tokens: for little memory."),
        data="timdettmers/openassistant-guanaco",
        format_="oasst1",
        length=512,
    ),
    _recipe(
        "open_platypus",
        3,
        "hub",
        text("25,000 questions of science and logic with worked answers."),
        data="garage-bAInd/Open-Platypus",
        format_="alpaca",
    ),
    _recipe(
        "openorca",
        1,
        "hub",
        text("Questions with explained answers; the first 200,000 of several million."),
        data="Open-Orca/OpenOrca",
        format_="columns",
        input_text=("{question}",),
        output_text=("{response}",),
        system_text="{system_prompt}",
    ),
    _recipe(
        "sql",
        3,
        "hub",
        text("78,000 questions about tables with their SQL queries."),
        data="b-mc2/sql-create-context",
        format_="columns",
        input_text=("{context}\n{question}",),
        output_text=("{answer}",),
        system="You answer questions about database tables with one SQL query.",
        ask=("CREATE TABLE staff (name VARCHAR, age INTEGER)\nWho is older than 60?",),
    ),
    _recipe(
        "code_alpaca",
        3,
        "hub",
        text("20,000 programming tasks with solutions."),
        data="HuggingFaceH4/CodeAlpaca_20K",
        format_="columns",
        input_text=("{prompt}",),
        output_text=("{completion}",),
        system="You write short, correct programs and explain them briefly.",
        ask=("Write a Python function that reverses a string.",),
    ),
    _recipe(
        "tiny_codes",
        1,
        "hub",
        text("Short programs in many languages, each with an explanation; the first 200,000."),
        data="nampdn-ai/tiny-codes",
        format_="columns",
        input_text=("{prompt}",),
        output_text=("{response}",),
        system="You write short, correct programs and explain them briefly.",
        ask=("Write a Python function that reverses a string.",),
    ),
    _recipe(
        "colorist",
        5,
        "hub",
        text("34,000 descriptions of colours with their hex codes."),
        data="burkelibbey/colors",
        format_="columns",
        input_text=("{description}",),
        output_text=("{color}",),
        system="You answer the description of a colour with its hex code.",
        ask=("A calm light blue, like the sky on a summer morning.",),
    ),
    _recipe(
        "medical",
        1,
        "hub",
        text("Chinese questions to doctors with answers; for study, not for patients."),
        data="shibing624/medical/finetune/train_zh_0.json",
        format_="alpaca",
        system="你是一名耐心的医学助手，用通俗的话解释，并提醒对方重要的事要去看医生。",
        ask=("我最近总是头痛，可能是什么原因？",),
    ),
    _recipe(
        "lawyer",
        3,
        "own file",
        text("Your own legal questions and answers, as rows of input and output."),
        data="lawyer.json",
        format_="columns",
        system="你是一名严谨的法律助手，回答时说明依据的法律条文。",
        ask=("租房合同没到期，房东要我搬走，怎么办？",),
    ),
    _recipe(
        "moss_sft_all",
        1,
        "own file",
        text("The conversations that MOSS was taught, without its tools, from the file you have."),
        data="moss.jsonl",
        format_="moss",
    ),
    _recipe(
        "arxiv_gentitle",
        3,
        "own file",
        text("Your own abstracts with titles: teaches to name a paper."),
        data="arxiv.json",
        format_="columns",
        input_text=("{abstract}",),
        output_text=("{title}",),
        system="You read the abstract of a paper and answer with a fitting title.",
        ask=(
            "We train small language models to keep a persona without forgetting what they know.",
        ),
    ),
)
