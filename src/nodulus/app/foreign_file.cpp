#include "nodulus/app/foreign_file.h"

#include <fmt/format.h>

#include <cstring>

#include "nodulus/core/error.h"
#include "nodulus/core/safetensors.h"

namespace nodulus::app {
namespace {

at::ScalarType scalar_type(const TensorView& view, const std::filesystem::path& file) {
  if (view.dtype == "F32") return at::kFloat;
  if (view.dtype == "F16") return at::kHalf;
  if (view.dtype == "BF16") return at::kBFloat16;
  if (view.dtype == "F64") return at::kDouble;
  throw Error(ErrorCode::bad_input, fmt::format("{}: tensor '{}': expected F16, BF16, F32 or F64, found {}",
                                                file.string(), view.name, view.dtype));
}

}  // namespace

eval::TrainedState read_foreign_file(const std::filesystem::path& file) {
  if (file.extension() != ".safetensors") return eval::read_trained_state(file);
  const SafetensorsFile whole(file);
  eval::TrainedState state;
  for (const auto& [name, view] : whole.tensors()) {
    torch::Tensor values = torch::empty(view.shape, scalar_type(view, file));
    if (!view.bytes.empty()) std::memcpy(values.data_ptr(), view.bytes.data(), view.bytes.size());
    state.weights[name] = values;
    state.order.push_back(name);
  }
  return state;
}

void check_foreign_file(const std::filesystem::path& file) {
  if (file.extension() == ".safetensors") {
    (void)SafetensorsFile(file);
    return;
  }
  if (eval::torch_file_kind(file) != eval::TorchFileKind::state_dict)
    throw Error(ErrorCode::bad_input,
                fmt::format("{}: expected a state dict that torch.save() wrote, found another file", file.string()));
}

}  // namespace nodulus::app
