"""Saved state survives crashes, full disks and damage; a run folder has one owner."""

from __future__ import annotations

import errno
import json
import os
import pickle
import random
import shutil
import signal
import sys
import time
import warnings

import pytest
import torch
from faults import CountedOs, die_after, die_before, fail_with, fork, wait, write_half

from nas_course import storage
from nas_course.storage import (
    CheckpointError,
    RunFolderBusy,
    generations,
    newest_generation,
    owned,
    pack_state,
    read_generation,
    save_generation,
    unpack_state,
    write_file,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs fork and SIGKILL")


def content(number):
    state = {"number": number, "weights": torch.full((50,), float(number))}
    return {"state.pt": pack_state(state), "history.jsonl": f'{{"epoch": {number}}}\n'.encode()}


def save(folder, number):
    return save_generation(folder, content(number), run={"seed": 7})


def number_of(generation):
    """The number in both files of a generation, which must agree."""
    state = unpack_state(generation.files["state.pt"])
    assert set(generation.files) == {"state.pt", "history.jsonl"}
    assert json.loads(generation.files["history.jsonl"])["epoch"] == state["number"]
    assert torch.equal(state["weights"], torch.full((50,), float(state["number"])))
    return state["number"]


def load(folder):
    return newest_generation(folder, accept=number_of)


@pytest.fixture
def saved(tmp_path):
    """Make a folder with generations 1, 2 and 3."""
    folder = tmp_path / "checkpoints"
    for number in (1, 2, 3):
        save(folder, number)
    return folder


def test_the_newest_generation_comes_back_whole(saved):
    generation = newest_generation(saved, accept=lambda generation: generation)
    assert (generation.number, generation.run, number_of(generation)) == (3, {"seed": 7}, 3)


def test_only_the_newest_three_are_kept(saved):
    for number in range(4, 9):
        save(saved, number)
    assert sorted(p.name for p in saved.iterdir()) == [f"generation-0000000{n}" for n in (6, 7, 8)]


def test_an_empty_folder_is_a_clear_error(tmp_path):
    with pytest.raises(CheckpointError, match="no saved state can be read; start anew"):
        load(tmp_path / "none")


# Every step of a save, broken in every way.


def steps_of_a_save(saved, monkeypatch):
    counted = CountedOs()
    monkeypatch.setattr(storage, "os", counted)
    save(saved, 4)
    return counted.log


ERRORS = {
    "ENOSPC": fail_with(errno.ENOSPC),
    "EIO": fail_with(errno.EIO),
    "EACCES": fail_with(errno.EACCES),
}


@pytest.mark.parametrize("fault", ERRORS.values(), ids=ERRORS)
def test_an_error_at_any_step_of_a_save_leaves_the_old_or_the_new_state(
    saved, monkeypatch, tmp_path, fault
):
    total = len(steps_of_a_save(saved, monkeypatch))
    assert total > 25
    for step in range(1, total + 1):
        folder = tmp_path / str(step)
        save(folder, 1), save(folder, 2), save(folder, 3)
        monkeypatch.setattr(storage, "os", CountedOs(step, fault))
        reported = None
        try:
            save(folder, 4)
        except CheckpointError as error:
            reported = str(error)
        monkeypatch.setattr(storage, "os", os)
        assert reported is None or "Earlier states are whole" in reported
        assert load(folder) in ((4,) if reported is None else (3, 4)), step
        save(folder, 5)
        assert load(folder) == 5 and len(list(folder.iterdir())) == 3, step


def test_a_disk_that_stays_full_from_any_step_on_leaves_the_old_or_the_new_state(
    saved, monkeypatch, tmp_path
):
    class FullFrom(CountedOs):
        def _wrap(self, name, real):
            def step(*arguments, **more):
                self.log.append((name, arguments))
                if len(self.log) >= self.at and name in ("open", "mkdir", "write", "rename"):
                    raise OSError(errno.ENOSPC, "No space left on device")
                return real(*arguments, **more)

            return step

    for step in range(1, 1 + len(steps_of_a_save(saved, monkeypatch))):
        folder = tmp_path / str(step)
        monkeypatch.setattr(storage, "os", os)
        save(folder, 1)
        monkeypatch.setattr(storage, "os", FullFrom(step))
        try:
            save(folder, 2)
        except CheckpointError as error:
            assert "No space left on device" in str(error)
        monkeypatch.setattr(storage, "os", os)
        assert load(folder) in (1, 2), step


def test_a_short_write_at_any_step_is_continued(saved, monkeypatch, tmp_path):
    for step in range(1, 1 + len(steps_of_a_save(saved, monkeypatch))):
        folder = tmp_path / str(step)
        monkeypatch.setattr(storage, "os", CountedOs(step, write_half))
        save(folder, 1)
        monkeypatch.setattr(storage, "os", os)
        assert load(folder) == 1, step


@posix
@pytest.mark.parametrize("death", [die_before, die_after])
def test_a_kill_at_any_step_of_a_save_leaves_the_old_or_the_new_state(
    saved, monkeypatch, tmp_path, death
):
    total, outcomes = len(steps_of_a_save(saved, monkeypatch)), []
    for step in range(1, total + 1):
        folder = tmp_path / str(step)
        monkeypatch.setattr(storage, "os", os)
        save(folder, 1), save(folder, 2), save(folder, 3)
        monkeypatch.setattr(storage, "os", CountedOs(step, death))
        assert wait(fork(lambda folder=folder: save(folder, 4))) == -signal.SIGKILL
        monkeypatch.setattr(storage, "os", os)
        outcomes.append(load(folder))
        save(folder, 5)
        assert load(folder) == 5 and len(list(folder.iterdir())) == 3, step
    assert outcomes == sorted(outcomes) and set(outcomes) == {3, 4}, "one step switches over"


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be synced here")
def test_everything_written_is_synced_before_the_rename_so_that_power_loss_is_safe(
    saved, monkeypatch
):
    log = steps_of_a_save(saved, monkeypatch)
    renamed = next(i for i, (name, _) in enumerate(log) if name == "rename")
    before = [name for name, _ in log[:renamed]]
    opened = [str(a[0]) for name, a in log[:renamed] if name == "open"]
    assert len([p for p in opened if not p.endswith("00000004")]) == 3, "state, history, manifest"
    assert opened[-1].endswith(".draft-00000004"), "the folder itself, after its files"
    assert before.count("fsync") == len(opened) == 4 and before[-2:] == ["fsync", "close"]
    after = [name for name, _ in log[renamed + 1 : renamed + 4]]
    assert after == ["open", "fsync", "close"] and log[renamed + 1][1][0] == saved


def test_replacing_a_file_keeps_the_old_content_when_any_step_fails(tmp_path, monkeypatch):
    file, counted = tmp_path / "result.json", CountedOs()
    monkeypatch.setattr(storage, "os", counted)
    write_file(file, b"old")
    for step in range(1, 1 + len(counted.log)):
        monkeypatch.setattr(storage, "os", os)
        write_file(file, b"old")
        monkeypatch.setattr(storage, "os", CountedOs(step, fail_with(errno.EIO)))
        with pytest.raises(CheckpointError, match=r"result\.json: .*Input/output error"):
            write_file(file, b"new")
        assert file.read_bytes() in (b"old", b"new"), step


# Damage done to saved state.


def truncate(file, rng):
    data = file.read_bytes()
    file.write_bytes(data[: rng.randrange(len(data))])


def flip_a_bit(file, rng):
    data = bytearray(file.read_bytes())
    data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    file.write_bytes(data)


def swap(file, rng):
    other = file.parent.parent / "generation-00000001" / file.name
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs), other.write_bytes(mine)


def overwrite_with_another_file(file, rng):
    shutil.copy(rng.choice([p for p in file.parent.iterdir() if p != file]), file)


def remove(file, rng):
    file.unlink()


def random_bytes(file, rng):
    file.write_bytes(rng.randbytes(rng.randrange(4000)))


def copy_an_older_generation_over_it(file, rng):
    shutil.rmtree(file.parent)
    shutil.copytree(file.parent.parent / "generation-00000002", file.parent)


def another_format(file, rng):
    manifest = file.parent / "manifest.json"
    body = json.loads(manifest.read_bytes()) | {"format": rng.randrange(2, 99)}
    manifest.write_text(json.dumps(body))


DAMAGES = {
    truncate: 100,
    flip_a_bit: 150,
    swap: 20,
    overwrite_with_another_file: 20,
    remove: 10,
    random_bytes: 40,
    copy_an_older_generation_over_it: 5,
    another_format: 5,
}


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damaged_state_is_never_loaded_and_the_one_before_is(saved, tmp_path, damage):
    rng = random.Random(damage.__name__)
    for case in range(DAMAGES[damage]):
        folder = tmp_path / str(case)
        shutil.copytree(saved, folder)
        newest = folder / "generation-00000003"
        file = rng.choice(sorted(newest.iterdir()))
        before = file.read_bytes()
        damage(file, rng)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            number = load(folder)
        said = " ".join(str(w.message) for w in caught)
        if file.exists() and file.read_bytes() == before and damage is not another_format:
            continue  # the damage changed nothing, or hit the copy
        assert number == 2 or _same_meaning(file, before), (case, file.name)
        assert number == 3 or ("generation-00000003" in said and "Trying the state" in said)
        shutil.rmtree(folder)


def _same_meaning(file, before):
    """Whether a changed manifest still says the same: a flipped bit in the space between words."""
    return file.name == "manifest.json" and json.loads(file.read_bytes()) == json.loads(before)


def test_when_every_state_is_damaged_the_error_names_each_and_the_remedy(saved):
    for path in generations(saved):
        (path / "state.pt").write_bytes(b"nonsense")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(CheckpointError) as caught:
            load(saved)
    for text in ("00000001", "00000002", "00000003", "state.pt", "start anew"):
        assert text in str(caught.value)


class Forged:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (open, (str(self.target), "w"))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_forged_state_with_right_checksums_cannot_run_code(saved, tmp_path, protocol):
    target = tmp_path / "owned"
    forged = pickle.dumps({"number": Forged(target)}, protocol=protocol)
    save_generation(saved, {**content(4), "state.pt": forged}, run={})
    assert isinstance(pickle.loads(forged)["number"].close(), type(None)) and target.exists()
    target.unlink()
    with pytest.warns(UserWarning, match="torch cannot load it"):
        assert load(saved) == 3
    assert not target.exists()


def test_a_whole_manifest_with_missing_entries_is_damage_not_a_key_error(saved):
    path = saved / "generation-00000003" / "manifest.json"
    for missing in ("files", "run"):
        body = {"kind": storage.KIND, "format": 1, "number": 3, "run": {}, "files": {}}
        del body[missing]
        path.write_text(json.dumps(body | {"sha256": storage._checksum(body)}))
        with pytest.raises(CheckpointError, match=missing):
            read_generation(path.parent)


# One owner, many readers.


def test_a_second_opener_is_refused_at_once_with_the_owners_id_and_time(tmp_path):
    with owned(tmp_path), pytest.raises(RunFolderBusy) as caught, owned(tmp_path):
        pass  # who waited for this owner would wait for ever
    assert f"process {os.getpid()}" in str(caught.value) and "started 20" in str(caught.value)


def test_the_folder_is_free_again_after_the_block_and_after_an_error(tmp_path):
    with pytest.raises(KeyboardInterrupt), owned(tmp_path):
        raise KeyboardInterrupt
    with owned(tmp_path):
        pass


@posix
def test_the_folder_is_free_at_once_after_its_owner_was_killed(tmp_path):
    def hold():
        with owned(tmp_path):
            (tmp_path / "held").touch()
            time.sleep(60)

    for _ in range(20):
        child = fork(hold)
        while not (tmp_path / "held").exists():
            time.sleep(0.002)
        with pytest.raises(RunFolderBusy, match=f"process {child} "), owned(tmp_path):
            pass
        os.kill(child, signal.SIGKILL)
        wait(child)
        (tmp_path / "held").unlink()
        with owned(tmp_path):
            pass


@posix
def test_readers_beside_a_writer_see_only_whole_states(tmp_path):
    folder = tmp_path / "checkpoints"
    save(folder, 1)

    def read():
        warnings.simplefilter("error")  # a reader is never told of damage either
        seen = [load(folder)]
        while not (tmp_path / "stop").exists():
            seen.append(load(folder))
            if len(set(seen)) > 3:
                (tmp_path / f"four-{os.getpid()}").touch()
        assert seen == sorted(seen), seen

    readers = [fork(read) for _ in range(4)]
    number, deadline = 1, time.monotonic() + 300
    while number < 150 or len(list(tmp_path.glob("four-*"))) < 4:
        number += 1
        save(folder, number)
        assert time.monotonic() < deadline, "a reader never saw four states, or ended early"
    (tmp_path / "stop").touch()
    assert [wait(child) for child in readers] == [0, 0, 0, 0]
