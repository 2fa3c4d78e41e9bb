#include "nodulus/eval/samples_json.h"

#include <cstring>

#include "nodulus/core/base64.h"
#include "nodulus/eval/copies.h"

namespace nodulus::eval {
namespace {

using torch::Tensor;

/// Appends the values of t, [1, 1, H, W] in the order that it shows.
template <class T>
void append_turned(std::span<const T> plane, int height, int width, int turn, std::vector<T>& out) {
  Tensor t = torch::empty({1, 1, height, width}, torch::kInt);
  for (std::size_t i = 0; i < plane.size(); ++i) t.data_ptr<int>()[i] = plane[i];
  const Tensor shown = turned(t, turn).contiguous();
  for (std::size_t i = 0; i < plane.size(); ++i) out.push_back(static_cast<T>(shown.data_ptr<int>()[i]));
}

struct Planes {
  std::vector<std::int16_t> hu;
  std::vector<std::uint8_t> masks;
  std::int64_t count = 0;

  void add(const Images& images, std::int64_t row, int turn) {
    append_turned(images.image(row), images.height, images.width, turn, hu);
    if (images.has_masks())
      append_turned(images.mask(row), images.height, images.width, turn, masks);
    else
      masks.resize(hu.size(), 0);
    ++count;
  }
  [[nodiscard]] Json json(const Images& like, bool with_masks, const std::vector<std::string>& captions) const {
    return {{"count", count},
            {"height", like.height},
            {"width", like.width},
            {"hu", base64(std::as_bytes(std::span(hu)))},
            {"masks", with_masks ? Json(base64(std::as_bytes(std::span(masks)))) : Json(nullptr)},
            {"captions", captions}};
  }
};

}  // namespace

Json samples_json(const Images& images, const std::vector<std::int64_t>& rows,
                  const std::vector<std::string>& captions) {
  Planes planes;
  for (const std::int64_t row : rows) planes.add(images, row, 0);
  return planes.json(images, images.has_masks(), captions);
}

Json pairs_json(const Images& first, const std::vector<std::int64_t>& first_rows, const Images& second,
                const std::vector<std::int64_t>& second_rows, const std::vector<int>& second_turns,
                const std::vector<std::string>& captions) {
  Planes planes;
  for (std::size_t i = 0; i < first_rows.size(); ++i) {
    planes.add(first, first_rows[i], 0);
    planes.add(second, second_rows[i], second_turns[i]);
  }
  return planes.json(first, first.has_masks() || second.has_masks(), captions);
}

}  // namespace nodulus::eval
