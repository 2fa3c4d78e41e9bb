#include "nodulus/app/imported_network.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "nodulus/app/diffusion.h"
#include "nodulus/app/foreign_file.h"
#include "nodulus/core/error.h"
#include "nodulus/core/nearest.h"
#include "nodulus/models/foreign_weights.h"
#include "nodulus/models/stylegan2.h"
#include "nodulus/models/unet.h"
#include "nodulus/train/diffusion_learner.h"
#include "nodulus/train/gan_learner.h"

namespace nodulus::app {
namespace {

namespace fs = std::filesystem;
using models::NamedTensors;

/// `fixed`: a setting of ours that all networks of the layout have, and its value.
struct LayoutRow {
  std::string_view name;
  std::string_view family;
  std::pair<const char*, const char*> fixed;
};

/// With fewer, score_sde_pytorch's `ddpm` model, whose norms all have 32 groups (models/ddpm.py), is none of ours.
constexpr int least_ddpm_channels = 128;

constexpr std::array layout_rows{
    LayoutRow{"score-sde", "ncsnpp", {"unet.attention_up", "last"}},
    LayoutRow{"adm", "adm", {"unet.form", "adm"}},
    LayoutRow{"stylegan2-ada", "stylegan2-ada", {nullptr, nullptr}},
};

const LayoutRow& layout_row(const std::string& name) {
  for (const LayoutRow& row : layout_rows)
    if (row.name == name) return row;
  throw Error(ErrorCode::usage,
              fmt::format("--layout: expected one of {}; found '{}'{}", fmt::join(foreign_layouts(), ", "), name,
                          did_you_mean(name, foreign_layouts())));
}

/// The tensors of a file, in place of its weights their averages where it has them and they are asked for.
NamedTensors file_weights(const fs::path& file, const models::ForeignLayout& layout, bool average,
                          std::vector<std::string>& notes) {
  const eval::TrainedState state = read_foreign_file(file);
  if (state.averages.empty() || !average) return state.weights;
  notes.emplace_back("the weights are the file's moving averages");
  return models::averaged(layout, state.weights, state.order, state.averages, file.string());
}

/// The name without the part of the state that it is in.
std::string name_in_network(const std::string& name) { return name.substr(name.find('/') + 1); }

class ImportedUnet final : public ImportedNetwork {
 public:
  ImportedUnet(const LayoutRow& layout, const std::string& family, const std::string& process)
      : layout_(layout), family_(make_family(family, process)) {
    if (family_.architecture->unet() == nullptr)
      throw Error(ErrorCode::usage, fmt::format("--family: layout {} has U-Nets; expected a family of these, found {}",
                                                layout.name, family));
    centered_ = layout.name != "score-sde" || family_.process_name != "ve";
  }

  void describe(Options& options) override {
    std::vector<std::string> processes;
    for (const process::ProcessRow& row : process::processes()) processes.emplace_back(row.name);
    options.add("process", family_.process_name, "noise that it was trained in; default: the family's own")
        .one_of(processes);
    if (layout_.name == "adm")
      options.add("heads_order", heads_order_, "of attention's outputs; new: as use_new_attention_order has it")
          .one_of({"legacy", "new"})
          .command_line_only();
    if (layout_.name == "score-sde")
      options.add("centered", centered_, "its images went from -1 to 1, rather than from 0 to 1; default: not for VE")
          .command_line_only();
    family_.architecture->describe(options);
    family_.process->describe(options);
    options.read_json({{layout_.fixed.first, layout_.fixed.second}}, std::string(layout_.name));
  }

  void fit(int channels, int size) override {
    family_.prepare();
    family_.architecture->fit(channels, size, 0);
    const models::UnetOptions& unet = *family_.architecture->unet();
    if (layout_.name == "score-sde") check_score_sde(unet);
    tensors_ =
        layout_.name == "adm" ? models::adm_layout(unet, heads_order_ == "legacy") : models::score_sde_layout(unet);
  }

  [[nodiscard]] ImportedWeights weights(const fs::path& file, bool average) const override {
    const auto network = family_.architecture->build();
    ImportedWeights result;
    std::vector<std::string> halved;
    NamedTensors ours = models::translated(tensors_, file_weights(file, tensors_, average, result.notes),
                                           models::tensors_of(*network), file.string(), halved);
    if (!halved.empty()) result.notes.emplace_back("the outputs for a learnt variance were left out");
    if (!centered_) center(ours, result);
    result.state = train::averaged_weights(*network);
    for (train::StateTensor& slot : result.state) slot.tensor = ours.at(name_in_network(slot.name));
    if (const auto found = ours.find("fourier.frequencies"); found != ours.end()) {
      const torch::Tensor exact = found->second.to(torch::kDouble).contiguous();
      const auto* const first = exact.data_ptr<double>();
      result.settings["unet.fourier_frequencies"] = std::vector<double>(first, first + exact.numel());
    }
    return result;
  }

 private:
  /// What score_sde_pytorch has networks or noise of, and we have none.
  void check_score_sde(const models::UnetOptions& unet) const {
    const bool ve = family_.process_name == "ve";
    if (family_.name == "ddpm" && unet.channels < least_ddpm_channels)
      throw Error(ErrorCode::usage,
                  fmt::format("--family ddpm: layout score-sde normalises its networks of this name in 32 groups, of "
                              "fewer channels, too, where we have fewer groups; expected unet.channels >= {}, found {}",
                              least_ddpm_channels, unet.channels));
    if (ve && unet.embedding != "fourier")
      throw Error(
          ErrorCode::usage,
          fmt::format("--process ve: layout score-sde counts levels down, from the noisiest, where they are not "
                      "continuous; expected unet.embedding fourier, found {}",
                      unet.embedding));
    if (!centered_ && !ve)
      throw Error(
          ErrorCode::usage,
          fmt::format("--no-centered: expected process ve, whose noise leaves an image's scale as it is, found {}",
                      family_.process_name));
  }

  /// Theirs sees images x' from 0 to 1 as 2 x' - 1, which is our x, but levels in the scale of x': of 2 sigma' in ours.
  /// Its output h, the score times sigma', stays: D(x) = 2 D'(x') - 1 = 2 (x' + sigma' h) - 1 = x + sigma h.
  void center(NamedTensors& ours, ImportedWeights& result) const {
    constexpr double factor = 2;
    models::rescale_levels(ours, factor);
    Options given;
    family_.process->describe(given);
    for (const char* const key : {"ve.sigma_min", "ve.sigma_max"})
      result.settings[key] = factor * given.find(key)->value().get<double>();
    result.notes.emplace_back(
        "its images went from 0 to 1, so its noise levels are twice as large in ours, of -1 to 1");
  }

  LayoutRow layout_;
  FamilyParts family_;
  std::string heads_order_ = "legacy";
  bool centered_ = true;
  models::ForeignLayout tensors_;
};

class ImportedStyleGan2 final : public ImportedNetwork {
 public:
  [[nodiscard]] fs::path second_file() const override { return discriminator_; }

  void describe(Options& options) override {
    options.add("discriminator", discriminator_, "the discriminator's file, without which it cannot be trained on")
        .command_line_only();
    options.add("batch", batch_, "images a step where it is trained on; 0: by the size").between(0, 65536);
    settings_.clamp = 256;  // their train.py's, unless it had --fp32
    settings_.describe(options);
  }

  void fit(int channels, int size) override {
    if (batch_ == 0) batch_ = train::GanOptions::auto_batch(size);
    networks_ = settings_.networks(channels, size, 0, batch_, false);
    settings_.clamp = networks_.clamp;
  }

  [[nodiscard]] ImportedWeights weights(const fs::path& file, bool average) const override {
    ImportedWeights result;
    result.settings["batch"] = batch_;
    const auto generator = models::make_generator(networks_);
    const NamedTensors drawing = read(*generator, file, average, result.notes);
    result.state = train::averaged_weights(*generator);
    for (train::StateTensor& slot : result.state) slot.tensor = drawing.at(name_in_network(slot.name));
    if (discriminator_.empty()) {
      result.notes.emplace_back("without --discriminator it draws, and cannot be trained on");
      return result;
    }
    const auto discriminator = models::make_discriminator(networks_);
    for (const auto& [name, values] : read(*discriminator, discriminator_, average, result.notes))
      result.state.push_back({"discriminator/" + name, values});
    return result;
  }

 private:
  static NamedTensors read(const torch::nn::Module& network, const fs::path& file, bool average,
                           std::vector<std::string>& notes) {
    const NamedTensors ours = models::tensors_of(network);
    std::vector<std::string> names;
    names.reserve(ours.size());
    for (const auto& [name, values] : ours) names.push_back(name);
    const models::ForeignLayout layout = models::stylegan2_layout(names);
    std::vector<std::string> halved;
    return models::translated(layout, file_weights(file, layout, average, notes), ours, file.string(), halved);
  }

  train::GanOptions settings_;
  models::StyleGan2Options networks_;
  fs::path discriminator_;
  int batch_ = 0;
};

}  // namespace

std::vector<std::string> foreign_layouts() {
  std::vector<std::string> names;
  names.reserve(layout_rows.size());
  for (const LayoutRow& row : layout_rows) names.emplace_back(row.name);
  return names;
}

std::string usual_family(const std::string& layout) { return std::string(layout_row(layout).family); }

std::unique_ptr<ImportedNetwork> make_imported_network(const std::string& layout, const std::string& family,
                                                       const std::string& process) {
  const LayoutRow& row = layout_row(layout);
  if (models::is_gan(row.family) != models::is_gan(family))
    throw Error(ErrorCode::usage,
                fmt::format("--family: layout {} has networks as {}; expected such a family, found {}", layout,
                            row.family, family));
  if (!models::is_gan(family)) return std::make_unique<ImportedUnet>(row, family, process);
  if (!process.empty())
    throw Error(ErrorCode::usage,
                fmt::format("--process: {} learns no noise; expected none, found '{}'", family, process));
  return std::make_unique<ImportedStyleGan2>();
}

}  // namespace nodulus::app
