#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/models/unet.h"

/// How other programs call and arrange the weights of networks that are ours, too.
namespace nodulus::models {

/// A tensor of ours, and what it is made from.
struct ForeignTensor {
  enum class Form {
    same,        ///< The same numbers in the same shape.
    transposed,  ///< A pointwise layer [in, out], ours [out, in, 1, 1].
    sequence,    ///< A pointwise layer over a sequence, [out, in, 1], ours [out, in, 1, 1].
    leading,     ///< The same, or with twice as many outputs, of which the first half are ours.
  };

  std::string ours;
  std::vector<std::string> theirs;  ///< Joined along their outputs where there are several.
  Form form = Form::same;
  /// Outputs in the order (head, query key value, channel), ours (query key value, head, channel), for so many heads.
  int heads = 1;
  bool trained = true;  ///< Not a constant: a moving average has it, too.
};

struct ForeignLayout {
  std::vector<ForeignTensor> tensors;
  /// Names, or ends of names, of tensors that may be there and that we have no use for.
  std::vector<std::string> unused;
  /// The tensor that a network with class labels has, which ours are not asked for by; "": none.
  std::string labels;

  [[nodiscard]] bool is_unused(std::string_view name) const;
  /// False for the layout's constants.
  [[nodiscard]] bool is_trained(std::string_view name) const;
};

/// score_sde_pytorch's `ncsnpp` and `ddpm` networks (Song et al. 2021), whose modules are numbered as an image passes
/// through them. A Fourier embedding's frequencies are "fourier.frequencies". Throws Error{usage} naming an option
/// without which that code has no such network.
ForeignLayout score_sde_layout(const UnetOptions& options);

/// The U-Net of improved-diffusion and guided-diffusion (Nichol and Dhariwal 2021, Dhariwal and Nichol 2021), whose
/// blocks are lists of one to three modules. `heads_first`: attention's outputs in the order that is the usual one
/// there, (head, query key value, channel); else in its "new" order, which is ours. Throws Error{usage} as above.
ForeignLayout adm_layout(const UnetOptions& options, bool heads_first);

/// StyleGAN2-ADA in PyTorch (Karras et al. 2020), for a generator's or a discriminator's tensors of these names of
/// ours.
ForeignLayout stylegan2_layout(std::span<const std::string> names);

}  // namespace nodulus::models
