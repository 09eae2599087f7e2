package dev.outboxrelay.relay.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxEvent;
import dev.outboxrelay.relay.doctor.Finding.Grade;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryChecksTest {
  @TempDir private Path parent;
  private Path outbox;

  @BeforeEach
  void place() {
    outbox = parent.resolve("outbox");
  }

  @Test
  void anOutboxThatAClientMadeIsFine() {
    append();

    assertThat(new DirectoryChecks(outbox, false).findings())
        .filteredOn(finding -> finding.grade() == Grade.PROBLEM)
        .isEmpty();
    assertThat(finding("directory").grade()).isEqualTo(Grade.OK);
    assertThat(finding("files").grade()).isEqualTo(Grade.OK);
  }

  @Test
  void anOutboxThatIsNotThereYetIsFineToo() {
    assertThat(finding("directory").grade()).isEqualTo(Grade.OK);
    assertThat(finding("directory").detail()).contains("does not exist yet");
  }

  @Test
  void aMissingParentIsAProblem() {
    outbox = parent.resolve("a").resolve("outbox");

    assertThat(finding("directory").grade()).isEqualTo(Grade.PROBLEM);
  }

  @Test
  void aParentThatEverybodyMayWriteIsAProblemUnlessItIsTrusted() throws IOException {
    Files.setPosixFilePermissions(parent, PosixFilePermissions.fromString("rwxrwxrwx"));

    assertThat(finding("parent").grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding("parent").advice()).contains("OUTBOX_TRUST_PARENT=1");
    assertThat(new DirectoryChecks(outbox, true).findings())
        .filteredOn(finding -> finding.check().equals("parent"))
        .extracting(Finding::grade)
        .containsExactly(Grade.OK);
  }

  @Test
  void aLinkInPlaceOfTheOutboxIsAProblem() throws IOException {
    Path elsewhere = Files.createDirectory(parent.resolve("elsewhere"));
    Files.createSymbolicLink(outbox, elsewhere);

    assertThat(finding("directory").grade()).isEqualTo(Grade.PROBLEM);
  }

  @Test
  void anotherModeThanOursIsAWarningAndAWorldWritableOneAProblem() throws IOException {
    append();
    Files.setAttribute(outbox, "unix:mode", 0700);
    assertThat(finding("directory").grade()).isEqualTo(Grade.WARNING);

    Files.setAttribute(outbox, "unix:mode", 02777);
    assertThat(finding("directory").grade()).isEqualTo(Grade.PROBLEM);
  }

  @Test
  void aFileThatTheClientsWouldRefuseIsNamed() throws IOException {
    append();
    Files.createLink(parent.resolve("second-name"), outbox.resolve("outbox.state"));

    assertThat(finding("files").grade()).isEqualTo(Grade.PROBLEM);
    assertThat(finding("files").detail())
        .isEqualTo(outbox.resolve("outbox.state") + " has 2 hard links");
  }

  private void append() {
    try (Outbox client = Outbox.builder().path(outbox).trustParent(true).open()) {
      client.append(OutboxEvent.of("orders", "value"));
    }
  }

  private Finding finding(String check) {
    return new DirectoryChecks(outbox, false)
        .findings().stream()
            .filter(finding -> finding.check().equals(check))
            .findFirst()
            .orElseThrow();
  }
}
