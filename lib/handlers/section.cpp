#include "handlers/section.hpp"

#include "commit/stored_files.hpp"

#include <algorithm>
#include <exception>

namespace cairn::handlers {

void Section::run(const std::function<void()>& call) {
  std::exception_ptr thrown;
  try {
    call();
  } catch (...) {
    thrown = std::current_exception();
  }
  if (verdict_) throw Error(*verdict_);  // also where the handler has caught it
  round(
      [&] {
        if (thrown) std::rethrow_exception(thrown);
      },
      true);
}

void Section::agree(const std::function<void()>& local_step) {
  if (verdict_) throw Error(*verdict_);
  round(local_step, false);
}

void Section::round(const std::function<void()>& step, bool last) {
  try {
    const auto lanes = comm_.agree_min("handler", 2, [&] {
      step();
      return comm::Lanes{last ? 1u : 0u, last ? 0u : 1u};
    });
    if ((*lanes)[0] == 0 && (*lanes)[1] == 0)
      throw Error(ErrorCode::mismatch, "the handler of `" + place_.name +
                                           "` called HandlerScope::agree more often on some ranks than on "
                                           "others");
  } catch (const Error& error) {
    verdict_ = error;
    throw;
  }
}

Path Section::file(std::string_view suffix) const {
  const std::string name = place_.name + std::string(suffix);
  if (const auto problem = commit::file_name_problem(name); !problem.empty())
    throw Error(ErrorCode::invalid_argument,
                "the file " + name + " of the checkpointable `" + place_.name + "` " + problem);
  if (place_.stored && std::find(place_.stored->begin(), place_.stored->end(), name) == place_.stored->end())
    throw Error(ErrorCode::not_found,
                "the checkpointable `" + place_.name + "` was saved without a file " + name, 0, -1,
                place_.path / name);
  if (std::find(named_.begin(), named_.end(), name) == named_.end()) named_.push_back(name);
  return place_.path / name;
}

}  // namespace cairn::handlers
