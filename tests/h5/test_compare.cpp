#include "sample.hpp"

#include <functional>

using namespace cairn;
using namespace cairn::h5;

namespace {

using Problems = std::vector<std::string>;

FileLayout small_layout() {
  LayoutRequest request;
  request.leaves = {sample::leaf("a", Dtype::f64, {7, 10}),
                    sample::leaf("b/boxes", Dtype::f32, {7, 10}, sample::three_boxes()),
                    sample::leaf("b/empty", Dtype::i16, {0, 3}),
                    sample::leaf("b/fp8", Dtype::e4m3, {50}),
                    sample::leaf("b/grid", Dtype::u8, {7, 10}, sample::grid({3, 4})),
                    sample::text_leaf("c", 11),
                    sample::leaf("d", Dtype::c64, {})};
  request.leaves[1].fortran_order = true;  // b/boxes
  request.table_rows = 128;
  return lay_out(request);
}
enum : std::size_t { one, boxes, empty, fp8, grid, text, scalar };

/// What is found when the index says something else than the file.
Problems problems_of(const std::function<void(std::vector<tree::StoredLeaf>&)>& change) {
  static const auto layout = small_layout();
  auto leaves = layout.leaves;
  change(leaves);
  auto problems = compare_with_index(layout.structure, layout.bytes, leaves);
  // A changed index is never what /_cairn/index holds.
  const auto last = std::ranges::find(problems, "in HDF5, '/_cairn/index' is not the index");
  if (last != problems.end()) problems.erase(last);
  return problems;
}

void check_one_problem(const std::function<void(std::vector<tree::StoredLeaf>&)>& change,
                       const std::string& expected) {
  const auto problems = problems_of(change);
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0], Catch::StartsWith("in HDF5, ") && Catch::EndsWith(expected));
}

}  // namespace

TEST_CASE("a file that is what its index says has no problem") {
  const auto layout = small_layout();
  CHECK(compare_with_index(layout.structure, layout.bytes, layout.leaves) == Problems{});
  LayoutRequest all;
  all.leaves = sample::all_leaves();
  const auto other = lay_out(all);
  CHECK(compare_with_index(other.structure, other.bytes, other.leaves) == Problems{});
}

TEST_CASE("a difference between a file and its index is named") {
  using Leaves = std::vector<tree::StoredLeaf>;
  check_one_problem([](Leaves& leaves) { leaves[one].dtype = Dtype::i64; }, "'a' has another dtype");
  check_one_problem([](Leaves& leaves) { leaves[one].shape = {10, 7}; }, "'a' has another shape");
  check_one_problem([](Leaves& leaves) { leaves[one].tiling.offset += 8; }, "'a' lies elsewhere");
  check_one_problem([](Leaves& leaves) { leaves[fp8].dtype = Dtype::e5m2; }, "'b/fp8' has another dtype");
  check_one_problem([](Leaves& leaves) { leaves[one].tiling = sample::grid({1, 10}); }, "'a' is not chunked");
  check_one_problem([](Leaves& leaves) { leaves[one].tiling = sample::three_boxes(); }, "'a' is not virtual");
  check_one_problem([](Leaves& leaves) { leaves[grid].tiling.kind = tree::TileKind::one; },
                    "'b/grid' is not contiguous");
  check_one_problem([](Leaves& leaves) { leaves[grid].tiling.cell = {4, 4}; }, "'b/grid' has another grid");
  check_one_problem(
      [](Leaves& leaves) { std::swap(leaves[grid].tiling.offsets[7], leaves[grid].tiling.offsets[8]); },
      "'b/grid' has tiles that lie elsewhere");
  check_one_problem([](Leaves& leaves) { ++leaves[boxes].tiling.offsets[1]; },
                    "'b/boxes' has tiles that lie elsewhere");
  check_one_problem(
      [](Leaves& leaves) {
        leaves[boxes].tiling.boxes[1].start = {0, 3};
      },
      "'b/boxes' has another box");
  check_one_problem([](Leaves& leaves) { leaves[boxes].tiling.boxes.pop_back(); },
                    "'b/boxes' has another number of tiles");
  check_one_problem([](Leaves& leaves) { leaves[text].element_bytes = 12; }, "'c' has another dtype");
  check_one_problem([](Leaves& leaves) { leaves[scalar].shape = {1}; }, "'d' has another shape");
  check_one_problem([](Leaves& leaves) { leaves[empty].shape = {0, 4}; }, "'b/empty' has another shape");
  check_one_problem([](Leaves& leaves) { leaves[grid].fortran_order = true; },
                    "'b/grid' has another order of dimensions");
  check_one_problem([](Leaves& leaves) { leaves[boxes].fortran_order = false; },
                    "'b/boxes' has another order of dimensions");
}

TEST_CASE("a dataset that the index lacks, or that the file lacks, is found") {
  check_one_problem([](auto& leaves) { leaves.erase(leaves.begin() + grid); },
                    "the group '/b' holds other names than the index");
  check_one_problem([](auto& leaves) { leaves.pop_back(); },
                    "the group '/' holds other names than the index");
  const auto missing = problems_of([](auto& leaves) { leaves[scalar].path = std::string("e"); });
  REQUIRE(missing.size() == 1);
  CHECK_THAT(missing[0], Catch::StartsWith("in HDF5, 'e' cannot be read"));
}

TEST_CASE("an index dataset that is not the index is found") {
  auto layout = small_layout();
  for (auto& range : layout.structure) {
    if (range.offset <= layout.index_offset && layout.index_offset < range.offset + range.bytes.size()) {
      range.bytes[layout.index_offset - range.offset] = ' ';
    }
  }
  CHECK(compare_with_index(layout.structure, layout.bytes, layout.leaves) ==
        Problems{"in HDF5, '/_cairn/index' is not the index"});
}

TEST_CASE("what is no HDF5 file is a problem, not a crash") {
  const auto layout = small_layout();
  const auto problem = compare_with_index({}, 10000, layout.leaves);
  REQUIRE(problem.size() == 1);
  CHECK_THAT(problem[0], Catch::StartsWith("HDF5 cannot open the file"));
  CHECK(compare_with_index(layout.structure, layout.bytes / 2, layout.leaves).size() == 1);
}

TEST_CASE("no changed byte of a structure makes the comparison crash, and most are found") {
  LayoutRequest request;  // without a virtual dataset, of which HDF5 1.10 does not survive every damage
  request.leaves = {sample::leaf("a", Dtype::f64, {7, 10}), sample::leaf("b/fp8", Dtype::e4m3, {50}),
                    sample::leaf("b/grid", Dtype::u8, {7, 10}, sample::grid({3, 4})),
                    sample::leaf("c", Dtype::c64, {})};
  request.leaves[2].fortran_order = true;
  auto layout = lay_out(request);
  std::size_t changed = 0, found = 0;
  for (auto& range : layout.structure) {
    for (auto& byte : range.bytes) {
      const auto before = byte;
      byte = static_cast<char>(~byte);
      ++changed;
      found += compare_with_index(layout.structure, layout.bytes, layout.leaves).empty() ? 0 : 1;
      byte = before;
    }
  }
  CHECK(changed > 3000);
  CHECK(found > changed / 2);
  CHECK(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL) == 0);
}
