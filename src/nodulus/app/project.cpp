#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "nodulus/app/commands.h"
#include "nodulus/app/compute.h"
#include "nodulus/app/gan.h"
#include "nodulus/app/images_writer.h"
#include "nodulus/app/shared_options.h"
#include "nodulus/app/trained.h"
#include "nodulus/core/artifact.h"
#include "nodulus/core/error.h"
#include "nodulus/core/files.h"
#include "nodulus/core/reject.h"
#include "nodulus/sample/projection.h"

#ifdef NODULUS_HAS_IMAGES
#include <fstream>
#include <iterator>

#include "nodulus/data/picture_reader.h"
#endif

namespace nodulus::app {
namespace {

using torch::Tensor;

#ifdef NODULUS_HAS_IMAGES
/// A picture, black to white as -1 to 1, averaged down where it is a whole number of times as large as the model's.
Tensor picture_target(const std::filesystem::path& file, std::int64_t size) {
  std::ifstream in(file, std::ios::binary);
  const std::vector<char> bytes{std::istreambuf_iterator<char>(in), {}};
  const auto decoded = data::decode_picture(std::as_bytes(std::span(bytes)), file.string());
  if (const auto* reject = std::get_if<Reject>(&decoded))
    throw Error(ErrorCode::bad_input, fmt::format("{}: {} ({})", file.string(), reject->reason, reject->detail));
  const auto& picture = std::get<data::GrayImage>(decoded);
  if (picture.width != picture.height || picture.width % size != 0)
    throw Error(ErrorCode::usage, fmt::format("{}: expected {}x{} pixels, or a whole number of times that each way, "
                                              "found {}x{}",
                                              file.string(), size, size, picture.width, picture.height));
  Tensor image = torch::empty({1, 1, picture.height, picture.width});
  for (std::size_t i = 0; i < picture.values.size(); ++i)
    image.data_ptr<float>()[i] = 2 * static_cast<float>(picture.values[i]) / static_cast<float>(picture.max_value) - 1;
  return picture.width == size ? image : torch::avg_pool2d(image, picture.width / size);
}
#endif

/// The latent of an image: what StyleGAN2 has to be given to draw it.
class Project final : public Command {
 public:
  void describe(Options& options, const std::vector<std::string>& /*words*/) override {
    options.add("image", image_, "a PNG or JPEG of a nodule, or a data set (--item)").positional();
    options.add("model", model_, "a StyleGAN2 run's folder or a checkpoint");
    options.add("item", item_, "number of the image in the data set, as in its items.csv from 0").between(0, 1e12);
    options.add("out", out_, "folder for the found image and its latent").command_line_only();
    options.add("steps", settings_.steps, "of the search").between(1, 1e6);
    options.add("learning_rate", settings_.learning_rate, "of the search, the highest").between(1e-9, 100);
    options.add("style_a_layer", settings_.style_a_layer,
                "a style for each layer: nearer to the image, further from what was learnt");
    options.add("seed", settings_.seed, "all that is random follows from it").between(0, 9e18);
  }

  Outcome plan(const CommonOptions& common, Monitor& /*monitor*/) override {
    const Inputs inputs = open(torch::kCPU);
    check_target(out_, "images", common.force);
    Outcome outcome;
    outcome.figures = {{"model", inputs.checkpoint.string()}, {"steps", settings_.steps}};
    outcome.text = fmt::format("would search the latent of {} in {} for {} steps", image_.string(),
                               inputs.checkpoint.string(), settings_.steps);
    return outcome;
  }

  Outcome run(const CommonOptions& common, const Options& options, Monitor& monitor) override {
    warn_of_slow_blas(monitor);
    const torch::Device device = device_from(common.device);
    const Inputs inputs = open(device);
    ArtifactWriter artifact(out_, "images", common.force);
    const sample::Projection found = sample::project(
        *inputs.generator, inputs.target.to(device), settings_, [&](std::int64_t done, double distance) {
          if (monitor.stop_requested()) throw Error(ErrorCode::stopped, "stopped; nothing was written");
          monitor.progress({"projecting", done, settings_.steps, "steps", fmt::format("distance {:.4f}", distance)});
        });
    write(artifact.path(), inputs, found);
    Manifest manifest;
    manifest.kind = "images";
    manifest.command = "project";
    manifest.options = options.to_json();
    manifest.options["model"] = model_.string();
    manifest.options["window_hu"] = {inputs.info.window_hu.lo, inputs.info.window_hu.hi};
    manifest.options["family"] = inputs.info.family;
    manifest.options["distance"] = found.distance;
    manifest.seed = settings_.seed;
    manifest.synthetic = true;
    manifest.inputs = {inputs.model_input, inputs.image_input};
    write_manifest(artifact.path(), manifest);
    artifact.commit();
    Outcome outcome;
    outcome.figures = {{"images", out_.string()},
                       {"distance", found.distance},
                       {"first_distance", found.first_distance},
                       {"steps", settings_.steps},
                       {"synthetic", true}};
    outcome.text = fmt::format(
        "{}: distance {:.4f} (the mean image's: {:.4f}); comparison.png has both\nnext: nodulus "
        "generate {} --interpolate {}:1 --count 8",
        out_.string(), found.distance, found.first_distance, model_.string(), out_.string());
    return outcome;
  }

 private:
  struct Inputs {
    std::filesystem::path checkpoint;
    train::CheckpointInfo info;
    std::shared_ptr<models::StyleGan2Generator> generator;
    Tensor target;
    Manifest::Input model_input;
    Manifest::Input image_input;
  };

  [[nodiscard]] Inputs open(torch::Device device) const {
    require_out(out_, "the folder for the found image");
    if (model_.empty()) throw Error(ErrorCode::usage, "expected --model, a StyleGAN2 run's folder or a checkpoint");
    Inputs inputs;
    inputs.checkpoint = checkpoint_of(model_);
    inputs.info = train::read_checkpoint_info(inputs.checkpoint);
    inputs.generator = load_generator(inputs.checkpoint, inputs.info, device);
    inputs.model_input = manifest_input(inputs.checkpoint);
    inputs.target = target(inputs.info);
    inputs.image_input = manifest_input(image_);
    return inputs;
  }

  [[nodiscard]] Tensor target(const train::CheckpointInfo& info) const {
    std::error_code error;
    if (std::filesystem::is_directory(image_, error)) return item_image(info, image_, item_);
    if (!std::filesystem::is_regular_file(image_, error))
      throw Error(ErrorCode::not_found,
                  fmt::format("{}: expected a picture or a data set, found nothing", image_.string()));
    if (item_ > 0)
      throw Error(ErrorCode::usage,
                  fmt::format("--item: {} is one picture; expected none, found {}", image_.string(), item_));
#ifdef NODULUS_HAS_IMAGES
    return picture_target(image_, info.resolution);
#else
    throw Error(ErrorCode::usage,
                fmt::format("{}: this program was built without PNG and JPEG; expected a data set", image_.string()));
#endif
  }

  [[nodiscard]] std::string source_name() const {
    const std::filesystem::path path = without_slash(image_);
    std::error_code ignored;
    return std::filesystem::is_directory(path, ignored) ? fmt::format("item {} of {}", item_, path.filename().string())
                                                        : path.filename().string();
  }

  void write(const std::filesystem::path& folder, const Inputs& inputs, const sample::Projection& found) const {
    const data::ModelShape shape{inputs.info.image_channels, inputs.info.resolution, inputs.info.resolution};
    ImagesWriter writer(folder, shape, inputs.info.window_hu, true);
    const Tensor image = found.image.cpu().contiguous();
    writer.append({image.data_ptr<float>(), static_cast<std::size_t>(image.numel())},
                  {model_.string(), std::to_string(settings_.seed), "projection of " + source_name(), "",
                   std::to_string(settings_.steps), std::to_string(settings_.steps)});
    writer.close();
    write_latent(folder / latent_file, found.styles, found.noise, inputs.model_input.sha256);
    // Left what was asked for, right what was found; a channel that the target has not stays empty.
    Tensor both = torch::full({2, shape.channels, shape.height, shape.width}, -1.0F);
    both[0].narrow(0, 0, inputs.target.size(1)).copy_(inputs.target[0]);
    both[1].copy_(image[0]);
    const std::array marks{synthetic_mark};
    write_png(folder / "comparison.png",
              data::sheet_of({both.data_ptr<float>(), static_cast<std::size_t>(both.numel())}, shape,
                             inputs.info.window_hu, 4),
              marks);
  }

  std::filesystem::path image_;
  std::filesystem::path model_;
  std::filesystem::path out_ = "projection";
  std::int64_t item_ = 0;
  sample::ProjectionOptions settings_;
};

}  // namespace

CommandRow project_command() {
  return {"project", "an image of a nodule -> the latent whose image is most like it (StyleGAN2)",
          "nodulus project nodule.png --model runs/00000-stylegan2-ada --out projection/", make_command<Project>, true};
}

}  // namespace nodulus::app
