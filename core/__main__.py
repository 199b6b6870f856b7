"""The command line: `python -m core COMMAND`. The same functions as the page.

Exit codes: 0 done, 1 our fault, 2 the user's mistake, 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
import traceback

from core.cli import comparing, configs, machines, personas, results, training
from core.cli.follow import INTERRUPTED
from core.errors import UserError
from core.settings import Settings


def main(arguments: list[str] | None = None) -> int:
    """Parse, run, and turn errors into exit codes."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.do(options, Settings.from_environment()) or 0)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # what reads our output, such as head, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:
        traceback.print_exc()
        sys.stderr.write("This is our mistake, not yours. Please report the lines above.\n")
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m core", description=__doc__)
    add = parser.add_subparsers(required=True, metavar="COMMAND").add_parser
    for group in (configs, personas, training, machines, results, comparing):
        group.add(add)
    return parser


if __name__ == "__main__":
    sys.exit(main())
