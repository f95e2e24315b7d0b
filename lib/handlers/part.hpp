#pragma once

#include "cairn/handler.hpp"
#include "save/started_save.hpp"

#include <memory>

namespace cairn::handlers {

/// What a handler saves, as a part of a save.
class HandlerPart final : public save_stages::OtherPart {
 public:
  HandlerPart(std::string name, const Context& context, std::shared_ptr<Handler> handler,
              Checkpointable thing);

  std::string type() const override { return handler_->type(); }
  void take(comm::Communicator& comm, const Options& options, const base::File& directory,
            const Path& path) override;
  std::vector<std::string> files() const override { return files_; }
  std::uint64_t bytes() const noexcept override { return bytes_; }
  void write(bool sync) override;

 private:
  Context context_;
  std::shared_ptr<Handler> handler_;
  Checkpointable thing_;
  Path path_;  // of the directory
  std::vector<std::string> files_;
  std::uint64_t bytes_ = 0;
  std::function<void()> work_;
};

}  // namespace cairn::handlers
