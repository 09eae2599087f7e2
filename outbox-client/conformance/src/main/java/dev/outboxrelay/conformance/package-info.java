/**
 * The Java programs that the cross-language tests start.
 *
 * <p>{@link dev.outboxrelay.conformance.ChronicleMain} is Chronicle Queue itself, reading what the
 * clients wrote and creating files to compare with theirs. The tests are in Python, beside this
 * module; README.md says where to start.
 */
package dev.outboxrelay.conformance;
