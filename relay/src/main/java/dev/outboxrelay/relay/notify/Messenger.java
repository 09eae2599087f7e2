package dev.outboxrelay.relay.notify;

import java.util.List;

/** Brings messages to the service manager. */
interface Messenger {
  /**
   * Delivers them together; a failure is logged and goes no further. May take some milliseconds.
   *
   * @param assignments as in sd_notify(3): {@code READY=1}, {@code STATUS=…}
   */
  void tell(List<String> assignments);
}
