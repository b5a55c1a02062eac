// SPDX-License-Identifier: Apache-2.0
#include "gemm_peers.h"

#include <dlfcn.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

#ifdef ESPALIER_ONEDNN
#include <oneapi/dnnl/dnnl.hpp>
#endif

namespace espalier {
namespace {

// The values of CBLAS's and MKL's enumerations.
enum : int { kRowMajor = 101, kNoTrans = 111, kTrans = 112, kPacked = 151, kBMatrix = 162 };

using Sgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*, int,
                       float, float*, int);

/// Opened for good, with its own symbols first: each of these libraries has a sgemm_.
void* Open(const char* path) { return dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND); }

template <typename Function>
Function Find(void* library, const char* name) {
  return reinterpret_cast<Function>(dlsym(library, name));
}

RunGemm CblasGemm(Sgemm sgemm, const Gemm& gemm) {
  return [sgemm, gemm] {
    sgemm(kRowMajor, gemm.is_a_transposed ? kTrans : kNoTrans, kNoTrans, gemm.m, gemm.n, gemm.k,
          1.0f, gemm.a, gemm.is_a_transposed ? gemm.m : gemm.k, gemm.b, gemm.n, 0.0f, gemm.c,
          gemm.n);
  };
}

void AddOpenBlas([[maybe_unused]] int threads, [[maybe_unused]] std::vector<GemmPeer>& peers) {
#ifdef ESPALIER_OPENBLAS
  void* const library = Open(ESPALIER_OPENBLAS);
  if (library == nullptr) return;
  const auto sgemm = Find<Sgemm>(library, "cblas_sgemm");
  Find<void (*)(int)>(library, "openblas_set_num_threads")(threads);
  const std::string core = Find<char* (*)()>(library, "openblas_get_corename")();
  const std::string config = Find<char* (*)()>(library, "openblas_get_config")();
  peers.push_back({.name = "openblas",
                   .version = config + ", core type " + core,
                   .plain = [sgemm](const Gemm& gemm) { return CblasGemm(sgemm, gemm); },
                   .packed = nullptr});
#endif
}

/// B in MKL's own layout.
struct MklPackedB {
  using PackSize = std::size_t (*)(int, int, int, int);
  using Pack = void (*)(int, int, int, int, int, int, float, const float*, int, float*);
  using Compute = void (*)(int, int, int, int, int, int, const float*, int, const float*, int,
                           float, float*, int);

  void* library;

  RunGemm operator()(const Gemm& gemm) const {
    const auto compute = Find<Compute>(library, "cblas_sgemm_compute");
    const std::size_t bytes =
        Find<PackSize>(library, "cblas_sgemm_pack_get_size")(kBMatrix, gemm.m, gemm.n, gemm.k);
    const std::shared_ptr<float> packed(
        static_cast<float*>(std::aligned_alloc(64, (bytes + 63) / 64 * 64)), &std::free);
    Find<Pack>(library, "cblas_sgemm_pack")(kRowMajor, kBMatrix, kNoTrans, gemm.m, gemm.n, gemm.k,
                                            1.0f, gemm.b, gemm.n, packed.get());
    return [compute, packed, gemm] {
      compute(kRowMajor, gemm.is_a_transposed ? kTrans : kNoTrans, kPacked, gemm.m, gemm.n, gemm.k,
              gemm.a, gemm.is_a_transposed ? gemm.m : gemm.k, packed.get(), gemm.n, 0.0f, gemm.c,
              gemm.n);
    };
  }
};

void AddMkl(int threads, std::vector<GemmPeer>& peers) {
  const char* const path = std::getenv("MKL_LIBRARY");
  void* const library = path == nullptr ? nullptr : Open(path);
  if (library == nullptr) return;
  const auto sgemm = Find<Sgemm>(library, "cblas_sgemm");
  Find<void (*)(int)>(library, "MKL_Set_Num_Threads")(threads);
  char version[200] = {};
  Find<void (*)(char*, int)>(library, "mkl_get_version_string")(version, sizeof(version) - 1);
  peers.push_back({.name = "mkl",
                   .version = version,
                   .plain = [sgemm](const Gemm& gemm) { return CblasGemm(sgemm, gemm); },
                   .packed = MklPackedB{library}});
}

#ifdef ESPALIER_ONEDNN
/// A matmul primitive made once; `is_packed` lets oneDNN choose the layout of B.
RunGemm OneDnnGemm(const Gemm& gemm, bool is_packed) {
  using dnnl::memory;
  const auto engine = std::make_shared<dnnl::engine>(dnnl::engine::kind::cpu, 0);
  const auto stream = std::make_shared<dnnl::stream>(*engine);
  const auto float32 = memory::data_type::f32;
  const auto row_major = memory::format_tag::ab;
  const memory::desc a({gemm.m, gemm.k}, float32,
                       gemm.is_a_transposed ? memory::format_tag::ba : row_major);
  const memory::desc b({gemm.k, gemm.n}, float32, row_major);
  const memory::desc any_b({gemm.k, gemm.n}, float32, memory::format_tag::any);
  const memory::desc c({gemm.m, gemm.n}, float32, row_major);
  const dnnl::matmul::primitive_desc description(*engine, a, is_packed ? any_b : b, c);
  const memory plain_b(b, *engine, const_cast<float*>(gemm.b));
  memory weights = plain_b;
  if (description.weights_desc() != b) {
    weights = memory(description.weights_desc(), *engine);
    dnnl::reorder(plain_b, weights).execute(*stream, const_cast<memory&>(plain_b), weights);
    stream->wait();
  }
  const dnnl::matmul primitive(description);
  const std::unordered_map<int, memory> arguments = {
      {DNNL_ARG_SRC, memory(a, *engine, const_cast<float*>(gemm.a))},
      {DNNL_ARG_WEIGHTS, weights},
      {DNNL_ARG_DST, memory(c, *engine, gemm.c)}};
  return [engine, stream, primitive, arguments] {
    primitive.execute(*stream, arguments);
    stream->wait();
  };
}
#endif

void AddOneDnn([[maybe_unused]] std::vector<GemmPeer>& peers) {
#ifdef ESPALIER_ONEDNN
  const dnnl_version_t* const version = dnnl_version();
  peers.push_back({.name = "onednn",
                   .version = std::to_string(version->major) + "." +
                              std::to_string(version->minor) + "." + std::to_string(version->patch),
                   .plain = [](const Gemm& gemm) { return OneDnnGemm(gemm, false); },
                   .packed = [](const Gemm& gemm) { return OneDnnGemm(gemm, true); }});
#endif
}

}  // namespace

std::vector<GemmPeer> GemmPeers(int threads) {
  std::vector<GemmPeer> peers;
  AddMkl(threads, peers);
  AddOneDnn(peers);  // its threads are OpenMP's, set by OMP_NUM_THREADS
  AddOpenBlas(threads, peers);
  return peers;
}

}  // namespace espalier
