// SPDX-License-Identifier: Apache-2.0

// Matrix products on one thread, ours and OpenBLAS's, each checked before it is timed. Counter
// "GFLOPS"; "of_peak" is its share of the fused multiply-add peak of the active target, measured at
// the start.
//
//   matmul_benchmark [PATH of libopenblas.so.0] [--benchmark_filter=…]

#include <benchmark/benchmark.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "checks.h"
#include "core/cpu.h"
#include "core/memory.h"
#include "core/random.h"
#include "espalier/runtime.h"
#include "kernels/matmul/blas.h"
#include "kernels/matmul/matmul.h"
#include "machine_limits.h"

namespace espalier {
namespace {

double peak_gflops = 0.0;

enum class Form { kPlain, kTransposedA, kTransposedB };

struct Product {
  std::string name;
  std::int64_t m, n, k;
  Form form;
};

AlignedArray<float> RandomFloats(std::int64_t size, std::uint32_t stream) {
  Random random({.seed = 3, .index = stream});
  AlignedArray<float> values(size);
  for (float& value : values.span()) value = static_cast<float>(random.NextUniform() - 0.5);
  return values;
}

struct Operands {
  explicit Operands(const Product& product)
      : a(RandomFloats(product.m * product.k, 1)),
        b(RandomFloats(product.k * product.n, 2)),
        c(product.m * product.n),
        a_ref(product.form == Form::kTransposedA
                  ? MatrixRef::RowMajor(a.data(), product.k, product.m).Transposed()
                  : MatrixRef::RowMajor(a.data(), product.m, product.k)),
        b_ref(product.form == Form::kTransposedB
                  ? MatrixRef::RowMajor(b.data(), product.n, product.k).Transposed()
                  : MatrixRef::RowMajor(b.data(), product.k, product.n)) {}
  AlignedArray<float> a, b, c;
  MatrixRef a_ref, b_ref;
};

template <typename Run>
void Time(benchmark::State& state, const Product& product, const Operands& operands,
          const Run& run) {
  run();
  CheckProduct(operands.a_ref, operands.b_ref, operands.c.data());
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double operations = 2.0 * static_cast<double>(product.m * product.n * product.k);
  state.counters["GFLOPS"] = benchmark::Counter(
      operations / 1e9 * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
  state.counters["of_peak"] =
      benchmark::Counter(operations / 1e9 / peak_gflops * static_cast<double>(state.iterations()),
                         benchmark::Counter::kIsRate);
}

// Weights packed outside the timing, as in a plan for prediction.
void Packed(benchmark::State& state, const Product& product) {
  Operands operands(product);
  AlignedArray<float> packed(PackedFloats(product.k, product.n));
  PackB(operands.b_ref, packed.data());
  AlignedArray<float> scratch(MatmulPackedScratchFloats(operands.a_ref));
  Time(state, product, operands, [&] {
    MatmulPacked(operands.a_ref, packed.data(), product.n, operands.c.data(), product.n, {},
                 scratch.data());
  });
}

void Ours(benchmark::State& state, const Product& product) {
  Operands operands(product);
  Workspace workspace(1, ParallelMatmulScratchFloats(product.k, product.n));
  Time(state, product, operands, [&] {
    ParallelMatmul(operands.a_ref, operands.b_ref, operands.c.data(), product.n, {}, workspace);
  });
}

void OpenBlas(benchmark::State& state, const Product& product) {
  Operands operands(product);
  Time(state, product, operands,
       [&] { OpenBlasMatmul(operands.a_ref, operands.b_ref, operands.c.data(), product.n); });
}

std::vector<Product> Products() {
  std::vector<Product> products;
  for (const std::int64_t n : {64, 128, 256, 512, 1024, 2048}) {
    products.push_back({"square", n, n, n, Form::kPlain});
  }
  const std::int64_t layers[][2] = {{784, 256}, {256, 128},   {256, 256},
                                    {512, 512}, {1024, 1024}, {128, 10}};
  for (const auto& [k, n] : layers) {
    for (const std::int64_t m : {1, 8, 32, 128}) {
      products.push_back({"forward", m, n, k, Form::kTransposedB});
    }
  }
  for (const auto& [k, n] : layers) {
    for (const std::int64_t batch : {32, 128}) {
      products.push_back({"grad_input", batch, k, n, Form::kPlain});
      products.push_back({"grad_weights", n, k, batch, Form::kTransposedA});
    }
  }
  return products;
}

using Run = void (*)(benchmark::State&, const Product&);

void Register(const char* contender, Run run, const Product& product) {
  const std::string name = std::string(contender) + "/" + product.name + "/" +
                           std::to_string(product.m) + "x" + std::to_string(product.n) + "x" +
                           std::to_string(product.k);
  benchmark::RegisterBenchmark(name.c_str(),
                               [run, product](benchmark::State& state) { run(state, product); });
}

int Main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
#ifdef ESPALIER_OPENBLAS
  SetOpenBlasPath(ESPALIER_OPENBLAS);
#endif
  if (argc > 1) SetOpenBlasPath(argv[1]);
  peak_gflops = PeakGflops();
  benchmark::AddCustomContext("cpu_target", std::string(CpuTargetName(ActiveCpuTarget())));
  benchmark::AddCustomContext("fma_gflops", std::to_string(peak_gflops));
  benchmark::AddCustomContext("read_gbps_512_kib", std::to_string(ReadGigabytesPerSecond(512)));
  // Side by side, so that both see the same state of a shared machine.
  for (const Product& product : Products()) {
    if (product.form != Form::kTransposedA) Register("packed", Packed, product);
    Register("espalier", Ours, product);
    if (OpenBlasIsAvailable()) Register("openblas", OpenBlas, product);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace espalier

int main(int argc, char** argv) { return espalier::Main(argc, argv); }
