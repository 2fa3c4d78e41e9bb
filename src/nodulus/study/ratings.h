#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "nodulus/data/dataset.h"
#include "nodulus/traits/agreement.h"

namespace nodulus::study {

/// One question that several readers answered, for each nodule.
struct RatingsColumn {
  std::string name;                   ///< "malignancy".
  std::string column;                 ///< "malignancy_values".
  std::string table;                  ///< "nodules.csv" or "items.csv".
  traits::Ratings ratings;            ///< A subject a nodule that has any.
  std::vector<std::size_t> patients;  ///< Each subject's, as a number.
};

/// Every column named *_values or *_ratings that holds each reader's number: "5;5;;4", "5 5 5 4". Of nodules.csv, of
/// nodules that have images; columns that only items.csv has by one image a nodule. A column with anything else in it
/// is none. An empty place between semicolons is a reader who gave none.
std::vector<RatingsColumn> find_ratings(const data::Dataset& dataset, const std::vector<std::int64_t>& one_a_nodule);

}  // namespace nodulus::study
