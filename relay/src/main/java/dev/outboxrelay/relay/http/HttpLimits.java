package dev.outboxrelay.relay.http;

import java.time.Duration;

/**
 * What clients may take of one port, all together and each.
 *
 * @param connections that are open at once; one more ends the oldest
 * @param headBytes of a request
 * @param head how long a request may take to come in
 * @param thinking how long an answer may take to be made
 * @param writing how long an answer may take to go out
 * @param parting how long is listened to a client that was answered, so that its system does not
 *     throw the answer away
 * @param unsentBytes of all answers that wait for slow readers; more ends the one that has taken
 *     none for longest
 */
record HttpLimits(
    int connections,
    int headBytes,
    Duration head,
    Duration thinking,
    Duration writing,
    Duration parting,
    long unsentBytes) {

  static final HttpLimits DEFAULT =
      new HttpLimits(
          64,
          8 << 10,
          Duration.ofSeconds(10),
          Duration.ofSeconds(30),
          Duration.ofSeconds(10),
          Duration.ofSeconds(1),
          4L << 20);
}
