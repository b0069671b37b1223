"""The one door to Great Expectations: quiet, without usage telemetry, without files.

Everything else in this package takes Great Expectations' names from here, because they must not be
imported before telemetry is off. The import takes seconds, so light commands stay away from it.
"""

from __future__ import annotations

import os
import warnings

os.environ["GX_ANALYTICS_ENABLED"] = "false"
with warnings.catch_warnings():
    # great_expectations imports `sre_constants`, which Python has renamed; it uses it as before.
    warnings.filterwarnings("ignore", "module 'sre_", DeprecationWarning)
    from great_expectations import ExpectationSuite, ValidationDefinition, get_context
    from great_expectations.compatibility.pydantic import (
        Field,
        ValidationError,
        root_validator,
        validator,
    )
    from great_expectations.core.batch import Batch
    from great_expectations.core.expectation_validation_result import (
        ExpectationSuiteValidationResult,
        ExpectationValidationResult,
    )
    from great_expectations.data_context.data_context.ephemeral_data_context import (
        EphemeralDataContext,
    )
    from great_expectations.data_context.types.base import (
        DataContextConfig,
        InMemoryStoreBackendDefaults,
        ProgressBarsConfig,
    )
    from great_expectations.execution_engine.execution_engine import ExecutionEngine
    from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
    from great_expectations.expectations.expectation import (
        BatchExpectation,
        ColumnAggregateExpectation,
        ColumnMapExpectation,
        ColumnPairMapExpectation,
        Expectation,
        MulticolumnMapExpectation,
    )
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration
    from great_expectations.expectations.metadata_types import FailureSeverity
    from great_expectations.expectations.metrics.map_metric_provider.column_condition_partial import (  # noqa: E501  GX's path
        column_condition_partial,
    )
    from great_expectations.expectations.metrics.map_metric_provider.column_map_metric_provider import (  # noqa: E501  GX's path
        ColumnMapMetricProvider,
    )
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        get_renderer_impl,
        list_registered_expectation_implementations,
    )
    from great_expectations.render.components import (
        LegacyDiagnosticRendererType,
        LegacyRendererType,
        RenderedStringTemplateContent,
    )
    from great_expectations.render.renderer.content_block.validation_results_table_content_block import (  # noqa: E501  GX's path
        ValidationResultsTableContentBlockRenderer,
    )
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
    from great_expectations.render.renderer.renderer import renderer
    from great_expectations.render.renderer_configuration import (
        RendererConfiguration,
        RendererValueType,
    )
    from great_expectations.render.view.view import DefaultJinjaPageView
    from great_expectations.validator.metric_configuration import (
        MetricConfiguration,
        MetricConfigurationID,
    )
    from great_expectations.validator.validator import Validator

__all__ = [
    "Batch",
    "BatchExpectation",
    "ColumnAggregateExpectation",
    "ColumnMapExpectation",
    "ColumnMapMetricProvider",
    "ColumnPairMapExpectation",
    "DefaultJinjaPageView",
    "EphemeralDataContext",
    "ExecutionEngine",
    "Expectation",
    "ExpectationConfiguration",
    "ExpectationSuite",
    "ExpectationSuiteValidationResult",
    "ExpectationValidationResult",
    "FailureSeverity",
    "Field",
    "LegacyDiagnosticRendererType",
    "LegacyRendererType",
    "MetricConfiguration",
    "MetricConfigurationID",
    "MulticolumnMapExpectation",
    "PandasExecutionEngine",
    "RenderedStringTemplateContent",
    "RendererConfiguration",
    "RendererValueType",
    "ValidationDefinition",
    "ValidationError",
    "ValidationResultsPageRenderer",
    "ValidationResultsTableContentBlockRenderer",
    "Validator",
    "column_condition_partial",
    "context",
    "get_expectation_impl",
    "get_renderer_impl",
    "list_registered_expectation_implementations",
    "renderer",
    "root_validator",
    "validator",
]


def context() -> EphemeralDataContext:
    """Make a context in memory, with telemetry, progress bars and temporary pages off."""
    config = DataContextConfig(
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        store_backend_defaults=InMemoryStoreBackendDefaults(init_temp_docs_sites=False),
    )
    return get_context(project_config=config, mode="ephemeral")
