#include "nodulus/data/labels.h"

#include <algorithm>
#include <string_view>

namespace nodulus::data {

namespace {

std::vector<Label> lidc_scales() {
  return {
      {"subtlety",
       "rating",
       "how hard the nodule is to see",
       {{1, "extremely subtle"},
        {2, "moderately subtle"},
        {3, "fairly subtle"},
        {4, "moderately obvious"},
        {5, "obvious"}}},
      {"internal_structure",
       "rating",
       "what the nodule is made of",
       {{1, "soft tissue"}, {2, "fluid"}, {3, "fat"}, {4, "air"}}},
      {"calcification",
       "rating",
       "pattern of calcification",
       {{1, "popcorn"}, {2, "laminated"}, {3, "solid"}, {4, "non-central"}, {5, "central"}, {6, "absent"}}},
      {"sphericity",
       "rating",
       "three-dimensional shape",
       {{1, "linear"}, {2, "ovoid/linear"}, {3, "ovoid"}, {4, "ovoid/round"}, {5, "round"}}},
      {"margin",
       "rating",
       "how well the border is defined",
       {{1, "poorly defined"}, {2, "near poorly defined"}, {3, "medium margin"}, {4, "near sharp"}, {5, "sharp"}}},
      {"lobulation",
       "rating",
       "degree of lobulation",
       {{1, "no lobulation"},
        {2, "nearly no lobulation"},
        {3, "medium lobulation"},
        {4, "near marked lobulation"},
        {5, "marked lobulation"}}},
      {"spiculation",
       "rating",
       "degree of spiculation",
       {{1, "no spiculation"},
        {2, "nearly no spiculation"},
        {3, "medium spiculation"},
        {4, "near marked spiculation"},
        {5, "marked spiculation"}}},
      {"texture",
       "rating",
       "solid, part solid or ground glass",
       {{1, "non-solid/ground glass"},
        {2, "non-solid/mixed"},
        {3, "part solid/mixed"},
        {4, "solid/mixed"},
        {5, "solid"}}},
      {"malignancy",
       "rating",
       "the reader's guess of malignancy, for a 60-year-old male smoker; not a diagnosis",
       {{1, "highly unlikely"},
        {2, "moderately unlikely"},
        {3, "indeterminate"},
        {4, "moderately suspicious"},
        {5, "highly suspicious"}}},
  };
}

}  // namespace

const std::vector<Label>& lidc_characteristics() {
  static const std::vector<Label> labels = [] {
    std::vector<Label> scales = lidc_scales();
    for (Label& label : scales) {
      if (label.name == "calcification") label.words = {{"calcified", {1, 5}}};
      if (label.name == "texture") label.words = {{"ground glass", {1, 1}}};
      if (label.name == "malignancy") label.words = {{"benign", {1, 2}}, {"malignant", {4, 5}}};
    }
    return scales;
  }();
  return labels;
}

bool is_lidc_patient(const std::string& patient) {
  constexpr std::string_view prefix = "LIDC-IDRI-";
  return patient.size() == prefix.size() + 4 && patient.starts_with(prefix) &&
         std::all_of(patient.begin() + prefix.size(), patient.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Source lidc_source() {
  return {
      "LIDC-IDRI", "CC BY 3.0",
      "Armato III, S. G., McLennan, G., Bidaut, L., McNitt-Gray, M. F., Meyer, C. R., Reeves, A. P., ... Clarke, L. P. "
      "(2015). Data From LIDC-IDRI [Data set]. The Cancer Imaging Archive.",
      "https://doi.org/10.7937/K9/TCIA.2015.LO9QL9SX"};
}

}  // namespace nodulus::data
