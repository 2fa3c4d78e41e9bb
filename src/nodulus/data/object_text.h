#pragma once

#include <cstddef>
#include <string>

#include "nodulus/core/csv.h"
#include "nodulus/data/image_source.h"

/// What DICOM objects of generated images say of how they were made: nothing of this machine's folders.
namespace nodulus::data {

/// "model lidc64-ddpmpp; seed 7; malignancy=5; sampler heun; steps 20", of a row of items.csv.
std::string object_description(const CsvTable& items, std::size_t row);

/// The name of the model that drew the images; where none is told the command that did.
std::string model_of(const StoredImages& source);

}  // namespace nodulus::data
