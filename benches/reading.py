#!/usr/bin/env python3
"""From the files of Visual Genome to prompts, beside what else reads such files.

    benches/reading.py MAKE_VG FOLDER [IMAGES...]
    benches/reading.py --rounds 5 make_vg.py /tmp/vg 10000

MAKE_VG is the path of `make_vg.py`, which makes files of the published layout; FOLDER holds them from then on, a
folder for each number of images (10,000 and 108,077 if none is given; 2.4 GB of disk for all of them). It builds
`benches/reading.rs` first. Each reader runs in a process of its own, all of them in turn, as often as `--rounds` says;
the round that took least counts. CPU time and peak memory are those that the kernel reports for the process; the peak is at
least what Python takes before it starts one, some 14 MiB. Readers that are not installed (ijson, duckdb) are left out.
duckdb uses all cores, the others one.
"""

import argparse
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

# To look at the text of every record makes sure that none of it is passed over.
DUCKDB = """
import duckdb, sys
for name in sys.argv[1:]:
    query = "select count(*), max(length(r::varchar)) from read_json(?, maximum_object_size=1000000000) r"
    duckdb.execute(query, [name]).fetchall()
"""

PEERS = {"json.load": ("json", JSON_LOAD), "ijson": ("ijson", IJSON), "duckdb": ("duckdb", DUCKDB)}


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


def make(make_vg, folder, n_images):
    """The files, unless they are there."""
    if not os.path.exists(os.path.join(folder, "manifest.json")):
        command = [sys.executable, make_vg, "--images", str(n_images), folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return os.path.join(folder, "visual_genome")


def rows(program, visual_genome, files, index):
    """What runs: a label, a command, and what is to be done before it."""

    def nothing():
        pass

    def forget():
        shutil.rmtree(index, ignore_errors=True)

    for label, (module, script) in PEERS.items():
        if is_installed(module):
            yield label, [sys.executable, "-c", script, *files], nothing
    svitgen = [program, visual_genome]
    yield "svitgen to prompts", svitgen, nothing
    yield "svitgen, 2 threads", [*svitgen, "--threads", "2"], nothing
    yield "svitgen, attributes and relationships", [*svitgen, "--everything"], nothing
    yield "svitgen, index made and kept", [*svitgen, "--index", index], forget
    yield "svitgen, index kept before", [*svitgen, "--index", index], nothing
    yield "... to the first prompt", [*svitgen, "--index", index, "--first"], nothing


def measure(program, visual_genome, n_images, n_rounds):
    """Prints a table; returns CPU microseconds an image from files to prompts."""
    files = [os.path.join(visual_genome, f"{name}.json") for name in NAMES]
    n_bytes = sum(os.path.getsize(name) for name in files)
    best = {}
    with tempfile.TemporaryDirectory() as scratch:
        plan = list(rows(program, visual_genome, files, os.path.join(scratch, "index")))
        for _ in range(n_rounds):
            for label, command, before in plan:
                before()
                result = run(command)
                best[label] = min(best.get(label, result), result)
    peers = [label for label in best if label in PEERS]
    print(f"\n{n_images} images, three files of {n_bytes / 1e6:.0f} MB; best of {n_rounds} rounds")
    print(f"{'':38}{'seconds':>9}{'CPU us/image':>14}{'peak MiB':>10}" + "".join(f"{'x ' + peer:>13}" for peer in peers))
    for label, (seconds, cpu, peak, _) in best.items():
        ratios = "".join(f"{best[peer][0] / seconds:>13.1f}" for peer in peers)
        print(f"{label:38}{seconds:>9.3f}{cpu / n_images * 1e6:>14.1f}{peak:>10.0f}{ratios}", flush=True)
    one, two = best["svitgen to prompts"], best["svitgen, 2 threads"]
    digests = {json.loads(text)["digest"] for *_, text in (one, two, best["svitgen, index kept before"])}
    print(f"2 threads: {one[0] / two[0]:.2f} x; prompts {'the same' if len(digests) == 1 else 'DIFFER'}")
    return one[1] / n_images * 1e6


def main():
    description, _, text = __doc__.partition("\n\n")
    parser = argparse.ArgumentParser(
        description=description, epilog=text, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("make_vg", help="path of make_vg.py")
    parser.add_argument("folder", help="where the files are, or shall be")
    parser.add_argument("images", type=int, nargs="*", default=[10_000, 108_077], help="numbers of images")
    parser.add_argument("--rounds", type=int, default=2, help="how often each reader runs (default 2)")
    options = parser.parse_args()
    program = build()
    costs = {}
    for n_images in options.images:
        visual_genome = make(options.make_vg, os.path.join(options.folder, str(n_images)), n_images)
        costs[n_images] = measure(program, visual_genome, n_images, options.rounds)
    if len(costs) > 1:
        shown = ", ".join(f"{cost:.1f} at {n_images} images" for n_images, cost in costs.items())
        print(f"\nCPU microseconds an image: {shown}; {max(costs.values()) / min(costs.values()):.2f} x apart")


if __name__ == "__main__":
    main()
