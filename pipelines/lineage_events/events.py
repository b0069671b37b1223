"""Compose OpenLineage's events of facts, by the typed classes of its client.

Only this module and `emitting` import the client, and both only where a transport is configured.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from pipelines.common.optional import library
from pipelines.lineage_events.facts import (
    AssertionFacts,
    CheckFacts,
    DatasetFacts,
    FromColumn,
    Place,
    StageFacts,
)

EXTRA: Final = "openlineage"
WORK: Final = "events for OpenLineage"
PRODUCER: Final = "urn:stemma:lineage-events:1"
INTEGRATION: Final = "STEMMA"


@dataclass(frozen=True, slots=True)
class RunFacts:
    """A run of a stage: its job, its id, and the run that it belongs to."""

    namespace: str
    job: str
    run_id: str
    key: str | None
    """The data set or round that it is about."""
    parent: tuple[str, str, str] | None = None
    """Namespace, job and run id of the run that it belongs to."""


def compose(
    run: RunFacts, state: str, facts: StageFacts | None = None, error: BaseException | None = None
) -> Any:  # noqa: ANN401  a class of the client
    """Compose an event about a run.

    Args:
        run: the run.
        state: `START`, `COMPLETE`, `FAIL` or `ABORT`.
        facts: what it read and wrote, as far as that is known.
        error: by which it failed; its kind is told, and no word of its message.
    """
    events, facts = _client("event_v2"), facts or StageFacts()
    inputs = [_input(events, known) for known in facts.inputs]
    if inputs and facts.assertions:
        columns = {name for name, _ in facts.inputs[0].columns}
        told = _assertions(facts.assertions, columns)
        inputs[0].inputFacets = {"dataQualityAssertions": told}
    return events.RunEvent(
        eventType=events.RunState[state],
        eventTime=datetime.now(UTC).isoformat(),
        run=events.Run(runId=run.run_id, facets=_run_facets(run, facts, error)),
        job=events.Job(namespace=run.namespace, name=run.job, facets=_job_facets()),
        inputs=inputs,
        outputs=[_output(events, known, facts.inputs) for known in facts.outputs],
        producer=PRODUCER,
    )


def new_id() -> str:
    """A new id of a run."""
    return str(_client("uuid").generate_new_uuid())


def id_of(name: str) -> str:
    """The id of a run that has none of its own, such as a round: the same for the same name."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _client(module: str) -> Any:  # noqa: ANN401  a module of the client
    return library(f"openlineage.client.{module}", WORK, extra=EXTRA)


def _facets(module: str) -> Any:  # noqa: ANN401  a module of the client
    return _client(f"generated.{module}")


def _job_facets() -> dict[str, Any]:
    job_type = _facets("job_type_job").JobTypeJobFacet(
        processingType="BATCH", integration=INTEGRATION, jobType="STAGE", producer=PRODUCER
    )
    location = _source_code_location()
    return {"jobType": job_type} | ({"sourceCodeLocation": location} if location else {})


def _source_code_location() -> Any:  # noqa: ANN401  a class of the client
    """Where the stages are defined: the project's dvc.yaml in its git repository, if it has one.

    The client can add a facet like it, which would hold user and password of the address.
    """
    folders = (Path.cwd(), *Path.cwd().parents)
    root = next((folder for folder in folders if (folder / ".git").is_dir()), None)
    git = _client("git")
    address = root and git.get_git_repo_url(git_dir=root / ".git")
    if not root or not address:
        return None
    plain = _without_user(address)
    return _facets("source_code_location_job").SourceCodeLocationJobFacet(
        type="git",
        url=plain,
        repoUrl=plain,
        path=(Path.cwd().relative_to(root) / "dvc.yaml").as_posix(),
        version=git.get_git_version(root / ".git"),
        branch=git.get_git_branch(root / ".git"),
        producer=PRODUCER,
    )


def _without_user(address: str) -> str:
    """The address of a git repository without its user and password.

    >>> _without_user("https://me:secret@host/a.git"), _without_user("me@host:a.git")
    ('https://host/a.git', 'host:a.git')
    """
    if "://" in address:
        parts = urlsplit(address)
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
    place, colon, path = address.partition(":")
    return f"{place.rpartition('@')[2]}{colon}{path}" if colon and "/" not in place else address


def _run_facets(run: RunFacts, facts: StageFacts, error: BaseException | None) -> dict[str, Any]:
    engine = _facets("processing_engine_run").ProcessingEngineRunFacet(
        version=metadata.version("stemma"),
        name="stemma",
        openlineageAdapterVersion=metadata.version("openlineage-python"),
        producer=PRODUCER,
    )
    found: dict[str, Any] = {"processing_engine": engine}
    if run.key is not None:
        tags = _facets("tags_run")
        about = tags.TagsRunFacetFields(key="key", value=run.key, source=INTEGRATION)
        found["tags"] = tags.TagsRunFacet(tags=[about], producer=PRODUCER)
    if run.parent is not None:
        namespace, job, run_id = run.parent
        parent = _facets("parent_run")
        found["parent"] = parent.ParentRunFacet(
            run=parent.Run(runId=run_id),
            job=parent.Job(namespace=namespace, name=job),
            producer=PRODUCER,
        )
    if error is not None:
        found["errorMessage"] = _facets("error_message_run").ErrorMessageRunFacet(
            message=_told(error), programmingLanguage="PYTHON", producer=PRODUCER
        )
    if facts.checks:
        found["test"] = _tests(facts.checks)
    return found


def _told(error: BaseException) -> str:
    """What kind of error it is; its own message may quote data."""
    kind = getattr(error, "kind", None)
    first = (type(error).__doc__ or "").strip().splitlines() if kind else []
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


def _input(events: Any, known: DatasetFacts) -> Any:  # noqa: ANN401  classes of the client
    place = known.place
    return events.InputDataset(place.namespace, place.name, facets=_dataset_facets(known))


def _output(events: Any, known: DatasetFacts, inputs: tuple[DatasetFacts, ...]) -> Any:  # noqa: ANN401
    place = known.place
    written = events.OutputDataset(place.namespace, place.name, facets=_dataset_facets(known))
    written.facets["lineage"] = _lineage(known, inputs)
    if known.origins:
        written.facets["columnLineage"] = _column_lineage(known.origins)
    counted = (known.rows, known.size, known.files)
    if any(count is not None for count in counted):
        statistics = _facets("output_statistics_output_dataset").OutputStatisticsOutputDatasetFacet(
            rowCount=known.rows, size=known.size, fileCount=known.files, producer=PRODUCER
        )
        written.outputFacets = {"outputStatistics": statistics}
    return written


def _dataset_facets(known: DatasetFacts) -> dict[str, Any]:
    source = _facets("datasource_dataset").DatasourceDatasetFacet(
        name=known.place.namespace, uri=known.source or known.place.namespace, producer=PRODUCER
    )
    found: dict[str, Any] = {"dataSource": source}
    if known.version is not None:
        version = _facets("dataset_version_dataset")
        found["version"] = version.DatasetVersionDatasetFacet(known.version, producer=PRODUCER)
    if known.columns:
        schema = _facets("schema_dataset")
        fields = [
            schema.SchemaDatasetFacetFields(name=name, type=kind, ordinal_position=position)
            for position, (name, kind) in enumerate(known.columns, start=1)
        ]
        found["schema"] = schema.SchemaDatasetFacet(fields=fields, producer=PRODUCER)
    if known.tags:
        tags = _facets("tags_dataset")
        given = [
            tags.TagsDatasetFacetFields(key=key, value=value, source=INTEGRATION)
            for key, value in known.tags.items()
        ]
        found["tags"] = tags.TagsDatasetFacet(tags=given, producer=PRODUCER)
    if known.owner is not None:
        ownership = _facets("ownership_dataset")
        owner = ownership.Owner(name=known.owner, type="SIGNER")
        found["ownership"] = ownership.OwnershipDatasetFacet(owners=[owner], producer=PRODUCER)
    return found


def _lineage(known: DatasetFacts, inputs: tuple[DatasetFacts, ...]) -> Any:  # noqa: ANN401
    """The explicit lineage of a data set that was written, and of its columns where it is known."""
    lineage = _facets("lineage")

    def entry(place: Place, **more: Any) -> Any:  # noqa: ANN401
        return lineage.LineageDatasetInput(place.namespace, place.name, "DATASET", **more)

    fields = {
        name: lineage.LineageFieldEntry(
            [
                entry(
                    origin.place,
                    field=origin.column,
                    transformations=[lineage.LineageTransformation("DIRECT", origin.subtype)],
                )
            ]
        )
        for name, origin in known.origins.items()
    }
    read = [entry(each.place) for each in inputs]
    return lineage.LineageDatasetFacet(inputs=read, fields=fields, producer=PRODUCER)


def _column_lineage(origins: Mapping[str, FromColumn]) -> Any:  # noqa: ANN401
    """The same of columns, in the facet that tools read which do not know the explicit one."""
    columns = _facets("column_lineage_dataset")
    fields = {
        name: columns.Fields(
            [
                columns.InputField(
                    origin.place.namespace,
                    origin.place.name,
                    origin.column,
                    [columns.Transformation("DIRECT", origin.subtype)],
                )
            ]
        )
        for name, origin in origins.items()
    }
    return columns.ColumnLineageDatasetFacet(fields, producer=PRODUCER)


def _assertions(found: tuple[AssertionFacts, ...], columns: set[str]) -> Any:  # noqa: ANN401
    """Outcomes of expectations; one of a score, which is no column here, is of the data set."""
    quality = _facets("data_quality_assertions_dataset")
    told = [
        quality.Assertion(
            assertion=each.type,
            success=each.success,
            column=each.column if each.column in columns else None,
            severity=each.severity,
            name=each.name,
            description=each.description or None,
            expected=each.expected or None,
            actual=f"{each.counts['failed']} failed, {each.counts['unknown']} unknown",
            params=dict(each.counts),
        )
        for each in found
    ]
    return quality.DataQualityAssertionsDatasetFacet(told, producer=PRODUCER)


def _tests(found: tuple[CheckFacts, ...]) -> Any:  # noqa: ANN401
    tests = _facets("test_run")
    told = [
        tests.TestExecution(
            name=each.name,
            status=each.status,
            severity=each.severity,
            type="guard",
            expected=each.expected,
            actual=each.actual,
        )
        for each in found
    ]
    return tests.TestRunFacet(told, producer=PRODUCER)
