"""Matrices by name, from a real server on this machine."""

import functools
import http.server
import io
import tarfile
import threading

import numpy as np
import pytest
import scipy.io
from races import small

from hpcbench.inputs.errors import InputError
from hpcbench.inputs.read import read_matrix

MATRIX = small(30, 100)


def _archive(path, member, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as packed:
        entry = tarfile.TarInfo(member)
        entry.size = len(content)
        packed.addfile(entry, io.BytesIO(content))


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A folder that is served, with one matrix; its log of requests."""
    text = io.BytesIO()
    scipy.io.mmwrite(text, MATRIX)
    served, asked = tmp_path / "served", []
    _archive(served / "HB" / "mine.tar.gz", "mine/mine.mtx", text.getvalue())
    _archive(served / "HB" / "other.tar.gz", "else.mtx", text.getvalue())
    (served / "HB" / "torn.tar.gz").write_bytes((served / "HB" / "mine.tar.gz").read_bytes()[:60])

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, form, *args):
            asked.append(args[0])

        def do_GET(self):
            if "short" not in self.path:
                return super().do_GET()
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"x" * 10)

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=served))
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    monkeypatch.setenv("HPCBENCH_SUITESPARSE", f"http://127.0.0.1:{httpd.server_port}")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield asked
    httpd.shutdown()
    httpd.server_close()


def test_a_matrix_is_fetched_once_and_checked_then(server, tmp_path):
    for _ in range(2):
        np.testing.assert_allclose(read_matrix("suitesparse:HB/mine").toarray(), MATRIX.toarray())
    assert len(server) == 1
    cached = tmp_path / "cache" / "hpcbench" / "matrices" / "HB" / "mine.mtx"
    assert [p.name for p in sorted(cached.parent.iterdir())] == ["mine.mtx", "mine.sha256"]
    cached.write_bytes(cached.read_bytes().replace(b"1", b"2"))
    with pytest.raises(InputError, match=r"SHA-256 .* it has changed"):
        read_matrix("suitesparse:HB/mine")
    cached.unlink()  # the download must agree with the first one
    np.testing.assert_allclose(read_matrix("suitesparse:HB/mine").toarray(), MATRIX.toarray())
    assert len(server) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("suitesparse:HB/absent", "answers 404"),
        ("suitesparse:HB/torn", "no archive that holds torn/torn.mtx"),
        ("suitesparse:HB/other", "no archive that holds other/other.mtx"),
        ("suitesparse:HB/short", "ended after 10 of 1000 bytes"),
        ("suitesparse:mine", "GROUP/NAME is expected"),
        ("suitesparse:HB/../mine", "GROUP/NAME is expected"),
    ],
)
def test_what_cannot_be_fetched_is_told_and_leaves_nothing(server, name, said, tmp_path):
    with pytest.raises(InputError, match=said):
        read_matrix(name)
    assert not list((tmp_path / "cache").rglob("*.*"))


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("HPCBENCH_SUITESPARSE", "http://127.0.0.1:9")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"cannot be reached .*--input FILE"):
        read_matrix("suitesparse:HB/mine")
