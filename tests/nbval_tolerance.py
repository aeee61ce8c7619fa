"""Makes nbval mean something: a tolerance for numbers, and no cell that was never executed.

Loaded with ``-p nbval_tolerance``. A cell may carry ``nas_course={"tol": {"abs": 0.02}}`` (or
``rel``): its text then agrees if it is the same without its decimal numbers and each of them is
within the tolerance. nbval 0.11 has no hook for this, so three methods are wrapped.
"""

import math
import re
from unittest import mock

import nbformat
from nbval.plugin import IPyNbCell, IPyNbFile

from nas_course.build.execution import WIDGET_VIEW, is_progress, kernel_environment

# Not 3 (counts are exact) and not 2.14.1 (a version), but -0.5, 1e-05 and 2.5x. The spaces
# before a number belong to it, since a sign or a digit more moves aligned columns.
DECIMAL = re.compile(r" *(?<![\w.])([-+]?(?:\d+\.\d*(?:e[-+]?\d+)?|\d+e[-+]?\d+))(?!\.?\d)", re.I)
PICTURES = ("image/png", "image/jpeg", WIDGET_VIEW)


def agrees(found, expected, tolerance):
    """Tell whether two texts differ in nothing but decimal numbers within the tolerance."""
    if DECIMAL.sub("#", found) != DECIMAL.sub("#", expected):
        return False
    limits = {"rel_tol": tolerance.get("rel", 0.0), "abs_tol": tolerance.get("abs", 0.0)}
    pairs = zip(DECIMAL.findall(found), DECIMAL.findall(expected), strict=True)
    return all(math.isclose(float(a), float(b), **limits) for a, b in pairs)


def comparable(outputs):
    """Copy the outputs that can be compared: not stderr and progress bars."""
    return [nbformat.from_dict(output) for output in outputs if not is_progress(output)]


def drop_twins(found, expected):
    """Leave out the html of what is also a picture or a widget, on whichever side that is seen."""
    for pair in zip(found, expected, strict=False):
        bundles = [output.get("data", {}) for output in pair]
        if any(mime in bundle for bundle in bundles for mime in PICTURES):
            for bundle in bundles:
                bundle.pop("text/html", None)


def settle(found, expected, tolerance):
    """Replace each text of ``found`` that agrees with its counterpart by that counterpart."""
    for ours, theirs in zip(found, expected, strict=False):
        for new, old in ((ours, theirs), (ours.get("data", {}), theirs.get("data", {}))):
            for key in new.keys() & old.keys():
                texts = isinstance(new[key], str) and isinstance(old[key], str)
                if texts and agrees(new[key], old[key], tolerance):
                    new[key] = old[key]


def check_tolerance(tolerance, where):
    """Refuse a tolerance that would be ignored or let everything pass."""
    numbers = all(isinstance(limit, int | float) and limit > 0 for limit in tolerance.values())
    if not tolerance or not tolerance.keys() <= {"abs", "rel"} or not numbers:
        raise ValueError(
            f"{where}: got tol {tolerance!r}; allowed: 'abs' and 'rel' with numbers above 0."
        )


def compare_outputs(cell, found, expected, original):
    """Stand in for ``IPyNbCell.compare_outputs``."""
    found, expected = comparable(found), comparable(expected)
    drop_twins(found, expected)
    if tolerance := cell.cell.metadata.get("nas_course", {}).get("tol"):
        settle(found, expected, tolerance)
    return original(cell, found, expected)


OUTPUT_SECONDS = 60  # nbval waits 5 s for what a cell printed; a busy machine may take longer


def collect(notebook, original):
    """Stand in for ``IPyNbFile.collect``: nbval passes a cell that was never run unseen."""
    for item in original(notebook):
        item.output_timeout = OUTPUT_SECONDS
        metadata = item.cell.metadata.get("nas_course", {})
        if "tol" in metadata:
            check_tolerance(metadata["tol"], f"{notebook.path.name}, {item.name}")
        if item.options["check"] and item.cell.execution_count is None:
            raise notebook.CollectError(
                f"{notebook.path.name}, {item.name} is to be compared but was never executed:\n"
                f"{item.cell.source}\n"
                f"Run: python -m nas_course.build --execute {notebook.path.stem}"
            )
        yield item


def setup(notebook, original):
    """Stand in for ``IPyNbFile.setup``: the kernel gets the variables the outputs were made in."""
    with mock.patch.dict("os.environ", kernel_environment(), clear=True):
        try:
            original(notebook)
        except RuntimeError:  # a kernel's ports are chosen before it opens them: one was taken
            original(notebook)


def pytest_ignore_collect(collection_path, config):
    """Keep nbval from running notebooks that tests use as material, some of them hostile."""
    tests = config.rootpath / "tests"
    return True if collection_path.suffix == ".ipynb" and tests in collection_path.parents else None


def pytest_configure():
    """Wrap nbval's methods once."""
    for owner, wrapper in ((IPyNbCell, compare_outputs), (IPyNbFile, collect), (IPyNbFile, setup)):
        original = getattr(owner, wrapper.__name__)
        if not hasattr(original, "wrapped_by_course"):
            setattr(owner, wrapper.__name__, _bound(wrapper, original))


def _bound(wrapper, original):
    def method(self, *arguments):
        return wrapper(self, *arguments, original)

    method.wrapped_by_course = True
    return method
