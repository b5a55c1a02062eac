// SPDX-License-Identifier: Apache-2.0
package dev.espalier.examples;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;

/** A web page of its own with all results: page, script and chart library in one file. */
final class Report {
  private static final String CHART_LIBRARY =
      "/META-INF/resources/webjars/echarts/5.3.1/dist/echarts.min.js";

  private Report() {}

  /** The page {@code name.html}; {@code results} is what its script {@code name.js} draws. */
  static String page(String name, Map<String, Object> results) {
    try {
      // "</" would end the script element.
      String json = new ObjectMapper().writeValueAsString(results).replace("</", "<\\/");
      return resource(name + ".html")
          .replace("/*STYLE*/", resource("page.css"))
          .replace("/*ECHARTS*/", resource(CHART_LIBRARY))
          .replace("/*RESULTS*/", json)
          .replace("/*CHARTS*/", resource("charts.js"))
          .replace("/*SCRIPT*/", resource(name + ".js"));
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String resource(String name) {
    try (InputStream in = Report.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("not on the class path: " + name);
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
