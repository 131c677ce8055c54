"""What weft has to reach: for each row the least that is accepted (the gate) and the goal.

A target is a ratio to a peer of the same test, or a number when the peer is None.
"""


class Target:
    def __init__(self, bench, test, metric, gate, goal):
        self.bench, self.test, self.metric = bench, test, metric
        self.gate, self.goal = gate, goal      # (relation, factor, peer)


LESS, MORE = "<=", ">="

TARGETS = [
    Target("switch", "2 tasks", "ns", (LESS, 0.6, "go gosched"), (LESS, 1.0, "st condition")),
    Target("switch", "1000 tasks", "ns", (LESS, 0.8, "go gosched"), (LESS, 0.4, "go gosched")),
    Target("spawn", "one at a time", "ns", (LESS, 0.5, "go"), (LESS, 0.8, "st")),
    Target("spawn", "1000 at a time", "ns", (LESS, 0.8, "tokio"), (LESS, 0.5, "tokio")),
    Target("park", "100000 tasks asleep", "bytes_per_task", (LESS, 1.1, "st"), (LESS, 4608, None)),
    Target("echo", "64 B x 50, one core", "srv_ns", (LESS, 1.15, "epoll"), (LESS, 1.05, "epoll")),
    Target("syscalls", "64 B x 50", "calls", (LESS, 2.1, None), (LESS, 2.05, None)),
    Target("instructions", "echo 64 B x 50, a request", "instructions", (LESS, 450, None),
           (LESS, 200, None)),
    Target("echo", "64 B x 1, one core", "srv_ns", (LESS, 1.15, "epoll"), (LESS, 1.05, "epoll")),
    Target("echo", "64 B x 500", "srv_ns", (LESS, 1.15, "epoll"), (LESS, 1.05, "epoll")),
    Target("echo", "64 B x 500", "p99_us", (LESS, 1.3, "epoll"), (LESS, 1.1, "epoll")),
    Target("echo", "16 KiB stream x 4", "mibps", (MORE, 0.9, "epoll"), (MORE, 1.05, "epoll")),
    Target("echo-2-loops", "64 B x 50", "srv_ns", (LESS, 1.3, "epoll"), (LESS, 1.05, "epoll")),
    Target("http", "keep-alive x 50, one core", "srv_ns", (LESS, 1.3, "epoll"),
           (LESS, 1.10, "epoll")),
    Target("http", "pipelined x 16, one core", "srv_ns", (LESS, 1.5, "epoll"), (LESS, 1.2, "epoll")),
    Target("xthread", "1 producer, one core", "msgs_per_s", (MORE, 1.0, "go channel"),
           (MORE, 1.0, "uv_async")),
    Target("xthread", "2 producers", "msgs_per_s", (MORE, 0.7, "go channel"),
           (MORE, 1.0, "go channel")),
    Target("xthread", "there and back, one core", "p50_us", (LESS, 1.2, "tokio mpsc"),
           (LESS, 0.95, "tokio mpsc")),
    Target("xthread", "there and back, two cores", "p50_us", (LESS, 1.1, "tokio mpsc"),
           (LESS, 0.1, "tokio mpsc")),
    Target("executor", "2 threads, 256 out", "jobs_per_s", (MORE, 1.0, "libuv"),
           (MORE, 1.0, "bare pool + eventfd")),
    Target("executor", "2 threads, 1 out, one core", "p50_us", (LESS, 1.0, "libuv"),
           (LESS, 1.0, "glib")),
    Target("executor", "short behind 16 long ones of 5 ms", "p99_us", (LESS, 0.2, "libuv"),
           (LESS, 0.05, "libuv")),
    Target("timers", "add and cancel", "ns", (LESS, 0.8, "libuv"), (LESS, 0.4, "libuv")),
    Target("timers", "add and fire", "ns", (LESS, 0.8, "libuv"), (LESS, 0.4, "libuv")),
    Target("idle", "10,000 connections", "bytes_per_connection", (LESS, 1.15, "tokio"),
           (LESS, 1.0, "tokio")),
    Target("spike", "100,000 tasks, 30 s later", "after_ratio", (LESS, 1.1, None),
           (LESS, 1.1, None)),
    Target("load", "closed, 50 connections, 5 ms of work", "rps", (MORE, 0.95, "wrk"),
           (MORE, 0.95, "h2load")),
    Target("load", "closed, 50 connections, 5 ms of work", "mean_us", (LESS, 1.05, "wrk"),
           (LESS, 1.05, "h2load")),
    Target("start", "weftd, to ready (ms)", "ready_ms", (LESS, 50, None), (LESS, 50, None)),
    Target("start", "weftd, to ready (ms)", "reload_ms", (LESS, 100, None), (LESS, 100, None)),
]


def figure_of(test, bound, metric):
    """What <bound> compares: a ratio or a number; None: not measured."""
    _, _, peer = bound
    return test.median("weft", metric) if peer is None else test.ratio("weft", peer, metric)


def holds(figure, bound):
    relation, factor, _ = bound
    return figure <= factor if relation == LESS else figure >= factor
