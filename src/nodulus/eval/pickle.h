#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace nodulus::eval {

/// One value of a pickle. A call is noted down, not made.
struct PickleValue {
  enum class Kind { none, boolean, integer, real, text, tuple, list, dict, global, call, persistent };

  Kind kind = Kind::none;
  std::int64_t integer = 0;  ///< Also a boolean's 0 or 1.
  double real = 0;
  std::string text;                 ///< Of a global: "module.name".
  std::vector<PickleValue*> items;  ///< A dict's keys and values by turns; a call's global and arguments; an id.

  [[nodiscard]] bool is(Kind other) const { return kind == other; }
  [[nodiscard]] bool is_global(std::string_view name) const { return kind == Kind::global && text == name; }
  /// The value of a text key in a dict, or null.
  [[nodiscard]] const PickleValue* find(std::string_view key) const;
};

/// Reads one of Python's pickles (protocols 2 to 4, as the documentation of Python's pickletools describes them) as
/// data: plain containers, texts, numbers, and the calls and storages that a state dict of PyTorch is made of. It can
/// run nothing: a global that is not among `globals` is refused by name, and so is every opcode that such files do not
/// hold. collections.OrderedDict is a dict, and its attributes are passed over. It takes no more memory than a small
/// multiple of the bytes read: what they cannot have put into containers one by one is refused.
class Pickle {
 public:
  /// Reads from the start of `bytes` to the pickle's end. `where` is for messages.
  /// Error{bad_input} at what does not belong there or is cut off.
  Pickle(std::string_view bytes, std::span<const std::string_view> globals, std::string where);

  [[nodiscard]] const PickleValue& root() const { return *root_; }
  /// All values that were made, in the file's order.
  [[nodiscard]] const std::deque<PickleValue>& values() const { return values_; }
  /// Bytes up to its end: where the next one begins.
  [[nodiscard]] std::size_t size() const { return position_; }

 private:
  using Kind = PickleValue::Kind;

  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;
  std::string_view take(std::size_t count);
  std::uint64_t number(std::size_t bytes);
  std::string_view line();

  PickleValue* add(Kind kind);
  void hold(std::size_t count);
  void push(Kind kind) { stack_.push_back(add(kind)); }
  void push_integer(Kind kind, std::int64_t value);
  void push_text(std::string_view text);
  void push_tuple(std::vector<PickleValue*> items);
  void push_global(const std::string& name);
  PickleValue* pop();
  PickleValue* top(Kind kind, const char* name);
  std::vector<PickleValue*> pop_to_mark();

  void run();
  [[nodiscard]] bool step_scalar(unsigned char opcode);
  [[nodiscard]] bool step_container(unsigned char opcode);
  [[nodiscard]] bool step_memo(unsigned char opcode);
  [[nodiscard]] bool step_object(unsigned char opcode);
  void call();
  void append(const std::vector<PickleValue*>& items);
  void put(std::uint64_t index);
  void set_items(const std::vector<PickleValue*>& items);
  void get(std::uint64_t index);

  std::string_view bytes_;
  std::span<const std::string_view> globals_;
  std::string where_;
  std::size_t position_ = 0;
  std::deque<PickleValue> values_;  // which keeps addresses; values may hold each other
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
  std::size_t held_ = 0;  // items of all values together
  PickleValue* root_ = nullptr;
};

}  // namespace nodulus::eval
