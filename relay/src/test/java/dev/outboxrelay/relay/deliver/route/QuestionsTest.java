package dev.outboxrelay.relay.deliver.route;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.relay.fact.PauseReason;
import dev.outboxrelay.relay.fact.Trouble;
import dev.outboxrelay.relay.fact.Verdict;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

class QuestionsTest {
  private static final long MILLI = 1_000_000;
  private static final long SECOND = 1_000 * MILLI;

  private final Questions questions = new Questions();
  private long now = 100 * SECOND;

  private static List<Route> routes(int count) {
    List<Route> routes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      routes.add(new Route("t" + i, 0));
    }
    return routes;
  }

  /** They wait for their first question, as something else is awaited. */
  private List<Route> waiting(int count) {
    List<Route> routes = routes(count);
    questions.asked(new Question.Alone(new Route("other", 0)), now);
    routes.forEach(route -> assertThat(questions.isNext(route, true, now)).isFalse());
    questions.answered();
    return routes;
  }

  private void bar(Route route, int attempts, long backoff) {
    Verdict missing = new Verdict.PauseTopic(route.topic(), PauseReason.TOPIC_MISSING, "missing");
    route.bar(new Trouble(missing, 1_000, attempts), now + backoff, now);
    questions.plan(route);
  }

  private List<Route> barred(int count, long backoff) {
    List<Route> routes = routes(count);
    routes.forEach(route -> bar(route, 1, backoff));
    return routes;
  }

  /** What is asked now; none of it if nothing is. */
  private Set<Route> ask(boolean manyAreBarred) {
    Question next = questions.next(manyAreBarred, now);
    if (next == null) {
      return Set.of();
    }
    questions.asked(next, now);
    return next.routes();
  }

  private static Set<String> topics(Set<Route> routes) {
    return routes.stream().map(Route::topic).collect(Collectors.toSet());
  }

  @Test
  void theyAreAskedForTogetherFromSomeNumberOn() {
    List<Route> few = waiting(Questions.MANY - 1);
    for (Route each : few) {
      assertThat(ask(true)).containsExactly(each);
      questions.answered();
    }
    List<Route> many = waiting(Questions.MANY);
    assertThat(questions.isNext(many.get(0), true, now)).isFalse();
    assertThat(ask(true)).containsExactlyElementsOf(many);
    assertThat(ask(true)).isEmpty();
    assertThat(many).allMatch(questions::awaits);
  }

  @Test
  void aQuestionIsBounded() {
    List<Route> many = waiting(2 * Questions.MOST_TOGETHER + 1);
    Set<Route> asked = new HashSet<>();
    for (int i = 0; i < 2; i++) {
      Set<Route> some = ask(true);
      assertThat(some).hasSize(Questions.MOST_TOGETHER);
      asked.addAll(some);
      questions.answered(topics(some), true, now);
    }
    assertThat(asked).hasSize(2 * Questions.MOST_TOGETHER);
    assertThat(ask(true)).containsExactly(many.get(many.size() - 1));
  }

  @Test
  void ofWhichNothingBadIsToldIsAskedForAloneBeforeOthers() {
    List<Route> first = waiting(Questions.MANY);
    ask(true);
    List<Route> later = routes(2 * Questions.MANY).subList(Questions.MANY, 2 * Questions.MANY);
    later.forEach(route -> questions.isNext(route, true, now));
    questions.answered(Set.of("t0", "t1", "t2", "t3", "t4"), true, now);
    for (Route unclear : first.subList(5, Questions.MANY)) {
      assertThat(questions.next(true, now)).isEqualTo(new Question.Alone(unclear));
      assertThat(questions.isNext(unclear, true, now)).isTrue();
      ask(true);
      questions.answered();
    }
    assertThat(ask(true)).containsExactlyElementsOf(later);
  }

  @Test
  void whereNobodyAnswersForManyTheyAreAskedForAloneForSomeTime() {
    List<Route> first = waiting(Questions.MANY);
    ask(true);
    questions.answered(Set.of(), false, now);
    for (Route each : first) {
      assertThat(questions.next(true, now)).isEqualTo(new Question.Alone(each));
      ask(true);
      questions.answered();
    }
    List<Route> later = waiting(Questions.MANY);
    assertThat(questions.next(true, now)).isEqualTo(new Question.Alone(later.get(0)));
    now += 10 * SECOND;
    assertThat(ask(true)).containsExactlyElementsOf(later);
  }

  @Test
  void whatIsBarredIsFoundToBeThereByTheSenderAlone() {
    List<Route> barred = barred(Questions.MANY, SECOND);
    now += SECOND;
    assertThat(ask(true)).hasSize(Questions.MANY);
    questions.answered(Set.of("t1", "t2", "t3", "t4", "t5", "t6", "t7"), true, now);
    assertThat(questions.next(true, now)).isEqualTo(new Question.Alone(barred.get(0)));
  }

  @Test
  void nothingBarredIsAskedForTwiceBeforeOneThatWaitsForItsFirstQuestion() {
    List<Route> barred = barred(Questions.MANY, SECOND);
    now += SECOND;
    assertThat(ask(true)).containsExactlyInAnyOrderElementsOf(barred);
    Route first = new Route("first", 0);
    assertThat(questions.isNext(first, true, now)).isFalse();
    questions.answered(topics(Set.copyOf(barred)), true, now);
    barred.forEach(route -> bar(route, 1, 0));
    now += SECOND;
    assertThat(ask(true)).containsExactly(first);
  }

  @Test
  void anotherSenderIsAskedForWhatIsBarred() {
    waiting(Questions.MANY);
    ask(true);
    List<Route> barred = barred(Questions.MANY, 0);
    questions.renew(barred);
    assertThat(barred).noneMatch(questions::awaits);
    assertThat(ask(true)).containsExactlyInAnyOrderElementsOf(barred);
  }

  /** Of one topic. */
  private static final class Asked {
    private int questions;
    private int alone;
    private long nanos;
    private long late;
  }

  @Test
  void thousandsThatAreBarredAreAskedForByTheirBackoffInFewRequestsAndEachSometimesAlone() {
    Map<Route, Asked> all = new HashMap<>();
    for (Route route : barred(10_000, 0)) {
      all.put(route, new Asked());
      all.get(route).nanos = now;
    }
    SplittableRandom jitter = new SplittableRandom(1);
    int requests = 0;
    long end = now + 600 * SECOND;
    for (; now < end; now += MILLI) {
      Set<Route> routes = ask(true);
      requests += routes.isEmpty() ? 0 : 1;
      questions.answered(topics(routes), true, now);
      for (Route route : routes) {
        route.unavailable();
        Asked asked = all.get(route);
        asked.late = Math.max(asked.late, now - asked.nanos);
        asked.alone += routes.size() == 1 ? 1 : 0;
        long ceiling = Math.min(60, 1L << asked.questions++) * SECOND;
        long backoff = ceiling / 2 + jitter.nextLong(ceiling / 2);
        asked.nanos = now + backoff;
        bar(route, 1, backoff);
      }
    }
    assertThat(all.values()).extracting(asked -> asked.alone).allMatch(alone -> alone >= 3);
    assertThat(all.values()).extracting(asked -> asked.questions).allMatch(count -> count >= 12);
    assertThat(all.values()).extracting(asked -> asked.late).allMatch(late -> late <= 5 * SECOND);
    int questionsAsked = all.values().stream().mapToInt(asked -> asked.questions).sum();
    assertThat(requests).isLessThan(questionsAsked / 2).isLessThan(600 * 100);
  }
}
