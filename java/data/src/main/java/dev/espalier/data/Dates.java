// SPDX-License-Identifier: Apache-2.0
package dev.espalier.data;

import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.ResolverStyle;
import java.time.temporal.TemporalAccessor;
import java.util.Date;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Dates as numbers: the days since 1970-01-01, with the time as a part of a day. What says its
 * offset is taken at UTC; what does not is taken as it stands.
 */
final class Dates {
  private static final double SECONDS_A_DAY = 86_400;
  private static final double NANOS_A_SECOND = 1e9;

  /** What need not be tried: exceptions are slow, and most texts are no dates. */
  private static final Pattern ISO =
      Pattern.compile(
          "\\d{4}-\\d{2}-\\d{2}([T ]\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})?)?");

  private static final int DAY_LENGTH = "2026-03-31".length();

  private Dates() {}

  /**
   * Returns a strict formatter: the 31st of February is no day.
   *
   * @throws IllegalArgumentException if it is no pattern
   */
  static DateTimeFormatter formatter(String pattern) {
    StringBuilder strict = new StringBuilder();
    boolean isQuoted = false;
    for (char c : pattern.toCharArray()) {
      isQuoted ^= c == '\'';
      strict.append(c == 'y' && !isQuoted ? 'u' : c); // a year of an era would want the era
    }
    try {
      return DateTimeFormatter.ofPattern(strict.toString(), Locale.ROOT)
          .withResolverStyle(ResolverStyle.STRICT);
    } catch (IllegalArgumentException error) {
      throw new IllegalArgumentException(
          "dateFormat: expected a pattern of DateTimeFormatter, got \""
              + pattern
              + "\": "
              + error.getMessage(),
          error);
    }
  }

  /** Returns the days of a text in ISO form; NaN if it is none. */
  static double isoDays(String text) {
    if (!ISO.matcher(text).matches()) {
      return Double.NaN;
    }
    try {
      if (text.length() == DAY_LENGTH) {
        return LocalDate.parse(text).toEpochDay();
      }
      String iso = text.replace(' ', 'T');
      boolean hasOffset = iso.endsWith("Z") || iso.lastIndexOf('-') > DAY_LENGTH;
      return hasOffset || iso.indexOf('+') >= 0
          ? days(OffsetDateTime.parse(iso))
          : days(LocalDateTime.parse(iso));
    } catch (DateTimeException error) {
      return Double.NaN; // the 31st of February
    }
  }

  /** Returns the days of a text in another form; NaN if it does not have it. */
  static double days(String text, DateTimeFormatter formatter) {
    try {
      TemporalAccessor parsed =
          formatter.parseBest(text, OffsetDateTime::from, LocalDateTime::from, LocalDate::from);
      return days(parsed);
    } catch (DateTimeException error) {
      return Double.NaN;
    }
  }

  /** Returns the days of an object of java.time, java.util or java.sql; NaN of others. */
  static double days(Object value) {
    if (value instanceof LocalDate day) {
      return day.toEpochDay();
    }
    if (value instanceof LocalDateTime time) {
      double seconds = time.toLocalTime().toNanoOfDay() / NANOS_A_SECOND;
      return time.toLocalDate().toEpochDay() + seconds / SECONDS_A_DAY;
    }
    if (value instanceof OffsetDateTime time) {
      return days(time.withOffsetSameInstant(ZoneOffset.UTC).toLocalDateTime());
    }
    if (value instanceof ZonedDateTime time) {
      return days(time.toOffsetDateTime());
    }
    if (value instanceof Instant instant) {
      double seconds = instant.getEpochSecond() + instant.getNano() / NANOS_A_SECOND;
      return seconds / SECONDS_A_DAY;
    }
    if (value instanceof java.sql.Timestamp stamp) {
      return days(stamp.toLocalDateTime());
    }
    if (value instanceof java.sql.Date day) {
      return days(day.toLocalDate());
    }
    if (value instanceof java.sql.Time) {
      return Double.NaN;
    }
    return value instanceof Date date ? days(Instant.ofEpochMilli(date.getTime())) : Double.NaN;
  }
}
