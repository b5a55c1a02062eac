// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import dev.espalier.report.Section;
import java.awt.image.BufferedImage;
import java.util.LinkedHashMap;
import java.util.Map;

/** A picture with what was said of it: ✓ for yes, ✗ for no; and whether that is right. */
record AnsweredPicture(BufferedImage picture, String name, Map<String, Boolean> answers) {
  static AnsweredPicture of(
      BufferedImage picture, String name, String[] labels, float[] said, float[] truth) {
    Map<String, Boolean> answers = new LinkedHashMap<>();
    for (int j = 0; j < labels.length; j++) {
      boolean isYes = said[j] >= 0.5;
      answers.put((isYes ? "✓ " : "✗ ") + labels[j], isYes == (truth[j] == 1));
    }
    return new AnsweredPicture(picture, name, answers);
  }

  Section addTo(Section section) {
    return section.picture(picture, name, answers);
  }
}
