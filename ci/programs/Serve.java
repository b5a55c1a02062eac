// SPDX-License-Identifier: Apache-2.0
import dev.espalier.Espalier;
import dev.espalier.Head;
import dev.espalier.Network;
import dev.espalier.Predictor;
import dev.espalier.Shape;

/** Predicts with a dense layer of that width and prints the threads and the answers' sum. */
public class Serve {
  public static void main(String[] arguments) {
    int width = Integer.parseInt(arguments[0]);
    if (arguments.length > 1) {
      Espalier.setThreads(Integer.parseInt(arguments[1]));
    }
    try (Network network =
            Network.builder(Shape.vector(width)).dense(width).head("x", Head.classes(2)).build(1);
        Predictor predictor = network.predictor()) {
      float[] output = predictor.predict(new float[Math.min(100, 4_000_000 / width) * width]);
      System.out.printf(
          "%d threads, %d MB of native memory, %.3f%n",
          Espalier.threads(), Espalier.nativeBytes() >> 20, output[0] + output[1]);
    }
  }
}
