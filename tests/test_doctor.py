"""The doctor finds what is broken, says how to mend it, and never breaks down itself."""

import argparse
import importlib.metadata
import json
import os
import subprocess
import sys

from nas_course import doctor


def options(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    doctor.add_arguments(parser)
    return parser.parse_args(words)


def examined_elsewhere(tmp_path, **variables: str) -> dict[str, dict]:
    """Run the doctor in a process of its own; return its findings by name."""
    done = subprocess.run(
        [sys.executable, "-m", "nas_course.cli", "doctor", "--json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | variables,
        timeout=600,
    )
    assert done.returncode in (0, 1), done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] is (done.returncode == 0)
    return {finding["name"]: finding for finding in report["findings"]}


# ------------------------------------------------------------------ on a machine that is well


def test_on_this_machine_nothing_needed_is_missing(capsys):
    assert doctor.run(options()) == 0
    printed = capsys.readouterr().out
    assert "FAIL" not in printed
    assert "Everything needed is here." in printed


def test_every_check_gives_a_finding():
    names = {finding.name for finding in doctor.examine()}
    assert names >= set(doctor.CHECKS) - {"larger data"}
    assert {"fashion-mnist", "cifar10"} <= names


def test_json_holds_what_the_lines_say(capsys):
    assert doctor.run(options("--json")) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["ok"] is True
    assert [finding["name"] for finding in report["findings"]][:2] == ["Python", "packages"]
    assert all(set(item) == {"name", "status", "found", "fix"} for item in report["findings"])


# --------------------------------------------------------------------------- broken on purpose


def fails(finding: doctor.Finding, *words: str) -> None:
    assert finding.status == "FAIL"
    assert finding.fix
    for word in words:
        assert word in str(finding)


def test_an_old_python_fails():
    fails(doctor.check_python((3, 10, 2)), "3.10.2", "Python 3.11 or newer")


def test_a_missing_and_an_old_package_are_both_named():
    finding = doctor.check_packages(["no-such-package-here", "numpy>=999", "torch"])
    fails(finding, "no-such-package-here is not installed", ">=999", "course.py setup")


def test_packages_of_extras_are_not_demanded():
    assert doctor.check_packages(['no-such-package-here; extra == "test"']).status == "OK"


def test_a_torch_that_cannot_be_imported_is_a_line_and_not_a_crash(tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError('libc10.so: cannot open shared object')")
    findings = examined_elsewhere(tmp_path, PYTHONPATH=str(tmp_path))
    assert findings["torch"]["status"] == "FAIL"
    assert "libc10.so" in findings["torch"]["found"]
    assert "course.py setup" in findings["torch"]["fix"]
    assert findings["Jupyter"]["status"] == "OK"


def test_a_torchvision_that_does_not_fit_torch_fails(monkeypatch):
    import torchvision

    def missing(*arguments):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(torchvision.ops, "nms", missing)
    findings = {finding.name: finding for finding in doctor.examine()}
    fails(findings["torch"], "torchvision::nms does not exist")


def test_a_device_that_computes_nothing_fails(monkeypatch):
    import torch

    monkeypatch.setattr("nas_course.devices.resolve_device", lambda name: torch.device("meta"))
    findings = {finding.name: finding for finding in doctor.examine()}
    fails(findings["device"])


def test_a_kernel_of_another_python_fails(tmp_path, monkeypatch):
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    other = {"argv": ["/opt/other/python", "-m", "ipykernel_launcher"], "display_name": "other"}
    (folder / "kernel.json").write_text(json.dumps(other))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    fails(doctor.check_kernel(), "/opt/other/python", str(folder))


def test_widgets_without_their_half_in_jupyterlab_fail(tmp_path):
    finding = doctor.check_widgets([str(tmp_path)])
    fails(finding, "@jupyter-widgets/jupyterlab-manager and anywidget")


def test_a_folder_that_takes_no_file_fails(tmp_path):
    (tmp_path / "file").touch()
    fails(doctor.check_folder(tmp_path / "file"), "cannot write in")
    fails(doctor.check_folder(tmp_path / "nowhere"), "cannot write in")


def test_checking_a_folder_leaves_nothing_in_it(tmp_path):
    assert doctor.check_folder(tmp_path).status == "OK"
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_fails(tmp_path):
    fails(doctor.check_disk(tmp_path, room=1e18), "GB free", "1000000000.0 GB")


def test_a_wrong_data_folder_fails_and_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_COURSE_DATA", str(tmp_path / "nowhere"))
    findings = doctor.check_larger_data()
    assert {finding.name for finding in findings} >= {"fashion-mnist", "cifar10"}
    for finding in findings:
        fails(finding, "NAS_COURSE_DATA", str(tmp_path / "nowhere"))


def test_optional_data_that_is_not_there_is_a_note_with_the_ways_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("NAS_COURSE_DATA", str(tmp_path))
    cifar10 = next(item for item in doctor.check_larger_data() if item.name == "cifar10")
    assert cifar10.status == "note"
    assert "download" in cifar10.fix and "if you want it" in str(cifar10)


def test_no_browser_is_a_note(tmp_path, monkeypatch):
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nowhere"))
    finding = doctor.check_browser()
    assert finding.status == "note" and "CHROMIUM" in finding.fix


def test_the_variable_chromium_names_the_browser(monkeypatch):
    monkeypatch.setenv("CHROMIUM", sys.executable)
    assert doctor.find_browser() == sys.executable


def test_no_nbgrader_is_a_note(monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", missing)
    finding = doctor.check_nbgrader()
    assert finding.status == "note" and "[grading]" in finding.fix


def test_a_fail_gives_exit_code_1_and_is_summed_up(monkeypatch, capsys):
    broken = {"disk": lambda: doctor.check_disk(room=1e18), "Python": doctor.check_python}
    monkeypatch.setattr(doctor, "CHECKS", broken)
    assert doctor.run(options()) == 1
    assert "To mend: disk." in capsys.readouterr().out


def test_a_check_that_breaks_down_is_a_fail_with_its_reason(monkeypatch):
    def broken():
        raise OSError("the DLL load failed\nand more lines")

    monkeypatch.setattr(doctor, "CHECKS", {"torch": broken})
    (finding,) = doctor.examine()
    fails(finding, "OSError: the DLL load failed")
    assert "more lines" not in str(finding)


def test_what_is_not_well_always_comes_with_advice():
    for finding in doctor.examine():
        assert finding.status in ("OK", "FAIL", "note")
        assert bool(finding.fix) is (finding.status != "OK")
