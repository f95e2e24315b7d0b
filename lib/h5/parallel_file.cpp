#include "h5/parallel_file.hpp"

#include "h5/file_builder.hpp"
#include "h5/handle.hpp"
#include "h5/types.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace cairn::h5 {

namespace {

/// MPI's hints, freed by the destructor; MPI_INFO_NULL where there are none.
class Hints {
 public:
  explicit Hints(const std::map<std::string, std::string>& values) {
    if (values.empty()) return;
    if (MPI_Info_create(&info_) != MPI_SUCCESS) throw Error(ErrorCode::mpi, "MPI_Info_create failed");
    for (const auto& [key, value] : values) {
      if (MPI_Info_set(info_, key.c_str(), value.c_str()) != MPI_SUCCESS) {
        MPI_Info_free(&info_);
        throw Error(ErrorCode::invalid_argument, "MPI refuses the hint '" + key + "'; see io.hints");
      }
    }
  }
  ~Hints() {
    if (info_ != MPI_INFO_NULL) MPI_Info_free(&info_);
  }
  Hints(const Hints&) = delete;
  Hints& operator=(const Hints&) = delete;
  MPI_Info get() const noexcept { return info_; }

 private:
  MPI_Info info_ = MPI_INFO_NULL;
};

PropertyId access_list(const ParallelFile::Settings& settings) {
  auto list = own<PropertyId>(H5Pcreate(H5P_FILE_ACCESS), "make a property list");
  const Hints hints(settings.hints);
  check(H5Pset_fapl_mpio(list.get(), settings.comm, hints.get()), "choose the MPI-IO driver");
  check(H5Pset_fclose_degree(list.get(), H5F_CLOSE_STRONG), "set a file's properties");
  return list;
}

PropertyId transfer_list(bool collective) {
  auto list = own<PropertyId>(H5Pcreate(H5P_DATASET_XFER), "make a property list");
  check(H5Pset_dxpl_mpio(list.get(), collective ? H5FD_MPIO_COLLECTIVE : H5FD_MPIO_INDEPENDENT),
        "choose the way of transfer");
  return list;
}

tree::Box relative_to(const tree::Box& box, const tree::Box& tile) {
  auto result = box;
  for (std::size_t dim = 0; dim < box.ndims(); ++dim) result.start[dim] -= tile.start[dim];
  return result;
}

}  // namespace

struct ParallelFile::Rep {
  std::filesystem::path path;
  bool collective = false;
  std::uint64_t most_bytes_per_call = 0;
  PropertyId together, alone;
  TypeTable types;
  FileId file;
  std::string open_path;
  DatasetId dataset;  // of `open_path`: blocks come leaf after leaf

  [[noreturn]] void fail_io(const std::string& what, const std::string& name = {}) const {
    const auto text = take_error_text();
    const auto has = [&](const char* word) { return text.find(word) != text.npos; };
    const bool full = has("MPI_ERR_NO_SPACE") || has("MPI_ERR_QUOTA") || has("No space left");
    throw Error(full ? ErrorCode::no_space : ErrorCode::io,
                "HDF5 cannot " + what + (name.empty() ? "" : " '" + name + "'") + " through MPI-IO" +
                    (full ? " (the disk or the quota is full)" : "") + ": " + text,
                full ? ENOSPC : 0, -1, path);
  }

  hid_t open(const std::string& name) {
    if (!dataset || open_path != name) {
      dataset = DatasetId(H5Dopen2(file.get(), name.c_str(), H5P_DEFAULT));
      if (!dataset) fail_io("open the dataset", name);
      open_path = name;
    }
    return dataset.get();
  }

  /// Where `box` lies in its dataset, `shape`; an empty box selects nothing.
  SpaceId select(const Dims& shape, const tree::Box& box) const {
    auto space = make_space(shape);
    if (tree::is_empty(box)) {
      check(H5Sselect_none(space.get()), "select nothing");
    } else if (shape.ndims() > 0) {
      std::array<hsize_t, 8> start{}, count{};
      std::copy(box.start.begin(), box.start.end(), start.begin());
      std::copy(box.count.begin(), box.count.end(), count.begin());
      check(H5Sselect_hyperslab(space.get(), H5S_SELECT_SET, start.data(), nullptr, count.data(), nullptr),
            "select a box");
    }
    return space;
  }

  void write_piece(const std::string& name, const Dims& shape, const tree::Box& box, hid_t type,
                   const std::byte* packed, const PropertyId& transfer) {
    const auto in_file = select(shape, box);
    const auto in_memory = make_space(box.count);
    if (tree::is_empty(box)) check(H5Sselect_none(in_memory.get()), "select nothing");
    const std::byte nothing{};
    if (H5Dwrite(open(name), type, in_memory.get(), in_file.get(), transfer.get(),
                 packed != nullptr ? packed : &nothing) < 0) {
      fail_io("write the dataset", name);
    }
  }

  /// `transfer` is that of the first call; the others, of which other ranks may have fewer, go alone.
  void write_pieces(const std::string& name, const Dims& shape, const tree::Box& box,
                    const tree::StoredLeaf& leaf, std::span<const std::byte> packed,
                    const PropertyId& transfer) {
    const auto type = types.of(leaf.dtype, leaf.element_bytes);
    const auto most = std::max<std::uint64_t>(most_bytes_per_call / leaf.element_bytes, 1);
    const auto* first = &transfer;
    for (const auto& piece : tree::cut(box, most)) {
      const auto bytes = tree::product(piece.count) * leaf.element_bytes;
      write_piece(name, shape, piece, type, packed.data(), *first);
      packed = packed.subspan(bytes);
      first = &alone;
    }
  }
};

ParallelFile::ParallelFile(const std::filesystem::path& path, const Settings& settings)
    : rep_(std::make_unique<Rep>()) {
  const QuietErrors quiet;
  rep_->path = path;
  rep_->collective = settings.collective;
  rep_->most_bytes_per_call = settings.most_bytes_per_call;
  rep_->together = transfer_list(true);
  rep_->alone = transfer_list(false);
  const auto access = access_list(settings);
  rep_->file = FileId(H5Fopen(path.c_str(), H5F_ACC_RDWR, access.get()));
  if (!rep_->file) rep_->fail_io("open the file");
}

ParallelFile::~ParallelFile() {
  const QuietErrors quiet;
  rep_.reset();
  H5Eclear2(H5E_DEFAULT);
}

void ParallelFile::write(const tree::StoredLeaf& leaf, const tree::Box& box,
                         std::span<const std::byte> packed) {
  const QuietErrors quiet;
  if (!rep_->file) throw Error(ErrorCode::internal, "a parallel file was written after it was closed");
  if (packed.size() != tree::product(box.count) * leaf.element_bytes) {
    throw Error(ErrorCode::internal, "the block of '" + leaf.path + "' has another size than its box");
  }
  const auto& tiling = leaf.tiling;
  const bool empty = tree::is_empty(box);
  if (tiling.kind == tree::TileKind::none) return;
  if (tiling.kind == tree::TileKind::boxes) {
    if (empty) return;
    const auto tile = std::ranges::find_if(
        tiling.boxes, [&](const tree::Box& candidate) { return tree::contains(candidate, box); });
    if (tile == tiling.boxes.end()) {
      throw Error(ErrorCode::internal, "a block of '" + leaf.path + "' lies in no tile");
    }
    const auto name = tile_path(leaf.path, static_cast<std::size_t>(tile - tiling.boxes.begin()));
    rep_->write_pieces(name, tile->count, relative_to(box, *tile), leaf, packed, rep_->alone);
    return;
  }
  if (!empty) {
    const auto& transfer = rep_->collective ? rep_->together : rep_->alone;
    rep_->write_pieces(leaf.path, leaf.shape, box, leaf, packed, transfer);
  } else if (rep_->collective) {
    rep_->write_piece(leaf.path, leaf.shape, box, rep_->types.of(leaf.dtype, leaf.element_bytes), nullptr,
                      rep_->together);
  }
}

void ParallelFile::close(bool sync) {
  const QuietErrors quiet;
  if (!rep_->file) return;
  rep_->dataset = {};
  if (sync && H5Fflush(rep_->file.get(), H5F_SCOPE_GLOBAL) < 0) rep_->fail_io("flush the file");
  if (rep_->file.close() < 0) rep_->fail_io("close the file");
}

}  // namespace cairn::h5
