"""Messages between the grader and a notebook's process: a length, then that much JSON."""

from __future__ import annotations

import os
from json import dumps, loads
from typing import Any

MOST_BYTES = 32 * 2**20
MOST_PARTS = 2_000_000
_HEADER = 4


class Pipe:
    """Two file descriptors, one to read messages from and one to write them to."""

    def __init__(self, incoming: int, outgoing: int) -> None:
        self.incoming = incoming
        self.outgoing = outgoing

    def send(self, message: dict) -> None:
        """Write one message."""
        text = dumps(message).encode("utf-8", "surrogatepass")
        data = memoryview(len(text).to_bytes(_HEADER, "big") + text)
        while data:
            data = data[os.write(self.outgoing, data) :]

    def receive(self) -> Any:
        """Read one message.

        Raises
        ------
        EOFError
            When the other side is gone.
        ValueError
            When what comes is not a message: too long, not JSON, nested too deeply.
        """
        size = int.from_bytes(self._read(_HEADER), "big")
        if size > MOST_BYTES:
            raise ValueError(f"a message of {size} bytes, more than {MOST_BYTES}")
        data = self._read(size)
        # A short text can become a thousand times its size in objects: count before building.
        if data.count(b",") + data.count(b"[") + data.count(b"{") > MOST_PARTS:
            raise ValueError(f"a message of more than {MOST_PARTS} parts")
        try:
            return loads(data.decode("utf-8", "surrogatepass"))
        except RecursionError as error:
            raise ValueError("a message nested too deeply") from error

    def _read(self, size: int) -> bytes:
        parts = []
        while size:
            part = os.read(self.incoming, min(size, 2**20))
            if not part:
                raise EOFError("the other side closed the pipe")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def close(self) -> None:
        """Close both ends of this side."""
        os.close(self.incoming)
        os.close(self.outgoing)


def take_over_stdio() -> Pipe:
    """Use stdin and stdout for messages and send everything that is printed to stderr."""
    pipe = Pipe(os.dup(0), os.dup(1))
    for number in (pipe.incoming, pipe.outgoing):
        os.set_inheritable(number, False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return pipe
