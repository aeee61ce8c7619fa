"""Single-edit mutants of a piece of Python: one operator, constant, name or statement changed.

for mutant in mutants("def double(x):\\n    return x * 2"):
    mutant.before, mutant.after            # "return x * 2", "return x / 2"
    exec(mutant.source, namespace)
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SWAPS: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Div, ast.Add),
    ast.Div: (ast.Mult,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.And: (ast.Or,),
    ast.Or: (ast.And,),
}
NAMES = {
    "min": "max",
    "max": "min",
    "argmax": "argmin",
    "all": "any",
    "any": "all",
    "sum": "mean",
    "mean": "sum",
    "prod": "sum",
    "comb": "perm",
    "softmax": "log_softmax",
    "cumsum": "cumprod",
    "train_gradients": "valid_gradients",
    "valid_gradients": "train_gradients",
}


@dataclass(frozen=True)
class Mutant:
    """A changed source and the line that changed, before and after."""

    source: str
    before: str
    after: str


def mutants(source: str) -> Iterator[Mutant]:
    """Yield every single edit of the source that changes it and still is valid Python."""
    tree = _without_docstrings(ast.parse(source))
    plain = ast.unparse(tree)
    seen = {plain}
    following = _following_names(tree)
    for index, node in enumerate(ast.walk(tree)):
        for edit in (*_edits(node), *_other_names(node, following)):
            changed = copy.deepcopy(tree)
            edit(changed, list(ast.walk(changed))[index])
            text = ast.unparse(ast.fix_missing_locations(changed))
            if text not in seen:
                seen.add(text)
                yield Mutant(text, *_changed_lines(plain, text))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) and len(node.body) > 1:
            del node.body[0]
    return tree


Edit = Callable[[ast.AST, ast.AST], None]


def _edits(node: ast.AST) -> Iterator[Edit]:
    """Yield functions that change a copy of `node` in place; they get the whole tree too."""
    if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign):
        yield from (_set("op", swap()) for swap in SWAPS.get(type(node.op), ()))
    elif isinstance(node, ast.Compare):
        yield from (_set("ops", [swap()]) for swap in SWAPS.get(type(node.ops[0]), ()))
    elif isinstance(node, ast.Constant):
        yield from (_set("value", value) for value in _other_constants(node.value))
    elif isinstance(node, ast.Name) and node.id in NAMES:
        yield _set("id", NAMES[node.id])
    elif isinstance(node, ast.Attribute) and node.attr in NAMES:
        yield _set("attr", NAMES[node.attr])
    elif isinstance(node, ast.UnaryOp | ast.Call):
        yield _unwrap
    elif isinstance(node, ast.IfExp):
        yield _exchange_branches
    elif isinstance(node, ast.comprehension) and node.ifs:
        yield _set("ifs", [])
    if isinstance(node, ast.Assign | ast.AugAssign | ast.If | ast.For):
        yield _drop


def _following_names(tree: ast.Module) -> dict[str, str]:
    """For each argument and local variable the next one in the order of the alphabet."""
    stored = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_stored(n)}
    names = sorted(stored | {n.arg for n in ast.walk(tree) if isinstance(n, ast.arg)})
    return dict(zip(names, names[1:] + names[:1], strict=True))


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)


def _other_names(node: ast.AST, following: dict[str, str]) -> Iterator[Edit]:
    """Confuse two variables: yields an edit that reads the next name instead of this one."""
    if isinstance(node, ast.Name) and not _is_stored(node) and node.id in following:
        yield _set("id", following[node.id])


def _other_constants(value: object) -> tuple[object, ...]:
    if isinstance(value, bool):
        return (not value,)
    if isinstance(value, int | float):
        return (value + 1, value - 1)
    return (f"{value}?",) if isinstance(value, str) else ()


def _set(field: str, value: object) -> Edit:
    return lambda tree, node: setattr(node, field, copy.deepcopy(value))


def _unwrap(tree: ast.AST, node: ast.AST) -> None:
    """Replace -x by x, x.method(...) by x and function(x, ...) by x."""
    if isinstance(node, ast.UnaryOp):
        inner = node.operand
    elif isinstance(node.func, ast.Attribute) and not _is_module(node.func.value):
        inner = node.func.value
    elif node.args:
        inner = node.args[0]
    else:
        return
    _replace(tree, node, inner)


def _is_module(node: ast.AST) -> bool:
    root = node
    while isinstance(root, ast.Attribute):
        root = root.value
    return isinstance(root, ast.Name) and root.id in ("torch", "np", "math", "problem")


def _exchange_branches(tree: ast.AST, node: ast.IfExp) -> None:
    node.body, node.orelse = node.orelse, node.body


def _drop(tree: ast.AST, node: ast.AST) -> None:
    _replace(tree, node, ast.Pass())


def _replace(tree: ast.AST, old: ast.AST, new: ast.AST) -> None:
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if value is old:
                setattr(parent, field, new)
            elif isinstance(value, list) and any(item is old for item in value):
                value[:] = [new if item is old else item for item in value]


def _changed_lines(plain: str, changed: str) -> tuple[str, str]:
    pairs = zip(_lines(plain), _lines(changed), strict=False)
    return next(
        ((a.strip(), b.strip()) for a, b in pairs if a != b), (plain.strip(), changed.strip())
    )


def _lines(text: str) -> list[str]:
    """Lines, with each entry of a dict on a line of its own."""
    return text.replace(", '", ",\n'").splitlines()
