"""The schedule keeps every row, fills steps to their budget, and repeats itself by seed."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from core.schedule import Member, packs, schedule

rows = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 30)), min_size=1, max_size=20)


def _counts(steps):
    found = Counter()
    for step in steps:
        for member in step:
            found[member.row] += member.copies
    return found


@given(rows, st.integers(10, 200), st.integers(1, 3), st.booleans())
def test_every_row_is_learned_once_an_epoch_and_none_is_dropped(data, budget, epochs, shuffle):
    lengths, copies = zip(*data, strict=True)
    steps = schedule(lengths, copies, budget=budget, epochs=epochs, seed=1, shuffle=shuffle)
    assert _counts(steps) == {i: c * epochs for i, c in enumerate(copies)}


@given(rows, st.integers(10, 200))
def test_no_step_is_over_its_budget_unless_one_row_alone_is(data, budget):
    lengths, copies = zip(*data, strict=True)
    for step in schedule(lengths, copies, budget=budget, epochs=1, seed=1):
        tokens = sum(lengths[m.row] * m.copies for m in step)
        assert tokens <= budget or (len(step) == 1 and step[0].copies == 1)


def test_the_same_seed_gives_the_same_steps_and_another_seed_others():
    def steps(seed):
        return schedule([5] * 50, [1] * 50, budget=20, epochs=2, seed=seed)

    assert steps(1) == steps(1)
    assert steps(1) != steps(2)


def test_the_tutorials_job_is_130_steps_of_one_row():
    # 10,001 rows of 106 tokens, 16 × 1,024 tokens a step, two epochs (the tutorial's numbers).
    steps = schedule([106], [10_001], budget=16_384, epochs=2, seed=42)
    assert len(steps) == 130
    assert steps[0] == (Member(0, 154),)


@given(rows, st.integers(40, 200), st.booleans())
def test_packs_hold_exactly_the_step_and_stay_within_their_budget(data, budget, collapse):
    lengths, copies = zip(*data, strict=True)
    step = tuple(Member(i, c) for i, c in enumerate(copies))
    whole = packs(step, lengths, budget, collapse=collapse)
    assert _counts(whole) == dict(enumerate(copies))
    for pack in whole:
        assert sum(lengths[m.row] * (1 if collapse else m.copies) for m in pack) <= budget
