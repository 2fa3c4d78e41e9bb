#include "nodulus/models/foreign_layout.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "nodulus/core/error.h"
#include "nodulus/models/unet_plan.h"

namespace nodulus::models {
namespace {

using Form = ForeignTensor::Form;
using Kind = UnetPartKind;

/// `option` of ours, of which that program's networks all have one value.
template <class T>
void require_option(std::string_view layout, std::string_view option, const T& expected, const T& found) {
  if (expected != found)
    throw Error(ErrorCode::usage, fmt::format("layout {}: expected unet.{} {}, found {}: it has no other networks",
                                              layout, option, expected, found));
}

/// Lists what layers are made of.
class LayoutWriter {
 public:
  void add(const std::string& ours, const std::string& theirs, Form form = Form::same) {
    layout_.tensors.push_back({ours, {theirs}, form});
  }
  /// A layer with weight and bias.
  void layer(const std::string& ours, const std::string& theirs, Form weight = Form::same) {
    add(ours + ".weight", theirs + ".weight", weight);
    add(ours + ".bias", theirs + ".bias", weight == Form::leading ? weight : Form::same);
  }
  ForeignLayout& layout() { return layout_; }

 private:
  ForeignLayout layout_;
};

/// "all_modules.N.", N counted up as the parts are walked through.
class ScoreSdeWalk {
 public:
  explicit ScoreSdeWalk(const UnetOptions& options) : options_(options) {}

  ForeignLayout walk() {
    if (options_.embedding == "fourier") {
      out_.add("fourier.frequencies", next() + ".W");
      out_.layout().tensors.back().trained = false;
    }
    for (const char* const name : {"time1", "time2"}) out_.layer(name, next());
    for (const UnetPart& part : unet_parts(options_)) add(part);
    out_.layout().unused = {"sigmas"};
    return std::move(out_.layout());
  }

 private:
  std::string next() { return fmt::format("all_modules.{}", count_++); }

  void add(const UnetPart& part) {
    switch (part.kind) {
      case Kind::conv_in: out_.layer(part.name, next()); break;
      case Kind::residual:
      case Kind::residual_down:
      case Kind::residual_up: residual(part); break;
      case Kind::attention: attention(part.name); break;
      case Kind::downsample:
      case Kind::upsample:
      case Kind::input_residual:
      case Kind::output_residual:
        out_.layer(part.name + ".conv", next() + (options_.fir ? ".Conv2d_0" : ".Conv_0"));
        break;
      case Kind::input_skip: out_.layer(part.name, next() + ".Conv_0"); break;
      case Kind::output_skip:
      case Kind::output_first:
        out_.layer(part.name + "_norm", next());
        out_.layer(part.name + "_conv", next());
        break;
      case Kind::conv_out:
        out_.layer("norm_out", next());
        out_.layer("conv_out", next());
        break;
    }
  }

  void residual(const UnetPart& part) {
    const std::string block = next();
    for (const auto& [ours, theirs] :
         {std::pair{"norm1", "GroupNorm_0"}, std::pair{"conv1", "Conv_0"}, std::pair{"time", "Dense_0"},
          std::pair{"norm2", "GroupNorm_1"}, std::pair{"conv2", "Conv_1"}})
      out_.layer(part.name + "." + ours, block + "." + theirs);
    if (part.in == part.out && part.kind == Kind::residual) return;
    const std::string shortcut = part.name + ".shortcut";
    if (options_.block == "ddpm") {
      out_.add(shortcut + ".weight", block + ".NIN_0.W", Form::transposed);
      out_.add(shortcut + ".bias", block + ".NIN_0.b");
    } else {
      out_.layer(shortcut, block + ".Conv_2");
    }
  }

  void attention(const std::string& name) {
    const std::string block = next();
    auto three = [&](const std::string& end) {
      return std::vector{block + ".NIN_0." + end, block + ".NIN_1." + end, block + ".NIN_2." + end};
    };
    out_.layer(name + ".norm", block + ".GroupNorm_0");
    out_.layout().tensors.push_back({name + ".query_key_value.weight", three("W"), Form::transposed});
    out_.layout().tensors.push_back({name + ".query_key_value.bias", three("b")});
    out_.add(name + ".projection.weight", block + ".NIN_3.W", Form::transposed);
    out_.add(name + ".projection.bias", block + ".NIN_3.b");
  }

  const UnetOptions& options_;
  LayoutWriter out_;
  int count_ = 0;
};

/// "input_blocks.N.M.", "middle_block.M." and "output_blocks.N.M.": a list of lists of modules each.
class AdmWalk {
 public:
  AdmWalk(const UnetOptions& options, bool heads_first) : options_(options), heads_first_(heads_first) {}

  ForeignLayout walk() {
    out_.layer("time1", "time_embed.0");
    out_.layer("time2", "time_embed.2");
    bool kept = true;  // what is kept for the way up ends a list of the way down
    for (const UnetPart& part : unet_parts(options_)) {
      if (part.name == "middle1") {
        begin("middle_block");
      } else if (part.takes_skip) {
        begin(fmt::format("output_blocks.{}", outputs_++));
      } else if (kept) {
        begin(fmt::format("input_blocks.{}", inputs_++));
      }
      add(part);
      kept = part.keep;
    }
    out_.layout().labels = "label_emb.weight";
    return std::move(out_.layout());
  }

 private:
  void begin(const std::string& block) {
    block_ = block;
    within_ = 0;
  }

  std::string next() { return fmt::format("{}.{}", block_, within_++); }

  void add(const UnetPart& part) {
    switch (part.kind) {
      case Kind::conv_in: out_.layer(part.name, next()); break;
      case Kind::residual:
      case Kind::residual_down:
      case Kind::residual_up: residual(part); break;
      case Kind::attention: attention(part); break;
      case Kind::downsample: out_.layer(part.name + ".conv", next() + ".op"); break;
      case Kind::upsample: out_.layer(part.name + ".conv", next() + ".conv"); break;
      case Kind::conv_out:
        out_.layer("norm_out", "out.0");
        out_.layer("conv_out", "out.2", Form::leading);
        break;
      default: break;  // refused before
    }
  }

  void residual(const UnetPart& part) {
    const std::string block = next();
    for (const auto& [ours, theirs] :
         {std::pair{"norm1", "in_layers.0"}, std::pair{"conv1", "in_layers.2"}, std::pair{"time", "emb_layers.1"},
          std::pair{"norm2", "out_layers.0"}, std::pair{"conv2", "out_layers.3"}})
      out_.layer(part.name + "." + ours, block + "." + theirs);
    if (part.in != part.out) out_.layer(part.name + ".shortcut", block + ".skip_connection");
  }

  void attention(const UnetPart& part) {
    const std::string block = next();
    const int heads = heads_first_ ? attention_heads(options_, part.out) : 1;
    out_.layer(part.name + ".norm", block + ".norm");
    for (const char* const end : {".weight", ".bias"}) {
      out_.add(part.name + ".query_key_value" + end, block + ".qkv" + end,
               std::string_view(end) == ".weight" ? Form::sequence : Form::same);
      out_.layout().tensors.back().heads = heads;
    }
    out_.layer(part.name + ".projection", block + ".proj_out", Form::sequence);
  }

  const UnetOptions& options_;
  bool heads_first_;
  LayoutWriter out_;
  std::string block_;
  int within_ = 0;
  int inputs_ = 0;
  int outputs_ = 0;
};

}  // namespace

bool ForeignLayout::is_unused(std::string_view name) const {
  return std::any_of(unused.begin(), unused.end(), [&](const std::string& end) { return name.ends_with(end); });
}

bool ForeignLayout::is_trained(std::string_view name) const {
  if (is_unused(name)) return false;
  return std::none_of(tensors.begin(), tensors.end(),
                      [&](const ForeignTensor& tensor) { return !tensor.trained && tensor.theirs.front() == name; });
}

ForeignLayout score_sde_layout(const UnetOptions& options) {
  constexpr std::string_view layout = "score-sde";
  require_option<std::string>(layout, "form", "ddpm", options.form);
  require_option<std::string>(layout, "attention_up", "last", options.attention_up);
  require_option(layout, "patch", 1, options.patch);
  require_option(layout, "heads", 1, options.heads);
  require_option(layout, "head_channels", 0, options.head_channels);
  require_option(layout, "scale_shift", false, options.scale_shift);
  return ScoreSdeWalk(options).walk();
}

ForeignLayout adm_layout(const UnetOptions& options, bool heads_first) {
  constexpr std::string_view layout = "adm";
  require_option<std::string>(layout, "form", "adm", options.form);
  require_option<std::string>(layout, "attention_up", "every", options.attention_up);
  require_option(layout, "patch", 1, options.patch);
  require_option(layout, "skip_rescale", false, options.skip_rescale);
  return AdmWalk(options, heads_first).walk();
}

ForeignLayout stylegan2_layout(std::span<const std::string> names) {
  LayoutWriter out;
  for (const std::string& name : names) out.add(name, name == "w_avg" ? "mapping.w_avg" : name);
  out.layout().unused = {"resample_filter"};
  out.layout().labels = "mapping.embed.weight";
  return std::move(out.layout());
}

}  // namespace nodulus::models
