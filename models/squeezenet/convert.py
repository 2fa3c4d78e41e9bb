#!/usr/bin/python3
"""squeezenet_v10_f32.npz -> squeezenet10.safetensors, without loss and in a seventh of the size.

  models/squeezenet/convert.py squeezenet_v10_f32.npz

The release was compressed by weight sharing (Han et al. 2016): a layer has at most 256 different weights. Each is kept
as a byte, the place in the layer's list of values ("NAME.values", float32). The classifier is left out.
"""
import json
import pathlib
import struct
import sys

import numpy as np

LAYERS = {"conv1x1_1": "squeeze", "conv1x1_2": "expand1", "conv3x3_2": "expand3"}


def name_of(key):
    for old, new in LAYERS.items():
        key = key.replace("__" + old, "." + new)
    return key


arrays = {}
source = np.load(sys.argv[1])
for key in source.files:
    if key.startswith("conv_final"):
        continue
    weights = source[key].astype(np.float32)
    if key.endswith("bias"):
        arrays[name_of(key)] = weights
        continue
    values, places = np.unique(weights, return_inverse=True)
    assert len(values) <= 256, (key, len(values))
    arrays[name_of(key)] = places.astype(np.uint8).reshape(weights.shape)
    arrays[name_of(key) + ".values"] = values
    assert np.array_equal(values[arrays[name_of(key)]], weights)

header = {"__metadata__": {"what": "SqueezeNet 1.0 without its classifier, ImageNet; see README.md and LICENCE"}}
data = b""
for name in sorted(arrays, key=lambda n: (arrays[n].dtype.itemsize != 4, n)):  # aligned ones first
    array = arrays[name]
    raw = array.tobytes()
    header[name] = {"dtype": "F32" if array.dtype == np.float32 else "U8", "shape": list(array.shape),
                    "data_offsets": [len(data), len(data) + len(raw)]}
    data += raw
text = json.dumps(header, separators=(",", ":")).encode()
text += b" " * (-len(text) % 8)
target = pathlib.Path(__file__).with_name("squeezenet10.safetensors")
target.write_bytes(struct.pack("<Q", len(text)) + text + data)
print(target, len(arrays), "arrays", target.stat().st_size, "bytes")
