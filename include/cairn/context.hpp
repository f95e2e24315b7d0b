#pragma once

#include "detail/traits.hpp"
#include "options.hpp"

namespace cairn {
inline namespace CAIRN_ABI {

class CAIRN_API Context : public Options {
 public:
  template <class Comm, detail::if_comm<Comm> = 0>
  Context(const Comm& comm) : Context(comm, scoped()) {}  // MPI_Comm, or a class that converts to it
  template <class Comm, detail::if_comm<Comm> = 0>
  Context(const Comm& comm, Options options) : Options(std::move(options)), comm_(comm) {}
  MPI_Comm comm() const noexcept { return comm_; }

 private:
  static Options scoped();
  MPI_Comm comm_;
};
class CAIRN_API ContextScope {  // while it lives: the options of each Context made in this thread from a
                                // communicator alone
 public:
  [[nodiscard]] explicit ContextScope(Options options);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
