#include "nodulus/sample/torch_script.h"

#include <fmt/format.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>
#include <utility>
#include <vector>

#include "nodulus/core/atomic_file.h"
#include "nodulus/core/error.h"
#include "nodulus/nn/plain_operations.h"
#include "nodulus/sample/script_source.h"

namespace nodulus::sample {
namespace {

using torch::Tensor;
using torch::jit::Module;
using Tensors = std::vector<Tensor>;
/// What is traced: it sees tensors alone, and uses those of the module that it is traced into.
using Traced = std::function<Tensor(const Tensors& inputs)>;

constexpr int table_size = 4096;
constexpr int most_levels = 100'000;
constexpr double same_image = 1e-4;  // of the largest number: float32 in another order of sums

/// The same parameters, buffers and submodules by the same names, as the tracer wants to find them.
Module mirrored(const torch::nn::Module& network, const std::string& name) {
  Module module{c10::QualifiedName("__torch__." + name)};
  for (const auto& item : network.named_parameters(false)) {
    item.value().set_requires_grad(false);
    module.register_parameter(item.key(), item.value(), false);
  }
  for (const auto& item : network.named_buffers(false)) module.register_buffer(item.key(), item.value());
  for (const auto& item : network.named_children())
    module.register_module(item.key(), mirrored(*item.value(), name + "_" + item.key()));
  return module;
}

torch::jit::Stack stack_of(const Tensors& tensors) { return {tensors.begin(), tensors.end()}; }

/// Adds `what` to the module as a method, traced on the inputs' first rows, and sees that it gives what the network
/// gives on all of them: that nothing of the traced batch was kept.
void add_traced(Module& module, const std::string& method, const Tensors& inputs, const Traced& what) {
  Tensors first;
  for (const Tensor& input : inputs) first.push_back(input.narrow(0, 0, 1));
  const auto lambda = [&](torch::jit::Stack stack) {
    Tensors tensors;
    for (const auto& value : stack) tensors.push_back(value.toTensor());
    return torch::jit::Stack{what(tensors)};
  };
  const auto nameless = [](const torch::autograd::Variable&) { return std::string(); };
  const auto graph = torch::jit::tracer::trace(stack_of(first), lambda, nameless, true, false, &module).first->graph;
  auto* const function =
      module._ivalue()->compilation_unit()->create_function(c10::QualifiedName(*module.type()->name(), method), graph);
  module.type()->addMethod(function);
  const Tensor expected = what(inputs);
  const Tensor found = module.get_method(method)(stack_of(inputs)).toTensor();
  const double difference = (found - expected).abs().max().item<double>();
  if (!(difference <= same_image * std::max(1.0, expected.abs().max().item<double>())))
    throw Error(ErrorCode::internal,
                fmt::format("torchscript: expected '{}' to give what the network gives, found a difference of {}",
                            method, difference));
}

c10::List<std::string> texts(const ConditionSchema& schema,
                             const std::function<std::string(const ConditionLabel&)>& of) {
  c10::List<std::string> list;
  for (const ConditionLabel& label : schema.labels) list.push_back(of(label));
  return list;
}

void add_labels(Module& module, const ConditionSchema& schema) {
  c10::List<c10::List<double>> values;
  c10::List<std::int64_t> first;
  std::int64_t at = 0;
  for (const ConditionLabel& label : schema.labels) {
    c10::List<double> numbers;
    for (const ConditionValue& value : label.values) numbers.push_back(value.number);
    values.push_back(numbers);
    first.push_back(at);
    at += static_cast<std::int64_t>(label.values.size());
  }
  const auto text_list = c10::ListType::create(c10::StringType::get());
  const auto number_list = c10::ListType::create(c10::FloatType::get());
  module.register_attribute("label_names", text_list, texts(schema, [](const auto& l) { return l.column(); }));
  module.register_attribute("label_kinds", text_list,
                            texts(schema, [](const auto& l) { return std::string(name(l.kind)); }));
  module.register_attribute("label_values", c10::ListType::create(number_list), values);
  module.register_attribute("label_first", c10::ListType::create(c10::IntType::get()), first);
  module.register_attribute("width", c10::IntType::get(), at);
}

/// The module that a file holds, without what is of its family.
Module module_of(const Module& network, const ScriptFacts& facts) {
  Module module{c10::QualifiedName("__torch__.NodulusModel")};
  module.register_module("network", network);
  add_labels(module, facts.conditions);
  module.register_attribute("window_low", c10::FloatType::get(), static_cast<double>(facts.window_hu.lo));
  module.register_attribute("window_high", c10::FloatType::get(), static_cast<double>(facts.window_hu.hi));
  module.register_attribute("synthetic", c10::BoolType::get(), true);
  module.register_attribute("about", c10::StringType::get(), facts.about);
  return module;
}

void save(const Module& module, const std::filesystem::path& file) {
  std::ostringstream bytes;
  module.save(bytes);
  AtomicFile out(file);
  out.write(bytes.str());
  out.commit();
}

/// Coefficients over ln(sigma): at levels spread evenly and at those of the process.
void add_table(Module& module, const process::Process& process, const std::vector<double>& sigmas) {
  const process::NoiseRange range = process.noise_range();
  std::vector<double> levels = sigmas;
  if (process.most_steps() <= most_levels) {
    const std::vector<double> own = process.noise_levels(process.most_steps());
    levels.insert(levels.end(), own.begin(), own.end());
  }
  for (int i = 0; i < table_size; ++i)
    levels.push_back(range.lowest * std::pow(range.highest / range.lowest, i / (table_size - 1.0)));
  std::erase_if(levels, [](double sigma) { return sigma <= 0; });
  std::sort(levels.begin(), levels.end());
  levels.erase(
      std::unique(levels.begin(), levels.end(), [](double a, double b) { return std::log(b) - std::log(a) < 1e-12; }),
      levels.end());
  const auto count = static_cast<std::int64_t>(levels.size());
  const Tensor at = torch::empty({count}, torch::kDouble);
  const Tensor table = torch::empty({count, 4}, torch::kDouble);
  for (std::int64_t i = 0; i < count; ++i) {
    const double sigma = levels[static_cast<std::size_t>(i)];
    const process::Preconditioning c = process.preconditioning(sigma);
    at.data_ptr<double>()[i] = std::log(sigma);
    const std::array<double, 4> row{c.skip, c.out, c.in, c.c_noise};
    std::copy(row.begin(), row.end(), table.data_ptr<double>() + 4 * i);
  }
  module.register_buffer("table_at", at);
  module.register_buffer("table", table);
}

}  // namespace

void write_script(const std::filesystem::path& file, models::Network& network, const process::Process& process,
                  int image_channels, int resolution, int steps, const ScriptFacts& facts) {
  const torch::NoGradGuard no_grad;
  const nn::PlainOperations plain;
  network.eval();
  Module traced = mirrored(network, "Network");
  const std::int64_t width = facts.conditions.width();
  const Tensors inputs{torch::linspace(-1, 1, 2 * image_channels * resolution * resolution)
                           .view({2, image_channels, resolution, resolution}),
                       torch::tensor({0.5F, -0.25F}), torch::linspace(0, 1, 2 * width).view({2, width})};
  add_traced(traced, "forward", inputs,
             [&](const Tensors& in) { return network.forward(in[0], in[1], width > 0 ? in[2] : Tensor()); });
  Module module = module_of(traced, facts);
  const std::vector<double> sigmas = process.noise_levels(steps);
  add_table(module, process, sigmas);
  module.register_attribute("sigmas", c10::ListType::create(c10::FloatType::get()), sigmas);
  module.register_attribute("prior_deviation", c10::FloatType::get(), process.prior_deviation());
  module.register_attribute("channels", c10::IntType::get(), image_channels);
  module.register_attribute("resolution", c10::IntType::get(), resolution);
  module.define(std::string(common_script) + diffusion_script);
  save(module, file);
}

void write_script(const std::filesystem::path& file, models::StyleGan2Generator& generator, const ScriptFacts& facts) {
  const torch::NoGradGuard no_grad;
  const nn::PlainOperations plain;
  generator.eval();
  const models::StyleGan2Options& options = generator.options();
  Module traced = mirrored(generator, "Generator");
  const Tensor z = torch::linspace(-1, 1, 2 * options.z).view({2, options.z});
  const Tensor labels = torch::linspace(0, 1, 2 * options.labels).view({2, options.labels});
  add_traced(traced, "map", {z, labels},
             [&](const Tensors& in) { return generator.map(in[0], options.labels > 0 ? in[1] : Tensor()); });
  const Tensor ws = generator.broadcast(generator.map(z, options.labels > 0 ? labels : Tensor())).contiguous();
  add_traced(traced, "synthesize", {ws},
             [&](const Tensors& in) { return generator.synthesize(in[0], models::LayerNoise::constant); });
  Module module = module_of(traced, facts);
  module.register_attribute("z", c10::IntType::get(), options.z);
  module.register_attribute("layers", c10::IntType::get(), generator.layers());
  module.define(std::string(common_script) + gan_script);
  save(module, file);
}

}  // namespace nodulus::sample
