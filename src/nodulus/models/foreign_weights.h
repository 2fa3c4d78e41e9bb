#pragma once

#include <torch/nn/module.h>
#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "nodulus/models/foreign_layout.h"

namespace nodulus::models {

/// Tensors by name.
using NamedTensors = std::map<std::string, torch::Tensor>;

/// A network's parameters and buffers.
NamedTensors tensors_of(const torch::nn::Module& network);

/// The tensors that `layout` makes from another program's, float32, by our names and in the shapes that they have in
/// `ours`. A tensor of twice the outputs gives its first half (ForeignTensor::Form::leading); its name is added to
/// `halved`.
///
/// Throws Error{bad_input} naming `where`, the tensor and the shape expected and found: one that is missing, has
/// another shape, holds no finite floats, or has no place in the layout; a resampling filter that is not [1, 3, 3, 1];
/// the tensor of class labels; and where the names are none of the layout's.
NamedTensors translated(const ForeignLayout& layout, const NamedTensors& theirs, const NamedTensors& ours,
                        const std::string& where, std::vector<std::string>& halved);

/// The same with the moving averages of a training in place of its weights: `averages`, one for each of `order`, the
/// tensors' names in the file's order, that is trained. Throws Error{bad_input} where their number or shapes differ.
NamedTensors averaged(const ForeignLayout& layout, const NamedTensors& theirs, const std::vector<std::string>& order,
                      const std::vector<torch::Tensor>& averages, const std::string& where);

/// Of a network with a Fourier embedding of ln sigma, in our names: makes one that sees `factor` times the levels that
/// it was trained on as those. f ln(sigma / factor) is a turn of each pair of sine and cosine, which goes into the
/// weights of "time1" exactly: sin(a - b) = cos b sin a - sin b cos a, cos(a - b) = sin b sin a + cos b cos a.
void rescale_levels(NamedTensors& tensors, double factor);

}  // namespace nodulus::models
