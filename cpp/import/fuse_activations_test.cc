// SPDX-License-Identifier: Apache-2.0

// Gelu, SiLU, hard swish, hard sigmoid, mish and softplus as exporters write them.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <numbers>

#include "import/fusion_check.h"

namespace espalier {
namespace {

using testing::GraphWriter;
using Write = std::function<std::string(GraphWriter& writer, const std::string& x)>;

ForeignGraph GraphOf(const Write& write) {
  GraphWriter writer;
  writer.Output(write(writer, writer.Input("x", {3, 17})));
  return writer.Take();
}

void ExpectFused(ForeignPass pass, const std::string& kind, const Write& write) {
  EXPECT_EQ(testing::KindsAfter(pass, GraphOf(write)), std::vector<std::string>{kind});
  EXPECT_LE(testing::Difference(testing::ResultsAfter(pass, GraphOf(write), 4),
                                testing::ResultsAfter(nullptr, GraphOf(write), 4)),
            1e-4);
}

// The 1 + Erf(x / divisor), of gelu.
std::string Rise(GraphWriter& writer, const std::string& x, float divisor, float one = 1.0f) {
  const std::string erf = writer.Node("Erf", {writer.Node("Div", {x, writer.Number(divisor)})});
  return writer.Node("Add", {erf, writer.Number(one)});
}

std::string TanhRise(GraphWriter& writer, const std::string& x, float cubic = 0.044715f) {
  const std::string cube = writer.Node("Pow", {x, writer.Number(3.0f)});
  const std::string sum = writer.Node("Add", {x, writer.Node("Mul", {writer.Number(cubic), cube})});
  const auto scale = static_cast<float>(std::sqrt(2.0 / std::numbers::pi));
  const std::string tanh = writer.Node("Tanh", {writer.Node("Mul", {sum, writer.Number(scale)})});
  return writer.Node("Add", {writer.Number(1.0f), tanh});
}

const float kRoot = std::sqrt(2.0f);

TEST(FuseGelu, KnowsItsForms) {
  ExpectFused(FuseGelu, "Gelu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Mul", {x, Rise(w, x, kRoot)}), w.Number(0.5f)});
  });
  ExpectFused(FuseGelu, "Gelu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Mul", {w.Number(0.5f), x}), Rise(w, x, kRoot)});
  });
  ExpectFused(FuseGelu, "Gelu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Mul", {Rise(w, x, kRoot), w.Number(0.5f)}), x});
  });
  ExpectFused(FuseGelu, "Gelu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Mul", {w.Number(0.5f), x}), TanhRise(w, x)});
  });
}

TEST(FuseGelu, LeavesWhatOnlyLooksLikeIt) {
  const Write writes[] = {
      [](GraphWriter& w, const std::string& x) {  // another divisor
        return w.Node("Mul", {w.Node("Mul", {x, Rise(w, x, 1.5f)}), w.Number(0.5f)});
      },
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Mul", {w.Node("Mul", {x, Rise(w, x, kRoot, 2.0f)}), w.Number(0.5f)});
      },
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Mul", {w.Node("Mul", {x, Rise(w, x, kRoot)}), w.Number(0.25f)});
      },
      [](GraphWriter& w, const std::string& x) {  // of two values
        return w.Node("Mul",
                      {w.Node("Mul", {w.Node("Abs", {x}), Rise(w, x, kRoot)}), w.Number(0.5f)});
      },
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Mul", {w.Node("Mul", {w.Number(0.5f), x}), TanhRise(w, x, 0.05f)});
      },
      [](GraphWriter& w, const std::string& x) {  // a part is read elsewhere
        const std::string rise = Rise(w, x, kRoot);
        w.Output(rise);
        return w.Node("Mul", {w.Node("Mul", {x, rise}), w.Number(0.5f)});
      },
  };
  for (const Write& write : writes) EXPECT_FALSE(testing::Fuses(FuseGelu, GraphOf(write), "Gelu"));
}

TEST(FuseGates, KnowsItsForms) {
  ExpectFused(FuseGates, "Silu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {x, w.Node("Sigmoid", {x})});
  });
  ExpectFused(FuseGates, "Silu", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Sigmoid", {x}), x});
  });
  ExpectFused(FuseGates, "HardSwish", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {x, w.Node("HardSigmoid", {x}, {{"alpha", 1.0f / 6.0f}})});
  });
  ExpectFused(FuseGates, "Mish", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {x, w.Node("Tanh", {w.Node("Softplus", {x})})});
  });
}

TEST(FuseGates, LeavesWhatOnlyLooksLikeIt) {
  const Write writes[] = {
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Mul", {w.Node("Abs", {x}), w.Node("Sigmoid", {x})});
      },
      [](GraphWriter& w, const std::string& x) {  // the gate is read elsewhere
        const std::string gate = w.Node("Sigmoid", {x});
        w.Output(gate);
        return w.Node("Mul", {x, gate});
      },
      [](GraphWriter& w, const std::string& x) {  // ONNX's default slope
        return w.Node("Mul", {x, w.Node("HardSigmoid", {x})});
      },
      [](GraphWriter& w, const std::string& x) { return w.Node("Mul", {x, w.Node("Tanh", {x})}); },
  };
  for (const Write& write : writes) {
    for (const char* kind : {"Silu", "HardSwish", "Mish"}) {
      EXPECT_FALSE(testing::Fuses(FuseGates, GraphOf(write), kind));
    }
  }
}

std::string Ramp(GraphWriter& w, const std::string& x, float shift = 3.0f, float most = 6.0f) {
  return w.Node("Clip", {w.Node("Add", {x, w.Number(shift)}), w.Number(0.0f), w.Number(most)});
}

TEST(FuseHardSigmoid, KnowsItsForms) {
  ExpectFused(FuseHardSigmoid, "HardSigmoid", [](GraphWriter& w, const std::string& x) {
    return w.Node("Div", {Ramp(w, x), w.Number(6.0f)});
  });
  ExpectFused(FuseHardSigmoid, "HardSwish", [](GraphWriter& w, const std::string& x) {
    return w.Node("Div", {w.Node("Mul", {x, Ramp(w, x)}), w.Number(6.0f)});
  });
  ExpectFused(FuseHardSigmoid, "HardSwish", [](GraphWriter& w, const std::string& x) {
    return w.Node("Mul", {w.Node("Mul", {Ramp(w, x), x}), w.Number(1.0f / 6.0f)});
  });
  ExpectFused(FuseHardSigmoid, "HardSigmoid", [](GraphWriter& w, const std::string& x) {
    const std::string sum = w.Node("Add", {x, w.Number(3.0f)});
    return w.Node("Div",
                  {w.Node("Clip", {sum}, {{"min", 0.0f}, {"max", 6.0f}}, 6), w.Number(6.0f)});
  });
}

TEST(FuseHardSigmoid, OtherSlopesAreThoseOfAMultiple) {
  const Write write = [](GraphWriter& w, const std::string& x) {
    return w.Node("HardSigmoid", {x});
  };
  EXPECT_EQ(testing::KindsAfter(FuseHardSigmoid, GraphOf(write)),
            (std::vector<std::string>{"HardSigmoid", "Mul"}));
  EXPECT_LE(testing::Difference(testing::ResultsAfter(FuseHardSigmoid, GraphOf(write), 4),
                                testing::ResultsAfter(nullptr, GraphOf(write), 4)),
            1e-5);
}

TEST(FuseHardSigmoid, LeavesWhatOnlyLooksLikeIt) {
  const Write writes[] = {
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Div", {Ramp(w, x, 2.0f), w.Number(6.0f)});
      },
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Div", {Ramp(w, x, 3.0f, 5.0f), w.Number(6.0f)});
      },
      [](GraphWriter& w, const std::string& x) {
        return w.Node("Div", {Ramp(w, x), w.Number(5.0f)});
      },
      [](GraphWriter& w, const std::string& x) {
        const std::string ramp = Ramp(w, x);
        w.Output(ramp);
        return w.Node("Div", {ramp, w.Number(6.0f)});
      },
  };
  for (const Write& write : writes) {
    EXPECT_FALSE(testing::Fuses(FuseHardSigmoid, GraphOf(write), "HardSigmoid"));
  }
}

TEST(FuseSoftplus, KnowsItAndLeavesOtherLogarithms) {
  ExpectFused(FuseSoftplus, "Softplus", [](GraphWriter& w, const std::string& x) {
    return w.Node("Log", {w.Node("Add", {w.Node("Exp", {x}), w.Number(1.0f)})});
  });
  EXPECT_FALSE(testing::Fuses(FuseSoftplus, GraphOf([](GraphWriter& w, const std::string& x) {
                                return w.Node(
                                    "Log", {w.Node("Add", {w.Node("Exp", {x}), w.Number(2.0f)})});
                              }),
                              "Softplus"));
}

}  // namespace
}  // namespace espalier
