#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nodulus/core/manifest.h"
#include "nodulus/core/options.h"
#include "nodulus/train/learner.h"

namespace nodulus::app {

/// What a checkpoint gets from another program's file.
struct ImportedWeights {
  std::vector<train::StateTensor> state;
  Json settings = Json::object();  ///< Of network and noise, in place of those that were given.
  std::vector<std::string> notes;  ///< What was chosen or left out.
};

/// A network of ours as another program has it: its settings, and how its weights are read.
class ImportedNetwork {
 public:
  ImportedNetwork() = default;
  ImportedNetwork(const ImportedNetwork&) = delete;
  ImportedNetwork& operator=(const ImportedNetwork&) = delete;
  virtual ~ImportedNetwork() = default;

  virtual void describe(Options& options) = 0;
  /// Throws Error{usage} where the settings make no network, or none that the layout has.
  virtual void fit(int channels, int size) = 0;
  /// Another file that weights are read from; "": none.
  [[nodiscard]] virtual std::filesystem::path second_file() const { return {}; }
  /// The weights, as averaged ones. `average`: of a file that has both, the moving averages rather than the last ones.
  /// Throws as read_foreign_file() and models::translated().
  [[nodiscard]] virtual ImportedWeights weights(const std::filesystem::path& file, bool average) const = 0;
};

/// Names of the layouts: programs whose files are read.
std::vector<std::string> foreign_layouts();
/// The family that a layout's networks are of unless another is asked for.
std::string usual_family(const std::string& layout);

/// `process`: of a diffusion family, another than its own; "": that. Throws Error{usage} for a family that the layout
/// has no networks of.
std::unique_ptr<ImportedNetwork> make_imported_network(const std::string& layout, const std::string& family,
                                                       const std::string& process);

}  // namespace nodulus::app
