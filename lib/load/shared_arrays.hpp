#pragma once

#include "comm/communicator.hpp"
#include "io/read.hpp"
#include "load/match.hpp"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace cairn::load_stages {

/// Arrays that every rank wants whole: their bytes are cut into segments, each read from the file by one
/// rank, in turn, and broadcast. The segments are the same on every rank.
class SharedArrays {
 public:
  /// `wants`: whole leaves, in the same order on every rank. Refers to both, and to the memory of the wants.
  SharedArrays(std::span<const io::Want> wants, const Stored& stored, int rank, int size,
               void* device_stream = nullptr);
  ~SharedArrays();

  /// What this rank must read for itself and the others.
  std::span<const io::Want> reads() const noexcept { return reads_; }
  /// Whether all of it can go from device to device by this ncclComm_t, as far as this rank knows.
  bool fits_nccl(void* nccl) const;
  /// That it does so; the same on every rank.
  void use_nccl(void* nccl, double timeout_s) noexcept {
    nccl_ = nccl;
    timeout_s_ = timeout_s;
  }
  /// Once every rank has read: collective, a broadcast for each segment, and places what arrives. Local
  /// failures (a value out of a conversion's range) are kept, and reported by the `finish` that the caller
  /// runs inside an agreement.
  void exchange(comm::Communicator& comm);
  void finish() const;

 private:
  struct Piece;
  struct Segment;
  void exchange_by_nccl();
  std::byte* memory_of(const Piece& piece) const;
  void place(const Segment& segment, device::Copies& copies);
  template <class Step>
  void keep_failure(const Step& step);

  std::span<const io::Want> wants_;
  const Stored* stored_;
  int rank_, size_;
  void* device_stream_;
  void* nccl_ = nullptr;
  double timeout_s_ = 0;
  std::vector<Segment> segments_;
  std::vector<io::Want> reads_;
  std::string received_;  // of the largest segment, so that nothing is allocated between two broadcasts
  std::optional<Error> failure_;
  Error no_memory_{ErrorCode::out_of_memory, "there was not enough memory to place a replicated array"};
};

}  // namespace cairn::load_stages
