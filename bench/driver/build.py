"""Builds the peers: programs that do weft's work on other runtimes.

Each stands on Debian packages alone. One whose compiler or library is missing is skipped, and said.
"""
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
PEERS = ROOT / "bench/peers"

# Program: the libraries it needs, by pkg-config or by what the linker calls them.
C_PROGRAMS = {
    "loadgen": [],
    "floor": ["-lpthread"],
    "echo_epoll": ["-lpthread"],
    "echo_uring": ["-luring", "-lpthread"],
    "echo_uv": ["-luv", "-lhttp_parser", "-lpthread"],
    "echo_co": ["-luv"],
    "echo_st": ["-l:libst.a", "-Wl,--no-warn-execstack"],
    "switch": ["-lpth", "-l:libst.a", "-lboost_context", "-Wl,--no-warn-execstack"],
    "spawn": ["-lpth", "-l:libst.a", "-luv", "-lpthread", "-Wl,--no-warn-execstack"],
    "xthread": ["-luv", "-lpthread"],
    "executor": ["-luv", "-lpthread", "pkg:glib-2.0"],
    "timers": ["-luv"],
}


class Tools:
    """Where the built peers are, and which could not be had."""

    def __init__(self, build, say):
        self.directory = build / "bench/peers"
        self.weft = [str(build / "bench/weft-peer")]
        self.weft_glibc = [str(build / "bench/weft-peer-glibc")]
        self.load = [str(build / "bin/weft-load")]
        self.go = [str(self.directory / "go_peer")]
        self.tokio = [str(self.directory / "rust/release/tokio_peer")]
        self.python = ["/usr/bin/python3", str(PEERS / "py/peer.py")]
        self.pipeline = str(PEERS / "lua/pipeline.lua")
        self.say = say

    def c(self, name):
        return [str(self.directory / name)]

    def have(self, command):
        return os.path.exists(command[0]) or shutil.which(command[0]) is not None

    def _run(self, what, command, **keywords):
        log = self.directory / ("build-%s.log" % what)
        with open(log, "w") as file:
            done = subprocess.run(command, stdout=file, stderr=file, check=False, **keywords)
        if done.returncode != 0:
            self.say("%s: not built, skipped (%s)" % (what, log))

    def _build_c(self, name, libraries):
        target = self.directory / name
        source = PEERS / "c" / (name + ".c")
        newest = max(path.stat().st_mtime for path in (PEERS / "c").iterdir())
        if target.exists() and target.stat().st_mtime > newest:
            return
        flags = []
        for library in libraries:
            if library.startswith("pkg:"):
                asked = subprocess.run(["pkg-config", "--cflags", "--libs", library[4:]],
                                       capture_output=True, text=True, check=False)
                flags += asked.stdout.split()
            else:
                flags.append(library)
        self._run(name, [os.environ.get("CC", "gcc"), "-O2", "-g", "-std=gnu11", "-Wall", "-Wextra",
                         str(source), "-o", str(target), "-L/usr/lib", *flags])

    def build(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        for name, libraries in C_PROGRAMS.items():
            self._build_c(name, libraries)
        if shutil.which("go"):
            self._run("go", ["go", "build", "-o", self.go[0], "."], cwd=PEERS / "go",
                      env=dict(os.environ, GOFLAGS="-mod=mod"))
        else:
            self.say("go: not installed (golang-go), skipped")
        if shutil.which("cargo") and list(pathlib.Path("/usr/share/cargo/registry").glob("tokio-1*")):
            self._run("rust", ["cargo", "build", "--release", "--offline"], cwd=PEERS / "rust",
                      env=dict(os.environ, CARGO_TARGET_DIR=str(self.directory / "rust")))
        else:
            self.say("tokio: not installed (cargo, librust-tokio-dev), skipped")
