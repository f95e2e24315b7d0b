#include "h5/parallel_file.hpp"
#include "io/channel.hpp"
#include "io/write.hpp"

#include <fcntl.h>

namespace cairn::io {
namespace {

class MpioSink final : public Sink {
 public:
  MpioSink(const base::File& directory, const std::filesystem::path& path, const IoOptions& options)
      : fsync_(options.fsync),
        rows_(base::open_file(&directory, path.filename(), O_WRONLY)),
        file_(path, {MPI_COMM_SELF, false, options.hints}) {}

  bool concurrent() const noexcept override { return false; }
  Preference preference() const noexcept override { return Preference::whole; }
  void put(const tree::StoredLeaf& leaf, const tree::Box& box, std::span<const std::byte> packed,
           std::span<const tree::Extent>) override {
    file_.write(leaf, box, packed);
  }
  void put_rows(std::uint64_t file_offset, std::span<const std::byte> bytes) override {
    rows_.write(bytes, file_offset);
  }
  void finish() override {
    file_.close(fsync_);
    rows_.finish(fsync_);
  }

 private:
  bool fsync_;
  Channel rows_;  // their sections start on pages, so that no other rank writes near them
  h5::ParallelFile file_;
};

}  // namespace

std::unique_ptr<Sink> open_mpio_sink(const base::File& directory, const std::filesystem::path& file_path,
                                     const IoOptions& options) {
  return std::make_unique<MpioSink>(directory, file_path, options);
}

}  // namespace cairn::io
