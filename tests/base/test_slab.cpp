#include "cairn/slab.hpp"

#include <array>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

using cairn::Dims;

TEST_CASE("extents come from integers of any type, and from ranges of them") {
  const std::size_t rows = 3;
  const short cols = 4;
  const Dims dims = {rows, cols, 5u, -1ll};
  REQUIRE(dims.ndims() == 4);
  CHECK(std::vector<std::int64_t>(dims.begin(), dims.end()) == std::vector<std::int64_t>{3, 4, 5, -1});
  CHECK(Dims(std::vector<int>{1, 2}) == Dims{1, 2});
  CHECK(Dims(std::array<std::uint16_t, 3>{7, 8, 9}) == Dims{7, 8, 9});
  const int c_array[] = {2, 6};
  CHECK(Dims(c_array) == Dims{2, 6});
}

TEST_CASE("no extents are a scalar's") {
  CHECK(Dims().ndims() == 0);
  const Dims scalar;
  CHECK(scalar.begin() == scalar.end());
  CHECK(Dims(std::vector<long>{}) == Dims());
}

TEST_CASE("extents beyond the eighth are counted, and keep nothing from working") {
  Dims dims = {1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(dims.ndims() == 8);
  const Dims eight = dims;
  dims.push_back(9);
  CHECK(dims.ndims() == 9);
  CHECK(dims.end() - dims.begin() == 8);
  CHECK(dims != eight);
}

TEST_CASE("an unsigned extent past the range becomes negative, which the next collective call reports") {
  const Dims dims = {std::numeric_limits<std::uint64_t>::max()};
  CHECK(dims[0] == -1);
}

TEST_CASE("extents compare by number and value") {
  CHECK(Dims{1, 2} == Dims{1, 2});
  CHECK(Dims{1, 2} != Dims{2, 1});
  CHECK(Dims{1, 2} != Dims{1, 2, 1});
  Dims dims = {1, 2};
  dims[1] = 5;
  CHECK(dims == Dims{1, 5});
}

TEST_CASE("a slab is one replica of the whole array unless it says otherwise") {
  const cairn::Slab slab{{4, 4}};
  CHECK(slab.start.ndims() == 0);
  CHECK(slab.count.ndims() == 0);
  CHECK(slab.replica == 0);
  CHECK(slab.replicas == 1);
}
