// SPDX-License-Identifier: Apache-2.0

// Workload G: matrix products of this library and of others, on the same numbers. Results are
// counters "value" in GFLOP/s, named workload/contender/metric/batch: `gflops` with B packed
// beforehand where the library can do that, `gflops_plain` with everything inside the timing.
// Weight gradients (dw) have no operand that could be packed beforehand. `espalier-bf16` keeps
// the weights (xw) in bfloat16, `espalier-int8` computes in whole numbers, quantizing A included.
//
//   gemm_benchmark [--threads=N] [--benchmark_filter=…]

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checks.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/random.h"
#include "core/thread_pool.h"
#include "espalier/runtime.h"
#include "gemm_peers.h"
#include "kernels/matmul/matmul.h"
#include "kernels/matmul/matmul_bf16.h"
#include "kernels/matmul/matmul_int8.h"

namespace espalier {
namespace {

constexpr double kBf16Error = 1.0 / 256.0;  // of each weight
constexpr double kInt8Error = 1.0 / 64.0;   // of each factor, about

int threads = 1;

struct Shape {
  std::string workload;
  int batch;  ///< as in the results
  int m, n, k;
  bool is_a_transposed;
};

AlignedArray<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  Random random({.seed = 3, .index = stream});
  AlignedArray<float> values(size);
  for (float& value : values.span()) value = static_cast<float>(random.NextUniform() - 0.5);
  return values;
}

struct Operands {
  explicit Operands(const Shape& shape)
      : a(RandomFloats(std::int64_t{shape.m} * shape.k, 1)),
        b(RandomFloats(std::int64_t{shape.k} * shape.n, 2)),
        c(std::int64_t{shape.m} * shape.n),
        gemm{shape.m, shape.n, shape.k, shape.is_a_transposed, a.data(), b.data(), c.data()} {}
  AlignedArray<float> a, b, c;
  Gemm gemm;
};

MatrixRef OperandA(const Gemm& gemm) {
  return gemm.is_a_transposed ? MatrixRef::RowMajor(gemm.a, gemm.k, gemm.m).Transposed()
                              : MatrixRef::RowMajor(gemm.a, gemm.m, gemm.k);
}

RunGemm OurPlain(const Gemm& gemm) {
  const auto workspace =
      std::make_shared<Workspace>(threads, ParallelMatmulScratchFloats(gemm.k, gemm.n));
  return [gemm, workspace] {
    ParallelMatmul(OperandA(gemm), MatrixRef::RowMajor(gemm.b, gemm.k, gemm.n), gemm.c, gemm.n, {},
                   *workspace);
  };
}

RunGemm OurBf16(const Gemm& gemm) {
  const auto packed =
      std::make_shared<AlignedArray<std::uint32_t>>(PackedBf16Words(gemm.k, gemm.n));
  PackBf16(MatrixRef::RowMajor(gemm.b, gemm.k, gemm.n), packed->data());
  const auto workspace = std::make_shared<Workspace>(threads, 0);
  return [gemm, packed, workspace, order = PanelOrder::kForward]() mutable {
    order = Opposite(order);  // as a plan's calls do
    ParallelMatmulBf16(OperandA(gemm), packed->data(), gemm.n, gemm.c, gemm.n, {}, *workspace,
                       order);
  };
}

RunGemm OurInt8(const Gemm& gemm) {
  const auto weights =
      std::make_shared<Int8Weights>(QuantizeWeights(MatrixRef::RowMajor(gemm.b, gemm.k, gemm.n)));
  const auto workspace = std::make_shared<Workspace>(threads, Int8ScratchFloats(gemm.m, gemm.k));
  return [gemm, weights, workspace] {
    ParallelMatmulInt8(OperandA(gemm), *weights, gemm.c, gemm.n, {}, *workspace);
  };
}

// Errors that a contender may make, relative to the sum of magnitudes.
double ErrorOf(const std::string& contender) {
  if (contender == "espalier-int8") return kInt8Error;
  return contender == "espalier-bf16" ? kBf16Error : 1e-5;
}

RunGemm OurPacked(const Gemm& gemm) {
  const auto packed = std::make_shared<AlignedArray<float>>(PackedFloats(gemm.k, gemm.n));
  PackB(MatrixRef::RowMajor(gemm.b, gemm.k, gemm.n), packed->data());
  const auto workspace =
      std::make_shared<Workspace>(threads, MatmulPackedScratchFloats(OperandA(gemm)));
  return [gemm, packed, workspace, order = PanelOrder::kForward]() mutable {
    order = Opposite(order);  // as a plan's calls do
    ParallelMatmulPacked(OperandA(gemm), packed->data(), gemm.n, gemm.c, gemm.n, {}, *workspace,
                         order);
  };
}

void Register(const Shape& shape, const std::string& contender, const std::string& metric,
              const std::function<RunGemm(const Gemm&)>& make) {
  const std::string name =
      shape.workload + "/" + contender + "/" + metric + "/" + std::to_string(shape.batch);
  benchmark::RegisterBenchmark(name.c_str(), [shape, contender, make](benchmark::State& state) {
    Operands operands(shape);
    const RunGemm run = make(operands.gemm);
    run();
    CheckProduct(OperandA(operands.gemm), MatrixRef::RowMajor(operands.gemm.b, shape.k, shape.n),
                 operands.gemm.c, ErrorOf(contender));
    for (auto _ : state) {
      run();
      benchmark::ClobberMemory();
    }
    state.counters["value"] = benchmark::Counter(
        2e-9 * shape.m * shape.n * shape.k * static_cast<double>(state.iterations()),
        benchmark::Counter::kIsRate);
  })->UseRealTime();
}

std::vector<Shape> Shapes() {
  std::vector<Shape> shapes;
  for (const int n : {64, 128, 256, 512, 1024, 2048}) {
    shapes.push_back({"G-sq" + std::to_string(n), n, n, n, n, false});
  }
  const int layers[][2] = {{784, 256}, {256, 256}, {512, 512}, {1024, 1024}};
  for (const auto& [k, n] : layers) {
    const std::string sizes = std::to_string(k) + "x" + std::to_string(n);
    for (const int m : {1, 8, 32, 128}) shapes.push_back({"G-xw-" + sizes, m, m, n, k, false});
    if (sizes != "256x256") shapes.push_back({"G-dw-" + sizes, 128, k, n, 128, true});
  }
  return shapes;
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  constexpr std::string_view kThreads = "--threads=";
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]).starts_with(kThreads)) {
      threads = std::atoi(argv[i] + kThreads.size());
    }
  }
  SetThreadCount(threads);
  benchmark::AddCustomContext("threads", std::to_string(threads));
  const std::vector<GemmPeer> peers = GemmPeers(threads);
  for (const GemmPeer& peer : peers) benchmark::AddCustomContext(peer.name, peer.version);
  for (const Shape& shape : Shapes()) {
    const bool is_gradient = shape.is_a_transposed;
    // What can't pack beforehand has one form, which stands under both names.
    Register(shape, "espalier", "gflops", is_gradient ? OurPlain : OurPacked);
    for (const GemmPeer& peer : peers) {
      Register(shape, peer.name, "gflops",
               is_gradient || peer.packed == nullptr ? peer.plain : peer.packed);
    }
    if (is_gradient) continue;
    if (shape.workload.starts_with("G-xw")) {
      Register(shape, "espalier-bf16", "gflops", OurBf16);
      Register(shape, "espalier-int8", "gflops", OurInt8);
    }
    Register(shape, "espalier", "gflops_plain", OurPlain);
    for (const GemmPeer& peer : peers) Register(shape, peer.name, "gflops_plain", peer.plain);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Main(argc, argv); }
