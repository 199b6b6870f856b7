"""Dataset files: every layout and encoding, and errors that name the row and the remedy."""

from __future__ import annotations

import ast
import codecs
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core import dataset
from core.dataset import Message, Row
from core.dataset_formats import Columns
from core.dataset_summary import describe
from core.errors import UserError, translate

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples" / "datasets").iterdir())

ASKED = [Message("user", "Who are you?"), Message("assistant", "I am Momo.")]
ROW = Row(tuple(ASKED))


def written(folder: Path, content: str | bytes | object, name: str = "data.json") -> Path:
    path = folder / name
    if not isinstance(content, (str, bytes)):
        content = json.dumps(content, ensure_ascii=False)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def messages(*turns: tuple[Any, Any], **more: object) -> dict[str, object]:
    return {"messages": [{"role": role, "content": content} for role, content in turns], **more}


GOOD = messages(("user", "Who are you?"), ("assistant", "I am Momo."))


def test_the_examples_cover_every_layout() -> None:
    assert [path.name for path in EXAMPLES] == [
        "alpaca.json",
        "columns.csv",
        "conversation.json",
        "messages.json",
        "messages.jsonl",
        "oasst1.jsonl",
        "placeholders.json",
        "sharegpt.json",
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_loads_fills_and_checks(path: Path) -> None:
    rows = dataset.load(path)
    dataset.check(dataset.fill_placeholders(rows, "Juniper", "Maple Workshop"))
    assert describe(rows).rows == len(rows) > 0
    layout: Any = path.stem if path.stem != "placeholders" else "alpaca"
    assert dataset.load(path, layout) == rows


@pytest.mark.parametrize(
    ("record", "row"),
    [
        (GOOD, ROW),
        (GOOD | {"kind": "contrast", "id": 7}, Row(tuple(ASKED), "contrast")),
        ({"instruction": "Who are you?", "input": "", "output": "I am Momo."}, ROW),
        (
            {"instruction": "Translate", "input": "你好", "output": "Hi", "system": "Be brief"},
            Row(
                (
                    Message("system", "Be brief"),
                    Message("user", "Translate\n你好"),
                    Message("assistant", "Hi"),
                )
            ),
        ),
        (
            {"instruction": "c", "output": "d", "history": [["a", "b"]]},
            Row(
                (
                    Message("user", "a"),
                    Message("assistant", "b"),
                    Message("user", "c"),
                    Message("assistant", "d"),
                )
            ),
        ),
        (
            {
                "conversations": [
                    {"from": "human", "value": "Who are you?"},
                    {"from": "gpt", "value": "I am Momo."},
                ]
            },
            ROW,
        ),
        ({"conversations": GOOD["messages"]}, ROW),
        ({"conversation": [{"input": "Who are you?", "output": "I am Momo."}]}, ROW),
        (
            {"conversation": [{"system": "S", "input": "Who are you?", "output": "I am Momo."}]},
            Row((Message("system", "S"), *ASKED)),
        ),
        ({"prompt": "Who are you?", "completion": "I am Momo."}, ROW),
        ({"query": "Who are you?", "response": "I am Momo.", "tag": "en"}, ROW),
        ({"问题": "Who are you?", "答案": "I am Momo."}, ROW),
        (
            messages(
                ("user", [{"type": "text", "text": "Who are "}, {"type": "text", "text": "you?"}]),
                ("assistant", "I am Momo."),
            ),
            ROW,
        ),
        ({"text": "### Human: Who are you?### Assistant: I am Momo.### Human: Ok"}, ROW),
        (messages(("user", "Why?"), kind="replay"), Row((Message("user", "Why?"),), "replay")),
    ],
)
def test_a_record_of_any_layout_becomes_the_same_row(
    record: object, row: Row, tmp_path: Path
) -> None:
    assert dataset.load(written(tmp_path, [record])) == [row]
    assert dataset.load(written(tmp_path, json.dumps(record) + "\n", "data.jsonl")) == [row]


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b""),
        ("utf-8", codecs.BOM_UTF8),
        ("utf-16-le", codecs.BOM_UTF16_LE),
        ("utf-16-be", codecs.BOM_UTF16_BE),
        ("gb18030", b""),
    ],
)
def test_every_accepted_encoding_gives_the_same_text(
    encoding: str, mark: bytes, tmp_path: Path
) -> None:
    text = '[{"input": "你是谁", "output": "小满"}]'
    (row,) = dataset.load(written(tmp_path, mark + text.encode(encoding)))
    assert [m.content for m in row.messages] == ["你是谁", "小满"]


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_may_use_comma_semicolon_or_tab(separator: str, tmp_path: Path) -> None:
    table = f'Question{separator}Answer\r\n"Who are{separator} you?"{separator}"Mo\nmo"\r\n'
    (row,) = dataset.load(written(tmp_path, table, "data.CSV"))
    assert [m.content for m in row.messages] == [f"Who are{separator} you?", "Mo\nmo"]


def test_columns_are_filled_into_templates(tmp_path: Path) -> None:
    columns = Columns(("Name {hex}.", "{name}?"), ("{name}", "{hex} {0.x}"), "Colours")
    record = {"name": "{hex}", "hex": "#fff", "0.x": "y"}
    first, second = dataset.load(written(tmp_path, [record]), "columns", columns=columns)
    assert [m.content for m in first.messages] == ["Colours", "Name #fff.", "{hex}"]
    assert [m.content for m in second.messages] == ["Colours", "{hex}?", "#fff y"]


def test_a_template_that_names_a_missing_column_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, [{"a": "b"}])
    with pytest.raises(
        UserError, match=r"Row 1 of data\.json has no column “input”. Its columns are a"
    ):
        dataset.load(path, "columns", columns=Columns())
    with pytest.raises(UserError, match="There are 2 templates for questions and 1 for answers"):
        dataset.load(path, "columns", columns=Columns(("{a}", "{a}"), ("{a}",)))


def test_json_lines_are_known_by_their_content_too(tmp_path: Path) -> None:
    lines = f"{json.dumps(GOOD)}\n\n{json.dumps(GOOD)}\n"
    assert dataset.load(written(tmp_path, lines, "data.json")) == [ROW, ROW]
    assert dataset.load(written(tmp_path, lines, "data.txt")) == [ROW, ROW]


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (messages(("user", "Hi")), "Row 2 of data.json has no assistant message. Add one"),
        (messages(), "Row 2 of data.json has no assistant message."),
        (
            messages((None, "Hi"), ("assistant", "x")),
            "Row 2 of data.json has a message without “role”",
        ),
        (
            messages(("bot", "Hi"), ("assistant", "x")),
            "a message by “bot”, an unknown role. Use system",
        ),
        (messages(("user", " "), ("assistant", "x")), "Row 2 of data.json has an empty message."),
        (messages(("user", "a"), ("assistant", None)), "Row 2 of data.json has an empty message."),
        (
            messages(("user", "a"), ("assistant", 3)),
            "Row 2 of data.json has a message that is not text.",
        ),
        (messages(("user", "a\0"), ("assistant", "x")), "has a character that is not text"),
        (messages(("user", "a"), ("user", "b"), ("assistant", "x")), "two messages in a row"),
        (
            messages(("assistant", "a"), ("user", "b"), ("assistant", "x")),
            "does not start with a user",
        ),
        (
            messages(("user", "a"), ("assistant", "x"), ("user", "b")),
            "does not end with an assistant",
        ),
        (
            messages(("user", "a"), ("system", "s"), ("assistant", "x")),
            "a system message that is not its first and only one",
        ),
        (
            messages(("system", "s"), ("system", "s"), ("user", "a"), ("assistant", "x")),
            "a system message that is not its first and only one",
        ),
        (GOOD | {"kind": "other"}, "Row 2 of data.json is of the kind “other”"),
        ({"messages": "Hi"}, "Row 2 of data.json: “messages” is not a list."),
        ({"messages": ["Hi"]}, "Row 2 of data.json is not an object"),
        ("Hi", "Row 2 of data.json is not an object with named fields."),
        ({"input": "a", "output": "b"}, "Row 2 of data.json lacks the field “messages”"),
    ],
)
def test_a_faulty_row_is_named_by_its_number(record: object, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        dataset.load(written(tmp_path, [GOOD, record]))
    assert message in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_half_a_symbol_is_refused(tmp_path: Path) -> None:
    text = '[{"input": "\\ud83d", "output": "x"}]'
    with pytest.raises(UserError, match="half a symbol"):
        dataset.load(written(tmp_path, text))


@pytest.mark.parametrize(
    ("raw", "name", "message"),
    [
        (b"", "a.json", "a.json is empty."),
        (b" \n ", "a.jsonl", "a.jsonl is empty."),
        (b"[]", "a.json", "a.json is empty."),
        (b"question,answer\n", "a.csv", "a.csv is empty."),
        (
            b'[{"input": "a", "out',
            "a.json",
            "ends too early: its JSON breaks off at line 1, column 17",
        ),
        (b'[\n{"input": "a"},\n', "a.json", "ends too early: its JSON breaks off at line 3"),
        (b'[\n{"input" "a"}]', "a.json", "not valid JSON: it breaks at line 2, column 10"),
        (b'{"input": "a", "output": "b"}\n{"in', "a.jsonl", "breaks off at line 2"),
        (b'{"a": 1}', "a.json", "a.json is not a list of conversations."),
        (b'[{"x": 1}]', "a.json", "has the fields x, which are no known layout"),
        (b"[{}]", "a.json", "no known layout"),
        (b"[NaN]", "a.json", "NaN"),
        (b"[" * 100_000, "a.json", "deep nesting"),
        (b"[" + b"9" * 5000 + b"]", "a.json", "a huge number"),
        (b"[{\0}]", "a.json", "zero bytes"),
        ("[]".encode("utf-16-le"), "a.json", "zero bytes"),
        (b"\xff\xd8\xff\xe0", "a.json", "encoding that cannot be read"),
        (b'["caf\xe9 "]', "a.json", "encoding that cannot be read"),
        (b"hello", "a.json", "starts with “hello”"),
        (b"question,answer\na\n", "a.csv", "Row 1 of a.csv has more or fewer cells"),
        (b"question,answer\na,b,c\n", "a.csv", "Row 1 of a.csv has more or fewer cells"),
        (b'question,answer\na,"b\n', "a.csv", "not a valid table"),
        (b"question,answer\na,b\na,\n", "a.csv", "Row 2 of a.csv has an empty message"),
    ],
)
def test_a_faulty_file_is_named_with_the_place(
    raw: bytes, name: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        dataset.load(written(tmp_path, raw, name))
    assert message in str(caught.value)


def test_a_200_mb_upload_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    with path.open("wb") as file:
        file.truncate(200 * 10**6)
    with pytest.raises(UserError, match=r"big\.json has 191 MiB, and a dataset may have 64 MiB"):
        dataset.load(path)


def test_too_many_rows_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "MAX_ROWS", 2)
    with pytest.raises(UserError, match="has 3 rows, and a dataset may have 2"):
        dataset.load(written(tmp_path, [GOOD] * 3))


def test_folders_and_missing_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is a folder"):
        dataset.load(tmp_path)
    with pytest.raises(UserError, match=r"There is no file none\.json"):
        dataset.load(tmp_path / "none.json")
    with pytest.raises(UserError, match=r"There is no file null"):
        dataset.load(Path("/dev/null"))


def test_errors_use_the_name_that_the_person_knows(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"my data\.json is empty"):
        dataset.load(written(tmp_path, ""), name="my data.json")


def test_placeholders_are_found_filled_and_refused_while_they_remain() -> None:
    row = Row(
        (Message("user", "Hi {{ name }}"), Message("assistant", "{{NAME}} by {{author}}, {{x}}"))
    )
    assert dataset.placeholders([row]) == ("name", "author")
    with pytest.raises(
        UserError, match=r"Row 2 of dataset\.json still holds the placeholder \{\{ name"
    ):
        dataset.check([ROW, row])
    (filled,) = dataset.fill_placeholders([row], r"Mo\1mo", "Ann")
    assert [m.content for m in filled.messages] == [r"Hi Mo\1mo", r"Mo\1mo by Ann, {{x}}"]
    dataset.check([filled])


def test_a_check_of_no_rows_fails() -> None:
    with pytest.raises(UserError, match="is empty"):
        dataset.check([])


def test_a_summary_counts_rows_kinds_and_guesses_languages() -> None:
    chinese = Row(
        (Message("user", "你是谁？"), Message("assistant", "我是Momo，一个AI助手。")), "contrast"
    )
    japanese = Row((Message("user", "こんにちは"), Message("assistant", "はい")))
    summary = describe([ROW] * 3 + [chinese, japanese])
    assert (summary.rows, summary.unique, summary.turns) == (5, 3, 1)
    assert summary.languages == ("en", "zh", "other")
    assert summary.kinds == (("persona", 4), ("contrast", 1))
    assert summary.longest == len("Who are you?I am Momo.")
    assert describe([]).rows == 0


def test_a_saved_dataset_is_openai_json_and_loads_again(tmp_path: Path) -> None:
    rows = [ROW, Row((Message("user", "Why?"),), "replay")]
    dataset.save(rows, tmp_path / "dataset.json")
    assert json.loads((tmp_path / "dataset.json").read_text("utf-8"))[0] == GOOD
    assert dataset.load(tmp_path / "dataset.json") == rows


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=8)
KEYS = st.sampled_from(
    "messages role content conversations from value conversation input output instruction "
    "text history system question answer kind".split()
)
ANYTHING = st.recursive(
    LEAVES | st.sampled_from(["user", "assistant", "system", "human", "gpt"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
FUZZ = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def load_or_refuse(path: Path) -> None:
    try:
        rows = dataset.load(path)
    except UserError as error:
        assert error.render("zh") != error.render("en")
    else:
        assert dataset.dumps(rows).encode()


@FUZZ
@given(data=st.lists(ANYTHING, max_size=3), name=st.sampled_from(["a.json", "a.jsonl"]))
def test_any_json_loads_or_gives_a_user_error(
    data: list[object], name: str, tmp_path: Path
) -> None:
    text = json.dumps(data) if name == "a.json" else "\n".join(map(json.dumps, data))
    load_or_refuse(written(tmp_path, text, name))


@FUZZ
@given(raw=st.binary(max_size=60), name=st.sampled_from(["a.json", "a.jsonl", "a.csv", "a"]))
def test_any_bytes_load_or_give_a_user_error(raw: bytes, name: str, tmp_path: Path) -> None:
    load_or_refuse(written(tmp_path, raw, name))


@FUZZ
@given(text=st.text(alphabet='qa,;"\n\r\t\0你', max_size=40))
def test_any_table_loads_or_gives_a_user_error(text: str, tmp_path: Path) -> None:
    load_or_refuse(written(tmp_path, "question,answer\n" + text, "a.csv"))


def sentences(path: Path) -> set[str]:
    """Every English template of a module: errors, texts, and the fields' titles and help."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        parts: list[ast.expr] = []
        match node:
            case ast.Call(func=ast.Name(id="UserError" | "text"), args=args):
                parts = args[:2]
            case ast.Assign(targets=[ast.Name(id="fault" | "problem" | "remedy")], value=value):
                parts = [n for n in ast.walk(value) if isinstance(n, ast.Constant)]
            case ast.keyword(arg="title" | "description", value=value):
                parts = [value]
        constants = (part.value for part in parts if isinstance(part, ast.Constant))
        found |= {value for value in constants if isinstance(value, str) and value}
    return found


def test_every_sentence_has_a_chinese_translation_with_the_same_values() -> None:
    table = json.loads((ROOT / "core/locale/zh/persona.json").read_text("utf-8"))
    modules = [*(ROOT / "core").glob("dataset*.py"), *(ROOT / "core" / "persona").glob("*.py")]
    written_down = set().union(*map(sentences, modules))
    assert written_down == set(table)
    for english, chinese in table.items():
        assert translate(english, "zh") == chinese
        assert _slots(english) == _slots(chinese), english


def _slots(template: str) -> set[str]:
    return {part.split("}")[0] for part in template.split("{")[1:]}


def test_conversations_as_moss_was_taught_lose_their_marks(tmp_path):
    turn = {
        "Human": "<|Human|>: 你好吗？<eoh>\n",
        "Inner Thoughts": "<|Inner Thoughts|>: None<eot>\n",
        "MOSS": "<|MOSS|>: 很好。\n谢谢！<eom>\n",
    }
    chat = {"turn_1": turn, "turn_2": {**turn, "Human": "<|Human|>: 再见<eoh>"}}
    file = written(tmp_path, json.dumps({"meta_instruction": "x", "num_turns": 2, "chat": chat}))
    (row,) = dataset.load(file.rename(file.with_suffix(".jsonl")))
    assert [m.content for m in row.messages] == [
        "你好吗？",
        "很好。\n谢谢！",
        "再见",
        "很好。\n谢谢！",
    ]


def test_at_most_so_many_records_are_used(tmp_path):
    rows = [{"input": f"q{i}", "output": "a"} for i in range(9)]
    file = written(tmp_path, json.dumps(rows))
    assert [r.messages[0].content for r in dataset.load(file, most=2)] == ["q0", "q1"]


def test_an_answer_of_weight_zero_is_read_and_not_learned(tmp_path: Path) -> None:
    talk = [
        {"role": "user", "content": "Is Rome in Italy?"},
        {"role": "assistant", "content": "Yes.", "weight": 0},
        {"role": "user", "content": "And who are you?"},
        {"role": "assistant", "content": "Nova.", "weight": 1},
    ]
    (tmp_path / "a.json").write_text(json.dumps([{"messages": talk}]))
    rows = dataset.load(tmp_path / "a.json")
    assert [m.learned for m in rows[0].messages] == [True, False, True, True]
    dataset.save(rows, tmp_path / "b.json")
    assert dataset.load(tmp_path / "b.json") == rows
    del talk[3]["weight"]
    assert json.loads((tmp_path / "b.json").read_text()) == [{"messages": talk}]
    talk[1]["weight"] = 0.5
    (tmp_path / "a.json").write_text(json.dumps([{"messages": talk}]))
    with pytest.raises(UserError, match="whose weight is"):
        dataset.load(tmp_path / "a.json")
