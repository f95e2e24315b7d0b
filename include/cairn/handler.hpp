#pragma once

#include "checkpointables.hpp"

/// \file
/// Kinds of things of a program's own: a Handler knows how they lie on disk. Add it to Options::handlers.

namespace cairn {
inline namespace CAIRN_ABI {

/// What a handler is given in a save or a load. It lives as long as that call of the handler.
class HandlerScope {
 public:
  virtual const Context& context() const = 0;
  /// The file NAME<suffix> of this checkpointable: in a save, one to be created, in the directory that the
  /// ranks share and nobody else sees; in a load, one of those that were saved. A save must name its files
  /// here, on each rank that writes them, before Handler::save returns; one that was named must be made.
  /// Error(invalid_argument): the library or another checkpointable has a file of that name, or the suffix
  /// holds a '/'. Not collective.
  virtual Path file(std::string_view suffix) const = 0;
  /// Runs `local_step` on every rank, and returns on every rank, or throws the same Error on every rank: that
  /// of the first rank whose step failed. What throws outside of a step ends the call on all ranks as well,
  /// at the next agreement or at its end. Collective over the context's communicator.
  virtual void agree(const std::function<void()>& local_step) = 0;

 protected:
  ~HandlerScope() = default;
};

/// One kind of thing. Objects are used by one thread at a time, but what `save` returns runs in another.
class CAIRN_API Handler {
 public:
  virtual ~Handler();

  /// A name for the kind, recorded in the checkpoint. Not empty; not "tree", "json", "stateful" or "file".
  virtual std::string type() const = 0;
  /// Whether it can save this thing, and load into it. The same on every rank.
  virtual bool handles(const Checkpointable& thing) const = 0;

  /// Takes the thing's state, so that the caller may change it when this returns; creates no file that was
  /// not named by `scope.file`. Called on every rank. What it returns (or nothing) writes this rank's part:
  /// on any thread, with neither MPI nor HDF5 nor the scope. What either throws fails the save on all ranks.
  /// Afterwards the library flushes the files to the disk, and records their sizes and digests. Collective
  /// over the context's communicator.
  virtual std::function<void()> save(HandlerScope& scope, const Checkpointable& thing) = 0;

  /// Fills the thing. The files were compared with their digests (`IntegrityOptions::verify`). Called on
  /// every rank. Collective over the context's communicator.
  virtual void load(HandlerScope& scope, const Checkpointable& thing) = 0;

  /// What to tell of a saved thing without loading it (CheckpointableInfo::metadata); `file` is the first of
  /// its files by name. Not collective.
  virtual Json metadata(const Path& file) const;
};

}  // namespace CAIRN_ABI
}  // namespace cairn
