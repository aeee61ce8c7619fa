"""The form of a hostile notebook in these tests."""

from dataclasses import dataclass

from grading_samples import CHECKS, IMPORT, RIGHT_EDGES, RIGHT_WEIGHTS


@dataclass(frozen=True)
class Attack:
    """One hostile notebook, the points its honest parts deserve, and the causes to be named.

    ``weights`` and ``edges`` are the diagnosis codes of the two exercises, None for right;
    ``stopped`` the codes of the cells that stopped. ``needs`` names the protections without which
    the attack would really hurt the machine that runs this test.
    """

    name: str
    cells: tuple[str, ...]
    points: float
    weights: str | None
    edges: str | None
    stopped: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


def function(name, code, body, before="", points=2, needs=()):
    """A hostile `weights`; the other exercise is solved, and its points must be kept."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    source = f"{before.strip()}\ndef weights(values):\n{lines}"
    cells = (IMPORT, source, CHECKS[0], RIGHT_EDGES, CHECKS[1])
    return Attack(name, cells, points, code, None, needs=needs)


def cell(name, source, stopped=(), weights=None, edges="not-14", points=4, needs=()):
    """A hostile cell between a right `weights` and a wrong `edges`."""
    cells = (IMPORT, RIGHT_WEIGHTS, source.strip(), "edges = 13", *CHECKS)
    return Attack(name, cells, points, weights, edges, stopped, needs)
