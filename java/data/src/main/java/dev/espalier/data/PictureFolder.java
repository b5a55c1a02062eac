// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileVisitOption;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;

/** Finds picture files below a folder, in an order that is the same everywhere. */
final class PictureFolder {
  private static final Set<String> EXTENSIONS =
      Set.of("jpg", "jpeg", "jpe", "png", "webp", "bmp", "gif", "tif", "tiff");

  private PictureFolder() {}

  /** Picture files, and the class of each by its number in a list of names. */
  record Classes(List<Path> files, List<String> names, int[] classes) {}

  /** Returns all picture files in a folder and its subfolders, but hidden ones. */
  static List<Path> files(Path folder) {
    try (Stream<Path> found = Files.walk(folder, FileVisitOption.FOLLOW_LINKS)) {
      return found
          .filter(path -> isPicture(folder, path))
          .sorted(Comparator.comparing(path -> folder.relativize(path).toString()))
          .toList();
    } catch (IOException error) {
      throw failed(folder, error);
    } catch (UncheckedIOException error) {
      throw failed(folder, error.getCause());
    }
  }

  /** Takes each subfolder for a class, in the order of their names. */
  static Classes classes(Path folder) {
    List<Path> subfolders = new ArrayList<>();
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (isHidden(entry)) {
          continue;
        }
        if (Files.isDirectory(entry)) {
          subfolders.add(entry);
        } else if (hasExtension(entry)) {
          throw new IllegalArgumentException(
              folder + ": expected pictures in subfolders, one for each class, got " + entry);
        }
      }
    } catch (IOException error) {
      throw failed(folder, error);
    }
    subfolders.sort(Comparator.comparing(path -> path.getFileName().toString()));
    List<Path> files = new ArrayList<>();
    List<String> names = new ArrayList<>();
    List<Integer> classes = new ArrayList<>();
    for (Path subfolder : subfolders) {
      List<Path> ofClass = files(subfolder);
      if (ofClass.isEmpty()) {
        throw new IllegalArgumentException(
            subfolder + ": expected pictures of this class, got none");
      }
      ofClass.forEach(file -> classes.add(names.size()));
      files.addAll(ofClass);
      names.add(subfolder.getFileName().toString());
    }
    if (names.isEmpty()) {
      throw new IllegalArgumentException(
          folder + ": expected subfolders, one for each class, got none");
    }
    return new Classes(files, names, classes.stream().mapToInt(c -> c).toArray());
  }

  private static boolean isPicture(Path folder, Path path) {
    for (Path name : folder.relativize(path)) {
      if (isHidden(name)) {
        return false;
      }
    }
    return hasExtension(path) && !Files.isDirectory(path);
  }

  private static boolean isHidden(Path path) {
    return path.getFileName().toString().startsWith(".");
  }

  private static boolean hasExtension(Path path) {
    String name = path.getFileName().toString();
    return EXTENSIONS.contains(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT));
  }

  private static UncheckedIOException failed(Path folder, IOException error) {
    String reason = String.valueOf(error);
    if (error instanceof NoSuchFileException) {
      reason = "no such folder";
    } else if (error instanceof NotDirectoryException) {
      reason = "expected a folder, got a file";
    }
    return new UncheckedIOException(folder + ": " + reason, error);
  }
}
