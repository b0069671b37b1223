"""The sentence in which Great Expectations words an expectation."""

from __future__ import annotations

from collections.abc import Iterator
from string import Template
from typing import Any, Final

from expectations import gx
from expectations.suite import Rule

PRESCRIPTIVE: Final = gx.LegacyRendererType.PRESCRIPTIVE


def sentence(rule: Rule) -> str:
    """Write what a rule asks for as one sentence; its type where GX has no sentence."""
    renderer = gx.get_renderer_impl(rule.type, PRESCRIPTIVE)
    if renderer is None:
        return rule.type
    configuration = gx.ExpectationConfiguration(type=rule.type, kwargs=dict(rule.kwargs))
    text = " ".join(_plain(renderer[1](configuration=configuration, runtime_configuration={})))
    return text or rule.type


def _plain(blocks: Any) -> Iterator[str]:  # noqa: ANN401  GX's rendered content
    for block in blocks:
        content = block.to_json_dict().get("string_template")
        if content:
            filled = Template(content["template"]).safe_substitute(content.get("params", {}))
            yield " ".join(filled.split())
