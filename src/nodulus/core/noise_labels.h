#pragma once

namespace nodulus {

/// In what form a network is told the noise level (c_noise). The one thing that models/ and process/, which do not see
/// each other, must agree on:
///   index      0 to 999 from clean to noise, for sinusoids of wide range (Ho et al. 2020);
///   logarithm  about ln(sigma), for Fourier features of random frequency (Song et al. 2021);
///   time       the process's own time, 0 to 1 where it has one.
/// A process may have a better number of its own for all of them (Karras et al. 2022: ln(sigma) / 4).
enum class NoiseLabels { index, logarithm, time };

}  // namespace nodulus
