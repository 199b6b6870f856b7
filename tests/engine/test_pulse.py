"""Ranks that leave at the same moment, over real connections."""

from __future__ import annotations

import socket
import threading

from core.engine.pulse import Pulse
from core.engine.ranks import Ranks
from core.run import Run


def test_a_rank_that_leaves_while_it_hears_the_others_leave_fails_nobody(tmp_path):
    run = Run(tmp_path)
    for _ in range(20):
        pulse = Pulse(run, "train", Ranks())
        near, far = zip(*(socket.socketpair() for _ in range(50)), strict=True)
        pulse._peers = {peer: i + 1 for i, peer in enumerate(near)}
        feeling = threading.Thread(target=pulse._feel)
        feeling.start()
        for peer in far:
            peer.sendall(b'{"left": true}\n')
        pulse.leave()
        feeling.join(10)
        assert not feeling.is_alive()
        for peer in (*near, *far):
            peer.close()
    assert not run.events()
