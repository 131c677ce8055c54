#!/usr/bin/env python3
"""The module `proxy`: requests go to servers behind it, and to others when one is not there."""
import http.client
import os
import pathlib
import signal
import socket
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, LIMIT  # noqa: E402

CONFIG = """
run_directory: {directory}/run
loops:
  count: 2
listeners:
  files:
    address: unix:files.sock
  front:
    address: 127.0.0.1:0
  nowhere:
    address: 127.0.0.1:0
  silent:
    address: 127.0.0.1:0
services:
  files:
    module: http
    listeners: [files]
    settings:
      root: {directory}/root
  front:
    module: proxy
    listeners: [front]
    settings:
      upstreams: "{dead}, unix:{directory}/run/files.sock"
      fail_after: 1
      fail_for: 1h
  nowhere:
    module: proxy
    listeners: [nowhere]
    settings:
      upstreams: "{dead}"
  silent:
    module: proxy
    listeners: [silent]
    settings:
      upstreams: "{silent}"
      answer_limit: 200ms
drain:
  grace: 5s
"""


def bound():
    """A port that is ours, and on which nobody listens: connecting is refused."""
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    return taken


def name_of(taken):
    return "%s:%d" % taken.getsockname()


def ask(connection, method, target, body=None):
    connection.request(method, target, body)
    answer = connection.getresponse()
    return answer.status, answer.read()


def connect(daemon, listener):
    return http.client.HTTPConnection(*daemon.address(listener), timeout=LIMIT)


def check_front(daemon, large):
    connection = connect(daemon, "front")
    for _ in range(20):
        assert ask(connection, "GET", "/small.txt") == (200, b"small\n")
    assert ask(connection, "GET", "/large")[1] == large, "the large file came otherwise"
    assert ask(connection, "HEAD", "/large") == (200, b"")
    assert ask(connection, "GET", "/none")[0] == 404
    assert ask(connection, "POST", "/small.txt", b"x" * 100000)[0] == 405
    for _ in range(20):  # other connections: both loops have met the dead one
        other = connect(daemon, "front")
        assert ask(other, "GET", "/small.txt") == (200, b"small\n")
        other.close()
    n_out = daemon.log().count("is left out for 3600.0 s")
    assert 1 <= n_out <= 2, "left out %d times, and there are 2 loops" % n_out


def main():
    dead, silent = bound(), bound()
    silent.listen(8)  # it takes connections and says nothing
    large = os.urandom(3000000)
    with Daemon(worker=None) as daemon:
        root = pathlib.Path(daemon.directory, "root")
        root.mkdir()
        (root / "small.txt").write_bytes(b"small\n")
        (root / "large").write_bytes(large)
        daemon.write_config(CONFIG.format(directory=daemon.directory, dead=name_of(dead),
                                          silent=name_of(silent)))
        daemon.start()
        check_front(daemon, large)
        assert ask(connect(daemon, "nowhere"), "GET", "/")[0] == 502
        assert ask(connect(daemon, "silent"), "GET", "/")[0] == 504
        daemon.send_signal(signal.SIGTERM, "told to stop")
        assert daemon.wait() == 0
    print("requests are passed on")
    return 0


if __name__ == "__main__":
    sys.exit(main())
