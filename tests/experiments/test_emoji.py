"""Emoji of two makers are one list, and criteria about them fail where they come out otherwise."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments import emoji, emoji_domains, packages, scaling_laws
from experiments.experiment import Estimate, Part
from experiments.packages import Package
from pipelines.common import digests

LISTED = (
    ("Animals", "cat", "CAT FACE", True),
    ("Component", "skin", "TONE", True),
    ("Flags", "flag", None, True),
    ("Flags", "flag", "NOT DRAWN", False),
)
"""Category, group, name and whether the second maker draws it."""


@pytest.fixture
def makers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages of two makers, who draw in red and in green, half through."""
    monkeypatch.setattr(packages, "FOLDER", tmp_path)
    made = {}
    for maker, colour in (("one", (255, 0, 0, 128)), ("two", (0, 255, 0, 128))):
        listed = [
            {
                "category": category,
                "subcategory": group,
                "name": name,
                "short_name": "flag-xy",
                "image": f"{at}.png",
                "has_img_one": True,
                "has_img_two": both,
            }
            for at, (category, group, name, both) in enumerate(LISTED)
        ]
        picture = io.BytesIO()
        Image.new("RGBA", (64, 64), colour).save(picture, "PNG")
        files = {"emoji.json": json.dumps(listed).encode()}
        files |= {f"img/{maker}/64/{at}.png": picture.getvalue() for at in range(3)}
        package = Package("npm", f"emoji-{maker}", "1", "MIT", "")
        with tarfile.open(package.place, "w:gz") as opened:
            for name, content in files.items():
                item = tarfile.TarInfo(f"package/{name}")
                item.size = len(content)
                opened.addfile(item, io.BytesIO(content))
        sha256 = digests.of_file(package.place)
        made[maker] = Package("npm", f"emoji-{maker}", "1", "MIT", sha256)
    monkeypatch.setattr(emoji, "PACKAGES", made)


@pytest.mark.usefixtures("makers")
def test_makers_have_the_same_emoji_on_white() -> None:
    first, second = (emoji.load.__wrapped__(maker) for maker in ("one", "two"))
    assert first.names == second.names == ("cat face", "flag-xy")
    assert first.categories.tolist() == first.groups.tolist() == [0, 1]
    assert first.pixels.shape == (2, 32, 32, 3)
    assert first.pixels[0, 5, 5] == pytest.approx([1, 0.5, 0.5], abs=0.01)
    assert second.pixels[1, 5, 5] == pytest.approx([0.5, 1, 0.5], abs=0.01)


def test_a_test_is_the_same_emoji_by_both_makers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makers whose pictures are the colour of the category: one draws light, the other dark."""
    labels = np.arange(60) % 3
    colours = np.eye(3, dtype=np.float32)[labels][:, None, None, :] * np.ones((60, 32, 32, 1), "f4")
    names = tuple(str(at) for at in range(60))
    drawn = {
        maker: emoji.Emoji(factor * colours, names, labels, labels)
        for maker, factor in (("twitter", 1.0), ("google", 0.6))
    }
    monkeypatch.setattr(emoji, "load", drawn.__getitem__)
    monkeypatch.setattr(emoji_domains, "pictures", emoji_domains.pictures.__wrapped__)
    monkeypatch.setattr(emoji_domains, "SEEN", 45)
    monkeypatch.setattr(emoji_domains, "SIZES", {"real": (45,), "synthetic": (45, 90)})
    found = emoji_domains.errors(1)
    assert {name: len(each) for name, each in found.items()} == {
        **{f"real, {domain}": 1 for domain in scaling_laws.DOMAINS},
        **{f"synthetic, {domain}": 2 for domain in scaling_laws.DOMAINS},
    }
    assert found["real, in domain"][0] == found["synthetic, in domain"][1] == 0


def test_each_criterion_about_domains_can_fail() -> None:
    right = {
        "c, real, in domain": Estimate(0.1, 0.1, 0.1),
        "c, synthetic, in domain": Estimate(0.2, 0.2, 0.2),
        "worse, in domain": Estimate(0.04, 0.03, 0.05),
        "worse, out of it": Estimate(-0.02, -0.04, 0.0),
        "narrowed": Estimate(0.06, 0.04, 0.08),
    }
    assert all(each.holds for each in emoji_domains.conclude({"sizes": Part(right)}))
    for at, (name, wrong) in enumerate(
        (
            ("c, synthetic, in domain", Estimate(0.1, 0.1, 0.1)),
            ("worse, in domain", Estimate(0.04, -0.01, 0.09)),
            ("narrowed", Estimate(0.01, -0.01, 0.03)),
        )
    ):
        found = emoji_domains.conclude({"sizes": Part({**right, name: wrong})})
        assert [each.holds for each in found] == [other != at for other in range(3)]
