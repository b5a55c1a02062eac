// SPDX-License-Identifier: Apache-2.0
#pragma once

// Operators that passes put in the place of the many nodes that exporters write for them: nodes of
// the domain "espalier". Where ONNX has an operator of that meaning, passes make that one, of the
// version named here, and it is lowered as if the file had it.
//
// | kind | domain, version | inputs | attributes |
// |---|---|---|---|
// | LayerNormalization | "", 17 | x, scale, bias? | axis [-1], epsilon [1e-5] |
// | Gelu | "", 20 | x | approximate ["none"], or "tanh" |
// | HardSigmoid | "", 6 | x | alpha, beta |
// | HardSwish | "", 14 | x | |
// | Mish | "", 18 | x | |
// | Silu | espalier | x: x * sigmoid(x) | |
// | MultiHeadAttention | espalier | queries, keys, values [batch, length, width], lengths? | |
// | | | (int [batch] or [batch, 1]: how many keys count) | heads, scale [1/sqrt(width/heads)], |
// | | | | causal [0], packed [0]: input 0 has |
// | | | | all three side by side |
// | TokenPool | espalier | x [batch, length, width], lengths: the mean of so many | |
// | PositionEmbedding | espalier | x [batch, length, width], table [length, width] or | |
// | | | [1, length, width], which is added | |

#include <cstdint>

namespace espalier {

inline constexpr std::int64_t kLayerNormalizationVersion = 17;
inline constexpr std::int64_t kGeluVersion = 20;
inline constexpr std::int64_t kHardSigmoidVersion = 6;
inline constexpr std::int64_t kHardSwishVersion = 14;
inline constexpr std::int64_t kMishVersion = 18;
inline constexpr std::int64_t kArithmeticVersion = 13;  ///< of the arithmetic that passes add
inline constexpr std::int64_t kCompositeVersion = 1;

}  // namespace espalier
