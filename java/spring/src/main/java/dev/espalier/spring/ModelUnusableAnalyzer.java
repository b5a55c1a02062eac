// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spring;

import dev.espalier.ModelFileException;
import dev.espalier.NativeMemoryException;
import java.io.FileNotFoundException;
import java.nio.file.Path;
import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Says what is wrong with the model, and what to do about it. */
final class ModelUnusableAnalyzer extends AbstractFailureAnalyzer<ModelUnusableException> {
  @Override
  protected FailureAnalysis analyze(Throwable root, ModelUnusableException failure) {
    Throwable cause = failure.getCause();
    return new FailureAnalysis(
        "The model that espalier.model names, \""
            + failure.model()
            + "\", can't be served: "
            + cause.getMessage(),
        action(cause),
        failure);
  }

  private static String action(Throwable cause) {
    if (cause instanceof FileNotFoundException) {
      return "Set espalier.model to the path of a file that Network.save wrote; relative ones begin"
          + " in "
          + Path.of("").toAbsolutePath()
          + ", and classpath: looks among the application's resources.";
    } else if (cause instanceof ModelFileException) {
      return "Put a file there that Network.save wrote. Other models become such files by"
          + " Network.importOnnx or importTflite.";
    } else if (cause instanceof NativeMemoryException) {
      return "Give the process more memory, or leave more of it beside the Java heap (-Xmx).";
    }
    return "Correct the file or the properties that begin with espalier.";
  }
}
