"""The page: the only package that imports Gradio. One file per tab; logic in pure views.

Gradio rewrites the type stubs of all its components on every import, 40 % of its import time.
It leaves that out for classes without a source file, so for the length of the import they have
none: the page opens more than a second earlier.
"""

from __future__ import annotations

import inspect
from typing import Any
from unittest import mock

_file_of = inspect.getfile


def _no_stubs(found: Any) -> str:
    if str(getattr(found, "__module__", "")).startswith("gradio."):
        raise OSError("no type stub wanted")
    return _file_of(found)


with mock.patch.object(inspect, "getfile", _no_stubs):
    import gradio as gradio
