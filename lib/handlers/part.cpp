#include "handlers/part.hpp"

#include "commit/path.hpp"
#include "handlers/section.hpp"

#include <utility>

#include <fcntl.h>

namespace cairn::handlers {

HandlerPart::HandlerPart(std::string name, const Context& context, std::shared_ptr<Handler> handler,
                         Checkpointable thing)
    : OtherPart(std::move(name)), context_(context), handler_(std::move(handler)), thing_(std::move(thing)) {}

void HandlerPart::take(comm::Communicator& comm, const Options& options, const base::File& directory,
                       const Path& path) {
  Section section(comm, context_, {&directory, path, name(), nullptr});
  section.run([&] {
    static_cast<Options&>(context_) = options;  // as the ranks have agreed on them
    path_ = path;
    work_ = handler_->save(section, thing_);
    files_ = section.named();
    bytes_ = section.bytes();
  });
}

void HandlerPart::write(bool sync) {
  if (const auto work = std::exchange(work_, nullptr)) work();
  if (files_.empty()) return;
  const auto directory = base::open_directory(path_);
  for (const auto& name : files_) {
    // One that this rank named may be another's to write.
    const auto file = base::try_open_file(&directory, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW);
    if (!file || !S_ISREG(base::status(file).st_mode)) continue;
    if (context_.files.permissions != -1) base::change_mode(file, commit::file_mode(context_.files));
    if (sync) base::sync(file);
  }
  if (sync) base::sync(directory);
}

}  // namespace cairn::handlers
