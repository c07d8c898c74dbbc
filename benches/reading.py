#!/usr/bin/env python3
"""From the files of Visual Genome to prompts, beside what else reads such files.

    benches/reading.py MAKE_VG FOLDER [IMAGES...]

MAKE_VG is the path of `make_vg.py`, which makes files of the published layout; FOLDER holds them from then on. Each
reader runs in a process of its own, in turn, twice; the better time counts. CPU time and peak memory are those that
the kernel reports for the process; the peak is at least what Python takes before it starts one, some 14 MiB. Readers that
are not installed are left out.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

NAMES = ["image_data", "objects", "region_descriptions"]

JSON_LOAD = """
import json, sys
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        json.load(file)
"""

IJSON = """
import ijson, sys
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        for record in ijson.items(file, "item", use_float=True):
            pass
"""

DUCKDB = """
import duckdb, sys
for name in sys.argv[1:]:
    query = "select count(*), max(length(r::varchar)) from read_json(?, maximum_object_size=1000000000) r"
    duckdb.execute(query, [name]).fetchall()
"""


def is_installed(module):
    command = [sys.executable, "-c", f"import {module}"]
    return subprocess.run(command, stderr=subprocess.DEVNULL).returncode == 0


def build():
    """The program `benches/reading.rs`, built for speed."""
    command = ["cargo", "build", "--release", "--bench", "reading", "--message-format=json"]
    lines = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    built = [json.loads(line) for line in lines]
    return next(item["executable"] for item in built if item.get("target", {}).get("name") == "reading")


def run(command):
    """Seconds, CPU seconds and peak MiB of a command, and what it printed."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{command} failed")
        output.seek(0)
        text = output.read().decode()
    return seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, text


def better(command, before=lambda: None):
    results = []
    for _ in range(2):
        before()
        results.append(run(command))
    return min(results)


def measure(program, make_vg, folder, n_images):
    if not os.path.exists(os.path.join(folder, "manifest.json")):
        command = [sys.executable, make_vg, "--images", str(n_images), folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    visual_genome = os.path.join(folder, "visual_genome")
    files = [os.path.join(visual_genome, f"{name}.json") for name in NAMES]
    n_bytes = sum(os.path.getsize(name) for name in files)
    print(f"\n{n_images} images, three files of {n_bytes / 1e6:.0f} MB")
    print(f"{'':34}{'seconds':>9}{'CPU us/image':>14}{'peak MiB':>10}{'x json.load':>13}")
    base = None

    def show(what, result):
        seconds, cpu, peak, _ = result
        faster = "" if base is None else f"{base / seconds:.1f}"
        print(f"{what:34}{seconds:>9.3f}{cpu / n_images * 1e6:>14.1f}{peak:>10.0f}{faster:>13}", flush=True)
        return seconds

    index = os.path.join(folder, "index")

    def forget_index():
        shutil.rmtree(index, ignore_errors=True)

    base = show("json.load, nothing else", better([sys.executable, "-c", JSON_LOAD, *files]))
    for module, script in [("ijson", IJSON), ("duckdb", DUCKDB)]:
        if is_installed(module):
            show(f"{module}, nothing else", better([sys.executable, "-c", script, *files]))
    one = better([program, visual_genome])
    one_seconds = show("svitgen to prompts", one)
    two = better([program, visual_genome, "--threads", "2"])
    two_seconds = show("svitgen, 2 threads", two)
    show("svitgen, index made and kept", better([program, visual_genome, "--index", index], forget_index))
    kept = better([program, visual_genome, "--index", index])
    show("svitgen, index kept before", kept)
    show("... to the first prompt", better([program, visual_genome, "--index", index, "--first"]))
    digests = {json.loads(result[3])["digest"] for result in (one, two, kept)}
    print(f"2 threads: {one_seconds / two_seconds:.2f} x; prompts {'the same' if len(digests) == 1 else 'DIFFER'}")


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    make_vg, folder = sys.argv[1:3]
    program = build()
    for n_images in [int(n) for n in sys.argv[3:]] or [10_000, 108_077]:
        measure(program, make_vg, os.path.join(folder, str(n_images)), n_images)


if __name__ == "__main__":
    main()
