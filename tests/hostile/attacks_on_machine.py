"""Notebooks that try to hurt the grader, its machine, or other notebooks."""

from attack import Attack, cell, function
from grading_samples import CHECKS, IMPORT, RIGHT_EDGES, RIGHT_WEIGHTS

EARLY_EXIT = (
    function("process ended in the function", "process-ended", "import os\nos._exit(0)"),
    function("sys.exit in the function", "raised", "import sys\nsys.exit(0)"),
    function("KeyboardInterrupt raised", "interrupted", "raise KeyboardInterrupt"),
    function(
        "killing everybody and itself",
        "process-ended",
        """
import os, signal
for pid in (os.getppid(), -1, os.getpid()):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass
os.abort()
""",
        needs=("processes",),
    ),
    function("crash in C", "process-ended", "import ctypes\nctypes.string_at(0)"),
    cell("process ended in a cell", "import os\nos._exit(0)", ("process-ended",)),
    cell("sys.exit in a cell", "import sys\nsys.exit(0)", ("raised",)),
    Attack(
        "answer defined in the cell that ends the process",
        (IMPORT, f"{RIGHT_WEIGHTS}\nimport os; os._exit(0)", RIGHT_EDGES, *CHECKS),
        2,
        "process-ended",
        None,
        ("process-ended", "raised"),
    ),
)

IGNORE = """
import signal
for number in (1, 2, 14, 15, 24):
    signal.signal(number, signal.SIG_IGN)
"""
HANGING = (
    function("endless loop that ignores signals", "time-limit", "while True: pass", before=IGNORE),
    function(
        "endless waiting in C",
        "time-limit",
        "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    ),
    function(
        "regular expression that takes for ever",
        "time-limit",
        "import re\nre.match('(a+)+$', 'a' * 60 + 'b')",
        before=IGNORE,
    ),
    function(
        "endless destructor",
        "time-limit",
        "Slow()\nreturn values",
        before="class Slow:\n    def __del__(self):\n        while True: pass",
    ),
    cell(
        "endless cell that refuses to be interrupted",
        """
while True:
    try:
        while True: pass
    except BaseException: pass
""",
        ("time-limit",),
    ),
    function(
        "right answer beside a thread that never ends",
        None,
        """
import threading
threading.Thread(target=wait, args=(3600,)).start()
powers = [2.718281828459045 ** value for value in values]
return [power / sum(powers) for power in powers]
""",
        before="from time import sleep as wait",
        points=6,
    ),
)

RESOURCES = (
    function(
        "a flood of processes",
        "process-limit",
        """
import os, time
for _ in range(200):
    try:
        if os.fork() == 0:
            break
    except OSError:
        break
time.sleep(3600)
""",
    ),
    function(
        "a flood of threads",
        "raised",
        """
import threading, time
for _ in range(200):
    threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()
time.sleep(3600)
""",
    ),
    function("endless printing", "output-limit", "while True: print('x' * 1000)"),
    function(
        "endless writing past Python's output",
        "output-limit",
        "import os\nwhile True: os.write(1, b'x' * 1000)",
    ),
    function(
        "endless memory",
        "memory-limit",
        """
import time
kept = []
while True:
    if len(kept) < 24: kept.append(b"x" * 25_000_000)
    else: time.sleep(0.01)
""",
    ),
    function("memory all at once", "raised", "return bytearray(50_000_000_000)"),
    function(
        "memory of many processes",
        "memory-limit",
        """
import os, time
for _ in range(5):
    if os.fork() == 0: break
kept = b"x" * 120_000_000
time.sleep(3600)
""",
    ),
    function(
        "one large file",
        "raised",
        "with open('large', 'wb') as file:\n    while True: file.write(b'x' * 1_000_000)",
    ),
    function(
        "many large files",
        "raised",
        "for n in range(100):\n    open(str(n), 'wb').write(b'x' * 9_000_000)",
    ),
    function(
        "files without end",
        "raised",
        "number = 0\nwhile True:\n    number += 1\n    open(str(number), 'w').close()",
    ),
    function(
        "open files without end",
        "raised",
        "kept = []\nwhile True: kept.append(open('/dev/null'))",
    ),
)

ESCAPE = (
    function(
        "daemon in a session of its own",
        "not-normalised",
        """
import subprocess, sys
sleep = "import time; time.sleep(3600) # MARKER"
subprocess.Popen([sys.executable, "-c", sleep], start_new_session=True)
return values
""",
        points=3,
    ),
    function(
        "daemon of a daemon, without environment",
        "not-normalised",
        """
import os, sys
sleep = "import time; time.sleep(3600) # MARKER"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", sleep], {})
    os._exit(0)
return values
""",
        points=3,
    ),
    function(
        "neighbours' files, links and parent folders",
        "not-normalised",
        """
import os
for target in targets:
    for way in (target, "../../../../../../../.." + target):
        for act in (lambda: os.symlink(way, f"link{len(os.listdir())}"), lambda: os.remove(way),
                    lambda: os.rename(way, way + ".gone"), lambda: os.chmod(way, 0),
                    lambda: [open(name, "w").write("mine") for name in [way, *os.listdir()]]):
            try:
                act()
            except OSError:
                pass
return values
""",
        before="targets = TARGETS",
        points=3,
        needs=("files",),
    ),
    function(
        "Python poisoned for the next notebook",
        "not-normalised",
        """
import os, sys, numpy, IPython
folders = (*sys.path, os.path.dirname(os.__file__), os.path.expanduser("~"), "/etc", "/tmp")
names = ("sitecustomize.py", "usercustomize.py", "numpy.py", "IPython.py", "x.pth")
paths = [os.path.join(folder, name) for folder in folders for name in names]
for path in (*paths, numpy.__file__, IPython.__file__):
    try:
        open(path, "a").write("\\nraise SystemExit('POISON')")
    except OSError:
        pass
return values
""",
        points=3,
        needs=("files",),
    ),
    function(
        "new namespaces, mounts and roots",
        "not-normalised",
        """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
done = [libc.unshare(0x10000000), libc.unshare(0x20000), libc.chroot(b"/tmp"), libc.setuid(0),
        libc.mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None), libc.umount2(b"/tmp", 2)]
return [float(done.count(0)) for _ in values]
""",
        points=3,
    ),
    cell(
        "shell commands",
        "!rm -rf / 2>/dev/null\n!echo 6 > results.json\n!exit 0",
        needs=("files",),
    ),
    cell(
        "shell command that kills everybody",
        "!kill -9 -1",
        ("process-ended",),
        needs=("processes",),
    ),
)

NETWORK = (
    function(
        "connections to this machine and beyond",
        "not-normalised",
        """
import socket
reached = 0
for kind, family, address in ((1, 2, ("127.0.0.1", PORT)), (1, 10, ("::1", PORT)),
                              (2, 2, ("127.0.0.1", PORT)), (2, 2, ("8.8.8.8", 53)),
                              (1, 1, "/run/dbus/system_bus_socket"), (1, 1, "\\0abstract")):
    try:
        with socket.socket(family, kind) as line:
            line.settimeout(0.3)
            line.connect(address)
            line.send(b"secret")
            reached += 1
    except OSError:
        pass
return [float(reached) for _ in values]
""",
        points=3,
    ),
)

ATTACKS = (*EARLY_EXIT, *HANGING, *RESOURCES, *ESCAPE, *NETWORK)
