"""SVG plots by matplotlib: bars for each bench, lines for the curves."""
from .report import TITLES, curves_of


def have_matplotlib():
    try:
        import matplotlib
    except ImportError:
        return False
    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "weft"    # the same figures give the same file
    matplotlib.rcParams["svg.fonttype"] = "none"    # letters, not their outlines
    return True


def bars(path, bench, tests):
    import matplotlib.pyplot as plt
    tests = [test for test in tests if test.ranked()]
    if not tests:
        return
    heights = [0.28 * len(test.ranked()) + 0.9 for test in tests]
    figure, axes = plt.subplots(len(tests), 1, figsize=(8, sum(heights)), squeeze=False,
                                gridspec_kw={"height_ratios": heights})
    for axis, test in zip(axes[:, 0], tests):
        peers = test.ranked()[::-1]
        medians = [test.median(peer, test.metric) for peer in peers]
        low = [m - min(test.values(p, test.metric)) for m, p in zip(medians, peers)]
        high = [max(test.values(p, test.metric)) - m for m, p in zip(medians, peers)]
        colours = ["#c0392b" if peer == "weft" else "#7f8c8d" if peer == test.limit else "#5d7fa3"
                   for peer in peers]
        axis.barh(peers, medians, xerr=[low, high], color=colours,
                  error_kw={"elinewidth": 0.8, "ecolor": "#333"})
        if max(medians) > 30 * min(medians) > 0:
            axis.set_xscale("log")
        axis.set_title("%s: %s, %s" % (bench, test.name, TITLES.get(test.metric, test.metric)),
                       fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def curves(path, tests):
    """Tests called "NAME, SIZE" become lines over the size, a plot for each name."""
    import matplotlib.pyplot as plt
    lines = curves_of([("curves", test) for test in tests])
    if not lines:
        return
    figure, axes = plt.subplots(len(lines), 1, figsize=(8, 2.6 * len(lines)), squeeze=False)
    for axis, ((name, metric), peers) in zip(axes[:, 0], lines.items()):
        others = iter(("#5d7fa3", "#7f8c8d", "#8e6fa3"))
        for peer in sorted(peers, key=lambda peer: peer != "weft"):
            axis.plot(*zip(*peers[peer]), marker="o", markersize=3, label=peer,
                      color="#c0392b" if peer == "weft" else next(others))
        axis.set_xscale("log")
        axis.set_ylim(bottom=0)
        axis.set_title("%s: %s" % (name, TITLES.get(metric, metric)), fontsize=9, loc="left")
        axis.tick_params(labelsize=8)
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def draw(directory, tests):
    """One file for each bench; what was written."""
    written = []
    for bench in dict.fromkeys(bench for bench, _ in tests):
        of_bench = [test for name, test in tests if name == bench]
        path = directory / (bench + ".svg")
        if bench == "curves":
            curves(path, of_bench)
        elif bench != "floor":
            bars(path, bench, of_bench)
        if path.exists():
            written.append(path)
    return written
