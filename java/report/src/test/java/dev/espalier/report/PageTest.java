// SPDX-License-Identifier: Apache-2.0
package dev.espalier.report;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The page as a browser shows it: in light and dark, on a wide screen and a phone. */
class PageTest {
  /** Opens all cards and draws all charts, in view or not. */
  private static final String OPEN_ALL = script("open_all.js");

  /**
   * Elements that reach beyond the window or their own box, unless something around them scrolls.
   */
  private static final String CUT_OFF = script("cut_off.js");

  /** What has not enough contrast to be read: dark on dark would be. */
  private static final String FAINT = script("faint.js");

  private static Browser browser;
  private static Path page;

  private static String script(String name) {
    try (InputStream stream = PageTest.class.getResourceAsStream(name)) {
      return new String(stream.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  @BeforeAll
  static void start() throws Exception {
    boolean isHere = Browser.program().isPresent();
    if (!isHere) {
      System.err.println("SKIPPED: pages are not looked at, as there is no /usr/bin/chromium");
    }
    assumeTrue(isHere, "no Chromium");
    browser = Browser.start(Browser.program().get());
    page = Files.createTempFile("page", ".html");
    Files.writeString(page, SampleReports.whole().html());
  }

  @AfterAll
  static void end() throws Exception {
    if (browser != null) {
      browser.close();
      Files.delete(page);
    }
  }

  private static List<String> texts(JsonNode list) {
    List<String> texts = new ArrayList<>();
    list.forEach(element -> texts.add(element.asText()));
    return texts;
  }

  private static void look(String name, int width, boolean isDark) throws Exception {
    List<String> problems = browser.show(page, width, 900, isDark);
    browser.evaluate(OPEN_ALL);
    Path pictures = Path.of("target", "pages");
    Files.createDirectories(pictures);
    Files.write(pictures.resolve(name + ".png"), browser.screenshot());
    assertEquals(List.of(), texts(browser.evaluate(CUT_OFF)), name);
    assertEquals(List.of(), texts(browser.evaluate(FAINT)), name);
    assertEquals(List.of(), problems, name);
  }

  @Test
  void nothingIsCutOffOnWideScreens() throws Exception {
    look("wide-light", 1400, false);
    look("wide-dark", 1400, true);
  }

  @Test
  void nothingIsCutOffOnPhones() throws Exception {
    look("phone-light", 390, false);
    look("phone-dark", 390, true);
  }

  /** Texts from outside are shown as they are, and make no element. */
  @Test
  void namesAreTextsAndNothingElse() {
    browser.show(page, 1400, 900, false);
    browser.evaluate(OPEN_ALL);
    String foreign =
        "document.querySelectorAll('main script, [onerror], [onclick], main u, main b b').length";
    assertEquals(0, browser.evaluate(foreign).asInt());
    assertEquals(3, browser.evaluate("document.scripts.length").asInt());
    String title = browser.evaluate("document.querySelector('h1').textContent").asText();
    assertEquals("Report of <u>everything</u> " + SampleReports.HOSTILE.get(0), title);
    String all = browser.evaluate("document.body.innerText").asText();
    for (String name : SampleReports.HOSTILE.subList(0, 2)) {
      assertTrue(all.contains(name), name);
    }
  }

  @Test
  void theThresholdMovesPrecisionAndRecall() {
    List<String> problems = browser.show(page, 1400, 900, false);
    browser.evaluate(OPEN_ALL);
    JsonNode values =
        browser.evaluate(
            """
            (() => {
              const box = document.querySelector('.threshold');
              const slider = box.querySelector('input');
              const read = () => [...box.querySelectorAll('dd')].map((dd) => dd.textContent);
              const kept = read();
              const set = (at) => {
                slider.value = at;
                slider.dispatchEvent(new Event('input'));
                return read();
              };
              return [kept, set(0), set(slider.max)];
            })()
            """);
    List<String> none = texts(values.get(1));
    List<String> all = texts(values.get(2));
    assertEquals("above all", none.get(0));
    assertEquals("0", none.get(1)); // said yes
    assertEquals("–", none.get(2)); // precision
    assertEquals("0", none.get(3)); // recall
    assertEquals("1", all.get(3));
    assertEquals("0", all.get(6)); // missed
    assertEquals(List.of(), problems);
  }
}
