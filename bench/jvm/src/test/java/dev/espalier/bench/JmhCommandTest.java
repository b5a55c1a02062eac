// SPDX-License-Identifier: Apache-2.0
package dev.espalier.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Collection;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.profile.GCProfiler;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.ChainedOptionsBuilder;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.TimeValue;

class JmhCommandTest {
  private static ChainedOptionsBuilder inThisProcess(String benchmarks) {
    return new OptionsBuilder()
        .include(benchmarks)
        .param("workload", "I1")
        .param("batch", "1")
        .param("joining", "waiting")
        .forks(0)
        .warmupIterations(0)
        .measurementIterations(1)
        .measurementTime(TimeValue.milliseconds(50));
  }

  @Test
  void allBenchmarksRun() throws RunnerException {
    Collection<RunResult> results =
        new Runner(inThisProcess("PredictBenchmark|ArrayBenchmark|BatchingBenchmark").build())
            .run();
    assertEquals(4, results.size());
    results.forEach(result -> assertTrue(result.getPrimaryResult().getScore() > 0));
    List<String> found = JmhCommand.allocations(results);
    assertEquals(1, found.size(), "without a profiler there is no proof");
    assertTrue(found.get(0).endsWith("unknown"), found::toString);
  }

  @Test
  void theProfilerTellsBytesACall() throws RunnerException {
    Collection<RunResult> results =
        new Runner(inThisProcess("PredictBenchmark").addProfiler(GCProfiler.class).build()).run();
    // A cold start in a process with other threads is no proof either way; ci/bench --jmh is.
    assertTrue(JmhCommand.allocations(results).stream().noneMatch(s -> s.contains("unknown")));
  }
}
