#include "nodulus/app/prepare_settings.h"

namespace nodulus::app {

void PrepareSettings::describe(Options& described, const std::string& prefix) {
  described.add(prefix + "content", options.content, "a patch around each nodule, or whole slices")
      .one_of({"patch", "slice"});
  described.add(prefix + "size", options.size, "width and height of an image").between(8, 4096);
  described.add(prefix + "spacing_mm", spacing_mm_, "resample patches to this pixel size; 0: each scan's own")
      .between(0, 100);
  described.add(prefix + "slices", options.slices, "every slice through a nodule, or its largest")
      .one_of({"all", "largest"});
  described.add(prefix + "min_readers", options.min_readers, "leave out nodules that fewer marked").between(1, 4);
  described.add(prefix + "size_classes", options.size_classes, "which lesions get images")
      .one_of({"nodule", "small_nodule", "non_nodule"});
  described.add(prefix + "gap_mm", options.gap_mm, "marks nearer than this are one nodule").between(0, 100);
  described
      .add(prefix + (prefix.empty() ? "split.train" : "split_train"), options.split.train,
           "share of patients to train on")
      .between(0, 1);
  described
      .add(prefix + (prefix.empty() ? "split.val" : "split_val"), options.split.val, "share of patients to choose by")
      .between(0, 1);
  window_.describe(described, prefix);
}

void PrepareSettings::resolve() {
  options.window_hu = window_.window();
  if (spacing_mm_ > 0) options.spacing_mm = spacing_mm_;
}

}  // namespace nodulus::app
