// SPDX-License-Identifier: Apache-2.0
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.commonmark.Extension;
import org.commonmark.ext.gfm.tables.TablesExtension;
import org.commonmark.ext.heading.anchor.HeadingAnchorExtension;
import org.commonmark.parser.Parser;
import org.commonmark.renderer.html.HtmlRenderer;

/**
 * Makes pages of README.md and docs/, with tables of a file of benchmarks if there is one, beside
 * the Javadoc that lies in the folder already, and checks every link between files: {@code Site
 * ROOT FOLDER [RESULTS.csv]}.
 */
public class Site {
  private static final Pattern LINK = Pattern.compile("\\b(?:href|src)=\"([^\"]*)\"");
  private static final Pattern ANCHOR = Pattern.compile("\\b(?:id|name)=\"([^\"]*)\"");
  private static final String FRAME =
      """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <title>%s</title>
      <style>
      body { margin: 0 auto; max-width: 52rem; padding: 1rem; font: 16px/1.5 sans-serif; }
      nav { border-bottom: 1px solid #ccc; padding-bottom: 0.5rem; }
      pre { overflow-x: auto; padding: 0.7rem; background: #f4f4f4; }
      code { font-size: 0.9em; background: #f4f4f4; }
      table { display: block; overflow-x: auto; border-collapse: collapse; }
      th, td { border: 1px solid #ccc; padding: 0.2rem 0.5rem; text-align: left; }
      img { max-width: 100%%; }
      </style>
      </head>
      <body>
      <nav>%s</nav>
      %s
      </body>
      </html>
      """;

  private final Path root;
  private final Path site;
  private final Parser parser;
  private final HtmlRenderer renderer;
  private final Set<Path> copied = new TreeSet<>();

  private Site(Path root, Path site) {
    List<Extension> extensions = List.of(TablesExtension.create(), HeadingAnchorExtension.create());
    this.root = root;
    this.site = site;
    parser = Parser.builder().extensions(extensions).build();
    renderer = HtmlRenderer.builder().extensions(extensions).build();
  }

  public static void main(String[] arguments) throws IOException {
    Path site = Path.of(arguments[1]).toAbsolutePath().normalize();
    Site pages = new Site(Path.of(arguments[0]).toAbsolutePath().normalize(), site);
    if (arguments.length > 2) {
      pages.write(site.resolve("results.html"), "Benchmarks", tables(Path.of(arguments[2])));
    }
    List<Path> guides = pages.guides();
    for (Path guide : guides) {
      pages.page(guide);
    }
    pages.copyWhatIsLinked();
    List<String> broken = brokenLinks(site);
    broken.forEach(System.out::println);
    System.out.println(guides.size() + " guides, " + broken.size() + " broken links");
    if (guides.size() < 10 || !broken.isEmpty()) {
      System.exit(1);
    }
  }

  private List<Path> guides() throws IOException {
    List<Path> found = new ArrayList<>(List.of(root.resolve("README.md")));
    try (Stream<Path> files = Files.walk(root.resolve("docs"))) {
      files.filter(file -> file.toString().endsWith(".md")).sorted().forEach(found::add);
    }
    return found;
  }

  /** Where a file of the checkout is on the site. */
  private Path place(Path file) {
    String path = root.relativize(file).toString();
    return site.resolve(
        path.equals("README.md") ? "index.html" : path.replaceFirst("\\.md$", ".html"));
  }

  private void page(Path guide) throws IOException {
    String text = Files.readString(guide);
    String title = text.lines().findFirst().orElse("").replaceFirst("^#+ *", "");
    String body = renderer.render(parser.parse(text));
    StringBuilder linked = new StringBuilder();
    Matcher links = LINK.matcher(body);
    while (links.find()) {
      String attribute = links.group().substring(0, links.group().indexOf('"') + 1);
      String link = linkFrom(guide, links.group(1)) + "\"";
      links.appendReplacement(linked, Matcher.quoteReplacement(attribute + link));
    }
    links.appendTail(linked);
    write(place(guide), title, linked.toString());
  }

  /**
   * Links to files of the checkout lead to their places; folders, to the list of what they have.
   */
  private String linkFrom(Path guide, String link) throws IOException {
    if (link.isEmpty() || link.startsWith("#") || link.matches("[a-z]+:.*")) {
      return link;
    }
    int hash = link.indexOf('#');
    String path = hash < 0 ? link : link.substring(0, hash);
    Path target = guide.resolveSibling(path).normalize();
    if (Files.isDirectory(target)) {
      list(target);
      return relative(place(guide), place(target).resolve("index.html"));
    }
    if (Files.exists(target) && !path.endsWith(".md")) {
      copied.add(target);
    }
    return relative(place(guide), place(target)) + (hash < 0 ? "" : link.substring(hash));
  }

  private void list(Path folder) throws IOException {
    Path page = place(folder).resolve("index.html");
    StringBuilder body = new StringBuilder("<ul>\n");
    try (Stream<Path> files = Files.list(folder)) {
      for (Path file : files.filter(Files::isRegularFile).sorted().toList()) {
        body.append(
            "<li><a href=\"%s\">%s</a></li>\n"
                .formatted(relative(page, place(file)), file.getFileName()));
        if (!file.toString().endsWith(".md")) {
          copied.add(file);
        }
      }
    }
    write(page, root.relativize(folder).toString(), body.append("</ul>\n").toString());
  }

  private void copyWhatIsLinked() throws IOException {
    for (Path file : copied) {
      Files.createDirectories(place(file).getParent());
      Files.copy(file, place(file), StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static String relative(Path from, Path to) {
    return from.getParent().relativize(to).toString();
  }

  private void write(Path page, String title, String body) throws IOException {
    Map<String, Path> places = new TreeMap<>();
    places.put("Espalier", site.resolve("index.html"));
    Path api = site.resolve("api");
    if (Files.isDirectory(api)) {
      try (Stream<Path> modules = Files.list(api)) {
        for (Path module : modules.sorted().toList()) {
          places.put("API: " + module.getFileName(), module.resolve("index.html"));
        }
      }
    }
    if (Files.exists(site.resolve("results.html"))) {
      places.put("Benchmarks", site.resolve("results.html"));
    }
    String navigation =
        places.entrySet().stream()
            .map(
                at -> "<a href=\"%s\">%s</a>".formatted(relative(page, at.getValue()), at.getKey()))
            .collect(Collectors.joining(" · "));
    Files.createDirectories(page.getParent());
    Files.writeString(page, FRAME.formatted(title, navigation, body));
  }

  /** A table for each workload and metric: a row for threads and batch, a column a contender. */
  private static String tables(Path results) throws IOException {
    Map<String, Map<String, Map<String, String>>> tables = new TreeMap<>();
    Map<String, Set<String>> contenders = new HashMap<>();
    for (String line : Files.readAllLines(results)) {
      String[] cell = line.split(",");
      if (cell.length == 6 && !cell[0].equals("workload")) {
        String table = cell[0] + ", " + cell[4];
        String row = "%4s threads, batch %5s".formatted(cell[2], cell[3]);
        tables
            .computeIfAbsent(table, absent -> new TreeMap<>())
            .computeIfAbsent(row, absent -> new HashMap<>())
            .put(cell[1], cell[5]);
        contenders.computeIfAbsent(table, absent -> new TreeSet<>()).add(cell[1]);
      }
    }
    StringBuilder body = new StringBuilder("<h1>Benchmarks</h1>\n");
    tables.forEach(
        (table, rows) -> {
          Set<String> columns = contenders.get(table);
          body.append("<h2>").append(table).append("</h2>\n<table><tr><th></th>");
          columns.forEach(column -> body.append("<th>").append(column).append("</th>"));
          rows.forEach(
              (row, cells) -> {
                body.append("</tr>\n<tr><td>").append(row.strip()).append("</td>");
                columns.forEach(
                    column ->
                        body.append("<td>").append(cells.getOrDefault(column, "")).append("</td>"));
              });
          body.append("</tr></table>\n");
        });
    return body.toString();
  }

  /** Prints links to files or places in them that are not there, of all pages in a folder. */
  private static List<String> brokenLinks(Path site) throws IOException {
    Map<Path, Set<String>> anchors = new HashMap<>();
    List<Path> pages;
    try (Stream<Path> files = Files.walk(site)) {
      pages = files.filter(file -> file.toString().endsWith(".html")).sorted().toList();
    }
    for (Path page : pages) {
      Set<String> names = new HashSet<>();
      Matcher found = ANCHOR.matcher(Files.readString(page));
      while (found.find()) {
        names.add(unescaped(found.group(1)));
      }
      anchors.put(page, names);
    }
    List<String> broken = new ArrayList<>();
    for (Path page : pages) {
      Matcher links = LINK.matcher(Files.readString(page));
      while (links.find()) {
        String link = unescaped(links.group(1));
        // Which Javadoc of Java 17 links to names of packages that it has cut.
        boolean isCut = link.startsWith("#") && page.endsWith("constant-values.html");
        if (!isCut && !link.matches("(?:[a-z]+:|//).*") && !leads(page, link, anchors)) {
          broken.add(site.relativize(page) + ": " + link);
        }
      }
    }
    return broken;
  }

  private static String unescaped(String attribute) {
    return attribute
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&amp;", "&");
  }

  private static boolean leads(Path page, String link, Map<Path, Set<String>> anchors) {
    int hash = link.indexOf('#');
    String path = hash < 0 ? link : link.substring(0, hash);
    Path target = path.isEmpty() ? page : page.resolveSibling(decoded(path)).normalize();
    if (Files.isDirectory(target)) {
      target = target.resolve("index.html");
    }
    if (!Files.exists(target)) {
      return false;
    }
    Set<String> names = anchors.get(target);
    return hash < 0
        || hash == link.length() - 1
        || names == null
        || names.contains(link.substring(hash + 1))
        || names.contains(decoded(link.substring(hash + 1)));
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
