"""Close "What to take away" in exercises, since it would tell the answer too early."""

from __future__ import annotations

import re

from nbformat import NotebookNode

START = "**What to take away.**"
SUMMARY = "What to take away (open it once your answer is right)"
TAKEAWAY = re.compile(
    rf"^{re.escape(START)} *(?P<text>.*?)\s*(?:(?=^---$|^#+ )|\Z)", re.MULTILINE | re.DOTALL
)


def fold_takeaways(notebook: NotebookNode) -> NotebookNode:
    """Put each paragraph that begins "**What to take away.**" into closed `<details>`.

    It reaches to the next rule or heading, or to the end of its cell. The ids of the cells stay as
    they are. Without the empty lines Markdown and formulas inside would not be formatted.
    """
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = TAKEAWAY.sub(_closed, cell.source).rstrip("\n")
    return notebook


def _closed(found: re.Match[str]) -> str:
    return f"<details><summary>{SUMMARY}</summary>\n\n{found['text']}\n\n</details>\n\n"
