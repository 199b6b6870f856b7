"""A SentencePiece model (`tokenizer.model`) as a `tokenizers` one, with the same ids.

The file is read field by field, never run: it is a protobuf (github.com/google/sentencepiece,
sentencepiece_model.proto) with its pieces in field 1, the trainer's settings in 2, the
normalizer's in 3. Only byte-pair models are covered; others come with a tokenizer.json.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, processors

from core.errors import UserError

_NORMAL, _UNKNOWN, _CONTROL, _USER, _BYTE = 1, 2, 3, 4, 6
_BPE: Final = 2
_MOST_PIECES: Final = 2_000_000
_MOST_BYTES: Final = 2**28
_SPACE: Final = "▁"


@dataclass(frozen=True)
class Pieces:
    """What of a SentencePiece model decides its ids. `pieces` are (text, score, type)."""

    pieces: tuple[tuple[str, float, int], ...]
    charsmap: bytes
    dummy_prefix: bool
    squeeze: bool

    def ids_of(self, kind: int) -> list[int]:
        """Ids of the pieces of one type."""
        return [i for i, (_, _, t) in enumerate(self.pieces) if t == kind]


def read(file: Path) -> Pieces:
    """Read a tokenizer.model.

    Raises:
        UserError: it is damaged, far too large, or not a byte-pair model.
    """
    pieces: list[tuple[str, float, int]] = []
    charsmap, dummy, squeeze, kind = b"", True, True, 1
    if file.stat().st_size > _MOST_BYTES:
        raise _unfit(file, "it is far too large")
    try:
        for number, value in _fields(file.read_bytes()):
            if number == 1 and isinstance(value, bytes):
                part = dict(_fields(value))
                text, score = part.get(1, b""), part.get(2, b"\0\0\0\0")
                assert isinstance(text, bytes) and isinstance(score, bytes)
                type_ = part.get(3, _NORMAL)
                assert isinstance(type_, int)
                pieces.append((text.decode("utf-8"), struct.unpack("<f", score)[0], type_))
            elif number == 2 and isinstance(value, bytes):
                kind = int(dict(_fields(value)).get(3, 1))
            elif number == 3 and isinstance(value, bytes):
                part = dict(_fields(value))
                found = part.get(2, b"")
                charsmap = found if isinstance(found, bytes) else b""
                dummy, squeeze = bool(part.get(3, 1)), bool(part.get(4, 1))
    except (AssertionError, ValueError, IndexError, struct.error) as error:
        raise _unfit(file, "it is damaged") from error
    if kind != _BPE:
        raise _unfit(file, "it is not a byte-pair model")
    if not 0 < len(pieces) <= _MOST_PIECES:
        raise _unfit(file, f"it has {len(pieces)} pieces")
    return Pieces(tuple(pieces), charsmap, dummy, squeeze)


def tokenizer(model: Pieces, special: Mapping[str, int], bos: str | None) -> Tokenizer:
    """The same ids as SentencePiece's, with special tokens at the ids they are given.

    Args:
        special: text → id; an id within the model renames the piece that stood there.
        bos: a special token that plain encoding begins with, if any.
    """
    names = [text for text, _, _ in model.pieces]
    for text, i in special.items():
        if i < len(names):
            names[i] = text
    vocabulary = {name: i for i, name in enumerate(names)}
    normal = {model.pieces[i][0]: i for i in model.ids_of(_NORMAL) if names[i] not in special}
    unknown = next((names[i] for i in model.ids_of(_UNKNOWN)), None)
    built = Tokenizer(
        models.BPE(
            vocab=vocabulary,
            merges=_merges(model, normal),
            unk_token=unknown,
            fuse_unk=True,
            byte_fallback=bool(model.ids_of(_BYTE)),
        )
    )
    built.normalizer = normalizers.Sequence(_normalizers(model))
    back = [decoders.Replace(_SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    if model.dummy_prefix:
        back.append(decoders.Strip(" ", 1, 0))
    built.decoder = decoders.Sequence(back)
    control = {i: names[i] for i in (*model.ids_of(_UNKNOWN), *model.ids_of(_CONTROL))}
    ordered = sorted({**control, **{i: t for t, i in special.items()}}.items())
    built.add_special_tokens([AddedToken(t, normalized=False, special=True) for _, t in ordered])
    own = [names[i] for i in model.ids_of(_USER) if names[i] not in special]
    built.add_tokens([AddedToken(t, normalized=False) for t in own])
    if bos:
        built.post_processor = processors.TemplateProcessing(
            single=f"{bos}:0 $A:0",
            pair=f"{bos}:0 $A:0 {bos}:1 $B:1",
            special_tokens=[(bos, built.token_to_id(bos))],
        )
    return built


def _merges(model: Pieces, normal: Mapping[str, int]) -> list[tuple[str, str]]:
    """Every way to make a piece of two others, the best-scored piece first."""
    found = []
    for text, i in normal.items():
        for cut in range(1, len(text)):
            left, right = normal.get(text[:cut]), normal.get(text[cut:])
            if left is not None and right is not None:
                found.append((-model.pieces[i][1], i, left, right, text[:cut], text[cut:]))
    return [(left, right) for *_, left, right in sorted(found)]


def _normalizers(model: Pieces) -> list[normalizers.Normalizer]:
    found: list[normalizers.Normalizer] = []
    if model.charsmap:
        found.append(normalizers.Precompiled(model.charsmap))
    if model.squeeze:
        found += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if model.dummy_prefix:
        found.append(normalizers.Prepend(_SPACE))
    return [*found, normalizers.Replace(" ", _SPACE)]


def _fields(raw: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a protobuf message; four- and eight-byte values as bytes."""
    at = 0
    while at < len(raw):
        key, at = _varint(raw, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            whole, at = _varint(raw, at)
            yield number, whole
            continue
        if wire == 2:
            size, at = _varint(raw, at)
        elif wire in (1, 5):
            size = 8 if wire == 1 else 4
        else:
            raise ValueError(f"wire type {wire}")
        if at + size > len(raw):
            raise ValueError("cut short")
        yield number, raw[at : at + size]
        at += size


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number is too long")


def _unfit(file: Path, reason: str) -> UserError:
    return UserError(
        "The tokenizer {file} cannot be read: {reason}.",
        "Choose a folder that holds a tokenizer.json as well.",
        file=file.name,
        reason=reason,
    )
