#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

/// What a radiologist reads from a nodule, as numbers: of one axial image and the outline that comes with it. Built
/// without torch.
namespace nodulus::traits {

/// One image of a nodule and its outline.
struct Patch {
  std::span<const std::int16_t> hu;    ///< [height, width], Hounsfield units.
  std::span<const std::uint8_t> mask;  ///< [height, width]; not 0: within the nodule.
  int height = 0;
  int width = 0;
  double spacing_mm = 1;    ///< In-plane pixel size.
  int padding_hu = -32768;  ///< Pixels of this value were not measured and count nowhere.
};

/// A row of the catalog: one number that every nodule has, or cannot have.
struct Trait {
  std::string_view name;     ///< As files and options have it: "equivalent_diameter".
  std::string_view title;    ///< As people read it: "Equivalent diameter".
  std::string_view unit;     ///< "mm", "mm²", "HU", "HU/mm"; "" for a plain number.
  std::string_view group;    ///< "size", "shape", "edge", "density" or "texture".
  std::string_view low;      ///< What a nodule is called in which it is low: "small".
  std::string_view high;     ///< And high: "large".
  std::string_view meaning;  ///< One line.
};

const std::vector<Trait>& catalog();

/// One value for each row of catalog(); NaN where the nodule does not allow it, such as an empty outline or one too
/// small. Error{internal} where sizes differ.
std::vector<double> measure(const Patch& patch);

}  // namespace nodulus::traits
