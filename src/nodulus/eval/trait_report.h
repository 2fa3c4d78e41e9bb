#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/monitor.h"
#include "nodulus/eval/image_set.h"

namespace nodulus::eval {

/// traits::measure() of every image by its outline, [count][catalog row], on all cores. Empty where there are no
/// outlines. Throws Error{stopped} when the monitor asks.
std::vector<std::vector<double>> measured_traits(const Images& images, double spacing_mm, int threads,
                                                 Monitor& monitor);

/// The traits of three kinds of images.
struct TraitSamples {
  const std::vector<std::vector<double>>& training;
  const std::vector<std::vector<double>>& held_out;
  const std::vector<std::vector<double>>& generated;
  std::vector<std::int64_t> training_groups;  ///< Patients: resampled together.
};

/// "traits": an object a row of the catalog: distributions, a common histogram, the Wasserstein distance with its
/// interval and its floor, the test of Kolmogorov and Smirnov with Holm's correction for the number of traits, and the
/// share of generated images beyond the 0.5-99.5 % range of the training images.
/// `on_trait` is called before each and may throw to stop.
Json trait_report(const TraitSamples& samples, int replicates, std::uint64_t seed,
                  const std::function<void()>& on_trait);

/// "beyond": the share of generated images of which any trait lies beyond that range, and of held-out real ones; images
/// of which no trait can be measured are left out.
Json beyond_report(const TraitSamples& samples);

/// "empty_outlines": the share of images that show no nodule by their outline, of generated and of held-out real ones.
Json empty_outlines(const TraitSamples& samples);

}  // namespace nodulus::eval
