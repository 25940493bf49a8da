"""One environment against a real bootstrap process. Run by make test-localstack; needs Python alone."""
import collections
import json
import os
import signal
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))

from ls_hostexec.runtime_api import Environment, InitError, base_env  # noqa: E402

ARN = "arn:aws:lambda:us-east-1:000000000000:function:probe"
TRACE = "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1"
LONG = 120.0  # a time-out that no test waits for


def alive(pid):
    """Whether the process runs: gone and not yet waited for is dead."""
    try:
        with open(f"/proc/{pid}/stat") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


class EnvironmentTest(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        self.bootstrap = os.path.join(self.dir, "bootstrap")
        with open(os.path.join(HERE, "probe.py")) as f:
            code = f.read()
        with open(self.bootstrap, "w") as f:
            f.write(f"#!{sys.executable}\n{code}")
        os.chmod(self.bootstrap, 0o755)

    def start(self, timeout=LONG, **env):
        e = Environment(self.bootstrap, self.dir, {**base_env(self.dir), **env}, timeout)
        self.addCleanup(e.stop)
        e.start(LONG)
        return e

    def call(self, e, request="r", **event):
        body, failed, logs = e.invoke(request, json.dumps(event), ARN, TRACE)
        return json.loads(body), failed, logs

    def test_answer(self):
        got, failed, logs = self.call(self.start(), request="r-1", id="one")
        self.assertFalse(failed)
        self.assertEqual((got["arn"], got["trace"], got["count"]), (ARN, TRACE, 1))
        self.assertTrue(0 < got["left_ms"] <= LONG * 1000, got)
        self.assertTrue(logs.startswith("START RequestId: r-1 "), logs)
        self.assertIn("event one", logs)
        self.assertIn("REPORT RequestId: r-1", logs)

    def test_warm_process_is_used_again(self):
        e = self.start()
        first, second = self.call(e)[0], self.call(e)[0]
        self.assertEqual((first["pid"], second["count"]), (second["pid"], 2))

    def test_error_answer_keeps_the_process(self):
        e = self.start()
        pid = self.call(e)[0]["pid"]
        got, failed, _ = self.call(e, fail=True)
        self.assertTrue(failed)
        self.assertEqual(got, {"errorType": "Lockstep.Transient", "errorMessage": "later"})
        self.assertEqual(self.call(e)[0]["pid"], pid)

    def test_exit_is_an_error_and_the_next_call_starts_anew(self):
        e = self.start()
        got, failed, _ = self.call(e, exit=True)
        self.assertTrue(failed)
        self.assertEqual(got["errorType"], "Runtime.ExitError")
        got, failed, _ = self.call(e)
        self.assertFalse(failed)
        self.assertEqual(got["count"], 1)

    def test_killed_in_the_middle(self):
        e = self.start()
        pid, seen = self.call(e)[0]["pid"], os.path.join(self.dir, "seen")

        def kill():
            while not os.path.exists(seen):
                threading.Event().wait(0.01)
            os.kill(pid, signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        got, failed, _ = self.call(e, id="k", seen=seen, sleep=LONG)
        killer.join()
        self.assertTrue(failed)
        self.assertEqual(got["errorType"], "Runtime.ExitError")

    def test_killed_between_two_calls(self):
        e = self.start()
        pid = self.call(e)[0]["pid"]
        os.kill(pid, signal.SIGKILL)
        while alive(pid):
            threading.Event().wait(0.01)
        got, failed, _ = self.call(e)
        self.assertFalse(failed, got)
        self.assertEqual(got["count"], 1)

    def test_time_out_kills(self):
        e = self.start(timeout=1.0)
        seen = os.path.join(self.dir, "seen")
        got, failed, logs = self.call(e, id="slow", seen=seen, sleep=LONG)
        self.assertTrue(failed)
        self.assertEqual(got["errorType"], "Sandbox.Timedout")
        self.assertIn("Task timed out after 1.00 seconds", logs)

    def test_long_logs(self):
        _, failed, logs = self.call(self.start(), id="big", log_bytes=800_000)
        self.assertFalse(failed)
        self.assertGreater(len(logs), 800_000)

    def test_stop_ends_the_process(self):
        e = self.start()
        pid = self.call(e)[0]["pid"]
        e.stop()
        self.assertFalse(alive(pid))

    def test_failed_init(self):
        with self.assertRaises(InitError) as caught:
            self.start(FAIL_INIT="1")
        self.assertEqual(json.loads(caught.exception.payload)["errorMessage"], "no settings")

    def test_exit_during_init(self):
        self.bootstrap = "/bin/false"
        with self.assertRaises(InitError) as caught:
            self.start()
        self.assertEqual(json.loads(caught.exception.payload)["errorType"], "Runtime.ExitError")

    def test_mark_reaches_the_process(self):
        os.environ["LOCKSTEP_LOCALSTACK"] = "marked"
        self.addCleanup(os.environ.pop, "LOCKSTEP_LOCALSTACK")
        pid = self.call(self.start())[0]["pid"]
        with open(f"/proc/{pid}/environ") as f:
            self.assertIn("LOCKSTEP_LOCALSTACK=marked", f.read().split("\0"))

    def test_no_event_is_handed_out_twice(self):
        seen, problems = os.path.join(self.dir, "seen"), []

        def work(worker):
            e = self.start()
            for n in range(20):
                got, failed, _ = self.call(e, id=f"{worker}-{n}", seen=seen)
                if failed:
                    problems.append(got)

        workers = [threading.Thread(target=work, args=(w,)) for w in range(6)]
        for w in workers:
            w.start()
        for w in workers:
            w.join()
        with open(seen) as f:
            times = collections.Counter(f.read().split())
        self.assertEqual((problems, len(times), max(times.values())), ([], 120, 1))


if __name__ == "__main__":
    unittest.main()
