"""Files over HTTP, from this process."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server:
    """Files over HTTP, with ranges and entity tags; counts what is asked."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken: set[str] = set()  # known, but not to be had
        self.asked: list[tuple[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                server.asked.append((self.command, self.path))
                content = server.files.get(self.path.partition("?")[0].lstrip("/"))
                if content is None or (self.command == "GET" and self.path in server.broken):
                    self.send_error(404 if content is None else 503)
                    return
                start, _, end = self.headers.get("Range", "").removeprefix("bytes=").partition("-")
                part = content[int(start or 0) : int(end) + 1 if end else None]
                self.send_response(206 if end else 200)
                if end:
                    self.send_header("Content-Range", f"bytes {start}-{end}/{len(content)}")
                self.send_header("ETag", hashlib.sha256(content).hexdigest())
                self.send_header("Content-Length", str(len(part)))
                self.end_headers()
                if self.command == "GET":
                    self.wfile.write(part)

            do_HEAD = do_GET

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()
