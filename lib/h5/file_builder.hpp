#pragma once

#include "h5/file_layout.hpp"
#include "h5/group_stack.hpp"
#include "h5/memory_driver.hpp"
#include "h5/types.hpp"

#include <cstdint>
#include <memory>
#include <string>

namespace cairn::h5 {

/// Creates the datasets of one file, in an image: allocated early, never filled, times not tracked. The
/// constructor creates the file, its attributes and the block table; call `add_leaf` for each leaf by path,
/// then `add_index`, then `finish`. On the caller's thread only.
class FileBuilder {
 public:
  /// `request` must outlive the builder.
  explicit FileBuilder(const LayoutRequest& request);

  /// The offset of /_cairn/blocks, or 0.
  std::uint64_t table_offset() const noexcept { return table_offset_; }
  /// Creates a leaf's datasets and sets the offsets of its tiling.
  void add_leaf(tree::StoredLeaf& leaf);
  /// Creates /_cairn/index with these bytes; its offset.
  std::uint64_t add_index(const std::string& bytes);
  /// Closes the file.
  void finish();
  /// The file's bytes, once it is finished.
  const Image& image() const noexcept { return *image_; }

 private:
  PropertyId access(std::uint64_t alignment) const;
  void create(std::uint64_t alignment);
  void add_table();
  DatasetId create_dataset(hid_t group, const char* name, hid_t type, const Dims& shape, hid_t properties,
                           const std::string& path);
  static std::uint64_t offset_of(const DatasetId& dataset, const std::string& path);
  PropertyId copy_properties() const;
  static void add_attributes(const DatasetId& dataset, const tree::StoredLeaf& leaf);
  void add_grid(tree::StoredLeaf& leaf, hid_t group, hid_t type);
  void add_boxes(tree::StoredLeaf& leaf, hid_t group, hid_t type);
  void add_source(tree::StoredLeaf& leaf, std::size_t number, const SpaceId& whole,
                  const PropertyId& virtuals, hid_t type);

  const LayoutRequest& request_;
  std::shared_ptr<Image> image_ = std::make_shared<Image>();
  MemoryDriver driver_;
  TypeTable types_;
  PropertyId contiguous_;
  FileId file_;
  GroupId root_, own_group_;
  std::unique_ptr<GroupStack> groups_, tile_groups_;
  std::uint64_t table_offset_ = 0;
};

/// The path of the source dataset that holds tile `number` of a leaf tiled by boxes.
std::string tile_path(const std::string& leaf_path, std::size_t number);

}  // namespace cairn::h5
