"""Random edits of a lake: of any object of a round, and of any entry of a commit's metadata."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from lake.client import Lake

OBJECTS = ("flip", "cut", "swap", "remove", "copy", "replace", "empty")
"""What is done to an object."""
ENTRIES = ("remove", "replace", "swap", "extend")
"""What is done to an entry of metadata."""


@dataclass(frozen=True, slots=True)
class ObjectEdit:
    """An edit of one object, which numbers pick among those that are there."""

    how: str
    which: int
    other: int
    data: bytes

    def apply(self, lake: Lake, branch: str, paths: Sequence[str]) -> None:
        """Make the edit on a branch."""
        path, other = (paths[number % len(paths)] for number in (self.which, self.other))
        data = lake.read(branch, path)
        if self.how == "remove":
            lake.delete(branch, [path])
        elif self.how == "swap":
            lake.write_bytes(branch, path, lake.read(branch, other))
            lake.write_bytes(branch, other, data)
        elif self.how == "copy":
            lake.write_bytes(branch, f"{path}.{self.other}", data)
        else:
            lake.write_bytes(branch, path, self._changed(data))

    def _changed(self, data: bytes) -> bytes:
        if self.how == "flip" and data:
            at = self.other % len(data)
            return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        if self.how == "cut":
            return data[: self.other % (len(data) + 1)]
        return b"" if self.how == "empty" else self.data


@dataclass(frozen=True, slots=True)
class EntryEdit:
    """An edit of one entry of metadata."""

    how: str
    which: int
    other: int
    text: str

    def apply(self, entries: Mapping[str, str], skipped: Sequence[str]) -> dict[str, str]:
        """Metadata with the edit; entries in `skipped` stay as they are."""
        names = sorted(entries.keys() - {*skipped})
        name, other = (names[number % len(names)] for number in (self.which, self.other))
        found = dict(entries)
        if self.how == "remove":
            del found[name]
        elif self.how == "swap":
            found[name], found[other] = found[other], found[name]
        else:
            found[name] = self.text if self.how == "replace" else found[name] + self.text
        return found


NUMBERS = st.integers(0, 10_000)
TEXTS = st.sampled_from(["", "x", "0", "-1", "1", "main", "{}", "[]", "null", "0" * 64]) | st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), max_size=12
)
object_edits = st.builds(
    ObjectEdit, st.sampled_from(OBJECTS), NUMBERS, NUMBERS, st.binary(max_size=40)
)
entry_edits = st.builds(EntryEdit, st.sampled_from(ENTRIES), NUMBERS, NUMBERS, TEXTS)


def apply(lake: Lake, branch: str, edits: Sequence[ObjectEdit], prefix: str) -> bool:
    """Make edits under a prefix of a branch; tell whether it holds something else afterwards."""
    before = {item.path: item.checksum for item in lake.objects(branch, prefix)}
    for edit in edits:
        paths = [item.path for item in lake.objects(branch, prefix)]
        if not paths:
            break
        edit.apply(lake, branch, paths)
    return {item.path: item.checksum for item in lake.objects(branch, prefix)} != before
