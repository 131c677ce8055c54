#!/usr/bin/python3
"""The control socket: who may do what, and what it bears."""
import os
import random
import shutil
import socket
import stat
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import Daemon, wait_until  # noqa: E402

NOBODY = 65534
PYTHON = "/usr/bin/python3"  # one that everybody may run


class Control(unittest.TestCase):
    def test_rights_of_the_file(self):
        with Daemon() as daemon:
            daemon.start()
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket_path).st_mode), 0o600)
            directory = os.path.dirname(daemon.socket_path)
            self.assertEqual(stat.S_IMODE(os.stat(directory).st_mode), 0o750)
        with Daemon(more="control:\n  mode: 0666") as daemon:
            daemon.start()
            self.assertEqual(stat.S_IMODE(os.stat(daemon.socket_path).st_mode), 0o666)

    def test_numbers_are_for_people_too(self):
        with Daemon() as daemon:
            daemon.start()
            text = daemon.ctl("status", "--json").stdout
            self.assertIn('"uptime_seconds": ', text)
            self.assertNotRegex(text, r"\d\.\d{4}")  # milliseconds, not 1.5029999999999999

    def as_nobody(self, daemon, *command):
        os.chmod(daemon.directory, 0o755)
        os.chmod(os.path.dirname(daemon.socket_path), 0o755)

        def drop():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              preexec_fn=drop, env={"PATH": os.environ["PATH"]}, timeout=60)

    @unittest.skipUnless(os.geteuid() == 0 and os.path.exists(PYTHON), "not root, or no " + PYTHON)
    def test_other_users(self):
        script = ("import http.client, socket, sys\n"
                  "c = http.client.HTTPConnection('x'); c.sock = socket.socket(socket.AF_UNIX)\n"
                  "try: c.sock.connect(sys.argv[1])\n"
                  "except PermissionError: print('refused'); sys.exit()\n"
                  "c.request(sys.argv[2], sys.argv[3]); print(c.getresponse().status)\n")

        def ask(daemon, method, path):
            return self.as_nobody(daemon, PYTHON, "-c", script, daemon.socket_path, method,
                                  path).stdout.strip()
        with Daemon() as daemon:
            daemon.start()
            self.assertEqual(ask(daemon, "GET", "/status"), "refused")
        with Daemon(more="control:\n  mode: 0666") as daemon:
            daemon.start()
            self.assertEqual(ask(daemon, "GET", "/status"), "200")
            self.assertEqual(ask(daemon, "POST", "/reload"), "403")
            self.assertEqual(ask(daemon, "POST", "/stop"), "403")
            self.assertIn("control: stop by uid 65534", daemon.log())
            self.assertEqual(daemon.status()["generation"], 1)

    @unittest.skipUnless(shutil.which("curl"), "no curl")
    def test_curl_is_a_client(self):
        with Daemon() as daemon:
            daemon.start()
            result = subprocess.run(["curl", "-sS", "--unix-socket", daemon.socket_path,
                                     "http://weftd/status"], stdout=subprocess.PIPE, text=True,
                                    timeout=60)
            self.assertEqual(result.returncode, 0)
            self.assertIn('"state": "serving"', result.stdout)

    def test_paths_and_methods(self):
        with Daemon() as daemon:
            daemon.start()
            for method, path, status in (("GET", "/", 404), ("GET", "/nowhere", 404),
                                         ("GET", "/reload", 405), ("POST", "/status", 405),
                                         ("DELETE", "/stop", 405), ("GET", "/status/x", 404),
                                         ("POST", "/reload?dry_run=x", 400)):
                got, answer = daemon.request(method, path)
                self.assertEqual((method, path, got), (method, path, status))
                self.assertIn("error", answer)
            self.assertEqual(daemon.state(), "serving")

    def test_ctl_prints_tables(self):
        with Daemon() as daemon:
            daemon.start()
            result = daemon.ctl("status")
            self.assertEqual(result.returncode, 0)
            self.assertRegex(result.stdout, r"web +127\.0\.0\.1:\d+ +echo +2\n")
            self.assertRegex(result.stdout, r"\n1 +serving +\d+ ")
            self.assertEqual(daemon.ctl("stop").returncode, 0)
            self.assertEqual(daemon.wait(), 0)
            self.assertIn("control: stop by uid %d" % os.getuid(), daemon.log())
            self.assertEqual(daemon.ctl("status").returncode, 3)

    def raw(self, daemon, data, end=True):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(daemon.socket_path)
            try:
                connection.sendall(data)
                if end:
                    connection.shutdown(socket.SHUT_WR)
                text = b""
                while True:
                    piece = connection.recv(65536)
                    if not piece:
                        return text
                    text += piece
            except (ConnectionResetError, BrokenPipeError):
                return None

    def test_garbage(self):
        seed = 20240304
        generator = random.Random(seed)
        good = b"GET /status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        with Daemon() as daemon:
            daemon.start()
            self.raw(daemon, b"")
            self.raw(daemon, b"x" * (64 * 1024 + 1))
            self.raw(daemon, b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n")
            self.raw(daemon, b"POST /reload HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n")
            for _ in range(300):
                data = bytearray(good)
                for _ in range(generator.randrange(1, 5)):
                    data[generator.randrange(len(data))] = generator.randrange(256)
                if generator.randrange(4) == 0:
                    data = generator.randbytes(generator.randrange(200))
                self.raw(daemon, bytes(data))
            self.assertEqual(daemon.state(), "serving")
            self.assertEqual(daemon.status()["generation"], 1, "seed %d" % seed)
            self.assertEqual(daemon.terminate(), 0)

    def test_idle_clients_do_not_stand_in_the_way(self):
        with Daemon() as daemon:
            daemon.start()
            idle = []
            try:
                for _ in range(150):
                    connection = socket.socket(socket.AF_UNIX)
                    connection.connect(daemon.socket_path)
                    idle.append(connection)
                for connection in idle[:50]:
                    connection.send(b"P")
                self.assertEqual(daemon.ctl("reload").returncode, 0)
                self.assertEqual(daemon.ctl("stop").returncode, 0)
                self.assertEqual(daemon.wait(), 0)
            finally:
                for connection in idle:
                    connection.close()

    def test_client_that_goes_away_during_a_reload(self):
        with Daemon() as daemon:
            daemon.start()
            with socket.socket(socket.AF_UNIX) as connection:
                connection.connect(daemon.socket_path)
                connection.sendall(b"POST /reload HTTP/1.1\r\nHost: x\r\n\r\n")
            wait_until(lambda: daemon.status()["generation"] == 2, "the reload goes on")
            self.assertEqual(daemon.terminate(), 0)

    def test_what_is_planted_in_the_way_stays(self):
        def plant_file(path):
            with open(path, "w") as file:
                file.write("mine")

        def plant_link(path):
            plant_file(path + ".target")
            os.symlink(path + ".target", path)
        for plant in (plant_file, os.mkdir, plant_link):
            with self.subTest(plant), Daemon() as daemon:
                os.mkdir(os.path.dirname(daemon.socket_path), 0o750)
                plant(daemon.socket_path)
                before = os.lstat(daemon.socket_path)
                self.assertEqual(daemon.launch().wait(), 69)
                self.assertEqual(os.lstat(daemon.socket_path), before)
                self.assertIn("it stays", daemon.log())

    def test_run_directory_for_everybody_is_refused(self):
        with Daemon() as daemon:
            directory = os.path.dirname(daemon.socket_path)
            os.mkdir(directory)
            os.chmod(directory, 0o777)
            self.assertEqual(daemon.launch().wait(), 73)
            self.assertIn("writable by everybody", daemon.log())

    def test_requests_beside_each_other(self):
        with Daemon() as daemon:
            daemon.start()
            wrong = []

            def ask():
                for _ in range(20):
                    if daemon.status()["pid"] != daemon.process.pid:
                        wrong.append(1)
            threads = [threading.Thread(target=ask) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(wrong, [])
            self.assertEqual(daemon.terminate(), 0)


if __name__ == "__main__":
    unittest.main()
