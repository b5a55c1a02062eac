// SPDX-License-Identifier: Apache-2.0
package dev.espalier.internal;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Locale;

/**
 * The native library as a file that the system can load: from the jar it is unpacked into a cache,
 * under the hash that the build wrote beside it; so builds of one version never meet. JavaCPP's own
 * loader does the same in 60 ms; this takes 5, which is why nothing here uses streams, lambdas or
 * more of the library than it needs.
 */
public final class UnpackedLibrary {
  /** JavaCPP's property, so that one setting is enough for both. */
  public static final String CACHE_PROPERTY = "org.bytedeco.javacpp.cachedir";

  private static final String NAME = System.mapLibraryName("jniEspalier");

  private UnpackedLibrary() {}

  /** Returns JavaCPP's name of this platform, for example "linux-x86_64". */
  static String platform() {
    String system = System.getProperty("os.name").toLowerCase(Locale.ROOT);
    String cpu = System.getProperty("os.arch");
    if (cpu.equals("amd64")) {
      cpu = "x86_64";
    } else if (cpu.equals("aarch64")) {
      cpu = "arm64";
    }
    return system + "-" + cpu;
  }

  /**
   * Finds the library, or unpacks it.
   *
   * @throws FileNotFoundException if there is none for this platform
   * @throws IOException if it cannot be unpacked
   */
  static Path find() throws IOException {
    URL build = resource(NAME + ".build");
    if (build.getProtocol().equals("file")) {
      try {
        return Path.of(build.toURI()).resolveSibling(NAME);
      } catch (URISyntaxException error) {
        throw new IOException(error);
      }
    }
    String key; // hash and size
    try (InputStream in = build.openStream()) {
      key = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
    }
    Path file = cache().resolve("dev.espalier").resolve(key).resolve(NAME);
    long size = Long.parseLong(key.substring(key.indexOf('-') + 1));
    // A library cut short, by a full disk for example, would end the process when it is loaded.
    if (!Files.exists(file) || Files.size(file) != size) {
      unpack(file);
    }
    return file;
  }

  private static URL resource(String name) throws FileNotFoundException {
    String path = platform() + "/" + name;
    URL found = UnpackedLibrary.class.getResource(path);
    if (found == null) { // a module sees its own jar alone that way, not the one of the platform
      ClassLoader loader = UnpackedLibrary.class.getClassLoader();
      found = loader.getResource("dev/espalier/internal/" + path);
    }
    if (found == null) {
      throw new FileNotFoundException(
          "no " + path + " in the jars: dev.espalier:espalier has more of them by classifier");
    }
    return found;
  }

  /** Returns the folder that the property names, or the first of the usual two that will do. */
  private static Path cache() throws IOException {
    String named = System.getProperty(CACHE_PROPERTY);
    if (named != null) {
      return Path.of(named);
    }
    Path home = Path.of(System.getProperty("user.home"), ".javacpp", "cache");
    Path existing = home;
    while (existing != null && !Files.exists(existing)) {
      existing = existing.getParent();
    }
    return existing != null && Files.isWritable(existing)
        ? home
        : ownFolder(Path.of(System.getProperty("java.io.tmpdir"))).resolve("cache");
  }

  /**
   * Returns this user's folder, by JavaCPP's name, in one where others may write, too: they could
   * have made it first, with a library in it.
   */
  private static Path ownFolder(Path shared) throws IOException {
    Path folder = shared.resolve(".javacpp-" + System.getProperty("user.name"));
    if (Files.notExists(folder, LinkOption.NOFOLLOW_LINKS)) {
      Files.createDirectories(folder);
    }
    PosixFileAttributes attributes =
        Files.readAttributes(folder, PosixFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    boolean isOwn = attributes.owner().equals(Files.getOwner(Path.of("/proc/self")));
    if (!isOwn
        || !attributes.isDirectory()
        || attributes.permissions().contains(PosixFilePermission.OTHERS_WRITE)) {
      throw new IOException(folder + ": expected a folder of this user's that others cannot write");
    }
    return folder;
  }

  /** Writes the file as a whole: other processes see all of it or nothing. */
  private static void unpack(Path file) throws IOException {
    Files.createDirectories(file.getParent());
    Path partial = create(file);
    try {
      try (InputStream in = resource(NAME).openStream();
          OutputStream out = Files.newOutputStream(partial)) {
        in.transferTo(out);
      }
      try (FileChannel channel = FileChannel.open(partial, StandardOpenOption.WRITE)) {
        channel.force(true);
      }
      Files.move(partial, file, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(partial);
    }
  }

  /** Creates a file of this process's own beside {@code file}. */
  private static Path create(Path file) throws IOException {
    while (true) {
      try {
        return Files.createFile(
            file.resolveSibling(NAME + "." + Long.toHexString(System.nanoTime())));
      } catch (FileAlreadyExistsException taken) {
        continue;
      }
    }
  }
}
