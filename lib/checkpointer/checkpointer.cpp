#include "cairn/checkpointer.hpp"

#include "checkpointer/rep.hpp"

#include <utility>

namespace cairn {
inline namespace CAIRN_ABI {
namespace {

detail::CheckpointerRep& use(const std::unique_ptr<detail::CheckpointerRep>& rep) {
  if (!rep) throw Error(ErrorCode::invalid_argument, "this Checkpointer was moved from");
  return *rep;
}

}  // namespace

Checkpointer::Checkpointer(const Context& context, const Path& root, CheckpointerOptions options)
    : rep_(std::make_unique<detail::CheckpointerRep>(context, root, std::move(options))) {}
Checkpointer::Checkpointer(Checkpointer&&) noexcept = default;
Checkpointer::~Checkpointer() = default;

bool Checkpointer::save(std::int64_t step, const Tree& tree, const StepOptions& options) {
  auto& rep = use(rep_);
  return rep.save(step, options, [&](const Path& path, const SaveOptions& save) {
    return cairn::save(rep.context(), path, tree, save);
  });
}

bool Checkpointer::save_async(std::int64_t step, const Tree& tree, const StepOptions& options) {
  auto& rep = use(rep_);
  return rep.save_in_background(step, options, [&](const Path& path, const SaveOptions& save) {
    return cairn::save_async(rep.context(), path, tree, save);
  });
}

bool Checkpointer::save_checkpointables(std::int64_t step, const Checkpointables& things,
                                        const StepOptions& options) {
  auto& rep = use(rep_);
  return rep.save(step, options, [&](const Path& path, const SaveOptions& save) {
    return cairn::save_checkpointables(rep.context(), path, things, save);
  });
}

bool Checkpointer::save_checkpointables_async(std::int64_t step, const Checkpointables& things,
                                              const StepOptions& options) {
  auto& rep = use(rep_);
  return rep.save_in_background(step, options, [&](const Path& path, const SaveOptions& save) {
    return cairn::save_checkpointables_async(rep.context(), path, things, save);
  });
}

Report Checkpointer::load(std::int64_t step, Tree& tree, const LoadOptions& options) {
  auto& rep = use(rep_);
  return cairn::load(rep.context(), rep.locate("load", step), tree, options);
}

Report Checkpointer::load_checkpointables(std::int64_t step, const Checkpointables& things,
                                          const LoadOptions& options) {
  auto& rep = use(rep_);
  return cairn::load_checkpointables(rep.context(), rep.locate("load_checkpointables", step), things,
                                     options);
}

std::optional<std::int64_t> Checkpointer::restore_latest(Tree& tree, const LoadOptions& options) {
  auto& rep = use(rep_);
  return rep.restore_latest([&](const Path& path) { cairn::load(rep.context(), path, tree, options); });
}

std::optional<std::int64_t> Checkpointer::restore_latest(const Checkpointables& things,
                                                         const LoadOptions& options) {
  auto& rep = use(rep_);
  return rep.restore_latest(
      [&](const Path& path) { cairn::load_checkpointables(rep.context(), path, things, options); });
}

Steps Checkpointer::steps() const {
  Steps steps;
  for (const auto& [number, step] : use(rep_).steps())
    if (!step.damaged) steps.push_back(number);
  return steps;
}

Steps Checkpointer::damaged() const {
  Steps steps;
  for (const auto& [number, step] : use(rep_).steps())
    if (step.damaged) steps.push_back(number);
  return steps;
}

std::optional<std::int64_t> Checkpointer::latest() const {
  return use(rep_).latest();
}

std::optional<std::int64_t> Checkpointer::best(std::string_view metric, Best which) const {
  return checkpointer::best_of(use(rep_).steps(), metric, which);
}

Metadata Checkpointer::metadata(std::int64_t step) {
  auto& rep = use(rep_);
  return cairn::metadata(rep.context(), rep.locate("metadata", step));
}

bool Checkpointer::should_save(std::int64_t step) {
  return use(rep_).should_save(step);
}
bool Checkpointer::should_stop() {
  return use(rep_).should_stop();
}
ExitStatus Checkpointer::exit_status() const noexcept {
  return rep_ ? rep_->exit_status() : exit_done;
}

void Checkpointer::remove(std::int64_t step) {
  use(rep_).remove(step);
}
void Checkpointer::pin(std::int64_t step) {
  use(rep_).pin(step, true);
}
void Checkpointer::unpin(std::int64_t step) {
  use(rep_).pin(step, false);
}
void Checkpointer::wait() {
  use(rep_).wait();
}
void Checkpointer::reload() {
  use(rep_).reload();
}
void Checkpointer::close() {
  use(rep_).close();
}

}  // namespace CAIRN_ABI
}  // namespace cairn
