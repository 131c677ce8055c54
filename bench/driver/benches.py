"""The benchmarks: what runs in each, on which processors, and which figure counts.

A bench is a function (context) -> None that samples tests into the context.
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import machine
from .bench import Test

UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Context:
    """What benches need: the tools, the repetitions, and where tests go."""

    def __init__(self, tools, repetitions, is_full, only, say, show):
        self.tools, self.repetitions, self.say = tools, repetitions, say
        self.show = show    # (bench, Test), once it is sampled
        self.only = only
        self.factor = 5 if is_full else 1
        self.is_full = is_full
        self.tests = []     # (bench, Test)
        self.scratch = tempfile.TemporaryDirectory(prefix="weft-bench-")
        self.server_log = open(pathlib.Path(self.scratch.name) / "servers.log", "a")

    def wants(self, peer, always=()):
        return not self.only or peer in self.only or peer == "weft" or peer in always

    def sample(self, bench, tests, repetitions=None):
        tests = [test for test in tests if test.peers]
        self.tests += [(bench, test) for test in tests]
        for repetition in range(repetitions or self.repetitions):
            for test in tests:
                test.sample(repetition, self.say)
        for test in tests:
            self.show(bench, test)

    def programs(self, commands, cores):
        """{peer: command} -> {peer: callable}, without what is missing."""
        found = {}
        for peer, command in commands.items():
            if not self.wants(peer):
                continue
            if not self.tools.have(command):
                self.say("%s: %s is missing, skipped" % (peer, command[0]))
                continue
            found[peer] = lambda command=command: machine.run(command, cores)
        return found

    def servers(self, commands, cores, always=("epoll",)):
        """{peer: command} -> {peer: Server}, all up."""
        up = {}
        for peer, command in commands.items():
            if not self.wants(peer, always):
                continue
            if command[0] != "sh" and not self.tools.have(command):
                self.say("%s: %s is missing, skipped" % (peer, command[0]))
                continue
            try:
                up[peer] = machine.Server(command, cores, self.server_log)
            except RuntimeError as error:
                self.say("%s: %s" % (peer, error))
        return up

    def load(self, server, arguments, cores, timeout=40):
        """One sample of the echo and HTTP client."""
        pids = ",".join(map(str, server.processes()))
        return machine.run(self.tools.c("loadgen") + ["-p", server.port, "-P", pids, *arguments],
                           cores, timeout)


def number(name, value):
    return ["--" + name, str(value)]


# ---- servers ------------------------------------------------------------------------------------


def echo_servers(tools, threads=1, buffer=16384):
    port = ["--port", "{port}"]
    loops = port + number("threads", threads)
    own = port + number("buf", buffer)
    servers = {
        "weft": tools.weft + ["echo"] + own + number("procs", threads),
        "epoll": tools.c("echo_epoll") + loops,
        "io_uring": tools.c("echo_uring") + loops,
        "libuv": tools.c("echo_uv") + loops,
        "libuv uv_write": tools.c("echo_uv") + ["--write", "1"] + loops,
        "go": tools.go + ["echo"] + own + number("procs", threads),
        "tokio": tools.tokio + ["echo"] + own + number("procs", threads),
    }
    if threads == 1:
        servers.update({
            "st": tools.c("echo_st") + own + ["--stack", "16384"],
            "uvloop protocol": tools.python + ["echo", "--uvloop", "1", "--impl", "proto"] + port,
            "uvloop": tools.python + ["echo", "--uvloop", "1"] + port,
            "asyncio protocol": tools.python + ["echo", "--impl", "proto"] + port,
            "asyncio": tools.python + ["echo"] + port,
        })
    return servers


NGINX = """daemon off; worker_processes %(threads)d; pid %(directory)s/nginx.pid;
error_log %(directory)s/nginx.log warn; worker_rlimit_nofile 20000;
events { worker_connections 16000; }
http { access_log off; keepalive_requests 1000000000; default_type text/plain;
  client_body_temp_path %(directory)s/t; proxy_temp_path %(directory)s/t;
  fastcgi_temp_path %(directory)s/t; uwsgi_temp_path %(directory)s/t;
  scgi_temp_path %(directory)s/t;
  server { listen 127.0.0.1:PORT reuseport backlog=4096;
           location / { return 200 "Hello, World!"; } } }
"""


def nginx(context, threads):
    directory = tempfile.mkdtemp(prefix="nginx-", dir=context.scratch.name)
    template = os.path.join(directory, "template")
    with open(template, "w") as file:
        file.write(NGINX % {"threads": threads, "directory": directory})
    return ["sh", "-c", "sed s/PORT/{port}/ %s > %s/conf && exec nginx -c %s/conf"
            % (template, directory, directory)]


def http_servers(context, threads):
    tools, port = context.tools, ["--port", "{port}"]
    loops = port + number("threads", threads)
    processors = port + number("procs", threads)
    servers = {
        "weft": tools.weft + ["http"] + processors,
        "epoll": tools.c("echo_epoll") + ["--http", "1"] + loops,
        "libuv + http_parser": tools.c("echo_uv") + ["--http", "1"] + loops,
        "go net/http": tools.go + ["http"] + processors,
        "tokio, no parser": tools.tokio + ["http"] + processors,
        "hyper": tools.tokio + ["http", "--impl", "hyper"] + processors,
    }
    if shutil.which("nginx"):
        servers["nginx"] = nginx(context, threads)
    else:
        context.say("nginx: not installed (nginx-light), skipped")
    if threads == 1:
        servers.update({
            "uvloop + httptools": tools.python + ["http", "--uvloop", "1", "--impl", "httptools"]
                                  + port,
            "asyncio, no parser": tools.python + ["http"] + port,
        })
    return servers


# ---- echo ---------------------------------------------------------------------------------------

ECHO_TESTS = {
    "64 B x 1": (["-c", 1], "srv_ns", False),
    "64 B x 50": (["-c", 50], "srv_ns", False),
    "64 B x 500": (["-c", 500], "srv_ns", False),
    "16 KiB stream x 4": (["-c", 4, "-s", 16384, "-w", 8], "mibps", True),
}
WARM = ["-W", 80, "-d", 350]


def echo(context, bench="echo", threads=1, server_cores="0", client_cores="1"):
    servers = context.servers(echo_servers(context.tools, threads), server_cores)

    def test(name, arguments, metric, more, cores):
        return Test(name, {peer: lambda server=server: context.load(server, WARM + arguments, cores)
                           for peer, server in servers.items()}, metric, "epoll", more)

    tests = [test(name, arguments, metric, more, client_cores)
             for name, (arguments, metric, more) in ECHO_TESTS.items()]
    if threads == 1:
        # On one core there are no wake-ups between cores, and the client's share is the same for all.
        tests += [test("64 B x %d, one core" % n, ["-c", n], "srv_ns", False, server_cores)
                  for n in (1, 50)]
    context.sample(bench, tests)
    for server in servers.values():
        server.stop()


def echo_2_loops(context):
    echo(context, "echo-2-loops", 2, "0,1", "0,1")


def wrk(context, server, is_pipelined, cores):
    before = server.cpu()
    command = ["wrk", "-t1", "-c50", "-d1s", "--latency", "http://127.0.0.1:%d/" % server.port]
    if is_pipelined:
        command += ["-s", context.tools.pipeline]
    try:
        done = subprocess.run(machine.pinned(command, cores), capture_output=True, text=True,
                              timeout=30, check=False)
    except subprocess.TimeoutExpired:
        return None, "no end after 30 s"
    used, found, n = server.cpu() - before, {}, 0
    for line in done.stdout.splitlines():
        words = line.split()
        if len(words) == 2 and words[0] in ("50%", "99%"):
            digits = words[1].rstrip("ums")
            found["p%s_us" % words[0][:-1]] = float(digits) * UNITS[words[1][len(digits):]]
        if "requests in" in line:
            n = int(words[0])
        if line.startswith("Requests/sec"):
            found["rps"] = float(words[1])
        if "Non-2xx" in line or "Socket errors" in line:
            found["errors"] = 1
    if n == 0:
        return None, done.stderr[-200:]
    found["srv_ns"] = used / n
    return found, ""


def http(context):
    for threads, server_cores, client_cores in ((1, "0", "1"), (2, "0,1", "0,1")):
        servers = context.servers(http_servers(context, threads), server_cores)
        tests = []
        if threads == 1:
            for name, arguments, cores in (("keep-alive x 50", ["-H", 1], "1"),
                                           ("keep-alive x 50, one core", ["-H", 1], "0"),
                                           ("pipelined x 16, one core", ["-H", 16], "0")):
                tests.append(Test(name, {
                    peer: lambda server=server, arguments=arguments, cores=cores:
                        context.load(server, ["-c", 50] + WARM + arguments, cores)
                    for peer, server in servers.items()}, "srv_ns", "epoll"))
        if shutil.which("wrk"):
            tests.append(Test("wrk x 50, %d loop%s" % (threads, "s" * (threads > 1)), {
                peer: lambda server=server: wrk(context, server, False, client_cores)
                for peer, server in servers.items()}, "srv_ns", "epoll"))
        else:
            context.say("wrk: not installed, its rows are skipped")
        context.sample("http", tests)
        for server in servers.values():
            server.stop()


# ---- inside a process ---------------------------------------------------------------------------


def switch(context):
    tools = context.tools

    def commands(n_tasks):
        def n(value):
            return number("n", value * context.factor) + number("tasks", n_tasks)

        found = {
            "weft": tools.weft + ["switch"] + n(3000000),
            "bare assembly": tools.c("switch") + ["--impl", "asm"] + n(10000000),
            "boost fcontext": tools.c("switch") + ["--impl", "fcontext"] + n(10000000),
            "ucontext": tools.c("switch") + ["--impl", "ucontext"] + n(200000),
            "st usleep(0)": tools.c("switch") + ["--impl", "st"] + n(300000),
            "pth": tools.c("switch") + ["--impl", "pth"] + n(30000),
            "go gosched": tools.go + ["switch"] + n(3000000),
            "tokio": tools.tokio + ["switch"] + n(500000),
            "asyncio": tools.python + ["switch"] + n(100000),
            "uvloop": tools.python + ["switch", "--uvloop", "1"] + n(100000),
        }
        if n_tasks == 2:
            found["st condition"] = tools.c("switch") + ["--impl", "stcond"] + n(5000000)
            found["go channel"] = tools.go + ["switch", "--impl", "chan"] + n(2000000)
        return context.programs(found, "1")

    context.sample("switch", [Test("%d tasks" % n, commands(n), "ns", "bare assembly")
                              for n in (2, 1000)])


def spawn(context):
    tools = context.tools

    def commands(batch):
        def n(value):
            return number("n", value * context.factor) + number("batch", batch)

        return context.programs({
            "weft": tools.weft + ["spawn"] + n(500000),
            "bare assembly, pooled": tools.c("spawn") + ["--impl", "asm"] + n(2000000),
            "st": tools.c("spawn") + ["--impl", "st"] + n(500000),
            "pth": tools.c("spawn") + ["--impl", "pth"] + n(10000),
            "pthread": tools.c("spawn") + ["--impl", "pthread"] + n(5000),
            "go": tools.go + ["spawn"] + n(500000),
            "tokio": tools.tokio + ["spawn"] + n(100000 if batch == 1 else 1000000),
            "asyncio": tools.python + ["spawn"] + n(30000),
            "uvloop": tools.python + ["spawn", "--uvloop", "1"] + n(30000),
        }, "1")

    context.sample("spawn", [Test("one at a time", commands(1), "ns", "bare assembly, pooled"),
                             Test("1000 at a time", commands(1000), "ns", "bare assembly, pooled")])


def park(context):
    tools = context.tools

    def commands(n):
        tasks = number("park", n)
        found = {
            "weft": tools.weft + ["spawn"] + tasks,
            "bare assembly, 16 KiB": tools.c("spawn") + ["--impl", "asm"] + tasks,
            "go": tools.go + ["spawn"] + tasks,
            "tokio": tools.tokio + ["spawn"] + tasks,
        }
        if n <= 100000:
            found["st"] = tools.c("spawn") + ["--impl", "st"] + tasks
            found["asyncio"] = tools.python + ["spawn"] + tasks
        return context.programs(found, "1")

    context.sample("park", [Test("%d tasks asleep" % n, commands(n), "bytes_per_task",
                                 "bare assembly, 16 KiB") for n in (10000, 100000, 1000000)],
                   repetitions=1)


def xthread(context):
    tools, factor = context.tools, context.factor

    def one_way(producers, cores):
        n = number("producers", producers)

        def of(command, messages):
            return command + n + number("n", messages * factor)

        return context.programs({
            "weft": of(tools.weft + ["xthread"], 1000000),
            "bare list + eventfd": of(tools.c("xthread") + ["--impl", "mpsc"], 1000000),
            "mutex + eventfd": of(tools.c("xthread") + ["--impl", "eventfd"], 1000000),
            "uv_async": of(tools.c("xthread") + ["--impl", "uv"], 1000000),
            "go channel": of(tools.go + ["xthread", "--procs", "2"], 1000000),
            "tokio mpsc": of(tools.tokio + ["xthread"], 1000000),
            "tokio spawn": of(tools.tokio + ["xthread", "--impl", "spawn"], 50000),
            "asyncio": of(tools.python + ["xthread"], 30000),
            "uvloop": of(tools.python + ["xthread", "--uvloop", "1"], 100000),
        }, cores)

    def there_and_back(pin, cores):
        n = number("rtt", 3000 * factor) + number("pin", pin)
        few = number("rtt", 750 * factor) + number("pin", pin)
        return context.programs({
            "weft": tools.weft + ["xthread"] + n,
            "bare list + eventfd": tools.c("xthread") + ["--impl", "mpsc"] + n,
            "uv_async": tools.c("xthread") + ["--impl", "uv"] + n,
            "mutex + condition": tools.c("xthread") + ["--impl", "futex"] + n,
            "go channel, own threads": tools.go + ["xthread", "--procs", "2", "--impl", "locked"] + n,
            "tokio mpsc": tools.tokio + ["xthread"] + n,
            "asyncio": tools.python + ["xthread"] + few,
            "uvloop": tools.python + ["xthread", "--uvloop", "1"] + few,
        }, cores)

    bare = "bare list + eventfd"
    context.sample("xthread", [
        Test("1 producer, one core", one_way(1, "1"), "msgs_per_s", bare, True),
        Test("2 producers", one_way(2, "0,1"), "msgs_per_s", bare, True),
        Test("there and back, one core", there_and_back(0, "1"), "p50_us", bare),
        Test("there and back, two cores", there_and_back(1, "0,1"), "p50_us", bare),
    ])


def executor(context):
    tools, factor = context.tools, context.factor

    def jobs(threads, window, n, cores):
        def of(command, share=1):
            return (command + number("threads", threads) + number("window", window)
                    + number("n", n * factor // share))

        return context.programs({
            "weft": of(tools.weft + ["executor"]),
            "bare pool + eventfd": of(tools.c("executor") + ["--impl", "raw"]),
            "libuv": of(tools.c("executor") + ["--impl", "uv"]),
            "glib": of(tools.c("executor") + ["--impl", "glib"], 2),
            "go": of(tools.go + ["executor", "--procs", "2"]),
            "tokio": of(tools.tokio + ["executor"]),
            "asyncio": of(tools.python + ["executor"], 10),
            "uvloop": of(tools.python + ["executor", "--uvloop", "1"], 10),
        }, cores)

    fair = number("threads", 2) + number("fair", 3000 if context.is_full else 700)
    short = context.programs({
        "weft": tools.weft + ["executor"] + fair,
        "bare pool + eventfd": tools.c("executor") + ["--impl", "raw"] + fair,
        "libuv": tools.c("executor") + ["--impl", "uv"] + fair,
        "glib": tools.c("executor") + ["--impl", "glib"] + fair,
        "go": tools.go + ["executor", "--procs", "2"] + fair,
        "tokio": tools.tokio + ["executor"] + fair,
        "asyncio": tools.python + ["executor"] + fair,
    }, "0,1")
    bare = "bare pool + eventfd"
    context.sample("executor", [
        Test("2 threads, 256 out", jobs(2, 256, 100000, "0,1"), "jobs_per_s", bare, True),
        Test("2 threads, 1 out, one core", jobs(2, 1, 10000, "1"), "p50_us", bare),
        Test("short behind 16 long ones of 5 ms", short, "p99_us", bare),
    ])


def timers(context):
    tools = context.tools
    n = number("n", 1000000 if context.is_full else 200000)

    def commands(mode):
        arguments = ["--mode", mode] + n
        return context.programs({
            "weft": tools.weft + ["timers"] + arguments,
            "libuv": tools.c("timers") + arguments,
            "go": tools.go + ["timers"] + arguments,
            "tokio": tools.tokio + ["timers"] + arguments,
            "asyncio": tools.python + ["timers"] + arguments,
        }, "1")

    context.sample("timers", [Test("add and cancel", commands("cancel"), "ns", "libuv"),
                              Test("add and fire", commands("fire"), "ns", "libuv")])


def settled(server):
    """The memory of <server> once it does not change any more: it may still be accepting."""
    last, same = server.resident(), 0
    while same < 5:
        time.sleep(0.1)
        now = server.resident()
        same, last = (same + 1 if now == last else 0), now
    return last


def idle(context):
    """Memory of connections that only stand there: one server at a time."""
    n = 10000

    def stand(command, is_http):
        try:
            server = machine.Server(command, "0", context.server_log)
        except RuntimeError as error:
            return None, str(error)
        before = server.resident()
        client = subprocess.Popen(
            machine.pinned(context.tools.c("loadgen") + ["-i", 1, "-c", n, "-p", server.port]
                           + (["-H", 1] if is_http else []), "1"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        machine.started.append(client)
        try:
            if not client.stdout.readline().startswith("ready"):
                return None, "the connections could not be made"
            return {"bytes_per_connection": (settled(server) - before) / n}, ""
        finally:
            client.stdin.close()
            client.wait(30)
            machine.started.remove(client)
            server.stop()

    def test(name, commands, is_http=False):
        return Test(name, {peer: lambda command=command: stand(command, is_http)
                           for peer, command in commands.items()
                           if context.wants(peer) and (command[0] == "sh"
                                                       or context.tools.have(command))},
                    "bytes_per_connection", "libuv")

    context.sample("idle", [test("10,000 connections", echo_servers(context.tools, 1, 4096)),
                            test("10,000 connections, http", http_servers(context, 1), True)],
                   repetitions=1)


def spike(context):
    """What 100,000 tasks at once leave behind 30 s later, against what was there before."""
    # As the worker has it (daemon/worker/allocator.c). Not in the other benches: a second thread
    # makes each system call of the C library dearer, by 100 instructions for a send and a read.
    option = "MALLOC_CONF=background_thread:true,max_background_threads:1"
    context.sample("spike", [Test("100,000 tasks, 30 s later", context.programs(
        {"weft": ["env", option] + context.tools.weft + ["spawn"] + number("spike", 100000)}, "0,1"),
        "after_ratio", "weft")], repetitions=1)


def malloc(context):
    """weft on jemalloc, as all its programs are, and on glibc's malloc."""
    tools = context.tools
    kinds = {"weft": tools.weft, "weft on glibc": tools.weft_glibc}

    def inside(*arguments):
        return context.programs({peer: command + list(arguments) for peer, command in kinds.items()},
                                "1")

    def under_churn(command):
        try:
            server = machine.Server(command + ["http", "--port", "{port}", "--procs", "1"], "0",
                                    context.server_log)
        except RuntimeError as error:
            return None, str(error)
        before = server.cpu()
        out = os.path.join(context.scratch.name, "load.json")
        subprocess.run(machine.pinned(tools.load + [
            "--closed", "--churn", "-q", "-t", "1", "-c", "200", "-d", "2s", "--warmup", "0.2s",
            "--json", out, "http://127.0.0.1:%d/plaintext" % server.port], "1"), check=False)
        with open(out) as file:
            done = json.load(file)["done"]
        found = {"srv_ns": (server.cpu() - before) / max(done, 1),
                 "resident_mib": server.resident() / 2**20}
        server.stop()
        return found, ""

    context.sample("malloc", [
        Test("spawn 1000 at a time", inside("spawn", "--batch", "1000", "--n", "500000"), "ns",
             "weft on glibc"),
        Test("timers, add and cancel", inside("timers", "--mode", "cancel", "--n", "200000"), "ns",
             "weft on glibc"),
        Test("http, a connection for each request",
             {peer: lambda command=command: under_churn(command)
              for peer, command in kinds.items()}, "srv_ns", "weft on glibc")])


# ---- counts, which repeat ----------------------------------------------------------------------


def count_calls(context, command, n_connections, n):
    """System calls a request, by strace."""
    try:
        server = machine.Server(command, "0", context.server_log)
    except RuntimeError as error:
        return None, str(error)
    counts = os.path.join(context.scratch.name, "strace")
    tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", counts, "-p",
                               str(server.pid)], stderr=subprocess.PIPE, text=True)
    machine.started.append(tracer)
    tracer.stderr.readline()    # "attached"
    found, why = machine.run(context.tools.c("loadgen")
                             + ["-p", server.port, "-c", n_connections, "-W", 0, "-d", 20000, "-n", n],
                             "1", 60)
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    machine.started.remove(tracer)
    server.stop()
    if found is None:
        return None, why
    per_request = {}
    with open(counts) as file:
        for line in file:
            words = line.split()
            if len(words) == 2 and words[1].isdigit() and words[0] != "total":
                per_request[words[0]] = int(words[1]) / found["reqs"]
    result = {"calls": sum(per_request.values())}
    result.update((name, value) for name, value in per_request.items() if value >= 0.01)
    return result, ""


def syscalls(context):
    if not shutil.which("strace"):
        context.say("strace: not installed, system calls are not counted")
        return
    commands = {peer: command for peer, command in echo_servers(context.tools, 1, 4096).items()
                if context.wants(peer, ("epoll",)) and context.tools.have(command)}
    context.sample("syscalls", [
        Test("64 B x %d" % n_connections,
             {peer: lambda command=command: count_calls(context, command, n_connections, n)
              for peer, command in commands.items()}, "calls", "epoll")
        for n_connections, n in ((50, 10000),)], repetitions=1)


def count_of_main_thread(out):
    """From callgrind's file of the first thread, which it writes also when there is only one."""
    for path in (out + "-01", out):
        if os.path.exists(path):
            with open(path) as file:
                for line in file:
                    if line.startswith("totals:"):
                        return int(line.split()[1])
    return None


def instructions_of(context, command, arguments_of, sizes, key):
    """User instructions for one more unit of work: the difference of two runs under callgrind.

    <command> serves (arguments_of is None) or is a program that works by itself. Only the main
    thread counts, which does the work in all of them: under callgrind a run takes fifty times as
    long, and what another thread does by the clock would be counted fifty times.
    """
    points = []
    for n in sizes:
        out = os.path.join(context.scratch.name, "callgrind-%d" % n)
        under = ["valgrind", "--tool=callgrind", "--separate-threads=yes",
                 "--callgrind-out-file=" + out, "--log-file=" + out + ".log"]
        if arguments_of is None:
            try:
                server = machine.Server(under + command, "0", context.server_log)
            except RuntimeError as error:
                return None, str(error)
            done, why = machine.run(context.tools.c("loadgen")
                                    + ["-p", server.port, "-c", 50, "-W", 0, "-d", 60000, "-n", n]
                                    + (["-H", 1] if key == "http" else []), "1", 120)
            server.stop()
            n = done["reqs"] if done else 0
        else:
            done, why = machine.run(under + command + arguments_of(n), "0", 120)
        if done is None:
            return None, why
        count = count_of_main_thread(out)
        if count is None:
            return None, "callgrind says nothing"
        points.append((n, count))
    (n0, count0), (n1, count1) = points
    return {"instructions": (count1 - count0) / (n1 - n0)}, ""


def instructions(context):
    if not shutil.which("valgrind"):
        context.say("valgrind: not installed, instructions are not counted")
        return
    tools = context.tools
    servers = echo_servers(tools, 1, 4096)
    wanted = {peer: servers[peer] for peer in ("weft", "epoll", "libuv", "libuv uv_write", "st",
                                               "tokio")}
    wanted["coroutine on own epoll"] = tools.c("echo_co") + ["--mode", "own", "--port", "{port}"]
    webs = {peer: command for peer, command in http_servers(context, 1).items()
            if peer in ("weft", "epoll", "libuv + http_parser")}

    def served(commands, key):
        return {peer: lambda command=command:
                instructions_of(context, command, None, (2000, 12000), key)
                for peer, command in commands.items()
                if context.wants(peer, ("epoll",)) and tools.have(command)}

    def worked(arguments_of):
        return {"weft": lambda: instructions_of(context, tools.weft, arguments_of, (2000, 22000), "")}

    context.sample("instructions", [
        Test("echo 64 B x 50, a request", served(wanted, "echo"), "instructions", "epoll"),
        Test("http x 50, a request", served(webs, "http"), "instructions", "epoll"),
        Test("yield, 2 tasks", worked(lambda n: ["switch", "--tasks", 2, "--n", n]),
             "instructions", "weft"),
        Test("spawn and await, one at a time", worked(lambda n: ["spawn", "--batch", 1, "--n", n]),
             "instructions", "weft"),
        Test("timer, add and cancel", worked(lambda n: ["timers", "--mode", "cancel", "--n", n]),
             "instructions", "weft"),
    ], repetitions=1)


# ---- cost curves -------------------------------------------------------------------------------

POWERS = [10 ** i for i in range(2, 7)]
CURVE_OPERATIONS = 300000       # at least; a small size is measured several times over


def curve(context, name, sizes, command_of, metric, cores="1"):
    """One test for each size, so that the plot is a line."""
    context.sample("curves", [
        Test("%s, %d" % (name, n), context.programs(command_of(n), cores), metric, "weft")
        for n in sizes])


def echo_curve(context):
    """On one core, where no wake-ups between cores are in it."""
    servers = context.servers({peer: command
                               for peer, command in echo_servers(context.tools).items()
                               if peer in ("weft", "epoll", "libuv")}, "0")
    context.sample("curves", [
        Test("echo, connections, %d" % n,
             {peer: lambda server=server, n=n: context.load(
                 server, ["-W", 300, "-d", 500 if n < 10000 else 1000, "-c", n], "0")
              for peer, server in servers.items()}, "srv_ns", "epoll")
        for n in (1, 10, 100, 1000, 10000)])
    for server in servers.values():
        server.stop()


def curves(context):
    tools = context.tools

    def rounds(n):
        return number("rounds", max(CURVE_OPERATIONS // n, 3))

    def in_all(n):
        return number("n", max(CURVE_OPERATIONS, 3 * n))

    def timers_of(n, mode, *more):
        arguments = ["--mode", mode, *more] + number("n", n)
        return {"weft": tools.weft + ["timers"] + arguments, "libuv": tools.c("timers") + arguments}

    echo_curve(context)
    curve(context, "timers set and cancelled", POWERS,
          lambda n: timers_of(n, "cancel", *rounds(n)), "ns")
    # As many due in each millisecond, whatever the size: otherwise small sizes measure sleeping.
    curve(context, "timers set and fired", POWERS,
          lambda n: timers_of(n, "fire", *number("spread", max(n // 5000, 1)), *rounds(n)), "ns")
    curve(context, "tasks at a time", POWERS, lambda n: {
        "weft": tools.weft + ["spawn"] + number("batch", n) + in_all(n),
        "go": tools.go + ["spawn"] + number("batch", n) + in_all(n)}, "ns")
    curve(context, "mailbox, messages that wait", POWERS, lambda n: {
        "weft": tools.weft + ["xthread"] + number("depth", n) + in_all(n)}, "cpu_ns")
    curve(context, "mailbox, producing threads", (1, 2, 10, 100, 1000), lambda n: {
        "weft": tools.weft + ["xthread"] + number("producers", n) + number("n", 1000000),
        "go": tools.go + ["xthread", "--procs", "2"] + number("producers", n)
              + number("n", 1000000)}, "cpu_ns", "0,1")
    curve(context, "executor, jobs out", POWERS, lambda n: {
        "weft": tools.weft + ["executor", "--threads", "2", "--ring", "1"] + number("window", n)
                + in_all(n),
        "libuv": tools.c("executor") + ["--impl", "uv", "--threads", "2"] + number("window", n)
                 + in_all(n)}, "cpu_ns", "0,1")


# ---- memory, loops, load generators --------------------------------------------------------------


def loops(context):
    """One loop and two of the same service, the client on the same two cores."""
    for name, make in (("echo 64 B x 50", echo_servers), ("http x 50",
                                                          lambda tools, n: http_servers(context, n))):
        servers = {}
        for n_loops in (1, 2):
            up = context.servers({peer: command for peer, command in make(context.tools, n_loops).items()
                                  if peer in ("weft", "epoll", "go", "go net/http")}, "0,1")
            servers.update(("%s, %d loop%s" % (peer, n_loops, "s" * (n_loops > 1)), server)
                           for peer, server in up.items())
        more = ["-H", 1] if name.startswith("http") else []
        context.sample("loops", [Test("%s, client on the same cores" % name, {
            peer: lambda server=server: context.load(server, ["-c", 50] + WARM + more, "0,1")
            for peer, server in servers.items()}, "rps", "epoll, 2 loops", True)])
        for server in servers.values():
            server.stop()


WEFTD = """run_directory: %s/run
loops: {count: 1}
listeners:
  web: {address: 127.0.0.1:PORT}
services:
  http: {module: http, listeners: [web]}
"""


def weftd(context):
    """A weftd with one loop, as a command for a Server."""
    directory = tempfile.mkdtemp(prefix="weftd-", dir=context.scratch.name)
    with open(os.path.join(directory, "template"), "w") as file:
        file.write(WEFTD % directory)
    return ["sh", "-c", "sed s/PORT/{port}/ %s/template > %s/weft.yaml && exec %s -c %s/weft.yaml"
            % (directory, directory, context.tools.directory.parent.parent / "bin/weftd", directory)]


def by_weft_load(context, url, cores):
    out = os.path.join(context.scratch.name, "load.json")
    subprocess.run(machine.pinned(context.tools.load + [
        "--closed", "-q", "-t", "1", "-c", "50", "-d", "2s", "--warmup", "0s", "--json", out, url],
        cores), check=False, timeout=30)
    with open(out) as file:
        run = json.load(file)
    return {"rps": run["rate"], "mean_us": run["service"]["mean"] / 1e3, "errors": run["errors"]}, ""


def time_of(text):
    digits = text.rstrip("ums")
    return float(digits) * UNITS[text[len(digits):]]


def by_wrk(url, cores):
    done = subprocess.run(machine.pinned(["wrk", "-t1", "-c50", "-d2s", url], cores),
                          capture_output=True, text=True, check=False, timeout=30)
    rates = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("Requests/sec")]
    means = [line.split()[1] for line in done.stdout.splitlines() if line.startswith("    Latency")]
    if not rates or not means:
        return None, done.stderr[-200:]
    return {"rps": float(rates[0]), "mean_us": time_of(means[0])}, ""


def by_h2load(url, cores):
    done = subprocess.run(machine.pinned(["h2load", "--h1", "-c50", "-t1", "-D2", url], cores),
                          capture_output=True, text=True, check=False, timeout=30)
    rates = [line.split()[3] for line in done.stdout.splitlines() if line.startswith("finished in")]
    means = [line.split()[5] for line in done.stdout.splitlines() if line.startswith("time for req")]
    if not rates or not means:
        return None, done.stderr[-200:]
    return {"rps": float(rates[0]), "mean_us": time_of(means[0])}, ""


def load(context):
    """weft-load, wrk and h2load against one weftd: do they say the same?

    They are compared where the server sets the pace (each answer takes 5 ms, 50 connections); where
    the client does, as with /plaintext, each of them measures itself.
    """
    server = machine.Server(weftd(context), "0", context.server_log)
    tests = []
    for name, path in (("closed, 50 connections, 5 ms of work", "/timeout?ms=1000&work=5"),
                       ("closed, 50 connections, plaintext", "/plaintext")):
        url = "http://127.0.0.1:%d%s" % (server.port, path)
        peers = {"weft": lambda url=url: by_weft_load(context, url, "1")}
        for peer, tool in (("wrk", by_wrk), ("h2load", by_h2load)):
            if shutil.which(peer):
                peers[peer] = lambda url=url, tool=tool: tool(url, "1")
            else:
                context.say("%s: not installed, skipped" % peer)
        tests.append(Test(name, peers, "rps", "wrk", True))
    context.sample("load", tests)
    server.stop()


def floor(context):
    """What the machine's primitives cost; no peers."""
    context.sample("floor", [Test("the machine", context.programs(
        {"kernel": context.tools.c("floor")}, "0,1"), "clock", "kernel")], repetitions=1)


def start(context):
    """weftd from exec to ready with the default config."""
    build = context.tools.directory.parent.parent
    weftd = build / "bin/weftd"

    def once():
        directory = tempfile.mkdtemp(prefix="weftd-", dir=context.scratch.name)
        config = os.path.join(directory, "weft.yaml")
        with open(config, "w") as file:
            file.write("run_directory: %s/run\nlisteners:\n  web: {address: 127.0.0.1:0}\n"
                       "services:\n  http: {module: http, listeners: [web]}\n" % directory)
        log = os.path.join(directory, "log")
        before = time.monotonic()
        with open(log, "w") as out:
            process = subprocess.Popen([str(weftd), "-c", config], stdout=out, stderr=out)
        machine.started.append(process)
        control = os.path.join(directory, "run", "control.sock")
        try:
            while time.monotonic() - before < 10:
                done = subprocess.run(["curl", "-s", "--unix-socket", control, "http://weftd/status"],
                                      capture_output=True, text=True, check=False)
                if '"serving"' in done.stdout:
                    ready = time.monotonic() - before
                    started = time.monotonic()
                    done = subprocess.run(["curl", "-s", "-X", "POST", "--unix-socket", control,
                                           "http://weftd/reload"], capture_output=True, check=False)
                    return {"ready_ms": ready * 1e3,
                            "reload_ms": (time.monotonic() - started) * 1e3}, ""
        finally:
            machine.end(process)
        return None, "not ready after 10 s"

    context.sample("start", [Test("weftd, to ready (ms)", {"weft": once}, "ready_ms", "weft")])


def gate(context):
    """The rows of echo and http on one core, against epoll alone."""
    for bench, servers, name, arguments in (
            ("echo", echo_servers(context.tools), "64 B x 50, one core", ["-c", 50]),
            ("http", http_servers(context, 1), "keep-alive x 50, one core", ["-c", 50, "-H", 1])):
        up = context.servers({peer: command for peer, command in servers.items()
                              if peer in ("weft", "epoll")}, "0")
        context.sample(bench, [Test(name, {
            peer: lambda server=server: context.load(server, WARM + arguments, "0")
            for peer, server in up.items()}, "srv_ns", "epoll")])
        for server in up.values():
            server.stop()


BENCHES = {
    "switch": switch,
    "spawn": spawn,
    "park": park,
    "echo": echo,
    "echo-2-loops": echo_2_loops,
    "http": http,
    "xthread": xthread,
    "executor": executor,
    "timers": timers,
    "idle": idle,
    "spike": spike,
    "malloc": malloc,
    "loops": loops,
    "load": load,
    "syscalls": syscalls,
    "instructions": instructions,
    "start": start,
    "curves": curves,
    "floor": floor,
    "gate": gate,
}
# What runs when none is named: all that belongs to a target.
DEFAULT = [name for name in BENCHES
           if name not in ("curves", "floor", "gate", "load", "loops", "malloc", "spike")]
# What the page shows.
PAGE = [name for name in BENCHES if name not in ("floor", "gate", "malloc")]
# What the gate measures: counts, and processor time on one core.
GATED = ["instructions", "syscalls", "gate"]
