#pragma once

#include "io/read.hpp"

#include <span>
#include <vector>

namespace cairn::io {

/// A box of one leaf that is read at once.
struct Piece {
  std::uint32_t leaf = 0;
  tree::Box box = {};
  const tree::BlockRow* row = nullptr;  // the block that it is, whole; null: no checksum is known
  std::vector<const Want*> wants = {};  // that take something of it
};

/// What to read for a job, leaf after leaf. Refers to the job. Error(corrupt) where there are rows and they
/// do not cover what is wanted, or cover it twice.
std::vector<Piece> plan_reads(const ReadJob& job);

}  // namespace cairn::io
