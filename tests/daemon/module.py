#!/usr/bin/env python3
"""A user's module, from source to service: built against pkg-config, named in a config, served.

Exits with 0 when the README's upper-casing service does what it says.
"""
import os
import pathlib
import shlex
import signal
import socket
import subprocess
import sys
import tempfile

LIMIT = 30  # seconds; for hangs only
BUILD = pathlib.Path(os.environ["WEFT_BUILD_DIR"])
SOURCE = pathlib.Path(os.environ["WEFT_SOURCE_DIR"])


def pkg_config(*arguments):
    environment = dict(os.environ, PKG_CONFIG_PATH=str(BUILD / "lib/pkgconfig"))
    text = subprocess.run(["pkg-config", *arguments, "weft"], env=environment, check=True,
                          capture_output=True, text=True).stdout
    return shlex.split(text)


def build_module(folder):
    module = folder / "upper.so"
    subprocess.run(["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-shared",
                    "-fPIC", *pkg_config("--cflags"), str(SOURCE / "examples/service_upper.c"),
                    "-o", str(module), *pkg_config("--libs")], check=True)
    return module


def write_config(folder, module):
    config = folder / "weft.yaml"
    config.write_text(f"""\
run_directory: {folder}/run
loops:
  count: 2
listeners:
  lines:
    address: unix:{folder}/lines.sock
services:
  upper:
    module: {module}
    listeners: [lines]
drain:
  grace: 2s
""")
    config.chmod(0o600)
    (folder / "run").mkdir(mode=0o700)
    return config


def wait_until_ready(notify):
    """systemd's protocol: weftd says READY=1 when its workers serve."""
    while b"READY=1" not in notify.recv(4096).split(b"\n"):
        pass


def ask(path, text):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LIMIT)
        client.connect(str(path))
        client.sendall(text)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := client.recv(4096):
            answer += piece
        return answer


def end(weftd):
    """SIGTERM; again under ThreadSanitizer, which may lose one (see support/weftd.py)."""
    for _ in range(10 if os.environ.get("WEFT_SANITIZE") == "thread" else 1):
        weftd.send_signal(signal.SIGTERM)
        try:
            weftd.wait(LIMIT / 4)
            return
        except subprocess.TimeoutExpired:
            pass


def main():
    with tempfile.TemporaryDirectory(prefix="weft-module-") as name:
        folder = pathlib.Path(name)
        config = write_config(folder, build_module(folder))
        notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify.bind(str(folder / "notify.sock"))
        notify.settimeout(LIMIT)
        environment = dict(os.environ, NOTIFY_SOCKET=str(folder / "notify.sock"))
        weftd = subprocess.Popen([str(BUILD / "bin/weftd"), "-c", str(config)], env=environment)
        try:
            wait_until_ready(notify)
            for _ in range(20):
                answer = ask(folder / "lines.sock", b"hello, world\nZweite Zeile\nno end")
                assert answer == b"HELLO, WORLD\nZWEITE ZEILE\nNO END", answer
            end(weftd)
            assert weftd.returncode == 0, weftd.returncode
        finally:
            if weftd.poll() is None:
                weftd.kill()
                weftd.wait()
    print("the module serves")
    return 0


if __name__ == "__main__":
    sys.exit(main())
