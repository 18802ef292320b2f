"""A journal keeps what it acknowledged: through kills, torn tails, a full disk, and two writers."""

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
import zlib

import pytest

from hpcbench import store

WRITER = """
import sys
from pathlib import Path
from hpcbench.store import Journal
journal = Journal(Path(sys.argv[1]), "run")
n = 0
while True:
    journal.append([("sample", f"k{n}", {"n": n + i}) for i in range(3)])
    n += 3
    print(n, flush=True)
"""


def line(body: dict, version: int = 1) -> bytes:
    text = json.dumps(
        {"v": version, "seq": 0, "t": "", "run": "r", "kind": "event", "key": "k", "body": body}
    ).encode()
    return b"%08x " % zlib.crc32(text) + text + b"\n"


@pytest.fixture
def journal(tmp_path):
    return store.Journal(tmp_path / "a.jsonl", "run")


def test_what_is_written_is_read_back_in_order(journal):
    journal.append([("event", "x", {"i": i}) for i in range(5)])
    journal.append([("result", "y", {"text": "ü\n"})])
    rows = store.read(journal.path)
    assert [r["body"] for r in rows] == [{"i": i} for i in range(5)] + [{"text": "ü\n"}]
    assert [r["seq"] for r in rows] == list(range(6))


@pytest.mark.parametrize("cut", [1, 5, 9, 30])
def test_a_torn_tail_is_dropped_and_the_next_writer_goes_on_behind_it(journal, cut):
    journal.append([("event", "x", {"i": i}) for i in range(3)])
    journal.close()
    whole = journal.path.read_bytes()
    journal.path.write_bytes(whole[:-cut])
    assert [r["body"]["i"] for r in store.read(journal.path)] == [0, 1]
    again = store.Journal(journal.path, "run")
    again.append([("event", "x", {"i": 9})])
    assert [r["body"]["i"] for r in store.read(journal.path)] == [0, 1, 9]


def test_damage_before_the_end_is_refused_by_line(journal):
    journal.append([("event", "x", {"i": i}) for i in range(4)])
    rows = journal.path.read_bytes().split(b"\n")
    rows[1] = rows[1].replace(b'"i":1', b'"i":7')
    journal.path.write_bytes(b"\n".join(rows))
    with pytest.raises(store.StoreError, match=r"a\.jsonl: line 2 is damaged"):
        store.read(journal.path)


def test_a_newer_schema_is_refused_by_name(tmp_path):
    (tmp_path / "n.jsonl").write_bytes(line({}) + line({}, version=99))
    with pytest.raises(store.StoreError, match="schema 99, this hpcbench knows 1"):
        store.read(tmp_path / "n.jsonl")


def test_a_second_writer_is_refused_even_in_another_process(journal):
    code = "import sys; from pathlib import Path; from hpcbench.store import Journal; Journal(Path(sys.argv[1]), 'r')"
    done = subprocess.run([sys.executable, "-P", "-c", code, journal.path], capture_output=True, text=True)
    assert "another process writes this journal" in done.stderr


def test_a_full_disk_keeps_what_was_acknowledged(journal):
    journal.append([("event", "x", {"i": i}) for i in range(10)])
    before = journal.path.read_bytes()
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, limits[1]))
    try:
        with pytest.raises(store.StoreError, match=r"what was acknowledged before is kept"):
            journal.append([("event", "x", {"i": i}) for i in range(10)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, old)
    assert journal.path.read_bytes() == before
    journal.append([("event", "x", {"after": 1})])
    assert store.read(journal.path)[-1]["body"] == {"after": 1}


def test_no_space_is_named(journal):
    os.dup2(os.open("/dev/full", os.O_RDWR), journal._fd)
    with pytest.raises(store.StoreError, match="no space left"):
        journal.append([("event", "x", {})])


def _killed(path, rng) -> tuple[int, int]:
    """(acknowledged, found) records after a kill at a random moment."""
    writer = subprocess.Popen([sys.executable, "-P", "-c", WRITER, path], stdout=subprocess.PIPE, text=True)
    assert writer.stdout
    acknowledged = int(writer.stdout.readline())
    time.sleep(rng.uniform(0, 0.03))
    writer.kill()
    for text in writer.stdout.read().split("\n"):
        acknowledged = max(acknowledged, int(text or 0))
    writer.wait()
    bodies = [r["body"]["n"] for r in store.read(path)]
    assert bodies == list(range(len(bodies)))
    return acknowledged, len(bodies)


@pytest.mark.parametrize("kills", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_killed_writers_lose_no_acknowledged_record(tmp_path, kills):
    rng = random.Random(11)
    total = 0
    for i in range(kills):
        acknowledged, found = _killed(tmp_path / f"{i}.jsonl", rng)
        assert found >= acknowledged
        total += acknowledged
    assert total > kills


def test_an_empty_folder_says_what_writes_a_journal(tmp_path):
    with pytest.raises(store.StoreError, match="no journal here; hpcbench run writes one"):
        store.journals(tmp_path)
