"""`stemma takedown certificate`: a signed account of a take-down, and its verification."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lake import files
from pipelines.common import dsse
from pipelines.common.errors import SigningError
from pipelines.params import load
from pipelines.rounds import trust
from pipelines.rounds.context import open_lake
from pipelines.takedown import certificate
from review.cli.output import make_console, number, print_json
from review.commands import takedown_verify
from review.errors import ReviewError, UsageError

VERIFY: Final = "verify"


def run(*, words: Sequence[str], output: Path | None, as_json: bool) -> None:
    """Make the certificate of a take-down, or verify a file that is one.

    Raises:
        UsageError: neither is asked for.
        EnvelopeError: the file was changed, or nobody trusted signed it.
    """
    if len(words) == 2 and words[0] == VERIFY:  # noqa: PLR2004  the word and a file
        _verify(Path(words[1]), as_json=as_json)
    elif len(words) == 1:
        _make(words[0], output, as_json=as_json)
    else:
        raise UsageError("name a take-down, or write `verify` and the file of a certificate")


def _make(name: str, output: Path | None, *, as_json: bool) -> None:
    found = takedown_verify.searched(name, near=True)
    lake = open_lake(load())
    content = certificate.make(lake, name, found, int(time.time()))
    envelope = certificate.signed(content, trust.signer(lake))
    path = output or Path(f"{name}.certificate{dsse.SUFFIX}")
    try:
        files.write_atomic(path, dsse.encoded(envelope), durable=True)
    except OSError as error:
        raise ReviewError(f"{path} cannot be written: {error.strerror}") from error
    remains = len(content["predicate"]["remains"])
    if as_json:
        print_json({"file": str(path), "clean": found.clean, "statement": content})
    else:
        left = "nothing was found" if found.clean else f"{number(len(found.leftovers))} leftovers"
        make_console().print(
            f"wrote {path}: {left}, {number(len(found.unread))} places not read, "
            f"{number(remains)} things that remain are named",
            soft_wrap=True,
        )


def _verify(path: Path, *, as_json: bool) -> None:
    """Verify a certificate.

    Raises:
        SigningError: no key is trusted.
        EnvelopeError: it was changed, or nobody trusted signed it.
    """
    keys = trust.keys()
    if keys is None:
        raise SigningError(
            "no key is trusted here: put the public key of whoever signed the certificate into "
            "trust/, or name it in STEMMA_GUARD_PUBLIC_KEYS"
        )
    verified = certificate.verify(dsse.read(path), keys)
    if as_json:
        print_json({"valid": True, "signer": verified.signer, "certificate": verified.content})
        return
    asked, found = verified.content["asked"], verified.content["verified"]
    out = make_console()
    out.print(f"{path} was signed by {verified.signer} and was not changed", soft_wrap=True)
    out.print(
        f"take-down {verified.content['takedown']}: {number(len(asked['ids']))} ids, "
        f"{number(len(verified.content['done']['purges']))} purges, "
        f"{number(len(found['leftovers']))} leftovers, {number(len(found['unread']))} places not "
        "read",
        soft_wrap=True,
    )
    for item in verified.content["remains"]:
        out.print(f"remains: {item['what']}: {item['why']}", soft_wrap=True)
