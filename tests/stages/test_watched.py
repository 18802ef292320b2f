"""An instrument that is there but does not start (where processes may not change their personality, for one)."""

from dataclasses import replace

import pytest
from judges import judged
from races import candidate

from hpcbench import instrument

BROKEN = ("/bin/false",)


@pytest.mark.parametrize(("name", "model"), [("address", "serial"), ("thread", "openmp")])
def test_an_instrument_that_does_not_start_is_not_checked(name, model, tmp_path, monkeypatch):
    found = replace(getattr(instrument, name)(), prefix=BROKEN)
    monkeypatch.setattr(instrument, name, lambda: found)
    result = judged(candidate("return honest(in, out);", model=model), tmp_path)
    stage = next(s for s in result.stages if s.name == {"address": "sanitize", "thread": "races"}[name])
    assert (stage.code, result.verdict) == ("not_checked", "correct"), result.stages
    assert "ended at start" in stage.message
