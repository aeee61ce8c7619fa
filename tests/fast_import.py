"""Saves 3 seconds a run: importing nbformat builds a grammar for URIs that no notebook needs.

jsonschema takes this package as optional (python-jsonschema/jsonschema#1428); without it only the
format check "iri" is off. Must be loaded before nbval, so by ``-p`` and not from a conftest.
"""

import sys

sys.modules.setdefault("rfc3987_syntax", None)
