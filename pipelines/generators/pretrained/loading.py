"""A pipeline of diffusers in memory: loaded without running anything of its folder."""

from __future__ import annotations

import inspect
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from lake.visible import visible
from pipelines.common import optional
from pipelines.common.errors import GeneratorError, PipelineError
from pipelines.generators.pretrained.pipeline_files import PipelineFiles
from pipelines.generators.pretrained.settings import PretrainedGenerate, Task

LORA: Final = "pytorch_lora_weights.safetensors"
"""Name of the file of a trained adapter, in the generator's folder."""
EXTRA: Final = "pretrained"
WORK: Final = "pipelines that others trained"
AUTO: Final = {
    "text_to_image": "AutoPipelineForText2Image",
    "image_to_image": "AutoPipelineForImage2Image",
    "inpainting": "AutoPipelineForInpainting",
}
"""What makes a pipeline of the task of any of the same family."""
CALLED_WITH: Final = {
    "text_to_image": ("prompt",),
    "image_to_image": ("prompt", "image", "strength"),
    "inpainting": ("prompt", "image", "mask_image"),
    "class_conditional": ("class_labels",),
}
"""Arguments by which a pipeline of the task is told."""


def load(files: PipelineFiles, dtype: str) -> Any:  # noqa: ANN401  untyped library
    """Load a pipeline as its folder has it.

    Raises:
        GeneratorError: it cannot be loaded.
    """
    with quiet():
        import diffusers  # noqa: PLC0415  slow to import
        import torch  # noqa: PLC0415  slow to import

        try:
            of_any: Any = diffusers.DiffusionPipeline
            pipeline = of_any.from_pretrained(
                str(files.folder),
                use_safetensors=True,
                local_files_only=True,
                trust_remote_code=False,
                dtype=getattr(torch, dtype),
            )
        except Exception as error:  # foreign files break a reader in any way
            raise GeneratorError(
                f"the pipeline {visible(files.model)} cannot be loaded: {_said(error)}"
            ) from error
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def prepared(
    files: PipelineFiles,
    settings: PretrainedGenerate,
    device: Any,  # noqa: ANN401  of torch
    folder: Path,
) -> Any:  # noqa: ANN401  untyped library
    """Load a pipeline for a task, with its scheduler and adapters, on a device.

    Args:
        files: where it is.
        settings: of the round.
        device: of torch.
        folder: of the generator, which may hold a trained adapter.

    Raises:
        GeneratorError: it does not do the task, or an adapter does not fit.
        LibraryError: peft is not installed, and there is an adapter.
    """
    pipeline = load(files, settings.dtype)
    if settings.scheduler is not None:
        pipeline.scheduler = _scheduler(settings.scheduler, pipeline.scheduler.config)
    _adapters(pipeline, settings, folder)
    return _of_task(pipeline, settings.task).to(device)


def _of_task(pipeline: Any, task: Task) -> Any:  # noqa: ANN401  untyped library
    """Return the pipeline that does a task with the same parts.

    Raises:
        GeneratorError: there is none.
    """
    import diffusers  # noqa: PLC0415  slow to import

    found = pipeline
    if task in AUTO and not _takes(found, CALLED_WITH[task]):
        try:
            found = getattr(diffusers, AUTO[task]).from_pipe(pipeline)
        except Exception as error:  # of a family that does not do this
            raise _unfit(pipeline, task) from error
        found.set_progress_bar_config(disable=True)
    if not _takes(found, CALLED_WITH[task]):
        raise _unfit(pipeline, task)
    if task == "text_to_image" and _takes(found, ("strength",)):
        found = getattr(diffusers, AUTO[task]).from_pipe(pipeline)
    return found


def _unfit(pipeline: object, task: str) -> GeneratorError:
    return GeneratorError(
        f"a pipeline of the class {type(pipeline).__name__} does no {task}; set "
        "generate.pretrained.task to one that it does"
    )


def _takes(pipeline: Any, names: tuple[str, ...]) -> bool:  # noqa: ANN401  untyped library
    return set(names) <= accepted(pipeline)


def accepted(pipeline: Any) -> set[str]:  # noqa: ANN401  untyped library
    """Names of the arguments that a pipeline is called with."""
    return set(inspect.signature(type(pipeline).__call__).parameters)


def _scheduler(name: str, config: Any) -> Any:  # noqa: ANN401  untyped library
    import diffusers  # noqa: PLC0415  slow to import

    found: Any = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, diffusers.SchedulerMixin)):
        raise GeneratorError(
            f"generate.pretrained.scheduler is {name}, which diffusers does not have"
        )
    with quiet():
        made: Any = found
        return made.from_config(config)


def training_scheduler(pipeline: Any) -> Any:  # noqa: ANN401  untyped library
    """Return a scheduler that adds noise as in the training of a pipeline."""
    import diffusers  # noqa: PLC0415  slow to import

    with quiet():
        of_training: Any = diffusers.DDPMScheduler
        return of_training.from_config(pipeline.scheduler.config)


def _adapters(pipeline: Any, settings: PretrainedGenerate, folder: Path) -> None:  # noqa: ANN401
    """Load the adapter that was trained on the mix, and the one that settings name."""
    there = {"mix": folder / LORA} if (folder / LORA).exists() else {}
    there |= {"given": Path(settings.lora)} if settings.lora else {}
    if not there:
        return
    optional.library("peft", "adapters (LoRA)", extra=EXTRA)
    for name, path in there.items():
        if path.suffix != ".safetensors":
            raise GeneratorError(
                f"{visible(str(path))} is no file of safetensors; adapters are read as such only"
            )
        try:
            with quiet():
                pipeline.load_lora_weights(
                    str(path.parent),
                    weight_name=path.name,
                    adapter_name=name,
                    use_safetensors=True,
                    local_files_only=True,
                )
        except Exception as error:  # foreign files break a reader in any way
            raise GeneratorError(
                f"the adapter {visible(str(path))} does not fit the pipeline: {_said(error)}"
            ) from error
    pipeline.set_adapters(list(there), [settings.lora_scale] * len(there))


def _said(error: Exception) -> str:
    """The first line of a library's message."""
    if isinstance(error, PipelineError):
        return str(error)
    return visible((str(error).strip().splitlines() or [type(error).__name__])[0])[:300]


@contextmanager
def quiet() -> Iterator[None]:
    """Keep advice and bars of libraries from the output; what fails is raised all the same."""
    from diffusers.utils import logging as of_diffusers  # noqa: PLC0415  slow to import

    both = of_diffusers, optional.library("transformers.utils", WORK, extra=EXTRA).logging
    before = [each.get_verbosity() for each in both]
    for each in both:
        each.set_verbosity(logging.CRITICAL)
        each.disable_progress_bar()
    try:
        with warnings.catch_warnings():
            for category in (FutureWarning, DeprecationWarning, UserWarning):
                warnings.simplefilter("ignore", category)
            yield
    finally:
        for each, level in zip(both, before, strict=True):
            each.set_verbosity(level)
            each.enable_progress_bar()
