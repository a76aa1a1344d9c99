"""The mix as a chart: each domain's natural and recommended weight, with its interval."""

from typing import TYPE_CHECKING

from mixes.errors import MixError
from mixes.recommendation.result import Recommendation
from mixes.show.frames import weights_frame

if TYPE_CHECKING:
    import altair

COLOURS = ("#b4b4b4", "#0072b2")  # grey for natural, Okabe and Ito's blue: apart for every kind of eye
ROW = 22  # pixels of a domain


def weights_chart(recommendation: Recommendation) -> "altair.LayerChart | altair.FacetChart":
    """A grey dot for the natural weight, a blue one with its interval for the recommended weight, by domain.

    Raises:
        MixError: Altair is not installed.
    """
    try:
        import altair
    except ImportError:
        raise MixError("plot: Altair is not installed — install it with `pip install altair`") from None
    frame = weights_frame(recommendation)
    names = (recommendation.reference, "recommended")
    rows = [
        {"domain": row["domain"], "mix": name, "weight": row[column], "low": row["low"], "high": row["high"]}
        for row in frame.iter_rows(named=True)
        for name, column in zip(names, ("natural_weight", "weight"), strict=True)
    ]
    domain = altair.Y("domain:N", sort=frame["domain"].to_list(), title=None)
    colour = altair.Color("mix:N", title=None, scale=altair.Scale(domain=list(names), range=list(COLOURS)))
    weight = altair.X("weight:Q", title="share of tokens", axis=altair.Axis(format="%"))
    base = altair.Chart(altair.Data(values=rows))
    tooltip = [
        altair.Tooltip("domain:N"),
        altair.Tooltip("mix:N"),
        *(altair.Tooltip(f"{name}:Q", format=".1%") for name in ("weight", "low", "high")),
    ]
    points = base.mark_point(filled=True, size=70, opacity=1).encode(y=domain, x=weight, color=colour, tooltip=tooltip)
    ranges = (
        base.transform_filter("datum.mix == 'recommended'")
        .mark_rule(size=3, opacity=0.45, color=COLOURS[1])
        .encode(y=domain, x=altair.X("low:Q"), x2="high:Q")
    )
    subtitle = f"bars: {100 * recommendation.coverage:g} % intervals"
    title = altair.TitleParams("Recommended mix", subtitle=subtitle, anchor="start")
    return altair.layer(ranges, points).properties(width=480, height=ROW * len(frame), title=title)
