#!/usr/bin/python3
"""R43: many connections at once, and how they are spread over the loops of a worker."""
import collections
import errno
import os
import select
import socket
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import BUILD, LIMIT, Daemon  # noqa: E402

MODULE = os.path.join(BUILD, "tests/modules/crowd.so")
N_BURST = 1500
N_SPREAD = 1000
N_LOOPS = 2
WITHIN = 1.5

CONFIG = """
run_directory: {directory}/run
loops:
  count: %d
listeners:
  each:
    address: 127.0.0.1:0
    backlog: 2048
services:
  crowd:
    module: %s
    listeners: [each]
""" % (N_LOOPS, MODULE)


class CrowdDaemon(Daemon):
    def __init__(self):
        super().__init__(worker=None)

    def configure(self, **changes):
        self.write_config(CONFIG.format(directory=self.directory))


def begin(address):
    """A connection that may still be on its way."""
    client = socket.socket()
    client.setblocking(False)
    error = client.connect_ex(address)
    if error not in (0, errno.EINPROGRESS):
        client.close()
        raise OSError(error, os.strerror(error))
    return client


def places(clients):
    """Ask each connection for the thread that serves it: the threads, one for each answer."""
    poll, found = select.poll(), []
    by_fd = {client.fileno(): client for client in clients}
    for client in clients:
        client.setblocking(True)
        client.settimeout(LIMIT)
        client.sendall(b"p")
        poll.register(client, select.POLLIN)
    while len(found) < len(clients):
        events = poll.poll(LIMIT * 1000)
        if not events:
            break
        for fd, _ in events:
            found.append(by_fd[fd].recv(32))
            poll.unregister(fd)
    return found


class Crowd(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.daemon = CrowdDaemon()
        cls.addClassCleanup(cls.daemon.__exit__, None, None, None)
        cls.daemon.start()

    def connect(self, address, n):
        """<n> connects without waiting for any, then each served: by which threads."""
        clients = []
        try:
            for _ in range(n):
                clients.append(begin(address))
            return places(clients)
        finally:
            for client in clients:
                client.close()

    def check_spread(self, found):
        counts = collections.Counter(found)
        self.assertEqual(sum(counts.values()), N_SPREAD)
        self.assertEqual(len(counts), N_LOOPS, counts)
        self.assertNotIn(b"", counts)
        self.assertLessEqual(max(counts.values()), WITHIN * min(counts.values()), counts)

    def test_a_burst_of_connects_loses_none(self):
        found = self.connect(self.daemon.address("each"), N_BURST)
        self.assertEqual(len(found), N_BURST)
        self.assertNotIn(b"", found)
        counters = self.daemon.status()["generations"][0]["counters"]
        self.assertEqual((counters["shed"], counters["accept_errors"]), (0, 0))

    def test_connections_are_spread_over_the_loops(self):
        address = self.daemon.address("each")
        self.check_spread(self.connect(address, N_SPREAD))


if __name__ == "__main__":
    unittest.main(verbosity=2)
