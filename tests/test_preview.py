"""The preview shows exactly what training encodes: the same ids, the same learned tokens."""

from __future__ import annotations

import pytest

from core import run as runs
from core.__main__ import main
from core.config import writer
from core.config.schema import Config
from core.conversations import Conversations
from core.dataset import Message, Row, dumps
from core.errors import UserError
from core.files import Lock
from core.preview import preview
from core.tokens import ChatTokenizer
from core.work import encode

ROWS = (
    Row((Message("user", "你是谁？"), Message("assistant", "我是小星 🙂。"))),
    Row((Message("user", "Who?"), Message("assistant", "Nova."))),
    Row((Message("user", "Who?"), Message("assistant", "Nova."))),
)


def config_for(model, **settings) -> Config:
    return Config.model_validate(
        {"settings": {"pretrained_model_name_or_path": str(model), "max_length": 512, **settings}}
    )


@pytest.mark.parametrize("system", ["", "You are kind."])
def test_the_pieces_are_the_ids_that_training_learns(tiny_model, settings, system):
    config = config_for(tiny_model, SYSTEM=system)
    work = encode(ROWS, ChatTokenizer.load(tiny_model), config)
    for number, encoded in enumerate(work.encoded, 1):
        shown = preview(config, Conversations(ROWS), settings, number)
        flat = [(i, piece.learned) for piece in shown.pieces for i in piece.ids]
        assert flat == list(zip(encoded.ids, encoded.learned, strict=True))
        assert (shown.tokens, shown.learned) == (len(encoded.ids), sum(encoded.learned))
        assert (shown.copies, shown.rows) == (work.copies[number - 1], 2)
        assert "\ufffd" not in "".join(piece.text for piece in shown.pieces)
    assert "我是小星 🙂。" in "".join(
        piece.text for piece in preview(config, Conversations(ROWS), settings).pieces
    )


def test_what_lies_beyond_max_length_is_shown_as_cut(tiny_model, settings):
    config = config_for(tiny_model, max_length=32)
    long = Row((Message("user", "Who?"), Message("assistant", "Nova. " * 30)))
    shown = preview(config, Conversations((long,)), settings)
    assert sum(len(piece.ids) for piece in shown.pieces if not piece.cut) == 32
    assert shown.pieces[-1].cut and 0 < shown.learned < 32


def test_a_number_out_of_range_shows_the_nearest_and_a_missing_model_is_told(tiny_model, settings):
    known = Conversations(ROWS)
    assert preview(config_for(tiny_model), known, settings, 99).number == 2
    assert preview(config_for(tiny_model), known, settings, -5).number == 1
    with pytest.raises(UserError, match="tokens cannot be shown"):
        preview(config_for("some/model"), known, settings)


def test_the_command_prints_each_piece_with_its_ids(tiny_model, tmp_path, capsys):
    (tmp_path / "dataset.json").write_text(dumps(ROWS), "utf-8")
    (tmp_path / "mine.yaml").write_text(writer.dump(config_for(tiny_model)), "utf-8")
    assert main(["tokens", str(tmp_path / "mine.yaml"), "--row", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1].split() == ["1", "'<|im_start|>'"]
    assert any(line.split()[0] == "yes" and line.endswith("'<|im_end|>'") for line in said[1:-1])
    assert said[-1].startswith("Row 2 of 2 (× 2): ")


def test_a_run_takes_another_name_but_never_one_that_is_taken_or_while_it_works(tmp_path):
    first, second = runs.create(tmp_path, "one"), runs.create(tmp_path, "two")
    (first.path / "config.yaml").write_text("", "utf-8")
    new = runs.rename(first, "../A new: name")
    assert new.path == tmp_path / "A-new-name" and new.config_file.exists()
    with pytest.raises(UserError, match="There is a run named"):
        runs.rename(second, new.name)
    lock = Lock.take(second.lock_file)
    with pytest.raises(UserError, match="is working"):
        runs.rename(second, "free")
    lock.release()
    assert second.path.exists()
