#include "nodulus/app/import_model.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "nodulus/app/foreign_file.h"
#include "nodulus/app/imported_network.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/app/trainable.h"
#include "nodulus/core/error.h"
#include "nodulus/core/hash.h"
#include "nodulus/train/checkpoint.h"

namespace nodulus::app {
namespace {

class ImportModel final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& words) override {
    // Layout, family and process decide which other settings there are, so they are looked for before all else.
    const std::string config = word_after(words, "--config");
    auto word = [&](const std::string& key) {
      const std::string given = word_after(words, "--" + key);
      return given.empty() && !config.empty() ? toml_string(config, key) : given;
    };
    if (const std::string layout = word("layout"); !layout.empty()) layout_ = layout;
    const std::string family = word("family");
    family_ = family.empty() ? usual_family(layout_) : family;
    network_ = make_imported_network(layout_, family_, word("process"));
    options.add("file", file_, "a state dict (.pt, .pth) or .safetensors").positional();
    options.add("layout", layout_, "the program whose names and shapes the file has").one_of(foreign_layouts());
    options.add("family", family_, "kind of model; default: the layout's").one_of(trainable_families());
    options.add("out", out_, "the checkpoint to write, .safetensors").command_line_only();
    options.add("channels", channels_, "ct, or ct and mask, in this order").one_of({"ct", "mask"});
    options.add("size", size_, "height and width of the images").between(4, 4096);
    window_.describe(options);
    options.add("weights", weights_, "of a training's file that has both: the moving average, or the last")
        .one_of({"average", "last"})
        .command_line_only();
    network_->describe(options);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    check(common);
    check_foreign_file(file_);
    if (const auto second = network_->second_file(); !second.empty()) check_foreign_file(second);
    return {{{"file", out_.string()}}, fmt::format("would write {} out of {}", out_.string(), file_.string())};
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    check(common);
    const ImportedWeights weights = network_->weights(file_, weights_ == "average");
    for (const std::string& note : weights.notes) monitor.note(note);
    train::CheckpointInfo info;
    info.family = family_;
    info.options = options.to_json();
    info.options.update(weights.settings);
    info.continued.imported = {layout_, sha256_file(file_)};
    info.image_channels = static_cast<int>(channels_.size());
    info.resolution = size_;
    info.window_hu = window_.window();
    train::save_checkpoint(out_, info, weights.state);
    std::int64_t numbers = 0;
    for (const train::StateTensor& slot : weights.state) numbers += slot.tensor.numel();
    return {{{"file", out_.string()},
             {"family", family_},
             {"tensors", weights.state.size()},
             {"numbers", numbers},
             {"notes", weights.notes}},
            fmt::format("{}: {}, {} tensors, {} numbers\nnext: nodulus generate {} --count 16", out_.string(), family_,
                        weights.state.size(), numbers, out_.string())};
  }

 private:
  void check(const CommonOptions& common) {
    require_out(out_, "the checkpoint to write");
    if (out_.extension() != ".safetensors")
      throw Error(ErrorCode::usage,
                  fmt::format("--out: expected a name that ends in .safetensors, found '{}'", out_.string()));
    if (std::filesystem::exists(out_) && !common.force)
      throw Error(ErrorCode::exists, fmt::format("'{}' is there already; --force replaces it", out_.string()));
    if (channels_ != std::vector<std::string>{"ct"} && channels_ != std::vector<std::string>{"ct", "mask"})
      throw Error(ErrorCode::usage,
                  fmt::format("--channels: expected ct or ct,mask, found {}", fmt::join(channels_, ",")));
    (void)window_.window();
    network_->fit(static_cast<int>(channels_.size()), size_);
  }

  std::string layout_ = "score-sde";
  std::string family_;
  std::unique_ptr<ImportedNetwork> network_;
  std::filesystem::path file_;
  std::filesystem::path out_;
  std::vector<std::string> channels_{"ct"};
  int size_ = 64;
  WindowOption window_;
  std::string weights_ = "average";
};

}  // namespace

std::unique_ptr<Command> make_model_import() { return std::make_unique<ImportModel>(); }

}  // namespace nodulus::app
