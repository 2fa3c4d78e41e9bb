#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodulus/eval/frechet.h"
#include "nodulus/eval/kid.h"
#include "nodulus/eval/neighbours.h"
#include "nodulus/eval/sample.h"

namespace nodulus::eval {

/// A figure and its 95 % interval; NaN where there is none.
struct FigureValue {
  double value = 0;
  Interval interval;
};

/// Some images against the reference: what several figures need of the two is computed once.
class Comparison {
 public:
  /// Both must outlive it.
  /// `on_draw` is called before each resampling and may throw to stop.
  Comparison(
      const Sample& reference, const Sample& other, std::uint64_t seed, std::function<void()> on_draw = [] {});

  [[nodiscard]] const Sample& reference() const { return reference_; }
  [[nodiscard]] const Sample& other() const { return other_; }
  [[nodiscard]] std::uint64_t seed() const { return seed_; }
  void on_draw() const { on_draw_(); }
  /// The same, of many images a draw of 5,000: figures that look at all pairs take these.
  [[nodiscard]] const Sample& some_reference() const { return some_reference_ ? *some_reference_ : reference_; }
  [[nodiscard]] const Sample& some_other() const { return some_other_ ? *some_other_ : other_; }
  /// The Frechet distance with an interval of so many resamplings: the slowest of all, and two figures need it.
  [[nodiscard]] const FigureValue& frechet(int replicates);
  [[nodiscard]] const KernelDistance& kernel();
  [[nodiscard]] const Neighbourhoods& neighbourhood(int k);  ///< k of 3 and 5.
  [[nodiscard]] const FrechetLimit& limit();

 private:
  const Sample& reference_;
  const Sample& other_;
  std::uint64_t seed_;
  std::function<void()> on_draw_;
  std::optional<Sample> some_reference_;
  std::optional<Sample> some_other_;
  std::map<int, FigureValue> frechet_;  // by number of resamplings
  std::unique_ptr<KernelDistance> kernel_;
  std::map<int, Neighbourhoods> neighbourhoods_;
  std::unique_ptr<FrechetLimit> limit_;
};

/// A row of the catalog. A new figure is one row; the contract tests walk them.
struct FigureRow {
  std::string name;     ///< As files have it.
  std::string title;    ///< "{}" stands for the features' name, "FD" for what the distance is called.
  std::string meaning;  ///< One line for a reader who does not know it.
  std::string better;   ///< "lower", "higher", or "none" where neither is.
  /// Of other against reference. `replicates` resamplings make the interval; 0: none.
  FigureValue (*compute)(Comparison& comparison, int replicates);
};

const std::vector<FigureRow>& figures();
/// The rows of these names, in their order. Throws Error{internal} for a name that no row has.
std::vector<FigureRow> figures(std::initializer_list<std::string_view> names);

/// Values at `count` of the other's images: the mean over `draws` draws of so many, over one where it has no more.
std::vector<double> values_at(const std::vector<FigureRow>& rows, const Sample& reference, const Sample& other,
                              std::int64_t count, int draws, std::uint64_t seed);

}  // namespace nodulus::eval
