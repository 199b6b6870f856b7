"""The three scores by step as a small inline SVG, in the manner of the loss curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from core.scores import Scores
from core.ui.speech import Say

_WIDTH: Final = 1000.0
_HEIGHT: Final = 200.0


def score_plot(alike: Sequence[Scores], t: Say) -> str:
    """Recall and leak (0 to 100 %) and drift (KL, against its own highest); from two steps on."""
    if len(alike) < 2:
        return ""
    first, last = alike[0].step, alike[-1].step
    top = max(max(s.kl for s in alike), 1e-6)
    curves: list[tuple[str, str, Callable[[Scores], float]]] = [
        ("recall", t("Knows itself"), lambda s: s.recall().rate),
        ("leak", t("Tells unasked"), lambda s: s.leak().rate),
        ("drift", t("Drift (KL), highest {kl}", kl=f"{top:.3f}"), lambda s: s.kl / top),
    ]
    grid = "".join(
        f'<line class="grid" x1="0" x2="{_WIDTH:.0f}" y1="{_HEIGHT * i / 4:.1f}" '
        f'y2="{_HEIGHT * i / 4:.1f}"/>'
        for i in range(5)
    )
    paths, keys = [], []
    for name, words, value in curves:
        places = [
            ((s.step - first) / (last - first) * _WIDTH, (1 - value(s)) * _HEIGHT) for s in alike
        ]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        paths.append(f'<path class="score {name}" d="{path}"/>')
        keys.append(f'<span class="key {name}">{words}</span>')
    spoken = t("The three scores from step {first} to step {last}", first=first, last=last)
    return (
        f'<figure class="plot scores" role="img" aria-label="{spoken}">'
        f"<figcaption>{''.join(keys)}</figcaption>"
        '<div class="field"><div class="ys">'
        + "".join(f'<span style="bottom:{i * 25}%">{i * 25}%</span>' for i in range(5))
        + f'</div><svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" preserveAspectRatio="none" '
        f'aria-hidden="true">{grid}{"".join(paths)}</svg></div><div class="xs">'
        + "".join(f"<span>{first + round((last - first) * i / 4)}</span>" for i in range(5))
        + "</div></figure>"
    )
