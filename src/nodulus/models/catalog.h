#pragma once

#include <memory>
#include <ostream>
#include <span>
#include <string_view>

#include "nodulus/core/noise_labels.h"
#include "nodulus/core/options.h"
#include "nodulus/models/network.h"

namespace nodulus::models {

struct UnetOptions;

/// An architecture with its settings: what a checkpoint records and a network is built from.
class Architecture {
 public:
  Architecture() = default;
  Architecture(const Architecture&) = delete;
  Architecture& operator=(const Architecture&) = delete;
  virtual ~Architecture() = default;

  /// Adds the settings that a user may choose, under one section of keys.
  virtual void describe(Options& options) = 0;
  /// Sets what the data set decides. Throws Error{usage} where the settings make no network for it.
  /// `labels`: numbers that images are asked for by, 0 for none.
  virtual void fit(int image_channels, int resolution, int labels) = 0;
  /// The form of c_noise that the network embeds.
  [[nodiscard]] virtual NoiseLabels noise_labels() const { return NoiseLabels::index; }
  [[nodiscard]] virtual int image_channels() const = 0;
  [[nodiscard]] virtual int resolution() const = 0;
  [[nodiscard]] virtual std::shared_ptr<Network> build() const = 0;
  /// FLOP of one image's forward pass, 2 a multiply-add.
  [[nodiscard]] virtual double forward_flop() const = 0;
  /// Its settings where it is a U-Net, else null.
  [[nodiscard]] virtual const UnetOptions* unet() const { return nullptr; }
};

/// A generative family: a row joins an architecture with the process (process/process.h) that it is trained in unless
/// another is asked for.
struct Family {
  std::string_view name;
  std::string_view summary;
  std::string_view process;
  std::unique_ptr<Architecture> (*make)();
};

/// For messages and test reports.
inline std::ostream& operator<<(std::ostream& stream, const Family& row) { return stream << row.name; }

std::span<const Family> families();

/// Throws Error{usage} naming the families there are.
const Family& family(std::string_view name);

/// A family without noise levels: a generator that is trained against a discriminator.
struct GanFamily {
  std::string_view name;
  std::string_view summary;
};

std::span<const GanFamily> gan_families();
bool is_gan(std::string_view family);

}  // namespace nodulus::models
