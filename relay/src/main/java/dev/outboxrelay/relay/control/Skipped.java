package dev.outboxrelay.relay.control;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** Dead letters that were asked for and are left as they are. For one thread. */
final class Skipped {
  private long notSettled;
  private long refused;
  private String because; // the first of them was
  private long failed;
  private String failedBecause; // the first of them has
  private String unreadBecause; // null if all could be read

  /** Its outbox has not saved yet that it gave it up. */
  void notSettled() {
    notSettled++;
  }

  void refused(String reason) {
    refused++;
    because = because == null ? reason : because;
  }

  /** The disk, or what stands in the topic's place, does not take it. */
  void failed(String reason) {
    failed++;
    failedBecause = failedBecause == null ? reason : failedBecause;
  }

  /** Some can't be read now; whether these were asked for is not known. */
  void unread(String reason) {
    unreadBecause = unreadBecause == null ? reason : unreadBecause;
  }

  boolean hasUnread() {
    return unreadBecause != null;
  }

  /**
   * The others that were asked for were not met any more.
   *
   * @param left of how many nothing was done
   */
  void notMet(long left) {
    long notMet = left - notSettled - refused - failed;
    if (notMet > 0) {
      failed += notMet;
      String reason = unreadBecause == null ? "they are lost or damaged" : unreadBecause;
      failedBecause = failedBecause == null ? reason : failedBecause;
    }
  }

  void add(Skipped more) {
    notSettled += more.notSettled;
    refused += more.refused;
    because = because == null ? more.because : because;
    failed += more.failed;
    failedBecause = failedBecause == null ? more.failedBecause : failedBecause;
  }

  void putInto(ObjectNode node) {
    node.put("not_settled", notSettled);
    node.put("refused", refused);
    node.put("refused_because", because);
    node.put("failed", failed);
    node.put("failed_because", failedBecause);
    node.put("unread_because", unreadBecause);
  }
}
