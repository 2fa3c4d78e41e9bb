#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "nodulus/core/error.h"
#include "nodulus/eval/evaluate.h"
#include "nodulus/traits/statistics.h"

namespace nodulus::eval {
namespace {

std::string size_text(int height, int width) { return fmt::format("{}x{}", height, width); }

/// A cut to the size that the images have anyway is none.
View tidy_view(View view, const data::DatasetInfo& info) {
  const int factor = std::max(1, view.downsample);
  if (view.size == info.height / factor && view.size == info.width / factor) view.size = 0;
  return view;
}

std::string view_text(const View& view) {
  return fmt::format("--downsample {}{}", view.downsample, view.size > 0 ? fmt::format(" --size {}", view.size) : "");
}

View view_of(const EvaluateOptions& options, const std::vector<ImageSet>& sets, const data::DatasetInfo& info) {
  View view = sets.front().view;
  const ImageSet* first = nullptr;  // whose view is known
  for (const ImageSet& set : sets) {
    if (!(set.view.window_hu == view.window_hu))
      throw Error(ErrorCode::usage,
                  fmt::format("{}: expected the window of {}, {} to {} HU, found {} to {} HU; evaluate the two apart",
                              set.path.string(), sets.front().path.string(), view.window_hu.lo, view.window_hu.hi,
                              set.view.window_hu.lo, set.view.window_hu.hi));
    if (!set.view_known) continue;
    if (first == nullptr) first = &set;
    const View own = tidy_view(set.view, info);
    const View known = tidy_view(first->view, info);
    if (!(own == known))
      throw Error(
          ErrorCode::usage,
          fmt::format("{}: expected images of a model that was trained as that of {}, with {}, found {}; evaluate "
                      "the two apart",
                      set.path.string(), first->path.string(), view_text(known), view_text(own)));
  }
  if (first != nullptr) view = first->view;
  if (options.downsample > 0) view.downsample = options.downsample;
  if (options.size > 0) view.size = options.size;
  return tidy_view(view, info);
}

/// One pixel size for real and generated images: a model learns pixels, and its images have no size of their own.
void choose_spacing(Evaluation& e, const EvaluateOptions& options) {
  const auto& info = e.dataset.info();
  const double factor = e.view.downsample;
  if (options.spacing_mm > 0) {
    e.spacing_mm = options.spacing_mm;
    e.spacing_note = "as given by --spacing-mm";
  } else if (info.spacing_mm) {
    e.spacing_mm = *info.spacing_mm * factor;
    e.spacing_note = "that of the data set";
  } else {
    std::vector<double> known;
    for (const std::int64_t item : e.training.row)
      if (std::isfinite(e.dataset.item(item).spacing_mm)) known.push_back(e.dataset.item(item).spacing_mm);
    std::sort(known.begin(), known.end());
    e.spacing_known = !known.empty();
    e.spacing_mm = known.empty() ? 1 : traits::quantile(known, 0.5) * factor;
    e.spacing_note = known.empty() ? "unknown: lengths are in pixels"
                                   : "the median of the training images, taken for real and generated images alike, "
                                     "since generated images have no pixel size of their own";
  }
}

}  // namespace

Evaluation open_evaluation(const EvaluateOptions& options) {
  if (options.sets.empty()) throw Error(ErrorCode::usage, "expected images/ folders to evaluate, found none");
  if (options.real.empty()) throw Error(ErrorCode::usage, "expected --real, the data set that the models learnt from");
  Evaluation e{data::Dataset::open(options.real), {}, {}, {}, {}, 0, true, ""};
  for (const auto& path : options.sets) e.sets.push_back(open_image_set(path));
  e.view = view_of(options, e.sets, e.dataset.info());
  e.training = real_images(e.dataset, {data::Split::train}, e.view);
  e.held_out = real_images(e.dataset, {data::Split::val, data::Split::test}, e.view);
  for (const ImageSet& set : e.sets)
    if (set.images.height != e.training.height || set.images.width != e.training.width)
      throw Error(ErrorCode::usage,
                  fmt::format("{}: expected images of {}, as {} has them with {}, found {}", set.path.string(),
                              size_text(e.training.height, e.training.width), options.real.string(), view_text(e.view),
                              size_text(set.images.height, set.images.width)));
  choose_spacing(e, options);
  return e;
}

bool can_outline(const Evaluation& e, const EvaluateOptions& options) {
  return options.outline_epochs > 0 && e.training.has_masks() && e.training.height % 4 == 0 &&
         e.training.width % 4 == 0;
}

}  // namespace nodulus::eval
