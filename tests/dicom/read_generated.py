"""Reads what export-dicom wrote with pydicom: python3 read_generated.py DICOM IMAGES TRAINING

Every image of DICOM has the HU of IMAGES/images.npy and every segmentation its outline, and no element of any of them
has a value that the same element, or any that could name a person, place, time or object, has in a header of the
training data under TRAINING.
"""
import pathlib
import sys

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError

dicom, images, training = map(pathlib.Path, sys.argv[1:])

# What a header may have in common with another: what it is, not whose.
COMMON = {"SOPClassUID", "SpecificCharacterSet", "Modality", "PhotometricInterpretation", "RescaleType",
          "BodyPartExamined", "ImageType", "ReferencedSOPClassUID", "BurnedInAnnotation", "InstanceNumber", "SeriesNumber"}
TELLING = {"AE", "AS", "DA", "DT", "LO", "LT", "PN", "SH", "ST", "TM", "UI", "UT", "UN"}
ANYWHERE = {"DA", "PN", "UI"}  # found in no element at all, whatever its name


def telling(file):
    for element in pydicom.dcmread(file).iterall():
        values = element.value if isinstance(element.value, (list, pydicom.multival.MultiValue)) else [element.value]
        for value in values:
            text = str(value).strip()
            if element.VR in TELLING and text and element.keyword not in COMMON and not text.startswith("1.2.840.10008"):
                yield element, text


real, names = set(), set()
headers = 0
for file in sorted(training.rglob("*")):
    if not file.is_file():
        continue
    try:
        for element, text in telling(file):
            real.add((element.tag, text))
            if element.VR in ANYWHERE:
                names.add(text)
        headers += 1
    except InvalidDicomError:
        continue
assert headers > 1 and len(real) > 20, f"expected headers of training data, found {headers}"

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
    for element, text in telling(file):
        assert (element.tag, text) not in real, f"{file}: {element} is of a real patient's header"
        assert text not in names, f"{file}: {element} is a name, day or UID of a real patient's header"
print(f"{len(files)} images, compared with {headers} headers")
