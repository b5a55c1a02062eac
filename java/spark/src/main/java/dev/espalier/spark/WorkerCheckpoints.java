// SPDX-License-Identifier: Apache-2.0
package dev.espalier.spark;

import dev.espalier.DataParallelTrainer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.Serializable;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a job's first worker writes how far training is, so that Spark's next attempt goes on from
 * there: a folder of this job alone, of any file system that Spark knows, with one file that is
 * there as a whole or not at all.
 *
 * @param folder "" for none
 * @param steps between two
 * @param configuration of the file systems
 */
record WorkerCheckpoints(String folder, int steps, Map<String, String> configuration)
    implements Serializable {
  private static final Logger LOG = LoggerFactory.getLogger(WorkerCheckpoints.class);

  static WorkerCheckpoints in(String folder, int steps, Configuration configuration) {
    Map<String, String> entries = new HashMap<>();
    configuration.forEach(entry -> entries.put(entry.getKey(), entry.getValue()));
    return new WorkerCheckpoints(folder, steps, entries);
  }

  static WorkerCheckpoints none() {
    return new WorkerCheckpoints("", 0, Map.of());
  }

  boolean isDue(long done) {
    return !folder.isEmpty() && done % steps == 0;
  }

  /** Returns what was written last; nothing if there is none. */
  byte[] read() throws IOException {
    List<Path> written = written();
    if (written.isEmpty()) {
      return new byte[0];
    }
    try (InputStream stream = files().open(written.get(written.size() - 1))) {
      return stream.readAllBytes();
    }
  }

  /** Returns those that are whole, the last one last. */
  private List<Path> written() throws IOException {
    List<Path> written = new ArrayList<>();
    if (!folder.isEmpty() && files().exists(new Path(folder))) {
      for (FileStatus status : files().listStatus(new Path(folder))) {
        if (status.getPath().getName().matches("steps-\\d{12}")) {
          written.add(status.getPath());
        }
      }
    }
    Collections.sort(written);
    return written;
  }

  void write(DataParallelTrainer trainer) throws IOException {
    java.nio.file.Path local = Files.createTempFile("espalier", ".checkpoint");
    try {
      trainer.save(local);
      Path beside = new Path(folder, "next");
      try (OutputStream stream = files().create(beside, true)) {
        Files.copy(local, stream);
      }
      Path whole = new Path(folder, String.format(Locale.ROOT, "steps-%012d", trainer.steps()));
      List<Path> former = written();
      if (!files().rename(beside, whole)) {
        throw new IOException("checkpoint: can't rename " + beside + " to " + whole);
      }
      for (Path path : former) {
        files().delete(path, false);
      }
    } finally {
      Files.deleteIfExists(local);
    }
  }

  /**
   * Removes what there is, once training has ended, well or not: no other job may go on from it.
   * What can't be removed costs no model.
   */
  void delete() {
    try {
      if (!folder.isEmpty()) {
        files().delete(new Path(folder), true);
      }
    } catch (IOException error) {
      LOG.warn("checkpoints are left in {}", folder, error);
    }
  }

  private FileSystem files() throws IOException {
    Configuration hadoop = new Configuration(false);
    configuration.forEach(hadoop::set);
    return new Path(folder).getFileSystem(hadoop);
  }
}
