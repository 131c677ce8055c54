"""What came out: a table for each test, the targets, JSON, plots and a page."""
import json
import math
import re
import sys
import time

from . import machine
from .targets import TARGETS, figure_of, holds

TITLES = {"srv_ns": "server CPU, ns", "ns": "CPU, ns", "rps": "requests/s", "mibps": "MiB/s",
          "p50_us": "p50, us", "p99_us": "p99, us", "bytes_per_task": "bytes a task",
          "bytes_per_connection": "bytes a connection", "msgs_per_s": "messages/s",
          "jobs_per_s": "jobs/s", "cpu_ns": "CPU, ns", "calls": "system calls a request",
          "longs_per_s": "long jobs/s", "resident_mib": "resident, MiB", "after_ratio": "after / before",
          "instructions": "instructions", "ready_ms": "ready, ms", "reload_ms": "reload, ms",
          "faults": "page faults, each", "mean_us": "mean, us"}
# Beside the figure that counts, these are worth a column.
ALSO = ("rps", "p50_us", "p99_us", "mean_us", "longs_per_s", "reload_ms", "park_ns", "faults", "resident_mib",
        "before_kib", "at_once_kib", "after_kib")


def show(value):
    if value is None:
        return ""
    if abs(value) >= 1e6:
        return "%.2f M" % (value / 1e6)
    return "%.*f" % (0 if abs(value) >= 1000 else 1 if abs(value) >= 10 else 2, value)


def spread(test, peer, metric):
    values = test.values(peer, metric)
    if not values:
        return ""
    if len(values) == 1:
        return show(values[0])
    return "%s [%s-%s]" % (show(test.median(peer, metric)), show(min(values)), show(max(values)))


def best_peer(test):
    """The best that is neither weft nor the limit, when there is another than these."""
    others = [peer for peer in test.ranked() if peer not in ("weft", test.limit)]
    return others[0] if others else None


def rows_of(test):
    """(header, rows) of strings."""
    best = best_peer(test)
    also = [metric for metric in ALSO if metric in test.metrics() and metric != test.metric]
    header = ["", TITLES.get(test.metric, test.metric), "x " + test.limit]
    header += ["x " + best] if best else []
    header += [TITLES.get(metric, metric) for metric in also]
    rows = []
    for peer in test.ranked():
        row = [peer, spread(test, peer, test.metric)]
        for other in [test.limit] + ([best] if best else []):
            ratio = test.ratio(peer, other, test.metric)
            row.append("%.2f" % ratio if ratio is not None else "")
        rows.append(row + [spread(test, peer, metric) for metric in also])
    return header, rows


def print_table(header, rows):
    widths = [max(len(row[i]) for row in [header] + rows) for i in range(len(header))]
    for row in [header] + rows:
        print("  " + row[0].ljust(widths[0]) + "".join(
            "  " + cell.rjust(width) for cell, width in zip(row[1:], widths[1:])))


def print_test(bench, test):
    print("\n== %s: %s" % (bench, test.name))
    if bench == "floor":
        for name, value in next(iter(test.samples["kernel"].values())).items():
            print("  %-40s %s" % (name, show(value)))
        return
    print_table(*rows_of(test))
    sys.stdout.flush()


def curves_of(tests):
    """{(curve, metric): {peer: [(size, figure)]}}, from tests called "NAME, SIZE"."""
    found = {}
    for bench, test in tests:
        if bench == "curves":
            name, size = re.fullmatch(r"(.*), (\d+)", test.name).groups()
            for peer in test.ranked():
                found.setdefault((name, test.metric), {}).setdefault(peer, []).append(
                    (int(size), test.median(peer, test.metric)))
    return found


FLAT, MARGIN = 1.5, 1.5


def shape_of(points):
    """How the cost of one grows from the cheapest size to the last, beside a logarithm's growth."""
    (size, cost), (last_size, last_cost) = min(points, key=lambda point: point[1]), points[-1]
    growth = last_cost / cost
    if growth <= FLAT:
        return "flat"
    logs = math.log(last_size) / math.log(max(size, 2))
    return "%s: x %.1f while log n grows x %.1f" % ("log n" if growth <= MARGIN * logs else "bends",
                                                    growth, logs)


def curve_rows(tests):
    found = curves_of(tests)
    sizes = sorted({size for peers in found.values() for points in peers.values()
                    for size, _ in points})
    rows = []
    for (name, metric), peers in found.items():
        for peer, points in peers.items():
            costs = dict(points)
            rows.append(["%s; %s: %s" % (name, TITLES.get(metric, metric), peer)]
                        + [show(costs.get(size)) for size in sizes] + [shape_of(points)])
    return ["one of"] + ["{:,}".format(size) for size in sizes] + [""], rows


def judged(tests):
    """Each target that was measured: (target, its test, gate's figure, goal's figure)."""
    found = {(bench, test.name): test for bench, test in tests}
    for target in TARGETS:
        test = found.get((target.bench, target.test))
        if test is not None and test.median("weft", target.metric) is not None:
            yield (target, test, figure_of(test, target.gate, target.metric),
                   figure_of(test, target.goal, target.metric))


def bound_text(bound):
    relation, factor, peer = bound
    return "%s %g%s" % (relation, factor, "x " + peer if peer else "")


def figure_text(figure, bound):
    if figure is None:
        return "-"
    return "%.2fx%s" % (figure, "" if holds(figure, bound) else " NOT MET") if bound[2] else \
        "%s%s" % (show(figure), "" if holds(figure, bound) else " NOT MET")


def target_rows(tests):
    rows = []
    for target, test, gate, goal in judged(tests):
        rows.append(["%s, %s: %s" % (target.bench, target.test,
                                     TITLES.get(target.metric, target.metric)),
                     show(test.median("weft", target.metric)),
                     bound_text(target.gate), figure_text(gate, target.gate),
                     bound_text(target.goal), figure_text(goal, target.goal)])
    return ["target", "weft", "gate", "", "goal", ""], rows


def write_json(path, tests, run):
    with open(path, "w") as file:
        json.dump({"run": run, "tests": [
            {"bench": bench, "test": test.name, "metric": test.metric, "limit": test.limit,
             "samples": test.samples} for bench, test in tests]}, file, indent=1)


def facts(repetitions, notes, before):
    return {"time": time.strftime("%Y-%m-%d %H:%M"), "repetitions": repetitions,
            "load_before": before, "load_after": machine.load(), "notes": notes}


def write_page(path, tests, run, heading):
    """The tables as Markdown, behind what the page says by hand (up to the line <heading>)."""
    text = path.read_text().split(heading)[0] + heading + "\n\n"
    text += ("Measured %s, %d repetitions, load %.1f at the start and %.1f at the end.\n"
             % (run["time"], run["repetitions"], run["load_before"], run["load_after"]))
    for note in run["notes"]:
        text += "\nNot measured: %s.\n" % note
    for title, (header, rows) in [("Targets", target_rows(tests)),
                                  ("Cost of one, by how many there are", curve_rows(tests))] + [
            ("%s: %s" % (bench, test.name), rows_of(test))
            for bench, test in tests if bench not in ("floor", "curves")]:
        if rows:
            text += "\n### %s\n\n| %s |\n|%s|\n" % (title, " | ".join(header),
                                                 "|".join(["---"] * len(header)))
            text += "".join("| %s |\n" % " | ".join(row) for row in rows)
    path.write_text(text)
