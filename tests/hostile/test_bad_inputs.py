"""Sixty-six things that go wrong outside, and what the user sees: exit code, one line, nothing on stdout."""

# ruff: noqa: E501 - a table reads better than its folds

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pmlcli.lifecycle import isolation
from pmlcli.store import fsio
from pmlcli.store.publish import Publication
from tests.cli.conftest import FAST, Run, write_csv
from tests.cli.test_bad_input import files_in
from tests.hostile import attacks
from tests.hostile.directories import FOREST, all_cases, make_bases, resealed

HEADER = "case_id,activity,timestamp\n"
ROWS = "".join(f"{c},{a},2024-01-0{d}T10:00:00Z\n" for c in range(20) for d, a in enumerate("abc", 1))
EVENT = '<string key="concept:name" value="a"/><date key="time:timestamp" value="2024-01-01T00:00:00Z"/>'


def xes(event: str = EVENT, trace: str = '<string key="concept:name" value="1"/>', start: str = "") -> str:
    return f'<?xml version="1.0"?>{start}<log><trace>{trace}<event>{event}</event></trace></log>'


@dataclass(frozen=True)
class Bad:
    """Row `number`: what stands in the place, the command, and what comes of it."""

    number: int
    what: str
    arguments: Sequence[str]
    code: int
    words: Sequence[str] = ()
    make: Callable[[Path], Any] = lambda place: None


def log(
    number: int,
    what: str,
    content: str | bytes,
    *words: str,
    name: str = "log.csv",
    code: int = 3,
    options: str = "",
) -> Bad:
    """A log that `inspect` is given."""
    data = content.encode() if isinstance(content, str) else content
    arguments = ["inspect", name, *options.split()]
    return Bad(number, what, arguments, code, words, lambda place: (place / name).write_bytes(data))


def train(
    number: int, what: str, options: str, code: int, *words: str, make: Any = lambda place: None
) -> Bad:
    return Bad(number, what, ["train", *options.split()], code, words, make)


def directory(number: int, what: str, case: str, *words: str, code: int = 5) -> Bad:
    """A hostile directory that `predict` is given."""
    change = all_cases()[case]
    base = "FOREST" if change.base == FOREST else "MODEL"
    return Bad(
        number, what, ["predict", base, "LOG"], code, words, lambda place: change.change(place / "model")
    )


def bomb(place: Path) -> None:
    with gzip.open(place / "log.xes.gz", "wb", compresslevel=9) as file:
        file.write(b'<?xml version="1.0"?><log>')
        for _ in range(70):
            file.write(b" " * 1_000_000)


NEST = '<list key="a"><values>' * 1000 + "</values></list>" * 1000

LOGS = [
    Bad(1, "log missing", ["inspect", "none.csv"], 3, ["none.csv", "no such file"]),
    Bad(2, "log is a directory", ["convert", "dir.csv", "-o", "x.csv"], 3, ["directory"],
        lambda place: (place / "dir.csv").mkdir()),
    Bad(2, "log is a pipe", ["inspect", "p.csv"], 3, ["not a regular file"], lambda place: os.mkfifo(place / "p.csv")),
    Bad(2, "log is a device", ["inspect", "/dev/zero"], 3, ["not a regular file"]),
    log(3, "0 bytes", "", "empty"),
    log(4, "header only", HEADER, "no events"),
    log(4, "traces without events", '<?xml version="1.0"?><log><trace/></log>', "no events", name="log.xes"),
    log(5, "XES cut off", xes()[:-20], "line 1", "incomplete", name="log.xes"),
    log(6, "HTML page", "<html><body>no</body></html>", "<html>, not <log>", name="page.xes"),
    log(7, "CSV named XES", HEADER + ROWS, "not XML", "csv", name="log.xes"),
    log(8, "billion laughs", xes(start='<!DOCTYPE x [<!ENTITY a "b">]>'), "DTD", name="log.xes"),
    log(9, "external entity", xes(start='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "DTD", name="log.xes"),
    log(10, "gzip cut off", gzip.compress((HEADER + ROWS).encode())[:-20], "gzip", "cut off", name="log.csv.gz"),
    log(11, "gzip damaged", gzip.compress((HEADER + ROWS).encode())[:-8] + bytes(8), "gzip", "damaged", name="log.csv.gz"),
    Bad(12, "gzip bomb", ["inspect", "log.xes.gz"], 3, ["--max-ratio"], bomb),
    log(13, "plain file named gz", HEADER + ROWS, name="log.csv.gz", code=0),
    log(14, "NUL byte", HEADER + "1,a\0b,2024-01-01\n", "NUL"),
    log(15, "broken UTF-8", (HEADER + "1,a,2024-01-01\n").encode() + b"2,\xff\xfe,2024-01-01\n",
        "line 3, byte 3", "not UTF-8", "--encoding"),
    log(16, "unknown XML encoding", xes().replace('"1.0"', '"1.0" encoding="x-foo-42"', 1), "unknown encoding", "x-foo-42",
        name="log.xes"),
    log(17, "10^6 attributes", xes("".join(f'<string key="k{i}" value="v"/>' for i in range(5000))),
        "attribute", "more than", name="log.xes"),
    log(18, "nested lists", xes(EVENT + NEST), "nested deeper than 64", name="log.xes"),
    log(19, "a value of 20 MB", xes(f'<string key="concept:name" value="{"x" * 20_000_000}"/>'), "line 1", "longer than 1 MB",
        name="log.xes"),
    log(20, "attribute twice", xes(EVENT + '<string key="concept:name" value="b"/>'), "'concept:name' given twice", "line 1", name="log.xes"),
    log(21, "yesterday", HEADER + ROWS + "1,a,yesterday\n", "yesterday", "62"),
    log(21, "30 February", HEADER + ROWS + "1,a,2024-02-30T10:00:00Z\n", "2024-02-30"),
    log(22, "no zone", HEADER + "1,a,2024-01-01T10:00:00\n1,b,2024-01-01T11:00:00\n", code=0),
    log(23, "year 10000", HEADER + ROWS + "1,a,10000-01-01T10:00:00Z\n", "10000"),
    log(24, "column missing", "case,what\n1,a\n", "what"),
    log(25, "other delimiter", "case_id;activity\n1;a\n", "delimiter", options="--delimiter ,"),
    log(26, "header twice", "case_id,activity,activity\n1,a,b\n", "activity"),
    log(27, "too many fields", HEADER + ROWS + "1,a,2024-01-01,x\n", "62"),
    log(27, "too few fields", HEADER + ROWS + "1\n", "62"),
    log(28, "open quote", HEADER + ROWS + '1,"a,2024-01-01\n', "62"),
    log(29, "empty case", HEADER + ROWS + ",a,2024-01-01T10:00:00Z\n", "62"),
    log(29, "empty case dropped", HEADER + ROWS + ",a,2024-01-01T10:00:00Z\n", code=0, options="--on-bad-row drop"),
    log(30, "odd ids", HEADER + "001,a,2024-01-01\nNA,null,2024-01-01\n9007199254740993,1e5,2024-01-01\n", code=0),
    train(31, "one case", f"one.csv -a {FAST}", 3, "at least 10 cases",
          make=lambda place: (place / "one.csv").write_text(HEADER + "1,a,2024-01-01\n1,b,2024-01-02\n")),
    Bad(33, "unseen activity", ["predict", "MODEL", "new.csv", "--cases", "all"], 0, ["warning", "Never"],
        lambda place: (place / "new.csv").write_text(write_csv(place / "new.csv", 20).read_text().replace(
            "Approve", "Never"))),
    Bad(34, "column missing", ["predict", "FOREST", "new.csv"], 3, ["timestamp"],
        lambda place: (place / "new.csv").write_text("case_id,activity,resource,amount\n1,a,b,2\n")),
    Bad(35, "hostile activity", ["predict", "MODEL", "new.csv", "--cases", "all"], 0, ["\\x1b"],
        lambda place: (place / "new.csv").write_text(write_csv(place / "new.csv", 20).read_text().replace(
            "Approve", "=1+1\x1b[31m[/foo]"))),
]  # fmt: skip

MODELS = [
    Bad(36, "model missing", ["predict", "none", "LOG"], 4, ["none", "no model"]),
    directory(37, "no manifest", "no manifest", "manifest.json", "found nothing"),
    *(directory(38, case, case, "manifest.json") for case in (
        "cut manifest", "duplicate key", "NaN", "deep brackets", "5000 digits", "more than 1 MB")),
    directory(39, "newer schema", "schema 2", "newer pmlcli", code=4),
    directory(40, "unknown algorithm", "unknown algorithm", "unknown algorithm", code=4),
    directory(40, "module as algorithm", "module as algorithm", "model_type"),
    *(directory(41, case, case, "filename") for case in ("path ../secret", "absolute path", "NUL in a path")),
    *(directory(42, case, case, "symbolic link") for case in ("artifact is a link", "artifacts is a link")),
    directory(43, "artifact is a pipe", "artifact is a pipe", "a pipe"),
    directory(44, "artifact absent", "artifact absent", "model.json", "nothing"),
    directory(44, "unlisted artifact", "unlisted artifact", "not listed"),
    directory(45, "one bit", "a bit flipped", "SHA-256"),
    directory(46, "size", "size 10^12", "size_bytes"),
    directory(46, "other size", "size off by one", "bytes"),
    directory(47, "hostile pickle", "pickle: system-in-state", "model.joblib", "system"),
    directory(48, "another class", "another class", "StandardScaler"),
    directory(49, "compressed", "compressed joblib", "model.joblib"),
    directory(49, "zlib bomb", "zlib bomb of 1 GB", "not an uncompressed"),
    directory(50, "crafted tree", "forest: tree-child-outside", "tree"),
    directory(50, "looping tree", "forest: tree-child-itself", "tree"),
    directory(53, "threshold NaN", "threshold is NaN", "threshold.json"),
    directory(53, "threshold text", "threshold is text", "threshold.json", "finite number"),
    directory(53, "threshold absent", "threshold absent", "threshold.json", "finite number"),
    Bad(58, "output exists", ["train", "LOG", "-a", FAST, "-o", "out"], 2, ["--force"],
        lambda place: shutil.copytree(place / "model", place / "out")),
    Bad(59, "output is no model", ["train", "LOG", "-a", FAST, "-o", "out", "--force"], 2, ["not a pmlcli model"],
        lambda place: ((place / "out").mkdir(), (place / "out/thesis.txt").write_text("x"))),
    Bad(60, "output in a file", ["train", "LOG", "-a", FAST, "-o", "file/out"], 74, ["not a directory"],
        lambda place: (place / "file").write_text("")),
    train(66, "seed", f"LOG -a {FAST} --seed abc", 2, "--seed"),
    train(66, "negative trees", "none.csv -a isolation-forest -p n_estimators=-1", 2, "n_estimators"),
    train(66, "contamination", "none.csv -a isolation-forest --contamination 2", 2, "contamination"),
]  # fmt: skip


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    pytest.importorskip("torch")
    return make_bases(tmp_path_factory.mktemp("bases"))


def told(result: Any, bad: Bad) -> None:
    """The code, the words, one line and a hint, and stdout as it must be."""
    assert result.exit_code == bad.code, result.output
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    for word in bad.words:
        assert word in result.output, result.output
    if bad.code:
        lines = [
            line
            for line in result.stderr.splitlines()
            if not line.startswith(("read ", "columns", "time zone"))
        ]
        assert result.stdout == ""
        lines = [
            line for line in lines if not line.startswith(("training ", "warning: ", "note: ", "left out"))
        ]
        assert lines[0].startswith("error: "), result.stderr
        assert len(lines) == 1 or (len(lines) == 2 and lines[1].startswith("hint: ")), result.stderr


@pytest.mark.parametrize("bad", [*LOGS, *MODELS], ids=lambda bad: f"{bad.number}-{bad.what}")
def test_bad_input(bad: Bad, run: Run, place: Path, csv_log: Path, bases: dict[str, Path]) -> None:
    base = bases[FOREST] if "FOREST" in bad.arguments else bases[FAST]
    shutil.copytree(base, place / "model")
    bad.make(place)
    names = {"MODEL": "model", "FOREST": "model", "LOG": str(csv_log)}
    before = sorted(place.rglob("*"))
    told(run(*[names.get(word, word) for word in bad.arguments]), bad)
    assert sorted(place.rglob("*")) == before


# --- what needs more than a file


@pytest.mark.parametrize("value", ["inf", "-inf", "nan", "many"])
def test_32_a_number_that_is_none(run: Run, place: Path, value: str) -> None:
    log_file = write_csv(place / "log.csv", 40)
    forest = ("train", "log.csv", "-a", "isolation-forest", "-p", "n_estimators=5")
    numbers = (*forest, "-p", "numerical_features=amount")
    assert run(*numbers, "-o", "m", "-q").exit_code == 0
    lines = log_file.read_text().splitlines()
    lines[5] = lines[5].rpartition(",")[0] + f",{value}"
    log_file.write_text("\n".join(lines))
    named = ["column 'amount'", f"'{value}'", "case 'PO-0000'"]
    told(run(*numbers, "-o", "n"), Bad(32, "", [], 3, named))
    told(run("predict", "m", "log.csv"), Bad(32, "", [], 3, ["column 'amount'", "text", "number"]))
    # Nobody asked for numbers: the column is text, and no score is lost.
    assert run(*forest, "-o", "n", "-q").exit_code == 0
    assert "nan" not in run("predict", "n", "log.csv").stdout.lower()


def boosted_tree(**changes: list[int]) -> Callable[[dict[str, bytes]], Any]:
    """The first tree of model.json with other node lists."""

    def change(files: dict[str, bytes]) -> None:
        document = json.loads(files["model.json"])
        tree = document["learner"]["gradient_booster"]["model"]["trees"][0]
        for name, start in changes.items():
            tree[name][: len(start)] = start
        files["model.json"] = json.dumps(document).encode()

    return change


CRAFTED = {
    "a million brackets": lambda files: files.update({"model.json": b"[" * 1_000_000}),
    "nothing": lambda files: files.update({"model.json": b"{}"}),
    "no trees": lambda files: files.update({"model.json": b'{"learner": {}, "version": [1, 2, 3]}'}),
    "a child outside": boosted_tree(left_children=[10**6]),
    "a child that is itself": boosted_tree(left_children=[0]),
    "a child before": boosted_tree(left_children=[-7]),
    "a feature outside": boosted_tree(split_indices=[10**6]),
}


@pytest.fixture(scope="session")
def boosted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("xgboost")
    from tests.contract.cases import trained

    return trained("forecast/xgboost").save(tmp_path_factory.mktemp("boosted") / "m").path


@pytest.mark.parametrize("crafted", CRAFTED)
def test_51_a_crafted_xgboost_model(run: Run, place: Path, boosted: Path, crafted: str) -> None:
    shutil.copytree(boosted, place / "m")
    resealed(CRAFTED[crafted])(place / "m")
    brackets = crafted == "a million brackets"
    words = ["model.json", "nested deeper than 64" if brackets else "xgboost model structure is invalid"]
    for command in (["predict", "m"], ["predict", "m", "--no-isolation"]):
        told(run(*command, "-q"), Bad(51, "", [], 5, words))


def test_52_a_model_that_crashes_compiled_code(
    run: Run,
    model: Path,
    csv_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pmlcli.lifecycle.artifacts.restore", lambda *_: os.abort())
    told(run("predict", model, csv_log, "-q"), Bad(52, "", [], 4, ["crashed (SIGABRT)"]))
    monkeypatch.setattr("pmlcli.lifecycle.artifacts.restore", lambda *_: os._exit(0))
    told(run("predict", model, csv_log, "-q"), Bad(52, "", [], 4, ["without an answer"]))


def test_52_a_model_that_hangs(
    run: Run,
    model: Path,
    csv_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def forever(*_: Any) -> Any:
        while True:
            pass

    monkeypatch.setattr("pmlcli.lifecycle.artifacts.restore", forever)
    monkeypatch.setattr(isolation, "CPU_SECONDS", 1.0)
    monkeypatch.setattr(isolation, "CPU_SECONDS_PER_EVENT", 0.0)
    told(run("predict", model, csv_log, "-q"), Bad(52, "", [], 4, ["processor time"]))


def test_54_another_version_of_scikit_learn(
    run: Run,
    place: Path,
    bases: dict[str, Path],
    csv_log: Path,
) -> None:
    shutil.copytree(bases[FOREST], place / "m")
    resealed(lambda files: files.update(other_version(files)))(place / "m")
    told(run("predict", "m", csv_log, "-q"), Bad(54, "", [], 4, ["scikit-learn", "0.9"]))
    manifest = place / "m/manifest.json"
    document = json.loads(manifest.read_text())
    document["dependencies"]["scikit-learn"] = "0.9.1"
    manifest.write_text(json.dumps(document))
    assert run("verify", "m").exit_code == 4


def other_version(files: dict[str, bytes]) -> dict[str, bytes]:
    import sklearn

    old = sklearn.__version__.encode()
    new = b"0.9" + b"." + b"1" * (len(old) - 4)
    return {"model.joblib": files["model.joblib"].replace(old, new)}


@pytest.fixture
def keys(run: Run, place: Path) -> Path:
    """The pairs me and other, and files that are no public key."""
    pytest.importorskip("cryptography")
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec, rsa

    for name in ("me", "other"):
        assert run("keygen", name, "-q").exit_code == 0
    secret = forms.BestAvailableEncryption(b"x")
    locked = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        forms.Encoding.PEM, forms.PrivateFormat.PKCS8, secret
    )
    public = forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo
    (place / "locked.pem").write_bytes(locked)
    (place / "rsa.pub").write_bytes(rsa.generate_private_key(65537, 2048).public_key().public_bytes(*public))
    (place / "p384.pub").write_bytes(
        ec.generate_private_key(ec.SECP384R1()).public_key().public_bytes(*public)
    )
    (place / "text.pub").write_text("no key")
    return place


def verified(run: Run, *arguments: object) -> tuple[int, str]:
    """The exit code, and what the check `signature` found; the report, and only it, stands on stdout."""
    result = run("verify", *arguments, "--json")
    assert result.stderr == ""
    (report,) = json.loads(result.stdout)["models"]
    (check,) = [check for check in report["checks"] if check["check"] == "signature"]
    assert check["verdict"] == "fail"
    return result.exit_code, check["details"][0]["found"]


def test_55_no_signature(run: Run, keys: Path, model: Path, csv_log: Path) -> None:
    given = ("--public-key", "me.pub")
    told(run("predict", model, csv_log, *given), Bad(55, "", [], 5, ["no signature"]))
    told(run("predict", model, csv_log, "--require-signature"), Bad(55, "", [], 5, ["--public-key"]))
    assert verified(run, model, *given) == (5, "no signature")


def test_56_signed_by_another(run: Run, keys: Path, model: Path, csv_log: Path) -> None:
    shutil.copytree(model, keys / "m")
    assert run("sign", "m", "--private-key", "me.key", "-q").exit_code == 0
    key_id = json.loads((keys / "m/manifest.json.sig").read_text())["signatures"][0]["keyid"]
    given, words = ("--public-key", "other.pub"), f"by key {key_id[:16]}, not by a given key"
    told(run("predict", "m", csv_log, *given), Bad(56, "", [], 5, [words]))
    code, found = verified(run, "m", *given)
    assert (code, words in found) == (5, True)


@pytest.mark.parametrize(
    "name", ["me.key", "rsa.pub", "p384.pub", "locked.pem", "text.pub", "m/manifest.json"]
)
def test_57_what_is_no_public_key(run: Run, keys: Path, model: Path, csv_log: Path, name: str) -> None:
    shutil.copytree(model, keys / "m")
    for command in (["predict", "m", csv_log], ["verify", "m"]):
        told(run(*command, "--public-key", name), Bad(57, "", [], 2, [name, "Ed25519 or P-256"]))


@pytest.mark.parametrize("number", [28, 5, 18])
def test_61_a_full_disk(
    number: int,
    run: Run,
    place: Path,
    model: Path,
    csv_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """ENOSPC, EIO and EXDEV in the middle of the writing."""
    shutil.copytree(model, place / "out")
    before = {path: path.read_bytes() for path in sorted((place / "out").rglob("*")) if path.is_file()}

    def fail(name: str, _arguments: tuple[Any, ...], call: Callable[[], Any]) -> Any:
        if name == ("exchange" if number == 18 else "write"):
            raise OSError(number, os.strerror(number))
        return call()

    monkeypatch.setattr(fsio, "intercept", fail)
    told(
        run("train", csv_log, "-a", FAST, "-o", "out", "--force", "-q"),
        Bad(61, "", [], 74, [os.strerror(number)]),
    )
    monkeypatch.setattr(fsio, "intercept", None)
    assert {
        path: path.read_bytes() for path in sorted((place / "out").rglob("*")) if path.is_file()
    } == before
    assert [path.name for path in place.iterdir()] == ["out"]


def test_62_a_second_trainer(run: Run, place: Path, csv_log: Path) -> None:
    with Publication(place / "m"):
        told(
            run("train", csv_log, "-a", FAST, "-o", "m"),
            Bad(62, "", [], 7, ["busy", str(os.getpid()), "--wait"]),
        )


TERMINATED = """
import os, signal, sys
from pmlcli.store import fsio
from pmlcli.cli.app import main

def intercept(name, arguments, call, left=[int(sys.argv.pop())]):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGTERM)
    return call()

fsio.intercept = intercept
main()
"""


@pytest.mark.parametrize("at", [2, 9, 14, 20, 26, 32])
def test_63_a_terminated_trainer(place: Path, model: Path, csv_log: Path, at: int) -> None:
    """SIGTERM at several of the file-system calls of a training that replaces a model."""
    shutil.copytree(model, place / "out")
    before = files_in(place)
    command = ["train", str(csv_log), "-a", FAST, "-p", "order=1", "-o", "out", "--force", str(at)]
    done = subprocess.run([sys.executable, "-c", TERMINATED, *command], capture_output=True, text=True)
    assert done.returncode == 143, done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1] == "terminated; nothing half-written is left"
    assert files_in(place) == before


def test_64_a_closed_pipe(model: Path, csv_log: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    program = "from pmlcli.cli.app import main; main()"
    arguments = ["predict", str(model), str(csv_log), "--every-prefix", "--cases", "all", "-q"]
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments], stdout=writing, stderr=subprocess.PIPE, check=False
    )
    os.close(writing)
    assert done.returncode in (0, 141)
    assert done.stderr == b""


def test_65_out_of_memory(
    run: Run,
    place: Path,
    csv_log: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def huge(*_: Any) -> Any:
        raise MemoryError

    monkeypatch.setattr("pmlcli.lifecycle.training.train_algorithm", huge)
    result = run("train", csv_log, "-a", FAST, "-o", "m", "-q")
    told(result, Bad(65, "", [], 3, ["out of memory", "smaller log"]))
    assert not list(place.iterdir())


def test_every_row_is_here() -> None:
    own = Path(__file__).read_text()
    tested = {bad.number for bad in [*LOGS, *MODELS]}
    tested |= {number for number in range(1, 67) if f"def test_{number}_" in own}
    assert tested == set(range(1, 67))
    assert attacks.COMMAND
