"""One local execution environment: a `bootstrap` process plus the Lambda Runtime API it polls.

No LocalStack import in here, so it can be tested on its own.
"""
import errno
import json
import os
import queue
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

_PATH = re.compile(r"^/2018-06-01/runtime/(?:(init)/error|invocation/(?:(next)|([^/]+)/(response|error)))$")
_LOG_LIMIT = 1 << 20


class InitError(Exception):
    """The bootstrap failed before it asked for its first event."""

    def __init__(self, payload: bytes):
        super().__init__(payload.decode("utf-8", "replace"))
        self.payload = payload


def error_payload(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 16

    def handle_error(self, request, client_address):  # a killed bootstrap resets its connection
        pass


class Environment:
    def __init__(self, bootstrap: str, cwd: str, env: dict, timeout: float, version: str = "$LATEST", memory: int = 128):
        self.bootstrap, self.cwd, self.env = bootstrap, cwd, env
        self.timeout, self.version, self.memory = timeout, version, memory
        self._events: queue.Queue = queue.Queue()
        self._cond = threading.Condition()
        self._generation = 0  # one per spawned process; answers of an older one are refused
        self._ready = False
        self._taken = self._result = self._init_error = None
        self._proc = self._server = None
        self._log = bytearray()
        self._log_lock = threading.Lock()
        self._stopped = False

    # -- life cycle -------------------------------------------------------------------------
    def start(self, wait: float = 20.0) -> None:
        self._spawn()
        with self._cond:
            self._cond.wait_for(lambda: self._ready or self._init_error or self._stopped or not self._alive(), wait)
            end = time.monotonic() + wait
            while not (self._ready or self._init_error or self._stopped):
                if not self._alive() or time.monotonic() > end:
                    break
                self._cond.wait(0.05)
            if self._ready:
                return
            payload = self._init_error
        if payload is None:
            code = self._proc.poll() if self._proc else None
            payload = error_payload("Runtime.ExitError", f"Error: Runtime exited during init: exit status {code}")
        self.stop()
        raise InitError(payload)

    def stop(self) -> None:
        with self._cond:
            self._stopped = True
            self._cond.notify_all()
        self._kill()

    def _alive(self) -> bool:
        return self._proc is not None and self._proc.poll() is None

    def _spawn(self) -> None:
        self._kill()
        with self._cond:
            self._generation += 1
            generation = self._generation
            self._ready, self._init_error, self._taken, self._result = False, None, None, None
            self._events = queue.Queue()
        server = _Server(("127.0.0.1", 0), self._handler(generation, self._events))
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        self._server = server
        env = dict(self.env, AWS_LAMBDA_RUNTIME_API=f"127.0.0.1:{server.server_address[1]}")
        for attempt in range(10):
            try:
                self._proc = subprocess.Popen(
                    [self.bootstrap], cwd=self.cwd, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT, start_new_session=True)
                break
            except OSError as e:  # another thread's fork can hold the freshly unzipped file open for writing
                if e.errno != errno.ETXTBSY or attempt == 9:
                    raise
                time.sleep(0.02 * (attempt + 1))
        threading.Thread(target=self._pump, args=(self._proc,), daemon=True).start()

    def _kill(self) -> None:
        proc, self._proc = self._proc, None
        server, self._server = self._server, None
        if proc is not None:
            for sig, wait in ((signal.SIGTERM, 0.3), (signal.SIGKILL, 5)):
                try:
                    os.killpg(proc.pid, sig)
                except ProcessLookupError:
                    pass
                try:
                    proc.wait(wait)
                    break
                except subprocess.TimeoutExpired:
                    continue
        if server is not None:
            self._events.put(None)
            server.shutdown()
            server.server_close()

    def _pump(self, proc) -> None:
        while chunk := proc.stdout.read1(65536):
            with self._log_lock:
                self._log += chunk
                if len(self._log) > _LOG_LIMIT:
                    del self._log[: len(self._log) - _LOG_LIMIT]
        proc.stdout.close()
        proc.wait()
        with self._cond:
            self._cond.notify_all()

    # -- one invocation ---------------------------------------------------------------------
    def invoke(self, request_id: str, payload: str, arn: str = "", trace: str = "", client_context: str = ""):
        """Returns (body, is_error, logs)."""
        began = time.monotonic()
        with self._log_lock:
            self._log.clear()
        for attempt in range(2):
            if not self._alive():
                try:
                    self._respawn()
                except InitError as e:
                    return e.payload, True, self._logs(request_id, began)
            deadline = time.time() + self.timeout
            headers = {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
                "Lambda-Runtime-Invoked-Function-Arn": arn,
                "Lambda-Runtime-Trace-Id": trace,
            }
            if client_context:
                headers["Lambda-Runtime-Client-Context"] = client_context
            with self._cond:
                self._taken = self._result = None
            self._events.put((request_id, headers, payload.encode()))
            with self._cond:
                end = time.monotonic() + self.timeout
                while self._result is None and not self._stopped and time.monotonic() < end:
                    if not self._alive():
                        self._cond.wait(0.05)  # an answer that was sent just before the exit may still arrive
                        break
                    self._cond.wait(min(0.1, max(0.0, end - time.monotonic())))
                result, taken = self._result, self._taken
            if result is not None:
                body, is_error = result
                return body, is_error, self._logs(request_id, began)
            if self._alive() and not self._stopped:
                self._kill()
                message = f"RequestId: {request_id} Error: Task timed out after {self.timeout:.2f} seconds"
                return error_payload("Sandbox.Timedout", message), True, self._logs(request_id, began, message)
            if taken is None and attempt == 0 and not self._stopped:
                continue  # it died (say, after a panic in the call before) without having seen this event
            code = self._proc.poll() if self._proc else None
            message = f"RequestId: {request_id} Error: Runtime exited with error: exit status {code}"
            return error_payload("Runtime.ExitError", message), True, self._logs(request_id, began, message)
        raise AssertionError("unreachable")

    def _respawn(self) -> None:
        stopped = self._stopped
        try:
            self.start()
        finally:
            self._stopped = stopped

    def _logs(self, request_id: str, began: float, extra: str = "") -> str:
        seen = -1
        for _ in range(20):  # what the handler wrote before its answer is in the pipe by now: let the pump catch up
            with self._log_lock:
                size = len(self._log)
            if size == seen:
                break
            seen = size
            time.sleep(0.003)
        with self._log_lock:
            text = self._log.decode("utf-8", "replace")
        if text and not text.endswith("\n"):
            text += "\n"
        ms = (time.monotonic() - began) * 1000
        return (
            f"START RequestId: {request_id} Version: {self.version}\n{text}{extra + chr(10) if extra else ''}"
            f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: {ms:.2f} ms\t"
            f"Billed Duration: {int(ms) + 1} ms\tMemory Size: {self.memory} MB\tMax Memory Used: {self.memory} MB\t\n"
        )

    def peek_logs(self) -> str:
        with self._log_lock:
            return self._log.decode("utf-8", "replace")

    # -- Runtime API ------------------------------------------------------------------------
    def _handler(self, generation: int, events: queue.Queue):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def setup(self):
                super().setup()
                self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

            def _send(self, status: int, body: bytes = b"", headers: dict | None = None):
                self.send_response(status)
                for k, v in (headers or {}).items():
                    self.send_header(k, v)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _body(self) -> bytes:
                if "chunked" not in (self.headers.get("Transfer-Encoding") or "").lower():
                    return self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = []
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    parts.append(self.rfile.read(size))
                    self.rfile.readline()
                while self.rfile.readline().strip():  # trailers
                    pass
                return b"".join(parts)

            def do_GET(self):
                m = _PATH.match(self.path)
                if not m or not m.group(2):
                    return self._send(404, b"{}")
                with outer._cond:
                    if generation == outer._generation:
                        outer._ready = True
                        outer._cond.notify_all()
                event = events.get()
                if event is None:
                    self.close_connection = True
                    return self._send(410, b"{}")
                request_id, headers, body = event
                with outer._cond:
                    if generation == outer._generation:
                        outer._taken = request_id
                self._send(200, body, headers)

            def do_POST(self):
                body = self._body()
                m = _PATH.match(self.path)
                if not m or m.group(2):
                    return self._send(404, b"{}")
                accepted = False
                # the answer must be on the wire before the waiter can hand this environment out again
                with outer._cond:
                    if generation == outer._generation:
                        if m.group(1):
                            outer._init_error = body or error_payload("Runtime.InitError", "init failed")
                            accepted = True
                        elif m.group(3) == outer._taken and outer._result is None:
                            accepted = True
                if not accepted:
                    return self._send(400, error_payload("InvalidRequestID", "Invalid request ID"))
                self._send(202, b'{"status":"OK"}\n')
                with outer._cond:
                    if m.group(3) and generation == outer._generation:
                        outer._result = (body, m.group(4) == "error")
                    outer._cond.notify_all()

        return Handler


def base_env(task_root: str) -> dict:
    """What every environment has besides what the emulator hands over. The mark lets `up stop` find a process that outlived LocalStack."""
    return {
        "LOCKSTEP_LOCALSTACK": os.environ.get("LOCKSTEP_LOCALSTACK", ""),
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "en_US.UTF-8",
        "TMPDIR": tempfile.gettempdir(),
        "LAMBDA_TASK_ROOT": task_root,
        "LAMBDA_RUNTIME_DIR": task_root,
    }
