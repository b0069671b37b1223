"""The project's own expectation types; importing them makes them known to any suite."""

from __future__ import annotations

from typing import Final

from expectations.custom.class_shares import ExpectColumnClassShareRatiosToBeBetween
from expectations.custom.class_support import ExpectColumnClassesToHaveSupport
from expectations.custom.compression import ExpectColumnCompressionRatioToBeBetween
from expectations.custom.coverage import ExpectRowsCoverageToBeBetween
from expectations.custom.decodable_images import ExpectColumnValuesToBeDecodableImages
from expectations.custom.depth import ExpectColumnDepthToBeBetween
from expectations.custom.distinct_ngrams import ExpectColumnDistinctNgramsToBeBetween
from expectations.custom.kolmogorov_smirnov import ExpectColumnKolmogorovSmirnovToBeBetween
from expectations.custom.real_share import ExpectColumnRealShareToBeBetween
from expectations.custom.recall import ExpectRowsRecallToBeBetween
from expectations.custom.table import TableExpectation
from expectations.custom.total_variation import ExpectColumnTotalVariationToBeBetween
from expectations.custom.two_sample import ExpectClassifierTwoSampleAccuracyToBeBetween
from expectations.custom.vendi import ExpectRowsVendiScoreToBeBetween
from expectations.custom.wasserstein import ExpectColumnWassersteinToBeBetween

__all__ = ["CLASSES", "TYPES", "TableExpectation"]

CLASSES: Final = (
    ExpectClassifierTwoSampleAccuracyToBeBetween,
    ExpectColumnClassShareRatiosToBeBetween,
    ExpectColumnClassesToHaveSupport,
    ExpectColumnCompressionRatioToBeBetween,
    ExpectColumnDepthToBeBetween,
    ExpectColumnDistinctNgramsToBeBetween,
    ExpectColumnKolmogorovSmirnovToBeBetween,
    ExpectColumnRealShareToBeBetween,
    ExpectColumnTotalVariationToBeBetween,
    ExpectColumnValuesToBeDecodableImages,
    ExpectColumnWassersteinToBeBetween,
    ExpectRowsCoverageToBeBetween,
    ExpectRowsRecallToBeBetween,
    ExpectRowsVendiScoreToBeBetween,
)
TYPES: Final = tuple(each.expectation_type for each in CLASSES)
"""Names of these types in a suite."""
