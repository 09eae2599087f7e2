/**
 * The Java side of {@code make bench}: contestants that bench.py starts as processes, so that
 * rounds of all of them can take turns ({@link dev.outboxrelay.benchmarks.Lane}), processes that do
 * one thing and end (the Cold ones), and JMH benchmarks of single steps. Start with {@code
 * relay/benchmarks/README.md}.
 */
package dev.outboxrelay.benchmarks;
