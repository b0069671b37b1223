"""The stage `inputs` refuses columns that cannot stand beside ours, before anything is read."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from pipelines.common.errors import DataError
from pipelines.stages import inputs


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"identity": ["text"], "keep": ["language"]}, "like one that the scorer language adds"),
        ({"identity": ["language"]}, "like one that the scorer language adds"),
        ({"identity": ["text"], "keep": ["split"]}, "the split of a held-out row"),
        ({"identity": ["prompt"], "keep": ["text"]}, "cannot keep a column 'text'"),
    ],
)
def test_columns_that_are_called_like_ours(
    names: dict[str, list[str]], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ingest = {"source": "gone.csv", "modality": "text", "keep": names.get("keep", [])}
    dataset = {
        "identity": names["identity"],
        "ingest": ingest,
        "verify": {"scorers": {"language": {}}},
    }
    content = yaml.safe_dump({"datasets": {"mails": dataset}})
    Path("params.yaml").write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as caught:
        inputs.run("mails")
    assert said in str(caught.value)
