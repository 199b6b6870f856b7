"""Program: render one model's prompt template, in a process that can be spared.

A template is a stranger's program. Jinja's sandbox keeps it from Python; here it also has little
processor time, little memory, no file to write, and an environment without secrets. It reads and
writes JSON lines; `core.render` starts it by its path, so it imports nothing of the studio.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
import time
from typing import Any, Final

import jinja2.ext
from jinja2 import TemplateError, nodes
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

_MEMORY: Final = 2**30
_LONGEST: Final = 2**22  # characters of one rendered conversation


class Generation(jinja2.ext.Extension):
    """`{% generation %} … {% endgeneration %}`, which some templates put around answers."""

    tags = {"generation"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        """The body alone."""
        line = next(parser.stream).lineno
        body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
        return nodes.Scope(body).set_lineno(line)


def main() -> int:
    """Serve until the input ends."""
    for what, most in (
        (resource.RLIMIT_AS, _MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    first = json.loads(sys.stdin.readline())
    seconds, special = first["seconds"], first["special"]
    template: jinja2.Template | None = None
    for line in sys.stdin:
        # Processor time, not time on the wall: a busy machine is no fault of the template.
        signal.setitimer(signal.ITIMER_PROF, seconds)
        try:
            template = template or _compile(first["source"])
            reply: dict[str, Any] = {
                "texts": [_render(template, job, special) for job in json.loads(line)]
            }
        except MemoryError:
            return 1
        except Exception as error:  # whatever a template does wrong is told, not shown as ours
            reply = {"error": f"{error}"[:300] or type(error).__name__}
        signal.setitimer(signal.ITIMER_PROF, 0)
        sys.stdout.write(json.dumps(reply) + "\n")
        sys.stdout.flush()
    return 0


def _render(template: jinja2.Template, job: dict[str, Any], special: dict[str, str]) -> str:
    parts, length = [], 0
    for part in template.generate(
        messages=job["messages"],
        add_generation_prompt=job["answer_next"],
        # What transformers hands over too, so that `is none` and `is defined` say the same.
        tools=None,
        documents=None,
        enable_thinking=False,
        **special,
    ):
        parts.append(part)
        length += len(part)
        if length > _LONGEST:
            raise TemplateError("it writes far too much")
    return "".join(parts)


def _compile(source: str) -> jinja2.Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols]
    )
    environment.filters["tojson"] = _tojson
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = time.strftime
    return environment.from_string(source)


def _tojson(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: str) -> None:
    raise TemplateError(message)


if __name__ == "__main__":
    sys.exit(main())
