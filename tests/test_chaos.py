"""Short forms of `scripts/chaos`: real processes, real kills, real faults.

The long forms run in `scripts/release`; what they found is in `docs/results`.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.alone  # real services, kills, seconds

ROOT = Path(__file__).resolve().parent.parent
CHAOS = ROOT / "scripts" / "chaos"


def run(name, *options, folder=CHAOS):
    """Run a script; it fails by itself where a promise is broken."""
    if not folder.is_dir():
        pytest.skip("the scripts are not part of this distribution")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", folder / f"{name}.py", *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_a_killed_save_leaves_the_state_before():
    """30 kills, most of them within a save."""
    assert run("kill_saves", "--kills", "30")["whole"] == 30


def test_a_killed_training_ends_as_if_it_had_not_been():
    """Live and from kept activations, killed until each has ended."""
    assert run("kill_training", "--kills", "6")["equal_runs"] >= 2


def test_damage_is_noticed():
    """Flipped bits, cut ends, zeroed pieces."""
    assert run("damage", "--harms", "120")["missed"] == 0


def test_a_full_disk_leaves_what_was_there():
    """At each of some offsets, for each kind of file."""
    kinds = run("full_disk", "--offsets", "10")["kinds"]
    assert not any(each["bad"] for each in kinds.values())


def test_many_processes_compute_once_and_locks_end_with_their_holders():
    """Eight at a time, and holders that are killed."""
    assert run("crowd", "--rounds", "3")["longest_takeover_s"] < 2


def test_no_fault_of_a_network_leaves_a_wrong_file():
    """One transfer for each fault."""
    assert run("bad_network", "--transfers", "16")["bad"] == 0


def test_hostile_files_are_refused_and_run_nothing():
    """All of them: they take half a minute."""
    found = run("hostile_files")
    assert found["refused"] == found["artefacts"]
    assert found["ran_code"] == found["opened_outside"] == 0


@pytest.mark.real
def test_two_devices_train_as_one_does():
    """But for rounding, live and from kept activations."""
    folder = ROOT / "scripts" / "distributed"
    found = run("two_devices", "--small", folder=folder)
    assert found["live"]["largest_loss_difference"] < 1e-4
