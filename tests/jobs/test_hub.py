"""Models from a hub: a real server on this machine that plays it, real jobs that download."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from core import hub as hubs
from core.download import download, missing
from core.errors import UserError
from core.models import builtin_file, folder, preparation, ready, shape
from core.origin import origin
from core.run import Run
from core.settings import Settings
from core.status import status
from core.tokens import ChatTokenizer
from tests import hub, internlm2
from tests.jobs.test_journey import ROOT, core, write_job

MODEL = "owner/model"


@pytest.fixture
def served(tmp_path, tiny_model):
    """A hub with the tiny model, and files that nobody should fetch."""
    source = shutil.copytree(tiny_model, tmp_path / "served")
    (source / "modeling_evil.py").write_text("raise SystemExit\n")
    (source / "training_args.bin").write_bytes(b"pickle")
    (source / "consolidated.safetensors").write_bytes(b"twice")
    with hub.serving(source) as found:
        yield found


@pytest.fixture
def online(monkeypatch, served, tmp_path):
    """An environment whose hub is the served one, without anybody's login."""
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "MODELSCOPE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "login"))
    monkeypatch.setenv("HF_ENDPOINT", served.url)
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", served.url)
    return served


def prepare(settings: Settings, model: str = MODEL) -> tuple[subprocess.CompletedProcess, Run]:
    """The preparation, as its supervisor starts it."""
    done = _start(settings, model)
    out, err = done.communicate(timeout=120)
    return subprocess.CompletedProcess([], done.returncode, out, err), preparation(settings, model)


def _start(settings: Settings, model: str = MODEL) -> subprocess.Popen:
    job = preparation(settings, model)
    job.path.mkdir(parents=True, exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "core.jobs.prepare", str(job.path), model],
        cwd=ROOT,
        env={**os.environ, "STUDIO_HOME": str(settings.home)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def fetch(settings: Settings, model: str = MODEL, token: str = "") -> Path:
    """The download alone, in this process: the folder where it arrives."""
    found = origin(model)
    arrived = settings.models / f".{found.key}.download"
    download(found, arrived, hubs.Hub.of(found, token), lambda done, total: None)
    return arrived


@pytest.mark.parametrize("model", [MODEL, f"modelscope://{MODEL}"])
def test_a_model_of_a_hub_arrives_whole_and_without_its_code(online, settings, tiny_model, model):
    assert not ready(settings, model)
    done, job = prepare(settings, model)
    assert done.returncode == 0, done.stderr
    assert ready(settings, model)
    got = folder(settings, model)
    wanted = {p.name for p in tiny_model.iterdir()}
    assert {p.name for p in got.iterdir()} == wanted | {"done"}
    for name in wanted:
        assert (got / name).read_bytes() == (tiny_model / name).read_bytes()
    now = status(job, "prepare")
    assert (now.state, now.stage_done) == ("finished", now.stage_total)
    told = json.loads((got / "done").read_text())
    assert told["revision"] == ("master" if "modelscope" in model else hub.COMMIT)
    assert not any(".py" in path or "training_args" in path for path, _ in online.asked)


def test_the_command_line_downloads_and_trains(online, tmp_path):
    config = write_job(tmp_path / "mine", Path(MODEL), max_epochs=1)
    done = core(tmp_path, "train", str(config), "--work-dir", str(tmp_path / "run"))
    assert done.returncode == 0, done.stderr
    assert "downloading:" in done.stdout
    assert Run(tmp_path / "run").checkpoints()


@pytest.mark.parametrize("pickled", [False, True])
def test_an_internlm2_of_a_hub_is_converted_on_arrival(online, settings, pickled):
    shutil.rmtree(online.folder)
    internlm2.write(online.folder, shards=2, pickled=pickled)
    done, job = prepare(settings)
    assert done.returncode == 0, done.stderr
    got = folder(settings, MODEL)
    assert json.loads((got / "config.json").read_text())["model_type"] == "llama"
    stages = [e["stage"] for e in job.events() if e["kind"] == "progressed"]
    assert {"downloading", "converting"} == set(stages)
    assert [p.name for p in settings.models.iterdir() if "download" in p.name] == []


def test_a_download_killed_in_the_middle_looks_unfinished_and_is_resumed(online, settings):
    online.seconds_a_block = 0.05
    first = _start(settings)
    arrived = settings.models / f".{origin(MODEL).key}.download"
    part = arrived / "model.safetensors.part"
    _wait(lambda: part.exists() and part.stat().st_size > 40_000)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert not ready(settings, MODEL)
    assert not folder(settings, MODEL).exists()
    kept = part.stat().st_size
    assert missing(origin(MODEL), arrived) == ["model.safetensors"]
    online.seconds_a_block = 0
    before = len(online.asked)
    done, _ = prepare(settings)
    assert done.returncode == 0, done.stderr
    again = online.asked[before:]
    (weights,) = [headers for path, headers in again if "safetensors" in path]
    assert weights["range"] == f"bytes={kept}-"
    assert not any("/revision/" in path or "tokenizer.json" in path for path, _ in again)
    assert ready(settings, MODEL)
    assert not arrived.exists()


def test_a_stop_keeps_what_has_arrived(online, settings):
    online.seconds_a_block = 0.05
    job = _start(settings)
    part = settings.models / f".{origin(MODEL).key}.download" / "model.safetensors.part"
    _wait(lambda: part.exists() and part.stat().st_size > 20_000)
    job.send_signal(signal.SIGTERM)
    job.communicate(timeout=30)
    assert job.returncode == 0
    assert status(preparation(settings, MODEL), "prepare").state == "stopped"
    assert part.exists()
    assert not ready(settings, MODEL)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_connection_is_taken_up_again(online, settings, tiny_model, ranges):
    online.drop_after, online.ranges = 60_000, ranges
    got = fetch(settings) / "model.safetensors"
    assert got.read_bytes() == (tiny_model / "model.safetensors").read_bytes()


@pytest.mark.parametrize("model", [f"hf://{MODEL}", f"{MODEL}@v1", f"{MODEL}@{hub.COMMIT}"])
def test_a_revision_is_pinned_to_its_commit(online, settings, model):
    fetch(settings, model)
    files = [path for path, _ in online.asked if "/resolve/" in path]
    assert files and all(f"/resolve/{hub.COMMIT}/" in path for path in files)


def test_damaged_weights_are_deleted_and_told(online, settings):
    online.garble = True
    with pytest.raises(UserError, match=r"model\.safetensors arrived damaged"):
        fetch(settings)
    assert not list(settings.models.glob("*/model.safetensors*"))
    online.garble = False
    assert (fetch(settings) / "model.safetensors").exists()


def test_a_gated_model_wants_a_token_which_is_never_written(online, settings, monkeypatch):
    online.gated, online.token = True, "hf_secretsecretsecret"
    with hub.serving(online.folder) as other:
        online.elsewhere = other.url.replace("127.0.0.1", "localhost")
        done, _ = prepare(settings)
        assert done.returncode == 2
        assert f"Accept it at {online.url}/owner/model" in done.stderr
        assert "HF_TOKEN" in done.stderr
        monkeypatch.setenv("HF_TOKEN", online.token)
        done, _ = prepare(settings)
        assert done.returncode == 0, done.stderr
        assert other.asked and not any("authorization" in headers for _, headers in other.asked)
    assert online.token not in done.stdout + done.stderr
    for file in settings.home.rglob("*"):
        assert not file.is_file() or online.token.encode() not in file.read_bytes(), file


def test_a_login_counts_as_a_token(online, settings, tmp_path):
    online.private, online.token = True, "hf_ofalogin"
    assert "or it is private" in prepare(settings)[0].stderr
    (tmp_path / "login").mkdir()
    (tmp_path / "login" / "token").write_text(online.token)
    assert prepare(settings)[0].returncode == 0


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("owner/nothing", "There is no model owner/nothing at Hugging Face, or it is private"),
        (f"{MODEL}@v9", "owner/model has no revision v9"),
        ("modelscope://owner/nothing", "There is no model owner/nothing at ModelScope"),
    ],
)
def test_what_a_hub_does_not_have_is_told(online, settings, model, said):
    with pytest.raises(UserError, match=said):
        fetch(settings, model)


def test_a_model_of_an_unknown_kind_costs_no_download(online, settings):
    config = json.loads((online.folder / "config.json").read_text())
    config["architectures"] = ["StrangeForCausalLM"]
    (online.folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(UserError, match="StrangeForCausalLM"):
        fetch(settings)
    assert not any("safetensors" in path for path, _ in online.asked)


def test_too_little_disk_is_told_before_the_download(online, settings, monkeypatch):
    class Full:
        free = 1000

    monkeypatch.setattr("core.files.shutil.disk_usage", lambda path: Full)
    with pytest.raises(UserError, match="GiB of disk"):
        fetch(settings)
    assert not any("resolve" in path for path, _ in online.asked)


def test_a_model_that_will_be_converted_needs_room_for_both(online, settings, monkeypatch):
    shutil.rmtree(online.folder)
    internlm2.write(online.folder)
    size = sum(p.stat().st_size for p in online.files())

    class Half:
        free = size + 10_000

    monkeypatch.setattr("core.files.shutil.disk_usage", lambda path: Half)
    with pytest.raises(UserError, match="GiB of disk"):
        fetch(settings)
    assert not any("resolve" in path for path, _ in online.asked)


def test_offline_names_the_files_that_a_begun_download_lacks(online, settings, monkeypatch):
    online.garble = True
    with pytest.raises(UserError, match="arrived damaged"):
        fetch(settings)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done, _ = prepare(settings)
    assert done.returncode == 2
    assert "it lacks model.safetensors. " in done.stderr


def test_offline_says_what_is_missing(online, settings, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    done, _ = prepare(settings)
    assert done.returncode == 2
    assert "not on this machine, and the studio is offline" in done.stderr
    assert not online.asked


def test_a_hub_that_cannot_be_reached_is_told(online, settings, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(hubs, "_PAUSE_SECONDS", 0)
    with pytest.raises(UserError, match="Hugging Face cannot be reached"):
        fetch(settings)


@pytest.mark.parametrize(
    "name", ["../evil", "/etc/passwd", "a/b/c", "owner/../x", "owner/name@../x", "", "hf://", "x"]
)
def test_a_name_that_is_no_model_is_refused(name):
    with pytest.raises(UserError, match="not on this machine"):
        origin(name)


def _wait(done, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.mark.slow
def test_a_gguf_file_is_unpacked_once_and_its_workspace_folder_knows_it(settings):
    model = str(builtin_file())
    assert not ready(settings, model)
    done, _ = prepare(settings, model)
    assert done.returncode == 0, done.stderr
    assert ready(settings, model)
    assert shape(folder(settings, model)).layers == 30
    assert ChatTokenizer.load(folder(settings, model)).stop_ids


def test_a_damaged_gguf_file_is_refused(settings, tmp_path):
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + b"\3\0\0\0" + b"\xff" * 64)
    done, _ = prepare(settings, str(tmp_path / "model.gguf"))
    assert done.returncode == 2
    assert "The GGUF file model.gguf cannot be read" in done.stderr
