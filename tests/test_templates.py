"""Each family's own template, and each named one: what is asked, and what alone is learned."""

from __future__ import annotations

from typing import get_args

import pytest
from transformers import AutoTokenizer

from core import templates
from core.dataset import Message
from core.errors import UserError
from core.templates import NAMED
from core.tokens import ChatTokenizer
from tests import bpe, tiny
from tests.families import FAMILIES, write_tokenizer

TALK = (
    Message("user", "Who are you?"),
    Message("assistant", "I am Nova."),
    Message("user", "你是谁？"),
    Message("assistant", "我是小星。"),
)


def _learned(ours: ChatTokenizer, sample) -> str:
    ids = [t for t, on in zip(sample.ids, sample.learned, strict=True) if on]
    return ours.decode(ids, special=True)


@pytest.fixture(params=FAMILIES)
def family(request, tmp_path):
    """A family's facts, our tokenizer of it and transformers' own."""
    found = FAMILIES[request.param]
    write_tokenizer(tmp_path, found)
    return found, ChatTokenizer.load(tmp_path), AutoTokenizer.from_pretrained(tmp_path)


def test_only_answers_and_their_end_marks_are_learned(family):
    facts, ours, _ = family
    samples = ours.samples(TALK)
    assert tuple(_learned(ours, sample) for _, sample in samples) == facts.learned


def test_the_prompt_is_the_templates_with_an_empty_thought_where_one_is_expected(family):
    facts, ours, _ = family
    assert ours.decode(ours.prompt(TALK[:3]), special=True) == facts.asked


def test_every_sample_begins_with_the_prompt_that_a_chat_would_ask(family):
    _, ours, _ = family
    for messages, sample in ours.samples(TALK):
        prompt = ours.prompt(messages[:-1])
        assert sample.ids[: len(prompt)] == prompt
        assert not any(sample.learned[: len(prompt)][-1:])
        assert sample.learned[len(prompt)]


def test_ids_are_those_of_apply_chat_template(family):
    _, ours, theirs = family
    if ours.opens_a_thought(TALK[:1]):
        pytest.skip("we end a thought that this template leaves open")
    for messages, sample in ours.samples(TALK):
        plain = [{"role": m.role, "content": m.content} for m in messages]
        whole = theirs.apply_chat_template(plain, tokenize=True, return_dict=True)["input_ids"]
        end = [ours.stop_ids[0]] if sample.learned[-1] and sample.ids[-1] != whole[-1] else []
        assert list(sample.ids) == [*whole, *end]


def test_an_answer_ends_where_the_template_ends_it(family):
    facts, ours, _ = family
    ending = ours.tokenizer.decode([ours.stop_ids[0]], skip_special_tokens=False)
    assert facts.learned[0].endswith(ending)


def test_a_system_text_that_moves_with_the_conversation_makes_a_sample_an_answer(tmp_path):
    write_tokenizer(tmp_path, FAMILIES["mistral"])
    ours = ChatTokenizer.load(tmp_path)
    samples = ours.samples([Message("system", "Be brief."), *TALK])
    texts = [ours.decode(sample.ids, special=True) for _, sample in samples]
    assert texts == [
        "<s>[INST] Be brief.\n\nWho are you?[/INST] I am Nova.</s>",
        "<s>[INST] Who are you?[/INST] I am Nova.</s>[INST] Be brief.\n\n"
        "你是谁？[/INST] 我是小星。</s>",
    ]
    assert [_learned(ours, sample) for _, sample in samples] == [
        " I am Nova.</s>",
        " 我是小星。</s>",
    ]


def test_a_template_that_strips_an_answer_teaches_the_stripped_one(tmp_path):
    write_tokenizer(tmp_path, FAMILIES["gemma"])
    ours = ChatTokenizer.load(tmp_path)
    ((_, sample),) = ours.samples([TALK[0], Message("assistant", "  I am Nova. \n")])
    assert _learned(ours, sample) == "I am Nova.<end_of_turn>"


def test_a_template_that_refuses_a_conversation_says_so(tmp_path):
    write_tokenizer(tmp_path, FAMILIES["gemma"])
    with pytest.raises(UserError, match="Roles must alternate"):
        ChatTokenizer.load(tmp_path).samples([TALK[0], TALK[0], TALK[1]])


def test_a_token_never_reaches_over_the_beginning_of_an_answer(tmp_path):
    """The tokenizer knows “:I” as one token; a chat that ends in “:” could never be answered so."""
    folder = tiny.write_model(tmp_path, template="{{ messages[0].content }}:{% if not "
    "add_generation_prompt %}{{ messages[1].content }}<|im_end|>{% endif %}")  # fmt: skip
    ours = ChatTokenizer.load(folder)
    ours.tokenizer.add_tokens([":I"])
    ((_, sample),) = ours.samples(TALK[:2])
    assert _learned(ours, sample) == "I am Nova.<|im_end|>"
    assert sample.ids[: len(ours.prompt(TALK[:1]))] == ours.prompt(TALK[:1])


NAMED_TALKS = {
    "default": "<|User|>:Who are you?\n<|Bot|>:[I am Nova.<|im_end|>]\n",
    "internlm2_chat": "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n"
    "[I am Nova.<|im_end|>]\n",
    "qwen_chat": "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n"
    "[I am Nova.<|im_end|>]\n",
    "internlm_chat": "<|User|>:Who are you?<eoh>\n<|Bot|>:[I am Nova.<eoa>]\n",
    "llama3_chat": "<|start_header_id|>user<|end_header_id|>\n\nWho are you?<|eot_id|>"
    "<|start_header_id|>assistant<|end_header_id|>\n\n[I am Nova.<|eot_id|>]",
    "phi3_chat": "<|user|>\nWho are you?<|end|>\n<|assistant|>\n[I am Nova.<|end|>]\n",
    "gemma": "<start_of_turn>user\nWho are you?<end_of_turn>\n<start_of_turn>model\n"
    "[I am Nova.<end_of_turn>]\n",
    "mistral": "[INST] Who are you? [/INST][I am Nova.<|im_end|>]\n",
    "mixtral": "[INST] Who are you? [/INST][I am Nova.<|im_end|>]\n",
    "deepseek_moe": "[INST] Who are you? [/INST][I am Nova.<|im_end|>]\n",
    "code_llama_chat": "[INST] Who are you? [/INST][I am Nova.<|im_end|>]",
    "zephyr": "<|user|>\nWho are you?\n<|assistant|>\n[I am Nova.<|im_end|>]\n",
    "deepseek_v2": "User: Who are you?\n\nAssistant: [I am Nova.<｜end▁of▁sentence｜>]",
    "cohere_chat": "<|START_OF_TURN_TOKEN|><|USER_TOKEN|>Who are you?<|END_OF_TURN_TOKEN|>"
    "<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>[I am Nova.<|END_OF_TURN_TOKEN|>]",
    "minicpm": "<用户> Who are you? <AI>[I am Nova.<|im_end|>]\n",
    "minicpm3": "<|im_start|>user\nWho are you?<|im_end|>\n<|im_start|>assistant\n"
    "[I am Nova.<|im_end|>]\n",
    "llama2_chat": "[INST] Who are you? [/INST][I am Nova.<|im_end|>]\n",
    "vicuna": "USER: Who are you? ASSISTANT:[I am Nova.<|im_end|>]\n",
    "wizardlm": "USER: Who are you? ASSISTANT:[I am Nova.<|im_end|>]\n",
    "wizardcoder": "### Instruction:\nWho are you?\n\n### Response:[I am Nova.<|im_end|>]\n\n",
    "deepseek_coder": "### Instruction:\nWho are you?\n### Response:\n[I am Nova.<|im_end|>]\n",
    "chatglm2": "[Round 1]\n\n问：Who are you?\n\n答：[I am Nova.<|im_end|>]\n\n",
    "chatglm3": "<|user|>\nWho are you?<|assistant|>\n[I am Nova.<|im_end|>]\n",
    "baichuan_chat": "<reserved_102>Who are you?<reserved_103>[I am Nova.<|im_end|>]\n",
    "baichuan2_chat": "<reserved_106>Who are you?<reserved_107>[I am Nova.<|im_end|>]\n",
    "moss_sft": "<|Human|>: Who are you?<eoh>\n[I am Nova.<|im_end|>]\n",
}


def test_the_names_that_a_config_may_write_are_those_that_there_are():
    assert sorted(get_args(templates.Name)) == sorted(("auto", *NAMED))


def test_rounds_are_counted_with_a_system_text_and_without(tmp_path):
    ours = ChatTokenizer.load(tiny.write_model(tmp_path), "chatglm2")
    for first in ([], [Message("system", "Be brief.")]):
        asked = ours.render([*first, *TALK], answer_next=False)
        assert asked.partition("[Round 1]")[0] == ("Be brief.\n" if first else "")
        assert "[Round 2]\n\n问：你是谁？\n\n答：我是小星。" in asked
        assert "[Round 3]" not in asked


@pytest.mark.parametrize("name", NAMED)
def test_a_named_template_is_written_as_xtuner_writes_it(tmp_path, name):
    folder = tiny.write_model(tmp_path)
    made = bpe.tokenizer([*bpe.SPECIAL, *NAMED[name].stop])
    made.save(str(folder / "tokenizer.json"))
    ours = ChatTokenizer.load(folder, name)
    ((_, sample),) = ours.samples(TALK[:2])
    before, _, rest = NAMED_TALKS[name].partition("[I am")
    learned, _, after = rest.rpartition("]")
    assert ours.decode(sample.ids, special=True) == f"{before}I am{learned}{after}"
    assert _learned(ours, sample) == f"I am{learned}"


def test_a_template_without_a_place_for_a_system_text_refuses_one(tiny_model):
    with pytest.raises(UserError, match="no place for a system text"):
        ChatTokenizer.load(tiny_model, "minicpm").prompt([Message("system", "x"), TALK[0]])
