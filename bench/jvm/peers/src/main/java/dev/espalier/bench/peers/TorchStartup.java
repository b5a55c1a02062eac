// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench.peers;

import dev.espalier.bench.StartupReport;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** Workload S by PyTorch: load the parameters (the values alone, in order), predict once. */
public final class TorchStartup {
  private TorchStartup() {}

  /** The only argument is the folder of the model. */
  public static void main(String[] arguments) throws IOException {
    FloatBuffer values =
        ByteBuffer.wrap(Files.readAllBytes(Path.of(arguments[0], "I1.raw")))
            .order(ByteOrder.LITTLE_ENDIAN)
            .asFloatBuffer();
    Tensor x = torch.from_blob(new FloatPointer(StartupReport.input()), 1, 784).clone();
    int[] sizes = {784, 256, 128, 10};
    for (int i = 0; i + 1 < sizes.length; i++) {
      Tensor weight = next(values, sizes[i + 1], sizes[i]);
      TensorOptional bias = new TensorOptional(next(values, sizes[i + 1]));
      x = torch.linear(x, weight, bias);
      x = i + 2 < sizes.length ? torch.relu(x) : torch.softmax(x, 1);
    }
    float[] outputs = new float[10];
    new FloatPointer(x.data_ptr()).get(outputs);
    StartupReport.print(outputs);
  }

  private static Tensor next(FloatBuffer values, long... shape) {
    int size = 1;
    for (long n : shape) {
      size *= (int) n;
    }
    float[] part = new float[size];
    values.get(part);
    return torch.from_blob(new FloatPointer(part), shape).clone();
  }
}
