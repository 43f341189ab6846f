"""What GitHub answered once, played back on loopback: scrubbed, but in its own words."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import github
import pytest

from airflow_agentic.errors import ForgeError
from airflow_agentic.forges.github import GithubForge

BAD_CREDENTIALS = (
    b'{"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest", "status": "401"}'
)


class Refusing(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(401)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("X-GitHub-Media-Type", "github.v3; format=json")
        self.send_header("Content-Length", str(len(BAD_CREDENTIALS)))
        self.end_headers()
        self.wfile.write(BAD_CREDENTIALS)

    def log_message(self, *said):
        pass


@pytest.fixture
def refusing():
    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_token_that_has_expired_is_a_forge_error_that_says_what_it_needs(refusing):
    client = github.Github(
        auth=github.Auth.Token("t-o-k-e-n"), base_url=refusing, retry=None, seconds_between_requests=0
    )
    with pytest.raises(
        ForgeError, match=r"HTTP 401, 'Bad credentials'\. The token has expired or was revoked: renew it"
    ) as refused:
        GithubForge(lambda: client, "acme/pipelines", "main").preflight()
    client.close()
    assert "t-o-k-e-n" not in str(refused.value)
