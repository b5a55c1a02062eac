// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/**
 * A page in one file: style, chart library, results as JSON and the script that draws them. Nothing
 * from outside becomes markup: the script sets it as text, and the JSON has no sign that ends its
 * element.
 */
final class Page {
  private Page() {}

  static String of(Map<String, Object> results) {
    StringBuilder page = new StringBuilder();
    String template = resource("page.html");
    int from = 0;
    // Each place once, in its order: what is put in is never looked through.
    for (String[] part :
        new String[][] {
          {"/*STYLE*/", resource("page.css")},
          {"/*ECHARTS*/", resource("echarts/echarts.min.js")},
          {"/*RESULTS*/", JsonText.forScript(results)},
          {"/*CHARTS*/", resource("charts.js")},
          {"/*LABELS*/", resource("labels.js")},
          {"/*SCRIPT*/", resource("page.js")},
        }) {
      int place = template.indexOf(part[0], from);
      page.append(template, from, place).append(part[1]);
      from = place + part[0].length();
    }
    return page.append(template, from, template.length()).toString();
  }

  private static String resource(String name) {
    try (InputStream in = Page.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("not beside the classes of espalier-report: " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }
}
