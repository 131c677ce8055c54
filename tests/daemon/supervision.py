#!/usr/bin/python3
"""weftd and its workers: start, death, restart, drain, the end."""
import os
import signal
import socket
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, children_of, is_alive, wait_until  # noqa: E402


# Become a program that inherits descriptors as from a service manager: FD,FD,... PROGRAM ARGUMENT...
WITH_SOCKETS = """
import fcntl, os, sys
fds = [fcntl.fcntl(int(word), fcntl.F_DUPFD_CLOEXEC, 100) for word in sys.argv[1].split(",")]
for i, fd in enumerate(fds):
    os.dup2(fd, 3 + i)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(fds))
os.execv(sys.argv[2], sys.argv[2:])
"""


def with_sockets(fds):
    return [sys.executable, "-c", WITH_SOCKETS, ",".join(str(fd) for fd in fds)]


class Manager:
    """The notify socket of a service manager: what was said, and what was given to keep."""

    def __init__(self, path):
        self.messages = []
        self.kept = {}
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while self.messages[-1:] != ["the end"]:
            data, fds, _, _ = socket.recv_fds(self.socket, 4096, 8)
            lines = data.decode().split("\n")
            values = dict(line.split("=", 1) for line in lines if "=" in line)
            if "FDSTORE" in values:
                self.kept[values["FDNAME"]] = fds[0]
            if "FDSTOREREMOVE" in values:
                os.close(self.kept.pop(values["FDNAME"]))
            self.messages.extend(lines)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.sendto(b"the end", self.path)
        self.thread.join()
        self.socket.close()
        for fd in self.kept.values():
            os.close(fd)


class Supervision(unittest.TestCase):
    def test_start_and_stop(self):
        with Daemon(listeners={"web": "127.0.0.1:0", "local": "unix:local.sock"}) as daemon:
            daemon.start()
            facts = daemon.facts(daemon.address("web"))
            self.assertEqual(facts["inherited"], facts["expected"])
            self.assertEqual(facts["supervisor"], daemon.process.pid)
            self.assertEqual(facts["parent"], daemon.process.pid)
            self.assertEqual(facts["generation"], 1)
            self.assertEqual(len(facts["expected"]), 7 + 2 + 1)  # two loops, one unix socket
            greeting = daemon.log()
            self.assertIn("Try:", greeting)
            self.assertIn("curl --unix-socket " + daemon.socket_path, greeting)
            self.assertIn("127.0.0.1:%d" % daemon.address("web")[1], greeting)
            local = os.path.join(daemon.directory, "run", "local.sock")
            self.assertTrue(os.path.exists(local))
            workers = daemon.worker_pids()

            self.assertEqual(daemon.terminate(), 0)
            self.assertFalse(os.path.exists(local))
            self.assertFalse(os.path.exists(daemon.socket_path))
            self.assertEqual([pid for pid in workers if is_alive(pid)], [])
            self.assertIn("drains", daemon.log())

    def test_killed_worker_is_replaced_and_nobody_is_refused(self):
        with Daemon(tolerance="100 per 1m") as daemon:
            daemon.start()
            address = daemon.address("web")
            for round in range(1, 6):
                victim = daemon.facts(address)["pid"]
                os.kill(victim, signal.SIGKILL)
                # The listeners stay: a connection waits for the next worker.
                while True:
                    try:
                        facts = daemon.facts(address)
                    except (ValueError, ConnectionResetError):
                        continue  # it was the dead worker's connection
                    if facts["pid"] != victim:
                        break
                self.assertEqual(facts["generation"], round + 1)
            status = daemon.status()
            self.assertEqual(status["deaths"], 5)
            self.assertEqual(status["pid"], daemon.process.pid)
            self.assertIn("was killed by SIGKILL", status["last_death"])
            wait_until(lambda: len(children_of(daemon.process.pid)) == 1, "one child")
            sentence = [line for line in daemon.log().splitlines() if "killed by SIGKILL" in line][0]
            self.assertRegex(sentence, r"generation 1 \(pid \d+\) was killed by SIGKILL after .*; "
                                       r"the next one starts in \d+ ms \(death 1 of 100 in 1 min\)")
            self.assertEqual(daemon.terminate(), 0)

    def test_nothing_ever_serves(self):
        for behaviour, text in (("die", "exited with status 3"),
                                ("failed", "(no such module?[31m)")):
            with self.subTest(behaviour), Daemon(behaviour=behaviour) as daemon:
                daemon.launch()
                self.assertEqual(daemon.wait(), 69)
                log = daemon.log()
                self.assertIn(text, log)
                self.assertIn("death 3 of 3", log)
                self.assertIn("the daemon gives up", log)
                self.assertFalse(os.path.exists(daemon.socket_path))

    def test_worker_that_cannot_be_run(self):
        with Daemon(worker="/nowhere/weft-worker") as daemon:
            self.assertEqual(daemon.launch().wait(), 69)
            self.assertIn("/nowhere/weft-worker", daemon.log())

    def test_crash_loop_holds_and_a_reload_ends_it(self):
        with Daemon() as daemon:
            daemon.start()
            address = daemon.address("web")
            daemon.behave("die")
            os.kill(daemon.worker_pids()[0], signal.SIGKILL)
            wait_until(lambda: daemon.state() == "holding", "it holds")
            status = daemon.status()
            self.assertIsNone(status["generation"])
            self.assertGreater(status["next_try_seconds"], 30)
            with socket.create_connection(address):
                pass  # not refused, though nobody serves
            daemon.behave("ready")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.state(), "serving")
            self.assertEqual(daemon.terminate(), 0)

    def test_second_and_third_signal_hasten(self):
        with Daemon(behaviour="stubborn", grace="1h") as daemon:
            daemon.start()
            pid = daemon.worker_pids()[0]
            daemon.send_signal(signal.SIGTERM, "drains, for at most")
            self.assertTrue(is_alive(pid))
            daemon.send_signal(signal.SIGTERM, "told to stop at once")
            daemon.send_signal(signal.SIGTERM, "ended by force")
            self.assertEqual(daemon.wait(), 0)
            self.assertFalse(is_alive(pid))
            self.assertIn("ended by force", daemon.log())

    def test_ctrl_c_of_a_terminal_drains(self):
        with Daemon(behaviour="slow-drain") as daemon:
            daemon.start(start_new_session=True)
            os.killpg(daemon.process.pid, signal.SIGINT)  # the workers get it too
            self.assertEqual(daemon.wait(), 0)
            self.assertIn("exited with status 0", daemon.log())

    def test_workers_end_with_their_supervisor(self):
        with Daemon() as daemon:
            daemon.start()
            workers = daemon.worker_pids()
            daemon.process.kill()
            daemon.process.wait()
            wait_until(lambda: not any(is_alive(pid) for pid in workers), "the worker is gone")

    def test_garbage_on_the_channel_is_ignored(self):
        with Daemon(behaviour="garbage") as daemon:
            daemon.start()
            self.assertEqual(daemon.facts(daemon.address("web"))["generation"], 1)
            self.assertEqual(daemon.terminate(), 0)

    def test_worker_that_closes_its_channel_is_replaced(self):
        with Daemon(behaviour="close-channel") as daemon:
            daemon.launch()
            wait_until(lambda: "closed its channel" in daemon.log(), "it is noticed", limit=90)
            self.assertIn("is ended by force", daemon.log())

    def test_second_daemon_does_not_rob_the_first(self):
        with Daemon() as first:
            first.start()
            with Daemon() as second:
                second.directory, mine = first.directory, second.directory
                second.configure()
                second.directory = mine
                self.assertEqual(second.launch().wait(), 69)
                self.assertIn("somebody listens", second.log())
            self.assertEqual(first.state(), "serving")
            self.assertEqual(first.terminate(), 0)

    def test_service_manager_is_told(self):
        with Daemon() as daemon, Manager(os.path.join(daemon.directory, "notify")) as manager:
            daemon.environment.update(NOTIFY_SOCKET=manager.path, WATCHDOG_USEC="300000")
            daemon.start()
            environment = daemon.facts(daemon.address("web"))["environment"]
            self.assertNotIn("NOTIFY_SOCKET", environment)
            self.assertNotIn("WATCHDOG_USEC", environment)
            self.assertNotIn("Try:", daemon.log())
            wait_until(lambda: manager.messages.count("WATCHDOG=1") >= 3, "the watchdog is fed")
            self.assertEqual(daemon.ctl("reload").returncode, 0)
            self.assertEqual(daemon.terminate(), 0)
            wait_until(lambda: "STOPPING=1" in manager.messages, "the end is told")
            told = [m for m in manager.messages if m in ("READY=1", "RELOADING=1", "STOPPING=1")]
            self.assertEqual(told[:4], ["READY=1", "RELOADING=1", "READY=1", "STOPPING=1"])
            self.assertTrue(any(m.startswith("MONOTONIC_USEC=") for m in manager.messages))
            self.assertTrue(any(m.startswith("STATUS=serving: generation 2")
                                for m in manager.messages))

    def test_listeners_outlive_a_crash_and_a_restart(self):
        listeners = {"web": "127.0.0.1:0", "local": "unix:local.sock"}
        with Daemon(listeners=listeners) as daemon, \
                Manager(os.path.join(daemon.directory, "notify")) as manager:
            daemon.environment["NOTIFY_SOCKET"] = manager.path
            daemon.start()
            address = daemon.address("web")
            wait_until(lambda: len(manager.kept) == 3, "the sockets are kept")
            for end, n_left in ((signal.SIGKILL, 3), (signal.SIGTERM, 2)):
                workers = daemon.worker_pids()
                if end == signal.SIGKILL:
                    daemon.process.kill()
                    daemon.process.wait()
                else:
                    daemon.terminate()
                wait_until(lambda: not any(is_alive(pid) for pid in workers), "the worker is gone")
                wait_until(lambda: len(manager.kept) == n_left, "unix sockets go with their file")
                with socket.create_connection(address, timeout=60) as waiting:  # nobody serves now
                    kept = dict(manager.kept)
                    daemon.environment["LISTEN_FDNAMES"] = ":".join(kept)
                    daemon.start(with_sockets(kept.values()), pass_fds=tuple(kept.values()))
                    self.assertIn(b'"generation": 1,', waiting.recv(65536))
                self.assertEqual(daemon.address("web"), address)
                facts = daemon.facts(address)
                self.assertEqual(facts["inherited"], facts["expected"])
                self.assertEqual(len(facts["expected"]), 7 + 2 + 1)
                wait_until(lambda: len(manager.kept) == 3, "all are kept")
            self.assertEqual(daemon.terminate(), 0)

    def test_service_manager_that_does_not_read_holds_nothing_up(self):
        with Daemon() as daemon:
            path = os.path.join(daemon.directory, "notify")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
                manager.bind(path)
                daemon.environment["NOTIFY_SOCKET"] = path
                daemon.start()
                for _ in range(10):
                    self.assertEqual(daemon.ctl("reload").returncode, 0)
                self.assertEqual(daemon.terminate(), 0)

    def test_sockets_of_the_service_manager(self):
        with Daemon(listeners={"web": "127.0.0.1:1"}) as daemon:
            with socket.socket() as handed:
                handed.bind(("127.0.0.1", 0))
                handed.listen()
                address = handed.getsockname()
                daemon.environment["LISTEN_FDNAMES"] = "web"
                daemon.start(with_sockets([handed.fileno()]), pass_fds=[handed.fileno()])
            facts = daemon.facts(address)
            self.assertEqual(daemon.address("web"), address)
            self.assertEqual(facts["inherited"], facts["expected"])
            self.assertNotIn("LISTEN_FDS", facts["environment"])
            self.assertEqual(daemon.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
