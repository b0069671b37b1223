"""The sections and fields of the AI Office's template, and what belongs into each.

Explanatory Notice and Template for the Public Summary of Training Content for general-purpose AI
models, Annex to C(2025) 5235 final, 24 July 2025. Titles and hints are in words of our own; the
numbers are the template's, so that both can be laid side by side.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

VERSION: Final = "Annex to C(2025) 5235 final, 24 July 2025"
ADDRESS: Final = (
    "https://digital-strategy.ec.europa.eu/en/library/explanatory-notice-and-template-"
    "public-summary-training-content-general-purpose-ai-models"
)


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the template."""

    title: str
    hint: str
    """What to write there."""


PARTS: Final[Mapping[str, str]] = {
    "1": "General information",
    "2": "List of data sources",
    "3": "Data processing aspects",
}
SECTIONS: Final[Mapping[str, tuple[str, Mapping[str, Field]]]] = {
    "1.1": (
        "Provider identification",
        {
            "provider": Field("Provider", "Name and contact details of the provider of the model."),
            "representative": Field(
                "Authorised representative",
                "Name and contact details, if the provider is established outside the Union.",
            ),
        },
    ),
    "1.2": (
        "Model identification",
        {
            "model": Field("Versioned model name", "Identifiers of the models that this covers."),
            "dependencies": Field(
                "Model dependencies",
                "The model that was modified or fine-tuned, with a link to its summary; or none.",
            ),
            "market": Field(
                "Date of placement on the Union market", "A date for each version of the model."
            ),
        },
    ),
    "1.3": (
        "Modalities, size and characteristics of the training data",
        {
            "modalities": Field(
                "Modalities and size",
                "Each modality with its range of size, or a size in another unit, from any source.",
            ),
            "content": Field(
                "Types of content",
                "What the content is, such as fiction, scientific text, photography, social media.",
            ),
            "latest": Field(
                "Latest date of data acquisition",
                "Month and year, and whether training goes on with newer data.",
            ),
            "languages": Field(
                "Linguistic characteristics", "The languages, for text and for speech."
            ),
            "other": Field(
                "Other characteristics", "National, regional or demographic specifics of the data."
            ),
        },
    ),
    "2.1": (
        "Publicly available datasets",
        {
            "listed": Field(
                "Large public datasets",
                "Whether there are any, of which modalities; each large one with name, link or "
                "description, and period of collection. Confirm which of the sources below are "
                "public.",
            ),
            "others": Field("Other public datasets", "A general description of the smaller ones."),
        },
    ),
    "2.2": (
        "Private datasets of third parties",
        {
            "licensed": Field(
                "Licensed by rightsholders (2.2.1)",
                "Whether there are commercial licensing agreements with rightsholders or those who "
                "represent them, and for which modalities.",
            ),
            "private": Field(
                "From other third parties (2.2.2)",
                "Whether there are any, of which modalities; names of those that are publicly "
                "known, and a description of the others.",
            ),
        },
    ),
    "2.3": (
        "Data crawled and scraped from online sources",
        {
            "crawlers": Field(
                "Crawlers",
                "Whether data was crawled by the provider or for them: names and purposes of the "
                "crawlers, how they behave (robots.txt, captchas, paywalls), from when to when, "
                "what content of which modalities, and the most relevant domains (the first tenth "
                "by content; of a small or medium enterprise the first twentieth, or 1,000).",
            ),
        },
    ),
    "2.4": (
        "User data",
        {
            "users": Field(
                "User data",
                "Whether interactions with the model were used, and whether those with other "
                "services or products were; which services, and of which modalities.",
            ),
        },
    ),
    "2.5": (
        "Synthetic data",
        {
            "used": Field("Synthetic data", "Whether it was used, by modality."),
            "models": Field(
                "General-purpose models that generated it",
                "Names of models on the market, with links to their summaries.",
            ),
            "own": Field(
                "Other models that generated it",
                "The provider's own models, with a general description of their training data.",
            ),
        },
    ),
    "2.6": (
        "Other sources of data",
        {"others": Field("Other sources", "A narrative description, such as data of one's own.")},
    ),
    "3.1": (
        "Respect of reservations of rights from text and data mining",
        {
            "reservations": Field(
                "Measures",
                "Whether the Code of Practice is signed, and which opt-outs were respected, before "
                "and during collection.",
            ),
        },
    ),
    "3.2": (
        "Removal of illegal content",
        {
            "illegal": Field(
                "Measures",
                "How illegal content was avoided or removed, such as lists, keywords, classifiers.",
            ),
        },
    ),
    "3.3": (
        "Other information",
        {"processing": Field("Data processing", "Anything else about processing, if wanted.")},
    ),
}
