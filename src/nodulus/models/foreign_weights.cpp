#include "nodulus/models/foreign_weights.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>

#include "nodulus/core/error.h"

namespace nodulus::models {
namespace {

using torch::Tensor;
using Form = ForeignTensor::Form;
using Shape = std::vector<std::int64_t>;

[[noreturn]] void refuse_tensor(const std::string& where, const std::string& name, const std::string& expected,
                                const std::string& found) {
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: tensor '{}': expected {}, found {}", where, name, expected, found));
}

std::string text_of(at::IntArrayRef shape) { return fmt::format("[{}]", fmt::join(shape.vec(), ", ")); }

/// The shape of each of theirs, given that of ours.
Shape foreign_shape(const ForeignTensor& tensor, at::IntArrayRef ours) {
  Shape shape = ours.vec();
  if (tensor.theirs.size() > 1) shape.at(0) /= static_cast<std::int64_t>(tensor.theirs.size());
  if (tensor.form == Form::sequence && shape.size() == 4) shape.pop_back();
  if (tensor.form == Form::transposed) shape = {shape.at(1), shape.at(0)};
  return shape;
}

/// Theirs, checked, in our order of dimensions.
Tensor checked(const ForeignTensor& tensor, const std::string& name, const NamedTensors& theirs, const Shape& expected,
               const std::string& where, std::vector<std::string>& halved) {
  const std::string wanted = fmt::format("{} for '{}'", text_of(expected), tensor.ours);
  const auto entry = theirs.find(name);
  if (entry == theirs.end()) refuse_tensor(where, name, wanted, "none");
  Tensor found = entry->second;
  if (tensor.form == Form::leading && found.dim() > 0 && found.dim() == static_cast<std::int64_t>(expected.size()) &&
      found.size(0) == 2 * expected[0]) {
    found = found.narrow(0, 0, expected[0]);
    halved.push_back(name);
  }
  if (!found.sizes().equals(expected)) refuse_tensor(where, name, wanted, text_of(entry->second.sizes()));
  if (!found.is_floating_point()) refuse_tensor(where, name, "floats", c10::toString(found.scalar_type()));
  found = found.to(torch::kFloat);
  if (!found.isfinite().all().item<bool>()) refuse_tensor(where, name, "finite numbers", "others");
  return tensor.form == Form::transposed ? found.t().unsqueeze(-1).unsqueeze(-1) : found;
}

/// The normalised product of [1, 3, 3, 1] with itself, from which a resampling filter may differ by rounding.
void check_filter(const std::string& name, const Tensor& found, const std::string& where) {
  const Tensor row = torch::tensor({1.0F, 3.0F, 3.0F, 1.0F}) / 8;
  const Tensor expected = row.unsqueeze(1) * row.unsqueeze(0);
  if (!found.sizes().equals(expected.sizes()) || !found.to(torch::kFloat).allclose(expected, 1e-3, 1e-5))
    refuse_tensor(where, name, "the filter [1, 3, 3, 1]", "another: its network is none of ours");
}

void refuse_other_layouts(const ForeignLayout& layout, const NamedTensors& theirs, const std::string& where) {
  const bool known = std::any_of(layout.tensors.begin(), layout.tensors.end(),
                                 [&](const ForeignTensor& tensor) { return theirs.contains(tensor.theirs.front()); });
  if (known || layout.tensors.empty() || theirs.empty()) return;
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: expected tensors named as '{}', found '{}' and others: a file of another layout", where,
                          layout.tensors.front().theirs.front(), theirs.begin()->first));
}

void refuse_leftovers(const ForeignLayout& layout, const NamedTensors& theirs, const std::string& where) {
  std::set<std::string> used;
  for (const ForeignTensor& tensor : layout.tensors) used.insert(tensor.theirs.begin(), tensor.theirs.end());
  for (const auto& [name, values] : theirs) {
    if (used.contains(name)) continue;
    if (!layout.is_unused(name))
      refuse_tensor(where, name, "none of this name in the network that the options describe", text_of(values.sizes()));
    if (name.ends_with("resample_filter")) check_filter(name, values, where);
  }
}

}  // namespace

NamedTensors tensors_of(const torch::nn::Module& network) {
  NamedTensors tensors;
  for (const auto& item : network.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : network.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

NamedTensors translated(const ForeignLayout& layout, const NamedTensors& theirs, const NamedTensors& ours,
                        const std::string& where, std::vector<std::string>& halved) {
  refuse_other_layouts(layout, theirs, where);
  if (const auto labels = theirs.find(layout.labels); labels != theirs.end())
    refuse_tensor(where, layout.labels, "none, as class labels are not taken over", text_of(labels->second.sizes()));
  NamedTensors result;
  for (const ForeignTensor& tensor : layout.tensors) {
    const auto own = ours.find(tensor.ours);
    if (own == ours.end())
      throw Error(ErrorCode::internal, fmt::format("layout: our networks have no tensor '{}'", tensor.ours));
    const at::IntArrayRef shape = own->second.sizes();
    const Shape expected = foreign_shape(tensor, shape);
    std::vector<Tensor> parts;
    for (const std::string& name : tensor.theirs)
      parts.push_back(checked(tensor, name, theirs, expected, where, halved));
    Tensor joined = parts.size() > 1 ? torch::cat(parts, 0) : parts.front();
    if (tensor.heads > 1) joined = joined.reshape({tensor.heads, 3, shape[0] / 3 / tensor.heads, -1}).transpose(0, 1);
    result[tensor.ours] = joined.reshape(shape).clone(at::MemoryFormat::Contiguous);
  }
  refuse_leftovers(layout, theirs, where);
  for (const auto& [name, values] : ours)
    if (!result.contains(name))
      throw Error(ErrorCode::internal, fmt::format("layout: expected a source of our tensor '{}', found none", name));
  return result;
}

NamedTensors averaged(const ForeignLayout& layout, const NamedTensors& theirs, const std::vector<std::string>& order,
                      const std::vector<Tensor>& averages, const std::string& where) {
  NamedTensors result = theirs;
  std::size_t next = 0;
  for (const std::string& name : order) {
    if (!layout.is_trained(name)) continue;
    const Tensor& weight = theirs.at(name);
    if (next < averages.size() && averages[next].sizes() != weight.sizes())
      refuse_tensor(where, name, fmt::format("an average of {}", text_of(weight.sizes())),
                    fmt::format("{}, the file's number {}", text_of(averages[next].sizes()), next));
    if (next < averages.size()) result[name] = averages[next];
    ++next;
  }
  if (next != averages.size())
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: ema: expected {} averages, as many as there are weights, found {}", where, next,
                            averages.size()));
  return result;
}

void rescale_levels(NamedTensors& tensors, double factor) {
  const Tensor angles =
      tensors.at("fourier.frequencies").to(torch::kDouble) * (2 * std::numbers::pi * std::log(factor));
  const auto columns = tensors.at("time1.weight").to(torch::kDouble).chunk(2, 1);  // of the sines, of the cosines
  const Tensor sines = columns[0] * angles.cos() + columns[1] * angles.sin();
  const Tensor cosines = columns[1] * angles.cos() - columns[0] * angles.sin();
  tensors["time1.weight"] = torch::cat({sines, cosines}, 1).to(torch::kFloat);
}

}  // namespace nodulus::models
