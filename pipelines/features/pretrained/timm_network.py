"""A network of timm (https://huggingface.co/docs/timm), without its classifier.

This module imports nothing heavy by itself; timm and torchvision come in when a network is made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lake.visible import visible
from pipelines.common.errors import DataError, LibraryError, ParamsError
from pipelines.common.settings import nearest

if TYPE_CHECKING:
    import torch


def repository(model: str) -> str:
    """Return which repository of the Hugging Face Hub has the weights of a model.

    Raises:
        LibraryError: timm cannot be used here.
        ParamsError: there is no such model, or none with weights.
    """
    found = _library().get_pretrained_cfg(_known(model))
    name = getattr(found, "hf_hub_id", None)
    if not name:
        raise ParamsError(
            f"timm has no weights for the model {model!r}; write timm:{model}@FILE with a file of "
            f"weights"
        )
    return str(name)


def make(model: str, tensors: Mapping[str, torch.Tensor]) -> tuple[Any, dict[str, Any]]:
    """Make a network with weights.

    Args:
        model: its name in timm.
        tensors: its weights by name; those of its classifier may be among them.

    Returns:
        The network, and how images are brought to it: input_size [3, h, w], mean and std [3].

    Raises:
        LibraryError: timm cannot be used here.
        ParamsError: there is no such model.
        DataError: the weights are those of another.
    """
    timm = _library()
    network = timm.create_model(_known(model), pretrained=False, num_classes=0)
    wanted = network.state_dict()
    shapes = {name: tuple(value.shape) for name, value in wanted.items()}
    given = {name: tuple(value.shape) for name, value in tensors.items() if name in shapes}
    if given != shapes:
        raise DataError(
            f"the weights are not those of timm:{visible(model)}: {len(shapes) - len(given)} of "
            f"its {len(shapes)} tensors are missing, and "
            f"{sum(given[name] != shapes[name] for name in given)} have another shape"
        )
    network.load_state_dict({name: tensors[name] for name in shapes})
    return network, dict(timm.data.resolve_model_data_config(network))


def _known(model: str) -> str:
    """Check that timm has a model."""
    timm = _library()
    if not timm.is_model(model):
        raise ParamsError(
            f"timm has no model {visible(model)!r}{nearest(model, timm.list_models())}"
        )
    return model


def _library() -> Any:  # noqa: ANN401  an optional library
    """Import timm.

    Raises:
        LibraryError: it is not installed, or does not fit the torch that is.
    """
    try:
        import timm  # noqa: PLC0415  an optional library
        import timm.data  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise LibraryError(
            "features of timm need the library 'timm', which is not installed; "
            "run `pip install 'stemma[timm]'`"
        ) from error
    except (RuntimeError, ImportError) as error:
        raise LibraryError(
            f"timm cannot be imported ({visible(str(error).splitlines()[0])}); install the "
            f"torchvision that was built for this torch"
        ) from error
    return timm
