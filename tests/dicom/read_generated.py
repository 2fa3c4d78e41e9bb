"""Reads what export-dicom wrote with pydicom: python3 read_generated.py DICOM IMAGES TRAINING

Every image of DICOM has the HU of IMAGES/images.npy and every segmentation its outline, and no element of any of them
has a value that the same element, or any that could name a person, place, time or object, has in a header of the
training data under TRAINING.
"""
import pathlib
import sys

import numpy as np
import pydicom

from real_headers import RealHeaders

dicom, images, training = map(pathlib.Path, sys.argv[1:])

real = RealHeaders(training)
hu = np.load(images / "images.npy")
masks = np.load(images / "masks.npy") if (images / "masks.npy").exists() else None
files = sorted((dicom / "images").glob("*.dcm"))
assert len(files) == len(hu) > 0
for i, file in enumerate(files):
    data = pydicom.dcmread(file)
    pixels = np.frombuffer(data.PixelData, "<i2").reshape(data.Rows, data.Columns)
    assert data.PixelRepresentation == 1 and data.BitsStored == 16
    shared = data.get("SharedFunctionalGroupsSequence")
    lut = shared[0].PixelValueTransformationSequence[0] if shared else data
    assert np.array_equal(pixels * float(lut.RescaleSlope) + float(lut.RescaleIntercept), hu[i]), file
    assert data[0x0008001C].value in ("YES", b"YES "), file
    assert str(data.PatientName).startswith("SYNTHETIC^") and data.ImageType[0] == "DERIVED", file
    outline = dicom / "outlines" / file.name
    if masks is None or not masks[i].any():
        assert not outline.exists()
        continue
    of = pydicom.dcmread(outline)
    bits = np.unpackbits(np.frombuffer(of.PixelData, np.uint8), bitorder="little")[: masks[i].size]
    assert np.array_equal(bits.reshape(masks[i].shape), masks[i] > 0), outline
    assert of.ReferencedSeriesSequence[0].ReferencedInstanceSequence[0].ReferencedSOPInstanceUID == data.SOPInstanceUID
    assert of.ReferencedSeriesSequence[0].SeriesInstanceUID == data.SeriesInstanceUID
    assert of.StudyInstanceUID == data.StudyInstanceUID and of.get("FrameOfReferenceUID") == data.get("FrameOfReferenceUID")

for file in sorted(dicom.rglob("*.dcm")):
    real.check(file)
print(f"{len(files)} images, compared with {real.count} headers")
