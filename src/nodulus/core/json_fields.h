#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "nodulus/core/error.h"
#include "nodulus/core/manifest.h"

namespace nodulus {

/// The keys of one JSON object, read with errors that name the file, the key, what was expected and what was found.
class JsonFields {
 public:
  /// `path` is the object's own place in the file, such as "schema"; "" for the whole. The object must outlive this.
  JsonFields(const Json& object, std::filesystem::path file, std::string path = "")
      : object_(object), file_(std::move(file)), path_(std::move(path)) {
    if (!object_.is_object()) fail_at(path_, "an object", object_.dump());
  }

  [[nodiscard]] bool has(const std::string& key) const { return object_.contains(key); }
  [[nodiscard]] const Json& json(const std::string& key, std::string_view expected) const {
    const auto found = object_.find(key);
    if (found == object_.end()) fail(key, expected, "nothing");
    return *found;
  }
  /// The value as a T. Error{bad_input} where the key is missing or its value is no T.
  template <class T>
  [[nodiscard]] T get(const std::string& key, std::string_view expected) const {
    const Json& value = json(key, expected);
    try {
      return value.template get<T>();
    } catch (const nlohmann::json::exception&) {
      fail(key, expected, value.dump());
    }
  }
  [[nodiscard]] JsonFields object(const std::string& key) const {
    return JsonFields(json(key, "an object"), file_, place(key));
  }
  [[noreturn]] void fail(const std::string& key, std::string_view expected, const std::string& found) const {
    fail_at(place(key), expected, found);
  }

 private:
  [[nodiscard]] std::string place(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }
  [[noreturn]] void fail_at(const std::string& key, std::string_view expected, const std::string& found) const {
    throw Error(ErrorCode::bad_input,
                file_.string() + ": key '" + key + "': expected " + std::string(expected) + ", found " + found);
  }

  const Json& object_;
  std::filesystem::path file_;
  std::string path_;
};

}  // namespace nodulus
