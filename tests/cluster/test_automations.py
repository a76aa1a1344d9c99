"""Automations on a real server: the same by both ways of deploying, and a webhook that is told of a changed mix."""

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from os import environ

import pytest
import yaml
from asking import asked
from support import ROOT, mixwright, only_line

PATIENCE = 120  # seconds that a busy server may take to act on an event
MAKE_BLOCKS = """
import sys
from prefect.blocks.notifications import CustomWebhookNotificationBlock
from prefect.blocks.system import Secret
from prefect.blocks.webhook import Webhook
Webhook(url=sys.argv[1]).save("team")
said = {"subject": "{{subject}}", "body": "{{body}}"}
CustomWebhookNotificationBlock(name="team", url=sys.argv[1], json_data=said).save("team")
Secret(value="none of anyone's business").save("team")
"""
TELL = """
import sys
from pathlib import Path
from flows.experiment import load_experiment
from flows.refresh.told import tell_of_change
from mixes.recommendation.refreshed import Refreshed
done = Refreshed("change", "recommendation-a", "recommendation-b", 'It is "better".', "pool-a", "pool-b")
for file in sys.argv[1:]:
    tell_of_change(load_experiment(Path(file)), done)
"""


class Told(HTTPServer):
    """A web server on loopback that keeps what it is sent."""

    def __init__(self) -> None:
        self.heard: list[dict] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(handler) -> None:
                self.heard.append(json.loads(handler.rfile.read(int(handler.headers["Content-Length"]))))
                handler.send_response(200)
                handler.end_headers()

            def log_message(handler, *words: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def next(self) -> dict:
        deadline = time.monotonic() + PATIENCE
        while not self.heard:
            assert time.monotonic() < deadline, "nothing was sent"
            time.sleep(0.2)
        return self.heard.pop(0)


@pytest.fixture(scope="module")
def told(server):
    """Where the server's blocks webhook/team and custom-webhook/team send to."""
    heard = Told()
    python(server, "-c", MAKE_BLOCKS, f"http://127.0.0.1:{heard.server_port}/")
    yield heard
    heard.shutdown()


def python(server: str, *words: str, folder=None) -> None:
    done = subprocess.run(
        [sys.executable, *words], cwd=folder, capture_output=True, text=True, check=False,
        env={**environ, "PYTHONPATH": str(ROOT), "PREFECT_API_URL": server},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def automations(server: str, *, delete: bool = False) -> dict[str, dict]:
    """Name → automation, without what the server adds to each."""
    known = asked(f"{server}/automations/filter", {})
    if delete:
        for one in known:
            asked(f"{server}/automations/{one['id']}", method="DELETE")
    assert len({one["name"] for one in known}) == len(known)
    for one in known:
        for name in ("id", "created", "updated"):
            del one[name]
        del one["trigger"]["id"]
        for name in ("after", "expect"):  # sets
            one["trigger"][name].sort()
    return {one["name"]: one for one in known}


def test_both_ways_of_deploying_make_the_same_automations(tiny, server, told):
    content = yaml.safe_load((tiny / "experiment.yaml").read_text())
    content["deploy"] = {"timeout_hours": 48, "lost_after": 300, "notify": "webhook/team"}
    (tiny / "watched.yaml").write_text(yaml.safe_dump(content))
    mixwright("deploy", "watched.yaml", folder=tiny, PREFECT_API_URL=server)
    applied = automations(server, delete=True)
    assert sorted(name.partition(": ")[2] for name in applied) == [
        "changed mix",
        "lost runs",
        "runs of more than 48 hours",
        "runs that never began",
    ]
    done = mixwright("deploy", "watched.yaml", "--out", "prefect.yaml", folder=tiny, PREFECT_API_URL=server)
    assert "create its automations with: prefect automation create --from-file prefect.automations.yaml" in done.stdout
    assert automations(server) == {}
    python(server, "-m", "prefect", "automation", "create", "--from-file", "prefect.automations.yaml", folder=tiny)
    assert automations(server) == applied


def test_what_is_no_longer_asked_for_is_removed(tiny, server):
    content = yaml.safe_load((tiny / "watched.yaml").read_text())
    always = ["lost runs", "runs that never began"]
    for hours, left in ((24, sorted([*always, "runs of more than 24 hours"])), (None, always)):
        (tiny / "watched.yaml").write_text(yaml.safe_dump({**content, "deploy": {"timeout_hours": hours}}))
        mixwright("deploy", "watched.yaml", folder=tiny, PREFECT_API_URL=server)
        assert sorted(name.partition(": ")[2] for name in automations(server)) == left


def test_a_change_is_told_to_a_webhook_and_to_a_notification_block(tiny, server, told):
    (tiny / "other.yaml").write_text((tiny / "experiment.yaml").read_text())
    mixwright("deploy", "experiment.yaml", "--notify", "webhook/team", folder=tiny, PREFECT_API_URL=server)
    python(server, "-c", TELL, "other.yaml", "experiment.yaml", folder=tiny)
    assert told.next() == {
        "experiment": "tiny", "file": str((tiny / "experiment.yaml").resolve()), "verdict": "change",
        "before": "recommendation-a", "now": "recommendation-b", "reason": 'It is "better".',
        "text": 'tiny: change the mix from recommendation-a to recommendation-b. It is "better".',
    }  # fmt: skip
    mixwright("deploy", "experiment.yaml", "--notify", "custom-webhook/team", folder=tiny, PREFECT_API_URL=server)
    python(server, "-c", TELL, "experiment.yaml", folder=tiny)
    sent = told.next()
    assert sent["subject"] == "mixwright: change the mix of tiny"
    assert sent["body"].startswith("tiny: change the mix from recommendation-a to recommendation-b.")
    assert told.heard == []  # the other file of the same name is not deployed with a block


@pytest.mark.parametrize(
    ("block", "line"),
    [
        ("webhook/taem", "did you mean 'webhook/team'"),
        ("secret/team", "no webhook or notification block 'secret/team'"),
        ("team", "notify"),
    ],
)
def test_a_block_that_cannot_tell(tiny, server, told, block, line):
    done = mixwright("deploy", "experiment.yaml", "--notify", block, folder=tiny, expect=2, PREFECT_API_URL=server)
    assert line in only_line(done)


def test_a_file_of_automations_needs_the_block_s_server(tiny):
    done = mixwright("deploy", "experiment.yaml", "--notify", "webhook/team", "--out", "x.yaml", folder=tiny, expect=2,
                     PREFECT_API_URL="")  # fmt: skip
    assert "set it to the address of the server that has the block of --notify" in only_line(done)
    assert not (tiny / "x.yaml").exists()
