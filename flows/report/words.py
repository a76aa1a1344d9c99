"""Numbers as a report prints them."""

import re
from collections.abc import Sequence

MINUS = "−"
SPACED = re.compile(r"(\d) %")
SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def percent(share: float) -> str:
    """A share in percent; two decimals where one would leave a single digit or none."""
    if 0 < share < 5e-5:
        return "<0.01%" if share >= 5e-6 else "0%"
    return f"{share:.2%}" if 0 < share < 0.01 else f"{share:.1%}"


def signed(value: float, digits: int = 3) -> str:
    """With its sign, a true minus; zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", MINUS)


def interval(low: float, high: float) -> str:
    """The ends of an interval of gains, as −0.046 to −0.028."""
    return f"{signed(low)} to {signed(high)}"


def thousandths(value: float, unit: str) -> str:
    """A small amount as 5.8 thousandths of bpb."""
    return f"{1000 * value:.1f} thousandths of {unit}"


def closed(sentence: str) -> str:
    """A sentence from a recommendation with its percents as the page writes them, 90% in place of 90 %."""
    return SPACED.sub(r"\1%", sentence)


def counted(number: int, noun: str, several: str = "") -> str:
    """As 1 domain, or 1,200 domains; several: a plural that is more than an s."""
    return f"{number:,} {noun if number == 1 else several or f'{noun}s'}"


def amount(value: float) -> str:
    """A large number with its scale, as 6.0T."""
    for size, letter in SCALES:
        if abs(value) >= size:
            return f"{value / size:.3g}{letter}"
    return f"{value:,.0f}"


def in_bytes(value: float) -> str:
    """A number of bytes, as 4.6 GB."""
    for size, letter in SCALES:
        if abs(value) >= size:
            return f"{value / size:.3g} {letter.replace('B', 'G')}B"
    return f"{value:,.0f} B"


def power(value: float) -> str:
    """A very large number, as 3.4 × 10¹³."""
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits} × 10{str(int(exponent)).translate(str.maketrans('0123456789', '⁰¹²³⁴⁵⁶⁷⁸⁹'))}"


def listed(names: Sequence[str], most: int = 5) -> str:
    """Names in a sentence; of a long list the first ones, and how many more there are."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most} more"
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
