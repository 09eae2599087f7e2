package dev.outboxrelay.relay;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import dev.outboxrelay.client.Outbox;
import dev.outboxrelay.client.OutboxBuilder;

/** What may know what in the Java client, whose own tests take no library for it. */
@AnalyzeClasses(
    packages = "dev.outboxrelay.client",
    importOptions = ImportOption.DoNotIncludeTests.class)
class ClientArchitectureTest {
  private static final String ROOT = "dev.outboxrelay.client.";

  /** Holds for packages to come as well. */
  @ArchTest
  static final ArchRule PACKAGES_DEPEND_IN_ONE_DIRECTION =
      slices().matching(ROOT + "(**)").should().beFreeOfCycles();

  @ArchTest
  static final ArchRule AN_APPEND_GOES_DOWN =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("writing")
          .definedBy(ROOT + "writing..")
          .layer("files")
          .definedBy(ROOT + "files..")
          .layer("lock")
          .definedBy(ROOT + "lock..")
          .layer("disk")
          .definedBy(ROOT + "disk..")
          .layer("cycle")
          .definedBy(ROOT + "cycle..")
          .layer("record")
          .definedBy(ROOT + "record..")
          .whereLayer("writing")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("files")
          .mayOnlyBeAccessedByLayers("writing")
          .whereLayer("lock")
          .mayOnlyBeAccessedByLayers("writing")
          .whereLayer("disk")
          .mayOnlyBeAccessedByLayers("writing", "files", "lock", "cycle")
          .whereLayer("cycle")
          .mayOnlyBeAccessedByLayers("writing", "files")
          .whereLayer("record")
          .mayOnlyBeAccessedByLayers("writing", "files", "lock", "cycle");

  /** Of the API they know the events, the receipts and the errors. */
  @ArchTest
  static final ArchRule WHAT_IS_INSIDE_DOES_NOT_KNOW_ITS_ENTRANCE =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "*..")
          .should()
          .dependOnClassesThat()
          .belongToAnyOf(Outbox.class, OutboxBuilder.class);

  @ArchTest
  static final ArchRule NO_PACKAGE_IS_A_DUMPING_GROUND =
      classes()
          .should()
          .resideOutsideOfPackages(
              "..util..", "..utils..", "..common..", "..impl..", "..manager..", "..helper..");
}
