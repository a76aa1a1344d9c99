"""A notebook: from a public swarm to a recommended mix. Open it with `marimo edit docs/notebook.py`."""

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo

    import mixes

    return mo, mixes


@app.cell
def _(mo):
    mo.md(
        """
        # Which web topics should a model be trained on?
        Ai2 trained 127 proxies of 30M parameters, each on another mix of 24 web topics, and scored them on 110 tasks.
        From that swarm, this notebook recommends a mix for 6 T tokens. Move the sliders: the mix follows.
        """
    )
    return


@app.cell
def _(mixes):
    files = mixes.example_files()
    swarm = mixes.read_swarm(files / "ratios.csv", files / "metrics.csv", families=files / "families.yaml")
    swarm
    return files, swarm


@app.cell
def _(mixes, swarm):
    laws = mixes.fit_laws(swarm)
    laws.table()
    return (laws,)


@app.cell
def _(mo):
    code = mo.ui.slider(0, 1, 0.05, value=0.35, label="weight of code")
    math = mo.ui.slider(0, 1, 0.05, value=0.15, label="weight of math")
    qa = mo.ui.slider(0, 1, 0.05, value=0.5, label="weight of question answering")
    epochs = mo.ui.slider(1, 8, 0.5, value=4, label="most epochs of a topic")
    mo.vstack([code, math, qa, epochs])
    return code, epochs, math, qa


@app.cell
def _(code, epochs, files, math, mixes, mo, qa, swarm):
    target = {"code": code.value, "math": math.value, "qa": qa.value}
    mo.stop(not any(target.values()), "Give at least one family a weight.")
    best = mixes.recommend(
        swarm, target=target, tokens=files / "tokens.csv", budget="6T", max_epochs=epochs.value, replicates=60
    )
    best
    return (best,)


@app.cell
def _(best):
    best.plot()
    return


if __name__ == "__main__":
    app.run()
