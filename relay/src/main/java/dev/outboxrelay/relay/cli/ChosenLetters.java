package dev.outboxrelay.relay.cli;

import dev.outboxrelay.client.files.OutboxPaths;
import dev.outboxrelay.client.record.OutboxRecord;
import dev.outboxrelay.relay.control.Selection;
import dev.outboxrelay.relay.control.Unfound;
import dev.outboxrelay.relay.deadletter.Fate;
import dev.outboxrelay.relay.deadletter.Fates;
import dev.outboxrelay.relay.inspect.DeadLetter;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;

/** The dead letters that a command shows, and what it names in vain. For one thread. */
final class ChosenLetters {
  private final OutboxPaths outbox;
  private final Fates fates;
  private final Selection selection;
  private final boolean done;
  private final Unfound unfound;
  private boolean none = true;
  private boolean all; // were visited

  /**
   * Looks at none yet.
   *
   * @param done whether it is also about those of which something was done
   */
  ChosenLetters(OutboxPaths outbox, Selection selection, boolean done) throws IOException {
    this.outbox = outbox;
    this.fates = Fates.read(outbox.deadLetters());
    this.selection = selection;
    this.done = done;
    this.unfound = new Unfound(selection);
  }

  /** Visits them; the visitor returns false to end that. */
  void each(BiPredicate<DeadLetter, Optional<Fate>> visitor) throws IOException {
    all = true;
    DeadLetter.each(
        outbox,
        letter -> {
          Optional<Fate> fate = fates.of(letter.number());
          OutboxRecord event = letter.event().orElse(null);
          if ((fate.isPresent() && !done)
              || !selection.matches(letter.number(), letter.reason(), event)) {
            return true;
          }
          none = false;
          unfound.found(letter.number(), event);
          all = visitor.test(letter, fate);
          return all;
        });
  }

  /** Tells what was not found, if all were visited; returns the command's exit code. */
  int tellUnfound(PrintWriter err) {
    List<String> names = all ? unfound.names() : List.of();
    if (names.isEmpty()) {
      if (all && none && !selection.isAll()) {
        err.println("no dead letter matches");
      }
      return ExitCode.OK;
    }
    err.println(
        "outbox-relay: there is no dead letter "
            + String.join(", ", names)
            + (done ? "" : "; with --done also those are shown that were replayed or discarded"));
    return ExitCode.PROBLEMS_FOUND;
  }
}
