"""A bootstrap for the tests: asks the Runtime API for events and does what each one says."""
import http.client
import json
import os
import sys
import time

api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"], timeout=60)


def call(method, path, body=None):
    api.request(method, "/2018-06-01/runtime/" + path, body=body, headers={"Content-Type": "application/json"})
    answer = api.getresponse()
    return answer, answer.read()


if os.environ.get("FAIL_INIT"):
    call("POST", "init/error", json.dumps({"errorType": "Init", "errorMessage": "no settings"}).encode())
    sys.exit(1)

count = 0
while True:
    answer, body = call("GET", "invocation/next")
    if answer.status != 200:
        sys.exit(0)
    count += 1
    event, request = json.loads(body), answer.headers["Lambda-Runtime-Aws-Request-Id"]
    print("event", event.get("id"), "x" * event.get("log_bytes", 0), flush=True)
    if event.get("seen"):
        with open(event["seen"], "a") as f:
            f.write(event["id"] + "\n")
    if event.get("exit"):
        os._exit(3)
    time.sleep(event.get("sleep", 0))
    if event.get("fail"):
        call("POST", f"invocation/{request}/error", json.dumps({"errorType": "Lockstep.Transient", "errorMessage": "later"}).encode())
        continue
    call("POST", f"invocation/{request}/response", json.dumps({
        "pid": os.getpid(), "count": count, "arn": answer.headers["Lambda-Runtime-Invoked-Function-Arn"],
        "trace": answer.headers["Lambda-Runtime-Trace-Id"], "left_ms": int(answer.headers["Lambda-Runtime-Deadline-Ms"]) - int(time.time() * 1000),
    }).encode())
