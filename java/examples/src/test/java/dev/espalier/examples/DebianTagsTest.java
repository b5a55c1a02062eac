// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.espalier.Dataset;
import dev.espalier.Datasets;
import java.io.IOException;
import java.io.StringReader;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class DebianTagsTest {
  private static final String LISTS =
      """
      Package: vim-gtk
      Source: vim (2:9.1)
      Description: Vi IMproved - enhanced vi editor
      Tag: implemented-in::c, interface::commandline,
       interface::x11, use::editing
      Size: 12

      Package: untagged
      Description: nothing is known of it

      Package: nano
      Description: small, friendly text editor
      Tag: interface::TODO, use::editing
      """;

  @Test
  void readsWhatIsTagged() throws IOException {
    List<DebianPackages.Tagged> packages = DebianPackages.read(new StringReader(LISTS));
    assertEquals(
        List.of(
            new DebianPackages.Tagged(
                "vim-gtk",
                "vim",
                "Vi IMproved - enhanced vi editor",
                Set.of(
                    "implemented-in::c",
                    "interface::commandline",
                    "interface::x11",
                    "use::editing")),
            new DebianPackages.Tagged(
                "nano",
                "nano",
                "small, friendly text editor",
                Set.of("interface::TODO", "use::editing"))),
        packages);
  }

  @Test
  void aFacetWithATagSaysNoToItsOthers() throws IOException {
    List<DebianPackages.Tagged> packages = DebianPackages.read(new StringReader(LISTS));
    assertEquals(List.of("use::editing"), Debtags.frequent(packages, 2).names());
    assertEquals(4, Debtags.frequent(packages, 1).names().size());
    Debtags tags =
        new Debtags(List.of("interface::text", "interface::x11", "use::editing", "use::viewing"));
    float blank = Float.NaN;
    assertArrayEquals(new float[] {0, 1, 1, 0}, tags.answers(packages.get(0), blank));
    assertArrayEquals(new float[] {blank, blank, 1, 0}, tags.answers(packages.get(1), blank));
    assertArrayEquals(new float[] {0, 0, 1, 0}, tags.answers(packages.get(1), 0));
    assertEquals(6 / 8.0, tags.known(packages));
  }

  @Test
  void bagsHoldFrequentWordsByHowRareTheyAre() {
    BagOfWords words = new BagOfWords(List.of("A text editor", "C++ editor!", "text, c++", "x"), 2);
    assertEquals(3, words.size());
    Dataset bags = words.dataset(List.of("EDITOR editor", "of c++ text", "unknown"));
    assertArrayEquals(new float[] {0, 1, 0}, Datasets.input(bags, 0));
    float half = (float) Math.sqrt(0.5);
    assertArrayEquals(new float[] {half, 0, half}, Datasets.input(bags, 1), 1e-6f);
    assertArrayEquals(new float[3], Datasets.input(bags, 2));
  }
}
