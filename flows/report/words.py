"""Numbers as a report prints them."""

from collections.abc import Sequence

SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


def percent(share: float) -> str:
    """A share in percent; two decimals where one would leave a single digit or none."""
    if 0 < share < 5e-5:
        return "<0.01%" if share >= 5e-6 else "0%"
    return f"{share:.2%}" if 0 < share < 0.01 else f"{share:.1%}"


def signed(value: float, digits: int = 3) -> str:
    """With its sign; zero has none."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text


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
