package dev.outboxrelay.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The tests run on the class path, so they look at the descriptor of what was built. */
class ModuleTest {
  private final ModuleDescriptor module = descriptor();

  @Test
  void users_see_nothing_but_the_api() {
    List<ModuleDescriptor.Exports> exports = List.copyOf(module.exports());
    assertEquals(1, exports.size(), exports::toString);
    assertEquals("dev.outboxrelay.client", exports.get(0).source());
    assertFalse(exports.get(0).isQualified());
    assertEquals(Set.of(), module.opens());
    assertTrue(module.packages().size() > 1, "the inner packages are part of the module");
  }

  @Test
  void the_module_needs_nothing_but_the_base_of_the_jdk() {
    assertEquals(
        Set.of("java.base"),
        module.requires().stream()
            .map(ModuleDescriptor.Requires::name)
            .collect(Collectors.toSet()));
  }

  private static ModuleDescriptor descriptor() {
    String built = Outbox.class.getProtectionDomain().getCodeSource().getLocation().getPath();
    return ModuleFinder.of(Path.of(built))
        .find("dev.outboxrelay.client")
        .orElseThrow()
        .descriptor();
  }
}
