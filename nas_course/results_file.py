"""Results files: JSON that a command wrote, told apart by kind and format.

board = read_results(path, "nas-course leaderboard", FORMAT, made_by="nas-course leaderboard")
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nas_course.errors import InvalidInput


def read_results(path: str | Path, kind: str, format_: int, *, made_by: str) -> dict[str, Any]:
    """Read a results file of a kind.

    Parameters
    ----------
    path : path
    kind : str
        What the file must say that it is, in its "kind".
    format_ : int
        Its "format" that this version reads.
    made_by : str
        The command that makes such a file.

    Raises
    ------
    InvalidInput
        There is no such file, it is damaged, or it is something else.
    """
    file = Path(path)
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidInput(
            f"results: {file} cannot be read ({error.strerror}); make it with `{made_by}`."
        ) from error
    except ValueError as error:
        raise InvalidInput(f"results: {file} is damaged ({error}); make it anew.") from error
    if not isinstance(content, dict) or content.get("kind") != kind:
        raise InvalidInput(f"results: {file} is no file of `{made_by}`; name one.")
    if content.get("format") != format_:
        raise InvalidInput(
            f"results: {file} has the format {content.get('format')!r}; this version reads "
            f"{format_}. Make it anew with `{made_by}`."
        )
    return content
