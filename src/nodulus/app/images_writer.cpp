#include "nodulus/app/images_writer.h"

#include <fmt/format.h>

#include <array>

#include "nodulus/core/files.h"

namespace nodulus::app {
namespace {

constexpr std::int64_t sheet_cells = 64;

}  // namespace

ImagesWriter::ImagesWriter(const std::filesystem::path& folder, data::ModelShape shape, WindowHu window, bool pictures)
    : folder_(folder),
      shape_(shape),
      window_(window),
      pictures_(pictures),
      images_(folder / "images.npy", NpyType::int16, {shape.height, shape.width}),
      items_(folder / "items.csv", {"file", "model", "seed", "condition", "sampler", "steps", "evaluations"}) {
  if (shape.channels > 1)
    masks_.emplace(folder / "masks.npy", NpyType::uint8, std::vector<std::int64_t>{shape.height, shape.width});
  if (pictures) make_folder(folder / "png");
}

void ImagesWriter::append(std::span<const float> values, const std::vector<std::string>& row) {
  const std::size_t plane = static_cast<std::size_t>(shape_.height) * static_cast<std::size_t>(shape_.width);
  std::vector<std::int16_t> hu(plane);
  data::to_hu(values.first(plane), window_, hu);
  images_.append(std::span<const std::int16_t>(hu));
  if (masks_) {
    std::vector<std::uint8_t> mask(plane);
    data::to_mask(values.subspan(plane, plane), mask);
    masks_->append(std::span<const std::uint8_t>(mask));
  }
  if (images_.rows() <= sheet_cells) sheet_.insert(sheet_.end(), values.begin(), values.end());
  const std::string file = fmt::format("png/{:06}.png", images_.rows() - 1);
  if (pictures_) {
    const std::array marks{synthetic_mark};
    write_png(folder_ / file, data::to_picture(hu, shape_.width, shape_.height, window_), marks);
  }
  std::vector<std::string> fields{pictures_ ? file : ""};
  fields.insert(fields.end(), row.begin(), row.end());
  items_.row(fields);
}

void ImagesWriter::close() {
  images_.close();
  if (masks_) masks_->close();
  items_.close();
  const std::array marks{synthetic_mark};
  write_png(folder_ / "contact_sheet.png", data::sheet_of(sheet_, shape_, window_), marks);
}

}  // namespace nodulus::app
