"""A program that is run by a fork of `programs_server.py`: FOLDER NAME WORDS…

It imports next to nothing, hands over all that a program is given, and ends as its fork ends.
"""

import array
import json
import os
import signal
import socket
import struct
import sys


def main() -> None:
    """Have it run; end by the signal that ended the fork, or with its exit code."""
    folder, name, *words = sys.argv[1:]
    asked = {"words": [f"{folder}/{name}", *words], "cwd": os.getcwd(), "env": dict(os.environ)}  # noqa: PTH109  pathlib takes as long to import as all of this
    os.chdir(folder)  # the address of a socket is short
    with socket.socket(socket.AF_UNIX) as server:
        server.connect("socket")
        streams = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))]
        server.sendmsg([b"\0"], streams)
        server.sendall(json.dumps(asked).encode() + b"\n")
        answer = server.recv(4, socket.MSG_WAITALL)
    code = struct.unpack("i", answer)[0] if len(answer) == 4 else -signal.SIGKILL
    if code < 0:
        os.kill(os.getpid(), -code)
    sys.exit(code)


main()
