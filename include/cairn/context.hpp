#pragma once

#include "detail/traits.hpp"
#include "options.hpp"

/// \file
/// The first argument of every collective function.

namespace cairn {
inline namespace CAIRN_ABI {

/// A communicator and the options for what is done over it. An MPI_Comm, or an object of a class that
/// converts to one, converts to a Context, so that `save(comm, ...)` is enough. Making one communicates
/// nothing and checks nothing; the communicator must live as long as the Context is used. Not collective; a
/// plain value.
class CAIRN_API Context : public Options {
 public:
  /// With the options of the innermost ContextScope of this thread, else of the environment.
  template <class Comm, detail::if_comm<Comm> = 0>
  Context(const Comm& comm) : Context(comm, scoped()) {}
  template <class Comm, detail::if_comm<Comm> = 0>
  Context(const Comm& comm, Options options) : Options(std::move(options)), comm_(comm) {}

  MPI_Comm comm() const noexcept { return comm_; }

 private:
  static Options scoped();

  MPI_Comm comm_;
};

/// While it lives, the options of each Context that is made in this thread from a communicator alone. Scopes
/// nest; they end in the thread that made them, the last one first. Not collective.
class CAIRN_API ContextScope {
 public:
  [[nodiscard]] explicit ContextScope(Options options);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
