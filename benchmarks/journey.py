"""The default journey on the built-in model: seconds from Start to a chatting assistant, and chat.

Run from the top folder: PYTHONPATH=. python benchmarks/journey.py [examples/personas/chinese.yaml]
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from core import chat
from core.cli.demo import demo
from core.persona import persona as personas
from core.settings import Settings
from core.status import status

PROMPT = [{"role": "user", "content": "Write a short story about a lighthouse."}]


def main() -> None:
    """Run the journey once, then measure chat on its merged model."""
    settings = Settings.from_environment()
    chosen = personas.load(Path(sys.argv[1])) if len(sys.argv) > 1 else None
    told = demo(settings, lambda line: None, chosen)
    run, points = told.run, status(told.run).points
    print(f"Start to merged, chatting assistant  {told.seconds:.0f} s")
    print(f"  training                           {sum(p.seconds for p in points):.0f} s")
    print(f"  peak memory                        {points[-1].memory_gib:.2f} GiB")
    while run.chatting:
        time.sleep(0.1)
    chat.open_chat(run, settings, "merged")
    chat.wait_ready(run)
    for label in ("first question", "second question"):
        began, times = time.perf_counter(), []
        for _ in chat.ask(run, PROMPT, "tuned", max_new_tokens=100):
            times.append(time.perf_counter() - began)
        speed = (len(times) - 1) / (times[-1] - times[0])
        print(f"{label}: first piece after {times[0]:.2f} s, then {speed:.0f} pieces/s")
    chat.close(run)
    print(f"base:  {told.base}\ntuned: {told.tuned}")


if __name__ == "__main__":
    main()
