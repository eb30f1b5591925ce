"""What a service has done before it answers its first request."""

import sys

import pytest

from tests.adapters.inbound.http.service import running
from vehicle_anomaly.core import forest


def test_what_scores_is_compiled_before_the_first_request(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    compiled: list[bool] = []
    monkeypatch.setattr(forest, "warm_up", lambda: compiled.append(True))
    with running(tmp_path_factory.mktemp("store")):
        assert compiled == [True]


def test_threads_that_train_take_short_turns_while_it_serves(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.005)
    try:
        with running(tmp_path_factory.mktemp("store")):
            assert sys.getswitchinterval() == pytest.approx(0.0005)
        assert sys.getswitchinterval() == pytest.approx(0.005)
    finally:
        sys.setswitchinterval(before)
