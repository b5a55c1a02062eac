// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.SparkSession;

/** Model files where a session's files are: on this machine, HDFS, an object store. */
final class ModelFiles {
  private ModelFiles() {}

  /**
   * Reads a whole file.
   *
   * @param session says which file system a path without a scheme is of
   * @param file for example {@code "hdfs:///models/garments.safetensors"}
   */
  static byte[] read(SparkSession session, String file) {
    try {
      Path path = new Path(file);
      FileSystem files = path.getFileSystem(session.sessionState().newHadoopConf());
      try (InputStream stream = files.open(path)) {
        return stream.readAllBytes();
      }
    } catch (IOException | IllegalArgumentException error) {
      throw new UncheckedIOException(file + ": " + error.getMessage(), wrapped(error));
    }
  }

  /** Writes a whole file; one that is there already is replaced. */
  static void write(SparkSession session, String file, byte[] bytes) throws IOException {
    Path path = new Path(file);
    FileSystem files = path.getFileSystem(session.sessionState().newHadoopConf());
    try (OutputStream stream = files.create(path, true)) {
      stream.write(bytes);
    }
  }

  private static IOException wrapped(Exception error) {
    return error instanceof IOException known ? known : new IOException(error);
  }
}
