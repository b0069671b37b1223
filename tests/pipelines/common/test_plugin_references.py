"""References to plug-ins: what they mean, and what is said of one that means nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.common.errors import ParamsError, PipelineError
from pipelines.common.plugin_modules import attribute
from pipelines.generators.registry import GENERATORS, SETTINGS
from pipelines.scorers.registry import SCORERS
from pipelines.sources import registry as sources

WHOLE = """
from pipelines.common.plugins import NoSettings
from pipelines.scorers.protocol import Scorer
class Mine(Scorer[NoSettings]):
    name = "mine"
    version = "mine/1"
    Settings = NoSettings
    columns = {}
    needs = ()
    rowwise = True
    def model_digest(self, given, settings): return ""
    def score(self, candidates, given, settings): return candidates
"""


@pytest.mark.parametrize(
    ("reference", "text", "said"),
    [
        ("distnce", None, "there is no scorer 'distnce'; did you mean 'distance'?"),
        ("./none.py", None, "none.py cannot be read: No such file or directory"),
        (".", None, "cannot be read: is a folder, not a regular file"),
        ("no_such.module", None, "there is no module 'no_such', neither installed nor in"),
        ("pipelines.mine", None, "there is no module 'pipelines.mine'"),
        ("./mine.py:Other", WHOLE, "mine.py has no class Other; it has Mine"),
        ("./mine.py", "x = 1\n", "mine.py holds no class that is a scorer; write one"),
        ("./mine.py", WHOLE.replace("Mine", "One") + WHOLE, "holds One, Mine; name one, as in"),
        ("./mine.py", WHOLE.replace('    version = "mine/1"\n', ""), "`version` is missing"),
        ("./mine.py", WHOLE.replace('"mine/1"', '"one"'), "`version` is 'one', which is none such"),
        ("./mine.py", WHOLE.replace("rowwise = True", "rowwise = 3"), "`rowwise` is wrong: input"),
        ("./mine.py", WHOLE.replace("NoSettings\n    col", "3\n    col"), "`Settings` is wrong"),
        (
            "./mine.py",
            WHOLE.replace("score(self, candidates, given, settings)", "score(self, candidates)"),
            "`score` must take (candidates, given, settings)",
        ),
        (
            "./mine.py",
            WHOLE.replace("def model_digest(self, given, settings)", "def digest(self)"),
            "`model_digest` is missing",
        ),
        ("./mine.py", WHOLE.replace('name = "mine"', 'name = "code"'), "is called 'code', as one"),
        ("./mine.py", "1 / 0\n", "cannot be imported: ZeroDivisionError: division by zero"),
        ("./mine.py", "def f(:\n", "cannot be imported: SyntaxError"),
        ("./mine.py", "import sys; sys.exit(3)\n", "cannot be imported: SystemExit"),
    ],
)
def test_what_is_wrong_with_a_reference_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    reference: str,
    text: str | None,
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    if text is not None:
        (tmp_path / "mine.py").write_text(text)
    with pytest.raises(ParamsError) as caught:
        SCORERS.load(reference)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_plug_in_without_the_protocol_as_base_keeps_it_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = WHOLE.replace("(Scorer[NoSettings])", "")
    (tmp_path / "mine.py").write_text(plain)
    mine = SCORERS.load("./mine.py:Mine")
    assert mine.name == "mine"
    assert (mine.reads, mine.reads_content, mine.files(None)) == ((), False, ())
    assert SCORERS.versions(["./mine.py"]) == {"scorer mine": "mine/1"}
    (tmp_path / "mine.py").write_text(plain.replace("mine/1", "mine/2"))
    assert SCORERS.versions(["./mine.py"]) == {"scorer mine": "mine/2"}


def test_a_folder_of_the_users_that_is_called_as_ours_is_shadows_nothing(tmp_path: Path) -> None:
    for name in ("pipelines", "lake", "polars"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('shadowed')\n")
    (tmp_path / "pipelines" / "mine.py").write_text(WHOLE)
    program = """
from pipelines.scorers.registry import SCORERS
print(SCORERS.load("pipelines/mine.py").version, SCORERS.load("distance").version)
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "mine/1 distance/1\n", done.stderr


def test_sources_are_found_by_their_former_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert sources.plugin("pipelines/sources/digits.py") == sources.plugin("digits") == "digits"
    assert sources.files("digits", {}) == ()
    assert sources.versions("digits") == {"source digits": "digits/1"}
    (tmp_path / "rows.csv").write_text("text\na\n")
    assert sources.plugin("rows.csv") is None
    assert sources.files("rows.csv", {}) == (Path("rows.csv"),)
    assert sources.versions("rows.csv") == {"source table": "table/2"}
    with pytest.raises(ParamsError, match="unknown key seed"):
        sources.settings("digits", {"seed": 3})
    (tmp_path / "digits").mkdir()
    assert sources.plugin("digits") is None
    assert sources.versions("digits") == {"source folder": "folder/2"}
    (tmp_path / "own.py").write_text("SOURCE = 'mine'\ndef load(): return 3\n")
    assert sources.versions("own.py") == {"source own": "own/1"}
    assert sources.files("own.py", {}) == (Path("own.py"),)
    assert sources.find("own.py").origin == "mine"
    with pytest.raises(PipelineError, match="there is no module 'nothing'"):
        sources.find("nothing.there")


def test_every_packaged_generator_keeps_the_protocol() -> None:
    for name in GENERATORS.names():
        found = GENERATORS.load(name)
        assert (found.name, found.version.partition("/")[0]) == (name, name)


def test_the_settings_of_a_packaged_generator_are_those_that_its_class_has() -> None:
    assert SETTINGS.keys() == set(GENERATORS.names())
    for name, places in SETTINGS.items():
        found = GENERATORS.find(name)
        assert tuple(map(attribute, places)) == (found.FitSettings, found.GenerateSettings)


def test_settings_that_cannot_be_are_a_fault_of_the_module(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from pipelines.common.settings import StrictModel\n\n\n"
        "class Mine(StrictModel):\n    stream: memoryview\n"
    )
    with pytest.raises(ParamsError, match="cannot be imported: PydanticSchemaGenerationError"):
        GENERATORS.find(str(file))
