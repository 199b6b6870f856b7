"""Conversations become the ids of the model's own template; only answers are learned."""

from __future__ import annotations

from dataclasses import replace

import pytest
from transformers import AutoTokenizer

from core.dataset import Message
from core.errors import UserError
from core.tokens import ChatTokenizer
from tests import tiny

TALK = (
    Message("system", "Be brief."),
    Message("user", "Who are you?"),
    Message("assistant", "I am Nova."),
    Message("user", "你是谁？"),
    Message("assistant", "我是小星。"),
)


def _plain(messages):
    return [{"role": m.role, "content": m.content} for m in messages]


def test_ids_equal_those_of_apply_chat_template(tiny_model):
    ours = ChatTokenizer.load(tiny_model)
    theirs = AutoTokenizer.from_pretrained(tiny_model)
    whole = theirs.apply_chat_template(_plain(TALK), tokenize=True, return_dict=True)
    assert list(ours.encode(TALK).ids) == whole["input_ids"]
    asked = theirs.apply_chat_template(
        _plain(TALK[:2]), tokenize=True, add_generation_prompt=True, return_dict=True
    )
    assert list(ours.prompt(TALK[:2])) == asked["input_ids"]


def test_only_the_answers_and_their_end_marks_are_learned(tiny_model):
    ours = ChatTokenizer.load(tiny_model)
    row = ours.encode(TALK)
    learned = [t for t, on in zip(row.ids, row.learned, strict=True) if on]
    assert ours.decode(learned, special=True) == "I am Nova.<|im_end|>我是小星。<|im_end|>"
    assert row.ids[-1] == ours.tokenizer.encode("\n").ids[0]
    assert not row.learned[-1]


def test_an_answer_that_is_only_read_is_seen_and_not_learned(tiny_model):
    ours = ChatTokenizer.load(tiny_model)
    read = (*TALK[:2], replace(TALK[2], learned=False), *TALK[3:])
    row = ours.encode(read)
    assert row.ids == ours.encode(TALK).ids
    learned = [t for t, on in zip(row.ids, row.learned, strict=True) if on]
    assert ours.decode(learned, special=True) == "我是小星。<|im_end|>"


def test_a_prompt_is_the_beginning_of_the_row_that_was_learned(tiny_model):
    ours = ChatTokenizer.load(tiny_model)
    prompt = ours.prompt(TALK[:2])
    assert ours.encode(TALK).ids[: len(prompt)] == prompt


def test_a_named_template_ends_answers_with_its_own_mark_or_the_tokenizers(tiny_model):
    ours = ChatTokenizer.load(tiny_model, "default")
    row = ours.encode(TALK[1:3])
    assert ours.decode(row.ids, special=True) == (
        "<|User|>:Who are you?\n<|Bot|>:I am Nova.<|im_end|>\n"
    )


def test_a_model_without_a_template_is_refused_with_a_remedy(tmp_path):
    folder = tiny.write_model(tmp_path / "base", template=None)
    with pytest.raises(UserError, match="brings no prompt template"):
        ChatTokenizer.load(folder)
    assert ChatTokenizer.load(folder, "internlm2_chat").encode(TALK).ids


def test_an_unknown_template_name_is_refused_with_the_known_ones(tiny_model):
    with pytest.raises(UserError, match="internlm2_chat"):
        ChatTokenizer.load(tiny_model, "internlm3_chat")


def test_a_template_that_rewrites_the_question_is_refused(tmp_path):
    folder = tiny.write_model(
        tmp_path / "last",
        template="{{ messages | length }}{% for m in messages %}{{ m['content'] }}{% endfor %}",
    )
    with pytest.raises(UserError, match="otherwise once it is answered"):
        ChatTokenizer.load(folder).encode(TALK)
