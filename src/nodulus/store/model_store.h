#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/core/manifest.h"

/// Trained models that are kept for use, by name and version. Built without torch.
namespace nodulus::store {

inline constexpr int model_schema = 2;
inline constexpr std::string_view facts_file = "model.json";
inline constexpr std::string_view weights_file = "weights.safetensors";
inline constexpr std::string_view card_file = "MODEL_CARD.md";

/// One version of a model: a folder with model.json, the weights, the card.
struct StoredModel {
  std::string name;
  int version = 0;
  std::filesystem::path folder;
  Json facts;  ///< model.json.

  [[nodiscard]] std::filesystem::path weights() const { return folder / weights_file; }
};

/// Reads a version's folder. Error{not_found}; Error{bad_input} naming file, key, expected and found.
StoredModel read_model(const std::filesystem::path& folder);

/// SHA-256 of the facts but for their own `sum`, which is to hold it.
std::string sum_of(Json facts);

/// Compares the facts with their sum and every file with its SHA-256 in them. Error{bad_input} naming the first that
/// differs or is missing, with both sums.
void verify(const StoredModel& model);

/// The folder that a path or name means: a version's, a model's current one, or, of a bare name, that of the model in
/// the default store, or NAME/VERSION there. Empty where it is none of these.
std::filesystem::path published_folder(const std::filesystem::path& path);

/// A folder of models: NAME/1/, NAME/2/, ..., and NAME/current.json, which says which is in use.
class ModelStore {
 public:
  explicit ModelStore(std::filesystem::path root) : root_(std::move(root)) {}
  /// What the environment variable NODULUS_MODELS says, else "models".
  static std::filesystem::path default_root();

  [[nodiscard]] const std::filesystem::path& root() const { return root_; }
  /// Ascending.
  [[nodiscard]] std::vector<std::string> names() const;
  /// Ascending. Error{not_found} for a model that there is not, naming the nearest.
  [[nodiscard]] std::vector<int> versions(const std::string& name) const;
  /// Error{bad_input} where current.json is damaged or names a version that is not there.
  [[nodiscard]] int current(const std::string& name) const;
  /// `version` 0: the current one. Error{not_found} naming those that there are.
  [[nodiscard]] StoredModel open(const std::string& name, int version = 0) const;

  /// Where the next version goes, which makes its parents: a number that no version has had. Error{usage} for a name
  /// that is not of letters, digits, '.', '_' and '-', or begins with no letter or digit.
  [[nodiscard]] std::filesystem::path next_folder(const std::string& name, int& version) const;
  /// Takes a version into use. Error{not_found}.
  void use(const std::string& name, int version) const;
  /// Error{not_found} where there is no such version, damaged or whole; 0: no such model.
  void require(const std::string& name, int version) const;
  /// The version before the current one, or `version`. Error{not_found} where there is none.
  [[nodiscard]] int rollback_version(const std::string& name, int version = 0) const;
  /// Takes rollback_version() into use. Returns it.
  int rollback(const std::string& name, int version = 0) const;
  /// Removes a version; of the current one the newest that is left comes into use. 0: the whole model.
  void remove(const std::string& name, int version) const;

 private:
  [[nodiscard]] std::filesystem::path folder_of(const std::string& name) const { return root_ / name; }

  std::filesystem::path root_;
};

}  // namespace nodulus::store
