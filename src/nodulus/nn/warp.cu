#include "nodulus/nn/device_kernels.h"
#include "nodulus/nn/device_launch.h"
#include "nodulus/nn/warp_point.h"

namespace nodulus::nn {
namespace {

constexpr int tile = 16;                                // rows and columns of y that a block brings down
constexpr int tile_samples = 2 * tile + warp_taps - 2;  // rows of samples that these are made of
constexpr unsigned tile_threads = static_cast<unsigned>(tile) * tile;

__host__ __device__ int sampled_size(std::int64_t size) { return 2 * static_cast<int>(size + warp_border); }

/// x -> what is sampled of it, [images, channels, sampled rows, sampled columns].
__global__ void sample_kernel(WarpBatch batch, unsigned chunks, const float* __restrict__ x,
                              float* __restrict__ sampled) {
  const PlanePlace place = plane_place(chunks);
  const WarpPlan plan = batch.plans[place.plane / batch.channels];
  if (plan.still) return;
  const int columns = sampled_size(batch.columns);
  const int pixels = sampled_size(batch.rows) * columns;
  const float* const from = x + place.plane * batch.rows * batch.columns;
  float* const to = sampled + place.plane * pixels;
  for (auto i = static_cast<int>(place.first); i < pixels; i += static_cast<int>(place.step))
    to[i] = warp_gather(plan, from, i / columns, i % columns);
}

/// What is sampled -> y. A block has a tile of a plane: along the rows first, into shared memory, then along the
/// columns.
__global__ void reduce_kernel(WarpBatch batch, unsigned tiles, unsigned tiles_across, const float* __restrict__ x,
                              const float* __restrict__ sampled, float* __restrict__ y) {
  __shared__ float narrow[tile_samples][tile];
  const std::int64_t plane = blockIdx.x / tiles;
  const unsigned own = blockIdx.x % tiles;
  const int row = static_cast<int>(own / tiles_across) * tile;
  const int column = static_cast<int>(own % tiles_across) * tile;
  const auto rows = static_cast<int>(batch.rows);
  const auto columns = static_cast<int>(batch.columns);
  const int my_row = row + static_cast<int>(threadIdx.x) / tile;
  const int my_column = column + static_cast<int>(threadIdx.x) % tile;
  const std::int64_t at = plane * rows * columns + static_cast<std::int64_t>(my_row) * columns + my_column;
  const bool mine = my_row < rows && my_column < columns;
  if (batch.plans[plane / batch.channels].still) {  // so for all threads of the block
    if (mine) y[at] = x[at];
    return;
  }
  const int width = sampled_size(columns);
  const int height = sampled_size(rows);
  const float* const from = sampled + plane * width * height;
  // Shared row r is the sampled row 2 row + 1 + r: the first that the tile's first row is made of.
  for (auto i = static_cast<int>(threadIdx.x); i < tile_samples * tile; i += static_cast<int>(tile_threads)) {
    const int sampled_row = 2 * row + 1 + i / tile;
    const int to = column + i % tile;
    if (sampled_row < height && to < columns)
      narrow[i / tile][i % tile] = warp_reduce(from + sampled_row * width + 2 * to + 1, 1);
  }
  __syncthreads();
  if (mine) y[at] = warp_reduce(&narrow[2 * (my_row - row)][my_column - column], tile);
}

/// dy -> dx.
__global__ void transposed_kernel(WarpBatch batch, unsigned chunks, const float* __restrict__ dy,
                                  float* __restrict__ dx) {
  const PlanePlace place = plane_place(chunks);
  const WarpPlan plan = batch.plans[place.plane / batch.channels];
  const int columns = sampled_size(batch.columns);
  const int pixels = sampled_size(batch.rows) * columns;
  const std::int64_t size = batch.rows * batch.columns;
  const float* const from = dy + place.plane * size;
  float* const to = dx + place.plane * size;
  for (auto i = static_cast<int>(place.first); i < pixels; i += static_cast<int>(place.step)) {
    if (plan.still) {  // there are more samples than pixels
      if (i < size) to[i] = from[i];
      continue;
    }
    const int row = i / columns;
    const int column = i % columns;
    warp_scatter(plan, warp_reduce_transposed(plan, from, row, column), row, column, to);
  }
}

PlaneGrid sample_grid(const WarpBatch& batch) {
  const std::int64_t samples = static_cast<std::int64_t>(sampled_size(batch.rows)) * sampled_size(batch.columns);
  return plane_grid(batch.images * batch.channels, samples, 1);
}

}  // namespace

std::int64_t warp_device_scratch(const WarpBatch& batch) {
  return batch.images * batch.channels * sampled_size(batch.rows) * sampled_size(batch.columns);
}

const char* warp_device(const WarpBatch& batch, const float* x, float* y, float* scratch, void* stream) {
  const PlaneGrid samples = sample_grid(batch);
  if (const char* fault = launch(sample_kernel, samples, stream, batch, samples.chunks, x, scratch)) return fault;
  const auto down = static_cast<unsigned>((batch.rows + tile - 1) / tile);
  const auto across = static_cast<unsigned>((batch.columns + tile - 1) / tile);
  const PlaneGrid tiles{batch.images * batch.channels, down * across, tile_threads};
  return launch(reduce_kernel, tiles, stream, batch, tiles.chunks, across, x, scratch, y);
}

const char* warp_device_transposed(const WarpBatch& batch, const float* dy, float* dx, void* stream) {
  const PlaneGrid samples = sample_grid(batch);
  return launch(transposed_kernel, samples, stream, batch, samples.chunks, dy, dx);
}

}  // namespace nodulus::nn
