"""What is built in: Pingdom and Heroku, history, graph and limits, over HTTP against the sandbox."""

import contextlib
import json
import os
import subprocess
import urllib.request
from pathlib import Path

import autoscale
import pytest
from autoscale import Autoscaler, Config, EventKind, Outcome
from conftest import LONG

class Sandbox:
    """A sandbox of its own for each test."""

    def __init__(self, folder, *options):
        self.config = Path(folder) / "sandbox.ini"
        command = [os.environ["AUTOSCALE_BINARY"], "sandbox", "--write-config", self.config, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.urls = json.loads(self.process.stdout.readline())

    def seen(self):
        with urllib.request.urlopen(self.urls["heroku_url"] + "/_sandbox", timeout=LONG) as answer:
            return json.load(answer)

    def load(self, **settings):
        """Its configuration, with settings added to [AUTOSCALE_SETTINGS]."""
        added = "".join(f"\n{key}: {value}" for key, value in settings.items())
        return Config.from_ini(self.config.read_text().replace("[AUTOSCALE_SETTINGS]", f"[AUTOSCALE_SETTINGS]{added}"))

    def end(self):
        self.process.terminate()
        self.process.communicate(timeout=LONG)


@contextlib.contextmanager
def sandbox(folder, *options):
    started = Sandbox(folder, *options)
    try:
        yield started
    finally:
        started.end()


def test_one_check_scales_the_app_and_is_recorded(tmp_path):
    history, graphs = tmp_path / "history.jsonl", tmp_path / "graphs"
    # More than two dynos can take.
    with sandbox(tmp_path, "--load", "flat=40") as app:
        config = app.load(history_file=history, plot=True, graphs_folder=graphs)
        decision = Autoscaler(config).check_once()
        seen = app.seen()
    assert decision.target == 4
    assert [(patch["from"], patch["quantity"]) for patch in seen["patches"]] == [(2, 4)]
    assert json.loads(history.read_text().splitlines()[-1])["applied"] == 4
    assert any(path.read_bytes().startswith(b"\x89PNG") for path in graphs.iterdir())


def test_a_loop_goes_on_until_the_app_is_well(tmp_path):
    with sandbox(tmp_path, "--load", "flat=40", "--speed", "30") as app:
        with Autoscaler(app.load()) as scaler:
            for event in scaler.events(timeout=LONG):
                if event.kind is EventKind.CHECKED and event.outcome is Outcome.HELD and event.data["dynos"] > 2:
                    scaler.request_stop()
        assert app.seen()["dynos"] > 2
        assert event.kind is EventKind.STOPPED


def test_dry_run_sends_no_change(tmp_path):
    with sandbox(tmp_path, "--load", "flat=40") as app:
        scaler = Autoscaler(app.load())
        scaler.set_dry_run(True)
        assert scaler.check_once().target == 4
        assert app.seen()["patches"] == []


def test_shadow_mode_sends_no_change_and_is_not_switched_off(tmp_path):
    history = tmp_path / "history.jsonl"
    with sandbox(tmp_path, "--load", "flat=40") as app:
        scaler = Autoscaler(app.load(debug="shadow", history_file=history))
        assert scaler.check_once().target == 4
        with pytest.raises(autoscale.StateError, match="debug: shadow"):
            scaler.set_dry_run(False)
        assert scaler.check_once().target == 4, "wanted again: what was only decided counts as no change"
        assert app.seen()["patches"] == []
    events = [json.loads(line) for line in history.read_text().splitlines()]
    checks = [event for event in events if event["event"] == "checked"]
    assert [(check["shadow"], check["outcome"]) for check in checks] == [(True, "would_scale")] * 2


def test_handles_share_what_a_token_may_still_ask(tmp_path):
    with sandbox(tmp_path, "--fault", "pingdom:429=3000") as app:
        for _ in range(3):
            # Each a handle of its own, as for the apps of one account.
            with pytest.raises(autoscale.SourceError, match="429|rate limit"):
                Autoscaler(app.load()).check_once()
        assert app.seen()["results_reads"] == 1
        other = app.config.read_text().replace(app.urls["pingdom_api_key"], "another-token")
        with pytest.raises(autoscale.SourceError):
            Autoscaler(Config.from_ini(other)).check_once()
        assert app.seen()["results_reads"] == 2


def test_a_wrong_key_is_named_as_the_setting_to_mend(tmp_path):
    with sandbox(tmp_path) as app:
        wrong = app.config.read_text().replace(app.urls["heroku_api_key"], "0123-wrong")
        with pytest.raises(autoscale.TargetError, match=r"\[HEROKU_INFOS\] api_key") as raised:
            Autoscaler(Config.from_ini(wrong)).check_once()
        assert "0123-wrong" not in str(raised.value)
