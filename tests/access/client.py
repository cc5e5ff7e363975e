"""MLflow's own client with keys of several roles, and with webhooks. It is told where in its environment; asserts, and says 'done'."""
import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

secret = "a secret of ours"
received = []


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        received.append((dict(self.headers), self.rfile.read(int(self.headers["content-length"])).decode()))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"noted")

    def log_message(self, *_):
        pass


def token(name):
    os.environ["MLFLOW_TRACKING_TOKEN"] = os.environ[f"KEY_{name}"]


def refused(code, named, work):
    try:
        work()
    except MlflowException as error:
        assert error.error_code == code, error
        assert named in str(error), error
        return
    raise AssertionError(f"It was not refused with {code}.")


client = MlflowClient()
os.environ.pop("MLFLOW_TRACKING_TOKEN", None)
refused("UNAUTHENTICATED", "key", lambda: client.search_experiments())
os.environ["MLFLOW_TRACKING_TOKEN"] = "sxk_nonsense"
refused("UNAUTHENTICATED", "key", lambda: client.search_experiments())

token("VIEWER")
client.search_experiments()
refused("PERMISSION_DENIED", "editor", lambda: client.create_experiment("mine"))

# As an editor of one model: runs, files, a version of it.
token("EDITOR")
mlflow.set_experiment("mine")
with mlflow.start_run() as run:
    mlflow.log_param("a", 1)
    mlflow.log_text("hello", "notes/hello.txt")
assert mlflow.artifacts.load_text(f"runs:/{run.info.run_id}/notes/hello.txt") == "hello"
client.create_registered_model("fraud")
version = client.create_model_version("fraud", f"runs:/{run.info.run_id}/notes", run_id=run.info.run_id)
refused("PERMISSION_DENIED", "fraud", lambda: client.create_registered_model("other"))
refused("PERMISSION_DENIED", "approver", lambda: client.set_registered_model_alias("fraud", "best", version.version))
refused("PERMISSION_DENIED", "admin", lambda: client.delete_registered_model("fraud"))
refused("PERMISSION_DENIED", "admin", lambda: client.list_webhooks())

# By user and password, as an admin.
os.environ.pop("MLFLOW_TRACKING_TOKEN")
os.environ["MLFLOW_TRACKING_USERNAME"] = "ana"
os.environ["MLFLOW_TRACKING_PASSWORD"] = os.environ["KEY_ADMIN"]
server = HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=server.serve_forever, daemon=True).start()
events = ["registered_model.created", "model_version_alias.created", "model_version_tag.set", "prompt.created"]
refused(
    "INVALID_PARAMETER_VALUE",
    "169.254.169.254",
    lambda: client.create_webhook("metadata", "https://169.254.169.254/", events),
)
hook = client.create_webhook("ours", f"http://127.0.0.1:{server.server_port}/", events, secret=secret)
assert [str(event) for event in client.get_webhook(hook.webhook_id).events] == events
result = client.test_webhook(hook.webhook_id)
assert result.success and result.response_status == 200 and result.response_body == "noted", result
client.set_registered_model_alias("fraud", "best", version.version)
client.create_registered_model("later", tags={"a": "b"}, description="another")
client.set_model_version_tag("fraud", version.version, "k", "v")
client.update_registered_model("fraud", description="nobody is told")
mlflow.genai.register_prompt("greeting", "Hello {{name}}")
until = time.time() + 15
while len(received) < 5 and time.time() < until:
    time.sleep(0.05)
for headers, body in received:
    signed = f"{headers['X-MLflow-Delivery-Id']}.{headers['X-MLflow-Timestamp']}.{body}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    assert headers["X-MLflow-Signature"] == "v1," + base64.b64encode(digest).decode()
told = [json.loads(body) for _, body in received[1:]]
assert [f"{one['entity']}.{one['action']}" for one in told] == [
    "model_version_alias.created",
    "registered_model.created",
    "model_version_tag.set",
    "prompt.created",
], told
assert told[0]["data"] == {"name": "fraud", "alias": "best", "version": version.version}
assert told[1]["data"] == {"name": "later", "tags": {"a": "b"}, "description": "another"}
assert told[2]["data"] == {"name": "fraud", "version": version.version, "key": "k", "value": "v"}
assert str(client.update_webhook(hook.webhook_id, status="DISABLED").status) == "DISABLED"
client.delete_webhook(hook.webhook_id)
assert client.list_webhooks() == []
refused("RESOURCE_DOES_NOT_EXIST", "webhook", lambda: client.get_webhook(hook.webhook_id))
print("done")
