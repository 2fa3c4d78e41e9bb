"""What of a real patient a DICOM object could tell: the headers of training data, and whether an object has any of it."""
import pydicom
from pydicom.errors import InvalidDicomError

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


class RealHeaders:
    """All telling values of the files under a folder."""

    def __init__(self, folder):
        self.values, self.names, self.count = set(), set(), 0
        for file in sorted(folder.rglob("*")):
            if not file.is_file():
                continue
            try:
                for element, text in telling(file):
                    self.values.add((element.tag, text))
                    if element.VR in ANYWHERE:
                        self.names.add(text)
                self.count += 1
            except InvalidDicomError:
                continue
        assert self.count > 1 and len(self.values) > 20, f"expected headers of training data, found {self.count}"

    def check(self, file, allowed=()):
        """Of the file no element, but for keywords that are allowed, has a value that the same element has there."""
        for element, text in telling(file):
            if element.keyword in allowed:
                continue
            assert (element.tag, text) not in self.values, f"{file}: {element} is of a real patient's header"
            assert text not in self.names, f"{file}: {element} is a name, day or UID of a real patient's header"
