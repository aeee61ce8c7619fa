"""The first code in the process of a graded notebook: isolate, then serve.

Started by `grading/process.py` as ``python -I -S -B start.py`` from a copy of the package that
holds no checks. Only what follows `enter` meets the learner's code.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from nas_course.grading.sandbox.pipe import Pipe, take_over_stdio


def main() -> None:
    """Read the settings from the grader, isolate, report what is in force, serve."""
    pipe = take_over_stdio()
    config = pipe.receive()
    pipe.send({"isolation": isolate(config, pipe)})
    sys.path[:] = config["paths"]
    sys.prefix = sys.exec_prefix = config["prefix"]
    sys.argv = [""]
    add_font_list(config)
    from nas_course.grading.sandbox.serve import serve

    serve(pipe, config["modules"])


def isolate(config: dict, pipe: Pipe) -> dict[str, str]:
    """Use what this operating system offers."""
    if sys.platform == "linux":
        from nas_course.grading.sandbox.linux import enter

        return enter(config, pipe)
    return {}


def add_font_list(config: dict) -> None:
    """Save matplotlib from searching the system's fonts anew for every notebook."""
    for font_list in Path(config["session"], "view", "matplotlib").glob("*.json"):
        folder = Path(config["work"], "matplotlib")
        folder.mkdir(exist_ok=True)
        shutil.copyfile(font_list, folder / font_list.name)


if __name__ == "__main__":
    main()
