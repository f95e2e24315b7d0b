#include "cairn/array.hpp"
#include "tree/bound.hpp"

#include <catch2/catch.hpp>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xstrided_view.hpp>
#include <xtensor/xtensor.hpp>
#include <xtensor/xview.hpp>

using cairn::Dims;

TEST_CASE("tensors bring their shape, row-major or not") {
  xt::xtensor<double, 2> rows = {{1, 2, 3}, {4, 5, 6}};
  const auto bound = bind_only(cairn::replicated(rows));
  CHECK(bound.leaf.shape == Dims{2, 3});
  CHECK(bound.values<double>() == std::vector<double>{1, 2, 3, 4, 5, 6});
  xt::xtensor<double, 2, xt::layout_type::column_major> columns = {{1, 2, 3}, {4, 5, 6}};
  const auto transposed = bind_only(cairn::replicated(columns));
  CHECK(transposed.leaf.shards[0].strides == Dims{1, 2});
  CHECK(transposed.values<double>() == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("arrays of any number of dimensions, const too") {
  xt::xarray<int> a = {{{1, 2}}, {{3, 4}}};
  CHECK(bind_only(cairn::replicated(a)).leaf.shape == Dims{2, 1, 2});
  const auto& constant = a;
  CHECK(bind_only(cairn::replicated(constant)).leaf.read_only);
}

TEST_CASE("views of an array are kept, and begin where they begin") {
  xt::xtensor<double, 2> a = {{1, 2, 3, 4}, {5, 6, 7, 8}, {9, 10, 11, 12}};
  const auto bound = bind_only(cairn::replicated(xt::view(a, xt::range(1, 3), xt::range(1, 3))));
  CHECK(bound.values<double>() == std::vector<double>{6, 7, 10, 11});
  CHECK_FALSE(bound.leaf.read_only);
  const auto strided = bind_only(cairn::replicated(xt::strided_view(a, {xt::all(), xt::range(0, 4, 2)})));
  CHECK(strided.values<double>() == std::vector<double>{1, 3, 5, 7, 9, 11});
}

TEST_CASE("an adapted pointer is a view") {
  double memory[6] = {1, 2, 3, 4, 5, 6};
  const auto bound = bind_only(
      cairn::replicated(xt::adapt(&memory[0], 6, xt::no_ownership(), std::array<std::size_t, 2>{2, 3})));
  CHECK(static_cast<void*>(bound.leaf.shards[0].data) == memory);
  CHECK(bound.leaf.shape == Dims{2, 3});
}

TEST_CASE("appended rows of a tensor are resized") {
  xt::xtensor<float, 2> x = xt::zeros<float>({4, 3});
  auto bound = bind_only(cairn::appended(x));
  CHECK(bound.leaf.rows == 4);
  REQUIRE(cairn::tree::resize(bound.leaf, 6));
  CHECK(x.shape()[0] == 6);
  CHECK(x.shape()[1] == 3);
}
