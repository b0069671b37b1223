"""Fingerprints of content that was taken down: they find it again, and do not hold it.

A sample's id finds the same content only. A fingerprint also finds a picture that was scaled or
compressed again, a text with other white space, case or punctuation, and a row of a table whose
numbers were rounded. It has two parts, either of which may be missing:

- `exact`, SHA-256 of a normal form: of a text in compatibility form (NFKC), in lower case, with
  single spaces; of a row of a table with texts in that form and numbers of six digits;
- `near`, bits of which few differ between near-duplicates: of an image two perceptual hashes of 64
  bits, `phash` and `dhash`; of a text 256 bits, of each of 256 MinHash values the lowest one
  (Li & König 2010, "b-Bit Minwise Hashing", with b = 1).

What they give away: a digest confirms a guess, so whoever can list all candidates of a short text
can find it, as from the sample's id itself. A bit of a MinHash value names no piece of a text. The
hashes of an image are signs of its lowest frequencies and of neighbouring brightnesses, from which
a blurred outline can be drawn, and no detail.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from lineage import canonical, identity
from lineage.ancestry.compiling import compiled
from pipelines.features import image_hashes, shingles, text_similarity
from pipelines.modalities import Modality

VERSION: Final = b"stemma-fingerprint/1"
"""First bytes of everything hashed, and the rule by which fingerprints are made."""
SCHEMA: Final = pl.Schema({"exact": pl.Binary(), "near": pl.Binary()})
IMAGE_BITS: Final = 4
"""Bits of 64 in which each hash of a near-duplicate image differs at most. Of all pairs of the
1,797 digits, 3 in a million differ by no more in both hashes."""
TEXT_BITS: Final = 256
"""MinHash values of a text, of each of which one bit is kept."""
NEAR_BYTES: Final[Mapping[str, int]] = {"image": 16, "text": TEXT_BITS // 8}
"""Size of a near fingerprint, by modality."""
TEXT_NEAR: Final = 25
"""Bits in which near-duplicate texts differ at most: (1 - J) / 2 of them are expected to at a
Jaccard similarity J of their shingles, so half of the pairs with J = 0.8 are found, with J = 0.9
nearly all, and of those with J = 0.5 fewer than one in a million."""
DIGITS: Final = 6
"""Significant digits of a number in the normal form of a row."""
BLOCK: Final = 4096
"""Rows that are compared with all entries at once."""


def of_rows(
    frame: pl.DataFrame, modality: Modality, identity_columns: Sequence[str]
) -> pl.DataFrame:
    """Compute the fingerprints of rows.

    Args:
        frame: n rows of payload.
        modality: the modality of the data set.
        identity_columns: the columns that are the content of a sample.

    Returns:
        [n] exact and near, as `SCHEMA`; null where the modality has no such part, or a row cannot
        be read. A modality of one's own has neither: its ids alone are compared.
    """
    make = MAKERS.get(modality.name)
    if make is None or frame.is_empty():
        return pl.DataFrame({name: [None] * len(frame) for name in SCHEMA.names()}, schema=SCHEMA)
    return make(frame, modality, identity_columns).cast(SCHEMA)


def near_pairs(
    rows: pl.Series, entries: pl.Series, modality: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find rows whose near fingerprint is that of an entry, but for few bits.

    Args:
        rows: [n] near fingerprints; null is near to nothing.
        entries: [m] near fingerprints of the same modality.
        modality: its name.

    Returns:
        Positions in `rows`, each once and ascending, and the first near entry of each.
    """
    here, there = rows.is_not_null().arg_true(), entries.is_not_null().arg_true()
    none = np.empty(0, dtype=np.int64)
    if not len(here) or not len(there):
        return none, none
    left, right = _words(rows[here]), _words(entries[there])
    found_rows, found_entries = [none], [none]
    for start in range(0, len(left), BLOCK):
        differing = np.bitwise_count(left[start : start + BLOCK, None, :] ^ right[None, :, :])
        near = (
            (differing <= IMAGE_BITS).all(axis=2)
            if modality == "image"
            else differing.sum(axis=2, dtype=np.int64) <= TEXT_NEAR
        )
        matched = np.flatnonzero(near.any(axis=1))
        found_rows.append(here.to_numpy()[start + matched].astype(np.int64))
        found_entries.append(there.to_numpy()[near[matched].argmax(axis=1)].astype(np.int64))
    return np.concatenate(found_rows), np.concatenate(found_entries)


def minimum_bits(
    values: NDArray[np.uint64],
    starts: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    bits: NDArray[np.bool_],
) -> None:
    """Fill in one bit of the least hash of each set, for each of many hash functions.

    The hash is the finaliser of SplitMix64 (Steele, Lea & Flood 2014) of value and seed. It is
    compiled, and calls nothing.

    Args:
        values: members of all sets.
        starts: [n + 1] offsets of the sets in `values`.
        seeds: [k] of the hash functions.
        bits: [n, k] are filled in.
    """
    for one in range(len(starts) - 1):
        for function in range(len(seeds)):
            least = np.uint64(0xFFFFFFFFFFFFFFFF)
            for position in range(starts[one], starts[one + 1]):
                mixed = values[position] ^ seeds[function]
                mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
                mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
                mixed ^= mixed >> np.uint64(31)
                least = min(least, mixed)
            bits[one, function] = (least & np.uint64(1)) == np.uint64(1)


def _of_images(frame: pl.DataFrame, _: Modality, columns: Sequence[str]) -> pl.DataFrame:
    """Fingerprint images; where the identity is more than one image, ids alone are compared."""
    nothing = pl.Series("exact", [None] * len(frame), dtype=pl.Binary)
    if len(columns) != 1 or not canonical.is_image(frame.schema[columns[0]]):
        return pl.DataFrame([nothing, nothing.alias("near")])
    column = frame[columns[0]]
    hashes = [image_hashes.hashes(column, method) for method in ("phash", "dhash")]
    words = np.stack([values for values, _ in hashes], axis=1)
    readable = np.logical_and(*(known for _, known in hashes))
    near = [row.tobytes() if known else None for row, known in zip(words, readable, strict=True)]
    return pl.DataFrame([nothing, pl.Series("near", near, dtype=pl.Binary)])


def _of_texts(frame: pl.DataFrame, modality: Modality, _: Sequence[str]) -> pl.DataFrame:
    return of_texts(modality.shown(frame)["text"])


def of_texts(column: pl.Series) -> pl.DataFrame:
    """Compute the fingerprints of texts, as `of_rows` does of rows of texts."""
    texts = shingles.normal(column)
    exact = [None if text is None else _hashed(text.encode()) for text in texts]
    known = texts.drop_nulls()
    shingling = text_similarity.SHINGLING
    sets = shingles.sets(known, shingling.unit, shingling.ngram)
    bits = np.zeros((len(known), TEXT_BITS), dtype=np.bool_)
    compiled(minimum_bits)(sets.values, sets.starts, _seeds(), bits)
    packed = iter(np.packbits(bits, axis=1))
    near = [None if text is None else next(packed).tobytes() for text in texts]
    return pl.DataFrame(
        [pl.Series("exact", exact, dtype=pl.Binary), pl.Series("near", near, dtype=pl.Binary)]
    )


def _of_tables(frame: pl.DataFrame, _: Modality, columns: Sequence[str]) -> pl.DataFrame:
    """Fingerprint rows of a table by the id of their normal form; there is no near part."""
    normal = frame.select(_normal(name, frame.schema[name]) for name in columns)
    exact = [_hashed(key) for key in identity.sample_ids(normal, columns)]
    return pl.DataFrame(
        [
            pl.Series("exact", exact, dtype=pl.Binary),
            pl.Series("near", [None] * len(frame), dtype=pl.Binary),
        ]
    )


def _normal(name: str, dtype: pl.DataType) -> pl.Expr:
    """The normal form of a column of a table: texts as those of a text, and rounded numbers."""
    column = pl.col(name)
    if dtype.is_numeric():
        return column.cast(pl.Float64).round_sig_figs(DIGITS)
    if dtype == pl.String:
        plain = column.str.normalize("NFKC").str.to_lowercase()
        return plain.str.replace_all(r"\s+", " ").str.strip_chars()
    return column


def _seeds() -> NDArray[np.uint64]:
    """Seeds of the hash functions: fixed, so that fingerprints of any time can be compared."""
    parts = [hashlib.sha256(VERSION + index.to_bytes(2, "big")).digest() for index in range(64)]
    return np.frombuffer(b"".join(parts), dtype="<u8").astype(np.uint64)[:TEXT_BITS]


def _words(values: pl.Series) -> NDArray[np.uint64]:
    """Fingerprints of one length as [n, words] of 64 bits."""
    joined = b"".join(values)
    return np.frombuffer(joined, dtype=np.uint64).reshape(len(values), -1)


def _hashed(content: bytes) -> bytes:
    return hashlib.sha256(VERSION + content).digest()


Maker = Callable[[pl.DataFrame, Modality, Sequence[str]], pl.DataFrame]
MAKERS: Final[Mapping[str, Maker]] = {
    "image": _of_images,
    "text": _of_texts,
    "table": _of_tables,
}
"""What fingerprints rows, by modality."""
