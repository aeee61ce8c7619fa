"""Notebooks that try to get points they did not earn: lies, patches, searches, forgeries."""

from attack import Attack, cell, function
from grading_samples import CHECKS, IMPORT, RIGHT_WEIGHTS

LYING = (
    function(
        "object equal to everything",
        "unsupported-type",
        "return Yes()",
        before="""
class Yes:
    shape = (5,)
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __len__(self): return 5
    def __float__(self): return 0.5
    def __array__(self, *a, **k):
        import numpy
        return numpy.zeros(5)
""",
    ),
    function(
        "numbers that lie about their value",
        "not-normalised",
        "return [Lie(0.1) for _ in values]",
        before="""
class Lie(float):
    def __eq__(self, other): return True
    def __sub__(self, other): return 0.0
    def __rsub__(self, other): return 0.0
    def __add__(self, other): return 0.5
    def __float__(self): return 0.5
    def __repr__(self): return "0.5"
    __hash__ = None
""",
        points=3,
    ),
    function(
        "array subclass that lies",
        "not-normalised",
        "return np.zeros(len(values)).view(Lie)",
        before="""
import numpy as np
class Lie(np.ndarray):
    def __eq__(self, other): return np.ones(self.shape, bool)
    def __array_function__(self, *a, **k): return True
    def __array_ufunc__(self, *a, **k): return True
""",
        points=3,
    ),
    function(
        "list that never ends",
        "wrong-shape",
        "return Endless([0.5])",
        before="""
class Endless(list):
    def __len__(self): return 5
    def __iter__(self):
        while True: yield 0.5
""",
    ),
    function(
        "exception posing as a diagnosis",
        "raised",
        "raise Diagnosis",
        before="""
class Diagnosis(BaseException):
    code = None
    points = 6
    def __str__(self): raise SystemExit(0)
""",
    ),
)

PATCHED = (
    cell(
        "builtins that always agree",
        """
import builtins
for name in ("all", "any", "isinstance", "abs", "len", "hash", "callable"):
    setattr(builtins, name, lambda *a, **k: True)
""",
        ("process-ended",),
    ),
    cell(
        "numpy and json that always agree",
        """
import json
import numpy as np
np.allclose = np.isclose = np.array_equal = lambda *a, **k: True
np.testing.assert_allclose = lambda *a, **k: None
json.loads = json.dumps = lambda *a, **k: {"points": 6}
""",
    ),
    cell(
        "grading package replaced",
        """
import nas_course.grading as grading
from nas_course.grading import answering, transport
grading.check = lambda *a: "right"
grading.Report = type("Report", (), {"points": 6})
transport.encode = answering.encode = lambda value: {"points": 6}
""",
        weights="forged-reply",
        edges="forged-reply",
        points=0,
    ),
    cell(
        "assert dropped by a syntax tree transformer",
        """
import ast
class Drop(ast.NodeTransformer):
    def visit_Assert(self, node): return ast.Pass()
    def visit_Expr(self, node): return ast.Pass()
get_ipython().ast_transformers.append(Drop())
""",
    ),
    cell(
        "cells rewritten by an input transformer",
        """
def rewrite(lines):
    return [line.replace("check(", "print(6, ").replace("13", "10 + 3") for line in lines]
get_ipython().input_transformers_post.append(rewrite)
""",
    ),
    cell(
        "shell that runs nothing any more",
        """
class Nothing:
    error_before_exec = error_in_exec = None
    points = 6
get_ipython().run_cell = lambda *a, **k: Nothing()
""",
        edges="not-found",
    ),
)

# What a searcher looks for, written so that it does not find itself.
WANTED = 'import re\nwanted = re.compile("canary-5e1f-[a]77c")\nfound = []'
READING = (
    function(
        "tests looked for in In, Out and the namespace",
        "not-normalised",
        """
text = repr(get_ipython().user_ns) + repr(In) + repr(globals())
return [1.0 if wanted.search(text) else 0.0 for _ in values]
""",
        before=WANTED,
        points=3,
    ),
    function(
        "tests looked for on the disk",
        "not-normalised",
        """
import os
for top in ("/work", "/root", "/home", "/tmp", "/etc", "/opt", "/mnt", "/var", "/srv"):
    for folder, inside, names in os.walk(top):
        inside[:] = [name for name in inside if name not in ("lib", "site-packages", ".git")]
        for path in (os.path.join(folder, name) for name in names):
            try:
                if os.path.getsize(path) < 300_000:
                    if wanted.search(open(path, encoding="latin1").read()):
                        found.append(path)
            except OSError:
                pass
return [1.0 if found else 0.0 for _ in values]
""",
        before=WANTED,
        points=3,
    ),
    function(
        "tests looked for in environment, arguments and open files",
        "not-normalised",
        """
import os, sys
told = repr(os.environ) + repr(sys.argv) + repr(sys.orig_argv)
for pid in os.listdir("/proc"):
    for part in ("environ", "cmdline"):
        try:
            told += open(f"/proc/{pid}/{part}").read()
        except OSError:
            pass
for number in range(3, 256):
    try:
        told += os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        pass
return [1.0 if wanted.search(told) or "test_hostile" in told else 0.0 for _ in values]
""",
        before=WANTED,
        points=3,
    ),
    function(
        "tests looked for in frames, the heap and modules",
        "not-normalised",
        """
import gc, sys
frame, told = sys._getframe(), ""
while frame:
    told += repr(frame.f_locals)[:100_000]
    frame = frame.f_back
for thing in gc.get_objects():
    if type(thing) in (dict, list, tuple) and len(thing) < 200:
        parts = list(thing.values() if type(thing) is dict else thing)
        if any(type(part) is str and wanted.search(part) for part in parts):
            found.append(thing)
return [1.0 if wanted.search(told) or found else 0.0 for _ in values]
""",
        before=WANTED,
        points=3,
    ),
    function(
        "memory of other processes",
        "not-normalised",
        """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
opened = 0
for pid in (os.getppid(), 1, *range(2, 400)):
    if pid == os.getpid():
        continue
    opened += libc.ptrace(16, pid, 0, 0) == 0
    try:
        open(f"/proc/{pid}/mem", "rb").read(1)
    except OSError as error:
        opened += error.errno == 5  # opened, though there is nothing at address 0
return [float(opened) for _ in values]
""",
        points=3,
    ),
    function(
        "checks imported by name",
        "not-normalised",
        """
import importlib, pkgutil
got = [m.name for m in pkgutil.iter_modules(grading.__path__) if "exercises_" in m.name]
for name in ("exercises_08_space", "checking", "expect", "grader"):
    try:
        got.append(importlib.import_module("nas_course.grading." + name))
    except ImportError:
        pass
return [float(len(got)) for _ in values]
""",
        before="import nas_course.grading as grading",
        points=3,
    ),
)

FRAME = """
import json, os
def frame(content):
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return len(text).to_bytes(4, "big") + text
def everywhere(data):
    for number in range(3, 64):
        try:
            os.write(number, data)
        except OSError:
            pass
"""
FORGED = (
    function(
        "full marks written to every open file",
        "forged-reply",
        """
everywhere(frame({"id": 6, "points": 6, "verdict": "right", "exercises": [{"points": 6}]}))
return [9.0] * len(values)
""",
        before=FRAME,
    ),
    function(
        "replies with numbers of their own",
        "forged-reply",
        """
for number in range(1, 40):
    everywhere(frame({"id": number, "outcome": {"passed": True}}))
return [9.0] * len(values)
""",
        before=FRAME,
    ),
    function(
        "a message of four gigabytes announced",
        "forged-reply",
        "everywhere(b'\\xff' * 64)\nreturn [9.0] * len(values)",
        before=FRAME,
    ),
    function(
        "JSON nested a million times",
        "forged-reply",
        "everywhere(frame(b'[' * 1_000_000))\nreturn [9.0] * len(values)",
        before=FRAME,
    ),
    function(
        "every file closed",
        "process-ended",
        "import os\nos.closerange(0, 256)\nreturn [9.0] * len(values)",
    ),
    cell(
        "result files, printed marks and exit code 0",
        """
import atexit, json, os
for name in ("results.json", "report.json", "/tmp/results.json"):
    open(name, "w").write(json.dumps({"points": 6, "score": 6}))
print("6 of 6 points")
print(json.dumps({"exercise": "99.2", "points": 2}))
atexit.register(os._exit, 0)
""",
    ),
)

BOMB = """
import os
import numpy as np
class Bomb:
    def __reduce__(self): return (os.system, ("touch BOMB",))
"""
VALUES = (
    function(
        "value that runs code when unpickled",
        "unsupported-type",
        "return [Bomb() for _ in values]",
        before=BOMB,
    ),
    function(
        "array of objects that run code when unpickled",
        "unsupported-type",
        "return np.array([Bomb()] * len(values), dtype=object)",
        before=BOMB,
    ),
    function(
        "list that contains itself",
        "unsupported-type",
        "loop = []\nloop.append(loop)\nreturn loop",
    ),
    function("ten million numbers", "unsupported-type", "return [0.5] * 10_000_000"),
    function(
        "integers of ten thousand digits",
        "unsupported-type",
        "return [10 ** 10_000] * len(values)",
    ),
    function(
        "only the case known by heart",
        "other-weights",
        "return [1 / len(values)] * len(values)",
        points=4,
    ),
    function(
        "exception with escape codes and markup",
        "raised",
        """
steer = "\\x1b[2J\\x1b]0;mine\\x07" + "\\u202e" + "<script>alert(1)</script>"
raise ValueError(steer + "x" * 10**6)
""",
    ),
)

FORMAT = (
    Attack(
        "check cells copied, reordered and edited",
        (IMPORT, *CHECKS[::-1], "edges = 13", *CHECKS, 'check("99.2", 14)', 'check("99.9", 1)'),
        0,
        "not-found",
        "not-14",
        ("raised", "raised", "raised"),
    ),
    Attack("check cells removed", ("edges = 13", RIGHT_WEIGHTS), 4, None, "not-14"),
)

ATTACKS = (*LYING, *PATCHED, *READING, *FORGED, *VALUES, *FORMAT)
