#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace nodulus::eval {

/// A network's tensors by name.
using StateDict = std::map<std::string, torch::Tensor>;

/// What a file that PyTorch wrote holds, as far as its start and its list of records tell.
enum class TorchFileKind {
  state_dict,  ///< What torch.save() wrote, in either container.
  script,      ///< What torch.jit.save() wrote.
  other,       ///< Something else.
};

/// Error{not_found, io}; Error{bad_input} where a zip archive is damaged.
TorchFileKind torch_file_kind(const std::filesystem::path& file);

/// Reads a state dict that torch.save() wrote, in its own types, on the CPU: the zip archive of PyTorch 1.6 and later,
/// or the older sequence of pickles and storages (PyTorch's notes on serialization; torch/serialization.py describes
/// both by example). Only tensors of float16, 32, 64 and int64 and plain values are read, and nothing in the file can
/// run (pickle.h). {"state_dict": {...}} and {"model": {...}} count as the inner one, the "module." that DataParallel
/// puts before every name is dropped, and entries that are no tensors are passed over.
///
/// Error{not_found, io}; Error{bad_input} where the file is something else, holds anything else, is cut off or damaged:
/// a tensor that reaches beyond its storage, a storage that is not there or has another size than it should.
StateDict read_state_dict(const std::filesystem::path& file);

/// What a program saved in the midst of a training: {"model": {...}, "ema": {"shadow_params": [...]}, ...}, as
/// score_sde_pytorch has it.
struct TrainedState {
  StateDict weights;                    ///< "model"; of a plain state dict, that.
  std::vector<std::string> order;       ///< Their names in the file's order.
  std::vector<torch::Tensor> averages;  ///< "shadow_params"; empty where there are none.
};

/// The same, read as read_state_dict() does, and what goes with it.
TrainedState read_trained_state(const std::filesystem::path& file);

/// Writes a state dict as torch.save() does, a dict of float32 tensors in the zip archive of PyTorch 1.6 and later;
/// torch.load() reads it with weights_only=True, too. The file appears whole or not at all. Error{io}.
void write_state_dict(const std::filesystem::path& file, const StateDict& tensors);

}  // namespace nodulus::eval
