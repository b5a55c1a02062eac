// SPDX-License-Identifier: Apache-2.0
package dev.espalier.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;

/** The page in a browser: Chromium with its driver, as Debian's chromium-driver installs them. */
@Timeout(400)
class BrowserTest {
  @TempDir static Path folder;

  private static ChromeDriver browser;

  @BeforeAll
  static void open() {
    Path driver = Path.of("/usr/bin/chromedriver");
    Path chromium = Path.of("/usr/bin/chromium");
    boolean isThere = Files.isExecutable(driver) && Files.isExecutable(chromium);
    if (!isThere) {
      System.out.println("SKIPPED: the page in a browser; install chromium-driver");
    }
    assumeTrue(isThere, "no chromium with its driver: install chromium-driver");
    ChromeOptions options = new ChromeOptions();
    options.setBinary(chromium.toFile());
    options.addArguments("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars");
    browser =
        new ChromeDriver(
            new ChromeDriverService.Builder()
                .usingDriverExecutable(driver.toFile())
                .withTimeout(Duration.ofMinutes(2))
                .build(),
            options);
    browser.manage().timeouts().implicitlyWait(Duration.ofSeconds(60));
  }

  @AfterAll
  static void close() {
    if (browser != null) {
      browser.quit();
    }
  }

  private static PredictionService serve(Path model) throws Exception {
    PredictionService service =
        PredictionService.start(model, ServiceOptions.defaults().port(0).drain(Duration.ZERO));
    browser.manage().logs().get(LogType.BROWSER); // those of former tests
    browser.get(service.address().toString());
    return service;
  }

  private static WebElement find(String css) {
    return browser.findElement(By.cssSelector(css));
  }

  private static void assertQuiet() {
    assertEquals(List.of(), browser.manage().logs().get(LogType.BROWSER).getAll());
    assertEquals("Try the model", browser.getTitle());
    assertEquals(
        0L,
        browser.executeScript(
            "return performance.getEntriesByType('resource')"
                + ".filter((entry) => !entry.name.startsWith(location.origin)"
                + " && !/^(blob|data):/.test(entry.name)).length"));
  }

  private static void assertNothingIsCutOff(String what) {
    assertEquals(
        List.of(),
        browser.executeScript(
            "return [...document.querySelectorAll('body *')].filter((e) => e.scrollWidth >"
                + " Math.ceil(e.getBoundingClientRect().width) + 1 || e.getBoundingClientRect()"
                + ".right > innerWidth + 1).map((e) => e.tagName + '.' + e.className)"
                + ".filter((name) => !/^(INPUT|CANVAS|OPTION|SPAN.tick)/.test(name))"),
        what);
  }

  @Test
  void aPictureIsAnsweredAndExplained() throws Exception {
    File png = Files.write(folder.resolve("left.png"), SmallModels.png()).toFile();
    try (PredictionService service = serve(SmallModels.pictures(folder))) {
      for (String scheme : new String[] {"light", "dark"}) {
        for (int width : new int[] {1200, 360}) {
          browser.executeCdpCommand(
              "Emulation.setDeviceMetricsOverride",
              Map.of("width", width, "height", 900, "deviceScaleFactor", 1, "mobile", width < 500));
          browser.executeCdpCommand(
              "Emulation.setEmulatedMedia",
              Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", scheme))));
          browser.get(service.address().toString());
          find("#file").sendKeys(png.toString());
          find("body[data-state=answered]");
          assertEquals(4, browser.findElements(By.cssSelector(".answer")).size());
          assertEquals(2, browser.findElements(By.cssSelector(".tick")).size());
          assertTrue(find("main").getText().contains(SmallModels.HOSTILE));
          find(".why").click();
          find(".looked canvas");
          String name = scheme + "-" + width;
          assertNothingIsCutOff(name);
          assertQuiet();
          Path shots = Files.createDirectories(Path.of("target/page"));
          Files.write(shots.resolve(name + ".png"), browser.getScreenshotAs(OutputType.BYTES));
        }
      }
      Path broken = Files.writeString(folder.resolve("broken.png"), "no picture");
      find("#file").sendKeys(broken.toString());
      find("body[data-state=refused]");
      assertTrue(find("#error").getText().contains("picture: "), find("#error").getText());
      assertEquals(0L, browser.executeScript("return document.querySelectorAll('.answer').length"));
    }
  }

  @Test
  void aRowIsAnsweredAndExplained() throws Exception {
    try (PredictionService service = serve(SmallModels.rows(folder))) {
      find("[name=age]").sendKeys("63");
      find("[name=sex]").sendKeys("f");
      find("#send").click();
      find("body[data-state=answered]");
      find(".why").click();
      find(".legend");
      List<String> parts =
          browser.findElements(By.cssSelector(".explanation .name")).stream()
              .map(WebElement::getText)
              .sorted()
              .toList();
      assertEquals(List.of("age", "sex"), parts);
      find("[name=age]").sendKeys(" years");
      find("#send").click();
      find("body[data-state=refused]");
      assertTrue(find("#error").getText().contains("63 years"), find("#error").getText());
      assertTrue(service.port() > 0);
    }
  }

  @Test
  void aTextIsAnsweredAndExplained() throws Exception {
    String hostile = "<b>rain</b>; apple tree";
    try (PredictionService service = serve(SmallModels.texts(folder))) {
      find("#text").sendKeys(hostile);
      find("#send").click();
      find("body[data-state=answered]");
      find(".why").click();
      find(".explanation mark");
      assertEquals(hostile, find(".explanation .text").getText());
      assertNothingIsCutOff("a text");
      assertQuiet();
      assertTrue(service.port() > 0);
    }
  }

  @Test
  void numbersAreAnswered() throws Exception {
    try (ServedVector served =
        new ServedVector(folder, 12, ServiceOptions.defaults().drain(Duration.ZERO))) {
      browser.get(served.address().toString());
      find("#numbers").sendKeys("1, 2 x");
      find("#send").click();
      assertTrue(find("#error").getText().contains("got \"x\" at place 3"));
      find("form button[type=button]").click();
      find("#send").click();
      find("body[data-state=answered]");
      assertEquals(3, browser.findElements(By.cssSelector(".answer")).size());
      assertEquals(0L, browser.executeScript("return document.querySelectorAll('.why').length"));
    }
  }
}
