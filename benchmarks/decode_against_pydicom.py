""
    "Reading every slice of a CT series into HU: nodulus against pydicom and NumPy, on this machine, run in turn.

    / usr / bin / python3 benchmarks / decode_against_pydicom.py build / dev / tests / dicom /
    dicom_read_all FOLDER[rounds]

    nodulus scans and orders the series as well,
    in another line; here only reading counts on both sides. One thread each, and
all cores for nodulus. Prints every round and the medians.
"""
import glob
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
import pydicom


def read(files):
    for file in files:
        data = pydicom.dcmread(file)
        hu = data.pixel_array.astype(np.float64) * float(data.RescaleSlope) + float(data.RescaleIntercept)
        np.rint(hu).astype(np.int16)


def ours(program, folder, cores):
    said = subprocess.run(["taskset", "-c", cores, program, folder], check=True, capture_output=True, text=True).stdout
    found = re.search(r"order and read (\d+) slices in ([\d.]+) s", said)
    return int(found[1]) / float(found[2])


def main():
    program, folder = sys.argv[1:3]
    rounds = int(sys.argv[3]) if len(sys.argv) > 3 else 5
    files = sorted(glob.glob(os.path.join(folder, "**", "*.dcm"), recursive=True))
    available = sorted(os.sched_getaffinity(0))
    one, every = str(available[0]), ",".join(map(str, available))
    rows = []
    for _ in range(rounds):
        single, all_cores = ours(program, folder, one), ours(program, folder, every)
        start = time.perf_counter()
        read(files)
        rows.append((single, all_cores, len(files) / (time.perf_counter() - start)))
        print("nodulus %.0f slices/s on one core, %.0f on all; pydicom %.0f slices/s" % rows[-1], flush=True)
    single, all_cores, theirs = (statistics.median(column) for column in zip(*rows))
    print(f"medians of {rounds}: nodulus {single:.0f} slices/s on one core, {all_cores:.0f} on {len(available)}; pydicom "
          f"{pydicom.__version__} {theirs:.0f}; ratio on one core {single / theirs:.1f}")


if __name__ == "__main__":
    main()
