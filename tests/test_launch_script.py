"""Several machines: what is typed on each, and a Slurm script that bash runs with a fake srun."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

from core import __main__ as cli
from core import hostfile
from core.errors import UserError
from core.launch_script import Cluster, Job, Options, by_hand, slurm, training

FAKE = """#!{python}
import json, os, sys
name = os.path.basename(sys.argv[0])
with open(os.environ["CALLS"], "a") as out:
    out.write(json.dumps([name, os.getcwd(), os.environ["STUDIO_HOME"], *sys.argv[1:]]) + "\\n")
if name == "scontrol":
    print("gpu-07\\ngpu-08")
"""


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path / "it's my.yaml", tmp_path / "runs" / "nova", tmp_path / "my $HOME; ls")


def test_each_host_gets_the_same_command_but_for_its_address_and_the_first_one_plans(job):
    text = by_hand(job, Cluster(2, 8, hosts=("node1", "10.0.0.2")))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    own = "--local-addr=node1 --rdzv-conf=is_host=1"
    assert lines[1] == lines[2].replace("--local-addr=10.0.0.2 --rdzv-conf=is_host=0", own)
    words = shlex.split(lines[1].strip("()"))
    at = words.index("torch.distributed.run")
    assert words[at - 2 :] == [
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes=2", "--nproc-per-node=8", "--rdzv-backend=c10d"),
        *("--rdzv-endpoint=node1:29500", "--rdzv-id=nova"),
        *("--local-addr=node1", "--rdzv-conf=is_host=1"),
        *("-m", "core.jobs.train", str(job.run)),
    ]
    assert f"STUDIO_HOME={job.home}" in words
    assert shlex.split(lines[0].strip("()"))[-4:] == [
        "plan",
        str(job.config),
        "--work-dir",
        str(job.run),
    ]


def test_bash_runs_the_slurm_script_and_srun_gets_the_very_arguments(job, tmp_path):
    script = tmp_path / "job.slurm"
    options = Options("1-00:00:00", "gpu,long", "lab")
    script.write_text(slurm(job, Cluster(2, 4), options, gpus=True))
    subprocess.run(["bash", "-n", script], check=True)
    head = re.findall(r"^#SBATCH (.*)$", script.read_text(), re.M)
    assert {"--nodes=2", "--ntasks-per-node=1", "--gpus-per-node=4", "--time=1-00:00:00"} < set(
        head
    )
    assert {"--partition=gpu,long", "--account=lab", "--signal=TERM@120"} < set(head)
    fakes = tmp_path / "bin"
    fakes.mkdir()
    for name in ("srun", "scontrol"):
        (fakes / name).write_text(FAKE.format(python=sys.executable))
        (fakes / name).chmod(0o755)
    calls = tmp_path / "calls"
    slurm_gives = {"SLURM_JOB_NODELIST": "gpu-[07-08]", "SLURM_JOB_ID": "42", "CALLS": str(calls)}
    path = f"{fakes}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", script, "--resume"],
        env={**os.environ, "PATH": path, **slurm_gives},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    asked, planned, trained = map(json.loads, calls.read_text().splitlines())
    assert asked[3:] == ["show", "hostnames", "gpu-[07-08]"]
    assert planned[3:6] == ["--nodes=1", "--ntasks=1", "--nodelist=gpu-07"]
    assert planned[6:] == [
        sys.executable,
        "-m",
        "core",
        "plan",
        str(job.config),
        "--work-dir",
        str(job.run),
    ]
    assert trained[3:] == [
        *("--kill-on-bad-exit=1", sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes=2", "--nproc-per-node=4", "--rdzv-backend=c10d"),
        *("--rdzv-endpoint=gpu-07:29500", "--rdzv-id=42"),
        *("-m", "core.jobs.train", str(job.run), "--resume"),
    ]
    assert {trained[2], planned[2]} == {str(job.home)}, "nothing of the path was expanded"


def test_a_script_for_processors_asks_for_cores_and_strange_wishes_are_refused(job, tmp_path):
    made = slurm(job, Cluster(2, 4), Options(), gpus=False)
    assert "--cpus-per-task=4" in made
    assert "gpus-per-node" not in made
    for wrong in ({"time": "soon"}, {"partition": "a b"}, {"account": "$(id)"}):
        with pytest.raises(UserError):
            Options(**wrong)
    for wrong in ({"nodes": 0}, {"processes": 65}, {"port": 70_000}, {"hosts": ("one",)}):
        with pytest.raises(UserError):
            Cluster(**{"nodes": 2, "processes": 1, **wrong})
    spaced = Job(job.config, tmp_path / "my run", job.home)
    with pytest.raises(UserError, match="--work-dir without spaces"):
        slurm(spaced, Cluster(2, 4), Options(), gpus=True)


def test_a_hostfile_is_deepspeed_s_and_every_wrong_line_is_told():
    found = hostfile.parse("# ours\n\nnode1 slots=8\n10.0.0.2   slots = 8 # new\n", "hosts")
    assert found == hostfile.Hosts(("node1", "10.0.0.2"), 8)
    with pytest.raises(UserError) as error:
        hostfile.parse(
            "node1\n-oProxyCommand=x slots=1\na slots=1\na slots=1\nb slots=999", "hosts"
        )
    said = error.value.render("zh")
    assert [int(n) for n in re.findall(r"第 (\d+) 行", said)] == [1, 2, 4, 5]
    for wrong, why in (("", "names no host"), ("a slots=1\nb slots=2", "same number")):
        with pytest.raises(UserError, match=why):
            hostfile.parse(wrong, "hosts")


def test_the_command_line_prints_both_and_checks_the_config_first(tmp_path, capsys):
    config, hosts = tmp_path / "c.yaml", tmp_path / "hosts"
    config.write_text("settings:\n  lr: 1e-3\n")
    hosts.write_text("a slots=2\nb slots=2\n")
    assert cli.main(["launch-script", str(config), "--hostfile", str(hosts)]) == 0
    assert "--rdzv-endpoint=a:29500" in capsys.readouterr().out
    several = ["launch-script", str(config), "--nodes", "2", "--scheduler", "slurm"]
    assert cli.main([*several, "--gpus-per-node", "8", "--work-dir", str(tmp_path / "r")]) == 0
    assert "#SBATCH --gpus-per-node=8" in capsys.readouterr().out
    assert cli.main(several) == 2
    assert "--gpus-per-node 8" in capsys.readouterr().err
    config.write_text("runtime:\n  deepspeed: mine.json\n")
    (tmp_path / "mine.json").write_text('{"zero": {}}')
    assert cli.main([*several, "--gpus-per-node", "8"]) == 2
    assert "Did you mean" in capsys.readouterr().err


def test_the_gpus_of_the_config_are_the_only_ones_that_each_host_shows(job):
    cluster = Cluster(2, 2, gpus=(0, 3))
    assert training(job, cluster, "a:1", "m")[:3] == [
        *("env", "CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=0,3"),
    ]
    with pytest.raises(UserError, match="2 GPUs"):
        Cluster(2, 8, gpus=(0, 3))
