"""Clients that others wrote, unmodified, against `headrace serve zoo:tiny-llama`; what each of them says.

    python -m benchmarks.clients.run [--only NAME …] [--cases 40] [--json FILE]

The clients run in an environment of their own under build/, made on the first run (needs a package index, 2 GB). The
server has one worker on this machine and, where keys are wanted, one key. Figures of load show that a client works, on
the machine where they were taken, and not how fast headrace is.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HOME = ROOT / "build" / "clients"
MODEL = "zoo:tiny-llama"
TOKENIZER = ROOT / "src" / "headrace" / "zoo" / "tiny-llama"
KEY = "a-key-for-this-run"
#: What a schema cannot say (which roles a model has, what a policy or a snapshot is) is refused by a 400, which this
#: check of schemathesis takes for a fault.
JUDGED = "positive_data_acceptance"
#: Seconds of load, and after which a client is ended.
LOAD, PATIENCE = 20, 900
#: Seconds of fuzzing, with and without keys each.
FUZZING = 60


def environment() -> Path:
    """The folder of the clients' programs, installed if the requirements changed."""
    wanted, mark = (HERE / "requirements.txt").read_text(), HOME / "requirements.txt"
    if not mark.is_file() or mark.read_text() != wanted:
        shutil.rmtree(HOME, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(HOME)], check=True)
        pip = [str(HOME / "bin" / "python"), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, next(line for line in wanted.splitlines() if line.startswith("torch"))], check=True)
        subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)
        mark.write_text(wanted)
    return HOME / "bin"


@contextmanager
def served(keys: bool = False) -> Iterator[str]:
    """The URL of a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "headrace", "serve", MODEL, "--port", "0", "--workers", "1", "--json"]
        command += ["--state", f"{folder}/state"]
        if keys:
            (Path(folder) / "keys").write_text(KEY + "\n")
            command += ["--api-key", f"{folder}/keys"]
        path = os.pathsep.join([str(ROOT / "src"), *filter(None, [os.environ.get("PYTHONPATH")])])
        settings = {"PYTHONPATH": path, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | settings)
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"]
        finally:
            process.terminate()
            process.wait(60)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A client's program, without this project on its path."""
    keep = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(words, capture_output=True, text=True, env=keep, timeout=PATIENCE, check=False)


def openai(programs: Path) -> list[dict[str, Any]]:
    """The openai SDK: chat, stream, usage, close, logprobs, n, realtime."""
    with served() as url:
        done = run(str(programs / "python"), str(HERE / "sdk.py"), url, MODEL)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return rows or [{"what": "all", "ok": False, "said": done.stderr.strip()[-300:]}]


def guidellm(programs: Path) -> list[dict[str, Any]]:
    """guidellm: Poisson arrivals of synthetic prompts, chats streamed."""
    with served() as url, tempfile.TemporaryDirectory() as folder:
        done = run(
            str(programs / "guidellm"), "run", "--backend", f"kind=openai_http,target={url},model={MODEL}",
            "--profile", "kind=poisson,rate=3", "--constraint", f"kind=max_duration,seconds={LOAD}",
            "--tokenizer", f"kind=hf_auto,model={TOKENIZER}", "--data",
            "kind=synthetic_text,prompt_tokens=64,output_tokens=32", "--output", f"kind=json,path={folder}/report.json",
            "--disable-console-interactive",
        )  # fmt: skip
        report = Path(folder, "report.json")
        if not report.is_file():
            return [{"what": "poisson", "ok": False, "said": (done.stderr or done.stdout).strip()[-300:]}]
        told = json.loads(report.read_text())["benchmarks"][0]["metrics"]
    totals = told["request_totals"]
    median = {name: told[name]["successful"]["median"] for name in ("time_to_first_token_ms", "inter_token_latency_ms")}
    said = (
        f"{totals['successful']} done, {totals['errored']} errors, {totals['incomplete']} cut off at the end; "
        f"median first token {median['time_to_first_token_ms']:.0f} ms, then {median['inter_token_latency_ms']:.1f} ms"
    )
    return [{"what": "poisson", "ok": totals["successful"] > 0 and not totals["errored"], "said": said}]


def locust(programs: Path) -> list[dict[str, Any]]:
    """Locust: chats streamed, completions, live sessions with forks, eight users."""
    with served() as url:
        done = run(
            str(programs / "locust"), "-f", str(HERE / "locustfile.py"), "--headless", "--users", "8", "--spawn-rate",
            "4", "--run-time", f"{LOAD}s", "--stop-timeout", "20", "--host", url, "--json", "--only-summary",
        )  # fmt: skip
    try:
        entries = json.loads(done.stdout[done.stdout.index("[") :])
    except ValueError:
        return [{"what": "8 users", "ok": False, "said": done.stderr.strip()[-300:]}]
    return [
        {
            "what": f"{one['method']} {one['name']}",
            "ok": not one["num_failures"],
            "said": f"{one['num_requests']} requests, {one['num_failures']} failures, "
            f"mean {one['total_response_time'] / max(one['num_requests'], 1):.0f} ms",
        }
        for one in entries
    ]


def schemathesis(programs: Path, cases: int = 40) -> list[dict[str, Any]]:
    """schemathesis: every check, with and without keys."""
    rows = []
    for keys in (False, True):
        with served(keys) as url:
            head = ["--header", f"Authorization: Bearer {KEY}"] if keys else []
            done = run(
                str(programs / "schemathesis"), "run", f"{url}/openapi.json", "--exclude-checks", JUDGED,
                "--max-examples", str(cases), "--seed", "6", "--continue-on-failure", "--request-timeout", "20",
                "--no-color", "--max-time", str(FUZZING), *head,
            )  # fmt: skip
        text = done.stdout
        generated = re.search(r"([\d,]+) generated", text)
        failures = re.findall(r"^\s+❌ (.+)$", text, re.MULTILINE)
        said = f"{generated[1] if generated else '?'} cases"
        said += f"; {len(failures)} kinds of failure: {', '.join(failures)}" if failures else "; no failure"
        rows.append({"what": "with a key" if keys else "without keys", "ok": done.returncode == 0, "said": said})
    return rows


CLIENTS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    one.__name__: one for one in (openai, guidellm, locust, schemathesis)
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--only", nargs="*", choices=[*CLIENTS], default=[*CLIENTS])
    parser.add_argument("--cases", type=int, default=40, help="of schemathesis, for each operation")
    parser.add_argument("--json", type=Path, default=HERE / "results" / "clients.json")
    told = parser.parse_args()
    programs = environment()
    found = json.loads(told.json.read_text()) if told.json.is_file() else {}
    for name in told.only:
        options = {"cases": told.cases} if name == "schemathesis" else {}
        found[name] = CLIENTS[name](programs, **options)
        for row in found[name]:
            print(f"| {name} | {row['what']} | {'yes' if row['ok'] else 'NO'} | {row['said']} |", flush=True)
    told.json.parent.mkdir(parents=True, exist_ok=True)
    told.json.write_text(json.dumps(found, indent=1) + "\n")
    return int(not all(row["ok"] for rows in found.values() for row in rows))


if __name__ == "__main__":
    sys.exit(main())
