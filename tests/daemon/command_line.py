#!/usr/bin/python3
"""weftd and weftctl from the shell: what they say and how they exit."""
import os
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "support"))
from weftd import WEFTCTL, WEFTD  # noqa: E402

GOOD = """
run_directory: /tmp/weft-never-made
listeners:
  web:
    address: 127.0.0.1:%d
services:
  echo:
    module: echo
    listeners: [web]
"""


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          stdin=subprocess.DEVNULL, timeout=60)


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="weft-test-")
        self.path = os.path.join(self.directory.name, "weft.yaml")

    def tearDown(self):
        self.directory.cleanup()

    def write(self, text):
        with open(self.path, "w") as file:
            file.write(text)

    def test_check_of_a_good_file_binds_nothing(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.write(GOOD % taken.getsockname()[1])
            result = run(WEFTD, "--check", self.path)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("good", result.stdout)
            self.assertFalse(os.path.exists("/tmp/weft-never-made"))

    def test_check_of_a_bad_file_tells_everything(self):
        self.write(GOOD % 8080 + "log:\n  levle: info\nnonsense: 1\n")
        for command in (("--check", self.path), ("-c", self.path), ("-c", self.path, "--check")):
            result = run(WEFTD, *command)
            self.assertEqual(result.returncode, 78)
            self.assertIn("unknown key 'levle'", result.stderr)
            self.assertIn("unknown key 'nonsense'", result.stderr)
            self.assertRegex(result.stderr, r"weft\.yaml:\d+:\d+: error")

    def test_no_file(self):
        for command in (("--check", "/nowhere/x"), ("-c", "/nowhere/x")):
            self.assertEqual(run(WEFTD, *command).returncode, 66)

    def test_usage(self):
        self.assertEqual(run(WEFTD, "--nonsense").returncode, 64)
        self.assertEqual(run(WEFTD, "a", "b").returncode, 64)
        self.assertEqual(run(WEFTD, "--version").stdout.split()[0], "weftd")
        self.assertIn("--check", run(WEFTD, "--help").stdout)

    def test_explain(self):
        result = run(WEFTD, "--explain", "drain.grace")
        self.assertEqual(result.returncode, 0)
        self.assertIn("30s", result.stdout)
        result = run(WEFTD, "--explain", "drain.garce")
        self.assertEqual(result.returncode, 64)
        self.assertIn("drain.grace", result.stdout)
        self.assertIn("listeners", run(WEFTD, "--explain", "all").stdout)

    def test_ctl(self):
        result = run(WEFTCTL, "--socket", "/nowhere/s", "status")
        self.assertEqual(result.returncode, 3)
        self.assertIn("does not run", result.stderr)
        result = run(WEFTCTL, "relaod")
        self.assertEqual(result.returncode, 2)
        self.assertIn("did you mean 'reload'?", result.stderr)
        self.assertEqual(run(WEFTCTL).returncode, 2)
        self.write(GOOD % 8080)
        result = run(WEFTCTL, "-c", self.path, "status")
        self.assertEqual(result.returncode, 3)
        self.assertIn("/tmp/weft-never-made/control.sock", result.stderr)
        self.write("nonsense: 1\n")
        self.assertEqual(run(WEFTCTL, "-c", self.path, "status").returncode, 2)


if __name__ == "__main__":
    unittest.main()
