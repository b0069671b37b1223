"""The output of every plug-in is pinned: a change of it needs a raised version."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest

from pipelines.common import plugin_modules
from pipelines.common.plugin_modules import Reference
from pipelines.common.plugins import Registry
from pipelines.generators.registry import GENERATORS
from pipelines.modalities.registry import MODALITIES
from pipelines.scorers.protocol import Given
from pipelines.scorers.registry import SCORERS
from pipelines.sources import read
from pipelines.sources import registry as sources
from tests import golden
from tests.pipelines import plugin_outputs
from tests.pipelines.isolated import needs_sandbox
from tests.pipelines.plugin_outputs import (
    DIGITS,
    REGISTRIES,
    SANDBOXED,
    output,
    pictures,
    plain,
    texts,
)

GOLDEN: Final[Mapping[str, str]] = {
    "generator augment/1": "f11684af9b7a523e9198890fdf9b42dc537953f5c5dde1f1e194b8003bc9d853",
    "generator diffusion/1": "5398191af877505e24f3bb778a82f1bb674fae0d54474260cd7f47cb86f9533d",
    "generator file/2": "69c3487b1bfdf970554c52176bc294eaf31a85b6fd01b49036e45c29a4503217",
    "generator gan/1": "a50bcbcf838dcc30ada162be5f816992bdc8c7044dad8561538327a6b1082fcf",
    "generator hosted_images/1": "8c700acadd536de19960d87baadff8eba5dbe975c06688f60ca8c6daa5a8ad09",
    "generator interpolation/1": "53f2f6fed1e3fc1a84579b81e0a785e6423ce74f18c034cc019c9eb7d0a289b8",
    "generator pretrained/1": "e2ff2f524bacacff727ee95f433f286f54b767029dceab42a01ea2f9dd7fdc51",
    "generator real/1": "794f7cecaae1f1267cbd56921fcdac1b5d64fcf50a831faf824939fd509fbbe9",
    "generator simulate/1": "74e4cceb80e2cb77223bbf2d1de14aaab9ab947442481ed57bb908d33b6dff4d",
    "generator text/2": "85b3e3fdb7ba7fe0e31d2b682c56579d5c5a8e4b28f03c5a12a5ea13bb6d63c3",
    "metric classes/4": "cf5de18508ca10d306e40bc846efbdae38356f1e6553ccfa0f606b8ce5950ad3",
    "metric clipped/2": "9b33870e10e60b524691e42e4bc080e4bc8be78c3e1b9818c03f464b0e51f258",
    "metric content/3": "8f902a6bce1474618de0296908b7308ae349698ff285195f8ec5ededf718ad43",
    "metric entropy/2": "c8d367b6c8d3161cebc89fa88da0eb49265b58262895de66c2e7c56dec297ec8",
    "metric meaning_variety/2": "75b32989e1138f1b0c1c41424c37aa2fe5632844e0ce508afc7175291c80d151",
    "metric neighbours/3": "48615a0b3f8e9c2ce12ff75a083c9246783a33fd3a37fb7f8213837609130293",
    "metric rare_class/1": "6e9865d7b5bcc251791d6069e6b3d0bd0f83a90c9c1b6646f6234d69dd50f2a6",
    "metric selection/1": "6c92e7f0c000466e8c8e83f317facf2f60d20c59d00335b701d8d0c018159c43",
    "metric shape/1": "711fe5774bbf5032ecf93cb9a622a9faff09ea8909536b4db5376c3abfda8e76",
    "metric style/3": "2e7dc8db278afae1842b0f17a4f4e7452a2efb8b6de81fe6a35839b284e39ef2",
    "metric table_fidelity/1": "dd9a1da36f54b0851c5555c446051658fa2e596687c7bf6d690f49687feedc76",
    "metric table_neighbours/3": "f88a3a1413cb04e42fa02902ac3fcc6607b9bc161f247c268f823c7478d064de",
    "metric text_neighbours/2": "f45dbe28206ae4c8836bd751592cd484ca228bfd0caaf85a5e338d3e1ce8d9dc",
    "metric text_variety/2": "d0e3cb08189129dd76d48d9ac1b0397b101a8dce2ccb4fe6d5670f90fe29f75d",
    "metric training_distance/1": (
        "6f410452f26e58928bec399bea8011b1308ef77499c58d8b0272967d33fc530b"
    ),
    "metric verifier_pull/1": "afe572379de91c2341c08104773b2dd80615a510c999ca400db07dcb3be3208a",
    "modality image/2": "065de7aebf91262226a4221f1bbab9b02ff7d79f21b1aec7e7a4c04372a39968",
    "modality table/1": "250a4ac5da48edc856a320a69456a48bca6f39a6b8c206bd50f905a3a75fb487",
    "modality text/2": "028931274b1c300ba5996f9294c2956f5ceec51cccecd7a38cc2b257db38823c",
    "reader folder/2": "3f5ab56cebb32f212922208dd9e3e56cac09fbf0232484d096f6d082583fffe5",
    "reader table/2": "f4d4ee0e7300e3029399109896094d83cf5aac53dc57f0501e75c1cebe06a770",
    "scorer agreement/2": "a49812fc197828fc695cae1a4eeae55742b73cc9573b7accc8942702ee2c6221",
    "scorer code/4": "b481e892408ec3664ebb37675c0db8e7f3a01a6618d9f569775f34aea806061e",
    "scorer distance/1": "4c0c32bb64cdc679131f99a70ca950db2ecfa2cf8192d54762df7df815ac0167",
    "scorer image_duplicates/1": "0a3100915151c8f2b3e2b04e52eb560296d2dcc265722e67119e877f895f50b3",
    "scorer json_schema/1": "ea82c76c5e98f3af6a315f0f33939a3a4f05741aa702faca0eaebebe234f1157",
    "scorer judge/1": "a82b5db7bdec5ee1f69b64a734fade53ec49a6452147a2228e3edfd759ce757c",
    "scorer language/1": "5af13ccfdad333174c6011d2fbd41be48dd5f61d9181fa40da69646f8f1d3f37",
    "scorer maths/2": "e27018bc6ef23c675bce339feb7231b024bf0e63ca480b3f1534f51172855ef8",
    "scorer personal_data/1": "a1d5b41f7d97ef84e275d147df3eabe326e76617c323c0d2d41ee80106f193b3",
    "scorer table_agreement/1": "bcb32da1949aa304f01f9e2dfd7e4f6d32a18024b8a9c5b5c1f17e8c3e68b1db",
    "scorer table_distance/1": "9a9b1c7f56e17d3099351a199d82e5a9b6c0db0e0c6e25e3402d59b54487c9f3",
    "scorer text_agreement/1": "cfe1bc98fbaac836ee56f3a9fffd54682eb08d70fc12d44f364a7f5d6a06595c",
    "scorer text_duplicates/3": "a900a693636ce1e32b80aba6602bdf8da727e662fb178dc04ffeba6090a8542f",
    "scorer text_meaning/1": "aa18c90393325851a2fe3ebe0ef08f9e078858d142326b0aab46f330fe9a661f",
    "scorer text_overlap/3": "9d1397afa6ea6af9514faacc34ff50d72762ee027550221661f99d3b63bc7234",
    "scorer text_shape/3": "0d7699c8a882deb16cdb535a0cf4eee66d58a1471f0fc5d193ffc69e8d0e95e1",
    "scorer toxicity/1": "93e4c112ea4f556fd907453310c7ca92feb2d55265b10904eefc1178fdf7766f",
    "scorer vision_judge/1": "5d7648c653eff02ff8a503e58eeb22c6636cc7be153a4daf3e3a75e089f9337b",
    "source dialogue/1": "de8992b0a16b358f14df3ba908eb87d5041bde2758aac7595e094cab1fb4a552",
    "source huggingface/1": "80938de7a107999b5e213ec18749dafce3dc923087188177565ed6ce611ea05e",
    "source digits/1": "dd33c582995b6c3e5de453d487ca9d8a3d620e392d54b62c3cce9ac90cdd5a2c",
    "task image_labels/3": "210774fa956a9e8e3a869d2ef9af15761f5880ab7cf3e7a174d0b6a47c87c880",
    "task nearest_labels/1": "0d6220003cdb5cd3bc0417f702f1f82c02cd8f5b863807944b160ef04a3d0cbf",
    "task table_labels/1": "a124708070cb2ced62a108ea6d85ae451d13fb0da2fbb804ed45d488eafd1a80",
    "task table_target/1": "c282455d9b243d8517561281f81f175c4885570fd51b7afeaba1f28067192358",
    "task text_labels/1": "e4676fbb4de9312e0a6f0716c247ac7383285a75955a9210f9f95b15e20713cd",
    "task text_likelihood/1": "a53a121e138a05c71bb98766397acc6f7665c1d4f5ef7d89163a6f0d0aaaa6eb",
    "task view_labels/1": "3c1c9f1ad32d91404b5c92628348383a0ab16dc7ef584ec958d7897293306763",
}
"""Digests of output by kind and version."""


def pinned(kind: str) -> dict[str, str]:
    """Digests of a kind, by version."""
    return {
        key.partition(" ")[2]: value
        for key, value in GOLDEN.items()
        if key.partition(" ")[0] == kind
    }


def file_of(found: type[Any]) -> str:
    return found.__module__.replace(".", "/") + ".py"


def cases() -> Iterator[Any]:
    for each in REGISTRIES:
        for name in each.names():
            marks = [needs_sandbox] if name in SANDBOXED else []
            yield pytest.param(each, name, id=f"{each.kind} {name}", marks=marks)


@pytest.mark.parametrize(("registry_", "name"), list(cases()))
def test_a_change_of_output_needs_a_raised_version(
    registry_: Registry[Any], name: str, tmp_path: Path
) -> None:
    found = registry_.find(name)
    made = output(registry_.kind, name, tmp_path)
    golden.check(made, found.version, pinned(registry_.kind), file=file_of(found))


@pytest.mark.parametrize("version", [sources.TABLE, sources.FOLDER])
def test_readers_of_data_are_pinned(version: str, tmp_path: Path) -> None:
    if version == sources.FOLDER:
        for row in pictures(1, 6).iter_rows(named=True):
            place = tmp_path / f"class {row['label']}" / f"{row['row']}.png"
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(row["image"]["bytes"])
        found: object = read.read(str(tmp_path), MODALITIES.load("image", ("image",))).frame
    else:
        rows = texts(1).select("text", "label")
        rows.write_csv(tmp_path / "rows.csv")
        rows.write_ndjson(tmp_path / "rows.jsonl")
        rows.write_parquet(tmp_path / "rows.parquet")
        modality = MODALITIES.load("text", ("text",))
        found = [
            read.read(str(tmp_path / f"rows.{each}"), modality).frame
            for each in ("csv", "jsonl", "parquet")
        ]
    golden.check(
        plain(found, DIGITS), version, pinned("reader"), file="pipelines/sources/registry.py"
    )


def test_nothing_is_pinned_that_is_not_there() -> None:
    there = {
        f"{each.kind} {each.find(name).version}" for each in REGISTRIES for name in each.names()
    }
    assert set(GOLDEN) == there | {f"reader {sources.TABLE}", f"reader {sources.FOLDER}"}


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[str], Any]:
    """A scorer as a copy of its file would be, its text changed."""

    def load(change: str) -> Any:
        text = Path(str(sys.modules[SCORERS.find("text_shape").__module__].__file__)).read_text()
        old, _, new = change.partition(" => ")
        assert old in text
        place = tmp_path / "copy.py"
        place.write_text(text.replace(old, new))
        module = plugin_modules.module_of(Reference.of(str(place)), "scorer")
        return module.TextShape()

    return load


def test_a_changed_comment_is_no_change_and_changed_output_names_the_version(
    copied: Callable[[str], Any],
) -> None:
    def made(change: str) -> object:
        scorer = copied(change)
        rows = texts(2)
        given = Given(texts(1))
        found = {
            "candidates": scorer.score(rows, given, scorer.Settings()),
            "real": scorer.score_real(given, scorer.Settings()),
        }
        return plain(found, DIGITS)

    def check(change: str) -> None:
        file = "pipelines/scorers/text_shape.py"
        golden.check(made(change), "text_shape/3", pinned("scorer"), file=file)

    check('"""Measure each text. => """Say how each text is made.')
    with pytest.raises(AssertionError, match="raise text_shape/3 to text_shape/4 in pipelines/sc"):
        check("str.len_chars() => str.len_bytes() + 1")


def test_a_comment_in_a_generator_is_no_change_and_other_candidates_name_the_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = GENERATORS.find("interpolation")
    text = Path(str(sys.modules[found.__module__].__file__)).read_text(encoding="utf-8")

    def check(name: str, old: str, new: str) -> None:
        assert old in text
        place = tmp_path / f"{name}.py"
        place.write_text(text.replace(old, new), encoding="utf-8")
        module = plugin_modules.module_of(Reference.of(str(place)), "generator")
        copy = SimpleNamespace(load=lambda _: module.Interpolation())
        monkeypatch.setattr(plugin_outputs, "GENERATORS", copy)
        made = output("generator", "interpolation", tmp_path / name)
        golden.check(made, found.version, pinned("generator"), file=file_of(found))

    check(
        "comment", '"""Draw two parents for each row, and mix them."""', "# Two parents are drawn."
    )
    with pytest.raises(AssertionError, match="raise interpolation/1 to interpolation/2 in pipe"):
        check(
            "other",
            "parents(plan.request.dataset, rows, pool.keys[first], 1 - share)",
            "parents(plan.request.dataset, rows, pool.keys[first], share)",
        )
