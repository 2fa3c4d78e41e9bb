"""Reads a series that a nodule was inserted into with pydicom: python3 read_inserted.py INSERTED SOURCE X,Y,Z RADIUS_MM

Geometry is the source's, and so are the HU of every pixel but of those within RADIUS_MM of the point, of which many
changed; no element is of the source's header; every object says that it is synthetic. The outline beside it,
INSERTED-outline.dcm, where there is one, is of slices that changed, lies where they do and holds nothing of the header
either. SOURCE is uncompressed.
"""
import pathlib
import sys

import numpy as np
import pydicom

from real_headers import RealHeaders

inserted, source = map(pathlib.Path, sys.argv[1:3])
point = np.array([float(x) for x in sys.argv[3].split(",")])
radius = float(sys.argv[4])


def hu_of(data):
    kind = np.dtype("<i2" if data.PixelRepresentation else "<u2")
    pixels = np.frombuffer(data.PixelData, kind).reshape(data.Rows, data.Columns).astype(float)
    hu = np.rint(pixels * float(data.RescaleSlope) + float(data.RescaleIntercept))
    if "PixelPaddingValue" in data:
        hu[pixels == np.array(data.PixelPaddingValue & 0xFFFF, np.uint16).astype(kind)] = -2048
    return hu


def by_height(folder):
    return {round(float(data.ImagePositionPatient[2]), 3): (file, data)
            for file in folder.rglob("*.dcm")
            if "ImagePositionPatient" in (data := pydicom.dcmread(file)) and data.Modality == "CT"}


real = RealHeaders(source)
before, after = by_height(source), by_height(inserted)
assert before and before.keys() == after.keys(), (len(before), len(after))
changed_slices, changed_pixels = [], 0
series, studies, objects = set(), set(), set()
for z, (file, data) in after.items():
    old = before[z][1]
    for keyword in ("Rows", "Columns", "PixelSpacing", "ImageOrientationPatient", "ImagePositionPatient", "SliceThickness"):
        assert data[keyword].value == old[keyword].value, (file, keyword)
    real.check(file, allowed={"InstanceNumber"})
    assert data[0x0008001C].value in ("YES", b"YES ") and data.ImageType[0] == "DERIVED", file
    assert str(data.PatientName).startswith("SYNTHETIC^") and data.RescaleSlope == 1 and data.RescaleIntercept == 0, file
    assert "real" in data.DerivationDescription, data.DerivationDescription
    series.add(data.SeriesInstanceUID)
    studies.add(data.StudyInstanceUID)
    objects.add(data.SOPInstanceUID)
    different = hu_of(data) != hu_of(old)
    if not different.any():
        continue
    changed_slices.append(z)
    changed_pixels += int(different.sum())
    rows, columns = np.nonzero(different)
    x = float(data.ImagePositionPatient[0]) + columns * float(data.PixelSpacing[1])
    y = float(data.ImagePositionPatient[1]) + rows * float(data.PixelSpacing[0])
    distance = np.sqrt((x - point[0]) ** 2 + (y - point[1]) ** 2 + (z - point[2]) ** 2)
    assert distance.max() <= radius, f"{file}: a pixel {distance.max():.1f} mm from the point changed"
assert len(series) == len(studies) == 1 and len(objects) == len(after)
assert changed_slices and changed_pixels > 50, (changed_slices, changed_pixels)
outline = inserted.parent / (inserted.name + "-outline.dcm")
if outline.exists():
    real.check(outline)
    of = pydicom.dcmread(outline)
    assert of[0x0008001C].value in ("YES", b"YES ") and str(of.PatientName).startswith("SYNTHETIC^"), outline
    assert {of.ReferencedSeriesSequence[0].SeriesInstanceUID} == series and {of.StudyInstanceUID} == studies
    slices = {data.SOPInstanceUID: (z, data) for z, (_, data) in after.items()}
    bits = np.unpackbits(np.frombuffer(of.PixelData, np.uint8), bitorder="little")
    frames = of.PerFrameFunctionalGroupsSequence
    assert len(frames) == of.NumberOfFrames > 0
    for i, frame in enumerate(frames):
        instance = frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        z, data = slices[instance]
        assert z in changed_slices, f"{outline}: frame {i + 1} is of a slice that did not change"
        assert frame.PlanePositionSequence[0].ImagePositionPatient == data.ImagePositionPatient, outline
        assert of.FrameOfReferenceUID == data.FrameOfReferenceUID and (of.Rows, of.Columns) == (data.Rows, data.Columns)
        mask = bits[i * of.Rows * of.Columns:][:of.Rows * of.Columns].reshape(of.Rows, of.Columns)
        rows, columns = np.nonzero(mask)
        x = float(data.ImagePositionPatient[0]) + columns * float(data.PixelSpacing[1])
        y = float(data.ImagePositionPatient[1]) + rows * float(data.PixelSpacing[0])
        assert len(rows) and np.hypot(x - point[0], y - point[1]).max() <= radius, outline
print(f"{len(after)} slices, {len(changed_slices)} changed, {changed_pixels} pixels")
