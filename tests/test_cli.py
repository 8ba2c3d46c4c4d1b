from __future__ import annotations

import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager

import pytest
from tiny import WORDS, sentences, tiny_model
from typer.testing import CliRunner

from analysis import __version__
from analysis.batches import batches
from analysis.cli.commands import app
from analysis.cli.dashboard import address_of, app_path
from analysis.cli.request import usual
from analysis.data import load_data, matched
from analysis.errors import PlaceError
from analysis.evaluation import evaluate
from analysis.handover import upload
from analysis.mask import HeadMask
from analysis.models import load_model
from analysis.scores import rank
from analysis.text import LabelledText, Test
from analysis.tuning import tune

KEYS = (
    "model data split task unit n accuracy low high change measures loss heads_on heads_total baseline flips "
    "seconds"
).split()


@pytest.fixture(scope="module")
def folder(tmp_path_factory, tokenizer):
    """A folder with a tiny DistilBERT, a file of labelled sentences for it, and room for plans."""
    place = tmp_path_factory.mktemp("cli")
    tiny_model("distilbert").save_pretrained(place / "model")
    tokenizer.save_pretrained(place / "model")
    texts, labels = sentences(120)
    with (place / "films.csv").open("w", newline="") as file:
        rows = zip(texts, ("pos" if label else "neg" for label in labels), strict=True)
        csv.writer(file).writerows([("review", "sentiment"), *rows])
    return place


@pytest.fixture
def headcount(folder):
    def run(*arguments, model=True):
        given = ["--model", str(folder / "model"), "--data", str(folder / "films.csv")]
        return CliRunner().invoke(
            app, [*arguments, *(given if model else [])], prog_name="headcount"
        )

    return run


def answer(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_evaluate_answers_with_what_the_package_computes(headcount, folder):
    found = answer(headcount("evaluate", "--off", "0.3,L2.H1", "--json"))
    assert list(found) == KEYS
    subject = load_model(str(folder / "model"))
    data = matched(load_data(folder / "films.csv"), subject.labels)
    mask = HeadMask.off(subject.anatomy, [(0, 3), (2, 1)])
    expected = evaluate(subject, batches(subject, data.split("selection")), mask)
    assert (found["split"], found["n"]) == ("selection", expected.n)
    assert found["accuracy"] == pytest.approx(expected.accuracy)
    assert found["loss"] == pytest.approx(expected.loss)
    assert found["baseline"]["accuracy"] == pytest.approx(expected.baseline.accuracy)
    assert found["change"]["points"] == pytest.approx(expected.change.points)
    flips = found["flips"]
    assert 100 * (flips["fixed"] - flips["broken"]) / found["n"] == pytest.approx(
        found["change"]["points"]
    )
    assert (found["heads_on"], found["heads_total"]) == (10, 12)


def test_masks_are_tried_on_the_selection_split_unless_the_test_split_is_asked_for(headcount):
    tried = headcount("evaluate", "--off", "0.3", "--json", "--limit", "7")
    assert answer(tried)["split"] == "selection"
    assert "measured on the selection split" in tried.stderr
    assert "--split test is for the one that you choose" in tried.stderr
    reported = headcount("evaluate", "--off", "0.3", "--json", "--limit", "7", "--split", "test")
    assert answer(reported)["split"] == "test"
    assert "selection split" not in reported.stderr


def test_data_without_a_selection_split_are_measured_on_their_test_split(capsys):
    only = Test(*sentences(5))
    data = LabelledText("one", ("negative", "positive"), {"test": only}, None)
    assert usual(data) == "test"
    assert "have no selection split: choose nothing by it" in capsys.readouterr().err


def test_all_heads_on_is_no_change(headcount):
    found = answer(headcount("evaluate", "--json"))
    assert found["change"] == {"points": 0.0, "low": 0.0, "high": 0.0}
    assert found["baseline"] == {"accuracy": found["accuracy"], "loss": found["loss"]}


def test_a_limit_a_split_and_mean_ablation_are_obeyed(headcount):
    asked = ("evaluate", "--off", "1.0", "--split", "selection", "--limit", "7", "--json")
    zero, mean = answer(headcount(*asked)), answer(headcount(*asked, "--ablation", "mean"))
    assert zero["n"] == mean["n"] == 7
    assert zero["split"] == "selection"
    assert zero["loss"] != mean["loss"]


def test_every_head_off_is_a_measurement_like_any_other(headcount):
    every = ",".join(f"{layer}.{head}" for layer in range(3) for head in range(4))
    assert answer(headcount("evaluate", "--off", every, "--json"))["heads_on"] == 0


def test_a_tuned_ranking_has_the_weights_that_the_package_chooses(headcount, folder):
    found = answer(headcount("rank", "--method", "hies", "--tuned", "--limit", "12", "--json"))
    subject = load_model(str(folder / "model"))
    data = matched(load_data(folder / "films.csv"), subject.labels)
    calibration = data.split("calibration").limited(12)
    chosen = tune(subject, calibration, data.split("selection"), "hies")
    assert tuple(found["setting"]) == chosen.setting
    order = [(head["layer"], head["head"]) for head in found["heads"]]
    assert order == list(chosen.rank(subject, calibration).order)
    assert "setting" not in answer(headcount("rank", "--method", "magnitude", "--json"))


def test_looks_at_the_test_split_are_counted_over_all_commands(headcount, tmp_path, monkeypatch):
    def said(*arguments):
        result = headcount(*arguments)
        assert result.exit_code == 0, result.output
        return result.stderr

    masked = ("evaluate", "--off", "0.0")
    assert "on the test split so far" not in said(*masked)
    assert "on the test split so far" not in said("evaluate", "--split", "test")
    assert "This is the only measurement on the test split" in said(*masked, "--split", "test")
    assert "This is the only measurement on the test split" in said(*masked, "--split", "test")
    swept = ("sweep", "--methods", "magnitude", "--fractions", "0.5", "--ablation", "zero,mean")
    assert "These are 2 of 3 measurements" in said(*swept, "--split", "test")
    pruned = said("prune", "--off", "0.1", "--rounds", "0", "--repair", "mean")
    assert "of 5 measurements" in pruned or "of 4 measurements" in pruned
    monkeypatch.setenv("HEADCOUNT_DATABASE_URL", f"sqlite:///{tmp_path}/none/plans.db")
    assert "looks at the test split are not counted: the store" in said(*masked, "--split", "test")


def test_a_sweep_that_is_stopped_has_looked_all_the_same(headcount, monkeypatch):
    from analysis import sweep_work

    plain, rows = sweep_work.Work.row, []

    def stopping(work, one):
        if len(rows) == 2:
            raise KeyboardInterrupt
        rows.append(plain(work, one))
        return rows[-1]

    monkeypatch.setattr(sweep_work.Work, "row", stopping)
    result = headcount("sweep", "--methods", "random", "--split", "test", "--limit", "9")
    assert result.exit_code != 0
    assert "These are both measurements on the test split so far" in result.stderr


def test_a_sampled_ranking_says_how_sure_it_is(headcount, folder):
    command = ("rank", "--method", "shapley", "--limit", "12")
    ranked = answer(headcount(*command, "--json"))["heads"]
    subject = load_model(str(folder / "model"))
    data = matched(load_data(folder / "films.csv"), subject.labels)
    found = rank(subject, data.split("calibration").limited(12), "shapley")
    errors = dict(zip(HeadMask.full(subject.anatomy).on_heads, found.errors, strict=True))
    for head in ranked:
        assert head["error"] == pytest.approx(errors[head["layer"], head["head"]])
    assert "standard error above" in headcount(*command).stdout
    assert "error" not in answer(headcount("rank", "--method", "magnitude", "--json"))["heads"][0]


def test_a_ranking_becomes_a_plan_that_evaluate_takes(headcount, folder):
    plan = str(folder / "plan.json")
    ranked = answer(
        headcount("rank", "--method", "magnitude", "--keep", "5", "--save", plan, "--json")
    )
    assert [len(ranked["heads"]), len(ranked["off"].split(","))] == [12, 7]
    scores = [head["score"] for head in ranked["heads"]]
    assert scores == sorted(scores, reverse=True)
    by_plan = answer(headcount("evaluate", "--plan", plan, "--json"))
    by_heads = answer(headcount("evaluate", "--off", ranked["off"], "--json"))
    by_plan["seconds"] = by_heads["seconds"] = 0
    assert by_plan == by_heads


def test_profile_gives_a_row_for_each_head(headcount):
    found = answer(headcount("profile", "--json", "--limit", "9"))
    assert (found["split"], found["n"], len(found["heads"])) == ("calibration", 9, 12)
    assert all(0 <= head["entropy"] <= 1 and "entropy_se" in head for head in found["heads"])


def test_sweep_gives_a_row_for_each_method_fraction_and_seed(headcount):
    found = answer(
        headcount(
            "sweep", "--methods", "magnitude,random", "--fractions", "0,0.5", "--seeds", "0,1",
            "--limit", "10", "--json", "--margin", "40",
        )
    )  # fmt: skip
    assert found["margin"] == 40
    assert {row["negligible"] for row in found["rows"]} <= {"yes", "no", "undecided"}
    assert {row["negligible"] for row in found["rows"] if row["heads_on"] == 12} == {"yes"}
    assert len(found["rows"]) == 2 + 2 * 2
    assert {row["heads_on"] for row in found["rows"]} == {6, 12}


def test_prune_answers_with_every_number(headcount, tmp_path):
    found = json.loads(
        headcount(
            "prune", "--off", "0.0,1.2", "--repair", "mean", "--out", str(tmp_path / "out"),
            "--length", "16", "--rounds", "2", "--json",
        ).stdout
    )  # fmt: skip
    assert found["heads"] == [3, 3, 4]
    assert found["parity"] < 1e-4
    assert found["parameters"]["after"] < found["parameters"]["before"]
    assert found["flops"]["after"] < found["flops"]["before"]
    assert set(found["accuracy"]) >= {"before", "masked", "removed"}
    low, high = found["latency"]["ratio_intervals"]["removed"]
    assert low <= found["latency"]["ratios"]["removed"] <= high
    assert found["written"]["parity"][0]["passed"]
    assert {file["name"] for file in found["written"]["files"]} >= {"plan.json", "README.md"}


@pytest.mark.parametrize("refused", [False, True])
def test_an_upload_comes_after_the_numbers_and_loses_none_of_them(
    headcount, tmp_path, monkeypatch, refused
):
    def push(folder, repository):
        assert (folder / "model.safetensors").is_file()
        if refused:
            raise PlaceError("the hub refused the upload")
        return f"https://huggingface.co/{repository}"

    monkeypatch.setattr(upload, "account", lambda: "ada")
    monkeypatch.setattr(upload, "push", push)
    result = headcount(
        "prune", "--off", "0.0", "--out", str(tmp_path / "out"), "--rounds", "0", "--limit", "5",
        "--push", "ada/small", "--yes",
    )  # fmt: skip
    assert "removed against masked" in result.stdout
    assert ("uploaded to https://huggingface.co/ada/small" in result.stdout) is not refused
    assert ("the hub refused the upload" in result.stderr) is refused
    assert (result.exit_code != 0) is refused


@pytest.mark.parametrize("command", ["profile", "rank", "evaluate", "sweep"])
def test_people_get_tables(headcount, command):
    result = headcount(command, "--limit", "10")
    assert result.exit_code == 0, result.output
    assert "films.csv" in result.stderr
    assert result.stdout.strip()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evaluate", "--off", "9.9"), "there is no layer 9: the model has layers 0 to 2"),
        (("evaluate", "--off", "1.9"), "there is no head 1.9: layer 1 has heads 0 to 3"),
        (("evaluate", "--off", "x"), "cannot read 'x' as a head"),
        (("evaluate", "--split", "tst"), "unknown split 'tst'; did you mean 'test'"),
        (("evaluate", "--ablation", "men"), "unknown ablation 'men'; did you mean 'mean'"),
        (("evaluate", "--plan", "none.json"), "cannot read the plan none.json"),
        (("evaluate", "--plan", "none.json", "--off", "0.0"), "either --off or --plan"),
        (("evaluate", "--labels", "neg=0"), "no output of the model is given for 'pos'"),
        (("evaluate", "--text-column", "txt"), "unknown column 'txt'"),
        (("rank", "--method", "magnitud"), "unknown method 'magnitud'; did you mean 'magnitude'"),
        (
            ("rank", "--method", "taylor", "--tuned"),
            "'taylor' has nothing to tune; attention-guided",
        ),
        (("rank", "--split", "test"), "heads are scored on the calibration split"),
        (("rank", "--keep", "99"), "cannot keep 99 heads"),
        (("rank", "--save", "a.json"), "give --keep with --save"),
        (("sweep", "--methods", "magnitud"), "unknown method 'magnitud'"),
        (("sweep", "--fractions", "2"), "the fraction 2.0 is not between 0 and 1"),
        (("sweep", "--margin", "0"), "the margin must be above 0 points and at most 100, not 0"),
        (("sweep", "--fractions", "a"), "cannot read 'a' as fractions"),
        (("sweep", "--ablation", "men"), "unknown ablation 'men'"),
        (("prune",), "either --plan FILE or --off"),
        (("prune", "--off", "0.0", "--onnx"), "need --out FOLDER"),
        (("prune", "--off", "0.0", "--repair", "mend"), "unknown repair 'mend'"),
        (("prune", "--plan", "none.json"), "cannot read the plan none.json"),
        (("prune", "--off", "0.0", "--dtype", "int8"), "unknown dtype 'int8'"),
        (("prune", "--off", "0.0", "--split", "tst"), "unknown split 'tst'; did you mean 'test'"),
        (("prune", "--off", "", "--out", "new"), "switches no head off"),
    ],
)
def test_what_cannot_be_done_gets_one_sentence(headcount, arguments, sentence):
    result = headcount(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert sentence in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("evaluate", "--model", "./nothing-here"), "headcount: "),
        (("evaluate", "--data", "none.csv"), "there is no file none.csv"),
        (("evaluate", "--data", "a/b/c"), "should end in one of .csv"),
    ],
)
def test_sources_that_are_nothing_get_one_sentence(headcount, folder, arguments, sentence):
    result = headcount(*arguments, model=False)
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert sentence in result.stderr


def test_an_error_of_our_own_is_one_sentence_too(headcount, monkeypatch):
    monkeypatch.setattr("analysis.mask.HeadMask.off", lambda *_: 1 / 0)
    result = headcount("evaluate", "--off", "0.0")
    assert result.exit_code == 1
    assert "an error in Headcount itself (ZeroDivisionError" in result.stderr


def test_the_version_and_the_help_come_without_pytorch():
    for arguments, text in ((["--version"], __version__), (["evaluate", "--help"], "--ablation")):
        code = f"import sys; from analysis.cli.commands import app; app({arguments!r}, standalone_mode=False)"
        code += "; assert 'torch' not in sys.modules and 'streamlit' not in sys.modules"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert text in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        ("sweep", "--methods", "magnitude", "--save"),
        ("rank", "--method", "magnitude", "--keep", "5", "--save"),
    ],
)
def test_a_file_that_holds_something_else_is_not_overwritten(headcount, folder, command):
    films = folder / "films.csv"
    before = films.read_bytes()
    result = headcount(*command, str(films))
    assert result.exit_code == 2
    assert "films.csv is there already and is no" in result.stderr
    assert films.read_bytes() == before


def test_a_plan_is_not_judged_on_the_sentences_that_chose_it(headcount, folder):
    data = load_data(str(folder / "films.csv"))
    leaked = folder / "leaked.csv"
    names = ("neg", "pos")
    with leaked.open("w", newline="") as file:
        rows = [(t, names[n]) for t, n in zip(*vars(data.split("test")).values(), strict=True)]
        csv.writer(file).writerows([("review", "sentiment"), *rows])
    plan = str(folder / "leaked.json")
    ranked = headcount(
        *("rank", "--model", str(folder / "model"), "--data", str(leaked)),
        *("--method", "taylor", "--keep", "5", "--save", plan),
        model=False,
    )
    assert ranked.exit_code == 0, ranked.stderr
    for command in (
        ("evaluate", "--split", "test", "--plan", plan),
        ("prune", "--rounds", "0", "--plan", plan),
        ("report", "--test", "--plan", plan, "--out", str(folder / "leaked.html")),
    ):
        result = headcount(*command)
        assert result.exit_code == 2
        assert "'taylor, 5 heads' was chosen by texts that are in the test split" in result.stderr
    assert headcount("evaluate", "--split", "selection", "--plan", plan).exit_code == 0


def test_a_plan_that_was_written_may_be_written_anew(headcount, folder):
    plan = str(folder / "again.json")
    for keep in ("5", "6"):
        given = ("rank", "--method", "magnitude", "--keep", keep, "--save", plan)
        assert headcount(*given).exit_code == 0
    assert json.loads((folder / "again.json").read_text())["name"] == "magnitude, 6 heads"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (("profile", "--split", "test"), "nothing is chosen on the test split"),
        (
            ("evaluate", "--split", "calibration", "--off", "0.1", "--ablation", "mean"),
            "the heads' mean output is made of the calibration split",
        ),
        (
            ("prune", "--split", "calibration", "--off", "0.1", "--repair", "least-squares"),
            "a repair is made of the calibration split",
        ),
        (("sweep", "--seeds", "5-1"), "the seeds 5-1 are 0; write"),
        (("sweep", "--seeds", "0-99999"), "the seeds 0-99999 are 100,000; write"),
        (("sweep", "--methods", ""), "unknown method ''"),
        (("sweep", "--margin", "inf"), "at most 100, not inf"),
    ],
)
def test_what_would_mislead_is_refused_with_the_reason(headcount, command, sentence):
    result = headcount(*command)
    assert result.exit_code == 2
    assert sentence in " ".join(result.stderr.split())


def test_the_address_names_what_is_not_built_in():
    assert address_of("localhost", 8501, "demo", "demo") == "http://localhost:8501/"
    assert address_of("0.0.0.0", 80, "a/b", "demo") == "http://localhost:80/?model=a%2Fb"
    assert address_of("::1", 80, "demo", "x y.csv") == "http://[::1]:80/?data=x+y.csv"


def test_the_dashboard_is_the_one_of_this_checkout():
    assert (app_path().parent / "pyproject.toml").is_file()


PRESSED_BETWEEN_TWO_STEPS = """
import os, signal, sys
from analysis import cli
from analysis.cli import output
finish = output.finish

def told(step):
    if step.result is not None and len(step.result) > 1:
        os.kill(os.getpid(), signal.SIGINT)

output.finish = lambda steps, tell=None: finish(steps, told)
cli.main()
"""


def test_a_sweep_that_is_stopped_between_two_steps_writes_what_it_has(folder):
    table = folder / "stopped.csv"
    given = ("--model", folder / "model", "--data", folder / "films.csv", "--save", table)
    arguments = ("sweep", "--methods", "magnitude", "--fractions", "0.25,0.5,0.75", *given)
    done = subprocess.run(
        [sys.executable, "-c", PRESSED_BETWEEN_TWO_STEPS, *map(str, arguments)],
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert (done.returncode, done.stderr.splitlines()[-1]) == (130, "headcount: stopped")
    assert len(table.read_text().splitlines()) == 3  # the names of the columns, and two rows


@pytest.mark.parametrize("option", ["--split", "--limit"])
def test_a_report_is_of_whole_splits_and_asks_for_none(headcount, folder, option):
    result = headcount("report", "--plan", "p.json", "--out", "r.html", option, "5")
    assert result.exit_code == 2
    assert f"No such option: {option}" in result.stderr


def test_a_port_in_use_is_refused_and_by_default_passed_over():
    with socket.create_server(("localhost", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["--port", str(port), "--headless"])
    assert result.exit_code == 2
    assert f"port {port} is in use" in result.stderr
    result = CliRunner().invoke(app, ["--host", "no.such.host.invalid", "--headless"])
    assert "is not an address of this machine" in result.stderr


@contextmanager
def started(*arguments, python=()):
    process = subprocess.Popen(
        [sys.executable, *python, "-m", "analysis.cli", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        # Started from a shell's background, tests ignore SIGINT, and so would what they start.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    "imported",
    ["analysis.errors", "numpy.exceptions", "torch.storage", "transformers", "encodings.utf_8_sig"],
    ids=["at the start", "in NumPy", "in PyTorch", "in transformers", "reading texts"],
)
def test_ctrl_c_ends_a_command_with_a_short_line(folder, imported):
    texts = folder / "many.csv"
    if not texts.exists():
        rows = [(" ".join(WORDS), number % 2) for number in range(200_000)]
        with texts.open("w", newline="") as file:
            csv.writer(file).writerows(
                [("text", "label"), *((f"{t} {n}", label) for n, (t, label) in enumerate(rows))]
            )
    command = ("evaluate", "--model", str(folder / "model"), "--data", str(texts))
    with started(*command, python=("-X", "importtime")) as process:
        for line in process.stderr:
            if line.split("|")[-1].strip() == imported:
                break
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert errors.splitlines()[-1] == "headcount: stopped"


def test_the_dashboard_gives_its_address_before_anything_large_is_imported():
    code = (
        "import sys; from analysis.cli import dashboard; "
        "dashboard._import_what_draws = lambda: sys.exit(bool({'torch', 'streamlit'} & {*sys.modules})); "
        "dashboard.start(port=None, host='localhost', browser=False, model='demo', data='demo')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Headcount is at http://localhost:")


@pytest.mark.slow
def test_the_dashboard_answers_at_its_address_until_ctrl_c(folder):
    model = str(folder / "model")
    with started("--headless", "--model", model, "--data", str(folder / "films.csv")) as process:
        line = process.stdout.readline()
        address = next(word for word in line.split() if word.startswith("http://"))
        assert "model=" in address
        health = address.split("?")[0] + "_stcore/health"
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                with urllib.request.urlopen(health, timeout=5) as reply:
                    assert reply.status == 200
                    break
            except OSError:
                time.sleep(0.1)
        else:
            pytest.fail("the server did not answer within a minute")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors
    assert (process.returncode, output.strip()) == (0, "Stopping...")


def test_heads_are_looked_at_and_scored_on_texts_without_labels(headcount, folder):
    texts, _ = sentences(60)
    (folder / "alone.txt").write_text("\n\n".join(texts))
    model = ("--model", str(folder / "model"), "--data", str(folder / "alone.txt"))
    for command in (
        ("profile",),
        ("rank", "--method", "entropy-low"),
        ("rank", "--method", "greedy"),
    ):
        found = headcount(*command, *model, "--json", model=False)
        assert found.exit_code == 0, found.output
        assert len(json.loads(found.stdout)["heads"]) == 12
    found = headcount("rank", "--method", "taylor", *model, model=False)
    assert found.exit_code != 0
    assert "needs labels, and texts of the calibration split have none" in found.output
    assert headcount("evaluate", *model, model=False).exit_code != 0
