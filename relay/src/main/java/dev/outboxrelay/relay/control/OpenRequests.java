package dev.outboxrelay.relay.control;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/**
 * Requests that failed, or that were taken up, and have no answer yet. What one of them may have
 * done half, no other one may touch: it would do it again, or undo what is still to be told. For
 * one thread.
 */
final class OpenRequests {
  /** When to try them again. */
  private final Map<UUID, Long> failing = new HashMap<>();

  private final Map<UUID, Request> taken = new HashMap<>();

  /** Those that have to wait, of the last listing: none that came later goes before one of them. */
  private final List<Request> kept = new ArrayList<>();

  void failed(UUID id, long retryNanos) {
    failing.put(id, retryNanos);
  }

  /** Whether one has failed, and is not to be tried yet. */
  boolean waits(UUID id, boolean failingToo, long now) {
    Long retry = failing.get(id);
    return retry != null && (!failingToo || now - retry < 0);
  }

  boolean noneFails() {
    return failing.isEmpty();
  }

  /** One is written down as taken up. */
  void taken(Request request) {
    taken.put(request.id(), request);
  }

  void answered(UUID id) {
    failing.remove(id);
    taken.remove(id);
  }

  /** These are left. */
  void keep(Collection<UUID> there) {
    failing.keySet().retainAll(there);
    taken.keySet().retainAll(there);
    kept.clear();
  }

  /** Whether one has to wait until another one is answered; those that meet it wait behind it. */
  boolean keepBack(Request request) {
    boolean waits =
        request.verb() != Verb.RETRY_TOPIC
            && (taken.values().stream().anyMatch(other -> meet(other, request))
                || kept.stream().anyMatch(other -> meet(other, request)));
    if (waits && kept.stream().noneMatch(other -> other.id().equals(request.id()))) {
      kept.add(request);
    }
    return waits;
  }

  /** A replay may be on its way to any topic. */
  private static boolean meet(Request one, Request other) {
    if (one.id().equals(other.id())) {
      return false;
    }
    boolean discards = one.verb().discardsParked();
    if (discards != other.verb().discardsParked()) {
      return one.verb() == Verb.REPLAY_LETTERS || other.verb() == Verb.REPLAY_LETTERS;
    }
    return !discards || one.topic().equals(other.topic());
  }

  /** Whether dead letters are left to these requests. */
  boolean concernLetters() {
    return taken.values().stream().anyMatch(request -> !request.verb().discardsParked());
  }
}
