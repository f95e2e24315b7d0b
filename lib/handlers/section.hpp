#pragma once

#include "base/storage.hpp"
#include "cairn/handler.hpp"
#include "comm/communicator.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cairn::handlers {

/// One collective call of a handler. Whatever the handler does on one rank, all ranks leave it together: each
/// agreement, and the end of the call, is one round, in which a rank says whether it failed, goes on or has
/// come to its end.
class Section final : public HandlerScope {
 public:
  /// Where the files are. `stored`: of a load, those that there are; null in a save.
  struct Place {
    const base::File* directory = nullptr;
    Path path = {};  // of the directory
    std::string name = {};
    const std::vector<std::string>* stored = nullptr;
  };
  Section(comm::Communicator& comm, const Context& context, Place place)
      : comm_(comm), context_(context), place_(std::move(place)) {}

  /// Returns on every rank, or throws the same Error on every rank.
  void run(const std::function<void()>& call);

  const Context& context() const override { return context_; }
  Path file(std::string_view suffix) const override;
  void agree(const std::function<void()>& local_step) override;

  comm::Communicator& comm() noexcept { return comm_; }
  const base::File& directory() const noexcept { return *place_.directory; }
  /// What will be written, as far as it is known: for how long that may take.
  void note_bytes(std::uint64_t bytes) noexcept { bytes_ += bytes; }
  std::uint64_t bytes() const noexcept { return bytes_; }
  /// The names that `file` was asked for.
  const std::vector<std::string>& named() const noexcept { return named_; }

 private:
  void round(const std::function<void()>& step, bool last);

  comm::Communicator& comm_;
  const Context& context_;
  Place place_;
  mutable std::vector<std::string> named_;
  std::uint64_t bytes_ = 0;
  std::optional<Error> verdict_;  // the same on every rank: the call is over
};

}  // namespace cairn::handlers
