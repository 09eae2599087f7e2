package dev.outboxrelay.relay;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.outboxrelay.relay.metrics.RelayMetrics;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

/** What may know what. */
@AnalyzeClasses(
    packages = "dev.outboxrelay.relay",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String ROOT = "dev.outboxrelay.relay.";

  /** An event's way from the queue to the saved position. */
  private static final String[] PATH = {
    ROOT + "tail..",
    ROOT + "fact..",
    ROOT + "deliver..",
    ROOT + "kafka..",
    ROOT + "settle..",
    ROOT + "sync..",
    ROOT + "deadletter..",
    ROOT + "copy..",
    ROOT + "park..",
    ROOT + "quarantine..",
    ROOT + "pipeline.."
  };

  private static final String[] OUTSIDE = {
    ROOT + "cli..",
    ROOT + "http..",
    ROOT + "history..",
    ROOT + "metrics..",
    ROOT + "inspect..",
    ROOT + "doctor..",
    ROOT + "notify..",
    ROOT + "reload.."
  };

  @ArchTest
  static final ArchRule ONE_CLASS_KNOWS_CHRONICLE =
      noClasses()
          .that()
          .doNotHaveFullyQualifiedName(ROOT + "tail.QueueTail")
          .and()
          .haveNameNotMatching(".*\\.tail\\.QueueTail\\$.*")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("net.openhft..");

  @ArchTest
  static final ArchRule ONE_PACKAGE_KNOWS_KAFKA =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "kafka..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.kafka..");

  @ArchTest
  static final ArchRule THE_PATH_DOES_NOT_KNOW_WHO_LOOKS_AT_IT =
      noClasses()
          .that()
          .resideInAnyPackage(PATH)
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(OUTSIDE);

  @ArchTest
  static final ArchRule READING_FROM_OUTSIDE_NEEDS_NO_PIPELINE =
      noClasses()
          .that()
          .resideInAnyPackage(ROOT + "inspect..", ROOT + "doctor..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              ROOT + "tail..", ROOT + "settle..", ROOT + "sync..", ROOT + "pipeline..");

  @ArchTest
  static final ArchRule NOTHING_KNOWS_THE_COMMAND_LINE =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "cli..", "picocli..");

  @ArchTest
  static final ArchRule PACKAGES_DEPEND_IN_ONE_DIRECTION =
      slices().matching("dev.outboxrelay.relay.(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule METERS_ARE_A_MATTER_OF_THE_METRICS =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "metrics..", ROOT + "kafka.meters..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("io.micrometer..", "io.prometheus..");

  @ArchTest
  static final ArchRule ONLY_THE_METRICS_KNOW_KAFKAS_METERS =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "metrics..", ROOT + "kafka.meters..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(ROOT + "kafka.meters..");

  @ArchTest
  static final ArchRule EVERYBODY_LOGS_THROUGH_SLF4J =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "log..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("ch.qos.logback..", "java.util.logging..");

  @ArchTest
  static final ArchRule ONLY_COMMANDS_END_THE_PROCESS =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "cli..")
          .should()
          .callMethod(System.class, "exit", int.class)
          .orShould()
          .callMethod(Runtime.class, "halt", int.class);

  @ArchTest
  static final ArchRule NO_PACKAGE_IS_A_DUMPING_GROUND =
      classes()
          .should()
          .resideOutsideOfPackages(
              "..util..", "..utils..", "..common..", "..impl..", "..manager..", "..helper..");

  /** A rule that can't fail shows nothing. */
  static final class KnowsKafkaAndTheMetrics {
    TopicPartition partition;
    RelayMetrics metrics;
  }

  @Test
  void aClassThatKnowsTooMuchIsFound() {
    JavaClasses offender = new ClassFileImporter().importClasses(KnowsKafkaAndTheMetrics.class);

    assertThat(ONE_PACKAGE_KNOWS_KAFKA.evaluate(offender).hasViolation()).isTrue();
    assertThat(
            noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(OUTSIDE)
                .evaluate(offender)
                .hasViolation())
        .isTrue();
    assertThat(EVERYBODY_LOGS_THROUGH_SLF4J.evaluate(offender).hasViolation()).isFalse();
  }
}
