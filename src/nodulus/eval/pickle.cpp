#include "nodulus/eval/pickle.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

#include "nodulus/core/error.h"

namespace nodulus::eval {
namespace {

constexpr std::uint64_t newest_protocol = 4;
// Values take this much for each byte read, twice what those of a state dict do (20 of 80 bytes each for a tensor,
// whose text has some 110), and as much as small files have besides.
constexpr std::size_t value_bytes_a_byte = 32;
constexpr std::size_t spare_value_bytes = std::size_t{16} << 20;
constexpr std::string_view ordered_dict = "collections.OrderedDict";

}  // namespace

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::dict) return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i]->is(Kind::text) && items[i]->text == key) return items[i + 1];
  return nullptr;
}

Pickle::Pickle(std::string_view bytes, std::span<const std::string_view> globals, std::string where)
    : bytes_(bytes), globals_(globals), where_(std::move(where)) {
  run();
}

void Pickle::fail(const std::string& expected, const std::string& found) const {
  throw Error(ErrorCode::bad_input,
              fmt::format("{}: expected {}, found {} (byte {} of the pickle)", where_, expected, found, position_));
}

// ---- Bytes

std::string_view Pickle::take(std::size_t count) {
  const std::size_t left = bytes_.size() - position_;
  if (count > left) fail(fmt::format("{} more bytes", count), fmt::format("{}: the file is cut off", left));
  const std::string_view taken = bytes_.substr(position_, count);
  position_ += count;
  return taken;
}

/// Little-endian, without sign.
std::uint64_t Pickle::number(std::size_t bytes) {
  std::uint64_t value = 0;
  const std::string_view taken = take(bytes);
  for (std::size_t i = 0; i < bytes; ++i)
    value |= std::uint64_t{static_cast<unsigned char>(taken[i])} << (8 * static_cast<unsigned>(i));
  return value;
}

std::string_view Pickle::line() {
  const std::size_t end = bytes_.find('\n', position_);
  if (end == std::string_view::npos) fail("a line's end", "none");
  const std::string_view text = take(end - position_);
  take(1);
  return text;
}

// ---- Values and the stack

PickleValue* Pickle::add(Kind kind) {
  const std::size_t most = (spare_value_bytes + value_bytes_a_byte * position_) / sizeof(PickleValue);
  if (values_.size() >= most) fail(fmt::format("at most {} values in {} bytes", most, position_), "more");
  values_.emplace_back().kind = kind;
  return &values_.back();
}

/// Counts what a container comes to hold. Each item was put on the stack by a byte of its own; a dict that is made of a
/// list of pairs holds them a second time, and a pair has five bytes at least.
void Pickle::hold(std::size_t count) {
  if (count > position_ - held_) fail(fmt::format("containers of at most {} items in all", position_), "more");
  held_ += count;
}

void Pickle::push_integer(Kind kind, std::int64_t value) {
  push(kind);
  stack_.back()->integer = value;
}

void Pickle::push_text(std::string_view text) {
  push(Kind::text);
  stack_.back()->text = text;
}

void Pickle::push_tuple(std::vector<PickleValue*> items) {
  hold(items.size());
  push(Kind::tuple);
  stack_.back()->items = std::move(items);
}

void Pickle::push_global(const std::string& name) {
  if (name != ordered_dict && std::find(globals_.begin(), globals_.end(), name) == globals_.end()) {
    std::string shown = name.substr(0, 80);
    std::replace_if(
        shown.begin(), shown.end(), [](unsigned char c) { return c < ' ' || c > '~'; }, '?');
    fail("a state dict, which holds tensors alone", fmt::format("a use of '{}'", shown));
  }
  push(Kind::global);
  stack_.back()->text = name;
}

PickleValue* Pickle::pop() {
  if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) fail("a value", "none");
  PickleValue* const value = stack_.back();
  stack_.pop_back();
  return value;
}

/// The value that an opcode adds to, which stays on the stack.
PickleValue* Pickle::top(Kind kind, const char* name) {
  PickleValue* const value = pop();
  if (!value->is(kind)) fail(name, "another value");
  stack_.push_back(value);
  return value;
}

std::vector<PickleValue*> Pickle::pop_to_mark() {
  if (marks_.empty()) fail("a mark", "none");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<PickleValue*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

void Pickle::append(const std::vector<PickleValue*>& items) {
  hold(items.size());
  auto& held = top(Kind::list, "a list")->items;
  held.insert(held.end(), items.begin(), items.end());
}

void Pickle::set_items(const std::vector<PickleValue*>& items) {
  if (items.size() % 2 != 0) fail("keys and values", "a key without a value");
  hold(items.size());
  auto& held = top(Kind::dict, "a dict")->items;
  held.insert(held.end(), items.begin(), items.end());
}

void Pickle::put(std::uint64_t index) {
  PickleValue* const value = pop();
  stack_.push_back(value);
  if (memo_.size() >= values_.size() && !memo_.contains(index))
    fail(fmt::format("at most {} stored values, as many as there are", values_.size()), "more");
  memo_[index] = value;
}

void Pickle::get(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) fail("a value that was stored", "none");
  stack_.push_back(found->second);
}

// ---- Opcodes

void Pickle::run() {
  while (true) {
    const auto opcode = static_cast<unsigned char>(take(1)[0]);
    if (opcode == '.') break;
    if (opcode == 0x80) {  // PROTO
      const std::uint64_t protocol = number(1);
      if (protocol < 2 || protocol > newest_protocol)
        fail(fmt::format("a pickle of protocol 2 to {}", newest_protocol), std::to_string(protocol));
    } else if (opcode == 0x95) {  // FRAME
      if (number(8) > bytes_.size() - position_) fail("a whole frame", "its start: the file is cut off");
    } else if (!step_scalar(opcode) && !step_container(opcode) && !step_memo(opcode) && !step_object(opcode)) {
      fail("an opcode of a state dict", fmt::format("{:#04x}", opcode));
    }
  }
  marks_.clear();
  root_ = pop();
}

bool Pickle::step_scalar(unsigned char opcode) {
  switch (opcode) {
    case 'N': push(Kind::none); return true;
    case 0x88: push_integer(Kind::boolean, 1); return true;
    case 0x89: push_integer(Kind::boolean, 0); return true;
    case 'K': push_integer(Kind::integer, static_cast<std::int64_t>(number(1))); return true;
    case 'M': push_integer(Kind::integer, static_cast<std::int64_t>(number(2))); return true;
    case 'J': push_integer(Kind::integer, static_cast<std::int32_t>(number(4))); return true;
    case 0x8a: {  // LONG1: as many bytes as it needs, in two's complement
      const std::size_t bytes = number(1);
      if (bytes > 8) fail("an integer of at most 8 bytes", fmt::format("one of {}", bytes));
      const auto unused = static_cast<int>(64 - 8 * bytes);
      const std::uint64_t value = number(bytes);
      push_integer(Kind::integer, bytes == 0 ? 0 : static_cast<std::int64_t>(value << unused) >> unused);
      return true;
    }
    case 'G': {  // BINFLOAT: the most significant byte first
      const std::uint64_t bits = number(8);
      std::uint64_t turned = 0;
      for (unsigned i = 0; i < 8; ++i) turned |= ((bits >> (8 * i)) & 0xff) << (56 - 8 * i);
      push(Kind::real);
      stack_.back()->real = std::bit_cast<double>(turned);
      return true;
    }
    case 'X':
    case 'T': push_text(take(number(4))); return true;
    case 0x8c:
    case 'U': push_text(take(number(1))); return true;
    default: return false;
  }
}

bool Pickle::step_container(unsigned char opcode) {
  switch (opcode) {
    case '(': marks_.push_back(stack_.size()); return true;
    case '0': pop(); return true;
    case '1': pop_to_mark(); return true;
    case ')': push_tuple({}); return true;
    case 't': push_tuple(pop_to_mark()); return true;
    case 0x85:
    case 0x86:
    case 0x87: {
      std::vector<PickleValue*> items(opcode - 0x84);
      std::generate(items.rbegin(), items.rend(), [&] { return pop(); });
      push_tuple(std::move(items));
      return true;
    }
    case ']': push(Kind::list); return true;
    case 'a': append({pop()}); return true;
    case 'e': append(pop_to_mark()); return true;
    case '}': push(Kind::dict); return true;
    case 's': {
      PickleValue* const value = pop();
      PickleValue* const key = pop();
      set_items({key, value});
      return true;
    }
    case 'u': set_items(pop_to_mark()); return true;
    default: return false;
  }
}

bool Pickle::step_memo(unsigned char opcode) {
  switch (opcode) {
    case 'q': put(number(1)); return true;
    case 'r': put(number(4)); return true;
    case 0x94: put(memo_.size()); return true;
    case 'h': get(number(1)); return true;
    case 'j': get(number(4)); return true;
    default: return false;
  }
}

bool Pickle::step_object(unsigned char opcode) {
  switch (opcode) {
    case 'c': {
      const std::string module(line());
      push_global(module + "." + std::string(line()));
      return true;
    }
    case 0x93: {  // STACK_GLOBAL
      const PickleValue* const name = pop();
      const PickleValue* const module = pop();
      if (!name->is(Kind::text) || !module->is(Kind::text)) fail("a global's module and name", "other values");
      push_global(module->text + "." + name->text);
      return true;
    }
    case 'R': call(); return true;
    case 'Q': {
      PickleValue* const id = pop();
      hold(1);
      push(Kind::persistent);
      stack_.back()->items = {id};
      return true;
    }
    case 'b':  // BUILD: an object's attributes
      pop();
      top(Kind::dict, "an OrderedDict");
      return true;
    default: return false;
  }
}

/// REDUCE. OrderedDict() is a dict, and so is OrderedDict([[key, value], ...]), as Python 2 wrote it.
void Pickle::call() {
  PickleValue* const arguments = pop();
  PickleValue* const callable = pop();
  if (!callable->is(Kind::global) || !arguments->is(Kind::tuple)) fail("a global with arguments", "other values");
  if (callable->text != ordered_dict) {
    hold(2);
    push(Kind::call);
    stack_.back()->items = {callable, arguments};
    return;
  }
  push(Kind::dict);
  if (arguments->items.empty()) return;
  const PickleValue* const pairs = arguments->items[0];
  if (arguments->items.size() != 1 || !pairs->is(Kind::list)) fail("an OrderedDict of pairs", "other arguments");
  for (const PickleValue* pair : pairs->items) {
    if (!(pair->is(Kind::list) || pair->is(Kind::tuple)) || pair->items.size() != 2)
      fail("an OrderedDict of pairs", "another value");
    set_items(pair->items);
  }
}

}  // namespace nodulus::eval
