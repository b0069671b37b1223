"""A filter on system calls, for what namespaces and resource limits do not hold.

Denied are calls that reach past the namespaces (sockets of virtual machines, keyrings of the user,
the kernel's log), that look into other processes or tell where mounts come from, that make
namespaces or mounts, that take memory which no limit counts (System V segments, anonymous files,
watches of files, buffers of internet sockets), and large parts of the kernel that no ordinary
program needs (BPF, io_uring, userfaultfd). The filter is a program of the classic BPF machine, one
check after another; bubblewrap installs it.

Linux, Documentation/userspace-api/seccomp_filter.rst; `struct sock_filter` of linux/filter.h;
numbers of calls from asm/unistd_64.h (x86-64) and asm-generic/unistd.h (AArch64).
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

LOAD: Final = 0x20
"""BPF_LD | BPF_W | BPF_ABS: load a word of `struct seccomp_data`."""
EQUAL: Final = 0x15
"""BPF_JMP | BPF_JEQ | BPF_K."""
AT_LEAST: Final = 0x35
"""BPF_JMP | BPF_JGE | BPF_K."""
ANY_BIT: Final = 0x45
"""BPF_JMP | BPF_JSET | BPF_K."""
RETURN: Final = 0x06
"""BPF_RET | BPF_K."""
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`; the lower half of the argument, on little-endian machines."""
ALLOW: Final = 0x7FFF0000
ERROR: Final = 0x00050000
"""SECCOMP_RET_ERRNO; the lower 16 bits are the error number."""
X32: Final = 0x40000000
"""From here on, numbers are those of another calling convention of x86-64."""
NAMESPACES: Final = 0x7E020080
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET and NEWTIME."""
FAMILIES: Final = (1, 16)
"""Sockets that a program may make: UNIX and netlink; both end in its own namespace."""
NEWER: Final = 457
"""From here on, calls are newer than these lists; the first of them tell where mounts come from."""

X86_64: Final[Mapping[str, int]] = {
    "shmget": 29,
    "shmat": 30,
    "shmctl": 31,
    "semget": 64,
    "semop": 65,
    "semctl": 66,
    "shmdt": 67,
    "msgget": 68,
    "msgsnd": 69,
    "msgrcv": 70,
    "msgctl": 71,
    "ptrace": 101,
    "syslog": 103,
    "pivot_root": 155,
    "mount": 165,
    "umount2": 166,
    "io_setup": 206,
    "semtimedop": 220,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "inotify_init": 253,
    "inotify_add_watch": 254,
    "unshare": 272,
    "inotify_init1": 294,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "memfd_create": 319,
    "bpf": 321,
    "userfaultfd": 323,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "memfd_secret": 447,
}
AARCH64: Final[Mapping[str, int]] = {
    "io_setup": 0,
    "inotify_init1": 26,
    "inotify_add_watch": 27,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "unshare": 97,
    "syslog": 116,
    "ptrace": 117,
    "msgget": 186,
    "msgctl": 187,
    "msgrcv": 188,
    "msgsnd": 189,
    "semget": 190,
    "semctl": 191,
    "semtimedop": 192,
    "semop": 193,
    "shmget": 194,
    "shmctl": 195,
    "shmat": 196,
    "shmdt": 197,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
    **{name: number for name, number in X86_64.items() if number >= 425},  # noqa: PLR2004  since 5.1 all machines share numbers
}


@dataclass(frozen=True, slots=True)
class Machine:
    """Calls of one kind of processor."""

    audit: int
    """Its AUDIT_ARCH constant, of linux/audit.h."""
    denied: Mapping[str, int]
    clone: int
    clone3: int
    sockets: tuple[int, int]
    """`socket` and `socketpair`."""


MACHINES: Final[Mapping[str, Machine]] = {
    "x86_64": Machine(0xC000003E, X86_64, clone=56, clone3=435, sockets=(41, 53)),
    "aarch64": Machine(0xC00000B7, AARCH64, clone=220, clone3=435, sockets=(198, 199)),
}


def program(machine: str | None = None) -> bytes | None:
    """The filter as bubblewrap reads it: an array of `struct sock_filter`.

    Args:
        machine: as `platform.machine()` names it; None: this one.

    Returns:
        8 bytes for each instruction; None for a processor whose calls are not known here.
    """
    known = MACHINES.get(platform.machine() if machine is None else machine)
    if known is None:
        return None
    return b"".join(struct.pack("=HBBI", *each) for each in _instructions(known))


def _instructions(machine: Machine) -> Iterable[tuple[int, int, int, int]]:
    """Code, jump if true, jump if false, operand; a jump counts the instructions it passes over."""
    refused = (RETURN, 0, 0, ERROR | errno.EPERM)
    absent = (RETURN, 0, 0, ERROR | errno.ENOSYS)
    allowed = (RETURN, 0, 0, ALLOW)
    yield (LOAD, 0, 0, ARCHITECTURE)
    yield (EQUAL, 1, 0, machine.audit)
    yield refused
    yield (LOAD, 0, 0, NUMBER)
    yield (AT_LEAST, 0, 1, X32)
    yield refused
    yield (AT_LEAST, 0, 1, NEWER)
    yield absent
    for number in machine.denied.values():
        yield (EQUAL, 0, 1, number)
        yield refused
    yield (EQUAL, 0, 1, machine.clone3)  # its flags are in memory; the C library then takes clone
    yield absent
    yield (EQUAL, 0, 4, machine.clone)
    yield (LOAD, 0, 0, FIRST_ARGUMENT)
    yield (ANY_BIT, 0, 1, NAMESPACES)
    yield refused
    yield allowed
    yield (EQUAL, 2, 0, machine.sockets[0])
    yield (EQUAL, 1, 0, machine.sockets[1])
    yield allowed
    yield (LOAD, 0, 0, FIRST_ARGUMENT)
    for family in FAMILIES:
        yield (EQUAL, 0, 1, family)
        yield allowed
    yield (RETURN, 0, 0, ERROR | errno.EAFNOSUPPORT)
