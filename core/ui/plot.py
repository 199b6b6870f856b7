"""The loss curve as a small inline SVG: no library, sharp at any size, right in light and dark.

The drawing stretches with the page, so that numbers stand beside it as HTML and keep their size.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from core.status import Point
from core.ui.speech import Say

_WIDTH: Final = 1000.0
_HEIGHT: Final = 300.0
_MOST: Final = 400  # points drawn; more would not be seen
_SMOOTH_FROM: Final = 30  # points from which the average is drawn over the raw line


def loss_plot(points: Sequence[Point], total_steps: int, saved_steps: Sequence[int], t: Say) -> str:
    """Loss by step, with a dot at each checkpoint; an empty frame before the first step."""
    finite = [p for p in points if math.isfinite(p.loss)]
    if not finite:
        return f'<div class="plot empty"><p>{t("The loss curve appears with the first steps.")}</p></div>'
    last = max(total_steps, finite[-1].step, 2)
    top = _ceiling(max(p.loss for p in finite))

    def place(step: float, loss: float) -> tuple[float, float]:
        return (step - 1) / (last - 1) * _WIDTH, (1 - min(loss, top) / top) * _HEIGHT

    shown = _thin(finite)
    raw = [place(p.step, p.loss) for p in shown]
    smooth = [place(p.step, loss) for p, loss in zip(shown, _average(shown), strict=True)]
    many = len(finite) >= _SMOOTH_FROM
    line = smooth if many else raw
    parts = [f'<path class="area" d="{_area(line)}"/>']
    parts += [f'<path class="raw" d="{_path(raw)}"/>'] if many else []
    parts += [f'<path class="line" d="{_path(line)}"/>']
    by_step = {p.step: at for p, at in zip(shown, line, strict=True)}
    dots = [by_step[s] for s in saved_steps if s in by_step]
    ticks = [top * i / 4 for i in range(5)]
    grid = "".join(
        f'<line class="grid" x1="0" x2="{_WIDTH:.0f}" y1="{y:.1f}" y2="{y:.1f}"/>'
        for y in (_HEIGHT * i / 4 for i in range(5))
    )
    spoken = t("Loss {loss} at step {step} of {total}", **_now(finite[-1], total_steps))
    return (
        f'<figure class="plot" role="img" aria-label="{spoken}">'
        f"<figcaption>{t('Loss: how far its answers are from yours (lower is better)')}</figcaption>"
        '<div class="field"><div class="ys">'
        + "".join(
            f'<span style="bottom:{i * 25}%">{tick:.3g}</span>' for i, tick in enumerate(ticks)
        )
        + f'</div><svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT:.0f}" preserveAspectRatio="none" '
        f'aria-hidden="true">{grid}{"".join(parts)}</svg>'
        + "".join(
            f'<i class="dot" title="{t("checkpoint")}" '
            f'style="left:calc(3rem + (100% - 3rem) * {x / _WIDTH:.4f});top:{y / _HEIGHT:.2%}"></i>'
            for x, y in dots
        )
        + '</div><div class="xs">'
        + "".join(f"<span>{step}</span>" for step in _steps(last))
        + "</div></figure>"
    )


def _now(point: Point, total: int) -> dict[str, object]:
    return {"loss": f"{point.loss:.3g}", "step": point.step, "total": max(total, point.step)}


def _ceiling(loss: float) -> float:
    """A round number at or above the highest loss."""
    if loss <= 0:
        return 1.0
    unit = 10 ** math.floor(math.log10(loss))
    return float(next(m * unit for m in (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 20) if m * unit >= loss))


def _steps(last: int) -> list[int]:
    return sorted({1 + round((last - 1) * i / 4) for i in range(5)})


def _thin(points: Sequence[Point]) -> list[Point]:
    """At most _MOST points, evenly, the last one kept."""
    stride = max(1, math.ceil(len(points) / _MOST))
    return [*points[:-1:stride], points[-1]]


def _average(points: Sequence[Point]) -> list[float]:
    """An exponential average over about a tenth of the points, free of a start-up bias."""
    keep = 1 - 1 / max(2.0, len(points) / 10)
    total = weight = 0.0
    averages = []
    for point in points:
        total, weight = total * keep + point.loss, weight * keep + 1
        averages.append(total / weight)
    return averages


def _path(places: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)


def _area(places: Sequence[tuple[float, float]]) -> str:
    first, last = places[0][0], places[-1][0]
    return f"{_path(places)}L{last:.1f} {_HEIGHT:.0f}L{first:.1f} {_HEIGHT:.0f}Z"
