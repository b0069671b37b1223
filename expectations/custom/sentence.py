"""How the project's own expectations word themselves in Data Docs: one sentence each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from expectations import gx


class Sentence:
    """Mixin of an expectation that renders it as one sentence.

    GX asks in two ways: by a template for its newer pages, by rendered content for Data Docs.
    """

    sentence: ClassVar[str]
    """The sentence; `$column` stands for the column, or for the columns."""
    phrases: ClassVar[Mapping[str, str]]
    """Phrase to add for each argument that is given; `$argument` stands for its value."""

    @classmethod
    def wording(cls, kwargs: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
        """Return template and parameters for these arguments."""
        given = {name: kwargs[name] for name in cls.phrases if kwargs.get(name) is not None}
        template = ", ".join([cls.sentence, *(cls.phrases[name] for name in given)])
        params = {name: _text(value) for name, value in given.items()}
        columns = kwargs.get("column") or kwargs.get("column_list") or "column"
        return f"{template}.", {"column": _text(columns), **params}

    @classmethod
    def _prescriptive_template(
        cls, renderer_configuration: gx.RendererConfiguration[Any]
    ) -> gx.RendererConfiguration[Any]:
        template, params = cls.wording(renderer_configuration.kwargs)
        for name, value in params.items():
            renderer_configuration.add_param(
                name=name, param_type=gx.RendererValueType.STRING, value=value
            )
        renderer_configuration.template_str = template
        return renderer_configuration

    @classmethod
    @gx.renderer(renderer_type=gx.LegacyRendererType.PRESCRIPTIVE)
    def _prescriptive_renderer(
        cls,
        configuration: gx.ExpectationConfiguration | None = None,
        result: gx.ExpectationValidationResult | None = None,
        runtime_configuration: dict[str, Any] | None = None,
    ) -> list[gx.RenderedStringTemplateContent]:
        shown = configuration or (result.expectation_config if result else None)
        template, params = cls.wording(shown.kwargs if shown else {})
        styling = (runtime_configuration or {}).get("styling")
        return [
            gx.RenderedStringTemplateContent(
                content_block_type="string_template",
                string_template={"template": template, "params": params, "styling": styling},
            )
        ]


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
