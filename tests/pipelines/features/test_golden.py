"""Outputs of features for fixed inputs are pinned: scorers, metrics and modalities build on them.

A feature has no semantic version of its own. What uses it has one, and stands in the keys of
stages, so a feature whose output changes makes all of these versions wrong. Which ones they are
follows from the imports.
"""

from __future__ import annotations

import ast
import io
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import grimp
import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from pipelines import features
from pipelines.features import (
    byte_model,
    closest,
    colour_transfer,
    containment,
    embedding,
    image_classifier,
    image_descriptor,
    image_edits,
    image_fitting,
    image_forms,
    image_hashes,
    image_style,
    images,
    knn,
    knn_forest,
    knn_translated,
    knn_votes,
    many_images,
    near_pairs,
    pii,
    shingles,
    text_classifier,
    text_likeness,
    text_similarity,
)
from pipelines.features.edit_settings import Edits
from pipelines.features.image_conversion import Form
from pipelines.features.pictures import Pictures
from pipelines.features.text_similarity import Shingling
from tests import golden

GOLDEN: Final[Mapping[str, str]] = {
    "byte_model": "f4c3575cf7df48cfe68788727dc63e7a28c128598ac18ef5058d5cb610a2a005",
    "colour_transfer": "0b6c2f45ecf5c382a09a1d8700a0baca4cf1f9166ef5e030d2ff3e84657c00e1",
    "containment": "f2158ac1f5cd4977185149becea78ce3c9bc82449caf117709902dd1569e8aaa",
    "embedding": "f97e465ffba40f4dfd949586c208c726a82dbb45c26d410810118d59f67534b4",
    "image_classifier": "0009b046c473b155c619a5d7194f8a43ad41bf424205b6c59b6e28c1d2c476c0",
    "image_descriptor": "e06b9b016bd7aed0f53466b5267bfafd2613b07aa98999d090f4d566996e2ca0",
    "image_edits": "05c32691e411dafc4259a0325cadc25ec1058106d5da46043189b311439872a0",
    "image_fitting": "ad2622c7f715db085f3025ff069e5e923fe13bb216ac88221fa2fda238a72d06",
    "image_forms": "20086631abfcca343e3bc5c781a49fd7bd6d6b988a13cc7f354adc3a9b2933bb",
    "image_hashes": "ce86a8bf9f239124d16fcc19ca72fe03b08424867a88d70fd7ff5f3650905378",
    "image_style": "82216fcb7b194fb39b64ee8cd8ebc09087584e4e9f37d984a0d90b0cc3121736",
    "images": "dbf674b2a762dd79d92ce4085fefe12db7be297a5f8d227f2876ef41ecf6abac",
    "knn": "4ba0649666710f2fd535aee79993a9aa746b6b16d0266014bc9c646e9bfaf418",
    "knn_forest": "596ee3686af8bdb70535b8604d593febd12095253925f05192647593598258c3",
    "knn_translated": "b8bb54533e2511ea00d3a16cf018b7d7b0bbeb9ece66504aa800fef80c86da82",
    "closest": "973a1d45132588a33f3911c47a27a23a855a524ae2bd2b36e8f761f9033e2c1c",
    "many_images": "5e5a73c0360219edc36ace842153b864446025ecc2b13ec19a60f97754ba9ec1",
    "near_pairs": "154da93f42478758e7ddd60a31866338fb505faac057c37149852840c051c169",
    "knn_votes": "ade72f7a672c40787e869fa2bae0bc8c7945f4192d9f92e7d3fbc3ee58c87ae1",
    "pictures": "2cd4bd5f8e93b55b4270d6efa5c83b8a941bfd28a7e7fcf36d988102438f0ddd",
    "pii": "f12f1178bd3cc9ceb39e026552b192c9a6148e811fd8393e656d14fb43c841a2",
    "shingles": "86ab41ebf94fc3d943ef3ca0d3a34c31863e2147b024299ee77ed04b59b81354",
    "text_classifier": "e6d927cc870e02a744a4848c23152cf69b9ff486e84187c5a149201db644ffb1",
    "text_likeness": "40b7e73da52091532daf1a7f949ace33dd20b0513ba90a2dd18eca2fdce6ffbe",
    "text_similarity": "38dd9aae5788b8e24bc282b436da59e510125e8e7bc234b5bc282d06cf4f1d85",
}
"""Digests of output by feature."""

DIGITS: Final = 6
SOLVED_DIGITS: Final = 3
"""Digits of what an iterative solver finds: it stops early, and a processor with other vector
instructions may stop elsewhere."""
FOLDER: Final = Path(features.__file__).parent
ROOT: Final = FOLDER.parents[1]
ROOMS: Final = ("scorers", "metrics", "modalities", "generators", "sources")
"""Where plug-ins are, which have versions."""
VERSION: Final = re.compile(r"[\w.-]+/\d+(\.\d+)*")
UNPINNED: Final = {
    "__init__",
    "edit_settings",
    "image_conversion",
    "image_embedding",
    "pair_distances",
    "projection",
    "screening",
    "term_counts",
    "text_meaning",
    "thumbnails",
}
"""Modules without a golden digest: `image_forms` pins one, a trained network is another on another
processor and states its own digest, settings have no output, coordinates and candidates decide how
much `knn` and `near_pairs` compare and never what they find, the model of `text_meaning` is that of
its package, pictures of pages are in no key, and `term_counts` counts as scikit-learn does."""

TOPICS: Final = {
    "food": ("bread", "soup", "cheese", "apple", "rice", "lunch", "dinner", "taste", "salt"),
    "travel": ("train", "ticket", "airport", "city", "hotel", "beach", "map", "bus", "ship"),
    "music": ("song", "guitar", "drum", "violin", "dance", "choir", "concert", "opera", "jazz"),
}


def rounded(values: NDArray[Any], digits: int = DIGITS) -> list[Any]:
    """Values as JSON can hold them; a rounded zero has no sign."""
    plain: list[Any] = (np.round(values, digits) + 0.0).tolist()
    return plain


def sentences(count: int, seed: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Texts of three topics that share some words, and the topic of each."""
    draw = np.random.default_rng(seed)
    labels = np.array(sorted(TOPICS) * (count // len(TOPICS)))
    every = sorted(word for words in TOPICS.values() for word in words)
    texts = [" ".join([*draw.choice(TOPICS[label], 6), *draw.choice(every, 3)]) for label in labels]
    return np.array(texts), labels


def blobs(count: int, seed: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Points of three overlapping clusters, and the cluster of each."""
    draw = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % 3
    return (draw.normal(0, 1, (count, 8)) + labels[:, None]).astype(np.float32), labels


def pictures() -> pl.Series:
    """Smooth images, one twice, one slightly changed, one missing, one that is none."""
    draw = np.random.default_rng(3)
    coarse = draw.integers(0, 256, (6, 4, 4), dtype=np.uint8)
    pixels = np.kron(coarse, np.ones((1, 8, 8), dtype=np.uint8))
    pixels[5] = pixels[4]
    pixels[5, 0, 0] ^= 1
    files = [*images.encode(pixels), images.encode(pixels[:1])[0], None, b"none"]
    rows = [None if file is None else {"bytes": file, "path": None} for file in files]
    return pl.Series("image", rows, dtype=images.IMAGE)


def of_images() -> object:
    values = images.decode_lenient(pictures())
    readable = images.finite(values)
    return {
        "readable": readable.tolist(),
        "values": rounded(values[readable]),
        "bytes": images.to_bytes(values[readable] * 0.5).tolist(),
        "vectors": rounded(images.vectors(pictures()[:3])),
    }


def of_image_descriptor() -> object:
    values = np.random.default_rng(12).random((3, 36, 40, 3), dtype=np.float32)
    grey = values[:2, :, :, 0]
    return [rounded(image_descriptor.described(each), 4) for each in (values, grey, grey[:, :8])]


def of_image_forms() -> object:
    """Images of several modes, depths and sizes, made square in three ways."""
    values = np.random.default_rng(11).integers(0, 256, (9, 14, 4), dtype=np.uint8)
    sources = (
        Image.fromarray(values),
        Image.fromarray(values[:, :, 0]),
        Image.fromarray(values[:, :, 0].astype(np.uint16) * 255),
        Image.fromarray(values[:, :, :3]).quantize(7, method=Image.Quantize.FASTOCTREE),
    )
    files = []
    for each in sources:
        each.save(out := io.BytesIO(), "PNG")
        files.append({"bytes": out.getvalue(), "path": None})
    forms = [Form((6, 6), fit, (9, 8, 7)) for fit in ("crop", "pad", "stretch")]  # type: ignore[arg-type]
    found = [
        image_forms.bring(pl.Series("image", rows, dtype=images.IMAGE), form)
        for form in forms
        for rows in (files, files[1:3])
    ]
    return [images.decode(each.images).tolist() for each in found]


def of_image_edits() -> object:
    draw = np.random.default_rng(21)
    grey = draw.integers(0, 256, (9, 7), dtype=np.uint8)
    colour = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
    edits = Edits(flip=0.5, vertical_flip=0.5, noise=0.05)
    return [image_edits.edited(each, edits, draw).tolist() for each in (grey, colour)]


def of_image_fitting() -> object:
    drawn = np.random.default_rng(22).random((12, 10, 3))
    broken = np.full((4, 4, 3), np.inf)
    fitted = [image_fitting.fitted(drawn, shape) for shape in ((6, 6), (6, 8, 3))]
    unread = np.isnan(image_fitting.fitted(broken, (2, 2))).tolist()
    return [rounded(each) for each in fitted], unread


def of_image_style() -> object:
    pixels = np.random.default_rng(13).random((4, 9), dtype=np.float32)
    pixels[2], pixels[3] = pixels[1] * np.float32(0.5) + np.float32(0.25), np.float32(0.3)
    return rounded(image_style.neutral(pixels), 4)


def of_colour_transfer() -> object:
    coloured = np.random.default_rng(23).random((4, 5, 6, 3), dtype=np.float32)
    ours, theirs = (colour_transfer.Colours.of(each) for each in (coloured[:2], coloured[2:]))
    both = ours.joined(theirs)
    moved = colour_transfer.Transfer.between(ours, theirs)(coloured[:2])
    return [rounded(each, 4) for each in (both.mean, both.covariance, moved)]


def of_pictures() -> object:
    coloured = np.random.default_rng(24).integers(0, 256, (4, 5, 6, 3), dtype=np.uint8)
    files = images.column(coloured)
    ours, theirs = (
        Pictures(part, lambda values: values.mean(axis=(1, 2))) for part in (files[:2], files[2:])
    )
    return rounded(ours.points_in_colours_of(theirs), 4)


def of_knn_translated() -> object:
    images_ = np.random.default_rng(16).random((12, 36), dtype=np.float32)
    moved = np.roll(images_[:4].reshape(4, 6, 6), (1, -1), axis=(1, 2)).reshape(4, 36)
    distances, rows = knn_translated.nearest(moved, images_, (6, 6, 1), 2)
    return [rounded(distances, 4), rows.tolist()]


def of_containment() -> object:
    known = pl.Series(["one two three four", "五六七八九十", "", "eight nine ten"])
    asked = pl.Series(["say one two three four please", "他说五六七八", "eight nine", "", "none"])
    sets = (shingles.sets(shingles.normal(each), "words", 2) for each in (asked, known))
    words = containment.different_words(shingles.normal(known))
    return [rounded(containment.largest(*sets)), rounded(words.to_numpy())]


def of_text_likeness() -> object:
    texts, _ = sentences(30, 17)
    asked = [*(text.upper() for text in texts[:4]), "", "日本語"]
    rows, others = (text_likeness.points(np.array(each)) for each in (asked, texts))
    distances, at = text_likeness.nearest(rows, others, 2)
    return [rounded(distances, 4), at.tolist()]


def of_closest() -> object:
    apart = np.random.default_rng(18).integers(9, size=(6, 20)) / 8
    found = closest.Closest.of(6, 3)
    for rows in closest.slices(6, 4):
        for block in closest.slices(20, 7):
            found.add(rows, block.start, apart[rows, block].copy())
    return [found.distances.tolist(), found.places.tolist()]


def of_knn_votes() -> object:
    references, labels = blobs(60, 14)
    queries, _ = blobs(12, 15)
    weights = np.linspace(0.5, 1.5, 60)
    return [
        knn_votes.predict(queries, references, labels).tolist(),
        knn_votes.predict(queries, references, labels, weights).tolist(),
        knn_votes.vote(np.array([[0, 1, -1], [-1, -1, -1]]), np.array([2, 1])).tolist(),
    ]


def of_image_hashes() -> object:
    outputs: dict[str, object] = {}
    for method in ("phash", "dhash", "average_hash", "whash"):
        bits, readable = image_hashes.hashes(pictures(), method)  # type: ignore[arg-type]
        outputs[method] = [f"{value:016x}" for value in bits], readable.tolist()
    draw = np.random.default_rng(4)
    drawn = draw.integers(0, 1 << 60, 30, dtype=np.uint64)
    drawn[10:20] = drawn[:10] ^ np.uint64(0b101)
    near = image_hashes.nearest(drawn[:20], drawn[15:], 4)
    closest, group = image_hashes.among(drawn, 4, earlier=False)
    outputs["nearest"] = [column.tolist() for column in near]
    outputs["among"] = [column.tolist() for column in (*closest, group)]
    return outputs


def of_embedding() -> object:
    points = embedding.fit(sentences(30, 0)[0])
    return rounded(points(sentences(9, 1)[0]))


def of_image_classifier() -> object:
    vectors, labels = blobs(90, 5)
    others, _ = blobs(30, 6)
    trained = image_classifier.train(vectors, labels, np.linspace(0.5, 1.5, 90), seed=1)
    predicted, confidence = trained.predict(others)
    held_out = image_classifier.unseen(vectors, labels, seed=2)
    return {
        "labels": [predicted.tolist(), held_out[0].tolist()],
        "confidence": [rounded(confidence, SOLVED_DIGITS), rounded(held_out[1], SOLVED_DIGITS)],
    }


def of_many_images() -> object:
    vectors, labels = blobs(90, 5)
    others, _ = blobs(30, 6)
    predicted, confidence = many_images.train(vectors, labels, seed=1).predict(others)
    held_out = many_images.unseen(vectors, labels, seed=2)
    return {
        "labels": [predicted.tolist(), held_out[0].tolist()],
        "confidence": [rounded(confidence, SOLVED_DIGITS), rounded(held_out[1], SOLVED_DIGITS)],
        "sample": many_images.sample(labels, 30, 3).tolist(),
    }


def of_text_classifier() -> object:
    texts, labels = sentences(60, 7)
    others, _ = sentences(15, 8)
    predicted, chances = text_classifier.train(texts, labels, np.linspace(0.5, 1.5, 60)).predict(
        others
    )
    held_out = text_classifier.unseen(texts, labels, seed=2)
    return {
        "labels": [predicted.tolist(), held_out[0].tolist()],
        "chances": [rounded(chances, SOLVED_DIGITS), rounded(held_out[1], SOLVED_DIGITS)],
    }


def of_knn() -> object:
    draw = np.random.default_rng(9)
    vectors = draw.random((40, 20), dtype=np.float32)
    vectors[30:] = vectors[:10]
    vectors[3] = np.nan
    distances, rows = knn.nearest(vectors[:25], vectors, 3)
    own_distances, own_rows = knn.nearest(vectors, vectors, 2, skip_self=True)
    left, right, within = near_pairs.within(vectors[:20], vectors, 0.3)
    one, two, _ = near_pairs.within(vectors, vectors, 0.3)
    pairs = np.stack([one, two], axis=1)[one < two]
    return {
        "nearest": [rounded(np.nan_to_num(distances, nan=-1)), rows.tolist()],
        "skip_self": [rounded(np.nan_to_num(own_distances, nan=-1)), own_rows.tolist()],
        "within": [left.tolist(), right.tolist(), rounded(within)],
        "pairs": pairs.tolist(),
    }


def of_knn_forest() -> object:
    """Neighbours in one leaf; and in trees of several those of copies, which a cut never parts."""
    draw = np.random.default_rng(10)
    pixels = draw.integers(0, 256, (1_200, 20)).astype(np.uint8)
    pixels[600:] = pixels[:600] ^ draw.integers(0, 2, (600, 20)).astype(np.uint8)
    distances, rows = knn_forest.nearest(pixels[:25], pixels[:50], 3, seed=1)
    copies, of = knn_forest.nearest(pixels, pixels, 1, seed=2, skip_self=True)
    return {
        "leaf": [rounded(distances), rows.tolist()],
        "copies": [rounded(copies[:, 0]), of[:, 0].tolist()],
    }


def of_near_pairs() -> object:
    draw = np.random.default_rng(9)
    pixels = draw.integers(0, 256, (40, 20)).astype(np.uint8)
    pixels[30:] = pixels[:10] ^ draw.integers(0, 2, (10, 20)).astype(np.uint8)
    left, right, within = near_pairs.within(pixels[:20], pixels, 0.3)
    return {
        "within": [left.tolist(), right.tolist(), rounded(within)],
        "linked": [near_pairs.linked(pixels, near).tolist() for near in (0.01, 0.3)],
    }


def of_byte_model() -> object:
    texts, _ = sentences(12, 5)
    model = byte_model.train(texts[:9].tolist(), np.arange(1.0, 10.0))
    return rounded(model.log_likelihoods([*texts[9:].tolist(), "", "日本語"]))


def of_shingles() -> object:
    texts = pl.Series(["One  two, three FOUR five", "one two three four six", "", "ﬁve", "日本語"])
    outputs: dict[str, object] = {"normal": shingles.normal(texts).to_list()}
    for unit, size in (("characters", 3), ("words", 2)):
        sets = shingles.sets(shingles.normal(texts), unit, size)  # type: ignore[arg-type]
        left, right = np.divmod(np.arange(len(texts) ** 2), len(texts))
        similar = shingles.jaccard(sets, sets, left, right)
        outputs[unit] = [sets.values.tolist(), sets.starts.tolist(), rounded(similar)]
    signatures = text_similarity.signatures(sets, 16, 1)
    return outputs | {"signatures": signatures.tolist()}


def of_text_similarity() -> object:
    texts = sentences(60, 10)[0].tolist()
    edited = [text.replace("e", "a", 1) for text in texts[:20]]
    all_texts = pl.Series([*texts, *edited, texts[0], None])
    outputs: dict[str, object] = {}
    for few in (True, False):
        with pytest.MonkeyPatch.context() as patch:
            if not few:
                patch.setattr(text_similarity, "FEW", 0)  # candidates from MinHash bands
            alone = text_similarity.pairs(all_texts, threshold=0.6, shingling=Shingling(seed=3))
            across = text_similarity.pairs(
                all_texts[:60], all_texts[60:], threshold=0.6, shingling=Shingling(seed=3)
            )
        outputs[str(few)] = [
            [pairs.left.tolist(), pairs.right.tolist(), rounded(pairs.similarity)]
            for pairs in (alone, across)
        ]
    groups = text_similarity.groups(len(all_texts), alone.left, alone.right)
    return outputs | {"groups": groups.tolist()}


def of_pii() -> object:
    texts = (
        "write to jo.doe@example.org or call +1 650-253-0000",
        "card 4111 1111 1111 1111, not 4111 1111 1111 1112",
        "IBAN GB82 WEST 1234 5698 7654 32 and SSN 078-05-1120, not 666-05-1120",
        "from 192.0.2.7 and 2001:db8::1, not from 127.0.0.1 or version 1.2.3",
        "nothing here, room 12",
    )
    return [[list(finding) for finding in pii.find(text, "US")] for text in texts]


OUTPUTS: Final[Mapping[str, Callable[[], object]]] = {
    "byte_model": of_byte_model,
    "colour_transfer": of_colour_transfer,
    "containment": of_containment,
    "embedding": of_embedding,
    "image_classifier": of_image_classifier,
    "image_descriptor": of_image_descriptor,
    "image_edits": of_image_edits,
    "image_fitting": of_image_fitting,
    "image_forms": of_image_forms,
    "image_hashes": of_image_hashes,
    "image_style": of_image_style,
    "images": of_images,
    "knn": of_knn,
    "knn_forest": of_knn_forest,
    "knn_translated": of_knn_translated,
    "closest": of_closest,
    "knn_votes": of_knn_votes,
    "many_images": of_many_images,
    "pictures": of_pictures,
    "near_pairs": of_near_pairs,
    "pii": of_pii,
    "shingles": of_shingles,
    "text_classifier": of_text_classifier,
    "text_likeness": of_text_likeness,
    "text_similarity": of_text_similarity,
}
"""What makes the output that is pinned, by feature."""


@cache
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("pipelines", cache_dir=None)


def versions_using(feature: str) -> list[str]:
    """The versions of plug-ins that use a feature, each with its file.

    The files alone, where no plug-in that uses it has a version.
    """
    users = graph().find_downstream_modules(f"pipelines.features.{feature}")
    files = [
        ROOT.joinpath(*module.split(".")).with_suffix(".py")
        for module in sorted(users)
        if module.split(".")[1] in ROOMS
    ]
    versions = [version for path in files if path.is_file() for version in described(path)]
    return versions or [str(path.relative_to(ROOT)) for path in files if path.is_file()]


def described(path: Path) -> Iterator[str]:
    """Each semantic version that a module assigns, in a class or as a constant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Assign | ast.AnnAssign) or node.value is None:
            continue
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        named = {ast.unparse(target).lower() for target in targets} == {"version"}
        if named and isinstance(node.value, ast.Constant):
            version = node.value.value
            if isinstance(version, str) and VERSION.fullmatch(version):
                yield f"{version} in {path.relative_to(ROOT)}"


def check(feature: str, output: object) -> None:
    """Fail, and name the versions to raise, if an output is not what is pinned."""
    digest = golden.digest_of(output)
    if GOLDEN.get(feature) != digest:
        raised = "; ".join(versions_using(feature))
        pytest.fail(
            f"the output of pipelines/features/{feature}.py changed: raise the versions of what "
            f"uses it ({raised}), then put {digest!r} here"
        )


@pytest.mark.parametrize("feature", OUTPUTS)
def test_output_is_what_is_pinned(feature: str) -> None:
    check(feature, OUTPUTS[feature]())


def test_a_changed_output_names_the_versions_to_raise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_classifier, "PENALTY", 1.0)
    with pytest.raises(pytest.fail.Exception, match=f"raise .*{registered('agreement')} in"):
        check("image_classifier", of_image_classifier())


def test_each_feature_is_pinned() -> None:
    assert OUTPUTS.keys() == GOLDEN.keys()
    assert {path.stem for path in FOLDER.glob("*.py")} == {*GOLDEN, *UNPINNED}


def test_versions_to_raise_follow_from_the_imports() -> None:
    assert [used for used in versions_using("pii") if "scorers" in used] == [
        f"{registered('personal_data')} in pipelines/scorers/personal_data.py"
    ]
    assert f"{registered('distance')} in pipelines/scorers/distance.py" in versions_using("knn")
    through_another = versions_using("shingles")
    assert any("pipelines/scorers/text_duplicates.py" in used for used in through_another)


def registered(scorer: str) -> str:
    """The version of a scorer, as the registry knows it."""
    from pipelines.scorers import registry  # noqa: PLC0415

    return str(registry.load(scorer).version)
