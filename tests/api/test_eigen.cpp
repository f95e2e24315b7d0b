#include "cairn/array.hpp"
#include "tree/bound.hpp"

#include <Eigen/Dense>
#include <catch2/catch.hpp>

using cairn::Dims;
using cairn::Dtype;

TEST_CASE("a column-major matrix is stored by rows and columns, not transposed") {
  Eigen::MatrixXd m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  const auto bound = bind_only(cairn::replicated(m));
  CHECK(bound.leaf.shape == Dims{2, 3});
  CHECK(bound.leaf.shards[0].strides == Dims{1, 2});
  CHECK(bound.values<double>() == std::vector<double>{1, 2, 3, 4, 5, 6});
}

TEST_CASE("a row-major matrix, and one of fixed size") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m(2, 2);
  m << 1, 2, 3, 4;
  CHECK(bind_only(cairn::replicated(m)).leaf.shards[0].strides == Dims{2, 1});
  Eigen::Matrix3i fixed;
  fixed << 1, 2, 3, 4, 5, 6, 7, 8, 9;
  CHECK(bind_only(cairn::replicated(fixed)).values<int>() == std::vector<int>{1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("vectors have one dimension, those of two elements as well") {
  Eigen::VectorXd v = Eigen::VectorXd::LinSpaced(4, 1, 4);
  CHECK(bind_only(cairn::replicated(v)).leaf.shape == Dims{4});
  CHECK(bind_only(cairn::sharded(v, {{8, 1}, {4, 0}, {4, 1}})).leaf.shards[0].strides[0] == 1);
  Eigen::Vector2d two(1, 2);
  const auto bound = bind_only(cairn::replicated(two));
  CHECK(bound.leaf.shape == Dims{2});
  CHECK(bound.leaf.dtype == Dtype::f64);
  Eigen::RowVector3f row(1, 2, 3);
  CHECK(bind_only(cairn::replicated(row)).values<float>() == std::vector<float>{1, 2, 3});
}

TEST_CASE("blocks, rows, columns and transposes are views of their matrix") {
  Eigen::MatrixXd m(3, 4);
  m << 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12;
  const auto block = bind_only(cairn::replicated(m.block(1, 1, 2, 2)));
  CHECK(block.values<double>() == std::vector<double>{6, 7, 10, 11});
  CHECK(block.leaf.shards[0].strides == Dims{1, 3});
  CHECK_FALSE(block.leaf.read_only);
  CHECK(bind_only(cairn::replicated(m.row(1))).values<double>() == std::vector<double>{5, 6, 7, 8});
  CHECK(bind_only(cairn::replicated(m.col(2))).values<double>() == std::vector<double>{3, 7, 11});
  const auto transposed = bind_only(cairn::replicated(m.transpose()));
  CHECK(transposed.leaf.shape == Dims{4, 3});
  CHECK(transposed.values<double>() == std::vector<double>{1, 5, 9, 2, 6, 10, 3, 7, 11, 4, 8, 12});
}

TEST_CASE("maps are views, with strides and const") {
  double memory[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  using Stride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  Eigen::Map<Eigen::MatrixXd, 0, Stride> map(memory, 2, 3, Stride(4, 2));
  CHECK(bind_only(cairn::replicated(map)).values<double>() == std::vector<double>{0, 4, 8, 2, 6, 10});
  CHECK(bind_only(cairn::replicated(Eigen::Map<const Eigen::VectorXd>(memory, 5))).leaf.read_only);
  Eigen::Map<Eigen::VectorXd, 0, Eigen::InnerStride<3>> every_third(memory, 4);
  CHECK(bind_only(cairn::replicated(every_third)).values<double>() == std::vector<double>{0, 3, 6, 9});
}

TEST_CASE("extents must be the slab's") {
  Eigen::MatrixXd m(2, 3);
  CHECK(problems_of(cairn::sharded(m, {{3, 2}})).find("{2, 3}") != std::string::npos);
  CHECK(problems_of(cairn::sharded(m, {{6}})).find("{2, 3}") != std::string::npos);
}

TEST_CASE("a halo around a matrix needs only a start") {
  Eigen::ArrayXXd a = Eigen::ArrayXXd::Zero(4, 5);
  a(1, 1) = 7;
  const auto bound = bind_only(cairn::sharded(a, {{20, 30}, {2, 3}, {2, 3}}, cairn::Memory{{}, {1, 1}}));
  CHECK(bound.values<double>() == std::vector<double>{7, 0, 0, 0, 0, 0});
}

TEST_CASE("appended rows of a matrix are resized") {
  Eigen::MatrixXd m(2, 3);
  auto bound = bind_only(cairn::appended(m));
  CHECK(bound.leaf.rows == 2);
  CHECK(bound.leaf.shape == Dims{3});
  REQUIRE(cairn::tree::resize(bound.leaf, 5));
  CHECK(m.rows() == 5);
  CHECK(m.cols() == 3);
  Eigen::VectorXi v(4);
  auto vector = bind_only(cairn::appended(v));
  REQUIRE(cairn::tree::resize(vector.leaf, 7));
  CHECK(v.size() == 7);
  Eigen::Matrix3d fixed;
  auto kept = bind_only(cairn::appended(fixed));
  CHECK_FALSE(cairn::tree::resize(kept.leaf, 4));
  auto map = bind_only(cairn::appended(Eigen::Map<Eigen::VectorXi>(v.data(), 7)));
  CHECK_FALSE(cairn::tree::resize(map.leaf, 8));
}

TEST_CASE("Eigen's own halves and complex matrices") {
  Eigen::Matrix<Eigen::half, 2, 2> h;
  CHECK(bind_only(cairn::replicated(h)).leaf.dtype == Dtype::f16);
  Eigen::Matrix<Eigen::bfloat16, 2, 2> b;
  CHECK(bind_only(cairn::replicated(b)).leaf.dtype == Dtype::bf16);
  Eigen::MatrixXcd z(2, 2);
  CHECK(bind_only(cairn::replicated(z)).leaf.dtype == Dtype::c128);
}
