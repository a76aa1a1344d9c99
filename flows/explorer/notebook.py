# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""The explorer's page. Cells hold widgets; what they show comes from the other files of this folder."""

import marimo

app = marimo.App(width="full", app_title="mixwright explorer", css_file="page.css")


@app.cell
def _():
    import marimo as mo

    from flows.errors import INPUT_ERRORS
    from flows.explorer import browse, compare, draw, follow, other_mixes, parts, save, serve, session, state, typed
    from flows.explorer import tabs as tabs_of
    from flows.explorer.swarm_table import swarm_table
    from flows.report.html import text

    return (
        INPUT_ERRORS, browse, compare, draw, follow, mo, other_mixes, parts, save, serve, session, state,
        swarm_table, tabs_of, text, typed,
    )  # fmt: skip


@app.cell
def _(mo, serve, session):
    opened = serve.explored()
    page = session.Session(opened, mo.query_params().to_dict())
    findings, catalog = opened.findings, opened.catalog

    def go(**changes):
        """Bring the page and its address to another view."""
        session.write_address(mo.query_params(), page.move(**changes))

    return catalog, findings, go, opened, page


@app.cell
def _(findings, mo, page, parts, state, text):
    titles = {_name: _name.upper() if _name == "sql" else _name.capitalize() for _name in state.TABS}
    tabs = mo.ui.tabs({_title: mo.Html("") for _title in titles.values()}, value=titles[page.state.tab])
    _notes = "".join(parts.error(_line) for _line in page.notes)
    mo.vstack([mo.Html(f'<p class="mx-title">{text(findings.name)}</p>{_notes}'), tabs], gap=0)
    return tabs, titles


@app.cell
def _(go, page, tabs, titles):
    tab = next(_name for _name, _title in titles.items() if _title == (tabs.value or titles[page.state.tab]))
    if tab != page.state.tab:
        go(tab=tab)
    return (tab,)


@app.cell
def _(mo, page):
    def _stops(stops):
        return mo.ui.slider(steps=list(stops.values), value=stops.now, show_value=True, full_width=True)

    def _share(value):
        return mo.ui.slider(0, 1, 0.01, value=value, show_value=True, full_width=True)

    _controls = page.controls
    weights = mo.ui.dictionary({_name: _share(_value) for _name, _value in _controls.weights.items()})
    budget = mo.ui.array([_stops(_controls.budget)] if _controls.budget else [])
    epochs, pull = _stops(_controls.epochs), _stops(_controls.pull)
    _bounded = [_name for _name in page.state.bounds if _name in page.mix]
    locked = mo.ui.multiselect(sorted(page.mix), value=_bounded, full_width=True)
    return budget, epochs, locked, pull, weights


@app.cell
def _(locked, mo, page):
    def _ends(name):
        return mo.ui.array([mo.ui.number(0, 100, 0.01, value=end) for end in page.bounds_of(name)])

    bounds = mo.ui.dictionary({_name: _ends(_name) for _name in locked.value})
    return (bounds,)


@app.cell
def _(bounds, budget, epochs, findings, locked, mo, page, parts, pull, tab, weights):
    def _row(words, element):
        return mo.vstack([mo.Html(parts.label(words)), element], gap=0)

    _column = [mo.Html(parts.group("What counts", "mx-controls"))]
    _column += [_row(_name, _slider) for _name, _slider in weights.elements.items()]
    _column += [mo.Html(parts.group("Limits"))]
    _column += [_row(f"Budget, {page.controls.unit} tokens", _slider) for _slider in budget.elements]
    _column += [_row("Most epochs of a domain", epochs), _row(f"Pull to {findings.reference}", pull)]
    _column += [_row("Lock domains at their weight, or bound them", locked)]
    _column += [
        _row(f"{_name}: least and most, %", mo.hstack(list(_ends.elements), justify="start", gap=0.5))
        for _name, _ends in bounds.elements.items()
    ]
    mo.vstack(_column, gap=0.35) if tab in ("mix", "compare", "save") else None
    return


@app.cell
def _(INPUT_ERRORS, bounds, budget, epochs, opened, page, pull, weights):
    _spent = budget.value[0] if budget.value else None
    page.move(
        **page.controls.changes(weights.value, _spent, epochs.value, pull.value),
        bounds={
            _name: ((_low or 0.0) / 100, (100.0 if _high is None else _high) / 100)
            for _name, (_low, _high) in bounds.value.items()
        },
    )
    question, optimum, mistake = None, None, ""
    try:
        question = opened.asked(page.state)
        optimum = page.point(question)
    except INPUT_ERRORS as _error:
        mistake = str(_error)
    return mistake, optimum, question


@app.cell
def _(draw, findings, follow, go, mistake, mo, optimum, page, parts, question, tab):
    def _pieces(is_stale):
        go()
        return page.followed(question, is_stale) if question and tab == "mix" else ()

    follow.follow(_pieces)
    _drawn = parts.error(mistake)
    if optimum is not None:
        _drawn = draw.optimum(optimum, findings, page.state, "" if optimum.summary else "The intervals follow …")
    mo.Html(_drawn) if tab == "mix" else None
    return


@app.cell
def _(compare, findings, mo, page, typed):
    _known = list(compare.choices(findings.problem))

    def _choice(name, other):
        return mo.ui.dropdown(_known, value=name if name in _known else other, searchable=True, full_width=True)

    left, right = _choice(page.state.left, compare.NATURAL), _choice(page.state.right, compare.OPTIMUM)
    _natural = dict(zip(findings.domains, findings.problem.reference, strict=True))
    read_own, write_own = mo.state(page.state.own or typed.as_typed(_natural))  # what is typed, or dragged
    read_typed, write_typed = mo.state(read_own())  # where the sliders begin: they stay while one is dragged
    return left, read_own, read_typed, right, write_own, write_typed


@app.cell
def _(findings, mo, read_own, write_own, write_typed):
    def _type(text):
        write_own(text)
        write_typed(text)

    own = mo.ui.text_area(
        read_own(), rows=min(12, len(findings.domains)), full_width=True, debounce=True, on_change=_type
    )
    return (own,)


@app.cell
def _(findings, mo, read_typed, typed, write_own):
    def _drag(shares):
        write_own(typed.as_typed(typed.scaled(shares)))

    dragged = mo.ui.dictionary(
        {
            _name: mo.ui.slider(0, 100, 0.1, value=_share, show_value=False, full_width=True)
            for _name, _share in typed.shares_of(read_typed(), findings.domains).items()
        },
        on_change=_drag,
    )
    return (dragged,)


@app.cell
def _(compare, dragged, go, left, mistake, mo, opened, optimum, own, parts, question, right, tab, tabs_of):
    _shown = None
    if tab == "compare":
        _is_asked = compare.OWN in (left.value, right.value)
        go(left=left.value, right=right.value, own=own.value if _is_asked else "")
        _html = parts.error(mistake)
        if question is not None:
            _html = tabs_of.compared(opened, question, optimum, (left.value, right.value), own.value)
        _own = [tabs_of.own_mix(own, dragged, own.value)] if _is_asked else []
        _shown = mo.vstack([mo.hstack([left, right], widths="equal"), *_own, mo.Html(_html)])
    _shown
    return


@app.cell
def _(follow, mo, other_mixes, page, parts, question, tab):
    if tab == "compare" and question is not None:
        follow.follow(lambda is_stale: page.others(question, is_stale))
    mo.Html(parts.side_note(other_mixes.WAITING)) if tab == "compare" and question is not None else None
    return


@app.cell
def _(mo, opened, save):
    _formats = save.formats(opened)
    trainer = mo.ui.dropdown(_formats, value=_formats[0] if _formats else None)
    write, record = mo.ui.run_button(label="Write"), mo.ui.run_button(label="Save as a recommendation")
    return record, trainer, write


@app.cell
def _(INPUT_ERRORS, mistake, mo, opened, page, parts, question, record, tab, tabs_of, trainer, write):
    _shown = None
    if tab == "save":
        try:
            _shown = mo.Html(parts.error(mistake))
            if question is not None:
                _shown = mo.vstack(tabs_of.saved(page, opened, question, trainer, write, record))
        except INPUT_ERRORS as _error:
            _shown = mo.Html(parts.error(str(_error)))
    _shown
    return


@app.cell
def _(findings, mo, page, swarm_table, tab):
    mo.Html(swarm_table(findings, page.state)) if tab == "swarm" else None
    return


@app.cell
def _(browse, catalog, mo, page, tab):
    _domains, _domain, _reasons, _reason = browse.choices(catalog if tab == "documents" else None, page.state)
    kind = mo.ui.radio(browse.KINDS, value=browse.KINDS[1 if page.state.reason else 0], inline=True)
    domain = mo.ui.dropdown(_domains, value=_domain, searchable=True)
    reason = mo.ui.dropdown(_reasons, value=_reason, searchable=True)
    return domain, kind, reason


@app.cell
def _(browse, catalog, domain, mo, page):
    _all = ["all", *browse.buckets(catalog, domain.value)]
    _is_same = domain.value == page.state.domain and page.state.bucket in _all
    bucket = mo.ui.dropdown(_all, value=page.state.bucket if _is_same else "all")
    return (bucket,)


@app.cell
def _(INPUT_ERRORS, browse, bucket, catalog, domain, go, kind, mo, parts, reason, tab):
    def _browsed():
        if kind.value == browse.KINDS[1]:
            go(domain="", bucket="", reason=reason.value or "")
            return [reason, mo.Html(browse.dropped(catalog, reason.value or ""))]
        if kind.value == browse.KINDS[2]:
            return [mo.Html(browse.contaminated(catalog))]
        chosen = "" if bucket.value == "all" else bucket.value
        go(domain=domain.value or "", bucket=chosen, reason="")
        words = mo.Html(parts.label("bucket of quality, 19 is best:"))
        choice = mo.hstack([domain, words, bucket], justify="start", align="center", wrap=True)
        return [choice, mo.Html(browse.documents(catalog, domain.value, chosen))]

    _shown = None
    if tab == "documents":
        try:
            _shown = mo.vstack([kind, *_browsed()]) if catalog else mo.Html(parts.paragraph(browse.WITHOUT))
        except INPUT_ERRORS as _error:
            _shown = mo.Html(parts.error(str(_error)))
    _shown
    return


@app.cell
def _(browse, mo, page):
    query = mo.ui.text_area(page.state.query or browse.FIRST, rows=4, full_width=True, debounce=True)
    ask = mo.ui.run_button(label="Run")
    return ask, query


@app.cell
def _(INPUT_ERRORS, ask, browse, catalog, go, mo, page, parts, query, tab):
    def _answered():
        if not ask.value and query.value != (page.state.query or browse.FIRST):
            return parts.note("Press Run.")
        go(query=query.value)
        try:
            return browse.queried(catalog, query.value)
        except INPUT_ERRORS as error:
            return parts.error(str(error))

    _shown = mo.Html(parts.paragraph(browse.WITHOUT))
    if tab == "sql" and catalog:
        _line = mo.Html(parts.label("One SELECT in DuckDB's SQL; `show tables` lists the tables"))
        _shown = mo.vstack([_line, query, ask, mo.Html(_answered())])
    _shown if tab == "sql" else None
    return


if __name__ == "__main__":
    app.run()
