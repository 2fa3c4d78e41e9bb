#include <caffe2/serialize/inline_container.h>
#include <fmt/format.h>

#include "nodulus/core/atomic_file.h"
#include "nodulus/eval/state_dict.h"

namespace nodulus::eval {
namespace {

/// Pickle, protocol 2 (Python's pickletools names the opcodes), as far as a dict of tensors needs it.
class DictPickle {
 public:
  DictPickle() { text_ = "\x80\x02}("; }  // PROTO 2, EMPTY_DICT, MARK

  /// An entry whose numbers are in the record data/`storage`.
  void tensor(const std::string& name, const std::string& storage, const torch::Tensor& values) {
    unicode(name);
    text_ += "ctorch._utils\n_rebuild_tensor_v2\n((";  // GLOBAL, MARK, MARK
    unicode("storage");
    text_ += "ctorch\nFloatStorage\n";
    unicode(storage);
    unicode("cpu");
    number(values.numel());
    text_ += "tQ";  // TUPLE, BINPERSID
    number(0);
    tuple(values.sizes());
    tuple(values.strides());
    text_ +=
        "\x89"
        "ccollections\nOrderedDict\n)RtR";  // NEWFALSE; no hooks; the call
  }
  std::string finished() { return text_ + "u."; }  // SETITEMS, STOP

 private:
  void little_endian(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) text_ += static_cast<char>(value >> (8 * i) & 0xff);
  }
  void unicode(const std::string& text) {
    text_ += 'X';
    little_endian(text.size(), 4);
    text_ += text;
  }
  void number(std::int64_t value) {
    text_ += "\x8a\x08";  // LONG1 of 8 bytes
    little_endian(static_cast<std::uint64_t>(value), 8);
  }
  void tuple(at::IntArrayRef values) {
    text_ += '(';
    for (const std::int64_t value : values) number(value);
    text_ += 't';
  }

  std::string text_;
};

}  // namespace

void write_state_dict(const std::filesystem::path& file, const StateDict& tensors) {
  AtomicFile out(file);
  caffe2::serialize::PyTorchStreamWriter archive([&out](const void* bytes, std::size_t size) {
    out.write(std::span(static_cast<const std::byte*>(bytes), size));
    return size;
  });
  DictPickle pickle;
  std::vector<torch::Tensor> keep;
  for (const auto& [name, values] : tensors) {
    pickle.tensor(name, std::to_string(keep.size()), values.contiguous());
    keep.push_back(values.detach().to(torch::kCPU, torch::kFloat).contiguous());
  }
  const std::string dict = pickle.finished();
  archive.writeRecord("data.pkl", dict.data(), dict.size());
  for (std::size_t i = 0; i < keep.size(); ++i)
    archive.writeRecord(fmt::format("data/{}", i), keep[i].data_ptr(), keep[i].nbytes());
  archive.writeEndOfFile();
  out.commit();
}

}  // namespace nodulus::eval
