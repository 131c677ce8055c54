"""The gate: what weft costs now against what it cost when the baseline was kept.

Instructions and system calls repeat to a percent or better, so 2 % more is a regression. Processor
time on one core is kept as a ratio to epoll in the same run, with a margin of 0.1. A new baseline
is a commit that says why.
"""
import json

COUNT_MARGIN, RATIO_MARGIN = 0.02, 0.1


def figures(tests):
    """{name: (value, is it a ratio)}"""
    found = {}
    for bench, test in tests:
        if bench in ("instructions", "syscalls"):
            value = test.median("weft", test.metric)
            if value is not None:
                found["%s, %s" % (bench, test.name)] = (value, False)
        elif test.ratio("weft", "epoll", test.metric) is not None:
            found["%s, %s, x epoll" % (bench, test.name)] = (
                test.ratio("weft", "epoll", test.metric), True)
    return found


def keep(path, tests):
    with open(path, "w") as file:
        json.dump({name: round(value, 3) for name, (value, _) in figures(tests).items()}, file,
                  indent=1, sort_keys=True)
        file.write("\n")


def check(path, tests):
    """How many figures are worse than the baseline allows; each is printed."""
    with open(path) as file:
        baseline = json.load(file)
    n_worse = 0
    now = figures(tests)
    for name, before in sorted(baseline.items()):
        if name not in now:
            print("  %-50s not measured" % name)
            n_worse += 1
            continue
        value, is_ratio = now[name]
        allowed = before + RATIO_MARGIN if is_ratio else before * (1 + COUNT_MARGIN)
        is_worse = value > allowed
        n_worse += is_worse
        print("  %-50s %10.3f  (kept %.3f, at most %.3f)%s"
              % (name, value, before, allowed, "  WORSE" if is_worse else ""))
    for name in sorted(set(now) - set(baseline)):
        print("  %-50s %10.3f  (not in the baseline)" % (name, now[name][0]))
    return n_worse
