"""A hub of one data set or model on this machine: `python hub_stand_in.py FOLDER OWNER/NAME [models]`.

It answers the requests that the real clients make of huggingface.co, and prints its port.
"""

from __future__ import annotations

import hashlib
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

COMMIT = "a" * 40


class Hub(BaseHTTPRequestHandler):
    root: Path
    name: str
    kind = "datasets"

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        about = f"/api/{self.kind}/{self.name}"
        files = f"{'/datasets' if self.kind == 'datasets' else ''}/{self.name}/resolve/"
        if path in (about, f"{about}/revision/{COMMIT}", f"{about}/revision/main"):
            self.answer_json(self.about())
        elif path.startswith((f"{about}/tree/{COMMIT}", f"{about}/tree/main")):
            folder = path.removeprefix(f"{about}/tree/").partition("/")[2].strip("/")
            self.answer_json(self.tree(folder, deep="recursive=true" in query.lower()))
        elif path.startswith(files):
            self.answer_file(self.root / path.removeprefix(files).split("/", 1)[1])
        else:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})

    do_HEAD = do_GET

    def about(self) -> dict[str, object]:
        found = (
            str(file.relative_to(self.root)) for file in self.root.rglob("*") if file.is_file()
        )
        return {
            "id": self.name,
            "sha": COMMIT,
            "tags": [],
            "cardData": {"license": "cc-zero"},
            "siblings": [{"rfilename": file} for file in found],
        }

    def tree(self, folder: str, deep: bool) -> list[dict[str, object]]:
        inside = (self.root / folder).rglob("*") if deep else (self.root / folder).glob("*")
        return [
            {
                "type": "file" if path.is_file() else "directory",
                "oid": hashlib.sha1(str(path).encode()).hexdigest(),
                "size": path.stat().st_size,
                "path": str(path.relative_to(self.root)),
            }
            for path in inside
        ]

    def answer_file(self, path: Path) -> None:
        if not path.is_file():
            self.answer(404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        content = path.read_bytes()
        tag = f'"{hashlib.sha1(content).hexdigest()}"'
        self.answer(200, content, {"ETag": tag, "X-Repo-Commit": COMMIT})

    def answer_json(self, content: object) -> None:
        self.answer(200, json.dumps(content).encode(), {"Content-Type": "application/json"})

    def answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    Hub.root, Hub.name = Path(sys.argv[1]), sys.argv[2]
    Hub.kind = sys.argv[3] if len(sys.argv) > 3 else Hub.kind
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    print(server.server_port, flush=True)
    server.serve_forever()
