"""Units of measure with exact factors, by definition and not by measurement.

What is ambiguous between countries (gallons, tons) is a unit of its own. A degree of an angle and a
percent are units too: they equal a plain number, which `verdicts` knows.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Final

from pipelines.sandbox.maths.forms import Unit, UnreadableError

_Row = tuple[str, str, str]
TABLE: Final[tuple[_Row, ...]] = (
    ("mm millimeter millimetre millimeters millimetres", "1/1000", "metre"),
    ("cm centimeter centimetre centimeters centimetres", "1/100", "metre"),
    ("dm decimeter decimetre decimeters decimetres", "1/10", "metre"),
    ("m meter metre meters metres", "1", "metre"),
    ("km kilometer kilometre kilometers kilometres", "1000", "metre"),
    ("in inch inches", "0.0254", "metre"),
    ("ft foot feet", "0.3048", "metre"),
    ("yd yds yard yards", "0.9144", "metre"),
    ("mi mile miles", "1609.344", "metre"),
    ("mg milligram milligrams", "1/1000", "gram"),
    ("g gram grams", "1", "gram"),
    ("kg kgs kilogram kilograms", "1000", "gram"),
    ("lb lbs pound pounds", "453.59237", "gram"),
    ("oz ounce ounces", "28.349523125", "gram"),
    ("ton tons", "1", "ton"),
    ("tonne tonnes", "1000000", "gram"),
    ("ms millisecond milliseconds", "1/1000", "second"),
    ("s sec secs second seconds", "1", "second"),
    ("min mins minute minutes", "60", "second"),
    ("h hr hrs hour hours", "3600", "second"),
    ("day days", "86400", "second"),
    ("week weeks", "604800", "second"),
    ("month months", "1", "month"),
    ("yr yrs year years", "12", "month"),
    ("ml mL milliliter milliliters millilitre millilitres", "1/1000000", "metre^3"),
    ("cl centiliter centiliters", "1/100000", "metre^3"),
    ("dl deciliter deciliters", "1/10000", "metre^3"),
    ("l L liter liters litre litres", "1/1000", "metre^3"),
    ("gal gallon gallons", "16", "cup"),
    ("qt quart quarts", "4", "cup"),
    ("pt pint pints", "2", "cup"),
    ("cup cups", "1", "cup"),
    ("ha hectare hectares", "10000", "metre^2"),
    ("acre acres", "4046.8564224", "metre^2"),
    ("$ USD usd dollar dollars buck bucks", "1", "dollar"),
    ("cent cents", "1/100", "dollar"),
    ("EUR euro euros", "1", "euro"),
    ("GBP sterling", "1", "sterling"),
    ("JPY yen", "1", "yen"),
    ("% percent pct percentage", "1", "percent"),
    ("deg degree degrees", "1", "degree"),
    ("rad radian radians", "1", ""),
    ("N newton newtons", "1000", "gram metre second^-2"),
    ("J joule joules", "1000", "gram metre^2 second^-2"),
    ("kJ kilojoule kilojoules", "1000000", "gram metre^2 second^-2"),
    ("W watt watts", "1000", "gram metre^2 second^-3"),
    ("kW kilowatt kilowatts", "1000000", "gram metre^2 second^-3"),
    ("Pa pascal pascals", "1000", "gram metre^-1 second^-2"),
    ("Hz hertz", "1", "second^-1"),
    ("kph kmh", "1000/3600", "metre second^-1"),
    ("mph", "1609.344/3600", "metre second^-1"),
    ("V volt volts", "1", "volt"),
    ("K kelvin kelvins", "1", "kelvin"),
    ("celsius", "1", "celsius"),
    ("fahrenheit", "1", "fahrenheit"),
    ("unit units", "1", "unit"),
)
LETTERS: Final = frozenset(["m", "g", "s", "h", "l", "L", "N", "J", "W", "V"])
"""Units of one letter that a space sets off from a number: 4 m, but not 4m."""
SPELLED_OUT: Final = 3
"""Letters from which on upper and lower case make no difference: Meters, but not Mm."""
POWERS: Final = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
PER: Final = frozenset({"/", "per"})
RAISED: Final = {"squared": "2", "cubed": "3"}
TOKEN: Final = re.compile(r"\s*(?:([$%]|[^\W\d_]+)|\^\s*\{?\s*(-?\s*[0-9])(?![0-9])\s*\}?|(\S))\s*")
"""A word, a power, or another character."""


def _fraction(text: str) -> Fraction:
    top, _, bottom = text.partition("/")
    return Fraction(top) / Fraction(bottom or 1)


def _dimensions(text: str) -> dict[str, int]:
    parts = (part.partition("^") for part in text.split())
    return {name: int(power or 1) for name, _, power in parts}


KNOWN: Final = {
    name: Unit(_dimensions(dimensions), _fraction(factor))
    for names, factor, dimensions in TABLE
    for name in names.split()
}


def known(word: str) -> bool:
    """Whether a word of several letters names a unit wherever it stands."""
    return len(word) > 1 and word in KNOWN


def starts(word: str) -> bool:
    """Whether a word may begin a unit."""
    return word in KNOWN or word.lower() in POWERS or (len(word) > 1 and word.lower() in KNOWN)


def parse(text: str) -> Unit:
    """Read a unit such as `cm^2`, `square miles`, `km/h`, `metres per second` or `apples`.

    Raises:
        UnreadableError: a part of it is neither a unit, nor a word, nor a power.
    """
    dimensions: Counter[str] = Counter()
    factor = Fraction(1)
    for unit, power in _factors(text):
        factor *= unit.factor**power
        for name, own in unit.dimensions.items():
            dimensions[name] += own * power
    return Unit({name: power for name, power in dimensions.items() if power}, factor)


def _factors(text: str) -> list[tuple[Unit, int]]:
    """Units with their powers."""
    found: list[tuple[Unit, int]] = []
    sign, power, waiting = 1, 1, 0
    for word, raised, other in TOKEN.findall(text):
        if other in PER or word == "per":
            waiting, sign = waiting + 1, -1
        elif word.lower() in POWERS:
            power = POWERS[word.lower()]
        elif exponent := raised.replace(" ", "") or RAISED.get(word.lower()):
            found.append(_raised(found, int(exponent)))
        elif word:
            found.append((_unit(word), sign * power))
            waiting, power = 0, 1
        elif other != ".":
            raise UnreadableError("what follows the number is no unit")
    if power != 1 or waiting:
        raise UnreadableError("what follows the number is no unit")
    return found


def _raised(found: list[tuple[Unit, int]], exponent: int) -> tuple[Unit, int]:
    """The last unit, taken from the list, to a power."""
    if not found:
        raise UnreadableError("what follows the number is no unit")
    unit, power = found.pop()
    return unit, power * exponent


def _unit(word: str) -> Unit:
    if len(word) >= SPELLED_OUT:
        word = word.lower() if word.lower() in KNOWN else word
    return KNOWN.get(word) or Unit({f'"{word.casefold()}"': 1})
