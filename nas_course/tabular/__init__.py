"""The shipped tabular benchmark: every NAS-Bench-201 cell trained in a small network."""

from nas_course.tabular.rows import Row
from nas_course.tabular.table import NotInTable, Table, load

__all__ = ["NotInTable", "Row", "Table", "load"]
