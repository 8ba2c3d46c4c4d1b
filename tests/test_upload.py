"""Uploads through the real client of the hub, against a stand-in on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from analysis.errors import PlaceError
from analysis.handover.upload import check_repository

PUSH = """
import sys
from analysis.errors import PlaceError
from analysis.handover.upload import push
try:
    print(push(sys.argv[1], sys.argv[2]))
except PlaceError as error:
    print(error)
"""
OWNER = {"name": "ada", "type": "user", "orgs": []}


class Hub(BaseHTTPRequestHandler):
    """Takes one repository of `ada`, and notes what it is sent."""

    taken: list[tuple[str, object]]

    def do_GET(self) -> None:
        known = self.headers.get("Authorization") == "Bearer hf_ada"
        if self.path == "/api/whoami-v2" and known:
            self.answer(200, OWNER)
        elif self.path.startswith("/api/models/ada/small"):
            self.answer(200, {"id": "ada/small", "sha": "a" * 40, "siblings": []})
        else:
            self.answer(401 if not known else 404, {"error": "who are you?"})

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.taken.append((self.path, content))
        if self.path == "/api/repos/create":
            if json.loads(content)["name"] != "small":
                self.answer(403, {"error": "that is not yours"})
                return
            self.answer(200, {"url": "https://huggingface.co/ada/small", "name": "ada/small"})
        elif "/preupload/" in self.path:
            asked = json.loads(content)["files"]
            files = [
                {"path": each["path"], "uploadMode": "regular", "shouldIgnore": False}
                for each in asked
            ]
            self.answer(200, {"files": files})
        else:
            self.answer(200, {"commitUrl": "https://huggingface.co/ada/small/commit/a",
                              "commitOid": "a" * 40, "hookOutput": ""})  # fmt: skip

    def answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hub():
    Hub.taken = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def push(address: str, home, repository: str, token: str) -> str:
    folder = home / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "README.md").write_text("# small")
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "0",
    }
    environment |= {"HF_TOKEN": token, "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PUSH, str(folder), repository],
        env=environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_folder_goes_into_a_private_repository(hub, tmp_path):
    assert push(hub, tmp_path, "ada/small", "hf_ada").endswith("ada/small")
    paths = [path for path, _ in Hub.taken]
    assert paths[0] == "/api/repos/create"
    assert "private" in json.dumps(json.loads(Hub.taken[0][1]))
    commit = next(content for path, content in Hub.taken if "/commit/" in path)
    written = [json.loads(line) for line in commit.splitlines()]
    names = {each["value"]["path"] for each in written if each["key"] == "file"}
    assert {"config.json", "README.md"} <= names


def test_nothing_is_sent_for_somebody_who_is_not_logged_in(hub, tmp_path):
    assert "nobody is logged in" in push(hub, tmp_path, "ada/small", "")
    assert Hub.taken == []


def test_what_the_hub_refuses_is_said(hub, tmp_path):
    assert "the hub did not take ada/other" in push(hub, tmp_path, "ada/other", "hf_ada")
    assert not any("/commit/" in path for path, _ in Hub.taken)


@pytest.mark.parametrize("name", ["", "a/b/c", "../x", "a b", "x" * 200])
def test_names_that_are_none_are_refused(name):
    with pytest.raises(PlaceError, match="no name of a repository"):
        check_repository(name)
